#include "wait.h"
#include <errno.h>
#include <time.h>

bool wait_until(pthread_cond_t *wake, pthread_mutex_t *lock, int64_t until)
{
	const struct timespec at = { .tv_sec = until / SECOND, .tv_nsec = until % SECOND * (1000000000 / SECOND) };
	return pthread_cond_clockwait(wake, lock, CLOCK_MONOTONIC, &at) != ETIMEDOUT;
}
