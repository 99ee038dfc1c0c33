#include "form.h"

#include <stdio.h>
#include <string.h>
#include "../server/base/asset.h"
#include "../server/base/str.h"
#include "xml.h"

#define FOLDER "forms/definitions/"
#define SCHEMA "forms/form.rng"

struct list {
	const char *id;
	const struct option *options;
	size_t count;
};

/* Written once, by forms_load, before any other thread reads it. */
static struct {
	const struct form **forms;
	size_t count;
	struct list *lists;
	size_t list_count;
} loaded;

static const struct {
	const char *name;
	int max; /* characters when the definition does not say */
	const char *wrong;
} types[] = {
	[FIELD_TEXT] = { "text", 200, "Corrigez « {label} »." },
	[FIELD_AREA] = { "area", 4000, "Corrigez « {label} »." },
	[FIELD_DATE] = { "date", 0, "« {label} » : saisissez une date qui existe, par exemple 21/11/1985." },
	[FIELD_CHOICE] = { "choice", 0, "« {label} » : choisissez une des réponses proposées." },
	[FIELD_CHOICES] = { "choices", 0, "« {label} » : choisissez parmi les réponses proposées." },
	[FIELD_TICK] = { "tick", 0, "« {label} » : cochez la case ou laissez-la vide." },
	[FIELD_NUMBER] = { "number", 1000000, "« {label} » : saisissez un nombre entier." },
	[FIELD_EMAIL] = { "email", 254, "Saisissez une adresse électronique complète, par exemple nom@exemple.fr." },
	[FIELD_PHONE] = { "phone", 40,
			  "Saisissez un numéro de téléphone à 10 chiffres, ou précédé de + et de l’indicatif du "
			  "pays." },
	[FIELD_URL] = { "url", 300, "Saisissez une adresse de site complète, par exemple https://www.exemple.fr." },
	[FIELD_NIR] = { "nir", 15,
			"Ce numéro de sécurité sociale n’est pas reconnu : recopiez-le depuis votre carte Vitale." },
	[FIELD_RPPS] = { "rpps", 11, "Le numéro RPPS ne contient que des chiffres." },
	[FIELD_ADELI] = { "adeli", 9, "Le numéro ADELI compte 9 caractères." },
	[FIELD_IBAN] = { "iban", 34, "Cet IBAN n’est pas reconnu : recopiez-le depuis votre RIB." },
	[FIELD_BIC] = { "bic", 11, "Le BIC compte 8 ou 11 caractères." },
	[FIELD_SIRET] = { "siret", 14, "Le numéro SIRET ne contient que des chiffres." },
	[FIELD_POSTCODE] = { "postcode", 5, "Le code postal compte 5 chiffres." },
	[FIELD_COMMUNE] = { "commune", 5, "Choisissez la commune dans la liste." },
	[FIELD_PASSWORD] = { "password", 200, "Corrigez « {label} »." },
	[FIELD_OBJECT] = { "object", 4000, "Corrigez « {label} »." },
};

struct reader {
	const char *file;
	struct pool *pool;
	struct err *e;
};

static int bad(struct reader *r, long line, const char *what, const char *name)
{
	fail(r->e, ERR_INPUT, "form.bad");
	snprintf(r->e->detail, sizeof r->e->detail, "%s:%ld: %s%s%s", r->file, line, what, name ? " " : "",
		 name ? name : "");
	return -1;
}

/* ---- attributes ---- */

#define NBSP "\xC2\xA0"
#define OPENS "\xC2\xAB"
#define CLOSES "\xC2\xBB"

/* French typography, so that the writers of forms type plain spaces and apostrophes. */
static const char *sentence(struct reader *r, const struct xml_node *node, const char *name)
{
	const char *text = xml_attribute(node, name);
	if (!text)
		return NULL;
	struct str s = str_in(r->pool);
	for (text += strspn(text, " \t\r\n"); *text;) {
		size_t spaces = strspn(text, " \t\r\n");
		if (!spaces) {
			if (*text == '\'')
				str_add(&s, "’");
			else
				str_add_c(&s, *text);
			text++;
			continue;
		}
		text += spaces;
		if (*text && strchr(";:!?", *text))
			str_add(&s, NBSP);
		else if (str_starts(text, CLOSES) || (s.len >= 2 && !memcmp(s.s + s.len - 2, OPENS, 2)))
			str_add(&s, NBSP);
		else if (*text)
			str_add_c(&s, ' ');
	}
	return s.s;
}

static bool yes(const struct xml_node *node, const char *name)
{
	return str_eq(xml_attribute(node, name), "yes");
}

static int whole(const struct xml_node *node, const char *name, int otherwise)
{
	const char *text = xml_attribute(node, name);
	int64_t n;
	if (!text || str_to_i64(text, &n) || n < 0 || n > 1000000)
		return otherwise;
	return (int)n;
}

static size_t words(struct reader *r, const char *text, const char *const **out)
{
	size_t n = 0, cap = strlen(text) / 2 + 1;
	const char **list = POOL_ARRAY(r->pool, const char *, cap);
	for (;;) {
		text += strspn(text, " \t\r\n");
		size_t len = strcspn(text, " \t\r\n");
		if (!len)
			break;
		list[n++] = pool_strndup(r->pool, text, len);
		text += len;
	}
	*out = list;
	return n;
}

/* "practice_mode is not liberal or both"; the schema has checked its shape. */
static int condition(struct reader *r, const struct xml_node *node, struct condition *out)
{
	const char *text = xml_attribute(node, "when");
	if (!text)
		return 0;
	const char *const *word;
	size_t n = words(r, text, &word);
	if (n < 3 || strcmp(word[1], "is"))
		return bad(r, node->line, "a condition reads: field is value", NULL);
	out->field = word[0];
	out->not = !strcmp(word[2], "not") && n > 3;
	size_t first = out->not ? 3 : 2;
	const char **values = POOL_ARRAY(r->pool, const char *, n);
	for (size_t i = first; i < n; i++) {
		if ((i - first) % 2) {
			if (strcmp(word[i], "or") || i + 1 == n)
				return bad(r, node->line, "values of a condition are joined by: or", NULL);
			continue;
		}
		values[out->count++] = strcmp(word[i], "empty") ? word[i] : "";
	}
	out->values = values;
	return 0;
}

static size_t children(const struct xml_node *node, const char *name)
{
	size_t n = 0;
	for (const struct xml_node *c = node->first; c; c = c->next)
		n += c->name && (!name || !strcmp(c->name, name));
	return n;
}

static int options(struct reader *r, const struct xml_node *node, const struct option **out, size_t *count)
{
	struct option *list = POOL_ARRAY(r->pool, struct option, children(node, "option") + 1);
	size_t n = 0;
	for (const struct xml_node *c = node->first; c; c = c->next) {
		if (!c->name || strcmp(c->name, "option"))
			continue;
		list[n] = (struct option){ .value = xml_attribute(c, "value"),
					   .label = sentence(r, c, "label"),
					   .hint = sentence(r, c, "hint") };
		if (!list[n].value || !list[n].label)
			return bad(r, c->line, "an option has a value and a label", NULL);
		for (size_t i = 0; i < n; i++)
			if (!strcmp(list[i].value, list[n].value))
				return bad(r, c->line, "option given twice:", list[n].value);
		n++;
	}
	*out = list;
	*count = n;
	return 0;
}

/* ---- a field ---- */

static int field_options(struct reader *r, const struct xml_node *node, struct field *f)
{
	const char *id = xml_attribute(node, "list");
	if (options(r, node, &f->options, &f->option_count))
		return -1;
	if (id) {
		if (f->option_count)
			return bad(r, node->line, "options and a list:", f->name);
		for (size_t i = 0; i < loaded.list_count; i++) {
			if (!strcmp(loaded.lists[i].id, id)) {
				f->options = loaded.lists[i].options;
				f->option_count = loaded.lists[i].count;
			}
		}
		if (!f->option_count)
			return bad(r, node->line, "unknown list:", id);
	}
	bool chooses = f->type == FIELD_CHOICE || f->type == FIELD_CHOICES;
	if (chooses && !f->option_count)
		return bad(r, node->line, "a choice without options:", f->name);
	if (!chooses && f->option_count)
		return bad(r, node->line, "options of what is no choice:", f->name);
	return 0;
}

static int read_field(struct reader *r, const struct xml_node *node, const struct group *group, struct field *f)
{
	const char *type = xml_attribute(node, "type");
	f->name = xml_attribute(node, "name");
	f->label = sentence(r, node, "label");
	if (!type || !f->name || !f->label)
		return bad(r, node->line, "a field has a name, a type and a label", NULL);
	size_t t = 0;
	while (t < COUNT(types) && strcmp(types[t].name, type))
		t++;
	if (t == COUNT(types))
		return bad(r, node->line, "unknown type:", type);
	f->type = (enum field_type)t;
	f->group = group;
	f->hint = sentence(r, node, "hint");
	f->why = sentence(r, node, "why");
	f->article = sentence(r, node, "article");
	f->missing = sentence(r, node, "missing");
	f->wrong = sentence(r, node, "wrong");
	f->autocomplete = xml_attribute(node, "autocomplete");
	f->required = yes(node, "required");
	f->secret = yes(node, "secret");
	f->not_for_expert = str_eq(xml_attribute(node, "expert"), "no");
	f->multiple = yes(node, "multiple");
	f->min = whole(node, "min", f->type == FIELD_PASSWORD ? 12 : 0);
	f->max = whole(node, "max", types[t].max);
	f->past = xml_attribute(node, "date");
	f->after = xml_attribute(node, "after");
	if (!f->missing)
		f->missing = "Renseignez « {label} ».";
	if (!f->wrong)
		f->wrong = types[t].wrong;
	if (xml_attribute(node, "together"))
		f->together_count = words(r, xml_attribute(node, "together"), &f->together);

	if (f->max && f->min > f->max)
		return bad(r, node->line, "min above max:", f->name);
	if (f->type != FIELD_DATE && (f->past || f->after))
		return bad(r, node->line, "date and after are for dates:", f->name);
	if (f->type == FIELD_DATE && ((f->min && !str_eq(f->past, "past")) || (f->max && !f->past)))
		return bad(r, node->line, "ages are for dates of the past, months for those to come:", f->name);
	if (f->secret && f->type != FIELD_NIR && f->type != FIELD_IBAN)
		return bad(r, node->line, "only a nir and an iban have a mask:", f->name);
	if (f->multiple && f->type != FIELD_TEXT)
		return bad(r, node->line, "multiple is for texts:", f->name);
	if (group && (f->secret || f->multiple || f->type == FIELD_CHOICES || f->type == FIELD_OBJECT))
		return bad(r, node->line, "not inside a repeat:", f->name);
	if (condition(r, node, &f->when) || field_options(r, node, f))
		return -1;

	struct said *said = POOL_ARRAY(r->pool, struct said, children(node, "problem") + 1);
	for (const struct xml_node *c = node->first; c; c = c->next) {
		if (!c->name || strcmp(c->name, "problem"))
			continue;
		said[f->said_count++] =
			(struct said){ .code = xml_attribute(c, "code"), .text = sentence(r, c, "text") };
		if (!said[f->said_count - 1].code || !said[f->said_count - 1].text)
			return bad(r, c->line, "a problem has a code and a text", NULL);
	}
	f->said = said;
	return 0;
}

static int read_group(struct reader *r, const struct xml_node *node, struct group *g)
{
	g->name = xml_attribute(node, "name");
	g->label = sentence(r, node, "label");
	g->row_label = sentence(r, node, "row");
	g->add_label = sentence(r, node, "add");
	g->missing = sentence(r, node, "missing");
	g->min = whole(node, "min", 0);
	g->max = whole(node, "max", 20);
	if (!g->name || !g->label || !g->row_label || !g->add_label || !g->missing)
		return bad(r, node->line, "a repeat has a name, a label, row, add and missing", NULL);
	if (g->min > g->max || g->max > FORM_ROWS)
		return bad(r, node->line, "rows out of bounds:", g->name);
	if (condition(r, node, &g->when))
		return -1;
	struct field *fields = POOL_ARRAY(r->pool, struct field, children(node, "field") + 1);
	for (const struct xml_node *c = node->first; c; c = c->next)
		if (c->name && read_field(r, c, g, &fields[g->field_count++]))
			return -1;
	g->fields = fields;
	return 0;
}

static int read_piece(struct reader *r, const struct xml_node *node, const struct condition *when, struct piece_kind *p)
{
	p->kind = xml_attribute(node, "kind");
	p->label = sentence(r, node, "label");
	p->hint = sentence(r, node, "hint");
	p->missing = sentence(r, node, "missing");
	p->group = xml_attribute(node, "each");
	p->row_label = sentence(r, node, "row");
	p->required = yes(node, "required");
	p->several = yes(node, "several");
	p->not_for_expert = str_eq(xml_attribute(node, "expert"), "no");
	if (!p->kind || !p->label)
		return bad(r, node->line, "a piece has a kind and a label", NULL);
	if (p->required != (p->missing != NULL))
		return bad(r, node->line, "missing is the sentence of a required piece:", p->kind);
	if ((p->group != NULL) != (p->row_label != NULL))
		return bad(r, node->line, "each and row go together:", p->kind);
	if (condition(r, node, &p->when))
		return -1;
	if (!p->when.field)
		p->when = *when;
	return 0;
}

static int read_step(struct reader *r, const struct xml_node *node, struct step *s)
{
	s->id = xml_attribute(node, "id");
	s->title = sentence(r, node, "title");
	s->intro = sentence(r, node, "intro");
	if (!s->id || !s->title)
		return bad(r, node->line, "a step has an id and a title", NULL);
	struct condition when = { 0 };
	if (condition(r, node, &when))
		return -1;

	struct item *items = POOL_ARRAY(r->pool, struct item, children(node, NULL) + 1);
	struct piece_kind *pieces = POOL_ARRAY(r->pool, struct piece_kind, children(node, "piece") + 1);
	for (const struct xml_node *c = node->first; c; c = c->next) {
		if (!c->name)
			continue;
		if (!strcmp(c->name, "piece")) {
			if (read_piece(r, c, &when, &pieces[s->piece_count++]))
				return -1;
		} else if (!strcmp(c->name, "repeat")) {
			struct group *g = POOL_NEW(r->pool, struct group);
			if (read_group(r, c, g))
				return -1;
			if (!g->when.field)
				g->when = when;
			items[s->item_count++].group = g;
		} else {
			struct field *f = POOL_NEW(r->pool, struct field);
			if (read_field(r, c, NULL, f))
				return -1;
			if (!f->when.field)
				f->when = when;
			items[s->item_count++].field = f;
		}
	}
	s->items = items;
	s->pieces = pieces;
	return 0;
}

/* ---- what only the whole form can tell ---- */

static const struct field *among(const struct field *fields, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(fields[i].name, name))
			return &fields[i];
	return NULL;
}

static const struct field *top(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->step_count; i++)
		for (size_t j = 0; j < form->steps[i].item_count; j++)
			if (form->steps[i].items[j].field && !strcmp(form->steps[i].items[j].field->name, name))
				return form->steps[i].items[j].field;
	return NULL;
}

/* The field a row's field means by this name: of its row first. */
static const struct field *near(const struct form *form, const struct group *group, const char *name)
{
	const struct field *f = group ? among(group->fields, group->field_count, name) : NULL;
	return f ? f : top(form, name);
}

static int check_condition(struct reader *r, long line, const struct form *form, const struct group *group,
			   const struct condition *when)
{
	if (!when->field)
		return 0;
	const struct field *f = near(form, group, when->field);
	if (!f)
		return bad(r, line, "a condition on an unknown field:", when->field);
	if (f->when.field)
		return bad(r, line, "a condition on a field that is not always asked:", when->field);
	if (f->option_count)
		for (size_t i = 0; i < when->count; i++) {
			bool known = !when->values[i][0];
			for (size_t j = 0; j < f->option_count; j++)
				known |= !strcmp(f->options[j].value, when->values[i]);
			if (!known)
				return bad(r, line, "a condition on an unknown option:", when->values[i]);
		}
	return 0;
}

static int check_field(struct reader *r, long line, const struct form *form, const struct field *f)
{
	if (check_condition(r, line, form, f->group, &f->when))
		return -1;
	const struct field *after = f->after ? near(form, f->group, f->after) : NULL;
	if (f->after && (!after || after->type != FIELD_DATE || after == f))
		return bad(r, line, "after names no other date:", f->after);
	for (size_t i = 0; i < f->together_count; i++)
		if (!near(form, f->group, f->together[i]))
			return bad(r, line, "together names an unknown field:", f->together[i]);
	return 0;
}

static const struct xml_node *next_element(const struct xml_node *node)
{
	while (node && !node->name)
		node = node->next;
	return node;
}

static const char *item_name(const struct item *item)
{
	return item->group ? item->group->name : item->field->name;
}

static bool named_before(const struct form *form, size_t step, size_t item)
{
	const char *name = item_name(&form->steps[step].items[item]);
	for (size_t i = 0; i <= step; i++)
		for (size_t j = 0; j < (i == step ? item : form->steps[i].item_count); j++)
			if (!strcmp(item_name(&form->steps[i].items[j]), name))
				return true;
	return false;
}

static const struct group *group_of(const struct form *form, const char *name)
{
	for (size_t i = 0; i < form->step_count; i++)
		for (size_t j = 0; j < form->steps[i].item_count; j++)
			if (form->steps[i].items[j].group && !strcmp(form->steps[i].items[j].group->name, name))
				return form->steps[i].items[j].group;
	return NULL;
}

static int check_piece(struct reader *r, long line, const struct form *form, const struct piece_kind *p)
{
	size_t found = 0;
	if (p->group && !group_of(form, p->group))
		return bad(r, line, "a piece for each row of an unknown repeat:", p->group);
	for (size_t i = 0; i < form->step_count; i++)
		for (size_t j = 0; j < form->steps[i].piece_count; j++)
			found += !strcmp(form->steps[i].pieces[j].kind, p->kind);
	if (found != 1)
		return bad(r, line, "piece given twice:", p->kind);
	return check_condition(r, line, form, NULL, &p->when);
}

/* Walks the nodes beside what was read from them, for the lines. */
static int check_form(struct reader *r, const struct xml_node *root, const struct form *form)
{
	const struct xml_node *s = next_element(root->first);
	for (size_t i = 0; i < form->step_count; i++, s = next_element(s->next)) {
		for (size_t j = 0; j < i; j++)
			if (!strcmp(form->steps[j].id, form->steps[i].id))
				return bad(r, s->line, "step given twice:", form->steps[i].id);
		const struct xml_node *n = next_element(s->first);
		for (size_t j = 0; j < form->steps[i].item_count; j++, n = next_element(n->next)) {
			const struct item *item = &form->steps[i].items[j];
			if (named_before(form, i, j))
				return bad(r, n->line, "name given twice:", item_name(item));
			if (item->field) {
				if (check_field(r, n->line, form, item->field))
					return -1;
				continue;
			}
			const struct group *g = item->group;
			if (check_condition(r, n->line, form, NULL, &g->when))
				return -1;
			const struct xml_node *c = next_element(n->first);
			for (size_t k = 0; k < g->field_count; k++, c = next_element(c->next)) {
				if (among(g->fields, k, g->fields[k].name))
					return bad(r, c->line, "name given twice:", g->fields[k].name);
				if (check_field(r, c->line, form, &g->fields[k]))
					return -1;
			}
		}
		for (size_t j = 0; j < form->steps[i].piece_count; j++, n = next_element(n->next))
			if (check_piece(r, n->line, form, &form->steps[i].pieces[j]))
				return -1;
	}
	return 0;
}

/* ---- files ---- */

static const struct xml_node *read_root(struct reader *r, const void *bytes, size_t n)
{
	const struct asset *schema = asset_get(SCHEMA);
	if (!schema) {
		fault(r->e, "asset " SCHEMA " is not built in");
		return NULL;
	}
	struct xml *x = xml_read_valid(bytes, n, r->file, schema->data, schema->size, SCHEMA, r->pool, r->e);
	return x ? x->root : NULL;
}

static const struct form *read_form(struct reader *r, const struct xml_node *root)
{
	struct form *form = POOL_NEW(r->pool, struct form);
	form->id = xml_attribute(root, "id");
	form->title = sentence(r, root, "title");
	if (strcmp(root->name, "form") || !form->id || !form->title) {
		bad(r, root->line, "not a form", NULL);
		return NULL;
	}
	if (xml_attribute(root, "events"))
		form->event_count = words(r, xml_attribute(root, "events"), &form->events);
	struct step *steps = POOL_ARRAY(r->pool, struct step, children(root, "step") + 1);
	for (const struct xml_node *c = root->first; c; c = c->next)
		if (c->name && read_step(r, c, &steps[form->step_count++]))
			return NULL;
	form->steps = steps;
	return check_form(r, root, form) ? NULL : form;
}

const struct form *form_read(const void *bytes, size_t n, const char *file, struct pool *pool, struct err *e)
{
	struct reader r = { file, pool, e };
	const struct xml_node *root = read_root(&r, bytes, n);
	return root ? read_form(&r, root) : NULL;
}

/* An event has one form. */
static int check_events(struct reader *r, size_t at)
{
	const struct form *form = loaded.forms[at];
	for (size_t i = 0; i < form->event_count; i++)
		for (size_t j = 0; j < at; j++)
			for (size_t k = 0; k < loaded.forms[j]->event_count; k++)
				if (!strcmp(loaded.forms[j]->events[k], form->events[i]))
					return bad(r, 1, "another form has this event:", form->events[i]);
	return 0;
}

int forms_load(struct pool *pool, struct err *e)
{
	size_t n = 0;
	for (const struct asset *a = NULL; (a = asset_next(FOLDER, a));)
		n++;
	memset(&loaded, 0, sizeof loaded);
	loaded.forms = POOL_ARRAY(pool, const struct form *, n + 1);
	loaded.lists = POOL_ARRAY(pool, struct list, n + 1);
	if (!n)
		return fault(e, "no form under " FOLDER);

	/* The lists first: forms name them. */
	struct roots {
		const struct asset *asset;
		const struct xml_node *root;
	} *roots = POOL_ARRAY(pool, struct roots, n + 1);
	n = 0;
	for (const struct asset *a = NULL; (a = asset_next(FOLDER, a)); n++) {
		struct reader r = { a->path, pool, e };
		const struct xml_node *root = read_root(&r, a->data, a->size);
		if (!root)
			return -1;
		const char *id = xml_attribute(root, "id");
		if (!id || strcmp(a->path, pool_printf(pool, FOLDER "%s.xml", id)))
			return bad(&r, root->line, "the file does not bear its id:", id);
		roots[n].asset = a;
		roots[n].root = root;
		if (!strcmp(root->name, "list")) {
			struct list *list = &loaded.lists[loaded.list_count];
			list->id = id;
			if (options(&r, root, &list->options, &list->count))
				return -1;
			loaded.list_count++;
		}
	}
	for (size_t i = 0; i < n; i++) {
		if (!strcmp(roots[i].root->name, "list"))
			continue;
		struct reader r = { roots[i].asset->path, pool, e };
		const struct form *form = read_form(&r, roots[i].root);
		if (!form)
			return -1;
		loaded.forms[loaded.count++] = form;
		if (check_events(&r, loaded.count - 1))
			return -1;
	}
	return 0;
}

const struct form *form_get(const char *id)
{
	for (size_t i = 0; i < loaded.count; i++)
		if (!strcmp(loaded.forms[i]->id, id))
			return loaded.forms[i];
	return NULL;
}

size_t forms_all(const struct form *const **out)
{
	*out = loaded.forms;
	return loaded.count;
}

const struct form *form_of_event(const char *event_id)
{
	for (size_t i = 0; i < loaded.count; i++)
		for (size_t k = 0; k < loaded.forms[i]->event_count; k++)
			if (!strcmp(loaded.forms[i]->events[k], event_id))
				return loaded.forms[i];
	return NULL;
}
