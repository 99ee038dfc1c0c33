#include <dirent.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../lib/folder.h"
#include "../lib/test.h"
#include "../../server/base/file.h"

static struct pool *p;
static char *dir;
static struct err e;

static int setup(void **state)
{
	(void)state;
	p = pool_new();
	dir = folder_new(p);
	e = (struct err){ 0 };
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	folder_remove(dir);
	pool_free(p);
	return 0;
}

static const char *in(const char *name)
{
	return pool_printf(p, "%s/%s", dir, name);
}

static int files_in(const char *path)
{
	DIR *d = opendir(path);
	int n = 0;
	while (d && readdir(d))
		n++;
	if (d)
		closedir(d);
	return n - 2;
}

static void a_file_is_read_as_it_was_written(void **state)
{
	(void)state;
	size_t n = 0;
	assert_int_equal(file_write(in("a"), "x\0y", 3, 0600, &e), 0);
	char *text = file_read(in("a"), 3, p, &n, &e);
	assert_int_equal(n, 3);
	assert_memory_equal(text, "x\0y", 4);
	assert_int_equal(folder_mode(in("a")), 0600);
	assert_int_equal(file_write(in("a"), "", 0, 0640, &e), 0);
	assert_string_equal(file_read(in("a"), 3, p, NULL, &e), "");
	assert_int_equal(folder_mode(in("a")), 0640);
	assert_int_equal(files_in(dir), 1); /* no temporary file stays */
}

static void a_file_made_once_is_left(void **state)
{
	(void)state;
	assert_false(file_exists(in("a")));
	assert_int_equal(file_write_once(in("a"), "first", 5, 0600, &e), 0);
	assert_true(file_exists(in("a")));
	assert_int_equal(file_write_once(in("a"), "second", 6, 0600, &e), 0);
	assert_string_equal(file_read(in("a"), 100, p, NULL, &e), "first");
	assert_int_equal(files_in(dir), 1);
}

static const char *race;

static void *write_mine(void *text)
{
	struct err mine;
	return file_write_once(race, text, strlen(text), 0600, &mine) < 0 ? "failed" : NULL;
}

static void of_many_makers_one_wins_and_none_fails(void **state)
{
	(void)state;
	pthread_t threads[8];
	static char texts[8][2] = { "0", "1", "2", "3", "4", "5", "6", "7" };
	race = in("race");
	for (int i = 0; i < 8; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, write_mine, texts[i]), 0);
	for (int i = 0; i < 8; i++) {
		void *failed;
		pthread_join(threads[i], &failed);
		assert_null(failed);
	}
	assert_int_equal(strlen(file_read(in("race"), 10, p, NULL, &e)), 1);
	assert_int_equal(files_in(dir), 1);
}

static void what_cannot_be_read_says_why(void **state)
{
	(void)state;
	assert_null(file_read(in("none"), 10, p, NULL, &e));
	assert_int_equal(e.kind, ERR_MISSING);
	assert_null(file_read(dir, 10, p, NULL, &e));
	assert_int_equal(e.kind, ERR_FAULT);
	assert_int_equal(file_write(in("a"), "12345", 5, 0600, &e), 0);
	assert_null(file_read(in("a"), 4, p, NULL, &e));
	assert_int_equal(e.kind, ERR_FAULT);
	assert_null(file_read(in("a/b"), 4, p, NULL, &e));
	assert_non_null(strstr(e.detail, "ENOTDIR"));
	assert_null(strstr(e.detail, dir)); /* the log does not learn where the service lives */
}

static void a_write_that_fails_leaves_the_old_file(void **state)
{
	(void)state;
	assert_int_equal(file_write(in("no/such/folder"), "x", 1, 0600, &e), -1);
	assert_int_equal(e.kind, ERR_FAULT);
	assert_int_equal(mkdir(in("d"), 0700), 0);
	assert_int_equal(file_write(in("d"), "x", 1, 0600, &e), -1); /* a folder is in the way */
	assert_int_equal(files_in(dir), 1);
}

static void folders_are_made_with_those_above(void **state)
{
	(void)state;
	assert_int_equal(file_folder(in("a/b/c"), 0700, &e), 0);
	assert_int_equal(folder_mode(in("a/b/c")), 0700);
	assert_int_equal(file_folder(in("a/b/c"), 0700, &e), 0);
	assert_int_equal(file_folder(in("a/b/c/"), 0700, &e), 0);
	assert_int_equal(file_write(in("f"), "x", 1, 0600, &e), 0);
	assert_int_equal(file_folder(in("f"), 0700, &e), -1);
	assert_int_equal(file_folder(in("f/g"), 0700, &e), -1);
	assert_int_equal(file_folder("", 0700, &e), -1);
}

static int turn;

static void *wait_for_lock(void *unused)
{
	(void)unused;
	struct err mine;
	int fd = file_lock_folder(dir, &mine);
	int seen = __atomic_load_n(&turn, __ATOMIC_SEQ_CST);
	close(fd);
	return seen == 1 ? NULL : "too early";
}

static void a_locked_folder_makes_the_next_one_wait(void **state)
{
	(void)state;
	pthread_t thread;
	void *result;
	turn = 0;
	int fd = file_lock_folder(dir, &e);
	assert_true(fd >= 0);
	assert_int_equal(pthread_create(&thread, NULL, wait_for_lock, NULL), 0);
	usleep(20000);
	__atomic_store_n(&turn, 1, __ATOMIC_SEQ_CST);
	close(fd);
	pthread_join(thread, &result);
	assert_null(result);
	assert_int_equal(file_lock_folder(in("none"), &e), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_file_is_read_as_it_was_written, setup, teardown),
		cmocka_unit_test_setup_teardown(a_file_made_once_is_left, setup, teardown),
		cmocka_unit_test_setup_teardown(of_many_makers_one_wins_and_none_fails, setup, teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_read_says_why, setup, teardown),
		cmocka_unit_test_setup_teardown(a_write_that_fails_leaves_the_old_file, setup, teardown),
		cmocka_unit_test_setup_teardown(folders_are_made_with_those_above, setup, teardown),
		cmocka_unit_test_setup_teardown(a_locked_folder_makes_the_next_one_wait, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
