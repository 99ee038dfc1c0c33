#include <string.h>
#include "../lib/test.h"
#include "../../forms/xml.h"
#include "../../server/base/str.h"
#include <libxml/c14n.h>
#include <libxml/parser.h>

static struct pool *p;
static struct err e;

static int setup(void **state)
{
	(void)state;
	p = pool_new();
	memset(&e, 0, sizeof e);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	pool_free(p);
	return 0;
}

static struct xml *read_text(const char *text)
{
	return xml_read(text, strlen(text), "x.xml", p, &e);
}

static void a_tree_keeps_names_attributes_texts_and_lines(void **state)
{
	(void)state;
	struct xml *x = read_text(
		"<a one=\"1\" two=\"&lt;2&gt;\">\n <!-- no --><b>  deux \n mots </b>\n<c/>&#233;<![CDATA[<d>]]></a>");
	assert_non_null(x);
	assert_string_equal(x->root->name, "a");
	assert_string_equal(xml_attribute(x->root, "two"), "<2>");
	assert_null(xml_attribute(x->root, "three"));
	assert_string_equal(x->root->text, "deux mots é<d>");
	const struct xml_node *b = x->root->first->next;
	while (!b->name)
		b = b->next;
	assert_string_equal(b->name, "b");
	assert_string_equal(b->text, "deux mots");
	assert_string_equal(b->first->text, "  deux \n mots ");
	assert_int_equal(b->line, 2);
}

static void bad_xml_is_told_with_file_and_line(void **state)
{
	(void)state;
	assert_null(read_text("<a>\n<b>\n</a>"));
	assert_int_equal(e.kind, ERR_INPUT);
	assert_true(str_starts(e.detail, "x.xml:3: "));
	assert_null(read_text(""));
	assert_null(read_text("<a/><b/>"));
	assert_null(read_text("<a>&nothing;</a>"));
}

static void entities_and_dtds_are_refused(void **state)
{
	(void)state;
	static const char *const bad[] = {
		"<!DOCTYPE a><a/>",
		"<!DOCTYPE a [<!ENTITY x SYSTEM \"file:///etc/passwd\">]><a>&x;</a>",
		"<!DOCTYPE a SYSTEM \"http://127.0.0.1:9/x.dtd\"><a/>",
		"<!DOCTYPE a [<!ENTITY a \"aaaa\"><!ENTITY b \"&a;&a;&a;\">]><a>&b;</a>",
	};
	for (size_t i = 0; i < COUNT(bad); i++) {
		memset(&e, 0, sizeof e);
		assert_null(read_text(bad[i]));
		assert_non_null(strstr(e.detail, "no DTD here"));
	}
}

static void depth_and_size_have_limits(void **state)
{
	(void)state;
	struct str s = str_in(p);
	for (int i = 0; i < 64; i++)
		str_add(&s, "<a>");
	for (int i = 0; i < 64; i++)
		str_add(&s, "</a>");
	assert_non_null(read_text(s.s));
	assert_null(read_text(pool_printf(p, "<a>%s</a>", s.s)));
	assert_non_null(strstr(e.detail, "more than 64 levels"));
	str_clear(&s);
	for (int i = 0; i < 20000; i++)
		str_add(&s, "<a>");
	assert_null(read_text(s.s));

	size_t n = (8u << 20) + 1;
	char *big = pool_alloc(p, n + 1);
	memset(big, ' ', n);
	memcpy(big, "<a>", 3);
	memcpy(big + n - 4, "</a>", 4);
	assert_null(xml_read(big, n, "x.xml", p, &e));
	assert_non_null(strstr(e.detail, "8 MiB"));
}

static void zeros_and_bad_utf8_are_refused(void **state)
{
	(void)state;
	assert_null(xml_read("<a>\0</a>", 8, "x.xml", p, &e));
	assert_null(xml_read("\0\0\0\0", 4, "x.xml", p, &e));
	assert_null(xml_read("<a>\xC3</a>", 8, "x.xml", p, &e));
	assert_null(xml_read("<a>\xED\xA0\x80</a>", 10, "x.xml", p, &e));
	assert_null(xml_read("<a>\x01</a>", 8, "x.xml", p, &e));
	assert_int_equal(e.kind, ERR_INPUT);
}

static const char schema[] = "<element name=\"a\" xmlns=\"http://relaxng.org/ns/structure/1.0\">"
			     "<oneOrMore><element name=\"b\"><attribute name=\"id\"/></element></oneOrMore></element>";

static void a_schema_is_obeyed(void **state)
{
	(void)state;
	static const char good[] = "<a>\n<b id=\"1\"/>\n</a>", bad[] = "<a>\n<b id=\"1\"/>\n<b/>\n</a>";
	struct xml *x = xml_read_valid(good, strlen(good), "x.xml", schema, strlen(schema), "s.rng", p, &e);
	assert_non_null(x);
	assert_string_equal(x->root->name, "a");
	assert_null(xml_read_valid(bad, strlen(bad), "x.xml", schema, strlen(schema), "s.rng", p, &e));
	assert_true(str_starts(e.detail, "x.xml:3: "));
	assert_null(xml_read_valid(good, strlen(good), "x.xml", "<nothing/>", 10, "s.rng", p, &e));
	assert_true(str_starts(e.detail, "s.rng:"));
}

static char *frozen(const struct values *v, size_t *n)
{
	char *out;
	assert_int_equal(xml_from_values(v, "application", p, &out, n, &e), 0);
	return out;
}

static void answers_freeze_to_the_same_bytes_in_any_order(void **state)
{
	(void)state;
	struct values v = values_in(p), w = values_in(p);
	values_add(&v, "b", "2");
	values_add(&v, "public[]", "adults");
	values_add(&v, "a", "1");
	values_add(&v, "public[]", "teens");
	values_add(&w, "public[]", "adults");
	values_add(&w, "public[]", "teens");
	values_add(&w, "a", "1");
	values_add(&w, "b", "2");
	size_t n, m;
	assert_string_equal(frozen(&v, &n), frozen(&w, &m));
	assert_int_equal(n, m);
	assert_string_equal(frozen(&v, &n), "<answers form=\"application\"><a n=\"a\">1</a><a n=\"b\">2</a>"
					    "<a n=\"public[]\">adults</a><a n=\"public[]\">teens</a></answers>");
}

static void frozen_answers_are_canonical_xml(void **state)
{
	(void)state;
	struct values v = values_in(p);
	values_add(&v, "tricky\"<&>\t\n\rname", "a\r\nb\tc <tag attr=\"x\"> & ]]> 'é' \xF0\x9F\x99\x82");
	values_add(&v, "empty", "");
	size_t n;
	char *ours = frozen(&v, &n);
	xmlDocPtr doc = xmlReadMemory(ours, (int)n, "ours", NULL, XML_PARSE_NONET);
	assert_non_null(doc);
	xmlChar *theirs = NULL;
	int length = xmlC14NDocDumpMemory(doc, NULL, XML_C14N_1_1, NULL, 1, &theirs);
	assert_int_equal(length, n);
	assert_memory_equal(ours, theirs, n);
	xmlFree(theirs);
	xmlFreeDoc(doc);
}

static void frozen_answers_come_back_whole(void **state)
{
	(void)state;
	struct values v = values_in(p), back = values_in(p);
	char *lengthy = pool_alloc(p, 10001);
	memset(lengthy, '<', 10000);
	values_add(&v, "a", "  spaces \r\n\t kept & <b> ]]> ");
	values_add(&v, "b", lengthy);
	values_add(&v, "c", "");
	values_add(&v, "d&<\"'>", "names too");
	for (int i = 0; i < 120; i++)
		values_add(&v, pool_printf(p, "row[%d].x", i), "é");
	size_t n;
	char *bytes = frozen(&v, &n);
	assert_int_equal(xml_to_values(bytes, n, &back, &e), 0);
	assert_int_equal(back.count, v.count);
	for (size_t i = 0; i < v.count; i++)
		assert_string_equal(values_get(&back, v.items[i].name), v.items[i].text);
}

static void what_xml_cannot_write_is_refused(void **state)
{
	(void)state;
	static const char *const bad[] = { "\x01", "\x1F", "\xC3", "\xEF\xBF\xBE", "\xED\xA0\x80" };
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct values v = values_in(p);
		char *out;
		size_t n;
		values_add(&v, "a", bad[i]);
		assert_int_equal(xml_from_values(&v, "f", p, &out, &n, &e), -1);
		assert_string_equal(e.text, "xml.characters");
	}
}

static void what_is_not_answers_is_refused_and_not_quoted(void **state)
{
	(void)state;
	static const char *const bad[] = { "",
					   "<answers/>",
					   "<other form=\"f\"/>",
					   "<answers form=\"f\"><b n=\"a\">1</b></answers>",
					   "<answers form=\"f\"><a>1</a></answers>",
					   "<answers form=\"f\"><a n=\"a\"><SECRET/></a></answers>",
					   "<answers form=\"f\">SECRET</answers>",
					   "<answers form=\"f\"><SECRET></answers>" };
	for (size_t i = 0; i < COUNT(bad); i++) {
		struct values v = values_in(p);
		assert_int_equal(xml_to_values(bad[i], strlen(bad[i]), &v, &e), -1);
		assert_int_equal(v.count, 0);
		assert_null(strstr(e.detail, "SECRET"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_tree_keeps_names_attributes_texts_and_lines, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_xml_is_told_with_file_and_line, setup, teardown),
		cmocka_unit_test_setup_teardown(entities_and_dtds_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(depth_and_size_have_limits, setup, teardown),
		cmocka_unit_test_setup_teardown(zeros_and_bad_utf8_are_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(a_schema_is_obeyed, setup, teardown),
		cmocka_unit_test_setup_teardown(answers_freeze_to_the_same_bytes_in_any_order, setup, teardown),
		cmocka_unit_test_setup_teardown(frozen_answers_are_canonical_xml, setup, teardown),
		cmocka_unit_test_setup_teardown(frozen_answers_come_back_whole, setup, teardown),
		cmocka_unit_test_setup_teardown(what_xml_cannot_write_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_answers_is_refused_and_not_quoted, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
