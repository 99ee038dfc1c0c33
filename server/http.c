#include "http.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <h2o.h>
#include <h2o/http1.h>
#include <h2o/http2.h>
#include <linux/tcp.h> /* netinet/tcp.h knows less of struct tcp_info */
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/time.h>

#include "base/log.h"
#include "job.h"
#include "metric.h"

/* Far above the 10 MB of a piece: a photograph that is too heavy gets a page that says so, not a cut connection. */
#define ENTITY_MAX (48 * 1024 * 1024)
#define LOOPS_MAX 256
#define CANCELS_MAX 200         /* and more than half of the connection's requests: it is an attack */
#define PROGRESS_BYTES 4096     /* in a second: an upload or a download that goes on */
#define REQUEST_SECONDS_MAX 900 /* without a finished request, even with progress */
#define HANDSHAKE_SECONDS 10
#define STOP_SECONDS 10
#define WORK_SECONDS 5 /* more, for work on other threads whose visitors were let go */
#define JUMP_MS 100    /* of the machine's clock, between two turns */
#define NEVER ((uint64_t)365 * 86400 * 1000)
#define LEAVE_SECONDS 2   /* HTTP/2, draining: nothing under way and nothing came for so long, it closes */
#define UPLOAD_BYTES 8192 /* more than a handshake and a head */
/* A body is whole in memory before it is read, an answer until it was. When those of a loop are more than this, the
 * largest leave first. */
#define BODIES_MOST ((uint64_t)128 * 1024 * 1024)
/* One answer counts no more: all that somebody has here may be larger than that, and is theirs. */
#define ANSWER_MOST (BODIES_MOST / 4)
#define HEAD_BYTES 200 /* of a request on the wire, about */
#define ADDRESS_BUCKETS 4096
#define READY_SECONDS 20

/* ---- what there is ---- */

/* Connections of one address, over all loops. */
struct address {
	struct address *next;
	int count;
	char text[INET6_ADDRSTRLEN];
};

struct connection {
	struct loop *loop;
	h2o_socket_t *sock; /* NULL once closed: requests may outlive it by a few lines */
	enum listener listener;
	struct address *address; /* behind a proxy: the proxy's until the handshake is done */
	bool proxied;
	SSL *ssl;
	struct pool *pool; /* of the certificate, read once */
	struct certificate certificate;
	bool certificate_read;
	int64_t opened_at, done_at, progress_at;
	uint64_t bytes;  /* at the last sweep */
	uint64_t taken;  /* of what came: whole requests; the rest is on its way and held */
	uint64_t unread; /* of our answers: kept until all of one has left */
	uint64_t requests, cancels;
	int active, working; /* requests; those we have not answered */
	int references;
	bool flooded;
	struct connection *previous, *next;
};

/* Of one request, in h2o's memory of it. */
struct exchange {
	h2o_req_t *req;
	struct connection *c;
	struct request *r; /* NULL before it starts and once it is answered */
	bool waiting, answered;
	const char *head_bad;
	int64_t began;
	uint64_t kept; /* of its connection's unread */
	struct exchange *previous, *next;
};

/* A descriptor of the database lanes. */
struct watched {
	int fd;
	h2o_socket_t *sock; /* NULL: free for the next one */
	uint64_t id;
	bool want_write;
	struct loop *loop;
	struct watched *next;
};

struct loop {
	int index;
	pthread_t thread;
	bool running; /* the thread was started and its loop is open */
	sem_t opened;
	struct err err;
	h2o_context_t ctx;
	h2o_accept_ctx_t accept[2][2]; /* public, agents; without and with a PROXY line */
	h2o_multithread_receiver_t receiver;
	struct lanes *lanes;
	struct watched *watched;
	struct connection *connections;
	struct exchange *waiting, *waiting_last;
	struct service *service;
	int jobs;
	uint64_t unread; /* of its connections that are not to end */
	int64_t stop_at, swept_at, bodies_at;
	int64_t clock_lead;               /* of the machine's clock on the monotonic one, ms */
	int64_t unwarned_at;              /* draining: HTTP/2 connections are to be told since then; 0: all were */
	bool draining, stopping, hurried; /* hurried: much of what comes or leaves is held, look often */
	bool left;                        /* it ended with jobs */
	_Atomic int open;                 /* connections, those on their way to it included */
	_Atomic bool up;                  /* its lanes have a database */
	_Atomic uint64_t unread_seen;     /* for other threads */
	pthread_mutex_t lock;
	struct lanes_counts lanes_counts; /* a copy for other threads */
};

struct message {
	h2o_multithread_message_t super;
	void (*fn)(void *);
	void *arg;
};

static struct {
	struct service *service;
	h2o_globalconf_t config;
	struct loop *loops;
	int loop_count;
	_Atomic int64_t ticked_at[LOOPS_MAX]; /* 0: that loop is not open */
	int listening[2];
	int wake; /* eventfd of http_stop() */
	SSL_CTX *ssl[2];
	struct retired {
		SSL_CTX *ssl[2];
		struct retired *next;
	} * retired;             /* contexts before a reload: h2o keeps their address in each connection */
	struct timespec seen[4]; /* of the certificate files */
	pthread_mutex_t lock;    /* of addresses */
	struct address *addresses[ADDRESS_BUCKETS];
	_Atomic bool draining;
	_Atomic uint64_t accepted, refused, requests, cancelled, flooded, idle, bytes;
} http = { .listening = { -1, -1 }, .wake = -1, .lock = PTHREAD_MUTEX_INITIALIZER };

/* ---- addresses ---- */

static struct address **address_at(const char *text)
{
	uint32_t hash = 2166136261U;
	for (const char *p = text; *p; p++)
		hash = (hash ^ (unsigned char)*p) * 16777619U;
	struct address **at = &http.addresses[hash % ADDRESS_BUCKETS];
	while (*at && strcmp((*at)->text, text) != 0)
		at = &(*at)->next;
	return at;
}

/* NULL when this address has enough of them; a proxy never has. */
static struct address *address_take(const char *text, bool proxy)
{
	pthread_mutex_lock(&http.lock);
	struct address **at = address_at(text), *a = *at;
	if (!a) {
		a = calloc(1, sizeof *a);
		if (a) {
			snprintf(a->text, sizeof a->text, "%s", text);
			*at = a;
		}
	}
	if (a && !proxy && a->count >= http.service->settings.max_connections_per_address)
		a = NULL;
	else if (a)
		a->count++;
	pthread_mutex_unlock(&http.lock);
	return a;
}

static void address_give(struct address *a)
{
	pthread_mutex_lock(&http.lock);
	if (!--a->count) {
		struct address **at = address_at(a->text);
		*at = a->next;
		free(a);
	}
	pthread_mutex_unlock(&http.lock);
}

static void address_text(const struct sockaddr_storage *from, char out[INET6_ADDRSTRLEN])
{
	if (from->ss_family == AF_INET6) {
		const struct sockaddr_in6 *six = (const struct sockaddr_in6 *)(const void *)from;
		if (IN6_IS_ADDR_V4MAPPED(&six->sin6_addr))
			inet_ntop(AF_INET, &six->sin6_addr.s6_addr[12], out, INET6_ADDRSTRLEN);
		else
			inet_ntop(AF_INET6, &six->sin6_addr, out, INET6_ADDRSTRLEN);
	} else {
		const struct sockaddr_in *four = (const struct sockaddr_in *)(const void *)from;
		inet_ntop(AF_INET, &four->sin_addr, out, INET6_ADDRSTRLEN);
	}
}

/* Only the addresses of ENROLL_PROXY may say for whom they connect. */
static bool is_proxy(const char *address)
{
	size_t n = strlen(address);
	for (const char *p = http.service->settings.proxy; p && *p; p += strcspn(p, ","), p += *p == ',')
		if (strcspn(p, ",") == n && !memcmp(p, address, n))
			return true;
	return false;
}

/* ---- messages to loops ---- */

struct lanes *loop_lanes(struct loop *l)
{
	return l->lanes;
}

void loop_post(struct loop *l, void (*fn)(void *), void *arg)
{
	struct message *m = h2o_mem_alloc(sizeof *m);
	*m = (struct message){ .fn = fn, .arg = arg };
	h2o_multithread_send_message(&l->receiver, &m->super);
}

static void on_messages(h2o_multithread_receiver_t *receiver, h2o_linklist_t *messages)
{
	(void)receiver;
	while (!h2o_linklist_is_empty(messages)) {
		/* Not h2o_linklist_unlink(): the analyzer cannot see that it takes the first off this list. */
		struct message *m = H2O_STRUCT_FROM_MEMBER(struct message, super.link, messages->next);
		messages->next = m->super.link.next;
		messages->next->prev = messages;
		m->fn(m->arg);
		free(m);
	}
}

/* ---- the database's descriptors on the loop ---- */

static void on_db_write(h2o_socket_t *sock, const char *err)
{
	struct watched *w = sock->data;
	struct loop *l = w->loop;
	uint64_t id = w->id;
	(void)err;
	if (!w->want_write)
		return;
	lanes_ready(l->lanes, w->fd, false, true);
	/* It is told once; the lanes only speak when their wish changes. */
	if (w->id == id && w->sock && w->want_write && !h2o_socket_is_writing(w->sock))
		h2o_socket_notify_write(w->sock, on_db_write);
}

static void on_db_read(h2o_socket_t *sock, const char *err)
{
	struct watched *w = sock->data;
	(void)err;
	lanes_ready(w->loop->lanes, w->fd, true, false);
}

static void on_watch(void *context, int fd, bool want_read, bool want_write)
{
	struct loop *l = context;
	struct watched *w = l->watched;
	while (w && (!w->sock || w->fd != fd))
		w = w->next;
	if (!want_read && !want_write) {
		if (!w)
			return;
		h2o_socket_t *sock = w->sock;
		w->sock = NULL;
		w->want_write = false;
		w->id++;
		sock->data = w;
		h2o_socket_close(sock);
		return;
	}
	if (!w) {
		for (w = l->watched; w && w->sock; w = w->next)
			;
		if (!w) {
			w = h2o_mem_alloc(sizeof *w);
			*w = (struct watched){ .loop = l, .next = l->watched };
			l->watched = w;
		}
		w->fd = fd;
		w->sock = h2o_evloop_socket_create(l->ctx.loop, fd, H2O_SOCKET_FLAG_DONT_READ);
		w->sock->data = w;
	}
	w->want_write = want_write;
	if (want_read && !h2o_socket_is_reading(w->sock))
		h2o_socket_read_start(w->sock, on_db_read);
	else if (!want_read && h2o_socket_is_reading(w->sock))
		h2o_socket_read_stop(w->sock);
	if (want_write && !h2o_socket_is_writing(w->sock))
		h2o_socket_notify_write(w->sock, on_db_write);
}

/* ---- connections ---- */

static void connection_release(struct connection *c)
{
	if (--c->references)
		return;
	address_give(c->address);
	pool_free(c->pool);
	free(c);
}

static void on_close(void *data)
{
	struct connection *c = data;
	struct loop *l = c->loop;
	c->sock = NULL;
	c->ssl = NULL;
	*(c->previous ? &c->previous->next : &l->connections) = c->next;
	if (c->next)
		c->next->previous = c->previous;
	atomic_fetch_sub(&l->open, 1);
	connection_release(c);
}

/* h2o reads the end of the stream and closes by itself, whatever it was doing. */
static void connection_end(struct connection *c)
{
	if (c->sock)
		shutdown(h2o_socket_get_fd(c->sock), SHUT_RDWR);
}

/* It leaves us no choice. What it still makes us keep goes with it, in the next turn. */
static void connection_flooded(struct connection *c)
{
	c->flooded = true;
	c->loop->unread -= c->unread;
	atomic_fetch_add(&http.flooded, 1);
	connection_end(c);
}

/* The PROXY line was read: from now on it counts for whom it says. */
static void learn_address(struct connection *c)
{
	struct sockaddr_storage from = { 0 };
	char text[INET6_ADDRSTRLEN] = "";
	c->proxied = false;
	if (h2o_socket_getpeername(c->sock, (struct sockaddr *)&from) <= 0)
		return;
	address_text(&from, text);
	struct address *a = address_take(text, is_proxy(text));
	if (!a) {
		atomic_fetch_add(&http.refused, 1);
		connection_end(c);
		return;
	}
	address_give(c->address);
	c->address = a;
}

/* The BIO that h2o gives to OpenSSL carries its socket, and the socket carries our connection. */
static void on_ssl_info(const SSL *ssl, int where, int ret)
{
	(void)ret;
	if (!(where & SSL_CB_HANDSHAKE_DONE))
		return;
	h2o_socket_t *sock = BIO_get_data(SSL_get_rbio(ssl));
	struct connection *c = sock ? sock->on_close.data : NULL;
	if (!c)
		return;
	c->ssl = (SSL *)(uintptr_t)ssl;
	if (c->proxied)
		learn_address(c);
}

struct arrival {
	struct loop *loop;
	struct address *address;
	int fd;
	enum listener listener;
	bool proxied;
};

static void on_arrival(void *arg)
{
	struct arrival *a = arg;
	struct loop *l = a->loop;
	if (l->stopping) {
		close(a->fd);
		address_give(a->address);
		atomic_fetch_sub(&l->open, 1);
		free(a);
		return;
	}
	struct connection *c = h2o_mem_alloc(sizeof *c);
	int64_t now = clock_monotonic();
	*c = (struct connection){ .loop = l,
				  .listener = a->listener,
				  .address = a->address,
				  .proxied = a->proxied,
				  .references = 1,
				  .opened_at = now,
				  .done_at = now,
				  .progress_at = now,
				  .next = l->connections };
	if (c->next)
		c->next->previous = c;
	l->connections = c;
	c->sock = h2o_evloop_socket_create(l->ctx.loop, a->fd, H2O_SOCKET_FLAG_IS_ACCEPTED_CONNECTION);
	c->sock->on_close.cb = on_close;
	c->sock->on_close.data = c;
	h2o_accept(&l->accept[a->listener == AGENTS][a->proxied], c->sock);
	free(a);
}

/* ---- requests ---- */

static void on_gone(void *data)
{
	struct exchange *st = data;
	struct connection *c = st->c;
	struct loop *l = c->loop;
	c->active--;
	if (st->waiting) {
		*(st->previous ? &st->previous->next : &l->waiting) = st->next;
		*(st->next ? &st->next->previous : &l->waiting_last) = st->previous;
	}
	if (st->r) {
		st->r->handle = NULL;
		job_gone(st->r);
	}
	if (st->answered) {
		c->done_at = clock_monotonic();
	} else {
		c->working--;
		c->cancels++;
		atomic_fetch_add(&http.cancelled, 1);
		if (c->cancels >= CANCELS_MAX && c->cancels * 2 > c->requests && !c->flooded)
			connection_flooded(c);
	}
	c->unread -= st->kept;
	if (!c->flooded)
		l->unread -= st->kept;
	connection_release(c);
}

static bool named(const char *line, size_t n, const char *name)
{
	size_t len = strlen(name);
	return n >= len && !strncasecmp(line, name, len);
}

/*
 * libh2o keeps the last Host and makes one up where there is none; it takes the last of two lengths, and a length
 * beside a coding. Whoever stands before us may have read them otherwise (RFC 9112 §3.2, §6.3). Gives a text's id, or
 * NULL.
 */
static const char *head_bad(h2o_req_t *req)
{
	size_t hosts = 0, lengths = 0, codings = 0;
	bool bad = false;
	if (req->version >= 0x200)
		return NULL;
	const h2o_buffer_t *in = req->conn->callbacks->get_socket(req->conn)->input;
	const char *p = in->bytes, *end = p + in->size, *next;
	while (p < end && (*p == '\r' || *p == '\n'))
		p++;
	for (; (next = memchr(p, '\n', (size_t)(end - p))) && next > p && *p != '\r'; p = next + 1) {
		size_t n = (size_t)(next - p);
		const char *colon = memchr(p, ':', n);
		hosts += named(p, n, "host:");
		lengths += named(p, n, "content-length:");
		codings += named(p, n, "transfer-encoding");
		/* A folded line, or a name that ends in a blank, is another line to another reader. */
		bad |= *p == ' ' || *p == '\t' || (colon > p && (colon[-1] == ' ' || colon[-1] == '\t'));
	}
	if (hosts > 1 || (!hosts && req->version > 0x100))
		return "body.host";
	bad |= lengths > 1 || codings > 1 || (codings && (lengths || req->version < 0x101));
	ssize_t at = h2o_find_header_by_str(&req->headers, H2O_STRLIT("transfer-encoding"), -1);
	if (at != -1)
		bad |= !h2o_lcstris(req->headers.entries[at].value.base, req->headers.entries[at].value.len,
				    H2O_STRLIT("chunked"));
	if (bad)
		req->http1_is_persistent = 0; /* where its body ends is not known */
	return bad ? "body.ambiguous" : NULL;
}

/* Encrypted bytes that came; h2o's own count is of the last read only. */
static uint64_t came(const struct connection *c)
{
	return c->ssl ? BIO_number_read(SSL_get_rbio(c->ssl)) : 0;
}

/* Nothing is done yet: what is cancelled before the end of this turn costs nothing more. */
static int on_request(h2o_handler_t *self, h2o_req_t *req)
{
	(void)self;
	struct connection *c = req->conn->callbacks->get_socket(req->conn)->on_close.data;
	struct loop *l = c->loop;
	struct exchange *st = h2o_mem_alloc_shared(&req->pool, sizeof *st, on_gone);
	*st = (struct exchange){ .req = req,
				 .c = c,
				 .waiting = true,
				 .head_bad = head_bad(req),
				 .began = clock_monotonic(),
				 .previous = l->waiting_last };
	*(st->previous ? &st->previous->next : &l->waiting) = st;
	l->waiting_last = st;
	c->references++;
	c->active++;
	c->working++;
	c->requests++;
	uint64_t whole = c->taken + req->entity.len + HEAD_BYTES;
	c->taken = req->version < 0x200 || whole > came(c) ? came(c) : whole;
	if (l->draining && req->version >= 0x200 && c->requests == 1 && !l->unwarned_at)
		l->unwarned_at = st->began;
	return 0;
}

static enum method method_of(h2o_iovec_t m)
{
	static const char *const names[] = { "GET", "POST", "DELETE", "PATCH", "HEAD" };
	static const enum method methods[] = { METHOD_GET, METHOD_POST, METHOD_DELETE, METHOD_PATCH, METHOD_HEAD };
	for (size_t i = 0; i < COUNT(names); i++)
		if (h2o_memis(m.base, m.len, names[i], strlen(names[i])))
			return methods[i];
	return METHOD_OTHER;
}

static void on_job_freed(void *loop)
{
	((struct loop *)loop)->jobs--;
}

static void judge_certificate(struct connection *c, struct request *r)
{
	if (c->listener != AGENTS || !c->ssl)
		return;
	if (!c->certificate_read) {
		c->pool = pool_new();
		(void)tls_peer(c->ssl, c->pool, &c->certificate);
		c->certificate_read = true;
	}
	r->peer = tls_peer_still(c->ssl, &c->certificate);
	/* The job may outlive the connection. */
	r->certificate = (struct certificate){
		.issuer = pool_strdup(r->pool, c->certificate.issuer),
		.subject = pool_strdup(r->pool, c->certificate.subject),
		.serial = pool_strdup(r->pool, c->certificate.serial),
		.fingerprint = pool_strdup(r->pool, c->certificate.fingerprint),
		.nid = pool_strdup(r->pool, c->certificate.nid),
		.common_name = pool_strdup(r->pool, c->certificate.common_name),
		.not_before = c->certificate.not_before,
		.not_after = c->certificate.not_after,
	};
}

static void start(struct loop *l, struct exchange *st)
{
	h2o_req_t *req = st->req;
	size_t path = req->input.query_at == SIZE_MAX ? req->input.path.len : req->input.query_at;
	struct pool *pool = req->entity.len ? pool_new_secret() : pool_new();
	struct request *r = POOL_NEW(pool, struct request);
	pool_defer(pool, on_job_freed, l);
	l->jobs++;
	*r = (struct request){
		.loop = l,
		.method = method_of(req->input.method),
		.listener = st->c->listener,
		.path = pool_strndup(pool, req->input.path.base, path),
		.query = path < req->input.path.len
				 ? pool_strndup(pool, req->input.path.base + path + 1, req->input.path.len - path - 1)
				 : "",
		.body = req->entity.len ? pool_copy(pool, req->entity.base, req->entity.len) : "",
		.body_size = req->entity.len,
		.address = pool_strdup(pool, st->c->address->text),
		.pool = pool,
		.handle = st,
		.head_bad = st->head_bad,
	};
	st->r = r;
	judge_certificate(st->c, r);
	atomic_fetch_add(&http.requests, 1);
	job_start(r, l->service, l->lanes);
}

static void start_waiting(struct loop *l)
{
	while (l->waiting) {
		struct exchange *st = l->waiting;
		l->waiting = st->next;
		*(st->next ? &st->next->previous : &l->waiting_last) = NULL;
		st->previous = st->next = NULL;
		st->waiting = false;
		start(l, st);
	}
}

const char *http_header(const struct request *r, const char *lower_case_name)
{
	const struct exchange *st = r->handle;
	size_t n = strlen(lower_case_name);
	if (!st)
		return NULL;
	if (!strcmp(lower_case_name, "host"))
		return pool_strndup(r->pool, st->req->input.authority.base, st->req->input.authority.len);
	char *found = NULL;
	/* HTTP/2 may cut cookies into several headers. */
	for (ssize_t at = -1; (at = h2o_find_header_by_str(&st->req->headers, lower_case_name, n, at)) != -1;) {
		h2o_iovec_t v = st->req->headers.entries[at].value;
		found = found ? pool_printf(r->pool, "%s; %.*s", found, (int)v.len, v.base)
			      : pool_strndup(r->pool, v.base, v.len);
		if (strcmp(lower_case_name, "cookie") != 0)
			break;
	}
	return found;
}

static const char *reason_of(int status)
{
	switch (status) {
	case 200:
		return "OK";
	case 201:
		return "Created";
	case 204:
		return "No Content";
	case 303:
		return "See Other";
	case 304:
		return "Not Modified";
	case 400:
		return "Bad Request";
	case 401:
		return "Unauthorized";
	case 403:
		return "Forbidden";
	case 404:
		return "Not Found";
	case 405:
		return "Method Not Allowed";
	case 409:
		return "Conflict";
	case 413:
		return "Content Too Large";
	case 415:
		return "Unsupported Media Type";
	case 422:
		return "Unprocessable Content";
	case 503:
		return "Service Unavailable";
	default:
		return status >= 500 ? "Internal Server Error" : "Status";
	}
}

static const struct header security[] = {
	{ "content-security-policy", "default-src 'none'; style-src 'self'; script-src 'self'; font-src 'self'; "
				     "img-src 'self'; connect-src 'self'; "
				     "form-action 'self'; base-uri 'none'; frame-ancestors 'none'" },
	{ "strict-transport-security", "max-age=31536000" },
	{ "x-content-type-options", "nosniff" },
	{ "x-frame-options", "DENY" }, /* frame-ancestors, for old browsers */
	{ "referrer-policy", "same-origin" },
	{ "cross-origin-opener-policy", "same-origin" },
	{ "cross-origin-embedder-policy", "require-corp" },
	{ "cross-origin-resource-policy", "same-origin" },
	{ "permissions-policy",
	  "camera=(), geolocation=(self), microphone=(), payment=(), usb=(), interest-cohort=()" },
};

static void header_add(h2o_req_t *req, const char *name, const char *value)
{
	h2o_add_header_by_str(&req->pool, &req->res.headers, name, strlen(name), 1, NULL, value, strlen(value));
}

static void access_line(const struct request *r, const struct exchange *st, int status)
{
	static const char *const methods[] = { "GET", "POST", "DELETE", "PATCH", "HEAD", "OTHER" };
	char code[STR_I64], us[STR_I64];
	log_event(LOG_INFO, "request", "method", methods[r->method], "route", r->pattern ? r->pattern : "-", "status",
		  str_of_i64(code, status), "us", str_of_i64(us, clock_monotonic() - st->began), "listener",
		  r->listener == AGENTS ? "agents" : "public", "who", r->who ? r->who : "", "reference",
		  r->reference ? r->reference : "");
}

static void sweep_bodies(struct loop *l);

/* False: its connection made us keep too much, and ends. */
static bool keep_answer(struct exchange *st, size_t size)
{
	struct connection *c = st->c;
	struct loop *l = c->loop;
	if (c->flooded)
		return false;
	/* libh2o enciphers the whole of an HTTP/1 answer at once. */
	st->kept = st->req->version < 0x200 ? 2 * (uint64_t)size : size;
	if (st->kept > ANSWER_MOST)
		st->kept = ANSWER_MOST;
	c->unread += st->kept;
	l->unread += st->kept;
	if (l->unread > BODIES_MOST)
		sweep_bodies(l);
	return !c->flooded;
}

void http_answer(struct request *r, int status, const struct header *headers, size_t count, const void *body,
		 size_t size, bool lasts)
{
	static h2o_generator_t generator;
	struct exchange *st = r->handle;
	bool cached = false;
	if (!st)
		return;
	h2o_req_t *req = st->req;
	bool head = r->method == METHOD_HEAD;
	req->res.status = status;
	req->res.reason = reason_of(status);
	req->res.content_length = status == 304 || status == 204 ? SIZE_MAX : size;
	for (size_t i = 0; i < count; i++) {
		h2o_iovec_t name = h2o_strdup(&req->pool, headers[i].name, SIZE_MAX);
		h2o_iovec_t value = h2o_strdup(&req->pool, headers[i].value, SIZE_MAX);
		h2o_strtolower(name.base, name.len);
		cached |= h2o_memis(name.base, name.len, H2O_STRLIT("cache-control"));
		header_add(req, name.base, value.base);
	}
	for (size_t i = 0; i < COUNT(security); i++)
		header_add(req, security[i].name, security[i].value);
	if (!cached)
		header_add(req, "cache-control", "no-store");
	/* One buffer: each would be a TLS record of its own. An empty one is sent too: h2o wants at least one. */
	h2o_iovec_t buffer = h2o_iovec_init("", 0);
	if (size && !head && lasts)
		buffer = h2o_iovec_init(body, size);
	else if (size && !head && keep_answer(st, size))
		buffer = h2o_strdup(&req->pool, body, size);
	st->r = NULL;
	st->answered = true;
	st->c->working--;
	st->c->progress_at = clock_monotonic(); /* from now on it is theirs to read */
	r->handle = NULL;
	access_line(r, st, status);
	if (req->version < 0x200)
		log_release(); /* libh2o writes the answer now */
	atomic_fetch_add(&http.bytes, buffer.len);
	h2o_start_response(req, &generator);
	h2o_send(req, &buffer, 1, H2O_SEND_STATE_FINAL);
}

/* What libh2o refuses before there is a request of ours, a body above ENTITY_MAX, is said in our words. */
struct refusal {
	h2o_ostream_t super;
	h2o_iovec_t body;
};

static void on_refusal_send(h2o_ostream_t *self, h2o_req_t *req, h2o_iovec_t *bufs, size_t n, h2o_send_state_t state)
{
	(void)bufs;
	(void)n;
	h2o_ostream_send_next(self, req, &((struct refusal *)(void *)self)->body, 1, state);
}

static void on_refusal(h2o_filter_t *self, h2o_req_t *req, h2o_ostream_t **slot)
{
	(void)self;
	if (req->res.status == 413) {
		struct refusal *r = (struct refusal *)(void *)h2o_add_ostream(req, sizeof *r, slot);
		struct pool *pool = pool_new();
		ssize_t accept = h2o_find_header(&req->headers, H2O_TOKEN_ACCEPT, -1);
		h2o_iovec_t wanted = accept < 0 ? h2o_iovec_init("", 0) : req->headers.entries[accept].value;
		bool json = h2o_strstr(wanted.base, wanted.len, H2O_STRLIT("json")) != SIZE_MAX;
		struct str body = str_in(pool);
		job_too_large(json, &body);
		r->super.do_send = on_refusal_send;
		r->body = h2o_strdup(&req->pool, body.s, body.len);
		pool_free(pool);
		req->res.content_length = r->body.len;
		const char *type = json ? "application/problem+json" : "text/html; charset=utf-8";
		h2o_set_header(&req->pool, &req->res.headers, H2O_TOKEN_CONTENT_TYPE, type, strlen(type), 1);
		for (size_t i = 0; i < COUNT(security); i++)
			header_add(req, security[i].name, security[i].value);
		slot = &r->super.next;
	}
	h2o_setup_next_ostream(req, slot);
}

/* ---- a loop ---- */

static uint64_t held(const struct connection *c)
{
	return c->sock && !c->flooded ? came(c) - c->taken + c->unread : 0;
}

static bool is_http2(const struct connection *c)
{
	const unsigned char *name = NULL;
	unsigned n = 0;
	if (c->ssl)
		SSL_get0_alpn_selected(c->ssl, &name, &n);
	return n == 2 && !memcmp(name, "h2", 2);
}

/* Who neither sends nor reads weighs more every second. */
static uint64_t weight(const struct connection *c, int64_t now)
{
	return held(c) * (uint64_t)(1 + (now - c->progress_at) / SECOND);
}

static void sweep_bodies(struct loop *l)
{
	int64_t now = clock_monotonic();
	uint64_t all = 0;
	for (struct connection *c = l->connections; c; c = c->next)
		all += held(c);
	l->hurried = all > BODIES_MOST / 2;
	while (all > BODIES_MOST) {
		struct connection *most = l->connections;
		for (struct connection *c = most->next; c; c = c->next)
			if (weight(c, now) > weight(most, now))
				most = c;
		all -= held(most);
		connection_flooded(most);
	}
}

/* libh2o counts the whole of an HTTP/1 answer as written when it begins; how much of it was taken, the kernel knows. */
static uint64_t went(const struct connection *c)
{
	struct tcp_info info = { 0 };
	socklen_t n = sizeof info;
	if (!c->active || is_http2(c) || getsockopt(h2o_socket_get_fd(c->sock), IPPROTO_TCP, TCP_INFO, &info, &n) ||
	    !info.tcpi_bytes_acked)
		return c->sock->bytes_written;
	return info.tcpi_bytes_acked;
}

static void sweep(struct loop *l, int64_t now)
{
	int64_t idle = l->service->settings.idle_seconds * SECOND;
	for (struct connection *c = l->connections, *next; c; c = next) {
		next = c->next;
		uint64_t bytes = came(c) + went(c);
		if (bytes - c->bytes >= PROGRESS_BYTES)
			c->progress_at = now;
		c->bytes = bytes;
		int64_t since = c->done_at > c->progress_at ? c->done_at : c->progress_at;
		/* What we have not answered is ours to finish. */
		if ((!c->working && now - since > idle) || now - c->done_at > REQUEST_SECONDS_MAX * SECOND ||
		    (!c->ssl && now - c->opened_at > HANDSHAKE_SECONDS * SECOND)) {
			atomic_fetch_add(&http.idle, 1);
			connection_end(c);
		}
	}
}

/* The handshake is done, its first request has not come: ours would come ahead of our SETTINGS. */
static bool young(const struct loop *l, int64_t now)
{
	for (const struct connection *c = l->connections; c; c = c->next)
		if (!c->requests && now - c->opened_at < SECOND && is_http2(c))
			return true;
	return false;
}

/*
 * RFC 9113 §6.8, its first step: "begin nothing more here". The second, which names the last request, comes with the
 * end of the connection, LEAVE_SECONDS after what crossed the first has come and all is answered; that is left to
 * libh2o's clock of idle connections. Its own second step comes after a second whatever goes on, and drops the bodies
 * still on their way.
 */
static void warn(struct loop *l, int64_t now)
{
	if (!l->unwarned_at || (young(l, now) && now - l->unwarned_at < SECOND))
		return;
	l->unwarned_at = 0;
	l->ctx.http2._graceful_shutdown_timeout.cb = NULL; /* else it is said once only */
	h2o_context_request_shutdown(&l->ctx);
	h2o_timeout_unlink(&l->ctx.http2._graceful_shutdown_timeout);
}

static void tick(struct loop *l, int64_t now)
{
	atomic_store(&http.ticked_at[l->index], now);
	warn(l, now);
	if (l->stopping)
		for (struct connection *c = l->connections; c; c = c->next)
			if (now > l->stop_at || (!c->active && held(c) < UPLOAD_BYTES && !is_http2(c)))
				connection_end(c);
	/* Progress is so much in a second, however often we look. */
	if (now - l->swept_at >= SECOND) {
		l->swept_at = now;
		sweep(l, now);
	}
	atomic_store(&l->unread_seen, l->unread);
	pthread_mutex_lock(&l->lock);
	l->lanes_counts = lanes_counts(l->lanes);
	pthread_mutex_unlock(&l->lock);
}

/* HTTP/1 answers say "close" from now on, HTTP/2 connections come to their end. */
static void on_drain(void *arg)
{
	struct loop *l = arg;
	if (l->draining)
		return;
	l->draining = true;
	l->unwarned_at = clock_monotonic();
	l->ctx.shutdown_requested = 1;
	h2o_timeout_t *idle = &l->ctx.http2.idle_timeout;
	idle->timeout = LEAVE_SECONDS * 1000;
	/* From now: what idles since long is told first, too. */
	for (h2o_linklist_t *e = idle->_entries.next; e != &idle->_entries; e = e->next)
		H2O_STRUCT_FROM_MEMBER(h2o_timeout_entry_t, _link, e)->registered_at = h2o_now(l->ctx.loop);
}

static void on_stop(void *arg)
{
	struct loop *l = arg;
	on_drain(l);
	l->stopping = true;
	l->stop_at = clock_monotonic() + STOP_SECONDS * SECOND;
}

/*
 * libh2o stamps what waits with the machine's clock: where that was set, the stamps follow, else an answer would wait.
 * Some may be later than the setting, as its loop reads the clock between two calls of ours: these are right.
 */
static void follow_clock(struct loop *l)
{
	struct timeval at;
	gettimeofday(&at, NULL);
	int64_t now = (int64_t)at.tv_sec * 1000 + at.tv_usec / 1000, lead = now - clock_monotonic() / (SECOND / 1000);
	int64_t jump = lead - l->clock_lead, last = jump > 0 ? now - jump : INT64_MAX, first = jump > 0 ? 0 : now + 1;
	if (jump > -JUMP_MS && jump < JUMP_MS)
		return;
	l->clock_lead = lead;
	for (h2o_linklist_t *t = l->ctx.loop->_timeouts.next; t != &l->ctx.loop->_timeouts; t = t->next) {
		h2o_linklist_t *entries = &H2O_STRUCT_FROM_MEMBER(h2o_timeout_t, _link, t)->_entries;
		for (h2o_linklist_t *e = entries->next; e != entries; e = e->next) {
			uint64_t *stamp = &H2O_STRUCT_FROM_MEMBER(h2o_timeout_entry_t, _link, e)->registered_at;
			if ((int64_t)*stamp >= first && (int64_t)*stamp <= last)
				*stamp += (uint64_t)jump;
		}
	}
}

static void turn(struct loop *l)
{
	bool often = l->draining || l->hurried;
	int wait = lanes_timeout(l->lanes), most = often ? 50 : 1000;
	if (wait < 0 || wait > most)
		wait = most;
	follow_clock(l);
	h2o_evloop_run(l->ctx.loop, wait);
	/* What is answered at once under HTTP/2 leaves in the next turn: its line still comes first. */
	log_hold();
	start_waiting(l);
	log_release();
	lanes_dispatch(l->lanes);
	atomic_store(&l->up, lanes_up(l->lanes));
	int64_t now = clock_monotonic();
	/* A fast network brings hundreds of megabytes between two ticks. */
	if (now - l->bodies_at >= SECOND / 20) {
		l->bodies_at = now;
		sweep_bodies(l);
	}
	if (now - atomic_load(&http.ticked_at[l->index]) >= (often ? SECOND / 10 : SECOND))
		tick(l, now);
}

/* On the loop's own thread: h2o's buffers come from an allocator of the thread that made their socket. */
static int loop_open(struct loop *l)
{
	const struct lanes_options options = {
		.dsn = l->service->dsn, .fast = 1, .write = 4, .slow = 2, .standby = true, .application_name = "enrolld"
	};
	h2o_context_init(&l->ctx, h2o_evloop_create(), &http.config);
	follow_clock(l);
	h2o_multithread_register_receiver(l->ctx.queue, &l->receiver, on_messages);
	for (size_t i = 0; i < 2; i++)
		for (int line = 0; line < 2; line++)
			l->accept[i][line] = (h2o_accept_ctx_t){ .ctx = &l->ctx,
								 .hosts = http.config.hosts,
								 .ssl_ctx = http.ssl[i],
								 .expect_proxy_line = line };
	l->lanes = lanes_open(&options, on_watch, l, &l->err);
	return l->lanes ? 0 : -1;
}

static void *loop_main(void *arg)
{
	struct loop *l = arg;
	int bad = loop_open(l);
	sem_post(&l->opened);
	if (bad)
		return NULL;
	while (!l->stopping || ((l->connections || l->jobs) && clock_monotonic() < l->stop_at + SECOND))
		turn(l);
	atomic_store(&http.ticked_at[l->index], 0);
	/* What still waits for the database is answered "busy"; work on other threads comes back to an open loop, and
	 * its next step asks lanes that refuse. */
	lanes_end(l->lanes);
	for (int64_t end = clock_monotonic() + WORK_SECONDS * SECOND; l->jobs && clock_monotonic() < end;)
		h2o_evloop_run(l->ctx.loop, 50);
	for (struct connection *c = l->connections; c; c = c->next)
		connection_end(c);
	for (int64_t end = clock_monotonic() + SECOND; l->connections && clock_monotonic() < end;)
		h2o_evloop_run(l->ctx.loop, 10);
	h2o_evloop_run(l->ctx.loop, 0);
	/* Work that ends after all is still told to this loop: all of it stays. */
	l->left = l->jobs > 0;
	if (!l->left)
		lanes_close(l->lanes);
	if (l->left || l->connections) {
		log_event(LOG_WARN, "http.left", "what", l->left ? "jobs" : "connections");
		return NULL;
	}
	h2o_multithread_unregister_receiver(l->ctx.queue, &l->receiver);
	h2o_evloop_t *loop = l->ctx.loop;
	h2o_context_dispose(&l->ctx);
	h2o_evloop_destroy(loop);
	for (struct watched *w = l->watched, *next; w; w = next) {
		next = w->next;
		free(w);
	}
	l->watched = NULL;
	return NULL;
}

/* ---- certificates ---- */

static int contexts_make(struct service *s, SSL_CTX *out[2], struct err *e)
{
	const struct settings *set = &s->settings;
	out[0] = tls_public(set->tls_cert, set->tls_key, e);
	out[1] = out[0] ? tls_agents(set->tls_cert, set->tls_key, set->agent_ca,
				     *set->agent_crl ? set->agent_crl : NULL, e)
			: NULL;
	if (!out[1]) {
		tls_free(out[0]);
		return -1;
	}
	for (size_t i = 0; i < 2; i++) {
		h2o_ssl_register_alpn_protocols(out[i], h2o_alpn_protocols);
		SSL_CTX_set_info_callback(out[i], on_ssl_info);
	}
	return 0;
}

static void on_new_contexts(void *arg)
{
	struct loop *l = arg;
	for (size_t i = 0; i < 2; i++)
		l->accept[i][0].ssl_ctx = l->accept[i][1].ssl_ctx = __atomic_load_n(&http.ssl[i], __ATOMIC_ACQUIRE);
}

/* Before any certificate is looked at: a bad one keeps nobody in. Open connections judge by what they began with. */
static void reload_crl(const struct settings *set)
{
	const struct retired present = { { http.ssl[0], http.ssl[1] }, http.retired };
	struct err e;
	for (const struct retired *at = &present; at && *set->agent_crl; at = at->next)
		if (tls_crl(at->ssl[1], set->agent_crl, &e))
			log_event(LOG_ERROR, "http.crl_failed", "detail", e.detail);
}

/* A few kilobytes a renewal stay until the end. */
static void reload(struct service *s)
{
	SSL_CTX *made[2];
	struct err e = { 0 };
	reload_crl(&s->settings);
	if (contexts_make(s, made, &e)) {
		log_event(LOG_ERROR, "http.reload_failed", "detail", e.detail);
		return;
	}
	struct retired *old = h2o_mem_alloc(sizeof *old);
	*old = (struct retired){ { http.ssl[0], http.ssl[1] }, http.retired };
	http.retired = old;
	for (size_t i = 0; i < 2; i++)
		__atomic_store_n(&http.ssl[i], made[i], __ATOMIC_RELEASE);
	for (int i = 0; i < http.loop_count; i++)
		loop_post(&http.loops[i], on_new_contexts, &http.loops[i]);
	log_event(LOG_INFO, "http.reloaded");
}

/* Instances that run seal with a new key within two seconds; the old ones still open. */
static void reload_keys(struct service *s)
{
	struct err e = { 0 };
	bool changed = false;
	if (keyring_reload(s->keys, &changed, &e))
		log_event(LOG_ERROR, "http.keys_failed", "detail", e.detail);
	else if (changed)
		log_event(LOG_INFO, "http.keys_reloaded", "seals", keyring_current(s->keys));
}

/* True when one of the files is another than the last time. */
static bool files_changed(const struct settings *set)
{
	const char *const files[] = { set->tls_cert, set->tls_key, set->agent_ca, set->agent_crl };
	bool changed = false;
	for (size_t i = 0; i < COUNT(files); i++) {
		struct stat st;
		if (!*files[i] || stat(files[i], &st))
			continue;
		changed |= st.st_mtim.tv_sec != http.seen[i].tv_sec || st.st_mtim.tv_nsec != http.seen[i].tv_nsec;
		http.seen[i] = st.st_mtim;
	}
	return changed;
}

/* ---- listening and accepting ---- */

static int bind_to(const char *address, int port, struct err *e)
{
	struct addrinfo hints = { .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_socktype = SOCK_STREAM }, *found;
	char service[8];
	int one = 1, zero = 0;
	snprintf(service, sizeof service, "%d", port);
	if (getaddrinfo(address, service, &hints, &found))
		return fault(e, "listen: no such address");
	int fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0) {
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
		if (found->ai_family == AF_INET6)
			setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero);
	}
	if (fd < 0 || bind(fd, found->ai_addr, found->ai_addrlen) || listen(fd, SOMAXCONN)) {
		int why = errno;
		if (fd >= 0)
			close(fd);
		freeaddrinfo(found);
		return fault(e, "listen on port %d: %s", port, strerror(why));
	}
	freeaddrinfo(found);
	return fd;
}

static struct loop *least_loaded(void)
{
	static int turns;
	struct loop *best = NULL;
	int first = turns++ & 0xffff;
	for (int i = 0; i < http.loop_count; i++) {
		struct loop *l = &http.loops[(first + i) % http.loop_count];
		if (!best || atomic_load(&l->open) < atomic_load(&best->open))
			best = l;
	}
	return best;
}

/* False when the process has no descriptor left: better to wait than to spin. */
static bool accept_all(int fd, enum listener listener)
{
	for (int i = 0; i < 64; i++) {
		struct sockaddr_storage from = { 0 };
		socklen_t n = sizeof from;
		char text[INET6_ADDRSTRLEN] = "";
		int one = 1, peer = accept4(fd, (struct sockaddr *)&from, &n, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (peer < 0)
			return errno != EMFILE && errno != ENFILE && errno != ENOMEM && errno != ENOBUFS;
		address_text(&from, text);
		bool proxied = is_proxy(text);
		struct address *a = address_take(text, proxied);
		struct arrival *arrival = a ? malloc(sizeof *arrival) : NULL;
		if (!arrival) {
			if (a)
				address_give(a);
			atomic_fetch_add(&http.refused, 1);
			close(peer);
			continue;
		}
		setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
		struct loop *l = least_loaded();
		*arrival = (struct arrival){ l, a, peer, listener, proxied };
		atomic_fetch_add(&l->open, 1);
		atomic_fetch_add(&http.accepted, 1);
		loop_post(l, on_arrival, arrival);
	}
	return true;
}

static void configure(void)
{
	static bool done;
	if (done)
		return;
	done = true;
	h2o_config_init(&http.config);
	http.config.server_name = h2o_iovec_init(H2O_STRLIT(""));
	http.config.max_request_entity_size = ENTITY_MAX;
	http.config.http1.upgrade_to_http2 = 0;
	/* Handshakes, idling, uploads and what never ends are sweep()'s: libh2o counts by the machine's clock, which
	 * may jump. */
	http.config.handshake_timeout = NEVER;
	http.config.http1.req_timeout = NEVER;
	http.config.http2.idle_timeout = NEVER;
	h2o_hostconf_t *host = h2o_config_register_host(&http.config, h2o_iovec_init(H2O_STRLIT("default")), 65535);
	h2o_pathconf_t *path = h2o_config_register_path(host, "/", 0);
	h2o_handler_t *handler = h2o_create_handler(path, sizeof *handler);
	handler->on_req = on_request;
	h2o_create_filter(&host->fallback_path, sizeof(h2o_filter_t))->on_setup_ostream = on_refusal;
}

int http_open(struct service *s, struct err *e)
{
	struct rlimit files;
	if (!getrlimit(RLIMIT_NOFILE, &files) && files.rlim_cur < files.rlim_max) {
		files.rlim_cur = files.rlim_max;
		(void)setrlimit(RLIMIT_NOFILE, &files);
	}
	http.service = s;
	(void)files_changed(&s->settings);
	configure();
	if (contexts_make(s, http.ssl, e))
		return -1;
	http.wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	http.listening[0] = bind_to(s->settings.bind, s->settings.port, e);
	if (http.listening[0] < 0)
		return -1;
	http.listening[1] = bind_to(s->settings.bind, s->settings.agent_port, e);
	return http.listening[1] < 0 ? -1 : 0;
}

void http_stop(void)
{
	uint64_t one = 1;
	if (http.wake >= 0)
		(void)!write(http.wake, &one, sizeof one);
}

bool http_draining(void)
{
	return atomic_load(&http.draining);
}

static void drain(const struct service *s)
{
	char seconds[16];
	snprintf(seconds, sizeof seconds, "%d", s->settings.drain_seconds);
	log_event(LOG_INFO, "http.draining", "seconds", seconds);
	atomic_store(&http.draining, true);
	for (int i = 0; i < http.loop_count; i++)
		loop_post(&http.loops[i], on_drain, &http.loops[i]);
}

static bool all_up(void)
{
	for (int i = 0; i < http.loop_count; i++)
		if (!atomic_load(&http.loops[i].up))
			return false;
	return true;
}

/* Accepts, and minds signals and files, until it is told to stop. */
static void serve(struct service *s, void (*ready)(void), int signals)
{
	struct pollfd fds[4] = { { http.listening[0], POLLIN, 0 },
				 { http.listening[1], POLLIN, 0 },
				 { signals, POLLIN, 0 },
				 { http.wake, POLLIN, 0 } };
	int64_t looked = clock_monotonic(), began = looked, until = 0;
	bool room = true;
	for (;;) {
		if (ready && (all_up() || looked - began > READY_SECONDS * SECOND)) {
			ready();
			ready = NULL;
		}
		fds[0].events = fds[1].events = room ? POLLIN : 0;
		int n = poll(fds, COUNT(fds), ready ? 5 : !room ? 50 : until ? 100 : 1000);
		room = true;
		if (n > 0 && (fds[0].revents & POLLIN))
			room &= accept_all(http.listening[0], PUBLIC);
		if (n > 0 && (fds[1].revents & POLLIN))
			room &= accept_all(http.listening[1], AGENTS);
		if (n > 0 && (fds[3].revents & POLLIN))
			return;
		struct signalfd_siginfo got;
		bool again = false;
		while (n > 0 && read(signals, &got, sizeof got) == sizeof got) {
			again |= got.ssi_signo == SIGHUP;
			if (got.ssi_signo == SIGHUP)
				continue;
			if (until || !s->settings.drain_seconds)
				return;
			drain(s);
			until = clock_monotonic() + s->settings.drain_seconds * SECOND;
		}
		int64_t now = clock_monotonic();
		if (until && now >= until)
			return;
		if (now - looked > SECOND) {
			looked = now;
			again |= files_changed(&s->settings);
			reload_keys(s);
		}
		if (again)
			reload(s);
	}
}

int http_run(struct service *s, void (*ready)(void), struct err *e)
{
	sigset_t set;
	int result = 0, cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
	int wanted = s->settings.loops ? s->settings.loops : cores > 0 ? cores : 1;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	int signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	atomic_store(&http.draining, false);
	if (signals < 0 || http.wake < 0)
		return fault(e, "http: no descriptor for signals");
	http.loops = calloc((size_t)(wanted < LOOPS_MAX ? wanted : LOOPS_MAX), sizeof *http.loops);
	if (!http.loops)
		return fault(e, "http: no memory");
	for (int i = 0; i < wanted && i < LOOPS_MAX && !result; i++) {
		struct loop *l = &http.loops[i];
		*l = (struct loop){ .index = i, .service = s };
		pthread_mutex_init(&l->lock, NULL);
		sem_init(&l->opened, 0, 0);
		if (pthread_create(&l->thread, NULL, loop_main, l)) {
			result = fault(e, "http: no thread for a loop");
			break;
		}
		while (sem_wait(&l->opened) && errno == EINTR)
			;
		l->running = l->lanes != NULL;
		http.loop_count++;
		if (!l->running) {
			pthread_join(l->thread, NULL);
			*e = l->err;
			result = -1;
		}
	}
	if (!result)
		serve(s, ready, signals);
	for (size_t i = 0; i < 2; i++) {
		close(http.listening[i]);
		http.listening[i] = -1;
	}
	for (int i = 0; i < http.loop_count; i++)
		if (http.loops[i].running)
			loop_post(&http.loops[i], on_stop, &http.loops[i]);
	bool left = false;
	for (int i = 0; i < http.loop_count; i++)
		if (http.loops[i].running) {
			pthread_join(http.loops[i].thread, NULL);
			left |= http.loops[i].left;
		}
	http.loop_count = 0;
	if (!left) {
		free(http.loops);
		http.loops = NULL;
	}
	close(signals);
	for (struct retired *old = http.retired, *next; old; old = next) {
		next = old->next;
		tls_free(old->ssl[0]);
		tls_free(old->ssl[1]);
		free(old);
	}
	http.retired = NULL;
	for (size_t i = 0; i < 2; i++)
		tls_free(http.ssl[i]);
	return result;
}

/* ---- figures of itself ---- */

bool http_turning(int64_t within)
{
	int64_t now = clock_monotonic();
	bool all = true;
	for (size_t i = 0; i < LOOPS_MAX; i++) {
		int64_t at = atomic_load(&http.ticked_at[i]);
		all &= !at || now - at <= within;
	}
	return all;
}

void http_metrics(struct str *out)
{
	static const char *const lane_names[] = { "fast", "write", "slow", "standby" };
	struct lanes_counts all = { 0 };
	int open = 0;
	uint64_t unread = 0;
	for (int i = 0; i < http.loop_count; i++) {
		struct loop *l = &http.loops[i];
		open += atomic_load(&l->open);
		unread += atomic_load(&l->unread_seen);
		pthread_mutex_lock(&l->lock);
		struct lanes_counts c = l->lanes_counts;
		pthread_mutex_unlock(&l->lock);
		all.segments += c.segments;
		all.busy += c.busy;
		all.lost += c.lost;
		all.unsure += c.unsure;
		all.dropped += c.dropped;
		all.connected += c.connected;
		for (int k = 0; k < LANE_COUNT; k++)
			all.waiting[k] += c.waiting[k];
	}
	metric(out, "connections_open", "gauge", "Connections that are open.", (double)open);
	metric(out, "connections_accepted_total", "counter", "Connections that came.",
	       (double)atomic_load(&http.accepted));
	metric(out, "connections_refused_total", "counter", "Connections refused: too many from an address.",
	       (double)atomic_load(&http.refused));
	metric(out, "connections_flooded_total", "counter", "Connections closed for flooding.",
	       (double)atomic_load(&http.flooded));
	metric(out, "connections_idle_closed_total", "counter", "Connections closed for idling.",
	       (double)atomic_load(&http.idle));
	metric(out, "requests_total", "counter", "Requests that came.", (double)atomic_load(&http.requests));
	metric(out, "requests_cancelled_total", "counter", "Requests whose visitor left.",
	       (double)atomic_load(&http.cancelled));
	metric(out, "body_bytes_sent_total", "counter", "Bytes of answers.", (double)atomic_load(&http.bytes));
	metric(out, "answers_unread_bytes", "gauge", "Kept of answers until they are read, at the last look.",
	       (double)unread);
	metric(out, "db_segments_total", "counter", "Segments sent to the database.", (double)all.segments);
	metric(out, "db_busy_total", "counter",
	       "Segments refused: the queue of their lane was full, or the database away.", (double)all.busy);
	metric(out, "db_lost_total", "counter", "Connections to the database that were lost.", (double)all.lost);
	metric(out, "db_unsure_total", "counter", "Commits whose answer was lost.", (double)all.unsure);
	metric(out, "db_dropped_total", "counter", "Segments dropped: their visitor left.", (double)all.dropped);
	metric(out, "db_connections", "gauge", "Connections to the database.", (double)all.connected);
	metric_head(out, "db_waiting", "gauge", "Segments that wait for a connection, by lane.");
	for (int k = 0; k < LANE_COUNT; k++)
		metric_of(out, "db_waiting", "lane", lane_names[k], all.waiting[k]);
}
