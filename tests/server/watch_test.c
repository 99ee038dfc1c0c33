/* What the house sees of itself while its database does not answer. */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/folder.h"
#include "../lib/test.h"

#include "../../server/base/log.h"
#include "../../server/watch.h"

/* It takes connections and says nothing. */
static int silent_server(int *port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(listen(fd, 10), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	*port = ntohs(a.sin_port);
	return fd;
}

static void a_disk_that_fills_is_seen_while_the_database_says_nothing(void **state)
{
	(void)state;
	struct pool *pool = pool_new();
	struct err e = { 0 };
	int port, fd = silent_server(&port);
	struct service service = { .settings = { .home = folder_new(pool), .clamd = "", .disk_floor_mb = 1 },
				   .dsn = pool_printf(pool, "host=127.0.0.1 port=%d dbname=none user=none", port) };
	log_set_level(LOG_ERROR);
	assert_int_equal(watch_start(&service, &e), 0);
	usleep(500000);
	assert_true(watch_room());
	int64_t began = clock_monotonic();
	__atomic_store_n(&service.settings.disk_floor_mb, 100000000, __ATOMIC_RELAXED);
	while (watch_room() && clock_monotonic() - began < 20 * SECOND)
		usleep(50000);
	int64_t took = clock_monotonic() - began;
	watch_stop();
	assert_true(took < 4 * SECOND);
	close(fd);
	folder_remove(service.settings.home);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_disk_that_fills_is_seen_while_the_database_says_nothing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
