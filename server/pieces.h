/*
 * Pieces in and out: checked, cut into chunks of 256 KiB and sealed, each under its own place, so that a chunk cannot
 * be moved to another piece.
 *
 * In:	job_ask(j, &piece_next_id, NO_ARGS); …
 *	struct piece_new p = { .pool = j->pool, .keys = …, .id = …, .file = …, .kind = …, .name = …, .bytes = … };
 *	job_work_long(j, piece_prepare, &p, next);       checks and seals; p.err tells what is wrong (ERR_INPUT)
 *	next: piece_store(j, &p); job_then(j, done);     row, chunks, what it replaces, the scan: one segment
 *
 * Out:	chunks = job_ask(j, &piece_chunks, …), row = job_ask(j, &piece_one, …)     in this order: each sees the moment
 *	it runs, and of a piece that is erased in between the row says so
 *	struct piece_read r; piece_read_rows(&r, keys, rows, chunks, pool)     on the loop
 *	job_work(j, piece_open, &r, next);               then r.bytes, r.size, r.name, r.type, or r.err
 *
 * The body of an upload must live in the job's pool: the visitor may leave while the work goes on.
 */
#ifndef SERVER_PIECES_H
#define SERVER_PIECES_H

#include "job.h"
#include "piece_check.h"

#define PIECE_BYTES_MOST ((size_t)10 << 20)
#define PIECE_CHUNK ((size_t)256 << 10)

struct sealed_chunk {
	unsigned char *bytes;
	size_t size;
};
struct piece_new {
	/* filled by the caller */
	struct pool *pool;
	const struct keyring *keys;
	int64_t id, file;
	const char *kind, *for_row, *name; /* for_row: "experience[0]" or NULL */
	const void *bytes;
	size_t size;
	/* by piece_prepare() */
	struct piece_checked checked; /* a problem is stored with the piece: the check `documents` tells it */
	struct sealed_chunk *chunks, sealed_name;
	size_t chunk_count;
	const char *sha256;
	struct err err;
};
void piece_prepare(void *piece_new);
/* Its second half: what was checked already, sealed under its place. */
int piece_seal(struct piece_new *p, struct err *e) MUST_USE;
/* Queues the statements that store it; returns the index of the last. */
size_t piece_store(struct job *j, const struct piece_new *p);
/* What people call it: "RIB", "Justificatif de la période 2". */
const char *piece_label(const char *kind, const char *for_row, struct pool *pool);
/* What is wrong with one that was let in (the code of piece_check()), in sentences that name its file. */
const char *piece_fault(const char *name, const char *problem, struct pool *pool);

struct piece_read {
	struct pool *pool;
	const struct keyring *keys;
	int64_t id;
	const char *name, *type, *scan, *sha256;
	size_t size;
	const struct rows *chunks;
	size_t chunk_count;
	unsigned char *bytes; /* by piece_open() */
	struct err err;
};
/* ERR_MISSING "error.missing" without a row, "piece.erased" when its content is gone. */
int piece_read_rows(struct piece_read *r, const struct keyring *keys, const struct rows *piece,
		    const struct rows *chunks, struct pool *pool, struct err *e) MUST_USE;
void piece_open(void *piece_read);
/* Of a row with id and the sealed name: "" when it was erased or cannot be opened. */
const char *piece_name(const struct keyring *k, const struct rows *r, size_t row, struct pool *pool);

#endif
