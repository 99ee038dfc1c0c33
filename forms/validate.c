#include "form.h"

#include <stdio.h>
#include <string.h>
#include "../server/base/str.h"

#define VALUES_MAX 4000 /* more than any form can need */
#define ANSWERS_MAX 20  /* of languages[] */
#define OBJECT_CHARS 4000
#define YEARS_AHEAD 100 /* a date beyond is a slip; what is computed from it must stay a date we can write */
#define UNKNOWN_MAX 20  /* told; the others are dropped in silence */
#define BULLET "•"

struct problems problems_in(struct pool *pool)
{
	return (struct problems){ .pool = pool };
}

void problems_add(struct problems *p, const char *field, const char *code, const char *text)
{
	if (p->count == p->cap) {
		size_t cap = p->cap ? p->cap * 2 : 8;
		struct problem *items = POOL_ARRAY(p->pool, struct problem, cap);
		if (p->count)
			memcpy(items, p->items, p->count * sizeof *items);
		p->items = items;
		p->cap = cap;
	}
	p->items[p->count++] = (struct problem){ .field = pool_strdup(p->pool, field),
						 .code = pool_strdup(p->pool, code),
						 .text = pool_strdup(p->pool, text) };
}

const struct problem *problems_of(const struct problems *p, const char *field)
{
	for (size_t i = 0; i < p->count; i++)
		if (!strcmp(p->items[i].field, field))
			return &p->items[i];
	return NULL;
}

/* ---- finding a field by the name that was sent ---- */

struct found {
	const struct field *field;
	const struct group *group; /* of the field, or alone for "experience" and "experience[]" */
	size_t row;
	bool beyond; /* a row above 99 */
};

static bool is_multiple(const struct field *f)
{
	return f->type == FIELD_CHOICES || f->multiple;
}

static bool is_date_part(const char *rest)
{
	return !strcmp(rest, ".day") || !strcmp(rest, ".month") || !strcmp(rest, ".year");
}

/* Is `name` this field, a part of its date, or something inside its object? */
static bool names(const struct field *f, const char *name)
{
	size_t n = strlen(f->name);
	if (strncmp(name, f->name, n))
		return false;
	const char *rest = name + n;
	if (!*rest)
		return true;
	switch (f->type) {
	case FIELD_DATE:
		return is_date_part(rest);
	case FIELD_OBJECT:
		return *rest == '.' && rest[1];
	default:
		return is_multiple(f) && !strcmp(rest, "[]");
	}
}

static bool find(const struct form *form, const char *name, struct found *out)
{
	size_t bracket = strcspn(name, "["), len, row;
	const char *rest;
	bool split = values_split(name, &len, &row, &rest);
	*out = (struct found){ 0 };
	for (size_t i = 0; i < form->step_count; i++) {
		for (size_t j = 0; j < form->steps[i].item_count; j++) {
			const struct item *item = &form->steps[i].items[j];
			if (item->field) {
				if (!names(item->field, name))
					continue;
				out->field = item->field;
				return true;
			}
			const struct group *g = item->group;
			if (strlen(g->name) != bracket || strncmp(g->name, name, bracket))
				continue;
			out->group = g;
			if (!name[bracket] || !strcmp(name + bracket, "[]"))
				return true;
			if (!split) {
				size_t digits = strspn(name + bracket + 1, "0123456789");
				out->beyond =
					digits > 2 && name[bracket + 1] != '0' && name[bracket + 1 + digits] == ']';
				return out->beyond;
			}
			out->row = row;
			for (size_t k = 0; k < g->field_count; k++) {
				if (names(&g->fields[k], rest)) {
					out->field = &g->fields[k];
					return true;
				}
			}
			return false;
		}
	}
	return false;
}

const struct field *form_field(const struct form *f, const char *flat_name)
{
	struct found found;
	return find(f, flat_name, &found) ? found.field : NULL;
}

const struct step *form_step(const struct form *f, const char *step_id)
{
	for (size_t i = 0; i < f->step_count; i++)
		if (!strcmp(f->steps[i].id, step_id))
			return &f->steps[i];
	return NULL;
}

const struct step *form_step_of(const struct form *f, const char *flat_name)
{
	struct found found;
	if (!find(f, flat_name, &found))
		return NULL;
	for (size_t i = 0; i < f->step_count; i++) {
		for (size_t j = 0; j < f->steps[i].item_count; j++) {
			const struct item *item = &f->steps[i].items[j];
			if (found.group ? item->group == found.group : item->field == found.field)
				return &f->steps[i];
		}
	}
	return NULL;
}

static const char *flat(const struct group *group, size_t row, const char *name, struct pool *pool)
{
	return group ? pool_printf(pool, "%s[%zu].%s", group->name, row, name) : name;
}

const char *field_flat(const struct field *field, size_t row, struct pool *pool)
{
	return is_multiple(field) ? pool_printf(pool, "%s[]", field->name) : flat(field->group, row, field->name, pool);
}

/* The field that another of the same group, or of the whole form, calls by this name. */
static const struct field *near(const struct form *form, const struct group *group, const char *name)
{
	for (size_t i = 0; group && i < group->field_count; i++)
		if (!strcmp(group->fields[i].name, name))
			return &group->fields[i];
	return form_field(form, name);
}

/* ---- what is asked ---- */

static bool holds(const struct condition *when, const struct group *group, const struct values *answers, size_t row)
{
	if (!when->field)
		return true;
	const char *name = when->field;
	for (size_t i = 0; group && i < group->field_count; i++)
		if (!strcmp(group->fields[i].name, when->field))
			name = flat(group, row, when->field, answers->pool);
	const char *many = pool_printf(answers->pool, "%s[]", name);
	bool any = false, found = false;
	for (size_t i = 0; i < answers->count && !found; i++) {
		if (strcmp(answers->items[i].name, name) && strcmp(answers->items[i].name, many))
			continue;
		any |= answers->items[i].text[0] != 0;
		for (size_t k = 0; k < when->count; k++)
			found |= when->values[k][0] && !strcmp(when->values[k], answers->items[i].text);
	}
	for (size_t k = 0; k < when->count && !any; k++)
		found |= !when->values[k][0];
	return found != when->not ;
}

bool field_asked(const struct field *field, const struct values *answers, size_t row)
{
	if (field->group && !group_asked(field->group, answers))
		return false;
	return holds(&field->when, field->group, answers, row);
}

bool group_asked(const struct group *group, const struct values *answers)
{
	return holds(&group->when, NULL, answers, 0);
}

bool step_asked(const struct step *step, const struct values *answers)
{
	for (size_t i = 0; i < step->item_count; i++)
		if (step->items[i].group ? group_asked(step->items[i].group, answers)
					 : field_asked(step->items[i].field, answers, 0))
			return true;
	return !step->item_count;
}

/* ---- sentences ---- */

/* Where neither the definition nor the type has one. */
static const struct said sentences[] = {
	{ "future", "« {label} » : cette date est dans le futur." },
	{ "past", "« {label} » : cette date est déjà passée." },
	{ "far", "« {label} » : cette date est trop lointaine, vérifiez l’année." },
	{ "order", "« {label} » : cette date précède celle de « {other} »." },
	{ "letters", "« {label} » : écrivez le jour, le mois et l’année en chiffres, par exemple 03 pour mars." },
	{ "part", "« {label} » : donnez le jour, le mois et l’année, par exemple 21 11 1985." },
	{ "year", "« {label} » : écrivez l’année en quatre chiffres, par exemple 1985." },
	{ "age", "« {label} » : l’âge doit être compris entre {min} et {max} ans." },
	{ "bounds", "« {label} » est un nombre entre {min} et {max}." },
	{ "short", "« {label} » compte au moins {min} caractères ; vous en avez saisi {0}." },
	{ "length", "« {label} » compte {max} caractères au plus ; vous en avez saisi {0}." },
	{ "choice", "« {label} » : choisissez parmi les réponses proposées." },
	{ "twice", "« {label} » n’attend qu’une réponse." },
	{ "characters", "« {label} » contient des caractères illisibles : saisissez ce texte à nouveau." },
};

static const char *filled_in(const char *text, const struct field *f, const char *other, size_t typed,
			     struct pool *pool)
{
	static const char aside[] = " (facultatif)"; /* of a label, not of a sentence */
	struct str s = str_in(pool);
	while (*text) {
		if (str_starts(text, "{0}")) {
			str_addf(&s, "%zu", typed);
			text += 3;
		} else if (str_starts(text, "{label}")) {
			str_add_n(&s, f->label, strlen(f->label) - (str_ends(f->label, aside) ? strlen(aside) : 0));
			text += 7;
		} else if (str_starts(text, "{other}")) {
			str_add(&s, other);
			text += 7;
		} else if (str_starts(text, "{min}") || str_starts(text, "{max}")) {
			str_addf(&s, "%d", text[2] == 'i' ? f->min : f->max);
			text += 5;
		} else {
			str_add_c(&s, *text++);
		}
	}
	return s.s;
}

static const char *sentence_of(const struct field *f, const char *code)
{
	for (size_t i = 0; i < f->said_count; i++)
		if (!strcmp(f->said[i].code, code))
			return f->said[i].text;
	if (!strcmp(code, "missing"))
		return f->missing;
	bool free_text =
		f->type == FIELD_TEXT || f->type == FIELD_AREA || f->type == FIELD_PASSWORD || f->type == FIELD_OBJECT;
	/* An identifier of a wrong length is explained by its own sentence. */
	if (!strcmp(code, "length") && !free_text)
		return f->wrong;
	for (size_t i = 0; i < COUNT(sentences); i++)
		if (!strcmp(sentences[i].code, code))
			return sentences[i].text;
	return f->wrong;
}

/* ---- one text ---- */

struct verdict {
	const char *code; /* NULL: good */
	const char *text; /* normalised */
	size_t typed;     /* characters, for {0} */
	const char *other;
};

#define BAD(CODE) ((struct verdict){ .code = (CODE), .text = "" })

static size_t space_at(const char *p)
{
	if (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r')
		return 1;
	if (str_starts(p, "\xC2\xA0"))
		return 2;
	/* U+2000 to U+200B, U+202F */
	if (str_starts(p, "\xE2\x80") &&
	    (((unsigned char)p[2] >= 0x80 && (unsigned char)p[2] <= 0x8B) || (unsigned char)p[2] == 0xAF))
		return 3;
	return 0;
}

/* Without spaces nor any of `drop`, in upper case. */
static char *squeezed(const char *text, const char *drop, struct pool *pool)
{
	struct str s = str_in(pool);
	while (*text) {
		size_t space = space_at(text);
		if (space) {
			text += space;
			continue;
		}
		char c = *text++;
		if (strchr(drop, c))
			continue;
		str_add_c(&s, c >= 'a' && c <= 'z' ? (char)(c - 32) : c);
	}
	return s.s;
}

/* UTF-8 that a page can show: no control character, no override of the reading direction, nothing XML cannot write. */
static bool is_readable(const char *text, bool lines)
{
	if (!str_is_utf8(text, strlen(text)))
		return false;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if ((*p < 32 && *p != '\t' && !(lines && (*p == '\n' || *p == '\r'))) || *p == 127)
			return false;
		if (p[0] == 0xC2 && p[1] < 0xA0)
			return false;
		if (p[0] == 0xE2 && p[1] == 0x80 && p[2] >= 0xAA && p[2] <= 0xAE)
			return false;
		if (p[0] == 0xE2 && p[1] == 0x81 && p[2] >= 0xA6 && p[2] <= 0xA9)
			return false;
		if (p[0] == 0xEF && p[1] == 0xBF && p[2] >= 0xBE)
			return false;
	}
	return true;
}

static bool is_masked(const char *text)
{
	return strstr(text, BULLET) != NULL;
}

static char *area_text(const char *text, struct pool *pool)
{
	struct str s = str_in(pool);
	for (; *text; text++) {
		if (*text != '\r')
			str_add_c(&s, *text);
		else if (text[1] != '\n')
			str_add_c(&s, '\n');
	}
	return str_trim(pool, s.s);
}

static char *line_text(const char *text, struct pool *pool)
{
	char *copy = pool_strdup(pool, text);
	for (char *p = copy; *p; p++)
		if (*p == '\t')
			*p = ' ';
	return str_trim(pool, copy);
}

/* "06 12 34 56 78", "+33 (0)6…", "0033 6…" all become 0612345678; other countries keep their +. */
static char *phone_text(const char *text, struct pool *pool)
{
	char *s = squeezed(text, ".-/", pool);
	char *trunk = strstr(s, "(0)");
	if (trunk && (*s == '+' || str_starts(s, "00")))
		memmove(trunk, trunk + 3, strlen(trunk + 3) + 1);
	if (str_starts(s, "00"))
		s = pool_printf(pool, "+%s", s + 2);
	if (str_starts(s, "+330") && strlen(s) == 13)
		return s + 3;
	if (str_starts(s, "+33") && strlen(s) == 12)
		return pool_printf(pool, "0%s", s + 3);
	return s;
}

static char *email_text(const char *text, struct pool *pool)
{
	char *s = line_text(text, pool);
	char *at = strchr(s, '@');
	for (char *p = at; p && *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	return s;
}

static char *url_text(const char *text, struct pool *pool)
{
	char *s = line_text(text, pool);
	if (!*s)
		return s;
	if (!strstr(s, "://"))
		return pool_printf(pool, "https://%s", s);
	for (char *p = s; *p && *p != ':'; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	return s;
}

static int part(const char *text, size_t least, size_t most, int *out)
{
	size_t n = strspn(text, "0123456789");
	if (n < least || n > most)
		return -1;
	*out = 0;
	for (size_t i = 0; i < n; i++)
		*out = *out * 10 + (text[i] - '0');
	return (int)n;
}

static day_t day_of_parts(int year, int month, int day)
{
	return year < 1900 || year > 2999 ? DAY_NONE : day_from_ymd(year, month, day);
}

/* YYYY-MM-DD or D/M/YYYY, with / . - or a space. */
static day_t day_read(const char *text)
{
	day_t day;
	if (!day_parse(text, &day))
		return day;
	int d, m, y, n;
	if ((n = part(text, 1, 2, &d)) < 0 || !text[n] || !strchr("/.- ", text[n]))
		return DAY_NONE;
	text += n + 1;
	if ((n = part(text, 1, 2, &m)) < 0 || !text[n] || !strchr("/.- ", text[n]))
		return DAY_NONE;
	text += n + 1;
	if ((n = part(text, 4, 4, &y)) < 0 || text[n])
		return DAY_NONE;
	return day_of_parts(y, m, d);
}

static int age_on(day_t birth, day_t today)
{
	struct ymd b = day_ymd(birth), t = day_ymd(today);
	return t.year - b.year - (t.month < b.month || (t.month == b.month && t.day < b.day));
}

static bool is_option(const struct field *f, const char *value)
{
	for (size_t i = 0; i < f->option_count; i++)
		if (!strcmp(f->options[i].value, value))
			return true;
	return false;
}

/* Identifiers of a fixed length made of digits: what is wrong, from the coarsest to the finest. */
static const char *digits_code(const char *text, size_t length, bool good)
{
	if (text[strspn(text, "0123456789")])
		return "wrong";
	if (strlen(text) != length)
		return "length";
	return good ? NULL : "key";
}

static const char *nir_code(const char *text, size_t typed)
{
	if (text[strspn(text, "0123456789AB")])
		return "wrong";
	if (typed != 15)
		return "length";
	return rule_nir(text) ? NULL : "key";
}

static const char *iban_code(const char *text, size_t typed)
{
	if (text[strspn(text, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")])
		return "wrong";
	if (str_starts(text, "FR") && typed != 27)
		return "length";
	return rule_iban(text) ? NULL : "key";
}

static const char *length_code(const struct field *f, size_t chars)
{
	if (f->max && chars > (size_t)f->max)
		return "length";
	return chars < (size_t)f->min ? "short" : NULL;
}

static bool is_yes(const char *text)
{
	return !strcmp(text, "true") || !strcmp(text, "on") || !strcmp(text, "1");
}

static bool is_no(const char *text)
{
	return !strcmp(text, "false") || !strcmp(text, "off") || !strcmp(text, "0");
}

static struct verdict judge_mask(const struct field *f, const char *text, enum form_mode mode, struct pool *pool)
{
	char *s = squeezed(text, "", pool);
	const char *shape = f->type == FIELD_NIR ? "dddbbbbbbbbbbbb" : "aaaabbbbeaaaa";
	if (mode == FORM_COMPLETE)
		return BAD("wrong");
	const char *p = s;
	for (; *shape; shape++) {
		if (*shape == 'b' && str_starts(p, BULLET))
			p += strlen(BULLET);
		else if (*shape == 'e' && str_starts(p, "…"))
			p += strlen("…");
		else if (*p >= '0' && *p <= '9' && (*shape == 'd' || *shape == 'a'))
			p++;
		else if (*p >= 'A' && *p <= 'Z' && *shape == 'a')
			p++;
		else
			return BAD("wrong");
	}
	return *p ? BAD("wrong") : (struct verdict){ .text = s };
}

/* Dates are judged apart: they may come in three values. */
static struct verdict judge_text(const struct field *f, const char *text, enum form_mode mode, struct pool *pool)
{
	if (!is_readable(text, f->type == FIELD_AREA || f->type == FIELD_OBJECT))
		return BAD("characters");
	if (f->secret && is_masked(text))
		return judge_mask(f, text, mode, pool);

	struct verdict v = { 0 };
	switch (f->type) {
	case FIELD_TEXT: /* a code is copied as "123 456" */
		v.text = str_eq(f->autocomplete, "one-time-code") ? squeezed(text, "", pool) : line_text(text, pool);
		break;
	case FIELD_AREA:
		v.text = area_text(text, pool);
		break;
	case FIELD_PASSWORD:
	case FIELD_OBJECT:
		v.text = pool_strdup(pool, text);
		break;
	case FIELD_CHOICE:
	case FIELD_CHOICES:
	case FIELD_TICK:
	case FIELD_DATE:
		v.text = line_text(text, pool);
		break;
	case FIELD_NUMBER:
		v.text = squeezed(text, "%", pool);
		break;
	case FIELD_EMAIL:
		v.text = email_text(text, pool);
		break;
	case FIELD_PHONE:
		v.text = phone_text(text, pool);
		break;
	case FIELD_URL:
		v.text = url_text(text, pool);
		break;
	default:
		v.text = squeezed(text, ".-", pool);
	}
	v.typed = str_chars(v.text);
	if (!*v.text)
		return v;

	int64_t n;
	switch (f->type) {
	case FIELD_TEXT:
	case FIELD_AREA:
		v.code = length_code(f, v.typed);
		break;
	case FIELD_PASSWORD:
		v.code = length_code(f, v.typed);
		if (!v.code && str_eq(f->autocomplete, "new-password") && rule_password_common(v.text))
			v.code = "common";
		break;
	case FIELD_OBJECT:
		v.code = v.typed > OBJECT_CHARS ? "length" : NULL;
		break;
	case FIELD_CHOICE:
	case FIELD_CHOICES:
		v.code = is_option(f, v.text) ? NULL : "choice";
		break;
	case FIELD_TICK:
		if (is_yes(v.text))
			v.text = "true";
		else if (is_no(v.text))
			v.text = "";
		else
			v.code = "wrong";
		break;
	case FIELD_NUMBER:
		if (v.typed > 18 || str_to_i64(v.text, &n))
			v.code = "wrong";
		else if (n < f->min || n > f->max)
			v.code = "bounds";
		else
			v.text = pool_printf(pool, "%lld", (long long)n);
		break;
	case FIELD_EMAIL:
		v.code = rule_email(v.text) ? NULL : "wrong";
		break;
	case FIELD_PHONE:
		v.code = rule_phone(v.text) ? NULL : "wrong";
		break;
	case FIELD_URL:
		v.code = rule_url(v.text) ? NULL : "wrong";
		break;
	case FIELD_NIR:
		v.code = nir_code(v.text, v.typed);
		break;
	case FIELD_RPPS:
		v.code = digits_code(v.text, 11, rule_rpps(v.text));
		break;
	case FIELD_SIRET:
		v.code = digits_code(v.text, 14, rule_siret(v.text));
		break;
	case FIELD_POSTCODE:
		v.code = digits_code(v.text, 5, rule_postcode(v.text));
		break;
	case FIELD_IBAN:
		v.code = iban_code(v.text, v.typed);
		break;
	case FIELD_ADELI:
		v.code = rule_adeli(v.text) ? NULL : "wrong";
		break;
	case FIELD_BIC:
		v.code = rule_bic(v.text) ? NULL : "wrong";
		break;
	case FIELD_COMMUNE:
		v.code = rule_commune(v.text) ? NULL : "wrong";
		break;
	case FIELD_DATE:
		break;
	}
	return v;
}

/* ---- a whole form ---- */

struct judge {
	const struct form *form;
	const struct values *sent, *known; /* known: may be NULL */
	day_t today;
	enum form_mode mode;
	struct values *kept;
	struct problems *problems;
	struct pool *pool;
};

static void tell(struct judge *j, const struct field *f, const char *name, const struct verdict *v)
{
	/* Too short and too long, and what is not a date, are one code for programs, several sentences for people. */
	const char *said = NULL;
	if (!strcmp(v->code, "short"))
		for (size_t i = 0; i < f->said_count && !said; i++)
			if (!strcmp(f->said[i].code, "length"))
				said = f->said[i].text;
	if (!said)
		said = sentence_of(f, v->code);
	const char *code = v->code;
	if (!strcmp(code, "short"))
		code = "length";
	else if (!strcmp(code, "letters") || !strcmp(code, "year") || !strcmp(code, "part"))
		code = "date";
	problems_add(j->problems, name, code, filled_in(said, f, v->other ? v->other : "", v->typed, j->pool));
}

/* Why what was typed is no date, where a sentence of its own helps. */
static const char *date_code(const char *text, const char *year)
{
	size_t digits = strspn(year, "0123456789");
	for (; *text; text++) /* 0xC3 begins é and û */
		if ((*text >= 'a' && *text <= 'z') || (*text >= 'A' && *text <= 'Z') || (unsigned char)*text == 0xC3)
			return "letters";
	return digits && digits != 4 && !year[digits] ? "year" : "date";
}

/* What was sent for a date: its text, or its three parts as one. False when nothing was. */
static bool date_sent(struct judge *j, const char *name, struct verdict *out, day_t *day)
{
	const char *text = values_get(j->sent, name);
	const char *d = values_get(j->sent, pool_printf(j->pool, "%s.day", name));
	const char *m = values_get(j->sent, pool_printf(j->pool, "%s.month", name));
	const char *y = values_get(j->sent, pool_printf(j->pool, "%s.year", name));
	*out = (struct verdict){ .text = "" };
	*day = DAY_NONE;
	if (!text && !d && !m && !y)
		return false;
	if (!text || (!*text && (d || m || y))) {
		int day_n = 0, month_n = 0, year_n = 0;
		d = str_trim(j->pool, d ? d : "");
		m = str_trim(j->pool, m ? m : "");
		y = str_trim(j->pool, y ? y : "");
		if (!*d && !*m && !*y)
			return true;
		if (part(d, 1, 2, &day_n) == (int)strlen(d) && part(m, 1, 2, &month_n) == (int)strlen(m) &&
		    part(y, 4, 4, &year_n) == (int)strlen(y))
			*day = day_of_parts(year_n, month_n, day_n);
		else
			out->code = date_code(pool_printf(j->pool, "%s/%s/%s", d, m, y), y);
		if ((!*d || !*m || !*y) && str_eq(out->code, "date"))
			out->code = "part";
	} else {
		text = str_trim(j->pool, text);
		if (!*text)
			return true;
		*day = day_read(text);
		const char *cut = strpbrk(text, "/.- "), *last = cut ? strpbrk(cut + 1, "/.- ") : NULL;
		if (*day == DAY_NONE)
			out->code = date_code(text, last && cut - text <= 2 ? last + 1 : "");
	}
	if (*day == DAY_NONE)
		out->code = out->code ? out->code : "date";
	else
		out->text = day_iso(j->pool, *day);
	return true;
}

static bool judge_date(struct judge *j, const struct field *f, size_t row, const char *name, struct verdict *v)
{
	day_t day, before;
	if (!date_sent(j, name, v, &day))
		return false;
	if (day == DAY_NONE)
		return true;
	if (f->past && !strcmp(f->past, "past")) {
		if (day > j->today)
			v->code = "future";
		else if (f->max && !f->after && (age_on(day, j->today) < f->min || age_on(day, j->today) > f->max))
			v->code = "age";
	} else if (f->past && (day < j->today || (day == j->today && !strcmp(f->past, "later")))) {
		v->code = "past";
	} else if (f->past && (f->max ? day > day_add_months(j->today, f->max)
				      : day_ymd(day).year > day_ymd(j->today).year + YEARS_AHEAD)) {
		v->code = "far";
	}
	if (!v->code && f->after) {
		struct verdict other;
		const struct field *first = near(j->form, f->group, f->after);
		const char *at = field_flat(first, row, j->pool);
		if (!date_sent(j, at, &other, &before) && j->known)
			before = day_read(values_text(j->known, at));
		if (before != DAY_NONE && (day < before || age_on(before, day) < f->min)) {
			v->code = "order";
			v->other = first->label;
		}
	}
	return true;
}

/* Something readable was typed: any text but spaces. */
static bool is_blank(const char *text)
{
	for (size_t n; *text; text += n)
		if (!(n = space_at(text)))
			return false;
	return true;
}

static bool is_filled(const struct values *answers, const struct field *f, const struct group *group, size_t row)
{
	const char *name = flat(group, row, f->name, answers->pool);
	size_t n = strlen(name);
	for (size_t i = 0; i < answers->count; i++) {
		const char *other = answers->items[i].name;
		if (strncmp(other, name, n) || is_blank(answers->items[i].text))
			continue;
		if (!other[n] || names(f, group ? strchr(other, '.') + 1 : other))
			if (f->type != FIELD_TICK || !is_no(answers->items[i].text))
				return true;
	}
	return false;
}

static bool is_required(const struct form *form, const struct field *f, const struct values *answers, size_t row)
{
	if (!field_asked(f, answers, row))
		return false;
	for (size_t i = 0; i < f->together_count; i++) {
		const struct field *other = near(form, f->group, f->together[i]);
		if (other && is_filled(answers, other, other->group, row))
			return true;
	}
	return f->required;
}

static void judge_many(struct judge *j, const struct field *f)
{
	const char *const *texts, *const *plain;
	const char *name = field_flat(f, 0, j->pool);
	size_t count = values_all(j->sent, name, &texts), alone = values_all(j->sent, f->name, &plain), good = 0;
	const char **kept = POOL_ARRAY(j->pool, const char *, count + alone + 1);
	for (size_t i = 0; i < count + alone; i++) {
		struct verdict v = judge_text(f, i < count ? texts[i] : plain[i - count], j->mode, j->pool);
		if (v.code) {
			tell(j, f, name, &v);
			return;
		}
		bool twice = !*v.text;
		for (size_t k = 0; k < good && !twice; k++)
			twice = !strcmp(kept[k], v.text);
		if (!twice)
			kept[good++] = v.text;
		if (good > ANSWERS_MAX && !f->option_count) {
			problems_add(j->problems, name, "rows",
				     pool_printf(j->pool, "« %s » : %d réponses au plus.", f->label, ANSWERS_MAX));
			return;
		}
	}
	if (!good && (count || alone) && j->mode == FORM_SYNTAX)
		values_add(j->kept, name, "");
	/* In the order of the options: the same answers give the same frozen bytes. */
	for (size_t o = 0; o < f->option_count; o++)
		for (size_t k = 0; k < good; k++)
			if (!strcmp(kept[k], f->options[o].value))
				values_add(j->kept, name, kept[k]);
	for (size_t k = 0; k < good && !f->option_count; k++)
		values_add(j->kept, name, kept[k]);
}

static void judge_object(struct judge *j, const struct field *f)
{
	for (size_t i = 0; i < j->sent->count; i++) {
		const struct value *value = &j->sent->items[i];
		if (!names(f, value->name))
			continue;
		struct verdict v = judge_text(f, value->text, j->mode, j->pool);
		if (v.code)
			tell(j, f, value->name, &v);
		else
			values_add(j->kept, value->name, value->text);
	}
}

/* `to` is the row's number in *kept. */
static void judge_field(struct judge *j, const struct field *f, size_t row, size_t to)
{
	const char *name = field_flat(f, row, j->pool);
	if (j->mode == FORM_COMPLETE) {
		if (!field_asked(f, j->sent, row))
			return;
		if (is_required(j->form, f, j->sent, row) && !is_filled(j->sent, f, f->group, row)) {
			tell(j, f, name, &(struct verdict){ .code = "missing" });
			return;
		}
	}
	if (is_multiple(f)) {
		judge_many(j, f);
		return;
	}
	if (f->type == FIELD_OBJECT) {
		judge_object(j, f);
		return;
	}

	struct verdict v = { 0 };
	if (f->type == FIELD_DATE) {
		if (!judge_date(j, f, row, name, &v))
			return;
	} else {
		const char *const *texts;
		size_t count = values_all(j->sent, name, &texts);
		if (!count)
			return;
		/* A page sends a hidden "" before a box: the last one is the person's. */
		if (count > 1 && f->type != FIELD_TICK)
			v.code = "twice";
		else
			v = judge_text(f, texts[count - 1], j->mode, j->pool);
	}
	if (v.code)
		tell(j, f, name, &v);
	const char *text = v.code ? "" : v.text;
	if (v.code && !f->group)
		return;
	/* What is empty is not part of a complete form: the same answers give the same frozen bytes. */
	if (*text || j->mode == FORM_SYNTAX)
		values_add(j->kept, flat(f->group, to, f->name, j->pool), text);
}

/* An answer of this group's row; false for another group's, and for an unknown field. */
static bool row_answer(const struct group *group, const char *name, size_t *row)
{
	size_t len;
	const char *rest;
	if (!values_split(name, &len, row, &rest) || len != strlen(group->name) || strncmp(name, group->name, len))
		return false;
	for (size_t k = 0; k < group->field_count; k++)
		if (names(&group->fields[k], rest))
			return true;
	return false;
}

void form_row_map(const struct group *group, const struct values *sent, int to[FORM_ROWS])
{
	size_t row;
	int next = 0;
	for (size_t i = 0; i < FORM_ROWS; i++)
		to[i] = -1;
	for (size_t i = 0; i < sent->count; i++)
		if (row_answer(group, sent->items[i].name, &row) && !is_blank(sent->items[i].text))
			to[row] = 0;
	for (size_t i = 0; i < FORM_ROWS; i++)
		if (to[i] == 0)
			to[i] = next++;
}

/* The whole group was sent empty: no row, or rows without an answer. */
static bool is_emptied(const struct judge *j, const struct group *g)
{
	size_t row;
	bool sent = values_get(j->sent, pool_printf(j->pool, "%s[]", g->name)) != NULL;
	for (size_t i = 0; i < j->sent->count; i++)
		sent |= row_answer(g, j->sent->items[i].name, &row);
	return sent;
}

static void judge_group(struct judge *j, const struct group *g)
{
	bool asked = j->mode == FORM_SYNTAX || group_asked(g, j->sent), beyond = false;
	if (!asked)
		return;
	for (size_t i = 0; i < j->sent->count; i++) {
		const struct value *x = &j->sent->items[i];
		/* ["a"] is neither rows nor no rows: nothing of it may take the place of what is there. */
		if (is_blank(x->text) || strcmp(x->name, pool_printf(j->pool, "%s[]", g->name)) != 0)
			continue;
		problems_add(j->problems, g->name, "wrong",
			     pool_printf(j->pool, "« %s » : décrivez chaque ligne par ses champs.", g->label));
		return;
	}
	int to[FORM_ROWS], rows = 0;
	form_row_map(g, j->sent, to);
	for (size_t i = 0; i < FORM_ROWS; i++)
		rows += to[i] >= 0;
	for (size_t i = 0; i < j->sent->count && !beyond; i++) {
		struct found found;
		beyond = find(j->form, j->sent->items[i].name, &found) && found.group == g && found.beyond;
	}
	if (rows > g->max || beyond) {
		problems_add(j->problems, g->name, "rows",
			     pool_printf(j->pool, "« %s » : %d lignes au plus.", g->label, g->max));
		return;
	}
	if (j->mode == FORM_COMPLETE && rows < g->min) {
		problems_add(j->problems, g->name, "rows", g->missing);
		return;
	}
	if (!rows && j->mode == FORM_SYNTAX && is_emptied(j, g))
		values_add(j->kept, pool_printf(j->pool, "%s[]", g->name), "");
	for (size_t i = 0; i < FORM_ROWS; i++)
		for (size_t k = 0; to[i] >= 0 && k < g->field_count; k++)
			judge_field(j, &g->fields[k], i, (size_t)to[i]);
}

static void tell_unknown(struct judge *j)
{
	size_t told = 0;
	for (size_t i = 0; i < j->sent->count && told < UNKNOWN_MAX; i++) {
		const char *name = j->sent->items[i].name;
		struct found found;
		/* "experience" alone holds no answer. */
		if (find(j->form, name, &found) && (found.field || found.beyond || strchr(name, '[')))
			continue;
		const char *shown = values_name_good(name) ? name : "";
		if (problems_of(j->problems, shown))
			continue;
		problems_add(j->problems, shown, "unknown",
			     *shown ? pool_printf(j->pool, "Ce formulaire ne demande pas « %s ».", shown)
				    : "Ce formulaire contient un champ inconnu.");
		told++;
	}
}

size_t form_validate(const struct form *f, const struct values *sent, day_t today, enum form_mode mode,
		     struct values *kept, struct problems *problems)
{
	return form_validate_over(f, sent, NULL, today, mode, kept, problems);
}

size_t form_validate_over(const struct form *f, const struct values *sent, const struct values *known, day_t today,
			  enum form_mode mode, struct values *kept, struct problems *problems)
{
	struct judge j = { f, sent, known, today, mode, kept, problems, kept->pool };
	size_t before = problems->count;
	if (sent->count > VALUES_MAX) {
		problems_add(problems, "", "rows", "Ce formulaire contient trop de réponses.");
		return 1;
	}
	for (size_t i = 0; i < f->step_count; i++) {
		for (size_t k = 0; k < f->steps[i].item_count; k++) {
			const struct item *item = &f->steps[i].items[k];
			if (item->group)
				judge_group(&j, item->group);
			else
				judge_field(&j, item->field, 0, 0);
		}
	}
	tell_unknown(&j);
	return problems->count - before;
}

size_t form_missing(const struct form *f, const struct values *answers, struct pool *pool, const char *const **out)
{
	size_t n = 0, cap = 0;
	for (size_t i = 0; i < f->step_count; i++)
		for (size_t k = 0; k < f->steps[i].item_count; k++)
			cap += f->steps[i].items[k].group ? f->steps[i].items[k].group->field_count * FORM_ROWS + 1 : 1;
	const char **list = POOL_ARRAY(pool, const char *, cap + 1);
	for (size_t i = 0; i < f->step_count; i++) {
		for (size_t k = 0; k < f->steps[i].item_count; k++) {
			const struct item *item = &f->steps[i].items[k];
			if (item->field) {
				if (is_required(f, item->field, answers, 0) &&
				    !is_filled(answers, item->field, NULL, 0))
					list[n++] = field_flat(item->field, 0, pool);
				continue;
			}
			const struct group *g = item->group;
			if (!group_asked(g, answers))
				continue;
			int to[FORM_ROWS], rows = 0;
			form_row_map(g, answers, to);
			for (size_t row = 0; row < FORM_ROWS; row++)
				rows += to[row] >= 0;
			if (rows < g->min)
				list[n++] = g->name;
			for (size_t row = 0; row < FORM_ROWS; row++)
				for (size_t m = 0; to[row] >= 0 && m < g->field_count; m++)
					if (is_required(f, &g->fields[m], answers, row) &&
					    !is_filled(answers, &g->fields[m], g, row))
						list[n++] = field_flat(&g->fields[m], row, pool);
		}
	}
	*out = list;
	return n;
}

/* ---- pieces ---- */

const struct step *form_step_of_piece(const struct form *f, const char *kind)
{
	for (size_t i = 0; i < f->step_count; i++)
		for (size_t k = 0; k < f->steps[i].piece_count; k++)
			if (!strcmp(f->steps[i].pieces[k].kind, kind))
				return &f->steps[i];
	return NULL;
}

const struct piece_kind *form_piece(const struct form *f, const char *kind)
{
	const struct step *s = form_step_of_piece(f, kind);
	for (size_t k = 0; s && k < s->piece_count; k++)
		if (!strcmp(s->pieces[k].kind, kind))
			return &s->pieces[k];
	return NULL;
}

size_t form_piece_places(const struct form *f, const struct step *step, const struct values *answers, struct pool *pool,
			 struct piece_place **out)
{
	size_t n = 0, cap = 0;
	for (size_t i = 0; i < f->step_count; i++)
		cap += f->steps[i].piece_count * (FORM_ROWS + 1);
	*out = POOL_ARRAY(pool, struct piece_place, cap + 1);
	for (size_t i = 0; i < f->step_count; i++)
		for (size_t k = 0; k < f->steps[i].piece_count; k++) {
			const struct piece_kind *p = &f->steps[i].pieces[k];
			if ((step && step != &f->steps[i]) || !holds(&p->when, NULL, answers, 0))
				continue;
			if (!p->group) {
				(*out)[n++] = (struct piece_place){ p, NULL, p->kind };
				continue;
			}
			for (size_t row = 0, rows = values_rows(answers, p->group); row < rows && row < FORM_ROWS;
			     row++) {
				const char *of = pool_printf(pool, "%s[%zu]", p->group, row);
				(*out)[n++] = (struct piece_place){ p, of, pool_printf(pool, "%s:%s", p->kind, of) };
			}
		}
	return n;
}

const char *row_words(const char *words, size_t row, struct pool *pool)
{
	const char *at = strstr(words, "{0}");
	if (!at)
		return pool_printf(pool, "%s %zu", words, row + 1);
	return pool_printf(pool, "%.*s%zu%s", (int)(at - words), words, row + 1, at + strlen("{0}"));
}

/* ---- merging ---- */

static void remove_field(struct values *answers, const struct field *f)
{
	size_t n = 0;
	for (size_t i = 0; i < answers->count; i++)
		if (!names(f, answers->items[i].name))
			answers->items[n++] = answers->items[i];
	answers->count = n;
}

static void merge_field(const struct field *f, struct values *answers, const struct values *kept)
{
	bool sent = false, mask = false;
	for (size_t i = 0; i < kept->count; i++) {
		if (!names(f, kept->items[i].name))
			continue;
		sent = true;
		mask |= f->secret && is_masked(kept->items[i].text);
	}
	if (!sent || mask)
		return;
	remove_field(answers, f);
	for (size_t i = 0; i < kept->count; i++)
		if (names(f, kept->items[i].name) && *kept->items[i].text)
			values_add(answers, kept->items[i].name, kept->items[i].text);
}

static void merge_group(const struct group *g, struct values *answers, const struct values *kept)
{
	if (!values_has_group(kept, g->name))
		return;
	values_remove_group(answers, g->name);
	size_t n = strlen(g->name);
	for (size_t i = 0; i < kept->count; i++) {
		const char *name = kept->items[i].name;
		if (!strncmp(name, g->name, n) && name[n] == '[' && name[n + 1] != ']')
			values_add(answers, name, kept->items[i].text);
	}
	values_compact(answers, g->name);
}

void form_merge(const struct form *f, struct values *answers, const struct values *kept)
{
	for (size_t i = 0; i < f->step_count; i++) {
		for (size_t k = 0; k < f->steps[i].item_count; k++) {
			const struct item *item = &f->steps[i].items[k];
			if (item->group)
				merge_group(item->group, answers, kept);
			else
				merge_field(item->field, answers, kept);
		}
	}
}

/* ---- showing ---- */

const char *field_shown(const struct field *field, const char *text, struct pool *pool)
{
	if (field->type == FIELD_PASSWORD)
		return "";
	if (!field->secret || !*text || is_masked(text))
		return pool_strdup(pool, text);
	text = squeezed(text, ".-", pool); /* as it is kept: it may have been typed with spaces */
	size_t n = strlen(text);
	if (field->type == FIELD_NIR && n == 15)
		return pool_printf(pool, "%.1s %.2s •• •• ••• ••• ••", text, text + 1);
	if (field->type == FIELD_IBAN && n >= 15)
		return pool_printf(pool, "%.4s •••• … %s", text, text + n - 4);
	return "••••";
}

/* Digits in pairs, with no-break spaces. */
static const char *phone_shown(const char *text, struct pool *pool)
{
	if (text[0] != '0' || strlen(text) != 10)
		return pool_strdup(pool, text);
	struct str s = str_in(pool);
	for (size_t i = 0; i < 10; i += 2) {
		str_add(&s, i ? "\xC2\xA0" : "");
		str_add_n(&s, text + i, 2);
	}
	return s.s;
}

const char *field_display(const struct field *field, const char *text, struct pool *pool)
{
	day_t day;
	for (size_t i = 0; i < field->option_count; i++)
		if (!strcmp(field->options[i].value, text))
			return field->options[i].label;
	switch (field->type) {
	case FIELD_TICK:
		return !strcmp(text, "true") ? "Oui" : "Non";
	case FIELD_DATE:
		return day_parse(text, &day) ? pool_strdup(pool, text) : day_french(pool, day);
	case FIELD_PHONE:
		return phone_shown(text, pool);
	default:
		return field_shown(field, text, pool);
	}
}
