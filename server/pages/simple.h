/*
 * Two plain screens that many routes share: a form with one button, and a note that says what happened.
 *
 *	struct simple_form form = { .title = …, .action = "/compte", .fields = …, .button = … };
 *	return simple_form_show(j, 422, &form);
 *	struct simple_note note = { .title = …, .lead = …, .href = "/connexion", .label = … };
 *	return simple_note_show(j, 200, &note);
 */
#ifndef SERVER_PAGES_SIMPLE_H
#define SERVER_PAGES_SIMPLE_H

#include "../form_html.h"
#include "../job.h"

struct simple_link {
	const char *href, *label;
};

struct simple_form {
	const char *title, *intro, *action, *button;
	struct markup summary, before, fields, hidden; /* hidden: job_hidden() is added by simple_form_show() */
	struct list links;                             /* of struct simple_link, under the button */
};

struct simple_note {
	const char *title, *lead, *body;
	const char *href, *label;             /* where to go on, or NULL */
	const char *other_href, *other_label; /* the other way, or NULL */
	const char *demo_href, *demo_label;   /* what only the demonstration shows */
};

int simple_form_show(struct job *j, int status, const struct simple_form *form);
int simple_note_show(struct job *j, int status, const struct simple_note *note);
/* <input type="hidden" …>, added to `out`. */
void simple_hidden(struct str *out, const char *name, const char *value);

#endif
