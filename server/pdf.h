/*
 * HTML and CSS to PDF/UA-1, by WeasyPrint in a process of its own that is kept warm (server/mail/render.py).
 *
 *	pdf_start("var", &e);                       once, at start: tells where its script and fonts are written
 *	pdf_render(css, html, pool, &pdf, &n, &e);  from any thread but an event loop; one document at a time
 *	pdf_stop();
 *
 * The process starts with the first document (about 2 s; later ones take a tenth), is killed when a document takes more
 * than 30 s, and is started again when it died. It fetches nothing: no file, no network.
 * Without WeasyPrint pdf_render() is ERR_BUSY "pdf.none".
 */
#ifndef SERVER_PDF_H
#define SERVER_PDF_H

#include <stddef.h>
#include "base/err.h"
#include "base/pool.h"

int pdf_start(const char *home, struct err *e) MUST_USE;
/* `html` is a whole document with its title and lang="fr": PDF/UA wants both. */
int pdf_render(const char *css, const char *html, struct pool *pool, unsigned char **pdf, size_t *n,
	       struct err *e) MUST_USE;
void pdf_stop(void);

#endif
