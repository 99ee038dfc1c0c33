#include "message.h"

#include "outbox.h"

SQL(message_inbox,
    "select m.id, m.at, m.kind, m.subject, m.file, f.number, m.opened_at, m.mail_state,"
    " (select count(*) from message a where a.account = $1::bigint and a.subject is not null) as total,"
    " (select count(*) from message u where u.account = $1::bigint and u.subject is not null and u.opened_at is "
    "null) as unread"
    " from message m left join file f on f.id = m.file"
    " where m.account = $1::bigint and m.subject is not null and ($2::bigint is null or m.id < $2::bigint)"
    " order by m.id desc limit $3::int");
SQL(message_one,
    "select m.id, m.at, m.kind, m.subject, m.body, m.file, f.number, m.opened_at, m.mail_state, m.mail_at, m.seq, "
    "m.account from message m left join file f on f.id = m.file where m.id = $1::bigint");
/* Notified by the first opening of the letter that tells the decision that stands (domain.md §3), not an earlier one.
 */
SQL(message_opened,
    "with opened as (update message set opened_at = coalesce(opened_at, enroll_now()) where id = $1::bigint and "
    "account = "
    "$2::bigint returning file, kind, at, opened_at)"
    " update file f set notified_at = o.opened_at from opened o where f.id = o.file and f.notified_at is null"
    " and f.decided_at <= o.at and o.kind in ('refusal', 'implicit_refusal', 'convention_ready')");
SQL(message_of_file,
    "select id, at, kind, subject, audience, opened_at, mail_state, mail_at from message where file = $1::bigint"
    " and audience in ('account', 'employer') order by id desc");
SQL(message_to_agents,
    "select m.id, m.at, m.kind, m.subject, m.body, m.file, f.number, m.audience from message m"
    " left join file f on f.id = m.file where m.account is null and m.audience <> 'employer' and m.subject is "
    "not null"
    " and ($1::bigint is null or m.id < $1::bigint) order by m.id desc limit $2::int");
SQL(message_post,
    "insert into message (account, audience, file, seq, kind, params) values ($1::bigint, $2, $3::bigint, "
    "$4::bigint, $5, $6)");
SQL(message_queue, "insert into outbox (file, seq, kind, ref, due) values ($1::bigint, $2::bigint, 'message',"
		   " currval(pg_get_serial_sequence('enroll.message', 'id')), " OUTBOX_FIRST ")");

/*
 * What a decision rests on was written with the event it tells, but for a confirmed refusal: the first expert wrote it.
 */
SQL(message_load,
    "select m.id, m.account, m.audience, m.file, m.seq, m.kind, m.at, m.params, m.subject, m.body, m.mail_state, "
    "a.email,"
    " f.number, f.kind as file_kind, f.amends, f.state, f.version, f.last_name, f.first_name, f.deadline, "
    "f.deposited_at,"
    " f.decided_at, f.notified_at, f.refused_by, f.appealed, f.effective_date, f.until_date, f.fnps, f.practice_mode,"
    " f.route_explained, k.name as caisse_name, k.type as caisse_type, e.event, e.from_state, e.to_state, e.role,"
    " e.at as event_at, e.deadline as event_deadline, e.effective_date as event_effective, e.until_date as event_until,"
    " e.eligible as event_eligible, p.data as personal, p.seq as personal_seq, l.token as employer_token,"
    " c.data as frozen, c.seq as frozen_seq, paris_today() as today,"
    " (select x.deadline from event x where x.file = m.file and x.seq = m.seq - 1) as was_due,"
    " (select x.at from event x where x.file = m.file and x.event = 'warn' and x.seq < m.seq order by x.seq desc limit "
    "1) as "
    "warned_at,"
    " (select x.at from event x where x.file = m.file and x.event = 'state_findings' and x.seq < m.seq order by x.seq "
    "desc "
    "limit 1) as findings_at,"
    " (select string_agg(coalesce(i.field, '') || '|' || coalesce(i.piece, '') || '|' || i.code, chr(10) order by i.id)"
    "  from correction_item i where i.file = m.file and i.seq = m.seq) as items"
    " from message m left join account a on a.id = m.account left join file f on f.id = m.file"
    " left join event e on e.file = m.file and e.seq = m.seq"
    " left join caisse k on k.code = coalesce(e.caisse, f.caisse, case e.event when 'submit' then f.route_caisse end)"
    " left join event_personal p on p.file = m.file and p.seq = case when e.event = 'confirm_ineligible' then"
    "  (select max(x.seq) from event x where x.file = m.file and x.event = 'propose_ineligible' and x.seq < m.seq) "
    "else m.seq "
    "end"
    " left join employer_link l on l.file = m.file and not l.void"
    " left join lateral (select z.data, z.seq from frozen_copy z where z.file = m.file order by z.seq desc limit 1) c "
    "on true"
    " where m.id = $1::bigint");
SQL(message_checks, "select distinct on (code) code, result, reason, source from check_result"
		    " where file = (select file from message where id = $1::bigint) order by code, id desc");
/* Those that were there and faulty when the event was fired, replaced since or not. */
SQL(message_faults,
    "select p.id, p.kind, p.for_row, p.name, p.problem from message m join event e on e.file = m.file and e.seq = m.seq"
    " join piece p on p.file = e.file and p.uploaded_at <= e.at and (p.removed_at is null or p.removed_at > e.at)"
    " where m.id = $1::bigint and p.problem is not null and p.kind <> 'message' order by p.id");
SQL(message_freeze, "update message set subject = $2, body = $3::bytea where id = $1::bigint and subject is null");
SQL(message_mail, "update message set mail_state = $2, mail_at = enroll_now() where id = $1::bigint");
