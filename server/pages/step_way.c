#include "form_steps.h"

#include <string.h>

#include "../../workflow/items.h"
#include "../base/str.h"
#include "../form_html.h"
#include "../pieces.h"
#include "../text.h"

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

const struct step *step_before(const struct file_view *v, const struct step *step)
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
	struct piece_place *places;

	return form_piece_places(APPLICATION, step, &v->answers, v->answers.pool, &places) > 0;
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
	const struct step *step = form_step_of_piece(APPLICATION, kind);

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

static bool missing_at(const struct step *step, const char *name, struct pool *pool)
{
	const char *row;
	const struct step *at;

	if (str_starts(name, "pieces."))
		return form_step_of_piece(APPLICATION, piece_of(name + strlen("pieces."), &row, pool)) == step;
	at = form_step_of(APPLICATION, name);
	for (size_t k = 0; !at && k < step->item_count; k++)
		if (step->items[k].group && str_starts(name, step->items[k].group->name))
			at = step;
	return at == step;
}

bool step_complete(const struct file_view *v, const struct step *step)
{
	for (size_t i = 0; i < v->missing_count; i++)
		if (missing_at(step, v->missing[i], v->answers.pool))
			return false;
	return true;
}

bool step_lacks_only_pieces(const struct file_view *v, const struct step *step)
{
	bool any = false;

	for (size_t i = 0; i < v->missing_count; i++) {
		if (!missing_at(step, v->missing[i], v->answers.pool))
			continue;
		if (!str_starts(v->missing[i], "pieces."))
			return false;
		any = true;
	}
	return any;
}

/* Its pieces are no lack on the page that asks for them. */
static bool lacks(const struct step *step, const char *name, bool with_pieces, struct pool *pool)
{
	return missing_at(step, name, pool) && (with_pieces || !str_starts(name, "pieces."));
}

const char *step_leave(const struct file_view *v, const struct step *step, bool pieces, struct pool *pool)
{
	const char *href = step_after(v, step, pieces, pool);
	bool any = false;

	for (size_t i = 0; i < v->missing_count; i++)
		any |= lacks(step, v->missing[i], pieces || !step_has_pieces(v, step), pool);
	return v->st != ST_DRAFT || str_ends(href, "/resume") || !any
		       ? href
		       : pool_printf(pool, "%s?avant=%s", href, step->id);
}

static void add_missing(struct str *out, const struct file_view *v, const char *name, struct pool *pool)
{
	str_add(out, "<li><a class=\"govuk-link\" href=\"");
	html_attr(out, step_href_of_missing(v, name, pool));
	str_add(out, "\">");
	html_text(out, missing_label(v, name, pool));
	str_add(out, "</a></li>\n");
}

struct markup step_lacks_pieces(const struct file_view *v, const struct step *step, struct pool *pool)
{
	struct str out = str_in(pool);
	bool begun = false;

	for (size_t i = 0; i < v->piece_count; i++)
		begun |= form_step_of_piece(APPLICATION, v->pieces[i].kind) == step && !v->pieces[i].erased;
	for (size_t i = 0; begun && v->st == ST_DRAFT && i < v->missing_count; i++) {
		const char *name = v->missing[i];

		if (!str_starts(name, "pieces.") || !missing_at(step, name, pool))
			continue;
		if (!out.len)
			str_add(&out, "<div class=\"msp-notice msp-notice--warn\" id=\"pieces-manquantes\">\n<p "
				      "class=\"govuk-body\">Il manque encore\u00a0:</p>\n<ul class=\"govuk-list "
				      "govuk-list--bullet\">\n");
		add_missing(&out, v, name, pool);
	}
	if (out.len)
		str_add(&out, "</ul>\n</div>\n");
	return (struct markup){ out.len ? out.s : NULL };
}

struct markup step_lacks(const struct file_view *v, const char *avant, const struct step *here, struct pool *pool)
{
	const struct step *step = form_step(APPLICATION, avant);
	struct str out = str_in(pool);

	for (size_t i = 0; step && v->st == ST_DRAFT && i < v->missing_count; i++) {
		const char *name = v->missing[i];

		if (!lacks(step, name, step != here, pool))
			continue;
		if (!out.len) {
			str_add(&out, "<div class=\"msp-notice\" id=\"manque\">\n<p class=\"govuk-body\">À l’étape "
				      "«\u00a0");
			html_text(&out, step->title);
			str_add(&out,
				"\u00a0», il manque encore\u00a0:</p>\n<ul class=\"govuk-list govuk-list--bullet\">\n");
		}
		add_missing(&out, v, name, pool);
	}
	if (out.len)
		str_add(&out, "</ul>\n<p class=\"govuk-body\">Vous pouvez continuer et y revenir avant "
			      "l’envoi.</p>\n</div>\n");
	return (struct markup){ out.len ? out.s : NULL };
}

struct markup step_other_holder(const struct file_view *v, const struct step *step, const struct values *shown,
				struct pool *pool)
{
	bool here = false;

	for (size_t k = 0; k < step->item_count; k++)
		here |= step->items[k].field && str_eq(step->items[k].field->name, "iban_holder");
	if (!here || !step_open(v) || !file_view_other_holder(shown, pool))
		return (struct markup){ NULL };
	return (struct markup){ pool_printf(pool,
					    "<div class=\"msp-notice msp-notice--warn\" id=\"autre-titulaire\"><p "
					    "class=\"govuk-body\">%s</p></div>\n",
					    text("step.other_holder")) };
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
		for (size_t k = 0; k < step->piece_count && pieces; k++) {
			const char *row = NULL;

			if (item->piece)
				piece_of(item->piece, &row, pool);
			here |= item_unlocks_piece(item->field, item->piece, step->pieces[k].kind, row);
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
