#include "facts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../server/base/str.h"
#include "items.h"

static bool is_me(const struct identity *who, const char *actor)
{
	char mine[40];

	if (!actor)
		return false;
	if (who->agent)
		snprintf(mine, sizeof mine, "agent:%lld", (long long)who->agent);
	else
		snprintf(mine, sizeof mine, "account:%lld", (long long)who->account);
	return str_eq(mine, actor);
}

static bool has_caisse(const struct identity *who, const char *caisse)
{
	for (size_t i = 0; caisse && i < who->caisse_count; i++)
		if (str_eq(who->caisses[i], caisse))
			return true;
	return false;
}

void facts_read(const struct rows *file, const struct rows *more, const struct identity *who, instant_t now,
		const struct policy *policy, facts_expert_on *expert_on, const void *context, struct facts *out)
{
	const char *caisse = rows_text(file, 0, "caisse"), *route = rows_text(file, 0, "route_caisse");
	const char *mode = rows_str(file, 0, "practice_mode"), *parent = rows_text(more, 0, "parent_state");
	instant_t deadline = rows_instant(file, 0, "deadline"), acted = rows_instant(file, 0, "holder_acted_at");
	instant_t deposited = rows_instant(file, 0, "deposited_at"), decided = rows_instant(file, 0, "decided_at"),
		  told;
	day_t effective = rows_day(file, 0, "effective_date");
	struct facts f = {
		.state = state_from_id(rows_str(file, 0, "state")),
		.kind = str_eq(rows_str(file, 0, "kind"), "amendment") ? KIND_AMENDMENT : KIND_CONVENTION,
		.eligible = rows_bool(file, 0, "eligible"),
		.has_caisse = caisse != NULL,
		.has_employer = *mode && !str_eq(mode, "liberal"),
		.return_to = rows_null(file, 0, "return_to") ? ST_NONE : state_from_id(rows_str(file, 0, "return_to")),
		.was_suspended = rows_bool(file, 0, "was_suspended"),
		.role = (enum role)who->role,
		.actor = who->agent ? who->agent : who->account,
		.owns_file = who->account && rows_i64(file, 0, "account") == who->account,
		.of_its_caisse = has_caisse(who, caisse),
		.may_sign = who->may_sign,
		.held = !rows_null(file, 0, "holder"),
		.route_known = route != NULL,
		.route_changed = caisse && !str_eq(route, rows_text(file, 0, "routed_as")) && !str_eq(route, caisse),
		.two_experts = policy->two_experts != 0,
		.deadline_passed = deadline != INSTANT_NONE && now >= deadline,
		.appealed_before = rows_bool(file, 0, "appealed"),
	};

	f.eligible |= f.kind == KIND_AMENDMENT; /* inherited of its parent's convention */
	f.holds_it = f.held && who->agent && rows_i64(file, 0, "holder") == who->agent;
	if (f.held && acted != INSTANT_NONE)
		f.holder_idle = day_working_between(day_in_paris(acted), day_in_paris(now)) >= policy->take_over_days;
	f.term_reached = f.state == ST_CONVENTIONED && effective != DAY_NONE && f.deadline_passed;
	f.expert_policy = deposited != INSTANT_NONE && expert_on && expert_on(context, day_in_paris(deposited));
	told = notified_at(decided, rows_instant(file, 0, "notified_at"), now, policy);
	f.appeal_in_time = told == INSTANT_NONE || now <= appeal_limit(told);
	f.refused_by_role = rows_null(file, 0, "refused_by") ? NOBODY : role_from_id(rows_str(file, 0, "refused_by"));

	f.applicant_signed = rows_bool(more, 0, "applicant_signed");
	f.employer_signed = rows_bool(more, 0, "employer_signed");
	f.employer_offered = rows_bool(more, 0, "employer_offered");
	f.checks_run = rows_i64(more, 0, "checks_count") > 0 &&
		       rows_i64(more, 0, "checks_seq") == rows_i64(more, 0, "submit_seq");
	f.any_fail_unmaintained = rows_bool(more, 0, "any_fail");
	f.any_unavailable_recent = rows_bool(more, 0, "any_recent");
	f.any_in_question = !rows_null(more, 0, "in_question");
	f.proposed = rows_bool(more, 0, "proposed");
	f.proposed_by_me = f.proposed && is_me(who, rows_text(more, 0, "proposed_by"));
	f.refused_by_me = is_me(who, rows_text(file, 0, "refused_actor")) ||
			  (f.refused_by_role == EXPERT && is_me(who, rows_text(more, 0, "proposed_by")));
	f.digest_ready = rows_bool(more, 0, "digest_ready");
	f.digest_unchanged = rows_bool(more, 0, "digest_there");
	f.parent_conventioned = !parent || str_eq(parent, "conventioned");
	f.parent_gone =
		parent && !str_eq(parent, "conventioned") && !str_eq(parent, "suspended") && !str_eq(parent, "leaving");
	f.open_child = rows_bool(more, 0, "open_child");
	f.warned_30_days = rows_bool(more, 0, "warned");
	f.findings_30_days = rows_bool(more, 0, "findings");
	*out = f;
}

size_t facts_pieces(const struct rows *more, struct pool *pool, struct piece_fact **out)
{
	char *text = pool_strdup(pool, rows_str(more, 0, "pieces")), *save = NULL;
	size_t n = 0, max = 1;

	for (const char *c = text; *c; c++)
		max += *c == ',';
	*out = POOL_ARRAY(pool, struct piece_fact, max);
	for (char *one = strtok_r(text, ",", &save); one; one = strtok_r(NULL, ",", &save)) {
		const char *part[8];

		for (size_t i = 0; i < COUNT(part); i++) {
			part[i] = one ? strsep(&one, "|") : "";
			if (!part[i])
				part[i] = "";
		}
		(*out)[n++] = (struct piece_fact){
			.id = strtoll(part[0], NULL, 10),
			.kind = part[1],
			.for_row = part[2],
			.scan = part[3],
			.opened = *part[4] == '1',
			.reasoned = *part[5] == '1',
			.recent = *part[6] == '1',
			.problem = part[7],
		};
	}
	return n;
}

bool facts_piece_changed(const struct rows *more, struct pool *pool, const char *item_field, const char *item_piece)
{
	char *taken = pool_strdup(pool, rows_str(more, 0, "taken")), *save = NULL;
	struct piece_fact *pieces;
	size_t n = facts_pieces(more, pool, &pieces);

	for (size_t i = 0; i < n; i++)
		if (pieces[i].recent && item_unlocks_piece(item_field, item_piece, pieces[i].kind, pieces[i].for_row))
			return true;
	for (char *row = strtok_r(taken, ",", &save); row; row = strtok_r(NULL, ",", &save)) {
		const char *kind = strsep(&row, "|");

		if (item_unlocks_piece(item_field, item_piece, kind, row))
			return true;
	}
	return false;
}
