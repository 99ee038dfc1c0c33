-- What the dashboard and the clock ask often costs as much as there is to find, not as much as there are files.

-- The stock is added up from its deltas, as everywhere else on the page; only the exceptions are counted.
drop index file_listed;
create index file_effective on file (effective_date)
	where state = 'conventioned' or (state = 'leaving' and not was_suspended);
create index file_leaving on file (effective_date) where state = 'leaving' and not was_suspended;
create or replace view directory_count as
	select n.conventioned, n.leaving, n.later, n.unlisted, n.conventioned + n.leaving - n.later - n.unlisted as listed
	  from (select (select coalesce(sum(x.n), 0)::bigint
	                  from (select t.total as n from closed_total t
	                         where t.measure = 'state:conventioned' and t.day = (select max(k.day) from closed_total k)
	                        union all
	                        select d.n from delta d
	                         where d.measure = 'state:conventioned'
	                           and d.day > coalesce((select max(k.day) from closed_total k), '-infinity')) x) as conventioned,
	               (select count(*) from file f where f.state = 'leaving' and not f.was_suspended) as leaving,
	               (select count(*) from file f
	                 where (f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended))
	                   and f.effective_date > (select paris_today())) as later,
	               -- OFFSET 0: one look at the file of each, however many the planner expects.
	               (select count(*) from profile p
	                 where p.confirmed_on <= ((select paris_today()) - interval '2 years')::date
	                   and exists (select 1 from file f where f.id = p.file
	                                and (f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended))
	                                and f.effective_date <= (select paris_today()) offset 0)) as unlisted
	         offset 0) n;

-- Decisions that nobody has opened yet, looked for every minute.
create index file_unopened on file (decided_at) where notified_at is null and decided_at is not null;
