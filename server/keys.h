/*
 * Keys that change, for enrollctl (server/base/crypto.h has the file, db/rekey.h the database).
 *
 * A sealing key: `keys rotate`, at once, beside a service that runs; `keys reencrypt` when there is time; `keys retire`
 * once nothing is sealed with the old one. With several machines a key is first added (`--add`), its file carried to
 * all of them, and only then made the one that seals (`--to ID`): nobody meets a key he does not know.
 *
 * The key of equality (NIR, IBAN): its columns find a person's other file, so they are made again all at once, and no
 * instance serves meanwhile. A killed rotation has changed nothing.
 *
 * A signing key signs the next roots; the older ones stay, for their roots are verified with them.
 */
#ifndef SERVER_KEYS_H
#define SERVER_KEYS_H

#include "service.h"

/* Equality under a new key; *made is its id, *files how many were made again. */
int keys_equality(struct service *s, const char *owner_dsn, struct pool *pool, const char **made, int64_t *files,
		  struct err *e) MUST_USE;
/* The keyring searches with the key that the database names. Before any thread. */
int keys_as_database(struct service *s, struct err *e) MUST_USE;

#endif
