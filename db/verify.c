#include "verify.h"

SQL(verify_file_row, "select f.*, enroll_now() as now from file f where f.id = $1::bigint");
SQL(verify_registry_copy,
    "select coalesce(source_day, paris_day(imported_at)) as day from registry_copy where current");
SQL(verify_registry_lines,
    "select l.profession, l.last_name, l.first_name, l.authority, l.departement, l.mode from registry_line l"
    " join registry_copy c on c.id = l.copy and c.current where l.rpps = (select rpps from file where id = $1::bigint) "
    "order by l.line");
SQL(verify_commune,
    "select c.code, c.departement from commune c where c.code = (select commune from file where id = $1::bigint)");
SQL(verify_twins, "with me as (select * from file where id = $1::bigint)"
		  " select (select count(distinct f.rpps) from file f, me where f.last_fold = me.last_fold and "
		  "f.birth_date = me.birth_date"
		  "   and f.first_fold = me.first_fold and f.rpps <> me.rpps and f.state <> 'draft') as same_name,"
		  " (select count(distinct f.rpps) from file f, me where f.iban_hmac = me.iban_hmac and f.rpps <> "
		  "me.rpps and f.state <> 'draft') as same_iban");
SQL(verify_pieces, "select string_agg(distinct case when for_row is null then kind else kind || ':' || for_row end, ', "
		   "') filter (where problem is not null) as bad,"
		   " coalesce(bool_or(kind = 'foreign_authorisation'), false) as authorisation"
		   " from piece where file = $1::bigint and removed_at is null and kind <> 'message'");
