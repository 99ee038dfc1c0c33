/*
 * Asks clamd whether bytes carry malware (INSTREAM; clamd(8)). Waits up to 30 seconds: never on an event loop.
 *
 *	enum scan r = scan_bytes("/run/clamav/clamd.ctl", bytes, n, &e);
 *
 * The address (ENROLL_CLAMD) is a path, "unix:PATH", "tcp://HOST:PORT" or "HOST:PORT"; empty means no scanner.
 * SCAN_UNAVAILABLE is no verdict: the piece stays "waiting" and the scan is tried again; *e says why, for the log.
 */
#ifndef SERVER_SCAN_H
#define SERVER_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"

enum scan { SCAN_UNAVAILABLE, SCAN_CLEAN, SCAN_INFECTED };

enum scan scan_bytes(const char *address, const void *bytes, size_t n, struct err *e);
bool scan_there(const char *address); /* it answers; 5 seconds at most */
const char *scan_id(enum scan s);     /* "waiting", "clean", "infected": piece.scan */

#endif
