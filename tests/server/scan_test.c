#include "../lib/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../server/base/file.h"
#include "../../server/base/str.h"
#include "../../server/scan.h"
#include "../lib/folder.h"

/* A real clamd with one signature of our own: the MD5 and size of a harmless text. */
static const char marker[] = "enroll test marker, harmless\n";
static const char marker_md5[] = "0db30387c1d9960d9c0fa96681f442b2";
static struct pool *process;
static char *folder;
static char socket_path[64];
static pid_t clamd;

static void put(const char *name, const char *text)
{
	struct err e;
	char path[96];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(file_write(path, text, strlen(text), 0644, &e), 0);
}

static int start(void **state)
{
	char text[1024];
	(void)state;
	process = pool_new();
	folder = folder_new(process);
	assert_int_equal(chmod(folder, 0755), 0);
	snprintf(socket_path, sizeof socket_path, "%s/clamd.sock", folder);
	snprintf(text, sizeof text, "%s:%zu:Enroll.Test.Marker\n", marker_md5, sizeof marker - 1);
	put("own.hdb", text);
	snprintf(text, sizeof text,
		 "DatabaseDirectory %s\nLocalSocket %s\nLocalSocketMode 666\nForeground true\nStreamMaxLength 2M\n"
		 "PidFile %s/clamd.pid\nLogFile %s/clamd.log\n",
		 folder, socket_path, folder, folder);
	put("clamd.conf", text);
	clamd = fork();
	if (!clamd) {
		char config[96];
		snprintf(config, sizeof config, "--config-file=%s/clamd.conf", folder);
		int nowhere = open("/dev/null", O_WRONLY);
		dup2(nowhere, 1);
		dup2(nowhere, 2);
		execl("/usr/sbin/clamd", "clamd", config, (char *)NULL);
		_exit(127);
	}
	for (int i = 0; i < 300 && access(socket_path, F_OK); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	return access(socket_path, F_OK);
}

static int stop(void **state)
{
	(void)state;
	kill(clamd, SIGKILL);
	waitpid(clamd, NULL, 0);
	folder_remove(folder);
	pool_free(process);
	return 0;
}

static void bytes_without_a_known_signature_are_clean(void **state)
{
	struct err e = { .kind = ERR_NONE };
	(void)state;
	assert_int_equal(scan_bytes(socket_path, "bonjour", 7, &e), SCAN_CLEAN);
	size_t n = 1 << 20;
	char *big = calloc(1, n);
	assert_int_equal(scan_bytes(socket_path, big, n, &e), SCAN_CLEAN);
	free(big);
}

static void bytes_with_a_known_signature_are_infected(void **state)
{
	struct err e = { .kind = ERR_NONE };
	char address[80];
	(void)state;
	snprintf(address, sizeof address, "unix:%s", socket_path);
	assert_int_equal(scan_bytes(address, marker, sizeof marker - 1, &e), SCAN_INFECTED);
}

static void what_the_scanner_refuses_to_read_is_no_verdict(void **state)
{
	struct err e = { .kind = ERR_NONE };
	size_t n = 3 << 20;
	char *big = calloc(1, n);
	(void)state;
	assert_int_equal(scan_bytes(socket_path, big, n, &e), SCAN_UNAVAILABLE);
	free(big);
}

static void without_a_scanner_there_is_no_verdict(void **state)
{
	struct err e = { .kind = ERR_NONE };
	(void)state;
	assert_int_equal(scan_bytes("", "x", 1, &e), SCAN_UNAVAILABLE);
	assert_int_equal(e.kind, ERR_BUSY);
	assert_int_equal(scan_bytes("/nowhere/clamd.sock", "x", 1, &e), SCAN_UNAVAILABLE);
	assert_int_equal(scan_bytes("tcp://127.0.0.1:1", "x", 1, &e), SCAN_UNAVAILABLE);
	assert_int_equal(scan_bytes("no port", "x", 1, &e), SCAN_UNAVAILABLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bytes_without_a_known_signature_are_clean),
		cmocka_unit_test(bytes_with_a_known_signature_are_infected),
		cmocka_unit_test(what_the_scanner_refuses_to_read_is_no_verdict),
		cmocka_unit_test(without_a_scanner_there_is_no_verdict),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
