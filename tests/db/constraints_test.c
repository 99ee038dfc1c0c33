#include "../../db/constraints.h"
#include "../../server/base/asset.h"
#include "../../forms/form.h"
#include "../lib/pgtest.h"
#include <string.h>
#include "../lib/test.h"

static struct pool *pool;

static int group(void **state)
{
	(void)state;
	pool = pool_new();
	pgtest_migrate();
	return 0;
}

static int end(void **state)
{
	(void)state;
	pool_free(pool);
	return 0;
}

static void every_constraint_of_the_table_exists_in_the_schema(void **state)
{
	(void)state;
	for (size_t i = 0; i < constraint_count; i++) {
		const char *name = constraints[i].name;
		/* Those of the history trigger are named where it raises them. */
		const char *n = pgtest_value(
			pgtest_cluster()->owner_dsn,
			pool_printf(pool,
				    "select (select count(*) from pg_constraint where conname = '%s') + "
				    "(select count(*) from pg_class where relkind = 'i' and relname = '%s') + "
				    "(select count(*) from pg_proc where prosrc like '%%constraint = ''%s''%%')",
				    name, name, name));
		if (!strcmp(n, "0"))
			fail_msg("%s", name);
	}
}

static void every_unique_index_that_a_person_can_hit_is_in_the_table(void **state)
{
	(void)state;
	/* Keys that the service makes itself (numbers, digests, tokens) are not a person's to break. */
	static const char sql[] = "select string_agg(c.relname, ' ' order by c.relname) from pg_index i join pg_class "
				  "c on c.oid = i.indexrelid "
				  "join pg_class t on t.oid = i.indrelid join pg_namespace n on n.oid = t.relnamespace "
				  "where n.nspname = 'enroll' and i.indisunique and not i.indisprimary and t.relname "
				  "in ('account', 'agent', 'file', 'signature')";
	char *list = pool_strdup(pool, pgtest_value(pgtest_cluster()->owner_dsn, sql)), *save = NULL;
	assert_true(strlen(list) > 0);
	for (char *name = strtok_r(list, " ", &save); name; name = strtok_r(NULL, " ", &save))
		if (strcmp(name, "file_number_key") != 0 && !constraint_get(name))
			fail_msg("%s has no text", name);
}

static void every_text_is_in_the_catalogue(void **state)
{
	(void)state;
	for (size_t i = 0; i < constraint_count; i++) {
		const char *id = pool_printf(pool, "<t id=\"%s\">", constraints[i].text);
		bool found = false;
		for (const struct asset *a = NULL; (a = asset_next("server/text", a));)
			found |= strstr((const char *)a->data, id) != NULL;
		if (!found)
			fail_msg("no text %s", constraints[i].text);
	}
}

/* A kind added to the form alone would be refused by the database at the first deposit, and seen by an expert. */
static void the_database_takes_the_forms_pieces_and_shows_the_expert_those_it_may(void **state)
{
	(void)state;
	struct pool *forms = pool_new();
	struct err e;
	const char *check = pool_strdup(forms, pgtest_value(pgtest_cluster()->owner_dsn,
							    "select pg_get_constraintdef(oid) from pg_constraint where "
							    "conrelid = 'enroll.piece'::regclass and conname = "
							    "'piece_kind_check'"));
	const char *policy = pool_strdup(forms, pgtest_value(pgtest_cluster()->owner_dsn,
							     "select string_agg(qual, ' ') from pg_policies where "
							     "tablename = 'piece'"));
	assert_int_equal(forms_load(forms, &e), 0);
	const struct form *f = form_get("application");
	size_t kinds = 0;
	for (size_t s = 0; s < f->step_count; s++)
		for (size_t k = 0; k < f->steps[s].piece_count; k++, kinds++) {
			const struct piece_kind *p = &f->steps[s].pieces[k];
			const char *quoted = pool_printf(forms, "'%s'", p->kind);
			assert_non_null(strstr(check, quoted));
			assert_true((strstr(policy, quoted) != NULL) == p->not_for_expert);
		}
	assert_true(kinds == 7);
	pool_free(forms);
}

static void an_unknown_constraint_is_nobodys(void **state)
{
	(void)state;
	assert_null(constraint_get("file_caisse_eligible"));
	assert_null(constraint_get(""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_constraint_of_the_table_exists_in_the_schema),
		cmocka_unit_test(every_unique_index_that_a_person_can_hit_is_in_the_table),
		cmocka_unit_test(every_text_is_in_the_catalogue),
		cmocka_unit_test(the_database_takes_the_forms_pieces_and_shows_the_expert_those_it_may),
		cmocka_unit_test(an_unknown_constraint_is_nobodys),
	};
	return cmocka_run_group_tests(tests, group, end);
}
