/*
 * The steps that routes.c names, file by file. A page's file x.c defines x_ask and x_answer (or those listed here).
 */
#ifndef SERVER_PAGES_PAGES_H
#define SERVER_PAGES_PAGES_H

#include "../job.h"

/* static.c: what the program carries under server/static, compressed copies when accepted. */
int static_answer(struct job *j, struct err *e);
int statics_load(struct pool *pool, struct err *e) MUST_USE;
/* health.c */
int healthz_answer(struct job *j, struct err *e);
int readyz_answer(struct job *j, struct err *e);
int metrics_answer(struct job *j, struct err *e);
int openapi_answer(struct job *j, struct err *e);
/* public.c: pages that ask the database nothing */
int home_answer(struct job *j, struct err *e);
int eligibility_answer(struct job *j, struct err *e);
int accessibility_answer(struct job *j, struct err *e);
int legal_answer(struct job *j, struct err *e);
int personal_data_answer(struct job *j, struct err *e);

#endif
