#include "workflow.h"

const struct policy policy_default = {
	.correction_days = 30,
	.sign_days = 60,
	.draft_days = 90,
	.notified_after_days = 15,
	.unavailable_hours = 72,
	.review_target = 30,
	.convention_years = 1,
	.take_over_days = 5,
	.two_experts = 1,
	.missed_confirmations = 2,
};

#define SELECTION_MONTHS 4 /* CSS R.162-61 */
#define APPEAL_MONTHS 2    /* CRPA L.411-2, CJA R.421-1 */
#define SILENCE_MONTHS 2   /* CRPA L.411-7 */
#define NOTICE_MONTHS 2    /* the type convention's notice */

static instant_t days_after(instant_t at, int days)
{
	return day_end_paris(day_in_paris(at) + days);
}

/* The eve of the anniversary, since the first day counts. From 29 February: 28 February of a common year. */
static day_t last_day(day_t effective, int years)
{
	day_t anniversary = day_add_months(effective, 12 * years);

	return day_ymd(anniversary).day == day_ymd(effective).day ? anniversary - 1 : anniversary;
}

/*
 * Last day of the running term of a convention. A term that runs is not made longer or shorter by another policy: only
 * the next one is. Counted from the effective date, so that 29 February comes back.
 */
static day_t term_after(day_t effective, day_t term, int years, instant_t now)
{
	int n = term == DAY_NONE ? years : day_ymd(term).year - day_ymd(effective).year;

	while (day_end_paris(last_day(effective, n)) <= now)
		n += years;
	return last_day(effective, n);
}

instant_t deadline_of(enum state entered, bool eligible, const struct clock_facts *c, const struct policy *p,
		      enum event *ev)
{
	*ev = EV_NONE;
	switch (entered) {
	case ST_DRAFT:
		*ev = EV_LAPSE;
		return days_after(c->now, p->draft_days);
	case ST_SUBMITTED:
	case ST_EXPERT_REVIEW:
		if (eligible || c->deposited == INSTANT_NONE)
			break;
		*ev = EV_LAPSE;
		return day_end_paris(day_add_months(day_in_paris(c->deposited), SELECTION_MONTHS) + c->paused_days);
	case ST_CORRECTION:
		*ev = EV_LAPSE;
		return days_after(c->now, p->correction_days);
	case ST_TO_SIGN:
		*ev = EV_LAPSE;
		return days_after(c->now, p->sign_days);
	case ST_CONVENTIONED:
		if (c->effective == DAY_NONE)
			break;
		*ev = EV_RENEW;
		return day_end_paris(term_after(c->effective, c->term, p->convention_years, c->now));
	case ST_SUSPENDED:
		if (c->until == DAY_NONE)
			break;
		*ev = EV_REINSTATE;
		return day_end_paris(c->until);
	case ST_LEAVING:
		*ev = EV_LAPSE;
		return day_end_paris(
			day_add_months(c->resigned == DAY_NONE ? day_in_paris(c->now) : c->resigned, NOTICE_MONTHS));
	case ST_APPEALED:
		*ev = EV_LAPSE;
		return day_end_paris(day_add_months(day_in_paris(c->now), SILENCE_MONTHS));
	case ST_NONE:
	case ST_UNROUTED:
	case ST_IN_REVIEW:
	case ST_TO_COUNTERSIGN:
	case ST_ENDED:
	case ST_REFUSED:
	case ST_WITHDRAWN:
	case ST_CLOSED:
	case ST_DELETED:
	case STATES:
		break;
	}
	return INSTANT_NONE;
}

int paused_days(instant_t entered, instant_t left)
{
	return left > entered ? day_in_paris(left) - day_in_paris(entered) : 0;
}

instant_t notified_at(instant_t posted, instant_t opened, instant_t now, const struct policy *p)
{
	instant_t presumed;
	day_t day;

	if (posted == INSTANT_NONE)
		return INSTANT_NONE;
	/* at the same hour of Paris: days there have 23 to 25 hours */
	day = day_in_paris(posted);
	presumed = day_start_paris(day + p->notified_after_days) + (posted - day_start_paris(day));
	if (opened != INSTANT_NONE && opened < presumed)
		return opened;
	return now >= presumed ? presumed : INSTANT_NONE;
}

size_t reminders_of(enum state s, const int **days)
{
	static const int applicant[] = { 14, 7, 2 }, administration[] = { 30, 7 }, draft[] = { 14 };

	switch ((int)s) {
	case ST_CORRECTION:
	case ST_TO_SIGN:
		*days = applicant;
		return COUNT(applicant);
	case ST_SUBMITTED:
	case ST_EXPERT_REVIEW:
		*days = administration;
		return COUNT(administration);
	case ST_DRAFT:
		*days = draft;
		return COUNT(draft);
	default:
		*days = NULL;
		return 0;
	}
}

instant_t appeal_limit(instant_t notified)
{
	return day_end_paris(day_add_months(day_in_paris(notified), APPEAL_MONTHS));
}
