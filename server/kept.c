#include "kept.h"

#include <pthread.h>
#include <string.h>

#include "base/crypto.h"

enum {
	PLACES = 512,
	GRACE_US = 250000, /* one draws it again, meanwhile the others read the old one */
};

struct entry {
	struct kept kept;
	const char *key;
	int64_t until;
	bool renewing;
	struct pool *pool; /* holds all of it, this too */
	int readers;       /* under the lock; the table counts as one */
};
static struct entry *table[PLACES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct entry **place_of(const char *key)
{
	uint64_t h = 1469598103934665603u;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211u;
	return &table[h % PLACES];
}

/* Under the lock; returns what is to be freed outside of it. */
static struct pool *leave(struct entry *x)
{
	return x && --x->readers == 0 ? x->pool : NULL;
}

static void reader_gone(void *thing)
{
	struct pool *dead;

	pthread_mutex_lock(&lock);
	dead = leave(thing);
	pthread_mutex_unlock(&lock);
	pool_free(dead);
}

/* What lasts needs no counting of its readers. */
static const struct kept *read_by(struct entry *x, struct pool *reader)
{
	if (!x->kept.lasts)
		pool_defer(reader, reader_gone, x);
	return &x->kept;
}

const struct kept *kept_get(const char *key, int64_t now, struct pool *reader)
{
	struct entry **place = place_of(key), *x;

	pthread_mutex_lock(&lock);
	x = *place;
	if (x && strcmp(x->key, key))
		x = NULL;
	if (x && x->until < now) {
		bool others = x->renewing && now - x->until <= GRACE_US;
		x->renewing = true;
		if (!others)
			x = NULL;
	}
	if (x && !x->kept.lasts)
		x->readers++;
	pthread_mutex_unlock(&lock);
	return x ? read_by(x, reader) : NULL;
}

const struct kept *kept_put(const char *key, int64_t until, const char *type, const void *bytes, size_t size,
			    struct pool *reader)
{
	struct pool *pool = pool_new(), *dead = NULL;
	struct entry *x = POOL_NEW(pool, struct entry), **place = place_of(key);

	*x = (struct entry){ .key = pool_strdup(pool, key), .until = until, .pool = pool, .readers = 1 };
	x->kept = (struct kept){
		.type = pool_strdup(pool, type),
		.etag = pool_printf(pool, "\"%.24s\"", crypto_sha256_hex(pool, bytes, size)),
		.bytes = pool_copy(pool, bytes, size),
		.size = size,
	};
	pthread_mutex_lock(&lock);
	if (*place && (*place)->kept.lasts) {
		/* Drawn twice at the same time, or another question's place: the new one serves once. */
	} else {
		dead = leave(*place);
		*place = x;
		x->kept.lasts = until == KEPT_FOREVER;
		x->readers = 2;
	}
	pthread_mutex_unlock(&lock);
	pool_free(dead);
	return read_by(x, reader);
}

void kept_clear(void)
{
	for (size_t i = 0; i < PLACES; i++) {
		struct pool *dead = NULL;
		pthread_mutex_lock(&lock);
		if (table[i])
			dead = table[i]->kept.lasts ? table[i]->pool : leave(table[i]);
		table[i] = NULL;
		pthread_mutex_unlock(&lock);
		pool_free(dead);
	}
}
