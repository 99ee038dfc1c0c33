#include "pdf_seal.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/str.h"
#include "compress.h"

#define SECTIONS_MOST 32
#define DEPTH_MOST 64
#define STREAM_MOST ((size_t)16 << 20)
#define SPARE 256 /* ECDSA signatures differ by a few bytes */
#define NUMBER_WIDTH 10

/* Part of a text; the tests of pointers below are always against `end`. */
struct span {
	const unsigned char *at, *end;
};

struct ref {
	uint32_t number, generation;
};

struct pdf {
	struct pool *pool;
	const unsigned char *bytes;
	size_t size, last; /* last: offset of the newest cross-reference section */
	struct span trailer;
	bool streams; /* that section is a stream */
	struct err *err;
};

static int odd(struct pdf *p, const char *what)
{
	return fault(p->err, "pdf_seal: %s", what);
}

/* ---- syntax (ISO 32000-1 §7.2, §7.3) ---- */

static bool is_space(unsigned char c)
{
	return c == 0 || c == 9 || c == 10 || c == 12 || c == 13 || c == 32;
}

static bool is_delimiter(unsigned char c)
{
	return c && strchr("()<>[]{}/%", c);
}

static void skip_space(struct span *s)
{
	for (; s->at < s->end; s->at++) {
		if (*s->at == '%')
			while (s->at < s->end && *s->at != '\n' && *s->at != '\r')
				s->at++;
		else if (!is_space(*s->at))
			return;
		if (s->at == s->end)
			return;
	}
}

static bool take(struct span *s, const char *word)
{
	size_t n = strlen(word);
	skip_space(s);
	if ((size_t)(s->end - s->at) < n || memcmp(s->at, word, n))
		return false;
	s->at += n;
	return true;
}

static bool take_number(struct span *s, uint64_t *out)
{
	skip_space(s);
	const unsigned char *from = s->at;
	for (*out = 0; s->at < s->end && *s->at >= '0' && *s->at <= '9' && s->at - from < 15; s->at++)
		*out = *out * 10 + (uint64_t)(*s->at - '0');
	return s->at > from;
}

static bool take_ref(struct span *s, struct ref *out)
{
	struct span t = *s;
	uint64_t number, generation;
	if (!take_number(&t, &number) || !take_number(&t, &generation) || !take(&t, "R") || number > UINT32_MAX ||
	    generation > 65535)
		return false;
	*out = (struct ref){ (uint32_t)number, (uint32_t)generation };
	*s = t;
	return true;
}

static bool skip_string(struct span *s)
{
	int depth = 0;
	for (; s->at < s->end; s->at++) {
		if (*s->at == '\\' && s->end - s->at > 1)
			s->at++;
		else if (*s->at == '(')
			depth++;
		else if (*s->at == ')' && !--depth) {
			s->at++;
			return true;
		}
	}
	return false;
}

static bool skip_object(struct span *s, int depth);

static bool skip_until(struct span *s, const char *close, int depth)
{
	while (!take(s, close))
		if (depth > DEPTH_MOST || s->at >= s->end || !skip_object(s, depth + 1))
			return false;
	return true;
}

static bool skip_object(struct span *s, int depth)
{
	struct ref ref;
	skip_space(s);
	if (s->at >= s->end)
		return false;
	if (take(s, "<<"))
		return skip_until(s, ">>", depth);
	if (take(s, "["))
		return skip_until(s, "]", depth);
	if (*s->at == '(')
		return skip_string(s);
	if (take_ref(s, &ref))
		return true;
	bool hex = *s->at == '<';
	const unsigned char *from = s->at++;
	while (s->at < s->end && (hex ? *s->at != '>' : !is_space(*s->at) && !is_delimiter(*s->at)))
		s->at++;
	if (hex) {
		bool closed = s->at < s->end;
		s->at += closed;
		return closed;
	}
	return *from == '/' || !is_delimiter(*from);
}

/* The dictionary that begins here, from << to >>. */
static bool dictionary(struct span s, struct span *out)
{
	skip_space(&s);
	out->at = s.at;
	if (s.end - s.at < 2 || memcmp(s.at, "<<", 2) || !skip_object(&s, 0))
		return false;
	out->end = s.at;
	return true;
}

/* The value of a key of a dictionary, names compared as they are written. */
static bool member(struct span d, const char *key, struct span *out)
{
	size_t n = strlen(key);
	d.end -= 2;
	d.at += 2;
	for (;;) {
		skip_space(&d);
		if (d.at >= d.end || *d.at != '/')
			return false;
		const unsigned char *name = d.at;
		if (!skip_object(&d, 0))
			return false;
		bool found = (size_t)(d.at - name) == n && !memcmp(name, key, n);
		skip_space(&d);
		out->at = d.at;
		if (!skip_object(&d, 0))
			return false;
		out->end = d.at;
		if (found)
			return true;
	}
}

static bool member_number(struct span d, const char *key, uint64_t *out)
{
	struct span v;
	return member(d, key, &v) && take_number(&v, out) && v.at == v.end;
}

static bool member_ref(struct span d, const char *key, struct ref *out)
{
	struct span v;
	return member(d, key, &v) && take_ref(&v, out);
}

static bool member_is(struct span d, const char *key, const char *name)
{
	struct span v;
	return member(d, key, &v) && (size_t)(v.end - v.at) == strlen(name) && !memcmp(v.at, name, strlen(name));
}

/* ---- streams ---- */

/* Rows of PNG predictors (§7.4.4.4): each begins with its filter. */
static bool unpredict(unsigned char *data, size_t *n, size_t columns)
{
	size_t rows = columns ? *n / (columns + 1) : 0;
	for (size_t r = 0; r < rows; r++) {
		const unsigned char *in = data + r * (columns + 1);
		unsigned char *out = data + r * columns, filter = in[0];
		for (size_t i = 0; i < columns; i++) {
			int left = i ? out[i - 1] : 0, up = r ? out[i - columns] : 0;
			if (filter > 2)
				return false;
			out[i] = (unsigned char)(in[i + 1] + (filter == 1 ? left : filter == 2 ? up : 0));
		}
	}
	*n = rows * columns;
	return rows > 0;
}

static int stream_data(struct pdf *p, struct span dict, struct span *out)
{
	uint64_t length, predictor = 1, columns = 1;
	struct span s = { dict.end, p->bytes + p->size }, parameters;
	size_t n;
	if (!take(&s, "stream") || !member_number(dict, "/Length", &length))
		return odd(p, "stream");
	if (s.at < s.end && *s.at == '\r')
		s.at++;
	if (s.at < s.end && *s.at == '\n')
		s.at++;
	if (length > (uint64_t)(s.end - s.at))
		return odd(p, "length of a stream");
	s.end = s.at + length;
	struct span filter;
	if (!member(dict, "/Filter", &filter)) {
		*out = s;
		return 0;
	}
	if (!member_is(dict, "/Filter", "/FlateDecode"))
		return odd(p, "filter");
	unsigned char *data = compress_open(s.at, length, STREAM_MOST, p->pool, &n);
	if (!data)
		return odd(p, "compressed stream");
	if (member(dict, "/DecodeParms", &parameters) && dictionary(parameters, &parameters)) {
		(void)member_number(parameters, "/Predictor", &predictor);
		(void)member_number(parameters, "/Columns", &columns);
	}
	if (predictor != 1 && (predictor < 10 || columns > 64 || !unpredict(data, &n, (size_t)columns)))
		return odd(p, "predictor");
	*out = (struct span){ data, data + n };
	return 0;
}

/* ---- where objects are (§7.5.4, §7.5.8) ---- */

struct entry {
	enum { ABSENT, FREE, PLAIN, PACKED } kind;
	uint64_t where; /* offset, or number of the object stream */
	uint64_t index;
};

/* After "xref": subsections of rows of twenty bytes, then "trailer". */
static int table_entry(struct pdf *p, struct span s, uint32_t wanted, struct span *trailer, struct entry *out)
{
	while (!take(&s, "trailer")) {
		uint64_t first, count;
		if (!take_number(&s, &first) || !take_number(&s, &count))
			return odd(p, "cross-reference table");
		skip_space(&s);
		if (count > (uint64_t)(s.end - s.at) / 20)
			return odd(p, "cross-reference table");
		if (wanted >= first && wanted - first < count) {
			struct span row = { s.at + 20 * (wanted - first), s.at + 20 * (wanted - first) + 20 };
			uint64_t at, generation;
			if (!take_number(&row, &at) || !take_number(&row, &generation))
				return odd(p, "cross-reference table");
			*out = (struct entry){ take(&row, "n") ? PLAIN : FREE, at, 0 };
		}
		s.at += 20 * count;
	}
	return dictionary(s, trailer) ? 0 : odd(p, "trailer");
}

static uint64_t big_endian(const unsigned char *at, uint64_t n)
{
	uint64_t v = 0;
	while (n--)
		v = v << 8 | *at++;
	return v;
}

static int stream_entry(struct pdf *p, struct span s, uint32_t wanted, struct span *trailer, struct entry *out)
{
	uint64_t number, generation, w[3], size, first, count;
	struct span data, list, index = { 0 };
	if (!take_number(&s, &number) || !take_number(&s, &generation) || !take(&s, "obj") || !dictionary(s, trailer) ||
	    !member_is(*trailer, "/Type", "/XRef") || !member(*trailer, "/W", &list) || !take(&list, "[") ||
	    !take_number(&list, &w[0]) || !take_number(&list, &w[1]) || !take_number(&list, &w[2]) || w[0] > 8 ||
	    w[1] > 8 || w[2] > 8 || !(w[0] + w[1] + w[2]) || !member_number(*trailer, "/Size", &size))
		return odd(p, "cross-reference stream");
	if (stream_data(p, *trailer, &data))
		return -1;
	bool parts = member(*trailer, "/Index", &index) && take(&index, "[");
	first = 0, count = size;
	while (!parts || (take_number(&index, &first) && take_number(&index, &count))) {
		uint64_t row = w[0] + w[1] + w[2];
		if (count > (uint64_t)(data.end - data.at) / row)
			return odd(p, "cross-reference stream");
		if (wanted >= first && wanted - first < count) {
			const unsigned char *at = data.at + (wanted - first) * row;
			uint64_t type = w[0] ? big_endian(at, w[0]) : 1;
			*out = (struct entry){ type == 1   ? PLAIN
					       : type == 2 ? PACKED
							   : FREE,
					       big_endian(at + w[0], w[1]), big_endian(at + w[0] + w[1], w[2]) };
		}
		data.at += count * row;
		if (!parts)
			break;
	}
	return 0;
}

/* One section; its dictionary comes with it. */
static int section_entry(struct pdf *p, size_t offset, uint32_t wanted, struct span *trailer, bool *stream,
			 struct entry *out)
{
	struct span s = { p->bytes + offset, p->bytes + p->size };
	if (offset >= p->size)
		return odd(p, "startxref");
	*stream = !take(&s, "xref");
	return *stream ? stream_entry(p, s, wanted, trailer, out) : table_entry(p, s, wanted, trailer, out);
}

static int entry_of(struct pdf *p, uint32_t wanted, struct entry *out)
{
	uint64_t at = p->last;
	*out = (struct entry){ .kind = ABSENT };
	for (int i = 0; i < SECTIONS_MOST && out->kind == ABSENT; i++) {
		struct span trailer;
		bool stream;
		if (section_entry(p, (size_t)at, wanted, &trailer, &stream, out))
			return -1;
		if (out->kind == ABSENT && !member_number(trailer, "/Prev", &at))
			break;
	}
	return out->kind == PLAIN || out->kind == PACKED ? 0 : odd(p, "an object is missing");
}

/* The dictionary of an object, with *end where the text around it ends. */
static int object(struct pdf *p, struct ref ref, struct span *dict)
{
	struct entry x;
	uint64_t number, generation, first, count, at;
	struct span s, inside;
	bool packed;
	if (entry_of(p, ref.number, &x))
		return -1;
	packed = x.kind == PACKED;
	uint64_t wanted = packed ? x.where : ref.number, index = x.index;
	if (packed && (entry_of(p, (uint32_t)x.where, &x) || x.kind != PLAIN))
		return odd(p, "object stream");
	if (x.where >= p->size)
		return odd(p, "offset of an object");
	s = (struct span){ p->bytes + x.where, p->bytes + p->size };
	if (!take_number(&s, &number) || number != wanted || !take_number(&s, &generation) || !take(&s, "obj") ||
	    !dictionary(s, dict))
		return odd(p, "object");
	if (!packed)
		return 0;
	if (!member_is(*dict, "/Type", "/ObjStm") || !member_number(*dict, "/First", &first) ||
	    !member_number(*dict, "/N", &count) || index >= count)
		return odd(p, "object stream");
	if (stream_data(p, *dict, &inside))
		return -1;
	s = inside;
	for (uint64_t i = 0; i <= index; i++)
		if (!take_number(&s, &number) || !take_number(&s, &at))
			return odd(p, "object stream");
	if (number != ref.number || first + at >= (uint64_t)(inside.end - inside.at))
		return odd(p, "object stream");
	s = (struct span){ inside.at + first + at, inside.end };
	return dictionary(s, dict) ? 0 : odd(p, "packed object");
}

static int open_pdf(struct pdf *p)
{
	static const char word[] = "startxref";
	struct entry none = { .kind = ABSENT };
	size_t tail = p->size < 1024 ? 0 : p->size - 1024, at = p->size;
	uint64_t offset;
	if (p->size < 16 || memcmp(p->bytes, "%PDF-", 5))
		return odd(p, "no PDF");
	while (at-- > tail)
		if (p->size - at >= sizeof word && !memcmp(p->bytes + at, word, sizeof word - 1))
			break;
	struct span s = { p->bytes + at + sizeof word - 1, p->bytes + p->size };
	if (at < tail || at >= p->size || !take_number(&s, &offset))
		return odd(p, "no startxref");
	p->last = (size_t)offset;
	return section_entry(p, p->last, 0, &p->trailer, &p->streams, &none);
}

/* ---- writing ---- */

/* UTF-16BE with its mark, in hexadecimal (§7.9.2.2): what any reader shows. The text is good UTF-8. */
static void add_text(struct str *out, const char *text)
{
	str_add(out, "<FEFF");
	for (const unsigned char *c = (const unsigned char *)text; *c;) {
		unsigned n = *c < 0x80 ? 0 : *c < 0xE0 ? 1 : *c < 0xF0 ? 2 : 3;
		unsigned point = n == 0 ? *c : *c & (0x3Fu >> n);
		for (c++; n; n--, c++)
			point = point << 6 | (*c & 0x3Fu);
		if (point > 0xFFFF)
			str_addf(out, "%04X%04X", 0xD800 + ((point - 0x10000) >> 10),
				 0xDC00 + ((point - 0x10000) & 0x3FF));
		else
			str_addf(out, "%04X", point);
	}
	str_add_c(out, '>');
}

static void add_span(struct str *out, const unsigned char *from, const unsigned char *to)
{
	str_add_n(out, from, (size_t)(to - from));
}

/* A member of the last trailer, as it is. */
static void keep(struct str *out, const struct pdf *p, const char *key)
{
	struct span v;
	if (member(p->trailer, key, &v)) {
		str_addf(out, " %s ", key);
		add_span(out, v.at, v.end);
	}
}

enum { CATALOGUE, PAGE, SIGNATURE, FIELD, XREF, WRITTEN };

struct writing {
	struct str out;
	struct ref refs[WRITTEN];
	size_t at[WRITTEN], range, hole; /* offsets: of the objects, of /ByteRange's numbers, of /Contents's < */
	size_t room;                     /* bytes of the signature */
};

static void begin(struct writing *w, int which)
{
	w->at[which] = w->out.len;
	str_addf(&w->out, "%u %u obj\n", w->refs[which].number, w->refs[which].generation);
}

static int write_catalogue(struct pdf *p, struct writing *w, struct span catalogue)
{
	struct span form;
	if (member(catalogue, "/AcroForm", &form))
		return odd(p, "has a form already");
	begin(w, CATALOGUE);
	add_span(&w->out, catalogue.at, catalogue.end - 2);
	str_addf(&w->out, "\n/AcroForm << /Fields [%u 0 R] /SigFlags 3 >>\n>>\nendobj\n", w->refs[FIELD].number);
	return 0;
}

static int write_page(struct pdf *p, struct writing *w, struct span page)
{
	struct span list, tabs;
	begin(w, PAGE);
	if (member(page, "/Annots", &list)) {
		if (*list.at != '[')
			return odd(p, "annotations kept elsewhere");
		add_span(&w->out, page.at, list.end - 1);
		str_addf(&w->out, " %u 0 R ", w->refs[FIELD].number);
		add_span(&w->out, list.end - 1, page.end - 2);
	} else {
		add_span(&w->out, page.at, page.end - 2);
		str_addf(&w->out, "\n/Annots [%u 0 R]", w->refs[FIELD].number);
	}
	if (!member(page, "/Tabs", &tabs))
		str_add(&w->out, "\n/Tabs /S");
	str_add(&w->out, "\n>>\nendobj\n");
	return 0;
}

static void write_signature(struct writing *w, const struct pdf_seal *q)
{
	time_t t = (time_t)(q->at / SECOND);
	struct tm tm;
	char when[32];
	gmtime_r(&t, &tm);
	(void)strftime(when, sizeof when, "D:%Y%m%d%H%M%SZ", &tm);
	begin(w, SIGNATURE);
	str_addf(&w->out, "<< /Type /Sig /Filter /Adobe.PPKLite /SubFilter /ETSI.CAdES.detached\n/M (%s)\n/Name ",
		 when);
	add_text(&w->out, q->name);
	str_add(&w->out, "\n/Reason ");
	add_text(&w->out, q->reason);
	str_add(&w->out, "\n/ByteRange [0 ");
	w->range = w->out.len;
	str_addf(&w->out, "%*s]\n/Contents ", 3 * NUMBER_WIDTH + 2, "");
	w->hole = w->out.len;
	str_add_c(&w->out, '<');
	str_reserve(&w->out, 2 * w->room);
	for (size_t i = 0; i < 2 * w->room; i++)
		str_add_c(&w->out, '0');
	str_add(&w->out, ">\n>>\nendobj\n");
}

static void write_field(struct writing *w)
{
	begin(w, FIELD);
	str_addf(&w->out,
		 "<< /Type /Annot /Subtype /Widget /FT /Sig /T (Sceau) /TU (Sceau du service) /V %u 0 R /P %u %u R"
		 " /Rect [0 0 0 0] /F 130 >>\nendobj\n",
		 w->refs[SIGNATURE].number, w->refs[PAGE].number, w->refs[PAGE].generation);
}

/* The objects written, in the order of their numbers. */
static size_t in_order(const struct writing *w, bool streams, int order[WRITTEN])
{
	size_t n = streams ? WRITTEN : XREF;
	for (size_t i = 0; i < n; i++) {
		size_t k = i;
		for (; k && w->refs[order[k - 1]].number > w->refs[i].number; k--)
			order[k] = order[k - 1];
		order[k] = (int)i;
	}
	return n;
}

static void write_end(struct pdf *p, struct writing *w)
{
	int order[WRITTEN];
	size_t n = in_order(w, p->streams, order), start = w->out.len;
	struct str *out = &w->out;
	if (p->streams) {
		begin(w, XREF);
		str_add(out, "<< /Type /XRef /W [1 5 2] /Index [");
		for (size_t i = 0; i < n; i++)
			str_addf(out, "%u 1 ", w->refs[order[i]].number);
		str_addf(out, "] /Length %zu", 8 * n);
	} else {
		str_add(out, "xref\n");
		for (size_t i = 0; i < n; i++)
			str_addf(out, "%u 1\n%010zu %05u n \n", w->refs[order[i]].number, w->at[order[i]],
				 w->refs[order[i]].generation);
		str_add(out, "trailer\n<<");
	}
	str_addf(out, " /Size %u /Prev %zu", w->refs[p->streams ? XREF : FIELD].number + 1, p->last);
	keep(out, p, "/Root");
	keep(out, p, "/Info");
	keep(out, p, "/ID");
	str_add(out, " >>\n");
	if (p->streams) {
		str_add(out, "stream\n");
		for (size_t i = 0; i < n; i++) {
			size_t at = w->at[order[i]];
			uint32_t generation = w->refs[order[i]].generation;
			const unsigned char row[8] = { 1,
						       (unsigned char)((uint64_t)at >> 32),
						       (unsigned char)(at >> 24),
						       (unsigned char)(at >> 16),
						       (unsigned char)(at >> 8),
						       (unsigned char)at,
						       (unsigned char)(generation >> 8),
						       (unsigned char)generation };
			str_add_n(out, row, sizeof row);
		}
		str_add(out, "\nendstream\nendobj\n");
	}
	str_addf(out, "startxref\n%zu\n%%%%EOF\n", start);
}

/* Signs all but the hole, and fills it. */
static int fill(struct pdf *p, struct writing *w, const struct pades *with)
{
	size_t after = w->hole + 2 + 2 * w->room, n;
	char range[3 * NUMBER_WIDTH + 8];
	unsigned char *signature;
	struct str rest = str_in(p->pool);
	snprintf(range, sizeof range, "%zu %zu %zu", w->hole, after, w->out.len - after);
	memcpy(w->out.s + w->range, range, strlen(range));
	str_reserve(&rest, w->out.len);
	str_add_n(&rest, w->out.s, w->hole);
	str_add_n(&rest, w->out.s + after, w->out.len - after);
	if (pades_sign(with, rest.s, rest.len, p->pool, &signature, &n, p->err))
		return -1;
	if (n > w->room)
		return odd(p, "the signature has no room");
	memcpy(w->out.s + w->hole + 1, str_hex(p->pool, signature, n), 2 * n);
	return 0;
}

/* The first leaf of the tree of pages. */
static int first_page(struct pdf *p, struct span catalogue, struct ref *ref, struct span *page)
{
	struct span kids;
	if (!member_ref(catalogue, "/Pages", ref))
		return odd(p, "no pages");
	for (int depth = 0; depth < DEPTH_MOST; depth++) {
		if (object(p, *ref, page))
			return -1;
		if (member_is(*page, "/Type", "/Page"))
			return 0;
		if (!member(*page, "/Kids", &kids) || !take(&kids, "[") || !take_ref(&kids, ref))
			break;
	}
	return odd(p, "no page");
}

int pdf_seal(const struct pdf_seal *q, struct pool *pool, unsigned char **out, size_t *n, struct err *e)
{
	struct pdf p = { .pool = pool, .bytes = q->pdf, .size = q->size, .err = e };
	struct writing w = { .out = str_in(pool) };
	struct span catalogue, page, encrypted;
	unsigned char *trial;
	uint64_t next;
	if (q->size > PADES_MOST / 2 || !str_is_utf8(q->name, strlen(q->name)) ||
	    !str_is_utf8(q->reason, strlen(q->reason)))
		return odd(&p, "too long, or a text is not UTF-8");
	if (open_pdf(&p))
		return -1;
	if (member(p.trailer, "/Encrypt", &encrypted))
		return odd(&p, "encrypted");
	if (!member_number(p.trailer, "/Size", &next) || next > UINT32_MAX - WRITTEN ||
	    !member_ref(p.trailer, "/Root", &w.refs[CATALOGUE]))
		return odd(&p, "trailer");
	if (object(&p, w.refs[CATALOGUE], &catalogue) || first_page(&p, catalogue, &w.refs[PAGE], &page) ||
	    pades_sign(q->with, "", 0, pool, &trial, &w.room, e))
		return -1;
	w.room += SPARE;
	for (int i = SIGNATURE; i < WRITTEN; i++)
		w.refs[i].number = (uint32_t)next++;
	str_reserve(&w.out, q->size + 4 * w.room + 4096);
	str_add_n(&w.out, q->pdf, q->size);
	if (w.out.s[w.out.len - 1] != '\n')
		str_add_c(&w.out, '\n');
	if (write_catalogue(&p, &w, catalogue) || write_page(&p, &w, page))
		return -1;
	write_signature(&w, q);
	write_field(&w);
	write_end(&p, &w);
	if (fill(&p, &w, q->with))
		return -1;
	*out = (unsigned char *)w.out.s;
	*n = w.out.len;
	return 0;
}
