#include "metric.h"

#include <math.h>

void metric_head(struct str *out, const char *name, const char *type, const char *help)
{
	str_addf(out, "# HELP enroll_%s %s\n# TYPE enroll_%s %s\n", name, help, name, type);
}

void metric_of(struct str *out, const char *name, const char *label, const char *of, double value)
{
	str_addf(out, "enroll_%s", name);
	if (label)
		str_addf(out, "{%s=\"%s\"}", label, of);
	if (isinf(value))
		str_add(out, " +Inf\n");
	else
		str_addf(out, " %.15g\n", value);
}

void metric(struct str *out, const char *name, const char *type, const char *help, double value)
{
	metric_head(out, name, type, help);
	metric_of(out, name, NULL, NULL, value);
}
