#include <string.h>
#include "../server/base/json_write.h"
#include "../server/base/str.h"
#include "checks.h"

static const char *const check_ids[CHECKS] = {
	[CHECK_RPPS] = "rpps",           [CHECK_IDENTITY] = "identity",     [CHECK_ARS] = "ars",
	[CHECK_DIPLOMA] = "diploma",     [CHECK_EXPERIENCE] = "experience", [CHECK_DUPLICATE] = "duplicate",
	[CHECK_DOCUMENTS] = "documents", [CHECK_ADDRESS] = "address",
};
static const char *const result_ids[] = {
	[RESULT_PASS] = "pass",
	[RESULT_REVIEW] = "review",
	[RESULT_UNAVAILABLE] = "unavailable",
	[RESULT_FAIL] = "fail",
};

const char *check_id(enum check c)
{
	return c < CHECKS ? check_ids[c] : "";
}

enum check check_from_id(const char *id)
{
	for (size_t i = 0; id && i < CHECKS; i++)
		if (str_eq(check_ids[i], id))
			return (enum check)i;
	return CHECKS;
}

const char *result_id(enum result r)
{
	return r <= RESULT_FAIL ? result_ids[r] : "";
}

enum result result_from_id(const char *id)
{
	for (size_t i = 0; id && i <= RESULT_FAIL; i++)
		if (str_eq(result_ids[i], id))
			return (enum result)i;
	/* A word we do not know never lets a file through by itself. */
	return RESULT_REVIEW;
}

/* ---- départements (INSEE: 2A, 2B, 97x, else two digits) ---- */

static bool digits(const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (s[i] < '0' || s[i] > '9')
			return false;
	return true;
}

static bool corsica(const char *s)
{
	return s[0] == '2' && (s[1] == 'A' || s[1] == 'B');
}

/* 01 to 95 without the old 20, 2A, 2B, 97x, 98x. */
static bool is_departement(const char *s)
{
	size_t n = strlen(s);

	if (n == 2)
		return corsica(s) || (digits(s, 2) && strcmp(s, "00") > 0 && strcmp(s, "95") <= 0 && !str_eq(s, "20"));
	return n == 3 && digits(s, 3) && s[0] == '9' && (s[1] == '7' || s[1] == '8');
}

static const char *prefix(struct pool *pool, const char *code)
{
	const char *d = pool_strndup(pool, code, code[0] == '9' && (code[1] == '7' || code[1] == '8') ? 3 : 2);

	return is_departement(d) ? d : NULL;
}

const char *departement_of_commune(struct pool *pool, const char *code)
{
	if (!code || strlen(code) != 5 || !(digits(code, 5) || (corsica(code) && digits(code + 2, 3))))
		return NULL;
	return prefix(pool, code);
}

const char *departement_of_line(struct pool *pool, const char *commune, const char *departement, const char *postcode)
{
	const char *d = departement_of_commune(pool, commune);

	if (d)
		return d;
	if (departement && is_departement(departement))
		return pool_strdup(pool, departement);
	if (!postcode || strlen(postcode) != 5 || !digits(postcode, 5))
		return NULL;
	if (str_starts(postcode, "20")) /* Corsica: 200 and 201 are the south, the others the north */
		return postcode[2] < '2' ? "2A" : "2B";
	return prefix(pool, postcode);
}

/* ---- evidence: canonical JSON, the caller gives the keys in their order ---- */

static struct json evidence_in(struct pool *pool)
{
	struct json j = json_in(pool);

	json_obj(&j);
	return j;
}

static const char *evidence_end(struct json *j)
{
	json_end(j);
	return j->out.s;
}

/* An array of distinct texts in byte order: the registry's lines come in any order and repeat themselves. */
static void put_set(struct json *j, const char *name, const char **items, size_t count)
{
	for (size_t i = 1; i < count; i++)
		for (size_t k = i; k > 0 && strcmp(items[k - 1], items[k]) > 0; k--) {
			const char *t = items[k];

			items[k] = items[k - 1];
			items[k - 1] = t;
		}
	json_key(j, name);
	json_arr(j);
	for (size_t i = 0; i < count; i++) {
		if (!i || !str_eq(items[i], items[i - 1]))
			json_text(j, items[i]);
	}
	json_end(j);
}

/* ---- the checks ---- */

static void answer(struct check_result *r, enum result result, const char *reason)
{
	r->result = result;
	r->reason = reason;
}

static const char *registry_source(const struct check_input *in, struct pool *pool)
{
	return in->registry_there && in->registry_day != DAY_NONE
		       ? pool_printf(pool, "registre du %s", day_french(pool, in->registry_day))
		       : "registre";
}

static bool is_psychologist(const struct registry_line *l)
{
	return str_eq(l->profession, "93");
}

static void check_rpps(const struct check_input *in, struct pool *pool, struct check_result *r)
{
	struct json j = evidence_in(pool);
	int psychologist = 0;

	for (size_t i = 0; i < in->line_count; i++)
		psychologist += is_psychologist(&in->lines[i]);
	json_kb(&j, "available",
		in->registry_there); /* an opinion given without the registry is none on what it says */
	if (in->fhir_inactive)
		json_kb(&j, "inactive", true);
	json_ki(&j, "other_lines", (int)in->line_count - psychologist);
	json_ki(&j, "psychologist_lines", psychologist);
	json_kt(&j, "rpps", values_text(in->answers, "rpps"));
	r->evidence = evidence_end(&j);
	r->source = registry_source(in, pool);

	if (!in->registry_there)
		answer(r, RESULT_UNAVAILABLE, "registry_unavailable");
	else if (!in->line_count)
		answer(r, RESULT_FAIL, "rpps_not_found");
	else if (!psychologist)
		answer(r, RESULT_FAIL, "rpps_other_profession");
	else if (in->fhir_inactive) {
		r->source = "fhir";
		answer(r, RESULT_REVIEW, "rpps_inactive");
	} else
		answer(r, RESULT_PASS, "rpps_found");
}

static void check_identity(const struct check_input *in, struct pool *pool, struct check_result *r)
{
	const char *last = str_trim(pool, values_text(in->answers, "last_name"));
	const char *first = str_trim(pool, values_text(in->answers, "first_name"));
	const char *last_folded = str_fold(pool, last), *first_folded = str_fold_first_word(pool, first);
	const char **names = POOL_ARRAY(pool, const char *, in->line_count + 1);
	struct json j = evidence_in(pool);
	bool same = false;

	for (size_t i = 0; i < in->line_count; i++) {
		const char *l = str_trim(pool, in->lines[i].last_name ? in->lines[i].last_name : "");
		const char *f = str_trim(pool, in->lines[i].first_name ? in->lines[i].first_name : "");

		names[i] = pool_printf(pool, "%s %s", f, l);
		same |= *last_folded && *first_folded && str_eq(last_folded, str_fold(pool, l)) &&
			str_eq(first_folded, str_fold_first_word(pool, f));
	}
	json_kb(&j, "available", in->registry_there);
	json_kt(&j, "declared", pool_printf(pool, "%s %s", first, last));
	json_kt(&j, "note", values_text(in->answers, "name_note"));
	put_set(&j, "registry", names, in->line_count);
	r->evidence = evidence_end(&j);
	r->source = registry_source(in, pool);

	if (!in->registry_there)
		answer(r, RESULT_UNAVAILABLE, "registry_unavailable");
	else if (same)
		answer(r, RESULT_PASS, "identity_match");
	else
		answer(r, RESULT_REVIEW, in->line_count ? "identity_differs" : "identity_not_found");
}

static void check_ars(const struct check_input *in, struct pool *pool, struct check_result *r)
{
	const char **authorities = POOL_ARRAY(pool, const char *, in->line_count + 1);
	const char **departements = POOL_ARRAY(pool, const char *, in->line_count + 1);
	size_t authority_count = 0, departement_count = 0;
	struct json j = evidence_in(pool);
	bool registered = false, here = false;

	for (size_t i = 0; i < in->line_count; i++) {
		const struct registry_line *l = &in->lines[i];

		if (l->departement && *l->departement) {
			departements[departement_count++] = l->departement;
			here |= str_eq(l->departement, in->departement);
		}
		if (is_psychologist(l) && l->authority && *l->authority) {
			authorities[authority_count++] = l->authority;
			registered |= strstr(l->authority, "ARS") != NULL;
		}
	}
	put_set(&j, "authorities", authorities, authority_count);
	json_kb(&j, "available", in->registry_there);
	json_kt(&j, "departement", in->departement);
	put_set(&j, "registry_departements", departements, departement_count);
	r->evidence = evidence_end(&j);
	r->source = registry_source(in, pool);

	if (!in->registry_there)
		answer(r, RESULT_UNAVAILABLE, "registry_unavailable");
	else if (!in->line_count)
		answer(r, RESULT_REVIEW, "ars_not_found");
	else if (!registered)
		answer(r, RESULT_REVIEW, "ars_no_authority");
	else if (!in->departement)
		answer(r, RESULT_REVIEW, "ars_address_unknown");
	else if (!here)
		answer(r, RESULT_REVIEW, "ars_other_departement");
	else
		answer(r, RESULT_PASS, "ars_registered");
}

static void check_diploma(const struct check_input *in, struct pool *pool, struct check_result *r)
{
	static const char *const accepted[] = {
		"master", "dess", "dea", "de_psychologie_scolaire", "psychologue_travail_cnam", "epp", "decop"
	};
	const char *kind = values_text(in->answers, "diploma_kind");
	struct json j = evidence_in(pool);

	json_kb(&j, "authorisation", in->foreign_authorisation);
	json_kt(&j, "date", values_text(in->answers, "diploma_date"));
	json_kt(&j, "kind", kind);
	json_kt(&j, "place", values_text(in->answers, "diploma_place"));
	r->evidence = evidence_end(&j);
	r->source = "candidature";

	for (size_t i = 0; i < COUNT(accepted); i++)
		if (str_eq(kind, accepted[i])) {
			answer(r, RESULT_PASS, "diploma_accepted");
			return;
		}
	if (!str_eq(kind, "foreign"))
		answer(r, RESULT_REVIEW, "diploma_other");
	else
		answer(r, RESULT_REVIEW,
		       in->foreign_authorisation ? "diploma_foreign" : "diploma_foreign_unauthorised");
}

static void check_experience(const struct check_input *in, struct pool *pool, struct check_result *r)
{
	static const char *const clinical[] = { "yes", "partly", "no" };
	const char *diploma_text = values_text(in->answers, "diploma_date");
	struct json j = evidence_in(pool);
	struct experience x;
	struct period *periods;
	size_t count = experience_periods(in->answers, pool, &periods);
	day_t diploma;

	json_kt(&j, "diploma", diploma_text);
	json_ki(&j, "needed", EXPERIENCE_DAYS_NEEDED);
	json_key(&j, "periods");
	json_arr(&j);
	for (size_t i = 0; i < count; i++) {
		json_obj(&j);
		json_kt(&j, "clinical", clinical[periods[i].clinical]);
		json_kt(&j, "from", day_iso(pool, periods[i].from));
		json_ki(&j, "share", periods[i].share);
		json_kt(&j, "structure", periods[i].structure);
		json_kt(&j, "to", periods[i].to == DAY_NONE ? "" : day_iso(pool, periods[i].to));
		json_end(&j);
	}
	json_end(&j);
	r->evidence = evidence_end(&j);
	r->source = "candidature";

	if (day_parse(diploma_text, &diploma)) {
		answer(r, RESULT_REVIEW, "experience_unreadable");
		return;
	}
	experience_compute(periods, count, diploma, in->deposit, pool, &x);
	if (x.days >= EXPERIENCE_DAYS_NEEDED)
		answer(r, RESULT_PASS, "experience_enough");
	else if (x.days_with_partly < EXPERIENCE_DAYS_NEEDED)
		answer(r, RESULT_FAIL, "experience_short");
	else
		answer(r, RESULT_REVIEW, "experience_partly");
}

static void check_duplicate(const struct check_input *in, struct pool *pool, struct check_result *r)
{
	struct json j = evidence_in(pool);

	json_ki(&j, "same_iban", in->same_iban);
	json_ki(&j, "same_name_and_birth", in->same_name_and_birth);
	r->evidence = evidence_end(&j);
	r->source = "dossiers déposés";

	if (in->same_name_and_birth > 0)
		answer(r, RESULT_REVIEW, "duplicate_person");
	else if (in->same_iban > 0)
		answer(r, RESULT_REVIEW, "duplicate_iban");
	else
		answer(r, RESULT_PASS, "duplicate_none");
}

static void check_documents(const struct check_input *in, struct pool *pool, struct check_result *r)
{
	bool bad = in->bad_pieces && *in->bad_pieces;
	struct json j = evidence_in(pool);

	json_kt(&j, "bad", in->bad_pieces);
	r->evidence = evidence_end(&j);
	r->source = "pièces";
	answer(r, bad ? RESULT_FAIL : RESULT_PASS, bad ? "documents_bad" : "documents_good");
}

static void check_address(const struct check_input *in, struct pool *pool, struct check_result *r)
{
	struct json j = evidence_in(pool);

	json_kt(&j, "commune", values_text(in->answers, "address_commune"));
	json_kt(&j, "departement", in->departement);
	r->evidence = evidence_end(&j);
	r->source = "référentiel des communes";
	answer(r, in->commune_known ? RESULT_PASS : RESULT_REVIEW,
	       in->commune_known ? "address_known" : "address_unknown");
}

void checks_run(const struct check_input *in, struct pool *pool, struct check_result out[CHECKS])
{
	static void (*const checks[CHECKS])(const struct check_input *, struct pool *, struct check_result *) = {
		[CHECK_RPPS] = check_rpps,
		[CHECK_IDENTITY] = check_identity,
		[CHECK_ARS] = check_ars,
		[CHECK_DIPLOMA] = check_diploma,
		[CHECK_EXPERIENCE] = check_experience,
		[CHECK_DUPLICATE] = check_duplicate,
		[CHECK_DOCUMENTS] = check_documents,
		[CHECK_ADDRESS] = check_address,
	};

	for (size_t i = 0; i < CHECKS; i++) {
		out[i] = (struct check_result){ .check = (enum check)i };
		checks[i](in, pool, &out[i]);
	}
}

enum result checks_verdict(const struct check_result *r, size_t count)
{
	enum result worst = RESULT_PASS;

	for (size_t i = 0; i < count; i++)
		if (r[i].check != CHECK_ADDRESS && r[i].result > worst)
			worst = r[i].result;
	return worst;
}
