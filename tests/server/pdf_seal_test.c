/* Seals, read by programs that know nothing of ours: pdfsig with the authority trusted, qpdf, openssl. */
#include "../lib/test.h"

#include <stdio.h>
#include <string.h>

#include "../../server/base/clock.h"
#include "../../server/base/file.h"
#include "../../server/base/str.h"
#include "../../server/pdf.h"
#include "../../server/pdf_seal.h"
#include "../lib/folder.h"
#include "../lib/tool.h"

#define AT ((instant_t)1795305600 * SECOND) /* 2026-11-22T00:00:00Z */

static struct pool *process;
static char *folder, *nss;
static struct pades *with;
static unsigned char *paper;
static size_t paper_size;

static char *in(const char *name)
{
	return pool_printf(process, "%s/%s", folder, name);
}

static void make_trust(void)
{
	const char *const create[] = { "/usr/bin/certutil", "-N", "-d", nss, "--empty-password", NULL };
	const char *const trust[] = { "/usr/bin/certutil", "-A", "-d", nss, "-n", "essai", "-t", "C,C,C", "-i",
				      in("ca.pem"),        NULL };
	struct err e;
	assert_int_equal(file_folder(nss, 0700, &e), 0);
	tool_said(process, create, "", 0, NULL);
	tool_said(process, trust, "", 0, NULL);
}

static int start(void **state)
{
	static const char html[] =
		"<!DOCTYPE html><html lang=\"fr\"><head><title>Convention</title></head><body>"
		"<h1>Convention</h1><p>Voir <a href=\"https://example.org/\">le texte</a>.</p></body></html>";
	struct err e = { .detail = "" };
	(void)state;
	process = pool_new();
	folder = folder_new(process);
	nss = in("nss");
	if (authority_seal(folder, &e) || pdf_start(folder, &e) ||
	    pdf_render("@page { size: A4 }", html, process, &paper, &paper_size, &e) ||
	    !(with = pades_open(in("seal.pem"), in("seal.key"), process, &e)))
		fail_msg("%s", e.detail);
	make_trust();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	pdf_stop();
	folder_remove(folder);
	pool_free(process);
	return 0;
}

static int seal(struct pool *pool, const void *pdf, size_t size, unsigned char **out, size_t *n, struct err *e)
{
	const struct pdf_seal q = { .pdf = pdf,
				    .size = size,
				    .with = with,
				    .name = "Rejoindre",
				    .reason = "Signée (à trois) \xF0\x9F\x96\x8B",
				    .at = AT };
	*e = (struct err){ 0 };
	return pdf_seal(&q, pool, out, n, e);
}

/* What pdfsig says of the seals of a document, with our authority trusted. */
static char *pdfsig(struct pool *pool, const void *pdf, size_t n)
{
	const char *const argv[] = { "/usr/bin/pdfsig", "-nssdir", nss, "/proc/self/fd/3", NULL };
	int status;
	return tool_said(pool, argv, pdf, n, &status).s;
}

static void assert_sealed(struct pool *pool, const void *pdf, size_t size)
{
	static const char *const check[] = { "/usr/bin/qpdf", "--check", "/proc/self/fd/3", NULL };
	struct err e;
	unsigned char *out;
	size_t n;
	int status;
	if (seal(pool, pdf, size, &out, &n, &e))
		fail_msg("%s", e.detail);
	assert_true(n > size);
	assert_memory_equal(out, pdf, size);
	char *said = pdfsig(pool, out, n);
	if (!strstr(said, "Signature Validation: Signature is Valid.") ||
	    !strstr(said, "Certificate Validation: Certificate is Trusted.") ||
	    !strstr(said, "Total document signed") || !strstr(said, "Signature Type: ETSI.CAdES.detached") ||
	    strstr(said, "Signature #2"))
		fail_msg("pdfsig: %s", said);
	said = tool_said(pool, check, out, n, &status).s;
	if (status || !strstr(said, "No syntax or stream encoding errors found"))
		fail_msg("qpdf: %d %s", status, said);
}

static void a_sealed_document_is_valid_trusted_and_signed_whole(void **state)
{
	struct pool *pool = pool_new();
	(void)state;
	assert_sealed(pool, paper, paper_size);
	pool_free(pool);
}

static void a_document_with_object_streams_is_sealed_as_well(void **state)
{
	static const char *const pack[] = {
		"/usr/bin/qpdf", "--object-streams=generate", "--warning-exit-0", "/proc/self/fd/3", "-", NULL
	};
	struct pool *pool = pool_new();
	(void)state;
	struct str packed = tool_said(pool, pack, paper, paper_size, NULL);
	assert_non_null(memmem(packed.s, packed.len, "/ObjStm", 7));
	assert_sealed(pool, packed.s, packed.len);
	pool_free(pool);
}

static unsigned char *sealed_paper(struct pool *pool, size_t *n)
{
	struct err e;
	unsigned char *out;
	assert_int_equal(seal(pool, paper, paper_size, &out, n, &e), 0);
	return out;
}

static void every_changed_byte_is_noticed(void **state)
{
	struct pool *pool = pool_new();
	size_t n;
	unsigned char *out = sealed_paper(pool, &n);
	(void)state;
	/* in the text, in the catalogue of the update, in the reason, after the signature; not where it is counted */
	const char *reason = memmem(out, n, "/Reason <FEFF", 13), *form = memmem(out, n, "/SigFlags 3", 11);
	assert_non_null(reason);
	assert_non_null(form);
	size_t places[] = { 700, paper_size - 60, (size_t)((const unsigned char *)form - out) + 10,
			    (size_t)((const unsigned char *)reason - out) + 20, n - 40 };
	for (size_t i = 0; i < COUNT(places); i++) {
		unsigned char *other = pool_copy(pool, out, n);
		other[places[i]] ^= 1;
		char *said = pdfsig(pool, other, n);
		if (strstr(said, "Signature is Valid"))
			fail_msg("byte %zu: %s", places[i], said);
	}
	/* and what is added after it is no part of what was sealed */
	unsigned char *longer = pool_alloc(pool, n + 20);
	memcpy(longer, out, n);
	memcpy(longer + n, "\n%rajout\n", 9);
	assert_null(strstr(pdfsig(pool, longer, n + 9), "Total document signed"));
	pool_free(pool);
}

static void what_is_sealed_says_who_when_and_why(void **state)
{
	struct pool *pool = pool_new();
	size_t n;
	unsigned char *out = sealed_paper(pool, &n);
	(void)state;
	assert_non_null(memmem(out, n, "/M (D:20261122000000Z)", 22));
	assert_non_null(memmem(out, n, "/Name <FEFF00520065006A006F0069006E006400720065>", 48));
	/* é, and a character beyond the first plane */
	assert_non_null(memmem(out, n, "/Reason <FEFF005300690067006E00E90065", 37));
	assert_non_null(memmem(out, n, "D83DDD8B>", 9));
	assert_non_null(memmem(out, n, "/F 130", 6));
	pool_free(pool);
}

/* ---- shapes ---- */

/* A document of objects 1…count with its table; what `trailer` holds is added to its trailer. */
static struct str made(struct pool *pool, const char *const *objects, size_t count, const char *trailer)
{
	struct str s = str_in(pool);
	size_t at[16];
	str_add(&s, "%PDF-1.7\n%\xE2\xE3\xCF\xD3\n");
	for (size_t i = 0; i < count; i++) {
		at[i] = s.len;
		str_addf(&s, "%zu 0 obj\n%s\nendobj\n", i + 1, objects[i]);
	}
	size_t xref = s.len;
	str_addf(&s, "xref\n0 %zu\n0000000000 65535 f \n", count + 1);
	for (size_t i = 0; i < count; i++)
		str_addf(&s, "%010zu 00000 n \n", at[i]);
	str_addf(&s, "trailer\n<< /Size %zu /Root 1 0 R %s >>\nstartxref\n%zu\n%%%%EOF", count + 1, trailer, xref);
	return s;
}

static void shapes_that_are_ours_are_sealed(void **state)
{
	static const char *const objects[] = {
		"<</Type/Catalog/Pages 2 0 R/Lang(fr \\) >> \\( )/Odd[<AB>(a(b)c)true null "
		"-1.5/N#20x<</Deep<<>>>>]%>>\n>>",
		"<< /Type /Pages /Kids [ 3 0 R 4 0 R ] /Count 2 >>",
		"<< /Type /Pages /Parent 2 0 R /Kids [4 0 R] /Count 1 >>",
		"<</Type/Page/Parent 3 0 R/MediaBox[0 0 9 9]/Resources<<>>/Annots[]>>",
	};
	struct pool *pool = pool_new();
	struct str s = made(pool, objects, COUNT(objects), "/ID [<00> <01>]");
	(void)state;
	struct err e;
	unsigned char *out, *again;
	size_t n;
	if (seal(pool, s.s, s.len, &out, &n, &e))
		fail_msg("%s", e.detail);
	char *said = pdfsig(pool, out, n);
	if (!strstr(said, "Signature is Valid") || !strstr(said, "Total document signed"))
		fail_msg("%s", said);
	assert_non_null(memmem(out + s.len, n - s.len, "/ID [<00> <01>]", 15));
	/* what is sealed is not sealed again */
	assert_int_equal(seal(pool, out, n, &again, &n, &e), -1);
	assert_non_null(strstr(e.detail, "form"));
	pool_free(pool);
}

static void what_is_not_ours_is_refused_and_cut_ones_harm_nothing(void **state)
{
	static const char *const page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Annots 4 0 R >>";
	const char *objects[] = { "<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
				  page, "[]" };
	struct pool *pool = pool_new();
	struct err e;
	unsigned char *out;
	size_t n;
	(void)state;
	struct str s = made(pool, objects, 4, "");
	assert_int_equal(seal(pool, s.s, s.len, &out, &n, &e), -1);
	assert_non_null(strstr(e.detail, "annotations"));
	s = made(pool, objects, 4, "/Encrypt 4 0 R");
	assert_int_equal(seal(pool, s.s, s.len, &out, &n, &e), -1);
	assert_non_null(strstr(e.detail, "encrypted"));
	objects[1] = "<< /Type /Pages /Kids [2 0 R] /Count 1 >>"; /* turns around */
	s = made(pool, objects, 4, "");
	assert_int_equal(seal(pool, s.s, s.len, &out, &n, &e), -1);
	objects[1] = "<< /Type /Pages /Kids [3 0 R] /Count 1 >>";
	s = made(pool, objects, 4, "/Prev 9999999");
	objects[0] = "<< /Type /Catalog /Pages 99 0 R >>";
	s = made(pool, objects, 4, "/Prev 9999999");
	assert_int_equal(seal(pool, s.s, s.len, &out, &n, &e), -1);
	assert_int_equal(seal(pool, "", 0, &out, &n, &e), -1);
	for (size_t cut = 0; cut < paper_size; cut += 41) {
		struct pool *one = pool_new();
		unsigned char *copy = pool_copy(one, paper, cut);
		assert_int_equal(seal(one, copy, cut, &out, &n, &e), -1);
		pool_free(one);
	}
	/* any one byte of its structure wrong: refused or sealed, nothing else */
	for (size_t back = 1; back < 900; back += 3) {
		struct pool *one = pool_new();
		unsigned char *copy = pool_copy(one, paper, paper_size);
		copy[paper_size - back] ^= (unsigned char)(1u << back % 8);
		(void)seal(one, copy, paper_size, &out, &n, &e);
		pool_free(one);
	}
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sealed_document_is_valid_trusted_and_signed_whole),
		cmocka_unit_test(a_document_with_object_streams_is_sealed_as_well),
		cmocka_unit_test(every_changed_byte_is_noticed),
		cmocka_unit_test(what_is_sealed_says_who_when_and_why),
		cmocka_unit_test(shapes_that_are_ours_are_sealed),
		cmocka_unit_test(what_is_not_ours_is_refused_and_cut_ones_harm_nothing),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
