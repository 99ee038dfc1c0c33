/*
 * What is sealed in the database, key by key, and its sealing again with the current key: the owner's work, beside a
 * service that runs. Each sealed column (sealed.h) is a row of the table in rekey.c; tests/scenarios/keys.py fills
 * every one and counts.
 *
 *	rekey_counts(owner_dsn, pool, &counts, &n, &e);
 *	rekey_run(owner_dsn, keys, pool, tell, context, &rows, &e);     as often as one likes; killed, it is run again
 *
 * Equality (NIR and IBAN, HMAC) is another matter: two keys at once would not find the same person twice. So those
 * columns are all made again in one transaction, which also names the key (meta "hmac_key"), while nobody serves.
 */
#ifndef DB_REKEY_H
#define DB_REKEY_H

#include "../server/base/crypto.h"
#include "../server/base/err.h"
#include "../server/base/pool.h"

struct rekey_count {
	const char *column, *key;
	int64_t rows;
};
int rekey_counts(const char *owner_dsn, struct pool *pool, struct rekey_count **out, size_t *n, struct err *e) MUST_USE;

/* After each batch: of one column, how far of how much (ids). */
typedef void rekey_tell(void *context, const char *column, int64_t at, int64_t of);
/* Batches of one transaction each; what somebody changes meanwhile is left to them. Passes are made until one finds
 * nothing: *rows were sealed again. */
int rekey_run(const char *owner_dsn, const struct keyring *keys, rekey_tell *tell, void *context, int64_t *rows,
	      struct err *e) MUST_USE;

/* The latest frozen answers of a file that has a keyed NIR or IBAN: gives those again, under the new key. */
typedef int rekey_again(void *context, int64_t file, int64_t seq, const unsigned char *sealed, size_t size,
			const char *nir_before, const char *iban_before, struct pool *pool, const char **nir,
			const char **iban, struct err *e);
int rekey_equality(const char *owner_dsn, const char *key, rekey_again *again, void *context, int64_t *files,
		   struct err *e) MUST_USE;
/* The key that made those columns; *id is NULL while they were never made again. Any role. */
int rekey_equality_key(const char *dsn, struct pool *pool, const char **id, struct err *e) MUST_USE;

#endif
