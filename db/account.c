#include "account.h"

#include "outbox.h"

SQL(account_rate,
    "with n as (select count(*) as n from rate where bucket = $1 || ':' || lower($2) and at > enroll_now() - "
    "make_interval(secs => $3::float8)),"
    " i as (insert into rate (bucket) select $1 || ':' || lower($2) where (select n from n) < $4::int returning 1)"
    " select count(*) > 0 as allowed from i");
SQL(account_read,
    "select a.id, case when a.confirmed_at is not null then a.password_hash end as password_hash,"
    " sign_in_wait(lower($1)) as wait from (select 1) one left join account a on a.email_key = lower($1)");
SQL(account_lock, "select pg_advisory_xact_lock(hashtextextended('sign_in:' || lower($1), 0))");
SQL(account_wait, "select sign_in_wait(lower($1)) as wait");
SQL(account_failed, "insert into sign_in_failure (email_key) select lower($1) where sign_in_wait(lower($1)) = 0");
/* The password may have been chosen again while the old one was being verified. */
SQL(account_signed_in, "with a as (select id, email_key from account where id = $2::bigint and password_hash = $3 and "
		       "sign_in_wait(lower($1)) = 0),"
		       " f as (delete from sign_in_failure x using a where x.email_key = a.email_key)"
		       " insert into session (digest, account, csrf, expires_at)"
		       " select $4, a.id, $5, enroll_now() + interval '2 hours' from a returning digest");
SQL(session_gone, "delete from session where digest = $1");

SQL(account_add,
    "insert into account (email, email_key) values ($1, lower($1)) on conflict on constraint account_email do nothing");
SQL(account_confirm, "insert into account_token (digest, account, kind, expires_at, password_hash)"
		     " select $3, a.id, 'confirm', 'infinity', $2 from account a where a.email_key = lower($1)"
		     " and a.confirmed_at is null");
SQL(account_tell,
    "with m as (insert into message (account, audience, kind, params) select a.id, 'account',"
    " case when a.confirmed_at is null then 'confirm_account' else 'account_exists' end,"
    " case when a.confirmed_at is null then $2 else $3 end from account a where a.email_key = lower($1) returning id)"
    " insert into outbox (kind, ref, due) select 'message', id, " OUTBOX_FIRST " from m");
SQL(account_token, "select account from account_token where kind = $1 and digest = $2 and used_at is null"
		   " and expires_at > enroll_now()");
SQL(account_confirmed,
    "with t as (update account_token set used_at = enroll_now() where digest = $1 and kind = 'confirm' and used_at is "
    "null returning account, password_hash),"
    " a as (update account set confirmed_at = enroll_now(), password_hash = coalesce(t.password_hash, "
    "account.password_hash) from t where account.id = t.account and account.confirmed_at is null returning account.id),"
    " other as (update account_token k set used_at = enroll_now() from a where k.account = a.id and k.kind = 'confirm'"
    " and k.used_at is null and k.digest <> $1)"
    " select id from a");
SQL(account_forgot,
    "with a as (select id from account where email_key = lower($1)),"
    " t as (insert into account_token (digest, account, kind, expires_at) select $2, id, 'reset', enroll_now() + "
    "interval '24 hours' from a),"
    " m as (insert into message (account, audience, kind, params) select id, 'account', 'reset_password', $3 from a "
    "returning id)"
    " insert into outbox (kind, ref, due) select 'message', id, " OUTBOX_FIRST " from m");
/* Of an account `a` whose password is another now: its owner is told, every session, failure and link ends. */
#define PASSWORD_CHANGED                                                                                          \
	" m as (insert into message (account, audience, kind, params) select id, 'account', 'password_changed', " \
	"'{}' from a returning id),"                                                                              \
	" o as (insert into outbox (kind, ref) select 'message', id from m),"                                     \
	" s as (delete from session x using a where x.account = a.id),"                                           \
	" f as (delete from sign_in_failure x using a where x.email_key = a.email_key),"                          \
	" k as (update account_token x set used_at = enroll_now() from a where x.account = a.id and x.used_at is null"
/* Who reads the mail owns the address: it is confirmed by this too, and the account opens again. */
SQL(account_reset,
    "with t as (update account_token set used_at = enroll_now() where digest = $1 and kind = 'reset' and used_at is "
    "null and expires_at > enroll_now() returning account),"
    " a as (update account set password_hash = $2, confirmed_at = coalesce(confirmed_at, enroll_now()) from t"
    " where account.id = t.account returning account.id, account.email_key)," PASSWORD_CHANGED
    " and x.digest <> $1) select id from a");
/* As account_signed_in: the password may have been chosen again meanwhile. */
SQL(account_change, "with a as (update account set password_hash = $3 where id = $1::bigint and password_hash = $2"
		    " and sign_in_wait(email_key) = 0 returning id, email_key)," PASSWORD_CHANGED
		    ") insert into session (digest, account, csrf, expires_at)"
		    " select $4, id, $5, enroll_now() + interval '2 hours' from a returning digest");
