#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "crypto_ssl.h"
#include "file.h"
#include "str.h"

enum { PEM_MOST = 1 << 20, CA_DAYS = 3650, SERVER_DAYS = 397, SEAL_DAYS = 1096, RENEW_DAYS = 30 };
#define DAY_S ((time_t)86400)

/* ---- OpenSSL's objects live as long as a pool ---- */

#define HOLD(name, type, release)                            \
	static void undo_##name(void *p)                     \
	{                                                    \
		release(p);                                  \
	}                                                    \
	static type *hold_##name(struct pool *pool, type *p) \
	{                                                    \
		pool_defer(pool, undo_##name, p);            \
		return p;                                    \
	}

HOLD(bio, BIO, BIO_free_all)
HOLD(key, EVP_PKEY, EVP_PKEY_free)
HOLD(cert, X509, X509_free)
HOLD(crl, X509_CRL, X509_CRL_free)
HOLD(p12, PKCS12, PKCS12_free)
HOLD(bn, BIGNUM, BN_free)
HOLD(integer, ASN1_INTEGER, ASN1_INTEGER_free)
HOLD(time, ASN1_TIME, ASN1_TIME_free)
HOLD(extension, X509_EXTENSION, X509_EXTENSION_free)
HOLD(revoked, X509_REVOKED, X509_REVOKED_free)

static void undo_certs(void *p)
{
	sk_X509_free(p);
}

static BIO *memory(struct pool *pool)
{
	return hold_bio(pool, BIO_new(BIO_s_mem()));
}

/* What was written to a memory BIO; the original is wiped, for it may be a key. */
static char *taken(BIO *bio, struct pool *pool, size_t *n)
{
	char *data;
	long len = BIO_get_mem_data(bio, &data);
	if (len <= 0)
		return NULL;
	char *copy = pool_copy(pool, data, (size_t)len);
	crypto_wipe(data, (size_t)len);
	*n = (size_t)len;
	return copy;
}

/* ---- reading ---- */

/* UTF-8 of a part of a name; NULL for what cannot be a text, a byte 0 inside included. */
static char *text_of(const ASN1_STRING *value, struct pool *pool)
{
	unsigned char *utf8 = NULL;
	int n = ASN1_STRING_to_UTF8(&utf8, value);
	char *text = n > 0 && str_is_utf8((const char *)utf8, (size_t)n) ? pool_copy(pool, utf8, (size_t)n) : NULL;
	OPENSSL_free(utf8);
	return text;
}

/* The only value of this type in a name, wherever it stands: 0, with *out NULL when there is none; -1 for two. */
static int only_value(const X509_NAME *name, int nid, struct pool *pool, const char **out)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1);
	*out = NULL;
	if (at < 0)
		return 0;
	if (X509_NAME_get_index_by_NID(name, nid, at) >= 0)
		return -1;
	*out = text_of(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)), pool);
	return *out ? 0 : -1;
}

/* RFC 2253 in UTF-8: control characters and bytes 0 come out as \XX. */
static char *name_text(const X509_NAME *name, struct pool *pool)
{
	struct pool *mine = pool_new();
	BIO *bio = memory(mine);
	char *text = NULL;
	size_t n = 0;
	if (bio && X509_NAME_print_ex(bio, name, 0, XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB) >= 0)
		text = taken(bio, pool, &n);
	pool_free(mine);
	if (!text && X509_NAME_entry_count(name) == 0)
		return pool_strdup(pool, "");
	return text && str_is_utf8(text, n) ? text : NULL;
}

static int instant_of(const ASN1_TIME *time, instant_t *out)
{
	struct tm tm;
	if (ASN1_TIME_to_tm(time, &tm) != 1)
		return -1;
	*out = timegm(&tm) * SECOND;
	return 0;
}

static char *serial_text(const ASN1_INTEGER *serial, struct pool *pool)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(serial, NULL);
	char *hex = bn ? BN_bn2hex(bn) : NULL;
	char *text = pool_strdup(pool, hex);
	OPENSSL_free(hex);
	BN_free(bn);
	return text;
}

static int read_all(X509 *cert, struct pool *pool, struct certificate *c)
{
	const X509_NAME *subject = X509_get_subject_name(cert);
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned n;
	c->issuer = name_text(X509_get_issuer_name(cert), pool);
	c->subject = name_text(subject, pool);
	c->serial = serial_text(X509_get0_serialNumber(cert), pool);
	if (!c->issuer || !c->subject || !c->serial || X509_digest(cert, EVP_sha256(), digest, &n) != 1)
		return -1;
	c->fingerprint = str_hex(pool, digest, n);
	if (only_value(subject, NID_commonName, pool, &c->common_name) < 0 ||
	    only_value(subject, NID_userId, pool, &c->nid) < 0 ||
	    (!c->nid && only_value(subject, NID_serialNumber, pool, &c->nid) < 0))
		return -1;
	return instant_of(X509_get0_notBefore(cert), &c->not_before) < 0 ||
			       instant_of(X509_get0_notAfter(cert), &c->not_after) < 0
		       ? -1
		       : 0;
}

int certificate_read(X509 *cert, struct pool *pool, struct certificate *out)
{
	struct certificate c = { 0 };
	if (read_all(cert, pool, &c) < 0) {
		*out = (struct certificate){ 0 };
		ERR_clear_error();
		return -1;
	}
	*out = c;
	return 0;
}

enum peer_state certificate_dates(const struct certificate *c)
{
	instant_t now = time(NULL) * SECOND;
	return now < c->not_before || now > c->not_after ? PEER_EXPIRED : PEER_GOOD;
}

static X509 *parse_cert(const char *pem, struct pool *pool)
{
	BIO *bio = hold_bio(pool, BIO_new_mem_buf(pem, -1));
	return bio ? hold_cert(pool, PEM_read_bio_X509(bio, NULL, ssl_no_password, NULL)) : NULL;
}

enum peer_state certificate_read_pem(const char *pem, struct pool *pool, struct certificate *out)
{
	*out = (struct certificate){ 0 };
	if (!pem)
		return PEER_BAD;
	struct pool *mine = pool_new();
	X509 *cert = parse_cert(pem, mine);
	enum peer_state state = PEER_BAD;
	if (cert && certificate_read(cert, pool, out) == 0)
		state = certificate_dates(out);
	ERR_clear_error();
	pool_free(mine);
	return state;
}

int certificate_end(const char *pem, instant_t *out)
{
	struct pool *mine = pool_new();
	X509 *cert = parse_cert(pem, mine);
	BIO *bio = cert ? NULL : hold_bio(mine, BIO_new_mem_buf(pem, -1));
	X509_CRL *crl = bio ? hold_crl(mine, PEM_read_bio_X509_CRL(bio, NULL, ssl_no_password, NULL)) : NULL;
	const ASN1_TIME *end = cert ? X509_get0_notAfter(cert) : crl ? X509_CRL_get0_nextUpdate(crl) : NULL;
	int result = end ? instant_of(end, out) : -1;
	ERR_clear_error();
	pool_free(mine);
	return result;
}

/* ---- making ---- */

struct authority {
	EVP_PKEY *key;
	X509 *cert;
};

static char *in(struct pool *pool, const char *dir, const char *file)
{
	return pool_printf(pool, "%s/%s", dir, file);
}

static int put_key(EVP_PKEY *key, const char *path, struct pool *pool, struct err *e)
{
	size_t n;
	BIO *bio = memory(pool);
	if (!bio || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) != 1)
		return ssl_fault(e, "key");
	char *text = taken(bio, pool, &n);
	return text ? file_write(path, text, n, 0600, e) : ssl_fault(e, "key");
}

/* Writes the certificates one after the other; *pem gets their text when it is not NULL. */
static int put_certs(X509 *first, X509 *second, const char *path, mode_t mode, struct pool *pool, char **pem,
		     struct err *e)
{
	size_t n;
	BIO *bio = memory(pool);
	if (!bio || PEM_write_bio_X509(bio, first) != 1 || (second && PEM_write_bio_X509(bio, second) != 1))
		return ssl_fault(e, "certificate");
	char *text = taken(bio, pool, &n);
	if (pem)
		*pem = text;
	return text ? file_write(path, text, n, mode, e) : ssl_fault(e, "certificate");
}

static int load_authority(const char *dir, struct pool *pool, struct authority *ca, struct err *e)
{
	char *key = file_read(in(pool, dir, "ca.key"), PEM_MOST, pool, NULL, e);
	char *pem = key ? file_read(in(pool, dir, "ca.pem"), PEM_MOST, pool, NULL, e) : NULL;
	if (!pem)
		return -1;
	BIO *bio = hold_bio(pool, BIO_new_mem_buf(key, -1));
	ca->key = bio ? hold_key(pool, PEM_read_bio_PrivateKey(bio, NULL, ssl_no_password, NULL)) : NULL;
	ca->cert = parse_cert(pem, pool);
	if (!ca->key || !ca->cert || X509_check_private_key(ca->cert, ca->key) != 1)
		return ssl_fault(e, "authority");
	return 0;
}

/* 126 random bits: positive, and always 16 bytes long. */
static int set_serial(X509 *cert, struct pool *pool)
{
	unsigned char bytes[16];
	crypto_random(bytes, sizeof bytes);
	bytes[0] = (unsigned char)((bytes[0] & 0x7F) | 0x40);
	BIGNUM *bn = hold_bn(pool, BN_bin2bn(bytes, sizeof bytes, NULL));
	return bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(cert)) ? 0 : -1;
}

static int set_dates(X509 *cert, time_t from, time_t to)
{
	return ASN1_TIME_set(X509_getm_notBefore(cert), from) && ASN1_TIME_set(X509_getm_notAfter(cert), to) ? 0 : -1;
}

/* set 0 opens a new RDN, -1 joins the last one. */
static bool add_name(X509_NAME *name, int nid, const char *value, int set)
{
	return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8, (const unsigned char *)value, -1, -1, set) == 1;
}

/* The shape of IGC-Santé: C, O, OU, then what names the holder. */
static X509_NAME *add_names(X509 *cert, const char *unit, const char *common_name)
{
	X509_NAME *name = X509_get_subject_name(cert);
	return add_name(name, NID_countryName, "FR", 0) &&
			       add_name(name, NID_organizationName, "AGENCE-SANTE-ESSAI", 0) &&
			       add_name(name, NID_organizationalUnitName, unit, 0) &&
			       add_name(name, NID_commonName, common_name, 0)
		       ? name
		       : NULL;
}

static bool add_extension(X509 *cert, X509 *issuer, int nid, const char *value, struct pool *pool)
{
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	return ext && X509_add_ext(cert, hold_extension(pool, ext), -1) == 1;
}

static X509 *new_cert(struct pool *pool, EVP_PKEY **key)
{
	X509 *cert = hold_cert(pool, X509_new());
	*key = hold_key(pool, EVP_EC_gen("P-256"));
	return cert && *key && X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert, pool) == 0 &&
			       X509_set_pubkey(cert, *key) == 1
		       ? cert
		       : NULL;
}

/* With the serials of `old` (or NULL) and the new ones. */
static int put_crl(const char *dir, const struct authority *ca, X509_CRL *old, const char *const *serials, size_t count,
		   struct pool *pool, struct err *e)
{
	X509_CRL *crl = hold_crl(pool, X509_CRL_new());
	ASN1_TIME *now = hold_time(pool, ASN1_TIME_set(NULL, time(NULL)));
	if (!crl || !now || X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
	    X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) != 1 ||
	    X509_CRL_set1_lastUpdate(crl, now) != 1 || X509_CRL_set1_nextUpdate(crl, X509_get0_notAfter(ca->cert)) != 1)
		return ssl_fault(e, "crl");

	STACK_OF(X509_REVOKED) *earlier = old ? X509_CRL_get_REVOKED(old) : NULL;
	for (int i = 0; earlier && i < sk_X509_REVOKED_num(earlier); i++) {
		X509_REVOKED *r = X509_REVOKED_dup(sk_X509_REVOKED_value(earlier, i));
		if (!r || X509_CRL_add0_revoked(crl, r) != 1) {
			X509_REVOKED_free(r);
			return ssl_fault(e, "crl");
		}
	}
	for (size_t i = 0; i < count; i++) {
		BIGNUM *bn = NULL;
		size_t n = serials[i] ? strlen(serials[i]) : 0;
		if (!n || n > 40 || strspn(serials[i], "0123456789abcdefABCDEF") != n || !BN_hex2bn(&bn, serials[i]))
			return fault(e, "crl: serial %zu is not hexadecimal", i);
		hold_bn(pool, bn);
		ASN1_INTEGER *serial = hold_integer(pool, BN_to_ASN1_INTEGER(bn, NULL));
		X509_REVOKED *found = NULL;
		if (serial && X509_CRL_get0_by_serial(crl, &found, serial) == 1)
			continue;
		X509_REVOKED *r = hold_revoked(pool, X509_REVOKED_new()), *own;
		if (!serial || !r || X509_REVOKED_set_serialNumber(r, serial) != 1 ||
		    X509_REVOKED_set_revocationDate(r, now) != 1 || !(own = X509_REVOKED_dup(r)))
			return ssl_fault(e, "crl");
		if (X509_CRL_add0_revoked(crl, own) != 1) {
			X509_REVOKED_free(own);
			return ssl_fault(e, "crl");
		}
	}

	/* Each CRL has a greater number than the one before (RFC 5280 §5.2.3). */
	ASN1_INTEGER *number = old ? hold_integer(pool, X509_CRL_get_ext_d2i(old, NID_crl_number, NULL, NULL)) : NULL;
	BIGNUM *bn = hold_bn(pool, number ? ASN1_INTEGER_to_BN(number, NULL) : BN_new());
	ASN1_INTEGER *next = bn && BN_add_word(bn, 1) == 1 ? hold_integer(pool, BN_to_ASN1_INTEGER(bn, NULL)) : NULL;
	X509V3_CTX ctx;
	X509V3_set_ctx_nodb(&ctx);
	X509V3_set_ctx(&ctx, ca->cert, NULL, NULL, crl, 0);
	X509_EXTENSION *aki = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
	if (!next || !aki || X509_CRL_add_ext(crl, hold_extension(pool, aki), -1) != 1 ||
	    X509_CRL_add1_ext_i2d(crl, NID_crl_number, next, 0, 0) != 1 || X509_CRL_sort(crl) != 1 ||
	    X509_CRL_sign(crl, ca->key, EVP_sha256()) <= 0)
		return ssl_fault(e, "crl");

	size_t n;
	BIO *bio = memory(pool);
	char *text = bio && PEM_write_bio_X509_CRL(bio, crl) == 1 ? taken(bio, pool, &n) : NULL;
	return text ? file_write(in(pool, dir, "ca.crl"), text, n, 0644, e) : ssl_fault(e, "crl");
}

/* Under the folder's lock. */
static int make_locked(const char *dir, struct pool *pool, struct err *e)
{
	struct authority ca;
	if (!file_exists(in(pool, dir, "ca.pem"))) {
		/* The key goes first: a process that dies between the two leaves a key without a use, made again here.
		 */
		ca.cert = new_cert(pool, &ca.key);
		X509_NAME *name = ca.cert ? add_names(ca.cert, "0002 000000000", "AC ESSAI PERSONNES") : NULL;
		time_t now = time(NULL);
		if (!name || X509_set_issuer_name(ca.cert, name) != 1 ||
		    set_dates(ca.cert, now - DAY_S, now + CA_DAYS * DAY_S) < 0 ||
		    !add_extension(ca.cert, ca.cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0", pool) ||
		    !add_extension(ca.cert, ca.cert, NID_key_usage, "critical,keyCertSign,cRLSign", pool) ||
		    !add_extension(ca.cert, ca.cert, NID_subject_key_identifier, "hash", pool) ||
		    !add_extension(ca.cert, ca.cert, NID_authority_key_identifier, "keyid:always", pool) ||
		    X509_sign(ca.cert, ca.key, EVP_sha256()) <= 0)
			return ssl_fault(e, "authority");
		if (put_key(ca.key, in(pool, dir, "ca.key"), pool, e) < 0 ||
		    put_certs(ca.cert, NULL, in(pool, dir, "ca.pem"), 0644, pool, NULL, e) < 0)
			return -1;
	} else if (load_authority(dir, pool, &ca, e) < 0) {
		return -1;
	}
	return file_exists(in(pool, dir, "ca.crl")) ? 0 : put_crl(dir, &ca, NULL, NULL, 0, pool, e);
}

/* Runs a step under the lock of the folder, with a pool that wipes. */
struct step {
	const char *dir, *name, *common_name, *nid, *dir_out;
	int days;
	const char *const *serials;
	size_t count;
	const struct pair *pair;
	char *pem;
};

static int locked(struct step *s, int (*run)(struct step *, struct pool *, struct err *), struct err *e)
{
	int lock = file_folder(s->dir, 0700, e) < 0 ? -1 : file_lock_folder(s->dir, e);
	if (lock < 0)
		return -1;
	struct pool *mine = pool_new_secret();
	int result = run(s, mine, e);
	pool_free(mine);
	close(lock);
	return result;
}

static int run_make(struct step *s, struct pool *pool, struct err *e)
{
	return make_locked(s->dir, pool, e);
}

int authority_make(const char *dir, struct err *e)
{
	return locked(&(struct step){ .dir = dir }, run_make, e);
}

/* A file name, nothing else: no folder, no hidden file. */
static bool is_plain(const char *name)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.";
	size_t n = name ? strlen(name) : 0;
	return n && n <= 100 && name[0] != '.' && strspn(name, allowed) == n;
}

static bool is_number(const char *nid)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./";
	size_t n = nid ? strlen(nid) : 0;
	return n && n <= 64 && strspn(nid, allowed) == n;
}

static int put_p12(const struct step *s, EVP_PKEY *key, X509 *cert, X509 *ca, struct pool *pool, struct err *e)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	pool_defer(pool, undo_certs, chain);
	if (!chain || !sk_X509_push(chain, ca))
		return ssl_fault(e, "pkcs12");
	PKCS12 *p12 = hold_p12(pool, PKCS12_create("enroll", s->common_name, key, cert, chain, 0, 0, 0, 0, 0));
	BIO *bio = memory(pool);
	size_t n;
	char *data = p12 && bio && i2d_PKCS12_bio(bio, p12) == 1 ? taken(bio, pool, &n) : NULL;
	if (!data)
		return ssl_fault(e, "pkcs12");
	return file_write(in(pool, s->dir_out, pool_printf(pool, "%s.p12", s->name)), data, n, 0600, e);
}

static int run_issue(struct step *s, struct pool *pool, struct err *e)
{
	struct authority ca;
	EVP_PKEY *key;
	if (load_authority(s->dir, pool, &ca, e) < 0)
		return -1;
	X509 *cert = new_cert(pool, &key);
	X509_NAME *name = cert ? add_names(cert, "AGENTS ASSURANCE MALADIE", s->common_name) : NULL;
	time_t now = time(NULL), to = now + s->days * DAY_S, from = (to < now ? to : now) - DAY_S;
	if (!name || !add_name(name, NID_userId, s->nid, -1) ||
	    X509_set_issuer_name(cert, X509_get_subject_name(ca.cert)) != 1 || set_dates(cert, from, to) < 0 ||
	    !add_extension(cert, ca.cert, NID_basic_constraints, "critical,CA:FALSE", pool) ||
	    !add_extension(cert, ca.cert, NID_key_usage, "critical,digitalSignature", pool) ||
	    !add_extension(cert, ca.cert, NID_ext_key_usage, "clientAuth", pool) ||
	    !add_extension(cert, ca.cert, NID_subject_key_identifier, "hash", pool) ||
	    !add_extension(cert, ca.cert, NID_authority_key_identifier, "keyid:always", pool) ||
	    X509_sign(cert, ca.key, EVP_sha256()) <= 0)
		return ssl_fault(e, "issue");
	char *pem = NULL;
	if (file_folder(s->dir_out, 0700, e) < 0 ||
	    put_key(key, in(pool, s->dir_out, pool_printf(pool, "%s.key", s->name)), pool, e) < 0 ||
	    put_certs(cert, NULL, in(pool, s->dir_out, pool_printf(pool, "%s.pem", s->name)), 0600, pool, &pem, e) <
		    0 ||
	    put_p12(s, key, cert, ca.cert, pool, e) < 0)
		return -1;
	s->pem = OPENSSL_strdup(pem);
	return s->pem ? 0 : ssl_fault(e, "issue");
}

int authority_issue(const char *dir, const char *name, const char *common_name, const char *nid, int days,
		    const char *dir_out, struct pool *pool, struct certificate *out, struct err *e)
{
	if (!is_plain(name))
		return fault(e, "issue: not a file name");
	size_t n = common_name ? strlen(common_name) : 0;
	if (!n || !str_is_utf8(common_name, n) || str_chars(common_name) > 64)
		return fault(e, "issue: the common name is 1 to 64 characters");
	if (!is_number(nid))
		return fault(e, "issue: the number is 1 to 64 letters, digits, - _ . /");
	if (days < -CA_DAYS || days > CA_DAYS)
		return fault(e, "issue: %d days", days);
	struct step s = {
		.dir = dir, .name = name, .common_name = common_name, .nid = nid, .days = days, .dir_out = dir_out
	};
	int result = locked(&s, run_issue, e);
	/* Read back from the text: the order inside the RDN is the one that others will read. */
	if (result == 0 && certificate_read_pem(s.pem, pool, out) == PEER_BAD)
		result = fault(e, "issue: unreadable");
	OPENSSL_free(s.pem);
	return result;
}

static int run_crl(struct step *s, struct pool *pool, struct err *e)
{
	struct authority ca;
	if (load_authority(s->dir, pool, &ca, e) < 0)
		return -1;
	X509_CRL *old = NULL;
	const char *path = in(pool, s->dir, "ca.crl");
	if (file_exists(path)) {
		char *text = file_read(path, 16 * PEM_MOST, pool, NULL, e);
		if (!text)
			return -1;
		BIO *bio = hold_bio(pool, BIO_new_mem_buf(text, -1));
		old = bio ? hold_crl(pool, PEM_read_bio_X509_CRL(bio, NULL, ssl_no_password, NULL)) : NULL;
		if (!old || X509_CRL_verify(old, ca.key) != 1)
			return ssl_fault(e, "crl: the one there is unreadable");
	}
	return put_crl(s->dir, &ca, old, s->serials, s->count, pool, e);
}

int authority_crl(const char *dir, const char *const *serials, size_t count, struct err *e)
{
	return locked(&(struct step){ .dir = dir, .serials = serials, .count = count }, run_crl, e);
}

/* What the service itself holds: a key and a certificate of the authority of its folder. */
struct pair {
	const char *file, *unit, *common_name, *usage, *purpose, *alternative;
	int days;
};
static const struct pair server_pair = { "server",     "SERVEURS",
					 "localhost",  "critical,digitalSignature",
					 "serverAuth", "DNS:localhost,IP:127.0.0.1,IP:::1",
					 SERVER_DAYS };
/* Without a purpose: no extended key usage of that time means "seals a document" to every reader. */
static const struct pair seal_pair = {
	"seal", "SCEAUX", "REJOINDRE MON SOUTIEN PSY (ESSAI)", "critical,digitalSignature,nonRepudiation", NULL,
	NULL,   SEAL_DAYS
};

/* Is there a pair that fits, from this authority and good for a while yet? */
static bool pair_stands(const char *dir, const char *file, const struct authority *ca, struct pool *pool)
{
	struct err e;
	char *pem = file_read(in(pool, dir, pool_printf(pool, "%s.pem", file)), PEM_MOST, pool, NULL, &e);
	char *key_pem =
		pem ? file_read(in(pool, dir, pool_printf(pool, "%s.key", file)), PEM_MOST, pool, NULL, &e) : NULL;
	X509 *cert = key_pem ? parse_cert(pem, pool) : NULL;
	BIO *bio = cert ? hold_bio(pool, BIO_new_mem_buf(key_pem, -1)) : NULL;
	EVP_PKEY *key = bio ? hold_key(pool, PEM_read_bio_PrivateKey(bio, NULL, ssl_no_password, NULL)) : NULL;
	time_t later = time(NULL) + RENEW_DAYS * DAY_S;
	bool stands = key && X509_check_private_key(cert, key) == 1 && X509_verify(cert, ca->key) == 1 &&
		      X509_cmp_time(X509_get0_notAfter(cert), &later) > 0;
	ERR_clear_error();
	return stands;
}

static int run_pair(struct step *s, struct pool *pool, struct err *e)
{
	const struct pair *p = s->pair;
	struct authority ca;
	if (make_locked(s->dir, pool, e) < 0 || load_authority(s->dir, pool, &ca, e) < 0)
		return -1;
	if (pair_stands(s->dir, p->file, &ca, pool))
		return 0;
	EVP_PKEY *key;
	X509 *cert = new_cert(pool, &key);
	time_t now = time(NULL);
	if (!cert || !add_names(cert, p->unit, p->common_name) ||
	    X509_set_issuer_name(cert, X509_get_subject_name(ca.cert)) != 1 ||
	    set_dates(cert, now - DAY_S, now + p->days * DAY_S) < 0 ||
	    !add_extension(cert, ca.cert, NID_basic_constraints, "critical,CA:FALSE", pool) ||
	    !add_extension(cert, ca.cert, NID_key_usage, p->usage, pool) ||
	    (p->purpose && !add_extension(cert, ca.cert, NID_ext_key_usage, p->purpose, pool)) ||
	    (p->alternative && !add_extension(cert, ca.cert, NID_subject_alt_name, p->alternative, pool)) ||
	    !add_extension(cert, ca.cert, NID_subject_key_identifier, "hash", pool) ||
	    !add_extension(cert, ca.cert, NID_authority_key_identifier, "keyid:always", pool) ||
	    X509_sign(cert, ca.key, EVP_sha256()) <= 0)
		return ssl_fault(e, "certificate of the service");
	if (put_key(key, in(pool, s->dir, pool_printf(pool, "%s.key", p->file)), pool, e) < 0)
		return -1;
	return put_certs(cert, ca.cert, in(pool, s->dir, pool_printf(pool, "%s.pem", p->file)), 0644, pool, NULL, e);
}

int authority_server(const char *dir, struct err *e)
{
	return locked(&(struct step){ .dir = dir, .pair = &server_pair }, run_pair, e);
}

int authority_seal(const char *dir, struct err *e)
{
	return locked(&(struct step){ .dir = dir, .pair = &seal_pair }, run_pair, e);
}
