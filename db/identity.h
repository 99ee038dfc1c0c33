/*
 * Who is asking. identity_join is the first statement of every segment and of every transaction: it joins the session
 * or the certificate to its person and sets row-level security until the end of that segment.
 *
 *	segment_ask(s, &identity_join, ARGS(arg_text("session"), arg_text(digest), arg_null, arg_null, arg_null));
 *	identity_read(segment_rows(s, 0), pool, &who, &now, &expired);
 *
 * In later flights of a transaction, and where the person is already known, identity_set says it again.
 */
#ifndef DB_IDENTITY_H
#define DB_IDENTITY_H

#include "db.h"

extern const struct statement identity_join; /* kind, token digest, issuer, subject, fingerprint */
extern const struct statement
	identity_nobody;                    /* the same row for a visitor who shows nothing: an identity is not set */
extern const struct statement identity_set; /* role, account, agent, caisses joined by commas, file (employer) */

/* Fills *who; role is VISITOR's bit when nobody is known. */
void identity_read(const struct rows *r, struct pool *pool, struct identity *who, instant_t *now, bool *expired);
/* The arguments of identity_set for this person. `file` 0 unless an employer. */
size_t identity_ask(struct segment *s, struct pool *pool, const struct identity *who, int64_t file);
/* The actor of an event or an idempotency key: "account:12", "agent:3", "employer:5", "clock", "system". */
char *identity_actor(const struct identity *who, int64_t file, struct pool *pool);

#endif
