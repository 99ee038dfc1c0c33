#include "policy.h"

#include <stdatomic.h>
#include <string.h>

#include "../db/policy.h"
#include "base/log.h"
#include "base/str.h"

/* A reader may still have the one before: all are kept. Somebody changes a policy a few times a year. */
static struct pool *kept;

static void tell(const struct policy_row *row, int value)
{
	char number[STR_I64];
	log_event(LOG_INFO, "policy.now", "name", row->name, "value", str_of_i64(number, value));
}

int policy_take(struct service *s, const struct rows *r, struct err *e)
{
	const struct policy *before = policy_now(s);
	struct policy now = { 0 }, *copy;
	size_t found = 0;
	for (size_t i = 0; i < rows_count(r); i++) {
		const struct policy_row *row = policy_row(rows_str(r, i, "name"));
		if (row)
			policy_put(&now, row, (int)rows_i64(r, i, "value"));
		found += row != NULL;
	}
	if (found != policy_count)
		return fault(e, "the table policy has %zu of %zu rows", found, policy_count);
	if (before && !memcmp(before, &now, sizeof now))
		return 0;
	for (size_t i = 0; before && i < policy_count; i++)
		if (policy_get(before, &policy_rows[i]) != policy_get(&now, &policy_rows[i]))
			tell(&policy_rows[i], policy_get(&now, &policy_rows[i]));
	if (!kept)
		kept = pool_new();
	copy = POOL_NEW(kept, struct policy);
	*copy = now;
	atomic_store_explicit(&s->policy, copy, memory_order_release);
	return 0;
}

int policy_load(struct service *s, struct err *e)
{
	struct pool *pool = pool_new();
	const struct rows *r;
	int bad = policy_read(s->dsn, pool, &r, e) || policy_take(s, r, e);
	pool_free(pool);
	return bad ? -1 : 0;
}
