/*
 * One request's work, in steps that never wait: ask queues statements, answer reads rows; work burns CPU elsewhere.
 *
 *	static int queue_ask(struct job *j, struct err *e)
 *	{	struct queue_state *q = j->state = POOL_NEW(j->pool, struct queue_state);
 *		q->list = job_ask(j, &queue_list, ARGS(arg_text(…)));
 *		return 0;
 *	}
 *	static int queue_answer(struct job *j, struct err *e)
 *	{	const struct rows *r = job_rows(j, q->list);
 *		return job_page(j, 200, text("queue.title"), &queue_page, &view);
 *	}
 *
 * Order: routes.c finds the row (404 / 405 page) → body parsed (400, 413) → the first segment is sent: session or
 * certificate first (identity_join, which also sets row-level security), then what `ask` queued → the identity is
 * judged (401 sign-in page / 403; CSRF and same origin for writes) → `answer`. A step may go on: job_then() after more
 * job_ask()s, job_work() for a pool thread, job_fire() for an event. A step that returns -1 answers with the error's
 * page or problem+json; a fault is logged once with its reference. A step that neither answers nor goes on is a fault.
 *
 * `ask` runs before anybody is known: it only reads (row-level security is already that of who asks). Writes belong to
 * `answer` and after, through the route's lane. Without credentials a route for VISITOR that asks nothing never touches
 * the database. One pool per job: it outlives the request when the visitor leaves.
 */
#ifndef SERVER_JOB_H
#define SERVER_JOB_H

#include "../db/db.h"
#include "../forms/form.h"
#include "../workflow/fire.h"
#include "http.h"
#include "json.h"
#include "multipart.h"
#include "page.h"
#include "service.h"

struct job;
typedef int job_step(struct job *j, struct err *e);

enum { ROUTE_FOREVER = -1 };
struct route {
	enum method method;
	const char *path; /* "/dossiers/:id/pieces/:piece"; a segment ":x.pdf" is not possible */
	enum listener listener;
	unsigned who; /* roles or-ed; VISITOR lets everybody in. 0 does not build (static assert in routes.c) */
	enum lane lane;
	job_step *ask, *answer; /* ask may be NULL */
	const char *form;       /* id of the form of its body, or NULL: for OpenAPI; validation is the handler's call */
	bool upload;            /* multipart up to 11 MiB; all others 256 KiB */
	bool slice;             /* application/partial-upload up to 1 MiB, nothing else */
	const char *heads;      /* of the request, which it cannot do without, for OpenAPI: "Upload-Length" */
	bool bare;              /* nobody is looked up: static files, health */
	bool certified; /* and a bare one wants any certificate of the agents' authority, not revoked: metrics */
	bool standby; /* a standby may answer it when the primary is away: nothing that follows a write, no identity */
	int kept_ms;  /* to who shows nothing the same question has the same answer for so long (kept.h); ROUTE_FOREVER
		       */
	const char *doc; /* one French line for OpenAPI and `enrollctl routes print` */
};
extern const struct route routes[];
extern const size_t route_count;

struct job {
	struct pool *pool;
	struct service *service;
	struct lanes *lanes;
	struct request *request; /* NULL once the visitor left */
	const struct route *route;
	struct identity who;       /* known in `answer`; name, email… live in the job's pool */
	instant_t now;             /* enroll_now() of the first segment */
	struct values query;       /* of the URL */
	struct values sent;        /* of the body, without the next three */
	int64_t version, revision; /* sent, or -1 */
	struct problems unread; /* a version, revision or key that is none: told after 404 and 403, see job_unread() */
	const char *key;        /* Idempotency-Key header or field `idempotency_key`, or NULL */
	struct upload *uploads;
	size_t upload_count;
	const char *slice; /* the body, where the route takes slices */
	size_t slice_size;
	bool json;        /* the answer's face */
	const char *path; /* as asked */
	void *state;      /* the handler's own */
	struct job_private *private;
};

const char *job_param(const struct job *j, const char *name); /* of the path, decoded; "" when absent */
int64_t job_param_id(const struct job *j, const char *name);  /* a positive number, or 0 */

size_t job_ask(struct job *j, const struct statement *st, const struct arg *args, size_t count);
const struct rows *job_rows(const struct job *j, size_t index); /* of the segment that led to this step */
void job_then(struct job *j, job_step *next);                   /* after what this step asked was answered */
/* `work` runs on the pool of threads with no job but its argument; then `next` on the loop. */
void job_work(struct job *j, void (*work)(void *), void *arg, job_step *next);
/*
 * The same for work that what a person sent may make long (a document that is unfolded): half the threads at most, and
 * 429 for who has two under way.
 */
void job_work_long(struct job *j, void (*work)(void *), void *arg, job_step *next);
/* Fires an event (fire.h); `next` reads f->err and f->… . lanes, pool, who, keys, policy, now are filled here. */
void job_fire(struct job *j, struct firing *f, job_step *next);

/* -1 and ERR_INPUT when a version, revision or key was sent that is none. job_fire() minds it by itself; a route
 * without a parameter in its path is judged before its `answer`; the others ask once they know that the thing is
 * theirs. */
int job_unread(const struct job *j, struct err *e) MUST_USE;

/* ---- answers: each ends the job and returns 0 ---- */
int job_page(struct job *j, int status, const char *title, const struct page *page, const void *view);
int job_json(struct job *j, int status, const struct json *body);
int job_redirect(struct job *j, const char *location); /* 303; for JSON callers use job_json */
/* The bytes live as long as the process and are not copied. */
int job_lasting(struct job *j, int status, const char *type, const void *bytes, size_t size);
int job_bytes(struct job *j, int status, const char *type, const void *bytes, size_t size, const char *filename);
/* 422 application/problem+json for JSON callers; pages draw problems themselves. */
int job_problems(struct job *j, const struct problems *p);
/* The same where the rest was saved: with the revision that the next saving names. */
int job_problems_saved(struct job *j, const struct problems *p, int64_t revision);
int job_status(struct job *j, int status, const struct err *e); /* the error page or problem+json of this status */
/* What is said of a status in general, unless the reason (a text's id, or NULL) has a title of its own: "reason.title".
 */
const char *job_title(struct job *j, int status, const char *reason);
void job_header(struct job *j, const char *name, const char *value); /* for the coming answer; copies */
/* True when the caller has this version already: 304 was answered, return 0. `tag` names what the answer depends on
 * besides the role and the face: "42-17". A page with hidden fields (csrf, key) must not use it. */
bool job_not_modified(struct job *j, const char *tag);
/* __Host-, Secure, HttpOnly, SameSite=Lax; value NULL erases */
void job_cookie(struct job *j, const char *name, const char *value, int max_age);

/* Form helpers: splits sent dates etc. is form_validate's business; this one validates and keeps both results. */
size_t job_validate(struct job *j, const struct form *f, enum form_mode mode, struct values *kept,
		    struct problems *problems);
/* The hidden fields every HTML form carries: csrf, idempotency_key (fresh), version when ≥ 0. */
struct markup job_hidden(struct job *j, int64_t version);

/* ---- for http.c and tests ---- */
void job_start(struct request *r, struct service *s, struct lanes *lanes);
void job_gone(struct request *r);
void job_too_large(bool json, struct str *body);     /* of a 413 that is answered before there is a request */
int jobs_start(int threads, struct err *e) MUST_USE; /* the pool of work threads */
bool jobs_stop(void); /* false: some work does not end; what it uses must stay until the process ends */
void jobs_metrics(struct str *out);
int err_status(enum err_kind kind); /* the HTTP status of a kind */

#endif
