/*
 * Seals a PDF of ours as PAdES B-B (ETSI EN 319 142-1): an incremental update after the last byte, so that what people
 * signed stands unchanged in front and anyone can cut it out and compute its digest.
 *
 *	struct pdf_seal q = { .pdf = pdf, .size = n, .with = pades_open(…), .name = "…", .reason = "…", .at = now };
 *	pdf_seal(&q, pool, &out, &size, &e);             some milliseconds: never on an event loop
 *
 * Added: a signature dictionary (ETSI.CAdES.detached, /ByteRange over all but its own /Contents), a field that is not
 * drawn (/Sig, hidden, as PDF/UA wants what has no place among the tags), the catalogue's /AcroForm, and a
 * cross-reference section of the same kind as the document's last one (ISO 32000-1 §7.5.6, §7.5.8, §12.8).
 *
 * It reads what WeasyPrint and qpdf write, cross-reference streams and object streams included; it is no reader of PDFs
 * of strangers: what is encrypted, has a form already or keeps the annotations of its first page elsewhere is
 * ERR_FAULT. It adds no timestamp of a third party and no revocation data (that would be B-T, B-LT).
 */
#ifndef SERVER_PDF_SEAL_H
#define SERVER_PDF_SEAL_H

#include <stddef.h>
#include "base/crypto.h"

struct pdf_seal {
	const void *pdf;
	size_t size;
	const struct pades *with;
	const char *name;   /* who seals, UTF-8 */
	const char *reason; /* what a reader shows beside the seal, UTF-8 */
	instant_t at;       /* claimed time */
};
int pdf_seal(const struct pdf_seal *q, struct pool *pool, unsigned char **out, size_t *n, struct err *e) MUST_USE;

#endif
