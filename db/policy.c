#include "policy.h"

#include "pg.h"

SQL(policy_values, "select name, value from policy");
SQL(policy_list,
    "select p.name, p.value, p.lowest, p.highest, c.at as since, c.was, c.by from policy p"
    " left join lateral (select * from policy_change c where c.name = p.name order by c.id desc limit 1) c on "
    "true order by p.name");

int policy_read(const char *dsn, struct pool *pool, const struct rows **out, struct err *e)
{
	struct plain *p = plain_open(dsn, "enroll policy", e);
	int bad = p ? plain_ask(p, policy_values.sql, NO_ARGS, pool, out, e) : -1;
	plain_close(p);
	return bad;
}

int policy_write(const char *owner_dsn, const char *name, int64_t value, struct err *e)
{
	struct pool *pool = pool_new();
	struct plain *p = plain_open(owner_dsn, "enroll policy", e);
	int bad = p ? plain_ask(p, "update policy set value = $2::int where name = $1",
				ARGS(arg_text(name), arg_i64(pool, value)), NULL, NULL, e)
		    : -1;
	plain_close(p);
	pool_free(pool);
	return bad;
}
