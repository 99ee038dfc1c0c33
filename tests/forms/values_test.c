#include <stdio.h>
#include <string.h>
#include "../lib/test.h"
#include "../../forms/values.h"

static struct pool *p;
static struct values v;

static int setup(void **state)
{
	(void)state;
	p = pool_new();
	v = values_in(p);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_free(p);
	return 0;
}

static void values_keep_their_order_and_their_copies(void **state)
{
	(void)state;
	char name[] = "a", text[] = "1";
	values_add(&v, name, text);
	name[0] = 'z';
	text[0] = '9';
	values_add(&v, "b", "2");
	values_add(&v, "a", "3");
	assert_int_equal(v.count, 3);
	assert_string_equal(v.items[0].name, "a");
	assert_string_equal(values_get(&v, "a"), "1");
	assert_null(values_get(&v, "c"));
	assert_string_equal(values_text(&v, "c"), "");
	const char *const *all;
	assert_int_equal(values_all(&v, "a", &all), 2);
	assert_string_equal(all[1], "3");
	assert_int_equal(values_all(&v, "c", &all), 0);
}

static void setting_replaces_every_value_of_that_name(void **state)
{
	(void)state;
	values_add(&v, "a", "1");
	values_add(&v, "b", "2");
	values_add(&v, "a", "3");
	values_set(&v, "a", values_get(&v, "b"));
	assert_int_equal(v.count, 2);
	assert_string_equal(v.items[0].text, "2");
	values_set(&v, "c", NULL);
	assert_string_equal(values_get(&v, "c"), "");
	values_remove(&v, "a");
	assert_null(values_get(&v, "a"));
	assert_int_equal(v.count, 2);
}

static void a_group_is_removed_without_its_namesakes(void **state)
{
	(void)state;
	values_add(&v, "experience[0].from", "x");
	values_add(&v, "experience_note", "kept");
	values_add(&v, "experience[]", "");
	values_add(&v, "experience", "kept");
	assert_true(values_has_group(&v, "experience"));
	assert_false(values_has_group(&v, "exp"));
	values_remove_group(&v, "experience");
	assert_int_equal(v.count, 2);
	assert_false(values_has_group(&v, "experience"));
}

static void rows_are_counted_to_the_highest_below_one_hundred(void **state)
{
	(void)state;
	assert_int_equal(values_rows(&v, "experience"), 0);
	values_add(&v, "experience[]", "");
	values_add(&v, "experience[x].from", "");
	values_add(&v, "experience[01].from", "");
	values_add(&v, "experience[100].from", "");
	values_add(&v, "experience[99999999999999999999].from", "");
	values_add(&v, "experience[3]from", "");
	values_add(&v, "other[7].from", "");
	assert_int_equal(values_rows(&v, "experience"), 0);
	values_add(&v, "experience[3].from", "");
	assert_int_equal(values_rows(&v, "experience"), 4);
	values_add(&v, "experience[99].from", "");
	assert_int_equal(values_rows(&v, "experience"), 100);
	for (size_t i = 0; i < 150; i++) {
		char name[40];
		snprintf(name, sizeof name, "many[%zu].a", i);
		values_add(&v, name, "1");
	}
	assert_int_equal(values_rows(&v, "many"), 100);
}

static void holes_close_and_the_order_stays(void **state)
{
	(void)state;
	values_add(&v, "experience[7].from", "seven");
	values_add(&v, "experience[2].from", "two");
	values_add(&v, "experience[7].to", "end");
	values_add(&v, "experience[42]", "bare");
	values_add(&v, "other[7].from", "other");
	values_compact(&v, "experience");
	assert_string_equal(values_text(&v, "experience[0].from"), "two");
	assert_string_equal(values_text(&v, "experience[1].from"), "seven");
	assert_string_equal(values_text(&v, "experience[1].to"), "end");
	assert_string_equal(values_text(&v, "experience[2]"), "bare");
	assert_string_equal(values_text(&v, "other[7].from"), "other");
	values_compact(&v, "experience");
	assert_int_equal(values_rows(&v, "experience"), 3);
}

static void names_are_cut_at_their_row(void **state)
{
	(void)state;
	size_t len, row;
	const char *rest;
	assert_true(values_split("experience[3].from", &len, &row, &rest));
	assert_int_equal(len, 10);
	assert_int_equal(row, 3);
	assert_string_equal(rest, "from");
	assert_true(values_split("a[0]", &len, &row, &rest));
	assert_string_equal(rest, "");
	static const char *const bad[] = { "", "a", "a[]", "[1]", "a[1", "a[1]b", "a[100]", "a[00]", "a[-1]", "a[1 ]" };
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(values_split(bad[i], &len, &row, &rest));
}

static void names_that_a_reader_keeps_are_told(void **state)
{
	(void)state;
	static const char *const good[] = { "a",       "experience[12].from", "public[]", "checklist.rights.waived",
					    "x-y_z.9", "pieces.12.waived" };
	static const char *const bad[] = { "",     "A", "9a", "a b", "a[",  "a]", "a[[1]]",
					   "a[x]", "é", "_a", ".a",  "a\n", "a<b" };
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(values_name_good(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(values_name_good(bad[i]));
	char longest[122];
	memset(longest, 'a', sizeof longest);
	longest[120] = 0;
	assert_true(values_name_good(longest));
	longest[120] = 'a';
	longest[121] = 0;
	assert_false(values_name_good(longest));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(values_keep_their_order_and_their_copies, setup, teardown),
		cmocka_unit_test_setup_teardown(setting_replaces_every_value_of_that_name, setup, teardown),
		cmocka_unit_test_setup_teardown(a_group_is_removed_without_its_namesakes, setup, teardown),
		cmocka_unit_test_setup_teardown(rows_are_counted_to_the_highest_below_one_hundred, setup, teardown),
		cmocka_unit_test_setup_teardown(holes_close_and_the_order_stays, setup, teardown),
		cmocka_unit_test_setup_teardown(names_are_cut_at_their_row, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_a_reader_keeps_are_told, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
