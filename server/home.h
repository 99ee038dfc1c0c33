/*
 * The state folder (ENROLL_HOME) and what a program opens there before it can work: the same steps for enrolld and
 * enrollctl.
 *
 *	settings_read(pool, &service.settings, &e);
 *	home_enter(&service.settings, false, pool, &e);      absolute; as root: handed to a user whom we become
 *	home_make(&service, &e);                             folder, development certificates, keyring
 *	home_open(&service, &cluster, &embedded, &e);        the embedded cluster started and migrated, or the one given
 *	… if (embedded) cluster_stop(&cluster);
 *
 * The user is the owner of ENROLL_HOME, or `postgres` when that is root. Where that user cannot come (a parent folder
 * closed to others) the state lives under /var/lib/enroll/ and ENROLL_HOME is a link to it; what stood in ENROLL_HOME
 * is then in ENROLL_HOME.before, and linked from inside.
 */
#ifndef SERVER_HOME_H
#define SERVER_HOME_H

#include <stdbool.h>
#include <sys/types.h>
#include "../db/cluster.h"
#include "service.h"

/*
 * With `come_back` root stays the saved user, for home_as_caller(): enrollctl writes what it was asked for where its
 * caller may write. enrolld gives root up for good.
 */
int home_enter(struct settings *s, bool come_back, struct pool *pool, struct err *e) MUST_USE;
void home_as_caller(void); /* who started the program; without root nothing changes */
void home_as_owner(void);  /* the owner of ENROLL_HOME again */

int home_make(struct service *s, struct err *e) MUST_USE;
bool home_has_default(const char *path, const char *home, const char *under); /* path is HOME/under */

/* *embedded tells whether *c is to be stopped, after a failure too. A given database that is away is waited for. */
int home_open(struct service *s, struct cluster *c, bool *embedded, struct err *e) MUST_USE;

#endif
