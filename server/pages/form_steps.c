#include "form_steps.h"

#include <string.h>

#include "../../db/commune.h"
#include "../../workflow/items.h"
#include "../base/str.h"
#include "../form_html.h"
#include "../text.h"
#include "applicant.h"
#include "directory.h"
#include "dossiers.h"
#include "simple.h"

#define APPLICATION form_get("application")

/* ---- where one is ---- */

bool step_open(const struct file_view *v)
{
	return v->facts.owns_file && (v->st == ST_DRAFT || v->st == ST_CORRECTION);
}

const char *step_progress(const struct file_view *v, const struct step *step, struct pool *pool)
{
	const struct form *f = APPLICATION;
	size_t at = 0, total = 0;

	for (size_t i = 0; i < f->step_count; i++) {
		if (!step_asked(&f->steps[i], &v->answers))
			continue;
		total++;
		if (&f->steps[i] == step)
			at = total;
	}
	return pool_printf(pool, "Étape\u00a0%zu sur\u00a0%zu", at, total);
}

const struct step *step_next(const struct file_view *v, const struct step *step)
{
	const struct form *f = APPLICATION;

	for (size_t i = (size_t)(step - f->steps) + 1; i < f->step_count; i++)
		if (step_asked(&f->steps[i], &v->answers))
			return &f->steps[i];
	return NULL;
}

static const struct step *step_before(const struct file_view *v, const struct step *step)
{
	const struct form *f = APPLICATION;

	for (size_t i = (size_t)(step - f->steps); i-- > 0;)
		if (step_asked(&f->steps[i], &v->answers))
			return &f->steps[i];
	return NULL;
}

const char *step_href(const struct file_view *v, const struct step *step, bool pieces, struct pool *pool)
{
	return pool_printf(pool, "/dossiers/%lld/etapes/%s%s", (long long)v->id, step->id, pieces ? "/pieces" : "");
}

bool step_has_pieces(const struct file_view *v, const struct step *step)
{
	(void)v;
	return step->piece_kind_count > 0;
}

const char *step_after(const struct file_view *v, const struct step *step, bool pieces, struct pool *pool)
{
	const struct step *next = step_next(v, step);

	/* In a correction one goes back to the list of points. */
	if (v->st == ST_CORRECTION)
		return pool_printf(pool, "/dossiers/%lld#points", (long long)v->id);
	if (!pieces && step_has_pieces(v, step))
		return step_href(v, step, true, pool);
	return next ? step_href(v, next, false, pool) : pool_printf(pool, "/dossiers/%lld/resume", (long long)v->id);
}

const struct step *step_of_piece(const char *kind)
{
	const struct form *f = APPLICATION;

	for (size_t i = 0; i < f->step_count; i++)
		for (size_t k = 0; k < f->steps[i].piece_kind_count; k++)
			if (str_eq(f->steps[i].piece_kinds[k], kind))
				return &f->steps[i];
	return NULL;
}

/* "experience:experience[1]" → kind and row. */
static const char *piece_of(const char *name, const char **row, struct pool *pool)
{
	const char *colon = strchr(name, ':');

	*row = colon ? colon + 1 : NULL;
	return colon ? pool_strndup(pool, name, (size_t)(colon - name)) : name;
}

static const char *piece_href(const struct file_view *v, const char *piece, struct pool *pool)
{
	const char *row, *kind = piece_of(piece, &row, pool);
	const struct step *step = step_of_piece(kind);

	if (!step)
		return pool_printf(pool, "/dossiers/%lld", (long long)v->id);
	return pool_printf(pool, "%s#piece-%s", step_href(v, step, true, pool), form_html_id(pool, row ? row : kind));
}

static const char *field_href(const struct file_view *v, const char *field, struct pool *pool)
{
	const struct step *step = form_step_of(APPLICATION, field);

	for (size_t i = 0; !step && i < APPLICATION->step_count; i++)
		for (size_t k = 0; k < APPLICATION->steps[i].item_count; k++) {
			const struct group *g = APPLICATION->steps[i].items[k].group;

			if (g && str_eq(g->name, field))
				step = &APPLICATION->steps[i];
		}
	if (!step)
		return pool_printf(pool, "/dossiers/%lld", (long long)v->id);
	return pool_printf(pool, "%s#%s", step_href(v, step, false, pool), form_html_id(pool, field));
}

static const char *field_label(const char *name, struct pool *pool)
{
	const struct field *field = form_field(APPLICATION, name);
	size_t len, row;
	const char *rest;

	if (field && values_split(name, &len, &row, &rest) && *rest)
		return pool_printf(pool, "Période\u00a0%zu – %s", row + 1, field->label);
	if (field)
		return field->label;
	for (size_t i = 0; i < APPLICATION->step_count; i++)
		for (size_t k = 0; k < APPLICATION->steps[i].item_count; k++) {
			const struct group *g = APPLICATION->steps[i].items[k].group;

			if (g && str_starts(name, g->name))
				return g->label;
		}
	return name;
}

const char *step_href_of_missing(const struct file_view *v, const char *missing, struct pool *pool)
{
	return str_starts(missing, "pieces.") ? piece_href(v, missing + strlen("pieces."), pool)
					      : field_href(v, missing, pool);
}

const char *missing_label(const struct file_view *v, const char *missing, struct pool *pool)
{
	const char *row;

	(void)v;
	if (!str_starts(missing, "pieces."))
		return field_label(missing, pool);
	const char *kind = piece_of(missing + strlen("pieces."), &row, pool);
	return piece_label(kind, row, pool);
}

const char *item_href(const struct file_view *v, const struct item_view *item, struct pool *pool)
{
	return item->piece && *item->piece ? piece_href(v, item->piece, pool)
					   : field_href(v, item->field ? item->field : "", pool);
}

const char *item_label(const struct file_view *v, const struct item_view *item, struct pool *pool)
{
	return item->piece && *item->piece ? missing_label(v, pool_printf(pool, "pieces.%s", item->piece), pool)
					   : field_label(item->field ? item->field : "", pool);
}

bool step_complete(const struct file_view *v, const struct step *step)
{
	for (size_t i = 0; i < v->missing_count; i++) {
		const char *name = v->missing[i], *row;
		const struct step *at;

		if (str_starts(name, "pieces."))
			at = step_of_piece(piece_of(name + strlen("pieces."), &row, v->answers.pool));
		else
			at = form_step_of(APPLICATION, name);
		for (size_t k = 0; !at && k < step->item_count; k++)
			if (step->items[k].group && str_starts(name, step->items[k].group->name))
				at = step;
		if (at == step)
			return false;
	}
	return true;
}

struct markup step_reasons(const struct file_view *v, const struct step *step, bool pieces, struct pool *pool)
{
	struct str out = str_in(pool);

	if (v->st != ST_CORRECTION)
		return (struct markup){ NULL };
	for (size_t i = 0; i < v->item_count; i++) {
		const struct item_view *item = &v->items[i];
		bool here = false;

		for (size_t k = 0; k < step->item_count && !pieces; k++)
			here |= item_unlocks_field(item->field, step->items[k].field ? step->items[k].field->name
										     : step->items[k].group->name);
		for (size_t k = 0; k < step->piece_kind_count && pieces; k++) {
			const char *row = NULL;

			if (item->piece)
				piece_of(item->piece, &row, pool);
			here |= item_unlocks_piece(item->field, item->piece, step->piece_kinds[k], row);
		}
		if (item->answered || !here)
			continue;
		str_add(&out, "<div class=\"msp-notice msp-notice--warn\"><p class=\"govuk-body\"><strong>");
		html_text(&out, item_label(v, item, pool));
		str_add(&out, "</strong>");
		if (item->text) {
			str_add(&out, " – ");
			html_text(&out, item->text);
		}
		str_add(&out, "</p></div>\n");
	}
	return (struct markup){ out.s };
}

/* ---- communes: chosen from a list once a postcode or a name is known ---- */

static const char *const places[] = { "address", "address2" };

struct commune_asked {
	bool asked;
	size_t at;
};

static bool on_step(const struct step *step, const char *name)
{
	for (size_t i = 0; i < step->item_count; i++)
		if (step->items[i].field && str_eq(step->items[i].field->name, name))
			return true;
	return false;
}

static void commune_ask(struct job *j, const char *words, struct commune_asked *out)
{
	struct arg args[COMMUNE_ARGS];

	*out = (struct commune_asked){ .asked = false };
	if (!*words || commune_search_args(words, j->pool, args))
		return;
	out->at = job_ask(j, &commune_search, args, COMMUNE_ARGS);
	out->asked = true;
}

/* The step with its communes as choices among what was found, or as a name to type. */
static const struct step *with_communes(struct job *j, const struct form *form, const struct step *step,
					const struct commune_asked asked[2], const struct values *shown,
					struct form *copy)
{
	struct step *steps = pool_copy(j->pool, form->steps, form->step_count * sizeof *steps);
	struct item *items = pool_copy(j->pool, step->items, step->item_count * sizeof *items);
	struct step *mine = &steps[step - form->steps];

	for (size_t i = 0; i < step->item_count; i++) {
		struct field *field;
		const struct commune *found = NULL;
		size_t place, n = 0, options = 0;
		const char *now;

		if (!items[i].field || items[i].field->type != FIELD_COMMUNE)
			continue;
		place = str_starts(items[i].field->name, "address2") ? 1 : 0;
		field = pool_copy(j->pool, items[i].field, sizeof *field);
		items[i].field = field;
		now = values_text(shown, field->name);
		if (asked[place].asked)
			n = commune_read(job_rows(j, asked[place].at), j->pool, &found);
		if (!n && !commune_is_code(now)) {
			field->type = FIELD_TEXT;
			field->hint = text("step.commune.hint");
			continue;
		}
		struct option *list = POOL_ARRAY(j->pool, struct option, n + 1);
		bool there = !*now;
		for (size_t k = 0; k < n; k++) {
			list[options++] =
				(struct option){ .value = found[k].code, .label = commune_label(&found[k], j->pool) };
			there |= str_eq(found[k].code, now);
		}
		if (!there && commune_is_code(now))
			list[options++] = (struct option){ .value = now, .label = now };
		field->type = FIELD_CHOICE;
		field->options = list;
		field->option_count = options;
	}
	mine->items = items;
	*copy = *form;
	copy->steps = steps;
	return mine;
}

/* ---- a step's page ---- */

struct step_page {
	const char *title, *progress, *intro, *notice, *back, *back_label, *action, *autosave;
	bool draft;
	struct markup summary, reasons, hidden, fields, before;
};
static const struct slot step_slots[] = {
	SLOT_T(struct step_page, title),   SLOT_T(struct step_page, progress), SLOT_T(struct step_page, intro),
	SLOT_T(struct step_page, notice),  SLOT_T(struct step_page, back),     SLOT_T(struct step_page, back_label),
	SLOT_T(struct step_page, action),  SLOT_T(struct step_page, autosave), SLOT_B(struct step_page, draft),
	SLOT_M(struct step_page, summary), SLOT_M(struct step_page, reasons),  SLOT_M(struct step_page, hidden),
	SLOT_M(struct step_page, fields),  SLOT_M(struct step_page, before),
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
	struct commune_asked communes[2];
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

static int draw(struct job *j, struct err *e)
{
	struct drawing *d = j->state;
	const struct file_view *v = &d->view;
	const struct step *before = step_before(v, d->step), *mine;
	const char *const *unlocked;
	size_t n = unlocked_of(j, v, d->step, &unlocked);
	struct form form;
	struct str hidden = str_in(j->pool);

	(void)e;
	mine = with_communes(j, APPLICATION, d->step, d->communes, &d->shown, &form);
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
		.action = step_href(v, d->step, false, j->pool),
		.autosave = pool_printf(j->pool, "/dossiers/%lld/reponses", (long long)v->id),
		.draft = v->st == ST_DRAFT,
		.summary = form_problem_summary(&d->problems, j->pool),
		.reasons = step_reasons(v, d->step, false, j->pool),
		.hidden = { hidden.s },
		.fields = form_fields(&form, mine, &d->shown, &d->problems, unlocked, n, v->st == ST_DRAFT, j->pool),
	};
	return job_page(j, d->status, pool_printf(j->pool, "%s – %s", x.title, x.progress), &step_page, &x);
}

/* The communes of its postcodes (or of the name typed) are looked up first. */
static int show(struct job *j, struct drawing *d, struct err *e)
{
	bool asked = false;

	j->state = d;
	if (!d->typed)
		d->shown = d->view.answers;
	for (size_t i = 0; i < COUNT(places); i++) {
		const char *commune = pool_printf(j->pool, "%s_commune", places[i]);
		const char *postcode = values_text(&d->shown, pool_printf(j->pool, "%s_postcode", places[i]));
		const char *words = values_text(&j->query, pool_printf(j->pool, "cherche.%s", commune));

		if (!on_step(d->step, commune))
			continue;
		commune_ask(j, *words ? words : postcode, &d->communes[i]);
		asked |= d->communes[i].asked;
	}
	if (!asked)
		return draw(j, e);
	job_then(j, draw);
	return 0;
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
	return other ? job_redirect(j, other) : show(j, d, e);
}

/* ---- saving ---- */

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
	form_validate(APPLICATION, &typed, day_in_paris(d->view.now), FORM_SYNTAX, &kept, &d->problems);
	/* Other steps decide what is asked here: all the answers, what was typed over them. */
	d->shown = values_in(j->pool);
	for (size_t i = 0; i < d->view.answers.count; i++) {
		const struct value *x = &d->view.answers.items[i];

		if (form_step_of(APPLICATION, x->name) != step)
			values_add(&d->shown, x->name, x->text);
	}
	for (size_t i = 0; i < typed.count; i++)
		values_add(&d->shown, typed.items[i].name, typed.items[i].text);
	d->typed = true;
}

/* A postcode without its commune: it is to be chosen from the list that the page now shows. */
static void commune_problems(struct job *j, struct drawing *d)
{
	for (size_t i = 0; i < COUNT(places); i++) {
		const char *commune = pool_printf(j->pool, "%s_commune", places[i]);
		const char *postcode = values_text(&j->sent, pool_printf(j->pool, "%s_postcode", places[i]));
		bool asked = *values_text(&j->query, pool_printf(j->pool, "cherche.%s", commune)) || *postcode;

		if (on_step(d->step, commune) && file_view_unlocked(&d->view, commune) && asked &&
		    !*values_text(&j->sent, commune) && values_get(&j->sent, commune) &&
		    !problems_of(&d->problems, commune))
			problems_add(&d->problems, commune, "choice", text("step.commune.choose"));
	}
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
		return show(j, d, e);
	}
	if (*button == '-')
		return job_redirect(j, step_href(&d->view, d->step, false, j->pool));
	return job_redirect(j, step_after(&d->view, d->step, false, j->pool));
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

	for (size_t i = 0; i < COUNT(places); i++) {
		const char *name = pool_printf(j->pool, "%s_commune", places[i]);
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

	for (size_t i = 0; i < COUNT(places); i++) {
		const char *name = pool_printf(j->pool, "%s_commune", places[i]);
		const char *at = pool_printf(j->pool, "%s_postcode", places[i]);
		const char *sent = str_trim(j->pool, values_text(&j->sent, name)),
			   *postcode = values_text(&j->sent, at);
		const char *words = NULL;

		if (!on_step(d->step, name) || !values_get(&j->sent, at))
			continue;
		if (!*sent)
			words = postcode;
		else if (!commune_is_code(sent))
			words = pool_printf(j->pool, "%s %s", rule_postcode(postcode) ? postcode : "", sent);
		else if (!str_eq(postcode, values_text(&d->view.answers, at)))
			words = postcode; /* another postcode under the old commune */
		if (!words || !*words)
			continue;
		values_set(&j->query, pool_printf(j->pool, "cherche.%s", name), words);
		commune_ask(j, words, &d->communes[i]);
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

int step_save_answer(struct job *j, struct err *e)
{
	struct drawing *d = j->state;
	const char *other, *take, *button = pool_strdup(j->pool, values_text(&j->sent, "suite"));

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
		form_press_rows(APPLICATION, &j->sent);
		struct values typed = j->sent;
		/* Nothing is saved or judged: the page comes back as it was, with one row more. */
		d->typed = true;
		d->shown = values_in(j->pool);
		for (size_t i = 0; i < d->view.answers.count; i++)
			if (form_step_of(APPLICATION, d->view.answers.items[i].name) != d->step)
				values_add(&d->shown, d->view.answers.items[i].name, d->view.answers.items[i].text);
		for (size_t i = 0; i < typed.count; i++)
			values_add(&d->shown, typed.items[i].name, typed.items[i].text);
		return show(j, d, e);
	}
	if (take) {
		values_remove(&j->sent, "remove_row");
		take_row_away(j, take);
		button = "-";
	}
	values_add(&j->query, "bouton", button);
	if (look_up_communes(j, d)) {
		job_then(j, communes_found);
		return 0;
	}
	return save(j, d, e);
}

/* ---- everything, and the button that sends ---- */

struct resume_file {
	int64_t piece;
	const char *kind, *name, *size;
};
static const struct slot file_slots[] = { SLOT_I(struct resume_file, piece), SLOT_T(struct resume_file, kind),
					  SLOT_T(struct resume_file, name), SLOT_T(struct resume_file, size) };
static const struct view file_row_view = VIEW(struct resume_file, file_slots);
struct resume_step {
	const char *label, *pieces_href;
	struct markup answers;
	bool has_files;
	struct list files;
};
static const struct slot resume_step_slots[] = {
	SLOT_T(struct resume_step, label),
	SLOT_T(struct resume_step, pieces_href),
	SLOT_M(struct resume_step, answers),
	SLOT_B(struct resume_step, has_files),
	SLOT_L(struct resume_step, files, &file_row_view),
};
static const struct view resume_step_view = VIEW(struct resume_step, resume_step_slots);
static const struct slot missing_slots[] = { SLOT_T(struct simple_link, href), SLOT_T(struct simple_link, label) };
static const struct view missing_view = VIEW(struct simple_link, missing_slots);
struct resume_view {
	int64_t id;
	const char *title, *sha256, *submit_label;
	bool draft, has_missing, may_submit, may_resubmit;
	struct list missing, steps;
	struct markup summary, hidden;
};
static const struct slot resume_slots[] = {
	SLOT_I(struct resume_view, id),
	SLOT_T(struct resume_view, title),
	SLOT_T(struct resume_view, sha256),
	SLOT_T(struct resume_view, submit_label),
	SLOT_B(struct resume_view, draft),
	SLOT_B(struct resume_view, has_missing),
	SLOT_B(struct resume_view, may_submit),
	SLOT_B(struct resume_view, may_resubmit),
	SLOT_L(struct resume_view, missing, &missing_view),
	SLOT_L(struct resume_view, steps, &resume_step_view),
	SLOT_M(struct resume_view, summary),
	SLOT_M(struct resume_view, hidden),
};
static const struct view resume_view = VIEW(struct resume_view, resume_slots);
static const struct page resume_page = { "server/pages/resume.html", &resume_view };
PAGE(resume_page);

static bool step_unlocked(const struct file_view *v, const struct step *step)
{
	for (size_t i = 0; i < step->item_count; i++)
		if (file_view_unlocked(v,
				       step->items[i].field ? step->items[i].field->name : step->items[i].group->name))
			return true;
	return false;
}

static bool pieces_unlocked(const struct file_view *v, const struct step *step, struct pool *pool)
{
	for (size_t k = 0; k < step->piece_kind_count; k++) {
		if (file_view_piece_unlocked(v, step->piece_kinds[k], NULL))
			return true;
		for (size_t r = 0, n = values_rows(&v->answers, "experience"); r < n; r++)
			if (file_view_piece_unlocked(v, step->piece_kinds[k], pool_printf(pool, "experience[%zu]", r)))
				return true;
	}
	return false;
}

static void resume_step(struct job *j, const struct file_view *v, const struct step *step,
			const struct commune_asked communes[2], struct resume_step *out)
{
	struct form form;
	const struct step *shown;
	struct resume_file *files = POOL_ARRAY(j->pool, struct resume_file, v->piece_count + 1);
	size_t n = 0;

	for (size_t i = 0; i < v->piece_count; i++)
		if (step_of_piece(v->pieces[i].kind) == step && !v->pieces[i].erased)
			files[n++] = (struct resume_file){
				.piece = v->pieces[i].id,
				.kind = piece_label(v->pieces[i].kind, v->pieces[i].for_row, j->pool),
				.name = *v->pieces[i].name ? v->pieces[i].name : text("piece_name.unnamed"),
				.size = size_french(j->pool, v->pieces[i].size),
			};
	shown = with_communes(j, APPLICATION, step, communes, &v->answers, &form);
	*out = (struct resume_step){
		.label = step->title,
		.answers = form_summary(
			&form, shown, &v->answers,
			step_open(v) && step_unlocked(v, step) ? step_href(v, step, false, j->pool) : NULL, j->pool),
		.has_files = n > 0,
		.files = { files, n },
		.pieces_href =
			step_open(v) && pieces_unlocked(v, step, j->pool) ? step_href(v, step, true, j->pool) : NULL,
	};
}

struct resuming {
	const struct file_view *view;
	int status;
	struct problems problems;
	struct commune_asked communes[2];
};

/* Each problem leads to the page where it is put right; a piece and a period are named. */
static struct markup resume_summary(struct job *j, const struct file_view *v, const struct problems *p)
{
	struct str out = str_in(j->pool);

	if (!p->count)
		return (struct markup){ NULL };
	str_add(&out, "<div class=\"govuk-error-summary\" data-module=\"govuk-error-summary\">\n<div role=\"alert\">\n"
		      "<h2 class=\"govuk-error-summary__title\">");
	html_text(&out, text("resume.problems"));
	str_add(&out, "</h2>\n<div class=\"govuk-error-summary__body\">\n<ul class=\"govuk-list "
		      "govuk-error-summary__list\">\n");
	for (size_t i = 0; i < p->count; i++) {
		const struct problem *one = &p->items[i];
		bool leads = *one->field && !str_eq(one->field, "version");

		str_add(&out, "<li>");
		if (leads) {
			str_add(&out, "<a href=\"");
			html_attr(&out, step_href_of_missing(v, one->field, j->pool));
			str_add(&out, "\">");
		}
		if (leads && (str_starts(one->field, "pieces.") || strchr(one->field, '['))) {
			html_text(&out, missing_label(v, one->field, j->pool));
			str_add(&out, "\u00a0: ");
		}
		html_text(&out, one->text);
		str_add(&out, leads ? "</a></li>\n" : "</li>\n");
	}
	str_add(&out, "</ul>\n</div>\n</div>\n</div>\n");
	return (struct markup){ out.s };
}

static int resume_draw(struct job *j, struct err *e)
{
	const struct resuming *s = j->state;
	const struct file_view *v = s->view;
	const struct form *f = APPLICATION;
	struct resume_step *steps = POOL_ARRAY(j->pool, struct resume_step, f->step_count);
	struct simple_link *missing = POOL_ARRAY(j->pool, struct simple_link, v->missing_count + 1);
	size_t n = 0;

	(void)e;
	for (size_t i = 0; i < v->missing_count; i++)
		missing[i] = (struct simple_link){ step_href_of_missing(v, v->missing[i], j->pool),
						   missing_label(v, v->missing[i], j->pool) };
	for (size_t i = 0; i < f->step_count; i++)
		if (step_asked(&f->steps[i], &v->answers))
			resume_step(j, v, &f->steps[i], s->communes, &steps[n++]);
	struct resume_view x = {
		.id = v->id,
		.title = text(v->st == ST_DRAFT ? "resume.draft" : "resume.sent"),
		.sha256 = v->st == ST_DRAFT || v->st == ST_CORRECTION ? NULL : v->frozen_sha256,
		.submit_label = text2("event", "submit"),
		.draft = v->st == ST_DRAFT,
		.has_missing = v->missing_count > 0 && !s->problems.count,
		.may_submit = v->st == ST_DRAFT,
		.may_resubmit = v->st == ST_CORRECTION,
		.missing = { missing, v->missing_count },
		.steps = { steps, n },
		.summary = resume_summary(j, v, &s->problems),
		.hidden = job_hidden(j, v->version),
	};
	return job_page(j, s->status, x.title, &resume_page, &x);
}

int resume_show(struct job *j, const struct file_view *v, int status, const struct problems *p, const struct err *why)
{
	struct resuming *s = j->state = POOL_NEW(j->pool, struct resuming);
	struct err e;

	s->view = v;
	s->status = status;
	s->problems = problems_with(j, p, why);
	for (size_t i = 0; i < COUNT(places); i++) {
		const char *code = values_text(&v->answers, pool_printf(j->pool, "%s_commune", places[i]));
		struct arg args[COMMUNE_ARGS];

		if (!commune_is_code(code))
			continue;
		commune_code_args(code, args);
		s->communes[i] = (struct commune_asked){ true, job_ask(j, &commune_search, args, COMMUNE_ARGS) };
	}
	if (!s->communes[0].asked && !s->communes[1].asked)
		return resume_draw(j, &e);
	job_then(j, resume_draw);
	return 0;
}

int resume_ask(struct job *j, struct err *e)
{
	int64_t id = job_param_id(j, "id");

	if (!id)
		return fail(e, ERR_MISSING, "file.missing");
	j->state = file_view_ask(j, id);
	return 0;
}

int resume_answer(struct job *j, struct err *e)
{
	struct file_view *v = POOL_NEW(j->pool, struct file_view);

	if (file_view_read(j, j->state, v, e))
		return -1;
	return j->json ? dossier_show(j, v, 200, NULL, NULL, e) : resume_show(j, v, 200, NULL, NULL);
}
