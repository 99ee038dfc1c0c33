/*
 * One line of /metrics, in Prometheus' text format, with what `promtool check metrics` wants before it. Names get the
 * prefix "enroll_"; a counter's ends in _total, a unit stands in the name.
 *
 *	metric(out, "requests_total", "counter", "Requests that came.", 12);
 *	metric_head(out, "answers_total", "counter", "Answers by class.");
 *	metric_of(out, "answers_total", "class", "5xx", 3);            once for each label
 */
#ifndef SERVER_METRIC_H
#define SERVER_METRIC_H

#include "base/str.h"

void metric_head(struct str *out, const char *name, const char *type, const char *help);
/* `label` NULL: none. Labels' values are ours: ids, never what a visitor sent. */
void metric_of(struct str *out, const char *name, const char *label, const char *of, double value);
void metric(struct str *out, const char *name, const char *type, const char *help, double value);

#endif
