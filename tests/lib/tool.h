/*
 * Another program's word on a document of ours: pdfinfo, pdftotext, qpdf…
 *
 *	static const char *const argv[] = { "/usr/bin/pdftotext", "/proc/self/fd/3", "-", NULL };
 *	const char *said = tool_said(pool, argv, pdf, size, NULL).s;
 *
 * The document is the child's descriptor 3. Fails the test when the program does not start or takes over 10 s.
 */
#ifndef TESTS_LIB_TOOL_H
#define TESTS_LIB_TOOL_H

#include <stddef.h>
#include "../../server/base/str.h"

/* Its standard output, in the pool. status is waitpid()'s; NULL: any status but 0 fails the test. */
struct str tool_said(struct pool *pool, const char *const *argv, const void *bytes, size_t n, int *status);

#endif
