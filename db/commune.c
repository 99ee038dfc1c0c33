#include "commune.h"

#include <ctype.h>
#include <string.h>

#include "../server/base/str.h"

/*
 * $1 INSEE code; $2 postcode, $3 beginning of the search key: one of them, or both at once. When nothing is found, $4,
 * what the key may have been meant to be (LIKE), of its first letter $5; with a postcode, all that fit that.
 */
#define COLUMNS                                                                                    \
	"select c.code, c.name, c.departement, c.postcodes, c.lon, c.lat, c.population, c.type = " \
	"'arrondissement-municipal' as district, c.search_key is not distinct from $3 as exact from commune c"
/*
 * A commune c may have postcode p. One that no commune has (CEDEX, or newer than the data) goes with those of the same
 * first two digits.
 */
#define FITS(p)                                                                                              \
	"(c.postcodes @> array[" p "] or (not exists (select 1 from commune o where o.postcodes @> array[" p \
	"]) and exists (select 1 from unnest(c.postcodes) q where left(q, 2) = left(" p ", 2))))"
#define OF_POSTCODE FITS("$2")
#define STARTS(key) "c.search_key ~>=~ " key "::text and c.search_key ~<~ (" key " || '~')"
#define OF_NAME STARTS("$3")
#define OF_LETTER STARTS("$5")
const struct statement commune_search = {
	"commune_search",
	"with x as materialized (" COLUMNS " where $1::text is not null and c.code = $1"
	" union all " COLUMNS " where $2::text is not null and $3::text is null and c.postcodes @> array[$2]"
	" union all " COLUMNS " where $2 is null and $3 is not null and " OF_NAME " union all " COLUMNS
	" where $2 is not null and $3 is not null and " OF_POSTCODE " and " OF_NAME "), g as (" COLUMNS
	" where $2 is null and not exists (select 1 from x) and " OF_LETTER " and c.search_key like any ($4::text[])"
	" union all " COLUMNS " where $2 is not null and $3 is not null and not exists (select 1 from x)"
	"   and " OF_POSTCODE ")"
	" select x.code, x.name, x.departement, d.name as departement_name, x.lon, x.lat, x.district, x.exact, x.guess,"
	" array_to_string(x.postcodes, ' ') as postcodes"
	" from (select x.*, false as guess from x union all select g.*, true from g) x"
	" left join departement d on d.code = x.departement"
	" order by x.exact desc, x.population desc nulls last, x.code limit 25"
};
STATEMENT(commune_search);
SQL(commune_unlike, "select x.n, c.name, array_to_string(c.postcodes, ' ') as postcodes"
		    " from unnest($1::text[], $2::text[]) with ordinality as x (code, postcode, n)"
		    " join commune c on c.code = x.code where x.postcode ~ '^[0-9]{5}$' and not " FITS("x.postcode"));

bool commune_is_code(const char *text)
{
	if (strlen(text) != 5)
		return false;
	for (int i = 0; i < 5; i++)
		if (!isdigit((unsigned char)text[i]) && !(i == 1 && strchr("ABab", text[i])))
			return false;
	return true;
}

void commune_code_args(const char *code, struct arg out[COMMUNE_ARGS])
{
	out[0] = arg_text(code);
	for (size_t i = 1; i < COMMUNE_ARGS; i++)
		out[i] = arg_text(NULL);
}

/* "st germain" → "saint germain": the reference writes the word. */
static char *spelled(struct pool *pool, const char *key)
{
	struct str out = str_in(pool);

	while (*key) {
		size_t n = strcspn(key, " ");
		if (n == 2 && !strncmp(key, "st", 2))
			str_add(&out, "saint");
		else if (n == 3 && !strncmp(key, "ste", 3))
			str_add(&out, "sainte");
		else
			str_add_n(&out, key, n);
		key += n;
		if (*key)
			str_add_c(&out, *key++);
	}
	return out.s;
}

static bool word_of_digits(const char *key, size_t n)
{
	return strcspn(key, " ") == n && strspn(key, "0123456789") == n;
}

/* Of a search key: "59000" or "59 000", which people write in two parts; *size is what it takes of the key. */
static const char *postcode_at(const char *key, size_t *size, struct pool *pool)
{
	if (word_of_digits(key, 5)) {
		*size = 5;
		return pool_strndup(pool, key, 5);
	}
	if (!word_of_digits(key, 2) || key[2] != ' ' || !word_of_digits(key + 3, 3))
		return NULL;
	*size = 6;
	return pool_printf(pool, "%.2s%.3s", key, key + 3);
}

const char *commune_postcode(const char *text, struct pool *pool)
{
	const char *key = str_search_key(pool, text);
	size_t size;
	const char *postcode = postcode_at(key, &size, pool);

	return postcode && !key[size] ? postcode : NULL;
}

/*
 * The keys that one slip makes of this one, as LIKE patterns: a letter too few, another one, one too many, two that
 * changed places. A long one may be the beginning of a name.
 */
static struct arg slips(struct pool *pool, const char *key)
{
	size_t n = strlen(key), count = 0;
	const char **list = POOL_ARRAY(pool, const char *, 4 * n + 1), *rest = n < 6 ? "" : "%";

	for (size_t i = 1; i <= n; i++) {
		int before = (int)i;
		list[count++] = pool_printf(pool, "%.*s_%s%s", before, key, key + i, rest);
		if (i == n)
			break;
		list[count++] = pool_printf(pool, "%.*s_%s%s", before, key, key + i + 1, rest);
		list[count++] = pool_printf(pool, "%.*s%s%s", before, key, key + i + 1, rest);
		if (i + 1 < n)
			list[count++] =
				pool_printf(pool, "%.*s%c%c%s%s", before, key, key[i + 1], key[i], key + i + 2, rest);
	}
	return arg_texts(pool, list, count);
}

/* Long enough that few names are near it, and of letters that are a byte each (others of a key have more). */
static bool may_slip(const char *key)
{
	size_t n = strlen(key);

	return n >= 4 && n <= 60 && strspn(key, "abcdefghijklmnopqrstuvwxyz0123456789 ") == n;
}

int commune_search_args(const char *text, struct pool *pool, struct arg out[COMMUNE_ARGS])
{
	const char *key = str_search_key(pool, text), *postcode = NULL;
	struct str name = str_in(pool);

	while (*key) {
		size_t n = strcspn(key, " ");
		const char *code = postcode ? NULL : postcode_at(key, &n, pool);
		if (code) {
			postcode = code;
		} else if (strncmp(key, "cedex", n) || n != 5) {
			if (name.len)
				str_add_c(&name, ' ');
			str_add_n(&name, key, n);
		}
		key += n + (key[n] == ' ');
	}
	if (!postcode && str_chars(name.s) < 2)
		return -1;
	key = name.len ? spelled(pool, name.s) : NULL;
	out[0] = arg_text(NULL);
	out[1] = arg_text(postcode);
	out[2] = arg_text(key);
	out[3] = arg_texts(pool, NULL, 0);
	out[4] = arg_text(NULL);
	if (key && may_slip(key)) {
		out[3] = slips(pool, key);
		out[4] = arg_text(pool_strndup(pool, key, 1));
	}
	return 0;
}

size_t commune_read(const struct rows *r, struct pool *pool, const struct commune **out)
{
	size_t n = rows_count(r);
	struct commune *list = POOL_ARRAY(pool, struct commune, n + 1);

	for (size_t i = 0; i < n; i++)
		list[i] = (struct commune){
			.code = pool_strdup(pool, rows_str(r, i, "code")),
			.name = pool_strdup(pool, rows_str(r, i, "name")),
			.departement = pool_strdup(pool, rows_str(r, i, "departement")),
			.departement_name = pool_strdup(pool, rows_str(r, i, "departement_name")),
			.postcodes = pool_strdup(pool, rows_str(r, i, "postcodes")),
			.district = rows_bool(r, i, "district"),
			.exact = rows_bool(r, i, "exact"),
			.guess = rows_bool(r, i, "guess"),
			.located = !rows_null(r, i, "lon") && !rows_null(r, i, "lat"),
			.lon = rows_f64(r, i, "lon"),
			.lat = rows_f64(r, i, "lat"),
		};
	*out = list;
	return n;
}

const struct commune *commune_meant(const struct commune *found, size_t count)
{
	if (!count || found[0].guess)
		return NULL;
	if (count == 1 || (found[0].exact && !found[1].exact))
		return &found[0];
	if (count == 2 && found[0].district != found[1].district)
		return found[0].district ? &found[0] : &found[1];
	return NULL;
}
