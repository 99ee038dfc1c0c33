#include "pool.h"
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/*
 * Chunks grow from 4 KiB to 64 KiB; what is larger than a quarter of a chunk gets one of its own. Under the address
 * sanitizer every allocation has a chunk of its own, so that it sees an overflow inside the pool too.
 */
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOL_ALONE 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define POOL_ALONE 1
#endif
#ifndef POOL_ALONE
#define POOL_ALONE 0
#endif

enum { ALIGN = 16, CHUNK_FIRST = 4096, CHUNK_MOST = 65536, SIZES = 5, SPARE_MOST = 8 };

_Static_assert(CHUNK_FIRST << (SIZES - 1) == CHUNK_MOST, "each size has its spare chunks");

struct chunk {
	struct chunk *next;
	size_t size; /* bytes that follow this header */
};

struct undo {
	struct undo *next;
	void (*run)(void *);
	void *thing;
};

struct pool {
	struct chunk *chunks;
	struct undo *undos;
	char *at, *end; /* free part of the current chunk */
	size_t next_size;
	bool secret;
};

/*
 * Each thread keeps a few chunks of each size for its next pool: a request's are those of the one before, still in the
 * processor's cache. They go with the thread.
 */
struct spare {
	struct chunk *free[SIZES];
	unsigned count[SIZES];
};
static _Thread_local struct spare *spare;
static pthread_key_t spare_key;
static pthread_once_t spare_once = PTHREAD_ONCE_INIT;

#define HEADER ((sizeof(struct chunk) + ALIGN - 1) / ALIGN * ALIGN)

static _Noreturn void out_of_memory(void)
{
	static const char text[] = "{\"level\":\"error\",\"event\":\"memory.out\"}\n";
	if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
		abort();
	abort();
}

static void spare_free(void *of_thread)
{
	struct spare *s = of_thread;
	for (size_t i = 0; i < SIZES; i++)
		for (struct chunk *c = s->free[i], *next; c; c = next) {
			next = c->next;
			free(c);
		}
	free(s);
	spare = NULL;
}

static void spare_key_new(void)
{
	if (pthread_key_create(&spare_key, spare_free))
		out_of_memory();
}

static struct spare *spare_of_thread(void)
{
	if (!spare) {
		pthread_once(&spare_once, spare_key_new);
		spare = calloc(1, sizeof *spare);
		if (!spare || pthread_setspecific(spare_key, spare))
			out_of_memory();
	}
	return spare;
}

/* Which of the sizes that chunks grow by; SIZES: none of them. */
static size_t size_of(size_t size)
{
	size_t i = 0;
	while (i < SIZES && size != ((size_t)CHUNK_FIRST << i) - HEADER)
		i++;
	return i;
}

static struct chunk *chunk_get(size_t size)
{
	size_t i = POOL_ALONE ? SIZES : size_of(size);
	struct spare *s = i < SIZES ? spare_of_thread() : NULL;
	struct chunk *c = s ? s->free[i] : NULL;
	if (c) {
		s->free[i] = c->next;
		s->count[i]--;
		return c;
	}
	c = malloc(HEADER + size);
	if (!c)
		out_of_memory();
	c->size = size;
	return c;
}

static void chunk_put(struct chunk *c, bool secret)
{
	size_t i = POOL_ALONE ? SIZES : size_of(c->size);
	if (secret)
		explicit_bzero((char *)c + HEADER, c->size);
	if (i < SIZES && spare_of_thread()->count[i] < SPARE_MOST) {
		c->next = spare->free[i];
		spare->free[i] = c;
		spare->count[i]++;
	} else {
		free(c);
	}
}

static char *chunk_new(struct pool *pool, size_t size)
{
	struct chunk *c = chunk_get(size);
	c->next = pool->chunks;
	pool->chunks = c;
	return (char *)c + HEADER;
}

/* Not zeroed; at least one byte. */
static void *take(struct pool *pool, size_t size)
{
	if (size > PTRDIFF_MAX - 2 * CHUNK_MOST)
		out_of_memory();
	if (POOL_ALONE)
		return chunk_new(pool, size ? size : 1);
	size = size ? (size + ALIGN - 1) / ALIGN * ALIGN : ALIGN;
	if ((size_t)(pool->end - pool->at) < size) {
		if (size > pool->next_size / 4)
			return chunk_new(pool, size);
		size_t n = pool->next_size - HEADER;
		if (pool->next_size < CHUNK_MOST)
			pool->next_size *= 2;
		pool->at = chunk_new(pool, n);
		pool->end = pool->at + n / ALIGN * ALIGN;
	}
	void *p = pool->at;
	pool->at += size;
	return p;
}

static struct pool *make(bool secret)
{
	struct pool *pool = calloc(1, sizeof *pool);
	if (!pool)
		out_of_memory();
	pool->next_size = CHUNK_FIRST;
	pool->secret = secret;
	return pool;
}

struct pool *pool_new(void)
{
	return make(false);
}

struct pool *pool_new_secret(void)
{
	return make(true);
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	/* An undo may itself defer another one: take them off one by one. */
	while (pool->undos) {
		struct undo *u = pool->undos;
		pool->undos = u->next;
		u->run(u->thing);
	}
	for (struct chunk *c = pool->chunks, *next; c; c = next) {
		next = c->next;
		chunk_put(c, pool->secret);
	}
	free(pool);
}

void *pool_alloc(struct pool *pool, size_t size)
{
	return memset(take(pool, size), 0, size ? size : 1);
}

void *pool_copy(struct pool *pool, const void *data, size_t size)
{
	if (size == SIZE_MAX)
		out_of_memory();
	char *p = take(pool, size + 1);
	if (size)
		memcpy(p, data, size);
	p[size] = 0;
	return p;
}

char *pool_strdup(struct pool *pool, const char *s)
{
	return s ? pool_copy(pool, s, strlen(s)) : NULL;
}

char *pool_strndup(struct pool *pool, const char *s, size_t max)
{
	return s ? pool_copy(pool, s, strnlen(s, max)) : NULL;
}

char *pool_printf(struct pool *pool, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	char *s = pool_vprintf(pool, format, args);
	va_end(args);
	return s;
}

char *pool_vprintf(struct pool *pool, const char *format, va_list args)
{
	char small[256];
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(small, sizeof small, format, args);
	char *s;
	if (n < 0) {
		s = pool_copy(pool, "", 0);
	} else if ((size_t)n < sizeof small) {
		s = pool_copy(pool, small, (size_t)n);
	} else {
		s = take(pool, (size_t)n + 1);
		vsnprintf(s, (size_t)n + 1, format, again);
	}
	if (pool->secret)
		explicit_bzero(small, sizeof small);
	va_end(again);
	return s;
}

void pool_defer(struct pool *pool, void (*undo)(void *), void *thing)
{
	struct undo *u = POOL_NEW(pool, struct undo);
	*u = (struct undo){ .next = pool->undos, .run = undo, .thing = thing };
	pool->undos = u;
}
