/*
 * The account of who is signed in: what can be done with it, and another password for who knows the present one
 * (a forgotten one is account.c's). Everything else that was open with the old one ends; this session goes on.
 */
#include "applicant.h"

#include "../../db/account.h"
#include "../../db/identity.h"
#include "../base/crypto.h"
#include "../session.h"
#include "../text.h"
#include "attempt.h"
#include "simple.h"

#define HERE "/compte/changer-mot-de-passe"
#define FORM "change_password"

static int account_json(struct job *j)
{
	struct json out = json_in(j->pool);

	json_obj(&out);
	json_kt(&out, "email", j->who.email);
	json_end(&out);
	return job_json(j, 200, &out);
}

int own_account_show(struct job *j)
{
	if (j->json)
		return account_json(j);
	return simple_note_show(j, 200,
				&(struct simple_note){
					.title = text("account.own"),
					.lead = text_fill(j->pool, "account.own.lead", j->who.email),
					.href = HERE,
					.label = form_get(FORM)->title,
					.other_href = "/dossiers",
					.other_label = text("account.own.file"),
				});
}

static int show(struct job *j, int status, const struct problems *p)
{
	const struct form *f = form_get(FORM);
	struct simple_link *forgot = POOL_NEW(j->pool, struct simple_link);

	*forgot = (struct simple_link){ "/compte/mot-de-passe", text("account.forgot.link") };
	return simple_form_show(j, status,
				&(struct simple_form){
					.title = f->title,
					.intro = f->steps[0].intro,
					.action = HERE,
					.button = text("account.reset.button"),
					.summary = form_problem_summary(p, j->pool),
					.fields = form_fields(f, NULL, &j->sent, p, NULL, 0, true, j->pool),
					.links = { forgot, 1 },
				});
}

int password_change_answer(struct job *j, struct err *e)
{
	struct problems none = problems_in(j->pool);

	(void)e;
	return j->json ? account_json(j) : show(j, 200, &none);
}

/* As at sign-in: the answer that closes is 429 and says when to come back. */
static int refused(struct job *j, int status, const char *code, const char *why)
{
	struct problems p = problems_in(j->pool);

	problems_add(&p, "current_password", code, text(why));
	return j->json ? job_problems(j, &p) : show(j, status, &p);
}

static int closed(struct job *j, const struct attempt *a)
{
	struct err e;

	account_log(j, "password.closed", a->account);
	job_header(j, "retry-after", pool_printf(j->pool, "%lld", (long long)a->wait));
	if (!j->json)
		return refused(j, 429, "closed", "account.change.closed");
	fail_field(&e, "account.change.closed", "current_password");
	return job_status(j, 429, &e);
}

static int tried(struct job *j, struct attempt *a, enum tried tried, struct err *e)
{
	struct credentials shown = { .kind = CRED_NONE };
	struct json out;

	(void)e;
	if (tried == TRIED_CLOSED)
		return closed(j, a);
	if (tried == TRIED_WRONG) {
		account_log(j, "password.wrong", a->account);
		return refused(j, 422, "wrong", "account.change.wrong");
	}
	account_log(j, "password.changed", a->account);
	clerk_wake();
	if (j->request)
		session_read(j->request, j->pool, &shown);
	if (shown.kind != CRED_BEARER)
		attempt_session(j, a);
	if (!j->json)
		return simple_note_show(j, 200,
					&(struct simple_note){
						.title = text("account.reset.done"),
						.lead = text("account.change.done"),
						.href = "/dossiers",
						.label = text("account.own.file"),
					});
	out = json_in(j->pool);
	json_obj(&out);
	json_kt(&out, "detail", text("account.change.done"));
	json_kt(&out, "token", a->token);
	json_end(&out);
	return job_json(j, 200, &out);
}

static size_t write_password(struct job *j, const struct attempt *a)
{
	job_ask(j, &identity_set,
		ARGS(arg_text("system"), arg_text(NULL), arg_text(NULL), arg_text(NULL), arg_text(NULL)));
	return job_ask(j, &account_change,
		       ARGS(arg_i64(j->pool, a->account), arg_text(a->hash), arg_text(a->chosen_hash),
			    arg_text(crypto_token_digest(j->pool, a->token)), arg_text(a->csrf)));
}

int password_changed_answer(struct job *j, struct err *e)
{
	struct attempt *a = POOL_NEW(j->pool, struct attempt);
	struct values kept;
	struct problems p;

	(void)e;
	if (job_validate(j, form_get(FORM), FORM_COMPLETE, &kept, &p))
		return j->json ? job_problems(j, &p) : show(j, 422, &p);
	a->email = j->who.email;
	a->password = values_text(&kept, "current_password");
	a->chosen = values_text(&kept, "password");
	a->write = write_password;
	a->answer = tried;
	attempt_ask(j, a);
	return 0;
}
