/*
 * Documents as PDF: what they share (style, sealing), and the receipt of a deposit.
 *
 *	ask:    where = job_ask(j, &document_of_file, ARGS(id));
 *	answer: document_open(keys, rows, pool, &pdf, &n, &e)         a few hundred KB: in job_work()
 *
 *	struct receipt r; receipt_prepare(service, view, &r, pool);   on the loop
 *	job_work(j, …receipt_render(&r)…)                            then r.pdf, r.pdf_size, or r.err
 */
#ifndef SERVER_DOCUMENT_H
#define SERVER_DOCUMENT_H

#include "file_view.h"

/* server/mail/document.css */
const char *document_css(void);
/* The row of document_of_file or document_one. ERR_MISSING when there is none or it was erased; ERR_FAULT when its
 * bytes are not those of its digest. */
int document_open(const struct keyring *k, const struct rows *r, const char *digest, struct pool *pool,
		  unsigned char **pdf, size_t *n, struct err *e) MUST_USE;

struct receipt {
	struct pool *pool;
	const char *html;
	const unsigned char *pdf;
	size_t pdf_size;
	struct err err;
};
/* ERR_MISSING before the first deposit. */
int receipt_prepare(struct service *s, const struct file_view *v, struct receipt *r, struct pool *pool,
		    struct err *e) MUST_USE;
void receipt_render(struct receipt *r);

#endif
