#include "clerk.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "../db/agent_file.h"
#include "../db/digest.h"
#include "../db/document.h"
#include "../db/due.h"
#include "../db/figures.h"
#include "../db/identity.h"
#include "../db/message.h"
#include "../db/outbox.h"
#include "../db/piece.h"
#include "../db/place.h"
#include "../db/purge.h"
#include "../workflow/fire.h"
#include "../workflow/verify.h"
#include "base/file.h"
#include "base/log.h"
#include "base/wait.h"
#include "chain.h"
#include "convention.h"
#include "fhir.h"
#include "geocode.h"
#include "letters.h"
#include "mail.h"
#include "page.h"
#include "pieces.h"
#include "purge.h"
#include "scan.h"
#include "text.h"

#define LEASE_SECONDS 180
#define ONE_SECONDS 90 /* what one delivery may take at the most: nothing begins that the lease might not cover */
#define AT_ONCE 20
#define PASSES 20
#define MAIL_ATTEMPTS 40
#define PURGE_NOTICE_DAYS 30
#define DRAFT_NOTICE_DAYS 14
#define DIGEST_HOUR 6

static const struct identity system_identity = { .role = SYSTEM };

/* A thread each: a mail server or a scanner that hangs keeps no letter, no seal and no other from going on. */
enum hand { HAND_CLOCK, HAND_HOUSE, HAND_MAIL, HAND_OUTSIDE, HAND_COUNT };
#define EVERY_HAND ((1U << HAND_COUNT) - 1)

static struct {
	struct service *service;
	struct lanes *lanes[HAND_COUNT];
	pthread_t threads[HAND_COUNT];
	bool running, stop, woken[HAND_COUNT];
	pthread_mutex_t lock;
	pthread_cond_t wake;
} clerk = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

static bool clerk_stopping(void)
{
	pthread_mutex_lock(&clerk.lock);
	bool stop = clerk.stop;
	pthread_mutex_unlock(&clerk.lock);
	return stop;
}

static void wake(unsigned hands)
{
	pthread_mutex_lock(&clerk.lock);
	for (size_t i = 0; i < HAND_COUNT; i++)
		clerk.woken[i] |= hands >> i & 1;
	pthread_cond_broadcast(&clerk.wake);
	pthread_mutex_unlock(&clerk.lock);
}

void clerk_wake(void)
{
	wake(1U << HAND_CLOCK | 1U << HAND_HOUSE);
}

void clerk_wake_scan(void)
{
	wake(1U << HAND_OUTSIDE);
}

/* ---- asking ---- */

static int ask(struct lanes *l, struct pool *pool, const struct statement *st, const struct arg *args, size_t count,
	       const struct rows **out, struct err *e)
{
	struct segment *g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(g, pool, &system_identity, 0);
	size_t at = segment_ask(g, st, args, count);
	if (db_send_wait(g, e))
		return -1;
	if (out)
		*out = segment_rows(g, at);
	return 0;
}

static int read_now(struct lanes *l, struct pool *pool, instant_t *now, struct err *e)
{
	struct segment *g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	struct identity who;
	bool expired;
	size_t at =
		segment_ask(g, &identity_join,
			    ARGS(arg_text("system"), arg_text(NULL), arg_text(NULL), arg_text(NULL), arg_text(NULL)));
	if (db_send_wait(g, e))
		return -1;
	identity_read(segment_rows(g, at), pool, &who, now, &expired);
	return 0;
}

static int lease(struct lanes *l, struct pool *pool, const char *kind, const struct rows **out, struct err *e)
{
	return ask(l, pool, &outbox_lease,
		   ARGS(arg_texts(pool, &kind, 1), arg_i64(pool, AT_ONCE), arg_i64(pool, LEASE_SECONDS)), out, e);
}

static int done(struct lanes *l, struct pool *pool, int64_t id, const char *error, struct err *e)
{
	return ask(l, pool, &outbox_done, ARGS(arg_i64(pool, id), arg_text(error)), NULL, e);
}

static int later(struct lanes *l, struct pool *pool, int64_t id, instant_t due, const char *error, struct err *e)
{
	return ask(l, pool, &outbox_later, ARGS(arg_i64(pool, id), arg_instant(pool, due), arg_text(error)), NULL, e);
}

/* 1, 2, 4 … minutes, six hours at most. */
static instant_t backoff(instant_t now, int64_t attempts)
{
	int64_t minutes = attempts > 9 ? 360 : (int64_t)1 << (attempts < 1 ? 0 : attempts - 1);
	return now + (minutes > 360 ? 360 : minutes) * 60 * SECOND;
}

static void complain(const char *what, int64_t id, const struct err *e)
{
	char number[STR_I64];
	log_event(e->kind == ERR_FAULT ? LOG_ERROR : LOG_WARN, what, "id", str_of_i64(number, id), "kind",
		  err_kind_name(e->kind), "text", e->text ? e->text : "", "detail", e->detail);
}

static bool database_away(const struct err *e)
{
	return e->kind == ERR_BUSY || e->kind == ERR_UNSURE;
}

/* ---- firing ---- */

static bool expert_on(const void *settings, day_t deposit)
{
	return settings_expert_on(settings, deposit);
}

static bool fhir_inactive(const void *context, const char *rpps)
{
	const struct service *s = context;
	struct pool *pool = pool_new_secret();
	struct err e;
	enum fhir said = fhir_ask(&s->settings, rpps, pool, &e);
	if (said == FHIR_SILENT && !str_eq(e.text, "fetch.rests"))
		complain("clerk.fhir", 0, &e);
	pool_free(pool);
	return said == FHIR_INACTIVE;
}

static struct firing template(struct service *s, struct lanes *l, struct pool *pool, enum role role)
{
	return (struct firing){
		.lanes = l,
		.pool = pool,
		.keys = s->keys,
		.policy = policy_now(s),
		.who = { .role = role },
		.expert_on = expert_on,
		.expert_context = &s->settings,
		.inactive = *s->settings.fhir_url ? fhir_inactive : NULL,
		.inactive_context = s,
		.public_url = s->settings.public_url,
		.version = -1,
	};
}

/* What was refused is not tried again every second. */
static struct {
	int64_t file, until;
} refused[128];
static size_t refused_next;
static pthread_mutex_t refused_lock = PTHREAD_MUTEX_INITIALIZER;

static bool refused_lately(int64_t file)
{
	bool found = false;
	pthread_mutex_lock(&refused_lock);
	for (size_t i = 0; i < COUNT(refused); i++)
		found = found || (refused[i].file == file && refused[i].until > clock_monotonic());
	pthread_mutex_unlock(&refused_lock);
	return found;
}

static void refuse_for_now(int64_t file)
{
	pthread_mutex_lock(&refused_lock);
	refused[refused_next].file = file;
	refused[refused_next].until = clock_monotonic() + 300 * SECOND;
	refused_next = (refused_next + 1) % COUNT(refused);
	pthread_mutex_unlock(&refused_lock);
}

static int fire_one(struct service *s, struct lanes *l, int64_t file, enum event event, enum role role, const char *key,
		    struct str *text, int *fired, struct err *e)
{
	struct pool *pool = pool_new_secret();
	struct firing f = template(s, l, pool, role);
	int r = 0;
	f.file = file;
	f.event = event;
	f.key = key;
	f.body_hmac = key ? crypto_hmac_hex(s->keys, pool, "idempotency", key, strlen(key)) : NULL;
	if (!fire_wait(&f, e)) {
		if (!f.repeated) {
			(*fired)++;
			str_addf(text, "file %lld %s %s -> %s\n", (long long)file, event_id(event), state_id(f.from),
				 state_id(f.state));
		}
	} else if (database_away(e)) {
		r = -1;
	} else {
		refuse_for_now(file);
		if (e->kind != ERR_STALE && e->kind != ERR_MISSING)
			complain("clerk.not_fired", file, e);
	}
	pool_free(pool);
	return r;
}

/* Deadlines as events; twice the same deadline is one event (its key). */
static int fire_due(struct service *s, struct lanes *l, struct pool *pool, int *fired, struct str *text, struct err *e)
{
	for (int pass = 0, before = -1; pass < PASSES && before != *fired; pass++) {
		const struct rows *r;
		before = *fired;
		if (ask(l, pool, &due_files, ARGS(arg_i64(pool, 200)), &r, e))
			return -1;
		for (size_t i = 0; i < rows_count(r); i++) {
			int64_t file = rows_i64(r, i, "id");
			const char *event = rows_str(r, i, "event");
			char *key = pool_printf(pool, "%lld|%s|%s", (long long)file, event,
						instant_rfc3339(pool, rows_instant(r, i, "due")));
			if (!refused_lately(file) &&
			    fire_one(s, l, file, event_from_id(event), CLOCK, key, text, fired, e))
				return -1;
		}
		if (ask(l, pool, &due_orphans, ARGS(arg_i64(pool, 200)), &r, e))
			return -1;
		for (size_t i = 0; i < rows_count(r); i++) {
			int64_t file = rows_i64(r, i, "id");
			if (!refused_lately(file) && fire_one(s, l, file, EV_ORPHAN, SYSTEM, NULL, text, fired, e))
				return -1;
		}
	}
	return 0;
}

static int run_checks(struct service *s, struct lanes *l, int *count, struct str *text, struct err *e)
{
	for (int pass = 0; pass < PASSES; pass++) {
		struct pool *pool = pool_new_secret();
		const struct rows *r;
		int failed = lease(l, pool, "checks", &r, e);
		size_t n = failed ? 0 : rows_count(r);
		for (size_t i = 0; i < n && !failed; i++) {
			struct firing t = template(s, l, pool, SYSTEM);
			enum event fired = EV_NONE;
			instant_t next = INSTANT_NONE;
			int64_t id = rows_i64(r, i, "id"),
				file = rows_i64(r, i, rows_null(r, i, "ref") ? "file" : "ref");
			struct err why;
			if (verify_file(&t, file, &fired, &next, &why)) {
				failed = database_away(&why);
				if (why.kind == ERR_MISSING || why.kind == ERR_STALE) {
					failed = done(l, pool, id, err_kind_name(why.kind), e);
				} else if (failed) {
					*e = why;
				} else {
					complain("clerk.checks", file, &why);
					failed = later(l, pool, id,
						       backoff(rows_instant(r, i, "now"), rows_i64(r, i, "attempts")),
						       err_kind_name(why.kind), e);
				}
				continue;
			}
			(*count)++;
			if (fired != EV_NONE)
				str_addf(text, "file %lld %s\n", (long long)file, event_id(fired));
			failed = fired == EV_NONE && next != INSTANT_NONE ? later(l, pool, id, next, "unavailable", e)
									  : done(l, pool, id, NULL, e);
		}
		pool_free(pool);
		if (failed)
			return -1;
		if (!n)
			return 0;
	}
	return 0;
}

/* ---- reminders, retention, days, roots ---- */

static int remind(struct lanes *l, struct pool *pool, enum state state, const char *kind, const char *letter,
		  const char *audience, int *count, struct err *e)
{
	const int *days;
	size_t n = reminders_of(state, &days);
	struct str list = str_in(pool);
	const struct rows *r;
	if (!n)
		return 0;
	for (size_t i = 0; i < n; i++)
		str_addf(&list, "%c%d", i ? ',' : '{', days[i]);
	str_add_c(&list, '}');
	if (ask(l, pool, &due_reminders,
		ARGS(arg_text(state_id(state)), arg_text(list.s), arg_text(kind), arg_text(letter), arg_text(audience)),
		&r, e))
		return -1;
	*count += (int)rows_affected(r);
	return 0;
}

/* The last day after which more than `target` working days have passed. */
static day_t target_day(day_t today, int target)
{
	day_t day = today;
	for (int n = 0; n <= target; day--)
		n += day_is_working(day);
	return day;
}

static int remind_all(struct service *s, struct lanes *l, struct pool *pool, instant_t now, int *count, struct err *e)
{
	const struct policy *p = policy_now(s);
	const struct rows *r;
	if (remind(l, pool, ST_CORRECTION, "reminder", "reminder", "account", count, e) ||
	    remind(l, pool, ST_TO_SIGN, "reminder", "reminder", "account", count, e) ||
	    remind(l, pool, ST_SUBMITTED, "alert", "legal_alert", "admins", count, e) ||
	    remind(l, pool, ST_EXPERT_REVIEW, "alert", "legal_alert", "experts", count, e))
		return -1;
	if (ask(l, pool, &due_targets, ARGS(arg_day(pool, target_day(day_in_paris(now), p->review_target))), &r, e))
		return -1;
	*count += (int)rows_affected(r);
	if (ask(l, pool, &due_draft_notices, ARGS(arg_i64(pool, p->draft_days), arg_i64(pool, DRAFT_NOTICE_DAYS)), &r,
		e))
		return -1;
	*count += (int)rows_affected(r);
	if (ask(l, pool, &purge_notices, ARGS(arg_i64(pool, PURGE_NOTICE_DAYS)), &r, e))
		return -1;
	*count += (int)rows_affected(r);
	return 0;
}

static int sign_root(struct service *s, struct lanes *l, struct err *e)
{
	struct pool *pool = pool_new();
	const struct rows *r;
	int failed = ask(l, pool, &chain_last, NO_ARGS, &r, e);
	if (!failed && rows_bool(r, 0, "due")) {
		/* Of a minute ago: what carries an earlier time has committed, so anyone finds this root again. */
		instant_t at = (rows_instant(r, 0, "now") / SECOND - 60) * SECOND;
		failed = ask(l, pool, &chain_heads, ARGS(arg_instant(pool, at)), &r, e);
		if (!failed && rows_count(r)) {
			size_t n = rows_count(r);
			struct chain_head *heads = POOL_ARRAY(pool, struct chain_head, n + 1);
			for (size_t i = 0; i < n; i++)
				heads[i] = (struct chain_head){ rows_i64(r, i, "file"), rows_str(r, i, "hash") };
			char *root = chain_root(heads, n, pool), *covered = chain_signed(at, n, root, pool);
			failed = ask(l, pool, &chain_insert,
				     ARGS(arg_instant(pool, at), arg_i64(pool, (int64_t)n), arg_text(root),
					  arg_text(crypto_sign_hex(s->keys, pool, covered, strlen(covered)))),
				     NULL, e);
		}
	}
	pool_free(pool);
	return failed ? -1 : 0;
}

static int drafts(struct service *s, struct lanes *l, struct pool *pool, int *fired, struct str *text, struct err *e)
{
	const struct rows *r;
	if (ask(l, pool, &due_drafts_gone,
		ARGS(arg_i64(pool, policy_now(s)->draft_days), arg_i64(pool, DRAFT_NOTICE_DAYS)), &r, e))
		return -1;
	int64_t n = rows_i64(r, 0, "n");
	if (n) {
		*fired += (int)n;
		str_addf(text, "%lld drafts lapse -> deleted\n", (long long)n);
	}
	return 0;
}

static int quickly(struct service *s, struct lanes *l, struct pool *pool, struct tick *t, struct str *text,
		   struct err *e)
{
	return run_checks(s, l, &t->checks, text, e) || fire_due(s, l, pool, &t->fired, text, e) ? -1 : 0;
}

static int slowly(struct service *s, struct lanes *l, struct pool *pool, struct tick *t, struct str *text,
		  struct err *e)
{
	instant_t now;
	if (*s->settings.smtp_url && ask(l, pool, &digest_queue, ARGS(arg_i64(pool, DIGEST_HOUR)), NULL, e))
		return -1;
	if (*s->settings.geocode_url && ask(l, pool, &place_queue, ARGS(arg_i64(pool, 500)), NULL, e))
		return -1;
	if (read_now(l, pool, &now, e) || remind_all(s, l, pool, now, &t->reminders, e) ||
	    ask(l, pool, &due_notified, ARGS(arg_i64(pool, policy_now(s)->notified_after_days)), NULL, e) ||
	    drafts(s, l, pool, &t->fired, text, e) || figures_close_days(l, pool, &t->closed_days, e))
		return -1;
	return 0;
}

static int hourly(struct service *s, struct lanes *l, struct pool *pool, struct tick *t, struct err *e)
{
	if (purge_run(s, l, pool, &t->purged, e) || sign_root(s, l, e) ||
	    ask(l, pool, &due_forgotten, NO_ARGS, NULL, e) ||
	    ask(l, pool, &outbox_trim, ARGS(arg_i64(pool, 30)), NULL, e))
		return -1;
	return 0;
}

int clerk_tick(struct service *s, struct lanes *l, struct pool *pool, struct tick *out, struct err *e)
{
	struct str fired = str_in(pool);
	*out = (struct tick){ 0 };
	/* Before what is due now fires, so that a reminder is not lost to a clock that jumped; after, for what that
	 * opened. */
	if (slowly(s, l, pool, out, &fired, e) || quickly(s, l, pool, out, &fired, e) ||
	    slowly(s, l, pool, out, &fired, e) || quickly(s, l, pool, out, &fired, e) || hourly(s, l, pool, out, e))
		return -1;
	out->fired_text = fired.s;
	return 0;
}

/* ---- delivering ---- */

static const char *host_of(const char *url, struct pool *pool)
{
	const char *from = strstr(url, "://");
	from = from ? from + 3 : url;
	return pool_strndup(pool, from, strcspn(from, ":/"));
}

static struct mail mail_of(struct service *s, const struct letter *t, int64_t id, struct pool *pool)
{
	return (struct mail){
		.url = s->settings.smtp_url,
		.from = s->settings.mail_from,
		.to = t->to,
		.id = id,
		.host = host_of(s->settings.public_url, pool),
		.subject = t->subject,
		.html = t->html ? t->html : "",
		.link = str_eq(t->audience, "account") ? pool_printf(pool, "%s/messages", s->settings.public_url)
						       : NULL,
		.at = t->at,
	};
}

/* A demonstration without a mail server keeps its mails in a folder, so that the links in them can be followed. */
static void keep_mail(struct service *s, const struct letter *t, int64_t id, struct pool *pool)
{
	struct mail m = mail_of(s, t, id, pool);
	struct err e;
	char *composed, *folder = pool_printf(pool, "%s/mail", s->settings.home);
	if (mail_compose(&m, pool, &composed, &e) || file_folder(folder, 0700, &e) ||
	    file_write(pool_printf(pool, "%s/%lld.eml", folder, (long long)id), composed, strlen(composed), 0600, &e))
		complain("clerk.mail_kept", id, &e);
}

/* All of them in two round trips and one commit: of a busy minute's letters each would cost as much as what it tells.
 */
static int messages(struct service *s, struct lanes *l, struct pool *pool, const struct rows *r, size_t from, size_t n,
		    struct err *e)
{
	struct letter *made = POOL_ARRAY(pool, struct letter, n);
	struct letter_asked *asked = POOL_ARRAY(pool, struct letter_asked, n);
	bool can = *s->settings.smtp_url != 0, mails = false;
	struct segment *g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(g, pool, &system_identity, 0);
	for (size_t i = 0; i < n; i++)
		asked[i] = letter_ask(g, pool, rows_i64(r, from + i, "ref"));
	if (db_send_wait(g, e))
		return -1;
	struct segment *w = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(w, pool, &system_identity, 0);
	for (size_t i = 0; i < n; i++) {
		struct letter *t = &made[i];
		struct arg id = arg_i64(pool, rows_i64(r, from + i, "id")), message = arg_i64(pool, asked[i].message);
		if (letter_make(s, g, asked[i], pool, false, t, e) || letter_freeze(s, w, pool, t, e))
			return -1;
		bool waits = str_eq(t->mail_state, "waiting");
		if (waits && t->to && can)
			segment_ask(w, &outbox_add,
				    ARGS(t->file ? arg_i64(pool, t->file) : arg_text(NULL), arg_text(NULL),
					 arg_text("mail"), message, id));
		else if (waits)
			segment_ask(w, &message_mail, ARGS(message, arg_text("none")));
		segment_ask(w, &outbox_done, ARGS(id, arg_text(NULL)));
		mails |= waits && t->to && can;
	}
	if (db_send_wait(w, e))
		return -1;
	if (mails)
		wake(1U << HAND_MAIL);
	for (size_t i = 0; i < n && !can && s->settings.demo; i++)
		if (made[i].to && str_eq(made[i].mail_state, "waiting"))
			keep_mail(s, &made[i], rows_i64(r, from + i, "id"), pool);
	return 0;
}

static int message_row(struct service *s, struct lanes *l, struct pool *pool, const struct rows *r, size_t i,
		       instant_t now, struct err *e)
{
	(void)now;
	return messages(s, l, pool, r, i, 1, e);
}

static int mail_row(struct service *s, struct lanes *l, struct pool *pool, const struct rows *r, size_t i,
		    instant_t now, struct err *e)
{
	struct letter t;
	int64_t id = rows_i64(r, i, "id"), message = rows_i64(r, i, "ref"), attempts = rows_i64(r, i, "attempts");
	if (letter_render(s, l, pool, message, true, &t, e))
		return -1;
	enum mail_result result = MAIL_NEVER;
	struct err why = { .kind = ERR_NONE };
	if (t.to && t.html) {
		struct mail m = mail_of(s, &t, id, pool);
		result = mail_send(&m, pool, &why);
		if (result != MAIL_SENT)
			complain("clerk.mail", message, &why);
	}
	if (result == MAIL_LATER && attempts < MAIL_ATTEMPTS)
		return later(l, pool, id, backoff(now, attempts), "later", e);
	struct segment *g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(g, pool, &system_identity, 0);
	segment_ask(g, &message_mail, ARGS(arg_i64(pool, message), arg_text(result == MAIL_SENT ? "sent" : "failed")));
	segment_ask(g, &outbox_done, ARGS(arg_i64(pool, id), arg_text(result == MAIL_SENT ? NULL : "refused")));
	return db_send_wait(g, e);
}

struct digest_view {
	const char *name, *link;
	int64_t count;
	bool many;
};
static const struct slot digest_slots[] = { SLOT_T(struct digest_view, name), SLOT_T(struct digest_view, link),
					    SLOT_I(struct digest_view, count), SLOT_B(struct digest_view, many) };
static const struct view digest_view = VIEW(struct digest_view, digest_slots);
static const struct page digest_page = { "server/mail/digest.html", &digest_view };
PAGE(digest_page);

/* Agents read their files here, not in their mail: the mail says only that there is something. */
static int digest_row(struct service *s, struct lanes *l, struct pool *pool, const struct rows *r, size_t i,
		      instant_t now, struct err *e)
{
	int64_t id = rows_i64(r, i, "id");
	const struct rows *row;
	struct err why = { .kind = ERR_NONE };
	struct str html = str_in(pool);
	if (ask(l, pool, &digest_one, ARGS(arg_i64(pool, id), arg_i64(pool, rows_i64(r, i, "ref"))), &row, e))
		return -1;
	if (!rows_count(row) || !rows_i64(row, 0, "count") || !*s->settings.smtp_url)
		return done(l, pool, id, NULL, e);
	struct digest_view v = {
		.name = rows_str(row, 0, "name"),
		.link = pool_printf(pool, "%s/dossiers",
				    s->settings.agent_url ? s->settings.agent_url : s->settings.public_url),
		.count = rows_i64(row, 0, "count"),
		.many = rows_i64(row, 0, "count") > 1,
	};
	page_render(&digest_page, &v, &html);
	struct mail m = {
		.url = s->settings.smtp_url,
		.from = s->settings.mail_from,
		.to = rows_str(row, 0, "email"),
		.id = id,
		.host = host_of(s->settings.public_url, pool),
		.subject = text("mail.digest"),
		.html = html.s,
		.at = now,
	};
	enum mail_result result = mail_send(&m, pool, &why);
	if (result != MAIL_SENT)
		complain("clerk.mail", id, &why);
	return result == MAIL_LATER && rows_i64(r, i, "attempts") < 8
		       ? later(l, pool, id, backoff(now, rows_i64(r, i, "attempts")), "later", e)
		       : done(l, pool, id, result == MAIL_SENT ? NULL : "refused", e);
}

static int scan_row(struct service *s, struct lanes *l, struct pool *pool, const struct rows *r, size_t i,
		    instant_t now, struct err *e)
{
	int64_t id = rows_i64(r, i, "id"), piece = rows_i64(r, i, "ref");
	const struct rows *row;
	struct piece_read read;
	struct err why = { .kind = ERR_NONE };
	if (!*s->settings.clamd)
		return later(l, pool, id, now + 3600 * SECOND, "none", e);
	if (ask(l, pool, &piece_for_scan, ARGS(arg_i64(pool, piece)), &row, e))
		return -1;
	if (!rows_count(row) || rows_bool(row, 0, "erased") || !str_eq(rows_str(row, 0, "scan"), "waiting"))
		return done(l, pool, id, NULL, e);
	struct segment *g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(g, pool, &system_identity, 0);
	size_t chunks = segment_ask(g, &piece_chunks, ARGS(arg_i64(pool, piece)));
	size_t one = segment_ask(g, &piece_one, ARGS(arg_i64(pool, rows_i64(row, 0, "file")), arg_i64(pool, piece)));
	if (db_send_wait(g, e) ||
	    piece_read_rows(&read, s->keys, segment_rows(g, one), segment_rows(g, chunks), pool, e))
		return -1;
	piece_open(&read);
	if (read.err.kind != ERR_NONE) {
		*e = read.err;
		return -1;
	}
	enum scan verdict = scan_bytes(s->settings.clamd, read.bytes, read.size, &why);
	if (verdict == SCAN_UNAVAILABLE) {
		complain("clerk.scan", piece, &why);
		return later(l, pool, id, backoff(now, rows_i64(r, i, "attempts")), "unavailable", e);
	}
	if (verdict == SCAN_INFECTED)
		complain("clerk.infected", piece, &why);
	g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(g, pool, &system_identity, 0);
	segment_ask(g, &piece_scanned, ARGS(arg_i64(pool, piece), arg_text(scan_id(verdict))));
	segment_ask(g, &outbox_done, ARGS(arg_i64(pool, id), arg_text(NULL)));
	return db_send_wait(g, e);
}

/* The document and the end of its row are one transaction: who dies before it leaves nothing, and who was slower than
 * another finds the document there (its index). */
static int seal_row(struct service *s, struct lanes *l, struct pool *pool, const struct rows *r, size_t i,
		    instant_t now, struct err *e)
{
	struct arg id = arg_i64(pool, rows_i64(r, i, "id")), file = arg_i64(pool, rows_i64(r, i, "file")),
		   version = arg_i64(pool, rows_i64(r, i, "seq"));
	const char *digest;
	unsigned char *kept;
	size_t size;
	struct segment *g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(g, pool, &system_identity, 0);
	size_t frozen = segment_ask(g, &document_to_seal, ARGS(file, version)),
	       signatures = segment_ask(g, &agent_file_signatures, ARGS(file));
	if (db_send_wait(g, e))
		return -1;
	const struct rows *row = segment_rows(g, frozen);
	if (!rows_count(row) || rows_null(row, 0, "data") || rows_bool(row, 0, "sealed"))
		return done(l, pool, rows_i64(r, i, "id"), NULL, e); /* erased meanwhile, or done by another */
	if (convention_seal(s, row, segment_rows(g, signatures), now, pool, &digest, &kept, &size, e))
		return -1;
	g = segment_new(l, pool, LANE_WRITE, NULL, NULL);
	identity_ask(g, pool, &system_identity, 0);
	segment_ask(g, &document_insert,
		    ARGS(arg_text(digest), file, version, arg_text("convention_sealed"), arg_bytes(kept, size)));
	segment_ask(g, &outbox_done, ARGS(id, arg_text(NULL)));
	return db_send_wait(g, e);
}

/* A file's places, one after the other. What is found stays found when the next one has to wait. */
static int geocode_row(struct service *s, struct lanes *l, struct pool *pool, const struct rows *r, size_t i,
		       instant_t now, struct err *e)
{
	int64_t id = rows_i64(r, i, "id");
	struct arg file = arg_i64(pool, rows_i64(r, i, "ref"));
	const struct rows *row;
	if (!*s->settings.geocode_url)
		return later(l, pool, id, now + 3600 * SECOND, "none", e);
	if (ask(l, pool, &place_to_ask, ARGS(file), &row, e))
		return -1;
	for (size_t k = 0; k < rows_count(row); k++) {
		const struct geocode_place p = {
			.address = rows_str(row, k, "address"),
			.postcode = rows_str(row, k, "postcode"),
			.commune = rows_str(row, k, "commune"),
			.commune_name = rows_str(row, k, "name"),
			.located = !rows_null(row, k, "lon") && !rows_null(row, k, "lat"),
			.lon = rows_f64(row, k, "lon"),
			.lat = rows_f64(row, k, "lat"),
		};
		struct geocode_point at;
		struct err why;
		if (geocode_ask(&s->settings, &p, pool, &at, &why)) {
			if (!str_eq(why.text, "fetch.rests"))
				complain("clerk.geocode", id, &why);
			return later(l, pool, id, backoff(now, rows_i64(r, i, "attempts")), "away", e);
		}
		if (at.precision && ask(l, pool, &place_found,
					ARGS(file, arg_i64(pool, rows_i64(row, k, "n")), arg_text(p.address),
					     arg_text(p.commune), arg_text(pool_printf(pool, "%.7f", at.lon)),
					     arg_text(pool_printf(pool, "%.7f", at.lat)), arg_text(at.precision)),
					NULL, e))
			return -1;
	}
	return done(l, pool, id, NULL, e);
}

static const struct delivery {
	enum hand hand;
	const char *kind;
	int (*row)(struct service *s, struct lanes *l, struct pool *pool, const struct rows *r, size_t i, instant_t now,
		   struct err *e);
	bool owed; /* never given up: what keeps it away is on the page of stuck files */
	int (*together)(struct service *s, struct lanes *l, struct pool *pool, const struct rows *r, size_t from,
			size_t n, struct err *e); /* or one by one, when one of them fails */
} deliveries[] = {
	{ HAND_HOUSE, "message", message_row, false, messages },
	{ HAND_HOUSE, "seal", seal_row, true, NULL },
	{ HAND_MAIL, "mail", mail_row, false, NULL },
	{ HAND_MAIL, "digest", digest_row, false, NULL },
	{ HAND_OUTSIDE, "scan", scan_row, false, NULL },
	{ HAND_OUTSIDE, "geocode", geocode_row, false, NULL },
};

/* Told to stop, or with a lease that another instance may soon take over, it gives back what it has not begun. */
static bool give_back(int64_t leased_at)
{
	return clerk_stopping() || clock_monotonic() - leased_at > (LEASE_SECONDS - ONE_SECONDS) * SECOND;
}

/* 0: done, or put off with its reason. -1: the database is away. */
static int deliver_one(const struct delivery *d, struct service *s, struct lanes *l, const struct rows *r, size_t i,
		       instant_t now, struct err *e)
{
	struct pool *pool = pool_new_secret();
	struct err why;
	int64_t id = rows_i64(r, i, "id"), attempts = rows_i64(r, i, "attempts");
	int failed = 0;
	if (d->row(s, l, pool, r, i, now, &why)) {
		if (database_away(&why)) {
			*e = why;
			failed = -1;
		} else {
			complain("clerk.delivery", id, &why);
			bool over = why.kind == ERR_MISSING || attempts >= MAIL_ATTEMPTS;
			failed = over && !d->owed
					 ? done(l, pool, id, err_kind_name(why.kind), e)
					 : later(l, pool, id, backoff(now, attempts), err_kind_name(why.kind), e);
		}
	}
	pool_free(pool);
	return failed;
}

/* What these hands have to do. In turn, so that a code that somebody waits for is not behind a whole mailing. */
static int deliver_by(unsigned hands, struct service *s, struct lanes *l, int *count, struct err *e)
{
	*count = 0;
	for (int pass = 0, more = 1; pass < PASSES && more && !clerk_stopping(); pass++) {
		more = 0;
		for (const struct delivery *d = deliveries; d < deliveries + COUNT(deliveries); d++) {
			if (!(hands & 1U << d->hand))
				continue;
			struct pool *pool = pool_new_secret();
			const struct rows *r;
			struct err why;
			int64_t leased_at = clock_monotonic();
			int failed = lease(l, pool, d->kind, &r, e);
			size_t n = failed ? 0 : rows_count(r);
			bool all = n > 1 && d->together && !d->together(s, l, pool, r, 0, n, &why);
			if (n > 1 && d->together && !all && database_away(&why)) {
				*e = why;
				failed = -1;
			}
			for (size_t i = 0; i < n && !failed && !all; i++) {
				instant_t now = rows_instant(r, i, "now");
				failed = give_back(leased_at) ? later(l, pool, rows_i64(r, i, "id"), now, NULL, e)
							      : deliver_one(d, s, l, r, i, now, e);
			}
			*count += (int)n;
			pool_free(pool);
			if (failed)
				return -1;
			more |= n == AT_ONCE;
		}
	}
	return 0;
}

int clerk_deliver(struct service *s, struct lanes *l, int *count, struct err *e)
{
	return deliver_by(EVERY_HAND, s, l, count, e);
}

/* ---- threads ---- */

/* What comes in meanwhile is taken together: who is woken by each of hundreds of events a second looks ten times. */
#define APART (SECOND / 10)

/* Until woken, or `at_most`. True when it is time to end. */
static bool rest(enum hand who, int64_t at_most)
{
	int64_t began = clock_monotonic();
	pthread_mutex_lock(&clerk.lock);
	while (!clerk.stop && wait_until(&clerk.wake, &clerk.lock, began + APART))
		;
	while (!clerk.stop && !clerk.woken[who] && wait_until(&clerk.wake, &clerk.lock, began + at_most))
		;
	clerk.woken[who] = false;
	bool stop = clerk.stop;
	pthread_mutex_unlock(&clerk.lock);
	return stop;
}

static void *keep_time(void *unused)
{
	int64_t slow_at = 0, hour_at = 0;
	int trouble = 0;
	(void)unused;
	do {
		struct pool *pool = pool_new_secret();
		struct str fired = str_in(pool);
		struct tick t = { 0 };
		struct err e;
		int64_t began = clock_monotonic();
		int failed = quickly(clerk.service, clerk.lanes[0], pool, &t, &fired, &e);
		if (!failed && began >= slow_at) {
			failed = slowly(clerk.service, clerk.lanes[0], pool, &t, &fired, &e);
			slow_at = began + 60 * SECOND;
		}
		if (!failed && began >= hour_at) {
			failed = hourly(clerk.service, clerk.lanes[0], pool, &t, &e);
			hour_at = began + 3600 * SECOND;
		}
		if (failed && (trouble++ % 30) == 0)
			complain("clerk.time", 0, &e);
		if (!failed)
			trouble = 0;
		if (t.checks || t.fired || t.reminders)
			clerk_wake(); /* letters to send */
		pool_free(pool);
	} while (!rest(HAND_CLOCK, SECOND));
	return NULL;
}

static void *deliver(void *arg)
{
	enum hand who = (enum hand)(intptr_t)arg;
	int trouble = 0;
	do {
		struct err e;
		int count;
		if (deliver_by(1U << who, clerk.service, clerk.lanes[who], &count, &e)) {
			if ((trouble++ % 30) == 0)
				complain("clerk.deliver", 0, &e);
		} else {
			trouble = 0;
		}
	} while (!rest(who, 2 * SECOND));
	return NULL;
}

int clerk_start(struct service *s, struct err *e)
{
	static const struct {
		const char *name; /* enrolld, enroll-…: db/rekey.c counts who serves by them */
		void *(*work)(void *);
	} hands[HAND_COUNT] = {
		[HAND_CLOCK] = { "enroll-clock", keep_time },
		[HAND_HOUSE] = { "enroll-letters", deliver },
		[HAND_MAIL] = { "enroll-mail", deliver },
		[HAND_OUTSIDE] = { "enroll-outside", deliver },
	};
	clerk.service = s;
	clerk.stop = false;
	for (size_t i = 0; i < HAND_COUNT; i++) {
		const struct lanes_options o = { .dsn = s->dsn, .write = 1, .application_name = hands[i].name };
		clerk.lanes[i] = lanes_open(&o, NULL, NULL, e);
		if (!clerk.lanes[i] || pthread_create(&clerk.threads[i], NULL, hands[i].work, (void *)(intptr_t)i)) {
			if (clerk.lanes[i]) {
				lanes_close(clerk.lanes[i]);
				fault(e, "clerk: no thread");
			}
			clerk.lanes[i] = NULL;
			if (i) {
				clerk.running = true;
				clerk_stop();
			}
			return -1;
		}
	}
	pthread_mutex_lock(&clerk.lock);
	clerk.running = true;
	pthread_mutex_unlock(&clerk.lock);
	return 0;
}

void clerk_stop(void)
{
	pthread_mutex_lock(&clerk.lock);
	bool was = clerk.running;
	clerk.stop = true;
	if (was)
		pthread_cond_broadcast(&clerk.wake);
	pthread_mutex_unlock(&clerk.lock);
	if (!was)
		return;
	for (size_t i = 0; i < COUNT(clerk.threads); i++)
		if (clerk.lanes[i]) {
			pthread_join(clerk.threads[i], NULL);
			lanes_close(clerk.lanes[i]);
			clerk.lanes[i] = NULL;
		}
	pthread_mutex_lock(&clerk.lock);
	clerk.running = false;
	pthread_mutex_unlock(&clerk.lock);
}
