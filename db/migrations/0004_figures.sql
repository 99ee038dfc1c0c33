-- Figures: the geography that a closed day was counted with, and the days per stage in a form that can be added up.

-- Per file and state the days of all its visits count once, at the caisse of the latest: a later visit takes back what
-- the earlier ones counted.
alter table stage add column before_seconds bigint, add column before_caisse text;

create table geography (
	digest      text not null,
	caisse      text not null,           -- '' = communes without a caisse
	name        text,
	departement text,
	region      text,
	population  bigint not null,
	primary key (digest, caisse)
);
comment on table geography is 'the caisses, where they were and for how many inhabitants, as closed days were counted';
create view geography_now as
	select c.code as caisse, c.name, c.departement, c.region, coalesce(p.population, 0)::bigint as population
	  from (select code, name, departement, region from caisse union all select '', null, null, null) c
	  left join (select coalesce(m.caisse, '') as caisse, sum(m.population) as population from commune m
	              where m.type = 'commune-actuelle' group by 1) p on p.caisse = c.code;

-- As closed_total, of the whole days in a stage: 'days:files days:files …'.
create table closed_stage (
	day    date not null references closed_day,
	caisse text not null,
	state  text not null,
	days   text not null,
	primary key (day, caisse, state)
);
-- Whole days, up to some three years.
create function stage_days(seconds bigint) returns int language sql immutable as $$
	select least(1023, greatest(0, round(seconds / 86400.0)))::int
$$;
create index closed_total_measure on closed_total (measure, day) include (caisse, total);

-- The same view, but that asks the day once and not for each row.
create or replace view published as
	select p.*, f.caisse, f.effective_date, f.version
	  from profile p join file f on f.id = p.file
	 where (f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended))
	   and f.effective_date <= (select paris_today())
	   and p.confirmed_on > ((select paris_today()) - interval '2 years')::date;

grant select on geography, geography_now, closed_stage to enroll_service, enroll_purge;
grant insert on geography, closed_stage to enroll_service;
