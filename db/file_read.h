/*
 * What is read of files for people: one file whole, lists, and the applicant's own. Row-level security decides whose.
 */
#ifndef DB_FILE_READ_H
#define DB_FILE_READ_H

#include "db.h"

extern const struct statement file_read_row; /* file: the columns of case_lock, and names of caisse, holder, parent … */
extern const struct statement file_read_checks;   /* file: every result, the latest first */
extern const struct statement file_read_items;    /* file: open and answered */
extern const struct statement file_read_events;   /* file */
extern const struct statement file_read_personal; /* file */
extern const struct statement file_read_pieces;   /* file: with who opened them */
extern const struct statement file_read_openings; /* file */
extern const struct statement file_read_messages; /* file, audience of agents or NULL */
extern const struct statement file_read_agent;    /* agent → name */
extern const struct statement file_mine;          /* the applicant's files, the live one first */
extern const struct statement file_start;  /* account → id, number (a draft that is there already is given again) */
extern const struct statement file_opened; /* file: the applicant read the decision (domain.md §3) */

#endif
