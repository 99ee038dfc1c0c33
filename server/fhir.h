/*
 * The second registry: the FHIR API of the Annuaire Santé, one number at a time (domain.md §5). It is asked only about
 * somebody whom our own copy knows as a psychologist, and says one thing that the copy cannot: no longer active.
 *
 *	switch (fhir_ask(&settings, rpps, pool, &e)) …        up to three seconds: the clerk's threads alone
 *
 * Silence (no answer, a slow or broken one, a key that is refused) is never worse than having no second registry; the
 * source is then left alone for a minute, so that one outage does not slow down every file.
 */
#ifndef SERVER_FHIR_H
#define SERVER_FHIR_H

#include "settings.h"

enum fhir {
	FHIR_SILENT, /* e tells, for the log; "fetch.rests" when it was not asked at all */
	FHIR_UNKNOWN,
	FHIR_ACTIVE,
	FHIR_INACTIVE,
};
enum fhir fhir_ask(const struct settings *s, const char *rpps, struct pool *pool, struct err *e);
/* What a Bundle says of a number: other people's entries are not looked at. FHIR_SILENT for anything else. */
enum fhir fhir_read(const char *bundle, const char *rpps, struct pool *pool);

#endif
