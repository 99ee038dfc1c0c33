#include "form_steps.h"

#include <string.h>

#include "../../db/registry.h"
#include "../base/str.h"
#include "../form_html.h"
#include "../text.h"
#include "applicant.h"
#include "dossiers.h"
#include "simple.h"
#include "step_communes.h"
#include "step_registry.h"

#define APPLICATION form_get("application")

/* ---- a step's page ---- */

struct step_page {
	const char *title, *progress, *intro, *notice, *back, *back_label, *action, *autosave, *onward, *onward_label;
	bool draft, open; /* open: something can be changed here; else only the way on is shown */
	struct markup summary, lacks, reasons, hidden, fields, before, other_holder;
};
static const struct slot step_slots[] = {
	SLOT_T(struct step_page, title),        SLOT_T(struct step_page, progress),
	SLOT_T(struct step_page, intro),        SLOT_T(struct step_page, notice),
	SLOT_T(struct step_page, back),         SLOT_T(struct step_page, back_label),
	SLOT_T(struct step_page, action),       SLOT_T(struct step_page, autosave),
	SLOT_B(struct step_page, draft),        SLOT_M(struct step_page, summary),
	SLOT_M(struct step_page, reasons),      SLOT_M(struct step_page, hidden),
	SLOT_M(struct step_page, fields),       SLOT_M(struct step_page, before),
	SLOT_M(struct step_page, lacks),        SLOT_M(struct step_page, other_holder),
	SLOT_B(struct step_page, open),         SLOT_T(struct step_page, onward),
	SLOT_T(struct step_page, onward_label),
};
static const struct view step_page_view = VIEW(struct step_page, step_slots);
static const struct page step_page = { "server/pages/step.html", &step_page_view };
PAGE(step_page);

/* Between the steps of the job. */
struct drawing {
	const struct file_asked *asked;
	struct file_view view;
	const struct step *step;
	const struct saving *saving; /* after a save */
	int status;
	const char *notice;
	bool typed; /* show what was typed, not what is kept */
	struct values shown;
	struct problems problems;
	struct commune_asked communes[STEP_PLACES];
	bool registry_asked, places_asked;
	size_t lines_at, copy_at, places_at;
	const struct rows *lines; /* of the Annuaire Santé, for the RPPS kept */
	bool copy_there;
};

static struct drawing *drawing_of(struct job *j)
{
	struct drawing *d = j->state = POOL_NEW(j->pool, struct drawing);

	d->step = form_step(APPLICATION, job_param(j, "step"));
	d->status = 200;
	d->problems = problems_in(j->pool);
	return d;
}

static int ask_file(struct job *j, struct drawing *d, struct err *e)
{
	int64_t id = job_param_id(j, "id");

	if (!id || !d->step)
		return fail(e, ERR_MISSING, "file.missing");
	d->asked = file_view_ask(j, id);
	return 0;
}

static size_t unlocked_of(struct job *j, const struct file_view *v, const struct step *step, const char *const **out)
{
	const char **list = POOL_ARRAY(j->pool, const char *, step->item_count + 1);
	size_t n = 0;

	for (size_t i = 0; i < step->item_count; i++) {
		const char *name = step->items[i].field ? step->items[i].field->name : step->items[i].group->name;

		if (file_view_unlocked(v, name))
			list[n++] = name;
	}
	*out = list;
	return n;
}

static bool has_places(const struct step *step)
{
	return step_has_field(step, "address_commune");
}

/* "59100.59350": a postcode and a commune that one has been told about. */
static const char *pair_of(const struct values *a, size_t place, struct pool *pool)
{
	return pool_printf(pool, "%s.%s", values_text(a, pool_printf(pool, "%s_postcode", step_places[place])),
			   values_text(a, pool_printf(pool, "%s_commune", step_places[place])));
}

/* What does not go together is said beside the postcode; sending the same again means it (?admis=). */
static const char *tell_places(struct job *j, struct drawing *d)
{
	struct str told = str_in(j->pool);

	for (size_t i = 0; d->places_asked && i < STEP_PLACES; i++) {
		const char *postcode = pool_printf(j->pool, "%s_postcode", step_places[i]);
		const char *commune = pool_printf(j->pool, "%s_commune", step_places[i]);
		const char *unlike = step_place_unlike(job_rows(j, d->places_at), i, &d->shown, j->pool);

		if (!unlike || (!file_view_unlocked(&d->view, postcode) && !file_view_unlocked(&d->view, commune)))
			continue;
		if (!problems_of(&d->problems, postcode))
			problems_add(&d->problems, postcode, "commune",
				     pool_printf(j->pool, "%s %s", unlike, text("step.place.unlike")));
		d->communes[i].name = step_place_name(job_rows(j, d->places_at), i);
		str_add(&told, told.len ? "-" : "?admis=");
		str_add(&told, pair_of(&d->shown, i, j->pool));
	}
	return told.s;
}

/* There is no list to choose from where no commune has the postcode. */
static void tell_unfound(struct job *j, struct drawing *d)
{
	for (size_t k = 0; k < d->problems.count; k++)
		for (size_t i = 0; i < STEP_PLACES; i++) {
			struct problem *p = &d->problems.items[k];

			if (d->communes[i].asked && str_eq(p->code, "choice") &&
			    str_eq(p->field, pool_printf(j->pool, "%s_commune", step_places[i])) &&
			    !rows_count(job_rows(j, d->communes[i].at)))
				p->text = text("step.commune.unfound");
		}
}

static int draw(struct job *j, struct err *e)
{
	struct drawing *d = j->state;
	const char *admitted = tell_places(j, d);
	const struct file_view *v = &d->view;
	const struct step *before = step_before(v, d->step), *mine;
	const char *const *unlocked;
	size_t n = unlocked_of(j, v, d->step, &unlocked);
	struct form form;
	struct str hidden = str_in(j->pool);
	bool pieces = step_has_pieces(v, d->step);

	(void)e;
	tell_unfound(j, d);
	mine = step_with_communes(j, APPLICATION, d->step, d->communes, &d->shown, &form);
	simple_hidden(&hidden, "revision", pool_printf(j->pool, "%lld", (long long)v->revision));
	str_add(&hidden, job_hidden(j, -1).html);
	struct step_page x = {
		.title = d->step->title,
		.progress = step_progress(v, d->step, j->pool),
		.intro = d->step->intro,
		.notice = d->notice,
		.back = before && v->st == ST_DRAFT ? step_href(v, before, step_has_pieces(v, before), j->pool)
						    : pool_printf(j->pool, "/dossiers/%lld", (long long)v->id),
		.back_label = text(before && v->st == ST_DRAFT ? "step.back" : "step.back_file"),
		.action = pool_printf(j->pool, "%s%s", step_href(v, d->step, false, j->pool), admitted),
		.autosave = pool_printf(j->pool, "/dossiers/%lld/reponses", (long long)v->id),
		.onward = pieces ? step_href(v, d->step, true, j->pool)
				 : pool_printf(j->pool, "/dossiers/%lld#points", (long long)v->id),
		.onward_label = text(pieces ? "step.to_pieces" : "step.back_file"),
		.draft = v->st == ST_DRAFT,
		.open = v->st == ST_DRAFT || n,
		.summary = form_problem_summary(&d->problems, j->pool),
		.lacks = step_lacks(v, values_text(&j->query, "avant"), d->step, j->pool),
		.other_holder = step_other_holder(v, d->step, &d->shown, j->pool),
		.reasons = step_reasons(v, d->step, false, j->pool),
		.before = d->registry_asked
				  ? step_registry(v, d->lines, d->copy_there, step_has_field(d->step, "rpps"), j->pool)
				  : (struct markup){ NULL },
		.hidden = { hidden.s },
		.fields = form_fields(&form, mine, &d->shown, &d->problems, unlocked, n, v->st == ST_DRAFT, j->pool),
	};
	return job_page(j, d->status, pool_printf(j->pool, "%s – %s", x.title, x.progress), &step_page, &x);
}

/* The place of practice that the registry knows, in an address still empty: shown to be checked, not kept before. */
static void take_place(struct job *j, struct drawing *d)
{
	long at = step_registry_place(d->lines);
	struct values shown = values_in(j->pool);

	if (at < 0 || d->typed || *values_text(&d->shown, "address_postcode") ||
	    !step_has_field(d->step, "address_postcode") || d->view.st != ST_DRAFT)
		return;
	values_add_all(&shown, &d->shown);
	values_set(&shown, "address_postcode", rows_str(d->lines, (size_t)at, "postcode"));
	values_set(&shown, "address_commune", rows_str(d->lines, (size_t)at, "commune"));
	d->shown = shown;
	if (!d->notice)
		d->notice = text("registry.place");
}

/* The communes of its postcodes (or of the name typed) are looked up first. */
static int show_communes(struct job *j, struct err *e)
{
	struct drawing *d = j->state;
	bool asked = false;

	if (d->registry_asked) {
		d->lines = job_rows(j, d->lines_at);
		d->copy_there = rows_count(job_rows(j, d->copy_at)) > 0;
		take_place(j, d);
	}
	if (has_places(d->step)) {
		d->places_at = step_places_ask(j, &d->shown);
		d->places_asked = asked = true;
	}
	for (size_t i = 0; i < STEP_PLACES; i++) {
		const char *commune = pool_printf(j->pool, "%s_commune", step_places[i]);
		const char *postcode = values_text(&d->shown, pool_printf(j->pool, "%s_postcode", step_places[i]));
		const char *words = values_text(&j->query, pool_printf(j->pool, "cherche.%s", commune));

		if (!step_has_field(d->step, commune))
			continue;
		step_commune_ask(j, *words ? words : postcode, &d->communes[i]);
		asked |= d->communes[i].asked;
	}
	if (!asked)
		return draw(j, e);
	job_then(j, draw);
	return 0;
}

static int show(struct job *j, struct drawing *d, struct err *e)
{
	const char *rpps = values_text(&d->view.answers, "rpps");

	j->state = d;
	if (!d->typed)
		d->shown = d->view.answers;
	if (!*rpps || d->view.st != ST_DRAFT ||
	    (!step_has_field(d->step, "rpps") && !step_has_field(d->step, "address_postcode")))
		return show_communes(j, e);
	d->registry_asked = true;
	d->lines_at = job_ask(j, &registry_lines_of, ARGS(arg_text(rpps)));
	d->copy_at = job_ask(j, &registry_current, NO_ARGS);
	job_then(j, show_communes);
	return 0;
}

/* ?lignes=3: as many rows, though the last ones hold nothing yet. */
static void more_rows(struct job *j, struct drawing *d)
{
	struct values shown = values_in(j->pool);
	int64_t wanted;

	if (str_to_i64(values_text(&j->query, "lignes"), &wanted) || wanted < 1 || wanted > FORM_ROWS)
		return;
	values_add_all(&shown, &d->view.answers);
	for (size_t i = 0; i < d->step->item_count; i++) {
		const struct group *g = d->step->items[i].group;
		size_t rows = g ? values_rows(&shown, g->name) : 0;

		if (!g || !file_view_unlocked(&d->view, g->name))
			continue;
		if (wanted > g->max)
			wanted = g->max;
		if (rows < (size_t)wanted)
			values_add(&shown, field_flat(&g->fields[0], (size_t)wanted - 1, j->pool), "");
	}
	d->view.answers = shown;
}

int step_ask(struct job *j, struct err *e)
{
	return ask_file(j, drawing_of(j), e);
}

/* Where a file that is not worked on, or a step that is not asked, leads. */
static const char *elsewhere(struct job *j, const struct drawing *d)
{
	const struct file_view *v = &d->view;

	if (!step_open(v))
		return pool_printf(j->pool, "/dossiers/%lld", (long long)v->id);
	if (!step_asked(d->step, &v->answers))
		return step_after(v, d->step, true, j->pool);
	return NULL;
}

int step_answer(struct job *j, struct err *e)
{
	struct drawing *d = j->state;
	const char *other;

	if (file_view_read(j, d->asked, &d->view, e))
		return -1;
	if (j->json)
		return dossier_show(j, &d->view, 200, NULL, NULL, e);
	other = elsewhere(j, d);
	if (other)
		return job_redirect(j, other);
	more_rows(j, d);
	return show(j, d, e);
}

/* ---- saving ---- */

/*
 * Other steps decide what is asked here: all the answers, what was typed over this step's. What is only read is shown
 * as it is kept: a page from before the file was sent sends it too.
 */
static void show_typed(struct job *j, struct drawing *d, const struct values *typed)
{
	d->shown = values_in(j->pool);
	for (size_t i = 0; i < d->view.answers.count; i++) {
		const struct value *x = &d->view.answers.items[i];

		if (form_step_of(APPLICATION, x->name) != d->step || !file_view_unlocked(&d->view, x->name))
			values_add(&d->shown, x->name, x->text);
	}
	for (size_t i = 0; i < typed->count; i++)
		if (file_view_unlocked(&d->view, typed->items[i].name))
			values_add(&d->shown, typed->items[i].name, typed->items[i].text);
	d->typed = true;
}

/* What was typed, with the rows as they are kept now, judged again so that problems name them so. */
static void typed_again(struct job *j, struct drawing *d)
{
	const struct step *step = d->step;
	struct values kept = values_in(j->pool), typed = values_in(j->pool);
	int map[FORM_ROWS];
	const struct group *group = NULL;

	for (size_t i = 0; i < step->item_count; i++)
		if (step->items[i].group)
			group = step->items[i].group;
	if (group)
		form_row_map(group, &j->sent, map);
	for (size_t i = 0; i < j->sent.count; i++) {
		const struct value *x = &j->sent.items[i];
		size_t len, row;
		const char *rest;

		if (!group || !values_split(x->name, &len, &row, &rest) || len != strlen(group->name) ||
		    strncmp(x->name, group->name, len) != 0)
			values_add(&typed, x->name, x->text);
		else if (row < FORM_ROWS && map[row] >= 0)
			values_add(&typed, pool_printf(j->pool, "%s[%d].%s", group->name, map[row], rest), x->text);
	}
	d->problems = problems_in(j->pool);
	form_validate_over(APPLICATION, &typed, &d->view.answers, day_in_paris(d->view.now), FORM_SYNTAX, &kept,
			   &d->problems);
	show_typed(j, d, &typed);
}

/* A postcode without its commune: it is to be chosen from the list that the page now shows. */
static void commune_problems(struct job *j, struct drawing *d)
{
	for (size_t i = 0; i < STEP_PLACES; i++) {
		const char *commune = pool_printf(j->pool, "%s_commune", step_places[i]);
		const char *postcode = values_text(&j->sent, pool_printf(j->pool, "%s_postcode", step_places[i]));
		bool asked = *values_text(&j->query, pool_printf(j->pool, "cherche.%s", commune)) || *postcode;

		if (step_has_field(d->step, commune) && file_view_unlocked(&d->view, commune) && asked &&
		    !*values_text(&j->sent, commune) && values_get(&j->sent, commune) &&
		    !problems_of(&d->problems, commune))
			problems_add(&d->problems, commune, "choice", text("step.commune.choose"));
	}
}

static bool step_has_secret(const struct step *step)
{
	for (size_t i = 0; i < step->item_count; i++)
		if (step->items[i].field && step->items[i].field->secret)
			return true;
	return false;
}

static int go_on(struct job *j, const struct drawing *d)
{
	const char *button = values_text(&j->query, "bouton"), *here = step_href(&d->view, d->step, false, j->pool);

	if (str_eq(button, "ligne"))
		return job_redirect(j, pool_printf(j->pool, "%s?lignes=%s", here, values_text(&j->query, "lignes")));
	return job_redirect(j, *button == '-' ? here : step_leave(&d->view, d->step, false, j->pool));
}

/* All is saved; a postcode that is not its commune's is told once. */
static int places_read(struct job *j, struct err *e)
{
	struct drawing *d = j->state;
	const char *admitted = values_text(&j->query, "admis");

	for (size_t i = 0; i < STEP_PLACES; i++)
		if (step_place_unlike(job_rows(j, d->places_at), i, &d->view.answers, j->pool) &&
		    !strstr(admitted, pair_of(&d->view.answers, i, j->pool))) {
			d->status = 422;
			return show(j, d, e);
		}
	return go_on(j, d);
}

static int saved_read(struct job *j, struct err *e)
{
	struct drawing *d = j->state;
	const char *button = values_text(&j->query, "bouton");

	if (file_view_read(j, d->asked, &d->view, e))
		return -1;
	if (!step_open(&d->view))
		return job_redirect(j, elsewhere(j, d));
	if (j->json) {
		if (d->saving->stale)
			return fail(e, ERR_STALE, "reponses.stale");
		return d->saving->problems.count ? job_problems(j, &d->saving->problems)
						 : dossier_show(j, &d->view, 200, NULL, NULL, e);
	}
	typed_again(j, d);
	if (d->saving->stale) {
		d->status = 409;
		d->notice = text("step.stale");
		return show(j, d, e);
	}
	for (size_t i = 0; i < d->saving->problems.count; i++) /* what only saving knows: locked answers */
		if (str_eq(d->saving->problems.items[i].code, "locked"))
			problems_add(&d->problems, d->saving->problems.items[i].field, "locked",
				     d->saving->problems.items[i].text);
	commune_problems(j, d);
	if (str_eq(button, "plus_tard") && !d->problems.count)
		return job_redirect(j, pool_printf(j->pool, "/dossiers/%lld", (long long)d->view.id));
	if (d->problems.count) {
		d->status = 422;
		/* One may come Back to it, which is no sending again: the browser keeps the page, unless it holds a
		 * secret. */
		if (!step_has_secret(d->step))
			job_header(j, "cache-control", "private, no-cache");
		return show(j, d, e);
	}
	if (!has_places(d->step))
		return go_on(j, d);
	d->places_at = step_places_ask(j, &d->view.answers);
	job_then(j, places_read);
	return 0;
}

static int saved(struct job *j, struct err *e)
{
	const struct saving *saving = saving_of(j);
	struct drawing *d = drawing_of(j);

	d->saving = saving;
	if (ask_file(j, d, e))
		return -1;
	job_then(j, saved_read);
	return 0;
}

static int save(struct job *j, struct drawing *d, struct err *e)
{
	return reponses_save(j, &d->view, saved, e);
}

/* A name, or a postcode alone, becomes the commune that was meant; otherwise the page lets one choose. */
static int communes_found(struct job *j, struct err *e)
{
	struct drawing *d = j->state;

	for (size_t i = 0; i < STEP_PLACES; i++) {
		const char *name = pool_printf(j->pool, "%s_commune", step_places[i]);
		const char *sent = values_text(&j->sent, name);
		const struct commune *found, *meant;
		size_t n;
		bool kept = false;

		if (!d->communes[i].asked)
			continue;
		n = commune_read(job_rows(j, d->communes[i].at), j->pool, &found);
		for (size_t k = 0; k < n; k++)
			kept |= str_eq(found[k].code, sent);
		meant = commune_meant(found, n);
		if (!kept)
			values_set(&j->sent, name, meant ? meant->code : "");
		if (!kept && !meant && !n) /* nothing by that name: the list of the postcode is shown */
			values_remove(&j->query, pool_printf(j->pool, "cherche.%s", name));
	}
	return save(j, d, e);
}

static bool look_up_communes(struct job *j, struct drawing *d)
{
	bool asked = false;

	for (size_t i = 0; i < STEP_PLACES; i++) {
		const char *name = pool_printf(j->pool, "%s_commune", step_places[i]);
		const char *at = pool_printf(j->pool, "%s_postcode", step_places[i]);
		const char *sent = str_trim(j->pool, values_text(&j->sent, name)),
			   *postcode = values_text(&j->sent, at);
		const char *words = NULL, *known = commune_postcode(postcode, j->pool);

		if (!step_has_field(d->step, name) || !values_get(&j->sent, at))
			continue;
		if (!*sent)
			words = postcode;
		else if (!commune_is_code(sent))
			words = pool_printf(j->pool, "%s %s", known ? known : "", sent);
		if (!words || !*words)
			continue;
		values_set(&j->query, pool_printf(j->pool, "cherche.%s", name), words);
		step_commune_ask(j, words, &d->communes[i]);
		asked |= d->communes[i].asked;
		if (!d->communes[i].asked && !commune_is_code(sent))
			values_set(&j->sent, name, "");
	}
	return asked;
}

/* Takes one row away where it stands, so that saving sees which rows moved (and their pieces with them). */
static bool take_row_away(struct job *j, const char *row)
{
	size_t n = 0, len = strlen(row);

	for (size_t i = 0; i < j->sent.count; i++) {
		const char *name = j->sent.items[i].name;

		if (strncmp(name, row, len) != 0 || (name[len] && name[len] != '.'))
			j->sent.items[n++] = j->sent.items[i];
	}
	j->sent.count = n;
	return true;
}

/* Can all that was typed be saved as it is? Then the row is added to a page of its own address: Back finds it. */
static bool adds_cleanly(struct job *j, const struct drawing *d)
{
	struct values kept = values_in(j->pool);
	struct problems p = problems_in(j->pool);

	return !has_places(d->step) && !form_validate_over(APPLICATION, &j->sent, &d->view.answers,
							   day_in_paris(d->view.now), FORM_SYNTAX, &kept, &p);
}

int step_save_answer(struct job *j, struct err *e)
{
	struct drawing *d = j->state;
	const char *other, *take, *button = pool_strdup(j->pool, values_text(&j->sent, "suite"));
	const char *admitted = pool_strdup(j->pool, values_text(&j->query, "admis"));

	if (file_view_read(j, d->asked, &d->view, e))
		return -1;
	other = elsewhere(j, d);
	if (other && j->json)
		return fail(e, ERR_STALE, "reponses.closed");
	if (other)
		return job_redirect(j, other);
	take = pool_strdup(j->pool, values_get(&j->sent, "remove_row"));
	values_remove(&j->sent, "suite");
	/* Only what this page was given travels beside the answers. */
	j->query = values_in(j->pool);
	if (values_get(&j->sent, "add_row")) {
		const char *group = pool_strdup(j->pool, values_text(&j->sent, "add_row"));

		form_press_rows(APPLICATION, &j->sent);
		struct values typed = j->sent;
		if (adds_cleanly(j, d)) {
			values_add(&j->query, "bouton", "ligne");
			values_add(&j->query, "lignes", pool_printf(j->pool, "%zu", values_rows(&typed, group)));
			return save(j, d, e);
		}
		/* What is wrong must not be lost: nothing is saved, the page comes back as it was, with one row more.
		 */
		show_typed(j, d, &typed);
		return show(j, d, e);
	}
	if (take) {
		values_remove(&j->sent, "remove_row");
		take_row_away(j, take);
		button = "-";
	}
	values_add(&j->query, "bouton", button);
	values_add(&j->query, "admis", admitted);
	if (look_up_communes(j, d)) {
		job_then(j, communes_found);
		return 0;
	}
	return save(j, d, e);
}
