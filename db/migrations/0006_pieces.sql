-- A piece comes in while its file is a draft or open for correction, never after it was sent: the lock on the file makes
-- an upload and a submit wait for one another.
create function piece_when_open() returns trigger
language plpgsql security definer set search_path = enroll, pg_temp as $$
begin
	if new.kind = 'message' then
		return new;
	end if;
	perform 1 from file f where f.id = new.file and f.state in ('draft', 'correction') for share;
	if not found then
		raise exception 'file %: sent already', new.file using errcode = 'EN007', constraint = 'piece_when_open';
	end if;
	return new;
end $$;
create trigger piece_when_open before insert on piece for each row execute function piece_when_open();
