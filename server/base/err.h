/*
 * What went wrong, told in terms the caller can act on.
 *
 * Every function that can fail returns 0 or -1 (or a pointer or NULL) and takes a `struct err *` last, which it fills
 * only on failure. The text is an id of the catalogue (server/text/fr.xml), never a sentence; `arg` fills the {0} of
 * that text. `detail` is for the log and holds ids and codes only: no name, no NIR, no IBAN, no token.
 *
 *	if (!row)
 *		return fail(e, ERR_MISSING, "file.missing");
 *
 * It does not log and does not exit: only server/ logs, once, with a reference.
 */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#define MUST_USE __attribute__((warn_unused_result))
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

enum err_kind {
	ERR_NONE,
	ERR_INPUT,   /* 422: the person can correct it */
	ERR_DENIED,  /* 403: this role may not */
	ERR_MISSING, /* 404: no such thing, or not theirs to see */
	ERR_STALE,   /* 409: someone else moved it first */
	ERR_RETRY,   /* deadlock or serialization: the same work may succeed */
	ERR_BUSY,    /* 503 with Retry-After: no lane free, or the database is away */
	ERR_UNSURE,  /* commit sent, answer lost: look before doing it again */
	ERR_FAULT,   /* 500: ours */
};

struct err {
	enum err_kind kind;
	const char *text;  /* catalogue id, static or pooled by the caller's pool */
	const char *field; /* what to point at, or NULL */
	char arg[96];      /* replaces {0} in the text */
	char detail[192];  /* for the log: ids and codes only */
};

/* Each fills *e and returns -1, so that `return fail(e, ...)` is the only idiom. */
int fail(struct err *e, enum err_kind kind, const char *text);
int fail_field(struct err *e, const char *text, const char *field);
int fault(struct err *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
#ifdef __clang_analyzer__ /* it reads one file at a time and would not know the -1 */
#define fail(...) ({ (void)fail(__VA_ARGS__), -1; })
#define fail_field(...) ({ (void)fail_field(__VA_ARGS__), -1; })
#define fault(...) ({ (void)fault(__VA_ARGS__), -1; })
#endif

const char *err_kind_name(enum err_kind kind);

#endif
