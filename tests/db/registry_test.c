#include "../../db/registry.h"
#include "../../server/base/asset.h"
#include "../../server/base/str.h"
#include "../lib/pgtest.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>
#include "../lib/test.h"

static struct pool *pool;
static const char *dsn, *folder;
static const char *header; /* without its end, with the trailing separator */
static size_t header_size;

static int group(void **state)
{
	(void)state;
	pool = pool_new();
	folder = pgtest_folder();
	dsn = pgtest_dsn();
	const struct asset *a = asset_get("db/data/rpps_personne_activite_header.txt");
	header = (const char *)a->data;
	header_size = strcspn(header, "\r\n");
	pgtest_migrate();
	return 0;
}

static int end(void **state)
{
	(void)state;
	pool_free(pool);
	return 0;
}

static const char *file_with(const char *name, const void *bytes, size_t n)
{
	const char *path = pool_printf(pool, "%s/%s", folder, name);
	FILE *f = fopen(path, "wb");
	assert_int_equal(fwrite(bytes, 1, n, f), n);
	fclose(f);
	return path;
}

static struct registry_counts counts;
static struct err e;

static int import(const char *text, size_t n)
{
	return registry_import(dsn, file_with("x.txt", text, n), true, NULL, NULL, &counts, &e);
}

/* A line of the 56 columns: what is not given is empty. */
static const char *line_of(const char *rpps, const char *last, const char *profession, const char *commune,
			   const char *departement, const char *postcode)
{
	struct str s = str_in(pool);
	for (int i = 0; i < 56; i++) {
		str_add(&s, i == 1    ? rpps
			    : i == 7  ? last
			    : i == 8  ? "Camille"
			    : i == 9  ? profession
			    : i == 17 ? "L"
			    : i == 24 ? "CABINET"
			    : i == 35 ? postcode
			    : i == 36 ? commune
			    : i == 44 ? departement
			    : i == 47 ? "ARS/ARS/ARS"
				      : "");
		str_add_c(&s, '|');
	}
	return s.s;
}

static const char *good(const char *rpps)
{
	return line_of(rpps, "EXEMPLE", "93", "75111", "", "75011");
}

static const char *with_header(const char *rest)
{
	return pool_printf(pool, "%.*s\n%s", (int)header_size, header, rest);
}

static const char *value(const char *sql)
{
	return pgtest_value(dsn, sql);
}

#define LINES "select count(*) from registry_line l join registry_copy c on c.id = l.copy where c.current"

static void the_fixture_is_read_to_the_last_column(void **state)
{
	(void)state;
	const struct asset *a = asset_get("db/data/rpps_personne_activite_fictif.txt");
	const char *path = file_with("PS_LibreAcces_Personne_activite_202611200812.txt", a->data, a->size);
	if (registry_import(dsn, path, true, NULL, NULL, &counts, &e))
		fail_msg("%s %s", e.text, e.detail);
	assert_int_equal(counts.read, 5);
	assert_int_equal(counts.kept, 5);
	assert_int_equal(counts.refused, 0);
	assert_int_equal(counts.day, day_from_ymd(2026, 11, 20));
	assert_string_equal(
		value("select concat_ws('|', rpps, last_name, first_name, profession, mode, commune, departement, "
		      "postcode, authority, structure, line) from registry_line where rpps = '99900000045'"),
		"99900000045|N\xe2\x80\x99GUESSAN|Yao|93|L|97411|974|97400|ARS/ARS/ARS|CABINET M YAO "
		"N\xe2\x80\x99GUESSAN|6");
	assert_string_equal(value("select string_agg(departement, ',' order by line) from registry_line"),
			    "75,59,76,75,974");
	assert_string_equal(value("select concat_ws('|', source_name, source_day, lines_read, lines_kept, "
				  "lines_refused, refused_lines, "
				  "current) from registry_copy where current"),
			    "PS_LibreAcces_Personne_activite_202611200812.txt|2026-11-20|5|5|0|[]|t");
}

static void a_new_copy_replaces_the_old_one_whole(void **state)
{
	(void)state;
	int64_t before = counts.copy;
	const char *t = with_header(pool_printf(pool, "%s\n", good("99900000011")));
	assert_int_equal(import(t, strlen(t)), 0);
	assert_true(counts.copy > before);
	assert_int_equal(counts.before, 5);
	assert_string_equal(value("select count(*) from registry_line"), "1");
	assert_string_equal(value("select count(*) from registry_copy where current"), "1");
	assert_int_equal(counts.day, day_from_ymd(2026, 1, 1) +
					     (int)strtol(value("select paris_today() - date '2026-01-01'"), NULL, 10));
}

static void line_ends_marks_and_separators_may_differ(void **state)
{
	(void)state;
	const char *a = good("99900000011"), *b = good("99900000029");
	int h = (int)header_size;
	const char *all[] = {
		pool_printf(pool, "%.*s\r\n%s\r\n%s\r\n", h, header, a, b),
		pool_printf(pool, "\xEF\xBB\xBF%.*s\n%s\n%s\n", h, header, a, b),
		pool_printf(pool, "%.*s\n%s\n%s", h, header, a, b), /* no line end at the end, the last line whole */
		pool_printf(pool, "%.*s\n%.*s\n%.*s\n", h - 1, header, (int)strlen(a) - 1, a, (int)strlen(b) - 1, b),
		pool_printf(pool, "%.*s\n%s\n%s\n", h - 1, header, a, b), /* … in the lines only */
		pool_printf(pool, "%.*s\n%.*s\n%s\n", h, header, (int)strlen(a) - 1, a, b),
	};
	for (size_t i = 0; i < COUNT(all); i++) {
		if (import(all[i], strlen(all[i])))
			fail_msg("%zu: %s %s", i, e.text, e.detail);
		assert_int_equal(counts.kept, 2);
		assert_int_equal(counts.refused, 0);
	}
}

static void columns_are_found_by_name_whatever_case_and_order(void **state)
{
	(void)state;
	static const char t[] =
		"code profession|NOM D\xe2\x80\x99"
		"EXERCICE|PR\xc3\x89NOM D'EXERCICE|autre|identifiant pp|Code Mode Exercice|"
		"Code Commune (coord. structure)|Code D\xc3\xa9partement (structure)|Code Postal (coord. structure)|"
		"AUTORIT\xc3\x89 D'ENREGISTREMENT|Raison sociale site\n"
		"93|DURAND|Zo\xc3\xa9||99900000011|S|2A004|||ARS|X\n";
	if (import(t, sizeof t - 1))
		fail_msg("%s %s", e.text, e.arg);
	assert_string_equal(value("select rpps || last_name || first_name || mode || departement from registry_line"),
			    "99900000011DURANDZo\xc3\xa9S2A");
}

static void fifty_two_columns_are_as_good(void **state)
{
	(void)state;
	/* Without the last four. */
	struct str s = str_in(pool);
	const char *rows[] = { pool_strndup(pool, header, header_size), good("99900000011") };
	for (size_t r = 0; r < 2; r++) {
		const char *p = rows[r];
		for (int i = 0; i < 52; i++) {
			const char *bar = strchr(p, '|');
			str_add_n(&s, p, (size_t)(bar - p + 1));
			p = bar + 1;
		}
		str_add_c(&s, '\n');
	}
	assert_int_equal(import(s.s, s.len), 0);
	assert_int_equal(counts.kept, 1);
}

static void only_the_two_professions_are_kept(void **state)
{
	(void)state;
	const char *t = with_header(pool_printf(
		pool, "%s\n%s\n%s\n%s\n%s\n", line_of("99900000011", "A", "93", "", "", ""),
		line_of("99900000029", "B", "72", "", "", ""), line_of("99900000037", "C", "10", "", "", ""),
		line_of("99900000045", "D", "931", "", "", ""), line_of("12345", "E", "60", "", "", "")));
	assert_int_equal(import(t, strlen(t)), 0);
	assert_int_equal(counts.read, 5);
	assert_int_equal(counts.kept, 2);
	assert_int_equal(counts.refused, 0);
	assert_string_equal(value("select string_agg(profession, ',' order by line) from registry_line"), "93,72");
}

static void broken_lines_are_refused_one_by_one_with_their_numbers(void **state)
{
	(void)state;
	char *longest = pool_alloc(pool, 100001);
	memset(longest, 'x', 100000);
	const char *t = with_header(pool_printf(pool, "%s\n%s\n%s\n%s\n%s\n%s\n\n%s\n", good("99900000011"), /* 2 */
						"not|enough|columns",                                        /* 3 */
						line_of("99900000029", "MAL\xE9", "93", "", "", ""),         /* 4 */
						line_of("9990000001", "SHORT", "93", "", "", ""),            /* 5 */
						longest,                                                     /* 6 */
						good("99900000037"),                             /* 7, then 8 empty */
						pool_printf(pool, "%s|", good("99900000045")))); /* 9 */
	assert_int_equal(import(t, strlen(t)), 0);
	assert_int_equal(counts.read, 8);
	assert_int_equal(counts.kept, 2);
	assert_int_equal(counts.refused, 6);
	static const struct {
		int line;
		const char *why;
	} want[] = { { 3, "columns" },  { 4, "utf8" },    { 5, "rpps" },
		     { 6, "too_long" }, { 8, "columns" }, { 9, "columns" } };
	for (size_t i = 0; i < COUNT(want); i++) {
		assert_int_equal(counts.told[i].line, want[i].line);
		assert_string_equal(counts.told[i].why, want[i].why);
	}
	assert_string_equal(value("select refused_lines->1->>'line' || (refused_lines->1->>'why') from registry_copy "
				  "where current"),
			    "4utf8");
	assert_string_equal(value("select string_agg(line::text, ',' order by line) from registry_line"), "2,7");
}

static void a_byte_0_is_refused_with_its_line(void **state)
{
	(void)state;
	const char *t = with_header(pool_printf(pool, "%s\n%s\n", good("99900000011"), good("99900000029")));
	size_t n = strlen(t);
	char *bytes = pool_copy(pool, t, n);
	*strstr(strstr(bytes, "99900000029"), "EXEMPLE") = 0;
	assert_int_equal(import(bytes, n), 0);
	assert_int_equal(counts.kept, 1);
	assert_string_equal(counts.told[0].why, "utf8");
}

static void what_copy_would_take_for_its_own_is_kept_as_it_is(void **state)
{
	(void)state;
	const char *odd = "A\\N\tB\\.\rC";
	const char *t = with_header(pool_printf(pool, "%s\n", line_of("99900000011", odd, "93", "", "", "")));
	assert_int_equal(import(t, strlen(t)), 0);
	assert_string_equal(value("select last_name from registry_line"), odd);
}

static void a_hundred_refusals_are_told_and_all_are_counted(void **state)
{
	(void)state;
	struct str s = str_in(pool);
	str_add(&s, with_header(pool_printf(pool, "%s\n", good("99900000011"))));
	for (int i = 0; i < 250; i++)
		str_add(&s, "x\n");
	assert_int_equal(import(s.s, s.len), 0);
	assert_int_equal(counts.refused, 250);
	assert_string_equal(value("select jsonb_array_length(refused_lines) from registry_copy where current"), "100");
}

static void refused(const char *text, size_t n, const char *why)
{
	const char *before = pool_strdup(pool, value("select id from registry_copy where current"));
	const char *lines = pool_strdup(pool, value(LINES));
	assert_int_equal(import(text, n), -1);
	assert_int_equal(e.kind, ERR_INPUT);
	assert_string_equal(e.text, why);
	assert_string_equal(value("select id from registry_copy where current"), before);
	assert_string_equal(value(LINES), lines);
	assert_string_equal(value("select count(*) from registry_copy where not current and lines_read = 0 and id > "
				  "(select id from "
				  "registry_copy where current)"),
			    "0");
}

static void a_file_that_is_not_whole_is_refused_and_the_old_copy_stays(void **state)
{
	(void)state;
	const char *whole = with_header(pool_printf(pool, "%s\n%s\n", good("99900000011"), good("99900000029")));
	assert_int_equal(import(whole, strlen(whole)), 0);
	size_t n = strlen(whole);
	refused("", 0, "registry.empty");
	refused(header, header_size, "registry.empty");
	refused(with_header(""), header_size + 1, "registry.empty");
	refused(whole, n - 3, "registry.truncated"); /* in the last line's end */
	refused(whole, n - 40, "registry.truncated");
	refused(whole, header_size + 30, "registry.truncated");
	refused(whole, header_size / 2, "registry.empty");
	refused("\n\n\n", 3, "registry.column");
	refused("<html>not found</html>\n<p>\n", 26, "registry.column");
	const char *others = with_header(pool_printf(pool, "%s\n", line_of("99900000011", "A", "10", "", "", "")));
	refused(others, strlen(others), "registry.no_psychologist");
	char *nameless = pool_strdup(pool, whole);
	memcpy(strstr(nameless, "Code profession"), "Code procession", 15);
	refused(nameless, n, "registry.column");
	assert_string_equal(e.arg, "Code profession");
	char *junk = pool_alloc(pool, 3000000);
	memset(junk, 'j', 3000000);
	refused(junk, 3000000, "registry.header");
	assert_int_equal(registry_import(dsn, "/nonexistent", true, NULL, NULL, &counts, &e), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	assert_int_equal(registry_import(dsn, folder, true, NULL, NULL, &counts, &e), -1);
	assert_int_equal(
		registry_import("host=/nonexistent", file_with("x.txt", whole, n), true, NULL, NULL, &counts, &e), -1);
	assert_int_equal(e.kind, ERR_BUSY);
}

static void a_departement_comes_from_the_commune_then_the_column_then_the_postcode(void **state)
{
	(void)state;
	static const struct {
		const char *commune, *column, *postcode, *want;
	} cases[] = {
		{ "59350", "62", "75001", "59" },
		{ "2A004", "", "", "2A" },
		{ "2B033", "", "20200", "2B" },
		{ "97411", "", "", "974" },
		{ "", "62", "75001", "62" },
		{ "", "2B", "", "2B" },
		{ "", "974", "", "974" },
		{ "", "1", "75001", "01" },
		{ "", "", "75011", "75" },
		{ "", "", "20000", "2A" },
		{ "", "", "20137", "2A" },
		{ "", "", "20200", "2B" },
		{ "", "", "20600", "2B" },
		{ "", "", "97400", "974" },
		{ "", "", "", "" },
		{ "xxxxx", "", "33000", "33" },
		{ "9A101", "9A", "97100", "971" },
		{ "", "", "0000", "" },
		{ "", "", "00000", "" },
		{ "59", "", "", "" },
	};
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct registry_span f[REGISTRY_COLUMNS] = { 0 };
		char out[4];
		f[REGISTRY_COMMUNE] = (struct registry_span){ cases[i].commune, strlen(cases[i].commune) };
		f[REGISTRY_DEPARTEMENT] = (struct registry_span){ cases[i].column, strlen(cases[i].column) };
		f[REGISTRY_POSTCODE] = (struct registry_span){ cases[i].postcode, strlen(cases[i].postcode) };
		registry_departement(f, out);
		assert_string_equal(out, cases[i].want);
	}
}

static int64_t told_bytes, told_times;

static void progress(void *context, int64_t bytes, int64_t total, int64_t lines)
{
	(void)context;
	assert_true(bytes >= told_bytes && bytes <= total && lines > 0);
	told_bytes = bytes;
	told_times++;
}

static void a_large_file_streams_in_little_memory(void **state)
{
	(void)state;
	struct pool *p = pool_new();
	struct rusage before, after;
	const char *path = pool_printf(p, "%s/large_20261121.txt", folder),
		   *other = line_of("99900000029", "B", "10", "59350", "", "59000");
	FILE *f = fopen(path, "wb");
	fprintf(f, "%.*s\n", (int)header_size, header);
	enum { N = 400000 };
	for (int i = 0; i < N; i++)
		fprintf(f, "%s\n", i % 100 ? other : good(i == 0 ? "99900000011" : "99900000037"));
	fclose(f);
	getrusage(RUSAGE_SELF, &before);
	if (registry_import(dsn, path, true, progress, NULL, &counts, &e))
		fail_msg("%s %s", e.text, e.detail);
	getrusage(RUSAGE_SELF, &after);
	assert_int_equal(counts.read, N);
	assert_int_equal(counts.kept, N / 100);
	assert_true(told_times >= 2);
	assert_true(after.ru_maxrss - before.ru_maxrss < 60000); /* KB; the sanitizers keep their part */
	unlink(path);
	pool_free(p);
}

static void a_file_with_less_than_half_of_the_copy_in_place_is_taken_only_when_that_is_said(void **state)
{
	(void)state;
	struct str whole = str_in(pool);
	for (int i = 0; i < 10; i++)
		str_addf(&whole, "%s\n", good("99900000011"));
	const char *big = with_header(whole.s), *small = with_header(pool_printf(pool, "%s\n", good("99900000011")));
	const char *cut = file_with("cut.txt", small, strlen(small));
	assert_int_equal(registry_import(dsn, file_with("big.txt", big, strlen(big)), true, NULL, NULL, &counts, &e),
			 0);
	assert_int_equal(registry_import(dsn, cut, false, NULL, NULL, &counts, &e), -1);
	assert_string_equal(e.text, "registry.shrunk");
	assert_string_equal(pgtest_value(dsn, "select lines_kept from registry_copy where current"), "10");
	assert_int_equal(registry_import(dsn, cut, true, NULL, NULL, &counts, &e), 0);
}

static void a_number_is_looked_up_in_the_current_copy(void **state)
{
	(void)state;
	const struct lanes_options o = { .dsn = dsn, .write = 1 };
	struct lanes *l = lanes_open(&o, NULL, NULL, &e);
	const struct rows *r;
	const char *t = with_header(pool_printf(pool, "%s\n%s\n", good("99900000011"), good("99900000011")));
	assert_int_equal(
		registry_import(dsn, file_with("registry-20261101.txt", t, strlen(t)), true, NULL, NULL, &counts, &e),
		0);
	assert_int_equal(db_run(l, pool, LANE_FAST, &registry_lines_of, ARGS(arg_text("99900000011")), &r, &e), 0);
	assert_int_equal(rows_count(r), 2);
	assert_string_equal(rows_text(r, 1, "departement"), "75");
	assert_int_equal(rows_i64(r, 1, "line"), 3);
	assert_int_equal(db_run(l, pool, LANE_FAST, &registry_current, NO_ARGS, &r, &e), 0);
	assert_int_equal(rows_day(r, 0, "day"), day_from_ymd(2026, 11, 1));
	assert_int_equal(rows_i64(r, 0, "lines_kept"), 2);
	lanes_close(l);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_fixture_is_read_to_the_last_column),
		cmocka_unit_test(a_new_copy_replaces_the_old_one_whole),
		cmocka_unit_test(line_ends_marks_and_separators_may_differ),
		cmocka_unit_test(columns_are_found_by_name_whatever_case_and_order),
		cmocka_unit_test(fifty_two_columns_are_as_good),
		cmocka_unit_test(only_the_two_professions_are_kept),
		cmocka_unit_test(broken_lines_are_refused_one_by_one_with_their_numbers),
		cmocka_unit_test(a_byte_0_is_refused_with_its_line),
		cmocka_unit_test(what_copy_would_take_for_its_own_is_kept_as_it_is),
		cmocka_unit_test(a_hundred_refusals_are_told_and_all_are_counted),
		cmocka_unit_test(a_file_that_is_not_whole_is_refused_and_the_old_copy_stays),
		cmocka_unit_test(a_departement_comes_from_the_commune_then_the_column_then_the_postcode),
		cmocka_unit_test(a_large_file_streams_in_little_memory),
		cmocka_unit_test(a_file_with_less_than_half_of_the_copy_in_place_is_taken_only_when_that_is_said),
		cmocka_unit_test(a_number_is_looked_up_in_the_current_copy),
	};
	return cmocka_run_group_tests(tests, group, end);
}
