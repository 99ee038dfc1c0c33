#include "err.h"
#include <stdarg.h>
#include <stdio.h>

#undef fail
#undef fail_field
#undef fault

int fail(struct err *e, enum err_kind kind, const char *text)
{
	if (e)
		*e = (struct err){ .kind = kind, .text = text };
	return -1;
}

int fail_field(struct err *e, const char *text, const char *field)
{
	if (e)
		*e = (struct err){ .kind = ERR_INPUT, .text = text, .field = field };
	return -1;
}

int fault(struct err *e, const char *format, ...)
{
	/* Formatted aside first: an argument may well be e->detail itself. */
	char detail[sizeof e->detail];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(detail, sizeof detail, format, args);
	va_end(args);
	if (n < 0)
		detail[0] = 0;
	if (e) {
		*e = (struct err){ .kind = ERR_FAULT, .text = "error.fault" };
		snprintf(e->detail, sizeof e->detail, "%s", detail);
	}
	return -1;
}

const char *err_kind_name(enum err_kind kind)
{
	switch (kind) {
	case ERR_NONE:
		return "none";
	case ERR_INPUT:
		return "input";
	case ERR_DENIED:
		return "denied";
	case ERR_MISSING:
		return "missing";
	case ERR_STALE:
		return "stale";
	case ERR_RETRY:
		return "retry";
	case ERR_BUSY:
		return "busy";
	case ERR_UNSURE:
		return "unsure";
	case ERR_FAULT:
		return "fault";
	}
	return "unknown";
}
