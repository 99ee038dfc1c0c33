#include "../../db/queue.h"
#include "../base/str.h"
#include "../text.h"
#include "agents.h"

struct card {
	const char *title, *url, *number, *more;
	bool late;
};
static const struct slot card_slots[] = {
	SLOT_T(struct card, title), SLOT_T(struct card, url),  SLOT_T(struct card, number),
	SLOT_T(struct card, more),  SLOT_B(struct card, late),
};
static const struct view card_view = VIEW(struct card, card_slots);
struct desk_view {
	const char *name, *role, *scope;
	bool delegate, admin, region;
	struct list cards;
	struct markup hidden;
};
static const struct slot desk_slots[] = {
	SLOT_T(struct desk_view, name),
	SLOT_T(struct desk_view, role),
	SLOT_T(struct desk_view, scope),
	SLOT_B(struct desk_view, delegate),
	SLOT_B(struct desk_view, admin),
	SLOT_B(struct desk_view, region),
	SLOT_L(struct desk_view, cards, &card_view),
	SLOT_M(struct desk_view, hidden),
};
static const struct view desk_view = VIEW(struct desk_view, desk_slots);
static const struct page desk_page = { "server/pages/desk.html", &desk_view };
PAGE(desk_page);

struct desk_state {
	size_t counts, caisses, region;
};

static int64_t count_of(const struct rows *r, const char *state, const char *column)
{
	for (size_t i = 0; i < rows_count(r); i++)
		if (str_eq(rows_str(r, i, "state"), state))
			return rows_i64(r, i, column);
	return 0;
}

static void card(struct desk_view *v, struct card *cards, struct card c)
{
	cards[v->cards.count++] = c;
}

static void delegate_cards(struct job *j, const struct rows *r, struct desk_view *v, struct card *cards)
{
	int64_t late = count_of(r, "in_review", "overdue");

	card(v, cards,
	     (struct card){ "À prendre en charge", "/dossiers?etat=in_review",
			    number_text(j->pool, count_of(r, "in_review", "unheld")),
			    late ? pool_printf(j->pool, "%lld au-delà de la cible de %d\u00a0jours ouvrés",
					       (long long)late, policy_now(j->service)->review_target)
				 : pool_printf(j->pool, "Aucun au-delà de la cible de %d\u00a0jours ouvrés",
					       policy_now(j->service)->review_target),
			    late > 0 });
	card(v, cards,
	     (struct card){ "Que vous suivez", "/dossiers?etat=in_review&tri=suivi",
			    number_text(j->pool, count_of(r, "in_review", "mine")), NULL, false });
	card(v, cards,
	     (struct card){ "À contresigner", "/dossiers?etat=to_countersign",
			    number_text(j->pool, count_of(r, "to_countersign", "n")),
			    j->who.may_sign ? NULL : "Vous n’avez pas la délégation de signature", false });
	card(v, cards,
	     (struct card){ "Recours", "/dossiers?etat=appealed", number_text(j->pool, count_of(r, "appealed", "n")),
			    "Une autre personne que celle qui a refusé les examine", false });
	card(v, cards,
	     (struct card){ "En attente de la personne", "/dossiers?etat=correction,to_sign",
			    number_text(j->pool, count_of(r, "correction", "n") + count_of(r, "to_sign", "n")),
			    "À compléter ou à signer", false });
	card(v, cards,
	     (struct card){ "Conventionnés", "/dossiers?etat=conventioned",
			    number_text(j->pool, count_of(r, "conventioned", "n")), NULL, false });
}

static void desk_cards(struct job *j, const struct rows *r, struct desk_view *v, struct card *cards)
{
	if (j->who.role == DELEGATE)
		delegate_cards(j, r, v, cards);
	if (j->who.role == EXPERT) {
		card(v, cards,
		     (struct card){ "Éligibilité à étudier", "/dossiers?etat=expert_review",
				    number_text(j->pool, count_of(r, "expert_review", "n")), NULL, false });
		card(v, cards,
		     (struct card){ "Recours", "/dossiers?etat=appealed",
				    number_text(j->pool, count_of(r, "appealed", "n")),
				    "Examinés par un autre expert que celui qui a refusé", false });
		card(v, cards,
		     (struct card){ "À compléter", "/dossiers?etat=correction",
				    number_text(j->pool, count_of(r, "correction", "n")), NULL, false });
	}
	if (j->who.role == ADMIN) {
		card(v, cards,
		     (struct card){ "À rattacher à une caisse", "/dossiers?etat=unrouted",
				    number_text(j->pool, count_of(r, "unrouted", "n")), NULL,
				    count_of(r, "unrouted", "n") > 0 });
		card(v, cards,
		     (struct card){ "Vérifications en cours", "/dossiers?etat=submitted",
				    number_text(j->pool, count_of(r, "submitted", "n")), NULL, false });
		card(v, cards,
		     (struct card){ "Chez les experts", "/dossiers?etat=expert_review",
				    number_text(j->pool, count_of(r, "expert_review", "n")), NULL, false });
		card(v, cards,
		     (struct card){ "En instruction", "/dossiers?etat=in_review",
				    number_text(j->pool, count_of(r, "in_review", "n")),
				    pool_printf(j->pool, "%lld au-delà de la cible",
						(long long)count_of(r, "in_review", "overdue")),
				    count_of(r, "in_review", "overdue") > 0 });
	}
}

static int desk_json(struct job *j, const struct rows *r)
{
	struct json out = json_in(j->pool);

	json_obj(&out);
	json_kt(&out, "role", role_id((enum role)j->who.role));
	json_kt(&out, "name", j->who.name);
	json_key(&out, "caisses");
	json_arr(&out);
	for (size_t i = 0; i < j->who.caisse_count; i++)
		json_text(&out, j->who.caisses[i]);
	json_end(&out);
	json_kt(&out, "region", j->who.region && *j->who.region ? j->who.region : NULL);
	json_kb(&out, "may_sign", j->who.may_sign);
	json_key(&out, "states");
	json_obj(&out);
	for (size_t i = 0; i < rows_count(r); i++) {
		json_key(&out, rows_str(r, i, "state"));
		json_obj(&out);
		json_ki(&out, "n", rows_i64(r, i, "n"));
		json_ki(&out, "unheld", rows_i64(r, i, "unheld"));
		json_ki(&out, "mine", rows_i64(r, i, "mine"));
		json_ki(&out, "overdue", rows_i64(r, i, "overdue"));
		json_kinstant(&out, "oldest", rows_instant(r, i, "oldest"));
		json_end(&out);
	}
	json_end(&out);
	json_end(&out);
	return job_json(j, 200, &out);
}

/* "CPAM de Lille-Douai, CPAM des Flandres": what the reader's rights cover. */
static const char *scope_of(struct job *j, const struct rows *caisses, const struct rows *region)
{
	struct str s = str_in(j->pool);

	for (size_t i = 0; i < j->who.caisse_count; i++)
		for (size_t k = 0; k < rows_count(caisses); k++)
			if (str_eq(rows_str(caisses, k, "code"), j->who.caisses[i]))
				str_addf(&s, "%s%s", s.len ? ", " : "", rows_str(caisses, k, "name"));
	return s.len ? s.s : rows_count(region) ? rows_str(region, 0, "name") : "National";
}

static int desk_shown(struct job *j, struct err *e)
{
	const struct desk_state *s = j->state;
	const struct rows *r = job_rows(j, s->counts);
	struct card *cards = POOL_ARRAY(j->pool, struct card, 8);
	struct desk_view view = {
		.name = j->who.name,
		.role = text2("role", role_id((enum role)j->who.role)),
		.scope = scope_of(j, job_rows(j, s->caisses), job_rows(j, s->region)),
		.delegate = j->who.role == DELEGATE,
		.admin = j->who.role == ADMIN,
		.region = j->who.role == REGION,
		.cards = { cards, 0 },
		.hidden = job_hidden(j, -1),
	};

	(void)e;
	if (j->json)
		return desk_json(j, r);
	desk_cards(j, r, &view, cards);
	return job_page(j, 200, "Votre bureau", &desk_page, &view);
}

int desk_ask(struct job *j, struct err *e)
{
	(void)e;
	j->state = POOL_NEW(j->pool, struct desk_state);
	return 0;
}

int desk_answer(struct job *j, struct err *e)
{
	struct desk_state *s = j->state;

	(void)e;
	s->counts =
		job_ask(j, &queue_counts,
			ARGS(arg_instant(j->pool, working_days_ago(j->now, policy_now(j->service)->review_target))));
	s->caisses = job_ask(j, &queue_caisses, NO_ARGS);
	s->region = job_ask(j, &queue_region, ARGS(arg_text(j->who.region)));
	job_then(j, desk_shown);
	return 0;
}
