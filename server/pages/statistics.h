/* The figures, public or of an agent's scope: page, JSON, CSV, XLSX (interface.md). */
#ifndef SERVER_PAGES_STATISTICS_H
#define SERVER_PAGES_STATISTICS_H

#include "../job.h"

int statistics_ask(struct job *j, struct err *e);
int statistics_answer(struct job *j, struct err *e);
int statistics_csv_answer(struct job *j, struct err *e); /* their ask is statistics_ask */
int statistics_xlsx_answer(struct job *j, struct err *e);

#endif
