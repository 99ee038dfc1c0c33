/*
 * The page that says what went wrong, in words, with what to do next.
 */
#ifndef SERVER_PAGES_ERROR_H
#define SERVER_PAGES_ERROR_H

struct job;

/* `detail`: a sentence or NULL; `reference`: of the logged fault or NULL. Ends the job. */
int error_show(struct job *j, int status, const char *title, const char *detail, const char *reference);

#endif
