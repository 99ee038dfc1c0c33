/*
 * Dates as the law counts them. Pure arithmetic: nothing here asks the machine what time it is but clock_monotonic().
 *
 * "Now" of every decision comes from the database (SQL function enroll_now(), which adds the test offset), so that all
 * programs agree; it arrives here as an instant: microseconds since 1970-01-01T00:00:00Z.
 *
 * A day is a count of days since 1970-01-01 in the proleptic Gregorian calendar. Legal days are those of Europe/Paris
 * and end at 24:00 there. DAY_NONE stands for "no date".
 */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdbool.h>
#include <stdint.h>
#include "err.h"
#include "pool.h"

typedef int32_t day_t;     /* days since 1970-01-01 */
typedef int64_t instant_t; /* microseconds since the epoch, UTC */

#define DAY_NONE INT32_MIN
#define INSTANT_NONE INT64_MIN
#define SECOND ((instant_t)1000000)

struct ymd {
	int year, month, day;
};

day_t day_from_ymd(int year, int month, int day); /* DAY_NONE when there is no such date */
struct ymd day_ymd(day_t day);
int day_of_week(day_t day); /* 1 Monday … 7 Sunday (ISO 8601) */

/* Exactly YYYY-MM-DD (ISO 8601), years 1900 to 2999. */
int day_parse(const char *text, day_t *out) MUST_USE;
char *day_iso(struct pool *pool, day_t day);
char *day_french(struct pool *pool, day_t day); /* "21 novembre 2026", "1er mars 2027", with no-break spaces */

/* Calendar months: 31 January + 1 month = the last day of February. Negative counts go back. */
day_t day_add_months(day_t day, int months);
/* A holiday of metropolitan France (Code du travail L.3133-1): 11 a year, three of them from Easter. */
bool day_is_holiday(day_t day);
bool day_is_working(day_t day);                /* Monday to Friday, not a holiday */
day_t day_add_working(day_t day, int count);   /* the count-th working day after it */
int day_working_between(day_t from, day_t to); /* working days d with from < d <= to */

/* Europe/Paris: +1 h, +2 h from the last Sunday of March 01:00 UTC to the last Sunday of October 01:00 UTC. */
day_t day_in_paris(instant_t at);
instant_t day_start_paris(day_t day); /* 00:00 there */
instant_t day_end_paris(day_t day);   /* 24:00 there, which is the next day's start */

/* RFC 3339. Parsing takes 'Z' or an offset, with or without fraction; a bare date means its start in UTC. */
int instant_parse(const char *text, instant_t *out) MUST_USE;
char *instant_rfc3339(struct pool *pool, instant_t at); /* 2026-11-22T00:32:58Z */
char *instant_french(struct pool *pool, instant_t at);  /* "21 novembre 2026 à 14 h 05", Paris time */

int64_t clock_monotonic(void); /* microseconds, for durations and timeouts only */

#endif
