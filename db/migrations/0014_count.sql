-- The directory's count from what indexes hold: the stock, less the few that are not yet in force or no longer confirmed.
-- Asked of every published profile it took 0.86 s at 100 000 of them.
create index file_listed on file (state, effective_date)
	where state = 'conventioned' or (state = 'leaving' and not was_suspended);
create index profile_confirmed on profile (confirmed_on);
create or replace view directory_count as
	select n.conventioned, n.leaving, n.later, n.unlisted, n.conventioned + n.leaving - n.later - n.unlisted as listed
	  from (select (select count(*) from file f where f.state = 'conventioned') as conventioned,
	               (select count(*) from file f where f.state = 'leaving' and not f.was_suspended) as leaving,
	               (select count(*) from file f
	                 where (f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended))
	                   and f.effective_date > (select paris_today())) as later,
	               (select count(*) from profile p join file f on f.id = p.file
	                 where p.confirmed_on <= ((select paris_today()) - interval '2 years')::date
	                   and (f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended))
	                   and f.effective_date <= (select paris_today())) as unlisted
	         offset 0) n;
