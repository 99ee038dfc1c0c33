/* A person's exported history (historique.json), brought by anyone to be verified: read or refused, never believed. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../server/audit.h"
#include "../../server/base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *pool = pool_new();
	struct audit a = { .told = str_in(pool) };
	struct err e = { 0 };
	if (audit_export(pool_copy(pool, data, size), pool, &a, &e)) {
		if (e.kind != ERR_INPUT)
			abort();
	} else if (a.problems < 0 || (a.problems > 0) != (a.told.len > 0)) {
		abort();
	}
	pool_free(pool);
	return 0;
}
