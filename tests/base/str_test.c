#include <string.h>
#include "../lib/test.h"
#include "../../server/base/err.h"
#include "../../server/base/str.h"

static struct pool *p;

static int setup(void **state)
{
	(void)state;
	p = pool_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_free(p);
	return 0;
}

static void an_empty_text_is_the_empty_string(void **state)
{
	(void)state;
	struct str s = str_in(p);
	assert_string_equal(s.s, "");
	str_add(&s, NULL);
	str_add(&s, "");
	str_add_n(&s, NULL, 0);
	str_clear(&s);
	str_addf(&s, "%s", "");
	assert_string_equal(s.s, "");
	assert_int_equal(s.len, 0);
}

static void what_is_added_follows_in_order(void **state)
{
	(void)state;
	struct str s = str_in(p);
	str_add(&s, "bonjour ");
	str_addf(&s, "%d", 3);
	str_add_c(&s, '!');
	str_add_n(&s, "abc", 2);
	assert_string_equal(s.s, "bonjour 3!ab");
	assert_int_equal(s.len, strlen(s.s));
	str_clear(&s);
	assert_string_equal(s.s, "");
	str_add(&s, "encore");
	assert_string_equal(s.s, "encore");
}

static void a_text_grows_past_every_size(void **state)
{
	(void)state;
	struct str s = str_in(p);
	for (int i = 0; i < 10000; i++) {
		str_addf(&s, "%04d", i);
		assert_int_equal(s.len, (size_t)(i + 1) * 4);
		assert_int_equal(s.s[s.len], 0);
	}
	assert_memory_equal(s.s + 4 * 9999, "9999", 5);
	for (int n = 200; n < 300; n++) {
		struct str t = str_in(p);
		str_add(&t, "x");
		str_addf(&t, "%0*d", n, 1);
		assert_int_equal(t.len, n + 1);
		assert_int_equal(strlen(t.s), n + 1);
	}
}

static void reserved_room_is_not_moved(void **state)
{
	(void)state;
	struct str s = str_in(p);
	str_reserve(&s, 5000);
	const char *at = s.s;
	for (int i = 0; i < 5000; i++)
		str_add_c(&s, 'a');
	assert_ptr_equal(s.s, at);
	assert_int_equal(strlen(s.s), 5000);
}

static void utf8_is_told_from_what_is_not(void **state)
{
	(void)state;
	static const char *const good[] = {
		"", "abc", "é", "œuvre", "’", "\U0001F600", "\xF4\x8F\xBF\xBF", "\xEE\x80\x80"
	};
	static const char *const bad[] = {
		"\x80",             /* alone */
		"\xC3",             /* cut */
		"\xC3(",            /* no continuation */
		"\xC0\xAF",         /* overlong / */
		"\xC1\xBF",         /* overlong */
		"\xE0\x80\xAF",     /* overlong */
		"\xF0\x80\x80\xAF", /* overlong */
		"\xED\xA0\x80",     /* surrogate */
		"\xED\xBF\xBF",     /* surrogate */
		"\xF4\x90\x80\x80", /* beyond U+10FFFF */
		"\xF5\x80\x80\x80",
		"\xFF",
		"abc\xE2\x82",
		"\xE2\x82\x28",
	};
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(str_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(str_is_utf8(bad[i], strlen(bad[i])));
	assert_false(str_is_utf8("a\0b", 3));
	assert_false(str_is_utf8("é", 1)); /* the length cuts it, whatever follows */
}

static void texts_compare_with_null(void **state)
{
	(void)state;
	assert_true(str_eq("a", "a"));
	assert_false(str_eq("a", "b"));
	assert_true(str_eq(NULL, NULL));
	assert_false(str_eq("a", NULL));
	assert_false(str_eq(NULL, ""));
	assert_true(str_starts("dossier/12", "dossier/"));
	assert_false(str_starts("dos", "dossier"));
	assert_false(str_starts(NULL, "a"));
	assert_true(str_ends("a.html", ".html"));
	assert_true(str_ends("a", ""));
	assert_false(str_ends("l", ".html"));
	assert_false(str_ends(NULL, "a"));
}

static void spaces_at_both_ends_are_trimmed(void **state)
{
	(void)state;
	assert_string_equal(str_trim(p, "  a b \t\r\n"), "a b");
	assert_string_equal(str_trim(p, "\u00A0\u202F a\u00A0b \u202F\u00A0"), "a\u00A0b");
	assert_string_equal(str_trim(p, " \u00A0 "), "");
	assert_string_equal(str_trim(p, "\u2009\u200B\u3000 a\u2009b\u2003\uFEFF"), "a\u2009b");
	assert_string_equal(str_trim(p, "\u2009"), "");
	assert_string_equal(str_trim(p, "–a–"), "–a–"); /* U+2013 begins like a space */
	assert_string_equal(str_trim(p, ""), "");
	assert_string_equal(str_trim(p, "à"), "à"); /* its last byte is A0 */
	assert_null(str_trim(p, NULL));
}

static void characters_are_code_points(void **state)
{
	(void)state;
	assert_int_equal(str_chars("été"), 3);
	assert_int_equal(str_chars("\U0001F600"), 1);
	assert_int_equal(str_chars(""), 0);
	assert_int_equal(str_chars(NULL), 0);
}

static void a_number_is_written_as_it_is_read(void **state)
{
	static const int64_t numbers[] = { 0, 7, -1, 10, 99, -42, 1234567890123, INT64_MAX, INT64_MIN };
	char text[STR_I64];
	(void)state;
	for (size_t i = 0; i < COUNT(numbers); i++) {
		int64_t back;
		assert_int_equal(str_to_i64(str_of_i64(text, numbers[i]), &back), 0);
		assert_int_equal(back, numbers[i]);
	}
	assert_string_equal(str_of_i64(text, INT64_MIN), "-9223372036854775808");
	assert_string_equal(str_of_i64(text, 0), "0");
}

static void whole_numbers_are_read_to_their_limits(void **state)
{
	(void)state;
	int64_t v = 5;
	assert_int_equal(str_to_i64("0", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(str_to_i64("-42", &v), 0);
	assert_int_equal(v, -42);
	assert_int_equal(str_to_i64("9223372036854775807", &v), 0);
	assert_true(v == INT64_MAX);
	assert_int_equal(str_to_i64("-9223372036854775808", &v), 0);
	assert_true(v == INT64_MIN);
	v = 7;
	static const char *const bad[] = { "",
					   "-",
					   "+1",
					   " 1",
					   "1 ",
					   "1a",
					   "0x1",
					   "--1",
					   "1.0",
					   "9223372036854775808",
					   "-9223372036854775809",
					   "99999999999999999999999" };
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(str_to_i64(bad[i], &v), -1);
	assert_int_equal(str_to_i64(NULL, &v), -1);
	assert_int_equal(v, 7);
}

static void hexadecimal_goes_and_comes_back(void **state)
{
	(void)state;
	unsigned char *out = NULL;
	assert_string_equal(str_hex(p, "\x00\x1F\xAB", 3), "001fab");
	assert_string_equal(str_hex(p, "", 0), "");
	assert_int_equal(str_unhex(p, "001FaB", &out), 3);
	assert_memory_equal(out, "\x00\x1F\xAB", 3);
	assert_int_equal(str_unhex(p, "", &out), 0);
	assert_int_equal(str_unhex(p, "abc", &out), -1);
	assert_int_equal(str_unhex(p, "zz", &out), -1);
	assert_int_equal(str_unhex(p, NULL, &out), -1);
}

static void base64url_goes_and_comes_back(void **state)
{
	(void)state;
	unsigned char *out = NULL;
	assert_string_equal(str_base64url(p, "f", 1), "Zg");
	assert_string_equal(str_base64url(p, "fo", 2), "Zm8");
	assert_string_equal(str_base64url(p, "foo", 3), "Zm9v");
	assert_string_equal(str_base64url(p, "\xFB\xFF\xBF", 3), "-_-_");
	unsigned char bytes[256];
	for (size_t i = 0; i < 256; i++)
		bytes[i] = (unsigned char)(i * 167);
	for (size_t n = 0; n <= 256; n++) {
		assert_int_equal(str_unbase64url(p, str_base64url(p, bytes, n), &out), n);
		assert_memory_equal(out, bytes, n);
	}
	static const char *const bad[] = { "A", "AAAAA", "Zg==", "Zh", "Zm9", "+/+/", "Zm 8", "é" };
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(str_unbase64url(p, bad[i], &out), -1);
	assert_int_equal(str_unbase64url(p, NULL, &out), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_number_is_written_as_it_is_read, setup, teardown),
		cmocka_unit_test_setup_teardown(an_empty_text_is_the_empty_string, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_added_follows_in_order, setup, teardown),
		cmocka_unit_test_setup_teardown(a_text_grows_past_every_size, setup, teardown),
		cmocka_unit_test_setup_teardown(reserved_room_is_not_moved, setup, teardown),
		cmocka_unit_test_setup_teardown(utf8_is_told_from_what_is_not, setup, teardown),
		cmocka_unit_test_setup_teardown(texts_compare_with_null, setup, teardown),
		cmocka_unit_test_setup_teardown(spaces_at_both_ends_are_trimmed, setup, teardown),
		cmocka_unit_test_setup_teardown(characters_are_code_points, setup, teardown),
		cmocka_unit_test_setup_teardown(whole_numbers_are_read_to_their_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(hexadecimal_goes_and_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(base64url_goes_and_comes_back, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
