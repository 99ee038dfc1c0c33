/*
 * The one door to other machines (libcurl). What goes out goes to an address that the operator set, never to one that
 * somebody typed, and no redirection is followed. It waits: never on an event loop. Any thread.
 *
 *	static struct fetch_rest rest;                   one a source
 *	struct fetch q = { .url = "https://…", .milliseconds = 3000, .most = 65536, .rest = &rest };
 *	if (fetch_get(&q, pool, &answer, &e)) …          ERR_BUSY: nobody there, too slow, too long, or it rests
 *	if (answer.status == 200) … answer.body
 *
 * A source that was away is left alone for a minute ("fetch.rests" at once): it cannot hold up the work of a thread
 * more than once in that time.
 *
 * https:// alone, TLS 1.2 at least. The certificate must be good, but on this machine (localhost, 127.…, [::1]), where
 * nobody listens in between and a server may well have one of its own making. No proxy, no cookie, no name or address
 * in e.detail.
 */
#ifndef SERVER_FETCH_H
#define SERVER_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/pool.h"

struct fetch_rest {
	_Atomic int64_t until; /* clock_monotonic() */
};
struct fetch {
	const char *url;    /* with its query */
	const char *header; /* "Name: value", or NULL */
	long milliseconds;  /* for all of it */
	size_t most;        /* bytes of the body */
	struct fetch_rest *rest;
};
struct fetched {
	long status;
	char *body; /* a 0 follows the last */
	size_t size;
};
/* An answer is 200, or a refusal of this very question (400, 404, 422); all else is "fetch.away". */
int fetch_get(const struct fetch *q, struct pool *pool, struct fetched *out, struct err *e) MUST_USE;
/* -1: what came is not what that source says; it rests. */
int fetch_away(const struct fetch *q, long status, struct err *e);

enum mail_result {
	MAIL_SENT,
	MAIL_LATER, /* nobody answers, 4xx, credentials refused: the same message may pass later */
	MAIL_NEVER, /* 5xx: this address or this message is refused for good */
};
/*
 * smtp://[user:password@]host[:port] asks for STARTTLS and, away from this machine, insists on it and on a good
 * certificate; smtps:// is TLS from the first byte. An address that ends with "/?tls=no" is spoken to in clear: a
 * catcher on a private network. `from` and `to` are mailboxes without < and >. Up to a minute.
 */
enum mail_result fetch_mail(const char *url, const char *from, const char *to, const char *message, struct pool *pool,
			    struct err *e);

/* May this be an address to fetch from: https://, a host, neither user nor password nor query nor fragment? */
bool fetch_good(const char *url);

#endif
