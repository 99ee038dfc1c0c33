/*
 * Memory with one lifetime: everything a piece of work allocates is given back together.
 *
 *	struct pool *p = pool_new();
 *	char *name = pool_printf(p, "%s-%d", "MSP", 7);
 *	pool_defer(p, undo, thing);      undo(thing) runs when the pool is freed, last in first out
 *	pool_free(p);
 *
 * Allocation never returns NULL: a process without memory ends (it is supervised, and every write is idempotent).
 * Memory is zeroed. A secret pool wipes its memory before giving it back. A pool belongs to one thread at a time; the
 * thread that frees it keeps some of its chunks, a megabyte at most, for its next ones.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

#include <stddef.h>
#include <stdarg.h>

struct pool;

struct pool *pool_new(void);
struct pool *pool_new_secret(void);
void pool_free(struct pool *pool); /* NULL is accepted */

void *pool_alloc(struct pool *pool, size_t size) __attribute__((malloc, alloc_size(2), returns_nonnull));
void *pool_copy(struct pool *pool, const void *data, size_t size) __attribute__((returns_nonnull)); /* adds a final 0 */
char *pool_strdup(struct pool *pool, const char *s); /* NULL gives NULL */
char *pool_strndup(struct pool *pool, const char *s, size_t max);
char *pool_printf(struct pool *pool, const char *format, ...) __attribute__((format(printf, 2, 3), returns_nonnull));
char *pool_vprintf(struct pool *pool, const char *format, va_list args) __attribute__((format(printf, 2, 0)));

void pool_defer(struct pool *pool, void (*undo)(void *), void *thing);

#define POOL_NEW(pool, T) ((T *)pool_alloc((pool), sizeof(T)))
#define POOL_ARRAY(pool, T, n) ((T *)pool_alloc((pool), sizeof(T) * (size_t)(n)))

#endif
