#include "file_view.h"

#include <string.h>

#include "../db/case.h"
#include "../db/file_read.h"
#include "../db/sealed.h"
#include "../forms/xml.h"
#include "../workflow/items.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/str.h"
#include "pieces.h"
#include "text.h"

/* Where each statement of file_view_ask() stands in its segment. */
struct file_asked {
	int64_t file;
	size_t row, facts, checks, items, events, personal, pieces, openings, messages, working, frozen;
};

struct file_asked *file_view_ask(struct job *j, int64_t file)
{
	struct file_asked *a = POOL_NEW(j->pool, struct file_asked);
	struct arg id = arg_i64(j->pool, file);

	a->file = file;
	a->row = job_ask(j, &file_read_row, ARGS(id));
	a->facts = job_ask(j, &case_facts,
			   ARGS(id, arg_i64(j->pool, policy_now(j->service)->unavailable_hours), arg_text(NULL),
				arg_text(NULL), arg_text("applicant")));
	a->checks = job_ask(j, &file_read_checks, ARGS(id));
	a->items = job_ask(j, &file_read_items, ARGS(id));
	a->events = job_ask(j, &file_read_events, ARGS(id));
	a->personal = job_ask(j, &file_read_personal, ARGS(id));
	a->pieces = job_ask(j, &file_read_pieces, ARGS(id));
	a->openings = job_ask(j, &file_read_openings, ARGS(id));
	a->messages = job_ask(j, &file_read_messages, ARGS(id));
	a->working = job_ask(j, &case_working_read, ARGS(id));
	a->frozen = job_ask(j, &case_frozen, ARGS(id));
	return a;
}

/* ---- sealed things ---- */

/* NULL when it was erased or cannot be opened (logged: it is never the reader's fault). */
static const char *open_text(struct job *j, const struct rows *r, size_t row, struct sealed_place at, size_t *size)
{
	unsigned char *plain;
	struct err e;

	if (sealed_read(j->service->keys, at, r, row, "data", j->pool, &plain, size, &e)) {
		log_event(LOG_ERROR, "sealed.unreadable", "detail", e.detail);
		return NULL;
	}
	return (const char *)plain;
}

static bool read_copy(struct job *j, const struct rows *r, struct sealed_place at, struct values *out)
{
	size_t n;
	const char *xml = open_text(j, r, 0, at, &n);
	struct err e;

	*out = values_in(j->pool);
	return xml && !xml_to_values(xml, n, out, &e);
}

/* What an expert never sees (domain.md §2). */
static void hide_from_expert(struct values *v)
{
	const struct form *f = form_get("application");

	for (size_t s = 0; s < f->step_count; s++)
		for (size_t i = 0; i < f->steps[s].item_count; i++) {
			const struct field *field = f->steps[s].items[i].field;

			if (field && field->not_for_expert)
				values_remove(v, field->name);
		}
}

/* ---- reading ---- */

static void read_checks(struct job *j, const struct rows *r, struct file_view *v)
{
	v->check_count = rows_count(r);
	v->checks = POOL_ARRAY(j->pool, struct check_view, v->check_count + 1);
	for (size_t i = 0; i < v->check_count; i++)
		v->checks[i] = (struct check_view){
			.code = rows_str(r, i, "code"),
			.result = rows_str(r, i, "result"),
			.reason = rows_str(r, i, "reason"),
			.source = rows_str(r, i, "source"),
			.evidence = rows_text(r, i, "evidence"),
			.at = rows_instant(r, i, "at"),
			.seq = rows_i64(r, i, "seq"),
			.earlier = rows_bool(r, i, "earlier"),
			.maintained = rows_bool(r, i, "maintained"),
			.settled = rows_bool(r, i, "settled"),
		};
	/* Who else has this IBAN or this name is not the applicant's to know. */
	for (size_t i = 0; v->facts.owns_file && i < v->check_count; i++)
		if (str_eq(v->checks[i].code, "duplicate") && !str_eq(v->checks[i].result, "pass")) {
			v->checks[i].reason = "duplicate_point";
			v->checks[i].evidence = "{}";
		}
}

static void read_events(struct job *j, const struct rows *r, const struct rows *personal, struct file_view *v)
{
	bool agent = j->who.agent != 0;

	v->event_count = rows_count(r);
	v->events = POOL_ARRAY(j->pool, struct event_view, v->event_count + 1);
	for (size_t i = 0; i < v->event_count; i++) {
		struct event_view *x = &v->events[i];

		*x = (struct event_view){
			.seq = rows_i64(r, i, "seq"),
			.at = rows_instant(r, i, "at"),
			.event = rows_str(r, i, "event"),
			.from = rows_str(r, i, "from_state"),
			.to = rows_str(r, i, "to_state"),
			.role = rows_str(r, i, "role"),
			.actor = rows_str(r, i, "actor"),
			.hash = rows_str(r, i, "hash"),
			.prev_hash = rows_str(r, i, "prev_hash"),
			.body = rows_str(r, i, "body"),
			.caisse_name = rows_text(r, i, "caisse_name"),
		};
		x->by = agent && !rows_null(r, i, "agent_name") ? rows_str(r, i, "agent_name") : x->role;
		for (size_t p = 0; p < rows_count(personal); p++) {
			size_t n;

			if (rows_i64(personal, p, "seq") != x->seq)
				continue;
			x->personal = open_text(j, personal, p, sealed_at2(SEALED_EVENT_PERSONAL, v->id, x->seq), &n);
			if (x->personal) {
				struct values said = values_in(j->pool);
				struct err e;

				x->text = json_member(x->personal, "text", j->pool);
				if (!json_read_values(x->personal, n, &said, &e))
					x->reason_count = values_all(&said, "reasons[]", &x->reasons);
				if (x->reason_count && !*x->reasons[0]) /* an empty list */
					x->reason_count = 0;
			}
		}
	}
}

/* Findings 30 days after a warning that no earlier findings used, a measure 30 days after findings that none used. */
static void read_sanctions(struct file_view *v)
{
	const instant_t rest = 30 * 86400 * SECOND;
	size_t used = 0, found = 0;

	v->findings_from = v->measure_from = INSTANT_NONE;
	for (size_t i = 0; i < v->event_count; i++)
		used += str_eq(v->events[i].event, "suspend") || str_eq(v->events[i].event, "exclude");
	for (size_t i = 0; i < v->event_count; i++) {
		const struct event_view *x = &v->events[i];

		if (str_eq(x->event, "warn") && v->findings_from == INSTANT_NONE)
			v->findings_from = x->at + rest;
		if (!str_eq(x->event, "state_findings"))
			continue;
		v->findings_from = INSTANT_NONE;
		if (found++ == used)
			v->measure_from = x->at + rest;
	}
}

/* The reason of an item was written in the event that asked for it, in the same order. */
static void read_items(struct job *j, const struct rows *r, struct file_view *v)
{
	int64_t seq = -1;
	size_t n = 0;

	v->item_count = rows_count(r);
	v->items = POOL_ARRAY(j->pool, struct item_view, v->item_count + 1);
	for (size_t i = 0; i < v->item_count; i++, n++) {
		struct item_view *x = &v->items[i];

		*x = (struct item_view){
			.id = rows_i64(r, i, "id"),
			.seq = rows_i64(r, i, "seq"),
			.field = rows_text(r, i, "field"),
			.piece = rows_text(r, i, "piece"),
			.code = rows_str(r, i, "code"),
			.answered = !rows_null(r, i, "answered_seq"),
			.maintained = rows_bool(r, i, "maintained"),
		};
		if (x->seq != seq)
			n = 0;
		seq = x->seq;
		for (size_t k = 0; k < v->event_count; k++) {
			struct values said = values_in(j->pool);
			struct err e;

			if (v->events[k].seq == x->seq && v->events[k].personal &&
			    !json_read_values(v->events[k].personal, strlen(v->events[k].personal), &said, &e))
				x->text = values_get(&said, pool_printf(j->pool, "items[%zu].text", n));
		}
		if (!x->text)
			for (size_t k = 0; k < v->check_count; k++)
				if (!v->checks[k].earlier && str_eq(v->checks[k].code, x->code))
					x->text = text(pool_printf(j->pool, "check.%s", v->checks[k].reason));
	}
}

static void read_pieces(struct job *j, const struct rows *r, struct file_view *v)
{
	v->piece_count = rows_count(r);
	v->pieces = POOL_ARRAY(j->pool, struct piece_view, v->piece_count + 1);
	for (size_t i = 0; i < v->piece_count; i++) {
		struct piece_view *x = &v->pieces[i];
		*x = (struct piece_view){
			.id = rows_i64(r, i, "id"),
			.size = rows_i64(r, i, "size"),
			.kind = rows_str(r, i, "kind"),
			.for_row = rows_text(r, i, "for_row"),
			.name = piece_name(j->service->keys, r, i, j->pool),
			.type = rows_str(r, i, "type"),
			.scan = rows_str(r, i, "scan"),
			.problem = rows_text(r, i, "problem"),
			.at = rows_instant(r, i, "uploaded_at"),
			.opened = rows_bool(r, i, "opened"),
			.erased = rows_bool(r, i, "erased"),
		};
	}
}

/* A point of the check `documents` is of a place for pieces: which of its files, and what is wrong with each. */
static void name_faults(struct job *j, struct file_view *v)
{
	for (size_t i = 0; i < v->item_count; i++) {
		struct item_view *x = &v->items[i];
		struct str faults = str_in(j->pool);

		if (x->answered || !str_eq(x->code, check_id(CHECK_DOCUMENTS)))
			continue;
		for (size_t k = 0; k < v->piece_count; k++) {
			const struct piece_view *p = &v->pieces[k];

			if (p->problem && item_unlocks_piece(x->field, x->piece, p->kind, p->for_row))
				str_addf(&faults, "%s%s", faults.len ? " " : "",
					 piece_fault(p->name, p->problem, j->pool));
		}
		if (faults.len)
			x->text = faults.s;
	}
}

static void add_missing(struct job *j, struct file_view *v, const char *name)
{
	const char **list = POOL_ARRAY(j->pool, const char *, v->missing_count + 2);

	for (size_t i = 0; i < v->missing_count; i++)
		list[i] = v->missing[i];
	list[v->missing_count++] = name;
	v->missing = list;
}

static bool has_piece(const struct file_view *v, const char *kind, const char *row)
{
	for (size_t i = 0; i < v->piece_count; i++)
		if (str_eq(v->pieces[i].kind, kind) && (!row || str_eq(v->pieces[i].for_row, row)))
			return true;
	return false;
}

static void read_missing(struct job *j, struct file_view *v)
{
	struct piece_place *places;
	const char *const *names;
	size_t n = form_missing(form_get("application"), &v->answers, j->pool, &names);

	for (size_t i = 0; i < n; i++)
		add_missing(j, v, names[i]);
	if (v->facts.kind == KIND_AMENDMENT)
		return;
	n = form_piece_places(form_get("application"), NULL, &v->answers, j->pool, &places);
	for (size_t i = 0; i < n; i++)
		if (places[i].kind->required && !has_piece(v, places[i].kind->kind, places[i].row))
			add_missing(j, v, pool_printf(j->pool, "pieces.%s", places[i].name));
}

static bool expert_on(const void *context, day_t deposit)
{
	return settings_expert_on(context, deposit);
}

static void read_experience(struct job *j, struct file_view *v)
{
	struct period *periods;
	size_t n = experience_periods(&v->answers, j->pool, &periods);
	instant_t deposit = rows_instant(v->row, 0, "submitted_at");
	day_t diploma;

	if (!n || day_parse(values_text(&v->answers, "diploma_date"), &diploma))
		return;
	experience_compute(periods, n, diploma, day_in_paris(deposit == INSTANT_NONE ? v->now : deposit), j->pool,
			   &v->experience);
	v->has_experience = true;
}

int file_view_read(struct job *j, const struct file_asked *a, struct file_view *v, struct err *e)
{
	const struct rows *row = job_rows(j, a->row), *facts = job_rows(j, a->facts), *frozen = job_rows(j, a->frozen);
	struct facts full;

	if (!rows_count(row))
		return fail(e, ERR_MISSING, "file.missing");
	*v = (struct file_view){ .row = row };
	v->id = rows_i64(row, 0, "id");
	v->version = rows_i64(row, 0, "version");
	v->revision = rows_i64(row, 0, "revision");
	v->parent = rows_i64(row, 0, "parent");
	v->child = rows_i64(row, 0, "child");
	v->account = rows_i64(row, 0, "account");
	v->number = rows_str(row, 0, "number");
	v->kind = rows_str(row, 0, "kind");
	v->amends = rows_text(row, 0, "amends");
	v->state = rows_str(row, 0, "state");
	v->st = state_from_id(v->state);
	v->now = rows_instant(row, 0, "now");
	facts_read(row, facts, &j->who, v->now, policy_now(j->service), expert_on, &j->service->settings, &v->facts);
	full = v->facts;
	full.complete = true; /* what is missing is listed beside; the button says it again when pressed */
	v->action_count = decide_actions(&full, v->actions);
	v->in_question = rows_str(facts, 0, "in_question");

	v->has_frozen =
		read_copy(j, frozen, sealed_at2(SEALED_FROZEN_COPY, v->id, rows_i64(frozen, 0, "seq")), &v->frozen);
	if (v->has_frozen) {
		v->frozen_seq = rows_i64(frozen, 0, "seq");
		v->frozen_sha256 = rows_str(frozen, 0, "sha256");
	}
	if (j->who.role == EXPERT)
		hide_from_expert(&v->frozen);
	v->answers = v->frozen;
	if (v->facts.owns_file && (v->st == ST_DRAFT || v->st == ST_CORRECTION)) {
		struct values working;

		if (read_copy(j, job_rows(j, a->working), sealed_at(SEALED_WORKING_COPY, v->id), &working))
			v->answers = working;
	}
	v->messages = job_rows(j, a->messages);
	read_checks(j, job_rows(j, a->checks), v);
	read_events(j, job_rows(j, a->events), job_rows(j, a->personal), v);
	read_sanctions(v);
	read_items(j, job_rows(j, a->items), v);
	for (size_t i = 0; i < v->item_count; i++)
		v->items[i].changed =
			!v->items[i].answered &&
			((v->has_frozen && item_field_changed(v->items[i].field, &v->frozen, &v->answers)) ||
			 facts_piece_changed(facts, j->pool, v->items[i].field, v->items[i].piece));
	read_pieces(j, job_rows(j, a->pieces), v);
	if (v->st == ST_DRAFT && !v->facts.owns_file) /* "nobody but you": not even an administrator */
		v->piece_count = 0;
	name_faults(j, v);
	v->opening_count = rows_count(job_rows(j, a->openings));
	v->openings = POOL_ARRAY(j->pool, struct opening_view, v->opening_count + 1);
	for (size_t i = 0; i < v->opening_count; i++) {
		const struct rows *r = job_rows(j, a->openings);

		v->openings[i] = (struct opening_view){
			.piece = rows_i64(r, i, "piece"),
			.kind = rows_str(r, i, "kind"),
			.agent_name = rows_str(r, i, "agent_name"),
			.role = rows_str(r, i, "role"),
			.reason = rows_text(r, i, "reason"),
			.at = rows_instant(r, i, "at"),
		};
	}
	if (v->facts.owns_file && (v->st == ST_DRAFT || v->st == ST_CORRECTION))
		read_missing(j, v);
	read_experience(j, v);
	return 0;
}

bool file_view_other_holder(const struct values *answers, struct pool *pool)
{
	const char *holder = str_fold(pool, values_text(answers, "iban_holder"));
	const char *name = str_fold(pool, values_text(answers, "last_name"));
	const char *employer = str_fold(pool, values_text(answers, "employer_name"));

	if (!*holder || !*name || strstr(holder, name))
		return false;
	return !*employer || (!strstr(holder, employer) && !strstr(employer, holder));
}

bool file_view_may(const struct file_view *v, enum event ev)
{
	for (size_t i = 0; i < v->action_count; i++)
		if (v->actions[i] == ev)
			return true;
	return false;
}

const char *check_source(const char *source, struct pool *pool)
{
	return source ? text_or(pool_printf(pool, "source.%s", source), source) : NULL;
}

bool file_view_sealing(const struct file_view *v)
{
	return (v->st == ST_CONVENTIONED || v->st == ST_SUSPENDED || v->st == ST_LEAVING) &&
	       !rows_bool(v->row, 0, "sealed");
}

bool file_view_unlocked(const struct file_view *v, const char *flat_name)
{
	if (!v->facts.owns_file)
		return false;
	if (v->st == ST_DRAFT)
		return true;
	if (v->st != ST_CORRECTION)
		return false;
	for (size_t i = 0; i < v->item_count; i++)
		if (!v->items[i].answered && item_unlocks_field(v->items[i].field, flat_name))
			return true;
	return false;
}

bool file_view_piece_unlocked(const struct file_view *v, const char *kind, const char *for_row)
{
	if (!v->facts.owns_file)
		return false;
	if (v->st == ST_DRAFT)
		return true;
	if (v->st != ST_CORRECTION)
		return false;
	for (size_t i = 0; i < v->item_count; i++)
		if (!v->items[i].answered && item_unlocks_piece(v->items[i].field, v->items[i].piece, kind, for_row))
			return true;
	return false;
}

/* ---- JSON ---- */

static void answer_json(const struct field *field, const char *value, struct json *out)
{
	json_text(out, field_shown(field, value, out->out.pool));
}

static void field_json(const struct field *field, const char *name, const struct values *a, struct json *out)
{
	struct pool *pool = out->out.pool;

	json_key(out, field->name);
	if (field->type == FIELD_CHOICES || field->multiple) {
		const char *const *all;
		size_t n = values_all(a, pool_printf(pool, "%s[]", name), &all);

		json_arr(out);
		for (size_t i = 0; i < n; i++)
			json_text(out, all[i]);
		json_end(out);
		return;
	}
	const char *said = values_text(a, name);
	int64_t n = 0;

	if (field->type == FIELD_TICK)
		json_bool(out, str_eq(said, "true"));
	else if (!*said || (field->type == FIELD_NUMBER && str_to_i64(said, &n)))
		json_nil(out);
	else if (field->type == FIELD_NUMBER)
		json_i64(out, n);
	else
		answer_json(field, said, out);
}

void answers_json(const struct form *form, const struct values *a, bool expert, struct json *out)
{
	struct pool *pool = out->out.pool;

	json_obj(out);
	for (size_t s = 0; s < form->step_count; s++)
		for (size_t i = 0; i < form->steps[s].item_count; i++) {
			const struct item *it = &form->steps[s].items[i];

			if (it->field) {
				if (!expert || !it->field->not_for_expert)
					field_json(it->field, it->field->name, a, out);
				continue;
			}
			json_key(out, it->group->name);
			json_arr(out);
			for (size_t r = 0, n = values_rows(a, it->group->name); r < n; r++) {
				json_obj(out);
				for (size_t k = 0; k < it->group->field_count; k++)
					field_json(&it->group->fields[k],
						   pool_printf(pool, "%s[%zu].%s", it->group->name, r,
							       it->group->fields[k].name),
						   a, out);
				json_end(out);
			}
			json_end(out);
		}
	json_end(out);
}

static void id_or_null(struct json *out, const char *key, int64_t id)
{
	json_key(out, key);
	if (id)
		json_i64(out, id);
	else
		json_nil(out);
}

static void caisse_json(const struct file_view *v, const char *code, const char *name, struct json *out)
{
	json_obj(out);
	json_kt(out, "code", rows_text(v->row, 0, code));
	json_kt(out, "name", rows_text(v->row, 0, name));
	json_kt(out, "commune", rows_text(v->row, 0, "commune"));
	json_kt(out, "rule", rows_text(v->row, 0, "route_explained"));
	json_kt(out, "confidence", rows_text(v->row, 0, "route_confidence"));
	json_end(out);
}

void file_view_json(struct job *j, const struct file_view *v, struct json *out)
{
	json_obj(out);
	json_ki(out, "id", v->id);
	json_kt(out, "number", v->number);
	json_kt(out, "kind", v->kind);
	json_kt(out, "amends", v->amends);
	id_or_null(out, "parent", v->parent);
	id_or_null(out, "child", v->child);
	json_kt(out, "state", v->state);
	json_ki(out, "version", v->version);
	json_ki(out, "revision", v->revision);
	json_kb(out, "eligible", v->facts.eligible);
	json_key(out, "caisse");
	if (rows_null(v->row, 0, "caisse"))
		json_nil(out);
	else
		caisse_json(v, "caisse", "caisse_name", out);
	json_key(out, "route");
	if (rows_null(v->row, 0, "route_explained"))
		json_nil(out);
	else
		caisse_json(v, "route_caisse", "route_name", out);
	json_key(out, "checks");
	json_arr(out);
	for (size_t i = 0; i < v->check_count; i++) {
		if (v->checks[i].earlier)
			continue;
		json_obj(out);
		json_kt(out, "code", v->checks[i].code);
		json_kt(out, "result", v->checks[i].result);
		json_kt(out, "reason", v->checks[i].reason);
		json_kt(out, "text", text2("check", v->checks[i].reason));
		json_kt(out, "source", v->checks[i].source);
		json_kinstant(out, "at", v->checks[i].at);
		json_kb(out, "maintained", v->checks[i].maintained);
		json_kb(out, "settled", v->checks[i].settled);
		json_key(out, "evidence");
		json_raw(out, v->checks[i].evidence);
		json_end(out);
	}
	json_end(out);
	json_key(out, "experience");
	if (v->has_experience) {
		json_obj(out);
		json_ki(out, "days", v->experience.days);
		json_ki(out, "days_with_partly", v->experience.days_with_partly);
		json_ki(out, "full_time_days", v->experience.full_time_days);
		json_ki(out, "needed", EXPERIENCE_DAYS_NEEDED);
		json_kt(out, "formula", v->experience.formula);
		json_end(out);
	} else {
		json_nil(out);
	}
	json_key(out, "missing");
	json_arr(out);
	for (size_t i = 0; i < v->missing_count; i++)
		json_text(out, v->missing[i]);
	json_end(out);
	json_key(out, "items");
	json_arr(out);
	for (size_t i = 0; i < v->item_count; i++) {
		if (v->items[i].answered && v->st == ST_CORRECTION)
			continue;
		json_obj(out);
		json_ki(out, "id", v->items[i].id);
		json_kt(out, "field", v->items[i].field);
		json_kt(out, "piece", v->items[i].piece);
		json_kt(out, "code", v->items[i].code);
		json_kt(out, "text", v->items[i].text);
		json_kb(out, "answered", v->items[i].answered);
		json_kb(out, "maintained", v->items[i].maintained);
		json_end(out);
	}
	json_end(out);
	json_key(out, "holder");
	if (rows_null(v->row, 0, "holder")) {
		json_nil(out);
	} else {
		json_obj(out);
		json_ki(out, "id", rows_i64(v->row, 0, "holder"));
		json_kt(out, "name", j->who.agent ? rows_text(v->row, 0, "holder_name") : NULL);
		json_kinstant(out, "since", rows_instant(v->row, 0, "holder_since"));
		json_kb(out, "me", v->facts.holds_it);
		json_end(out);
	}
	json_kinstant(out, "deadline", rows_instant(v->row, 0, "deadline"));
	json_kday(out, "effective_date", rows_day(v->row, 0, "effective_date"));
	json_kt(out, "document", rows_text(v->row, 0, "document"));
	json_kb(out, "sealed", rows_bool(v->row, 0, "sealed"));
	json_kt(out, "sha256", v->frozen_sha256);
	json_key(out, "actions");
	json_arr(out);
	for (size_t i = 0; i < v->action_count; i++)
		json_text(out, event_id(v->actions[i]));
	json_end(out);
	json_key(out, "events");
	json_arr(out);
	for (size_t i = 0; i < v->event_count; i++) {
		json_obj(out);
		json_ki(out, "seq", v->events[i].seq);
		json_kinstant(out, "at", v->events[i].at);
		json_kt(out, "event", v->events[i].event);
		json_kt(out, "from", v->events[i].from);
		json_kt(out, "to", v->events[i].to);
		json_kt(out, "by", v->events[i].by);
		json_kt(out, "hash", v->events[i].hash);
		if (v->events[i].text)
			json_kt(out, "text", v->events[i].text);
		if (v->events[i].reason_count) {
			json_key(out, "reasons");
			json_arr(out);
			for (size_t k = 0; k < v->events[i].reason_count; k++)
				json_text(out, v->events[i].reasons[k]);
			json_end(out);
		}
		json_end(out);
	}
	json_end(out);
	json_key(out, "answers");
	answers_json(form_get("application"), &v->answers, j->who.role == EXPERT, out);
	json_key(out, "pieces");
	json_arr(out);
	for (size_t i = 0; i < v->piece_count; i++) {
		json_obj(out);
		json_ki(out, "id", v->pieces[i].id);
		json_kt(out, "kind", v->pieces[i].kind);
		json_kt(out, "for", v->pieces[i].for_row);
		json_kt(out, "name", v->pieces[i].name);
		json_ki(out, "size", v->pieces[i].size);
		json_kt(out, "type", v->pieces[i].type);
		json_kt(out, "scan", v->pieces[i].scan);
		json_kt(out, "problem", v->pieces[i].problem);
		json_kb(out, "opened", v->pieces[i].opened);
		json_end(out);
	}
	json_end(out);
	json_key(out, "openings");
	json_arr(out);
	for (size_t i = 0; i < v->opening_count; i++) {
		json_obj(out);
		json_ki(out, "piece", v->openings[i].piece);
		json_kinstant(out, "at", v->openings[i].at);
		json_kt(out, "role", v->openings[i].role);
		json_kt(out, "reason", v->openings[i].reason);
		json_end(out);
	}
	json_end(out);
	json_end(out);
}
