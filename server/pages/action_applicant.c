/*
 * One page for each thing a psychologist may do to a file: what it brings, its form, its button. The same page comes
 * back with what was typed when the event is refused.
 */
#include <string.h>

#include "../../workflow/items.h"
#include "../base/str.h"
#include "../form_html.h"
#include "../text.h"
#include "applicant.h"
#include "dossiers.h"
#include "file_applicant.h"

struct item_row {
	int64_t item;
	const char *anchor, *name, *what, *text, *href, *typed;
	bool changed, maintained;
};
static const struct slot item_slots[] = {
	SLOT_I(struct item_row, item),  SLOT_T(struct item_row, anchor),  SLOT_T(struct item_row, name),
	SLOT_T(struct item_row, what),  SLOT_T(struct item_row, text),    SLOT_T(struct item_row, href),
	SLOT_T(struct item_row, typed), SLOT_B(struct item_row, changed), SLOT_B(struct item_row, maintained),
};
static const struct view item_row_view = VIEW(struct item_row, item_slots);

struct action_page {
	int64_t id;
	const char *title, *event, *button, *denied, *resign_day;
	bool withdraw, discard, sign, appeal, resign, observe, amend, resubmit;
	bool allowed, dangerous, code_sent, in_inbox;
	struct markup summary, hidden, code_hidden, fields;
	struct list items;
};
static const struct slot action_slots[] = {
	SLOT_I(struct action_page, id),
	SLOT_T(struct action_page, title),
	SLOT_T(struct action_page, event),
	SLOT_T(struct action_page, button),
	SLOT_T(struct action_page, denied),
	SLOT_T(struct action_page, resign_day),
	SLOT_B(struct action_page, withdraw),
	SLOT_B(struct action_page, discard),
	SLOT_B(struct action_page, sign),
	SLOT_B(struct action_page, appeal),
	SLOT_B(struct action_page, resign),
	SLOT_B(struct action_page, observe),
	SLOT_B(struct action_page, amend),
	SLOT_B(struct action_page, resubmit),
	SLOT_B(struct action_page, allowed),
	SLOT_B(struct action_page, dangerous),
	SLOT_B(struct action_page, code_sent),
	SLOT_B(struct action_page, in_inbox),
	SLOT_M(struct action_page, summary),
	SLOT_M(struct action_page, hidden),
	SLOT_M(struct action_page, code_hidden),
	SLOT_M(struct action_page, fields),
	SLOT_L(struct action_page, items, &item_row_view),
};
static const struct view action_view = VIEW(struct action_page, action_slots);
static const struct page action_page = { "server/pages/action.html", &action_view };
PAGE(action_page);

/* What was typed about this point: items arrive in the order of the page, and say which they answer. */
static const char *typed_of(const struct job *j, int64_t item, const char *what)
{
	for (size_t i = 0, n = values_rows(&j->sent, "items"); i < n; i++) {
		int64_t id;

		if (!str_to_i64(values_text(&j->sent, pool_printf(j->pool, "items[%zu].id", i)), &id) && id == item)
			return values_text(&j->sent, pool_printf(j->pool, "items[%zu].%s", i, what));
	}
	return "";
}

static void read_items(struct job *j, const struct file_view *v, struct action_page *x)
{
	struct item_row *rows = POOL_ARRAY(j->pool, struct item_row, v->item_count + 1);
	size_t n = 0;

	for (size_t i = 0; i < v->item_count; i++) {
		const struct item_view *item = &v->items[i];

		if (item->answered)
			continue;
		rows[n] = (struct item_row){
			.item = item->id,
			.anchor = pool_printf(j->pool, "items-%zu", n),
			.name = pool_printf(j->pool, "items[%zu]", n),
			.what = item_label(v, item, j->pool),
			.text = item->text,
			.href = item_href(v, item, j->pool),
			.typed = typed_of(j, item->id, "text"),
			.changed = item->changed,
			.maintained = str_eq(typed_of(j, item->id, "maintained"), "true"),
		};
		n++;
	}
	x->items = (struct list){ rows, n };
}

/* The points have their own fields here: the rest of the form is drawn as it is. */
static struct markup fields_of(struct job *j, enum event ev, const struct problems *p)
{
	const struct form *f = form_of_event(event_id(ev));
	struct form copy;
	struct step step;
	struct item *items;
	size_t n = 0;

	if (!f)
		return (struct markup){ NULL };
	copy = *f;
	step = f->steps[0];
	items = POOL_ARRAY(j->pool, struct item, step.item_count + 1);
	for (size_t i = 0; i < step.item_count; i++)
		if (step.items[i].field)
			items[n++] = step.items[i];
	step.items = items;
	step.item_count = n;
	copy.steps = pool_copy(j->pool, &step, sizeof step);
	copy.step_count = 1;
	return form_fields(&copy, NULL, &j->sent, p, NULL, 0, true, j->pool);
}

/* A problem of a point's text leads to that text. */
static void lead_to_items(struct job *j, struct problems *p)
{
	for (size_t i = 0; i < p->count; i++) {
		const char *name = p->items[i].field;
		size_t len, row;
		const char *rest;

		if (values_split(name, &len, &row, &rest) && str_starts(name, "items["))
			p->items[i].field =
				pool_printf(j->pool, "items-%zu%s", row, str_eq(rest, "text") ? "-texte" : "");
		else if (str_eq(name, "items"))
			p->items[i].field = "items-0";
	}
}

int action_show(struct job *j, const struct file_view *v, enum event ev, int status, const struct problems *p,
		const struct err *why, struct err *e)
{
	struct problems all = problems_with(j, p, why);
	bool allowed = file_view_may(v, ev);

	(void)e;
	if (ev == EV_SUBMIT)
		return resume_show(j, v, status, p, why);
	struct action_page x = {
		.id = v->id,
		.title = text2("event", event_id(ev)),
		.event = event_id(ev),
		.button = text2("event", event_id(ev)),
		.resign_day = day_french(j->pool, day_add_months(day_in_paris(v->now), 2)),
		.withdraw = ev == EV_WITHDRAW,
		.discard = ev == EV_DISCARD,
		.sign = ev == EV_SIGN && allowed,
		.appeal = ev == EV_APPEAL,
		.resign = ev == EV_RESIGN,
		.observe = ev == EV_OBSERVE,
		.amend = ev == EV_AMEND,
		.resubmit = ev == EV_RESUBMIT && allowed,
		.allowed = allowed,
		.denied = allowed ? NULL : text("action.denied"),
		.dangerous = ev == EV_WITHDRAW || ev == EV_DISCARD || ev == EV_RESIGN,
		.code_sent = str_eq(values_text(&j->query, "code"), "envoye"),
		.in_inbox = !*j->service->settings.smtp_url,
		.hidden = job_hidden(j, v->version),
		.code_hidden = job_hidden(j, -1),
	};
	if (x.resubmit)
		read_items(j, v, &x);
	x.fields = fields_of(j, ev, &all);
	lead_to_items(j, &all);
	x.summary = form_problem_summary(&all, j->pool);
	return job_page(j, status, x.title, &action_page, &x);
}

int action_ask(struct job *j, struct err *e)
{
	int64_t id = job_param_id(j, "id");

	if (!id || event_from_id(job_param(j, "event")) == EV_NONE)
		return fail(e, ERR_MISSING, "file.missing");
	j->state = file_view_ask(j, id);
	return 0;
}

int action_answer(struct job *j, struct err *e)
{
	struct file_view *v = POOL_NEW(j->pool, struct file_view);
	enum event ev = event_from_id(job_param(j, "event"));

	if (file_view_read(j, j->state, v, e))
		return -1;
	return j->json ? dossier_show(j, v, 200, NULL, NULL, e) : action_show(j, v, ev, 200, NULL, NULL, e);
}
