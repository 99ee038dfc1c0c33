/*
 * What the checks look at, of one file ($1), read by the system: workflow/verify.c.
 */
#ifndef DB_VERIFY_H
#define DB_VERIFY_H

#include "db.h"

extern const struct statement verify_file_row;       /* the columns of case_lock, without the lock */
extern const struct statement verify_registry_copy;  /* day of the current copy */
extern const struct statement verify_registry_lines; /* lines of its RPPS in the current copy */
extern const struct statement verify_commune;        /* of its main address */
extern const struct statement verify_twins;          /* submitted files of another RPPS: same_name, same_iban */
extern const struct statement verify_pieces;         /* bad: kinds that are not what they say; authorisation */

#endif
