/*
 * What time brings: deadlines, reminders, presumed notifications, drafts nobody touched, chain roots. Asked as
 * `system`. Each reminder is a row of `notice`, unique by file, kind and stay in the state: asking twice reminds once.
 */
#ifndef DB_DUE_H
#define DB_DUE_H

#include "db.h"

extern const struct statement due_files;    /* how many: id, version, state, event, due */
extern const struct statement due_orphans;  /* how many: id, version, state */
extern const struct statement due_notified; /* days: presumes the notification of decisions posted so long ago */
extern const struct statement due_next;     /* at: the next deadline, or NULL */
/* state, days before the deadline (int[]), notice kind, letter, audience ("account", "experts", "admins"): 1 row each
 */
extern const struct statement due_reminders;
extern const struct statement due_targets;       /* last day that is over the target of in_review: tells the caisses */
extern const struct statement due_draft_notices; /* days untouched, days left */
extern const struct statement
	due_drafts_gone; /* days untouched, days that it was told before: deletes, counts; 1 row: n */
extern const struct statement due_forgotten; /* sessions, keys, failures, uploads that no one may need */

extern const struct statement chain_heads;  /* at: file, hash of its last event until then, in the order of files */
extern const struct statement chain_last;   /* at, due (an hour has passed and something happened) */
extern const struct statement chain_insert; /* at, files, root, signature */

#endif
