#include "compress.h"

#include <stdint.h>
#include <string.h>
#include <zlib.h>

unsigned char *compress_gzip(const void *bytes, size_t n, int level, struct pool *pool, size_t *out_n)
{
	z_stream z = { 0 };
	if (!n || n > UINT32_MAX / 2 ||
	    deflateInit2(&z, level, Z_DEFLATED, MAX_WBITS + 16, 9, Z_DEFAULT_STRATEGY) != Z_OK)
		return NULL;
	unsigned char *out = pool_alloc(pool, n);
	z.next_in = (unsigned char *)(uintptr_t)bytes;
	z.avail_in = (uInt)n;
	z.next_out = out;
	z.avail_out = (uInt)n;
	bool smaller = deflate(&z, Z_FINISH) == Z_STREAM_END;
	*out_n = z.total_out;
	deflateEnd(&z);
	return smaller ? out : NULL;
}

unsigned char *compress_open(const void *bytes, size_t n, size_t most, struct pool *pool, size_t *out_n)
{
	z_stream z = { 0 };
	if (n > UINT32_MAX / 2 || most > UINT32_MAX / 2 || inflateInit(&z) != Z_OK)
		return NULL;
	/* What it takes grows with what comes out: nobody is made to hold `most` for a few bytes. */
	unsigned char *out = NULL;
	size_t size = 0;
	int r = Z_OK;
	z.next_in = (unsigned char *)(uintptr_t)bytes;
	z.avail_in = (uInt)n;
	while (r == Z_OK && size < most) {
		size_t room = size ? size * 2 : n * 4 + 64;
		unsigned char *more = pool_alloc(pool, room < most ? room : most);
		if (size)
			memcpy(more, out, z.total_out);
		out = more;
		size = room < most ? room : most;
		z.next_out = out + z.total_out;
		z.avail_out = (uInt)(size - z.total_out);
		r = inflate(&z, Z_FINISH);
		if (r == Z_BUF_ERROR && !z.avail_out)
			r = Z_OK;
	}
	*out_n = z.total_out;
	inflateEnd(&z);
	return r == Z_STREAM_END ? out : NULL;
}

bool compress_accepted(const char *accept_encoding)
{
	const char *at = accept_encoding ? strstr(accept_encoding, "gzip") : NULL;
	if (!at)
		return false;
	/* "gzip;q=0" in any of its forms is a refusal. */
	at += 4;
	at += strspn(at, " ");
	if (strncmp(at, ";q=0", 4) != 0)
		return true;
	at += 4;
	if (*at == '.')
		at++;
	at += strspn(at, "0");
	return *at >= '1' && *at <= '9';
}
