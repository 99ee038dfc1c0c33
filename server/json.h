/*
 * JSON in (jansson, the only file that sees it) and out (written directly).
 *
 *	json_read_values(body, n, &values, &e)       an object of objects, arrays, scalars becomes flat names (forms/values.h):
 *	                                             {"public":["a"]} → public[]=a; {"x":[{"y":1}]} → x[0].y=1; null → ""
 *	struct json j = json_in(pool);
 *	json_obj(&j); json_key(&j, "id"); json_i64(&j, 3); json_end(&j);   commas and escaping are its business
 *	… j.out.s
 */
#ifndef SERVER_JSON_H
#define SERVER_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../forms/values.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/str.h"

/* Duplicate keys, bad UTF-8, trailing commas, depth > 16, more than 5 000 values: ERR_INPUT "json.bad" (400 by the caller). */
int json_read_values(const char *bytes, size_t n, struct values *out, struct err *e) MUST_USE;
/* Reads a top-level member of a stored JSON object as text (numbers and booleans too); NULL when absent. */
const char *json_member(const char *json, const char *name, struct pool *pool);
/* RFC 8785 canonical form (integers, strings, booleans, null, arrays, objects). NULL when it is not JSON. */
char *json_canonical(const char *json, struct pool *pool);

struct json {
	struct str out;
	unsigned char depth, need_comma[32];
};
struct json json_in(struct pool *pool);
void json_obj(struct json *j); /* not json_object, json_array, json_null: those names are jansson's */
void json_arr(struct json *j);
void json_end(struct json *j);
void json_key(struct json *j, const char *name);
void json_text(struct json *j, const char *text); /* NULL is null */
void json_i64(struct json *j, int64_t n);
void json_f64(struct json *j, double x);
void json_bool(struct json *j, bool b);
void json_nil(struct json *j);
void json_raw(struct json *j, const char *json); /* already JSON; NULL is null */
/* key and value at once */
void json_kt(struct json *j, const char *key, const char *text);
void json_ki(struct json *j, const char *key, int64_t n);
void json_kb(struct json *j, const char *key, bool b);
void json_kday(struct json *j, const char *key, day_t day);          /* DAY_NONE is null */
void json_kinstant(struct json *j, const char *key, instant_t at);   /* RFC 3339 UTC, INSTANT_NONE is null */

#endif
