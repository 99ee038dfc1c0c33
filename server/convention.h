/*
 * The convention to sign: two or three parties, rendered once for a version of a file and frozen by its digest. What is
 * signed, countersigned and published rests on that digest; a new version is a new document.
 *
 *	convention_prepare(service, view, &c, pool);      on the loop: what the text needs
 *	job_work(j, …convention_render(&c)…)              elsewhere: HTML to PDF (2 s cold), sealed; c.err tells
 *	convention_store(j, &c);                          one statement: the document of that version
 */
#ifndef SERVER_CONVENTION_H
#define SERVER_CONVENTION_H

#include "file_view.h"

struct convention {
	struct pool *pool;
	struct service *service;
	int64_t file, version;
	const char *html;   /* what is rendered */
	const char *digest; /* SHA-256 of the PDF, hexadecimal; NULL until rendered */
	const unsigned char *pdf, *sealed;
	size_t pdf_size, sealed_size;
	struct err err;
};
void convention_prepare(struct service *s, const struct file_view *v, struct convention *c, struct pool *pool);
void convention_render(struct convention *c);
size_t convention_store(struct job *j, const struct convention *c);

#endif
