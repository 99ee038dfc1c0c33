-- What a retention that is over erases was not all of it (domain.md §8).

-- The proof of a check stays: result, codes, source, time, and the hash of the evidence. The evidence itself goes (NULL);
-- until then it is what its hash says, whoever may write it.
alter table check_result alter column evidence drop not null,
	add constraint check_result_evidence check (evidence is null or evidence_hash = encode(sha256(convert_to(evidence, 'UTF8')), 'hex'));
grant update (evidence) on check_result to enroll_purge;

-- Who opened which piece, and when, stays as well; what was typed to open it goes.
revoke delete on piece_opening from enroll_purge;
grant update (reason) on piece_opening to enroll_purge;

grant update (fnps, commune, route_explained) on file to enroll_purge;

-- Proofs are erased in every state after the countersignature: an event that leaves a file in "leaving" keeps how it came there.
create or replace function event_apply() returns trigger
language plpgsql security definer set search_path = enroll, pg_temp as $$
declare
	f file%rowtype;
	b jsonb := new.body::jsonb;
	last_hash text;
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
		term = case when new.event in ('countersign', 'renew') then (coalesce(case when new.event = 'renew' then f.term end, new.effective_date) + interval '1 year')::date else f.term end,
		until_date = case when new.to_state = 'suspended' then coalesce(new.until_date, f.until_date) else null end,
		routed_as = case when new.caisse is distinct from f.caisse then f.route_caisse else f.routed_as end,
		from_caisse = case when f.caisse is not null and new.caisse is distinct from f.caisse then f.caisse else f.from_caisse end,
		from_caisse_at = case when f.caisse is not null and new.caisse is distinct from f.caisse then new.at else f.from_caisse_at end
	where id = new.file;
	return new;
end $$;
