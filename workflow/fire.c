#include "fire.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../db/case.h"
#include "../db/figures.h"
#include "../db/identity.h"
#include "../db/sealed.h"
#include "../server/base/json_write.h"
#include "../server/base/log.h"
#include "../server/base/str.h"
#include "effects.h"
#include "facts.h"
#include "guards.h"
#include "items.h"

/* One firing on its way: which statement of the flights is where, and what was learnt. */
enum { DONE = 200, WRONG_CODE = 422 }; /* what a key was answered */

struct flight {
	struct tx *tx;
	struct segment *s;
	size_t key_claim, key_read, parent, file, more, working, frozen, items, caisse, child, route, live;
	size_t proposal, profile;
	struct firing_facts w;
	size_t person_key; /* the identity's own statement */
	bool wrong_code;   /* the flight only counts a wrong code */
	bool commit;
};

static bool needs_frozen(enum event ev)
{
	return ev == EV_COUNTERSIGN || ev == EV_AMEND || ev == EV_RESUBMIT || ev == EV_OVERTURN;
}

static bool needs_working(enum event ev)
{
	return ev == EV_SUBMIT || ev == EV_RESUBMIT;
}

static const char *party_of(enum event ev)
{
	return ev == EV_EMPLOYER_SIGN ? "employer" : "applicant";
}

static void finish(struct firing *f)
{
	f->done(f, f->arg);
}

/* Gives up: nothing was written (what is held is rolled back). */
static void refuse(struct firing *f)
{
	struct flight *x = f->work;

	tx_rollback(x->tx);
	finish(f);
}

static const char *body_text(const struct firing *f, const char *name)
{
	return f->body ? values_text(f->body, name) : "";
}

static bool blank(const char *s)
{
	return !s || !s[strspn(s, " \t\r\n")];
}

/* ---- what the body brings to the facts ---- */

static bool waived(const struct firing *f, const char *format, const char *what)
{
	char name[120];

	snprintf(name, sizeof name, format, what);
	return !blank(body_text(f, name));
}

static bool checklist_complete(const struct firing *f)
{
	static const char *const points[] = { "identity", "diploma", "experience", "clinical_path",
					      "address",  "rights",  "bank" };

	for (size_t i = 0; i < COUNT(points); i++) {
		char name[60];

		snprintf(name, sizeof name, "checklist.%s", points[i]);
		if (!str_eq(body_text(f, name), "true") && !waived(f, "checklist.%s.waived", points[i]))
			return false;
	}
	return true;
}

/* Each piece opened or waived with a reason, and scanned clean or waived with a reason (a reason given to open counts).
 */
static bool pieces_settled(const struct firing *f, const struct rows *more)
{
	struct piece_fact *pieces;
	size_t n = facts_pieces(more, f->pool, &pieces);

	for (size_t i = 0; i < n; i++) {
		char number[24];
		bool excused;

		snprintf(number, sizeof number, "%lld", (long long)pieces[i].id);
		excused = waived(f, "pieces.%s.waived", number);
		if (!pieces[i].opened && !excused)
			return false;
		if (!str_eq(pieces[i].scan, "clean") && !excused &&
		    !(str_eq(pieces[i].scan, "waiting") && pieces[i].reasoned))
			return false;
	}
	return true;
}

static bool items_given(const struct firing *f)
{
	size_t n = f->body ? values_rows(f->body, "items") : 0;

	for (size_t i = 0; i < n; i++) {
		const char *field = body_text(f, pool_printf(f->pool, "items[%zu].field", i));
		const char *piece = body_text(f, pool_printf(f->pool, "items[%zu].piece", i));

		if (blank(field) == blank(piece) || blank(body_text(f, pool_printf(f->pool, "items[%zu].text", i))))
			return false;
	}
	return n > 0;
}

static bool opinions_complete(const struct firing *f, const struct rows *more)
{
	char *list = pool_strdup(f->pool, rows_str(more, 0, "in_question")), *save = NULL;
	size_t given = f->body ? values_rows(f->body, "opinions") : 0;

	for (char *code = strtok_r(list, ",", &save); code; code = strtok_r(NULL, ",", &save)) {
		bool found = false;

		for (size_t i = 0; i < given; i++)
			found |= str_eq(body_text(f, pool_printf(f->pool, "opinions[%zu].check", i)), code) &&
				 !blank(body_text(f, pool_printf(f->pool, "opinions[%zu].text", i)));
		if (!found)
			return false;
	}
	return true;
}

/*
 * Each item corrected (a field it unlocks changed, a new piece came, one was taken away: whether enough remain is
 * another question, complete()) or maintained with a reason.
 */
static bool items_answered(const struct firing *f, const struct firing_facts *w)
{
	for (size_t r = 0; r < rows_count(w->items); r++) {
		const char *field = rows_str(w->items, r, "field"), *piece = rows_str(w->items, r, "piece");
		const char *number = rows_str(w->items, r, "id");
		bool answered = item_field_changed(field, &w->frozen, &w->working) ||
				facts_piece_changed(w->more, f->pool, field, piece);

		for (size_t i = 0, given = f->body ? values_rows(f->body, "items") : 0; i < given && !answered; i++)
			answered = str_eq(body_text(f, pool_printf(f->pool, "items[%zu].id", i)), number) &&
				   str_eq(body_text(f, pool_printf(f->pool, "items[%zu].maintained", i)), "true") &&
				   !blank(body_text(f, pool_printf(f->pool, "items[%zu].text", i)));
		if (!answered)
			return false;
	}
	return true;
}

static void body_facts(struct firing *f, struct firing_facts *w)
{
	struct flight *x = f->work;
	struct facts *facts = &w->facts;
	const char *const *reasons = NULL;
	const char *caisse = body_text(f, "caisse"), *code = rows_str(w->more, 0, "code_digest");
	day_t today = day_in_paris(w->at);

	facts->has_text = !blank(body_text(f, "text"));
	facts->reasons_given = f->body && values_all(f->body, "reasons[]", &reasons) > 0 && facts->has_text;
	facts->items_given = items_given(f);
	facts->opinions_complete = opinions_complete(f, w->more);
	facts->checklist_complete = checklist_complete(f);
	facts->pieces_settled = pieces_settled(f, w->more);
	facts->other_caisse_given =
		*caisse && !str_eq(caisse, w->caisse_before) && rows_count(segment_rows(x->s, x->caisse)) > 0;
	facts->retention_over = f->retention_over;
	facts->child_countersigned = false; /* replace is never fired alone: effects.c appends it */
	w->effective = w->until = DAY_NONE;
	if (f->event == EV_COUNTERSIGN)
		facts->countersign_complete = !blank(body_text(f, "fnps")) &&
					      !day_parse(body_text(f, "effective_date"), &w->effective) &&
					      w->effective >= today;
	if (f->event == EV_SUSPEND)
		facts->until_given = !day_parse(body_text(f, "until"), &w->until) && w->until > today;
	if (f->event == EV_SIGN || f->event == EV_EMPLOYER_SIGN) {
		const char *typed = pool_printf(f->pool, "%lld:%s:%s", (long long)f->file, party_of(f->event),
						body_text(f, "code"));
		const char *digest = crypto_hmac_hex(f->keys, f->pool, "signing", typed, strlen(typed));

		facts->code_good = strlen(code) == strlen(digest) && crypto_equal(code, digest, strlen(digest));
		x->wrong_code = !facts->code_good && *code;
	}
}

/* ---- submit: is everything there? ---- */

static void complete(struct firing *f, struct firing_facts *w)
{
	const struct form *form = form_get("application");
	struct values kept = values_in(f->pool);
	struct piece_fact *pieces;
	size_t n = facts_pieces(w->more, f->pool, &pieces);
	struct piece_place *places;
	size_t place_count = form_piece_places(form, NULL, &w->working, f->pool, &places);

	f->problems = problems_in(f->pool);
	form_validate(form, &w->working, day_in_paris(w->at), FORM_COMPLETE, &kept, &f->problems);
	for (size_t k = 0; k < place_count && w->facts.kind == KIND_CONVENTION; k++) {
		const struct piece_place *p = &places[k];
		bool there = !p->kind->required;

		for (size_t i = 0; i < n; i++)
			there |=
				str_eq(pieces[i].kind, p->kind->kind) && (!p->row || str_eq(pieces[i].for_row, p->row));
		if (!there)
			problems_add(&f->problems, pool_printf(f->pool, "pieces.%s", p->name), "piece_missing",
				     p->kind->missing);
	}
	w->facts.complete = f->problems.count == 0;
}

/* ---- the write flight ---- */

/* What a person wrote, with its salt: erasable, and bound to the event by its digest. */
static const char *personal(struct firing *f)
{
	static const char *const groups[] = { "items", "opinions" };
	static const char *const members[] = { "id", "field", "piece", "code", "maintained", "check", "text" };
	struct json j;
	unsigned char salt[16];
	const char *const *reasons;
	size_t n;

	if (!f->body || !f->body->count)
		return NULL;
	crypto_random(salt, sizeof salt);
	j = json_in(f->pool);
	json_obj(&j);
	json_kt(&j, "salt", str_hex(f->pool, salt, sizeof salt));
	n = values_all(f->body, "reasons[]", &reasons);
	json_key(&j, "reasons");
	json_arr(&j);
	for (size_t i = 0; i < n; i++)
		json_text(&j, reasons[i]);
	json_end(&j);
	for (size_t g = 0; g < COUNT(groups); g++) {
		json_key(&j, groups[g]);
		json_arr(&j);
		for (size_t i = 0, rows = values_rows(f->body, groups[g]); i < rows; i++) {
			json_obj(&j);
			for (size_t m = 0; m < COUNT(members); m++) {
				const char *text = values_get(
					f->body, pool_printf(f->pool, "%s[%zu].%s", groups[g], i, members[m]));

				if (text)
					json_kt(&j, members[m], text);
			}
			json_end(&j);
		}
		json_end(&j);
	}
	for (size_t i = 0; i < f->body->count; i++) {
		const struct value *v = &f->body->items[i];

		if (!strchr(v->name, '[') && !str_eq(v->name, "code")) /* a signing code is never kept */
			json_kt(&j, v->name, v->text);
	}
	json_end(&j);
	return j.out.s;
}

/* Who confirms a refusal takes over the reasons of who proposed it. */
static size_t codes_of(struct firing *f, const char ***out)
{
	const struct flight *x = f->work;
	const struct rows *proposal = x->proposal == SIZE_MAX ? NULL : segment_rows(x->s, x->proposal);
	const char *const *reasons;
	size_t n = f->body ? values_all(f->body, "reasons[]", &reasons) : 0,
	       rows = f->body ? values_rows(f->body, "items") : 0, proposed = proposal ? rows_count(proposal) : 0,
	       k = 0;

	*out = POOL_ARRAY(f->pool, const char *, n + rows + proposed + 1);
	for (size_t i = 0; i < proposed; i++)
		(*out)[k++] = rows_text(proposal, i, "code");
	for (size_t i = 0; i < n; i++)
		(*out)[k++] = reasons[i];
	for (size_t i = 0; i < rows; i++) {
		const char *code = values_get(f->body, pool_printf(f->pool, "items[%zu].code", i));

		if (code && *code)
			(*out)[k++] = code;
	}
	return k;
}

static instant_t deadline_after(struct firing *f, struct firing_facts *w, const char **event)
{
	const struct rows *r = w->file;
	enum event ev = EV_NONE;
	int paused = (int)rows_i64(r, 0, "paused_days");
	struct clock_facts c = {
		.now = w->at,
		.deposited = f->event == EV_SUBMIT ? w->at : rows_instant(r, 0, "deposited_at"),
		.paused_days = paused,
		.effective = w->effective != DAY_NONE ? w->effective : rows_day(r, 0, "effective_date"),
		.term = w->effective != DAY_NONE ? DAY_NONE : rows_day(r, 0, "term"),
		.until = w->until,
		.resigned = day_in_paris(w->at),
	};
	instant_t at;

	*event = NULL;
	if (w->row->to == w->row->from && f->event != EV_RENEW) {
		*event = rows_text(r, 0, "deadline_event");
		return rows_instant(r, 0, "deadline");
	}
	if (w->row->from == ST_CORRECTION)
		c.paused_days += paused_days(rows_instant(r, 0, "correction_at"), w->at);
	at = deadline_of(w->row->to, w->moves.eligible, &c, f->policy, &ev);
	if (at != INSTANT_NONE)
		*event = event_id(ev);
	return at;
}

static void written(struct segment *s, void *arg);

static void count(struct firing *f, struct firing_facts *w, struct segment *s, const char *const *codes, size_t n)
{
	struct figures_event fe = {
		.file = f->file,
		.seq = w->seq,
		.at = w->at,
		.event = event_id(f->event),
		.from = w->state_before,
		.to = state_id(w->row->to),
		.caisse_before = w->caisse_before,
		.caisse_after = w->caisse_after,
		.state_since = rows_instant(w->file, 0, "state_since"),
		.reasons = codes,
		.reason_count = n,
	};

	figures_ask_event(s, f->pool, &fe);
}

static int write_event(struct firing *f, struct firing_facts *w, struct segment *s, struct err *e)
{
	const char **codes;
	size_t n = codes_of(f, &codes);
	struct event_row row;

	w->caisse_after = w->moves.caisse == CAISSE_KEEP     ? w->caisse_before
			  : w->moves.caisse == CAISSE_ROUTED ? rows_text(w->file, 0, "route_caisse")
			  : w->moves.caisse == CAISSE_BODY   ? body_text(f, "caisse")
							     : NULL;
	if (f->event == EV_APPROVE)
		w->document = f->document_digest;
	else if (w->row->to != ST_IN_REVIEW && w->row->to != ST_CORRECTION)
		w->document = rows_text(w->file, 0, "document");
	row = (struct event_row){
		.file = f->file,
		.seq = w->seq,
		.holder = w->moves.holder == HOLDER_ACTOR  ? f->who.agent
			  : w->moves.holder == HOLDER_KEEP ? rows_i64(w->file, 0, "holder")
							   : 0,
		.at = w->at,
		.event = event_id(f->event),
		.from = w->state_before,
		.to = state_id(w->row->to),
		.role = role_id((enum role)f->who.role),
		.actor = w->actor,
		.caisse = w->caisse_after,
		.return_to = w->moves.return_to == ST_NONE ? NULL : state_id(w->moves.return_to),
		.document = w->document,
		.prev_hash = rows_str(w->more, 0, "last_hash"),
		.personal = personal(f),
		.codes = codes,
		.code_count = n,
		.eligible = w->moves.eligible,
		.effective = w->effective,
		.until = w->until,
	};
	row.deadline = deadline_after(f, w, &row.deadline_event);
	if (effects_before(f, w, s, e) || event_append(s, f->pool, f->keys, &row, e))
		return -1;
	if (f->event == EV_COUNTERSIGN && rows_count(w->parent)) {
		struct figures_event parent = {
			.file = rows_i64(w->parent, 0, "id"),
			.seq = rows_i64(w->parent, 0, "version") + 1,
			.at = w->at,
			.event = event_id(EV_REPLACE),
			.from = state_id(ST_CONVENTIONED),
			.to = state_id(ST_ENDED),
			.caisse_before = rows_text(w->parent, 0, "caisse"),
			.caisse_after = rows_text(w->parent, 0, "caisse"),
			.state_since = rows_instant(w->parent, 0, "state_since"),
		};

		figures_ask_event(s, f->pool, &parent);
	}
	count(f, w, s, codes, n);
	return effects_after(f, w, s, e);
}

/* A draft leaves no event: only a count of its day. */
static void write_discard(struct firing *f, struct firing_facts *w, struct segment *s)
{
	segment_ask(s, &case_discard, ARGS(arg_i64(f->pool, f->file)));
	segment_ask(
		s, &case_draft_gone,
		ARGS(arg_day(f->pool, day_in_paris(w->at)), arg_text(f->event == EV_DISCARD ? "discarded" : "lapsed")));
}

static void write_all(struct firing *f)
{
	struct flight *x = f->work;
	struct firing_facts *w = &x->w;
	struct segment *s = tx_flight(x->tx, written, f);

	w->seq = w->row->to == ST_DELETED ? 0 : rows_i64(w->file, 0, "version") + 1;
	if (w->row->to == ST_DELETED)
		write_discard(f, w, s);
	else if (write_event(f, w, s, &f->err)) {
		refuse(f);
		return;
	}
	if (f->key)
		segment_ask(s, &case_key_done,
			    ARGS(arg_text(w->actor), arg_text(f->key), arg_i64(f->pool, DONE),
				 arg_text(f->location_file
						  ? pool_printf(f->pool, "/dossiers/%lld", (long long)f->location_file)
						  : NULL),
				 arg_i64(f->pool, w->seq), arg_text(state_id(w->row->to))));
	f->state = w->row->to;
	f->new_version = w->seq;
	x->commit = true;
	tx_commit(x->tx);
	if (segment_send(s, &f->err))
		refuse(f);
}

static void written(struct segment *s, void *arg)
{
	struct firing *f = arg;

	/* Under the lock nothing has moved; the unique indexes and the trigger, the last guards, speak here. */
	(void)segment_failed(s, &f->err);
	finish(f);
}

/* ---- deciding ---- */

static void code_counted(struct segment *s, void *arg)
{
	struct firing *f = arg;
	struct err ignored;

	if (segment_failed(s, &ignored))
		log_event(LOG_WARN, "fire.code_not_counted", "detail", ignored.detail);
	finish(f);
}

/* The transaction goes on only to remember that a wrong code was tried, and what its key was answered. */
static void count_wrong_code(struct firing *f)
{
	struct flight *x = f->work;
	struct firing_facts *w = &x->w;
	struct segment *s = tx_flight(x->tx, code_counted, f);
	struct err ignored;

	segment_ask(s, &case_code_wrong, ARGS(arg_i64(f->pool, f->file), arg_text(party_of(f->event))));
	if (f->key)
		segment_ask(s, &case_key_done,
			    ARGS(arg_text(w->actor), arg_text(f->key), arg_i64(f->pool, WRONG_CODE), arg_text(NULL),
				 arg_i64(f->pool, rows_i64(w->file, 0, "version")), arg_text(w->state_before)));
	tx_commit(x->tx);
	if (segment_send(s, &ignored))
		refuse(f);
}

static void decide_and_write(struct firing *f)
{
	struct flight *x = f->work;
	struct firing_facts *w = &x->w;

	if (decide(&w->facts, f->event, &w->row, &f->err)) {
		if (x->wrong_code && str_eq(f->err.text, WHY_CODE))
			count_wrong_code(f);
		else
			refuse(f);
		return;
	}
	w->moves = transition_moves(w->row, &w->facts);
	write_all(f);
}

/* Submit's second read: the route of its commune, and whether this person has another live file. */
static void routed(struct segment *s, void *arg)
{
	struct firing *f = arg;
	struct flight *x = f->work;
	struct firing_facts *w = &x->w;

	if (segment_failed(s, &f->err)) {
		finish(f);
		return;
	}
	w->route = segment_rows(s, x->route);
	w->facts.other_live_file = rows_bool(segment_rows(s, x->live), 0, "live");
	if (w->facts.other_live_file && f->event == EV_SUBMIT)
		problems_add(&f->problems, "rpps", "duplicate",
			     "Un dossier est déjà ouvert avec ce numéro RPPS ou ce numéro de sécurité sociale. "
			     "Si ce n’est pas le vôtre, écrivez à votre CPAM : elle fera vérifier si votre numéro a "
			     "été usurpé.");
	decide_and_write(f);
}

static void ask_route(struct firing *f)
{
	struct flight *x = f->work;
	const struct values *a = &x->w.working;
	const char *nir = values_text(a, "nir");
	struct segment *s = tx_flight(x->tx, routed, f);

	x->route = segment_ask(s, &case_route, ARGS(arg_text(values_text(a, "address_commune"))));
	x->live = segment_ask(s, &case_live_other,
			      ARGS(arg_text(values_text(a, "rpps")),
				   arg_text(*nir ? crypto_hmac_hex(f->keys, f->pool, "nir", nir, strlen(nir)) : ""),
				   arg_text(rows_str(x->w.file, 0, "kind")), arg_i64(f->pool, f->file)));
	if (segment_send(s, &f->err))
		refuse(f);
}

static int read_copy(struct firing *f, const struct rows *r, struct sealed_place at, struct values *out, struct err *e)
{
	unsigned char *plain;
	size_t n;

	*out = values_in(f->pool);
	if (sealed_read(f->keys, at, r, 0, "data", f->pool, &plain, &n, e))
		return -1;
	if (!plain)
		return fault(e, "file %lld: erased copy", (long long)f->file);
	return xml_to_values(plain, n, out, e);
}

static int read_copies(struct firing *f, struct segment *s, struct err *e)
{
	struct flight *x = f->work;
	struct firing_facts *w = &x->w;

	if (needs_working(f->event)) {
		const struct rows *r = segment_rows(s, x->working);

		if (rows_count(r)) {
			if (read_copy(f, r, sealed_at(SEALED_WORKING_COPY, f->file), &w->working, e))
				return -1;
		} else {
			w->working = values_in(f->pool);
		}
		w->has_working = true;
		if (xml_from_values(&w->working, "application", f->pool, &w->canonical, &w->canonical_size, e))
			return -1;
	}
	if (needs_frozen(f->event)) {
		const struct rows *r = segment_rows(s, x->frozen);

		w->frozen = values_in(f->pool);
		if (rows_count(r)) {
			if (read_copy(f, r, sealed_at2(SEALED_FROZEN_COPY, f->file, rows_i64(r, 0, "seq")), &w->frozen,
				      e))
				return -1;
			w->has_frozen = true;
		}
	}
	return 0;
}

/* A key seen before: the same body gets the same answer, another body is refused. */
static bool answered_by_key(struct firing *f, struct segment *s)
{
	struct flight *x = f->work;
	const struct rows *r;

	if (!f->key || rows_affected(segment_rows(s, x->key_claim)) > 0)
		return false;
	r = segment_rows(s, x->key_read);
	if (!rows_count(r))
		return false;
	if (!str_eq(rows_str(r, 0, "hmac"), f->body_hmac ? f->body_hmac : "")) {
		fail_field(&f->err, "why.key_reused", "idempotency_key");
		return true;
	}
	if (rows_i64(r, 0, "status") == WRONG_CODE) {
		(void)!fail(&f->err, ERR_INPUT, WHY_CODE);
		return true;
	}
	f->repeated = true;
	f->new_version = rows_i64(r, 0, "version");
	f->state = state_from_id(rows_str(r, 0, "state"));
	if (!rows_null(r, 0, "location"))
		f->location_file = strtoll(strrchr(rows_str(r, 0, "location"), '/') + 1, NULL, 10);
	return true;
}

/* Says who moved the file and how. */
static void moved(struct firing *f, const struct firing_facts *w)
{
	f->stale_by = rows_text(w->more, 0, "last_actor");
	f->stale_event = rows_text(w->more, 0, "last_event");
	f->stale_at = rows_instant(w->more, 0, "last_at");
	refuse(f);
}

static void gathered(struct segment *s, void *arg)
{
	struct firing *f = arg;
	struct flight *x = f->work;
	struct firing_facts *w = &x->w;
	instant_t now;

	if (segment_failed(s, &f->err)) {
		finish(f);
		return;
	}
	x->s = s;
	w->file = segment_rows(s, x->file);
	w->more = segment_rows(s, x->more);
	if (!rows_count(w->file)) {
		/* A discarded draft answers its repeated key even though it is gone. */
		if (!answered_by_key(f, s))
			(void)!fail(&f->err, ERR_MISSING, "file.missing");
		refuse(f);
		return;
	}
	if (!event_is_for(f->event, (enum role)f->who.role)) {
		(void)!fail(&f->err, ERR_DENIED, "why.role");
		refuse(f);
		return;
	}
	if (answered_by_key(f, s)) {
		refuse(f);
		return;
	}
	now = w->at = rows_instant(w->file, 0, "now");
	f->from = state_from_id(rows_str(w->file, 0, "state"));
	w->state_before = state_id(f->from);
	w->caisse_before = rows_text(w->file, 0, "caisse");
	if (f->version >= 0 && f->version != rows_i64(w->file, 0, "version")) {
		(void)!fail(&f->err, ERR_STALE, "why.moved");
		moved(f, w);
		return;
	}
	if (decide_row(f->from, f->event, (enum role)f->who.role, &f->err)) {
		moved(f, w);
		return;
	}
	if (f->body_problems && f->body_problems->count) {
		f->problems = *f->body_problems;
		(void)!fail(&f->err, ERR_INPUT, "error.input");
		refuse(f);
		return;
	}
	if (read_copies(f, s, &f->err)) {
		refuse(f);
		return;
	}
	if (x->items != SIZE_MAX)
		w->items = segment_rows(s, x->items);
	if (x->parent != SIZE_MAX)
		w->parent = segment_rows(s, x->parent);
	if (x->child != SIZE_MAX) {
		w->child = rows_i64(segment_rows(s, x->child), 0, "id");
		w->profile = segment_rows(s, x->profile);
	}
	facts_read(w->file, w->more, &f->who, now, f->policy, f->expert_on, f->expert_context, &w->facts);
	if (f->who.role == EMPLOYER)
		w->facts.owns_file = false;
	body_facts(f, w);
	if (f->event == EV_OVERTURN && !w->facts.has_caisse)
		w->facts.route_known = !rows_null(w->file, 0, "route_caisse");
	if (needs_working(f->event)) {
		complete(f, w);
		if (f->event == EV_RESUBMIT)
			w->facts.items_answered = items_answered(f, w);
		ask_route(f);
		return;
	}
	decide_and_write(f);
}

void fire(struct firing *f, void (*done)(struct firing *f, void *arg), void *arg)
{
	struct flight *x = POOL_NEW(f->pool, struct flight);
	const char *actor = identity_actor(&f->who, f->who.role == EMPLOYER ? f->file : 0, f->pool);
	struct arg id = arg_i64(f->pool, f->file);
	struct segment *s;

	f->done = done;
	f->arg = arg;
	f->work = x;
	f->err = (struct err){ 0 };
	f->problems = problems_in(f->pool);
	f->repeated = false;
	f->location_file = 0;
	x->w.actor = actor;
	x->w.keys = f->keys;
	x->w.effective = x->w.until = DAY_NONE;
	x->items = x->parent = x->child = x->proposal = SIZE_MAX;
	x->tx = tx_new(f->lanes, f->pool);
	s = tx_flight(x->tx, gathered, f);
	identity_ask(s, f->pool, &f->who, f->who.role == EMPLOYER ? f->file : 0);
	if (f->key) {
		x->key_claim = segment_ask(
			s, &case_key_claim,
			ARGS(arg_text(actor), arg_text(f->key), arg_text(f->body_hmac ? f->body_hmac : "")));
		x->key_read = segment_ask(s, &case_key_read, ARGS(arg_text(actor), arg_text(f->key)));
	}
	if (f->event == EV_COUNTERSIGN)
		x->parent = segment_ask(s, &case_parent_lock, ARGS(id));
	x->file = segment_ask(s, &case_lock, ARGS(id));
	x->more = segment_ask(s, &case_facts,
			      ARGS(id, arg_i64(f->pool, f->policy->unavailable_hours), arg_text(actor),
				   arg_text(f->document_digest), arg_text(party_of(f->event))));
	x->caisse = segment_ask(s, &case_caisse_known, ARGS(arg_text(body_text(f, "caisse"))));
	if (needs_working(f->event))
		x->working = segment_ask(s, &case_working, ARGS(id));
	if (needs_frozen(f->event))
		x->frozen = segment_ask(s, &case_frozen, ARGS(id));
	if (f->event == EV_RESUBMIT)
		x->items = segment_ask(s, &case_items, ARGS(id));
	if (f->event == EV_CONFIRM_INELIGIBLE)
		x->proposal = segment_ask(s, &case_proposal, ARGS(id));
	if (f->event == EV_AMEND) {
		x->child = segment_ask(s, &case_child_id, NO_ARGS);
		x->profile = segment_ask(s, &case_profile_kept, ARGS(id));
	}
	if (segment_send(s, &f->err))
		finish(f);
}

static void wake(struct firing *f, void *arg)
{
	(void)f;
	*(bool *)arg = true;
}

int fire_wait(struct firing *f, struct err *e)
{
	for (int attempt = 0;; attempt++) {
		bool ended = false;

		fire(f, wake, &ended);
		if (db_wait(f->lanes, &ended, e))
			return -1;
		if (f->err.kind != ERR_RETRY || attempt == 5)
			break;
	}
	if (f->err.kind == ERR_NONE)
		return 0;
	*e = f->err;
	return -1;
}
