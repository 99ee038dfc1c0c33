-- A session ends 2 hours after its last use, and 12 hours after it began however much it is used.
create or replace function identity_join(kind text, token text, p_issuer text, p_subject text, p_fingerprint text)
returns table (role text, account bigint, agent bigint, name text, email text, region text, caisses text, may_sign boolean,
               csrf text, now timestamptz, expired boolean)
language plpgsql volatile security definer set search_path = enroll, pg_temp as $$
begin
	role := 'visitor'; may_sign := false; expired := false; now := enroll_now();
	if kind = 'session' then
		select 'applicant', s.account, a.email, s.csrf into role, account, email, csrf
		  from session s join account a on a.id = s.account
		 where s.digest = token and s.expires_at > identity_join.now;
		if not found then
			role := 'visitor'; expired := true;
		else
			update session s set seen_at = identity_join.now,
			       expires_at = least(identity_join.now + interval '2 hours', s.created_at + interval '12 hours')
			 where s.digest = token and s.seen_at < identity_join.now - interval '1 minute';
		end if;
	elsif kind = 'agent' then
		select g.role, g.id, g.name, g.email, g.region, g.may_sign into role, agent, name, email, region, may_sign
		  from agent_certificate c join agent g on g.id = c.agent
		 where c.issuer = p_issuer and c.subject = p_subject and c.fingerprint = p_fingerprint
		   and c.revoked_at is null and g.active;
		if not found then
			role := 'visitor';
		else
			select string_agg(ac.caisse, ',' order by ac.caisse) into caisses from agent_caisse ac where ac.agent = identity_join.agent;
			if role = 'delegate' and caisses is null or role = 'region' and region is null then
				role := 'visitor';
			end if;
		end if;
	elsif kind in ('system', 'clock') then
		role := kind;
	end if;
	perform identity_set(role, account, agent, caisses, null);
	return next;
end $$;
