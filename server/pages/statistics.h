/* The figures, public or of an agent's scope: page, JSON, CSV, XLSX (interface.md). */
#ifndef SERVER_PAGES_STATISTICS_H
#define SERVER_PAGES_STATISTICS_H

#include "../job.h"

int statistics_ask(struct job *j, struct err *e);
int statistics_answer(struct job *j, struct err *e);
int statistics_csv_answer(struct job *j, struct err *e); /* their ask is statistics_ask */
int statistics_xlsx_answer(struct job *j, struct err *e);
/*
 * The sentence that leads from the stock of conventions to the people in the directory, to the unit; `open`: to the
 * public, who is told small numbers (1 to 4) in words alone.
 */
char *statistics_directory(struct pool *pool, bool open, int64_t stock, int64_t leaving, int64_t later,
			   int64_t unlisted);

#endif
