#include "dossiers.h"

#include <string.h>

#include "../../db/file_read.h"
#include "../../db/sealed.h"
#include "../../db/working.h"
#include "../../forms/xml.h"
#include "../base/crypto.h"
#include "../text.h"
#include "file_agent.h"
#include "file_applicant.h"

/* ---- start ---- */

struct start {
	size_t row;
	int64_t id;
	bool fresh, again;
	const struct file_asked *asked;
};

int dossier_start_ask(struct job *j, struct err *e)
{
	(void)e;
	j->state = POOL_NEW(j->pool, struct start);
	return 0;
}

static int started(struct job *j, struct err *e)
{
	const struct start *s = j->state;
	struct file_view *v = POOL_NEW(j->pool, struct file_view);

	if (file_view_read(j, s->asked, v, e))
		return -1;
	return dossier_show(j, v, s->fresh ? 201 : 200, NULL, NULL, e);
}

/* The address just confirmed is not asked again: it stands in the draft, to be changed there. */
static int ask_first_answers(struct job *j, int64_t file, struct err *e)
{
	struct values known = values_in(j->pool);
	unsigned char *sealed;
	size_t size, sealed_size;
	char *xml;

	values_add(&known, "email", j->who.email);
	if (xml_from_values(&known, "application", j->pool, &xml, &size, e) ||
	    sealed_make(j->service->keys, sealed_at(SEALED_WORKING_COPY, file), xml, size, j->pool, &sealed,
			&sealed_size, e))
		return -1;
	job_ask(j, &working_save,
		ARGS(arg_i64(j->pool, file), arg_bytes(sealed, sealed_size), arg_i64(j->pool, 0),
		     arg_texts(j->pool, NULL, 0), arg_texts(j->pool, NULL, 0)));
	return 0;
}

static int start_shown(struct job *j, struct err *e)
{
	struct start *s = j->state;

	(void)e;
	if (!j->json)
		return job_redirect(j, pool_printf(j->pool, "/dossiers/%lld", (long long)s->id));
	s->asked = file_view_ask(j, s->id);
	job_then(j, started);
	return 0;
}

static int start_made(struct job *j, struct err *e)
{
	struct start *s = j->state;
	const struct rows *r = job_rows(j, s->row);

	if (!rows_count(r) && s->again)
		return fail(e, ERR_RETRY, "error.retry");
	if (!rows_count(r)) { /* pressed twice, two tabs: the other's is there now */
		s->again = true;
		return dossier_start_answer(j, e);
	}
	s->id = rows_i64(r, 0, "id");
	s->fresh = rows_bool(r, 0, "fresh");
	if (j->json)
		job_header(j, "location", pool_printf(j->pool, "/dossiers/%lld", (long long)s->id));
	if (!s->fresh || !j->who.email)
		return start_shown(j, e);
	if (ask_first_answers(j, s->id, e))
		return -1;
	job_then(j, start_shown);
	return 0;
}

int dossier_start_answer(struct job *j, struct err *e)
{
	struct start *s = j->state;

	(void)e;
	s->row = job_ask(j, &file_start, NO_ARGS);
	job_then(j, start_made);
	return 0;
}

/* ---- list ---- */

struct mine_row {
	int64_t id;
	const char *number, *state, *state_label, *caisse, *created, *kind_label;
};
static const struct slot mine_row_slots[] = {
	SLOT_I(struct mine_row, id),          SLOT_T(struct mine_row, number), SLOT_T(struct mine_row, state),
	SLOT_T(struct mine_row, state_label), SLOT_T(struct mine_row, caisse), SLOT_T(struct mine_row, created),
	SLOT_T(struct mine_row, kind_label),
};
static const struct view mine_row_view = VIEW(struct mine_row, mine_row_slots);
struct mine_view {
	struct list items;
	const char *start; /* the button's words; NULL: a file that was sent is open, and another could never be */
	struct markup hidden;
};
static const struct slot mine_slots[] = { SLOT_L(struct mine_view, items, &mine_row_view),
					  SLOT_T(struct mine_view, start), SLOT_M(struct mine_view, hidden) };
static const struct view mine_view = VIEW(struct mine_view, mine_slots);
static const struct page mine_page = { "server/pages/dossiers.html", &mine_view };
PAGE(mine_page);

int dossier_list_ask(struct job *j, struct err *e)
{
	size_t *at = j->state = POOL_NEW(j->pool, size_t);

	(void)e;
	*at = job_ask(j, &file_mine, NO_ARGS);
	return 0;
}

static int list_json(struct job *j, const struct rows *r)
{
	struct json out = json_in(j->pool);

	json_obj(&out);
	json_key(&out, "items");
	json_arr(&out);
	for (size_t i = 0; i < rows_count(r); i++) {
		json_obj(&out);
		json_ki(&out, "id", rows_i64(r, i, "id"));
		json_kt(&out, "number", rows_str(r, i, "number"));
		json_kt(&out, "kind", rows_str(r, i, "kind"));
		json_kt(&out, "state", rows_str(r, i, "state"));
		json_ki(&out, "version", rows_i64(r, i, "version"));
		json_kt(&out, "caisse", rows_text(r, i, "caisse"));
		json_kinstant(&out, "deadline", rows_instant(r, i, "deadline"));
		json_end(&out);
	}
	json_end(&out);
	json_key(&out, "next");
	json_nil(&out);
	json_ki(&out, "total", rows_count(r) ? rows_i64(r, 0, "total") : 0);
	json_end(&out);
	return job_json(j, 200, &out);
}

/* What POST /dossiers would do: file_start gives an open file again, its draft first. */
static const char *start_words(const struct rows *r)
{
	const char *words = text(rows_count(r) ? "dossiers.start.again" : "dossiers.start");

	for (size_t i = 0; i < rows_count(r); i++) {
		enum state state = state_from_id(rows_str(r, i, "state"));
		if (strcmp(rows_str(r, i, "kind"), "convention") || state_is_final(state))
			continue;
		if (state == ST_DRAFT)
			return text("dossiers.start.draft");
		words = NULL;
	}
	return words;
}

int dossier_list_answer(struct job *j, struct err *e)
{
	const struct rows *r = job_rows(j, *(size_t *)j->state);
	size_t n = rows_count(r);
	struct mine_row *items = POOL_ARRAY(j->pool, struct mine_row, n + 1);
	struct mine_view view = { .items = { items, n }, .start = start_words(r), .hidden = job_hidden(j, -1) };

	(void)e;
	if (j->json)
		return list_json(j, r);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct mine_row){
			.id = rows_i64(r, i, "id"),
			.number = rows_str(r, i, "number"),
			.state = rows_str(r, i, "state"),
			.state_label = text2("state", rows_str(r, i, "state")),
			.caisse = rows_text(r, i, "caisse_name"),
			.created = day_french(j->pool, day_in_paris(rows_instant(r, i, "created_at"))),
			.kind_label = text2("kind", rows_str(r, i, "kind")),
		};
	return job_page(j, 200, text("dossiers.title"), &mine_page, &view);
}

/* ---- one file ---- */

int dossier_show(struct job *j, const struct file_view *v, int status, const struct problems *p, const struct err *why,
		 struct err *e)
{
	struct json out;

	if (!j->json)
		return j->who.agent ? file_page_agent(j, v, status, p, why, e)
				    : file_page_applicant(j, v, status, p, why, e);
	out = json_in(j->pool);
	file_view_json(j, v, &out);
	return job_json(j, status, &out);
}

int dossier_ask(struct job *j, struct err *e)
{
	int64_t id = job_param_id(j, "id");

	if (!id)
		return fail(e, ERR_MISSING, "file.missing");
	j->state = file_view_ask(j, id);
	return 0;
}

struct reading {
	struct file_view view;
};

static int read_and_noted(struct job *j, struct err *e)
{
	struct reading *r = j->state;

	return dossier_show(j, &r->view, 200, NULL, NULL, e);
}

int dossier_answer(struct job *j, struct err *e)
{
	struct reading *r = POOL_NEW(j->pool, struct reading);
	const struct rows *row;

	if (file_view_read(j, j->state, &r->view, e))
		return -1;
	row = r->view.row;
	if (r->view.facts.owns_file && !rows_null(row, 0, "decided_at") && rows_null(row, 0, "notified_at") &&
	    (r->view.st == ST_REFUSED || r->view.st == ST_TO_SIGN)) {
		/* proof of reading: the appeal's limit runs from it */
		job_ask(j, &file_opened, ARGS(arg_i64(j->pool, r->view.id)));
		j->state = r;
		job_then(j, read_and_noted);
		return 0;
	}
	return dossier_show(j, &r->view, 200, NULL, NULL, e);
}

/* ---- answers ---- */

struct saving_state {
	struct saving saving; /* first: saving_of() gives it */
	const struct file_asked *asked;
	job_step *next;
	size_t row;
	int64_t file;
};

const struct saving *saving_of(const struct job *j)
{
	return j->state;
}

static int saved(struct job *j, struct err *e)
{
	struct saving_state *s = j->state;
	const struct rows *r = job_rows(j, s->row);

	if (rows_count(r))
		s->saving.revision = rows_i64(r, 0, "revision");
	else
		s->saving.stale = true;
	return s->next(j, e);
}

/* Of a name "public[]", or "experience[]" for rows that were sent away: the same as now? */
static bool list_is_same(const struct values *sent, const struct values *now, const char *name)
{
	const char *const *a, *const *b;
	size_t n = values_all(sent, name, &a), m = values_all(now, name, &b), i = 0, k = 0;

	if (values_rows(now, pool_strndup(sent->pool, name, strlen(name) - 2)))
		return false;
	for (;; i++, k++) {
		while (i < n && !*a[i])
			i++;
		while (k < m && !*b[k])
			k++;
		if (i == n || k == m)
			return i == n && k == m;
		if (!str_eq(a[i], b[k]))
			return false;
	}
}

/* What is locked in a correction is refused, unless it is sent back as it is. */
static void refuse_locked(struct job *j, const struct file_view *v, struct values *kept, struct problems *p)
{
	struct values open = values_in(j->pool);

	for (size_t i = 0; i < kept->count; i++) {
		const struct value *x = &kept->items[i];
		const struct field *field = form_field(form_get("application"), x->name);
		const char *now = values_text(&v->answers, x->name);

		if (file_view_unlocked(v, x->name))
			values_add(&open, x->name, x->text);
		else if (str_ends(x->name, "[]")) {
			const char *name = pool_strndup(j->pool, x->name, strlen(x->name) - 2);

			if (!list_is_same(kept, &v->answers, x->name) && !problems_of(p, name))
				problems_add(p, name, "locked", text("reponses.locked"));
		} else if (field && field->secret && strstr(x->text, "•")) {
			continue; /* its mask: it changes nothing */
		} else if (!str_eq(x->text, now) && !(field && str_eq(x->text, field_shown(field, now, j->pool))))
			problems_add(p, x->name, "locked", text("reponses.locked"));
	}
	*kept = open;
}

/* Pieces hang on rows of the experience: when rows move (they were sent, and kept), they move with them. */
static size_t moved_rows(struct job *j, const struct file_view *v, const struct values *kept,
			 const char *from[FORM_ROWS], const char *to[FORM_ROWS])
{
	const struct form *form = form_get("application");
	const struct group *group = NULL;
	int map[FORM_ROWS];
	size_t n = 0, rows = values_rows(&v->answers, "experience");

	for (size_t s = 0; s < form->step_count; s++)
		for (size_t i = 0; i < form->steps[s].item_count; i++)
			if (form->steps[s].items[i].group && str_eq(form->steps[s].items[i].group->name, "experience"))
				group = form->steps[s].items[i].group;
	if (!group || !values_has_group(kept, "experience"))
		return 0;
	form_row_map(group, &j->sent, map);
	for (size_t i = 0; i < FORM_ROWS; i++) {
		if ((i >= rows && map[i] < 0) || map[i] == (int)i)
			continue;
		from[n] = pool_printf(j->pool, "experience[%zu]", i);
		to[n++] = map[i] < 0 ? "" : pool_printf(j->pool, "experience[%d]", map[i]);
	}
	return n;
}

int reponses_save(struct job *j, const struct file_view *v, job_step *next, struct err *e)
{
	struct saving_state *s = POOL_NEW(j->pool, struct saving_state);
	struct values kept = values_in(j->pool), answers = values_in(j->pool);
	const char *from[FORM_ROWS], *to[FORM_ROWS];
	unsigned char *sealed;
	size_t size, sealed_size, moved;
	char *xml;

	if (!v->facts.owns_file || (v->st != ST_DRAFT && v->st != ST_CORRECTION))
		return fail(e, ERR_STALE, "reponses.closed");
	if (job_unread(j, e))
		return -1;
	s->next = next;
	s->file = v->id;
	s->saving.typed = j->sent;
	s->saving.problems = problems_in(j->pool);
	s->saving.revision = v->revision;
	j->state = s;
	if (j->revision >= 0 && j->revision != v->revision) {
		s->saving.stale = true;
		return next(j, e);
	}
	form_validate_over(form_get("application"), &j->sent, &v->answers, day_in_paris(v->now), FORM_SYNTAX, &kept,
			   &s->saving.problems);
	if (v->st == ST_CORRECTION)
		refuse_locked(j, v, &kept, &s->saving.problems);
	values_add_all(&answers, &v->answers);
	form_merge(form_get("application"), &answers, &kept);
	if (xml_from_values(&answers, "application", j->pool, &xml, &size, e) ||
	    sealed_make(j->service->keys, sealed_at(SEALED_WORKING_COPY, v->id), xml, size, j->pool, &sealed,
			&sealed_size, e))
		return -1;
	moved = moved_rows(j, v, &kept, from, to);
	s->row = job_ask(j, &working_save,
			 ARGS(arg_i64(j->pool, v->id), arg_bytes(sealed, sealed_size), arg_i64(j->pool, v->revision),
			      arg_texts(j->pool, from, moved), arg_texts(j->pool, to, moved)));
	job_then(j, saved);
	return 0;
}

int reponses_ask(struct job *j, struct err *e)
{
	int64_t id = job_param_id(j, "id");

	if (!id)
		return fail(e, ERR_MISSING, "file.missing");
	j->state = file_view_ask(j, id);
	return 0;
}

static int reponses_shown(struct job *j, struct err *e)
{
	const struct saving_state *s = j->state;
	struct file_view *v = POOL_NEW(j->pool, struct file_view);

	if (file_view_read(j, s->asked, v, e))
		return -1;
	if (s->saving.problems.count && j->json)
		return job_problems_saved(j, &s->saving.problems, s->saving.revision);
	return dossier_show(j, v, s->saving.problems.count ? 422 : 200, &s->saving.problems, NULL, e);
}

static int reponses_saved(struct job *j, struct err *e)
{
	struct saving_state *s = j->state;

	if (s->saving.stale)
		return fail(e, ERR_STALE, "reponses.stale");
	s->asked = file_view_ask(j, s->file);
	job_then(j, reponses_shown);
	return 0;
}

int reponses_answer(struct job *j, struct err *e)
{
	struct file_view *v = POOL_NEW(j->pool, struct file_view);

	if (file_view_read(j, j->state, v, e))
		return -1;
	return reponses_save(j, v, reponses_saved, e);
}
