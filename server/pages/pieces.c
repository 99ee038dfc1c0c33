/*
 * Pieces of a psychologist's own file: in, out, away. They follow the same lock as answers: all in a draft, what its
 * items unlock in a correction. The form of a step posts here without JavaScript and comes back to its page (`retour`).
 */
#include "applicant.h"

#include <string.h>

#include "../../db/piece.h"
#include "../base/str.h"
#include "../file_view.h"
#include "../pieces.h"
#include "../text.h"
#include "../watch.h"
#include "form_steps.h"

#define MOST 40 /* pieces of one file */
#define BYTES_MOST (100 << 20)

struct piece_state {
	int64_t file, id;
	const struct file_asked *asked;
	size_t row, count, chunks, list;
	struct piece_new in;
	struct piece_read out;
	struct file_view view;
	struct problems problems;
	const struct rows *there; /* pieces before this one */
};

static struct piece_state *state_of(struct job *j)
{
	struct piece_state *s = j->state = POOL_NEW(j->pool, struct piece_state);

	s->file = job_param_id(j, "id");
	s->id = job_param_id(j, "piece");
	s->problems = problems_in(j->pool);
	return s;
}

/* Where a browser goes on: the page of the step it came from. */
static const char *back_to(struct job *j, int64_t file)
{
	const char *back = values_text(&j->sent, "retour");
	const char *own = pool_printf(j->pool, "/dossiers/%lld/", (long long)file);

	return str_starts(back, own) && !strpbrk(back, " \\\"\r\n")
		       ? back
		       : pool_printf(j->pool, "/dossiers/%lld", (long long)file);
}

/* ---- in ---- */

int piece_in_ask(struct job *j, struct err *e)
{
	struct piece_state *s = state_of(j);

	if (!s->file)
		return fail(e, ERR_MISSING, "file.missing");
	s->asked = file_view_ask(j, s->file);
	s->count = job_ask(j, &piece_count, ARGS(arg_i64(j->pool, s->file)));
	s->list = job_ask(j, &piece_list, ARGS(arg_i64(j->pool, s->file)));
	return 0;
}

static int refused(struct job *j, struct err *e)
{
	struct piece_state *s = j->state;

	return j->json ? job_problems(j, &s->problems) : piece_refused_show(j, &s->view, &s->problems, e);
}

static void problem(struct piece_state *s, const char *field, const char *code, const char *id)
{
	problems_add(&s->problems, field, code, text(id));
}

static bool row_good(const char *row, const char *group)
{
	size_t len, n;
	const char *rest;

	return values_split(row, &len, &n, &rest) && len == strlen(group) && str_starts(row, group) && !*rest && n < 20;
}

/* What was sent, judged. */
static void read_sent(struct job *j, struct piece_state *s)
{
	const char *kind = values_text(&j->sent, "kind"), *row = values_text(&j->sent, "for");
	const struct upload *file = NULL;
	const struct piece_kind *known = form_piece(form_get("application"), kind);
	size_t files = 0;

	for (size_t i = 0; i < j->upload_count; i++)
		if (str_eq(j->uploads[i].field, "file") && files++ == 0)
			file = &j->uploads[i];
	if (!known) {
		problem(s, "kind", *kind ? "choice" : "missing", "depot.kind");
	} else if (known->group && !row_good(row, known->group)) {
		problem(s, "for", *row ? "wrong" : "missing", "depot.for");
	} else {
		s->in.kind = kind;
		s->in.for_row = known->group ? row : NULL;
		if (!file_view_piece_unlocked(&s->view, kind, s->in.for_row))
			problem(s, "kind", "locked", "depot.locked");
	}
	/* A browser sends an empty part when nothing was chosen. */
	if (!file || (!file->size && !*file->filename))
		problem(s, "file", "missing", "depot.file");
	else if (files > 1)
		problem(s, "file", "wrong", "depot.one_file");
	else if (!file->size)
		problem(s, "file", "empty", "piece.empty");
	else if (file->size > PIECE_BYTES_MOST)
		problem(s, "file", "size", "piece.size");
	else
		s->in.name = file->filename, s->in.bytes = file->bytes, s->in.size = file->size;
}

/* An answer lost on its way makes people (and programs) send again: the same bytes in the same place are one piece. */
static int64_t same_piece(const struct piece_state *s)
{
	for (size_t i = 0; i < rows_count(s->there); i++)
		if (str_eq(rows_str(s->there, i, "sha256"), s->in.sha256) &&
		    str_eq(rows_str(s->there, i, "kind"), s->in.kind) &&
		    str_eq(rows_text(s->there, i, "for_row"), s->in.for_row) && rows_null(s->there, i, "erased_at"))
			return rows_i64(s->there, i, "id");
	return 0;
}

static int stored(struct job *j, struct err *e)
{
	const struct piece_state *s = j->state;
	struct json out;

	(void)e;
	clerk_wake_scan();
	if (!j->json)
		return job_redirect(j, back_to(j, s->file));
	out = json_in(j->pool);
	json_obj(&out);
	json_ki(&out, "id", s->in.id);
	json_kt(&out, "kind", s->in.kind);
	json_kt(&out, "for", s->in.for_row);
	json_kt(&out, "name", s->in.name);
	json_ki(&out, "size", (int64_t)s->in.size);
	json_kt(&out, "type", s->in.checked.type);
	json_kt(&out, "scan", "waiting");
	json_kt(&out, "problem", s->in.checked.problem);
	json_end(&out);
	job_header(j, "location",
		   pool_printf(j->pool, "/dossiers/%lld/pieces/%lld", (long long)s->file, (long long)s->in.id));
	return job_json(j, 201, &out);
}

static int prepared(struct job *j, struct err *e)
{
	struct piece_state *s = j->state;

	if (s->in.err.kind == ERR_INPUT) {
		problems_add(&s->problems, "file", "type", text_fill(j->pool, s->in.err.text, s->in.err.arg));
		return refused(j, e);
	}
	if (s->in.err.kind != ERR_NONE) {
		*e = s->in.err;
		return -1;
	}
	if (same_piece(s)) {
		s->in.id = same_piece(s);
		return stored(j, e);
	}
	piece_store(j, &s->in);
	job_then(j, stored);
	return 0;
}

static int numbered(struct job *j, struct err *e)
{
	struct piece_state *s = j->state;

	(void)e;
	s->in.id = rows_i64(job_rows(j, s->row), 0, "id");
	s->in.file = s->file;
	s->in.pool = j->pool;
	s->in.keys = j->service->keys;
	job_work(j, piece_prepare, &s->in, prepared);
	return 0;
}

int piece_in_answer(struct job *j, struct err *e)
{
	struct piece_state *s = j->state;

	if (file_view_read(j, s->asked, &s->view, e))
		return -1;
	if (s->view.st != ST_DRAFT && s->view.st != ST_CORRECTION)
		return fail(e, ERR_STALE, "reponses.closed");
	if (job_unread(j, e))
		return -1;
	if (!watch_room())
		return fail(e, ERR_BUSY, "piece.no_room");
	read_sent(j, s);
	s->there = job_rows(j, s->list);
	if (!s->problems.count && rows_i64(job_rows(j, s->count), 0, "count") >= MOST)
		problem(s, "file", "many", "piece.too_many");
	if (!s->problems.count && rows_i64(job_rows(j, s->count), 0, "bytes") + (int64_t)s->in.size > BYTES_MOST)
		problem(s, "file", "many", "piece.too_heavy");
	if (s->problems.count)
		return refused(j, e);
	s->row = job_ask(j, &piece_next_id, NO_ARGS);
	job_then(j, numbered);
	return 0;
}

/* ---- out ---- */

int piece_out_ask(struct job *j, struct err *e)
{
	struct piece_state *s = state_of(j);

	if (!s->file || !s->id)
		return fail(e, ERR_MISSING, "depot.missing");
	s->row = job_ask(j, &piece_one, ARGS(arg_i64(j->pool, s->file), arg_i64(j->pool, s->id)));
	return 0;
}

static int opened(struct job *j, struct err *e)
{
	const struct piece_state *s = j->state;

	if (s->out.err.kind != ERR_NONE) {
		*e = s->out.err;
		return -1;
	}
	job_header(j, "cache-control", "private, no-store");
	return job_bytes(j, 200, s->out.type, s->out.bytes, s->out.size, s->out.name);
}

static int chunks_read(struct job *j, struct err *e)
{
	struct piece_state *s = j->state;

	if (piece_read_rows(&s->out, j->service->keys, job_rows(j, s->row), job_rows(j, s->chunks), j->pool, e))
		return -1;
	job_work(j, piece_open, &s->out, opened);
	return 0;
}

int piece_out_answer(struct job *j, struct err *e)
{
	struct piece_state *s = j->state;
	const struct rows *r = job_rows(j, s->row);

	if (!rows_count(r) || !rows_null(r, 0, "removed_at"))
		return fail(e, ERR_MISSING, "depot.missing");
	if (str_eq(rows_str(r, 0, "scan"), "infected"))
		return fail(e, ERR_DENIED, "piece.infected");
	if (!rows_null(r, 0, "erased_at"))
		return fail(e, ERR_MISSING, "piece.erased");
	s->row = job_ask(j, &piece_one, ARGS(arg_i64(j->pool, s->file), arg_i64(j->pool, s->id)));
	s->chunks = job_ask(j, &piece_chunks, ARGS(arg_i64(j->pool, s->id)));
	job_then(j, chunks_read);
	return 0;
}

/* ---- away ---- */

int piece_away_ask(struct job *j, struct err *e)
{
	struct piece_state *s = state_of(j);

	if (!s->file || !s->id)
		return fail(e, ERR_MISSING, "depot.missing");
	s->asked = file_view_ask(j, s->file);
	return 0;
}

static int removed(struct job *j, struct err *e)
{
	const struct piece_state *s = j->state;
	struct json out;

	if (!rows_affected(job_rows(j, s->row)))
		return fail(e, ERR_STALE, "reponses.closed");
	if (!j->json)
		return job_redirect(j, back_to(j, s->file));
	out = json_in(j->pool);
	json_obj(&out);
	json_ki(&out, "id", s->id);
	json_kb(&out, "removed", true);
	json_end(&out);
	return job_json(j, 200, &out);
}

int piece_away_answer(struct job *j, struct err *e)
{
	struct piece_state *s = j->state;
	const struct piece_view *piece = NULL;

	if (file_view_read(j, s->asked, &s->view, e))
		return -1;
	for (size_t i = 0; i < s->view.piece_count; i++)
		if (s->view.pieces[i].id == s->id)
			piece = &s->view.pieces[i];
	if (!piece)
		return fail(e, ERR_MISSING, "depot.missing");
	if (s->view.st != ST_DRAFT && s->view.st != ST_CORRECTION)
		return fail(e, ERR_STALE, "reponses.closed");
	if (job_unread(j, e))
		return -1;
	if (!file_view_piece_unlocked(&s->view, piece->kind, piece->for_row)) {
		problem(s, "kind", "locked", "depot.locked");
		return refused(j, e);
	}
	s->row = job_ask(j, &piece_remove, ARGS(arg_i64(j->pool, s->file), arg_i64(j->pool, s->id)));
	job_then(j, removed);
	return 0;
}
