/*
 * What is left to do after a commit. A row is leased for a while by one worker (SKIP LOCKED), done at least once, and
 * its id is the stable name of the work. Asked as `system`.
 *
 * Leases count on the machine's clock, "due" on enroll_now(): a test that moves the time does not end a lease.
 */
#ifndef DB_OUTBOX_H
#define DB_OUTBOX_H

#include "db.h"

/* "due" of what somebody waits for before a screen: ahead of all that is only told, however long that has waited. */
#define OUTBOX_FIRST "'-infinity'"

extern const struct statement
	outbox_lease; /* kinds (text[]), how many, seconds: id, kind, file, seq, ref, payload, attempts, at, now */
extern const struct statement outbox_done;  /* id, error or NULL */
extern const struct statement outbox_later; /* id, due, error */
extern const struct statement outbox_add;   /* file, seq, kind, ref, the row whose place in the queue it takes */
extern const struct statement outbox_trim;  /* days: forgets what was done before */

#endif
