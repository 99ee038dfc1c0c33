/*
 * A signing code: made, kept as an HMAC, sent as a letter. Applicant and employer sign the same way.
 *
 *	signing_code_ask(j, file, account, "applicant", &sent, &e);    in a step: queues code, message, outbox
 *	job_then(j, next): rows at sent.at, the code in sent.code (for the demonstration only)
 */
#ifndef SERVER_PAGES_SIGNING_H
#define SERVER_PAGES_SIGNING_H

#include "../job.h"

#define SIGNING_MINUTES 10
#define SIGNING_MOST "6"       /* codes of one party of one file … */
#define SIGNING_SECONDS "3600" /* … in this time */

struct signing {
	const char *code;
	size_t at; /* → expires_at */
};
/* `account` 0: the employer, who has an address but no inbox. */
int signing_code_ask(struct job *j, int64_t file, int64_t account, const char *party, struct signing *out,
		     struct err *e) MUST_USE;
/* Counts a code asked for; where its row says allowed = false, 429. */
size_t signing_rate_ask(struct job *j, int64_t file, const char *party);
int signing_too_many(struct job *j);

#endif
