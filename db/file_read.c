#include "file_read.h"

SQL(file_read_row,
    "select f.*, enroll_now() as now, c.name as caisse_name, h.name as holder_name, r.name as route_name,"
    " (select p.number from file p where p.id = f.parent) as parent_number,"
    " (select max(k.id) from file k where k.parent = f.id and k.kind = 'amendment'"
    "   and k.state not in ('refused', 'ended', 'withdrawn', 'closed')) as child,"
    " exists (select 1 from document d where d.file = f.id and d.kind = 'convention_sealed') as sealed,"
    " (select w.revision from working_copy w where w.file = f.id) as revision"
    " from file f left join caisse c on c.code = f.caisse left join caisse r on r.code = f.route_caisse"
    " left join agent h on h.id = f.holder where f.id = $1::bigint");
SQL(file_read_checks,
    "select k.code, k.result, k.reason, k.source, k.at, k.evidence, k.evidence_hash, k.seq,"
    " exists (select 1 from check_result n where n.file = k.file and n.code = k.code and n.id > k.id) as earlier,"
    " exists (select 1 from opinion o where o.file = k.file and o.code = k.code and o.kind = 'maintained' and "
    "o.evidence_hash = k.evidence_hash) as maintained,"
    " exists (select 1 from opinion o where o.file = k.file and o.code = k.code and o.kind = 'opinion' and "
    "o.evidence_hash = k.evidence_hash) as settled"
    " from check_result k where k.file = $1::bigint order by k.id desc");
SQL(file_read_items, "select id, seq, field, piece, code, answered_seq, maintained from correction_item where file = "
		     "$1::bigint order by id");
SQL(file_read_events,
    "select e.seq, e.at, e.event, e.from_state, e.to_state, e.role, e.actor, e.hash, e.prev_hash, e.body, e.caisse, "
    "e.until_date,"
    " e.effective_date, g.name as agent_name, k.name as caisse_name"
    " from event e left join agent g on e.actor = 'agent:' || g.id left join caisse k on k.code = e.caisse"
    " where e.file = $1::bigint order by e.seq");
SQL(file_read_personal, "select seq, data from event_personal where file = $1::bigint order by seq");
SQL(file_read_pieces,
    "select p.id, p.kind, p.for_row, p.name, p.type, p.size, p.scan, p.problem, p.uploaded_at, p.pages, p.erased_at is "
    "not null as erased,"
    " exists (select 1 from piece_opening o where o.file = p.file and o.piece = p.id and o.agent is not null) as opened"
    " from piece p where p.file = $1::bigint and p.removed_at is null order by p.kind, p.for_row, p.id");
SQL(file_read_openings,
    "select o.piece, o.at, o.reason, g.name as agent_name, g.role, p.kind from piece_opening o left join agent g on "
    "g.id = o.agent"
    " left join piece p on p.id = o.piece where o.file = $1::bigint and o.agent is not null order by o.at");
SQL(file_read_messages,
    "select id, kind, subject, at, opened_at, mail_state, mail_at, account is not null as to_applicant"
    " from message where file = $1::bigint order by at, id");
SQL(file_read_agent, "select name from agent where id = $1::bigint");
SQL(file_mine, "select f.id, f.number, f.kind, f.state, f.version, f.created_at, f.deadline, f.caisse, c.name as "
	       "caisse_name, count(*) over () as total"
	       " from file f left join caisse c on c.code = f.caisse where f.account = my_account()"
	       " order by f.state in ('ended', 'withdrawn', 'closed', 'refused'), f.id desc limit 50");
/* An open file is given again, not only a draft: a second one could never be sent (one live file per person and kind).
 */
SQL(file_start,
    "with old as (select id, number, state from file where account = my_account() and kind = 'convention'"
    " and state not in ('refused', 'ended', 'withdrawn', 'closed') order by state = 'draft' desc, id desc limit 1),"
    " new as (insert into file (kind, account) select 'convention', my_account() where not exists (select 1 from old) "
    "on conflict do nothing returning id, number)"
    " select id, number, false as fresh from old union all select id, number, true from new");
SQL(file_opened, "update file set notified_at = enroll_now() where id = $1::bigint and account = my_account() and "
		 "notified_at is null"
		 " and decided_at is not null and state in ('refused', 'to_sign')");
