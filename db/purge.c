#include "purge.h"

/*
 * file, kind, due: when its time is over, of what is still there. A file's time is over (o.at) some time after its end:
 * then all goes, but that a refused file keeps its answers without the NIR. Of a convention the identity paper and the
 * health card go 30 days after the countersignature (c.at) and the pieces 2 years after it, whatever became of it
 * since.
 */
#define RETENTION(ALSO)                                                                                                \
	"with r as ("                                                                                                  \
	" select f.id as file, f.version, k.kind, k.due from file f"                                                   \
	" left join lateral (select max(e.at) as at from event e where e.file = f.id and e.event = 'countersign') c "  \
	"on true"                                                                                                      \
	" cross join lateral (select f.state_since + case when f.state in ('refused', 'ended') then interval '1 year'" \
	"   when f.state in ('withdrawn', 'closed') then interval '6 months' end as at) o"                             \
	" cross join lateral (values"                                                                                  \
	"  ('proofs', c.at + interval '30 days',"                                                                      \
	"   exists (select 1 from piece p where p.file = f.id and p.kind in ('identity', 'rights') and p.erased_at "   \
	"is null)),"                                                                                                   \
	"  ('pieces', least(c.at + interval '2 years', o.at),"                                                         \
	"   exists (select 1 from piece p where p.file = f.id and p.erased_at is null)),"                              \
	"  ('nir', case f.state when 'refused' then o.at end, f.nir_hmac is not null),"                                \
	"  ('evidence', o.at, o.at is not null"                                                                        \
	"   and (exists (select 1 from check_result k where k.file = f.id and k.evidence is not null)"                 \
	"    or exists (select 1 from piece_opening g where g.file = f.id and g.reason is not null))),"                \
	"  ('answers', case when f.state <> 'refused' then o.at end,"                                                  \
	"   o.at is not null and exists (select 1 from frozen_copy z where z.file = f.id and z.data is not null)),"    \
	"  ('person', case when f.state <> 'refused' then o.at end,"                                                   \
	"   coalesce(f.last_name, f.nir_hmac, f.fnps, f.commune, f.route_explained) is not null),"                     \
	"  ('profile', case f.state when 'ended' then f.state_since end,"                                              \
	"   exists (select 1 from profile l where l.file = f.id))) k(kind, due, there)"                                \
	" where f.state in ('refused', 'withdrawn', 'closed', 'ended', 'conventioned', 'suspended', 'leaving')"        \
	" and k.there and k.due is not null" ALSO ")"

SQL(purge_due,
    RETENTION("") " select file, version, string_agg(kind, ',' order by kind) as kinds from r where due <= enroll_now()"
		  " group by file, version order by file limit $1::int");
/*
 * The proofs' 30 days are in the letter of the convention; a profile goes the day the convention ends. No convention is
 * older than its file: the young ones, nearly all, are not asked for their history.
 */
#define OLD_ENOUGH                                                                                                    \
	" and (f.state not in ('conventioned', 'suspended', 'leaving') or f.created_at < enroll_now() - interval '2 " \
	"years' + "                                                                                                   \
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
/* What was found stays as result, codes and hash; who opened which piece, as agent and time. */
SQL(purge_evidence, "with o as (update piece_opening set reason = null where file = $1::bigint and reason is not null)"
		    " update check_result set evidence = null where file = $1::bigint and evidence is not null");
SQL(purge_answers, "with w as (delete from working_copy where file = $1::bigint),"
		   " z as (update frozen_copy set data = null where file = $1::bigint),"
		   " d as (update document set data = null where file = $1::bigint),"
		   " p as (delete from event_personal where file = $1::bigint),"
		   " l as (delete from employer_link where file = $1::bigint),"
		   " s as (delete from signing_code where file = $1::bigint)"
		   " update message set body = null, params = '{}' where file = $1::bigint");
SQL(purge_person,
    "update file set rpps = null, nir_hmac = null, iban_hmac = null, last_name = null, first_name = null, last_fold "
    "= null, first_fold = null, birth_date = null, search_key = null, email_key = null, fnps = null, commune = null, "
    "route_explained = null where id = $1::bigint");
SQL(purge_profile, "with p as (delete from place where file = $1::bigint) delete from profile where file = $1::bigint");
SQL(purge_written, "insert into purge_log (file, kinds) values ($1::bigint, $2::text[])");
