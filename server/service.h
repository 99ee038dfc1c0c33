/*
 * What every part of the running program shares: read-only after the start, but for the atomics.
 */
#ifndef SERVER_SERVICE_H
#define SERVER_SERVICE_H

#include "../db/db.h"
#include "../workflow/workflow.h"
#include "base/crypto.h"
#include "settings.h"

struct service {
	struct settings settings;
	struct pool *pool; /* of the process */
	struct keyring *keys;
	const char *dsn, *owner_dsn, *purge_dsn; /* real ones, embedded or given */
	struct policy policy;
};

/* clerk.c: background threads (checks, clock, mail, documents, scans) wake when a transaction committed something. */
void clerk_wake(void);

#endif
