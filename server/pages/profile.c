/* The directory profile of a psychologist under convention: theirs to keep, shown to all within the same second. */
#include "applicant.h"

#include <string.h>

#include "../../db/profile.h"
#include "../base/str.h"
#include "../form_html.h"
#include "../text.h"

struct profile_state {
	int64_t file;
	size_t row, saved;
	struct values values;
	struct problems problems;
	bool after;
};

struct profile_page {
	int64_t id;
	const char *name, *confirmed, *years;
	bool saved, published;
	struct markup summary, hidden, confirm_hidden, fields;
};
static const struct slot profile_slots[] = {
	SLOT_I(struct profile_page, id),        SLOT_T(struct profile_page, name),
	SLOT_T(struct profile_page, confirmed), SLOT_B(struct profile_page, saved),
	SLOT_B(struct profile_page, published), SLOT_M(struct profile_page, summary),
	SLOT_M(struct profile_page, hidden),    SLOT_M(struct profile_page, confirm_hidden),
	SLOT_M(struct profile_page, fields),    SLOT_T(struct profile_page, years),
};
static const struct view profile_view = VIEW(struct profile_page, profile_slots);
static const struct page profile_page = { "server/pages/profile.html", &profile_view };
PAGE(profile_page);

int profile_ask(struct job *j, struct err *e)
{
	struct profile_state *s = j->state = POOL_NEW(j->pool, struct profile_state);

	s->file = job_param_id(j, "id");
	if (!s->file)
		return fail(e, ERR_MISSING, "file.missing");
	s->problems = problems_in(j->pool);
	s->row = job_ask(j, &profile_read, ARGS(arg_i64(j->pool, s->file)));
	return 0;
}

static void split(struct values *out, const char *name, const char *list)
{
	while (*list) {
		size_t n = strcspn(list, ",");

		if (n)
			values_add(out, name, pool_strndup(out->pool, list, n));
		list += n + (list[n] ? 1 : 0);
	}
}

static struct values kept(struct job *j, const struct rows *r)
{
	struct values v = values_in(j->pool);

	split(&v, "public[]", rows_str(r, 0, "public"));
	split(&v, "languages[]", rows_str(r, 0, "languages"));
	values_add(&v, "remote", rows_bool(r, 0, "remote") ? "true" : "");
	values_add(&v, "unavailable_until", rows_str(r, 0, "unavailable_until"));
	values_add(&v, "website", rows_str(r, 0, "website"));
	values_add(&v, "show_email", rows_bool(r, 0, "show_email") ? "true" : "");
	values_add(&v, "show_phone", rows_bool(r, 0, "show_phone") ? "true" : "");
	return v;
}

static void texts_json(struct json *out, const char *key, const struct values *v, const char *name)
{
	const char *const *list;

	json_key(out, key);
	json_arr(out);
	for (size_t i = 0, n = values_all(v, name, &list); i < n; i++)
		json_text(out, list[i]);
	json_end(out);
}

static int show_json(struct job *j, const struct rows *r, const struct values *v)
{
	struct json out = json_in(j->pool);

	json_obj(&out);
	json_kt(&out, "name", rows_str(r, 0, "name"));
	texts_json(&out, "public", v, "public[]");
	texts_json(&out, "languages", v, "languages[]");
	json_kb(&out, "remote", rows_bool(r, 0, "remote"));
	json_kt(&out, "website", rows_text(r, 0, "website"));
	json_kb(&out, "show_email", rows_bool(r, 0, "show_email"));
	json_kb(&out, "show_phone", rows_bool(r, 0, "show_phone"));
	json_kday(&out, "unavailable_until", rows_day(r, 0, "unavailable_until"));
	json_kday(&out, "confirmed_on", rows_day(r, 0, "confirmed_on"));
	json_kb(&out, "published", rows_bool(r, 0, "published"));
	json_end(&out);
	return job_json(j, 200, &out);
}

static int show(struct job *j, struct err *e)
{
	struct profile_state *s = j->state;
	const struct rows *r = job_rows(j, s->row);
	struct values now;

	if (!rows_count(r))
		return fail(e, ERR_MISSING, "profile.missing");
	now = kept(j, r);
	if (j->json)
		return show_json(j, r, &now);
	struct profile_page x = {
		.id = s->file,
		.name = rows_str(r, 0, "name"),
		.confirmed = day_french(j->pool, rows_day(r, 0, "confirmed_on")),
		.years = text_years(j->pool, policy_now(j->service)->missed_confirmations),
		.saved = s->after || str_eq(values_text(&j->query, "enregistre"), "oui"),
		.published = rows_bool(r, 0, "published"),
		.summary = form_problem_summary(&s->problems, j->pool),
		.hidden = job_hidden(j, -1),
		.confirm_hidden = job_hidden(j, -1),
		.fields = form_fields(form_get("profile"), NULL, s->problems.count ? &j->sent : &now, &s->problems,
				      NULL, 0, true, j->pool),
	};
	return job_page(j, s->problems.count ? 422 : 200, text("profile.title"), &profile_page, &x);
}

int profile_answer(struct job *j, struct err *e)
{
	return show(j, e);
}

static int saved(struct job *j, struct err *e)
{
	struct profile_state *s = j->state;

	if (!rows_affected(job_rows(j, s->saved)))
		return fail(e, ERR_MISSING, "profile.missing");
	if (!j->json)
		return job_redirect(j,
				    pool_printf(j->pool, "/dossiers/%lld/profil?enregistre=oui", (long long)s->file));
	return show(j, e);
}

static struct arg texts_arg(struct job *j, const struct values *v, const char *name)
{
	const char *const *list;
	const char **filled;
	size_t n = values_all(v, name, &list), k = 0;

	filled = POOL_ARRAY(j->pool, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		if (*list[i])
			filled[k++] = list[i];
	return arg_texts(j->pool, filled, k);
}

static const char *or_null(const char *s)
{
	return *s ? s : NULL;
}

int profile_save_answer(struct job *j, struct err *e)
{
	struct profile_state *s = j->state;
	const struct rows *r = job_rows(j, s->row);
	const struct form *f = form_get("profile");
	struct values all, sent, good;
	bool confirm;

	if (!rows_count(r))
		return fail(e, ERR_MISSING, "profile.missing");
	if (job_unread(j, e))
		return -1;
	confirm = str_eq(values_text(&j->sent, "confirm"), "true");
	values_remove(&j->sent, "confirm");
	if (confirm && !j->sent.count) {
		s->saved = job_ask(j, &profile_confirm, ARGS(arg_i64(j->pool, s->file)));
		s->row = job_ask(j, &profile_read, ARGS(arg_i64(j->pool, s->file)));
		job_then(j, saved);
		return 0;
	}
	/* Any subset: what was not sent stays. */
	all = kept(j, r);
	sent = values_in(j->pool);
	good = values_in(j->pool);
	form_validate(f, &j->sent, day_in_paris(j->now), FORM_SYNTAX, &sent, &s->problems);
	form_merge(f, &all, &sent);
	if (!s->problems.count)
		form_validate(f, &all, day_in_paris(j->now), FORM_COMPLETE, &good, &s->problems);
	if (s->problems.count)
		return j->json ? job_problems(j, &s->problems) : show(j, e);
	s->saved =
		job_ask(j, &profile_save,
			ARGS(arg_i64(j->pool, s->file), texts_arg(j, &good, "public[]"),
			     texts_arg(j, &good, "languages[]"), arg_bool(str_eq(values_text(&good, "remote"), "true")),
			     arg_text(or_null(values_text(&good, "website"))),
			     arg_bool(str_eq(values_text(&good, "show_email"), "true")),
			     arg_bool(str_eq(values_text(&good, "show_phone"), "true")),
			     arg_text(or_null(values_text(&good, "unavailable_until")))));
	s->row = job_ask(j, &profile_read, ARGS(arg_i64(j->pool, s->file)));
	job_then(j, saved);
	return 0;
}
