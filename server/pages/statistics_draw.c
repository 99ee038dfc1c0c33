#include "statistics_draw.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../text.h"

#define THIN "\u202f"
#define NBSP "\u00a0"

const char *draw_int(struct pool *pool, int64_t n)
{
	char digits[24];
	struct str out = str_in(pool);
	size_t length;

	snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? -n : n));
	length = strlen(digits);
	if (n < 0)
		str_add(&out, "−");
	for (size_t i = 0; i < length; i++) {
		if (i && (length - i) % 3 == 0)
			str_add(&out, THIN);
		str_add_c(&out, digits[i]);
	}
	return out.s;
}

const char *draw_number(struct pool *pool, double x, int decimals)
{
	const char *fixed = draw_fixed(pool, x, decimals);
	const char *comma = strchr(fixed, ',');
	size_t length = strlen(fixed);

	while (comma && length && (fixed[length - 1] == '0' || fixed[length - 1] == ','))
		if (fixed[--length] == ',')
			break;
	return pool_strndup(pool, fixed, length);
}

const char *draw_fixed(struct pool *pool, double x, int decimals)
{
	char number[40];
	char *dot;

	snprintf(number, sizeof number, "%.*f", decimals, fabs(x));
	dot = strchr(number, '.');
	if (dot)
		*dot = 0;
	return pool_printf(pool, "%s%s%s", draw_int(pool, strtoll(number, NULL, 10)), dot ? "," : "",
			   dot ? dot + 1 : "");
}

/* ---- map ---- */

static const struct slot legend_slots[] = { SLOT_T(struct draw_legend, key), SLOT_T(struct draw_legend, label) };
const struct view draw_legend_view = VIEW(struct draw_legend, legend_slots);

enum { STEPS = 5 };

static int ascending(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Upper limits of the steps, so that each holds about as many départements; how many steps differ. */
static int limits(const struct figures *f, struct pool *pool, double out[STEPS])
{
	double *values = POOL_ARRAY(pool, double, f->count + 1);
	size_t n = 0;
	int steps = 0;

	for (size_t i = 0; i < f->count; i++)
		if (f->items[i].per_100000 > 0)
			values[n++] = f->items[i].per_100000;
	qsort(values, n, sizeof *values, ascending);
	for (int s = 1; s <= STEPS && n; s++) {
		double limit = values[(n * (size_t)s + STEPS - 1) / STEPS - 1];
		limit = ceil(limit * 10) / 10;
		if (!steps || limit > out[steps - 1])
			out[steps++] = limit;
	}
	return steps;
}

static const struct figures_item *departement(const struct figures *f, const char *code)
{
	for (size_t i = 0; i < f->count; i++)
		if (!strcmp(f->items[i].code, code))
			return &f->items[i];
	return NULL;
}

/* The lightest step is 1; with fewer steps the darkest are left out. */
static int step_of(double x, const double limit[STEPS], int steps)
{
	for (int s = 0; s < steps; s++)
		if (x <= limit[s] + 1e-9)
			return s + 1;
	return steps;
}

static void draw_shape(struct str *out, struct pool *pool, const struct rows *shapes, size_t i, const struct figures *f,
		       const double limit[STEPS], int steps)
{
	const char *code = rows_str(shapes, i, "code");
	const struct figures_item *item = departement(f, code);

	if (!item)
		str_add(out, "<path fill=\"#E7EBED\" d=\"");
	else if (item->per_100000 <= 0)
		str_add(out, "<path fill=\"url(#hachures)\" class=\"msp-hidden\" d=\"");
	else
		str_addf(out, "<path class=\"msp-step-%d\" d=\"", step_of(item->per_100000, limit, steps));
	html_attr(out, rows_str(shapes, i, "path"));
	str_add(out, "\"><title>");
	html_text(out, rows_str(shapes, i, "name"));
	if (item)
		str_addf(out, NBSP ": %s pour 100" THIN "000 habitants (%s)",
			 draw_number(pool, item->per_100000 < 0 ? 0 : item->per_100000, 1),
			 draw_int(pool, item->total[FM_STOCK]));
	str_add(out, "</title></path>");
}

static void legend_make(struct pool *pool, const double limit[STEPS], int steps, struct list *legend)
{
	struct draw_legend *rows = POOL_ARRAY(pool, struct draw_legend, STEPS + 1);
	size_t n = 0;

	for (int s = 0; s < steps; s++) {
		const char *to = draw_number(pool, limit[s], 1);
		rows[n++] = (struct draw_legend){
			pool_printf(pool, "msp-step-%d", s + 1),
			s ? pool_printf(pool, "plus de %s, jusqu’à %s", draw_number(pool, limit[s - 1], 1), to)
			  : pool_printf(pool, "jusqu’à %s", to),
		};
	}
	rows[n++] = (struct draw_legend){ "msp-hidden", text("figures.none_here") };
	*legend = (struct list){ rows, n };
}

/* Métropole and Corse share one box; each overseas département has its own, in a row under them. */
struct markup draw_map(struct pool *pool, const struct rows *shapes, const struct figures *f, struct list *legend)
{
	struct str out = str_in(pool);
	double limit[STEPS] = { 0 };
	int steps = limits(f, pool, limit);
	const char *main_box = "0 0 1000 930";
	size_t inset = 0;

	str_add(&out, "<svg class=\"msp-map\" viewBox=\"0 0 1000 1080\" role=\"img\" aria-labelledby=\"carte-titre\">"
		      "<title id=\"carte-titre\">");
	html_text(&out, text("figures.map_title"));
	str_add(&out,
		"</title><defs><pattern id=\"hachures\" width=\"6\" height=\"6\" patternUnits=\"userSpaceOnUse\" "
		"patternTransform=\"rotate(45)\"><rect width=\"6\" height=\"6\" fill=\"#FFFFFF\"/><rect width=\"1.5\" "
		"height=\"6\" fill=\"#4A5B62\"/></pattern></defs>");
	for (size_t i = 0; i < rows_count(shapes); i++)
		if (!strcmp(rows_str(shapes, i, "viewbox"), main_box))
			draw_shape(&out, pool, shapes, i, f, limit, steps);
	for (size_t i = 0; i < rows_count(shapes); i++) {
		if (!strcmp(rows_str(shapes, i, "viewbox"), main_box))
			continue;
		str_addf(&out, "<svg x=\"%zu\" y=\"945\" width=\"110\" height=\"100\" viewBox=\"", 60 + inset * 190);
		html_attr(&out, rows_str(shapes, i, "viewbox"));
		str_add(&out, "\">");
		draw_shape(&out, pool, shapes, i, f, limit, steps);
		/* A box of its own again: the letters of the style sheet, at twice the size of the map's units. */
		str_addf(&out,
			 "</svg><svg x=\"%zu\" y=\"1044\" width=\"190\" height=\"36\" viewBox=\"0 0 95 18\"><text "
			 "x=\"47\" "
			 "y=\"13\" text-anchor=\"middle\">",
			 20 + inset * 190);
		html_text(&out, rows_str(shapes, i, "name"));
		str_add(&out, "</text></svg>");
		inset++;
	}
	str_add(&out, "</svg>");
	legend_make(pool, limit, steps, legend);
	return (struct markup){ out.s };
}

/* ---- chart ---- */

static const char *const months[] = { "janv.", "févr.", "mars",  "avr.", "mai",  "juin",
				      "juil.", "août",  "sept.", "oct.", "nov.", "déc." };

struct markup draw_chart(struct pool *pool, const struct figures_point *points, size_t count)
{
	struct str out = str_in(pool);
	int64_t most = 1;
	double width = count ? 620.0 / (double)count : 0;

	for (size_t i = 0; i < count; i++)
		if (points[i].total > most)
			most = points[i].total;
	str_add(&out, "<svg class=\"msp-chart\" viewBox=\"0 0 640 260\" role=\"img\" aria-labelledby=\"courbe-titre\">"
		      "<title id=\"courbe-titre\">");
	html_text(&out, text("figures.chart_title"));
	str_add(&out, "</title>");
	for (size_t i = 0; i < count; i++) {
		double height = 180.0 * (double)points[i].total / (double)most, x = 10 + width * (double)i;
		struct ymd d = day_ymd(points[i].day);
		bool last = i + 1 == count;
		str_addf(&out,
			 "<rect class=\"msp-bar-%d\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"><title>",
			 last ? 2 : 1, x + width * 0.12, 220 - height, width * 0.76, height);
		html_text(&out, pool_printf(pool, "%s" NBSP ": %s", day_french(pool, points[i].day),
					    draw_int(pool, points[i].total)));
		str_add(&out, "</title></rect>");
		str_addf(&out, "<text x=\"%.1f\" y=\"240\" text-anchor=\"middle\">%s</text>", x + width / 2,
			 months[d.month - 1]);
		if (!i || d.month == 1 || last)
			str_addf(&out, "<text x=\"%.1f\" y=\"256\" text-anchor=\"middle\">%d</text>", x + width / 2,
				 d.year);
		if (!i || last)
			str_addf(&out, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>", x + width / 2,
				 212 - height, draw_int(pool, points[i].total));
	}
	str_add(&out, "<line class=\"msp-axis\" x1=\"10\" x2=\"630\" y1=\"220\" y2=\"220\"/></svg>");
	return (struct markup){ out.s };
}
