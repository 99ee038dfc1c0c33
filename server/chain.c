#include "chain.h"

#include <string.h>

#include "base/str.h"

/* In place: each pass halves the list; a node left alone goes up as it is, which is the tree of RFC 6962. */
char *chain_root(const struct chain_head *heads, size_t count, struct pool *pool)
{
	unsigned char(*node)[SHA256_SIZE] = pool_alloc(pool, (count ? count : 1) * SHA256_SIZE);
	unsigned char pair[1 + 2 * SHA256_SIZE] = { 1 };
	if (!count)
		crypto_sha256("", 0, node[0]);
	for (size_t i = 0; i < count; i++) {
		struct str leaf = str_in(pool);
		str_add_c(&leaf, 0);
		str_addf(&leaf, "%lld:%s", (long long)heads[i].file, heads[i].hash);
		crypto_sha256(leaf.s, leaf.len, node[i]);
	}
	for (size_t n = count; n > 1; n = (n + 1) / 2)
		for (size_t i = 0; i < n; i += 2) {
			if (i + 1 == n) {
				memmove(node[i / 2], node[i], SHA256_SIZE);
				break;
			}
			memcpy(pair + 1, node[i], SHA256_SIZE);
			memcpy(pair + 1 + SHA256_SIZE, node[i + 1], SHA256_SIZE);
			crypto_sha256(pair, sizeof pair, node[i / 2]);
		}
	return str_hex(pool, node[0], SHA256_SIZE);
}

char *chain_signed(instant_t at, size_t files, const char *root, struct pool *pool)
{
	return pool_printf(pool, "enroll chain root\n%s\n%zu\n%s\n", instant_rfc3339(pool, at), files, root);
}
