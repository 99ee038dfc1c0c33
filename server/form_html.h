/*
 * A form's fields as govuk-frontend markup: label, hint, error, value, conditional and repeated parts, all without
 * JavaScript (repetition: a button "Ajouter une période" named add_row=experience that posts;
 * remove_row=experience[1]). `values` is what to show again (what was typed, else what is kept; masked for secrets
 * unless typed this time).
 */
#ifndef SERVER_FORM_HTML_H
#define SERVER_FORM_HTML_H

#include "../forms/form.h"
#include "page.h"

/* The list at the top, linked to the fields; empty markup without problems. */
struct markup form_problem_summary(const struct problems *p, struct pool *pool);
/*
 * The fields of a step (step NULL: all). Unless `all_unlocked`, only the names of `unlocked` may be changed ("rpps",
 * "experience" for every row, "experience[0]" for one, "experience[0].from"); the others are shown as text. `values`
 * holds all the answers: a field whose condition is decided on another step is left out when it is not asked.
 * FIELD_OBJECT is drawn by its page.
 */
struct markup form_fields(const struct form *f, const struct step *step, const struct values *values,
			  const struct problems *p, const char *const *unlocked, size_t unlocked_count,
			  bool all_unlocked, struct pool *pool);
/* Summary list of a step's answers, with a "Modifier" link to `change_url` (NULL: none). */
struct markup form_summary(const struct form *f, const struct step *step, const struct values *answers,
			   const char *change_url, struct pool *pool);
/*
 * Takes the buttons add_row=experience and remove_row=experience[1] out of what was sent and does what they say. True
 * when one was pressed: the page is shown again, nothing is judged.
 */
bool form_press_rows(const struct form *f, struct values *sent);
/* id attribute of a field's input from its flat name: "experience[0].from" → "experience-0-from". */
char *form_html_id(struct pool *pool, const char *flat_name);
/* Writes the form as one JSON schema (a value: the caller wrote the key). */
struct json;
void form_openapi(const struct form *f, struct json *out);

#endif
