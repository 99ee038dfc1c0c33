/*
 * A file as its reader may see it: one round trip, then one representation for both faces. Row-level security has
 * already decided that it is theirs to see; here it is decided what of it: an expert never gets NIR or bank, NIR and
 * IBAN are masked for everybody, names of agents are told to agents only.
 *
 *	ask:    j->state = file_view_ask(j, id);                in a first step or a later one
 *	answer: if (file_view_read(j, j->state, &v, e))         ERR_MISSING when it is not theirs
 *	                return -1;
 *	        file_view_json(&v, &json)  or a page from the struct
 */
#ifndef SERVER_FILE_VIEW_H
#define SERVER_FILE_VIEW_H

#include "../workflow/checks.h"
#include "../workflow/facts.h"
#include "job.h"

struct check_view {
	const char *code, *result, *reason, *source, *evidence; /* evidence: NULL once erased */
	instant_t at;
	int64_t seq;
	bool earlier, maintained, settled;
};
struct item_view {
	int64_t id, seq;
	const char *field, *piece, *code, *text; /* field or piece is NULL */
	bool answered, maintained;
	bool changed; /* not answered yet: its field or its pieces changed since */
};
struct event_view {
	int64_t seq;
	instant_t at;
	const char *event, *from, *to, *role, *actor, *by, *hash, *prev_hash, *body, *text, *caisse_name, *personal;
	const char *const *reasons;
	size_t reason_count;
};
struct piece_view {
	int64_t id, size;
	const char *kind, *for_row, *name, *type, *scan, *problem;
	instant_t at;
	bool opened, erased;
};
struct opening_view {
	int64_t piece;
	const char *kind, *agent_name, *role, *reason;
	instant_t at;
};
struct file_view {
	const struct rows *row; /* file_read_row */
	int64_t id, version, revision, parent, child, account;
	const char *number, *kind, *state, *amends;
	enum state st;
	struct facts facts; /* body assumed good: for decide() */
	enum event actions[EVENTS];
	size_t action_count;
	struct values answers; /* working copy for its owner in draft and correction, else the frozen one */
	struct values frozen;  /* the latest sent, or empty */
	bool has_frozen;
	int64_t frozen_seq;
	const char *frozen_sha256;
	struct check_view *checks;
	size_t check_count;
	struct item_view *items;
	size_t item_count;
	struct event_view *events;
	size_t event_count;
	instant_t findings_from,
		measure_from; /* R.162-71: from when they are possible; INSTANT_NONE: nothing leads there */
	struct piece_view *pieces;
	size_t piece_count;
	struct opening_view *openings;
	size_t opening_count;
	const char **missing; /* field names, "pieces.identity", "pieces.experience:experience[0]" */
	size_t missing_count;
	struct experience experience; /* computed from the answers shown */
	bool has_experience;
	const char *in_question; /* check codes joined by commas */
	const struct rows *messages;
	instant_t now;
};

struct file_asked; /* where its statements stand in the segment: kept by the handler between its steps */
struct file_asked *file_view_ask(struct job *j, int64_t file);
int file_view_read(struct job *j, const struct file_asked *asked, struct file_view *v, struct err *e) MUST_USE;
void file_view_json(struct job *j, const struct file_view *v, struct json *out);
/* The account's holder bears neither the person's last name nor the declared employer's (the employer's RIB is
 * allowed): a remark for who types it and for who reads it, never a refusal. */
bool file_view_other_holder(const struct values *answers, struct pool *pool);
bool file_view_may(const struct file_view *v, enum event ev);
/* The source of a check in words. */
const char *check_source(const char *source, struct pool *pool);
/* Countersigned, and its seal not there yet. */
bool file_view_sealing(const struct file_view *v);
/* May this field be typed in now? Drafts: all; correction: what its open items unlock. */
bool file_view_unlocked(const struct file_view *v, const char *flat_name);
bool file_view_piece_unlocked(const struct file_view *v, const char *kind, const char *for_row);
/* Answers as nested JSON, secrets masked. */
void answers_json(const struct form *form, const struct values *answers, bool expert, struct json *out);

#endif
