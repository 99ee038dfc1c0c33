/*
 * Everything that OpenSSL and libsodium do for us; the crypto*.c files alone see them.
 *
 *	struct keyring *k = keyring_open("var/keys", &e);            once, at start
 *	crypto_seal(k, "working_copy.data:42", plain, n, pool, &out, &out_len);
 *	crypto_open(k, "working_copy.data:42", out, out_len, pool, &plain, &n, &e);
 *
 * At rest: AES-256-GCM, random 96-bit IV, additional data = "table.column:id:key id". The text starts with a version
 * byte and the key's id, so that keys can be rotated. Equality: HMAC-SHA-256 under a key of its own.
 * Nothing here may run on an event loop but digests, HMAC, seal and open of small texts; argon2 belongs to job_work().
 */
#ifndef BASE_CRYPTO_H
#define BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "clock.h"
#include "err.h"
#include "pool.h"

#define SHA256_SIZE 32

struct keyring;

/*
 * Reads the key file, made with mode 0600 when absent and `create`. A line a key: id, use (seal, hmac or sign), 64
 * hexadecimal digits. The last line of a use is the current key; the older ones still open and verify. A file that
 * others may read is refused. Safe to share between threads: what was read is never written again.
 */
struct keyring *keyring_open(const char *path, bool create, struct err *e);
void keyring_close(struct keyring *k); /* wipes; NULL is accepted */
/*
 * Takes up a file that is another than the one read last (*changed); the same file costs one stat(). A bad file, or one
 * where a known id is another key, changes nothing and is told once. crypto_open() does it by itself when it meets an
 * id it does not know. Any thread.
 */
int keyring_reload(struct keyring *k, bool *changed, struct err *e) MUST_USE;
const char *keyring_current(const struct keyring *k); /* id of the key that seals now */
/* Equality is searched with this key and not the last one: the database says with which its columns were made. Before
 * any thread starts. */
int keyring_hmac(struct keyring *k, const char *id, struct err *e) MUST_USE;
struct key_name {
	const char *id, *use;
	bool current;
};
size_t keyring_list(const struct keyring *k, struct pool *pool, struct key_name **out); /* in the file's order */

/*
 * Changes of the file; programs that run take them up by themselves. keyring_add() makes a key, in use at once when
 * `current`, else only known. keyring_promote() makes a known one the current one. keyring_remove() refuses to leave a
 * use without a key; whether anything is still sealed with it is the caller's to know (server/rekey.h).
 */
int keyring_add(const char *path, const char *use, bool current, struct pool *pool, const char **id,
		struct err *e) MUST_USE;
int keyring_promote(const char *path, const char *id, struct err *e) MUST_USE;
int keyring_remove(const char *path, const char *id, struct err *e) MUST_USE;

void crypto_random(void *out, size_t n);
void crypto_wipe(void *p, size_t n);
bool crypto_equal(const void *a, const void *b, size_t n); /* constant time */
void crypto_sha256(const void *data, size_t n, unsigned char out[SHA256_SIZE]);
char *crypto_sha256_hex(struct pool *pool, const void *data, size_t n);
struct crypto_hash; /* streaming SHA-256, for files */
struct crypto_hash *crypto_hash_new(struct pool *pool);
void crypto_hash_add(struct crypto_hash *h, const void *data, size_t n);
void crypto_hash_end(struct crypto_hash *h, unsigned char out[SHA256_SIZE]);

/* A new secret for a cookie or a link: 32 random bytes in base64url (43 characters). Only its digest is stored. */
char *crypto_token(struct pool *pool);
/* SHA-256 of a token's text, in hexadecimal: what the database holds. */
char *crypto_token_digest(struct pool *pool, const char *token);
/* Six decimal digits, uniform. */
char *crypto_code(struct pool *pool);

/* HMAC-SHA-256 for equality searches; `use` separates domains ("nir", "iban", "idempotency", "csrf"). Hex, 64 chars. */
char *crypto_hmac_hex(const struct keyring *k, struct pool *pool, const char *use, const void *data, size_t n);

/* What the database keeps is sealed by db/sealed.h, which knows the places. */
int crypto_seal(const struct keyring *k, const char *where, const void *plain, size_t n, struct pool *pool,
		unsigned char **out, size_t *out_len, struct err *e) MUST_USE;
/* ERR_FAULT, which names `where`, when the text was changed, belongs elsewhere or its key is gone. The plain text gets
 * a final 0. */
int crypto_open(const struct keyring *k, const char *where, const void *sealed, size_t n, struct pool *pool,
		unsigned char **out, size_t *out_len, struct err *e) MUST_USE;

/* How many first bytes (its key's id and the IV) no other sealed text has; 0: not one. */
size_t crypto_seal_head(const void *sealed, size_t n);

/*
 * argon2id, libsodium's text form. Slow on purpose (about 0.1 s, 64 MiB). Verify is true for a match; with a NULL hash
 * (no such account) it takes as long and is false.
 */
int crypto_password_hash(const char *password, struct pool *pool, char **out, struct err *e) MUST_USE;
bool crypto_password_verify(const char *hash, const char *password);

/* ---- signatures of the hourly Merkle root: Ed25519 key of the keyring ---- */
char *crypto_sign_hex(const struct keyring *k, struct pool *pool, const void *data, size_t n);
bool crypto_verify_hex(const struct keyring *k, const char *signature_hex, const void *data, size_t n);
char *crypto_public_hex(const struct keyring *k, struct pool *pool); /* for those who verify without us */

/* ---- X.509: the development authority (shape of IGC-Santé: multi-valued RDN, the person's number in it) ---- */

struct certificate {
	const char *issuer;      /* RFC 2253, stable text */
	const char *subject;     /* RFC 2253 */
	const char *serial;      /* hexadecimal, upper case */
	const char *fingerprint; /* SHA-256 of the DER, hexadecimal */
	const char *nid; /* the person's number, read by type (UID, else serialNumber) wherever it is, or NULL */
	const char *common_name; /* or NULL */
	instant_t not_before, not_after;
};

/* Makes (once) DIR/ca.key (mode 0600), ca.pem and an empty ca.crl (0644). Calling it again changes nothing. */
int authority_make(const char *dir, struct err *e) MUST_USE;
/*
 * Issues a client certificate (ECDSA P-256): writes DIR_OUT/NAME.key, NAME.pem, NAME.p12 (password "enroll", readable
 * by browsers) with mode 0600, and tells what it wrote. The multi-valued RDN holds CN and the agent's number. `days`
 * below 1 makes one that is already expired, to try the page that says so.
 */
int authority_issue(const char *dir, const char *name, const char *common_name, const char *nid, int days,
		    const char *dir_out, struct pool *pool, struct certificate *out, struct err *e) MUST_USE;
/*
 * Writes the CRL again with the serials it had and these (hexadecimal) more; count 0 renews it. What is revoked stays
 * so.
 */
int authority_crl(const char *dir, const char *const *serials, size_t count, struct err *e) MUST_USE;
/*
 * A server certificate for development, from the authority of DIR (made when absent): DIR/server.pem, with the
 * authority's after it, and server.key, for localhost, 127.0.0.1 and ::1. Made again in its last 30 days only.
 */
int authority_server(const char *dir, struct err *e) MUST_USE;
/* The same for what seals documents: DIR/seal.pem and seal.key. */
int authority_seal(const char *dir, struct err *e) MUST_USE;

/*
 * ---- the electronic seal of a document: a detached CMS signature as PAdES B-B wants it (ETSI EN 319 142-1 §6.3) ----
 *
 * The signed attributes are content type, message digest and signing-certificate-v2 (RFC 5035), and no signing time:
 * that one stands in the PDF's signature dictionary. server/pdf_seal.c puts the signature where it belongs. Not on an
 * event loop.
 */
#define PADES_MOST ((size_t)64 << 20)
struct pades;
/* PEM files: the sealing certificate with its chain after it, and its key. Read now, so that a new one is used at once;
 * lives as long as the pool. ERR_FAULT when they do not fit, are out of date or not made for signatures. */
struct pades *pades_open(const char *cert, const char *key, struct pool *pool, struct err *e);
/* DER, verified before it is given. */
int pades_sign(const struct pades *x, const void *data, size_t n, struct pool *pool, unsigned char **out, size_t *out_n,
	       struct err *e) MUST_USE;

/* ---- TLS contexts for server/http.c; struct ssl_ctx_st and ssl_st are OpenSSL's ---- */

struct ssl_ctx_st;
struct ssl_st;

/* Public listener: TLS 1.2+, ECDSA, ALPN is added by http.c. */
struct ssl_ctx_st *tls_public(const char *cert, const char *key, struct err *e);
/*
 * Agents' listener: TLS 1.3 only, no tickets, no session cache, a certificate is asked for and the handshake never
 * fails because of it: tls_peer() tells what is wrong, so that a page can say it. CRL may be NULL.
 */
struct ssl_ctx_st *tls_agents(const char *cert, const char *key, const char *ca, const char *crl, struct err *e);
/*
 * Gives a newer CRL, signed by the authority, to a context that was made with one, while it serves: tls_peer() answers
 * PEER_REVOKED from then on, on open connections too. Any thread.
 */
int tls_crl(struct ssl_ctx_st *ctx, const char *crl, struct err *e) MUST_USE;
void tls_free(struct ssl_ctx_st *ctx); /* NULL is accepted; connections keep what they need of it */

enum peer_state { PEER_NONE, PEER_GOOD, PEER_OTHER_CA, PEER_EXPIRED, PEER_REVOKED, PEER_BAD };
/*
 * Reads the peer's certificate into *out (pooled, zeroed when there is none to read). Dates are checked again against
 * the machine's clock and revocation against the newest CRL. PEER_BAD: anything else that is wrong with it, a subject
 * that cannot be read or names two persons included.
 */
enum peer_state tls_peer(struct ssl_st *ssl, struct pool *pool, struct certificate *out);
/*
 * The same answer from what tls_peer() read once on this connection, without reading the names again (0.3 µs for 12):
 * for each request.
 */
enum peer_state tls_peer_still(struct ssl_st *ssl, const struct certificate *read);
/* Trusts nobody: PEER_GOOD (readable and in date), PEER_EXPIRED or PEER_BAD. For a text of unknown origin. */
enum peer_state certificate_read_pem(const char *pem, struct pool *pool, struct certificate *out);
/* When a certificate, or a list of revoked ones, ends; -1 for a text that is neither, or says no end. */
int certificate_end(const char *pem, instant_t *out) MUST_USE;

#endif
