-- "May this file be seen?" asked once of a segment instead of once of every row of every table: the policies' own subplans
-- were half the time that PostgreSQL spent on a file's page, most of it in preparing them.
--
-- What file_read answered stands in enroll.seen until the identity changes or the transaction ends, which is as long as the
-- identity itself holds. Only a yes is kept. Those who see every file are asked nothing (a row's file exists: foreign keys).
create function file_seen(p_file bigint) returns boolean language plpgsql stable as $$
begin
	if current_setting('enroll.seen', true) = p_file::text then
		return true;
	elsif enroll.my_role() in ('admin', 'system', 'clock') then
		return p_file is not null;
	elsif exists (select 1 from enroll.file f where f.id = p_file) then
		perform set_config('enroll.seen', p_file::text, true);
		return true;
	end if;
	return false;
end $$;

create or replace function identity_set(role text, account bigint, agent bigint, caisses text, file bigint) returns void
language plpgsql volatile as $$
begin
	perform set_config('enroll.seen', '', true),
	        set_config('enroll.role', coalesce(role, ''), true), set_config('enroll.account', coalesce(account::text, ''), true),
	        set_config('enroll.agent', coalesce(agent::text, ''), true), set_config('enroll.caisses', coalesce(caisses, ''), true),
	        set_config('enroll.file', coalesce(file::text, ''), true);
end $$;

do $$
declare t text;
begin
	foreach t in array array['event', 'event_personal', 'working_copy', 'frozen_copy', 'check_result', 'opinion', 'correction_item',
	                         'document', 'signature', 'signing_code', 'notice', 'piece_opening'] loop
		execute format('alter policy %I_of_file on %I using (file_seen(file))', t, t);
	end loop;
end $$;
alter policy piece_of_file on piece using (file_seen(file) and (my_role() <> 'expert' or kind not in ('rib', 'rights')));
alter policy message_read on message using (
	case my_role()
		when 'applicant' then account = my_account()
		when 'delegate'  then audience = any (array(select 'caisse:' || c from unnest(my_caisses()) c)) or file_seen(file)
		when 'expert'    then audience = 'experts'
		when 'admin'     then audience = 'admins'
		when 'system'    then true
		when 'clock'     then true
		else false
	end);
