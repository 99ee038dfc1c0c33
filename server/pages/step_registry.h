/*
 * What the Annuaire Santé knows of the RPPS that was typed, beside what was typed: seen before anything is sent, it is
 * put right at once.
 */
#ifndef SERVER_PAGES_STEP_REGISTRY_H
#define SERVER_PAGES_STEP_REGISTRY_H

#include "../file_view.h"

/* `lines`: rows of registry_lines_of. Without `always`, only when something differs. Empty markup when no copy is
 * there. */
struct markup step_registry(const struct file_view *v, const struct rows *lines, bool there, bool always,
			    struct pool *pool);
/* The line whose place of practice may be taken over: a psychologist's, with a postcode. -1: none. */
long step_registry_place(const struct rows *lines);

#endif
