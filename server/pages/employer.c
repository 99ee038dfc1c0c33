/*
 * The employer of a three-party convention comes by the link it was sent: no account, one convention, from approval
 * until it is signed. Every segment says again who asks: role employer, this file only.
 */
#include "applicant.h"

#include <string.h>

#include "../../db/document.h"
#include "../../db/identity.h"
#include "../../db/signing.h"
#include "../base/crypto.h"
#include "../base/str.h"
#include "../file_view.h"
#include "../form_html.h"
#include "../text.h"
#include "signing.h"
#include "simple.h"

struct employer_state {
	size_t link, rate, document;
	int64_t file;
	struct identity visitor; /* who it is to the layout */
	const struct file_asked *asked;
	job_step *next;
	struct file_view view;
	/* an event */
	enum event event;
	struct values body;
	struct problems problems;
	struct firing firing;
	bool code_sent, done;
	struct signing signing;
};

struct employer_view {
	const char *person, *employer, *siret, *caisse, *deadline, *base, *demo_code;
	bool i_signed, employer_signed, signed_, may_sign, may_decline, code_sent;
	struct markup summary, code_hidden, sign_hidden, sign_fields, decline_hidden, decline_fields;
};
static const struct slot employer_slots[] = {
	SLOT_T(struct employer_view, person),
	SLOT_T(struct employer_view, employer),
	SLOT_T(struct employer_view, siret),
	SLOT_T(struct employer_view, caisse),
	SLOT_T(struct employer_view, deadline),
	SLOT_T(struct employer_view, base),
	SLOT_T(struct employer_view, demo_code),
	SLOT_B(struct employer_view, i_signed),
	SLOT_B(struct employer_view, employer_signed),
	{ "signed", SLOT_BOOL, offsetof(struct employer_view, signed_), NULL },
	SLOT_B(struct employer_view, may_sign),
	SLOT_B(struct employer_view, may_decline),
	SLOT_B(struct employer_view, code_sent),
	SLOT_M(struct employer_view, summary),
	SLOT_M(struct employer_view, code_hidden),
	SLOT_M(struct employer_view, sign_hidden),
	SLOT_M(struct employer_view, sign_fields),
	SLOT_M(struct employer_view, decline_hidden),
	SLOT_M(struct employer_view, decline_fields),
};
static const struct view employer_view = VIEW(struct employer_view, employer_slots);
static const struct page employer_page = { "server/pages/employer.html", &employer_view };
PAGE(employer_page);

/* ---- who asks ---- */

int employer_ask(struct job *j, struct err *e)
{
	struct employer_state *s = j->state = POOL_NEW(j->pool, struct employer_state);

	(void)e;
	s->problems = problems_in(j->pool);
	s->link = job_ask(j, &employer_by_token, ARGS(arg_text(crypto_token_digest(j->pool, job_param(j, "token")))));
	return 0;
}

static void as_employer(struct job *j)
{
	const struct employer_state *s = j->state;

	job_ask(j, &identity_set,
		ARGS(arg_text("employer"), arg_text(NULL), arg_text(NULL), arg_text(""), arg_i64(j->pool, s->file)));
}

static int loaded(struct job *j, struct err *e)
{
	struct employer_state *s = j->state;

	if (file_view_read(j, s->asked, &s->view, e))
		return -1;
	return s->next(j, e);
}

/* Reads the file as its employer, then goes on. */
static int load(struct job *j, job_step *next)
{
	struct employer_state *s = j->state;

	as_employer(j);
	s->asked = file_view_ask(j, s->file);
	s->next = next;
	job_then(j, loaded);
	return 0;
}

static int enter(struct job *j, job_step *next, struct err *e)
{
	struct employer_state *s = j->state;
	const struct rows *r = job_rows(j, s->link);

	if (!rows_count(r))
		return fail(e, ERR_MISSING, "employer.gone");
	s->file = rows_i64(r, 0, "file");
	s->visitor = j->who;
	/* The browser may also hold a psychologist's session: here it is the employer's. Its csrf stays that of its
	 * forms. */
	j->who = (struct identity){ .role = EMPLOYER, .csrf = s->visitor.csrf };
	return load(j, next);
}

/* ---- showing ---- */

static const char *name_of(const struct file_view *v, struct pool *pool)
{
	return pool_printf(pool, "%s %s", values_text(&v->frozen, "first_name"), values_text(&v->frozen, "last_name"));
}

static int show_json(struct job *j, int status)
{
	const struct employer_state *s = j->state;
	const struct file_view *v = &s->view;
	struct json out = json_in(j->pool);

	json_obj(&out);
	json_kt(&out, "number", v->number);
	json_kt(&out, "state", v->state);
	json_ki(&out, "version", v->version);
	json_kt(&out, "psychologist", name_of(v, j->pool));
	json_key(&out, "employer");
	json_obj(&out);
	json_kt(&out, "name", values_text(&v->frozen, "employer_name"));
	json_kt(&out, "siret", values_text(&v->frozen, "employer_siret"));
	json_end(&out);
	json_kt(&out, "caisse", rows_text(v->row, 0, "caisse_name"));
	json_kinstant(&out, "deadline", rows_instant(v->row, 0, "deadline"));
	json_kt(&out, "document", rows_text(v->row, 0, "document"));
	json_kb(&out, "applicant_signed", v->facts.applicant_signed);
	json_kb(&out, "employer_signed", v->facts.employer_signed);
	json_key(&out, "actions");
	json_arr(&out);
	for (size_t i = 0; i < v->action_count; i++)
		json_text(&out, event_id(v->actions[i]));
	json_end(&out);
	json_end(&out);
	return job_json(j, status, &out);
}

static struct markup fields_of(struct job *j, enum event ev, const struct problems *p, bool mine)
{
	const struct values none = values_in(j->pool);

	return form_fields(form_of_event(event_id(ev)), NULL, mine ? &j->sent : &none, mine ? p : NULL, NULL, 0, true,
			   j->pool);
}

static int note(struct job *j, int status, const char *title, const char *lead)
{
	const struct employer_state *s = j->state;

	j->who = s->visitor;
	return simple_note_show(j, status, &(struct simple_note){ .title = text(title), .lead = text(lead) });
}

static int show(struct job *j, int status)
{
	struct employer_state *s = j->state;
	const struct file_view *v = &s->view;
	instant_t deadline = rows_instant(v->row, 0, "deadline");

	if (j->json)
		return show_json(j, status);
	if (s->done && v->st != ST_TO_SIGN && s->event == EV_EMPLOYER_DECLINE)
		return note(j, status, "employer.declined", "employer.declined.lead");
	if (v->st != ST_TO_SIGN)
		return note(j, status, "employer.signed", "employer.signed.lead");
	struct employer_view x = {
		.person = name_of(v, j->pool),
		.employer = values_text(&v->frozen, "employer_name"),
		.siret = values_text(&v->frozen, "employer_siret"),
		.caisse = rows_text(v->row, 0, "caisse_name"),
		.deadline = deadline == INSTANT_NONE ? NULL : day_french(j->pool, day_in_paris(deadline - 1)),
		.base = pool_printf(j->pool, "/convention/%s", job_param(j, "token")),
		.demo_code = s->code_sent && j->service->settings.demo ? s->signing.code : NULL,
		.i_signed = v->facts.applicant_signed,
		.employer_signed = v->facts.employer_signed,
		.signed_ = v->facts.employer_signed,
		.may_sign = file_view_may(v, EV_EMPLOYER_SIGN),
		.may_decline = file_view_may(v, EV_EMPLOYER_DECLINE),
		.code_sent = s->code_sent,
		.summary = form_problem_summary(&s->problems, j->pool),
		.sign_fields = fields_of(j, EV_EMPLOYER_SIGN, &s->problems, s->event == EV_EMPLOYER_SIGN),
		.decline_fields = fields_of(j, EV_EMPLOYER_DECLINE, &s->problems, s->event == EV_EMPLOYER_DECLINE),
		.sign_hidden = job_hidden(j, v->version),
		.decline_hidden = job_hidden(j, v->version),
		.code_hidden = job_hidden(j, -1),
	};
	j->who = s->visitor;
	return job_page(j, status, text("employer.title"), &employer_page, &x);
}

static int shown(struct job *j, struct err *e)
{
	const struct employer_state *s = j->state;

	/* Once signed by all, the link has done its work. */
	if (s->view.st != ST_TO_SIGN && !s->done)
		return fail(e, ERR_MISSING, "employer.gone");
	return show(j, s->problems.count ? 422 : 200);
}

int employer_answer(struct job *j, struct err *e)
{
	return enter(j, shown, e);
}

/* ---- its PDF ---- */

static int document_read(struct job *j, struct err *e)
{
	const struct employer_state *s = j->state;

	return convention_pdf_show(j, job_rows(j, s->document), e);
}

static int document_wanted(struct job *j, struct err *e)
{
	struct employer_state *s = j->state;

	if (s->view.st != ST_TO_SIGN)
		return fail(e, ERR_MISSING, "employer.gone");
	as_employer(j);
	s->document = job_ask(j, &document_of_file, ARGS(arg_i64(j->pool, s->file)));
	job_then(j, document_read);
	return 0;
}

int employer_pdf_answer(struct job *j, struct err *e)
{
	return enter(j, document_wanted, e);
}

/* ---- its code ---- */

static int code_sent(struct job *j, struct err *e)
{
	struct employer_state *s = j->state;
	struct json out;

	(void)e;
	clerk_wake();
	s->code_sent = true;
	if (!j->json)
		return show(j, 200);
	out = json_in(j->pool);
	json_obj(&out);
	json_kt(&out, "detail", text("signing.sent"));
	json_kinstant(&out, "expires_at", rows_instant(job_rows(j, s->signing.at), 0, "expires_at"));
	if (j->service->settings.demo) {
		json_key(&out, "demonstration");
		json_obj(&out);
		json_kt(&out, "code", s->signing.code);
		json_end(&out);
	}
	json_end(&out);
	return job_json(j, 200, &out);
}

static int code_rated(struct job *j, struct err *e)
{
	struct employer_state *s = j->state;

	if (!rows_bool(job_rows(j, s->rate), 0, "allowed")) {
		j->who = s->visitor;
		return signing_too_many(j);
	}
	as_employer(j);
	if (signing_code_ask(j, s->file, 0, "employer", &s->signing, e))
		return -1;
	job_then(j, code_sent);
	return 0;
}

static int code_wanted(struct job *j, struct err *e)
{
	struct employer_state *s = j->state;

	if (s->view.st != ST_TO_SIGN)
		return fail(e, ERR_MISSING, "employer.gone");
	if (s->view.facts.employer_signed)
		return fail(e, ERR_INPUT, "why.already_signed");
	s->rate = signing_rate_ask(j, s->file, "employer");
	job_then(j, code_rated);
	return 0;
}

int employer_code_answer(struct job *j, struct err *e)
{
	return enter(j, code_wanted, e);
}

/* ---- signing, declining ---- */

static int fired(struct job *j, struct err *e)
{
	struct employer_state *s = j->state;
	const struct firing *f = &s->firing;

	if (f->err.kind == ERR_NONE) {
		s->done = true;
		return load(j, shown);
	}
	if (f->err.kind == ERR_STALE) {
		if (j->json) {
			struct json out = json_in(j->pool);

			json_obj(&out);
			json_kt(&out, "type", "about:blank");
			json_kt(&out, "title", text("status.409"));
			json_ki(&out, "status", 409);
			json_kt(&out, "detail",
				text_fill(j->pool, f->err.text ? f->err.text : "why.moved",
					  text2("state", state_id(f->from))));
			json_kt(&out, "by", NULL);
			json_kinstant(&out, "at", f->stale_by ? f->stale_at : INSTANT_NONE);
			json_kt(&out, "event", f->stale_event);
			json_end(&out);
			return job_bytes(j, 409, "application/problem+json", out.out.s, out.out.len, NULL);
		}
		return note(j, 409, "status.409", "employer.moved");
	}
	if (f->err.kind == ERR_INPUT && !j->json) {
		for (size_t i = 0; i < f->problems.count; i++)
			problems_add(&s->problems, f->problems.items[i].field, f->problems.items[i].code,
				     f->problems.items[i].text);
		if (!s->problems.count)
			problems_add(&s->problems, s->event == EV_EMPLOYER_SIGN ? "code" : "text", f->err.text,
				     text_fill(j->pool, f->err.text, f->err.arg));
		return load(j, shown);
	}
	if (f->err.kind == ERR_INPUT && f->problems.count)
		return job_problems(j, &f->problems);
	*e = f->err;
	if (e->kind == ERR_INPUT && !e->field)
		e->field = "";
	return -1;
}

static int fire_it(struct job *j, struct err *e)
{
	struct employer_state *s = j->state;
	struct problems *body = POOL_NEW(j->pool, struct problems);

	(void)e;
	*body = problems_in(j->pool);
	s->body = values_in(j->pool);
	form_validate(form_of_event(event_id(s->event)), &j->sent, day_in_paris(j->now), FORM_COMPLETE, &s->body, body);
	if (j->version < 0 && !problems_of(&j->unread, "version"))
		problems_add(body, "version", "missing", text("evenement.version"));
	s->firing = (struct firing){
		.file = s->file,
		.event = s->event,
		.version = j->version,
		.body = &s->body,
		.body_problems = body,
	};
	job_fire(j, &s->firing, fired);
	return 0;
}

int employer_event_answer(struct job *j, struct err *e)
{
	struct employer_state *s = j->state;

	s->event = event_from_id(job_param(j, "event"));
	if (s->event == EV_NONE || !form_of_event(event_id(s->event)))
		return fail(e, ERR_MISSING, "employer.gone");
	return enter(j, fire_it, e);
}
