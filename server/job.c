#include "job.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "../db/identity.h"
#include "base/log.h"
#include "base/wait.h"
#include "compress.h"
#include "kept.h"
#include "metric.h"
#include "pages/error.h"
#include "routes.h"
#include "session.h"
#include "text.h"

#define BODY_MAX (256 * 1024)
#define UPLOAD_MAX (11 * 1024 * 1024)
#define SLICE_MAX (1024 * 1024)
#define UPLOAD_MOST "10\u00a0Mo"
#define HEADERS_MAX 24
#define KEY_MAX 200
#define FIRE_TRIES 5
#define END_SECONDS 5 /* for work whose loop did not wait for it any longer */
#define CERTIFICATE_NEAR_DAYS ((int64_t)30)

enum content { CONTENT_NONE, CONTENT_URLENCODED, CONTENT_MULTIPART, CONTENT_JSON, CONTENT_SLICE, CONTENT_OTHER };
enum coming { COMING_NOTHING, COMING_SEGMENT, COMING_WORK, COMING_FIRE, COMING_REPLAY };

struct job_private {
	struct job *job;
	struct route_params params;
	struct credentials shown;
	enum content content;
	const char *csrf_sent;
	struct segment *filling, *answered; /* the one asked for now, the one that led here */
	struct segment *sent;               /* on its way */
	enum coming coming;
	job_step *next;
	bool judged, over, replaying;
	struct header headers[HEADERS_MAX];
	size_t header_count;
	/* work */
	void (*work)(void *);
	void *work_arg;
	struct loop *loop;
	struct job *queue_next;
	bool slow; /* the work is one that what was sent may make long */
	/* firing */
	struct firing *firing;
	int tries;
	struct err unsure; /* of an earlier try */
};

static struct {
	_Atomic uint64_t started, answered[6], faults, gone, worked;
	_Atomic int running, queued;
	_Atomic int64_t offset; /* enroll_now() less the machine's clock, as last seen */
} counts;

static const struct page layout_page;

/* ---- the layout every page is poured into ---- */

struct layout_view {
	const char *title, *who, *csrf, *certificate_end; /* when it is near */
	bool demo, signed_in, agent, desk;                /* desk: an agent who works on files */
	struct markup main;
};
static const struct slot layout_slots[] = {
	SLOT_T(struct layout_view, title),
	SLOT_T(struct layout_view, who),
	SLOT_T(struct layout_view, csrf),
	SLOT_B(struct layout_view, demo),
	SLOT_B(struct layout_view, signed_in),
	SLOT_B(struct layout_view, agent),
	SLOT_B(struct layout_view, desk),
	SLOT_M(struct layout_view, main),
	SLOT_T(struct layout_view, certificate_end),
};
static const struct view layout_view = VIEW(struct layout_view, layout_slots);
static const struct page layout_page = { "server/pages/layout.html", &layout_view };
PAGE(layout_page);

/* ---- ending ---- */

static instant_t machine_now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_REALTIME, &t);
	return (instant_t)t.tv_sec * SECOND + t.tv_nsec / 1000;
}

static void job_end(struct job *j)
{
	if (j->request)
		j->request->job = NULL;
	atomic_fetch_sub(&counts.running, 1);
	pool_free(j->pool);
}

static void answer(struct job *j, int status, const char *type, const void *bytes, size_t size, bool lasts)
{
	struct job_private *p = j->private;
	if (p->over)
		return;
	p->over = true;
	atomic_fetch_add(&counts.answered[status / 100 < 6 ? status / 100 : 0], 1);
	if (!j->request)
		return;
	if (type)
		job_header(j, "content-type", type);
	http_answer(j->request, status, p->headers, p->header_count, bytes, size, lasts);
}

static void answer_bytes(struct job *j, int status, const char *type, const void *bytes, size_t size)
{
	answer(j, status, type, bytes, size, false);
}

static struct header *header_of(struct job_private *p, const char *name)
{
	for (size_t i = 0; i < p->header_count; i++)
		if (!strcasecmp(p->headers[i].name, name))
			return &p->headers[i];
	return NULL;
}

void job_header(struct job *j, const char *name, const char *value)
{
	struct job_private *p = j->private;
	struct header *h = strcasecmp(name, "set-cookie") ? header_of(p, name) : NULL;
	/* What could end the header is never sent. */
	if (strpbrk(value, "\r\n"))
		return;
	if (!h && p->header_count < HEADERS_MAX)
		h = &p->headers[p->header_count++];
	if (h)
		*h = (struct header){ pool_strdup(j->pool, name), pool_strdup(j->pool, value) };
}

void job_cookie(struct job *j, const char *name, const char *value, int max_age)
{
	const char *cookie = pool_printf(j->pool, "__Host-%s=%s; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=%d",
					 name, value ? value : "", value ? max_age : 0);
	struct header *before = header_of(j->private, "set-cookie");

	/* The last word on a cookie is the only one. */
	if (before && !strncmp(before->value, cookie, strcspn(cookie, "=") + 1))
		before->value = cookie;
	else
		job_header(j, "set-cookie", cookie);
}

int job_bytes(struct job *j, int status, const char *type, const void *bytes, size_t size, const char *filename)
{
	if (filename) {
		struct str h = str_in(j->pool);
		str_add(&h, "attachment; filename*=UTF-8''");
		url_part(&h, filename);
		job_header(j, "content-disposition", h.s);
	}
	answer_bytes(j, status, type, bytes, size);
	return 0;
}

int job_lasting(struct job *j, int status, const char *type, const void *bytes, size_t size)
{
	answer(j, status, type, bytes, size, true);
	return 0;
}

int job_redirect(struct job *j, const char *location)
{
	job_header(j, "location", location);
	answer_bytes(j, 303, NULL, "", 0);
	return 0;
}

/* ---- answers that are the same for everybody who shows nothing (kept.h) ---- */

static bool takes_gzip(const struct job *j)
{
	return compress_accepted(http_header(j->request, "accept-encoding"));
}

/* NULL: this answer is for one person, or for one moment. A page kept for ever has no query: its keys are few. */
static const char *kept_key(const struct job *j)
{
	const struct route *r = j->route;
	if (!r || !r->kept_ms || !j->request || j->private->shown.kind != CRED_NONE ||
	    (r->kept_ms == ROUTE_FOREVER && *j->request->query))
		return NULL;
	return pool_printf(j->pool, "%d%d%s?%s", j->json, takes_gzip(j), j->path, j->request->query);
}

static void kept_send(struct job *j, const struct kept *k)
{
	const char *known = http_header(j->request, "if-none-match");
	job_header(j, "etag", k->etag);
	job_header(j, "cache-control", "private, no-cache");
	job_header(j, "vary", "Accept, Accept-Encoding, Cookie");
	if (known && strstr(known, k->etag)) {
		answer(j, 304, NULL, "", 0, true);
		return;
	}
	if (k->size > 2 && !memcmp(k->bytes, "\x1f\x8b", 2))
		job_header(j, "content-encoding", "gzip");
	answer(j, 200, k->type, k->bytes, k->size, k->lasts);
}

/* Answers, and keeps the answer where its route says so. */
static void answer_kept(struct job *j, int status, const char *type, const struct str *body)
{
	const char *key = status == 200 ? kept_key(j) : NULL;
	if (!key) {
		job_header(j, "vary", "Accept, Cookie");
		answer_bytes(j, status, type, body->s, body->len);
		return;
	}
	bool forever = j->route->kept_ms == ROUTE_FOREVER;
	const void *bytes = NULL;
	size_t size = 0;
	if (takes_gzip(j))
		bytes = compress_gzip(body->s, body->len, forever ? 9 : 1, j->pool, &size);
	kept_send(j, kept_put(key, forever ? KEPT_FOREVER : clock_monotonic() + j->route->kept_ms * (SECOND / 1000),
			      type, bytes ? bytes : body->s, bytes ? size : body->len, j->pool));
}

/* An agent's certificate ends within a month: said on every page, while there is time to have another made. */
static const char *near_end(const struct job *j)
{
	const struct request *r = j->request;

	if (!r || j->private->shown.kind != CRED_CERTIFICATE ||
	    r->certificate.not_after - machine_now() > CERTIFICATE_NEAR_DAYS * 86400 * SECOND)
		return NULL;
	return day_french(j->pool, day_in_paris(r->certificate.not_after));
}

int job_page(struct job *j, int status, const char *title, const struct page *page, const void *view)
{
	struct str main = str_in(j->pool), whole = str_in(j->pool);
	bool known = (j->who.role & ~(unsigned)VISITOR) != 0;
	page_render(page, view, &main);
	const struct layout_view layout = {
		.title = status == 422 ? pool_printf(j->pool, "Erreur\u00a0: %s", title) : title,
		.who = j->who.name && *j->who.name ? j->who.name : j->who.email,
		.csrf = session_csrf(j->service->keys, &j->private->shown, &j->who, j->pool),
		.demo = j->service->settings.demo,
		.signed_in = known,
		.agent = known && j->private->shown.kind == CRED_CERTIFICATE,
		.desk = j->who.role & (EXPERT | DELEGATE | ADMIN),
		.main = { main.s },
		.certificate_end = near_end(j),
	};
	page_render(&layout_page, &layout, &whole);
	answer_kept(j, status, "text/html; charset=utf-8", &whole);
	return 0;
}

int job_json(struct job *j, int status, const struct json *body)
{
	answer_kept(j, status, "application/json", &body->out);
	return 0;
}

const char *job_title(struct job *j, int status, const char *reason)
{
	const char *general = text2("status", pool_printf(j->pool, "%d", status));
	return reason ? text_or(pool_printf(j->pool, "%s.title", reason), general) : general;
}

static void problem_open(struct job *j, struct json *out, int status, const char *reason, const char *detail)
{
	json_obj(out);
	json_kt(out, "type", "about:blank");
	json_kt(out, "title", job_title(j, status, reason));
	json_ki(out, "status", status);
	if (detail)
		json_kt(out, "detail", detail);
}

static void problem_list(struct json *out, const char *field, const char *code, const char *sentence)
{
	json_obj(out);
	json_kt(out, "field", field);
	json_kt(out, "code", code);
	json_kt(out, "text", sentence);
	json_end(out);
}

static int problem_end(struct job *j, struct json *out, int status)
{
	json_end(out);
	answer_bytes(j, status, "application/problem+json", out->out.s, out->out.len);
	return 0;
}

int job_problems(struct job *j, const struct problems *p)
{
	return job_problems_saved(j, p, -1);
}

int job_problems_saved(struct job *j, const struct problems *p, int64_t revision)
{
	struct json out = json_in(j->pool);
	problem_open(j, &out, 422, NULL, text("problems.detail"));
	if (revision >= 0)
		json_ki(&out, "revision", revision);
	json_key(&out, "problems");
	json_arr(&out);
	for (size_t i = 0; i < p->count; i++)
		problem_list(&out, p->items[i].field, p->items[i].code, p->items[i].text);
	json_end(&out);
	return problem_end(j, &out, 422);
}

int err_status(enum err_kind kind)
{
	static const int statuses[] = {
		[ERR_NONE] = 200,  [ERR_INPUT] = 422, [ERR_DENIED] = 403, [ERR_MISSING] = 404, [ERR_STALE] = 409,
		[ERR_RETRY] = 503, [ERR_BUSY] = 503,  [ERR_UNSURE] = 503, [ERR_FAULT] = 500,
	};
	return (size_t)kind < COUNT(statuses) ? statuses[kind] : 500;
}

/* Logged once, here; the page and the problem show the reference. */
static const char *reference_of(struct job *j, const struct err *e)
{
	unsigned char random[4];
	char kind[16];
	crypto_random(random, sizeof random);
	const char *reference = str_hex(j->pool, random, sizeof random);
	snprintf(kind, sizeof kind, "%s", err_kind_name(e->kind));
	atomic_fetch_add(&counts.faults, 1);
	log_event(e->kind == ERR_FAULT ? LOG_ERROR : LOG_WARN, "job.failed", "reference", reference, "route",
		  j->route ? j->route->path : "", "kind", kind, "text", e->text ? e->text : "", "detail", e->detail);
	if (j->request)
		j->request->reference = reference;
	return reference;
}

int job_status(struct job *j, int status, const struct err *e)
{
	static const struct err none;
	if (!e)
		e = &none;
	const char *id = e->text ? e->text : NULL, *reference = NULL, *detail = NULL;
	if (id)
		detail = text_fill(j->pool, id, e->arg);
	if (status >= 500 && e->kind != ERR_NONE)
		reference = reference_of(j, e);
	if (status == 500)
		detail = text("error.fault");
	if (status == 503)
		job_header(j, "retry-after", "5");
	if (status == 401 && j->json && j->request && j->request->listener == PUBLIC)
		job_header(j, "www-authenticate", "Bearer");
	if (j->json) {
		struct json out = json_in(j->pool);
		problem_open(j, &out, status, id, detail);
		if (reference)
			json_kt(&out, "reference", reference);
		if (e->field || status == 422) {
			json_key(&out, "problems");
			json_arr(&out);
			problem_list(&out, e->field ? e->field : "", id ? id : "wrong", detail ? detail : "");
			json_end(&out);
		}
		return problem_end(j, &out, status);
	}
	return error_show(j, status, job_title(j, status, id), detail, reference);
}

bool job_not_modified(struct job *j, const char *tag)
{
	char etag[80];
	unsigned char digest[SHA256_SIZE];
	const char *who = pool_printf(j->pool, "%s|%u|%lld|%lld|%d", tag, j->who.role, (long long)j->who.account,
				      (long long)j->who.agent, j->json);
	crypto_sha256(who, strlen(who), digest);
	snprintf(etag, sizeof etag, "\"%s\"", str_hex(j->pool, digest, 12));
	job_header(j, "etag", etag);
	job_header(j, "cache-control", "private, no-cache");
	const char *known = j->request ? http_header(j->request, "if-none-match") : NULL;
	if (!known || !strstr(known, etag))
		return false;
	answer_bytes(j, 304, NULL, "", 0);
	return true;
}

static int answer_err(struct job *j, const struct err *e)
{
	return job_status(j, err_status(e->kind), e);
}

/* ---- steps ---- */

static void run(struct job *j, job_step *step);
static void begin(struct job *j);
static int answer_nobody(struct job *j);

/* Signed out, expired or revoked since the first segment: row-level security hides or refuses what was asked. */
static bool nobody_any_more(struct job *j, const struct rows *identity)
{
	struct identity who;
	instant_t now;
	bool expired;

	if (!j->request || !j->private->judged || (j->route->who & VISITOR) || j->route->standby ||
	    rows_count(identity) != 1)
		return false;
	identity_read(identity, j->pool, &who, &now, &expired);
	return !(who.role & ~(unsigned)VISITOR);
}

static void on_segment(struct segment *s, void *arg)
{
	struct job *j = arg;
	struct job_private *p = j->private;
	struct err e = { 0 };
	p->sent = NULL;
	p->answered = s;
	bool failed = segment_failed(s, &e);
	if ((!failed || e.kind == ERR_FAULT) && nobody_any_more(j, segment_rows(s, 0))) {
		answer_nobody(j);
		job_end(j);
		return;
	}
	if (failed) {
		if (j->request || e.kind == ERR_FAULT)
			answer_err(j, &e);
		job_end(j);
		return;
	}
	run(j, p->next);
}

static struct segment *segment_open(struct job *j)
{
	struct job_private *p = j->private;
	/* What is asked before anybody is known only reads, so it need not wait for one of the few writing connections.
	 */
	enum lane lane = j->route->lane == LANE_WRITE && !p->judged ? LANE_FAST : j->route->lane;
	struct segment *s = segment_new(j->lanes, j->pool, lane, on_segment, j);
	/* A session is a write of its own: where only a standby is left, everybody is a visitor. */
	bool known = p->shown.kind != CRED_NONE, lean = j->route->standby && lanes_on_standby(j->lanes, lane);
	if (lean || (j->route->standby && !known))
		segment_anywhere(s);
	/* Nobody, on a page for everybody: row-level security shows nothing to who has no identity, so none is set. */
	if (lean || (!known && j->route->who == VISITOR && j->route->method == METHOD_GET))
		segment_ask(s, &identity_nobody, NO_ARGS);
	else
		segment_ask(s, &identity_join, p->shown.args, COUNT(p->shown.args));
	return s;
}

size_t job_ask(struct job *j, const struct statement *st, const struct arg *args, size_t count)
{
	struct job_private *p = j->private;
	if (!p->filling)
		p->filling = segment_open(j);
	return segment_ask(p->filling, st, args, count);
}

const struct rows *job_rows(const struct job *j, size_t index)
{
	return j->private->answered ? segment_rows(j->private->answered, index) : NULL;
}

void job_then(struct job *j, job_step *next)
{
	j->private->coming = COMING_SEGMENT;
	j->private->next = next;
}

void job_work(struct job *j, void (*work)(void *), void *arg, job_step *next)
{
	struct job_private *p = j->private;
	p->coming = COMING_WORK;
	p->slow = false;
	p->work = work;
	p->work_arg = arg;
	p->next = next;
}

void job_work_long(struct job *j, void (*work)(void *), void *arg, job_step *next)
{
	job_work(j, work, arg, next);
	j->private->slow = true;
}

static bool expert_on(const void *settings, day_t deposit)
{
	return settings_expert_on(settings, deposit);
}

/* What was asked, so that the same key with another body is told apart. */
static const char *body_hmac(struct job *j)
{
	struct str all = str_in(j->pool);
	str_addf(&all, "%s %s\n%lld\n", method_name(j->route->method), j->path, (long long)j->version);
	for (size_t i = 0; i < j->sent.count; i++)
		str_addf(&all, "%s=%s\n", j->sent.items[i].name, j->sent.items[i].text);
	for (size_t i = 0; i < j->upload_count; i++)
		str_addf(&all, "%s:%s\n", j->uploads[i].field,
			 crypto_sha256_hex(j->pool, j->uploads[i].bytes, j->uploads[i].size));
	return crypto_hmac_hex(j->service->keys, j->pool, "idempotency", all.s, all.len);
}

void job_fire(struct job *j, struct firing *f, job_step *next)
{
	struct job_private *p = j->private;
	f->lanes = j->lanes;
	f->pool = j->pool;
	f->keys = j->service->keys;
	f->policy = policy_now(j->service);
	f->who = j->who;
	f->expert_on = expert_on;
	f->expert_context = &j->service->settings;
	f->public_url = j->service->settings.public_url;
	if (!f->key)
		f->key = j->key;
	if (f->key && !f->body_hmac)
		f->body_hmac = body_hmac(j);
	if (j->unread.count) {
		struct problems *all = POOL_NEW(j->pool, struct problems);
		*all = problems_in(j->pool);
		for (size_t i = 0; i < j->unread.count; i++)
			problems_add(all, j->unread.items[i].field, j->unread.items[i].code, j->unread.items[i].text);
		for (size_t i = 0; f->body_problems && i < f->body_problems->count; i++)
			problems_add(all, f->body_problems->items[i].field, f->body_problems->items[i].code,
				     f->body_problems->items[i].text);
		f->body_problems = all;
	}
	p->firing = f;
	p->tries = 0;
	p->unsure = (struct err){ 0 };
	p->coming = COMING_FIRE;
	p->next = next;
}

static void fired(struct firing *f, void *arg)
{
	struct job *j = arg;
	struct job_private *p = j->private;
	/* A deadlock or a lost connection before the commit: nothing was done, the same event may pass. The answer to a
	 * COMMIT that was lost: the key says whether it was done, once the database has ended it (domain.md §3). */
	bool unsure = f->err.kind == ERR_UNSURE && f->key;
	if ((f->err.kind == ERR_RETRY || unsure) && ++p->tries < FIRE_TRIES) {
		if (unsure)
			p->unsure = f->err;
		f->err = (struct err){ 0 };
		fire(f, fired, j);
		return;
	}
	/* Nobody could be asked: "try again" would say that nothing was done. */
	if (p->unsure.kind == ERR_UNSURE && (f->err.kind == ERR_RETRY || f->err.kind == ERR_BUSY))
		f->err = p->unsure;
	if (f->err.kind == ERR_NONE)
		clerk_wake();
	run(j, p->next);
}

/* ---- the pool of threads for work ---- */

/*
 * Two queues: what is quick goes first, and what a person may make long by what they send has half the threads at most,
 * so that nobody's papers keep others from signing in. A person has two such at once.
 */
enum { THREADS_MOST = 32, LONG_EACH = 2 };
struct work_queue {
	struct job *first, **last;
};
static struct {
	pthread_mutex_t lock;
	pthread_cond_t wake, ended;
	pthread_t threads[THREADS_MOST];
	int count, ends; /* threads, and those of them that are done */
	int long_most, long_running;
	bool stop;
	struct work_queue quick, slow;
	struct job *running[THREADS_MOST]; /* the long ones */
} workers = { .lock = PTHREAD_MUTEX_INITIALIZER,
	      .wake = PTHREAD_COND_INITIALIZER,
	      .ended = PTHREAD_COND_INITIALIZER,
	      .quick.last = &workers.quick.first,
	      .slow.last = &workers.slow.first };

static void worked(void *arg)
{
	struct job *j = arg;
	run(j, j->private->next);
}

static struct job *taken_from(struct work_queue *q)
{
	struct job *j = q->first;

	if (!j)
		return NULL;
	q->first = j->private->queue_next;
	if (!q->first)
		q->last = &q->first;
	return j;
}

static struct job *next_work(void)
{
	struct job *j = taken_from(&workers.quick);

	if (j || workers.long_running >= workers.long_most)
		return j;
	return taken_from(&workers.slow);
}

static void *worker(void *at)
{
	struct job **running = at;

	pthread_mutex_lock(&workers.lock);
	while (!workers.stop) {
		struct job *j = next_work();
		if (!j) {
			pthread_cond_wait(&workers.wake, &workers.lock);
			continue;
		}
		bool slow = j->private->slow;
		if (slow) {
			*running = j;
			workers.long_running++;
		}
		pthread_mutex_unlock(&workers.lock);
		atomic_fetch_sub(&counts.queued, 1);
		j->private->work(j->private->work_arg);
		atomic_fetch_add(&counts.worked, 1);
		if (slow) { /* before it is posted: it may be gone at once */
			pthread_mutex_lock(&workers.lock);
			*running = NULL;
			workers.long_running--;
			pthread_cond_broadcast(&workers.wake);
			pthread_mutex_unlock(&workers.lock);
		}
		loop_post(j->private->loop, worked, j);
		pthread_mutex_lock(&workers.lock);
	}
	workers.ends++;
	pthread_cond_signal(&workers.ended);
	pthread_mutex_unlock(&workers.lock);
	return NULL;
}

int jobs_start(int threads, struct err *e)
{
	workers.stop = false;
	workers.ends = 0;
	if (threads > THREADS_MOST)
		threads = THREADS_MOST;
	workers.long_most = (threads + 1) / 2;
	for (workers.count = 0; workers.count < threads; workers.count++)
		if (pthread_create(&workers.threads[workers.count], NULL, worker, &workers.running[workers.count])) {
			(void)jobs_stop();
			return fault(e, "no thread for work");
		}
	return 0;
}

/* The loops are closed: what was not begun is not, for nobody could be told of it. */
bool jobs_stop(void)
{
	int64_t until = clock_monotonic() + END_SECONDS * SECOND;
	pthread_mutex_lock(&workers.lock);
	workers.stop = true;
	pthread_cond_broadcast(&workers.wake);
	while (workers.ends < workers.count && wait_until(&workers.ended, &workers.lock, until))
		;
	bool all = workers.ends == workers.count, left = !all || workers.quick.first || workers.slow.first;
	pthread_mutex_unlock(&workers.lock);
	for (int i = 0; i < workers.count && all; i++)
		pthread_join(workers.threads[i], NULL);
	if (all)
		workers.count = 0;
	if (left)
		log_event(LOG_WARN, "job.left");
	kept_clear();
	return !left;
}

static bool same_person(const struct job *a, const struct job *b)
{
	return a->who.account == b->who.account && a->who.agent == b->who.agent;
}

/* How many long ones of this person wait or run. The lock is held. */
static int long_of(const struct job *j)
{
	int n = 0;

	for (size_t i = 0; i < COUNT(workers.running); i++)
		n += workers.running[i] && same_person(workers.running[i], j);
	for (const struct job *x = workers.slow.first; x; x = x->private->queue_next)
		n += same_person(x, j);
	return n;
}

static int work_queue(struct job *j, struct err *e)
{
	struct work_queue *q = j->private->slow ? &workers.slow : &workers.quick;

	pthread_mutex_lock(&workers.lock);
	bool enough = j->private->slow && long_of(j) >= LONG_EACH;
	if (!enough) {
		j->private->queue_next = NULL;
		*q->last = j;
		q->last = &j->private->queue_next;
		pthread_cond_signal(&workers.wake);
		atomic_fetch_add(&counts.queued, 1);
	}
	pthread_mutex_unlock(&workers.lock);
	return enough ? fail(e, ERR_INPUT, "error.busy_yours") : 0;
}

/* ---- running a step ---- */

static void run(struct job *j, job_step *step)
{
	struct job_private *p = j->private;
	struct err e = { 0 };
	p->filling = NULL;
	p->coming = COMING_NOTHING;
	if (step(j, &e)) {
		if (!p->over)
			answer_err(j, &e);
		job_end(j);
		return;
	}
	if (p->over) {
		job_end(j);
		return;
	}
	switch (p->coming) {
	case COMING_SEGMENT:
		if (!p->filling)
			p->filling = segment_open(j);
		p->sent = p->filling;
		if (segment_send(p->filling, &e)) {
			answer_err(j, &e);
			job_end(j);
		}
		return;
	case COMING_WORK:
		if (work_queue(j, &e)) {
			job_header(j, "retry-after", "10");
			job_status(j, 429, &e);
			job_end(j);
		}
		return;
	case COMING_FIRE:
		fire(p->firing, fired, j);
		return;
	case COMING_REPLAY:
		begin(j);
		return;
	case COMING_NOTHING:
		break;
	}
	fault(&e, "a step neither answered nor went on");
	answer_err(j, &e);
	job_end(j);
}

/* ---- who asks, and may they? ---- */

static const char *own_origin(const struct job *j)
{
	return j->request && j->request->listener == AGENTS ? j->service->settings.agent_url
							    : j->service->settings.public_url;
}

/* The path a sign-in goes on with: what was asked, or for a body the page it stood on. */
static const char *suite_of(struct job *j)
{
	if (j->route->method == METHOD_GET)
		return pool_printf(j->pool, "%s%s%s", j->path, *j->request->query ? "?" : "", j->request->query);
	const char *referer = http_header(j->request, "referer"), *own = own_origin(j);
	size_t n = strlen(own);
	return referer && !strncmp(referer, own, n) && referer[n] == '/' ? referer + n : "/dossiers";
}

static int answer_sign_in(struct job *j)
{
	struct err e;
	fail(&e, ERR_DENIED, "denied.session");
	if (j->json || !j->request)
		return job_status(j, 401, &e);
	const char *suite = suite_of(j);
	if (j->route->method != METHOD_GET) {
		/* Those three were taken out of what was sent; the replay reads them again. */
		if (j->version >= 0)
			values_add(&j->sent, "version", pool_printf(j->pool, "%lld", (long long)j->version));
		if (j->revision >= 0)
			values_add(&j->sent, "revision", pool_printf(j->pool, "%lld", (long long)j->revision));
		if (j->key)
			values_add(&j->sent, "idempotency_key", j->key);
		const char *sealed = session_seal_body(j->service->keys, j->path, j->request->query, &j->sent, j->pool);
		return sign_in_show(j, 401, suite, sealed);
	}
	struct str to = str_in(j->pool);
	str_add(&to, "/connexion?suite=");
	url_part(&to, suite);
	return job_redirect(j, to.s);
}

static int answer_no_certificate(struct job *j)
{
	static const char *const why[] = {
		[PEER_NONE] = "cert.none",       [PEER_GOOD] = "cert.unknown",    [PEER_OTHER_CA] = "cert.other_ca",
		[PEER_EXPIRED] = "cert.expired", [PEER_REVOKED] = "cert.revoked", [PEER_BAD] = "cert.bad",
	};
	struct err e;
	enum peer_state peer = j->request ? j->request->peer : PEER_NONE;
	fail(&e, ERR_DENIED, (size_t)peer < COUNT(why) ? why[peer] : "cert.bad");
	return job_status(j, peer == PEER_NONE ? 401 : 403, &e);
}

static int answer_nobody(struct job *j)
{
	return j->request && j->request->listener == AGENTS ? answer_no_certificate(j) : answer_sign_in(j);
}

/* 1 when the job was answered. */
static int judge_identity(struct job *j)
{
	struct job_private *p = j->private;
	struct err e;
	if (!(j->route->who & VISITOR)) {
		if (!(j->who.role & ~(unsigned)VISITOR)) {
			answer_nobody(j);
			return 1;
		}
		if (!(j->route->who & j->who.role)) {
			fail(&e, ERR_DENIED, "denied.role");
			answer_err(j, &e);
			return 1;
		}
	}
	if (j->route->method != METHOD_GET && !p->replaying && (j->who.role & ~(unsigned)VISITOR) &&
	    session_csrf_good(j->service->keys, &p->shown, &j->who, p->csrf_sent, p->content != CONTENT_JSON, &e)) {
		answer_err(j, &e);
		return 1;
	}
	/* Where the path names something, it is looked for first: 404 comes before. */
	if (!strchr(j->route->path, ':') && job_unread(j, &e)) {
		answer_err(j, &e);
		return 1;
	}
	return 0;
}

static int first_answer(struct job *j, struct err *e)
{
	struct job_private *p = j->private;
	bool expired = false;
	identity_read(segment_rows(p->answered, 0), j->pool, &j->who, &j->now, &expired);
	atomic_store(&counts.offset, j->now - machine_now());
	p->judged = true;
	if (j->request && (j->who.account || j->who.agent))
		j->request->who = identity_actor(&j->who, 0, j->pool);
	if (expired && p->shown.kind == CRED_COOKIE)
		job_cookie(j, SESSION_COOKIE, NULL, 0);
	if (judge_identity(j))
		return 0;
	return j->route->answer(j, e);
}

static int first_ask(struct job *j, struct err *e)
{
	if (j->route->ask && j->route->ask(j, e))
		return -1;
	if (!j->private->over)
		job_then(j, first_answer);
	return 0;
}

static int unasked_answer(struct job *j, struct err *e)
{
	return judge_identity(j) ? 0 : j->route->answer(j, e);
}

/* Judged without the database: these pages must answer when it is away. */
static bool uncertified(const struct job *j)
{
	return j->route->certified && j->request->peer != PEER_GOOD;
}

static int no_certificate_answer(struct job *j, struct err *e)
{
	(void)e;
	return answer_no_certificate(j);
}

/* Nobody shows anything: what can be said without the database is said without it. */
static void begin(struct job *j)
{
	struct job_private *p = j->private;
	j->who = (struct identity){ .role = VISITOR };
	j->now = machine_now() + atomic_load(&counts.offset);
	p->judged = false;
	const char *key = kept_key(j);
	const struct kept *kept = key ? kept_get(key, clock_monotonic(), j->pool) : NULL;
	if (kept) {
		kept_send(j, kept);
		job_end(j);
		return;
	}
	bool unasked = p->shown.kind == CRED_NONE && (!j->route->ask || !(j->route->who & VISITOR));
	if (j->route->bare || unasked) {
		p->judged = true;
		run(j, !j->route->bare ? unasked_answer : uncertified(j) ? no_certificate_answer : j->route->answer);
		return;
	}
	run(j, first_ask);
}

int session_replay(struct job *j, const char *sealed, const char *token, struct err *e)
{
	struct job_private *p = j->private;
	struct values sent = values_in(j->pool);
	const char *path, *query, *allow;
	int status;
	if (session_open_body(j->service->keys, sealed, j->pool, &path, &query, &sent, e))
		return -1;
	const struct route *r = route_find(METHOD_POST, PUBLIC, path, j->pool, &p->params, &status, &allow);
	if (!r || r->bare || r->upload)
		return fail(e, ERR_INPUT, "session.body_gone");
	j->query = values_in(j->pool);
	if (urlencoded_read(query, strlen(query), &j->query, e))
		return -1;
	j->route = r;
	j->path = path;
	j->sent = sent;
	j->state = NULL;
	if (j->request)
		j->request->pattern = r->path;
	j->version = j->revision = -1;
	if (values_get(&sent, "version") && str_to_i64(values_get(&sent, "version"), &j->version))
		return fail_field(e, "body.version", "version");
	if (values_get(&sent, "revision") && str_to_i64(values_get(&sent, "revision"), &j->revision))
		return fail_field(e, "body.version", "revision");
	j->key = values_get(&sent, "idempotency_key");
	values_remove(&j->sent, "version");
	values_remove(&j->sent, "revision");
	values_remove(&j->sent, "idempotency_key");
	session_from_token(token, j->pool, &p->shown);
	p->replaying = true;
	p->coming = COMING_REPLAY;
	return 0;
}

/* ---- reading the request ---- */

static bool is_type(const char *header, const char *type)
{
	size_t n = strlen(type);
	return header && !strncasecmp(header, type, n) && (!header[n] || header[n] == ';' || header[n] == ' ');
}

static enum content content_of(const struct request *r, const char *type)
{
	if (!type || !*type)
		return r->body_size ? CONTENT_OTHER : CONTENT_NONE;
	return is_type(type, "application/x-www-form-urlencoded") ? CONTENT_URLENCODED
	       : is_type(type, "multipart/form-data")             ? CONTENT_MULTIPART
	       : is_type(type, "application/json")                ? CONTENT_JSON
	       : is_type(type, "application/partial-upload")      ? CONTENT_SLICE
								  : CONTENT_OTHER;
}

/* Who asks for JSON gets it; who sends it without saying what they want, too. */
static bool wants_json(const struct request *r)
{
	const char *accept = http_header(r, "accept");
	if (accept && (strstr(accept, "application/json") || strstr(accept, "application/problem+json")))
		return !strstr(accept, "text/html");
	return (!accept || !strstr(accept, "text/html")) && is_type(http_header(r, "content-type"), "application/json");
}

static void unread(struct job *j, const char *field, const char *id)
{
	problems_add(&j->unread, field, id, text(id));
}

int job_unread(const struct job *j, struct err *e)
{
	return j->unread.count ? fail_field(e, j->unread.items[0].code, j->unread.items[0].field) : 0;
}

static void take_number(struct job *j, const char *name, const char *id, int64_t *out)
{
	const char *sent = values_get(&j->sent, name);
	*out = -1;
	/* JSON's null and a form's empty field mean that it was not given. */
	if (sent && *sent && (str_to_i64(sent, out) || *out < 0)) {
		*out = -1;
		unread(j, name, id);
	}
	/* An array or an object is not a number either. */
	if (!sent && values_has_group(&j->sent, name))
		unread(j, name, id);
	values_remove(&j->sent, name);
	values_remove_group(&j->sent, name);
}

static void take_key(struct job *j)
{
	const char *key = http_header(j->request, "idempotency-key");
	if (!key)
		key = values_get(&j->sent, "idempotency_key");
	values_remove(&j->sent, "idempotency_key");
	if (!key || !*key)
		return;
	bool good = strlen(key) <= KEY_MAX;
	for (const char *c = key; good && *c; c++)
		good = (unsigned char)*c >= 0x20 && (unsigned char)*c <= 0x7e;
	if (good)
		j->key = pool_strdup(j->pool, key);
	else
		unread(j, "idempotency_key", "body.key");
}

/* 0, or the status to answer with. */
static int read_body(struct job *j, struct err *e)
{
	struct request *r = j->request;
	struct job_private *p = j->private;
	const char *type = http_header(r, "content-type");
	int bad = 0;
	p->content = content_of(r, type);
	size_t most = j->route->slice                                       ? SLICE_MAX
		      : j->route->upload && p->content == CONTENT_MULTIPART ? UPLOAD_MAX
									    : BODY_MAX;
	if (r->body_size > most) {
		fail(e, ERR_INPUT, "body.large");
		snprintf(e->arg, sizeof e->arg, "%s",
			 most == UPLOAD_MAX  ? UPLOAD_MOST
			 : most == SLICE_MAX ? "1\u00a0Mo"
					     : "256\u00a0ko");
		return 413;
	}
	if (p->content != CONTENT_NONE && j->route->slice != (p->content == CONTENT_SLICE)) {
		fail(e, ERR_INPUT, j->route->slice ? "body.slice" : "body.type");
		return 415;
	}
	switch (p->content) {
	case CONTENT_NONE:
		break;
	case CONTENT_URLENCODED:
		bad = urlencoded_read(r->body, r->body_size, &j->sent, e);
		break;
	case CONTENT_MULTIPART:
		bad = multipart_read(type, r->body, r->body_size, &j->sent, j->pool, &j->uploads, &j->upload_count, e);
		break;
	case CONTENT_JSON:
		bad = r->body_size ? json_read_values(r->body, r->body_size, &j->sent, e) : 0;
		break;
	case CONTENT_SLICE:
		j->slice = r->body;
		j->slice_size = r->body_size;
		break;
	case CONTENT_OTHER:
		fail(e, ERR_INPUT, "body.type");
		return 415;
	}
	if (bad)
		return 400;
	p->csrf_sent = http_header(r, "x-csrf-token");
	if (!p->csrf_sent)
		p->csrf_sent = pool_strdup(j->pool, values_get(&j->sent, "csrf"));
	values_remove(&j->sent, "csrf");
	take_number(j, "version", "body.version", &j->version);
	take_number(j, "revision", "body.revision", &j->revision);
	take_key(j);
	return 0;
}

/* Answers before any step: the route is not known, or the body is not readable. */
static void refuse(struct job *j, int status, const struct err *e)
{
	job_status(j, status, e);
	job_end(j);
}

void job_start(struct request *r, struct service *s, struct lanes *lanes)
{
	struct job *j = POOL_NEW(r->pool, struct job);
	struct job_private *p = POOL_NEW(r->pool, struct job_private);
	struct err e = { 0 };
	const char *allow = "";
	int status = 0;
	*j = (struct job){ .pool = r->pool, .service = s, .lanes = lanes, .request = r, .private = p };
	p->job = j;
	p->loop = r->loop;
	r->job = j;
	j->who.role = VISITOR;
	j->version = j->revision = -1;
	j->query = values_in(j->pool);
	j->sent = values_in(j->pool);
	j->unread = problems_in(j->pool);
	j->path = r->path;
	atomic_fetch_add(&counts.started, 1);
	atomic_fetch_add(&counts.running, 1);
	j->json = wants_json(r);
	if (r->head_bad) {
		fail(&e, ERR_INPUT, r->head_bad);
		refuse(j, 400, &e);
		return;
	}
	j->route = route_find(r->method, r->listener, r->path, r->pool, &p->params, &status, &allow);
	if (!j->route) {
		fail(&e, ERR_MISSING, status == 405 ? "error.method" : "error.missing");
		if (status == 405)
			job_header(j, "allow", allow);
		refuse(j, status, &e);
		return;
	}
	r->pattern = j->route->path;
	session_read(r, j->pool, &p->shown);
	if (urlencoded_read(r->query, strlen(r->query), &j->query, &e)) {
		refuse(j, 400, &e);
		return;
	}
	if (j->route->method != METHOD_GET) {
		status = read_body(j, &e);
		if (status) {
			refuse(j, status, &e);
			return;
		}
		bool form = p->content != CONTENT_JSON && j->route->method == METHOD_POST;
		if (session_write_allowed(r, &p->shown, own_origin(j), form, &e)) {
			refuse(j, 403, &e);
			return;
		}
	}
	begin(j);
}

void job_too_large(bool json, struct str *body)
{
	struct pool *pool = pool_new();
	struct job j = { .pool = pool };
	const char *title = job_title(&j, 413, NULL), *detail = text_fill(pool, "body.large", UPLOAD_MOST);
	if (json) {
		struct json out = json_in(pool);
		problem_open(&j, &out, 413, NULL, detail);
		json_end(&out);
		str_add_n(body, out.out.s, out.out.len);
	} else {
		str_addf(body,
			 "<!DOCTYPE html>\n<html lang=\"fr\">\n<head><meta charset=\"utf-8\"><title>%s</title></head>\n"
			 "<body><main><h1>%s</h1><p>%s</p></main></body>\n</html>\n",
			 title, title, detail);
	}
	pool_free(pool);
}

void job_gone(struct request *r)
{
	struct job *j = r->job;
	atomic_fetch_add(&counts.gone, 1);
	if (!j)
		return;
	j->request = NULL;
	if (j->private->sent && j->route && j->route->method == METHOD_GET)
		segment_cancel(j->private->sent);
}

/* ---- helpers ---- */

const char *job_param(const struct job *j, const char *name)
{
	const struct route_params *params = &j->private->params;
	for (size_t i = 0; i < params->count; i++)
		if (!strcmp(params->items[i].name, name))
			return params->items[i].value;
	return "";
}

int64_t job_param_id(const struct job *j, const char *name)
{
	int64_t id;
	return str_to_i64(job_param(j, name), &id) || id <= 0 ? 0 : id;
}

size_t job_validate(struct job *j, const struct form *f, enum form_mode mode, struct values *kept,
		    struct problems *problems)
{
	*kept = values_in(j->pool);
	*problems = problems_in(j->pool);
	return form_validate(f, &j->sent, day_in_paris(j->now), mode, kept, problems);
}

struct markup job_hidden(struct job *j, int64_t version)
{
	struct str out = str_in(j->pool);
	const char *csrf = session_csrf(j->service->keys, &j->private->shown, &j->who, j->pool);
	if (csrf && *csrf) {
		str_add(&out, "<input type=\"hidden\" name=\"csrf\" value=\"");
		html_attr(&out, csrf);
		str_add(&out, "\">\n");
	}
	str_addf(&out, "<input type=\"hidden\" name=\"idempotency_key\" value=\"%s\">\n", crypto_token(j->pool));
	if (version >= 0)
		str_addf(&out, "<input type=\"hidden\" name=\"version\" value=\"%lld\">\n", (long long)version);
	return (struct markup){ out.s };
}

void jobs_metrics(struct str *out)
{
	metric(out, "jobs_started_total", "counter", "Requests that reached their page.",
	       (double)atomic_load(&counts.started));
	metric(out, "jobs_running", "gauge", "Requests being answered.", (double)atomic_load(&counts.running));
	metric(out, "jobs_gone_total", "counter", "Requests whose visitor left before the answer.",
	       (double)atomic_load(&counts.gone));
	metric(out, "jobs_faults_total", "counter", "Answers that were our fault; the log has each with its reference.",
	       (double)atomic_load(&counts.faults));
	metric(out, "log_lines_lost_total", "counter",
	       "Log lines that found no room: a reader that stopped, a full disk.", (double)log_lost());
	metric(out, "work_done_total", "counter", "Steps done on the threads for slow work.",
	       (double)atomic_load(&counts.worked));
	metric(out, "work_waiting", "gauge", "Steps that wait for such a thread.", (double)atomic_load(&counts.queued));
	static const char *const classes[] = { "", "1xx", "2xx", "3xx", "4xx", "5xx" };
	metric_head(out, "answers_total", "counter", "Answers, by class of their status.");
	for (size_t i = 1; i < COUNT(classes); i++)
		metric_of(out, "answers_total", "class", classes[i], (double)atomic_load(&counts.answered[i]));
}
