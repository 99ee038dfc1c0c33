/*
 * A form's fields as govuk-frontend markup: label, hint, error, value, conditional and repeated parts, all without
 * JavaScript (repetition: a button "Ajouter une période" named add_row=experience that posts; remove_row=experience[1]).
 * `values` is what to show again (what was typed, else what is kept; masked for secrets unless typed this time).
 */
#ifndef SERVER_FORM_HTML_H
#define SERVER_FORM_HTML_H

#include "../forms/form.h"
#include "page.h"

/* The list at the top, linked to the fields; empty markup without problems. */
struct markup form_problem_summary(const struct problems *p, struct pool *pool);
/* The fields of a step (step NULL: all). `locked`: names that may not be changed now (correction), or NULL = none. */
struct markup form_fields(const struct form *f, const struct step *step, const struct values *values,
                          const struct problems *p, const char *const *unlocked, size_t unlocked_count, bool all_unlocked,
                          struct pool *pool);
/* Summary list of a step's answers, with a "Modifier" link to `change_url` (NULL: none). */
struct markup form_summary(const struct form *f, const struct step *step, const struct values *answers,
                           const char *change_url, struct pool *pool);
/* id attribute of a field's input from its flat name: "experience[0].from" → "experience-0-from". */
char *form_html_id(struct pool *pool, const char *flat_name);
/* Adds the form as a JSON schema to an OpenAPI document. */
struct json;
void form_openapi(const struct form *f, struct json *out);

#endif
