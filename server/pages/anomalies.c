#include "../../db/anomaly.h"
#include "../base/str.h"
#include "../text.h"
#include "agents.h"

struct stuck {
	int64_t file;
	const char *what, *number, *name, *state, *tag, *caisse, *since;
	bool grave;
};
static const struct slot stuck_slots[] = {
	SLOT_I(struct stuck, file),   SLOT_T(struct stuck, what),  SLOT_T(struct stuck, number),
	SLOT_T(struct stuck, name),   SLOT_T(struct stuck, state), SLOT_T(struct stuck, tag),
	SLOT_T(struct stuck, caisse), SLOT_T(struct stuck, since), SLOT_B(struct stuck, grave),
};
static const struct view stuck_view = VIEW(struct stuck, stuck_slots);
struct rule {
	const char *what;
	int64_t n;
	const char *tag, *word;
};
static const struct slot rule_slots[] = {
	SLOT_T(struct rule, what),
	SLOT_I(struct rule, n),
	SLOT_T(struct rule, tag),
	SLOT_T(struct rule, word),
};
static const struct view rule_view = VIEW(struct rule, rule_slots);
struct anomalies_view {
	struct list items, rules;
	bool any;
	const char *count;
};
static const struct slot anomalies_slots[] = {
	SLOT_L(struct anomalies_view, items, &stuck_view),
	SLOT_L(struct anomalies_view, rules, &rule_view),
	SLOT_B(struct anomalies_view, any),
	SLOT_T(struct anomalies_view, count),
};
static const struct view anomalies_view = VIEW(struct anomalies_view, anomalies_slots);
static const struct page anomalies_page = { "server/pages/anomalies.html", &anomalies_view };
PAGE(anomalies_page);

struct anomalies_state {
	size_t list, invariants;
};

instant_t working_days_ago(instant_t now, int days)
{
	day_t today = day_in_paris(now), d = today;

	while (day_working_between(d, today) <= days)
		d--;
	return day_start_paris(d + 1);
}

static int anomalies_json(struct job *j, const struct rows *r, const struct rows *rules)
{
	struct json out = json_in(j->pool);

	json_obj(&out);
	json_key(&out, "items");
	json_arr(&out);
	for (size_t i = 0; i < rows_count(r); i++) {
		json_obj(&out);
		json_kt(&out, "kind", rows_str(r, i, "kind"));
		json_kt(&out, "text", text2("anomaly", rows_str(r, i, "kind")));
		json_ki(&out, "file", rows_i64(r, i, "file"));
		json_kt(&out, "number", rows_str(r, i, "number"));
		json_kt(&out, "state", rows_str(r, i, "state"));
		json_kt(&out, "caisse", rows_text(r, i, "caisse"));
		json_kinstant(&out, "since", rows_instant(r, i, "since"));
		json_end(&out);
	}
	json_end(&out);
	json_key(&out, "next");
	json_nil(&out);
	json_ki(&out, "total", (int64_t)rows_count(r));
	json_key(&out, "invariants");
	json_obj(&out);
	for (size_t i = 0; i < rows_count(rules); i++)
		json_ki(&out, rows_str(rules, i, "name"), rows_i64(rules, i, "n"));
	json_end(&out);
	json_end(&out);
	return job_json(j, 200, &out);
}

static int anomalies_shown(struct job *j, struct err *e)
{
	const struct anomalies_state *s = j->state;
	const struct rows *r = job_rows(j, s->list), *invariants = job_rows(j, s->invariants);
	size_t n = rows_count(r);
	struct stuck *items = POOL_ARRAY(j->pool, struct stuck, n + 1);
	struct rule *rules = POOL_ARRAY(j->pool, struct rule, rows_count(invariants) + 1);
	struct anomalies_view view = {
		.items = { items, n },
		.rules = { rules, rows_count(invariants) },
		.any = n > 0,
		.count = n == 1 ? "1\u00a0dossier demande un regard."
				: pool_printf(j->pool, "%zu\u00a0lignes demandent un regard.", n),
	};

	(void)e;
	if (j->json)
		return anomalies_json(j, r, invariants);
	for (size_t i = 0; i < n; i++) {
		instant_t since = rows_instant(r, i, "since");
		const char *name = str_trim(j->pool, pool_printf(j->pool, "%s %s", rows_str(r, i, "last_name"),
								 rows_str(r, i, "first_name")));

		items[i] = (struct stuck){
			.file = rows_i64(r, i, "file"),
			.what = text2("anomaly", rows_str(r, i, "kind")),
			.number = rows_str(r, i, "number"),
			.name = *name ? name : "Nom effacé",
			.state = text2("state", rows_str(r, i, "state")),
			.tag = state_tag(rows_str(r, i, "state")),
			.caisse = rows_null(r, i, "caisse_name") ? "Non rattaché" : rows_str(r, i, "caisse_name"),
			.since = since == INSTANT_NONE ? "–" : day_french(j->pool, day_in_paris(since)),
			.grave = str_starts(rows_str(r, i, "kind"), "invariant"),
		};
	}
	for (size_t i = 0; i < rows_count(invariants); i++) {
		int64_t count = rows_i64(invariants, i, "n");

		rules[i] = (struct rule){ text2("anomaly", rows_str(invariants, i, "name")), count,
					  count ? "msp-tag--error" : "msp-tag--ok", count ? "À corriger" : "Aucun" };
	}
	return job_page(j, 200, "Dossiers bloqués", &anomalies_page, &view);
}

int anomalies_ask(struct job *j, struct err *e)
{
	struct anomalies_state *s = j->state = POOL_NEW(j->pool, struct anomalies_state);

	(void)e;
	(void)s;
	return 0;
}

/* After the identity's segment: the working days are counted from the database's clock. */
int anomalies_answer(struct job *j, struct err *e)
{
	struct anomalies_state *s = j->state;
	const struct policy *p = policy_now(j->service);

	(void)e;
	s->list = job_ask(j, &anomaly_list,
			  ARGS(arg_instant(j->pool, working_days_ago(j->now, p->review_target)),
			       arg_instant(j->pool, working_days_ago(j->now, p->take_over_days)),
			       arg_i64(j->pool, p->unavailable_hours)));
	s->invariants = job_ask(j, &anomaly_invariants, NO_ARGS);
	job_then(j, anomalies_shown);
	return 0;
}
