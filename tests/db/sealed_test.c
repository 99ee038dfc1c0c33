#include <string.h>
#include "../lib/folder.h"
#include "../lib/test.h"
#include "../../db/sealed.h"

static struct pool *p;
static char *dir;
static struct keyring *keys;
static struct err e;

static int setup(void **state)
{
	(void)state;
	p = pool_new();
	dir = folder_new(p);
	keys = keyring_open(pool_printf(p, "%s/keys", dir), true, &e);
	return keys ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	keyring_close(keys);
	folder_remove(dir);
	pool_free(p);
	return 0;
}

static const struct sealed_place here = { SEALED_FROZEN_COPY, 42, 3, NULL };

/* What lies in databases was sealed under these words: they never change. */
static void a_place_is_written_as_column_and_row(void **state)
{
	(void)state;
	assert_string_equal(sealed_where(sealed_at(SEALED_WORKING_COPY, 42), p), "working_copy.data:42");
	assert_string_equal(sealed_where(here, p), "frozen_copy.data:42.3");
	assert_string_equal(sealed_where(sealed_at2(SEALED_PIECE_CHUNK, 7, 0), p), "piece_chunk.data:7.0");
	assert_string_equal(sealed_where(sealed_as(SEALED_MESSAGE_PARAMS, "account_reset"), p),
			    "message.params:account_reset");
	assert_string_equal(sealed_where(sealed_as(SEALED_DOCUMENT, "ab12"), p), "document.data:ab12");
}

static void a_text_opens_in_its_own_place_only_and_the_error_names_it(void **state)
{
	static const struct sealed_place elsewhere[] = {
		{ SEALED_FROZEN_COPY, 42, 4, NULL },
		{ SEALED_FROZEN_COPY, 43, 3, NULL },
		{ SEALED_FROZEN_COPY, 42, -1, NULL },
		{ SEALED_EVENT_PERSONAL, 42, 3, NULL },
	};
	unsigned char *sealed, *plain;
	size_t n, size;

	(void)state;
	assert_int_equal(sealed_make(keys, here, "Marie", 5, p, &sealed, &n, &e), 0);
	assert_int_equal(sealed_open(keys, here, sealed, n, p, &plain, &size, &e), 0);
	assert_int_equal(size, 5);
	assert_string_equal((const char *)plain, "Marie");
	for (size_t i = 0; i < COUNT(elsewhere); i++) {
		assert_int_equal(sealed_open(keys, elsewhere[i], sealed, n, p, &plain, &size, &e), -1);
		assert_int_equal(e.kind, ERR_FAULT);
		assert_non_null(strstr(e.detail, sealed_where(elsewhere[i], p)));
		assert_null(strstr(e.detail, "Marie"));
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_place_is_written_as_column_and_row),
		T(a_text_opens_in_its_own_place_only_and_the_error_names_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
