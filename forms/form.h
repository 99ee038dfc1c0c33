/*
 * What is asked and what is acceptable. A form is an XML file of forms/definitions/ (checked against form.rng at
 * start); from it come the pages, the validation, the JSON face, the OpenAPI part and the summary.
 *
 *	if (forms_load(pool, &e)) …                               once, at start: file:line in e.detail
 *	const struct form *f = form_get("application");
 *	form_validate(f, &sent, today, FORM_SYNTAX, &kept, &problems);      saves a subset: what was sent is judged
 *	form_validate(f, &kept, today, FORM_COMPLETE, &kept2, &problems);   at submit: everything required is there
 *
 * It knows neither HTTP nor SQL. Rules that need the database (another live file, one proof piece per period) are not
 * here. Problems carry a code and a whole French sentence.
 */
#ifndef FORMS_FORM_H
#define FORMS_FORM_H

#include <stdbool.h>
#include <stddef.h>
#include "../server/base/clock.h"
#include "../server/base/err.h"
#include "../server/base/pool.h"
#include "values.h"

enum field_type {
	FIELD_TEXT,    /* one line, ≤ max characters (200 unless said) */
	FIELD_AREA,    /* several lines, ≤ max characters (4000 unless said) */
	FIELD_DATE,    /* YYYY-MM-DD; the page may send .day .month .year, or JJ/MM/AAAA */
	FIELD_CHOICE,  /* one of the options (radios, or a select when more than 8) */
	FIELD_CHOICES, /* some of the options: sent and kept as name[] */
	FIELD_TICK,    /* "true" or absent/"false" */
	FIELD_NUMBER,  /* decimal integer between min and max */
	FIELD_EMAIL,
	FIELD_PHONE,
	FIELD_URL,
	FIELD_NIR,      /* 15 characters with its key, spaces removed; Corsica's 2A, 2B; shown masked (domain.md §4) */
	FIELD_RPPS,     /* 11 digits, Luhn */
	FIELD_ADELI,    /* 9 characters */
	FIELD_IBAN,     /* ISO 13616, mod 97, spaces removed, upper case; shown masked */
	FIELD_BIC,      /* ISO 9362 */
	FIELD_SIRET,    /* 14 digits, Luhn (La Poste excepted) */
	FIELD_POSTCODE, /* 5 digits */
	FIELD_COMMUNE,  /* INSEE code: 5 characters, 2A/2B; existence is the database's business */
	FIELD_PASSWORD, /* 12 to 200 characters; a new one is not of those that are tried first (code "common") */
	FIELD_OBJECT,   /* accepts name or name.anything: checklist.rights, checklist.rights.waived, pieces.12.waived */
};

struct option {
	const char *value, *label, *hint;
};

/* The sentence of one problem of a field. {0} is what was typed's length, {label}, {min} and {max} the field's. */
struct said {
	const char *code, *text;
};

/* A condition: the other field has (or has not) one of these values. No condition: always asked. */
struct condition {
	const char *field; /* NULL: none */
	const char *const *values;
	size_t count;
	bool not ;
};

struct field {
	const char *name; /* inside a group: the part after the dot ("from"), else the whole name */
	enum field_type type;
	const char *label, *hint, *why, *article; /* French; article is the law's reference, may be NULL */
	const char *missing, *wrong; /* French sentences of its two problems; {0} = what was typed's length */
	const char *autocomplete;    /* HTML autocomplete token, or NULL */
	bool required, secret;       /* secret: sealed at rest, masked on every page (NIR, IBAN) */
	bool not_for_expert;         /* the national desk never sees it: NIR, bank (domain.md §2) */
	bool multiple;               /* several values without options: languages[] */
	int min, max;                /* characters, bounds of a number, or for a date what form.rng says */
	const char *past;            /* a date: "past" (today at most), "future" (today at least), "later" */
	const char *after;           /* name of the date it must not be before (same row first), or NULL */
	const char *const *together; /* required as soon as one of these is filled: an address's parts */
	size_t together_count;
	struct condition when;
	const struct option *options;
	size_t option_count;
	const struct said *said; /* its own sentence for other codes: key, length, order, … */
	size_t said_count;
	const struct group *group; /* NULL, or the repetition it belongs to */
};

/* A repetition: experience[0].from … each row has the same fields. */
struct group {
	const char *name, *label, *row_label, *add_label;
	const char *missing; /* the sentence of too few rows */
	int min, max;        /* rows */
	struct condition when;
	const struct field *fields;
	size_t field_count;
};

/* What stands on a step, in order: a field or a group. */
struct item {
	const struct field *field;
	const struct group *group;
};

/* A kind of document handed in on a step. */
struct piece_kind {
	const char *kind, *label, *hint, *missing; /* French */
	const char *group, *row_label;             /* one for each row of that repetition, {0} = its number; or NULL */
	bool required, several, not_for_expert;    /* several: a second file joins the first, else it replaces it */
	struct condition when;
};

struct step {
	const char *id, *title, *intro;
	const struct piece_kind *pieces;
	size_t piece_count;
	const struct item *items;
	size_t item_count;
};

struct form {
	const char *id, *title;
	const struct step *steps; /* an event's form has one */
	size_t step_count;
	const char *const *events; /* the events whose body it judges */
	size_t event_count;
};

struct problem {
	const char *field; /* flat name: "experience[0].from"; "" for the whole form */
	const char *code;  /* missing, wrong, length, date, future, order, key, unknown, choice, rows, … */
	const char *text;  /* French */
};

struct problems {
	struct problem *items;
	size_t count, cap;
	struct pool *pool;
};

struct problems problems_in(struct pool *pool);
void problems_add(struct problems *p, const char *field, const char *code, const char *text); /* copies */
const struct problem *problems_of(const struct problems *p, const char *field);               /* the first, or NULL */

/* Reads every definition of the assets "forms/definitions/". The forms live as long as the pool. */
int forms_load(struct pool *pool, struct err *e) MUST_USE;
/* One definition from memory, for tests and the fuzzer. */
const struct form *form_read(const void *bytes, size_t n, const char *file, struct pool *pool, struct err *e);
const struct form *form_get(const char *id); /* NULL: unknown */
size_t forms_all(const struct form *const **out);
/* The form that judges the body of an event ("approve", "claim", …); NULL for an event no person fires. */
const struct form *form_of_event(const char *event_id);

const struct field *form_field(const struct form *f, const char *flat_name); /* "experience[3].from" finds from */
const struct step *form_step(const struct form *f, const char *step_id);
const struct step *form_step_of(const struct form *f, const char *flat_name);
/* The name as it is sent: "experience[3].from", "public[]". */
const char *field_flat(const struct field *field, size_t row, struct pool *pool);
/* Is it asked, given these answers? For a row's field, `row` is its index. */
bool field_asked(const struct field *field, const struct values *answers, size_t row);
bool group_asked(const struct group *group, const struct values *answers);
/* Does anything stand on it, given these answers? The employer's step is skipped by who is only liberal. */
bool step_asked(const struct step *step, const struct values *answers);

enum form_mode {
	FORM_SYNTAX,   /* judge only what was sent; an empty text erases; unknown names are a problem "unknown" */
	FORM_COMPLETE, /* and everything required (and asked) must be there; what is not asked is left out of *kept */
};

/*
 * Judges `sent` and puts what is valid, normalised (spaces trimmed, NIR and IBAN without spaces, dates as YYYY-MM-DD),
 * into *kept; an emptied field is kept as "". Dates written in parts or as JJ/MM/AAAA become ISO. Returns the number of
 * problems added to *problems (0 = good). `today` is the legal day. In FORM_COMPLETE `sent` is the whole working copy.
 *
 * Rows without any answer are left out and the others renumbered in *kept; problems name the rows as they were sent.
 * A row's bad answer is kept as "" so that its row stays. A mask sent back (FORM_SYNTAX) is kept as it is, for
 * form_merge.
 */
size_t form_validate(const struct form *f, const struct values *sent, day_t today, enum form_mode mode,
		     struct values *kept, struct problems *problems);
/* The same over answers already kept: a date that must come after one of them is told at once, not only at submit. */
size_t form_validate_over(const struct form *f, const struct values *sent, const struct values *known, day_t today,
			  enum form_mode mode, struct values *kept, struct problems *problems);
/* Where each row of `sent` stands in *kept, -1 for a row left out: what hangs on rows (pieces) follows it. */
#define FORM_ROWS 100
void form_row_map(const struct group *group, const struct values *sent, int to[FORM_ROWS]);
/* Names of what is required, asked and absent (pieces excepted), in the order of the form; a group's for too few rows.
 */
size_t form_missing(const struct form *f, const struct values *answers, struct pool *pool, const char *const **out);

/* A place for files that the answers ask for: a kind, or a kind of one row. */
struct piece_place {
	const struct piece_kind *kind;
	const char *row;  /* "experience[0]", or NULL */
	const char *name; /* "rib", "experience:experience[0]": what an item of a correction names, after "pieces." a
			     problem */
};
/* The places of a step (NULL: of the whole form), in order. */
size_t form_piece_places(const struct form *f, const struct step *step, const struct values *answers, struct pool *pool,
			 struct piece_place **out);
const struct piece_kind *form_piece(const struct form *f, const char *kind); /* NULL: unknown */
const struct step *form_step_of_piece(const struct form *f, const char *kind);

/*
 * Lays `kept` (a validated subset) over `answers`: arrays and groups sent replace whole, a value equal to the mask of
 * the stored one changes nothing (domain.md §4, interface.md), "" removes. A mask is never stored.
 */
void form_merge(const struct form *f, struct values *answers, const struct values *kept);
/* What a page may show of a field: the text, or its mask ("1 85 •• •• ••• ••• ••", "FR76 •••• … 0189"); a mask is its
 * own. */
const char *field_shown(const struct field *field, const char *text, struct pool *pool);
/* "Période {0}" of the second row: "Période 2". Without {0} the number stands after. */
const char *row_words(const char *words, size_t row, struct pool *pool);
/* The label of a value for people: option labels, French dates, "Oui", masks. */
const char *field_display(const struct field *field, const char *text, struct pool *pool);

/* ---- rules.c: each is true for a valid, normalised text ---- */
bool rule_luhn(const char *digits);
bool rule_rpps(const char *text);
bool rule_nir(const char *text);
bool rule_iban(const char *text);
bool rule_bic(const char *text);
bool rule_siret(const char *text);
bool rule_email(const char *text); /* one @, a dot in the domain, no control, ≤ 254 */
bool rule_url(const char *text);   /* http(s), a host with a dot, no user part, ≤ 300 */
bool rule_phone(const char *text); /* French or E.164 */
bool rule_adeli(const char *text);
bool rule_postcode(const char *text);
bool rule_password_common(
	const char *text);           /* of those that are tried first: a row of keys, one word again and again */
bool rule_commune(const char *text); /* the form of an INSEE code only */

#endif
