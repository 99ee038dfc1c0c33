#include "../lib/test.h"
#include "../lib/tool.h"

#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../server/base/clock.h"
#include "../../server/base/str.h"
#include "../../server/child.h"
#include "../../server/pdf.h"
#include "../../server/piece_check.h"
#include "../lib/folder.h"

static struct pool *process;
static char *home;
static const char page[] =
	"<!DOCTYPE html><html lang=\"fr\"><head><title>Reçu n° 7</title></head>"
	"<body><h1>Accusé de réception</h1><p>Éloïse, vous avez jusqu’au 21 novembre 2026.</p></body></html>";
static const char css[] = "@page { size: A4 } body { font-family: Letter }";

static int start(void **state)
{
	struct err e;
	(void)state;
	process = pool_new();
	home = folder_new(process);
	return pdf_start(home, &e);
}

static int stop(void **state)
{
	(void)state;
	pdf_stop();
	folder_remove(home);
	pool_free(process);
	return 0;
}

static void render(struct pool *pool, const char *html, unsigned char **pdf, size_t *n)
{
	struct err e = { .detail = "" };
	if (pdf_render(css, html, pool, pdf, n, &e) || e.kind != ERR_NONE)
		fail_msg("pdf_render: %s", e.detail);
}

static void a_document_is_a_tagged_pdf_that_says_its_title_and_text(void **state)
{
	static const char *const info[] = { "/usr/bin/pdfinfo", "/proc/self/fd/3", NULL };
	static const char *const meta[] = { "/usr/bin/pdfinfo", "-meta", "/proc/self/fd/3", NULL };
	static const char *const text[] = { "/usr/bin/pdftotext", "/proc/self/fd/3", "-", NULL };
	static const char *const fonts[] = { "/usr/bin/pdffonts", "/proc/self/fd/3", NULL };
	struct pool *pool = pool_new();
	struct piece_checked c;
	struct err e;
	unsigned char *pdf;
	size_t n;
	(void)state;
	render(pool, page, &pdf, &n);
	char *said = tool_said(pool, info, pdf, n, NULL).s;
	assert_non_null(strstr(said, "Reçu n° 7"));
	assert_non_null(strstr(tool_said(pool, meta, pdf, n, NULL).s, "pdfuaid"));
	assert_non_null(strstr(said, "Tagged:          yes"));
	assert_non_null(strstr(tool_said(pool, text, pdf, n, NULL).s, "Éloïse, vous avez jusqu’au 21 novembre 2026."));
	assert_non_null(strstr(tool_said(pool, fonts, pdf, n, NULL).s, "+Letter"));
	assert_int_equal(piece_check(pdf, n, pool, &c, &e), 0);
	assert_null(c.problem);
	pool_free(pool);
}

static void nothing_is_fetched(void **state)
{
	struct pool *pool = pool_new();
	unsigned char *pdf;
	size_t n;
	(void)state;
	render(pool,
	       "<!DOCTYPE html><html lang=\"fr\"><head><title>t</title><link rel=\"stylesheet\" "
	       "href=\"file:///etc/passwd\"></head><body><p>a</p><img src=\"file:///etc/hostname\" alt=\"\">"
	       "<img src=\"http://127.0.0.1:9/x.png\" alt=\"\"></body></html>",
	       &pdf, &n);
	assert_true(n > 500);
	pool_free(pool);
}

/* The renderer is the only child this test has at that moment. */
static pid_t only_child(void)
{
	char path[64], line[64] = "";
	int64_t pid = 0;
	snprintf(path, sizeof path, "/proc/self/task/%d/children", (int)getpid());
	FILE *f = fopen(path, "r");
	assert_non_null(f);
	assert_non_null(fgets(line, sizeof line, f));
	fclose(f);
	line[strcspn(line, " \n")] = 0;
	assert_int_equal(str_to_i64(line, &pid), 0);
	assert_true(pid > 1);
	return (pid_t)pid;
}

/* Each keeps its fonts in one folder of the state folder's own. */
static size_t folders_left(void)
{
	glob_t found;
	size_t n = 0;
	char pattern[96];
	snprintf(pattern, sizeof pattern, "%s/pdf/tmp/weasyprint-*", home);
	if (!glob(pattern, 0, NULL, &found)) {
		n = found.gl_pathc;
		globfree(&found);
	}
	return n;
}

static void a_renderer_that_died_is_started_again_and_leaves_nothing_behind(void **state)
{
	struct pool *pool = pool_new();
	unsigned char *pdf;
	size_t n;
	(void)state;
	render(pool, page, &pdf, &n);
	assert_int_equal(kill(only_child(), SIGKILL), 0);
	render(pool, page, &pdf, &n);
	assert_memory_equal(pdf, "%PDF-", 5);
	assert_int_equal(folders_left(), 1);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_document_is_a_tagged_pdf_that_says_its_title_and_text),
		cmocka_unit_test(nothing_is_fetched),
		cmocka_unit_test(a_renderer_that_died_is_started_again_and_leaves_nothing_behind),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
