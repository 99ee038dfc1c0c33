/*
 * Erasing (domain.md §8). What is due is read by the service; the statements that erase run as the purge role
 * (ENROLL_PURGE_DSN), which alone may. Asked as `system`. Order: the event `purge`, then these, then purge_log.
 *
 * Kinds: "proofs" (identity paper, health card), "pieces", "nir", "evidence" (of the checks, reasons of openings),
 * "answers" (copies, texts, letters, documents), "person" (names, search keys, references), "profile".
 */
#ifndef DB_PURGE_H
#define DB_PURGE_H

#include "db.h"

extern const struct statement purge_due;     /* how many: file, version, kinds (joined by commas) */
extern const struct statement purge_notices; /* days before: tells of what will be erased */

/* ---- with the purge role; $1 is the file ---- */
extern const struct statement purge_pieces;     /* all pieces' chunks and names */
extern const struct statement purge_proofs;     /* of identity and rights alone */
extern const struct statement purge_frozen;     /* seq, data: the copies to write again without the NIR */
extern const struct statement purge_frozen_put; /* file, seq, data (NULL erases) */
extern const struct statement purge_nir;        /* the search key; the working copy goes */
extern const struct statement purge_evidence;   /* the results, their codes and hashes stay */
extern const struct statement purge_answers;
extern const struct statement purge_person;
extern const struct statement purge_profile;
extern const struct statement purge_written; /* file, kinds (text[]) */

#endif
