/*
 * Saving the working copy of a draft (or of the unlocked part of a correction). It writes no history.
 */
#ifndef DB_WORKING_H
#define DB_WORKING_H

#include "db.h"

/*
 * file, data, revision read (0: none yet), rows from, rows to ("" = gone): the pieces of a period follow it. → the new
 * revision; no row: another tab was first, or the file was sent meanwhile, and nothing moved.
 */
extern const struct statement working_save;

#endif
