/* A form's body: what is kept has good names and texts in UTF-8, and survives being written and read again. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "../../server/base/str.h"
#include "../../server/multipart.h"
#include "../../server/page.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pool *pool = pool_new();
	struct values v = values_in(pool), again = values_in(pool);
	struct err e = { 0 };
	if (urlencoded_read((const char *)data, size, &v, &e)) {
		if (e.kind != ERR_INPUT)
			abort();
		pool_free(pool);
		return 0;
	}
	struct str body = str_in(pool);
	for (size_t i = 0; i < v.count; i++) {
		if (!values_name_good(v.items[i].name) || !str_is_utf8(v.items[i].text, strlen(v.items[i].text)))
			abort();
		url_part(&body, v.items[i].name);
		str_add_c(&body, '=');
		url_part(&body, v.items[i].text);
		str_add_c(&body, '&');
	}
	if (urlencoded_read(body.s, body.len, &again, &e) || again.count != v.count)
		abort();
	for (size_t i = 0; i < v.count; i++)
		if (strcmp(v.items[i].name, again.items[i].name) || !again.items[i].text)
			abort();
	pool_free(pool);
	return 0;
}
