/*
 * What every part of the running program shares: read-only after the start, but for the atomics.
 */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include <stdatomic.h>
#include "../db/db.h"
#include "../workflow/workflow.h"
#include "base/crypto.h"
#include "settings.h"

struct service {
	struct settings settings;
	struct pool *pool; /* of the process */
	struct keyring *keys;
	const char *dsn, *owner_dsn, *purge_dsn; /* real ones, embedded or given */
	_Atomic(const struct policy *) policy;   /* policy.h: another copy when it is changed */
};

static inline const struct policy *policy_now(struct service *s)
{
	return atomic_load_explicit(&s->policy, memory_order_acquire);
}

/*
 * clerk.c: its threads wake when a transaction committed something, those that may have work only: each look costs the
 * database some statements. Checks, deadlines and letters (a letter wakes the mail by itself); a piece to scan.
 */
void clerk_wake(void);
void clerk_wake_scan(void);

#endif
