/*
 * What the agents' listener shows: the queue, its exports, the desk of each role, stuck files, administration, pieces.
 * The page of one file is file_agent.h.
 */
#ifndef SERVER_PAGES_AGENTS_H
#define SERVER_PAGES_AGENTS_H

#include "../job.h"

/* queue.c */
int queue_ask(struct job *j, struct err *e);
int queue_answer(struct job *j, struct err *e);
int queue_next_ask(struct job *j, struct err *e);
int queue_next_answer(struct job *j, struct err *e);
/* queue_export.c: the same columns as the screen */
int queue_csv_ask(struct job *j, struct err *e);
int queue_csv_answer(struct job *j, struct err *e);
int queue_xlsx_ask(struct job *j, struct err *e);
int queue_xlsx_answer(struct job *j, struct err *e);
/* desk.c: GET / of the agents' listener */
int desk_ask(struct job *j, struct err *e);
int desk_answer(struct job *j, struct err *e);
/* anomalies.c */
int anomalies_ask(struct job *j, struct err *e);
int anomalies_answer(struct job *j, struct err *e);
/* admin.c */
int agents_list_ask(struct job *j, struct err *e);
int agents_list_answer(struct job *j, struct err *e);
int settings_show_answer(struct job *j, struct err *e);
int commune_correct_answer(struct job *j, struct err *e);
/* piece_agent.c */
int piece_agent_ask(struct job *j, struct err *e);
int piece_agent_answer(struct job *j, struct err *e);
int piece_open_ask(struct job *j, struct err *e);
int piece_open_answer(struct job *j, struct err *e);
/* file_actions.c: a form with rows, one more or one less, shown again; nothing is decided */
int rows_ask(struct job *j, struct err *e);
int rows_answer(struct job *j, struct err *e);

/* ---- shared by these pages (agents.c) ---- */

#define QUEUE_PAGE 50

/* One row of a list, as every face shows it. */
struct queue_item {
	int64_t id, version, age, target, total;
	const char *number, *kind, *state, *name, *commune, *commune_name, *caisse, *caisse_name, *holder;
	instant_t since, deadline;
	bool late, mine;
};
/* What the URL asks for. */
struct queue_filter {
	const char *etat, *caisse, *q, *tri;
	int64_t page;
};
void queue_filter_read(const struct job *j, struct queue_filter *out);
/* Queues the list's statement; `limit` rows from the filter's page. `role` is told by the certificate's row later, so
 * the list is asked in the step after the identity is known. */
size_t queue_list_ask(struct job *j, const struct queue_filter *f, int64_t limit);
void queue_item_read(struct job *j, const struct rows *r, size_t row, struct queue_item *out);
/* "?etat=in_review&q=…" of the filter with another page (0: none), or with another state. "" when all is default. */
char *queue_url(struct pool *pool, const struct queue_filter *f, const char *etat, int64_t page);
/* The states that wait for this role, the word for its saved view ("a_traiter"). */
size_t states_waiting(unsigned role, const char *out[STATES]);
const char *state_tag(const char *state);   /* CSS class of its tag */
const char *result_tag(const char *result); /* of a check's result */
/* The latest instant that is more than so many working days ago (anomalies.c). */
instant_t working_days_ago(instant_t now, int days);
const char *number_text(struct pool *pool, int64_t n);  /* "5 217" */
const char *days_text(struct pool *pool, int64_t days); /* "1 jour", "12 jours" */

#endif
