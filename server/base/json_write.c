#include "json_write.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ECMAScript's Number.prototype.toString, as RFC 8785 §3.2.2.3 asks: the shortest text that reads back the same. */
void json_number_text(double x, char out[JSON_NUMBER])
{
	char digits[32];
	int precision = 0;
	if (x == 0) {
		snprintf(out, JSON_NUMBER, "0");
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
		snprintf(out, JSON_NUMBER, "%s%s%.*s", sign, digits, n - k, "000000000000000000000");
	else if (0 < n && n <= 21)
		snprintf(out, JSON_NUMBER, "%s%.*s.%s", sign, n, digits, digits + n);
	else if (-6 < n && n <= 0)
		snprintf(out, JSON_NUMBER, "%s0.%.*s%s", sign, -n, "000000", digits);
	else
		snprintf(out, JSON_NUMBER, "%s%c%s%se%c%d", sign, digits[0], k > 1 ? "." : "", digits + 1,
			 n - 1 < 0 ? '-' : '+', abs(n - 1));
}

void json_quote(struct str *out, const char *s)
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
	json_quote(&j->out, name);
	str_add_c(&j->out, ':');
	j->need_comma[j->depth] = (unsigned char)((j->need_comma[j->depth] & ~WHERE) | AFTER_KEY);
}

void json_text(struct json *j, const char *s)
{
	value(j);
	if (s)
		json_quote(&j->out, s);
	else
		str_add(&j->out, "null");
}

void json_i64(struct json *j, int64_t n)
{
	value(j);
	char text[STR_I64];
	str_add(&j->out, str_of_i64(text, n));
}

void json_f64(struct json *j, double x)
{
	char number[JSON_NUMBER];
	value(j);
	if (isfinite(x))
		json_number_text(x, number);
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
