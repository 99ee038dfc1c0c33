#include "form_html.h"

#include <stdio.h>
#include <string.h>

#include "json.h"

#define RADIOS_MAX 8 /* above that a select is shorter to read */
#define BLANKS 3     /* inputs shown for several values without options */

struct drawing {
	const struct form *form;
	const struct step *step;
	const struct values *values;
	const struct problems *problems;
	const char *const *unlocked;
	size_t unlocked_count;
	bool all_unlocked;
	struct pool *pool;
	struct str out;
};

/* One field where it stands. */
struct spot {
	const struct field *field;
	size_t row;
	const char *name, *id; /* flat name, id of its first input */
	const char *value;
	const char *error;
	char described[300];
};

static void add(struct drawing *d, const char *html)
{
	str_add(&d->out, html);
}

static void add_text(struct drawing *d, const char *s)
{
	html_text(&d->out, s);
}

static void attr(struct drawing *d, const char *name, const char *value)
{
	if (!value)
		return;
	str_addf(&d->out, " %s=\"", name);
	html_attr(&d->out, value);
	str_add_c(&d->out, '"');
}

char *form_html_id(struct pool *pool, const char *flat_name)
{
	struct str id = str_in(pool);
	for (const char *p = flat_name; *p; p++) {
		if (*p == '[' && p[1] != ']')
			str_add_c(&id, '-');
		else if (*p == '.')
			str_add_c(&id, '-');
		else if (*p != '[' && *p != ']')
			str_add_c(&id, *p);
	}
	return id.s;
}

/* ---- the list of problems ---- */

struct markup form_problem_summary(const struct problems *p, struct pool *pool)
{
	struct str out = str_in(pool);
	if (!p || !p->count)
		return (struct markup){ NULL };
	str_add(&out, "<div class=\"govuk-error-summary\" data-module=\"govuk-error-summary\">\n<div role=\"alert\">\n"
		      "<h2 class=\"govuk-error-summary__title\">");
	str_add(&out, p->count > 1 ? "Il y a des réponses à corriger" : "Il y a une réponse à corriger");
	str_add(&out, "</h2>\n<div class=\"govuk-error-summary__body\">\n"
		      "<ul class=\"govuk-list govuk-error-summary__list\">\n");
	for (size_t i = 0; i < p->count; i++) {
		const struct problem *one = &p->items[i];
		str_add(&out, "<li>");
		if (*one->field) {
			str_add(&out, "<a href=\"#");
			html_attr(&out, form_html_id(pool, one->field));
			str_add(&out, "\">");
		}
		html_text(&out, one->text);
		str_add(&out, *one->field ? "</a></li>\n" : "</li>\n");
	}
	str_add(&out, "</ul>\n</div>\n</div>\n</div>\n");
	return (struct markup){ out.s };
}

/* ---- one field ---- */

static bool same_or_inside(const char *name, const char *whole)
{
	size_t n = strlen(whole);
	return !strncmp(name, whole, n) && (!name[n] || name[n] == '[' || name[n] == '.');
}

static bool may_change(const struct drawing *d, const char *name)
{
	if (d->all_unlocked)
		return true;
	for (size_t i = 0; i < d->unlocked_count; i++)
		if (same_or_inside(name, d->unlocked[i]))
			return true;
	return false;
}

static struct spot spot_of(struct drawing *d, const struct field *f, size_t row)
{
	struct spot s = { .field = f, .row = row };
	s.name = field_flat(f, row, d->pool);
	s.id = form_html_id(d->pool, s.name);
	const struct problem *problem = d->problems ? problems_of(d->problems, s.name) : NULL;
	s.error = problem ? problem->text : NULL;
	const char *kept = values_text(d->values, s.name);
	/* What was typed wrongly comes back once; a secret that is kept is masked. */
	s.value = s.error && f->type != FIELD_PASSWORD ? kept : field_shown(f, kept, d->pool);
	size_t n = 0;
	if (f->hint)
		n += (size_t)snprintf(s.described, sizeof s.described, "%s-hint", s.id);
	if (s.error && n < sizeof s.described)
		snprintf(s.described + n, sizeof s.described - n, "%s%s-error", n ? " " : "", s.id);
	return s;
}

static void label_words(struct drawing *d, const struct field *f)
{
	add_text(d, f->label);
	if (!f->required && !f->when.field && f->type != FIELD_TICK && !str_ends(f->label, "(facultatif)"))
		add(d, " (facultatif)");
}

static void hint_and_error(struct drawing *d, const struct spot *s)
{
	if (s->field->hint) {
		add(d, "<div class=\"govuk-hint\"");
		attr(d, "id", pool_printf(d->pool, "%s-hint", s->id));
		add(d, ">");
		add_text(d, s->field->hint);
		add(d, "</div>\n");
	}
	if (s->error) {
		add(d, "<p class=\"govuk-error-message\"");
		attr(d, "id", pool_printf(d->pool, "%s-error", s->id));
		add(d, "><span class=\"govuk-visually-hidden\">Erreur\u00a0:</span> ");
		add_text(d, s->error);
		add(d, "</p>\n");
	}
}

static void why(struct drawing *d, const struct field *f)
{
	if (!f->why && !f->article)
		return;
	add(d, "<details class=\"govuk-details\">\n<summary class=\"govuk-details__summary\">"
	       "<span class=\"govuk-details__summary-text\">Pourquoi cette question\u00a0?"
	       "<span class=\"govuk-visually-hidden\"> – ");
	add_text(d, f->label);
	add(d, "</span></span></summary>\n<div class=\"govuk-details__text\">");
	add_text(d, f->why);
	if (f->article) {
		add(d, f->why ? " (" : "");
		add_text(d, f->article);
		add(d, f->why ? ")" : "");
	}
	add(d, "</div>\n</details>\n");
}

static void group_open(struct drawing *d, const struct spot *s, const char *more)
{
	str_addf(&d->out, "<div class=\"govuk-form-group%s%s\"", s->error ? " govuk-form-group--error" : "", more);
}

static void fieldset_open(struct drawing *d, const struct spot *s)
{
	add(d, "<fieldset class=\"govuk-fieldset\"");
	attr(d, "aria-describedby", s->described[0] ? s->described : NULL);
	add(d, ">\n<legend class=\"govuk-fieldset__legend\">");
	label_words(d, s->field);
	add(d, "</legend>\n");
	hint_and_error(d, s);
}

static void label(struct drawing *d, const struct spot *s)
{
	add(d, "<label class=\"govuk-label\"");
	attr(d, "for", s->id);
	add(d, ">");
	label_words(d, s->field);
	add(d, "</label>\n");
	hint_and_error(d, s);
}

/* How a one-line field is typed. */
struct typing {
	const char *type, *inputmode, *width;
	bool raw; /* no spelling, no capitals */
};

static struct typing typing_of(const struct field *f)
{
	switch (f->type) {
	case FIELD_EMAIL:
		return (struct typing){ "email", NULL, "", true };
	case FIELD_PHONE:
		return (struct typing){ "tel", NULL, " govuk-input--width-20", true };
	case FIELD_URL:
		return (struct typing){ "text", "url", "", true };
	case FIELD_NUMBER:
		return (struct typing){ "text", "numeric", " govuk-input--width-5", true };
	case FIELD_NIR:
		/* Corsica's departments have a letter, so not a numeric keyboard. */
		return (struct typing){ "text", NULL, " govuk-input--width-20", true };
	case FIELD_RPPS:
	case FIELD_ADELI:
		return (struct typing){ "text", f->type == FIELD_RPPS ? "numeric" : NULL, " govuk-input--width-10",
					true };
	case FIELD_SIRET:
		return (struct typing){ "text", "numeric", " govuk-input--width-20", true };
	case FIELD_POSTCODE:
		return (struct typing){ "text", "numeric", " govuk-input--width-5", true };
	case FIELD_COMMUNE:
		return (struct typing){ "text", NULL, " govuk-input--width-5", true };
	case FIELD_IBAN:
		return (struct typing){ "text", NULL, " govuk-input--width-30", true };
	case FIELD_BIC:
		return (struct typing){ "text", NULL, " govuk-input--width-10", true };
	case FIELD_PASSWORD:
		return (struct typing){ "password", NULL, "", true };
	default:
		return (struct typing){ "text", NULL, "", false };
	}
}

static void input(struct drawing *d, const struct spot *s, const char *id, const char *value, const char *more)
{
	const struct field *f = s->field;
	struct typing t = typing_of(f);
	str_addf(&d->out, "<input class=\"govuk-input%s%s%s\" type=\"%s\"", t.width,
		 s->error ? " govuk-input--error" : "", more, t.type);
	attr(d, "id", id);
	attr(d, "name", s->name);
	if (f->type != FIELD_PASSWORD)
		attr(d, "value", value);
	attr(d, "inputmode", t.inputmode);
	attr(d, "autocomplete", f->autocomplete ? f->autocomplete : f->secret ? "off" : NULL);
	if (t.raw)
		add(d, " spellcheck=\"false\" autocapitalize=\"none\"");
	attr(d, "aria-describedby", s->described[0] ? s->described : NULL);
	add(d, s->error ? " aria-invalid=\"true\">\n" : ">\n");
}

static void draw_line(struct drawing *d, const struct spot *s)
{
	group_open(d, s, "");
	add(d, ">\n");
	label(d, s);
	input(d, s, s->id, s->value, "");
	add(d, "</div>\n");
}

static void draw_password(struct drawing *d, const struct spot *s)
{
	group_open(d, s, " govuk-password-input");
	add(d, " data-module=\"govuk-password-input\">\n");
	label(d, s);
	add(d, "<div class=\"govuk-input__wrapper govuk-password-input__wrapper\">\n");
	input(d, s, s->id, NULL, " govuk-password-input__input govuk-js-password-input-input");
	add(d, "<button type=\"button\" class=\"govuk-button govuk-button--secondary govuk-password-input__toggle "
	       "govuk-js-password-input-toggle\" data-module=\"govuk-button\" aria-label=\"Afficher le mot de passe\" "
	       "hidden");
	attr(d, "aria-controls", s->id);
	add(d, ">Afficher</button>\n</div>\n</div>\n");
}

static void draw_area(struct drawing *d, struct spot *s)
{
	int max = s->field->max ? s->field->max : 4000;
	size_t n = strlen(s->described);
	if (n < sizeof s->described)
		snprintf(s->described + n, sizeof s->described - n, "%s%s-info", n ? " " : "", s->id);
	group_open(d, s, " govuk-character-count");
	str_addf(&d->out, " data-module=\"govuk-character-count\" data-maxlength=\"%d\">\n", max);
	label(d, s);
	str_addf(&d->out, "<textarea class=\"govuk-textarea govuk-js-character-count%s\" rows=\"5\"",
		 s->error ? " govuk-textarea--error" : "");
	attr(d, "id", s->id);
	attr(d, "name", s->name);
	attr(d, "autocomplete", s->field->autocomplete);
	attr(d, "aria-describedby", s->described);
	/* A first line end is eaten by browsers. */
	add(d, s->error ? " aria-invalid=\"true\">\n" : ">\n");
	add_text(d, s->value);
	add(d, "</textarea>\n<div class=\"govuk-hint govuk-character-count__message\"");
	attr(d, "id", pool_printf(d->pool, "%s-info", s->id));
	str_addf(&d->out, ">Vous pouvez écrire jusqu’à %d caractères.</div>\n</div>\n", max);
}

/* A date as its three parts: typed so, or cut from what is kept (AAAA-MM-JJ) or typed (JJ/MM/AAAA). */
static void date_parts(struct drawing *d, const struct spot *s, const char *out[3])
{
	static const char *const parts[] = { "day", "month", "year" };
	bool typed = false;
	for (size_t i = 0; i < 3; i++) {
		const char *part = values_get(d->values, pool_printf(d->pool, "%s.%s", s->name, parts[i]));
		out[i] = part ? part : "";
		typed |= part != NULL;
	}
	if (typed)
		return;
	const char *whole = values_text(d->values, s->name);
	day_t day;
	if (!day_parse(whole, &day)) {
		struct ymd at = day_ymd(day);
		out[0] = pool_printf(d->pool, "%d", at.day);
		out[1] = pool_printf(d->pool, "%d", at.month);
		out[2] = pool_printf(d->pool, "%d", at.year);
		return;
	}
	for (size_t i = 0; i < 3; i++) {
		size_t n = i < 2 ? strcspn(whole, "/") : strlen(whole);
		out[i] = pool_strndup(d->pool, whole, n);
		whole += whole[n] ? n + 1 : n;
	}
}

static void draw_date(struct drawing *d, const struct spot *s)
{
	static const struct {
		const char *part, *label, *width, *bday;
	} parts[] = { { "day", "Jour", "2", "bday-day" },
		      { "month", "Mois", "2", "bday-month" },
		      { "year", "Année", "4", "bday-year" } };
	bool bday = s->field->autocomplete && !strcmp(s->field->autocomplete, "bday");
	const char *shown[3];
	date_parts(d, s, shown);
	group_open(d, s, "");
	add(d, ">\n<fieldset class=\"govuk-fieldset\" role=\"group\"");
	attr(d, "aria-describedby", s->described[0] ? s->described : NULL);
	add(d, ">\n<legend class=\"govuk-fieldset__legend\">");
	label_words(d, s->field);
	add(d, "</legend>\n");
	hint_and_error(d, s);
	add(d, "<div class=\"govuk-date-input\">\n");
	for (size_t i = 0; i < 3; i++) {
		const char *id = i ? pool_printf(d->pool, "%s-%s", s->id, parts[i].part) : s->id;
		add(d, "<div class=\"govuk-date-input__item\">\n<div class=\"govuk-form-group\">\n"
		       "<label class=\"govuk-label govuk-date-input__label\"");
		attr(d, "for", id);
		str_addf(&d->out, ">%s</label>\n", parts[i].label);
		str_addf(&d->out,
			 "<input class=\"govuk-input govuk-date-input__input govuk-input--width-%s%s\" type=\"text\" "
			 "inputmode=\"numeric\"",
			 parts[i].width, s->error ? " govuk-input--error" : "");
		attr(d, "id", id);
		attr(d, "name", pool_printf(d->pool, "%s.%s", s->name, parts[i].part));
		attr(d, "value", shown[i]);
		attr(d, "autocomplete", bday ? parts[i].bday : NULL);
		add(d, ">\n</div>\n</div>\n");
	}
	add(d, "</div>\n</fieldset>\n</div>\n");
}

static void choice_item(struct drawing *d, const struct spot *s, const struct option *o, size_t i, const char *block,
			const char *type, bool checked)
{
	const char *id = i ? pool_printf(d->pool, "%s-%zu", s->id, i + 1) : s->id;
	str_addf(&d->out, "<div class=\"govuk-%s__item\">\n<input class=\"govuk-%s__input\" type=\"%s\"", block, block,
		 type);
	attr(d, "id", id);
	attr(d, "name", s->name);
	attr(d, "value", o->value);
	if (o->hint)
		attr(d, "aria-describedby", pool_printf(d->pool, "%s-item-hint", id));
	add(d, checked ? " checked>\n" : ">\n");
	str_addf(&d->out, "<label class=\"govuk-label govuk-%s__label\"", block);
	attr(d, "for", id);
	add(d, ">");
	add_text(d, o->label);
	add(d, "</label>\n");
	if (o->hint) {
		str_addf(&d->out, "<div class=\"govuk-hint govuk-%s__hint\"", block);
		attr(d, "id", pool_printf(d->pool, "%s-item-hint", id));
		add(d, ">");
		add_text(d, o->hint);
		add(d, "</div>\n");
	}
	add(d, "</div>\n");
}

static void hidden(struct drawing *d, const char *name)
{
	add(d, "<input type=\"hidden\"");
	attr(d, "name", name);
	add(d, " value=\"\">\n");
}

static void draw_choice(struct drawing *d, const struct spot *s)
{
	const struct field *f = s->field;
	group_open(d, s, "");
	add(d, ">\n");
	if (f->option_count > RADIOS_MAX) {
		label(d, s);
		str_addf(&d->out, "<select class=\"govuk-select%s\"", s->error ? " govuk-select--error" : "");
		attr(d, "id", s->id);
		attr(d, "name", s->name);
		attr(d, "autocomplete", f->autocomplete);
		attr(d, "aria-describedby", s->described[0] ? s->described : NULL);
		add(d, ">\n<option value=\"\">Choisissez</option>\n");
		for (size_t i = 0; i < f->option_count; i++) {
			add(d, "<option");
			attr(d, "value", f->options[i].value);
			add(d, !strcmp(f->options[i].value, s->value) ? " selected>" : ">");
			add_text(d, f->options[i].label);
			add(d, "</option>\n");
		}
		add(d, "</select>\n</div>\n");
		return;
	}
	fieldset_open(d, s);
	bool small = f->option_count <= 3;
	for (size_t i = 0; i < f->option_count; i++)
		small &= strlen(f->options[i].label) < 20 && !f->options[i].hint;
	str_addf(&d->out, "<div class=\"govuk-radios%s\" data-module=\"govuk-radios\">\n",
		 small ? " govuk-radios--inline" : "");
	for (size_t i = 0; i < f->option_count; i++)
		choice_item(d, s, &f->options[i], i, "radios", "radio", !strcmp(f->options[i].value, s->value));
	add(d, "</div>\n</fieldset>\n</div>\n");
}

static void draw_choices(struct drawing *d, const struct spot *s)
{
	const struct field *f = s->field;
	const char *const *texts;
	size_t count = values_all(d->values, s->name, &texts);
	group_open(d, s, "");
	add(d, ">\n");
	fieldset_open(d, s);
	hidden(d, s->name); /* so that nothing ticked is an answer too */
	add(d, "<div class=\"govuk-checkboxes\" data-module=\"govuk-checkboxes\">\n");
	for (size_t i = 0; i < f->option_count; i++) {
		bool checked = false;
		for (size_t k = 0; k < count; k++)
			checked |= !strcmp(texts[k], f->options[i].value);
		choice_item(d, s, &f->options[i], i, "checkboxes", "checkbox", checked);
	}
	add(d, "</div>\n</fieldset>\n</div>\n");
}

static void draw_several(struct drawing *d, const struct spot *s)
{
	const char *const *texts;
	size_t count = values_all(d->values, s->name, &texts), shown = 0;
	group_open(d, s, "");
	add(d, ">\n");
	fieldset_open(d, s);
	for (size_t i = 0; i < count || shown < BLANKS || (count >= BLANKS && i == count); i++) {
		const char *value = i < count ? texts[i] : "";
		if (i < count && !*value)
			continue;
		const char *id = shown ? pool_printf(d->pool, "%s-%zu", s->id, shown + 1) : s->id;
		add(d, "<div class=\"govuk-form-group\">\n<label class=\"govuk-label govuk-visually-hidden\"");
		attr(d, "for", id);
		add(d, ">");
		add_text(d, s->field->label);
		str_addf(&d->out, " %zu</label>\n", ++shown);
		input(d, s, id, value, " govuk-input--width-20");
		add(d, "</div>\n");
	}
	add(d, "</fieldset>\n</div>\n");
}

static void draw_tick(struct drawing *d, const struct spot *s)
{
	const struct option yes = { .value = "true", .label = s->field->label };
	group_open(d, s, "");
	add(d, ">\n");
	hint_and_error(d, s);
	hidden(d, s->name);
	add(d, "<div class=\"govuk-checkboxes\" data-module=\"govuk-checkboxes\">\n"
	       "<div class=\"govuk-checkboxes__item\">\n<input class=\"govuk-checkboxes__input\" type=\"checkbox\"");
	attr(d, "id", s->id);
	attr(d, "name", s->name);
	attr(d, "value", yes.value);
	attr(d, "aria-describedby", s->described[0] ? s->described : NULL);
	/* The hidden "" comes first, so the tick is the last of that name. */
	const char *const *texts;
	size_t count = values_all(d->values, s->name, &texts);
	add(d, count && !strcmp(texts[count - 1], "true") ? " checked>\n" : ">\n");
	add(d, "<label class=\"govuk-label govuk-checkboxes__label\"");
	attr(d, "for", s->id);
	add(d, ">");
	add_text(d, yes.label);
	add(d, "</label>\n</div>\n</div>\n</div>\n");
}

static bool is_several(const struct field *f)
{
	return f->multiple && !f->option_count;
}

/* Every value of a field for people, joined; "" when there is none. */
static const char *displayed(struct drawing *d, const struct field *f, size_t row)
{
	const char *name = field_flat(f, row, d->pool);
	const char *const *texts;
	size_t count = values_all(d->values, name, &texts);
	struct str s = str_in(d->pool);
	for (size_t i = 0; i < count; i++) {
		if (!*texts[i])
			continue;
		if (s.len)
			str_add(&s, ", ");
		str_add(&s, field_display(f, texts[i], d->pool));
	}
	return s.s;
}

static void lines(struct str *out, const char *s)
{
	for (;;) {
		size_t n = strcspn(s, "\n");
		struct str line = str_in(out->pool);
		str_add_n(&line, s, n);
		html_text(out, line.s);
		if (!s[n])
			return;
		str_add(out, "<br>");
		s += n + 1;
	}
}

static void draw_locked(struct drawing *d, const struct spot *s)
{
	const char *shown = displayed(d, s->field, s->row);
	add(d, "<div class=\"govuk-form-group\"");
	attr(d, "id", s->id);
	add(d, ">\n<p class=\"govuk-label\">");
	add_text(d, s->field->label);
	add(d, "</p>\n<p class=\"govuk-body\">");
	lines(&d->out, *shown ? shown : "Non renseigné");
	add(d, "</p>\n</div>\n");
}

static void draw(struct drawing *d, const struct field *f, size_t row)
{
	if (f->type == FIELD_OBJECT)
		return;
	struct spot s = spot_of(d, f, row);
	if (!may_change(d, s.name)) {
		draw_locked(d, &s);
		return;
	}
	if (is_several(f))
		draw_several(d, &s);
	else if (f->type == FIELD_CHOICES || (f->multiple && f->option_count))
		draw_choices(d, &s);
	else if (f->type == FIELD_CHOICE)
		draw_choice(d, &s);
	else if (f->type == FIELD_TICK)
		draw_tick(d, &s);
	else if (f->type == FIELD_DATE)
		draw_date(d, &s);
	else if (f->type == FIELD_AREA)
		draw_area(d, &s);
	else if (f->type == FIELD_PASSWORD)
		draw_password(d, &s);
	else
		draw_line(d, &s);
	why(d, f);
}

/* ---- conditions ---- */

static bool same_condition(const struct condition *a, const struct condition *b)
{
	if (!a->field || !b->field || strcmp(a->field, b->field) || a->not != b->not || a->count != b->count)
		return false;
	for (size_t i = 0; i < a->count; i++)
		if (strcmp(a->values[i], b->values[i]))
			return false;
	return true;
}

static bool on_step(const struct step *step, const char *name)
{
	for (size_t i = 0; i < step->item_count; i++)
		if (step->items[i].field && !strcmp(step->items[i].field->name, name))
			return true;
	return false;
}

/* The field a condition looks at when it can change on this very page; NULL when another page decided. */
static const struct field *asked_here(const struct drawing *d, const struct condition *c, const struct group *group)
{
	for (size_t i = 0; group && i < group->field_count; i++)
		if (!strcmp(group->fields[i].name, c->field))
			return &group->fields[i];
	if (d->step && !on_step(d->step, c->field))
		return NULL;
	return form_field(d->form, c->field);
}

static void condition_open(struct drawing *d, const struct condition *c, const struct field *on, const char *on_name)
{
	add(d, "<fieldset class=\"govuk-fieldset msp-if\"");
	attr(d, "data-if", on_name);
	if (c->not )
		add(d, " data-if-not");
	struct str list = str_in(d->pool);
	for (size_t i = 0; i < c->count; i++)
		str_addf(&list, "%s%s", i ? " " : "", c->values[i]);
	attr(d, "data-if-values", list.s);
	add(d, ">\n<legend class=\"govuk-fieldset__legend govuk-fieldset__legend--s\">");
	add(d, c->not ? "Sauf si vous " : "Si vous ");
	if (on->type == FIELD_TICK) {
		add(d, "avez coché «\u00a0");
		add_text(d, on->label);
		add(d, "\u00a0»</legend>\n");
		return;
	}
	add(d, "avez répondu ");
	for (size_t i = 0; i < c->count; i++) {
		add(d, !i ? "" : i + 1 < c->count ? ", " : " ou ");
		add(d, "«\u00a0");
		add_text(d, field_display(on, c->values[i], d->pool));
		add(d, "\u00a0»");
	}
	add(d, " à «\u00a0");
	add_text(d, on->label);
	add(d, "\u00a0»</legend>\n");
}

/* Fields in order; neighbours under the same condition share one "Si …". */
static void draw_fields(struct drawing *d, const struct field *const *fields, size_t count, size_t row)
{
	for (size_t i = 0; i < count;) {
		const struct condition *c = &fields[i]->when;
		size_t end = i + 1;
		const struct field *on = c->field ? asked_here(d, c, fields[i]->group) : NULL;
		while (c->field && end < count && same_condition(c, &fields[end]->when))
			end++;
		if (c->field && !on && !field_asked(fields[i], d->values, row)) {
			i = end;
			continue;
		}
		if (on)
			condition_open(d, c, on, field_flat(on, row, d->pool));
		for (; i < end; i++)
			draw(d, fields[i], row);
		if (on)
			add(d, "</fieldset>\n");
	}
}

/* ---- repetition ---- */

static const char *row_title(const struct group *g, size_t row, struct pool *pool)
{
	return row_words(g->row_label ? g->row_label : g->label, row, pool);
}

static void draw_group(struct drawing *d, const struct group *g)
{
	const struct problem *problem = d->problems ? problems_of(d->problems, g->name) : NULL;
	const struct field **fields = POOL_ARRAY(d->pool, const struct field *, g->field_count);
	size_t rows = values_rows(d->values, g->name), least = g->min > 1 ? (size_t)g->min : 1;
	bool whole = may_change(d, g->name);
	const struct field *on = g->when.field ? asked_here(d, &g->when, NULL) : NULL;
	if (g->when.field && !on && !group_asked(g, d->values))
		return;
	if (rows < least && whole)
		rows = least;
	for (size_t i = 0; i < g->field_count; i++)
		fields[i] = &g->fields[i];
	if (on)
		condition_open(d, &g->when, on, on->name);
	str_addf(&d->out, "<div class=\"govuk-form-group msp-rows%s\"", problem ? " govuk-form-group--error" : "");
	attr(d, "id", form_html_id(d->pool, g->name));
	add(d, " tabindex=\"-1\">\n<h2 class=\"govuk-heading-m\">");
	add_text(d, g->label);
	add(d, "</h2>\n");
	if (problem) {
		add(d, "<p class=\"govuk-error-message\"><span class=\"govuk-visually-hidden\">Erreur\u00a0:</span> ");
		add_text(d, problem->text);
		add(d, "</p>\n");
	}
	if (whole)
		hidden(d, pool_printf(d->pool, "%s[]", g->name));
	for (size_t row = 0; row < rows; row++) {
		const char *what = row_title(g, row, d->pool);
		add(d, "<fieldset class=\"govuk-fieldset msp-row\">\n"
		       "<legend class=\"govuk-fieldset__legend govuk-fieldset__legend--s\">");
		add_text(d, what);
		add(d, "</legend>\n");
		draw_fields(d, fields, g->field_count, row);
		if (whole && rows > (size_t)(g->min > 0 ? g->min : 0)) {
			add(d, "<button type=\"submit\" class=\"govuk-button govuk-button--secondary\" formnovalidate "
			       "name=\"remove_row\"");
			attr(d, "value", pool_printf(d->pool, "%s[%zu]", g->name, row));
			add(d, ">Retirer<span class=\"govuk-visually-hidden\"> ");
			add_text(d, what);
			add(d, "</span></button>\n");
		}
		add(d, "</fieldset>\n");
	}
	if (whole && (!g->max || rows < (size_t)g->max)) {
		add(d, "<button type=\"submit\" class=\"govuk-button govuk-button--secondary\" formnovalidate "
		       "name=\"add_row\"");
		attr(d, "value", g->name);
		add(d, ">");
		add_text(d, g->add_label ? g->add_label : "Ajouter");
		add(d, "</button>\n");
	}
	add(d, "</div>\n");
	if (on)
		add(d, "</fieldset>\n");
}

bool form_press_rows(const struct form *f, struct values *sent)
{
	const char *add_to = values_get(sent, "add_row"), *take = values_get(sent, "remove_row");
	bool pressed = add_to || take;
	size_t len, row;
	const char *rest;
	for (size_t i = 0; pressed && i < f->step_count; i++) {
		for (size_t k = 0; k < f->steps[i].item_count; k++) {
			const struct group *g = f->steps[i].items[k].group;
			if (!g)
				continue;
			if (add_to && !strcmp(add_to, g->name) && g->field_count) {
				size_t rows = values_rows(sent, g->name);
				if (!g->max || rows < (size_t)g->max)
					values_add(sent, field_flat(&g->fields[0], rows, sent->pool), "");
			}
			if (take && values_split(take, &len, &row, &rest) && len == strlen(g->name) &&
			    !strncmp(take, g->name, len)) {
				const char *of = pool_printf(sent->pool, "%s[%zu]", g->name, row);
				size_t n = 0;
				for (size_t v = 0; v < sent->count; v++)
					if (!same_or_inside(sent->items[v].name, of))
						sent->items[n++] = sent->items[v];
				sent->count = n;
				values_compact(sent, g->name);
			}
		}
	}
	values_remove(sent, "add_row");
	values_remove(sent, "remove_row");
	return pressed;
}

static void draw_step(struct drawing *d, const struct step *step)
{
	const struct field **run = POOL_ARRAY(d->pool, const struct field *, step->item_count + 1);
	size_t n = 0;
	for (size_t i = 0; i < step->item_count; i++) {
		if (step->items[i].field) {
			run[n++] = step->items[i].field;
			continue;
		}
		draw_fields(d, run, n, 0);
		n = 0;
		draw_group(d, step->items[i].group);
	}
	draw_fields(d, run, n, 0);
}

struct markup form_fields(const struct form *f, const struct step *step, const struct values *values,
			  const struct problems *p, const char *const *unlocked, size_t unlocked_count,
			  bool all_unlocked, struct pool *pool)
{
	struct drawing d = { f, step, values, p, unlocked, unlocked_count, all_unlocked, pool, str_in(pool) };
	for (size_t i = 0; i < f->step_count; i++)
		if (!step || step == &f->steps[i])
			draw_step(&d, &f->steps[i]);
	return (struct markup){ d.out.s };
}

/* ---- summary ---- */

static void summary_row(struct drawing *d, const struct field *f, size_t row, const char *change_url)
{
	if (f->type == FIELD_OBJECT || f->type == FIELD_PASSWORD || !field_asked(f, d->values, row))
		return;
	const char *shown = displayed(d, f, row);
	if (!*shown && !f->required)
		return;
	add(d, "<div class=\"govuk-summary-list__row\">\n<dt class=\"govuk-summary-list__key\">");
	add_text(d, f->label);
	add(d, "</dt>\n<dd class=\"govuk-summary-list__value\">");
	lines(&d->out, *shown ? shown : "Non renseigné");
	add(d, "</dd>\n");
	if (change_url) {
		const char *id = form_html_id(d->pool, field_flat(f, row, d->pool));
		add(d, "<dd class=\"govuk-summary-list__actions\"><a class=\"govuk-link\"");
		attr(d, "href", pool_printf(d->pool, "%s#%s", change_url, id));
		add(d, ">Modifier<span class=\"govuk-visually-hidden\"> ");
		add_text(d, f->label);
		add(d, "</span></a></dd>\n");
	}
	add(d, "</div>\n");
}

struct markup form_summary(const struct form *f, const struct step *step, const struct values *answers,
			   const char *change_url, struct pool *pool)
{
	struct drawing d = { .form = f, .step = step, .values = answers, .pool = pool, .out = str_in(pool) };
	bool open = false;
	for (size_t i = 0; i < f->step_count; i++) {
		if (step && step != &f->steps[i])
			continue;
		for (size_t k = 0; k < f->steps[i].item_count; k++) {
			const struct item *item = &f->steps[i].items[k];
			if (item->field && !open) {
				add(&d, "<dl class=\"govuk-summary-list\">\n");
				open = true;
			}
			if (item->field) {
				summary_row(&d, item->field, 0, change_url);
				continue;
			}
			add(&d, open ? "</dl>\n" : "");
			open = false;
			const struct group *g = item->group;
			size_t rows = group_asked(g, answers) ? values_rows(answers, g->name) : 0;
			for (size_t row = 0; row < rows; row++) {
				add(&d, "<h3 class=\"govuk-heading-s\">");
				add_text(&d, row_title(g, row, pool));
				add(&d, "</h3>\n<dl class=\"govuk-summary-list\">\n");
				for (size_t m = 0; m < g->field_count; m++)
					summary_row(&d, &g->fields[m], row, change_url);
				add(&d, "</dl>\n");
			}
		}
	}
	add(&d, open ? "</dl>\n" : "");
	return (struct markup){ d.out.s };
}

/* ---- OpenAPI ---- */

static void schema_options(const struct field *f, struct json *out)
{
	if (!f->option_count)
		return;
	json_key(out, "enum");
	json_arr(out);
	for (size_t i = 0; i < f->option_count; i++)
		json_text(out, f->options[i].value);
	json_end(out);
}

static void schema_field(const struct field *f, struct json *out)
{
	bool many = f->type == FIELD_CHOICES || f->multiple;
	json_key(out, f->name);
	json_obj(out);
	json_kt(out, "description", f->label);
	if (f->type == FIELD_OBJECT) {
		json_kt(out, "type", "object");
		json_kb(out, "additionalProperties", true);
		json_end(out);
		return;
	}
	if (many) {
		json_kt(out, "type", "array");
		json_key(out, "items");
		json_obj(out);
	}
	switch (f->type) {
	case FIELD_TICK:
		json_kt(out, "type", "boolean");
		break;
	case FIELD_NUMBER:
		json_kt(out, "type", "integer");
		if (f->min || f->max) {
			json_ki(out, "minimum", f->min);
			json_ki(out, "maximum", f->max);
		}
		break;
	case FIELD_DATE:
		json_kt(out, "type", "string");
		json_kt(out, "format", "date");
		break;
	case FIELD_EMAIL:
		json_kt(out, "type", "string");
		json_kt(out, "format", "email");
		break;
	case FIELD_URL:
		json_kt(out, "type", "string");
		json_kt(out, "format", "uri");
		break;
	case FIELD_PASSWORD:
		json_kt(out, "type", "string");
		json_kt(out, "format", "password");
		break;
	case FIELD_RPPS:
		json_kt(out, "type", "string");
		json_kt(out, "pattern", "^[0-9]{11}$");
		break;
	case FIELD_SIRET:
		json_kt(out, "type", "string");
		json_kt(out, "pattern", "^[0-9]{14}$");
		break;
	case FIELD_POSTCODE:
		json_kt(out, "type", "string");
		json_kt(out, "pattern", "^[0-9]{5}$");
		break;
	case FIELD_TEXT:
	case FIELD_AREA:
		json_kt(out, "type", "string");
		json_ki(out, "maxLength", f->max ? f->max : f->type == FIELD_TEXT ? 200 : 4000);
		break;
	default:
		json_kt(out, "type", "string");
	}
	schema_options(f, out);
	if (many)
		json_end(out);
	json_end(out);
}

static void schema_properties(const struct field *const *fields, size_t count, struct json *out)
{
	json_kt(out, "type", "object");
	json_key(out, "properties");
	json_obj(out);
	for (size_t i = 0; i < count; i++)
		schema_field(fields[i], out);
}

void form_openapi(const struct form *f, struct json *out)
{
	struct pool *pool = out->out.pool;
	json_obj(out);
	json_kt(out, "title", f->title);
	schema_properties(NULL, 0, out);
	for (size_t i = 0; i < f->step_count; i++) {
		for (size_t k = 0; k < f->steps[i].item_count; k++) {
			const struct item *item = &f->steps[i].items[k];
			if (item->field) {
				schema_field(item->field, out);
				continue;
			}
			const struct group *g = item->group;
			const struct field **fields = POOL_ARRAY(pool, const struct field *, g->field_count + 1);
			for (size_t m = 0; m < g->field_count; m++)
				fields[m] = &g->fields[m];
			json_key(out, g->name);
			json_obj(out);
			json_kt(out, "description", g->label);
			json_kt(out, "type", "array");
			if (g->max)
				json_ki(out, "maxItems", g->max);
			json_key(out, "items");
			json_obj(out);
			schema_properties(fields, g->field_count, out);
			json_end(out);
			json_end(out);
			json_end(out);
		}
	}
	json_end(out);
	json_key(out, "required");
	json_arr(out);
	for (size_t i = 0; i < f->step_count; i++)
		for (size_t k = 0; k < f->steps[i].item_count; k++) {
			const struct field *one = f->steps[i].items[k].field;
			if (one && one->required && !one->when.field)
				json_text(out, one->name);
		}
	json_end(out);
	json_end(out);
}
