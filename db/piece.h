/*
 * Pieces: one row and its sealed chunks. server/pieces.h makes and opens them; row-level security says who may.
 */
#ifndef DB_PIECE_H
#define DB_PIECE_H

#include "db.h"

extern const struct statement piece_next_id; /* taken first: it is part of what seals the chunks. id */
extern const struct statement
	piece_insert; /* id, file, kind, for_row or NULL, name, type, size, sha256, problem or NULL, pages or NULL */
extern const struct statement piece_chunk_insert; /* piece, n, data */
extern const struct statement piece_queue_scan;   /* file, piece */
extern const struct statement
	piece_replace; /* file, kind, for_row or NULL, except: those before are removed (one of a kind and row) */
extern const struct statement piece_remove;      /* file, piece: draft and correction only, 1 row affected */
extern const struct statement piece_count;       /* file: count, bytes of the pieces not removed */
extern const struct statement piece_list;        /* file: id, kind, for_row, name, type, size, scan, problem, pages,
						    uploaded_at, removed_at, erased_at, opened (by an agent) */
extern const struct statement piece_one;         /* file, piece: the same columns and sha256 */
extern const struct statement piece_chunks;      /* piece: n, data */
extern const struct statement piece_opening_add; /* piece, file, actor, agent or NULL, reason or NULL */
extern const struct statement
	piece_openings; /* file: piece, kind, actor, agent name, at, reason: "who opened my documents" */

/* ---- the clerk, as system ---- */
extern const struct statement piece_scanned;  /* piece, scan */
extern const struct statement piece_for_scan; /* piece: id, file, scan, size, erased */

#endif
