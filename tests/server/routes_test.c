#include <string.h>

#include "../lib/test.h"

#include "../../forms/form.h"
#include "../../server/routes.h"

static struct pool *pool;

static int start(void **unused)
{
	struct err e = { 0 };
	(void)unused;
	pool = pool_new();
	return forms_load(pool, &e);
}

static int stop(void **unused)
{
	(void)unused;
	pool_free(pool);
	return 0;
}

static const struct route *find(enum method m, enum listener l, const char *path, struct route_params *p, int *status)
{
	const char *allow;
	*status = 0;
	return route_find(m, l, path, pool, p, status, &allow);
}

static void segments_give_their_decoded_values(void **unused)
{
	(void)unused;
	struct route_params p;
	int status;
	const struct route *r = find(METHOD_GET, PUBLIC, "/dossiers/a%20b", &p, &status);
	assert_non_null(r);
	assert_string_equal(r->path, "/dossiers/:id");
	assert_int_equal(p.count, 1);
	assert_string_equal(p.items[0].name, "id");
	assert_string_equal(p.items[0].value, "a b");
	r = find(METHOD_GET, PUBLIC, "/static/fonts/x.woff2", &p, &status);
	assert_string_equal(p.items[0].value, "fonts/x.woff2");
	assert_ptr_equal(find(METHOD_HEAD, PUBLIC, "/healthz", &p, &status),
			 find(METHOD_GET, AGENTS, "/healthz", &p, &status));
}

static void what_is_not_a_route_is_404_or_405(void **unused)
{
	(void)unused;
	static const char *const missing[] = {
		"",         "x",         "//",      "/dossiers/", "/dossiers/1/", "/dossiers/%ff", "/dossiers/%00",
		"/Healthz", "/healthz/", "/static/"
	};
	struct route_params p;
	int status;
	for (size_t i = 0; i < COUNT(missing); i++) {
		assert_null(find(METHOD_GET, PUBLIC, missing[i], &p, &status));
		assert_int_equal(status, 404);
	}
	assert_null(find(METHOD_POST, PUBLIC, "/healthz", &p, &status));
	assert_int_equal(status, 405);
	/* Another listener's page is not there at all. */
	assert_null(find(METHOD_GET, PUBLIC, "/metrics", &p, &status));
	assert_int_equal(status, 404);
}

static void every_row_is_whole_and_reachable(void **unused)
{
	(void)unused;
	for (size_t i = 0; i < route_count; i++) {
		const struct route *r = &routes[i];
		assert_true(r->who != 0);
		assert_non_null(r->answer);
		assert_non_null(r->doc);
		assert_int_equal(r->path[0], '/');
		if (r->form && !form_get(r->form))
			fail_msg("%s: no form %s", r->path, r->form);
		/* Its own pattern, its parameters taken as texts, finds this row on each of its listeners. */
		for (enum listener l = PUBLIC; l <= AGENTS; l++) {
			struct route_params p;
			int status;
			if (r->listener & l && find(r->method, l, r->path, &p, &status) != r)
				fail_msg("%s %s is hidden by an earlier row", method_name(r->method), r->path);
		}
		/* What nobody is asked for may only read. */
		if (r->bare || r->kept_ms)
			assert_int_equal(r->method, METHOD_GET);
		if (r->kept_ms == ROUTE_FOREVER)
			assert_null(r->ask);
	}
}

static void the_printed_table_has_a_sorted_line_for_each_row(void **unused)
{
	(void)unused;
	const char *text = routes_print(pool), *last = "";
	size_t lines = 0;
	for (const char *p = text; *p; p += strcspn(p, "\n") + 1, lines++) {
		const char *line = pool_strndup(pool, p, strcspn(p, "\n"));
		assert_true(strcmp(last, line) < 0);
		last = line;
	}
	assert_int_equal(lines, route_count);
	assert_non_null(strstr(text, "/healthz GET both visitor bare\n"));
}

static void the_openapi_document_is_json_and_names_every_path(void **unused)
{
	(void)unused;
	const char *document = openapi_document(), *paths = json_member(document, "paths", pool);
	assert_non_null(json_canonical(document, pool));
	assert_string_equal(json_member(document, "openapi", pool), "3.1.0");
	assert_non_null(json_member(paths, "/dossiers/{id}", pool));
	assert_non_null(json_member(json_member(paths, "/healthz", pool), "get", pool));
	for (size_t i = 0; i < route_count; i++)
		if (!strpbrk(routes[i].path, ":*"))
			assert_non_null(json_member(paths, routes[i].path, pool));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_give_their_decoded_values),
		cmocka_unit_test(what_is_not_a_route_is_404_or_405),
		cmocka_unit_test(every_row_is_whole_and_reachable),
		cmocka_unit_test(the_printed_table_has_a_sorted_line_for_each_row),
		cmocka_unit_test(the_openapi_document_is_json_and_names_every_path),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
