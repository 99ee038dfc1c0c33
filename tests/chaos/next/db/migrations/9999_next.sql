-- What the release after this one might bring, for tests/chaos/machines.py alone: columns on the tables that are read and
-- written all the time, a table, an index. It adds and takes nothing away: the release before goes on meanwhile.
alter table file add column next_note text;
alter table event add column next_note text;
alter table session add column next_note text;
create table next_thing (
	file bigint primary key references file on delete cascade,
	note text not null
);
create index next_state on file (state, state_since);
grant select, insert on next_thing to enroll_service;
