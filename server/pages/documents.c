/*
 * What a psychologist takes away: the convention, the receipt of a deposit, the verifiable history. Opening a sealed
 * PDF or rendering one is work for another thread.
 */
#include "applicant.h"

#include <string.h>

#include "../../db/document.h"
#include "../audit.h"
#include "../base/str.h"
#include "../document.h"
#include "../text.h"

struct opening {
	size_t at;
	struct pool *pool;
	const struct keyring *keys;
	const struct rows *rows;
	const char *digest;
	unsigned char *pdf;
	size_t size;
	struct err err;
};

int convention_pdf_ask(struct job *j, struct err *e)
{
	struct opening *o = j->state = POOL_NEW(j->pool, struct opening);
	int64_t id = job_param_id(j, "id");

	if (!id)
		return fail(e, ERR_MISSING, "file.missing");
	o->at = job_ask(j, &document_of_file, ARGS(arg_i64(j->pool, id)));
	return 0;
}

static void open_document(void *arg)
{
	struct opening *o = arg;
	struct err e;

	if (document_open(o->keys, o->rows, o->digest, o->pool, &o->pdf, &o->size, &e))
		o->err = e;
}

static int opened(struct job *j, struct err *e)
{
	const struct opening *o = j->state;

	if (o->err.kind != ERR_NONE) {
		*e = o->err;
		return -1;
	}
	job_header(j, "cache-control", "private, no-store");
	return job_bytes(j, 200, "application/pdf", o->pdf, o->size,
			 pool_printf(j->pool, "convention-%s.pdf", rows_str(o->rows, 0, "number")));
}

int convention_pdf_show(struct job *j, const struct rows *r, struct err *e)
{
	struct opening *o = j->state = POOL_NEW(j->pool, struct opening);

	if (!rows_count(r) || rows_null(r, 0, "data"))
		return fail(e, ERR_MISSING, "documents.none");
	*o = (struct opening){
		.pool = j->pool,
		.keys = j->service->keys,
		.rows = r,
		.digest = rows_str(r, 0, "digest"),
	};
	job_work(j, open_document, o, opened);
	return 0;
}

int convention_pdf_answer(struct job *j, struct err *e)
{
	return convention_pdf_show(j, job_rows(j, ((struct opening *)j->state)->at), e);
}

/* ---- receipt ---- */

struct receipt_state {
	const struct file_asked *asked;
	struct receipt receipt;
	const char *number;
};

int receipt_ask(struct job *j, struct err *e)
{
	struct receipt_state *s = j->state = POOL_NEW(j->pool, struct receipt_state);
	int64_t id = job_param_id(j, "id");

	if (!id)
		return fail(e, ERR_MISSING, "file.missing");
	s->asked = file_view_ask(j, id);
	return 0;
}

static void render(void *arg)
{
	receipt_render(arg);
}

static int rendered(struct job *j, struct err *e)
{
	const struct receipt_state *s = j->state;

	if (s->receipt.err.kind != ERR_NONE) {
		*e = s->receipt.err;
		return -1;
	}
	return job_bytes(j, 200, "application/pdf", s->receipt.pdf, s->receipt.pdf_size,
			 pool_printf(j->pool, "recepisse-%s.pdf", s->number));
}

int receipt_answer(struct job *j, struct err *e)
{
	struct receipt_state *s = j->state;
	struct file_view *v = POOL_NEW(j->pool, struct file_view);

	if (file_view_read(j, s->asked, v, e))
		return -1;
	if (receipt_prepare(j->service, v, &s->receipt, j->pool, e))
		return -1;
	s->number = v->number;
	job_work(j, render, &s->receipt, rendered);
	return 0;
}

/* ---- history ---- */

int history_ask(struct job *j, struct err *e)
{
	int64_t id = job_param_id(j, "id");

	if (!id)
		return fail(e, ERR_MISSING, "file.missing");
	j->state = file_view_ask(j, id);
	return 0;
}

int history_answer(struct job *j, struct err *e)
{
	struct file_view *v = POOL_NEW(j->pool, struct file_view);
	struct json out = json_in(j->pool);

	if (file_view_read(j, j->state, v, e))
		return -1;
	audit_write(v, &out);
	if (!j->json)
		job_header(j, "content-disposition",
			   pool_printf(j->pool, "attachment; filename=\"historique-%s.json\"", v->number));
	return job_json(j, 200, &out);
}
