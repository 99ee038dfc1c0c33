#include "../lib/test.h"

#include <string.h>

#include "../../server/kept.h"

static const struct kept *put(const char *key, int64_t until, const char *text, struct pool *reader)
{
	return kept_put(key, until, "text/plain", text, strlen(text), reader);
}

static void a_kept_answer_is_given_to_the_same_question_while_it_is_young(void **unused)
{
	struct pool *first = pool_new(), *late = pool_new();

	(void)unused;
	assert_null(kept_get("lille", 10, first));
	const struct kept *one = put("lille", 100, "one", first);
	assert_ptr_equal(kept_get("lille", 100, late), one);
	assert_string_equal(one->type, "text/plain");
	assert_null(kept_get("lille", 101, late));
	assert_null(kept_get("lens", 10, late));
	const struct kept *two = put("lille", 200, "two", late);
	assert_ptr_equal(kept_get("lille", 101, late), two);
	assert_string_not_equal(one->etag, two->etag);
	/* Its readers still read it, though the table has let it go. */
	assert_memory_equal(one->bytes, "one", 3);
	pool_free(first);
	assert_memory_equal(one->bytes, "one", 3);
	pool_free(late);
	kept_clear();
	assert_null(kept_get("lille", 101, NULL));
}

static void one_draws_it_again_while_the_others_read_the_old_one_for_a_moment(void **unused)
{
	struct pool *reader = pool_new();

	(void)unused;
	const struct kept *old = put("lille", 100, "old", reader);
	assert_null(kept_get("lille", 200, reader));
	assert_ptr_equal(kept_get("lille", 201, reader), old);
	assert_ptr_equal(kept_get("lille", 250100, reader), old);
	/* Nobody did: it is too old for anybody. */
	assert_null(kept_get("lille", 250101, reader));
	const struct kept *new = put("lille", 400000, "new", reader);
	assert_ptr_equal(kept_get("lille", 250101, reader), new);
	pool_free(reader);
	kept_clear();
}

static void what_is_kept_for_ever_stays_though_others_come(void **unused)
{
	struct pool *reader = pool_new();

	(void)unused;
	const struct kept *home = put("/", KEPT_FOREVER, "home", reader);
	assert_true(home->lasts);
	/* Drawn by two loops at the same time: the first stays, the second is read once. */
	const struct kept *again = put("/", KEPT_FOREVER, "home", reader);
	assert_false(again->lasts);
	assert_ptr_equal(kept_get("/", INT64_MAX - 1, reader), home);
	/* More than there are places. */
	for (int i = 0; i < 5000; i++)
		assert_memory_equal(put(pool_printf(reader, "/%d", i), 100, "other", reader)->bytes, "other", 5);
	assert_ptr_equal(kept_get("/", 50, reader), home);
	assert_memory_equal(home->bytes, "home", 4);
	pool_free(reader);
	kept_clear();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_kept_answer_is_given_to_the_same_question_while_it_is_young),
		cmocka_unit_test(one_draws_it_again_while_the_others_read_the_old_one_for_a_moment),
		cmocka_unit_test(what_is_kept_for_ever_stays_though_others_come),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
