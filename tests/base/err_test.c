#include <string.h>
#include "../lib/test.h"
#include "../../server/base/err.h"

static void fail_fills_kind_and_text_and_returns_minus_one(void **state)
{
	(void)state;
	struct err e;
	memset(&e, 'x', sizeof e);
	assert_int_equal(fail(&e, ERR_MISSING, "file.missing"), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_string_equal(e.text, "file.missing");
	assert_null(e.field);
	assert_string_equal(e.arg, "");
	assert_string_equal(e.detail, "");
}

static void fail_field_points_at_an_input(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(fail_field(&e, "rpps.luhn", "rpps"), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_string_equal(e.field, "rpps");
}

static void fault_formats_its_detail(void **state)
{
	(void)state;
	struct err e;
	assert_int_equal(fault(&e, "table %s: code %d", "files", 23505), -1);
	assert_int_equal(e.kind, ERR_FAULT);
	assert_string_equal(e.detail, "table files: code 23505");
	assert_non_null(e.text);
}

static void fault_cuts_a_detail_that_is_too_long(void **state)
{
	(void)state;
	struct err e;
	fault(&e, "%0500d", 7);
	assert_int_equal(strlen(e.detail), sizeof e.detail - 1);
}

static void fault_may_quote_the_error_it_replaces(void **state)
{
	(void)state;
	struct err e;
	fault(&e, "inner");
	fault(&e, "outer: %s", e.detail);
	assert_string_equal(e.detail, "outer: inner");
}

static void nobody_has_to_want_the_error(void **state)
{
	(void)state;
	assert_int_equal(fail(NULL, ERR_BUSY, "busy"), -1);
	assert_int_equal(fail_field(NULL, "a", "b"), -1);
	assert_int_equal(fault(NULL, "x"), -1);
}

static void every_kind_has_a_name_of_its_own(void **state)
{
	(void)state;
	for (enum err_kind a = ERR_NONE; a <= ERR_FAULT; a++) {
		assert_string_not_equal(err_kind_name(a), "unknown");
		for (enum err_kind b = ERR_NONE; b < a; b++)
			assert_string_not_equal(err_kind_name(a), err_kind_name(b));
	}
	assert_string_equal(err_kind_name((enum err_kind)99), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fail_fills_kind_and_text_and_returns_minus_one),
		cmocka_unit_test(fail_field_points_at_an_input),
		cmocka_unit_test(fault_formats_its_detail),
		cmocka_unit_test(fault_cuts_a_detail_that_is_too_long),
		cmocka_unit_test(fault_may_quote_the_error_it_replaces),
		cmocka_unit_test(nobody_has_to_want_the_error),
		cmocka_unit_test(every_kind_has_a_name_of_its_own),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
