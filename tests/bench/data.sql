-- What the benches read and write, made in the database itself: the same variables and day give the same data.
--
--	psql -v psychologists=100000 -v files=50000 -v load=28000 -v owner=ID -f data.sql
--
-- 1 … load are in review, nobody's yet, and belong to one account: they are read (B1) and withdrawn (B2). The others up to
-- `files` are in every state; the next `psychologists` are conventioned and in the directory.
--
-- Bypassed, for volume: the history trigger and foreign keys (session_replication_role), so events, chains, deltas, stages
-- and the file's own columns are written here as the trigger would. What holds afterwards is asked at the end and by
-- `enrollctl invariants` and `audit verify`. Copies and names of pieces are sealed by build/bench/seal on their way in.
\set ON_ERROR_STOP on
set search_path = enroll, public;
set session_replication_role = replica;
set synchronous_commit = off;
set work_mem = '256MB';
set maintenance_work_mem = '512MB';
select setseed(0.42);

-- The way to each state: days after the step before, who, and what the file then carries.
create temp table step (state text, seq int, event text, from_state text, to_state text, role text, days int);
insert into step
select w.state, s.n, split_part(s.t, ':', 1), coalesce(split_part(lag(s.t) over (partition by w.state order by s.n), ':', 2), 'draft'),
       split_part(s.t, ':', 2), split_part(s.t, ':', 3), split_part(s.t, ':', 4)::int
  from (values
	('submitted',      'submit:submitted:applicant:0'),
	('expert_review',  'submit:submitted:applicant:0 checks_need_human:expert_review:system:0'),
	('correction',     'submit:submitted:applicant:0 checks_failed:correction:system:0'),
	('unrouted',       'submit:submitted:applicant:0 checks_passed:unrouted:system:0'),
	('in_review',      'submit:submitted:applicant:0 checks_passed:in_review:system:0'),
	('to_sign',        'submit:submitted:applicant:0 checks_passed:in_review:system:0 claim:in_review:delegate:2 approve:to_sign:delegate:3'),
	('to_countersign', 'submit:submitted:applicant:0 checks_passed:in_review:system:0 claim:in_review:delegate:2 approve:to_sign:delegate:3 sign:to_countersign:applicant:4'),
	('conventioned',   'submit:submitted:applicant:0 checks_passed:in_review:system:0 claim:in_review:delegate:2 approve:to_sign:delegate:3 sign:to_countersign:applicant:4 countersign:conventioned:delegate:5'),
	('suspended',      'submit:submitted:applicant:0 checks_passed:in_review:system:0 claim:in_review:delegate:2 approve:to_sign:delegate:3 sign:to_countersign:applicant:4 countersign:conventioned:delegate:5 warn:conventioned:delegate:20 state_findings:conventioned:delegate:31 suspend:suspended:delegate:31'),
	('leaving',        'submit:submitted:applicant:0 checks_passed:in_review:system:0 claim:in_review:delegate:2 approve:to_sign:delegate:3 sign:to_countersign:applicant:4 countersign:conventioned:delegate:5 resign:leaving:applicant:30'),
	('ended',          'submit:submitted:applicant:0 checks_passed:in_review:system:0 claim:in_review:delegate:2 approve:to_sign:delegate:3 sign:to_countersign:applicant:4 countersign:conventioned:delegate:5 resign:leaving:applicant:10 lapse:ended:clock:62'),
	('refused',        'submit:submitted:applicant:0 checks_passed:in_review:system:0 claim:in_review:delegate:2 refuse:refused:delegate:6'),
	('appealed',       'submit:submitted:applicant:0 checks_passed:in_review:system:0 claim:in_review:delegate:2 refuse:refused:delegate:6 appeal:appealed:applicant:9'),
	('withdrawn',      'submit:submitted:applicant:0 checks_passed:in_review:system:0 withdraw:withdrawn:applicant:8'),
	('closed',         'submit:submitted:applicant:0 checks_failed:correction:system:0 lapse:closed:clock:61')
  ) w(state, steps), unnest(string_to_array(w.steps, ' ')) with ordinality s(t, n);
alter table step add day int, add last boolean;
update step s set day = (select sum(y.days) from step y where y.state = s.state and y.seq <= s.seq),
	last = s.seq = (select max(y.seq) from step y where y.state = s.state);
analyze step;
create temp table state_of as
	select row_number() over (order by state) - 1 as i, state from (select state from step union select 'draft') s
	 group by state order by state;

-- Places as people live: a commune stands once for each :every inhabitants.
select greatest(1, sum(population) / 100000) as every from commune where type = 'commune-actuelle' and lon is not null \gset
create temp table seat as
	select row_number() over (order by c.code, k) - 1 as i, c.code, c.name, c.departement, c.lon, c.lat, c.caisse, c.postcodes[1] as postcode,
	       c.confidence, c.valid_since
	  from commune c, generate_series(1, ceil(c.population::numeric / :every)::int) k
	 where c.type = 'commune-actuelle' and c.lon is not null and c.caisse is not null;
create index on seat (i);
select count(*) as seats from seat \gset

insert into agent (role, name, email, email_key, may_sign)
	select 'delegate', 'Déléguée ' || code, code || '@bench.example', code || '@bench.example', true from caisse order by code;
insert into agent_caisse (agent, caisse) select a.id, c.code from caisse c join agent a on a.email_key = c.code || '@bench.example';

-- Everyone's file: state, place, names, and the day of the deposit.
create temp table f as
select p.*, case when p.state = 'unrouted' then null else s.caisse end as caisse, a.agent, s.code as commune, s.name as town, s.departement,
       s.lon, s.lat, s.postcode, s.confidence, s.valid_since, s.caisse as route,
       coalesce((select day from step x where x.state = p.state and x.last), 0) as length
  from (select n as id, case when n <= :load then :owner else 100000 + n end::bigint as account,
               case when n <= :load then 'in_review' when n <= :files then (select state from state_of where i = n % 16) else 'conventioned' end as state,
               (array['Aubrelune','Bastavel','Carmoisin','Delorange','Estivaux','Fontanclair','Garrivet','Iverny','Jolisault','Kermadec'])[1 + n % 10]
                 || chr(97 + n / 10 % 26) || chr(97 + n / 260 % 26) || chr(97 + n / 6760 % 26) as last,
               (array['Camille','Nadia','Thomas','Karim','Julien','Soizic','Hugo','Claire','Malik','Jeanne','Pierre'])[1 + n % 11] as first,
               '999' || lpad((n % 100000000)::text, 8, '0') as rpps, (n * 7919) % :seats as seat, random() as r, random() as hour
          from generate_series(1, :files + :psychologists) n) p
  join seat s on s.i = case when p.id <= :load then (select min(i) from seat where code = '59350') else p.seat end
  join (select ac.caisse, min(ac.agent) as agent from agent_caisse ac join agent g on g.id = ac.agent and g.email like '%@bench.example' group by 1) a
    on a.caisse = s.caisse;
-- Not so long ago that the clock would have something to do (targets, reminders, purges), and never later than yesterday.
alter table f add column day0 timestamptz;
update f set day0 = date_trunc('day', now()) - make_interval(days => (length + 1 + r * case
	when state in ('in_review', 'submitted', 'expert_review', 'correction', 'unrouted', 'draft') then 20
	when state in ('to_sign', 'to_countersign') then 10 when state in ('closed', 'withdrawn') then 90
	else 250 - length end)::int) + make_interval(secs => hour * 80000);
create index on f (id);
create index on f (state);
analyze f;

insert into account (id, email, email_key, confirmed_at) overriding system value
	select account, 'p' || id || '@bench.example', 'p' || id || '@bench.example', day0 from f where account <> :owner;

-- Events, a step at a time: each needs the hash of the one before.
create function pg_temp.quote(t text) returns text language sql immutable as $$ select coalesce('"' || t || '"', 'null') $$;
create function pg_temp.instant(t timestamptz) returns text language sql stable as $$
	select to_char(t at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"') $$;
create temp table made as select null::bigint as file, 0 as seq, ''::text as hash limit 0;
create index on made (file, seq);
create procedure pg_temp.live(steps int) language plpgsql as $body$
begin
	for k in 1 .. steps loop
		with x as materialized (
			select f.id, s.*, f.day0 + make_interval(days => s.day, secs => k) as at,
			       case s.role when 'applicant' then 'account:' || f.account when 'delegate' then 'agent:' || f.agent else s.role end as actor,
			       case when k > 1 and s.to_state not in ('correction', 'expert_review', 'closed') then f.caisse end as caisse,
			       case when s.to_state in ('in_review', 'to_sign', 'to_countersign') and k > 2 then f.agent end as holder,
			       case when s.last then case s.to_state
			         when 'submitted' then 'lapse' when 'expert_review' then 'lapse' when 'correction' then 'lapse' when 'to_sign' then 'lapse'
			         when 'leaving' then 'lapse' when 'appealed' then 'lapse' when 'conventioned' then 'renew' when 'suspended' then 'reinstate' end
			         end as deadline_event,
			       k > 1 and s.to_state not in ('correction', 'expert_review', 'closed') as eligible,
			       case when s.to_state = 'in_review' and s.event = 'checks_passed' then null end::text as return_to,
			       case when k >= 4 and s.state in ('to_sign', 'to_countersign', 'conventioned', 'suspended', 'leaving', 'ended')
			         then encode(sha256(convert_to('convention ' || f.id, 'UTF8')), 'hex') end as document,
			       case when s.event = 'countersign' then (f.day0 + make_interval(days => 15))::date end as effective
			  from f join step s on s.state = f.state and s.seq = k),
		d as materialized (select x.*, case when deadline_event is null then null when deadline_event = 'renew' then date_trunc('day', at) + interval '1 year'
		                       else date_trunc('day', now()) + interval '75 days' end as deadline,
		             case when to_state = 'suspended' then (date_trunc('day', now()) + interval '75 days')::date end as until from x),
		b as materialized (select d.*, '{"actor":' || pg_temp.quote(actor) || ',"at":' || pg_temp.quote(pg_temp.instant(at)) || ',"caisse":' || pg_temp.quote(caisse)
			|| ',"codes":[],"deadline":' || pg_temp.quote(pg_temp.instant(deadline)) || ',"deadline_event":' || pg_temp.quote(deadline_event)
			|| ',"document":' || pg_temp.quote(document) || ',"effective_date":' || pg_temp.quote(effective::text) || ',"eligible":' || eligible
			|| ',"event":' || pg_temp.quote(event) || ',"file":' || id || ',"from":' || pg_temp.quote(from_state) || ',"holder":' || coalesce(holder::text, 'null')
			|| ',"personal":null,"return_to":' || pg_temp.quote(return_to) || ',"role":' || pg_temp.quote(role) || ',"seq":' || seq
			|| ',"to":' || pg_temp.quote(to_state) || ',"until":' || pg_temp.quote(until::text) || '}' as body, coalesce((select m.hash from made m where m.file = d.id and m.seq = k - 1), '') as prev
			from d),
		i as (insert into event (file, seq, at, event, from_state, to_state, role, actor, caisse, holder, deadline, deadline_event, eligible, return_to,
			document, effective_date, until_date, body, prev_hash, hash)
			select id, seq, at, event, from_state, to_state, role, actor, caisse, holder, deadline, deadline_event, eligible, return_to,
			       document, effective, until, body, prev, encode(sha256(convert_to(prev || body, 'UTF8')), 'hex') from b order by id
			returning file, seq, hash)
		insert into made select * from i;
		analyze made;
	end loop;
end $body$;
select max(seq) as steps from step \gset
call pg_temp.live(:steps);
analyze event;

-- The file as its trigger leaves it.
insert into file (id, number, account, created_at, state, version, caisse, holder, deadline, deadline_event, eligible, return_to, holder_since, holder_acted_at,
	queue_since, state_since, submitted_at, deposited_at, correction_at, entered_review, refused_by, refused_actor, decided_at, appealed, document, effective_date,
	term, until_date, routed_as, rpps, nir_hmac, iban_hmac, last_name, first_name, last_fold, first_fold, birth_date, search_key, email_key, commune,
	practice_mode, route_caisse, route_rule, route_confidence, route_explained, fnps, notified_at) overriding system value
select f.id, 'MSP-' || to_char(f.day0, 'YYYY') || '-' || lpad(f.id::text, 7, '0'), f.account, f.day0, f.state, coalesce(e.seq, 0), e.caisse, e.holder,
	e.deadline, e.deadline_event, coalesce(e.eligible, false), e.return_to, case when e.holder is not null then e.at end, case when e.holder is not null then e.at end,
	case when e.seq > 1 and e.caisse is not null then f.day0 end, coalesce(e.at, f.day0), h.submitted, h.submitted, case when f.state = 'correction' then e.at end,
	f.state = 'expert_review', h.refused_by, h.refused_actor, h.decided, f.state = 'appealed', e.document, h.effective,
	h.effective + interval '1 year', e.until_date, e.caisse, f.rpps,
	encode(sha256(convert_to('nir' || f.id, 'UTF8')), 'hex'), encode(sha256(convert_to('iban' || f.id, 'UTF8')), 'hex'), f.last, f.first, lower(f.last), lower(f.first),
	date '1960-01-01' + (f.id % 12000)::int, lower(f.last || ' ' || f.first), 'p' || f.id || ' bench example', f.commune, 'liberal',
	f.route, 'commune', f.confidence, 'commune ' || f.commune || ' → ' || f.route || ', table valable depuis le 2026-01-01, confiance ' || f.confidence,
	case when h.effective is not null then 'FNPS-' || f.id end, h.decided
  from f left join lateral (select * from event e where e.file = f.id order by e.seq desc limit 1) e on true
  left join lateral (select min(x.at) filter (where x.event = 'submit') as submitted, min(x.at) filter (where x.to_state in ('refused', 'to_sign')) as decided,
	max(x.effective_date) as effective, max(x.role) filter (where x.event = 'refuse') as refused_by, max(x.actor) filter (where x.event = 'refuse') as refused_actor
	from event x where x.file = f.id) h on true;

-- Decisions were told, conventions signed by both.
insert into message (account, audience, file, seq, kind, at, subject, mail_state, opened_at)
	select f.account, 'account', f.id, e.seq, k.kind, e.at, k.subject, 'none', e.at from event e join f on f.id = e.file
	  join (values ('submit', 'receipt', 'Nous avons reçu votre dossier'), ('checks_passed', 'eligible', 'Vous êtes éligible à Mon soutien psy'),
	               ('approve', 'convention_ready', 'Votre convention est prête à signer'), ('refuse', 'refusal', 'Votre demande est refusée'),
	               ('countersign', 'conventioned', 'Votre convention est signée')) k(event, kind, subject) on k.event = e.event;
insert into signature (file, seq, party, actor, at, method, digest)
	select e.file, e.seq, case e.event when 'sign' then 'applicant' else 'caisse' end, e.actor, e.at,
	       case e.event when 'sign' then 'email_code' else 'certificate' end, e.document
	  from event e where e.event in ('sign', 'countersign');

-- The checks of each deposit.
insert into check_result (file, seq, code, result, reason, source, at, evidence, evidence_hash)
select f.id, 1, c.code, c.result, c.reason, c.source, f.day0, c.evidence, encode(sha256(convert_to(c.evidence, 'UTF8')), 'hex')
  from f cross join lateral (values
	('rpps', 'pass', 'rpps_found', 'registre', '{"available":true,"other_lines":0,"psychologist_lines":1,"rpps":"' || f.rpps || '"}'),
	('identity', 'pass', 'identity_match', 'registre', '{"available":true,"declared":"' || f.first || ' ' || f.last || '","note":"","registry":["' || f.first || ' ' || f.last || '"]}'),
	('ars', case when f.state = 'expert_review' then 'review' else 'pass' end, case when f.state = 'expert_review' then 'ars_other' else 'ars_registered' end, 'registre',
	 '{"authorities":["ARS/ARS/ARS"],"available":true,"departement":"' || f.departement || '","registry_departements":["' || f.departement || '"]}'),
	('diploma', 'pass', 'diploma_accepted', 'candidature', '{"authorisation":false,"date":"2012-06-30","kind":"master","place":"Université de démonstration"}'),
	('experience', case when f.state in ('correction', 'closed') then 'fail' else 'pass' end, 'experience_enough', 'candidature',
	 '{"diploma":"2012-06-30","needed":1095,"periods":[{"clinical":"yes","from":"2013-01-01","share":100,"structure":"Centre médico-psychologique","to":"2024-12-31"}]}'),
	('duplicate', 'pass', 'duplicate_none', 'dossiers déposés', '{"same_iban":0,"same_name_and_birth":0}'),
	('documents', 'pass', 'documents_good', 'pièces', '{"bad":null}'),
	('address', 'pass', 'address_known', 'référentiel des communes', '{"commune":"' || f.commune || '","departement":"' || f.departement || '"}')
  ) c(code, result, reason, source, evidence)
 where f.state <> 'draft' and (f.id <= :files or f.id % 10 = 0);

drop index delta_day, delta_file;
-- Figures: each event's deltas, as db/figures.c counts them; the way into a caisse takes the earlier ones along.
insert into delta (file, seq, day, caisse, measure, n)
select e.file, e.seq, paris_day(e.at), coalesce(case when c.moved = '-' then p.caisse else e.caisse end, ''), c.measure, c.n
  from event e left join event p on p.file = e.file and p.seq = e.seq - 1
 cross join lateral (values
	('', 'state:' || e.from_state, -1, e.from_state <> e.to_state and e.from_state <> 'draft'),
	('', 'state:' || e.to_state, 1, e.from_state <> e.to_state),
	('', 'submitted', 1, e.event = 'submit'),
	('', 'approved', 1, e.event = 'approve'),
	('', 'conventioned', 1, e.event = 'countersign'),
	('', 'ended', 1, e.to_state = 'ended'),
	('', 'refused', 1, e.event = 'refuse'),
	('', 'refused:other', 1, e.event = 'refuse'),
	('-', 'state:' || e.from_state, -1, p.caisse is distinct from e.caisse and p.file is not null),
	('-', 'submitted', -1, p.caisse is distinct from e.caisse and p.file is not null),
	('+', 'state:' || e.from_state, 1, p.caisse is distinct from e.caisse and p.file is not null),
	('+', 'submitted', 1, p.caisse is distinct from e.caisse and p.file is not null)) c(moved, measure, n, counts)
 where c.counts order by paris_day(e.at), e.file, e.seq;
create index delta_day on delta (day, measure, caisse) include (n);
create index delta_file on delta (file, measure);
insert into stage (file, seq, state, caisse, day, seconds)
	select e.file, e.seq, e.from_state, coalesce(e.caisse, ''), paris_day(e.at), extract(epoch from e.at - max(p.at))::bigint
	  from event e join event p on p.file = e.file and p.seq < e.seq and p.to_state = e.from_state and p.from_state <> p.to_state
	 where e.from_state <> e.to_state and e.from_state <> 'draft' group by e.file, e.seq, e.from_state, e.caisse, e.at;

-- The directory.
insert into profile (file, name, public, languages, remote, email, phone, show_email, show_phone, confirmed_on)
	select f.id, f.first || ' ' || f.last, (array['{adults}', '{adults,teens}', '{adults,teens,children}'])[1 + f.id % 3]::text[],
	       (array['{}', '{}', '{anglais}', '{espagnol,arabe}'])[1 + f.id % 4]::text[], f.id % 3 = 0, 'p' || f.id || '@bench.example', '0639980000',
	       f.id % 2 = 0, true, paris_today() - 30
	  from f where f.state in ('conventioned', 'leaving', 'suspended');
insert into place (file, n, address, postcode, commune, lon, lat, at)
	select f.id, 1, (1 + f.id % 90) || ' rue de la Fontaine', coalesce(f.postcode, ''), f.commune, f.lon, f.lat, point(f.lon, f.lat)
	  from f join profile p on p.file = f.id;

-- What is made later goes on from here.
select setval(pg_get_serial_sequence('enroll.file', 'id'), (select max(id) from file)), setval('file_number', (select max(id) from file)),
       setval(pg_get_serial_sequence('enroll.account', 'id'), (select max(id) from account)),
       setval(pg_get_serial_sequence('enroll.piece', 'id'), (select max(id) * 5 + 10 from file)) \g /dev/null

-- What the trigger would have refused: none.
do $$
begin
	if exists (select from event e where not exists (select from transition t
	           where (t.from_state, t.event, t.role, t.to_state) = (e.from_state, e.event, e.role, e.to_state))) then
		raise exception 'a step of this file is not in the table of transitions';
	end if;
end $$;
drop table f, seat;
reset session_replication_role;
