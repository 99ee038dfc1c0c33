-- A piece on its way in slices: what was acknowledged stays, sealed as pieces are, until it is whole or a day has passed
-- without a slice. It is its person's alone: no agent ever sees that there is one.
create table upload (
	id         bigint generated always as identity primary key,
	file       bigint not null references file on delete cascade,
	account    bigint not null default my_account() references account on delete cascade,
	kind       text not null,           -- as in piece: judged when it begins, and again when it is whole
	for_row    text,
	name       bytea not null,          -- sealed
	size       bigint not null check (size between 1 and 10485760),
	got        bigint not null default 0 check (got between 0 and size), -- acknowledged
	piece      bigint,                  -- what it became; its slices are gone then
	touched_at timestamptz not null default enroll_now()
);
create index upload_file on upload (file);
create index upload_account on upload (account);
create table upload_chunk (
	upload bigint not null references upload on delete cascade,
	at     bigint not null,             -- offset of its first byte
	data   bytea not null,              -- sealed
	primary key (upload, at)
);

-- Of two that make it whole at once, one makes the piece.
create function upload_once() returns trigger language plpgsql as $$
begin
	if old.piece is not null then
		raise exception 'upload %: whole already', old.id using errcode = 'EN007', constraint = 'upload_once';
	end if;
	return new;
end $$;
create trigger upload_once before update of piece on upload for each row execute function upload_once();

alter table upload enable row level security;
create policy upload_own on upload using (
	case my_role()
		when 'applicant' then account = my_account()
		when 'system'    then true
		when 'clock'     then true
		else false
	end) with check (my_role() = 'applicant' and account = my_account() and file_seen(file));
alter table upload_chunk enable row level security;
create policy upload_chunk_of_upload on upload_chunk using (exists (select 1 from upload u where u.id = upload_chunk.upload));
grant select, insert, update, delete on upload, upload_chunk to enroll_service;
grant usage on all sequences in schema enroll to enroll_service;
