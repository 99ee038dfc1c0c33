#include "pages.h"

#include <string.h>

#include "../http.h"
#include "../metric.h"
#include "../routes.h"
#include "../watch.h"

int healthz_answer(struct job *j, struct err *e)
{
	(void)e;
	return job_bytes(j, 200, "text/plain; charset=utf-8", "ok\n", 3, NULL);
}

int readyz_answer(struct job *j, struct err *e)
{
	(void)e;
	if (http_draining())
		return job_bytes(j, 503, "text/plain; charset=utf-8", "stopping\n", 9, NULL);
	if (lanes_up(j->lanes))
		return job_bytes(j, 200, "text/plain; charset=utf-8", "ready\n", 6, NULL);
	job_header(j, "retry-after", "2");
	return job_bytes(j, 503, "text/plain; charset=utf-8", "database away\n", 14, NULL);
}

int metrics_answer(struct job *j, struct err *e)
{
	struct str out = str_in(j->pool);
	(void)e;
	metric(&out, "ready", "gauge", "Whether the database answers this program: what /readyz says.",
	       lanes_up(j->lanes));
	http_metrics(&out);
	jobs_metrics(&out);
	watch_metrics(&out);
	return job_bytes(j, 200, "text/plain; version=0.0.4; charset=utf-8", out.s, out.len, NULL);
}

int openapi_answer(struct job *j, struct err *e)
{
	const char *document = openapi_document();
	(void)e;
	job_header(j, "cache-control", "public, max-age=300");
	return job_lasting(j, 200, "application/json", document, strlen(document));
}
