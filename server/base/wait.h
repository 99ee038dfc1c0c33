/* Waiting on a condition by the clock that nobody sets: pthread_cond_timedwait()'s own may be set back, for hours. */
#ifndef BASE_WAIT_H
#define BASE_WAIT_H

#include <pthread.h>
#include <stdbool.h>
#include "clock.h"

/* Until it is signalled (true; or for no reason) or clock_monotonic() is at `until` (false). */
bool wait_until(pthread_cond_t *wake, pthread_mutex_t *lock, int64_t until);

#endif
