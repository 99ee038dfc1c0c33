#include "document.h"

#include <stdio.h>
#include <string.h>

#include "../db/sealed.h"
#include "base/asset.h"
#include "page.h"
#include "pdf.h"
#include "pieces.h"
#include "text.h"

const char *document_css(void)
{
	const struct asset *a = asset_get("server/mail/document.css");
	return a ? (const char *)a->data : "";
}

int document_open(const struct keyring *k, const struct rows *r, const char *digest, struct pool *pool,
		  unsigned char **pdf, size_t *n, struct err *e)
{
	if (sealed_read(k, sealed_as(SEALED_DOCUMENT, digest), r, 0, "data", pool, pdf, n, e))
		return -1;
	if (!*pdf)
		return fail(e, ERR_MISSING, "error.missing");
	if (!str_eq(crypto_sha256_hex(pool, *pdf, *n), digest))
		return fault(e, "document: other bytes than its digest");
	return 0;
}

/* ---- the receipt ---- */

struct sent_view {
	const char *label, *name, *size;
};
static const struct slot sent_slots[] = { SLOT_T(struct sent_view, label), SLOT_T(struct sent_view, name),
					  SLOT_T(struct sent_view, size) };
static const struct view sent_view = VIEW(struct sent_view, sent_slots);

struct answer_view {
	const char *label, *value;
};
static const struct slot answer_slots[] = { SLOT_T(struct answer_view, label), SLOT_T(struct answer_view, value) };
static const struct view answer_view = VIEW(struct answer_view, answer_slots);

struct section_view {
	const char *title;
	struct list answers;
};
static const struct slot section_slots[] = { SLOT_T(struct section_view, title),
					     SLOT_L(struct section_view, answers, &answer_view) };
static const struct view section_view = VIEW(struct section_view, section_slots);

struct receipt_view {
	const char *number, *name, *date, *last, *deadline, *caisse, *route, *sha256, *hash;
	int64_t version;
	bool amendment, again;
	struct list pieces, sections;
};
#define T(m) SLOT_T(struct receipt_view, m)
static const struct slot receipt_slots[] = {
	T(number),
	T(name),
	T(date),
	T(last),
	T(deadline),
	T(caisse),
	T(route),
	T(sha256),
	T(hash),
	SLOT_I(struct receipt_view, version),
	SLOT_B(struct receipt_view, amendment),
	SLOT_B(struct receipt_view, again),
	SLOT_L(struct receipt_view, pieces, &sent_view),
	SLOT_L(struct receipt_view, sections, &section_view),
};
#undef T
static const struct view receipt_view = VIEW(struct receipt_view, receipt_slots);
static const struct page receipt_page = { "server/mail/recepisse.html", &receipt_view };
PAGE(receipt_page);

static void answer_add(struct answer_view *list, size_t *n, const struct field *field, const struct values *a,
		       size_t row, bool numbered, struct pool *pool)
{
	const char *flat = field_flat(field, row, pool);
	const char *const *all;
	struct str value = str_in(pool);
	size_t count = values_all(a, flat, &all);
	for (size_t i = 0; i < count; i++)
		if (*all[i])
			str_addf(&value, "%s%s", value.len ? ", " : "", field_display(field, all[i], pool));
	if (!value.len)
		return;
	list[*n].label = numbered ? pool_printf(pool, "%s %zu – %s", field->group->row_label, row + 1, field->label)
				  : field->label;
	list[*n].value = value.s;
	(*n)++;
}

static size_t answers_most(const struct step *s, const struct values *a)
{
	size_t n = 0;
	for (size_t i = 0; i < s->item_count; i++)
		n += s->items[i].group ? s->items[i].group->field_count * values_rows(a, s->items[i].group->name) : 1;
	return n;
}

static struct list sections_of(const struct form *f, const struct values *a, struct pool *pool)
{
	struct section_view *out = POOL_ARRAY(pool, struct section_view, f ? f->step_count + 1 : 1);
	size_t sections = 0;
	for (size_t s = 0; f && s < f->step_count; s++) {
		const struct step *step = &f->steps[s];
		struct answer_view *list = POOL_ARRAY(pool, struct answer_view, answers_most(step, a) + 1);
		size_t n = 0;
		for (size_t i = 0; i < step->item_count; i++) {
			const struct group *g = step->items[i].group;
			if (!g)
				answer_add(list, &n, step->items[i].field, a, 0, false, pool);
			for (size_t row = 0; g && row < values_rows(a, g->name); row++)
				for (size_t k = 0; k < g->field_count; k++)
					answer_add(list, &n, &g->fields[k], a, row, true, pool);
		}
		if (n)
			out[sections++] = (struct section_view){ .title = step->title, .answers = { list, n } };
	}
	return (struct list){ out, sections };
}

int receipt_prepare(struct service *s, const struct file_view *v, struct receipt *r, struct pool *pool, struct err *e)
{
	const struct event_view *first = NULL, *sent = NULL;
	struct sent_view *pieces = POOL_ARRAY(pool, struct sent_view, v->piece_count + 1);
	(void)s;
	*r = (struct receipt){ .pool = pool };
	for (size_t i = 0; i < v->event_count; i++) {
		if (!first && str_eq(v->events[i].event, "submit"))
			first = &v->events[i];
		if (v->events[i].seq == v->frozen_seq)
			sent = &v->events[i];
	}
	if (!first || !sent || !v->has_frozen)
		return fail(e, ERR_MISSING, "error.missing");
	for (size_t i = 0; i < v->piece_count; i++)
		pieces[i] = (struct sent_view){
			.label = piece_label(v->pieces[i].kind, v->pieces[i].for_row, pool),
			.name = v->pieces[i].name,
			.size = text_size(pool, v->pieces[i].size),
		};
	/* The event's own deadline: a later one belongs to another state. */
	const char *due = json_member(first->body, "deadline", pool);
	instant_t deadline = INSTANT_NONE;
	if (due && instant_parse(due, &deadline))
		deadline = INSTANT_NONE;
	struct receipt_view view = {
		.number = v->number,
		.name = str_trim(pool, pool_printf(pool, "%s %s", values_text(&v->frozen, "first_name"),
						   values_text(&v->frozen, "last_name"))),
		.date = instant_french(pool, first->at),
		.last = instant_french(pool, sent->at),
		.again = sent != first,
		.deadline = deadline == INSTANT_NONE ? NULL : day_french(pool, day_in_paris(deadline - 1)),
		.caisse = rows_text(v->row, 0, "route_name"),
		.route = rows_text(v->row, 0, "route_explained"),
		.sha256 = v->frozen_sha256,
		.hash = sent->hash,
		.version = v->frozen_seq,
		.amendment = str_eq(v->kind, "amendment"),
		.pieces = { pieces, v->piece_count },
		.sections = sections_of(form_get("application"), &v->frozen, pool),
	};
	struct str html = str_in(pool);
	page_render(&receipt_page, &view, &html);
	r->html = html.s;
	return 0;
}

void receipt_render(struct receipt *r)
{
	unsigned char *pdf;
	if (pdf_render(document_css(), r->html, r->pool, &pdf, &r->pdf_size, &r->err))
		return;
	r->pdf = pdf;
}
