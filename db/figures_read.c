#include "figures.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../server/base/json_write.h"
#include "../server/base/str.h"

/* A question without a date means today. A subselect, so that it is asked once and not for each row. */
#define AS_OF "(select coalesce($1::date, paris_today()))"
/* Public figures other than the stock stand at the last published month end. */
#define PUBLISHED "(select max(day) from published_cell where day <= " AS_OF ")"

/* OFFSET 0: by the index of days, never backwards through all ids. */
static const struct statement figures_mark = {
	"figures_mark",
	"select m.as_of, enroll_now() as now, coalesce(c.closed_at, (select k.closed_at from closed_day k where k.day "
	"> m.as_of"
	"   order by k.day limit 1)) as closed_at, " PUBLISHED " as published,"
	" coalesce(c.last_delta, greatest(l.last_delta, (select max(x.id) from (select d.id from delta d"
	"   where d.day > coalesce(l.day, '-infinity') and d.day <= " AS_OF " offset 0) x)), 0) as event"
	"  from (select " AS_OF " as as_of) m"
	"  left join closed_day c on c.day = m.as_of"
	"  left join lateral (select k.day, k.last_delta from closed_day k where k.day <= m.as_of order by k.day desc "
	"limit 1) l"
	"    on true"
};
STATEMENT(figures_mark);

/* The geography stamped on the last closed day; what it does not know yet is taken as it is today. */
static const struct statement figures_places = {
	"figures_places",
	"with stamped as (select g.* from geography g where g.digest = (select k.geography from closed_day k where "
	"k.day <= " AS_OF "   order by k.day desc limit 1)),"
	" places as (select caisse, name, departement, region, population from stamped"
	"   union all select n.caisse, n.name, n.departement, n.region, n.population from geography_now n"
	"   where not exists (select 1 from stamped)"
	"   union all select c.code, c.name, c.departement, c.region, 0 from caisse c"
	"   where exists (select 1 from stamped) and not exists (select 1 from stamped s where s.caisse = c.code))"
	" select p.caisse, p.name, p.departement, coalesce(d.name, p.departement) as departement_name, p.region,"
	"        coalesce(r.name, p.region) as region_name, p.population"
	"   from places p left join departement d on d.code = p.departement left join region r on r.code = p.region"
	"  order by p.caisse collate \"C\""
};
STATEMENT(figures_places);

static const struct statement figures_totals = {
	"figures_totals",
	"with x as (select t.caisse, t.measure, t.total as n from closed_total t"
	"   where t.total <> 0 and t.day = (select max(day) from closed_total where day <= " AS_OF ")"
	"   union all select d.caisse, d.measure, sum(d.n) from delta d"
	"   where d.day > coalesce((select max(day) from closed_total where day <= " AS_OF "), '-infinity')"
	"     and d.day <= " AS_OF " group by d.caisse, d.measure)"
	" select caisse, string_agg(measure || '=' || n, ' ' order by measure collate \"C\") as cells from x group by "
	"caisse"
};
STATEMENT(figures_totals);

#define STAGES(day)                                                                                                 \
	"select c.caisse, c.state, c.days from closed_stage c"                                                      \
	" where c.day = (select max(day) from closed_stage where day <= " day ")"                                   \
	" union all select s.caisse, s.state, stage_days(coalesce(s.before_seconds, 0) + s.seconds) || ':1'"        \
	"   from stage s where s.day > coalesce((select max(day) from closed_stage where day <= " day               \
	"), '-infinity')"                                                                                           \
	"    and s.day <= " day " union all select s.before_caisse, s.state, stage_days(s.before_seconds) || ':-1'" \
	"   from stage s where s.day > coalesce((select max(day) from closed_stage where day <= " day               \
	"), '-infinity')"                                                                                           \
	"    and s.day <= " day " and s.before_seconds is not null"
static const struct statement figures_stages = { "figures_stages", STAGES(AS_OF) };
STATEMENT(figures_stages);
static const struct statement figures_stages_published = { "figures_stages_published", STAGES(PUBLISHED) };
STATEMENT(figures_stages_published);

static const struct statement figures_cells = {
	"figures_cells",
	"select code, string_agg(measure || '=' || case when hidden then '-' else total::text end, ' ') as cells"
	"  from published_cell where day = " PUBLISHED " and level in ($2, 'pays') group by code"
};
STATEMENT(figures_cells);
/* Unsuppressed questions have one statement less: this one keeps the places. */
static const struct statement figures_no_cells = { "figures_no_cells", "select null::text as code where false" };
STATEMENT(figures_no_cells);

/* One row a day: what is sent and read is a line of text, not a row for each caisse. */
const struct statement figures_series = {
	"figures_series",
	"with m as (select (date_trunc('month', " AS_OF ") - make_interval(months => k))::date - 1 as day"
	"   from generate_series(0, 12) k union select " AS_OF "   union select (" AS_OF " - interval '1 month')::date)"
	" select m.day, (select string_agg(x.caisse || '=' || x.n, ' ') from ("
	"   select t.caisse, t.total as n from closed_total t where t.measure = 'state:conventioned'"
	"      and t.day = (select max(day) from closed_total where day <= m.day)"
	"   union all select d.caisse, sum(d.n) from delta d where d.measure = 'state:conventioned' and d.day <= m.day"
	"      and d.day > coalesce((select max(day) from closed_total where day <= m.day), '-infinity')"
	"      group by d.caisse) x) as cells from m order by m.day"
};
STATEMENT(figures_series);

const struct statement figures_shapes = {
	"figures_shapes", "select code, name, viewbox, path from departement where path is not null order by code"
};
STATEMENT(figures_shapes);

const struct statement figures_exported = {
	"figures_exported", "insert into export_log (agent, what, rows) values ($1::bigint, $2, $3::bigint)"
};
STATEMENT(figures_exported);

/* ---- names ---- */

static const struct {
	const char *id, *one, *many;
} levels[FIGURES_LEVELS] = {
	{ "caisse", "caisse", "caisses" },
	{ "departement", "département", "départements" },
	{ "region", "région", "régions" },
	{ "pays", "pays", "pays" },
};

const char *figures_level_id(enum figures_level level)
{
	return levels[level].id;
}

int figures_level_from_id(const char *id, enum figures_level *out)
{
	for (size_t i = 0; i < FIGURES_LEVELS; i++)
		if (str_eq(levels[i].id, id)) {
			*out = (enum figures_level)i;
			return 0;
		}
	return -1;
}

const char *figures_level_label(enum figures_level level, bool plural)
{
	return plural ? levels[level].many : levels[level].one;
}

static const char *const stages[FIGURES_STAGES] = {
	"submitted", "expert_review", "unrouted", "in_review", "to_countersign", "appealed",
};

const char *figures_stage_id(size_t stage)
{
	return stages[stage];
}

static const char *const fixed[] = {
	[FM_SUBMITTED_FLOW] = "submitted",
	[FM_APPROVED] = "approved",
	[FM_REFUSED_FLOW] = "refused",
	[FM_SIGNED] = "conventioned",
	[FM_ENDED_FLOW] = "ended",
	[FM_STOCK] = "state:conventioned",
	[FM_OTHERS] = "state:submitted",
	"state:expert_review",
	"state:correction",
	"state:unrouted",
	"state:in_review",
	"state:to_sign",
	"state:to_countersign",
	"state:suspended",
	"state:leaving",
	"state:ended",
	"state:refused",
	"state:appealed",
	"state:withdrawn",
	"state:closed",
};

static size_t measure_at(struct figures *f, const char *name, struct pool *pool)
{
	for (size_t i = 0; i < f->measure_count; i++)
		if (!strcmp(f->measures[i], name))
			return i;
	if (f->measure_count == FM_MAX)
		return FM_MAX;
	f->measures[f->measure_count] = pool_strdup(pool, name);
	return f->measure_count++;
}

/* ---- asking ---- */

void figures_asks(const struct figures_question *q, struct pool *pool, struct figures_ask out[FIGURES_ASKS])
{
	struct arg *args = POOL_ARRAY(pool, struct arg, 2);

	args[0] = arg_day(pool, q->as_of);
	args[1] = arg_text(levels[q->level].id);
	out[0] = (struct figures_ask){ &figures_mark, args, 1 };
	out[1] = (struct figures_ask){ &figures_places, args, 1 };
	out[2] = (struct figures_ask){ &figures_totals, args, 1 };
	out[3] = (struct figures_ask){ q->open ? &figures_stages_published : &figures_stages, args, 1 };
	out[4] = q->open ? (struct figures_ask){ &figures_cells, args, 2 }
			 : (struct figures_ask){ &figures_no_cells, NULL, 0 };
}

/* ---- reading ---- */

enum { DAYS = 1024 }; /* stage_days() never says more */

struct place {
	const char *caisse;
	size_t item; /* where it is counted */
	bool inside; /* of the scope */
};
struct reading {
	struct figures *f;
	struct place *places;
	size_t place_count;
	int64_t **days; /* one histogram for each item and stage, made when needed; the total's last */
	struct pool *pool;
};

static bool in_scope(const struct figures_question *q, const char *caisse, const char *region)
{
	if (!q->region && !q->caisse_count)
		return true;
	if (q->region && region && !strcmp(q->region, region))
		return true;
	for (size_t i = 0; i < q->caisse_count; i++)
		if (!strcmp(q->caisses[i], caisse))
			return true;
	return false;
}

static struct place place_of(const struct figures_question *q, const struct rows *r, size_t row, struct pool *pool)
{
	const char *caisse = pool_strdup(pool, rows_str(r, row, "caisse"));

	return (struct place){ .caisse = caisse, .inside = in_scope(q, caisse, rows_text(r, row, "region")) };
}

/* The rows of figures_places come ordered by caisse. */
static const struct place *place_find(const struct place *places, size_t count, const char *caisse)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = (low + high) / 2;
		int order = strcmp(caisse, places[middle].caisse);
		if (!order)
			return &places[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

static int by_code(const void *a, const void *b)
{
	const struct figures_item *x = a, *y = b;
	int last = strcmp(x->code, FIGURES_NOWHERE) == 0, other = strcmp(y->code, FIGURES_NOWHERE) == 0;

	return last != other ? last - other : strcmp(x->code, y->code);
}

static struct figures_item *item_of(struct figures *f, const char *code)
{
	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->items[i].code, code))
			return &f->items[i];
	return NULL;
}

static void item_name(struct figures_item *item, enum figures_level level, const struct rows *r, size_t row,
		      struct pool *pool)
{
	static const char *const codes[] = { "caisse", "departement", "region" };
	static const char *const names[] = { "name", "departement_name", "region_name" };

	if (level == FIGURES_PAYS) {
		item->code = FIGURES_COUNTRY;
		item->name = "France entière";
	} else if (rows_null(r, row, codes[level]) || !*rows_str(r, row, "caisse")) {
		item->code = FIGURES_NOWHERE;
		item->name = "Non rattaché à une caisse";
	} else {
		item->code = pool_strdup(pool, rows_str(r, row, codes[level]));
		item->name = pool_strdup(pool, rows_str(r, row, names[level]));
		if (level == FIGURES_CAISSE)
			item->departement = pool_strdup(pool, rows_text(r, row, "departement"));
		if (level <= FIGURES_DEPARTEMENT)
			item->region = pool_strdup(pool, rows_text(r, row, "region"));
	}
}

/*
 * The items of the level. An item is shown when all its caisses are in the scope, so that a figure is never that of a
 * part while it bears the name of the whole.
 */
static void read_places(struct reading *g, const struct figures_question *q, const struct rows *r)
{
	size_t n = rows_count(r), kept = 0;
	struct figures_item *all = POOL_ARRAY(g->pool, struct figures_item, n + 1);
	bool *outside = POOL_ARRAY(g->pool, bool, n + 1);
	struct figures *f = g->f;

	f->items = all;
	g->places = POOL_ARRAY(g->pool, struct place, n);
	g->place_count = n;
	for (size_t i = 0; i < n; i++) {
		struct figures_item new = { 0 }, *item;
		item_name(&new, q->level, r, i, g->pool);
		item = item_of(f, new.code);
		if (!item) {
			item = &all[f->count++];
			*item = new;
		}
		item->population += rows_i64(r, i, "population");
		g->places[i] = place_of(q, r, i, g->pool);
		if (!g->places[i].inside)
			outside[item - all] = true;
	}
	for (size_t i = 0; i < f->count; i++)
		if (!outside[i])
			all[kept++] = all[i];
	f->count = kept;
	qsort(f->items, f->count, sizeof *f->items, by_code);
	for (size_t i = 0; i < n; i++) {
		struct figures_item name = { 0 };
		const struct figures_item *item;
		item_name(&name, q->level, r, i, g->pool);
		item = item_of(f, name.code);
		g->places[i].item = item ? (size_t)(item - f->items) : SIZE_MAX;
		if (item)
			f->total.population += rows_i64(r, i, "population");
	}
	f->total.code = "total";
	f->total.name = "Total";
	g->days = POOL_ARRAY(g->pool, int64_t *, (f->count + 1) * FIGURES_STAGES);
}

/* The item that counts a caisse; NULL outside of the scope. */
static struct figures_item *item_of_caisse(const struct reading *g, const char *caisse)
{
	const struct place *at = place_find(g->places, g->place_count, caisse);

	return at && at->item != SIZE_MAX ? &g->f->items[at->item] : NULL;
}

/* Of "state:in_review=3 submitted=-", which it cuts up: the next name, with *value; NULL at the end. */
static const char *next_cell(char **rest, const char **value)
{
	char *cell = strsep(rest, " "), *equals = cell ? strchr(cell, '=') : NULL;

	if (!equals)
		return NULL;
	*equals = 0;
	*value = equals + 1;
	return cell;
}

static void read_cells(struct reading *g, const char *cells, struct figures_item *item, struct figures_item *total,
		       bool stock_only)
{
	char *rest = pool_strdup(g->pool, cells);
	const char *value;

	for (const char *c; (c = next_cell(&rest, &value));) {
		size_t at;
		if (stock_only && strcmp(c, fixed[FM_STOCK]))
			continue;
		if (!strncmp(c, "stage:", 6)) {
			for (size_t s = 0; s < FIGURES_STAGES; s++)
				if (!strcmp(c + 6, stages[s]))
					item->stage[s].hidden = *value == '-';
			continue;
		}
		at = measure_at(g->f, c, g->pool);
		if (at == FM_MAX)
			continue;
		if (*value == '-' && !value[1]) {
			item->hidden[at] = true;
		} else {
			int64_t n = strtoll(value, NULL, 10);
			item->total[at] += n;
			if (total)
				total->total[at] += n;
		}
	}
}

static void read_days(struct reading *g, size_t item, size_t stage, const char *days)
{
	int64_t **h = &g->days[item * FIGURES_STAGES + stage];

	if (!*h)
		*h = POOL_ARRAY(g->pool, int64_t, DAYS);
	while (*days) {
		char *end;
		long day = strtol(days, &end, 10);
		long long n = *end == ':' ? strtoll(end + 1, &end, 10) : 0;
		if (day >= 0 && day < DAYS)
			(*h)[day] += n;
		days = *end == ' ' ? end + 1 : "";
	}
}

/* percentile_cont: the value at rank p (n - 1), between two files the straight line. */
static double percentile(const int64_t *days, int64_t n, double p)
{
	double rank = p * (double)(n - 1);
	int64_t low = (int64_t)rank, seen = 0;
	double a = -1;

	for (int d = 0; d < DAYS; d++) {
		seen += days[d];
		if (a < 0 && seen > low)
			a = d;
		if (seen > low + 1 || (seen > low && (double)low >= rank))
			return a + (d - a) * (rank - (double)low);
	}
	return a;
}

static void read_stage(const int64_t *days, struct figures_stage *out)
{
	if (!days)
		return;
	for (int d = 0; d < DAYS; d++)
		out->n += days[d];
	if (out->n < 1) {
		out->n = 0;
		return;
	}
	out->median = percentile(days, out->n, 0.5);
	out->p90 = percentile(days, out->n, 0.9);
}

static void finish(struct figures_item *item, const struct figures *f)
{
	item->per_100000 =
		item->population > 0 ? (double)item->total[FM_STOCK] * 100000 / (double)item->population : -1;
	if (!f->open)
		return;
	for (size_t m = 0; m < f->measure_count; m++) {
		if (m != FM_STOCK && f->published == DAY_NONE)
			item->hidden[m] = true;
		/* What one part hides cannot stand in the sum of the parts either. */
		item->any_hidden |= item->hidden[m];
	}
	for (size_t s = 0; s < FIGURES_STAGES; s++) {
		item->stage[s].hidden |= f->published == DAY_NONE;
		item->any_hidden |= item->stage[s].hidden;
	}
}

void figures_read(const struct figures_question *q, const struct rows *const rows[FIGURES_ASKS], struct pool *pool,
		  struct figures *f)
{
	struct reading g = { .f = f, .pool = pool };

	*f = (struct figures){ .level = q->level, .open = q->open, .measure_count = COUNT(fixed) };
	for (size_t i = 0; i < COUNT(fixed); i++)
		f->measures[i] = fixed[i];
	f->as_of = rows_day(rows[0], 0, "as_of");
	f->published = q->open ? rows_day(rows[0], 0, "published") : DAY_NONE;
	f->closed = !rows_null(rows[0], 0, "closed_at");
	f->computed_at = rows_instant(rows[0], 0, f->closed ? "closed_at" : "now");
	f->event = rows_i64(rows[0], 0, "event");
	read_places(&g, q, rows[1]);
	for (size_t i = 0; i < rows_count(rows[2]); i++) {
		struct figures_item *item = item_of_caisse(&g, rows_str(rows[2], i, "caisse"));
		if (item)
			read_cells(&g, rows_str(rows[2], i, "cells"), item, &f->total, q->open);
	}
	for (size_t i = 0; q->open && i < rows_count(rows[4]); i++) {
		const char *code = rows_str(rows[4], i, "code");
		struct figures_item *item = item_of(f, code);
		if (!item && !strcmp(code, FIGURES_COUNTRY))
			item = &f->total; /* the parts may hide what the whole may say */
		if (item)
			read_cells(&g, rows_str(rows[4], i, "cells"), item, NULL, false);
	}
	for (size_t i = 0; i < rows_count(rows[3]); i++) {
		const struct figures_item *item = item_of_caisse(&g, rows_str(rows[3], i, "caisse"));
		for (size_t s = 0; item && s < FIGURES_STAGES; s++)
			if (!strcmp(stages[s], rows_str(rows[3], i, "state"))) {
				read_days(&g, (size_t)(item - f->items), s, rows_str(rows[3], i, "days"));
				read_days(&g, f->count, s, rows_str(rows[3], i, "days"));
			}
	}
	for (size_t i = 0; i < f->count; i++)
		for (size_t s = 0; s < FIGURES_STAGES; s++)
			read_stage(g.days[i * FIGURES_STAGES + s], &f->items[i].stage[s]);
	for (size_t s = 0; s < FIGURES_STAGES; s++)
		read_stage(g.days[f->count * FIGURES_STAGES + s], &f->total.stage[s]);
	if (q->open && q->level == FIGURES_PAYS && f->count == 1) {
		struct figures_item total = f->items[0];
		total.code = f->total.code;
		total.name = f->total.name;
		f->total = total;
	}
	for (size_t i = 0; i < f->count; i++)
		finish(&f->items[i], f);
	finish(&f->total, f);
}

size_t figures_series_read(const struct figures_question *q, const struct rows *series, const struct rows *places,
			   struct pool *pool, const struct figures_point **out)
{
	struct figures_point *points = POOL_ARRAY(pool, struct figures_point, rows_count(series) + 1);
	size_t n = rows_count(series), known = rows_count(places);
	struct place *scope = POOL_ARRAY(pool, struct place, known);

	for (size_t i = 0; i < known; i++)
		scope[i] = place_of(q, places, i, pool);
	for (size_t i = 0; i < n; i++) {
		char *rest = pool_strdup(pool, rows_str(series, i, "cells"));
		const char *value;
		points[i].day = rows_day(series, i, "day");
		for (const char *c; (c = next_cell(&rest, &value));) {
			const struct place *at = place_find(scope, known, c);
			if (at && at->inside)
				points[i].total += strtoll(value, NULL, 10);
		}
	}
	*out = points;
	return n;
}

/* ---- waiting ---- */

int figures_run(struct lanes *l, struct pool *pool, const struct figures_question *q, struct figures *out,
		struct err *e)
{
	struct figures_ask asks[FIGURES_ASKS];
	const struct rows *rows[FIGURES_ASKS];
	struct segment *s = segment_new(l, pool, LANE_SLOW, NULL, NULL);
	size_t at[FIGURES_ASKS];

	figures_asks(q, pool, asks);
	for (size_t i = 0; i < FIGURES_ASKS; i++)
		at[i] = segment_ask(s, asks[i].st, asks[i].args, asks[i].count);
	if (db_send_wait(s, e))
		return -1;
	for (size_t i = 0; i < FIGURES_ASKS; i++)
		rows[i] = segment_rows(s, at[i]);
	figures_read(q, rows, pool, out);
	return 0;
}

/* ---- writing out ---- */

static void json_cell(struct json *j, const char *key, const struct figures_item *item, size_t m)
{
	json_key(j, key);
	if (item->hidden[m])
		json_nil(j);
	else
		json_i64(j, item->total[m]);
}

static void json_group(struct json *j, const struct figures *f, const struct figures_item *item, const char *key,
		       const char *prefix)
{
	size_t n = strlen(prefix);

	json_key(j, key);
	json_obj(j);
	for (size_t m = 0; m < f->measure_count; m++)
		if (!strncmp(f->measures[m], prefix, n))
			json_cell(j, f->measures[m] + n, item, m);
	json_end(j);
}

static double tenths(double x)
{
	return (double)(int64_t)(x * 10 + 0.5) / 10;
}

static void json_item(struct json *j, const struct figures *f, const struct figures_item *item)
{
	json_obj(j);
	json_kt(j, "code", item->code);
	json_kt(j, "name", item->name);
	if (item->departement)
		json_kt(j, "departement", item->departement);
	if (item->region)
		json_kt(j, "region", item->region);
	json_ki(j, "population", item->population);
	json_group(j, f, item, "states", "state:");
	json_cell(j, "submitted", item, FM_SUBMITTED_FLOW);
	json_cell(j, "approved", item, FM_APPROVED);
	json_cell(j, "refused", item, FM_REFUSED_FLOW);
	json_cell(j, "conventioned", item, FM_STOCK);
	if (!f->open) {
		json_cell(j, "countersigned", item, FM_SIGNED);
		json_cell(j, "ended", item, FM_ENDED_FLOW);
	}
	if (!f->open || f->level == FIGURES_PAYS)
		json_group(j, f, item, "refusals", "refused:");
	json_key(j, "stages");
	json_obj(j);
	for (size_t s = 0; s < FIGURES_STAGES; s++) {
		const struct figures_stage *g = &item->stage[s];
		json_key(j, stages[s]);
		json_obj(j);
		json_key(j, "median_days");
		if (g->hidden || !g->n)
			json_nil(j);
		else
			json_f64(j, tenths(g->median));
		json_key(j, "p90_days");
		if (g->hidden || !g->n)
			json_nil(j);
		else
			json_f64(j, tenths(g->p90));
		json_key(j, "n");
		if (g->hidden)
			json_nil(j);
		else
			json_i64(j, g->n);
		json_end(j);
	}
	json_end(j);
	json_key(j, "per_100000");
	if (item->per_100000 < 0)
		json_nil(j);
	else
		json_f64(j, (double)(int64_t)(item->per_100000 * 100 + 0.5) / 100);
	json_kb(j, "hidden", item->any_hidden);
	json_end(j);
}

void figures_json(const struct figures *f, struct json *j)
{
	json_obj(j);
	json_kt(j, "level", levels[f->level].id);
	json_kday(j, "as_of", f->as_of);
	json_kb(j, "suppressed", f->open);
	json_kday(j, "published", f->published);
	json_kb(j, "closed", f->closed);
	json_ki(j, "event", f->event);
	json_kinstant(j, "computed_at", f->computed_at);
	json_key(j, "items");
	json_arr(j);
	for (size_t i = 0; i < f->count; i++)
		json_item(j, f, &f->items[i]);
	json_end(j);
	json_key(j, "next");
	json_nil(j);
	json_ki(j, "total", (int64_t)f->count);
	json_end(j);
}

/* Padded by characters, which printf does not count. */
static void pad(struct str *out, const char *text, size_t width)
{
	size_t n = str_chars(text);

	str_add(out, text);
	for (; n < width; n++)
		str_add_c(out, ' ');
}

char *figures_print(struct lanes *l, day_t as_of, enum figures_level level, bool json, struct pool *pool, struct err *e)
{
	struct figures_question q = { .level = level, .as_of = as_of };
	struct figures f;
	struct str out = str_in(pool);

	if (figures_run(l, pool, &q, &f, e))
		return NULL;
	if (json) {
		struct json j = json_in(pool);
		figures_json(&f, &j);
		return j.out.s;
	}
	str_addf(&out, "as of %s, event %" PRId64 ", %s\n", day_iso(pool, f.as_of), f.event,
		 f.closed ? "closed" : "open");
	str_addf(&out, "%-12s ", levels[level].id);
	pad(&out, "name", 34);
	str_addf(&out, " %12s %10s %10s %10s %12s %10s\n", "conventioned", "submitted", "approved", "refused",
		 "per 100 000", "in_review");
	for (size_t i = 0; i <= f.count; i++) {
		const struct figures_item *it = i < f.count ? &f.items[i] : &f.total;
		str_addf(&out, "%-12s ", it->code);
		pad(&out, it->name, 34);
		str_addf(&out, " %12" PRId64 " %10" PRId64 " %10" PRId64 " %10" PRId64 " ", it->total[FM_STOCK],
			 it->total[FM_SUBMITTED_FLOW], it->total[FM_APPROVED], it->total[FM_REFUSED_FLOW]);
		if (it->per_100000 < 0)
			str_addf(&out, "%12s", "-");
		else
			str_addf(&out, "%12.2f", it->per_100000);
		str_addf(&out, " %10" PRId64 "\n", it->total[FM_OTHERS + 4]);
	}
	return out.s;
}
