#include "demo.h"

SQL(demo_state,
    "select (select count(*) from account) + (select count(*) from agent) as people, (select value from meta "
    "where key = 'demo') as stage");
SQL(demo_stage,
    "insert into meta (key, value) values ('demo', $1) on conflict (key) do update set value = excluded.value");
SQL(demo_shift, "insert into meta (key, value) values ('clock_offset', $1) on conflict (key) do update set value = "
		"greatest(meta.value::float8, excluded.value::float8)::text");
SQL(demo_no_shift, "delete from meta where key = 'clock_offset' and value::float8 < 0");
SQL(demo_places,
    "select * from (select c.code, c.name, c.postcodes[1] as postcode, c.region, c.departement, c.caisse,"
    " row_number() over (partition by c.region order by c.population desc, c.code) as nth"
    " from commune c where c.caisse is not null and c.type = 'commune-actuelle' and c.lon is not null"
    " and c.postcodes[1] is not null and c.region is not null) x where nth <= $1::int order by nth, region");
SQL(demo_code, "insert into signing_code (file, party, digest, expires_at) values ($1::bigint, $2, $3, enroll_now() + "
	       "interval '15 minutes') on conflict (file, party) do update set digest = excluded.digest, expires_at = "
	       "excluded.expires_at, attempts = 0");
SQL(demo_checks_later, "update outbox set due = enroll_now() + interval '1 day' where file = $1::bigint and kind = "
		       "'checks' and done_at is null");
SQL(demo_letters_first,
    "update outbox set due = due - interval '10 years' where file = $1::bigint and kind = 'message' and "
    "done_at is null");
