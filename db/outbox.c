#include "outbox.h"

SQL(outbox_lease,
    "update outbox set leased_until = clock_timestamp() + make_interval(secs => $3::int), attempts = attempts + 1"
    " where id in (select id from outbox where done_at is null and due <= enroll_now() and kind = any ($1::text[])"
    "  and (leased_until is null or leased_until < clock_timestamp()) order by due, id limit $2::int for update "
    "skip locked)"
    " returning id, kind, file, seq, ref, payload, attempts, at, enroll_now() as now");
SQL(outbox_done, "update outbox set done_at = enroll_now(), leased_until = null, error = $2 where id = $1::bigint");
SQL(outbox_later, "update outbox set due = $2::timestamptz, leased_until = null, error = $3 where id = $1::bigint");
SQL(outbox_add, "insert into outbox (file, seq, kind, ref, due) select $1::bigint, $2::bigint, $3, $4::bigint, o.due"
		" from outbox o where o.id = $5::bigint");
SQL(outbox_trim, "delete from outbox where done_at < enroll_now() - make_interval(days => $1::int)");
