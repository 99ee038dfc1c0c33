/*
 * A small table whose rows become cards on a phone (msp-stack): each cell then says its column. The roles say again
 * what the elements are, since a display of block would take it from them. Templates write the same by hand.
 */
#ifndef SERVER_PAGES_STACK_TABLE_H
#define SERVER_PAGES_STACK_TABLE_H

#include "../page.h"

struct stack_table {
	const char *label; /* of the table, for who does not see it */
	const char *columns[6];
	size_t count;
};
void stack_open(struct str *out, const struct stack_table *t);
/* As many cells as columns; the first one heads the row. */
void stack_row(struct str *out, const struct stack_table *t, const char *const *cells);
void stack_close(struct str *out);

#endif
