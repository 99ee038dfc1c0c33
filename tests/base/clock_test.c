#include <string.h>
#include <stdlib.h>
#include <time.h>
#include "../lib/test.h"
#include "../../server/base/clock.h"

#define NB "\u00A0"

static struct pool *p;

static int setup(void **state)
{
	(void)state;
	p = pool_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_free(p);
	return 0;
}

static day_t on(const char *iso)
{
	day_t d;
	assert_int_equal(day_parse(iso, &d), 0);
	return d;
}

static instant_t at(const char *text)
{
	instant_t t;
	assert_int_equal(instant_parse(text, &t), 0);
	return t;
}

static void assert_day(day_t day, const char *iso)
{
	assert_string_equal(day_iso(p, day), iso);
}

static void every_day_of_eleven_centuries_goes_and_comes_back(void **state)
{
	(void)state;
	struct ymd was = day_ymd(day_from_ymd(1899, 12, 31));
	for (day_t d = day_from_ymd(1900, 1, 1); d <= day_from_ymd(2999, 12, 31); d++) {
		struct ymd y = day_ymd(d);
		assert_int_equal(day_from_ymd(y.year, y.month, y.day), d);
		bool next = y.day == was.day + 1 && y.month == was.month && y.year == was.year;
		bool month = y.day == 1 && y.month == was.month + 1 && y.year == was.year;
		bool year = y.day == 1 && y.month == 1 && was.month == 12 && was.day == 31 && y.year == was.year + 1;
		assert_true(next || month || year);
		was = y;
	}
	assert_int_equal(day_from_ymd(1970, 1, 1), 0);
	assert_int_equal(day_from_ymd(2000, 3, 1), 11017);
	assert_int_equal(day_from_ymd(1969, 12, 31), -1);
}

static void days_agree_with_the_c_library(void **state)
{
	(void)state;
	for (day_t d = -40000; d < 200000; d += 37) {
		time_t t = (time_t)d * 86400;
		struct tm tm;
		gmtime_r(&t, &tm);
		struct ymd y = day_ymd(d);
		assert_int_equal(y.year, tm.tm_year + 1900);
		assert_int_equal(y.month, tm.tm_mon + 1);
		assert_int_equal(y.day, tm.tm_mday);
		assert_int_equal(day_of_week(d) % 7, tm.tm_wday);
	}
}

static void the_29_of_february_exists_every_fourth_year_but(void **state)
{
	(void)state;
	assert_int_not_equal(day_from_ymd(2024, 2, 29), DAY_NONE);
	assert_int_not_equal(day_from_ymd(2000, 2, 29), DAY_NONE);
	assert_int_equal(day_from_ymd(2023, 2, 29), DAY_NONE);
	assert_int_equal(day_from_ymd(1900, 2, 29), DAY_NONE);
	assert_int_equal(day_from_ymd(2100, 2, 29), DAY_NONE);
	assert_int_equal(day_from_ymd(2024, 2, 30), DAY_NONE);
	assert_int_equal(day_from_ymd(2024, 4, 31), DAY_NONE);
	assert_int_equal(day_from_ymd(2024, 13, 1), DAY_NONE);
	assert_int_equal(day_from_ymd(2024, 0, 1), DAY_NONE);
	assert_int_equal(day_from_ymd(2024, 1, 0), DAY_NONE);
	assert_int_equal(day_from_ymd(0, 1, 1), DAY_NONE);
	assert_int_equal(day_from_ymd(10000, 1, 1), DAY_NONE);
}

static void only_exact_iso_dates_are_read(void **state)
{
	(void)state;
	static const char *const bad[] = { "",           "2026",        "2026-1-1",    "2026-01-1",
					   "26-01-01",   "2026-01-01 ", " 2026-01-01", "2026/01/01",
					   "2026-02-29", "2026-13-01",  "2026-00-10",  "1899-12-31",
					   "3000-01-01", "2026-01-01T", "+026-01-01",  "2026-01-0x" };
	day_t d = 5;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(day_parse(bad[i], &d), -1);
	assert_int_equal(day_parse(NULL, &d), -1);
	assert_int_equal(d, 5);
	assert_int_equal(day_parse("1900-01-01", &d), 0);
	assert_int_equal(day_parse("2999-12-31", &d), 0);
	assert_day(d, "2999-12-31");
	assert_day(DAY_NONE, "");
}

static void french_dates_have_no_break_spaces(void **state)
{
	(void)state;
	assert_string_equal(day_french(p, on("2026-11-21")), "21" NB "novembre" NB "2026");
	assert_string_equal(day_french(p, on("2027-03-01")), "1er" NB "mars" NB "2027");
	assert_string_equal(day_french(p, on("2027-02-11")), "11" NB "février" NB "2027");
	assert_string_equal(day_french(p, DAY_NONE), "");
}

static void months_are_calendar_months(void **state)
{
	(void)state;
	assert_day(day_add_months(on("2026-01-31"), 1), "2026-02-28");
	assert_day(day_add_months(on("2024-01-31"), 1), "2024-02-29");
	assert_day(day_add_months(on("2024-02-29"), 12), "2025-02-28");
	assert_day(day_add_months(on("2024-02-29"), 48), "2028-02-29");
	assert_day(day_add_months(on("2026-10-31"), 4), "2027-02-28");
	assert_day(day_add_months(on("2026-12-15"), 2), "2027-02-15");
	assert_day(day_add_months(on("2026-03-31"), -1), "2026-02-28");
	assert_day(day_add_months(on("2026-01-15"), -13), "2024-12-15");
	assert_day(day_add_months(on("2026-01-15"), 0), "2026-01-15");
	assert_int_equal(day_add_months(DAY_NONE, 1), DAY_NONE);
	assert_int_equal(day_add_months(on("2026-01-15"), INT32_MAX), DAY_NONE);
	assert_int_equal(day_add_months(on("2026-01-15"), INT32_MIN), DAY_NONE);
}

static void easter_moves_three_holidays(void **state)
{
	(void)state;
	/* Easter Monday, Ascension, Whit Monday */
	static const char
		*const holidays[] = {
			"2024-04-01", "2024-05-09", "2024-05-20", "2025-04-21", "2025-05-29",
			"2025-06-09", "2026-04-06", "2026-05-14", "2026-05-25", "2027-03-29",
			"2027-05-06", "2027-05-17", "2038-04-26", /* the latest Easter there is */
			"2008-03-24",                             /* nearly the earliest */
		};
	for (size_t i = 0; i < COUNT(holidays); i++)
		assert_true(day_is_holiday(on(holidays[i])));
	assert_false(day_is_holiday(on("2026-04-03"))); /* Good Friday is one in Alsace and Moselle only */
	assert_false(day_is_holiday(on("2026-04-05"))); /* Easter itself is a Sunday */
	assert_false(day_is_holiday(on("2026-12-26")));
	assert_false(day_is_holiday(DAY_NONE));
}

static void a_year_has_eleven_holidays(void **state)
{
	(void)state;
	for (int year = 1990; year < 2100; year++) {
		int n = 0, both = 0;
		for (day_t d = day_from_ymd(year, 1, 1); d <= day_from_ymd(year, 12, 31); d++)
			n += day_is_holiday(d);
		/* Ascension may fall on 1 May (2008) or 8 May (1997, 2059…). */
		for (int k = 1; k <= 8; k += 7)
			both += day_of_week(day_from_ymd(year, 5, k)) == 4 &&
				day_is_holiday(day_from_ymd(year, 5, k) + 11) &&
				day_of_week(day_from_ymd(year, 5, k) + 11) == 1;
		assert_int_equal(n, 11 - both);
	}
}

static void working_days_skip_weekends_and_holidays(void **state)
{
	(void)state;
	assert_true(day_is_working(on("2026-11-20")));
	assert_false(day_is_working(on("2026-11-21")));
	assert_false(day_is_working(on("2026-11-22")));
	assert_false(day_is_working(on("2026-11-11")));
	assert_day(day_add_working(on("2026-11-20"), 1), "2026-11-23");
	assert_day(day_add_working(on("2026-12-24"), 1), "2026-12-28");
	assert_day(day_add_working(on("2026-04-03"), 1), "2026-04-07");
	assert_day(day_add_working(on("2026-11-23"), -1), "2026-11-20");
	assert_day(day_add_working(on("2026-11-21"), 0), "2026-11-21");
	assert_day(day_add_working(on("2026-05-01"), 30), "2026-06-17");
	assert_int_equal(day_add_working(DAY_NONE, 3), DAY_NONE);
	assert_int_equal(day_working_between(on("2026-11-20"), on("2026-11-23")), 1);
	assert_int_equal(day_working_between(on("2026-11-20"), on("2026-11-20")), 0);
	assert_int_equal(day_working_between(on("2026-11-23"), on("2026-11-20")), 0);
	assert_int_equal(day_working_between(on("2026-04-30"), on("2026-05-31")), 17);
	assert_int_equal(day_working_between(DAY_NONE, on("2026-05-31")), 0);
	for (int n = 1; n < 400; n++)
		assert_int_equal(day_working_between(on("2026-01-01"), day_add_working(on("2026-01-01"), n)), n);
}

static void paris_days_follow_summer_time(void **state)
{
	(void)state;
	/* winter: the day turns at 23:00 UTC; summer: at 22:00 UTC */
	assert_day(day_in_paris(at("2026-01-15T22:59:59Z")), "2026-01-15");
	assert_day(day_in_paris(at("2026-01-15T23:00:00Z")), "2026-01-16");
	assert_day(day_in_paris(at("2026-07-15T21:59:59Z")), "2026-07-15");
	assert_day(day_in_paris(at("2026-07-15T22:00:00Z")), "2026-07-16");
	assert_int_equal(day_in_paris(INSTANT_NONE), DAY_NONE);
	assert_string_equal(instant_rfc3339(p, day_start_paris(on("2026-01-16"))), "2026-01-15T23:00:00Z");
	assert_string_equal(instant_rfc3339(p, day_start_paris(on("2026-07-16"))), "2026-07-15T22:00:00Z");
}

static void the_days_when_the_clocks_change_have_23_and_25_hours(void **state)
{
	(void)state;
	day_t spring = on("2026-03-29"), autumn = on("2026-10-25");
	assert_true(day_end_paris(spring) - day_start_paris(spring) == 23 * 3600 * SECOND);
	assert_true(day_end_paris(autumn) - day_start_paris(autumn) == 25 * 3600 * SECOND);
	assert_string_equal(instant_rfc3339(p, day_start_paris(spring)), "2026-03-28T23:00:00Z");
	assert_string_equal(instant_rfc3339(p, day_end_paris(spring)), "2026-03-29T22:00:00Z");
	assert_string_equal(instant_rfc3339(p, day_start_paris(autumn)), "2026-10-24T22:00:00Z");
	assert_string_equal(instant_rfc3339(p, day_end_paris(autumn)), "2026-10-25T23:00:00Z");
	assert_string_equal(instant_french(p, at("2026-03-29T00:59:59Z")), "29" NB "mars" NB "2026 à 1" NB "h" NB "59");
	assert_string_equal(instant_french(p, at("2026-03-29T01:00:00Z")), "29" NB "mars" NB "2026 à 3" NB "h" NB "00");
	assert_string_equal(instant_french(p, at("2026-10-25T00:59:59Z")),
			    "25" NB "octobre" NB "2026 à 2" NB "h" NB "59");
	assert_string_equal(instant_french(p, at("2026-10-25T01:00:00Z")),
			    "25" NB "octobre" NB "2026 à 2" NB "h" NB "00");
	/* 31 March is itself the last Sunday in 2024, and 25 the earliest it can be */
	assert_true(day_end_paris(on("2024-03-31")) - day_start_paris(on("2024-03-31")) == 23 * 3600 * SECOND);
	assert_true(day_end_paris(on("2029-03-25")) - day_start_paris(on("2029-03-25")) == 23 * 3600 * SECOND);
}

static void paris_agrees_with_the_system_zone(void **state)
{
	(void)state;
	setenv("TZ", "Europe/Paris", 1);
	tzset();
	time_t july = 1752573600;
	struct tm tm;
	if (!localtime_r(&july, &tm) || tm.tm_isdst != 1)
		skip(); /* no zone files on this machine */
	for (time_t t = 946684800; t < 2145916800; t += 1801 * 13) {
		localtime_r(&t, &tm);
		day_t d = day_in_paris(t * SECOND);
		struct ymd y = day_ymd(d);
		assert_int_equal(y.day, tm.tm_mday);
		assert_true(day_start_paris(d) <= t * SECOND && t * SECOND < day_end_paris(d));
	}
	unsetenv("TZ");
	tzset();
}

static void a_day_ends_when_the_next_one_starts(void **state)
{
	(void)state;
	for (day_t d = on("2020-01-01"); d < on("2032-01-01"); d++) {
		assert_true(day_end_paris(d) == day_start_paris(d + 1));
		assert_int_equal(day_in_paris(day_start_paris(d)), d);
		assert_int_equal(day_in_paris(day_end_paris(d) - 1), d);
		assert_int_equal(day_in_paris(day_end_paris(d)), d + 1);
	}
	assert_true(day_start_paris(DAY_NONE) == INSTANT_NONE);
	assert_true(day_end_paris(DAY_NONE) == INSTANT_NONE);
	assert_true(day_end_paris(INT32_MAX) == INSTANT_NONE);
	assert_true(day_start_paris(INT32_MAX) == INSTANT_NONE);
	assert_true(day_start_paris(INT32_MIN + 1) == INSTANT_NONE);
}

static void instants_are_read_with_any_offset(void **state)
{
	(void)state;
	instant_t t = at("2026-11-22T00:32:58Z");
	assert_string_equal(instant_rfc3339(p, t), "2026-11-22T00:32:58Z");
	assert_true(at("2026-11-22t00:32:58z") == t);
	assert_true(at("2026-11-22 00:32:58+00") == t);
	assert_true(at("2026-11-22T01:32:58+01:00") == t);
	assert_true(at("2026-11-21T19:02:58-05:30") == t);
	assert_true(at("2026-11-22T02:32:58+0200") == t);
	assert_true(at("2026-11-22T00:32:58.25Z") == t + 250000);
	assert_true(at("2026-11-22T00:32:58.1234567Z") == t + 123456);
	assert_true(at("2026-11-22") == at("2026-11-22T00:00:00Z"));
	assert_true(at("2016-12-31T23:59:60Z") == at("2017-01-01T00:00:00Z"));
	assert_true(at("1969-12-31T23:59:59.5Z") == -500000);
	assert_string_equal(instant_rfc3339(p, -500000), "1969-12-31T23:59:59Z");
	assert_string_equal(instant_rfc3339(p, INSTANT_NONE), "");
}

static void what_is_not_an_instant_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"",
		"2026-11-22T",
		"2026-11-22T00:32",
		"2026-11-22T00:32:58",
		"2026-11-22T24:00:00Z",
		"2026-11-22T00:60:00Z",
		"2026-11-22T00:00:61Z",
		"2026-11-22T00:32:60Z",
		"2026-02-29T00:00:00Z",
		"2026-11-22T00:32:58.Z",
		"2026-11-22T00:32:58+24:00",
		"2026-11-22T00:32:58+01:60",
		"2026-11-22T00:32:58+1:00",
		"2026-11-22T00:32:58+01:",
		"2026-11-22T00:32:58ZZ",
		"2026-11-22T00:32:58 Z",
		"2026-11-22x00:32:58Z",
	};
	instant_t t = 5;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(instant_parse(bad[i], &t), -1);
	assert_int_equal(instant_parse(NULL, &t), -1);
	assert_true(t == 5);
}

static void french_instants_are_in_paris_time(void **state)
{
	(void)state;
	assert_string_equal(instant_french(p, at("2026-11-21T13:05:00Z")),
			    "21" NB "novembre" NB "2026 à 14" NB "h" NB "05");
	assert_string_equal(instant_french(p, at("2026-07-31T22:05:59Z")),
			    "1er" NB "août" NB "2026 à 0" NB "h" NB "05");
	assert_string_equal(instant_french(p, INSTANT_NONE), "");
	/* the ends of what an instant can hold do not overflow */
	assert_non_null(instant_french(p, INT64_MAX));
	assert_non_null(instant_rfc3339(p, INT64_MIN + 1));
}

static void the_monotonic_clock_goes_forward(void **state)
{
	(void)state;
	int64_t a = clock_monotonic();
	struct timespec wait = { .tv_nsec = 2000000 };
	nanosleep(&wait, NULL);
	int64_t b = clock_monotonic();
	assert_in_range(b - a, 2000, 60000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_day_of_eleven_centuries_goes_and_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(days_agree_with_the_c_library, setup, teardown),
		cmocka_unit_test_setup_teardown(the_29_of_february_exists_every_fourth_year_but, setup, teardown),
		cmocka_unit_test_setup_teardown(only_exact_iso_dates_are_read, setup, teardown),
		cmocka_unit_test_setup_teardown(french_dates_have_no_break_spaces, setup, teardown),
		cmocka_unit_test_setup_teardown(months_are_calendar_months, setup, teardown),
		cmocka_unit_test_setup_teardown(easter_moves_three_holidays, setup, teardown),
		cmocka_unit_test_setup_teardown(a_year_has_eleven_holidays, setup, teardown),
		cmocka_unit_test_setup_teardown(working_days_skip_weekends_and_holidays, setup, teardown),
		cmocka_unit_test_setup_teardown(paris_days_follow_summer_time, setup, teardown),
		cmocka_unit_test_setup_teardown(the_days_when_the_clocks_change_have_23_and_25_hours, setup, teardown),
		cmocka_unit_test_setup_teardown(paris_agrees_with_the_system_zone, setup, teardown),
		cmocka_unit_test_setup_teardown(a_day_ends_when_the_next_one_starts, setup, teardown),
		cmocka_unit_test_setup_teardown(instants_are_read_with_any_offset, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_an_instant_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(french_instants_are_in_paris_time, setup, teardown),
		cmocka_unit_test_setup_teardown(the_monotonic_clock_goes_forward, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
