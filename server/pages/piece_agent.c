#include "../../db/agent_file.h"
#include "../../db/identity.h"
#include "../../db/piece.h"
#include "../base/str.h"
#include "../pieces.h"
#include "../text.h"
#include "agents.h"

#define REASON_MOST 2000

/*
 * A piece is shown only once its opening is written. Row-level security has taken away what this reader never opens: an
 * expert the bank and the health card, an administrator everything.
 */
struct opened {
	int64_t file, piece;
	size_t row, chunks, context;
	const char *reason;
	struct piece_read read;
};

int piece_agent_ask(struct job *j, struct err *e)
{
	struct opened *o = j->state = POOL_NEW(j->pool, struct opened);

	o->file = job_param_id(j, "id");
	o->piece = job_param_id(j, "piece");
	if (!o->file || !o->piece)
		return fail(e, ERR_MISSING, "file.missing");
	o->chunks = job_ask(j, &piece_chunks, ARGS(arg_i64(j->pool, o->piece)));
	o->row = job_ask(j, &piece_one, ARGS(arg_i64(j->pool, o->file), arg_i64(j->pool, o->piece)));
	o->context = job_ask(j, &agent_file_hold, ARGS(arg_i64(j->pool, o->file)));
	return 0;
}

static int shown(struct job *j, struct err *e)
{
	const struct opened *o = j->state;
	bool download = *values_text(&j->query, "telecharger");
	struct str where = str_in(j->pool);

	(void)e;
	str_add(&where, download ? "attachment; filename*=UTF-8''" : "inline; filename*=UTF-8''");
	url_part(&where, o->read.name);
	job_header(j, "content-disposition", where.s);
	job_header(j, "content-security-policy", "sandbox; default-src 'none'");
	return job_bytes(j, 200, o->read.type, o->read.bytes, o->read.size, NULL);
}

static int unsealed(struct job *j, struct err *e)
{
	const struct opened *o = j->state;

	if (o->read.err.kind != ERR_NONE) {
		*e = o->read.err;
		return -1;
	}
	job_ask(j, &piece_opening_add,
		ARGS(arg_i64(j->pool, o->piece), arg_i64(j->pool, o->file),
		     arg_text(identity_actor(&j->who, 0, j->pool)), arg_i64(j->pool, j->who.agent),
		     arg_text(o->reason)));
	job_then(j, shown);
	return 0;
}

static int open_it(struct job *j, struct err *e)
{
	struct opened *o = j->state;

	if (piece_read_rows(&o->read, j->service->keys, job_rows(j, o->row), job_rows(j, o->chunks), j->pool, e))
		return -1;
	if (str_eq(o->read.scan, "infected"))
		return fail(e, ERR_DENIED, "piece_agent.infected");
	if (!str_eq(o->read.scan, "clean") && !o->reason)
		return fail(e, ERR_STALE, "piece_agent.waiting");
	if (o->read.size && !o->read.chunk_count)
		return fail(e, ERR_MISSING, "piece.erased");
	job_work(j, piece_open, &o->read, unsealed);
	return 0;
}

int piece_agent_answer(struct job *j, struct err *e)
{
	return open_it(j, e);
}

int piece_open_ask(struct job *j, struct err *e)
{
	return piece_agent_ask(j, e);
}

int piece_open_answer(struct job *j, struct err *e)
{
	struct opened *o = j->state;
	const char *reason = str_trim(j->pool, values_text(&j->sent, "text"));

	if (!rows_count(job_rows(j, o->row)) || !rows_count(job_rows(j, o->context)))
		return fail(e, ERR_MISSING, "file.missing");
	if (j->who.role == DELEGATE && !rows_bool(job_rows(j, o->context), 0, "holds"))
		return fail(e, ERR_DENIED, "piece_agent.holder");
	if (job_unread(j, e))
		return -1;
	if (!*reason)
		return fail_field(e, "piece_agent.reason", "text");
	if (str_chars(reason) > REASON_MOST)
		return fail_field(e, "piece_agent.reason_long", "text");
	o->reason = reason;
	return open_it(j, e);
}
