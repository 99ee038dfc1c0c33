#include "lane.h"
#include <string.h>

const struct statement tx_begin = { "tx_begin", "begin" };
STATEMENT(tx_begin);
const struct statement tx_commit_statement = { "tx_commit", "commit" };
STATEMENT(tx_commit_statement);
const struct statement tx_rollback_statement = { "tx_rollback", "rollback" };
STATEMENT(tx_rollback_statement);

/* The link is given back; what is left open on it is rolled back first. */
static void let_go(struct tx *t)
{
	if (!t->link)
		return;
	t->link->rollback = true;
	t->link->tx = NULL;
	if (t->link->next) {
		t->link->next->state = SEGMENT_DONE;
		t->link->next = NULL;
	}
	t->lanes->news = true;
	t->link = NULL;
}

/* The pool goes away with the transaction still open. */
static void forget(void *arg)
{
	let_go(arg);
}

struct tx *tx_new(struct lanes *l, struct pool *pool)
{
	struct tx *t = POOL_NEW(pool, struct tx);
	*t = (struct tx){ .lanes = l, .pool = pool };
	pool_defer(pool, forget, t);
	return t;
}

struct segment *tx_flight(struct tx *t, segment_done *done, void *arg)
{
	struct segment *s = segment_make(t->lanes, t->pool, LANE_WRITE, done, arg);
	s->tx = t;
	t->flight = s;
	return s;
}

void tx_commit(struct tx *t)
{
	if (t->flight && t->flight->state == SEGMENT_NEW)
		t->flight->commit = true;
}

void tx_rollback(struct tx *t)
{
	if (t->flight && t->flight->state == SEGMENT_QUEUED) {
		segment_unqueue(t->flight);
		t->flight->state = SEGMENT_DONE;
	}
	let_go(t);
	t->state = TX_ENDED;
}

void tx_synced(struct tx *t, struct segment *s, struct link *k)
{
	if (t->link != k) /* rolled back meanwhile */
		return;
	if (!s->err && !s->commit) {
		t->state = TX_OPEN;
		return;
	}
	t->state = s->err ? TX_FAILED : TX_ENDED;
	/* A COMMIT that was refused (a deferred constraint) has ended the transaction by itself. */
	k->rollback = !pg_outside(k->pg);
	k->tx = NULL;
	t->link = NULL;
}
