/*
 * The applicant's files: start one, list them, read one, save answers. The pages are file_applicant.c and file_agent.c;
 * here is what both faces share.
 */
#ifndef SERVER_PAGES_DOSSIERS_H
#define SERVER_PAGES_DOSSIERS_H

#include "../file_view.h"

int dossier_start_ask(struct job *j, struct err *e);
int dossier_start_answer(struct job *j, struct err *e);
int dossier_list_ask(struct job *j, struct err *e);
int dossier_list_answer(struct job *j, struct err *e);
int dossier_ask(struct job *j, struct err *e);
int dossier_answer(struct job *j, struct err *e);
int reponses_ask(struct job *j, struct err *e);
int reponses_answer(struct job *j, struct err *e);

/* Answers with the file itself: JSON, or the page of the reader's side. */
int dossier_show(struct job *j, const struct file_view *v, int status, const struct problems *p, const struct err *why,
		 struct err *e);

/*
 * Saves what j->sent holds of the application (any subset) into the working copy of `v`, then goes on to `next`, which
 * reads saving_of(j). For the steps of the form (pages/form_steps.c) as for POST /reponses.
 */
struct saving {
	struct problems problems; /* of what was refused; the valid rest is saved */
	bool stale;               /* another tab saved first: nothing was saved */
	struct values typed;      /* what was sent, to show again */
	int64_t revision;         /* now */
};
int reponses_save(struct job *j, const struct file_view *v, job_step *next, struct err *e);
const struct saving *saving_of(const struct job *j);

/* POST …/evenements/:event, of people with a file of theirs. */
int evenement_ask(struct job *j, struct err *e);
int evenement_answer(struct job *j, struct err *e);

#endif
