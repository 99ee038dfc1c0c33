/*
 * JSON in (jansson: json.c is the only file that sees it); JSON out is base/json_write.h.
 *
 *	json_read_values(body, n, &values, &e)       objects, arrays and scalars become flat names (forms/values.h):
 *	                                             {"public":["a"]} → public[]=a; {"x":[{"y":1}]} → x[0].y=1;
 *	                                             null → ""
 */
#ifndef SERVER_JSON_H
#define SERVER_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../forms/values.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json_write.h"
#include "base/str.h"

/* Duplicate keys, bad UTF-8, trailing commas, depth > 16, more than 5 000 values: ERR_INPUT "json.bad" (400 by the
 * caller). */
int json_read_values(const char *bytes, size_t n, struct values *out, struct err *e) MUST_USE;
/* Reads a top-level member of a stored JSON object as text (numbers and booleans too); NULL when absent. */
const char *json_member(const char *json, const char *name, struct pool *pool);
/* The elements of a top-level member that is an array, each as JSON; NULL when there is no such array. */
const char **json_elements(const char *json, const char *name, struct pool *pool, size_t *count);
/* RFC 8785 canonical form (integers, strings, booleans, null, arrays, objects). NULL when it is not JSON. */
char *json_canonical(const char *json, struct pool *pool);

#endif
