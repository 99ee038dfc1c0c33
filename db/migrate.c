#include "migrate.h"
#include <stdio.h>
#include <string.h>
#include <time.h>
#include "../server/base/asset.h"
#include "../server/base/crypto.h"
#include "../server/base/str.h"
#include "csv.h"
#include "pg.h"

/* Two migrating programs wait for one another. */
#define LOCK "select pg_advisory_lock(7310033)"
enum { LOCK_TRIES = 40 }; /* a minute */

struct migration {
	int number;
	const char *name; /* 0001_base */
	const struct asset *file;
	const char *sha256;
};

static size_t migrations_all(struct pool *pool, struct migration **out)
{
	size_t n = 0;
	for (const struct asset *a = NULL; (a = asset_next("db/migrations", a));)
		n++;
	*out = POOL_ARRAY(pool, struct migration, n + 1);
	n = 0;
	for (const struct asset *a = NULL; (a = asset_next("db/migrations", a));) {
		const char *base = strrchr(a->path, '/') + 1, *dot = strrchr(base, '.');
		int number = 0;
		for (const char *p = base; *p >= '0' && *p <= '9'; p++)
			number = number * 10 + (*p - '0');
		if (!number || !dot || strcmp(dot, ".sql") != 0)
			continue;
		(*out)[n++] = (struct migration){ .number = number,
						  .name = pool_strndup(pool, base, (size_t)(dot - base)),
						  .file = a,
						  .sha256 = crypto_sha256_hex(pool, a->data, a->size) };
	}
	return n;
}

static void prefix(struct err *e, const char *what)
{
	char detail[sizeof e->detail];
	snprintf(detail, sizeof detail, "%s: %.150s", what, e->detail);
	memcpy(e->detail, detail, sizeof detail);
}

static int script(struct plain *c, const char *sql, struct err *e)
{
	return plain_script(c, sql, NULL, NULL, e);
}

static int rollback(struct plain *c)
{
	struct err ignored;
	if (script(c, "rollback", &ignored))
		return -1;
	return -1;
}

static int set_meta(struct plain *c, const char *key, const char *value, struct err *e)
{
	return plain_ask(c,
			 "insert into meta (key, value) values ($1, $2) on conflict (key) do update set value = "
			 "excluded.value",
			 ARGS(arg_text(key), arg_text(value)), NULL, NULL, e);
}

/* *same: the stored value is this one already. */
static int same_meta(struct plain *c, struct pool *pool, const char *key, const char *value, bool *same, struct err *e)
{
	const struct rows *r;
	if (plain_ask(c, "select value from meta where key = $1", ARGS(arg_text(key)), pool, &r, e))
		return -1;
	*same = rows_count(r) && str_eq(rows_text(r, 0, "value"), value);
	return 0;
}

/* ---- the numbered files ---- */

static int prepare(struct plain *c, struct err *e)
{
	return script(
		c,
		"do $$ begin\n"
		"if not exists (select from pg_namespace where nspname = 'enroll') then create schema enroll; end if;\n"
		"end $$;\n"
		"create table if not exists enroll.schema_migration (number int primary key, name text not null,\n"
		"  sha256 text not null, at timestamptz not null default clock_timestamp());",
		e);
}

static int try_one(struct plain *c, const struct migration *m, struct pool *pool, struct err *e)
{
	if (script(c, "begin; set local lock_timeout = '500ms'", e))
		return -1;
	if (script(c, (const char *)m->file->data, e) ||
	    plain_ask(c, "insert into enroll.schema_migration (number, name, sha256) values ($1::int, $2, $3)",
		      ARGS(arg_i64(pool, m->number), arg_text(m->name), arg_text(m->sha256)), NULL, NULL, e)) {
		prefix(e, m->name);
		return rollback(c);
	}
	return script(c, "commit", e);
}

/*
 * The service may be serving: whoever waits for an exclusive lock makes all others wait behind, so it is given up soon
 * and asked for again; before PostgreSQL looks for deadlocks (1 s), so that nobody else is the one to be undone.
 */
static int apply_one(struct plain *c, const struct migration *m, struct pool *pool, struct err *e)
{
	for (int i = 0;; i++) {
		if (!try_one(c, m, pool, e))
			return 0;
		bool busy = strstr(e->detail, "55P03") || e->kind == ERR_RETRY;
		if (!busy || i == LOCK_TRIES)
			return -1;
		nanosleep(&(struct timespec){ .tv_nsec = 500000000 }, NULL);
	}
}

/* The row of a number, or -1. */
static int row_of(const struct rows *r, int number)
{
	for (size_t i = 0; i < rows_count(r); i++)
		if (rows_i64(r, i, "number") == number)
			return (int)i;
	return -1;
}

static int files(struct plain *c, struct pool *pool, int *applied, struct err *e)
{
	struct migration *all;
	size_t n = migrations_all(pool, &all);
	const struct rows *r;
	if (plain_ask(c, "select number, sha256 from enroll.schema_migration order by number", NO_ARGS, pool, &r, e))
		return -1;
	size_t last = rows_count(r);
	if (last && (!n || rows_i64(r, last - 1, "number") > all[n - 1].number))
		return fault(e, "the schema is newer than this program");
	for (size_t i = 0; i < n; i++) {
		int row = row_of(r, all[i].number);
		if (row >= 0) {
			if (strcmp(rows_str(r, (size_t)row, "sha256"), all[i].sha256) != 0)
				return fault(e, "%s was changed after it was applied", all[i].name);
			continue;
		}
		if (last && all[i].number < rows_i64(r, last - 1, "number"))
			return fault(e, "%s comes too late: a later one was applied", all[i].name);
		if (apply_one(c, &all[i], pool, e))
			return -1;
		++*applied;
	}
	return 0;
}

/* ---- the workflow table ---- */

static int transitions_load(struct plain *c, struct pool *pool, const char *text, const char *digest, struct err *e)
{
	struct str copy = str_in(pool);
	bool same;
	if (same_meta(c, pool, "workflow_digest", digest, &same, e))
		return -1;
	if (same)
		return 0;
	for (const char *line = text; *line;) {
		const char *end = strchr(line, '\n');
		size_t n = end ? (size_t)(end - line) : strlen(line);
		char words[4][64];
		char *one = pool_strndup(pool, line, n);
		if (n && sscanf(one, "%63s %63s %63s %63s", words[0], words[1], words[2], words[3]) != 4)
			return fault(e, "the workflow table has a line of another form");
		for (int i = 0; n && i < 4; i++)
			copy_field(&copy, words[i], i == 3);
		line += n + (end != NULL);
	}
	if (script(c, "begin", e))
		return -1;
	if (script(c, "delete from transition", e) ||
	    plain_copy(c, "copy transition (from_state, event, role, to_state) from stdin", e) ||
	    plain_copy_write(c, copy.s, copy.len, e) || plain_copy_end(c, e) ||
	    set_meta(c, "workflow_digest", digest, e)) {
		prefix(e, "workflow table");
		return rollback(c);
	}
	return script(c, "commit", e);
}

/* ---- reference data ---- */

struct source {
	const char *path;
	const char *table; /* … and its columns, in the order of `columns` */
	const char *columns[16];
	void (*extra)(struct str *out, const struct csv *c, const size_t *at);
};

/* Postcodes are digits: their array needs no quoting. */
static void commune_extra(struct str *out, const struct csv *c, const size_t *at)
{
	char list[1024];
	size_t n = 0;
	list[n++] = '{';
	for (const char *p = c->fields[at[5]]; *p && n + 2 < sizeof list; p++)
		list[n++] = *p == ' ' ? ',' : *p >= '0' && *p <= '9' ? *p : ',';
	list[n++] = '}';
	list[n] = 0;
	copy_field(out, list, false);
	copy_field(out, str_search_key(c->pool, c->fields[at[1]]), true);
}

static const struct source sources[] = {
	{ "db/data/regions.csv", "new_region", { "region", "region_nom", "chef_lieu", "ars_nom", "zone" }, NULL },
	{ "db/data/departements.csv",
	  "new_departement",
	  { "departement", "nom", "region", "chef_lieu", "zone" },
	  NULL },
	{ "db/data/departements_svg.csv", "new_outline", { "departement", "viewbox", "path_d" }, NULL },
	{ "db/data/cpam.csv", "new_caisse", { "code_caisse", "nom", "type", "departement", "region" }, NULL },
	{ "db/data/communes.csv",
	  "new_commune",
	  { "code", "nom", "type", "departement", "region", "codes_postaux", "population", "lon", "lat", "caisse",
	    "caisse_methode", "caisse_confiance" },
	  commune_extra },
};

static const char tables[] =
	"create temp table new_region (code text, name text, seat text, ars text, zone text) on commit drop;\n"
	"create temp table new_departement (code text, name text, region text, seat text, zone text) on commit drop;\n"
	"create temp table new_outline (code text, viewbox text, path text) on commit drop;\n"
	"create temp table new_caisse (code text, name text, type text, departement text, region text) on commit "
	"drop;\n"
	"create temp table new_commune (code text, name text, type text, departement text, region text, postcodes_text "
	"text,\n"
	"  population bigint, lon float8, lat float8, caisse text, method text, confidence text, postcodes text[],\n"
	"  search_key text) on commit drop;";

/*
 * Codes are never removed: files point to them. A commune's caisse that a person corrected stays: its method is then
 * none of those that the reference data knows.
 */
static const char merge[] =
	"insert into region (code, name, seat, ars, zone) select code, name, seat, ars, zone from new_region\n"
	"  on conflict (code) do update set name = excluded.name, seat = excluded.seat, ars = excluded.ars,\n"
	"  zone = excluded.zone;\n"
	"insert into departement (code, name, region, seat, zone, viewbox, path)\n"
	"  select d.code, d.name, d.region, d.seat, d.zone, o.viewbox, o.path\n"
	"  from new_departement d left join new_outline o on o.code = d.code\n"
	"  on conflict (code) do update set name = excluded.name, region = excluded.region, seat = excluded.seat,\n"
	"  zone = excluded.zone, viewbox = excluded.viewbox, path = excluded.path;\n"
	"insert into caisse (code, name, type, departement, region)\n"
	"  select code, name, type, departement, region from new_caisse\n"
	"  on conflict (code) do update set name = excluded.name, type = excluded.type,\n"
	"  departement = excluded.departement, region = excluded.region;\n"
	"create temp table known_method on commit drop as select distinct method from new_commune;\n"
	"insert into commune as c (code, name, search_key, type, departement, region, postcodes, population, lon, "
	"lat,\n"
	"  caisse, method, confidence)\n"
	"  select code, name, search_key, type, departement, region, postcodes, population, lon, lat, caisse, method,\n"
	"  confidence from new_commune\n"
	"  on conflict (code) do update set name = excluded.name, search_key = excluded.search_key, type = "
	"excluded.type,\n"
	"  departement = excluded.departement, region = excluded.region, postcodes = excluded.postcodes,\n"
	"  population = excluded.population, lon = excluded.lon, lat = excluded.lat,\n"
	"  (caisse, method, confidence) = (select excluded.caisse, excluded.method, excluded.confidence\n"
	"    where c.method is null or exists (select from known_method k where k.method = c.method)\n"
	"    union all select c.caisse, c.method, c.confidence where c.method is not null\n"
	"    and not exists (select from known_method k where k.method = c.method));";

static int source_copy(struct plain *c, const struct source *s, struct err *e)
{
	const struct asset *a = asset_get(s->path);
	struct pool *pool = pool_new();
	struct csv csv = csv_of(a->data, a->size, pool);
	struct str out = str_in(pool);
	size_t at[COUNT(s->columns)], n = 0;
	int r = -1;
	while (n < COUNT(s->columns) && s->columns[n])
		n++;
	int bad = csv_header(&csv, s->columns, n, at, e) ||
		  plain_copy(c, pool_printf(pool, "copy %s from stdin", s->table), e);
	while (!bad && (r = csv_row(&csv, e)) > 0) {
		for (size_t i = 0; i < n; i++) {
			const char *f = csv.fields[at[i]];
			copy_field(&out, *f ? f : NULL, i + 1 == n && !s->extra);
		}
		if (s->extra)
			s->extra(&out, &csv, at);
		if (out.len > 1 << 18) {
			bad = plain_copy_write(c, out.s, out.len, e);
			str_clear(&out);
		}
	}
	bad = bad || r < 0 || plain_copy_write(c, out.s, out.len, e) || plain_copy_end(c, e);
	pool_free(pool);
	if (bad)
		prefix(e, s->path);
	return bad ? -1 : 0;
}

static int reference_load(struct plain *c, struct pool *pool, struct err *e)
{
	struct crypto_hash *h = crypto_hash_new(pool);
	unsigned char digest[SHA256_SIZE];
	bool same;
	/* How they are loaded counts too: a program that loads otherwise loads again. */
	crypto_hash_add(h, merge, sizeof merge);
	for (size_t i = 0; i < COUNT(sources); i++) {
		const struct asset *a = asset_get(sources[i].path);
		if (!a)
			return fault(e, "%s is not in this program", sources[i].path);
		crypto_hash_add(h, a->data, a->size);
	}
	crypto_hash_end(h, digest);
	const char *hex = str_hex(pool, digest, sizeof digest);
	if (same_meta(c, pool, "reference_digest", hex, &same, e))
		return -1;
	if (same)
		return 0;
	if (script(c, "begin", e))
		return -1;
	int bad = script(c, tables, e);
	for (size_t i = 0; !bad && i < COUNT(sources); i++)
		bad = source_copy(c, &sources[i], e);
	if (!bad && (bad = script(c, merge, e)))
		prefix(e, "reference data");
	if (bad || set_meta(c, "reference_digest", hex, e))
		return rollback(c);
	if (script(c, "commit", e))
		return -1;
	return script(c, "analyze region; analyze departement; analyze caisse; analyze commune", e);
}

int migrate(const char *owner_dsn, const char *transitions, const char *digest, int *applied, struct err *e)
{
	struct pool *pool = pool_new();
	int none = 0;
	if (!applied)
		applied = &none;
	*applied = 0;
	struct plain *c = plain_open(owner_dsn, "enroll migrate", e);
	int bad = !c || script(c, LOCK, e) || prepare(c, e) || files(c, pool, applied, e) ||
		  transitions_load(c, pool, transitions, digest, e) || reference_load(c, pool, e) ||
		  script(c,
			 "do $$ begin if exists (select from pg_roles where rolname = 'enroll_service') then\n"
			 "  grant select on schema_migration to enroll_service; end if; end $$",
			 e);
	plain_close(c); /* and with it the lock */
	pool_free(pool);
	return bad ? -1 : 0;
}

int migrate_check(const char *dsn, const char *digest, struct err *e)
{
	struct pool *pool = pool_new();
	struct migration *all;
	size_t n = migrations_all(pool, &all);
	const struct rows *r;
	bool same;
	struct plain *c = plain_open(dsn, "enroll start", e);
	int bad = c ? plain_ask(c, "select number, sha256 from schema_migration order by number", NO_ARGS, pool, &r, e)
		    : -1;
	if (c && bad)
		fault(e, "the schema is not there, or not readable: run migrate");
	for (size_t i = 0; !bad && i < n; i++) {
		int row = row_of(r, all[i].number);
		if (row < 0)
			bad = fault(e, "%s is missing in the schema: run migrate", all[i].name);
		else if (strcmp(rows_str(r, (size_t)row, "sha256"), all[i].sha256) != 0)
			bad = fault(e, "%s is another one in the schema", all[i].name);
	}
	if (!bad && rows_count(r) > n)
		bad = fault(e, "the schema is newer than this program");
	if (!bad && !(bad = same_meta(c, pool, "workflow_digest", digest, &same, e)) && !same)
		bad = fault(e, "the schema has another workflow table: run migrate");
	plain_close(c);
	pool_free(pool);
	return bad ? -1 : 0;
}
