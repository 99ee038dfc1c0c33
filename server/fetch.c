#include "fetch.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/str.h"

#define CONNECT_SECONDS 10L
#define SEND_SECONDS 60L
#define REST_SECONDS 60

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void begin(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- addresses ---- */

static bool has(CURLU *u, CURLUPart part)
{
	char *text = NULL;
	bool there = !curl_url_get(u, part, &text, 0);
	curl_free(text);
	return there;
}

static bool is_here(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	bool here = false;
	if (u && !curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) &&
	    !curl_url_get(u, CURLUPART_HOST, &host, 0))
		here = str_eq(host, "localhost") || str_eq(host, "[::1]") ||
		       (str_starts(host, "127.") && strspn(host, "0123456789.") == strlen(host));
	curl_free(host);
	curl_url_cleanup(u);
	return here;
}

bool fetch_good(const char *url)
{
	CURLU *u = curl_url();
	bool good = u && str_starts(url, "https://") && !strpbrk(url, "?# \t\r\n") &&
		    !curl_url_set(u, CURLUPART_URL, url, 0) && has(u, CURLUPART_HOST) && !has(u, CURLUPART_USER) &&
		    !has(u, CURLUPART_PASSWORD);
	curl_url_cleanup(u);
	return good;
}

/* What both have in common. NULL: no memory. */
static CURL *session(const char *url, const char *protocols)
{
	pthread_once(&once, begin);
	CURL *c = curl_easy_init();
	bool here = is_here(url);
	if (!c)
		return NULL;
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, protocols);
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, here ? 0L : 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, here ? 0L : 2L);
	return c;
}

/* ---- HTTPS ---- */

struct body {
	struct str text;
	size_t most;
};

static size_t keep(char *bytes, size_t size, size_t count, void *arg)
{
	struct body *b = arg;
	size_t n = size * count;
	if (n > b->most - b->text.len)
		return 0; /* ends the transfer */
	str_add_n(&b->text, bytes, n);
	return n;
}

static int away(const struct fetch *q, int code, long status, struct err *e)
{
	q->rest->until = clock_monotonic() + REST_SECONDS * SECOND;
	fault(e, "https: curl %d, answer %ld", code, status);
	e->kind = ERR_BUSY;
	e->text = "fetch.away";
	return -1;
}

int fetch_away(const struct fetch *q, long status, struct err *e)
{
	return away(q, 0, status, e);
}

int fetch_get(const struct fetch *q, struct pool *pool, struct fetched *out, struct err *e)
{
	*out = (struct fetched){ 0 };
	if (clock_monotonic() < q->rest->until)
		return fail(e, ERR_BUSY, "fetch.rests");
	CURL *c = session(q->url, "https");
	struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
	struct body body = { .text = str_in(pool), .most = q->most };
	bool ready = c && headers;
	if (ready && q->header) {
		struct curl_slist *more = strpbrk(q->header, "\r\n") ? NULL : curl_slist_append(headers, q->header);
		ready = more != NULL;
	}
	CURLcode r = CURLE_OUT_OF_MEMORY;
	if (ready) {
		curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
		curl_easy_setopt(c, CURLOPT_USERAGENT, "enroll");
		curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
		curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, q->milliseconds);
		curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, q->milliseconds);
		curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, keep);
		curl_easy_setopt(c, CURLOPT_WRITEDATA, &body);
		r = curl_easy_perform(c);
		curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &out->status);
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	bool answered = out->status == 200 || out->status == 400 || out->status == 404 || out->status == 422;
	if (r != CURLE_OK || !answered)
		return away(q, (int)r, out->status, e);
	out->body = body.text.s;
	out->size = body.text.len;
	return 0;
}

/* ---- SMTP ---- */

struct reader {
	const char *at;
	size_t left;
};

static size_t give(char *buffer, size_t size, size_t count, void *arg)
{
	struct reader *r = arg;
	size_t n = size * count < r->left ? size * count : r->left;
	memcpy(buffer, r->at, n);
	r->at += n;
	r->left -= n;
	return n;
}

#define IN_CLEAR "/?tls=no"

enum mail_result fetch_mail(const char *url, const char *from, const char *to, const char *message, struct pool *pool,
			    struct err *e)
{
	size_t n = strlen(url), end = strlen(IN_CLEAR);
	bool clear = n > end && str_eq(url + n - end, IN_CLEAR);
	if (clear)
		url = pool_strndup(pool, url, n - end);
	CURL *c = session(url, "smtp,smtps");
	struct curl_slist *list = curl_slist_append(NULL, pool_printf(pool, "<%s>", to));
	struct reader reader = { .at = message, .left = strlen(message) };
	if (!c || !list) {
		curl_slist_free_all(list);
		curl_easy_cleanup(c);
		fault(e, "curl: no memory");
		return MAIL_LATER;
	}
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, SEND_SECONDS);
	curl_easy_setopt(c, CURLOPT_USE_SSL,
			 clear          ? (long)CURLUSESSL_NONE
			 : is_here(url) ? (long)CURLUSESSL_TRY
					: (long)CURLUSESSL_ALL);
	curl_easy_setopt(c, CURLOPT_MAIL_FROM, pool_printf(pool, "<%s>", from));
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, list);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(c, CURLOPT_READDATA, &reader);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	CURLcode r = curl_easy_perform(c);
	long code = 0;
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
	curl_slist_free_all(list);
	curl_easy_cleanup(c);
	if (r == CURLE_OK)
		return MAIL_SENT;
	fault(e, "smtp: curl %d, answer %ld", (int)r, code);
	/* 530, 535, 538: our credentials, not this mail. A 5xx before MAIL FROM is about us too. */
	bool refused = code >= 500 && code < 600 && code != 530 && code != 534 && code != 535 && code != 538;
	if (refused && r != CURLE_LOGIN_DENIED && r != CURLE_USE_SSL_FAILED && r != CURLE_WEIRD_SERVER_REPLY)
		return MAIL_NEVER;
	e->kind = ERR_BUSY;
	e->text = "mail.later";
	return MAIL_LATER;
}
