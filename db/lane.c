#include "lane.h"
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../server/base/log.h"

enum {
	DEPTH = 32, /* segments on their way on the fast link: enough to hide the round trip, few enough to drop */
	QUEUE_MAX = 2000,
	SLOW_MS = 15000,
	CONNECT_US = 5000000, /* one attempt; the next one starts with another host */
	WAIT_US = 8000000,    /* in a queue, then ERR_BUSY */
	BACKOFF_FIRST_US = 50000,
	BACKOFF_MOST_US = 2000000,
	TRIES = 3,
};

static const char *const lane_names[] = { "fast", "write", "slow", "standby" };

/* ---- segments ---- */

static void forget(void *arg);

struct segment *segment_make(struct lanes *l, struct pool *pool, enum lane lane, segment_done *done, void *arg)
{
	struct segment *s = POOL_NEW(pool, struct segment);
	*s = (struct segment){ .lanes = l, .pool = pool, .lane = lane, .done = done, .arg = arg };
	pool_defer(pool, forget, s);
	return s;
}

struct segment *segment_new(struct lanes *l, struct pool *pool, enum lane lane, segment_done *done, void *arg)
{
	return segment_make(l, pool, lane, done, arg);
}

size_t segment_ask(struct segment *s, const struct statement *st, const struct arg *args, size_t count)
{
	if (s->asked == s->room) {
		struct ask *more = POOL_ARRAY(s->pool, struct ask, s->room ? s->room * 2 : 8);
		if (s->asked)
			memcpy(more, s->asks, s->asked * sizeof *more);
		s->room = s->room ? s->room * 2 : 8;
		s->asks = more;
	}
	s->asks[s->asked] = (struct ask){ .st = st, .count = count };
	if (count)
		s->asks[s->asked].args = pool_copy(s->pool, args, count * sizeof *args);
	return s->asked++;
}

void segment_anywhere(struct segment *s)
{
	s->anywhere = true;
}

static void queue_put(struct queue *q, struct segment *s, bool first)
{
	s->queue = q;
	s->previous = first ? NULL : q->last;
	s->next = first ? q->first : NULL;
	*(s->previous ? &s->previous->next : &q->first) = s;
	*(s->next ? &s->next->previous : &q->last) = s;
	q->count++;
}

void segment_unqueue(struct segment *s)
{
	struct queue *q = s->queue;
	if (!q)
		return;
	*(s->previous ? &s->previous->next : &q->first) = s->next;
	*(s->next ? &s->next->previous : &q->last) = s->previous;
	s->previous = s->next = NULL;
	s->queue = NULL;
	q->count--;
	if (s->cancelled) {
		s->cancelled = false;
		s->lanes->cancelled--;
	}
}

static void set_err(struct segment *s, enum err_kind kind, const char *text, const char *detail)
{
	if (!s->err)
		s->err = POOL_NEW(s->pool, struct err);
	fail(s->err, kind, text);
	snprintf(s->err->detail, sizeof s->err->detail, "%s", detail);
}

/* Its end is told by drain(): a done may free other segments that have ended, forget() then takes them out. */
static void end(struct segment *s)
{
	s->state = SEGMENT_DONE;
	s->link = NULL;
	queue_put(&s->lanes->ended, s, false);
}

static void end_with(struct segment *s, enum err_kind kind, const char *text, const char *detail)
{
	set_err(s, kind, text, detail);
	if (kind == ERR_BUSY)
		s->lanes->counts.busy++;
	else if (kind == ERR_UNSURE)
		s->lanes->counts.unsure++;
	if (s->tx)
		s->tx->state = TX_FAILED;
	end(s);
}

static void drain(struct lanes *l)
{
	struct segment *s;
	while ((s = l->ended.first)) {
		segment_unqueue(s);
		s->finished = true;
		if (s->done)
			s->done(s, s->arg); /* may free its pool, and others */
	}
}

/* The pool goes away before the segment is done: nothing may point to it any more. */
static void forget(void *arg)
{
	struct segment *s = arg;
	segment_unqueue(s);
	if (s->state == SEGMENT_SENT) {
		struct link *k = s->link;
		for (unsigned i = 0; i < k->count; i++) {
			struct slot *slot = &k->ring[(k->head + i) % RING];
			if (slot->segment == s)
				slot->segment = NULL;
		}
	} else if (s->state == SEGMENT_NEXT) {
		s->tx->link->next = NULL;
	}
	s->state = SEGMENT_DONE;
}

int segment_send(struct segment *s, struct err *e)
{
	struct lanes *l = s->lanes;
	struct tx *t = s->tx;
	if (s->state != SEGMENT_NEW)
		return fault(e, "a segment is sent once");
	for (size_t i = 0; i < s->asked; i++)
		if (s->asks[i].count > PG_ARGS_MAX)
			return fault(e, "too many arguments for %s", s->asks[i].st->name);
	if (t && t->state == TX_FAILED) {
		/* Its connection was lost between two flights: nothing of it was done. */
		fail(e, ERR_RETRY, "error.retry");
		snprintf(e->detail, sizeof e->detail, "transaction lost");
		return -1;
	}
	if (t && (t->state == TX_ENDED || (t->state == TX_OPEN && !t->link) || t->flight != s ||
		  (t->link && (t->link->next || t->link->count))))
		return fault(e, "a flight out of turn");
	s->queued_at = clock_monotonic();
	if (t && t->link) {
		s->state = SEGMENT_NEXT;
		t->link->next = s;
		l->news = true;
		return 0;
	}
	if (l->closing || l->queues[s->lane].count >= l->o.queue_max) {
		l->counts.busy++;
		fail(e, ERR_BUSY, "error.busy");
		snprintf(e->detail, sizeof e->detail, "%s lane full", lane_names[s->lane]);
		return -1;
	}
	s->state = SEGMENT_QUEUED;
	queue_put(&l->queues[s->lane], s, false);
	l->news = true;
	return 0;
}

void segment_cancel(struct segment *s)
{
	/* What may write is finished: only reads that wait are dropped, at the next dispatch. */
	if (s->state != SEGMENT_QUEUED || s->lane == LANE_WRITE || s->cancelled)
		return;
	s->cancelled = true;
	s->lanes->cancelled++;
	s->lanes->news = true;
}

bool segment_failed(const struct segment *s, struct err *e)
{
	if (!s->err)
		return false;
	*e = *s->err;
	return true;
}

const struct rows *segment_rows(const struct segment *s, size_t index)
{
	return s->rows && index < s->asked ? s->rows[index] : NULL;
}

/* ---- links ---- */

static void tell(struct link *k)
{
	struct lanes *l = k->lanes;
	if (!l->watch || k->fd < 0 || (k->want_read == k->told_read && k->want_write == k->told_write))
		return;
	k->told_read = k->want_read;
	k->told_write = k->want_write;
	l->watch(l->context, k->fd, k->want_read, k->want_write);
}

/* The watcher closes its duplicate when told that nothing is wanted any more. */
static void unwatch(struct link *k)
{
	if (k->fd < 0)
		return;
	k->want_read = k->want_write = false;
	if (k->told_read || k->told_write)
		tell(k);
	else
		close(k->fd);
	k->fd = -1;
}

static void want(struct link *k, bool to_read, bool to_write)
{
	struct stat st;
	k->socket = pg_socket(k->pg);
	/* While connecting libpq may go to another host: another socket, perhaps under the same number. */
	if (k->lanes->watch && k->socket >= 0 && k->state <= LINK_SETUP && fstat(k->socket, &st) == 0 &&
	    (k->fd < 0 || (unsigned long)st.st_ino != k->inode)) {
		unwatch(k);
		k->fd = fcntl(k->socket, F_DUPFD_CLOEXEC, 0);
		k->inode = (unsigned long)st.st_ino;
		k->told_read = k->told_write = false;
	}
	k->want_read = to_read;
	k->want_write = to_write;
	tell(k);
}

static void backoff(struct link *k)
{
	struct lanes *l = k->lanes;
	int64_t us = BACKOFF_FIRST_US;
	for (unsigned i = 0; i < k->failures && us < BACKOFF_MOST_US; i++)
		us *= 2;
	if (us > BACKOFF_MOST_US)
		us = BACKOFF_MOST_US;
	k->failures++;
	/* xorshift: between three quarters and five quarters of it, so that links do not come back all at once */
	l->random ^= l->random << 13;
	l->random ^= l->random >> 7;
	l->random ^= l->random << 17;
	us = us * 3 / 4 + (int64_t)(l->random % (uint64_t)(us / 2));
	k->retry_at = clock_monotonic() + us;
}

/* Was the COMMIT, or outside of a transaction the sync, possibly carried out? Not when something before it was refused.
 */
static bool maybe_done(const struct segment *s)
{
	if (s->tx && !s->commit)
		return false;
	return !s->refused || s->refused_at >= s->asked + s->begin;
}

static void ended_by_loss(struct segment *s)
{
	if (s->lane == LANE_WRITE && maybe_done(s))
		end_with(s, ERR_UNSURE, "error.unsure", "connection lost after the commit was sent");
	else if (s->refused && s->err->kind != ERR_BUSY)
		end(s);
	else if (s->tx)
		end_with(s, ERR_RETRY, "error.retry", "connection lost before the commit");
	else
		end_with(s, ERR_BUSY, "error.busy", "connection lost");
}

/* Nothing of it was done: to the front of its queue, as if it had not been sent. */
static void ask_again(struct segment *s)
{
	s->rows = NULL;
	s->answered = 0;
	s->refused = false;
	s->err = NULL;
	s->link = NULL;
	s->state = SEGMENT_QUEUED;
	queue_put(&s->lanes->queues[s->lane], s, true);
	s->lanes->news = true;
}

/* Everything that was on its way is queued again or ends. `why` is for the log. */
static void lost(struct link *k, const char *why)
{
	struct lanes *l = k->lanes;
	bool was_up = k->state == LINK_UP;
	unwatch(k);
	pg_close(k->pg);
	k->pg = NULL;
	k->socket = -1;
	k->state = LINK_DOWN;
	k->rollback = k->recycle = k->dirty = false;
	k->unprepared_count = k->prepared = 0;
	k->one_by_one = false;
	if (was_up) {
		l->counts.lost++;
		l->counts.connected--;
	}
	/* Attempts that fail are told at first, then about twice a minute. */
	if (!l->closing && (was_up || k->failures % 16 == 0))
		log_event(LOG_WARN, was_up ? "db.lost" : "db.no_connection", "lane", lane_names[k->lane], "why", why);
	backoff(k);

	struct tx *t = k->tx;
	if (t) {
		t->link = NULL;
		t->state = TX_FAILED;
		k->tx = NULL;
	}
	struct segment *again[RING];
	size_t n = 0;
	for (; k->count; k->count--, k->head = (k->head + 1) % RING) {
		struct segment *s = k->ring[k->head].segment;
		if (!s)
			continue;
		if (s->lane != LANE_WRITE && !s->retried && !l->closing)
			again[n++] = s;
		else
			ended_by_loss(s);
	}
	/* To the front of the queue, in their order. */
	while (n) {
		struct segment *s = again[--n];
		s->retried = true;
		ask_again(s);
	}
	if (k->next) {
		struct segment *s = k->next;
		k->next = NULL;
		end_with(s, ERR_RETRY, "error.retry", "connection lost before it was sent");
	}
}

static struct slot *ring_put(struct link *k, enum slot_kind kind, struct segment *s)
{
	struct slot *slot = &k->ring[(k->head + k->count++) % RING];
	*slot = (struct slot){ .kind = kind, .segment = s };
	k->dirty = true;
	return slot;
}

static bool unprepared(const struct link *k, const struct statement *st)
{
	for (size_t i = 0; i < k->unprepared_count; i++)
		if (k->unprepared[i] == st)
			return true;
	return false;
}

static int ask(struct link *k, const struct statement *st, const struct arg *args, size_t count)
{
	return pg_ask(k->pg, st, args, count, !unprepared(k, st));
}

/* ---- setting up: the session's words, then every statement; one that cannot be prepared does not stop the others ----
 */

static int setup_send(struct link *k)
{
	struct lanes *l = k->lanes;
	if (!k->prepared) {
		char sql[512];
		bool all = l->o.slow <= 0; /* a tool's only connection */
		snprintf(sql, sizeof sql,
			 "select " PG_SESSION ", set_config('statement_timeout', '%d', false), "
			 "set_config('lock_timeout', '%d', false), "
			 "set_config('idle_in_transaction_session_timeout', '%d', false)",
			 all                                               ? 0
			 : k->lane == LANE_SLOW || k->lane == LANE_STANDBY ? l->o.slow_timeout_ms
			 : k->lane == LANE_FAST                            ? 10000
									   : 30000,
			 k->lane == LANE_WRITE ? 5000 : 0, all ? 300000 : 30000);
		const struct statement words = { "session_words", sql };
		/* A sync of their own: a statement that cannot be prepared would undo them. */
		if (pg_ask(k->pg, &words, NULL, 0, false) || pg_sync(k->pg))
			return -1;
		ring_put(k, SLOT_WORDS, NULL);
	}
	/*
	 * All under one sync; once one of them was refused (a schema not migrated yet), each under its own, so that a
	 * refusal costs one statement and not the rest of them.
	 */
	size_t upto = l->statement_count;
	if (k->one_by_one && upto > k->prepared + RING / 2)
		upto = k->prepared + RING / 2;
	for (size_t i = k->prepared; i < upto; i++) {
		if (pg_prepare(k->pg, l->statements[i]))
			return -1;
		if (!k->one_by_one && i + 1 < upto)
			continue;
		ring_put(k, SLOT_SETUP, NULL);
		if (pg_sync(k->pg))
			return -1;
	}
	if (upto > k->prepared)
		return 0;
	ring_put(k, SLOT_SETUP, NULL);
	return pg_sync(k->pg);
}

static void setup_answer(struct link *k, const struct pg_answer *a)
{
	struct lanes *l = k->lanes;
	if (a->got == PG_ROWS) {
		k->prepared++;
	} else if (a->got == PG_ERROR && k->prepared < l->statement_count) {
		log_event(LOG_DEBUG, "db.unprepared", "statement", l->statements[k->prepared]->name, "code",
			  a->error.sqlstate);
		k->unprepared[k->unprepared_count++] = l->statements[k->prepared++];
		k->one_by_one = true;
	}
}

static void link_up(struct link *k)
{
	if (k->failures > 1)
		log_event(LOG_INFO, "db.back", "lane", lane_names[k->lane]);
	k->state = LINK_UP;
	k->failures = 0;
	k->lanes->counts.connected++;
	k->lanes->news = true;
}

static void connecting(struct link *k)
{
	switch (pg_connecting(k->pg)) {
	case PG_FAILED:
		lost(k, "refused");
		break;
	case PG_WANT_READ:
		want(k, true, false);
		break;
	case PG_WANT_WRITE:
		want(k, false, true);
		break;
	case PG_UP:
		k->state = LINK_SETUP;
		if (setup_send(k))
			lost(k, "setup");
		else
			want(k, true, false);
		break;
	}
}

static void link_open(struct link *k)
{
	struct err e;
	k->since = clock_monotonic();
	k->pg = pg_open(k->lanes->dsn, k->lanes->application, k->failures, k->lane == LANE_STANDBY, &e);
	if (!k->pg) {
		backoff(k);
		return;
	}
	k->state = LINK_CONNECTING;
	/* The first wish, before the first poll, is to write; a failed start shows at once. */
	if (pg_socket(k->pg) < 0)
		lost(k, "refused");
	else
		want(k, false, true);
}

static void receive(struct link *k);

static void flush(struct link *k)
{
	struct pg *pg = k->pg;
	int more = pg_flush(pg);
	k->dirty = false;
	if (more >= 0 && pg_socket(pg) >= 0) {
		want(k, true, more > 0);
		return;
	}
	/* What had arrived before the end still counts. */
	receive(k);
	if (k->pg == pg)
		lost(k, "write");
}

/* ---- sending and receiving ---- */

static int send(struct link *k, struct segment *s)
{
	size_t n = s->asked;
	s->begin = s->tx && s->tx->state == TX_NEW;
	s->rows = POOL_ARRAY(s->pool, const struct rows *, n);
	s->answered = 0;
	s->refused = false;
	if (s->begin && ask(k, &tx_begin, NULL, 0))
		return -1;
	for (size_t i = 0; i < n; i++)
		if (ask(k, s->asks[i].st, s->asks[i].args, s->asks[i].count))
			return -1;
	if (s->commit && ask(k, &tx_commit_statement, NULL, 0))
		return -1;
	if (pg_sync(k->pg))
		return -1;
	s->state = SEGMENT_SENT;
	s->link = k;
	ring_put(k, SLOT_SEGMENT, s);
	k->lanes->counts.segments++;
	return 0;
}

static const char *travels(const struct segment *s, size_t index)
{
	if (s->begin && index-- == 0)
		return "begin";
	return index < s->asked ? s->asks[index].st->name : "commit";
}

static void refuse(struct link *k, struct segment *s, const struct pg_error *x)
{
	if (s->refused)
		return;
	s->refused = true;
	s->refused_at = s->answered;
	s->err = POOL_NEW(s->pool, struct err);
	pg_error_tell(x, travels(s, s->answered), s->err);
	/* The session no longer fits: a standby where a primary was, or a statement that is not there. */
	if (!strcmp(x->sqlstate, "25006") || !strcmp(x->sqlstate, "26000"))
		k->recycle = true;
	/* The schema was changed under all of them: every connection prepares again. */
	for (size_t i = 0; x->stale_plan && i < k->lanes->link_count; i++)
		k->lanes->links[i].recycle |= k->lanes->links[i].state == LINK_UP;
}

static void segment_answer(struct link *k, struct segment *s, struct pg_answer *a)
{
	size_t i = s->answered - s->begin; /* wraps for BEGIN itself */
	switch (a->got) {
	case PG_ROWS:
		if (i < s->asked) {
			s->rows[i] = pg_rows(s->pool, a->result);
		} else {
			const struct rows *r = pg_rows(s->pool, a->result);
			/* The COMMIT of a failed transaction answers ROLLBACK, without an error. */
			if (i == s->asked && s->commit && strcmp(rows_tag(r), "COMMIT") != 0 && !s->refused) {
				s->refused = true;
				s->refused_at = s->answered;
				s->err = POOL_NEW(s->pool, struct err);
				fault(s->err, "the commit was a rollback");
			}
		}
		s->answered++;
		break;
	case PG_ERROR:
		refuse(k, s, &a->error);
		if (s->answered < s->asked + s->begin + s->commit)
			s->answered++;
		break;
	case PG_ABORTED:
		s->answered++;
		break;
	default:
		break;
	}
}

static void synced(struct link *k)
{
	struct slot slot = k->ring[k->head];
	k->head = (k->head + 1) % RING;
	k->count--;
	switch (slot.kind) {
	case SLOT_WORDS:
		break;
	case SLOT_SETUP:
		if (k->count)
			break;
		if (k->prepared < k->lanes->statement_count) {
			if (setup_send(k))
				lost(k, "setup");
			else
				flush(k);
		} else {
			link_up(k);
		}
		break;
	case SLOT_ROLLBACK:
		if (!pg_outside(k->pg))
			lost(k, "rollback failed");
		else
			k->lanes->news = true; /* the link is free */
		break;
	case SLOT_SEGMENT:
		k->lanes->news = true;
		if (!slot.segment) {
			/* Whatever it left open is closed: a forgotten flight, at the worst, was a transaction. */
			if (k->lane == LANE_WRITE)
				k->rollback = !pg_outside(k->pg);
			break;
		}
		if (slot.segment->tx) {
			tx_synced(slot.segment->tx, slot.segment, k);
		} else if (slot.segment->refused && slot.segment->err->kind == ERR_RETRY &&
			   slot.segment->tries++ < TRIES) {
			ask_again(slot.segment); /* its own transaction, undone as a whole */
			break;
		}
		end(slot.segment);
		break;
	}
}

static void receive(struct link *k)
{
	struct pg *pg = k->pg;
	bool gone = pg_read(pg) < 0;
	char why[6] = "";
	while (k->pg == pg && k->count) {
		struct pg_answer a;
		if (pg_next(pg, &a) == PG_NOTHING)
			break;
		if (a.got == PG_GONE) {
			gone = true;
			break;
		}
		struct slot *slot = &k->ring[k->head];
		if (a.got == PG_ERROR)
			memcpy(why, a.error.sqlstate, sizeof why);
		if (a.got == PG_SYNC) {
			synced(k);
			drain(k->lanes);
		} else if (slot->kind == SLOT_SEGMENT && slot->segment) {
			segment_answer(k, slot->segment, &a);
		} else {
			pg_drop(a.result);
			if (slot->kind == SLOT_SETUP)
				setup_answer(k, &a);
			else if (slot->kind == SLOT_WORDS && a.got == PG_ERROR)
				gone = true;
		}
	}
	if (gone && k->pg == pg)
		lost(k, *why ? why : "closed");
}

/* A link of this lane that can take a segment now, or NULL. */
static struct link *link_for(struct lanes *l, enum lane lane)
{
	struct link *best = NULL;
	bool shared = lane == LANE_FAST && l->links[l->first[lane]].lane != LANE_FAST;
	unsigned depth = lane == LANE_STANDBY || (lane == LANE_FAST && !shared) ? DEPTH : 1;
	for (size_t i = 0; i < l->n[lane]; i++) {
		struct link *k = &l->links[l->first[lane] + i];
		if (k->state != LINK_UP || k->tx || k->rollback || k->recycle || k->count >= depth)
			continue;
		if (!best || k->count < best->count)
			best = k;
	}
	return best;
}

/* The one that more_links() opens next, or NULL: one after the other, so none while one is on its way. */
static struct link *link_to_open(const struct lanes *l, enum lane lane)
{
	size_t i = l->first[lane], beyond = i + l->n[lane];
	while (i < beyond && l->links[i].state == LINK_UP)
		i++;
	return i < beyond && l->links[i].state == LINK_DOWN ? &l->links[i] : NULL;
}

/* One more connection when every open one is at work. */
static void more_links(struct lanes *l, enum lane lane)
{
	struct link *k = link_to_open(l, lane);
	if (k && clock_monotonic() >= k->retry_at)
		link_open(k);
}

static void send_or_lose(struct link *k, struct segment *s)
{
	if (send(k, s) == 0)
		return;
	/* Without its sync nothing of it is carried out: it may wait for another connection. */
	s->state = SEGMENT_QUEUED;
	if (s->tx && !s->begin) {
		end_with(s, ERR_RETRY, "error.retry", "connection lost before it was sent");
	} else {
		if (s->tx)
			s->tx->link = NULL;
		k->tx = NULL;
		queue_put(&k->lanes->queues[s->lane], s, true);
	}
	lost(k, "send");
}

static void fill(struct lanes *l, enum lane lane)
{
	struct queue *q = &l->queues[lane];
	struct segment *s;
	while ((s = q->first)) {
		struct link *k = link_for(l, lane);
		if (!k) {
			more_links(l, lane);
			return;
		}
		segment_unqueue(s);
		if (s->tx) {
			k->tx = s->tx;
			s->tx->link = k;
		}
		send_or_lose(k, s);
	}
}

/* Has this lane lost the database, so that a standby is asked what it may answer? */
bool lanes_on_standby(const struct lanes *l, enum lane lane)
{
	bool lost_it = l->n[LANE_STANDBY] > 0;
	for (size_t i = 0; i < l->n[lane]; i++)
		lost_it &= l->links[l->first[lane] + i].state != LINK_UP;
	return lost_it && l->links[l->first[lane]].failures;
}

static void divert(struct lanes *l)
{
	struct queue *there = &l->queues[LANE_STANDBY];
	bool away[LANE_COUNT] = { false };
	if (!l->n[LANE_STANDBY])
		return;
	for (int lane = 0; lane < LANE_STANDBY; lane++) {
		away[lane] = lane != LANE_WRITE && lanes_on_standby(l, (enum lane)lane);
		for (struct segment *s = away[lane] ? l->queues[lane].first : NULL, *next; s; s = next) {
			next = s->next;
			if (!s->anywhere || s->cancelled)
				continue;
			segment_unqueue(s);
			queue_put(there, s, false);
		}
	}
	for (struct segment *s = there->first, *next; s; s = next) {
		next = s->next;
		if (away[s->lane] || s->cancelled)
			continue;
		segment_unqueue(s);
		queue_put(&l->queues[s->lane], s, false);
	}
	/* Not kept: it might once be the last to hold on to a machine that is no longer anyone's standby. */
	struct link *k = &l->links[l->first[LANE_STANDBY]];
	if (k->state == LINK_UP && !k->count && !there->first && !away[LANE_FAST] && !away[LANE_SLOW])
		k->recycle = true;
}

static void drop_cancelled(struct lanes *l)
{
	for (int lane = 0; lane < LANE_COUNT && l->cancelled; lane++) {
		for (struct segment *s = l->queues[lane].first, *next; s; s = next) {
			next = s->next;
			if (!s->cancelled)
				continue;
			segment_unqueue(s);
			l->counts.dropped++;
			set_err(s, ERR_BUSY, "error.busy", "cancelled");
			end(s);
		}
	}
}

static void drop_old(struct lanes *l, int64_t now)
{
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		struct segment *s;
		while ((s = l->queues[lane].first) && now - s->queued_at >= WAIT_US) {
			segment_unqueue(s);
			end_with(s, ERR_BUSY, "error.busy", "waited too long for a connection");
		}
	}
}

/* Open before anybody asks. */
static bool is_eager(const struct lanes *l, size_t i)
{
	return i == l->first[l->links[i].lane] && l->links[i].lane != LANE_STANDBY;
}

/* What a link needs besides new segments. */
static void tend(struct link *k, int64_t now, bool eager)
{
	if (k->state == LINK_DOWN) {
		if (eager && now >= k->retry_at)
			link_open(k);
		return;
	}
	if (k->state != LINK_UP) {
		if (now - k->since >= CONNECT_US)
			lost(k, "timeout");
		return;
	}
	if (k->rollback && !k->count) {
		k->rollback = false;
		if (!pg_outside(k->pg)) {
			if (ask(k, &tx_rollback_statement, NULL, 0) || pg_sync(k->pg))
				lost(k, "rollback");
			else
				ring_put(k, SLOT_ROLLBACK, NULL);
		}
	} else if (k->recycle && !k->count && !k->tx) {
		k->failures = 0;
		lost(k, "recycled");
	} else if (k->next) {
		struct segment *s = k->next;
		k->next = NULL;
		send_or_lose(k, s);
	}
}

void lanes_dispatch(struct lanes *l)
{
	int64_t now = clock_monotonic();
	for (int round = 0; round < 4 && (l->news || !round); round++) {
		l->news = false;
		if (l->cancelled)
			drop_cancelled(l);
		drop_old(l, now);
		divert(l);
		for (size_t i = 0; i < l->link_count; i++)
			tend(&l->links[i], now, is_eager(l, i));
		for (int lane = 0; lane < LANE_COUNT; lane++)
			fill(l, (enum lane)lane);
		for (size_t i = 0; i < l->link_count; i++)
			if (l->links[i].dirty)
				flush(&l->links[i]);
		drain(l);
	}
}

void lanes_ready(struct lanes *l, int fd, bool readable, bool writable)
{
	for (size_t i = 0; i < l->link_count; i++) {
		struct link *k = &l->links[i];
		if (!k->pg || (l->watch ? k->fd : k->socket) != fd)
			continue;
		if (k->state == LINK_CONNECTING) {
			connecting(k);
		} else {
			if (readable)
				receive(k);
			/* A partial write may wait for the server to read, and the server for us: both are always
			 * tried. */
			if (k->pg && (writable || k->dirty))
				flush(k);
		}
		drain(l);
		return;
	}
}

int lanes_timeout(const struct lanes *l)
{
	if (l->news || l->ended.first)
		return 0;
	int64_t now = clock_monotonic(), at = INT64_MAX;
	for (size_t i = 0; i < l->link_count; i++) {
		const struct link *k = &l->links[i];
		int64_t t = INT64_MAX;
		if (k->state == LINK_DOWN && is_eager(l, i))
			t = k->retry_at;
		else if (k->state == LINK_CONNECTING || k->state == LINK_SETUP)
			t = k->since + CONNECT_US;
		if (t < at)
			at = t;
	}
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		const struct segment *s = l->queues[lane].first;
		const struct link *k = s ? link_to_open(l, (enum lane)lane) : NULL;
		if (s && s->queued_at + WAIT_US < at)
			at = s->queued_at + WAIT_US;
		if (k && k->retry_at < at)
			at = k->retry_at;
	}
	if (at == INT64_MAX)
		return -1;
	return at <= now ? 0 : (int)((at - now) / 1000) + 1;
}

bool lanes_up(const struct lanes *l)
{
	for (int lane = 0; lane < LANE_STANDBY; lane++) {
		bool up = !l->n[lane];
		for (size_t i = 0; i < l->n[lane]; i++)
			up |= l->links[l->first[lane] + i].state == LINK_UP;
		if (!up)
			return false;
	}
	return true;
}

struct lanes_counts lanes_counts(const struct lanes *l)
{
	struct lanes_counts c = l->counts;
	for (int lane = 0; lane < LANE_COUNT; lane++)
		c.waiting[lane] = l->queues[lane].count;
	return c;
}

/* ---- opening and closing ---- */

struct lanes *lanes_open(const struct lanes_options *o, lanes_watch *watch, void *context, struct err *e)
{
	int wanted[LANE_COUNT] = { [LANE_FAST] = o->fast, [LANE_WRITE] = o->write, [LANE_SLOW] = o->slow };
	size_t hosts;
	struct lanes *l = calloc(1, sizeof *l);
	if (!l) {
		fault(e, "no memory for the lanes");
		return NULL;
	}
	l->o = *o;
	l->watch = watch;
	l->context = context;
	l->random = (uint64_t)clock_monotonic() * 2654435761u + (uintptr_t)l + 1;
	l->statement_count = statements_all(&l->statements);
	if (pg_check(o->dsn, &hosts, e)) {
		free(l);
		return NULL;
	}
	wanted[LANE_STANDBY] = o->standby && hosts > 1;
	if (l->o.queue_max <= 0)
		l->o.queue_max = QUEUE_MAX;
	if (l->o.slow_timeout_ms <= 0)
		l->o.slow_timeout_ms = SLOW_MS;
	for (int i = 0; i < LANE_COUNT; i++)
		l->link_count += (size_t)(wanted[i] > 0 ? wanted[i] : 0);
	if (!l->link_count || wanted[LANE_WRITE] <= 0) {
		free(l);
		fault(e, "lanes without a connection that writes");
		return NULL;
	}
	l->dsn = strdup(o->dsn ? o->dsn : "");
	l->application = strdup(o->application_name ? o->application_name : "enroll");
	l->links = calloc(l->link_count, sizeof *l->links);
	bool ok = l->dsn && l->application && l->links;
	size_t at = 0;
	for (int lane = 0; ok && lane < LANE_COUNT; lane++) {
		l->first[lane] = at;
		for (int i = 0; i < wanted[lane]; i++, at++) {
			struct link *k = &l->links[at];
			*k = (struct link){ .lanes = l, .lane = (enum lane)lane, .socket = -1, .fd = -1 };
			k->unprepared = calloc(l->statement_count + 1, sizeof(struct statement *));
			ok &= k->unprepared != NULL;
			l->n[lane]++;
		}
	}
	/* A lane without a connection of its own shares those of the write lane. */
	for (int lane = 0; lane < LANE_STANDBY; lane++)
		if (!wanted[lane] || wanted[lane] < 0) {
			l->first[lane] = l->first[LANE_WRITE];
			l->n[lane] = l->n[LANE_WRITE];
		}
	if (!ok) {
		fault(e, "no memory for the lanes");
		lanes_close(l);
		return NULL;
	}
	return l;
}

void lanes_end(struct lanes *l)
{
	l->closing = true;
	for (size_t i = 0; l->links && i < l->link_count; i++) {
		struct link *k = &l->links[i];
		if (k->pg)
			lost(k, "closing");
	}
	for (int lane = 0; lane < LANE_COUNT; lane++) {
		struct segment *s;
		while ((s = l->queues[lane].first)) {
			segment_unqueue(s);
			end_with(s, ERR_BUSY, "error.busy", "closing");
		}
	}
	drain(l);
}

void lanes_close(struct lanes *l)
{
	if (!l)
		return;
	lanes_end(l);
	for (size_t i = 0; l->links && i < l->link_count; i++)
		free(l->links[i].unprepared);
	free(l->links);
	free(l->dsn);
	free(l->application);
	free(l);
}

/* ---- waiting, for tools ---- */

enum { POLL_MOST = 64 };

int db_wait(struct lanes *l, const bool *flag, struct err *e)
{
	if (l->watch)
		return fault(e, "db_wait() on lanes that a loop watches");
	while (!*flag) {
		struct pollfd fds[POLL_MOST];
		nfds_t n = 0;
		lanes_dispatch(l);
		if (*flag)
			break;
		for (size_t i = 0; i < l->link_count && n < POLL_MOST; i++) {
			struct link *k = &l->links[i];
			if (k->pg && k->socket >= 0)
				fds[n++] = (struct pollfd){ .fd = k->socket,
							    .events = (short)((k->want_read ? POLLIN : 0) |
									      (k->want_write ? POLLOUT : 0)) };
		}
		int ms = lanes_timeout(l);
		if (poll(fds, n, ms < 0 ? 1000 : ms) <= 0)
			continue; /* a timer, or a signal */
		for (nfds_t i = 0; i < n; i++)
			if (fds[i].revents)
				lanes_ready(l, fds[i].fd, fds[i].revents & (POLLIN | POLLERR | POLLHUP),
					    fds[i].revents & (POLLOUT | POLLERR | POLLHUP));
	}
	return 0;
}

int db_send_wait(struct segment *s, struct err *e)
{
	if (s->done)
		return fault(e, "db_send_wait() on a segment that tells someone else");
	if (segment_send(s, e) || db_wait(s->lanes, &s->finished, e))
		return -1;
	return segment_failed(s, e) ? -1 : 0;
}

int db_run(struct lanes *l, struct pool *pool, enum lane lane, const struct statement *st, const struct arg *args,
	   size_t count, const struct rows **out, struct err *e)
{
	struct segment *s = segment_new(l, pool, lane, NULL, NULL);
	size_t i = segment_ask(s, st, args, count);
	if (db_send_wait(s, e))
		return -1;
	if (out)
		*out = segment_rows(s, i);
	return 0;
}
