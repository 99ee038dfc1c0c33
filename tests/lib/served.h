/*
 * The service in the test's own process, its database being the test's affair.
 *
 *	service.settings = (struct settings){ .home = folder, .tls_cert = …, .idle_seconds = 2, … };
 *	service.dsn = …;
 *	served_open(&service, pool);      ports, addresses, keys, what pages are made of, two threads, the listeners
 *
 * Then http_run(&service, …) on a thread of its own. curl is ready as well.
 */
#ifndef TESTS_LIB_SERVED_H
#define TESTS_LIB_SERVED_H

#include "../../server/service.h"

void served_open(struct service *s, struct pool *pool);
/* Fails the test with what the error says. */
void good(int result, const struct err *e);

#endif
