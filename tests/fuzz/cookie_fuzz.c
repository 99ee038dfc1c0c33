/* Cookie headers, paths to go on with, and sealed bodies that were tampered with. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "../../server/base/str.h"
#include "../../server/session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct keyring *keys;
	struct err e = { 0 };
	if (!keys) {
		char path[] = "/tmp/cookie_fuzzXXXXXX";
		int fd = mkstemp(path);
		if (fd < 0 || close(fd) || unlink(path) || !(keys = keyring_open(path, true, &e)) || unlink(path))
			abort();
	}
	struct pool *pool = pool_new();
	char *header = pool_copy(pool, data, size);
	const char *value = session_cookie_value(header, "__Host-session", pool);
	if (value && (strchr(value, ';') || strlen(value) > size))
		abort();
	const char *after = session_after(header);
	if (after[0] != '/' || after[1] == '/' || after[1] == '\\' || strpbrk(after, "\r\n\"\\ "))
		abort();
	const char *p, *q;
	struct values sent = values_in(pool), back = values_in(pool);
	if (!session_open_body(keys, header, pool, &p, &q, &back, &e))
		abort(); /* forged */
	if (str_is_utf8(header, size) && size < 10000) {
		values_add(&sent, "text", header);
		char *sealed = session_seal_body(keys, "/a", "b=c", &sent, pool);
		back = values_in(pool);
		if (!sealed || session_open_body(keys, sealed, pool, &p, &q, &back, &e) || back.count != 1 ||
		    strcmp(back.items[0].text, header) || strcmp(p, "/a") || strcmp(q, "b=c"))
			abort();
	}
	pool_free(pool);
	return 0;
}
