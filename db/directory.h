/*
 * The public directory (domain.md §10): who is published, nearest first. It reads what is there now, so a change shows
 * in the next answer.
 *
 *	struct directory_question q = { .commune = "59350" };
 *	at = job_ask(j, &directory_near, args, DIRECTORY_ARGS);     args from directory_args(&q, pool, args)
 *	directory_read(&q, job_rows(j, at), pool, &found);
 *
 * The DIRECTORY_MOST nearest are found, in pages of DIRECTORY_PAGE; further away one asks for another place.
 */
#ifndef DB_DIRECTORY_H
#define DB_DIRECTORY_H

#include <stdbool.h>
#include "db.h"

enum { DIRECTORY_ARGS = 8, DIRECTORY_PAGE = 20, DIRECTORY_MOST = 60 };
/* What a page calls near: half a day there and back for the first session, which is never at a distance. */
#define DIRECTORY_NEAR_KM 50

struct directory_question {
	bool located;        /* lon and lat are given */
	double lon, lat;     /* degrees */
	const char *commune; /* else: INSEE code, its centre; NULL: nowhere, the latest conventions first */
	const char *public;  /* adults, teens, children; NULL: any */
	const char *language;
	bool remote, available;
	int page; /* from 1 */
};

struct directory_place {
	const char *address, *postcode, *commune, *commune_code;
	bool located;
	double lon, lat;
	double km; /* from the place asked; below 0: none asked or not known */
};
struct directory_entry {
	int64_t id;
	const char *name;
	struct directory_place *places; /* nearest first */
	size_t place_count;
	const char **publics, **languages;
	size_t public_count, language_count;
	bool remote;
	const char *phone, *email, *website;   /* NULL: none, or not to be shown */
	day_t confirmed_on, unavailable_until; /* DAY_NONE: available */
	double km;                             /* of the nearest place */
};
struct directory {
	struct directory_entry *items; /* of the page */
	size_t count;
	size_t total; /* found, at most DIRECTORY_MOST */
	size_t near;  /* of them, within DIRECTORY_NEAR_KM; 0 when no place was asked */
	int page, pages;
	const char *place; /* name of the commune asked by its code; NULL: none asked, or unknown */
	bool located;
	double lon, lat;
};

extern const struct statement directory_near;   /* with a place */
extern const struct statement directory_latest; /* without */
/* conventioned + leaving - later - unlisted = listed: from the stock to the directory, for the whole country. */
extern const struct statement directory_counts;
/*
 * What the database shows at this moment, as a text: as long as it is the same, so is every answer. It changes with
 * each transaction that writes, and with the day.
 */
void directory_args(const struct directory_question *q, struct pool *pool, struct arg out[DIRECTORY_ARGS]);
void directory_read(const struct directory_question *q, const struct rows *r, struct pool *pool, struct directory *out);

struct json;
/* {items, next, total} of interface.md; `next` is a path with its query, or NULL. */
void directory_json(const struct directory *d, const char *next, struct json *j);
/* Kilometres on the sphere. */
double directory_km(double lon1, double lat1, double lon2, double lat2);

#endif
