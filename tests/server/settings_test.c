#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../lib/test.h"

#include "../../server/settings.h"
#include "../lib/folder.h"

static struct pool *pool;
static const char *const names[] = { "ENROLL_HOME",     "ENROLL_PORT",       "ENROLL_AGENT_PORT", "ENROLL_BIND",
				     "ENROLL_DSN",      "ENROLL_TLS_CERT",   "ENROLL_AGENT_CA",   "ENROLL_AGENT_CRL",
				     "ENROLL_KEY_FILE", "ENROLL_PUBLIC_URL", "ENROLL_MAIL_FROM",  "ENROLL_ELIGIBILITY",
				     "ENROLL_DEMO",     "ENROLL_SETTINGS",   "ENROLL_LOG_LEVEL",  "ENROLL_TEST_CLOCK",
				     "ENROLL_SMTP_URL" };

static int clean(void **unused)
{
	(void)unused;
	pool = pool_new();
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	return 0;
}

static int close_pool(void **unused)
{
	(void)unused;
	pool_free(pool);
	return 0;
}

static struct settings good(void)
{
	struct settings s;
	struct err e = { 0 };
	if (settings_read(pool, &s, &e))
		fail_msg("%s", e.detail);
	return s;
}

static void bad(const char *name, const char *value)
{
	struct settings s;
	struct err e = { 0 };
	setenv(name, value, 1);
	assert_int_equal(settings_read(pool, &s, &e), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	unsetenv(name);
}

static void defaults_are_those_of_the_interface(void **unused)
{
	(void)unused;
	struct settings s = good();
	assert_string_equal(s.home, "var");
	assert_int_equal(s.port, 8443);
	assert_int_equal(s.agent_port, 8444);
	assert_string_equal(s.bind, "127.0.0.1");
	assert_string_equal(s.dsn, "");
	assert_string_equal(s.tls_cert, "var/certs/server.pem");
	assert_string_equal(s.agent_ca, "var/ca/ca.pem");
	assert_string_equal(s.agent_crl, "var/ca/ca.crl");
	assert_string_equal(s.seal_cert, "var/certs/seal.pem");
	assert_string_equal(s.seal_key, "var/certs/seal.key");
	assert_string_equal(s.public_url, "https://localhost:8443");
	assert_string_equal(s.agent_url, "https://localhost:8444");
	assert_string_equal(s.mail_from, "ne-pas-repondre@localhost");
	assert_int_equal(s.max_connections_per_address, 256);
	assert_int_equal(s.idle_seconds, 60);
	assert_int_equal(s.drain_seconds, 0);
	assert_string_equal(s.proxy, "");
	assert_false(s.demo);
	assert_false(s.test_clock);
}

static void an_authority_of_ones_own_has_no_development_crl(void **unused)
{
	(void)unused;
	setenv("ENROLL_AGENT_CA", "/etc/ca.pem", 1);
	assert_string_equal(good().agent_crl, "");
	setenv("ENROLL_AGENT_CRL", "/etc/ca.crl", 1);
	assert_string_equal(good().agent_crl, "/etc/ca.crl");
}

static void a_file_gives_what_the_environment_does_not(void **unused)
{
	(void)unused;
	char *folder = folder_new(pool), *path = pool_printf(pool, "%s/settings", folder);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	dprintf(fd, "# a comment\n\nENROLL_PORT = 1001\nENROLL_HOME=\"/srv/e\"\nENROLL_AGENT_PORT=1002\n");
	close(fd);
	setenv("ENROLL_SETTINGS", path, 1);
	setenv("ENROLL_AGENT_PORT", "1003", 1);
	struct settings s = good();
	assert_int_equal(s.port, 1001);
	assert_int_equal(s.agent_port, 1003);
	assert_string_equal(s.key_file, "/srv/e/keys");
	fd = open(path, O_WRONLY | O_APPEND);
	dprintf(fd, "ENROLL_PROT=1\n");
	close(fd);
	struct err e = { 0 };
	assert_int_equal(settings_read(pool, &s, &e), -1);
	assert_non_null(strstr(e.detail, "line 6"));
	folder_remove(folder);
	assert_int_equal(settings_read(pool, &s, &e), -1);
}

static void a_bad_value_is_refused_with_its_name(void **unused)
{
	(void)unused;
	bad("ENROLL_PORT", "0");
	bad("ENROLL_PORT", "65536");
	bad("ENROLL_PORT", "80x");
	bad("ENROLL_PORT", "8444");
	bad("ENROLL_DEMO", "yes");
	bad("ENROLL_LOG_LEVEL", "loud");
	bad("ENROLL_PUBLIC_URL", "http://clear.example");
	bad("ENROLL_FHIR_URL", "http://clear.example/fhir/v2");
	bad("ENROLL_FHIR_URL", "https://key@host.example/fhir/v2");
	bad("ENROLL_FHIR_KEY", "a\r\nHost: b");
	bad("ENROLL_GEOCODE_URL", "https://host.example/?q=");
	bad("ENROLL_MAIL_FROM", "a@b\r\nBcc: x@y");
	bad("ENROLL_ELIGIBILITY", "maybe");
	bad("ENROLL_ELIGIBILITY", "2026-10-01=expert");
	bad("ENROLL_ELIGIBILITY", "automatic,expert");
	bad("ENROLL_ELIGIBILITY", "automatic,2026-13-01=expert");
	bad("ENROLL_ELIGIBILITY", "automatic,2026-10-01=expert,2026-09-01=automatic");
}

static void the_deposits_day_decides_the_eligibility_policy(void **unused)
{
	(void)unused;
	struct settings s = good();
	assert_false(settings_expert_on(&s, day_from_ymd(2030, 1, 1)));
	setenv("ENROLL_ELIGIBILITY", "expert", 1);
	s = good();
	assert_true(settings_expert_on(&s, day_from_ymd(2020, 1, 1)));
	setenv("ENROLL_ELIGIBILITY", "automatic,2026-10-01=expert,2027-01-01=automatic", 1);
	s = good();
	assert_false(settings_expert_on(&s, day_from_ymd(2026, 9, 30)));
	assert_true(settings_expert_on(&s, day_from_ymd(2026, 10, 1)));
	assert_true(settings_expert_on(&s, day_from_ymd(2026, 12, 31)));
	assert_false(settings_expert_on(&s, day_from_ymd(2027, 1, 1)));
}

static void secrets_are_masked_when_printed(void **unused)
{
	(void)unused;
	setenv("ENROLL_DSN", "postgresql://u:hidden@h/d", 1);
	setenv("ENROLL_SMTP_URL", "smtp://u:hidden@h", 1);
	struct settings s = good();
	const char *text = settings_print(&s, false, pool), *json = settings_print(&s, true, pool);
	assert_null(strstr(text, "hidden"));
	assert_null(strstr(json, "hidden"));
	assert_non_null(strstr(text, "ENROLL_DSN=********\n"));
	assert_non_null(strstr(text, "ENROLL_PORT=8443\n"));
	assert_non_null(strstr(json, "\"ENROLL_PORT\":8443"));
}

static void moving_home_moves_what_is_under_it(void **unused)
{
	(void)unused;
	setenv("ENROLL_KEY_FILE", "/secrets/keys", 1);
	struct settings s = good();
	settings_move_home(&s, "/var/lib/enroll/x", pool);
	assert_string_equal(s.home, "/var/lib/enroll/x");
	assert_string_equal(s.tls_key, "/var/lib/enroll/x/certs/server.key");
	assert_string_equal(s.key_file, "/secrets/keys");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(defaults_are_those_of_the_interface, clean, close_pool),
		cmocka_unit_test_setup_teardown(an_authority_of_ones_own_has_no_development_crl, clean, close_pool),
		cmocka_unit_test_setup_teardown(a_file_gives_what_the_environment_does_not, clean, close_pool),
		cmocka_unit_test_setup_teardown(a_bad_value_is_refused_with_its_name, clean, close_pool),
		cmocka_unit_test_setup_teardown(the_deposits_day_decides_the_eligibility_policy, clean, close_pool),
		cmocka_unit_test_setup_teardown(secrets_are_masked_when_printed, clean, close_pool),
		cmocka_unit_test_setup_teardown(moving_home_moves_what_is_under_it, clean, close_pool),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
