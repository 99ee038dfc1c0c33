/*
 * A password is tried: the one door for signing in and for changing it. It is verified on a pool thread, then judged,
 * one try of an account at a time: many guesses sent at once are still five in 15 minutes (interface.md), whichever
 * page they come through.
 *
 *	struct attempt *a = POOL_NEW(j->pool, struct attempt);
 *	a->email = …, a->password = …, a->write = …, a->answer = …;
 *	attempt_ask(j, a);                      takes j->state; ends the step
 *
 * `answer` ends the job. It reads a->account (0: an address without an account) and, when closed, a->wait.
 */
#ifndef SERVER_PAGES_ATTEMPT_H
#define SERVER_PAGES_ATTEMPT_H

#include "../job.h"

enum tried { TRIED_GOOD, TRIED_WRONG, TRIED_CLOSED };

struct attempt {
	/* filled by the caller */
	const char *email, *password;
	const char *chosen; /* a new password, or NULL: made into chosen_hash when the other is right */
	/* Asks what a right password does, in the transaction that judges it; gives the index of the statement that has
	 * a row when it was done. */
	size_t (*write)(struct job *j, const struct attempt *a);
	int (*answer)(struct job *j, struct attempt *a, enum tried tried, struct err *e);
	/* by attempt_ask() */
	int64_t account, wait; /* wait: seconds until it answers again */
	const char *hash, *chosen_hash;
	const char *token, *csrf; /* of the session that `write` may open */
	bool good;
	struct pool *pool;
	struct err err; /* of the work */
	size_t row, wait_row;
};

void attempt_ask(struct job *j, struct attempt *a);
/* The session that `write` opened: its cookie, and the page that follows shows its CSRF token. */
void attempt_session(struct job *j, const struct attempt *a);

#endif
