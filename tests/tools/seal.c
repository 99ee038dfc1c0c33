/*
 * Seals what passes: COPY text in, COPY text out, for test data made by the database.
 *
 *	psql -c "copy (select id, 'seal:piece.name:' || id || '=rib.pdf' …) to stdout" | seal HOME/keys |
 *	psql -c "copy … from stdin"
 *
 * A field that begins with "seal:", a place and "=" becomes the sealed text as bytea; "seal2:" the same, followed by a
 * field with the SHA-256 of the plain text. Nothing is unescaped: no tabs, newlines or backslashes in what is sealed.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../server/base/crypto.h"
#include "../../server/base/str.h"

static int seal(const struct keyring *keys, char *field, struct pool *pool, struct err *e)
{
	bool digest = str_starts(field, "seal2:");
	char *where = strchr(field, ':') + 1, *plain = strchr(where, '=');
	unsigned char *sealed;
	size_t n;
	if (!plain)
		return fault(e, "a field without '='");
	*plain++ = 0;
	if (crypto_seal(keys, where, plain, strlen(plain), pool, &sealed, &n, e))
		return -1;
	printf("\\\\x%s", str_hex(pool, sealed, n));
	if (digest)
		printf("\t%s", crypto_sha256_hex(pool, plain, strlen(plain)));
	return 0;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	struct keyring *keys = argc == 2 ? keyring_open(argv[1], false, &e) : NULL;
	char *line = NULL;
	size_t room = 0;
	ssize_t n;
	if (!keys) {
		fprintf(stderr, "seal KEYS: %s\n", e.detail);
		return 2;
	}
	while ((n = getline(&line, &room, stdin)) > 0) {
		struct pool *pool = pool_new();
		char *at = line, *field;
		if (line[n - 1] == '\n')
			line[n - 1] = 0;
		while ((field = strsep(&at, "\t"))) {
			if (!str_starts(field, "seal:") && !str_starts(field, "seal2:")) {
				fputs(field, stdout);
			} else if (seal(keys, field, pool, &e)) {
				fprintf(stderr, "seal: %s\n", e.detail);
				return 1;
			}
			putchar(at ? '\t' : '\n');
		}
		pool_free(pool);
	}
	free(line);
	keyring_close(keys);
	return 0;
}
