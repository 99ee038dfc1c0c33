/*
 * The files the program carries inside itself: templates, texts, form definitions, migrations, reference data, static
 * files. The build lists them and the assembler includes them, so build/enrolld needs nothing beside it.
 *
 *	const struct asset *a = asset_get("server/text/fr.xml");      the path inside the repository, or NULL
 */
#ifndef BASE_ASSET_H
#define BASE_ASSET_H

#include <stddef.h>

struct asset {
	const char *path;
	const unsigned char *data; /* a 0 follows the last byte */
	size_t size;
};

const struct asset *asset_get(const char *path);
/* Walks the assets under a folder in the order of their paths: pass NULL first, then the last answer. */
const struct asset *asset_next(const char *folder, const struct asset *previous);

#endif
