/*
 * What a refused row means to the person: each constraint that somebody's input can break, with its field and its text.
 * A constraint that is not here can only be broken by a mistake of ours, and stays a fault.
 */
#ifndef DB_CONSTRAINTS_H
#define DB_CONSTRAINTS_H

#include <stddef.h>
#include "../server/base/err.h"

struct constraint {
	const char *name;
	enum err_kind kind;
	const char *field; /* or NULL */
	const char *text;  /* catalogue id */
};
const struct constraint *constraint_get(const char *name); /* NULL: unknown */
extern const struct constraint constraints[];
extern const size_t constraint_count;

#endif
