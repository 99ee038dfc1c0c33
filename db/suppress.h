/*
 * Which cells of a table that adds up are not published: those of 1 to 4, and what would let them be computed.
 *
 *	nodes[0] is the whole (parent -1); each parent stands before its parts; a node's value is the sum of its parts'
 *	suppress(nodes, n);      nodes[i].hidden tells; what was hidden before stays so
 *
 * After it, no hidden value follows from the others: under a shown node none or at least two parts are hidden (and they
 * are not all 1), and a hidden node with parts has a hidden one. So there is always a way from one hidden leaf to
 * another, or to a hidden whole, along which 1 can be moved without changing anything that is shown.
 */
#ifndef DB_SUPPRESS_H
#define DB_SUPPRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SUPPRESS_BELOW = 5 };

struct suppress_node {
	int parent;
	int64_t value;
	bool hidden;
};
void suppress(struct suppress_node *nodes, size_t count);

#endif
