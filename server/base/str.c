#include "str.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct str str_in(struct pool *pool)
{
	static char empty[1] = ""; /* never written: cap is 0 */
	return (struct str){ .s = empty, .pool = pool };
}

void str_reserve(struct str *s, size_t more)
{
	if (more < s->cap && s->len < s->cap - more)
		return;
	size_t need = s->len + more + 1;
	size_t cap = s->cap ? s->cap * 2 : 256;
	if (need <= more) /* wrapped: the pool ends the process */
		need = SIZE_MAX;
	if (cap < need)
		cap = need;
	char *grown = pool_alloc(s->pool, cap);
	memcpy(grown, s->s, s->len + 1);
	s->s = grown;
	s->cap = cap;
}

void str_add_n(struct str *s, const void *bytes, size_t n)
{
	if (!n)
		return;
	str_reserve(s, n);
	memcpy(s->s + s->len, bytes, n);
	s->len += n;
	s->s[s->len] = 0;
}

void str_add(struct str *s, const char *text)
{
	if (text)
		str_add_n(s, text, strlen(text));
}

void str_add_c(struct str *s, char c)
{
	str_add_n(s, &c, 1);
}

void str_addf(struct str *s, const char *format, ...)
{
	va_list args, again;
	va_start(args, format);
	va_copy(again, args);
	size_t room = s->cap - s->len; /* 0 only when cap is 0 */
	int n = vsnprintf(room ? s->s + s->len : NULL, room, format, args);
	if (n > 0) {
		if ((size_t)n >= room) {
			if (room)
				s->s[s->len] = 0; /* what was cut is written again below */
			str_reserve(s, (size_t)n);
			vsnprintf(s->s + s->len, (size_t)n + 1, format, again);
		}
		s->len += (size_t)n;
	} else if (room) {
		s->s[s->len] = 0;
	}
	va_end(again);
	va_end(args);
}

void str_clear(struct str *s)
{
	s->len = 0;
	if (s->cap)
		s->s[0] = 0;
}

bool str_is_utf8(const char *s, size_t n)
{
	const unsigned char *p = (const unsigned char *)s, *end = p + n;
	while (p < end) {
		unsigned c = *p++;
		if (c < 0x80) {
			if (!c)
				return false;
			continue;
		}
		int more;
		unsigned least;
		if (c >= 0xC2 && c <= 0xDF) {
			more = 1, least = 0x80, c &= 0x1F;
		} else if ((c & 0xF0) == 0xE0) {
			more = 2, least = 0x800, c &= 0x0F;
		} else if (c >= 0xF0 && c <= 0xF4) {
			more = 3, least = 0x10000, c &= 0x07;
		} else {
			return false;
		}
		if (end - p < more)
			return false;
		while (more--) {
			if ((*p & 0xC0) != 0x80)
				return false;
			c = c << 6 | (*p++ & 0x3F);
		}
		if (c < least || c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
			return false;
	}
	return true;
}

bool str_eq(const char *a, const char *b)
{
	return a && b ? strcmp(a, b) == 0 : a == b;
}

bool str_starts(const char *s, const char *prefix)
{
	return s && prefix && strncmp(s, prefix, strlen(prefix)) == 0;
}

bool str_ends(const char *s, const char *suffix)
{
	if (!s || !suffix)
		return false;
	size_t n = strlen(s), m = strlen(suffix);
	return m <= n && memcmp(s + n - m, suffix, m) == 0;
}

/* Bytes of the space that stands there, or 0. */
static size_t space_at(const char *p, const char *end)
{
	size_t n = (size_t)(end - p);
	if (!n)
		return 0;
	if (*p == ' ' || (*p >= '\t' && *p <= '\r'))
		return 1;
	if (n >= 2 && memcmp(p, "\u00A0", 2) == 0)
		return 2;
	/* U+2000 to U+200B, U+202F, U+3000, U+FEFF: what looks like nothing is nothing. */
	if (n >= 3 && (memcmp(p, "\u202F", 3) == 0 || memcmp(p, "\u3000", 3) == 0 || memcmp(p, "\uFEFF", 3) == 0 ||
		       (memcmp(p, "\xE2\x80", 2) == 0 && (unsigned char)p[2] >= 0x80 && (unsigned char)p[2] <= 0x8B)))
		return 3;
	return 0;
}

char *str_trim(struct pool *pool, const char *s)
{
	if (!s)
		return NULL;
	const char *end = s + strlen(s);
	size_t n;
	while ((n = space_at(s, end)))
		s += n;
	for (;;) {
		size_t left = (size_t)(end - s);
		if (left >= 1 && space_at(end - 1, end) == 1)
			end -= 1;
		else if (left >= 2 && space_at(end - 2, end) == 2)
			end -= 2;
		else if (left >= 3 && space_at(end - 3, end) == 3)
			end -= 3;
		else
			break;
	}
	return pool_copy(pool, s, (size_t)(end - s));
}

size_t str_chars(const char *s)
{
	size_t n = 0;
	for (; s && *s; s++)
		n += ((unsigned char)*s & 0xC0) != 0x80;
	return n;
}

int str_to_i64(const char *s, int64_t *out)
{
	if (!s)
		return -1;
	bool negative = *s == '-';
	s += negative;
	if (!*s)
		return -1;
	/* Counted downwards: INT64_MIN has no positive twin. */
	int64_t v = 0;
	for (; *s; s++) {
		if (*s < '0' || *s > '9')
			return -1;
		if (__builtin_mul_overflow(v, (int64_t)10, &v) || __builtin_sub_overflow(v, (int64_t)(*s - '0'), &v))
			return -1;
	}
	if (!negative && __builtin_sub_overflow((int64_t)0, v, &v))
		return -1;
	*out = v;
	return 0;
}

char *str_hex(struct pool *pool, const void *bytes, size_t n)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = bytes;
	char *out = pool_alloc(pool, n * 2 + 1), *q = out;
	for (size_t i = 0; i < n; i++) {
		*q++ = digits[p[i] >> 4];
		*q++ = digits[p[i] & 15];
	}
	return out;
}

const char *str_of_i64(char out[STR_I64], int64_t n)
{
	char *at = &out[STR_I64 - 1];
	uint64_t left = n < 0 ? -(uint64_t)n : (uint64_t)n;
	*at = 0;
	do
		*--at = (char)('0' + left % 10);
	while (left /= 10);
	if (n < 0)
		*--at = '-';
	return at;
}

/* One more than its value; 0: not a digit. */
static const unsigned char hex_digits[256] = {
	['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,  ['6'] = 7,  ['7'] = 8,
	['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
	['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16,
};

long str_unhex(struct pool *pool, const char *hex, unsigned char **out)
{
	if (!hex)
		return -1;
	size_t n = strlen(hex);
	if (n % 2)
		return -1;
	const unsigned char *digits = (const unsigned char *)hex;
	unsigned char *bytes = pool_alloc(pool, n / 2 + 1);
	for (size_t i = 0; i < n / 2; i++) {
		unsigned high = hex_digits[digits[2 * i]], low = hex_digits[digits[2 * i + 1]];
		if (!high || !low)
			return -1;
		bytes[i] = (unsigned char)((high - 1) << 4 | (low - 1));
	}
	*out = bytes;
	return (long)(n / 2);
}

char *str_base64url(struct pool *pool, const void *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	const unsigned char *p = bytes;
	char *out = pool_alloc(pool, n / 3 * 4 + 5), *q = out;
	for (; n >= 3; n -= 3, p += 3) {
		*q++ = digits[p[0] >> 2];
		*q++ = digits[(p[0] & 3) << 4 | p[1] >> 4];
		*q++ = digits[(p[1] & 15) << 2 | p[2] >> 6];
		*q++ = digits[p[2] & 63];
	}
	if (n) {
		int second = n == 2 ? p[1] : 0;
		*q++ = digits[p[0] >> 2];
		*q++ = digits[(p[0] & 3) << 4 | second >> 4];
		if (n == 2)
			*q++ = digits[(second & 15) << 2];
	}
	*q = 0;
	return out;
}

static int base64url_value(char c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	if (c == '-')
		return 62;
	return c == '_' ? 63 : -1;
}

long str_unbase64url(struct pool *pool, const char *text, unsigned char **out)
{
	if (!text)
		return -1;
	size_t n = strlen(text);
	if (n % 4 == 1)
		return -1;
	unsigned char *bytes = pool_alloc(pool, n / 4 * 3 + 4);
	size_t len = 0;
	unsigned bits = 0, held = 0;
	for (size_t i = 0; i < n; i++) {
		int v = base64url_value(text[i]);
		if (v < 0)
			return -1;
		held = (held << 6 | (unsigned)v) & 0xFFFF;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			bytes[len++] = (unsigned char)(held >> bits);
		}
	}
	if (held & ((1U << bits) - 1)) /* one value, one text */
		return -1;
	*out = bytes;
	return (long)len;
}
