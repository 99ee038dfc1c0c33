/* Who finds which files in the lists of agents, in which order, and by which index. */
#include "../lib/test.h"

#include <stdio.h>
#include <string.h>

#include "../../db/agent_file.h"
#include "../../db/anomaly.h"
#include "../../db/identity.h"
#include "../../db/queue.h"
#include "../../server/base/str.h"
#include "../../workflow/workflow.h"
#include "../lib/pgtest.h"

#define LAST "\xf4\x8f\xbf\xbf"

static struct pool *pool;
static struct lanes *lanes;

static const char *const of_595[] = { "595" }, *const of_both[] = { "595", "597" };
static const struct identity lille = { .role = DELEGATE, .agent = 1, .caisses = of_595, .caisse_count = 1 };
static const struct identity north = { .role = DELEGATE, .agent = 2, .caisses = of_both, .caisse_count = 2 };
static const struct identity lost = { .role = DELEGATE, .agent = 3 };
static const struct identity expert = { .role = EXPERT, .agent = 4 };
static const struct identity admin = { .role = ADMIN, .agent = 5 };

static void owner(const char *sql)
{
	pgtest_sql(pgtest_cluster()->owner_dsn, sql);
}

/* A file as the workflow leaves it; only what a list looks at. */
static void file(int id, const char *state, const char *caisse, const char *name, int days, const char *more)
{
	owner(pool_printf(
		pool,
		"insert into account (email, email_key) values ('p%d@example.org', 'p%d');"
		"insert into file (id, account, state, version, eligible, caisse, document, effective_date, rpps, "
		"last_name, first_name, search_key, email_key, state_since, queue_since) overriding system value"
		" select %d, max(id), '%s', 1, true, %s, 'd', current_date, '1000000%04d', '%s', '', '%s', "
		"'p%d example org', now() - interval '%d days', now() - interval '%d days' from account;%s",
		id, id, id, state, caisse, id, name, name, id, days, days, more));
}

static int setup(void **state)
{
	(void)state;
	pool = pool_new();
	lanes = pgtest_lanes(2, "queue_test");
	owner("insert into agent (id, role, name, email, email_key) overriding system value select n, 'delegate', 'A' "
	      "|| n, "
	      "'a' || n, 'a' || n from generate_series(1, 5) n");
	file(1, "in_review", "'595'", "dupont marie", 20, "");
	file(2, "in_review", "'595'", "durand jean noel", 50, "update file set holder = 1 where id = 2");
	file(3, "in_review", "'597'", "dupont durand anne", 40, "");
	file(4, "conventioned", "'595'", "martin zoe", 90, "");
	file(5, "expert_review", "null", "leveque paul", 3, "update file set entered_review = true where id = 5");
	file(6, "draft", "null", "brouillon eva", 1, "update file set version = 0 where id = 6");
	file(7, "to_countersign", "'595'", "petit luc", 10, "");
	file(8, "in_review", "'597'", "moved away", 5,
	     "update file set from_caisse = '595', from_caisse_at = enroll_now() - interval '3 days' where id = 8");
	file(9, "in_review", "'597'", "moved long ago", 5,
	     "update file set from_caisse = '595', from_caisse_at = enroll_now() - interval '31 days' where id = 9");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lanes_close(lanes);
	pool_free(pool);
	return 0;
}

static const struct rows *ask(const struct identity *who, const struct statement *st, const struct arg *args,
			      size_t count)
{
	struct segment *s = segment_new(lanes, pool, LANE_FAST, NULL, NULL);
	size_t at;
	struct err e;

	identity_ask(s, pool, who, 0);
	at = segment_ask(s, st, args, count);
	if (db_send_wait(s, &e))
		fail_msg("%s: %s", st->name, e.detail);
	return segment_rows(s, at);
}

/* "2 1 3": ids in their order. */
static const char *ids(const struct rows *r)
{
	struct str out = str_in(pool);

	for (size_t i = 0; i < rows_count(r); i++)
		str_addf(&out, "%s%lld", i ? " " : "", (long long)rows_i64(r, i, "id"));
	return out.s;
}

static const char *listed(const struct identity *who, const struct statement *st, const char *states, const char *sort)
{
	return ids(ask(who, st,
		       ARGS(arg_text(states), arg_text(NULL), arg_text(sort), arg_text("{in_review,to_countersign}"),
			    arg_i64(pool, 50), arg_i64(pool, 0))));
}

static const char *searched(const struct identity *who, const struct statement *st, const char *from, const char *to,
			    const char *like, const char *exact)
{
	return ids(ask(who, st,
		       ARGS(arg_text(NULL), arg_text(NULL), arg_text("number"), arg_text("{}"), arg_i64(pool, 50),
			    arg_i64(pool, 0), arg_text(from), arg_text(to), arg_text(like), arg_text(exact),
			    arg_text(exact), arg_text(exact))));
}

static void a_delegate_lists_the_files_of_its_caisses_and_no_other(void **state)
{
	(void)state;
	assert_string_equal(listed(&lille, &queue_of_caisses, NULL, "number"), "1 2 4 7");
	assert_string_equal(listed(&north, &queue_of_caisses, NULL, "number"), "1 2 3 4 7 8 9");
	assert_string_equal(listed(&lost, &queue_of_caisses, NULL, "number"), "");
	/* Asking for all does not give more than row-level security allows: 8 went away less than 30 days ago. */
	assert_string_equal(listed(&lille, &queue_of_all, NULL, "number"), "1 2 4 7 8");
}

static void an_expert_lists_what_entered_expert_review_and_an_administrator_all_but_drafts(void **state)
{
	(void)state;
	assert_string_equal(listed(&expert, &queue_of_experts, NULL, "number"), "5");
	assert_string_equal(listed(&expert, &queue_of_all, NULL, "number"), "5");
	assert_string_equal(listed(&admin, &queue_of_all, NULL, "number"), "1 2 3 4 5 7 8 9");
}

static void what_waits_for_the_reader_comes_first_the_oldest_before(void **state)
{
	(void)state;
	assert_string_equal(listed(&lille, &queue_of_caisses, NULL, "age"), "2 1 7 4");
	assert_string_equal(listed(&lille, &queue_of_caisses, "{in_review}", "age"), "2 1");
	assert_string_equal(listed(&lille, &queue_of_caisses, NULL, "name"), "1 2 4 7");
	assert_string_equal(listed(&lille, &queue_of_caisses, NULL, "-name"), "7 4 2 1");
	assert_string_equal(listed(&lille, &queue_of_caisses, "{}", "age"), "");
}

static void what_went_to_another_caisse_is_listed_for_30_days(void **state)
{
	(void)state;
	assert_string_equal(listed(&lille, &queue_moved, NULL, "number"), "8");
	assert_string_equal(listed(&north, &queue_moved, NULL, "number"), "");
}

static void a_name_is_found_by_its_beginning_or_from_any_of_its_words(void **state)
{
	(void)state;
	assert_string_equal(searched(&north, &queue_search_caisses, "{dup}", "{dup" LAST "}", "{\"% dup%\"}", ""),
			    "1 3");
	assert_string_equal(searched(&lille, &queue_search_caisses, "{dup}", "{dup" LAST "}", "{\"% dup%\"}", ""), "1");
	/* "anne dupont" */
	assert_string_equal(searched(&north, &queue_search_caisses, "{\"anne dupont\",dupont}",
				     "{\"anne dupont" LAST "\",\"dupont" LAST "\"}", "{\"% anne%\",\"% dupont%\"}", ""),
			    "3");
	assert_string_equal(searched(&north, &queue_search_caisses, "{zzz}", "{zzz" LAST "}", "{\"% zzz%\"}", ""), "");
}

static void a_number_a_rpps_and_a_whole_address_are_found_exactly(void **state)
{
	(void)state;
	assert_string_equal(searched(&lille, &queue_search_caisses, "{}", "{}", "{}", "10000000004"), "4");
	assert_string_equal(searched(&lille, &queue_search_caisses, "{}", "{}", "{}", "p2 example org"), "2");
	assert_string_equal(searched(&lille, &queue_search_caisses, "{}", "{}", "{}", "10000000003"), "");
	assert_string_equal(searched(&lille, &queue_search_caisses, "{}", "{}", "{}", ""), "");
	assert_string_equal(
		searched(&expert, &queue_search_experts, "{leveque}", "{leveque" LAST "}", "{\"% leveque%\"}", ""),
		"5");
}

static const char *nationally(const struct identity *who, const char *keys, const char *like, const char *exact)
{
	return ids(ask(who, &queue_search_all,
		       ARGS(arg_text(NULL), arg_text(NULL), arg_text("number"), arg_text("{}"), arg_i64(pool, 50),
			    arg_i64(pool, 0), arg_text(keys), arg_text(like), arg_text(exact), arg_text(exact),
			    arg_text(exact))));
}

static void only_an_administrator_searches_the_country_and_it_leaves_a_trace(void **state)
{
	const char *before =
		pool_strdup(pool, pgtest_value(pgtest_cluster()->owner_dsn, "select count(*) from export_log"));

	(void)state;
	assert_string_equal(nationally(&admin, "{dup}", "{\"% dup%\"}", ""), "1 3");
	assert_string_equal(nationally(&admin, "{10000000005}", "{\"% 10000000005%\"}", "10000000005"), "5");
	assert_string_equal(nationally(&lille, "{dup}", "{\"% dup%\"}", ""), "");
	assert_string_equal(nationally(&expert, "{dup}", "{\"% dup%\"}", ""), "");
	assert_string_not_equal(pgtest_value(pgtest_cluster()->owner_dsn, "select count(*) from export_log"), before);
	assert_string_equal(pgtest_value(pgtest_cluster()->owner_dsn,
					 "select distinct what || agent from export_log where what = 'search'"),
			    "search5");
}

static void ended(struct tx *t)
{
	struct segment *s = tx_flight(t, NULL, NULL);
	struct err e;

	segment_ask(s, &queue_caisses, NO_ARGS);
	tx_commit(t);
	assert_int_equal(db_send_wait(s, &e), 0);
}

/* Two delegates at the same moment: the second gets the one after, without waiting. */
static void two_who_take_the_next_at_once_get_two_files(void **state)
{
	struct tx *one = tx_new(lanes, pool), *two = tx_new(lanes, pool);
	struct segment *a = tx_flight(one, NULL, NULL), *b = tx_flight(two, NULL, NULL);
	size_t at, bt;
	struct err e;

	(void)state;
	identity_ask(a, pool, &north, 0);
	at = segment_ask(a, &queue_next, NO_ARGS);
	assert_int_equal(db_send_wait(a, &e), 0);
	identity_ask(b, pool, &north, 0);
	bt = segment_ask(b, &queue_next, NO_ARGS);
	assert_int_equal(db_send_wait(b, &e), 0);
	assert_string_equal(ids(segment_rows(a, at)), "3"); /* 40 days; 2 is older but held */
	assert_string_equal(ids(segment_rows(b, bt)), "1");
	ended(one);
	ended(two);
	assert_string_equal(ids(ask(&lille, &queue_next, NO_ARGS)), "1");
	assert_int_equal(rows_count(ask(&lost, &queue_next, NO_ARGS)), 0);
}

static void a_stuck_file_shows_to_those_who_may_read_it(void **state)
{
	const struct arg args[] = { arg_text("2100-01-01"), arg_text("1900-01-01"), arg_text("72") };
	const struct rows *r = ask(&lille, &anomaly_list, args, COUNT(args));

	(void)state;
	for (size_t i = 0; i < rows_count(r); i++)
		assert_true(rows_i64(r, i, "file") != 3);
	assert_true(rows_count(r) >= 2);
	/* 4 is conventioned without a signature, made so by hand: the view sees it, and its caisse does. */
	assert_string_equal(rows_str(r, 0, "kind"), "invariant_6");
	assert_int_equal(rows_i64(r, 0, "file"), 4);
	r = ask(&expert, &anomaly_list, args, COUNT(args));
	assert_int_equal(rows_count(r), 0);
	r = ask(&expert, &anomaly_invariants, NO_ARGS);
	assert_int_equal(rows_count(r), 8);
}

static void a_failed_mail_is_told_to_an_administrator_without_its_letter(void **state)
{
	const struct arg args[] = { arg_text("1900-01-01"), arg_text("1900-01-01"), arg_text("72") };
	const struct rows *r;
	bool told = false;

	(void)state;
	owner("insert into message (account, audience, file, kind, mail_state, mail_at) select account, 'account', 1, "
	      "'correction', "
	      "'failed', now() from file where id = 1");
	r = ask(&admin, &anomaly_list, args, COUNT(args));
	for (size_t i = 0; i < rows_count(r); i++)
		told |= str_eq(rows_str(r, i, "kind"), "mail") && rows_i64(r, i, "file") == 1;
	assert_true(told);
}

static void a_commune_takes_only_a_known_caisse(void **state)
{
	(void)state;
	assert_int_equal(rows_affected(ask(&admin, &commune_correct, ARGS(arg_text("59350"), arg_text("597")))), 1);
	assert_string_equal(pgtest_value(pgtest_cluster()->owner_dsn,
					 "select caisse || ' ' || confidence from commune where code = '59350'"),
			    "597 certain");
	assert_int_equal(rows_affected(ask(&admin, &commune_correct, ARGS(arg_text("59350"), arg_text("xxx")))), 0);
	assert_int_equal(rows_affected(ask(&admin, &commune_correct, ARGS(arg_text("99999"), arg_text("595")))), 0);
}

/* Row-level security forbids an index to operators that might leak; ~>=~ and ~<~ do not. */
static void a_search_inside_a_caisse_uses_its_index_under_row_level_security(void **state)
{
	const char *plan;

	(void)state;
	owner("insert into file (id, account, state, version, eligible, caisse, rpps, search_key, state_since) "
	      "overriding system "
	      "value select 1000 + n, 1, 'closed', 1, false, (array['011', '021', '597', '631'])[1 + n % 4], '2' || n, "
	      "'nom ' || md5(n::text), now() from generate_series(1, 20000) n; analyze file");
	plan = pgtest_value(
		pgtest_dsn(),
		"begin; select identity_set('delegate', null, 1, '011', null); explain (format json) select x.id from "
		"unnest(array['nom 0a'], array['nom 0b']) r(low, high) join file x on x.caisse = any (my_caisses()) "
		"and "
		"x.search_key ~>=~ r.low and x.search_key ~<~ r.high");
	assert_non_null(strstr(plan, "file_caisse_name"));
	assert_null(strstr(plan, "Seq Scan"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_delegate_lists_the_files_of_its_caisses_and_no_other),
		cmocka_unit_test(an_expert_lists_what_entered_expert_review_and_an_administrator_all_but_drafts),
		cmocka_unit_test(what_waits_for_the_reader_comes_first_the_oldest_before),
		cmocka_unit_test(what_went_to_another_caisse_is_listed_for_30_days),
		cmocka_unit_test(a_name_is_found_by_its_beginning_or_from_any_of_its_words),
		cmocka_unit_test(a_number_a_rpps_and_a_whole_address_are_found_exactly),
		cmocka_unit_test(only_an_administrator_searches_the_country_and_it_leaves_a_trace),
		cmocka_unit_test(two_who_take_the_next_at_once_get_two_files),
		cmocka_unit_test(a_stuck_file_shows_to_those_who_may_read_it),
		cmocka_unit_test(a_failed_mail_is_told_to_an_administrator_without_its_letter),
		cmocka_unit_test(a_commune_takes_only_a_known_caisse),
		cmocka_unit_test(a_search_inside_a_caisse_uses_its_index_under_row_level_security),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
