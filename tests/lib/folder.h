/* A folder of its own for a test, under TMPDIR or /tmp; it goes with the end of the test. */
#ifndef LIB_FOLDER_H
#define LIB_FOLDER_H

#include "../../server/base/pool.h"

char *folder_new(struct pool *pool);
void folder_remove(const char *path); /* with what is in it */
/* Whole file, with a 0 after; NULL when there is none. */
char *folder_read(struct pool *pool, const char *path, size_t *n);
int folder_mode(const char *path); /* permission bits, -1 when there is none */

#endif
