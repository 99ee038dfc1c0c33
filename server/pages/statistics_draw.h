/*
 * Numbers as they are written in French, and the pictures of the figures page: SVG with class names and presentation
 * attributes only (no style of its own), each with a title; the same numbers stand in a table beside them.
 */
#ifndef SERVER_PAGES_STATISTICS_DRAW_H
#define SERVER_PAGES_STATISTICS_DRAW_H

#include "../../db/figures.h"
#include "../page.h"

const char *draw_int(struct pool *pool, int64_t n); /* 5 217 */
/* Not below 0. */
const char *draw_fixed(struct pool *pool, double x, int decimals);  /* 1 234,50 */
const char *draw_number(struct pool *pool, double x, int decimals); /* 1 234,5; "12" for 12.0 */

struct draw_legend {
	const char *key, *label; /* class of the square, and what it means */
};
extern const struct view draw_legend_view;
/* Conventioned psychologists per 100 000 inhabitants by département, in five steps of one hue; hatched: none. */
struct markup draw_map(struct pool *pool, const struct rows *shapes, const struct figures *by_departement,
		       struct list *legend);
struct markup draw_chart(struct pool *pool, const struct figures_point *points, size_t count);

#endif
