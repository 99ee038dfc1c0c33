/*
 * What may happen to a file (a candidature): states, events, who, under which condition, with what consequence.
 * The specification is workflow/table.c; domain.md §3 is where it comes from.
 *
 *	struct facts f = …;                                  gathered once under the lock (fire.c) or for a page
 *	const struct transition *t;
 *	if (decide(&f, EV_APPROVE, &t, &e)) …                e.text says why not: a sentence's id, shown as it is
 *
 * decide() is pure: no clock, no database, no HTTP. table.c, guards.c and decide.c may include nothing of db/.
 */
#ifndef WORKFLOW_WORKFLOW_H
#define WORKFLOW_WORKFLOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../server/base/clock.h"
#include "../server/base/err.h"
#include "../server/base/pool.h"

enum state {
	ST_NONE,
	ST_DRAFT,
	ST_SUBMITTED,
	ST_EXPERT_REVIEW,
	ST_CORRECTION,
	ST_UNROUTED,
	ST_IN_REVIEW,
	ST_TO_SIGN,
	ST_TO_COUNTERSIGN,
	ST_CONVENTIONED,
	ST_SUSPENDED,
	ST_LEAVING,
	ST_ENDED,
	ST_REFUSED,
	ST_APPEALED,
	ST_WITHDRAWN,
	ST_CLOSED,
	ST_DELETED, /* a discarded draft: no row stays */
	STATES
};

/* Ids are the words of domain.md §3: "submit", "checks_failed", … */
enum event {
	EV_NONE,
	EV_SUBMIT,
	EV_DISCARD,
	EV_CHECKS_FAILED,
	EV_CHECKS_NEED_HUMAN,
	EV_CHECKS_PASSED,
	EV_FIND_ELIGIBLE,
	EV_PROPOSE_INELIGIBLE,
	EV_CONFIRM_INELIGIBLE,
	EV_OBJECT,
	EV_ASK_CORRECTION,
	EV_RESUBMIT,
	EV_LAPSE,
	EV_ROUTE,
	EV_CLAIM,
	EV_RELEASE,
	EV_TAKE_OVER,
	EV_TRANSFER,
	EV_APPROVE,
	EV_REFUSE,
	EV_SIGN,
	EV_EMPLOYER_SIGN,
	EV_EMPLOYER_DECLINE,
	EV_RECALL,
	EV_COUNTERSIGN,
	EV_AMEND,
	EV_REPLACE,
	EV_ORPHAN,
	EV_WARN,
	EV_STATE_FINDINGS,
	EV_OBSERVE,
	EV_SUSPEND,
	EV_REINSTATE,
	EV_EXCLUDE,
	EV_RESIGN,
	EV_RENEW,
	EV_APPEAL,
	EV_UPHOLD,
	EV_OVERTURN,
	EV_WITHDRAW,
	EV_PURGE,
	EVENTS
};

enum role {
	NOBODY = 0,
	VISITOR = 1,
	APPLICANT = 2,
	EMPLOYER = 4,
	EXPERT = 8,
	DELEGATE = 16,
	REGION = 32,
	ADMIN = 64,
	CLOCK = 128,
	SYSTEM = 256
};

const char *state_id(enum state s);       /* "in_review" */
enum state state_from_id(const char *id); /* ST_NONE: unknown */
const char *event_id(enum event e);
enum event event_from_id(const char *id);
const char *role_id(enum role r); /* "delegate"; one bit only */
enum role role_from_id(const char *id);
bool state_is_live(enum state s); /* domain.md §3 */
bool state_is_final(enum state s);
unsigned state_waits_for(enum state s); /* roles that must act, or-ed; 0: nobody */

/* Kinds of a file. */
enum file_kind { KIND_CONVENTION, KIND_AMENDMENT };

/* What is known of a file when someone wants to move it. Fields a page does not need may stay 0 = "no". */
struct facts {
	/* the file */
	enum state state;
	enum file_kind kind;
	bool eligible;
	bool has_caisse;   /* a caisse holds it */
	bool has_employer; /* a three-party convention */
	bool applicant_signed, employer_signed;
	bool employer_offered; /* the employer's link was sent */
	enum state return_to;  /* where a correction goes back to: IN_REVIEW, EXPERT_REVIEW or NONE */
	bool was_suspended;    /* leaving from suspended */
	/* the person */
	enum role role;     /* one bit */
	int64_t actor;      /* account or agent id, 0 for clock and system */
	bool owns_file;     /* applicant: it is theirs */
	bool of_its_caisse; /* delegate: the file's caisse is among theirs */
	bool may_sign;      /* delegate with signing right */
	bool holds_it;      /* the claim is theirs */
	bool held;          /* someone holds it */
	bool holder_idle;   /* did nothing on it for as many working days as the policy says */
	/* submit */
	bool complete;        /* answers valid, pieces attached, attestations ticked */
	bool other_live_file; /* of this person (RPPS, NIR) and kind */
	/* checks: each judged with maintained answers and standing opinions already applied */
	bool checks_run; /* a result of every check exists for this submit */
	bool any_fail_unmaintained;
	bool any_unavailable_recent; /* unavailable, less than 72 h since the last submit */
	bool any_in_question;        /* review, maintained fail, old unavailable, without a standing opinion */
	bool expert_policy;          /* eligibility = expert on the deposit's day */
	bool route_known, route_changed;
	/* expert */
	bool opinions_complete; /* a reason on every point in question (body) */
	bool two_experts;       /* policy, default on */
	bool proposed;          /* someone proposed "ineligible" and nobody answered yet */
	bool proposed_by_me;
	bool reasons_given; /* reason codes and text in the body */
	/* correction */
	bool items_given;        /* ≥ 1 item with a reason each */
	bool items_answered;     /* each corrected or maintained with a reason */
	bool has_text;           /* a reason or text was given */
	bool other_caisse_given; /* a known caisse, not the present one */
	/* decision */
	bool checklist_complete, pieces_settled;
	bool digest_ready; /* the convention was rendered for this version */
	bool digest_unchanged;
	bool code_good;            /* the confirmation code, checked and used up by the transaction */
	bool countersign_complete; /* FNPS reference, effective date ≥ today */
	bool parent_conventioned;  /* an amendment's parent is conventioned (or it has none) */
	bool parent_gone;          /* … ended otherwise */
	bool child_countersigned;  /* replace: inside the child's transaction */
	bool open_child;           /* an amendment is already open */
	/* sanctions: law R.162-71 */
	bool warned_30_days;   /* a warning at least 30 days old, not used by later findings */
	bool findings_30_days; /* findings at least 30 days old, not used by a measure */
	bool until_given;      /* suspend: end date in the future */
	/* time */
	bool deadline_passed;
	bool term_reached;   /* conventioned: the convention's yearly term */
	bool retention_over; /* something is due for erasing (§8) */
	/* appeal */
	bool appealed_before, appeal_in_time;
	enum role refused_by_role; /* EXPERT, DELEGATE, or CLOCK for an implicit refusal */
	bool refused_by_me;        /* decided, or proposed, the refusal */
};
/*
 * "proposed" is a propose_ineligible since the file last entered expert_review that no object answered. complete and
 * other_live_file (not counting this file) are asked of resubmit as of submit, route_known and route_changed of
 * checks_passed, find_eligible and overturn. route_changed: the address gives another route now than
 * it did when the file was last given to a caisse, however many submits lie between, and not the caisse that has it: a
 * person may have chosen that one (route, transfer), and sent it where its address leads now.
 */

/* Takes what a body would bring (texts, codes, checklist …) for good: a page asks this before it asks decide(). */
void facts_assume_body(struct facts *f);

/*
 * Consequences, written in the same transaction by effects.c. Some have an object only in some files and then do
 * nothing without one: FX_TELL_CAISSE and FX_TELL_BOTH_CAISSES (the one that had it, the one that gets it) without a
 * caisse, FX_OFFER_EMPLOYER without an employer, FX_ORPHAN_CHILD without a live amendment, FX_ELIGIBLE_NOTICE when the
 * file was eligible before. FX_ROUTE computes the route again and stores it with its reason; it does not give the file
 * to a caisse.
 */
enum effect {
	FX_NONE,
	FX_FREEZE,
	FX_RECEIPT,
	FX_ROUTE,
	FX_QUEUE_CHECKS,
	FX_COUNT_DISCARD,
	FX_ITEMS_FROM_CHECKS,
	FX_TELL_APPLICANT,
	FX_TELL_EXPERTS,
	FX_TELL_CAISSE,
	FX_TELL_BOTH_CAISSES,
	FX_ELIGIBLE_NOTICE,
	FX_REFUSAL_LETTER,
	FX_LETTER,
	FX_ITEMS,
	FX_ITEMS_ANSWERED,
	FX_OPINIONS,
	FX_CONVENTION,
	FX_OFFER_EMPLOYER,
	FX_SIGNATURE,
	FX_VOID_SIGNATURES,
	FX_SEAL,
	FX_PUBLISH,
	FX_PURGE_IDENTITY_LATER,
	FX_CHILD,
	FX_REPLACE_PARENT,
	FX_ORPHAN_CHILD,
	FX_PATIENTS_LIST,
	FX_ERASE,
};

struct transition {
	enum state from;
	enum event event;
	unsigned who;                                 /* roles, or-ed */
	const char *(*only_if)(const struct facts *); /* NULL answer = allowed, else the text id of the reason */
	enum state to;
	enum effect then[5];
};

extern const struct transition transitions[];
extern const size_t transition_count;

/* What an event writes beside the state: columns of the event, which the history trigger copies to the file. */
enum holder_move { HOLDER_KEEP, HOLDER_ACTOR, HOLDER_NOBODY };
enum caisse_move { CAISSE_KEEP, CAISSE_ROUTED, CAISSE_BODY, CAISSE_NONE }; /* the route's, the body's, none */
struct moves {
	bool eligible;
	enum state return_to;
	enum holder_move holder;
	enum caisse_move caisse;
};
struct moves transition_moves(const struct transition *t, const struct facts *f);

#define WHY_NOT_HERE "why.not_here" /* {0} is the state's label: for who shows it to fill */

/*
 * Finds the row for (state, event, role) whose guard allows. 0 and *out, or -1: ERR_DENIED "why.role" when no row is
 * for this role, ERR_INPUT with the guard's reason, ERR_STALE WHY_NOT_HERE when the state has no such event.
 */
int decide(const struct facts *f, enum event ev, const struct transition **out, struct err *e) MUST_USE;
/* Its first half, known before a body is read: -1 with ERR_DENIED or ERR_STALE when no row is for these three. */
int decide_row(enum state from, enum event ev, enum role role, struct err *e) MUST_USE;
bool event_is_for(enum event ev, enum role role); /* in some state */

/* The events this person may fire now, what a body brings taken for good; in the order of the enum. */
size_t decide_actions(const struct facts *f, enum event out[EVENTS]);

/* The table as text: the golden file of `enrollctl workflow print`, and what migrate loads: from event role to, sorted.
 */
char *workflow_print(struct pool *pool);
/* SHA-256 in hexadecimal of that text: a start with another table than the database's is refused. */
char *workflow_digest(struct pool *pool);

/*
 * ---- policy.c: pure. What domain.md calls a policy, with its default ----
 *
 * The values in force are rows of the table `policy`, which the history trigger and the directory's views read too; the
 * program's copy of them is server/policy.h. To add one: a member, its default (deadlines.c), its row (policy.c) and a
 * migration with its value and bounds; all are int, so that none can lack its row.
 */
struct policy {
	int correction_days;      /* 30 */
	int sign_days;            /* 60, to_sign */
	int draft_days;           /* 90 */
	int notified_after_days;  /* 15: posted and not opened */
	int unavailable_hours;    /* 72 */
	int review_target;        /* 30 working days */
	int convention_years;     /* 1 */
	int take_over_days;       /* 5 working days */
	int two_experts;          /* 1; 0: one expert refuses alone */
	int missed_confirmations; /* 2 yearly ones, then the directory hides: asked by its views alone */
};
extern const struct policy policy_default;

struct policy_row {
	const char *name, *what; /* what it decides and where that is said, for enrollctl */
	size_t at;
};
extern const struct policy_row policy_rows[];
extern const size_t policy_count;
const struct policy_row *policy_row(const char *name); /* NULL: no such policy */
int policy_get(const struct policy *p, const struct policy_row *row);
void policy_put(struct policy *p, const struct policy_row *row, int value);

/* ---- deadlines.c: pure ---- */

/* Fixed when the state is entered. Months and days are legal days of Paris: the instant is 24:00 of the last day. */
struct clock_facts {
	instant_t now;       /* when the state is entered; draft: last touched */
	instant_t deposited; /* first complete deposit, for the 4 months of R.162-61 */
	int paused_days;     /* legal days spent in correction since then: sum of paused_days(entered, left) */
	day_t effective;     /* effective date of the convention, or DAY_NONE */
	day_t term;          /* the day after its running term; DAY_NONE: its first one begins */
	day_t until;         /* suspend's end, or DAY_NONE */
	day_t resigned;      /* day of notice, or DAY_NONE */
};
/* INSTANT_NONE when the state has no deadline. *ev is what the clock fires then (EV_LAPSE, EV_REINSTATE, EV_RENEW). */
instant_t deadline_of(enum state entered, bool eligible, const struct clock_facts *c, const struct policy *p,
		      enum event *ev);
/* Legal days from one instant to the other, as correction adds them to the 4 months. */
int paused_days(instant_t entered, instant_t left);
/*
 * When a decision counts as notified: first opened, else 15 days after it was posted (policy). INSTANT_NONE when
 * neither has come at `now`.
 */
instant_t notified_at(instant_t posted, instant_t opened, instant_t now, const struct policy *p);
/* Days before the deadline at which a reminder is due, the largest first; 0 of them where there is none. */
size_t reminders_of(enum state s, const int **days);
/* Last instant at which an appeal can be made: 2 months from the notification's day. */
instant_t appeal_limit(instant_t notified);

#endif
