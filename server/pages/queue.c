#include <string.h>

#include "../../db/identity.h"
#include "../../db/queue.h"
#include "../base/str.h"
#include "../file_view.h"
#include "../text.h"
#include "agents.h"

/* ---- views ---- */

struct option_view {
	const char *value, *label;
	bool selected;
};
static const struct slot option_slots[] = {
	SLOT_T(struct option_view, value),
	SLOT_T(struct option_view, label),
	SLOT_B(struct option_view, selected),
};
static const struct view option_view = VIEW(struct option_view, option_slots);

struct row_view {
	int64_t id;
	const char *number, *name, *kind, *state, *tag, *commune, *caisse, *holder, *since, *age, *target, *deadline;
	bool late, amendment;
};
static const struct slot row_slots[] = {
	SLOT_I(struct row_view, id),       SLOT_T(struct row_view, number), SLOT_T(struct row_view, name),
	SLOT_T(struct row_view, kind),     SLOT_T(struct row_view, state),  SLOT_T(struct row_view, tag),
	SLOT_T(struct row_view, commune),  SLOT_T(struct row_view, caisse), SLOT_T(struct row_view, holder),
	SLOT_T(struct row_view, since),    SLOT_T(struct row_view, age),    SLOT_T(struct row_view, target),
	SLOT_T(struct row_view, deadline), SLOT_B(struct row_view, late),   SLOT_B(struct row_view, amendment),
};
static const struct view row_view = VIEW(struct row_view, row_slots);

struct tab_view {
	const char *url, *label, *current;
};
static const struct slot tab_slots[] = {
	SLOT_T(struct tab_view, url),
	SLOT_T(struct tab_view, label),
	SLOT_T(struct tab_view, current),
};
static const struct view tab_view = VIEW(struct tab_view, tab_slots);

struct queue_view {
	const char *title, *q, *etat, *told, *total, *csv, *xlsx, *previous, *next, *pages, *empty;
	struct list tabs, states, caisses, sorts, items;
	bool delegate, caisses_shown, items_shown, paged;
	struct markup hidden;
};
static const struct slot queue_slots[] = {
	SLOT_T(struct queue_view, title),
	SLOT_T(struct queue_view, q),
	SLOT_T(struct queue_view, etat),
	SLOT_T(struct queue_view, told),
	SLOT_T(struct queue_view, total),
	SLOT_T(struct queue_view, csv),
	SLOT_T(struct queue_view, xlsx),
	SLOT_T(struct queue_view, previous),
	SLOT_T(struct queue_view, next),
	SLOT_T(struct queue_view, pages),
	SLOT_T(struct queue_view, empty),
	SLOT_L(struct queue_view, tabs, &tab_view),
	SLOT_L(struct queue_view, states, &option_view),
	SLOT_L(struct queue_view, caisses, &option_view),
	SLOT_L(struct queue_view, sorts, &option_view),
	SLOT_L(struct queue_view, items, &row_view),
	SLOT_B(struct queue_view, delegate),
	SLOT_B(struct queue_view, caisses_shown),
	SLOT_B(struct queue_view, items_shown),
	SLOT_B(struct queue_view, paged),
	SLOT_M(struct queue_view, hidden),
};
static const struct view queue_view = VIEW(struct queue_view, queue_slots);
static const struct page queue_page = { "server/pages/queue.html", &queue_view };
PAGE(queue_page);

/* ---- the list ---- */

struct queue_state {
	struct queue_filter filter;
	size_t list, caisses;
};

static void item_json(const struct queue_item *x, struct json *out)
{
	json_obj(out);
	json_ki(out, "id", x->id);
	json_kt(out, "number", x->number);
	json_kt(out, "kind", x->kind);
	json_kt(out, "state", x->state);
	json_kt(out, "name", x->name);
	json_kt(out, "commune", x->commune);
	json_kt(out, "commune_name", x->commune_name);
	json_kt(out, "caisse", x->caisse);
	json_kt(out, "holder", x->holder);
	json_kinstant(out, "since", x->since);
	json_ki(out, "age_days", x->age);
	json_key(out, "target_days");
	if (x->target)
		json_i64(out, x->target);
	else
		json_nil(out);
	json_kb(out, "late", x->late);
	json_kinstant(out, "deadline", x->deadline);
	json_ki(out, "version", x->version);
	json_end(out);
}

static int list_json(struct job *j, const struct rows *r, const struct queue_filter *f)
{
	struct json out = json_in(j->pool);
	int64_t total = 0;

	json_obj(&out);
	json_key(&out, "items");
	json_arr(&out);
	for (size_t i = 0; i < rows_count(r); i++) {
		struct queue_item x;

		queue_item_read(j, r, i, &x);
		item_json(&x, &out);
		total = x.total;
	}
	json_end(&out);
	json_key(&out, "next");
	if (f->page * QUEUE_PAGE < total)
		json_text(&out, pool_printf(j->pool, "/dossiers%s", queue_url(j->pool, f, f->etat, f->page + 1)));
	else
		json_nil(&out);
	json_ki(&out, "total", total);
	json_end(&out);
	return job_json(j, 200, &out);
}

static struct list tabs(struct job *j, const struct queue_filter *f)
{
	static const struct {
		const char *etat, *label;
		unsigned who;
	} all[] = {
		{ "a_traiter", "À traiter", EXPERT | DELEGATE | ADMIN },
		{ "in_review", "En instruction", DELEGATE },
		{ "correction", "À compléter", EXPERT | DELEGATE },
		{ "to_sign", "À signer", DELEGATE },
		{ "to_countersign", "À contresigner", DELEGATE },
		{ "conventioned", "Conventionnés", DELEGATE },
		{ "appealed", "Recours", EXPERT | DELEGATE },
		{ "transferes", "Transférés", DELEGATE },
		{ "unrouted", "À rattacher", ADMIN },
		{ "expert_review", "Éligibilité", EXPERT | ADMIN },
		{ "", "Tous", EXPERT | DELEGATE | ADMIN },
	};
	struct tab_view *items = POOL_ARRAY(j->pool, struct tab_view, COUNT(all));
	struct queue_filter bare = { .etat = "", .caisse = f->caisse, .q = "", .tri = f->tri, .page = 1 };
	size_t n = 0;

	for (size_t i = 0; i < COUNT(all); i++)
		if (all[i].who & j->who.role)
			items[n++] = (struct tab_view){
				.url = pool_printf(j->pool, "/dossiers%s", queue_url(j->pool, &bare, all[i].etat, 0)),
				.label = all[i].label,
				.current = str_eq(all[i].etat, f->etat) ? "page" : "false",
			};
	return (struct list){ items, n };
}

static struct list state_options(struct job *j, const struct queue_filter *f)
{
	struct option_view *items = POOL_ARRAY(j->pool, struct option_view, STATES + 3);
	size_t n = 0;

	items[n++] = (struct option_view){ "", "Tous les états", !*f->etat };
	items[n++] = (struct option_view){ "a_traiter", "À traiter par moi", str_eq(f->etat, "a_traiter") };
	for (enum state s = ST_SUBMITTED; s < ST_DELETED; s++)
		items[n++] =
			(struct option_view){ state_id(s), text2("state", state_id(s)), str_eq(f->etat, state_id(s)) };
	if (j->who.role == DELEGATE)
		items[n++] = (struct option_view){ "transferes", "Transférés depuis moins de 30\u00a0jours",
						   str_eq(f->etat, "transferes") };
	return (struct list){ items, n };
}

/* Only the caisses that the reader may see files of, and only when there is a choice. */
static struct list caisse_options(struct job *j, const struct queue_filter *f, const struct rows *r)
{
	struct option_view *items = POOL_ARRAY(j->pool, struct option_view, rows_count(r) + 1);
	size_t n = 0;

	items[n++] = (struct option_view){ "", "Toutes", !*f->caisse };
	for (size_t i = 0; i < rows_count(r); i++) {
		const char *code = rows_str(r, i, "code");
		bool mine = j->who.role != DELEGATE;

		for (size_t k = 0; k < j->who.caisse_count; k++)
			mine |= str_eq(j->who.caisses[k], code);
		if (mine)
			items[n++] =
				(struct option_view){ code,
						      pool_printf(j->pool, "%s – %s", code, rows_str(r, i, "name")),
						      str_eq(code, f->caisse) };
	}
	return (struct list){ items, n > 2 ? n : 0 };
}

static struct list sort_options(struct job *j, const struct queue_filter *f)
{
	static const struct option_view all[] = {
		{ "", "À traiter, le plus ancien d’abord", false },
		{ "recent", "Le plus récent d’abord", false },
		{ "nom", "Nom", false },
		{ "numero", "Numéro", false },
		{ "etat", "État", false },
		{ "echeance", "Échéance", false },
		{ "suivi", "Personne qui suit", false },
	};
	struct option_view *items = pool_copy(j->pool, all, sizeof all);

	for (size_t i = 0; i < COUNT(all); i++)
		items[i].selected = str_eq(items[i].value, f->tri);
	return (struct list){ items, COUNT(all) };
}

static int list_html(struct job *j, const struct rows *r, const struct rows *caisses, const struct queue_filter *f)
{
	struct row_view *items = POOL_ARRAY(j->pool, struct row_view, rows_count(r) + 1);
	int64_t total = 0;

	for (size_t i = 0; i < rows_count(r); i++) {
		struct queue_item x;

		queue_item_read(j, r, i, &x);
		total = x.total;
		items[i] = (struct row_view){
			.id = x.id,
			.number = x.number,
			.name = *x.name ? x.name : "Nom effacé",
			.amendment = str_eq(x.kind, "amendment"),
			.state = text2("state", x.state),
			.tag = state_tag(x.state),
			.commune = x.commune_name ? x.commune_name
				   : x.commune    ? x.commune
						  : "–",
			.caisse = x.caisse_name ? x.caisse_name : "Non rattaché",
			.holder = x.mine     ? "Vous"
				  : x.holder ? x.holder
					     : "–",
			.since = x.since == INSTANT_NONE ? "–" : day_french(j->pool, day_in_paris(x.since)),
			.age = days_text(j->pool, x.age),
			.target = x.target ? pool_printf(j->pool, "cible\u00a0%lld", (long long)x.target) : NULL,
			.deadline =
				x.deadline == INSTANT_NONE ? "–" : day_french(j->pool, day_in_paris(x.deadline - 1)),
			.late = x.late,
		};
	}
	struct queue_view view = {
		.title = j->who.role == EXPERT  ? "Dossiers à l’étude"
			 : j->who.role == ADMIN ? "Tous les dossiers"
						: "Dossiers de votre caisse",
		.q = f->q,
		.etat = f->etat,
		.tabs = tabs(j, f),
		.states = state_options(j, f),
		.caisses = caisse_options(j, f, caisses),
		.sorts = sort_options(j, f),
		.items = { items, rows_count(r) },
		.delegate = j->who.role == DELEGATE,
		.hidden = job_hidden(j, -1),
		.csv = pool_printf(j->pool, "/dossiers.csv%s", queue_url(j->pool, f, f->etat, 0)),
		.xlsx = pool_printf(j->pool, "/dossiers.xlsx%s", queue_url(j->pool, f, f->etat, 0)),
		.total = total == 1 ? "1\u00a0dossier"
				    : pool_printf(j->pool, "%s\u00a0dossiers", number_text(j->pool, total)),
		.told = str_eq(values_text(&j->query, "dit"), "vide")
				? "La file est vide\u00a0: aucun dossier n’attend d’être pris en charge dans vos "
				  "caisses."
				: NULL,
		.empty = *f->q ? "Aucun dossier ne correspond à cette recherche. Essayez le nom, le numéro du dossier, "
				 "le numéro "
				 "RPPS ou l’adresse électronique entière."
			 : *f->etat ? "Aucun dossier dans cet état. Choisissez «\u00a0Tous\u00a0» pour voir les autres."
				    : "Les dossiers que vous pouvez lire apparaîtront ici.",
	};

	view.caisses_shown = view.caisses.count > 0;
	view.items_shown = view.items.count > 0;
	view.paged = total > QUEUE_PAGE || f->page > 1;
	if (f->page > 1)
		view.previous = pool_printf(j->pool, "/dossiers%s", queue_url(j->pool, f, f->etat, f->page - 1));
	if (f->page * QUEUE_PAGE < total)
		view.next = pool_printf(j->pool, "/dossiers%s", queue_url(j->pool, f, f->etat, f->page + 1));
	if (total > QUEUE_PAGE)
		view.pages = pool_printf(j->pool, "Page %lld sur %lld", (long long)f->page,
					 (long long)((total + QUEUE_PAGE - 1) / QUEUE_PAGE));
	return job_page(j, 200, view.title, &queue_page, &view);
}

static int list_shown(struct job *j, struct err *e)
{
	const struct queue_state *q = j->state;
	const struct rows *r = job_rows(j, q->list);

	(void)e;
	if (j->json)
		return list_json(j, r, &q->filter);
	return list_html(j, r, job_rows(j, q->caisses), &q->filter);
}

int queue_ask(struct job *j, struct err *e)
{
	struct queue_state *q = j->state = POOL_NEW(j->pool, struct queue_state);

	(void)e;
	queue_filter_read(j, &q->filter);
	return 0;
}

int queue_answer(struct job *j, struct err *e)
{
	struct queue_state *q = j->state;

	if (j->who.role == REGION)
		return j->json ? fail(e, ERR_DENIED, "denied.role") : job_redirect(j, "/statistiques");
	q->list = queue_list_ask(j, &q->filter, QUEUE_PAGE);
	if (!j->json)
		q->caisses = job_ask(j, &queue_caisses, NO_ARGS);
	job_then(j, list_shown);
	return 0;
}

/* ---- take the next ---- */

struct next_state {
	int tries;
	size_t row, known;
	int64_t file;
	const char *keys; /* beginning of the keys of this request's claims */
	struct firing firing;
	const struct file_asked *asked;
};

#define NEXT_TRIES 20

static int next_try(struct job *j, struct err *e);

static int next_empty(struct job *j)
{
	struct json out;

	if (!j->json)
		return job_redirect(j, "/dossiers?etat=a_traiter&dit=vide");
	out = json_in(j->pool);
	json_obj(&out);
	json_key(&out, "items");
	json_arr(&out);
	json_end(&out);
	json_key(&out, "next");
	json_nil(&out);
	json_ki(&out, "total", 0);
	json_kt(&out, "text", "La file est vide\u00a0: aucun dossier n’attend d’être pris en charge dans vos caisses.");
	json_end(&out);
	return job_json(j, 200, &out);
}

static int next_json(struct job *j, struct err *e)
{
	const struct next_state *s = j->state;
	struct file_view *v = POOL_NEW(j->pool, struct file_view);
	struct json out = json_in(j->pool);

	if (file_view_read(j, s->asked, v, e))
		return -1;
	file_view_json(j, v, &out);
	return job_json(j, 200, &out);
}

static int next_taken(struct job *j, int64_t file)
{
	struct next_state *s = j->state;

	if (!j->json)
		return job_redirect(j, pool_printf(j->pool, "/dossiers/%lld", (long long)file));
	s->asked = file_view_ask(j, file);
	job_then(j, next_json);
	return 0;
}

static int next_fired(struct job *j, struct err *e)
{
	struct next_state *s = j->state;

	switch (s->firing.err.kind) {
	case ERR_NONE:
		return next_taken(j, s->file);
	case ERR_STALE:
	case ERR_INPUT:
	case ERR_MISSING:
		/* Another was faster, or the file moved on: the one after. */
		if (++s->tries < NEXT_TRIES)
			return next_try(j, e);
		return fail(e, ERR_RETRY, "error.retry");
	default:
		*e = s->firing.err;
		return -1;
	}
}

static int next_found(struct job *j, struct err *e)
{
	struct next_state *s = j->state;
	const struct rows *known = job_rows(j, s->known), *r = job_rows(j, s->row);

	(void)e;
	if (s->keys && rows_count(known))
		return next_taken(j, rows_i64(known, 0, "file"));
	if (!rows_count(r))
		return next_empty(j);
	s->file = rows_i64(r, 0, "id");
	s->firing = (struct firing){ .file = s->file, .event = EV_CLAIM, .version = rows_i64(r, 0, "version") };
	if (s->keys)
		s->firing.key = pool_printf(j->pool, "%s%lld", s->keys, (long long)s->file);
	job_fire(j, &s->firing, next_fired);
	return 0;
}

/* A repeated request finds the file it took by the key that took it. */
static int next_try(struct job *j, struct err *e)
{
	struct next_state *s = j->state;

	(void)e;
	s->row = job_ask(j, &queue_next, NO_ARGS);
	if (s->keys)
		s->known = job_ask(j, &queue_next_known,
				   ARGS(arg_text(identity_actor(&j->who, 0, j->pool)), arg_text(s->keys)));
	job_then(j, next_found);
	return 0;
}

int queue_next_ask(struct job *j, struct err *e)
{
	(void)e;
	j->state = POOL_NEW(j->pool, struct next_state);
	return 0;
}

int queue_next_answer(struct job *j, struct err *e)
{
	struct next_state *s = j->state;

	if (j->key)
		s->keys = pool_printf(j->pool, "suivant|%s|", j->key);
	return next_try(j, e);
}
