#include <string.h>

#include "../../db/agent_file.h"
#include "../../db/agents.h"
#include "../base/log.h"
#include "../base/str.h"
#include "../text.h"
#include "agents.h"

/* ---- accounts of agents ---- */

struct agent_row {
	const char *name, *email, *role, *scope, *sign, *certificate, *state;
};
static const struct slot agent_slots[] = {
	SLOT_T(struct agent_row, name),  SLOT_T(struct agent_row, email), SLOT_T(struct agent_row, role),
	SLOT_T(struct agent_row, scope), SLOT_T(struct agent_row, sign),  SLOT_T(struct agent_row, certificate),
	SLOT_T(struct agent_row, state),
};
static const struct view agent_view = VIEW(struct agent_row, agent_slots);
struct taken {
	const char *when, *who, *what;
	int64_t rows;
};
static const struct slot taken_slots[] = {
	SLOT_T(struct taken, when),
	SLOT_T(struct taken, who),
	SLOT_T(struct taken, what),
	SLOT_I(struct taken, rows),
};
static const struct view taken_view = VIEW(struct taken, taken_slots);
struct agents_view {
	struct list agents, exports;
	bool any_exports;
};
static const struct slot agents_slots[] = {
	SLOT_L(struct agents_view, agents, &agent_view),
	SLOT_L(struct agents_view, exports, &taken_view),
	SLOT_B(struct agents_view, any_exports),
};
static const struct view agents_view = VIEW(struct agents_view, agents_slots);
static const struct page agents_page = { "server/pages/agents.html", &agents_view };
PAGE(agents_page);

struct agents_state {
	size_t list, exports;
};

int agents_list_ask(struct job *j, struct err *e)
{
	struct agents_state *s = j->state = POOL_NEW(j->pool, struct agents_state);

	(void)e;
	s->list = job_ask(j, &agents_list, NO_ARGS);
	s->exports = job_ask(j, &agents_exports, NO_ARGS);
	return 0;
}

static int agents_json(struct job *j, const struct rows *r)
{
	struct json out = json_in(j->pool);

	json_obj(&out);
	json_key(&out, "items");
	json_arr(&out);
	for (size_t i = 0; i < rows_count(r); i++) {
		char *codes = pool_strdup(j->pool, rows_str(r, i, "codes")), *save = NULL;

		json_obj(&out);
		json_ki(&out, "id", rows_i64(r, i, "id"));
		json_kt(&out, "role", rows_str(r, i, "role"));
		json_kt(&out, "name", rows_str(r, i, "name"));
		json_kt(&out, "email", rows_str(r, i, "email"));
		json_kt(&out, "region", rows_text(r, i, "region"));
		json_key(&out, "caisses");
		json_arr(&out);
		for (char *code = strtok_r(codes, ",", &save); code; code = strtok_r(NULL, ",", &save))
			json_text(&out, code);
		json_end(&out);
		json_kb(&out, "may_sign", rows_bool(r, i, "may_sign"));
		json_kb(&out, "active", rows_bool(r, i, "active"));
		json_ki(&out, "certificates", rows_i64(r, i, "certificates"));
		json_kinstant(&out, "not_after", rows_instant(r, i, "not_after"));
		json_end(&out);
	}
	json_end(&out);
	json_key(&out, "next");
	json_nil(&out);
	json_ki(&out, "total", (int64_t)rows_count(r));
	json_end(&out);
	return job_json(j, 200, &out);
}

int agents_list_answer(struct job *j, struct err *e)
{
	const struct agents_state *s = j->state;
	const struct rows *r = job_rows(j, s->list), *x = job_rows(j, s->exports);
	struct agent_row *agents = POOL_ARRAY(j->pool, struct agent_row, rows_count(r) + 1);
	struct taken *exports = POOL_ARRAY(j->pool, struct taken, rows_count(x) + 1);
	const struct agents_view view = {
		.agents = { agents, rows_count(r) },
		.exports = { exports, rows_count(x) },
		.any_exports = rows_count(x) > 0,
	};

	(void)e;
	if (j->json)
		return agents_json(j, r);
	for (size_t i = 0; i < rows_count(r); i++) {
		instant_t until = rows_instant(r, i, "not_after");

		agents[i] = (struct agent_row){
			.name = rows_str(r, i, "name"),
			.email = rows_str(r, i, "email"),
			.role = text2("role", rows_str(r, i, "role")),
			.scope = !rows_null(r, i, "caisses")       ? rows_str(r, i, "caisses")
				 : !rows_null(r, i, "region_name") ? rows_str(r, i, "region_name")
								   : "National",
			.sign = rows_bool(r, i, "may_sign") ? "Oui" : "Non",
			.certificate = rows_i64(r, i, "certificates") && until != INSTANT_NONE
					       ? pool_printf(j->pool, "Valable jusqu’au %s",
							     day_french(j->pool, day_in_paris(until)))
					       : "Aucun certificat valable",
			.state = rows_bool(r, i, "active") ? "Actif" : "Fermé",
		};
	}
	for (size_t i = 0; i < rows_count(x); i++)
		exports[i] = (struct taken){
			.when = instant_french(j->pool, rows_instant(x, i, "at")),
			.who = rows_null(x, i, "name") ? "–" : rows_str(x, i, "name"),
			.what = rows_str(x, i, "what"),
			.rows = rows_i64(x, i, "rows"),
		};
	return job_page(j, 200, "Comptes des agents", &agents_page, &view);
}

/* ---- settings, secrets masked ---- */

struct settings_view {
	const char *print;
};
static const struct slot settings_slots[] = { SLOT_T(struct settings_view, print) };
static const struct view settings_view = VIEW(struct settings_view, settings_slots);
static const struct page settings_page = { "server/pages/settings.html", &settings_view };
PAGE(settings_page);

int settings_show_answer(struct job *j, struct err *e)
{
	const struct settings_view view = { settings_print(&j->service->settings, false, j->pool) };
	struct json out = json_in(j->pool);

	(void)e;
	if (!j->json)
		return job_page(j, 200, "Réglages du service", &settings_page, &view);
	json_raw(&out, settings_print(&j->service->settings, true, j->pool));
	return job_json(j, 200, &out);
}

/* ---- the routing table put right ---- */

struct correcting {
	size_t done;
	const char *code, *caisse;
};

static int corrected(struct job *j, struct err *e)
{
	const struct correcting *c = j->state;
	int64_t file = 0;
	struct json out = json_in(j->pool);

	if (!rows_affected(job_rows(j, c->done)))
		return fail_field(e, "commune.unknown", "caisse");
	log_event(LOG_INFO, "commune.corrected", "commune", c->code, "caisse", c->caisse, "agent",
		  pool_printf(j->pool, "%lld", (long long)j->who.agent));
	if (!j->json)
		return job_redirect(
			j, !str_to_i64(values_text(&j->sent, "dossier"), &file) && file > 0
				   ? pool_printf(j->pool, "/dossiers/%lld?action=route#action", (long long)file)
				   : "/dossiers?etat=unrouted");
	json_obj(&out);
	json_kt(&out, "commune", c->code);
	json_kt(&out, "caisse", c->caisse);
	json_end(&out);
	return job_json(j, 200, &out);
}

int commune_correct_answer(struct job *j, struct err *e)
{
	struct correcting *c = j->state = POOL_NEW(j->pool, struct correcting);

	*c = (struct correcting){ .code = job_param(j, "code"), .caisse = values_text(&j->sent, "caisse") };
	if (job_unread(j, e))
		return -1;
	if (!*c->caisse)
		return fail_field(e, "commune.caisse_missing", "caisse");
	c->done = job_ask(j, &commune_correct, ARGS(arg_text(c->code), arg_text(c->caisse)));
	job_then(j, corrected);
	return 0;
}
