#include "file_actions.h"

#include <string.h>

#include "../../workflow/workflow.h"
#include "../base/str.h"
#include "../form_html.h"
#include "../pieces.h"
#include "../text.h"
#include "agents.h"
#include "dossiers.h"

/* ---- markup ---- */

struct drawn {
	const struct action_context *a;
	struct pool *pool;
	struct str out;
};

static void add(struct drawn *d, const char *html)
{
	str_add(&d->out, html);
}

static void words(struct drawn *d, const char *s)
{
	html_text(&d->out, s);
}

static void attr(struct drawn *d, const char *name, const char *value)
{
	str_addf(&d->out, " %s=\"", name);
	html_attr(&d->out, value ? value : "");
	str_add_c(&d->out, '"');
}

static const char *typed(const struct drawn *d, const char *name)
{
	return d->a->typed ? values_text(&d->a->j->sent, name) : "";
}

static const char *problem_text(const struct drawn *d, const char *name)
{
	const struct problem *p = d->a->problems ? problems_of(d->a->problems, name) : NULL;

	return p ? p->text : NULL;
}

static void error_line(struct drawn *d, const char *id, const char *error)
{
	if (!error)
		return;
	add(d, "<p class=\"govuk-error-message\"");
	attr(d, "id", pool_printf(d->pool, "%s-error", id));
	add(d, "><span class=\"govuk-visually-hidden\">Erreur\u00a0:</span> ");
	words(d, error);
	add(d, "</p>\n");
}

static void label(struct drawn *d, const char *id, const char *text_, const char *more)
{
	str_addf(&d->out, "<label class=\"govuk-label%s\"", more);
	attr(d, "for", id);
	add(d, ">");
	words(d, text_);
	add(d, "</label>\n");
}

static void area(struct drawn *d, const char *name, const char *label_, const char *hint, int rows)
{
	const char *id = form_html_id(d->pool, name), *error = problem_text(d, name);

	str_addf(&d->out, "<div class=\"govuk-form-group%s\">\n", error ? " govuk-form-group--error" : "");
	label(d, id, label_, "");
	if (hint) {
		add(d, "<div class=\"govuk-hint\"");
		attr(d, "id", pool_printf(d->pool, "%s-hint", id));
		add(d, ">");
		words(d, hint);
		add(d, "</div>\n");
	}
	error_line(d, id, error);
	str_addf(&d->out, "<textarea class=\"govuk-textarea%s\" rows=\"%d\"", error ? " govuk-textarea--error" : "",
		 rows);
	attr(d, "id", id);
	attr(d, "name", name);
	if (hint || error)
		attr(d, "aria-describedby",
		     pool_printf(d->pool, "%s%s%s%s%s", hint ? id : "", hint ? "-hint" : "", hint && error ? " " : "",
				 error ? id : "", error ? "-error" : ""));
	add(d, ">\n");
	words(d, typed(d, name));
	add(d, "</textarea>\n</div>\n");
}

static void option(struct drawn *d, const char *value, const char *text_, const char *chosen)
{
	add(d, "<option");
	attr(d, "value", value);
	add(d, str_eq(value, chosen) ? " selected>" : ">");
	words(d, text_);
	add(d, "</option>\n");
}

static void select_open(struct drawn *d, const char *name, const char *label_)
{
	const char *id = form_html_id(d->pool, name), *error = problem_text(d, name);

	str_addf(&d->out, "<div class=\"govuk-form-group%s\">\n", error ? " govuk-form-group--error" : "");
	label(d, id, label_, "");
	error_line(d, id, error);
	str_addf(&d->out, "<select class=\"govuk-select%s\"", error ? " govuk-select--error" : "");
	attr(d, "id", id);
	attr(d, "name", name);
	if (error)
		attr(d, "aria-describedby", pool_printf(d->pool, "%s-error", id));
	add(d, ">\n");
}

static void select_close(struct drawn *d)
{
	add(d, "</select>\n</div>\n");
}

static void tick(struct drawn *d, const char *name, const char *label_)
{
	const char *id = form_html_id(d->pool, name);

	add(d, "<div class=\"govuk-checkboxes govuk-checkboxes--small\">\n<div class=\"govuk-checkboxes__item\">\n"
	       "<input class=\"govuk-checkboxes__input\" type=\"checkbox\" value=\"true\"");
	attr(d, "id", id);
	attr(d, "name", name);
	add(d, str_eq(typed(d, name), "true") ? " checked>\n" : ">\n");
	label(d, id, label_, " govuk-checkboxes__label");
	add(d, "</div>\n</div>\n");
}

/* ---- ask_correction: rows ---- */

static void field_options(struct drawn *d, const char *chosen)
{
	const struct form *f = form_get("application");
	bool expert = d->a->j->who.role == EXPERT;

	option(d, "", "–", chosen);
	for (size_t s = 0; f && s < f->step_count; s++) {
		add(d, "<optgroup");
		attr(d, "label", f->steps[s].title);
		add(d, ">\n");
		for (size_t i = 0; i < f->steps[s].item_count; i++) {
			const struct field *field = f->steps[s].items[i].field;
			const struct group *group = f->steps[s].items[i].group;

			if (group)
				option(d, group->name, group->label, chosen);
			else if (field && field->type != FIELD_TICK && !(expert && field->not_for_expert))
				option(d, field->name, field->label, chosen);
		}
		add(d, "</optgroup>\n");
	}
}

static void piece_options(struct drawn *d, const char *chosen)
{
	struct piece_place *places;
	size_t n = form_piece_places(form_get("application"), NULL, &d->a->v->answers, d->pool, &places);

	option(d, "", "–", chosen);
	for (size_t i = 0; i < n; i++)
		if (d->a->j->who.role != EXPERT || !places[i].kind->not_for_expert)
			option(d, places[i].name, piece_label(places[i].kind->kind, places[i].row, d->pool), chosen);
}

static void reason_options(struct drawn *d, const char *chosen)
{
	const struct field *reasons = form_field(form_get("refuse"), "reasons");

	option(d, "", "Choisissez", chosen);
	for (size_t i = 0; reasons && i < reasons->option_count; i++)
		option(d, reasons->options[i].value, reasons->options[i].label, chosen);
}

static void draw_items(struct drawn *d)
{
	size_t rows = d->a->typed ? values_rows(&d->a->j->sent, "items") : 0;
	const char *error = problem_text(d, "items");
	const char *again =
		pool_printf(d->pool, "/dossiers/%lld/preparer/ask_correction#action", (long long)d->a->v->id);

	if (!rows)
		rows = 1;
	str_addf(&d->out, "<div id=\"items\" tabindex=\"-1\" class=\"govuk-form-group%s\">\n",
		 error ? " govuk-form-group--error" : "");
	error_line(d, "items", error);
	for (size_t i = 0; i < rows; i++) {
		const char *row = pool_printf(d->pool, "items[%zu]", i);
		const char *field = pool_printf(d->pool, "%s.field", row),
			   *piece = pool_printf(d->pool, "%s.piece", row);
		const char *code = pool_printf(d->pool, "%s.code", row);

		add(d, "<fieldset class=\"govuk-fieldset msp-row\">\n<legend class=\"govuk-fieldset__legend "
		       "govuk-fieldset__legend--s\">");
		str_addf(&d->out, "Point %zu</legend>\n", i + 1);
		select_open(d, field, "Réponse concernée");
		field_options(d, typed(d, field));
		select_close(d);
		select_open(d, piece, "ou pièce concernée");
		piece_options(d, typed(d, piece));
		select_close(d);
		select_open(d, code, "Motif");
		reason_options(d, typed(d, code));
		select_close(d);
		area(d, pool_printf(d->pool, "%s.text", row), "Ce que vous attendez",
		     "Dites ce qui manque et comment le fournir.", 3);
		if (rows > 1) {
			add(d, "<button type=\"submit\" class=\"govuk-button govuk-button--secondary\" formnovalidate "
			       "name=\"remove_row\"");
			attr(d, "formaction", again);
			attr(d, "value", row);
			str_addf(&d->out,
				 ">Retirer<span class=\"govuk-visually-hidden\"> le point %zu</span></button>\n",
				 i + 1);
		}
		add(d, "</fieldset>\n");
	}
	add(d, "<button type=\"submit\" class=\"govuk-button govuk-button--secondary\" formnovalidate name=\"add_row\" "
	       "value=\"items\"");
	attr(d, "formaction", again);
	add(d, ">Ajouter un point</button>\n</div>\n");
}

/* ---- find_eligible: an opinion on each point in question ---- */

static void draw_opinions(struct drawn *d)
{
	char *list = pool_strdup(d->pool, d->a->v->in_question), *save = NULL;
	size_t i = 0;

	for (char *code = strtok_r(list, ",", &save); code; code = strtok_r(NULL, ",", &save), i++) {
		add(d, "<input type=\"hidden\"");
		attr(d, "name", pool_printf(d->pool, "opinions[%zu].check", i));
		attr(d, "value", code);
		add(d, ">\n");
		area(d, pool_printf(d->pool, "opinions[%zu].text", i),
		     pool_printf(d->pool, "Votre avis motivé\u00a0: %s", text2("check_name", code)), NULL, 4);
	}
	if (!i)
		add(d, "<p class=\"govuk-body\">Aucun point n’est en question\u00a0: la politique en vigueur demande "
		       "votre "
		       "décision. Expliquez-la ci-dessous si vous le souhaitez.</p>\n");
}

/* ---- approve: the seven points and the pieces ---- */

static const char *const points[][2] = {
	{ "identity", "L’identité est établie" },
	{ "diploma", "Le diplôme donne le titre de psychologue" },
	{ "experience", "L’expérience atteint trois ans" },
	{ "clinical_path", "Le parcours est clinique ou psychopathologique" },
	{ "address", "Le lieu d’exercice relève de cette caisse" },
	{ "rights", "Les droits à l’assurance maladie sont établis" },
	{ "bank", "Le compte bancaire est le sien ou celui de l’employeur" },
};

static void waiver(struct drawn *d, const char *name, const char *summary, const char *label_)
{
	bool open = *typed(d, name) || problem_text(d, name);

	str_addf(&d->out,
		 "<details class=\"govuk-details\"%s>\n<summary class=\"govuk-details__summary\"><span "
		 "class=\"govuk-details__summary-text\">",
		 open ? " open" : "");
	words(d, summary);
	add(d, "</span></summary>\n<div class=\"govuk-details__text\">\n");
	area(d, name, label_, NULL, 2);
	add(d, "</div>\n</details>\n");
}

static void draw_checklist(struct drawn *d)
{
	const struct file_view *v = d->a->v;
	const char *error = problem_text(d, "checklist");
	size_t unsettled = 0;
	bool waiting = false;

	str_addf(&d->out, "<fieldset class=\"govuk-fieldset\" id=\"checklist\" tabindex=\"-1\">\n<legend "
			  "class=\"govuk-fieldset__legend govuk-fieldset__legend--s\">Points vérifiés</legend>\n");
	error_line(d, "checklist", error);
	for (size_t i = 0; i < COUNT(points); i++) {
		tick(d, pool_printf(d->pool, "checklist.%s", points[i][0]), points[i][1]);
		if (str_eq(points[i][0], "bank") && file_view_other_holder(&v->answers, d->pool))
			add(d, "<p class=\"govuk-body-s msp-late\">Le titulaire du compte n’est ni la personne, ni "
			       "l’employeur déclaré.</p>\n");
		waiver(d, pool_printf(d->pool, "checklist.%s.waived", points[i][0]), "Passer outre ce point",
		       pool_printf(d->pool, "Pourquoi passer outre\u00a0? %s", points[i][1]));
	}
	add(d, "</fieldset>\n<fieldset class=\"govuk-fieldset\" id=\"pieces-settled\" tabindex=\"-1\">\n<legend "
	       "class=\"govuk-fieldset__legend "
	       "govuk-fieldset__legend--s\">Pièces</legend>\n");
	for (size_t i = 0; i < v->piece_count; i++) {
		const struct piece_view *p = &v->pieces[i];
		bool clean = str_eq(p->scan, "clean"), reasoned = false;
		const char *what = piece_label(p->kind, p->for_row, d->pool);

		for (size_t k = 0; k < v->opening_count; k++)
			reasoned |= v->openings[k].piece == p->id && v->openings[k].reason;
		waiting |= !clean;
		if (str_eq(p->kind, "message") || (p->opened && (clean || (str_eq(p->scan, "waiting") && reasoned))))
			continue;
		unsettled++;
		add(d, "<p class=\"govuk-body-s\">");
		words(d, pool_printf(d->pool, "%s\u00a0: %s%s%s.", what, p->opened ? "" : "pas encore ouverte",
				     !p->opened && !clean ? ", " : "",
				     clean                         ? ""
				     : str_eq(p->scan, "infected") ? "infectée"
								   : "analyse en attente"));
		add(d, "</p>\n");
		waiver(d, pool_printf(d->pool, "pieces.%lld.waived", (long long)p->id), "Écarter cette pièce",
		       pool_printf(d->pool, "Pourquoi l’écarter\u00a0? %s", what));
	}
	if (!unsettled)
		add(d, waiting ? "<p class=\"govuk-body-s\">Toutes les pièces sont ouvertes, certaines avant leur "
				 "analyse.</p>\n"
			       : "<p class=\"govuk-body-s\">Toutes les pièces sont ouvertes et analysées.</p>\n");
	add(d, "</fieldset>\n");
	area(d, "text", "Message à la personne (facultatif)", NULL, 3);
}

/* ---- route, transfer ---- */

static void draw_caisse(struct drawn *d)
{
	const struct rows *r = d->a->caisses;
	const char *now = rows_str(d->a->v->row, 0, "caisse");

	select_open(d, "caisse", "Caisse");
	option(d, "", "Choisissez", typed(d, "caisse"));
	for (size_t i = 0; i < rows_count(r); i++)
		if (!str_eq(rows_str(r, i, "code"), now))
			option(d, rows_str(r, i, "code"),
			       pool_printf(d->pool, "%s (%s)", rows_str(r, i, "name"), rows_str(r, i, "code")),
			       typed(d, "caisse"));
	select_close(d);
	area(d, "text", "Motif", "Les deux caisses et la personne peuvent le lire.", 3);
}

/* The routing table said nothing, or something wrong: its entry for this commune is put right for the files to come. */
static void draw_commune(struct drawn *d)
{
	const char *code = values_text(&d->a->v->answers, "address_commune");
	const struct rows *m = d->a->communes;
	bool known = false;

	for (size_t i = 0; i < rows_count(m); i++)
		known |= str_eq(rows_str(m, i, "code"), code);
	if (!known) {
		add(d, "<p class=\"govuk-body-s\">");
		words(d, pool_printf(d->pool, "La table de rattachement ne connaît pas la commune %s.", code));
		add(d, "</p>\n");
	}
	for (size_t i = 0; i < rows_count(m); i++) {
		if (!str_eq(rows_str(m, i, "code"), code))
			continue;
		add(d, "<details class=\"govuk-details\">\n<summary class=\"govuk-details__summary\"><span "
		       "class=\"govuk-details__summary-text\">Corriger la table de rattachement</span></summary>\n<div "
		       "class=\"govuk-details__text\">\n<p class=\"govuk-body-s\">");
		words(d, pool_printf(
				 d->pool,
				 "La table donne pour %s (%s)\u00a0: %s. La correction vaut pour les dossiers à venir.",
				 rows_str(m, i, "name"), code,
				 rows_null(m, i, "caisse") ? "aucune caisse" : rows_str(m, i, "caisse_name")));
		add(d, "</p>\n<form method=\"post\"");
		attr(d, "action", pool_printf(d->pool, "/communes/%s", code));
		add(d, ">\n");
		add(d, job_hidden(d->a->j, -1).html);
		str_addf(&d->out, "<input type=\"hidden\" name=\"dossier\" value=\"%lld\">\n", (long long)d->a->v->id);
		add(d, "<div class=\"govuk-form-group\">\n");
		label(d, "commune-caisse", "Caisse de cette commune", "");
		add(d, "<select class=\"govuk-select\" id=\"commune-caisse\" name=\"caisse\">\n");
		option(d, "", "Choisissez", "");
		for (size_t k = 0; k < rows_count(d->a->caisses); k++)
			option(d, rows_str(d->a->caisses, k, "code"),
			       pool_printf(d->pool, "%s (%s)", rows_str(d->a->caisses, k, "name"),
					   rows_str(d->a->caisses, k, "code")),
			       "");
		add(d, "</select>\n</div>\n<button type=\"submit\" class=\"govuk-button "
		       "govuk-button--secondary\">Corriger "
		       "l’entrée</button>\n</form>\n</div>\n</details>\n");
	}
}

/* ---- the list and the open form ---- */

static bool one_click(enum event ev)
{
	return ev == EV_CLAIM || ev == EV_RELEASE || ev == EV_TAKE_OVER;
}

static bool grave(enum event ev)
{
	return ev == EV_REFUSE || ev == EV_CONFIRM_INELIGIBLE || ev == EV_EXCLUDE || ev == EV_SUSPEND;
}

static const char *intro_of(enum event ev)
{
	switch (ev) {
	case EV_RECALL:
		return "Le dossier revient en instruction et les signatures déjà données sont annulées.";
	case EV_WARN:
		return "L’avertissement est envoyé à la personne. Un relevé de constatations devient possible "
		       "30\u00a0jours après "
		       "(article R.162-71).";
	case EV_STATE_FINDINGS:
		return "La personne reçoit les constatations et peut répondre. Une mesure devient possible "
		       "30\u00a0jours après (article "
		       "R.162-71).";
	case EV_EXCLUDE:
		return "La convention prend fin et la personne sort de l’annuaire.";
	case EV_REINSTATE:
		return "La personne revient dans l’annuaire.";
	case EV_CONFIRM_INELIGIBLE:
		return "La personne reçoit une lettre avec les motifs, les voies et les délais de recours.";
	case EV_OBJECT:
		return "Le dossier revient à l’étude\u00a0; votre raison est lue par les autres experts.";
	case EV_UPHOLD:
		return "Le refus devient définitif\u00a0; la première décision reste lisible.";
	case EV_OVERTURN:
		return "Le dossier reprend son cours\u00a0; la première décision reste lisible.";
	case EV_AMEND:
		return "Un avenant s’ouvre en brouillon chez la personne, avec ses réponses actuelles. La convention "
		       "reste en vigueur.";
	default:
		return NULL;
	}
}

static void form_open(struct drawn *d, enum event ev)
{
	add(d, "<form method=\"post\" novalidate");
	attr(d, "action", pool_printf(d->pool, "/dossiers/%lld/evenements/%s", (long long)d->a->v->id, event_id(ev)));
	add(d, ">\n");
	add(d, job_hidden(d->a->j, d->a->v->version).html);
}

static void form_close(struct drawn *d, enum event ev, const char *style)
{
	str_addf(&d->out, "<button type=\"submit\" class=\"govuk-button%s\" data-module=\"govuk-button\">",
		 grave(ev) ? " govuk-button--warning" : style);
	words(d, text2("event", event_id(ev)));
	add(d, "</button>\n</form>\n");
}

/* A refusal asks for no opening (domain.md §3): whoever refuses is told what nobody has looked at. */
static void draw_unopened(struct drawn *d)
{
	const struct file_view *v = d->a->v;
	bool expert = d->a->j->who.role == EXPERT, any = false;

	for (size_t i = 0; i < v->piece_count; i++) {
		const struct piece_view *p = &v->pieces[i];
		const struct piece_kind *kind = form_piece(form_get("application"), p->kind);

		if (p->opened || p->erased || !kind || !kind->required || (expert && kind->not_for_expert))
			continue;
		add(d, any ? ""
			   : "<div class=\"msp-notice msp-notice--warn\" id=\"jamais-ouvertes\">\n"
			     "<p class=\"govuk-body-s\"><strong>Personne n’a ouvert ces pièces\u00a0:</strong></p>\n"
			     "<ul class=\"govuk-list govuk-list--bullet\">\n");
		any = true;
		add(d, "<li>");
		words(d, piece_label(p->kind, p->for_row, d->pool));
		add(d, "</li>\n");
	}
	add(d, any ? "</ul>\n<p class=\"govuk-body-s\">Rien n’oblige à les ouvrir pour refuser, mais la personne peut "
		     "lire "
		     "qui a ouvert ses pièces et quand.</p>\n</div>\n"
		   : "");
}

static void draw_open(struct drawn *d, enum event ev)
{
	const struct form *f = form_of_event(event_id(ev));
	const char *intro = intro_of(ev);
	struct values none = values_in(d->pool);

	add(d, "<section class=\"msp-action\" id=\"action\" tabindex=\"-1\" aria-labelledby=\"action-titre\">\n<h2 "
	       "class=\"govuk-heading-m\" "
	       "id=\"action-titre\">");
	words(d, text2("event", event_id(ev)));
	add(d, "</h2>\n");
	if (!intro && f && f->step_count)
		intro = f->steps[0].intro;
	if (intro) {
		add(d, "<p class=\"govuk-body-s\">");
		words(d, intro);
		add(d, "</p>\n");
	}
	form_open(d, ev);
	switch (ev) {
	case EV_ASK_CORRECTION:
		draw_items(d);
		area(d, "text", "Message (facultatif)", NULL, 3);
		break;
	case EV_FIND_ELIGIBLE:
		draw_opinions(d);
		area(d, "text", "Message (facultatif)", NULL, 3);
		break;
	case EV_APPROVE:
		draw_checklist(d);
		break;
	case EV_ROUTE:
	case EV_TRANSFER:
		draw_caisse(d);
		break;
	default:
		if (f)
			add(d, form_fields(f, NULL, d->a->typed ? &d->a->j->sent : &none, d->a->problems, NULL, 0, true,
					   d->pool)
				       .html);
		break;
	}
	if (ev == EV_REFUSE || ev == EV_PROPOSE_INELIGIBLE)
		draw_unopened(d);
	form_close(d, ev, "");
	if (ev == EV_ROUTE)
		draw_commune(d);
	str_addf(&d->out,
		 "<p class=\"govuk-body-s\"><a class=\"govuk-link\" href=\"/dossiers/%lld\">Fermer ce "
		 "formulaire</a></p>\n",
		 (long long)d->a->v->id);
	add(d, "</section>\n");
}

/* " Possible dès le 22 décembre 2026." where only a day is waited for. */
static const char *possible_from(const struct drawn *d, const char *why)
{
	const struct file_view *v = d->a->v;
	instant_t from = str_eq(why, "why.warning_too_recent")    ? v->findings_from
			 : str_eq(why, "why.findings_too_recent") ? v->measure_from
								  : INSTANT_NONE;

	return from == INSTANT_NONE
		       ? ""
		       : pool_printf(d->pool, " Possible dès le %s.", day_french(d->pool, day_in_paris(from)));
}

/* What this role does in this state but not now: each reason once, with what it holds back. */
static void draw_reasons(struct drawn *d)
{
	struct facts full = d->a->v->facts;
	const char *reasons[EVENTS], *held[EVENTS];
	size_t n = 0;

	facts_assume_body(&full);
	for (enum event ev = EV_NONE + 1; ev < EVENTS; ev++) {
		const struct transition *t;
		struct err e;
		size_t i = 0;

		if (file_view_may(d->a->v, ev) || one_click(ev) || !decide(&full, ev, &t, &e) || e.kind != ERR_INPUT)
			continue;
		while (i < n && !str_eq(reasons[i], e.text))
			i++;
		held[i] = i < n ? pool_printf(d->pool, "%s, %s", held[i], text2("event", event_id(ev)))
				: text2("event", event_id(ev));
		reasons[i] = e.text;
		n += i == n;
	}
	if (n)
		add(d,
		    "<h3 class=\"govuk-heading-s\">Pas maintenant</h3>\n<ul class=\"govuk-list msp-actions__not\">\n");
	for (size_t i = 0; i < n; i++) {
		add(d, "<li>");
		words(d,
		      pool_printf(d->pool, "%s\u00a0: %s%s", held[i], text(reasons[i]), possible_from(d, reasons[i])));
		add(d, "</li>\n");
	}
	add(d, n ? "</ul>\n" : "");
}

struct markup actions_html(const struct action_context *a)
{
	struct drawn d = { a, a->j->pool, str_in(a->j->pool) };
	const struct file_view *v = a->v;
	enum event open = event_from_id(a->action);
	bool links = false;

	if (open != EV_NONE)
		draw_open(&d, open);
	add(&d, "<section class=\"msp-action\" aria-labelledby=\"actions-titre\">\n<h2 class=\"govuk-heading-m\" "
		"id=\"actions-titre\">Actions</h2>\n");
	for (size_t i = 0; i < v->action_count; i++)
		if (one_click(v->actions[i])) {
			form_open(&d, v->actions[i]);
			form_close(&d, v->actions[i], v->actions[i] == EV_CLAIM ? "" : " govuk-button--secondary");
		}
	for (size_t i = 0; i < v->action_count; i++) {
		const char *id = event_id(v->actions[i]);

		if (one_click(v->actions[i]) || v->actions[i] == open)
			continue;
		add(&d, links ? "" : "<ul class=\"govuk-list msp-actions__list\">\n");
		links = true;
		str_addf(&d.out, "<li><a class=\"govuk-link\" href=\"/dossiers/%lld?action=%s#action\">",
			 (long long)v->id, id);
		words(&d, text2("event", id));
		add(&d, "</a></li>\n");
	}
	add(&d, links ? "</ul>\n" : "");
	if (!v->action_count)
		add(&d, "<p class=\"govuk-body-s\">Aucune action ne vous est ouverte à cette étape.</p>\n");
	draw_reasons(&d);
	add(&d, "</section>\n");
	return (struct markup){ d.out.s };
}

const char *action_open(const struct job *j, const struct file_view *v)
{
	const char *id = job_param(j, "event");
	enum event ev;

	if (!*id)
		id = values_text(&j->query, "action");
	ev = event_from_id(id);
	return ev != EV_NONE && !one_click(ev) && file_view_may(v, ev) ? event_id(ev) : "";
}

bool action_wants_caisses(const char *action)
{
	return str_eq(action, "route") || str_eq(action, "transfer");
}

/* ---- one row more, one row less ---- */

int rows_ask(struct job *j, struct err *e)
{
	int64_t id = job_param_id(j, "id");

	if (!id || event_from_id(job_param(j, "event")) == EV_NONE)
		return fail(e, ERR_MISSING, "file.missing");
	j->state = file_view_ask(j, id);
	return 0;
}

int rows_answer(struct job *j, struct err *e)
{
	struct file_view *v = POOL_NEW(j->pool, struct file_view);
	const struct form *f = form_of_event(job_param(j, "event"));

	if (file_view_read(j, j->state, v, e))
		return -1;
	if (f)
		form_press_rows(f, &j->sent);
	return dossier_show(j, v, 200, NULL, NULL, e);
}
