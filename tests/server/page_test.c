#include <stdint.h>
#include <string.h>
#include "../lib/test.h"

#include "../../server/page.h"

static struct pool *pool;

static int open_pool(void **unused)
{
	(void)unused;
	pool = pool_new();
	return 0;
}

static int close_pool(void **unused)
{
	(void)unused;
	pool_free(pool);
	return 0;
}

struct child {
	const char *label;
	int64_t n;
};
struct whole {
	const char *name, *url, *empty;
	int64_t count;
	bool yes, no;
	struct list items;
	const struct child *one, *nobody;
	struct markup html;
};
static const struct slot child_slots[] = { SLOT_T(struct child, label), SLOT_I(struct child, n) };
static const struct view child_view = VIEW(struct child, child_slots);
static const struct slot whole_slots[] = {
	SLOT_T(struct whole, name),
	SLOT_T(struct whole, url),
	SLOT_T(struct whole, empty),
	SLOT_I(struct whole, count),
	SLOT_B(struct whole, yes),
	SLOT_B(struct whole, no),
	SLOT_L(struct whole, items, &child_view),
	SLOT_V(struct whole, one, &child_view),
	SLOT_V(struct whole, nobody, &child_view),
	SLOT_M(struct whole, html),
};
static const struct view whole_view = VIEW(struct whole, whole_slots);

static const char *render_as(const char *file, const char *template, const struct whole *data)
{
	struct err e = { 0 };
	struct template *t = template_read(template, strlen(template), file, &whole_view, pool, &e);
	if (!t)
		fail_msg("%s", e.detail);
	struct str out = str_in(pool);
	template_render(t, data, &out);
	return out.s;
}

static const char *render(const char *template, const struct whole *data)
{
	return render_as("t.html", template, data);
}

static const char *refused(const char *template)
{
	struct err e = { 0 };
	assert_null(template_read(template, strlen(template), "t.html", &whole_view, pool, &e));
	assert_int_equal(e.kind, ERR_FAULT);
	return pool_strdup(pool, e.detail);
}

static void a_slot_is_escaped_for_where_it_stands(void **unused)
{
	(void)unused;
	const struct whole d = { .name = "<b> & \"x\" 'y'", .url = "/a?b=1&c=2" };
	assert_string_equal(render("<p>{{name}}</p>", &d), "<p>&lt;b&gt; &amp; \"x\" 'y'</p>");
	assert_string_equal(render("<p title=\"{{name}}\">", &d),
			    "<p title=\"&lt;b&gt; &amp; &quot;x&quot; &#39;y&#39;\">");
	assert_string_equal(render("<a href='{{url}}'>", &d), "<a href='/a?b=1&amp;c=2'>");
	assert_string_equal(render("<a href=\"/q?x={{name}}\">", &d),
			    "<a href=\"/q?x=%3Cb%3E%20%26%20%22x%22%20%27y%27\">");
	assert_string_equal(render_as("t.txt", "{{name}}", &d), "<b> & \"x\" 'y'");
}

static void a_url_names_only_harmless_schemes(void **unused)
{
	(void)unused;
	static const char *const good[] = { "https://a.fr/x:y", "HTTP://a", "mailto:a@b.fr", "tel:+33", "/x",
					    "?a=b:c",           "#h",       "suite" };
	static const char *const bad[] = { "javascript:alert(1)", " javascript:x",    "JaVaScRiPt:x",
					   "java\nscript:x",      "data:text/html,x", "//evil.example",
					   "/\\evil.example",     "\\\\evil",         "vbscript:x" };
	for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
		const struct whole d = { .url = good[i] };
		assert_string_equal(render("<a href=\"{{url}}\">", &d), pool_printf(pool, "<a href=\"%s\">", good[i]));
	}
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		const struct whole d = { .url = bad[i] };
		assert_string_equal(render("<a href=\"{{url}}\">", &d), "<a href=\"#\">");
		assert_string_equal(render("<form action='{{url}}'>", &d), "<form action='#'>");
	}
}

static void sections_repeat_show_once_or_show_the_contrary(void **unused)
{
	(void)unused;
	const struct child children[] = { { "a", 1 }, { "b", 2 } };
	const struct whole d = { .name = "N", .count = 0, .yes = true, .items = { children, 2 }, .one = &children[1] };
	assert_string_equal(render("{{#items}}{{label}}{{n}}-{{name}};{{/items}}", &d), "a1-N;b2-N;");
	assert_string_equal(render("{{^items}}none{{/items}}", &d), "");
	assert_string_equal(render("{{#yes}}y{{/yes}}{{^yes}}n{{/yes}}{{#no}}y{{/no}}{{^no}}n{{/no}}", &d), "yn");
	assert_string_equal(
		render("{{#one}}{{label}}{{/one}}{{#nobody}}{{label}}{{/nobody}}{{^nobody}}-{{/nobody}}", &d), "b-");
	assert_string_equal(
		render("{{#count}}c{{/count}}{{^count}}0{{/count}}{{#empty}}e{{/empty}}{{#name}}n{{/name}}", &d), "0n");
	assert_string_equal(render("<option{{#yes}} selected{{/yes}}{{#no}} x{{/no}}>{{name}}", &d),
			    "<option selected>N");
	assert_string_equal(render("{{#items}}{{#yes}}{{#one}}{{label}}{{n}}{{/one}}{{/yes}}{{/items}}", &d), "b2b2");
}

static void tags_alone_on_their_line_leave_no_line(void **unused)
{
	(void)unused;
	const struct child children[] = { { "a", 1 } };
	const struct whole d = { .items = { children, 1 }, .name = "N" };
	assert_string_equal(
		render_as("t.txt", "x\n{{#items}}\n- {{label}}\n{{/items}}\n{{! told }}\ny\n{{name}}\n", &d),
		"x\n- a\ny\nN\n");
}

static void markup_stands_between_tags_only(void **unused)
{
	(void)unused;
	const struct whole d = { .html = { "<b>x</b>" } };
	assert_string_equal(render("<p>{{html}}</p>", &d), "<p><b>x</b></p>");
	assert_non_null(strstr(refused("<p title=\"{{html}}\">"), "markup"));
}

static void what_cannot_be_escaped_stops_the_start(void **unused)
{
	(void)unused;
	static const char *const bad[] = {
		"<p {{name}}>",
		"<p title={{name}}>",
		"<{{name}}>",
		"<script>{{name}}</script>",
		"<style>{{name}}</style>",
		"<p onclick=\"{{name}}\">",
		"<p style=\"{{name}}\">",
		"<!-- {{name}} -->",
		"<iframe srcdoc=\"{{name}}\">",
		"{{yes}}",
		"{{items}}",
		"{{one}}",
		"{{unknown}}",
		"{{#unknown}}{{/unknown}}",
		"{{#yes}}",
		"{{/yes}}",
		"{{#yes}}{{#no}}{{/yes}}{{/no}}",
		"{{name",
		"{{}}",
		"{{>nothing.html}}",
		"<p {{#yes}}title=\"{{/yes}}x\">",
		"{{#items}}{{url2}}{{/items}}",
	};
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		refused(bad[i]);
	assert_string_equal(refused("<p>\n\n{{unknown}}"), "t.html:3: unknown slot unknown");
	/* After a script a text is a text again. */
	const struct whole d = { .name = "<" };
	assert_string_equal(render("<script src=\"/x\"></script>{{name}}", &d), "<script src=\"/x\"></script>&lt;");
}

static void url_parts_keep_only_what_is_unreserved(void **unused)
{
	(void)unused;
	struct str s = str_in(pool);
	url_part(&s, "a-Z_0.~/é ?");
	assert_string_equal(s.s, "a-Z_0.~%2F%C3%A9%20%3F");
}

static void every_page_of_the_program_loads(void **unused)
{
	(void)unused;
	struct err e = { 0 };
	if (pages_load(pool, &e))
		fail_msg("%s", e.detail);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_slot_is_escaped_for_where_it_stands),
		cmocka_unit_test(a_url_names_only_harmless_schemes),
		cmocka_unit_test(sections_repeat_show_once_or_show_the_contrary),
		cmocka_unit_test(tags_alone_on_their_line_leave_no_line),
		cmocka_unit_test(markup_stands_between_tags_only),
		cmocka_unit_test(what_cannot_be_escaped_stops_the_start),
		cmocka_unit_test(url_parts_keep_only_what_is_unreserved),
		cmocka_unit_test(every_page_of_the_program_loads),
	};
	return cmocka_run_group_tests(tests, open_pool, close_pool);
}
