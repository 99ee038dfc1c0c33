#include "text.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../forms/xml.h"
#include "base/asset.h"
#include "base/log.h"
#include "base/str.h"

struct entry {
	const char *id, *text;
};

static struct entry *entries; /* sorted by id; read-only after the start */
static size_t entry_count;

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->id, ((const struct entry *)b)->id);
}

static int texts_read(const struct asset *a, struct pool *pool, struct entry **list, size_t *count, size_t *cap,
		      struct err *e)
{
	struct xml *x = xml_read(a->data, a->size, a->path, pool, e);
	if (!x)
		return -1;
	for (const struct xml_node *n = x->root->first; n; n = n->next) {
		if (!n->name)
			continue;
		const char *id = xml_attribute(n, "id");
		if (strcmp(n->name, "t") || !id || !*id)
			return fault(e, "%s:%ld: expected <t id=\"…\">", a->path, n->line);
		if (*count == *cap) {
			size_t grown = *cap ? *cap * 2 : 512;
			struct entry *more = POOL_ARRAY(pool, struct entry, grown);
			if (*count)
				memcpy(more, *list, *count * sizeof *more);
			*list = more;
			*cap = grown;
		}
		(*list)[(*count)++] = (struct entry){ .id = id, .text = n->text ? n->text : "" };
	}
	return 0;
}

int texts_load(struct pool *pool, struct err *e)
{
	struct entry *list = NULL;
	size_t count = 0, cap = 0, files = 0;
	for (const struct asset *a = asset_next("server/text/", NULL); a; a = asset_next("server/text/", a)) {
		if (!str_ends(a->path, ".xml"))
			continue;
		files++;
		if (texts_read(a, pool, &list, &count, &cap, e))
			return -1;
	}
	if (!files)
		return fault(e, "server/text: no texts");
	if (count)
		qsort(list, count, sizeof *list, by_id);
	for (size_t i = 1; i < count; i++)
		if (!strcmp(list[i - 1].id, list[i].id))
			return fault(e, "server/text: duplicate id %.80s", list[i].id);
	entries = list;
	entry_count = count;
	return 0;
}

static const char *find(const char *id)
{
	const struct entry key = { .id = id };
	const struct entry *found = entry_count ? bsearch(&key, entries, entry_count, sizeof *entries, by_id) : NULL;
	return found ? found->text : NULL;
}

/* Ids come from the code, so there are few: each is told once. */
static void unknown(const char *id)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	static char told[64][64];
	static size_t count;
	bool first = true;
	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < count; i++)
		first &= strncmp(told[i], id, sizeof told[i] - 1) != 0;
	if (first && count < COUNT(told))
		snprintf(told[count++], sizeof told[0], "%s", id);
	else
		first = false;
	pthread_mutex_unlock(&lock);
	if (first)
		log_event(LOG_WARN, "text.unknown", "id", id);
}

const char *text_or(const char *id, const char *otherwise)
{
	const char *found = id ? find(id) : NULL;
	return found ? found : otherwise;
}

const char *text(const char *id)
{
	const char *found = id ? find(id) : "";
	if (found)
		return found;
	unknown(id);
	return id;
}

const char *text2(const char *prefix, const char *id)
{
	char whole[160];
	snprintf(whole, sizeof whole, "%s.%s", prefix, id ? id : "");
	const char *found = find(whole);
	if (found)
		return found;
	unknown(whole);
	return id ? id : "";
}

const char *text_fill(struct pool *pool, const char *id, const char *arg)
{
	const char *pattern = text(id), *at = strstr(pattern, "{0}");
	if (!at)
		return pattern;
	struct str out = str_in(pool);
	for (; at; at = strstr(pattern, "{0}")) {
		str_add_n(&out, pattern, (size_t)(at - pattern));
		str_add(&out, arg);
		pattern = at + 3;
	}
	str_add(&out, pattern);
	return out.s;
}

const char *text_years(struct pool *pool, int years)
{
	const char *word = text_or(pool_printf(pool, "years.%d", years), NULL);
	char number[STR_I64];

	return word ? word : text_fill(pool, "years.many", str_of_i64(number, years));
}

const char *text_size(struct pool *pool, int64_t bytes)
{
	int64_t tenths = (bytes * 10 + 524288) / 1048576;

	if (bytes < 1024)
		return pool_printf(pool, "%lld\u00a0o", (long long)bytes);
	if (bytes < 1048576)
		return pool_printf(pool, "%lld\u00a0ko", (long long)((bytes + 512) / 1024));
	return pool_printf(pool, "%lld,%lld\u00a0Mo", (long long)(tenths / 10), (long long)(tenths % 10));
}
