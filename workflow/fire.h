/*
 * The one door through which a file changes: people, the clock and the system all come through fire().
 *
 *	f->file, f->event, f->version, f->body …        filled by the caller
 *	fire(f, done, arg);                              two flights: lock and facts / event, deltas, outbox, COMMIT
 *	done: f->err.kind == ERR_NONE → f->state, f->new_version, f->location
 *	      ERR_STALE → f->stale_by, stale_at, stale_event: who decided what meanwhile
 *
 * Order of refusals: 404 (not theirs to see), 403 (no row for the role), a repeated key (the same answer again, or 422
 * for another body), 409 (version, or a state that has no such event), then the body's problems and the guard's reason
 * (422).
 * It does not render, send or wait: slow work comes before (a document's digest) or after (the outbox).
 */
#ifndef WORKFLOW_FIRE_H
#define WORKFLOW_FIRE_H

#include "../db/db.h"
#include "../forms/form.h"
#include "../server/base/crypto.h"
#include "workflow.h"

struct firing {
	/* filled by job_fire(), or by the clerk and enrollctl */
	struct lanes *lanes;
	struct pool *pool;
	const struct keyring *keys;
	const struct policy *policy;
	struct identity who;
	bool (*expert_on)(const void *context, day_t deposit);
	const void *expert_context;
	/* Of a second registry, asked by verify_file() about a psychologist that ours knows: no longer active? NULL:
	 * there is none. It may wait some seconds. */
	bool (*inactive)(const void *context, const char *rpps);
	const void *inactive_context;
	const char *public_url;
	/* what is wanted */
	int64_t file;
	enum event event;
	int64_t version;                      /* the one read; -1: not compared (clock and system) */
	const struct values *body;            /* validated by the event's form, or NULL */
	const struct problems *body_problems; /* of the body: told after 404, 403, a repeated key and 409; or NULL */
	const char *key;                      /* idempotency key, or NULL */
	const char *body_hmac;                /* of the request's body, with key */
	const char *document_digest;          /* approve: SHA-256 hex of the convention rendered for this version */
	bool retention_over;                  /* purge: the clerk found something due (domain.md §8) */
	/* what happened */
	struct err err;
	bool repeated; /* answered from the key */
	enum state from, state;
	int64_t new_version;
	int64_t location_file;    /* amend: the child; else 0 */
	struct problems problems; /* submit: every field and piece that is missing or wrong */
	const char *stale_by, *stale_event;
	instant_t stale_at;
	/* private */
	void (*done)(struct firing *f, void *arg);
	void *arg;
	void *work;
};

void fire(struct firing *f, void (*done)(struct firing *f, void *arg), void *arg);
/* The same, waiting: for the clerk and enrollctl. Retries ERR_RETRY up to 5 times. Returns f->err. */
int fire_wait(struct firing *f, struct err *e) MUST_USE;

#endif
