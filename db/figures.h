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
 * Asks one to three statements after the event's INSERT; call it for every event (it asks nothing where nothing
 * counts). A state that changes: -1 / +1; flows (submitted, approved, refused, refused:CODE, conventioned, ended); a
 * caisse that changes takes all the file has counted so far with it; a state left: its stage row. Drafts are not
 * counted. The day is that of `at` in Paris, or the first day still open. Returns how many statements were asked.
 */
size_t figures_ask_event(struct segment *s, struct pool *pool, const struct figures_event *f);

/*
 * Closes the days that can be (past, and no transaction older than their end runs), and publishes the month ends among
 * them: cells of 1 to 4 hidden, with what would let them be computed, chosen here once. *closed counts the days.
 * Several programs may do it at once. Waits up to two seconds for older transactions, then leaves it to the next call.
 */
int figures_close_days(struct lanes *l, struct pool *pool, int *closed, struct err *e) MUST_USE;

/* ---- reading ---- */

enum figures_level { FIGURES_CAISSE, FIGURES_DEPARTEMENT, FIGURES_REGION, FIGURES_PAYS, FIGURES_LEVELS };
const char *figures_level_id(enum figures_level level);                 /* "departement" */
int figures_level_from_id(const char *id, enum figures_level *out);     /* -1: no such level */
const char *figures_level_label(enum figures_level level, bool plural); /* "département", "départements" */

#define FIGURES_NOWHERE "non_rattache"
#define FIGURES_COUNTRY "FR"

/* Measures are text ids, so that a new state or reason needs no change here; these have places of their own. */
enum figures_measure {
	FM_SUBMITTED_FLOW,
	FM_APPROVED,
	FM_REFUSED_FLOW,
	FM_SIGNED,
	FM_ENDED_FLOW,
	FM_STOCK,  /* stock: state:conventioned */
	FM_OTHERS, /* the first of the others */
	FM_MAX = 64
};
/* Stages whose time is not the applicant's: submitted, expert_review, unrouted, in_review, to_countersign, appealed. */
enum { FIGURES_STAGES = 6 };
const char *figures_stage_id(size_t stage);

struct figures_stage {
	int64_t n;          /* files that left this state at least once; all their visits count together */
	double median, p90; /* whole days per file, interpolated between files */
	bool hidden;
};
struct figures_item {
	const char *code, *name;
	const char *departement, *region; /* of a caisse, of a département; NULL elsewhere */
	int64_t population;
	int64_t total[FM_MAX];
	bool hidden[FM_MAX]; /* published figures alone: not to be shown */
	bool any_hidden;
	struct figures_stage stage[FIGURES_STAGES];
	double per_100000; /* conventioned psychologists; below 0: no population */
};
struct figures {
	enum figures_level level;
	day_t as_of, published; /* published: the month end of all but the stock; DAY_NONE: none yet, or unsuppressed */
	bool open;              /* public figures: suppressed */
	bool closed;            /* as_of is a closed day: nothing here will ever change */
	int64_t event;          /* the last delta counted */
	instant_t computed_at;
	const char *measures[FM_MAX]; /* ids: "submitted", …, "state:in_review", "refused:no_ars" */
	size_t measure_count;
	struct figures_item *items; /* ordered by code, non_rattache last */
	size_t count;
	struct figures_item total; /* of the items: the country's, or that of the scope */
};

struct figures_question {
	enum figures_level level;
	day_t as_of; /* DAY_NONE: today */
	bool open;   /* what the public may see */
	/* an agent's scope; both empty: everything, files without a caisse included */
	const char *region;
	const char *const *caisses;
	size_t caisse_count;
};

/*
 * The statements of a question, to be asked in this order in one segment; then figures_read() with the rows of each.
 *
 *	struct figures_ask asks[FIGURES_ASKS];
 *	figures_asks(&q, pool, asks);
 *	for (i …) at[i] = job_ask(j, asks[i].st, asks[i].args, asks[i].count);
 *
 * The scope is applied by figures_read(): the statements do not depend on it.
 */
enum { FIGURES_ASKS = 5 };
struct figures_ask {
	const struct statement *st;
	const struct arg *args;
	size_t count;
};
void figures_asks(const struct figures_question *q, struct pool *pool, struct figures_ask out[FIGURES_ASKS]);
void figures_read(const struct figures_question *q, const struct rows *const rows[FIGURES_ASKS], struct pool *pool,
		  struct figures *out);

/* Conventioned psychologists at the last 13 month ends, a month before $1 (NULL: today) and on that day. */
extern const struct statement figures_series;
struct figures_point {
	day_t day;
	int64_t total;
};
/* Those of the question's scope, by day; `places` are rows[1] of its statements. */
size_t figures_series_read(const struct figures_question *q, const struct rows *series, const struct rows *places,
			   struct pool *pool, const struct figures_point **out);
/* What départements look like: code, name, viewbox, path (SVG). */
extern const struct statement figures_shapes;
/* Who took figures or lists out of the service: agent, what, how many rows. */
extern const struct statement figures_exported;

struct json;
/* The object of interface.md: items, level, as_of, published, event, computed_at. */
void figures_json(const struct figures *f, struct json *j);

/* Asks and reads, waiting. */
int figures_run(struct lanes *l, struct pool *pool, const struct figures_question *q, struct figures *out,
		struct err *e) MUST_USE;
/* enrollctl figures: unsuppressed, as JSON or as a table of text. */
char *figures_print(struct lanes *l, day_t as_of, enum figures_level level, bool json, struct pool *pool,
		    struct err *e);

#endif
