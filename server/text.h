/*
 * Every word shown to people that is not in a template: server/text/ *.xml, <texts><t id="why.role">…{0}…</t></texts>.
 * A duplicate id or a missing file stops the start. An unknown id shows as the id itself and is logged once.
 */
#ifndef SERVER_TEXT_H
#define SERVER_TEXT_H

#include <stdint.h>
#include "base/err.h"
#include "base/pool.h"

int texts_load(struct pool *pool, struct err *e) MUST_USE;
const char *text(const char *id);                                          /* static for the process's life */
const char *text_fill(struct pool *pool, const char *id, const char *arg); /* {0} becomes arg */
const char *text_or(const char *id, const char *otherwise);                /* otherwise when there is no such id */
const char *text2(const char *prefix, const char *id);                     /* text("prefix.id") */

/* "un an", "3 ans" */
const char *text_years(struct pool *pool, int years);

/* "165 ko", "2,4 Mo": of 1024, as the limits are. */
const char *text_size(struct pool *pool, int64_t bytes);

#endif
