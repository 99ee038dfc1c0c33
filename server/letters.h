/*
 * Letters: a message row is a letter's name and codes; this makes its words, once, and freezes them.
 *
 *	letter_render(service, lanes, pool, message, false, &letter, &e);     the clerk, for rows of kind "message"
 *
 * A letter is a file server/mail/KIND.html (a body fragment over letter_view in letters.c) and a subject "letter.KIND"
 * in server/text/letters.xml. To add one: these two and a line in LETTERS.
 *
 * A secret that a letter must carry (a confirmation link, a signing code) travels sealed in the message's params:
 *
 *	const char *params = letter_params(service->keys, "confirm_account", token, pool, &e);
 *	job_ask(j, &message_post, ARGS(account, arg_text("account"), file, seq, arg_text("confirm_account"),
 *	                               arg_text(params)));
 *	job_ask(j, &message_queue, ARGS(file, seq));
 *
 * Links: confirm_account → /compte/confirmation/TOKEN, reset_password → /compte/mot-de-passe/TOKEN, employer_invitation
 * and signing_code to the employer → /convention/TOKEN (from employer_link). Where mail is configured a signing code
 * stands in the mail only, never in the inbox of the session it protects.
 */
#ifndef SERVER_LETTERS_H
#define SERVER_LETTERS_H

#include "service.h"

struct letter {
	int64_t message, file;
	const char *kind, *audience, *mail_state;
	const char *subject;
	const char *html; /* body fragment: for the inbox; with `for_mail`, what is mailed */
	const char *to;   /* address, or NULL: nobody to mail it to */
	instant_t at;
	bool fresh; /* its words were made just now: letter_freeze() keeps them */
};

/*
 * Many at once: letter_ask() for each in one segment that begins with the system's identity; when it is back,
 * letter_make() for each; letter_freeze() for each in a second segment.
 */
struct letter_asked {
	int64_t message;
	size_t load, checks, faults; /* places in the segment */
};
struct letter_asked letter_ask(struct segment *g, struct pool *pool, int64_t message);
int letter_make(struct service *s, struct segment *g, struct letter_asked at, struct pool *pool, bool for_mail,
		struct letter *out, struct err *e) MUST_USE;
int letter_freeze(struct service *s, struct segment *g, struct pool *pool, const struct letter *t,
		  struct err *e) MUST_USE;

/* One, made and frozen. ERR_MISSING when there is no such message; ERR_FAULT for a kind without a letter. */
int letter_render(struct service *s, struct lanes *l, struct pool *pool, int64_t message, bool for_mail,
		  struct letter *out, struct err *e) MUST_USE;
/* Opens a frozen body (column message.body), for pages. An erased one is NULL. */
int letter_open(const struct keyring *k, int64_t message, const void *sealed, size_t n, struct pool *pool,
		const char **html, struct err *e) MUST_USE;
char *letter_params(const struct keyring *k, const char *kind, const char *secret, struct pool *pool, struct err *e);
bool letter_known(const char *kind);
size_t letter_kinds(const char *const **out);

/* For tests and pictures: a letter from invented facts. */
int letter_sample(const char *kind, struct pool *pool, const char **subject, const char **html, struct err *e) MUST_USE;

#endif
