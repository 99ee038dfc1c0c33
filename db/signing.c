#include "signing.h"

SQL(signing_code_set, "insert into signing_code (file, party, digest, sent_at, expires_at)"
		      " values ($1::bigint, $2, $3, enroll_now(), enroll_now() + make_interval(mins => $4::int))"
		      " on conflict (file, party) do update set digest = excluded.digest, sent_at = excluded.sent_at,"
		      " expires_at = excluded.expires_at, attempts = 0 returning expires_at");
SQL(employer_by_token, "select file from employer_link where digest = $1 and not void");
SQL(employer_link_read, "select l.token from employer_link l join file f on f.id = l.file where l.file = $1::bigint"
			" and not l.void");
