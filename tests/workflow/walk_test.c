/*
 * Authority: every state × event × role under many facts, compared with tests/golden/workflow.txt. The file is written
 * again by: build/enrollctl workflow print > tests/golden/workflow.txt
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "../lib/test.h"
#include "../../server/base/str.h"
#include "../../workflow/checks.h"
#include "../../workflow/guards.h"

#define GOLDEN "tests/golden/workflow.txt"
#define TEXTS "server/text/why.xml"
#define FEW 40    /* facts tried where no row exists */
#define MANY 4000 /* … and where one does */

static uint64_t seed = 0x9e3779b97f4a7c15u;

static uint32_t random32(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return (uint32_t)(seed >> 32);
}

/* Facts where most things are well, with a few turned over, so that long conditions hold often enough. */
static struct facts random_facts(void)
{
	static const size_t good[] = {
#define F(m) offsetof(struct facts, m)
		F(eligible),
		F(has_caisse),
		F(has_employer),
		F(applicant_signed),
		F(employer_signed),
		F(employer_offered),
		F(was_suspended),
		F(owns_file),
		F(of_its_caisse),
		F(may_sign),
		F(holds_it),
		F(held),
		F(holder_idle),
		F(complete),
		F(checks_run),
		F(expert_policy),
		F(route_known),
		F(route_changed),
		F(opinions_complete),
		F(two_experts),
		F(proposed),
		F(reasons_given),
		F(items_given),
		F(items_answered),
		F(has_text),
		F(other_caisse_given),
		F(checklist_complete),
		F(pieces_settled),
		F(digest_ready),
		F(digest_unchanged),
		F(code_good),
		F(countersign_complete),
		F(parent_conventioned),
		F(child_countersigned),
		F(warned_30_days),
		F(findings_30_days),
		F(until_given),
		F(deadline_passed),
		F(term_reached),
		F(retention_over),
		F(appeal_in_time),
	};
	static const size_t bad[] = {
		F(other_live_file), F(any_fail_unmaintained), F(any_unavailable_recent),
		F(any_in_question), F(proposed_by_me),        F(parent_gone),
		F(open_child),      F(appealed_before),       F(refused_by_me),
#undef F
	};
	static const enum state back[] = { ST_NONE, ST_IN_REVIEW, ST_EXPERT_REVIEW };
	static const enum role refusing[] = { EXPERT, DELEGATE, CLOCK };
	unsigned rate = 2 + random32() % 8;
	struct facts f = { .actor = 1 };

	for (size_t i = 0; i < COUNT(good); i++)
		*(bool *)((char *)&f + good[i]) = random32() % rate != 0;
	for (size_t i = 0; i < COUNT(bad); i++)
		*(bool *)((char *)&f + bad[i]) = random32() % rate == 0;
	f.kind = random32() % 2 ? KIND_AMENDMENT : KIND_CONVENTION;
	f.return_to = back[random32() % COUNT(back)];
	f.refused_by_role = refusing[random32() % COUNT(refusing)];
	return f;
}

static bool has_row(enum state s, enum event ev)
{
	for (size_t i = 0; i < transition_count; i++)
		if (transitions[i].from == s && transitions[i].event == ev)
			return true;
	return false;
}

/* What must hold whenever an event is allowed, whoever fires it and whatever the facts. */
static void check_allowed(const struct facts *f, enum event ev, const struct transition *t)
{
	struct moves m = transition_moves(t, f);
	size_t ways = 0;

	for (size_t i = 0; i < transition_count; i++)
		ways += transitions[i].from == f->state && transitions[i].event == ev &&
			transitions[i].who & (unsigned)f->role && !transitions[i].only_if(f);
	if (ways != 1)
		fail_msg("%s %s by %s has %zu ways", state_id(f->state), event_id(ev), role_id(f->role), ways);

	if (t->to == ST_TO_SIGN || t->to == ST_TO_COUNTERSIGN)
		assert_true(f->eligible || f->state == ST_TO_SIGN);
	if (f->state == ST_TO_COUNTERSIGN && t->to == ST_CONVENTIONED) {
		assert_true(f->eligible && f->applicant_signed && f->may_sign);
		assert_true(!f->has_employer || f->employer_signed);
		assert_true(f->kind == KIND_CONVENTION || f->parent_conventioned);
	}
	if (ev == EV_CONFIRM_INELIGIBLE || ev == EV_OBJECT)
		assert_false(f->proposed_by_me);
	if (ev == EV_UPHOLD || ev == EV_OVERTURN)
		assert_false(f->refused_by_me);
	if (f->role == APPLICANT)
		assert_true(f->owns_file);
	if (f->role == DELEGATE)
		assert_true(f->of_its_caisse);
	/* eligible files alone reach a caisse, and one that leaves the unrouted queue has a caisse */
	if (t->to == ST_IN_REVIEW &&
	    (f->state == ST_SUBMITTED || f->state == ST_EXPERT_REVIEW || f->state == ST_APPEALED))
		assert_true(m.eligible);
	if (t->to == ST_IN_REVIEW && m.caisse == CAISSE_KEEP && f->state != ST_IN_REVIEW && f->state != ST_TO_SIGN &&
	    f->state != ST_TO_COUNTERSIGN && f->role != DELEGATE)
		assert_true(f->has_caisse);
	if (m.caisse == CAISSE_ROUTED)
		assert_true(f->route_known);
	if (t->to == ST_UNROUTED)
		assert_true(m.caisse == CAISSE_NONE && m.eligible);
	if (m.caisse != CAISSE_KEEP)
		assert_int_equal(m.holder, HOLDER_NOBODY);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static char *read_file(struct pool *pool, const char *path)
{
	FILE *in = fopen(path, "rb");
	char *text = pool_alloc(pool, 65536);
	size_t n;

	if (!in)
		fail_msg("cannot open %s: run the tests from the root of the repository", path);
	n = fread(text, 1, 65535, in);
	fclose(in);
	text[n] = 0;
	return text;
}

/* Reasons are static texts, so that a pointer tells whether one was met before. */
static const char *reasons[128];
static size_t reason_count;

static void met(const char *why)
{
	for (size_t i = 0; i < reason_count; i++)
		if (reasons[i] == why)
			return;
	assert_string_not_equal(why, WHY_OTHER_WAY);
	assert_true(reason_count < COUNT(reasons));
	reasons[reason_count++] = why;
}

static void the_printed_table_is_the_golden_file(void **state)
{
	struct pool *pool = pool_new();

	(void)state;
	assert_string_equal(workflow_print(pool), read_file(pool, GOLDEN));
	assert_int_equal(strlen(workflow_digest(pool)), 64);
	pool_free(pool);
}

static void every_state_event_and_role_gives_exactly_the_golden_lines(void **state)
{
	static bool seen[STATES][EVENTS][9][STATES];
	struct pool *pool = pool_new();
	const char **lines = POOL_ARRAY(pool, const char *, 1024);
	struct str found = str_in(pool);
	size_t n = 0;

	(void)state;
	for (int s = 0; s < STATES; s++)
		for (int ev = 0; ev < EVENTS; ev++)
			for (int r = 0; r < 9; r++)
				for (int i = has_row((enum state)s, (enum event)ev) ? MANY : FEW; i > 0; i--) {
					struct facts f = random_facts();
					const struct transition *t = NULL;
					struct err e = { 0 };

					f.state = (enum state)s;
					f.role = (enum role)(1u << r);
					if (decide(&f, (enum event)ev, &t, &e)) {
						met(e.text);
						continue;
					}
					check_allowed(&f, (enum event)ev, t);
					if (seen[s][ev][r][t->to])
						continue;
					seen[s][ev][r][t->to] = true;
					assert_true(n < 1024);
					lines[n++] =
						pool_printf(pool, "%s %s %s %s\n", state_id(f.state),
							    event_id((enum event)ev), role_id(f.role), state_id(t->to));
				}
	qsort(lines, n, sizeof(*lines), by_text);
	for (size_t i = 0; i < n; i++)
		str_add(&found, lines[i]);
	assert_string_equal(found.s, read_file(pool, GOLDEN));
	pool_free(pool);
}

static void expect_text(const char *texts, struct pool *pool, const char *prefix, const char *id)
{
	if (!strstr(texts, pool_printf(pool, "<t id=\"%s%s\">", prefix, id)))
		fail_msg("no text for %s%s", prefix, id);
}

static void every_reason_state_event_role_check_and_result_has_its_sentence(void **state)
{
	struct pool *pool = pool_new();
	const char *texts = read_file(pool, TEXTS);

	(void)state;
	assert_true(reason_count > 50); /* met by the walk above */
	for (size_t i = 0; i < reason_count; i++)
		expect_text(texts, pool, "", reasons[i]);
	for (int i = 1; i < STATES; i++)
		expect_text(texts, pool, "state.", state_id((enum state)i));
	for (int i = 1; i < EVENTS; i++) {
		expect_text(texts, pool, "event.", event_id((enum event)i));
		expect_text(texts, pool, "event_past.", event_id((enum event)i));
	}
	for (unsigned r = VISITOR; r <= SYSTEM; r <<= 1)
		expect_text(texts, pool, "role.", role_id((enum role)r));
	for (int i = 0; i < CHECKS; i++)
		expect_text(texts, pool, "check_name.", check_id((enum check)i));
	for (int i = 0; i <= RESULT_FAIL; i++)
		expect_text(texts, pool, "result.", result_id((enum result)i));
	pool_free(pool);
}

static void sentences_have_no_breaking_space_before_a_double_sign(void **state)
{
	static const char *const wrong[] = { " ;", " :", " !", " ?", " »", "« ", "'" };
	struct pool *pool = pool_new();
	const char *texts = strstr(read_file(pool, TEXTS), "<texts>");

	(void)state;
	assert_non_null(texts);
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (strstr(texts, wrong[i]))
			fail_msg("\"%s\" in %.60s", wrong[i], strstr(texts, wrong[i]));
	pool_free(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_printed_table_is_the_golden_file),
		cmocka_unit_test(every_state_event_and_role_gives_exactly_the_golden_lines),
		cmocka_unit_test(every_reason_state_event_role_check_and_result_has_its_sentence),
		cmocka_unit_test(sentences_have_no_breaking_space_before_a_double_sign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
