#include "workflow.h"

#include <string.h>

#define ROW(member, what)                                      \
	{                                                      \
#member, what, offsetof(struct policy, member) \
	}

/* One row a policy; the order is that of `enrollctl policy`. */
const struct policy_row policy_rows[] = {
	ROW(correction_days, "days to answer a request for correction, then the file is closed (domain.md 3)"),
	ROW(sign_days, "days to sign the convention, then the file is closed (domain.md 3)"),
	ROW(draft_days, "days after which a draft that nobody touches is deleted (domain.md 3)"),
	ROW(notified_after_days, "days after which a decision that nobody opened counts as notified (domain.md 3)"),
	ROW(unavailable_hours, "hours that a source may be silent before a person is asked (domain.md 3)"),
	ROW(review_target, "working days that an instruction should last: alerts, no more (domain.md 3)"),
	ROW(convention_years, "years of a convention's term, then it is renewed (domain.md 3)"),
	ROW(take_over_days, "working days without an act, then a colleague may take the file over (domain.md 3)"),
	ROW(two_experts, "1: a second expert confirms an ineligibility; 0: one decides alone (domain.md 3)"),
	ROW(missed_confirmations, "yearly confirmations missed, then the directory hides the profile (domain.md 10)"),
};
const size_t policy_count = COUNT(policy_rows);
_Static_assert(sizeof(struct policy) == COUNT(policy_rows) * sizeof(int), "every policy has its row");

const struct policy_row *policy_row(const char *name)
{
	for (size_t i = 0; i < COUNT(policy_rows); i++)
		if (!strcmp(policy_rows[i].name, name))
			return &policy_rows[i];
	return NULL;
}

int policy_get(const struct policy *p, const struct policy_row *row)
{
	int value;

	memcpy(&value, (const char *)p + row->at, sizeof value);
	return value;
}

void policy_put(struct policy *p, const struct policy_row *row, int value)
{
	memcpy((char *)p + row->at, &value, sizeof value);
}
