/* Connections of their own: scripts and COPY, on top of pg.h's waiting kind. */
#include "pg.h"
#include <stdlib.h>
#include <string.h>
#include "../server/base/str.h"

int db_script(const char *dsn, const char *sql, struct err *e)
{
	struct plain *p = plain_open(dsn, "enroll script", e);
	if (!p)
		return -1;
	int bad = plain_script(p, "begin", NULL, NULL, e) || plain_script(p, sql, NULL, NULL, e) ||
		  plain_script(p, "commit", NULL, NULL, e);
	plain_close(p);
	return bad ? -1 : 0;
}

struct copy {
	struct plain *plain;
};

struct copy *copy_open(const char *dsn, const char *before, const char *copy_sql, struct err *e)
{
	struct plain *p = plain_open(dsn, "enroll copy", e);
	if (!p)
		return NULL;
	struct copy *c = malloc(sizeof *c);
	if (!c)
		fault(e, "no memory for a copy");
	if (!c || plain_script(p, "begin", NULL, NULL, e) || (before && plain_script(p, before, NULL, NULL, e)) ||
	    plain_copy(p, copy_sql, e)) {
		plain_close(p);
		free(c);
		return NULL;
	}
	c->plain = p;
	return c;
}

int copy_write(struct copy *c, const void *bytes, size_t n, struct err *e)
{
	return plain_copy_write(c->plain, bytes, n, e);
}

int copy_end(struct copy *c, const char *after, struct err *e)
{
	int bad = plain_copy_end(c->plain, e) || (after && plain_script(c->plain, after, NULL, NULL, e)) ||
		  plain_script(c->plain, "commit", NULL, NULL, e);
	copy_abort(c);
	return bad ? -1 : 0;
}

/* Closing without COMMIT undoes everything. */
void copy_abort(struct copy *c)
{
	if (!c)
		return;
	plain_close(c->plain);
	free(c);
}

void copy_field(struct str *out, const char *text, bool last)
{
	if (!text) {
		str_add(out, "\\N");
	} else {
		for (const char *p = text; *p; p++) {
			static const char special[] = "\\\t\n\r", letters[] = "\\tnr";
			const char *x = strchr(special, *p);
			if (x) {
				str_add_c(out, '\\');
				str_add_c(out, letters[x - special]);
			} else {
				str_add_c(out, *p);
			}
		}
	}
	str_add_c(out, last ? '\n' : '\t');
}
