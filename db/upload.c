#include "upload.h"

SQL(upload_next_id, "select nextval(pg_get_serial_sequence('enroll.upload', 'id')) as id");
SQL(upload_insert, "insert into upload (id, file, kind, for_row, name, size) overriding system value"
		   " select $1::bigint, id, $3, $4, $5::bytea, $6::bigint from file where id = $2::bigint"
		   " and state in ('draft', 'correction')");
SQL(upload_trim, "delete from upload where file = $1::bigint and piece is null and id not in (select id from upload"
		 " where file = $1::bigint and piece is null order by touched_at desc, id desc limit $2::int)");
SQL(upload_one,
    "select u.id, u.kind, u.for_row, u.name, u.size, u.got, u.piece, f.state in ('draft', 'correction') as open"
    " from upload u join file f on f.id = u.file where u.file = $1::bigint and u.id = $2::bigint");
SQL(upload_append,
    "with u as (update upload u set got = $2::bigint + $3::bigint, touched_at = enroll_now() from file f"
    " where u.id = $1::bigint and u.got = $2::bigint and $2::bigint + $3::bigint <= u.size and u.piece is null"
    " and f.id = u.file and f.state in ('draft', 'correction') returning u.id)"
    " insert into upload_chunk (upload, at, data) select id, $2::bigint, $4::bytea from u");
SQL(upload_chunks, "select at, data from upload_chunk where upload = $1::bigint order by at");
SQL(upload_done, "with c as (delete from upload_chunk where upload = $1::bigint)"
		 " update upload set piece = $2::bigint, touched_at = enroll_now() where id = $1::bigint");
SQL(upload_gone, "delete from upload where id = $1::bigint");
