#include "suppress.h"

/* The smallest shown part that is not 0, else -1: hiding a 0 would hide nothing from who guesses. */
static int choose(const struct suppress_node *nodes, size_t count, int parent)
{
	int best = -1;

	for (size_t i = (size_t)parent + 1; i < count; i++)
		if (nodes[i].parent == parent && !nodes[i].hidden && nodes[i].value > 0 &&
		    (best < 0 || nodes[i].value < nodes[best].value))
			best = (int)i;
	return best;
}

/* One node with parts; true when something more was hidden. */
static bool settle(struct suppress_node *nodes, size_t count, int at)
{
	size_t parts = 0, hidden = 0;
	int64_t sum = 0;
	int more;

	for (size_t i = (size_t)at + 1; i < count; i++)
		if (nodes[i].parent == at) {
			parts++;
			hidden += nodes[i].hidden;
			sum += nodes[i].hidden ? nodes[i].value : 0;
		}
	if (!parts)
		return false;
	if (nodes[at].hidden) {
		if (hidden)
			return false;
		more = choose(nodes, count, at);
		for (size_t i = (size_t)at + 1; more < 0 && i < count; i++)
			if (nodes[i].parent == at)
				more = (int)i;
		nodes[more].hidden = true;
		return true;
	}
	if (!hidden || (hidden > 1 && sum > (int64_t)hidden))
		return false;
	more = choose(nodes, count, at);
	nodes[more < 0 ? at : more].hidden = true;
	return true;
}

void suppress(struct suppress_node *nodes, size_t count)
{
	bool more = true;

	for (size_t i = 0; i < count; i++)
		if (nodes[i].value > 0 && nodes[i].value < SUPPRESS_BELOW)
			nodes[i].hidden = true;
	while (more) {
		more = false;
		for (size_t i = count; i-- > 0;)
			while (settle(nodes, count, (int)i))
				more = true;
	}
}
