#include "piece_in.h"

#include <string.h>

#include "../../db/piece.h"
#include "../base/str.h"
#include "../text.h"
#include "../watch.h"
#include "form_steps.h"

#define MOST 40 /* pieces of one file */
#define BYTES_MOST (100 << 20)

const char *piece_back_to(struct job *j, int64_t file)
{
	const char *back = values_text(&j->sent, "retour");
	const char *own = pool_printf(j->pool, "/dossiers/%lld/", (long long)file);

	return str_starts(back, own) && !strpbrk(back, " \\\"\r\n")
		       ? back
		       : pool_printf(j->pool, "/dossiers/%lld", (long long)file);
}

void piece_in_begin(struct job *j, int64_t file)
{
	struct piece_in *p = j->state;

	p->file = file;
	p->problems = problems_in(j->pool);
	p->asked = file_view_ask(j, file);
	p->count = job_ask(j, &piece_count, ARGS(arg_i64(j->pool, file)));
	p->list = job_ask(j, &piece_list, ARGS(arg_i64(j->pool, file)));
}

int piece_in_open(struct job *j, struct err *e)
{
	struct piece_in *p = j->state;

	if (file_view_read(j, p->asked, &p->view, e))
		return -1;
	if (p->view.st != ST_DRAFT && p->view.st != ST_CORRECTION)
		return fail(e, ERR_STALE, "reponses.closed");
	if (job_unread(j, e))
		return -1;
	if (!watch_room())
		return fail(e, ERR_BUSY, "piece.no_room");
	p->there = job_rows(j, p->list);
	p->pieces = rows_i64(job_rows(j, p->count), 0, "count");
	p->bytes = rows_i64(job_rows(j, p->count), 0, "bytes");
	return 0;
}

void piece_in_problem(struct problems *p, const char *field, const char *code, const char *id)
{
	problems_add(p, field, code, text(id));
}

int piece_in_refused(struct job *j, struct err *e)
{
	struct piece_in *p = j->state;

	return j->json ? job_problems(j, &p->problems) : piece_refused_show(j, &p->view, &p->problems, e);
}

static bool row_good(const char *row, const char *group)
{
	size_t len, n;
	const char *rest;

	return values_split(row, &len, &n, &rest) && len == strlen(group) && str_starts(row, group) && !*rest && n < 20;
}

void piece_in_place(struct piece_in *p, const char *kind, const char *row)
{
	const struct piece_kind *known = form_piece(form_get("application"), kind);

	if (!known) {
		piece_in_problem(&p->problems, "kind", *kind ? "choice" : "missing", "depot.kind");
	} else if (known->group && !row_good(row, known->group)) {
		piece_in_problem(&p->problems, "for", *row ? "wrong" : "missing", "depot.for");
	} else {
		p->in.kind = kind;
		p->in.for_row = known->group ? row : NULL;
		if (!file_view_piece_unlocked(&p->view, kind, p->in.for_row))
			piece_in_problem(&p->problems, "kind", "locked", "depot.locked");
	}
}

void piece_in_size(struct piece_in *p, size_t size)
{
	p->in.size = size;
	if (!size)
		piece_in_problem(&p->problems, "file", "empty", "piece.empty");
	else if (size > PIECE_BYTES_MOST)
		piece_in_problem(&p->problems, "file", "size", "piece.size");
	if (!p->problems.count && p->pieces >= MOST)
		piece_in_problem(&p->problems, "file", "many", "piece.too_many");
	if (!p->problems.count && p->bytes + (int64_t)size > BYTES_MOST)
		piece_in_problem(&p->problems, "file", "many", "piece.too_heavy");
}

/* An answer lost on its way makes people (and programs) send again: the same bytes in the same place are one piece. */
static int64_t same_piece(const struct piece_in *p)
{
	for (size_t i = 0; i < rows_count(p->there); i++)
		if (str_eq(rows_str(p->there, i, "sha256"), p->in.sha256) &&
		    str_eq(rows_str(p->there, i, "kind"), p->in.kind) &&
		    str_eq(rows_text(p->there, i, "for_row"), p->in.for_row) && rows_null(p->there, i, "erased_at"))
			return rows_i64(p->there, i, "id");
	return 0;
}

static int stored(struct job *j, struct err *e)
{
	const struct piece_in *p = j->state;
	struct json out;

	(void)e;
	clerk_wake_scan();
	if (!j->json)
		return job_redirect(j, piece_back_to(j, p->file));
	out = json_in(j->pool);
	json_obj(&out);
	json_ki(&out, "id", p->in.id);
	json_kt(&out, "kind", p->in.kind);
	json_kt(&out, "for", p->in.for_row);
	json_kt(&out, "name", p->in.name);
	json_ki(&out, "size", (int64_t)p->in.size);
	json_kt(&out, "type", p->in.checked.type);
	json_kt(&out, "scan", "waiting");
	json_kt(&out, "problem", p->in.checked.problem);
	json_end(&out);
	job_header(j, "location",
		   pool_printf(j->pool, "/dossiers/%lld/pieces/%lld", (long long)p->file, (long long)p->in.id));
	return job_json(j, 201, &out);
}

static int prepared(struct job *j, struct err *e)
{
	struct piece_in *p = j->state;

	if (p->in.err.kind == ERR_INPUT) {
		problems_add(&p->problems, "file", "type", text_fill(j->pool, p->in.err.text, p->in.err.arg));
		return p->unfit ? p->unfit(j, e) : piece_in_refused(j, e);
	}
	if (p->in.err.kind != ERR_NONE) {
		*e = p->in.err;
		return -1;
	}
	int64_t same = same_piece(p);
	if (same)
		p->in.id = same;
	else
		piece_store(j, &p->in);
	if (p->with)
		p->with(j, p->in.id);
	if (same && !p->with)
		return stored(j, e);
	job_then(j, stored);
	return 0;
}

static int numbered(struct job *j, struct err *e)
{
	struct piece_in *p = j->state;

	(void)e;
	p->in.id = rows_i64(job_rows(j, p->row), 0, "id");
	p->in.file = p->file;
	p->in.pool = j->pool;
	p->in.keys = j->service->keys;
	job_work_long(j, piece_prepare, &p->in, prepared);
	return 0;
}

int piece_in_go(struct job *j, struct err *e)
{
	struct piece_in *p = j->state;

	(void)e;
	p->row = job_ask(j, &piece_next_id, NO_ARGS);
	job_then(j, numbered);
	return 0;
}
