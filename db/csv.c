#include "csv.h"
#include <string.h>

struct csv csv_of(const void *data, size_t size, struct pool *pool)
{
	const char *p = data;
	if (size >= 3 && !memcmp(p, "\xEF\xBB\xBF", 3)) {
		p += 3;
		size -= 3;
	}
	return (struct csv){ .at = p, .end = p + size, .pool = pool, .text = str_in(pool), .next_line = 1 };
}

/* One field; at its end *c->at is a comma, a line end, or the end of all. */
static int field(struct csv *c, struct err *e)
{
	if (c->at == c->end || *c->at != '"') {
		const char *from = c->at;
		while (c->at < c->end && *c->at != ',' && *c->at != '\n' && *c->at != '\r') {
			if (!*c->at || *c->at == '"')
				return fault(e, "line %zu: a byte that must be quoted", c->next_line);
			c->at++;
		}
		str_add_n(&c->text, from, (size_t)(c->at - from));
		return 0;
	}
	for (c->at++;; c->at++) {
		const char *from = c->at;
		while (c->at < c->end && *c->at != '"') {
			if (!*c->at)
				return fault(e, "line %zu: a byte 0", c->next_line);
			c->next_line += *c->at == '\n';
			c->at++;
		}
		if (c->at == c->end)
			return fault(e, "line %zu: a quote is not closed", c->line);
		str_add_n(&c->text, from, (size_t)(c->at - from));
		c->at++;
		if (c->at == c->end || *c->at != '"')
			break;
		str_add_c(&c->text, '"');
	}
	if (c->at < c->end && *c->at != ',' && *c->at != '\n' && *c->at != '\r')
		return fault(e, "line %zu: text after a closing quote", c->next_line);
	return 0;
}

enum { FIELDS_MOST = 256 };

int csv_row(struct csv *c, struct err *e)
{
	size_t starts[FIELDS_MOST], n = 0;
	/* Empty lines do not count. */
	while (c->at < c->end && (*c->at == '\n' || (*c->at == '\r' && c->at + 1 < c->end && c->at[1] == '\n'))) {
		c->at += *c->at == '\r' ? 2 : 1;
		c->next_line++;
	}
	if (c->at == c->end)
		return 0;
	c->line = c->next_line;
	str_clear(&c->text);
	for (;;) {
		if (n == FIELDS_MOST)
			return fault(e, "line %zu: too many fields", c->line);
		starts[n++] = c->text.len;
		if (field(c, e))
			return -1;
		str_add_n(&c->text, "", 1);
		if (c->at == c->end || *c->at != ',')
			break;
		c->at++;
	}
	if (c->at < c->end && *c->at == '\r') {
		if (c->at + 1 < c->end && c->at[1] != '\n')
			return fault(e, "line %zu: a carriage return alone", c->next_line);
		c->at++;
	}
	if (c->at < c->end)
		c->at++;
	c->next_line++;
	if (!c->count) {
		c->count = n;
		c->fields = POOL_ARRAY(c->pool, const char *, n);
	} else if (n != c->count) {
		return fault(e, "line %zu: %zu fields in place of %zu", c->line, n, c->count);
	}
	for (size_t i = 0; i < n; i++)
		c->fields[i] = c->text.s + starts[i];
	return 1;
}

int csv_header(struct csv *c, const char *const *names, size_t count, size_t *columns, struct err *e)
{
	int r = csv_row(c, e);
	if (r <= 0)
		return r ? -1 : fault(e, "an empty file");
	for (size_t i = 0; i < count; i++) {
		size_t k = 0;
		while (k < c->count && strcmp(c->fields[k], names[i]) != 0)
			k++;
		if (k == c->count)
			return fault(e, "no column %s", names[i]);
		columns[i] = k;
	}
	return 0;
}
