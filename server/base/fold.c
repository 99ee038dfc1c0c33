#include "str.h"
#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

/* Calls each(code point, to) for the NFD form of the first n bytes of s. Returns false for invalid UTF-8. */
static bool each_nfd(struct pool *pool, const char *s, size_t n, void (*each)(utf8proc_int32_t, struct str *),
		     struct str *to)
{
	utf8proc_option_t options = UTF8PROC_DECOMPOSE;
	if (!s || !str_is_utf8(s, n))
		return false;
	const utf8proc_uint8_t *text = (const utf8proc_uint8_t *)s;
	utf8proc_ssize_t count = utf8proc_decompose(text, (utf8proc_ssize_t)n, NULL, 0, options);
	if (count < 0)
		return false;
	utf8proc_int32_t *points = POOL_ARRAY(pool, utf8proc_int32_t, count + 1);
	count = utf8proc_decompose(text, (utf8proc_ssize_t)n, points, count, options);
	for (utf8proc_ssize_t i = 0; i < count; i++)
		each(points[i], to);
	return count >= 0;
}

static void add_point(struct str *to, utf8proc_int32_t c)
{
	utf8proc_uint8_t bytes[4];
	utf8proc_ssize_t n = utf8proc_encode_char(c, bytes);
	if (n > 0)
		str_add_n(to, bytes, (size_t)n);
}

static bool is_space(utf8proc_int32_t c)
{
	return (c >= '\t' && c <= '\r') || utf8proc_category(c) == UTF8PROC_CATEGORY_ZS;
}

/* Hyphens only: a dash is another sign. U+00AD is the soft one. */
static bool is_hyphen(utf8proc_int32_t c)
{
	return c == '-' || c == 0x2010 || c == 0x2011 || c == 0xAD;
}

static bool is_mark(utf8proc_int32_t c)
{
	return utf8proc_category(c) == UTF8PROC_CATEGORY_MN;
}

static void add_name(utf8proc_int32_t c, struct str *to)
{
	if (is_mark(c) || is_space(c) || is_hyphen(c) || c == '\'' || c == 0x2019)
		return;
	add_point(to, utf8proc_tolower(c));
}

static char *fold_n(struct pool *pool, const char *name, size_t n)
{
	struct str out = str_in(pool);
	if (!each_nfd(pool, name, n, add_name, &out))
		str_clear(&out);
	return out.s;
}

char *str_fold(struct pool *pool, const char *name)
{
	return fold_n(pool, name, name ? strlen(name) : 0);
}

char *str_fold_first_word(struct pool *pool, const char *name)
{
	if (!name || !str_is_utf8(name, strlen(name)))
		return pool_strdup(pool, "");
	const utf8proc_uint8_t *p = (const utf8proc_uint8_t *)name, *start = NULL;
	utf8proc_int32_t c;
	utf8proc_ssize_t n;
	for (; *p; p += n) {
		n = utf8proc_iterate(p, -1, &c);
		if (n <= 0)
			return pool_strdup(pool, "");
		bool between = is_space(c) || is_hyphen(c);
		if (start && between)
			break;
		if (!start && !between)
			start = p;
	}
	return start ? fold_n(pool, (const char *)start, (size_t)(p - start)) : pool_strdup(pool, "");
}

static void add_key(utf8proc_int32_t c, struct str *to)
{
	utf8proc_category_t k = utf8proc_category(c);
	bool letter = k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
	bool digit = k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO;
	if (is_mark(c))
		return;
	if (!letter && !digit) {
		if (to->len && to->s[to->len - 1] != ' ')
			str_add_c(to, ' ');
		return;
	}
	c = utf8proc_tolower(c);
	/* Letters that have no decomposition, but that people type as two. */
	if (c == 0x153)
		str_add(to, "oe");
	else if (c == 0xE6)
		str_add(to, "ae");
	else if (c == 0xDF)
		str_add(to, "ss");
	else
		add_point(to, c);
}

char *str_search_key(struct pool *pool, const char *text)
{
	struct str out = str_in(pool);
	if (!each_nfd(pool, text, text ? strlen(text) : 0, add_key, &out)) {
		str_clear(&out);
	} else if (out.len && out.s[out.len - 1] == ' ') {
		out.s[--out.len] = 0;
	}
	return out.s;
}
