#include "mail.h"

#include <curl/curl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/str.h"
#include "page.h"

#define CONNECT_SECONDS 10L
#define SEND_SECONDS 60L
#define LINE_BYTES 74

static pthread_once_t curl_once = PTHREAD_ONCE_INIT;

static void curl_begin(void)
{
	(void)curl_global_init(CURL_GLOBAL_DEFAULT);
}

/* ---- text from our own letters' HTML: few tags, well formed ---- */

static const char *entity(const char *p, struct str *out)
{
	static const struct {
		const char *name, *text;
	} known[] = { { "&amp;", "&" },   { "&lt;", "<" },  { "&gt;", ">" },
		      { "&quot;", "\"" }, { "&#39;", "'" }, { "&nbsp;", "\xC2\xA0" } };
	for (size_t i = 0; i < COUNT(known); i++)
		if (str_starts(p, known[i].name)) {
			str_add(out, known[i].text);
			return p + strlen(known[i].name);
		}
	str_add_c(out, '&');
	return p + 1;
}

static void new_lines(struct str *out, int count)
{
	while (out->len && out->s[out->len - 1] == ' ')
		out->s[--out->len] = 0;
	int there = 0;
	while ((size_t)there < out->len && out->s[out->len - 1 - (size_t)there] == '\n')
		there++;
	for (; out->len && there < count; there++)
		str_add_c(out, '\n');
}

char *mail_text(const char *html, struct pool *pool)
{
	struct str out = str_in(pool);
	char *href = NULL;
	for (const char *p = html; *p;) {
		if (*p == '<') {
			const char *end = strchr(p, '>');
			if (!end)
				break;
			const char *name = p + 1 + (p[1] == '/');
			size_t n = strcspn(name, " \t\n/>");
			bool closing = p[1] == '/';
#define TAG(t) (n == sizeof(t) - 1 && !strncasecmp(name, t, n))
			if (TAG("p") || TAG("h1") || TAG("h2") || TAG("h3") || TAG("ul") || TAG("ol") || TAG("dl") ||
			    TAG("table") || TAG("div") || TAG("section"))
				new_lines(&out, 2);
			else if (TAG("br") || TAG("tr") || TAG("dt") || TAG("dd"))
				new_lines(&out, 1);
			else if (TAG("li") && !closing)
				new_lines(&out, 1), str_add(&out, "- ");
			else if (TAG("td") && closing)
				str_add(&out, " ");
			else if (TAG("a") && !closing) {
				const char *h = strstr(p, "href=\"");
				if (h && h < end) {
					struct str url = str_in(pool);
					for (h += 6; *h && *h != '"';)
						if (*h == '&')
							h = entity(h, &url);
						else
							str_add_c(&url, *h++);
					href = url.s;
				}
			} else if (TAG("a") && href) {
				if (!str_ends(out.s, href))
					str_addf(&out, " <%s>", href);
				href = NULL;
			}
#undef TAG
			p = end + 1;
		} else if (*p == '&') {
			p = entity(p, &out);
		} else if (*p == '\n' || *p == '\t' || *p == ' ' || *p == '\r') {
			if (out.len && out.s[out.len - 1] != ' ' && out.s[out.len - 1] != '\n')
				str_add_c(&out, ' ');
			p++;
		} else {
			str_add_c(&out, *p++);
		}
	}
	new_lines(&out, 1);
	return out.s;
}

/* ---- RFC 5322, 2045, 2047 ---- */

static bool in_a_header(const char *s)
{
	for (; s && *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7F)
			return false;
	return s != NULL;
}

/* The mailbox alone: what goes between < and > of the envelope. */
static bool mailbox_good(const char *s)
{
	const char *at = s ? strchr(s, '@') : NULL;
	if (!at || at == s || !at[1] || strchr(at + 1, '@') || strlen(s) > 254)
		return false;
	for (; *s; s++)
		if ((unsigned char)*s <= 0x20 || (unsigned char)*s >= 0x7F || strchr("<>()[],;:\\\"", *s))
			return false;
	return true;
}

/* "Name <box>" or "box" */
static const char *mailbox_of(const char *from, struct pool *pool)
{
	const char *open = strrchr(from, '<');
	return open ? pool_strndup(pool, open + 1, strcspn(open + 1, ">")) : from;
}

/* Encoded words of whole characters, 75 bytes at most each (RFC 2047 §2). */
static void header_text(struct str *out, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	bool plain = true;
	for (const char *p = s; *p; p++)
		plain = plain && (unsigned char)*p < 0x80 && *p != '=' && *p != '?';
	if (plain && strlen(s) <= 60) {
		str_add(out, s);
		return;
	}
	size_t room = 0;
	for (const char *p = s; *p;) {
		size_t len = 1, cost = 0;
		while (((unsigned char)p[len] & 0xC0) == 0x80)
			len++;
		char coded[16];
		for (size_t i = 0; i < len && cost + 3 < sizeof coded; i++) {
			unsigned char c = (unsigned char)p[i];
			if (c == ' ') {
				coded[cost++] = '_';
			} else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9')) {
				coded[cost++] = (char)c;
			} else {
				coded[cost++] = '=';
				coded[cost++] = hex[c >> 4];
				coded[cost++] = hex[c & 15];
			}
		}
		if (cost > room) {
			str_add(out, p == s ? "=?UTF-8?Q?" : "?=\r\n =?UTF-8?Q?");
			room = p == s ? 50 : 75 - 12; /* the brackets of the word; the name of the header */
		}
		str_add_n(out, coded, cost);
		room -= cost;
		p += len;
	}
	str_add(out, "?=");
}

static void quoted_printable(struct str *out, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	size_t line = 0;
	for (; *s; s++) {
		unsigned char c = (unsigned char)*s;
		if (c == '\r')
			continue;
		if (c == '\n') {
			str_add(out, "\r\n");
			line = 0;
			continue;
		}
		bool literal = (c > 0x20 && c < 0x7F && c != '=' && !(c == '.' && !line)) ||
			       (c == ' ' && s[1] && s[1] != '\n' && s[1] != '\r');
		if (line + 3 > LINE_BYTES) {
			str_add(out, "=\r\n");
			line = 0;
			literal = literal && c != '.';
		}
		if (literal) {
			str_add_c(out, (char)c);
			line++;
		} else {
			const char code[3] = { '=', hex[c >> 4], hex[c & 15] };
			str_add_n(out, code, 3);
			line += 3;
		}
	}
}

struct mail_view {
	const char *subject, *link;
	struct markup body;
};
static const struct slot mail_slots[] = { SLOT_T(struct mail_view, subject), SLOT_T(struct mail_view, link),
					  SLOT_M(struct mail_view, body) };
static const struct view mail_view = VIEW(struct mail_view, mail_slots);
static const struct page mail_page = { "server/mail/layout.html", &mail_view };
PAGE(mail_page);

static char *mail_html(const struct mail *m, struct pool *pool)
{
	struct mail_view view = { .subject = m->subject, .link = m->link, .body = { m->html } };
	struct str html = str_in(pool);
	page_render(&mail_page, &view, &html);
	return html.s;
}

static void date_header(struct str *out, instant_t at)
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
					      "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	time_t t = (time_t)(at / SECOND);
	struct tm tm;
	gmtime_r(&t, &tm);
	str_addf(out, "Date: %s, %02d %s %04d %02d:%02d:%02d +0000\r\n", days[tm.tm_wday], tm.tm_mday,
		 months[tm.tm_mon], tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec);
}

int mail_compose(const struct mail *m, struct pool *pool, char **out, struct err *e)
{
	const char *from = mailbox_of(m->from ? m->from : "", pool);
	char boundary[48];
	if (!mailbox_good(m->to) || !mailbox_good(from))
		return fail(e, ERR_INPUT, "mail.address");
	if (!in_a_header(m->subject) || !in_a_header(m->from) || !in_a_header(m->host))
		return fail(e, ERR_INPUT, "mail.header");
	snprintf(boundary, sizeof boundary, "=_enroll_%lld_part",
		 (long long)m->id); /* "=_" never stands in quoted-printable */
	struct str s = str_in(pool);
	date_header(&s, m->at);
	str_add(&s, "From: ");
	if (from != m->from) {
		const char *name =
			str_trim(pool, pool_strndup(pool, m->from, (size_t)(strrchr(m->from, '<') - m->from)));
		header_text(&s, name);
		str_addf(&s, " <%s>\r\n", from);
	} else {
		str_addf(&s, "%s\r\n", from);
	}
	str_addf(&s, "To: %s\r\nSubject: ", m->to);
	header_text(&s, m->subject);
	str_addf(&s, "\r\nMessage-ID: <enroll.%lld@%s>\r\n", (long long)m->id, *m->host ? m->host : "localhost");
	str_add(&s, "Auto-Submitted: auto-generated\r\nX-Auto-Response-Suppress: All\r\nContent-Language: fr\r\n"
		    "MIME-Version: 1.0\r\n");
	str_addf(&s, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n", boundary);
	str_addf(&s,
		 "--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: "
		 "quoted-printable\r\n\r\n",
		 boundary);
	quoted_printable(&s, m->subject);
	str_add(&s, "\r\n\r\n");
	quoted_printable(&s, mail_text(m->html, pool));
	if (m->link) {
		str_add(&s, "\r\n-- =\r\n\r\n"); /* a space kept by the soft break */
		quoted_printable(&s, m->link);
		str_add(&s, "\r\n");
	}
	str_addf(&s,
		 "\r\n--%s\r\nContent-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: "
		 "quoted-printable\r\n\r\n",
		 boundary);
	quoted_printable(&s, mail_html(m, pool));
	str_addf(&s, "\r\n--%s--\r\n", boundary);
	*out = s.s;
	return 0;
}

/* ---- sending ---- */

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

/* On this machine nobody listens in between, and its mail server may well have a certificate of its own making. */
static bool is_here(const char *url)
{
	CURLU *u = curl_url();
	char *host = NULL;
	bool here = false;
	if (u && !curl_url_set(u, CURLUPART_URL, url, CURLU_NON_SUPPORT_SCHEME) &&
	    !curl_url_get(u, CURLUPART_HOST, &host, 0))
		here = str_eq(host, "localhost") || str_starts(host, "127.") || str_eq(host, "[::1]");
	curl_free(host);
	curl_url_cleanup(u);
	return here;
}

enum mail_result mail_send(const struct mail *m, struct pool *pool, struct err *e)
{
	char *message = NULL;
	if (!m->url || !*m->url) {
		fail(e, ERR_BUSY, "mail.none");
		return MAIL_LATER;
	}
	if (mail_compose(m, pool, &message, e))
		return MAIL_NEVER;
	pthread_once(&curl_once, curl_begin);
	CURL *c = curl_easy_init();
	struct curl_slist *to = curl_slist_append(NULL, pool_printf(pool, "<%s>", m->to));
	struct reader reader = { .at = message, .left = strlen(message) };
	if (!c || !to) {
		curl_slist_free_all(to);
		curl_easy_cleanup(c);
		fault(e, "curl: no memory");
		return MAIL_LATER;
	}
	bool here = is_here(m->url);
	curl_easy_setopt(c, CURLOPT_URL, m->url);
	curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
	curl_easy_setopt(c, CURLOPT_PROXY, "");
	curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_SECONDS);
	curl_easy_setopt(c, CURLOPT_TIMEOUT, SEND_SECONDS);
	curl_easy_setopt(c, CURLOPT_USE_SSL, here ? (long)CURLUSESSL_TRY : (long)CURLUSESSL_ALL);
	curl_easy_setopt(c, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYPEER, here ? 0L : 1L);
	curl_easy_setopt(c, CURLOPT_SSL_VERIFYHOST, here ? 0L : 2L);
	curl_easy_setopt(c, CURLOPT_MAIL_FROM, pool_printf(pool, "<%s>", mailbox_of(m->from, pool)));
	curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
	curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
	curl_easy_setopt(c, CURLOPT_READDATA, &reader);
	curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
	CURLcode r = curl_easy_perform(c);
	long code = 0;
	curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
	curl_slist_free_all(to);
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
