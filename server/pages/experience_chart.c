#include "file_applicant.h"

#include "../base/str.h"
#include "../page.h"
#include "../text.h"
#include "stack_table.h"

#define WIDTH 640
#define ROW 26
#define TOP 8
#define AXIS 26

/* Years between two marks of the axis: at most 8 marks. */
static int years_apart(int years)
{
	for (int step = 1;; step = step == 1 ? 2 : step == 2 ? 5 : step * 2)
		if (years / step <= 8)
			return step;
}

static const char *bar_class(const struct period *p)
{
	return p->clinical == CLINICAL_YES ? "msp-bar-1" : p->clinical == CLINICAL_PARTLY ? "msp-bar-2" : "msp-none";
}

static const char *counts_how(const struct period *p)
{
	return text(p->clinical == CLINICAL_YES      ? "experience.counted"
		    : p->clinical == CLINICAL_PARTLY ? "experience.partly"
						     : "experience.not_counted");
}

static void table(struct str *out, const struct period *p, size_t n, struct pool *pool)
{
	static const struct stack_table t = { "Vos périodes d’expérience",
					      { "Période", "Structure", "Temps", "Prise en compte" },
					      4 };

	stack_open(out, &t);
	for (size_t i = 0; i < n; i++) {
		const char *to =
			p[i].to == DAY_NONE ? "à ce jour" : pool_printf(pool, "au %s", day_french(pool, p[i].to));
		const char *cells[] = { pool_printf(pool, "Du %s %s", day_french(pool, p[i].from), to), p[i].structure,
					pool_printf(pool, "%d\u00a0%%", p[i].share), counts_how(&p[i]) };

		stack_row(out, &t, cells);
	}
	stack_close(out);
}

static void axis(struct str *out, day_t first, day_t last, double scale, int bottom)
{
	int from = day_ymd(first).year, to = day_ymd(last).year, apart = years_apart(to - from);

	str_addf(out, "<line class=\"msp-axis\" x1=\"0\" y1=\"%d\" x2=\"%d\" y2=\"%d\"/>\n", bottom, WIDTH, bottom);
	for (int year = from; year <= to; year++) {
		day_t at = day_from_ymd(year, 1, 1);
		double x = (double)(at - first) * scale;

		if (at < first || year % apart || x > WIDTH - 36)
			continue;
		str_addf(out,
			 "<line class=\"msp-axis\" x1=\"%.1f\" y1=\"%d\" x2=\"%.1f\" y2=\"%d\"/>\n<text x=\"%.1f\" "
			 "y=\"%d\">%d</text>\n",
			 x, bottom, x, bottom + 5, x + 3, bottom + 18, year);
	}
}

struct markup experience_chart(const struct file_view *v, struct pool *pool)
{
	struct str out = str_in(pool);
	struct period *p;
	size_t n = experience_periods(&v->answers, pool, &p);
	instant_t deposit = rows_instant(v->row, 0, "submitted_at");
	day_t last = day_in_paris(deposit == INSTANT_NONE ? v->now : deposit), first = last - 365;
	double scale;
	int bottom = TOP + (int)n * ROW;

	if (!n)
		return (struct markup){ NULL };
	for (size_t i = 0; i < n; i++) {
		if (p[i].from < first)
			first = p[i].from;
		if (p[i].to != DAY_NONE && p[i].to > last)
			last = p[i].to;
	}
	scale = (double)WIDTH / (double)(last - first + 1);
	str_addf(&out, "<svg class=\"msp-chart\" viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"", WIDTH,
		 bottom + AXIS);
	html_attr(&out, text("experience.chart"));
	str_add(&out, "\">\n");
	for (size_t i = 0; i < n; i++) {
		day_t to = p[i].to == DAY_NONE ? last : p[i].to;
		double x = (double)(p[i].from - first) * scale, w = (double)(to - p[i].from + 1) * scale;

		str_addf(&out, "<rect class=\"%s\" x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\"/>\n",
			 bar_class(&p[i]), x, TOP + (int)i * ROW, w < 2 ? 2 : w, ROW - 8);
	}
	axis(&out, first, last, scale, bottom);
	str_add(&out, "</svg>\n<ul class=\"msp-legend\"><li><svg class=\"msp-legend__key\" viewBox=\"0 0 20 14\" "
		      "aria-hidden=\"true\">"
		      "<rect class=\"msp-bar-1\" width=\"20\" height=\"14\"/></svg>Compté</li><li><svg "
		      "class=\"msp-legend__key\" viewBox=\"0 0 20 "
		      "14\" aria-hidden=\"true\"><rect class=\"msp-bar-2\" width=\"20\" height=\"14\"/></svg>En partie "
		      "clinique\u00a0: une "
		      "personne apprécie</li><li><svg class=\"msp-legend__key\" viewBox=\"0 0 20 14\" "
		      "aria-hidden=\"true\"><rect class=\"msp-none\" "
		      "width=\"20\" height=\"14\"/></svg>Non compté</li></ul>\n");
	table(&out, p, n, pool);
	return (struct markup){ out.s };
}
