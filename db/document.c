#include "document.h"

SQL(document_insert,
    "insert into document (digest, file, version, kind, data) values ($1, $2::bigint, $3::bigint, $4, $5::bytea)"
    " on conflict do nothing");
SQL(document_of_file,
    "select d.digest, d.version, d.kind, d.data, f.number from file f join document d on d.file = f.id"
    " where f.id = $1::bigint and f.document is not null and (d.digest = f.document and d.kind = 'convention'"
    "  or d.kind = 'convention_sealed' and d.version >= (select min(c.version) from document c where c.file = f.id and "
    "c.digest = "
    "f.document))"
    " order by d.kind = 'convention_sealed' desc, d.version desc limit 1");
SQL(document_to_seal,
    "select d.digest, d.data, f.number, c.name as caisse, exists (select 1 from document s where s.file = f.id"
    "  and s.kind = 'convention_sealed' and s.version = $2::bigint) as sealed"
    " from file f join document d on d.file = f.id and d.digest = f.document and d.kind = 'convention'"
    " left join caisse c on c.code = f.caisse where f.id = $1::bigint order by d.version desc limit 1");
SQL(document_one, "select data from document where file = $1::bigint and digest = $2 and kind = $3");
