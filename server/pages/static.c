#include "pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/asset.h"
#include "../base/crypto.h"
#include "../compress.h"

#define FOLDER "server/static/"

struct file {
	const char *name, *type, *etag; /* name: after /static/ */
	const struct asset *plain;
	const unsigned char *gzip; /* compressed once at the start; NULL: not smaller */
	size_t gzip_size;
};

static struct file *files; /* sorted by name, as the assets are; read-only after the start */
static size_t file_count;

static const char *type_of(const char *name)
{
	static const struct {
		const char *end, *type;
	} types[] = {
		{ ".css", "text/css; charset=utf-8" },
		{ ".js", "text/javascript; charset=utf-8" },
		{ ".svg", "image/svg+xml" },
		{ ".woff2", "font/woff2" },
		{ ".png", "image/png" },
		{ ".ico", "image/x-icon" },
		{ ".txt", "text/plain; charset=utf-8" },
	};
	for (size_t i = 0; i < COUNT(types); i++)
		if (str_ends(name, types[i].end))
			return types[i].type;
	return NULL;
}

/* Fonts and pictures are compressed already. */
static bool compressible(const char *type)
{
	return !str_starts(type, "font/") && strcmp(type, "image/png") != 0;
}

int statics_load(struct pool *pool, struct err *e)
{
	size_t count = 0;
	for (const struct asset *a = asset_next(FOLDER, NULL); a; a = asset_next(FOLDER, a))
		count++;
	struct file *list = POOL_ARRAY(pool, struct file, count + 1);
	count = 0;
	for (const struct asset *a = asset_next(FOLDER, NULL); a; a = asset_next(FOLDER, a)) {
		const char *name = a->path + strlen(FOLDER), *type = type_of(name);
		if (!type)
			continue;
		char *digest = crypto_sha256_hex(pool, a->data, a->size);
		list[count] = (struct file){
			.name = name,
			.type = type,
			.etag = pool_printf(pool, "\"%.32s\"", digest),
			.plain = a,
		};
		if (compressible(type))
			list[count].gzip = compress_gzip(a->data, a->size, 9, pool, &list[count].gzip_size);
		count++;
	}
	if (!count)
		return fault(e, "server/static: no files");
	files = list;
	file_count = count;
	return 0;
}

static int by_name(const void *name, const void *file)
{
	return strcmp(name, ((const struct file *)file)->name);
}

int static_answer(struct job *j, struct err *e)
{
	const char *name = job_param(j, "*");
	const struct file *f = file_count ? bsearch(name, files, file_count, sizeof *files, by_name) : NULL;
	if (!f)
		return fail(e, ERR_MISSING, "error.missing");
	/* Pages name files without a version, so a day old copy must be asked for again; the ETag makes that cheap. */
	const char *version = values_get(&j->query, "v");
	bool lasting = str_starts(name, "fonts/") || (version && !strncmp(version, f->etag + 1, 8));
	job_header(j, "etag", f->etag);
	job_header(j, "vary", "Accept-Encoding");
	job_header(j, "cache-control", lasting ? "public, max-age=31536000, immutable" : "public, max-age=300");
	const char *known = http_header(j->request, "if-none-match");
	if (known && strstr(known, f->etag))
		return job_bytes(j, 304, NULL, "", 0, NULL);
	bool gzip = f->gzip && compress_accepted(http_header(j->request, "accept-encoding"));
	if (gzip)
		job_header(j, "content-encoding", "gzip");
	return job_lasting(j, 200, f->type, gzip ? f->gzip : f->plain->data, gzip ? f->gzip_size : f->plain->size);
}
