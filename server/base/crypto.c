#include "crypto.h"
#include <openssl/err.h>
#include <openssl/evp.h>
#include <pthread.h>
#include <sodium.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "crypto_ssl.h"
#include "file.h"
#include "str.h"

enum { KEY_SIZE = 32, KEYS_MOST = 64, ID_MOST = 32, IV_SIZE = 12, TAG_SIZE = 16, VERSION = 1 };
#define SEAL_MOST ((size_t)1 << 30) /* OpenSSL counts in int */

enum use { USE_SEAL, USE_HMAC, USE_SIGN, USES };
static const char *const use_names[USES] = { "seal", "hmac", "sign" };

struct key {
	char id[ID_MOST + 1];
	enum use use;
	unsigned char bytes[KEY_SIZE];
};

/* What a file said, once: read-only memory. */
struct ring {
	size_t count;
	size_t current[USES]; /* the last of each use */
	struct key keys[KEYS_MOST];
	struct ring *before; /* those that a thread may still be reading */
};

struct keyring {
	char *path;
	_Atomic(struct ring *) now;
	char hmac[ID_MOST + 1];         /* set by keyring_hmac() at the start: not the last one */
	pthread_mutex_t lock;           /* of the two below, and of taking a new file up */
	struct timespec seen;           /* of the file that was read last */
	unsigned long long seen_number; /* its inode: a new file with an old date is new all the same */
};

int ssl_fault(struct err *e, const char *what)
{
	unsigned long code = ERR_peek_last_error();
	const char *reason = ERR_reason_error_string(code);
	fault(e, "%s: %s (%08lx)", what, reason ? reason : "?", code);
	ERR_clear_error();
	return -1;
}

int ssl_no_password(char *buffer, int size, int writing, void *unused)
{
	(void)writing;
	(void)unused;
	if (size > 0)
		buffer[0] = 0;
	return -1;
}

/* ---- keys ---- */

static bool ready(void)
{
	return sodium_init() >= 0; /* once, whatever the threads */
}

static char *key_line(struct pool *pool, enum use use)
{
	unsigned char id[4], key[KEY_SIZE];
	crypto_random(id, sizeof id);
	crypto_random(key, sizeof key);
	char *line = pool_printf(pool, "%s %s %s\n", str_hex(pool, id, sizeof id), use_names[use],
				 str_hex(pool, key, sizeof key));
	crypto_wipe(key, sizeof key);
	return line;
}

/* Reads "id use hex"; 0 also for a blank line or a comment, which adds nothing. */
static int read_line(struct ring *k, char *line)
{
	char *rest = NULL, *id = strtok_r(line, " \t\r", &rest);
	if (!id || *id == '#')
		return 0;
	const char *use = strtok_r(NULL, " \t\r", &rest), *hex = strtok_r(NULL, " \t\r", &rest);
	const char *more = strtok_r(NULL, " \t\r", &rest);
	if (!use || !hex || more || strlen(id) > ID_MOST || k->count == KEYS_MOST)
		return -1;
	for (size_t i = 0; i < k->count; i++)
		if (str_eq(k->keys[i].id, id))
			return -1;
	struct key *key = &k->keys[k->count];
	size_t n;
	if (strlen(hex) != 2 * KEY_SIZE || sodium_hex2bin(key->bytes, KEY_SIZE, hex, 2 * KEY_SIZE, NULL, &n, NULL) ||
	    n != KEY_SIZE)
		return -1;
	memcpy(key->id, id, strlen(id) + 1);
	for (key->use = 0; key->use < USES; key->use++)
		if (str_eq(use, use_names[key->use]))
			break;
	if (key->use == USES)
		return -1;
	k->current[key->use] = k->count++;
	return 0;
}

static int read_keys(struct ring *k, char *text, struct err *e)
{
	int number = 0;
	for (char *line = text, *next; line; line = next) {
		next = strchr(line, '\n');
		if (next)
			*next++ = 0;
		number++;
		if (read_line(k, line) < 0)
			return fault(e, "key file: line %d", number);
	}
	for (enum use use = 0; use < USES; use++)
		if (!k->count || k->keys[k->current[use]].use != use)
			return fault(e, "key file: no %s key", use_names[use]);
	return 0;
}

static char *folder_of(struct pool *pool, const char *path)
{
	const char *slash = strrchr(path, '/');
	if (!slash)
		return pool_strdup(pool, ".");
	return slash == path ? pool_strdup(pool, "/") : pool_strndup(pool, path, (size_t)(slash - path));
}

static int make_keys(const char *path, struct pool *pool, struct err *e)
{
	char *text = pool_printf(pool, "%s%s%s", key_line(pool, USE_SEAL), key_line(pool, USE_HMAC),
				 key_line(pool, USE_SIGN));
	if (file_folder(folder_of(pool, path), 0700, e) < 0)
		return -1;
	return file_write_once(path, text, strlen(text), 0600, e);
}

static char *read_key_file(const char *path, struct pool *pool, struct err *e)
{
	struct stat st;
	if (stat(path, &st) == 0 && (st.st_mode & 077)) {
		fault(e, "key file: mode %03o lets others in, want 600", (unsigned)(st.st_mode & 0777));
		return NULL;
	}
	return file_read(path, 65536, pool, NULL, e);
}

/* A ring of what the file says now; NULL with *e. */
static struct ring *ring_read(const char *path, struct err *e)
{
	struct pool *pool = pool_new_secret();
	char *text = read_key_file(path, pool, e);
	struct ring *r = text ? sodium_malloc(sizeof *r) : NULL;
	if (text && !r)
		fault(e, "no memory for keys");
	if (r) {
		memset(r, 0, sizeof *r);
		if (read_keys(r, text, e) < 0) {
			sodium_free(r);
			r = NULL;
		}
	}
	pool_free(pool);
	return r;
}

static const struct ring *ring_of(const struct keyring *k)
{
	return atomic_load_explicit(&k->now, memory_order_acquire);
}

static const struct key *key_named(const struct ring *r, enum use use, const char *id, size_t n)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->keys[i].use == use && strlen(r->keys[i].id) == n && memcmp(r->keys[i].id, id, n) == 0)
			return &r->keys[i];
	return NULL;
}

/* True once for each file that is another than the one before. Under the lock. */
static bool file_is_new(struct keyring *k)
{
	struct stat st;
	if (stat(k->path, &st))
		return false;
	bool new = st.st_mtim.tv_sec != k->seen.tv_sec || st.st_mtim.tv_nsec != k->seen.tv_nsec ||
		   st.st_ino != k->seen_number;
	k->seen = st.st_mtim;
	k->seen_number = st.st_ino;
	return new;
}

struct keyring *keyring_open(const char *path, bool create, struct err *e)
{
	if (!ready()) {
		fault(e, "libsodium did not start");
		return NULL;
	}
	struct pool *pool = pool_new_secret();
	int made = !create || file_exists(path) ? 0 : make_keys(path, pool, e);
	pool_free(pool);
	struct keyring *k = made ? NULL : calloc(1, sizeof *k);
	if (!k) {
		if (!made)
			fault(e, "no memory for keys");
		return NULL;
	}
	k->path = strdup(path);
	pthread_mutex_init(&k->lock, NULL);
	(void)file_is_new(k);
	struct ring *r = ring_read(path, e);
	if (!r) {
		keyring_close(k);
		return NULL;
	}
	sodium_mprotect_readonly(r);
	atomic_store(&k->now, r);
	return k;
}

void keyring_close(struct keyring *k)
{
	if (!k)
		return;
	for (struct ring *r = atomic_load(&k->now), *before; r; r = before) {
		before = r->before;
		sodium_free(r); /* wipes */
	}
	pthread_mutex_destroy(&k->lock);
	free(k->path);
	free(k);
}

/* A key that has another's name would make what that one sealed unreadable. */
static int same_names_same_keys(const struct ring *new, const struct ring *old, struct err *e)
{
	for (size_t i = 0; i < new->count; i++)
		for (size_t n = 0; n < old->count; n++)
			if (str_eq(new->keys[i].id, old->keys[n].id) &&
			    (new->keys[i].use != old->keys[n].use ||
			     sodium_memcmp(new->keys[i].bytes, old->keys[n].bytes, KEY_SIZE) != 0))
				return fault(e, "key file: %s is another key than before", new->keys[i].id);
	return 0;
}

static int take_up(struct keyring *k, bool *changed, struct err *e)
{
	struct ring *old = atomic_load(&k->now);
	*changed = false;
	if (!file_is_new(k))
		return 0;
	struct ring *new = ring_read(k->path, e);
	if (!new)
		return -1;
	if (same_names_same_keys(new, old, e) ||
	    (*k->hmac && !key_named(new, USE_HMAC, k->hmac, strlen(k->hmac)) &&
	     fault(e, "key file: %s is gone, and searches are made with it", k->hmac))) {
		sodium_free(new);
		return -1;
	}
	new->before = old;
	sodium_mprotect_readonly(new);
	atomic_store_explicit(&k->now, new, memory_order_release);
	*changed = true;
	return 0;
}

int keyring_reload(struct keyring *k, bool *changed, struct err *e)
{
	pthread_mutex_lock(&k->lock);
	int result = take_up(k, changed, e);
	pthread_mutex_unlock(&k->lock);
	return result;
}

const char *keyring_current(const struct keyring *k)
{
	const struct ring *r = ring_of(k);
	return r->keys[r->current[USE_SEAL]].id;
}

int keyring_hmac(struct keyring *k, const char *id, struct err *e)
{
	if (strlen(id) > ID_MOST || !key_named(ring_of(k), USE_HMAC, id, strlen(id)))
		return fault(e, "key file: searches are made with a key that is not there");
	memcpy(k->hmac, id, strlen(id) + 1);
	return 0;
}

static const struct key *hmac_key(const struct keyring *k)
{
	const struct ring *r = ring_of(k);
	const struct key *named = *k->hmac ? key_named(r, USE_HMAC, k->hmac, strlen(k->hmac)) : NULL;
	return named ? named : &r->keys[r->current[USE_HMAC]];
}

size_t keyring_list(const struct keyring *k, struct pool *pool, struct key_name **out)
{
	const struct ring *r = ring_of(k);
	*out = POOL_ARRAY(pool, struct key_name, r->count + 1);
	for (size_t i = 0; i < r->count; i++)
		(*out)[i] = (struct key_name){ pool_strdup(pool, r->keys[i].id), use_names[r->keys[i].use],
					       r->keys[i].use == USE_HMAC ? &r->keys[i] == hmac_key(k)
									  : i == r->current[r->keys[i].use] };
	return r->count;
}

/* ---- changing the file: read, changed as lines, written whole, under the folder's lock ---- */

struct change {
	const char *id, *use; /* of the line concerned; `use` alone makes a new one */
	bool last, gone;
	const char *made;
};

/* The text again, without the line of that id; the line itself in *line. */
static char *without(const char *text, const char *id, struct pool *pool, const char **line)
{
	struct str out = str_in(pool);
	size_t n = strlen(id);
	*line = NULL;
	for (const char *p = text, *end; *p; p = end) {
		size_t size = strcspn(p, "\n");
		end = p + size + (p[size] == '\n');
		const char *first = p + strspn(p, " \t");
		if (!strncmp(first, id, n) && (first[n] == ' ' || first[n] == '\t')) {
			*line = pool_printf(pool, "%.*s\n", (int)size, p);
			continue;
		}
		str_addf(&out, "%.*s\n", (int)size, p);
	}
	return out.s ? out.s : pool_strdup(pool, "");
}

static int change_lines(struct change *c, const char *path, struct pool *pool, struct pool *callers, struct err *e)
{
	const char *line = NULL;
	char *text = read_key_file(path, pool, e);
	if (!text)
		return -1;
	if (c->id) {
		text = without(text, c->id, pool, &line);
		if (!line)
			return fault(e, "key file: there is no key %.40s", c->id);
	} else {
		enum use use = 0;
		while (use < USES && !str_eq(c->use, use_names[use]))
			use++;
		if (use == USES)
			return fault(e, "key file: keys seal, hmac or sign");
		line = key_line(pool, use);
		c->made = pool_strndup(callers, line, strcspn(line, " "));
	}
	const char *end = *text && !str_ends(text, "\n") ? "\n" : "";
	char *after = c->gone   ? text
		      : c->last ? pool_printf(pool, "%s%s%s", text, end, line)
				: pool_printf(pool, "%s%s", line, text);
	/* Never a file that the next start would refuse. */
	struct ring *r = sodium_malloc(sizeof *r);
	if (!r)
		return fault(e, "no memory for keys");
	memset(r, 0, sizeof *r);
	int bad = read_keys(r, pool_strdup(pool, after), e);
	sodium_free(r);
	return bad ? -1 : file_write(path, after, strlen(after), 0600, e);
}

static int change(struct change *c, const char *path, struct pool *callers, struct err *e)
{
	if (!ready())
		return fault(e, "libsodium did not start");
	struct pool *pool = pool_new_secret();
	int lock = file_lock_folder(folder_of(pool, path), e);
	int result = lock < 0 ? -1 : change_lines(c, path, pool, callers, e);
	if (lock >= 0)
		close(lock);
	pool_free(pool);
	return result;
}

int keyring_add(const char *path, const char *use, bool current, struct pool *pool, const char **id, struct err *e)
{
	struct change c = { .use = use, .last = current };
	int result = change(&c, path, pool, e);
	*id = c.made;
	return result;
}

int keyring_promote(const char *path, const char *id, struct err *e)
{
	return change(&(struct change){ .id = id, .last = true }, path, NULL, e);
}

int keyring_remove(const char *path, const char *id, struct err *e)
{
	return change(&(struct change){ .id = id, .gone = true }, path, NULL, e);
}

/* ---- random, digests ---- */

void crypto_random(void *out, size_t n)
{
	if (!ready())
		abort();
	randombytes_buf(out, n);
}

void crypto_wipe(void *p, size_t n)
{
	if (n)
		sodium_memzero(p, n);
}

bool crypto_equal(const void *a, const void *b, size_t n)
{
	return sodium_memcmp(a, b, n) == 0;
}

/* Short texts stay with libsodium, which has no algorithm to look up; long ones want the processor's instructions. */
void crypto_sha256(const void *data, size_t n, unsigned char out[SHA256_SIZE])
{
	if (n > 2048 && EVP_Digest(data, n, out, NULL, EVP_sha256(), NULL) == 1)
		return;
	crypto_hash_sha256(out, data, n);
}

char *crypto_sha256_hex(struct pool *pool, const void *data, size_t n)
{
	unsigned char digest[SHA256_SIZE];
	crypto_sha256(data, n, digest);
	return str_hex(pool, digest, sizeof digest);
}

struct crypto_hash {
	EVP_MD_CTX *ctx;
};

static void undo_md(void *ctx)
{
	EVP_MD_CTX_free(ctx);
}

static void undo_cipher(void *ctx)
{
	EVP_CIPHER_CTX_free(ctx);
}

/* SHA-256 cannot fail but for want of memory. */
static void must(bool done)
{
	if (!done)
		abort();
}

struct crypto_hash *crypto_hash_new(struct pool *pool)
{
	struct crypto_hash *h = POOL_NEW(pool, struct crypto_hash);
	must((h->ctx = EVP_MD_CTX_new()));
	pool_defer(pool, undo_md, h->ctx);
	must(EVP_DigestInit_ex(h->ctx, EVP_sha256(), NULL) == 1);
	return h;
}

void crypto_hash_add(struct crypto_hash *h, const void *data, size_t n)
{
	must(EVP_DigestUpdate(h->ctx, data, n) == 1);
}

void crypto_hash_end(struct crypto_hash *h, unsigned char out[SHA256_SIZE])
{
	must(EVP_DigestFinal_ex(h->ctx, out, NULL) == 1);
}

char *crypto_token(struct pool *pool)
{
	unsigned char bytes[32];
	crypto_random(bytes, sizeof bytes);
	char *token = str_base64url(pool, bytes, sizeof bytes);
	crypto_wipe(bytes, sizeof bytes);
	return token;
}

char *crypto_token_digest(struct pool *pool, const char *token)
{
	return crypto_sha256_hex(pool, token, strlen(token));
}

char *crypto_code(struct pool *pool)
{
	if (!ready())
		abort();
	return pool_printf(pool, "%06u", (unsigned)randombytes_uniform(1000000));
}

char *crypto_hmac_hex(const struct keyring *k, struct pool *pool, const char *use, const void *data, size_t n)
{
	/* The 0 that ends `use` keeps ("ab", "c") apart from ("a", "bc"). */
	crypto_auth_hmacsha256_state state;
	unsigned char mac[crypto_auth_hmacsha256_BYTES];
	crypto_auth_hmacsha256_init(&state, hmac_key(k)->bytes, KEY_SIZE);
	crypto_auth_hmacsha256_update(&state, (const unsigned char *)use, strlen(use) + 1);
	crypto_auth_hmacsha256_update(&state, data, n);
	crypto_auth_hmacsha256_final(&state, mac);
	sodium_memzero(&state, sizeof state);
	return str_hex(pool, mac, sizeof mac);
}

/* ---- sealing: version, length of the key's id, id, IV, text, tag ---- */

/* Feeds key, IV and additional data; `sealing` is OpenSSL's direction. */
static int begin(EVP_CIPHER_CTX *ctx, const struct key *key, const unsigned char *iv, const char *where, int sealing)
{
	char aad[512];
	int n = snprintf(aad, sizeof aad, "%s:%s", where, key->id), done;
	if (n < 0 || (size_t)n >= sizeof aad)
		return -1;
	return EVP_CipherInit_ex(ctx, EVP_aes_256_gcm(), NULL, key->bytes, iv, sealing) == 1 &&
			       EVP_CipherUpdate(ctx, NULL, &done, (const unsigned char *)aad, n) == 1
		       ? 0
		       : -1;
}

int crypto_seal(const struct keyring *k, const char *where, const void *plain, size_t n, struct pool *pool,
		unsigned char **out, size_t *out_len, struct err *e)
{
	const struct ring *ring = ring_of(k);
	const struct key *key = &ring->keys[ring->current[USE_SEAL]];
	size_t id_len = strlen(key->id);
	if (n > SEAL_MOST)
		return fault(e, "%s: too long to seal", where);
	struct pool *mine = pool_new();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	pool_defer(mine, undo_cipher, ctx);
	size_t size = 2 + id_len + IV_SIZE + n + TAG_SIZE;
	unsigned char *text = pool_alloc(pool, size), *p = text, last[TAG_SIZE];
	*p++ = VERSION;
	*p++ = (unsigned char)id_len;
	memcpy(p, key->id, id_len);
	p += id_len;
	unsigned char *iv = p;
	crypto_random(iv, IV_SIZE);
	p += IV_SIZE;
	int done = 0, end = 0;
	bool good = ctx && begin(ctx, key, iv, where, 1) == 0 &&
		    (!n || EVP_EncryptUpdate(ctx, p, &done, plain, (int)n) == 1) &&
		    EVP_EncryptFinal_ex(ctx, last, &end) == 1 && (size_t)done == n && end == 0 &&
		    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_SIZE, p + n) == 1;
	pool_free(mine);
	if (!good)
		return ssl_fault(e, where);
	*out = text;
	*out_len = size;
	return 0;
}

int crypto_open(const struct keyring *k, const char *where, const void *sealed, size_t n, struct pool *pool,
		unsigned char **out, size_t *out_len, struct err *e)
{
	const unsigned char *p = sealed;
	if (n < 2 || n > SEAL_MOST || p[0] != VERSION || n < (size_t)2 + p[1] + IV_SIZE + TAG_SIZE)
		return fault(e, "%s: not a sealed text", where);
	size_t id_len = p[1];
	const struct key *key = key_named(ring_of(k), USE_SEAL, (const char *)p + 2, id_len);
	bool changed;
	/* Another program took a new key a moment before we did. The ring is shared: this is no change of it. */
	if (!key && !keyring_reload((struct keyring *)(uintptr_t)k, &changed, e))
		key = key_named(ring_of(k), USE_SEAL, (const char *)p + 2, id_len);
	if (!key)
		return fault(e, "%s: its key %.*s is gone", where, (int)id_len, (const char *)p + 2);
	const unsigned char *iv = p + 2 + id_len, *text = iv + IV_SIZE;
	size_t len = n - 2 - id_len - IV_SIZE - TAG_SIZE;
	unsigned char tag[TAG_SIZE], last[TAG_SIZE];
	memcpy(tag, text + len, TAG_SIZE);
	unsigned char *plain = pool_alloc(pool, len + 1);
	struct pool *mine = pool_new();
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	pool_defer(mine, undo_cipher, ctx);
	int done = 0, end = 0;
	bool good = ctx && begin(ctx, key, iv, where, 0) == 0 &&
		    (!len || EVP_DecryptUpdate(ctx, plain, &done, text, (int)len) == 1) && (size_t)done == len &&
		    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_SIZE, tag) == 1 &&
		    EVP_DecryptFinal_ex(ctx, last, &end) == 1;
	pool_free(mine);
	if (!good) {
		crypto_wipe(plain, len); /* never show what was not proved */
		ERR_clear_error();
		return fault(e, "%s (key %.*s): changed, or belongs elsewhere", where, (int)id_len,
			     (const char *)p + 2);
	}
	*out = plain;
	*out_len = len;
	return 0;
}

size_t crypto_seal_head(const void *sealed, size_t n)
{
	const unsigned char *p = sealed;
	if (n < 2 || p[0] != VERSION || n < (size_t)2 + p[1] + IV_SIZE + TAG_SIZE)
		return 0;
	return (size_t)2 + p[1] + IV_SIZE;
}

/* ---- passwords ---- */

int crypto_password_hash(const char *password, struct pool *pool, char **out, struct err *e)
{
	char text[crypto_pwhash_STRBYTES];
	if (!ready() || crypto_pwhash_str(text, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
					  crypto_pwhash_MEMLIMIT_INTERACTIVE) != 0)
		return fault(e, "argon2: no memory");
	*out = pool_strdup(pool, text);
	return 0;
}

bool crypto_password_verify(const char *hash, const char *password)
{
	if (!ready() || !password)
		return false;
	if (hash)
		return crypto_pwhash_str_verify(hash, password, strlen(password)) == 0;
	/* No such account: take the same time, so that the delay does not tell. */
	char unused[crypto_pwhash_STRBYTES];
	if (crypto_pwhash_str(unused, password, strlen(password), crypto_pwhash_OPSLIMIT_INTERACTIVE,
			      crypto_pwhash_MEMLIMIT_INTERACTIVE) == 0)
		crypto_wipe(unused, sizeof unused);
	return false;
}

/* ---- signatures ---- */

char *crypto_sign_hex(const struct keyring *k, struct pool *pool, const void *data, size_t n)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES], sig[crypto_sign_BYTES];
	const struct ring *r = ring_of(k);
	crypto_sign_seed_keypair(public, secret, r->keys[r->current[USE_SIGN]].bytes);
	crypto_sign_detached(sig, NULL, data, n, secret);
	crypto_wipe(secret, sizeof secret);
	return str_hex(pool, sig, sizeof sig);
}

bool crypto_verify_hex(const struct keyring *k, const char *signature_hex, const void *data, size_t n)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES], sig[crypto_sign_BYTES];
	size_t len;
	if (!signature_hex || strlen(signature_hex) != 2 * sizeof sig ||
	    sodium_hex2bin(sig, sizeof sig, signature_hex, 2 * sizeof sig, NULL, &len, NULL) || len != sizeof sig)
		return false;
	/* A root signed before the key was changed stays good. */
	bool good = false;
	const struct ring *r = ring_of(k);
	for (size_t i = 0; i < r->count && !good; i++) {
		if (r->keys[i].use != USE_SIGN)
			continue;
		crypto_sign_seed_keypair(public, secret, r->keys[i].bytes);
		good = crypto_sign_verify_detached(sig, data, n, public) == 0;
	}
	crypto_wipe(secret, sizeof secret);
	return good;
}

char *crypto_public_hex(const struct keyring *k, struct pool *pool)
{
	unsigned char public[crypto_sign_PUBLICKEYBYTES], secret[crypto_sign_SECRETKEYBYTES];
	const struct ring *r = ring_of(k);
	crypto_sign_seed_keypair(public, secret, r->keys[r->current[USE_SIGN]].bytes);
	crypto_wipe(secret, sizeof secret);
	return str_hex(pool, public, sizeof public);
}
