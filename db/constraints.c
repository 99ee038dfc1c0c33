#include "constraints.h"
#include <string.h>

const struct constraint constraints[] = {
	{ "account_email", ERR_INPUT, "email", "db.email_taken" },
	{ "agent_email", ERR_INPUT, "email", "db.email_taken" },
	/* One live file per person (domain.md §3). The caller that looked before sees the same text. */
	{ "file_live_rpps", ERR_INPUT, "rpps", "why.other_live_file" },
	{ "file_live_nir", ERR_INPUT, "nir", "why.other_live_file" },
	{ "file_one_draft", ERR_INPUT, NULL, "why.draft_open" },
	/* Someone else was faster. */
	{ "event_version", ERR_STALE, NULL, "why.moved" },
	{ "event_pkey", ERR_STALE, NULL, "why.moved" },
	{ "signature_standing", ERR_STALE, NULL, "why.already_signed" },
	/* The history trigger knows these rules too. */
	{ "event_second_person", ERR_INPUT, NULL, "why.same_person" },
	{ "event_two_experts", ERR_INPUT, NULL, "why.two_experts" },
	{ "event_signatures", ERR_INPUT, NULL, "why.signatures_missing" },
	{ "event_replace", ERR_INPUT, NULL, "why.parent_not_gone" },
	{ "piece_when_open", ERR_STALE, NULL, "reponses.closed" },
	{ "upload_once", ERR_STALE, NULL, "upload.whole" },
	{ "upload_file_fkey", ERR_STALE, NULL, "reponses.closed" },
};
const size_t constraint_count = COUNT(constraints);

const struct constraint *constraint_get(const char *name)
{
	for (size_t i = 0; i < constraint_count; i++)
		if (!strcmp(constraints[i].name, name))
			return &constraints[i];
	return NULL;
}
