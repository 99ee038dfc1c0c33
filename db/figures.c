#include "figures.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../server/base/str.h"
#include "suppress.h"

/* ---- writing ---- */

/* A closed day never changes: what comes late counts on the first day still open. */
#define OPEN_DAY "greatest($3::date, (select max(day) + 1 from closed_day))"

static const struct statement figures_write = { "figures_write",
						"insert into delta (file, seq, day, caisse, measure, n)"
						" select $1::bigint, $2::bigint, " OPEN_DAY ", $4::text, m.measure, m.n"
						"   from unnest($5::text[], $6::int[]) as m (measure, n)" };
STATEMENT(figures_write);

static const struct statement figures_move = {
	"figures_move",
	"insert into delta (file, seq, day, caisse, measure, n)"
	" select $1::bigint, $2::bigint, " OPEN_DAY ", x.caisse, x.measure, x.n from ("
	"  select d.caisse, d.measure, -sum(d.n)::int as n from delta d where d.file = $1 and d.caisse <> $4 group by "
	"1, 2"
	"  union all"
	"  select $4::text, d.measure, sum(d.n)::int from delta d where d.file = $1 and d.caisse <> $4 group by 2) x"
	"  where x.n <> 0"
};
STATEMENT(figures_move);

static const struct statement figures_stage = {
	"figures_stage",
	"insert into stage (file, seq, state, caisse, day, seconds, before_seconds, before_caisse)"
	" select $1::bigint, $2::bigint, $5::text, $4::text, " OPEN_DAY ", $6::bigint, b.seconds, b.caisse"
	"  from (select 1) one left join lateral ("
	"   select coalesce(s.before_seconds, 0) + s.seconds as seconds, s.caisse from stage s"
	"    where s.file = $1 and s.state = $5 order by s.seq desc limit 1) b on true"
};
STATEMENT(figures_stage);

static bool is(const char *a, const char *b)
{
	return a && !strcmp(a, b);
}

struct counting {
	struct str measures, counts; /* array literals: ids are letters and '_' */
};

static void count(struct counting *c, int n, const char *prefix, const char *id)
{
	const char *comma = c->measures.len > 1 ? "," : "";

	str_addf(&c->measures, "%s\"", comma);
	str_add(&c->measures, prefix);
	for (; *id; id++)
		if (*id != '"' && *id != '\\' && *id != ' ' &&
		    *id != '=') /* a cell of figures_totals ends at a space */
			str_add_c(&c->measures, *id);
	str_add_c(&c->measures, '"');
	str_addf(&c->counts, "%s%d", comma, n);
}

size_t figures_ask_event(struct segment *s, struct pool *pool, const struct figures_event *f)
{
	struct counting c = { .measures = str_in(pool), .counts = str_in(pool) };
	const char *before = f->caisse_before ? f->caisse_before : "", *after = f->caisse_after ? f->caisse_after : "";
	bool draft = !f->from || is(f->from, "draft"), moved = strcmp(before, after) != 0 && !draft;
	bool left = !str_eq(f->from, f->to), was_counted = !draft;
	struct arg file = arg_i64(pool, f->file), seq = arg_i64(pool, f->seq), day = arg_day(pool, day_in_paris(f->at));
	size_t asked = 0;

	if (!f->to || is(f->to, "draft") || is(f->to, "deleted"))
		return 0;
	str_add_c(&c.measures, '{');
	str_add_c(&c.counts, '{');
	if (left && was_counted)
		count(&c, -1, "state:", f->from);
	if (left)
		count(&c, 1, "state:", f->to);
	if (draft)
		count(&c, 1, "", "submitted");
	if (is(f->event, "approve"))
		count(&c, 1, "", "approved");
	if (is(f->event, "countersign"))
		count(&c, 1, "", "conventioned");
	if (left && is(f->to, "ended"))
		count(&c, 1, "", "ended");
	if (left && is(f->to, "refused") && !is(f->from, "appealed")) {
		count(&c, 1, "", "refused");
		for (size_t i = 0; i < f->reason_count; i++) {
			bool again = false;
			for (size_t k = 0; k < i; k++)
				again |= !strcmp(f->reasons[k], f->reasons[i]);
			if (!again)
				count(&c, 1, "refused:", f->reasons[i]);
		}
		if (!f->reason_count)
			count(&c, 1, "refused:", "implicit");
	}
	str_add_c(&c.measures, '}');
	str_add_c(&c.counts, '}');

	if (moved) {
		segment_ask(s, &figures_move, ARGS(file, seq, day, arg_text(after)));
		asked++;
	}
	if (c.measures.len > 2) {
		segment_ask(s, &figures_write,
			    ARGS(file, seq, day, arg_text(after), arg_text(c.measures.s), arg_text(c.counts.s)));
		asked++;
	}
	if (left && was_counted && f->state_since != INSTANT_NONE) {
		int64_t seconds = (f->at - f->state_since) / SECOND;
		segment_ask(s, &figures_stage,
			    ARGS(file, seq, day, arg_text(after), arg_text(f->from),
				 arg_i64(pool, seconds > 0 ? seconds : 0)));
		asked++;
	}
	return asked;
}

/* ---- closing ---- */

static const struct statement figures_due = { "figures_due",
					      "select (select max(day) from closed_day) as last,"
					      " (select least((select min(day) from delta), (select min(day) from "
					      "stage))) as first, paris_today() - 1 as until" };
STATEMENT(figures_due);

/* Transactions that have an id now: those before this one may still write on a past day. */
static const struct statement figures_horizon = { "figures_horizon",
						  "select pg_snapshot_xmax(pg_current_snapshot())::text as horizon" };
STATEMENT(figures_horizon);
static const struct statement figures_reached = {
	"figures_reached", "select pg_snapshot_xmin(pg_current_snapshot()) >= $1::text::xid8 as reached"
};
STATEMENT(figures_reached);

static const struct statement figures_geography = {
	"figures_geography",
	"with g as materialized (select * from geography_now),"
	" x as (select encode(sha256(convert_to(string_agg(concat_ws('|', caisse, name, departement, region, "
	"population), E'\\n'"
	"   order by caisse), 'UTF8')), 'hex') as digest from g),"
	" i as (insert into geography (digest, caisse, name, departement, region, population)"
	"   select x.digest, g.caisse, g.name, g.departement, g.region, g.population from g, x on conflict do nothing)"
	" select digest from x"
};
STATEMENT(figures_geography);

/*
 * Closes from the day after the last closed one to the next day with deltas, or to $1. Days without deltas get no
 * totals: those of the day before stand. A second closer finds the row there and writes nothing.
 */
static const struct statement figures_close = {
	"figures_close",
	"with l as materialized (select k.day, k.last_delta from closed_day k order by k.day desc limit 1),"
	" x as materialized (select least($1::date,"
	"   (select min(d.day) from delta d where d.day > coalesce((select day from l), '-infinity')),"
	"   (select min(s.day) from stage s where s.day > coalesce((select day from l), '-infinity'))) as day),"
	" d as materialized (select d.id, d.caisse, d.measure, d.n from delta d where d.day = (select day from x)),"
	" days as (insert into closed_day (day, geography, last_delta)"
	"   select g::date, $2, case when g::date < x.day then coalesce((select last_delta from l), 0)"
	"     else coalesce(greatest((select last_delta from l), (select max(d.id) from d)), 0) end"
	"     from x, generate_series(coalesce((select day from l) + 1, x.day)::timestamp, x.day::timestamp, interval "
	"'1 day') g"
	"   on conflict do nothing returning day),"
	" closing as materialized (select x.day from x where x.day in (select day from days)),"
	" totals as (insert into closed_total (day, caisse, measure, total)"
	"   select (select day from closing), u.caisse, u.measure, sum(u.n) from ("
	"     select t.caisse, t.measure, t.total as n from closed_total t"
	"      where t.day = (select max(day) from closed_total where day <= (select day from l))"
	"     union all select d.caisse, d.measure, d.n from d) u"
	"    where exists (select 1 from d) and exists (select 1 from closing)"
	"    group by 2, 3 having sum(u.n) <> 0),"
	/* Only the histograms that changed are taken apart. */
	" more as materialized ("
	"   select s.caisse, s.state, stage_days(coalesce(s.before_seconds, 0) + s.seconds) as d, 1 as n"
	"     from stage s where s.day = (select day from x)"
	"   union all select s.before_caisse, s.state, stage_days(s.before_seconds), -1"
	"     from stage s where s.day = (select day from x) and s.before_seconds is not null),"
	" before as materialized (select c.caisse, c.state, c.days, exists (select 1 from more m where m.caisse = "
	"c.caisse and"
	"     m.state = c.state) as changed from closed_stage c"
	"   where c.day = (select max(day) from closed_stage where day <= (select day from l))),"
	" stages as (insert into closed_stage (day, caisse, state, days)"
	"   select (select day from closing), v.caisse, v.state, v.days from ("
	"     select b.caisse, b.state, b.days from before b where not b.changed"
	"     union all"
	"     select w.caisse, w.state, string_agg(w.d || ':' || w.n, ' ' order by w.d) from ("
	"       select u.caisse, u.state, u.d, sum(u.n) as n from ("
	"         select b.caisse, b.state, split_part(p, ':', 1)::int as d, split_part(p, ':', 2)::bigint as n"
	"           from before b, unnest(string_to_array(b.days, ' ')) p where b.changed"
	"         union all select m.caisse, m.state, m.d, m.n from more m) u"
	"       group by 1, 2, 3 having sum(u.n) <> 0) w group by 1, 2) v"
	"    where exists (select 1 from more) and exists (select 1 from closing))"
	" select (select count(*) from days) as closed, x.day from x"
};
STATEMENT(figures_close);

static const struct statement figures_unpublished = {
	"figures_unpublished",
	"select k.day from closed_day k where k.day = (date_trunc('month', k.day + 1) - interval '1 day')::date"
	"   and k.day > coalesce((select max(day) from published_cell), '-infinity') order by k.day limit 1"
};
STATEMENT(figures_unpublished);

static const struct statement figures_publish = {
	"figures_publish",
	"insert into published_cell (day, level, code, measure, total, hidden)"
	" select $1::date, c.level, c.code, c.measure, c.total, c.total is null"
	"   from unnest($2::text[], $3::text[], $4::text[], $5::bigint[]) as c (level, code, measure, total)"
	" on conflict do nothing"
};
STATEMENT(figures_publish);

/* ---- publishing a month end ---- */

/* The country, its regions, their départements, their caisses, and files without a caisse beside the regions. */
struct tree {
	struct suppress_node *nodes;
	const struct figures_item **items; /* of each node, at its own level */
	enum figures_level *levels;
	size_t count;
	size_t nowhere;
};

static int node_of(const struct tree *t, enum figures_level level, const char *code)
{
	for (size_t i = 0; code && i < t->count; i++)
		if (t->levels[i] == level && !strcmp(t->items[i]->code, code))
			return (int)i;
	return 0;
}

static void tree_make(struct tree *t, const struct figures at[FIGURES_LEVELS], struct pool *pool)
{
	size_t most = 2;

	for (size_t l = 0; l < FIGURES_LEVELS; l++)
		most += at[l].count;
	t->nodes = POOL_ARRAY(pool, struct suppress_node, most);
	t->items = POOL_ARRAY(pool, const struct figures_item *, most);
	t->levels = POOL_ARRAY(pool, enum figures_level, most);
	for (size_t l = FIGURES_LEVELS; l-- > 0;)
		for (size_t i = 0; i < at[l].count; i++) {
			const struct figures_item *item = &at[l].items[i];
			bool nowhere = !strcmp(item->code, FIGURES_NOWHERE);
			int parent = -1;
			if (nowhere && l != FIGURES_REGION)
				continue; /* one leaf stands for all levels */
			if (l == FIGURES_REGION)
				parent = 0;
			else if (l == FIGURES_DEPARTEMENT)
				parent = node_of(t, FIGURES_REGION, item->region);
			else if (l == FIGURES_CAISSE)
				parent = node_of(t, FIGURES_DEPARTEMENT, item->departement);
			if (nowhere)
				t->nowhere = t->count;
			t->items[t->count] = item;
			t->levels[t->count] = (enum figures_level)l;
			t->nodes[t->count++].parent = parent;
		}
}

static int64_t cell_value(const struct figures_item *item, size_t m)
{
	return m < FM_MAX ? item->total[m] : item->stage[m - FM_MAX].n;
}

struct publication {
	struct str levels, codes, measures, totals;
};

static void publish_cell(struct publication *p, const char *level, const char *code, const char *prefix,
			 const char *measure, int64_t total, bool hidden)
{
	const char *comma = p->levels.len > 1 ? "," : "";

	str_addf(&p->levels, "%s%s", comma, level);
	str_addf(&p->codes, "%s%s", comma, code);
	str_addf(&p->measures, "%s%s%s", comma, prefix, measure);
	if (hidden)
		str_addf(&p->totals, "%sNULL", comma);
	else
		str_addf(&p->totals, "%s%lld", comma, (long long)total);
}

static void publish_measure(struct publication *p, const struct tree *t, const char *prefix, const char *measure)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct suppress_node *n = &t->nodes[i];
		if (!n->hidden && !n->value && i)
			continue; /* 0 is what is not said; the country says all, so that an empty month end is known */
		if (i && i == t->nowhere) {
			for (size_t l = 0; l < FIGURES_PAYS; l++)
				publish_cell(p, figures_level_id((enum figures_level)l), FIGURES_NOWHERE, prefix,
					     measure, n->value, n->hidden);
			continue;
		}
		publish_cell(p, figures_level_id(t->levels[i]), t->items[i]->code, prefix, measure, n->value,
			     n->hidden);
	}
}

/* Each measure by itself; `too`: where it is hidden for what else it would tell, or NULL. */
static void suppress_measure(const struct tree *t, size_t m, const bool *too)
{
	for (size_t i = 0; i < t->count; i++)
		t->nodes[i] = (struct suppress_node){ t->nodes[i].parent, cell_value(t->items[i], m), too && too[i] };
	suppress(t->nodes, t->count);
}

/* Decisions are nearly the sum of where they led: where such a state is hidden, so are they. */
static const struct {
	enum figures_measure flow;
	const char *const states[6];
} led_to[] = {
	{ FM_APPROVED, { "state:to_sign", "state:to_countersign", "state:suspended", "state:leaving", "state:ended" } },
	{ FM_REFUSED_FLOW, { "state:refused", "state:appealed" } },
};

/* dark[m * t->count + i]: whether measure m is hidden at node i. Marks in `too` where this state is. */
static void dark_with(const struct tree *t, const struct figures *f, const bool *dark, const char *state, bool *too)
{
	for (size_t m = 0; m < f->measure_count; m++)
		for (size_t i = 0; !strcmp(f->measures[m], state) && i < t->count; i++)
			too[i] |= dark[m * t->count + i];
}

/*
 * The measures of a place add up too: deposits = the sum of the states. So wherever a state or the deposits are hidden,
 * `withdrawn` and `closed` are hidden as well, at the same places: 1 can then be moved from a hidden state to them
 * along the way that suppress() leaves open, and from one of them to the other. The flows `conventioned` and `ended`
 * add up with states that are shown, and are not published. How many have left a stage tells with the deposits how many
 * are still in it.
 */
static void publish_all(struct publication *p, const struct tree *t, const struct figures *f, struct pool *pool)
{
	static const char *const absorbing[] = { "state:withdrawn", "state:closed" };
	bool *hidden = POOL_ARRAY(pool, bool, t->count), *dark = POOL_ARRAY(pool, bool, t->count * f->measure_count);
	size_t absorbers[2] = { FM_MAX, FM_MAX };

	for (size_t m = 0; m < f->measure_count; m++) {
		bool state = !strncmp(f->measures[m], "state:", 6), reason = !strncmp(f->measures[m], "refused:", 8);
		if (m == FM_STOCK || m == FM_SIGNED || m == FM_ENDED_FLOW || m == FM_APPROVED || m == FM_REFUSED_FLOW ||
		    reason)
			continue;
		for (size_t a = 0; a < 2; a++)
			if (!strcmp(f->measures[m], absorbing[a]))
				absorbers[a] = m;
		if (m == absorbers[0] || m == absorbers[1])
			continue;
		suppress_measure(t, m, NULL);
		publish_measure(p, t, "", f->measures[m]);
		for (size_t i = 0; (state || m == FM_SUBMITTED_FLOW) && i < t->count; i++)
			hidden[i] |= dark[m * t->count + i] = t->nodes[i].hidden;
	}
	for (size_t i = 0; i < t->count; i++) {
		int64_t a = t->items[i]->total[absorbers[0]], b = t->items[i]->total[absorbers[1]];
		t->nodes[i].value = a + b;
		t->nodes[i].hidden = hidden[i] || (a > 0 && a < SUPPRESS_BELOW) || (b > 0 && b < SUPPRESS_BELOW);
	}
	suppress(t->nodes, t->count);
	for (size_t a = 0; a < 2; a++) {
		for (size_t i = 0; i < t->count; i++)
			t->nodes[i].value = t->items[i]->total[absorbers[a]];
		publish_measure(p, t, "", f->measures[absorbers[a]]);
	}
	for (size_t x = 0; x < COUNT(led_to); x++) {
		bool *too = POOL_ARRAY(pool, bool, t->count);
		for (size_t s = 0; s < COUNT(led_to[x].states) && led_to[x].states[s]; s++)
			dark_with(t, f, dark, led_to[x].states[s], too);
		suppress_measure(t, led_to[x].flow, too);
		publish_measure(p, t, "", f->measures[led_to[x].flow]);
	}
	for (size_t s = 0; s < FIGURES_STAGES; s++) {
		bool *too = POOL_ARRAY(pool, bool, t->count);
		dark_with(t, f, dark, pool_printf(pool, "state:%s", figures_stage_id(s)), too);
		suppress_measure(t, FM_MAX + s, too);
		publish_measure(p, t, "stage:", figures_stage_id(s));
	}
}

/* Reasons of refusal, for the country alone. A refusal has one or more, so they nearly add up: never one hidden alone.
 */
static void publish_reasons(struct publication *p, const struct figures *f, struct pool *pool)
{
	const struct figures_item *country = f->items;
	struct suppress_node *nodes = POOL_ARRAY(pool, struct suppress_node, FM_MAX + 1);
	size_t at[FM_MAX], n = 0;
	int64_t sum = 0;

	nodes[0].parent = -1;
	for (size_t m = 0; m < f->measure_count; m++)
		if (!strncmp(f->measures[m], "refused:", 8)) {
			at[n++] = m;
			nodes[n] = (struct suppress_node){ 0, country->total[m], false };
			sum += country->total[m];
		}
	nodes[0].value = sum;
	suppress(nodes, n + 1);
	for (size_t i = 0; i < n; i++)
		publish_cell(p, figures_level_id(FIGURES_PAYS), country->code, "", f->measures[at[i]],
			     nodes[i + 1].value, nodes[i + 1].hidden);
}

static char *array(struct pool *pool, const struct str *items)
{
	return pool_printf(pool, "{%s}", items->s);
}

static int publish(struct lanes *l, struct pool *pool, day_t day, struct err *e)
{
	struct figures at[FIGURES_LEVELS];
	struct tree t = { 0 };
	struct publication p = { str_in(pool), str_in(pool), str_in(pool), str_in(pool) };

	for (size_t i = 0; i < FIGURES_LEVELS; i++) {
		struct figures_question q = { .level = (enum figures_level)i, .as_of = day };
		if (figures_run(l, pool, &q, &at[i], e))
			return -1;
	}
	if (!at[FIGURES_PAYS].count)
		return fault(e, "no geography to publish with");
	tree_make(&t, at, pool);
	publish_all(&p, &t, &at[FIGURES_PAYS], pool);
	publish_reasons(&p, &at[FIGURES_PAYS], pool);
	return db_run(l, pool, LANE_WRITE, &figures_publish,
		      ARGS(arg_day(pool, day), arg_text(array(pool, &p.levels)), arg_text(array(pool, &p.codes)),
			   arg_text(array(pool, &p.measures)), arg_text(array(pool, &p.totals))),
		      NULL, e);
}

/* ---- the clerk's call ---- */

/* Waits until every transaction that had an id when it was called has ended: 0, 1 when that takes too long. */
static int settle_writers(struct lanes *l, struct pool *pool, struct err *e)
{
	const struct rows *r;
	const char *horizon;

	if (db_run(l, pool, LANE_WRITE, &figures_horizon, NO_ARGS, &r, e))
		return -1;
	horizon = rows_str(r, 0, "horizon");
	for (int64_t end = clock_monotonic() + 2 * SECOND;;) {
		if (db_run(l, pool, LANE_WRITE, &figures_reached, ARGS(arg_text(horizon)), &r, e))
			return -1;
		if (rows_bool(r, 0, "reached"))
			return 0;
		if (clock_monotonic() > end)
			return 1;
		nanosleep(&(struct timespec){ .tv_nsec = 20000000 }, NULL);
	}
}

static int close_until(struct lanes *l, struct pool *pool, day_t last, day_t until, int *closed, struct err *e)
{
	const struct rows *r;
	const char *digest;
	int waited = settle_writers(l, pool, e);

	if (waited)
		return waited < 0 ? -1 : 0;
	if (db_run(l, pool, LANE_WRITE, &figures_geography, NO_ARGS, &r, e))
		return -1;
	digest = rows_str(r, 0, "digest");
	while (last < until) {
		day_t before = last;
		if (db_run(l, pool, LANE_WRITE, &figures_close, ARGS(arg_day(pool, until), arg_text(digest)), &r, e))
			return -1;
		*closed += (int)rows_i64(r, 0, "closed");
		last = rows_day(r, 0, "day");
		if (last == DAY_NONE || last <= before)
			break; /* another closer is faster */
	}
	return 0;
}

int figures_close_days(struct lanes *l, struct pool *pool, int *closed, struct err *e)
{
	const struct rows *r;
	day_t last, first, until;

	*closed = 0;
	if (db_run(l, pool, LANE_WRITE, &figures_due, NO_ARGS, &r, e))
		return -1;
	last = rows_day(r, 0, "last");
	first = rows_day(r, 0, "first");
	until = rows_day(r, 0, "until");
	if (last == DAY_NONE) {
		if (first == DAY_NONE)
			return 0; /* nothing was ever counted */
		last = first - 1;
	}
	if (last < until && close_until(l, pool, last, until, closed, e))
		return -1;
	for (day_t published = DAY_NONE;;) {
		day_t day;
		if (db_run(l, pool, LANE_WRITE, &figures_unpublished, NO_ARGS, &r, e))
			return -1;
		day = rows_day(r, 0, "day");
		if (!rows_count(r) || day == published)
			return 0;
		if (publish(l, pool, day, e))
			return -1;
		published = day;
	}
}
