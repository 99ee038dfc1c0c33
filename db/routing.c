#include "routing.h"

const struct statement routing_of_commune = {
	"routing_of_commune",
	"select $1::text as code, c.name, c.caisse, c.method, c.confidence, c.valid_since, k.name as caisse_name"
	"  from (select 1) one left join commune c on c.code = $1 left join caisse k on k.code = c.caisse"
};
STATEMENT(routing_of_commune);

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
	if (out->caisse) {
		out->explained = pool_printf(pool, "commune %s → %s, table valable depuis le %s, confiance %s",
					     out->commune, out->caisse, rows_str(r, 0, "valid_since"),
					     out->confidence ? out->confidence : "inconnue");
		return;
	}
	out->confidence = NULL;
	if (out->commune_name) {
		out->rule = "no_caisse";
		out->explained = pool_printf(pool, "commune %s : aucune caisse dans la table", out->commune);
	} else {
		out->rule = "commune_unknown";
		out->explained = pool_printf(pool, "commune %s : inconnue de la table", out->commune);
	}
}

int routing_explain(struct lanes *l, struct pool *pool, const char *commune, struct route_answer *out, struct err *e)
{
	const struct rows *r;

	if (db_run(l, pool, LANE_FAST, &routing_of_commune, ARGS(arg_text(commune)), &r, e))
		return -1;
	routing_read(r, pool, out);
	return 0;
}
