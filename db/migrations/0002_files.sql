-- A file (a candidature) and everything that hangs on it.

create sequence file_number;

create table file (
	id              bigint generated always as identity primary key,
	number          text not null unique default 'MSP-' || to_char(enroll_now(), 'YYYY') || '-' || lpad(nextval('file_number')::text, 7, '0'),
	kind            text not null default 'convention' check (kind in ('convention', 'amendment')),
	amends          text check (amends in ('address', 'employer', 'bank')),
	parent          bigint references file,
	account         bigint not null references account,
	created_at      timestamptz not null default enroll_now(),

	-- written by the history trigger alone
	state           text not null default 'draft' check (state in ('draft', 'submitted', 'expert_review', 'correction', 'unrouted',
	                'in_review', 'to_sign', 'to_countersign', 'conventioned', 'suspended', 'leaving', 'ended', 'refused', 'appealed',
	                'withdrawn', 'closed')),
	version         bigint not null default 0,
	caisse          text references caisse,
	holder          bigint references agent,
	deadline        timestamptz,
	deadline_event  text,
	eligible        boolean not null default false,
	return_to       text,
	holder_since    timestamptz,
	holder_acted_at timestamptz,
	queue_since     timestamptz,      -- first time in review: kept through corrections
	state_since     timestamptz not null default enroll_now(),
	submitted_at    timestamptz,      -- the latest submit or resubmit
	deposited_at    timestamptz,      -- the first complete deposit: the 4 months of R.162-61 run from here
	correction_at   timestamptz,
	paused_days     int not null default 0,     -- legal days spent in correction since the deposit
	entered_review  boolean not null default false, -- experts see it
	was_suspended   boolean not null default false,
	refused_by      text,             -- role: expert, delegate or clock
	refused_actor   text,
	decided_at      timestamptz,
	appealed        boolean not null default false,
	document        text,             -- digest of the convention to sign
	effective_date  date,
	term            date,             -- the convention's yearly term
	until_date      date,             -- end of a suspension
	routed_as       text,             -- the route when the file was last given to a caisse: only a new route moves it again
	from_caisse     text,             -- transferred away from here …
	from_caisse_at  timestamptz,      -- … which reads it for 30 days

	-- written at submit (and by the applicant's first opening)
	rpps            text,
	nir_hmac        text,
	iban_hmac       text,
	last_name       text,
	first_name      text,
	last_fold       text,
	first_fold      text,
	birth_date      date,
	search_key      text,             -- names, normalised: B-tree inside a caisse
	email_key       text,
	commune         text,             -- of the main place
	practice_mode   text,
	route_caisse    text references caisse,
	route_rule      text,
	route_confidence text,
	route_explained text,
	fnps            text,
	notified_at     timestamptz,      -- the applicant's first opening after the decision, else 15 days after it
	check (state = 'draft' or version > 0),
	check (kind = 'convention' or parent is not null),
	-- impossible state 1: a caisse works on a file before it is eligible
	constraint file_caisse_eligible check (state not in ('in_review', 'to_sign', 'to_countersign', 'conventioned', 'suspended', 'leaving')
	           or (eligible and caisse is not null)),
	-- impossible state 3
	constraint file_convention_eligible check (state not in ('conventioned', 'suspended', 'leaving') or (eligible and document is not null and effective_date is not null))
);
create index file_account on file (account);
create index file_caisse_state on file (caisse, state, queue_since);
create index file_caisse_name on file (caisse, search_key text_pattern_ops);
create index file_state on file (state);
create index file_due on file (deadline) where deadline is not null;
create index file_parent on file (parent) where parent is not null;
create index file_birth on file (last_fold, birth_date);
create index file_iban on file (iban_hmac);
-- impossible state 8 (D3): two live files for one person and kind
create unique index file_live_rpps on file (rpps, kind) where state in ('submitted', 'expert_review', 'correction', 'unrouted', 'in_review',
	'to_sign', 'to_countersign', 'conventioned', 'suspended', 'leaving', 'appealed');
create unique index file_live_nir on file (nir_hmac, kind) where state in ('submitted', 'expert_review', 'correction', 'unrouted', 'in_review',
	'to_sign', 'to_countersign', 'conventioned', 'suspended', 'leaving', 'appealed');
create unique index file_one_draft on file (account, kind) where state = 'draft';

-- History: append-only, one hash chain per file. body is canonical JSON (RFC 8785) of all that the hash covers.
create table event (
	file       bigint not null references file,
	seq        bigint not null,
	at         timestamptz not null,
	event      text not null,
	from_state text not null,
	to_state   text not null,
	role       text not null,
	actor      text not null,          -- account:12, agent:3, employer:5, clock, system
	caisse     text,
	holder     bigint,
	deadline   timestamptz,
	deadline_event text,
	eligible   boolean not null,
	return_to  text,
	document   text,
	effective_date date,
	until_date date,
	body       text not null,
	prev_hash  text not null,
	hash       text not null,
	primary key (file, seq)
);
create index event_at on event (at);

-- The erasable part of an event: what a person wrote. Its salted digest is in event.body.
create table event_personal (
	file bigint not null,
	seq  bigint not null,
	data bytea not null,              -- sealed JSON: {salt, text, reasons, items …}
	primary key (file, seq),
	foreign key (file, seq) references event
);

create function event_apply() returns trigger
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
		was_suspended = case when new.to_state = 'leaving' then f.state = 'suspended' else false end,
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
create trigger event_apply before insert on event for each row execute function event_apply();
create function event_is_final() returns trigger language plpgsql as $$
begin
	raise exception 'history is append-only' using errcode = 'EN006';
end $$;
create trigger event_is_final before update or delete on event for each row execute function event_is_final();

-- What the applicant is typing (revision of its own), and what was sent.
create table working_copy (
	file       bigint primary key references file on delete cascade,
	revision   bigint not null default 1,
	data       bytea not null,         -- sealed canonical XML of the answers
	touched_at timestamptz not null default enroll_now(),
	noticed_at timestamptz
);
create table frozen_copy (
	file   bigint not null references file,
	seq    bigint not null,            -- version that submitted it
	data   bytea,                      -- sealed; NULL once erased
	sha256 text not null,              -- of the canonical XML
	primary key (file, seq)
);

create table piece (
	id          bigint generated always as identity primary key,
	file        bigint not null references file on delete cascade,
	kind        text not null check (kind in ('diploma', 'diploma_extra', 'experience', 'identity', 'rights', 'rib', 'foreign_authorisation', 'message')),
	for_row     text,                  -- experience[0]
	name        bytea not null,        -- sealed
	type        text not null check (type in ('application/pdf', 'image/jpeg', 'image/png')),
	size        bigint not null check (size between 1 and 10485760),
	sha256      text not null,
	scan        text not null default 'waiting' check (scan in ('waiting', 'clean', 'infected')),
	scanned_at  timestamptz,
	problem     text,                  -- reason code of the deep check: active, encrypted, unreadable …
	pages       int,
	uploaded_at timestamptz not null default enroll_now(),
	removed_at  timestamptz,           -- replaced or taken away; its content may be gone
	erased_at   timestamptz
);
create index piece_file on piece (file);
create index piece_waiting on piece (id) where scan = 'waiting' and erased_at is null;
create table piece_chunk (
	piece bigint not null references piece on delete cascade,
	n     int not null,
	data  bytea not null,              -- sealed, 256 KiB of plain text each
	primary key (piece, n)
);
create table piece_opening (
	piece  bigint not null,
	file   bigint not null,
	actor  text not null,
	agent  bigint references agent,
	at     timestamptz not null default enroll_now(),
	reason text                         -- given to open a piece whose scan is waiting: counts as its waiver
);
create index piece_opening_file on piece_opening (file, at);

create table check_result (
	id            bigint generated always as identity primary key,
	file          bigint not null references file,
	seq           bigint not null,      -- version of the submit it judged
	code          text not null,
	result        text not null check (result in ('pass', 'fail', 'review', 'unavailable')),
	reason        text not null,
	source        text not null,
	at            timestamptz not null default enroll_now(),
	evidence      text not null,        -- canonical JSON
	evidence_hash text not null
);
create index check_result_file on check_result (file, id);
-- "je maintiens": the applicant explains why a failed check should not count; and the opinions of experts.
create table opinion (
	file          bigint not null references file,
	seq           bigint not null,
	code          text not null,        -- check
	kind          text not null check (kind in ('maintained', 'opinion')),
	evidence_hash text not null,        -- it stands while the evidence is the same
	actor         text not null,
	at            timestamptz not null default enroll_now(),
	primary key (file, seq, code, kind)
);
create table correction_item (
	id          bigint generated always as identity primary key,
	file        bigint not null references file,
	seq         bigint not null,        -- event that asked
	field       text,
	piece       text,                   -- piece kind, or kind:experience[0]
	code        text not null,
	answered_seq bigint,                -- resubmit that answered
	maintained  boolean
);
create index correction_item_file on correction_item (file, seq);

create table document (
	digest  text not null,
	file    bigint not null references file,
	version bigint not null,
	kind    text not null check (kind in ('convention', 'convention_sealed', 'receipt', 'letter')),
	data    bytea,                      -- sealed PDF
	at      timestamptz not null default enroll_now(),
	primary key (file, kind, version, digest)
);
create table signature (
	id         bigint generated always as identity primary key,
	file       bigint not null references file,
	seq        bigint not null,         -- event
	party      text not null check (party in ('applicant', 'employer', 'caisse')),
	actor      text not null,
	at         timestamptz not null,
	method     text not null,           -- email_code, certificate
	digest     text not null,
	voided_seq bigint                   -- by a recall
);
create unique index signature_standing on signature (file, party) where voided_seq is null;
create table signing_code (
	file       bigint not null references file,
	party      text not null check (party in ('applicant', 'employer')),
	digest     text not null,           -- HMAC of file, party, code
	sent_at    timestamptz not null default enroll_now(),
	expires_at timestamptz not null,
	attempts   int not null default 0,
	primary key (file, party)
);
create table employer_link (
	file       bigint primary key references file,
	digest     text not null unique,    -- of the link's token
	token      bytea not null,          -- sealed, to write the e-mail again
	created_at timestamptz not null default enroll_now(),
	void       boolean not null default false
);

create table message (
	id        bigint generated always as identity primary key,
	account   bigint references account, -- NULL: to agents
	audience  text not null,             -- account, employer, experts, admins, caisse:595
	file      bigint references file on delete set null,
	seq       bigint,                    -- event it tells
	kind      text not null,             -- letter's name: server/mail/<kind>.html
	at        timestamptz not null default enroll_now(),
	subject   text,                      -- frozen when rendered
	body      bytea,                     -- sealed HTML, frozen when rendered
	params    text not null default '{}',-- codes, never personal
	opened_at timestamptz,
	mail_state text not null default 'waiting' check (mail_state in ('waiting', 'sent', 'failed', 'none')),
	mail_at   timestamptz
);
create index message_account on message (account, at desc);
create index message_file on message (file);
create table outbox (
	id           bigint generated always as identity primary key,
	file         bigint,
	seq          bigint,
	kind         text not null,          -- checks, message, mail, seal, scan, identity_purge …
	ref          bigint,                 -- message or piece
	payload      text not null default '{}',
	at           timestamptz not null default enroll_now(),
	due          timestamptz not null default enroll_now(),
	leased_until timestamptz,
	attempts     int not null default 0,
	done_at      timestamptz,
	error        text                    -- code
);
create index outbox_due on outbox (due) where done_at is null;
create table notice (
	id   bigint generated always as identity primary key,
	file bigint not null references file on delete cascade,
	kind text not null,                  -- opened, reminder:14, alert:30, posted …
	seq  bigint not null default 0,      -- version it belongs to
	at   timestamptz not null default enroll_now(),
	unique (file, kind, seq)
);

create table idempotency (
	actor    text not null,
	key      text not null,
	hmac     text not null,
	status   int,
	location text,
	version  bigint,
	state    text,
	at       timestamptz not null default enroll_now(),
	primary key (actor, key)
);
create index idempotency_at on idempotency (at);

create table draft_gone (
	day   date not null,
	cause text not null check (cause in ('discarded', 'lapsed')),
	n     int not null
);
create table purge_log (
	id    bigint generated always as identity primary key,
	file  bigint not null,
	kinds text[] not null,
	at    timestamptz not null default enroll_now()
);
create table chain_root (
	at        timestamptz primary key default enroll_now(),
	files     bigint not null,
	root      text not null,
	signature text not null
);
create table export_log (
	agent bigint references agent,
	what  text not null,
	rows  bigint,
	at    timestamptz not null default enroll_now()
);

-- Figures: every event carries its deltas; a total is the last closed day plus the later deltas.
create table delta (
	id      bigint generated always as identity primary key,
	file    bigint not null,
	seq     bigint not null,
	day     date not null,
	caisse  text not null default '',    -- '' = non rattaché
	measure text not null,               -- state:in_review, submitted, approved, refused, refused:no_ars …
	n       int not null
);
create index delta_day on delta (day, measure, caisse) include (n);
create index delta_file on delta (file, measure);
create table closed_day (
	day       date primary key,
	closed_at timestamptz not null default enroll_now(),
	geography text not null,
	last_delta bigint not null
);
create table closed_total (
	day     date not null references closed_day,
	caisse  text not null,
	measure text not null,
	total   bigint not null,
	primary key (day, caisse, measure)
);
create table published_cell (
	day     date not null,               -- month end
	level   text not null,
	code    text not null,
	measure text not null,
	total   bigint,
	hidden  boolean not null,
	primary key (day, level, code, measure)
);
create table stage (
	file    bigint not null,
	seq     bigint not null,             -- event that left the state
	state   text not null,
	caisse  text not null default '',
	day     date not null,
	seconds bigint not null,
	primary key (file, seq)
);
create index stage_day on stage (day, state, caisse);

-- The directory.
create table profile (
	file        bigint primary key references file,
	name        text not null,
	public      text[] not null default '{}',
	languages   text[] not null default '{}',
	remote      boolean not null default false,
	website     text,
	email       text,
	phone       text,
	show_email  boolean not null default false,
	show_phone  boolean not null default false,
	confirmed_on date not null,
	unavailable_until date
);
create table place (
	file     bigint not null references file,
	n        int not null,
	address  text not null,
	postcode text not null,
	commune  text not null,
	lon      double precision,
	lat      double precision,
	at       point,
	primary key (file, n)
);
create index place_at on place using gist (at);
