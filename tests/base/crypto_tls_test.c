#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>
#include "../lib/folder.h"
#include "../lib/test.h"
#include "../../server/base/crypto.h"
#include "../../server/base/file.h"

static _Thread_local struct pool *p; /* each thread its own */
static char *dir, *foreign;
static struct err e;
static struct certificate good, revoked, expired, outsider, both;

static char *in(const char *name)
{
	return pool_printf(p, "%s/%s", dir, name);
}

static int group_setup(void **state)
{
	(void)state;
	p = pool_new();
	dir = folder_new(p);
	foreign = in("foreign");
	const char *serials[2];
	/* The foreign authority has the same name and another key: made elsewhere by the same program. */
	if (authority_server(dir, &e) < 0 || authority_server(foreign, &e) < 0 ||
	    authority_issue(dir, "good", "Anne Durand", "899700000001", 30, dir, p, &good, &e) < 0 ||
	    authority_issue(dir, "revoked", "Luc Petit", "899700000002", 30, dir, p, &revoked, &e) < 0 ||
	    authority_issue(dir, "expired", "Zoé Roux", "899700000003", -1, dir, p, &expired, &e) < 0 ||
	    authority_issue(dir, "both", "Max Blanc", "899700000004", -1, dir, p, &both, &e) < 0 ||
	    authority_issue(foreign, "outsider", "Anne Durand", "899700000001", 30, dir, p, &outsider, &e) < 0 ||
	    authority_issue(foreign, "oldsider", "Anne Durand", "899700000001", -1, dir, p, &outsider, &e) < 0)
		return -1;
	serials[0] = revoked.serial;
	serials[1] = both.serial;
	return authority_crl(dir, serials, 2, &e);
}

static int group_teardown(void **state)
{
	(void)state;
	folder_remove(dir);
	pool_free(p);
	return 0;
}

static SSL_CTX *agents(void)
{
	SSL_CTX *ctx = tls_agents(in("server.pem"), in("server.key"), in("ca.pem"), in("ca.crl"), &e);
	assert_non_null(ctx);
	assert_int_equal(ERR_peek_error(), 0);
	return ctx;
}

struct pair {
	SSL_CTX *client_ctx;
	SSL *server, *client;
};

/* A client with NAME.pem and NAME.key (or none), joined to the server through memory. */
static struct pair join(SSL_CTX *ctx, const char *name, int most, SSL_SESSION *session)
{
	struct pair c = { .client_ctx = SSL_CTX_new(TLS_client_method()) };
	if (most) {
		SSL_CTX_set_security_level(c.client_ctx, 0);
		SSL_CTX_set_min_proto_version(c.client_ctx, TLS1_VERSION);
		SSL_CTX_set_max_proto_version(c.client_ctx, most);
	}
	if (name) {
		assert_int_equal(
			SSL_CTX_use_certificate_chain_file(c.client_ctx, pool_printf(p, "%s/%s.pem", dir, name)), 1);
		assert_int_equal(SSL_CTX_use_PrivateKey_file(c.client_ctx, pool_printf(p, "%s/%s.key", dir, name),
							     SSL_FILETYPE_PEM),
				 1);
	}
	SSL_CTX_load_verify_file(c.client_ctx, in("ca.pem"));
	SSL_CTX_set_verify(c.client_ctx, SSL_VERIFY_PEER, NULL);
	/* A client's own cache would spoil the session when the context goes. */
	SSL_CTX_set_session_cache_mode(c.client_ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	c.server = SSL_new(ctx);
	c.client = SSL_new(c.client_ctx);
	BIO *a, *b;
	assert_int_equal(BIO_new_bio_pair(&a, 0, &b, 0), 1);
	SSL_set_bio(c.server, a, a);
	SSL_set_bio(c.client, b, b);
	SSL_set_accept_state(c.server);
	SSL_set_connect_state(c.client);
	SSL_set1_host(c.client, "localhost");
	if (session)
		SSL_set_session(c.client, session);
	return c;
}

static void part(struct pair *c)
{
	/* An end without goodbye would spoil the session for a later one. */
	SSL_set_shutdown(c->server, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_set_shutdown(c->client, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(c->server);
	SSL_free(c->client);
	SSL_CTX_free(c->client_ctx);
	ERR_clear_error();
}

/* True when both ends are done; then a byte goes from the server to the client, so that tickets arrive. */
static bool shake(struct pair *c)
{
	for (int i = 0; i < 20; i++) {
		int a = SSL_do_handshake(c->client), b = SSL_do_handshake(c->server);
		if (a == 1 && b == 1) {
			char byte = 'x';
			assert_int_equal(SSL_write(c->server, &byte, 1), 1);
			assert_int_equal(SSL_read(c->client, &byte, 1), 1);
			return true;
		}
		if ((a != 1 && SSL_get_error(c->client, a) != SSL_ERROR_WANT_READ) ||
		    (b != 1 && SSL_get_error(c->server, b) != SSL_ERROR_WANT_READ))
			return false;
	}
	return false;
}

/* What tls_peer() says of a client with this certificate, after a handshake that succeeds. */
static enum peer_state judge(SSL_CTX *ctx, const char *name, struct certificate *out)
{
	struct pair c = join(ctx, name, 0, NULL);
	assert_true(shake(&c));
	assert_int_equal(SSL_get_verify_result(c.client), X509_V_OK);
	enum peer_state state = tls_peer(c.server, p, out);
	assert_int_equal(tls_peer_still(c.server, out), state);
	part(&c);
	return state;
}

static void an_agent_of_our_authority_is_good(void **state)
{
	(void)state;
	struct certificate c;
	SSL_CTX *ctx = agents();
	assert_int_equal(judge(ctx, "good", &c), PEER_GOOD);
	assert_string_equal(c.fingerprint, good.fingerprint);
	assert_string_equal(c.serial, good.serial);
	assert_string_equal(c.subject, good.subject);
	assert_string_equal(c.issuer, good.issuer);
	assert_string_equal(c.nid, "899700000001");
	assert_string_equal(c.common_name, "Anne Durand");
	assert_true(c.not_after == good.not_after);
	tls_free(ctx);
}

static void who_shows_nothing_still_gets_a_page(void **state)
{
	(void)state;
	struct certificate c;
	SSL_CTX *ctx = agents();
	assert_int_equal(judge(ctx, NULL, &c), PEER_NONE);
	assert_null(c.subject);
	assert_null(c.nid);
	tls_free(ctx);
}

static void each_fault_is_told_apart_and_never_ends_the_handshake(void **state)
{
	(void)state;
	struct certificate c;
	SSL_CTX *ctx = agents();
	assert_int_equal(judge(ctx, "outsider", &c), PEER_OTHER_CA);
	assert_string_equal(c.nid, "899700000001"); /* the number of another, and yet not them */
	assert_int_equal(judge(ctx, "expired", &c), PEER_EXPIRED);
	assert_string_equal(c.nid, "899700000003");
	assert_int_equal(judge(ctx, "revoked", &c), PEER_REVOKED);
	assert_string_equal(c.serial, revoked.serial);
	assert_int_equal(judge(ctx, "server", &c), PEER_BAD); /* ours, but not made for clients */
	assert_int_equal(ERR_peek_error(), 0);
	tls_free(ctx);
}

static void the_gravest_fault_comes_first(void **state)
{
	(void)state;
	struct certificate c;
	SSL_CTX *ctx = agents();
	assert_int_equal(judge(ctx, "both", &c), PEER_REVOKED);
	assert_int_equal(judge(ctx, "oldsider", &c), PEER_OTHER_CA);
	tls_free(ctx);
}

static void without_a_crl_nobody_is_revoked(void **state)
{
	(void)state;
	struct certificate c;
	SSL_CTX *ctx = tls_agents(in("server.pem"), in("server.key"), in("ca.pem"), NULL, &e);
	assert_non_null(ctx);
	assert_int_equal(judge(ctx, "revoked", &c), PEER_GOOD);
	assert_int_equal(judge(ctx, "outsider", &c), PEER_OTHER_CA);
	assert_int_equal(judge(ctx, "expired", &c), PEER_EXPIRED);
	tls_free(ctx);
}

static void a_revocation_reaches_open_connections(void **state)
{
	(void)state;
	struct certificate c, late;
	assert_int_equal(authority_issue(dir, "late", "Paul Noir", "899700000009", 30, dir, p, &late, &e), 0);
	SSL_CTX *ctx = agents();
	struct pair open = join(ctx, "late", 0, NULL), other = join(ctx, "good", 0, NULL);
	assert_true(shake(&open));
	assert_true(shake(&other));
	assert_int_equal(tls_peer(open.server, p, &c), PEER_GOOD);
	assert_int_equal(authority_crl(dir, &late.serial, 1, &e), 0);
	assert_int_equal(tls_peer(open.server, p, &c), PEER_GOOD); /* nobody told it yet */
	assert_int_equal(tls_crl(ctx, in("ca.crl"), &e), 0);
	assert_int_equal(tls_crl(ctx, in("ca.crl"), &e), 0);
	assert_int_equal(tls_peer_still(open.server, &c), PEER_REVOKED);
	assert_int_equal(tls_peer(open.server, p, &c), PEER_REVOKED);
	assert_int_equal(tls_peer(other.server, p, &c), PEER_GOOD);
	assert_int_equal(judge(ctx, "late", &c), PEER_REVOKED);
	part(&open);
	part(&other);
	tls_free(ctx);
}

static void a_crl_of_another_authority_is_refused(void **state)
{
	(void)state;
	struct certificate c;
	char *theirs = pool_printf(p, "%s/ca.crl", foreign);
	assert_null(tls_agents(in("server.pem"), in("server.key"), in("ca.pem"), theirs, &e));
	assert_int_equal(e.kind, ERR_FAULT);
	SSL_CTX *ctx = agents();
	assert_int_equal(tls_crl(ctx, theirs, &e), -1);
	assert_int_equal(tls_crl(ctx, in("ca.pem"), &e), -1);
	assert_int_equal(tls_crl(ctx, in("none"), &e), -1);
	assert_int_equal(ERR_peek_error(), 0);
	assert_int_equal(judge(ctx, "good", &c), PEER_GOOD);
	tls_free(ctx);
}

static void a_connection_outlives_its_context(void **state)
{
	(void)state;
	struct certificate c;
	SSL_CTX *ctx = agents();
	struct pair open = join(ctx, "good", 0, NULL);
	assert_true(shake(&open));
	tls_free(ctx);
	assert_int_equal(tls_peer(open.server, p, &c), PEER_GOOD);
	part(&open);
	tls_free(NULL);
}

static void agents_speak_tls_1_3_only_and_are_never_resumed(void **state)
{
	(void)state;
	SSL_CTX *ctx = agents();
	struct pair old = join(ctx, "good", TLS1_2_VERSION, NULL);
	assert_false(shake(&old));
	part(&old);
	struct pair first = join(ctx, "good", 0, NULL);
	assert_true(shake(&first));
	assert_string_equal(SSL_get_version(first.server), "TLSv1.3");
	assert_int_equal(SSL_SESSION_is_resumable(SSL_get_session(first.client)), 0);
	part(&first);
	assert_int_equal(SSL_CTX_get_session_cache_mode(ctx), SSL_SESS_CACHE_OFF);
	assert_true(SSL_CTX_get_options(ctx) & SSL_OP_NO_TICKET);
	tls_free(ctx);
}

static void a_certificate_without_its_key_opens_nothing(void **state)
{
	(void)state;
	struct certificate seen;
	SSL_CTX *ctx = agents();
	struct pair c = join(ctx, NULL, 0, NULL);
	BIO *bio = BIO_new_file(in("good.pem"), "r");
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_int_equal(SSL_use_certificate(c.client, cert), 1);
	assert_true(shake(&c)); /* no key, so no certificate is shown */
	assert_int_equal(tls_peer(c.server, p, &seen), PEER_NONE);
	assert_null(seen.nid);
	X509_free(cert);
	part(&c);
	tls_free(ctx);
}

static void the_public_listener_asks_for_no_certificate(void **state)
{
	(void)state;
	struct certificate c;
	SSL_CTX *ctx = tls_public(in("server.pem"), in("server.key"), &e);
	assert_non_null(ctx);
	assert_int_equal(judge(ctx, "good", &c), PEER_NONE);
	assert_true(SSL_CTX_get_mode(ctx) & SSL_MODE_RELEASE_BUFFERS);
	tls_free(ctx);
}

static void the_public_listener_wants_tls_1_2_with_forward_secrecy(void **state)
{
	(void)state;
	SSL_CTX *ctx = tls_public(in("server.pem"), in("server.key"), &e);
	assert_non_null(ctx);
	struct pair c = join(ctx, NULL, TLS1_2_VERSION, NULL);
	assert_true(shake(&c));
	assert_non_null(strstr(SSL_get_cipher(c.server), "ECDHE-ECDSA-"));
	part(&c);
	c = join(ctx, NULL, TLS1_1_VERSION, NULL);
	assert_false(shake(&c));
	part(&c);
	c = join(ctx, NULL, TLS1_2_VERSION, NULL);
	SSL_set_cipher_list(c.client, "ECDHE-ECDSA-AES128-SHA:AES128-GCM-SHA256");
	assert_false(shake(&c));
	part(&c);
	tls_free(ctx);
}

static void visitors_resume_from_a_ticket(void **state)
{
	(void)state;
	SSL_CTX *ctx = tls_public(in("server.pem"), in("server.key"), &e);
	assert_non_null(ctx);
	struct pair c = join(ctx, NULL, 0, NULL);
	assert_true(shake(&c));
	SSL_SESSION *session = SSL_get1_session(c.client);
	assert_int_equal(SSL_SESSION_is_resumable(session), 1);
	part(&c);
	c = join(ctx, NULL, 0, session);
	assert_true(shake(&c));
	assert_int_equal(SSL_session_reused(c.server), 1);
	part(&c);
	SSL_SESSION_free(session);
	tls_free(ctx);
}

static void *shake_often(void *ctx)
{
	struct certificate c;
	const char *wrong = NULL;
	p = pool_new();
	for (int i = 0; i < 20 && !wrong; i++) {
		struct pair one = join(ctx, i % 2 ? "good" : "revoked", 0, NULL);
		if (!shake(&one) || tls_peer(one.server, p, &c) != (i % 2 ? PEER_GOOD : PEER_REVOKED))
			wrong = "misjudged";
		part(&one);
	}
	pool_free(p);
	return (void *)(uintptr_t)wrong;
}

static void threads_share_a_context_while_its_crl_is_renewed(void **state)
{
	(void)state;
	pthread_t threads[2];
	void *wrong;
	SSL_CTX *ctx = agents();
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, shake_often, ctx), 0);
	for (int i = 0; i < 10; i++) {
		assert_int_equal(authority_crl(dir, NULL, 0, &e), 0);
		assert_int_equal(tls_crl(ctx, in("ca.crl"), &e), 0);
	}
	for (int i = 0; i < 2; i++) {
		pthread_join(threads[i], &wrong);
		assert_null(wrong);
	}
	tls_free(ctx);
}

static void files_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	assert_null(tls_public(in("none"), in("server.key"), &e));
	assert_int_equal(e.kind, ERR_FAULT);
	assert_null(tls_public(in("server.pem"), in("none"), &e));
	assert_null(tls_public(in("server.pem"), in("good.key"), &e));
	assert_null(tls_public(in("server.key"), in("server.key"), &e));
	assert_null(tls_agents(in("server.pem"), in("server.key"), in("none"), NULL, &e));
	assert_null(tls_agents(in("server.pem"), in("server.key"), in("ca.pem"), in("none"), &e));
	assert_int_equal(ERR_peek_error(), 0);
}

static void a_key_behind_a_password_is_refused_without_asking(void **state)
{
	(void)state;
	BIO *bio = BIO_new_file(in("locked.key"), "w");
	EVP_PKEY *key = EVP_EC_gen("P-256");
	assert_int_equal(PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_256_cbc(), "secret", 6, NULL, NULL), 1);
	BIO_free(bio);
	EVP_PKEY_free(key);
	assert_null(tls_public(in("server.pem"), in("locked.key"), &e));
	assert_int_equal(e.kind, ERR_FAULT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_agent_of_our_authority_is_good),
		cmocka_unit_test(who_shows_nothing_still_gets_a_page),
		cmocka_unit_test(each_fault_is_told_apart_and_never_ends_the_handshake),
		cmocka_unit_test(the_gravest_fault_comes_first),
		cmocka_unit_test(without_a_crl_nobody_is_revoked),
		cmocka_unit_test(a_revocation_reaches_open_connections),
		cmocka_unit_test(a_crl_of_another_authority_is_refused),
		cmocka_unit_test(a_connection_outlives_its_context),
		cmocka_unit_test(agents_speak_tls_1_3_only_and_are_never_resumed),
		cmocka_unit_test(a_certificate_without_its_key_opens_nothing),
		cmocka_unit_test(the_public_listener_asks_for_no_certificate),
		cmocka_unit_test(the_public_listener_wants_tls_1_2_with_forward_secrecy),
		cmocka_unit_test(visitors_resume_from_a_ticket),
		cmocka_unit_test(threads_share_a_context_while_its_crl_is_renewed),
		cmocka_unit_test(files_that_do_not_fit_are_refused),
		cmocka_unit_test(a_key_behind_a_password_is_refused_without_asking),
	};
	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
