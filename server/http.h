/*
 * Bytes in, bytes out: the two TLS listeners, HTTP/1.1 and HTTP/2, on one event loop per core. http.c alone knows
 * libh2o.
 *
 * For each request it makes a `struct request` and calls job_start(); the job answers once with http_answer(). When the
 * visitor leaves first, it calls job_gone() on the same thread: from then on http_answer() does nothing.
 */
#ifndef SERVER_HTTP_H
#define SERVER_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include "../db/db.h"
#include "base/crypto.h"
#include "service.h"

enum method { METHOD_GET, METHOD_POST, METHOD_DELETE, METHOD_PATCH, METHOD_HEAD, METHOD_OTHER };
enum listener { PUBLIC = 1, AGENTS = 2, BOTH = 3 };

struct loop; /* one event loop and its lanes */

struct request {
	struct loop *loop;
	enum method method;
	enum listener listener;
	const char *path;  /* decoded? no: as sent, without the query, 0-terminated */
	const char *query; /* after '?', or "" */
	const char *body;
	size_t body_size;
	const char *address;  /* of the peer, "127.0.0.1" */
	const char *head_bad; /* HTTP/1 without its one Host, or of unclear length: text's id, 400 */
	enum peer_state peer; /* agents' listener: what its certificate is worth, judged at this request */
	struct certificate certificate;
	struct pool *pool;     /* the job's */
	void *handle;          /* http.c's own; NULL once the visitor left */
	void *job;             /* job.c's own */
	const char *pattern;   /* the route's path, for the access log; never the path itself */
	const char *reference; /* of a logged fault, for the access log, or NULL */
	const char *who;       /* "account:12", "agent:3", for the access log; NULL: a visitor */
};

struct header {
	const char *name, *value;
};

/* NULL: absent or the visitor left; pooled copy. "host" is the authority on both protocols. */
const char *http_header(const struct request *r, const char *lower_case_name);
/* One contiguous body, copied unless it `lasts` (for the process's life). Security headers are added here. Called once,
 * on the loop's thread. */
void http_answer(struct request *r, int status, const struct header *headers, size_t count, const void *body,
		 size_t size, bool lasts);

struct lanes *loop_lanes(struct loop *l);
/* From any thread: runs fn(arg) on the loop's thread. */
void loop_post(struct loop *l, void (*fn)(void *), void *arg);

/* Binds both listeners and reads their certificates: from then on the kernel queues connections. */
int http_open(struct service *s, struct err *e) MUST_USE;
/*
 * Serves until SIGTERM, SIGINT or http_stop(): for ENROLL_DRAIN_SECONDS it goes on, but says "stopping" at /readyz and
 * asks every client to come back on another connection; then it stops listening, lets requests end for at most 10 s,
 * closes. A second signal cuts the wait short. SIGHUP
 * reads certificates again; a newer CRL or certificate file is noticed by itself within 2 s. Call it with those signals
 * blocked in every thread. jobs_start() comes before, jobs_stop() after. `ready` (or NULL) is called once, when every
 * loop has its database, or after 20 s all the same. Returns when all is closed.
 */
int http_run(struct service *s, void (*ready)(void), struct err *e) MUST_USE;
void http_stop(void);     /* any thread */
bool http_draining(void); /* it was told to stop and still serves */
/* Any thread: did every open loop turn within so many microseconds? Each turns once a second when nothing comes. */
bool http_turning(int64_t within);
/* Prometheus lines of its own counters. */
struct str;
void http_metrics(struct str *out);

#endif
