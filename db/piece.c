#include "piece.h"

#define PIECE_COLUMNS                                                                                          \
	"p.id, p.file, p.kind, p.for_row, p.name, p.type, p.size, p.sha256, p.scan, p.scanned_at, p.problem, " \
	"p.pages, "                                                                                            \
	"p.uploaded_at, p.removed_at, p.erased_at"

SQL(piece_next_id, "select nextval(pg_get_serial_sequence('enroll.piece', 'id')) as id");
SQL(piece_insert,
    "insert into piece (id, file, kind, for_row, name, type, size, sha256, problem, pages) overriding system value"
    " values ($1::bigint, $2::bigint, $3, $4, $5::bytea, $6, $7::bigint, $8, $9, $10::int)");
SQL(piece_chunk_insert, "insert into piece_chunk (piece, n, data) values ($1::bigint, $2::int, $3::bytea)");
SQL(piece_queue_scan, "insert into outbox (file, kind, ref) values ($1::bigint, 'scan', $2::bigint)");
/*
 * Nobody has seen what is taken out of a draft, or what came since a correction was asked: its content goes at once,
 * and nobody fills the disk by replacing. Anything else is part of what was sent.
 */
#define UNSEEN "(f.state = 'draft' or p.uploaded_at >= f.correction_at)"
#define REMOVED                                                                              \
	"removed_at = enroll_now(), erased_at = case when " UNSEEN " then enroll_now() end," \
	" name = case when " UNSEEN " then '' else p.name end"
#define CONTENT_GOES " delete from piece_chunk c using gone where c.piece = gone.id and gone.erased_at is not null"
SQL(piece_replace, "with gone as (update piece p set " REMOVED " from file f where f.id = p.file and p.file = "
		   "$1::bigint and p.kind = $2 and p.for_row is not distinct from $3 and p.id <> $4::bigint"
		   " and p.removed_at is null returning p.id, p.erased_at)" CONTENT_GOES);
/* As a deposit: the lock makes it and a sending one after the other. */
SQL(piece_remove, "with f as (select id, state, correction_at from file where id = $1::bigint and state in ('draft', "
		  "'correction') for share),"
		  " gone as (update piece p set " REMOVED " from f where p.file = f.id and p.id = $2::bigint"
		  " and p.removed_at is null returning p.id, p.erased_at),"
		  " c as (" CONTENT_GOES ") select id from gone");
SQL(piece_count,
    "select count(*) as count, coalesce(sum(size), 0) as bytes from piece where file = $1::bigint and removed_at "
    "is null");
SQL(piece_list,
    "select " PIECE_COLUMNS ","
    " exists (select 1 from piece_opening o where o.file = p.file and o.piece = p.id and o.agent is not null) as "
    "opened,"
    " exists (select 1 from piece_opening o where o.file = p.file and o.piece = p.id and o.agent is not null and "
    "o.reason is not null) as "
    "reasoned"
    " from piece p where p.file = $1::bigint and p.removed_at is null order by p.kind, p.for_row nulls first, p.id");
SQL(piece_one, "select " PIECE_COLUMNS " from piece p where p.file = $1::bigint and p.id = $2::bigint");
SQL(piece_chunks, "select n, data from piece_chunk where piece = $1::bigint order by n");
SQL(piece_opening_add,
    "insert into piece_opening (piece, file, actor, agent, reason) values ($1::bigint, $2::bigint, $3, "
    "$4::bigint, $5)");
SQL(piece_openings,
    "select o.piece, p.kind, o.actor, g.name as agent, g.role, o.at, o.reason from piece_opening o"
    " join piece p on p.id = o.piece left join agent g on g.id = o.agent where o.file = $1::bigint and o.agent is "
    "not null order by o.at desc");

SQL(piece_scanned, "update piece set scan = $2, scanned_at = enroll_now() where id = $1::bigint");
SQL(piece_for_scan, "select id, file, scan, size, erased_at is not null as erased from piece where id = $1::bigint");
