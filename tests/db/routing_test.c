/* Which caisse for a commune, and communes by what people type, over the real reference data. */
#include "../lib/test.h"

#include <string.h>

#include "../../db/commune.h"
#include "../../db/routing.h"
#include "../../server/base/str.h"
#include "../lib/pgtest.h"

static struct pool *pool;
static struct lanes *lanes;

static int setup(void **state)
{
	(void)state;
	pool = pool_new();
	lanes = pgtest_lanes(1, "routing_test");
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	lanes_close(lanes);
	pool_free(pool);
	return 0;
}

static struct route_answer explain(const char *code)
{
	struct route_answer a;
	struct err e;

	if (routing_explain(lanes, pool, code, &a, &e))
		fail_msg("%s", e.detail);
	return a;
}

static void a_commune_is_routed_by_its_own_entry_and_says_why(void **state)
{
	struct route_answer a = explain("59350");

	(void)state;
	assert_string_equal(a.caisse, "595");
	assert_string_equal(a.commune_name, "Lille");
	assert_string_equal(a.rule, "commune");
	assert_non_null(a.confidence);
	assert_true(str_starts(a.explained, "commune 59350 → 595, table valable depuis le 1er"));
	assert_true(str_ends(a.explained, "confiance à confirmer"));
	/* Four caisses in one département: Dunkerque, Maubeuge and Valenciennes are not Lille's. */
	assert_string_not_equal(explain("59183").caisse, "595");
	assert_string_not_equal(explain("59606").caisse, "595");
	assert_string_equal(explain("2A004").caisse, "201");
	assert_string_equal(explain("75101").caisse, "751");
}

static void an_unknown_commune_has_no_caisse_and_no_default(void **state)
{
	/* Saint-Barthélemy, Saint-Pierre-et-Miquelon, nothing at all */
	const char *const codes[] = { "97701", "97502", "99999", "", "59350' or '1'='1", "Lille" };

	(void)state;
	for (size_t i = 0; i < COUNT(codes); i++) {
		struct route_answer a = explain(codes[i]);
		assert_null(a.caisse);
		assert_null(a.confidence);
		assert_string_equal(a.rule, "commune_unknown");
		assert_true(str_ends(a.explained, "inconnue de la table"));
	}
}

static void a_commune_whose_caisse_was_taken_away_is_unrouted(void **state)
{
	(void)state;
	pgtest_sql(pgtest_cluster()->owner_dsn, "update commune set caisse = null where code = '01001'");
	struct route_answer a = explain("01001");
	assert_null(a.caisse);
	assert_non_null(a.commune_name);
	assert_string_equal(a.rule, "no_caisse");
	pgtest_sql(pgtest_cluster()->owner_dsn, "update commune set caisse = '011' where code = '01001'");
}

static size_t search(const char *text, const struct commune **found)
{
	struct arg args[COMMUNE_ARGS];
	const struct rows *r;
	struct err e;

	*found = NULL;
	if (commune_search_args(text, pool, args))
		return 0;
	if (db_run(lanes, pool, LANE_FAST, &commune_search, args, COMMUNE_ARGS, &r, &e))
		fail_msg("%s", e.detail);
	return commune_read(r, pool, found);
}

static const char *meant(const char *text)
{
	const struct commune *found, *one;
	size_t n = search(text, &found);

	one = commune_meant(found, n);
	return one ? one->code : "?";
}

static void communes_are_found_by_postcode_by_name_and_by_both(void **state)
{
	const struct commune *found;

	(void)state;
	assert_string_equal(meant("Lille"), "59350");
	assert_string_equal(meant("  lille "), "59350");
	assert_string_equal(meant("59000 Lille"), "59350");
	assert_string_equal(meant("Lille 59000 cedex"), "59350");
	assert_string_equal(meant("59037 Lille cedex"), "59350");
	assert_string_equal(meant("St Étienne 42000"), "42218");
	assert_string_equal(meant("oeuilly 02160"), "02565");
	assert_string_equal(meant("75001"), "75101");
	assert_string_equal(meant("L'Haÿ-les-Roses"), "94038");
	/* A postcode in two parts, as people write it and as telephones fill it in. */
	assert_string_equal(meant("59 000 Lille"), "59350");
	assert_string_equal(meant("75 001"), "75101");
	assert_string_equal(meant("75\u00a0001"), "75101");
	assert_string_equal(meant("Lille 59\u202f000 cedex"), "59350");
	assert_string_equal(commune_postcode(" 59\u202f000 ", pool), "59000");
	assert_string_equal(commune_postcode("59000", pool), "59000");
	assert_null(commune_postcode("59 000 Lille", pool));
	assert_null(commune_postcode("590 00", pool));
	assert_null(commune_postcode("59 0000", pool));
	assert_null(commune_postcode("", pool));
	/* One postcode, several communes; one name, several places: people choose. */
	assert_true(search("01400", &found) > 1);
	assert_string_equal(meant("01400"), "?");
	assert_true(search("Saint-Denis", &found) > 1);
	assert_string_equal(meant("Saint-Denis"), "?");
	assert_int_equal(found[0].exact, 1);
}

static void a_name_with_one_slip_finds_what_it_may_have_been_as_a_guess_that_is_never_taken(void **state)
{
	static const struct {
		const char *typed, *code;
	} slips[] = {
		{ "Marseile", "13055" },          /* one too few */
		{ "Lilole", "59350" },            /* one too many */
		{ "Bardeaux", "33063" },          /* another one */
		{ "Grenobel", "38185" },          /* two that changed places */
		{ "Bordeau", "33063" },           /* no slip: the beginning of the name */
		{ "Saint Germin en L", "78551" }, /* the beginning of a long one */
		{ "59000 Lile", "59350" },        /* the postcode tells */
	};
	const struct commune *found;

	(void)state;
	for (size_t i = 0; i < COUNT(slips); i++) {
		assert_true(search(slips[i].typed, &found) > 0);
		assert_string_equal(found[0].code, slips[i].code);
		assert_int_equal(found[0].guess, i != 4);
		assert_string_equal(meant(slips[i].typed), "?");
	}
	/* What has an answer has no guesses, what is nowhere near anything has none either, nor has what is no Latin.
	 */
	assert_true(search("Lille", &found) > 0);
	for (size_t i = 0; i < search("Lille", &found); i++)
		assert_false(found[i].guess);
	assert_int_equal(search("xyzzyx", &found), 0);
	assert_int_equal(search("Москвы", &found), 0);
	assert_int_equal(search("l%l_", &found), 0);
	assert_int_equal(search("'; select 1", &found), 0);
}

static void a_postcode_goes_with_the_communes_that_have_it(void **state)
{
	static const struct {
		const char *postcode, *code;
		bool like;
	} pairs[] = {
		{ "59000", "59350", true },  { "59160", "59350", true }, { "59100", "59350", false },
		{ "75011", "59350", false }, { "75111", "75111", true }, { "75011", "75111", true },
		{ "75012", "75111", false }, { "20090", "2A004", true }, { "20200", "2A004", false },
		{ "59037", "59350", true },  /* CEDEX: of no commune, of its département */
		{ "13999", "59350", false }, /* of no commune, and of another */
		{ "97133", "97701", true },  /* a commune that the data does not know */
		{ "5900", "59350", true },   { "", "59350", true },      { "59000", "", true },
	};
	const char *postcodes[COUNT(pairs)], *codes[COUNT(pairs)];
	const struct rows *r;
	size_t told = 0;
	struct err e;

	(void)state;
	for (size_t i = 0; i < COUNT(pairs); i++)
		postcodes[i] = pairs[i].postcode, codes[i] = pairs[i].code;
	if (db_run(lanes, pool, LANE_FAST, &commune_unlike,
		   ARGS(arg_texts(pool, codes, COUNT(codes)), arg_texts(pool, postcodes, COUNT(postcodes))), &r, &e))
		fail_msg("%s", e.detail);
	for (size_t i = 0; i < COUNT(pairs); i++) {
		bool unlike = false;

		for (size_t k = 0; k < rows_count(r); k++)
			unlike |= rows_i64(r, k, "n") == (int64_t)i + 1;
		told += unlike;
		if (unlike == pairs[i].like)
			fail_msg("%s with %s", postcodes[i], codes[i]);
	}
	assert_int_equal(told, rows_count(r));
}

static void what_names_no_commune_finds_none_and_breaks_nothing(void **state)
{
	const char *const texts[] = { "",         " ",           "x",      "zzzzqq",
				      "00000",    "%",           "__",     "'; drop table commune; --",
				      "\xff\xfe", "99999 Lille", "5 9000", "日本" };
	const struct commune *found;

	(void)state;
	for (size_t i = 0; i < COUNT(texts); i++)
		if (search(texts[i], &found))
			fail_msg("\"%s\" found %s", texts[i], found[0].name);
	assert_true(search("saint", &found) == COMMUNE_MOST);
	assert_true(commune_is_code("59350") && commune_is_code("2A004"));
	assert_false(commune_is_code("2C004") || commune_is_code("5935") || commune_is_code("593500"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_commune_is_routed_by_its_own_entry_and_says_why),
		cmocka_unit_test(an_unknown_commune_has_no_caisse_and_no_default),
		cmocka_unit_test(a_commune_whose_caisse_was_taken_away_is_unrouted),
		cmocka_unit_test(communes_are_found_by_postcode_by_name_and_by_both),
		cmocka_unit_test(a_name_with_one_slip_finds_what_it_may_have_been_as_a_guess_that_is_never_taken),
		cmocka_unit_test(a_postcode_goes_with_the_communes_that_have_it),
		cmocka_unit_test(what_names_no_commune_finds_none_and_breaks_nothing),
	};
	return cmocka_run_group_tests(tests, setup, teardown);
}
