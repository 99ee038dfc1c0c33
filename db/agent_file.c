#include "agent_file.h"

SQL(agent_file_copies, "select seq, data from frozen_copy where file = $1::bigint order by seq desc limit 2");
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
