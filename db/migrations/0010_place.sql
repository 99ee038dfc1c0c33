-- How well a place of the directory is known, and when the address service was asked for better than its commune.
alter table place add precision text not null default 'commune' check (precision in ('housenumber', 'street', 'locality', 'commune')),
	add asked_at timestamptz;
create index place_to_ask on place (file) where asked_at is null;
