/* The small readers of texts: dates, instants, numbers, hexadecimal, base64url, keys to search by. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../server/base/clock.h"
#include "../../server/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void utf8(const char *s)
{
	if (!s || !str_is_utf8(s, strlen(s)))
		abort();
}

static void of_time(const char *text, struct pool *pool)
{
	day_t day, same_day;
	instant_t at, same;
	/* A date is written as it was read; an instant names the same second. */
	if (!day_parse(text, &day)) {
		if (strcmp(day_iso(pool, day), text))
			abort();
		utf8(day_french(pool, day));
		if (day_parse(day_iso(pool, day_add_working(day, 1)), &same_day) == 0 && same_day <= day)
			abort();
	}
	if (!instant_parse(text, &at)) {
		if (instant_parse(instant_rfc3339(pool, at), &same) || same > at || at - same >= SECOND)
			abort();
		utf8(instant_french(pool, at));
	}
}

static void of_bytes(const char *text, struct pool *pool)
{
	unsigned char *bytes;
	int64_t number;
	long n = str_unhex(pool, text, &bytes);
	if (n >= 0 && strlen(str_hex(pool, bytes, (size_t)n)) != strlen(text))
		abort();
	n = str_unbase64url(pool, text, &bytes);
	if (n >= 0 && strcmp(str_base64url(pool, bytes, (size_t)n), text))
		abort(); /* two texts for the same bytes */
	/* Zeros may stand before it, nothing else. */
	if (!str_to_i64(text, &number)) {
		const char *digits = pool_printf(pool, "%lld", (long long)number) + (number < 0);
		if (!str_ends(text, digits) || text[strspn(text, "-0123456789")])
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *pool = pool_new();
	char *text = pool_copy(pool, data, size);
	of_time(text, pool);
	of_bytes(text, pool);
	if (str_is_utf8(text, strlen(text))) {
		char *trimmed = str_trim(pool, text), *folded = str_fold(pool, text);
		utf8(trimmed);
		utf8(folded);
		utf8(str_fold_first_word(pool, text));
		utf8(str_search_key(pool, text));
		/* Folding and trimming once is enough. */
		if (strcmp(str_trim(pool, trimmed), trimmed) || strcmp(str_fold(pool, folded), folded) ||
		    str_chars(trimmed) > str_chars(text))
			abort();
	} else if (*str_fold(pool, text) || *str_search_key(pool, text)) {
		abort();
	}
	pool_free(pool);
	return 0;
}
