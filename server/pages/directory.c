#include "directory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../db/directory.h"
#include "../text.h"
#include "statistics_draw.h"

/* ---- the question ---- */

enum search { SEARCH_NONE, SEARCH_POINT, SEARCH_CODE, SEARCH_TEXT };

struct asked {
	struct directory_question q;
	enum search search;
	const char *typed;   /* to look up: a postcode, a name */
	bool postcode_alone; /* its communes' middle will do */
	const char *field;   /* where the place was asked */
	struct err bad;      /* kind ERR_NONE: all is well */
	size_t near, communes;
	const struct commune *found;
	size_t found_count;
};

static int degrees(const char *text, double most, double *out)
{
	char *end;
	size_t n = strspn(text, "+-.0123456789");

	if (!*text || text[n] || n > 24)
		return -1;
	*out = strtod(text, &end);
	return *end || !isfinite(*out) || fabs(*out) > most ? -1 : 0;
}

static int flag(struct job *j, const char *name, bool *out, struct err *e)
{
	const char *v = values_text(&j->query, name);

	*out = !strcmp(v, "1") || !strcmp(v, "on") || !strcmp(v, "true");
	if (*out || !*v || !strcmp(v, "0") || !strcmp(v, "false"))
		return 0;
	return fail_field(e, "directory.flag", name);
}

static int read_filters(struct job *j, struct asked *a, struct err *e)
{
	static const char *const names[][2] = { { "adults", "adultes" },
						{ "teens", "adolescents" },
						{ "children", "enfants" } };
	const char *public = values_text(&j->query, "public"), *page = values_text(&j->query, "page");
	const char *language = str_trim(j->pool, values_text(&j->query, "langue"));
	int64_t n = 1;

	for (size_t i = 0; i < COUNT(names); i++)
		if (!strcmp(public, names[i][0]) || !strcmp(public, names[i][1]))
			a->q.public = names[i][0];
	if (*public && !a->q.public)
		return fail_field(e, "directory.public", "public");
	if (!str_is_utf8(language, strlen(language)) || str_chars(language) > 40)
		return fail_field(e, "directory.language", "langue");
	a->q.language = *language ? language : NULL;
	if (flag(j, "distance", &a->q.remote, e) || flag(j, "disponible", &a->q.available, e))
		return -1;
	if (*page && (str_to_i64(page, &n) || n < 1 || n > 1000))
		return fail_field(e, "directory.page", "page");
	a->q.page = (int)n;
	return 0;
}

static int read_place(struct job *j, struct asked *a, struct err *e)
{
	const char *lat = values_text(&j->query, "lat"), *lon = values_text(&j->query, "lon");
	const char *commune = str_trim(j->pool, values_text(&j->query, "commune"));
	const char *cp = str_trim(j->pool, values_text(&j->query, "cp")),
		   *q = str_trim(j->pool, values_text(&j->query, "q")), *postcode;

	if (*lat || *lon) {
		a->search = SEARCH_POINT;
		a->q.located = true;
		if (degrees(lat, 90, &a->q.lat) || degrees(lon, 180, &a->q.lon))
			return fail_field(e, "directory.position", *lat ? "lon" : "lat");
		return 0;
	}
	if (*commune && commune_is_code(commune)) {
		char *code = pool_strdup(j->pool, commune);
		code[1] = code[1] == 'a' ? 'A' : code[1] == 'b' ? 'B' : code[1];
		a->search = SEARCH_CODE;
		a->field = "commune";
		a->q.commune = code;
		return 0;
	}
	a->field = *commune ? "commune" : *cp ? "cp" : "q";
	a->typed = *commune ? commune : *cp ? cp : q;
	if (!*a->typed)
		return 0;
	a->search = SEARCH_TEXT;
	postcode = commune_postcode(a->typed, j->pool);
	a->postcode_alone = postcode;
	if (postcode)
		a->typed = postcode;
	if (*cp && !*commune && !a->postcode_alone)
		return fail_field(e, "directory.cp", "cp");
	return 0;
}

static void ask_near(struct job *j, struct asked *a)
{
	struct arg *args = POOL_ARRAY(j->pool, struct arg, DIRECTORY_ARGS);

	directory_args(&a->q, j->pool, args);
	a->near = job_ask(j, a->q.located || a->q.commune ? &directory_near : &directory_latest, args, DIRECTORY_ARGS);
}

/* A page without a question is the form alone; a program without one gets the latest. */
static bool form_alone(const struct job *j, const struct asked *a)
{
	return a->search == SEARCH_NONE && !j->json && !a->q.public && !a->q.language && !a->q.remote &&
	       !a->q.available;
}

int directory_ask(struct job *j, struct err *e)
{
	struct asked *a = j->state = POOL_NEW(j->pool, struct asked);
	struct arg *args = POOL_ARRAY(j->pool, struct arg, COMMUNE_ARGS);

	(void)e;
	if (read_filters(j, a, &a->bad) || read_place(j, a, &a->bad) || form_alone(j, a))
		return 0;
	if (a->search == SEARCH_TEXT && commune_search_args(a->typed, j->pool, args))
		return fail_field(&a->bad, "directory.nowhere", a->field), 0;
	if (a->search == SEARCH_TEXT)
		a->communes = job_ask(j, &commune_search, args, COMMUNE_ARGS);
	else
		ask_near(j, a);
	return 0;
}

/* ---- the page ---- */

struct place_row {
	const char *address, *town, *km;
};
static const struct slot place_slots[] = { SLOT_T(struct place_row, address), SLOT_T(struct place_row, town),
					   SLOT_T(struct place_row, km) };
static const struct view place_view = VIEW(struct place_row, place_slots);

struct person_row {
	int64_t id;
	const char *name, *km, *publics, *languages, *phone, *phone_link, *email, *website, *confirmed, *until;
	const char *beyond; /* the heading of those further away, before the first of them */
	bool remote;
	struct list places;
};
static const struct slot person_slots[] = {
	SLOT_I(struct person_row, id),        SLOT_T(struct person_row, name),
	SLOT_T(struct person_row, beyond),    SLOT_T(struct person_row, km),
	SLOT_T(struct person_row, publics),   SLOT_T(struct person_row, languages),
	SLOT_T(struct person_row, phone),     SLOT_T(struct person_row, phone_link),
	SLOT_T(struct person_row, email),     SLOT_T(struct person_row, website),
	SLOT_T(struct person_row, confirmed), SLOT_T(struct person_row, until),
	SLOT_B(struct person_row, remote),    SLOT_L(struct person_row, places, &place_view),
};
static const struct view person_view = VIEW(struct person_row, person_slots);

struct choice_row {
	const char *href, *label;
};
static const struct slot choice_slots[] = { SLOT_T(struct choice_row, href), SLOT_T(struct choice_row, label) };
static const struct view choice_view = VIEW(struct choice_row, choice_slots);

struct directory_view {
	const char *q, *langue, *problem, *heading, *previous, *next, *page_words;
	const char *ambiguous; /* what the choices are */
	bool adults, teens, children, any, distance, disponible, asked, empty, filtered;
	struct list items, choices;
};
static const struct slot directory_slots[] = {
	SLOT_T(struct directory_view, q),
	SLOT_T(struct directory_view, langue),
	SLOT_T(struct directory_view, problem),
	SLOT_T(struct directory_view, heading),
	SLOT_T(struct directory_view, previous),
	SLOT_T(struct directory_view, next),
	SLOT_T(struct directory_view, page_words),
	SLOT_T(struct directory_view, ambiguous),
	SLOT_B(struct directory_view, adults),
	SLOT_B(struct directory_view, teens),
	SLOT_B(struct directory_view, children),
	SLOT_B(struct directory_view, any),
	SLOT_B(struct directory_view, distance),
	SLOT_B(struct directory_view, disponible),
	SLOT_B(struct directory_view, asked),
	SLOT_B(struct directory_view, empty),
	SLOT_B(struct directory_view, filtered),
	SLOT_L(struct directory_view, items, &person_view),
	SLOT_L(struct directory_view, choices, &choice_view),
};
static const struct view directory_view = VIEW(struct directory_view, directory_slots);
static const struct page directory_page = { "server/pages/directory.html", &directory_view };
PAGE(directory_page);

static void parameter(struct str *out, const char *name, const char *value)
{
	if (!value || !*value)
		return;
	str_add_c(out, strchr(out->s, '?') ? '&' : '?');
	str_addf(out, "%s=", name);
	url_part(out, value);
}

/* The same question with another place or page; `code` NULL: as it was asked. */
static char *url(struct job *j, const struct asked *a, const char *code, int page)
{
	static const char *const places[] = { "lat", "lon", "commune", "cp", "q" };
	struct str out = str_in(j->pool);

	str_add(&out, "/annuaire");
	if (code)
		parameter(&out, "commune", code);
	else
		for (size_t i = 0; i < COUNT(places); i++)
			parameter(&out, places[i], values_text(&j->query, places[i]));
	parameter(&out, "public", a->q.public);
	parameter(&out, "langue", a->q.language);
	parameter(&out, "distance", a->q.remote ? "1" : NULL);
	parameter(&out, "disponible", a->q.available ? "1" : NULL);
	if (page > 1)
		parameter(&out, "page", pool_printf(j->pool, "%d", page));
	return out.s;
}

static const char *km_words(struct pool *pool, double km)
{
	if (km < 0)
		return NULL;
	if (km < 1)
		return "à moins de 1\u00a0km";
	return pool_printf(pool, "à %s\u00a0km", draw_number(pool, km < 10 ? km : round(km), km < 10 ? 1 : 0));
}

static const char *joined(struct pool *pool, const char *const *list, size_t n, const char *texts)
{
	struct str out = str_in(pool);

	for (size_t i = 0; i < n; i++) {
		if (i)
			str_add(&out, ", ");
		str_add(&out, texts ? text_or(pool_printf(pool, "%s.%s", texts, list[i]), list[i]) : list[i]);
	}
	return out.s;
}

/* What a telephone dials: digits and '+'. */
static const char *dialled(struct pool *pool, const char *phone)
{
	struct str out = str_in(pool);

	for (; phone && *phone; phone++)
		if (strchr("+0123456789", *phone))
			str_add_c(&out, *phone);
	return out.s;
}

static bool far(double km)
{
	return km > DIRECTORY_NEAR_KM;
}

static struct list people(struct pool *pool, const struct directory *d)
{
	struct person_row *rows = POOL_ARRAY(pool, struct person_row, d->count + 1);
	const struct field *phone = form_field(form_get("application"), "phone");

	for (size_t i = 0; i < d->count; i++) {
		const struct directory_entry *x = &d->items[i];
		struct place_row *places = POOL_ARRAY(pool, struct place_row, x->place_count + 1);
		for (size_t k = 0; k < x->place_count; k++)
			places[k] = (struct place_row){ x->places[k].address,
							pool_printf(pool, "%s %s", x->places[k].postcode,
								    x->places[k].commune),
							x->place_count > 1 ? km_words(pool, x->places[k].km) : NULL };
		rows[i] = (struct person_row){
			.id = x->id,
			.name = x->name,
			.beyond = far(x->km) && (!i || !far(d->items[i - 1].km)) ? text("directory.beyond") : NULL,
			.km = km_words(pool, x->km),
			.publics = joined(pool, x->publics, x->public_count, "directory"),
			.languages = joined(pool, x->languages, x->language_count, NULL),
			.phone = x->phone ? field_display(phone, x->phone, pool) : NULL,
			.phone_link = dialled(pool, x->phone),
			.email = x->email,
			.website = x->website,
			.confirmed = x->confirmed_on == DAY_NONE ? NULL : day_french(pool, x->confirmed_on),
			.until = x->unavailable_until == DAY_NONE ? NULL : day_french(pool, x->unavailable_until),
			.remote = x->remote,
			.places = { places, x->place_count },
		};
	}
	return (struct list){ rows, d->count };
}

static const char *where(const struct asked *a, const struct directory *d)
{
	if (d->place)
		return d->place;
	if (a->search == SEARCH_POINT)
		return "votre position";
	return a->typed;
}

/* "de Lille", "d’Ajaccio", "du Mans", "des Ulis", "de La Rochelle". */
static const char *of_place(struct pool *pool, const char *name)
{
	if (!name)
		return "d’ici";
	if (str_starts(name, "Le "))
		return pool_printf(pool, "du %s", name + 3);
	if (str_starts(name, "Les "))
		return pool_printf(pool, "des %s", name + 4);
	const char *letter = str_fold(pool, name);

	return pool_printf(pool, *letter && strchr("aeiou", *letter) ? "d’%s" : "de %s", name);
}

static char *heading(struct pool *pool, const struct asked *a, const struct directory *d)
{
	const char *place = of_place(pool, where(a, d));

	if (!a->q.located && !a->q.commune)
		return pool_printf(pool, "%zu\u00a0psychologue%s", d->total, d->total > 1 ? "s" : "");
	if (!d->total)
		return pool_printf(pool, "Près %s", place);
	if (!d->near)
		return pool_printf(pool, "Aucun psychologue à moins de %d\u00a0km %s", DIRECTORY_NEAR_KM, place);
	if (d->near == DIRECTORY_MOST)
		return pool_printf(pool, "Les 60 psychologues les plus proches %s", place);
	return pool_printf(pool, "%zu\u00a0psychologue%s à moins de %d\u00a0km %s", d->near, d->near > 1 ? "s" : "",
			   DIRECTORY_NEAR_KM, place);
}

static int show_page(struct job *j, const struct asked *a, const struct directory *d)
{
	struct directory_view v = {
		.q = d && d->place ? d->place
		     : a->typed    ? a->typed
				   : values_text(&j->query, "q"),
		.langue = values_text(&j->query, "langue"),
		.adults = str_eq(a->q.public, "adults"),
		.teens = str_eq(a->q.public, "teens"),
		.children = str_eq(a->q.public, "children"),
		.any = !a->q.public,
		.distance = a->q.remote,
		.disponible = a->q.available,
		.filtered = a->q.public || a->q.language || a->q.remote || a->q.available,
	};
	struct choice_row *choices = POOL_ARRAY(j->pool, struct choice_row, a->found_count + 1);
	const char *title = text("directory.title");

	if (a->bad.kind != ERR_NONE)
		v.problem = text_fill(j->pool, a->bad.text, a->bad.arg);
	if (d) {
		v.asked = true;
		v.empty = !d->count;
		v.items = people(j->pool, d);
		v.heading = heading(j->pool, a, d);
		if (d->page > 1 && d->page <= d->pages)
			v.previous = url(j, a, NULL, d->page - 1);
		if (d->page < d->pages)
			v.next = url(j, a, NULL, d->page + 1);
		if (d->pages > 1)
			v.page_words = pool_printf(j->pool, "Page %d sur %d", d->page, d->pages);
		title = pool_printf(j->pool, "%s – %s", v.heading, title);
	} else if (a->found_count && !v.problem) {
		for (size_t i = 0; i < a->found_count; i++)
			choices[i] = (struct choice_row){ url(j, a, a->found[i].code, 1),
							  commune_label(&a->found[i], j->pool) };
		v.choices = (struct list){ choices, a->found_count };
		v.ambiguous = a->found[0].guess ? text_fill(j->pool, "directory.choice.guess", a->typed)
						: text("directory.choice");
	}
	return job_page(j, v.problem ? 422 : 200, title, &directory_page, &v);
}

static int refuse(struct job *j, struct asked *a, struct err *e)
{
	if (!j->json)
		return show_page(j, a, NULL);
	*e = a->bad;
	return -1;
}

static int show(struct job *j, struct asked *a, const struct directory *d, struct err *e)
{
	if (a->search == SEARCH_CODE && !d->place) {
		fail_field(&a->bad, "directory.commune", a->field);
		return refuse(j, a, e);
	}
	if (j->json) {
		struct json out = json_in(j->pool);
		directory_json(d, d->page < d->pages ? url(j, a, NULL, d->page + 1) : NULL, &out);
		return job_json(j, 200, &out);
	}
	return show_page(j, a, d);
}

static int found(struct job *j, struct err *e)
{
	struct asked *a = j->state;
	struct directory *d = POOL_NEW(j->pool, struct directory);

	directory_read(&a->q, job_rows(j, a->near), j->pool, d);
	return show(j, a, d, e);
}

/* Which of them? JSON: no items, and the choices. */
static int choose(struct job *j, const struct asked *a)
{
	struct json out = json_in(j->pool);

	if (!j->json)
		return show_page(j, a, NULL);
	json_obj(&out);
	json_key(&out, "items");
	json_arr(&out);
	json_end(&out);
	json_key(&out, "next");
	json_nil(&out);
	json_ki(&out, "total", 0);
	json_key(&out, "choices");
	json_arr(&out);
	for (size_t i = 0; i < a->found_count; i++)
		commune_json(&out, &a->found[i], j->pool);
	json_end(&out);
	json_end(&out);
	return job_json(j, 200, &out);
}

/* A postcode stands for the middle of its communes. */
static bool middle(struct asked *a)
{
	double lon = 0, lat = 0;
	size_t n = 0;

	for (size_t i = 0; i < a->found_count; i++)
		if (a->found[i].located) {
			lon += a->found[i].lon;
			lat += a->found[i].lat;
			n++;
		}
	if (!n)
		return false;
	a->q.located = true;
	a->q.lon = lon / (double)n;
	a->q.lat = lat / (double)n;
	return true;
}

int directory_answer(struct job *j, struct err *e)
{
	struct asked *a = j->state;

	if (a->bad.kind != ERR_NONE)
		return refuse(j, a, e);
	if (form_alone(j, a))
		return show_page(j, a, NULL);
	if (a->search != SEARCH_TEXT)
		return found(j, e);
	a->found_count = commune_read(job_rows(j, a->communes), j->pool, &a->found);
	if (!a->found_count) {
		fail_field(&a->bad, "directory.nowhere", a->field);
		return refuse(j, a, e);
	}
	if (!(a->postcode_alone && middle(a))) {
		const struct commune *one = commune_meant(a->found, a->found_count);
		if (!one)
			return choose(j, a);
		a->q.commune = one->code;
	}
	ask_near(j, a);
	job_then(j, found);
	return 0;
}
