/*
 * The in-app inbox: the source of truth, of which an e-mail is a copy. Opening the letter of a decision is its
 * notification: the remedies' delay runs from it.
 */
#include "applicant.h"

#include <string.h>

#include "../../db/message.h"
#include "../base/str.h"
#include "../letters.h"
#include "../mail.h"
#include "../text.h"

#define PAGE_SIZE 30

struct row_view {
	int64_t id;
	const char *subject, *when, *number, *mail;
	bool opened;
};
static const struct slot row_slots[] = {
	SLOT_I(struct row_view, id),     SLOT_T(struct row_view, subject), SLOT_T(struct row_view, when),
	SLOT_T(struct row_view, number), SLOT_T(struct row_view, mail),    SLOT_B(struct row_view, opened),
};
static const struct view row_view = VIEW(struct row_view, row_slots);
struct inbox_view {
	int64_t unread;
	const char *next;
	bool one, has_items;
	struct list items;
};
static const struct slot inbox_slots[] = {
	SLOT_I(struct inbox_view, unread),
	SLOT_T(struct inbox_view, next),
	SLOT_B(struct inbox_view, one),
	SLOT_B(struct inbox_view, has_items),
	SLOT_L(struct inbox_view, items, &row_view),
};
static const struct view inbox_view = VIEW(struct inbox_view, inbox_slots);
static const struct page inbox_page = { "server/pages/messages.html", &inbox_view };
PAGE(inbox_page);

struct one_view {
	const char *subject, *when, *mail, *number, *file_href;
	bool erased;
	struct markup body;
};
static const struct slot one_slots[] = {
	SLOT_T(struct one_view, subject), SLOT_T(struct one_view, when),      SLOT_T(struct one_view, mail),
	SLOT_T(struct one_view, number),  SLOT_T(struct one_view, file_href), SLOT_B(struct one_view, erased),
	SLOT_M(struct one_view, body),
};
static const struct view one_view = VIEW(struct one_view, one_slots);
static const struct page one_page = { "server/pages/message.html", &one_view };
PAGE(one_page);

static void common_json(struct json *out, const struct rows *r, size_t i)
{
	json_ki(out, "id", rows_i64(r, i, "id"));
	json_kinstant(out, "at", rows_instant(r, i, "at"));
	json_kt(out, "kind", rows_str(r, i, "kind"));
	json_kt(out, "subject", rows_str(r, i, "subject"));
	json_key(out, "file");
	if (rows_null(r, i, "file"))
		json_nil(out);
	else
		json_i64(out, rows_i64(r, i, "file"));
	json_kt(out, "number", rows_text(r, i, "number"));
	json_kinstant(out, "opened_at", rows_instant(r, i, "opened_at"));
	json_kt(out, "mail_state", rows_str(r, i, "mail_state"));
}

/* ---- the list ---- */

static int listed(struct job *j, struct err *e)
{
	const struct rows *r = job_rows(j, *(size_t *)j->state);
	size_t found = rows_count(r);
	bool more = found > PAGE_SIZE;
	size_t n = more ? PAGE_SIZE : found;
	const char *next =
		more ? pool_printf(j->pool, "/messages?avant=%lld", (long long)rows_i64(r, n - 1, "id")) : NULL;
	int64_t unread = found ? rows_i64(r, 0, "unread") : 0;

	(void)e;
	if (j->json) {
		struct json out = json_in(j->pool);

		json_obj(&out);
		json_key(&out, "items");
		json_arr(&out);
		for (size_t i = 0; i < n; i++) {
			json_obj(&out);
			common_json(&out, r, i);
			json_end(&out);
		}
		json_end(&out);
		json_kt(&out, "next", next);
		json_ki(&out, "total", found ? rows_i64(r, 0, "total") : 0);
		json_ki(&out, "unread", unread);
		json_end(&out);
		return job_json(j, 200, &out);
	}
	struct row_view *items = POOL_ARRAY(j->pool, struct row_view, n + 1);
	for (size_t i = 0; i < n; i++)
		items[i] = (struct row_view){
			.id = rows_i64(r, i, "id"),
			.subject = rows_str(r, i, "subject"),
			.when = instant_french(j->pool, rows_instant(r, i, "at")),
			.number = rows_text(r, i, "number"),
			.mail = text2("mail_state", rows_str(r, i, "mail_state")),
			.opened = !rows_null(r, i, "opened_at"),
		};
	return job_page(j, 200, text("messages.title"), &inbox_page,
			&(struct inbox_view){ .unread = unread,
					      .one = unread == 1,
					      .next = next,
					      .has_items = n > 0,
					      .items = { items, n } });
}

int messages_answer(struct job *j, struct err *e)
{
	size_t *at = j->state = POOL_NEW(j->pool, size_t);
	int64_t before;
	bool first = str_to_i64(values_text(&j->query, "avant"), &before) || before <= 0;

	(void)e;
	*at = job_ask(j, &message_inbox,
		      ARGS(arg_i64(j->pool, j->who.account), first ? arg_text(NULL) : arg_i64(j->pool, before),
			   arg_i64(j->pool, PAGE_SIZE + 1)));
	job_then(j, listed);
	return 0;
}

/* ---- one ---- */

static int shown(struct job *j, struct err *e)
{
	const struct rows *r = job_rows(j, *(size_t *)j->state);
	const unsigned char *sealed;
	const char *html = NULL;
	size_t n = 0;

	if (!rows_count(r) || rows_null(r, 0, "subject") || rows_i64(r, 0, "account") != j->who.account)
		return fail(e, ERR_MISSING, "messages.missing");
	sealed = rows_bytes(r, 0, "body", j->pool, &n);
	if (letter_open(j->service->keys, rows_i64(r, 0, "id"), sealed, n, j->pool, &html, e))
		return -1;
	job_header(j, "cache-control", "private, no-store");
	if (j->json) {
		struct json out = json_in(j->pool);

		json_obj(&out);
		common_json(&out, r, 0);
		json_kt(&out, "html", html);
		json_kt(&out, "text", html ? mail_text(html, j->pool) : NULL);
		json_end(&out);
		return job_json(j, 200, &out);
	}
	return job_page(j, 200, rows_str(r, 0, "subject"), &one_page,
			&(struct one_view){
				.subject = rows_str(r, 0, "subject"),
				.when = instant_french(j->pool, rows_instant(r, 0, "at")),
				.mail = text2("mail_state", rows_str(r, 0, "mail_state")),
				.number = rows_text(r, 0, "number"),
				.file_href = rows_null(r, 0, "file") ? NULL
								     : pool_printf(j->pool, "/dossiers/%lld",
										   (long long)rows_i64(r, 0, "file")),
				.erased = !html,
				.body = { html },
			});
}

int message_answer(struct job *j, struct err *e)
{
	size_t *at = j->state = POOL_NEW(j->pool, size_t);
	int64_t id = job_param_id(j, "id");

	if (!id)
		return fail(e, ERR_MISSING, "messages.missing");
	job_ask(j, &message_opened, ARGS(arg_i64(j->pool, id), arg_i64(j->pool, j->who.account)));
	*at = job_ask(j, &message_one, ARGS(arg_i64(j->pool, id)));
	job_then(j, shown);
	return 0;
}
