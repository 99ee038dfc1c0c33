#include "step_registry.h"

#include "../base/str.h"
#include "../page.h"
#include "../text.h"
#include "stack_table.h"

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

static const struct stack_table compared = { "Vos réponses et l’Annuaire Santé",
					     { "Réponse", "Vous", "L’Annuaire Santé", "Comparaison" },
					     4 };

static void row(struct str *out, const char *what, const char *typed, const char *known, bool same)
{
	const char *cells[] = { what, *typed ? typed : "–", *known ? known : "–",
				text(same ? "registry.same" : "registry.differs") };

	stack_row(out, &compared, cells);
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
	stack_open(&out, &compared);
	row(&out, "Nom", last, rows_str(lines, at, "last_name"), same_last);
	row(&out, "Prénom", first, rows_str(lines, at, "first_name"), same_first);
	stack_close(&out);
	return (struct markup){ out.s };
}
