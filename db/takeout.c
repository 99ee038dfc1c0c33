#include "takeout.h"

SQL(takeout_account, "select email, created_at, confirmed_at from account where id = my_account()");
SQL(takeout_messages,
    "select m.id, m.at, m.kind, m.subject, m.body, f.number, m.opened_at, m.mail_state from message m"
    " left join file f on f.id = m.file where m.account = my_account() and m.subject is not null order by m.id");
