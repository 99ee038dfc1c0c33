/*
 * Pages: templates server/pages/ *.html (and server/mail/ *.html, *.txt) parsed once at start into literals and typed
 * slots.
 *
 *	struct item_view { const char *label; int64_t days; bool late; };
 *	static const struct slot item_slots[] = { SLOT_T(struct item_view, label), SLOT_I(struct item_view, days),
 *	                                          SLOT_B(struct item_view, late) };
 *	static const struct view item_view = VIEW(struct item_view, item_slots);
 *	struct queue_view { struct list items; };
 *	static const struct slot queue_slots[] = { SLOT_L(struct queue_view, items, &item_view) };
 *	static const struct view queue_view = VIEW(struct queue_view, queue_slots);
 *	static const struct page queue_page = { "server/pages/queue.html", &queue_view };
 *	PAGE(queue_page);                                   registered: an unknown slot stops the start with file:line
 *	…
 *	struct str out = str_in(pool); page_render(&queue_page, &data, &out);
 *
 * Template language: {{name}} escapes for where it stands (text, attribute; in href/src/action a URL: only http, https,
 * mailto, tel or a path); {{#name}}…{{/name}} repeats over a list (inside, the item's names first, then the outer ones)
 * or shows once when a bool is true, a text is not empty, a number is not 0, a view is there; {{^name}}…{{/name}} the
 * contrary; {{>file.html}} includes. {{!comment}}. A MARKUP slot is inserted as it is: only C that escapes by itself
 * makes a struct markup. There is no raw form. In .txt templates nothing is escaped.
 */
#ifndef SERVER_PAGE_H
#define SERVER_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/str.h"

struct list {
	const void *items; /* an array of the item view's struct */
	size_t count;
};
struct markup {
	const char *html; /* already escaped; NULL is empty */
};

enum slot_kind { SLOT_TEXT, SLOT_INT, SLOT_BOOL, SLOT_LIST, SLOT_VIEW, SLOT_MARKUP };
struct view;
struct slot {
	const char *name;
	enum slot_kind kind;
	size_t at;
	const struct view *of; /* of a list's items, or of the view pointed to */
};
struct view {
	const struct slot *slots;
	size_t count, size;
};
#define SLOT_IS(T, m, type) (0 * sizeof(char[_Generic(((T *)0)->m, type : 1, default : -1)]))
#define SLOT_T(T, m)                                                              \
	{                                                                         \
#m, SLOT_TEXT, offsetof(T, m) + SLOT_IS(T, m, const char *), NULL \
	}
#define SLOT_I(T, m)                                                        \
	{                                                                   \
#m, SLOT_INT, offsetof(T, m) + SLOT_IS(T, m, int64_t), NULL \
	}
#define SLOT_B(T, m)                                                      \
	{                                                                 \
#m, SLOT_BOOL, offsetof(T, m) + SLOT_IS(T, m, bool), NULL \
	}
#define SLOT_L(T, m, v)                                                         \
	{                                                                       \
#m, SLOT_LIST, offsetof(T, m) + SLOT_IS(T, m, struct list), (v) \
	}
#define SLOT_V(T, m, v)                            \
	{                                          \
#m, SLOT_VIEW, offsetof(T, m), (v) \
	} /* a pointer to the view's struct, or NULL */
#define SLOT_M(T, m)                                                                 \
	{                                                                            \
#m, SLOT_MARKUP, offsetof(T, m) + SLOT_IS(T, m, struct markup), NULL \
	}
#define VIEW(T, s)                                         \
	{                                                  \
		(s), sizeof(s) / sizeof((s)[0]), sizeof(T) \
	}

struct page {
	const char *path;        /* of the asset */
	const struct view *view; /* NULL: a template without slots */
};
#define PAGE(p) static const struct page *const page_##p __attribute__((section("enroll_pages"), used)) = &p

int pages_load(struct pool *pool, struct err *e) MUST_USE;
void page_render(const struct page *page, const void *data, struct str *out);
/* One template from memory, for tests and the fuzzer. NULL with file:line in e->detail. */
struct template;
struct template *template_read(const char *bytes, size_t n, const char *file, const struct view *view,
			       struct pool *pool, struct err *e);
void template_render(const struct template *t, const void *data, struct str *out);

/* For C that writes markup itself (form_html.c, charts): escaping by place. */
void html_text(struct str *out, const char *text); /* & < > */
void html_attr(struct str *out, const char *text); /* and " ' */
void url_part(struct str *out, const char *text);  /* percent-encoding of a path segment or query value */

#endif
