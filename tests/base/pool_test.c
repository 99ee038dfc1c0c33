#include <string.h>
#include "../lib/test.h"
#include "../../server/base/pool.h"

static char order[8];

static void note_a(void *thing)
{
	strncat(order, thing, 1);
}

static void *wiped_at;
static int wiped_was;

static void look(void *thing)
{
	wiped_at = thing;
	wiped_was = *(unsigned char *)thing;
}

static void memory_is_zeroed_and_aligned(void **state)
{
	(void)state;
	struct pool *p = pool_new();
	for (size_t i = 0; i < 2000; i++) {
		size_t n = i * 7 % 300;
		unsigned char *m = pool_alloc(p, n);
		assert_int_equal((uintptr_t)m % 16, 0);
		for (size_t j = 0; j < n; j++)
			assert_int_equal(m[j], 0);
		memset(m, 0xA5, n);
	}
	pool_free(p);
}

static void allocations_do_not_overlap(void **state)
{
	(void)state;
	struct pool *p = pool_new();
	unsigned char *all[3000];
	for (size_t i = 0; i < 3000; i++) {
		all[i] = pool_alloc(p, 1 + i % 97);
		memset(all[i], (int)(i & 0xFF), 1 + i % 97);
	}
	for (size_t i = 0; i < 3000; i++)
		for (size_t j = 0; j < 1 + i % 97; j++)
			assert_int_equal(all[i][j], i & 0xFF);
	pool_free(p);
}

static void a_large_block_has_room(void **state)
{
	(void)state;
	struct pool *p = pool_new();
	char *small = pool_strdup(p, "before");
	char *m = pool_alloc(p, 10 << 20);
	memset(m, 'x', 10 << 20);
	char *after = pool_strdup(p, "after");
	assert_string_equal(small, "before");
	assert_string_equal(after, "after");
	pool_free(p);
}

static void nothing_asked_still_gives_an_address(void **state)
{
	(void)state;
	struct pool *p = pool_new();
	assert_non_null(pool_alloc(p, 0));
	assert_ptr_not_equal(pool_alloc(p, 0), pool_alloc(p, 0));
	assert_string_equal(pool_copy(p, NULL, 0), "");
	pool_free(p);
}

static void copies_end_with_a_zero(void **state)
{
	(void)state;
	struct pool *p = pool_new();
	char *c = pool_copy(p, "abcdef", 3);
	assert_memory_equal(c, "abc", 4);
	assert_string_equal(pool_strdup(p, "texte"), "texte");
	assert_null(pool_strdup(p, NULL));
	assert_string_equal(pool_strndup(p, "abcdef", 2), "ab");
	assert_string_equal(pool_strndup(p, "ab", 20), "ab");
	assert_null(pool_strndup(p, NULL, 2));
	pool_free(p);
}

static void printing_takes_any_length(void **state)
{
	(void)state;
	struct pool *p = pool_new();
	assert_string_equal(pool_printf(p, "%s-%d", "MSP", 7), "MSP-7");
	for (int n = 250; n < 260; n++)
		assert_int_equal(strlen(pool_printf(p, "%0*d", n, 1)), n);
	assert_int_equal(strlen(pool_printf(p, "%050000d", 1)), 50000);
	pool_free(p);
}

static void undos_run_last_in_first_out(void **state)
{
	(void)state;
	struct pool *p = pool_new();
	order[0] = 0;
	pool_defer(p, note_a, "1");
	pool_defer(p, note_a, "2");
	pool_defer(p, note_a, "3");
	pool_free(p);
	assert_string_equal(order, "321");
}

static void undos_still_see_the_memory(void **state)
{
	(void)state;
	struct pool *p = pool_new_secret();
	unsigned char *m = pool_alloc(p, 8);
	*m = 42;
	pool_defer(p, look, m);
	pool_free(p);
	assert_ptr_equal(wiped_at, m);
	assert_int_equal(wiped_was, 42);
}

static void a_secret_pool_gives_the_same_answers(void **state)
{
	(void)state;
	struct pool *p = pool_new_secret();
	assert_string_equal(pool_printf(p, "%s", "clair"), "clair");
	assert_int_equal(strlen(pool_printf(p, "%0300d", 1)), 300);
	pool_free(p);
}

static void freeing_nothing_is_fine(void **state)
{
	(void)state;
	pool_free(NULL);
	pool_free(pool_new());
}

static void typed_helpers_give_room_for_what_they_name(void **state)
{
	(void)state;
	struct pool *p = pool_new();
	uint64_t *one = POOL_NEW(p, uint64_t), *many = POOL_ARRAY(p, uint64_t, 100);
	*one = 1;
	for (int i = 0; i < 100; i++)
		many[i] = 2;
	assert_int_equal(*one, 1);
	pool_free(p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_zeroed_and_aligned),
		cmocka_unit_test(allocations_do_not_overlap),
		cmocka_unit_test(a_large_block_has_room),
		cmocka_unit_test(nothing_asked_still_gives_an_address),
		cmocka_unit_test(copies_end_with_a_zero),
		cmocka_unit_test(printing_takes_any_length),
		cmocka_unit_test(undos_run_last_in_first_out),
		cmocka_unit_test(undos_still_see_the_memory),
		cmocka_unit_test(a_secret_pool_gives_the_same_answers),
		cmocka_unit_test(freeing_nothing_is_fine),
		cmocka_unit_test(typed_helpers_give_room_for_what_they_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
