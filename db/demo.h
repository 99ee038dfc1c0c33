/*
 * What only the demonstration asks (server/demo.h): an empty database is given a past, by a clock that begins months
 * back and goes forward to the present while its people act.
 */
#ifndef DB_DEMO_H
#define DB_DEMO_H

#include "db.h"

extern const struct statement demo_state;    /* people (accounts and agents), stage: NULL, "loading" or "loaded" */
extern const struct statement demo_stage;    /* stage */
extern const struct statement demo_shift;    /* seconds from the machine's time: never back */
extern const struct statement demo_no_shift; /* the present */
extern const struct statement
	demo_places; /* how many a region: code, name, postcode, region, departement, caisse, nth of its region */
extern const struct statement demo_code;          /* file, party, digest: a signing code */
extern const struct statement demo_checks_later;  /* file: its checks wait for a day, as when a source is away */
extern const struct statement demo_letters_first; /* file: its letters are written before the others' */

#endif
