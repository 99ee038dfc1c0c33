#include "registry.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "../server/base/json_write.h"
#include "../server/base/str.h"
#include "pg.h"

SQL(registry_current,
    "select id as copy, source_name, coalesce(source_day, paris_day(imported_at)) as day, imported_at,"
    " lines_read, lines_kept, lines_refused,"
    " paris_today() - coalesce(source_day, paris_day(imported_at)) as age_days from registry_copy where current");
SQL(registry_lines_of,
    "select l.rpps, l.last_name, l.first_name, l.profession, l.mode, l.commune, l.departement, l.postcode,"
    " l.authority, l.structure, l.line from registry_line l"
    " join registry_copy c on c.id = l.copy and c.current where l.rpps = $1 order by l.line");

/* ---- eight bytes at a time ---- */

#define ONES 0x0101010101010101u
#define HIGH 0x8080808080808080u

static uint64_t eight(const char *p)
{
	uint64_t w;
	memcpy(&w, p, 8);
	return w;
}

/* A high bit for each byte that equals c, and for no other. */
static uint64_t equals(uint64_t w, unsigned char c)
{
	uint64_t x = w ^ (ONES * c);
	return ~(((x & ~HIGH) + ~HIGH) | x) & HIGH;
}

/* Separators of the line; *ascii: no byte above 127 and no 0. */
static int separators(const char *p, size_t n, bool *ascii)
{
	uint64_t high = 0;
	int count = 0;
	for (; n >= 8; p += 8, n -= 8) {
		uint64_t w = eight(p);
		count += __builtin_popcountll(equals(w, '|'));
		high |= (w & HIGH) | equals(w, 0);
	}
	for (; n; p++, n--) {
		count += *p == '|';
		high |= (*p & 0x80) || !*p;
	}
	*ascii = !high;
	return count;
}

/* The same answer as str_is_utf8(), passing over runs of ASCII: almost every line has an accent or two. */
static bool is_utf8(const char *text, size_t n)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + n;
	while (p < end) {
		if (end - p >= 8) {
			uint64_t w = eight((const char *)p);
			if (!((w & HIGH) | equals(w, 0))) {
				p += 8;
				continue;
			}
		}
		unsigned c = *p++;
		if (!c)
			return false;
		if (c < 0x80)
			continue;
		int more = c >= 0xC2 && c <= 0xDF ? 1 : (c & 0xF0) == 0xE0 ? 2 : c >= 0xF0 && c <= 0xF4 ? 3 : 0;
		if (!more || end - p < more)
			return false;
		if ((c == 0xE0 && *p < 0xA0) || (c == 0xED && *p > 0x9F) || (c == 0xF0 && *p < 0x90) ||
		    (c == 0xF4 && *p > 0x8F))
			return false;
		for (; more; more--)
			if ((*p++ & 0xC0) != 0x80)
				return false;
	}
	return true;
}

/* ---- lines ---- */

static const char *const names[REGISTRY_COLUMNS] = {
	[REGISTRY_RPPS] = "Identifiant PP",
	[REGISTRY_LAST_NAME] = "Nom d'exercice",
	[REGISTRY_FIRST_NAME] = "Prénom d'exercice",
	[REGISTRY_PROFESSION] = "Code profession",
	[REGISTRY_MODE] = "Code mode exercice",
	[REGISTRY_COMMUNE] = "Code commune (coord. structure)",
	[REGISTRY_DEPARTEMENT] = "Code Département (structure)",
	[REGISTRY_POSTCODE] = "Code postal (coord. structure)",
	[REGISTRY_AUTHORITY] = "Autorité d'enregistrement",
	[REGISTRY_STRUCTURE] = "Raison sociale site",
};

int registry_read_header(const char *line, size_t n, struct registry_layout *out, struct err *e)
{
	struct pool *pool = pool_new();
	const char *keys[REGISTRY_COLUMNS], *end = line + n;
	int bad = 0;
	*out = (struct registry_layout){ 0 };
	for (int i = 0; i < REGISTRY_COLUMNS; i++) {
		keys[i] = str_search_key(pool, names[i]);
		out->at[i] = -1;
	}
	out->trailing = n && end[-1] == '|';
	if (out->trailing)
		end--;
	if (!is_utf8(line, n))
		bad = fail(e, ERR_INPUT, "registry.header");
	for (const char *p = line; !bad; p++) {
		const char *to = memchr(p, '|', (size_t)(end - p));
		size_t width = (size_t)((to ? to : end) - p);
		if (out->count == 255 || width > 512) {
			bad = fail(e, ERR_INPUT, "registry.header");
			break;
		}
		const char *key = str_search_key(pool, pool_strndup(pool, p, width));
		for (int i = 0; i < REGISTRY_COLUMNS; i++) {
			if (out->at[i] >= 0 || strcmp(key, keys[i]) != 0)
				continue;
			out->at[i] = out->count;
			out->what[out->count] = (unsigned char)(i + 1);
			if (out->count > out->last)
				out->last = out->count;
		}
		out->count++;
		if (!to)
			break;
		p = to;
	}
	for (int i = 0; !bad && i < REGISTRY_COLUMNS; i++)
		if (out->at[i] < 0) {
			bad = fail(e, ERR_INPUT, "registry.column");
			snprintf(e->arg, sizeof e->arg, "%s", names[i]);
		}
	pool_free(pool);
	return bad;
}

static bool is_rpps(struct registry_span s)
{
	if (s.n != 11)
		return false;
	for (size_t i = 0; i < s.n; i++)
		if (s.p[i] < '0' || s.p[i] > '9')
			return false;
	return true;
}

enum registry_verdict registry_read_line(const struct registry_layout *l, const char *line, size_t n,
					 struct registry_span fields[REGISTRY_COLUMNS], const char **why)
{
	bool ascii;
	int separated = separators(line, n, &ascii);
	if (separated != l->count - 1 && (separated != l->count || line[n - 1] != '|')) {
		*why = "columns";
		return REGISTRY_REFUSE;
	}
	if (!ascii && !is_utf8(line, n)) {
		*why = "utf8";
		return REGISTRY_REFUSE;
	}
	/* Most lines are of another profession: up to that column only. */
	const char *p = line, *end = line + n;
	int column = 0;
	for (int stop = l->at[REGISTRY_PROFESSION]; column < stop; column++)
		p = (const char *)memchr(p, '|', (size_t)(end - p)) + 1;
	bool ours = end - p >= 2 && ((p[0] == '9' && p[1] == '3') || (p[0] == '7' && p[1] == '2')) &&
		    (end - p == 2 || p[2] == '|');
	if (!ours)
		return REGISTRY_SKIP;
	p = line;
	for (column = 0; column <= l->last; column++) {
		const char *to = memchr(p, '|', (size_t)(end - p));
		if (!to)
			to = end;
		if (l->what[column])
			fields[l->what[column] - 1] = (struct registry_span){ p, (size_t)(to - p) };
		p = to < end ? to + 1 : end;
	}
	if (!is_rpps(fields[REGISTRY_RPPS])) {
		*why = "rpps";
		return REGISTRY_REFUSE;
	}
	return REGISTRY_KEEP;
}

static bool digits(const char *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i] < '0' || p[i] > '9')
			return false;
	return true;
}

/* The département at the head of an INSEE code: 2A, 2B, 97x, 98x, else two digits. 0 when there is none. */
static size_t insee_prefix(struct registry_span s)
{
	if (s.n < 2)
		return 0;
	if (s.p[0] == '2' && (s.p[1] == 'A' || s.p[1] == 'B'))
		return 2;
	if (!digits(s.p, 2) || !memcmp(s.p, "00", 2))
		return 0;
	if (s.p[0] == '9' && (s.p[1] == '7' || s.p[1] == '8'))
		return s.n >= 3 && digits(s.p, 3) ? 3 : 0;
	return 2;
}

void registry_departement(const struct registry_span f[REGISTRY_COLUMNS], char out[4])
{
	struct registry_span commune = f[REGISTRY_COMMUNE], column = f[REGISTRY_DEPARTEMENT],
			     postcode = f[REGISTRY_POSTCODE];
	size_t n;
	out[0] = 0;
	if (commune.n == 5 && digits(commune.p + 2, 3) && (n = insee_prefix(commune))) {
		memcpy(out, commune.p, n);
		out[n] = 0;
	} else if (column.n && column.n <= 3 && insee_prefix(column) == column.n) {
		memcpy(out, column.p, column.n);
		out[column.n] = 0;
	} else if (column.n == 1 && digits(column.p, 1) && *column.p != '0') {
		out[0] = '0'; /* "1" for 01 */
		out[1] = *column.p;
		out[2] = 0;
	} else if (postcode.n == 5 && digits(postcode.p, 5) && (n = insee_prefix(postcode))) {
		memcpy(out, postcode.p, n);
		out[n] = 0;
		/* Corse: 200 and 201 are Corse-du-Sud, 202 and 206 Haute-Corse. */
		if (!strcmp(out, "20"))
			out[1] = postcode.p[2] <= '1' ? 'A' : 'B';
	}
}

/* ---- the import ---- */

enum { IN = 1 << 20, OUT = 1 << 18, PROGRESS_EVERY = 16 << 20 };

struct import {
	struct plain *db;
	struct registry_layout layout;
	struct registry_counts *counts;
	char *in, *out;
	size_t out_len;
	char copy[24]; /* its id, as text */
	int64_t line;
	struct err *e;
};

static int flush(struct import *m)
{
	size_t n = m->out_len;
	m->out_len = 0;
	return plain_copy_write(m->db, m->out, n, m->e);
}

/* Escapes for COPY; an empty field is NULL. */
static void put(struct import *m, const char *p, size_t n, char after)
{
	char *o = m->out + m->out_len;
	if (!n) {
		*o++ = '\\';
		*o++ = 'N';
	}
	for (; n; p++, n--) {
		/* Inside of a line there is neither LF nor 0; a CR may stand in the middle. */
		char letter = *p == '\\' ? '\\' : *p == '\t' ? 't' : *p == '\r' ? 'r' : 0;
		if (letter)
			*o++ = '\\';
		*o++ = letter ? letter : *p;
	}
	*o++ = after;
	m->out_len = (size_t)(o - m->out);
}

static void refuse(struct import *m, const char *why)
{
	struct registry_counts *c = m->counts;
	if (c->refused < REGISTRY_TOLD) {
		c->told[c->refused].line = m->line;
		c->told[c->refused].why = why;
	}
	c->refused++;
}

/* A line without its end. */
static int take(struct import *m, const char *p, size_t n)
{
	struct registry_span f[REGISTRY_COLUMNS] = { 0 };
	const char *why;
	if (n && p[n - 1] == '\r')
		n--;
	m->line++;
	if (m->line == 1) {
		if (n >= 3 && !memcmp(p, "\xEF\xBB\xBF", 3)) {
			p += 3;
			n -= 3;
		}
		return registry_read_header(p, n, &m->layout, m->e);
	}
	m->counts->read++;
	switch (registry_read_line(&m->layout, p, n, f, &why)) {
	case REGISTRY_SKIP:
		return 0;
	case REGISTRY_REFUSE:
		refuse(m, why);
		return 0;
	case REGISTRY_KEEP:
		break;
	}
	/* Twice the line's length at most, and the small ones. */
	if (m->out_len + 2 * n + 256 > OUT && flush(m))
		return -1;
	char number[24], departement[4];
	registry_departement(f, departement);
	put(m, m->copy, strlen(m->copy), '\t');
	for (int i = 0; i < REGISTRY_COLUMNS; i++)
		if (i == REGISTRY_DEPARTEMENT)
			put(m, departement, strlen(departement), '\t');
		else
			put(m, f[i].p, f[i].n, '\t');
	int digits_count = snprintf(number, sizeof number, "%lld", (long long)m->line);
	put(m, number, (size_t)digits_count, '\n');
	m->counts->kept++;
	return 0;
}

/* The last line, when no line end follows it: a whole one is a line, else the file was cut. */
static int take_rest(struct import *m, const char *p, size_t n)
{
	struct registry_span f[REGISTRY_COLUMNS] = { 0 };
	const char *why;
	if (!n)
		return 0;
	if (!m->line || (m->layout.trailing && p[n - 1] != '|') ||
	    (registry_read_line(&m->layout, p, n, f, &why) == REGISTRY_REFUSE && strcmp(why, "rpps") != 0))
		return fail(m->e, ERR_INPUT, m->line ? "registry.truncated" : "registry.empty");
	return take(m, p, n);
}

static int stream(struct import *m, int fd, int64_t total, registry_progress *progress, void *context)
{
	size_t held = 0;       /* bytes of an unfinished line at the start of the buffer */
	bool skipping = false; /* the rest of a line that is too long */
	int64_t bytes = 0, told = 0;
	for (;;) {
		ssize_t n = read(fd, m->in + held, IN - held);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return fault(m->e, "cannot read the file: %s", strerrorname_np(errno));
		if (n == 0)
			break;
		bytes += n;
		const char *p = m->in, *end = m->in + held + n, *fresh = m->in + held, *nl;
		while ((nl = memchr(fresh, '\n', (size_t)(end - fresh)))) {
			if (skipping)
				skipping = false;
			else if (nl - p > REGISTRY_LINE_MOST) {
				m->line++;
				if (m->line == 1)
					return fail(m->e, ERR_INPUT, "registry.header");
				m->counts->read++;
				refuse(m, "too_long");
			} else if (take(m, p, (size_t)(nl - p)))
				return -1;
			p = fresh = nl + 1;
		}
		held = (size_t)(end - p);
		if (skipping) {
			held = 0;
		} else if (held > REGISTRY_LINE_MOST) {
			m->line++;
			if (m->line == 1)
				return fail(m->e, ERR_INPUT, "registry.header");
			m->counts->read++;
			refuse(m, "too_long");
			skipping = true;
			held = 0;
		} else if (held) {
			memmove(m->in, p, held);
		}
		if (progress && bytes - told >= PROGRESS_EVERY) {
			told = bytes;
			progress(context, bytes, total, m->line);
		}
	}
	if (skipping)
		return fail(m->e, ERR_INPUT, "registry.truncated");
	if (take_rest(m, m->in, held))
		return -1;
	if (progress)
		progress(context, bytes, total, m->line);
	if (!m->counts->read)
		return fail(m->e, ERR_INPUT, "registry.empty");
	if (!m->counts->kept)
		return fail(m->e, ERR_INPUT, "registry.no_psychologist");
	return flush(m);
}

/* "PS_LibreAcces_Personne_activite_202611220812.txt": eight digits that are a day. */
static day_t day_of_name(const char *name)
{
	for (const char *p = name; *p; p++) {
		char iso[11];
		day_t day;
		if ((p > name && p[-1] >= '0' && p[-1] <= '9') || strnlen(p, 8) < 8 || !digits(p, 8))
			continue;
		snprintf(iso, sizeof iso, "%.4s-%.2s-%.2s", p, p + 4, p + 6);
		if (day_parse(iso, &day) == 0)
			return day;
	}
	return DAY_NONE;
}

static char *refused_json(struct pool *pool, const struct registry_counts *c)
{
	struct json j = json_in(pool);
	json_arr(&j);
	for (int64_t i = 0; i < c->refused && i < REGISTRY_TOLD; i++) {
		json_obj(&j);
		json_ki(&j, "line", c->told[i].line);
		json_kt(&j, "why", c->told[i].why);
		json_end(&j);
	}
	json_end(&j);
	return j.out.s;
}

static int begin(struct import *m, struct pool *pool, const char *name, day_t day)
{
	const struct rows *r;
	/* One import at a time. */
	if (plain_script(m->db, "begin; select pg_advisory_xact_lock(7310034)", NULL, NULL, m->e) ||
	    plain_ask(m->db, "select coalesce(max(lines_kept), 0) as n from registry_copy where current", NO_ARGS, pool,
		      &r, m->e))
		return -1;
	m->counts->before = rows_i64(r, 0, "n");
	if (plain_ask(m->db,
		      "insert into registry_copy (source_name, source_day) values ($1, coalesce($2::date, "
		      "paris_today())) "
		      "returning id, source_day",
		      ARGS(arg_text(name), arg_day(pool, day)), pool, &r, m->e))
		return -1;
	m->counts->copy = rows_i64(r, 0, "id");
	m->counts->day = rows_day(r, 0, "source_day");
	snprintf(m->copy, sizeof m->copy, "%lld", (long long)m->counts->copy);
	return plain_copy(
		m->db,
		"copy registry_line (copy, rpps, last_name, first_name, profession, mode, commune, departement, "
		"postcode, authority, structure, line) from stdin",
		m->e);
}

static int shrunk(struct import *m, bool may_shrink)
{
	return may_shrink || m->counts->kept >= m->counts->before / 2 ? 0 : fail(m->e, ERR_INPUT, "registry.shrunk");
}

static int swap(struct import *m, struct pool *pool)
{
	const struct registry_counts *c = m->counts;
	struct arg id = arg_i64(pool, c->copy);
	return plain_copy_end(m->db, m->e) ||
			       plain_script(m->db, "update registry_copy set current = false where current", NULL, NULL,
					    m->e) ||
			       plain_ask(
				       m->db,
				       "update registry_copy set current = true, lines_read = $2::bigint, lines_kept = "
				       "$3::bigint, lines_refused = $4::bigint, refused_lines = $5::jsonb where id = "
				       "$1::bigint",
				       ARGS(id, arg_i64(pool, c->read), arg_i64(pool, c->kept),
					    arg_i64(pool, c->refused), arg_text(refused_json(pool, c))),
				       NULL, NULL, m->e) ||
			       plain_ask(m->db, "delete from registry_line where copy <> $1::bigint", ARGS(id), NULL,
					 NULL, m->e) ||
			       plain_script(m->db, "commit", NULL, NULL, m->e)
		       ? -1
		       : 0;
}

int registry_import(const char *dsn, const char *path, bool may_shrink, registry_progress *progress, void *context,
		    struct registry_counts *out, struct err *e)
{
	struct import m = { .counts = out, .e = e };
	struct stat st;
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	*out = (struct registry_counts){ .day = DAY_NONE };
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || S_ISDIR(st.st_mode)) {
		if (fd >= 0)
			close(fd);
		fail(e, ERR_MISSING, "registry.file");
		snprintf(e->detail, sizeof e->detail, "%s", strerrorname_np(fd < 0 ? errno : EISDIR));
		return -1;
	}
	posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	struct pool *pool = pool_new();
	int bad = -1;
	m.in = malloc(IN);
	m.out = malloc(OUT);
	if (!m.in || !m.out)
		fault(e, "no memory for an import");
	else if ((m.db = plain_open(dsn, "enroll registry", e)) && !begin(&m, pool, name, day_of_name(name)) &&
		 !stream(&m, fd, st.st_size, progress, context) && !shrunk(&m, may_shrink) && !swap(&m, pool))
		bad = 0;
	/* Without its commit everything is undone. */
	plain_close(m.db);
	free(m.in);
	free(m.out);
	pool_free(pool);
	close(fd);
	return bad;
}
