/* GET /mes-donnees.zip: all that is kept about who asks (domain.md §8). APPLICANT, lane SLOW. */
#ifndef SERVER_PAGES_TAKEOUT_H
#define SERVER_PAGES_TAKEOUT_H

#include "../job.h"

int my_data_ask(struct job *j, struct err *e);
int my_data_answer(struct job *j, struct err *e);

#endif
