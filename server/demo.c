#include "demo.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../db/case.h"
#include "../db/demo.h"
#include "../db/document.h"
#include "../db/file_read.h"
#include "../db/identity.h"
#include "../db/operate.h"
#include "../db/piece.h"
#include "../db/registry.h"
#include "../db/sealed.h"
#include "../db/working.h"
#include "../forms/xml.h"
#include "../workflow/fire.h"
#include "../workflow/verify.h"
#include "base/asset.h"
#include "base/file.h"
#include "base/log.h"
#include "clerk.h"
#include "convention.h"
#include "document.h"
#include "file_view.h"
#include "pdf.h"
#include "pieces.h"
#include "text.h"

#define PEOPLE 342 /* 19 for each of the 18 regions */
#define NEWCOMER "marie.nouvelle@demo.example"
#define PAST_DAYS 210 /* the demonstration begins so long ago */
#define REGISTRY_DAYS 25
#define TICK_DAYS 6 /* deadlines, reminders, days to close */
#define PASSWORD "demonstration-2026"
#define PER_REGION 8

/* Where a person's story stops. */
enum plan {
	PLAN_CONVENTIONED,
	PLAN_DRAFT,
	PLAN_SUBMITTED,
	PLAN_EXPERT,
	PLAN_CORRECTION_CHECKS,
	PLAN_CORRECTION_ASKED,
	PLAN_UNROUTED,
	PLAN_REVIEW,
	PLAN_TO_SIGN,
	PLAN_TO_COUNTERSIGN,
	PLAN_SUSPENDED,
	PLAN_LEAVING,
	PLAN_ENDED,
	PLAN_REFUSED,
	PLAN_APPEALED,
	PLAN_WITHDRAWN,
	PLAN_CLOSED,
	PLANS
};
/* How many of each (the rest is conventioned), and between which days of the past they apply. */
static const struct {
	int count, from, to;
} plans[PLANS] = {
	[PLAN_CONVENTIONED] = { 0, -205, -30 },
	[PLAN_DRAFT] = { 6, -20, -1 },
	[PLAN_SUBMITTED] = { 4, 0, 0 },
	[PLAN_EXPERT] = { 7, -25, -2 },
	[PLAN_CORRECTION_CHECKS] = { 5, -20, -1 },
	[PLAN_CORRECTION_ASKED] = { 5, -25, -12 },
	[PLAN_UNROUTED] = { 3, -15, -2 },
	[PLAN_REVIEW] = { 24, -35, -1 },
	[PLAN_TO_SIGN] = { 9, -40, -12 },
	[PLAN_TO_COUNTERSIGN] = { 7, -35, -25 },
	[PLAN_SUSPENDED] = { 3, -200, -160 },
	[PLAN_LEAVING] = { 5, -180, -100 },
	[PLAN_ENDED] = { 4, -205, -150 },
	[PLAN_REFUSED] = { 9, -150, -25 },
	[PLAN_APPEALED] = { 3, -60, -35 },
	[PLAN_WITHDRAWN] = { 4, -120, -20 },
	[PLAN_CLOSED] = { 4, -150, -60 },
};

struct place {
	const char *commune, *postcode, *departement, *caisse;
	int64_t delegate;
};
struct person {
	int n, day, step;
	enum plan plan;
	const char *email, *last, *first;
	const struct place *place;
	int64_t account, file;
	bool known, employed;
};
struct demo {
	struct service *s;
	struct lanes *l;
	struct pool *pool;
	struct place *places;
	size_t place_count;
	struct person people[PEOPLE];
	const char *hash; /* of PASSWORD */
	int64_t experts[2], admin, lea;
	struct piece_new sample[3]; /* checked once each: PDF, JPEG, PNG */
	const unsigned char *convention;
	size_t convention_size;
	int today; /* days from the present */
};

static const char *const last_names[] = {
	"Aubrelune", "Bastavel",      "Carmoisin",  "Delorange",   "Estivaux",   "Fontanclair",
	"Garrivet",  "Hautebruyère",  "Iverny",     "Jolisault",   "Kermadec",   "Lavaudrée",
	"Montrival", "Nerval-Tissot", "Ombredane",  "Pastourel",   "Quintavel",  "Rivoisier",
	"Sauvetère", "Tournemine",    "Ulmières",   "Valdoré",     "Wisselin",   "Yvrande",
	"Zerbini",   "Beaucastel",    "Chantegril", "D’Aubervoie", "Le Goarnec", "Malvézin",
};
static const char *const first_names[] = {
	"Camille", "Nadia",   "Thomas", "Élise",  "Karim", "Anne-Laure", "Julien", "Soizic",  "Mathilde", "Hugo",
	"Inès",    "Benoît",  "Claire", "Océane", "Malik", "Jeanne",     "Pierre", "Aurélie", "Samuel",   "Maëlle",
	"Lucie",   "Antoine", "Fatou",  "Gaëlle", "Rémi",  "Noémie",     "Yann",   "Sophie",  "Victor",   "Zoé",
};
static const char *const languages[] = { "anglais", "espagnol", "arabe", "portugais", "breton", "langue des signes" };

/* Those whose password is told. Their files are at Lille, whose caisse the known delegates serve. */
static const struct {
	const char *email, *last, *first, *what;
	enum plan plan;
	int day;
} known[] = {
	{ "camille.brouillon@demo.example", "Brouillon", "Camille", "un brouillon", PLAN_DRAFT, -6 },
	{ "nadia.complement@demo.example", "Complément", "Nadia", "des compléments à fournir", PLAN_CORRECTION_ASKED,
	  -16 },
	{ "thomas.examen@demo.example", "Examen", "Thomas", "un dossier en instruction", PLAN_REVIEW, -9 },
	{ "elise.signature@demo.example", "Signature", "Élise", "une convention à signer", PLAN_TO_SIGN, -20 },
	{ "karim.contresigne@demo.example", "Contresigne", "Karim", "une convention que la caisse doit contresigner",
	  PLAN_TO_COUNTERSIGN, -30 },
	{ "anne.convention@demo.example", "Convention", "Anne-Laure", "une convention en vigueur", PLAN_CONVENTIONED,
	  -120 },
	{ "hugo.refus@demo.example", "Refus", "Hugo", "un refus, qui peut être contesté", PLAN_REFUSED, -40 },
};

static const struct {
	const char *file, *role, *name, *email, *caisse, *region, *what;
	bool signs;
} agents[] = {
	{ "delegue", "delegate", "Léa Martin", "lea.martin@demo.example", "595", NULL,
	  "déléguée de la CPAM de Lille-Douai, avec délégation de signature", true },
	{ "delegue-sans-signature", "delegate", "Marc Petit", "marc.petit@demo.example", "595", NULL,
	  "délégué de la même caisse, sans délégation de signature", false },
	{ "expert", "expert", "Eva Roussel", "eva.roussel@demo.example", NULL, NULL, "experte de l’éligibilité",
	  false },
	{ "expert-2", "expert", "Émile Garnier", "emile.garnier@demo.example", NULL, NULL, "second expert", false },
	{ "region", "region", "René Lambert", "rene.lambert@demo.example", NULL, "32",
	  "observateur de la région Hauts-de-France", false },
	{ "admin", "admin", "Ada Faure", "ada.faure@demo.example", NULL, NULL, "administratrice nationale", false },
};

/* ---- asking ---- */

static int ask_as(struct demo *d, const struct identity *who, const struct statement *st, const struct arg *args,
		  size_t count, const struct rows **out, struct err *e)
{
	struct segment *s = segment_new(d->l, d->pool, LANE_WRITE, NULL, NULL);

	identity_ask(s, d->pool, who, 0);
	segment_ask(s, st, args, count);
	if (db_send_wait(s, e))
		return -1;
	if (out)
		*out = segment_rows(s, 1);
	return 0;
}

static int ask(struct demo *d, const struct statement *st, const struct arg *args, size_t count,
	       const struct rows **out, struct err *e)
{
	static const struct identity system_identity = { .role = SYSTEM };

	return ask_as(d, &system_identity, st, args, count, out, e);
}

static struct arg number(struct demo *d, int64_t n)
{
	return arg_i64(d->pool, n);
}

static struct identity applicant(const struct person *p)
{
	return (struct identity){ .role = APPLICANT, .account = p->account };
}

static struct identity delegate(const struct demo *d, const struct person *p)
{
	return (struct identity){ .role = DELEGATE,
				  .agent = p->known ? d->lea : p->place->delegate,
				  .caisses = &p->place->caisse,
				  .caisse_count = 1,
				  .may_sign = true };
}

static bool expert_on(const void *settings, day_t deposit)
{
	return settings_expert_on(settings, deposit);
}

static int fire_as(struct demo *d, const struct person *p, struct identity who, enum event event,
		   const struct values *body, const char *document, struct err *e)
{
	struct firing f = {
		.lanes = d->l,
		.pool = d->pool,
		.keys = d->s->keys,
		.policy = policy_now(d->s),
		.who = who,
		.expert_on = expert_on,
		.expert_context = &d->s->settings,
		.public_url = d->s->settings.public_url,
		.file = p->file,
		.event = event,
		.version = -1,
		.body = body,
		.document_digest = document,
	};
	char detail[sizeof e->detail];

	if (!fire_wait(&f, e))
		return 0;
	snprintf(detail, sizeof detail, "demo: %s of file %lld: %.40s %.80s", event_id(event), (long long)p->file,
		 e->text ? e->text : "", f.problems.count ? f.problems.items[0].field : e->detail);
	memcpy(e->detail, detail, sizeof detail);
	return -1;
}

static int fire_with(struct demo *d, const struct person *p, struct identity who, enum event event, const char *name,
		     const char *text, struct err *e)
{
	struct values body = values_in(d->pool);

	if (name)
		values_add(&body, name, text);
	return fire_as(d, p, who, event, &body, NULL, e);
}

/* ---- invented numbers ---- */

static char *with_luhn(struct pool *pool, const char *digits)
{
	int sum = 0;
	size_t n = strlen(digits);

	for (size_t i = 0; i < n; i++) {
		int v = (digits[n - 1 - i] - '0') * (i % 2 == 0 ? 2 : 1);

		sum += v > 9 ? v - 9 : v;
	}
	return pool_printf(pool, "%s%d", digits, (10 - sum % 10) % 10);
}

static char *rpps_of(struct pool *pool, int n)
{
	return with_luhn(pool, pool_printf(pool, "99900%05d", 30000 + n));
}

static char *nir_of(struct pool *pool, int n)
{
	char *body = pool_printf(pool, "%d%02d%02d%02d%03d%03d", 1 + n % 2, 60 + n % 38, 1 + n % 12, 21 + n % 60,
				 1 + n % 900, 1 + n * 7 % 900);
	int64_t value = 0;

	(void)!str_to_i64(body, &value);
	return pool_printf(pool, "%s%02d", body, 97 - (int)(value % 97));
}

static char *iban_of(struct pool *pool, int n)
{
	char *bban = pool_printf(pool, "9999900001%011d42", 40000 + n), *all = pool_printf(pool, "%s152700", bban);
	int rest = 0;

	for (const char *c = all; *c; c++)
		rest = (rest * 10 + (*c - '0')) % 97;
	return pool_printf(pool, "FR%02d%s", 98 - rest, bban);
}

/* ---- the cast ---- */

static int make_agents(struct demo *d, struct err *e)
{
	const struct settings *set = &d->s->settings;
	const char *out = pool_printf(d->pool, "%s/agents", set->home), *ca = pool_printf(d->pool, "%s/ca", set->home);
	struct certificate c;
	const struct rows *r;
	bool ours = file_exists(pool_printf(d->pool, "%s/ca.key", ca)) && !file_folder(out, 0755, e);

	for (size_t i = 0; i < COUNT(agents); i++) {
		const char *caisses[] = { agents[i].caisse };
		int64_t id;

		if (ask(d, &operate_agent,
			ARGS(arg_text(agents[i].role), arg_text(agents[i].name), arg_text(agents[i].email),
			     arg_text(agents[i].region), arg_bool(agents[i].signs),
			     arg_texts(d->pool, caisses, agents[i].caisse ? 1 : 0)),
			&r, e))
			return -1;
		id = rows_i64(r, 0, "id");
		if (i == 0)
			d->lea = id;
		else if (i == 2 || i == 3)
			d->experts[i - 2] = id;
		else if (i == 5)
			d->admin = id;
		if (!ours)
			continue;
		if (authority_issue(ca, agents[i].file, agents[i].name,
				    pool_printf(d->pool, "DEMO-%lld", (long long)id), 397, out, d->pool, &c, e) ||
		    ask(d, &operate_certificate,
			ARGS(arg_text(c.serial), number(d, id), arg_text(c.issuer), arg_text(c.subject),
			     arg_text(c.fingerprint), arg_instant(d->pool, c.not_after)),
			NULL, e))
			return -1;
	}
	(void)chmod(set->home, 0755);
	(void)chmod(out, 0755);
	return 0;
}

/* One delegate for each caisse where somebody practises. */
static int make_places(struct demo *d, struct err *e)
{
	const struct rows *r;
	size_t n;

	if (ask(d, &demo_places, ARGS(number(d, PER_REGION)), &r, e))
		return -1;
	n = d->place_count = rows_count(r);
	if (n < 100)
		return fault(e, "demo: the reference data is not there");
	d->places = POOL_ARRAY(d->pool, struct place, n);
	for (size_t i = 0; i < n; i++) {
		struct place *p = &d->places[i];
		const struct rows *made;

		*p = (struct place){ .commune = rows_str(r, i, "code"),
				     .postcode = rows_str(r, i, "postcode"),
				     .departement = rows_str(r, i, "departement"),
				     .caisse = rows_str(r, i, "caisse") };
		for (size_t k = 0; k < i && !p->delegate; k++)
			if (str_eq(d->places[k].caisse, p->caisse))
				p->delegate = d->places[k].delegate;
		if (p->delegate)
			continue;
		if (ask(d, &operate_agent,
			ARGS(arg_text("delegate"), arg_text(pool_printf(d->pool, "Caisse %s", p->caisse)),
			     arg_text(pool_printf(d->pool, "caisse.%s@demo.example", p->caisse)), arg_text(NULL),
			     arg_bool(true), arg_texts(d->pool, &p->caisse, 1)),
			&made, e))
			return -1;
		p->delegate = rows_i64(made, 0, "id");
	}
	return 0;
}

static const struct place *place_at(const struct demo *d, const char *commune)
{
	for (size_t i = 0; i < d->place_count; i++)
		if (str_eq(d->places[i].commune, commune))
			return &d->places[i];
	return &d->places[0];
}

static void cast_people(struct demo *d)
{
	static const struct place nowhere = { .commune = "97701", .postcode = "97133", .departement = "977" };
	int left[PLANS], plan = PLAN_DRAFT;

	for (int i = 0; i < PLANS; i++)
		left[i] = plans[i].count;
	for (int i = 0; i < PEOPLE; i++) {
		struct person *p = &d->people[i];
		int spread, nth = i;

		*p = (struct person){ .n = i, .place = &d->places[(size_t)i % d->place_count] };
		if (i < (int)COUNT(known)) {
			p->known = true;
			p->plan = known[i].plan;
			p->email = known[i].email;
			p->last = known[i].last;
			p->first = known[i].first;
			p->day = known[i].day;
			p->place = place_at(d, "59350");
			continue;
		}
		/* One in three has another fate, each kind in its turn, so that the regions share them. */
		if (i % 3 == 0) {
			for (int k = 0; k < PLANS && left[plan] == 0; k++)
				plan = plan + 1 < PLANS ? plan + 1 : PLAN_DRAFT;
			if (left[plan] > 0) {
				left[plan]--;
				p->plan = (enum plan)plan;
				plan = plan + 1 < PLANS ? plan + 1 : PLAN_DRAFT;
			}
		}
		spread = plans[p->plan].to - plans[p->plan].from + 1;
		p->day = plans[p->plan].from + nth * 53 % spread;
		p->last = last_names[(size_t)i * 7 % COUNT(last_names)];
		p->first = first_names[(size_t)(i * 11 + i / 30) % COUNT(first_names)];
		p->email = pool_printf(d->pool, "demo%03d@demo.example", i);
		p->employed = i % 17 == 0;
		if (p->plan == PLAN_UNROUTED)
			p->place = &nowhere;
	}
}

/* ---- the registry, in the real format, with the real importer ---- */

static int import_registry(struct demo *d, struct err *e)
{
	static const struct {
		const char *column;
		int what;
	} cells[] = {
		{ "Type d'identifiant PP", 1 },
		{ "Identifiant PP", 2 },
		{ "Identification nationale PP", 3 },
		{ "Nom d'exercice", 4 },
		{ "Prénom d'exercice", 5 },
		{ "Code profession", 6 },
		{ "Libellé profession", 7 },
		{ "Code mode exercice", 8 },
		{ "Code postal (coord. structure)", 9 },
		{ "Code commune (coord. structure)", 10 },
		{ "Code Département (structure)", 11 },
		{ "Autorité d'enregistrement", 12 },
	};
	const struct asset *head = asset_get("db/data/rpps_personne_activite_header.txt");
	struct pool *pool = pool_new();
	struct str out = str_in(pool);
	struct registry_counts *counts = POOL_NEW(pool, struct registry_counts);
	char *names = str_trim(pool, (const char *)head->data), *path;
	int bad;

	str_addf(&out, "%s\n", names);
	for (int i = 0; i <= PEOPLE; i++) {
		static const struct place lille = { .commune = "59350", .postcode = "59000", .departement = "59" };
		const struct person newcomer = { .last = "Nouvelle", .first = "Marie", .place = &lille };
		const struct person *p = i < PEOPLE ? &d->people[i] : &newcomer;
		char *copy = pool_strdup(pool, names), *name;
		bool married = p->plan == PLAN_EXPERT,
		     other = p->plan == PLAN_CORRECTION_CHECKS || p->plan == PLAN_CLOSED;

		while ((name = strsep(&copy, "|"))) {
			int what = 0;

			for (size_t k = 0; k < COUNT(cells); k++)
				if (!strcmp(cells[k].column, name))
					what = cells[k].what;
			str_add(&out, what == 1    ? "8"
				      : what == 2  ? rpps_of(pool, i)
				      : what == 3  ? pool_printf(pool, "8%s", rpps_of(pool, i))
				      : what == 4  ? (married ? "Autrenom" : p->last)
				      : what == 5  ? p->first
				      : what == 6  ? (other ? "72" : "93")
				      : what == 7  ? (other ? "Psychothérapeute" : "Psychologue")
				      : what == 8  ? (p->employed ? "S" : "L")
				      : what == 9  ? p->place->postcode
				      : what == 10 ? p->place->commune
				      : what == 11 ? p->place->departement
				      : what == 12 ? "ARS/ARS/ARS"
						   : "");
			str_add_c(&out, copy ? '|' : '\n');
		}
	}
	path = pool_printf(pool, "%s/registre-demonstration.txt", d->s->settings.home);
	bad = file_write(path, out.s, out.len, 0644, e) ||
	      registry_import(d->s->dsn, path, true, NULL, NULL, counts, e);
	pool_free(pool);
	return bad ? -1 : 0;
}

/* ---- documents ---- */

/* One page that says what it is; its offsets are counted, as a PDF wants. */
static char *small_pdf(struct pool *pool, const char *text, size_t *n)
{
	const char *content = pool_printf(pool,
					  "BT /F1 16 Tf 72 740 Td (%s) Tj 0 -28 Td /F1 11 Tf (Document invente pour la "
					  "demonstration, sans valeur.) Tj ET",
					  text);
	const char *objects[] = {
		"<< /Type /Catalog /Pages 2 0 R >>",
		"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
		("<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R "
		 "/Resources << /Font << /F1 5 0 R >> >> >>"),
		pool_printf(pool, "<< /Length %zu >>\nstream\n%s\nendstream", strlen(content), content),
		"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
	};
	size_t at[COUNT(objects)], xref;
	struct str out = str_in(pool);

	str_add(&out, "%PDF-1.4\n");
	for (size_t i = 0; i < COUNT(objects); i++) {
		at[i] = out.len;
		str_addf(&out, "%zu 0 obj\n%s\nendobj\n", i + 1, objects[i]);
	}
	xref = out.len;
	str_addf(&out, "xref\n0 %zu\n0000000000 65535 f \n", COUNT(objects) + 1);
	for (size_t i = 0; i < COUNT(objects); i++)
		str_addf(&out, "%010zu 00000 n \n", at[i]);
	str_addf(&out, "trailer\n<< /Size %zu /Root 1 0 R >>\nstartxref\n%zu\n%%%%EOF\n", COUNT(objects) + 1, xref);
	*n = out.len;
	return out.s;
}

/* The deep check runs once: what follows are the same bytes under other keys. */
static int make_samples(struct demo *d, struct err *e)
{
	size_t n;
	char *bytes = small_pdf(d->pool, "Piece du dossier", &n);

	d->sample[0] = (struct piece_new){
		.pool = d->pool, .keys = d->s->keys, .kind = "diploma", .name = "piece.pdf", .bytes = bytes, .size = n
	};
	piece_prepare(&d->sample[0]);
	if (d->sample[0].err.kind != ERR_NONE) {
		*e = d->sample[0].err;
		return -1;
	}
	d->convention = (const unsigned char *)small_pdf(d->pool, "Convention de demonstration", &d->convention_size);
	return 0;
}

static int add_piece(struct demo *d, struct segment *s, const struct person *p, const char *kind, const char *row,
		     int64_t id, struct err *e)
{
	struct piece_new piece = d->sample[0];
	size_t last = 0;

	piece.pool = d->pool;
	piece.id = id;
	piece.file = p->file;
	piece.kind = kind;
	piece.for_row = row;
	piece.name = pool_printf(d->pool, "%s.pdf", kind);
	if (piece_seal(&piece, e))
		return -1;
	segment_ask(s, &piece_insert,
		    ARGS(number(d, id), number(d, p->file), arg_text(kind), arg_text(row),
			 arg_bytes(piece.sealed_name.bytes, piece.sealed_name.size), arg_text(piece.checked.type),
			 number(d, (int64_t)piece.size), arg_text(piece.sha256), arg_text(NULL), number(d, 1)));
	for (size_t n = 0; n < piece.chunk_count; n++)
		last = segment_ask(s, &piece_chunk_insert,
				   ARGS(number(d, id), number(d, (int64_t)n),
					arg_bytes(piece.chunks[n].bytes, piece.chunks[n].size)));
	(void)last;
	return 0;
}

static int attach(struct demo *d, const struct person *p, struct err *e)
{
	static const char *const kinds[] = { "diploma", "experience", "identity", "rights", "rib" };
	struct identity who = applicant(p);
	static const struct identity system_identity = { .role = SYSTEM };
	int64_t ids[COUNT(kinds)];
	struct segment *s = segment_new(d->l, d->pool, LANE_WRITE, NULL, NULL);
	size_t at[COUNT(kinds)];

	for (size_t i = 0; i < COUNT(kinds); i++)
		at[i] = segment_ask(s, &piece_next_id, NO_ARGS);
	if (db_send_wait(s, e))
		return -1;
	for (size_t i = 0; i < COUNT(kinds); i++)
		ids[i] = rows_i64(segment_rows(s, at[i]), 0, "id");
	s = segment_new(d->l, d->pool, LANE_WRITE, NULL, NULL);
	identity_ask(s, d->pool, &who, 0);
	for (size_t i = 0; i < COUNT(kinds); i++)
		if (add_piece(d, s, p, kinds[i], str_eq(kinds[i], "experience") ? "experience[0]" : NULL, ids[i], e))
			return -1;
	identity_ask(s, d->pool, &system_identity, 0);
	for (size_t i = 0; i < COUNT(kinds); i++)
		segment_ask(s, &piece_scanned, ARGS(number(d, ids[i]), arg_text("clean")));
	return db_send_wait(s, e);
}

/* ---- what people do ---- */

/* Why a caisse refuses: what no check judges, and what the file itself shows (answers()). */
static const struct refusal {
	const char *reason, *text, *appeal;
} refusals[] = {
	{ "clinical_path_insufficient",
	  "Votre activité au cabinet de recrutement des Tilleuls relève de la psychologie du travail. Elle n’établit "
	  "pas un "
	  "parcours en psychologie clinique ou en psychopathologie.",
	  "Je recevais aussi en consultation les salariés en souffrance\u00a0: mon employeur peut l’attester." },
	{ "bank_mismatch",
	  "Le RIB est au nom de la SCI des Lilas, qui n’est ni vous ni votre employeur. Nous vous avons demandé par "
	  "téléphone un RIB à votre nom\u00a0; il n’est pas venu.",
	  "La SCI des Lilas est la mienne. Je peux fournir un RIB à mon nom." },
};

static const struct refusal *refusal_of(const struct person *p)
{
	if (p->plan != PLAN_REFUSED && p->plan != PLAN_APPEALED)
		return NULL;
	return &refusals[p->employed ? 0 : p->n % 2];
}

static void answers(struct demo *d, const struct person *p, struct values *v)
{
	const char *year = pool_printf(d->pool, "%d", 2008 + p->n % 12);
	const char *street = pool_printf(d->pool, "%d rue %s", 1 + p->n % 90,
					 p->n % 3 == 0   ? "des Lilas"
					 : p->n % 3 == 1 ? "du Moulin"
							 : "de la Fontaine");
	const struct refusal *refused = refusal_of(p);
	bool recruiter = refused == &refusals[0], other_holder = refused == &refusals[1];
	const char *const pairs[][2] = {
		{ "last_name", p->last },
		{ "first_name", p->first },
		{ "birth_date",
		  pool_printf(d->pool, "19%02d-%02d-%02d", 62 + p->n % 33, 1 + p->n % 12, 1 + p->n % 28) },
		{ "email", p->email },
		{ "phone", pool_printf(d->pool, "06%08d", 39980000 + p->n) },
		{ "nir", nir_of(d->pool, p->n) },
		{ "rpps", rpps_of(d->pool, p->n) },
		{ "practice_mode", p->employed ? "salaried" : "liberal" },
		{ "address_street", street },
		{ "address_postcode", p->place->postcode },
		{ "address_commune", p->place->commune },
		{ "diploma_kind", p->n % 5 == 0 ? "dess" : "master" },
		{ "diploma_date", pool_printf(d->pool, "%s-06-30", year) },
		{ "diploma_place", "Université de démonstration" },
		{ "experience[0].from", pool_printf(d->pool, "%s-09-01", year) },
		{ "experience[0].to", "2025-12-31" },
		{ "experience[0].structure",
		  recruiter ? "Cabinet de recrutement des Tilleuls" : "Centre médico-psychologique" },
		{ "experience[0].function", recruiter ? "Psychologue du travail" : "Psychologue" },
		{ "experience[0].clinical", "yes" },
		{ "experience[0].share", "100" },
		{ "public[]", "adults" },
		{ p->n % 2 ? "public[]" : NULL, "teens" },
		{ p->n % 3 ? NULL : "public[]", "children" },
		{ p->n % 4 ? NULL : "languages[]", languages[(size_t)p->n / 4 % COUNT(languages)] },
		{ "remote", p->n % 3 == 1 ? "true" : "false" },
		{ "show_email", p->n % 2 ? "true" : "false" },
		{ "show_phone", p->n % 5 ? "true" : "false" },
		{ "iban", iban_of(d->pool, p->n) },
		{ "bic", "AGRIFRPP" },
		{ "iban_holder", other_holder ? "SCI des Lilas" : pool_printf(d->pool, "%s %s", p->first, p->last) },
		{ "attest_clinical", "true" },
		{ "attest_truth", "true" },
		{ p->employed ? "employer_name" : NULL, "Centre de santé des Quatre-Vents" },
		{ p->employed ? "employer_siret" : NULL,
		  with_luhn(d->pool, pool_printf(d->pool, "%s0001", with_luhn(d->pool, "90000001"))) },
		{ p->employed ? "employer_email" : NULL, "direction@demo.example" },
	};

	*v = values_in(d->pool);
	for (size_t i = 0; i < COUNT(pairs); i++)
		if (pairs[i][0])
			values_add(v, pairs[i][0], pairs[i][1]);
}

static int start_file(struct demo *d, struct person *p, struct err *e)
{
	struct identity who;
	struct values v;
	const struct rows *r;
	char *xml;
	unsigned char *sealed;
	size_t size, sealed_size;

	if (ask(d, &operate_account, ARGS(arg_text(p->email), arg_text(p->known ? d->hash : NULL)), &r, e))
		return -1;
	p->account = rows_i64(r, 0, "id");
	who = applicant(p);
	if (ask_as(d, &who, &file_start, NO_ARGS, &r, e))
		return -1;
	p->file = rows_i64(r, 0, "id");
	answers(d, p, &v);
	if (p->plan == PLAN_DRAFT) {
		values_remove_group(&v, "experience");
		values_remove(&v, "iban");
		values_remove(&v, "attest_truth");
	}
	if (xml_from_values(&v, "application", d->pool, &xml, &size, e) ||
	    sealed_make(d->s->keys, sealed_at(SEALED_WORKING_COPY, p->file), xml, size, d->pool, &sealed, &sealed_size,
			e) ||
	    ask_as(d, &who, &working_save,
		   ARGS(number(d, p->file), arg_bytes(sealed, sealed_size), number(d, 0), arg_texts(d->pool, NULL, 0),
			arg_texts(d->pool, NULL, 0)),
		   NULL, e))
		return -1;
	return p->plan == PLAN_DRAFT ? 0 : attach(d, p, e);
}

static int open_pieces(struct demo *d, const struct person *p, struct err *e)
{
	struct identity who = delegate(d, p);
	char *actor = identity_actor(&who, 0, d->pool);
	struct segment *s = segment_new(d->l, d->pool, LANE_WRITE, NULL, NULL);
	const struct rows *r;

	if (ask_as(d, &who, &piece_list, ARGS(number(d, p->file)), &r, e))
		return -1;
	identity_ask(s, d->pool, &who, 0);
	for (size_t i = 0; i < rows_count(r); i++)
		segment_ask(s, &piece_opening_add,
			    ARGS(number(d, rows_i64(r, i, "id")), number(d, p->file), arg_text(actor),
				 number(d, who.agent), arg_text(NULL)));
	return db_send_wait(s, e);
}

/* The known ones get a real convention; the others share a small one. */
static int render(struct demo *d, const struct person *p, const struct rows *row, const unsigned char **pdf, size_t *n,
		  struct err *e)
{
	struct file_view v = { .row = row,
			       .id = p->file,
			       .version = rows_i64(row, 0, "version"),
			       .number = rows_str(row, 0, "number"),
			       .kind = rows_str(row, 0, "kind"),
			       .now = rows_instant(row, 0, "now") };
	struct convention c;

	*pdf = d->convention;
	*n = d->convention_size;
	if (!p->known)
		return 0;
	answers(d, p, &v.answers);
	convention_prepare(d->s, &v, &c, d->pool);
	convention_render(&c);
	if (c.err.kind == ERR_BUSY) /* no WeasyPrint here: the small one */
		return 0;
	if (c.err.kind != ERR_NONE) {
		*e = c.err;
		return -1;
	}
	*pdf = c.pdf;
	*n = c.pdf_size;
	return 0;
}

static int approve(struct demo *d, const struct person *p, struct err *e)
{
	static const char *const points[] = { "identity", "diploma", "experience", "clinical_path",
					      "address",  "rights",  "bank" };
	struct identity who = delegate(d, p);
	struct values body = values_in(d->pool);
	const struct rows *row;
	const unsigned char *pdf;
	unsigned char *sealed;
	size_t n, sealed_size;
	char *digest;

	if (open_pieces(d, p, e) || ask_as(d, &who, &file_read_row, ARGS(number(d, p->file)), &row, e) ||
	    render(d, p, row, &pdf, &n, e))
		return -1;
	digest = crypto_sha256_hex(d->pool, pdf, n);
	if (sealed_make(d->s->keys, sealed_as(SEALED_DOCUMENT, digest), pdf, n, d->pool, &sealed, &sealed_size, e) ||
	    ask_as(d, &who, &document_insert,
		   ARGS(arg_text(digest), number(d, p->file), number(d, rows_i64(row, 0, "version")),
			arg_text("convention"), arg_bytes(sealed, sealed_size)),
		   NULL, e))
		return -1;
	for (size_t i = 0; i < COUNT(points); i++)
		values_add(&body, pool_printf(d->pool, "checklist.%s", points[i]), "true");
	return fire_as(d, p, who, EV_APPROVE, &body, digest, e);
}

static int sign_as(struct demo *d, const struct person *p, struct identity who, const char *party, struct err *e)
{
	const char *typed = pool_printf(d->pool, "%lld:%s:123456", (long long)p->file, party);

	if (ask(d, &demo_code,
		ARGS(number(d, p->file), arg_text(party),
		     arg_text(crypto_hmac_hex(d->s->keys, d->pool, "signing", typed, strlen(typed)))),
		NULL, e))
		return -1;
	return fire_with(d, p, who, who.role == EMPLOYER ? EV_EMPLOYER_SIGN : EV_SIGN, "code", "123456", e);
}

static int sign(struct demo *d, const struct person *p, struct err *e)
{
	if (p->employed && sign_as(d, p, (struct identity){ .role = EMPLOYER }, "employer", e))
		return -1;
	return sign_as(d, p, applicant(p), "applicant", e);
}

static day_t day_now(struct demo *d)
{
	const struct rows *r;
	struct err e;

	return ask(d, &operate_clock, NO_ARGS, &r, &e) ? DAY_NONE : day_in_paris(rows_instant(r, 0, "now"));
}

static int countersign(struct demo *d, const struct person *p, struct err *e)
{
	struct values body = values_in(d->pool);

	values_add(&body, "fnps", pool_printf(d->pool, "FNPS-%06d", 500000 + p->n));
	values_add(&body, "effective_date", day_iso(d->pool, day_now(d) + (p->n % 4 == 0 ? 5 : 0)));
	return fire_as(d, p, delegate(d, p), EV_COUNTERSIGN, &body, NULL, e);
}

static int refuse(struct demo *d, const struct person *p, struct err *e)
{
	const struct refusal *why = refusal_of(p);
	struct values body = values_in(d->pool);

	values_add(&body, "reasons[]", why->reason);
	values_add(&body, "text", why->text);
	return open_pieces(d, p, e) || fire_as(d, p, delegate(d, p), EV_REFUSE, &body, NULL, e) ? -1 : 0;
}

static int ask_correction(struct demo *d, const struct person *p, struct err *e)
{
	struct values body = values_in(d->pool);

	if (open_pieces(d, p, e))
		return -1;
	values_add(&body, "items[0].piece", "identity");
	values_add(&body, "items[0].code", "piece_unreadable");
	values_add(&body, "items[0].text", "Le verso de votre pièce d’identité est illisible : joignez-la de nouveau.");
	values_add(&body, "items[1].field", "diploma_date");
	values_add(&body, "items[1].code", "diploma_insufficient");
	values_add(&body, "items[1].text", "La date ne correspond pas à celle du diplôme : corrigez-la.");
	return fire_as(d, p, delegate(d, p), EV_ASK_CORRECTION, &body, NULL, e);
}

static int suspend(struct demo *d, const struct person *p, struct err *e)
{
	struct values body = values_in(d->pool);

	values_add(&body, "text", "Séances facturées sans avoir eu lieu.");
	values_add(&body, "until", day_iso(d->pool, day_now(d) + 120));
	return fire_as(d, p, delegate(d, p), EV_SUSPEND, &body, NULL, e);
}

/* As the clerk would at once: a day of the demonstration has no second. */
static int verify(struct demo *d, const struct person *p, struct err *e)
{
	struct firing template = {
		.lanes = d->l,
		.pool = d->pool,
		.keys = d->s->keys,
		.policy = policy_now(d->s),
		.expert_on = expert_on,
		.expert_context = &d->s->settings,
		.public_url = d->s->settings.public_url,
		.version = -1,
	};
	enum event fired;
	instant_t next;

	return verify_file(&template, p->file, &fired, &next, e);
}

static void next_in(struct person *p, int days)
{
	p->step++;
	p->day += days;
}

static void ends(struct person *p)
{
	p->day = 1; /* after the present: never again */
}

/* From the countersignature on. */
static int live_on(struct demo *d, struct person *p, struct err *e)
{
	switch (p->plan) {
	case PLAN_SUSPENDED:
		if (p->step == 5) {
			next_in(p, 32);
			return fire_with(d, p, delegate(d, p), EV_WARN, "text",
					 "Des séances sont facturées au-delà du tarif conventionnel.", e);
		}
		if (p->step == 6) {
			next_in(p, 33);
			return fire_with(d, p, delegate(d, p), EV_STATE_FINDINGS, "text",
					 "Les factures de trois patients confirment les faits.", e);
		}
		ends(p);
		return suspend(d, p, e);
	case PLAN_LEAVING:
		if (d->today < -40) {
			p->day = -40 + p->n % 30;
			return 0;
		}
		ends(p);
		return fire_with(d, p, applicant(p), EV_RESIGN, NULL, NULL, e);
	case PLAN_ENDED:
		ends(p);
		return fire_with(d, p, applicant(p), EV_RESIGN, NULL, NULL, e);
	default:
		ends(p);
		return 0;
	}
}

/* From the caisse's claim on. */
static int examined(struct demo *d, struct person *p, struct err *e)
{
	switch (p->plan) {
	case PLAN_REVIEW:
		ends(p);
		return p->n % 2 ? 0 : fire_with(d, p, delegate(d, p), EV_CLAIM, NULL, NULL, e);
	case PLAN_CORRECTION_ASKED:
		ends(p);
		return fire_with(d, p, delegate(d, p), EV_CLAIM, NULL, NULL, e) || ask_correction(d, p, e) ? -1 : 0;
	case PLAN_REFUSED:
	case PLAN_APPEALED:
		next_in(p, 12);
		if (p->plan == PLAN_REFUSED)
			ends(p);
		return fire_with(d, p, delegate(d, p), EV_CLAIM, NULL, NULL, e) || refuse(d, p, e) ? -1 : 0;
	default:
		next_in(p, 1 + p->n % 7);
		if (p->plan == PLAN_TO_SIGN)
			ends(p);
		return fire_with(d, p, delegate(d, p), EV_CLAIM, NULL, NULL, e) || approve(d, p, e) ? -1 : 0;
	}
}

static int act(struct demo *d, struct person *p, struct err *e)
{
	switch (p->step) {
	case 0:
		next_in(p, 1 + p->n % 9);
		if (start_file(d, p, e) ||
		    (p->plan != PLAN_DRAFT && fire_with(d, p, applicant(p), EV_SUBMIT, NULL, NULL, e)))
			return -1;
		if (p->plan == PLAN_SUBMITTED ? ask(d, &demo_checks_later, ARGS(number(d, p->file)), NULL, e)
					      : p->plan != PLAN_DRAFT && verify(d, p, e))
			return -1;
		if (p->plan == PLAN_DRAFT || p->plan == PLAN_SUBMITTED || p->plan == PLAN_EXPERT ||
		    p->plan == PLAN_UNROUTED || p->plan == PLAN_CORRECTION_CHECKS || p->plan == PLAN_CLOSED)
			ends(p);
		return 0;
	case 1:
		if (p->plan == PLAN_WITHDRAWN) {
			ends(p);
			return fire_with(d, p, applicant(p), EV_WITHDRAW, "text", "Je déménage à l’étranger.", e);
		}
		return examined(d, p, e);
	case 2:
		if (p->plan == PLAN_APPEALED) {
			ends(p);
			return fire_with(d, p, applicant(p), EV_APPEAL, "text", refusal_of(p)->appeal, e);
		}
		next_in(p, 1 + p->n % 5);
		if (p->plan == PLAN_TO_COUNTERSIGN)
			ends(p);
		return sign(d, p, e);
	case 3:
		p->step = 5;
		p->day += 8;
		return countersign(d, p, e);
	default:
		return live_on(d, p, e);
	}
}

/* ---- from then to now ---- */

static int go_to_day(struct demo *d, int day, struct err *e)
{
	d->today = day;
	return day ? ask(d, &demo_shift, ARGS(arg_text(pool_printf(d->pool, "%lld", (long long)day * 86400))), NULL, e)
		   : ask(d, &demo_no_shift, NO_ARGS, NULL, e);
}

static int one_day(struct demo *d, struct err *e)
{
	struct pool *kept = d->pool;
	int bad = 0;

	for (int i = 0; i < PEOPLE && !bad; i++)
		while (!bad && d->people[i].day == d->today) {
			struct pool *pool = d->pool = pool_new();

			bad = act(d, &d->people[i], e);
			d->pool = kept;
			pool_free(pool);
		}
	if (!bad && d->today % TICK_DAYS == 0) {
		struct pool *pool = pool_new();
		struct tick t;

		bad = clerk_tick(d->s, d->l, pool, &t, e);
		pool_free(pool);
	}
	return bad ? -1 : 0;
}

static int live(struct demo *d, struct err *e)
{
	if (go_to_day(d, -PAST_DAYS, e) || make_agents(d, e) || make_places(d, e))
		return -1;
	cast_people(d);
	if (make_samples(d, e) || crypto_password_hash(PASSWORD, d->pool, (char **)&d->hash, e))
		return -1;
	if (ask(d, &operate_account, ARGS(arg_text(NEWCOMER), arg_text(d->hash)), NULL, e))
		return -1;
	for (int day = -PAST_DAYS; day <= 0; day++)
		if (go_to_day(d, day, e) || ((day + PAST_DAYS) % REGISTRY_DAYS == 0 && import_registry(d, e)) ||
		    one_day(d, e))
			return -1;
	/* Two thousand letters wait; the inboxes that somebody opens come first. */
	for (size_t i = 0; i < COUNT(known); i++)
		if (ask(d, &demo_letters_first, ARGS(number(d, d->people[i].file)), NULL, e))
			return -1;
	return import_registry(d, e);
}

/* The clock of a demonstration that was cut short would stay behind. */
static int to_the_present(struct demo *d, const char *stage, struct err *e)
{
	return ask(d, &demo_no_shift, NO_ARGS, NULL, e) || ask(d, &demo_stage, ARGS(arg_text(stage)), NULL, e) ? -1 : 0;
}

static int load(struct demo *d, struct err *e)
{
	const struct rows *r;

	if (ask(d, &demo_state, NO_ARGS, &r, e))
		return -1;
	if (str_eq(rows_text(r, 0, "stage"), "loading")) {
		log_event(LOG_WARN, "demo.cut_short");
		return to_the_present(d, "loaded", e);
	}
	if (rows_i64(r, 0, "people"))
		return 0;
	if (ask(d, &demo_stage, ARGS(arg_text("loading")), NULL, e))
		return -1;
	int64_t began = clock_monotonic();
	if (live(d, e)) {
		struct err ignored;

		(void)!to_the_present(d, "loaded", &ignored);
		return -1;
	}
	log_event(LOG_INFO, "demo.loaded", "seconds",
		  pool_printf(d->pool, "%lld", (long long)((clock_monotonic() - began) / SECOND)));
	return to_the_present(d, "loaded", e);
}

int demo_load(struct service *s, struct err *e)
{
	struct pool *pool = pool_new();
	struct demo *d = POOL_NEW(pool, struct demo);
	/* Invented people may be lost with the machine. */
	const char *dsn =
		strstr(s->dsn, "://") ? s->dsn : pool_printf(pool, "%s options='-c synchronous_commit=off'", s->dsn);
	int result = -1;

	d->s = s;
	d->pool = pool;
	d->l = lanes_open(&(struct lanes_options){ .dsn = dsn, .write = 1, .application_name = "enroll demo" }, NULL,
			  NULL, e);
	if (d->l) {
		result = load(d, e);
		lanes_close(d->l);
	}
	pool_free(pool);
	return result;
}

char *demo_people(const struct service *s, struct pool *pool)
{
	struct str out = str_in(pool);

	str_addf(&out,
		 "\nDémonstration : des personnes et des dossiers inventés.\n\nPsychologues, sur %s/connexion (mot de "
		 "passe : %s)\n",
		 s->settings.public_url, PASSWORD);
	for (size_t i = 0; i < COUNT(known); i++)
		str_addf(&out, "  %-34s %s\n", known[i].email, known[i].what);
	str_addf(&out, "  %-34s pas encore de dossier ; le registre connaît Marie Nouvelle, RPPS %s, à Lille\n",
		 NEWCOMER, rpps_of(pool, PEOPLE));
	str_addf(&out,
		 "\nAgents, sur %s : importez un certificat dans votre navigateur (mot de passe : enroll),\n"
		 "ou curl --cacert %s/certs/ca.pem --cert %s/agents/delegue.pem --key %s/agents/delegue.key "
		 "%s/dossiers\n",
		 s->settings.agent_url, s->settings.home, s->settings.home, s->settings.home, s->settings.agent_url);
	for (size_t i = 0; i < COUNT(agents); i++)
		str_addf(&out, "  %s/agents/%s.p12\n      %s, %s\n", s->settings.home, agents[i].file, agents[i].name,
			 agents[i].what);
	return out.s;
}
