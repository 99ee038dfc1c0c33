/*
 * Documents by their digest: conventions, sealed or not. The bytes are sealed (server/document.h).
 */
#ifndef DB_DOCUMENT_H
#define DB_DOCUMENT_H

#include "db.h"

extern const struct statement document_insert; /* digest, file, version, kind, data; there already: nothing */
extern const struct statement
	document_of_file; /* file: digest, version, data, kind of the convention in force or to sign, sealed first */
extern const struct statement document_one; /* file, digest, kind: data */
/* file, version of the sealed one: the frozen convention (digest, data, NULL when erased; number, caisse) and sealed:
 * is that done already? */
extern const struct statement document_to_seal;

#endif
