#include "form.h"

#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(char c)
{
	return c >= 'A' && c <= 'Z';
}

static bool is_alnum(char c)
{
	return is_digit(c) || is_upper(c) || (c >= 'a' && c <= 'z');
}

/* `count` digits and nothing more. */
static bool digits(const char *text, size_t count)
{
	return strspn(text, "0123456789") == count && !text[count];
}

static int number(const char *text, size_t count)
{
	int n = 0;
	for (size_t i = 0; i < count; i++)
		n = n * 10 + (text[i] - '0');
	return n;
}

bool rule_luhn(const char *text)
{
	size_t n = strlen(text);
	if (!n || !digits(text, n))
		return false;
	int sum = 0;
	for (size_t i = 0; i < n; i++) {
		int d = text[n - 1 - i] - '0';
		if (i % 2)
			d = d * 2 > 9 ? d * 2 - 9 : d * 2;
		sum += d;
	}
	return sum % 10 == 0;
}

bool rule_rpps(const char *text)
{
	return digits(text, 11) && rule_luhn(text);
}

/*
 * Sex, year, month, département, commune, order, key = 97 - the first 13 mod 97, with 2A read 19 and 2B read 18.
 * Months 20 to 42 and 50 to 99 stand for birth records that do not say the month. Sexes 3, 4, 7 and 8 are provisional.
 */
bool rule_nir(const char *text)
{
	if (strlen(text) != 15 || !strchr("123478", text[0]))
		return false;
	bool corsica = text[5] == '2' && (text[6] == 'A' || text[6] == 'B');
	int64_t n = 0;
	for (size_t i = 0; i < 15; i++) {
		char c = text[i];
		if (i == 6 && corsica)
			c = text[6] == 'A' ? '9' : '8';
		else if (i == 5 && corsica)
			c = '1';
		if (!is_digit(c))
			return false;
		if (i < 13)
			n = n * 10 + (c - '0');
	}
	int month = number(text + 3, 2);
	if (month == 0 || (month > 12 && month < 20) || (month > 42 && month < 50))
		return false;
	return (corsica || number(text + 5, 2) > 0) && 97 - n % 97 == number(text + 13, 2);
}

/* Lengths of the SEPA countries, from the IBAN registry; others may have 15 to 34. */
static const struct {
	char country[3];
	unsigned char length;
} iban_lengths[] = {
	{ "AD", 24 }, { "AT", 20 }, { "BE", 16 }, { "BG", 22 }, { "CH", 21 }, { "CY", 28 }, { "CZ", 24 }, { "DE", 22 },
	{ "DK", 18 }, { "EE", 20 }, { "ES", 24 }, { "FI", 18 }, { "FR", 27 }, { "GB", 22 }, { "GI", 23 }, { "GR", 27 },
	{ "HR", 21 }, { "HU", 28 }, { "IE", 22 }, { "IS", 26 }, { "IT", 27 }, { "LI", 21 }, { "LT", 20 }, { "LU", 20 },
	{ "LV", 21 }, { "MC", 27 }, { "MT", 31 }, { "NL", 18 }, { "NO", 15 }, { "PL", 28 }, { "PT", 25 }, { "RO", 24 },
	{ "SE", 24 }, { "SI", 19 }, { "SK", 24 }, { "SM", 27 }, { "VA", 22 },
};

bool rule_iban(const char *text)
{
	size_t n = strlen(text);
	if (n < 15 || n > 34 || !is_upper(text[0]) || !is_upper(text[1]) || !is_digit(text[2]) || !is_digit(text[3]))
		return false;
	for (size_t i = 0; i < COUNT(iban_lengths); i++)
		if (!strncmp(text, iban_lengths[i].country, 2) && n != iban_lengths[i].length)
			return false;
	/* 00, 01 and 99 also leave 1, but no bank makes them. */
	int check = number(text + 2, 2);
	if (check < 2 || check > 98)
		return false;
	int rest = 0;
	for (size_t i = 0; i < n; i++) {
		char c = text[(i + 4) % n];
		if (is_digit(c))
			rest = (rest * 10 + (c - '0')) % 97;
		else if (is_upper(c))
			rest = (rest * 100 + (c - 'A' + 10)) % 97;
		else
			return false;
	}
	return rest == 1;
}

bool rule_bic(const char *text)
{
	size_t n = strlen(text);
	if (n != 8 && n != 11)
		return false;
	for (size_t i = 0; i < n; i++)
		if (!is_upper(text[i]) && (i < 6 || !is_digit(text[i])))
			return false;
	return true;
}

/* The post offices share one SIREN and more places than Luhn keys allow: their digits add up to a multiple of 5. */
bool rule_siret(const char *text)
{
	if (!digits(text, 14))
		return false;
	if (rule_luhn(text))
		return true;
	int sum = 0;
	for (size_t i = 0; i < 14; i++)
		sum += text[i] - '0';
	return !strncmp(text, "356000000", 9) && sum % 5 == 0;
}

/* A host name with a dot: labels of letters, digits and inner hyphens; bytes above 127 only where `wide`. */
static bool is_host(const char *text, size_t n, bool wide)
{
	size_t label = 0, dots = 0;
	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		if (c == '.') {
			if (!label || text[i - 1] == '-')
				return false;
			dots++;
			label = 0;
			continue;
		}
		if (!is_alnum(c) && !(c == '-' && label) && !(wide && (unsigned char)c > 127))
			return false;
		if (++label > 63)
			return false;
	}
	return dots && label && text[n - 1] != '-' && n <= 253;
}

bool rule_email(const char *text)
{
	size_t n = strlen(text);
	const char *at = strchr(text, '@');
	if (n > 254 || !at || at == text || at - text > 64)
		return false;
	for (const char *p = text; p < at; p++) {
		if (!is_alnum(*p) && !strchr("!#$%&'*+-/=?^_`{|}~.", *p))
			return false;
		if (*p == '.' && (p == text || p + 1 == at || p[1] == '.'))
			return false;
	}
	return is_host(at + 1, strlen(at + 1), false);
}

bool rule_url(const char *text)
{
	size_t n = strlen(text), start = strncmp(text, "https://", 8) ? 7 : 8;
	if (n > 300 || (start == 7 && strncmp(text, "http://", 7)))
		return false;
	for (size_t i = 0; i < n; i++)
		if ((unsigned char)text[i] <= ' ' || text[i] == 127 || strchr("\"<>\\^`{|}", text[i]))
			return false;
	const char *host = text + start;
	size_t len = strcspn(host, "/?#"), name = 0;
	while (name < len && host[name] != ':')
		name++;
	if (memchr(host, '@', len) || !is_host(host, name, true))
		return false;
	if (name == len)
		return true;
	size_t port = len - name - 1;
	return port >= 1 && port <= 5 && strspn(host + name + 1, "0123456789") == port &&
	       number(host + name + 1, port) <= 65535;
}

bool rule_phone(const char *text)
{
	if (text[0] == '+') {
		size_t n = strlen(text + 1);
		return n >= 8 && n <= 15 && digits(text + 1, n) && text[1] != '0';
	}
	return digits(text, 10) && text[0] == '0' && text[1] != '0';
}

/* Overseas départements were written 9A to 9F, Corsica 2A and 2B. */
bool rule_adeli(const char *text)
{
	return strlen(text) == 9 && is_digit(text[0]) && (is_digit(text[1]) || (text[1] >= 'A' && text[1] <= 'F')) &&
	       digits(text + 2, 7);
}

bool rule_postcode(const char *text)
{
	return digits(text, 5) && strncmp(text, "00", 2);
}

bool rule_commune(const char *text)
{
	if (!strncmp(text, "2A", 2) || !strncmp(text, "2B", 2))
		return digits(text + 2, 3);
	return digits(text, 5) && strncmp(text, "00", 2);
}

/* ---- passwords that are tried first ---- */

static int distinct(const char *text)
{
	bool seen[256] = { false };
	int n = 0;

	for (; *text; text++) {
		n += !seen[(unsigned char)*text];
		seen[(unsigned char)*text] = true;
	}
	return n;
}

/* "abcabcabcabc": its beginning, again and again. */
static bool repeats(const char *text, size_t n)
{
	for (size_t period = 1; period <= n / 2; period++)
		if (!memcmp(text, text + period, n - period))
			return true;
	return false;
}

/* Neighbours on a keyboard, in the alphabet or among digits, most of the way. */
static bool is_row(const char *text, size_t n)
{
	static const char rows[] =
		"abcdefghijklmnopqrstuvwxyz 01234567890 azertyuiopqsdfghjklmwxcvbn qwertyuiopasdfghjklzxcvbnm";
	size_t along = 0;

	for (size_t i = 0; i + 1 < n; i++)
		for (const char *at = rows; (at = strchr(at, text[i])); at++)
			if (text[i] != ' ' && (at[1] == text[i + 1] || (at > rows && at[-1] == text[i + 1]))) {
				along++;
				break;
			}
	return along * 4 >= (n - 1) * 3;
}

/* Bytes of letters beyond ASCII are some too. */
static bool is_letter(char c)
{
	return (is_alnum(c) && !is_digit(c)) || (unsigned char)c >= 0x80;
}

/* One of these words with digits and signs around it. */
static bool is_word(const char *text, size_t n)
{
	static const char *const words[] = {
		"motdepasse",  "monmotdepasse", "password",      "mypassword",       "passe",          "psychologue",
		"psychologie", "psy",           "monsoutienpsy", "soutienpsy",       "administrateur", "administrator",
		"admin",       "bonjour",       "bienvenue",     "welcome",          "changeme",       "changemoi",
		"iloveyou",    "jetaime",       "doudou",        "marseille",        "football",       "princesse",
		"chouchou",    "letmein",       "superman",      "assurancemaladie", "ameli",
	};

	while (n && !is_letter(text[0]))
		text++, n--;
	while (n && !is_letter(text[n - 1]))
		n--;
	for (size_t i = 0; i < sizeof words / sizeof *words; i++)
		if (strlen(words[i]) == n && !memcmp(text, words[i], n))
			return true;
	return n == 0;
}

bool rule_password_common(const char *text)
{
	char plain[512];
	size_t n = 0;

	for (; n < sizeof plain - 1 && text[n]; n++)
		plain[n] = is_upper(text[n]) ? (char)(text[n] + 32) : text[n];
	plain[n] = 0;
	return distinct(plain) < 5 || repeats(plain, n) || is_row(plain, n) || is_word(plain, n);
}
