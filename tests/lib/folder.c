#include "folder.h"
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

char *folder_new(struct pool *pool)
{
	const char *base = getenv("TMPDIR");
	char *path = pool_printf(pool, "%s/enroll-test-XXXXXX", base && *base ? base : "/tmp");
	if (!mkdtemp(path))
		abort();
	return path;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void folder_remove(const char *path)
{
	nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

char *folder_read(struct pool *pool, const char *path, size_t *n)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	if (!f)
		return NULL;
	if (fstat(fileno(f), &st) < 0)
		abort();
	char *text = pool_alloc(pool, (size_t)st.st_size + 1);
	size_t done = fread(text, 1, (size_t)st.st_size, f);
	fclose(f);
	if (n)
		*n = done;
	return text;
}

int folder_mode(const char *path)
{
	struct stat st;
	return stat(path, &st) < 0 ? -1 : (int)(st.st_mode & 0777);
}
