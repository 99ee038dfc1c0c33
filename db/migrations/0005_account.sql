-- Accounts: what a link confirms, and when an account is closed to guessing.

-- Each confirmation link brings the password typed when it was asked for: nobody can put their own password behind
-- another person's address and wait for that person to confirm it.
alter table account_token add column password_hash text;

/*
 * Seconds until this account answers again: 5 failed sign-ins within 15 minutes close it for 15 (interface.md). The same
 * for addresses without an account. The answer stands under the advisory lock that account_lock takes.
 */
create function sign_in_wait(p_key text) returns bigint language sql stable as $$
	with w as (select f.at from sign_in_failure f where f.email_key = p_key order by f.at desc limit 5)
	select case when count(*) = 5 and max(at) - min(at) <= interval '15 minutes'
	                 and max(at) > enroll_now() - interval '15 minutes'
	            then greatest(1, ceil(extract(epoch from max(at) + interval '15 minutes' - enroll_now())))::bigint
	            else 0 end from w
$$;
