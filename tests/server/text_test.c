#include <stdint.h>
#include <string.h>
#include "../lib/test.h"

#include "../../server/job.h"
#include "../../server/text.h"

static struct pool *pool;

static int load(void **unused)
{
	struct err e = { 0 };
	(void)unused;
	pool = pool_new();
	if (texts_load(pool, &e))
		fail_msg("%s", e.detail);
	return 0;
}

static int close_pool(void **unused)
{
	(void)unused;
	pool_free(pool);
	return 0;
}

static void a_text_is_found_by_its_id(void **unused)
{
	(void)unused;
	assert_string_equal(text("status.404"), "Page introuvable");
	assert_string_equal(text2("status", "404"), "Page introuvable");
	assert_string_equal(text_or("status.404", "x"), "Page introuvable");
}

static void an_unknown_id_shows_as_itself(void **unused)
{
	(void)unused;
	assert_string_equal(text("no.such.text"), "no.such.text");
	assert_string_equal(text2("no", "such"), "such");
	assert_null(text_or("no.such.text", NULL));
	assert_string_equal(text(NULL), "");
}

static void an_argument_takes_the_place_of_its_mark(void **unused)
{
	(void)unused;
	assert_string_equal(text_fill(pool, "body.large", "10 Mo"), "L’envoi dépasse la limite de 10 Mo.");
	assert_string_equal(text_fill(pool, "status.404", "unused"), "Page introuvable");
}

static void every_status_and_refusal_of_the_service_has_its_words(void **unused)
{
	(void)unused;
	static const char *const ids[] = {
		"status.400",    "status.401",    "status.403",        "status.404",     "status.405",
		"status.409",    "status.413",    "status.415",        "status.422",     "status.500",
		"status.503",    "error.missing", "error.method",      "error.fault",    "error.busy",
		"error.retry",   "error.unsure",  "json.bad",          "body.bad",       "body.type",
		"body.large",    "body.version",  "body.key",          "denied.session", "denied.role",
		"denied.origin", "denied.csrf",   "session.body_gone", "cert.none",      "cert.other_ca",
		"cert.expired",  "cert.revoked",  "cert.bad",          "cert.unknown",   "problems.detail",
	};
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		if (!text_or(ids[i], NULL))
			fail_msg("%s", ids[i]);
	for (enum err_kind kind = ERR_INPUT; kind <= ERR_FAULT; kind++)
		assert_non_null(text_or(pool_printf(pool, "status.%d", err_status(kind)), NULL));
}

/* French wants U+00A0 or U+202F before ; : ! ? and inside « »: a plain space would let them begin a line. */
static void no_plain_space_stands_before_double_punctuation(void **unused)
{
	(void)unused;
	static const char *const ids[] = { "denied.origin", "cert.none", "error.unsure" };
	for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
		for (const char *p = text(ids[i]); *p; p++)
			assert_false(*p == ' ' && strchr(";:!?", p[1]) && p[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_text_is_found_by_its_id),
		cmocka_unit_test(an_unknown_id_shows_as_itself),
		cmocka_unit_test(an_argument_takes_the_place_of_its_mark),
		cmocka_unit_test(every_status_and_refusal_of_the_service_has_its_words),
		cmocka_unit_test(no_plain_space_stands_before_double_punctuation),
	};
	return cmocka_run_group_tests(tests, load, close_pool);
}
