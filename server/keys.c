#include "keys.h"

#include <string.h>

#include "../db/rekey.h"
#include "../db/sealed.h"
#include "../forms/xml.h"
#include "base/str.h"

struct two_keys {
	const struct keyring *old, *new;
};

static const char *keyed(const struct keyring *k, const char *use, const char *value, struct pool *pool)
{
	return *value ? crypto_hmac_hex(k, pool, use, value, strlen(value)) : NULL;
}

/* What the old key gives must be what stands there: else these are not the answers it was made from. */
static int make_again(void *context, int64_t file, int64_t seq, const unsigned char *sealed, size_t size,
		      const char *nir_before, const char *iban_before, struct pool *pool, const char **nir,
		      const char **iban, struct err *e)
{
	const struct two_keys *k = context;
	struct values v = values_in(pool);
	unsigned char *plain;
	size_t n;
	if (sealed_open(k->old, sealed_at2(SEALED_FROZEN_COPY, file, seq), sealed, size, pool, &plain, &n, e) ||
	    xml_to_values(plain, n, &v, e))
		return -1;
	const char *person = values_text(&v, "nir"), *account = values_text(&v, "iban");
	if ((nir_before && !str_eq(keyed(k->old, "nir", person, pool), nir_before)) ||
	    (iban_before && !str_eq(keyed(k->old, "iban", account, pool), iban_before)))
		return fault(e, "file %lld: its keyed columns are not those of its answers", (long long)file);
	*nir = nir_before ? keyed(k->new, "nir", person, pool) : NULL;
	*iban = iban_before ? keyed(k->new, "iban", account, pool) : NULL;
	return 0;
}

int keys_equality(struct service *s, const char *owner_dsn, struct pool *pool, const char **made, int64_t *files,
		  struct err *e)
{
	/* Known to the file before the database names it, and not its last: until then the old one counts. */
	if (keyring_add(s->settings.key_file, "hmac", false, pool, made, e))
		return -1;
	struct keyring *new = keyring_open(s->settings.key_file, false, e);
	struct two_keys both = { s->keys, new };
	int bad = !new || keyring_hmac(new, *made, e) || rekey_equality(owner_dsn, *made, make_again, &both, files, e);
	if (bad) {
		struct err ignored;
		(void)!keyring_remove(s->settings.key_file, *made, &ignored);
	}
	keyring_close(new);
	return bad ? -1 : 0;
}

int keys_as_database(struct service *s, struct err *e)
{
	struct pool *pool = pool_new();
	const char *id;
	int bad = rekey_equality_key(s->dsn, pool, &id, e) || (id && keyring_hmac(s->keys, id, e));
	pool_free(pool);
	return bad ? -1 : 0;
}
