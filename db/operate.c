#include "operate.h"

SQL(operate_account, "insert into account (email, email_key, password_hash, confirmed_at) values ($1, lower($1), $2, "
		     "enroll_now()) on conflict on constraint account_email do nothing returning id");
SQL(operate_agent,
    "with a as (insert into agent (role, name, email, email_key, region, may_sign) values ($1, $2, $3, lower($3), $4, "
    "$5::boolean) on conflict on constraint agent_email do nothing returning id),"
    " c as (insert into agent_caisse (agent, caisse) select a.id, x from a, unnest($6::text[]) x)"
    " select id from a");
SQL(operate_unknown,
    "select x as code, true as is_caisse from unnest($1::text[]) x where not exists (select from caisse where code = x)"
    " union all select $2, false where $2::text is not null and not exists (select from region where code = $2)"
    " limit 1");
SQL(operate_agent_known, "select id, role, name from agent where email_key = lower($1)");
SQL(operate_agents,
    "select a.id, a.role, a.name, a.email, a.region, a.may_sign, a.active,"
    " (select string_agg(caisse, ',' order by caisse) from agent_caisse c where c.agent = a.id) as caisses,"
    " (select count(*) from agent_certificate c where c.agent = a.id and c.revoked_at is null) as certificates"
    " from agent a order by a.id");
SQL(operate_any_account, "select (select count(*) from account) + (select count(*) from agent) as n");

SQL(operate_certificate, "insert into agent_certificate (serial, agent, issuer, subject, fingerprint, not_after)"
			 " values ($1, $2::bigint, $3, $4, $5, $6::timestamptz)");
SQL(operate_revoke,
    "update agent_certificate c set revoked_at = enroll_now() from agent a where a.id = c.agent and c.revoked_at is "
    "null and (c.serial = $1 or a.email_key = lower($2)) returning c.serial");
SQL(operate_revoked, "select serial from agent_certificate where revoked_at is not null order by serial");

SQL(operate_clock, "select enroll_now() as now, coalesce((select value::float8 from meta where key = 'clock_offset'), "
		   "0) as shift");
SQL(operate_clock_move,
    "insert into meta (key, value) values ('clock_offset', greatest(0, extract(epoch from $1::timestamptz - "
    "clock_timestamp()))::text) on conflict (key) do update set value = greatest(meta.value::float8, "
    "excluded.value::float8)::text");

SQL(operate_invariants,
    "select view, file from ("
    " select '1_caisse_before_eligible' as view, file from invariant_1_caisse_before_eligible"
    " union all select '2_decided_not_notified', file from invariant_2_decided_not_notified"
    " union all select '3_conventioned_not_eligible', file from invariant_3_conventioned_not_eligible"
    " union all select '4_decided_alone', file from invariant_4_decided_alone"
    " union all select '5_eligible_without_caisse', file from invariant_5_eligible_without_caisse"
    " union all select '6_conventioned_unsigned', file from invariant_6_conventioned_unsigned"
    " union all select '7_published_wrongly', file from invariant_7_published_wrongly"
    " union all select '8_two_live_files', file from invariant_8_two_live_files) v order by view, file");

SQL(operate_events,
    "select e.*, p.data, exists (select 1 from event x where x.file = e.file and x.event = 'purge') as erased"
    " from event e left join event_personal p on p.file = e.file and p.seq = e.seq"
    " where (e.file, e.seq) > ($1::bigint, $2::bigint) order by e.file, e.seq limit $3::int");
SQL(operate_unfolded,
    "select f.id as file from file f left join lateral (select * from event e where e.file = f.id order by e.seq desc "
    "limit 1) e on true where f.version <> coalesce(e.seq, 0) or f.state <> coalesce(e.to_state, 'draft')"
    " or (e.file is not null and (f.caisse is distinct from e.caisse or f.holder is distinct from e.holder"
    "  or f.eligible <> e.eligible or f.deadline is distinct from e.deadline))"
    " order by f.id");
SQL(operate_roots, "select at, files, root, signature from chain_root order by at");
SQL(operate_purges, "select file, array_to_string(kinds, ',') as kinds, at from purge_log order by id");
