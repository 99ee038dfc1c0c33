/*
 * An account is made by whoever reads the mail of its address. Nothing here tells whether an address has an account:
 * the answer, and the time it takes, are the same; only the mail differs.
 */
#include "applicant.h"

#include <stdlib.h>

#include "../../db/account.h"
#include "../../db/identity.h"
#include "../base/crypto.h"
#include "../base/log.h"
#include "../base/str.h"
#include "../letters.h"
#include "../text.h"
#include "simple.h"

#define MAILS_SECONDS "3600"
#define MAILS_MOST "5"

struct account_state {
	const char *email, *password, *hash, *token, *digest;
	struct pool *pool;
	struct err err; /* of the work */
	size_t row;
};

static void hash_password(void *arg)
{
	struct account_state *a = arg;
	char *hash;

	if (!crypto_password_hash(a->password, a->pool, &hash, &a->err))
		a->hash = hash;
}

void account_log(struct job *j, const char *what, int64_t account)
{
	log_event(LOG_INFO, what, "account", account ? pool_printf(j->pool, "%lld", (long long)account) : "", "address",
		  j->request ? j->request->address : "");
}

static int form_show(struct job *j, int status, const char *form, const char *action, const char *button,
		     const struct problems *p)
{
	static const struct simple_link links[] = { { "/connexion", NULL } };
	const struct form *f = form_get(form);
	struct simple_link *list = pool_copy(j->pool, links, sizeof links);

	list[0].label = text("account.have_one");
	return simple_form_show(j, status,
				&(struct simple_form){
					.title = f->title,
					.intro = f->steps[0].intro,
					.action = action,
					.button = text(button),
					.summary = form_problem_summary(p, j->pool),
					.fields = form_fields(f, NULL, &j->sent, p, NULL, 0, true, j->pool),
					.links = { list, 1 },
				});
}

static int problems_show(struct job *j, const char *form, const char *action, const char *button,
			 const struct problems *p)
{
	return j->json ? job_problems(j, p) : form_show(j, 422, form, action, button, p);
}

static void as_system(struct job *j)
{
	job_ask(j, &identity_set,
		ARGS(arg_text("system"), arg_text(NULL), arg_text(NULL), arg_text(NULL), arg_text(NULL)));
}

/* "A message is on its way": the same for every address. The demonstration sends nothing, so it shows the link. */
static int sent_show(struct job *j, const char *demo_href, const char *demo_label)
{
	struct json out;

	if (!j->service->settings.demo)
		demo_href = NULL;
	if (!j->json)
		return simple_note_show(j, 200,
					&(struct simple_note){
						.title = text("account.sent.title"),
						.lead = text("account.sent.lead"),
						.body = text("account.sent.body"),
						.href = "/connexion",
						.label = text("account.sign_in"),
						.demo_href = demo_href,
						.demo_label = text(demo_label),
					});
	out = json_in(j->pool);
	json_obj(&out);
	json_kt(&out, "detail", text("account.sent.lead"));
	if (demo_href) {
		json_key(&out, "demonstration");
		json_obj(&out);
		json_kt(&out, "link", demo_href);
		json_end(&out);
	}
	json_end(&out);
	return job_json(j, 200, &out);
}

static int done_show(struct job *j, const char *title, const char *lead)
{
	struct json out;

	if (!j->json)
		return simple_note_show(j, 200,
					&(struct simple_note){
						.title = text(title),
						.lead = text(lead),
						.href = "/connexion",
						.label = text("account.sign_in"),
					});
	out = json_in(j->pool);
	json_obj(&out);
	json_kt(&out, "detail", text(lead));
	json_end(&out);
	return job_json(j, 200, &out);
}

static int too_many(struct job *j)
{
	struct err e;

	fail(&e, ERR_INPUT, "account.too_many");
	job_header(j, "retry-after", MAILS_SECONDS);
	return job_status(j, 429, &e);
}

static void ask_rate(struct job *j, struct account_state *a, const char *use)
{
	a->row = job_ask(j, &account_rate,
			 ARGS(arg_text(use), arg_text(a->email), arg_text(MAILS_SECONDS), arg_text(MAILS_MOST)));
}

/* ---- create ---- */

int account_new_answer(struct job *j, struct err *e)
{
	struct problems none = problems_in(j->pool);

	(void)e;
	if (j->who.account)
		return own_account_show(j);
	return form_show(j, 200, "account", "/compte", "account.create", &none);
}

static int created(struct job *j, struct err *e)
{
	const struct account_state *a = j->state;
	bool is_new = rows_affected(job_rows(j, a->row)) > 0;

	(void)e;
	clerk_wake();
	return is_new ? sent_show(j, pool_printf(j->pool, "/compte/confirmation/%s", a->token), "account.demo.confirm")
		      : sent_show(j, "/connexion", "account.demo.exists");
}

static int create_write(struct job *j, struct err *e)
{
	struct account_state *a = j->state;
	const char *params;

	if (!a->hash) {
		*e = a->err;
		return -1;
	}
	a->token = crypto_token(j->pool);
	params = letter_params(j->service->keys, "confirm_account", a->token, j->pool, e);
	if (!params)
		return -1;
	as_system(j);
	job_ask(j, &account_add, ARGS(arg_text(a->email)));
	a->row = job_ask(j, &account_confirm,
			 ARGS(arg_text(a->email), arg_text(a->hash), arg_text(crypto_token_digest(j->pool, a->token))));
	job_ask(j, &account_tell, ARGS(arg_text(a->email), arg_text(params), arg_text("{}")));
	job_then(j, created);
	return 0;
}

static int create_rated(struct job *j, struct err *e)
{
	struct account_state *a = j->state;

	(void)e;
	if (!rows_bool(job_rows(j, a->row), 0, "allowed"))
		return too_many(j);
	job_work(j, hash_password, a, create_write);
	return 0;
}

int account_create_answer(struct job *j, struct err *e)
{
	struct account_state *a = j->state = POOL_NEW(j->pool, struct account_state);
	struct values kept;
	struct problems p;

	(void)e;
	if (job_validate(j, form_get("account"), FORM_COMPLETE, &kept, &p))
		return problems_show(j, "account", "/compte", "account.create", &p);
	a->email = values_text(&kept, "email");
	a->password = values_text(&kept, "password");
	a->pool = j->pool;
	ask_rate(j, a, "create");
	job_then(j, create_rated);
	return 0;
}

/* ---- confirm: the page's button acts, so that a mail scanner that follows the link changes nothing ---- */

static int ask_token(struct job *j, const char *kind)
{
	struct account_state *a = j->state = POOL_NEW(j->pool, struct account_state);

	a->pool = j->pool;
	a->token = job_param(j, "token");
	a->digest = crypto_token_digest(j->pool, a->token);
	a->row = job_ask(j, &account_token, ARGS(arg_text(kind), arg_text(a->digest)));
	return 0;
}

static bool token_good(const struct job *j)
{
	const struct account_state *a = j->state;

	return rows_count(job_rows(j, a->row)) > 0;
}

int account_confirm_ask(struct job *j, struct err *e)
{
	(void)e;
	return ask_token(j, "confirm");
}

/* Used, too old, or never given: the same words, so that they say nothing of who has an account. */
static int confirm_gone(struct job *j, struct err *e)
{
	if (j->json)
		return fail(e, ERR_MISSING, "account.link_gone");
	return simple_note_show(j, 404,
				&(struct simple_note){
					.title = text("account.confirm.gone.title"),
					.lead = text("account.confirm.gone.lead"),
					.href = "/connexion",
					.label = text("account.confirm.gone.sign_in"),
					.other_href = "/compte",
					.other_label = text("account.confirm.gone.again"),
				});
}

int account_confirm_answer(struct job *j, struct err *e)
{
	struct json out;

	if (!token_good(j))
		return confirm_gone(j, e);
	if (!j->json)
		return simple_form_show(j, 200,
					&(struct simple_form){
						.title = text("account.confirm.title"),
						.intro = text("account.confirm.intro"),
						.action = j->path,
						.button = text("account.confirm.button"),
					});
	out = json_in(j->pool);
	json_obj(&out);
	json_kb(&out, "confirmed", false);
	json_end(&out);
	return job_json(j, 200, &out);
}

static int confirmed(struct job *j, struct err *e)
{
	const struct account_state *a = j->state;

	if (!rows_count(job_rows(j, a->row)))
		return confirm_gone(j, e);
	return done_show(j, "account.confirmed.title", "account.confirmed.lead");
}

int account_confirmed_answer(struct job *j, struct err *e)
{
	struct account_state *a = j->state = POOL_NEW(j->pool, struct account_state);

	(void)e;
	a->row = job_ask(j, &account_confirmed, ARGS(arg_text(crypto_token_digest(j->pool, job_param(j, "token")))));
	job_then(j, confirmed);
	return 0;
}

/* ---- a forgotten password ---- */

int account_forgot_answer(struct job *j, struct err *e)
{
	struct problems none = problems_in(j->pool);

	(void)e;
	return form_show(j, 200, "reset_request", "/compte/mot-de-passe", "account.forgot.button", &none);
}

static int forgot_sent(struct job *j, struct err *e)
{
	const struct account_state *a = j->state;

	(void)e;
	clerk_wake();
	return sent_show(j, pool_printf(j->pool, "/compte/mot-de-passe/%s", a->token), "account.demo.reset");
}

static int forgot_rated(struct job *j, struct err *e)
{
	struct account_state *a = j->state;
	const char *params;

	if (!rows_bool(job_rows(j, a->row), 0, "allowed"))
		return too_many(j);
	a->token = crypto_token(j->pool);
	params = letter_params(j->service->keys, "reset_password", a->token, j->pool, e);
	if (!params)
		return -1;
	as_system(j);
	job_ask(j, &account_forgot,
		ARGS(arg_text(a->email), arg_text(crypto_token_digest(j->pool, a->token)), arg_text(params)));
	job_then(j, forgot_sent);
	return 0;
}

int account_forgot_sent_answer(struct job *j, struct err *e)
{
	struct account_state *a = j->state = POOL_NEW(j->pool, struct account_state);
	struct values kept;
	struct problems p;

	(void)e;
	if (job_validate(j, form_get("reset_request"), FORM_COMPLETE, &kept, &p))
		return problems_show(j, "reset_request", "/compte/mot-de-passe", "account.forgot.button", &p);
	a->email = values_text(&kept, "email");
	ask_rate(j, a, "reset");
	job_then(j, forgot_rated);
	return 0;
}

int account_reset_ask(struct job *j, struct err *e)
{
	(void)e;
	return ask_token(j, "reset");
}

int account_reset_answer(struct job *j, struct err *e)
{
	struct problems none = problems_in(j->pool);
	struct json out;

	if (!token_good(j))
		return fail(e, ERR_MISSING, "account.link_gone");
	if (!j->json)
		return form_show(j, 200, "reset", j->path, "account.reset.button", &none);
	out = json_in(j->pool);
	json_obj(&out);
	json_kb(&out, "usable", true);
	json_end(&out);
	return job_json(j, 200, &out);
}

static int reset_done(struct job *j, struct err *e)
{
	const struct account_state *a = j->state;

	if (!rows_count(job_rows(j, a->row)))
		return fail(e, ERR_MISSING, "account.link_gone");
	account_log(j, "password.changed", rows_i64(job_rows(j, a->row), 0, "id"));
	clerk_wake();
	return done_show(j, "account.reset.done", "account.reset.done.lead");
}

static int reset_write(struct job *j, struct err *e)
{
	struct account_state *a = j->state;

	if (!a->hash) {
		*e = a->err;
		return -1;
	}
	as_system(j);
	a->row = job_ask(j, &account_reset, ARGS(arg_text(a->digest), arg_text(a->hash)));
	job_then(j, reset_done);
	return 0;
}

int account_reset_done_answer(struct job *j, struct err *e)
{
	struct account_state *a = j->state;
	struct values kept;
	struct problems p;

	if (!token_good(j))
		return fail(e, ERR_MISSING, "account.link_gone");
	if (job_validate(j, form_get("reset"), FORM_COMPLETE, &kept, &p))
		return problems_show(j, "reset", j->path, "account.reset.button", &p);
	a->password = values_text(&kept, "password");
	job_work(j, hash_password, a, reset_write);
	return 0;
}
