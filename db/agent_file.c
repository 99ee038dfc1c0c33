#include "agent_file.h"

SQL(agent_file_copies, "select seq, data from frozen_copy where file = $1::bigint order by seq desc limit 2");
SQL(agent_file_replaced,
    "with c as (select max(at) as at from event where file = $1::bigint and to_state = 'correction')"
    " select p.id, p.kind, p.for_row, p.name from piece p, c where p.file = $1::bigint"
    " and p.removed_at >= c.at and p.uploaded_at < c.at order by p.kind, p.for_row, p.id");
SQL(agent_file_earlier,
    "select o.id, o.number, o.state, o.state_since,"
    " exists (select 1 from event e where e.file = o.id and e.event = 'exclude') as excluded"
    " from file o where o.kind = 'convention' and o.state <> 'draft' and o.id in ("
    "  select s.id from file f join file s on s.account = f.account where f.id = $1::bigint and s.id < f.id union"
    "  select s.id from file f join file s on s.last_fold = f.last_fold and s.birth_date = f.birth_date and s.rpps = "
    "f.rpps"
    "  where f.id = $1::bigint and s.id < f.id) order by o.id desc limit 10");
SQL(agent_file_communes,
    "select m.code, m.name, m.departement, m.caisse, k.name as caisse_name, m.confidence, m.method, m.valid_since"
    " from commune m left join caisse k on k.code = m.caisse where m.code = any ($1::text[])");
SQL(agent_file_signatures,
    "select party, at, method, digest, voided_seq is not null as voided from signature where file = "
    "$1::bigint order by id");
SQL(agent_file_openings,
    "select o.piece, o.at, o.reason, p.kind, p.for_row, g.name as agent_name, coalesce(g.role, 'applicant') as role"
    " from piece_opening o left join agent g on g.id = o.agent left join piece p on p.id = o.piece"
    " where o.file = $1::bigint and o.agent is not null order by o.at desc limit 200");
SQL(commune_correct,
    "update commune set caisse = $2::text, method = 'administrateur', confidence = 'certain', valid_since = "
    "paris_today() where code = $1::text and exists (select 1 from caisse where code = $2::text)");
SQL(agent_file_hold, "select f.holder is not distinct from my_agent() as holds from file f where f.id = $1::bigint");
