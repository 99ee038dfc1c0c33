#include "../lib/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../server/base/clock.h"
#include "../../server/base/file.h"
#include "../../server/base/str.h"
#include "../../server/child.h"
#include "../../server/mail.h"
#include "../../server/page.h"
#include "../lib/folder.h"

static struct pool *process;
static char *folder;
static struct child plain = { .to = -1 }, tls = { .to = -1 };
static char plain_url[64], tls_url[64];

static void run(const char *const *argv)
{
	struct child c;
	struct err e;
	int status;
	if (child_start(&(struct child_spec){ .argv = argv, .writes_files = true }, &c, &e))
		fail_msg("%s", e.detail);
	child_end(&c, clock_monotonic() + 20 * SECOND, &status);
	assert_int_equal(status, 0);
}

static void serve(struct child *c, const char *where, const char *cert, const char *key, char url[64])
{
	const char *const argv[] = { "/usr/bin/python3", "tests/server/mail_server.py", where, cert, key, NULL };
	char line[16] = "";
	size_t got;
	struct err e;
	assert_int_equal(child_start(&(struct child_spec){ .argv = argv, .writes_files = true }, c, &e), 0);
	assert_int_equal(child_read(c, line, sizeof line - 1, clock_monotonic() + 20 * SECOND, &got, &e), 0);
	line[strcspn(line, "\n")] = 0;
	assert_true(*line);
	snprintf(url, 64, "smtp://127.0.0.1:%s", line);
}

static int start(void **state)
{
	static char cert[64], key[64], plain_in[64], tls_in[64];
	struct err e;
	(void)state;
	process = pool_new();
	if (pages_load(process, &e))
		fail_msg("%s", e.detail);
	folder = folder_new(process);
	snprintf(cert, sizeof cert, "%s/cert.pem", folder);
	snprintf(key, sizeof key, "%s/key.pem", folder);
	snprintf(plain_in, sizeof plain_in, "%s/plain", folder);
	snprintf(tls_in, sizeof tls_in, "%s/tls", folder);
	assert_int_equal(file_folder(plain_in, 0700, &e), 0);
	assert_int_equal(file_folder(tls_in, 0700, &e), 0);
	const char *const make[] = { "/usr/bin/openssl",
				     "req",
				     "-x509",
				     "-newkey",
				     "ec",
				     "-pkeyopt",
				     "ec_paramgen_curve:P-256",
				     "-nodes",
				     "-subj",
				     "/CN=localhost",
				     "-days",
				     "2",
				     "-keyout",
				     key,
				     "-out",
				     cert,
				     NULL };
	run(make);
	serve(&plain, plain_in, NULL, NULL, plain_url);
	serve(&tls, tls_in, cert, key, tls_url);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	child_kill(&plain);
	child_kill(&tls);
	folder_remove(folder);
	pool_free(process);
	return 0;
}

static struct mail a_mail(const char *url)
{
	return (struct mail){
		.url = url,
		.from = "Rejoindre Mon soutien psy <ne-pas-repondre@example.org>",
		.to = "camille@example.org",
		.id = 42,
		.host = "enroll.example.org",
		.subject = "Votre candidature est arrivée : tout ce qu’il faut savoir, et ce qui vient ensuite",
		.html = "<p>Bonjour Camille,</p>\n<p>Votre dossier <strong>MSP-2026-000007</strong> est arrivé. "
			"A &lt; B &amp; C.</p>\n<ul><li>un</li><li>deux</li></ul>\n"
			"<p><a href=\"https://enroll.example.org/dossiers/7?a=1&amp;b=2\">Ouvrir le "
			"dossier</a></p>\n.\n",
		.link = "https://enroll.example.org/messages",
		.at = 1795392778 * SECOND,
	};
}

static const char *kept(struct pool *pool, const char *where, int n)
{
	struct err e;
	char *s = file_read(pool_printf(pool, "%s/%s/%d.eml", folder, where, n), 1 << 20, pool, NULL, &e);
	assert_non_null(s);
	return s;
}

static void a_mail_arrives_with_its_two_bodies_and_a_stable_id(void **state)
{
	struct pool *pool = pool_new();
	struct err e = { .detail = "" };
	struct mail m = a_mail(plain_url);
	(void)state;
	if (mail_send(&m, pool, &e) != MAIL_SENT)
		fail_msg("%s", e.detail);
	const char *s = kept(pool, "plain", 1);
	assert_true(str_starts(s, "TLS no ne-pas-repondre@example.org camille@example.org\n"));
	assert_non_null(strstr(s, "\r\nMessage-ID: <enroll.42@enroll.example.org>\r\n"));
	assert_non_null(strstr(s, "\r\nAuto-Submitted: auto-generated\r\n"));
	assert_non_null(strstr(s, "Content-Type: text/plain; charset=utf-8"));
	assert_non_null(strstr(s, "Content-Type: text/html; charset=utf-8"));
	assert_non_null(strstr(s, "MSP-2026-000007"));
	assert_non_null(strstr(s, "- un\r\n- deux"));
	for (const char *line = s; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL)
		assert_true(strcspn(line, "\r\n") <= 78);
	/* sent again: the same message, byte for byte */
	assert_int_equal(mail_send(&m, pool, &e), MAIL_SENT);
	assert_string_equal(kept(pool, "plain", 2), s);
	pool_free(pool);
}

/* Python's own reader of mails says what a mail program would show. */
static void a_mail_program_reads_what_was_written(void **state)
{
	static const char script[] =
		"import email,email.policy,sys\n"
		"m=email.message_from_binary_file(open(sys.argv[1],'rb'),policy=email.policy.SMTP)\n"
		"assert not m.defects, m.defects\n"
		"assert m['subject']=='Votre candidature est arriv\\u00e9e : tout ce qu\\u2019il faut savoir, et ce "
		"qui vient "
		"ensuite', m['subject']\n"
		"t,h=[p.get_content() for p in m.iter_parts()]\n"
		"assert 'Ouvrir le dossier <https://enroll.example.org/dossiers/7?a=1&b=2>' in t, t\n"
		"assert 'A < B & C.' in t, t\n"
		"assert '\\n.\\n' in h.replace('\\r',''), h\n"
		"assert '<strong>MSP-2026-000007</strong>' in h\n";
	struct pool *pool = pool_new();
	struct err e;
	char *text, *path = pool_printf(pool, "%s/one.eml", folder);
	struct mail m = a_mail("");
	(void)state;
	assert_int_equal(mail_compose(&m, pool, &text, &e), 0);
	assert_int_equal(file_write(path, text, strlen(text), 0600, &e), 0);
	const char *const argv[] = { "/usr/bin/python3", "-c", script, path, NULL };
	run(argv);
	pool_free(pool);
}

static void a_server_that_offers_tls_gets_it(void **state)
{
	struct pool *pool = pool_new();
	struct err e = { .detail = "" };
	struct mail m = a_mail(tls_url);
	(void)state;
	if (mail_send(&m, pool, &e) != MAIL_SENT)
		fail_msg("%s", e.detail);
	assert_true(str_starts(kept(pool, "tls", 1), "TLS yes "));
	pool_free(pool);
}

static void away_from_this_machine_a_mail_leaves_in_clear_only_where_the_setting_says_so(void **state)
{
	struct pool *pool = pool_new();
	struct err e = { .detail = "" };
	/* the plain server, by a name that is not this machine's */
	const char *away = pool_printf(pool, "smtp://0.0.0.0%s", strrchr(plain_url, ':'));
	struct mail m = a_mail(away);
	(void)state;
	assert_int_equal(mail_send(&m, pool, &e), MAIL_LATER);
	m.url = pool_printf(pool, "%s/?tls=no", away);
	if (mail_send(&m, pool, &e) != MAIL_SENT)
		fail_msg("%s", e.detail);
	pool_free(pool);
}

static void refusals_for_good_and_for_now_are_told_apart(void **state)
{
	struct pool *pool = pool_new();
	struct err e;
	struct mail m = a_mail(plain_url);
	(void)state;
	m.to = "never@example.org";
	assert_int_equal(mail_send(&m, pool, &e), MAIL_NEVER);
	m.to = "later@example.org";
	assert_int_equal(mail_send(&m, pool, &e), MAIL_LATER);
	m.to = "camille@example.org";
	m.url = "smtp://127.0.0.1:1";
	assert_int_equal(mail_send(&m, pool, &e), MAIL_LATER);
	m.url = "";
	assert_int_equal(mail_send(&m, pool, &e), MAIL_LATER);
	assert_int_equal(e.kind, ERR_BUSY);
	pool_free(pool);
}

static void nothing_can_be_added_to_the_headers(void **state)
{
	static const char *const bad[] = {
		"a@b.fr\r\nBcc: c@d.fr", "a@b.fr>", "a b@c.fr", "a@b@c.fr", "", "a", "é@b.fr"
	};
	struct pool *pool = pool_new();
	struct err e;
	char *text;
	struct mail m = a_mail("");
	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++) {
		m.to = bad[i];
		assert_int_equal(mail_compose(&m, pool, &text, &e), -1);
	}
	m = a_mail("");
	m.subject = "a\nBcc: c@d.fr";
	assert_int_equal(mail_compose(&m, pool, &text, &e), -1);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_mail_arrives_with_its_two_bodies_and_a_stable_id),
		cmocka_unit_test(a_mail_program_reads_what_was_written),
		cmocka_unit_test(a_server_that_offers_tls_gets_it),
		cmocka_unit_test(away_from_this_machine_a_mail_leaves_in_clear_only_where_the_setting_says_so),
		cmocka_unit_test(refusals_for_good_and_for_now_are_told_apart),
		cmocka_unit_test(nothing_can_be_added_to_the_headers),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
