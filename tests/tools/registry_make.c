/*
 * Writes an invented registry (Annuaire Santé, "PS_LibreAcces_Personne_activite") of any size: the same options give
 * the same bytes. Alone: cc -O2 -o build/registry_make tests/tools/registry_make.c
 *
 *	build/registry_make --lines 2400000 > build/registry.txt
 *
 *	--lines N      lines after the names (100000)
 *	--share N      psychologists, in thousandths (45, about what the real file holds)
 *	--seed N       (1)
 *	--columns N    56, or 52 as in older files, which then end with an extra separator
 *	--crlf         lines end with CRLF
 *	--bom          a byte-order mark first
 *	--broken N     every N-th line is broken, one way after the other (0: none)
 *	--header FILE  the real names (db/data/rpps_personne_activite_header.txt)
 *
 * Numbers pass Luhn; psychologists are in 99900xxxxxx, which no real person has.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static uint64_t state;

static uint64_t next(void)
{
	/* splitmix64 */
	uint64_t z = (state += 0x9E3779B97F4A7C15u);
	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
	return z ^ (z >> 31);
}

static unsigned below(unsigned n)
{
	return (unsigned)(next() % n);
}

/* Ten digits and their key. */
static void number(char out[12], uint64_t ten)
{
	int sum = 0;
	snprintf(out, 12, "%010llu0", (unsigned long long)(ten % 10000000000u));
	for (int i = 0; i < 10; i++) {
		int d = out[i] - '0';
		if (i % 2 == 1) { /* every second digit, counted from the key */
			d *= 2;
			if (d > 9)
				d -= 9;
		}
		sum += d;
	}
	out[10] = (char)('0' + (10 - sum % 10) % 10);
}

static const char *const last_names[] = { "EXEMPLE", "MARTIN-EXEMPLE", "LÉVÊQUE",   "DUPONT", "N’GUESSAN",
					  "LE GOFF", "D'ANGELO",       "BEN SALAH", "ÇELIK",  "MÜLLER",
					  "FICTIVE", "O'BRIEN",        "GARÇON",    "HÉBERT", "PÉREZ",
					  "NGUYEN",  "SAINT-YVES",     "CŒUR",      "ŁUKASZ", "INVENTÉE" };
static const char *const first_names[] = { "Camille",     "Jean-Noël", "Élodie", "Yao",  "Zoé",   "François",
					   "Anne Sophie", "Léa",       "Maël",   "Inès", "Chloé", "Björn",
					   "Aïcha",       "Hélène",    "Noé",    "Iris" };
static const struct {
	const char *code, *label;
} others[] = { { "10", "Médecin" },
	       { "21", "Pharmacien" },
	       { "40", "Chirurgien-Dentiste" },
	       { "50", "Sage-Femme" },
	       { "60", "Infirmier" },
	       { "70", "Masseur-Kinésithérapeute" },
	       { "80", "Pédicure-Podologue" },
	       { "91", "Orthophoniste" },
	       { "92", "Orthoptiste" },
	       { "94", "Ergothérapeute" } };
static const struct {
	const char *commune, *postcode, *label, *upper;
} places[] = { { "75111", "75011", "Paris 11e Arrondissement", "PARIS 11E ARRONDISSEMENT" },
	       { "59512", "59100", "Roubaix", "ROUBAIX" },
	       { "59350", "59000", "Lille", "LILLE" },
	       { "76351", "76600", "Le Havre", "LE HAVRE" },
	       { "97411", "97400", "Saint-Denis", "SAINT-DENIS" },
	       { "2A004", "20000", "Ajaccio", "AJACCIO" },
	       { "2B033", "20200", "Bastia", "BASTIA" },
	       { "69123", "69003", "Lyon", "LYON" },
	       { "13055", "13001", "Marseille", "MARSEILLE" },
	       { "35238", "35000", "Rennes", "RENNES" },
	       { "", "33000", "", "BORDEAUX" },
	       { "", "", "", "" } };

enum { MOST = 64 };

struct options {
	long lines, share, columns, broken;
	bool crlf, bom;
	const char *header;
};

static char *names[MOST];
static int name_count;
static int skipped[MOST]; /* columns that the older file lacks */

static void read_names(const struct options *o)
{
	static char text[8192];
	FILE *f = fopen(o->header, "r");
	if (!f || !fgets(text, sizeof text, f)) {
		fprintf(stderr, "cannot read the names in %s\n", o->header);
		exit(1);
	}
	fclose(f);
	text[strcspn(text, "\r\n")] = 0;
	for (char *p = text; p && *p && name_count < MOST;) {
		char *bar = strchr(p, '|');
		if (bar)
			*bar = 0;
		names[name_count++] = p;
		p = bar ? bar + 1 : NULL;
	}
	/* The older file has neither the civil title nor the roles and kinds of activity at the end. */
	for (int i = 0, left = name_count - (int)o->columns; i < name_count; i++)
		if (left > 0 && (strstr(names[i], "genre") || strstr(names[i], "rôle"))) {
			skipped[i] = 1;
			left--;
		}
}

int main(int argc, char **argv)
{
	struct options o = {
		.lines = 100000, .share = 45, .columns = 56, .header = "db/data/rpps_personne_activite_header.txt"
	};
	state = 1;
	for (int i = 1; i < argc; i++) {
		const char *value = i + 1 < argc ? argv[i + 1] : "";
		if (!strcmp(argv[i], "--crlf"))
			o.crlf = true;
		else if (!strcmp(argv[i], "--bom"))
			o.bom = true;
		else if (!strcmp(argv[i], "--lines"))
			o.lines = strtol(value, NULL, 10), i++;
		else if (!strcmp(argv[i], "--share"))
			o.share = strtol(value, NULL, 10), i++;
		else if (!strcmp(argv[i], "--seed"))
			state = strtoull(value, NULL, 10), i++;
		else if (!strcmp(argv[i], "--columns"))
			o.columns = strtol(value, NULL, 10), i++;
		else if (!strcmp(argv[i], "--broken"))
			o.broken = strtol(value, NULL, 10), i++;
		else if (!strcmp(argv[i], "--header"))
			o.header = value, i++;
		else {
			fprintf(stderr, "unknown option %s\n", argv[i]);
			return 2;
		}
	}
	static char buffer[1 << 20];
	setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
	read_names(&o);
	const char *end = o.crlf ? "\r\n" : "\n";
	if (o.bom)
		fputs("\xEF\xBB\xBF", stdout);
	for (int c = 0; c < name_count; c++)
		if (!skipped[c])
			printf("%s|", names[c]);
	fputs(end, stdout);

	char rpps[12] = "", national[16], street[16], structure[32], company[128], city[128];
	const char *last = "", *first = "", *code = "", *label = "";
	bool madam = false;
	unsigned people[2] = { 0, 0 };
	for (long line = 0, left = 0; line < o.lines; line++, left--) {
		if (left <= 0) {
			/* Another person, of one to three activities. */
			bool ours = below(1000) < (unsigned)o.share;
			unsigned kind = below(40);
			left = 1 + (long)(below(4) / 2);
			number(rpps, ours ? 9990000000u + people[0]++ % 100000 : 9990100000u + people[1]++ % 900000);
			last = last_names[below(COUNT(last_names))];
			first = first_names[below(COUNT(first_names))];
			madam = below(4) > 0;
			unsigned other = below(COUNT(others));
			code = !ours ? others[other].code : kind ? "93" : "72";
			label = !ours ? others[other].label : kind ? "Psychologue" : "Psychothérapeute";
		}
		unsigned place = below(COUNT(places)), liberal = below(3);
		snprintf(national, sizeof national, "8%s", rpps);
		snprintf(street, sizeof street, "%u", 1 + below(200));
		snprintf(structure, sizeof structure, "R%s%02u", rpps, below(100));
		snprintf(company, sizeof company, "CABINET %s %s %s", madam ? "MME" : "M", first, last);
		snprintf(city, sizeof city, "%s %s", places[place].postcode, places[place].upper);
		const char *v[MOST] = { 0 };
		v[0] = "8", v[1] = rpps, v[2] = national, v[5] = madam ? "MME" : "M",
		v[6] = madam ? "Madame" : "Monsieur";
		v[7] = last, v[8] = first, v[9] = code, v[10] = label, v[11] = "C", v[12] = "Civil";
		v[17] = liberal ? "L" : "S", v[18] = liberal ? "Libéral" : "Salarié", v[23] = structure,
		v[24] = company;
		v[28] = street, v[30] = "R", v[31] = "Rue", v[32] = "DES EXEMPLES", v[34] = city,
		v[35] = places[place].postcode;
		v[36] = places[place].commune, v[37] = places[place].label, v[47] = "ARS/ARS/ARS";
		v[48] = liberal ? "SA07" : "SA01",
		v[49] = liberal ? "Cabinet individuel" : "Etablissement Public de santé";
		v[54] = "GENR01", v[55] = "Activité de soin et de pharmacie";
		int broken = o.broken && (line + 1) % o.broken == 0 ? (int)((line + 1) / o.broken % 4) : -1;
		if (broken == 0)
			v[1] = "9990000001X";
		if (broken >= 0)
			v[9] = "93";
		if (broken == 1)
			v[7] = "MAL\xE9";
		if (broken == 3) {
			/* Longer than any line may be. */
			for (int i = 0; i < 40000; i++)
				putchar('x');
		}
		for (int c = 0; c < name_count; c++)
			if (!skipped[c] && !(broken == 2 && c == 20)) {
				if (v[c])
					fputs(v[c], stdout);
				putchar('|');
			}
		fputs(end, stdout);
	}
	return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
