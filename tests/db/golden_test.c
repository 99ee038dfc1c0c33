/*
 * Who may do what, and what the tables are, are reviewed files: tests/golden/grants.txt and schema.sql. A change shows
 * as a diff; GOLDEN_WRITE=1 writes them again.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../server/base/str.h"
#include "../lib/pgtest.h"
#include "../lib/test.h"

static struct pool *pool;

static int made(void **state)
{
	(void)state;
	pool = pool_new();
	pgtest_migrate();
	return 0;
}

static int unmade(void **state)
{
	(void)state;
	pool_free(pool);
	return 0;
}

static void compare(const char *path, const char *query)
{
	char *now = pool_strdup(pool, pgtest_value(pgtest_cluster()->owner_dsn, query));
	struct str old = str_in(pool);
	char line[4096];
	FILE *f;

	if (getenv("GOLDEN_WRITE")) {
		f = fopen(path, "w");
		assert_non_null(f);
		fputs(now, f);
		assert_int_equal(fclose(f), 0);
		return;
	}
	f = fopen(path, "r");
	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		str_add(&old, line);
	fclose(f);
	assert_true(strlen(now) > 1000);
	assert_string_equal(old.s, now);
}

static void what_each_role_may_do_is_the_reviewed_list(void **state)
{
	(void)state;
	compare("tests/golden/grants.txt",
		"select string_agg(line, '' order by line) from ("
		" select format(E'%s %s: %s\\n', grantee, table_name, string_agg(lower(privilege_type), ', ' order by "
		"privilege_type)) as line"
		"  from information_schema.role_table_grants where table_schema = 'enroll' and grantee like "
		"'enroll\\_%' and grantee <> 'enroll_owner'"
		"  group by grantee, table_name"
		" union all"
		" select format(E'%s %s.%s: %s\\n', c.grantee, c.table_name, c.column_name, lower(c.privilege_type))"
		"  from information_schema.role_column_grants c where c.table_schema = 'enroll' and c.grantee like "
		"'enroll\\_%' and c.grantee <> 'enroll_owner'"
		"  and not exists (select 1 from information_schema.role_table_grants t where t.table_schema = "
		"'enroll' and t.table_name = c.table_name"
		"   and t.grantee = c.grantee and t.privilege_type = c.privilege_type)"
		" union all"
		" select format(E'policy %s %s %s: using %s check %s\\n', tablename, policyname, lower(cmd), qual, "
		"with_check) from pg_policies where schemaname = 'enroll'"
		") x");
}

static void the_tables_are_the_reviewed_ones(void **state)
{
	(void)state;
	compare("tests/golden/schema.sql",
		"select string_agg(line, '' order by line) from ("
		" select format(E'column %s.%s %s%s%s\\n', c.table_name, c.column_name, c.udt_name,"
		"   case when c.is_nullable = 'NO' then ' not null' end, ' default ' || c.column_default) as line"
		"  from information_schema.columns c where c.table_schema = 'enroll'"
		" union all select format(E'constraint %s.%s %s\\n', k.conrelid::regclass, k.conname, "
		"pg_get_constraintdef(k.oid))"
		"  from pg_constraint k where k.connamespace = 'enroll'::regnamespace"
		" union all select indexdef || E'\\n' from pg_indexes where schemaname = 'enroll'"
		" union all select pg_get_triggerdef(t.oid) || E'\\n' from pg_trigger t join pg_class r on r.oid = "
		"t.tgrelid"
		"  where r.relnamespace = 'enroll'::regnamespace and not t.tgisinternal"
		" union all select format(E'function %s(%s) %s%s\\n', p.proname, "
		"pg_get_function_identity_arguments(p.oid),"
		"   case when p.prosecdef then 'security definer ' end, md5(p.prosrc)) from pg_proc p where "
		"p.pronamespace = 'enroll'::regnamespace"
		") x");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_each_role_may_do_is_the_reviewed_list),
		cmocka_unit_test(the_tables_are_the_reviewed_ones),
	};

	return cmocka_run_group_tests(tests, made, unmade);
}
