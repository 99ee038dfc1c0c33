#include "simple.h"

static const struct slot link_slots[] = { SLOT_T(struct simple_link, href), SLOT_T(struct simple_link, label) };
static const struct view link_view = VIEW(struct simple_link, link_slots);

static const struct slot form_slots[] = {
	SLOT_T(struct simple_form, title),
	SLOT_T(struct simple_form, intro),
	SLOT_T(struct simple_form, action),
	SLOT_T(struct simple_form, button),
	SLOT_M(struct simple_form, summary),
	SLOT_M(struct simple_form, before),
	SLOT_M(struct simple_form, fields),
	SLOT_M(struct simple_form, hidden),
	SLOT_L(struct simple_form, links, &link_view),
};
static const struct view form_view = VIEW(struct simple_form, form_slots);
static const struct page form_page = { "server/pages/simple_form.html", &form_view };
PAGE(form_page);

static const struct slot note_slots[] = {
	SLOT_T(struct simple_note, title),       SLOT_T(struct simple_note, lead),
	SLOT_T(struct simple_note, body),        SLOT_T(struct simple_note, href),
	SLOT_T(struct simple_note, label),       SLOT_T(struct simple_note, demo_href),
	SLOT_T(struct simple_note, demo_label),  SLOT_T(struct simple_note, other_href),
	SLOT_T(struct simple_note, other_label),
};
static const struct view note_view = VIEW(struct simple_note, note_slots);
static const struct page note_page = { "server/pages/simple_note.html", &note_view };
PAGE(note_page);

int simple_form_show(struct job *j, int status, const struct simple_form *form)
{
	struct simple_form whole = *form;
	struct str hidden = str_in(j->pool);

	str_add(&hidden, form->hidden.html);
	str_add(&hidden, job_hidden(j, -1).html);
	whole.hidden.html = hidden.s;
	/* job_page() says so itself for 422; a refused sign-in is 401. */
	return job_page(j, status,
			form->summary.html && status != 422 ? pool_printf(j->pool, "Erreur\u00a0: %s", form->title)
							    : form->title,
			&form_page, &whole);
}

int simple_note_show(struct job *j, int status, const struct simple_note *note)
{
	return job_page(j, status, note->title, &note_page, note);
}

void simple_hidden(struct str *out, const char *name, const char *value)
{
	if (!value)
		return;
	str_add(out, "<input type=\"hidden\" name=\"");
	html_attr(out, name);
	str_add(out, "\" value=\"");
	html_attr(out, value);
	str_add(out, "\">\n");
}
