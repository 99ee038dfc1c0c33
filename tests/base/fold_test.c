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

static void names_fold_as_the_identity_check_says(void **state)
{
	(void)state;
	static const char *const pairs[][2] = {
		{ "N’Guessan", "NGUESSAN" },  { "N'Guessan", "nguessan" },
		{ "Le Goff", "LEGOFF" },      { "Saint-Éloi", "SAINT ELOI" },
		{ "Müller", "MULLER" },       { "Ça", "ca" },
		{ "e\u0301te\u0301", "été" }, { "DA\u00A0SILVA", "da silva" },
		{ "Nuñez", "NUNEZ" },         { "Şahin", "Sahin" },
		{ "İnan", "inan" },           { "Anne\u2010Laure", "anne laure" },
	};
	for (size_t i = 0; i < COUNT(pairs); i++)
		assert_string_equal(str_fold(p, pairs[i][0]), str_fold(p, pairs[i][1]));
	assert_string_equal(str_fold(p, "N’Guessan"), "nguessan");
	assert_string_equal(str_fold(p, ""), "");
}

static void names_that_differ_stay_different(void **state)
{
	(void)state;
	assert_string_not_equal(str_fold(p, "Martin"), str_fold(p, "Martins"));
	assert_string_not_equal(str_fold(p, "Cœur"), str_fold(p, "Coeur")); /* NFD keeps the ligature */
	assert_string_not_equal(str_fold(p, "Durand (née Petit)"), str_fold(p, "Durand"));
}

static void bad_utf8_folds_to_nothing(void **state)
{
	(void)state;
	static const char *const bad[] = { "Ab\xC3", "\xFF", "\xED\xA0\x80", "\xC0\xAF" };
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_string_equal(str_fold(p, bad[i]), "");
		assert_string_equal(str_fold_first_word(p, bad[i]), "");
		assert_string_equal(str_search_key(p, bad[i]), "");
	}
	assert_string_equal(str_fold(p, NULL), "");
	assert_string_equal(str_fold_first_word(p, NULL), "");
	assert_string_equal(str_search_key(p, NULL), "");
}

static void the_first_word_ends_at_a_space_or_a_hyphen(void **state)
{
	(void)state;
	assert_string_equal(str_fold_first_word(p, "Jean-Pierre Paul"), "jean");
	assert_string_equal(str_fold_first_word(p, "Marie Claude"), "marie");
	assert_string_equal(str_fold_first_word(p, "Élodie\u00A0Anne"), "elodie");
	assert_string_equal(str_fold_first_word(p, "  Zoé"), "zoe");
	assert_string_equal(str_fold_first_word(p, "M’hamed"), "mhamed");
	assert_string_equal(str_fold_first_word(p, "- "), "");
}

static void search_keys_are_words_with_one_space(void **state)
{
	(void)state;
	assert_string_equal(str_search_key(p, "  L'Haÿ-les-Roses (94) "), "l hay les roses 94");
	assert_string_equal(str_search_key(p, "Sœur ÆGIR Weiß"), "soeur aegir weiss");
	assert_string_equal(str_search_key(p, "...!"), "");
	assert_string_equal(str_search_key(p, ""), "");
	assert_string_equal(str_search_key(p, "a\tb\nc"), "a b c");
	assert_string_equal(str_search_key(p, "e\u0301cole"), "ecole");
}

static void a_long_pile_of_marks_is_only_slow_to_write(void **state)
{
	(void)state;
	struct str s = str_in(p);
	for (int i = 0; i < 20000; i++)
		str_add(&s, i ? "\u0301" : "e");
	assert_string_equal(str_fold(p, s.s), "e");
	assert_string_equal(str_search_key(p, s.s), "e");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(names_fold_as_the_identity_check_says, setup, teardown),
		cmocka_unit_test_setup_teardown(names_that_differ_stay_different, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_utf8_folds_to_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(the_first_word_ends_at_a_space_or_a_hyphen, setup, teardown),
		cmocka_unit_test_setup_teardown(search_keys_are_words_with_one_space, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_pile_of_marks_is_only_slow_to_write, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
