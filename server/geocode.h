/*
 * Where an address stands: the national address service (data.geopf.fr/geocodage), for the directory's distances.
 *
 *	geocode_ask(&settings, &place, pool, &point, &e);     up to three seconds: the clerk's threads alone
 *
 * The commune that the psychologist gave stands: an answer of another one, or far from it, is no answer. Nothing that
 * is not in the public directory already is asked.
 */
#ifndef SERVER_GEOCODE_H
#define SERVER_GEOCODE_H

#include "settings.h"

struct geocode_place {
	const char *address, *postcode, *commune; /* INSEE */
	const char *commune_name;
	bool located;    /* the commune's centre is known */
	double lon, lat; /* of it */
};
struct geocode_point {
	const char *precision; /* "housenumber", "street", "locality"; NULL: nothing better than the commune */
	double lon, lat;
};
/* ERR_BUSY: later. 0 with precision NULL: the service knows no better. */
int geocode_ask(const struct settings *s, const struct geocode_place *p, struct pool *pool, struct geocode_point *out,
		struct err *e) MUST_USE;
/* The same from the GeoJSON of an answer; -1 when it is something else. */
int geocode_read(const char *json, const struct geocode_place *p, struct pool *pool, struct geocode_point *out);

#endif
