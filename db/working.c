#include "working.h"

/* The lock on the file makes a save and a sending one after the other; what finds the file closed saves nothing. */
SQL(working_save,
    "with f as (select id from file where id = $1::bigint and state in ('draft', 'correction') for share),"
    " saved as (insert into working_copy (file, data) select f.id, $2::bytea from f"
    " on conflict (file) do update set data = excluded.data, revision = working_copy.revision + 1, "
    "touched_at = enroll_now(), noticed_at = null"
    " where working_copy.revision = $3::bigint returning revision),"
    " moved as (update piece p set for_row = nullif(m.t, ''), removed_at = case when m.t = '' then enroll_now() end"
    " from saved, unnest($4::text[], $5::text[]) m(f, t) where p.file = $1::bigint and p.for_row = m.f"
    " and p.removed_at is null)"
    " select revision from saved");
