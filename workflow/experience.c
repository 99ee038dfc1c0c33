#include <stdlib.h>
#include <string.h>
#include "../server/base/str.h"
#include "checks.h"

#define NBSP "\u00a0"
#define THIN "\u202f"

size_t experience_periods(const struct values *answers, struct pool *pool, struct period **out)
{
	size_t rows = values_rows(answers, "experience"), n = 0;
	struct period *p = POOL_ARRAY(pool, struct period, rows ? rows : 1);

	for (size_t i = 0; i < rows; i++) {
		const char *to = values_text(answers, pool_printf(pool, "experience[%zu].to", i));
		const char *clinical = values_text(answers, pool_printf(pool, "experience[%zu].clinical", i));
		int64_t share;

		if (day_parse(values_text(answers, pool_printf(pool, "experience[%zu].from", i)), &p[n].from))
			continue;
		p[n].to = DAY_NONE;
		if (*to && day_parse(to, &p[n].to))
			continue;
		p[n].clinical = str_eq(clinical, "yes")      ? CLINICAL_YES
				: str_eq(clinical, "partly") ? CLINICAL_PARTLY
							     : CLINICAL_NO;
		if (str_to_i64(values_text(answers, pool_printf(pool, "experience[%zu].share", i)), &share) ||
		    share < 0 || share > 100)
			share = 100;
		p[n].share = (int)share;
		p[n].structure = values_text(answers, pool_printf(pool, "experience[%zu].structure", i));
		n++;
	}
	*out = p;
	return n;
}

static int by_day(const void *a, const void *b)
{
	day_t x = *(const day_t *)a, y = *(const day_t *)b;

	return (x > y) - (x < y);
}

/* "1 095 jours", with thin no-break spaces; French says "0 jour". */
static const char *days_text(struct pool *pool, int n)
{
	const char *word = n > 1 ? "jours" : "jour";

	if (n < 1000)
		return pool_printf(pool, "%d" NBSP "%s", n, word);
	return pool_printf(pool, "%d" THIN "%03d" NBSP "%s", n / 1000, n % 1000, word);
}

static const char *period_text(struct pool *pool, const struct period *p, size_t index, const struct period *kept,
			       day_t deposit, int counted, int own)
{
	struct str s = str_in(pool);

	str_addf(&s, "%zu. ", index + 1);
	if (p->structure && *p->structure)
		str_addf(&s, "%s, ", p->structure);
	if (p->to == DAY_NONE)
		str_addf(&s, "depuis le %s", day_french(pool, p->from));
	else
		str_addf(&s, "du %s au %s", day_french(pool, p->from), day_french(pool, p->to));
	str_addf(&s, " à %d" NBSP "%%" NBSP ": ", p->share);
	if (p->clinical == CLINICAL_NO) {
		str_add(&s, "non clinique, non comptée.");
		return s.s;
	}
	str_add(&s, days_text(pool, counted));
	if (p->clinical == CLINICAL_PARTLY)
		str_add(&s, ", en partie clinique, à part");
	if (kept->from > kept->to) {
		str_add(&s, " (hors de la durée qui compte).");
		return s.s;
	}
	if (own > counted)
		str_addf(&s, " (%s déjà compté%s)", days_text(pool, own - counted), own - counted > 1 ? "s" : "");
	if (kept->from > p->from)
		str_addf(&s, ", à partir du diplôme, le %s", day_french(pool, kept->from));
	if (p->to == DAY_NONE || kept->to < p->to)
		str_addf(&s, ", jusqu’au dépôt, le %s", day_french(pool, deposit));
	str_add_c(&s, '.');
	return s.s;
}

void experience_compute(const struct period *periods, size_t count, day_t diploma, day_t deposit, struct pool *pool,
			struct experience *out)
{
	struct period *kept = POOL_ARRAY(pool, struct period, count + 1);
	day_t *edges = POOL_ARRAY(pool, day_t, 2 * count + 1);
	int *counted = POOL_ARRAY(pool, int, count + 1);
	size_t edge_count = 0;
	int64_t weighted = 0;
	struct str s = str_in(pool);

	*out = (struct experience){ .first = DAY_NONE, .last = DAY_NONE };
	for (size_t i = 0; i < count; i++) {
		kept[i] = periods[i];
		if (kept[i].to == DAY_NONE || kept[i].to > deposit)
			kept[i].to = deposit;
		if (diploma != DAY_NONE && kept[i].from < diploma)
			kept[i].from = diploma;
		if (kept[i].clinical == CLINICAL_NO || kept[i].from > kept[i].to)
			continue;
		edges[edge_count++] = kept[i].from;
		edges[edge_count++] = kept[i].to + 1;
	}
	qsort(edges, edge_count, sizeof(*edges), by_day);

	/* Between two edges every day is covered by the same periods: it goes to the first clinical one, else "partly".
	 */
	for (size_t e = 0; e + 1 < edge_count; e++) {
		int length = edges[e + 1] - edges[e], share = 0;
		size_t yes = count, partly = count;

		if (!length)
			continue;
		for (size_t i = count; i-- > 0;) {
			if (kept[i].clinical == CLINICAL_NO || kept[i].from > edges[e] || kept[i].to < edges[e])
				continue;
			if (kept[i].clinical == CLINICAL_PARTLY) {
				partly = i;
				continue;
			}
			yes = i;
			if (kept[i].share > share)
				share = kept[i].share;
		}
		if (yes < count) {
			out->days += length;
			weighted += (int64_t)length * share;
			counted[yes] += length;
			if (out->first == DAY_NONE)
				out->first = edges[e];
			out->last = edges[e + 1] - 1;
		} else if (partly < count) {
			counted[partly] += length;
		}
		if (yes < count || partly < count)
			out->days_with_partly += length;
	}
	out->full_time_days = (int)(weighted / 100);

	for (size_t i = 0; i < count; i++) {
		int own = kept[i].from > kept[i].to ? 0 : kept[i].to - kept[i].from + 1;

		str_addf(&s, "%s\n", period_text(pool, &periods[i], i, &kept[i], deposit, counted[i], own));
	}
	str_addf(&s, "Total" NBSP ": %s pour %s exigés", days_text(pool, out->days),
		 days_text(pool, EXPERIENCE_DAYS_NEEDED));
	if (out->days_with_partly > out->days)
		str_addf(&s, ", %s avec les périodes en partie cliniques", days_text(pool, out->days_with_partly));
	str_addf(&s, ". Équivalent temps plein" NBSP ": %s.", days_text(pool, out->full_time_days));
	out->formula = s.s;
}
