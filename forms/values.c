#include "values.h"

#include <string.h>

#define NAME_MAX_BYTES 120
#define ROWS_MAX 100

struct values values_in(struct pool *pool)
{
	return (struct values){ .pool = pool };
}

void values_add(struct values *v, const char *name, const char *text)
{
	if (v->count == v->cap) {
		size_t cap = v->cap ? v->cap * 2 : 32;
		struct value *items = POOL_ARRAY(v->pool, struct value, cap);
		if (v->count)
			memcpy(items, v->items, v->count * sizeof *items);
		v->items = items;
		v->cap = cap;
	}
	v->items[v->count++] =
		(struct value){ .name = pool_strdup(v->pool, name), .text = pool_strdup(v->pool, text ? text : "") };
}

void values_add_all(struct values *v, const struct values *from)
{
	for (size_t i = 0; i < from->count; i++)
		values_add(v, from->items[i].name, from->items[i].text);
}

void values_set(struct values *v, const char *name, const char *text)
{
	/* The texts may be those about to go: copied first. */
	const char *kept = pool_strdup(v->pool, text ? text : "");
	size_t n = 0;
	bool done = false;
	for (size_t i = 0; i < v->count; i++) {
		if (strcmp(v->items[i].name, name)) {
			v->items[n++] = v->items[i];
		} else if (!done) {
			v->items[n] = v->items[i];
			v->items[n++].text = kept;
			done = true;
		}
	}
	v->count = n;
	if (!done)
		values_add(v, name, kept);
}

void values_remove(struct values *v, const char *name)
{
	size_t n = 0;
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->items[i].name, name))
			v->items[n++] = v->items[i];
	v->count = n;
}

static bool in_group(const char *name, const char *array, size_t len)
{
	return !strncmp(name, array, len) && name[len] == '[';
}

void values_remove_group(struct values *v, const char *array)
{
	size_t n = 0, len = strlen(array);
	for (size_t i = 0; i < v->count; i++)
		if (!in_group(v->items[i].name, array, len))
			v->items[n++] = v->items[i];
	v->count = n;
}

const char *values_get(const struct values *v, const char *name)
{
	for (size_t i = 0; i < v->count; i++)
		if (!strcmp(v->items[i].name, name))
			return v->items[i].text;
	return NULL;
}

const char *values_text(const struct values *v, const char *name)
{
	const char *text = values_get(v, name);
	return text ? text : "";
}

size_t values_all(const struct values *v, const char *name, const char *const **out)
{
	size_t n = 0;
	for (size_t i = 0; i < v->count; i++)
		n += !strcmp(v->items[i].name, name);
	const char **texts = POOL_ARRAY(v->pool, const char *, n + 1);
	n = 0;
	for (size_t i = 0; i < v->count; i++)
		if (!strcmp(v->items[i].name, name))
			texts[n++] = v->items[i].text;
	*out = texts;
	return n;
}

bool values_split(const char *name, size_t *array_len, size_t *row, const char **rest)
{
	const char *open = strchr(name, '[');
	if (!open || open == name)
		return false;
	const char *p = open + 1;
	size_t n = 0;
	for (; *p >= '0' && *p <= '9'; p++) {
		n = n * 10 + (size_t)(*p - '0');
		if (n >= ROWS_MAX)
			return false;
	}
	if (p == open + 1 || *p != ']' || (open[1] == '0' && p > open + 2))
		return false;
	p++;
	if (*p && *p != '.')
		return false;
	*array_len = (size_t)(open - name);
	*row = n;
	*rest = *p ? p + 1 : p;
	return true;
}

static bool row_of(const char *name, const char *array, size_t len, size_t *row, const char **rest)
{
	size_t found;
	return in_group(name, array, len) && values_split(name, &found, row, rest);
}

size_t values_rows(const struct values *v, const char *array)
{
	size_t rows = 0, len = strlen(array), row;
	const char *rest;
	for (size_t i = 0; i < v->count; i++)
		if (row_of(v->items[i].name, array, len, &row, &rest) && row + 1 > rows)
			rows = row + 1;
	return rows;
}

void values_compact(struct values *v, const char *array)
{
	size_t len = strlen(array), row, next = 0, to[ROWS_MAX];
	bool used[ROWS_MAX] = { false };
	const char *rest;
	for (size_t i = 0; i < v->count; i++)
		if (row_of(v->items[i].name, array, len, &row, &rest))
			used[row] = true;
	for (size_t i = 0; i < ROWS_MAX; i++)
		to[i] = used[i] ? next++ : 0;
	for (size_t i = 0; i < v->count; i++)
		if (row_of(v->items[i].name, array, len, &row, &rest) && to[row] != row)
			v->items[i].name = pool_printf(v->pool, "%s[%zu]%s%s", array, to[row], *rest ? "." : "", rest);
}

bool values_has_group(const struct values *v, const char *array)
{
	size_t len = strlen(array);
	for (size_t i = 0; i < v->count; i++)
		if (in_group(v->items[i].name, array, len))
			return true;
	return false;
}

bool values_name_good(const char *name)
{
	if (name[0] < 'a' || name[0] > 'z')
		return false;
	bool inside = false;
	size_t n = 0;
	for (; name[n]; n++) {
		char c = name[n];
		if (n == NAME_MAX_BYTES)
			return false;
		if (c == '[') {
			if (inside)
				return false;
			inside = true;
		} else if (c == ']') {
			if (!inside)
				return false;
			inside = false;
		} else if (c >= '0' && c <= '9') {
			continue;
		} else if (inside || !((c >= 'a' && c <= 'z') || c == '_' || c == '.' || c == '-')) {
			return false;
		}
	}
	return !inside;
}
