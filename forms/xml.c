#include "xml.h"

#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <libxml/relaxng.h>
#include <libxml/tree.h>
#include "../server/base/str.h"

#define BYTES_MAX (8u << 20)
#define DEPTH_MAX 64

/* The first thing found wrong; later ones are usually its echo. */
struct finding {
	bool found;
	int line, code;
	char text[120];
};

static void find(struct finding *f, int line, int code, const char *text)
{
	if (f->found)
		return;
	f->found = true;
	f->line = line;
	f->code = code;
	snprintf(f->text, sizeof f->text, "%s", text ? text : "");
	f->text[strcspn(f->text, "\n")] = 0;
}

static void on_error(void *user, xmlErrorPtr error)
{
	if (error && error->level >= XML_ERR_ERROR)
		find(user, error->line, error->code, error->message);
}

static int bad(struct err *e, const char *file, int line, const char *text)
{
	fail(e, ERR_INPUT, "xml.bad");
	snprintf(e->detail, sizeof e->detail, "%s:%d: %s", file, line, text);
	return -1;
}

/* A DTD is where entities, and files of this machine, would come from. */
static void refuse_dtd(void *user, const xmlChar *name, const xmlChar *external, const xmlChar *system_id)
{
	(void)name, (void)external, (void)system_id;
	xmlParserCtxtPtr parser = user;
	find(parser->_private, parser->input ? parser->input->line : 0, XML_ERR_DOCUMENT_START, "no DTD here");
	xmlStopParser(parser);
}

static void no_word(void *user, const char *format, ...)
{
	(void)user, (void)format;
}

/* NULL: too long. `user` begins with the finding. */
static xmlParserCtxtPtr parser_new(size_t n, struct finding *user)
{
	if (n > BYTES_MAX) {
		find(user, 0, XML_ERR_INTERNAL_ERROR, "more than 8 MiB");
		return NULL;
	}
	xmlParserCtxtPtr parser = xmlNewParserCtxt();
	if (!parser)
		abort();
	parser->_private = user;
	return parser;
}

/* True when it was good; else the finding is there. */
static bool parser_end(xmlParserCtxtPtr parser)
{
	struct finding *f = parser->_private;
	bool good = parser->wellFormed && !f->found;
	const xmlError *last = xmlCtxtGetLastError(parser);
	if (!good)
		find(f, last ? last->line : 0, last ? last->code : 0, last && last->message ? last->message : "empty");
	xmlFreeParserCtxt(parser);
	return good;
}

static xmlDocPtr parse(const void *bytes, size_t n, const char *file, struct finding *f)
{
	xmlParserCtxtPtr parser = parser_new(n, f);
	if (!parser)
		return NULL;
	parser->sax->internalSubset = refuse_dtd;
	parser->sax->serror = NULL;
	parser->sax->error = no_word;
	parser->sax->warning = no_word;
	xmlDocPtr doc = xmlCtxtReadMemory(parser, n ? bytes : "", (int)n, file, NULL,
					  XML_PARSE_NONET | XML_PARSE_NOCDATA | XML_PARSE_BIG_LINES |
						  XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	if (!parser_end(parser) || !doc) {
		find(f, 0, 0, "empty");
		xmlFreeDoc(doc);
		doc = NULL;
	}
	return doc;
}

static const char *full_name(struct pool *pool, const xmlNs *ns, const xmlChar *name)
{
	if (ns && ns->prefix)
		return pool_printf(pool, "%s:%s", (const char *)ns->prefix, (const char *)name);
	return pool_strdup(pool, (const char *)name);
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void add_collapsed(struct str *s, const char *text)
{
	for (; *text; text++) {
		if (!is_space(*text))
			str_add_c(s, *text);
		else if (s->len && s->s[s->len - 1] != ' ')
			str_add_c(s, ' ');
	}
}

static void gather(const struct xml_node *node, struct str *s)
{
	for (const struct xml_node *c = node->first; c; c = c->next) {
		if (c->name)
			gather(c, s);
		else
			add_collapsed(s, c->text);
	}
}

/* NULL: too deep. */
static struct xml_node *copy(const xmlNode *from, int depth, struct pool *pool)
{
	if (depth > DEPTH_MAX)
		return NULL;
	struct xml_node *to = POOL_NEW(pool, struct xml_node);
	to->name = full_name(pool, from->ns, from->name);
	to->line = xmlGetLineNo(from);

	struct xml_attribute **attribute = &to->attributes;
	for (const xmlAttr *a = from->properties; a; a = a->next) {
		*attribute = POOL_NEW(pool, struct xml_attribute);
		(*attribute)->name = full_name(pool, a->ns, a->name);
		xmlChar *value = xmlNodeListGetString(from->doc, a->children, 1);
		(*attribute)->value = pool_strdup(pool, value ? (const char *)value : "");
		xmlFree(value);
		attribute = &(*attribute)->next;
	}

	struct xml_node **child = &to->first;
	for (const xmlNode *c = from->children; c; c = c->next) {
		if (c->type == XML_ELEMENT_NODE) {
			*child = copy(c, depth + 1, pool);
			if (!*child)
				return NULL;
		} else if (c->type == XML_TEXT_NODE && c->content) {
			*child = POOL_NEW(pool, struct xml_node);
			(*child)->text = pool_strdup(pool, (const char *)c->content);
			(*child)->line = xmlGetLineNo(c);
		} else {
			continue;
		}
		child = &(*child)->next;
	}

	struct str all = str_in(pool);
	gather(to, &all);
	if (all.len && all.s[all.len - 1] == ' ')
		all.s[--all.len] = 0;
	to->text = all.len ? all.s : "";
	return to;
}

static struct xml *copy_doc(xmlDocPtr doc, struct pool *pool)
{
	const xmlNode *root = xmlDocGetRootElement(doc);
	struct xml *x = POOL_NEW(pool, struct xml);
	x->root = root ? copy(root, 1, pool) : NULL;
	return x->root ? x : NULL;
}

struct xml *xml_read(const void *bytes, size_t n, const char *file, struct pool *pool, struct err *e)
{
	struct finding f = { 0 };
	xmlDocPtr doc = parse(bytes, n, file, &f);
	struct xml *x = doc ? copy_doc(doc, pool) : NULL;
	xmlFreeDoc(doc);
	if (!x)
		bad(e, file, f.line, f.found ? f.text : "more than 64 levels");
	return x;
}

/* 0, or -1 with *e: the schema itself is ours, so a bad one is named by its own file. */
static int validate(xmlDocPtr doc, const char *file, const void *schema, size_t schema_n, const char *schema_file,
		    struct err *e)
{
	struct finding f = { 0 };
	xmlDocPtr rng = parse(schema, schema_n, schema_file, &f);
	xmlRelaxNGParserCtxtPtr parser = rng ? xmlRelaxNGNewDocParserCtxt(rng) : NULL;
	xmlRelaxNGPtr grammar = NULL;
	if (parser) {
		xmlRelaxNGSetParserStructuredErrors(parser, on_error, &f);
		grammar = xmlRelaxNGParse(parser);
		xmlRelaxNGFreeParserCtxt(parser);
	}
	xmlFreeDoc(rng);
	if (!grammar)
		return bad(e, schema_file, f.line, f.text);

	xmlRelaxNGValidCtxtPtr judge = xmlRelaxNGNewValidCtxt(grammar);
	if (!judge)
		abort();
	xmlRelaxNGSetValidStructuredErrors(judge, on_error, &f);
	int valid = xmlRelaxNGValidateDoc(judge, doc);
	xmlRelaxNGFreeValidCtxt(judge);
	xmlRelaxNGFree(grammar);
	return valid == 0 ? 0 : bad(e, file, f.line, f.found ? f.text : "not valid");
}

struct xml *xml_read_valid(const void *bytes, size_t n, const char *file, const void *schema, size_t schema_n,
			   const char *schema_file, struct pool *pool, struct err *e)
{
	struct finding f = { 0 };
	xmlDocPtr doc = parse(bytes, n, file, &f);
	if (!doc) {
		bad(e, file, f.line, f.text);
		return NULL;
	}
	/* The depth first: the validator recurses. */
	struct xml *x = copy_doc(doc, pool);
	if (!x)
		bad(e, file, 0, "more than 64 levels");
	else if (validate(doc, file, schema, schema_n, schema_file, e))
		x = NULL;
	xmlFreeDoc(doc);
	return x;
}

const char *xml_attribute(const struct xml_node *node, const char *name)
{
	for (const struct xml_attribute *a = node->attributes; a; a = a->next)
		if (!strcmp(a->name, name))
			return a->value;
	return NULL;
}

/* ---- the frozen copy ---- */

/* Written by hand so that no NIR stays in libxml2's memory; a test compares it with libxml2's own C14N 1.1. */
static void add_escaped(struct str *s, const char *text, bool attribute)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			str_add(s, "&amp;");
			break;
		case '<':
			str_add(s, "&lt;");
			break;
		case '\r':
			str_add(s, "&#xD;");
			break;
		case '>':
			str_add(s, attribute ? ">" : "&gt;");
			break;
		case '"':
			str_add(s, attribute ? "&quot;" : "\"");
			break;
		case '\t':
			str_add(s, attribute ? "&#x9;" : "\t");
			break;
		case '\n':
			str_add(s, attribute ? "&#xA;" : "\n");
			break;
		default:
			str_add_c(s, *text);
		}
	}
}

/* XML 1.0 has no way to write most control characters, nor U+FFFE and U+FFFF. */
static bool is_xml(const char *text)
{
	if (!str_is_utf8(text, strlen(text)))
		return false;
	for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
		if (*p < 32 && *p != '\t' && *p != '\n' && *p != '\r')
			return false;
		if (p[0] == 0xEF && p[1] == 0xBF && p[2] >= 0xBE)
			return false;
	}
	return true;
}

struct place {
	const struct value *value;
	size_t rank;
};

static int by_name(const void *a, const void *b)
{
	const struct place *x = a, *y = b;
	int c = strcmp(x->value->name, y->value->name);
	return c ? c : (x->rank > y->rank) - (x->rank < y->rank);
}

int xml_from_values(const struct values *v, const char *form, struct pool *pool, char **out, size_t *out_len,
		    struct err *e)
{
	struct place *sorted = POOL_ARRAY(pool, struct place, v->count + 1);
	for (size_t i = 0; i < v->count; i++) {
		if (!is_xml(v->items[i].name) || !is_xml(v->items[i].text))
			return fail(e, ERR_INPUT, "xml.characters");
		sorted[i] = (struct place){ &v->items[i], i };
	}
	if (!is_xml(form))
		return fail(e, ERR_INPUT, "xml.characters");
	qsort(sorted, v->count, sizeof *sorted, by_name);

	struct str s = str_in(pool);
	str_add(&s, "<answers form=\"");
	add_escaped(&s, form, true);
	str_add(&s, "\">");
	for (size_t i = 0; i < v->count; i++) {
		str_add(&s, "<a n=\"");
		add_escaped(&s, sorted[i].value->name, true);
		str_add(&s, "\">");
		add_escaped(&s, sorted[i].value->text, false);
		str_add(&s, "</a>");
	}
	str_add(&s, "</answers>");
	*out = s.s;
	*out_len = s.len;
	return 0;
}

/* <answers form="…"><a n="…">text</a>…</answers>, taken as the parser meets it: no tree, no second copy of a NIR. */
struct reading {
	struct finding finding; /* first: the parser's */
	struct values *read;
	const char *name; /* of the answer it is in */
	struct str text;
	int depth;
};

static void refuse(xmlParserCtxtPtr parser, const char *why)
{
	find(parser->_private, xmlSAX2GetLineNumber(parser), 0, why);
	xmlStopParser(parser);
}

/* `n` attributes of five pointers each: name, prefix, namespace, begin and end of the value. */
static const char *attribute_of(const xmlChar **attributes, int n, const char *name, struct pool *pool)
{
	for (int i = 0; i < n; i++, attributes += 5)
		if (!attributes[1] && !strcmp((const char *)attributes[0], name))
			return pool_strndup(pool, (const char *)attributes[3], (size_t)(attributes[4] - attributes[3]));
	return NULL;
}

static void answer_begins(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri, int namespaces,
			  const xmlChar **declared, int n, int defaulted, const xmlChar **attributes)
{
	static const char *const elements[] = { "answers", "a" }, *const needed[] = { "form", "n" },
				 *const otherwise[] = { "not answers", "not an answer" };
	xmlParserCtxtPtr parser = user;
	struct reading *r = parser->_private;
	(void)uri, (void)namespaces, (void)declared, (void)defaulted;
	int at = r->depth++;
	if (at > 1) {
		refuse(parser, "an element inside an answer");
		return;
	}
	r->name = prefix || strcmp((const char *)name, elements[at])
			  ? NULL
			  : attribute_of(attributes, n, needed[at], r->read->pool);
	if (!r->name)
		refuse(parser, otherwise[at]);
	r->text = str_in(r->read->pool);
}

static void answer_goes_on(void *user, const xmlChar *text, int n)
{
	xmlParserCtxtPtr parser = user;
	struct reading *r = parser->_private;
	if (r->depth == 2)
		str_add_n(&r->text, (const char *)text, (size_t)n);
	for (int i = 0; r->depth == 1 && i < n; i++)
		if (!is_space((char)text[i])) {
			refuse(parser, "not an answer");
			return;
		}
}

static void answer_ends(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	xmlParserCtxtPtr parser = user;
	struct reading *r = parser->_private;
	(void)name, (void)prefix, (void)uri;
	if (r->depth-- == 2)
		values_add(r->read, r->name, r->text.len ? r->text.s : "");
}

int xml_to_values(const void *bytes, size_t n, struct values *out, struct err *e)
{
	struct values read = values_in(out->pool);
	struct reading r = { .read = &read };
	xmlParserCtxtPtr parser = parser_new(n, &r.finding);
	if (!parser)
		return bad(e, "answers", 0, r.finding.text);
	*parser->sax = (xmlSAXHandler){
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = refuse_dtd,
		.startElementNs = answer_begins,
		.endElementNs = answer_ends,
		.characters = answer_goes_on,
		.ignorableWhitespace = answer_goes_on,
		.error = no_word,
		.warning = no_word,
	};
	/* NOENT: &amp; and its kind in attributes. There is no DTD, so no other entity. */
	xmlDocPtr doc = xmlCtxtReadMemory(parser, n ? bytes : "", (int)n, "answers", NULL,
					  XML_PARSE_NONET | XML_PARSE_NOENT | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
	xmlFreeDoc(doc);
	if (!parser_end(parser)) {
		/* Not libxml2's words: they may quote an answer, and this goes to the log. */
		const char *why = r.finding.code ? pool_printf(out->pool, "error %d", r.finding.code) : r.finding.text;
		return bad(e, "answers", r.finding.line, why);
	}
	if (out->count)
		values_add_all(out, &read);
	else
		*out = read;
	return 0;
}
