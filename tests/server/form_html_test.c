#include <stdio.h>
#include <string.h>
#include "../lib/test.h"

#include "../../forms/form.h"
#include "../../server/form_html.h"
#include "../../server/json.h"

static struct pool *pool;
static const struct form *form;

static int load(void **unused)
{
	struct err e = { 0 };
	(void)unused;
	pool = pool_new();
	if (forms_load(pool, &e))
		fail_msg("%s", e.detail);
	form = form_get("application");
	assert_non_null(form);
	return 0;
}

static int close_pool(void **unused)
{
	(void)unused;
	pool_free(pool);
	return 0;
}

static const char *drawn(const char *field, const struct values *v, const struct problems *p)
{
	return form_fields(form, form_step_of(form, field), v, p, NULL, 0, true, pool).html;
}

static void has(const char *html, const char *part)
{
	if (!strstr(html, part))
		fail_msg("absent: %s\nin: %s", part, html);
}

static void has_not(const char *html, const char *part)
{
	if (strstr(html, part))
		fail_msg("present: %s", part);
}

/* Each opened element is closed, in order; void elements excepted. */
static void assert_well_formed(const char *html)
{
	static const char *const voids[] = { "input", "br" };
	char stack[64][24];
	size_t depth = 0;
	for (const char *p = strchr(html, '<'); p; p = strchr(p + 1, '<')) {
		char name[24];
		bool closing = p[1] == '/';
		const char *from = p + 1 + closing;
		size_t n = strcspn(from, " >\n");
		assert_true(n > 0 && n < sizeof name);
		memcpy(name, from, n);
		name[n] = 0;
		bool is_void = false;
		for (size_t i = 0; i < 2; i++)
			is_void |= !strcmp(name, voids[i]);
		if (is_void)
			continue;
		if (!closing) {
			assert_true(depth < 64);
			memcpy(stack[depth++], name, n + 1);
		} else {
			assert_true(depth > 0);
			assert_string_equal(stack[--depth], name);
		}
	}
	assert_int_equal(depth, 0);
}

static void ids_are_made_from_flat_names(void **unused)
{
	(void)unused;
	assert_string_equal(form_html_id(pool, "experience[0].from"), "experience-0-from");
	assert_string_equal(form_html_id(pool, "public[]"), "public");
	assert_string_equal(form_html_id(pool, "rpps"), "rpps");
}

static void every_step_is_well_formed_and_every_label_has_its_input(void **unused)
{
	(void)unused;
	struct values v = values_in(pool);
	struct problems p = problems_in(pool);
	values_add(&v, "practice_mode", "both");
	values_add(&v, "experience[1].from", "2015-02-03");
	for (size_t i = 0; i < form->step_count; i++) {
		const char *html = form_fields(form, &form->steps[i], &v, &p, NULL, 0, true, pool).html;
		assert_well_formed(html);
		for (const char *at = strstr(html, " for=\""); at; at = strstr(at + 1, " for=\"")) {
			char id[140];
			size_t n = strcspn(at + 6, "\"");
			assert_true(n < 100);
			snprintf(id, sizeof id, " id=\"%.*s\"", (int)n, at + 6);
			has(html, id);
			/* only one has this id */
			assert_null(strstr(strstr(html, id) + 1, id));
		}
		for (const char *at = strstr(html, "aria-describedby=\""); at;
		     at = strstr(at + 1, "aria-describedby=\"")) {
			const char *ids = at + strlen("aria-describedby=\"");
			size_t whole = strcspn(ids, "\"");
			for (size_t k = 0; k < whole;) {
				char id[140];
				size_t n = strcspn(ids + k, " \"");
				snprintf(id, sizeof id, " id=\"%.*s\"", (int)n, ids + k);
				has(html, id);
				k += n + 1;
			}
		}
		has_not(html, " style=");
		has_not(html, "<script");
	}
}

static void a_problem_is_said_in_the_list_and_beside_its_field(void **unused)
{
	(void)unused;
	struct values v = values_in(pool);
	struct problems p = problems_in(pool);
	values_add(&v, "rpps", "12\"3<");
	problems_add(&p, "rpps", "length", "Le numéro RPPS compte 11 chiffres.");
	problems_add(&p, "", "rows", "Trop <de> réponses.");
	const char *list = form_problem_summary(&p, pool).html, *html = drawn("rpps", &v, &p);
	has(list, "<a href=\"#rpps\">Le numéro RPPS compte 11 chiffres.</a>");
	has(list, "<li>Trop &lt;de&gt; réponses.</li>");
	has(list, "role=\"alert\"");
	assert_well_formed(list);
	has(html, "id=\"rpps-error\"");
	has(html, "value=\"12&quot;3&lt;\"");
	has(html, "aria-invalid=\"true\"");
	has(html, "govuk-form-group--error");
	assert_null(form_problem_summary(&(struct problems){ .pool = pool }, pool).html);
}

static void a_kept_secret_is_masked_and_a_wrong_one_comes_back_once(void **unused)
{
	(void)unused;
	struct values v = values_in(pool);
	struct problems none = problems_in(pool), wrong = problems_in(pool);
	values_add(&v, "nir", "185057800608436");
	problems_add(&wrong, "nir", "key", "La clé ne correspond pas.");
	has_not(drawn("nir", &v, &none), "185057800608436");
	has(drawn("nir", &v, &none), "1 85 ••");
	has(drawn("nir", &v, &wrong), "value=\"185057800608436\"");
	has_not(form_summary(form, form_step_of(form, "nir"), &v, NULL, pool).html, "185057800608436");
}

static void a_date_is_three_inputs_and_shows_what_was_typed(void **unused)
{
	(void)unused;
	struct values kept = values_in(pool), typed = values_in(pool), slashed = values_in(pool);
	values_add(&kept, "birth_date", "1980-03-07");
	const char *html = drawn("birth_date", &kept, NULL);
	has(html, "id=\"birth_date\" name=\"birth_date.day\" value=\"7\" autocomplete=\"bday-day\"");
	has(html, "name=\"birth_date.month\" value=\"3\"");
	has(html, "name=\"birth_date.year\" value=\"1980\"");
	values_add(&typed, "birth_date.day", "31");
	values_add(&typed, "birth_date.month", "février");
	values_add(&typed, "birth_date.year", "");
	html = drawn("birth_date", &typed, NULL);
	has(html, "name=\"birth_date.day\" value=\"31\"");
	has(html, "name=\"birth_date.month\" value=\"février\"");
	values_add(&slashed, "birth_date", "7/3/80");
	has(drawn("birth_date", &slashed, NULL), "name=\"birth_date.year\" value=\"80\"");
}

static void boxes_send_something_even_when_none_is_ticked(void **unused)
{
	(void)unused;
	struct values v = values_in(pool);
	values_add(&v, "public[]", "teens");
	const char *html = drawn("public[]", &v, NULL);
	const char *hidden = strstr(html, "<input type=\"hidden\" name=\"public[]\" value=\"\">");
	assert_non_null(hidden);
	const char *box = strstr(html, "type=\"checkbox\" id=\"public\" name=\"public[]\"");
	assert_non_null(box);
	assert_true(hidden < box);
	has(html, "value=\"teens\" checked");
	has_not(html, "value=\"adults\" checked");
	has(html, "<input type=\"hidden\" name=\"remote\" value=\"\">");
}

static void rows_are_added_and_taken_away_without_javascript(void **unused)
{
	(void)unused;
	struct values v = values_in(pool);
	values_add(&v, "experience[0].structure", "A");
	values_add(&v, "experience[1].structure", "B");
	const char *html = drawn("experience[0].from", &v, NULL);
	has(html, "name=\"add_row\" value=\"experience\"");
	has(html, "name=\"remove_row\" value=\"experience[1]\"");
	has(html, "<input type=\"hidden\" name=\"experience[]\" value=\"\">");
	has(html, "id=\"experience-1-structure\" name=\"experience[1].structure\" value=\"B\"");

	values_add(&v, "add_row", "experience");
	assert_true(form_press_rows(form, &v));
	assert_int_equal(values_rows(&v, "experience"), 3);
	assert_null(values_get(&v, "add_row"));
	assert_false(form_press_rows(form, &v));
	values_add(&v, "remove_row", "experience[0]");
	assert_true(form_press_rows(form, &v));
	assert_int_equal(values_rows(&v, "experience"), 2);
	assert_string_equal(values_get(&v, "experience[0].structure"), "B");
	values_add(&v, "remove_row", "experience[7]");
	values_add(&v, "add_row", "nothing");
	assert_true(form_press_rows(form, &v));
	assert_int_equal(values_rows(&v, "experience"), 2);
}

static void what_is_locked_is_shown_as_text(void **unused)
{
	(void)unused;
	static const char *const unlocked[] = { "rpps" };
	struct values v = values_in(pool);
	values_add(&v, "rpps", "10008744715");
	values_add(&v, "adeli", "759312345");
	const char *html = form_fields(form, form_step_of(form, "rpps"), &v, NULL, unlocked, 1, false, pool).html;
	has(html, "name=\"rpps\"");
	has_not(html, "name=\"adeli\"");
	has(html, "759312345");
	assert_well_formed(html);
}

static void the_summary_shows_what_is_asked_in_words(void **unused)
{
	(void)unused;
	struct values v = values_in(pool);
	values_add(&v, "birth_date", "1980-03-07");
	values_add(&v, "last_name", "<Martin>");
	const char *html = form_summary(form, form_step_of(form, "last_name"), &v, "/dossiers/1/etape/x", pool).html;
	has(html, "&lt;Martin&gt;");
	has(html, "7\u00a0mars\u00a01980");
	has(html, "href=\"/dossiers/1/etape/x#last_name\"");
	has(html, "Non renseigné");
	assert_well_formed(html);
	values_add(&v, "practice_mode", "liberal");
	has_not(form_summary(form, NULL, &v, NULL, pool).html, "employer");
}

static void the_schema_is_json(void **unused)
{
	(void)unused;
	struct json j = json_in(pool);
	form_openapi(form, &j);
	const char *properties = json_member(j.out.s, "properties", pool);
	assert_non_null(properties);
	const char *rpps = json_member(properties, "rpps", pool);
	assert_string_equal(json_member(rpps, "pattern", pool), "^[0-9]{11}$");
	assert_string_equal(json_member(json_member(properties, "experience", pool), "type", pool), "array");
	assert_non_null(strstr(json_member(j.out.s, "required", pool), "\"last_name\""));
}

static void all_forms_draw_and_describe_themselves(void **unused)
{
	(void)unused;
	const struct form *const *all;
	size_t n = forms_all(&all);
	assert_true(n > 5);
	struct values v = values_in(pool);
	for (size_t i = 0; i < n; i++) {
		struct json j = json_in(pool);
		assert_well_formed(form_fields(all[i], NULL, &v, NULL, NULL, 0, true, pool).html);
		assert_well_formed(form_summary(all[i], NULL, &v, "/x", pool).html);
		form_openapi(all[i], &j);
		assert_non_null(json_canonical(j.out.s, pool));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_made_from_flat_names),
		cmocka_unit_test(every_step_is_well_formed_and_every_label_has_its_input),
		cmocka_unit_test(a_problem_is_said_in_the_list_and_beside_its_field),
		cmocka_unit_test(a_kept_secret_is_masked_and_a_wrong_one_comes_back_once),
		cmocka_unit_test(a_date_is_three_inputs_and_shows_what_was_typed),
		cmocka_unit_test(boxes_send_something_even_when_none_is_ticked),
		cmocka_unit_test(rows_are_added_and_taken_away_without_javascript),
		cmocka_unit_test(what_is_locked_is_shown_as_text),
		cmocka_unit_test(the_summary_shows_what_is_asked_in_words),
		cmocka_unit_test(the_schema_is_json),
		cmocka_unit_test(all_forms_draw_and_describe_themselves),
	};
	return cmocka_run_group_tests(tests, load, close_pool);
}
