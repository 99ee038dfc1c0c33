/*
 * Pieces on their way in slices. server/pages/uploads.c speaks the protocol; row-level security shows an upload to the
 * person who began it and to nobody else. What nobody touched for a day goes with due_forgotten (due.h).
 */
#ifndef DB_UPLOAD_H
#define DB_UPLOAD_H

#include "db.h"

extern const struct statement upload_next_id; /* taken first: it is part of what seals. id */
extern const struct statement upload_insert;  /* id, file, kind, for_row or NULL, name, size */
extern const struct statement upload_trim;    /* file, how many unfinished ones stay: those touched last */
extern const struct statement upload_one; /* file, upload: id, kind, for_row, name, size, got, piece or NULL, open */
/* upload, offset, bytes, sealed: 1 row affected when the offset is still where it stands and the file is open. The
 * row's lock puts two that append at once one after the other: the second finds another offset. */
extern const struct statement upload_append;
extern const struct statement upload_chunks; /* upload: at, data */
extern const struct statement upload_done;   /* upload, piece: what it became; "upload_once" when it had become one */
extern const struct statement upload_gone;   /* upload */

#endif
