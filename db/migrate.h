/*
 * The schema, its roles and the reference data: numbered files db/migrations/NNNN_what.sql, each applied once in its
 * own transaction by the owner and never edited afterwards (their SHA-256 is kept and compared).
 *
 * After the files: the workflow table of this program is loaded into `transition` with its digest, and the reference
 * data (db/data/) when its digest changed. Two migrating programs wait for one another (advisory lock).
 */
#ifndef DB_MIGRATE_H
#define DB_MIGRATE_H

#include "../server/base/err.h"
#include "../server/base/pool.h"

/* `transitions` is workflow_print()'s text and `digest` workflow_digest(); *applied counts the new files. */
int migrate(const char *owner_dsn, const char *transitions, const char *digest, int *applied, struct err *e) MUST_USE;
/* 0 when the schema is this program's, ERR_FAULT telling which number is missing, or that the workflow table differs.
 */
int migrate_check(const char *dsn, const char *digest, struct err *e) MUST_USE;

#endif
