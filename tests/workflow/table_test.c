/*
 * domain.md §3, row by row: with which facts each event is allowed and where it leads, and for each condition the
 * reason given when it alone is missing.
 */
#include <string.h>
#include "../lib/test.h"
#include "../../server/base/str.h"
#include "../../workflow/guards.h"

#define F(member) offsetof(struct facts, member)

struct refusal {
	size_t flip; /* the yes/no fact turned over, or 0 */
	void (*but)(struct facts *f);
	const char *why;
};

struct row {
	enum state from;
	enum event event;
	enum role role;
	enum state to;
	size_t yes[12]; /* facts that hold; the others do not */
	void (*also)(struct facts *f);
	struct refusal no[9];
};

static bool *fact(struct facts *f, size_t at)
{
	return (bool *)((char *)f + at);
}

static void amendment(struct facts *f)
{
	f->kind = KIND_AMENDMENT;
}

static void back_to_expert(struct facts *f)
{
	f->return_to = ST_EXPERT_REVIEW;
}

static void back_to_caisse(struct facts *f)
{
	f->return_to = ST_IN_REVIEW;
}

static void refused_by_expert(struct facts *f)
{
	f->refused_by_role = EXPERT;
}

static void refused_by_delegate(struct facts *f)
{
	f->refused_by_role = DELEGATE;
}

static void refused_by_clock(struct facts *f)
{
	f->refused_by_role = CLOCK;
}

static void gone_amendment(struct facts *f)
{
	f->kind = KIND_AMENDMENT;
	f->parent_gone = true;
}

static void held_by_another(struct facts *f)
{
	f->holds_it = false;
	f->held = true;
}

static void proposed_by_me_before(struct facts *f)
{
	f->proposed = f->proposed_by_me = true;
}

static void convention(struct facts *f)
{
	f->kind = KIND_CONVENTION;
}

#define CHECKS_NO                                                                                               \
	{ F(checks_run), NULL, "why.checks_running" }, { F(any_fail_unmaintained), NULL, "why.checks_failed" }, \
	{                                                                                                       \
		F(any_unavailable_recent), NULL, "why.source_unavailable"                                       \
	}
#define PASSED_NO                                                   \
	CHECKS_NO, { F(any_in_question), NULL, "why.in_question" }, \
	{                                                           \
		F(expert_policy), NULL, "why.expert_policy"         \
	}
#define CAISSE_NO                                             \
	{                                                     \
		F(of_its_caisse), NULL, "why.not_your_caisse" \
	}
#define HOLDER_NO                                            \
	CAISSE_NO, { F(holds_it), NULL, "why.not_claimed" }, \
	{                                                    \
		0, held_by_another, "why.not_holder"         \
	}
#define OWN_NO                                      \
	{                                           \
		F(owns_file), NULL, "why.not_yours" \
	}
#define DUE_NO                                            \
	{                                                 \
		F(deadline_passed), NULL, "why.too_early" \
	}
#define REASON_NO                                  \
	{                                          \
		F(has_text), NULL, "why.no_reason" \
	}
#define ORPHAN(state)                                                               \
	{                                                                           \
		state, EV_ORPHAN, SYSTEM, ST_CLOSED, { F(parent_gone) }, amendment, \
		{                                                                   \
			{ F(parent_gone), NULL, "why.parent_not_gone" },            \
			{                                                           \
				0, convention, "why.not_an_amendment"               \
			}                                                           \
		}                                                                   \
	}
#define WITHDRAW(state)                                                              \
	{                                                                            \
		state, EV_WITHDRAW, APPLICANT, ST_WITHDRAWN, { F(owns_file) }, NULL, \
		{                                                                    \
			OWN_NO                                                       \
		}                                                                    \
	}
#define PURGE(state)                                                        \
	{                                                                   \
		state, EV_PURGE, CLOCK, state, { F(retention_over) }, NULL, \
		{                                                           \
			{                                                   \
				F(retention_over), NULL, "why.retention"    \
			}                                                   \
		}                                                           \
	}
#define EXCLUDE(state)                                                                                               \
	{                                                                                                            \
		state, EV_EXCLUDE, DELEGATE, ST_ENDED, { F(of_its_caisse), F(findings_30_days), F(has_text) }, NULL, \
		{                                                                                                    \
			CAISSE_NO, { F(findings_30_days), NULL, "why.findings_too_recent" }, REASON_NO               \
		}                                                                                                    \
	}

/* clang-format off */
static const struct row rows[] = {
	{ ST_DRAFT, EV_SUBMIT, APPLICANT, ST_SUBMITTED, { F(owns_file), F(complete) }, NULL,
	  { OWN_NO, { F(complete), NULL, "why.incomplete" }, { F(other_live_file), NULL, "why.other_live_file" },
	    { 0, gone_amendment, "why.parent_gone" } } },
	{ ST_DRAFT, EV_SUBMIT, APPLICANT, ST_SUBMITTED, { F(owns_file), F(complete), F(parent_conventioned) }, amendment,
	  { { F(parent_gone), NULL, "why.parent_gone" } } },
	{ ST_DRAFT, EV_DISCARD, APPLICANT, ST_DELETED, { F(owns_file) }, NULL, { OWN_NO } },
	{ ST_DRAFT, EV_LAPSE, CLOCK, ST_DELETED, { F(deadline_passed) }, NULL, { DUE_NO } },

	{ ST_SUBMITTED, EV_CHECKS_FAILED, SYSTEM, ST_CORRECTION, { F(checks_run), F(any_fail_unmaintained) }, NULL,
	  { { F(checks_run), NULL, "why.checks_running" }, { F(any_fail_unmaintained), NULL, "why.no_failure" } } },
	{ ST_SUBMITTED, EV_CHECKS_NEED_HUMAN, SYSTEM, ST_EXPERT_REVIEW, { F(checks_run), F(any_in_question) }, NULL,
	  { CHECKS_NO, { F(any_in_question), NULL, "why.nothing_in_question" } } },
	/* the policy alone asks for a person, until eligibility is established */
	{ ST_SUBMITTED, EV_CHECKS_NEED_HUMAN, SYSTEM, ST_EXPERT_REVIEW, { F(checks_run), F(expert_policy) }, NULL,
	  { CHECKS_NO, { F(expert_policy), NULL, "why.nothing_in_question" },
	    { F(eligible), NULL, "why.nothing_in_question" } } },
	{ ST_SUBMITTED, EV_CHECKS_PASSED, SYSTEM, ST_IN_REVIEW, { F(checks_run), F(route_known) }, NULL, { PASSED_NO } },
	{ ST_SUBMITTED, EV_CHECKS_PASSED, SYSTEM, ST_IN_REVIEW,
	  { F(checks_run), F(route_known), F(expert_policy), F(eligible) }, NULL, { { F(eligible), NULL, "why.expert_policy" } } },
	{ ST_SUBMITTED, EV_CHECKS_PASSED, SYSTEM, ST_UNROUTED, { F(checks_run) }, NULL, { PASSED_NO } },
	{ ST_SUBMITTED, EV_CHECKS_PASSED, SYSTEM, ST_EXPERT_REVIEW, { F(checks_run), F(route_known) }, back_to_expert,
	  { PASSED_NO } },
	/* back to who asked; a caisse chosen by a person for a commune without one keeps the file */
	{ ST_SUBMITTED, EV_CHECKS_PASSED, SYSTEM, ST_IN_REVIEW, { F(checks_run), F(eligible), F(has_caisse), F(route_known) },
	  back_to_caisse, { CHECKS_NO } },
	{ ST_SUBMITTED, EV_CHECKS_PASSED, SYSTEM, ST_IN_REVIEW, { F(checks_run), F(eligible), F(has_caisse) },
	  back_to_caisse, { CHECKS_NO } },
	/* a corrected address */
	{ ST_SUBMITTED, EV_CHECKS_PASSED, SYSTEM, ST_IN_REVIEW,
	  { F(checks_run), F(eligible), F(has_caisse), F(route_known), F(route_changed) }, back_to_caisse, { CHECKS_NO } },
	{ ST_SUBMITTED, EV_CHECKS_PASSED, SYSTEM, ST_UNROUTED,
	  { F(checks_run), F(eligible), F(has_caisse), F(route_changed) }, back_to_caisse, { CHECKS_NO } },
	{ ST_SUBMITTED, EV_LAPSE, CLOCK, ST_REFUSED, { F(deadline_passed) }, NULL,
	  { DUE_NO, { F(eligible), NULL, "why.eligible_already" } } },

	{ ST_EXPERT_REVIEW, EV_FIND_ELIGIBLE, EXPERT, ST_IN_REVIEW, { F(opinions_complete), F(route_known) }, NULL,
	  { { F(opinions_complete), NULL, "why.opinions_missing" } } },
	{ ST_EXPERT_REVIEW, EV_FIND_ELIGIBLE, EXPERT, ST_IN_REVIEW, { F(opinions_complete), F(has_caisse) }, NULL,
	  { { F(opinions_complete), NULL, "why.opinions_missing" } } },
	{ ST_EXPERT_REVIEW, EV_FIND_ELIGIBLE, EXPERT, ST_IN_REVIEW,
	  { F(opinions_complete), F(has_caisse), F(route_known), F(route_changed) }, NULL,
	  { { F(opinions_complete), NULL, "why.opinions_missing" } } },
	{ ST_EXPERT_REVIEW, EV_FIND_ELIGIBLE, EXPERT, ST_UNROUTED, { F(opinions_complete) }, NULL,
	  { { F(opinions_complete), NULL, "why.opinions_missing" } } },
	{ ST_EXPERT_REVIEW, EV_PROPOSE_INELIGIBLE, EXPERT, ST_EXPERT_REVIEW, { F(reasons_given), F(two_experts) }, NULL,
	  { { F(reasons_given), NULL, "why.no_reasons" }, { F(proposed), NULL, "why.already_proposed" },
	    { 0, proposed_by_me_before, "why.same_expert" } } },
	{ ST_EXPERT_REVIEW, EV_PROPOSE_INELIGIBLE, EXPERT, ST_REFUSED, { F(reasons_given) }, NULL,
	  { { F(reasons_given), NULL, "why.no_reasons" } } },
	{ ST_EXPERT_REVIEW, EV_CONFIRM_INELIGIBLE, EXPERT, ST_REFUSED, { F(proposed), F(two_experts) }, NULL,
	  { { F(proposed), NULL, "why.not_proposed" }, { F(proposed_by_me), NULL, "why.same_expert" } } },
	{ ST_EXPERT_REVIEW, EV_OBJECT, EXPERT, ST_EXPERT_REVIEW, { F(proposed), F(two_experts) }, NULL,
	  { { F(proposed), NULL, "why.not_proposed" }, { F(proposed_by_me), NULL, "why.same_expert" } } },
	{ ST_EXPERT_REVIEW, EV_ASK_CORRECTION, EXPERT, ST_CORRECTION, { F(items_given) }, NULL,
	  { { F(items_given), NULL, "why.no_items" } } },
	{ ST_EXPERT_REVIEW, EV_LAPSE, CLOCK, ST_REFUSED, { F(deadline_passed) }, NULL,
	  { DUE_NO, { F(eligible), NULL, "why.eligible_already" } } },

	{ ST_CORRECTION, EV_RESUBMIT, APPLICANT, ST_SUBMITTED, { F(owns_file), F(items_answered), F(complete) }, NULL,
	  { OWN_NO, { F(items_answered), NULL, "why.items_unanswered" }, { F(complete), NULL, "why.incomplete" },
	    { F(other_live_file), NULL, "why.other_live_file" } } },
	{ ST_CORRECTION, EV_LAPSE, CLOCK, ST_CLOSED, { F(deadline_passed) }, NULL, { DUE_NO } },

	{ ST_UNROUTED, EV_ROUTE, ADMIN, ST_IN_REVIEW, { F(other_caisse_given), F(has_text) }, NULL,
	  { { F(other_caisse_given), NULL, "why.no_caisse_given" }, REASON_NO } },

	{ ST_IN_REVIEW, EV_CLAIM, DELEGATE, ST_IN_REVIEW, { F(of_its_caisse) }, NULL,
	  { CAISSE_NO, { F(held), NULL, "why.held" }, { F(holds_it), NULL, "why.already_yours" } } },
	{ ST_IN_REVIEW, EV_RELEASE, DELEGATE, ST_IN_REVIEW, { F(of_its_caisse), F(holds_it) }, NULL, { HOLDER_NO } },
	{ ST_IN_REVIEW, EV_TAKE_OVER, DELEGATE, ST_IN_REVIEW, { F(of_its_caisse), F(held), F(holder_idle) }, NULL,
	  { CAISSE_NO, { F(held), NULL, "why.not_held" }, { F(holds_it), NULL, "why.already_yours" },
	    { F(holder_idle), NULL, "why.holder_active" } } },
	{ ST_IN_REVIEW, EV_TRANSFER, DELEGATE, ST_IN_REVIEW,
	  { F(of_its_caisse), F(holds_it), F(other_caisse_given), F(has_text) }, NULL,
	  { HOLDER_NO, { F(other_caisse_given), NULL, "why.no_caisse_given" }, REASON_NO } },
	{ ST_IN_REVIEW, EV_TRANSFER, ADMIN, ST_IN_REVIEW, { F(other_caisse_given), F(has_text), F(held) }, NULL,
	  { { F(other_caisse_given), NULL, "why.no_caisse_given" }, REASON_NO } },
	{ ST_IN_REVIEW, EV_ASK_CORRECTION, DELEGATE, ST_CORRECTION, { F(of_its_caisse), F(holds_it), F(items_given) }, NULL,
	  { HOLDER_NO, { F(items_given), NULL, "why.no_items" } } },
	{ ST_IN_REVIEW, EV_APPROVE, DELEGATE, ST_TO_SIGN,
	  { F(of_its_caisse), F(holds_it), F(eligible), F(checklist_complete), F(pieces_settled), F(digest_ready) }, NULL,
	  { HOLDER_NO, { F(eligible), NULL, "why.not_eligible" }, { F(checklist_complete), NULL, "why.checklist" },
	    { F(pieces_settled), NULL, "why.pieces" }, { F(digest_ready), NULL, "why.convention_not_ready" } } },
	{ ST_IN_REVIEW, EV_REFUSE, DELEGATE, ST_REFUSED, { F(of_its_caisse), F(holds_it), F(reasons_given) }, NULL,
	  { HOLDER_NO, { F(reasons_given), NULL, "why.no_reasons" } } },

	{ ST_TO_SIGN, EV_SIGN, APPLICANT, ST_TO_COUNTERSIGN, { F(owns_file), F(digest_unchanged), F(code_good) }, NULL,
	  { OWN_NO, { F(applicant_signed), NULL, "why.already_signed" }, { F(digest_unchanged), NULL, "why.digest" },
	    { F(code_good), NULL, "why.code" } } },
	{ ST_TO_SIGN, EV_SIGN, APPLICANT, ST_TO_SIGN,
	  { F(owns_file), F(digest_unchanged), F(code_good), F(has_employer) }, NULL, { OWN_NO } },
	{ ST_TO_SIGN, EV_SIGN, APPLICANT, ST_TO_COUNTERSIGN,
	  { F(owns_file), F(digest_unchanged), F(code_good), F(has_employer), F(employer_signed) }, NULL, { OWN_NO } },
	{ ST_TO_SIGN, EV_EMPLOYER_SIGN, EMPLOYER, ST_TO_SIGN,
	  { F(has_employer), F(employer_offered), F(digest_unchanged), F(code_good) }, NULL,
	  { { F(has_employer), NULL, "why.no_employer" }, { F(employer_offered), NULL, "why.employer_not_asked" },
	    { F(employer_signed), NULL, "why.already_signed" }, { F(digest_unchanged), NULL, "why.digest" },
	    { F(code_good), NULL, "why.code" } } },
	{ ST_TO_SIGN, EV_EMPLOYER_SIGN, EMPLOYER, ST_TO_COUNTERSIGN,
	  { F(has_employer), F(employer_offered), F(digest_unchanged), F(code_good), F(applicant_signed) }, NULL,
	  { { F(code_good), NULL, "why.code" } } },
	{ ST_TO_SIGN, EV_EMPLOYER_DECLINE, EMPLOYER, ST_IN_REVIEW, { F(has_employer), F(employer_offered) }, NULL,
	  { { F(has_employer), NULL, "why.no_employer" }, { F(employer_offered), NULL, "why.employer_not_asked" },
	    { F(employer_signed), NULL, "why.already_signed" } } },
	{ ST_TO_SIGN, EV_RECALL, DELEGATE, ST_IN_REVIEW, { F(of_its_caisse), F(has_text) }, NULL, { CAISSE_NO, REASON_NO } },
	{ ST_TO_SIGN, EV_LAPSE, CLOCK, ST_CLOSED, { F(deadline_passed) }, NULL, { DUE_NO } },
	{ ST_TO_COUNTERSIGN, EV_RECALL, DELEGATE, ST_IN_REVIEW, { F(of_its_caisse), F(has_text) }, NULL,
	  { CAISSE_NO, REASON_NO } },
	{ ST_TO_COUNTERSIGN, EV_COUNTERSIGN, DELEGATE, ST_CONVENTIONED,
	  { F(of_its_caisse), F(may_sign), F(eligible), F(applicant_signed), F(countersign_complete) }, NULL,
	  { CAISSE_NO, { F(may_sign), NULL, "why.no_signing_right" }, { F(eligible), NULL, "why.not_eligible" },
	    { F(applicant_signed), NULL, "why.signatures_missing" }, { F(has_employer), NULL, "why.signatures_missing" },
	    { F(countersign_complete), NULL, "why.countersign_incomplete" } } },
	{ ST_TO_COUNTERSIGN, EV_COUNTERSIGN, DELEGATE, ST_CONVENTIONED,
	  { F(of_its_caisse), F(may_sign), F(eligible), F(applicant_signed), F(has_employer), F(employer_signed),
	    F(countersign_complete), F(parent_conventioned) }, amendment,
	  { { F(employer_signed), NULL, "why.signatures_missing" },
	    { F(parent_conventioned), NULL, "why.parent_not_conventioned" } } },

	{ ST_CONVENTIONED, EV_AMEND, APPLICANT, ST_CONVENTIONED, { F(owns_file) }, NULL,
	  { OWN_NO, { F(open_child), NULL, "why.amendment_open" } } },
	{ ST_CONVENTIONED, EV_AMEND, DELEGATE, ST_CONVENTIONED, { F(of_its_caisse) }, NULL,
	  { CAISSE_NO, { F(open_child), NULL, "why.amendment_open" } } },
	{ ST_CONVENTIONED, EV_REPLACE, SYSTEM, ST_ENDED, { F(child_countersigned) }, NULL,
	  { { F(child_countersigned), NULL, "why.child_not_countersigned" } } },
	{ ST_CONVENTIONED, EV_WARN, DELEGATE, ST_CONVENTIONED, { F(of_its_caisse), F(has_text) }, NULL,
	  { CAISSE_NO, REASON_NO } },
	{ ST_CONVENTIONED, EV_STATE_FINDINGS, DELEGATE, ST_CONVENTIONED, { F(of_its_caisse), F(warned_30_days), F(has_text) },
	  NULL, { CAISSE_NO, { F(warned_30_days), NULL, "why.warning_too_recent" }, REASON_NO } },
	{ ST_CONVENTIONED, EV_OBSERVE, APPLICANT, ST_CONVENTIONED, { F(owns_file), F(has_text) }, NULL,
	  { OWN_NO, { F(has_text), NULL, "why.no_text" } } },
	{ ST_CONVENTIONED, EV_SUSPEND, DELEGATE, ST_SUSPENDED,
	  { F(of_its_caisse), F(findings_30_days), F(has_text), F(until_given) }, NULL,
	  { CAISSE_NO, { F(findings_30_days), NULL, "why.findings_too_recent" }, REASON_NO,
	    { F(until_given), NULL, "why.no_until" } } },
	{ ST_SUSPENDED, EV_REINSTATE, DELEGATE, ST_CONVENTIONED, { F(of_its_caisse) }, NULL, { CAISSE_NO } },
	{ ST_SUSPENDED, EV_REINSTATE, CLOCK, ST_CONVENTIONED, { F(deadline_passed) }, NULL, { DUE_NO } },
	EXCLUDE(ST_CONVENTIONED),
	EXCLUDE(ST_SUSPENDED),
	{ ST_CONVENTIONED, EV_RESIGN, APPLICANT, ST_LEAVING, { F(owns_file) }, NULL, { OWN_NO } },
	{ ST_SUSPENDED, EV_RESIGN, APPLICANT, ST_LEAVING, { F(owns_file) }, NULL, { OWN_NO } },
	{ ST_LEAVING, EV_LAPSE, CLOCK, ST_ENDED, { F(deadline_passed) }, NULL, { DUE_NO } },
	{ ST_CONVENTIONED, EV_RENEW, CLOCK, ST_CONVENTIONED, { F(term_reached) }, NULL,
	  { { F(term_reached), NULL, "why.too_early" } } },

	{ ST_REFUSED, EV_APPEAL, APPLICANT, ST_APPEALED, { F(owns_file), F(appeal_in_time) }, refused_by_expert,
	  { OWN_NO, { F(appeal_in_time), NULL, "why.appeal_late" }, { F(appealed_before), NULL, "why.appealed_once" },
	    { F(other_live_file), NULL, "why.other_live_file" }, { 0, gone_amendment, "why.parent_gone" } } },
	{ ST_REFUSED, EV_APPEAL, APPLICANT, ST_APPEALED, { F(owns_file), F(appeal_in_time) }, refused_by_delegate,
	  { OWN_NO } },
	{ ST_REFUSED, EV_APPEAL, APPLICANT, ST_APPEALED, { F(owns_file), F(appeal_in_time) }, refused_by_clock, { OWN_NO } },
	{ ST_APPEALED, EV_UPHOLD, EXPERT, ST_REFUSED, { F(has_text) }, refused_by_expert,
	  { REASON_NO, { F(refused_by_me), NULL, "why.same_person" }, { 0, refused_by_delegate, "why.other_side" } } },
	{ ST_APPEALED, EV_UPHOLD, EXPERT, ST_REFUSED, { F(has_text) }, refused_by_clock, { REASON_NO } },
	{ ST_APPEALED, EV_UPHOLD, DELEGATE, ST_REFUSED, { F(has_text), F(of_its_caisse) }, refused_by_delegate,
	  { REASON_NO, CAISSE_NO, { F(refused_by_me), NULL, "why.same_person" }, { 0, refused_by_expert, "why.other_side" },
	    { 0, refused_by_clock, "why.other_side" } } },
	{ ST_APPEALED, EV_OVERTURN, EXPERT, ST_IN_REVIEW, { F(has_text), F(route_known) }, refused_by_expert,
	  { REASON_NO, { F(refused_by_me), NULL, "why.same_person" }, { 0, refused_by_delegate, "why.other_side" } } },
	{ ST_APPEALED, EV_OVERTURN, EXPERT, ST_IN_REVIEW, { F(has_text), F(has_caisse) }, refused_by_clock, { REASON_NO } },
	{ ST_APPEALED, EV_OVERTURN, EXPERT, ST_UNROUTED, { F(has_text) }, refused_by_clock,
	  { REASON_NO, { 0, refused_by_delegate, "why.other_side" } } },
	{ ST_APPEALED, EV_OVERTURN, DELEGATE, ST_IN_REVIEW, { F(has_text), F(of_its_caisse), F(has_caisse) },
	  refused_by_delegate, { REASON_NO, CAISSE_NO, { F(refused_by_me), NULL, "why.same_person" } } },
	{ ST_APPEALED, EV_LAPSE, CLOCK, ST_REFUSED, { F(deadline_passed) }, NULL, { DUE_NO } },

	WITHDRAW(ST_SUBMITTED), WITHDRAW(ST_EXPERT_REVIEW), WITHDRAW(ST_CORRECTION), WITHDRAW(ST_UNROUTED),
	WITHDRAW(ST_IN_REVIEW), WITHDRAW(ST_TO_SIGN), WITHDRAW(ST_TO_COUNTERSIGN),

	ORPHAN(ST_SUBMITTED), ORPHAN(ST_EXPERT_REVIEW), ORPHAN(ST_CORRECTION), ORPHAN(ST_UNROUTED), ORPHAN(ST_IN_REVIEW),
	ORPHAN(ST_TO_SIGN), ORPHAN(ST_TO_COUNTERSIGN), ORPHAN(ST_APPEALED),

	PURGE(ST_REFUSED), PURGE(ST_WITHDRAWN), PURGE(ST_CLOSED), PURGE(ST_ENDED), PURGE(ST_CONVENTIONED),
	PURGE(ST_SUSPENDED), PURGE(ST_LEAVING),
};
/* clang-format on */

static struct facts facts_of(const struct row *r)
{
	struct facts f = { .state = r->from, .role = r->role, .actor = 7 };

	for (size_t i = 0; i < COUNT(r->yes) && r->yes[i]; i++)
		*fact(&f, r->yes[i]) = true;
	if (r->also)
		r->also(&f);
	return f;
}

static void every_row_is_allowed_with_its_facts_and_leads_where_it_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct facts f = facts_of(&rows[i]);
		const struct transition *t = NULL;
		struct err e = { 0 };

		if (decide(&f, rows[i].event, &t, &e))
			fail_msg("row %zu: %s %s refused: %s", i, state_id(rows[i].from), event_id(rows[i].event),
				 e.text);
		assert_string_equal(state_id(t->to), state_id(rows[i].to));
		assert_int_equal(t->from, rows[i].from);
		assert_int_equal(t->event, rows[i].event);
		assert_true(t->who & (unsigned)rows[i].role);
	}
}

static void every_condition_alone_refuses_with_its_own_reason(void **state)
{
	size_t tried = 0;

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t k = 0; k < COUNT(rows[i].no) && rows[i].no[k].why; k++) {
			struct facts f = facts_of(&rows[i]);
			const struct transition *t = NULL;
			struct err e = { 0 };

			if (rows[i].no[k].flip)
				*fact(&f, rows[i].no[k].flip) = !*fact(&f, rows[i].no[k].flip);
			if (rows[i].no[k].but)
				rows[i].no[k].but(&f);
			if (!decide(&f, rows[i].event, &t, &e))
				fail_msg("row %zu (%s %s): allowed against %s", i, state_id(rows[i].from),
					 event_id(rows[i].event), rows[i].no[k].why);
			assert_string_equal(e.text, rows[i].no[k].why);
			assert_int_equal(e.kind, ERR_INPUT);
			assert_null(t);
			tried++;
		}
	assert_true(tried > 150);
}

static void other_roles_are_denied_and_other_states_are_stale(void **state)
{
	static const enum role roles[] = { NOBODY,   VISITOR, APPLICANT, EMPLOYER, EXPERT,
					   DELEGATE, REGION,  ADMIN,     CLOCK,    SYSTEM };

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		for (size_t r = 0; r < COUNT(roles); r++) {
			struct facts f = facts_of(&rows[i]);
			const struct transition *t = NULL;
			struct err e = { 0 };
			bool has = false, ever = false;

			for (size_t k = 0; k < COUNT(rows); k++)
				if (rows[k].event == rows[i].event && rows[k].role == roles[r]) {
					ever = true;
					has |= rows[k].from == rows[i].from;
				}
			f.role = roles[r];
			if (!has) {
				assert_int_equal(decide(&f, rows[i].event, &t, &e), -1);
				assert_int_equal(e.kind, ERR_DENIED);
				assert_string_equal(e.text, "why.role");
			}
			/* a state without the event: stale for who may fire it elsewhere, denied for who never may */
			f.state = ST_DELETED;
			assert_int_equal(decide(&f, rows[i].event, &t, &e), -1);
			assert_int_equal(e.kind, ever ? ERR_STALE : ERR_DENIED);
			assert_string_equal(e.text, ever ? "why.not_here" : "why.role");
		}
}

static void every_line_of_the_printed_table_has_its_row_here(void **state)
{
	struct pool *pool = pool_new();
	char *print = workflow_print(pool), *save = NULL;
	size_t lines = 0;

	(void)state;
	for (char *line = strtok_r(print, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		bool found = false;

		for (size_t i = 0; i < COUNT(rows) && !found; i++)
			found = !strcmp(line, pool_printf(pool, "%s %s %s %s", state_id(rows[i].from),
							  event_id(rows[i].event), role_id(rows[i].role),
							  state_id(rows[i].to)));
		if (!found)
			fail_msg("no row here for: %s", line);
		lines++;
	}
	assert_true(lines > 70);
	pool_free(pool);
}

static struct moves moves_of(const struct facts *f, enum event ev)
{
	const struct transition *t = NULL;
	struct err e = { 0 };

	if (decide(f, ev, &t, &e))
		fail_msg("%s %s: %s", state_id(f->state), event_id(ev), e.text);
	return transition_moves(t, f);
}

static void a_correction_comes_back_to_the_desk_that_asked_through_any_number_of_checks(void **state)
{
	struct facts f = { .state = ST_IN_REVIEW,
			   .role = DELEGATE,
			   .of_its_caisse = true,
			   .holds_it = true,
			   .held = true,
			   .items_given = true,
			   .eligible = true,
			   .has_caisse = true };
	struct moves m = moves_of(&f, EV_ASK_CORRECTION);

	(void)state;
	assert_int_equal(m.return_to, ST_IN_REVIEW);
	assert_int_equal(m.holder, HOLDER_KEEP);
	assert_int_equal(m.caisse, CAISSE_KEEP);

	f.state = ST_CORRECTION;
	f.return_to = m.return_to;
	f.role = APPLICANT;
	f.owns_file = f.items_answered = f.complete = true;
	assert_int_equal(moves_of(&f, EV_RESUBMIT).return_to, ST_IN_REVIEW);
	f.state = ST_SUBMITTED;
	f.role = SYSTEM;
	f.checks_run = f.any_fail_unmaintained = true;
	assert_int_equal(moves_of(&f, EV_CHECKS_FAILED).return_to, ST_IN_REVIEW);
	f.any_fail_unmaintained = false;
	f.any_in_question = true;
	m = moves_of(&f, EV_CHECKS_NEED_HUMAN);
	assert_int_equal(m.return_to, ST_IN_REVIEW);
	assert_int_equal(m.holder, HOLDER_KEEP);
	f.any_in_question = false;
	m = moves_of(&f, EV_CHECKS_PASSED);
	assert_int_equal(m.return_to, ST_NONE);
	assert_int_equal(m.holder, HOLDER_KEEP);
	assert_int_equal(m.caisse, CAISSE_KEEP);
	assert_true(m.eligible);

	f.route_changed = f.route_known = true;
	m = moves_of(&f, EV_CHECKS_PASSED);
	assert_int_equal(m.holder, HOLDER_NOBODY);
	assert_int_equal(m.caisse, CAISSE_ROUTED);
	f.route_known = false;
	m = moves_of(&f, EV_CHECKS_PASSED);
	assert_int_equal(m.holder, HOLDER_NOBODY);
	assert_int_equal(m.caisse, CAISSE_NONE);

	f = (struct facts){ .state = ST_EXPERT_REVIEW, .role = EXPERT, .items_given = true };
	assert_int_equal(moves_of(&f, EV_ASK_CORRECTION).return_to, ST_EXPERT_REVIEW);
	f = (struct facts){ .state = ST_SUBMITTED, .role = SYSTEM, .checks_run = true, .return_to = ST_EXPERT_REVIEW };
	m = moves_of(&f, EV_CHECKS_PASSED);
	assert_false(m.eligible); /* the expert has not said so */
	assert_int_equal(m.return_to, ST_NONE);
}

static void eligibility_is_gained_by_checks_experts_and_appeals_and_lost_by_a_second_expert(void **state)
{
	struct facts f = { .state = ST_SUBMITTED, .role = SYSTEM, .checks_run = true };

	(void)state;
	assert_true(moves_of(&f, EV_CHECKS_PASSED).eligible);
	f = (struct facts){ .state = ST_EXPERT_REVIEW, .role = EXPERT, .opinions_complete = true, .route_known = true };
	assert_true(moves_of(&f, EV_FIND_ELIGIBLE).eligible);
	assert_int_equal(moves_of(&f, EV_FIND_ELIGIBLE).caisse, CAISSE_ROUTED);
	f.proposed = f.two_experts = f.eligible = true;
	assert_false(moves_of(&f, EV_CONFIRM_INELIGIBLE).eligible);
	f = (struct facts){ .state = ST_APPEALED, .role = EXPERT, .has_text = true, .refused_by_role = EXPERT };
	assert_true(moves_of(&f, EV_OVERTURN).eligible);
	assert_int_equal(moves_of(&f, EV_OVERTURN).caisse, CAISSE_NONE);
	f.route_known = true;
	assert_int_equal(moves_of(&f, EV_OVERTURN).caisse, CAISSE_ROUTED);
	f = (struct facts){ .state = ST_IN_REVIEW,
			    .role = DELEGATE,
			    .of_its_caisse = true,
			    .holds_it = true,
			    .reasons_given = true,
			    .eligible = true };
	assert_true(moves_of(&f, EV_REFUSE).eligible);
	assert_int_equal(moves_of(&f, EV_REFUSE).holder, HOLDER_NOBODY);
}

static void claims_follow_claim_take_over_release_and_transfer(void **state)
{
	struct facts f = { .state = ST_IN_REVIEW, .role = DELEGATE, .of_its_caisse = true };

	(void)state;
	assert_int_equal(moves_of(&f, EV_CLAIM).holder, HOLDER_ACTOR);
	f.held = true;
	f.holder_idle = true;
	assert_int_equal(moves_of(&f, EV_TAKE_OVER).holder, HOLDER_ACTOR);
	f.holds_it = f.other_caisse_given = f.has_text = true;
	assert_int_equal(moves_of(&f, EV_RELEASE).holder, HOLDER_NOBODY);
	assert_int_equal(moves_of(&f, EV_TRANSFER).holder, HOLDER_NOBODY);
	assert_int_equal(moves_of(&f, EV_TRANSFER).caisse, CAISSE_BODY);
}

static void a_page_offers_what_a_body_could_complete_and_nothing_else(void **state)
{
	struct facts f = { .state = ST_IN_REVIEW, .role = DELEGATE, .of_its_caisse = true };
	enum event out[EVENTS];

	(void)state;
	assert_int_equal(decide_actions(&f, out), 1);
	assert_int_equal(out[0], EV_CLAIM);
	f.held = f.holds_it = f.eligible = true;
	assert_int_equal(decide_actions(&f, out), 5);
	assert_int_equal(out[0], EV_ASK_CORRECTION);
	assert_int_equal(out[1], EV_RELEASE);
	assert_int_equal(out[2], EV_TRANSFER);
	assert_int_equal(out[3], EV_APPROVE);
	assert_int_equal(out[4], EV_REFUSE);
	f.role = VISITOR;
	assert_int_equal(decide_actions(&f, out), 0);
	/* what a body cannot bring is still missing */
	f = (struct facts){ .state = ST_DRAFT, .role = APPLICANT, .owns_file = true };
	assert_int_equal(decide_actions(&f, out), 1);
	assert_int_equal(out[0], EV_DISCARD);
}

static void ids_go_both_ways_and_unknown_words_are_nothing(void **state)
{
	(void)state;
	for (int i = 1; i < STATES; i++) {
		assert_true(*state_id((enum state)i));
		assert_int_equal(state_from_id(state_id((enum state)i)), i);
	}
	for (int i = 1; i < EVENTS; i++) {
		assert_true(*event_id((enum event)i));
		assert_int_equal(event_from_id(event_id((enum event)i)), i);
	}
	for (unsigned r = VISITOR; r <= SYSTEM; r <<= 1)
		assert_int_equal(role_from_id(role_id((enum role)r)), r);
	assert_int_equal(state_from_id("in_revie"), ST_NONE);
	assert_int_equal(state_from_id("in_reviews"), ST_NONE);
	assert_int_equal(state_from_id(""), ST_NONE);
	assert_int_equal(state_from_id(NULL), ST_NONE);
	assert_int_equal(event_from_id("Submit"), EV_NONE);
	assert_int_equal(role_from_id("root"), NOBODY);
	assert_string_equal(state_id(ST_NONE), "");
	assert_string_equal(role_id((enum role)(EXPERT | DELEGATE)), "");
}

static void live_and_final_states_are_those_of_the_domain(void **state)
{
	static const enum state dead[] = {
		ST_NONE, ST_DRAFT, ST_REFUSED, ST_ENDED, ST_WITHDRAWN, ST_CLOSED, ST_DELETED
	};

	(void)state;
	for (int s = 0; s < STATES; s++) {
		bool expected = true;

		for (size_t i = 0; i < COUNT(dead); i++)
			expected &= dead[i] != (enum state)s;
		assert_int_equal(state_is_live((enum state)s), expected);
		if (state_is_live((enum state)s) && s != ST_CONVENTIONED)
			assert_true(state_waits_for((enum state)s) != 0);
	}
	assert_true(state_is_final(ST_REFUSED) && state_is_final(ST_ENDED));
	assert_true(state_is_final(ST_WITHDRAWN) && state_is_final(ST_CLOSED));
	assert_false(state_is_final(ST_LEAVING));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_row_is_allowed_with_its_facts_and_leads_where_it_says),
		cmocka_unit_test(every_condition_alone_refuses_with_its_own_reason),
		cmocka_unit_test(other_roles_are_denied_and_other_states_are_stale),
		cmocka_unit_test(every_line_of_the_printed_table_has_its_row_here),
		cmocka_unit_test(a_correction_comes_back_to_the_desk_that_asked_through_any_number_of_checks),
		cmocka_unit_test(eligibility_is_gained_by_checks_experts_and_appeals_and_lost_by_a_second_expert),
		cmocka_unit_test(claims_follow_claim_take_over_release_and_transfer),
		cmocka_unit_test(a_page_offers_what_a_body_could_complete_and_nothing_else),
		cmocka_unit_test(ids_go_both_ways_and_unknown_words_are_nothing),
		cmocka_unit_test(live_and_final_states_are_those_of_the_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
