/*
 * Runs the checks of a submitted file and fires what they say, through fire(): gathers registry lines, duplicates,
 * pieces and the frozen answers (system identity), calls checks_run(), stores the rows in the event's transaction.
 * Nothing is fired while a recent "unavailable" stands (domain.md §3): *next is then when to try again.
 */
#ifndef WORKFLOW_VERIFY_H
#define WORKFLOW_VERIFY_H

#include "fire.h"

/* `template` carries lanes, keys, policy, expert_on; file is the file to verify. *fired is EV_NONE when nothing was. */
int verify_file(const struct firing *template, int64_t file, enum event *fired, instant_t *next,
		struct err *e) MUST_USE;

#endif
