/*
 * What the operator's tool asks: people and their certificates, the clock, the invariants, the whole history. The
 * statements about files want identity_ask() as system before them in the same segment.
 */
#ifndef DB_OPERATE_H
#define DB_OPERATE_H

#include "db.h"

extern const struct statement operate_account; /* email, hash → id; no row: it is there already */
extern const struct statement
	operate_agent; /* role, name, email, region, may_sign, caisses (text[]) → id; no row: there already */
extern const struct statement
	operate_unknown; /* caisses (text[]), region or NULL → the first code that is none: code, is_caisse */
extern const struct statement operate_agent_known; /* email → id, role, name */
extern const struct statement
	operate_agents; /* every agent: id, role, name, email, region, may_sign, active, caisses, certificates */
extern const struct statement operate_any_account; /* n: accounts and agents */

extern const struct statement operate_certificate; /* serial, agent, issuer, subject, fingerprint, not_after */
extern const struct statement
	operate_revoke; /* serial or NULL, agent's email or NULL → serials that were good until now */
extern const struct statement operate_revoked; /* every revoked serial */

extern const struct statement operate_clock;      /* now, shift (seconds) */
extern const struct statement operate_clock_move; /* instant: forward only → now */

extern const struct statement operate_invariants; /* view, file: empty when all is well */

/* ---- the history ---- */
/* after file, after seq, how many: the columns of event, data (sealed) and whether it was erased */
extern const struct statement operate_events;
extern const struct statement operate_unfolded; /* files whose columns differ from their last event: file */
extern const struct statement operate_roots;    /* at, files, root, signature, the oldest first */
extern const struct statement operate_purges;   /* file, kinds, at */

#endif
