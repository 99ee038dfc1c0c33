#include "../../db/csv.h"
#include "../../server/base/asset.h"
#include <string.h>
#include "../lib/test.h"

static struct pool *pool;
static struct err e;

static int setup(void **state)
{
	(void)state;
	pool = pool_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_free(pool);
	return 0;
}

/* Every row as "a|b|c\n", or the line number of the refusal after '!'. */
static const char *read_all(const char *text, size_t n)
{
	struct csv c = csv_of(text, n, pool);
	struct str out = str_in(pool);
	int r;
	while ((r = csv_row(&c, &e)) > 0)
		for (size_t i = 0; i < c.count; i++) {
			str_add(&out, c.fields[i]);
			str_add_c(&out, i + 1 < c.count ? '|' : '\n');
		}
	if (r < 0)
		str_addf(&out, "!%s", e.detail);
	return out.s;
}

#define SAME(in, out) assert_string_equal(read_all(in, sizeof(in) - 1), out)

static void fields_are_split_and_unquoted(void **state)
{
	(void)state;
	SAME("", "");
	SAME("a,b\n1,2\n", "a|b\n1|2\n");
	SAME("a,b\r\n1,2", "a|b\n1|2\n");
	SAME("\xEF\xBB\xBF"
	     "a,b\n",
	     "a|b\n");
	SAME("a,\"b,c\",\"d\"\"e\"\n", "a|b,c|d\"e\n");
	SAME("\"two\nlines\",x\n1,2\n", "two\nlines|x\n1|2\n");
	SAME(",\n", "|\n");
	SAME("\"\"\n", "\n");
	SAME("\n\na\n\r\nb\n\n", "a\nb\n");
	SAME("a,b\n1,\n", "a|b\n1|\n");
}

static void what_is_malformed_is_refused_with_its_line(void **state)
{
	(void)state;
	SAME("a,b\n1\n", "a|b\n!line 2: 1 fields in place of 2");
	SAME("a\n1,2\n", "a\n!line 2: 2 fields in place of 1");
	SAME("a\n\"x\n\ny", "a\n!line 2: a quote is not closed");
	SAME("a\n\"x\"y\n", "a\n!line 2: text after a closing quote");
	SAME("a\nx\"y\n", "a\n!line 2: a byte that must be quoted");
	SAME("a\nx\0y\n", "a\n!line 2: a byte that must be quoted");
	SAME("a\n\"x\0y\"\n", "a\n!line 2: a byte 0");
	SAME("a\rb\n", "!line 1: a carriage return alone");
	SAME("\"a\nb\",c\n\n1\n", "a\nb|c\n!line 4: 1 fields in place of 2");
}

static void a_row_of_too_many_fields_is_refused(void **state)
{
	(void)state;
	char *wide = pool_alloc(pool, 1000);
	memset(wide, ',', 999);
	assert_non_null(strstr(read_all(wide, 999), "too many fields"));
}

static void columns_are_found_by_name(void **state)
{
	(void)state;
	static const char text[] = "c,a,b\n3,1,2\n";
	static const char *const names[] = { "a", "b", "c" }, *const other[] = { "a", "d" };
	size_t at[3];
	struct csv c = csv_of(text, sizeof text - 1, pool);
	assert_int_equal(csv_header(&c, names, 3, at, &e), 0);
	assert_int_equal(csv_row(&c, &e), 1);
	assert_string_equal(c.fields[at[0]], "1");
	assert_string_equal(c.fields[at[2]], "3");
	c = csv_of(text, sizeof text - 1, pool);
	assert_int_equal(csv_header(&c, other, 2, at, &e), -1);
	assert_string_equal(e.detail, "no column d");
	c = csv_of("", 0, pool);
	assert_int_equal(csv_header(&c, names, 3, at, &e), -1);
}

static void every_file_of_the_reference_data_is_read_to_its_end(void **state)
{
	(void)state;
	size_t files = 0;
	for (const struct asset *a = NULL; (a = asset_next("db/data", a));) {
		if (!str_ends(a->path, ".csv"))
			continue;
		struct csv c = csv_of(a->data, a->size, pool);
		int r;
		while ((r = csv_row(&c, &e)) > 0)
			;
		if (r < 0)
			fail_msg("%s %s", a->path, e.detail);
		files++;
	}
	assert_true(files >= 5);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(fields_are_split_and_unquoted),
		T(what_is_malformed_is_refused_with_its_line),
		T(a_row_of_too_many_fields_is_refused),
		T(columns_are_found_by_name),
		T(every_file_of_the_reference_data_is_read_to_its_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
