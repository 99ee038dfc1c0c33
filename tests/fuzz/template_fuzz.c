/*
 * A template from hostile bytes, rendered with values that try to break out: a text never brings a tag.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../server/base/str.h"
#include "../../server/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct inner {
	const char *b;
};
struct outer {
	const char *a, *u;
	int64_t n;
	bool y;
	struct list l;
};
static const struct slot inner_slots[] = { SLOT_T(struct inner, b) };
static const struct view inner_view = VIEW(struct inner, inner_slots);
static const struct slot outer_slots[] = { SLOT_T(struct outer, a), SLOT_T(struct outer, u), SLOT_I(struct outer, n),
					   SLOT_B(struct outer, y), SLOT_L(struct outer, l, &inner_view) };
static const struct view outer_view = VIEW(struct outer, outer_slots);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct inner items[] = { { "<@x>" }, { "\"@'" } };
	static const struct outer view = { "<@script>'\"", "javascript:x", 42, true, { items, 2 } };
	struct pool *pool = pool_new();
	struct err e = { 0 };
	/* The mark of the values must not be the template's own. */
	if (!memchr(data, '@', size)) {
		struct template *t = template_read((const char *)data, size, "x.html", &outer_view, pool, &e);
		if (t) {
			struct str out = str_in(pool);
			template_render(t, &view, &out);
			if (strstr(out.s, "<@"))
				abort();
		} else if (e.kind != ERR_FAULT || strncmp(e.detail, "x.html:", 7)) {
			/* an included file may be named instead */
			if (!strstr(e.detail, ".html:"))
				abort();
		}
	}
	pool_free(pool);
	return 0;
}
