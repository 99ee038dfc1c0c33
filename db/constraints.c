#include "constraints.h"
#include <string.h>

const struct constraint constraints[] = {
	{ "account_email", ERR_INPUT, "email", "account.email_taken" },
};
const size_t constraint_count = COUNT(constraints);

const struct constraint *constraint_get(const char *name)
{
	for (size_t i = 0; i < constraint_count; i++)
		if (!strcmp(constraints[i].name, name))
			return &constraints[i];
	return NULL;
}
