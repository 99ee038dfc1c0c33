#include <stdlib.h>
#include <string.h>
#include "../server/base/crypto.h"
#include "../server/base/str.h"
#include "guards.h"

void facts_assume_body(struct facts *f)
{
	f->opinions_complete = f->reasons_given = f->has_text = true;
	f->items_given = f->items_answered = true;
	f->other_caisse_given = f->until_given = true;
	f->checklist_complete = f->pieces_settled = true;
	f->digest_ready = f->digest_unchanged = f->code_good = true;
	f->countersign_complete = true;
}

bool event_is_for(enum event ev, enum role role)
{
	for (size_t i = 0; i < transition_count; i++)
		if (transitions[i].event == ev && transitions[i].who & (unsigned)role)
			return true;
	return false;
}

int decide_row(enum state from, enum event ev, enum role role, struct err *e)
{
	bool for_event = false;

	for (size_t i = 0; i < transition_count; i++) {
		const struct transition *t = &transitions[i];

		if (t->from != from || t->event != ev)
			continue;
		if (t->who & (unsigned)role)
			return 0;
		for_event = true;
	}
	/* Who may never do this hears so, whatever the state: "it was moved" would promise that it could have been
	 * done. */
	if (for_event || !event_is_for(ev, role))
		return fail(e, ERR_DENIED, "why.role");
	return fail(e, ERR_STALE, WHY_NOT_HERE);
}

int decide(const struct facts *f, enum event ev, const struct transition **out, struct err *e)
{
	const char *why = NULL;

	if (decide_row(f->state, ev, f->role, e))
		return -1;

	for (size_t i = 0; i < transition_count; i++) {
		const struct transition *t = &transitions[i];
		const char *no;

		if (t->from != f->state || t->event != ev || !(t->who & (unsigned)f->role))
			continue;
		no = t->only_if(f);
		if (!no) {
			*out = t;
			return 0;
		}
		if (!why || str_eq(why, WHY_OTHER_WAY))
			why = no;
	}
	return fail(e, ERR_INPUT, why);
}

size_t decide_actions(const struct facts *f, enum event out[EVENTS])
{
	struct facts full = *f;
	size_t n = 0;

	facts_assume_body(&full);
	for (int ev = EV_NONE + 1; ev < EVENTS; ev++) {
		const struct transition *t;
		struct err e;

		if (!decide(&full, (enum event)ev, &t, &e))
			out[n++] = (enum event)ev;
	}
	return n;
}

struct moves transition_moves(const struct transition *t, const struct facts *f)
{
	struct moves m = { .eligible = f->eligible };

	if (t->event == EV_FIND_ELIGIBLE || t->event == EV_OVERTURN ||
	    (t->event == EV_CHECKS_PASSED && t->to != ST_EXPERT_REVIEW))
		m.eligible = true;
	if (t->to == ST_REFUSED && (t->event == EV_CONFIRM_INELIGIBLE || t->event == EV_PROPOSE_INELIGIBLE))
		m.eligible = false;

	/* Remembered until a file comes back to those who asked, through as many rounds of checks as it takes. */
	if (t->event == EV_ASK_CORRECTION)
		m.return_to = t->from;
	else if (t->event != EV_CHECKS_PASSED &&
		 (t->to == ST_CORRECTION || t->to == ST_SUBMITTED || t->to == ST_EXPERT_REVIEW))
		m.return_to = f->return_to;

	if (t->event == EV_ROUTE || t->event == EV_TRANSFER)
		m.caisse = CAISSE_BODY;
	else if (t->to == ST_UNROUTED)
		m.caisse = CAISSE_NONE;
	else if (t->to == ST_IN_REVIEW && (t->event == EV_CHECKS_PASSED || t->event == EV_FIND_ELIGIBLE))
		m.caisse = f->has_caisse && !f->route_changed ? CAISSE_KEEP : CAISSE_ROUTED;
	else if (t->to == ST_IN_REVIEW && t->event == EV_OVERTURN)
		m.caisse = f->has_caisse || f->role == DELEGATE ? CAISSE_KEEP : CAISSE_ROUTED;

	if (t->event == EV_CLAIM || t->event == EV_TAKE_OVER)
		m.holder = HOLDER_ACTOR;
	else if (t->event == EV_RELEASE || m.caisse != CAISSE_KEEP || state_is_final(t->to) || t->to == ST_CONVENTIONED)
		m.holder = HOLDER_NOBODY;
	return m;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *workflow_print(struct pool *pool)
{
	static const enum role roles[] = {
		VISITOR, APPLICANT, EMPLOYER, EXPERT, DELEGATE, REGION, ADMIN, CLOCK, SYSTEM
	};
	const char **lines = POOL_ARRAY(pool, const char *, transition_count *COUNT(roles));
	struct str s = str_in(pool);
	size_t n = 0;

	for (size_t i = 0; i < transition_count; i++) {
		const struct transition *t = &transitions[i];

		for (size_t r = 0; r < COUNT(roles); r++)
			if (t->who & (unsigned)roles[r])
				lines[n++] = pool_printf(pool, "%s %s %s %s\n", state_id(t->from), event_id(t->event),
							 role_id(roles[r]), state_id(t->to));
	}
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++)
		if (!i || strcmp(lines[i], lines[i - 1]) != 0)
			str_add(&s, lines[i]);
	return s.s;
}

char *workflow_digest(struct pool *pool)
{
	const char *text = workflow_print(pool);

	return crypto_sha256_hex(pool, text, strlen(text));
}
