/*
 * The only door to libxml2: reading without network and without entities, RelaxNG, and canonical XML (C14N 1.1).
 *
 *	struct xml *x = xml_read(bytes, n, "server/text/fr.xml", pool, &e);    file:line in e->detail when it is bad
 *	for (const struct xml_node *n = x->root->first; n; n = n->next) …
 *
 * The tree is a plain copy in the pool: nothing of libxml2 outlives the call.
 */
#ifndef FORMS_XML_H
#define FORMS_XML_H

#include <stddef.h>
#include "values.h"

struct xml_attribute {
	const char *name, *value;
	struct xml_attribute *next;
};

struct xml_node {
	const char *name; /* NULL for a text */
	const char *text; /* of a text node; of an element, all text below it, trimmed and spaces collapsed */
	long line;
	struct xml_attribute *attributes;
	struct xml_node *first, *next;
};

struct xml {
	struct xml_node *root;
};

/* Limits: 8 MiB, depth 64, no DTD. ERR_INPUT with file:line in detail. */
struct xml *xml_read(const void *bytes, size_t n, const char *file, struct pool *pool, struct err *e);
/* The same, and valid for the RelaxNG schema given as text (its file name is for the messages). */
struct xml *xml_read_valid(const void *bytes, size_t n, const char *file, const void *schema, size_t schema_n,
			   const char *schema_file, struct pool *pool, struct err *e);
const char *xml_attribute(const struct xml_node *node, const char *name); /* or NULL */

/*
 * The frozen copy: <answers form="…"><a n="name">text</a>…</answers> in canonical XML, names sorted, so that the same
 * answers always give the same bytes. xml_to_values is its inverse.
 */
int xml_from_values(const struct values *v, const char *form, struct pool *pool, char **out, size_t *out_len,
		    struct err *e) MUST_USE;
int xml_to_values(const void *bytes, size_t n, struct values *out, struct err *e) MUST_USE;

#endif
