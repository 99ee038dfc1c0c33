/* Signing in and out. A failure is judged after the password was verified: attempt.h. */
#include "applicant.h"

#include "../../db/account.h"
#include "../base/crypto.h"
#include "../base/str.h"
#include "../session.h"
#include "../text.h"
#include "attempt.h"
#include "simple.h"

static int show(struct job *j, int status, const char *suite, const char *suite_body, const char *intro,
		const struct problems *p)
{
	const struct form *f = form_get("sign_in");
	struct simple_link *links = POOL_ARRAY(j->pool, struct simple_link, 2);
	struct str hidden = str_in(j->pool);
	struct values typed = values_in(j->pool);

	/* The page may stand in for any other that found no session: only the address typed here comes back. */
	if (!suite_body && values_get(&j->sent, "password"))
		values_add(&typed, "email", values_text(&j->sent, "email"));
	simple_hidden(&hidden, "suite", suite);
	simple_hidden(&hidden, "suite_body", suite_body);
	links[0] = (struct simple_link){ "/compte/mot-de-passe", text("account.forgot.link") };
	links[1] = (struct simple_link){ "/compte", text("account.create") };
	return simple_form_show(j, status,
				&(struct simple_form){
					.title = f->title,
					.intro = intro,
					.action = "/connexion",
					.button = text("account.sign_in"),
					.summary = form_problem_summary(p, j->pool),
					.fields = form_fields(f, NULL, &typed, p, NULL, 0, true, j->pool),
					.hidden = { hidden.s },
					.links = { links, 2 },
				});
}

int sign_in_show(struct job *j, int status, const char *suite, const char *suite_body)
{
	return show(j, status, suite, suite_body, text(suite_body ? "sign_in.again" : "sign_in.needed"), NULL);
}

static bool signed_in(const struct job *j)
{
	return (j->who.role & ~(unsigned)VISITOR) != 0;
}

int sign_in_answer(struct job *j, struct err *e)
{
	const char *suite = values_get(&j->query, "suite");

	(void)e;
	if (signed_in(j))
		return job_redirect(j, session_after(suite));
	return show(j, 200, suite, NULL, suite ? text("sign_in.needed") : NULL, NULL);
}

static int refused(struct job *j, int status, const char *why, int64_t wait)
{
	struct problems p = problems_in(j->pool);
	struct err e;

	if (wait)
		job_header(j, "retry-after", pool_printf(j->pool, "%lld", (long long)wait));
	if (j->json) {
		fail(&e, ERR_DENIED, why);
		return job_status(j, status, &e);
	}
	problems_add(&p, "email", "wrong", text(why));
	/* What waits behind this page waits on. */
	return show(j, status, values_get(&j->sent, "suite"), values_get(&j->sent, "suite_body"), NULL, &p);
}

static int tried(struct job *j, struct attempt *a, enum tried tried, struct err *e)
{
	const char *suite = values_get(&j->sent, "suite"), *sealed = values_get(&j->sent, "suite_body");
	struct json out;

	if (tried == TRIED_CLOSED) {
		account_log(j, "sign_in.closed", a->account);
		return refused(j, 429, "sign_in.closed", a->wait);
	}
	if (tried == TRIED_WRONG) {
		account_log(j, "sign_in.wrong", a->account);
		return refused(j, 401, "sign_in.wrong", 0);
	}
	account_log(j, "sign_in.good", a->account);
	if (j->json) {
		out = json_in(j->pool);
		json_obj(&out);
		json_kt(&out, "token", a->token);
		json_end(&out);
		return job_json(j, 200, &out);
	}
	attempt_session(j, a);
	return sealed && *sealed ? session_replay(j, sealed, a->token, e) : job_redirect(j, session_after(suite));
}

static size_t sign_in_write(struct job *j, const struct attempt *a)
{
	return job_ask(j, &account_signed_in,
		       ARGS(arg_text(a->email), arg_i64(j->pool, a->account), arg_text(a->hash),
			    arg_text(crypto_token_digest(j->pool, a->token)), arg_text(a->csrf)));
}

int sign_in_try_answer(struct job *j, struct err *e)
{
	struct attempt *a = POOL_NEW(j->pool, struct attempt);
	struct values kept, sent = j->sent;
	struct problems p;

	(void)e;
	j->sent = values_in(j->pool);
	values_add(&j->sent, "email", values_text(&sent, "email"));
	values_add(&j->sent, "password", values_text(&sent, "password"));
	if (job_validate(j, form_get("sign_in"), FORM_COMPLETE, &kept, &p)) {
		const char *suite = values_get(&sent, "suite"), *body = values_get(&sent, "suite_body");

		return j->json ? job_problems(j, &p) : show(j, 422, suite, body, NULL, &p);
	}
	j->sent = sent;
	a->email = values_text(&kept, "email");
	a->password = values_text(&kept, "password");
	a->write = sign_in_write;
	a->answer = tried;
	attempt_ask(j, a);
	return 0;
}

/* ---- out ---- */

static int left(struct job *j, struct err *e)
{
	struct json out;

	(void)e;
	job_cookie(j, SESSION_COOKIE, NULL, 0);
	if (!j->json)
		return job_redirect(j, "/");
	out = json_in(j->pool);
	json_obj(&out);
	json_kb(&out, "signed_in", false);
	json_end(&out);
	return job_json(j, 200, &out);
}

int sign_out_answer(struct job *j, struct err *e)
{
	struct credentials shown = { .digest = NULL };

	/* What this browser kept of the pages goes with the session. */
	job_header(j, "clear-site-data", "\"cache\", \"storage\"");
	if (j->request)
		session_read(j->request, j->pool, &shown);
	if (!shown.digest)
		return left(j, e);
	account_log(j, "sign_out", j->who.account);
	job_ask(j, &session_gone, ARGS(arg_text(shown.digest)));
	job_then(j, left);
	return 0;
}
