/*
 * What a person may take with them beside their files: their account and their letters. Row-level security and
 * my_account() say whose.
 */
#ifndef DB_TAKEOUT_H
#define DB_TAKEOUT_H

#include "db.h"

extern const struct statement takeout_account;  /* email, created_at, confirmed_at */
extern const struct statement takeout_messages; /* id, at, kind, subject, body, number, opened_at, mail_state */

#endif
