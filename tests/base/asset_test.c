#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/test.h"
#include "../../server/base/asset.h"

static void every_asset_is_found_by_its_path(void **state)
{
	(void)state;
	size_t n = 0;
	for (const struct asset *a = NULL; (a = asset_next("", a)); n++)
		assert_ptr_equal(asset_get(a->path), a);
	assert_true(n > 5);
}

static void paths_come_in_order(void **state)
{
	(void)state;
	const struct asset *was = NULL;
	for (const struct asset *a = NULL; (a = asset_next("", a)); was = a)
		assert_true(!was || strcmp(was->path, a->path) < 0);
}

static void a_folder_gives_its_own_files_and_no_other(void **state)
{
	(void)state;
	size_t walked = 0, counted = 0;
	for (const struct asset *a = NULL; (a = asset_next("db/data", a)); walked++)
		assert_memory_equal(a->path, "db/data/", 8);
	for (const struct asset *a = NULL; (a = asset_next("", a));)
		counted += strncmp(a->path, "db/data/", 8) == 0;
	assert_true(walked > 0);
	assert_int_equal(walked, counted);
	assert_ptr_equal(asset_next("db/data/", NULL), asset_next("db/data", NULL));
	assert_null(asset_next("db/dat", NULL)); /* a folder, not a beginning */
	assert_null(asset_next("nowhere", NULL));
}

static void the_bytes_are_those_of_the_file(void **state)
{
	(void)state;
	const struct asset *a = asset_get("db/data/regions.csv");
	assert_non_null(a);
	assert_true(a->size > 0);
	assert_int_equal(a->data[a->size], 0);
	FILE *f = fopen("db/data/regions.csv", "rb");
	if (!f)
		skip(); /* run from elsewhere than the root */
	unsigned char *bytes = malloc(a->size + 1);
	assert_int_equal(fread(bytes, 1, a->size + 1, f), a->size);
	assert_memory_equal(bytes, a->data, a->size);
	free(bytes);
	fclose(f);
}

static void what_is_not_there_is_null(void **state)
{
	(void)state;
	assert_null(asset_get("db/data/regions.cs"));
	assert_null(asset_get("db/data/regions.csvx"));
	assert_null(asset_get("db/data"));
	assert_null(asset_get(""));
	assert_null(asset_get("zzz"));
	assert_null(asset_get(NULL));
	assert_null(asset_get("../Makefile"));
	char *longest = malloc(5001);
	memset(longest, 'd', 5000);
	longest[5000] = 0;
	assert_null(asset_get(longest));
	assert_null(asset_next(longest, NULL));
	free(longest);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_asset_is_found_by_its_path),
		cmocka_unit_test(paths_come_in_order),
		cmocka_unit_test(a_folder_gives_its_own_files_and_no_other),
		cmocka_unit_test(the_bytes_are_those_of_the_file),
		cmocka_unit_test(what_is_not_there_is_null),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
