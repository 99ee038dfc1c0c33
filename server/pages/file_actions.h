/*
 * What an agent may do with a file now, as forms: one button for what needs no word, a link that opens the form of each
 * other action beside the evidence, one form at a time (?action=refuse), so that every field has one id.
 */
#ifndef SERVER_PAGES_FILE_ACTIONS_H
#define SERVER_PAGES_FILE_ACTIONS_H

#include "../file_view.h"

struct action_context {
	struct job *j;
	const struct file_view *v;
	const struct problems *problems; /* of the form just sent, or NULL */
	const struct rows *caisses;      /* queue_caisses, or NULL */
	const struct rows *communes;     /* agent_file_communes, or NULL */
	const char *action;              /* event id of the open form, or "" */
	bool typed;                      /* j->sent is what was typed into it */
};
/* Which form the request opens: the event just sent, else ?action=. "" for none or one that is not allowed. */
const char *action_open(const struct job *j, const struct file_view *v);
/* Does this form offer the list of caisses? */
bool action_wants_caisses(const char *action);
struct markup actions_html(const struct action_context *a);

#endif
