/*
 * A text that grows, inside a pool.
 *
 *	struct str s = str_in(pool);
 *	str_add(&s, "bonjour ");
 *	str_addf(&s, "%d", 3);
 *	return s.s;                      always ends with a 0; "" when nothing was added
 *
 * Bytes are UTF-8. The old storage stays in the pool until it is freed: do not keep one str for the life of a process.
 * Escaping for HTML, JSON or CSV is not done here: see server/page.h, server/json.h.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "pool.h"

struct str {
	char *s;
	size_t len, cap;
	struct pool *pool;
};

struct str str_in(struct pool *pool);
void str_add(struct str *s, const char *text); /* NULL adds nothing */
void str_add_n(struct str *s, const void *bytes, size_t n);
void str_add_c(struct str *s, char c);
void str_addf(struct str *s, const char *format, ...) __attribute__((format(printf, 2, 3)));
void str_reserve(struct str *s, size_t more);
void str_clear(struct str *s); /* length 0, storage kept */

bool str_is_utf8(const char *s, size_t n); /* false for a byte 0, surrogates, overlong forms */
bool str_eq(const char *a, const char *b); /* two NULLs are equal */
bool str_starts(const char *s, const char *prefix);
bool str_ends(const char *s, const char *suffix);
char *str_trim(struct pool *pool, const char *s); /* a copy without spaces (those of Unicode too) at both ends */
size_t str_chars(const char *s);                  /* code points */

/* Decimal, the whole text, no sign but '-': 0, or -1 when it is not a number or does not fit. */
int str_to_i64(const char *s, int64_t *out) __attribute__((warn_unused_result));
/* And back, some ten times faster than printf: where its text begins in `out`. */
enum { STR_I64 = 21 };
const char *str_of_i64(char out[STR_I64], int64_t n);

char *str_hex(struct pool *pool, const void *bytes, size_t n);
/* Returns the number of bytes, or -1 when it is not hexadecimal. *out gets the bytes. */
long str_unhex(struct pool *pool, const char *hex, unsigned char **out);
char *str_base64url(struct pool *pool, const void *bytes, size_t n); /* no padding */
long str_unbase64url(struct pool *pool, const char *text, unsigned char **out);

/*
 * The name-comparison form of domain.md §4: Unicode NFD, diacritics removed, spaces, hyphens and apostrophes (' and
 * U+2019) removed, lower case. "N’Guessan" and "NGUESSAN" give the same text. Invalid UTF-8 gives "".
 */
char *str_fold(struct pool *pool, const char *name);
/* The same, of the first word only: up to the first space or hyphen. */
char *str_fold_first_word(struct pool *pool, const char *name);
/* For search: diacritics removed, lower case, runs of anything that is not a letter or digit become one space. */
char *str_search_key(struct pool *pool, const char *text);

#endif
