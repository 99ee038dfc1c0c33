#include "guards.h"

/* The first condition that fails speaks. */
#define NEED(condition, why)          \
	do {                          \
		if (!(condition))     \
			return (why); \
	} while (0)
#define ALSO(guard)                         \
	do {                                \
		const char *why_ = (guard); \
		if (why_)                   \
			return why_;        \
	} while (0)

/* ---- whose it is ---- */

const char *guard_own(const struct facts *f)
{
	NEED(f->owns_file, "why.not_yours");
	return NULL;
}

static const char *of_caisse(const struct facts *f)
{
	NEED(f->of_its_caisse, "why.not_your_caisse");
	return NULL;
}

static const char *holder(const struct facts *f)
{
	ALSO(of_caisse(f));
	NEED(f->holds_it, f->held ? "why.not_holder" : "why.not_claimed");
	return NULL;
}

static const char *of_caisse_with_reason(const struct facts *f)
{
	ALSO(of_caisse(f));
	NEED(f->has_text, "why.no_reason");
	return NULL;
}

/* ---- the applicant ---- */

const char *guard_submit(const struct facts *f)
{
	ALSO(guard_own(f));
	NEED(f->kind != KIND_AMENDMENT || !f->parent_gone, "why.parent_gone");
	NEED(f->complete, "why.incomplete");
	NEED(!f->other_live_file, "why.other_live_file");
	return NULL;
}

const char *guard_resubmit(const struct facts *f)
{
	ALSO(guard_own(f));
	NEED(f->items_answered, "why.items_unanswered");
	NEED(f->complete, "why.incomplete");
	NEED(!f->other_live_file, "why.other_live_file");
	return NULL;
}

/* ---- time ---- */

const char *guard_due(const struct facts *f)
{
	NEED(f->deadline_passed, "why.too_early");
	return NULL;
}

/* R.162-61 governs selection: its clock ends when eligibility is notified. */
const char *guard_due_not_eligible(const struct facts *f)
{
	NEED(!f->eligible, "why.eligible_already");
	return guard_due(f);
}

const char *guard_term(const struct facts *f)
{
	NEED(f->term_reached, "why.too_early");
	return NULL;
}

const char *guard_retention(const struct facts *f)
{
	NEED(f->retention_over, "why.retention");
	return NULL;
}

/* ---- the verdict of the checks ---- */

const char *guard_checks_failed(const struct facts *f)
{
	NEED(f->checks_run, "why.checks_running");
	NEED(f->any_fail_unmaintained, "why.no_failure");
	return NULL;
}

static const char *no_failure(const struct facts *f)
{
	NEED(f->checks_run, "why.checks_running");
	NEED(!f->any_fail_unmaintained, "why.checks_failed");
	NEED(!f->any_unavailable_recent, "why.source_unavailable");
	return NULL;
}

const char *guard_checks_human(const struct facts *f)
{
	ALSO(no_failure(f));
	NEED(f->any_in_question || (f->expert_policy && !f->eligible), "why.nothing_in_question");
	return NULL;
}

static const char *passed(const struct facts *f)
{
	ALSO(no_failure(f));
	NEED(!f->any_in_question, "why.in_question");
	NEED(!f->expert_policy || f->eligible, "why.expert_policy");
	return NULL;
}

/*
 * Where an eligible file goes: back to the caisse that has it, to the new one where a corrected address changed the
 * route, to the one its commune gives, or to nobody yet. One of the four holds, whatever the facts.
 */
enum direction { BACK, REROUTED, ROUTED, UNROUTED };

static enum direction direction(const struct facts *f)
{
	if (f->has_caisse && !f->route_changed)
		return BACK;
	if (!f->route_known)
		return UNROUTED;
	return f->has_caisse ? REROUTED : ROUTED;
}

static const char *goes(const struct facts *f, enum direction d)
{
	return direction(f) == d ? NULL : WHY_OTHER_WAY;
}

static const char *passed_and_goes(const struct facts *f, enum direction d)
{
	ALSO(passed(f));
	return f->return_to == ST_EXPERT_REVIEW ? WHY_OTHER_WAY : goes(f, d);
}

const char *guard_passed_back_to_expert(const struct facts *f)
{
	ALSO(passed(f));
	return f->return_to == ST_EXPERT_REVIEW ? NULL : WHY_OTHER_WAY;
}

const char *guard_passed_back(const struct facts *f)
{
	return passed_and_goes(f, BACK);
}

const char *guard_passed_rerouted(const struct facts *f)
{
	return passed_and_goes(f, REROUTED);
}

const char *guard_passed_routed(const struct facts *f)
{
	return passed_and_goes(f, ROUTED);
}

const char *guard_passed_unrouted(const struct facts *f)
{
	return passed_and_goes(f, UNROUTED);
}

/* ---- experts ---- */

static const char *found_and_goes(const struct facts *f, enum direction d)
{
	NEED(f->opinions_complete, "why.opinions_missing");
	return goes(f, d);
}

const char *guard_found_back(const struct facts *f)
{
	return found_and_goes(f, BACK);
}

const char *guard_found_rerouted(const struct facts *f)
{
	return found_and_goes(f, REROUTED);
}

const char *guard_found_routed(const struct facts *f)
{
	return found_and_goes(f, ROUTED);
}

const char *guard_found_unrouted(const struct facts *f)
{
	return found_and_goes(f, UNROUTED);
}

const char *guard_propose_first(const struct facts *f)
{
	NEED(f->two_experts, WHY_OTHER_WAY);
	NEED(!f->proposed, f->proposed_by_me ? "why.same_expert" : "why.already_proposed");
	NEED(f->reasons_given, "why.no_reasons");
	return NULL;
}

const char *guard_propose_alone(const struct facts *f)
{
	NEED(!f->two_experts, WHY_OTHER_WAY);
	NEED(f->reasons_given, "why.no_reasons");
	return NULL;
}

const char *guard_second_expert(const struct facts *f)
{
	NEED(f->proposed, "why.not_proposed");
	NEED(!f->proposed_by_me, "why.same_expert");
	return NULL;
}

const char *guard_items(const struct facts *f)
{
	NEED(f->items_given, "why.no_items");
	return NULL;
}

/* ---- the caisse ---- */

const char *guard_route(const struct facts *f)
{
	NEED(f->other_caisse_given, "why.no_caisse_given");
	NEED(f->has_text, "why.no_reason");
	return NULL;
}

const char *guard_claim(const struct facts *f)
{
	ALSO(of_caisse(f));
	NEED(!f->holds_it, "why.already_yours");
	NEED(!f->held, "why.held");
	return NULL;
}

const char *guard_release(const struct facts *f)
{
	return holder(f);
}

const char *guard_take_over(const struct facts *f)
{
	ALSO(of_caisse(f));
	NEED(!f->holds_it, "why.already_yours");
	NEED(f->held, "why.not_held");
	NEED(f->holder_idle, "why.holder_active");
	return NULL;
}

const char *guard_transfer(const struct facts *f)
{
	if (f->role != ADMIN)
		ALSO(holder(f));
	NEED(f->other_caisse_given, "why.no_caisse_given");
	NEED(f->has_text, "why.no_reason");
	return NULL;
}

const char *guard_items_holder(const struct facts *f)
{
	ALSO(holder(f));
	return guard_items(f);
}

const char *guard_approve(const struct facts *f)
{
	ALSO(holder(f));
	NEED(f->eligible, "why.not_eligible");
	NEED(f->checklist_complete, "why.checklist");
	NEED(f->pieces_settled, "why.pieces");
	NEED(f->digest_ready, "why.convention_not_ready");
	return NULL;
}

const char *guard_refuse(const struct facts *f)
{
	ALSO(holder(f));
	NEED(f->reasons_given, "why.no_reasons");
	return NULL;
}

const char *guard_recall(const struct facts *f)
{
	return of_caisse_with_reason(f);
}

static const char *countersign(const struct facts *f)
{
	ALSO(of_caisse(f));
	NEED(f->may_sign, "why.no_signing_right");
	NEED(f->eligible, "why.not_eligible");
	NEED(f->applicant_signed && (!f->has_employer || f->employer_signed), "why.signatures_missing");
	NEED(f->kind != KIND_AMENDMENT || f->parent_conventioned, "why.parent_not_conventioned");
	NEED(f->countersign_complete, "why.countersign_incomplete");
	return NULL;
}

const char *guard_countersign(const struct facts *f)
{
	ALSO(countersign(f));
	return f->kind == KIND_CONVENTION ? NULL : WHY_OTHER_WAY;
}

const char *guard_countersign_amendment(const struct facts *f)
{
	ALSO(countersign(f));
	return f->kind == KIND_AMENDMENT ? NULL : WHY_OTHER_WAY;
}

/* ---- signatures ---- */

static const char *sign(const struct facts *f)
{
	ALSO(guard_own(f));
	NEED(!f->applicant_signed, "why.already_signed");
	NEED(f->digest_unchanged, "why.digest");
	NEED(f->code_good, WHY_CODE);
	return NULL;
}

const char *guard_sign_wait(const struct facts *f)
{
	ALSO(sign(f));
	return f->has_employer && !f->employer_signed ? NULL : WHY_OTHER_WAY;
}

const char *guard_sign_last(const struct facts *f)
{
	ALSO(sign(f));
	return f->has_employer && !f->employer_signed ? WHY_OTHER_WAY : NULL;
}

static const char *employer(const struct facts *f)
{
	NEED(f->has_employer, "why.no_employer");
	NEED(f->employer_offered, "why.employer_not_asked");
	NEED(!f->employer_signed, "why.already_signed");
	return NULL;
}

static const char *employer_sign(const struct facts *f)
{
	ALSO(employer(f));
	NEED(f->digest_unchanged, "why.digest");
	NEED(f->code_good, WHY_CODE);
	return NULL;
}

const char *guard_employer_wait(const struct facts *f)
{
	ALSO(employer_sign(f));
	return f->applicant_signed ? WHY_OTHER_WAY : NULL;
}

const char *guard_employer_last(const struct facts *f)
{
	ALSO(employer_sign(f));
	return f->applicant_signed ? NULL : WHY_OTHER_WAY;
}

const char *guard_employer_decline(const struct facts *f)
{
	return employer(f);
}

/* ---- the convention's life ---- */

static const char *amendable(const struct facts *f)
{
	NEED(!f->open_child, "why.amendment_open");
	return NULL;
}

const char *guard_amend_own(const struct facts *f)
{
	ALSO(guard_own(f));
	return amendable(f);
}

const char *guard_amend_caisse(const struct facts *f)
{
	ALSO(of_caisse(f));
	return amendable(f);
}

const char *guard_replace(const struct facts *f)
{
	NEED(f->child_countersigned, "why.child_not_countersigned");
	return NULL;
}

const char *guard_orphan(const struct facts *f)
{
	NEED(f->kind == KIND_AMENDMENT, "why.not_an_amendment");
	NEED(f->parent_gone, "why.parent_not_gone");
	return NULL;
}

/* R.162-71 I: the warning says every anomaly, so it has a text. */
const char *guard_warn(const struct facts *f)
{
	return of_caisse_with_reason(f);
}

const char *guard_findings(const struct facts *f)
{
	ALSO(of_caisse(f));
	NEED(f->warned_30_days, "why.warning_too_recent");
	NEED(f->has_text, "why.no_reason");
	return NULL;
}

const char *guard_observe(const struct facts *f)
{
	ALSO(guard_own(f));
	NEED(f->has_text, "why.no_text");
	return NULL;
}

static const char *measure(const struct facts *f)
{
	ALSO(of_caisse(f));
	NEED(f->findings_30_days, "why.findings_too_recent");
	NEED(f->has_text, "why.no_reason");
	return NULL;
}

const char *guard_suspend(const struct facts *f)
{
	ALSO(measure(f));
	NEED(f->until_given, "why.no_until");
	return NULL;
}

const char *guard_exclude(const struct facts *f)
{
	return measure(f);
}

const char *guard_reinstate(const struct facts *f)
{
	return f->role == CLOCK ? guard_due(f) : of_caisse(f);
}

/* ---- appeals ---- */

static const char *appeal(const struct facts *f)
{
	ALSO(guard_own(f));
	NEED(!f->appealed_before, "why.appealed_once");
	NEED(f->appeal_in_time, "why.appeal_late");
	NEED(f->kind != KIND_AMENDMENT || !f->parent_gone, "why.parent_gone");
	NEED(!f->other_live_file, "why.other_live_file");
	return NULL;
}

const char *guard_appeal_caisse(const struct facts *f)
{
	ALSO(appeal(f));
	return f->refused_by_role == DELEGATE ? NULL : WHY_OTHER_WAY;
}

const char *guard_appeal_experts(const struct facts *f)
{
	ALSO(appeal(f));
	return f->refused_by_role == DELEGATE ? WHY_OTHER_WAY : NULL;
}

/* Another person of the side that refused; an implicit refusal (by the clock) is the experts'. */
const char *guard_answer(const struct facts *f)
{
	NEED((f->refused_by_role == DELEGATE) == (f->role == DELEGATE), "why.other_side");
	if (f->role == DELEGATE)
		ALSO(of_caisse(f));
	NEED(!f->refused_by_me, "why.same_person");
	NEED(f->has_text, "why.no_reason");
	return NULL;
}

/*
 * An appeal changes no address: a caisse that holds the file keeps it. Only the experts can have refused a file that no
 * caisse holds.
 */
static bool overturned_to_caisse(const struct facts *f)
{
	return f->role == DELEGATE || f->has_caisse || f->route_known;
}

const char *guard_overturn_routed(const struct facts *f)
{
	ALSO(guard_answer(f));
	return overturned_to_caisse(f) ? NULL : WHY_OTHER_WAY;
}

const char *guard_overturn_unrouted(const struct facts *f)
{
	ALSO(guard_answer(f));
	return overturned_to_caisse(f) ? WHY_OTHER_WAY : NULL;
}
