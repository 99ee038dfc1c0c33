/*
 * What agents are mailed: once a day, how many messages wait for them, and nothing of their content. Asked as `system`.
 */
#ifndef DB_DIGEST_H
#define DB_DIGEST_H

#include "db.h"

extern const struct statement
	digest_queue; /* hour from which it leaves, Paris time: an outbox row for each agent concerned */
extern const struct statement digest_one; /* outbox row, agent: name, email, count since the one before */

#endif
