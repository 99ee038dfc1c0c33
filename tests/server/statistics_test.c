/* The sentence that leads from the conventions to the directory: its numbers, and French for none, one and many. */
#include "../lib/test.h"

#include <string.h>

#include "../../server/base/str.h"
#include "../../server/pages/statistics.h"

#define NBSP "\u00a0"
#define LEAVING NBSP "en préavis (convention résiliée qui court encore)"
#define LATER " dont la convention n’a pas encore pris effet"
#define UNLISTED " dont la fiche n’est plus confirmée"

static void none_one_and_many_are_written_as_a_person_would(void **state)
{
	static const struct {
		int64_t stock, leaving, later, unlisted;
		const char *said;
	} cases[] = {
		{ 0, 0, 0, 0, "L’annuaire n’en présente aucun." },
		{ 1, 0, 0, 0, "L’annuaire présente ce psychologue." },
		{ 12, 0, 0, 0, "L’annuaire présente ces 12" NBSP "psychologues." },
		{ 12, 7, 0, 0,
		  "L’annuaire en présente aujourd’hui 19" NBSP ": les 12" NBSP "conventionnés, plus 7" LEAVING "." },
		{ 12, 0, 1, 0,
		  "L’annuaire en présente aujourd’hui 11" NBSP ": les 12" NBSP "conventionnés, moins 1" LATER "." },
		{ 12, 0, 0, 2,
		  "L’annuaire en présente aujourd’hui 10" NBSP ": les 12" NBSP "conventionnés, moins 2" UNLISTED "." },
		{ 12, 1, 5, 6,
		  "L’annuaire en présente aujourd’hui 2" NBSP ": les 12" NBSP "conventionnés, plus 1" LEAVING
		  ", moins 5" LATER " et 6" UNLISTED "." },
		{ 1, 0, 1, 0,
		  "L’annuaire n’en présente aucun aujourd’hui" NBSP ": 1" NBSP "conventionné, moins 1" LATER "." },
		{ 0, 3, 0, 0, "L’annuaire en présente aujourd’hui 3" NBSP ": 3" LEAVING "." },
		{ 0, 3, 0, 1, "L’annuaire en présente aujourd’hui 2" NBSP ": 3" LEAVING ", moins 1" UNLISTED "." },
	};
	struct pool *pool = pool_new();

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		assert_string_equal(statistics_directory(pool, false, cases[i].stock, cases[i].leaving, cases[i].later,
							 cases[i].unlisted),
				    cases[i].said);
	pool_free(pool);
}

static void the_public_is_told_no_number_of_one_to_four(void **state)
{
	struct pool *pool = pool_new();

	(void)state;
	for (int64_t leaving = 0; leaving < 7; leaving++)
		for (int64_t later = 0; later < 7; later++)
			for (int64_t unlisted = 0; unlisted < 7; unlisted++) {
				const char *said = statistics_directory(pool, true, 500, leaving, later, unlisted);
				bool small =
					(leaving && leaving < 5) || (later && later < 5) || (unlisted && unlisted < 5);
				int64_t listed = 500 + leaving - later - unlisted;

				assert_non_null(strstr(said, pool_printf(pool, "%lld", (long long)listed)));
				assert_int_equal(strpbrk(said, "0123456789") && strstr(said, NBSP "conventionnés"),
						 !small && (leaving || later || unlisted));
				if (small) /* one number: who is listed */
					assert_null(strpbrk(strpbrk(said, "0123456789") + 3, "0123456789"));
			}
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(none_one_and_many_are_written_as_a_person_would),
		cmocka_unit_test(the_public_is_told_no_number_of_one_to_four),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
