#include "due.h"

SQL(due_files,
    "select id, version, state, deadline_event as event, deadline as due from file where deadline <= enroll_now()"
    " and deadline_event is not null and state <> 'draft' order by deadline, id limit $1::int");
SQL(due_orphans,
    "select c.id, c.version, c.state from file c join file p on p.id = c.parent where c.kind = 'amendment'"
    " and c.state not in ('draft', 'refused', 'ended', 'withdrawn', 'closed') and p.state in ('ended', 'closed', "
    "'refused', 'withdrawn') order by c.id limit $1::int");
/* As notified_at() of deadlines.c: so many days of Paris after the decision, at the same hour. */
SQL(due_notified,
    "with p as (select id, (decided_at at time zone 'Europe/Paris' + make_interval(days => $1::int)) at time zone "
    "'Europe/Paris' as at from file where notified_at is null and decided_at is not null)"
    " update file f set notified_at = p.at from p where f.id = p.id and p.at <= enroll_now()");
SQL(due_next, "select min(deadline) as at from file where deadline is not null");

/* Of several days that have come at once only the last is told; a person who was given fewer is not told of them. */
SQL(due_reminders,
    "with d as (select f.id, f.account, x.days, min(x.days) over (partition by f.id) as least,"
    "  (select max(e.seq) from event e where e.file = f.id and e.to_state = f.state and e.from_state <> e.to_state) as "
    "seq"
    "  from file f cross join unnest($2::int[]) x(days) where f.state = $1 and f.deadline > enroll_now()"
    "  and paris_today() >= paris_day(f.deadline - interval '1 second') - x.days"
    "  and ($3 <> 'reminder' or paris_day(f.deadline - interval '1 second') - x.days > paris_day(f.state_since))),"
    " n as (insert into notice (file, kind, seq) select id, $3 || ':' || days, seq from d"
    "  on conflict do nothing returning file, kind),"
    " m as (insert into message (account, audience, file, seq, kind, params)"
    "  select case when $5 = 'account' then d.account end, $5, d.id, d.seq, $4, jsonb_build_object('days', "
    "d.days)::text"
    "  from d join n on n.file = d.id and n.kind = $3 || ':' || d.days where d.days = d.least returning id, file, seq)"
    " insert into outbox (file, seq, kind, ref) select file, seq, 'message', id from m");
SQL(due_targets,
    "with d as (select f.id, f.caisse, f.version from file f where f.state = 'in_review' and f.caisse is not null"
    "  and paris_day(f.queue_since) <= $1::date),"
    " n as (insert into notice (file, kind) select id, 'target' from d on conflict do nothing returning file),"
    " m as (insert into message (audience, file, seq, kind) select 'caisse:' || d.caisse, d.id, d.version, "
    "'target_passed'"
    "  from d join n on n.file = d.id returning id, file, seq)"
    " insert into outbox (file, seq, kind, ref) select file, seq, 'message', id from m");
/* Touched: begun, answers saved, a piece or a slice of one put in, a piece taken out. */
#define DRAFTS                                                                                    \
	"t as (select f.id, f.account, paris_day(greatest(f.created_at,"                          \
	"  (select w.touched_at from working_copy w where w.file = f.id),"                        \
	"  (select max(greatest(p.uploaded_at, p.removed_at)) from piece p where p.file = f.id)," \
	"  (select max(u.touched_at) from upload u where u.file = f.id))) as day from file f where f.state = 'draft')"
/* A draft that was touched again can be told again: the day it was left is part of the notice. */
SQL(due_draft_notices,
    "with " DRAFTS ", d as (select t.id, t.account, t.day - date '2000-01-01' as seq, t.day + $1::int as gone from t"
    "  where t.day + $1::int - $2::int <= paris_today()),"
    " n as (insert into notice (file, kind, seq) select id, 'draft:' || $2::int, seq from d on conflict do nothing"
    "  returning file),"
    " m as (insert into message (account, audience, file, kind, params)"
    "  select d.account, 'account', d.id, 'draft_notice', jsonb_build_object('gone', d.gone)::text"
    "  from d join n on n.file = d.id returning id, file)"
    " insert into outbox (file, kind, ref) select file, 'message', id from m");
/* Each was told $2 days before, also where the policy was shortened meanwhile. */
SQL(due_drafts_gone, "with " DRAFTS ", gone as (delete from file f using t where f.id = t.id and f.state = 'draft'"
		     "  and t.day + $1::int < paris_today() and exists (select 1 from notice n where n.file = f.id"
		     "   and n.kind = 'draft:' || $2::int and n.seq = t.day - date '2000-01-01'"
		     "   and paris_day(n.at) + $2::int <= paris_today()) returning f.id),"
		     " counted as (insert into draft_gone (day, cause, n) select paris_today(), 'lapsed', count(*) "
		     "from gone having count(*) > 0)"
		     " select count(*) as n from gone");
/* An upload that is forgotten leaves its day to the working copy. */
SQL(due_forgotten, "with a as (delete from session where expires_at < enroll_now() - interval '1 day'),"
		   " b as (delete from idempotency where at < enroll_now() - interval '7 days'),"
		   " c as (delete from sign_in_failure where at < enroll_now() - interval '1 day'),"
		   " d as (delete from rate where at < enroll_now() - interval '1 day'),"
		   " e as (delete from upload where touched_at < enroll_now() - interval '1 day' returning file, "
		   "touched_at),"
		   " g as (update working_copy w set touched_at = greatest(w.touched_at, u.at) from (select file, "
		   "max(touched_at) as at from e group by file) u where w.file = u.file)"
		   " delete from account_token where expires_at < enroll_now() - interval '30 days'");

SQL(chain_heads, "select distinct on (e.file) e.file, e.hash from event e where e.at <= $1::timestamptz"
		 " order by e.file, e.seq desc");
SQL(chain_last,
    "select max(at) as at, coalesce(max(at) <= enroll_now() - interval '1 hour', true) and exists (select 1 from event "
    "where at > coalesce((select max(at) from chain_root), '-infinity')) as due, enroll_now() as now from "
    "chain_root");
SQL(chain_insert, "insert into chain_root (at, files, root, signature) values ($1::timestamptz, $2::bigint, $3, $4)"
		  " on conflict do nothing");
