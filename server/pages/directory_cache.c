#include "directory_cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "../base/str.h"

enum { KEPT = 512 };

struct answer {
	const char *key, *stamp;
	const struct directory *found;
	struct pool *pool; /* holds all of it, this too */
	int readers;       /* under the lock; the table counts as one */
};
static struct answer *table[KEPT];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static size_t place_of(const char *key)
{
	uint64_t h = 1469598103934665603u;

	for (; *key; key++)
		h = (h ^ (unsigned char)*key) * 1099511628211u;
	return (size_t)(h % KEPT);
}

/* Under the lock; returns what is to be freed outside of it. */
static struct pool *leave(struct answer *a)
{
	return a && --a->readers == 0 ? a->pool : NULL;
}

static void reader_gone(void *thing)
{
	struct pool *dead;

	pthread_mutex_lock(&lock);
	dead = leave(thing);
	pthread_mutex_unlock(&lock);
	pool_free(dead);
}

const struct directory *directory_cache_get(const char *key, const char *stamp, struct pool *reader)
{
	struct answer *a;

	pthread_mutex_lock(&lock);
	a = table[place_of(key)];
	if (a && (strcmp(a->key, key) || strcmp(a->stamp, stamp)))
		a = NULL;
	if (a)
		a->readers++;
	pthread_mutex_unlock(&lock);
	if (!a)
		return NULL;
	pool_defer(reader, reader_gone, a);
	return a->found;
}

void directory_cache_put(const char *key, const char *stamp, struct pool *owned, const struct directory *found,
			 struct pool *reader)
{
	struct answer *a = POOL_NEW(owned, struct answer);
	size_t at = place_of(key);
	struct pool *dead;

	*a = (struct answer){ pool_strdup(owned, key), pool_strdup(owned, stamp), found, owned, 2 };
	pool_defer(reader, reader_gone, a);
	pthread_mutex_lock(&lock);
	dead = leave(table[at]);
	table[at] = a;
	pthread_mutex_unlock(&lock);
	pool_free(dead);
}

void directory_cache_clear(void)
{
	for (size_t i = 0; i < KEPT; i++) {
		struct pool *dead;
		pthread_mutex_lock(&lock);
		dead = leave(table[i]);
		table[i] = NULL;
		pthread_mutex_unlock(&lock);
		pool_free(dead);
	}
}
