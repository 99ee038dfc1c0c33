-- The policies of domain.md §3, §7 and §10: what an operator may decide otherwise, where the trigger, the views and every
-- instance of the service read the same. `enrollctl policy` lists and sets them; the owner alone writes. What each one is
-- for: workflow/policy.c, whose names and defaults are these.
create table policy (
	name    text primary key,
	value   int not null,
	lowest  int not null,
	highest int not null,
	constraint policy_bounds check (value between lowest and highest),
	constraint policy_sense check (lowest >= 0 and highest <= 1000)
);
insert into policy (name, value, lowest, highest) values
	('correction_days', 30, 1, 365),
	('sign_days', 60, 1, 365),
	('draft_days', 90, 15, 730),
	('notified_after_days', 15, 1, 90),
	('unavailable_hours', 72, 1, 720),
	('review_target', 30, 1, 250),
	('convention_years', 1, 1, 10),
	('take_over_days', 5, 1, 60),
	('two_experts', 1, 0, 1),
	('missed_confirmations', 2, 1, 10);
-- A draft's author is told 14 days before: hence its lowest.

-- What was decided is explained by the policy of its day. Written by the table itself, whoever changes it.
create table policy_change (
	id    bigint generated always as identity primary key,
	at    timestamptz not null default enroll_now(),
	name  text not null references policy,
	was   int not null,
	value int not null,
	by    text not null default session_user
);
create function policy_changed() returns trigger
language plpgsql security definer set search_path = enroll, pg_temp as $$
begin
	insert into policy_change (name, was, value) values (new.name, old.value, new.value);
	return null;
end $$;
create trigger policy_changed after update on policy for each row when (old.value <> new.value) execute function policy_changed();
create function policy_at(p_name text, p_at timestamptz) returns int language sql stable as $$
	select coalesce((select c.value from policy_change c where c.name = p_name and c.at <= p_at order by c.id desc limit 1),
	                (select c.was from policy_change c where c.name = p_name and c.at > p_at order by c.id limit 1),
	                (select p.value from policy p where p.name = p_name))
$$;
grant select on policy, policy_change to enroll_service;

-- As in 0002, but for two things: the term is so many years as the policy says; and since proofs are erased in every state
-- after the countersignature (0019), an event that leaves a file in "leaving" keeps how it came there.
create or replace function event_apply() returns trigger
language plpgsql security definer set search_path = enroll, pg_temp as $$
declare
	f file%rowtype;
	b jsonb := new.body::jsonb;
	last_hash text;
	years int;
begin
	select * into f from file where id = new.file for update;
	if not found then
		raise exception 'no file %', new.file using errcode = 'EN001';
	end if;
	if new.seq <> f.version + 1 then
		raise exception 'file % is at version %', new.file, f.version using errcode = 'EN002', constraint = 'event_version';
	end if;
	if new.from_state <> f.state then
		raise exception 'file % is in state %', new.file, f.state using errcode = 'EN002', constraint = 'event_version';
	end if;
	if not exists (select 1 from transition t where t.from_state = new.from_state and t.event = new.event
	               and t.role = new.role and t.to_state = new.to_state) then
		raise exception 'no transition % % % %', new.from_state, new.event, new.role, new.to_state
			using errcode = 'EN003', constraint = 'event_transition';
	end if;
	select e.hash into last_hash from event e where e.file = new.file order by e.seq desc limit 1;
	if new.prev_hash <> coalesce(last_hash, '') then
		raise exception 'file %: broken chain', new.file using errcode = 'EN004', constraint = 'event_chain';
	end if;
	if new.hash <> encode(sha256(convert_to(new.prev_hash || new.body, 'UTF8')), 'hex')
	   or b->>'event' is distinct from new.event or b->>'from' is distinct from new.from_state or b->>'to' is distinct from new.to_state
	   or b->>'role' is distinct from new.role or b->>'actor' is distinct from new.actor or b->>'caisse' is distinct from new.caisse
	   or (b->>'holder')::bigint is distinct from new.holder or (b->>'file')::bigint is distinct from new.file
	   or (b->>'seq')::bigint is distinct from new.seq or (b->>'eligible')::boolean is distinct from new.eligible
	   or b->>'return_to' is distinct from new.return_to or b->>'document' is distinct from new.document
	   or (b->>'deadline')::timestamptz is distinct from new.deadline or (b->>'at')::timestamptz is distinct from new.at
	   or b->>'deadline_event' is distinct from new.deadline_event
	   or (b->>'effective_date')::date is distinct from new.effective_date or (b->>'until')::date is distinct from new.until_date then
		raise exception 'file %: the event and its body differ', new.file using errcode = 'EN004', constraint = 'event_chain';
	end if;
	if f.kind = 'amendment' and new.event = 'countersign'
	   and not exists (select 1 from file p where p.id = f.parent and p.state = 'ended') then
		raise exception 'file %: its parent is still in force', new.file using errcode = 'EN005', constraint = 'event_replace';
	end if;
	if new.to_state = 'conventioned' and new.event = 'countersign' and (
	   not exists (select 1 from signature s where s.file = new.file and s.party = 'applicant' and s.digest = f.document and s.voided_seq is null)
	   or not exists (select 1 from signature s where s.file = new.file and s.party = 'caisse' and s.digest = f.document and s.voided_seq is null)
	   or (f.practice_mode <> 'liberal' and not exists (select 1 from signature s where s.file = new.file and s.party = 'employer'
	       and s.digest = f.document and s.voided_seq is null))) then
		raise exception 'file %: a signature is missing', new.file using errcode = 'EN005', constraint = 'event_signatures';
	end if;

	if new.event in ('countersign', 'renew') then -- the others do not pay for it
		select p.value into strict years from policy p where p.name = 'convention_years';
	end if;

	update file set
		state = new.to_state, version = new.seq, caisse = new.caisse, deadline = new.deadline, deadline_event = new.deadline_event,
		eligible = new.eligible, return_to = new.return_to,
		kind = case when new.event = 'countersign' then 'convention' else kind end,
		holder = new.holder,
		holder_since = case when new.holder is null then null when new.holder is distinct from f.holder then new.at else f.holder_since end,
		holder_acted_at = case when new.holder is null then null
			when new.holder is distinct from f.holder or new.actor = 'agent:' || new.holder then new.at else f.holder_acted_at end,
		queue_since = case when new.to_state = 'in_review' then coalesce(f.queue_since, new.at) else f.queue_since end,
		state_since = case when new.to_state <> f.state then new.at else f.state_since end,
		submitted_at = case when new.event in ('submit', 'resubmit') then new.at else f.submitted_at end,
		deposited_at = case when new.event = 'submit' then coalesce(f.deposited_at, new.at) else f.deposited_at end,
		correction_at = case when new.to_state = 'correction' then new.at else null end,
		paused_days = f.paused_days + case when f.state = 'correction' and new.to_state <> 'correction'
			then paris_day(new.at) - paris_day(f.correction_at) else 0 end,
		entered_review = f.entered_review or new.to_state = 'expert_review'
			or (new.to_state = 'appealed' and coalesce(f.refused_by in ('expert', 'clock'), false)),
		was_suspended = new.to_state = 'leaving' and (f.state = 'suspended' or (f.state = 'leaving' and f.was_suspended)),
		refused_by = case when new.to_state = 'refused' and f.state <> 'appealed' then new.role else f.refused_by end,
		refused_actor = case when new.to_state = 'refused' and f.state <> 'appealed' then new.actor else f.refused_actor end,
		decided_at = case when new.to_state in ('refused', 'to_sign') and f.state not in ('refused', 'to_sign') then new.at else f.decided_at end,
		notified_at = case when new.to_state in ('refused', 'to_sign') and f.state not in ('refused', 'to_sign') then null else f.notified_at end,
		appealed = f.appealed or new.event = 'appeal',
		document = case when new.event in ('approve', 'countersign') then coalesce(new.document, f.document) when new.to_state = 'in_review' then null else f.document end,
		effective_date = coalesce(new.effective_date, f.effective_date),
		term = case when new.event in ('countersign', 'renew') then (coalesce(case when new.event = 'renew' then f.term end, new.effective_date) + make_interval(years => years))::date else f.term end,
		until_date = case when new.to_state = 'suspended' then coalesce(new.until_date, f.until_date) else null end,
		routed_as = case when new.caisse is distinct from f.caisse then f.route_caisse else f.routed_as end,
		from_caisse = case when f.caisse is not null and new.caisse is distinct from f.caisse then f.caisse else f.from_caisse end,
		from_caisse_at = case when f.caisse is not null and new.caisse is distinct from f.caisse then new.at else f.from_caisse_at end
	where id = new.file;
	return new;
end $$;

-- As in 0003, and alone an expert refuses nobody where the policy asks for two. The row is held until the decision stands: a
-- change comes before it or after it, and invariant_4 finds the same.
create or replace function event_second_person() returns trigger
language plpgsql security definer set search_path = enroll, pg_temp as $$
declare two int;
begin
	if new.event = 'propose_ineligible' and new.to_state = 'refused' then
		select p.value into strict two from policy p where p.name = 'two_experts' for share;
		if two <> 0 then
			raise exception 'file %: a second expert is asked for', new.file using errcode = 'EN005', constraint = 'event_two_experts';
		end if;
	end if;
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
create or replace view invariant_4_decided_alone as
	select c.file from event c where c.event = 'confirm_ineligible' and c.actor =
	  (select p.actor from event p where p.file = c.file and p.event = 'propose_ineligible' and p.seq < c.seq order by p.seq desc limit 1)
	union
	select a.file from event a where a.event in ('uphold', 'overturn') and a.role <> 'clock' and a.actor =
	  (select r.actor from event r where r.file = a.file and r.to_state = 'refused' and r.seq < a.seq order by r.seq desc limit 1)
	union
	select e.file from event e where e.event = 'propose_ineligible' and e.to_state = 'refused' and policy_at('two_experts', e.at) <> 0;

-- As in 0004 and 0016: shown until so many yearly confirmations are missed. The day is made once, not for each row.
create or replace view published as
	select p.*, f.caisse, f.effective_date, f.version
	  from profile p join file f on f.id = p.file
	 where (f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended))
	   and f.effective_date <= (select paris_today())
	   and p.confirmed_on > (select (paris_today() - make_interval(years => x.value))::date from policy x where x.name = 'missed_confirmations');
create or replace view directory_count as
	select n.conventioned, n.leaving, n.later, n.unlisted, n.conventioned + n.leaving - n.later - n.unlisted as listed
	  from (select (select coalesce(sum(x.n), 0)::bigint
	                  from (select t.total as n from closed_total t
	                         where t.measure = 'state:conventioned' and t.day = (select max(k.day) from closed_total k)
	                        union all
	                        select d.n from delta d
	                         where d.measure = 'state:conventioned'
	                           and d.day > coalesce((select max(k.day) from closed_total k), '-infinity')) x) as conventioned,
	               (select count(*) from file f where f.state = 'leaving' and not f.was_suspended) as leaving,
	               (select count(*) from file f
	                 where (f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended))
	                   and f.effective_date > (select paris_today())) as later,
	               -- OFFSET 0: one look at the file of each, however many the planner expects.
	               (select count(*) from profile p
	                 where p.confirmed_on <= (select (paris_today() - make_interval(years => x.value))::date from policy x where x.name = 'missed_confirmations')
	                   and exists (select 1 from file f where f.id = p.file
	                                and (f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended))
	                                and f.effective_date <= (select paris_today()) offset 0)) as unlisted
	         offset 0) n;
