/* The three years of domain.md §4, against a count made day by day. */
#include <string.h>
#include "../lib/test.h"
#include "../../server/base/str.h"
#include "../../workflow/checks.h"

static day_t on(const char *text)
{
	day_t out = DAY_NONE;

	if (day_parse(text, &out))
		fail_msg("not a day: %s", text);
	return out;
}

static uint64_t seed = 0x2545f4914f6cdd1du;

static int random_to(int n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (int)((seed >> 33) % (uint64_t)n);
}

static void random_periods_count_as_a_bitmap_of_days_does(void **state)
{
	enum { SPAN = 3000 };
	const day_t origin = on("2015-01-01");

	(void)state;
	for (int round = 0; round < 4000; round++) {
		struct pool *pool = pool_new();
		struct period p[8];
		size_t count = (size_t)random_to(9);
		day_t diploma = random_to(8) ? origin + random_to(SPAN / 2) : DAY_NONE;
		day_t deposit = origin + SPAN / 2 + random_to(SPAN / 2);
		unsigned char clinical[SPAN] = { 0 }, partly[SPAN] = { 0 };
		int days = 0, with_partly = 0, weighted = 0;
		day_t first = DAY_NONE, last = DAY_NONE;
		struct experience x;

		for (size_t i = 0; i < count; i++) {
			p[i].from = origin + random_to(SPAN);
			p[i].to = random_to(4) ? p[i].from + random_to(random_to(3) ? 900 : 3) : DAY_NONE;
			p[i].clinical = (int)random_to(3) == 0   ? CLINICAL_NO
					: (int)random_to(2) == 0 ? CLINICAL_PARTLY
								 : CLINICAL_YES;
			p[i].share = 1 + random_to(100);
			p[i].structure = "";
			for (day_t d = p[i].from; d <= deposit && (p[i].to == DAY_NONE || d <= p[i].to); d++) {
				if ((diploma != DAY_NONE && d < diploma) || p[i].clinical == CLINICAL_NO)
					continue;
				if (p[i].clinical == CLINICAL_PARTLY)
					partly[d - origin] = 1;
				else if (p[i].share > clinical[d - origin])
					clinical[d - origin] = (unsigned char)p[i].share;
			}
		}
		for (int d = 0; d < SPAN; d++) {
			days += clinical[d] > 0;
			with_partly += clinical[d] || partly[d];
			weighted += clinical[d];
			if (clinical[d] && first == DAY_NONE)
				first = origin + d;
			if (clinical[d])
				last = origin + d;
		}
		experience_compute(p, count, diploma, deposit, pool, &x);
		assert_int_equal(x.days, days);
		assert_int_equal(x.days_with_partly, with_partly);
		assert_int_equal(x.full_time_days, weighted / 100);
		assert_int_equal(x.first, first);
		assert_int_equal(x.last, last);
		assert_true(str_is_utf8(x.formula, strlen(x.formula)));
		pool_free(pool);
	}
}

static struct experience one(struct pool *pool, const char *from, const char *to, const char *diploma,
			     const char *deposit)
{
	struct period p = { .from = on(from),
			    .to = to ? on(to) : DAY_NONE,
			    .clinical = CLINICAL_YES,
			    .share = 100,
			    .structure = "Cabinet" };
	struct experience x;

	experience_compute(&p, 1, on(diploma), on(deposit), pool, &x);
	return x;
}

static void both_ends_the_diploma_and_the_deposit_count(void **state)
{
	struct pool *pool = pool_new();

	(void)state;
	assert_int_equal(one(pool, "2020-01-01", "2020-01-01", "2019-01-01", "2026-01-01").days, 1);
	assert_int_equal(one(pool, "2020-02-28", "2020-03-01", "2019-01-01", "2026-01-01").days, 3); /* leap */
	assert_int_equal(one(pool, "2021-02-28", "2021-03-01", "2019-01-01", "2026-01-01").days, 2);
	assert_int_equal(one(pool, "2020-01-01", "2020-12-31", "2020-12-31", "2026-01-01").days, 1);
	assert_int_equal(one(pool, "2026-01-01", "2026-12-31", "2019-01-01", "2026-01-01").days, 1);
	assert_int_equal(one(pool, "2026-01-02", "2026-12-31", "2019-01-01", "2026-01-01").days, 0);
	assert_int_equal(one(pool, "2020-01-01", "2020-06-30", "2020-07-01", "2026-01-01").days, 0);
	assert_int_equal(one(pool, "2025-12-31", NULL, "2019-01-01", "2026-01-01").days, 2);
	assert_int_equal(one(pool, "2020-06-30", "2020-06-29", "2019-01-01", "2026-01-01").days, 0); /* ends before */
	assert_int_equal(one(pool, "2023-01-01", "2025-12-30", "2019-01-01", "2026-01-01").days, 1095);
	pool_free(pool);
}

static void overlaps_count_once_at_the_largest_share(void **state)
{
	struct pool *pool = pool_new();
	const struct period p[] = {
		{ on("2020-01-01"), on("2020-01-10"), CLINICAL_YES, 50, "A" },
		{ on("2020-01-06"), on("2020-01-15"), CLINICAL_YES, 80, "B" },
		{ on("2020-01-14"), on("2020-01-20"), CLINICAL_PARTLY, 100, "C" },
		{ on("2020-01-01"), on("2020-12-31"), CLINICAL_NO, 100, "D" },
	};
	struct experience x;

	(void)state;
	experience_compute(p, COUNT(p), on("2019-01-01"), on("2026-01-01"), pool, &x);
	assert_int_equal(x.days, 15);
	assert_int_equal(x.days_with_partly, 20);
	assert_int_equal(x.full_time_days, (5 * 50 + 10 * 80) / 100);
	assert_int_equal(x.first, on("2020-01-01"));
	assert_int_equal(x.last, on("2020-01-15"));
	assert_string_equal(
		x.formula,
		"1. A, du 1er\u00a0janvier\u00a02020 au 10\u00a0janvier\u00a02020 à 50\u00a0%\u00a0: 10\u00a0jours.\n"
		"2. B, du 6\u00a0janvier\u00a02020 au 15\u00a0janvier\u00a02020 à 80\u00a0%\u00a0: 5\u00a0jours "
		"(5\u00a0jours déjà comptés).\n"
		"3. C, du 14\u00a0janvier\u00a02020 au 20\u00a0janvier\u00a02020 à 100\u00a0%\u00a0: 5\u00a0jours, en "
		"partie "
		"clinique, à part (2\u00a0jours déjà comptés).\n"
		"4. D, du 1er\u00a0janvier\u00a02020 au 31\u00a0décembre\u00a02020 à 100\u00a0%\u00a0: non clinique, "
		"non "
		"comptée.\n"
		"Total\u00a0: 15\u00a0jours pour 1\u202f095\u00a0jours exigés, 20\u00a0jours avec les périodes en "
		"partie "
		"cliniques. Équivalent temps plein\u00a0: 10\u00a0jours.");
	pool_free(pool);
}

static void the_formula_says_where_a_period_was_cut(void **state)
{
	struct pool *pool = pool_new();
	struct experience x = one(pool, "2018-01-01", NULL, "2020-07-01", "2026-01-01");

	(void)state;
	assert_string_equal(x.formula, "1. Cabinet, depuis le 1er\u00a0janvier\u00a02018 à "
				       "100\u00a0%\u00a0: 2\u202f011\u00a0jours, à partir du diplôme, le "
				       "1er\u00a0juillet\u00a02020, jusqu’au dépôt, le 1er\u00a0janvier\u00a02026.\n"
				       "Total\u00a0: 2\u202f011\u00a0jours pour 1\u202f095\u00a0jours exigés. "
				       "Équivalent temps plein\u00a0: 2\u202f011\u00a0jours.");
	x = one(pool, "2018-01-01", "2018-06-30", "2020-07-01", "2026-01-01");
	assert_non_null(strstr(x.formula, "0\u00a0jour (hors de la durée qui compte).\n"));
	experience_compute(NULL, 0, on("2020-07-01"), on("2026-01-01"), pool, &x);
	assert_int_equal(x.days, 0);
	assert_int_equal(x.first, DAY_NONE);
	assert_string_equal(x.formula, "Total\u00a0: 0\u00a0jour pour 1\u202f095\u00a0jours exigés. "
				       "Équivalent temps plein\u00a0: 0\u00a0jour.");
	pool_free(pool);
}

static void declared_periods_are_read_and_unreadable_ones_left_out(void **state)
{
	struct pool *pool = pool_new();
	struct values v = values_in(pool);
	struct period *p;

	(void)state;
	values_add(&v, "experience[0].from", "2020-01-01");
	values_add(&v, "experience[0].to", "2021-01-01");
	values_add(&v, "experience[0].clinical", "partly");
	values_add(&v, "experience[0].share", "60");
	values_add(&v, "experience[0].structure", "CMP");
	values_add(&v, "experience[1].from", "2021-02-30");
	values_add(&v, "experience[1].clinical", "yes");
	values_add(&v, "experience[2].from", "2022-01-01");
	values_add(&v, "experience[2].to", "");
	values_add(&v, "experience[2].clinical", "yes");
	values_add(&v, "experience[3].from", "2022-01-01");
	values_add(&v, "experience[3].to", "soon");
	values_add(&v, "experience[4].from", "2023-01-01");
	values_add(&v, "experience[4].clinical", "no");
	values_add(&v, "experience[4].share", "900");
	assert_int_equal(experience_periods(&v, pool, &p), 3);
	assert_int_equal(p[0].from, on("2020-01-01"));
	assert_int_equal(p[0].to, on("2021-01-01"));
	assert_int_equal(p[0].clinical, CLINICAL_PARTLY);
	assert_int_equal(p[0].share, 60);
	assert_string_equal(p[0].structure, "CMP");
	assert_int_equal(p[1].to, DAY_NONE);
	assert_int_equal(p[1].clinical, CLINICAL_YES);
	assert_int_equal(p[1].share, 100);
	assert_int_equal(p[2].clinical, CLINICAL_NO);
	assert_int_equal(p[2].share, 100);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_periods_count_as_a_bitmap_of_days_does),
		cmocka_unit_test(both_ends_the_diploma_and_the_deposit_count),
		cmocka_unit_test(overlaps_count_once_at_the_largest_share),
		cmocka_unit_test(the_formula_says_where_a_period_was_cut),
		cmocka_unit_test(declared_periods_are_read_and_unreadable_ones_left_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
