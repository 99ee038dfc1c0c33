/*
 * The clerk: background threads that do what nobody waits for. One runs checks, deadlines, day closing, chain roots
 * (every second and when woken); one renders letters and seals conventions; one sends mail; one scans pieces and looks
 * addresses up: who hangs outside the house keeps nobody else waiting. Each has its own lanes and drains the outbox
 * with leases (FOR UPDATE SKIP LOCKED), at least once, with stable ids. enrollctl tick calls clerk_tick() by itself.
 */
#ifndef SERVER_CLERK_H
#define SERVER_CLERK_H

#include "service.h"

int clerk_start(struct service *s, struct err *e) MUST_USE;
void clerk_stop(void);

struct tick {
	int checks, fired, reminders, closed_days, purged;
	const char *fired_text; /* a line for each: "file 12 lapse correction -> closed" */
};
/* Everything due at enroll_now(), in the calling thread: checks, deadlines (event = file|event|due key), reminders,
 * notification after 15 days, day closing, purge, draft lapse. */
int clerk_tick(struct service *s, struct lanes *l, struct pool *pool, struct tick *out, struct err *e) MUST_USE;
/* Outbox rows of the slow kind: messages, mails, scans, seals, addresses. Returns how many were done. */
int clerk_deliver(struct service *s, struct lanes *l, int *done, struct err *e) MUST_USE;

#endif
