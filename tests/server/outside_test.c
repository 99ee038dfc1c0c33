/* What the second registry and the address service say, read from their answers. */
#include "../lib/test.h"

#include "../../server/base/str.h"
#include "../../server/fhir.h"
#include "../../server/geocode.h"

static struct pool *pool;

static int start(void **state)
{
	(void)state;
	pool = pool_new();
	return 0;
}

static int stop(void **state)
{
	(void)state;
	pool_free(pool);
	return 0;
}

/* ---- FHIR ---- */

#define IDENTIFIER(system, value)                                                                     \
	"\"identifier\":[{\"system\":\"urn:oid:1.2\",\"value\":\"8" value "\"},{\"system\":\"" system \
	"\",\"value\":\"" value "\"}]"
#define RPPS IDENTIFIER("https://rpps.esante.gouv.fr", "10008744715")
#define ENTRY(inside) "{\"fullUrl\":\"x\",\"resource\":{\"resourceType\":\"Practitioner\"," inside "}}"
#define BUNDLE(entries) "{\"resourceType\":\"Bundle\",\"type\":\"searchset\",\"total\":1,\"entry\":[" entries "]}"

static void assert_said(const char *bundle, enum fhir said)
{
	if (fhir_read(bundle, "10008744715", pool) != said)
		fail_msg("%d: %s", (int)fhir_read(bundle, "10008744715", pool), bundle);
}

static void only_active_false_of_this_number_means_inactive(void **state)
{
	(void)state;
	assert_said(BUNDLE(ENTRY(RPPS ",\"active\":false")), FHIR_INACTIVE);
	assert_said(BUNDLE(ENTRY(RPPS ",\"active\":true")), FHIR_ACTIVE);
	assert_said(BUNDLE(ENTRY(RPPS ",\"qualification\":[{\"code\":{\"coding\":[{\"code\":\"93\"}]}}]")),
		    FHIR_ACTIVE);
	assert_said(BUNDLE(ENTRY(RPPS ",\"active\":false") "," ENTRY(RPPS ",\"active\":true")), FHIR_ACTIVE);
	/* another number, another system, another kind of thing */
	assert_said(BUNDLE(ENTRY(IDENTIFIER("https://rpps.esante.gouv.fr", "10008744716") ",\"active\":false")),
		    FHIR_UNKNOWN);
	assert_said(BUNDLE(ENTRY(IDENTIFIER("https://adeli.esante.gouv.fr", "10008744715") ",\"active\":false")),
		    FHIR_UNKNOWN);
	assert_said(BUNDLE("{\"resource\":{\"resourceType\":\"PractitionerRole\"," RPPS ",\"active\":false}}"),
		    FHIR_UNKNOWN);
	assert_said("{\"resourceType\":\"Bundle\",\"total\":0}", FHIR_UNKNOWN);
}

static void what_is_no_bundle_is_silence(void **state)
{
	static const char *const odd[] = { "",
					   "{",
					   "[]",
					   "null",
					   "{}",
					   "<html>",
					   "{\"resourceType\":\"OperationOutcome\"}",
					   "{\"resourceType\":[\"Bundle\"]}",
					   "\xFF\xFE" };
	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++)
		assert_said(odd[i], FHIR_SILENT);
	/* odd inside a bundle: nothing is said of this number */
	assert_said("{\"resourceType\":\"Bundle\",\"entry\":{}}", FHIR_UNKNOWN);
	assert_said(BUNDLE("1,null,[],{\"resource\":[]},{\"resource\":{\"resourceType\":\"Practitioner\","
			   "\"identifier\":7}}"),
		    FHIR_UNKNOWN);
}

/* ---- addresses ---- */

static const struct geocode_place lille = { .address = "12 rue des Essais",
					    .postcode = "59000",
					    .commune = "59350",
					    .commune_name = "Lille",
					    .located = true,
					    .lon = 3.0586,
					    .lat = 50.6330 };

#define POINT(lon, lat, type, code, score)                                                                           \
	"{\"type\":\"Feature\",\"geometry\":{\"type\":\"Point\",\"coordinates\":[" lon "," lat "]},\"properties\":{" \
	"\"type\":\"" type "\",\"citycode\":\"" code "\",\"score\":" score ",\"label\":\"x\"}}"
#define FOUND(features) "{\"type\":\"FeatureCollection\",\"features\":[" features "]}"

static const char *found(const struct geocode_place *p, const char *json, struct geocode_point *at)
{
	assert_int_equal(geocode_read(json, p, pool, at), 0);
	return at->precision ? at->precision : "";
}

static void coordinates_come_longitude_first(void **state)
{
	struct geocode_point at;
	(void)state;
	assert_string_equal(found(&lille, FOUND(POINT("3.0647", "50.6281", "housenumber", "59350", "0.97")), &at),
			    "housenumber");
	assert_true(at.lon > 3.064 && at.lon < 3.065 && at.lat > 50.628 && at.lat < 50.629);
	assert_string_equal(found(&lille, FOUND(POINT("3", "50.6281", "street", "59350", "1")), &at), "street");
}

static void the_commune_is_never_another_one(void **state)
{
	struct geocode_point at;
	(void)state;
	/* elsewhere first: the next one is looked at */
	assert_string_equal(found(&lille,
				  FOUND(POINT("3.1", "50.7", "housenumber", "59009",
					      "0.99") "," POINT("3.06", "50.63", "street", "59350", "0.8")),
				  &at),
			    "street");
	assert_true(at.lat < 50.64);
	assert_string_equal(found(&lille, FOUND(POINT("3.1", "50.7", "housenumber", "59009", "0.99")), &at), "");
	assert_string_equal(found(&lille, FOUND(""), &at), "");
	/* sure of itself, and on the other side of the earth */
	assert_string_equal(found(&lille, FOUND(POINT("50.63", "3.06", "housenumber", "59350", "0.99")), &at), "");
	assert_string_equal(found(&lille, FOUND(POINT("300", "50.6", "housenumber", "59350", "0.99")), &at), "");
	assert_string_equal(found(&lille, FOUND(POINT("\"a\"", "50.6", "housenumber", "59350", "0.99")), &at), "");
	/* the commune itself, or a guess: not better than what we have */
	assert_string_equal(found(&lille, FOUND(POINT("3.06", "50.63", "municipality", "59350", "0.99")), &at), "");
	assert_string_equal(found(&lille, FOUND(POINT("3.06", "50.63", "street", "59350", "0.31")), &at), "");
	/* an arrondissement is inside its city, and no other's */
	struct geocode_place paris = {
		.address = "x", .postcode = "75008", .commune = "75056", .commune_name = "Paris"
	};
	assert_string_equal(found(&paris, FOUND(POINT("2.31", "48.87", "street", "75108", "0.9")), &at), "street");
	assert_string_equal(found(&paris, FOUND(POINT("4.84", "45.75", "street", "69382", "0.9")), &at), "");
}

static void what_is_no_geojson_is_an_outage(void **state)
{
	static const char *const odd[] = { "", "{}", "[]", "<html>", "{\"features\":{}}" };
	struct geocode_point at;
	(void)state;
	for (size_t i = 0; i < COUNT(odd); i++)
		assert_int_equal(geocode_read(odd[i], &lille, pool, &at), -1);
	assert_string_equal(found(&lille, FOUND("1,null,{},[],{\"geometry\":3,\"properties\":[]}"), &at), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_active_false_of_this_number_means_inactive),
		cmocka_unit_test(what_is_no_bundle_is_silence),
		cmocka_unit_test(coordinates_come_longitude_first),
		cmocka_unit_test(the_commune_is_never_another_one),
		cmocka_unit_test(what_is_no_geojson_is_an_outage),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
