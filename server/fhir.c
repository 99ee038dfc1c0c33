#include "fhir.h"

#include <string.h>

#include "base/str.h"
#include "fetch.h"
#include "json.h"
#include "page.h"

#define SYSTEM "https://rpps.esante.gouv.fr"
#define MILLISECONDS 3000L
#define BODY_MOST ((size_t)256 << 10)

static bool is_number(const char *resource, const char *rpps, struct pool *pool)
{
	size_t n;
	const char **identifiers = json_elements(resource, "identifier", pool, &n);
	for (size_t i = 0; i < n; i++)
		if (str_eq(json_member(identifiers[i], "system", pool), SYSTEM) &&
		    str_eq(json_member(identifiers[i], "value", pool), rpps))
			return true;
	return false;
}

enum fhir fhir_read(const char *bundle, const char *rpps, struct pool *pool)
{
	size_t n;
	enum fhir found = FHIR_UNKNOWN;
	if (!str_eq(json_member(bundle, "resourceType", pool), "Bundle"))
		return FHIR_SILENT;
	const char **entries = json_elements(bundle, "entry", pool, &n);
	for (size_t i = 0; i < n; i++) {
		const char *resource = json_member(entries[i], "resource", pool);
		if (!str_eq(json_member(resource, "resourceType", pool), "Practitioner") ||
		    !is_number(resource, rpps, pool))
			continue;
		/* Active unless it says otherwise (FHIR R4); one active entry outweighs old ones. */
		if (!str_eq(json_member(resource, "active", pool), "false"))
			return FHIR_ACTIVE;
		found = FHIR_INACTIVE;
	}
	return found;
}

enum fhir fhir_ask(const struct settings *s, const char *rpps, struct pool *pool, struct err *e)
{
	static struct fetch_rest rest;
	struct str url = str_in(pool);
	struct fetched answer;
	str_addf(&url, "%s/Practitioner?identifier=", s->fhir_url);
	url_part(&url, SYSTEM "|");
	url_part(&url, rpps);
	const struct fetch q = {
		.url = url.s,
		.header = *s->fhir_key ? pool_printf(pool, "ESANTE-API-KEY: %s", s->fhir_key) : NULL,
		.milliseconds = MILLISECONDS,
		.most = BODY_MOST,
		.rest = &rest,
	};
	if (fetch_get(&q, pool, &answer, e))
		return FHIR_SILENT;
	enum fhir said = answer.status == 404 ? FHIR_UNKNOWN : fhir_read(answer.body, rpps, pool);
	if (said == FHIR_SILENT)
		(void)fetch_away(&q, answer.status, e);
	return said;
}
