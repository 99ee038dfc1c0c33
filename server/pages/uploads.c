/*
 * A piece in slices: a cut costs what was on its way, never what was acknowledged. The protocol is the smallest sound
 * part of the IETF's "Resumable Uploads for HTTP" (draft-ietf-httpbis-resumable-upload):
 *
 *	POST  /dossiers/:id/envois          Upload-Length, JSON {kind, for, name}
 *	                                    201, Location, Upload-Limit; 422 as a whole piece, before a byte came
 *	HEAD  /dossiers/:id/envois/:upload  Upload-Offset, Upload-Length, Upload-Complete (GET: as JSON too)
 *	PATCH /dossiers/:id/envois/:upload  Upload-Offset, Upload-Complete, application/partial-upload
 *	                                    204 and the new offset, written to disk; 409 and the right one
 *
 * The slice that says Upload-Complete: ?1 (it may be empty) makes the piece by the door of a whole one (piece_in.h)
 * and gets that one's answer: 201 and its Location. Content that is refused there takes the upload with it; any other
 * answer leaves it, to be completed later. A first slice that begins as no PDF, JPEG or PNG does is refused at once in
 * the same way: nobody sends ten megabytes of a film to be told so.
 *
 * Once it has become a piece an upload still tells which, for a day.
 *
 * Left out on purpose: a first slice in the POST, 104 answers, lengths told later, DELETE (it goes a day after its
 * last slice, or when its person begins UPLOADS_MOST others), cut slices (what came of one is dropped), digests,
 * Upload-Draft-Interop-Version.
 *
 * A slice is sealed under "upload_chunk.data:upload.offset", as the chunks of pieces are under theirs.
 */
#include "applicant.h"

#include <string.h>

#include "../../db/sealed.h"
#include "../../db/upload.h"
#include "../base/str.h"
#include "../watch.h"
#include "piece_in.h"

#define UPLOADS_MOST 3                  /* unfinished ones of a file */
#define SLICE_LEAST ((int64_t)64 << 10) /* but for the last: each is a row */
#define LIMIT "max-size=10485760, min-append-size=65536, max-append-size=1048576"

struct upload_state {
	struct piece_in in; /* first: the door's */
	int64_t id, got, size, offset;
	bool last;
	size_t row, chunks;
	const struct rows *sealed_chunks;
	struct sealed_chunk sealed;
	struct pool *pool;
	const struct keyring *keys;
	const void *slice;
	size_t slice_size;
	struct err err;
};

static struct upload_state *state_of(struct job *j)
{
	struct upload_state *s = j->state = POOL_NEW(j->pool, struct upload_state);

	s->in.file = job_param_id(j, "id");
	s->id = job_param_id(j, "upload");
	s->pool = j->pool;
	s->keys = j->service->keys;
	return s;
}

static const char *header_of(struct job *j, const char *name)
{
	return j->request ? http_header(j->request, name) : NULL;
}

/* A structured field's number; -1 when there is none. */
static int64_t number_of(struct job *j, const char *name)
{
	const char *sent = header_of(j, name);
	int64_t n;

	return sent && !str_to_i64(sent, &n) && n >= 0 ? n : -1;
}

static void tell_offset(struct job *j, int64_t got, bool complete)
{
	job_header(j, "upload-offset", pool_printf(j->pool, "%lld", (long long)got));
	job_header(j, "upload-complete", complete ? "?1" : "?0");
}

static int bad_request(struct job *j, const char *id)
{
	struct err e;

	(void)fail(&e, ERR_INPUT, id);
	return job_status(j, 400, &e);
}

/* ---- begun ---- */

int upload_start_ask(struct job *j, struct err *e)
{
	struct upload_state *s = state_of(j);

	if (!s->in.file)
		return fail(e, ERR_MISSING, "file.missing");
	piece_in_begin(j, s->in.file);
	return 0;
}

static int started(struct job *j, struct err *e)
{
	const struct upload_state *s = j->state;
	struct json out = json_in(j->pool);

	if (!rows_affected(job_rows(j, s->row))) /* discarded, or sent, meanwhile */
		return fail(e, ERR_STALE, "reponses.closed");
	json_obj(&out);
	json_ki(&out, "id", s->id);
	json_ki(&out, "offset", 0);
	json_ki(&out, "size", s->size);
	json_end(&out);
	tell_offset(j, 0, false);
	job_header(j, "upload-limit", LIMIT);
	job_header(j, "location",
		   pool_printf(j->pool, "/dossiers/%lld/envois/%lld", (long long)s->in.file, (long long)s->id));
	return job_json(j, 201, &out);
}

static int numbered(struct job *j, struct err *e)
{
	struct upload_state *s = j->state;
	const struct piece_new *in = &s->in.in;
	struct arg file = arg_i64(j->pool, s->in.file);

	s->id = rows_i64(job_rows(j, s->row), 0, "id");
	if (sealed_make(s->keys, sealed_at(SEALED_UPLOAD_NAME, s->id), in->name, strlen(in->name), j->pool,
			&s->sealed.bytes, &s->sealed.size, e))
		return -1;
	s->row = job_ask(j, &upload_insert,
			 ARGS(arg_i64(j->pool, s->id), file, arg_text(in->kind), arg_text(in->for_row),
			      arg_bytes(s->sealed.bytes, s->sealed.size), arg_i64(j->pool, s->size)));
	job_ask(j, &upload_trim, ARGS(file, arg_i64(j->pool, UPLOADS_MOST)));
	job_then(j, started);
	return 0;
}

int upload_start_answer(struct job *j, struct err *e)
{
	struct upload_state *s = j->state;

	j->json = true; /* no form of a page comes here */
	if (piece_in_open(j, e))
		return -1;
	s->size = number_of(j, "upload-length");
	if (s->size < 0)
		return bad_request(j, "upload.length");
	piece_in_place(&s->in, values_text(&j->sent, "kind"), values_text(&j->sent, "for"));
	piece_in_size(&s->in, (size_t)s->size);
	if (s->in.problems.count)
		return piece_in_refused(j, e);
	s->in.in.name = upload_filename(j->pool, values_text(&j->sent, "name"));
	s->row = job_ask(j, &upload_next_id, NO_ARGS);
	job_then(j, numbered);
	return 0;
}

/* ---- where it stands ---- */

static void ask_where(struct job *j)
{
	struct upload_state *s = j->state;

	s->row = job_ask(j, &upload_one, ARGS(arg_i64(j->pool, s->in.file), arg_i64(j->pool, s->id)));
}

int upload_ask(struct job *j, struct err *e)
{
	const struct upload_state *s = state_of(j);

	if (!s->in.file || !s->id)
		return fail(e, ERR_MISSING, "upload.missing");
	ask_where(j);
	return 0;
}

/* NULL, and the error, when it is not there for who asks. */
static const struct rows *where(struct job *j, struct err *e)
{
	struct upload_state *s = j->state;
	const struct rows *r = job_rows(j, s->row);

	if (!rows_count(r)) {
		(void)fail(e, ERR_MISSING, "upload.missing");
		return NULL;
	}
	s->got = rows_i64(r, 0, "got");
	s->size = rows_i64(r, 0, "size");
	tell_offset(j, s->got, !rows_null(r, 0, "piece"));
	return r;
}

static int show(struct job *j, const struct rows *r)
{
	const struct upload_state *s = j->state;
	bool whole = !rows_null(r, 0, "piece");
	struct json out = json_in(j->pool);

	json_obj(&out);
	json_ki(&out, "id", s->id);
	json_ki(&out, "offset", s->got);
	json_ki(&out, "size", s->size);
	json_kb(&out, "complete", whole);
	if (whole)
		json_ki(&out, "piece", rows_i64(r, 0, "piece"));
	json_end(&out);
	job_header(j, "upload-length", pool_printf(j->pool, "%lld", (long long)s->size));
	job_header(j, "upload-limit", LIMIT);
	if (whole)
		job_header(j, "location",
			   pool_printf(j->pool, "/dossiers/%lld/pieces/%lld", (long long)s->in.file,
				       (long long)rows_i64(r, 0, "piece")));
	return job_json(j, 200, &out);
}

int upload_answer(struct job *j, struct err *e)
{
	j->json = true;
	const struct rows *r = where(j, e);

	return r ? show(j, r) : -1;
}

/* ---- whole ---- */

static void assemble(void *arg)
{
	struct upload_state *s = arg;
	unsigned char *bytes = pool_alloc(s->pool, (size_t)s->size + 1);
	int64_t at = 0;

	for (size_t i = 0; i < rows_count(s->sealed_chunks); i++) {
		struct sealed_place place = sealed_at2(SEALED_UPLOAD_CHUNK, s->id, at);
		unsigned char *plain;
		size_t n;
		if (sealed_read(s->keys, place, s->sealed_chunks, i, "data", s->pool, &plain, &n, &s->err))
			return;
		if (rows_i64(s->sealed_chunks, i, "at") != at || !plain) {
			(void)fault(&s->err, "upload %lld: nothing at %lld", (long long)s->id, (long long)at);
			return;
		}
		if ((int64_t)n > s->size - at) {
			(void)fault(&s->err, "upload %lld: longer than its size", (long long)s->id);
			return;
		}
		memcpy(bytes + at, plain, n);
		at += (int64_t)n;
	}
	if (at != s->size)
		(void)fault(&s->err, "upload %lld: shorter than its size", (long long)s->id);
	s->in.in.bytes = bytes;
}

static void becomes(struct job *j, int64_t piece)
{
	const struct upload_state *s = j->state;

	job_ask(j, &upload_done, ARGS(arg_i64(j->pool, s->id), arg_i64(j->pool, piece)));
	tell_offset(j, s->size, true);
}

static int unfit(struct job *j, struct err *e)
{
	const struct upload_state *s = j->state;

	(void)e;
	job_ask(j, &upload_gone, ARGS(arg_i64(j->pool, s->id)));
	job_then(j, piece_in_refused);
	return 0;
}

static int assembled(struct job *j, struct err *e)
{
	struct upload_state *s = j->state;

	if (s->err.kind != ERR_NONE) {
		*e = s->err;
		return -1;
	}
	s->in.with = becomes;
	s->in.unfit = unfit;
	return piece_in_go(j, e);
}

static int completing(struct job *j, struct err *e)
{
	struct upload_state *s = j->state;
	unsigned char *name;
	size_t n = 0;

	if (piece_in_open(j, e))
		return -1;
	const struct rows *r = where(j, e);
	if (!r)
		return -1;
	if (!rows_null(r, 0, "piece"))
		return show(j, r);
	piece_in_place(&s->in, rows_str(r, 0, "kind"), rows_str(r, 0, "for_row"));
	piece_in_size(&s->in, (size_t)s->size);
	if (s->in.problems.count)
		return piece_in_refused(j, e);
	if (sealed_read(s->keys, sealed_at(SEALED_UPLOAD_NAME, s->id), r, 0, "name", j->pool, &name, &n, e))
		return -1;
	s->in.in.name = (const char *)name;
	s->sealed_chunks = job_rows(j, s->chunks);
	job_work_long(j, assemble, s, assembled);
	return 0;
}

static int complete(struct job *j)
{
	struct upload_state *s = j->state;

	piece_in_begin(j, s->in.file);
	/* before where it stands: of what was completed in between the row tells, and slices would be missing */
	s->chunks = job_ask(j, &upload_chunks, ARGS(arg_i64(j->pool, s->id)));
	ask_where(j);
	job_then(j, completing);
	return 0;
}

/* ---- a slice ---- */

static int moved(struct job *j, struct err *e)
{
	const struct rows *r = where(j, e);

	if (!r)
		return -1;
	return fail(e, ERR_STALE, rows_bool(r, 0, "open") ? "upload.moved" : "reponses.closed");
}

static int appended(struct job *j, struct err *e)
{
	struct upload_state *s = j->state;

	(void)e;
	if (!rows_affected(job_rows(j, s->row))) {
		ask_where(j);
		job_then(j, moved);
		return 0;
	}
	s->got += (int64_t)s->slice_size;
	tell_offset(j, s->got, false);
	return s->last ? complete(j) : job_bytes(j, 204, NULL, "", 0, NULL);
}

static void seal(void *arg)
{
	struct upload_state *s = arg;

	(void)!sealed_make(s->keys, sealed_at2(SEALED_UPLOAD_CHUNK, s->id, s->offset), s->slice, s->slice_size, s->pool,
			   &s->sealed.bytes, &s->sealed.size, &s->err);
}

static int sealed(struct job *j, struct err *e)
{
	struct upload_state *s = j->state;

	if (s->err.kind != ERR_NONE) {
		*e = s->err;
		return -1;
	}
	s->row = job_ask(j, &upload_append,
			 ARGS(arg_i64(j->pool, s->id), arg_i64(j->pool, s->offset),
			      arg_i64(j->pool, (int64_t)s->slice_size), arg_bytes(s->sealed.bytes, s->sealed.size)));
	job_then(j, appended);
	return 0;
}

int upload_append_answer(struct job *j, struct err *e)
{
	struct upload_state *s = j->state;
	const struct rows *r = where(j, e);
	const char *last = header_of(j, "upload-complete");

	j->json = true;
	if (!r)
		return -1;
	s->offset = number_of(j, "upload-offset");
	s->last = str_eq(last, "?1");
	s->slice = j->slice;
	s->slice_size = j->slice_size;
	if (s->offset < 0 || (!s->last && !str_eq(last, "?0")))
		return bad_request(j, "upload.offset");
	if (s->offset != s->got)
		return moved(j, e);
	if (!rows_bool(r, 0, "open"))
		return fail(e, ERR_STALE, "reponses.closed");
	int64_t end = s->offset + (int64_t)s->slice_size;
	if (!rows_null(r, 0, "piece"))
		return s->slice_size ? bad_request(j, "upload.slice") : show(j, r);
	if (end > s->size || (s->last && end < s->size) ||
	    (!s->last && end < s->size && (int64_t)s->slice_size < SLICE_LEAST))
		return bad_request(j, "upload.slice");
	if (!s->slice_size)
		return s->last ? complete(j) : bad_request(j, "upload.slice");
	if (!s->offset && !piece_type_begun(s->slice, s->slice_size)) {
		s->in.problems = problems_in(j->pool);
		piece_in_problem(&s->in.problems, "file", "type", "piece.type");
		return unfit(j, e);
	}
	if (!watch_room())
		return fail(e, ERR_BUSY, "piece.no_room");
	job_work(j, seal, s, sealed);
	return 0;
}
