#include "profile.h"

#define MINE " from file f where f.id = p.file and f.id = $1::bigint and f.account = my_account()"

SQL(profile_read,
    "select p.name, array_to_string(p.public, ',') as public, array_to_string(p.languages, ',') as languages, "
    "p.remote, "
    "p.website,"
    " p.email, p.phone, p.show_email, p.show_phone, p.confirmed_on, p.unavailable_until, f.state, f.number,"
    " f.effective_date, exists (select 1 from published x where x.file = p.file) as published, paris_today() as today"
    " from profile p join file f on f.id = p.file where p.file = $1::bigint and f.account = my_account()"
    " and f.state in ('conventioned', 'suspended', 'leaving')");
SQL(profile_save,
    "update profile p set public = $2::text[], languages = $3::text[], remote = $4::boolean, website = $5,"
    " show_email = $6::boolean, show_phone = $7::boolean, unavailable_until = $8::date, confirmed_on = "
    "paris_today()" MINE);
SQL(profile_confirm, "update profile p set confirmed_on = paris_today()" MINE);
