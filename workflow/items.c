#include "items.h"

#include <string.h>

#include "../server/base/err.h"
#include "../server/base/str.h"

/* Fields that are corrected together, and the pieces that prove them. The first name is the family's main field. */
static const struct {
	const char *fields[16];
	const char *pieces[4];
} families[] = {
	{ { "last_name", "first_name", "birth_date", "name_note" }, { "identity" } },
	{ { "rpps", "adeli" }, { NULL } },
	{ { "practice_mode", "employer_name", "employer_siret", "employer_email" }, { NULL } },
	{ { "address_commune", "address_street", "address_extra", "address_postcode" }, { NULL } },
	{ { "address2_commune", "address2_street", "address2_extra", "address2_postcode" }, { NULL } },
	{ { "diploma_kind", "diploma_date", "diploma_place" },
	  { "diploma", "diploma_extra", "foreign_authorisation" } },
	{ { "experience" }, { "experience" } },
	{ { "nir" }, { "rights" } },
	{ { "iban", "bic", "iban_holder" }, { "rib" } },
};

static const struct {
	const char *check, *field;
} check_fields[] = {
	{ "rpps", "rpps" },
	{ "identity", "last_name" },
	{ "ars", "address_commune" },
	{ "diploma", "diploma_kind" },
	{ "experience", "experience" },
	{ "duplicate", "rpps" },
	{ "address", "address_commune" },
};

/* "experience[3].from" and "public[]" belong to "experience" and "public". */
static bool same_field(const char *name, const char *flat_name)
{
	size_t n = strlen(name);

	return !strncmp(name, flat_name, n) && (!flat_name[n] || flat_name[n] == '[' || flat_name[n] == '.');
}

static long family_of(const char *field)
{
	for (size_t i = 0; i < COUNT(families); i++)
		for (size_t k = 0; k < COUNT(families[i].fields) && families[i].fields[k]; k++)
			if (same_field(families[i].fields[k], field))
				return (long)i;
	return -1;
}

bool item_unlocks_field(const char *item_field, const char *flat_name)
{
	long family;

	if (!item_field || !*item_field)
		return false;
	family = family_of(item_field);
	if (family < 0)
		return same_field(item_field, flat_name) || same_field(flat_name, item_field);
	return family_of(flat_name) == family;
}

bool item_unlocks_piece(const char *item_field, const char *item_piece, const char *kind, const char *for_row)
{
	if (item_piece && *item_piece) {
		const char *colon = strchr(item_piece, ':');
		size_t n = colon ? (size_t)(colon - item_piece) : strlen(item_piece);

		if (strlen(kind) != n || strncmp(kind, item_piece, n) != 0)
			return false;
		return !colon || str_eq(colon + 1, for_row);
	}
	if (item_field && *item_field) {
		long family = family_of(item_field);

		if (family >= 0)
			for (size_t k = 0; k < COUNT(families[0].pieces) && families[family].pieces[k]; k++)
				if (str_eq(families[family].pieces[k], kind))
					return true;
	}
	return false;
}

/* Names and texts of one family, in the order of the copy: equal sequences are equal answers. */
static bool family_equal(const char *item_field, const struct values *a, const struct values *b)
{
	size_t i = 0, k = 0;

	for (;;) {
		while (i < a->count && (!item_unlocks_field(item_field, a->items[i].name) || !*a->items[i].text))
			i++;
		while (k < b->count && (!item_unlocks_field(item_field, b->items[k].name) || !*b->items[k].text))
			k++;
		if (i == a->count || k == b->count)
			return i == a->count && k == b->count;
		if (!str_eq(a->items[i].name, b->items[k].name) || !str_eq(a->items[i].text, b->items[k].text))
			return false;
		i++;
		k++;
	}
}

bool item_field_changed(const char *item_field, const struct values *before, const struct values *after)
{
	return item_field && *item_field && !family_equal(item_field, before, after);
}

const char *item_field_of_check(const char *check)
{
	for (size_t i = 0; i < COUNT(check_fields); i++)
		if (str_eq(check_fields[i].check, check))
			return check_fields[i].field;
	return NULL;
}
