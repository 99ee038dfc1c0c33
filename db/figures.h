/*
 * The figures: totals as of any date, by caisse, département (the caisse's), région and country, files without a caisse
 * included as 'non_rattache', so that the sums of all levels are always equal.
 *
 * Writing: each event carries its deltas, in its own transaction, in the flight that inserts the event:
 *
 *	struct figures_event f = { .file = id, .seq = version + 1, .at = at, .event = "approve", .from = "in_review",
 *	                           .to = "to_sign", .caisse_before = "595", .caisse_after = "595",
 *	                           .state_since = file.state_since };
 *	figures_ask_event(s, pool, &f);
 *
 * Reading: a total is that of the last closed day plus the later deltas; what has closed never changes.
 */
#ifndef DB_FIGURES_H
#define DB_FIGURES_H

#include <stdbool.h>
#include <stdint.h>
#include "db.h"

struct figures_event {
	int64_t file, seq;
	instant_t at;                             /* the event's */
	const char *event, *from, *to;            /* ids of workflow.h */
	const char *caisse_before, *caisse_after; /* NULL or "": non rattaché */
	instant_t state_since;                    /* when `from` was entered: file.state_since before the event */
	const char *const *reasons;               /* codes, of a refusal; counted once each */
	size_t reason_count;
};
/*
 * Asks one to three statements after the event's INSERT; call it for every event (it asks nothing where nothing counts).
 * A state that changes: -1 / +1; flows (submitted, approved, refused, refused:CODE, conventioned, ended); a caisse that
 * changes takes all the file has counted so far with it; a state left: its stage row. Drafts are not counted. The day is
 * that of `at` in Paris, or the first day still open. Returns how many statements were asked.
 */
size_t figures_ask_event(struct segment *s, struct pool *pool, const struct figures_event *f);

/* Closes the days that can be, and publishes the month ends among them; *closed counts the days. Safe to call at once. */
int figures_close_days(struct lanes *l, struct pool *pool, int *closed, struct err *e) MUST_USE;

#endif
