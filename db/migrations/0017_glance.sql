-- "May this file be seen?" and "what time is it?" were plpgsql calls for every row and every mention: 32 and 2 of a file's
-- page, an eighth of what PostgreSQL spent on it. What was answered already in this transaction is now compared in the
-- query itself; only who has not asked yet calls.
create function file_ask(p_file bigint) returns boolean language plpgsql stable as $$
begin
	if exists (select 1 from enroll.file f where f.id = p_file) then
		perform set_config('enroll.seen', p_file::text, true);
		return true;
	end if;
	return false;
end $$;
-- A function in SQL so that it becomes part of the query; '*': identity_set said that this role sees every file.
create or replace function file_seen(p_file bigint) returns boolean language sql stable as $$
	select current_setting('enroll.seen', true) in (p_file::text, '*') or enroll.file_ask(p_file)
$$;

create function clock_offset() returns float8 language plpgsql stable as $$
begin
	return coalesce((select m.value::float8 from enroll.meta m where m.key = 'clock_offset'), 0);
end $$;
-- Who has an identity has read the offset with it.
create or replace function enroll_now() returns timestamptz language plpgsql stable as $$
begin
	return clock_timestamp() + make_interval(secs => coalesce(nullif(current_setting('enroll.offset', true), '')::float8, enroll.clock_offset()));
end $$;

-- One expression: each statement of a function costs as much as all of this.
create or replace function identity_set(role text, account bigint, agent bigint, caisses text, file bigint) returns void
language plpgsql volatile as $$
declare was text;
begin
	was := set_config('enroll.offset', coalesce(nullif(current_setting('enroll.offset', true), ''), enroll.clock_offset()::text), true)
	    || set_config('enroll.seen', case when role in ('admin', 'system', 'clock') then '*' else '' end, true)
	    || set_config('enroll.role', coalesce(role, ''), true) || set_config('enroll.account', coalesce(account::text, ''), true)
	    || set_config('enroll.agent', coalesce(agent::text, ''), true) || set_config('enroll.caisses', coalesce(caisses, ''), true)
	    || set_config('enroll.file', coalesce(file::text, ''), true);
end $$;

-- The figures of a day are read from the index alone: 1 616 pages of the table for 1 710 rows, before.
alter table closed_total drop constraint closed_total_pkey, add primary key (day, caisse, measure) include (total);
