#include "letters.h"

#include <stdio.h>
#include <string.h>

#include "../db/identity.h"
#include "../db/message.h"
#include "../db/sealed.h"
#include "../forms/form.h"
#include "../forms/xml.h"
#include "../workflow/checks.h"
#include "base/json_write.h"
#include "json.h"
#include "page.h"
#include "pieces.h"
#include "text.h"

/* ---- what a letter may say ---- */

struct reason_view {
	const char *label, *law;
};
static const struct slot reason_slots[] = { SLOT_T(struct reason_view, label), SLOT_T(struct reason_view, law) };
static const struct view reason_view = VIEW(struct reason_view, reason_slots);

struct item_view {
	const char *what, *why, *text;
};
static const struct slot item_slots[] = { SLOT_T(struct item_view, what), SLOT_T(struct item_view, why),
					  SLOT_T(struct item_view, text) };
static const struct view item_view = VIEW(struct item_view, item_slots);

struct check_view {
	const char *label, *rule, *result, *source;
};
static const struct slot check_slots[] = { SLOT_T(struct check_view, label), SLOT_T(struct check_view, rule),
					   SLOT_T(struct check_view, result), SLOT_T(struct check_view, source) };
static const struct view check_view = VIEW(struct check_view, check_slots);

struct letter_view {
	const char *name, *person, *number, *caisse, *office, *route, *fnps, *amends, *kinds, *what_happened;
	const char *said, *said_by; /* what a person wrote with the event */
	const char *date, *deadline, *effective, *years, *until, *gone, *warned, *findings;
	const char *url, *link, *code;
	int64_t days;
	bool amendment, three_party, by_expert, is_correction, is_to_sign, is_to_countersign, from_correction;
	bool has_reasons, has_checks;
	bool was_eligible; /* before this: the four months of R. 162-61 run no more */
	bool appealed;     /* once already: there is no second recours gracieux */
	struct list reasons, items, checks;
};
#define T(m) SLOT_T(struct letter_view, m)
#define B(m) SLOT_B(struct letter_view, m)
static const struct slot letter_slots[] = {
	T(name),
	T(person),
	T(number),
	T(caisse),
	T(office),
	T(route),
	T(fnps),
	T(amends),
	T(kinds),
	T(what_happened),
	T(said),
	T(said_by),
	T(date),
	T(deadline),
	T(effective),
	T(years),
	T(until),
	T(gone),
	T(warned),
	T(findings),
	T(url),
	T(link),
	T(code),
	SLOT_I(struct letter_view, days),
	B(amendment),
	B(three_party),
	B(by_expert),
	B(is_correction),
	B(is_to_sign),
	B(is_to_countersign),
	B(from_correction),
	B(has_reasons),
	B(has_checks),
	B(was_eligible),
	B(appealed),
	SLOT_L(struct letter_view, reasons, &reason_view),
	SLOT_L(struct letter_view, items, &item_view),
	SLOT_L(struct letter_view, checks, &check_view),
};
#undef T
#undef B
static const struct view letter_view = VIEW(struct letter_view, letter_slots);

#define LETTERS(X)             \
	X(confirm_account)     \
	X(reset_password)      \
	X(account_exists)      \
	X(password_changed)    \
	X(receipt)             \
	X(correction)          \
	X(reminder)            \
	X(eligible)            \
	X(refusal)             \
	X(implicit_refusal)    \
	X(transferred)         \
	X(convention_ready)    \
	X(signing_code)        \
	X(employer_invitation) \
	X(employer_signed)     \
	X(employer_declined)   \
	X(recalled)            \
	X(conventioned)        \
	X(amendment_opened)    \
	X(lapsed)              \
	X(withdrawn)           \
	X(orphaned)            \
	X(warned)              \
	X(findings)            \
	X(suspended)           \
	X(reinstated)          \
	X(excluded)            \
	X(resigned)            \
	X(ended)               \
	X(renewed)             \
	X(appeal_received)     \
	X(appeal_lapsed)       \
	X(upheld)              \
	X(overturned)          \
	X(draft_notice)        \
	X(purge_notice)        \
	X(caisse_new_file) X(caisse_event) X(experts_new_file) X(admins_unrouted) X(legal_alert) X(target_passed)

#define LETTER_PAGE(k)                                                                     \
	static const struct page letter_##k = { "server/mail/" #k ".html", &letter_view }; \
	PAGE(letter_##k);
LETTERS(LETTER_PAGE)
#define LETTER_ROW(k) { #k, &letter_##k },
static const struct {
	const char *kind;
	const struct page *page;
} letters[] = { LETTERS(LETTER_ROW) };

static const struct page *page_of(const char *kind)
{
	for (size_t i = 0; i < COUNT(letters); i++)
		if (str_eq(letters[i].kind, kind))
			return letters[i].page;
	return NULL;
}

bool letter_known(const char *kind)
{
	return page_of(kind) != NULL;
}

size_t letter_kinds(const char *const **out)
{
	static const char *kinds[COUNT(letters)];
	for (size_t i = 0; i < COUNT(letters); i++)
		kinds[i] = letters[i].kind;
	*out = kinds;
	return COUNT(letters);
}

/* ---- secrets in params ---- */

char *letter_params(const struct keyring *k, const char *kind, const char *secret, struct pool *pool, struct err *e)
{
	unsigned char *sealed;
	size_t n;
	if (sealed_make(k, sealed_as(SEALED_MESSAGE_PARAMS, kind), secret, strlen(secret), pool, &sealed, &n, e))
		return NULL;
	struct json j = json_in(pool);
	json_obj(&j);
	json_kt(&j, "secret", str_base64url(pool, sealed, n));
	json_end(&j);
	return j.out.s;
}

static int secret_of(const struct keyring *k, const char *kind, const char *params, struct pool *pool, const char **out,
		     struct err *e)
{
	const char *text64 = json_member(params, "secret", pool);
	unsigned char *sealed, *plain;
	size_t size;
	*out = NULL;
	if (!text64)
		return 0;
	long n = str_unbase64url(pool, text64, &sealed);
	if (n < 0)
		return fault(e, "message params: not base64url");
	if (sealed_open(k, sealed_as(SEALED_MESSAGE_PARAMS, kind), sealed, (size_t)n, pool, &plain, &size, e))
		return -1;
	*out = (const char *)plain;
	return 0;
}

int letter_open(const struct keyring *k, int64_t message, const void *sealed, size_t n, struct pool *pool,
		const char **html, struct err *e)
{
	unsigned char *plain;
	size_t size;
	*html = NULL;
	if (!sealed || !n)
		return 0;
	if (sealed_open(k, sealed_at(SEALED_MESSAGE_BODY, message), sealed, n, pool, &plain, &size, e))
		return -1;
	*html = (const char *)plain;
	return 0;
}

/* ---- filling the view ---- */

static const char *french(struct pool *pool, day_t day)
{
	return day == DAY_NONE ? NULL : day_french(pool, day);
}

static const char *french_at(struct pool *pool, instant_t at)
{
	return at == INSTANT_NONE ? NULL : day_french(pool, day_in_paris(at));
}

/* A deadline is 24:00 of its last day. */
static const char *french_last_day(struct pool *pool, instant_t at)
{
	return at == INSTANT_NONE ? NULL : day_french(pool, day_in_paris(at - 1));
}

/* The label of a field of the application, or of a kind of piece ("experience:experience[1]"). */
static const char *what_is(const char *field, const char *piece, struct pool *pool)
{
	const struct form *f = form_get("application");
	if (field && *field) {
		const struct field *known = f ? form_field(f, field) : NULL;
		if (known)
			return known->label;
		for (size_t i = 0; f && i < f->step_count; i++)
			for (size_t n = 0; n < f->steps[i].item_count; n++)
				if (f->steps[i].items[n].group && str_eq(f->steps[i].items[n].group->name, field))
					return f->steps[i].items[n].group->label;
		return field;
	}
	const char *kind = pool_strndup(pool, piece ? piece : "", strcspn(piece ? piece : "", ":"));
	return piece_label(kind, piece && piece[strlen(kind)] ? piece + strlen(kind) + 1 : NULL, pool);
}

static const char *item_why(const char *code, struct pool *pool)
{
	return text_or(pool_printf(pool, "letter.item.%s", code), text("letter.item.other"));
}

/* A faulty piece: its place as items name it ("experience:experience[1]"), and what is wrong with it. */
struct fault {
	const char *place, *words;
};

static struct list faults_of(const struct keyring *k, const struct rows *r, struct pool *pool)
{
	size_t n = rows_count(r);
	struct fault *list = POOL_ARRAY(pool, struct fault, n + 1);
	for (size_t i = 0; i < n; i++) {
		const char *kind = rows_str(r, i, "kind"), *row = rows_text(r, i, "for_row");
		list[i] = (struct fault){ .place = row ? pool_printf(pool, "%s:%s", kind, row) : kind,
					  .words = piece_fault(piece_name(k, r, i, pool), rows_str(r, i, "problem"),
							       pool) };
	}
	return (struct list){ list, n };
}

/* Of one place: after a colon, so the first letter is a small one. NULL: none is known to be faulty. */
static const char *faults_at(const char *place, struct list faults, struct pool *pool)
{
	struct str out = str_in(pool);
	for (size_t i = 0; i < faults.count; i++) {
		const struct fault *x = &((const struct fault *)faults.items)[i];
		if (str_eq(x->place, place))
			str_addf(&out, "%s%s", out.len ? " " : "", x->words);
	}
	if (!out.len)
		return NULL;
	out.s[0] = (char)(out.s[0] == 'L' ? 'l' : out.s[0]);
	return out.s;
}

/* Lines "field|piece|code" of the database, with the texts that a person wrote in the same order. */
static struct list items_of(const char *lines, const struct values *said, struct list faults, struct pool *pool)
{
	size_t count = 0, n = 0;
	for (const char *p = lines; *p; p++)
		count += *p == '\n';
	struct item_view *list = POOL_ARRAY(pool, struct item_view, count + 1);
	char *copy = pool_strdup(pool, lines), *save = NULL;
	for (char *line = strtok_r(copy, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *piece = strchr(line, '|'), *code = piece ? strchr(piece + 1, '|') : NULL;
		if (!code)
			continue;
		*piece++ = 0;
		*code++ = 0;
		list[n] = (struct item_view){ .what = what_is(line, piece, pool), .why = item_why(code, pool) };
		const char *text_said = values_get(said, pool_printf(pool, "items[%zu].text", n));
		list[n].text = text_said && *text_said ? text_said : NULL;
		const char *faulty = str_eq(code, check_id(CHECK_DOCUMENTS)) ? faults_at(piece, faults, pool) : NULL;
		if (faulty)
			list[n].why = faulty;
		n++;
	}
	return (struct list){ list, n };
}

static struct list reasons_of(const struct values *said, struct pool *pool)
{
	const char *const *codes;
	size_t n = values_all(said, "reasons[]", &codes);
	struct reason_view *list = POOL_ARRAY(pool, struct reason_view, n + 1);
	for (size_t i = 0; i < n; i++)
		list[i] = (struct reason_view){ .label = text_or(pool_printf(pool, "letter.reason.%s", codes[i]),
								 codes[i]),
						.law = text_or(pool_printf(pool, "letter.law.%s", codes[i]), "") };
	return (struct list){ list, n };
}

static struct list checks_of(const struct rows *r, struct pool *pool)
{
	size_t n = rows_count(r);
	struct check_view *list = POOL_ARRAY(pool, struct check_view, n + 1);
	for (size_t i = 0; i < n; i++) {
		const char *code = rows_str(r, i, "code");
		list[i] = (struct check_view){
			.label = text_or(pool_printf(pool, "letter.check.%s", code), code),
			.rule = text_or(pool_printf(pool, "letter.rule.%s", code), ""),
			.result = text_or(pool_printf(pool, "letter.result.%s", rows_str(r, i, "result")), ""),
			.source = rows_text(r, i, "source"),
		};
	}
	return (struct list){ list, n };
}

/* What the person who fired the event wrote: JSON {salt, text, reasons[], items[]…}, or what the purge left of it. */
static int said_of(struct service *s, const struct rows *r, struct pool *pool, struct values *out, struct err *e)
{
	struct sealed_place at =
		sealed_at2(SEALED_EVENT_PERSONAL, rows_i64(r, 0, "file"), rows_i64(r, 0, "personal_seq"));
	unsigned char *plain;
	size_t n;
	*out = values_in(pool);
	if (sealed_read(s->keys, at, r, 0, "personal", pool, &plain, &n, e))
		return -1;
	return plain ? json_read_values((const char *)plain, n, out, e) : 0;
}

static int frozen_of(struct service *s, const struct rows *r, struct pool *pool, struct values *out, struct err *e)
{
	struct sealed_place at = sealed_at2(SEALED_FROZEN_COPY, rows_i64(r, 0, "file"), rows_i64(r, 0, "frozen_seq"));
	unsigned char *plain;
	size_t n;
	*out = values_in(pool);
	if (sealed_read(s->keys, at, r, 0, "frozen", pool, &plain, &n, e))
		return -1;
	return plain ? xml_to_values(plain, n, out, e) : 0;
}

static const char *name_of(const struct rows *r, struct pool *pool)
{
	const char *first = rows_str(r, 0, "first_name"), *last = rows_str(r, 0, "last_name");
	return *last ? str_trim(pool, pool_printf(pool, "%s %s", first, last)) : NULL;
}

static const char *kinds_erased(const char *params, struct pool *pool)
{
	const char *kinds = json_member(params, "kinds", pool);
	bool pieces = kinds && strstr(kinds, "pieces"), answers = kinds && strstr(kinds, "answers");
	return text(pieces && answers ? "letter.purge.both" : answers ? "letter.purge.answers" : "letter.purge.pieces");
}

static int employer_link_of(struct service *s, const struct rows *r, struct pool *pool, const char **link,
			    struct err *e)
{
	struct sealed_place at = sealed_at(SEALED_EMPLOYER_LINK, rows_i64(r, 0, "file"));
	unsigned char *plain;
	size_t n;
	if (sealed_read(s->keys, at, r, 0, "employer_token", pool, &plain, &n, e))
		return -1;
	if (plain)
		*link = pool_printf(pool, "%s/convention/%s", s->settings.public_url, (const char *)plain);
	return 0;
}

static const char *non_empty(const char *s)
{
	return s && *s ? s : NULL;
}

/* Who signs the letter: the caisse when one decided or holds the file, the national service before. */
static const char *office_of(const struct rows *r, struct pool *pool)
{
	const char *caisse = rows_text(r, 0, "caisse_name"), *role = rows_str(r, 0, "role");
	if (rows_null(r, 0, "file"))
		return text("letter.office.service");
	if (caisse && (str_eq(role, "delegate") || (str_eq(role, "clock") && rows_bool(r, 0, "event_eligible"))))
		return text_fill(pool, "letter.office.caisse", caisse);
	return text("letter.office.national");
}

static void fill(struct service *s, const struct rows *r, const struct rows *checks, const struct rows *faults,
		 const struct values *said, struct pool *pool, struct letter_view *v)
{
	const char *params = rows_str(r, 0, "params"), *kind = rows_str(r, 0, "kind"), *role = rows_str(r, 0, "role");
	const char *days = json_member(params, "days", pool), *gone = json_member(params, "gone", pool);
	const char *from = rows_str(r, 0, "from_state"), *to = rows_str(r, 0, "to_state");
	instant_t event_at = rows_instant(r, 0, "event_at"), deadline = rows_instant(r, 0, "event_deadline");
	day_t erased_on = DAY_NONE;
	int64_t number = 0;
	*v = (struct letter_view){
		.name = name_of(r, pool),
		.person = name_of(r, pool),
		.number = rows_text(r, 0, "number"),
		.caisse = rows_text(r, 0, "caisse_name"),
		.office = office_of(r, pool),
		.route = rows_text(r, 0, "route_explained"),
		.fnps = rows_text(r, 0, "fnps"),
		.amends = text_or(pool_printf(pool, "letter.amends.%s", rows_str(r, 0, "amends")), ""),
		.kinds = kinds_erased(params, pool),
		.what_happened = text_or(pool_printf(pool, "letter.event.%s", rows_str(r, 0, "event")),
					 text("letter.event.other")),
		.said = non_empty(values_text(said, "text")),
		.said_by = text(str_eq(role, "delegate")   ? "letter.said.caisse"
				: str_eq(role, "employer") ? "letter.said.employer"
							   : "letter.said.national"),
		.date = french_at(pool, event_at == INSTANT_NONE ? rows_instant(r, 0, "at") : event_at),
		.effective = french(pool, rows_day(r, 0, "event_effective")),
		.years = text_years(pool, policy_now(s)->convention_years),
		.until = french(pool, rows_day(r, 0, "event_until")),
		.warned = french_at(pool, rows_instant(r, 0, "warned_at")),
		.findings = french_at(pool, rows_instant(r, 0, "findings_at")),
		.amendment = str_eq(rows_str(r, 0, "file_kind"), "amendment"),
		.three_party = !str_eq(rows_str(r, 0, "practice_mode"), "liberal") && !rows_null(r, 0, "practice_mode"),
		.by_expert = str_eq(role, "expert"),
		.was_eligible = rows_bool(r, 0, "event_eligible"),
		.appealed = rows_bool(r, 0, "appealed"),
		.is_correction = str_eq(rows_str(r, 0, "state"), "correction"),
		.is_to_sign = str_eq(rows_str(r, 0, "state"), "to_sign"),
		.is_to_countersign = str_eq(to, "to_countersign"),
		.from_correction = str_eq(from, "correction"),
		.reasons = reasons_of(said, pool),
		.items = items_of(rows_str(r, 0, "items"), said, faults_of(s->keys, faults, pool), pool),
		.checks = checks_of(checks, pool),
	};
	if (str_eq(kind, "reminder") || str_eq(kind, "legal_alert"))
		deadline = rows_instant(r, 0, "deadline");
	/* what time ended is told with the day it ended, not the moment the clock came by */
	if (str_eq(role, "clock") && !rows_null(r, 0, "was_due"))
		v->date = french_last_day(pool, rows_instant(r, 0, "was_due"));
	v->deadline = french_last_day(pool, deadline);
	v->has_reasons = v->reasons.count > 0;
	v->has_checks = v->checks.count > 0;
	v->days = days && !str_to_i64(days, &number) ? number : 0;
	v->gone = gone && !day_parse(gone, &erased_on) ? french(pool, erased_on) : NULL;
	if (!rows_null(r, 0, "file"))
		v->url = pool_printf(pool, "%s/dossiers/%lld", s->settings.public_url,
				     (long long)rows_i64(r, 0, "file"));
	if (str_eq(kind, "refusal") && str_eq(rows_str(r, 0, "event"), "refuse"))
		v->has_checks = false; /* the caisse decided on something else than these checks */
	if (!v->name)
		v->name = text("letter.nobody");
	if (!v->person)
		v->person = v->name;
}

struct letter_asked letter_ask(struct segment *g, struct pool *pool, int64_t message)
{
	struct arg id = arg_i64(pool, message);
	return (struct letter_asked){ message, segment_ask(g, &message_load, ARGS(id)),
				      segment_ask(g, &message_checks, ARGS(id)),
				      segment_ask(g, &message_faults, ARGS(id)) };
}

int letter_freeze(struct service *s, struct segment *g, struct pool *pool, const struct letter *t, struct err *e)
{
	unsigned char *sealed;
	size_t n;
	if (!t->fresh || !t->html)
		return 0;
	if (sealed_make(s->keys, sealed_at(SEALED_MESSAGE_BODY, t->message), t->html, strlen(t->html), pool, &sealed,
			&n, e))
		return -1;
	segment_ask(g, &message_freeze, ARGS(arg_i64(pool, t->message), arg_text(t->subject), arg_bytes(sealed, n)));
	return 0;
}

static const char *subject_of(const char *kind, const char *number, struct pool *pool)
{
	return text_fill(pool, pool_printf(pool, "letter.%s", kind), number ? number : "");
}

int letter_make(struct service *s, struct segment *g, struct letter_asked at, struct pool *pool, bool for_mail,
		struct letter *out, struct err *e)
{
	const struct rows *r = segment_rows(g, at.load), *checks = segment_rows(g, at.checks),
			  *faults = segment_rows(g, at.faults);
	int64_t message = at.message;
	struct values said, frozen;
	struct letter_view v;
	const char *secret = NULL;
	if (!rows_count(r))
		return fail(e, ERR_MISSING, "error.missing");
	const char *kind = rows_str(r, 0, "kind"), *audience = rows_str(r, 0, "audience");
	const struct page *page = page_of(kind);
	if (!page)
		return fault(e, "message %lld: no letter %s", (long long)message, kind);
	bool frozen_already = !rows_null(r, 0, "subject"), code = str_eq(kind, "signing_code");
	bool employer = str_eq(audience, "employer");
	*out = (struct letter){
		.message = message,
		.file = rows_i64(r, 0, "file"),
		.kind = kind,
		.audience = audience,
		.mail_state = rows_str(r, 0, "mail_state"),
		.subject = rows_text(r, 0, "subject"),
		.to = rows_text(r, 0, "email"),
		.at = rows_instant(r, 0, "at"),
	};
	if (employer) {
		if (frozen_of(s, r, pool, &frozen, e))
			return -1;
		out->to = non_empty(values_text(&frozen, "employer_email"));
	}
	if (frozen_already && !(code && for_mail)) {
		size_t n = 0;
		const unsigned char *body = rows_bytes(r, 0, "body", pool, &n);
		return letter_open(s->keys, message, body, n, pool, &out->html, e);
	}
	if (said_of(s, r, pool, &said, e) || secret_of(s->keys, kind, rows_str(r, 0, "params"), pool, &secret, e))
		return -1;
	fill(s, r, checks, faults, &said, pool, &v);
	if (employer) {
		v.name = non_empty(values_text(&frozen, "employer_name"));
		if (!v.name)
			v.name = text("letter.nobody");
		if (employer_link_of(s, r, pool, &v.link, e))
			return -1;
	}
	if (str_eq(kind, "confirm_account") && secret)
		v.link = pool_printf(pool, "%s/compte/confirmation/%s", s->settings.public_url, secret);
	else if (str_eq(kind, "reset_password") && secret)
		v.link = pool_printf(pool, "%s/compte/mot-de-passe/%s", s->settings.public_url, secret);
	else if (str_eq(kind, "account_exists") || str_eq(kind, "password_changed"))
		v.link = pool_printf(pool, "%s/connexion", s->settings.public_url);
	if (code && (for_mail || !*s->settings.smtp_url))
		v.code = secret;
	struct str html = str_in(pool);
	page_render(page, &v, &html);
	out->html = html.s;
	out->subject = subject_of(kind, v.number, pool);
	out->fresh = !frozen_already;
	return 0;
}

int letter_render(struct service *s, struct lanes *l, struct pool *pool, int64_t message, bool for_mail,
		  struct letter *out, struct err *e)
{
	static const struct identity system = { .role = SYSTEM };
	struct segment *g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(g, pool, &system, 0);
	struct letter_asked at = letter_ask(g, pool, message);
	if (db_send_wait(g, e) || letter_make(s, g, at, pool, for_mail, out, e))
		return -1;
	if (!out->fresh)
		return 0;
	g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(g, pool, &system, 0);
	return letter_freeze(s, g, pool, out, e) || db_send_wait(g, e) ? -1 : 0;
}

/* ---- samples ---- */

int letter_sample(const char *kind, struct pool *pool, const char **subject, const char **html, struct err *e)
{
	const struct page *page = page_of(kind);
	struct values said = values_in(pool);
	if (!page)
		return fault(e, "no letter %s", kind);
	values_add(&said, "reasons[]", "experience_insufficient");
	values_add(&said, "reasons[]", "piece_unreadable");
	values_add(&said, "items[0].text", "La date de fin n’est pas lisible.");
	static const struct check_view checks[] = {
		{ "Inscription au répertoire", "votre numéro RPPS y figure.", "condition remplie", "registre" },
	};
	const struct fault faulty = { "identity", piece_fault("carte verso.pdf", "encrypted", pool) };
	struct letter_view v = {
		.name = "Camille Exemple",
		.person = "Camille Exemple",
		.number = "MSP-2026-000007",
		.caisse = "CPAM de Lille-Douai",
		.office = "CPAM de Lille-Douai",
		.route = "commune 59350 → 595",
		.fnps = "591234567",
		.amends = text("letter.amends.address"),
		.kinds = text("letter.purge.both"),
		.what_happened = text("letter.event.withdraw"),
		.said = "Voici ce que nous avons constaté <et noté>.",
		.said_by = text("letter.said.caisse"),
		.date = day_french(pool, day_from_ymd(2026, 11, 21)),
		.deadline = day_french(pool, day_from_ymd(2027, 3, 1)),
		.effective = day_french(pool, day_from_ymd(2026, 12, 1)),
		.years = text_years(pool, policy_default.convention_years),
		.until = day_french(pool, day_from_ymd(2027, 1, 31)),
		.gone = day_french(pool, day_from_ymd(2027, 2, 28)),
		.warned = day_french(pool, day_from_ymd(2026, 9, 1)),
		.findings = day_french(pool, day_from_ymd(2026, 10, 2)),
		.url = "https://localhost:8443/dossiers/7",
		.link = "https://localhost:8443/convention/exemple",
		.code = "012345",
		.days = 7,
		.three_party = true,
		.is_correction = str_eq(kind, "reminder"),
		.from_correction = true,
		.is_to_countersign = true,
		.has_reasons = true,
		.has_checks = true,
		.reasons = reasons_of(&said, pool),
		.items = items_of(
			"diploma_date||diploma\n|experience:experience[0]|piece_unreadable\n|identity|documents", &said,
			(struct list){ &faulty, 1 }, pool),
		.checks = { checks, 1 },
	};
	struct str out = str_in(pool);
	page_render(page, &v, &out);
	*html = out.s;
	*subject = subject_of(kind, v.number, pool);
	return 0;
}
