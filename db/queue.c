#include "queue.h"

#define COLUMNS                                                                                                  \
	"select f.id, f.number, f.kind, f.state, f.last_name, f.first_name, f.rpps, f.commune, m.name as "       \
	"commune_name, "                                                                                         \
	"f.caisse, k.name as caisse_name, f.holder, h.name as holder_name, f.deadline, f.version, "              \
	"case when f.state = 'in_review' then coalesce(f.queue_since, f.state_since) else f.state_since end as " \
	"since, "                                                                                                \
	"count(*) over () as total "
#define JOINS                                                                                     \
	" left join commune m on m.code = f.commune left join caisse k on k.code = f.caisse left" \
	" join agent h on h.id = f.holder "
#define FILTER                                                                                                       \
	" and f.state <> 'draft' and ($1::text[] is null or f.state = any ($1::text[]))"                             \
	" and ($2::text is null or f.caisse = $2::text)"                                                             \
	" order by case when $3::text = 'age' then f.state = any ($4::text[]) end desc nulls last,"                  \
	" case $3::text when 'name' then f.search_key when 'number' then f.number when 'state' then f.state"         \
	"  when 'holder' then h.name end nulls last,"                                                                \
	" case $3::text when '-name' then f.search_key when '-number' then f.number end desc nulls last,"            \
	" case when $3::text = 'deadline' then f.deadline end nulls last,"                                           \
	" case when $3::text = 'recent' then f.state_since end desc nulls last,"                                     \
	" case when f.state = 'in_review' then coalesce(f.queue_since, f.state_since) else f.state_since end, f.id " \
	"limit $5::bigint offset $6::bigint"
/* $7, $8: each range of keys; $9: what every key found by name must hold. */
#define FOUND(scope)                                                                                               \
	"f.id in (select x.id from unnest($7::text[], $8::text[]) r(low, high) join file x on x." scope            \
	" and x.search_key ~>=~ r.low and x.search_key ~<~ r.high where ' ' || x.search_key like all ($9::text[])" \
	" union all select x.id from file x where x." scope " and x.rpps = $10::text"                              \
	" union all select x.id from file x where x." scope " and x.number = $11::text"                            \
	" union all select x.id from file x where x." scope " and x.email_key = nullif($12::text, ''))"

#define OF_CAISSES "caisse = any (my_caisses())"

SQL(queue_of_caisses, COLUMNS "from file f" JOINS "where f." OF_CAISSES FILTER);
SQL(queue_of_experts, COLUMNS "from file f" JOINS "where f.entered_review" FILTER);
SQL(queue_of_all, COLUMNS "from file f" JOINS "where true" FILTER);
SQL(queue_moved,
    COLUMNS "from file f" JOINS
	    "where f.from_caisse = any (my_caisses()) and (f.caisse = any (my_caisses())) is not true" FILTER);
SQL(queue_search_caisses, COLUMNS "from file f" JOINS "where f." OF_CAISSES " and " FOUND(OF_CAISSES) FILTER);
SQL(queue_search_experts, COLUMNS "from file f" JOINS "where f.entered_review and " FOUND("entered_review") FILTER);
SQL(queue_search_all,
    COLUMNS "from (select distinct on (e.id) e.* from unnest($7::text[]) q(key), search_everywhere(q.key, 1000) e"
	    " where ' ' || e.search_key like all ($8::text[]) or e.rpps = $9::text or e.number = $10::text"
	    " or e.email_key = nullif($11::text, '')) f" JOINS "where true" FILTER);

SQL(queue_next,
    "select f.id, f.version from file f where f." OF_CAISSES
    " and f.state = 'in_review' and f.holder is null order by f.queue_since, f.id limit 1 for update of f skip locked");
SQL(queue_next_known,
    "select substring(key from char_length($2::text) + 1)::bigint as file from idempotency where actor = $1::text and "
    "key ^@ $2::text and substring(key from char_length($2::text) + 1) ~ '^[0-9]{1,18}$' and status is not null"
    " order by at desc limit 1");
SQL(queue_counts,
    "select f.state, count(*) as n, count(*) filter (where f.holder is null) as unheld,"
    " count(*) filter (where f.holder = my_agent()) as mine,"
    " count(*) filter (where f.state = 'in_review' and f.queue_since < $1::timestamptz) as overdue,"
    " min(case when f.state = 'in_review' then f.queue_since else f.state_since end) as oldest"
    " from file f where f.state <> 'draft' and (my_role() <> 'delegate' or f." OF_CAISSES ") group by f.state");
SQL(queue_caisses, "select code, name from caisse order by name");
SQL(queue_region, "select name from region where code = $1");
SQL(queue_export, "insert into export_log (agent, what, rows) values (my_agent(), $1, $2::bigint)");
