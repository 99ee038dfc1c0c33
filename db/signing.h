/*
 * Signing with a code: who asks for one proves to read the mail of the address we know. Only the code's HMAC is kept; a
 * new code takes the place of the last. The employer comes by a link whose digest is kept.
 */
#ifndef DB_SIGNING_H
#define DB_SIGNING_H

#include "db.h"

extern const struct statement signing_code_set;  /* file, party, digest, minutes → expires_at */
extern const struct statement employer_by_token; /* digest of the link's token → file */
extern const struct statement
	employer_link_read; /* file → token (sealed), when it is not void: the demonstration only */

#endif
