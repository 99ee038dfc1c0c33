/*
 * The page of a file as its psychologist sees it. Its first three lines say where it stands, who must act and by when.
 */
#ifndef SERVER_PAGES_FILE_APPLICANT_H
#define SERVER_PAGES_FILE_APPLICANT_H

#include "../file_view.h"

/*
 * `p` and `why` (may be NULL) say what was refused of the event just sent: then the page of that event is shown again,
 * with what was typed (j->sent).
 */
int file_page_applicant(struct job *j, const struct file_view *v, int status, const struct problems *p,
			const struct err *why, struct err *e);

/* action_applicant.c: the page of one event, its form and what it brings. */
int action_show(struct job *j, const struct file_view *v, enum event ev, int status, const struct problems *p,
		const struct err *why, struct err *e);
/* resume.c: everything that was answered, what is missing, and the button that sends. */
int resume_show(struct job *j, const struct file_view *v, int status, const struct problems *p, const struct err *why);
/* Where the missing answer or piece ("pieces.experience:experience[0]") is to be given. */
const char *step_href_of_missing(const struct file_view *v, const char *missing, struct pool *pool);
/* Its words: a field's label, a piece's name with its period. */
const char *missing_label(const struct file_view *v, const char *missing, struct pool *pool);
/* "Le champ de cet item": the page that corrects it, and its words. */
const char *item_href(const struct file_view *v, const struct item_view *item, struct pool *pool);
const char *item_label(const struct file_view *v, const struct item_view *item, struct pool *pool);
/* Is all of this step there? */
bool step_complete(const struct file_view *v, const struct step *step);
/* experience_chart.c: periods on a time axis, and the same as a table. Empty markup without periods. */
struct markup experience_chart(const struct file_view *v, struct pool *pool);
/* A file's size in French: "240 Ko", "1,2 Mo". */
/* A sentence about why the event was refused, as a problem of the whole form where no field says it. */
struct problems problems_with(struct job *j, const struct problems *p, const struct err *why);

#endif
