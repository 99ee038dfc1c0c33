/* The public directory and the communes people type (interface.md). */
#ifndef SERVER_PAGES_DIRECTORY_H
#define SERVER_PAGES_DIRECTORY_H

#include "../../db/commune.h"
#include "../job.h"

/* GET /annuaire */
int directory_ask(struct job *j, struct err *e);
int directory_answer(struct job *j, struct err *e);
/* GET /communes?q= (commune.c) */
int communes_ask(struct job *j, struct err *e);
int communes_answer(struct job *j, struct err *e);

/* {code, name, postcodes: […], departement}, an item of a list. */
void commune_json(struct json *j, const struct commune *c, struct pool *pool);
/* "Lille (59000, Nord)", as a choice is shown. */
const char *commune_label(const struct commune *c, struct pool *pool);

#endif
