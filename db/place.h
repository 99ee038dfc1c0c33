/*
 * The places of the directory and the address service: they stand at their commune's centre until it has answered.
 * Asked as `system`.
 */
#ifndef DB_PLACE_H
#define DB_PLACE_H

#include "db.h"

extern const struct statement place_queue; /* how many: an outbox row "geocode" for each file with places never asked */
extern const struct statement
	place_to_ask; /* file: n, address, postcode, commune, name of the commune, its lon and lat */
/* file, n, address, commune, lon, lat, precision: nothing when the place is another one by now */
extern const struct statement place_found;

#endif
