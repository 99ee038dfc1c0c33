#include "mail.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/str.h"
#include "page.h"

#define LINE_BYTES 74

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
	const char *sender = m->from ? m->from : "", *from = mailbox_of(sender, pool);
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
	if (from != sender) {
		const char *name = str_trim(pool, pool_strndup(pool, sender, (size_t)(strrchr(sender, '<') - sender)));
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

enum mail_result mail_send(const struct mail *m, struct pool *pool, struct err *e)
{
	char *message = NULL;
	if (!m->url || !*m->url) {
		fail(e, ERR_BUSY, "mail.none");
		return MAIL_LATER;
	}
	if (mail_compose(m, pool, &message, e))
		return MAIL_NEVER;
	return fetch_mail(m->url, mailbox_of(m->from, pool), m->to, message, pool, e);
}
