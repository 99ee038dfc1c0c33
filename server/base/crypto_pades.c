#include <openssl/asn1t.h>
#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include "crypto_ssl.h"
#include "file.h"

#define PEM_MOST ((size_t)1 << 20)
#define CHAIN_MOST 8
#define FLAGS (CMS_BINARY | CMS_DETACHED | CMS_NOSMIMECAP | CMS_CADES)

struct pades {
	EVP_PKEY *key;
	X509 *certs[CHAIN_MOST]; /* the signer's, then its chain */
	size_t count;
};

/* What is signed is the DER form of SET OF Attribute (RFC 5652 §5.4). */
/* clang-format off */
ASN1_ITEM_TEMPLATE(signed_attributes) =
	ASN1_EX_TEMPLATE_TYPE(ASN1_TFLG_SET_ORDER, 0, attributes, X509_ATTRIBUTE)
static_ASN1_ITEM_TEMPLATE_END(signed_attributes)

static void undo_pades(void *p)
{
	struct pades *x = p;
	for (size_t i = 0; i < x->count; i++)
		X509_free(x->certs[i]);
	EVP_PKEY_free(x->key);
}
/* clang-format on */

static int read_chain(struct pades *x, const char *path, struct pool *pool, struct err *e)
{
	size_t n;
	char *pem = file_read(path, PEM_MOST, pool, &n, e); /* missing is a fault here: it may come back */
	BIO *bio = pem ? BIO_new_mem_buf(pem, (int)n) : NULL;
	if (!pem)
		return fault(e, "seal: the certificate cannot be read");
	while (bio && x->count < CHAIN_MOST &&
	       (x->certs[x->count] = PEM_read_bio_X509(bio, NULL, ssl_no_password, NULL)))
		x->count++;
	BIO_free(bio);
	if (!x->count)
		return ssl_fault(e, "seal: certificate");
	ERR_clear_error(); /* the end of the file */
	return 0;
}

static int read_key(struct pades *x, const char *path, struct err *e)
{
	struct pool *mine = pool_new_secret();
	size_t n;
	char *pem = file_read(path, PEM_MOST, mine, &n, e);
	BIO *bio = pem ? BIO_new_mem_buf(pem, (int)n) : NULL;
	x->key = bio ? PEM_read_bio_PrivateKey(bio, NULL, ssl_no_password, NULL) : NULL;
	BIO_free(bio);
	pool_free(mine);
	if (!pem)
		return fault(e, "seal: the key cannot be read");
	return x->key && X509_check_private_key(x->certs[0], x->key) == 1 ? 0 : ssl_fault(e, "seal: key");
}

struct pades *pades_open(const char *cert, const char *key, struct pool *pool, struct err *e)
{
	struct pades *x = POOL_NEW(pool, struct pades);
	struct certificate c;
	pool_defer(pool, undo_pades, x);
	if (read_chain(x, cert, pool, e) || read_key(x, key, e))
		return NULL;
	if (certificate_read(x->certs[0], pool, &c) || certificate_dates(&c) != PEER_GOOD) {
		fault(e, "seal: the certificate is not of today");
		return NULL;
	}
	if (!(X509_get_key_usage(x->certs[0]) & (KU_DIGITAL_SIGNATURE | KU_NON_REPUDIATION))) {
		fault(e, "seal: the certificate is not for signatures");
		return NULL;
	}
	return x;
}

/*
 * OpenSSL always adds the time of signing, which PAdES forbids among the signed attributes (it stands in the signature
 * dictionary): out with it, and the rest is signed again.
 */
static int sign_again(CMS_SignerInfo *si, EVP_PKEY *key)
{
	STACK_OF(X509_ATTRIBUTE) *list = sk_X509_ATTRIBUTE_new_null();
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *der = NULL, *signature = NULL;
	size_t size = 0;
	int der_size = 0, good = 0, at = CMS_signed_get_attr_by_NID(si, NID_pkcs9_signingTime, -1);
	if (at >= 0)
		X509_ATTRIBUTE_free(CMS_signed_delete_attr(si, at));
	for (int i = 0; list && i < CMS_signed_get_attr_count(si); i++)
		if (!sk_X509_ATTRIBUTE_push(list, CMS_signed_get_attr(si, i)))
			goto out;
	if (list && ctx)
		der_size = ASN1_item_i2d((const ASN1_VALUE *)list, &der, ASN1_ITEM_rptr(signed_attributes));
	if (der_size <= 0 || EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) != 1 ||
	    EVP_DigestSign(ctx, NULL, &size, der, (size_t)der_size) != 1 || !(signature = OPENSSL_malloc(size)) ||
	    EVP_DigestSign(ctx, signature, &size, der, (size_t)der_size) != 1)
		goto out;
	good = ASN1_STRING_set(CMS_SignerInfo_get0_signature(si), signature, (int)size);
out:
	sk_X509_ATTRIBUTE_free(list);
	EVP_MD_CTX_free(ctx);
	OPENSSL_free(der);
	OPENSSL_free(signature);
	return good ? 0 : -1;
}

static bool verifies(CMS_ContentInfo *cms, const void *data, size_t n)
{
	BIO *bio = BIO_new_mem_buf(data, (int)n);
	bool good = bio &&
		    CMS_verify(cms, NULL, NULL, bio, NULL, CMS_BINARY | CMS_DETACHED | CMS_NO_SIGNER_CERT_VERIFY) == 1;
	BIO_free(bio);
	return good;
}

static int sign(const struct pades *x, CMS_ContentInfo *cms, BIO *bio)
{
	CMS_SignerInfo *si = CMS_add1_signer(cms, x->certs[0], x->key, EVP_sha256(), FLAGS);
	for (size_t i = 1; si && i < x->count; i++)
		if (CMS_add1_cert(cms, x->certs[i]) != 1)
			return -1;
	return si && CMS_final(cms, bio, NULL, FLAGS) == 1 ? sign_again(si, x->key) : -1;
}

int pades_sign(const struct pades *x, const void *data, size_t n, struct pool *pool, unsigned char **out, size_t *out_n,
	       struct err *e)
{
	if (n > PADES_MOST)
		return fault(e, "seal: too long");
	CMS_ContentInfo *cms = CMS_sign(NULL, NULL, NULL, NULL, FLAGS | CMS_PARTIAL);
	BIO *bio = BIO_new_mem_buf(data, (int)n);
	unsigned char *der = NULL;
	int size = -1;
	if (cms && bio && !sign(x, cms, bio) && verifies(cms, data, n))
		size = i2d_CMS_ContentInfo(cms, &der);
	if (size > 0) {
		*out = pool_copy(pool, der, (size_t)size);
		*out_n = (size_t)size;
	}
	OPENSSL_free(der);
	BIO_free(bio);
	CMS_ContentInfo_free(cms);
	return size > 0 ? 0 : ssl_fault(e, "seal");
}
