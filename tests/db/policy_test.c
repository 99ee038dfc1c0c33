/*
 * What is a policy and within which bounds; that the history's trigger and the directory's views follow the table; that
 * each change is kept. The program's copy: tests/scenarios/policy.py.
 */
#include "../lib/test.h"

#include <string.h>

#include "../../db/db.h"
#include "../../db/policy.h"
#include "../../server/base/str.h"
#include "../../server/policy.h"
#include "../../workflow/workflow.h"
#include "../lib/pgtest.h"

static struct pool *pool;
static const char *owner;

static int made(void **state)
{
	(void)state;
	pool = pool_new();
	owner = pgtest_cluster()->owner_dsn;
	pgtest_migrate();
	return 0;
}

static int unmade(void **state)
{
	(void)state;
	pool_free(pool);
	return 0;
}

static void set(const char *name, int value)
{
	struct err e;

	if (policy_write(owner, name, value, &e))
		fail_msg("%s: %s", name, e.detail);
}

static bool refused(const char *dsn, const char *sql)
{
	struct err e;

	return db_script(dsn, sql, &e) != 0;
}

static const char *value(const char *sql)
{
	return pool_strdup(pool, pgtest_value(owner, sql));
}

static void the_table_holds_the_defaults_of_the_program(void **state)
{
	(void)state;
	assert_string_equal(value("select count(*) from policy"), pool_printf(pool, "%zu", policy_count));
	for (size_t i = 0; i < policy_count; i++) {
		const struct policy_row *row = &policy_rows[i];
		const char *found = value(pool_printf(pool, "select value from policy where name = '%s'", row->name));

		assert_string_equal(found, pool_printf(pool, "%d", policy_get(&policy_default, row)));
		assert_true(strstr(row->what, "domain.md") != NULL);
		assert_ptr_equal(policy_row(row->name), row);
	}
	assert_null(policy_row("appeal_months")); /* law */
}

static void senseless_values_are_refused_whoever_writes_them(void **state)
{
	(void)state;
	for (size_t i = 0; i < policy_count; i++) {
		const char *name = policy_rows[i].name, *set_to = "update policy set value = %s where name = '%s'";
		/* a switch may be 0; nothing else may, and nothing may be below or without end */
		bool zero = str_eq(name, "two_experts");

		assert_true(refused(owner, pool_printf(pool, set_to, "-1", name)));
		assert_true(refused(owner, pool_printf(pool, set_to, "0", name)) != zero);
		assert_true(refused(owner, pool_printf(pool, set_to, "highest + 1", name)));
		assert_true(refused(owner, pool_printf(pool, set_to, "null", name)));
		assert_false(refused(owner, pool_printf(pool, set_to, "highest", name)));
		assert_false(refused(owner, pool_printf(pool, set_to, "lowest", name)));
		assert_false(refused(owner,
				     pool_printf(pool, set_to,
						 pool_printf(pool, "%d", policy_get(&policy_default, &policy_rows[i])),
						 name)));
	}
	assert_true(refused(owner, "update policy set value = 100000, highest = 100000 where name = 'sign_days'"));
}

static void the_service_reads_them_and_no_more(void **state)
{
	const char *service = pgtest_dsn();

	(void)state;
	assert_false(refused(service, "select * from policy"));
	assert_true(refused(service, "update policy set value = 10 where name = 'sign_days'"));
	assert_true(refused(service, "insert into policy values ('mine', 1, 1, 1)"));
	assert_true(refused(service, "delete from policy"));
	assert_true(refused(service, "delete from policy_change"));
	assert_true(refused(service, "insert into policy_change (name, was, value) values ('sign_days', 1, 1)"));
}

static void a_change_is_kept_with_its_day_and_its_author(void **state)
{
	(void)state;
	pgtest_sql(owner, "delete from policy_change");
	set("sign_days", 60);
	assert_string_equal(value("select count(*) from policy_change"), "0"); /* it was 60 */
	set("sign_days", 45);
	assert_string_equal(
		value("select name || ' ' || was || ' ' || value || ' ' || by || ' ' || (at <= enroll_now()) "
		      "from policy_change"),
		"sign_days 60 45 enroll_owner true");
	assert_string_equal(
		value("select policy_at('sign_days', enroll_now() - interval '1 day') || ' ' || "
		      "policy_at('sign_days', enroll_now()) || ' ' || policy_at('draft_days', enroll_now())"),
		"60 45 90");
	set("sign_days", 60);
}

/* A new copy for each change: who had the one before still reads it. */
static void a_reader_keeps_the_policies_it_began_with(void **state)
{
	static struct service service;
	const struct policy *before, *after;
	struct err e;

	(void)state;
	service.dsn = pgtest_dsn();
	assert_int_equal(policy_load(&service, &e), 0);
	before = policy_now(&service);
	assert_memory_equal(before, &policy_default, sizeof *before);
	assert_int_equal(policy_load(&service, &e), 0);
	assert_ptr_equal(policy_now(&service), before); /* nothing new */
	set("correction_days", 10);
	assert_int_equal(policy_load(&service, &e), 0);
	after = policy_now(&service);
	assert_int_equal(before->correction_days, 30);
	assert_int_equal(after->correction_days, 10);
	set("correction_days", 30);
	pgtest_sql(owner, "update policy set name = 'other' where name = 'two_experts'");
	assert_int_equal(policy_load(&service, &e), -1);
	assert_ptr_equal(policy_now(&service), after);
	pgtest_sql(owner, "update policy set name = 'two_experts' where name = 'other'");
}

/* ---- what the database decides by them ---- */

/* The event that a row of the history says, with all that the trigger compares; 'yes' or the constraint that refused.
 */
static const char event[] =
	"create or replace function try_event(p_from text, p_event text, p_role text, p_to text, p_effective date) "
	"returns text language plpgsql as $f$\n"
	"declare b text; n bigint; h text; c text;\n"
	"begin\n"
	"  select version into n from file where id = 1;\n"
	"  h := coalesce((select hash from event where file = 1 order by seq desc limit 1), '');\n"
	"  b := jsonb_build_object('actor', 'agent:1', 'at', '2026-11-22T00:00:00Z', 'caisse', '595', 'deadline', "
	"null,\n"
	"    'deadline_event', null, 'document', 'd', 'effective_date', p_effective, 'eligible', true, 'event', "
	"p_event,\n"
	"    'file', 1, 'from', p_from, 'holder', null, 'return_to', null, 'role', p_role, 'seq', n + 1, 'to', p_to,\n"
	"    'until', null)::text;\n"
	"  insert into event (file, seq, at, event, from_state, to_state, role, actor, caisse, eligible, document,\n"
	"    effective_date, body, prev_hash, hash) values (1, n + 1, '2026-11-22T00:00:00Z', p_event, p_from, p_to,\n"
	"    p_role, 'agent:1', '595', true, 'd', p_effective, b, h, encode(sha256(convert_to(h || b, 'UTF8')), "
	"'hex'));\n"
	"  insert into message (account, audience, file, seq, kind) values (1, 'account', 1, n + 1, 'refusal');\n"
	"  return 'yes';\n"
	"exception when others then get stacked diagnostics c = constraint_name; return c; end $f$";

static const char *try(const char *from, const char *name, const char *role, const char *to, const char *effective)
{
	return value(
		pool_printf(pool, "select try_event('%s', '%s', '%s', '%s', %s)", from, name, role, to, effective));
}

static void a_file(const char *state)
{
	pgtest_sql(
		owner,
		pool_printf(pool,
			    "insert into account (id, email, email_key) overriding system value values (1, 'a', "
			    "'a') on conflict do nothing;"
			    "insert into agent (id, role, name, email, email_key) overriding system value values "
			    "(1, 'expert', 'A', 'b', 'b') on conflict do nothing;"
			    "insert into file (id, account, rpps, practice_mode, state, version, eligible, caisse, "
			    "document, effective_date) overriding system value values (1, 1, '99900000011', "
			    "'liberal', 'draft', 1, true, '595', 'd', '2026-03-01') on conflict do nothing;"
			    "insert into signature (file, seq, party, actor, at, method, digest) select 1, 0, p, "
			    "'x', now(), 'm', 'd' from unnest(array['applicant', 'caisse']) p on conflict do nothing;"
			    "update file set state = '%s' where id = 1",
			    state));
}

static void the_term_follows_the_policy_and_one_that_runs_stays(void **state)
{
	(void)state;
	pgtest_sql(owner, event);
	a_file("to_countersign");
	set("convention_years", 3);
	assert_string_equal(try("to_countersign", "countersign", "delegate", "conventioned", "'2026-12-01'"), "yes");
	assert_string_equal(value("select term from file where id = 1"), "2029-12-01");
	set("convention_years", 2);
	assert_string_equal(value("select term from file where id = 1"), "2029-12-01");
	assert_string_equal(try("conventioned", "renew", "clock", "conventioned", "null"), "yes");
	assert_string_equal(value("select term from file where id = 1"), "2031-12-01");
	set("convention_years", 1);
	assert_string_equal(try("conventioned", "renew", "clock", "conventioned", "null"), "yes");
	assert_string_equal(value("select term from file where id = 1"), "2032-12-01");
}

static void an_expert_decides_alone_only_where_the_policy_lets(void **state)
{
	static const char *const from = "expert_review", *const alone = "propose_ineligible";

	(void)state;
	a_file(from);
	assert_string_equal(try(from, alone, "expert", "refused", "null"), "event_two_experts");
	set("two_experts", 0);
	assert_string_equal(try(from, alone, "expert", "refused", "null"), "yes");
	set("two_experts", 1);
	a_file(from);
	assert_string_equal(try(from, alone, "expert", "refused", "null"), "event_two_experts");
	/* Events above say 22 November 2026: the switch was 1 on that day, and the view sees who decided alone. */
	pgtest_sql(owner, "update policy_change set at = '2026-11-23' where name = 'two_experts'");
	assert_string_equal(value("select string_agg(file::text, ',') from invariant_4_decided_alone"), "1");
	pgtest_sql(owner, "update policy_change set at = '2026-11-21' where name = 'two_experts' and value = 0");
	assert_string_equal(value("select count(*) from invariant_4_decided_alone"), "0");
}

static void the_directory_hides_after_as_many_years_as_the_policy_says(void **state)
{
	static const char published[] = "select count(*) from published where file = 1", /* confirmed 800 days ago */
		unlisted[] = "select unlisted from directory_count";

	(void)state;
	a_file("conventioned");
	pgtest_sql(owner, "update file set effective_date = paris_today() - 900 where id = 1;"
			  "insert into profile (file, name, confirmed_on) values (1, 'X', paris_today() - 800)");
	assert_string_equal(value(published), "0");
	assert_string_equal(value(unlisted), "1");
	set("missed_confirmations", 3);
	assert_string_equal(value(published), "1");
	assert_string_equal(value(unlisted), "0");
	pgtest_sql(owner, "update profile set confirmed_on = paris_today() - 400");
	set("missed_confirmations", 2);
	assert_string_equal(value(published), "1");
	set("missed_confirmations", 1);
	assert_string_equal(value(published), "0");
	assert_string_equal(value(unlisted), "1");
	set("missed_confirmations", 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_holds_the_defaults_of_the_program),
		cmocka_unit_test(senseless_values_are_refused_whoever_writes_them),
		cmocka_unit_test(the_service_reads_them_and_no_more),
		cmocka_unit_test(a_change_is_kept_with_its_day_and_its_author),
		cmocka_unit_test(a_reader_keeps_the_policies_it_began_with),
		cmocka_unit_test(the_term_follows_the_policy_and_one_that_runs_stays),
		cmocka_unit_test(an_expert_decides_alone_only_where_the_policy_lets),
		cmocka_unit_test(the_directory_hides_after_as_many_years_as_the_policy_says),
	};

	return cmocka_run_group_tests(tests, made, unmade);
}
