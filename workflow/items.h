/*
 * What a request for correction unlocks. An item names a field of the application ("experience", "diploma_kind",
 * "address_commune") or a kind of piece ("identity", "experience:experience[1]"); fields that only make sense together
 * unlock together.
 */
#ifndef WORKFLOW_ITEMS_H
#define WORKFLOW_ITEMS_H

#include <stdbool.h>
#include "../forms/values.h"

/* May this field (flat name) be changed because of an item on that field? */
bool item_unlocks_field(const char *item_field, const char *flat_name);
/* May a piece of this kind (and row) be replaced because of that item? */
bool item_unlocks_piece(const char *item_field, const char *item_piece, const char *kind, const char *for_row);
/* Did any field that the item unlocks change from one copy to the other? */
bool item_field_changed(const char *item_field, const struct values *before, const struct values *after);
/* The main field of a check, for the items that failed checks make; NULL: its pieces. */
const char *item_field_of_check(const char *check);

#endif
