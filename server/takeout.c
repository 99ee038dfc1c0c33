#include "takeout.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <zip.h>

#define NAME_BYTES 100

struct takeout *takeout_new(struct pool *pool)
{
	struct takeout *t = POOL_NEW(pool, struct takeout);
	t->pool = pool;
	return t;
}

char *takeout_name(const char *name, struct pool *pool)
{
	struct str s = str_in(pool);
	while (*name == '.' || *name == ' ')
		name++;
	for (; *name && s.len < NAME_BYTES; name++)
		str_add_c(&s,
			  (unsigned char)*name < 0x20 || *name == 0x7F || strchr("/\\:*?\"<>|", *name) ? '_' : *name);
	/* not in the middle of a character */
	while (s.len && *name && ((unsigned char)*name & 0xC0) == 0x80) {
		unsigned char last = (unsigned char)s.s[--s.len];
		s.s[s.len] = 0;
		if ((last & 0xC0) == 0xC0)
			break;
	}
	return s.len ? s.s : pool_strdup(pool, "document");
}

static bool taken(const struct takeout *t, const char *name)
{
	for (size_t i = 0; i < t->count; i++)
		if (str_eq(t->entries[i].name, name))
			return true;
	return false;
}

static struct takeout_entry *entry(struct takeout *t, const char *name)
{
	const char *unique = name;
	for (int n = 2; taken(t, unique); n++) {
		const char *dot = strrchr(name, '.');
		if (dot && strchr(dot, '/'))
			dot = NULL;
		unique = dot ? pool_printf(t->pool, "%.*s-%d%s", (int)(dot - name), name, n, dot)
			     : pool_printf(t->pool, "%s-%d", name, n);
	}
	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct takeout_entry *more = POOL_ARRAY(t->pool, struct takeout_entry, cap);
		if (t->count)
			memcpy(more, t->entries, t->count * sizeof *more);
		t->entries = more;
		t->cap = cap;
	}
	t->entries[t->count] = (struct takeout_entry){ .name = pool_strdup(t->pool, unique) };
	return &t->entries[t->count++];
}

void takeout_add(struct takeout *t, const char *name, const void *bytes, size_t n)
{
	struct takeout_entry *x = entry(t, name);
	x->bytes = bytes;
	x->size = n;
}

void takeout_add_piece(struct takeout *t, const char *folder, struct piece_read *read)
{
	entry(t, pool_printf(t->pool, "%s/%s", folder, takeout_name(read->name, t->pool)))->piece = read;
}

static int put(struct takeout *t, zip_t *z, struct takeout_entry *x)
{
	static const char lost[] = "Ce document n’a pas pu être ouvert.\n";
	if (x->piece) {
		piece_open(x->piece);
		bool good = x->piece->err.kind == ERR_NONE;
		x->bytes = good ? (const void *)x->piece->bytes : lost;
		x->size = good ? x->piece->size : sizeof lost - 1;
	}
	zip_source_t *source = zip_source_buffer(z, x->size ? x->bytes : "", x->size, 0);
	zip_int64_t at = source ? zip_file_add(z, x->name, source, ZIP_FL_ENC_UTF_8) : -1;
	if (at < 0) {
		zip_source_free(source);
		return fault(&t->err, "zip: %d", zip_error_code_zip(zip_get_error(z)));
	}
	/* pictures and PDFs are compressed already */
	if (x->piece)
		(void)zip_set_file_compression(z, (zip_uint64_t)at, ZIP_CM_STORE, 0);
	return 0;
}

void takeout_build(void *arg)
{
	struct takeout *t = arg;
	zip_error_t problem;
	zip_error_init(&problem);
	zip_source_t *memory = zip_source_buffer_create(NULL, 0, 0, &problem);
	zip_t *z = memory ? zip_open_from_source(memory, ZIP_TRUNCATE, &problem) : NULL;
	if (!z) {
		zip_source_free(memory);
		fault(&t->err, "zip: %d", zip_error_code_zip(&problem));
		zip_error_fini(&problem);
		return;
	}
	zip_error_fini(&problem);
	zip_source_keep(memory); /* zip_close() takes one reference; its bytes are read after */
	int failed = 0;
	for (size_t i = 0; i < t->count && !failed; i++)
		failed = put(t, z, &t->entries[i]);
	if (failed || zip_close(z)) {
		if (!failed)
			fault(&t->err, "zip: %d", zip_error_code_zip(zip_get_error(z)));
		zip_discard(z);
		zip_source_free(memory);
		return;
	}
	zip_stat_t st;
	if (zip_source_stat(memory, &st) || zip_source_open(memory)) {
		fault(&t->err, "zip: not readable");
	} else {
		t->zip = pool_alloc(t->pool, st.size + 1);
		zip_int64_t n = zip_source_read(memory, t->zip, st.size);
		zip_source_close(memory);
		if (n < 0 || (zip_uint64_t)n != st.size)
			fault(&t->err, "zip: cut");
		else
			t->size = (size_t)n;
	}
	zip_source_free(memory);
}
