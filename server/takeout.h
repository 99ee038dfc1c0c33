/*
 * What a person takes with them: a ZIP of all that the service keeps about them (domain.md §8).
 *
 *	struct takeout *t = takeout_new(pool);
 *	takeout_add(t, "donnees.json", text, n);            bytes that live as long as the pool
 *	takeout_add_piece(t, "dossiers/MSP-…/pieces", &read);  opened by the work itself
 *	job_work(j, takeout_build, t, next);                then t->zip, t->size, or t->err
 *
 * Names are made safe for a file system, and unique. It knows neither files nor pages: see server/pages/takeout.c.
 */
#ifndef SERVER_TAKEOUT_H
#define SERVER_TAKEOUT_H

#include "pieces.h"

struct takeout_entry {
	const char *name;
	const void *bytes;
	size_t size;
	struct piece_read *piece; /* or NULL */
};
struct takeout {
	struct pool *pool;
	struct takeout_entry *entries;
	size_t count, cap;
	unsigned char *zip;
	size_t size;
	struct err err;
};

struct takeout *takeout_new(struct pool *pool);
void takeout_add(struct takeout *t, const char *name, const void *bytes, size_t n);
/* `read` must live in the pool. One that is gone or does not open is told in a note instead. */
void takeout_add_piece(struct takeout *t, const char *folder, struct piece_read *read);
void takeout_build(void *takeout);
/* One part of a path: no separator, control, leading dot; at most 100 bytes. */
char *takeout_name(const char *name, struct pool *pool);

#endif
