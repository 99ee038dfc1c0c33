/*
 * The convention to sign: two or three parties, rendered once for a version of a file and frozen by its digest. What is
 * signed, countersigned and published rests on that digest; a new version is a new document.
 *
 *	convention_prepare(service, view, &c, pool);      on the loop: what the text needs
 *	job_work(j, …convention_render(&c)…)              elsewhere: HTML to PDF (2 s cold), sealed; c.err tells
 *	convention_store(j, &c);                          one statement: the document of that version
 *
 * Once countersigned it is sealed, from the outbox (clerk.c): the frozen bytes, then the service's electronic seal with
 * the signatures of the parties in its reason (pdf_seal.h). The sealed one is a document of its own, kept beside the
 * frozen one, and is what people get from then on.
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
/* Rows of document_to_seal and agent_file_signatures: digest and sealed bytes (at rest) of the sealed convention. */
int convention_seal(struct service *s, const struct rows *frozen, const struct rows *signatures, instant_t now,
		    struct pool *pool, const char **digest, unsigned char **kept, size_t *n, struct err *e) MUST_USE;
size_t convention_store(struct job *j, const struct convention *c);

#endif
