/*
 * The two listeners as a client sees them, in this process, with the database away: what is said before the database is
 * asked, certificates, limits, floods.
 */
#include <arpa/inet.h>
#include <curl/curl.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../lib/folder.h"
#include "../lib/served.h"
#include "../lib/test.h"

#include "../../server/base/file.h"
#include "../../server/http.h"
#include "../../server/job.h"

static struct service service;
static pthread_t thread;
static int run_result = -2;
static struct pool *pool;
static char *folder;
static const char *server_cert;

static void *run(void *unused)
{
	struct err e = { 0 };
	(void)unused;
	run_result = http_run(&service, NULL, &e);
	return NULL;
}

static int start(void **unused)
{
	struct settings *s = &service.settings;
	struct err e = { 0 };
	struct certificate c;
	sigset_t set;
	(void)unused;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	pool = pool_new();
	folder = folder_new(pool);
	const char *certs = pool_printf(pool, "%s/certs", folder), *ca = pool_printf(pool, "%s/ca", folder);
	const char *other = pool_printf(pool, "%s/other", folder);
	good(authority_server(certs, &e), &e);
	good(authority_make(ca, &e), &e);
	good(authority_make(other, &e), &e);
	good(authority_issue(ca, "good", "Agent Bon", "1001", 30, folder, pool, &c, &e), &e);
	good(authority_issue(ca, "revoked", "Agent Rayé", "1002", 30, folder, pool, &c, &e), &e);
	const char *const serials[] = { c.serial };
	good(authority_crl(ca, serials, 1, &e), &e);
	good(authority_issue(other, "stranger", "Agent Autre", "1003", 30, folder, pool, &c, &e), &e);
	server_cert = pool_printf(pool, "%s/server.pem", certs);
	*s = (struct settings){
		.home = folder,
		.tls_cert = server_cert,
		.tls_key = pool_printf(pool, "%s/server.key", certs),
		.agent_ca = pool_printf(pool, "%s/ca.pem", ca),
		.agent_crl = pool_printf(pool, "%s/ca.crl", ca),
		.max_connections_per_address = 20,
		.proxy = "127.0.0.7,127.0.0.9",
		.idle_seconds = 2,
		.loops = 2,
		.log_level = "error",
	};
	service.dsn = "host=/nonexistent dbname=none";
	served_open(&service, pool);
	return pthread_create(&thread, NULL, run, NULL);
}

static int stop(void **unused)
{
	(void)unused;
	http_stop();
	pthread_join(thread, NULL);
	assert_true(jobs_stop());
	assert_int_equal(run_result, 0);
	keyring_close(service.keys);
	folder_remove(folder);
	pool_free(pool);
	curl_global_cleanup();
	return 0;
}

/* ---- a client ---- */

struct answer {
	long status, version;
	struct str body, headers;
	CURLcode curl;
};

struct ask {
	const char *method, *path, *body, *cert;
	const char *headers[6];
	bool agents, http1;
	size_t size; /* of the body when it is not a text */
};

static size_t collect(char *bytes, size_t size, size_t n, void *to)
{
	str_add_n(to, bytes, size * n);
	return size * n;
}

static struct answer ask_(const struct ask *a)
{
	struct answer r = { .body = str_in(pool), .headers = str_in(pool) };
	struct curl_slist *headers = NULL;
	CURL *c = curl_easy_init();
	const struct settings *s = &service.settings;
	curl_easy_setopt(c, CURLOPT_URL, pool_printf(pool, "%s%s", a->agents ? s->agent_url : s->public_url, a->path));
	curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
	curl_easy_setopt(c, CURLOPT_CAINFO, server_cert);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, 30L);
	curl_easy_setopt(c, CURLOPT_HTTP_VERSION,
			 a->http1 ? (long)CURL_HTTP_VERSION_1_1 : (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, collect);
	curl_easy_setopt(c, CURLOPT_WRITEDATA, &r.body);
	curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, collect);
	curl_easy_setopt(c, CURLOPT_HEADERDATA, &r.headers);
	if (a->cert) {
		curl_easy_setopt(c, CURLOPT_SSLCERT, pool_printf(pool, "%s/%s.pem", folder, a->cert));
		curl_easy_setopt(c, CURLOPT_SSLKEY, pool_printf(pool, "%s/%s.key", folder, a->cert));
	}
	for (size_t i = 0; i < COUNT(a->headers) && a->headers[i]; i++)
		headers = curl_slist_append(headers, a->headers[i]);
	headers = curl_slist_append(headers, "Expect:");
	if (a->body) {
		curl_easy_setopt(c, CURLOPT_POSTFIELDS, a->body);
		curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE, (long)(a->size ? a->size : strlen(a->body)));
	}
	if (a->method && !strcmp(a->method, "HEAD"))
		curl_easy_setopt(c, CURLOPT_NOBODY, 1L);
	else if (a->method)
		curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, a->method);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	r.curl = curl_easy_perform(c);
	if (r.curl != CURLE_OK)
		print_error("%s: %s\n", a->path, curl_easy_strerror(r.curl));
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &r.status);
	curl_easy_getinfo(c, CURLINFO_HTTP_VERSION, &r.version);
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	return r;
}
#define ASK(...) ask_(&(const struct ask){ __VA_ARGS__ })

/* The value of a header, or NULL. */
static const char *header(const struct answer *r, const char *name)
{
	size_t n = strlen(name);
	for (const char *line = r->headers.s; *line; line += strcspn(line, "\n") + 1) {
		if (!strncasecmp(line, name, n) && line[n] == ':')
			return pool_strndup(pool, line + n + 2, strcspn(line + n + 2, "\r\n"));
		if (!strchr(line, '\n'))
			break;
	}
	return NULL;
}

/* ---- what is said without the database ---- */

static void both_protocols_answer(void **unused)
{
	(void)unused;
	struct answer two = ASK(.path = "/healthz"), one = ASK(.path = "/healthz", .http1 = true);
	assert_int_equal(two.status, 200);
	assert_int_equal(two.version, CURL_HTTP_VERSION_2_0);
	assert_string_equal(two.body.s, "ok\n");
	assert_int_equal(one.status, 200);
	assert_int_equal(one.version, CURL_HTTP_VERSION_1_1);
	assert_string_equal(one.body.s, "ok\n");
	assert_null(header(&one, "server"));
}

static void head_is_get_without_its_body(void **unused)
{
	(void)unused;
	for (int http1 = 0; http1 < 2; http1++) {
		struct answer r = ASK(.method = "HEAD", .path = "/healthz", .http1 = http1);
		assert_int_equal(r.curl, CURLE_OK);
		assert_int_equal(r.status, 200);
		assert_int_equal(r.body.len, 0);
		assert_string_equal(header(&r, "content-length"), "3");
	}
}

static void every_answer_carries_the_headers_of_safety(void **unused)
{
	(void)unused;
	static const char *const paths[] = { "/healthz", "/static/app.css", "/nothing", "/dossiers" };
	for (size_t i = 0; i < COUNT(paths); i++) {
		struct answer r = ASK(.path = paths[i]);
		const char *csp = header(&r, "content-security-policy");
		assert_non_null(csp);
		assert_non_null(strstr(csp, "default-src 'none'"));
		assert_null(strstr(csp, "unsafe"));
		assert_string_equal(header(&r, "strict-transport-security"), "max-age=31536000");
		assert_string_equal(header(&r, "x-content-type-options"), "nosniff");
		assert_string_equal(header(&r, "referrer-policy"), "same-origin");
		assert_non_null(header(&r, "cross-origin-opener-policy"));
		assert_non_null(header(&r, "permissions-policy"));
		if (strcmp(paths[i], "/static/app.css") != 0)
			assert_string_equal(header(&r, "cache-control"), "no-store");
	}
}

static void health_is_told_apart_from_readiness(void **unused)
{
	(void)unused;
	struct answer r = ASK(.path = "/readyz");
	assert_int_equal(r.status, 503);
	assert_non_null(header(&r, "retry-after"));
	assert_int_equal(ASK(.path = "/healthz").status, 200);
}

static void static_files_are_compressed_and_asked_for_once(void **unused)
{
	(void)unused;
	struct answer plain = ASK(.path = "/static/app.css");
	struct answer small = ASK(.path = "/static/app.css", .headers = { "Accept-Encoding: gzip" });
	assert_int_equal(plain.status, 200);
	assert_string_equal(header(&plain, "content-type"), "text/css; charset=utf-8");
	assert_null(header(&plain, "content-encoding"));
	assert_string_equal(header(&small, "content-encoding"), "gzip");
	assert_true(small.body.len * 3 < plain.body.len);
	const char *etag = header(&plain, "etag");
	assert_non_null(etag);
	for (int http1 = 0; http1 < 2; http1++) {
		struct answer again = ASK(.path = "/static/app.css", .http1 = http1,
					  .headers = { pool_printf(pool, "If-None-Match: %s", etag) });
		assert_int_equal(again.curl, CURLE_OK);
		assert_int_equal(again.status, 304);
		assert_int_equal(again.body.len, 0);
	}
	struct answer font = ASK(.path = "/static/fonts/atkinson-hyperlegible-next-400.woff2");
	assert_string_equal(header(&font, "cache-control"), "public, max-age=31536000, immutable");
}

static void static_paths_lead_nowhere_else(void **unused)
{
	(void)unused;
	static const char *const paths[] = { "/static/",
					     "/static/../pages/home.html",
					     "/static/%2e%2e/pages/home.html",
					     "/static/src/app.mjs",
					     "/static//app.css",
					     "/static/app.css/",
					     "/static/%00" };
	for (size_t i = 0; i < COUNT(paths); i++)
		assert_int_equal(ASK(.path = paths[i]).status, 404);
}

static void a_page_that_is_the_same_for_all_is_drawn_once(void **unused)
{
	(void)unused;
	struct answer first = ASK(.path = "/"), again = ASK(.path = "/");
	const char *etag = header(&first, "etag");
	assert_int_equal(first.status, 200);
	assert_non_null(etag);
	assert_string_equal(first.body.s, again.body.s);
	struct answer small = ASK(.path = "/", .headers = { "Accept-Encoding: gzip" });
	assert_string_equal(header(&small, "content-encoding"), "gzip");
	assert_true(small.body.len * 2 < first.body.len);
	struct answer refused = ASK(.path = "/", .headers = { "Accept-Encoding: gzip;q=0" });
	assert_string_equal(refused.body.s, first.body.s);
	assert_int_equal(ASK(.path = "/", .headers = { pool_printf(pool, "If-None-Match: %s", etag) }).status, 304);
	/* What could make it another page is not answered from the kept one. */
	struct answer asked = ASK(.path = "/?x=1");
	assert_null(header(&asked, "etag"));
	assert_int_equal(
		ASK(.path = "/", .headers = { "Cookie: __Host-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" })
			.status,
		503);
}

static void an_unknown_page_is_404_on_both_faces(void **unused)
{
	(void)unused;
	struct answer page = ASK(.path = "/nothing?x=1");
	assert_int_equal(page.status, 404);
	assert_non_null(strstr(page.body.s, "<title>Page introuvable"));
	struct answer json = ASK(.path = "/nothing", .headers = { "Accept: application/json" });
	assert_int_equal(json.status, 404);
	assert_string_equal(header(&json, "content-type"), "application/problem+json");
	assert_string_equal(json_member(json.body.s, "status", pool), "404");
	assert_non_null(json_member(json.body.s, "title", pool));
}

static void a_wrong_method_names_the_right_ones(void **unused)
{
	(void)unused;
	struct answer r = ASK(.method = "DELETE", .path = "/healthz");
	assert_int_equal(r.status, 405);
	assert_string_equal(header(&r, "allow"), "GET");
	assert_int_equal(ASK(.method = "TRACE", .path = "/healthz").status, 405);
}

static void a_page_for_some_sends_to_the_sign_in(void **unused)
{
	(void)unused;
	struct answer r = ASK(.path = "/dossiers?page=2");
	assert_int_equal(r.status, 303);
	assert_string_equal(header(&r, "location"), "/connexion?suite=%2Fdossiers%3Fpage%3D2");
	struct answer json = ASK(.path = "/dossiers", .headers = { "Accept: application/json" });
	assert_int_equal(json.status, 401);
	assert_string_equal(header(&json, "www-authenticate"), "Bearer");
	/* Neither a cookie nor a token of another shape is worth a question to the database. */
	assert_int_equal(ASK(.path = "/dossiers", .headers = { "Cookie: __Host-session=x" }).status, 303);
	assert_int_equal(
		ASK(.path = "/dossiers", .headers = { "Accept: application/json", "Authorization: Bearer x" }).status,
		401);
}

static void the_database_away_is_503_with_a_reference(void **unused)
{
	(void)unused;
	struct answer r = ASK(.path = "/dossiers",
			      .headers = { "Accept: application/json",
					   "Authorization: Bearer AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" });
	assert_int_equal(r.status, 503);
	assert_string_equal(header(&r, "retry-after"), "5");
	assert_non_null(json_member(r.body.s, "reference", pool));
}

/* ---- writes ---- */

static void a_write_from_another_site_is_refused(void **unused)
{
	(void)unused;
	const char *own = pool_printf(pool, "Origin: %s", service.settings.public_url);
	static const char form[] = "email=a%40b.fr&password=x";
	assert_int_equal(ASK(.path = "/connexion", .body = form, .headers = { "Origin: https://evil.example" }).status,
			 403);
	assert_int_equal(ASK(.path = "/connexion", .body = form, .headers = { "Origin: null" }).status, 403);
	assert_int_equal(
		ASK(.path = "/connexion", .body = form, .headers = { own, "Sec-Fetch-Site: cross-site" }).status, 403);
	assert_int_equal(
		ASK(.path = "/connexion", .body = form, .headers = { own, "Sec-Fetch-Site: same-site" }).status, 403);
	/* A form that says nothing of its origin may come from an old browser on any page. */
	assert_int_equal(ASK(.path = "/connexion", .body = form).status, 403);
	assert_int_not_equal(ASK(.path = "/connexion", .body = form, .headers = { own }).status, 403);
	assert_int_not_equal(
		ASK(.path = "/connexion", .body = form, .headers = { own, "Sec-Fetch-Site: same-origin" }).status, 403);
	assert_int_not_equal(ASK(.path = "/connexion", .body = "{\"email\":\"a@b.fr\",\"password\":\"x\"}",
				 .headers = { "Content-Type: application/json" })
				     .status,
			     403);
}

static void bodies_are_judged_before_anything_else(void **unused)
{
	(void)unused;
	assert_int_equal(ASK(.path = "/connexion", .body = "{", .headers = { "Content-Type: application/json" }).status,
			 400);
	assert_int_equal(ASK(.path = "/connexion", .body = "x", .headers = { "Content-Type: text/plain" }).status, 415);
	assert_int_equal(ASK(.path = "/connexion", .body = "a=%ff").status, 400);
	size_t size = 300 * 1024;
	char *large = malloc(size + 1);
	memset(large, 'a', size);
	large[size] = 0;
	struct answer r = ASK(.path = "/connexion", .body = large,
			      .headers = { "Content-Type: application/json", "Accept: application/json" });
	assert_int_equal(r.status, 413);
	assert_non_null(strstr(json_member(r.body.s, "detail", pool), "256"));
	free(large);
	assert_int_equal(ASK(.path = "/connexion", .body = "{\"version\":\"x\"}",
			     .headers = { "Content-Type: application/json" })
				 .status,
			 422);
}

/* ---- agents ---- */

static void the_agents_listener_says_what_is_wrong_with_a_certificate(void **unused)
{
	(void)unused;
	struct answer none = ASK(.path = "/dossiers/1", .agents = true);
	assert_int_equal(none.status, 401);
	assert_non_null(strstr(none.body.s, "aucun certificat"));
	struct answer other = ASK(.path = "/dossiers/1", .agents = true, .cert = "stranger");
	assert_int_equal(other.status, 403);
	assert_non_null(strstr(other.body.s, "autorité"));
	struct answer revoked = ASK(.path = "/dossiers/1", .agents = true, .cert = "revoked");
	assert_int_equal(revoked.status, 403);
	assert_non_null(strstr(revoked.body.s, "révoqué"));
	/* A good one is looked up: here the database is away. */
	assert_int_equal(ASK(.path = "/dossiers/1", .agents = true, .cert = "good").status, 503);
	assert_int_equal(ASK(.path = "/healthz", .agents = true).status, 200);
	/* What the house measures of itself is for who has a certificate of its own, and wants no database. */
	assert_int_equal(ASK(.path = "/metrics", .agents = true).status, 401);
	assert_int_equal(ASK(.path = "/metrics", .agents = true, .cert = "stranger").status, 403);
	assert_int_equal(ASK(.path = "/metrics", .agents = true, .cert = "revoked").status, 403);
	assert_int_equal(ASK(.path = "/metrics", .agents = true, .cert = "good").status, 200);
	/* A session of the public listener is nobody here. */
	assert_int_equal(ASK(.path = "/dossiers/1", .agents = true,
			     .headers = { "Cookie: __Host-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" })
				 .status,
			 401);
	assert_int_equal(ASK(.path = "/metrics").status, 404);
}

static void a_certificate_about_to_end_is_told_to_its_bearer(void **unused)
{
	(void)unused;
	struct err e;
	struct certificate c;
	const char *ca = pool_printf(pool, "%s/ca", folder);
	good(authority_issue(ca, "long", "Agent Long", "1005", 397, folder, pool, &c, &e), &e);
	struct answer near =
		ASK(.path = "/dossiers/1", .agents = true, .cert = "good", .headers = { "accept: text/html" });
	struct answer far =
		ASK(.path = "/dossiers/1", .agents = true, .cert = "long", .headers = { "accept: text/html" });
	assert_int_equal(near.status, 503);
	assert_int_equal(far.status, 503);
	assert_non_null(strstr(near.body.s, "<strong>Votre certificat</strong> s’arrête le "));
	assert_null(strstr(far.body.s, "Votre certificat"));
	assert_null(strstr(ASK(.path = "/dossiers/1", .agents = true, .headers = { "accept: text/html" }).body.s,
			   "Votre certificat"));
}

/* A new one lets in, is revoked, and what is said to it within five seconds is given. */
static long status_once_revoked(const char *name, const char *nid)
{
	struct err e = { 0 };
	struct certificate c;
	const char *ca = pool_printf(pool, "%s/ca", folder);
	good(authority_issue(ca, name, "Agent Plus Tard", nid, 30, folder, pool, &c, &e), &e);
	assert_int_equal(ASK(.path = "/dossiers/1", .agents = true, .cert = name).status, 503);
	const char *const serials[] = { c.serial };
	good(authority_crl(ca, serials, 1, &e), &e);
	long status = 0;
	for (int i = 0; i < 50 && status != 403; i++) {
		usleep(100000);
		status = ASK(.path = "/dossiers/1", .agents = true, .cert = name).status;
	}
	return status;
}

static void a_certificate_revoked_while_serving_is_refused_within_seconds(void **unused)
{
	(void)unused;
	assert_int_equal(status_once_revoked("later", "1004"), 403);
}

static void a_bad_server_key_keeps_nobody_in_who_was_revoked(void **unused)
{
	(void)unused;
	struct err e;
	size_t size;
	const char *path = service.settings.tls_key, *key = file_read(path, 1 << 16, pool, &size, &e);
	assert_non_null(key);
	good(file_write(path, "no key", 6, 0600, &e), &e);
	long status = status_once_revoked("meanwhile", "1006");
	good(file_write(path, key, size, 0600, &e), &e);
	assert_int_equal(status, 403);
}

/* ---- attacks ---- */

/* A TLS connection to write raw bytes on; libcurl would frame them. */
struct raw {
	int fd;
	SSL_CTX *ctx;
	SSL *ssl;
};

/* From that address of this machine, with that line before everything else; ssl NULL: not let in. */
static struct raw raw_from(uint32_t from, const char *line)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)service.settings.port),
				  .sin_addr.s_addr = htonl(INADDR_LOOPBACK) },
			   own = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(from) };
	struct raw r = { .fd = socket(AF_INET, SOCK_STREAM, 0), .ctx = SSL_CTX_new(TLS_client_method()) };
	assert_int_equal(bind(r.fd, (struct sockaddr *)&own, sizeof own), 0);
	assert_int_equal(connect(r.fd, (struct sockaddr *)&to, sizeof to), 0);
	assert_int_equal(send(r.fd, line, strlen(line), MSG_NOSIGNAL), (ssize_t)strlen(line));
	r.ssl = SSL_new(r.ctx);
	SSL_set_fd(r.ssl, r.fd);
	if (SSL_connect(r.ssl) != 1) {
		SSL_free(r.ssl);
		r.ssl = NULL;
	}
	/* A ticket alone is no answer to wait for. */
	fcntl(r.fd, F_SETFL, O_NONBLOCK);
	return r;
}

static struct raw raw_open(bool http2)
{
	static const unsigned char two[] = "\x02h2", one[] = "\x08http/1.1";
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)service.settings.port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct timeval patience = { 5, 0 };
	struct raw r = { .fd = socket(AF_INET, SOCK_STREAM, 0), .ctx = SSL_CTX_new(TLS_client_method()) };
	assert_int_equal(connect(r.fd, (struct sockaddr *)&a, sizeof a), 0);
	setsockopt(r.fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
	r.ssl = SSL_new(r.ctx);
	SSL_set_fd(r.ssl, r.fd);
	SSL_set_alpn_protos(r.ssl, http2 ? two : one, http2 ? sizeof two - 1 : sizeof one - 1);
	assert_int_equal(SSL_connect(r.ssl), 1);
	return r;
}

static void raw_close(struct raw *r)
{
	SSL_free(r->ssl);
	SSL_CTX_free(r->ctx);
	close(r->fd);
}

static bool push(struct raw *r, const void *bytes, size_t n)
{
	return SSL_write(r->ssl, bytes, (int)n) == (int)n;
}

/* True when the server closed within so many milliseconds. */
static bool closed_within(struct raw *r, int ms)
{
	char buffer[4096];
	int64_t end = clock_monotonic() + (int64_t)ms * 1000;
	do {
		struct pollfd p = { r->fd, POLLIN, 0 };
		if (!SSL_pending(r->ssl) && poll(&p, 1, ms < 100 ? ms : 100) <= 0)
			continue;
		int n = SSL_read(r->ssl, buffer, sizeof buffer);
		if (n <= 0 && SSL_get_error(r->ssl, n) != SSL_ERROR_WANT_READ)
			return true;
	} while (clock_monotonic() < end);
	return false;
}

static size_t frame(unsigned char *out, unsigned char type, unsigned char flags, uint32_t stream, const void *payload,
		    size_t n)
{
	const unsigned char head[9] = { (unsigned char)(n >> 16),
					(unsigned char)(n >> 8),
					(unsigned char)n,
					type,
					flags,
					(unsigned char)(stream >> 24),
					(unsigned char)(stream >> 16),
					(unsigned char)(stream >> 8),
					(unsigned char)stream };
	memcpy(out, head, 9);
	if (n)
		memcpy(out + 9, payload, n);
	return n + 9;
}

static uint64_t counter(const char *name)
{
	struct answer r = ASK(.path = "/metrics", .agents = true, .cert = "good");
	const char *at = strstr(r.body.s, pool_printf(pool, "\n%s ", name));
	assert_non_null(at);
	return strtoull(at + strlen(name) + 2, NULL, 10);
}

/* CVE-2023-44487: a request and its reset, without end. */
static void rapid_resets_cost_nothing_and_close_the_connection(void **unused)
{
	(void)unused;
	static const unsigned char reset[4] = { 0, 0, 0, 8 };
	unsigned char headers[200], out[300];
	size_t n = 0;
	headers[n++] = 0x82; /* :method GET */
	headers[n++] = 0x87; /* :scheme https */
	static const char *const fields[][2] = { { ":path", "/dossiers" },
						 { ":authority", "localhost" },
						 { "cookie",
						   "__Host-session=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" } };
	for (size_t i = 0; i < COUNT(fields); i++) {
		headers[n++] = 0;
		for (size_t k = 0; k < 2; k++) {
			size_t len = strlen(fields[i][k]);
			headers[n++] = (unsigned char)len;
			memcpy(headers + n, fields[i][k], len);
			n += len;
		}
	}
	uint64_t asked = counter("enroll_db_segments_total"), flooded = counter("enroll_connections_flooded_total");
	struct raw c = raw_open(true);
	assert_true(push(&c, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24));
	assert_true(push(&c, out, frame(out, 4, 0, 0, NULL, 0)));
	bool open = true;
	uint32_t streams = 0;
	for (; streams < 20000 && open; streams++) {
		size_t size = frame(out, 1, 5, streams * 2 + 1, headers, n);
		size += frame(out + size, 3, 0, streams * 2 + 1, reset, sizeof reset);
		open = push(&c, out, size);
	}
	assert_true(!open || closed_within(&c, 3000));
	raw_close(&c);
	assert_int_equal(counter("enroll_connections_flooded_total"), flooded + 1);
	/* The most that a turn of the loop may start before its resets are read. */
	assert_true(counter("enroll_db_segments_total") - asked < 500);
}

static void slow_clients_are_closed(void **unused)
{
	(void)unused;
	static const char head[] = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n";
	static const char body[] = "POST /connexion HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
				   "Content-Length: 1000\r\n\r\n{";
	struct raw silent = raw_open(false), header_by_header = raw_open(false), byte_by_byte = raw_open(false);
	assert_true(push(&header_by_header, head, sizeof head - 1));
	assert_true(push(&byte_by_byte, body, sizeof body - 1));
	int64_t end = clock_monotonic() + 8 * SECOND;
	bool gone[2] = { false, false };
	while (clock_monotonic() < end && !(gone[0] && gone[1])) {
		usleep(200000);
		gone[0] = gone[0] || !push(&header_by_header, "X-A: b\r\n", 8) || closed_within(&header_by_header, 1);
		gone[1] = gone[1] || !push(&byte_by_byte, " ", 1) || closed_within(&byte_by_byte, 1);
	}
	assert_true(gone[0]);
	assert_true(gone[1]);
	assert_true(closed_within(&silent, 1000));
	raw_close(&silent);
	raw_close(&header_by_header);
	raw_close(&byte_by_byte);
}

/* What counts is how much came, whatever the size of each read. */
static void a_slow_upload_goes_on_and_a_dribble_of_odd_sizes_does_not(void **unused)
{
	(void)unused;
	static const char head[] = "POST /connexion HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
				   "Content-Length: 150000\r\n\r\n";
	static char some[5000];
	struct raw upload = raw_open(false), dribble = raw_open(false);
	/* A read that meets TLS's tickets only would else wait until the end, and the upload with it. */
	fcntl(dribble.fd, F_SETFL, O_NONBLOCK);
	memset(some, ' ', sizeof some);
	assert_true(push(&upload, head, sizeof head - 1));
	assert_true(push(&dribble, head, sizeof head - 1));
	int64_t end = clock_monotonic() + 10 * SECOND;
	bool gone = false;
	for (int i = 0; i < 30; i++) {
		assert_true(push(&upload, some, sizeof some));
		gone = gone || !push(&dribble, some, i % 3 ? 1 : 40) || closed_within(&dribble, 1);
		usleep(100000);
	}
	char answer[16] = "";
	assert_true(SSL_read(upload.ssl, answer, sizeof answer - 1) > 8);
	assert_memory_equal(answer, "HTTP/1.1 ", 9);
	while (!gone && clock_monotonic() < end)
		gone = !push(&dribble, some, 1) || closed_within(&dribble, 200);
	assert_true(gone);
	raw_close(&upload);
	raw_close(&dribble);
}

static void who_does_not_finish_the_handshake_is_let_go(void **unused)
{
	(void)unused;
	static const char half_a_hello[] = { 22, 3, 1, 2, 0, 1 };
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)service.settings.port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct pollfd there = { .fd = socket(AF_INET, SOCK_STREAM, 0), .events = POLLIN };
	int idle = service.settings.idle_seconds;
	char byte;

	service.settings.idle_seconds = 600;
	assert_int_equal(connect(there.fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(send(there.fd, half_a_hello, sizeof half_a_hello, 0), sizeof half_a_hello);
	assert_int_equal(poll(&there, 1, 60000), 1);
	assert_int_equal(recv(there.fd, &byte, 1, 0), 0);
	service.settings.idle_seconds = idle;
	close(there.fd);
}

static void one_address_has_a_bounded_number_of_connections(void **unused)
{
	(void)unused;
	int fds[40], refused = 0;
	struct sockaddr_in a = { .sin_family = AF_INET,
				 .sin_port = htons((uint16_t)service.settings.port),
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	for (size_t i = 0; i < COUNT(fds); i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM, 0);
		assert_int_equal(connect(fds[i], (struct sockaddr *)&a, sizeof a), 0);
	}
	for (int wait = 0; wait < 100 && refused < 20; wait++) {
		usleep(100000);
		refused = 0;
		for (size_t i = 0; i < COUNT(fds); i++) {
			char byte;
			refused += recv(fds[i], &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 0;
		}
	}
	assert_in_range(refused, 20, 23); /* a closing one of an earlier test may still count */
	/* … and gets them back. */
	for (size_t i = 0; i < COUNT(fds); i++)
		close(fds[i]);
	long status = 0;
	for (int wait = 0; wait < 100 && status != 200; wait++) {
		usleep(100000);
		status = ASK(.path = "/healthz").status;
	}
	assert_int_equal(status, 200);
}

static void a_proxy_says_for_whom_it_connects(void **unused)
{
	(void)unused;
	static const char *const lines[] = { "PROXY TCP4 10.1.1.1 127.0.0.1 1111 443\r\n",
					     "PROXY TCP6 2001:db8::7 ::1 1111 443\r\n", "PROXY UNKNOWN\r\n" };
	const uint32_t proxy = 0x7f000009, other = 0x7f000008;
	struct raw open[3][4];
	service.settings.max_connections_per_address = 3;
	for (size_t i = 0; i < COUNT(lines); i++)
		for (size_t k = 0; k < COUNT(open[i]); k++) {
			open[i][k] = raw_from(proxy, lines[i]);
			/* The fourth for the same person is one too many; what is the proxy's own, its health checks,
			 * is not counted. */
			bool closed = !open[i][k].ssl || closed_within(&open[i][k], k < 3 || i == 2 ? 20 : 10000);
			assert_int_equal(closed, k == 3 && i < 2);
		}
	for (size_t i = 0; i < COUNT(lines); i++)
		for (size_t k = 0; k < COUNT(open[i]); k++)
			raw_close(&open[i][k]);
	service.settings.max_connections_per_address = 20;
	/* Nobody else may; a proxy that says nothing speaks for itself. */
	struct raw r = raw_from(other, lines[0]);
	assert_null(r.ssl);
	raw_close(&r);
	r = raw_from(proxy, "");
	assert_non_null(r.ssl);
	raw_close(&r);
	r = raw_from(other, "");
	assert_non_null(r.ssl);
	raw_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_protocols_answer),
		cmocka_unit_test(head_is_get_without_its_body),
		cmocka_unit_test(every_answer_carries_the_headers_of_safety),
		cmocka_unit_test(health_is_told_apart_from_readiness),
		cmocka_unit_test(static_files_are_compressed_and_asked_for_once),
		cmocka_unit_test(static_paths_lead_nowhere_else),
		cmocka_unit_test(a_page_that_is_the_same_for_all_is_drawn_once),
		cmocka_unit_test(an_unknown_page_is_404_on_both_faces),
		cmocka_unit_test(a_wrong_method_names_the_right_ones),
		cmocka_unit_test(a_page_for_some_sends_to_the_sign_in),
		cmocka_unit_test(a_write_from_another_site_is_refused),
		cmocka_unit_test(bodies_are_judged_before_anything_else),
		cmocka_unit_test(the_agents_listener_says_what_is_wrong_with_a_certificate),
		cmocka_unit_test(a_certificate_about_to_end_is_told_to_its_bearer),
		cmocka_unit_test(a_certificate_revoked_while_serving_is_refused_within_seconds),
		cmocka_unit_test(a_bad_server_key_keeps_nobody_in_who_was_revoked),
		cmocka_unit_test(rapid_resets_cost_nothing_and_close_the_connection),
		cmocka_unit_test(slow_clients_are_closed),
		cmocka_unit_test(a_slow_upload_goes_on_and_a_dribble_of_odd_sizes_does_not),
		cmocka_unit_test(who_does_not_finish_the_handshake_is_let_go),
		cmocka_unit_test(one_address_has_a_bounded_number_of_connections),
		cmocka_unit_test(a_proxy_says_for_whom_it_connects),
		cmocka_unit_test(the_database_away_is_503_with_a_reference),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
