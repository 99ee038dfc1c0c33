/*
 * The table of routes (routes.c) and how a path finds its row. A segment ":id" takes one non-empty segment, a last "*"
 * takes the rest. An exact segment wins over ":id" by standing before it in the table.
 */
#ifndef SERVER_ROUTES_H
#define SERVER_ROUTES_H

#include "job.h"

struct route_params {
	struct {
		const char *name, *value;
	} items[6];
	size_t count;
};

/* NULL with *status 404 or 405 (and *allow filled: "GET, POST"). HEAD finds the GET row. */
const struct route *route_find(enum method m, enum listener l, const char *path, struct pool *pool,
			       struct route_params *params, int *status, const char **allow);
/* `enrollctl routes print`: method, path, listener, roles, lane; sorted: the golden file routes.txt. */
char *routes_print(struct pool *pool);
const char *method_name(enum method m);

/* openapi.c: the document, written once at the first question (forms_load() comes before). */
const char *openapi_document(void);

#endif
