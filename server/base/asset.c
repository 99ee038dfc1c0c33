#include "asset.h"
#include <string.h>

/* Written by the build (build/assets.S), in the byte order of the paths. */
extern const struct asset asset_table[];
extern const size_t asset_count;

/* Index of the first path whose first n bytes are not below key's. */
static size_t lower_bound(const char *key, size_t n)
{
	size_t low = 0, high = asset_count;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		if (strncmp(asset_table[mid].path, key, n) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

const struct asset *asset_get(const char *path)
{
	if (!path)
		return NULL;
	size_t i = lower_bound(path, strlen(path) + 1);
	return i < asset_count && strcmp(asset_table[i].path, path) == 0 ? &asset_table[i] : NULL;
}

const struct asset *asset_next(const char *folder, const struct asset *previous)
{
	size_t n = strlen(folder);
	while (n && folder[n - 1] == '/')
		n--;
	size_t i;
	if (previous) {
		i = (size_t)(previous - asset_table) + 1;
	} else {
		/* "a-b/x" sorts before "a/x": the slash is part of the key. */
		char key[512];
		if (n + 2 > sizeof key)
			return NULL;
		memcpy(key, folder, n);
		key[n] = '/';
		key[n + 1] = 0;
		i = n ? lower_bound(key, n + 1) : 0;
	}
	if (i >= asset_count)
		return NULL;
	const struct asset *a = &asset_table[i];
	return !n || (strncmp(a->path, folder, n) == 0 && a->path[n] == '/') ? a : NULL;
}
