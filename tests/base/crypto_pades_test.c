#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/ess.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include "../lib/folder.h"
#include "../lib/test.h"
#include "../../server/base/crypto.h"
#include "../../server/base/file.h"

static struct pool *p;
static char *dir;
static struct err e;

static int setup(void **state)
{
	(void)state;
	p = pool_new();
	dir = folder_new(p);
	e = (struct err){ 0 };
	return authority_seal(dir, &e);
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

static X509 *cert_in(const char *name)
{
	BIO *bio = BIO_new_mem_buf(folder_read(p, in(name), NULL), -1);
	X509 *cert = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	assert_non_null(cert);
	return cert;
}

static CMS_ContentInfo *signed_over(const char *text)
{
	struct pades *x = pades_open(in("seal.pem"), in("seal.key"), p, &e);
	unsigned char *der;
	size_t n;
	assert_non_null(x);
	assert_int_equal(pades_sign(x, text, strlen(text), p, &der, &n, &e), 0);
	const unsigned char *at = der;
	CMS_ContentInfo *cms = d2i_CMS_ContentInfo(NULL, &at, (long)n);
	assert_non_null(cms);
	assert_true(at == der + n);
	return cms;
}

/* With the whole chain, and the signer's certificate named in what is signed. */
static int verify(CMS_ContentInfo *cms, const char *text)
{
	X509_STORE *store = X509_STORE_new();
	X509 *ca = cert_in("ca.pem");
	BIO *bio = BIO_new_mem_buf(text, -1);
	X509_STORE_add_cert(store, ca);
	X509_STORE_set_purpose(store, X509_PURPOSE_ANY);
	int good = CMS_verify(cms, NULL, store, bio, NULL, CMS_BINARY | CMS_DETACHED | CMS_CADES);
	BIO_free(bio);
	X509_free(ca);
	X509_STORE_free(store);
	ERR_clear_error();
	return good;
}

static void a_seal_verifies_against_its_authority_and_no_other_text(void **state)
{
	CMS_ContentInfo *cms = signed_over("une convention");
	(void)state;
	assert_int_equal(verify(cms, "une convention"), 1);
	assert_int_equal(verify(cms, "une Convention"), 0);
	CMS_ContentInfo_free(cms);
}

static void what_is_signed_is_what_pades_allows(void **state)
{
	CMS_ContentInfo *cms = signed_over("une convention");
	CMS_SignerInfo *si = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms), 0);
	STACK_OF(X509) *certs = CMS_get1_certs(cms);
	(void)state;
	assert_int_equal(CMS_signed_get_attr_by_NID(si, NID_pkcs9_signingTime, -1), -1);
	assert_true(CMS_signed_get_attr_by_NID(si, NID_pkcs9_contentType, -1) >= 0);
	assert_true(CMS_signed_get_attr_by_NID(si, NID_pkcs9_messageDigest, -1) >= 0);
	assert_true(CMS_signed_get_attr_by_NID(si, NID_id_smime_aa_signingCertificateV2, -1) >= 0);
	assert_int_equal(CMS_signed_get_attr_count(si), 3);
	assert_int_equal(CMS_unsigned_get_attr_count(si), -1);
	assert_null(CMS_get0_content(cms) ? *CMS_get0_content(cms) : NULL); /* detached */
	assert_int_equal(sk_X509_num(certs), 2);                            /* with its chain */
	sk_X509_pop_free(certs, X509_free);
	CMS_ContentInfo_free(cms);
}

static void the_certificate_of_the_seal_is_made_once_and_only_signs(void **state)
{
	const char *before = folder_read(p, in("seal.pem"), NULL);
	(void)state;
	assert_int_equal(authority_seal(dir, &e), 0);
	assert_string_equal(before, folder_read(p, in("seal.pem"), NULL));
	assert_int_equal(folder_mode(in("seal.key")), 0600);
	X509 *cert = cert_in("seal.pem");
	assert_int_equal(X509_get_key_usage(cert), KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION);
	assert_int_equal(X509_check_ca(cert), 0);
	/* a server beside it has the same authority and another key */
	assert_int_equal(authority_server(dir, &e), 0);
	X509 *server = cert_in("server.pem");
	assert_int_not_equal(X509_cmp(cert, server), 0);
	assert_int_equal(X509_NAME_cmp(X509_get_issuer_name(cert), X509_get_issuer_name(server)), 0);
	X509_free(server);
	X509_free(cert);
}

static void assert_refused(const char *cert, const char *key, const char *why)
{
	e = (struct err){ 0 };
	assert_null(pades_open(in(cert), in(key), p, &e));
	assert_int_equal(ERR_peek_error(), 0);
	if (!strstr(e.detail, why))
		fail_msg("%s", e.detail);
}

static void what_cannot_seal_is_told_when_it_is_opened(void **state)
{
	struct certificate c;
	(void)state;
	assert_int_equal(authority_server(dir, &e), 0);
	assert_refused("nowhere.pem", "seal.key", "certificate cannot be read");
	assert_refused("seal.pem", "nowhere.key", "key cannot be read");
	assert_refused("seal.pem", "server.key", "key");
	assert_refused("seal.key", "seal.key", "certificate");
	assert_refused("seal.pem", "seal.pem", "key");
	assert_int_equal(authority_issue(dir, "old", "Vieux sceau", "1", -1, dir, p, &c, &e), 0);
	assert_refused("old.pem", "old.key", "of today");
	assert_refused("ca.pem", "ca.key", "not for signatures");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_seal_verifies_against_its_authority_and_no_other_text, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_is_signed_is_what_pades_allows, setup, teardown),
		cmocka_unit_test_setup_teardown(the_certificate_of_the_seal_is_made_once_and_only_signs, setup,
						teardown),
		cmocka_unit_test_setup_teardown(what_cannot_seal_is_told_when_it_is_opened, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
