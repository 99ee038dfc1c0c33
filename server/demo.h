/*
 * Invented people for the demonstration (ENROLL_DEMO=1): an empty database becomes a country with candidates in every
 * state, agents of every role and a registry that knows the psychologists. Nobody in it exists.
 *
 *	if (service.settings.demo && demo_load(&service, &e)) …      after the database is open, before serving
 *
 * A database that holds an account is left as it is. Files move through fire(), like anybody's.
 */
#ifndef SERVER_DEMO_H
#define SERVER_DEMO_H

#include "service.h"

int demo_load(struct service *s, struct err *e) MUST_USE;
/* How to sign in, for the terminal: addresses, passwords, certificates under ENROLL_HOME/agents. */
char *demo_people(const struct service *s, struct pool *pool);

#endif
