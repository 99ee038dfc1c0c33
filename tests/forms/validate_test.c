#include <string.h>
#include "../lib/test.h"
#include "../../forms/form.h"
#include "../../forms/xml.h"
#include "../../server/base/str.h"

#define NB "\u00A0"

static struct pool *p;
static struct values sent, kept;
static struct problems problems;
static const struct form *form;
static day_t today;

static int setup(void **state)
{
	(void)state;
	struct err e;
	p = pool_new();
	sent = values_in(p);
	kept = values_in(p);
	problems = problems_in(p);
	if (forms_load(p, &e))
		return -1;
	form = form_get("application");
	today = day_from_ymd(2026, 11, 22);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_free(p);
	return 0;
}

static void again(void)
{
	sent = values_in(p);
	kept = values_in(p);
	problems = problems_in(p);
}

static size_t judge(enum form_mode mode)
{
	kept = values_in(p);
	problems = problems_in(p);
	return form_validate(form, &sent, today, mode, &kept, &problems);
}

/* One value judged alone: what is kept of it, or NULL when it is a problem. */
static const char *one(const char *name, const char *text)
{
	again();
	values_add(&sent, name, text);
	if (judge(FORM_SYNTAX)) {
		assert_int_equal(problems.count, 1);
		assert_string_equal(problems.items[0].field, name);
		return NULL;
	}
	return values_get(&kept, name);
}

static void is_kept(const char *name, const char *text, const char *as)
{
	const char *got = one(name, text);
	if (!got)
		fail_msg("%s = %s is refused: %s", name, text, problems.count ? problems.items[0].text : "lost");
	assert_string_equal(got, as);
}

static void is_problem(const char *name, const char *text, const char *code, const char *says)
{
	if (one(name, text))
		fail_msg("%s = %s is accepted", name, text);
	assert_int_equal(problems.count, 1);
	assert_string_equal(problems.items[0].code, code);
	if (says)
		assert_string_equal(problems.items[0].text, says);
	assert_int_equal(kept.count, 0);
}

static void fill(void)
{
	static const struct {
		const char *name, *text;
	} good[] = {
		{ "last_name", "Martin" },
		{ "first_name", "Zoé" },
		{ "birth_date", "1985-05-21" },
		{ "email", "zoe@exemple.fr" },
		{ "phone", "0612345678" },
		{ "nir", "255081416802538" },
		{ "rpps", "10008744715" },
		{ "practice_mode", "liberal" },
		{ "address_street", "1 rue Nationale" },
		{ "address_postcode", "59000" },
		{ "address_commune", "59350" },
		{ "diploma_kind", "master" },
		{ "diploma_date", "2010-06-30" },
		{ "diploma_place", "Université de Lille" },
		{ "experience[0].from", "2015-01-01" },
		{ "experience[0].structure", "CHU de Lille" },
		{ "experience[0].function", "Psychologue" },
		{ "experience[0].clinical", "yes" },
		{ "experience[0].share", "100" },
		{ "public[]", "adults" },
		{ "iban", "FR7630006000011234567890189" },
		{ "iban_holder", "Zoé Martin" },
		{ "attest_clinical", "true" },
		{ "attest_truth", "true" },
	};
	again();
	for (size_t i = 0; i < COUNT(good); i++)
		values_add(&sent, good[i].name, good[i].text);
}

/* ---- one field ---- */

static void texts_are_trimmed_and_measured_in_characters(void **state)
{
	(void)state;
	is_kept("last_name", " \tD'Été\u00A0 ", "D'Été");
	is_kept("last_name", "", "");
	is_kept("last_name", "   ", "");
	struct str s = str_in(p);
	for (int i = 0; i < 80; i++)
		str_add(&s, "é");
	is_kept("last_name", s.s, s.s);
	str_add(&s, "x");
	is_problem("last_name", s.s, "length",
		   "«" NB "Nom" NB "» compte 80 caractères au plus" NB "; vous en avez saisi 81.");
	is_kept("name_note", "une\r\nligne\rautre\n", "une\nligne\nautre");
}

static void ten_thousand_characters_are_told_not_swallowed(void **state)
{
	(void)state;
	char *long_text = pool_alloc(p, 10001);
	memset(long_text, '7', 10000);
	const struct form *f = form;
	for (size_t i = 0; i < f->step_count; i++) {
		for (size_t k = 0; k < f->steps[i].item_count; k++) {
			const struct item *item = &f->steps[i].items[k];
			const struct field *field =
				item->group ? &item->group->fields[k % item->group->field_count] : item->field;
			again();
			values_add(&sent, field_flat(field, 0, p), long_text);
			assert_int_equal(judge(FORM_SYNTAX), 1);
		}
	}
	is_problem("rpps", long_text, "length", "Le numéro RPPS compte 11 chiffres" NB "; vous en avez saisi 10000.");
}

static void unreadable_texts_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "a\x01z",     "a\x7Fz",    "\xC3",    "\xED\xA0\x80", "\xC0\x80",
					   "a\xC2\x85z", "\u202Egnp", "\u2066x", "\xEF\xBF\xBF", "a\nb" };
	for (size_t i = 0; i < COUNT(bad); i++)
		is_problem("last_name", bad[i], "characters", NULL);
	is_problem("name_note", "a\x02", "characters", NULL);
	is_problem("nir", "\xFF", "characters", NULL);
}

static void the_rpps_number_is_explained(void **state)
{
	(void)state;
	is_kept("rpps", " 100 087 447 15 ", "10008744715");
	is_problem("rpps", "1000874471", "length", "Le numéro RPPS compte 11 chiffres" NB "; vous en avez saisi 10.");
	is_problem("rpps", "10001234567", "key",
		   "Ce numéro RPPS comporte une erreur de frappe" NB ": vérifiez chaque chiffre.");
	is_problem("rpps", "1000874471O", "wrong", "Le numéro RPPS ne contient que des chiffres.");
}

static void nirs_lose_their_spaces(void **state)
{
	(void)state;
	is_kept("nir", "2 55 08 14 168 025 38", "255081416802538");
	is_kept("nir", "1 85 05 2a 004 001\u00A0\u202F81", "185052A00400181");
	is_problem("nir", "2 55 08 14 168 025", "length",
		   "Le numéro de sécurité sociale compte 15 caractères avec sa clé" NB "; vous en avez saisi 13.");
	is_problem("nir", "2 55 08 14 168 025 39", "key", NULL);
	is_problem("nir", "2 55 08 1Z 168 025 38", "wrong", NULL);
}

static void ibans_lose_their_spaces(void **state)
{
	(void)state;
	is_kept("iban", "fr76 3000 6000 0112 3456 7890 189", "FR7630006000011234567890189");
	is_problem("iban", "FR76 3000 6000 0112 3456 7890 18", "length",
		   "Un IBAN français compte 27 caractères" NB "; vous en avez saisi 26.");
	is_problem("iban", "FR76 3000 6000 0112 3456 7890 188", "key", NULL);
	is_problem("iban", "FR76/3000", "wrong", NULL);
}

static void other_numbers_are_explained(void **state)
{
	(void)state;
	is_kept("bic", "agri fr pp", "AGRIFRPP");
	is_problem("bic", "AGRIFRP", "wrong", NULL);
	is_kept("employer_siret", "732 829 320 00074", "73282932000074");
	is_problem("employer_siret", "73282932000075", "key", NULL);
	is_problem("employer_siret", "732829320", "length",
		   "Le numéro SIRET compte 14 chiffres" NB "; vous en avez saisi 9.");
	is_kept("address_postcode", "59 000", "59000");
	is_problem("address_postcode", "5900", "length",
		   "Le code postal compte 5 chiffres" NB "; vous en avez saisi 4.");
	is_kept("address_commune", "2a004", "2A004");
	is_problem("address_commune", "Lille", "wrong", NULL);
	is_kept("adeli", "59 93 12345", "599312345");
	is_problem("adeli", "5993", "wrong", NULL);
}

static void telephones_take_one_form(void **state)
{
	(void)state;
	is_kept("phone", "06.12.34.56.78", "0612345678");
	is_kept("phone", "06-12-34-56-78", "0612345678");
	is_kept("phone", "+33 6 12 34 56 78", "0612345678");
	is_kept("phone", "+33 (0)6 12 34 56 78", "0612345678");
	is_kept("phone", "0033612345678", "0612345678");
	is_kept("phone", "+32 2 222 22 22", "+3222222222");
	is_problem("phone", "12345", "wrong", NULL);
	is_problem("phone", "(0)", "wrong", NULL);
}

static void addresses_of_the_net_take_one_form(void **state)
{
	(void)state;
	is_kept("email", " Zoe.Martin@Exemple.FR ", "Zoe.Martin@exemple.fr");
	is_problem("email", "zoe", "wrong", "Saisissez une adresse électronique complète, par exemple nom@exemple.fr.");
	is_kept("website", "www.exemple.fr", "https://www.exemple.fr");
	is_kept("website", "HTTP://exemple.fr/Zoe", "http://exemple.fr/Zoe");
	is_problem("website", "javascript:alert(1)", "wrong", NULL);
	is_problem("website", "javascript://exemple.fr/%0aalert(1)", "wrong", NULL);
}

static void dates_come_in_three_ways(void **state)
{
	(void)state;
	is_kept("birth_date", "1985-05-21", "1985-05-21");
	is_kept("birth_date", "21/05/1985", "1985-05-21");
	is_kept("birth_date", " 1.5.1985 ", "1985-05-01");
	is_problem("birth_date", "30/02/1985", "date",
		   "Saisissez une date de naissance qui existe, par exemple 21/11/1985.");
	is_problem("birth_date", "05/21/1985", "date", NULL);
	is_problem("birth_date", "21/05/85", "date",
		   "«\u00a0Date de naissance\u00a0»\u00a0: écrivez l’année en quatre chiffres, par exemple 1985.");
	is_problem("birth_date", "21 août 1985", "date",
		   "«\u00a0Date de naissance\u00a0»\u00a0: écrivez le jour, le mois et l’année en chiffres, par "
		   "exemple 03 pour mars.");
	is_problem("birth_date", "hier", "date", NULL);
	is_problem("birth_date", "1985-5-21", "date", NULL);
	again();
	values_add(&sent, "birth_date.day", "21");
	values_add(&sent, "birth_date.month", " 5");
	values_add(&sent, "birth_date.year", "1985");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	assert_string_equal(values_get(&kept, "birth_date"), "1985-05-21");
	assert_int_equal(kept.count, 1);
	values_set(&sent, "birth_date.year", "");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].field, "birth_date");
	assert_string_equal(problems.items[0].code, "date");
	assert_non_null(strstr(problems.items[0].text, "donnez le jour, le mois et l’année"));
	values_set(&sent, "birth_date.year", "85");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].code, "date");
	assert_non_null(strstr(problems.items[0].text, "l’année en quatre chiffres"));
	values_set(&sent, "birth_date.month", "mars");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_non_null(strstr(problems.items[0].text, "en chiffres, par exemple 03 pour mars"));
	values_set(&sent, "birth_date.year", "");
	values_set(&sent, "birth_date.day", "");
	values_set(&sent, "birth_date.month", "");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	assert_string_equal(values_get(&kept, "birth_date"), "");
}

static void dates_of_the_past_are_not_in_the_future(void **state)
{
	(void)state;
	is_kept("diploma_date", "2026-11-22", "2026-11-22");
	is_problem("diploma_date", "2026-11-23", "future", "La date d’obtention du diplôme est dans le futur.");
	is_problem("birth_date", "2030-01-01", "future", NULL);
}

static void one_is_between_eighteen_and_one_hundred_years_old(void **state)
{
	(void)state;
	is_kept("birth_date", "2008-11-22", "2008-11-22");
	is_problem("birth_date", "2008-11-23", "age", NULL);
	is_kept("birth_date", "1925-11-23", "1925-11-23");
	is_problem("birth_date", "1925-11-22", "age", NULL);
}

static void a_period_ends_after_it_begins(void **state)
{
	(void)state;
	values_add(&sent, "experience[0].from", "02/01/2015");
	values_add(&sent, "experience[0].to", "2015-01-01");
	values_add(&sent, "experience[1].from", "2015-01-02");
	values_add(&sent, "experience[1].to", "02/01/2015");
	values_add(&sent, "experience[2].from", "2015-01-02");
	values_add(&sent, "experience[2].to", "2027-01-01");
	assert_int_equal(judge(FORM_SYNTAX), 2);
	assert_string_equal(problems.items[0].field, "experience[0].to");
	assert_string_equal(problems.items[0].code, "order");
	assert_string_equal(problems_of(&problems, "experience[2].to")->code, "future");
	assert_string_equal(values_get(&kept, "experience[1].to"), "2015-01-02");
	/* The row of a bad answer stays, without it. */
	assert_string_equal(values_get(&kept, "experience[0].to"), "");
	assert_string_equal(values_get(&kept, "experience[0].from"), "2015-01-02");
}

/* The birth date is on another step: kept, not sent. */
static void a_diploma_comes_after_the_birth_date_that_is_known(void **state)
{
	(void)state;
	struct values known = values_in(p);
	values_add(&known, "birth_date", "1985-05-21");
	values_add(&sent, "diploma_date", "2000-05-20");
	for (int i = 0; i < 3; i++) {
		struct values good = values_in(p);
		struct problems told = problems_in(p);
		values_set(&sent, "diploma_date", i ? "2000-05-21" : "2000-05-20");
		if (i == 2)
			values_set(&known, "birth_date", "1999-01-01");
		form_validate_over(form, &sent, &known, today, FORM_SYNTAX, &good, &told);
		assert_int_equal(told.count, i != 1);
		assert_int_equal(values_get(&good, "diploma_date") != NULL, i == 1);
		if (i != 1)
			assert_string_equal(told.items[0].field, "diploma_date");
	}
}

static void a_diploma_comes_after_birth(void **state)
{
	(void)state;
	values_add(&sent, "diploma_date", "1980-01-01");
	values_add(&sent, "birth_date", "1985-05-21");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].field, "diploma_date");
	assert_string_equal(problems.items[0].text, "La date d’obtention du diplôme vient avant vos 15 ans\u00a0: "
						    "vérifiez-la, ainsi que votre date de naissance.");
}

static void choices_are_among_the_options(void **state)
{
	(void)state;
	is_kept("practice_mode", "both", "both");
	is_problem("practice_mode", "none", "choice", NULL);
	is_problem("practice_mode", "Libéral", "choice", NULL);
	is_problem("public[]", "dogs", "choice", NULL);
	again();
	values_add(&sent, "public[]", "");
	values_add(&sent, "public[]", "children");
	values_add(&sent, "public[]", "adults");
	values_add(&sent, "public[]", "adults");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	assert_int_equal(kept.count, 2);
	assert_string_equal(kept.items[0].text, "adults");
	assert_string_equal(kept.items[1].text, "children");
	is_kept("public[]", "", "");
}

static void several_texts_have_limits(void **state)
{
	(void)state;
	values_add(&sent, "languages[]", " anglais ");
	values_add(&sent, "languages[]", "anglais");
	values_add(&sent, "languages[]", "LSF");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	assert_int_equal(kept.count, 2);
	for (int i = 0; i < 25; i++)
		values_add(&sent, "languages[]", pool_printf(p, "langue %d", i));
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].code, "rows");
	assert_string_equal(problems.items[0].field, "languages[]");
}

static void boxes_are_ticked_or_not(void **state)
{
	(void)state;
	is_kept("remote", "true", "true");
	is_kept("remote", "on", "true");
	is_kept("remote", "false", "");
	is_problem("remote", "maybe", "wrong", NULL);
	again();
	values_add(&sent, "remote", "");
	values_add(&sent, "remote", "true");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	assert_string_equal(values_get(&kept, "remote"), "true");
}

static void numbers_have_bounds(void **state)
{
	(void)state;
	static const struct {
		const char *typed, *kept, *code;
	} cases[] = { { " 050 % ", "50", NULL }, { "1", "1", NULL },        { "100", "100", NULL },
		      { "0", NULL, "bounds" },   { "101", NULL, "bounds" }, { "-5", NULL, "bounds" },
		      { "3.5", NULL, "wrong" },  { "demi", NULL, "wrong" }, { "9223372036854775808", NULL, "wrong" },
		      { "1e2", NULL, "wrong" } };
	for (size_t i = 0; i < COUNT(cases); i++) {
		again();
		values_add(&sent, "experience[0].share", cases[i].typed);
		assert_int_equal(judge(FORM_SYNTAX), cases[i].code ? 1 : 0);
		if (cases[i].code)
			assert_string_equal(problems.items[0].code, cases[i].code);
		else
			assert_string_equal(values_get(&kept, "experience[0].share"), cases[i].kept);
	}
}

static void one_field_takes_one_answer(void **state)
{
	(void)state;
	values_add(&sent, "rpps", "10008744715");
	values_add(&sent, "rpps", "10008744715");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].code, "twice");
	assert_int_equal(kept.count, 0);
}

static void unknown_names_are_told(void **state)
{
	(void)state;
	static const char *const unknown[] = {
		"role",      "experience[0].salary", "experience[0]",           "experience", "nir.x",
		"public[0]", "birth_date.hour",      "experience[0].from.hour", "state"
	};
	for (size_t i = 0; i < COUNT(unknown); i++)
		is_problem(unknown[i], "1", "unknown", NULL);
	again();
	values_add(&sent, "<script>", "1");
	values_add(&sent, "\xFF", "1");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].field, "");
	again();
	for (int i = 0; i < 500; i++)
		values_add(&sent, pool_printf(p, "x%d", i), "1");
	assert_int_equal(judge(FORM_SYNTAX), 20);
	for (int i = 0; i < 4000; i++)
		values_add(&sent, pool_printf(p, "y%d", i), "1");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].field, "");
}

static void what_is_good_is_kept_beside_what_is_not(void **state)
{
	(void)state;
	values_add(&sent, "last_name", "Martin");
	values_add(&sent, "rpps", "1");
	values_add(&sent, "phone", "0612345678");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_int_equal(kept.count, 2);
	assert_null(values_get(&kept, "rpps"));
}

/* ---- rows ---- */

static void holes_between_rows_close_but_problems_name_rows_as_sent(void **state)
{
	(void)state;
	values_add(&sent, "experience[2].structure", "CHU");
	values_add(&sent, "experience[3].structure", "  ");
	values_add(&sent, "experience[3].clinical", "");
	values_add(&sent, "experience[7].structure", "CMP");
	values_add(&sent, "experience[7].share", "500");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].field, "experience[7].share");
	assert_int_equal(values_rows(&kept, "experience"), 2);
	assert_string_equal(values_get(&kept, "experience[0].structure"), "CHU");
	assert_string_equal(values_get(&kept, "experience[1].structure"), "CMP");
	int to[FORM_ROWS];
	form_row_map(form_step(form, "experience")->items[0].group, &sent, to);
	assert_int_equal(to[0], -1);
	assert_int_equal(to[2], 0);
	assert_int_equal(to[3], -1);
	assert_int_equal(to[7], 1);
}

static void too_many_rows_are_told_and_not_kept(void **state)
{
	(void)state;
	for (int i = 0; i < 21; i++)
		values_add(&sent, pool_printf(p, "experience[%d].structure", i), "CHU");
	values_add(&sent, "last_name", "Martin");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].field, "experience");
	assert_string_equal(problems.items[0].code, "rows");
	assert_int_equal(kept.count, 1);
	for (int i = 21; i < 150; i++)
		values_add(&sent, pool_printf(p, "experience[%d].structure", i), "CHU");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	again();
	values_add(&sent, "experience[100].structure", "CHU");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].code, "rows");
	again();
	for (int i = 0; i < 20; i++)
		values_add(&sent, pool_printf(p, "experience[%d].structure", i * 5), "CHU");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	assert_int_equal(values_rows(&kept, "experience"), 20);
}

/* ---- the whole form ---- */

static void a_whole_application_is_accepted(void **state)
{
	(void)state;
	fill();
	size_t n = judge(FORM_COMPLETE);
	if (n)
		fail_msg("%s: %s", problems.items[0].field, problems.items[0].text);
	assert_int_equal(n, 0);
	assert_int_equal(kept.count, sent.count);
	const char *const *missing;
	assert_int_equal(form_missing(form, &sent, p, &missing), 0);
}

static void each_required_field_is_missed(void **state)
{
	(void)state;
	fill();
	size_t count = sent.count;
	for (size_t i = 0; i < count; i++) {
		fill();
		const char *name = sent.items[i].name;
		sent.items[i].text = i % 2 ? "" : " ";
		assert_int_equal(judge(FORM_COMPLETE), 1);
		assert_string_equal(problems.items[0].field, name);
		assert_string_equal(problems.items[0].code, "missing");
		const char *const *missing;
		assert_int_equal(form_missing(form, &sent, p, &missing), 1);
		assert_string_equal(missing[0], name);
		values_remove(&sent, name);
		/* practice_mode decides what else is asked, so its absence may ask more, never less. */
		assert_true(judge(FORM_COMPLETE) >= 1);
		assert_string_equal(problems_of(&problems, name)->code, "missing");
	}
	fill();
	values_set(&sent, "attest_truth", "false");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].text, "Attestez de l’exactitude des informations de ce dossier.");
}

static void nothing_at_all_misses_everything_in_the_order_of_the_form(void **state)
{
	(void)state;
	const char *const *missing;
	size_t n = form_missing(form, &sent, p, &missing);
	assert_int_equal(n, 20);
	assert_string_equal(missing[0], "last_name");
	assert_string_equal(missing[14], "experience");
	assert_string_equal(missing[15], "public[]");
	assert_string_equal(missing[19], "attest_truth");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	assert_int_equal(judge(FORM_COMPLETE), 20);
	assert_string_equal(problems_of(&problems, "experience")->text, "Décrivez au moins une période d’expérience.");
}

static void the_employer_is_asked_unless_liberal(void **state)
{
	(void)state;
	fill();
	const struct step *step = form_step(form, "employeur");
	assert_false(step_asked(step, &sent));
	values_set(&sent, "employer_siret", "not judged");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	assert_null(values_get(&kept, "employer_siret"));
	assert_int_equal(judge(FORM_SYNTAX), 1);
	values_set(&sent, "practice_mode", "both");
	assert_true(step_asked(step, &sent));
	assert_true(field_asked(form_field(form, "employer_name"), &sent, 0));
	assert_int_equal(judge(FORM_COMPLETE), 3);
	assert_string_equal(problems_of(&problems, "employer_siret")->code, "wrong");
	values_set(&sent, "employer_name", "Centre de santé");
	values_set(&sent, "employer_siret", "73282932000074");
	values_set(&sent, "employer_email", "rh@exemple.fr");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	values_remove(&sent, "practice_mode");
	assert_false(step_asked(step, &sent));
}

static void a_second_address_comes_whole(void **state)
{
	(void)state;
	static const char *const parts[] = { "address2_street", "address2_postcode", "address2_commune" };
	static const char *const texts[] = { "2 rue du Sud", "62000", "62041" };
	for (size_t i = 0; i < COUNT(parts); i++) {
		fill();
		values_set(&sent, parts[i], texts[i]);
		assert_int_equal(judge(FORM_SYNTAX), 0);
		assert_int_equal(judge(FORM_COMPLETE), 2);
		assert_null(problems_of(&problems, parts[i]));
	}
	fill();
	values_set(&sent, "address2_extra", "Bâtiment B");
	assert_int_equal(judge(FORM_COMPLETE), 3);
	for (size_t i = 0; i < COUNT(parts); i++)
		values_set(&sent, parts[i], texts[i]);
	assert_int_equal(judge(FORM_COMPLETE), 0);
}

static void a_period_may_last(void **state)
{
	(void)state;
	fill();
	values_set(&sent, "experience[0].to", "");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	assert_null(values_get(&kept, "experience[0].to"));
	values_set(&sent, "experience[4].structure", "CMP");
	assert_int_equal(judge(FORM_COMPLETE), 4);
	assert_string_equal(problems_of(&problems, "experience[4].from")->code, "missing");
}

static void the_same_answers_freeze_to_the_same_bytes(void **state)
{
	(void)state;
	struct err e;
	char *a, *b;
	size_t n, m;
	fill();
	values_add(&sent, "public[]", "children");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	assert_int_equal(xml_from_values(&kept, form->id, p, &a, &n, &e), 0);
	fill();
	values_remove(&sent, "public[]");
	values_add(&sent, "public[]", "children");
	values_add(&sent, "public[]", "adults");
	values_add(&sent, "remote", "false");
	values_add(&sent, "bic", "");
	values_add(&sent, "experience[0].to", "");
	values_set(&sent, "birth_date", "21/05/1985");
	values_set(&sent, "employer_name", "no more asked");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	assert_int_equal(xml_from_values(&kept, form->id, p, &b, &m, &e), 0);
	assert_string_equal(a, b);
	assert_int_equal(n, m);
}

/* ---- masks and merging ---- */

static void secrets_are_shown_masked(void **state)
{
	(void)state;
	assert_string_equal(field_shown(form_field(form, "nir"), "185052A00400181", p), "1 85 •• •• ••• ••• ••");
	assert_string_equal(field_shown(form_field(form, "iban"), "FR7630006000011234567890189", p),
			    "FR76 •••• … 0189");
	assert_string_equal(field_shown(form_field(form, "nir"), "short", p), "••••");
	/* as it stands on the card, beside something else that was wrong: the mask is that of what is kept */
	assert_string_equal(field_shown(form_field(form, "nir"), "1 85 05 2A 004 001 81", p), "1 85 •• •• ••• ••• ••");
	assert_string_equal(field_shown(form_field(form, "iban"), "fr76 3000 6000 0112 3456 7890 189", p),
			    "FR76 •••• … 0189");
	/* sent back beside a wrong answer, it comes back once more */
	assert_string_equal(field_shown(form_field(form, "nir"), "1 85 •• •• ••• ••• ••", p), "1 85 •• •• ••• ••• ••");
	assert_string_equal(field_shown(form_field(form, "nir"), "", p), "");
	assert_string_equal(field_shown(form_field(form, "rpps"), "10008744715", p), "10008744715");
	assert_string_equal(field_shown(form_field(form_get("account"), "password"), "a secret", p), "");
}

static void a_mask_sent_back_changes_nothing(void **state)
{
	(void)state;
	struct values answers = values_in(p);
	values_add(&answers, "nir", "255081416802538");
	values_add(&answers, "iban", "FR7630006000011234567890189");
	values_add(&sent, "nir", field_shown(form_field(form, "nir"), "255081416802538", p));
	values_add(&sent, "iban", field_shown(form_field(form, "iban"), "FR7630006000011234567890189", p));
	assert_int_equal(judge(FORM_SYNTAX), 0);
	form_merge(form, &answers, &kept);
	assert_string_equal(values_get(&answers, "nir"), "255081416802538");
	assert_string_equal(values_get(&answers, "iban"), "FR7630006000011234567890189");
	/* Nothing is there to mask: the mask is not stored either. */
	struct values none = values_in(p);
	form_merge(form, &none, &kept);
	assert_int_equal(none.count, 0);
	/* A mask is no answer. */
	assert_int_equal(judge(FORM_COMPLETE) > 2, 1);
	assert_string_equal(problems_of(&problems, "nir")->code, "wrong");
	is_problem("nir", "2 55 •• •• ••• ••• 38", "wrong", NULL);
	is_problem("iban", "FR76 •••• 0189", "wrong", NULL);
	is_kept("last_name", "•", "•");
}

static void merging_replaces_what_was_sent_and_only_that(void **state)
{
	(void)state;
	struct values answers = values_in(p);
	values_add(&answers, "last_name", "Martin");
	values_add(&answers, "bic", "AGRIFRPP");
	values_add(&answers, "public[]", "adults");
	values_add(&answers, "public[]", "teens");
	values_add(&answers, "experience[0].structure", "CHU");
	values_add(&answers, "experience[1].structure", "CMP");
	values_add(&sent, "last_name", "Durand");
	values_add(&sent, "bic", "");
	values_add(&sent, "public[]", "children");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	form_merge(form, &answers, &kept);
	assert_string_equal(values_get(&answers, "last_name"), "Durand");
	assert_null(values_get(&answers, "bic"));
	const char *const *public;
	assert_int_equal(values_all(&answers, "public[]", &public), 1);
	assert_string_equal(public[0], "children");
	assert_int_equal(values_rows(&answers, "experience"), 2);

	again();
	values_add(&sent, "experience[5].structure", "EHPAD");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	form_merge(form, &answers, &kept);
	assert_int_equal(values_rows(&answers, "experience"), 1);
	assert_string_equal(values_get(&answers, "experience[0].structure"), "EHPAD");

	again();
	values_add(&sent, "experience[]", "");
	values_add(&sent, "public[]", "");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	form_merge(form, &answers, &kept);
	assert_int_equal(values_rows(&answers, "experience"), 0);
	assert_false(values_has_group(&answers, "public"));
	assert_int_equal(answers.count, 1);
}

static void a_row_emptied_of_its_only_answers_goes(void **state)
{
	(void)state;
	struct values answers = values_in(p);
	values_add(&answers, "experience[0].structure", "CHU");
	values_add(&sent, "experience[0].structure", "");
	values_add(&sent, "experience[0].share", "");
	assert_int_equal(judge(FORM_SYNTAX), 0);
	form_merge(form, &answers, &kept);
	assert_int_equal(answers.count, 0);
}

static void answers_are_shown_for_people(void **state)
{
	(void)state;
	assert_string_equal(field_display(form_field(form, "practice_mode"), "both", p), "Libéral et salarié");
	assert_string_equal(field_display(form_field(form, "public"), "teens", p), "Adolescents");
	assert_string_equal(field_display(form_field(form, "remote"), "true", p), "Oui");
	assert_string_equal(field_display(form_field(form, "remote"), "", p), "Non");
	assert_string_equal(field_display(form_field(form, "birth_date"), "1985-05-21", p), "21" NB "mai" NB "1985");
	assert_string_equal(field_display(form_field(form, "birth_date"), "later", p), "later");
	assert_string_equal(field_display(form_field(form, "phone"), "0612345678", p),
			    "06" NB "12" NB "34" NB "56" NB "78");
	assert_string_equal(field_display(form_field(form, "iban"), "FR7630006000011234567890189", p),
			    "FR76 •••• … 0189");
	assert_string_equal(field_display(form_field(form, "last_name"), "Zoé", p), "Zoé");
}

/* ---- bodies of events ---- */

static void use(const char *event)
{
	again();
	form = form_of_event(event);
	assert_non_null(form);
}

static void a_correction_names_a_field_or_a_piece(void **state)
{
	(void)state;
	use("ask_correction");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].field, "items");
	values_add(&sent, "items[0].field", "experience[0].from");
	values_add(&sent, "items[0].code", "experience_insufficient");
	values_add(&sent, "items[0].text", "Précisez.");
	values_add(&sent, "items[1].piece", "rib");
	values_add(&sent, "items[1].code", "piece_unreadable");
	values_add(&sent, "items[1].text", "Scannez à nouveau.");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	assert_int_equal(kept.count, 6);
	values_add(&sent, "items[2].code", "because");
	assert_int_equal(judge(FORM_COMPLETE), 3);
	assert_string_equal(problems_of(&problems, "items[2].field")->code, "missing");
	assert_string_equal(problems_of(&problems, "items[2].code")->code, "choice");
	assert_string_equal(problems_of(&problems, "items[2].text")->code, "missing");
}

static void what_is_maintained_is_explained(void **state)
{
	(void)state;
	use("resubmit");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	values_add(&sent, "items[0].id", "12");
	values_add(&sent, "items[0].maintained", "false");
	values_add(&sent, "items[1].id", "13");
	values_add(&sent, "items[1].maintained", "true");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].field, "items[1].text");
	values_add(&sent, "items[1].text", "Mon contrat le prouve.");
	assert_int_equal(judge(FORM_COMPLETE), 0);
}

static void refusing_takes_reasons_and_a_text(void **state)
{
	(void)state;
	use("refuse");
	assert_int_equal(judge(FORM_COMPLETE), 2);
	assert_string_equal(problems.items[0].field, "reasons[]");
	values_add(&sent, "reasons[]", "other");
	values_add(&sent, "reasons[]", "no_ars");
	values_add(&sent, "text", "Aucune inscription.");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	values_add(&sent, "reasons[]", "ugly");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].code, "choice");
}

static void an_object_is_kept_as_it_came(void **state)
{
	(void)state;
	use("approve");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].field, "checklist");
	values_add(&sent, "checklist.identity", "true");
	values_add(&sent, "checklist.rights.waived", " vue en main propre ");
	values_add(&sent, "pieces.12.waived", "déjà vue");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	assert_int_equal(kept.count, 3);
	assert_string_equal(values_get(&kept, "checklist.rights.waived"), " vue en main propre ");
	values_add(&sent, "checklists.x", "1");
	values_add(&sent, "checklist.bank", "\x01");
	assert_int_equal(judge(FORM_COMPLETE), 2);
	struct values answers = values_in(p);
	values_add(&answers, "checklist.old", "true");
	form_merge(form, &answers, &kept);
	assert_null(values_get(&answers, "checklist.old"));
	assert_string_equal(values_get(&answers, "checklist.identity"), "true");
}

static void dates_of_events_are_to_come(void **state)
{
	(void)state;
	use("countersign");
	values_add(&sent, "fnps", "FNPS-1");
	values_add(&sent, "effective_date", "2026-11-22");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	values_set(&sent, "effective_date", "2027-05-22");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	values_set(&sent, "effective_date", "2027-05-23");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].code, "far");
	assert_string_equal(problems.items[0].text, "La date d’effet est à plus de six mois\u00a0: vérifiez l’année.");
	values_set(&sent, "effective_date", "2026-11-21");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].code, "past");
	use("suspend");
	values_add(&sent, "text", "Constat du 3 mai.");
	values_add(&sent, "until", "2026-11-22");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].code, "past");
	values_set(&sent, "until", "23/11/2026");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	assert_string_equal(values_get(&kept, "until"), "2026-11-23");
	values_set(&sent, "until", "22/11/2031");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	values_set(&sent, "until", "2031-11-23");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].code, "far");
}

static void a_list_in_the_place_of_rows_replaces_nothing(void **state)
{
	(void)state;
	values_add(&sent, "experience[]", "x");
	assert_int_equal(judge(FORM_SYNTAX), 1);
	assert_string_equal(problems.items[0].field, "experience");
	assert_string_equal(problems.items[0].code, "wrong");
	assert_false(values_has_group(&kept, "experience"));
}

static void other_bodies_are_judged(void **state)
{
	(void)state;
	use("claim");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	values_add(&sent, "text", "Je le prends.");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	values_add(&sent, "to", "conventioned");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].code, "unknown");
	use("recall");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	use("sign");
	values_add(&sent, "code", "12345");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].code, "length");
	assert_string_equal(problems.items[0].text,
			    "Le code de confirmation compte 6 chiffres" NB "; vous en avez saisi 5.");
	use("amend");
	values_add(&sent, "kind", "bank");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	use("transfer");
	values_add(&sent, "caisse", "595");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	use("find_eligible");
	values_add(&sent, "opinions[0].check", "diploma");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].field, "opinions[0].text");
}

/* A plain one, a no-break one, a narrow one: typed, pasted, filled in by a telephone. */
static void numbers_are_read_with_any_space_between_their_digits(void **state)
{
	static const char *const spaces[] = { " ", "\u00a0", "\u202f", "\u2009" };
	static const char *const cases[][3] = {
		{ "address_postcode", "59 000", "59000" },
		{ "address2_postcode", "20 090", "20090" },
		{ "phone", "06 12 34 56 78", "0612345678" },
		{ "phone", "+33 (0)6 12 34 56 78", "0612345678" },
		{ "rpps", "100 0874 4715", "10008744715" },
		{ "nir", "1 85 05 78 006 084 91", "185057800608491" },
		{ "iban", "FR76 3000 6000 0112 3456 7890 189", "FR7630006000011234567890189" },
		{ "bic", "AGRI FR PP", "AGRIFRPP" },
		{ "employer_siret", "356 000 000 00048", "35600000000048" },
	};

	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++)
		for (size_t k = 0; k < COUNT(spaces); k++) {
			struct str typed = str_in(p);
			for (const char *c = cases[i][1]; *c; c++)
				*c == ' ' ? str_add(&typed, spaces[k]) : str_add_c(&typed, *c);
			const char *got = one(cases[i][0], typed.s);
			if (!got || strcmp(got, cases[i][2]) != 0)
				fail_msg("%s: \"%s\" is read as %s", cases[i][0], typed.s,
					 got ? got : problems.items[0].code);
		}
}

static void passwords_are_long_enough_and_kept_as_typed(void **state)
{
	(void)state;
	form = form_get("account");
	again();
	values_add(&sent, "email", "a@b.fr");
	values_add(&sent, "password", " onze chars");
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].text,
			    "Le mot de passe compte de 12 à 128 caractères" NB "; vous en avez saisi 11.");
	values_set(&sent, "password", " douze chars ");
	assert_int_equal(judge(FORM_COMPLETE), 0);
	assert_string_equal(values_get(&kept, "password"), " douze chars ");
	char longest[130];
	unsigned x = 7;
	for (int i = 0; i < 129; i++, x = x * 1103515245 + 12345)
		longest[i] = (char)('a' + (x >> 16) % 26);
	longest[129] = 0;
	values_set(&sent, "password", longest);
	assert_int_equal(judge(FORM_COMPLETE), 1);
	assert_string_equal(problems.items[0].code, "length");
	longest[128] = 0;
	values_set(&sent, "password", longest);
	assert_int_equal(judge(FORM_COMPLETE), 0);
	assert_string_equal(values_get(&kept, "password"), longest);
	form = form_get("sign_in");
	values_set(&sent, "password", "court");
	assert_int_equal(judge(FORM_COMPLETE), 0);
}

static void passwords_that_are_tried_first_are_refused_when_they_are_chosen(void **state)
{
	static const char *const bad[] = { "123456789012",   "aaaaaaaaaaaa",     "azertyuiop123",    "Motdepasse2026!",
					   "password1234",   "passwordpassword", "abcabcabcabc",     "qsdfghjklm;12",
					   "2026-2026-2026", "098765432109",     "MonSoutienPsy2026" };
	static const char *const good[] = { "une phrase de passe assez longue",
					    "cheval pile agrafe juste",
					    "demonstration-2026",
					    "vX7#kq29!mLzT",
					    "le chat dort sur le toit",
					    "éàèéàèùçïôûêë!" };

	(void)state;
	form = form_get("account");
	again();
	values_add(&sent, "email", "a@b.fr");
	for (size_t i = 0; i < COUNT(bad); i++) {
		values_set(&sent, "password", bad[i]);
		if (judge(FORM_COMPLETE) != 1 || strcmp(problems.items[0].code, "common") != 0)
			fail_msg("%s", bad[i]);
	}
	for (size_t i = 0; i < COUNT(good); i++) {
		values_set(&sent, "password", good[i]);
		if (judge(FORM_COMPLETE))
			fail_msg("%s", good[i]);
	}
	/* Who has one already still signs in. */
	form = form_get("sign_in");
	values_set(&sent, "password", "motdepasse2026");
	assert_int_equal(judge(FORM_COMPLETE), 0);
}

#define T(NAME) cmocka_unit_test_setup_teardown(NAME, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(texts_are_trimmed_and_measured_in_characters),
		T(ten_thousand_characters_are_told_not_swallowed),
		T(unreadable_texts_are_refused),
		T(the_rpps_number_is_explained),
		T(nirs_lose_their_spaces),
		T(ibans_lose_their_spaces),
		T(other_numbers_are_explained),
		T(telephones_take_one_form),
		T(addresses_of_the_net_take_one_form),
		T(dates_come_in_three_ways),
		T(dates_of_the_past_are_not_in_the_future),
		T(one_is_between_eighteen_and_one_hundred_years_old),
		T(a_period_ends_after_it_begins),
		T(a_diploma_comes_after_the_birth_date_that_is_known),
		T(a_diploma_comes_after_birth),
		T(choices_are_among_the_options),
		T(several_texts_have_limits),
		T(boxes_are_ticked_or_not),
		T(numbers_have_bounds),
		T(one_field_takes_one_answer),
		T(unknown_names_are_told),
		T(what_is_good_is_kept_beside_what_is_not),
		T(holes_between_rows_close_but_problems_name_rows_as_sent),
		T(too_many_rows_are_told_and_not_kept),
		T(a_list_in_the_place_of_rows_replaces_nothing),
		T(a_whole_application_is_accepted),
		T(each_required_field_is_missed),
		T(nothing_at_all_misses_everything_in_the_order_of_the_form),
		T(the_employer_is_asked_unless_liberal),
		T(a_second_address_comes_whole),
		T(a_period_may_last),
		T(the_same_answers_freeze_to_the_same_bytes),
		T(secrets_are_shown_masked),
		T(a_mask_sent_back_changes_nothing),
		T(merging_replaces_what_was_sent_and_only_that),
		T(a_row_emptied_of_its_only_answers_goes),
		T(answers_are_shown_for_people),
		T(a_correction_names_a_field_or_a_piece),
		T(what_is_maintained_is_explained),
		T(refusing_takes_reasons_and_a_text),
		T(an_object_is_kept_as_it_came),
		T(dates_of_events_are_to_come),
		T(other_bodies_are_judged),
		T(numbers_are_read_with_any_space_between_their_digits),
		T(passwords_are_long_enough_and_kept_as_typed),
		T(passwords_that_are_tried_first_are_refused_when_they_are_chosen),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
