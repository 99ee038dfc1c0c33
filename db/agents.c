#include "agents.h"

SQL(agents_list,
    "select g.id, g.role, g.name, g.email, g.region, r.name as region_name, g.may_sign, g.active, g.created_at,"
    " (select string_agg(k.name, ', ' order by k.name) from agent_caisse a join caisse k on k.code = a.caisse where "
    "a.agent = "
    "g.id) as caisses,"
    " (select string_agg(a.caisse, ',' order by a.caisse) from agent_caisse a where a.agent = g.id) as codes,"
    " (select count(*) from agent_certificate c where c.agent = g.id and c.revoked_at is null and c.not_after > "
    "enroll_now()) as "
    "certificates,"
    " (select max(c.not_after) from agent_certificate c where c.agent = g.id and c.revoked_at is null) as not_after"
    " from agent g left join region r on r.code = g.region where my_role() = 'admin' order by g.active desc, g.role, "
    "g.name, g.id "
    "limit 2000");
SQL(agents_exports,
    "select x.at, g.name, x.what, x.rows from export_log x left join agent g on g.id = x.agent where my_role() = "
    "'admin' order by x.at desc limit 50");
