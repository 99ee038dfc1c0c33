-- What every request calls, in PL/pgSQL: it keeps its plans for the session, where an SQL function that cannot be inlined
-- (security definer, several expressions) is planned again each time.
create or replace function identity_set(role text, account bigint, agent bigint, caisses text, file bigint) returns void
language plpgsql volatile as $$
begin
	perform set_config('enroll.role', coalesce(role, ''), true), set_config('enroll.account', coalesce(account::text, ''), true),
	        set_config('enroll.agent', coalesce(agent::text, ''), true), set_config('enroll.caisses', coalesce(caisses, ''), true),
	        set_config('enroll.file', coalesce(file::text, ''), true);
end $$;
create or replace function parent_state(p_child bigint) returns text
language plpgsql stable security definer set search_path = enroll, pg_temp as $$
begin
	return (select p.state from file c join file p on p.id = c.parent where c.id = p_child);
end $$;
create or replace function open_child(p_parent bigint) returns boolean
language plpgsql stable security definer set search_path = enroll, pg_temp as $$
begin
	return exists (select 1 from file c where c.parent = p_parent and c.kind = 'amendment'
	   and c.state not in ('refused', 'ended', 'withdrawn', 'closed'));
end $$;
