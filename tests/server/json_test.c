#include <math.h>
#include <stdint.h>
#include <string.h>
#include "../lib/test.h"

#include "../../server/json.h"

static struct pool *pool;

static int open_pool(void **unused)
{
	(void)unused;
	pool = pool_new();
	return 0;
}

static int close_pool(void **unused)
{
	(void)unused;
	pool_free(pool);
	return 0;
}

static struct values read_good(const char *json)
{
	struct values v = values_in(pool);
	struct err e = { 0 };
	assert_int_equal(json_read_values(json, strlen(json), &v, &e), 0);
	return v;
}

static void read_bad(const char *json, size_t n)
{
	struct values v = values_in(pool);
	struct err e = { 0 };
	assert_int_equal(json_read_values(json, n, &v, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_string_equal(e.text, "json.bad");
}

static void objects_and_arrays_become_flat_names(void **unused)
{
	(void)unused;
	struct values v = read_good(
		"{\"public\":[\"adults\",\"teens\"],\"experience\":[{\"from\":\"2015-01-01\"},{\"share\":50}],"
		"\"checklist\":{\"rights\":{\"waived\":\"vu\"},\"bank\":true},\"version\":3,\"half\":0.5,"
		"\"none\":null,\"languages\":[]}");
	const char *const *all;
	assert_int_equal(values_all(&v, "public[]", &all), 2);
	assert_string_equal(all[1], "teens");
	assert_string_equal(values_get(&v, "experience[0].from"), "2015-01-01");
	assert_string_equal(values_get(&v, "experience[1].share"), "50");
	assert_string_equal(values_get(&v, "checklist.rights.waived"), "vu");
	assert_string_equal(values_get(&v, "checklist.bank"), "true");
	assert_string_equal(values_get(&v, "version"), "3");
	assert_string_equal(values_get(&v, "half"), "0.5");
	assert_string_equal(values_get(&v, "none"), "");
	assert_string_equal(values_get(&v, "languages[]"), "");
}

static void names_that_no_field_can_have_are_dropped(void **unused)
{
	(void)unused;
	struct values v = read_good("{\"Nom\":\"a\",\"a b\":\"c\",\"x[\":1,\"good\":\"yes\",\"\":2}");
	assert_int_equal(v.count, 1);
	assert_string_equal(v.items[0].name, "good");
}

static void what_is_not_strict_json_is_refused(void **unused)
{
	(void)unused;
	static const char *const bad[] = {
		"",
		"[]",
		"3",
		"\"x\"",
		"{\"a\":1,}",
		"{\"a\":1,\"a\":2}",
		"{\"a\":\"\xff\"}",
		"{\"a\":1} {}",
		"{\"a\":\"\\u0000\"}",
		"{\"a\":99999999999999999999}",
		"{'a':1}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		read_bad(bad[i], strlen(bad[i]));
	read_bad("{\"a\":\"\0\"}", 9);
}

static void depth_and_number_of_values_are_bounded(void **unused)
{
	(void)unused;
	struct str deep = str_in(pool), wide = str_in(pool);
	for (int i = 0; i < 18; i++)
		str_add(&deep, "{\"a\":");
	str_add(&deep, "1");
	for (int i = 0; i < 18; i++)
		str_add(&deep, "}");
	read_bad(deep.s, deep.len);
	str_add(&wide, "{\"a\":[1");
	for (int i = 0; i < 5001; i++)
		str_add(&wide, ",1");
	str_add(&wide, "]}");
	read_bad(wide.s, wide.len);
}

static void a_member_is_read_as_text(void **unused)
{
	(void)unused;
	const char *json = "{\"a\":\"x\",\"n\":12,\"b\":false,\"z\":null,\"o\":{\"b\":1,\"a\":2}}";
	assert_string_equal(json_member(json, "a", pool), "x");
	assert_string_equal(json_member(json, "n", pool), "12");
	assert_string_equal(json_member(json, "b", pool), "false");
	assert_string_equal(json_member(json, "o", pool), "{\"a\":2,\"b\":1}");
	assert_null(json_member(json, "z", pool));
	assert_null(json_member(json, "absent", pool));
	assert_null(json_member("not json", "a", pool));
	assert_null(json_member(NULL, "a", pool));
}

static void canonical_form_sorts_keys_by_utf16_and_escapes_the_least(void **unused)
{
	(void)unused;
	/* RFC 8785 §3.2.3: U+1F600 (a surrogate pair) stands before U+FB33. */
	assert_string_equal(
		json_canonical("{\"\\ufb33\":1,\"\\ud83d\\ude00\":2,\"\\u20ac\":3,\"1\":4,\"\\r\":5}", pool),
		"{\"\\r\":5,\"1\":4,\"€\":3,\"😀\":2,\"\xef\xac\xb3\":1}");
	assert_string_equal(json_canonical(" [ 1 , true , null , \"a\\/\\u0007\\\"\" ] ", pool),
			    "[1,true,null,\"a/\\u0007\\\"\"]");
	assert_string_equal(json_canonical("{\"b\":{\"d\":1,\"c\":2},\"a\":[]}", pool),
			    "{\"a\":[],\"b\":{\"c\":2,\"d\":1}}");
	assert_null(json_canonical("{\"a\":1,\"a\":1}", pool));
	assert_null(json_canonical("{", pool));
}

static void numbers_are_written_as_ecmascript_writes_them(void **unused)
{
	(void)unused;
	/* RFC 8785, appendix B */
	static const struct {
		double x;
		const char *text;
	} numbers[] = {
		{ 0.0, "0" },
		{ -0.0, "0" },
		{ 1.5, "1.5" },
		{ -2.25, "-2.25" },
		{ 1e21, "1e+21" },
		{ 1e20, "100000000000000000000" },
		{ 1e-6, "0.000001" },
		{ 1e-7, "1e-7" },
		{ 333333333.3333333, "333333333.3333333" },
		{ 5e-324, "5e-324" },
		{ 9007199254740992.0, "9007199254740992" },
	};
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
		struct json j = json_in(pool);
		json_f64(&j, numbers[i].x);
		assert_string_equal(j.out.s, numbers[i].text);
	}
	struct json j = json_in(pool);
	json_f64(&j, NAN);
	assert_string_equal(j.out.s, "null");
}

static void commas_brackets_and_escapes_are_its_business(void **unused)
{
	(void)unused;
	struct json j = json_in(pool);
	json_obj(&j);
	json_kt(&j, "a", "é\"\n\x01");
	json_ki(&j, "n", INT64_MIN);
	json_key(&j, "list");
	json_arr(&j);
	json_i64(&j, 1);
	json_obj(&j);
	json_end(&j);
	json_nil(&j);
	json_end(&j);
	json_kb(&j, "b", true);
	json_kday(&j, "day", 0);
	json_kday(&j, "none", DAY_NONE);
	json_kinstant(&j, "at", SECOND);
	json_key(&j, "raw");
	json_raw(&j, "{\"x\":1}");
	json_end(&j);
	assert_string_equal(j.out.s,
			    "{\"a\":\"é\\\"\\n\\u0001\",\"n\":-9223372036854775808,\"list\":[1,{},null],\"b\":true,"
			    "\"day\":\"1970-01-01\",\"none\":null,\"at\":\"1970-01-01T00:00:01Z\",\"raw\":{\"x\":1}}");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(objects_and_arrays_become_flat_names),
		cmocka_unit_test(names_that_no_field_can_have_are_dropped),
		cmocka_unit_test(what_is_not_strict_json_is_refused),
		cmocka_unit_test(depth_and_number_of_values_are_bounded),
		cmocka_unit_test(a_member_is_read_as_text),
		cmocka_unit_test(canonical_form_sorts_keys_by_utf16_and_escapes_the_least),
		cmocka_unit_test(numbers_are_written_as_ecmascript_writes_them),
		cmocka_unit_test(commas_brackets_and_escapes_are_its_business),
	};
	return cmocka_run_group_tests(tests, open_pool, close_pool);
}
