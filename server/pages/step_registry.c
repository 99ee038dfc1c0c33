#include "step_registry.h"

#include "../base/str.h"
#include "../page.h"
#include "../text.h"

#define PSYCHOLOGIST "93"

static bool is_psychologist(const struct rows *r, size_t i)
{
	return str_eq(rows_str(r, i, "profession"), PSYCHOLOGIST);
}

long step_registry_place(const struct rows *lines)
{
	for (size_t i = 0; i < rows_count(lines); i++)
		if (is_psychologist(lines, i) && *rows_str(lines, i, "postcode"))
			return (long)i;
	return -1;
}

/* The rule of the check `identity`: what it would say is said here first. */
static bool same_name(const char *a, const char *b, char *fold(struct pool *, const char *), struct pool *pool)
{
	const char *x = fold(pool, a), *y = fold(pool, b);

	return *x && str_eq(x, y);
}

static void row(struct str *out, const char *what, const char *typed, const char *known, bool same)
{
	str_add(out, "<tr class=\"govuk-table__row\"><th scope=\"row\" class=\"govuk-table__header\">");
	html_text(out, what);
	str_add(out, "</th><td class=\"govuk-table__cell\">");
	html_text(out, *typed ? typed : "–");
	str_add(out, "</td><td class=\"govuk-table__cell\">");
	html_text(out, *known ? known : "–");
	str_add(out, "</td><td class=\"govuk-table__cell\">");
	html_text(out, text(same ? "registry.same" : "registry.differs"));
	str_add(out, "</td></tr>\n");
}

static void notice(struct str *out, const char *kind, const char *id)
{
	str_addf(out, "<div class=\"msp-notice%s\"><p class=\"govuk-body\">", kind);
	html_text(out, text(id));
	str_add(out, "</p></div>\n");
}

struct markup step_registry(const struct file_view *v, const struct rows *lines, bool there, bool always,
			    struct pool *pool)
{
	struct str out = str_in(pool);
	const char *last = values_text(&v->answers, "last_name"), *first = values_text(&v->answers, "first_name");
	size_t at = 0, n = rows_count(lines);
	bool same_last, same_first, psychologist;

	if (!there)
		return (struct markup){ NULL };
	if (!n) {
		notice(&out, " msp-notice--warn", "registry.unknown");
		return (struct markup){ out.s };
	}
	while (at < n && !is_psychologist(lines, at))
		at++;
	psychologist = at < n;
	if (!psychologist)
		at = 0;
	same_last = same_name(last, rows_str(lines, at, "last_name"), str_fold, pool);
	same_first = same_name(first, rows_str(lines, at, "first_name"), str_fold_first_word, pool);
	if (!psychologist)
		notice(&out, " msp-notice--warn", "registry.other_profession");
	else if (same_last && same_first && !always)
		return (struct markup){ NULL };
	else
		notice(&out, same_last && same_first ? " msp-notice--ok" : " msp-notice--warn",
		       same_last && same_first ? "registry.found" : "registry.names_differ");
	str_add(&out,
		"<div class=\"msp-scroll\" tabindex=\"0\" role=\"region\" aria-label=\"Vos réponses et l’Annuaire "
		"Santé\">\n"
		"<table class=\"govuk-table\">\n<caption class=\"govuk-table__caption govuk-visually-hidden\">Vos "
		"réponses et "
		"l’Annuaire Santé</caption>\n<thead class=\"govuk-table__head\"><tr class=\"govuk-table__row\"><td "
		"class=\"govuk-table__header\"></td><th scope=\"col\" class=\"govuk-table__header\">Vous</th><th "
		"scope=\"col\" "
		"class=\"govuk-table__header\">L’Annuaire Santé</th><th scope=\"col\" "
		"class=\"govuk-table__header\">Comparaison</th>"
		"</tr></thead>\n<tbody class=\"govuk-table__body\">\n");
	row(&out, "Nom", last, rows_str(lines, at, "last_name"), same_last);
	row(&out, "Prénom", first, rows_str(lines, at, "first_name"), same_first);
	str_add(&out, "</tbody>\n</table>\n</div>\n");
	return (struct markup){ out.s };
}
