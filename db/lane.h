/*
 * Inside of the lanes, shared by lane.c and tx.c only.
 *
 * A link is one connection of a lane. What was sent on it waits for its answers in `ring`, in order. A transaction
 * holds a link of the write lane from its first flight to its end; such a link has one flight at most on its way.
 */
#ifndef DB_LANE_H
#define DB_LANE_H

#include "pg.h"

enum { RING = 64 };

struct segment {
	struct lanes *lanes;
	struct pool *pool;
	enum lane lane;
	segment_done *done;
	void *arg;
	struct tx *tx;
	bool commit; /* COMMIT travels with it */
	bool cancelled;
	bool finished;
	bool retried;  /* lost once with a connection and queued again */
	bool anywhere; /* a standby may answer it */
	int tries;     /* times that it was undone by a deadlock, or met a plan older than the schema */
	bool begin;    /* BEGIN travels with it */
	enum { SEGMENT_NEW, SEGMENT_QUEUED, SEGMENT_NEXT, SEGMENT_SENT, SEGMENT_DONE } state;
	struct ask {
		const struct statement *st;
		const struct arg *args;
		size_t count;
	} * asks;
	size_t asked, room;
	const struct rows **rows; /* one for each ask, once sent */
	size_t answered;          /* of what travels: BEGIN, the asks, COMMIT */
	bool refused;             /* the server refused one of them (err tells), the rest was skipped */
	size_t refused_at;
	struct err *err;     /* set when it failed */
	struct queue *queue; /* a lane's, or that of the ended ones not told yet */
	struct segment *previous, *next;
	struct link *link; /* while sent */
	int64_t queued_at;
};

enum slot_kind { SLOT_WORDS, SLOT_SETUP, SLOT_SEGMENT, SLOT_ROLLBACK };
struct slot {
	enum slot_kind kind;
	struct segment *segment; /* NULL: its pool was freed meanwhile */
};

struct link {
	struct lanes *lanes;
	enum lane lane;
	struct pg *pg;
	enum { LINK_DOWN, LINK_CONNECTING, LINK_SETUP, LINK_UP } state;
	int socket, fd;      /* fd: the watcher's duplicate, or -1 */
	unsigned long inode; /* of the socket that fd duplicates */
	bool want_read, want_write, told_read, told_write;
	int64_t since; /* when this attempt to connect began */
	int64_t retry_at;
	unsigned failures;
	struct slot ring[RING];
	unsigned head, count;
	size_t prepared; /* statements settled so far */
	bool one_by_one; /* one was refused: the others each under a sync of its own */
	const struct statement *
		*unprepared; /* those the server refused to prepare: they are sent as text, and fail where used */
	size_t unprepared_count;
	struct tx *tx;
	struct segment *next; /* the transaction's flight to send */
	bool rollback;        /* before anything else */
	bool recycle;         /* close when nothing is on its way: standby, or plans gone stale */
	bool dirty;           /* something to flush */
};

struct queue {
	struct segment *first, *last;
	int count;
};

struct lanes {
	struct lanes_options o;
	char *dsn, *application;
	lanes_watch *watch;
	void *context;
	struct link *links;
	size_t link_count;
	size_t first[LANE_COUNT], n[LANE_COUNT]; /* links of a lane */
	struct queue queues[LANE_COUNT];
	struct queue ended; /* done is to be called */
	const struct statement *const *statements;
	size_t statement_count;
	size_t cancelled;
	bool news; /* something was queued since the last dispatch */
	bool closing;
	uint64_t random;
	struct lanes_counts counts;
};

struct tx {
	struct lanes *lanes;
	struct pool *pool;
	struct link *link;
	struct segment *flight; /* the latest one */
	enum { TX_NEW, TX_OPEN, TX_FAILED, TX_ENDED } state;
};

extern const struct statement tx_begin, tx_commit_statement, tx_rollback_statement;

struct segment *segment_make(struct lanes *l, struct pool *pool, enum lane lane, segment_done *done, void *arg);
void segment_unqueue(struct segment *s); /* out of whatever queue it is in */
/* tx.c: what the end of a flight means for its transaction, before done is called. */
void tx_synced(struct tx *t, struct segment *s, struct link *k);

#endif
