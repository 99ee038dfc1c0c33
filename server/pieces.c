#include "pieces.h"

#include <string.h>

#include "../db/piece.h"
#include "../db/sealed.h"
#include "text.h"

static struct sealed_place chunk_at(int64_t id, size_t n)
{
	return sealed_at2(SEALED_PIECE_CHUNK, id, (int64_t)n);
}

static int open_name(const struct keyring *k, const struct rows *r, size_t row, struct pool *pool, const char **name,
		     struct err *e)
{
	struct sealed_place at = sealed_at(SEALED_PIECE_NAME, rows_i64(r, row, "id"));
	unsigned char *plain;
	size_t n;
	if (sealed_read(k, at, r, row, "name", pool, &plain, &n, e))
		return -1;
	*name = plain ? (const char *)plain : "";
	return 0;
}

const char *piece_name(const struct keyring *k, const struct rows *r, size_t row, struct pool *pool)
{
	const char *name;
	struct err e;
	return open_name(k, r, row, pool, &name, &e) ? "" : name;
}

const char *piece_label(const char *kind, const char *for_row, struct pool *pool)
{
	const struct piece_kind *p = form_piece(form_get("application"), kind);
	size_t array, row;
	const char *rest;

	if (!p)
		return text2("piece_name", kind);
	if (!p->row_label || !for_row || !values_split(for_row, &array, &row, &rest))
		return p->label;
	return row_words(p->row_label, row, pool);
}

const char *piece_fault(const char *name, const char *problem, struct pool *pool)
{
	return text_fill(pool, pool_printf(pool, "fault.%s", problem), *name ? name : text("piece_name.unnamed"));
}

int piece_seal(struct piece_new *p, struct err *e)
{
	const unsigned char *bytes = p->bytes;
	const char *name = p->name && *p->name ? p->name : "document";
	p->sha256 = crypto_sha256_hex(p->pool, bytes, p->size);
	p->chunk_count = (p->size + PIECE_CHUNK - 1) / PIECE_CHUNK;
	p->chunks = POOL_ARRAY(p->pool, struct sealed_chunk, p->chunk_count);
	for (size_t n = 0; n < p->chunk_count; n++) {
		size_t at = n * PIECE_CHUNK, size = p->size - at < PIECE_CHUNK ? p->size - at : PIECE_CHUNK;
		if (sealed_make(p->keys, chunk_at(p->id, n), bytes + at, size, p->pool, &p->chunks[n].bytes,
				&p->chunks[n].size, e))
			return -1;
	}
	return sealed_make(p->keys, sealed_at(SEALED_PIECE_NAME, p->id), name, strlen(name), p->pool,
			   &p->sealed_name.bytes, &p->sealed_name.size, e);
}

void piece_prepare(void *arg)
{
	struct piece_new *p = arg;
	const unsigned char *bytes = p->bytes;
	if (!p->size) {
		fail_field(&p->err, "piece.empty", "file");
		return;
	}
	if (p->size > PIECE_BYTES_MOST) {
		fail_field(&p->err, "piece.size", "file");
		return;
	}
	if (piece_check(bytes, p->size, p->pool, &p->checked, &p->err))
		return;
	if (!p->checked.type) {
		fail_field(&p->err, "piece.type", "file");
		return;
	}
	if (piece_seal(p, &p->err))
		return;
	p->err = (struct err){ .kind = ERR_NONE };
}

size_t piece_store(struct job *j, const struct piece_new *p)
{
	struct arg id = arg_i64(j->pool, p->id), file = arg_i64(j->pool, p->file);
	job_ask(j, &piece_insert,
		ARGS(id, file, arg_text(p->kind), arg_text(p->for_row),
		     arg_bytes(p->sealed_name.bytes, p->sealed_name.size), arg_text(p->checked.type),
		     arg_i64(j->pool, (int64_t)p->size), arg_text(p->sha256), arg_text(p->checked.problem),
		     p->checked.pages ? arg_i64(j->pool, p->checked.pages) : arg_text(NULL)));
	for (size_t n = 0; n < p->chunk_count; n++)
		job_ask(j, &piece_chunk_insert,
			ARGS(id, arg_i64(j->pool, (int64_t)n), arg_bytes(p->chunks[n].bytes, p->chunks[n].size)));
	/* Pieces of a message add up too. */
	const struct piece_kind *known = form_piece(form_get("application"), p->kind);
	if (known && !known->several)
		job_ask(j, &piece_replace, ARGS(file, arg_text(p->kind), arg_text(p->for_row), id));
	return job_ask(j, &piece_queue_scan, ARGS(file, id));
}

int piece_read_rows(struct piece_read *r, const struct keyring *keys, const struct rows *piece,
		    const struct rows *chunks, struct pool *pool, struct err *e)
{
	*r = (struct piece_read){ .pool = pool, .keys = keys };
	if (!rows_count(piece))
		return fail(e, ERR_MISSING, "error.missing");
	if (!rows_null(piece, 0, "erased_at"))
		return fail(e, ERR_MISSING, "piece.erased");
	r->id = rows_i64(piece, 0, "id");
	r->type = rows_str(piece, 0, "type");
	r->scan = rows_str(piece, 0, "scan");
	r->sha256 = rows_str(piece, 0, "sha256");
	r->size = (size_t)rows_i64(piece, 0, "size");
	if (open_name(keys, piece, 0, pool, &r->name, e))
		return -1;
	r->chunks = chunks; /* decoded by piece_open(): megabytes of it are nothing for a loop */
	r->chunk_count = rows_count(chunks);
	return 0;
}

void piece_open(void *arg)
{
	struct piece_read *r = arg;
	size_t at = 0;
	r->bytes = pool_alloc(r->pool, r->size + 1);
	for (size_t i = 0; i < r->chunk_count; i++) {
		unsigned char *plain;
		size_t n;
		if (sealed_read(r->keys, chunk_at(r->id, i), r->chunks, i, "data", r->pool, &plain, &n, &r->err))
			return;
		if (rows_i64(r->chunks, i, "n") != (int64_t)i || !plain) {
			fault(&r->err, "piece %lld: chunk %zu is missing", (long long)r->id, i);
			return;
		}
		if (n > r->size - at) {
			fault(&r->err, "piece %lld: longer than its size", (long long)r->id);
			return;
		}
		memcpy(r->bytes + at, plain, n);
		at += n;
	}
	if (at != r->size || !str_eq(crypto_sha256_hex(r->pool, r->bytes, r->size), r->sha256))
		fault(&r->err, "piece %lld: not what was stored", (long long)r->id);
}
