#include "digest.h"

/* Messages of an agent's audiences since the digest before this one, two days at most. */
#define WAITING(agent, last)                                                               \
	"select count(*) from message m where m.account is null and m.at > greatest(" last \
	", enroll_now() - interval '2 days')"                                              \
	" and m.audience = any (case " agent                                               \
	".role when 'expert' then array['experts'] when 'admin' then array['admins']"      \
	" else array(select 'caisse:' || c.caisse from agent_caisse c where c.agent = " agent ".id) end)"

/* The lock lets one of several programs do it; the others find the rows. */
SQL(digest_queue,
    "with l as (select pg_try_advisory_xact_lock(hashtext('enroll digest')) as mine),"
    " g as (select a.id, a.role, coalesce((select max(o.at) from outbox o where o.kind = 'digest' and o.ref = a.id), "
    "'-infinity') "
    "as last from agent a where a.active and a.role in ('expert', 'admin', 'delegate'))"
    " insert into outbox (kind, ref) select 'digest', g.id from g, l where l.mine"
    " and extract(hour from enroll_now() at time zone 'Europe/Paris') >= $1::int"
    " and (g.last = '-infinity' or paris_day(g.last) < paris_today()) and (" WAITING("g", "g.last") ") > 0");
SQL(digest_one,
    "select g.name, g.email, (" WAITING(
	    "g",
	    "coalesce((select max(o.at) from outbox o where o.kind = 'digest' and o.ref = g.id and o.id < $1::bigint), "
	    "'-infinity')") ") as count from agent g where g.id = $2::bigint and g.active");
