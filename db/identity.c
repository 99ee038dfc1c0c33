#include "identity.h"

#include <string.h>

#include "../server/base/str.h"

const struct statement identity_join = { "identity_join", "select * from identity_join($1, $2, $3, $4, $5)" };
STATEMENT(identity_join);

SQL(identity_nobody,
    "select 'visitor' as role, null::bigint as account, null::bigint as agent, null as name, null as email,"
    " null as region, null as caisses, false as may_sign, null as csrf, enroll_now() as now, false as expired");

const struct statement identity_set = { "identity_set",
					"select identity_set($1, $2::bigint, $3::bigint, $4, $5::bigint)" };
STATEMENT(identity_set);

/* The bits of enum role (workflow/workflow.h), which db/ may not include. */
static const struct {
	const char *id;
	unsigned bit;
} roles[] = {
	{ "visitor", 1 }, { "applicant", 2 }, { "employer", 4 }, { "expert", 8 },   { "delegate", 16 },
	{ "region", 32 }, { "admin", 64 },    { "clock", 128 },  { "system", 256 },
};

static const char *role_name(unsigned bit)
{
	for (size_t i = 0; i < COUNT(roles); i++)
		if (roles[i].bit == bit)
			return roles[i].id;
	return "";
}

void identity_read(const struct rows *r, struct pool *pool, struct identity *who, instant_t *now, bool *expired)
{
	const char *role = rows_str(r, 0, "role");
	char *caisses = pool_strdup(pool, rows_str(r, 0, "caisses"));

	*who = (struct identity){ .role = 1 };
	for (size_t i = 0; i < COUNT(roles); i++)
		if (!strcmp(roles[i].id, role))
			who->role = roles[i].bit;
	who->account = rows_i64(r, 0, "account");
	who->agent = rows_i64(r, 0, "agent");
	who->name = pool_strdup(pool, rows_text(r, 0, "name"));
	who->email = pool_strdup(pool, rows_text(r, 0, "email"));
	who->region = pool_strdup(pool, rows_text(r, 0, "region"));
	who->csrf = pool_strdup(pool, rows_text(r, 0, "csrf"));
	who->may_sign = rows_bool(r, 0, "may_sign");
	if (*caisses) {
		const char **list;
		size_t n = 0;
		for (const char *c = caisses; c; c = strchr(c + 1, ','))
			n++;
		list = POOL_ARRAY(pool, const char *, n);
		n = 0;
		for (char *save = NULL, *c = strtok_r(caisses, ",", &save); c; c = strtok_r(NULL, ",", &save))
			list[n++] = c;
		who->caisses = list;
		who->caisse_count = n;
	}
	*now = rows_instant(r, 0, "now");
	*expired = rows_bool(r, 0, "expired");
}

size_t identity_ask(struct segment *s, struct pool *pool, const struct identity *who, int64_t file)
{
	struct str caisses = str_in(pool);

	for (size_t i = 0; i < who->caisse_count; i++) {
		if (i)
			str_add_c(&caisses, ',');
		str_add(&caisses, who->caisses[i]);
	}
	return segment_ask(s, &identity_set,
			   ARGS(arg_text(role_name(who->role)),
				who->account ? arg_i64(pool, who->account) : arg_text(NULL),
				who->agent ? arg_i64(pool, who->agent) : arg_text(NULL), arg_text(caisses.s),
				file ? arg_i64(pool, file) : arg_text(NULL)));
}

char *identity_actor(const struct identity *who, int64_t file, struct pool *pool)
{
	if (who->account)
		return pool_printf(pool, "account:%lld", (long long)who->account);
	if (who->agent)
		return pool_printf(pool, "agent:%lld", (long long)who->agent);
	if (file)
		return pool_printf(pool, "employer:%lld", (long long)file);
	return pool_strdup(pool, role_name(who->role));
}
