/*
 * The directory profile, kept by the psychologist themselves. Row-level security of the file decides whose.
 */
#ifndef DB_PROFILE_H
#define DB_PROFILE_H

#include "db.h"

extern const struct statement profile_read;    /* file: the profile, and the file's state, version, effective date */
extern const struct statement profile_save;    /* file, public, languages, remote, website, show_email, show_phone,
						  unavailable until or NULL: confirmed today; 1 row affected */
extern const struct statement profile_confirm; /* file: still right; 1 row affected */

#endif
