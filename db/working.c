#include "working.h"

SQL(working_save, "insert into working_copy (file, data) values ($1::bigint, $2::bytea)"
		  " on conflict (file) do update set data = excluded.data, revision = working_copy.revision + 1, "
		  "touched_at = enroll_now(), noticed_at = null"
		  " where working_copy.revision = $3::bigint returning revision");
SQL(working_move_pieces,
    "update piece p set for_row = nullif(m.t, ''), removed_at = case when m.t = '' then enroll_now() end"
    " from unnest($2::text[], $3::text[]) m(f, t) where p.file = $1::bigint and p.for_row = m.f and p.removed_at is "
    "null");
