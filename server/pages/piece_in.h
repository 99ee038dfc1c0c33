/*
 * The one door by which a psychologist's piece comes in, whole (pieces.c) or in slices (uploads.c): its file is theirs
 * and open, its place asked for, there is room; then its bytes are checked, sealed and stored, and its scan is queued.
 * The state of a job that goes through it (j->state) begins with a struct piece_in.
 *
 *	piece_in_begin(j, file);                                asks; then, in the step after
 *	if (piece_in_open(j, e))                                ERR_MISSING, ERR_STALE, ERR_BUSY
 *		return -1;
 *	piece_in_place(p, kind, for_row), piece_in_size(p, n)   what is wrong is added to p->problems
 *	if (p->problems.count)
 *		return piece_in_refused(j, e);
 *	p->in.name = …, p->in.bytes = …;                        they live in the job's pool
 *	return piece_in_go(j, e);                               answers 201, or 303 to a page
 */
#ifndef SERVER_PAGES_PIECE_IN_H
#define SERVER_PAGES_PIECE_IN_H

#include "../file_view.h"
#include "../pieces.h"

struct piece_in {
	int64_t file;
	struct problems problems;
	struct file_view view;
	struct piece_new in; /* name and bytes by the caller */
	/* Of the caller, or NULL: */
	void (*with)(struct job *j, int64_t piece); /* queues what is stored together with it */
	job_step *unfit;                            /* instead of piece_in_refused() when its content is refused */
	/* the door's own */
	const struct file_asked *asked;
	size_t count, list, row;
	const struct rows *there; /* pieces before this one */
	int64_t pieces, bytes;    /* of them */
};

void piece_in_begin(struct job *j, int64_t file);
int piece_in_open(struct job *j, struct err *e) MUST_USE;
void piece_in_place(struct piece_in *p, const char *kind, const char *for_row);
void piece_in_size(struct piece_in *p, size_t size); /* last: it judges the room of the file too */
void piece_in_problem(struct problems *p, const char *field, const char *code, const char *id);
int piece_in_refused(struct job *j, struct err *e);
int piece_in_go(struct job *j, struct err *e);

/* Where a browser goes on: the page of the step it came from (`retour`). */
const char *piece_back_to(struct job *j, int64_t file);

#endif
