/*
 * Accounts of psychologists: made, confirmed by a link, signed in, their password chosen again. The key of an account
 * is its address in lower case. Digests of tokens only; passwords as argon2 texts only.
 *
 * Statements that post a message want identity_ask() as system before them in the same segment.
 */
#ifndef DB_ACCOUNT_H
#define DB_ACCOUNT_H

#include "db.h"

extern const struct statement account_rate;   /* use, email, seconds, most → allowed; counts this one when it is */
extern const struct statement account_read;   /* email → id, password_hash (confirmed accounts only), wait */
extern const struct statement account_lock;   /* email: one sign-in of an account is judged at a time */
extern const struct statement account_wait;   /* email → wait: seconds until it answers again, 0 = open */
extern const struct statement account_failed; /* email: counts a failure unless it is closed */
extern const struct statement
	account_signed_in;                  /* email, account, its hash, session digest, csrf → digest, or no row */
extern const struct statement session_gone; /* session digest */

extern const struct statement account_add;       /* email: nothing when it is there already */
extern const struct statement account_confirm;   /* email, hash, token digest: a link for an account still to confirm */
extern const struct statement account_tell;      /* email, params for a new one, params for an old one: its message */
extern const struct statement account_token;     /* kind, digest → account: a link that can still be used */
extern const struct statement account_confirmed; /* token digest → id, or no row: used before */
extern const struct statement account_forgot;    /* email, token digest, params: nothing for an unknown address */
extern const struct statement account_reset;     /* token digest, hash → id, or no row; every session ends */
/* account, its hash, the new hash, session digest, csrf → digest, or no row; every other session ends */
extern const struct statement account_change;

#endif
