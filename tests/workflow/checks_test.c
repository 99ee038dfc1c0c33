/* The checks of domain.md §4, one by one. */
#include <stdio.h>
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

/* Someone whose file passes every check. */
struct person {
	struct pool *pool;
	struct values answers;
	struct registry_line lines[3];
	struct check_input in;
	struct check_result r[CHECKS];
};

static struct person *person_new(void)
{
	struct pool *pool = pool_new();
	struct person *p = POOL_NEW(pool, struct person);

	p->pool = pool;
	p->answers = values_in(pool);
	values_add(&p->answers, "last_name", "Lévêque");
	values_add(&p->answers, "first_name", "Jean-Noël");
	values_add(&p->answers, "rpps", "99900000029");
	values_add(&p->answers, "address_commune", "76351");
	values_add(&p->answers, "diploma_kind", "master");
	values_add(&p->answers, "diploma_date", "2015-07-01");
	values_add(&p->answers, "diploma_place", "Rouen");
	values_add(&p->answers, "experience[0].from", "2018-01-01");
	values_add(&p->answers, "experience[0].to", "2020-12-31");
	values_add(&p->answers, "experience[0].clinical", "yes");
	values_add(&p->answers, "experience[0].share", "80");
	values_add(&p->answers, "experience[0].structure", "CMP \"Le \\ Havre\"");
	p->lines[0] = (struct registry_line){ "93", "LÉVÊQUE", "JEAN NOEL", "ARS/ARS/ARS", "76", "S" };
	p->in = (struct check_input){ .answers = &p->answers,
				      .deposit = on("2026-11-21"),
				      .registry_there = true,
				      .registry_day = on("2026-11-01"),
				      .lines = p->lines,
				      .line_count = 1,
				      .commune_known = true,
				      .departement = "76" };
	return p;
}

static void expect_text(struct pool *pool, const char *reason)
{
	static char texts[65536];
	FILE *in;

	if (!*texts) {
		in = fopen("server/text/why.xml", "rb");
		if (!in)
			fail_msg("cannot open server/text/why.xml: run the tests from the root of the repository");
		texts[fread(texts, 1, sizeof(texts) - 1, in)] = 0;
		fclose(in);
	}
	if (!strstr(texts, pool_printf(pool, "<t id=\"check.%s\">", reason)))
		fail_msg("no text for check.%s", reason);
}

static void expect(struct person *p, enum check c, enum result result, const char *reason)
{
	checks_run(&p->in, p->pool, p->r);
	for (int i = 0; i < CHECKS; i++) {
		assert_int_equal(p->r[i].check, i);
		assert_true(p->r[i].reason && p->r[i].source && p->r[i].evidence);
		assert_true(p->r[i].evidence[0] == '{');
		expect_text(p->pool, p->r[i].reason);
	}
	assert_string_equal(p->r[c].reason, reason);
	assert_string_equal(result_id(p->r[c].result), result_id(result));
}

static void a_good_file_passes_everything_and_says_from_where(void **state)
{
	struct person *p = person_new();

	(void)state;
	expect(p, CHECK_RPPS, RESULT_PASS, "rpps_found");
	expect(p, CHECK_IDENTITY, RESULT_PASS, "identity_match");
	expect(p, CHECK_ARS, RESULT_PASS, "ars_registered");
	expect(p, CHECK_DIPLOMA, RESULT_PASS, "diploma_accepted");
	expect(p, CHECK_EXPERIENCE, RESULT_PASS, "experience_enough");
	expect(p, CHECK_DUPLICATE, RESULT_PASS, "duplicate_none");
	expect(p, CHECK_DOCUMENTS, RESULT_PASS, "documents_good");
	expect(p, CHECK_ADDRESS, RESULT_PASS, "address_known");
	assert_int_equal(checks_verdict(p->r, CHECKS), RESULT_PASS);
	assert_string_equal(p->r[CHECK_RPPS].source, "registre du 1er\u00a0novembre\u00a02026");
	assert_string_equal(p->r[CHECK_RPPS].evidence,
			    "{\"available\":true,\"other_lines\":0,\"psychologist_lines\":1,\"rpps\":\"99900000029\"}");
	assert_string_equal(p->r[CHECK_IDENTITY].evidence,
			    "{\"available\":true,\"declared\":\"Jean-Noël Lévêque\",\"note\":"
			    "\"\",\"registry\":[\"JEAN NOEL LÉVÊQUE\"]}");
	assert_string_equal(p->r[CHECK_ARS].evidence, "{\"authorities\":[\"ARS/ARS/ARS\"],\"available\":true,"
						      "\"departement\":\"76\",\"registry_departements\":[\"76\"]}");
	assert_string_equal(p->r[CHECK_EXPERIENCE].evidence,
			    "{\"diploma\":\"2015-07-01\",\"needed\":1095,\"periods\":[{\"clinical\":\"yes\",\"from\":"
			    "\"2018-01-01\",\"share\":80,\"structure\":\"CMP \\\"Le \\\\ Havre\\\"\",\"to\":"
			    "\"2020-12-31\"}]}");
	pool_free(p->pool);
}

static void without_a_registry_three_checks_are_unavailable(void **state)
{
	struct person *p = person_new();

	(void)state;
	p->in.registry_there = false;
	p->in.registry_day = DAY_NONE;
	p->in.line_count = 0;
	expect(p, CHECK_RPPS, RESULT_UNAVAILABLE, "registry_unavailable");
	expect(p, CHECK_IDENTITY, RESULT_UNAVAILABLE, "registry_unavailable");
	expect(p, CHECK_ARS, RESULT_UNAVAILABLE, "registry_unavailable");
	expect(p, CHECK_DIPLOMA, RESULT_PASS, "diploma_accepted");
	assert_string_equal(p->r[CHECK_RPPS].source, "registre");
	assert_int_equal(checks_verdict(p->r, CHECKS), RESULT_UNAVAILABLE);
	pool_free(p->pool);
}

static void only_profession_93_counts(void **state)
{
	struct person *p = person_new();

	(void)state;
	p->lines[0].profession = "72";
	expect(p, CHECK_RPPS, RESULT_FAIL, "rpps_other_profession");
	expect(p, CHECK_ARS, RESULT_REVIEW, "ars_no_authority");
	p->lines[1] = p->lines[0];
	p->lines[1].profession = "93";
	p->in.line_count = 2;
	expect(p, CHECK_RPPS, RESULT_PASS, "rpps_found");
	p->in.fhir_inactive = true;
	expect(p, CHECK_RPPS, RESULT_REVIEW, "rpps_inactive");
	assert_string_equal(p->r[CHECK_RPPS].source, "fhir");
	p->in.line_count = 0;
	expect(p, CHECK_RPPS, RESULT_FAIL, "rpps_not_found");
	expect(p, CHECK_IDENTITY, RESULT_REVIEW, "identity_not_found");
	expect(p, CHECK_ARS, RESULT_REVIEW, "ars_not_found");
	assert_int_equal(checks_verdict(p->r, CHECKS), RESULT_FAIL);
	pool_free(p->pool);
}

static void names_are_compared_without_accents_hyphens_apostrophes_or_case(void **state)
{
	static const struct {
		const char *last, *first, *registry_last, *registry_first;
		bool same;
	} cases[] = {
		{ "Lévêque", "Jean-Noël", "LEVEQUE", "JEAN NOEL", true },
		{ "Le\u0301ve\u0302que", "Jean", "LÉVÊQUE", "Jean-Noël", true }, /* decomposed */
		{ "N’Guessan", "Aïcha", "N'GUESSAN", "AICHA", true },
		{ "N'Guessan", "Aïcha", "NGUESSAN", "aicha fatou", true },
		{ "Martin-Exemple", "Camille", "MARTIN EXEMPLE", "CAMILLE", true },
		{ "de La Tour", "Zoé", "DELATOUR", "ZOE", true },
		{ "Çelik", "Ünal", "CELIK", "UNAL", true },
		{ "  Dupont ", " Élodie ", "DUPONT", "ELODIE", true },
		{ "Dupont", "Marie Anne", "DUPONT", "MARIE-CLAUDE", true }, /* first word only */
		{ "Dupont", "Marieanne", "DUPONT", "MARIE-ANNE", false },
		{ "Dupont", "Anne", "DUPONT", "MARIE ANNE", false },
		{ "Dupond", "Élodie", "DUPONT", "ELODIE", false },
		{ "Dupont-Martin", "Élodie", "DUPONT", "ELODIE", false }, /* married name: a person decides */
		{ "Dupont", "", "DUPONT", "", false },
		{ "", "Élodie", "", "ELODIE", false },
		{ "-", "'", "-", "'", false },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct person *p = person_new();

		values_set(&p->answers, "last_name", cases[i].last);
		values_set(&p->answers, "first_name", cases[i].first);
		p->lines[0].last_name = cases[i].registry_last;
		p->lines[0].first_name = cases[i].registry_first;
		expect(p, CHECK_IDENTITY, cases[i].same ? RESULT_PASS : RESULT_REVIEW,
		       cases[i].same ? "identity_match" : "identity_differs");
		pool_free(p->pool);
	}
}

static void the_ars_registration_must_be_of_a_psychologist_of_the_departement(void **state)
{
	struct person *p = person_new();

	(void)state;
	p->in.departement = "59";
	expect(p, CHECK_ARS, RESULT_REVIEW, "ars_other_departement");
	p->lines[1] = (struct registry_line){ "93", "LÉVÊQUE", "Jean-Noël", "", "59", "L" };
	p->in.line_count = 2; /* authority on one line, département on another */
	expect(p, CHECK_ARS, RESULT_PASS, "ars_registered");
	p->in.departement = NULL;
	expect(p, CHECK_ARS, RESULT_REVIEW, "ars_address_unknown");
	p->in.departement = "59";
	p->lines[0].authority = "CNOM";
	expect(p, CHECK_ARS, RESULT_REVIEW, "ars_no_authority");
	p->lines[0].authority = NULL;
	p->lines[1].departement = NULL;
	expect(p, CHECK_ARS, RESULT_REVIEW, "ars_no_authority");
	pool_free(p->pool);
}

static void diplomas_are_those_of_the_list(void **state)
{
	static const char *const accepted[] = {
		"master", "dess", "dea", "de_psychologie_scolaire", "psychologue_travail_cnam", "epp", "decop"
	};
	struct person *p = person_new();

	(void)state;
	for (size_t i = 0; i < COUNT(accepted); i++) {
		values_set(&p->answers, "diploma_kind", accepted[i]);
		expect(p, CHECK_DIPLOMA, RESULT_PASS, "diploma_accepted");
	}
	values_set(&p->answers, "diploma_kind", "foreign");
	expect(p, CHECK_DIPLOMA, RESULT_REVIEW, "diploma_foreign_unauthorised");
	p->in.foreign_authorisation = true;
	expect(p, CHECK_DIPLOMA, RESULT_REVIEW, "diploma_foreign");
	values_set(&p->answers, "diploma_kind", "other");
	expect(p, CHECK_DIPLOMA, RESULT_REVIEW, "diploma_other");
	values_remove(&p->answers, "diploma_kind");
	expect(p, CHECK_DIPLOMA, RESULT_REVIEW, "diploma_other");
	pool_free(p->pool);
}

static void three_years_are_1095_days_and_partly_alone_asks_a_person(void **state)
{
	struct person *p = person_new();

	(void)state;
	/* 2018-01-01 to 2020-12-30 are 1 095 days: 2020 is a leap year */
	values_set(&p->answers, "experience[0].to", "2020-12-30");
	expect(p, CHECK_EXPERIENCE, RESULT_PASS, "experience_enough");
	values_set(&p->answers, "experience[0].to", "2020-12-29");
	expect(p, CHECK_EXPERIENCE, RESULT_FAIL, "experience_short");
	values_set(&p->answers, "experience[1].from", "2020-12-30");
	values_set(&p->answers, "experience[1].to", "2020-12-30");
	values_set(&p->answers, "experience[1].clinical", "partly");
	expect(p, CHECK_EXPERIENCE, RESULT_REVIEW, "experience_partly");
	values_set(&p->answers, "experience[1].clinical", "no");
	expect(p, CHECK_EXPERIENCE, RESULT_FAIL, "experience_short");
	/* the deposit's day counts for a period that goes on */
	values_set(&p->answers, "experience[1].clinical", "yes");
	values_set(&p->answers, "experience[1].from", "2026-11-21");
	values_set(&p->answers, "experience[1].to", "");
	expect(p, CHECK_EXPERIENCE, RESULT_PASS, "experience_enough");
	p->in.deposit = on("2026-11-20");
	expect(p, CHECK_EXPERIENCE, RESULT_FAIL, "experience_short");
	values_set(&p->answers, "diploma_date", "2018-01-02");
	p->in.deposit = on("2026-11-21");
	expect(p, CHECK_EXPERIENCE, RESULT_FAIL, "experience_short");
	values_remove(&p->answers, "diploma_date");
	expect(p, CHECK_EXPERIENCE, RESULT_REVIEW, "experience_unreadable");
	pool_free(p->pool);
}

static void lookalikes_documents_and_addresses(void **state)
{
	struct person *p = person_new();

	(void)state;
	p->in.same_iban = 1;
	expect(p, CHECK_DUPLICATE, RESULT_REVIEW, "duplicate_iban");
	p->in.same_name_and_birth = 2;
	expect(p, CHECK_DUPLICATE, RESULT_REVIEW, "duplicate_person");
	assert_string_equal(p->r[CHECK_DUPLICATE].evidence, "{\"same_iban\":1,\"same_name_and_birth\":2}");
	p->in.bad_pieces = "";
	expect(p, CHECK_DOCUMENTS, RESULT_PASS, "documents_good");
	p->in.bad_pieces = "diploma, rib";
	expect(p, CHECK_DOCUMENTS, RESULT_FAIL, "documents_bad");
	assert_int_equal(checks_verdict(p->r, CHECKS), RESULT_FAIL);
	p->in.commune_known = false;
	expect(p, CHECK_ADDRESS, RESULT_REVIEW, "address_unknown");
	pool_free(p->pool);
}

static void the_verdict_takes_the_worst_and_leaves_the_address_out(void **state)
{
	struct check_result r[3] = { { .check = CHECK_RPPS, .result = RESULT_PASS },
				     { .check = CHECK_DIPLOMA, .result = RESULT_PASS },
				     { .check = CHECK_ADDRESS, .result = RESULT_REVIEW } };

	(void)state;
	assert_int_equal(checks_verdict(r, 3), RESULT_PASS);
	r[1].result = RESULT_REVIEW;
	assert_int_equal(checks_verdict(r, 3), RESULT_REVIEW);
	r[0].result = RESULT_UNAVAILABLE;
	assert_int_equal(checks_verdict(r, 3), RESULT_UNAVAILABLE);
	r[1].result = RESULT_FAIL;
	assert_int_equal(checks_verdict(r, 3), RESULT_FAIL);
	assert_int_equal(checks_verdict(NULL, 0), RESULT_PASS);
}

static void evidence_is_the_same_for_the_same_content_later_and_in_any_order(void **state)
{
	struct person *p = person_new();
	const char *before[CHECKS];

	(void)state;
	p->lines[1] = (struct registry_line){ "93", "LEVEQUE", "JEAN", "ARS/IDF", "59", "L" };
	p->lines[2] = p->lines[0];
	p->in.line_count = 3;
	values_set(&p->answers, "experience[0].to", "");
	checks_run(&p->in, p->pool, p->r);
	for (int i = 0; i < CHECKS; i++)
		before[i] = p->r[i].evidence;
	p->lines[2] = p->lines[1];
	p->lines[1] = p->lines[0];
	p->lines[0] = p->lines[2];
	p->lines[2] = p->lines[1];
	p->in.registry_day++;
	p->in.deposit += 10;
	checks_run(&p->in, p->pool, p->r);
	for (int i = 0; i < CHECKS; i++)
		assert_string_equal(p->r[i].evidence, before[i]);
	assert_non_null(strstr(before[CHECK_ARS], "\"authorities\":[\"ARS/ARS/ARS\",\"ARS/IDF\"]"));
	assert_non_null(strstr(before[CHECK_ARS], "\"registry_departements\":[\"59\",\"76\"]"));
	/* without a registry it is not the same: an opinion then says nothing of what the registry will say */
	p->in.line_count = 0;
	checks_run(&p->in, p->pool, p->r);
	before[CHECK_RPPS] = p->r[CHECK_RPPS].evidence;
	p->in.registry_there = false;
	checks_run(&p->in, p->pool, p->r);
	assert_string_not_equal(p->r[CHECK_RPPS].evidence, before[CHECK_RPPS]);
	pool_free(p->pool);
}

static void departements_come_from_commune_then_column_then_postcode(void **state)
{
	struct pool *pool = pool_new();

	(void)state;
	assert_string_equal(departement_of_commune(pool, "59350"), "59");
	assert_string_equal(departement_of_commune(pool, "01004"), "01");
	assert_string_equal(departement_of_commune(pool, "2A004"), "2A");
	assert_string_equal(departement_of_commune(pool, "2B033"), "2B");
	assert_string_equal(departement_of_commune(pool, "97105"), "971");
	assert_string_equal(departement_of_commune(pool, "97608"), "976");
	assert_null(departement_of_commune(pool, NULL));
	assert_null(departement_of_commune(pool, ""));
	assert_null(departement_of_commune(pool, "5935"));
	assert_null(departement_of_commune(pool, "593500"));
	assert_null(departement_of_commune(pool, "2C004"));
	assert_null(departement_of_commune(pool, "2A0O4"));
	assert_null(departement_of_commune(pool, "20004"));
	assert_null(departement_of_commune(pool, "00350"));
	assert_null(departement_of_commune(pool, "99350"));

	assert_string_equal(departement_of_line(pool, "76351", "59", "75011"), "76");
	assert_string_equal(departement_of_line(pool, "", "59", "75011"), "59");
	assert_string_equal(departement_of_line(pool, NULL, "", "75011"), "75");
	assert_string_equal(departement_of_line(pool, NULL, NULL, "20000"), "2A");
	assert_string_equal(departement_of_line(pool, NULL, NULL, "20137"), "2A");
	assert_string_equal(departement_of_line(pool, NULL, NULL, "20200"), "2B");
	assert_string_equal(departement_of_line(pool, NULL, NULL, "20620"), "2B");
	assert_string_equal(departement_of_line(pool, NULL, "XX", "97410"), "974");
	assert_null(departement_of_line(pool, NULL, NULL, "B-1000"));
	assert_null(departement_of_line(pool, NULL, NULL, NULL));
	pool_free(pool);
}

static void check_ids_go_both_ways(void **state)
{
	(void)state;
	for (int i = 0; i < CHECKS; i++)
		assert_int_equal(check_from_id(check_id((enum check)i)), i);
	for (int i = 0; i <= RESULT_FAIL; i++)
		assert_int_equal(result_from_id(result_id((enum result)i)), i);
	assert_int_equal(check_from_id("nir"), CHECKS);
	assert_int_equal(check_from_id(NULL), CHECKS);
	assert_int_equal(result_from_id("fine"), RESULT_REVIEW);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_passes_everything_and_says_from_where),
		cmocka_unit_test(without_a_registry_three_checks_are_unavailable),
		cmocka_unit_test(only_profession_93_counts),
		cmocka_unit_test(names_are_compared_without_accents_hyphens_apostrophes_or_case),
		cmocka_unit_test(the_ars_registration_must_be_of_a_psychologist_of_the_departement),
		cmocka_unit_test(diplomas_are_those_of_the_list),
		cmocka_unit_test(three_years_are_1095_days_and_partly_alone_asks_a_person),
		cmocka_unit_test(lookalikes_documents_and_addresses),
		cmocka_unit_test(the_verdict_takes_the_worst_and_leaves_the_address_out),
		cmocka_unit_test(evidence_is_the_same_for_the_same_content_later_and_in_any_order),
		cmocka_unit_test(departements_come_from_commune_then_column_then_postcode),
		cmocka_unit_test(check_ids_go_both_ways),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
