/* Everything that was answered and sent, what is missing and where to give it, and the button that sends. */
#include "form_steps.h"

#include <string.h>

#include "../base/str.h"
#include "../form_html.h"
#include "../pieces.h"
#include "../text.h"
#include "applicant.h"
#include "dossiers.h"
#include "simple.h"
#include "step_communes.h"

#define APPLICATION form_get("application")

struct resume_file {
	int64_t piece;
	const char *kind, *name, *size;
};
static const struct slot file_slots[] = { SLOT_I(struct resume_file, piece), SLOT_T(struct resume_file, kind),
					  SLOT_T(struct resume_file, name), SLOT_T(struct resume_file, size) };
static const struct view file_row_view = VIEW(struct resume_file, file_slots);
struct resume_step {
	const char *label, *pieces_href, *empty_href; /* nothing was answered */
	struct markup answers;
	bool has_files;
	struct list files;
};
static const struct slot resume_step_slots[] = {
	SLOT_T(struct resume_step, label),      SLOT_T(struct resume_step, pieces_href),
	SLOT_T(struct resume_step, empty_href), SLOT_M(struct resume_step, answers),
	SLOT_B(struct resume_step, has_files),  SLOT_L(struct resume_step, files, &file_row_view),
};
static const struct view resume_step_view = VIEW(struct resume_step, resume_step_slots);
static const struct slot missing_slots[] = { SLOT_T(struct simple_link, href), SLOT_T(struct simple_link, label) };
static const struct view missing_view = VIEW(struct simple_link, missing_slots);
struct resume_view {
	int64_t id;
	const char *title, *sha256, *submit_label;
	bool draft, has_missing, has_remarks, may_submit, may_resubmit;
	struct list missing, remarks, steps;
	struct markup summary, hidden;
};
static const struct slot resume_slots[] = {
	SLOT_I(struct resume_view, id),
	SLOT_T(struct resume_view, title),
	SLOT_T(struct resume_view, sha256),
	SLOT_T(struct resume_view, submit_label),
	SLOT_B(struct resume_view, draft),
	SLOT_B(struct resume_view, has_missing),
	SLOT_B(struct resume_view, has_remarks),
	SLOT_B(struct resume_view, may_submit),
	SLOT_B(struct resume_view, may_resubmit),
	SLOT_L(struct resume_view, missing, &missing_view),
	SLOT_L(struct resume_view, remarks, &missing_view),
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
	struct piece_place *places;
	size_t n = form_piece_places(APPLICATION, step, &v->answers, pool, &places);

	for (size_t k = 0; k < n; k++)
		if (file_view_piece_unlocked(v, places[k].kind->kind, places[k].row))
			return true;
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
		if (form_step_of_piece(APPLICATION, v->pieces[i].kind) == step && !v->pieces[i].erased)
			files[n++] = (struct resume_file){
				.piece = v->pieces[i].id,
				.kind = piece_label(v->pieces[i].kind, v->pieces[i].for_row, j->pool),
				.name = *v->pieces[i].name ? v->pieces[i].name : text("piece_name.unnamed"),
				.size = text_size(j->pool, v->pieces[i].size),
			};
	shown = step_with_communes(j, APPLICATION, step, communes, &v->answers, &form);
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
	if (step_open(v) && !*out->answers.html)
		out->empty_href = step_href(v, step, false, j->pool);
}

struct resuming {
	const struct file_view *view;
	int status;
	struct problems problems;
	struct commune_asked communes[2];
	bool places_asked;
	size_t places;
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

/* What may be a slip, and leads where it is put right. */
static size_t resume_remarks(struct job *j, const struct resuming *s, struct simple_link *out)
{
	const struct file_view *v = s->view;
	size_t n = 0;

	if (!step_open(v))
		return 0;
	if (v->has_experience && v->facts.kind != KIND_AMENDMENT &&
	    v->experience.days_with_partly < EXPERIENCE_DAYS_NEEDED)
		out[n++] =
			(struct simple_link){ step_href_of_missing(v, "experience", j->pool),
					      text_fill(j->pool, "resume.experience",
							pool_printf(j->pool, "%d", v->experience.days_with_partly)) };
	for (size_t i = 0; s->places_asked && i < STEP_PLACES; i++) {
		const char *said = step_place_unlike(job_rows(j, s->places), i, &v->answers, j->pool);

		if (said)
			out[n++] = (struct simple_link){
				step_href_of_missing(v, pool_printf(j->pool, "%s_postcode", step_places[i]), j->pool),
				said
			};
	}
	return n;
}

static int resume_draw(struct job *j, struct err *e)
{
	const struct resuming *s = j->state;
	const struct file_view *v = s->view;
	const struct form *f = APPLICATION;
	struct resume_step *steps = POOL_ARRAY(j->pool, struct resume_step, f->step_count);
	struct simple_link *missing = POOL_ARRAY(j->pool, struct simple_link, v->missing_count + 1);
	struct simple_link remarks[STEP_PLACES + 1];
	size_t n = 0, remark_count = resume_remarks(j, s, remarks);

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
		.has_remarks = remark_count > 0,
		.missing = { missing, v->missing_count },
		.remarks = { remarks, remark_count },
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
	for (size_t i = 0; i < STEP_PLACES; i++) {
		const char *code = values_text(&v->answers, pool_printf(j->pool, "%s_commune", step_places[i]));
		struct arg args[COMMUNE_ARGS];

		if (!commune_is_code(code))
			continue;
		commune_code_args(code, args);
		s->communes[i] =
			(struct commune_asked){ .asked = true, .at = job_ask(j, &commune_search, args, COMMUNE_ARGS) };
	}
	if (!s->communes[0].asked && !s->communes[1].asked)
		return resume_draw(j, &e);
	s->places = step_places_ask(j, &v->answers);
	s->places_asked = true;
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
