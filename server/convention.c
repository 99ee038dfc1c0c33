#include "convention.h"

#include <string.h>

#include "../db/document.h"
#include "../db/sealed.h"
#include "base/asset.h"
#include "document.h"
#include "page.h"
#include "pdf.h"
#include "pdf_seal.h"
#include "text.h"

struct place_view {
	const char *label, *address;
};
static const struct slot place_slots[] = { SLOT_T(struct place_view, label), SLOT_T(struct place_view, address) };
static const struct view place_view = VIEW(struct place_view, place_slots);

struct convention_view {
	const char *number, *title, *name, *rpps, *caisse, *employer, *siret, *mode, *iban, *holder, *date, *replaces,
		*languages, *years;
	int64_t version;
	bool three_party, amendment, remote, both;
	struct list places;
};
#define T(m) SLOT_T(struct convention_view, m)
static const struct slot convention_slots[] = {
	T(number),
	T(title),
	T(name),
	T(rpps),
	T(caisse),
	T(employer),
	T(siret),
	T(mode),
	T(iban),
	T(holder),
	T(date),
	T(replaces),
	T(languages),
	T(years),
	SLOT_I(struct convention_view, version),
	SLOT_B(struct convention_view, three_party),
	SLOT_B(struct convention_view, amendment),
	SLOT_B(struct convention_view, remote),
	SLOT_B(struct convention_view, both),
	SLOT_L(struct convention_view, places, &place_view),
};
#undef T
static const struct view convention_view = VIEW(struct convention_view, convention_slots);
static const struct page convention_page = { "server/mail/convention.html", &convention_view };
PAGE(convention_page);

static const char *non_empty(const char *s)
{
	return s && *s ? s : NULL;
}

static const char *address_of(const struct values *a, const char *prefix, struct pool *pool)
{
	struct str s = str_in(pool);
	str_add(&s, values_text(a, pool_printf(pool, "%s_street", prefix)));
	const char *extra = values_text(a, pool_printf(pool, "%s_extra", prefix));
	if (*extra)
		str_addf(&s, ", %s", extra);
	str_addf(&s, ", %s (commune %s)", values_text(a, pool_printf(pool, "%s_postcode", prefix)),
		 values_text(a, pool_printf(pool, "%s_commune", prefix)));
	return s.s;
}

static const char *shown(const struct form *f, const struct values *a, const char *name, struct pool *pool)
{
	const struct field *field = f ? form_field(f, name) : NULL;
	const char *kept = values_text(a, name);
	return *kept && field ? field_shown(field, kept, pool) : non_empty(kept);
}

void convention_prepare(struct service *s, const struct file_view *v, struct convention *c, struct pool *pool)
{
	/* What was sent, never what is being typed. */
	const struct values *a = v->has_frozen ? &v->frozen : &v->answers;
	const struct form *f = form_get("application");
	const struct field *mode = f ? form_field(f, "practice_mode") : NULL;
	struct place_view *places = POOL_ARRAY(pool, struct place_view, 2);
	const char *const *languages;
	struct str spoken = str_in(pool);
	bool second = *values_text(a, "address2_commune") != 0;
	*c = (struct convention){ .pool = pool, .service = s, .file = v->id, .version = v->version };
	for (size_t i = 0, n = values_all(a, "languages[]", &languages); i < n; i++)
		str_addf(&spoken, "%s%s", i ? ", " : "", languages[i]);
	places[0] = (struct place_view){ text("convention.main_place"), address_of(a, "address", pool) };
	if (second)
		places[1] = (struct place_view){ text("convention.other_place"), address_of(a, "address2", pool) };
	struct convention_view view = {
		.number = v->number,
		.title = text(str_eq(values_text(a, "practice_mode"), "liberal") ? "convention.two_parties"
										 : "convention.three_parties"),
		.name = str_trim(pool,
				 pool_printf(pool, "%s %s", values_text(a, "first_name"), values_text(a, "last_name"))),
		.rpps = values_text(a, "rpps"),
		.caisse = rows_str(v->row, 0, "caisse_name"),
		.employer = non_empty(values_text(a, "employer_name")),
		.siret = non_empty(values_text(a, "employer_siret")),
		.mode = mode ? field_display(mode, values_text(a, "practice_mode"), pool)
			     : values_text(a, "practice_mode"),
		.iban = shown(f, a, "iban", pool),
		.holder = non_empty(values_text(a, "iban_holder")),
		.date = day_french(pool, day_in_paris(v->now)),
		.replaces = rows_text(v->row, 0, "parent_number"),
		.languages = non_empty(spoken.s),
		.years = text_years(pool, policy_now(s)->convention_years),
		.version = v->version,
		.three_party = !str_eq(values_text(a, "practice_mode"), "liberal"),
		.both = str_eq(values_text(a, "practice_mode"), "both"),
		.amendment = str_eq(v->kind, "amendment"),
		.remote = str_eq(values_text(a, "remote"), "true"),
		.places = { places, second ? 2 : 1 },
	};
	struct str html = str_in(pool);
	page_render(&convention_page, &view, &html);
	c->html = html.s;
}

void convention_render(struct convention *c)
{
	unsigned char *pdf, *sealed;
	if (pdf_render(document_css(), c->html, c->pool, &pdf, &c->pdf_size, &c->err))
		return;
	c->pdf = pdf;
	c->digest = crypto_sha256_hex(c->pool, pdf, c->pdf_size);
	if (sealed_make(c->service->keys, sealed_as(SEALED_DOCUMENT, c->digest), pdf, c->pdf_size, c->pool, &sealed,
			&c->sealed_size, &c->err)) {
		c->digest = NULL;
		return;
	}
	c->sealed = sealed;
}

/* Who signed what, when and how, for whoever opens the seal in a reader of PDFs. */
static const char *seal_reason(const struct rows *frozen, const struct rows *signatures, struct pool *pool)
{
	struct str s = str_in(pool);
	const char *digest = rows_str(frozen, 0, "digest");
	str_add(&s, text_fill(pool, "seal.reason", rows_str(frozen, 0, "number")));
	for (size_t i = 0; i < rows_count(signatures); i++)
		if (!rows_bool(signatures, i, "voided") && str_eq(rows_str(signatures, i, "digest"), digest))
			str_addf(&s, " %s\u00a0: %s, %s.", text2("signature.party", rows_str(signatures, i, "party")),
				 instant_french(pool, rows_instant(signatures, i, "at")),
				 text2("signature.method", rows_str(signatures, i, "method")));
	str_addf(&s, " %s", text_fill(pool, "seal.digest", digest));
	return s.s;
}

int convention_seal(struct service *s, const struct rows *frozen, const struct rows *signatures, instant_t now,
		    struct pool *pool, const char **digest, unsigned char **kept, size_t *n, struct err *e)
{
	struct pdf_seal q = { .with = pades_open(s->settings.seal_cert, s->settings.seal_key, pool, e),
			      .name = text("seal.name"),
			      .reason = seal_reason(frozen, signatures, pool),
			      .at = now };
	unsigned char *pdf, *out;
	size_t size;
	if (!q.with || document_open(s->keys, frozen, rows_str(frozen, 0, "digest"), pool, &pdf, &q.size, e))
		return -1;
	q.pdf = pdf;
	if (pdf_seal(&q, pool, &out, &size, e))
		return -1;
	*digest = crypto_sha256_hex(pool, out, size);
	return sealed_make(s->keys, sealed_as(SEALED_DOCUMENT, *digest), out, size, pool, kept, n, e);
}

size_t convention_store(struct job *j, const struct convention *c)
{
	return job_ask(j, &document_insert,
		       ARGS(arg_text(c->digest), arg_i64(j->pool, c->file), arg_i64(j->pool, c->version),
			    arg_text("convention"), arg_bytes(c->sealed, c->sealed_size)));
}
