#include "statistics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../db/directory.h"
#include "../../db/figures.h"
#include "../sheet.h"
#include "../../workflow/workflow.h"
#include "../text.h"
#include "statistics_draw.h"

/* ---- the question ---- */

struct asked {
	struct figures_question q;
	size_t at[FIGURES_ASKS], series, shapes, directory;
	bool drawn; /* the page's pictures are wanted too */
	bool wider; /* beyond the scope: as the public sees it */
	struct figures f;
	enum sheet_kind kind;
	const void *bytes;
	size_t size;
	struct err err;
};

static bool of_agents(const struct job *j)
{
	return j->route->listener == AGENTS;
}

static int read_question(struct job *j, struct asked *a, struct err *e)
{
	const char *level = values_text(&j->query, "niveau"), *day = values_text(&j->query, "au");
	bool delegate = of_agents(j) && (j->who.role & DELEGATE);

	a->q.level = delegate ? FIGURES_CAISSE : FIGURES_DEPARTEMENT;
	a->q.as_of = DAY_NONE;
	a->q.open = !of_agents(j);
	if (*level && figures_level_from_id(level, &a->q.level))
		return fail_field(e, "figures.level", "niveau");
	if (*day && day_parse(day, &a->q.as_of))
		return fail_field(e, "figures.date", "au");
	if (!of_agents(j))
		return 0;
	if (j->who.role & REGION)
		a->q.region = j->who.region;
	if (j->who.role & DELEGATE) {
		a->q.caisses = j->who.caisses;
		a->q.caisse_count = j->who.caisse_count;
	}
	/* Nobody's scope is everything but an administrator's and an expert's. */
	if (!(j->who.role & (ADMIN | EXPERT)) && !a->q.region && !a->q.caisse_count)
		return fail(e, ERR_DENIED, "denied.role");
	return 0;
}

static void ask_all(struct job *j, struct asked *a)
{
	struct figures_ask asks[FIGURES_ASKS];

	figures_asks(&a->q, j->pool, asks);
	for (size_t i = 0; i < FIGURES_ASKS; i++)
		a->at[i] = job_ask(j, asks[i].st, asks[i].args, asks[i].count);
	if (!a->drawn)
		return;
	a->series = job_ask(j, &figures_series, asks[0].args, 1);
	a->shapes = job_ask(j, &figures_shapes, NO_ARGS);
	a->directory = job_ask(j, &directory_counts, NO_ARGS);
}

/* What the public sees depends on nobody, so it is asked at once; an agent's scope must be known first. */
int statistics_ask(struct job *j, struct err *e)
{
	struct asked *a = j->state = POOL_NEW(j->pool, struct asked);

	a->drawn = !j->json && j->route->answer == statistics_answer;
	if (of_agents(j))
		return 0;
	if (read_question(j, a, e))
		return -1;
	ask_all(j, a);
	return 0;
}

static int read_all(struct job *j, struct asked *a, struct err *e)
{
	const struct rows *rows[FIGURES_ASKS];

	if (a->q.as_of != DAY_NONE && a->q.as_of > day_in_paris(j->now))
		return fail_field(e, "figures.future", "au");
	for (size_t i = 0; i < FIGURES_ASKS; i++)
		rows[i] = job_rows(j, a->at[i]);
	figures_read(&a->q, rows, j->pool, &a->f);
	return 0;
}

/* What nothing of the scope makes whole is answered as to anyone: published figures. True: asked again. */
static bool wider(struct job *j, job_step *again)
{
	struct asked *a = j->state;

	if (a->q.open || a->f.count || (!a->q.region && !a->q.caisse_count))
		return false;
	a->q.open = a->wider = true;
	a->q.region = NULL;
	a->q.caisses = NULL;
	a->q.caisse_count = 0;
	ask_all(j, a);
	job_then(j, again);
	return true;
}

/* Goes on to `next`, after a further question where the scope had to be known. */
static int go_on(struct job *j, job_step *next, struct err *e)
{
	struct asked *a = j->state;

	if (!of_agents(j))
		return next(j, e);
	if (read_question(j, a, e))
		return -1;
	ask_all(j, a);
	job_then(j, next);
	return 0;
}

/* ---- words ---- */

/* A missing number is a word: never colour or a blank alone. */
static const char *cell(struct pool *pool, const struct figures_item *item, size_t m)
{
	return item->hidden[m] ? text("figures.hidden") : draw_int(pool, item->total[m]);
}

static const char *days_cell(struct pool *pool, const struct figures_stage *g, double days)
{
	if (g->hidden)
		return text("figures.hidden");
	return g->n ? draw_number(pool, days, 1) : "–";
}

static size_t measure_of(const struct figures *f, const char *id)
{
	for (size_t m = 0; m < f->measure_count; m++)
		if (!strcmp(f->measures[m], id))
			return m;
	return FM_STOCK;
}

static day_t month_before(day_t day)
{
	struct ymd d = day_ymd(day);

	/* From a month's last day to the one before it: 28 February, 31 January. */
	if (day_ymd(day + 1).day == 1)
		return day - d.day;
	return day_add_months(day, -1);
}

/* "5 217 psychologues sont conventionnés au 28 février 2025, +4,1 % en un mois, soit 7,6 pour 100 000 habitants." */
static char *sentence(struct pool *pool, const struct asked *a, const struct figures_point *points, size_t count)
{
	struct str s = str_in(pool);
	const struct figures *f = &a->f;
	int64_t now = 0, before = -1;

	for (size_t i = 0; i < count; i++) {
		if (points[i].day == f->as_of)
			now = points[i].total;
		if (points[i].day == month_before(f->as_of))
			before = points[i].total;
	}
	if (now == 0)
		str_addf(&s, "Aucun psychologue n’est conventionné");
	else if (now == 1)
		str_add(&s, "1\u00a0psychologue est conventionné");
	else
		str_addf(&s, "%s\u00a0psychologues sont conventionnés", draw_int(pool, now));
	str_addf(&s, " au\u00a0%s", day_french(pool, f->as_of));
	if (before > 0 && now != before) {
		double growth = ((double)now - (double)before) * 100 / (double)before;
		str_addf(&s, ", %s%s\u00a0%% en un mois", growth < 0 ? "−" : "+", draw_number(pool, fabs(growth), 1));
	} else if (before > 0) {
		str_add(&s, ", comme un mois plus tôt");
	}
	if (f->total.population > 0 && now > 0)
		str_addf(&s, ", soit %s pour 100\u202f000\u00a0habitants",
			 draw_number(pool, (double)now * 100000 / (double)f->total.population, 1));
	str_add_c(&s, '.');
	return s.s;
}

static bool small(int64_t n)
{
	return n >= 1 && n <= 4;
}

char *statistics_directory(struct pool *pool, bool open, int64_t stock, int64_t leaving, int64_t later,
			   int64_t unlisted)
{
	int64_t listed = stock + leaving - later - unlisted;
	struct str s = str_in(pool);

	if (!leaving && !later && !unlisted) {
		if (listed > 1)
			str_addf(&s, "L’annuaire présente ces %s\u00a0psychologues.", draw_int(pool, listed));
		else
			str_add(&s, listed ? "L’annuaire présente ce psychologue." : "L’annuaire n’en présente aucun.");
		return s.s;
	}
	if (listed)
		str_addf(&s, "L’annuaire en présente aujourd’hui %s", draw_int(pool, listed));
	else
		str_add(&s, "L’annuaire n’en présente aucun aujourd’hui");
	if (open && (small(leaving) || small(later) || small(unlisted))) {
		str_add(&s, ". Qui est en préavis (convention résiliée qui court encore) y figure\u00a0; qui attend la "
			    "date d’effet de sa convention, ou ne confirme plus sa fiche, n’y figure pas.");
		return s.s;
	}
	str_add(&s, "\u00a0: ");
	if (stock)
		str_addf(&s, stock == 1 ? "%s\u00a0conventionné" : "les %s\u00a0conventionnés", draw_int(pool, stock));
	if (leaving)
		str_addf(&s, "%s%s\u00a0en préavis (convention résiliée qui court encore)", stock ? ", plus " : "",
			 draw_int(pool, leaving));
	if (later)
		str_addf(&s, ", moins %s dont la convention n’a pas encore pris effet", draw_int(pool, later));
	if (unlisted)
		str_addf(&s, "%s %s dont la fiche n’est plus confirmée", later ? " et" : ", moins",
			 draw_int(pool, unlisted));
	str_add_c(&s, '.');
	return s.s;
}

/* NULL: for another day, or a scope that the directory does not have. */
static char *to_the_directory(struct job *j, const struct asked *a, const struct rows *r)
{
	if (a->f.as_of != day_in_paris(j->now) || a->q.region || a->q.caisse_count)
		return NULL;
	return statistics_directory(j->pool, a->q.open, rows_i64(r, 0, "conventioned"), rows_i64(r, 0, "leaving"),
				    rows_i64(r, 0, "later"), rows_i64(r, 0, "unlisted"));
}

/* ---- the page ---- */

struct figure_row {
	const char *code, *name, *stock, *coverage, *submitted, *in_review, *to_sign, *approved, *refused, *median,
		*p90;
};
static const struct slot figure_row_slots[] = {
	SLOT_T(struct figure_row, code),     SLOT_T(struct figure_row, name),      SLOT_T(struct figure_row, stock),
	SLOT_T(struct figure_row, coverage), SLOT_T(struct figure_row, submitted), SLOT_T(struct figure_row, in_review),
	SLOT_T(struct figure_row, to_sign),  SLOT_T(struct figure_row, approved),  SLOT_T(struct figure_row, refused),
	SLOT_T(struct figure_row, median),   SLOT_T(struct figure_row, p90),
};
static const struct view figure_row_view = VIEW(struct figure_row, figure_row_slots);

struct named_row {
	const char *name, *a, *b, *c;
};
static const struct slot named_row_slots[] = { SLOT_T(struct named_row, name), SLOT_T(struct named_row, a),
					       SLOT_T(struct named_row, b), SLOT_T(struct named_row, c) };
static const struct view named_row_view = VIEW(struct named_row, named_row_slots);

struct level_option {
	const char *id, *label;
	bool chosen;
};
static const struct slot level_slots[] = { SLOT_T(struct level_option, id), SLOT_T(struct level_option, label),
					   SLOT_B(struct level_option, chosen) };
static const struct view level_view = VIEW(struct level_option, level_slots);

struct statistics_view {
	const char *sentence, *directory, *scope, *published, *as_of, *as_of_french, *today, *query, *level, *level_one,
		*computed, *month;
	bool open, closed, unpublished, has_states, has_reasons;
	int64_t event;
	struct list rows, states, stages, reasons, points, levels, legend;
	struct markup map, chart;
};
static const struct slot statistics_slots[] = {
	SLOT_T(struct statistics_view, sentence),
	SLOT_T(struct statistics_view, directory),
	SLOT_T(struct statistics_view, scope),
	SLOT_T(struct statistics_view, published),
	SLOT_T(struct statistics_view, as_of),
	SLOT_T(struct statistics_view, as_of_french),
	SLOT_T(struct statistics_view, today),
	SLOT_T(struct statistics_view, query),
	SLOT_T(struct statistics_view, level),
	SLOT_T(struct statistics_view, level_one),
	SLOT_T(struct statistics_view, computed),
	SLOT_T(struct statistics_view, month),
	SLOT_B(struct statistics_view, open),
	SLOT_B(struct statistics_view, closed),
	SLOT_B(struct statistics_view, unpublished),
	SLOT_B(struct statistics_view, has_states),
	SLOT_B(struct statistics_view, has_reasons),
	SLOT_I(struct statistics_view, event),
	SLOT_L(struct statistics_view, rows, &figure_row_view),
	SLOT_L(struct statistics_view, states, &named_row_view),
	SLOT_L(struct statistics_view, stages, &named_row_view),
	SLOT_L(struct statistics_view, reasons, &named_row_view),
	SLOT_L(struct statistics_view, points, &named_row_view),
	SLOT_L(struct statistics_view, levels, &level_view),
	SLOT_L(struct statistics_view, legend, &draw_legend_view),
	SLOT_M(struct statistics_view, map),
	SLOT_M(struct statistics_view, chart),
};
static const struct view statistics_view = VIEW(struct statistics_view, statistics_slots);
static const struct page statistics_page = { "server/pages/statistics.html", &statistics_view };
PAGE(statistics_page);

static struct figure_row row_of(struct pool *pool, const struct figures *f, const struct figures_item *item)
{
	const struct figures_stage *review = &item->stage[3];

	return (struct figure_row){
		.code = item->code,
		.name = item->name,
		.stock = cell(pool, item, FM_STOCK),
		.coverage = item->per_100000 < 0 ? "–" : draw_fixed(pool, item->per_100000, 1),
		.submitted = cell(pool, item, FM_SUBMITTED_FLOW),
		.in_review = cell(pool, item, measure_of(f, "state:in_review")),
		.to_sign = cell(pool, item, measure_of(f, "state:to_sign")),
		.approved = cell(pool, item, FM_APPROVED),
		.refused = cell(pool, item, FM_REFUSED_FLOW),
		.median = days_cell(pool, review, review->median),
		.p90 = days_cell(pool, review, review->p90),
	};
}

/* The sums are those of the rows above; where a part is hidden, only the country's own cells may be said. */
static struct list table(struct pool *pool, const struct figures *f)
{
	struct figure_row *rows = POOL_ARRAY(pool, struct figure_row, f->count + 1);
	size_t n = 0;

	for (size_t i = 0; i < f->count; i++)
		rows[n++] = row_of(pool, f, &f->items[i]);
	if (f->count > 1)
		rows[n++] = row_of(pool, f, &f->total);
	return (struct list){ rows, n };
}

static struct named_row named(struct pool *pool, const struct figures *f, size_t m, const char *texts, const char *id)
{
	return (struct named_row){ .name = text_or(pool_printf(pool, "%s.%s", texts, id), id),
				   .a = cell(pool, &f->total, m) };
}

/* In the order of a file's life. */
static struct list states(struct pool *pool, const struct figures *f)
{
	struct named_row *rows = POOL_ARRAY(pool, struct named_row, STATES);
	size_t n = 0;

	for (size_t s = ST_SUBMITTED; s < ST_DELETED; s++) {
		const char *id = state_id((enum state)s);
		rows[n++] = named(pool, f, measure_of(f, pool_printf(pool, "state:%s", id)), "state", id);
	}
	return (struct list){ rows, n };
}

static struct list reasons(struct pool *pool, const struct figures *f)
{
	struct named_row *rows = POOL_ARRAY(pool, struct named_row, f->measure_count);
	size_t n = 0;

	for (size_t m = 0; m < f->measure_count; m++)
		if (!strncmp(f->measures[m], "refused:", 8))
			rows[n++] = named(pool, f, m, "figures.reason", f->measures[m] + 8);
	return (struct list){ rows, n };
}

static struct list stages(struct pool *pool, const struct figures *f)
{
	struct named_row *rows = POOL_ARRAY(pool, struct named_row, FIGURES_STAGES);

	for (size_t s = 0; s < FIGURES_STAGES; s++) {
		const struct figures_stage *g = &f->total.stage[s];
		rows[s] = (struct named_row){ .name = text2("state", figures_stage_id(s)),
					      .a = days_cell(pool, g, g->median),
					      .b = days_cell(pool, g, g->p90),
					      .c = g->hidden ? text("figures.hidden") : draw_int(pool, g->n) };
	}
	return (struct list){ rows, FIGURES_STAGES };
}

/* The month ends and the day asked, for the chart and its table. */
static size_t chart_points(const struct figures *f, const struct figures_point *all, size_t count,
			   struct figures_point *out)
{
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (day_ymd(all[i].day + 1).day == 1 || all[i].day == f->as_of)
			out[n++] = all[i];
	return n;
}

static const char *scope_words(const struct asked *a)
{
	if (a->wider)
		return text("figures.scope_wider");
	if (a->q.region)
		return text("figures.scope_region");
	return a->q.caisse_count ? text("figures.scope_caisses") : NULL;
}

static int show(struct job *j, struct err *e)
{
	struct asked *a = j->state;
	struct figures_question map_question = a->q;
	const struct rows *rows[FIGURES_ASKS];
	const struct figures_point *all;
	struct figures_point points[20];
	struct level_option *options = POOL_ARRAY(j->pool, struct level_option, FIGURES_LEVELS);
	struct figures map_figures;
	struct statistics_view v = { 0 };
	size_t count, n;

	if (read_all(j, a, e))
		return -1;
	if (wider(j, show))
		return 0;
	if (j->json) {
		struct json out = json_in(j->pool);
		figures_json(&a->f, &out);
		return job_json(j, 200, &out);
	}
	for (size_t i = 0; i < FIGURES_ASKS; i++)
		rows[i] = job_rows(j, a->at[i]);
	map_question.level = FIGURES_DEPARTEMENT;
	figures_read(&map_question, rows, j->pool, &map_figures);
	count = figures_series_read(&a->q, job_rows(j, a->series), rows[1], j->pool, &all);
	n = chart_points(&a->f, all, count < COUNT(points) ? count : COUNT(points), points);
	for (size_t i = 0; i < FIGURES_LEVELS; i++)
		options[i] =
			(struct level_option){ figures_level_id((enum figures_level)i),
					       figures_level_label((enum figures_level)i, false), i == a->q.level };
	v.sentence = sentence(j->pool, a, all, count);
	v.directory = to_the_directory(j, a, job_rows(j, a->directory));
	v.scope = scope_words(a);
	v.open = a->q.open;
	v.closed = a->f.closed;
	v.unpublished = a->q.open && a->f.published == DAY_NONE;
	v.published = a->f.published == DAY_NONE ? NULL : day_french(j->pool, a->f.published);
	v.as_of = day_iso(j->pool, a->f.as_of);
	v.as_of_french = day_french(j->pool, a->f.as_of);
	v.today = day_iso(j->pool, day_in_paris(j->now));
	v.level = figures_level_id(a->q.level);
	v.level_one = figures_level_label(a->q.level, false);
	v.query = pool_printf(j->pool, "niveau=%s&au=%s", v.level, v.as_of);
	v.computed = instant_french(j->pool, a->f.computed_at);
	v.event = a->f.event;
	v.rows = table(j->pool, &a->f);
	v.has_states = a->f.count > 0;
	v.states = states(j->pool, &a->f);
	v.stages = stages(j->pool, &a->f);
	v.reasons = reasons(j->pool, &a->f);
	v.has_reasons = v.has_states && v.reasons.count > 0;
	v.levels = (struct list){ options, FIGURES_LEVELS };
	v.map = draw_map(j->pool, job_rows(j, a->shapes), &map_figures, &v.legend);
	v.chart = draw_chart(j->pool, points, n);
	struct named_row *dates = POOL_ARRAY(j->pool, struct named_row, n + 1);
	for (size_t i = 0; i < n; i++)
		dates[i] = (struct named_row){ .name = day_french(j->pool, points[i].day),
					       .a = draw_int(j->pool, points[i].total) };
	v.points = (struct list){ dates, n };
	return job_page(j, 200, text("figures.title"), &statistics_page, &v);
}

int statistics_answer(struct job *j, struct err *e)
{
	return go_on(j, show, e);
}

/* ---- sheets: stable columns, named by their ids ---- */

static void sheet_cell(struct sheet *s, const struct figures_item *item, size_t m)
{
	if (item->hidden[m])
		sheet_empty(s);
	else
		sheet_int(s, item->total[m]);
}

static const size_t flows[] = { FM_SUBMITTED_FLOW, FM_APPROVED, FM_REFUSED_FLOW };

static void sheet_head(struct sheet *s, const struct figures *f, struct pool *pool)
{
	static const char *const names[] = { "as_of",        "level",      "code",      "name",     "population",
					     "conventioned", "per_100000", "submitted", "approved", "refused" };

	for (size_t i = 0; i < COUNT(names); i++)
		sheet_text(s, names[i]);
	for (size_t m = 0; m < f->measure_count; m++)
		if (!strncmp(f->measures[m], "state:", 6))
			sheet_text(s, pool_printf(pool, "state_%s", f->measures[m] + 6));
	for (size_t g = 0; g < FIGURES_STAGES; g++) {
		sheet_text(s, pool_printf(pool, "%s_median_days", figures_stage_id(g)));
		sheet_text(s, pool_printf(pool, "%s_p90_days", figures_stage_id(g)));
		sheet_text(s, pool_printf(pool, "%s_n", figures_stage_id(g)));
	}
	sheet_text(s, "hidden");
	sheet_text(s, "published");
	sheet_row(s);
}

static void sheet_item(struct sheet *s, const struct figures *f, const struct figures_item *item)
{
	sheet_day(s, f->as_of);
	sheet_text(s, figures_level_id(f->level));
	sheet_text(s, item->code);
	sheet_text(s, item->name);
	sheet_int(s, item->population);
	sheet_cell(s, item, FM_STOCK);
	if (item->per_100000 < 0)
		sheet_empty(s);
	else
		sheet_number(s, item->per_100000, 2);
	for (size_t i = 0; i < COUNT(flows); i++)
		sheet_cell(s, item, flows[i]);
	for (size_t m = 0; m < f->measure_count; m++)
		if (!strncmp(f->measures[m], "state:", 6))
			sheet_cell(s, item, m);
	for (size_t i = 0; i < FIGURES_STAGES; i++) {
		const struct figures_stage *g = &item->stage[i];
		bool none = g->hidden || !g->n;
		none ? sheet_empty(s) : sheet_number(s, g->median, 1);
		none ? sheet_empty(s) : sheet_number(s, g->p90, 1);
		g->hidden ? sheet_empty(s) : sheet_int(s, g->n);
	}
	sheet_text(s, item->any_hidden ? "true" : "false");
	sheet_day(s, f->published);
	sheet_row(s);
}

/* On a thread of its own: sees nothing but its argument. */
struct writing {
	struct asked *a;
	struct pool *pool;
};

static void write_sheet(void *arg)
{
	struct writing *w = arg;
	struct asked *a = w->a;
	struct sheet *s = sheet_open(a->kind, "Statistiques", w->pool, &a->err);

	if (!s)
		return;
	sheet_head(s, &a->f, w->pool);
	for (size_t i = 0; i < a->f.count; i++)
		sheet_item(s, &a->f, &a->f.items[i]);
	if (sheet_end(s, &a->bytes, &a->size, &a->err))
		a->bytes = NULL;
}

static int written(struct job *j, struct err *e)
{
	struct asked *a = j->state;
	const char *name;

	if (!a->bytes) {
		*e = a->err;
		return -1;
	}
	name = pool_printf(j->pool, "statistiques-%s-%s.%s", figures_level_id(a->q.level), day_iso(j->pool, a->f.as_of),
			   a->kind == SHEET_CSV ? "csv" : "xlsx");
	return job_bytes(j, 200, sheet_type(a->kind), a->bytes, a->size, name);
}

static int start_writing(struct job *j, struct err *e)
{
	struct asked *a = j->state;
	struct writing *w = POOL_NEW(j->pool, struct writing);

	(void)e;
	*w = (struct writing){ a, j->pool };
	job_work(j, write_sheet, w, written);
	return 0;
}

static int sheet_wanted(struct job *j, struct err *e)
{
	struct asked *a = j->state;

	if (read_all(j, a, e))
		return -1;
	if (wider(j, sheet_wanted))
		return 0;
	if (!of_agents(j))
		return start_writing(j, e);
	job_ask(j, &figures_exported,
		ARGS(arg_i64(j->pool, j->who.agent), arg_text("statistiques"), arg_i64(j->pool, (int64_t)a->f.count)));
	job_then(j, start_writing);
	return 0;
}

int statistics_csv_answer(struct job *j, struct err *e)
{
	((struct asked *)j->state)->kind = SHEET_CSV;
	return go_on(j, sheet_wanted, e);
}

int statistics_xlsx_answer(struct job *j, struct err *e)
{
	((struct asked *)j->state)->kind = SHEET_XLSX;
	return go_on(j, sheet_wanted, e);
}
