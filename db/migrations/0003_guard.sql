-- The last guard: what must never be, the database refuses. Row-level security, invariants, published view, grants.

-- Impossible state 4: a second person decides what asks for one.
create function event_second_person() returns trigger
language plpgsql security definer set search_path = enroll, pg_temp as $$
begin
	if new.event in ('confirm_ineligible', 'object') and new.actor =
	   (select e.actor from event e where e.file = new.file and e.event = 'propose_ineligible' order by e.seq desc limit 1) then
		raise exception 'file %: the same expert', new.file using errcode = 'EN005', constraint = 'event_second_person';
	end if;
	if new.event in ('uphold', 'overturn') and new.role <> 'clock'
	   and new.actor = (select f.refused_actor from file f where f.id = new.file) then
		raise exception 'file %: the same person', new.file using errcode = 'EN005', constraint = 'event_second_person';
	end if;
	return new;
end $$;
create trigger event_second_person before insert on event for each row execute function event_second_person();

-- Impossible state 2: a decision is told in the transaction that takes it.
create function event_is_told() returns trigger
language plpgsql security definer set search_path = enroll, pg_temp as $$
begin
	if new.to_state in ('refused', 'to_sign') and new.from_state <> new.to_state
	   and not exists (select 1 from message m where m.file = new.file and m.seq = new.seq and m.account is not null) then
		raise exception 'file %: decided but not notified', new.file using errcode = 'EN005', constraint = 'event_is_told';
	end if;
	return null;
end $$;
create constraint trigger event_is_told after insert on event deferrable initially deferred
	for each row execute function event_is_told();

-- What the law lets everyone read: conventioned, or leaving and not from a suspension, from the effective date on.
create view published as
	select p.*, f.caisse, f.effective_date, f.version
	  from profile p join file f on f.id = p.file
	 where (f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended))
	   and f.effective_date <= paris_today()
	   and p.confirmed_on > (paris_today() - interval '2 years')::date;
create view published_place as
	select pl.* from place pl join published p on p.file = pl.file;

-- The eight impossible states, each always empty.
create view invariant_1_caisse_before_eligible as
	select f.id as file from file f where not f.eligible
	   and f.state in ('in_review', 'to_sign', 'to_countersign', 'conventioned', 'suspended', 'leaving')
	union
	select e.file from event e where e.role = 'delegate' and not e.eligible;
create view invariant_2_decided_not_notified as
	select e.file from event e where e.to_state in ('refused', 'to_sign') and e.from_state <> e.to_state
	   and not exists (select 1 from message m where m.file = e.file and m.seq = e.seq and m.account is not null);
create view invariant_3_conventioned_not_eligible as
	select id as file from file where state in ('conventioned', 'suspended', 'leaving') and not eligible;
create view invariant_4_decided_alone as
	select c.file from event c where c.event = 'confirm_ineligible' and c.actor =
	  (select p.actor from event p where p.file = c.file and p.event = 'propose_ineligible' and p.seq < c.seq order by p.seq desc limit 1)
	union
	select a.file from event a where a.event in ('uphold', 'overturn') and a.role <> 'clock' and a.actor =
	  (select r.actor from event r where r.file = a.file and r.to_state = 'refused' and r.seq < a.seq order by r.seq desc limit 1);
create view invariant_5_eligible_without_caisse as
	select id as file from file where eligible and caisse is null
	   and state in ('in_review', 'to_sign', 'to_countersign', 'conventioned', 'suspended', 'leaving');
create view invariant_6_conventioned_unsigned as
	select f.id as file from file f where f.state in ('conventioned', 'suspended', 'leaving') and (
	   not exists (select 1 from signature s where s.file = f.id and s.party = 'applicant' and s.digest = f.document and s.voided_seq is null)
	   or not exists (select 1 from signature s where s.file = f.id and s.party = 'caisse' and s.digest = f.document and s.voided_seq is null)
	   or (f.practice_mode <> 'liberal' and not exists (select 1 from signature s where s.file = f.id and s.party = 'employer'
	       and s.digest = f.document and s.voided_seq is null)));
create view invariant_7_published_wrongly as
	select p.file from published p join file f on f.id = p.file
	 where not (f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended)) or f.effective_date > paris_today();
create view invariant_8_two_live_files as
	select min(f.id) as file from file f
	 where f.state in ('submitted', 'expert_review', 'correction', 'unrouted', 'in_review', 'to_sign', 'to_countersign',
	                   'conventioned', 'suspended', 'leaving', 'appealed')
	 group by f.kind, f.rpps having count(*) > 1
	union
	select min(f.id) from file f
	 where f.state in ('submitted', 'expert_review', 'correction', 'unrouted', 'in_review', 'to_sign', 'to_countersign',
	                   'conventioned', 'suspended', 'leaving', 'appealed') and f.nir_hmac is not null
	 group by f.kind, f.nir_hmac having count(*) > 1;

-- Is another live file of this person there? Answers yes or no, never whose.
create function live_file_exists(p_rpps text, p_nir_hmac text, p_kind text, p_except bigint) returns boolean
language sql stable security definer set search_path = enroll, pg_temp as $$
	select exists (select 1 from file f where f.kind = p_kind and f.id is distinct from p_except
	   and (f.rpps = p_rpps or f.nir_hmac = p_nir_hmac)
	   and f.state in ('submitted', 'expert_review', 'correction', 'unrouted', 'in_review', 'to_sign', 'to_countersign',
	                   'conventioned', 'suspended', 'leaving', 'appealed'))
$$;
-- What an amendment must know of its parent, whoever looks.
create function parent_state(p_child bigint) returns text
language sql stable security definer set search_path = enroll, pg_temp as $$
	select p.state from file c join file p on p.id = c.parent where c.id = p_child
$$;
-- Locks the parent before its child is locked: always in this order, so that two countersignatures cannot deadlock.
create function parent_lock(p_child bigint) returns table (id bigint, state text, version bigint, caisse text, eligible boolean,
	account bigint, document text, state_since timestamptz, last_hash text)
language plpgsql volatile security definer set search_path = enroll, pg_temp as $$
begin
	return query select p.id, p.state, p.version, p.caisse, p.eligible, p.account, p.document, p.state_since,
		(select e.hash from event e where e.file = p.id order by e.seq desc limit 1)
	  from file c join file p on p.id = c.parent where c.id = p_child for update of p;
end $$;
create function open_child(p_parent bigint) returns boolean
language sql stable security definer set search_path = enroll, pg_temp as $$
	select exists (select 1 from file c where c.parent = p_parent and c.kind = 'amendment'
	   and c.state not in ('refused', 'ended', 'withdrawn', 'closed'))
$$;
-- The only national search: for administrators and experts, and it leaves a trace.
create function search_everywhere(p_key text, p_limit int) returns setof file
language plpgsql volatile security definer set search_path = enroll, pg_temp as $$
begin
	if my_role() not in ('admin', 'system') then
		return;
	end if;
	insert into export_log (agent, what, rows) values (my_agent(), 'search', null);
	return query select f.* from file f where f.state <> 'draft'
		and (f.search_key like p_key || '%' or f.rpps = p_key or f.number = upper(p_key) or f.email_key = lower(p_key)) limit p_limit;
end $$;

-- Row-level security. Nobody is nobody: no policy matches an empty role.
alter table file enable row level security;
create policy file_read on file for select using (
	case my_role()
		when 'applicant' then account = my_account()
		when 'employer'  then id = my_file()
		when 'delegate'  then state <> 'draft' and (caisse = any (my_caisses())
		                      or (from_caisse = any (my_caisses()) and from_caisse_at > enroll_now() - interval '30 days'))
		when 'expert'    then entered_review
		when 'admin'     then true
		when 'system'    then true
		when 'clock'     then true
		else false
	end);
create policy file_insert on file for insert with check (
	(my_role() = 'applicant' and account = my_account()) or (my_role() = 'delegate' and kind = 'amendment') or my_role() = 'system');
create policy file_update on file for update using (my_role() in ('applicant', 'employer', 'delegate', 'expert', 'admin', 'system', 'clock'));
create policy file_delete on file for delete using (state = 'draft' and (account = my_account() or my_role() in ('system', 'clock')));

do $$
declare t text;
begin
	foreach t in array array['event', 'event_personal', 'working_copy', 'frozen_copy', 'check_result', 'opinion', 'correction_item',
	                         'document', 'signature', 'signing_code', 'notice', 'piece_opening'] loop
		execute format('alter table %I enable row level security', t);
		execute format('create policy %I_of_file on %I using (exists (select 1 from file f where f.id = %I.file)) with check (my_role() <> '''' and my_role() <> ''visitor'')', t, t, t);
	end loop;
end $$;
-- An expert never sees bank or health-card documents; an administrator and an observer see no document at all.
alter table piece enable row level security;
create policy piece_of_file on piece using (exists (select 1 from file f where f.id = piece.file)
	and (my_role() <> 'expert' or kind not in ('rib', 'rights'))) with check (my_role() in ('applicant', 'system', 'clock', 'delegate'));
alter table piece_chunk enable row level security;
create policy piece_chunk_of_piece on piece_chunk using (my_role() in ('applicant', 'delegate', 'expert', 'system')
	and exists (select 1 from piece p where p.id = piece_chunk.piece)) with check (my_role() in ('applicant', 'system'));
alter table message enable row level security;
create policy message_read on message for select using (
	case my_role()
		when 'applicant' then account = my_account()
		when 'delegate'  then audience = any (array(select 'caisse:' || c from unnest(my_caisses()) c))
		                      or exists (select 1 from file f where f.id = message.file)
		when 'expert'    then audience = 'experts'
		when 'admin'     then audience = 'admins'
		when 'system'    then true
		when 'clock'     then true
		else false
	end);
create policy message_write on message for insert with check (my_role() <> '' and my_role() <> 'visitor');
create policy message_update on message for update using (true);

-- Grants.
do $$
begin
	if not exists (select 1 from pg_roles where rolname = 'enroll_service') then create role enroll_service; end if;
	if not exists (select 1 from pg_roles where rolname = 'enroll_purge') then create role enroll_purge; end if;
end $$;
grant usage on schema enroll to enroll_service, enroll_purge;
grant select on all tables in schema enroll to enroll_service;
grant usage on all sequences in schema enroll to enroll_service;
revoke select on account_token, sign_in_failure, rate from enroll_service;
grant select, insert, update, delete on account, account_token, sign_in_failure, rate, session, agent, agent_caisse, agent_certificate to enroll_service;
grant insert, update, delete on meta, registry_copy, registry_line to enroll_service;
grant update (caisse, method, confidence, valid_since) on commune to enroll_service;
grant insert (id, kind, amends, parent, account) on file to enroll_service;
grant update (rpps, nir_hmac, iban_hmac, last_name, first_name, last_fold, first_fold, birth_date, search_key, email_key, commune,
              practice_mode, route_caisse, route_rule, route_confidence, route_explained, fnps, notified_at) on file to enroll_service;
grant delete on file to enroll_service;
grant insert on event, event_personal, frozen_copy, check_result, opinion, document, delta, stage, piece_opening, notice,
                draft_gone, chain_root, export_log, closed_day, closed_total, published_cell to enroll_service;
grant insert, update, delete on working_copy, signing_code, piece_chunk to enroll_service;
grant insert, update on piece, message, outbox, idempotency, employer_link, correction_item, profile, place to enroll_service;
grant insert, update (voided_seq) on signature to enroll_service;
grant delete on place, piece, idempotency, outbox, notice to enroll_service;

grant select on all tables in schema enroll to enroll_purge;
grant usage on all sequences in schema enroll to enroll_purge;
grant delete on event_personal, piece_chunk, working_copy, employer_link, signing_code, sign_in_failure, rate, profile, place, piece_opening to enroll_purge;
grant update (data) on frozen_copy, document to enroll_purge;
grant update (erased_at, name, removed_at) on piece to enroll_purge;
grant update (body, subject, params) on message to enroll_purge;
grant update (rpps, nir_hmac, iban_hmac, last_name, first_name, last_fold, first_fold, birth_date, search_key, email_key) on file to enroll_purge;
grant insert on purge_log, event, delta, stage, outbox, message, notice to enroll_purge;
