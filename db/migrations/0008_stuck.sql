-- Whose mail failed: file and time only, for the page of stuck files. An administrator reads no letter, but must know
-- that one did not leave.
create function failed_mails() returns table (file bigint, at timestamptz)
language sql stable security definer set search_path = enroll, pg_temp as $$
	select m.file, max(m.mail_at) from message m
	 where m.mail_state = 'failed' and m.file is not null and my_role() in ('delegate', 'expert', 'admin', 'system')
	 group by m.file
$$;
