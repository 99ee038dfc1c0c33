#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <jansson.h>
#include "../lib/test.h"
#include "../../server/base/log.h"

static char captured[16384];
static int saved, reader;

/* Standard error goes to a pipe: what log_event() wrote is read back with captured_line(). */
static int setup(void **state)
{
	(void)state;
	int ends[2];
	if (pipe(ends) < 0)
		return -1;
	saved = dup(STDERR_FILENO);
	dup2(ends[1], STDERR_FILENO);
	close(ends[1]);
	reader = ends[0];
	fcntl(reader, F_SETFL, O_NONBLOCK);
	log_set_level(LOG_DEBUG);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(reader);
	return 0;
}

static const char *captured_text(void)
{
	ssize_t n = read(reader, captured, sizeof captured - 1);
	captured[n > 0 ? n : 0] = 0;
	return captured;
}

/* The one line written, as JSON. */
static json_t *captured_line(void)
{
	const char *text = captured_text();
	assert_non_null(strchr(text, '\n'));
	assert_int_equal(strchr(text, '\n')[1], 0);
	json_t *j = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(j);
	return j;
}

static const char *get(json_t *j, const char *key)
{
	return json_string_value(json_object_get(j, key));
}

static void an_event_is_one_json_line(void **state)
{
	(void)state;
	log_event(LOG_WARN, "db.lost", "lane", "fast", "code", "57P01");
	json_t *j = captured_line();
	assert_string_equal(get(j, "level"), "warn");
	assert_string_equal(get(j, "event"), "db.lost");
	assert_string_equal(get(j, "lane"), "fast");
	assert_string_equal(get(j, "code"), "57P01");
	const char *t = get(j, "t");
	assert_int_equal(strlen(t), strlen("2026-11-22T00:32:58.123Z"));
	assert_int_equal(t[23], 'Z');
	json_decref(j);
}

static void whatever_a_value_holds_the_line_stays_valid(void **state)
{
	(void)state;
	char all[256];
	for (int i = 1; i < 256; i++)
		all[i - 1] = (char)i;
	all[255] = 0;
	log_event(LOG_INFO, "odd \"event\"\n", "a", "\"\\\n\r\t\x1b[31m\x7f", "b", all, "c", "é’\U0001F600", "d",
		  "\xED\xA0\x80\xC0\xAF\xF4\x90\x80\x80\xC3");
	json_t *j = captured_line();
	assert_string_equal(get(j, "event"), "odd \"event\"\n");
	assert_string_equal(get(j, "a"), "\"\\\n\r\t\x1b[31m\x7f");
	assert_string_equal(get(j, "c"), "é’\U0001F600");
	json_decref(j);
}

static void a_missing_value_is_null(void **state)
{
	(void)state;
	log_event(LOG_ERROR, "x", "a", (char *)NULL, "b", "2");
	json_t *j = captured_line();
	assert_true(json_is_null(json_object_get(j, "a")));
	assert_string_equal(get(j, "b"), "2");
	json_decref(j);
}

static void a_long_value_is_cut_not_split(void **state)
{
	(void)state;
	char *text = malloc(20001);
	for (int i = 0; i < 20000; i += 2)
		memcpy(text + i, "é", 2);
	text[20000] = 0;
	log_event(LOG_INFO, "long", "a", text, "b", "lost");
	json_t *j = captured_line();
	assert_in_range(strlen(get(j, "a")), 3000, 4096);
	assert_null(get(j, "b"));
	json_decref(j);
	for (int i = 0; i < 20000; i++)
		text[i] = '"';
	log_event(LOG_INFO, text, text, text);
	json_decref(captured_line());
	free(text);
}

static void what_is_below_the_level_is_not_written(void **state)
{
	(void)state;
	log_set_level(LOG_WARN);
	log_event(LOG_INFO, "quiet");
	log_event(LOG_DEBUG, "quiet");
	assert_string_equal(captured_text(), "");
	log_event(LOG_WARN, "loud");
	json_decref(captured_line());
}

static void lines_that_are_held_come_whole_and_in_order_at_the_release(void **state)
{
	enum { LINES = 100 };
	size_t next = 0;
	char number[24];

	(void)state;
	log_hold();
	log_event(LOG_INFO, "first");
	assert_string_equal(captured_text(), "");
	log_release();
	json_decref(captured_line());
	/* More than a pipe takes at once: whole lines are written, as soon as no more of them fit. */
	log_hold();
	for (int i = 0; i < LINES; i++) {
		snprintf(number, sizeof number, "%d", i);
		log_event(LOG_INFO, "held", "n", number);
	}
	const char *early = captured_text();
	assert_int_equal(early[strlen(early) - 1], '\n');
	for (int part = 0; part < 2; part++) {
		char *save = NULL;

		for (char *line = strtok_r(captured, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, NULL);

			snprintf(number, sizeof number, "%zu", next++);
			assert_string_equal(get(j, "n"), number);
			json_decref(j);
		}
		assert_true(part ? next == LINES : next > 0 && next < LINES);
		log_release();
		captured_text();
	}
	assert_string_equal(captured, "");
	log_event(LOG_INFO, "after");
	json_decref(captured_line());
}

/* The log's reader stops: nobody waits for it, what is lost is counted, and what follows comes whole. */
static void a_reader_that_stops_stops_nobody(void **state)
{
	enum { MANY = 2000 };
	static char all[1 << 20];
	size_t n = 0, lines = 0;
	uint64_t before = log_lost();
	(void)state;
	for (int i = 0; i < MANY; i++)
		log_event(LOG_INFO, "many", "n", "a line of some length, so that the pipe is soon full");
	assert_true(log_lost() > before);
	for (ssize_t got; (got = read(reader, all + n, sizeof all - n)) > 0;)
		n += (size_t)got;
	for (size_t i = 0; i < n; i++)
		lines += all[i] == '\n';
	assert_int_equal(lines + (size_t)(log_lost() - before), MANY);
	assert_int_equal(all[n - 1], '\n');
	log_event(LOG_INFO, "after");
	json_decref(captured_line());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(an_event_is_one_json_line, setup, teardown),
		cmocka_unit_test_setup_teardown(whatever_a_value_holds_the_line_stays_valid, setup, teardown),
		cmocka_unit_test_setup_teardown(a_missing_value_is_null, setup, teardown),
		cmocka_unit_test_setup_teardown(a_long_value_is_cut_not_split, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_below_the_level_is_not_written, setup, teardown),
		cmocka_unit_test_setup_teardown(lines_that_are_held_come_whole_and_in_order_at_the_release, setup,
						teardown),
		cmocka_unit_test_setup_teardown(a_reader_that_stops_stops_nobody, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
