#include "watch.h"

SQL(watch_state,
    "with o as (select count(*) as waiting, extract(epoch from enroll_now() - min(greatest(due, at)) filter (where due "
    "<= "
    "enroll_now())) as late, count(*) filter (where attempts >= 5 and kind not in ('scan', 'geocode')) as retrying,"
    "  count(*) filter (where kind = 'scan') as scans from outbox where done_at is null),"
    " r as (select max(at) as at from chain_root),"
    /* By the index of times: the first one, not the least of all. */
    " e as (select (select x.at from event x where x.at > coalesce((select r.at from r), '-infinity') order by x.at "
    "limit 1) as at),"
    /* In a standby there is no current place in the log to compare with. */
    " s as (select count(*) as n, max(case when not pg_is_in_recovery() then pg_wal_lsn_diff(pg_current_wal_lsn(), "
    "replay_lsn) end) as lag from pg_stat_replication)"
    " select o.waiting as outbox_waiting, o.late as outbox_late_seconds, o.retrying as outbox_retrying, o.scans as "
    "scans_waiting,"
    " (select count(*) from file where deadline < enroll_now() - interval '10 minutes' and deadline_event is not null"
    "  and state <> 'draft') as deadlines_late,"
    " extract(epoch from enroll_now() - greatest(e.at, r.at + interval '1 hour')) as root_late_seconds,"
    " (select extract(epoch from enroll_now() - imported_at) from registry_copy where current) as "
    "registry_age_seconds,"
    " s.n as standbys, s.lag as standby_lag_bytes, pg_database_size(current_database()) as database_bytes"
    " from o, r, e, s");
SQL(watch_sizes,
    "select part, sum(pg_total_relation_size(('enroll.' || name)::regclass))::bigint as bytes from (values"
    " ('pieces', 'piece_chunk'), ('pieces', 'upload_chunk'), ('documents', 'document'), ('history', 'event'), "
    "('history', 'event_personal'),"
    " ('answers', 'working_copy'), ('answers', 'frozen_copy'), ('messages', 'message'), ('outbox', 'outbox'),"
    " ('checks', 'check_result'), ('registry', 'registry_line')) t(part, name) group by part order by part");
