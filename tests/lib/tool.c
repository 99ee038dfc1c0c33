#include "tool.h"

#include <unistd.h>
#include "../../server/base/clock.h"
#include "../../server/child.h"
#include "test.h"

struct str tool_said(struct pool *pool, const char *const *argv, const void *bytes, size_t n, int *status)
{
	struct err e;
	struct child c;
	struct str out = str_in(pool);
	char part[4096];
	size_t got = 1;
	int ended, file = child_memory_file(bytes, n, &e);
	int64_t deadline = clock_monotonic() + 10 * SECOND;

	assert_int_equal(child_start(&(struct child_spec){ .argv = argv, .file = file, .writes_files = true }, &c, &e),
			 0);
	for (; got; str_add_n(&out, part, got))
		assert_int_equal(child_read(&c, part, sizeof part, deadline, &got, &e), 0);
	child_end(&c, deadline, &ended);
	close(file);
	if (status)
		*status = ended;
	else
		assert_int_equal(ended, 0);
	return out;
}
