/*
 * The policies in force, as this process knows them: workflow/ decides by them, the clerk waits by them, pages say
 * them.
 *
 *	policy_load(&service, &e);                 once, before any thread
 *	const struct policy *p = policy_now(s);    from any thread; p stays what it is, whatever happens meanwhile
 *
 * The service looks again every two seconds (watch.c). A change is another copy: who has begun to decide ends with the
 * policy it began with, and what a file was given stays (its deadline, its term).
 */
#ifndef SERVER_POLICY_H
#define SERVER_POLICY_H

#include "service.h"

int policy_load(struct service *s, struct err *e) MUST_USE;
/* From rows of policy_values, by one thread: -1, and the former ones stay, when one is missing. */
int policy_take(struct service *s, const struct rows *r, struct err *e) MUST_USE;

#endif
