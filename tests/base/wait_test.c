#include "../../server/base/wait.h"
#include "../lib/test.h"
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

/* In the C library's place: the machine's clock goes an hour ahead of what the kernel waits by, as if set back since.
 */
int clock_gettime(clockid_t clock, struct timespec *out)
{
	long bad = syscall(SYS_clock_gettime, clock, out);
	if (clock == CLOCK_REALTIME)
		out->tv_sec += 3600;
	return (int)bad;
}

static void a_wait_ends_in_time_though_the_machine_s_clock_was_set_back(void **state)
{
	(void)state;
	pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	pthread_cond_t wake = PTHREAD_COND_INITIALIZER;
	int64_t began = clock_monotonic();
	pthread_mutex_lock(&lock);
	while (wait_until(&wake, &lock, began + SECOND / 5))
		;
	pthread_mutex_unlock(&lock);
	assert_in_range(clock_monotonic() - began, SECOND / 5, 5 * SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_wait_ends_in_time_though_the_machine_s_clock_was_set_back),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
