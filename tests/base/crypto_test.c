#include <openssl/err.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../lib/folder.h"
#include "../lib/test.h"
#include "../../server/base/crypto.h"
#include "../../server/base/file.h"
#include "../../server/base/str.h"

static struct pool *p;
static char *dir, *path;
static struct keyring *keys;
static struct err e;

static int setup(void **state)
{
	(void)state;
	p = pool_new();
	dir = folder_new(p);
	path = pool_printf(p, "%s/state/keys", dir);
	e = (struct err){ 0 };
	keys = keyring_open(path, true, &e);
	return keys ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	keyring_close(keys);
	folder_remove(dir);
	pool_free(p);
	return 0;
}

static void assert_fault(int result)
{
	assert_int_equal(result, -1);
	assert_int_equal(e.kind, ERR_FAULT);
	assert_int_equal(ERR_peek_error(), 0); /* nothing is left for the next connection of this thread */
	e = (struct err){ 0 };
}

static void assert_unreadable(const char *text)
{
	struct err why = { 0 };
	assert_int_equal(file_write(path, text, strlen(text), 0600, &why), 0);
	assert_null(keyring_open(path, false, &why));
	assert_int_equal(why.kind, ERR_FAULT);
	assert_null(strstr(why.detail, "00112233")); /* no key in a log */
}

#define HEX64 "0011223344556677889900112233445566778899001122334455667788990011"

static void a_keyring_is_made_once_with_mode_600(void **state)
{
	(void)state;
	assert_int_equal(folder_mode(path), 0600);
	char *before = folder_read(p, path, NULL);
	struct keyring *again = keyring_open(path, true, &e);
	assert_non_null(again);
	assert_string_equal(keyring_current(again), keyring_current(keys));
	assert_string_equal(folder_read(p, path, NULL), before);
	keyring_close(again);
	keyring_close(NULL);
}

static void a_keyring_that_is_absent_is_not_made_unasked(void **state)
{
	(void)state;
	const char *other = pool_printf(p, "%s/other", dir);
	assert_null(keyring_open(other, false, &e));
	assert_int_equal(e.kind, ERR_MISSING);
	assert_false(file_exists(other));
}

static void a_key_file_that_others_may_read_is_refused(void **state)
{
	(void)state;
	assert_int_equal(chmod(path, 0640), 0);
	assert_null(keyring_open(path, true, &e));
	assert_int_equal(e.kind, ERR_FAULT);
}

static void a_broken_key_file_is_refused(void **state)
{
	(void)state;
	assert_unreadable("");
	assert_unreadable("a seal " HEX64 "\nb hmac " HEX64 "\n");
	assert_unreadable("a seal " HEX64 "\nb hmac " HEX64 "\nc sign " HEX64 "\nd other " HEX64 "\n");
	assert_unreadable("a seal " HEX64 "\nb hmac " HEX64 "\nc sign " HEX64 "00\n");
	assert_unreadable("a seal " HEX64 "\nb hmac " HEX64 "\nc sign 0011\n");
	assert_unreadable("a seal " HEX64 "\nb hmac " HEX64 "\na sign " HEX64 "\n");
	assert_unreadable("a seal " HEX64 " x\nb hmac " HEX64 "\nc sign " HEX64 "\n");
	assert_unreadable("a seal\n");
	assert_unreadable("abcdefghijabcdefghijabcdefghijabcdefghij seal " HEX64 "\nb hmac " HEX64 "\nc sign " HEX64
			  "\n");
	struct str s = str_in(p);
	for (int i = 0; i < 100; i++)
		str_addf(&s, "k%d seal " HEX64 "\n", i);
	str_add(&s, "b hmac " HEX64 "\nc sign " HEX64 "\n");
	assert_unreadable(s.s);
	const char *good = "# note\n\na seal " HEX64 "\r\n\tb hmac " HEX64 "\nc sign " HEX64;
	assert_int_equal(file_write(path, good, strlen(good), 0600, &e), 0);
	struct keyring *k = keyring_open(path, false, &e);
	assert_non_null(k);
	assert_string_equal(keyring_current(k), "a");
	keyring_close(k);
}

static void *open_keys(void *file)
{
	struct err mine;
	struct pool *pool = pool_new();
	struct keyring *k = keyring_open(file, true, &mine);
	char *id = k ? strdup(keyring_current(k)) : NULL;
	keyring_close(k);
	pool_free(pool);
	return id;
}

static void many_starts_at_once_share_one_keyring(void **state)
{
	(void)state;
	char *other = pool_printf(p, "%s/fresh/keys", dir);
	pthread_t threads[6];
	char *first = NULL;
	for (int i = 0; i < 6; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, open_keys, other), 0);
	for (int i = 0; i < 6; i++) {
		void *id;
		pthread_join(threads[i], &id);
		assert_non_null(id);
		if (first)
			assert_string_equal(id, first);
		else
			first = pool_strdup(p, id);
		free(id);
	}
}

static void random_bytes_differ_and_wiped_ones_are_zero(void **state)
{
	(void)state;
	unsigned char a[32], b[32], zero[32] = { 0 };
	crypto_random(a, sizeof a);
	crypto_random(b, sizeof b);
	assert_false(crypto_equal(a, b, sizeof a));
	assert_false(crypto_equal(a, zero, sizeof a));
	crypto_wipe(a, sizeof a);
	assert_true(crypto_equal(a, zero, sizeof a));
	assert_true(crypto_equal(a, b, 0));
	crypto_wipe(NULL, 0);
}

static void sha256_is_that_of_fips_180(void **state)
{
	(void)state;
	assert_string_equal(crypto_sha256_hex(p, "abc", 3),
			    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_string_equal(crypto_sha256_hex(p, "", 0),
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	char *million = pool_alloc(p, 1000000);
	memset(million, 'a', 1000000);
	const char *expected = "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0";
	assert_string_equal(crypto_sha256_hex(p, million, 1000000), expected);
	struct crypto_hash *h = crypto_hash_new(p);
	unsigned char digest[SHA256_SIZE];
	for (size_t i = 0; i < 1000000;) {
		size_t n = i % 997 + 1;
		n = n > 1000000 - i ? 1000000 - i : n;
		crypto_hash_add(h, million + i, n);
		i += n;
	}
	crypto_hash_end(h, digest);
	assert_string_equal(str_hex(p, digest, sizeof digest), expected);
	crypto_hash_end(crypto_hash_new(p), digest);
	assert_string_equal(str_hex(p, digest, sizeof digest), crypto_sha256_hex(p, "", 0));
}

static void tokens_are_43_characters_and_stored_as_a_digest(void **state)
{
	(void)state;
	char *a = crypto_token(p), *b = crypto_token(p);
	assert_int_equal(strlen(a), 43);
	assert_string_not_equal(a, b);
	assert_int_equal(strspn(a, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"), 43);
	assert_string_equal(crypto_token_digest(p, a), crypto_sha256_hex(p, a, 43));
	assert_string_not_equal(crypto_token_digest(p, a), crypto_token_digest(p, b));
}

static void codes_are_six_digits_spread_evenly(void **state)
{
	(void)state;
	int count[10] = { 0 };
	for (int i = 0; i < 5000; i++) {
		char *code = crypto_code(p);
		assert_int_equal(strlen(code), 6);
		assert_int_equal(strspn(code, "0123456789"), 6);
		count[code[0] - '0']++;
	}
	for (int i = 0; i < 10; i++)
		assert_in_range(count[i], 350, 650); /* 500, seven standard deviations each side */
}

static void hmac_depends_on_use_and_key(void **state)
{
	(void)state;
	char *a = crypto_hmac_hex(keys, p, "nir", "123", 3);
	assert_int_equal(strlen(a), 64);
	assert_string_equal(a, crypto_hmac_hex(keys, p, "nir", "123", 3));
	assert_string_not_equal(a, crypto_hmac_hex(keys, p, "iban", "123", 3));
	assert_string_not_equal(a, crypto_hmac_hex(keys, p, "nir", "124", 3));
	assert_string_not_equal(crypto_hmac_hex(keys, p, "ab", "c", 1), crypto_hmac_hex(keys, p, "a", "bc", 2));
	const char *known = "a seal " HEX64
			    "\nb hmac 000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f\nc sign " HEX64;
	char *other = pool_printf(p, "%s/known", dir);
	assert_int_equal(file_write(other, known, strlen(known), 0600, &e), 0);
	struct keyring *k = keyring_open(other, false, &e);
	assert_non_null(k);
	/* python3 -c 'import hmac;print(hmac.new(bytes(range(32)),b"nir\0"b"123","sha256").hexdigest())' */
	assert_string_equal(crypto_hmac_hex(k, p, "nir", "123", 3),
			    "870d316b91329b8d495a718c8f315f24a9009dd16de304e080b9fe645b6a6d9e");
	keyring_close(k);
}

static void what_is_sealed_opens_in_its_place(void **state)
{
	(void)state;
	unsigned char *sealed, *plain;
	size_t n, m;
	char *big = pool_alloc(p, 100001);
	memset(big, 'x', 100000);
	const char *const texts[] = { "", "1", "185057800608436", big };
	for (size_t i = 0; i < COUNT(texts); i++) {
		size_t len = strlen(texts[i]);
		assert_int_equal(crypto_seal(keys, "persons.nir:42", texts[i], len, p, &sealed, &n, &e), 0);
		assert_int_equal(n, 2 + strlen(keyring_current(keys)) + 12 + len + 16);
		assert_int_equal(crypto_open(keys, "persons.nir:42", sealed, n, p, &plain, &m, &e), 0);
		assert_int_equal(m, len);
		assert_string_equal((char *)plain, texts[i]);
		if (len > 4)
			assert_null(memmem(sealed, n, texts[i], len));
	}
}

static void the_same_text_never_seals_twice_alike(void **state)
{
	(void)state;
	unsigned char *a, *b;
	size_t n, m;
	assert_int_equal(crypto_seal(keys, "t.c:1", "abc", 3, p, &a, &n, &e), 0);
	assert_int_equal(crypto_seal(keys, "t.c:1", "abc", 3, p, &b, &m, &e), 0);
	assert_int_equal(n, m);
	assert_memory_not_equal(a, b, n);
}

static void every_flipped_bit_is_noticed(void **state)
{
	(void)state;
	unsigned char *sealed, *plain;
	size_t n, m;
	assert_int_equal(crypto_seal(keys, "t.c:1", "secret", 6, p, &sealed, &n, &e), 0);
	for (size_t i = 0; i < n * 8; i++) {
		unsigned char *changed = pool_copy(p, sealed, n);
		changed[i / 8] ^= (unsigned char)(1 << i % 8);
		assert_fault(crypto_open(keys, "t.c:1", changed, n, p, &plain, &m, &e));
	}
	for (size_t i = 0; i < n; i++)
		assert_fault(crypto_open(keys, "t.c:1", pool_copy(p, sealed, i), i, p, &plain, &m, &e));
	unsigned char *longer = pool_alloc(p, n + 1);
	memcpy(longer, sealed, n);
	assert_fault(crypto_open(keys, "t.c:1", longer, n + 1, p, &plain, &m, &e));
}

static void a_text_moved_elsewhere_does_not_open(void **state)
{
	(void)state;
	unsigned char *sealed, *plain;
	size_t n, m;
	assert_int_equal(crypto_seal(keys, "persons.nir:1", "x", 1, p, &sealed, &n, &e), 0);
	assert_fault(crypto_open(keys, "persons.nir:2", sealed, n, p, &plain, &m, &e));
	assert_fault(crypto_open(keys, "persons.iban:1", sealed, n, p, &plain, &m, &e));
	char *long_place = pool_alloc(p, 1001);
	memset(long_place, 'a', 1000);
	assert_fault(crypto_seal(keys, long_place, "x", 1, p, &sealed, &n, &e));
}

static void after_a_rotation_the_old_key_still_opens(void **state)
{
	(void)state;
	unsigned char *before, *after, *plain;
	size_t n, m, len;
	char *mac = crypto_hmac_hex(keys, p, "nir", "1", 1), *signature = crypto_sign_hex(keys, p, "root", 4);
	assert_int_equal(crypto_seal(keys, "t.c:1", "old", 3, p, &before, &n, &e), 0);
	const char *made;
	char *first = pool_strdup(p, keyring_current(keys));
	assert_int_equal(keyring_add(path, "seal", true, p, &made, &e), 0);
	assert_int_equal(folder_mode(path), 0600);
	struct keyring *next = keyring_open(path, false, &e);
	assert_non_null(next);
	assert_string_equal(keyring_current(next), made);
	assert_string_not_equal(made, first);
	assert_int_equal(crypto_open(next, "t.c:1", before, n, p, &plain, &len, &e), 0);
	assert_string_equal((char *)plain, "old");
	assert_int_equal(crypto_seal(next, "t.c:1", "new", 3, p, &after, &m, &e), 0);
	assert_int_equal(crypto_open(next, "t.c:1", after, m, p, &plain, &len, &e), 0);
	/* who has not taken the new file up yet does when it meets the new key, and seals with it from then on */
	assert_string_equal(keyring_current(keys), first);
	assert_int_equal(crypto_open(keys, "t.c:1", after, m, p, &plain, &len, &e), 0);
	assert_string_equal(keyring_current(keys), made);
	/* searches and signatures do not change */
	assert_string_equal(crypto_hmac_hex(next, p, "nir", "1", 1), mac);
	assert_true(crypto_verify_hex(next, signature, "root", 4));
	keyring_close(next);
}

static void a_keyring_that_is_not_there_cannot_rotate(void **state)
{
	(void)state;
	const char *made;
	assert_int_equal(keyring_add(pool_printf(p, "%s/none", dir), "seal", true, p, &made, &e), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_int_equal(keyring_add(pool_printf(p, "%s/none/none", dir), "seal", true, p, &made, &e), -1);
	assert_int_equal(e.kind, ERR_FAULT);
}

static bool taken_up(void)
{
	bool changed;
	assert_int_equal(keyring_reload(keys, &changed, &e), 0);
	return changed;
}

static void a_new_file_is_taken_up_once_and_a_bad_one_never(void **state)
{
	(void)state;
	const char *made;
	bool changed;
	assert_false(taken_up());
	assert_int_equal(keyring_add(path, "seal", true, p, &made, &e), 0);
	assert_true(taken_up());
	assert_false(taken_up());
	assert_string_equal(keyring_current(keys), made);
	char *good = folder_read(p, path, NULL);
	assert_int_equal(file_write(path, "nothing\n", 8, 0600, &e), 0);
	assert_int_equal(keyring_reload(keys, &changed, &e), -1);
	assert_false(taken_up()); /* told once */
	assert_string_equal(keyring_current(keys), made);
	/* the same id with other bytes: what it sealed could not be read any more */
	char *other = pool_strdup(p, good), *digit = strstr(other, made) + strlen(made) + strlen(" seal ");
	*digit = *digit == '0' ? '1' : '0';
	assert_int_equal(file_write(path, other, strlen(other), 0600, &e), 0);
	assert_int_equal(keyring_reload(keys, &changed, &e), -1);
	assert_non_null(strstr(e.detail, made));
	assert_int_equal(file_write(path, good, strlen(good), 0600, &e), 0);
	assert_true(taken_up());
}

static void a_key_is_known_before_it_seals_and_goes_after(void **state)
{
	(void)state;
	const char *made;
	struct key_name *names;
	char *first = pool_strdup(p, keyring_current(keys));
	assert_int_equal(keyring_add(path, "seal", false, p, &made, &e), 0);
	assert_true(taken_up());
	assert_string_equal(keyring_current(keys), first);
	assert_int_equal(keyring_list(keys, p, &names), 4);
	assert_string_equal(names[0].id, made);
	assert_false(names[0].current);
	assert_int_equal(keyring_promote(path, made, &e), 0);
	assert_true(taken_up());
	assert_string_equal(keyring_current(keys), made);
	assert_int_equal(keyring_remove(path, first, &e), 0);
	assert_true(taken_up());
	assert_int_equal(keyring_list(keys, p, &names), 3);
	/* the last of its use stays */
	assert_fault(keyring_remove(path, made, &e));
	assert_fault(keyring_remove(path, first, &e));
	assert_fault(keyring_promote(path, "none", &e));
	assert_fault(keyring_add(path, "open", true, p, &made, &e));
	assert_false(taken_up());
}

static void equality_keeps_its_key_until_it_is_told(void **state)
{
	(void)state;
	const char *made;
	struct key_name *names;
	size_t n = keyring_list(keys, p, &names), at = 0;
	char *before = crypto_hmac_hex(keys, p, "nir", "1", 1);
	while (at < n && strcmp(names[at].use, "hmac") != 0)
		at++;
	assert_int_equal(keyring_hmac(keys, names[at].id, &e), 0);
	assert_int_equal(keyring_add(path, "hmac", true, p, &made, &e), 0);
	assert_true(taken_up());
	assert_string_equal(crypto_hmac_hex(keys, p, "nir", "1", 1), before);
	/* it cannot be taken away from under a running program */
	bool changed;
	assert_int_equal(keyring_remove(path, names[at].id, &e), 0);
	assert_fault(keyring_reload(keys, &changed, &e));
	assert_string_equal(crypto_hmac_hex(keys, p, "nir", "1", 1), before);
	assert_int_equal(keyring_hmac(keys, made, &e), 0);
	assert_string_not_equal(crypto_hmac_hex(keys, p, "nir", "1", 1), before);
	assert_fault(keyring_hmac(keys, "none", &e));
}

static void a_password_matches_itself_only(void **state)
{
	(void)state;
	char *hash = NULL, *other = NULL;
	assert_int_equal(crypto_password_hash("correct horse", p, &hash, &e), 0);
	assert_true(str_starts(hash, "$argon2id$v=19$m=65536,"));
	assert_true(crypto_password_verify(hash, "correct horse"));
	assert_false(crypto_password_verify(hash, "correct horse "));
	assert_false(crypto_password_verify(hash, ""));
	assert_false(crypto_password_verify(hash, NULL));
	assert_false(crypto_password_verify("", "correct horse"));
	assert_false(crypto_password_verify("$argon2id$nonsense", "correct horse"));
	assert_int_equal(crypto_password_hash("correct horse", p, &other, &e), 0);
	assert_string_not_equal(hash, other);
}

static void an_unknown_account_takes_the_time_of_a_known_one(void **state)
{
	(void)state;
	int64_t start = clock_monotonic();
	assert_false(crypto_password_verify(NULL, "whatever"));
	assert_true(clock_monotonic() - start > 10000);
}

static void signatures_hold_for_one_text(void **state)
{
	(void)state;
	char *s = crypto_sign_hex(keys, p, "root 1", 6);
	assert_int_equal(strlen(s), 128);
	assert_true(crypto_verify_hex(keys, s, "root 1", 6));
	assert_false(crypto_verify_hex(keys, s, "root 2", 6));
	assert_false(crypto_verify_hex(keys, s, "root 1", 5));
	s[5] = s[5] == '0' ? '1' : '0';
	assert_false(crypto_verify_hex(keys, s, "root 1", 6));
	assert_false(crypto_verify_hex(keys, "", "root 1", 6));
	assert_false(crypto_verify_hex(keys, NULL, "root 1", 6));
	memset(s, 'z', 128);
	assert_false(crypto_verify_hex(keys, s, "root 1", 6));
	assert_int_equal(strlen(crypto_public_hex(keys, p)), 64);
	struct keyring *other = keyring_open(pool_printf(p, "%s/other", dir), true, &e);
	assert_non_null(other);
	assert_false(crypto_verify_hex(other, crypto_sign_hex(keys, p, "root", 4), "root", 4));
	assert_string_not_equal(crypto_public_hex(keys, p), crypto_public_hex(other, p));
	keyring_close(other);
}

static void signatures_are_those_of_rfc_8032(void **state)
{
	(void)state;
	/* RFC 8032 §7.1, test 2 */
	const char *text = "a seal " HEX64 "\nb hmac " HEX64
			   "\nc sign 4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb\n";
	char *other = pool_printf(p, "%s/rfc", dir);
	assert_int_equal(file_write(other, text, strlen(text), 0600, &e), 0);
	struct keyring *k = keyring_open(other, false, &e);
	assert_non_null(k);
	assert_string_equal(crypto_public_hex(k, p),
			    "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c");
	assert_string_equal(crypto_sign_hex(k, p, "\x72", 1),
			    "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
			    "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00");
	keyring_close(k);
}

static void *seal_often(void *unused)
{
	(void)unused;
	struct err mine = { 0 };
	for (int i = 0; i < 500; i++) {
		struct pool *pool = pool_new_secret();
		unsigned char *sealed, *plain;
		size_t n, m;
		int bad = crypto_seal(keys, "t.c:9", "thread", 6, pool, &sealed, &n, &mine) < 0 ||
			  crypto_open(keys, "t.c:9", sealed, n, pool, &plain, &m, &mine) < 0 || m != 6;
		crypto_hmac_hex(keys, pool, "nir", "1", 1);
		pool_free(pool);
		if (bad)
			return "failed";
	}
	return NULL;
}

static void threads_share_a_keyring(void **state)
{
	(void)state;
	pthread_t threads[4];
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, seal_often, NULL), 0);
	for (int i = 0; i < 4; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_keyring_is_made_once_with_mode_600),
		T(a_keyring_that_is_absent_is_not_made_unasked),
		T(a_key_file_that_others_may_read_is_refused),
		T(a_broken_key_file_is_refused),
		T(many_starts_at_once_share_one_keyring),
		T(random_bytes_differ_and_wiped_ones_are_zero),
		T(sha256_is_that_of_fips_180),
		T(tokens_are_43_characters_and_stored_as_a_digest),
		T(codes_are_six_digits_spread_evenly),
		T(hmac_depends_on_use_and_key),
		T(what_is_sealed_opens_in_its_place),
		T(the_same_text_never_seals_twice_alike),
		T(every_flipped_bit_is_noticed),
		T(a_text_moved_elsewhere_does_not_open),
		T(after_a_rotation_the_old_key_still_opens),
		T(a_keyring_that_is_not_there_cannot_rotate),
		T(a_new_file_is_taken_up_once_and_a_bad_one_never),
		T(a_key_is_known_before_it_seals_and_goes_after),
		T(equality_keeps_its_key_until_it_is_told),
		T(a_password_matches_itself_only),
		T(an_unknown_account_takes_the_time_of_a_known_one),
		T(signatures_hold_for_one_text),
		T(signatures_are_those_of_rfc_8032),
		T(threads_share_a_keyring),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
