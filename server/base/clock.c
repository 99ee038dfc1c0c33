#include "clock.h"
#include <string.h>
#include <time.h>
#include "str.h"

#define NBSP "\u00A0"
#define DAY_US (86400 * SECOND)

static bool is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int days_in_month(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

/* Years start in March here, so that the leap day comes last; 146 097 days make 400 years. */
day_t day_from_ymd(int year, int month, int day)
{
	if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month))
		return DAY_NONE;
	int y = year - (month <= 2);
	int era = y / 400, of_era = y % 400;
	int of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

struct ymd day_ymd(day_t day)
{
	int64_t z = (int64_t)day + 719468;
	int64_t era = floor_div(z, 146097);
	int of_era = (int)(z - era * 146097);
	int year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int of_year = of_era - (365 * year + year / 4 - year / 100);
	int m = (5 * of_year + 2) / 153;
	int month = m < 10 ? m + 3 : m - 9;
	return (struct ymd){ .year = (int)(year + era * 400) + (month <= 2),
			     .month = month,
			     .day = of_year - (153 * m + 2) / 5 + 1 };
}

int day_of_week(day_t day)
{
	int64_t d = (int64_t)day + 3; /* 1970-01-01 was a Thursday */
	return (int)(d - floor_div(d, 7) * 7) + 1;
}

/* Reads exactly n digits. */
static bool digits(const char **p, int n, int *out)
{
	int v = 0;
	for (; n; n--, ++*p) {
		if (**p < '0' || **p > '9')
			return false;
		v = v * 10 + (**p - '0');
	}
	*out = v;
	return true;
}

static bool literal(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

static bool read_day(const char **p, day_t *out)
{
	int y, m, d;
	if (!digits(p, 4, &y) || !literal(p, '-') || !digits(p, 2, &m) || !literal(p, '-') || !digits(p, 2, &d))
		return false;
	*out = y < 1900 || y > 2999 ? DAY_NONE : day_from_ymd(y, m, d);
	return *out != DAY_NONE;
}

int day_parse(const char *text, day_t *out)
{
	day_t day;
	if (!text || !read_day(&text, &day) || *text)
		return -1;
	*out = day;
	return 0;
}

char *day_iso(struct pool *pool, day_t day)
{
	if (day == DAY_NONE)
		return pool_strdup(pool, "");
	struct ymd d = day_ymd(day);
	return pool_printf(pool, "%04d-%02d-%02d", d.year, d.month, d.day);
}

char *day_french(struct pool *pool, day_t day)
{
	static const char *const months[] = { "janvier", "février", "mars",      "avril",   "mai",      "juin",
					      "juillet", "août",    "septembre", "octobre", "novembre", "décembre" };
	if (day == DAY_NONE)
		return pool_strdup(pool, "");
	struct ymd d = day_ymd(day);
	return pool_printf(pool, "%d%s" NBSP "%s" NBSP "%d", d.day, d.day == 1 ? "er" : "", months[d.month - 1],
			   d.year);
}

day_t day_add_months(day_t day, int months)
{
	if (day == DAY_NONE)
		return DAY_NONE;
	struct ymd d = day_ymd(day);
	int64_t m = (int64_t)d.year * 12 + d.month - 1 + months;
	int64_t year = floor_div(m, 12);
	if (year < 1 || year > 9999)
		return DAY_NONE;
	int month = (int)(m - year * 12) + 1, last = days_in_month((int)year, month);
	return day_from_ymd((int)year, month, d.day < last ? d.day : last);
}

/* Anonymous Gregorian computus (Meeus, Jones, Butcher). */
static day_t easter(int year)
{
	int a = year % 19, b = year / 100, c = year % 100;
	int h = (19 * a + b - b / 4 - (b - (b + 8) / 25 + 1) / 3 + 15) % 30;
	int l = (32 + 2 * (b % 4) + 2 * (c / 4) - h - c % 4) % 7;
	int n = h + l - 7 * ((a + 11 * h + 22 * l) / 451) + 114;
	return day_from_ymd(year, n / 31, n % 31 + 1);
}

bool day_is_holiday(day_t day)
{
	static const struct {
		int month, day;
	} fixed[] = { { 1, 1 }, { 5, 1 }, { 5, 8 }, { 7, 14 }, { 8, 15 }, { 11, 1 }, { 11, 11 }, { 12, 25 } };
	if (day == DAY_NONE)
		return false;
	struct ymd d = day_ymd(day);
	if (d.year < 1 || d.year > 9999)
		return false;
	for (size_t i = 0; i < COUNT(fixed); i++)
		if (d.month == fixed[i].month && d.day == fixed[i].day)
			return true;
	if (d.month < 3 || d.month > 6)
		return false;
	int after = day - easter(d.year);
	return after == 1 || after == 39 || after == 50; /* Easter Monday, Ascension, Whit Monday */
}

bool day_is_working(day_t day)
{
	return day != DAY_NONE && day_of_week(day) <= 5 && !day_is_holiday(day);
}

day_t day_add_working(day_t day, int count)
{
	if (day == DAY_NONE)
		return DAY_NONE;
	int step = count < 0 ? -1 : 1;
	while (count) {
		if (__builtin_add_overflow(day, step, &day) || day == DAY_NONE)
			return DAY_NONE;
		if (day_is_working(day))
			count -= step;
	}
	return day;
}

int day_working_between(day_t from, day_t to)
{
	if (from == DAY_NONE || to == DAY_NONE)
		return 0;
	int n = 0;
	for (day_t d = from; d < to;)
		n += day_is_working(++d);
	return n;
}

/* 01:00 UTC of the last Sunday of a month. */
static instant_t last_sunday(int year, int month)
{
	day_t last = day_from_ymd(year, month, 31);
	return (last - day_of_week(last) % 7) * DAY_US + 3600 * SECOND;
}

static instant_t paris_offset(instant_t at)
{
	int year = day_ymd((day_t)floor_div(at, DAY_US)).year;
	bool summer = year >= 1 && year <= 9999 && at >= last_sunday(year, 3) && at < last_sunday(year, 10);
	return (summer ? 2 : 1) * 3600 * SECOND;
}

/* The farthest instants that still have room for an offset. */
static instant_t paris_local(instant_t at)
{
	instant_t local;
	return __builtin_add_overflow(at, paris_offset(at), &local) ? at : local;
}

day_t day_in_paris(instant_t at)
{
	return at == INSTANT_NONE ? DAY_NONE : (day_t)floor_div(paris_local(at), DAY_US);
}

instant_t day_start_paris(day_t day)
{
	instant_t local;
	if (day == DAY_NONE || __builtin_mul_overflow((instant_t)day, DAY_US, &local) || local < INT64_MIN + DAY_US)
		return INSTANT_NONE;
	/* Midnight exists once on every day: the clocks change at 2 or 3 o'clock. */
	instant_t winter = local - 3600 * SECOND, summer = local - 7200 * SECOND;
	return paris_offset(summer) == 7200 * SECOND ? summer : winter;
}

instant_t day_end_paris(day_t day)
{
	return day == DAY_NONE || day == INT32_MAX ? INSTANT_NONE : day_start_paris(day + 1);
}

/* "Z", "+02:00", "+0200" or "+02" (PostgreSQL writes the last). */
static bool read_offset(const char **p, int *seconds)
{
	if (literal(p, 'Z') || literal(p, 'z')) {
		*seconds = 0;
		return true;
	}
	int sign = **p == '+' ? 1 : **p == '-' ? -1 : 0;
	int hours, minutes = 0;
	if (!sign)
		return false;
	++*p;
	if (!digits(p, 2, &hours))
		return false;
	bool more = literal(p, ':') || **p;
	if (more && !digits(p, 2, &minutes))
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return hours <= 23 && minutes <= 59;
}

int instant_parse(const char *text, instant_t *out)
{
	day_t day;
	int hours, minutes, seconds, offset;
	const char *p = text;
	if (!p || !read_day(&p, &day))
		return -1;
	if (!*p) {
		*out = day * DAY_US;
		return 0;
	}
	if (!literal(&p, 'T') && !literal(&p, 't') && !literal(&p, ' '))
		return -1;
	if (!digits(&p, 2, &hours) || !literal(&p, ':') || !digits(&p, 2, &minutes) || !literal(&p, ':') ||
	    !digits(&p, 2, &seconds))
		return -1;
	instant_t fraction = 0;
	if (literal(&p, '.')) {
		instant_t unit = SECOND;
		if (*p < '0' || *p > '9')
			return -1;
		for (; *p >= '0' && *p <= '9'; p++) {
			unit /= 10; /* past the sixth digit it is 0: cut, not rounded */
			fraction += (*p - '0') * unit;
		}
	}
	if (hours > 23 || minutes > 59 || seconds > 60 || !read_offset(&p, &offset) || *p)
		return -1;
	instant_t at = day * DAY_US + (hours * 3600 + minutes * 60 + seconds - offset) * SECOND;
	/* A leap second ends a day of UTC; it counts as the next second. */
	if (seconds == 60 && at % DAY_US != 0)
		return -1;
	*out = at + fraction;
	return 0;
}

char *instant_rfc3339(struct pool *pool, instant_t at)
{
	if (at == INSTANT_NONE)
		return pool_strdup(pool, "");
	int64_t s = floor_div(at, SECOND), day = floor_div(s, 86400);
	int of_day = (int)(s - day * 86400);
	return pool_printf(pool, "%sT%02d:%02d:%02dZ", day_iso(pool, (day_t)day), of_day / 3600, of_day / 60 % 60,
			   of_day % 60);
}

char *instant_french(struct pool *pool, instant_t at)
{
	if (at == INSTANT_NONE)
		return pool_strdup(pool, "");
	int64_t s = floor_div(paris_local(at), SECOND), day = floor_div(s, 86400);
	int of_day = (int)(s - day * 86400);
	return pool_printf(pool, "%s à %d" NBSP "h" NBSP "%02d", day_french(pool, (day_t)day), of_day / 3600,
			   of_day / 60 % 60);
}

int64_t clock_monotonic(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}
