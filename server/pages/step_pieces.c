#include "form_steps.h"

#include <string.h>

#include "../base/str.h"
#include "../form_html.h"
#include "../pieces.h"
#include "../text.h"
#include "applicant.h"
#include "dossiers.h"
#include "simple.h"

struct file_row {
	int64_t piece;
	const char *name, *size, *when, *scan, *problem;
	bool removable;
	struct markup remove_hidden;
};
static const struct slot file_slots[] = {
	SLOT_I(struct file_row, piece),     SLOT_T(struct file_row, name),          SLOT_T(struct file_row, size),
	SLOT_T(struct file_row, when),      SLOT_T(struct file_row, scan),          SLOT_T(struct file_row, problem),
	SLOT_B(struct file_row, removable), SLOT_M(struct file_row, remove_hidden),
};
static const struct view file_row_view = VIEW(struct file_row, file_slots);

/* One place for files: a kind, or a kind of one period. */
struct slot_row {
	const char *anchor, *label, *hint, *kind, *for_row, *error;
	bool none, needed, open, replaces;
	struct markup add_hidden;
	struct list files;
};
static const struct slot slot_slots[] = {
	SLOT_T(struct slot_row, anchor),     SLOT_T(struct slot_row, label),
	SLOT_T(struct slot_row, hint),       SLOT_T(struct slot_row, kind),
	SLOT_T(struct slot_row, for_row),    SLOT_T(struct slot_row, error),
	SLOT_B(struct slot_row, none),       SLOT_B(struct slot_row, needed),
	SLOT_B(struct slot_row, open),       SLOT_B(struct slot_row, replaces),
	SLOT_M(struct slot_row, add_hidden), SLOT_L(struct slot_row, files, &file_row_view),
};
static const struct view slot_row_view = VIEW(struct slot_row, slot_slots);

struct pieces_view {
	int64_t id;
	const char *title, *progress, *back, *here, *after;
	bool draft, any_open, nothing; /* nothing: no place for a file, as no period is described yet */
	struct markup summary, lacks, lacks_here, other_holder, reasons;
	struct list slots;
};
static const struct slot pieces_slots[] = {
	SLOT_B(struct pieces_view, nothing),
	SLOT_B(struct pieces_view, any_open),
	SLOT_I(struct pieces_view, id),
	SLOT_T(struct pieces_view, title),
	SLOT_T(struct pieces_view, progress),
	SLOT_T(struct pieces_view, back),
	SLOT_T(struct pieces_view, here),
	SLOT_T(struct pieces_view, after),
	SLOT_B(struct pieces_view, draft),
	SLOT_M(struct pieces_view, summary),
	SLOT_M(struct pieces_view, lacks),
	SLOT_M(struct pieces_view, lacks_here),
	SLOT_M(struct pieces_view, other_holder),
	SLOT_M(struct pieces_view, reasons),
	SLOT_L(struct pieces_view, slots, &slot_row_view),
};
static const struct view pieces_view = VIEW(struct pieces_view, pieces_slots);
static const struct page pieces_page = { "server/pages/step_pieces.html", &pieces_view };
PAGE(pieces_page);

static struct markup hidden_of(struct job *j, const char *here)
{
	struct str out = str_in(j->pool);

	simple_hidden(&out, "retour", here);
	str_add(&out, job_hidden(j, -1).html);
	return (struct markup){ out.s };
}

static void fill(struct job *j, const struct file_view *v, const struct piece_place *place, const char *here,
		 const struct problems *p, struct slot_row *out)
{
	const char *kind = place->kind->kind, *row = place->row;
	struct file_row *files = POOL_ARRAY(j->pool, struct file_row, v->piece_count + 1);
	const char *mine = values_text(&j->sent, "kind"), *of = values_text(&j->sent, "for");
	bool open = file_view_piece_unlocked(v, kind, row);
	size_t n = 0;

	for (size_t i = 0; i < v->piece_count; i++) {
		const struct piece_view *x = &v->pieces[i];

		if (!str_eq(x->kind, kind) || !str_eq(x->for_row, row) || x->erased)
			continue;
		files[n++] = (struct file_row){
			.piece = x->id,
			.name = *x->name ? x->name : text("piece_name.unnamed"),
			.size = text_size(j->pool, x->size),
			.when = instant_french(j->pool, x->at),
			.scan = text2("scan", x->scan),
			.problem = x->problem ? text2("piece", x->problem) : NULL,
			.removable = open,
			.remove_hidden = hidden_of(j, here),
		};
	}
	const char *structure = row ? values_text(&v->answers, pool_printf(j->pool, "%s.structure", row)) : "";
	const char *label = piece_label(kind, row, j->pool);
	*out = (struct slot_row){
		.anchor = pool_printf(j->pool, "piece-%s", form_html_id(j->pool, row ? row : kind)),
		.label = *structure ? pool_printf(j->pool, "%s – %s", label, structure) : label,
		.hint = place->kind->hint,
		.kind = kind,
		.for_row = row,
		.error = p && p->count && str_eq(mine, kind) && (!row || str_eq(of, row)) ? p->items[0].text : NULL,
		.none = !n,
		.needed = place->kind->required && v->facts.kind == KIND_CONVENTION,
		.open = open,
		.replaces = n > 0 && !place->kind->several,
		.add_hidden = hidden_of(j, here),
		.files = { files, n },
	};
}

static int pieces_show(struct job *j, const struct file_view *v, const struct step *step, int status,
		       const struct problems *p)
{
	struct piece_place *places;
	size_t n = form_piece_places(form_get("application"), step, &v->answers, j->pool, &places);
	struct slot_row *slots = POOL_ARRAY(j->pool, struct slot_row, n + 1);
	const char *here = step_href(v, step, true, j->pool);
	struct problems told = problems_in(j->pool);

	bool any_open = v->st == ST_DRAFT;

	for (size_t k = 0; k < n; k++) {
		fill(j, v, &places[k], here, p, &slots[k]);
		any_open |= slots[k].open;
	}
	/* The summary leads to the file's own input. */
	for (size_t i = 0; p && i < p->count; i++) {
		const char *anchor = "";

		for (size_t k = 0; k < n; k++)
			if (slots[k].error)
				anchor = pool_printf(j->pool, "%s-fichier", slots[k].anchor);
		problems_add(&told, anchor, p->items[i].code, p->items[i].text);
	}
	struct pieces_view x = {
		.id = v->id,
		.title = pool_printf(j->pool, "%s\u00a0: les pièces", step->title),
		.progress = step_progress(v, step, j->pool),
		.back = step_href(v, step, false, j->pool),
		.here = here,
		.after = step_leave(v, step, true, j->pool),
		.lacks = step_lacks(v, values_text(&j->query, "avant"), step, j->pool),
		.lacks_here = step_lacks_pieces(v, step, j->pool),
		.other_holder = step_other_holder(v, step, &v->answers, j->pool),
		.draft = v->st == ST_DRAFT,
		.nothing = !n,
		.any_open = any_open,
		.summary = form_problem_summary(&told, j->pool),
		.reasons = step_reasons(v, step, true, j->pool),
		.slots = { slots, n },
	};
	return job_page(j, status, pool_printf(j->pool, "%s – %s", x.title, x.progress), &pieces_page, &x);
}

int piece_refused_show(struct job *j, const struct file_view *v, const struct problems *p, struct err *e)
{
	const struct step *step = form_step_of_piece(form_get("application"), values_text(&j->sent, "kind"));

	(void)e;
	return pieces_show(j, v, step ? step : form_step(form_get("application"), "identite"), 422, p);
}

int step_pieces_ask(struct job *j, struct err *e)
{
	int64_t id = job_param_id(j, "id");
	const struct step *step = form_step(form_get("application"), job_param(j, "step"));

	if (!id || !step || !step->piece_count)
		return fail(e, ERR_MISSING, "file.missing");
	j->state = file_view_ask(j, id);
	return 0;
}

int step_pieces_answer(struct job *j, struct err *e)
{
	struct file_view *v = POOL_NEW(j->pool, struct file_view);
	const struct step *step = form_step(form_get("application"), job_param(j, "step"));

	if (file_view_read(j, j->state, v, e))
		return -1;
	if (j->json)
		return dossier_show(j, v, 200, NULL, NULL, e);
	if (!step_open(v))
		return job_redirect(j, pool_printf(j->pool, "/dossiers/%lld", (long long)v->id));
	return pieces_show(j, v, step, 200, NULL);
}
