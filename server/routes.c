#include "routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages/agents.h"
#include "pages/applicant.h"
#include "pages/directory.h"
#include "pages/dossiers.h"
#include "pages/pages.h"
#include "pages/statistics.h"
#include "pages/takeout.h"

/* No role, no service: a row for nobody does not compile. */
#define SOMEBODY(who) ((who) + 0 * sizeof(char[(who) ? 1 : -1]))
#define ROW(m, at, on, roles, in, asks, answers, ...)                                                              \
	{                                                                                                          \
		.method = METHOD_##m, .path = at, .listener = on, .who = SOMEBODY(roles), .lane = in, .ask = asks, \
		.answer = answers, __VA_ARGS__                                                                     \
	}
#define ALL (VISITOR)
#define FAST LANE_FAST
#define WRITE LANE_WRITE
#define SLOW LANE_SLOW

/* clang-format off */
const struct route routes[] = {
	/* method path             listener who  lane  ask   answer           more */
	ROW(GET,  "/static/*",     BOTH,   ALL, FAST, NULL, static_answer,   .bare = true, .doc = "Feuilles de style, polices, images"),
	ROW(GET,  "/healthz",      BOTH,   ALL, FAST, NULL, healthz_answer,  .bare = true, .doc = "Le programme répond"),
	ROW(GET,  "/readyz",       BOTH,   ALL, FAST, NULL, readyz_answer,   .bare = true, .doc = "Le programme et sa base répondent"),
	ROW(GET,  "/openapi.json", BOTH,   ALL, FAST, NULL, openapi_answer,  .bare = true, .doc = "Ce document"),
	ROW(GET,  "/metrics",      AGENTS, ALL, FAST, NULL, metrics_answer,  .bare = true, .certified = true, .doc = "Mesures pour Prometheus"),
	ROW(GET,  "/",                   PUBLIC, ALL,       FAST,  NULL, home_answer,          .kept_ms = ROUTE_FOREVER, .doc = "Accueil"),
	ROW(GET,  "/eligibilite",        PUBLIC, ALL,       FAST,  NULL, eligibility_answer,   .doc = "Puis-je participer ?"),
	ROW(GET,  "/accessibilite",      BOTH,   ALL,       FAST,  NULL, accessibility_answer, .kept_ms = ROUTE_FOREVER, .doc = "Déclaration d’accessibilité"),
	ROW(GET,  "/mentions-legales",   BOTH,   ALL,       FAST,  NULL, legal_answer,         .kept_ms = ROUTE_FOREVER, .doc = "Mentions légales"),
	ROW(GET,  "/donnees-personnelles", BOTH, ALL,       FAST,  NULL, personal_data_answer, .kept_ms = ROUTE_FOREVER, .doc = "Données personnelles"),
	ROW(GET,  "/annuaire",           PUBLIC, ALL,       FAST,  directory_ask, directory_answer, .kept_ms = 500, .standby = true, .doc = "Annuaire des psychologues conventionnés"),
	ROW(GET,  "/communes",           BOTH,   ALL,       FAST,  communes_ask, communes_answer, .standby = true, .doc = "Communes par code postal ou début de nom"),
	ROW(GET,  "/statistiques",       PUBLIC, ALL,       SLOW,  statistics_ask, statistics_answer, .standby = true, .doc = "Chiffres publics"),
	ROW(GET,  "/statistiques.csv",   PUBLIC, ALL,       SLOW,  statistics_ask, statistics_csv_answer, .standby = true, .doc = "Chiffres publics, CSV"),
	ROW(GET,  "/statistiques.xlsx",  PUBLIC, ALL,       SLOW,  statistics_ask, statistics_xlsx_answer, .standby = true, .doc = "Chiffres publics, XLSX"),
	ROW(GET,  "/statistiques",       AGENTS, EXPERT | DELEGATE | REGION | ADMIN, SLOW, statistics_ask, statistics_answer, .doc = "Chiffres complets de son périmètre"),
	ROW(GET,  "/statistiques.csv",   AGENTS, EXPERT | DELEGATE | REGION | ADMIN, SLOW, statistics_ask, statistics_csv_answer, .doc = "Chiffres complets, CSV"),
	ROW(GET,  "/statistiques.xlsx",  AGENTS, EXPERT | DELEGATE | REGION | ADMIN, SLOW, statistics_ask, statistics_xlsx_answer, .doc = "Chiffres complets, XLSX"),
	ROW(POST, "/dossiers",           PUBLIC, APPLICANT, WRITE, dossier_start_ask, dossier_start_answer, .doc = "Commence un dossier, ou redonne le brouillon ouvert"),
	ROW(GET,  "/dossiers",           PUBLIC, APPLICANT, FAST,  dossier_list_ask, dossier_list_answer, .doc = "Mes dossiers"),
	ROW(GET,  "/dossiers/:id",       BOTH,   APPLICANT | EXPERT | DELEGATE | ADMIN, FAST, dossier_ask, dossier_answer, .doc = "Un dossier"),
	ROW(POST, "/dossiers/:id/reponses", PUBLIC, APPLICANT, WRITE, reponses_ask, reponses_answer, .form = "application", .doc = "Enregistre une partie des réponses"),
	ROW(POST, "/dossiers/:id/evenements/:event", BOTH, APPLICANT | EXPERT | DELEGATE | ADMIN, WRITE, evenement_ask, evenement_answer, .doc = "Un événement du dossier"),
	/* the psychologist's account */
	ROW(GET,  "/compte",                      PUBLIC, ALL, FAST,  NULL, account_new_answer, .doc = "Créer un compte ; pour qui est en session, le sien"),
	ROW(POST, "/compte",                      PUBLIC, ALL, WRITE, NULL, account_create_answer, .form = "account", .doc = "Créer un compte : un message confirme l’adresse"),
	ROW(GET,  "/compte/mot-de-passe",         PUBLIC, ALL, FAST,  NULL, account_forgot_answer, .doc = "Mot de passe oublié"),
	ROW(POST, "/compte/mot-de-passe",         PUBLIC, ALL, WRITE, NULL, account_forgot_sent_answer, .form = "reset_request", .doc = "Recevoir un lien pour choisir un mot de passe"),
	ROW(GET,  "/compte/mot-de-passe/:token",  PUBLIC, ALL, FAST,  account_reset_ask, account_reset_answer, .doc = "Choisir un mot de passe"),
	ROW(POST, "/compte/mot-de-passe/:token",  PUBLIC, ALL, WRITE, account_reset_ask, account_reset_done_answer, .form = "reset", .doc = "Choisir un mot de passe"),
	ROW(GET,  "/compte/confirmation/:token",  PUBLIC, ALL, FAST,  account_confirm_ask, account_confirm_answer, .doc = "La page dont le bouton confirme l’adresse"),
	ROW(POST, "/compte/confirmation/:token",  PUBLIC, ALL, WRITE, NULL, account_confirmed_answer, .doc = "Confirmer l’adresse"),
	ROW(GET,  "/compte/changer-mot-de-passe", PUBLIC, APPLICANT, FAST,  NULL, password_change_answer, .doc = "Changer son mot de passe"),
	ROW(POST, "/compte/changer-mot-de-passe", PUBLIC, APPLICANT, WRITE, NULL, password_changed_answer, .form = "change_password", .doc = "Changer son mot de passe : les autres sessions prennent fin, celle-ci a un autre jeton ({token} en JSON)"),
	ROW(GET,  "/connexion",                   PUBLIC, ALL, FAST,  NULL, sign_in_answer, .doc = "Se connecter"),
	ROW(POST, "/connexion",                   PUBLIC, ALL, WRITE, NULL, sign_in_try_answer, .form = "sign_in", .doc = "Se connecter : {token} en JSON, un cookie pour un navigateur"),
	ROW(POST, "/deconnexion",                 PUBLIC, ALL, WRITE, NULL, sign_out_answer, .doc = "Se déconnecter"),
	/* agents */
	ROW(GET,  "/",                   AGENTS, EXPERT | DELEGATE | REGION | ADMIN, FAST, desk_ask, desk_answer, .doc = "Le bureau de son rôle"),
	ROW(GET,  "/dossiers",           AGENTS, EXPERT | DELEGATE | REGION | ADMIN, SLOW, queue_ask, queue_answer, .doc = "Les dossiers de son périmètre"),
	ROW(GET,  "/dossiers.csv",       AGENTS, EXPERT | DELEGATE | ADMIN, SLOW, queue_csv_ask, queue_csv_answer, .doc = "La même liste, CSV"),
	ROW(GET,  "/dossiers.xlsx",      AGENTS, EXPERT | DELEGATE | ADMIN, SLOW, queue_xlsx_ask, queue_xlsx_answer, .doc = "La même liste, XLSX"),
	ROW(POST, "/dossiers/suivant",   AGENTS, DELEGATE, WRITE, queue_next_ask, queue_next_answer, .doc = "Prend en charge le dossier le plus ancien que personne ne suit"),
	ROW(GET,  "/dossiers/:id/pieces/:piece", AGENTS, EXPERT | DELEGATE, WRITE, piece_agent_ask, piece_agent_answer, .doc = "Une pièce ; son ouverture est inscrite"),
	ROW(POST, "/dossiers/:id/pieces/:piece/ouvrir", AGENTS, EXPERT | DELEGATE, WRITE, piece_open_ask, piece_open_answer, .doc = "Une pièce avant son analyse, avec une raison"),
	ROW(POST, "/dossiers/:id/preparer/:event", AGENTS, EXPERT | DELEGATE, FAST, rows_ask, rows_answer, .doc = "Un formulaire avec une ligne de plus ou de moins ; rien n’est décidé"),
	ROW(GET,  "/dossiers/:id/convention.pdf", AGENTS, DELEGATE, FAST, convention_pdf_ask, convention_pdf_answer, .doc = "La convention à contresigner ou en vigueur"),
	ROW(GET,  "/anomalies",          AGENTS, EXPERT | DELEGATE | ADMIN, SLOW, anomalies_ask, anomalies_answer, .doc = "Dossiers bloqués, situations impossibles"),
	ROW(GET,  "/agents",             AGENTS, ADMIN, FAST, agents_list_ask, agents_list_answer, .doc = "Comptes des agents"),
	ROW(GET,  "/reglages",           AGENTS, ADMIN, FAST, NULL, settings_show_answer, .doc = "Réglages, secrets masqués"),
	ROW(POST, "/communes/:code",     AGENTS, ADMIN, WRITE, NULL, commune_correct_answer, .doc = "Corrige la caisse d’une commune"),
	/* the psychologist's file: steps, pieces, what one may do */
	ROW(GET,  "/dossiers/:id/etapes/:step",         PUBLIC, APPLICANT, FAST,  step_ask, step_answer, .doc = "Une étape de la candidature"),
	ROW(POST, "/dossiers/:id/etapes/:step",         PUBLIC, APPLICANT, WRITE, step_ask, step_save_answer, .form = "application", .doc = "Enregistre une étape et passe à la suivante"),
	ROW(GET,  "/dossiers/:id/etapes/:step/pieces",  PUBLIC, APPLICANT, FAST,  step_pieces_ask, step_pieces_answer, .doc = "Les pièces d’une étape"),
	ROW(GET,  "/dossiers/:id/resume",               PUBLIC, APPLICANT, FAST,  resume_ask, resume_answer, .doc = "Tout le dossier, ce qui manque, l’envoi"),
	ROW(GET,  "/dossiers/:id/evenements/:event",    PUBLIC, APPLICANT, FAST,  action_ask, action_answer, .doc = "La page d’une action : ce qu’elle entraîne et son formulaire"),
	ROW(POST, "/dossiers/:id/pieces",               PUBLIC, APPLICANT, WRITE, piece_in_ask, piece_in_answer, .upload = true, .doc = "Dépose une pièce : kind, for, file (multipart, 10 Mo au plus)"),
	ROW(POST, "/dossiers/:id/envois",               PUBLIC, APPLICANT, WRITE, upload_start_ask, upload_start_answer, .heads = "Upload-Length", .doc = "Commence l’envoi d’une pièce par tranches : kind, for, name"),
	ROW(GET,  "/dossiers/:id/envois/:upload",       PUBLIC, APPLICANT, FAST,  upload_ask, upload_answer, .doc = "Où en est un envoi : Upload-Offset"),
	ROW(PATCH, "/dossiers/:id/envois/:upload",      PUBLIC, APPLICANT, WRITE, upload_ask, upload_append_answer, .slice = true, .heads = "Upload-Offset, Upload-Complete", .doc = "La tranche suivante ; la dernière (Upload-Complete: ?1) dépose la pièce"),
	ROW(GET,  "/dossiers/:id/pieces/:piece",        PUBLIC, APPLICANT, SLOW,  piece_out_ask, piece_out_answer, .doc = "Une pièce"),
	ROW(DELETE, "/dossiers/:id/pieces/:piece",      PUBLIC, APPLICANT, WRITE, piece_away_ask, piece_away_answer, .doc = "Retire une pièce"),
	ROW(POST, "/dossiers/:id/pieces/:piece/supprimer", PUBLIC, APPLICANT, WRITE, piece_away_ask, piece_away_answer, .doc = "Retire une pièce (formulaire)"),
	ROW(GET,  "/dossiers/:id/convention.pdf",       PUBLIC, APPLICANT, FAST,  convention_pdf_ask, convention_pdf_answer, .doc = "La convention à signer ou en vigueur"),
	ROW(GET,  "/dossiers/:id/recepisse.pdf",        PUBLIC, APPLICANT, FAST,  receipt_ask, receipt_answer, .doc = "Le récépissé du dépôt, avec l’empreinte de ce qui fut envoyé"),
	ROW(GET,  "/dossiers/:id/historique.json",      PUBLIC, APPLICANT, FAST,  history_ask, history_answer, .doc = "L’historique, vérifiable hors ligne (enrollctl audit verify)"),
	ROW(POST, "/dossiers/:id/code",                 PUBLIC, APPLICANT, WRITE, code_ask, code_answer, .doc = "Envoie le code de signature"),
	ROW(GET,  "/dossiers/:id/profil",               PUBLIC, APPLICANT, FAST,  profile_ask, profile_answer, .doc = "La fiche de l’annuaire"),
	ROW(POST, "/dossiers/:id/profil",               PUBLIC, APPLICANT, WRITE, profile_ask, profile_save_answer, .form = "profile", .doc = "Modifie ou confirme la fiche de l’annuaire"),
	ROW(GET,  "/messages",                          PUBLIC, APPLICANT, FAST,  NULL, messages_answer, .doc = "La messagerie"),
	ROW(GET,  "/messages/:id",                      PUBLIC, APPLICANT, WRITE, NULL, message_answer, .doc = "Un message"),
	/* the employer of a three-party convention, by its link */
	ROW(GET,  "/convention/:token",                 PUBLIC, ALL | EMPLOYER, FAST,  employer_ask, employer_answer, .doc = "La convention, pour l’employeur"),
	ROW(GET,  "/convention/:token/convention.pdf",  PUBLIC, ALL | EMPLOYER, FAST,  employer_ask, employer_pdf_answer, .doc = "Le texte de la convention, pour l’employeur"),
	ROW(POST, "/convention/:token/code",            PUBLIC, ALL | EMPLOYER, WRITE, employer_ask, employer_code_answer, .doc = "Envoie le code de signature à l’employeur"),
	ROW(POST, "/convention/:token/evenements/:event", PUBLIC, ALL | EMPLOYER, WRITE, employer_ask, employer_event_answer, .form = "sign", .doc = "employer_sign, employer_decline"),
	ROW(GET,  "/mes-donnees.zip",                   PUBLIC, APPLICANT, SLOW,  my_data_ask, my_data_answer, .doc = "Toutes mes données : JSON, pièces, historique vérifiable"),
};
/* clang-format on */
const size_t route_count = sizeof routes / sizeof routes[0];

const char *method_name(enum method m)
{
	static const char *const names[] = { "GET", "POST", "DELETE", "PATCH", "HEAD", "OTHER" };
	return names[m];
}

/* One path against one pattern; parameters are left as they were sent. */
static bool matches(const char *pattern, const char *path, struct route_params *params, struct pool *pool)
{
	params->count = 0;
	while (*pattern) {
		if (*pattern == '*' && !pattern[1]) {
			if (!*path || params->count == COUNT(params->items))
				return false;
			params->items[params->count].name = "*";
			params->items[params->count++].value =
				pool ? url_decode(pool, path, strlen(path), false) : path;
			return true;
		}
		if (*pattern == ':') {
			size_t name = strcspn(pattern, "/"), value = strcspn(path, "/");
			if (!value || params->count == COUNT(params->items))
				return false;
			if (pool) {
				params->items[params->count].name = pool_strndup(pool, pattern + 1, name - 1);
				params->items[params->count].value = url_decode(pool, path, value, false);
			}
			params->count++;
			pattern += name;
			path += value;
			continue;
		}
		if (*pattern++ != *path++)
			return false;
	}
	return !*path;
}

static bool decoded(const struct route_params *params)
{
	for (size_t i = 0; i < params->count; i++)
		if (!params->items[i].value)
			return false;
	return true;
}

const struct route *route_find(enum method m, enum listener l, const char *path, struct pool *pool,
			       struct route_params *params, int *status, const char **allow)
{
	struct str methods = str_in(pool);
	enum method wanted = m == METHOD_HEAD ? METHOD_GET : m;
	unsigned told = 0;
	for (size_t i = 0; i < route_count; i++) {
		const struct route *r = &routes[i];
		if (!(r->listener & l) || !matches(r->path, path, params, NULL))
			continue;
		if (r->method == wanted) {
			(void)matches(r->path, path, params, pool);
			if (decoded(params))
				return r;
			break;
		}
		if (!(told & 1U << r->method)) {
			str_addf(&methods, "%s%s", told ? ", " : "", method_name(r->method));
			told |= 1U << r->method;
		}
	}
	params->count = 0;
	*status = told ? 405 : 404;
	*allow = methods.s;
	return NULL;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *routes_print(struct pool *pool)
{
	static const char *const lanes[] = { "fast", "write", "slow" };
	const char **lines = POOL_ARRAY(pool, const char *, route_count + 1);
	struct str out = str_in(pool);
	for (size_t i = 0; i < route_count; i++) {
		const struct route *r = &routes[i];
		struct str roles = str_in(pool);
		for (unsigned bit = 1; bit <= SYSTEM; bit <<= 1)
			if (r->who & bit)
				str_addf(&roles, "%s%s", roles.len ? "," : "", role_id((enum role)bit));
		lines[i] = pool_printf(pool, "%s %s %s %s %s%s%s\n", r->path, method_name(r->method),
				       r->listener == BOTH     ? "both"
				       : r->listener == PUBLIC ? "public"
							       : "agents",
				       roles.s,
				       r->certified ? "bare certified"
				       : r->bare    ? "bare"
						    : lanes[r->lane],
				       r->form ? " form=" : "", r->form ? r->form : "");
	}
	qsort(lines, route_count, sizeof *lines, by_text);
	for (size_t i = 0; i < route_count; i++)
		str_add(&out, lines[i]);
	return out.s;
}
