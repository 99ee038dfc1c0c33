/*
 * An uploaded picture from hostile bytes, of which our own readers walk the segments and chunks. A PNG gets the right
 * CRC in each chunk, which no fuzzer would guess. PDF is qpdf's, in a child: not from here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "../../server/base/str.h"
#include "../../server/piece_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void put32(unsigned char *p, uint32_t v)
{
	for (int i = 0; i < 4; i++)
		p[i] = (unsigned char)(v >> (24 - 8 * i));
}

static void right_sums(unsigned char *b, size_t n)
{
	for (size_t at = 8; n - at >= 12;) {
		size_t size = (size_t)b[at] << 24 | (size_t)b[at + 1] << 16 | (size_t)b[at + 2] << 8 | b[at + 3];
		if (size > n - at - 12)
			return;
		put32(b + at + 8 + size, (uint32_t)crc32(0, b + at + 4, (uInt)size + 4));
		at += size + 12;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const problems[] = { "type", "unreadable", "polyglot", "small" };
	struct piece_checked c;
	struct err e = { 0 };
	if (size >= 5 && !memcmp(data, "%PDF-", 5))
		return 0;
	struct pool *pool = pool_new();
	unsigned char *exact = malloc(size ? size : 1);
	if (!exact)
		abort();
	if (size)
		memcpy(exact, data, size);
	if (size >= 16 && exact[0] == 0x89)
		right_sums(exact, size);
	if (piece_check(exact, size, pool, &c, &e))
		abort();
	bool known = !c.problem;
	for (size_t i = 0; i < COUNT(problems); i++)
		known = known || str_eq(c.problem, problems[i]);
	/* What is accepted has a type and a size that a page can show. */
	if (!known || (!c.type && !str_eq(c.problem, "type")) || c.pages ||
	    (!c.problem && (c.width < 1 || c.height < 1 || c.width > 30000 || c.height > 30000)))
		abort();
	free(exact);
	pool_free(pool);
	return 0;
}
