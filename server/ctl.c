/*
 * enrollctl: the operator's tool. One table of commands; a command's usage line is its grammar:
 *
 *	--email E            an option that must be given, with its value
 *	[--region CODE]      one that may be; [--caisse CODE]… several times; [--may-sign] without a value
 *	FILE, [FILE]         what stands alone
 *
 * Exit codes: 0, 1 (no, not there, not valid), 2 (usage). As root it becomes the owner of ENROLL_HOME, as the service
 * does; what it writes for its caller (--out DIR, backup DIR) is the caller's.
 */
#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../db/due.h"
#include "../db/figures.h"
#include "../db/identity.h"
#include "../db/migrate.h"
#include "../db/operate.h"
#include "../db/pg.h"
#include "../db/policy.h"
#include "../db/registry.h"
#include "../db/rekey.h"
#include "../db/routing.h"
#include "../forms/form.h"
#include "audit.h"
#include "base/file.h"
#include "base/log.h"
#include "clerk.h"
#include "demo.h"
#include "home.h"
#include "keys.h"
#include "pages/pages.h"
#include "pdf.h"
#include "policy.h"
#include "purge.h"
#include "routes.h"
#include "text.h"

#define ARGS_MAX 64
#define PASSWORD_MOST 1024
#define FILE_MOST (64 << 20)
#define KEYS_REST_SECONDS 30

/* What must stand before a command runs. */
/* NEEDS_HISTORY: a database that is there already. Made anew it would answer "all is well" about nothing. */
enum needs { NEEDS_NOTHING, NEEDS_HOME, NEEDS_CLUSTER, NEEDS_DATABASE, NEEDS_HISTORY };

struct given {
	const char *name, *value; /* name without dashes; a word that stands alone has its place's name ("FILE") */
};

struct ctl {
	struct service service;
	struct pool *pool;
	struct cluster cluster;
	bool embedded, json;
	struct lanes *lanes;
	const struct command *command;
	struct given given[ARGS_MAX];
	size_t count;
};

struct command {
	const char *name, *args, *help;
	enum needs needs;
	int (*run)(struct ctl *c, struct err *e); /* 0, 1 (said already), or -1 with *e */
};

static const char *value_of(const struct ctl *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->given[i].name, name))
			return c->given[i].value;
	return NULL;
}

static int refuse(struct err *e, const char *format, const char *what)
{
	snprintf(e->detail, sizeof e->detail, format, what);
	e->kind = ERR_INPUT;
	e->text = NULL;
	return -1;
}

/* Asked as the system: row-level security lets it see every file. */
static int ask(struct ctl *c, const struct statement *st, const struct arg *args, size_t count, const struct rows **out,
	       struct err *e)
{
	static const struct identity system_identity = { .role = SYSTEM };
	struct segment *s = segment_new(c->lanes, c->pool, LANE_SLOW, NULL, NULL);

	identity_ask(s, c->pool, &system_identity, 0);
	segment_ask(s, st, args, count);
	if (db_send_wait(s, e))
		return -1;
	*out = segment_rows(s, 1);
	return 0;
}

static void print_json(const struct json *j)
{
	printf("%s\n", j->out.s);
}

/* ---- schema, settings, tables ---- */

static int do_migrate(struct ctl *c, struct err *e)
{
	const char *dsn = c->embedded ? c->cluster.owner_dsn : c->service.settings.owner_dsn;
	int applied = 0;

	if (!dsn || !*dsn)
		return refuse(e, "%s is not set: the owner alone changes the schema", "ENROLL_OWNER_DSN");
	if (migrate(dsn, workflow_print(c->pool), workflow_digest(c->pool), &applied, e))
		return -1;
	if (c->json)
		printf("{\"applied\":%d}\n", applied);
	else
		printf("%d applied, the schema is up to date\n", applied);
	return 0;
}

static int do_settings(struct ctl *c, struct err *e)
{
	(void)e;
	printf("%s%s", settings_print(&c->service.settings, c->json, c->pool), c->json ? "\n" : "");
	return 0;
}

static int do_workflow(struct ctl *c, struct err *e)
{
	(void)e;
	fputs(workflow_print(c->pool), stdout);
	return 0;
}

static int do_routes(struct ctl *c, struct err *e)
{
	(void)e;
	fputs(routes_print(c->pool), stdout);
	return 0;
}

static int do_invariants(struct ctl *c, struct err *e)
{
	const struct rows *r;
	struct json j = json_in(c->pool);

	if (ask(c, &operate_invariants, NO_ARGS, &r, e))
		return -1;
	json_obj(&j);
	json_kb(&j, "empty", rows_count(r) == 0);
	json_key(&j, "found");
	json_arr(&j);
	for (size_t i = 0; i < rows_count(r); i++) {
		json_obj(&j);
		json_kt(&j, "view", rows_str(r, i, "view"));
		json_ki(&j, "file", rows_i64(r, i, "file"));
		json_end(&j);
		if (!c->json)
			printf("%s file %s\n", rows_str(r, i, "view"), rows_str(r, i, "file"));
	}
	json_end(&j);
	json_end(&j);
	if (c->json)
		print_json(&j);
	else if (!rows_count(r))
		printf("the eight views are empty\n");
	return rows_count(r) ? 1 : 0;
}

/* `why`: a sentence about %s, the setting that is missing. */
static const char *owner_of(struct ctl *c, const char *why, struct err *e)
{
	const char *dsn = c->embedded ? c->cluster.owner_dsn : c->service.settings.owner_dsn;

	if (!dsn || !*dsn) {
		refuse(e, why, "ENROLL_OWNER_DSN");
		return NULL;
	}
	return dsn;
}

/* ---- policies ---- */

static const struct rows *policies(struct ctl *c, struct err *e)
{
	const struct rows *r;

	return ask(c, &policy_list, NO_ARGS, &r, e) ? NULL : r;
}

/* The row of a policy, or rows_count(). */
static size_t row_of(const struct rows *r, const char *name)
{
	size_t i = 0;

	while (i < rows_count(r) && !str_eq(rows_str(r, i, "name"), name))
		i++;
	return i;
}

static int do_policy(struct ctl *c, struct err *e)
{
	const struct rows *r = policies(c, e);
	struct json j = json_in(c->pool);

	if (!r)
		return -1;
	json_arr(&j);
	for (const struct policy_row *p = policy_rows; p < policy_rows + policy_count; p++) {
		size_t i = row_of(r, p->name);
		bool changed = !rows_null(r, i, "since");

		json_obj(&j);
		json_kt(&j, "name", p->name);
		json_ki(&j, "value", rows_i64(r, i, "value"));
		json_ki(&j, "default", policy_get(&policy_default, p));
		json_ki(&j, "lowest", rows_i64(r, i, "lowest"));
		json_ki(&j, "highest", rows_i64(r, i, "highest"));
		json_kt(&j, "what", p->what);
		json_kinstant(&j, "since", changed ? rows_instant(r, i, "since") : INSTANT_NONE);
		json_kt(&j, "by", changed ? rows_text(r, i, "by") : NULL);
		json_end(&j);
		if (c->json)
			continue;
		printf("%-21s %4lld  default %d, %lld to %lld", p->name, (long long)rows_i64(r, i, "value"),
		       policy_get(&policy_default, p), (long long)rows_i64(r, i, "lowest"),
		       (long long)rows_i64(r, i, "highest"));
		if (changed)
			printf("; since %s, by %s, before %lld", instant_rfc3339(c->pool, rows_instant(r, i, "since")),
			       rows_str(r, i, "by"), (long long)rows_i64(r, i, "was"));
		printf("\n\t%s\n", p->what);
	}
	json_end(&j);
	if (c->json)
		print_json(&j);
	return 0;
}

static int do_policy_set(struct ctl *c, struct err *e)
{
	const char *name = value_of(c, "NAME"), *wanted = value_of(c, "VALUE"), *owner;
	const struct rows *r;
	struct json j = json_in(c->pool);
	int64_t value, was;

	if (!policy_row(name))
		return refuse(e, "there is no policy %s: enrollctl policy lists them", name);
	if (!(owner = owner_of(c, "%s is not set: the owner alone changes a policy", e)) || !(r = policies(c, e)))
		return -1;
	size_t i = row_of(r, name);
	if (str_to_i64(wanted, &value) || value < rows_i64(r, i, "lowest") || value > rows_i64(r, i, "highest"))
		return refuse(e, "%s",
			      pool_printf(c->pool, "%s is a number from %s to %s, not %s", name,
					  rows_str(r, i, "lowest"), rows_str(r, i, "highest"), wanted));
	was = rows_i64(r, i, "value");
	if (policy_write(owner, name, value, e))
		return -1;
	json_obj(&j);
	json_kt(&j, "name", name);
	json_ki(&j, "value", value);
	json_ki(&j, "was", was);
	json_end(&j);
	if (c->json)
		print_json(&j);
	else
		printf("%s is %lld, it was %lld; the service knows within 2 s, and what is fixed already stays\n", name,
		       (long long)value, (long long)was);
	return 0;
}

/* ---- people ---- */

static int email_good(const char *email, struct err *e)
{
	return rule_email(email) ? 0 : refuse(e, "not an e-mail address: %s", email);
}

static int do_account_create(struct ctl *c, struct err *e)
{
	const char *email = value_of(c, "email");
	char line[PASSWORD_MOST];
	char *hash;
	const struct rows *r;

	if (email_good(email, e))
		return -1;
	if (!fgets(line, sizeof line, stdin))
		return refuse(e, "no password on %s", "standard input");
	line[strcspn(line, "\r\n")] = 0;
	if (!str_is_utf8(line, strlen(line)) || str_chars(line) < 12 || str_chars(line) > 200)
		return refuse(e, "a password has %s characters", "12 to 200");
	int bad = crypto_password_hash(line, c->pool, &hash, e);
	crypto_wipe(line, sizeof line);
	if (bad || ask(c, &operate_account, ARGS(arg_text(email), arg_text(hash)), &r, e))
		return -1;
	if (!rows_count(r))
		return refuse(e, "there is an account already: %s", email);
	if (c->json)
		printf("{\"id\":%s}\n", rows_str(r, 0, "id"));
	else
		printf("account %s\n", rows_str(r, 0, "id"));
	return 0;
}

static size_t values_named(const struct ctl *c, const char *name, const char *out[ARGS_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < c->count; i++)
		if (!strcmp(c->given[i].name, name))
			out[n++] = c->given[i].value;
	return n;
}

static int do_agent_create(struct ctl *c, struct err *e)
{
	const char *role = value_of(c, "role"), *email = value_of(c, "email"), *region = value_of(c, "region");
	const char *caisses[ARGS_MAX];
	size_t n = values_named(c, "caisse", caisses);
	unsigned bit = role_from_id(role);
	const struct rows *r;

	if (!(bit & (EXPERT | DELEGATE | REGION | ADMIN)))
		return refuse(e, "a role is expert, delegate, region or admin, not %s", role);
	if (bit == DELEGATE && !n)
		return refuse(e, "%s: a delegate without one sees nothing", "--caisse");
	if (bit == REGION && !region)
		return refuse(e, "%s: an observer without one sees nothing", "--region");
	if (bit != DELEGATE && (n || value_of(c, "may-sign")))
		return refuse(e, "only a delegate has caisses and signs, not %s", role);
	if (bit != REGION && region)
		return refuse(e, "only an observer has a region, not %s", role);
	if (email_good(email, e) ||
	    ask(c, &operate_unknown, ARGS(arg_texts(c->pool, caisses, n), arg_text(region)), &r, e))
		return -1;
	if (rows_count(r))
		return refuse(e, rows_bool(r, 0, "is_caisse") ? "unknown caisse %s" : "unknown region %s",
			      rows_str(r, 0, "code"));
	if (ask(c, &operate_agent,
		ARGS(arg_text(role), arg_text(value_of(c, "name")), arg_text(email), arg_text(region),
		     arg_bool(value_of(c, "may-sign") != NULL), arg_texts(c->pool, caisses, n)),
		&r, e))
		return -1;
	if (!rows_count(r))
		return refuse(e, "there is an agent already: %s", email);
	if (c->json)
		printf("{\"id\":%s}\n", rows_str(r, 0, "id"));
	else
		printf("agent %s\n", rows_str(r, 0, "id"));
	return 0;
}

static int do_agent_list(struct ctl *c, struct err *e)
{
	const struct rows *r;
	struct json j = json_in(c->pool);

	if (ask(c, &operate_agents, NO_ARGS, &r, e))
		return -1;
	json_arr(&j);
	for (size_t i = 0; i < rows_count(r); i++) {
		json_obj(&j);
		json_ki(&j, "id", rows_i64(r, i, "id"));
		json_kt(&j, "role", rows_str(r, i, "role"));
		json_kt(&j, "name", rows_str(r, i, "name"));
		json_kt(&j, "email", rows_str(r, i, "email"));
		json_kt(&j, "region", rows_text(r, i, "region"));
		json_kt(&j, "caisses", rows_text(r, i, "caisses"));
		json_kb(&j, "may_sign", rows_bool(r, i, "may_sign"));
		json_kb(&j, "active", rows_bool(r, i, "active"));
		json_ki(&j, "certificates", rows_i64(r, i, "certificates"));
		json_end(&j);
		if (!c->json)
			printf("%-4s %-9s %-30s %s %s%s%s\n", rows_str(r, i, "id"), rows_str(r, i, "role"),
			       rows_str(r, i, "email"), rows_str(r, i, "name"), rows_str(r, i, "caisses"),
			       rows_str(r, i, "region"), rows_bool(r, i, "may_sign") ? " signs" : "");
	}
	json_end(&j);
	if (c->json)
		print_json(&j);
	return 0;
}

/* ---- certificates ---- */

/* The folder of the authority, when it is ours. */
static const char *authority(struct ctl *c, struct err *e)
{
	const struct settings *s = &c->service.settings;

	if (home_has_default(s->agent_ca, s->home, "ca/ca.pem"))
		return pool_printf(c->pool, "%s/ca", s->home);
	refuse(e, "%s is set: certificates come from that authority", "ENROLL_AGENT_CA");
	return NULL;
}

/* Copies what the owner of HOME made to where the caller wants it. */
static int hand_out(struct ctl *c, const char *from, const char *to, struct err *e)
{
	size_t n;
	char *bytes = file_read(from, FILE_MOST, c->pool, &n, e);

	if (!bytes)
		return -1;
	home_as_caller();
	int bad = file_write(to, bytes, n, 0600, e);
	home_as_owner();
	crypto_wipe(bytes, n);
	return bad;
}

static int do_cert_issue(struct ctl *c, struct err *e)
{
	static const char *const kinds[] = { "key", "pem", "p12" };
	const char *ca = authority(c, e), *out = value_of(c, "out"), *days = value_of(c, "days");
	char *name = pool_strdup(c->pool, value_of(c, "agent"));
	char aside[] = "/tmp/enrollctl-XXXXXX";
	struct certificate made;
	const struct rows *r;
	struct json j = json_in(c->pool);
	int64_t for_days = 397;
	int bad;

	if (!ca || ask(c, &operate_agent_known, ARGS(arg_text(name)), &r, e))
		return -1;
	if (!rows_count(r))
		return refuse(e, "no agent has the address %s", name);
	if (days && str_to_i64(days, &for_days))
		return refuse(e, "not a number of days: %s", days);
	for (char *p = name; *p; p++)
		if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.", *p))
			*p = '_';
	home_as_caller();
	bad = file_folder(out, 0700, e);
	home_as_owner();
	if (bad)
		return -1;
	if (!mkdtemp(aside))
		return fault(e, "cannot make a folder: %s", strerror(errno));
	bad = authority_issue(ca, name, rows_str(r, 0, "name"),
			      pool_printf(c->pool, "AGENT-%06lld", (long long)rows_i64(r, 0, "id")), (int)for_days,
			      aside, c->pool, &made, e);
	json_obj(&j);
	json_kt(&j, "serial", bad ? NULL : made.serial);
	for (size_t i = 0; i < COUNT(kinds); i++) {
		const char *from = pool_printf(c->pool, "%s/%s.%s", aside, name, kinds[i]);
		const char *to = pool_printf(c->pool, "%s/%s.%s", out, name, kinds[i]);

		bad = bad || hand_out(c, from, to, e);
		unlink(from);
		json_kt(&j, kinds[i], to);
		if (!bad && !c->json)
			printf("%s\n", to);
	}
	rmdir(aside);
	json_end(&j);
	if (bad || ask(c, &operate_certificate,
		       ARGS(arg_text(made.serial), arg_i64(c->pool, rows_i64(r, 0, "id")), arg_text(made.issuer),
			    arg_text(made.subject), arg_text(made.fingerprint), arg_instant(c->pool, made.not_after)),
		       &r, e))
		return -1;
	if (c->json)
		print_json(&j);
	return 0;
}

/* The list carries what the database knows, too: the two agree after each command. */
static int write_crl(struct ctl *c, struct err *e)
{
	const char *ca = authority(c, e);
	const struct rows *r;

	if (!ca || ask(c, &operate_revoked, NO_ARGS, &r, e))
		return -1;
	size_t n = rows_count(r);
	const char **serials = POOL_ARRAY(c->pool, const char *, n + 1);
	for (size_t i = 0; i < n; i++)
		serials[i] = rows_str(r, i, "serial");
	return authority_crl(ca, serials, n, e);
}

static int do_cert_revoke(struct ctl *c, struct err *e)
{
	const char *agent = value_of(c, "agent"), *serial = value_of(c, "serial");
	const struct rows *r;

	if (!agent == !serial)
		return refuse(e, "either --agent or %s", "--serial");
	if (ask(c, &operate_revoke, ARGS(arg_text(serial), arg_text(agent)), &r, e))
		return -1;
	if (!rows_count(r))
		return refuse(e, "no valid certificate of %s", agent ? agent : serial);
	if (c->json)
		printf("{\"revoked\":%zu}\n", rows_count(r));
	for (size_t i = 0; i < rows_count(r) && !c->json; i++)
		printf("revoked %s\n", rows_str(r, i, "serial"));
	return write_crl(c, e);
}

static int do_cert_crl(struct ctl *c, struct err *e)
{
	if (write_crl(c, e))
		return -1;
	printf("%s/ca/ca.crl\n", c->service.settings.home);
	return 0;
}

/* ---- registry, routing ---- */

static void show_progress(void *context, int64_t bytes, int64_t total, int64_t lines)
{
	(void)context;
	fprintf(stderr, "\r%3d %%  %lld lines", total > 0 ? (int)(bytes * 100 / total) : 0, (long long)lines);
	if (total > 0 && bytes >= total)
		fputc('\n', stderr);
}

static const char *refused_because(const char *why)
{
	static const char *const words[][2] = { { "columns", "not the number of columns of the first line" },
						{ "utf8", "not UTF-8" },
						{ "rpps", "an RPPS number has 11 digits" },
						{ "too_long", "too long" } };

	for (size_t i = 0; i < COUNT(words); i++)
		if (str_eq(words[i][0], why))
			return words[i][1];
	return why;
}

static int do_registry_import(struct ctl *c, struct err *e)
{
	struct registry_counts *n = POOL_NEW(c->pool, struct registry_counts);
	struct json j = json_in(c->pool);
	size_t told;

	/* The caller's file, perhaps in a folder closed to the service's user. */
	home_as_caller();
	int bad = registry_import(c->service.dsn, value_of(c, "FILE"), value_of(c, "force") != NULL,
				  isatty(STDERR_FILENO) ? show_progress : NULL, NULL, n, e);
	home_as_owner();
	if (bad)
		return -1;
	told = n->refused < REGISTRY_TOLD ? (size_t)n->refused : REGISTRY_TOLD;
	json_obj(&j);
	json_ki(&j, "read", n->read);
	json_ki(&j, "kept", n->kept);
	json_ki(&j, "refused", n->refused);
	json_ki(&j, "before", n->before);
	json_kday(&j, "day", n->day);
	json_key(&j, "refused_lines");
	json_arr(&j);
	for (size_t i = 0; i < told; i++) {
		json_obj(&j);
		json_ki(&j, "line", n->told[i].line);
		json_kt(&j, "why", n->told[i].why);
		json_end(&j);
	}
	json_end(&j);
	json_end(&j);
	if (c->json) {
		print_json(&j);
		return 0;
	}
	printf("%lld lines read, %lld kept, %lld refused; the copy before had %lld; day %s\n", (long long)n->read,
	       (long long)n->kept, (long long)n->refused, (long long)n->before, day_iso(c->pool, n->day));
	for (size_t i = 0; i < told; i++)
		printf("line %lld: %s\n", (long long)n->told[i].line, refused_because(n->told[i].why));
	return 0;
}

static int do_registry_show(struct ctl *c, struct err *e)
{
	static const char *const columns[] = { "last_name", "first_name",  "profession", "mode",      "commune",
					       "postcode",  "departement", "authority",  "structure", "line" };
	const char *rpps = value_of(c, "RPPS");
	const struct rows *copy, *r;
	struct json j = json_in(c->pool);

	if (!rule_rpps(rpps))
		return refuse(e, "not an RPPS number (11 digits, the last one a Luhn key): %s", rpps);
	if (ask(c, &registry_current, NO_ARGS, &copy, e) || ask(c, &registry_lines_of, ARGS(arg_text(rpps)), &r, e))
		return -1;
	json_obj(&j);
	json_kt(&j, "rpps", rpps);
	json_kt(&j, "day", rows_count(copy) ? rows_text(copy, 0, "day") : NULL);
	json_key(&j, "lines");
	json_arr(&j);
	for (size_t i = 0; i < rows_count(r); i++) {
		json_obj(&j);
		for (size_t k = 0; k < COUNT(columns); k++)
			json_kt(&j, columns[k], rows_text(r, i, columns[k]));
		json_end(&j);
		for (size_t k = 0; k < COUNT(columns) && !c->json; k++)
			printf("%s%s", rows_str(r, i, columns[k]), k + 1 < COUNT(columns) ? " | " : "\n");
	}
	json_end(&j);
	json_end(&j);
	if (c->json)
		print_json(&j);
	else if (!rows_count(copy))
		fprintf(stderr, "enrollctl: no registry was ever imported\n");
	else if (!rows_count(r))
		fprintf(stderr, "enrollctl: %s is not in the registry of %s\n", rpps, rows_str(copy, 0, "day"));
	return rows_count(r) ? 0 : 1;
}

static int do_routing_explain(struct ctl *c, struct err *e)
{
	struct route_answer a;
	struct json j = json_in(c->pool);

	if (routing_explain(c->lanes, c->pool, value_of(c, "COMMUNE"), &a, e))
		return -1;
	json_obj(&j);
	json_kt(&j, "commune", a.commune);
	json_kt(&j, "commune_name", a.commune_name);
	json_kt(&j, "caisse", a.caisse);
	json_kt(&j, "caisse_name", a.caisse_name);
	json_kt(&j, "rule", a.rule);
	json_kt(&j, "confidence", a.confidence);
	json_kt(&j, "explained", a.explained);
	json_end(&j);
	if (c->json)
		print_json(&j);
	else if (a.caisse)
		printf("%s %s: caisse %s %s, table valid since %s, confidence %s\n", a.commune, a.commune_name,
		       a.caisse, a.caisse_name, day_iso(c->pool, a.valid_since),
		       a.confidence ? a.confidence : "unknown");
	else
		printf("%s %s: %s\n", a.commune, a.commune_name ? a.commune_name : "",
		       a.commune_name ? "no caisse in the table" : "not in the table");
	return a.caisse ? 0 : 1;
}

/* ---- time ---- */

static int do_tick(struct ctl *c, struct err *e)
{
	const char *now = value_of(c, "now");
	instant_t to;
	const struct rows *r;
	struct tick t = { 0 };
	struct json j = json_in(c->pool);

	if (now && !c->service.settings.test_clock)
		return refuse(e, "%s moves the time only with ENROLL_TEST_CLOCK=1", "--now");
	if (now && instant_parse(now, &to))
		return refuse(e, "not an instant: %s", now);
	if (now && ask(c, &operate_clock_move, ARGS(arg_instant(c->pool, to)), &r, e))
		return -1;
	if (ask(c, &operate_clock, NO_ARGS, &r, e) || clerk_tick(&c->service, c->lanes, c->pool, &t, e))
		return -1;
	const char *fired = t.fired_text ? t.fired_text : "";
	json_obj(&j);
	json_kinstant(&j, "now", rows_instant(r, 0, "now"));
	json_ki(&j, "checks", t.checks);
	json_ki(&j, "fired", t.fired);
	json_ki(&j, "reminders", t.reminders);
	json_ki(&j, "closed_days", t.closed_days);
	json_ki(&j, "purged", t.purged);
	json_key(&j, "events");
	json_arr(&j);
	char *save = NULL;
	for (char *line = strtok_r(pool_strdup(c->pool, fired), "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		json_text(&j, line);
	json_end(&j);
	json_end(&j);
	if (c->json)
		print_json(&j);
	else
		printf("%s%schecks %d, fired %d, reminders %d, closed days %d, purged %d at %s\n", fired,
		       *fired && !str_ends(fired, "\n") ? "\n" : "", t.checks, t.fired, t.reminders, t.closed_days,
		       t.purged, instant_rfc3339(c->pool, rows_instant(r, 0, "now")));
	return 0;
}

/* ---- history, figures ---- */

static int say_audit(struct ctl *c, const struct audit *a)
{
	struct json j = json_in(c->pool);

	json_obj(&j);
	json_kb(&j, "good", a->problems == 0);
	json_ki(&j, "files", a->files);
	json_ki(&j, "events", a->events);
	json_ki(&j, "roots", a->roots);
	json_ki(&j, "personal", a->personal);
	json_ki(&j, "erased", a->erased);
	json_ki(&j, "problems", a->problems);
	json_kt(&j, "told", a->told.s);
	json_end(&j);
	if (c->json)
		print_json(&j);
	else
		printf("%s%lld files, %lld events, %lld personal parts, %lld erased, %lld chain roots: %s\n", a->told.s,
		       (long long)a->files, (long long)a->events, (long long)a->personal, (long long)a->erased,
		       (long long)a->roots, a->problems ? "NOT GOOD" : "good");
	return a->problems ? 1 : 0;
}

static int do_audit_verify(struct ctl *c, struct err *e)
{
	struct audit a;

	if (audit_database(&c->service, c->lanes, c->pool, &a, e))
		return -1;
	return say_audit(c, &a);
}

static int do_audit_file(struct ctl *c, struct err *e)
{
	struct audit a;
	char *json = file_read(value_of(c, "FILE"), FILE_MOST, c->pool, NULL, e);

	if (!json || audit_export(json, c->pool, &a, e))
		return -1;
	return say_audit(c, &a);
}

static int do_figures(struct ctl *c, struct err *e)
{
	const char *as_of = value_of(c, "as-of"), *level = value_of(c, "level");
	enum figures_level at = FIGURES_REGION;
	day_t day = DAY_NONE;
	char *printed;

	if (as_of && day_parse(as_of, &day))
		return refuse(e, "not a date: %s", as_of);
	if (level && figures_level_from_id(level, &at))
		return refuse(e, "a level is caisse, departement, region or pays, not %s", level);
	printed = figures_print(c->lanes, day, at, c->json, c->pool, e);
	if (!printed)
		return -1;
	printf("%s%s", printed, str_ends(printed, "\n") ? "" : "\n");
	return 0;
}

static int do_demo(struct ctl *c, struct err *e)
{
	if (pages_load(c->pool, e) || pdf_start(c->service.settings.home, e) || demo_load(&c->service, e))
		return -1;
	pdf_stop();
	fputs(demo_people(&c->service, c->pool), stdout);
	return 0;
}

/* ---- backup and restore ---- */

/* A program of PostgreSQL's own: of the cluster's version, or the newest there is. */
static const char *program_of(struct ctl *c, const char *name)
{
	static const char root[] = "/usr/lib/postgresql";
	int64_t best = 0, v;

	if (c->embedded)
		return pool_printf(c->pool, "%s/%s", c->cluster.bin, name);
	DIR *d = opendir(root);
	for (struct dirent *x; d && (x = readdir(d));)
		if (!str_to_i64(x->d_name, &v) && v > best)
			best = v;
	if (d)
		closedir(d);
	return best ? pool_printf(c->pool, "%s/%lld/bin/%s", root, (long long)best, name)
		    : pool_printf(c->pool, "/usr/bin/%s", name);
}

static int run_program(struct ctl *c, const char *const *argv, struct err *e)
{
	const char *dsn = c->embedded ? c->cluster.owner_dsn : c->service.settings.owner_dsn;
	pid_t pid;
	int status = 0;

	if (!dsn || !*dsn)
		return refuse(e, "%s is not set: the owner alone reads and writes everything", "ENROLL_OWNER_DSN");
	const char *const *env = pg_environment(dsn, c->pool, e);
	if (!env)
		return -1;
	/* posix_spawn takes arrays it does not change */
	int why = posix_spawn(&pid, argv[0], NULL, NULL, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	if (why)
		return fault(e, "%s: %s", argv[0], strerror(why));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return fault(e, "%s is lost", argv[0]);
	return WIFEXITED(status) && !WEXITSTATUS(status) ? 0 : fault(e, "%s failed", argv[0]);
}

/* The files of a folder, not what is below it. A folder that is not there has none. */
static int copy_folder(struct ctl *c, const char *from, const char *to, void (*read_as)(void), void (*write_as)(void),
		       struct err *e)
{
	int bad = 0;

	read_as();
	DIR *d = opendir(from);
	for (struct dirent *x; d && !bad && (x = readdir(d));) {
		const char *path = pool_printf(c->pool, "%s/%s", from, x->d_name);
		struct stat st;
		char *bytes;
		size_t n;

		if (lstat(path, &st) || !S_ISREG(st.st_mode))
			continue;
		bytes = file_read(path, FILE_MOST, c->pool, &n, e);
		write_as();
		bad = !bytes || file_folder(to, 0700, e) ||
		      file_write(pool_printf(c->pool, "%s/%s", to, x->d_name), bytes, n, st.st_mode & 0777, e);
		read_as();
		if (bytes)
			crypto_wipe(bytes, n);
	}
	if (d)
		closedir(d);
	home_as_owner();
	return bad ? -1 : 0;
}

static const char *const kept[] = { "ca", "certs", "agents" };

static int copy_keys(struct ctl *c, const char *dir, bool back, struct err *e)
{
	const struct settings *s = &c->service.settings;
	const char *there = pool_printf(c->pool, "%s/keys", dir);
	size_t n;

	for (size_t i = 0; i < COUNT(kept); i++) {
		const char *ours = pool_printf(c->pool, "%s/%s", s->home, kept[i]);
		const char *theirs = pool_printf(c->pool, "%s/%s", dir, kept[i]);

		if (back ? copy_folder(c, theirs, ours, home_as_caller, home_as_owner, e)
			 : copy_folder(c, ours, theirs, home_as_owner, home_as_caller, e))
			return -1;
	}
	if (back)
		home_as_caller();
	char *keys = file_read(back ? there : s->key_file, FILE_MOST, c->pool, &n, e);
	if (back)
		home_as_owner();
	else
		home_as_caller();
	int bad = !keys || file_write(back ? s->key_file : there, keys, n, 0600, e);
	home_as_owner();
	if (keys)
		crypto_wipe(keys, n);
	return bad ? -1 : 0;
}

static int write_purges(struct ctl *c, const char *path, struct err *e)
{
	struct str lines = str_in(c->pool);
	const struct rows *r;

	if (ask(c, &operate_purges, NO_ARGS, &r, e))
		return -1;
	for (size_t i = 0; i < rows_count(r); i++)
		str_addf(&lines, "%s %s %s\n", rows_str(r, i, "file"), rows_str(r, i, "kinds"),
			 instant_rfc3339(c->pool, rows_instant(r, i, "at")));
	home_as_caller();
	int bad = file_write(path, lines.s, lines.len, 0600, e);
	home_as_owner();
	return bad;
}

static int do_backup(struct ctl *c, struct err *e)
{
	const char *dir = value_of(c, "DIR");
	const char *dump = pool_printf(c->pool, "%s/database.dump", dir);
	const char *const argv[] = {
		program_of(c, "pg_dump"), "--format=custom", "--schema=enroll", "--file", dump, NULL
	};

	home_as_caller();
	int bad = file_folder(dir, 0700, e);
	if (!bad && file_exists(dump))
		bad = refuse(e, "there is a backup already: %s", dir);
	if (!bad && file_exists(pool_printf(c->pool, "%s/keys", dir)))
		bad = refuse(e, "keys are there already, this is a home: %s", dir);
	if (!bad)
		bad = run_program(c, argv, e);
	if (!bad && chmod(dump, 0600))
		bad = fault(e, "backup: %s", strerror(errno));
	home_as_owner();
	if (bad || copy_keys(c, dir, false, e) || write_purges(c, pool_printf(c->pool, "%s/purges.txt", dir), e))
		return -1;
	printf("%s: database, keys, certificates\n", dir);
	return 0;
}

static bool told_in(const struct rows *r, int64_t file, const char *kinds)
{
	for (size_t i = 0; i < rows_count(r); i++)
		if (rows_i64(r, i, "file") == file && str_eq(rows_str(r, i, "kinds"), kinds))
			return true;
	return false;
}

/*
 * Lines "FILE KINDS WHEN" of a newer backup's purges.txt: what was erased after this one was made. What is due by its
 * date comes back by itself; this is for what was erased on another ground, or under another policy.
 */
static int replay_purges(struct ctl *c, const char *path, int *again, struct err *e)
{
	const struct rows *r;
	char *lines, *save = NULL;

	home_as_caller();
	lines = file_read(path, FILE_MOST, c->pool, NULL, e);
	home_as_owner();
	if (!lines || ask(c, &operate_purges, NO_ARGS, &r, e))
		return -1;
	for (char *line = strtok_r(lines, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		char *rest = line, *number = strsep(&rest, " "), *kinds = strsep(&rest, " ");
		int64_t file;

		if (!kinds || str_to_i64(number, &file))
			return refuse(e, "not a line of purges: %s", line);
		if (told_in(r, file, kinds))
			continue;
		if (!purge_again(&c->service, file, kinds, e))
			++*again;
		else if (e->kind != ERR_MISSING) /* a file that this backup does not know has nothing to erase */
			fprintf(stderr, "enrollctl: file %lld is not erased again: %s %s\n", (long long)file,
				e->text ? e->text : "", e->detail);
	}
	return 0;
}

/* Into a home that has no database yet; then what was due for erasing since is erased again, before anyone sees it. */
static int do_restore(struct ctl *c, struct err *e)
{
	const char *dir = value_of(c, "DIR");
	const char *dump = pool_printf(c->pool, "%s/database.dump", dir);
	const char *const argv[] = {
		program_of(c, "pg_restore"), "--exit-on-error", "--single-transaction", "--dbname=enroll", dump, NULL
	};
	const struct settings *s = &c->service.settings;
	const char *owner = c->embedded ? c->cluster.owner_dsn : s->owner_dsn;
	struct tick t = { 0 };
	int applied = 0, again = 0;

	home_as_caller();
	bool there = file_exists(dump) && file_exists(pool_printf(c->pool, "%s/keys", dir));
	home_as_owner();
	if (!there)
		return refuse(e, "no backup in %s: it has database.dump and keys, as \"enrollctl backup\" made them",
			      dir);
	if (!owner || !*owner)
		return refuse(e, "%s is not set: the owner alone makes the schema", "ENROLL_OWNER_DSN");
	struct plain *p = plain_open(owner, "enroll restore", e);
	const struct rows *r = NULL;
	int bad = !p || plain_script(p, "select 1 from pg_namespace where nspname = 'enroll'", c->pool, &r, e);
	plain_close(p);
	if (bad)
		return -1;
	if (rows_count(r))
		return refuse(e, "there is a database already in %s: name a new home, ENROLL_HOME=new", s->home);
	if (copy_keys(c, dir, true, e))
		return -1;
	home_as_caller();
	bad = run_program(c, argv, e);
	home_as_owner();
	if (bad || migrate(owner, workflow_print(c->pool), workflow_digest(c->pool), &applied, e))
		return -1;
	keyring_close(c->service.keys);
	c->service.keys = keyring_open(s->key_file, false, e);
	if (!c->service.keys)
		return -1;
	c->service.dsn = c->embedded ? c->cluster.dsn : s->dsn;
	c->service.owner_dsn = owner;
	c->service.purge_dsn = c->embedded ? c->cluster.purge_dsn : s->purge_dsn;
	if (keys_as_database(&c->service, e) || policy_load(&c->service, e))
		return -1;
	c->lanes = lanes_open(
		&(struct lanes_options){ .dsn = c->service.dsn, .write = 1, .application_name = "enrollctl" }, NULL,
		NULL, e);
	if (!c->lanes || (value_of(c, "purges") && replay_purges(c, value_of(c, "purges"), &again, e)) ||
	    clerk_tick(&c->service, c->lanes, c->pool, &t, e))
		return -1;
	printf("restored; %d purged again, %d deadlines fired\n", again + t.purged, t.fired);
	return 0;
}

/* ---- keys ---- */

#define SEALS "%s is not set: the owner alone seals again"

/* Rows sealed with a key; columns one by one when they are wanted. */
static int64_t sealed_with(const struct rekey_count *counts, size_t n, const char *id)
{
	int64_t rows = 0;

	for (size_t i = 0; i < n; i++)
		rows += str_eq(counts[i].key, id) ? counts[i].rows : 0;
	return rows;
}

static void say_key(struct json *j, bool as_json, const struct key_name *key, const struct rekey_count *counts,
		    size_t n)
{
	bool seals = str_eq(key->use, "seal");

	json_obj(j);
	json_kt(j, "id", key->id);
	json_kt(j, "use", key->use);
	json_kb(j, "current", key->current);
	if (seals) {
		json_ki(j, "rows", sealed_with(counts, n, key->id));
		json_key(j, "columns");
		json_obj(j);
	}
	if (!as_json)
		printf("%s %s%s", key->id, key->use, key->current ? ", current" : "");
	if (!as_json && seals)
		printf(", %lld rows", (long long)sealed_with(counts, n, key->id));
	if (!as_json)
		putchar('\n');
	for (size_t i = 0; seals && i < n; i++)
		if (str_eq(counts[i].key, key->id)) {
			json_ki(j, counts[i].column, counts[i].rows);
			if (!as_json)
				printf("\t%s %lld\n", counts[i].column, (long long)counts[i].rows);
		}
	if (seals)
		json_end(j);
	json_end(j);
}

/* 1 when something is sealed with a key that is not in the file: nobody can read it. */
static int do_keys_status(struct ctl *c, struct err *e)
{
	struct json j = json_in(c->pool);
	struct rekey_count *counts;
	struct key_name *keys;
	const char *owner = owner_of(c, SEALS, e);
	size_t n, known;
	int64_t lost = 0;

	if (!owner || rekey_counts(owner, c->pool, &counts, &n, e))
		return -1;
	known = keyring_list(c->service.keys, c->pool, &keys);
	json_arr(&j);
	for (size_t i = 0; i < known; i++)
		say_key(&j, c->json, &keys[i], counts, n);
	for (size_t i = 0; i < n; i++) {
		bool here = false;

		for (size_t k = 0; k < known; k++)
			here |= str_eq(counts[i].key, keys[k].id);
		lost += here ? 0 : counts[i].rows;
		if (!here)
			fprintf(stderr, "enrollctl: %lld rows of %s are sealed with %s, which is not in the file\n",
				(long long)counts[i].rows, counts[i].column, counts[i].key);
	}
	json_end(&j);
	if (c->json)
		print_json(&j);
	return lost ? 1 : 0;
}

static int say_made(struct ctl *c, const char *id, const char *words)
{
	if (c->json)
		printf("{\"id\":\"%s\"}\n", id);
	else
		printf("%s %s\n", id, words);
	return 0;
}

static int do_keys_rotate(struct ctl *c, struct err *e)
{
	const char *use = value_of(c, "use"), *to = value_of(c, "to"), *path = c->service.settings.key_file, *made;
	bool add = value_of(c, "add") != NULL;
	int64_t files = 0;

	use = use ? use : "seal";
	if (to && (add || value_of(c, "use")))
		return refuse(e, "%s names the key: nothing else is to be said", "--to");
	if (!str_eq(use, "seal") && !str_eq(use, "hmac") && !str_eq(use, "sign"))
		return refuse(e, "keys seal, hmac or sign, they do not %s", use);
	if (str_eq(use, "hmac")) {
		const char *owner = owner_of(c, SEALS, e);

		if (add)
			return refuse(e, "%s: the key of searches changes everywhere at once", "--add");
		/* It would be waiting for itself. */
		lanes_close(c->lanes);
		c->lanes = NULL;
		if (!owner || keys_equality(&c->service, owner, c->pool, &made, &files, e))
			return -1;
		return say_made(c, made,
				pool_printf(c->pool, "finds persons; %lld files made again", (long long)files));
	}
	if (to) {
		struct key_name *keys;
		size_t n = keyring_list(c->service.keys, c->pool, &keys);

		for (size_t i = 0; i < n; i++)
			if (str_eq(keys[i].id, to) && str_eq(keys[i].use, "hmac"))
				return refuse(e, "%s finds persons: the database says which one does", to);
		return keyring_promote(path, to, e) ? -1 : say_made(c, to, "is current");
	}
	if (keyring_add(path, use, !add, c->pool, &made, e))
		return -1;
	return say_made(c, made,
			add ? "is known; carry the file to every machine, then keys rotate --to it" : "is current");
}

static void show_sealed(void *context, const char *column, int64_t at, int64_t of)
{
	(void)context;
	fprintf(stderr, "\r%-20s %3d %%", column, (int)(at * 100 / of));
	if (at >= of)
		fputc('\n', stderr);
}

static int do_keys_reencrypt(struct ctl *c, struct err *e)
{
	const char *owner = owner_of(c, SEALS, e);
	int64_t rows = 0;

	if (!owner || rekey_run(owner, c->service.keys, isatty(STDERR_FILENO) ? show_sealed : NULL, NULL, &rows, e))
		return -1;
	if (c->json)
		printf("{\"key\":\"%s\",\"rows\":%lld}\n", keyring_current(c->service.keys), (long long)rows);
	else
		printf("%lld rows sealed again with %s\n", (long long)rows, keyring_current(c->service.keys));
	return 0;
}

static int do_keys_retire(struct ctl *c, struct err *e)
{
	const char *id = value_of(c, "ID"), *owner = owner_of(c, SEALS, e);
	const struct key_name *key = NULL;
	struct rekey_count *counts;
	struct key_name *keys;
	size_t n, known = keyring_list(c->service.keys, c->pool, &keys);

	for (size_t i = 0; i < known; i++)
		if (str_eq(keys[i].id, id))
			key = &keys[i];
	if (!key)
		return refuse(e, "there is no key %s", id);
	if (key->current)
		return refuse(e, "%s is the current one of its use", id);
	/* Whoever has not taken the last change up yet, or holds something sealed before it, comes first. */
	struct stat st;
	if (!stat(c->service.settings.key_file, &st) && time(NULL) - st.st_mtim.tv_sec < KEYS_REST_SECONDS)
		return refuse(e, "the key file has just changed: again in half a minute, %s", id);
	if (str_eq(key->use, "sign"))
		return refuse(e, "%s stays: what it signed is verified with it", id);
	if (!owner || rekey_counts(owner, c->pool, &counts, &n, e))
		return -1;
	if (sealed_with(counts, n, id))
		return refuse(e, "%s still opens something: keys status, keys reencrypt", id);
	if (keyring_remove(c->service.settings.key_file, id, e))
		return -1;
	return say_made(c, id, "is retired; backups made before want the file they came with");
}

/* ---- the table ---- */

static int do_help(struct ctl *c, struct err *e);

static const struct command commands[] = {
	{ "migrate", "", "brings the schema up to date", NEEDS_CLUSTER, do_migrate },
	{ "settings", "", "every setting, secrets masked", NEEDS_NOTHING, do_settings },
	{ "invariants", "", "the eight views of impossible states; 1 when one is not empty", NEEDS_HISTORY,
	  do_invariants },
	{ "policy", "", "what an operator may decide: values, defaults, bounds, what for", NEEDS_HISTORY, do_policy },
	{ "policy set", "NAME VALUE", "from now on; deadlines that run already stay", NEEDS_HISTORY, do_policy_set },
	{ "account create", "--email E --password-stdin", "an applicant's account, confirmed", NEEDS_DATABASE,
	  do_account_create },
	{ "agent create", "--role ROLE --name NAME --email E [--caisse CODE]... [--region CODE] [--may-sign]",
	  "roles: expert, delegate, region, admin", NEEDS_DATABASE, do_agent_create },
	{ "agent list", "", "every agent, with rights", NEEDS_HISTORY, do_agent_list },
	{ "cert issue", "--agent E --out DIR [--days N]",
	  "key and certificate of an agent: .key, .pem, .p12 (password enroll)", NEEDS_DATABASE, do_cert_issue },
	{ "cert revoke", "[--agent E] [--serial S]", "one certificate, or all of an agent", NEEDS_DATABASE,
	  do_cert_revoke },
	{ "cert crl", "", "writes the list of revoked certificates again", NEEDS_DATABASE, do_cert_crl },
	{ "registry import", "FILE [--force]", "a new copy of the Annuaire Santé, swapped in at once", NEEDS_DATABASE,
	  do_registry_import },
	{ "registry show", "RPPS", "the lines of one number", NEEDS_HISTORY, do_registry_show },
	{ "routing explain", "COMMUNE", "which caisse, by which rule; 1 when none", NEEDS_DATABASE,
	  do_routing_explain },
	{ "workflow print", "", "the table of transitions", NEEDS_NOTHING, do_workflow },
	{ "routes print", "", "the table of routes", NEEDS_NOTHING, do_routes },
	{ "tick", "[--now INSTANT]", "fires what is due, prints what fired; --now wants ENROLL_TEST_CLOCK=1",
	  NEEDS_DATABASE, do_tick },
	{ "audit verify", "", "the whole history; 1 when it is not good", NEEDS_HISTORY, do_audit_verify },
	{ "audit verify", "FILE", "one exported history, without a database", NEEDS_NOTHING, do_audit_file },
	{ "figures", "[--as-of DATE] [--level LEVEL]", "levels: caisse, departement, region, pays", NEEDS_HISTORY,
	  do_figures },
	{ "backup", "DIR", "database, keys and certificates", NEEDS_HISTORY, do_backup },
	{ "restore", "DIR [--purges FILE]", "into a home without a database; purges what is due, and what FILE tells",
	  NEEDS_CLUSTER, do_restore },
	{ "keys status", "", "every key, and what is sealed with it; 1 when a key is missing", NEEDS_HISTORY,
	  do_keys_status },
	{ "keys rotate", "[--use USE] [--add] [--to ID]",
	  "a new key (seal, hmac or sign), current at once; --add: only known; --to: that one from now on",
	  NEEDS_HISTORY, do_keys_rotate },
	{ "keys reencrypt", "", "seals everything again with the current key; killed, it is run again", NEEDS_HISTORY,
	  do_keys_reencrypt },
	{ "keys retire", "ID", "takes away a key that opens nothing any more", NEEDS_HISTORY, do_keys_retire },
	{ "demo load", "", "invented people, into an empty database", NEEDS_DATABASE, do_demo },
	{ "help", "", "this list", NEEDS_NOTHING, do_help },
};

static int do_help(struct ctl *c, struct err *e)
{
	(void)c;
	(void)e;
	printf("enrollctl COMMAND [--json]\n\n");
	for (size_t i = 0; i < COUNT(commands); i++)
		printf("  %s%s%s\n\t%s\n", commands[i].name, *commands[i].args ? " " : "", commands[i].args,
		       commands[i].help);
	return 0;
}

/* ---- the command line ---- */

/* One word of a usage line. */
struct word {
	char name[24];
	bool option, optional, value;
};

static size_t grammar(const char *args, struct word out[16])
{
	char copy[200], *save = NULL;
	size_t n = 0;
	bool inside = false;

	snprintf(copy, sizeof copy, "%s", args);
	for (char *t = strtok_r(copy, " ", &save); t && n < 16; t = strtok_r(NULL, " ", &save)) {
		bool opens = *t == '[', closes = strchr(t, ']') != NULL;

		t += opens;
		t[strcspn(t, "]")] = 0;
		inside |= opens;
		if (!strncmp(t, "--", 2)) {
			out[n] = (struct word){ .option = true, .optional = inside };
			snprintf(out[n++].name, sizeof out[0].name, "%s", t + 2);
		} else if (n && out[n - 1].option && !out[n - 1].value && (inside || !opens)) {
			out[n - 1].value = true;
		} else {
			out[n] = (struct word){ .optional = inside, .value = true };
			snprintf(out[n++].name, sizeof out[0].name, "%s", t);
		}
		inside &= !closes;
	}
	return n;
}

/* Does this command line fit? Fills c->given. */
static bool fits(struct ctl *c, const struct command *command, char **argv)
{
	struct word words[16];
	size_t n = grammar(command->args, words);
	bool seen[16] = { false };

	c->count = 0;
	for (; *argv; argv++) {
		struct given g = { 0 };

		if (!strcmp(*argv, "--json")) {
			c->json = true;
			continue;
		}
		for (size_t i = 0; i < n && !g.name; i++) {
			bool option = !strncmp(*argv, "--", 2);

			if (words[i].option != option || (option && strcmp(*argv + 2, words[i].name) != 0) ||
			    (!option && seen[i]))
				continue;
			g.name = pool_strdup(c->pool, words[i].name);
			g.value = !option ? *argv : words[i].value ? *++argv : "";
			seen[i] = true;
		}
		if (!g.name || !g.value || c->count == ARGS_MAX)
			return false;
		c->given[c->count++] = g;
	}
	for (size_t i = 0; i < n; i++)
		if (!seen[i] && !words[i].optional)
			return false;
	return true;
}

/* `name`: a command or the first word of some, or NULL. */
static int usage(const char *name)
{
	bool known = false;
	size_t n = name ? strlen(name) : 0;

	for (size_t i = 0; i < COUNT(commands); i++)
		if (n && !strncmp(commands[i].name, name, n) && (!commands[i].name[n] || commands[i].name[n] == ' ')) {
			fprintf(stderr, "usage: enrollctl %s %s [--json]\n", commands[i].name, commands[i].args);
			known = true;
		}
	if (!known)
		fprintf(stderr, "usage: enrollctl COMMAND; enrollctl help lists them\n");
	return 2;
}

static const struct command *find(struct ctl *c, int argc, char **argv, const char **name)
{
	*name = NULL;
	for (size_t i = 0; i < COUNT(commands); i++) {
		const char *two = argc > 2 ? pool_printf(c->pool, "%s %s", argv[1], argv[2]) : "";
		bool one = argc > 1 && !strcmp(commands[i].name, argv[1]);

		if (!one && strcmp(commands[i].name, two) != 0)
			continue;
		*name = commands[i].name;
		if (fits(c, &commands[i], argv + (one ? 2 : 3)))
			return &commands[i];
	}
	return NULL;
}

/* ---- from start to end ---- */

static int prepare(struct ctl *c, struct err *e)
{
	struct service *s = &c->service;

	if (c->command->needs == NEEDS_NOTHING)
		return 0;
	if (c->command->needs == NEEDS_HISTORY && !*s->settings.dsn &&
	    access(pool_printf(c->pool, "%s/pg/data", s->settings.home), F_OK))
		return fault(e, "no database in %s: say where with ENROLL_HOME or ENROLL_DSN", s->settings.home);
	if (home_enter(&s->settings, true, c->pool, e) || home_make(s, e))
		return -1;
	if (forms_load(c->pool, e))
		return -1;
	if (c->command->needs == NEEDS_CLUSTER) {
		if (*s->settings.dsn)
			return 0;
		c->embedded = !cluster_start(s->settings.home, c->pool, &c->cluster, e);
		return c->embedded ? 0 : -1;
	}
	if (home_open(s, &c->cluster, &c->embedded, e))
		return -1;
	c->lanes = lanes_open(&(struct lanes_options){ .dsn = s->dsn, .write = 1, .application_name = "enrollctl" },
			      NULL, NULL, e);
	return c->lanes ? 0 : -1;
}

/* Commands speak English: the catalogue has a second set of words for what pages say in French. */
static void say_error(struct pool *pool, const struct err *e)
{
	const char *id = e->text ? pool_printf(pool, "command.%s", e->text) : "";
	const char *said = !*id || (e->kind == ERR_FAULT && *e->detail) ? "" : text_fill(pool, id, e->arg);

	fprintf(stderr, "enrollctl: %s%s%s\n", said, *said && *e->detail ? ": " : "", e->detail);
}

int main(int argc, char **argv)
{
	static struct ctl c;
	struct err e = { 0 };
	const char *name;
	int result;

	signal(SIGPIPE, SIG_IGN);
	umask(077);
	log_set_level(LOG_WARN);
	c.pool = c.service.pool = pool_new();
	c.cluster.users = -1;
	c.command = find(&c, argc, argv, &name);
	if (!c.command) {
		pool_free(c.pool);
		return usage(name ? name : argc > 1 ? argv[1] : NULL);
	}
	result = texts_load(c.pool, &e) || settings_read(c.pool, &c.service.settings, &e) || prepare(&c, &e)
			 ? -1
			 : c.command->run(&c, &e);
	if (result < 0)
		say_error(c.pool, &e);
	if (c.lanes)
		lanes_close(c.lanes);
	if (c.embedded)
		cluster_stop(&c.cluster);
	keyring_close(c.service.keys);
	pool_free(c.pool);
	home_as_caller(); /* a leak checker at the end wants the rights the program began with */
	if (fflush(stdout) && !result)
		result = 1;
	return result ? 1 : 0;
}
