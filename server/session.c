#include "session.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/str.h"

#define TOKEN_LENGTH 43        /* crypto_token() */
#define SEALED_MAX (64 * 1024) /* bytes of a body that travels */
#define SEALED_SECONDS 3600
#define SEALED_WHERE "session.body"

const char *session_cookie_value(const char *header, const char *name, struct pool *pool)
{
	size_t want = strlen(name);
	for (const char *p = header; p && *p;) {
		while (*p == ' ' || *p == ';' || *p == '\t')
			p++;
		size_t n = strcspn(p, ";"), end = n;
		const char *equal = memchr(p, '=', n);
		if (equal && (size_t)(equal - p) == want && !strncmp(p, name, want)) {
			while (end > want + 1 && (p[end - 1] == ' ' || p[end - 1] == '\t'))
				end--;
			return pool_strndup(pool, equal + 1, end - want - 1);
		}
		p += n;
	}
	return NULL;
}

/* Anything that is not the shape of our tokens is nobody's: the database is not asked. */
static bool token_shaped(const char *token)
{
	size_t n = 0;
	for (; n <= TOKEN_LENGTH && token[n]; n++) {
		char c = token[n];
		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
		      c == '_'))
			return false;
	}
	return n == TOKEN_LENGTH;
}

static void arguments(struct credentials *c)
{
	const char *kind = c->kind == CRED_CERTIFICATE ? "agent" : c->kind == CRED_NONE ? "visitor" : "session";
	c->args[0] = arg_text(kind);
	c->args[1] = arg_text(c->digest);
	c->args[2] = arg_text(c->issuer);
	c->args[3] = arg_text(c->subject);
	c->args[4] = arg_text(c->fingerprint);
}

void session_from_token(const char *token, struct pool *pool, struct credentials *out)
{
	*out = (struct credentials){ .kind = CRED_COOKIE, .digest = crypto_token_digest(pool, token) };
	arguments(out);
}

void session_read(const struct request *r, struct pool *pool, struct credentials *out)
{
	*out = (struct credentials){ .kind = CRED_NONE };
	if (r->listener == AGENTS) {
		/* Cookies know no port: those of the public listener mean nothing here. */
		if (r->peer == PEER_GOOD) {
			out->kind = CRED_CERTIFICATE;
			out->issuer = r->certificate.issuer;
			out->subject = r->certificate.subject;
			out->fingerprint = r->certificate.fingerprint;
		}
		arguments(out);
		return;
	}
	const char *authorization = http_header(r, "authorization"), *token = NULL;
	if (authorization && !strncasecmp(authorization, "Bearer ", 7)) {
		token = str_trim(pool, authorization + 7);
		out->kind = CRED_BEARER;
	} else {
		token = session_cookie_value(http_header(r, "cookie"), "__Host-" SESSION_COOKIE, pool);
		out->kind = CRED_COOKIE;
	}
	if (token && token_shaped(token))
		out->digest = crypto_token_digest(pool, token);
	else
		out->kind = CRED_NONE;
	arguments(out);
}

static int denied(struct err *e, const char *text)
{
	return fail(e, ERR_DENIED, text);
}

int session_write_allowed(const struct request *r, const struct credentials *c, const char *own, bool form,
			  struct err *e)
{
	const char *origin = http_header(r, "origin"), *site = http_header(r, "sec-fetch-site");
	const char *host = http_header(r, "host");
	if (origin && strcmp(origin, own) != 0 &&
	    !(host && str_starts(origin, "https://") && !strcmp(origin + 8, host)))
		return denied(e, "denied.origin");
	if (site && strcmp(site, "same-origin") != 0 && strcmp(site, "none") != 0)
		return denied(e, "denied.origin");
	if (!origin && !site && form && c->kind != CRED_BEARER)
		return denied(e, "denied.origin");
	return 0;
}

const char *session_csrf(const struct keyring *keys, const struct credentials *c, const struct identity *who,
			 struct pool *pool)
{
	if (c->kind == CRED_CERTIFICATE)
		return crypto_hmac_hex(keys, pool, "csrf", c->fingerprint, strlen(c->fingerprint));
	return c->kind == CRED_COOKIE ? who->csrf : NULL;
}

int session_csrf_good(const struct keyring *keys, const struct credentials *c, const struct identity *who,
		      const char *sent, bool form, struct err *e)
{
	struct pool *pool;
	bool good;
	if (c->kind == CRED_BEARER || c->kind == CRED_NONE || (c->kind == CRED_CERTIFICATE && !form))
		return 0;
	pool = pool_new_secret();
	const char *right = session_csrf(keys, c, who, pool);
	good = right && *right && sent && strlen(sent) == strlen(right) && crypto_equal(sent, right, strlen(right));
	pool_free(pool);
	return good ? 0 : denied(e, "denied.csrf");
}

const char *session_after(const char *suite)
{
	if (!suite || suite[0] != '/' || suite[1] == '/' || suite[1] == '\\' || strlen(suite) > 2000)
		return "/dossiers";
	for (const char *p = suite; *p; p++)
		if ((unsigned char)*p <= 0x20 || *p == 0x7f || *p == '\\' || *p == '"')
			return "/dossiers";
	return !strncmp(suite, "/connexion", 10) || !strncmp(suite, "/deconnexion", 12) ? "/dossiers" : suite;
}

/* ---- a body that waits for a sign-in: lines of hexadecimal, so that any text passes ---- */

char *session_seal_body(const struct keyring *keys, const char *path, const char *query, const struct values *sent,
			struct pool *pool)
{
	struct str plain = str_in(pool);
	struct err e;
	unsigned char *sealed;
	size_t n;
	str_addf(&plain, "%lld\n%s\n%s\n", (long long)time(NULL), path, query);
	for (size_t i = 0; i < sent->count; i++) {
		if (!strcmp(sent->items[i].name, "csrf"))
			continue;
		str_addf(&plain, "%s %zu\n", sent->items[i].name, strlen(sent->items[i].text));
		str_add(&plain, sent->items[i].text);
		str_add_c(&plain, '\n');
	}
	if (plain.len > SEALED_MAX || crypto_seal(keys, SEALED_WHERE, plain.s, plain.len, pool, &sealed, &n, &e))
		return NULL;
	char *out = str_base64url(pool, sealed, n);
	crypto_wipe(plain.s, plain.len);
	return out;
}

static char *line(char **at, char *end)
{
	char *begin = *at, *stop = begin < end ? memchr(begin, '\n', (size_t)(end - begin)) : NULL;
	if (!stop)
		return NULL;
	*stop = 0;
	*at = stop + 1;
	return begin;
}

int session_open_body(const struct keyring *keys, const char *sealed, struct pool *pool, const char **path,
		      const char **query, struct values *out, struct err *e)
{
	unsigned char *bytes, *plain;
	struct err ignored;
	size_t n;
	int64_t made, size;
	long len = strlen(sealed) > SEALED_MAX * 2 ? -1 : str_unbase64url(pool, sealed, &bytes);
	if (len <= 0 || crypto_open(keys, SEALED_WHERE, bytes, (size_t)len, pool, &plain, &n, &ignored))
		return fail(e, ERR_INPUT, "session.body_gone");
	char *at = (char *)plain, *end = at + n, *when = line(&at, end), *p = line(&at, end), *q = line(&at, end);
	if (!when || !p || !q || str_to_i64(when, &made) || made + SEALED_SECONDS < (int64_t)time(NULL))
		return fail(e, ERR_INPUT, "session.body_gone");
	while (at < end) {
		char *name = line(&at, end), *space = name ? strchr(name, ' ') : NULL;
		if (!space || str_to_i64(space + 1, &size) || size < 0 || size >= end - at || at[size] != '\n')
			return fail(e, ERR_INPUT, "session.body_gone");
		*space = 0;
		at[size] = 0;
		values_add(out, name, at);
		at += size + 1;
	}
	*path = p;
	*query = q;
	return 0;
}
