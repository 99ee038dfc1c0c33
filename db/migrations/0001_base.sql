-- Reference data, time, people and their sessions. Run by the owner (enroll_owner), in schema enroll.
-- The service's role reads and writes only what is granted at the end of 0003; it owns nothing.

create table meta (
	key   text primary key,
	value text not null
);
comment on table meta is 'digests and the forward-only offset of the test clock';

-- Now, for every program: the machine's time plus the offset that tests and the demonstration may move forward.
create function enroll_now() returns timestamptz language sql stable as $$
	select clock_timestamp() + make_interval(secs => coalesce((select value::float8 from meta where key = 'clock_offset'), 0))
$$;
create function paris_day(at timestamptz) returns date language sql immutable as $$
	select (at at time zone 'Europe/Paris')::date
$$;
create function paris_today() returns date language sql stable as $$
	select paris_day(enroll_now())
$$;

create table region (
	code text primary key,
	name text not null,
	seat text,
	ars  text not null,
	zone text not null
);
create table departement (
	code    text primary key,
	name    text not null,
	region  text not null references region,
	seat    text,
	zone    text not null,
	viewbox text,
	path    text
);
create table caisse (
	code        text primary key,
	name        text not null,
	type        text not null,
	departement text not null,
	region      text not null references region
);
create table commune (
	code        text primary key,
	name        text not null,
	search_key  text not null,
	type        text not null,
	departement text,
	region      text,
	postcodes   text[] not null default '{}',
	population  bigint,
	lon         double precision,
	lat         double precision,
	caisse      text references caisse,
	method      text,
	confidence  text,
	valid_since date not null default '2026-01-01'
);
create index commune_search on commune (search_key text_pattern_ops);
create index commune_postcode on commune using gin (postcodes);

-- The workflow table of the C program (workflow/table.c), loaded at migrate: the history trigger obeys it.
create table transition (
	from_state text not null,
	event      text not null,
	role       text not null,
	to_state   text not null,
	primary key (from_state, event, role, to_state)
);

-- The registry (Annuaire Santé): one copy is current; a new one is swapped in atomically.
create table registry_copy (
	id            bigint generated always as identity primary key,
	source_name   text,
	source_day    date,
	imported_at   timestamptz not null default enroll_now(),
	lines_read    bigint not null default 0,
	lines_kept    bigint not null default 0,
	lines_refused bigint not null default 0,
	refused_lines jsonb not null default '[]',
	current       boolean not null default false
);
create unique index registry_copy_current on registry_copy (current) where current;
create table registry_line (
	copy        bigint not null,
	rpps        text not null,
	last_name   text,
	first_name  text,
	profession  text not null,
	mode        text,
	commune     text,
	departement text,
	postcode    text,
	authority   text,
	structure   text,
	line        bigint
);
create index registry_line_rpps on registry_line (rpps, copy);
create index registry_line_copy on registry_line (copy);

-- People.
create table account (
	id            bigint generated always as identity primary key,
	email         text not null,
	email_key     text not null,
	password_hash text,
	confirmed_at  timestamptz,
	created_at    timestamptz not null default enroll_now(),
	constraint account_email unique (email_key)
);
create table account_token (
	digest     text primary key,
	account    bigint not null references account on delete cascade,
	kind       text not null check (kind in ('confirm', 'reset')),
	created_at timestamptz not null default enroll_now(),
	expires_at timestamptz not null,
	used_at    timestamptz
);
create table sign_in_failure (
	email_key text not null,
	at        timestamptz not null default enroll_now()
);
create index sign_in_failure_recent on sign_in_failure (email_key, at);
create table rate (
	bucket text not null,
	at     timestamptz not null default enroll_now()
);
create index rate_recent on rate (bucket, at);

create table agent (
	id         bigint generated always as identity primary key,
	role       text not null check (role in ('expert', 'delegate', 'region', 'admin')),
	name       text not null,
	email      text not null,
	email_key  text not null,
	region     text references region,
	may_sign   boolean not null default false,
	active     boolean not null default true,
	created_at timestamptz not null default enroll_now(),
	constraint agent_email unique (email_key)
);
create table agent_caisse (
	agent  bigint not null references agent on delete cascade,
	caisse text not null references caisse,
	primary key (agent, caisse)
);
-- What a client certificate must say for its agent; rights are in the account row only.
create table agent_certificate (
	serial      text primary key,
	agent       bigint not null references agent on delete cascade,
	issuer      text not null,
	subject     text not null,
	fingerprint text not null,
	not_after   timestamptz not null,
	issued_at   timestamptz not null default enroll_now(),
	revoked_at  timestamptz
);
create index agent_certificate_subject on agent_certificate (issuer, subject);

create table session (
	digest     text primary key,
	account    bigint not null references account on delete cascade,
	csrf       text not null,
	created_at timestamptz not null default enroll_now(),
	seen_at    timestamptz not null default enroll_now(),
	expires_at timestamptz not null
);
create index session_account on session (account);

-- Who is asking: identity_join() sets these for exactly one segment. '' or nothing set means nobody, who sees no rows.
create function my_role() returns text language sql stable as $$ select coalesce(current_setting('enroll.role', true), '') $$;
create function my_account() returns bigint language sql stable as $$ select nullif(current_setting('enroll.account', true), '')::bigint $$;
create function my_agent() returns bigint language sql stable as $$ select nullif(current_setting('enroll.agent', true), '')::bigint $$;
create function my_file() returns bigint language sql stable as $$ select nullif(current_setting('enroll.file', true), '')::bigint $$;
create function my_caisses() returns text[] language sql stable as $$
	select string_to_array(nullif(current_setting('enroll.caisses', true), ''), ',')
$$;

create function identity_set(role text, account bigint, agent bigint, caisses text, file bigint) returns void
language sql volatile as $$
	select set_config('enroll.role', coalesce(role, ''), true), set_config('enroll.account', coalesce(account::text, ''), true),
	       set_config('enroll.agent', coalesce(agent::text, ''), true), set_config('enroll.caisses', coalesce(caisses, ''), true),
	       set_config('enroll.file', coalesce(file::text, ''), true)
$$;

/*
 * kind 'session': $2 is the digest of the token; 'agent': $3 … $5 are the certificate's; 'visitor', 'system', 'clock'.
 * Always one row. A delegate without a caisse and an observer without a region are nobody.
 */
create function identity_join(kind text, token text, p_issuer text, p_subject text, p_fingerprint text)
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
			update session s set seen_at = identity_join.now, expires_at = identity_join.now + interval '2 hours'
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
