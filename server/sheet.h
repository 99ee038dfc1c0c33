/*
 * A table of rows as a file: CSV (UTF-8 with its mark, semicolons, CRLF) or XLSX. A text that a spreadsheet would take
 * for a formula gets a quote before it in CSV; in XLSX texts are texts.
 *
 *	struct sheet *s = sheet_open(SHEET_XLSX, "Statistiques", pool, &e);
 *	sheet_text(s, "code"); sheet_text(s, "conventionnés"); sheet_row(s);       the first row is the head
 *	sheet_text(s, "595"); sheet_int(s, 12); sheet_row(s);
 *	if (sheet_end(s, &bytes, &size, &e)) …                                    pooled; once
 *
 * XLSX rows go to a temporary file as they come, so that memory stays small; it belongs on a thread of job_work().
 */
#ifndef SERVER_SHEET_H
#define SERVER_SHEET_H

#include <stddef.h>
#include <stdint.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"

enum sheet_kind { SHEET_CSV, SHEET_XLSX };
struct sheet;

struct sheet *sheet_open(enum sheet_kind kind, const char *title, struct pool *pool, struct err *e);
void sheet_text(struct sheet *s, const char *text); /* NULL: an empty cell */
void sheet_int(struct sheet *s, int64_t n);
void sheet_number(struct sheet *s, double x, int decimals);
void sheet_day(struct sheet *s, day_t day); /* DAY_NONE: an empty cell */
void sheet_empty(struct sheet *s);
void sheet_row(struct sheet *s); /* ends a row */
int sheet_end(struct sheet *s, const void **bytes, size_t *size, struct err *e) MUST_USE;

const char *sheet_type(enum sheet_kind kind); /* its media type */

#endif
