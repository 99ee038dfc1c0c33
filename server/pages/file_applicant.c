#include "file_applicant.h"

#include <stdio.h>
#include <string.h>

#include "../../db/sealed.h"
#include "../../db/signing.h"
#include "../base/crypto.h"
#include "../base/str.h"
#include "../form_html.h"
#include "../pieces.h"
#include "../text.h"
#include "agents.h"
#include "form_steps.h"

/* ---- what the template shows ---- */

struct step_row {
	const char *href, *label, *status_id;
	bool done;
};
static const struct slot step_slots[] = { SLOT_T(struct step_row, href), SLOT_T(struct step_row, label),
					  SLOT_T(struct step_row, status_id), SLOT_B(struct step_row, done) };
static const struct view step_view = VIEW(struct step_row, step_slots);

struct item_row {
	const char *what, *text, *href;
	bool is_piece, changed;
};
static const struct slot item_slots[] = { SLOT_T(struct item_row, what), SLOT_T(struct item_row, text),
					  SLOT_T(struct item_row, href), SLOT_B(struct item_row, is_piece),
					  SLOT_B(struct item_row, changed) };
static const struct view item_row_view = VIEW(struct item_row, item_slots);

struct action_row {
	const char *href, *label;
	bool main;
};
static const struct slot action_slots[] = { SLOT_T(struct action_row, href), SLOT_T(struct action_row, label),
					    SLOT_B(struct action_row, main) };
static const struct view action_view = VIEW(struct action_row, action_slots);

struct message_row {
	int64_t message;
	const char *subject, *when, *mail;
};
static const struct slot message_slots[] = { SLOT_I(struct message_row, message), SLOT_T(struct message_row, subject),
					     SLOT_T(struct message_row, when), SLOT_T(struct message_row, mail) };
static const struct view message_view = VIEW(struct message_row, message_slots);

struct event_row {
	const char *when, *by, *label, *caisse_name, *text;
};
static const struct slot event_slots[] = {
	SLOT_T(struct event_row, when),        SLOT_T(struct event_row, by),   SLOT_T(struct event_row, label),
	SLOT_T(struct event_row, caisse_name), SLOT_T(struct event_row, text),
};
static const struct view event_row_view = VIEW(struct event_row, event_slots);

struct check_row {
	const char *name, *result, *check_tag, *reason, *source, *when;
	bool settled, maintained;
};
static const struct slot check_slots[] = {
	SLOT_T(struct check_row, name),    SLOT_T(struct check_row, result),     SLOT_T(struct check_row, check_tag),
	SLOT_T(struct check_row, reason),  SLOT_T(struct check_row, source),     SLOT_T(struct check_row, when),
	SLOT_B(struct check_row, settled), SLOT_B(struct check_row, maintained),
};
static const struct view check_row_view = VIEW(struct check_row, check_slots);

struct piece_row {
	int64_t piece;
	const char *kind, *name, *size, *scan, *problem, *opened;
	bool erased;
};
static const struct slot piece_slots[] = {
	SLOT_I(struct piece_row, piece),  SLOT_T(struct piece_row, kind),   SLOT_T(struct piece_row, name),
	SLOT_T(struct piece_row, size),   SLOT_T(struct piece_row, scan),   SLOT_T(struct piece_row, problem),
	SLOT_T(struct piece_row, opened), SLOT_B(struct piece_row, erased),
};
static const struct view piece_row_view = VIEW(struct piece_row, piece_slots);

struct applicant_view {
	int64_t id, items_open, presumed_days, draft_days;
	const char *notified;
	const char *title, *number, *kind_label, *tag, *state_label, *caisse, *deadline, *target, *effective, *term,
		*until, *measure_from;
	const char *appeal_limit, *continue_href, *continue_label, *child_href, *parent_href, *employer_href, *formula,
		*route, *route_caisse;
	bool draft, submitted, expert_review, correction, unrouted, in_review, to_sign, to_countersign, conventioned;
	bool suspended, leaving, ended, refused, appealed, withdrawn, closed;
	bool amendment, eligible, one_item, all_changed, i_signed, has_employer, later, may_appeal, sent,
		has_convention, sealing, profile;
	bool has_actions, has_messages, has_events, has_checks, has_experience, has_pieces;
	struct list steps, items, actions, messages, events, checks, pieces;
	struct markup summary, chart;
};
#define T(m) SLOT_T(struct applicant_view, m)
#define B(m) SLOT_B(struct applicant_view, m)
#define L(m, v) SLOT_L(struct applicant_view, m, &v)
static const struct slot applicant_slots[] = {
	SLOT_I(struct applicant_view, id),
	SLOT_I(struct applicant_view, items_open),
	SLOT_I(struct applicant_view, presumed_days),
	SLOT_I(struct applicant_view, draft_days),
	T(notified),
	T(title),
	T(number),
	T(kind_label),
	T(tag),
	T(state_label),
	T(caisse),
	T(deadline),
	T(target),
	T(effective),
	T(term),
	T(until),
	T(measure_from),
	T(appeal_limit),
	T(continue_href),
	T(continue_label),
	T(child_href),
	T(employer_href),
	T(parent_href),
	T(formula),
	T(route),
	T(route_caisse),
	B(draft),
	B(submitted),
	B(expert_review),
	B(correction),
	B(unrouted),
	B(in_review),
	B(to_sign),
	B(to_countersign),
	B(conventioned),
	B(suspended),
	B(leaving),
	B(ended),
	B(refused),
	B(appealed),
	B(withdrawn),
	B(closed),
	B(amendment),
	B(eligible),
	B(one_item),
	B(all_changed),
	B(i_signed),
	B(has_employer),
	B(later),
	B(may_appeal),
	B(sent),
	B(has_convention),
	B(sealing),
	B(profile),
	B(has_actions),
	B(has_messages),
	B(has_events),
	B(has_checks),
	B(has_experience),
	B(has_pieces),
	L(steps, step_view),
	L(items, item_row_view),
	L(actions, action_view),
	L(messages, message_view),
	L(events, event_row_view),
	L(checks, check_row_view),
	L(pieces, piece_row_view),
	SLOT_M(struct applicant_view, summary),
	SLOT_M(struct applicant_view, chart),
};
#undef T
#undef B
#undef L
static const struct view applicant_view = VIEW(struct applicant_view, applicant_slots);
static const struct page applicant_page = { "server/pages/file_applicant.html", &applicant_view };
PAGE(applicant_page);

/* ---- words ---- */

struct problems problems_with(struct job *j, const struct problems *p, const struct err *why)
{
	struct problems all = problems_in(j->pool);

	for (size_t i = 0; p && i < p->count; i++)
		problems_add(&all, p->items[i].field, p->items[i].code, p->items[i].text);
	if (why && why->text && !all.count)
		problems_add(&all, why->field ? why->field : "", why->text, text_fill(j->pool, why->text, why->arg));
	return all;
}

static const char *last_day(struct pool *pool, instant_t deadline)
{
	return deadline == INSTANT_NONE ? NULL : day_french(pool, day_in_paris(deadline - 1));
}

static const char *day_or_null(struct pool *pool, day_t day)
{
	return day == DAY_NONE ? NULL : day_french(pool, day);
}

/* ---- parts ---- */

static void set_state(struct applicant_view *x, enum state s)
{
	x->draft = s == ST_DRAFT;
	x->submitted = s == ST_SUBMITTED;
	x->expert_review = s == ST_EXPERT_REVIEW;
	x->correction = s == ST_CORRECTION;
	x->unrouted = s == ST_UNROUTED;
	x->in_review = s == ST_IN_REVIEW;
	x->to_sign = s == ST_TO_SIGN;
	x->to_countersign = s == ST_TO_COUNTERSIGN;
	x->conventioned = s == ST_CONVENTIONED;
	x->suspended = s == ST_SUSPENDED;
	x->leaving = s == ST_LEAVING;
	x->ended = s == ST_ENDED;
	x->refused = s == ST_REFUSED;
	x->appealed = s == ST_APPEALED;
	x->withdrawn = s == ST_WITHDRAWN;
	x->closed = s == ST_CLOSED;
}

static void read_steps(struct job *j, const struct file_view *v, struct applicant_view *x)
{
	const struct form *form = form_get("application");
	struct step_row *rows = POOL_ARRAY(j->pool, struct step_row, form->step_count);
	size_t n = 0;

	x->continue_href = pool_printf(j->pool, "/dossiers/%lld/resume", (long long)v->id);
	x->continue_label = text("applicant.finish");
	if (v->facts.kind == KIND_AMENDMENT && v->revision <= 1) { /* all is there already, but for what changes */
		x->continue_href = pool_printf(j->pool, "/dossiers/%lld/etapes/%s", (long long)v->id,
					       str_eq(v->amends, "bank") ? "banque" : "exercice");
		x->continue_label = text("applicant.change");
	}
	for (size_t i = 0; i < form->step_count; i++) {
		const struct step *step = &form->steps[i];

		if (!step_asked(step, &v->answers))
			continue;
		rows[n] = (struct step_row){
			.href = step_href(v, step, step_lacks_only_pieces(v, step), j->pool),
			.label = step->title,
			.status_id = pool_printf(j->pool, "etat-%s", step->id),
			.done = step_complete(v, step),
		};
		if (!rows[n].done && str_ends(x->continue_href, "/resume")) {
			x->continue_href = rows[n].href;
			x->continue_label = text(v->revision > 1 ? "applicant.continue" : "applicant.start");
		}
		n++;
	}
	x->steps = (struct list){ rows, n };
}

static void read_items(struct job *j, const struct file_view *v, struct applicant_view *x)
{
	struct item_row *rows = POOL_ARRAY(j->pool, struct item_row, v->item_count + 1);
	size_t n = 0, changed = 0;

	for (size_t i = 0; i < v->item_count; i++) {
		if (v->items[i].answered)
			continue;
		changed += v->items[i].changed;
		rows[n++] = (struct item_row){
			.what = item_label(v, &v->items[i], j->pool),
			.text = v->items[i].text,
			.href = item_href(v, &v->items[i], j->pool),
			.is_piece = v->items[i].piece && *v->items[i].piece,
			.changed = v->items[i].changed,
		};
	}
	x->items = (struct list){ rows, n };
	x->items_open = (int64_t)n;
	x->one_item = n == 1;
	x->all_changed = n && changed == n;
}

/* The one that moves the file on, in this state. */
static bool is_main(const struct file_view *v, enum event ev)
{
	return ev == EV_RESUBMIT || (ev == EV_SIGN && !v->facts.applicant_signed) || ev == EV_APPEAL;
}

static void read_actions(struct job *j, const struct file_view *v, struct applicant_view *x)
{
	struct action_row *rows = POOL_ARRAY(j->pool, struct action_row, v->action_count + 1);
	size_t n = 0;

	for (size_t i = 0; i < v->action_count; i++) {
		enum event ev = v->actions[i];

		if (ev == EV_SUBMIT)
			continue; /* at the end of the steps */
		rows[n++] = (struct action_row){
			.href = pool_printf(j->pool, "/dossiers/%lld/evenements/%s", (long long)v->id, event_id(ev)),
			.label = text2("event", event_id(ev)),
			.main = is_main(v, ev),
		};
	}
	x->actions = (struct list){ rows, n };
}

static void read_messages(struct job *j, const struct file_view *v, struct applicant_view *x)
{
	size_t count = rows_count(v->messages), n = 0;
	struct message_row *rows = POOL_ARRAY(j->pool, struct message_row, count + 1);

	for (size_t i = count; i-- > 0;) {
		if (!rows_bool(v->messages, i, "to_applicant") || rows_null(v->messages, i, "subject"))
			continue;
		rows[n++] = (struct message_row){
			.message = rows_i64(v->messages, i, "id"),
			.subject = rows_str(v->messages, i, "subject"),
			.when = instant_french(j->pool, rows_instant(v->messages, i, "at")),
			.mail = text2("mail_state", rows_str(v->messages, i, "mail_state")),
		};
	}
	x->messages = (struct list){ rows, n };
}

/* What experts write to one another before they decide is not the applicant's to read as a decision. */
static bool is_told(const char *event)
{
	return !str_eq(event, "propose_ineligible") && !str_eq(event, "object") && !str_eq(event, "claim") &&
	       !str_eq(event, "release") && !str_eq(event, "take_over");
}

static void read_events(struct job *j, const struct file_view *v, struct applicant_view *x)
{
	struct event_row *rows = POOL_ARRAY(j->pool, struct event_row, v->event_count + 1);
	size_t n = 0;

	for (size_t i = v->event_count; i-- > 0;) {
		const struct event_view *ev = &v->events[i];
		const char *said = ev->text && *ev->text && is_told(ev->event) ? ev->text : NULL;

		rows[n++] = (struct event_row){
			.when = instant_french(j->pool, ev->at),
			.by = str_starts(ev->actor, "account:") ? text("applicant.you") : text2("role", ev->role),
			.label = text2("event_past", ev->event),
			.caisse_name =
				str_eq(ev->event, "transfer") || str_eq(ev->event, "route") ? ev->caisse_name : NULL,
			.text = said,
		};
	}
	x->events = (struct list){ rows, n };
}

static void read_checks(struct job *j, const struct file_view *v, struct applicant_view *x)
{
	struct check_row *rows = POOL_ARRAY(j->pool, struct check_row, v->check_count + 1);
	size_t n = 0;

	for (int c = 0; c < CHECKS; c++)
		for (size_t i = 0; i < v->check_count; i++) {
			const struct check_view *k = &v->checks[i];

			if (k->earlier || !str_eq(k->code, check_id((enum check)c)))
				continue;
			rows[n++] = (struct check_row){
				.name = text2("check_name", k->code),
				.result = text2("result", k->result),
				.check_tag = result_tag(k->result),
				.reason = text2("check", k->reason),
				.source = check_source(k->source, j->pool),
				.when = instant_french(j->pool, k->at),
				.settled = k->settled,
				.maintained = k->maintained,
			};
			break;
		}
	x->checks = (struct list){ rows, n };
}

/* "Ouverte par un délégué de la CPAM le …": who opened my documents. */
static const char *opened_by(struct job *j, const struct file_view *v, int64_t piece)
{
	struct str out = str_in(j->pool);

	for (size_t i = 0; i < v->opening_count; i++) {
		const struct opening_view *o = &v->openings[i];

		if (o->piece != piece)
			continue;
		str_addf(&out, "%s%s, %s", out.len ? "\u00a0; " : "", text2("opened", o->role),
			 instant_french(j->pool, o->at));
	}
	return out.len ? out.s : text("opened.nobody");
}

static void read_pieces(struct job *j, const struct file_view *v, struct applicant_view *x)
{
	struct piece_row *rows = POOL_ARRAY(j->pool, struct piece_row, v->piece_count + 1);

	for (size_t i = 0; i < v->piece_count; i++) {
		const struct piece_view *p = &v->pieces[i];

		rows[i] = (struct piece_row){
			.piece = p->id,
			.kind = piece_label(p->kind, p->for_row, j->pool),
			.name = *p->name ? p->name : text("piece_name.unnamed"),
			.size = text_size(j->pool, p->size),
			.scan = text2("scan", p->scan),
			.problem = p->problem ? text2("piece", p->problem) : NULL,
			.opened = v->st == ST_DRAFT ? NULL : opened_by(j, v, p->id),
			.erased = p->erased,
		};
	}
	x->pieces = (struct list){ rows, v->piece_count };
}

static const char *file_href(struct pool *pool, int64_t id)
{
	return id ? pool_printf(pool, "/dossiers/%lld", (long long)id) : NULL;
}

/* What waits for the employer's link, which only the demonstration shows: no e-mail leaves it. */
struct waiting {
	const struct file_view *view;
	int status;
	struct problems problems;
	size_t link;
};

static int page(struct job *j, const struct file_view *v, int status, const struct problems *p,
		const char *employer_href);

static int linked(struct job *j, struct err *e)
{
	const struct waiting *w = j->state;
	unsigned char *token;
	size_t n;

	if (sealed_read(j->service->keys, sealed_at(SEALED_EMPLOYER_LINK, w->view->id), job_rows(j, w->link), 0,
			"token", j->pool, &token, &n, e))
		return -1;
	return page(j, w->view, w->status, &w->problems,
		    token ? pool_printf(j->pool, "/convention/%s", (const char *)token) : NULL);
}

int file_page_applicant(struct job *j, const struct file_view *v, int status, const struct problems *p,
			const struct err *why, struct err *e)
{
	enum event ev = event_from_id(job_param(j, "event"));
	struct problems all = problems_with(j, p, why);
	struct waiting *w;

	if (ev != EV_NONE && status == 422)
		return action_show(j, v, ev, status, p, why, e);
	if (!j->service->settings.demo || v->st != ST_TO_SIGN || !v->facts.has_employer || v->facts.employer_signed)
		return page(j, v, status, &all, NULL);
	w = j->state = POOL_NEW(j->pool, struct waiting);
	*w = (struct waiting){ .view = v, .status = status, .problems = all };
	w->link = job_ask(j, &employer_link_read, ARGS(arg_i64(j->pool, v->id)));
	job_then(j, linked);
	return 0;
}

static int page(struct job *j, const struct file_view *v, int status, const struct problems *p,
		const char *employer_href)
{
	struct applicant_view x = { .id = v->id };
	instant_t queued = rows_instant(v->row, 0, "queue_since"), decided = rows_instant(v->row, 0, "decided_at");
	instant_t notified =
		notified_at(decided, rows_instant(v->row, 0, "notified_at"), v->now, policy_now(j->service));
	day_t effective = rows_day(v->row, 0, "effective_date");

	set_state(&x, v->st);
	x.title = text(v->facts.kind == KIND_AMENDMENT
			       ? pool_printf(j->pool, "applicant.title.%s", v->amends ? v->amends : "address")
			       : "applicant.title");
	x.number = v->number;
	x.kind_label = text2("kind", v->kind);
	x.state_label = text2("state", v->state);
	x.tag = state_tag(v->state);
	x.caisse = rows_text(v->row, 0, "caisse_name");
	x.deadline = last_day(j->pool, rows_instant(v->row, 0, "deadline"));
	x.target = queued == INSTANT_NONE ? NULL
					  : day_french(j->pool, day_add_working(day_in_paris(queued),
										policy_now(j->service)->review_target));
	x.effective = day_or_null(j->pool, effective);
	x.later = effective != DAY_NONE && effective > day_in_paris(v->now);
	x.term = v->st == ST_CONVENTIONED ? x.deadline : NULL; /* the last day of its running year */
	x.until = day_or_null(j->pool, rows_day(v->row, 0, "until_date"));
	x.measure_from = v->measure_from == INSTANT_NONE ? NULL : day_french(j->pool, day_in_paris(v->measure_from));
	x.may_appeal = file_view_may(v, EV_APPEAL);
	/* The first opening is the notification, unless the days after which it is presumed had passed. */
	if (notified == INSTANT_NONE)
		notified = v->now;
	x.appeal_limit = last_day(j->pool, appeal_limit(notified));
	x.notified = day_french(j->pool, day_in_paris(notified));
	x.presumed_days = policy_now(j->service)->notified_after_days;
	x.draft_days = policy_now(j->service)->draft_days;
	x.amendment = v->facts.kind == KIND_AMENDMENT;
	x.eligible = v->facts.eligible;
	x.i_signed = v->facts.applicant_signed;
	x.has_employer = v->facts.has_employer;
	x.sent = v->has_frozen && v->version > 0;
	x.has_convention = !rows_null(v->row, 0, "document");
	x.sealing = file_view_sealing(v);
	x.profile = v->st == ST_CONVENTIONED || v->st == ST_LEAVING || v->st == ST_SUSPENDED;
	x.employer_href = employer_href;
	x.child_href = file_href(j->pool, v->child);
	x.parent_href = file_href(j->pool, v->parent);
	x.route = rows_text(v->row, 0, "route_explained");
	x.route_caisse = rows_text(v->row, 0, "route_name");
	x.summary = form_problem_summary(p, j->pool);
	if (x.draft)
		read_steps(j, v, &x);
	if (x.correction)
		read_items(j, v, &x);
	read_actions(j, v, &x);
	x.has_actions = x.actions.count || x.has_convention || x.profile || x.child_href || x.parent_href;
	read_messages(j, v, &x);
	x.has_messages = x.messages.count > 0;
	read_events(j, v, &x);
	x.has_events = x.events.count > 0;
	read_checks(j, v, &x);
	x.has_checks = x.checks.count > 0;
	read_pieces(j, v, &x);
	x.has_pieces = x.pieces.count > 0;
	x.has_experience = v->has_experience && v->experience.formula;
	if (x.has_experience) {
		x.formula = v->experience.formula;
		x.chart = experience_chart(v, j->pool);
	}
	return job_page(j, status, x.title, &applicant_page, &x);
}
