/* The figures against a recount from scratch, and published cells against who would compute what they hide. */
#include "../lib/test.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../db/figures.h"
#include "../../server/base/json_write.h"
#include "../../server/base/str.h"
#include "../lib/pgtest.h"

enum { DAYS_OF_HISTORY = 75, FILES_MAX = 400, ENTRIES_MAX = 20000, CAISSES = 9 };

static struct pool *pool;
static struct lanes *lanes;
static day_t first_day;

/* A small country: 3 regions, 6 départements, 9 caisses; 59 has three, 62 two. */
static const struct {
	const char *code, *departement, *region;
} country[CAISSES] = {
	{ "595", "59", "32" }, { "594", "59", "32" }, { "597", "59", "32" },
	{ "621", "62", "32" }, { "624", "62", "32" }, { "021", "02", "32" },
	{ "011", "01", "84" }, { "691", "69", "84" }, { "976", "976", "06" },
};

static void reference_small(void)
{
	struct str sql = str_in(pool);

	str_add(&sql, "truncate region, departement, caisse, commune cascade;"
		      "insert into region (code, name, ars, zone) values ('32', 'Hauts-de-France', 'ARS', 'metro'),"
		      " ('84', 'Auvergne-Rhône-Alpes', 'ARS', 'metro'), ('06', 'Mayotte', 'ARS', 'drom');");
	for (size_t i = 0; i < CAISSES; i++) {
		str_addf(&sql,
			 "insert into departement (code, name, region, zone) values ('%s', 'Dép. %s', '%s', 'metro')"
			 " on conflict do nothing;",
			 country[i].departement, country[i].departement, country[i].region);
		str_addf(&sql,
			 "insert into caisse (code, name, type, departement, region) values ('%s', 'CPAM %s', 'CPAM', "
			 "'%s', '%s');",
			 country[i].code, country[i].code, country[i].departement, country[i].region);
		str_addf(&sql,
			 "insert into commune (code, name, search_key, type, caisse, population) values"
			 " ('c%s', 'c', 'c', 'commune-actuelle', '%s', %zu), ('a%s', 'a', 'a', "
			 "'arrondissement-municipal', '%s', 777);",
			 country[i].code, country[i].code, 100000 * (i + 1), country[i].code, country[i].code);
	}
	str_add(&sql, "insert into commune (code, name, search_key, type, population) values ('x', 'x', 'x', "
		      "'commune-actuelle', 5000)");
	pgtest_sql(pgtest_cluster()->owner_dsn, sql.s);
}

static int setup(void **state)
{
	(void)state;
	pool = pool_new();
	lanes = pgtest_lanes(1, "figures_test");
	reference_small();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lanes_close(lanes);
	pool_free(pool);
	return 0;
}

/* ---- a history of our own, and its recount ---- */

struct entry {
	day_t day;
	int file, seq;
	const char *event, *from, *to;
	int caisse;         /* after; -1: none */
	const char *reason; /* of a refusal */
	int64_t seconds;    /* in `from` */
};
struct person {
	const char *state;
	int caisse, seq;
	instant_t since;
};
static struct entry entries[ENTRIES_MAX];
static size_t entry_count;
static struct person people[FILES_MAX];
static int person_count, number_base;
static uint64_t seed = 88172645463325252u;

static unsigned any(unsigned n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (unsigned)(seed % n);
}

static void forget_everything(void)
{
	pgtest_sql(pgtest_cluster()->owner_dsn,
		   "truncate delta, stage, closed_stage, closed_total, closed_day, published_cell, geography; delete "
		   "from meta where key = 'clock_offset'");
	entry_count = 0;
	person_count = 0;
	number_base += FILES_MAX;
	memset(people, 0, sizeof people);
}

/* The service's own now, moved by the offset of the test clock. */
static void clock_to(instant_t at)
{
	pgtest_sql(pgtest_cluster()->owner_dsn,
		   pool_printf(pool,
			       "insert into meta (key, value) select 'clock_offset', extract(epoch from "
			       "'%s'::timestamptz - clock_timestamp())::text"
			       " on conflict (key) do update set value = excluded.value",
			       instant_rfc3339(pool, at)));
}

static void fire_one(int file, instant_t at, const char *event, const char *to, int caisse, const char *reason)
{
	struct person *p = &people[file];
	struct entry *x = &entries[entry_count++];
	struct segment *s = segment_new(lanes, pool, LANE_WRITE, NULL, NULL);
	struct err e;

	assert_true(entry_count < ENTRIES_MAX);
	*x = (struct entry){ .day = day_in_paris(at),
			     .file = file,
			     .seq = ++p->seq,
			     .event = event,
			     .from = p->state,
			     .to = to,
			     .caisse = caisse,
			     .reason = reason,
			     .seconds = (at - p->since) / SECOND };
	struct figures_event f = { .file = number_base + file,
				   .seq = p->seq,
				   .at = at,
				   .event = event,
				   .from = p->state,
				   .to = to,
				   .caisse_before = p->caisse < 0 ? NULL : country[p->caisse].code,
				   .caisse_after = caisse < 0 ? NULL : country[caisse].code,
				   .state_since = p->since,
				   .reasons = &x->reason,
				   .reason_count = reason ? 1 : 0 };
	if (figures_ask_event(s, pool, &f) && db_send_wait(s, &e))
		fail_msg("%s", e.detail);
	if (strcmp(p->state, to))
		p->since = at;
	p->state = to;
	p->caisse = caisse;
}

static int person_new(instant_t at)
{
	int file = person_count++;

	assert_true(file < FILES_MAX);
	people[file] = (struct person){ .state = "draft", .caisse = -1, .since = at };
	return file;
}

static const char *const live_states[] = { "submitted", "expert_review",  "correction",   "unrouted",  "in_review",
					   "to_sign",   "to_countersign", "conventioned", "suspended", "leaving",
					   "ended",     "refused",        "appealed",     "withdrawn", "closed" };
static const char *const reasons[] = { "no_ars", "piece_missing", "other" };

/* Any change whatever: the figures must add up for those that the workflow forbids too. */
static void random_event(instant_t at)
{
	if (!person_count || (any(4) == 0 && person_count < FILES_MAX)) {
		fire_one(person_new(at), at, "submit", "submitted", -1, NULL);
		return;
	}
	int file = (int)any((unsigned)person_count);
	struct person *p = &people[file];
	/* Most go to the two large caisses, so that some cells are small and some are not. */
	int caisse = any(3) ? p->caisse : any(8) == 0 ? -1 : any(2) ? (int)any(2) * 6 : (int)any(CAISSES);
	const char *to = live_states[any(COUNT(live_states))];
	if (any(3) == 0)
		to = any(2) ? "conventioned" : "in_review";
	const char *event = !strcmp(to, "to_sign") ? "approve" : !strcmp(to, "conventioned") ? "countersign" : "route";
	if (any(6) == 0) {
		event = "transfer"; /* keeps its state */
		to = p->state;
	}
	fire_one(file, at, event, to, caisse, !strcmp(to, "refused") && any(4) ? reasons[any(3)] : NULL);
}

/* Files per caisse (the last is "none") that satisfy a measure, counted from nothing but the list of entries. */
static void recount(const char *measure, day_t day, int64_t out[CAISSES + 1])
{
	memset(out, 0, sizeof(int64_t) * (CAISSES + 1));
	for (int file = 0; file < person_count; file++) {
		const struct entry *last = NULL;
		int64_t n = 0;
		for (size_t i = 0; i < entry_count; i++) {
			const struct entry *x = &entries[i];
			if (x->file != file || x->day > day)
				continue;
			bool moved = strcmp(x->from, x->to) != 0;
			last = x;
			n += !strcmp(measure, "submitted") && !strcmp(x->from, "draft");
			n += !strcmp(measure, "approved") && !strcmp(x->event, "approve");
			n += !strcmp(measure, "conventioned") && !strcmp(x->event, "countersign");
			n += !strcmp(measure, "ended") && moved && !strcmp(x->to, "ended");
			bool refused = moved && !strcmp(x->to, "refused") && strcmp(x->from, "appealed");
			n += !strcmp(measure, "refused") && refused;
			if (!strncmp(measure, "refused:", 8) && refused)
				n += !strcmp(measure + 8, x->reason ? x->reason : "implicit");
		}
		if (!last)
			continue;
		if (!strncmp(measure, "state:", 6))
			n = !strcmp(measure + 6, last->to);
		out[last->caisse < 0 ? CAISSES : last->caisse] += n;
	}
}

static int compare_i64(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return x < y ? -1 : x > y;
}

/* Days in a stage of the files whose latest visit ended at this caisse (-2: of all). */
static size_t recount_stage(const char *stage, day_t day, int caisse, int64_t out[FILES_MAX])
{
	size_t n = 0;

	for (int file = 0; file < person_count; file++) {
		int64_t seconds = 0;
		int at = -3;
		for (size_t i = 0; i < entry_count; i++) {
			const struct entry *x = &entries[i];
			if (x->file == file && x->day <= day && strcmp(x->from, x->to) && !strcmp(x->from, stage)) {
				seconds += x->seconds;
				at = x->caisse;
			}
		}
		if (at != -3 && (caisse == -2 || at == caisse))
			out[n++] = (int64_t)llround((double)seconds / 86400);
	}
	qsort(out, n, sizeof *out, compare_i64);
	return n;
}

static double percentile_of(const int64_t *sorted, size_t n, double p)
{
	double rank = p * (double)(n - 1);
	size_t low = (size_t)rank, high = low + 1 < n ? low + 1 : low;

	return (double)sorted[low] + (double)(sorted[high] - sorted[low]) * (rank - (double)low);
}

static const char *code_of(int caisse, enum figures_level level)
{
	if (level == FIGURES_PAYS)
		return FIGURES_COUNTRY;
	if (caisse == CAISSES)
		return FIGURES_NOWHERE;
	return level == FIGURES_CAISSE        ? country[caisse].code
	       : level == FIGURES_DEPARTEMENT ? country[caisse].departement
					      : country[caisse].region;
}

static const struct figures_item *item_at(const struct figures *f, const char *code)
{
	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->items[i].code, code))
			return &f->items[i];
	fail_msg("no item %s", code);
	return NULL;
}

static void ask(struct figures *f, struct pool *p, enum figures_level level, day_t day, bool open)
{
	struct figures_question q = { .level = level, .as_of = day, .open = open };
	struct err e;

	if (figures_run(lanes, p, &q, f, &e))
		fail_msg("%s", e.detail);
}

static void same_as_recount(day_t day)
{
	struct pool *p = pool_new();

	for (size_t l = 0; l < FIGURES_LEVELS; l++) {
		struct figures f;
		ask(&f, p, (enum figures_level)l, day, false);
		for (size_t m = 0; m < f.measure_count; m++) {
			int64_t expected[CAISSES + 1], sum = 0, total = 0;
			recount(f.measures[m], day, expected);
			for (size_t i = 0; i < f.count; i++) {
				int64_t n = 0;
				for (int c = 0; c <= CAISSES; c++)
					if (!strcmp(code_of(c, (enum figures_level)l), f.items[i].code))
						n += expected[c];
				if (n != f.items[i].total[m])
					fail_msg("%s, %s, day %d: %lld, recounted %lld", f.items[i].code, f.measures[m],
						 (int)(day - first_day), (long long)f.items[i].total[m], (long long)n);
				sum += f.items[i].total[m];
			}
			for (int c = 0; c <= CAISSES; c++)
				total += expected[c];
			assert_int_equal(sum, total);
			assert_int_equal(f.total.total[m], total);
		}
	}
	pool_free(p);
}

static void same_stages_as_recount(day_t day)
{
	struct pool *p = pool_new();
	struct figures f;
	size_t seen = 0;

	ask(&f, p, FIGURES_CAISSE, day, false);
	for (size_t s = 0; s < FIGURES_STAGES; s++)
		for (int c = -2; c < CAISSES; c++) {
			int64_t days[FILES_MAX];
			size_t n = recount_stage(figures_stage_id(s), day, c, days);
			const struct figures_item *item =
				c == -2 ? &f.total : item_at(&f, c < 0 ? FIGURES_NOWHERE : country[c].code);
			assert_int_equal(item->stage[s].n, n);
			seen += n;
			if (n) {
				assert_true(fabs(item->stage[s].median - percentile_of(days, n, 0.5)) < 1e-9);
				assert_true(fabs(item->stage[s].p90 - percentile_of(days, n, 0.9)) < 1e-9);
			}
		}
	assert_true(seen > 0 || day < first_day + 10);
	pool_free(p);
}

static char *answer(struct pool *p, enum figures_level level, day_t day, bool open)
{
	struct figures f;
	struct json j = json_in(p);

	ask(&f, p, level, day, open);
	f.event = 0;
	f.computed_at = 0;
	f.closed = true;
	figures_json(&f, &j);
	return j.out.s;
}

static int close_days(void)
{
	struct err e;
	int closed;
	struct pool *p = pool_new();

	if (figures_close_days(lanes, p, &closed, &e))
		fail_msg("%s", e.detail);
	pool_free(p);
	return closed;
}

/* What the statistics page sets beside the directory is added up from the same deltas, whatever days are closed. */
static void same_stock(void)
{
	int now = 0;

	for (int file = 0; file < person_count; file++)
		now += !strcmp(people[file].state, "conventioned");
	assert_string_equal(pgtest_value(pgtest_cluster()->owner_dsn, "select conventioned from directory_count"),
			    pool_printf(pool, "%d", now));
}

/* Every point of the curve, as seen on `day`, for all, for a region and for an agent of two caisses. */
static void same_series(day_t day)
{
	static const char *const mine[] = { "595", "976" };
	const struct figures_question scopes[] = { { .as_of = day },
						   { .as_of = day, .region = "32" },
						   { .as_of = day, .caisses = mine, .caisse_count = COUNT(mine) } };
	struct pool *p = pool_new();
	struct err e;

	for (size_t q = 0; q < COUNT(scopes); q++) {
		struct figures_ask asks[FIGURES_ASKS];
		const struct figures_point *points;
		struct segment *s = segment_new(lanes, p, LANE_SLOW, NULL, NULL);
		size_t series, places, n;
		figures_asks(&scopes[q], p, asks);
		series = segment_ask(s, &figures_series, asks[0].args, 1);
		places = segment_ask(s, asks[1].st, asks[1].args, asks[1].count);
		assert_int_equal(db_send_wait(s, &e), 0);
		n = figures_series_read(&scopes[q], segment_rows(s, series), segment_rows(s, places), p, &points);
		assert_in_range(n, 13, 15);
		assert_int_equal(points[n - 1].day, day);
		for (size_t i = 0; i < n; i++) {
			int64_t expected[CAISSES + 1], sum = 0;
			recount("state:conventioned", points[i].day, expected);
			for (int c = 0; c < CAISSES; c++)
				if (q == 0 || (q == 1 && !strcmp(country[c].region, "32")) ||
				    (q == 2 && (c == 0 || c == 8)))
					sum += expected[c];
			assert_int_equal(points[i].total, sum + (q == 0 ? expected[CAISSES] : 0));
		}
	}
	pool_free(p);
}

static void any_history_counts_as_a_recount_from_scratch_at_every_day_and_answers_the_same_forever(void **state)
{
	char *first_answer[DAYS_OF_HISTORY];
	struct pool *p = pool_new();

	(void)state;
	forget_everything();
	first_day = day_from_ymd(2025, 1, 10);
	for (int d = 0; d < DAYS_OF_HISTORY; d++) {
		instant_t at = day_start_paris(first_day + d) + 3600 * SECOND;
		clock_to(at);
		/* Some days pass without anybody closing them, some without any event. */
		if (any(3))
			close_days();
		for (unsigned k = any(7) ? any(14) : 0; k-- > 0;)
			random_event(at += (instant_t)any(3000) * SECOND);
		clock_to(at);
		first_answer[d] = answer(p, FIGURES_CAISSE, first_day + d, false);
		same_stock();
		if (d % 8 == 0)
			same_series(first_day + d);
	}
	clock_to(day_start_paris(first_day + DAYS_OF_HISTORY) + SECOND);
	close_days();
	assert_int_equal(close_days(), 0);
	same_stock();
	for (int d = 0; d < DAYS_OF_HISTORY; d++) {
		same_as_recount(first_day + d);
		same_stages_as_recount(first_day + d);
		assert_string_equal(answer(p, FIGURES_CAISSE, first_day + d, false), first_answer[d]);
	}
	same_series(first_day + DAYS_OF_HISTORY - 1);
	same_as_recount(first_day - 1);
	same_as_recount(first_day + DAYS_OF_HISTORY);
	pool_free(p);
}

static void what_comes_late_counts_on_the_first_open_day(void **state)
{
	struct pool *p = pool_new();
	struct figures f;
	instant_t noon;

	(void)state;
	forget_everything();
	first_day = day_from_ymd(2025, 3, 3);
	noon = day_start_paris(first_day) + 12 * 3600 * SECOND;
	clock_to(noon);
	fire_one(person_new(noon), noon, "submit", "submitted", -1, NULL);
	clock_to(noon + 86400 * SECOND);
	assert_int_equal(close_days(), 1);
	char *before = answer(p, FIGURES_PAYS, first_day, false);
	fire_one(person_new(noon), noon, "submit", "submitted", -1, NULL);
	assert_string_equal(answer(p, FIGURES_PAYS, first_day, false), before);
	ask(&f, p, FIGURES_PAYS, first_day, false);
	assert_int_equal(f.items[0].total[FM_SUBMITTED_FLOW], 1);
	assert_true(f.closed);
	ask(&f, p, FIGURES_PAYS, DAY_NONE, false);
	assert_int_equal(f.items[0].total[FM_SUBMITTED_FLOW], 2);
	assert_int_equal(f.as_of, first_day + 1);
	assert_false(f.closed);
	pool_free(p);
}

static void D7_an_unknown_commune_is_counted_as_non_rattache_and_totals_still_add_up(void **state)
{
	struct pool *p = pool_new();
	instant_t at;

	(void)state;
	forget_everything();
	first_day = day_from_ymd(2025, 5, 5);
	at = day_start_paris(first_day) + 10 * 3600 * SECOND;
	clock_to(at);
	int lost = person_new(at), found = person_new(at);
	fire_one(lost, at, "submit", "submitted", -1, NULL);
	fire_one(lost, at, "checks_passed", "unrouted", -1, NULL);
	fire_one(found, at, "submit", "submitted", -1, NULL);
	fire_one(found, at, "checks_passed", "in_review", 0, NULL);
	for (size_t l = 0; l < FIGURES_LEVELS; l++) {
		struct figures f;
		int64_t sum = 0, unrouted = 0;
		ask(&f, p, (enum figures_level)l, first_day, false);
		for (size_t i = 0; i < f.count; i++) {
			sum += f.items[i].total[FM_SUBMITTED_FLOW];
			unrouted += f.items[i].total[FM_OTHERS + 3];
		}
		assert_string_equal(f.measures[FM_OTHERS + 3], "state:unrouted");
		assert_int_equal(sum, 2);
		assert_int_equal(unrouted, 1);
		if (l != FIGURES_PAYS) {
			const struct figures_item *none = item_at(&f, FIGURES_NOWHERE);
			assert_int_equal(none->total[FM_SUBMITTED_FLOW], 1);
			assert_int_equal(none->total[FM_OTHERS + 3], 1);
		}
	}
	/* Once routed, everything it counted goes with it. */
	fire_one(lost, at, "route", "in_review", 8, NULL);
	struct figures f;
	ask(&f, p, FIGURES_REGION, first_day, false);
	assert_int_equal(item_at(&f, FIGURES_NOWHERE)->total[FM_SUBMITTED_FLOW], 0);
	assert_int_equal(item_at(&f, "06")->total[FM_SUBMITTED_FLOW], 1);
	assert_int_equal(item_at(&f, "06")->total[FM_OTHERS + 4], 1);
	pool_free(p);
}

static void a_day_closes_only_when_no_older_transaction_runs(void **state)
{
	struct pool *p = pool_new();
	struct err e;
	instant_t at;

	(void)state;
	forget_everything();
	first_day = day_from_ymd(2025, 6, 2);
	at = day_end_paris(first_day) - SECOND;
	clock_to(at);
	fire_one(person_new(at), at, "submit", "submitted", -1, NULL);
	/* One that has written at the day's last second and has not ended. */
	struct lanes_options o = { .dsn = pgtest_dsn(), .write = 1, .application_name = "slow writer" };
	struct lanes *other = lanes_open(&o, NULL, NULL, &e);
	struct tx *t = tx_new(other, p);
	struct segment *s = tx_flight(t, NULL, NULL);
	struct figures_event f = { .file = 9000001,
				   .seq = 1,
				   .at = at,
				   .event = "submit",
				   .from = "draft",
				   .to = "submitted",
				   .state_since = at };
	figures_ask_event(s, p, &f);
	assert_int_equal(db_send_wait(s, &e), 0);
	clock_to(at + 3600 * SECOND);
	assert_int_equal(close_days(), 0);
	s = tx_flight(t, NULL, NULL);
	segment_ask(s, &figures_series, ARGS(arg_text(NULL)));
	tx_commit(t);
	assert_int_equal(db_send_wait(s, &e), 0);
	assert_int_equal(close_days(), 1);
	struct figures g;
	ask(&g, p, FIGURES_PAYS, first_day, false);
	assert_int_equal(g.items[0].total[FM_SUBMITTED_FLOW], 2);
	lanes_close(other);
	pool_free(p);
}

/* Visits of one file to a stage count together; the applicant's own time is in none. */
static void time_per_stage_is_per_file_without_the_applicants_time(void **state)
{
	struct pool *p = pool_new();
	instant_t at, day = 86400 * SECOND;
	struct figures f;

	(void)state;
	forget_everything();
	first_day = day_from_ymd(2025, 7, 1);
	at = day_start_paris(first_day) + 9 * 3600 * SECOND;
	clock_to(at + 40 * day);
	int a = person_new(at);
	fire_one(a, at, "submit", "submitted", -1, NULL);
	fire_one(a, at, "checks_passed", "in_review", 0, NULL);
	fire_one(a, at + 2 * day, "ask_correction", "correction", 0, NULL);
	fire_one(a, at + 12 * day, "resubmit", "submitted", 0, NULL);
	fire_one(a, at + 12 * day, "checks_passed", "in_review", 0, NULL);
	fire_one(a, at + 15 * day, "approve", "to_sign", 0, NULL);
	ask(&f, p, FIGURES_CAISSE, DAY_NONE, false);
	const struct figures_stage *g = &item_at(&f, "595")->stage[3];
	assert_string_equal(figures_stage_id(3), "in_review");
	assert_int_equal(g->n, 1);
	assert_true(fabs(g->median - 5) < 1e-9);
	/* As of a day between the two visits: the first alone. */
	close_days();
	ask(&f, p, FIGURES_CAISSE, first_day + 5, false);
	assert_true(fabs(item_at(&f, "595")->stage[3].median - 2) < 1e-9);
	ask(&f, p, FIGURES_CAISSE, first_day + 30, false);
	assert_true(fabs(item_at(&f, "595")->stage[3].median - 5) < 1e-9);
	pool_free(p);
}

static void coverage_counts_the_inhabitants_of_present_communes_once(void **state)
{
	struct pool *p = pool_new();
	struct figures f;
	instant_t at;

	(void)state;
	forget_everything();
	first_day = day_from_ymd(2025, 8, 4);
	at = day_start_paris(first_day) + 9 * 3600 * SECOND;
	clock_to(at);
	for (int i = 0; i < 6; i++) {
		int a = person_new(at);
		fire_one(a, at, "submit", "submitted", -1, NULL);
		fire_one(a, at, "countersign", "conventioned", i % 2, NULL);
	}
	ask(&f, p, FIGURES_DEPARTEMENT, first_day, false);
	/* 59: 100 000 + 200 000 + 300 000 inhabitants */
	assert_int_equal(item_at(&f, "59")->population, 600000);
	assert_true(fabs(item_at(&f, "59")->per_100000 - 1.0) < 1e-9);
	assert_true(item_at(&f, "976")->per_100000 < 1e-9);
	ask(&f, p, FIGURES_PAYS, first_day, false);
	assert_int_equal(f.items[0].population, 4505000);
	pool_free(p);
}

static void a_scope_sees_its_own_and_no_part_under_the_name_of_the_whole(void **state)
{
	struct pool *p = pool_new();
	struct figures f;
	struct err e;
	const char *const mine[] = { "595", "976" };
	struct figures_question q = { .level = FIGURES_CAISSE, .as_of = first_day, .caisses = mine, .caisse_count = 2 };

	(void)state;
	assert_int_equal(figures_run(lanes, p, &q, &f, &e), 0);
	assert_int_equal(f.count, 2);
	assert_int_equal(f.total.total[FM_STOCK], 3);
	q.level = FIGURES_DEPARTEMENT;
	assert_int_equal(figures_run(lanes, p, &q, &f, &e), 0);
	assert_int_equal(f.count, 1); /* 59 has other caisses too */
	assert_string_equal(f.items[0].code, "976");
	q.level = FIGURES_PAYS;
	assert_int_equal(figures_run(lanes, p, &q, &f, &e), 0);
	assert_int_equal(f.count, 0);
	q = (struct figures_question){ .level = FIGURES_REGION, .as_of = first_day, .region = "32" };
	assert_int_equal(figures_run(lanes, p, &q, &f, &e), 0);
	assert_int_equal(f.count, 1);
	assert_int_equal(f.items[0].total[FM_STOCK], 6);
	pool_free(p);
}

/* ---- what is published ---- */

enum { PRIME = 1000003, UNKNOWNS = 1200, EQUATIONS = 2000 };
struct system {
	int unknown[FIGURES_LEVELS][CAISSES + 2][FM_MAX]; /* -1: shown */
	int unknowns, equations;
	int32_t a[EQUATIONS][UNKNOWNS];
};

static int64_t power(int64_t x, int n)
{
	int64_t r = 1;

	for (; n; n >>= 1, x = x * x % PRIME)
		if (n & 1)
			r = r * x % PRIME;
	return r;
}

/* Gauss and Jordan: how many unknowns have one solution only. */
static int determined(struct system *s)
{
	int rank = 0, found = 0;

	for (int c = 0; c < s->unknowns && rank < s->equations; c++) {
		int pivot = rank;
		while (pivot < s->equations && !s->a[pivot][c])
			pivot++;
		if (pivot == s->equations)
			continue;
		for (int k = 0; pivot != rank && k < s->unknowns; k++) {
			int32_t t = s->a[pivot][k];
			s->a[pivot][k] = s->a[rank][k];
			s->a[rank][k] = t;
		}
		int64_t inverse = power(s->a[rank][c], PRIME - 2);
		for (int k = 0; k < s->unknowns; k++)
			s->a[rank][k] = (int32_t)(s->a[rank][k] * inverse % PRIME);
		for (int r = 0; r < s->equations; r++) {
			int64_t by = s->a[r][c];
			if (r == rank || !by)
				continue;
			for (int k = c; k < s->unknowns; k++)
				s->a[r][k] = (int32_t)((s->a[r][k] + (PRIME - by) * s->a[rank][k]) % PRIME);
		}
		rank++;
	}
	for (int r = 0; r < rank; r++) {
		int terms = 0;
		for (int k = 0; k < s->unknowns; k++)
			terms += s->a[r][k] != 0;
		found += terms == 1;
	}
	return found;
}

static size_t index_of(const struct figures *f, const char *code)
{
	return (size_t)(item_at(f, code) - f->items);
}

static void term(struct system *s, int level, size_t item, size_t m, int sign)
{
	int u = s->unknown[level][item][m];

	if (u >= 0)
		s->a[s->equations][u] = sign > 0 ? 1 : PRIME - 1;
}

static void equation_end(struct system *s)
{
	for (int k = 0; k < s->unknowns; k++)
		if (s->a[s->equations][k]) {
			s->equations++;
			assert_true(s->equations < EQUATIONS);
			return;
		}
}

/* All that adds up: each level in the one above, and the states in the deposits. `naive`: only cells of 1 to 4 hidden.
 */
static int breakable(const struct figures at[FIGURES_LEVELS], const struct figures truth[FIGURES_LEVELS], bool naive)
{
	struct system *s = calloc(1, sizeof *s);
	int found;

	assert_non_null(s);
	for (size_t l = 0; l < FIGURES_LEVELS; l++)
		for (size_t i = 0; i < at[l].count; i++)
			for (size_t m = 0; m < at[l].measure_count; m++) {
				int64_t n = truth[l].items[i].total[m];
				bool hidden = naive ? n > 0 && n < 5 && m != FM_STOCK : at[l].items[i].hidden[m];
				/* never published: unknown everywhere and in no equation */
				if (m == FM_SIGNED || m == FM_ENDED_FLOW || !strncmp(at[l].measures[m], "refused:", 8))
					continue;
				if (!strcmp(at[l].items[i].code, FIGURES_NOWHERE) && l != FIGURES_REGION)
					hidden = false; /* the same cell, counted once, below */
				s->unknown[l][i][m] = hidden ? s->unknowns++ : -1;
				assert_true(s->unknowns < UNKNOWNS);
			}
	for (size_t m = 0; m < at[0].measure_count; m++) {
		if (m == FM_SIGNED || m == FM_ENDED_FLOW || !strncmp(at[0].measures[m], "refused:", 8))
			continue;
		for (size_t r = 0; r < at[FIGURES_REGION].count; r++)
			term(s, FIGURES_REGION, r, m, 1);
		term(s, FIGURES_PAYS, 0, m, -1);
		equation_end(s);
		for (size_t r = 0; r < at[FIGURES_REGION].count; r++) {
			const char *code = at[FIGURES_REGION].items[r].code;
			for (size_t d = 0; d < at[FIGURES_DEPARTEMENT].count; d++)
				if (at[FIGURES_DEPARTEMENT].items[d].region &&
				    !strcmp(at[FIGURES_DEPARTEMENT].items[d].region, code))
					term(s, FIGURES_DEPARTEMENT, d, m, 1);
			if (strcmp(code, FIGURES_NOWHERE)) {
				term(s, FIGURES_REGION, r, m, -1);
				equation_end(s);
			}
		}
		for (size_t d = 0; d < at[FIGURES_DEPARTEMENT].count; d++) {
			const char *code = at[FIGURES_DEPARTEMENT].items[d].code;
			if (!strcmp(code, FIGURES_NOWHERE))
				continue;
			for (size_t c = 0; c < CAISSES; c++)
				if (!strcmp(country[c].departement, code))
					term(s, FIGURES_CAISSE, index_of(&at[FIGURES_CAISSE], country[c].code), m, 1);
			term(s, FIGURES_DEPARTEMENT, d, m, -1);
			equation_end(s);
		}
	}
	for (size_t l = 0; l < FIGURES_LEVELS; l++)
		for (size_t i = 0; i < at[l].count; i++) {
			if (!strcmp(at[l].items[i].code, FIGURES_NOWHERE) && l != FIGURES_REGION)
				continue;
			for (size_t m = 0; m < at[l].measure_count; m++)
				if (!strncmp(at[l].measures[m], "state:", 6))
					term(s, (int)l, i, m, 1);
			term(s, (int)l, i, FM_SUBMITTED_FLOW, -1);
			equation_end(s);
		}
	found = determined(s);
	free(s);
	return found;
}

static void what_is_hidden_cannot_be_computed_from_what_is_published(void **state)
{
	int naively = 0;

	(void)state;
	for (int round = 0; round < 4; round++) {
		struct pool *p = pool_new();
		struct figures at[FIGURES_LEVELS], truth[FIGURES_LEVELS];
		size_t hidden = 0, shown = 0;
		forget_everything();
		first_day = day_from_ymd(2025, 9, 20);
		for (int d = 0; d < 11; d++) {
			instant_t t = day_start_paris(first_day + d) + 3600 * SECOND;
			clock_to(t);
			for (unsigned k = 5 + any((unsigned)round * 60 + 8); k-- > 0;)
				random_event(t += (instant_t)any(600) * SECOND);
		}
		day_t end = day_from_ymd(2025, 9, 30);
		clock_to(day_start_paris(end + 1) + 60 * SECOND);
		assert_int_equal(close_days(), 11);
		for (size_t l = 0; l < FIGURES_LEVELS; l++) {
			ask(&at[l], p, (enum figures_level)l, end, true);
			ask(&truth[l], p, (enum figures_level)l, end, false);
			assert_int_equal(at[l].published, end);
			for (size_t i = 0; i < at[l].count; i++)
				for (size_t m = 0; m < at[l].measure_count; m++) {
					const struct figures_item *x = &at[l].items[i];
					int64_t n = truth[l].items[i].total[m];
					if (m == FM_STOCK) {
						assert_false(x->hidden[m]);
						assert_int_equal(x->total[m], n);
					} else if (m != FM_SIGNED && m != FM_ENDED_FLOW &&
						   strncmp(at[l].measures[m], "refused:", 8)) {
						if (n > 0 && n < 5)
							assert_true(x->hidden[m]);
						if (!x->hidden[m])
							assert_int_equal(x->total[m], n);
						hidden += x->hidden[m];
						shown += !x->hidden[m] && n;
					}
				}
			for (size_t i = 0; i < at[l].count; i++)
				for (size_t s = 0; s < FIGURES_STAGES; s++) {
					int64_t n = truth[l].items[i].stage[s].n;
					if (n > 0 && n < 5)
						assert_true(at[l].items[i].stage[s].hidden);
				}
		}
		assert_true(hidden > 20);
		assert_true(round < 2 || shown > 20);
		assert_int_equal(breakable(at, truth, false), 0);
		naively += breakable(at, truth, true);
		pool_free(p);
	}
	/* Hiding the small cells alone would have been in vain: the check can fail. */
	assert_true(naively > 20);
}

static void public_figures_stand_at_the_last_month_end_and_never_hide_the_stock(void **state)
{
	struct pool *p = pool_new();
	struct figures f;
	instant_t at;

	(void)state;
	forget_everything();
	first_day = day_from_ymd(2025, 10, 30);
	at = day_start_paris(first_day) + 9 * 3600 * SECOND;
	clock_to(at);
	for (int i = 0; i < 8; i++)
		fire_one(person_new(at), at, "submit", "submitted", -1, NULL);
	fire_one(0, at, "countersign", "conventioned", 0, NULL);
	ask(&f, p, FIGURES_PAYS, DAY_NONE, true);
	assert_int_equal(f.published, DAY_NONE);
	assert_true(f.items[0].hidden[FM_SUBMITTED_FLOW]);
	assert_false(f.items[0].hidden[FM_STOCK]);
	assert_int_equal(f.items[0].total[FM_STOCK], 1);
	clock_to(at + 5 * 86400 * SECOND);
	close_days();
	at += 5 * 86400 * SECOND;
	for (int i = 0; i < 6; i++)
		fire_one(person_new(at), at, "submit", "submitted", -1, NULL);
	fire_one(1, at, "countersign", "conventioned", 0, NULL);
	ask(&f, p, FIGURES_PAYS, DAY_NONE, true);
	assert_int_equal(f.published, day_from_ymd(2025, 10, 31));
	assert_false(f.items[0].hidden[FM_SUBMITTED_FLOW]);
	assert_int_equal(f.items[0].total[FM_SUBMITTED_FLOW], 8);
	assert_int_equal(f.items[0].total[FM_STOCK], 2);
	ask(&f, p, FIGURES_CAISSE, DAY_NONE, true);
	assert_int_equal(item_at(&f, "595")->total[FM_STOCK], 2);
	assert_true(item_at(&f, "595")->hidden[FM_SUBMITTED_FLOW]);
	struct json j = json_in(p);
	figures_json(&f, &j);
	assert_non_null(strstr(j.out.s, "\"submitted\":null"));
	assert_null(strstr(j.out.s, "countersigned"));
	pool_free(p);
}

/* 20 approved, 19 in the directory: who reads both would know that one is at "to_sign", which is hidden. */
static void decisions_are_hidden_where_they_would_tell_a_hidden_state(void **state)
{
	static const struct {
		int caisse, approved, signed_, refused, appealed;
	} places[] = { { 0, 20, 19, 10, 1 }, { 1, 30, 23, 20, 6 }, { 3, 40, 30, 20, 8 }, { 7, 50, 40, 30, 9 } };
	struct pool *p = pool_new();
	struct figures f;
	instant_t at;

	(void)state;
	forget_everything();
	first_day = day_from_ymd(2025, 10, 20);
	at = day_start_paris(first_day) + 9 * 3600 * SECOND;
	clock_to(at);
	for (size_t i = 0; i < COUNT(places); i++)
		for (int k = 0; k < places[i].approved + places[i].refused; k++) {
			int c = places[i].caisse, who = person_new(at), refused = k - places[i].approved;
			fire_one(who, at, "submit", "submitted", -1, NULL);
			fire_one(who, at, "checks_passed", "in_review", c, NULL);
			if (refused >= 0) {
				fire_one(who, at, "refuse", "refused", c, "other");
				if (refused < places[i].appealed)
					fire_one(who, at, "appeal", "appealed", c, NULL);
				continue;
			}
			fire_one(who, at, "approve", "to_sign", c, NULL);
			if (k < places[i].signed_)
				fire_one(who, at, "countersign", "conventioned", c, NULL);
		}
	clock_to(at + 20 * 86400 * SECOND);
	close_days();
	ask(&f, p, FIGURES_CAISSE, DAY_NONE, true);
	assert_false(item_at(&f, country[0].code)->hidden[FM_STOCK]);
	assert_true(item_at(&f, country[0].code)->hidden[FM_APPROVED]);
	assert_true(item_at(&f, country[0].code)->hidden[FM_REFUSED_FLOW]);
	assert_false(item_at(&f, country[7].code)->hidden[FM_APPROVED]);
	ask(&f, p, FIGURES_PAYS, DAY_NONE, true);
	assert_false(f.items[0].hidden[FM_APPROVED]);
	assert_int_equal(f.items[0].total[FM_APPROVED], 140);
	assert_int_equal(f.items[0].total[FM_REFUSED_FLOW], 80);
	pool_free(p);
}

static void the_print_of_the_tool_says_the_same_in_both_forms(void **state)
{
	struct pool *p = pool_new();
	struct err e;
	char *text = figures_print(lanes, DAY_NONE, FIGURES_REGION, false, p, &e);
	char *json = figures_print(lanes, DAY_NONE, FIGURES_REGION, true, p, &e);

	(void)state;
	assert_non_null(strstr(text, "Hauts-de-France"));
	assert_non_null(strstr(text, FIGURES_NOWHERE));
	assert_non_null(strstr(json, "\"code\":\"non_rattache\""));
	assert_non_null(strstr(json, "\"conventioned\":2"));
	pool_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			any_history_counts_as_a_recount_from_scratch_at_every_day_and_answers_the_same_forever),
		cmocka_unit_test(what_comes_late_counts_on_the_first_open_day),
		cmocka_unit_test(D7_an_unknown_commune_is_counted_as_non_rattache_and_totals_still_add_up),
		cmocka_unit_test(a_day_closes_only_when_no_older_transaction_runs),
		cmocka_unit_test(time_per_stage_is_per_file_without_the_applicants_time),
		cmocka_unit_test(coverage_counts_the_inhabitants_of_present_communes_once),
		cmocka_unit_test(a_scope_sees_its_own_and_no_part_under_the_name_of_the_whole),
		cmocka_unit_test(what_is_hidden_cannot_be_computed_from_what_is_published),
		cmocka_unit_test(decisions_are_hidden_where_they_would_tell_a_hidden_state),
		cmocka_unit_test(public_figures_stand_at_the_last_month_end_and_never_hide_the_stock),
		cmocka_unit_test(the_print_of_the_tool_says_the_same_in_both_forms),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
