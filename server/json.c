#include "json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16
#define VALUES_MAX 5000
#define NAME_ROOM 160 /* more than any good name: longer ones are cut, hence refused */

/* ---- in ---- */

struct reader {
	struct values *out;
	size_t seen;
};

static int bad(struct err *e, const char *why)
{
	int r = fail(e, ERR_INPUT, "json.bad");
	snprintf(e->detail, sizeof e->detail, "%s", why);
	return r;
}

static const char *scalar_text(const json_t *v, char number[JSON_NUMBER])
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return json_string_value(v);
	case JSON_INTEGER:
		snprintf(number, JSON_NUMBER, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return number;
	case JSON_REAL:
		json_number_text(json_real_value(v), number);
		return number;
	case JSON_TRUE:
		return "true";
	case JSON_FALSE:
		return "false";
	default:
		return "";
	}
}

static int keep(struct reader *r, const char *name, const char *value, struct err *e)
{
	if (++r->seen > VALUES_MAX)
		return bad(e, "too many values");
	if (values_name_good(name))
		values_add(r->out, name, value);
	return 0;
}

static int walk(struct reader *r, const char *name, json_t *v, int depth, struct err *e)
{
	char below[NAME_ROOM];
	if (depth > DEPTH_MAX)
		return bad(e, "too deep");
	if (json_is_object(v)) {
		const char *key;
		json_t *member;
		json_object_foreach(v, key, member)
		{
			snprintf(below, sizeof below, "%s%s%s", name, *name ? "." : "", key);
			if (walk(r, below, member, depth + 1, e))
				return -1;
		}
		return 0;
	}
	if (!json_is_array(v)) {
		char number[JSON_NUMBER];
		return keep(r, name, scalar_text(v, number), e);
	}
	if (!json_array_size(v)) {
		snprintf(below, sizeof below, "%s[]", name);
		return keep(r, below, "", e);
	}
	for (size_t i = 0; i < json_array_size(v); i++) {
		json_t *item = json_array_get(v, i);
		if (json_is_object(item) || json_is_array(item))
			snprintf(below, sizeof below, "%s[%zu]", name, i);
		else
			snprintf(below, sizeof below, "%s[]", name);
		if (walk(r, below, item, depth + 1, e))
			return -1;
	}
	return 0;
}

int json_read_values(const char *bytes, size_t n, struct values *out, struct err *e)
{
	struct reader r = { .out = out };
	json_error_t why;
	json_t *root = json_loadb(bytes ? bytes : "", n, JSON_REJECT_DUPLICATES, &why);
	if (!root)
		return bad(e, "syntax");
	int result = json_is_object(root) ? walk(&r, "", root, 0, e) : bad(e, "not an object");
	json_decref(root);
	return result;
}

const char *json_member(const char *json, const char *name, struct pool *pool)
{
	char number[JSON_NUMBER];
	const char *found = NULL;
	json_t *root = json ? json_loads(json, 0, NULL) : NULL;
	json_t *v = root ? json_object_get(root, name) : NULL;
	if (v && (json_is_object(v) || json_is_array(v))) {
		char *dump = json_dumps(v, JSON_COMPACT | JSON_SORT_KEYS);
		found = pool_strdup(pool, dump);
		free(dump);
	} else if (v && !json_is_null(v)) {
		found = pool_strdup(pool, scalar_text(v, number));
	}
	json_decref(root);
	return found;
}

const char **json_elements(const char *json, const char *name, struct pool *pool, size_t *count)
{
	json_t *root = json ? json_loads(json, 0, NULL) : NULL;
	json_t *array = root ? json_object_get(root, name) : NULL;
	const char **out = NULL;
	*count = 0;
	if (json_is_array(array)) {
		out = POOL_ARRAY(pool, const char *, json_array_size(array) + 1);
		for (size_t i = 0; i < json_array_size(array); i++) {
			char *dump = json_dumps(json_array_get(array, i), JSON_COMPACT | JSON_ENCODE_ANY);
			out[(*count)++] = pool_strdup(pool, dump);
			free(dump);
		}
	}
	json_decref(root);
	return out;
}

/* ---- canonical form (RFC 8785) ---- */

/* Keys are sorted by UTF-16 code units: there a supplementary character (4 bytes, F0…) stands before U+E000 (EE…). */
static int by_utf16(const void *a, const void *b)
{
	const unsigned char *x = *(const unsigned char *const *)a, *y = *(const unsigned char *const *)b;
	while (*x && *x == *y)
		x++, y++;
	int p = *x, q = *y;
	if (p >= 0xf0 && (q == 0xee || q == 0xef))
		return -1;
	if (q >= 0xf0 && (p == 0xee || p == 0xef))
		return 1;
	return p - q;
}

static void canonical(struct str *out, json_t *v, struct pool *pool)
{
	char number[JSON_NUMBER];
	if (json_is_string(v)) {
		json_quote(out, json_string_value(v));
	} else if (json_is_null(v)) {
		str_add(out, "null");
	} else if (json_is_array(v)) {
		str_add_c(out, '[');
		for (size_t i = 0; i < json_array_size(v); i++) {
			if (i)
				str_add_c(out, ',');
			canonical(out, json_array_get(v, i), pool);
		}
		str_add_c(out, ']');
	} else if (json_is_object(v)) {
		size_t n = json_object_size(v), i = 0;
		const char **keys = POOL_ARRAY(pool, const char *, n + 1), *key;
		json_t *member;
		json_object_foreach(v, key, member) keys[i++] = key;
		qsort(keys, n, sizeof *keys, by_utf16);
		str_add_c(out, '{');
		for (i = 0; i < n; i++) {
			if (i)
				str_add_c(out, ',');
			json_quote(out, keys[i]);
			str_add_c(out, ':');
			canonical(out, json_object_get(v, keys[i]), pool);
		}
		str_add_c(out, '}');
	} else {
		str_add(out, scalar_text(v, number));
	}
}

static int depth_of(json_t *v, int depth)
{
	const char *key;
	json_t *member;
	int deepest = depth;
	if (depth > 64)
		return depth;
	json_object_foreach(v, key, member)
	{
		int d = depth_of(member, depth + 1);
		deepest = d > deepest ? d : deepest;
	}
	for (size_t i = 0; i < json_array_size(v); i++) {
		int d = depth_of(json_array_get(v, i), depth + 1);
		deepest = d > deepest ? d : deepest;
	}
	return deepest;
}

char *json_canonical(const char *json, struct pool *pool)
{
	json_t *root = json_loads(json, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, NULL);
	if (!root || depth_of(root, 0) > 64) {
		json_decref(root);
		return NULL;
	}
	struct str out = str_in(pool);
	canonical(&out, root, pool);
	json_decref(root);
	return out.s;
}
