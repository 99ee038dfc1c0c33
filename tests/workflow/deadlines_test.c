/* Deadlines of domain.md §3 and §7: legal days of Paris, ending at 24:00. */
#include "../lib/test.h"
#include "../../server/base/str.h"
#include "../../workflow/workflow.h"

static instant_t at(const char *text)
{
	instant_t out = INSTANT_NONE;

	if (instant_parse(text, &out))
		fail_msg("not an instant: %s", text);
	return out;
}

static day_t on(const char *text)
{
	day_t out = DAY_NONE;

	if (day_parse(text, &out))
		fail_msg("not a day: %s", text);
	return out;
}

static void expect(instant_t found, const char *text)
{
	struct pool *pool = pool_new();

	if (!text)
		assert_true(found == INSTANT_NONE);
	else
		assert_string_equal(found == INSTANT_NONE ? "none" : instant_rfc3339(pool, found), text);
	pool_free(pool);
}

static const struct clock_facts nothing = { .now = INSTANT_NONE,
					    .deposited = INSTANT_NONE,
					    .effective = DAY_NONE,
					    .term = DAY_NONE,
					    .until = DAY_NONE,
					    .resigned = DAY_NONE };

static void expect_deadline(enum state s, bool eligible, struct clock_facts c, enum event ev, const char *text)
{
	enum event fired = EVENTS;

	expect(deadline_of(s, eligible, &c, &policy_default, &fired), text);
	assert_int_equal(fired, ev);
}

static struct clock_facts deposited(const char *when, int paused)
{
	struct clock_facts c = nothing;

	c.now = c.deposited = at(when);
	c.paused_days = paused;
	return c;
}

static struct clock_facts entered(const char *when)
{
	struct clock_facts c = nothing;

	c.now = at(when);
	return c;
}

static void selection_lasts_four_calendar_months_from_the_deposit(void **state)
{
	(void)state;
	/* winter to summer time: 24:00 in Paris is 22:00 UTC from the last Sunday of March on */
	expect_deadline(ST_SUBMITTED, false, deposited("2026-11-21T10:00:00Z", 0), EV_LAPSE, "2027-03-21T23:00:00Z");
	expect_deadline(ST_SUBMITTED, false, deposited("2026-11-30T10:00:00Z", 0), EV_LAPSE, "2027-03-30T22:00:00Z");
	expect_deadline(ST_EXPERT_REVIEW, false, deposited("2026-07-15T10:00:00Z", 0), EV_LAPSE,
			"2026-11-15T23:00:00Z");
	/* no 31 February, and a leap year */
	expect_deadline(ST_SUBMITTED, false, deposited("2026-10-31T10:00:00Z", 0), EV_LAPSE, "2027-02-28T23:00:00Z");
	expect_deadline(ST_SUBMITTED, false, deposited("2027-10-31T10:00:00Z", 0), EV_LAPSE, "2028-02-29T23:00:00Z");
	/* 23:30 UTC is the next day in Paris */
	expect_deadline(ST_SUBMITTED, false, deposited("2026-11-21T23:30:00Z", 0), EV_LAPSE, "2027-03-22T23:00:00Z");
	expect_deadline(ST_SUBMITTED, false, deposited("2026-07-01T21:59:59Z", 0), EV_LAPSE, "2026-11-01T23:00:00Z");
	expect_deadline(ST_SUBMITTED, false, deposited("2026-07-01T22:00:00Z", 0), EV_LAPSE, "2026-11-02T23:00:00Z");
}

static void days_in_correction_are_added_and_eligibility_ends_the_clock(void **state)
{
	(void)state;
	expect_deadline(ST_EXPERT_REVIEW, false, deposited("2026-11-21T10:00:00Z", 10), EV_LAPSE,
			"2027-03-31T22:00:00Z");
	expect_deadline(ST_SUBMITTED, true, deposited("2026-11-21T10:00:00Z", 0), EV_NONE, NULL);
	expect_deadline(ST_EXPERT_REVIEW, true, deposited("2026-11-21T10:00:00Z", 0), EV_NONE, NULL);
	expect_deadline(ST_SUBMITTED, false, nothing, EV_NONE, NULL);

	assert_int_equal(paused_days(at("2026-03-20T09:00:00Z"), at("2026-03-30T08:00:00Z")), 10); /* change of hour */
	assert_int_equal(paused_days(at("2026-11-21T08:00:00Z"), at("2026-11-21T20:00:00Z")), 0);
	assert_int_equal(paused_days(at("2026-11-21T22:59:59Z"), at("2026-11-21T23:00:00Z")), 1);
	assert_int_equal(paused_days(at("2026-11-21T23:00:00Z"), at("2026-11-21T08:00:00Z")), 0);
}

static void policies_count_whole_days_after_the_day_of_entry(void **state)
{
	(void)state;
	expect_deadline(ST_CORRECTION, false, entered("2026-11-21T10:00:00Z"), EV_LAPSE, "2026-12-21T23:00:00Z");
	expect_deadline(ST_CORRECTION, true, entered("2026-03-10T10:00:00Z"), EV_LAPSE, "2026-04-09T22:00:00Z");
	expect_deadline(ST_TO_SIGN, true, entered("2026-11-21T10:00:00Z"), EV_LAPSE, "2027-01-20T23:00:00Z");
	expect_deadline(ST_DRAFT, false, entered("2026-11-21T10:00:00Z"), EV_LAPSE, "2027-02-19T23:00:00Z");
}

static void some_states_never_end_by_themselves(void **state)
{
	static const enum state none[] = { ST_NONE,    ST_UNROUTED, ST_IN_REVIEW, ST_TO_COUNTERSIGN, ST_ENDED,
					   ST_REFUSED, ST_CLOSED,   ST_WITHDRAWN, ST_DELETED };

	(void)state;
	for (size_t i = 0; i < COUNT(none); i++)
		expect_deadline(none[i], false, deposited("2026-11-21T10:00:00Z", 0), EV_NONE, NULL);
	expect_deadline(ST_CONVENTIONED, true, entered("2026-11-21T10:00:00Z"), EV_NONE, NULL);
	expect_deadline(ST_SUSPENDED, true, entered("2026-11-21T10:00:00Z"), EV_NONE, NULL);
}

static struct clock_facts effective(const char *day, const char *now)
{
	struct clock_facts c = entered(now);

	c.effective = on(day);
	return c;
}

static void a_convention_is_renewed_on_each_anniversary(void **state)
{
	(void)state;
	expect_deadline(ST_CONVENTIONED, true, effective("2026-03-01", "2026-02-20T10:00:00Z"), EV_RENEW,
			"2027-02-28T23:00:00Z");
	/* at the very instant of the term, the next year runs */
	expect_deadline(ST_CONVENTIONED, true, effective("2026-03-01", "2027-02-28T22:59:59Z"), EV_RENEW,
			"2027-02-28T23:00:00Z");
	expect_deadline(ST_CONVENTIONED, true, effective("2026-03-01", "2027-02-28T23:00:00Z"), EV_RENEW,
			"2028-02-29T23:00:00Z");
	expect_deadline(ST_CONVENTIONED, true, effective("2026-07-15", "2031-01-01T10:00:00Z"), EV_RENEW,
			"2031-07-14T22:00:00Z");
	/* from 29 February */
	expect_deadline(ST_CONVENTIONED, true, effective("2028-02-29", "2028-02-29T10:00:00Z"), EV_RENEW,
			"2029-02-28T23:00:00Z");
	expect_deadline(ST_CONVENTIONED, true, effective("2028-02-29", "2031-06-01T10:00:00Z"), EV_RENEW,
			"2032-02-28T23:00:00Z");
}

/* Which term runs is the file's, how long the next one is the policy's. */
static void another_policy_counts_from_the_next_term_on(void **state)
{
	static const struct {
		const char *term, *now, *end;
		int years;
	} rows[] = {
		{ NULL, "2026-02-20T10:00:00Z", "2029-02-28T23:00:00Z", 3 },         /* countersigned */
		{ "2027-03-01", "2026-09-01T10:00:00Z", "2027-02-28T23:00:00Z", 3 }, /* reinstated: it still runs */
		{ "2027-03-01", "2027-02-28T23:00:00Z", "2030-02-28T23:00:00Z", 3 }, /* renewed */
		{ "2029-03-01", "2029-02-28T23:00:00Z", "2030-02-28T23:00:00Z", 1 },
		{ "2027-03-01", "2030-06-01T10:00:00Z", "2031-02-28T23:00:00Z", 2 }, /* reinstated after its term */
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct clock_facts c = effective("2026-03-01", rows[i].now);
		struct policy p = policy_default;
		enum event ev;

		p.convention_years = rows[i].years;
		c.term = rows[i].term ? on(rows[i].term) : DAY_NONE;
		expect(deadline_of(ST_CONVENTIONED, true, &c, &p, &ev), rows[i].end);
		assert_int_equal(ev, EV_RENEW);
	}
}

static void suspension_resignation_and_appeal_end_on_their_days(void **state)
{
	struct clock_facts c = entered("2026-12-31T10:00:00Z");

	(void)state;
	c.until = on("2027-06-30");
	expect_deadline(ST_SUSPENDED, true, c, EV_REINSTATE, "2027-06-30T22:00:00Z");
	c.resigned = on("2026-12-31");
	expect_deadline(ST_LEAVING, true, c, EV_LAPSE, "2027-02-28T23:00:00Z");
	c.resigned = DAY_NONE; /* the day of entry is the day of notice */
	expect_deadline(ST_LEAVING, true, c, EV_LAPSE, "2027-02-28T23:00:00Z");
	expect_deadline(ST_APPEALED, false, c, EV_LAPSE, "2027-02-28T23:00:00Z");
	expect_deadline(ST_APPEALED, false, entered("2027-08-31T10:00:00Z"), EV_LAPSE, "2027-10-31T23:00:00Z");
}

static void an_appeal_can_be_made_until_two_months_after_the_notification(void **state)
{
	(void)state;
	expect(appeal_limit(at("2026-12-31T12:00:00Z")), "2027-02-28T23:00:00Z");
	expect(appeal_limit(at("2027-12-31T12:00:00Z")), "2028-02-29T23:00:00Z");
	expect(appeal_limit(at("2027-01-31T12:00:00Z")), "2027-03-31T22:00:00Z");
}

static void a_decision_is_notified_when_opened_or_fifteen_days_after_posting(void **state)
{
	instant_t posted = at("2026-11-01T10:00:00Z");

	(void)state;
	expect(notified_at(posted, at("2026-11-03T09:00:00Z"), at("2026-11-04T00:00:00Z"), &policy_default),
	       "2026-11-03T09:00:00Z");
	expect(notified_at(posted, INSTANT_NONE, at("2026-11-15T00:00:00Z"), &policy_default), NULL);
	expect(notified_at(posted, INSTANT_NONE, at("2026-11-16T10:00:00Z"), &policy_default), "2026-11-16T10:00:00Z");
	expect(notified_at(posted, at("2026-12-20T09:00:00Z"), at("2026-12-21T00:00:00Z"), &policy_default),
	       "2026-11-16T10:00:00Z");
	expect(notified_at(INSTANT_NONE, posted, posted, &policy_default), NULL);
	/* Midnight of Paris to midnight of Paris, though a day between them has 25 hours. */
	expect(notified_at(at("2026-10-19T22:00:00Z"), INSTANT_NONE, at("2026-12-01T00:00:00Z"), &policy_default),
	       "2026-11-03T23:00:00Z");
}

static void reminders_come_in_order_before_the_deadlines_that_have_some(void **state)
{
	const int *days;

	(void)state;
	assert_int_equal(reminders_of(ST_CORRECTION, &days), 3);
	assert_int_equal(days[0], 14);
	assert_int_equal(days[1], 7);
	assert_int_equal(days[2], 2);
	assert_int_equal(reminders_of(ST_EXPERT_REVIEW, &days), 2);
	assert_int_equal(days[0], 30);
	assert_int_equal(days[1], 7);
	assert_int_equal(reminders_of(ST_DRAFT, &days), 1);
	assert_int_equal(days[0], 14);
	assert_int_equal(reminders_of(ST_IN_REVIEW, &days), 0);
}

static void policies_are_those_of_the_domain(void **state)
{
	const struct policy *p = &policy_default;

	(void)state;
	assert_int_equal(p->correction_days, 30);
	assert_int_equal(p->sign_days, 60);
	assert_int_equal(p->draft_days, 90);
	assert_int_equal(p->notified_after_days, 15);
	assert_int_equal(p->unavailable_hours, 72);
	assert_int_equal(p->review_target, 30);
	assert_int_equal(p->convention_years, 1);
	assert_int_equal(p->take_over_days, 5);
	assert_int_equal(p->two_experts, 1);
	assert_int_equal(p->missed_confirmations, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(selection_lasts_four_calendar_months_from_the_deposit),
		cmocka_unit_test(days_in_correction_are_added_and_eligibility_ends_the_clock),
		cmocka_unit_test(policies_count_whole_days_after_the_day_of_entry),
		cmocka_unit_test(some_states_never_end_by_themselves),
		cmocka_unit_test(a_convention_is_renewed_on_each_anniversary),
		cmocka_unit_test(another_policy_counts_from_the_next_term_on),
		cmocka_unit_test(suspension_resignation_and_appeal_end_on_their_days),
		cmocka_unit_test(an_appeal_can_be_made_until_two_months_after_the_notification),
		cmocka_unit_test(a_decision_is_notified_when_opened_or_fifteen_days_after_posting),
		cmocka_unit_test(reminders_come_in_order_before_the_deadlines_that_have_some),
		cmocka_unit_test(policies_are_those_of_the_domain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
