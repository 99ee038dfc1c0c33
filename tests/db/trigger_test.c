/*
 * The history trigger and the C table say the same of every (state, event, role, to): what decide() may do the database
 * accepts, and nothing else. What a policy forbids (an expert alone) is refused by the trigger itself: judged under
 * both.
 */
#include <stdio.h>
#include <string.h>

#include "../../server/base/str.h"
#include "../../workflow/workflow.h"
#include "../lib/pgtest.h"
#include "../lib/test.h"

static int made(void **state)
{
	*state = pool_new();
	pgtest_migrate();
	return 0;
}

static int unmade(void **state)
{
	pool_free(*state);
	return 0;
}

/*
 * Written by the owner, under whom no row-level security hides anything. The file is put into each state by hand, with
 * all that its CHECKs ask, and each attempt is undone by the exception that ends it.
 */
static const char attempt[] = "create function try_event(p_from text, p_event text, p_role text, p_to text) returns "
			      "text language plpgsql as $f$\n"
			      "declare b text; n bigint; s text;\n"
			      "begin\n"
			      "  select version into n from file where id = 1;\n"
			      "  b := jsonb_build_object('actor', 'agent:2', 'at', '2026-11-22T00:00:00Z', 'caisse', "
			      "'595', 'deadline', null, 'deadline_event', null,\n"
			      "    'document', 'd', 'effective_date', '2030-01-01', 'eligible', true, 'event', "
			      "p_event, 'file', 1, 'from', p_from, 'holder', null,\n"
			      "    'return_to', null, 'role', p_role, 'seq', n + 1, 'to', p_to, 'until', null)::text;\n"
			      "  insert into event (file, seq, at, event, from_state, to_state, role, actor, caisse, "
			      "eligible, document, effective_date, body, prev_hash, hash)\n"
			      "  values (1, n + 1, '2026-11-22T00:00:00Z', p_event, p_from, p_to, p_role, 'agent:2', "
			      "'595', true, 'd', '2030-01-01', b, '',\n"
			      "    encode(sha256(convert_to(b, 'UTF8')), 'hex'));\n"
			      "  raise exception 'undone' using errcode = 'EN999';\n"
			      "exception when sqlstate 'EN999' then return 'yes';\n"
			      "  when others then get stacked diagnostics s = returned_sqlstate; return s; end $f$";

static void prepare(void)
{
	const char *owner = pgtest_cluster()->owner_dsn;

	pgtest_sql(owner, attempt);
	pgtest_sql(owner, "insert into account (email, email_key) values ('a@example.org', 'a@example.org')");
	pgtest_sql(owner, "insert into agent (role, name, email, email_key) values ('delegate', 'A', 'b', 'b'), "
			  "('delegate', 'B', 'c', 'c')");
	pgtest_sql(owner, "insert into file (account, rpps, practice_mode) values (1, '99900000011', 'liberal')");
	pgtest_sql(owner, "insert into signature (file, seq, party, actor, at, method, digest) values (1, 0, "
			  "'applicant', 'x', now(), 'm', 'd'),"
			  " (1, 0, 'caisse', 'x', now(), 'm', 'd')");
}

static bool in_table(enum state from, enum event ev, enum role role, enum state to)
{
	for (size_t i = 0; i < transition_count; i++)
		if (transitions[i].from == from && transitions[i].event == ev && transitions[i].who & role &&
		    transitions[i].to == to)
			return true;
	return false;
}

static bool alone(enum event ev, enum state to)
{
	return ev == EV_PROPOSE_INELIGIBLE && to == ST_REFUSED;
}

static void accepts_exactly_the_table(struct pool *pool, bool two_experts)
{
	const char *owner = pgtest_cluster()->owner_dsn;

	pgtest_sql(owner, pool_printf(pool, "update policy set value = %d where name = 'two_experts'", two_experts));
	for (int from = ST_DRAFT; from < ST_DELETED; from++) {
		struct str wrong;

		pgtest_sql(owner, pool_printf(pool,
					      "update file set state = '%s', version = 1, eligible = true, caisse = "
					      "'595', document = 'd',"
					      " effective_date = '2030-01-01', correction_at = now() where id = 1",
					      state_id((enum state)from)));
		wrong = str_in(pool);
		str_add(&wrong,
			"select coalesce(string_agg(e || ' ' || r || ' ' || t || ' ' || a, E'\\n'), '') from (values ");
		for (int ev = EV_NONE + 1; ev < EVENTS; ev++)
			for (unsigned role = VISITOR; role <= SYSTEM; role <<= 1)
				/* "deleted" is no state of a row: a draft goes without an event. */
				for (int to = ST_DRAFT; to <= ST_DELETED; to++)
					str_addf(&wrong, "%s('%s','%s','%s',%s)",
						 ev == 1 && role == VISITOR && to == ST_DRAFT ? "" : ",",
						 event_id((enum event)ev), role_id((enum role)role),
						 state_id((enum state)to),
						 to != ST_DELETED &&
								 in_table((enum state)from, (enum event)ev,
									  (enum role)role, (enum state)to) &&
								 !(two_experts && alone((enum event)ev, (enum state)to))
							 ? "true"
							 : "false");
		/* Words of no table. */
		str_add(&wrong, ",('submit','','submitted',false),('submit','applicant','',false),('','applicant','"
				"submitted',false),"
				"('deleted','system','submitted',false),('submit','agent','submitted',false)");
		str_addf(&wrong,
			 ") x(e, r, t, expected), lateral try_event('%s', e, r, t) a where (a = 'yes') <> expected",
			 state_id((enum state)from));
		assert_string_equal(pgtest_value(owner, wrong.s), "");
	}
}

static void the_trigger_accepts_exactly_the_transitions_of_the_table(void **state)
{
	prepare();
	accepts_exactly_the_table(*state, false);
}

static void but_for_an_expert_alone_where_the_policy_asks_for_two(void **state)
{
	accepts_exactly_the_table(*state, true);
}

static void history_cannot_be_changed_even_by_its_owner(void **state)
{
	const char *owner = pgtest_cluster()->owner_dsn;

	(void)state;
	assert_string_equal(pgtest_value(owner,
					 "select has_table_privilege('enroll_service', 'enroll.event', 'update') or"
					 " has_table_privilege('enroll_service', 'enroll.event', 'delete') or"
					 " has_column_privilege('enroll_service', 'enroll.file', 'state', 'update') or"
					 " has_column_privilege('enroll_service', 'enroll.file', 'version', 'update')"),
			    "f");
}

static void evidence_is_what_its_hash_says_until_the_purge_role_erases_it(void **state)
{
	const struct cluster *c = pgtest_cluster();

	(void)state;
	pgtest_sql(c->owner_dsn, "insert into check_result (file, seq, code, result, reason, source, evidence, "
				 "evidence_hash) values (1, 1, "
				 "'rpps', 'pass', 'rpps_found', 'registre', '{}', encode(sha256('{}'), 'hex'))");
	pgtest_sql(c->owner_dsn, "do $$ begin update check_result set evidence = '[]'; raise exception 'written over';"
				 " exception when check_violation then null; end $$");
	assert_string_equal(
		pgtest_value(
			c->owner_dsn,
			"select has_column_privilege('enroll_service', 'enroll.check_result', 'evidence', 'update') or"
			" has_table_privilege('enroll_purge', 'enroll.check_result', 'delete') or"
			" has_column_privilege('enroll_purge', 'enroll.check_result', 'result', 'update') or"
			" has_column_privilege('enroll_purge', 'enroll.check_result', 'evidence_hash', 'update') or"
			" has_table_privilege('enroll_purge', 'enroll.piece_opening', 'delete')"),
		"f");
	pgtest_sql(c->purge_dsn, "select identity_set('system', null, null, null, null);"
				 " update check_result set evidence = null");
	assert_string_equal(pgtest_value(c->owner_dsn, "select count(*) from check_result where evidence is null"),
			    "1");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_trigger_accepts_exactly_the_transitions_of_the_table),
		cmocka_unit_test(but_for_an_expert_alone_where_the_policy_asks_for_two),
		cmocka_unit_test(history_cannot_be_changed_even_by_its_owner),
		cmocka_unit_test(evidence_is_what_its_hash_says_until_the_purge_role_erases_it),
	};

	return cmocka_run_group_tests(tests, made, unmade);
}
