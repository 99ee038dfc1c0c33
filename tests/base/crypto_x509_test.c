#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "../lib/folder.h"
#include "../lib/test.h"
#include "../../server/base/crypto.h"
#include "../../server/base/file.h"
#include "../../server/base/str.h"

static struct pool *p;
static char *dir;
static struct err e;

static int setup(void **state)
{
	(void)state;
	p = pool_new();
	dir = folder_new(p);
	e = (struct err){ 0 };
	return authority_make(dir, &e);
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(dir);
	pool_free(p);
	return 0;
}

static char *in(const char *name)
{
	return pool_printf(p, "%s/%s", dir, name);
}

static char *text(const char *name)
{
	return folder_read(p, in(name), NULL);
}

static X509 *cert_in(const char *name)
{
	BIO *bio = BIO_new_mem_buf(text(name), -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(cert);
	return cert;
}

static X509_CRL *crl_in(const char *name)
{
	BIO *bio = BIO_new_mem_buf(text(name), -1);
	X509_CRL *crl = PEM_read_bio_X509_CRL(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(crl);
	return crl;
}

static int issue(const char *name, const char *common_name, const char *nid, int days, struct certificate *c)
{
	return authority_issue(dir, name, common_name, nid, days, in("agents"), p, c, &e);
}

static void assert_fault(int result)
{
	assert_int_equal(result, -1);
	assert_int_equal(e.kind, ERR_FAULT);
	assert_int_equal(ERR_peek_error(), 0);
	e = (struct err){ 0 };
}

static void an_authority_is_made_once(void **state)
{
	(void)state;
	assert_int_equal(folder_mode(in("ca.key")), 0600);
	assert_int_equal(folder_mode(in("ca.pem")), 0644);
	assert_int_equal(folder_mode(in("ca.crl")), 0644);
	char *key = text("ca.key"), *pem = text("ca.pem"), *crl = text("ca.crl");
	assert_int_equal(authority_make(dir, &e), 0);
	assert_string_equal(text("ca.key"), key);
	assert_string_equal(text("ca.pem"), pem);
	assert_string_equal(text("ca.crl"), crl);
	X509 *ca = cert_in("ca.pem");
	assert_int_equal(X509_check_ca(ca), 1);
	assert_int_equal(X509_self_signed(ca, 1), 1);
	assert_int_equal(EVP_PKEY_get_bits(X509_get0_pubkey(ca)), 256);
	X509_free(ca);
	X509_CRL *list = crl_in("ca.crl");
	assert_null(X509_CRL_get_REVOKED(list));
	X509_CRL_free(list);
}

static void a_lost_crl_is_made_again_and_a_broken_authority_told(void **state)
{
	(void)state;
	assert_int_equal(unlink(in("ca.crl")), 0);
	assert_int_equal(authority_make(dir, &e), 0);
	assert_true(file_exists(in("ca.crl")));
	struct certificate c;
	assert_int_equal(file_write(in("ca.key"), "nonsense", 8, 0600, &e), 0);
	assert_fault(issue("a", "A", "1", 1, &c));
	assert_fault(authority_crl(dir, NULL, 0, &e));
	assert_fault(authority_server(dir, &e));
	assert_int_equal(unlink(in("ca.key")), 0);
	assert_int_equal(issue("a", "A", "1", 1, &c), -1);
	assert_int_equal(e.kind, ERR_MISSING);
}

static void an_agent_gets_key_certificate_and_pkcs12(void **state)
{
	(void)state;
	struct certificate c, again;
	assert_int_equal(issue("delegue.35", "Élodie Le Goff", "899700012345", 30, &c), 0);
	assert_int_equal(folder_mode(in("agents/delegue.35.key")), 0600);
	assert_int_equal(folder_mode(in("agents/delegue.35.pem")), 0600);
	assert_int_equal(folder_mode(in("agents/delegue.35.p12")), 0600);
	assert_string_equal(c.common_name, "Élodie Le Goff");
	assert_string_equal(c.nid, "899700012345");
	assert_int_equal(strlen(c.fingerprint), 64);
	assert_int_equal(strlen(c.serial), 32);
	assert_int_equal(strspn(c.serial, "0123456789ABCDEF"), 32);
	assert_non_null(strstr(c.subject, "CN=Élodie Le Goff"));
	assert_non_null(strstr(c.subject, "UID=899700012345"));
	assert_non_null(strchr(c.subject, '+')); /* CN and UID are one RDN */
	assert_true(str_ends(c.subject, "O=AGENCE-SANTE-ESSAI,C=FR"));
	assert_true(c.not_after - c.not_before == 31 * 86400 * SECOND);
	assert_int_equal(certificate_read_pem(text("agents/delegue.35.pem"), p, &again), PEER_GOOD);
	assert_string_equal(again.fingerprint, c.fingerprint);
	assert_string_equal(again.subject, c.subject);

	X509 *ca = cert_in("ca.pem"), *cert = cert_in("agents/delegue.35.pem");
	assert_int_equal(X509_check_issued(ca, cert), X509_V_OK);
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(ca)), 1);
	assert_int_equal(X509_get_extension_flags(cert) & EXFLAG_CA, 0);
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_CLIENT);
	X509_free(ca);
	X509_free(cert);
}

static void the_pkcs12_opens_with_its_password_only(void **state)
{
	(void)state;
	struct certificate c;
	assert_int_equal(issue("a", "A", "1", 30, &c), 0);
	size_t n;
	char *data = folder_read(p, in("agents/a.p12"), &n);
	BIO *bio = BIO_new_mem_buf(data, (int)n);
	PKCS12 *p12 = d2i_PKCS12_bio(bio, NULL);
	assert_non_null(p12);
	EVP_PKEY *key = NULL;
	X509 *cert = NULL;
	STACK_OF(X509) *others = NULL;
	assert_int_equal(PKCS12_parse(p12, "wrong", &key, &cert, NULL), 0);
	assert_int_equal(PKCS12_parse(p12, "enroll", &key, &cert, &others), 1);
	assert_int_equal(X509_check_private_key(cert, key), 1);
	assert_int_equal(sk_X509_num(others), 1); /* the authority comes along */
	sk_X509_pop_free(others, X509_free);
	X509_free(cert);
	EVP_PKEY_free(key);
	PKCS12_free(p12);
	BIO_free(bio);
	ERR_clear_error();
}

static void odd_names_are_carried_and_bad_ones_refused(void **state)
{
	(void)state;
	struct certificate c;
	assert_int_equal(issue("odd", "O’Brien, \"Ana+Léa\" <x>; #1\\", "A-1_2.3/4", 1, &c), 0);
	assert_string_equal(c.common_name, "O’Brien, \"Ana+Léa\" <x>; #1\\");
	assert_string_equal(c.nid, "A-1_2.3/4");
	assert_true(str_is_utf8(c.subject, strlen(c.subject)));
	static const char *const names[] = { "", ".hidden", "../up", "a/b", "a b", "é", NULL };
	for (size_t i = 0; i < COUNT(names); i++)
		assert_fault(issue(names[i], "A", "1", 1, &c));
	static const char *const common[] = { "", "bad\xFF", NULL,
					      "12345678901234567890123456789012345678901234567890123456789012345" };
	for (size_t i = 0; i < COUNT(common); i++)
		assert_fault(issue("a", common[i], "1", 1, &c));
	static const char *const nids[] = { "", "1 2", "1+CN=x", "é", "1\n", NULL };
	for (size_t i = 0; i < COUNT(nids); i++)
		assert_fault(issue("a", "A", nids[i], 1, &c));
	assert_fault(issue("a", "A", "1", 100000, &c));
	assert_false(file_exists(in("agents/a.key")));
	assert_false(file_exists(pool_printf(p, "%s/../up.key", dir)));
}

static void an_expired_certificate_can_be_made_and_is_told(void **state)
{
	(void)state;
	struct certificate c, again;
	assert_int_equal(issue("old", "Ancien", "7", -1, &c), 0);
	assert_true(c.not_after < time(NULL) * SECOND);
	assert_true(c.not_before < c.not_after);
	assert_int_equal(certificate_read_pem(text("agents/old.pem"), p, &again), PEER_EXPIRED);
	assert_string_equal(again.nid, "7");
}

static void a_text_that_is_no_certificate_is_bad(void **state)
{
	(void)state;
	struct certificate c;
	char *pem = text("ca.pem");
	static const char *const bad[] = { "", "x", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
					   NULL };
	for (size_t i = 0; i < COUNT(bad); i++) {
		memset(&c, 'x', sizeof c);
		assert_int_equal(certificate_read_pem(bad[i], p, &c), PEER_BAD);
		assert_null(c.subject);
	}
	assert_int_equal(certificate_read_pem(pool_strndup(p, pem, strlen(pem) / 2), p, &c), PEER_BAD);
	assert_int_equal(certificate_read_pem(text("ca.key"), p, &c), PEER_BAD);
	assert_int_equal(certificate_read_pem(pem, p, &c), PEER_GOOD);
	assert_null(c.nid); /* the authority is nobody */
	assert_int_equal(ERR_peek_error(), 0);
}

/* A self-signed certificate with this subject, as PEM: pairs of NID and text, `set` as OpenSSL has it. */
struct part {
	int nid, type;
	const char *value;
	int len, set;
};

static char *made(const struct part *parts, size_t count)
{
	X509 *cert = X509_new();
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509_NAME *name = X509_get_subject_name(cert);
	for (size_t i = 0; i < count; i++)
		assert_int_equal(X509_NAME_add_entry_by_NID(name, parts[i].nid, parts[i].type,
							    (const unsigned char *)parts[i].value, parts[i].len, -1,
							    parts[i].set),
				 1);
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 255);
	X509_gmtime_adj(X509_getm_notBefore(cert), -60);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_issuer_name(cert, name);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;
	PEM_write_bio_X509(bio, cert);
	long n = BIO_get_mem_data(bio, &data);
	char *pem = pool_copy(p, data, (size_t)n);
	BIO_free(bio);
	EVP_PKEY_free(key);
	X509_free(cert);
	return pem;
}

#define MADE(...) made((const struct part[]){ __VA_ARGS__ }, COUNT(((const struct part[]){ __VA_ARGS__ })))

static void the_number_is_read_by_type_wherever_it_stands(void **state)
{
	(void)state;
	struct certificate c;
	char *first = MADE({ NID_userId, MBSTRING_UTF8, "111", -1, 0 }, { NID_commonName, MBSTRING_UTF8, "A", -1, -1 },
			   { NID_countryName, MBSTRING_UTF8, "FR", -1, 0 });
	assert_int_equal(certificate_read_pem(first, p, &c), PEER_GOOD);
	assert_string_equal(c.nid, "111");
	assert_string_equal(c.serial, "FF");
	char *serial =
		MADE({ NID_commonName, MBSTRING_UTF8, "A", -1, 0 }, { NID_serialNumber, MBSTRING_UTF8, "222", -1, -1 });
	assert_int_equal(certificate_read_pem(serial, p, &c), PEER_GOOD);
	assert_string_equal(c.nid, "222");
	char *both =
		MADE({ NID_serialNumber, MBSTRING_UTF8, "222", -1, 0 }, { NID_userId, MBSTRING_UTF8, "111", -1, -1 });
	assert_int_equal(certificate_read_pem(both, p, &c), PEER_GOOD);
	assert_string_equal(c.nid, "111");
	assert_null(c.common_name);
	assert_int_equal(certificate_read_pem(made(NULL, 0), p, &c), PEER_GOOD);
	assert_string_equal(c.subject, "");
	assert_null(c.nid);
}

static void a_subject_that_could_be_two_people_is_bad(void **state)
{
	(void)state;
	struct certificate c;
	char *two_uids = MADE({ NID_userId, MBSTRING_UTF8, "111", -1, 0 }, { NID_userId, MBSTRING_UTF8, "222", -1, 0 });
	assert_int_equal(certificate_read_pem(two_uids, p, &c), PEER_BAD);
	char *two_names =
		MADE({ NID_commonName, MBSTRING_UTF8, "A", -1, 0 }, { NID_commonName, MBSTRING_UTF8, "B", -1, -1 });
	assert_int_equal(certificate_read_pem(two_names, p, &c), PEER_BAD);
	char *zero = MADE({ NID_userId, V_ASN1_UTF8STRING,
			    "111\0"
			    "222",
			    7, 0 });
	assert_int_equal(certificate_read_pem(zero, p, &c), PEER_BAD);
	char *bytes = MADE({ NID_userId, V_ASN1_UTF8STRING, "\xFF\xFE", 2, 0 });
	assert_int_equal(certificate_read_pem(bytes, p, &c), PEER_BAD);
	char *lure = MADE({ NID_commonName, MBSTRING_UTF8, "A+UID=111,O=X", -1, 0 });
	assert_int_equal(certificate_read_pem(lure, p, &c), PEER_GOOD);
	assert_null(c.nid);
	assert_string_equal(c.subject, "CN=A\\+UID=111\\,O=X"); /* escaped, so it stays one part */
	char *control = MADE({ NID_organizationName, V_ASN1_UTF8STRING, "a\0\nb", 4, 0 });
	assert_int_equal(certificate_read_pem(control, p, &c), PEER_GOOD);
	assert_string_equal(c.subject, "O=a\\00\\0Ab");
	assert_int_equal(ERR_peek_error(), 0);
}

static int revoked_in(X509_CRL *crl)
{
	STACK_OF(X509_REVOKED) *all = X509_CRL_get_REVOKED(crl);
	return all ? sk_X509_REVOKED_num(all) : 0;
}

static long number_of(X509_CRL *crl)
{
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
	long v = ASN1_INTEGER_get(n);
	ASN1_INTEGER_free(n);
	return v;
}

static void revoked_serials_stay_in_the_crl(void **state)
{
	(void)state;
	struct certificate a, b;
	assert_int_equal(issue("a", "A", "1", 30, &a), 0);
	assert_int_equal(issue("b", "B", "2", 30, &b), 0);
	X509_CRL *crl = crl_in("ca.crl");
	long was = number_of(crl);
	X509_CRL_free(crl);
	assert_int_equal(authority_crl(dir, &a.serial, 1, &e), 0);
	const char *more[] = { b.serial, a.serial, b.serial, "0a" };
	assert_int_equal(authority_crl(dir, more, COUNT(more), &e), 0);
	assert_int_equal(authority_crl(dir, NULL, 0, &e), 0);
	assert_int_equal(folder_mode(in("ca.crl")), 0644);
	crl = crl_in("ca.crl");
	X509 *ca = cert_in("ca.pem"), *cert = cert_in("agents/a.pem");
	X509_REVOKED *found;
	assert_int_equal(X509_CRL_verify(crl, X509_get0_pubkey(ca)), 1);
	assert_int_equal(X509_CRL_get0_by_cert(crl, &found, cert), 1);
	assert_int_equal(revoked_in(crl), 3);
	assert_int_equal(number_of(crl), was + 3);
	X509_free(ca);
	X509_free(cert);
	X509_CRL_free(crl);
}

static void a_serial_that_is_not_hexadecimal_changes_nothing(void **state)
{
	(void)state;
	char *before = text("ca.crl");
	static const char *const bad[] = {
		"", "zz", "-1", "0x12", " 12", NULL, "00112233445566778899aabbccddeeff0011223344"
	};
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_fault(authority_crl(dir, &bad[i], 1, &e));
	assert_string_equal(text("ca.crl"), before);
	assert_int_equal(file_write(in("ca.crl"), "nonsense", 8, 0600, &e), 0);
	assert_fault(authority_crl(dir, NULL, 0, &e)); /* what was revoked is not forgotten in silence */
}

static void a_server_certificate_names_this_machine(void **state)
{
	(void)state;
	char *fresh = in("new/tls");
	assert_int_equal(authority_server(fresh, &e), 0); /* makes the authority too */
	assert_int_equal(folder_mode(pool_printf(p, "%s/server.key", fresh)), 0600);
	assert_int_equal(folder_mode(pool_printf(p, "%s/server.pem", fresh)), 0644);
	X509 *cert = cert_in("new/tls/server.pem"), *ca = cert_in("new/tls/ca.pem");
	assert_int_equal(X509_check_host(cert, "localhost", 0, 0, NULL), 1);
	assert_int_equal(X509_check_ip_asc(cert, "127.0.0.1", 0), 1);
	assert_int_equal(X509_check_ip_asc(cert, "::1", 0), 1);
	assert_int_equal(X509_check_host(cert, "example.fr", 0, 0, NULL), 0);
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(ca)), 1);
	assert_int_equal(X509_get_extended_key_usage(cert), XKU_SSL_SERVER);
	X509_free(cert);
	X509_free(ca);
	char *pem = text("new/tls/server.pem"), *key = text("new/tls/server.key");
	assert_true(str_ends(pem, text("new/tls/ca.pem")));
	assert_int_equal(authority_server(fresh, &e), 0);
	assert_string_equal(text("new/tls/server.pem"), pem);
	assert_string_equal(text("new/tls/server.key"), key);
}

static void a_server_certificate_that_no_longer_fits_is_made_again(void **state)
{
	(void)state;
	assert_int_equal(authority_server(dir, &e), 0);
	char *pem = text("server.pem"), *other = text("ca.key");
	assert_int_equal(file_write(in("server.key"), other, strlen(other), 0600, &e), 0);
	assert_int_equal(authority_server(dir, &e), 0);
	assert_string_not_equal(text("server.pem"), pem);
	assert_string_not_equal(text("server.key"), other);
	assert_int_equal(ERR_peek_error(), 0);
}

static void *make_server(void *folder)
{
	struct err mine;
	return authority_server(folder, &mine) < 0 ? "failed" : NULL;
}

static void many_starts_at_once_make_one_authority(void **state)
{
	(void)state;
	char *fresh = in("race");
	pthread_t threads[6];
	for (int i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_server, fresh), 0);
	for (int i = 0; i < 6; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	struct certificate c;
	assert_int_equal(authority_issue(fresh, "a", "A", "1", 1, fresh, p, &c, &e), 0);
	X509 *cert = cert_in("race/server.pem"), *ca = cert_in("race/ca.pem");
	assert_int_equal(X509_verify(cert, X509_get0_pubkey(ca)), 1);
	X509_free(cert);
	X509_free(ca);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(an_authority_is_made_once),
		T(a_lost_crl_is_made_again_and_a_broken_authority_told),
		T(an_agent_gets_key_certificate_and_pkcs12),
		T(the_pkcs12_opens_with_its_password_only),
		T(odd_names_are_carried_and_bad_ones_refused),
		T(an_expired_certificate_can_be_made_and_is_told),
		T(a_text_that_is_no_certificate_is_bad),
		T(the_number_is_read_by_type_wherever_it_stands),
		T(a_subject_that_could_be_two_people_is_bad),
		T(revoked_serials_stay_in_the_crl),
		T(a_serial_that_is_not_hexadecimal_changes_nothing),
		T(a_server_certificate_names_this_machine),
		T(a_server_certificate_that_no_longer_fits_is_made_again),
		T(many_starts_at_once_make_one_authority),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
