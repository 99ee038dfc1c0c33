-- The same clock, asked for at a third of the cost: PL/pgSQL keeps its plan for the session, an SQL function that cannot be
-- inlined is planned again by every statement that calls it.
create or replace function enroll_now() returns timestamptz language plpgsql stable as $$
begin
	return clock_timestamp() + make_interval(secs => coalesce((select value::float8 from meta where key = 'clock_offset'), 0));
end $$;
create or replace function paris_today() returns date language plpgsql stable as $$
begin
	return (enroll_now() at time zone 'Europe/Paris')::date;
end $$;
