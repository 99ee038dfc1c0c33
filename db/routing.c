#include "routing.h"

#include <string.h>

const struct statement routing_of_commune = {
	"routing_of_commune",
	"select $1::text as code, c.name, c.caisse, c.method, c.confidence, c.valid_since, k.name as caisse_name"
	"  from (select 1) one left join commune c on c.code = $1 left join caisse k on k.code = c.caisse"
};
STATEMENT(routing_of_commune);

char *routing_words(struct pool *pool, const char *commune, bool known, const char *caisse, day_t valid_since,
		    const char *confidence)
{
	static const char *const words[][2] = { { "certain", "certaine" },
						{ "probable", "probable" },
						{ "a_confirmer", "à confirmer" } };
	const char *sure = "inconnue";

	for (size_t i = 0; i < COUNT(words); i++)
		if (confidence && !strcmp(words[i][0], confidence))
			sure = words[i][1];
	if (!caisse)
		return pool_printf(pool,
				   known ? "commune %s\u00a0: aucune caisse dans la table"
					 : "commune %s\u00a0: inconnue de la table",
				   commune);
	return pool_printf(pool, "commune %s → %s, table valable depuis le %s, confiance %s", commune, caisse,
			   day_french(pool, valid_since), sure);
}

void routing_read(const struct rows *r, struct pool *pool, struct route_answer *out)
{
	*out = (struct route_answer){
		.commune = pool_strdup(pool, rows_str(r, 0, "code")),
		.commune_name = pool_strdup(pool, rows_text(r, 0, "name")),
		.caisse = pool_strdup(pool, rows_text(r, 0, "caisse")),
		.caisse_name = pool_strdup(pool, rows_text(r, 0, "caisse_name")),
		.rule = "commune",
		.method = pool_strdup(pool, rows_text(r, 0, "method")),
		.confidence = pool_strdup(pool, rows_text(r, 0, "confidence")),
	};
	out->valid_since = rows_day(r, 0, "valid_since");
	if (!out->caisse) {
		out->confidence = NULL;
		out->rule = out->commune_name ? "no_caisse" : "commune_unknown";
	}
	out->explained = routing_words(pool, out->commune, out->commune_name != NULL, out->caisse, out->valid_since,
				       out->confidence);
}

int routing_explain(struct lanes *l, struct pool *pool, const char *commune, struct route_answer *out, struct err *e)
{
	const struct rows *r;

	if (db_run(l, pool, LANE_FAST, &routing_of_commune, ARGS(arg_text(commune)), &r, e))
		return -1;
	routing_read(r, pool, out);
	return 0;
}
