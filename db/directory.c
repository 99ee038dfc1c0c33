#include "directory.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../server/base/json_write.h"
#include "../server/base/str.h"

/* Languages are typed by their speakers: compared without case and accents. French is everyone's. */
#define PLAIN(x) "translate(lower(" x "), 'àâäáéèêëíîïóôöúùûüçñ', 'aaaaeeeeiiiooouuuucn')"
#define WANTED                                                                                                       \
	"($3::text is null or $3 = any (p.public))"                                                                  \
	" and ($4::text is null or " PLAIN(                                                                          \
		"$4") " in ('francais', 'fr')"                                                                       \
		      "   or exists (select 1 from unnest(p.languages) g where " PLAIN("g") " = " PLAIN(             \
			      "$4") "))"                                                                             \
				    " and (not $5::boolean or p.remote)"                                             \
				    " and (not $6::boolean or p.unavailable_until is null or p.unavailable_until < " \
				    "(select paris_today()))"
#define TEXT_OF(x) #x
#define TEXT(x) TEXT_OF(x)
#define NEAR TEXT(DIRECTORY_NEAR_KM)
/* All that is shown of the page's people; one row without a file when there is nobody. */
#define SHOWN                                                                                                       \
	" select t.total, t.near, f.file, p.name, array_to_string(p.public, E'\\n') as public,"                     \
	" array_to_string(p.languages, E'\\n') as languages, p.remote, p.website,"                                  \
	" case when p.show_phone then p.phone end as phone, case when p.show_email then p.email end as email,"      \
	" p.confirmed_on, case when p.unavailable_until >= (select paris_today()) then p.unavailable_until end as " \
	"unavailable_until,"                                                                                        \
	" l.address, l.postcode, l.commune as commune_code, m.name as commune, l.lon, l.lat,"                       \
	" (select at from w)[0] as from_lon, (select at from w)[1] as from_lat,"                                    \
	" (select c.name from commune c where c.code = $7::text) as place"                                          \
	"   from (select count(*) as total, count(*) filter (where km <= " NEAR ") as near from best) t"            \
	"   left join (select b.file, b.rank from best b order by b.rank offset ($8::int - 1) * 20 limit 20) f on " \
	"true"                                                                                                      \
	"   left join profile p on p.file = f.file left join place l on l.file = f.file"                            \
	"   left join commune m on m.code = l.commune order by f.rank, l.n"
/* OFFSET 0 keeps the question whole, asked of one row after the other in the order of the index, and never joined
 * first. */
#define PUBLISHED(file) "exists (select 1 from published p where p.file = " file " and " WANTED " offset 0)"

/*
 * The index gives places in the order of degrees, nearest first, until enough are published and wanted: 120, because
 * the order of kilometres is another one (a degree of longitude is shorter) and a psychologist may have two. Kilometres
 * are counted on the sphere, as directory_km() does.
 */
#define KM                                                                        \
	"12742 * asin(sqrt(sin(radians(x.at[1] - (select at from w)[1]) / 2) ^ 2" \
	" + cos(radians((select at from w)[1])) * cos(radians(x.at[1]))"          \
	" * sin(radians(x.at[0] - (select at from w)[0]) / 2) ^ 2))"
const struct statement directory_near = {
	"directory_near",
	"with w as materialized (select coalesce(point($1::float8, $2::float8),"
	"   (select point(c.lon, c.lat) from commune c where c.code = $7::text)) as at),"
	" found as materialized (select l.file, l.at from place l"
	"   where (select at from w) is not null and l.at is not null and " PUBLISHED(
		"l.file") "   order by l.at <-> (select at from w) limit 120),"
			  " best as materialized (select x.file, min(" KM ") as km, row_number() over (order by min(" KM
			  "), x.file) as rank from found x"
			  "   group by x.file order by 3 limit 60)" SHOWN
};
STATEMENT(directory_near);

const struct statement directory_latest = {
	"directory_latest",
	"with w as materialized (select point($1::float8, $2::float8) as at where $7::text is null),"
	" best as materialized (select f.file, null::float8 as km, row_number() over (order by f.file desc) as rank "
	"from profile f"
	"   where " PUBLISHED("f.file") " order by f.file desc limit 60)" SHOWN
};
STATEMENT(directory_latest);

const struct statement directory_counts = {
	"directory_counts", "select conventioned, leaving, later, unlisted, listed from directory_count"
};
STATEMENT(directory_counts);

static struct arg arg_f64(struct pool *pool, double x)
{
	return arg_text(pool_printf(pool, "%.7f", x));
}

void directory_args(const struct directory_question *q, struct pool *pool, struct arg out[DIRECTORY_ARGS])
{
	out[0] = q->located ? arg_f64(pool, q->lon) : arg_text(NULL);
	out[1] = q->located ? arg_f64(pool, q->lat) : arg_text(NULL);
	out[2] = arg_text(q->public);
	out[3] = arg_text(q->language);
	out[4] = arg_bool(q->remote);
	out[5] = arg_bool(q->available);
	out[6] = arg_text(q->located ? NULL : q->commune);
	out[7] = arg_i64(pool, q->page < 1 ? 1 : q->page);
}

double directory_km(double lon1, double lat1, double lon2, double lat2)
{
	const double rad = 3.14159265358979323846 / 180;
	double a = sin((lat2 - lat1) * rad / 2), b = sin((lon2 - lon1) * rad / 2);
	double h = a * a + cos(lat1 * rad) * cos(lat2 * rad) * b * b;

	return 2 * 6371.0 * asin(sqrt(h < 1 ? h : 1));
}

static int nearer(double a, double b)
{
	if (a < 0 || b < 0)
		return (a < 0) - (b < 0);
	return a < b ? -1 : a > b;
}

static int places_order(const void *a, const void *b)
{
	return nearer(((const struct directory_place *)a)->km, ((const struct directory_place *)b)->km);
}

static const char **lines(struct pool *pool, const char *text, size_t *count)
{
	char *copy = pool_strdup(pool, text), *save = NULL;
	const char **list;
	size_t n = 1;

	for (const char *c = copy; *c; c++)
		n += *c == '\n';
	list = POOL_ARRAY(pool, const char *, n);
	*count = 0;
	for (char *c = strtok_r(copy, "\n", &save); c; c = strtok_r(NULL, "\n", &save))
		list[(*count)++] = c;
	return list;
}

static void entry_read(const struct rows *r, size_t i, struct pool *pool, struct directory_entry *x)
{
	*x = (struct directory_entry){
		.id = rows_i64(r, i, "file"),
		.name = pool_strdup(pool, rows_str(r, i, "name")),
		.remote = rows_bool(r, i, "remote"),
		.phone = pool_strdup(pool, rows_text(r, i, "phone")),
		.email = pool_strdup(pool, rows_text(r, i, "email")),
		.website = pool_strdup(pool, rows_text(r, i, "website")),
		.confirmed_on = rows_day(r, i, "confirmed_on"),
		.unavailable_until = rows_day(r, i, "unavailable_until"),
		.km = -1,
	};
	x->publics = lines(pool, rows_str(r, i, "public"), &x->public_count);
	x->languages = lines(pool, rows_str(r, i, "languages"), &x->language_count);
	if (x->phone && !*x->phone)
		x->phone = NULL;
	if (x->email && !*x->email)
		x->email = NULL;
	if (x->website && !*x->website)
		x->website = NULL;
}

void directory_read(const struct directory_question *q, const struct rows *r, struct pool *pool, struct directory *out)
{
	size_t n = rows_count(r), count = 0;
	struct directory_entry *list = POOL_ARRAY(pool, struct directory_entry, n + 1);
	struct directory_place *places = POOL_ARRAY(pool, struct directory_place, n + 1);

	*out = (struct directory){ .page = q->page < 1 ? 1 : q->page, .items = list };
	if ((q->located || q->commune) && n && !rows_null(r, 0, "from_lon")) {
		out->located = true;
		out->lon = rows_f64(r, 0, "from_lon");
		out->lat = rows_f64(r, 0, "from_lat");
	}
	out->place = n ? pool_strdup(pool, rows_text(r, 0, "place")) : NULL;
	out->total = n ? (size_t)rows_i64(r, 0, "total") : 0;
	out->near = n ? (size_t)rows_i64(r, 0, "near") : 0;
	out->pages = (int)((out->total + DIRECTORY_PAGE - 1) / DIRECTORY_PAGE);
	for (size_t i = 0; i < n; i++) {
		struct directory_place *p = &places[i];
		struct directory_entry *x;
		if (rows_null(r, i, "file"))
			continue;
		if (!count || list[count - 1].id != rows_i64(r, i, "file")) {
			entry_read(r, i, pool, &list[count]);
			list[count++].places = p;
		}
		x = &list[count - 1];
		if (rows_null(r, i, "address"))
			continue;
		*p = (struct directory_place){ .address = pool_strdup(pool, rows_str(r, i, "address")),
					       .postcode = pool_strdup(pool, rows_str(r, i, "postcode")),
					       .commune = pool_strdup(pool, rows_str(r, i, "commune")),
					       .commune_code = pool_strdup(pool, rows_str(r, i, "commune_code")),
					       .located = !rows_null(r, i, "lon") && !rows_null(r, i, "lat"),
					       .lon = rows_f64(r, i, "lon"),
					       .lat = rows_f64(r, i, "lat"),
					       .km = -1 };
		if (out->located && p->located) {
			p->km = directory_km(out->lon, out->lat, p->lon, p->lat);
			if (x->km < 0 || p->km < x->km)
				x->km = p->km;
		}
		x->place_count++;
	}
	for (size_t i = 0; i < count; i++)
		qsort(list[i].places, list[i].place_count, sizeof *places, places_order);
	out->count = count;
}

static void json_list(struct json *j, const char *key, const char *const *list, size_t n)
{
	json_key(j, key);
	json_arr(j);
	for (size_t i = 0; i < n; i++)
		json_text(j, list[i]);
	json_end(j);
}

void directory_json(const struct directory *d, const char *next, struct json *j)
{
	json_obj(j);
	json_key(j, "items");
	json_arr(j);
	for (size_t i = 0; i < d->count; i++) {
		const struct directory_entry *x = &d->items[i];
		json_obj(j);
		json_ki(j, "id", x->id);
		json_kt(j, "name", x->name);
		json_key(j, "places");
		json_arr(j);
		for (size_t k = 0; k < x->place_count; k++) {
			const struct directory_place *p = &x->places[k];
			json_obj(j);
			json_kt(j, "address", p->address);
			json_kt(j, "postcode", p->postcode);
			json_kt(j, "commune", p->commune);
			json_kt(j, "commune_code", p->commune_code);
			json_key(j, "lat");
			p->located ? json_f64(j, p->lat) : json_nil(j);
			json_key(j, "lon");
			p->located ? json_f64(j, p->lon) : json_nil(j);
			json_key(j, "km");
			p->km >= 0 ? json_f64(j, round(p->km * 10) / 10) : json_nil(j);
			json_end(j);
		}
		json_end(j);
		json_list(j, "public", x->publics, x->public_count);
		json_list(j, "languages", x->languages, x->language_count);
		json_kb(j, "remote", x->remote);
		if (x->phone)
			json_kt(j, "phone", x->phone);
		if (x->email)
			json_kt(j, "email", x->email);
		if (x->website)
			json_kt(j, "website", x->website);
		json_kday(j, "confirmed_on", x->confirmed_on);
		json_kb(j, "available", x->unavailable_until == DAY_NONE);
		if (x->unavailable_until != DAY_NONE)
			json_kday(j, "unavailable_until", x->unavailable_until);
		json_end(j);
	}
	json_end(j);
	json_kt(j, "next", next);
	json_ki(j, "total", (int64_t)d->total);
	json_end(j);
}
