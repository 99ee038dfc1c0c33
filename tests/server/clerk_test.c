/* The clerk against a real PostgreSQL: one file goes through what time and checks bring, with the clock moved forward.
 */
#include "../lib/test.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "../../db/case.h"
#include "../../db/identity.h"
#include "../../db/message.h"
#include "../../db/migrate.h"
#include "../../db/piece.h"
#include "../../db/sealed.h"
#include "../../db/upload.h"
#include "../../forms/xml.h"
#include "../../server/base/file.h"
#include "../../server/chain.h"
#include "../../server/child.h"
#include "../../server/clerk.h"
#include "../../server/letters.h"
#include "../../server/page.h"
#include "../../server/pdf.h"
#include "../../server/piece_check.h"
#include "../../server/pieces.h"
#include "../../server/convention.h"
#include "../../server/document.h"
#include "../../db/document.h"
#include "../../db/file_read.h"
#include "../../server/text.h"
#include "../../workflow/fire.h"
#include "../lib/pgtest.h"
#include "../lib/tool.h"

static struct pool *process;
static struct service service;
static struct lanes *lanes;

static const char *owner(const char *sql)
{
	return pgtest_value(pgtest_cluster()->owner_dsn, sql);
}

static int64_t number(const char *sql)
{
	int64_t n = 0;
	assert_int_equal(str_to_i64(owner(sql), &n), 0);
	return n;
}

static int start(void **state)
{
	struct err e = { .detail = "" };
	int applied;
	(void)state;
	process = pool_new();
	const struct cluster *c = pgtest_cluster();
	if (texts_load(process, &e) || forms_load(process, &e) || pages_load(process, &e) ||
	    migrate(c->owner_dsn, workflow_print(process), workflow_digest(process), &applied, &e))
		fail_msg("%s", e.detail);
	service = (struct service){
		.pool = process,
		.dsn = c->dsn,
		.owner_dsn = c->owner_dsn,
		.purge_dsn = c->purge_dsn,
		.policy = &policy_default,
		.settings = { .home = pgtest_folder(),
			      .public_url = "https://localhost:8443",
			      .mail_from = "Rejoindre <ne-pas-repondre@example.org>",
			      .smtp_url = "",
			      .clamd = "",
			      .geocode_url = "",
			      .fhir_url = "",
			      .eligibility = "automatic" },
	};
	service.keys = keyring_open(pool_printf(process, "%s/keys", pgtest_folder()), true, &e);
	if (!service.keys)
		fail_msg("%s", e.detail);
	lanes = lanes_open(&(struct lanes_options){ .dsn = c->dsn, .write = 1, .application_name = "clerk_test" }, NULL,
			   NULL, &e);
	assert_non_null(lanes);
	return 0;
}

static int stop(void **state)
{
	(void)state;
	lanes_close(lanes);
	keyring_close(service.keys);
	pool_free(process);
	return 0;
}

/* ---- a draft that can be sent ---- */

static const char document[] =
	"%PDF-1.7\n1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 "
	">>\nendobj\n3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] /Resources << >> >>\nendobj\nxref\n0 4\n"
	"0000000000 65535 f \n0000000009 00000 n \n0000000058 00000 n \n0000000115 00000 n \ntrailer\n<< /Size 4 /Root "
	"1 0 R "
	">>\nstartxref\n202\n%%EOF\n";

static const struct identity system_identity = { .role = SYSTEM };

static struct segment *segment_as(struct pool *pool, const struct identity *who)
{
	struct segment *s = segment_new(lanes, pool, LANE_WRITE, NULL, NULL);
	identity_ask(s, pool, who, 0);
	return s;
}

static void send_it(struct segment *s)
{
	struct err e = { .detail = "" };
	if (db_send_wait(s, &e))
		fail_msg("%s %s", e.text, e.detail);
}

static void add_piece(struct pool *pool, const struct identity *who, int64_t file, const char *kind, const char *row)
{
	struct piece_new p = { .pool = pool,
			       .keys = service.keys,
			       .file = file,
			       .kind = kind,
			       .for_row = row,
			       .name = "document.pdf",
			       .bytes = document,
			       .size = sizeof document - 1 };
	struct segment *s = segment_as(pool, who);
	size_t at = segment_ask(s, &piece_next_id, NO_ARGS);
	send_it(s);
	p.id = rows_i64(segment_rows(s, at), 0, "id");
	piece_prepare(&p);
	if (p.err.kind != ERR_NONE)
		fail_msg("%s %s", p.err.text, p.err.detail);
	assert_null(p.checked.problem);
	s = segment_as(pool, who);
	segment_ask(s, &piece_insert,
		    ARGS(arg_i64(pool, p.id), arg_i64(pool, file), arg_text(kind), arg_text(row),
			 arg_bytes(p.sealed_name.bytes, p.sealed_name.size), arg_text(p.checked.type),
			 arg_i64(pool, (int64_t)p.size), arg_text(p.sha256), arg_text(NULL), arg_i64(pool, 1)));
	for (size_t n = 0; n < p.chunk_count; n++)
		segment_ask(s, &piece_chunk_insert,
			    ARGS(arg_i64(pool, p.id), arg_i64(pool, (int64_t)n),
				 arg_bytes(p.chunks[n].bytes, p.chunks[n].size)));
	segment_ask(s, &piece_replace, ARGS(arg_i64(pool, file), arg_text(kind), arg_text(row), arg_i64(pool, p.id)));
	segment_ask(s, &piece_queue_scan, ARGS(arg_i64(pool, file), arg_i64(pool, p.id)));
	send_it(s);
}

static struct values answers(struct pool *pool, const char *rpps, const char *nir)
{
	const char *const list[][2] = {
		{ "last_name", "Exemple" },
		{ "first_name", "Camille" },
		{ "birth_date", "1985-05-01" },
		{ "email", "camille@example.org" },
		{ "phone", "0320000000" },
		{ "nir", nir },
		{ "rpps", rpps },
		{ "practice_mode", "liberal" },
		{ "address_street", "1 rue de la Paix" },
		{ "address_postcode", "59000" },
		{ "address_commune", "59350" },
		{ "diploma_kind", "master" },
		{ "diploma_date", "2010-06-30" },
		{ "diploma_place", "Lille" },
		{ "experience[0].from", "2012-01-01" },
		{ "experience[0].to", "2020-01-01" },
		{ "experience[0].structure", "CMP" },
		{ "experience[0].function", "Psychologue" },
		{ "experience[0].clinical", "yes" },
		{ "experience[0].share", "100" },
		{ "public[]", "adults" },
		{ "iban", "FR7630006000011234567890189" },
		{ "iban_holder", "Camille Exemple" },
		{ "attest_clinical", "true" },
		{ "attest_truth", "true" },
	};
	struct values v = values_in(pool);
	for (size_t i = 0; i < COUNT(list); i++)
		values_add(&v, list[i][0], list[i][1]);
	return v;
}

static int64_t draft(struct pool *pool, const char *email, const char *rpps, const char *nir, struct identity *who)
{
	struct err e = { .detail = "" };
	struct values v = answers(pool, rpps, nir);
	unsigned char *sealed;
	char *xml;
	size_t n;
	int64_t file;
	*who = (struct identity){ .role = APPLICANT };
	who->account = number(pool_printf(pool,
					  "insert into account (email, email_key, confirmed_at) values ('%s', '%s', "
					  "enroll_now()) returning id",
					  email, email));
	file = number(
		pool_printf(pool, "insert into file (account) values (%lld) returning id", (long long)who->account));
	assert_int_equal(xml_from_values(&v, "application", pool, &xml, &n, &e), 0);
	assert_int_equal(sealed_make(service.keys, sealed_at(SEALED_WORKING_COPY, file), xml, n, pool, &sealed, &n, &e),
			 0);
	struct segment *s = segment_as(pool, who);
	segment_ask(s, &case_working_insert, ARGS(arg_i64(pool, file), arg_bytes(sealed, n)));
	send_it(s);
	return file;
}

static void submit(struct pool *pool, const struct identity *who, int64_t file)
{
	static const char *const kinds[] = { "diploma", "identity", "rights", "rib" };
	struct err e = { .detail = "" };
	for (size_t i = 0; i < COUNT(kinds); i++)
		add_piece(pool, who, file, kinds[i], NULL);
	add_piece(pool, who, file, "experience", "experience[0]");
	struct firing f = { .lanes = lanes,
			    .pool = pool,
			    .keys = service.keys,
			    .policy = service.policy,
			    .who = *who,
			    .public_url = service.settings.public_url,
			    .file = file,
			    .event = EV_SUBMIT,
			    .version = 0 };
	if (fire_wait(&f, &e)) {
		for (size_t i = 0; i < f.problems.count; i++)
			print_error("%s %s\n", f.problems.items[i].field, f.problems.items[i].code);
		fail_msg("submit: %s %s", e.text, e.detail);
	}
	assert_int_equal(f.state, ST_SUBMITTED);
}

static struct tick tick(struct pool *pool)
{
	struct err e = { .detail = "" };
	struct tick t;
	if (clerk_tick(&service, lanes, pool, &t, &e))
		fail_msg("tick: %s %s", e.text, e.detail);
	return t;
}

static int deliver(void)
{
	struct err e = { .detail = "" };
	int done;
	if (clerk_deliver(&service, lanes, &done, &e))
		fail_msg("deliver: %s %s", e.text, e.detail);
	return done;
}

/* A message to an account, as somebody waits for it: its id. */
static int64_t post(struct pool *pool, int64_t account, struct arg file, const char *kind, const char *params)
{
	struct segment *s = segment_as(pool, &system_identity);
	segment_ask(s, &message_post,
		    ARGS(arg_i64(pool, account), arg_text("account"), file, arg_text(NULL), arg_text(kind),
			 arg_text(params)));
	segment_ask(s, &message_queue, ARGS(file, arg_text(NULL)));
	send_it(s);
	return number("select max(id) from message");
}

static void days_pass(int days)
{
	char sql[256];
	snprintf(sql, sizeof sql,
		 "insert into meta (key, value) values ('clock_offset', '%d') on conflict (key) do update set value = "
		 "(meta.value::bigint + %d)::text returning key",
		 days * 86400, days * 86400);
	owner(sql);
}

static const char *letter_body(struct pool *pool, int64_t file, const char *kind)
{
	struct err e = { .detail = "" };
	struct letter t;
	int64_t id = number(pool_printf(pool, "select max(id) from message where file = %lld and kind = '%s'",
					(long long)file, kind));
	if (letter_render(&service, lanes, pool, id, false, &t, &e))
		fail_msg("%s: %s", kind, e.detail);
	assert_non_null(t.html);
	return t.html;
}

static const char *state_of(struct pool *pool, int64_t file)
{
	return pool_strdup(pool, owner(pool_printf(pool, "select state from file where id = %lld", (long long)file)));
}

/* ---- */

static void a_good_file_passes_its_checks_and_is_told_so(void **state)
{
	struct pool *pool = pool_new();
	struct identity who;
	(void)state;
	owner("with c as (insert into registry_copy (source_day, current) values (paris_today(), true) returning id)"
	      " insert into registry_line (copy, rpps, last_name, first_name, profession, commune, departement, "
	      "authority)"
	      " select id, '10008744715', 'EXEMPLE', 'Camille', '93', '59350', '59', 'ARS/ARS/ARS' from c returning "
	      "rpps");
	int64_t file = draft(pool, "a@example.org", "10008744715", "285059935012376", &who);
	submit(pool, &who, file);
	struct tick t = tick(pool);
	assert_int_equal(t.checks, 1);
	assert_non_null(strstr(t.fired_text, "checks_passed"));
	assert_string_equal(state_of(pool, file), "in_review");
	assert_int_equal(number("select count(*) from message where subject is null"), 3);
	assert_true(deliver() >= 3);
	assert_int_equal(number("select count(*) from message where subject is null"), 0);
	assert_int_equal(number("select count(*) from message where mail_state <> 'none'"), 0);
	assert_non_null(strstr(letter_body(pool, file, "receipt"), "Bonjour Camille Exemple,"));
	assert_non_null(strstr(letter_body(pool, file, "receipt"), "soit quatre"));
	assert_non_null(strstr(letter_body(pool, file, "eligible"), "traitement algorithmique"));
	assert_non_null(strstr(letter_body(pool, file, "eligible"), "Expérience"));
	/* nothing personal in the subject, nothing readable in the body */
	assert_int_equal(number("select count(*) from message where subject like '%Camille%' or "
				"position('Camille'::bytea in body) "
				"> 0"),
			 0);
	/* a second tick finds nothing to do */
	t = tick(pool);
	assert_int_equal(t.checks + t.fired + t.reminders, 0);
	pool_free(pool);
}

static void a_root_is_signed_over_every_history(void **state)
{
	struct pool *pool = pool_new();
	struct chain_head head = { 0 };
	(void)state;
	days_pass(1);
	tick(pool);
	head.file = number("select id from file where version > 0");
	head.hash = pool_strdup(pool,
				owner("select e.hash from event e join file f on f.id = e.file and e.seq = f.version"));
	char *root = chain_root(&head, 1, pool);
	assert_string_equal(root, owner("select root from chain_root order by at desc limit 1"));
	int64_t at = number("select extract(epoch from max(at))::bigint from chain_root");
	char *covered = chain_signed(at * SECOND, 1, root, pool);
	char *signature = pool_strdup(pool, owner("select signature from chain_root order by at desc limit 1"));
	assert_true(crypto_verify_hex(service.keys, signature, covered, strlen(covered)));
	pool_free(pool);
}

static void a_code_and_a_link_travel_sealed_and_the_inbox_keeps_no_code(void **state)
{
	struct pool *pool = pool_new();
	struct err e = { .detail = "" };
	struct letter t;
	(void)state;
	int64_t file = number("select id from file where state = 'in_review'");
	char *params = letter_params(service.keys, "signing_code", "314159", pool, &e);
	assert_null(strstr(params, "314159"));
	int64_t account = number("select account from file where state = 'in_review'");
	int64_t id = post(pool, account, arg_i64(pool, file), "signing_code", params);
	service.settings.smtp_url = "smtp://127.0.0.1:1";
	assert_int_equal(letter_render(&service, lanes, pool, id, false, &t, &e), 0);
	assert_null(strstr(t.html, "314159"));
	assert_int_equal(letter_render(&service, lanes, pool, id, true, &t, &e), 0);
	assert_non_null(strstr(t.html, "314159"));
	/* nobody listens: it is tried again later, and says so */
	assert_true(deliver() >= 2);
	assert_int_equal(
		number("select count(*) from outbox where kind = 'mail' and done_at is null and error = 'later'"), 1);
	service.settings.smtp_url = "";
	pool_free(pool);
}

static void mails_arrive_and_their_state_shows(void **state)
{
	struct pool *pool = pool_new();
	struct err e = { .detail = "" };
	struct child c;
	const char *folder = pool_printf(pool, "%s/mails", pgtest_folder());
	const char *const argv[] = { "/usr/bin/python3", "tests/server/mail_server.py", folder, NULL };
	char line[16] = "";
	size_t got;
	(void)state;
	assert_int_equal(file_folder(folder, 0700, &e), 0);
	assert_int_equal(child_start(&(struct child_spec){ .argv = argv, .writes_files = true }, &c, &e), 0);
	assert_int_equal(child_read(&c, line, sizeof line - 1, clock_monotonic() + 20 * SECOND, &got, &e), 0);
	line[strcspn(line, "\n")] = 0;
	service.settings.smtp_url = pool_printf(pool, "smtp://127.0.0.1:%s", line);
	owner("update outbox set due = enroll_now() where kind = 'mail' returning id");
	assert_int_equal(deliver(), 1);
	assert_string_equal(owner("select mail_state from message where kind = 'signing_code'"), "sent");
	char *mail = file_read(pool_printf(pool, "%s/1.eml", folder), 1 << 20, pool, NULL, &e);
	assert_non_null(mail);
	assert_non_null(strstr(mail, "314159"));
	assert_non_null(strstr(mail, "a@example.org"));
	/* agents: one mail a day, without a word of the files */
	owner("insert into agent (role, name, email, email_key) values ('delegate', 'Agent Essai', "
	      "'agent@example.org', "
	      "'agent@example.org') returning id");
	owner("insert into agent_caisse select a.id, f.caisse from agent a, file f where f.caisse is not null limit 1 "
	      "returning "
	      "caisse");
	owner("update message set at = enroll_now() where audience like 'caisse:%' returning id");
	days_pass(1);
	owner("update meta set value = (value::bigint + 43200 - extract(epoch from (enroll_now() at time zone "
	      "'Europe/Paris') - "
	      "date_trunc('day', enroll_now() at time zone 'Europe/Paris'))::bigint)::text where key = 'clock_offset' "
	      "returning key");
	tick(pool);
	tick(pool);
	assert_int_equal(number("select count(*) from outbox where kind = 'digest'"), 1);
	deliver();
	mail = file_read(pool_printf(pool, "%s/2.eml", folder), 1 << 20, pool, NULL, &e);
	assert_non_null(mail);
	assert_non_null(strstr(mail, "agent@example.org"));
	assert_null(strstr(mail, "MSP-"));
	child_kill(&c);
	service.settings.smtp_url = "";
	pool_free(pool);
}

static void letters_are_written_together_and_a_bad_one_keeps_no_other(void **state)
{
	struct pool *pool = pool_new();
	(void)state;
	int64_t account = number("select account from file where state = 'in_review'"),
		before = number("select count(*) from message where subject is not null");
	deliver();
	post(pool, account, arg_text(NULL), "password_changed", "{}");
	int64_t bad = post(pool, account, arg_text(NULL), "no_such_letter", "{}");
	post(pool, account, arg_text(NULL), "password_changed", "{}");
	assert_int_equal(deliver(), 3);
	assert_int_equal(number("select count(*) from message where subject is not null"), before + 2);
	assert_int_equal(number(pool_printf(pool,
					    "select count(*) from outbox where ref = %lld and kind = 'message' and "
					    "done_at is null and error = 'fault' and due > enroll_now()",
					    (long long)bad)),
			 1);
	owner(pool_printf(pool, "delete from outbox where ref = %lld and kind = 'message' returning id",
			  (long long)bad));
	owner(pool_printf(pool, "delete from message where id = %lld returning id", (long long)bad));
	pool_free(pool);
}

static void without_a_registry_a_file_waits_then_goes_to_the_experts_then_is_refused_by_silence(void **state)
{
	struct pool *pool = pool_new();
	struct identity who;
	(void)state;
	owner("update registry_copy set current = false returning id");
	int64_t file = draft(pool, "b@example.org", "10003456786", "285059935012475", &who);
	submit(pool, &who, file);
	tick(pool);
	assert_string_equal(state_of(pool, file), "submitted");
	days_pass(4);
	tick(pool);
	assert_string_equal(state_of(pool, file), "expert_review");
	days_pass(90);
	struct tick t = tick(pool);
	assert_true(t.reminders >= 1);
	assert_int_equal(number("select count(*) from message where kind = 'legal_alert'"), 1);
	days_pass(20);
	tick(pool);
	tick(pool);
	assert_int_equal(number("select count(*) from message where kind = 'legal_alert'"), 2);
	days_pass(10);
	t = tick(pool);
	assert_non_null(strstr(t.fired_text, "lapse expert_review -> refused"));
	assert_string_equal(state_of(pool, file), "refused");
	deliver();
	assert_non_null(strstr(letter_body(pool, file, "implicit_refusal"), "réputée rejetée"));
	/* presumed notified 15 days after it was posted */
	days_pass(16);
	tick(pool);
	assert_int_equal(
		number(pool_printf(pool,
				   "select count(*) from file where id = %lld and notified_at = (decided_at at time "
				   "zone 'Europe/Paris' + interval '15 days') at time zone 'Europe/Paris'",
				   (long long)file)),
		1);
	/* midnight of Paris to midnight of Paris, though a day between them has 25 hours */
	owner(pool_printf(pool,
			  "update file set decided_at = '2025-10-19T22:00:00Z', notified_at = null where id = %lld "
			  "returning id",
			  (long long)file));
	tick(pool);
	assert_int_equal(number(pool_printf(pool,
					    "select count(*) from file where id = %lld and notified_at = "
					    "'2025-11-03T23:00:00Z'",
					    (long long)file)),
			 1);
	pool_free(pool);
}

static void a_refused_file_loses_its_pieces_and_its_number_after_a_year(void **state)
{
	struct pool *pool = pool_new();
	(void)state;
	int64_t file = number("select id from file where state = 'refused'");
	char *count = pool_printf(
		pool, "select count(*) from piece_chunk c join piece p on p.id = c.piece where p.file = %lld",
		(long long)file);
	days_pass(330);
	struct tick t = tick(pool);
	assert_int_equal(t.purged, 0);
	assert_int_equal(number("select count(*) from message where kind = 'purge_notice'"), 1);
	assert_int_equal(number(count), 5);
	days_pass(30);
	t = tick(pool);
	assert_int_equal(t.purged, 1);
	assert_int_equal(number(count), 0);
	assert_int_equal(
		number(pool_printf(pool,
				   "select count(*) from file where id = %lld and nir_hmac is null and last_name is "
				   "not null",
				   (long long)file)),
		1);
	assert_string_equal(owner("select kinds::text from purge_log"), "{pieces,nir,evidence}");
	/* the proof of its checks stays */
	const char *proof = pool_printf(pool,
					"select count(*) from check_result where file = %lld and evidence is null and "
					"result <> '' and reason <> '' and source <> '' and length(evidence_hash) = 64",
					(long long)file);
	assert_true(number(proof) > 0);
	assert_int_equal(number(proof), number(pool_printf(pool, "select count(*) from check_result where file = %lld",
							   (long long)file)));
	assert_string_equal(
		owner(pool_printf(pool, "select event from event where file = %lld order by seq desc limit 1",
				  (long long)file)),
		"purge");
	/* the copy is still there, without the number */
	struct err e;
	struct values v = values_in(pool);
	struct segment *s = segment_as(pool, &system_identity);
	size_t at = segment_ask(s, &case_frozen, ARGS(arg_i64(pool, file)));
	send_it(s);
	const struct rows *r = segment_rows(s, at);
	size_t n;
	unsigned char *plain;
	assert_int_equal(sealed_read(service.keys, sealed_at2(SEALED_FROZEN_COPY, file, rows_i64(r, 0, "seq")), r, 0,
				     "data", pool, &plain, &n, &e),
			 0);
	assert_int_equal(xml_to_values(plain, n, &v, &e), 0);
	assert_null(values_get(&v, "nir"));
	assert_string_equal(values_text(&v, "last_name"), "Exemple");
	t = tick(pool);
	assert_int_equal(t.purged, 0);
	pool_free(pool);
}

static void a_draft_left_alone_is_announced_then_goes(void **state)
{
	struct pool *pool = pool_new();
	struct identity who;
	(void)state;
	int64_t file = draft(pool, "c@example.org", "10004567896", "285059935012574", &who);
	add_piece(pool, &who, file, "diploma", NULL);
	days_pass(75);
	tick(pool);
	assert_int_equal(number("select count(*) from message where kind = 'draft_notice'"), 0);
	days_pass(1);
	tick(pool);
	tick(pool);
	assert_int_equal(number("select count(*) from message where kind = 'draft_notice'"), 1);
	deliver();
	days_pass(15);
	struct tick t = tick(pool);
	assert_non_null(strstr(t.fired_text, "drafts lapse"));
	assert_int_equal(number(pool_printf(pool, "select count(*) from file where id = %lld", (long long)file)), 0);
	assert_int_equal(number(pool_printf(pool, "select count(*) from piece where file = %lld", (long long)file)), 0);
	assert_int_equal(number("select n from draft_gone where cause = 'lapsed'"), 1);
	pool_free(pool);
}

static void a_piece_put_in_or_taken_out_keeps_a_draft(void **state)
{
	struct pool *pool = pool_new();
	struct identity who;
	(void)state;
	int64_t file = draft(pool, "e@example.org", "10005678905", "285059935012772", &who);
	struct arg id = arg_i64(pool, file);
	const char *there = pool_printf(pool, "select count(*) from file where id = %lld", (long long)file);
	const char *told =
		pool_printf(pool, "select count(*) from message where kind = 'draft_notice' and account = %lld",
			    (long long)who.account);
	days_pass(60);
	add_piece(pool, &who, file, "diploma", NULL);
	days_pass(40); /* 100 since the answers */
	tick(pool);
	assert_int_equal(number(there), 1);
	assert_int_equal(number(told), 0);
	days_pass(40);
	tick(pool);
	assert_int_equal(number(told), 1);
	struct segment *s = segment_as(pool, &who);
	segment_ask(s, &piece_remove,
		    ARGS(id, arg_i64(pool, number(pool_printf(pool, "select max(id) from piece where file = %lld",
							      (long long)file)))));
	send_it(s);
	days_pass(70);
	tick(pool);
	assert_int_equal(number(there), 1);
	assert_int_equal(number(told), 1);
	/* a slice counts as well, and still does once the upload is forgotten */
	s = segment_as(pool, &who);
	size_t at = segment_ask(s, &upload_next_id, NO_ARGS);
	send_it(s);
	struct arg upload = arg_i64(pool, rows_i64(segment_rows(s, at), 0, "id"));
	s = segment_as(pool, &who);
	segment_ask(s, &upload_insert,
		    ARGS(upload, id, arg_text("diploma"), arg_text(NULL), arg_bytes("x", 1), arg_i64(pool, 9)));
	segment_ask(s, &upload_append, ARGS(upload, arg_i64(pool, 0), arg_i64(pool, 3), arg_bytes("abc", 3)));
	send_it(s);
	days_pass(2);
	tick(pool);
	assert_int_equal(number(pool_printf(pool, "select count(*) from upload where file = %lld", (long long)file)),
			 0);
	days_pass(70);
	tick(pool);
	assert_int_equal(number(there), 1);
	assert_int_equal(number(told), 1);
	days_pass(5);
	tick(pool);
	assert_int_equal(number(told), 2);
	days_pass(14);
	tick(pool);
	assert_int_equal(number(there), 0);
	pool_free(pool);
}

static void a_draft_without_an_answer_is_announced_too(void **state)
{
	struct pool *pool = pool_new();
	(void)state;
	int64_t account = number("insert into account (email, email_key) values ('f@example.org', 'f@example.org') "
				 "returning id");
	int64_t file =
		number(pool_printf(pool, "insert into file (account) values (%lld) returning id", (long long)account));
	const char *told =
		pool_printf(pool, "select count(*) from message where kind = 'draft_notice' and account = %lld",
			    (long long)account);
	days_pass(75);
	tick(pool);
	assert_int_equal(number(told), 0);
	days_pass(1);
	tick(pool);
	assert_int_equal(number(told), 1);
	days_pass(15);
	tick(pool);
	assert_int_equal(number(pool_printf(pool, "select count(*) from file where id = %lld", (long long)file)), 0);
	pool_free(pool);
}

static void a_shorter_policy_takes_no_draft_that_was_not_announced(void **state)
{
	struct pool *pool = pool_new();
	struct identity who;
	struct policy shorter = policy_default;
	(void)state;
	int64_t file = draft(pool, "short@example.org", "10004567896", "285059935012574", &who);
	const char *there = pool_printf(pool, "select count(*) from file where id = %lld", (long long)file);
	days_pass(40);
	tick(pool);
	shorter.draft_days = 20;
	atomic_store(&service.policy, &shorter);
	tick(pool);
	days_pass(13);
	tick(pool);
	assert_int_equal(number(there), 1);
	days_pass(1);
	tick(pool);
	assert_int_equal(number(there), 0);
	atomic_store(&service.policy, &policy_default);
	pool_free(pool);
}

static bool becomes(const char *condition, int seconds)
{
	for (int i = 0; i < seconds * 20 && !number(condition); i++)
		nanosleep(&(struct timespec){ .tv_nsec = 50000000 }, NULL);
	return number(condition) != 0;
}

static void the_threads_do_it_by_themselves_when_woken(void **state)
{
	struct pool *pool = pool_new();
	struct err e = { .detail = "" };
	struct identity who;
	(void)state;
	owner("update registry_copy set current = true, source_day = paris_today(), imported_at = enroll_now() "
	      "returning id");
	owner("update registry_line set rpps = '10003456786' returning rpps");
	/* another person, other numbers */
	int64_t file = draft(pool, "d@example.org", "10003456786", "285059935012673", &who);
	if (clerk_start(&service, &e))
		fail_msg("%s", e.detail);
	submit(pool, &who, file);
	clerk_wake();
	becomes(pool_printf(pool, "select count(*) from file where id = %lld and state <> 'submitted'",
			    (long long)file),
		5);
	assert_string_not_equal(state_of(pool, file), "submitted");
	becomes("select (count(*) = 0)::int from message where subject is null", 5);
	assert_int_equal(number("select count(*) from message where subject is null"), 0);
	clerk_stop();
	pool_free(pool);
}

static void a_mail_server_that_says_nothing_keeps_no_letter_waiting(void **state)
{
	struct pool *pool = pool_new();
	struct err e = { .detail = "" };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof at;
	int mute = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	(void)state;
	assert_int_equal(bind(mute, (struct sockaddr *)&at, n) || listen(mute, 1) ||
				 getsockname(mute, (struct sockaddr *)&at, &n),
			 0);
	owner("update outbox set done_at = enroll_now() where done_at is null returning id");
	service.settings.smtp_url = pool_printf(pool, "smtp://127.0.0.1:%d", ntohs(at.sin_port));
	if (clerk_start(&service, &e))
		fail_msg("%s", e.detail);
	int64_t account = number("select id from account where email = 'a@example.org'");
	post(pool, account, arg_text(NULL), "password_changed", "{}");
	clerk_wake();
	assert_true(
		becomes("select count(*) from outbox where kind = 'mail' and done_at is null and attempts > 0", 20));
	/* the mail is under way, to nobody */
	int64_t second = post(pool, account, arg_text(NULL), "password_changed", "{}");
	clerk_wake();
	assert_true(becomes(pool_printf(pool, "select count(*) from message where id = %lld and subject is not null",
					(long long)second),
			    20));
	assert_int_equal(number("select count(*) from outbox where kind = 'mail' and leased_until > clock_timestamp() "
				"and error is null"),
			 1);
	shutdown(mute, SHUT_RDWR);
	close(mute);
	clerk_stop();
	service.settings.smtp_url = "";
	owner("update outbox set done_at = enroll_now() where done_at is null returning id");
	pool_free(pool);
}

/* A view of the first file, as file_view.c would make it, without a job. */
static void view_of(struct pool *pool, struct file_view *v)
{
	struct segment *s = segment_as(pool, &system_identity);
	int64_t file = number("select id from file where state = 'in_review' order by id limit 1");
	size_t at = segment_ask(s, &file_read_row, ARGS(arg_i64(pool, file)));
	static struct event_view events[1];
	static struct piece_view pieces[1] = { { .kind = "diploma", .name = "diplôme.pdf", .size = 12345 } };
	send_it(s);
	events[0] = (struct event_view){ .seq = 1,
					 .event = "submit",
					 .at = 1795392778 * SECOND,
					 .hash = "c0ffee",
					 .body = pool_strdup(pool,
							     owner("select body from event where seq = 1 order by file "
								   "limit 1")) };
	*v = (struct file_view){ .row = segment_rows(s, at),
				 .id = file,
				 .version = 2,
				 .number = "MSP-2026-000001",
				 .kind = "convention",
				 .frozen = answers(pool, "10008744715", "285059935012316"),
				 .has_frozen = true,
				 .frozen_seq = 1,
				 .frozen_sha256 = "5eed",
				 .events = events,
				 .event_count = 1,
				 .pieces = pieces,
				 .piece_count = 1,
				 .now = 1795392778 * SECOND };
}

static char *text_of(struct pool *pool, const unsigned char *pdf, size_t n)
{
	static const char *const argv[] = { "/usr/bin/pdftotext", "-layout", "/proc/self/fd/3", "-", NULL };

	return tool_said(pool, argv, pdf, n, NULL).s;
}

static void a_convention_is_kept_by_its_digest_and_found_again(void **state)
{
	struct pool *pool = pool_new();
	struct err e = { .detail = "" };
	struct file_view v;
	struct convention c;
	struct piece_checked checked;
	unsigned char *pdf;
	size_t n;
	(void)state;
	view_of(pool, &v);
	assert_int_equal(pdf_start(pgtest_folder(), &e), 0);
	convention_prepare(&service, &v, &c, pool);
	convention_render(&c);
	if (c.err.kind != ERR_NONE)
		fail_msg("%s", c.err.detail);
	assert_int_equal(piece_check(c.pdf, c.pdf_size, pool, &checked, &e), 0);
	assert_null(checked.problem);
	assert_true(checked.pages >= 2);
	char *text_said = text_of(pool, c.pdf, c.pdf_size);
	assert_non_null(strstr(text_said, "Camille Exemple"));
	assert_non_null(strstr(text_said, "10008744715"));
	assert_non_null(strstr(text_said, "Article 11"));
	assert_null(strstr(text_said, "Article 12"));
	assert_null(strstr(text_said, "employeur »"));
	assert_null(strstr(text_said, "FR7630006000011234567890189"));
	assert_null(strstr(c.html, "{{"));
	/* a convention of three parties has one more article */
	values_set(&v.frozen, "practice_mode", "salaried");
	values_set(&v.frozen, "employer_name", "Maison de santé <des Lilas>");
	struct convention three;
	convention_prepare(&service, &v, &three, pool);
	assert_non_null(strstr(three.html, "Maison de santé &lt;des Lilas&gt;"));
	assert_non_null(strstr(three.html, "Article 12"));
	assert_null(strstr(c.html, "Article 12"));
	/* stored, opened, and not opened when it is another's */
	struct segment *s = segment_as(pool, &system_identity);
	segment_ask(s, &document_insert,
		    ARGS(arg_text(c.digest), arg_i64(pool, c.file), arg_i64(pool, c.version), arg_text("convention"),
			 arg_bytes(c.sealed, c.sealed_size)));
	size_t at =
		segment_ask(s, &document_one, ARGS(arg_i64(pool, c.file), arg_text(c.digest), arg_text("convention")));
	send_it(s);
	assert_int_equal(document_open(service.keys, segment_rows(s, at), c.digest, pool, &pdf, &n, &e), 0);
	assert_int_equal(n, c.pdf_size);
	assert_memory_equal(pdf, c.pdf, n);
	assert_int_equal(document_open(service.keys, segment_rows(s, at), "another", pool, &pdf, &n, &e), -1);
	pool_free(pool);
}

static void a_receipt_says_what_was_sent_without_its_secrets(void **state)
{
	struct pool *pool = pool_new();
	struct err e = { .detail = "" };
	struct file_view v;
	struct receipt r;
	(void)state;
	view_of(pool, &v);
	assert_int_equal(receipt_prepare(&service, &v, &r, pool, &e), 0);
	receipt_render(&r);
	if (r.err.kind != ERR_NONE)
		fail_msg("%s", r.err.detail);
	char *said = text_of(pool, r.pdf, r.pdf_size);
	assert_non_null(strstr(said, "5eed"));
	assert_non_null(strstr(said, "c0ffee"));
	assert_non_null(strstr(said, "diplôme.pdf"));
	assert_non_null(strstr(r.html, "vaut décision de rejet"));
	assert_null(strstr(said, "285059935012"));
	assert_null(strstr(r.html, "FR7630006000011234567890189"));
	v.event_count = 0;
	assert_int_equal(receipt_prepare(&service, &v, &r, pool, &e), -1);
	assert_int_equal(e.kind, ERR_MISSING);
	pdf_stop();
	pool_free(pool);
}

static void the_tree_of_roots_is_that_of_its_leaves(void **state)
{
	struct pool *pool = pool_new();
	struct chain_head heads[5];
	(void)state;
	for (size_t i = 0; i < COUNT(heads); i++)
		heads[i] = (struct chain_head){ (int64_t)i, "00" };
	char *five = chain_root(heads, 5, pool), *four = chain_root(heads, 4, pool);
	assert_string_not_equal(five, four);
	heads[4].hash = "01";
	assert_string_not_equal(five, chain_root(heads, 5, pool));
	assert_string_equal(four, chain_root(heads, 4, pool));
	/* RFC 6962: the root of nothing is the hash of nothing */
	assert_string_equal(chain_root(heads, 0, pool),
			    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
	pool_free(pool);
}

/* Rows that still tell of the person of draft(), in any readable column of any table that hangs on the file. */
static int64_t traces(struct pool *pool, int64_t file)
{
	const char *tables = pool_strdup(
		pool,
		owner(pool_printf(
			pool,
			"select string_agg(format('select count(*) as n from %%I t where t.%%I = %lld and t::text ~* "
			"''exemple|camille|example.org|1985-05-01|10008744715|FNPS-77|\\m(CMP|59350)\\M''', "
			"c.table_name, c.column_name), ' union all ') from information_schema.columns c"
			" join information_schema.tables b using (table_schema, table_name)"
			" where c.table_schema = 'enroll' and b.table_type = 'BASE TABLE'"
			" and c.column_name = case when c.table_name = 'file' then 'id' else 'file' end",
			(long long)file)));
	return number(pool_printf(pool, "select sum(n) from (%s) x", tables));
}

static void a_withdrawn_file_is_erased_whole_and_its_chain_still_holds(void **state)
{
	struct pool *pool = pool_new();
	struct err e = { .detail = "" };
	struct values body = values_in(pool);
	(void)state;
	int64_t file = number("select id from file where state = 'in_review' order by id desc limit 1");
	struct identity who = { .role = APPLICANT };
	who.account = number(pool_printf(pool, "select account from file where id = %lld", (long long)file));
	values_add(&body, "text", "Je déménage.");
	pgtest_sql(pgtest_cluster()->owner_dsn,
		   pool_printf(pool,
			       "insert into piece_opening (piece, file, actor, reason) select id, file, 'agent:1', "
			       "'Camille Exemple m’a écrit' from piece where file = %lld;"
			       " update file set fnps = 'FNPS-77' where id = %lld",
			       (long long)file, (long long)file));
	assert_true(traces(pool, file) >= 10); /* the file, four checks, five openings */
	struct firing f = { .lanes = lanes,
			    .pool = pool,
			    .keys = service.keys,
			    .policy = service.policy,
			    .who = who,
			    .file = file,
			    .event = EV_WITHDRAW,
			    .version = number(
				    pool_printf(pool, "select version from file where id = %lld", (long long)file)),
			    .body = &body };
	if (fire_wait(&f, &e))
		fail_msg("withdraw: %s %s", e.text, e.detail);
	deliver();
	assert_int_equal(
		number(pool_printf(pool, "select count(*) from event_personal where file = %lld", (long long)file)), 1);
	days_pass(190);
	struct tick t = tick(pool);
	assert_true(t.purged >= 1);
	assert_string_equal(
		owner(pool_printf(pool, "select kinds::text from purge_log where file = %lld", (long long)file)),
		"{pieces,evidence,answers,person}");
	assert_int_equal(number(pool_printf(
				 pool,
				 "select count(*) from file where id = %lld and last_name is null and rpps is null and "
				 "nir_hmac is null and email_key is null",
				 (long long)file)),
			 1);
	static const char *const gone[] = { "event_personal where", "working_copy where",
					    "frozen_copy where data is not null and",
					    "message where body is not null and kind <> 'purge_notice' and",
					    "piece where erased_at is null and" };
	for (size_t i = 0; i < COUNT(gone); i++)
		assert_int_equal(
			number(pool_printf(pool, "select count(*) from %s file = %lld", gone[i], (long long)file)), 0);
	assert_int_equal(traces(pool, file), 0);
	assert_int_equal(number(pool_printf(pool,
					    "select count(*) from file where id = %lld and fnps is null and commune is "
					    "null and route_explained is null",
					    (long long)file)),
			 1);
	/* what was still to be checked, its clerk killed: nothing is left to check */
	int64_t late = number(pool_printf(
		pool, "insert into outbox (file, seq, kind, due) values (%lld, 1, 'checks', enroll_now()) returning id",
		(long long)file));
	tick(pool);
	assert_int_equal(number(pool_printf(pool, "select count(*) from outbox where id = %lld and done_at is not null",
					    (long long)late)),
			 1);
	/* who opened what stays */
	assert_int_equal(
		number(pool_printf(pool, "select count(*) from piece_opening where file = %lld", (long long)file)), 5);
	/* each hash is that of what came before and of its body, as before */
	assert_int_equal(
		number("select count(*) from event where hash <> encode(sha256(convert_to(prev_hash || body, 'UTF8')), "
		       "'hex')"),
		0);
	assert_int_equal(number("select count(*) from (select prev_hash, lag(hash, 1, '') over (partition by file "
				"order by seq) as "
				"before from event) c where prev_hash <> before"),
			 0);
	pool_free(pool);
}

/* A draft made a convention by hand: countersigned now, then in that state. */
static int64_t countersigned(struct pool *pool, const char *email, const char *state)
{
	struct identity who;
	int64_t file = draft(pool, email, "10003456786", "285059935012673", &who);
	add_piece(pool, &who, file, "identity", NULL);
	add_piece(pool, &who, file, "rights", NULL);
	add_piece(pool, &who, file, "diploma", NULL);
	pgtest_sql(
		pgtest_cluster()->owner_dsn,
		pool_printf(pool,
			    "alter table event disable trigger user;"
			    "insert into event (file, seq, at, event, from_state, to_state, role, actor, eligible, "
			    "body, prev_hash, hash) values (%lld, 1, enroll_now(), 'countersign', 'to_countersign', "
			    "'conventioned', 'delegate', 'agent:1', true, '{}', '', encode(sha256('{}'), 'hex'));"
			    "alter table event enable trigger user;"
			    "update file set state = '%s', version = 1, eligible = true, caisse = '595', document = "
			    "'d', effective_date = paris_today(), state_since = enroll_now(), was_suspended = '%s' = "
			    "'leaving' where id = %lld",
			    (long long)file, state, state, (long long)file));
	return file;
}

static void proofs_go_30_days_after_the_countersignature_whatever_became_of_the_convention(void **state)
{
	static const char *const states[] = { "conventioned", "suspended", "leaving", "ended" };
	struct pool *pool = pool_new();
	int64_t files[COUNT(states)];
	(void)state;
	for (size_t i = 0; i < COUNT(states); i++)
		files[i] = countersigned(pool, pool_printf(pool, "%s@example.org", states[i]), states[i]);
	days_pass(29);
	tick(pool);
	for (size_t i = 0; i < COUNT(states); i++)
		assert_int_equal(number(pool_printf(pool,
						    "select count(*) from piece_chunk c join piece p on p.id = c.piece "
						    "where p.file = %lld",
						    (long long)files[i])),
				 3);
	days_pass(2);
	tick(pool);
	for (size_t i = 0; i < COUNT(states); i++) {
		assert_string_equal(
			owner(pool_printf(pool,
					  "select string_agg(p.kind, ',') from piece_chunk c join piece p on "
					  "p.id = c.piece where p.file = %lld",
					  (long long)files[i])),
			"diploma");
		assert_string_equal(owner(pool_printf(pool, "select kinds::text from purge_log where file = %lld",
						      (long long)files[i])),
				    "{proofs}");
		assert_string_equal(state_of(pool, files[i]), states[i]);
	}
	/* who left while suspended is not published by being erased */
	assert_int_equal(number(pool_printf(pool, "select count(*) from file where id = %lld and was_suspended",
					    (long long)files[2])),
			 1);
	/* and the other pieces two years after it, at the latest */
	days_pass(700);
	tick(pool);
	for (size_t i = 0; i < COUNT(states); i++)
		assert_int_equal(
			number(pool_printf(pool, "select count(*) from piece where erased_at is null and file = %lld",
					   (long long)files[i])),
			0);
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_tree_of_roots_is_that_of_its_leaves),
		cmocka_unit_test(a_good_file_passes_its_checks_and_is_told_so),
		cmocka_unit_test(a_convention_is_kept_by_its_digest_and_found_again),
		cmocka_unit_test(a_receipt_says_what_was_sent_without_its_secrets),
		cmocka_unit_test(a_root_is_signed_over_every_history),
		cmocka_unit_test(a_code_and_a_link_travel_sealed_and_the_inbox_keeps_no_code),
		cmocka_unit_test(mails_arrive_and_their_state_shows),
		cmocka_unit_test(letters_are_written_together_and_a_bad_one_keeps_no_other),
		cmocka_unit_test(without_a_registry_a_file_waits_then_goes_to_the_experts_then_is_refused_by_silence),
		cmocka_unit_test(a_refused_file_loses_its_pieces_and_its_number_after_a_year),
		cmocka_unit_test(a_draft_left_alone_is_announced_then_goes),
		cmocka_unit_test(a_piece_put_in_or_taken_out_keeps_a_draft),
		cmocka_unit_test(a_draft_without_an_answer_is_announced_too),
		cmocka_unit_test(a_shorter_policy_takes_no_draft_that_was_not_announced),
		cmocka_unit_test(the_threads_do_it_by_themselves_when_woken),
		cmocka_unit_test(a_mail_server_that_says_nothing_keeps_no_letter_waiting),
		cmocka_unit_test(a_withdrawn_file_is_erased_whole_and_its_chain_still_holds),
		cmocka_unit_test(proofs_go_30_days_after_the_countersignature_whatever_became_of_the_convention),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
