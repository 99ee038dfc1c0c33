/*
 * Who asks. A cookie (__Host-session), a bearer token or a client certificate become the arguments of identity_join,
 * the first statement of every segment; its row becomes a struct identity.
 *
 *	session_read(r, keys, pool, &c);                 what the request shows, nothing looked up
 *	c.args                                           the 5 arguments of identity_join
 *	identity_read(rows, pool, &who, &now, &expired); db/identity.h
 *	session_write_allowed(…), session_csrf_good(…)   same origin, then CSRF (interface.md, architecture Decision 6)
 *
 * A page that signs someone in (pages/sign_in.c) makes the token and its row, then:
 *	job_cookie(j, SESSION_COOKIE, token, seconds);
 *	return sealed ? session_replay(j, sealed, token, e) : job_redirect(j, session_after(suite));
 */
#ifndef SERVER_SESSION_H
#define SERVER_SESSION_H

#include "../db/db.h"
#include "../forms/values.h"
#include "http.h"

#define SESSION_COOKIE "session"

enum credential { CRED_NONE, CRED_COOKIE, CRED_BEARER, CRED_CERTIFICATE };

struct credentials {
	enum credential kind;
	const char *digest;                         /* of the token, hexadecimal, or NULL */
	const char *issuer, *subject, *fingerprint; /* of a good certificate, or NULL */
	struct arg args[5];                         /* of identity_join */
};

void session_read(const struct request *r, struct pool *pool, struct credentials *out);
/* A credential made just now (replay after signing in). */
void session_from_token(const char *token, struct pool *pool, struct credentials *out);

/* The value of one cookie of a Cookie header ("a=1; __Host-session=x"), or NULL; quotes are not removed. */
const char *session_cookie_value(const char *header, const char *name, struct pool *pool);

/* `own`: "https://host:port" of this listener; `form` says whether the body is of a type that a cross-site form can
 * send. */
int session_write_allowed(const struct request *r, const struct credentials *c, const char *own, bool form,
			  struct err *e) MUST_USE;
/* Cookie sessions and agents' forms show what their page was given. `form` as above. */
int session_csrf_good(const struct keyring *keys, const struct credentials *c, const struct identity *who,
		      const char *sent, bool form, struct err *e) MUST_USE;
/* What the hidden field `csrf` holds: the session's, or the certificate's HMAC; NULL without a session. */
const char *session_csrf(const struct keyring *keys, const struct credentials *c, const struct identity *who,
			 struct pool *pool);

/* Where to go after signing in: a path of our own ("/dossiers/3?x=1"), else "/dossiers". */
const char *session_after(const char *suite);

/*
 * A body that found no session any more: sealed (method, path, fields; ≤ 64 kB, files excluded; good for an hour) to
 * travel in the hidden field `suite_body` of the sign-in form. NULL when it is too large.
 */
char *session_seal_body(const struct keyring *keys, const char *path, const char *query, const struct values *sent,
			struct pool *pool);
/* Opens it again: path, query and fields. ERR_INPUT "session.body_gone" when it was changed or is too old. */
int session_open_body(const struct keyring *keys, const char *sealed, struct pool *pool, const char **path,
		      const char **query, struct values *out, struct err *e) MUST_USE;

struct job;
/* job.c: plays the sealed request as the person who just signed in, and answers with it. */
int session_replay(struct job *j, const char *sealed, const char *token, struct err *e) MUST_USE;
/*
 * pages/sign_in.c: the sign-in page with this status (401 when a write found no session), `suite` = path to go on with,
 * `suite_body` = the sealed body or NULL. Ends the job.
 */
int sign_in_show(struct job *j, int status, const char *suite, const char *suite_body);

#endif
