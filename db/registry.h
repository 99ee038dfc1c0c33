/*
 * The service's own copy of the Annuaire Santé (domain.md §5): psychologists (93) and psychothérapeutes (72) out of the
 * open file "PS_LibreAcces_Personne_activite": UTF-8, '|' between columns, no quoting, one line an activity.
 *
 *	struct registry_counts n;
 *	if (registry_import(dsn, "PS_LibreAcces_….txt", false, progress, context, &n, &e)) …      the old copy stays
 *
 * Streams with fixed buffers, whatever the file's size. Columns are found by their names, whatever their number, order
 * and case. Broken lines are refused one by one and told with their numbers; a file cut short, empty, without a column
 * we need or without a single psychologist is refused whole. The new copy becomes current in the transaction that
 * brought it.
 */
#ifndef DB_REGISTRY_H
#define DB_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "../server/base/clock.h"
#include "../server/base/err.h"
#include "db.h"

enum { REGISTRY_TOLD = 100, REGISTRY_LINE_MOST = 32768 };

struct registry_counts {
	int64_t read, kept, refused; /* lines after the first */
	int64_t before;              /* lines of the copy it replaces */
	int64_t copy;
	day_t day; /* of the file, from its name; else the day of the import */
	struct {
		int64_t line;    /* the first line, that of the names, is 1 */
		const char *why; /* columns, utf8, rpps, too_long */
	} told[REGISTRY_TOLD];   /* the first ones refused */
};

/* From time to time: bytes of total, lines so far. */
typedef void registry_progress(void *context, int64_t bytes, int64_t total, int64_t lines);

/* Waits. Service's or owner's DSN. ERR_INPUT "registry.truncated", "registry.empty", "registry.header",
 * "registry.column" (arg: its name), "registry.no_psychologist"; ERR_MISSING "registry.file" when it cannot be opened.
 * "registry.shrunk": less than half of the copy in place, which a file cut at a line's end looks like; may_shrink takes
 * it. progress may be NULL. */
int registry_import(const char *dsn, const char *path, bool may_shrink, registry_progress *progress, void *context,
		    struct registry_counts *out, struct err *e) MUST_USE;

extern const struct statement registry_current;  /* no argument: copy, source_name, day, imported_at, lines_read,
						    lines_kept,  lines_refused, age_days; no row: never imported */
extern const struct statement registry_lines_of; /* $1 RPPS: its lines in the current copy, columns of registry_line */

/* ---- the reading of one line, pure: for the import and its fuzzer ---- */

enum registry_column {
	REGISTRY_RPPS,
	REGISTRY_LAST_NAME,
	REGISTRY_FIRST_NAME,
	REGISTRY_PROFESSION,
	REGISTRY_MODE,
	REGISTRY_COMMUNE,
	REGISTRY_DEPARTEMENT,
	REGISTRY_POSTCODE,
	REGISTRY_AUTHORITY,
	REGISTRY_STRUCTURE,
	REGISTRY_COLUMNS
};

struct registry_layout {
	int count; /* columns, without the empty one after a trailing separator */
	int last;  /* the highest place we need */
	int at[REGISTRY_COLUMNS];
	unsigned char what[256]; /* 1 + the column of ours at this place, 0: not needed */
	bool trailing;
};

struct registry_span {
	const char *p; /* into the line */
	size_t n;
};

enum registry_verdict { REGISTRY_SKIP, REGISTRY_KEEP, REGISTRY_REFUSE };

/* The line of names, without its end. */
int registry_read_header(const char *line, size_t n, struct registry_layout *out, struct err *e) MUST_USE;
/* Any other line, without its end. Fills fields when it keeps, *why when it refuses. */
enum registry_verdict registry_read_line(const struct registry_layout *l, const char *line, size_t n,
					 struct registry_span fields[REGISTRY_COLUMNS], const char **why);
/* Département of a line: its commune code, else its column, else its postcode. Writes at most 3 characters; "" unknown.
 */
void registry_departement(const struct registry_span fields[REGISTRY_COLUMNS], char out[4]);

#endif
