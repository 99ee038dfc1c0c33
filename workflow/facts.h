/*
 * The facts of a file, from the rows of case_lock and case_facts (db/case.h): what decide() judges. Pages use it to
 * know which buttons to draw (facts_assume_body() first); fire() uses it under the lock and adds what the body brings.
 */
#ifndef WORKFLOW_FACTS_H
#define WORKFLOW_FACTS_H

#include "../db/db.h"
#include "workflow.h"

/* Why a policy is asked: the eligibility of the day of the deposit. */
typedef bool facts_expert_on(const void *context, day_t deposit);

/* `file` is the row of case_lock (or a page's select of the same columns), `more` that of case_facts. */
void facts_read(const struct rows *file, const struct rows *more, const struct identity *who, instant_t now,
		const struct policy *policy, facts_expert_on *expert_on, const void *context, struct facts *out);

/* One piece as case_facts tells it: "id|kind|row|scan|opened|opened with a reason|new since the request|problem". */
struct piece_fact {
	int64_t id;
	const char *kind, *for_row, *scan, *problem;
	bool opened, reasoned, recent;
};
size_t facts_pieces(const struct rows *more, struct pool *pool, struct piece_fact **out);
/* Since the request for correction: did a piece that this item unlocks come, or go? */
bool facts_piece_changed(const struct rows *more, struct pool *pool, const char *item_field, const char *item_piece);

#endif
