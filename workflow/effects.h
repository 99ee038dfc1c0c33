/*
 * What an event writes beside itself, in its transaction: copies, items, opinions, signatures, messages, outbox rows.
 * Called by fire.c only, between the decision and the COMMIT; it queues statements and never waits.
 *
 * Who is told what is one table (letters[] in effects.c): a letter is a file server/mail/<kind>.html.
 */
#ifndef WORKFLOW_EFFECTS_H
#define WORKFLOW_EFFECTS_H

#include "../forms/xml.h"
#include "fire.h"

/* All that a firing has learnt under the lock. */
struct firing_facts {
	const struct rows *file, *more; /* case_lock, case_facts */
	const struct transition *row;
	struct moves moves;
	struct facts facts;
	instant_t at;
	int64_t seq;
	const char *actor, *state_before, *caisse_before, *caisse_after, *document;
	day_t effective, until;
	/* copies, where the event needs them */
	struct values working, frozen;
	bool has_working, has_frozen;
	char *canonical; /* of working: what is frozen */
	size_t canonical_size;
	const struct rows *items, *route, *parent;
	int64_t child;              /* amend: its id */
	const struct rows *profile; /* amend: what was kept up to date */
	const struct keyring *keys;
};

/* Everything that must stand before the event row (signatures, a replaced parent's end). */
int effects_before(struct firing *f, struct firing_facts *w, struct segment *s, struct err *e) MUST_USE;
/* Everything else. */
int effects_after(struct firing *f, struct firing_facts *w, struct segment *s, struct err *e) MUST_USE;

/* Appends one event: body, hash, row, personal part, deltas. Used for the parent's end too. */
struct event_row {
	int64_t file, seq, holder; /* holder 0: nobody */
	instant_t at, deadline;
	const char *event, *from, *to, *role, *actor, *caisse, *deadline_event, *return_to, *document, *prev_hash;
	const char *personal;     /* JSON with its salt, or NULL */
	const char *const *codes; /* reason and item codes: not personal */
	size_t code_count;
	bool eligible;
	day_t effective, until;
};
int event_append(struct segment *s, struct pool *pool, const struct keyring *keys, const struct event_row *row,
		 struct err *e) MUST_USE;

#endif
