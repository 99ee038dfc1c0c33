#include "../../db/migrate.h"
#include "../../db/db.h"
#include "../../workflow/workflow.h"
#include "../lib/pgtest.h"
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include "../lib/test.h"

static struct pool *pool;
static const char *owner, *service;

static int group(void **state)
{
	(void)state;
	pool = pool_new();
	owner = pgtest_cluster()->owner_dsn;
	service = pgtest_dsn();
	return 0;
}

static int end(void **state)
{
	(void)state;
	pool_free(pool);
	return 0;
}

static int run(int *applied, struct err *e)
{
	return migrate(owner, workflow_print(pool), workflow_digest(pool), applied, e);
}

static void an_empty_database_is_told_to_be_migrated(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(migrate_check(service, workflow_digest(pool), &e), -1);
	assert_non_null(strstr(e.detail, "run migrate"));
}

static void two_programs_migrate_at_once_and_each_file_is_applied_once(void **state)
{
	(void)state;
	struct err e;
	int applied, status;
	pid_t child = fork();
	if (!child) {
		int n;
		_exit(run(&n, &e) ? 100 : n);
	}
	if (run(&applied, &e)) {
		print_error("%s\n", e.detail);
		fail_msg("migrate");
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 100);
	char n[16];
	snprintf(n, sizeof n, "%d", applied + WEXITSTATUS(status));
	assert_true(applied == 0 || WEXITSTATUS(status) == 0);
	assert_string_equal(pgtest_value(owner, "select count(*) from schema_migration"), n);
	assert_int_equal(migrate_check(service, workflow_digest(pool), &e), 0);
}

static void a_second_time_does_nothing(void **state)
{
	(void)state;
	struct err e;
	int applied = 7;
	assert_int_equal(run(&applied, &e), 0);
	assert_int_equal(applied, 0);
}

static void the_workflow_table_of_the_program_is_in_the_database(void **state)
{
	(void)state;
	struct err e;
	int lines = 0, applied;
	for (const char *p = workflow_print(pool); (p = strchr(p, '\n')); p++)
		lines++;
	char n[16];
	snprintf(n, sizeof n, "%d", lines);
	assert_string_equal(pgtest_value(service, "select count(*) from transition"), n);
	assert_string_equal(pgtest_value(service,
					 "select to_state from transition where from_state = 'draft' and event = "
					 "'submit' and role = 'applicant'"),
			    "submitted");
	/* Another table: refused at the start, loaded by migrate, and the right one again. */
	assert_int_equal(migrate_check(service, "another", &e), -1);
	assert_int_equal(migrate(owner, "draft submit applicant submitted\n", "another", &applied, &e), 0);
	assert_string_equal(pgtest_value(service, "select count(*) from transition"), "1");
	assert_int_equal(migrate_check(service, workflow_digest(pool), &e), -1);
	assert_int_equal(migrate(owner, "draft submit\n", "broken", &applied, &e), -1);
	assert_string_equal(pgtest_value(service, "select count(*) from transition"), "1");
	assert_int_equal(run(&applied, &e), 0);
	assert_string_equal(pgtest_value(service, "select count(*) from transition"), n);
}

static void reference_data_is_there_to_the_last_row(void **state)
{
	(void)state;
	assert_string_equal(pgtest_value(service, "select count(*) from region"), "18");
	assert_string_equal(pgtest_value(service, "select count(*) from departement where path is not null"), "101");
	assert_string_equal(pgtest_value(service, "select count(*) from caisse"), "107");
	assert_string_equal(pgtest_value(service, "select count(*) from commune"), "34920");
	assert_string_equal(pgtest_value(service,
					 "select name || '|' || search_key || '|' || caisse || '|' || confidence "
					 "from commune where code = '59512'"),
			    "Roubaix|roubaix|597|a_confirmer");
	assert_string_equal(pgtest_value(service, "select postcodes from commune where code = '01050'"),
			    "{01190,01380}");
	assert_string_equal(pgtest_value(service, "select ars from region where code = '01'"),
			    "ARS Guadeloupe, Saint-Martin et Saint-Barthélemy");
	assert_string_equal(pgtest_value(service, "select count(*) from commune where caisse = '' or name = ''"), "0");
}

static void a_corrected_commune_survives_a_new_load_and_others_follow_it(void **state)
{
	(void)state;
	struct err e;
	int applied;
	pgtest_sql(owner, "update commune set caisse = '594', method = 'administrateur', confidence = 'certain' where "
			  "code = '59512';"
			  "update commune set caisse = '594', name = 'x' where code = '59350';"
			  "delete from commune where code = '01001';"
			  "update meta set value = 'older' where key = 'reference_digest'");
	assert_int_equal(run(&applied, &e), 0);
	assert_string_equal(pgtest_value(owner, "select caisse || method from commune where code = '59512'"),
			    "594administrateur");
	assert_string_not_equal(pgtest_value(owner, "select name from commune where code = '59350'"), "x");
	assert_string_equal(pgtest_value(owner, "select count(*) from commune"), "34920");
}

static void a_file_changed_after_it_was_applied_is_refused(void **state)
{
	(void)state;
	struct err e;
	int applied;
	pgtest_sql(owner, "update schema_migration set sha256 = 'x' || sha256 where number = 1");
	assert_int_equal(run(&applied, &e), -1);
	assert_non_null(strstr(e.detail, "0001"));
	assert_int_equal(migrate_check(service, workflow_digest(pool), &e), -1);
	pgtest_sql(owner, "update schema_migration set sha256 = substr(sha256, 2) where number = 1");
	assert_int_equal(run(&applied, &e), 0);
}

static void a_schema_newer_than_the_program_is_refused(void **state)
{
	(void)state;
	struct err e;
	int applied;
	pgtest_sql(owner, "insert into schema_migration (number, name, sha256) values (9999, 'later', 'x')");
	assert_int_equal(run(&applied, &e), -1);
	assert_int_equal(migrate_check(service, workflow_digest(pool), &e), -1);
	assert_non_null(strstr(e.detail, "newer"));
	pgtest_sql(owner, "delete from schema_migration where number = 9999");
}

static void the_service_owns_nothing_and_cannot_change_the_schema(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(db_script(service, "create table enroll.mine (x int)", &e), -1);
	assert_int_equal(db_script(service, "update schema_migration set name = 'x'", &e), -1);
	assert_int_equal(db_script(service, "delete from transition", &e), -1);
	assert_string_equal(pgtest_value(owner, "select count(*) from pg_class c join pg_roles r on r.oid = c.relowner "
						"where r.rolname in ('enroll_service', 'enroll_purge')"),
			    "0");
}

static void every_registered_statement_can_be_prepared(void **state)
{
	(void)state;
	const struct statement *const *all;
	size_t n = statements_all(&all), bad = 0;
	assert_true(n > 3);
	for (size_t i = 0; i < n; i++) {
		struct err e;
		assert_true(strlen(all[i]->name) <= 60);
		for (size_t j = 0; j < i; j++)
			if (!strcmp(all[i]->name, all[j]->name)) {
				print_error("two statements are named %s\n", all[i]->name);
				bad++;
			}
		if (!strcmp(all[i]->name, "tx_begin") || !strcmp(all[i]->name, "tx_commit") ||
		    !strcmp(all[i]->name, "tx_rollback"))
			continue;
		if (db_script(service, pool_printf(pool, "prepare s as %s", all[i]->sql), &e)) {
			print_error("%s: %s\n", all[i]->name, e.detail);
			bad++;
		}
	}
	assert_int_equal(bad, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_empty_database_is_told_to_be_migrated),
		cmocka_unit_test(two_programs_migrate_at_once_and_each_file_is_applied_once),
		cmocka_unit_test(a_second_time_does_nothing),
		cmocka_unit_test(the_workflow_table_of_the_program_is_in_the_database),
		cmocka_unit_test(reference_data_is_there_to_the_last_row),
		cmocka_unit_test(a_corrected_commune_survives_a_new_load_and_others_follow_it),
		cmocka_unit_test(a_file_changed_after_it_was_applied_is_refused),
		cmocka_unit_test(a_schema_newer_than_the_program_is_refused),
		cmocka_unit_test(the_service_owns_nothing_and_cannot_change_the_schema),
		cmocka_unit_test(every_registered_statement_can_be_prepared),
	};
	return cmocka_run_group_tests(tests, group, end);
}
