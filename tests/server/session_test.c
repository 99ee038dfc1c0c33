#include <string.h>

#include "../lib/folder.h"
#include "../lib/test.h"

#include "../../server/base/str.h"
#include "../../server/session.h"

static struct pool *pool;
static struct keyring *keys;
static char *folder;

static int start(void **unused)
{
	struct err e = { 0 };
	(void)unused;
	pool = pool_new();
	folder = folder_new(pool);
	keys = keyring_open(pool_printf(pool, "%s/keys", folder), true, &e);
	return keys ? 0 : -1;
}

static int stop(void **unused)
{
	(void)unused;
	keyring_close(keys);
	folder_remove(folder);
	pool_free(pool);
	return 0;
}

static void a_cookie_is_found_among_others(void **unused)
{
	(void)unused;
	static const char header[] = "a=1; __Host-sessionx=no; __Host-session=yes ; b=2";
	assert_string_equal(session_cookie_value(header, "__Host-session", pool), "yes");
	assert_string_equal(session_cookie_value("__Host-session=", "__Host-session", pool), "");
	assert_null(session_cookie_value("__Host-session", "__Host-session", pool));
	assert_null(session_cookie_value("x__Host-session=1", "__Host-session", pool));
	assert_null(session_cookie_value(NULL, "__Host-session", pool));
	assert_string_equal(session_cookie_value("a=b=c", "a", pool), "b=c");
}

static void after_signing_in_one_stays_on_this_site(void **unused)
{
	(void)unused;
	static const char *const elsewhere[] = { "//evil.example",
						 "/\\evil.example",
						 "https://evil.example",
						 "",
						 "dossiers",
						 "/a\r\nSet-Cookie: x",
						 "/a b",
						 "/connexion?suite=/connexion",
						 "/deconnexion" };
	assert_string_equal(session_after("/dossiers/3?page=2#bas"), "/dossiers/3?page=2#bas");
	assert_string_equal(session_after(NULL), "/dossiers");
	for (size_t i = 0; i < COUNT(elsewhere); i++)
		assert_string_equal(session_after(elsewhere[i]), "/dossiers");
}

static void a_sealed_body_comes_back_as_it_was(void **unused)
{
	(void)unused;
	struct values sent = values_in(pool), back = values_in(pool);
	struct err e = { 0 };
	const char *path, *query;
	values_add(&sent, "text", "deux\nlignes é");
	values_add(&sent, "public[]", "adults");
	values_add(&sent, "public[]", "teens");
	values_add(&sent, "csrf", "old");
	values_add(&sent, "empty", "");
	char *sealed = session_seal_body(keys, "/dossiers/1/reponses", "etape=diploma", &sent, pool);
	assert_non_null(sealed);
	assert_null(strstr(sealed, "adults"));
	assert_int_equal(session_open_body(keys, sealed, pool, &path, &query, &back, &e), 0);
	assert_string_equal(path, "/dossiers/1/reponses");
	assert_string_equal(query, "etape=diploma");
	assert_int_equal(back.count, 4); /* the old csrf stays behind */
	assert_string_equal(values_get(&back, "text"), "deux\nlignes é");
	assert_string_equal(values_get(&back, "empty"), "");
	assert_null(values_get(&back, "csrf"));
}

static void a_sealed_body_that_was_changed_is_refused(void **unused)
{
	(void)unused;
	struct values sent = values_in(pool);
	values_add(&sent, "text", "x");
	char *sealed = session_seal_body(keys, "/a", "", &sent, pool);
	for (size_t i = 0; sealed[i]; i++) {
		struct values back = values_in(pool);
		struct err e = { 0 };
		const char *path, *query;
		char *changed = pool_strdup(pool, sealed);
		changed[i] = changed[i] == 'A' ? 'B' : 'A';
		/* The last character may hold bits that base64 drops. */
		int result = session_open_body(keys, changed, pool, &path, &query, &back, &e);
		if (sealed[i + 1])
			assert_int_equal(result, -1);
	}
	struct err e = { 0 };
	const char *path, *query;
	assert_int_equal(session_open_body(keys, "", pool, &path, &query, &sent, &e), -1);
	assert_string_equal(e.text, "session.body_gone");
}

static void a_body_too_large_does_not_travel(void **unused)
{
	(void)unused;
	struct values sent = values_in(pool);
	char *large = pool_alloc(pool, 65 * 1024);
	memset(large, 'a', 65 * 1024 - 1);
	values_add(&sent, "text", large);
	assert_null(session_seal_body(keys, "/a", "", &sent, pool));
}

static void an_agents_form_shows_what_its_page_was_given(void **unused)
{
	(void)unused;
	const struct credentials one = { .kind = CRED_CERTIFICATE, .fingerprint = "AA" };
	const struct credentials two = { .kind = CRED_CERTIFICATE, .fingerprint = "BB" };
	const struct identity who = { 0 };
	struct err e = { 0 };
	const char *token = session_csrf(keys, &one, &who, pool);
	assert_int_equal(strlen(token), 64);
	assert_int_equal(session_csrf_good(keys, &one, &who, token, true, &e), 0);
	assert_int_equal(session_csrf_good(keys, &two, &who, token, true, &e), -1);
	assert_int_equal(e.kind, ERR_DENIED);
	assert_int_equal(session_csrf_good(keys, &one, &who, NULL, true, &e), -1);
	assert_int_equal(session_csrf_good(keys, &one, &who, "", true, &e), -1);
	/* JSON cannot be sent across sites without being asked first. */
	assert_int_equal(session_csrf_good(keys, &one, &who, NULL, false, &e), 0);
}

static void a_cookie_session_needs_its_own_token_on_every_write(void **unused)
{
	(void)unused;
	const struct credentials cookie = { .kind = CRED_COOKIE }, bearer = { .kind = CRED_BEARER };
	const struct identity who = { .csrf = "tokentoken" }, bare = { 0 };
	struct err e = { 0 };
	assert_int_equal(session_csrf_good(keys, &cookie, &who, "tokentoken", true, &e), 0);
	assert_int_equal(session_csrf_good(keys, &cookie, &who, "tokentokeN", true, &e), -1);
	assert_int_equal(session_csrf_good(keys, &cookie, &who, "token", true, &e), -1);
	assert_int_equal(session_csrf_good(keys, &cookie, &who, NULL, false, &e), -1);
	/* A session without a token of its own matches nothing. */
	assert_int_equal(session_csrf_good(keys, &cookie, &bare, "", true, &e), -1);
	assert_int_equal(session_csrf_good(keys, &bearer, &who, NULL, true, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cookie_is_found_among_others),
		cmocka_unit_test(after_signing_in_one_stays_on_this_site),
		cmocka_unit_test(a_sealed_body_comes_back_as_it_was),
		cmocka_unit_test(a_sealed_body_that_was_changed_is_refused),
		cmocka_unit_test(a_body_too_large_does_not_travel),
		cmocka_unit_test(an_agents_form_shows_what_its_page_was_given),
		cmocka_unit_test(a_cookie_session_needs_its_own_token_on_every_write),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
