-- From the stock of conventioned psychologists to what the directory shows, to the unit (domain.md §9, §10). Numbers of the
-- whole country, so that who may read no file may read them.
create view directory_count as
	select count(*) filter (where f.state = 'conventioned') as conventioned,
	       count(*) filter (where f.state = 'leaving') as leaving,
	       count(*) filter (where f.effective_date > (select paris_today())) as later,
	       count(*) filter (where f.effective_date <= (select paris_today())
	                          and not exists (select 1 from published p where p.file = f.id)) as unlisted,
	       (select count(*) from published) as listed
	  from file f where f.state = 'conventioned' or (f.state = 'leaving' and not f.was_suspended);
grant select on directory_count to enroll_service;
