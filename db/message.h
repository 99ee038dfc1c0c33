/*
 * Messages: the in-app inbox and what is mailed of it. A message is a letter's name and codes until it is rendered
 * (server/letters.h); then its subject and sealed body are frozen.
 *
 * Pages: message_inbox lists, message_one reads, message_opened says it was read (and starts the remedies' clock).
 * To post one: message_post, then message_queue in the same segment. A visitor may not: identity_ask() as system first.
 */
#ifndef DB_MESSAGE_H
#define DB_MESSAGE_H

#include "db.h"

/* ---- pages ---- */
extern const struct statement message_inbox; /* account, before id or NULL, how many: id, at, kind, subject, file,
						number, opened_at, mail_state, total, unread */
extern const struct statement
	message_one; /* id: id, at, kind, subject, body, file, number, opened_at, mail_state, mail_at, seq, account */
extern const struct statement
	message_opened; /* id, account: opened_at, and the file's notification when it is its decision's letter */
extern const struct statement
	message_of_file; /* file: id, at, kind, subject, audience, opened_at, mail_state, mail_at */
extern const struct statement message_to_agents; /* before id or NULL, how many; row-level security chooses */
extern const struct statement message_post;      /* account, audience, file, seq, kind, params (see letter_params) */
extern const struct statement message_queue; /* file, seq: its outbox row, ahead of the others; $1 and $2 may be NULL */

/* ---- the clerk, as system ---- */
extern const struct statement message_load;   /* id: the message with all that its letter may say */
extern const struct statement message_checks; /* id: of its file, code, result, reason, source of the latest run */
extern const struct statement message_faults; /* id: id, kind, for_row, name, problem of faulty pieces at its event */
extern const struct statement message_freeze; /* id, subject, body: only once */
extern const struct statement message_mail;   /* id, mail_state */

#endif
