#include "error.h"

#include "../job.h"
#include "../text.h"

struct error_view {
	const char *title, *detail, *next, *reference;
	bool home;
};
static const struct slot error_slots[] = {
	SLOT_T(struct error_view, title),     SLOT_T(struct error_view, detail), SLOT_T(struct error_view, next),
	SLOT_T(struct error_view, reference), SLOT_B(struct error_view, home),
};
static const struct view error_view = VIEW(struct error_view, error_slots);
static const struct page error_page = { "server/pages/error.html", &error_view };
PAGE(error_page);

int error_show(struct job *j, int status, const char *title, const char *detail, const char *reference)
{
	const char *code = pool_printf(j->pool, "%d", status);
	const struct error_view view = {
		.title = title,
		.detail = detail,
		.next = text_or(pool_printf(j->pool, "status.%s.next", code), NULL),
		.reference = reference,
		.home = status != 401 && status != 413,
	};
	return job_page(j, status, view.title, &error_page, &view);
}
