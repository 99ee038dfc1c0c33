#include <stdlib.h>
#include <string.h>

#include "../../db/case.h"
#include "../../db/file_read.h"
#include "../base/crypto.h"
#include "../base/str.h"
#include "../convention.h"
#include "../text.h"
#include "dossiers.h"

struct happening {
	int64_t file;
	enum event event;
	struct values body;
	struct problems problems; /* of the body */
	struct firing firing;
	const struct file_asked *asked;
	size_t named;                 /* the colleague who was faster */
	struct convention convention; /* approve: rendered before it is fired */
};

int evenement_ask(struct job *j, struct err *e)
{
	struct happening *h = j->state = POOL_NEW(j->pool, struct happening);

	h->file = job_param_id(j, "id");
	h->event = event_from_id(job_param(j, "event"));
	if (!h->file || h->event == EV_NONE)
		return fail(e, ERR_MISSING, "file.missing");
	if (h->event == EV_APPROVE)
		h->asked = file_view_ask(j, h->file);
	return 0;
}

/* ---- afterwards ---- */

static int shown(struct job *j, struct err *e)
{
	const struct happening *h = j->state;
	struct file_view *v = POOL_NEW(j->pool, struct file_view);
	const struct err *why = h->firing.err.kind == ERR_NONE ? NULL : &h->firing.err;

	if (file_view_read(j, h->asked, v, e))
		return -1;
	if (why)
		return dossier_show(j, v, 422, &h->firing.problems, why, e);
	return dossier_show(j, v, h->firing.location_file ? 201 : 200, NULL, NULL, e);
}

static int gone(struct job *j)
{
	struct json out;

	if (!j->json)
		return job_redirect(j, "/dossiers");
	out = json_in(j->pool);
	json_obj(&out);
	json_kt(&out, "state", "deleted");
	json_end(&out);
	return job_json(j, 200, &out);
}

struct conflict_view {
	const char *title, *not_here, *what, *who, *when, *file;
	struct list typed;
};
struct typed_view {
	const char *name, *text;
};
static const struct slot typed_slots[] = { SLOT_T(struct typed_view, name), SLOT_T(struct typed_view, text) };
static const struct view typed_view = VIEW(struct typed_view, typed_slots);
static const struct slot conflict_slots[] = {
	SLOT_T(struct conflict_view, title),
	SLOT_T(struct conflict_view, not_here),
	SLOT_T(struct conflict_view, what),
	SLOT_T(struct conflict_view, who),
	SLOT_T(struct conflict_view, when),
	SLOT_T(struct conflict_view, file),
	SLOT_L(struct conflict_view, typed, &typed_view),
};
static const struct view conflict_view = VIEW(struct conflict_view, conflict_slots);
static const struct page conflict_page = { "server/pages/conflict.html", &conflict_view };
PAGE(conflict_page);

/* Names of agents are for agents: people read "another person". The id of the colleague to be named, or 0. */
static int64_t colleague(const struct job *j, const char *actor)
{
	int64_t id = actor && j->who.agent && str_starts(actor, "agent:") ? strtoll(actor + 6, NULL, 10) : 0;

	return id == j->who.agent ? 0 : id;
}

static const char *who_is(struct job *j, const char *actor)
{
	const struct happening *h = j->state;

	if (!actor)
		return NULL;
	if (str_starts(actor, "account:"))
		return j->who.account ? text("conflict.you") : text("role.applicant");
	if (str_starts(actor, "agent:")) {
		if (!colleague(j, actor))
			return text(j->who.agent ? "conflict.you" : "conflict.agent");
		const struct rows *r = job_rows(j, h->named);
		return rows_count(r) ? rows_text(r, 0, "name") : text("conflict.agent");
	}
	if (str_starts(actor, "employer:"))
		return text("role.employer");
	return text("conflict.service");
}

/* What was typed, under the words of its form; what a page sends by itself and ticks are left out. */
static struct list typed_of(struct job *j, enum event event)
{
	const struct form *form = form_of_event(event_id(event));
	struct typed_view *typed = POOL_ARRAY(j->pool, struct typed_view, j->sent.count + 1);
	size_t n = 0;

	for (size_t i = 0; i < j->sent.count; i++) {
		const struct value *x = &j->sent.items[i];
		const char *name =
			str_ends(x->name, "[]") ? pool_strndup(j->pool, x->name, strlen(x->name) - 2) : x->name;
		const struct field *f = form ? form_field(form, name) : NULL;
		if (strlen(x->text) > 3)
			typed[n++] = (struct typed_view){ f ? f->label : text("conflict.typed"),
							  f ? field_display(f, x->text, j->pool) : x->text };
	}
	return (struct list){ typed, n };
}

/* 409: nobody was faster, the event is of another state; or who decided what and when. What was typed is kept. */
static int stale(struct job *j, struct err *e)
{
	const struct happening *h = j->state;
	const struct firing *f = &h->firing;
	bool not_here = str_eq(f->err.text, WHY_NOT_HERE);
	const char *detail =
		text_fill(j->pool, f->err.text ? f->err.text : "why.moved", text2("state", state_id(f->from)));
	struct conflict_view view = {
		.title = text(not_here ? "conflict.not_here" : "conflict.title"),
		.not_here = not_here ? detail : NULL,
		.who = who_is(j, f->stale_by),
		.what = f->stale_event ? text2("event_past", f->stale_event) : NULL,
		.when = f->stale_at == INSTANT_NONE || !f->stale_by ? NULL : instant_french(j->pool, f->stale_at),
		.file = pool_printf(j->pool, "/dossiers/%lld", (long long)f->file),
	};

	(void)e;
	if (j->json) {
		struct json out = json_in(j->pool);

		json_obj(&out);
		json_kt(&out, "type", "about:blank");
		json_kt(&out, "title", not_here ? view.title : text("status.409"));
		json_ki(&out, "status", 409);
		json_kt(&out, "detail", detail);
		json_kt(&out, "by", view.who);
		json_kinstant(&out, "at", view.when ? f->stale_at : INSTANT_NONE);
		json_kt(&out, "event", f->stale_event);
		json_end(&out);
		return job_bytes(j, 409, "application/problem+json", out.out.s, out.out.len, NULL);
	}
	view.typed = typed_of(j, f->event);
	return job_page(j, 409, view.title, &conflict_page, &view);
}

static int fired(struct job *j, struct err *e)
{
	struct happening *h = j->state;
	struct firing *f = &h->firing;
	int64_t id = h->file;

	switch (f->err.kind) {
	case ERR_NONE:
		break;
	case ERR_STALE:
		if (!colleague(j, f->stale_by))
			return stale(j, e);
		h->named = job_ask(j, &file_read_agent, ARGS(arg_i64(j->pool, colleague(j, f->stale_by))));
		job_then(j, stale);
		return 0;
	case ERR_INPUT:
		if (!j->json) {
			h->asked = file_view_ask(j, h->file);
			job_then(j, shown);
			return 0;
		}
		if (f->problems.count)
			return job_problems(j, &f->problems);
		*e = f->err;
		if (!e->field)
			e->field = "";
		return -1;
	default:
		*e = f->err;
		return -1;
	}
	if (f->state == ST_DELETED)
		return gone(j);
	if (f->location_file)
		id = f->location_file;
	if (!j->json)
		return job_redirect(j, pool_printf(j->pool, "/dossiers/%lld", (long long)id));
	if (f->location_file) {
		job_header(j, "location", pool_printf(j->pool, "/dossiers/%lld", (long long)id));
		if (j->who.agent) /* the child is the applicant's draft: the agent is shown the parent */
			id = h->file;
	}
	h->asked = file_view_ask(j, id);
	job_then(j, shown);
	return 0;
}

/* ---- firing ---- */

static int fire_now(struct job *j, struct err *e)
{
	struct happening *h = j->state;

	(void)e;
	h->firing = (struct firing){
		.file = h->file,
		.event = h->event,
		.version = j->version,
		.body = &h->body,
		.body_problems = &h->problems,
		.document_digest = h->convention.digest,
	};
	job_fire(j, &h->firing, fired);
	return 0;
}

static void render(void *arg)
{
	convention_render(arg);
}

static int rendered(struct job *j, struct err *e)
{
	struct happening *h = j->state;

	if (h->convention.err.kind != ERR_NONE) {
		*e = h->convention.err;
		return -1;
	}
	convention_store(j, &h->convention);
	job_then(j, fire_now);
	return 0;
}

/* The PDF is made for the version that was read; the transaction takes its digest if the file is still there. */
static int approve(struct job *j, struct err *e)
{
	struct happening *h = j->state;
	struct file_view *v = POOL_NEW(j->pool, struct file_view);

	if (file_view_read(j, h->asked, v, e))
		return -1;
	if (v->st != ST_IN_REVIEW || !v->facts.holds_it || j->version != v->version || h->problems.count)
		return fire_now(j, e); /* it will be refused: fire() says why, in its order */
	convention_prepare(j->service, v, &h->convention, j->pool);
	job_work(j, render, &h->convention, rendered);
	return 0;
}

/* A point that names both would be asked as a piece, and the answer would stay locked. */
static void one_or_the_other(struct job *j, struct problems *p)
{
	for (size_t i = 0; i < values_rows(&j->sent, "items"); i++) {
		const char *field = pool_printf(j->pool, "items[%zu].field", i);

		if (*values_text(&j->sent, field) &&
		    *values_text(&j->sent, pool_printf(j->pool, "items[%zu].piece", i)))
			problems_add(p, field, "both", text("evenement.one_or_the_other"));
	}
}

int evenement_answer(struct job *j, struct err *e)
{
	struct happening *h = j->state;
	const struct form *form = form_of_event(event_id(h->event));

	h->body = values_in(j->pool);
	h->problems = problems_in(j->pool);
	if (form)
		form_validate(form, &j->sent, day_in_paris(j->now), FORM_COMPLETE, &h->body, &h->problems);
	if (h->event == EV_ASK_CORRECTION)
		one_or_the_other(j, &h->problems);
	if (j->version < 0 && !problems_of(&j->unread, "version"))
		problems_add(&h->problems, "version", "missing", text("evenement.version"));
	return h->event == EV_APPROVE ? approve(j, e) : fire_now(j, e);
}
