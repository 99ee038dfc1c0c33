/*
 * The application, one group of questions a page, without JavaScript: a step saves what is valid and goes on, its
 * pieces have a page of their own after it (a file is sent at once, nothing typed is lost), the last page shows all and
 * sends.
 */
#ifndef SERVER_PAGES_FORM_STEPS_H
#define SERVER_PAGES_FORM_STEPS_H

#include "file_applicant.h"

/* pieces.c: the page of the pieces of a step again, with what was wrong. 422. */
int piece_refused_show(struct job *j, const struct file_view *v, const struct problems *p, struct err *e);

/* ---- step_way.c: where one is in the form, and where one goes on ---- */

/* "Étape 3 sur 9"; only steps that are asked are counted. */
const char *step_progress(const struct file_view *v, const struct step *step, struct pool *pool);
/* The steps after and before this one that are asked, or NULL. */
const struct step *step_before(const struct file_view *v, const struct step *step);
const struct step *step_next(const struct file_view *v, const struct step *step);
const char *step_href(const struct file_view *v, const struct step *step, bool pieces, struct pool *pool);
/* Where one goes on after a step (pieces: after its pieces): its pieces, the next step, or the summary. */
const char *step_after(const struct file_view *v, const struct step *step, bool pieces, struct pool *pool);
bool step_has_pieces(const struct file_view *v, const struct step *step);
/* Where one goes on after saving a step: step_after(), and what the step still lacks is told there (?avant=). */
const char *step_leave(const struct file_view *v, const struct step *step, bool pieces, struct pool *pool);
/* What the step one comes from (?avant=) still lacks, without its pieces where they are asked on `here`; nothing
 * blocks. Empty markup when it lacks nothing. */
struct markup step_lacks(const struct file_view *v, const char *avant, const struct step *here, struct pool *pool);
/* All its questions are answered, and a piece is not there. */
bool step_lacks_only_pieces(const struct file_view *v, const struct step *step);
/* On the page of a step's pieces, once one is there: which others are not. */
struct markup step_lacks_pieces(const struct file_view *v, const struct step *step, struct pool *pool);
/* The account is in nobody's name that the file knows: said beside it, never refused. Empty markup otherwise. */
struct markup step_other_holder(const struct file_view *v, const struct step *step, const struct values *shown,
				struct pool *pool);
/* The reasons why answers of this step (or its pieces) were unlocked; empty markup in a draft. */
struct markup step_reasons(const struct file_view *v, const struct step *step, bool pieces, struct pool *pool);
/* May this file be worked on by who asks? */
bool step_open(const struct file_view *v);

#endif
