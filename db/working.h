/*
 * Saving the working copy of a draft (or of the unlocked part of a correction). It writes no history.
 */
#ifndef DB_WORKING_H
#define DB_WORKING_H

#include "db.h"

extern const struct statement
	working_save; /* file, data, revision read (0: none yet) → the new revision; no row: another tab was first */
extern const struct statement
	working_move_pieces; /* file, rows from, rows to ("" = gone): pieces follow their period */

#endif
