#include "../../db/queue.h"
#include "../sheet.h"
#include "../text.h"
#include "agents.h"

#define EXPORT_MOST 100000

struct exported {
	struct job *j;
	struct queue_filter filter;
	size_t list;
	const struct rows *rows;
	enum sheet_kind kind;
	const void *bytes;
	size_t size;
	struct err err;
};

static void head(struct sheet *s)
{
	static const char *const names[] = { "numero",           "nature", "etat",       "nom",       "commune",
					     "nom_commune",      "caisse", "nom_caisse", "suivi_par", "depuis",
					     "age_jours_ouvres", "cible",  "echeance" };

	for (size_t i = 0; i < COUNT(names); i++)
		sheet_text(s, names[i]);
	sheet_row(s);
}

static void row(struct sheet *s, const struct queue_item *x)
{
	sheet_text(s, x->number);
	sheet_text(s, x->kind);
	sheet_text(s, x->state);
	sheet_text(s, x->name);
	sheet_text(s, x->commune);
	sheet_text(s, x->commune_name);
	sheet_text(s, x->caisse);
	sheet_text(s, x->caisse_name);
	sheet_text(s, x->holder);
	sheet_day(s, x->since == INSTANT_NONE ? DAY_NONE : day_in_paris(x->since));
	sheet_int(s, x->age);
	if (x->target)
		sheet_int(s, x->target);
	else
		sheet_empty(s);
	sheet_day(s, x->deadline == INSTANT_NONE ? DAY_NONE : day_in_paris(x->deadline - 1));
	sheet_row(s);
}

static void write_sheet(void *arg)
{
	struct exported *x = arg;
	struct sheet *s = sheet_open(x->kind, "Dossiers", x->j->pool, &x->err);

	if (!s)
		return;
	head(s);
	for (size_t i = 0; i < rows_count(x->rows); i++) {
		struct queue_item item;

		queue_item_read(x->j, x->rows, i, &item);
		row(s, &item);
	}
	if (!sheet_end(s, &x->bytes, &x->size, &x->err))
		x->err.kind = ERR_NONE;
}

static int sent(struct job *j, struct err *e)
{
	const struct exported *x = j->state;
	const char *name = pool_printf(j->pool, "dossiers-%s.%s", day_iso(j->pool, day_in_paris(j->now)),
				       x->kind == SHEET_CSV ? "csv" : "xlsx");

	(void)e;
	return job_bytes(j, 200, sheet_type(x->kind), x->bytes, x->size, name);
}

/* Who took what out is written before it leaves. */
static int written(struct job *j, struct err *e)
{
	struct exported *x = j->state;

	if (x->err.kind != ERR_NONE) {
		*e = x->err;
		return -1;
	}
	job_ask(j, &queue_export,
		ARGS(arg_text(pool_printf(j->pool, "dossiers.%s%s", x->kind == SHEET_CSV ? "csv" : "xlsx",
					  *x->filter.etat ? pool_printf(j->pool, " etat=%s", x->filter.etat) : "")),
		     arg_i64(j->pool, (int64_t)rows_count(x->rows))));
	job_then(j, sent);
	return 0;
}

static int listed(struct job *j, struct err *e)
{
	struct exported *x = j->state;

	(void)e;
	x->rows = job_rows(j, x->list);
	job_work(j, write_sheet, x, written);
	return 0;
}

static int export_ask(struct job *j, enum sheet_kind kind)
{
	struct exported *x = j->state = POOL_NEW(j->pool, struct exported);

	x->j = j;
	x->kind = kind;
	queue_filter_read(j, &x->filter);
	return 0;
}

static int export_answer(struct job *j)
{
	struct exported *x = j->state;

	x->list = queue_list_ask(j, &x->filter, EXPORT_MOST);
	job_then(j, listed);
	return 0;
}

int queue_csv_ask(struct job *j, struct err *e)
{
	(void)e;
	return export_ask(j, SHEET_CSV);
}

int queue_csv_answer(struct job *j, struct err *e)
{
	(void)e;
	return export_answer(j);
}

int queue_xlsx_ask(struct job *j, struct err *e)
{
	(void)e;
	return export_ask(j, SHEET_XLSX);
}

int queue_xlsx_answer(struct job *j, struct err *e)
{
	(void)e;
	return export_answer(j);
}
