#include <string.h>
#include "../lib/test.h"
#include "../../forms/form.h"

static char long_local[80], long_mail[300], long_url[320], label64[90];

static void all(bool (*rule)(const char *), bool expected, const char *const *texts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (rule(texts[i]) != expected)
			fail_msg("\"%s\" is %s", texts[i], expected ? "refused" : "accepted");
	for (size_t i = 0; i < n; i++)
		assert_true(rule(texts[i]) == expected);
}

#define GOOD(RULE, ...)                                         \
	do {                                                    \
		static const char *const t[] = { __VA_ARGS__ }; \
		all(RULE, true, t, COUNT(t));                   \
	} while (0)
#define BAD(RULE, ...)                                          \
	do {                                                    \
		static const char *const t[] = { __VA_ARGS__ }; \
		all(RULE, false, t, COUNT(t));                  \
	} while (0)

static void luhn_keys_are_checked(void **state)
{
	(void)state;
	GOOD(rule_luhn, "0", "18", "79927398713", "10008744715", "00000000000");
	BAD(rule_luhn, "", "1", "79927398710", "10001234567", "1800a", " 18", "18 ");
}

static void rpps_numbers_have_eleven_digits_and_a_key(void **state)
{
	(void)state;
	GOOD(rule_rpps, "10008744715");
	BAD(rule_rpps, "", "1000874471", "100087447150", "10001234567", "1000874471A", "810008744715", "10008744715\n");
}

static void nirs_have_a_key_and_corsica_letters(void **state)
{
	(void)state;
	GOOD(rule_nir, "255081416802538", "185057800608491", "185052A00400181", "290122B03300224", "299129935012384",
	     "185207800608440", "385057800608488");
	/* wrong key, swapped 2A/2B, month 0, month 13, sex 5, département 00, wrong lengths, letters elsewhere */
	BAD(rule_nir, "", "255081416802539", "185052B00400181", "185007800608411", "185137800608425", "585057800608485",
	    "185050000608463", "25508141680253", "2550814168025380", "2550814168O2538", "255082C16802538",
	    "185052a00400181", "1850578 0060849", "-55081416802538");
}

static void ibans_have_a_key_and_their_countrys_length(void **state)
{
	(void)state;
	GOOD(rule_iban, "FR7630006000011234567890189", "BE68539007547034", "DE89370400440532013000",
	     "MC5811222000010123456789030", "SA0380000000608010167519");
	BAD(rule_iban, "", "FR76", "FR7630006000011234567890188", "FR763000600001123456789018",
	    "fr7630006000011234567890189", "FR76 3000 6000 0112 3456 7890 189", "7630006000011234567890189FR",
	    "BE6853900754703", "BE685390075470340", "FR7630006000O11234567890189",
	    "FR7630006000011234567890189000000000", "DE0037040044053201300\xC3");
	/* a key of 00 or 99 may leave 1 too, but is never issued */
	BAD(rule_iban, "SA0080000000608010167519", "SA9980000000608010167519", "SA0180000000608010167519");
}

static void bics_have_eight_or_eleven_characters(void **state)
{
	(void)state;
	GOOD(rule_bic, "AGRIFRPP", "AGRIFRPP882", "PSSTFRPPPAR", "CEPAFRPP133", "ABCDFR2L");
	BAD(rule_bic, "", "AGRIFRP", "AGRIFRPP8", "AGRIFRPP88", "AGRIFRPP8822", "agrifrpp", "AGR1FRPP", "AGRI12PP",
	    "AGRIFRP ");
}

static void sirets_have_a_key_except_post_offices(void **state)
{
	(void)state;
	GOOD(rule_siret, "73282932000074", "35600000000048", "35600000000010");
	BAD(rule_siret, "", "7328293200007", "732829320000740", "73282932000075", "7328293200007A", "35600000000011");
}

static void e_mail_addresses_are_complete(void **state)
{
	(void)state;
	GOOD(rule_email, "a@b.fr", "prenom.nom@exemple.fr", "a+b_c-d@sous.domaine.exemple.fr", "o'neil@x.org", "1@2.3");
	BAD(rule_email, "", "a", "@b.fr", "a@", "a@b", "a@@b.fr", "a@b@c.fr", "a b@c.fr", "a@b c.fr", "a@b..fr",
	    "a@.fr", "a@b.", ".a@b.fr", "a.@b.fr", "a..b@c.fr", "a@-b.fr", "a@b-.fr", "a@b.fr-", "a@b.fr\n",
	    "a\r\nBcc: x@b.fr", "<a@b.fr>", "a,b@c.fr", "\"a\"@b.fr", "é@b.fr", "a@é.fr", "a@b_c.fr");
	memset(long_local, 'a', 65);
	memcpy(long_local + 65, "@b.fr", 6);
	assert_false(rule_email(long_local));
	assert_true(rule_email(long_local + 1));
	memcpy(long_mail, "a@", 2);
	for (size_t i = 2; i < 255; i++)
		long_mail[i] = i % 50 ? 'a' : '.';
	assert_false(rule_email(long_mail));
	long_mail[254] = 0;
	assert_true(rule_email(long_mail));
	memset(label64, 'a', 66);
	memcpy(label64, "a@", 2);
	memcpy(label64 + 66, ".fr", 4);
	assert_false(rule_email(label64));
}

static void site_addresses_are_http_with_a_host(void **state)
{
	(void)state;
	GOOD(rule_url, "https://exemple.fr", "http://www.exemple.fr/", "https://a-b.exemple.fr:8443/x?y=z#t",
	     "https://psychologue-béziers.fr/équipe", "https://1.2.3.4/");
	BAD(rule_url, "", "exemple.fr", "ftp://exemple.fr", "javascript:alert(1)", "https://", "https://exemple",
	    "https://user@exemple.fr", "https://user:word@exemple.fr/", "https://exemple.fr:/",
	    "https://exemple.fr:99999", "https://exemple.fr:80a", "https://exemple.fr/a b", "https://exemple.fr/\"x",
	    "https://exemple.fr/<x>", "https://-exemple.fr", "https://exemple..fr", "https://exemple.fr\n",
	    "HTTPS://exemple.fr", "https://:80");
	memcpy(long_url, "https://exemple.fr/", 19);
	memset(long_url + 19, 'a', 282);
	assert_false(rule_url(long_url));
	long_url[300] = 0;
	assert_true(rule_url(long_url));
}

static void telephones_are_french_or_international(void **state)
{
	(void)state;
	GOOD(rule_phone, "0612345678", "0123456789", "+3222222222", "+12025550123", "+590690000000");
	BAD(rule_phone, "", "+", "061234567", "06123456789", "0012345678", "06 12 34 56 78", "+0612345678", "+1234567",
	    "+1234567890123456", "O612345678", "612345678", "06123456a8");
}

static void postcodes_communes_and_adeli_numbers_have_their_forms(void **state)
{
	(void)state;
	GOOD(rule_postcode, "59000", "01000", "20000", "97400");
	BAD(rule_postcode, "", "5900", "590000", "00100", "2A004", "5900O");
	GOOD(rule_commune, "59350", "2A004", "2B033", "97411", "01001");
	BAD(rule_commune, "", "5935", "593500", "2C004", "2a004", "00001", "2A0045", "A2004", "2A04");
	GOOD(rule_adeli, "599312345", "2A9312345", "9D9312345");
	BAD(rule_adeli, "", "59931234", "5993123456", "5G9312345", "A99312345", "59931234X", "2a9312345");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(luhn_keys_are_checked),
		cmocka_unit_test(rpps_numbers_have_eleven_digits_and_a_key),
		cmocka_unit_test(nirs_have_a_key_and_corsica_letters),
		cmocka_unit_test(ibans_have_a_key_and_their_countrys_length),
		cmocka_unit_test(bics_have_eight_or_eleven_characters),
		cmocka_unit_test(sirets_have_a_key_except_post_offices),
		cmocka_unit_test(e_mail_addresses_are_complete),
		cmocka_unit_test(site_addresses_are_http_with_a_host),
		cmocka_unit_test(telephones_are_french_or_international),
		cmocka_unit_test(postcodes_communes_and_adeli_numbers_have_their_forms),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
