/*
 * What the service sees of its own house, for /metrics and the rules of docker/prometheus: lateness, ages, sizes, room
 * on the disk. A thread of its own asks the database once a minute (the eight invariants every five minutes) and looks
 * at the policies (policy.h) every two seconds; another looks at the disk. A scrape only copies what they found last:
 * it costs the same however big the house.
 *
 *	watch_start(&service, &e);  …  watch_metrics(&out);  …  watch_stop();
 *
 * It decides one thing: watch_room() is false when the disk of ENROLL_HOME has less left than ENROLL_DISK_FLOOR_MB (0:
 * 256, and never more than a twentieth of the disk). Deposits of pieces are then refused with a sentence; what is small
 * can still be written, as can the database itself.
 */
#ifndef SERVER_WATCH_H
#define SERVER_WATCH_H

#include <stdbool.h>
#include "base/str.h"
#include "service.h"

int watch_start(struct service *s, struct err *e) MUST_USE;
void watch_stop(void);
void watch_metrics(struct str *out); /* from any thread; nothing of the database until it was asked once */
bool watch_room(void);

#endif
