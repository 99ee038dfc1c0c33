/*
 * The page of a file as an agent sees it: what is claimed on the left, the evidence on the right, and only the actions
 * allowed now.
 */
#ifndef SERVER_PAGES_FILE_AGENT_H
#define SERVER_PAGES_FILE_AGENT_H

#include "../file_view.h"

/* `p` and `why` (may be NULL) say what was refused of the form just sent; j->sent is shown again. */
int file_page_agent(struct job *j, const struct file_view *v, int status, const struct problems *p,
		    const struct err *why, struct err *e);

#endif
