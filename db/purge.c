#include "purge.h"

/*
 * file, kind, due: when its time is over, of what is still there. A refused file keeps its answers without the NIR; a
 * convention's pieces go 2 years after the countersignature, the rest a year after its end.
 */
#define RETENTION(ALSO)                                                                                                \
	"with r as ("                                                                                                  \
	" select f.id as file, f.version, k.kind, k.due from file f"                                                   \
	" left join lateral (select max(e.at) as at from event e where e.file = f.id and e.event = 'countersign') c "  \
	"on true"                                                                                                      \
	" cross join lateral (values"                                                                                  \
	"  ('proofs', case when f.state = 'conventioned' then c.at + interval '30 days' end,"                          \
	"   exists (select 1 from piece p where p.file = f.id and p.kind in ('identity', 'rights') and p.erased_at "   \
	"is null)),"                                                                                                   \
	"  ('pieces', case f.state when 'refused' then f.state_since + interval '1 year'"                              \
	"   when 'withdrawn' then f.state_since + interval '6 months' when 'closed' then f.state_since + interval '6 " \
	"months'"                                                                                                      \
	"   when 'conventioned' then c.at + interval '2 years'"                                                        \
	"   when 'ended' then least(c.at + interval '2 years', f.state_since + interval '1 year') end,"                \
	"   exists (select 1 from piece p where p.file = f.id and p.erased_at is null)),"                              \
	"  ('nir', case f.state when 'refused' then f.state_since + interval '1 year' end, f.nir_hmac is not null),"   \
	"  ('answers', case f.state when 'withdrawn' then f.state_since + interval '6 months'"                         \
	"   when 'closed' then f.state_since + interval '6 months' when 'ended' then f.state_since + interval '1 "     \
	"year' end,"                                                                                                   \
	"   exists (select 1 from frozen_copy z where z.file = f.id and z.data is not null)),"                         \
	"  ('person', case f.state when 'withdrawn' then f.state_since + interval '6 months'"                          \
	"   when 'closed' then f.state_since + interval '6 months' when 'ended' then f.state_since + interval '1 "     \
	"year' end,"                                                                                                   \
	"   f.last_name is not null or f.nir_hmac is not null),"                                                       \
	"  ('profile', case f.state when 'ended' then f.state_since end,"                                              \
	"   exists (select 1 from profile o where o.file = f.id))) k(kind, due, there)"                                \
	" where f.state in ('refused', 'withdrawn', 'closed', 'ended', 'conventioned') and k.there and k.due is not "  \
	"null" ALSO ")"

SQL(purge_due,
    RETENTION("") " select file, version, string_agg(kind, ',' order by kind) as kinds from r where due <= enroll_now()"
		  " group by file, version order by file limit $1::int");
/*
 * The proofs' 30 days are in the letter of the convention; a profile goes the day the convention ends. No convention is
 * older than its file: the young ones, nearly all, are not asked for their history.
 */
#define OLD_ENOUGH                                                                               \
	" and (f.state <> 'conventioned' or f.created_at < enroll_now() - interval '2 years' + " \
	"make_interval(days => $1::int + 1))"
SQL(purge_notices,
    RETENTION(OLD_ENOUGH) ", d as (select r.file, f.account, f.version, min(paris_day(r.due)) as day, "
			  "string_agg(r.kind, ',' order by r.kind) as kinds"
			  "  from r join file f on f.id = r.file where r.kind in ('pieces', 'answers') and "
			  "paris_day(r.due) - $1::int <= paris_today()"
			  "  group by r.file, f.account, f.version),"
			  " n as (insert into notice (file, kind, seq) select file, 'purge:' || kinds, 0 from d on "
			  "conflict do nothing returning file),"
			  " m as (insert into message (account, audience, file, seq, kind, params)"
			  "  select d.account, 'account', d.file, d.version, 'purge_notice', "
			  "jsonb_build_object('gone', greatest(d.day, paris_today()), "
			  "'kinds', d.kinds)::text"
			  "  from d join n on n.file = d.file returning id, file, seq)"
			  " insert into outbox (file, seq, kind, ref) select file, seq, 'message', id from m");

SQL(purge_pieces,
    "with c as (delete from piece_chunk where piece in (select id from piece where file = $1::bigint))"
    " update piece set erased_at = enroll_now(), name = '' where file = $1::bigint and erased_at is null");
SQL(purge_proofs,
    "with c as (delete from piece_chunk where piece in (select id from piece where file = $1::bigint and kind in "
    "('identity', 'rights')))"
    " update piece set erased_at = enroll_now(), name = '' where file = $1::bigint and kind in ('identity', "
    "'rights') and erased_at is null");
SQL(purge_frozen, "select seq, data from frozen_copy where file = $1::bigint and data is not null");
SQL(purge_frozen_put, "update frozen_copy set data = $3::bytea where file = $1::bigint and seq = $2::bigint");
SQL(purge_nir, "with w as (delete from working_copy where file = $1::bigint)"
	       " update file set nir_hmac = null where id = $1::bigint");
SQL(purge_answers, "with w as (delete from working_copy where file = $1::bigint),"
		   " z as (update frozen_copy set data = null where file = $1::bigint),"
		   " d as (update document set data = null where file = $1::bigint),"
		   " p as (delete from event_personal where file = $1::bigint),"
		   " l as (delete from employer_link where file = $1::bigint),"
		   " s as (delete from signing_code where file = $1::bigint)"
		   " update message set body = null, params = '{}' where file = $1::bigint");
SQL(purge_person,
    "update file set rpps = null, nir_hmac = null, iban_hmac = null, last_name = null, first_name = null, last_fold "
    "= null, first_fold = null, birth_date = null, search_key = null, email_key = null where id = $1::bigint");
SQL(purge_profile, "with p as (delete from place where file = $1::bigint) delete from profile where file = $1::bigint");
SQL(purge_written, "insert into purge_log (file, kinds) values ($1::bigint, $2::text[])");
