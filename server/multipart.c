#include "multipart.h"

#include <string.h>
#include <strings.h>
#include <stdio.h>

#include "base/str.h"

#define FIELDS_MAX 5000
#define UPLOADS_MAX 40
#define PART_HEADERS_MAX 4096

static int bad(struct err *e, const char *why)
{
	int r = fail(e, ERR_INPUT, "body.bad");
	snprintf(e->detail, sizeof e->detail, "%s", why);
	return r;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
				      : -1;
}

char *url_decode(struct pool *pool, const char *s, size_t n, bool plus)
{
	char *out = pool_alloc(pool, n + 1);
	size_t len = 0;
	for (size_t i = 0; i < n; i++) {
		int high, low;
		if (s[i] == '%' && i + 2 < n && (high = hex_digit(s[i + 1])) >= 0 && (low = hex_digit(s[i + 2])) >= 0) {
			out[len++] = (char)(high << 4 | low);
			i += 2;
		} else {
			out[len++] = plus && s[i] == '+' ? ' ' : s[i];
		}
	}
	out[len] = 0;
	return str_is_utf8(out, len) ? out : NULL;
}

/* Browsers send line ends of a textarea as CR LF; lengths and digests want one form. */
static void one_line_end(char *s)
{
	char *to = s;
	for (; *s; s++) {
		if (*s == '\r' && s[1] == '\n')
			continue;
		*to++ = *s;
	}
	*to = 0;
}

int urlencoded_read(const char *bytes, size_t n, struct values *out, struct err *e)
{
	size_t fields = 0;
	for (size_t at = 0; at < n;) {
		const char *pair = bytes + at, *amp = memchr(pair, '&', n - at);
		size_t len = amp ? (size_t)(amp - pair) : n - at;
		at += len + 1;
		if (!len)
			continue;
		if (++fields > FIELDS_MAX)
			return bad(e, "too many fields");
		const char *equal = memchr(pair, '=', len);
		size_t name_len = equal ? (size_t)(equal - pair) : len;
		char *name = url_decode(out->pool, pair, name_len, true);
		char *value =
			equal ? url_decode(out->pool, equal + 1, len - name_len - 1, true) : pool_strdup(out->pool, "");
		if (!name || !value)
			return bad(e, "not UTF-8");
		one_line_end(value);
		if (values_name_good(name))
			values_add(out, name, value);
	}
	return 0;
}

/* ---- multipart ---- */

/* A parameter of a header value: ; name="a \"b\"" or ; name=token. False when absent; only \" and \\ are escapes. */
static bool parameter(const char *value, size_t n, const char *name, char *out, size_t room)
{
	size_t i = 0, want = strlen(name);
	while (i < n && value[i] != ';')
		i++;
	while (i < n) {
		i++; /* ';' */
		while (i < n && (value[i] == ' ' || value[i] == '\t'))
			i++;
		size_t begin = i;
		while (i < n && value[i] != '=' && value[i] != ';')
			i++;
		bool found = i - begin == want && !strncasecmp(value + begin, name, want);
		size_t len = 0;
		if (i < n && value[i] == '=') {
			i++;
			bool quoted = i < n && value[i] == '"';
			i += quoted;
			for (; i < n && (quoted ? value[i] != '"' : value[i] != ';'); i++) {
				if (quoted && value[i] == '\\' && i + 1 < n &&
				    (value[i + 1] == '"' || value[i + 1] == '\\'))
					i++;
				if (found && len + 1 < room)
					out[len++] = value[i];
			}
			while (i < n && value[i] != ';')
				i++;
			while (!quoted && len && (out[len - 1] == ' ' || out[len - 1] == '\t'))
				len--;
		}
		if (found) {
			out[len] = 0;
			return true;
		}
	}
	return false;
}

static const void *find(const char *in, size_t n, const char *what, size_t len)
{
	return n >= len ? memmem(in, n, what, len) : NULL;
}

/* The value of a part's header, or NULL. */
static const char *part_header(const char *headers, size_t n, const char *name, size_t *len)
{
	size_t want = strlen(name);
	for (size_t at = 0; at < n;) {
		const char *line = headers + at, *end = find(line, n - at, "\r\n", 2);
		size_t size = end ? (size_t)(end - line) : n - at;
		at += size + 2;
		if (size <= want || line[want] != ':' || strncasecmp(line, name, want))
			continue;
		const char *value = line + want + 1;
		size -= want + 1;
		while (size && (*value == ' ' || *value == '\t'))
			value++, size--;
		return *len = size, value;
	}
	return NULL;
}

/* What a person's program calls the file: no folder, nothing that could break a header or a terminal. */
char *upload_filename(struct pool *pool, const char *name)
{
	const char *last = name;
	for (const char *p = name; *p; p++)
		if (*p == '/' || *p == '\\')
			last = p + 1;
	char *out = pool_strdup(pool, last), *to = out;
	for (const char *p = out; *p; p++)
		if ((unsigned char)*p >= 0x20 && *p != 0x7f && *p != '"')
			*to++ = *p;
	*to = 0;
	size_t n = strlen(out);
	if (n > 200) {
		n = 200;
		while (n && ((unsigned char)out[n] & 0xc0) == 0x80)
			n--;
		out[n] = 0;
	}
	return *out && strcmp(out, ".") && strcmp(out, "..") ? out : pool_strdup(pool, "document");
}

struct parts {
	struct values *out;
	struct pool *pool;
	struct upload *uploads;
	size_t count, fields;
};

static int part(struct parts *p, const char *headers, size_t headers_n, const char *body, size_t n, struct err *e)
{
	char name[256], filename[1024];
	size_t len, type_len;
	const char *disposition = part_header(headers, headers_n, "content-disposition", &len);
	if (!disposition || len < 9 || strncasecmp(disposition, "form-data", 9))
		return bad(e, "part without form-data");
	if (!parameter(disposition, len, "name", name, sizeof name))
		return bad(e, "part without name");
	if (++p->fields > FIELDS_MAX)
		return bad(e, "too many fields");
	if (!str_is_utf8(name, strlen(name)))
		return bad(e, "not UTF-8");
	if (!parameter(disposition, len, "filename", filename, sizeof filename)) {
		if (!str_is_utf8(body, n))
			return bad(e, "not UTF-8");
		char *value = pool_copy(p->pool, body, n);
		one_line_end(value);
		if (values_name_good(name))
			values_add(p->out, name, value);
		return 0;
	}
	/* A file field left empty comes as filename="" and no byte. */
	if ((!*filename && !n) || !values_name_good(name))
		return 0;
	if (p->count == UPLOADS_MAX)
		return bad(e, "too many files");
	if (!str_is_utf8(filename, strlen(filename)))
		snprintf(filename, sizeof filename, "document");
	const char *type = part_header(headers, headers_n, "content-type", &type_len);
	p->uploads[p->count++] = (struct upload){
		.field = pool_strdup(p->pool, name),
		.filename = upload_filename(p->pool, filename),
		.type = type ? pool_strndup(p->pool, type, type_len > 100 ? 100 : type_len)
			     : "application/octet-stream",
		.bytes = body,
		.size = n,
	};
	return 0;
}

int multipart_read(const char *content_type, const char *bytes, size_t n, struct values *out, struct pool *pool,
		   struct upload **uploads, size_t *count, struct err *e)
{
	char boundary[72], mark[80];
	*uploads = NULL;
	*count = 0;
	if (!content_type || !parameter(content_type, strlen(content_type), "boundary", boundary, sizeof boundary) ||
	    !*boundary || strlen(boundary) > 70)
		return bad(e, "no boundary");
	size_t mark_n = (size_t)snprintf(mark, sizeof mark, "\r\n--%s", boundary);
	struct parts p = { .out = out, .pool = pool, .uploads = POOL_ARRAY(pool, struct upload, UPLOADS_MAX) };
	/* The first boundary may stand at the very beginning, without its line end. */
	const char *at, *end = bytes + n;
	if (n >= mark_n - 2 && !memcmp(bytes, mark + 2, mark_n - 2)) {
		at = bytes + mark_n - 2;
	} else {
		at = find(bytes, n, mark, mark_n);
		if (!at)
			return bad(e, "no first boundary");
		at += mark_n;
	}
	for (;;) {
		if (end - at >= 2 && at[0] == '-' && at[1] == '-')
			break;
		for (; at < end && (*at == ' ' || *at == '\t'); at++)
			;
		if ((size_t)(end - at) < 2 || at[0] != '\r' || at[1] != '\n')
			return bad(e, "cut at a boundary");
		/* The line end is left in place: a part without headers begins with an empty line. */
		const char *blank = find(at, (size_t)(end - at), "\r\n\r\n", 4);
		if (!blank)
			return bad(e, "cut in headers");
		if (blank - at > PART_HEADERS_MAX)
			return bad(e, "headers too long");
		const char *headers = blank == at ? at : at + 2, *body = blank + 4;
		const char *next = find(body, (size_t)(end - body), mark, mark_n);
		/* An empty body: its closing boundary shares the line end of the blank line. */
		if (end - blank >= (long)mark_n + 2 && !memcmp(blank + 2, mark, mark_n))
			next = blank + 2;
		if (!next)
			return bad(e, "cut in a part");
		size_t size = next > body ? (size_t)(next - body) : 0;
		if (part(&p, headers, blank > headers ? (size_t)(blank - headers) : 0, body, size, e))
			return -1;
		at = next + mark_n;
	}
	*uploads = p.uploads;
	*count = p.count;
	return 0;
}
