#include "settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "fetch.h"
#include "json.h"

enum kind { KIND_STRING, KIND_NUMBER, KIND_SWITCH };

struct row {
	const char *name;
	enum kind kind;
	size_t at;
	const char *unset; /* the default as text; NULL: computed from the others */
	bool secret;
	int64_t min, max;
};

#define S(env, member, unset)                                                           \
	{                                                                               \
		env, KIND_STRING, offsetof(struct settings, member), unset, false, 0, 0 \
	}
#define SECRET(env, member)                                                         \
	{                                                                           \
		env, KIND_STRING, offsetof(struct settings, member), "", true, 0, 0 \
	}
#define N(env, member, unset, min, max)                                                     \
	{                                                                                   \
		env, KIND_NUMBER, offsetof(struct settings, member), unset, false, min, max \
	}
#define B(env, member)                                                                \
	{                                                                             \
		env, KIND_SWITCH, offsetof(struct settings, member), "0", false, 0, 0 \
	}

/* One row a setting; the order is that of `enrollctl settings`. */
static const struct row rows[] = {
	S("ENROLL_HOME", home, "var"),
	N("ENROLL_PORT", port, "8443", 1, 65535),
	N("ENROLL_AGENT_PORT", agent_port, "8444", 1, 65535),
	S("ENROLL_BIND", bind, "127.0.0.1"),
	SECRET("ENROLL_DSN", dsn),
	SECRET("ENROLL_OWNER_DSN", owner_dsn),
	SECRET("ENROLL_PURGE_DSN", purge_dsn),
	S("ENROLL_TLS_CERT", tls_cert, NULL),
	S("ENROLL_TLS_KEY", tls_key, NULL),
	S("ENROLL_AGENT_CA", agent_ca, NULL),
	S("ENROLL_AGENT_CRL", agent_crl, NULL),
	S("ENROLL_SEAL_CERT", seal_cert, NULL),
	S("ENROLL_SEAL_KEY", seal_key, NULL),
	S("ENROLL_KEY_FILE", key_file, NULL),
	S("ENROLL_PUBLIC_URL", public_url, NULL),
	S("ENROLL_AGENT_URL", agent_url, NULL),
	S("ENROLL_MAIL_FROM", mail_from, NULL),
	SECRET("ENROLL_SMTP_URL", smtp_url),
	S("ENROLL_CLAMD", clamd, ""),
	S("ENROLL_GEOCODE_URL", geocode_url, ""),
	S("ENROLL_FHIR_URL", fhir_url, ""),
	SECRET("ENROLL_FHIR_KEY", fhir_key),
	S("ENROLL_ELIGIBILITY", eligibility, "automatic"),
	N("ENROLL_MAX_CONNECTIONS_PER_ADDRESS", max_connections_per_address, "256", 1, 1000000),
	N("ENROLL_IDLE_SECONDS", idle_seconds, "60", 1, 86400),
	N("ENROLL_DRAIN_SECONDS", drain_seconds, "0", 0, 600),
	S("ENROLL_PROXY", proxy, ""),
	B("ENROLL_TEST_CLOCK", test_clock),
	B("ENROLL_DEMO", demo),
	N("ENROLL_LOOPS", loops, "0", 0, 256),
	N("ENROLL_DISK_FLOOR_MB", disk_floor_mb, "0", 0, 100000000),
	S("ENROLL_LOG_LEVEL", log_level, "info"),
};

static void *member(const struct settings *s, const struct row *row)
{
	return (char *)(uintptr_t)s + row->at;
}

static int wrong(struct err *e, const char *name, const char *why)
{
	int r = fail(e, ERR_INPUT, "settings.bad");
	snprintf(e->detail, sizeof e->detail, "%s: %s", name, why);
	snprintf(e->arg, sizeof e->arg, "%s", name);
	return r;
}

static int set(struct settings *s, const struct row *row, const char *value, struct pool *pool, struct err *e)
{
	int64_t n;
	switch (row->kind) {
	case KIND_STRING:
		*(const char **)member(s, row) = pool_strdup(pool, value);
		return 0;
	case KIND_NUMBER:
		if (str_to_i64(value, &n) || n < row->min || n > row->max)
			return wrong(e, row->name, "not a number within its bounds");
		*(int *)member(s, row) = (int)n;
		return 0;
	case KIND_SWITCH:
		if (strcmp(value, "0") && strcmp(value, "1"))
			return wrong(e, row->name, "0 or 1");
		*(bool *)member(s, row) = value[0] == '1';
		return 0;
	}
	return 0;
}

static const struct row *row_named(const char *name)
{
	for (size_t i = 0; i < COUNT(rows); i++)
		if (!strcmp(rows[i].name, name))
			return &rows[i];
	return NULL;
}

/* Lines NAME=value; empty ones and those that begin with # are skipped; a pair of quotes around the value is taken off.
 */
static int read_file(const char *path, const char *values[COUNT(rows)], struct pool *pool, struct err *e)
{
	char line[4096];
	FILE *f = fopen(path, "re");
	if (!f)
		return wrong(e, "ENROLL_SETTINGS", strerror(errno));
	int result = 0;
	for (int n = 1; !result && fgets(line, sizeof line, f); n++) {
		char *text = str_trim(pool, line), *equal = strchr(text, '=');
		if (!*text || *text == '#')
			continue;
		const struct row *row = NULL;
		if (equal) {
			*equal = 0;
			row = row_named(str_trim(pool, text));
		}
		if (!row) {
			char why[64];
			snprintf(why, sizeof why, "line %d names no setting", n);
			result = wrong(e, "ENROLL_SETTINGS", why);
			break;
		}
		char *value = str_trim(pool, equal + 1);
		size_t len = strlen(value);
		if (len >= 2 && value[0] == '"' && value[len - 1] == '"')
			value = pool_strndup(pool, value + 1, len - 2);
		values[row - rows] = value;
	}
	fclose(f);
	return result;
}

/* "automatic,2026-10-01=expert": the first without a date, then dates in order. */
static int eligibility_good(const char *text, struct pool *pool, struct err *e)
{
	char *copy = pool_strdup(pool, text), *rest = NULL;
	day_t last = DAY_NONE, day;
	bool first = true;
	for (char *part = strtok_r(copy, ",", &rest); part; part = strtok_r(NULL, ",", &rest), first = false) {
		char *equal = strchr(part, '=');
		const char *word = part;
		if (first == !!equal)
			return wrong(e, "ENROLL_ELIGIBILITY", "one word, then DATE=word");
		if (equal) {
			*equal = 0;
			word = equal + 1;
			if (day_parse(part, &day) || (last != DAY_NONE && day <= last))
				return wrong(e, "ENROLL_ELIGIBILITY", "dates YYYY-MM-DD in order");
			last = day;
		}
		if (strcmp(word, "automatic") && strcmp(word, "expert"))
			return wrong(e, "ENROLL_ELIGIBILITY", "automatic or expert");
	}
	return first ? wrong(e, "ENROLL_ELIGIBILITY", "automatic or expert") : 0;
}

bool settings_expert_on(const struct settings *s, day_t deposit)
{
	bool expert = str_starts(s->eligibility, "expert");
	for (const char *p = strchr(s->eligibility, ','); p; p = strchr(p, ',')) {
		char date[11];
		day_t day;
		p++;
		snprintf(date, sizeof date, "%.10s", p);
		if (!day_parse(date, &day) && deposit >= day)
			expert = str_starts(p + 10, "=expert");
	}
	return expert;
}

static const char *or_under(const char *set_to, struct pool *pool, const char *home, const char *path)
{
	return set_to && *set_to ? set_to : pool_printf(pool, "%s/%s", home, path);
}

static const char *without_slash(struct pool *pool, const char *url)
{
	size_t n = strlen(url);
	while (n && url[n - 1] == '/')
		n--;
	return pool_strndup(pool, url, n);
}

static int derive(struct settings *s, struct pool *pool, struct err *e)
{
	if (!*s->home)
		return wrong(e, "ENROLL_HOME", "empty");
	if (s->port == s->agent_port)
		return wrong(e, "ENROLL_AGENT_PORT", "the same as ENROLL_PORT");
	s->tls_cert = or_under(s->tls_cert, pool, s->home, "certs/server.pem");
	s->tls_key = or_under(s->tls_key, pool, s->home, "certs/server.key");
	s->seal_cert = or_under(s->seal_cert, pool, s->home, "certs/seal.pem");
	s->seal_key = or_under(s->seal_key, pool, s->home, "certs/seal.key");
	/* A CA of one's own without a list of revoked certificates has none: the development list is another CA's. */
	bool own_ca = s->agent_ca && *s->agent_ca;
	s->agent_ca = or_under(s->agent_ca, pool, s->home, "ca/ca.pem");
	if (!own_ca || (s->agent_crl && *s->agent_crl))
		s->agent_crl = or_under(s->agent_crl, pool, s->home, "ca/ca.crl");
	else
		s->agent_crl = "";
	s->key_file = or_under(s->key_file, pool, s->home, "keys");
	const char *host = !strcmp(s->bind, "127.0.0.1") || !strcmp(s->bind, "0.0.0.0") || strchr(s->bind, ':')
				   ? "localhost"
				   : s->bind;
	if (!s->public_url || !*s->public_url)
		s->public_url = pool_printf(pool, s->port == 443 ? "https://%s" : "https://%s:%d", host, s->port);
	if (!s->agent_url || !*s->agent_url)
		s->agent_url = pool_printf(pool, "https://%s:%d", host, s->agent_port);
	s->public_url = without_slash(pool, s->public_url);
	s->agent_url = without_slash(pool, s->agent_url);
	if (!str_starts(s->public_url, "https://") || !str_starts(s->agent_url, "https://"))
		return wrong(e, "ENROLL_PUBLIC_URL", "must begin with https://");
	if (!s->mail_from || !*s->mail_from) {
		const char *name = s->public_url + strlen("https://");
		s->mail_from = pool_printf(pool, "ne-pas-repondre@%.*s", (int)strcspn(name, ":/"), name);
	}
	if (strpbrk(s->mail_from, "\r\n") || !strchr(s->mail_from, '@'))
		return wrong(e, "ENROLL_MAIL_FROM", "not an address");
	if (s->proxy[strspn(s->proxy, "0123456789abcdef.:,")])
		return wrong(e, "ENROLL_PROXY", "addresses with a comma between, nothing else");
	s->geocode_url = without_slash(pool, s->geocode_url);
	s->fhir_url = without_slash(pool, s->fhir_url);
	if (*s->geocode_url && !fetch_good(s->geocode_url))
		return wrong(e, "ENROLL_GEOCODE_URL", "https://host/path, nothing more");
	if (*s->fhir_url && !fetch_good(s->fhir_url))
		return wrong(e, "ENROLL_FHIR_URL", "https://host/path, nothing more; the key is ENROLL_FHIR_KEY");
	if (strpbrk(s->fhir_key, "\r\n"))
		return wrong(e, "ENROLL_FHIR_KEY", "more than a line");
	static const char *const levels[] = { "debug", "info", "warn", "error" };
	bool known = false;
	for (size_t i = 0; i < COUNT(levels); i++)
		known |= !strcmp(levels[i], s->log_level);
	if (!known)
		return wrong(e, "ENROLL_LOG_LEVEL", "debug, info, warn or error");
	return eligibility_good(s->eligibility, pool, e);
}

int settings_read(struct pool *pool, struct settings *out, struct err *e)
{
	const char *values[COUNT(rows)] = { NULL };
	const char *file = getenv("ENROLL_SETTINGS");
	*out = (struct settings){ 0 };
	if (file && *file && read_file(file, values, pool, e))
		return -1;
	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *value = getenv(rows[i].name);
		if (!value)
			value = values[i];
		/* An empty text means "the default", so that an empty line of a unit file does no harm. */
		if (!value || (!*value && rows[i].unset))
			value = rows[i].unset;
		if (value && set(out, &rows[i], value, pool, e))
			return -1;
	}
	return derive(out, pool, e);
}

void settings_move_home(struct settings *s, const char *home, struct pool *pool)
{
	const char **const paths[] = { &s->tls_cert,  &s->tls_key,  &s->agent_ca, &s->agent_crl,
				       &s->seal_cert, &s->seal_key, &s->key_file };
	size_t n = strlen(s->home);
	for (size_t i = 0; i < COUNT(paths); i++)
		if (!strncmp(*paths[i], s->home, n) && (*paths[i])[n] == '/')
			*paths[i] = pool_printf(pool, "%s%s", home, *paths[i] + n);
	s->home = pool_strdup(pool, home);
}

char *settings_print(const struct settings *s, bool json, struct pool *pool)
{
	struct json j = json_in(pool);
	struct str text = str_in(pool);
	json_obj(&j);
	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct row *row = &rows[i];
		const void *m = member(s, row);
		if (row->kind == KIND_STRING) {
			const char *value = *(const char *const *)m;
			if (row->secret && value && *value)
				value = "********";
			str_addf(&text, "%s=%s\n", row->name, value ? value : "");
			json_kt(&j, row->name, value ? value : "");
		} else if (row->kind == KIND_NUMBER) {
			str_addf(&text, "%s=%d\n", row->name, *(const int *)m);
			json_ki(&j, row->name, *(const int *)m);
		} else {
			str_addf(&text, "%s=%d\n", row->name, *(const bool *)m);
			json_kb(&j, row->name, *(const bool *)m);
		}
	}
	json_end(&j);
	return json ? j.out.s : text.s;
}
