/*
 * The history, checked by whoever doubts it: one hash chain a file, and every hour the signed Merkle root of all heads.
 *
 *	hash = SHA-256(prev_hash || body), both as text; body is canonical JSON (RFC 8785) and holds, as "personal", the
 *	SHA-256 of the erasable part (which begins with a salt): erasing it never breaks the chain.
 *
 * A person's exported history (historique.json) carries its own proof and is checked without a database:
 *
 *	{"format": "enroll-history-1", "file": 3, "number": "MSP-…", "events": [{"seq", "prev_hash", "hash",
 *	 "body": "…", "personal": "…" or null}, …]}
 *
 * The signed roots are those of chain.h.
 */
#ifndef SERVER_AUDIT_H
#define SERVER_AUDIT_H

#include "json.h"
#include "service.h"

struct audit {
	int64_t files, events, roots, personal, erased;
	int64_t problems;
	struct str told; /* a line each: "file 3 event 2: hash" */
};

/* Walks everything. 0 even when problems were found; -1 when it could not be read. */
int audit_database(struct service *s, struct lanes *l, struct pool *pool, struct audit *out, struct err *e) MUST_USE;
/* One exported history. ERR_INPUT "json.bad" when it is none. */
int audit_export(const char *json, struct pool *pool, struct audit *out, struct err *e) MUST_USE;

struct file_view;
/* The exported history of a file that was read. */
void audit_write(const struct file_view *v, struct json *out);

#endif
