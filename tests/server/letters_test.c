#include "../lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../forms/form.h"
#include "../../server/base/file.h"
#include "../../server/base/str.h"
#include "../../server/letters.h"
#include "../../server/mail.h"
#include "../../server/page.h"
#include "../../server/text.h"
#include "../lib/folder.h"

static struct pool *process;

static int start(void **state)
{
	struct err e = { .detail = "" };
	(void)state;
	process = pool_new();
	if (texts_load(process, &e) || forms_load(process, &e) || pages_load(process, &e))
		fail_msg("%s", e.detail);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	pool_free(process);
	return 0;
}

/* tests/golden/letters/KIND.html; GOLDEN_WRITE=1 writes them again, and the diff is to be read. */
static void letters_say_what_their_golden_files_say(void **state)
{
	const char *const *kinds;
	struct err e = { .detail = "" };
	struct pool *pool = pool_new();
	(void)state;
	for (size_t i = 0, n = letter_kinds(&kinds); i < n; i++) {
		const char *subject, *html;
		if (letter_sample(kinds[i], pool, &subject, &html, &e))
			fail_msg("%s: %s", kinds[i], e.detail);
		char *now = pool_printf(pool, "<!-- %s -->\n%s", subject, html);
		char *path = pool_printf(pool, "tests/golden/letters/%s.html", kinds[i]);
		if (getenv("GOLDEN_WRITE")) {
			assert_int_equal(file_folder("tests/golden/letters", 0755, &e), 0);
			assert_int_equal(file_write(path, now, strlen(now), 0644, &e), 0);
		}
		char *before = folder_read(pool, path, NULL);
		if (!before)
			fail_msg("%s is not there", path);
		assert_string_equal(now, before);
	}
	pool_free(pool);
}

/* House rules of French typography, and nothing of the template left over. */
static void letters_are_well_written(void **state)
{
	static const char *const bad[] = { " ;", " :", " !", " ?",     " »",      "« ",
					   "'",  "{{", "}}", "(null)", "<p></p>", " ." };
	const char *const *kinds;
	struct err e;
	struct pool *pool = pool_new();
	(void)state;
	for (size_t i = 0, n = letter_kinds(&kinds); i < n; i++) {
		const char *subject, *html;
		assert_int_equal(letter_sample(kinds[i], pool, &subject, &html, &e), 0);
		assert_false(str_starts(subject, "letter."));
		assert_null(strstr(subject, "{0}"));
		assert_null(strstr(html, "letter."));
		/* what a person wrote is escaped */
		assert_null(strstr(html, "<et noté>"));
		char *text = mail_text(html, pool);
		for (size_t b = 0; b < COUNT(bad); b++)
			if (strstr(text, bad[b]) || strstr(subject, bad[b]))
				fail_msg("%s: \"%s\" in its text", kinds[i], bad[b]);
	}
	pool_free(pool);
}

static void decisions_against_a_person_tell_the_remedies(void **state)
{
	static const char *const kinds[] = { "refusal", "implicit_refusal", "suspended", "excluded" };
	struct err e;
	struct pool *pool = pool_new();
	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const char *subject, *html;
		assert_int_equal(letter_sample(kinds[i], pool, &subject, &html, &e), 0);
		assert_non_null(strstr(html, "recours gracieux"));
		assert_non_null(strstr(html, "tribunal administratif"));
		assert_non_null(strstr(html, "deux mois"));
	}
	pool_free(pool);
}

static void decisions_that_rest_on_the_checks_say_so(void **state)
{
	static const char *const kinds[] = { "eligible", "refusal" };
	struct err e;
	struct pool *pool = pool_new();
	(void)state;
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const char *subject, *html;
		assert_int_equal(letter_sample(kinds[i], pool, &subject, &html, &e), 0);
		assert_non_null(strstr(html, "L.\xC2\xA0"
					     "311-3-1"));
		assert_non_null(strstr(html, "traitement algorithmique"));
		assert_non_null(strstr(html, "votre numéro RPPS y figure."));
	}
	pool_free(pool);
}

static void a_letter_without_a_file_is_refused(void **state)
{
	const char *subject, *html;
	struct err e;
	(void)state;
	assert_int_equal(letter_sample("nothing_like_it", process, &subject, &html, &e), -1);
	assert_int_equal(e.kind, ERR_FAULT);
	assert_false(letter_known("nothing_like_it"));
	assert_true(letter_known("refusal"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(letters_say_what_their_golden_files_say),
		cmocka_unit_test(letters_are_well_written),
		cmocka_unit_test(decisions_against_a_person_tell_the_remedies),
		cmocka_unit_test(decisions_that_rest_on_the_checks_say_so),
		cmocka_unit_test(a_letter_without_a_file_is_refused),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
