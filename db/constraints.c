#include "constraints.h"
#include <string.h>

const struct constraint constraints[] = {
	{ "account_email", ERR_INPUT, "email", "account.email_taken" },
	{ "agent_email", ERR_INPUT, "email", "account.email_taken" },
	{ "event_version", ERR_STALE, NULL, "why.moved" },
	{ "event_pkey", ERR_STALE, NULL, "why.moved" },
	{ "event_second_person", ERR_INPUT, NULL, "why.same_person" },
	{ "event_signatures", ERR_INPUT, NULL, "why.signatures_missing" },
	{ "event_replace", ERR_INPUT, NULL, "why.parent_not_conventioned" },
	{ "file_live_rpps", ERR_INPUT, "rpps", "why.other_live_file" },
	{ "file_live_nir", ERR_INPUT, "nir", "why.other_live_file" },
	{ "file_one_draft", ERR_INPUT, NULL, "why.draft_open" },
};
const size_t constraint_count = COUNT(constraints);

const struct constraint *constraint_get(const char *name)
{
	for (size_t i = 0; i < constraint_count; i++)
		if (!strcmp(constraints[i].name, name))
			return &constraints[i];
	return NULL;
}
