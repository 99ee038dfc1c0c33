#include "signing.h"

#include "../../db/account.h"
#include "../../db/message.h"
#include "../../db/signing.h"
#include "../base/crypto.h"
#include "../base/str.h"
#include "../file_view.h"
#include "../letters.h"
#include "../text.h"
#include "applicant.h"

#include <string.h>

size_t signing_rate_ask(struct job *j, int64_t file, const char *party)
{
	return job_ask(j, &account_rate,
		       ARGS(arg_text("code"), arg_text(pool_printf(j->pool, "%lld:%s", (long long)file, party)),
			    arg_text(SIGNING_SECONDS), arg_text(SIGNING_MOST)));
}

int signing_too_many(struct job *j)
{
	struct err e;

	fail(&e, ERR_INPUT, "signing.too_many");
	job_header(j, "retry-after", SIGNING_SECONDS);
	return job_status(j, 429, &e);
}

int signing_code_ask(struct job *j, int64_t file, int64_t account, const char *party, struct signing *out,
		     struct err *e)
{
	struct arg id = arg_i64(j->pool, file);
	const char *code = crypto_code(j->pool), *params;
	const char *proof = pool_printf(j->pool, "%lld:%s:%s", (long long)file, party, code);

	params = letter_params(j->service->keys, "signing_code", code, j->pool, e);
	if (!params)
		return -1;
	out->code = code;
	out->at = job_ask(j, &signing_code_set,
			  ARGS(id, arg_text(party),
			       arg_text(crypto_hmac_hex(j->service->keys, j->pool, "signing", proof, strlen(proof))),
			       arg_i64(j->pool, SIGNING_MINUTES)));
	job_ask(j, &message_post,
		ARGS(account ? arg_i64(j->pool, account) : arg_text(NULL), arg_text(account ? "account" : "employer"),
		     id, arg_text(NULL), arg_text("signing_code"), arg_text(params)));
	job_ask(j, &message_queue, ARGS(id, arg_text(NULL)));
	return 0;
}

/* ---- the applicant asks for one ---- */

struct code_state {
	int64_t file;
	const struct file_asked *asked;
	size_t rate;
	struct signing signing;
};

int code_ask(struct job *j, struct err *e)
{
	struct code_state *s = j->state = POOL_NEW(j->pool, struct code_state);

	s->file = job_param_id(j, "id");
	if (!s->file)
		return fail(e, ERR_MISSING, "file.missing");
	s->asked = file_view_ask(j, s->file);
	return 0;
}

static int sent(struct job *j, struct err *e)
{
	const struct code_state *s = j->state;
	struct json out;

	(void)e;
	clerk_wake();
	if (!j->json)
		return job_redirect(
			j, pool_printf(j->pool, "/dossiers/%lld/evenements/sign?code=envoye", (long long)s->file));
	out = json_in(j->pool);
	json_obj(&out);
	json_kt(&out, "detail", text("signing.sent"));
	json_kinstant(&out, "expires_at", rows_instant(job_rows(j, s->signing.at), 0, "expires_at"));
	json_end(&out);
	return job_json(j, 200, &out);
}

static int rated(struct job *j, struct err *e)
{
	struct code_state *s = j->state;

	if (!rows_bool(job_rows(j, s->rate), 0, "allowed"))
		return signing_too_many(j);
	if (signing_code_ask(j, s->file, j->who.account, "applicant", &s->signing, e))
		return -1;
	job_then(j, sent);
	return 0;
}

int code_answer(struct job *j, struct err *e)
{
	struct code_state *s = j->state;
	struct file_view *v = POOL_NEW(j->pool, struct file_view);

	if (file_view_read(j, s->asked, v, e))
		return -1;
	if (v->st != ST_TO_SIGN)
		return fail(e, ERR_STALE, "why.moved");
	if (job_unread(j, e))
		return -1;
	if (v->facts.applicant_signed)
		return fail(e, ERR_INPUT, "why.already_signed");
	s->rate = signing_rate_ask(j, s->file, "applicant");
	job_then(j, rated);
	return 0;
}
