/* Tables as files: what a spreadsheet must not take for a formula, and what leaves nothing behind. */
#include "../lib/test.h"

#include <string.h>

#include "../../server/base/pool.h"
#include "../../server/pages/statistics_draw.h"
#include "../../server/sheet.h"

static const char *csv(struct pool *p, const char *const *texts, size_t n)
{
	struct err e;
	const void *bytes;
	size_t size;
	struct sheet *s = sheet_open(SHEET_CSV, "t", p, &e);

	for (size_t i = 0; i < n; i++)
		sheet_text(s, texts[i]);
	sheet_row(s);
	assert_int_equal(sheet_end(s, &bytes, &size, &e), 0);
	assert_int_equal(strlen(bytes), size);
	return bytes;
}
#define CSV(...) csv(p, (const char *const[]){ __VA_ARGS__ }, COUNT(((const char *const[]){ __VA_ARGS__ })))

static void csv_has_its_mark_semicolons_and_crlf(void **state)
{
	struct pool *p = pool_new();

	(void)state;
	assert_string_equal(CSV("a", "é", NULL, "x;y", "di\"t", "deux\nlignes"),
			    "\xEF\xBB\xBF"
			    "a;é;;\"x;y\";\"di\"\"t\";\"deux\nlignes\"\r\n");
	pool_free(p);
}

static void csv_texts_that_look_like_formulas_are_texts(void **state)
{
	struct pool *p = pool_new();

	(void)state;
	assert_string_equal(CSV("=1+1", "+33", "-x", "@SUM(A1)", "\tx", "=a;b"),
			    "\xEF\xBB\xBF"
			    "'=1+1;'+33;'-x;'@SUM(A1);'\tx;\"'=a;b\"\r\n");
	pool_free(p);
}

static void csv_numbers_and_days_are_as_a_french_spreadsheet_reads_them(void **state)
{
	struct pool *p = pool_new();
	struct err e;
	const void *bytes;
	size_t size;
	struct sheet *s = sheet_open(SHEET_CSV, "t", p, &e);

	(void)state;
	sheet_int(s, -12);
	sheet_number(s, 1234.5, 2);
	sheet_day(s, day_from_ymd(2025, 2, 28));
	sheet_day(s, DAY_NONE);
	sheet_empty(s);
	sheet_row(s);
	assert_int_equal(sheet_end(s, &bytes, &size, &e), 0);
	assert_string_equal(bytes, "\xEF\xBB\xBF"
				   "-12;1234,50;2025-02-28;;\r\n");
	pool_free(p);
}

static void xlsx_is_a_whole_archive_even_with_odd_titles_and_many_rows(void **state)
{
	struct pool *p = pool_new();
	struct err e;
	const void *bytes;
	size_t size;
	struct sheet *s = sheet_open(SHEET_XLSX, "[un]:titre*/?\\ beaucoup trop long pour Excel, éàü", p, &e);

	(void)state;
	assert_non_null(s);
	for (int i = 0; i < 2000; i++) {
		sheet_text(s, "=1+1");
		sheet_int(s, i);
		sheet_number(s, i / 3.0, 1);
		sheet_day(s, day_from_ymd(2025, 2, 28));
		sheet_empty(s);
		sheet_row(s);
	}
	assert_int_equal(sheet_end(s, &bytes, &size, &e), 0);
	assert_true(size > 5000);
	assert_memory_equal(bytes, "PK\3\4", 4);
	/* The end record of a zip: nothing was cut. */
	assert_memory_equal((const char *)bytes + size - 22, "PK\5\6", 4);
	pool_free(p);
}

static void a_sheet_that_was_never_ended_leaves_nothing(void **state)
{
	struct pool *p = pool_new();
	struct err e;
	struct sheet *s = sheet_open(SHEET_XLSX, "t", p, &e);

	(void)state;
	sheet_text(s, "x");
	sheet_row(s);
	pool_free(p);
}

static void numbers_are_written_in_french(void **state)
{
	struct pool *p = pool_new();

	(void)state;
	assert_string_equal(draw_int(p, 0), "0");
	assert_string_equal(draw_int(p, 999), "999");
	assert_string_equal(draw_int(p, 5217), "5\u202f217");
	assert_string_equal(draw_int(p, -1234567), "−1\u202f234\u202f567");
	assert_string_equal(draw_number(p, 4.06, 1), "4,1");
	assert_string_equal(draw_number(p, 5.0, 1), "5");
	assert_string_equal(draw_number(p, 100, 0), "100");
	assert_string_equal(draw_number(p, 1000.25, 2), "1\u202f000,25");
	assert_string_equal(draw_fixed(p, 7, 1), "7,0");
	pool_free(p);
}

static void a_chart_of_nothing_is_still_a_picture(void **state)
{
	struct pool *p = pool_new();
	struct figures_point one = { .day = day_from_ymd(2025, 2, 28), .total = 0 };

	(void)state;
	assert_non_null(strstr(draw_chart(p, NULL, 0).html, "</svg>"));
	assert_null(strstr(draw_chart(p, &one, 1).html, "nan"));
	assert_null(strstr(draw_chart(p, &one, 1).html, "style="));
	pool_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_has_its_mark_semicolons_and_crlf),
		cmocka_unit_test(csv_texts_that_look_like_formulas_are_texts),
		cmocka_unit_test(csv_numbers_and_days_are_as_a_french_spreadsheet_reads_them),
		cmocka_unit_test(xlsx_is_a_whole_archive_even_with_odd_titles_and_many_rows),
		cmocka_unit_test(a_sheet_that_was_never_ended_leaves_nothing),
		cmocka_unit_test(numbers_are_written_in_french),
		cmocka_unit_test(a_chart_of_nothing_is_still_a_picture),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
