#include "geocode.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../db/directory.h"
#include "base/str.h"
#include "fetch.h"
#include "json.h"
#include "page.h"

#define MILLISECONDS 3000L
#define BODY_MOST ((size_t)128 << 10)
#define SCORE_LEAST 0.5
#define KM_MOST 60.0 /* the longest commune, Maripasoula apart, is shorter */

/* Paris, Marseille and Lyon are one commune for whom writes their address and many for the service. */
static bool same_commune(const char *found, const char *given)
{
	static const struct {
		const char *whole, *part;
	} cities[] = { { "75056", "751" }, { "13055", "132" }, { "69123", "6938" } };
	if (str_eq(found, given))
		return true;
	for (size_t i = 0; found && i < COUNT(cities); i++)
		if (str_starts(found, cities[i].part) && str_eq(given, cities[i].whole))
			return true;
	return false;
}

static bool real(const char *text, double *out)
{
	char *end;
	*out = text ? strtod(text, &end) : 0;
	return text && *text && !*end && isfinite(*out);
}

static const char *precision_of(const char *type)
{
	static const char *const known[] = { "housenumber", "street", "locality" };
	for (size_t i = 0; i < COUNT(known); i++)
		if (str_eq(type, known[i]))
			return known[i];
	return NULL; /* "municipality": the commune's own point */
}

static bool fits(const char *feature, const struct geocode_place *p, struct pool *pool, struct geocode_point *out)
{
	size_t n;
	double score;
	const char *said = json_member(feature, "properties", pool);
	const char **at = json_elements(json_member(feature, "geometry", pool), "coordinates", pool, &n);
	*out = (struct geocode_point){ .precision = precision_of(json_member(said, "type", pool)) };
	/* [lon, lat] */
	return out->precision && same_commune(json_member(said, "citycode", pool), p->commune) &&
	       real(json_member(said, "score", pool), &score) && score >= SCORE_LEAST && n == 2 &&
	       real(at[0], &out->lon) && real(at[1], &out->lat) && fabs(out->lon) <= 180 && fabs(out->lat) <= 90 &&
	       (!p->located || directory_km(p->lon, p->lat, out->lon, out->lat) <= KM_MOST);
}

int geocode_read(const char *json, const struct geocode_place *p, struct pool *pool, struct geocode_point *out)
{
	size_t n;
	const char **features = json_elements(json, "features", pool, &n);
	*out = (struct geocode_point){ .precision = NULL };
	if (!features)
		return -1;
	/* The best first; the next ones only where that one is elsewhere. */
	for (size_t i = 0; i < n; i++)
		if (fits(features[i], p, pool, out))
			return 0;
	*out = (struct geocode_point){ .precision = NULL };
	return 0;
}

int geocode_ask(const struct settings *s, const struct geocode_place *p, struct pool *pool, struct geocode_point *out,
		struct err *e)
{
	static struct fetch_rest rest;
	struct str url = str_in(pool);
	struct fetched answer;
	str_addf(&url, "%s/search?limit=5&q=", s->geocode_url);
	url_part(&url, pool_printf(pool, "%.150s %s", p->address, p->commune_name));
	str_add(&url, "&postcode=");
	url_part(&url, p->postcode);
	const struct fetch q = { .url = url.s, .milliseconds = MILLISECONDS, .most = BODY_MOST, .rest = &rest };
	*out = (struct geocode_point){ .precision = NULL };
	if (fetch_get(&q, pool, &answer, e))
		return -1;
	/* An address that the service does not understand stays where its commune is. */
	if (answer.status != 200)
		return 0;
	return geocode_read(answer.body, p, pool, out) ? fetch_away(&q, answer.status, e) : 0;
}
