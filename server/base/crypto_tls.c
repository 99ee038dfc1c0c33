#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <string.h>
#include "crypto_ssl.h"
#include "file.h"

enum { CRL_MOST = 16 << 20, CERTIFICATES_MOST = 32 << 10, DEPTH_MOST = 4 };

/* Forward secrecy and AEAD only; TLS 1.3 has nothing else. */
static const char ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
			      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-AES128-GCM-SHA256:"
			      "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305";

static SSL_CTX *refuse(SSL_CTX *ctx, struct err *e, const char *what)
{
	ssl_fault(e, what);
	SSL_CTX_free(ctx);
	return NULL;
}

static SSL_CTX *make(const char *cert, const char *key, const char *id, int least, struct err *e)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
	if (!ctx)
		return refuse(NULL, e, "tls");
	SSL_CTX_set_default_passwd_cb(ctx, ssl_no_password);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS); /* about 18 KB an idle connection */
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION | SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* the public listener resumes from tickets */
	SSL_CTX_set_num_tickets(ctx, 1);
	if (SSL_CTX_set_min_proto_version(ctx, least) != 1 || SSL_CTX_set_cipher_list(ctx, ciphers) != 1 ||
	    SSL_CTX_set1_groups_list(ctx, "X25519:P-256:P-384") != 1 ||
	    SSL_CTX_set_session_id_context(ctx, (const unsigned char *)id, (unsigned)strlen(id)) != 1)
		return refuse(ctx, e, "tls");
	if (SSL_CTX_use_certificate_chain_file(ctx, cert) != 1)
		return refuse(ctx, e, "tls: server certificate");
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1 || SSL_CTX_check_private_key(ctx) != 1)
		return refuse(ctx, e, "tls: server key");
	ERR_clear_error();
	return ctx;
}

struct ssl_ctx_st *tls_public(const char *cert, const char *key, struct err *e)
{
	return make(cert, key, "enroll-public", TLS1_2_VERSION, e);
}

/*
 * Stands for X509_verify_cert(): it stops at the first error, which stays in the connection's verify result, and lets
 * the handshake go on. (A callback that answers 1 would go on verifying, and the last error would hide the first.)
 */
static int verify(X509_STORE_CTX *ctx, void *unused)
{
	(void)unused;
	if (X509_verify_cert(ctx) <= 0 && X509_STORE_CTX_get_error(ctx) == X509_V_OK)
		X509_STORE_CTX_set_error(ctx, X509_V_ERR_UNSPECIFIED);
	ERR_clear_error();
	return 1;
}

/* Under the store's lock. Is this CRL signed by an authority of the store? */
static bool is_ours(X509_STORE *store, X509_CRL *crl)
{
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509 *ca = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
		if (ca && X509_NAME_cmp(X509_get_subject_name(ca), X509_CRL_get_issuer(crl)) == 0 &&
		    X509_CRL_verify(crl, X509_get0_pubkey(ca)) == 1)
			return true;
	}
	return false;
}

int tls_crl(struct ssl_ctx_st *ctx, const char *path, struct err *e)
{
	X509_STORE *store = SSL_CTX_get_cert_store(ctx);
	struct pool *pool = pool_new();
	char *text = file_read(path, CRL_MOST, pool, NULL, e);
	BIO *bio = text ? BIO_new_mem_buf(text, -1) : NULL;
	int result = -1;
	if (bio) {
		X509_CRL *crl;
		int count = 0;
		result = 0;
		while (result == 0 && (crl = PEM_read_bio_X509_CRL(bio, NULL, ssl_no_password, NULL))) {
			X509_STORE_lock(store);
			bool ours = is_ours(store, crl);
			X509_STORE_unlock(store);
			if (!ours)
				result = ssl_fault(e, "crl: of another authority");
			else if (X509_STORE_add_crl(store, crl) != 1)
				result = ssl_fault(e, "crl");
			X509_CRL_free(crl);
			count++;
		}
		if (result == 0 && !count)
			result = ssl_fault(e, "crl: none in the file");
	}
	ERR_clear_error(); /* the end of the file leaves one */
	BIO_free(bio);
	pool_free(pool);
	return result;
}

struct ssl_ctx_st *tls_agents(const char *cert, const char *key, const char *ca, const char *crl, struct err *e)
{
	SSL_CTX *ctx = make(cert, key, "enroll-agents", TLS1_3_VERSION, e);
	if (!ctx)
		return NULL;
	/* A resumed session would bring the certificate without its key being shown. */
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_max_cert_list(ctx, CERTIFICATES_MOST);
	SSL_CTX_set_verify_depth(ctx, DEPTH_MOST);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, verify, NULL);
	STACK_OF(X509_NAME) *names = NULL;
	if (SSL_CTX_load_verify_file(ctx, ca) != 1 || !(names = SSL_load_client_CA_file(ca)))
		return refuse(ctx, e, "tls: authority");
	SSL_CTX_set_client_CA_list(ctx, names);
	/* An intermediate authority alone is enough: what the file holds is what is trusted. */
	X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx), X509_V_FLAG_PARTIAL_CHAIN);
	if (crl) {
		if (tls_crl(ctx, crl, e) < 0) {
			SSL_CTX_free(ctx);
			return NULL;
		}
		X509_STORE_set_flags(SSL_CTX_get_cert_store(ctx), X509_V_FLAG_CRL_CHECK);
	}
	ERR_clear_error();
	return ctx;
}

void tls_free(struct ssl_ctx_st *ctx)
{
	SSL_CTX_free(ctx);
}

/* Of two CRLs of an issuer, is `a` the newer one? Two of the same second differ by their numbers. */
static bool is_newer(X509_CRL *a, X509_CRL *b)
{
	int order = ASN1_TIME_compare(X509_CRL_get0_lastUpdate(a), X509_CRL_get0_lastUpdate(b));
	if (order)
		return order > 0;
	ASN1_INTEGER *m = X509_CRL_get_ext_d2i(a, NID_crl_number, NULL, NULL);
	ASN1_INTEGER *n = X509_CRL_get_ext_d2i(b, NID_crl_number, NULL, NULL);
	bool newer = m && n && ASN1_INTEGER_cmp(m, n) > 0;
	ASN1_INTEGER_free(m);
	ASN1_INTEGER_free(n);
	return newer;
}

static bool is_revoked(X509_STORE *store, X509 *cert)
{
	X509_CRL *newest = NULL;
	X509_STORE_lock(store);
	STACK_OF(X509_OBJECT) *objects = X509_STORE_get0_objects(store);
	for (int i = 0; i < sk_X509_OBJECT_num(objects); i++) {
		X509_CRL *crl = X509_OBJECT_get0_X509_CRL(sk_X509_OBJECT_value(objects, i));
		if (crl && X509_NAME_cmp(X509_CRL_get_issuer(crl), X509_get_issuer_name(cert)) == 0 &&
		    (!newest || is_newer(crl, newest)))
			newest = crl;
	}
	if (newest)
		X509_CRL_up_ref(newest);
	X509_STORE_unlock(store);
	X509_REVOKED *found = NULL;
	bool revoked = newest && X509_CRL_get0_by_cert(newest, &found, cert) == 1;
	X509_CRL_free(newest);
	return revoked;
}

static enum peer_state verdict(long result)
{
	switch (result) {
	case X509_V_OK:
		return PEER_GOOD;
	case X509_V_ERR_CERT_HAS_EXPIRED:
	case X509_V_ERR_CERT_NOT_YET_VALID:
		return PEER_EXPIRED;
	case X509_V_ERR_CERT_REVOKED:
		return PEER_REVOKED;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_CERT_UNTRUSTED:
		return PEER_OTHER_CA;
	default:
		return PEER_BAD;
	}
}

enum peer_state tls_peer_still(struct ssl_st *ssl, const struct certificate *read)
{
	X509 *cert = SSL_get0_peer_certificate(ssl);
	if (!cert)
		return PEER_NONE;
	if (!read->subject)
		return PEER_BAD;
	enum peer_state state = verdict(SSL_get_verify_result(ssl));
	if (state != PEER_GOOD)
		return state;
	return is_revoked(SSL_CTX_get_cert_store(SSL_get_SSL_CTX(ssl)), cert) ? PEER_REVOKED : certificate_dates(read);
}

enum peer_state tls_peer(struct ssl_st *ssl, struct pool *pool, struct certificate *out)
{
	*out = (struct certificate){ 0 };
	X509 *cert = SSL_get0_peer_certificate(ssl);
	if (cert && certificate_read(cert, pool, out) < 0)
		return PEER_BAD;
	return tls_peer_still(ssl, out);
}
