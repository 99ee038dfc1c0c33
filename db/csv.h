/*
 * CSV as RFC 4180 has it, from memory: fields between commas, quoted where they hold commas, quotes (doubled) or line
 * ends.
 *
 *	struct csv c = csv_of(data, size, pool);
 *	if (csv_header(&c, names, COUNT(names), columns, &e)) …      where each name stands
 *	while ((r = csv_row(&c, &e)) > 0) use(c.fields[columns[0]]);
 *	if (r < 0) …                                                 e.detail tells the line
 *
 * A byte-order mark is skipped, lines end with LF or CRLF, empty lines do not count. Every row has as many fields as
 * the first. Fields live until the next row.
 */
#ifndef DB_CSV_H
#define DB_CSV_H

#include <stddef.h>
#include "../server/base/err.h"
#include "../server/base/str.h"

struct csv {
	const char *at, *end;
	struct str text; /* the row's fields, a 0 after each */
	const char **fields;
	size_t count; /* fields of each row; 0 before the first */
	size_t line;  /* where the row began, from 1 */
	size_t next_line;
	struct pool *pool;
};

struct csv csv_of(const void *data, size_t size, struct pool *pool);
/* 1 a row, 0 the end, -1 malformed. */
int csv_row(struct csv *c, struct err *e) MUST_USE;
/* Reads the first row as names: columns[i] is where names[i] stands. ERR_FAULT when one is missing. */
int csv_header(struct csv *c, const char *const *names, size_t count, size_t *columns, struct err *e) MUST_USE;

#endif
