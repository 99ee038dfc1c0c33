#include "effects.h"

#include <string.h>

#include "../db/case.h"
#include "../db/identity.h"
#include "../db/routing.h"
#include "../db/sealed.h"
#include "../server/base/json_write.h"
#include "../server/base/str.h"
#include "checks.h"
#include "facts.h"
#include "items.h"

/* What the applicant is told of an event: the letter's name. Effects with a letter of their own are in effect_letter().
 */
static const struct {
	enum event event;
	enum state from; /* ST_NONE: any */
	const char *letter;
} letters[] = {
	{ EV_CHECKS_FAILED, ST_NONE, "correction" },
	{ EV_ASK_CORRECTION, ST_NONE, "correction" },
	{ EV_LAPSE, ST_CORRECTION, "lapsed" },
	{ EV_LAPSE, ST_TO_SIGN, "lapsed" },
	{ EV_LAPSE, ST_LEAVING, "ended" },
	{ EV_LAPSE, ST_APPEALED, "appeal_lapsed" },
	{ EV_LAPSE, ST_NONE, "implicit_refusal" },
	{ EV_ROUTE, ST_NONE, "transferred" },
	{ EV_TRANSFER, ST_NONE, "transferred" },
	{ EV_APPROVE, ST_NONE, "convention_ready" },
	{ EV_EMPLOYER_SIGN, ST_NONE, "employer_signed" },
	{ EV_EMPLOYER_DECLINE, ST_NONE, "employer_declined" },
	{ EV_RECALL, ST_NONE, "recalled" },
	{ EV_COUNTERSIGN, ST_NONE, "conventioned" },
	{ EV_AMEND, ST_NONE, "amendment_opened" },
	{ EV_WARN, ST_NONE, "warned" },
	{ EV_STATE_FINDINGS, ST_NONE, "findings" },
	{ EV_SUSPEND, ST_NONE, "suspended" },
	{ EV_REINSTATE, ST_NONE, "reinstated" },
	{ EV_EXCLUDE, ST_NONE, "excluded" },
	{ EV_RENEW, ST_NONE, "renewed" },
	{ EV_APPEAL, ST_NONE, "appeal_received" },
	{ EV_UPHOLD, ST_NONE, "upheld" },
	{ EV_OVERTURN, ST_NONE, "overturned" },
	{ EV_ORPHAN, ST_NONE, "orphaned" },
	{ EV_WITHDRAW, ST_NONE, "withdrawn" },
};

static const char *letter_of(enum event event, enum state from)
{
	for (size_t i = 0; i < COUNT(letters); i++)
		if (letters[i].event == event && (letters[i].from == ST_NONE || letters[i].from == from))
			return letters[i].letter;
	return NULL;
}

static struct arg id(struct firing *f)
{
	return arg_i64(f->pool, f->file);
}

static struct arg seq(struct firing *f, const struct firing_facts *w)
{
	return arg_i64(f->pool, w->seq);
}

static void tell(struct firing *f, struct firing_facts *w, struct segment *s, int64_t account, const char *audience,
		 const char *kind)
{
	segment_ask(s, &case_message,
		    ARGS(account ? arg_i64(f->pool, account) : arg_text(NULL), arg_text(audience), id(f), seq(f, w),
			 arg_text(kind), arg_instant(f->pool, w->at), arg_text("{}")));
	segment_ask(s, &case_message_queue, ARGS(id(f), seq(f, w)));
}

static void tell_applicant(struct firing *f, struct firing_facts *w, struct segment *s, const char *kind)
{
	tell(f, w, s, rows_i64(w->file, 0, "account"), "account", kind);
}

static void tell_caisse(struct firing *f, struct firing_facts *w, struct segment *s, const char *caisse)
{
	bool arrives = caisse && !str_eq(caisse, w->caisse_before) && str_eq(caisse, w->caisse_after);

	if (caisse)
		tell(f, w, s, 0, pool_printf(f->pool, "caisse:%s", caisse),
		     arrives ? "caisse_new_file" : "caisse_event");
}

/* ---- copies ---- */

static int freeze(struct firing *f, struct firing_facts *w, struct segment *s, struct err *e)
{
	const struct values *a = &w->working;
	const char *last = values_text(a, "last_name"), *first = values_text(a, "first_name");
	const char *nir = values_text(a, "nir"), *iban = values_text(a, "iban"), *birth = values_text(a, "birth_date");
	unsigned char *sealed;
	size_t size;

	if (sealed_make(f->keys, sealed_at2(SEALED_FROZEN_COPY, f->file, w->seq), w->canonical, w->canonical_size,
			f->pool, &sealed, &size, e))
		return -1;
	segment_ask(s, &case_frozen_insert,
		    ARGS(id(f), seq(f, w), arg_bytes(sealed, size),
			 arg_text(crypto_sha256_hex(f->pool, w->canonical, w->canonical_size))));
	segment_ask(
		s, &case_person,
		ARGS(id(f), arg_text(values_text(a, "rpps")),
		     *nir ? arg_text(crypto_hmac_hex(f->keys, f->pool, "nir", nir, strlen(nir))) : arg_text(NULL),
		     *iban ? arg_text(crypto_hmac_hex(f->keys, f->pool, "iban", iban, strlen(iban))) : arg_text(NULL),
		     arg_text(last), arg_text(first), arg_text(str_fold(f->pool, last)),
		     arg_text(str_fold_first_word(f->pool, first)), *birth ? arg_text(birth) : arg_text(NULL),
		     arg_text(str_search_key(f->pool, pool_printf(f->pool, "%s %s", last, first))),
		     arg_text(str_search_key(f->pool, values_text(a, "email"))),
		     arg_text(values_text(a, "address_commune")), arg_text(values_text(a, "practice_mode"))));
	return 0;
}

/*
 * The route is stored with its reason; it does not yet give the file to a caisse (domain.md §6). What a caisse has
 * keeps its route while its address stays: a table corrected since counts for files to come.
 */
static void store_route(struct firing *f, struct firing_facts *w, struct segment *s)
{
	const char *commune = values_text(&w->working, "address_commune");
	const char *caisse = NULL, *confidence = NULL, *rule = "commune_unknown", *explained;

	if (w->caisse_before && w->has_frozen && str_eq(values_text(&w->frozen, "address_commune"), commune))
		return;
	if (rows_count(w->route)) {
		caisse = rows_text(w->route, 0, "caisse");
		confidence = rows_text(w->route, 0, "confidence");
		rule = caisse ? "commune" : "no_caisse";
	}
	explained = routing_words(f->pool, commune, rows_count(w->route) > 0, caisse,
				  caisse ? rows_day(w->route, 0, "valid_since") : DAY_NONE, confidence);
	segment_ask(s, &case_route_store,
		    ARGS(id(f), arg_text(caisse), arg_text(rule), arg_text(confidence), arg_text(explained)));
}

/* ---- opinions ---- */

/* The hash of a check's evidence in "code:hash,code:hash", or NULL. */
static const char *evidence_of(struct firing *f, const struct firing_facts *w, const char *code)
{
	const char *list = rows_str(w->more, 0, "evidence");
	size_t n = strlen(code);

	while (*list) {
		const char *end = strchr(list, ',');
		size_t size = end ? (size_t)(end - list) : strlen(list);

		if (size > n + 1 && !strncmp(list, code, n) && list[n] == ':')
			return pool_strndup(f->pool, list + n + 1, size - n - 1);
		list += size + (end ? 1 : 0);
	}
	return NULL;
}

static void opinion(struct firing *f, struct firing_facts *w, struct segment *s, const char *code, const char *kind)
{
	const char *hash = evidence_of(f, w, code);

	if (hash)
		segment_ask(s, &case_opinion,
			    ARGS(id(f), seq(f, w), arg_text(code), arg_text(kind), arg_text(hash), arg_text(w->actor),
				 arg_instant(f->pool, w->at)));
}

static void opinions_on(struct firing *f, struct firing_facts *w, struct segment *s, const char *codes)
{
	char *list = pool_strdup(f->pool, codes), *save = NULL;

	for (char *code = strtok_r(list, ",", &save); code; code = strtok_r(NULL, ",", &save))
		opinion(f, w, s, code, "opinion");
}

/* ---- items ---- */

static void item(struct firing *f, struct firing_facts *w, struct segment *s, const char *field, const char *piece,
		 const char *code)
{
	segment_ask(s, &case_item_insert,
		    ARGS(id(f), seq(f, w), arg_text(field && *field ? field : NULL),
			 arg_text(piece && *piece ? piece : NULL), arg_text(code)));
}

/* One point for a place, however many of its files are faulty: who reads it is told each by its name. */
static bool faulty_before(const struct piece_fact *pieces, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (*pieces[i].problem && str_eq(pieces[i].kind, pieces[at].kind) &&
		    str_eq(pieces[i].for_row, pieces[at].for_row))
			return true;
	return false;
}

static void items_from_checks(struct firing *f, struct firing_facts *w, struct segment *s)
{
	char *list = pool_strdup(f->pool, rows_str(w->more, 0, "failed")), *save = NULL;

	for (char *code = strtok_r(list, ",", &save); code; code = strtok_r(NULL, ",", &save)) {
		struct piece_fact *pieces;
		size_t n;

		if (!str_eq(code, "documents")) {
			item(f, w, s, item_field_of_check(code), NULL, code);
			continue;
		}
		n = facts_pieces(w->more, f->pool, &pieces);
		for (size_t i = 0; i < n; i++)
			if (*pieces[i].problem && !faulty_before(pieces, i))
				item(f, w, s, NULL,
				     *pieces[i].for_row
					     ? pool_printf(f->pool, "%s:%s", pieces[i].kind, pieces[i].for_row)
					     : pieces[i].kind,
				     code);
	}
}

static void items_asked(struct firing *f, struct firing_facts *w, struct segment *s)
{
	for (size_t i = 0, n = values_rows(f->body, "items"); i < n; i++)
		item(f, w, s, values_text(f->body, pool_printf(f->pool, "items[%zu].field", i)),
		     values_text(f->body, pool_printf(f->pool, "items[%zu].piece", i)),
		     values_text(f->body, pool_printf(f->pool, "items[%zu].code", i)));
}

static void items_answered(struct firing *f, struct firing_facts *w, struct segment *s)
{
	for (size_t r = 0; r < rows_count(w->items); r++) {
		const char *code = rows_str(w->items, r, "code"), *number = rows_str(w->items, r, "id");
		bool maintained = false;

		for (size_t i = 0, n = f->body ? values_rows(f->body, "items") : 0; i < n; i++)
			if (str_eq(values_text(f->body, pool_printf(f->pool, "items[%zu].id", i)), number))
				maintained = str_eq(
					values_text(f->body, pool_printf(f->pool, "items[%zu].maintained", i)), "true");
		segment_ask(s, &case_item_answer, ARGS(arg_text(number), seq(f, w), arg_bool(maintained)));
		if (maintained && check_from_id(code) != CHECKS)
			opinion(f, w, s, code, "maintained");
	}
}

/* ---- publication ---- */

static struct arg texts_of(struct firing *f, const struct values *v, const char *name)
{
	const char *const *list;
	size_t n = values_all(v, name, &list);

	return arg_texts(f->pool, list, n);
}

static void place(struct firing *f, struct segment *s, const struct values *a, const char *prefix, int n)
{
	const char *commune = values_text(a, pool_printf(f->pool, "%s_commune", prefix));

	if (*commune)
		segment_ask(s, &case_place,
			    ARGS(id(f), arg_i64(f->pool, n),
				 arg_text(values_text(a, pool_printf(f->pool, "%s_street", prefix))),
				 arg_text(values_text(a, pool_printf(f->pool, "%s_postcode", prefix))),
				 arg_text(commune)));
}

static void publish(struct firing *f, struct firing_facts *w, struct segment *s)
{
	const struct values *a = &w->frozen;
	bool show_email = str_eq(values_text(a, "show_email"), "true"),
	     show_phone = str_eq(values_text(a, "show_phone"), "true");

	segment_ask(
		s, &case_profile,
		ARGS(id(f),
		     arg_text(pool_printf(f->pool, "%s %s", values_text(a, "first_name"), values_text(a, "last_name"))),
		     texts_of(f, a, "public[]"), texts_of(f, a, "languages[]"),
		     arg_bool(str_eq(values_text(a, "remote"), "true")), arg_text(values_get(a, "website")),
		     arg_text(values_get(a, "email")), arg_text(values_get(a, "phone")), arg_bool(show_email),
		     arg_bool(show_phone), arg_day(f->pool, day_in_paris(w->at)),
		     arg_text(rows_text(w->file, 0, "parent")),
		     arg_day(f->pool, day_in_paris(rows_instant(w->file, 0, "submitted_at")))));
	segment_ask(s, &case_places_clear, ARGS(id(f)));
	place(f, s, a, "address", 1);
	place(f, s, a, "address2", 2);
}

/* ---- signatures, employer, child ---- */

static void sign(struct firing *f, struct firing_facts *w, struct segment *s, const char *party, const char *method)
{
	segment_ask(s, &case_signature,
		    ARGS(id(f), seq(f, w), arg_text(party), arg_text(w->actor), arg_instant(f->pool, w->at),
			 arg_text(method), arg_text(rows_text(w->file, 0, "document"))));
	segment_ask(s, &case_code_used, ARGS(id(f), arg_text(party)));
}

static int offer_employer(struct firing *f, struct firing_facts *w, struct segment *s, struct err *e)
{
	char *token = crypto_token(f->pool);
	unsigned char *sealed;
	size_t size;

	if (!w->facts.has_employer)
		return 0;
	if (sealed_make(f->keys, sealed_at(SEALED_EMPLOYER_LINK, f->file), token, strlen(token), f->pool, &sealed,
			&size, e))
		return -1;
	segment_ask(s, &case_employer_link,
		    ARGS(id(f), arg_text(crypto_token_digest(f->pool, token)), arg_bytes(sealed, size)));
	tell(f, w, s, 0, "employer", "employer_invitation");
	return 0;
}

/* Over the answers that were frozen: what the psychologist has since kept up to date in their profile. */
static void take_profile(struct firing *f, const struct rows *r, struct values *answers)
{
	static const char *const lists[] = { "public", "languages" };
	static const char *const ticks[] = { "remote", "show_email", "show_phone" };

	if (!rows_count(r))
		return;
	for (size_t i = 0; i < COUNT(lists); i++) {
		const char *name = pool_printf(f->pool, "%s[]", lists[i]);
		char *list = pool_strdup(f->pool, rows_str(r, 0, lists[i])), *save = NULL;

		values_remove(answers, name);
		for (char *one = strtok_r(list, "\n", &save); one; one = strtok_r(NULL, "\n", &save))
			values_add(answers, name, one);
	}
	for (size_t i = 0; i < COUNT(ticks); i++) {
		values_remove(answers, ticks[i]);
		if (rows_bool(r, 0, ticks[i]))
			values_add(answers, ticks[i], "true");
	}
	values_remove(answers, "website");
	if (!rows_null(r, 0, "website"))
		values_add(answers, "website", rows_str(r, 0, "website"));
}

static int open_child(struct firing *f, struct firing_facts *w, struct segment *s, struct err *e)
{
	char *xml;
	size_t size;
	unsigned char *sealed;

	take_profile(f, w->profile, &w->frozen);
	if (xml_from_values(&w->frozen, "application", f->pool, &xml, &size, e) ||
	    sealed_make(f->keys, sealed_at(SEALED_WORKING_COPY, w->child), xml, size, f->pool, &sealed, &size, e))
		return -1;
	segment_ask(s, &case_child,
		    ARGS(arg_text(f->body && *values_text(f->body, "kind") ? values_text(f->body, "kind") : "address"),
			 id(f), arg_i64(f->pool, rows_i64(w->file, 0, "account")), arg_i64(f->pool, w->child)));
	segment_ask(s, &case_working_insert, ARGS(arg_i64(f->pool, w->child), arg_bytes(sealed, size)));
	f->location_file = w->child;
	return 0;
}

/* The parent ends in the transaction that puts its amendment into force; it may belong to another caisse. */
static int replace_parent(struct firing *f, struct firing_facts *w, struct segment *s, struct err *e)
{
	static const struct identity system = { .role = SYSTEM };
	struct event_row row;

	if (!rows_count(w->parent) || !str_eq(rows_str(w->parent, 0, "state"), "conventioned"))
		return fail(e, ERR_INPUT, "why.parent_not_conventioned");
	row = (struct event_row){
		.file = rows_i64(w->parent, 0, "id"),
		.seq = rows_i64(w->parent, 0, "version") + 1,
		.at = w->at,
		.deadline = INSTANT_NONE,
		.event = event_id(EV_REPLACE),
		.from = state_id(ST_CONVENTIONED),
		.to = state_id(ST_ENDED),
		.role = role_id(SYSTEM),
		.actor = "system",
		.caisse = rows_text(w->parent, 0, "caisse"),
		.eligible = rows_bool(w->parent, 0, "eligible"),
		.prev_hash = rows_str(w->parent, 0, "last_hash"),
		.effective = DAY_NONE,
		.until = DAY_NONE,
	};
	identity_ask(s, f->pool, &system, 0);
	if (event_append(s, f->pool, f->keys, &row, e))
		return -1;
	identity_ask(s, f->pool, &f->who, f->who.role == EMPLOYER ? f->file : 0);
	return 0;
}

int effects_before(struct firing *f, struct firing_facts *w, struct segment *s, struct err *e)
{
	for (size_t i = 0; i < COUNT(w->row->then); i++) {
		switch (w->row->then[i]) {
		case FX_SIGNATURE:
			sign(f, w, s, f->event == EV_SIGN ? "applicant" : "employer", "email_code");
			break;
		case FX_PUBLISH: /* countersigning */
			sign(f, w, s, "caisse", "certificate");
			segment_ask(s, &case_fnps, ARGS(id(f), arg_text(values_text(f->body, "fnps"))));
			break;
		case FX_REPLACE_PARENT:
			if (replace_parent(f, w, s, e))
				return -1;
			break;
		case FX_FREEZE:
			if (freeze(f, w, s, e))
				return -1;
			break;
		case FX_ROUTE:
			store_route(f, w, s);
			break;
		default:
			break;
		}
	}
	return 0;
}

int effects_after(struct firing *f, struct firing_facts *w, struct segment *s, struct err *e)
{
	const char *letter = letter_of(f->event, w->row->from);

	if (letter)
		tell_applicant(f, w, s, letter);
	for (size_t i = 0; i < COUNT(w->row->then); i++) {
		switch (w->row->then[i]) {
		case FX_RECEIPT:
			tell_applicant(f, w, s, "receipt");
			break;
		case FX_REFUSAL_LETTER:
			tell_applicant(f, w, s, "refusal");
			break;
		case FX_ELIGIBLE_NOTICE:
			if (!w->facts.eligible)
				tell_applicant(f, w, s, "eligible");
			break;
		case FX_PATIENTS_LIST:
			tell_applicant(f, w, s, "resigned");
			break;
		case FX_TELL_EXPERTS:
			tell(f, w, s, 0, "experts", "experts_new_file");
			break;
		case FX_TELL_CAISSE:
			tell_caisse(f, w, s, w->caisse_after ? w->caisse_after : w->caisse_before);
			break;
		case FX_TELL_BOTH_CAISSES:
			tell_caisse(f, w, s, w->caisse_before);
			if (w->caisse_after)
				tell_caisse(f, w, s, w->caisse_after);
			else
				tell(f, w, s, 0, "admins", "admins_unrouted");
			break;
		case FX_QUEUE_CHECKS:
			segment_ask(s, &case_outbox, ARGS(id(f), seq(f, w), arg_text("checks"), id(f), arg_text(NULL)));
			break;
		case FX_ITEMS_FROM_CHECKS:
			items_from_checks(f, w, s);
			break;
		case FX_ITEMS:
			items_asked(f, w, s);
			break;
		case FX_ITEMS_ANSWERED:
			items_answered(f, w, s);
			break;
		case FX_OPINIONS:
			opinions_on(f, w, s, rows_str(w->more, 0, "in_question"));
			opinions_on(f, w, s, rows_str(w->more, 0, "failed"));
			break;
		case FX_OFFER_EMPLOYER:
			if (offer_employer(f, w, s, e))
				return -1;
			break;
		case FX_VOID_SIGNATURES:
			segment_ask(s, &case_signatures_void, ARGS(id(f), seq(f, w)));
			segment_ask(s, &case_employer_void, ARGS(id(f)));
			break;
		case FX_SEAL:
			segment_ask(s, &case_outbox, ARGS(id(f), seq(f, w), arg_text("seal"), id(f), arg_text(NULL)));
			break;
		case FX_PUBLISH:
			publish(f, w, s);
			break;
		case FX_CHILD:
			if (open_child(f, w, s, e))
				return -1;
			break;
		case FX_NONE:
		case FX_FREEZE:
		case FX_ROUTE:
		case FX_SIGNATURE:
		case FX_REPLACE_PARENT:
		case FX_COUNT_DISCARD:  /* fire.c: a discarded draft has no event */
		case FX_TELL_APPLICANT: /* the letters above */
		case FX_LETTER:
		case FX_CONVENTION:           /* the digest is a column of the event */
		case FX_PURGE_IDENTITY_LATER: /* the clerk reads countersigned files (domain.md §8) */
		case FX_ORPHAN_CHILD:         /* the clerk fires orphan on live amendments whose parent is gone */
		case FX_ERASE:                /* the clerk, under the purge role */
			break;
		}
	}
	return 0;
}

/* ---- the event itself ---- */

/* RFC 3339 with microseconds: `at` orders events. */
static char *precise(struct pool *pool, instant_t at)
{
	char *text = instant_rfc3339(pool, at);
	int64_t micro = at % SECOND < 0 ? at % SECOND + SECOND : at % SECOND;

	return pool_printf(pool, "%.19s.%06lldZ", text, (long long)micro);
}

int event_append(struct segment *s, struct pool *pool, const struct keyring *keys, const struct event_row *row,
		 struct err *e)
{
	struct json j = json_in(pool);
	char *at = precise(pool, row->at),
	     *deadline = row->deadline == INSTANT_NONE ? NULL : precise(pool, row->deadline);
	char *effective = row->effective == DAY_NONE ? NULL : day_iso(pool, row->effective);
	char *until = row->until == DAY_NONE ? NULL : day_iso(pool, row->until), *hash;

	json_obj(&j); /* keys in the order of RFC 8785 */
	json_kt(&j, "actor", row->actor);
	json_kt(&j, "at", at);
	json_kt(&j, "caisse", row->caisse);
	json_key(&j, "codes");
	json_arr(&j);
	for (size_t i = 0; i < row->code_count; i++)
		json_text(&j, row->codes[i]);
	json_end(&j);
	json_kt(&j, "deadline", deadline);
	json_kt(&j, "deadline_event", row->deadline_event);
	json_kt(&j, "document", row->document);
	json_kt(&j, "effective_date", effective);
	json_kb(&j, "eligible", row->eligible);
	json_kt(&j, "event", row->event);
	json_ki(&j, "file", row->file);
	json_kt(&j, "from", row->from);
	json_key(&j, "holder");
	if (row->holder)
		json_i64(&j, row->holder);
	else
		json_nil(&j);
	json_kt(&j, "personal", row->personal ? crypto_sha256_hex(pool, row->personal, strlen(row->personal)) : NULL);
	json_kt(&j, "return_to", row->return_to);
	json_kt(&j, "role", row->role);
	json_ki(&j, "seq", row->seq);
	json_kt(&j, "to", row->to);
	json_kt(&j, "until", until);
	json_end(&j);
	hash = pool_printf(pool, "%s%s", row->prev_hash ? row->prev_hash : "", j.out.s);
	hash = crypto_sha256_hex(pool, hash, strlen(hash));
	segment_ask(s, &case_event,
		    ARGS(arg_i64(pool, row->file), arg_i64(pool, row->seq), arg_text(at), arg_text(row->event),
			 arg_text(row->from), arg_text(row->to), arg_text(row->role), arg_text(row->actor),
			 arg_text(row->caisse), row->holder ? arg_i64(pool, row->holder) : arg_text(NULL),
			 arg_text(deadline), arg_text(row->deadline_event), arg_bool(row->eligible),
			 arg_text(row->return_to), arg_text(row->document), arg_text(effective), arg_text(until),
			 arg_text(j.out.s), arg_text(row->prev_hash ? row->prev_hash : ""), arg_text(hash)));
	if (row->personal) {
		unsigned char *sealed;
		size_t size;

		if (sealed_make(keys, sealed_at2(SEALED_EVENT_PERSONAL, row->file, row->seq), row->personal,
				strlen(row->personal), pool, &sealed, &size, e))
			return -1;
		segment_ask(s, &case_event_personal,
			    ARGS(arg_i64(pool, row->file), arg_i64(pool, row->seq), arg_bytes(sealed, size)));
	}
	return 0;
}
