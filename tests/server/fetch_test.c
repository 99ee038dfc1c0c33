#include "../lib/test.h"

#include <string.h>

#include "../../server/base/clock.h"
#include "../../server/base/crypto.h"
#include "../../server/base/str.h"
#include "../../server/child.h"
#include "../../server/fetch.h"
#include "../../server/json.h"
#include "../lib/folder.h"

static struct pool *pool;
static char *folder, *port;
static struct child server = { .to = -1 };
static struct err e;

static int start(void **state)
{
	char line[16] = "";
	size_t got;
	(void)state;
	pool = pool_new();
	folder = folder_new(pool);
	assert_int_equal(authority_server(folder, &e), 0);
	const char *const argv[] = { "/usr/bin/python3", "tests/server/fetch_server.py",
				     pool_printf(pool, "%s/server.pem", folder),
				     pool_printf(pool, "%s/server.key", folder), NULL };
	assert_int_equal(child_start(&(struct child_spec){ .argv = argv }, &server, &e), 0);
	assert_int_equal(child_read(&server, line, sizeof line - 1, clock_monotonic() + 20 * SECOND, &got, &e), 0);
	line[strcspn(line, "\n")] = 0;
	port = pool_strdup(pool, line);
	assert_true(*port);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	child_kill(&server);
	folder_remove(folder);
	pool_free(pool);
	return 0;
}

static int get_from(const char *host, const char *path, const char *header, long milliseconds, struct fetched *out)
{
	struct fetch_rest fresh = { 0 };
	const struct fetch q = { .url = pool_printf(pool, "https://%s:%s%s", host, port, path),
				 .header = header,
				 .milliseconds = milliseconds,
				 .most = 100000,
				 .rest = &fresh };
	int64_t before = clock_monotonic();
	e = (struct err){ 0 };
	int r = fetch_get(&q, pool, out, &e);
	assert_true(clock_monotonic() - before < (milliseconds + 2000) * 1000);
	/* who was away rests, who answered does not */
	assert_int_equal(r != 0, fresh.until > before);
	return r;
}

static int get(const char *path, const char *header, struct fetched *out)
{
	return get_from("127.0.0.1", path, header, 5000, out);
}

static void an_answer_comes_whole_and_the_question_as_it_was_written(void **state)
{
	struct fetched a;
	(void)state;
	assert_int_equal(get("/good?q=12%20rue&x=%7C", "ESANTE-API-KEY: secret", &a), 0);
	assert_int_equal(a.status, 200);
	assert_string_equal(json_member(a.body, "path", pool), "/good?q=12%20rue&x=%7C");
	assert_string_equal(json_member(a.body, "key", pool), "secret");
	assert_string_equal(json_member(a.body, "accept", pool), "application/json");
	assert_int_equal(a.size, strlen(a.body));
	assert_int_equal(get("/good", NULL, &a), 0);
	assert_null(json_member(a.body, "key", pool));
}

static void a_refusal_of_the_question_is_an_answer_and_other_statuses_are_an_outage(void **state)
{
	static const char *const answers[] = { "/400", "/404", "/422" };
	static const char *const outages[] = { "/401", "/403", "/429", "/500", "/503", "/204" };
	struct fetched a;
	(void)state;
	for (size_t i = 0; i < COUNT(answers); i++)
		assert_int_equal(get(answers[i], NULL, &a), 0);
	for (size_t i = 0; i < COUNT(outages); i++) {
		assert_int_equal(get(outages[i], NULL, &a), -1);
		assert_int_equal(e.kind, ERR_BUSY);
		assert_string_equal(e.text, "fetch.away");
		assert_non_null(strstr(e.detail, outages[i] + 1));
	}
}

static void a_redirection_is_not_followed(void **state)
{
	struct fetched a;
	(void)state;
	assert_int_equal(get("/redirect", NULL, &a), -1);
	assert_non_null(strstr(e.detail, "302"));
}

static void who_is_slow_endless_cut_or_no_web_server_is_away_in_time(void **state)
{
	static const char *const paths[] = { "/slow", "/drip", "/huge", "/cut", "/garbage" };
	struct fetched a;
	(void)state;
	for (size_t i = 0; i < COUNT(paths); i++) {
		if (get_from("127.0.0.1", paths[i], NULL, i < 2 ? 400 : 5000, &a) != -1)
			fail_msg("%s", paths[i]);
		assert_int_equal(e.kind, ERR_BUSY);
		assert_string_equal(e.text, "fetch.away");
	}
	port = pool_printf(pool, "1"); /* nobody there */
	assert_int_equal(get("/good", NULL, &a), -1);
}

static void away_from_this_machine_the_certificate_must_be_good(void **state)
{
	struct fetched a;
	(void)state;
	/* the same server by names that are not this machine's: its authority is nobody's */
	assert_int_equal(get_from("0.0.0.0", "/good", NULL, 5000, &a), -1);
	assert_non_null(strstr(e.detail, "curl 60"));
	assert_int_equal(get_from("localhost", "/good", NULL, 5000, &a), 0);
}

static void a_source_that_was_away_is_left_alone(void **state)
{
	static struct fetch_rest rest;
	struct fetch q = { .url = pool_printf(pool, "https://127.0.0.1:%s/500", port),
			   .milliseconds = 5000,
			   .most = 1000,
			   .rest = &rest };
	struct fetched a;
	(void)state;
	assert_int_equal(fetch_get(&q, pool, &a, &e), -1);
	assert_string_equal(e.text, "fetch.away");
	q.url = pool_printf(pool, "https://127.0.0.1:%s/good", port);
	assert_int_equal(fetch_get(&q, pool, &a, &e), -1);
	assert_string_equal(e.text, "fetch.rests");
	rest.until = clock_monotonic() - 1;
	assert_int_equal(fetch_get(&q, pool, &a, &e), 0);
	/* what it said was no sense */
	assert_int_equal(fetch_away(&q, a.status, &e), -1);
	assert_int_equal(fetch_get(&q, pool, &a, &e), -1);
	assert_string_equal(e.text, "fetch.rests");
}

static void a_header_is_one_line(void **state)
{
	struct fetched a;
	(void)state;
	assert_int_equal(get("/good", "A: b\r\nC: d", &a), -1);
}

static void only_plain_https_addresses_are_taken_as_settings(void **state)
{
	static const char *const good[] = { "https://data.geopf.fr/geocodage", "https://localhost:8443",
					    "https://[::1]/fhir/v2" };
	static const char *const bad[] = { "http://localhost/", "https://",
					   "https://u:p@host/", "https://host/?a=b",
					   "https://host/#a",   "file:///etc/passwd",
					   "https://ho st/",    "host",
					   "smtp://host" };
	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(fetch_good(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		if (fetch_good(bad[i]))
			fail_msg("%s", bad[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_comes_whole_and_the_question_as_it_was_written),
		cmocka_unit_test(a_refusal_of_the_question_is_an_answer_and_other_statuses_are_an_outage),
		cmocka_unit_test(a_redirection_is_not_followed),
		cmocka_unit_test(away_from_this_machine_the_certificate_must_be_good),
		cmocka_unit_test(a_source_that_was_away_is_left_alone),
		cmocka_unit_test(a_header_is_one_line),
		cmocka_unit_test(only_plain_https_addresses_are_taken_as_settings),
		cmocka_unit_test(who_is_slow_endless_cut_or_no_web_server_is_away_in_time),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
