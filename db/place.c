#include "place.h"

SQL(place_queue,
    "with p as (update place set asked_at = enroll_now() where (file, n) in (select file, n from place where asked_at "
    "is null order by file, n limit $1::int) returning file)"
    " insert into outbox (file, kind, ref) select distinct file, 'geocode', file from p");
SQL(place_to_ask,
    "select p.n, p.address, p.postcode, p.commune, c.name, c.lon, c.lat from place p join commune c on c.code = "
    "p.commune where p.file = $1::bigint and p.precision = 'commune' order by p.n");
SQL(place_found,
    "update place set lon = $5::float8, lat = $6::float8, at = point($5::float8, $6::float8), precision = $7"
    " where file = $1::bigint and n = $2::int and address = $3 and commune = $4");
