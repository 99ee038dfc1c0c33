#include "json.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX 16
#define NUMBER 80 /* room for any number as text */
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

/* ECMAScript's Number.prototype.toString, as RFC 8785 §3.2.2.3 asks: the shortest text that reads back the same. */
static void number_text(double x, char out[NUMBER])
{
	char digits[32];
	int precision = 0;
	if (x == 0) {
		snprintf(out, NUMBER, "0");
		return;
	}
	for (; precision <= 16; precision++) {
		snprintf(digits, sizeof digits, "%.*e", precision, fabs(x));
		if (strtod(digits, NULL) == fabs(x))
			break;
	}
	char *exponent = strchr(digits, 'e');
	int n = (int)strtol(exponent + 1, NULL, 10) + 1; /* x = 0.ddd × 10^n */
	*exponent = 0;
	if (digits[1] == '.')
		memmove(digits + 1, digits + 2, strlen(digits + 2) + 1);
	int k = (int)strlen(digits);
	const char *sign = x < 0 ? "-" : "";
	if (k <= n && n <= 21)
		snprintf(out, NUMBER, "%s%s%.*s", sign, digits, n - k, "000000000000000000000");
	else if (0 < n && n <= 21)
		snprintf(out, NUMBER, "%s%.*s.%s", sign, n, digits, digits + n);
	else if (-6 < n && n <= 0)
		snprintf(out, NUMBER, "%s0.%.*s%s", sign, -n, "000000", digits);
	else
		snprintf(out, NUMBER, "%s%c%s%se%c%d", sign, digits[0], k > 1 ? "." : "", digits + 1,
			 n - 1 < 0 ? '-' : '+', abs(n - 1));
}

static const char *scalar_text(const json_t *v, char number[NUMBER])
{
	switch (json_typeof(v)) {
	case JSON_STRING:
		return json_string_value(v);
	case JSON_INTEGER:
		snprintf(number, NUMBER, "%" JSON_INTEGER_FORMAT, json_integer_value(v));
		return number;
	case JSON_REAL:
		number_text(json_real_value(v), number);
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
	char number[NUMBER], below[NAME_ROOM];
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
	if (!json_is_array(v))
		return keep(r, name, scalar_text(v, number), e);
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
	char number[NUMBER];
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

/* ---- canonical form (RFC 8785) ---- */

static void add_string(struct str *out, const char *s)
{
	str_add_c(out, '"');
	const char *from = s;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		str_add_n(out, from, (size_t)(s - from));
		from = s + 1;
		switch (c) {
		case '"':
			str_add(out, "\\\"");
			break;
		case '\\':
			str_add(out, "\\\\");
			break;
		case '\b':
			str_add(out, "\\b");
			break;
		case '\t':
			str_add(out, "\\t");
			break;
		case '\n':
			str_add(out, "\\n");
			break;
		case '\f':
			str_add(out, "\\f");
			break;
		case '\r':
			str_add(out, "\\r");
			break;
		default:
			str_addf(out, "\\u%04x", c);
		}
	}
	str_add_n(out, from, (size_t)(s - from));
	str_add_c(out, '"');
}

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
	char number[NUMBER];
	if (json_is_string(v)) {
		add_string(out, json_string_value(v));
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
			add_string(out, keys[i]);
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

/* ---- out ---- */

enum { FIRST = 0, NEXT = 1, AFTER_KEY = 2, WHERE = 3, IN_ARRAY = 4 };

struct json json_in(struct pool *pool)
{
	return (struct json){ .out = str_in(pool) };
}

static void value(struct json *j)
{
	unsigned char *at = &j->need_comma[j->depth];
	if (j->depth && (*at & WHERE) == NEXT)
		str_add_c(&j->out, ',');
	*at = (unsigned char)((*at & ~WHERE) | NEXT);
}

static void open(struct json *j, char bracket, unsigned char kind)
{
	value(j);
	if (j->depth + 1 < (int)sizeof j->need_comma)
		j->depth++;
	j->need_comma[j->depth] = kind;
	str_add_c(&j->out, bracket);
}

void json_obj(struct json *j)
{
	open(j, '{', 0);
}

void json_arr(struct json *j)
{
	open(j, '[', IN_ARRAY);
}

void json_end(struct json *j)
{
	str_add_c(&j->out, j->need_comma[j->depth] & IN_ARRAY ? ']' : '}');
	if (j->depth)
		j->depth--;
}

void json_key(struct json *j, const char *name)
{
	value(j);
	add_string(&j->out, name);
	str_add_c(&j->out, ':');
	j->need_comma[j->depth] = (unsigned char)((j->need_comma[j->depth] & ~WHERE) | AFTER_KEY);
}

void json_text(struct json *j, const char *s)
{
	value(j);
	if (s)
		add_string(&j->out, s);
	else
		str_add(&j->out, "null");
}

void json_i64(struct json *j, int64_t n)
{
	value(j);
	str_addf(&j->out, "%lld", (long long)n);
}

void json_f64(struct json *j, double x)
{
	char number[NUMBER];
	value(j);
	if (isfinite(x))
		number_text(x, number);
	else
		snprintf(number, sizeof number, "null");
	str_add(&j->out, number);
}

void json_bool(struct json *j, bool b)
{
	value(j);
	str_add(&j->out, b ? "true" : "false");
}

void json_nil(struct json *j)
{
	json_text(j, NULL);
}

void json_raw(struct json *j, const char *json)
{
	value(j);
	str_add(&j->out, json ? json : "null");
}

void json_kt(struct json *j, const char *key, const char *s)
{
	json_key(j, key);
	json_text(j, s);
}

void json_ki(struct json *j, const char *key, int64_t n)
{
	json_key(j, key);
	json_i64(j, n);
}

void json_kb(struct json *j, const char *key, bool b)
{
	json_key(j, key);
	json_bool(j, b);
}

void json_kday(struct json *j, const char *key, day_t day)
{
	json_kt(j, key, day == DAY_NONE ? NULL : day_iso(j->out.pool, day));
}

void json_kinstant(struct json *j, const char *key, instant_t at)
{
	json_kt(j, key, at == INSTANT_NONE ? NULL : instant_rfc3339(j->out.pool, at));
}
