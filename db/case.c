#include "case.h"

SQL(case_key_claim, "insert into idempotency (actor, key, hmac) values ($1, $2, $3) on conflict do nothing");
SQL(case_key_read, "select hmac, status, location, version, state from idempotency where actor = $1 and key = $2");
SQL(case_key_done, "update idempotency set status = $3::int, location = $4, version = $5::bigint, state = $6 where "
		   "actor = $1 and key = $2");

SQL(case_parent_lock, "select * from parent_lock($1::bigint)");
SQL(case_lock, "select f.*, enroll_now() as now from file f where f.id = $1::bigint for update of f");

/*
 * One row. A result stands settled while an opinion on the same evidence exists; "in question" is what a human must
 * still settle: review, a maintained fail, an unavailable older than $2 hours since the last submit. Each table is read
 * once: every further reading of it would be a plan with row-level security of its own.
 */
SQL(case_facts,
    "with n as materialized (select enroll_now() as now),"
    " f as materialized (select version, document, submitted_at, correction_at, parent from file where id = "
    "$1::bigint),"
    " e as materialized (select seq, at, event, from_state, to_state, actor, hash from event where file = $1::bigint),"
    " l as (select * from e order by seq desc limit 1),"
    " s as (select max(seq) filter (where event in ('submit', 'resubmit')) as submitted,"
    "   max(seq) filter (where event = 'propose_ineligible') as proposed, max(seq) filter (where event = 'object') as "
    "objected,"
    "   max(seq) filter (where to_state = 'expert_review' and from_state <> 'expert_review') as entered,"
    "   max(seq) filter (where event = 'warn' and at <= (select now from n) - interval '30 days') as warned,"
    "   max(seq) filter (where event = 'state_findings') as stated,"
    "   count(*) filter (where event = 'state_findings' and at <= (select now from n) - interval '30 days') as found,"
    "   count(*) filter (where event in ('suspend', 'exclude')) as used from e),"
    " o as materialized (select code, kind, evidence_hash from opinion where file = $1::bigint),"
    " judged as materialized (select l.*,"
    "   exists (select 1 from o where o.code = l.code and o.kind = 'maintained' and o.evidence_hash = l.evidence_hash) "
    "as maintained,"
    "   exists (select 1 from o where o.code = l.code and o.kind = 'opinion' and o.evidence_hash = l.evidence_hash) as "
    "settled,"
    "   l.result = 'unavailable' and (select submitted_at from f) > (select now from n) - make_interval(hours => "
    "$2::int) as recent"
    "  from (select distinct on (code) code, result, evidence_hash, seq from check_result"
    "    where file = $1::bigint and code <> 'address' order by code, id desc) l),"
    " j as (select coalesce(min(seq), 0) as seq, count(*) as count,"
    "   coalesce(bool_or(result = 'fail' and not maintained and not settled), false) as any_fail,"
    "   coalesce(bool_or(recent and not settled), false) as any_recent,"
    "   string_agg(code, ',' order by code) filter (where not settled and (result = 'review' or (result = 'fail' and "
    "maintained)"
    "     or (result = 'unavailable' and not recent))) as in_question,"
    "   string_agg(code || ':' || evidence_hash, ',' order by code) as evidence,"
    "   string_agg(code, ',' order by code) filter (where result = 'fail' and not maintained and not settled) as "
    "failed from judged),"
    " d as materialized (select version, digest from document where file = $1::bigint and kind = 'convention'),"
    " g as materialized (select s.party from signature s, f where s.file = $1::bigint and s.voided_seq is null and "
    "s.digest = f.document),"
    " w as materialized (select o.piece, o.reason, a.role from piece_opening o join agent a on a.id = o.agent where "
    "o.file = $1::bigint)"
    " select l.hash as last_hash, l.event as last_event, l.actor as last_actor, l.at as last_at, s.submitted as "
    "submit_seq,"
    " j.seq as checks_seq, j.count as checks_count, j.any_fail, j.any_recent, j.in_question, j.evidence, j.failed,"
    " coalesce(s.proposed > greatest(coalesce(s.objected, 0), coalesce(s.entered, 0)), false) as proposed,"
    " (select actor from e where seq = s.proposed) as proposed_by,"
    " case when (select parent from f) is not null then parent_state($1::bigint) end as parent_state, "
    "open_child($1::bigint) as open_child,"
    " exists (select 1 from d where d.version = (select version from f) and d.digest = $4) as digest_ready,"
    " exists (select 1 from d where d.digest = (select document from f)) as digest_there,"
    " exists (select 1 from g where party = 'applicant') as applicant_signed,"
    " exists (select 1 from g where party = 'employer') as employer_signed,"
    " exists (select 1 from employer_link l where l.file = $1::bigint and not l.void) as employer_offered,"
    " (select c.digest from signing_code c where c.file = $1::bigint and c.party = $5 and c.expires_at > (select now "
    "from n)"
    "   and c.attempts < 5) as code_digest,"
    " coalesce(s.warned > coalesce(s.stated, 0), false) as warned, s.found > s.used as findings,"
    " p.pieces, p.taken,"
    " $3::text as actor from s cross join j left join l on true cross join"
    " (select string_agg(p.id || '|' || p.kind || '|' || coalesce(p.for_row, '') || '|' || p.scan || '|' ||"
    "   case when exists (select 1 from w where w.piece = p.id and w.role = 'delegate') then '1' else '0' end || '|' ||"
    "   case when exists (select 1 from w where w.piece = p.id and w.reason is not null) then '1' else '0' end || '|' "
    "||"
    "   case when p.uploaded_at >= coalesce((select correction_at from f), 'infinity') then '1' else '0' end || '|' ||"
    "   coalesce(p.problem, ''), ',' order by p.id) filter (where p.removed_at is null) as pieces,"
    "   string_agg(p.kind || '|' || coalesce(p.for_row, ''), ',' order by p.id) filter (where p.removed_at >= (select "
    "correction_at from f)"
    "     and p.uploaded_at < (select correction_at from f)) as taken"
    "   from piece p where p.file = $1::bigint and p.kind <> 'message') p");

SQL(case_working, "select revision, data from working_copy where file = $1::bigint for update");
SQL(case_working_read, "select revision, data from working_copy where file = $1::bigint");
SQL(case_frozen, "select seq, data, sha256 from frozen_copy where file = $1::bigint order by seq desc limit 1");
SQL(case_items, "select id, seq, field, piece, code from correction_item where file = $1::bigint and answered_seq is "
		"null order by id");
SQL(case_proposal, "select jsonb_array_elements_text((select body::jsonb -> 'codes' from event where file = $1::bigint"
		   " and event = 'propose_ineligible' order by seq desc limit 1)) as code");
SQL(case_route, "select c.code, c.name, c.caisse, c.confidence, c.valid_since, c.departement, k.name as caisse_name"
		" from commune c left join caisse k on k.code = c.caisse where c.code = $1");
SQL(case_live_other, "select live_file_exists($1, $2, $3, $4::bigint) as live");
SQL(case_caisse_known, "select code from caisse where code = $1");

SQL(case_event, "insert into event (file, seq, at, event, from_state, to_state, role, actor, caisse, holder, deadline, "
		"deadline_event, eligible,"
		" return_to, document, effective_date, until_date, body, prev_hash, hash) values ($1::bigint, "
		"$2::bigint, $3::timestamptz, $4, $5,"
		" $6, $7, $8, $9, $10::bigint, $11::timestamptz, $12, $13::boolean, $14, $15, $16::date, $17::date, "
		"$18, $19, $20)");
SQL(case_event_personal, "insert into event_personal (file, seq, data) values ($1::bigint, $2::bigint, $3::bytea)");
SQL(case_frozen_insert,
    "insert into frozen_copy (file, seq, data, sha256) values ($1::bigint, $2::bigint, $3::bytea, $4)");
SQL(case_person, "update file set rpps = $2, nir_hmac = $3, iban_hmac = $4, last_name = $5, first_name = $6, last_fold "
		 "= $7, first_fold = $8,"
		 " birth_date = $9::date, search_key = $10, email_key = $11, commune = $12, practice_mode = $13 where "
		 "id = $1::bigint");
SQL(case_route_store, "update file set route_caisse = $2, route_rule = $3, route_confidence = $4, route_explained = $5 "
		      "where id = $1::bigint");
SQL(case_fnps, "update file set fnps = $2 where id = $1::bigint");
SQL(case_item_insert,
    "insert into correction_item (file, seq, field, piece, code) values ($1::bigint, $2::bigint, $3, $4, $5)");
SQL(case_item_answer,
    "update correction_item set answered_seq = $2::bigint, maintained = $3::boolean where id = $1::bigint");
SQL(case_opinion, "insert into opinion (file, seq, code, kind, evidence_hash, actor, at) values ($1::bigint, "
		  "$2::bigint, $3, $4, $5, $6, $7::timestamptz)");
SQL(case_check, "insert into check_result (file, seq, code, result, reason, source, at, evidence, evidence_hash)"
		" values ($1::bigint, $2::bigint, $3, $4, $5, $6, $7::timestamptz, $8, $9)");
SQL(case_message, "insert into message (account, audience, file, seq, kind, at, params)"
		  " values ($1::bigint, $2, $3::bigint, $4::bigint, $5, $6::timestamptz, $7)");
/* Not RETURNING: who writes to the experts may not read what experts read. */
SQL(case_message_queue, "insert into outbox (file, seq, kind, ref) values ($1::bigint, $2::bigint, 'message',"
			" currval(pg_get_serial_sequence('enroll.message', 'id')))");
SQL(case_outbox, "insert into outbox (file, seq, kind, ref, due) values ($1::bigint, $2::bigint, $3, $4::bigint, "
		 "coalesce($5::timestamptz, enroll_now()))");
SQL(case_signature, "insert into signature (file, seq, party, actor, at, method, digest)"
		    " values ($1::bigint, $2::bigint, $3, $4, $5::timestamptz, $6, $7)");
SQL(case_signatures_void,
    "update signature set voided_seq = $2::bigint where file = $1::bigint and voided_seq is null");
SQL(case_code_used, "delete from signing_code where file = $1::bigint and party = $2");
SQL(case_code_wrong, "update signing_code set attempts = attempts + 1 where file = $1::bigint and party = $2");
/*
 * $12 the parent of an amendment: what the psychologist keeps up to date in its profile goes on, unless the amendment
 * was sent ($13) after they last did.
 */
SQL(case_profile,
    "insert into profile (file, name, public, languages, remote, website, email, phone, show_email, show_phone, "
    "confirmed_on, unavailable_until)"
    " select $1::bigint, $2, case when k.kept then p.public else $3::text[] end,"
    " case when k.kept then p.languages else $4::text[] end, case when k.kept then p.remote else $5::boolean end,"
    " case when k.kept then p.website else $6 end, $7, $8,"
    " case when k.kept then p.show_email else $9::boolean end, case when k.kept then p.show_phone else $10::boolean "
    "end,"
    " case when k.kept then p.confirmed_on else $11::date end, p.unavailable_until"
    " from (select $12::bigint as file) f left join profile p on p.file = f.file"
    " cross join lateral (select coalesce(p.confirmed_on >= $13::date, false) as kept) k"
    " on conflict (file) do update set name = excluded.name, public = excluded.public, languages = excluded.languages,"
    " remote = excluded.remote, website = excluded.website, email = excluded.email, phone = excluded.phone,"
    " show_email = excluded.show_email, show_phone = excluded.show_phone, confirmed_on = excluded.confirmed_on,"
    " unavailable_until = excluded.unavailable_until");
SQL(case_profile_kept, "select array_to_string(public, chr(10)) as public, array_to_string(languages, chr(10)) as "
		       "languages, remote, website, show_email, show_phone from profile where file = $1::bigint");
SQL(case_places_clear, "delete from place where file = $1::bigint");
SQL(case_place, "insert into place (file, n, address, postcode, commune, lon, lat, at) select $1::bigint, $2::int, $3, "
		"$4, c.code, c.lon, c.lat,"
		" case when c.lon is null then null else point(c.lon, c.lat) end from commune c where c.code = $5");
SQL(case_employer_link, "insert into employer_link (file, digest, token) values ($1::bigint, $2, $3::bytea)"
			" on conflict (file) do update set digest = excluded.digest, token = excluded.token, "
			"created_at = enroll_now(), void = false");
SQL(case_employer_void, "update employer_link set void = true where file = $1::bigint");
/* The child's id is taken first: it is part of what seals its working copy. */
SQL(case_child_id, "select nextval(pg_get_serial_sequence('enroll.file', 'id')) as id");
SQL(case_child, "insert into file (id, kind, amends, parent, account) overriding system value"
		" values ($4::bigint, 'amendment', $1, $2::bigint, $3::bigint)");
SQL(case_working_insert, "insert into working_copy (file, data) values ($1::bigint, $2::bytea)");
SQL(case_discard, "delete from file where id = $1::bigint and state = 'draft'");
SQL(case_draft_gone, "insert into draft_gone (day, cause, n) values ($1::date, $2, 1)");
