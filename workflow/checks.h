/*
 * The eligibility checks of domain.md §4, pure: facts in, a result out. Who gathers the facts and stores the rows:
 * workflow/verify.c.
 *
 *	struct check_input in = …;
 *	struct check_result r[CHECKS];
 *	checks_run(&in, pool, r);
 *	verdict = checks_verdict(r, CHECKS);
 */
#ifndef WORKFLOW_CHECKS_H
#define WORKFLOW_CHECKS_H

#include <stdbool.h>
#include <stddef.h>
#include "../server/base/clock.h"
#include "../server/base/pool.h"
#include "../forms/values.h"

enum check {
	CHECK_RPPS,
	CHECK_IDENTITY,
	CHECK_ARS,
	CHECK_DIPLOMA,
	CHECK_EXPERIENCE,
	CHECK_DUPLICATE,
	CHECK_DOCUMENTS,
	CHECK_ADDRESS,
	CHECKS
};
enum result { RESULT_PASS, RESULT_REVIEW, RESULT_UNAVAILABLE, RESULT_FAIL }; /* in the order of the verdict */

const char *check_id(enum check c);
enum check check_from_id(const char *id); /* CHECKS: unknown */
const char *result_id(enum result r);
enum result result_from_id(const char *id);

/* One line of the registry for this RPPS. */
struct registry_line {
	const char *profession; /* "93", "72" */
	const char *last_name, *first_name;
	const char *authority;   /* "ARS/ARS/ARS" */
	const char *departement; /* by commune code, else département column, else postcode (§4) */
	const char *mode;
};

struct check_input {
	const struct values *answers; /* the frozen copy */
	day_t deposit;                /* the latest submit's legal day */
	/* registry */
	bool registry_there; /* a copy was imported and is at most 35 days old */
	day_t registry_day;  /* of that copy */
	const struct registry_line *lines;
	size_t line_count;
	bool fhir_inactive; /* the FHIR source says inactive */
	/* commune of the main address */
	bool commune_known;
	const char *departement; /* of the main address, or NULL */
	/* duplicates */
	int same_name_and_birth, same_iban; /* submitted files of another RPPS */
	/* pieces: kinds that are not really what they say, joined by ", ", or NULL */
	const char *bad_pieces;
	bool foreign_authorisation; /* the piece is there */
};

struct check_result {
	enum check check;
	enum result result;
	const char *reason; /* reason code, catalogue id "check.<reason>" */
	const char *source; /* "registre du 1er novembre 2026", "candidature", "pièces", … */
	/*
	 * Canonical JSON (RFC 8785) of what it rests on: codes, counts, dates; names only as given evidence. It says
	 * what was looked at, not when: a newer registry or a later deposit with the same content gives the same text,
	 * so that opinions on unchanged evidence stand.
	 */
	const char *evidence;
};

void checks_run(const struct check_input *in, struct pool *pool, struct check_result out[CHECKS]);
/* The worst in the order fail, unavailable, review, pass; `address` is outside it. */
enum result checks_verdict(const struct check_result *r, size_t count);

/* Département of a commune code: "2A", "971", else the first two. NULL when it is not a code. */
const char *departement_of_commune(struct pool *pool, const char *code);
const char *departement_of_line(struct pool *pool, const char *commune, const char *departement, const char *postcode);

#define EXPERIENCE_DAYS_NEEDED 1095

/* One period as declared. */
struct period {
	day_t from, to; /* to = DAY_NONE: until the deposit */
	enum { CLINICAL_YES, CLINICAL_PARTLY, CLINICAL_NO } clinical;
	int share; /* percent */
	const char *structure;
};
struct experience {
	int days;             /* distinct days of clinical ("yes") periods */
	int days_with_partly; /* … counting every "partly" period */
	int full_time_days; /* the days of `days` weighted by the largest share that day, percent / 100, rounded down */
	day_t first, last;  /* of `days`; DAY_NONE when there is none */
	const char *formula; /* French: how it was counted, period by period */
};
/* Exactly the rule of §4 (diploma DAY_NONE: no limit on that side); both ends, the diploma's day and the deposit's day
 * count. */
void experience_compute(const struct period *periods, size_t count, day_t diploma, day_t deposit, struct pool *pool,
			struct experience *out);
size_t experience_periods(const struct values *answers, struct pool *pool, struct period **out);

#endif
