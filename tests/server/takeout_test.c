#include "../lib/test.h"

#include <string.h>
#include <zip.h>

#include "../../server/takeout.h"

static char *read_entry(struct pool *pool, const struct takeout *t, const char *name)
{
	zip_error_t problem;
	zip_error_init(&problem);
	zip_source_t *s = zip_source_buffer_create(t->zip, t->size, 0, &problem);
	zip_t *z = zip_open_from_source(s, ZIP_RDONLY | ZIP_CHECKCONS, &problem);
	assert_non_null(z);
	zip_stat_t st;
	char *text = NULL;
	if (!zip_stat(z, name, 0, &st)) {
		zip_file_t *f = zip_fopen(z, name, 0);
		assert_non_null(f);
		text = pool_alloc(pool, st.size + 1);
		assert_int_equal(zip_fread(f, text, st.size), st.size);
		zip_fclose(f);
	}
	zip_discard(z);
	return text;
}

static void what_is_added_is_found_in_the_archive(void **state)
{
	struct pool *pool = pool_new();
	struct takeout *t = takeout_new(pool);
	(void)state;
	takeout_add(t, "donnees.json", "{}", 2);
	takeout_add(t, "dossiers/MSP-2026-000001/historique.json", "{\"é\":1}", 8);
	takeout_add(t, "donnees.json", "[]", 2);
	takeout_add(t, "vide", "", 0);
	takeout_build(t);
	assert_int_equal(t->err.kind, ERR_NONE);
	assert_string_equal(read_entry(pool, t, "donnees.json"), "{}");
	assert_string_equal(read_entry(pool, t, "donnees-2.json"), "[]");
	assert_string_equal(read_entry(pool, t, "dossiers/MSP-2026-000001/historique.json"), "{\"é\":1}");
	assert_string_equal(read_entry(pool, t, "vide"), "");
	assert_null(read_entry(pool, t, "autre"));
	pool_free(pool);
}

static void a_piece_that_does_not_open_leaves_a_note_and_the_rest(void **state)
{
	struct pool *pool = pool_new();
	struct takeout *t = takeout_new(pool);
	struct piece_read *lost = POOL_NEW(pool, struct piece_read);
	(void)state;
	*lost = (struct piece_read){ .pool = pool, .id = 7, .name = "a/b.pdf", .size = 3, .sha256 = "none" };
	takeout_add_piece(t, "pieces", lost);
	takeout_add(t, "suite.txt", "oui", 3);
	takeout_build(t);
	assert_int_equal(t->err.kind, ERR_NONE);
	assert_non_null(strstr(read_entry(pool, t, "pieces/a_b.pdf"), "pas pu être ouvert"));
	assert_string_equal(read_entry(pool, t, "suite.txt"), "oui");
	pool_free(pool);
}

static void names_cannot_leave_their_folder(void **state)
{
	struct pool *pool = pool_new();
	char longest[301], *cut;
	(void)state;
	assert_string_equal(takeout_name("../../etc/passwd", pool), "_.._etc_passwd");
	assert_string_equal(takeout_name("a\nb\\c:d", pool), "a_b_c_d");
	assert_string_equal(takeout_name("...", pool), "document");
	for (size_t i = 0; i < 300; i += 2)
		memcpy(longest + i, "é", 2);
	longest[300] = 0;
	cut = takeout_name(longest, pool);
	assert_true(strlen(cut) <= 100);
	assert_true(str_is_utf8(cut, strlen(cut)));
	memmove(longest + 1, longest, 299);
	longest[0] = 'x';
	longest[299] = 0;
	cut = takeout_name(longest, pool);
	assert_true(str_is_utf8(cut, strlen(cut)));
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_added_is_found_in_the_archive),
		cmocka_unit_test(a_piece_that_does_not_open_leaves_a_note_and_the_rest),
		cmocka_unit_test(names_cannot_leave_their_folder),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
