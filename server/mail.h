/*
 * One e-mail out, by SMTP (fetch.h): text and HTML, a Message-ID that a repeated sending repeats. It waits up to a
 * minute: never on an event loop. Any thread.
 *
 *	struct mail m = { .url = s->smtp_url, .from = "…", .to = "…", .id = outbox_id, .subject = …, .html = fragment };
 *	switch (mail_send(&m, pool, &e)) …               e.detail holds codes only
 *
 * Its frame is server/mail/layout.html (pages_load() at the start).
 */
#ifndef SERVER_MAIL_H
#define SERVER_MAIL_H

#include <stdint.h>
#include "base/clock.h"
#include "base/err.h"
#include "base/pool.h"
#include "fetch.h"

struct mail {
	const char *url, *from, *to;
	int64_t id;          /* of the outbox row */
	const char *host;    /* right side of the Message-ID: the public URL's host */
	const char *subject; /* one line of UTF-8 */
	const char *html;    /* body fragment; the text part is made from it */
	const char *link;    /* the service's address, shown at the end; may be NULL */
	instant_t at;
};

enum mail_result mail_send(const struct mail *m, struct pool *pool, struct err *e);
/* The whole message (RFC 5322), CRLF lines. ERR_INPUT for an address or subject that cannot stand in a header. */
int mail_compose(const struct mail *m, struct pool *pool, char **out, struct err *e) MUST_USE;
/* A text of an HTML fragment, for who reads without HTML: links as "label <url>", lists with dashes. */
char *mail_text(const char *html, struct pool *pool);

#endif
