/*
 * The hourly root over the heads of all histories: a Merkle tree (RFC 6962 §2.1) whose leaves are "FILE:HASH" in the
 * order of files. Signed, so that a history whose tail was cut shows: its head is no longer under the root.
 */
#ifndef SERVER_CHAIN_H
#define SERVER_CHAIN_H

#include "base/clock.h"
#include "base/crypto.h"

struct chain_head {
	int64_t file;
	const char *hash; /* of the file's last event, hexadecimal */
};
/* Hexadecimal. */
char *chain_root(const struct chain_head *heads, size_t count, struct pool *pool);
/* What the signature covers; `at` in whole seconds. */
char *chain_signed(instant_t at, size_t files, const char *root, struct pool *pool);

#endif
