#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/test.h"

#include "../../server/base/str.h"
#include "../../server/multipart.h"

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

/* The body in memory of its own size: a read beyond its end is seen by ASan. */
static int url(const char *text, struct values *v)
{
	size_t n = strlen(text);
	char *exact = malloc(n ? n : 1);
	struct err e = { 0 };
	memcpy(exact, text, n);
	*v = values_in(pool);
	int r = urlencoded_read(exact, n, v, &e);
	free(exact);
	return r;
}

static void names_and_values_are_decoded(void **unused)
{
	(void)unused;
	struct values v;
	assert_int_equal(url("a=1&b=x+y%21&experience%5B0%5D.from=2015-01-01&empty=&alone&&a=2", &v), 0);
	assert_string_equal(values_get(&v, "a"), "1");
	assert_string_equal(values_get(&v, "b"), "x y!");
	assert_string_equal(values_get(&v, "experience[0].from"), "2015-01-01");
	assert_string_equal(values_get(&v, "empty"), "");
	assert_string_equal(values_get(&v, "alone"), "");
	assert_int_equal(v.count, 6);
}

static void odd_percents_are_left_and_bad_texts_refused(void **unused)
{
	(void)unused;
	struct values v;
	assert_int_equal(url("a=100%&b=%zz&c=%4", &v), 0);
	assert_string_equal(values_get(&v, "a"), "100%");
	assert_string_equal(values_get(&v, "b"), "%zz");
	assert_string_equal(values_get(&v, "c"), "%4");
	assert_int_equal(url("a=%00", &v), -1);
	assert_int_equal(url("a=%ff", &v), -1);
	assert_int_equal(url("%ff=a", &v), -1);
	assert_int_equal(url("", &v), 0);
	assert_int_equal(url("Upper=1&a%20b=2&ok=3", &v), 0);
	assert_int_equal(v.count, 1);
}

static void line_ends_have_one_form(void **unused)
{
	(void)unused;
	struct values v;
	assert_int_equal(url("a=1%0D%0A2%0D3", &v), 0);
	assert_string_equal(values_get(&v, "a"), "1\n2\r3");
}

static void the_number_of_fields_is_bounded(void **unused)
{
	(void)unused;
	struct str s = str_in(pool);
	struct values v;
	for (int i = 0; i < 5001; i++)
		str_add(&s, "a=1&");
	assert_int_equal(url(s.s, &v), -1);
}

static int parts(const char *type, const char *body, size_t n, struct values *v, struct upload **u, size_t *count)
{
	/* Uploads point into the body: it lives as long as the pool. */
	char *exact = malloc(n ? n : 1);
	struct err e = { 0 };
	memcpy(exact, body, n);
	pool_defer(pool, free, exact);
	*v = values_in(pool);
	return multipart_read(type, exact, n, v, pool, u, count, &e);
}

static const char type[] = "multipart/form-data; boundary=AaB";
static const char form[] =
	"--AaB\r\nContent-Disposition: form-data; name=\"kind\"\r\n\r\ndiploma\r\n"
	"--AaB\r\nContent-Disposition: form-data; name=\"empty\"\r\n\r\n\r\n"
	"--AaB\r\ncontent-disposition: form-data; name=file; filename=\"C:\\\\dir\\\\mon dipl\303\264me.pdf\"\r\n"
	"Content-Type: application/pdf\r\n\r\n%PDF\r\n--AaC\0x\r\n"
	"--AaB--\r\n";

static void fields_and_files_are_told_apart(void **unused)
{
	(void)unused;
	struct values v;
	struct upload *u;
	size_t count;
	assert_int_equal(parts(type, form, sizeof form - 1, &v, &u, &count), 0);
	assert_string_equal(values_get(&v, "kind"), "diploma");
	assert_string_equal(values_get(&v, "empty"), "");
	assert_int_equal(count, 1);
	assert_string_equal(u[0].field, "file");
	assert_string_equal(u[0].filename, "mon diplôme.pdf");
	assert_string_equal(u[0].type, "application/pdf");
	assert_int_equal(u[0].size, 13);
	assert_memory_equal(u[0].bytes, "%PDF\r\n--AaC\0x", 13);
}

static void a_body_cut_anywhere_is_refused(void **unused)
{
	(void)unused;
	struct values v;
	struct upload *u;
	size_t count;
	/* The last line end may be missing: 4 bytes before the end the closing mark is whole. */
	for (size_t n = 0; n < sizeof form - 1 - 2; n++)
		assert_int_equal(parts(type, form, n, &v, &u, &count), -1);
	assert_int_equal(parts(type, form, sizeof form - 1 - 2, &v, &u, &count), 0);
}

static void names_of_files_are_made_harmless(void **unused)
{
	(void)unused;
	static const struct {
		const char *sent, *kept;
	} names[] = { { "../../etc/passwd", "passwd" },
		      { "a\x01\x7f.pdf", "a.pdf" },
		      { "..", "document" },
		      { "x/", "document" },
		      { "a\\\"b.pdf", "ab.pdf" } };
	struct values v;
	struct upload *u;
	size_t count;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		const char *body = pool_printf(
			pool, "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"%s\"\r\n\r\nx\r\n--b--",
			names[i].sent);
		assert_int_equal(parts("multipart/form-data; boundary=\"b\"", body, strlen(body), &v, &u, &count), 0);
		assert_int_equal(count, 1);
		assert_string_equal(u[0].filename, names[i].kept);
		assert_string_equal(u[0].type, "application/octet-stream");
	}
}

static void an_empty_file_field_is_nothing(void **unused)
{
	(void)unused;
	struct values v;
	struct upload *u;
	size_t count;
	const char *body = "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"\"\r\n\r\n\r\n--b--\r\n";
	assert_int_equal(parts("multipart/form-data; boundary=b", body, strlen(body), &v, &u, &count), 0);
	assert_int_equal(count, 0);
	assert_int_equal(v.count, 0);
}

static void bad_types_and_headers_are_refused(void **unused)
{
	(void)unused;
	static const char *const bodies[] = {
		"--b\r\n\r\nx\r\n--b--",
		"--b\r\nContent-Disposition: attachment; name=\"f\"\r\n\r\nx\r\n--b--",
		"--b\r\nContent-Disposition: form-data; filename=\"f\"\r\n\r\nx\r\n--b--",
		"--b\r\nContent-Disposition: form-data; name=\"f\"\r\n\r\n\xff\r\n--b--",
		"nothing",
	};
	struct values v;
	struct upload *u;
	size_t count;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++)
		assert_int_equal(parts("multipart/form-data; boundary=b", bodies[i], strlen(bodies[i]), &v, &u, &count),
				 -1);
	assert_int_equal(parts("multipart/form-data", form, sizeof form - 1, &v, &u, &count), -1);
	assert_int_equal(parts(NULL, form, sizeof form - 1, &v, &u, &count), -1);
	const char *longest =
		"multipart/form-data; boundary=0123456789012345678901234567890123456789012345678901234567890123456789x";
	assert_int_equal(parts(longest, form, sizeof form - 1, &v, &u, &count), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_values_are_decoded),
		cmocka_unit_test(odd_percents_are_left_and_bad_texts_refused),
		cmocka_unit_test(line_ends_have_one_form),
		cmocka_unit_test(the_number_of_fields_is_bounded),
		cmocka_unit_test(fields_and_files_are_told_apart),
		cmocka_unit_test(a_body_cut_anywhere_is_refused),
		cmocka_unit_test(names_of_files_are_made_harmless),
		cmocka_unit_test(an_empty_file_field_is_nothing),
		cmocka_unit_test(bad_types_and_headers_are_refused),
	};
	return cmocka_run_group_tests(tests, open_pool, close_pool);
}
