#include "page.h"

#include <ctype.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/asset.h"
#include "base/log.h"

#define FRAMES_MAX 16  /* views inside views */
#define INCLUDES_MAX 8 /* a file that includes itself ends here */
#define NAME_MAX_BYTES 64

enum place { PLACE_PLAIN, PLACE_TEXT, PLACE_ATTR, PLACE_URL, PLACE_URL_PART };
enum op_kind { OP_LITERAL, OP_SLOT, OP_SECTION };

struct op {
	enum op_kind kind;
	enum place place;
	const char *bytes; /* literal */
	size_t size;
	enum slot_kind slot;
	size_t frame, at; /* which struct on the stack, and where in it */
	size_t item_size;
	bool negate;
	size_t end; /* section: index of the first op after it */
};

struct template
{
	struct op *ops;
	size_t count, cap;
	_Atomic size_t usual; /* bytes of the last one drawn: room is made once */
};

/* ---- escaping ---- */

void html_text(struct str *out, const char *s)
{
	const char *from = s;
	if (!s)
		return;
	for (; *s; s++) {
		const char *entity = *s == '&' ? "&amp;" : *s == '<' ? "&lt;" : *s == '>' ? "&gt;" : NULL;
		if (!entity)
			continue;
		str_add_n(out, from, (size_t)(s - from));
		str_add(out, entity);
		from = s + 1;
	}
	str_add_n(out, from, (size_t)(s - from));
}

void html_attr(struct str *out, const char *s)
{
	const char *from = s;
	if (!s)
		return;
	for (; *s; s++) {
		const char *entity = *s == '&'    ? "&amp;"
				     : *s == '<'  ? "&lt;"
				     : *s == '>'  ? "&gt;"
				     : *s == '"'  ? "&quot;"
				     : *s == '\'' ? "&#39;"
						  : NULL;
		if (!entity)
			continue;
		str_add_n(out, from, (size_t)(s - from));
		str_add(out, entity);
		from = s + 1;
	}
	str_add_n(out, from, (size_t)(s - from));
}

void url_part(struct str *out, const char *s)
{
	static const char hex[] = "0123456789ABCDEF";
	for (; s && *s; s++) {
		unsigned char c = (unsigned char)*s;
		if ((c < 0x80 && isalnum(c)) || c == '-' || c == '.' || c == '_' || c == '~') {
			str_add_c(out, (char)c);
		} else {
			const char code[3] = { '%', hex[c >> 4], hex[c & 15] };
			str_add_n(out, code, 3);
		}
	}
}

/* Anything with a colon before its first / ? # names a scheme, and only four are harmless. */
static bool url_good(const char *url)
{
	static const char *const schemes[] = { "http:", "https:", "mailto:", "tel:" };
	for (const char *p = url; *p; p++)
		if ((unsigned char)*p < 0x20)
			return false;
	if (url[0] == '/' && (url[1] == '/' || url[1] == '\\'))
		return false;
	if (!memchr(url, ':', strcspn(url, "/?#")))
		return url[0] != '\\';
	for (size_t i = 0; i < COUNT(schemes); i++)
		if (!strncasecmp(url, schemes[i], strlen(schemes[i])))
			return true;
	return false;
}

/* ---- parsing ---- */

/* Where the HTML stands after the literals read so far: enough to know what a slot must be escaped for. */
enum html_state {
	H_DATA,
	H_TAG_OPEN,
	H_TAG_NAME,
	H_IN_TAG,
	H_ATTR_NAME,
	H_BEFORE_VALUE,
	H_DOUBLE,
	H_SINGLE,
	H_UNQUOTED,
	H_DECLARATION,
	H_COMMENT,
	H_RAW, /* script and style */
};

struct html {
	enum html_state state;
	char tag[NAME_MAX_BYTES], attr[NAME_MAX_BYTES];
	size_t tag_len, attr_len;
	bool started; /* the attribute's value has begun */
	int dashes;   /* in a comment */
};

struct section {
	char name[NAME_MAX_BYTES];
	size_t op;
	size_t frames;
	struct html html;
	long line;
};

struct parser {
	struct template *t;
	struct pool *pool;
	struct err *e;
	bool plain;
	struct html html;
	const struct view *views[FRAMES_MAX];
	size_t frames;
	struct section sections[FRAMES_MAX];
	size_t depth;
	int includes;
};

static void lower_add(char *to, size_t *len, char c)
{
	if (*len + 1 < NAME_MAX_BYTES) {
		to[(*len)++] = (char)tolower((unsigned char)c);
		to[*len] = 0;
	}
}

static bool space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static void tag_end(struct html *h)
{
	h->state = !strcmp(h->tag, "script") || !strcmp(h->tag, "style") ? H_RAW : H_DATA;
	h->attr_len = 0;
}

static void html_byte(struct html *h, const char *p, const char *begin)
{
	char c = *p;
	switch (h->state) {
	case H_DATA:
		if (c == '<')
			h->state = H_TAG_OPEN;
		return;
	case H_TAG_OPEN:
		h->tag_len = 0;
		h->tag[0] = 0;
		if (c == '!') {
			h->state = H_DECLARATION;
			h->dashes = 0;
		} else if (c == '/' || isalpha((unsigned char)c)) {
			h->state = H_TAG_NAME;
			lower_add(h->tag, &h->tag_len, c);
		} else {
			h->state = H_DATA;
		}
		return;
	case H_TAG_NAME:
		if (c == '>')
			tag_end(h);
		else if (space(c) || c == '/')
			h->state = H_IN_TAG;
		else
			lower_add(h->tag, &h->tag_len, c);
		return;
	case H_IN_TAG:
		if (c == '>') {
			tag_end(h);
		} else if (!space(c) && c != '/') {
			h->state = H_ATTR_NAME;
			h->attr_len = 0;
			lower_add(h->attr, &h->attr_len, c);
		}
		return;
	case H_ATTR_NAME:
		if (c == '=')
			h->state = H_BEFORE_VALUE;
		else if (c == '>')
			tag_end(h);
		else if (space(c) || c == '/')
			h->state = H_IN_TAG;
		else
			lower_add(h->attr, &h->attr_len, c);
		return;
	case H_BEFORE_VALUE:
		h->started = false;
		if (c == '"')
			h->state = H_DOUBLE;
		else if (c == '\'')
			h->state = H_SINGLE;
		else if (c == '>')
			tag_end(h);
		else if (!space(c))
			h->state = H_UNQUOTED;
		return;
	case H_DOUBLE:
	case H_SINGLE:
		if (c == (h->state == H_DOUBLE ? '"' : '\''))
			h->state = H_IN_TAG;
		else
			h->started = true;
		return;
	case H_UNQUOTED:
		if (c == '>')
			tag_end(h);
		else if (space(c))
			h->state = H_IN_TAG;
		return;
	case H_DECLARATION:
		if (c == '-' && ++h->dashes == 2)
			h->state = H_COMMENT;
		else if (c == '>')
			h->state = H_DATA;
		return;
	case H_COMMENT:
		if (c == '>' && h->dashes >= 2)
			h->state = H_DATA;
		h->dashes = c == '-' ? h->dashes + 1 : 0;
		return;
	case H_RAW: {
		/* </script> or </style>: what it holds is never a slot, so its bytes are in this literal */
		size_t back = strlen(h->tag) + 2, at = (size_t)(p - begin);
		if (c == '>' && at >= back && p[-(long)back] == '<' && p[-(long)back + 1] == '/' &&
		    !strncasecmp(p - back + 2, h->tag, back - 2))
			h->state = H_DATA;
		return;
	}
	}
}

static struct op *op_add(struct parser *p, enum op_kind kind)
{
	struct template *t = p->t;
	if (t->count == t->cap) {
		size_t cap = t->cap ? t->cap * 2 : 64;
		struct op *ops = POOL_ARRAY(p->pool, struct op, cap);
		if (t->count)
			memcpy(ops, t->ops, t->count * sizeof *ops);
		t->ops = ops;
		t->cap = cap;
	}
	t->ops[t->count] = (struct op){ .kind = kind };
	return &t->ops[t->count++];
}

static void literal(struct parser *p, const char *bytes, size_t n)
{
	if (!n)
		return;
	if (!p->plain)
		for (size_t i = 0; i < n; i++)
			html_byte(&p->html, bytes + i, bytes);
	struct op *op = op_add(p, OP_LITERAL);
	op->bytes = pool_copy(p->pool, bytes, n);
	op->size = n;
}

static int bad(struct parser *p, const char *file, long line, const char *why, const char *name)
{
	return fault(p->e, "%s:%ld: %s%s%s", file, line, why, name ? " " : "", name ? name : "");
}

static const struct slot *slot_find(const struct parser *p, const char *name, size_t *frame)
{
	for (size_t f = p->frames; f-- > 0;)
		for (size_t i = 0; p->views[f] && i < p->views[f]->count; i++)
			if (!strcmp(p->views[f]->slots[i].name, name))
				return *frame = f, &p->views[f]->slots[i];
	return NULL;
}

static bool is_url_attribute(const char *name)
{
	static const char *const urls[] = { "href",   "src",  "action", "formaction",
					    "poster", "cite", "data",   "xlink:href" };
	for (size_t i = 0; i < COUNT(urls); i++)
		if (!strcmp(name, urls[i]))
			return true;
	return false;
}

static int place_of(struct parser *p, const char *file, long line, const char *name, enum place *out)
{
	struct html *h = &p->html;
	if (p->plain)
		return *out = PLACE_PLAIN, 0;
	if (h->state == H_DATA)
		return *out = PLACE_TEXT, 0;
	if (h->state != H_DOUBLE && h->state != H_SINGLE)
		return bad(p, file, line, "a slot may stand in a text or a quoted attribute:", name);
	if (!strncmp(h->attr, "on", 2) || !strcmp(h->attr, "style") || !strcmp(h->attr, "srcdoc") ||
	    !strcmp(h->attr, "srcset"))
		return bad(p, file, line, "no slot in this attribute:", name);
	*out = !is_url_attribute(h->attr) ? PLACE_ATTR : h->started ? PLACE_URL_PART : PLACE_URL;
	h->started = true;
	return 0;
}

static int slot_tag(struct parser *p, const char *file, long line, const char *name)
{
	enum place place = PLACE_PLAIN;
	size_t frame = 0;
	const struct slot *s = slot_find(p, name, &frame);
	if (!s)
		return bad(p, file, line, "unknown slot", name);
	if (s->kind == SLOT_BOOL || s->kind == SLOT_LIST || s->kind == SLOT_VIEW)
		return bad(p, file, line, "this slot opens a section only:", name);
	if (place_of(p, file, line, name, &place))
		return -1;
	if (s->kind == SLOT_MARKUP && place != PLACE_TEXT)
		return bad(p, file, line, "markup stands between tags only:", name);
	struct op *op = op_add(p, OP_SLOT);
	op->place = place;
	op->slot = s->kind;
	op->frame = frame;
	op->at = s->at;
	return 0;
}

static int section_open(struct parser *p, const char *file, long line, const char *name, bool negate)
{
	size_t frame = 0;
	const struct slot *s = slot_find(p, name, &frame);
	if (!s)
		return bad(p, file, line, "unknown slot", name);
	if (p->depth == FRAMES_MAX || p->frames == FRAMES_MAX)
		return bad(p, file, line, "sections too deep:", name);
	bool enters = !negate && (s->kind == SLOT_LIST || s->kind == SLOT_VIEW);
	if (enters && !s->of)
		return bad(p, file, line, "list without a view:", name);
	struct section *sec = &p->sections[p->depth++];
	snprintf(sec->name, sizeof sec->name, "%s", name);
	sec->op = p->t->count;
	sec->frames = p->frames;
	sec->html = p->html;
	sec->line = line;
	struct op *op = op_add(p, OP_SECTION);
	op->slot = s->kind;
	op->frame = frame;
	op->at = s->at;
	op->negate = negate;
	op->item_size = enters ? s->of->size : 0;
	if (enters)
		p->views[p->frames++] = s->of;
	return 0;
}

static bool in_tag(enum html_state state)
{
	return state == H_TAG_NAME || state == H_IN_TAG || state == H_ATTR_NAME;
}

static int section_close(struct parser *p, const char *file, long line, const char *name, size_t least)
{
	if (p->depth <= least || strcmp(p->sections[p->depth - 1].name, name))
		return bad(p, file, line, "section not open:", name);
	struct section *sec = &p->sections[--p->depth];
	/* A bare attribute ("<option{{#selected}} selected{{/selected}}>") ends where the section does. */
	if (in_tag(sec->html.state) && in_tag(p->html.state))
		p->html.state = sec->html.state = H_IN_TAG;
	if (sec->html.state != p->html.state)
		return bad(p, file, line, "section ends inside another tag than it began:", name);
	p->html.started = p->html.started && sec->html.started;
	p->frames = sec->frames;
	p->t->ops[sec->op].end = p->t->count;
	return 0;
}

static int parse(struct parser *p, const char *bytes, size_t n, const char *file);

static int include(struct parser *p, const char *file, long line, const char *name)
{
	const char *slash = strrchr(file, '/');
	char path[200];
	snprintf(path, sizeof path, "%.*s%s", slash ? (int)(slash - file + 1) : 0, file, name);
	const struct asset *a = asset_get(path);
	if (!a)
		return bad(p, file, line, "no such file to include:", name);
	if (p->includes == INCLUDES_MAX)
		return bad(p, file, line, "includes too deep:", name);
	p->includes++;
	int r = parse(p, (const char *)a->data, a->size, a->path);
	p->includes--;
	return r;
}

/* A section, include or comment alone on its line takes the whole line away. */
static bool alone(const char *begin, const char *open, const char *close, const char *end, const char **from,
		  const char **to)
{
	const char *a = open, *b = close;
	while (a > begin && (a[-1] == ' ' || a[-1] == '\t'))
		a--;
	while (b < end && (*b == ' ' || *b == '\t'))
		b++;
	if (b < end && *b == '\r')
		b++;
	if ((a > begin && a[-1] != '\n') || (b < end && *b != '\n'))
		return false;
	*from = a;
	*to = b < end ? b + 1 : b;
	return true;
}

static int tag(struct parser *p, const char *file, long line, const char *name, char kind, size_t least)
{
	switch (kind) {
	case '#':
		return section_open(p, file, line, name, false);
	case '^':
		return section_open(p, file, line, name, true);
	case '/':
		return section_close(p, file, line, name, least);
	case '>':
		return include(p, file, line, name);
	case '!':
		return 0;
	default:
		return slot_tag(p, file, line, name);
	}
}

static const char *find2(const char *from, const char *end, char c)
{
	for (; from + 1 < end; from++)
		if (from[0] == c && from[1] == c)
			return from;
	return NULL;
}

static int parse(struct parser *p, const char *bytes, size_t n, const char *file)
{
	const char *at = bytes, *end = bytes + n, *line_at = bytes;
	size_t least = p->depth;
	long line = 1;
	for (;;) {
		const char *open = find2(at, end, '{');
		if (!open)
			break;
		for (; line_at < open; line_at++)
			line += *line_at == '\n';
		const char *close = find2(open + 2, end, '}');
		if (!close)
			return bad(p, file, line, "{{ without }}", NULL);
		const char *inner = open + 2;
		char kind = inner < close && strchr("#^/>!", *inner) ? *inner++ : 0;
		char name[NAME_MAX_BYTES];
		while (inner < close && *inner == ' ')
			inner++;
		size_t len = (size_t)(close - inner);
		while (len && inner[len - 1] == ' ')
			len--;
		if (kind != '!' && (!len || len >= sizeof name || memchr(inner, 0, len)))
			return bad(p, file, line, "bad name in {{ }}", NULL);
		snprintf(name, sizeof name, "%.*s", kind == '!' ? 0 : (int)len, inner);
		const char *from = open, *to = close + 2;
		if (kind)
			(void)alone(at, open, close + 2, end, &from, &to);
		literal(p, at, (size_t)(from - at));
		if (tag(p, file, line, name, kind, least))
			return -1;
		at = to;
	}
	literal(p, at, (size_t)(end - at));
	if (p->depth > least)
		return bad(p, file, p->sections[p->depth - 1].line,
			   "section not closed:", p->sections[p->depth - 1].name);
	return 0;
}

struct template *template_read(const char *bytes, size_t n, const char *file, const struct view *view,
			       struct pool *pool, struct err *e)
{
	struct parser *p = POOL_NEW(pool, struct parser);
	*p = (struct parser){ .t = POOL_NEW(pool, struct template), .pool = pool, .e = e };
	p->plain = str_ends(file, ".txt");
	p->views[p->frames++] = view;
	return parse(p, bytes, n, file) ? NULL : p->t;
}

/* ---- rendering ---- */

static void slot_out(const struct op *op, const void *data, struct str *out)
{
	const char *member = (const char *)data + op->at;
	const char *s;
	if (op->slot == SLOT_INT) {
		char digits[STR_I64];
		str_add(out, str_of_i64(digits, *(const int64_t *)(const void *)member));
		return;
	}
	if (op->slot == SLOT_MARKUP) {
		str_add(out, ((const struct markup *)(const void *)member)->html);
		return;
	}
	s = *(const char *const *)(const void *)member;
	if (!s)
		return;
	switch (op->place) {
	case PLACE_PLAIN:
		str_add(out, s);
		break;
	case PLACE_TEXT:
		html_text(out, s);
		break;
	case PLACE_ATTR:
		html_attr(out, s);
		break;
	case PLACE_URL:
		html_attr(out, url_good(s) ? s : "#");
		break;
	case PLACE_URL_PART:
		url_part(out, s);
		break;
	}
}

static bool section_true(const struct op *op, const void *data)
{
	const char *member = (const char *)data + op->at;
	const char *s;
	switch (op->slot) {
	case SLOT_BOOL:
		return *(const bool *)(const void *)member;
	case SLOT_INT:
		return *(const int64_t *)(const void *)member != 0;
	case SLOT_LIST:
		return ((const struct list *)(const void *)member)->count > 0;
	case SLOT_VIEW:
		return *(const void *const *)(const void *)member != NULL;
	case SLOT_MARKUP:
		s = ((const struct markup *)(const void *)member)->html;
		return s && *s;
	case SLOT_TEXT:
		s = *(const char *const *)(const void *)member;
		return s && *s;
	}
	return false;
}

static void render(const struct template *t, size_t from, size_t to, const void **frames, size_t depth, struct str *out)
{
	for (size_t i = from; i < to; i++) {
		const struct op *op = &t->ops[i];
		if (op->kind == OP_LITERAL) {
			str_add_n(out, op->bytes, op->size);
			continue;
		}
		const void *data = frames[op->frame];
		if (op->kind == OP_SLOT) {
			slot_out(op, data, out);
			continue;
		}
		if (section_true(op, data) == op->negate) {
			/* not shown */
		} else if (op->negate || (op->slot != SLOT_LIST && op->slot != SLOT_VIEW)) {
			render(t, i + 1, op->end, frames, depth, out);
		} else if (op->slot == SLOT_VIEW) {
			frames[depth] = *(const void *const *)(const void *)((const char *)data + op->at);
			render(t, i + 1, op->end, frames, depth + 1, out);
		} else {
			const struct list *list = (const struct list *)(const void *)((const char *)data + op->at);
			for (size_t k = 0; k < list->count; k++) {
				frames[depth] = (const char *)list->items + k * op->item_size;
				render(t, i + 1, op->end, frames, depth + 1, out);
			}
		}
		i = op->end - 1;
	}
}

void template_render(const struct template *t, const void *data, struct str *out)
{
	const void *frames[FRAMES_MAX + 1] = { data };
	render(t, 0, t->count, frames, 1, out);
}

/* ---- the registered pages ---- */

/* The linker gives them these names. */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl51-cpp) */
extern const struct page *const __start_enroll_pages[] __attribute__((weak));
extern const struct page *const __stop_enroll_pages[] __attribute__((weak));
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl51-cpp) */

struct loaded {
	const struct page *page;
	struct template *template;
};
static struct loaded *loaded; /* sorted by address; read-only after the start */
static size_t loaded_count;

static int by_page(const void *a, const void *b)
{
	uintptr_t x = (uintptr_t)((const struct loaded *)a)->page, y = (uintptr_t)((const struct loaded *)b)->page;
	return x < y ? -1 : x > y;
}

int pages_load(struct pool *pool, struct err *e)
{
	/* cppcheck-suppress comparePointers ; the linker puts both around one array */
	size_t count = (size_t)(__stop_enroll_pages - __start_enroll_pages), n = 0;
	struct loaded *list = POOL_ARRAY(pool, struct loaded, count + 1);
	for (size_t i = 0; i < count; i++) {
		const struct page *page = __start_enroll_pages[i];
		if (!page) /* padding between sections of a sanitized build */
			continue;
		const struct asset *a = asset_get(page->path);
		if (!a)
			return fault(e, "%s: no such template", page->path);
		struct template *t = template_read((const char *)a->data, a->size, a->path, page->view, pool, e);
		if (!t)
			return -1;
		list[n++] = (struct loaded){ page, t };
	}
	qsort(list, n, sizeof *list, by_page);
	loaded = list;
	loaded_count = n;
	return 0;
}

void page_render(const struct page *page, const void *data, struct str *out)
{
	const struct loaded key = { .page = page };
	const struct loaded *found = loaded_count ? bsearch(&key, loaded, loaded_count, sizeof *loaded, by_page) : NULL;
	if (found) {
		struct template *t = found->template;
		size_t before = out->len;
		str_reserve(out, atomic_load_explicit(&t->usual, memory_order_relaxed) + 256);
		template_render(t, data, out);
		atomic_store_explicit(&t->usual, out->len - before, memory_order_relaxed);
	} else {
		log_event(LOG_ERROR, "page.not_loaded", "page", page->path);
	}
}
