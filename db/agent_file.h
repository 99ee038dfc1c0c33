/*
 * What an agent's page says of a file beyond what every reader gets (db/file_read.h).
 */
#ifndef DB_AGENT_FILE_H
#define DB_AGENT_FILE_H

#include "db.h"

extern const struct statement agent_file_copies; /* file: seq, data of the two latest sent copies, the latest first */
/* file: id, kind, for_row, name of pieces taken out since a correction was last asked for */
extern const struct statement agent_file_replaced;
/* file: id, number, state, state_since, excluded of the same person's earlier ones that who asks may read */
extern const struct statement agent_file_earlier;
extern const struct statement
	agent_file_communes; /* codes: code, name, departement, caisse, caisse_name, confidence, method */
extern const struct statement agent_file_signatures; /* file: party, at, method, digest, voided */
extern const struct statement agent_file_openings;   /* file: piece, at, kind, reason, agent_name, role, all of them */

extern const struct statement agent_file_hold; /* file: holds (by who asks) */

/* An administrator corrects the routing table: commune, caisse. 1 row affected when both are known. */
extern const struct statement commune_correct;

#endif
