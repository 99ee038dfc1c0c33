/*
 * What the operator decides: environment variables or a file (ENROLL_SETTINGS=path, lines NAME=value), the same names.
 * The table is settings.c; `enrollctl settings` prints it, secrets masked. The only file that reads the environment.
 */
#ifndef SERVER_SETTINGS_H
#define SERVER_SETTINGS_H

#include <stdbool.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"

struct settings {
	const char *home;
	int port, agent_port;
	const char *bind;
	const char *dsn, *owner_dsn, *purge_dsn; /* "" = embedded */
	/* filled with those under home when unset */
	const char *tls_cert, *tls_key, *agent_ca, *agent_crl, *seal_cert, *seal_key, *key_file;
	const char *public_url, *agent_url, *mail_from;
	const char *smtp_url, *clamd, *geocode_url, *fhir_url, *fhir_key;
	const char *eligibility; /* "automatic" or "expert", with dates: "automatic,2026-10-01=expert" */
	int max_connections_per_address, idle_seconds;
	int drain_seconds; /* told to stop, it still serves so long, /readyz says "stopping": a proxy looks elsewhere */
	const char *proxy; /* addresses, comma between: whoever connects from there says for whom (a PROXY line) */
	bool test_clock, demo;
	int loops;         /* ENROLL_LOOPS, 0 = one per core */
	int disk_floor_mb; /* watch.h */
	const char *log_level;
};

int settings_read(struct pool *pool, struct settings *out, struct err *e) MUST_USE;
/* Every path that was under the old home is under the new one. */
void settings_move_home(struct settings *s, const char *home, struct pool *pool);
char *settings_print(const struct settings *s, bool json, struct pool *pool);
/* Is the national desk asked for files deposited on this day? */
bool settings_expert_on(const struct settings *s, day_t deposit);

#endif
