#include "../server/base/str.h"
#include "guards.h"

/* The words of domain.md §3: URLs, the database and the API use them, so they never change. */

static const char *const state_ids[STATES] = {
	[ST_DRAFT] = "draft",
	[ST_SUBMITTED] = "submitted",
	[ST_EXPERT_REVIEW] = "expert_review",
	[ST_CORRECTION] = "correction",
	[ST_UNROUTED] = "unrouted",
	[ST_IN_REVIEW] = "in_review",
	[ST_TO_SIGN] = "to_sign",
	[ST_TO_COUNTERSIGN] = "to_countersign",
	[ST_CONVENTIONED] = "conventioned",
	[ST_SUSPENDED] = "suspended",
	[ST_LEAVING] = "leaving",
	[ST_ENDED] = "ended",
	[ST_REFUSED] = "refused",
	[ST_APPEALED] = "appealed",
	[ST_WITHDRAWN] = "withdrawn",
	[ST_CLOSED] = "closed",
	[ST_DELETED] = "deleted",
};

static const char *const event_ids[EVENTS] = {
	[EV_SUBMIT] = "submit",
	[EV_DISCARD] = "discard",
	[EV_CHECKS_FAILED] = "checks_failed",
	[EV_CHECKS_NEED_HUMAN] = "checks_need_human",
	[EV_CHECKS_PASSED] = "checks_passed",
	[EV_FIND_ELIGIBLE] = "find_eligible",
	[EV_PROPOSE_INELIGIBLE] = "propose_ineligible",
	[EV_CONFIRM_INELIGIBLE] = "confirm_ineligible",
	[EV_OBJECT] = "object",
	[EV_ASK_CORRECTION] = "ask_correction",
	[EV_RESUBMIT] = "resubmit",
	[EV_LAPSE] = "lapse",
	[EV_ROUTE] = "route",
	[EV_CLAIM] = "claim",
	[EV_RELEASE] = "release",
	[EV_TAKE_OVER] = "take_over",
	[EV_TRANSFER] = "transfer",
	[EV_APPROVE] = "approve",
	[EV_REFUSE] = "refuse",
	[EV_SIGN] = "sign",
	[EV_EMPLOYER_SIGN] = "employer_sign",
	[EV_EMPLOYER_DECLINE] = "employer_decline",
	[EV_RECALL] = "recall",
	[EV_COUNTERSIGN] = "countersign",
	[EV_AMEND] = "amend",
	[EV_REPLACE] = "replace",
	[EV_ORPHAN] = "orphan",
	[EV_WARN] = "warn",
	[EV_STATE_FINDINGS] = "state_findings",
	[EV_OBSERVE] = "observe",
	[EV_SUSPEND] = "suspend",
	[EV_REINSTATE] = "reinstate",
	[EV_EXCLUDE] = "exclude",
	[EV_RESIGN] = "resign",
	[EV_RENEW] = "renew",
	[EV_APPEAL] = "appeal",
	[EV_UPHOLD] = "uphold",
	[EV_OVERTURN] = "overturn",
	[EV_WITHDRAW] = "withdraw",
	[EV_PURGE] = "purge",
};

static const struct {
	enum role role;
	const char *id;
} role_ids[] = {
	{ VISITOR, "visitor" }, { APPLICANT, "applicant" }, { EMPLOYER, "employer" },
	{ EXPERT, "expert" },   { DELEGATE, "delegate" },   { REGION, "region" },
	{ ADMIN, "admin" },     { CLOCK, "clock" },         { SYSTEM, "system" },
};

/* clang-format off */
/* This table is the specification: domain.md §3, row by row. */
const struct transition transitions[] = {
	/* from              event                  who                only if                      to                 then */
	{ ST_DRAFT,          EV_SUBMIT,             APPLICANT,         guard_submit,                ST_SUBMITTED,      { FX_FREEZE, FX_RECEIPT, FX_ROUTE, FX_QUEUE_CHECKS } },
	{ ST_DRAFT,          EV_DISCARD,            APPLICANT,         guard_own,                   ST_DELETED,        { FX_COUNT_DISCARD } },
	{ ST_DRAFT,          EV_LAPSE,              CLOCK,             guard_due,                   ST_DELETED,        { FX_COUNT_DISCARD } },

	{ ST_SUBMITTED,      EV_CHECKS_FAILED,      SYSTEM,            guard_checks_failed,         ST_CORRECTION,     { FX_ITEMS_FROM_CHECKS, FX_TELL_APPLICANT } },
	{ ST_SUBMITTED,      EV_CHECKS_NEED_HUMAN,  SYSTEM,            guard_checks_human,          ST_EXPERT_REVIEW,  { FX_TELL_EXPERTS } },
	{ ST_SUBMITTED,      EV_CHECKS_PASSED,      SYSTEM,            guard_passed_back_to_expert, ST_EXPERT_REVIEW,  { FX_TELL_EXPERTS } },
	{ ST_SUBMITTED,      EV_CHECKS_PASSED,      SYSTEM,            guard_passed_back,           ST_IN_REVIEW,      { FX_ELIGIBLE_NOTICE, FX_TELL_CAISSE } },
	{ ST_SUBMITTED,      EV_CHECKS_PASSED,      SYSTEM,            guard_passed_rerouted,       ST_IN_REVIEW,      { FX_ELIGIBLE_NOTICE, FX_TELL_BOTH_CAISSES } },
	{ ST_SUBMITTED,      EV_CHECKS_PASSED,      SYSTEM,            guard_passed_routed,         ST_IN_REVIEW,      { FX_ELIGIBLE_NOTICE, FX_TELL_CAISSE } },
	{ ST_SUBMITTED,      EV_CHECKS_PASSED,      SYSTEM,            guard_passed_unrouted,       ST_UNROUTED,       { FX_ELIGIBLE_NOTICE, FX_TELL_BOTH_CAISSES } },
	{ ST_SUBMITTED,      EV_LAPSE,              CLOCK,             guard_due_not_eligible,      ST_REFUSED,        { FX_LETTER } },

	{ ST_EXPERT_REVIEW,  EV_FIND_ELIGIBLE,      EXPERT,            guard_found_back,            ST_IN_REVIEW,      { FX_OPINIONS, FX_ELIGIBLE_NOTICE, FX_TELL_CAISSE } },
	{ ST_EXPERT_REVIEW,  EV_FIND_ELIGIBLE,      EXPERT,            guard_found_rerouted,        ST_IN_REVIEW,      { FX_OPINIONS, FX_ELIGIBLE_NOTICE, FX_TELL_BOTH_CAISSES } },
	{ ST_EXPERT_REVIEW,  EV_FIND_ELIGIBLE,      EXPERT,            guard_found_routed,          ST_IN_REVIEW,      { FX_OPINIONS, FX_ELIGIBLE_NOTICE, FX_TELL_CAISSE } },
	{ ST_EXPERT_REVIEW,  EV_FIND_ELIGIBLE,      EXPERT,            guard_found_unrouted,        ST_UNROUTED,       { FX_OPINIONS, FX_ELIGIBLE_NOTICE, FX_TELL_BOTH_CAISSES } },
	{ ST_EXPERT_REVIEW,  EV_PROPOSE_INELIGIBLE, EXPERT,            guard_propose_first,         ST_EXPERT_REVIEW,  { FX_TELL_EXPERTS } },
	{ ST_EXPERT_REVIEW,  EV_PROPOSE_INELIGIBLE, EXPERT,            guard_propose_alone,         ST_REFUSED,        { FX_REFUSAL_LETTER } },
	{ ST_EXPERT_REVIEW,  EV_CONFIRM_INELIGIBLE, EXPERT,            guard_second_expert,         ST_REFUSED,        { FX_REFUSAL_LETTER } },
	{ ST_EXPERT_REVIEW,  EV_OBJECT,             EXPERT,            guard_second_expert,         ST_EXPERT_REVIEW,  { FX_TELL_EXPERTS } },
	{ ST_EXPERT_REVIEW,  EV_ASK_CORRECTION,     EXPERT,            guard_items,                 ST_CORRECTION,     { FX_ITEMS, FX_TELL_APPLICANT } },
	{ ST_EXPERT_REVIEW,  EV_LAPSE,              CLOCK,             guard_due_not_eligible,      ST_REFUSED,        { FX_LETTER } },

	{ ST_CORRECTION,     EV_RESUBMIT,           APPLICANT,         guard_resubmit,              ST_SUBMITTED,      { FX_FREEZE, FX_ITEMS_ANSWERED, FX_ROUTE, FX_QUEUE_CHECKS } },
	{ ST_CORRECTION,     EV_LAPSE,              CLOCK,             guard_due,                   ST_CLOSED,         { FX_LETTER } },

	{ ST_UNROUTED,       EV_ROUTE,              ADMIN,             guard_route,                 ST_IN_REVIEW,      { FX_TELL_CAISSE, FX_TELL_APPLICANT } },

	{ ST_IN_REVIEW,      EV_CLAIM,              DELEGATE,          guard_claim,                 ST_IN_REVIEW,      { FX_NONE } },
	{ ST_IN_REVIEW,      EV_RELEASE,            DELEGATE,          guard_release,               ST_IN_REVIEW,      { FX_NONE } },
	{ ST_IN_REVIEW,      EV_TAKE_OVER,          DELEGATE,          guard_take_over,             ST_IN_REVIEW,      { FX_NONE } },
	{ ST_IN_REVIEW,      EV_TRANSFER,           DELEGATE | ADMIN,  guard_transfer,              ST_IN_REVIEW,      { FX_TELL_BOTH_CAISSES } },
	{ ST_IN_REVIEW,      EV_ASK_CORRECTION,     DELEGATE,          guard_items_holder,          ST_CORRECTION,     { FX_ITEMS, FX_TELL_APPLICANT } },
	{ ST_IN_REVIEW,      EV_APPROVE,            DELEGATE,          guard_approve,               ST_TO_SIGN,        { FX_CONVENTION, FX_OFFER_EMPLOYER, FX_TELL_APPLICANT } },
	{ ST_IN_REVIEW,      EV_REFUSE,             DELEGATE,          guard_refuse,                ST_REFUSED,        { FX_REFUSAL_LETTER } },

	{ ST_TO_SIGN,        EV_SIGN,               APPLICANT,         guard_sign_wait,             ST_TO_SIGN,        { FX_SIGNATURE } },
	{ ST_TO_SIGN,        EV_SIGN,               APPLICANT,         guard_sign_last,             ST_TO_COUNTERSIGN, { FX_SIGNATURE, FX_TELL_CAISSE } },
	{ ST_TO_SIGN,        EV_EMPLOYER_SIGN,      EMPLOYER,          guard_employer_wait,         ST_TO_SIGN,        { FX_SIGNATURE, FX_TELL_APPLICANT } },
	{ ST_TO_SIGN,        EV_EMPLOYER_SIGN,      EMPLOYER,          guard_employer_last,         ST_TO_COUNTERSIGN, { FX_SIGNATURE, FX_TELL_APPLICANT, FX_TELL_CAISSE } },
	{ ST_TO_SIGN,        EV_EMPLOYER_DECLINE,   EMPLOYER,          guard_employer_decline,      ST_IN_REVIEW,      { FX_VOID_SIGNATURES, FX_TELL_APPLICANT, FX_TELL_CAISSE } },
	{ ST_TO_SIGN,        EV_RECALL,             DELEGATE,          guard_recall,                ST_IN_REVIEW,      { FX_VOID_SIGNATURES, FX_TELL_APPLICANT } },
	{ ST_TO_SIGN,        EV_LAPSE,              CLOCK,             guard_due,                   ST_CLOSED,         { FX_LETTER } },
	{ ST_TO_COUNTERSIGN, EV_RECALL,             DELEGATE,          guard_recall,                ST_IN_REVIEW,      { FX_VOID_SIGNATURES, FX_TELL_APPLICANT } },
	{ ST_TO_COUNTERSIGN, EV_COUNTERSIGN,        DELEGATE,          guard_countersign,           ST_CONVENTIONED,   { FX_SEAL, FX_PUBLISH, FX_PURGE_IDENTITY_LATER, FX_TELL_APPLICANT } },
	{ ST_TO_COUNTERSIGN, EV_COUNTERSIGN,        DELEGATE,          guard_countersign_amendment, ST_CONVENTIONED,   { FX_REPLACE_PARENT, FX_SEAL, FX_PUBLISH, FX_PURGE_IDENTITY_LATER, FX_TELL_APPLICANT } },

	{ ST_CONVENTIONED,   EV_AMEND,              APPLICANT,         guard_amend_own,             ST_CONVENTIONED,   { FX_CHILD } },
	{ ST_CONVENTIONED,   EV_AMEND,              DELEGATE,          guard_amend_caisse,          ST_CONVENTIONED,   { FX_CHILD, FX_TELL_APPLICANT } },
	{ ST_CONVENTIONED,   EV_REPLACE,            SYSTEM,            guard_replace,               ST_ENDED,          { FX_NONE } },
	{ ST_CONVENTIONED,   EV_WARN,               DELEGATE,          guard_warn,                  ST_CONVENTIONED,   { FX_LETTER } },
	{ ST_CONVENTIONED,   EV_STATE_FINDINGS,     DELEGATE,          guard_findings,              ST_CONVENTIONED,   { FX_LETTER } },
	{ ST_CONVENTIONED,   EV_OBSERVE,            APPLICANT,         guard_observe,               ST_CONVENTIONED,   { FX_TELL_CAISSE } },
	{ ST_CONVENTIONED,   EV_SUSPEND,            DELEGATE,          guard_suspend,               ST_SUSPENDED,      { FX_LETTER } },
	{ ST_CONVENTIONED,   EV_EXCLUDE,            DELEGATE,          guard_exclude,               ST_ENDED,          { FX_LETTER, FX_ORPHAN_CHILD } },
	{ ST_CONVENTIONED,   EV_RESIGN,             APPLICANT,         guard_own,                   ST_LEAVING,        { FX_PATIENTS_LIST, FX_TELL_CAISSE } },
	{ ST_CONVENTIONED,   EV_RENEW,              CLOCK,             guard_term,                  ST_CONVENTIONED,   { FX_TELL_APPLICANT, FX_TELL_CAISSE } },
	{ ST_SUSPENDED,      EV_REINSTATE,          DELEGATE | CLOCK,  guard_reinstate,             ST_CONVENTIONED,   { FX_TELL_APPLICANT, FX_TELL_CAISSE } },
	{ ST_SUSPENDED,      EV_EXCLUDE,            DELEGATE,          guard_exclude,               ST_ENDED,          { FX_LETTER, FX_ORPHAN_CHILD } },
	{ ST_SUSPENDED,      EV_RESIGN,             APPLICANT,         guard_own,                   ST_LEAVING,        { FX_PATIENTS_LIST, FX_TELL_CAISSE } },
	{ ST_LEAVING,        EV_LAPSE,              CLOCK,             guard_due,                   ST_ENDED,          { FX_LETTER, FX_ORPHAN_CHILD } },

	{ ST_REFUSED,        EV_APPEAL,             APPLICANT,         guard_appeal_caisse,         ST_APPEALED,       { FX_TELL_CAISSE } },
	{ ST_REFUSED,        EV_APPEAL,             APPLICANT,         guard_appeal_experts,        ST_APPEALED,       { FX_TELL_EXPERTS } },
	{ ST_APPEALED,       EV_UPHOLD,             EXPERT | DELEGATE, guard_answer,                ST_REFUSED,        { FX_LETTER } },
	{ ST_APPEALED,       EV_OVERTURN,           EXPERT | DELEGATE, guard_overturn_routed,       ST_IN_REVIEW,      { FX_OPINIONS, FX_ELIGIBLE_NOTICE, FX_LETTER, FX_TELL_CAISSE } },
	{ ST_APPEALED,       EV_OVERTURN,           EXPERT,            guard_overturn_unrouted,     ST_UNROUTED,       { FX_OPINIONS, FX_ELIGIBLE_NOTICE, FX_LETTER } },
	{ ST_APPEALED,       EV_LAPSE,              CLOCK,             guard_due,                   ST_REFUSED,        { FX_LETTER } },

	{ ST_SUBMITTED,      EV_WITHDRAW,           APPLICANT,         guard_own,                   ST_WITHDRAWN,      { FX_NONE } },
	{ ST_EXPERT_REVIEW,  EV_WITHDRAW,           APPLICANT,         guard_own,                   ST_WITHDRAWN,      { FX_NONE } },
	{ ST_CORRECTION,     EV_WITHDRAW,           APPLICANT,         guard_own,                   ST_WITHDRAWN,      { FX_TELL_CAISSE } },
	{ ST_UNROUTED,       EV_WITHDRAW,           APPLICANT,         guard_own,                   ST_WITHDRAWN,      { FX_NONE } },
	{ ST_IN_REVIEW,      EV_WITHDRAW,           APPLICANT,         guard_own,                   ST_WITHDRAWN,      { FX_TELL_CAISSE } },
	{ ST_TO_SIGN,        EV_WITHDRAW,           APPLICANT,         guard_own,                   ST_WITHDRAWN,      { FX_TELL_CAISSE } },
	{ ST_TO_COUNTERSIGN, EV_WITHDRAW,           APPLICANT,         guard_own,                   ST_WITHDRAWN,      { FX_TELL_CAISSE } },

	/* An amendment becomes a convention when it is countersigned, so these are its live states. */
	{ ST_SUBMITTED,      EV_ORPHAN,             SYSTEM,            guard_orphan,                ST_CLOSED,         { FX_LETTER } },
	{ ST_EXPERT_REVIEW,  EV_ORPHAN,             SYSTEM,            guard_orphan,                ST_CLOSED,         { FX_LETTER } },
	{ ST_CORRECTION,     EV_ORPHAN,             SYSTEM,            guard_orphan,                ST_CLOSED,         { FX_LETTER } },
	{ ST_UNROUTED,       EV_ORPHAN,             SYSTEM,            guard_orphan,                ST_CLOSED,         { FX_LETTER } },
	{ ST_IN_REVIEW,      EV_ORPHAN,             SYSTEM,            guard_orphan,                ST_CLOSED,         { FX_LETTER } },
	{ ST_TO_SIGN,        EV_ORPHAN,             SYSTEM,            guard_orphan,                ST_CLOSED,         { FX_LETTER } },
	{ ST_TO_COUNTERSIGN, EV_ORPHAN,             SYSTEM,            guard_orphan,                ST_CLOSED,         { FX_LETTER } },
	{ ST_APPEALED,       EV_ORPHAN,             SYSTEM,            guard_orphan,                ST_CLOSED,         { FX_LETTER } },

	{ ST_REFUSED,        EV_PURGE,              CLOCK,             guard_retention,             ST_REFUSED,        { FX_ERASE } },
	{ ST_WITHDRAWN,      EV_PURGE,              CLOCK,             guard_retention,             ST_WITHDRAWN,      { FX_ERASE } },
	{ ST_CLOSED,         EV_PURGE,              CLOCK,             guard_retention,             ST_CLOSED,         { FX_ERASE } },
	{ ST_ENDED,          EV_PURGE,              CLOCK,             guard_retention,             ST_ENDED,          { FX_ERASE } },
	{ ST_CONVENTIONED,   EV_PURGE,              CLOCK,             guard_retention,             ST_CONVENTIONED,   { FX_ERASE } },
	{ ST_SUSPENDED,      EV_PURGE,              CLOCK,             guard_retention,             ST_SUSPENDED,      { FX_ERASE } },
	{ ST_LEAVING,        EV_PURGE,              CLOCK,             guard_retention,             ST_LEAVING,        { FX_ERASE } },
};
/* clang-format on */
const size_t transition_count = COUNT(transitions);

static size_t find(const char *const *ids, size_t count, const char *id)
{
	for (size_t i = 1; id && i < count; i++)
		if (str_eq(ids[i], id))
			return i;
	return 0;
}

const char *state_id(enum state s)
{
	return s > ST_NONE && s < STATES ? state_ids[s] : "";
}

enum state state_from_id(const char *id)
{
	return (enum state)find(state_ids, STATES, id);
}

const char *event_id(enum event e)
{
	return e > EV_NONE && e < EVENTS ? event_ids[e] : "";
}

enum event event_from_id(const char *id)
{
	return (enum event)find(event_ids, EVENTS, id);
}

const char *role_id(enum role r)
{
	for (size_t i = 0; i < COUNT(role_ids); i++)
		if (role_ids[i].role == r)
			return role_ids[i].id;
	return "";
}

enum role role_from_id(const char *id)
{
	for (size_t i = 0; id && i < COUNT(role_ids); i++)
		if (str_eq(role_ids[i].id, id))
			return role_ids[i].role;
	return NOBODY;
}

bool state_is_live(enum state s)
{
	return s != ST_NONE && s != ST_DRAFT && s != ST_DELETED && !state_is_final(s);
}

bool state_is_final(enum state s)
{
	return s == ST_REFUSED || s == ST_ENDED || s == ST_WITHDRAWN || s == ST_CLOSED;
}

unsigned state_waits_for(enum state s)
{
	switch (s) {
	case ST_DRAFT:
	case ST_CORRECTION:
		return APPLICANT;
	case ST_SUBMITTED:
		return SYSTEM;
	case ST_EXPERT_REVIEW:
		return EXPERT;
	case ST_UNROUTED:
		return ADMIN;
	case ST_IN_REVIEW:
	case ST_TO_COUNTERSIGN:
	case ST_SUSPENDED:
		return DELEGATE;
	case ST_TO_SIGN:
		return APPLICANT | EMPLOYER;
	case ST_LEAVING:
		return CLOCK;
	case ST_APPEALED:
		return EXPERT | DELEGATE;
	case ST_NONE:
	case ST_CONVENTIONED:
	case ST_ENDED:
	case ST_REFUSED:
	case ST_WITHDRAWN:
	case ST_CLOSED:
	case ST_DELETED:
	case STATES:
		break;
	}
	return 0;
}
