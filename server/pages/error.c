#include "error.h"

#include <string.h>

#include "../job.h"
#include "../routes.h"
#include "../text.h"

struct error_view {
	const char *title, *detail, *next, *reference;
	const char *above; /* the page that an action's address belongs to */
	bool home;
};
static const struct slot error_slots[] = {
	SLOT_T(struct error_view, title),     SLOT_T(struct error_view, detail), SLOT_T(struct error_view, next),
	SLOT_T(struct error_view, reference), SLOT_T(struct error_view, above),  SLOT_B(struct error_view, home),
};
static const struct view error_view = VIEW(struct error_view, error_slots);
static const struct page error_page = { "server/pages/error.html", &error_view };
PAGE(error_page);

/* "/dossiers/12" of "/dossiers/12/evenements/approve", "/communes" of "/communes/59350"; NULL: none can be shown. */
static const char *page_above(const struct job *j)
{
	const char *second = strchr(j->path + 1, '/'), *third = second ? strchr(second + 1, '/') : NULL;
	const char *const ends[] = { third, second };

	for (size_t i = 0; i < COUNT(ends); i++) {
		char *path = ends[i] ? pool_strndup(j->pool, j->path, (size_t)(ends[i] - j->path)) : NULL;
		struct route_params params = { 0 };
		const char *allow;
		int status;
		if (path && route_find(METHOD_GET, j->request->listener, path, j->pool, &params, &status, &allow))
			return path;
	}
	return NULL;
}

int error_show(struct job *j, int status, const char *title, const char *detail, const char *reference)
{
	const char *code = pool_printf(j->pool, "%d", status);
	const struct error_view view = {
		.title = title,
		.detail = detail,
		.next = text_or(pool_printf(j->pool, "status.%s.next", code), NULL),
		.reference = reference,
		.above = status == 405 ? page_above(j) : NULL,
		.home = status != 401 && status != 413,
	};
	return job_page(j, status, view.title, &error_page, &view);
}
