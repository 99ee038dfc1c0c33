#include "../lib/test.h"
#include "../lib/tool.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "../../server/base/str.h"
#include "../../server/child.h"
#include "../../server/base/clock.h"
#include "../../server/piece_check.h"

/* ---- documents made here: small, exact, and one thing wrong at a time ---- */

/* Objects 4 and more are the test's; `catalog` adds to the catalogue. The cross-reference table is computed. */
static char *pdf(struct pool *pool, const char *catalog, const char *const *objects, size_t count, size_t *n)
{
	struct str s = str_in(pool);
	size_t at[16], total = 3 + count;
	str_add(&s, "%PDF-1.7\n");
	at[0] = s.len;
	str_addf(&s, "1 0 obj\n<< /Type /Catalog /Pages 2 0 R %s >>\nendobj\n", catalog);
	at[1] = s.len;
	str_add(&s, "2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n");
	at[2] = s.len;
	str_add(&s, "3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Resources << >> >>\nendobj\n");
	for (size_t i = 0; i < count; i++) {
		at[3 + i] = s.len;
		str_addf(&s, "%zu 0 obj\n%s\nendobj\n", 4 + i, objects[i]);
	}
	size_t table = s.len;
	str_addf(&s, "xref\n0 %zu\n0000000000 65535 f \n", total + 1);
	for (size_t i = 0; i < total; i++)
		str_addf(&s, "%010zu 00000 n \n", at[i]);
	str_addf(&s, "trailer\n<< /Size %zu /Root 1 0 R >>\nstartxref\n%zu\n%%%%EOF\n", total + 1, table);
	*n = s.len;
	return s.s;
}

static const char *problem_of(struct pool *pool, const void *bytes, size_t n)
{
	struct piece_checked c;
	struct err e;
	assert_int_equal(piece_check(bytes, n, pool, &c, &e), 0);
	return c.problem;
}

static const char *problem_of_pdf(struct pool *pool, const char *catalog, const char *object)
{
	size_t n;
	char *b = pdf(pool, catalog, &object, object ? 1 : 0, &n);
	return problem_of(pool, b, n);
}

static void png_chunk(struct str *s, const char *kind, const void *data, size_t n)
{
	unsigned char number[4] = { (unsigned char)(n >> 24), (unsigned char)(n >> 16), (unsigned char)(n >> 8),
				    (unsigned char)n };
	str_add_n(s, number, 4);
	size_t from = s->len;
	str_add_n(s, kind, 4);
	str_add_n(s, data, n);
	uLong crc = crc32(0, (const unsigned char *)s->s + from, (uInt)(n + 4));
	for (size_t i = 0; i < 4; i++)
		number[i] = (unsigned char)(crc >> (24 - 8 * i));
	str_add_n(s, number, 4);
}

static struct str png_of(struct pool *pool, unsigned width, unsigned height, const char *text)
{
	const unsigned char head[13] = { 0,
					 0,
					 (unsigned char)(width >> 8),
					 (unsigned char)width,
					 0,
					 0,
					 (unsigned char)(height >> 8),
					 (unsigned char)height,
					 8,
					 0,
					 0,
					 0,
					 0 };
	unsigned char data[64];
	uLongf size = sizeof data;
	struct str s = str_in(pool);
	assert_int_equal(compress(data, &size, (const unsigned char *)"\0\0", 2), Z_OK);
	str_add_n(&s, "\x89PNG\r\n\x1A\n", 8);
	png_chunk(&s, "IHDR", head, sizeof head);
	if (text)
		png_chunk(&s, "tEXt", text, strlen(text));
	png_chunk(&s, "IDAT", data, size);
	png_chunk(&s, "IEND", "", 0);
	return s;
}

static struct str png(struct pool *pool, const char *text)
{
	return png_of(pool, 640, 400, text);
}

static struct str jpeg(struct pool *pool, unsigned width, const char *comment)
{
	struct str s = str_in(pool);
	const unsigned char frame[] = {
		0xFF, 0xC0, 0, 11, 8, 1, 144, (unsigned char)(width >> 8), (unsigned char)width, 1, 1, 0x11, 0
	};
	const unsigned char scan[] = { 0xFF, 0xDA, 0, 8, 1, 1, 0, 0, 63, 0, 0x2A, 0xFF, 0xD9 };
	str_add_n(&s, "\xFF\xD8\xFF\xE0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0", 20);
	if (comment) {
		const unsigned char head[4] = { 0xFF, 0xFE, 0, (unsigned char)(strlen(comment) + 2) };
		str_add_n(&s, head, 4);
		str_add(&s, comment);
	}
	str_add_n(&s, frame, sizeof frame);
	str_add_n(&s, scan, sizeof scan);
	return s;
}

/* ---- */

static struct pool *pool;
static int begin(void **state)
{
	(void)state;
	pool = pool_new();
	return 0;
}
static int end(void **state)
{
	(void)state;
	pool_free(pool);
	return 0;
}

static void a_plain_pdf_is_good_and_its_pages_are_counted(void **state)
{
	size_t n;
	struct piece_checked c;
	struct err e;
	(void)state;
	char *b = pdf(pool, "", NULL, 0, &n);
	assert_int_equal(piece_check(b, n, pool, &c, &e), 0);
	assert_string_equal(c.type, "application/pdf");
	assert_null(c.problem);
	assert_int_equal(c.pages, 1);
}

static void opening_on_a_page_is_no_action(void **state)
{
	(void)state;
	assert_null(problem_of_pdf(pool, "/OpenAction [3 0 R /XYZ null null null]", NULL));
	/* the words alone, in a text, do nothing */
	assert_null(problem_of_pdf(pool, "/Lang (/JavaScript)", "<< /Title (/Launch /JS) >>"));
}

static void what_acts_by_itself_is_active(void **state)
{
	(void)state;
	assert_string_equal(problem_of_pdf(pool, "/OpenAction 4 0 R", "<< /S /JavaScript /JS (app.alert\\(1\\)) >>"),
			    "active");
	assert_string_equal(problem_of_pdf(pool, "/OpenAction 4 0 R", "<< /S /J#61vaScript /J#53 (x) >>"), "active");
	assert_string_equal(problem_of_pdf(pool, "/AA << /WC 4 0 R >>", "<< /S /Launch /F (calc.exe) >>"), "active");
	assert_string_equal(problem_of_pdf(pool, "/AcroForm << /Fields [] /XFA [] >>", NULL), "active");
	assert_string_equal(problem_of_pdf(pool, "/Names << /EmbeddedFiles << /Names [] >> >>", NULL), "active");
	assert_string_equal(problem_of_pdf(pool, "/X 4 0 R", "<< /Type /Filespec /F (a) /EF << >> >>"), "active");
	assert_string_equal(problem_of_pdf(pool, "/X 4 0 R", "<< /Type /Annot /Subtype /RichMedia >>"), "active");
}

static void a_cut_or_broken_pdf_is_unreadable(void **state)
{
	size_t n;
	(void)state;
	static const char alone[] = "%PDF-1.7\nnothing follows this header at all\n";
	assert_string_equal(problem_of(pool, alone, sizeof alone - 1), "unreadable");
	char *b = pdf(pool, "", NULL, 0, &n);
	memset(b + 9, 'x', n / 2);
	assert_string_equal(problem_of(pool, b, n), "unreadable");
}

/* qpdf itself makes the encrypted ones. */
static void an_encrypted_pdf_says_so(void **state)
{
	static const char *const words[] = { "", "secret" };
	(void)state;
	for (size_t i = 0; i < COUNT(words); i++) {
		size_t n;
		char *b = pdf(pool, "", NULL, 0, &n);
		const char *const argv[] = { "/usr/bin/qpdf",   "--encrypt", words[i], "owner", "256", "--",
					     "/proc/self/fd/3", "-",         NULL };
		struct str out = tool_said(pool, argv, b, n, NULL);
		assert_string_equal(problem_of(pool, out.s, out.len), "encrypted");
	}
}

static void what_is_also_something_else_is_a_polyglot(void **state)
{
	size_t n;
	(void)state;
	struct str s = str_in(pool);
	char *b = pdf(pool, "", NULL, 0, &n);
	str_add_n(&s, b, n);
	str_add_n(&s, "PK\x05\x06\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 22);
	assert_string_equal(problem_of(pool, s.s, s.len), "polyglot");
	s = png(pool, "Comment\n<script>x()</script>");
	assert_string_equal(problem_of(pool, s.s, s.len), "polyglot");
	s = png(pool, NULL);
	str_add(&s, "more");
	assert_string_equal(problem_of(pool, s.s, s.len), "polyglot");
	s = jpeg(pool, 640, "<?php echo 1 ?>");
	assert_string_equal(problem_of(pool, s.s, s.len), "polyglot");
	s = jpeg(pool, 640, NULL);
	str_add(&s, "%PDF-1.4\n");
	assert_string_equal(problem_of(pool, s.s, s.len), "polyglot");
}

static void other_types_have_no_type(void **state)
{
	static const char page[] = "<!DOCTYPE html><html><body>%PDF-1.4</body></html>";
	static const char late[] = "bonjour\n%PDF-1.4\n1 0 obj\n<< >>\nendobj\n%%EOF\n";
	struct piece_checked c;
	struct err e;
	(void)state;
	assert_int_equal(piece_check(page, sizeof page - 1, pool, &c, &e), 0);
	assert_null(c.type);
	assert_string_equal(c.problem, "type");
	assert_int_equal(piece_check(late, sizeof late - 1, pool, &c, &e), 0);
	assert_null(c.type);
	assert_int_equal(piece_check("GIF89a          ", 16, pool, &c, &e), 0);
	assert_null(c.type);
	assert_int_equal(piece_check("", 0, pool, &c, &e), 0);
	assert_null(c.type);
}

static void good_images_tell_their_size(void **state)
{
	struct piece_checked c;
	struct err e;
	(void)state;
	struct str s = png(pool, "Author\nx");
	assert_int_equal(piece_check(s.s, s.len, pool, &c, &e), 0);
	assert_string_equal(c.type, "image/png");
	assert_null(c.problem);
	assert_int_equal(c.width, 640);
	assert_int_equal(c.height, 400);
	s = jpeg(pool, 640, "photo");
	assert_int_equal(piece_check(s.s, s.len, pool, &c, &e), 0);
	assert_string_equal(c.type, "image/jpeg");
	assert_null(c.problem);
	assert_int_equal(c.width, 640);
}

static void a_picture_too_small_to_be_read_says_so(void **state)
{
	static const struct {
		unsigned width, height;
		const char *problem;
	} cases[] = {
		{ 1, 1, "small" },     { 299, 299, "small" },    { 299, 212, "small" }, { 600, 99, "small" },
		{ 99, 4000, "small" }, { 337, 213, NULL },       { 213, 337, NULL },    { 600, 100, NULL },
		{ 300, 300, NULL },    { 0, 300, "unreadable" },
	};
	(void)state;
	for (size_t i = 0; i < COUNT(cases); i++) {
		struct str s = png_of(pool, cases[i].width, cases[i].height, NULL);
		const char *problem = problem_of(pool, s.s, s.len);
		if (!str_eq(problem, cases[i].problem))
			fail_msg("%u × %u: %s", cases[i].width, cases[i].height, problem ? problem : "good");
	}
	struct str t = jpeg(pool, 80, NULL);
	assert_string_equal(problem_of(pool, t.s, t.len), "small");
}

static void images_cut_anywhere_are_unreadable(void **state)
{
	struct piece_checked c;
	struct err e;
	(void)state;
	struct str s = png(pool, NULL), t = jpeg(pool, 640, NULL);
	for (size_t n = 0; n < s.len; n++) {
		assert_int_equal(piece_check(pool_copy(pool, s.s, n), n, pool, &c, &e), 0);
		assert_non_null(c.problem);
	}
	for (size_t n = 0; n < t.len; n++) {
		assert_int_equal(piece_check(pool_copy(pool, t.s, n), n, pool, &c, &e), 0);
		assert_non_null(c.problem);
	}
	s.s[30] ^= 1; /* in IHDR's checksum */
	assert_string_equal(problem_of(pool, s.s, s.len), "unreadable");
	t = jpeg(pool, 0, NULL);
	assert_string_equal(problem_of(pool, t.s, t.len), "unreadable");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_plain_pdf_is_good_and_its_pages_are_counted, begin, end),
		cmocka_unit_test_setup_teardown(opening_on_a_page_is_no_action, begin, end),
		cmocka_unit_test_setup_teardown(what_acts_by_itself_is_active, begin, end),
		cmocka_unit_test_setup_teardown(a_cut_or_broken_pdf_is_unreadable, begin, end),
		cmocka_unit_test_setup_teardown(an_encrypted_pdf_says_so, begin, end),
		cmocka_unit_test_setup_teardown(what_is_also_something_else_is_a_polyglot, begin, end),
		cmocka_unit_test_setup_teardown(other_types_have_no_type, begin, end),
		cmocka_unit_test_setup_teardown(good_images_tell_their_size, begin, end),
		cmocka_unit_test_setup_teardown(a_picture_too_small_to_be_read_says_so, begin, end),
		cmocka_unit_test_setup_teardown(images_cut_anywhere_are_unreadable, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
