/*
 * Pieces of a psychologist's own file: in, out, away. They follow the same lock as answers: all in a draft, what its
 * items unlock in a correction. The form of a step posts here without JavaScript and comes back to its page (`retour`).
 */
#include "applicant.h"

#include "../../db/piece.h"
#include "../base/str.h"
#include "piece_in.h"

struct piece_state {
	struct piece_in in; /* first: the door's */
	int64_t id;
	size_t row, chunks;
	struct piece_read out;
};

static struct piece_state *state_of(struct job *j)
{
	struct piece_state *s = j->state = POOL_NEW(j->pool, struct piece_state);

	s->in.file = job_param_id(j, "id");
	s->id = job_param_id(j, "piece");
	s->in.problems = problems_in(j->pool);
	return s;
}

/* ---- in ---- */

int piece_in_ask(struct job *j, struct err *e)
{
	struct piece_state *s = state_of(j);

	if (!s->in.file)
		return fail(e, ERR_MISSING, "file.missing");
	piece_in_begin(j, s->in.file);
	return 0;
}

int piece_in_answer(struct job *j, struct err *e)
{
	struct piece_in *p = j->state;
	const struct upload *file = NULL;
	size_t files = 0;

	if (piece_in_open(j, e))
		return -1;
	for (size_t i = 0; i < j->upload_count; i++)
		if (str_eq(j->uploads[i].field, "file") && files++ == 0)
			file = &j->uploads[i];
	piece_in_place(p, values_text(&j->sent, "kind"), values_text(&j->sent, "for"));
	/* A browser sends an empty part when nothing was chosen. */
	if (!file || (!file->size && !*file->filename))
		piece_in_problem(&p->problems, "file", "missing", "depot.file");
	else if (files > 1)
		piece_in_problem(&p->problems, "file", "wrong", "depot.one_file");
	else
		piece_in_size(p, file->size);
	if (!file || p->problems.count)
		return piece_in_refused(j, e);
	p->in.name = file->filename;
	p->in.bytes = file->bytes;
	return piece_in_go(j, e);
}

/* ---- out ---- */

int piece_out_ask(struct job *j, struct err *e)
{
	struct piece_state *s = state_of(j);

	if (!s->in.file || !s->id)
		return fail(e, ERR_MISSING, "depot.missing");
	s->row = job_ask(j, &piece_one, ARGS(arg_i64(j->pool, s->in.file), arg_i64(j->pool, s->id)));
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
	s->chunks = job_ask(j, &piece_chunks, ARGS(arg_i64(j->pool, s->id)));
	s->row = job_ask(j, &piece_one, ARGS(arg_i64(j->pool, s->in.file), arg_i64(j->pool, s->id)));
	job_then(j, chunks_read);
	return 0;
}

/* ---- away ---- */

int piece_away_ask(struct job *j, struct err *e)
{
	struct piece_state *s = state_of(j);

	if (!s->in.file || !s->id)
		return fail(e, ERR_MISSING, "depot.missing");
	s->in.asked = file_view_ask(j, s->in.file);
	return 0;
}

static int removed(struct job *j, struct err *e)
{
	const struct piece_state *s = j->state;
	struct json out;

	if (!rows_affected(job_rows(j, s->row)))
		return fail(e, ERR_STALE, "reponses.closed");
	if (!j->json)
		return job_redirect(j, piece_back_to(j, s->in.file));
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

	if (file_view_read(j, s->in.asked, &s->in.view, e))
		return -1;
	for (size_t i = 0; i < s->in.view.piece_count; i++)
		if (s->in.view.pieces[i].id == s->id)
			piece = &s->in.view.pieces[i];
	if (!piece)
		return fail(e, ERR_MISSING, "depot.missing");
	if (s->in.view.st != ST_DRAFT && s->in.view.st != ST_CORRECTION)
		return fail(e, ERR_STALE, "reponses.closed");
	if (job_unread(j, e))
		return -1;
	if (!file_view_piece_unlocked(&s->in.view, piece->kind, piece->for_row)) {
		piece_in_problem(&s->in.problems, "kind", "locked", "depot.locked");
		return piece_in_refused(j, e);
	}
	s->row = job_ask(j, &piece_remove, ARGS(arg_i64(j->pool, s->in.file), arg_i64(j->pool, s->id)));
	job_then(j, removed);
	return 0;
}
