/*
 * file_seen() keeps a yes as long as the identity it was given to, and no longer: within one transaction another
 * identity is asked anew. The rows of every table that hangs on a file show exactly when the file does.
 */
#include "../../server/base/str.h"
#include "../lib/pgtest.h"
#include "../lib/test.h"

/*
 * Files 1 and 2 belong to accounts 1 and 2, in caisse 595; 2 entered expert review. look() takes an identity and tells
 * whose rows it sees: of files, of their notices and working copies, and of notices again, last first, so that what was
 * kept of one file meets the other.
 */
static const char look[] =
	"create function look(p_role text, p_account bigint, p_agent bigint, p_caisses text, p_file bigint) returns "
	"text "
	"language plpgsql as $f$\n"
	"begin\n"
	"  perform identity_set(p_role, p_account, p_agent, p_caisses, p_file);\n"
	"  return concat_ws('/', (select coalesce(string_agg(id::text, '' order by id), '-') from file),\n"
	"    (select coalesce(string_agg(file::text, '' order by file), '-') from notice),\n"
	"    (select coalesce(string_agg(file::text, '' order by file), '-') from working_copy),\n"
	"    (select coalesce(string_agg(file::text, ''), '-') from (select file from notice order by id desc) n));\n"
	"end $f$";

static int made(void **state)
{
	const char *owner;

	(void)state;
	pgtest_migrate();
	owner = pgtest_cluster()->owner_dsn;
	pgtest_sql(owner, look);
	pgtest_sql(owner,
		   "insert into account (email, email_key) values ('a@example.org', 'a'), ('b@example.org', 'b')");
	pgtest_sql(owner, "insert into file (account) values (1), (2)");
	pgtest_sql(owner,
		   "update file set state = 'in_review', caisse = '595', eligible = true, rpps = '9990000001' || id,"
		   " practice_mode = 'liberal', version = 1, entered_review = id = 2");
	pgtest_sql(owner, "insert into notice (file, kind) values (1, 'a'), (2, 'b'), (1, 'c')");
	pgtest_sql(owner, "insert into working_copy (file, data) values (1, ''), (2, '')");
	return 0;
}

static const char *seen(const char *sql)
{
	return pgtest_value(pgtest_dsn(), sql);
}

static void rows_of_a_file_show_exactly_when_the_file_does(void **state)
{
	(void)state;
	assert_string_equal(seen("select look('applicant', 1, null, '', null)"), "1/11/1/11");
	assert_string_equal(seen("select look('applicant', 2, null, '', null)"), "2/2/2/2");
	assert_string_equal(seen("select look('employer', null, null, '', 2)"), "2/2/2/2");
	assert_string_equal(seen("select look('expert', null, 1, '', null)"), "2/2/2/2");
	assert_string_equal(seen("select look('delegate', null, 1, '595', null)"), "12/112/12/121");
	assert_string_equal(seen("select look('delegate', null, 1, '751', null)"), "-/-/-/-");
	assert_string_equal(seen("select look('system', null, null, '', null)"), "12/112/12/121");
	assert_string_equal(seen("select look('admin', null, 1, '', null)"), "12/112/12/121");
	assert_string_equal(seen("select look('region', null, 1, '', null)"), "-/-/-/-");
	assert_string_equal(seen("select look('visitor', null, null, '', null)"), "-/-/-/-");
	assert_string_equal(seen("select look('', null, null, '', null)"), "-/-/-/-");
}

static void what_one_identity_saw_is_not_shown_to_the_next_one_of_the_same_transaction(void **state)
{
	(void)state;
	assert_string_equal(
		seen("select look('applicant', 1, null, '', null) || ' ' || look('applicant', 2, null, '', null)"
		     " || ' ' || look('applicant', 1, null, '', null) || ' ' || look('', null, null, '', null)"),
		"1/11/1/11 2/2/2/2 1/11/1/11 -/-/-/-");
	assert_string_equal(
		seen("select look('system', null, null, '', null) || ' ' || look('visitor', null, null, '', null)"
		     " || ' ' || look('delegate', null, 1, '751', null)"),
		"12/112/12/121 -/-/-/- -/-/-/-");
}

static void what_one_identity_saw_ends_with_the_transaction(void **state)
{
	(void)state;
	/* Three transactions of one connection: the last one has no identity and asks for what the first one saw. */
	assert_string_equal(
		seen("begin; select look('applicant', 1, null, '', null), identity_set('', null, null, '', null),"
		     " set_config('enroll.seen', '1', true); commit;"
		     " select count(*) from notice"),
		"0");
	assert_string_equal(seen("begin; select look('applicant', 1, null, '', null); commit;"
				 " select coalesce(current_setting('enroll.seen', true), '')"),
			    "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_of_a_file_show_exactly_when_the_file_does),
		cmocka_unit_test(what_one_identity_saw_is_not_shown_to_the_next_one_of_the_same_transaction),
		cmocka_unit_test(what_one_identity_saw_ends_with_the_transaction),
	};

	return cmocka_run_group_tests(tests, made, NULL);
}
