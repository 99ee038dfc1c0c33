#include "file_agent.h"

#include <string.h>

#include "../../db/agent_file.h"
#include "../../db/queue.h"
#include "../../db/sealed.h"
#include "../../forms/xml.h"
#include "../base/crypto.h"
#include "../base/str.h"
#include "../form_html.h"
#include "../json.h"
#include "../pieces.h"
#include "../text.h"
#include "agents.h"
#include "file_actions.h"
#include "step_communes.h"

/* ---- views ---- */

struct line {
	const char *label, *value;
	bool changed;
};
static const struct slot line_slots[] = {
	SLOT_T(struct line, label),
	SLOT_T(struct line, value),
	SLOT_B(struct line, changed),
};
static const struct view line_view = VIEW(struct line, line_slots);

struct past_check {
	const char *result, *tag, *reason, *source, *when;
};
static const struct slot past_slots[] = {
	SLOT_T(struct past_check, result), SLOT_T(struct past_check, tag),  SLOT_T(struct past_check, reason),
	SLOT_T(struct past_check, source), SLOT_T(struct past_check, when),
};
static const struct view past_view = VIEW(struct past_check, past_slots);

struct shown_check {
	const char *name, *result, *tag, *reason, *source, *when, *note;
	struct list lines, earlier;
	bool any_earlier;
};
static const struct slot check_slots[] = {
	SLOT_T(struct shown_check, name),        SLOT_T(struct shown_check, result),
	SLOT_T(struct shown_check, tag),         SLOT_T(struct shown_check, reason),
	SLOT_T(struct shown_check, source),      SLOT_T(struct shown_check, when),
	SLOT_T(struct shown_check, note),        SLOT_L(struct shown_check, lines, &line_view),
	SLOT_B(struct shown_check, any_earlier), SLOT_L(struct shown_check, earlier, &past_view),
};
static const struct view check_slots_view = VIEW(struct shown_check, check_slots);

struct shown_piece {
	int64_t id, file;
	const char *label, *name, *size, *scan, *tag, *problem, *type, *when, *error, *typed;
	bool clean, waiting, gone, opened, recent;
	struct markup hidden;
};
static const struct slot piece_slots[] = {
	SLOT_I(struct shown_piece, id),     SLOT_I(struct shown_piece, file),    SLOT_T(struct shown_piece, label),
	SLOT_T(struct shown_piece, name),   SLOT_T(struct shown_piece, size),    SLOT_T(struct shown_piece, scan),
	SLOT_T(struct shown_piece, tag),    SLOT_T(struct shown_piece, problem), SLOT_T(struct shown_piece, type),
	SLOT_T(struct shown_piece, when),   SLOT_T(struct shown_piece, error),   SLOT_T(struct shown_piece, typed),
	SLOT_B(struct shown_piece, clean),  SLOT_B(struct shown_piece, waiting), SLOT_B(struct shown_piece, gone),
	SLOT_B(struct shown_piece, opened), SLOT_B(struct shown_piece, recent),  SLOT_M(struct shown_piece, hidden),
};
static const struct view piece_view_ = VIEW(struct shown_piece, piece_slots);

/* One point: what is claimed, then what shows it. */
struct point {
	const char *id, *title, *formula;
	struct list claimed, checks, pieces, route;
	struct markup more;
	bool no_claim;
};
static const struct slot point_slots[] = {
	SLOT_T(struct point, id),
	SLOT_T(struct point, title),
	SLOT_T(struct point, formula),
	SLOT_L(struct point, claimed, &line_view),
	SLOT_L(struct point, checks, &check_slots_view),
	SLOT_L(struct point, pieces, &piece_view_),
	SLOT_L(struct point, route, &line_view),
	SLOT_M(struct point, more),
	SLOT_B(struct point, no_claim),
};
static const struct view point_view = VIEW(struct point, point_slots);

struct earlier {
	int64_t id;
	const char *number, *state, *when;
	bool excluded;
};
static const struct slot earlier_slots[] = {
	SLOT_I(struct earlier, id),   SLOT_T(struct earlier, number),   SLOT_T(struct earlier, state),
	SLOT_T(struct earlier, when), SLOT_B(struct earlier, excluded),
};
static const struct view earlier_view = VIEW(struct earlier, earlier_slots);

struct change {
	const char *label, *before, *after;
};
static const struct slot change_slots[] = {
	SLOT_T(struct change, label),
	SLOT_T(struct change, before),
	SLOT_T(struct change, after),
};
static const struct view change_view = VIEW(struct change, change_slots);

struct asked_item {
	const char *what, *reason, *text, *answer, *tag;
};
static const struct slot asked_slots[] = {
	SLOT_T(struct asked_item, what),   SLOT_T(struct asked_item, reason), SLOT_T(struct asked_item, text),
	SLOT_T(struct asked_item, answer), SLOT_T(struct asked_item, tag),
};
static const struct view asked_view = VIEW(struct asked_item, asked_slots);

struct word {
	const char *text;
};
static const struct slot word_slots[] = { SLOT_T(struct word, text) };
static const struct view word_view = VIEW(struct word, word_slots);

struct happened {
	const char *when, *what, *by, *said, *caisse;
	struct list reasons;
	bool with_reasons;
};
static const struct slot happened_slots[] = {
	SLOT_T(struct happened, when),         SLOT_T(struct happened, what),
	SLOT_T(struct happened, by),           SLOT_T(struct happened, said),
	SLOT_T(struct happened, caisse),       SLOT_L(struct happened, reasons, &word_view),
	SLOT_B(struct happened, with_reasons),
};
static const struct view happened_view = VIEW(struct happened, happened_slots);

struct told {
	const char *subject, *when, *mail, *mail_when, *opened, *to, *tag;
};
static const struct slot told_slots[] = {
	SLOT_T(struct told, subject),   SLOT_T(struct told, when),   SLOT_T(struct told, mail),
	SLOT_T(struct told, mail_when), SLOT_T(struct told, opened), SLOT_T(struct told, to),
	SLOT_T(struct told, tag),
};
static const struct view told_view = VIEW(struct told, told_slots);

struct opening {
	const char *when, *who, *what, *reason;
};
static const struct slot opening_slots[] = {
	SLOT_T(struct opening, when),
	SLOT_T(struct opening, who),
	SLOT_T(struct opening, what),
	SLOT_T(struct opening, reason),
};
static const struct view opening_view_ = VIEW(struct opening, opening_slots);

struct signed_by {
	const char *who, *when, *how, *digest;
	bool voided;
};
static const struct slot signed_slots[] = {
	SLOT_T(struct signed_by, who),    SLOT_T(struct signed_by, when),   SLOT_T(struct signed_by, how),
	SLOT_T(struct signed_by, digest), SLOT_B(struct signed_by, voided),
};
static const struct view signed_view = VIEW(struct signed_by, signed_slots);

struct file_page {
	int64_t id;
	const char *number, *name, *state, *tag, *kind, *caisse, *waits, *deadline, *holder, *age, *parent_number,
		*sha256;
	int64_t parent, child;
	bool late, any_changes, any_items, any_openings, any_signatures, any_messages, any_pieces, moved, convention,
		sealing;
	struct list points, earlier, changes, items, events, messages, openings, signatures, pieces;
	struct markup problems, actions;
};
static const struct slot file_slots[] = {
	SLOT_I(struct file_page, id),
	SLOT_T(struct file_page, number),
	SLOT_T(struct file_page, name),
	SLOT_T(struct file_page, state),
	SLOT_T(struct file_page, tag),
	SLOT_T(struct file_page, kind),
	SLOT_T(struct file_page, caisse),
	SLOT_T(struct file_page, waits),
	SLOT_T(struct file_page, deadline),
	SLOT_T(struct file_page, holder),
	SLOT_T(struct file_page, age),
	SLOT_T(struct file_page, parent_number),
	SLOT_T(struct file_page, sha256),
	SLOT_I(struct file_page, parent),
	SLOT_B(struct file_page, late),
	SLOT_B(struct file_page, any_changes),
	SLOT_B(struct file_page, any_items),
	SLOT_B(struct file_page, any_openings),
	SLOT_B(struct file_page, any_signatures),
	SLOT_B(struct file_page, any_messages),
	SLOT_B(struct file_page, any_pieces),
	SLOT_B(struct file_page, moved),
	SLOT_L(struct file_page, points, &point_view),
	SLOT_L(struct file_page, earlier, &earlier_view),
	SLOT_L(struct file_page, changes, &change_view),
	SLOT_L(struct file_page, items, &asked_view),
	SLOT_L(struct file_page, events, &happened_view),
	SLOT_L(struct file_page, messages, &told_view),
	SLOT_L(struct file_page, openings, &opening_view_),
	SLOT_L(struct file_page, signatures, &signed_view),
	SLOT_L(struct file_page, pieces, &piece_view_),
	SLOT_I(struct file_page, child),
	SLOT_B(struct file_page, convention),
	SLOT_B(struct file_page, sealing),
	SLOT_M(struct file_page, problems),
	SLOT_M(struct file_page, actions),
};
static const struct view file_page_view = VIEW(struct file_page, file_slots);
static const struct page file_page = { "server/pages/file_agent.html", &file_page_view };
PAGE(file_page);

/* ---- what the page knows ---- */

struct agent_page {
	const struct file_view *v;
	int status;
	const struct problems *problems;
	const struct err *why;
	const char *action;
	size_t copies, replaced, earlier, communes, places, caisses, openings, signatures;
	/* second step */
	struct job *j;
	const struct form *form;
	struct values before; /* the copy sent before the latest */
	bool has_before, expert;
	const struct rows *commune_rows;
	instant_t corrected; /* the correction that was sent last was asked for then; INSTANT_NONE */
};

static instant_t corrected_since(const struct file_view *v)
{
	instant_t at = INSTANT_NONE;

	for (size_t i = 0; i < v->event_count; i++)
		if (str_eq(v->events[i].to, "correction"))
			at = v->events[i].at;
	return v->st == ST_CORRECTION ? INSTANT_NONE : at; /* what is under way is nobody else's yet */
}

static bool is_new(const struct agent_page *p, const struct piece_view *x)
{
	return p->corrected != INSTANT_NONE && x->at >= p->corrected;
}

static const char *commune_name(const struct agent_page *p, const char *code)
{
	for (size_t i = 0; i < rows_count(p->commune_rows); i++)
		if (str_eq(rows_str(p->commune_rows, i, "code"), code))
			return pool_printf(p->j->pool, "%s (%s)", rows_str(p->commune_rows, i, "name"), code);
	return code;
}

/* Every value of that name for people, joined. */
static const char *shown_value(const struct agent_page *p, const struct values *v, const char *name)
{
	const struct field *f = form_field(p->form, name);
	const char *const *all;
	size_t n = values_all(v, name, &all);
	struct str s = str_in(p->j->pool);

	if (!f)
		return "";
	for (size_t i = 0; i < n; i++) {
		if (!*all[i])
			continue;
		str_add(&s, s.len ? ", " : "");
		str_add(&s, f->type == FIELD_COMMUNE ? commune_name(p, all[i]) : field_display(f, all[i], p->j->pool));
	}
	return s.s;
}

static bool same_values(const struct values *a, const struct values *b, const char *name)
{
	const char *const *x, *const *y;
	size_t n = values_all(a, name, &x), m = values_all(b, name, &y);

	if (n != m)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!str_eq(x[i], y[i]))
			return false;
	return true;
}

static struct list claimed(const struct agent_page *p, const char *const *names, size_t count)
{
	struct line *lines = POOL_ARRAY(p->j->pool, struct line, count + 1);
	size_t n = 0;

	for (size_t i = 0; i < count && names[i]; i++) {
		const struct field *f = form_field(p->form, names[i]);
		const char *value = shown_value(p, &p->v->answers, names[i]);
		const char *facultative;

		if (!f || (p->expert && f->not_for_expert) || (!*value && !f->required))
			continue;
		facultative = strstr(f->label, " (facultatif)");
		lines[n++] = (struct line){
			.label = facultative ? pool_strndup(p->j->pool, f->label, (size_t)(facultative - f->label))
					     : f->label,
			.value = *value ? value : "Non renseigné",
			.changed = p->has_before && !same_values(&p->before, &p->v->answers, names[i]),
		};
	}
	return (struct list){ lines, n };
}

/* ---- checks ---- */

static struct list evidence_lines(const struct agent_page *p, const struct check_view *c)
{
	static const struct {
		const char *check, *name, *label;
	} known[] = {
		{ "rpps", "psychologist_lines", "Lignes «\u00a0psychologue\u00a0» du registre" },
		{ "rpps", "other_lines", "Autres lignes" },
		{ "identity", "registry[]", "Au registre" },
		{ "ars", "authorities[]", "Autorité d’enregistrement" },
		{ "ars", "registry_departements[]", "Départements au registre" },
		{ "ars", "departement", "Département du lieu d’exercice" },
		{ "duplicate", "same_name_and_birth", "Dossiers de même nom et même naissance" },
		{ "duplicate", "same_iban", "Dossiers de même compte" },
		{ "documents", "bad", "Pièces en défaut" },
		{ "address", "departement", "Département" },
	};
	struct line *lines = POOL_ARRAY(p->j->pool, struct line, COUNT(known));
	struct values v = values_in(p->j->pool);
	struct err e;
	size_t n = 0;

	if (!c->evidence || json_read_values(c->evidence, strlen(c->evidence), &v, &e))
		return (struct list){ NULL, 0 };
	for (size_t i = 0; i < COUNT(known); i++) {
		const char *const *all;
		size_t count = values_all(&v, known[i].name, &all);
		struct str s = str_in(p->j->pool);

		if (!str_eq(known[i].check, c->code) || (p->expert && str_eq(known[i].name, "same_iban")))
			continue;
		for (size_t k = 0; k < count; k++)
			if (*all[k])
				str_addf(&s, "%s%s", s.len ? ", " : "", all[k]);
		if (s.len)
			lines[n++] = (struct line){ known[i].label, s.s, false };
	}
	return (struct list){ lines, n };
}

static const char *when_text(struct job *j, instant_t at)
{
	return at == INSTANT_NONE ? NULL : instant_french(j->pool, at);
}

static struct shown_check check_shown(const struct agent_page *p, const struct check_view *c)
{
	struct past_check *past = POOL_ARRAY(p->j->pool, struct past_check, p->v->check_count + 1);
	struct shown_check out = {
		.name = text2("check_name", c->code),
		.result = text2("result", c->result),
		.tag = result_tag(c->result),
		.reason = text2("check", c->reason),
		.source = check_source(c->source, p->j->pool),
		.when = when_text(p->j, c->at),
		.note = c->settled      ? "Un expert a donné son avis sur ce point."
			: c->maintained ? "La personne maintient sa réponse, avec une explication."
					: NULL,
		.lines = evidence_lines(p, c),
	};
	size_t n = 0;

	for (size_t i = 0; i < p->v->check_count; i++) {
		const struct check_view *x = &p->v->checks[i];

		if (x->earlier && str_eq(x->code, c->code))
			past[n++] = (struct past_check){ text2("result", x->result), result_tag(x->result),
							 text2("check", x->reason), check_source(x->source, p->j->pool),
							 when_text(p->j, x->at) };
	}
	out.earlier = (struct list){ past, n };
	out.any_earlier = n > 0;
	return out;
}

static struct list checks_of(const struct agent_page *p, const char *const *codes, size_t count)
{
	struct shown_check *items = POOL_ARRAY(p->j->pool, struct shown_check, count + 1);
	size_t n = 0;

	for (size_t k = 0; k < count && codes[k]; k++)
		for (size_t i = 0; i < p->v->check_count; i++)
			if (!p->v->checks[i].earlier && str_eq(p->v->checks[i].code, codes[k]))
				items[n++] = check_shown(p, &p->v->checks[i]);
	return (struct list){ items, n };
}

/* ---- pieces ---- */

static struct shown_piece piece_shown(const struct agent_page *p, const struct piece_view *x)
{
	bool clean = str_eq(x->scan, "clean"), infected = str_eq(x->scan, "infected");

	return (struct shown_piece){
		.id = x->id,
		.file = p->v->id,
		.label = piece_label(x->kind, x->for_row, p->j->pool),
		.name = x->name,
		.size = text_size(p->j->pool, x->size),
		.type = str_eq(x->type, "application/pdf") ? "PDF"
			: str_eq(x->type, "image/png")     ? "PNG"
							   : "JPEG",
		.when = when_text(p->j, x->at),
		.scan = infected ? "Infectée\u00a0: ne s’ouvre pas"
			: clean  ? "Analysée"
				 : "Analyse en attente",
		.tag = infected ? "msp-tag--error"
		       : clean  ? "msp-tag--ok"
				: "msp-tag--warn",
		.problem = x->problem ? "Lecture difficile ou contenu actif\u00a0: ouvrez-la avec prudence." : NULL,
		.gone = x->erased || infected || p->j->who.role == ADMIN,
		.clean = clean && !x->erased && p->j->who.role != ADMIN,
		.waiting = !clean && !infected && !x->erased && p->j->who.role != ADMIN,
		.opened = x->opened,
		.recent = is_new(p, x),
		.hidden = !clean && !infected ? job_hidden(p->j, -1) : (struct markup){ NULL },
	};
}

static struct list pieces_of(const struct agent_page *p, const char *const *kinds, size_t count)
{
	struct shown_piece *items = POOL_ARRAY(p->j->pool, struct shown_piece, p->v->piece_count + 1);
	size_t n = 0;

	for (size_t k = 0; k < count && kinds[k]; k++)
		for (size_t i = 0; i < p->v->piece_count; i++)
			if (str_eq(p->v->pieces[i].kind, kinds[k]))
				items[n++] = piece_shown(p, &p->v->pieces[i]);
	return (struct list){ items, n };
}

/* ---- experience: its periods on one line of time ---- */

static void period_bar(struct str *out, const struct period *x, size_t i, day_t first, day_t last, day_t deposit)
{
	static const char *const bars[] = { "msp-bar-1", "msp-bar-2", "msp-none" };
	day_t to = x->to == DAY_NONE || x->to > deposit ? deposit : x->to;
	long span = last > first ? last - first : 1, left = 560L * (x->from - first) / span,
	     width = 560L * ((to < x->from ? x->from : to) - x->from) / span;

	str_addf(out,
		 "<text x=\"0\" y=\"%zu\">%zu</text><rect class=\"%s\" x=\"%ld\" y=\"%zu\" width=\"%ld\" "
		 "height=\"12\"/>",
		 i * 20 + 13, i + 1, bars[x->clinical], left + 24, i * 20 + 3, width < 2 ? 2 : width);
}

static struct markup experience_html(const struct agent_page *p)
{
	struct str out = str_in(p->j->pool);
	struct period *periods;
	size_t n = experience_periods(&p->v->answers, p->j->pool, &periods);
	instant_t sent = rows_instant(p->v->row, 0, "submitted_at");
	day_t deposit = day_in_paris(sent == INSTANT_NONE ? p->v->now : sent), first = deposit, last = deposit;
	const struct experience *x = &p->v->experience;

	str_add(&out, "<ol class=\"govuk-list govuk-list--number msp-periods\">\n");
	for (size_t i = 0, rows = values_rows(&p->v->answers, "experience"); i < rows; i++) {
		struct pool *pool = p->j->pool;
		const char *at = pool_printf(pool, "experience[%zu]", i);
		const char *to = shown_value(p, &p->v->answers, pool_printf(pool, "%s.to", at));

		str_add(&out, "<li>");
		html_text(&out, shown_value(p, &p->v->answers, pool_printf(pool, "%s.structure", at)));
		str_add(&out, ", ");
		html_text(&out, shown_value(p, &p->v->answers, pool_printf(pool, "%s.function", at)));
		str_add(&out, "<br>du ");
		html_text(&out, shown_value(p, &p->v->answers, pool_printf(pool, "%s.from", at)));
		str_add(&out, *to ? " au " : " à aujourd’hui");
		html_text(&out, to);
		str_add(&out, " – clinique\u00a0: ");
		html_text(&out, shown_value(p, &p->v->answers, pool_printf(pool, "%s.clinical", at)));
		str_add(&out, ", temps\u00a0: ");
		html_text(&out, shown_value(p, &p->v->answers, pool_printf(pool, "%s.share", at)));
		str_add(&out, "\u00a0%</li>\n");
	}
	str_add(&out, "</ol>\n");
	if (n) {
		for (size_t i = 0; i < n; i++)
			first = periods[i].from < first ? periods[i].from : first;
		str_addf(&out,
			 "<svg class=\"msp-chart\" viewBox=\"0 0 600 %zu\" role=\"img\" aria-label=\"Périodes du %s au "
			 "%s\u00a0; les mêmes "
			 "dates sont dans la liste ci-dessus\">",
			 n * 20 + 4, day_french(p->j->pool, first), day_french(p->j->pool, last));
		for (size_t i = 0; i < n; i++)
			period_bar(&out, &periods[i], i, first, last, deposit);
		str_add(&out, "</svg>\n<ul class=\"msp-legend\"><li><span class=\"msp-legend__key "
			      "msp-key-1\"></span>Clinique</li>"
			      "<li><span class=\"msp-legend__key msp-key-2\"></span>En partie</li><li><span "
			      "class=\"msp-legend__key\"></span>Non clinique</li></ul>\n");
	}
	if (p->v->has_experience) {
		str_addf(&out,
			 "<p class=\"govuk-body-s\"><strong>%s</strong> comptés sur %s demandés\u00a0; %s en comptant "
			 "les périodes en "
			 "partie cliniques\u00a0; %s en équivalent temps plein (pour information).</p>\n",
			 days_text(p->j->pool, x->days), days_text(p->j->pool, EXPERIENCE_DAYS_NEEDED),
			 days_text(p->j->pool, x->days_with_partly), days_text(p->j->pool, x->full_time_days));
	}
	return (struct markup){ out.s };
}

/* ---- the points, row by row ---- */

static struct list route_lines(const struct agent_page *p)
{
	struct line *lines = POOL_ARRAY(p->j->pool, struct line, 4);
	const char *explained = rows_text(p->v->row, 0, "route_explained");
	size_t n = 0;

	lines[n++] = (struct line){ "Rattachement", explained ? explained : "Pas encore calculé", false };
	if (!rows_null(p->v->row, 0, "caisse") &&
	    !str_eq(rows_str(p->v->row, 0, "caisse"), rows_text(p->v->row, 0, "route_caisse")))
		lines[n++] = (struct line){ "Caisse actuelle", rows_str(p->v->row, 0, "caisse_name"), false };
	return (struct list){ lines, n };
}

static const struct {
	const char *id, *title;
	const char *names[10], *checks[3], *pieces[3];
	bool not_expert, employer;
} rows_of_page[] = {
	{ "identite",
	  "Identité",
	  { "last_name", "first_name", "birth_date", "rpps", "adeli", "name_note" },
	  { "identity", "rpps", "duplicate" },
	  { "identity" },
	  false,
	  false },
	{ "ars", "Enregistrement auprès de l’ARS", { "practice_mode" }, { "ars" }, { NULL }, false, false },
	{ "diplome",
	  "Diplôme",
	  { "diploma_kind", "diploma_date", "diploma_place" },
	  { "diploma" },
	  { "diploma", "diploma_extra", "foreign_authorisation" },
	  false,
	  false },
	{ "experience", "Expérience", { NULL }, { "experience" }, { "experience" }, false, false },
	{ "parcours",
	  "Parcours en psychologie clinique",
	  { "attest_clinical", "attest_truth" },
	  { NULL },
	  { NULL },
	  false,
	  false },
	{ "adresse",
	  "Lieu d’exercice et caisse",
	  { "address_street", "address_extra", "address_postcode", "address_commune", "address2_street",
	    "address2_extra", "address2_postcode", "address2_commune" },
	  { "address" },
	  { NULL },
	  false,
	  false },
	{ "employeur",
	  "Employeur",
	  { "employer_name", "employer_siret", "employer_email" },
	  { NULL },
	  { NULL },
	  false,
	  true },
	{ "droits", "Droits à l’assurance maladie", { "nir" }, { NULL }, { "rights" }, true, false },
	{ "banque", "Compte bancaire", { "iban_holder", "iban", "bic" }, { NULL }, { "rib" }, true, false },
	{ "joindre", "Pour joindre la personne", { "email", "phone" }, { NULL }, { NULL }, false, false },
	{ "annuaire",
	  "Annuaire",
	  { "public[]", "languages[]", "remote", "website", "show_email", "show_phone" },
	  { NULL },
	  { NULL },
	  false,
	  false },
	{ "pieces", "Lisibilité des pièces", { NULL }, { "documents" }, { NULL }, false, false },
};

/* A postcode that is not its commune's. */
static struct markup unlike_html(const struct agent_page *p)
{
	struct str out = str_in(p->j->pool);

	for (size_t i = 0; i < STEP_PLACES; i++) {
		const char *said = step_place_unlike(job_rows(p->j, p->places), i, &p->v->answers, p->j->pool);

		if (!said)
			continue;
		str_add(&out, "<p class=\"msp-notice msp-notice--warn\">");
		html_text(&out, said);
		str_add(&out, "</p>\n");
	}
	return (struct markup){ out.len ? out.s : NULL };
}

static struct list points_of(const struct agent_page *p)
{
	struct point *items = POOL_ARRAY(p->j->pool, struct point, COUNT(rows_of_page));
	size_t n = 0;

	for (size_t i = 0; i < COUNT(rows_of_page); i++) {
		struct point *x = &items[n];

		if ((rows_of_page[i].not_expert && p->expert) ||
		    (rows_of_page[i].employer && !p->v->facts.has_employer))
			continue;
		*x = (struct point){
			.id = rows_of_page[i].id,
			.title = rows_of_page[i].title,
			.claimed = claimed(p, rows_of_page[i].names, COUNT(rows_of_page[i].names)),
			.checks = checks_of(p, rows_of_page[i].checks, COUNT(rows_of_page[i].checks)),
			.pieces = pieces_of(p, rows_of_page[i].pieces, COUNT(rows_of_page[i].pieces)),
		};
		if (str_eq(x->id, "experience")) {
			x->more = experience_html(p);
			x->formula = p->v->has_experience ? p->v->experience.formula : NULL;
		}
		if (str_eq(x->id, "banque") && file_view_other_holder(&p->v->answers, p->j->pool))
			x->more = (struct markup){
				"<p class=\"msp-notice msp-notice--warn\"><strong>Autre titulaire\u00a0:</strong> "
				"ni la personne, ni l’employeur déclaré.</p>\n"
			};
		if (str_eq(x->id, "adresse")) {
			x->route = route_lines(p);
			x->more = unlike_html(p);
		}
		x->no_claim = !x->claimed.count && !x->more.html;
		n++;
	}
	return (struct list){ items, n };
}

/* ---- what changed since the copy sent before ---- */

static const char *change_label(const struct agent_page *p, const char *name)
{
	const struct field *f = form_field(p->form, name);
	size_t array, row;
	const char *rest;

	if (f && values_split(name, &array, &row, &rest))
		return pool_printf(p->j->pool, "Expérience, période %zu\u00a0: %s", row + 1, f->label);
	return f ? f->label : name;
}

static void add_changes(const struct agent_page *p, const struct values *from, struct change *items, size_t *n,
			size_t max)
{
	for (size_t i = 0; i < from->count && *n < max; i++) {
		const char *name = from->items[i].name;
		const struct field *f = form_field(p->form, name);
		bool seen = !f || (p->expert && f->not_for_expert);

		for (size_t k = 0; k < i; k++)
			seen |= str_eq(from->items[k].name, name);
		for (size_t k = 0; k < *n; k++)
			seen |= str_eq(items[k].label, change_label(p, name));
		if (seen || same_values(&p->before, &p->v->frozen, name))
			continue;
		items[(*n)++] = (struct change){ change_label(p, name), shown_value(p, &p->before, name),
						 shown_value(p, &p->v->frozen, name) };
	}
}

/* Pieces that came and went with the latest sending. */
static void add_piece_changes(const struct agent_page *p, const struct rows *replaced, struct change *items, size_t *n)
{
	struct pool *pool = p->j->pool;
	bool *told = POOL_ARRAY(pool, bool, p->v->piece_count + 1);

	for (size_t i = 0; i < rows_count(replaced); i++) {
		const char *kind = rows_str(replaced, i, "kind"), *row = rows_text(replaced, i, "for_row");
		const char *name = piece_name(p->j->service->keys, replaced, i, pool);
		struct change *c = &items[(*n)++];

		*c = (struct change){ piece_label(kind, row, pool), *name ? name : text("piece_name.unnamed"), "" };
		for (size_t k = 0; k < p->v->piece_count && !*c->after; k++) {
			const struct piece_view *x = &p->v->pieces[k];
			if (!is_new(p, x) || told[k] || !str_eq(x->kind, kind) || !str_eq(x->for_row, row))
				continue;
			told[k] = true;
			c->after = x->name;
		}
	}
	for (size_t k = 0; k < p->v->piece_count; k++) {
		const struct piece_view *x = &p->v->pieces[k];
		if (is_new(p, x) && !told[k])
			items[(*n)++] = (struct change){ piece_label(x->kind, x->for_row, pool), "", x->name };
	}
}

static struct list changes_of(const struct agent_page *p)
{
	const struct rows *replaced = job_rows(p->j, p->replaced);
	size_t n = 0, max = p->before.count + p->v->frozen.count;
	struct change *items =
		POOL_ARRAY(p->j->pool, struct change, max + rows_count(replaced) + p->v->piece_count + 1);

	if (!p->has_before)
		return (struct list){ NULL, 0 };
	add_changes(p, &p->v->frozen, items, &n, max);
	add_changes(p, &p->before, items, &n, max);
	if (p->corrected != INSTANT_NONE)
		add_piece_changes(p, replaced, items, &n);
	for (size_t i = 0; i < n; i++) {
		if (!*items[i].before)
			items[i].before = "Rien";
		if (!*items[i].after)
			items[i].after = "Rien";
	}
	return (struct list){ items, n };
}

static struct list items_of(const struct agent_page *p)
{
	struct asked_item *items = POOL_ARRAY(p->j->pool, struct asked_item, p->v->item_count + 1);
	const struct field *codes = form_field(form_get("refuse"), "reasons");
	size_t n = 0;

	for (size_t i = 0; i < p->v->item_count; i++) {
		const struct item_view *x = &p->v->items[i];
		const struct field *f = x->field ? form_field(p->form, x->field) : NULL;
		const char *colon = x->piece ? strchr(x->piece, ':') : NULL,
			   *check = pool_printf(p->j->pool, "check_name.%s", x->code);

		items[n++] = (struct asked_item){
			.what = x->piece ? piece_label(colon ? pool_strndup(p->j->pool, x->piece,
									    (size_t)(colon - x->piece))
							     : x->piece,
						       colon ? colon + 1 : NULL, p->j->pool)
				: f                              ? f->label
				: str_eq(x->field, "experience") ? "Expérience"
								 : x->field,
			.reason = text_or(check, codes ? field_display(codes, x->code, p->j->pool) : x->code),
			.text = x->text,
			.answer = !x->answered    ? "Sans réponse"
				  : x->maintained ? "Maintenu par la personne"
						  : "Corrigé",
			.tag = !x->answered    ? "msp-tag--warn"
			       : x->maintained ? "msp-tag--plum"
					       : "msp-tag--ok",
		};
	}
	return (struct list){ items, n };
}

/* ---- history, messages, openings, signatures ---- */

static struct list events_of(const struct agent_page *p)
{
	struct happened *items = POOL_ARRAY(p->j->pool, struct happened, p->v->event_count + 1);
	const struct field *codes = form_field(form_get("refuse"), "reasons");
	size_t n = 0;

	for (size_t i = p->v->event_count; i-- > 0;) {
		const struct event_view *x = &p->v->events[i];
		struct word *reasons = POOL_ARRAY(p->j->pool, struct word, x->reason_count + 1);
		bool role = role_from_id(x->by) != NOBODY,
		     moved = i && !str_eq(x->caisse_name, p->v->events[i - 1].caisse_name);

		for (size_t k = 0; k < x->reason_count; k++)
			reasons[k].text = codes ? field_display(codes, x->reasons[k], p->j->pool) : x->reasons[k];
		items[n++] = (struct happened){
			.when = when_text(p->j, x->at),
			.what = text2("event_past", x->event),
			.by = role ? text2("role", x->by)
				   : pool_printf(p->j->pool, "%s (%s)", x->by, text2("role", x->role)),
			.said = x->text,
			.caisse = moved ? x->caisse_name : NULL,
			.reasons = { reasons, x->reason_count },
			.with_reasons = x->reason_count > 0,
		};
	}
	return (struct list){ items, n };
}

static struct list messages_of(const struct agent_page *p)
{
	const struct rows *r = p->v->messages;
	struct told *items = POOL_ARRAY(p->j->pool, struct told, rows_count(r) + 1);

	for (size_t i = 0; i < rows_count(r); i++) {
		const char *state = rows_str(r, i, "mail_state");
		bool person = rows_bool(r, i, "to_applicant");

		items[i] = (struct told){
			.subject = rows_null(r, i, "subject") ? "En préparation" : rows_str(r, i, "subject"),
			.when = when_text(p->j, rows_instant(r, i, "at")),
			.to = person ? "La personne" : "Agents",
			.mail = str_eq(state, "sent")     ? "Envoyé"
				: str_eq(state, "failed") ? "Échec de l’envoi"
				: str_eq(state, "none")   ? "Sans courriel"
							  : "En attente d’envoi",
			.tag = str_eq(state, "sent")     ? "msp-tag--ok"
			       : str_eq(state, "failed") ? "msp-tag--error"
							 : "msp-tag--grey",
			.mail_when = when_text(p->j, rows_instant(r, i, "mail_at")),
			.opened = rows_null(r, i, "opened_at") ? "Pas encore lu"
							       : when_text(p->j, rows_instant(r, i, "opened_at")),
		};
	}
	return (struct list){ items, rows_count(r) };
}

static struct list openings_of(const struct agent_page *p, const struct rows *r)
{
	struct opening *items = POOL_ARRAY(p->j->pool, struct opening, rows_count(r) + 1);

	for (size_t i = 0; i < rows_count(r); i++)
		items[i] = (struct opening){
			.when = when_text(p->j, rows_instant(r, i, "at")),
			.who = pool_printf(p->j->pool, "%s (%s)", rows_str(r, i, "agent_name"),
					   text2("role", rows_str(r, i, "role"))),
			.what = rows_null(r, i, "kind")
					? "Pièce effacée"
					: piece_label(rows_str(r, i, "kind"), rows_text(r, i, "for_row"), p->j->pool),
			.reason = rows_text(r, i, "reason"),
		};
	return (struct list){ items, rows_count(r) };
}

static struct list signatures_of(const struct agent_page *p, const struct rows *r)
{
	struct signed_by *items = POOL_ARRAY(p->j->pool, struct signed_by, rows_count(r) + 1);

	for (size_t i = 0; i < rows_count(r); i++) {
		items[i] = (struct signed_by){
			.who = text2("signature.party", rows_str(r, i, "party")),
			.when = when_text(p->j, rows_instant(r, i, "at")),
			.how = text2("signature.method", rows_str(r, i, "method")),
			.digest = rows_str(r, i, "digest"),
			.voided = rows_bool(r, i, "voided"),
		};
	}
	return (struct list){ items, rows_count(r) };
}

static struct list earlier_of(const struct agent_page *p, const struct rows *r)
{
	struct earlier *items = POOL_ARRAY(p->j->pool, struct earlier, rows_count(r) + 1);

	for (size_t i = 0; i < rows_count(r); i++)
		items[i] = (struct earlier){
			.id = rows_i64(r, i, "id"),
			.number = rows_str(r, i, "number"),
			.state = text2("state", rows_str(r, i, "state")),
			.when = day_french(p->j->pool, day_in_paris(rows_instant(r, i, "state_since"))),
			.excluded = rows_bool(r, i, "excluded"),
		};
	return (struct list){ items, rows_count(r) };
}

/* ---- the page ---- */

static const char *waits_text(const struct agent_page *p)
{
	switch (p->v->st) {
	case ST_SUBMITTED:
		return "Les vérifications automatiques sont en cours.";
	case ST_EXPERT_REVIEW:
		return p->v->facts.proposed
			       ? "Une inéligibilité est proposée\u00a0: un second expert confirme ou conteste."
			       : "Un expert donne son avis sur l’éligibilité.";
	case ST_CORRECTION:
		return "La personne complète son dossier.";
	case ST_UNROUTED:
		return "Un administrateur choisit la caisse.";
	case ST_IN_REVIEW:
		return p->v->facts.holds_it ? "Vous suivez ce dossier\u00a0: c’est à vous d’agir."
		       : p->v->facts.held   ? "La personne qui suit ce dossier doit agir."
					    : "Personne ne suit ce dossier\u00a0: prenez-le en charge.";
	case ST_TO_SIGN:
		return p->v->facts.has_employer ? "Le psychologue et son employeur signent la convention."
						: "Le psychologue signe la convention.";
	case ST_TO_COUNTERSIGN:
		return "Une personne de la caisse qui a délégation contresigne la convention.";
	case ST_CONVENTIONED:
		return p->v->measure_from == INSTANT_NONE
			       ? "Personne n’a à agir."
			       : pool_printf(
					 p->j->pool,
					 "Constatations adressées\u00a0: la caisse peut prendre une mesure dès le %s.",
					 day_french(p->j->pool, day_in_paris(p->v->measure_from)));
	case ST_SUSPENDED:
		return "La convention est suspendue\u00a0; elle reprend à la date de fin, ou plus tôt si la caisse le "
		       "décide.";
	case ST_LEAVING:
		return "La convention prend fin à la date d’effet de la résiliation.";
	case ST_APPEALED:
		return "Une autre personne que celle qui a refusé examine le recours.";
	default:
		return "Personne n’a à agir.";
	}
}

static void read_before(struct agent_page *p, const struct rows *r)
{
	struct sealed_place at = sealed_at2(SEALED_FROZEN_COPY, p->v->id, rows_i64(r, 1, "seq"));
	unsigned char *plain;
	size_t n;
	struct err e;

	p->before = values_in(p->j->pool);
	if (p->v->has_frozen && !sealed_read(p->j->service->keys, at, r, 1, "data", p->j->pool, &plain, &n, &e))
		p->has_before = plain && !xml_to_values(plain, n, &p->before, &e);
}

/* Where the reason why not is put right: the part of the open form it speaks of, else the form. */
static const char *why_field(const struct agent_page *p)
{
	if (p->why->field)
		return p->why->field;
	if (str_eq(p->why->text, "why.checklist"))
		return "checklist";
	if (str_eq(p->why->text, "why.pieces"))
		return "pieces-settled";
	return *p->action ? "action" : "";
}

static const struct problems *problems_of_page(struct agent_page *p)
{
	struct problems *all;

	if (!p->why || p->why->kind == ERR_NONE)
		return p->problems;
	if (p->problems && p->problems->count)
		return p->problems;
	all = POOL_NEW(p->j->pool, struct problems);
	*all = problems_in(p->j->pool);
	problems_add(all, why_field(p), "why",
		     text_fill(p->j->pool, p->why->text ? p->why->text : "error.fault", p->why->arg));
	return all;
}

static int page_shown(struct job *j, struct err *e)
{
	struct agent_page *p = j->state;
	const struct file_view *v = p->v;
	const struct rows *row = v->row;
	const struct problems *problems;
	instant_t since = rows_instant(row, 0, v->st == ST_IN_REVIEW ? "queue_since" : "state_since");
	instant_t deadline = rows_instant(row, 0, "deadline"), held = rows_instant(row, 0, "holder_since");
	int64_t age = since == INSTANT_NONE ? 0 : day_working_between(day_in_paris(since), day_in_paris(j->now));
	int target = v->st == ST_IN_REVIEW ? policy_now(j->service)->review_target : 0;
	const char *name = str_trim(
		j->pool, pool_printf(j->pool, "%s %s", rows_str(row, 0, "first_name"), rows_str(row, 0, "last_name")));
	struct file_page page;

	(void)e;
	p->j = j;
	p->form = form_get("application");
	p->expert = j->who.role == EXPERT;
	p->commune_rows = job_rows(j, p->communes);
	read_before(p, job_rows(j, p->copies));
	p->corrected = corrected_since(v);
	problems = problems_of_page(p);
	struct action_context actions = {
		.j = j,
		.v = v,
		.problems = problems,
		.caisses = p->caisses ? job_rows(j, p->caisses) : NULL,
		.communes = p->commune_rows,
		.action = p->action,
		.typed = j->route->method == METHOD_POST && str_eq(job_param(j, "event"), p->action),
	};
	page = (struct file_page){
		.id = v->id,
		.number = v->number,
		.name = *name               ? name
			: v->st == ST_DRAFT ? "Brouillon"
					    : "Nom effacé",
		.state = text2("state", v->state),
		.tag = state_tag(v->state),
		.kind = v->facts.kind == KIND_AMENDMENT ? "Avenant" : NULL,
		.caisse = rows_text(row, 0, "caisse_name"),
		.waits = waits_text(p),
		.deadline = deadline == INSTANT_NONE ? NULL : day_french(j->pool, day_in_paris(deadline - 1)),
		.holder = rows_null(row, 0, "holder")
				  ? NULL
				  : pool_printf(j->pool, "%s%s%s",
						v->facts.holds_it ? "Vous" : rows_str(row, 0, "holder_name"),
						held == INSTANT_NONE ? "" : ", depuis le ",
						held == INSTANT_NONE ? "" : instant_french(j->pool, held)),
		.age = target ? pool_printf(j->pool, "%s ouvré%s dans la file, cible\u00a0: %d",
					    days_text(j->pool, age), age > 1 ? "s" : "", target)
			      : pool_printf(j->pool, "%s ouvré%s à cette étape", days_text(j->pool, age),
					    age > 1 ? "s" : ""),
		.late = target && age > target,
		.parent = v->parent,
		.child = v->child,
		.convention = j->who.role == DELEGATE && !rows_null(row, 0, "document"),
		.sealing = file_view_sealing(v),
		.parent_number = rows_text(row, 0, "parent_number"),
		.sha256 = v->frozen_sha256,
		.moved = j->who.role == DELEGATE && !v->facts.of_its_caisse,
		.points = points_of(p),
		.earlier = earlier_of(p, job_rows(j, p->earlier)),
		.changes = changes_of(p),
		.items = items_of(p),
		.events = events_of(p),
		.messages = messages_of(p),
		.openings = openings_of(p, job_rows(j, p->openings)),
		.signatures = signatures_of(p, job_rows(j, p->signatures)),
		.problems = form_problem_summary(problems, j->pool),
		.actions = actions_html(&actions),
	};
	page.any_changes = page.changes.count > 0;
	page.any_items = page.items.count > 0;
	page.any_openings = page.openings.count > 0;
	page.any_signatures = page.signatures.count > 0;
	page.any_messages = page.messages.count > 0;
	page.any_pieces = v->piece_count > 0;
	return job_page(j, p->status, pool_printf(j->pool, "%s – %s", v->number, page.name), &file_page, &page);
}

int file_page_agent(struct job *j, const struct file_view *v, int status, const struct problems *p,
		    const struct err *why, struct err *e)
{
	struct agent_page *a = POOL_NEW(j->pool, struct agent_page);
	struct arg id = arg_i64(j->pool, v->id);
	const char *codes[] = { values_text(&v->answers, "address_commune"),
				values_text(&v->answers, "address2_commune") };

	(void)e;
	*a = (struct agent_page){ .v = v, .status = status, .problems = p, .why = why, .action = action_open(j, v) };
	a->copies = job_ask(j, &agent_file_copies, ARGS(id));
	a->replaced = job_ask(j, &agent_file_replaced, ARGS(id));
	a->earlier = job_ask(j, &agent_file_earlier, ARGS(id));
	a->communes = job_ask(j, &agent_file_communes, ARGS(arg_texts(j->pool, codes, COUNT(codes))));
	a->places = step_places_ask(j, &v->answers);
	a->openings = job_ask(j, &agent_file_openings, ARGS(id));
	a->signatures = job_ask(j, &agent_file_signatures, ARGS(id));
	if (action_wants_caisses(a->action))
		a->caisses = job_ask(j, &queue_caisses, NO_ARGS);
	j->state = a;
	job_then(j, page_shown);
	return 0;
}
