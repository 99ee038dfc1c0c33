#include "pdf.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/asset.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/str.h"
#include "child.h"

#define PYTHON "/usr/bin/python3"
#define WEASYPRINT "/usr/lib/python3/dist-packages/weasyprint/__init__.py"
#define RENDER_SECONDS 30
#define DOCUMENT_MOST ((size_t)20 << 20)
#define MEMORY_MOST ((size_t)2 << 30)

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct child renderer = { .to = -1, .from = -1 };
static char script[600], cache[600], temporary[600];

static int put_asset(const char *folder, const char *name, const char *path, struct err *e)
{
	char to[600];
	const struct asset *a = asset_get(path);
	if (!a)
		return fault(e, "no asset %s", path);
	if ((size_t)snprintf(to, sizeof to, "%s/%s", folder, name) >= sizeof to)
		return fault(e, "the path of the state folder is too long");
	return file_write(to, a->data, a->size, 0644, e);
}

int pdf_start(const char *home, struct err *e)
{
	char folder[500], scratch[520];
	if ((size_t)snprintf(folder, sizeof folder, "%s/pdf", home) >= sizeof folder)
		return fault(e, "the path of the state folder is too long");
	snprintf(scratch, sizeof scratch, "%s/tmp", folder);
	if (file_folder(folder, 0700, e) || file_folder(scratch, 0700, e) ||
	    put_asset(folder, "render.py", "server/mail/render.py", e) ||
	    put_asset(folder, "regular.woff2", "server/static/fonts/atkinson-hyperlegible-next-400.woff2", e) ||
	    put_asset(folder, "bold.woff2", "server/static/fonts/atkinson-hyperlegible-next-700.woff2", e))
		return -1;
	pthread_mutex_lock(&lock);
	snprintf(script, sizeof script, "%s/render.py", folder);
	snprintf(cache, sizeof cache, "XDG_CACHE_HOME=%s/cache", folder);
	snprintf(temporary, sizeof temporary, "TMPDIR=%s", scratch);
	pthread_mutex_unlock(&lock);
	return 0;
}

static int start(struct err *e)
{
	const char *const argv[] = { PYTHON, "-I", "-u", script, NULL };
	const char *const env[] = { "LANG=C.UTF-8", "PATH=/usr/bin:/bin", cache, temporary, NULL };
	if (!*script)
		return fault(e, "pdf_start() was not called");
	if (access(PYTHON, X_OK) || access(WEASYPRINT, R_OK)) {
		fail(e, ERR_BUSY, "pdf.none");
		snprintf(e->detail, sizeof e->detail, "%s", "Debian's package weasyprint is not installed");
		return -1;
	}
	return child_start(&(struct child_spec){ .argv = argv,
						 .env = env,
						 .bytes_memory = MEMORY_MOST,
						 .writes_files = true /* the cache of fontconfig */ },
			   &renderer, e);
}

static int read_exactly(unsigned char *to, size_t n, int64_t deadline, struct err *e)
{
	while (n) {
		size_t got = 0;
		if (child_read(&renderer, to, n, deadline, &got, e))
			return -1;
		if (!got)
			return fault(e, "pdf: the renderer died");
		to += got;
		n -= got;
	}
	return 0;
}

static int write_frame(const char *text, int64_t deadline, struct err *e)
{
	size_t n = strlen(text);
	uint32_t size = htonl((uint32_t)n);
	return child_write(&renderer, &size, sizeof size, deadline, e) || child_write(&renderer, text, n, deadline, e)
		       ? -1
		       : 0;
}

/* 0 with *kind P or E, or -1: the process is of no use any more. */
static int ask(const char *css, const char *html, struct pool *pool, char *kind, unsigned char **out, size_t *n,
	       struct err *e)
{
	int64_t deadline = clock_monotonic() + RENDER_SECONDS * SECOND;
	unsigned char head[5];
	if (write_frame(css, deadline, e) || write_frame(html, deadline, e) ||
	    read_exactly(head, sizeof head, deadline, e))
		return -1;
	size_t size = (size_t)head[1] << 24 | (size_t)head[2] << 16 | (size_t)head[3] << 8 | head[4];
	if (size > DOCUMENT_MOST)
		return fault(e, "pdf: a document of %zu bytes", size);
	*kind = (char)head[0];
	*n = size;
	*out = pool_alloc(pool, size + 1);
	return read_exactly(*out, size, deadline, e);
}

int pdf_render(const char *css, const char *html, struct pool *pool, unsigned char **pdf, size_t *n, struct err *e)
{
	char kind = 0;
	bool asked = false;
	int r = -1;
	if (strlen(css) > DOCUMENT_MOST || strlen(html) > DOCUMENT_MOST)
		return fault(e, "pdf: too much to render");
	pthread_mutex_lock(&lock);
	int64_t give_up = clock_monotonic() + RENDER_SECONDS * SECOND;
	/* One that died while it was idle shows only now: a second one gets its chance. */
	for (int attempt = 0; attempt < 2 && r && clock_monotonic() < give_up; attempt++) {
		bool fresh = !renderer.pid;
		if (fresh && start(e))
			break;
		asked = true;
		r = ask(css, html, pool, &kind, pdf, n, e);
		if (r) {
			child_kill(&renderer);
			if (fresh)
				break;
		}
	}
	pthread_mutex_unlock(&lock);
	if (!r)
		*e = (struct err){ 0 }; /* of the one that had died */
	if (!r && kind != 'P')
		return fault(e, "pdf: %.*s", (int)(*n > 80 ? 80 : *n), (const char *)*pdf);
	/* It died, or said nothing: the next one may do better. */
	if (r && asked && e->kind == ERR_FAULT) {
		e->kind = ERR_BUSY;
		e->text = "pdf.none";
	}
	return r;
}

void pdf_stop(void)
{
	pthread_mutex_lock(&lock);
	if (renderer.pid)
		child_kill(&renderer);
	pthread_mutex_unlock(&lock);
}
