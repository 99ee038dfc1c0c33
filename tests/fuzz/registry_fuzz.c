/*
 * The registry's lines from hostile bytes: the first line is the names (of the real file when the input starts with a
 * line feed), the others are read as the import reads them. What is kept must be what the service may rely on.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../db/registry.h"
#include "../../server/base/asset.h"
#include "../../server/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void kept(const char *line, size_t n, const struct registry_span f[REGISTRY_COLUMNS])
{
	char departement[4];
	if (!str_is_utf8(line, n) || f[REGISTRY_RPPS].n != 11)
		abort();
	for (int i = 0; i < REGISTRY_COLUMNS; i++)
		if (f[i].p < line || f[i].p + f[i].n > line + n || memchr(f[i].p, '|', f[i].n))
			abort();
	if (f[REGISTRY_PROFESSION].n != 2 ||
	    (memcmp(f[REGISTRY_PROFESSION].p, "93", 2) != 0 && memcmp(f[REGISTRY_PROFESSION].p, "72", 2) != 0))
		abort();
	registry_departement(f, departement);
	size_t d = strlen(departement);
	if (d == 1 || d > 3)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct registry_layout layout;
	struct registry_span f[REGISTRY_COLUMNS];
	struct err e = { 0 };
	/* A copy of exactly its size, so that the sanitizer sees a step outside. */
	char *text = malloc(size + 1);
	if (!text)
		return 0;
	memcpy(text, data, size);
	const char *p = text, *end = text + size, *why = NULL, *nl = size ? memchr(p, '\n', size) : NULL;
	size_t n = nl ? (size_t)(nl - p) : size;
	const struct asset *real = asset_get("db/data/rpps_personne_activite_header.txt");
	int bad = n || !real ? registry_read_header(p, n, &layout, &e)
			     : registry_read_header((const char *)real->data, strcspn((const char *)real->data, "\r\n"),
						    &layout, &e);
	if (bad && e.kind != ERR_INPUT)
		abort();
	while (!bad && nl) {
		p = nl + 1;
		nl = p < end ? memchr(p, '\n', (size_t)(end - p)) : NULL;
		n = (size_t)((nl ? nl : end) - p);
		/* Its own allocation: reading past the line's end would be seen. */
		char *line = malloc(n ? n : 1);
		if (!line)
			break;
		memcpy(line, p, n);
		memset(f, 0, sizeof f);
		if (registry_read_line(&layout, line, n, f, &why) == REGISTRY_KEEP)
			kept(line, n, f);
		free(line);
	}
	free(text);
	return 0;
}
