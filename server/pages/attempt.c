#include "attempt.h"

#include "../../db/account.h"
#include "../base/crypto.h"
#include "../session.h"

#define COOKIE_SECONDS (12 * 3600) /* as the session at most; it ends 2 hours after its last use too */

static int judged(struct job *j, struct err *e)
{
	struct attempt *a = j->state;

	a->wait = rows_i64(job_rows(j, a->wait_row), 0, "wait");
	if (a->wait)
		return a->answer(j, a, TRIED_CLOSED, e);
	return a->answer(j, a, a->good && rows_count(job_rows(j, a->row)) ? TRIED_GOOD : TRIED_WRONG, e);
}

static int verified(struct job *j, struct err *e)
{
	struct attempt *a = j->state;

	if (a->err.kind != ERR_NONE) {
		*e = a->err;
		return -1;
	}
	job_ask(j, &account_lock, ARGS(arg_text(a->email)));
	a->wait_row = job_ask(j, &account_wait, ARGS(arg_text(a->email)));
	if (a->good) {
		a->token = crypto_token(j->pool);
		a->csrf = crypto_token(j->pool);
		a->row = a->write(j, a);
	} else {
		a->row = job_ask(j, &account_failed, ARGS(arg_text(a->email)));
	}
	job_then(j, judged);
	return 0;
}

static void verify(void *arg)
{
	struct attempt *a = arg;
	char *hash;

	a->good = crypto_password_verify(a->hash, a->password);
	if (a->good && a->chosen && !crypto_password_hash(a->chosen, a->pool, &hash, &a->err))
		a->chosen_hash = hash;
}

static int found(struct job *j, struct err *e)
{
	struct attempt *a = j->state;
	const struct rows *r = job_rows(j, a->row);

	a->account = rows_i64(r, 0, "id");
	a->wait = rows_i64(r, 0, "wait");
	if (a->wait)
		return a->answer(j, a, TRIED_CLOSED, e);
	a->hash = rows_text(r, 0, "password_hash");
	job_work(j, verify, a, verified);
	return 0;
}

void attempt_ask(struct job *j, struct attempt *a)
{
	j->state = a;
	a->pool = j->pool;
	a->row = job_ask(j, &account_read, ARGS(arg_text(a->email)));
	job_then(j, found);
}

void attempt_session(struct job *j, const struct attempt *a)
{
	j->who.csrf = a->csrf;
	job_cookie(j, SESSION_COOKIE, a->token, COOKIE_SECONDS);
}
