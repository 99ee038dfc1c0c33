/*
 * JSON out, written directly.
 *
 *	struct json j = json_in(pool);
 *	json_obj(&j); json_key(&j, "id"); json_i64(&j, 3); json_end(&j);   commas and escaping are its business
 *	… j.out.s
 *
 * What it writes without json_f64 is canonical (RFC 8785) as long as the caller gives the keys in their order. It does
 * not read JSON: see server/json.h.
 */
#ifndef BASE_JSON_WRITE_H
#define BASE_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "clock.h"
#include "str.h"

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
void json_kday(struct json *j, const char *key, day_t day);        /* DAY_NONE is null */
void json_kinstant(struct json *j, const char *key, instant_t at); /* RFC 3339 UTC, INSTANT_NONE is null */

#define JSON_NUMBER 80                                  /* room for any number as text */
void json_quote(struct str *out, const char *s);        /* a text with its quotes */
void json_number_text(double x, char out[JSON_NUMBER]); /* RFC 8785 §3.2.2.3 */

#endif
