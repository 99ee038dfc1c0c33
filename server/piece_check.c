#include "piece_check.h"

#include <magic.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/str.h"
#include "child.h"

#define QPDF "/usr/bin/qpdf"
#define QPDF_SECONDS 10
#define QPDF_MEMORY ((size_t)1 << 30)
#define JSON_MOST ((size_t)256 << 20) /* a document that unfolds beyond this is not read further */
#define PIXELS_SIDE_MOST 30000
/*
 * An identity card scanned at 100 points an inch is 337 × 213, and its letters 8 points high: less is not read. A line
 * cut out of a page may be low.
 */
#define PIXELS_LONG_LEAST 300
#define PIXELS_SHORT_LEAST 100
#define PIXELS_MOST ((uint64_t)300 * 1000 * 1000) /* four bytes each when a reader unfolds it */

/* ---- the type, by content ---- */

static const struct {
	const char *type, *begins;
} types[] = {
	{ "application/pdf", "%PDF-" },
	{ "image/jpeg", "\xFF\xD8\xFF" },
	{ "image/png", "\x89PNG\r\n\x1A\n" },
};

const char *piece_type_begun(const void *bytes, size_t n)
{
	for (size_t i = 0; i < COUNT(types); i++) {
		size_t len = strlen(types[i].begins);

		if (n >= len && !memcmp(bytes, types[i].begins, len))
			return types[i].type;
	}
	return NULL;
}

static pthread_mutex_t magic_lock = PTHREAD_MUTEX_INITIALIZER;
static magic_t magic; /* loading its tables is slow, and one handle serves one thread at a time */

static int sniff(const void *bytes, size_t n, struct pool *pool, const char **mime, struct err *e)
{
	int r = 0;
	pthread_mutex_lock(&magic_lock);
	if (!magic) {
		magic = magic_open(MAGIC_MIME_TYPE);
		if (magic && magic_load(magic, NULL)) {
			magic_close(magic);
			magic = NULL;
		}
	}
	const char *found = magic ? magic_buffer(magic, bytes, n) : NULL;
	if (!magic)
		r = fault(e, "libmagic: no tables");
	else
		*mime = pool_strdup(pool, found ? found : "");
	pthread_mutex_unlock(&magic_lock);
	return r;
}

static bool holds(const unsigned char *b, size_t n, const char *what)
{
	return memmem(b, n, what, strlen(what)) != NULL;
}

static bool holds_any_case(const unsigned char *b, size_t n, const char *what)
{
	size_t len = strlen(what);
	for (const unsigned char *p = b; (p = memchr(p, what[0], n - (size_t)(p - b))) && n - (size_t)(p - b) >= len;
	     p++)
		if (!strncasecmp((const char *)p, what, len))
			return true;
	return false;
}

/* Something that another program would take for a page, a script or an archive. */
static bool is_also_something_else(const unsigned char *b, size_t n)
{
	static const char *const marks[] = { "<html", "<script", "<?php", "<!doctype", "<svg" };
	for (size_t i = 0; i < COUNT(marks); i++)
		if (holds_any_case(b, n, marks[i]))
			return true;
	return false;
}

/* The end record of a ZIP: 22 bytes and a comment before the end of the file. */
static bool ends_as_zip(const unsigned char *b, size_t n)
{
	size_t from = n > 65557 ? n - 65557 : 0;
	return holds(b + from, n - from, "PK\x05\x06");
}

/* ---- images ---- */

static bool picture_size(uint64_t width, uint64_t height)
{
	return width && height && width <= PIXELS_SIDE_MOST && height <= PIXELS_SIDE_MOST &&
	       width * height <= PIXELS_MOST;
}

static bool too_small(const struct piece_checked *c)
{
	int wide = c->width > c->height ? c->width : c->height, narrow = c->width + c->height - wide;

	return wide < PIXELS_LONG_LEAST || narrow < PIXELS_SHORT_LEAST;
}

static unsigned be16(const unsigned char *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

static uint32_t be32(const unsigned char *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

/* ITU T.81: segments up to the start of the scan, with one frame header; then an end of image somewhere. */
static void jpeg_check(const unsigned char *b, size_t n, struct piece_checked *out)
{
	size_t at = 2;
	bool scan = false;
	out->problem = "unreadable";
	while (at + 4 <= n && !scan) {
		if (b[at] != 0xFF)
			return;
		unsigned marker = b[at + 1];
		if (marker == 0xFF) {
			at++;
			continue;
		}
		if (marker == 0x01 || (marker >= 0xD0 && marker <= 0xD7)) {
			at += 2;
			continue;
		}
		size_t size = be16(b + at + 2);
		if (size < 2 || at + 2 + size > n || marker == 0xD8 || marker == 0xD9)
			return;
		const unsigned char *s = b + at + 4;
		if (marker >= 0xC0 && marker <= 0xCF && marker != 0xC4 && marker != 0xC8 && marker != 0xCC) {
			if (size < 8)
				return;
			out->height = (int)be16(s + 1);
			out->width = (int)be16(s + 3);
			unsigned components = s[5];
			if ((s[0] != 8 && s[0] != 12) || (components != 1 && components != 3 && components != 4))
				return;
		}
		if ((marker == 0xE1 || marker == 0xFE) && is_also_something_else(s, size - 2)) {
			out->problem = "polyglot";
			return;
		}
		scan = marker == 0xDA;
		at += 2 + size;
	}
	if (!scan || !picture_size((uint64_t)out->width, (uint64_t)out->height))
		return;
	const unsigned char *end = memmem(b + at, n - at, "\xFF\xD9", 2);
	if (!end)
		return;
	/* Phones add second pictures after the first: what follows is only looked at for what is no picture. */
	size_t rest = n - (size_t)(end + 2 - b);
	out->problem = holds(end, rest, "%PDF-") || is_also_something_else(end, rest) || holds(end, rest, "PK\x03\x04")
			       ? "polyglot"
			       : NULL;
}

/* ISO 15948: every chunk's CRC up to IEND, with which the file ends. */
static void png_check(const unsigned char *b, size_t n, struct piece_checked *out)
{
	size_t at = 8;
	bool data = false;
	out->problem = "unreadable";
	while (n - at >= 12) {
		size_t size = be32(b + at);
		const unsigned char *kind = b + at + 4;
		if (size > n - at - 12 || crc32(0, kind, (uInt)size + 4) != be32(b + at + 8 + size))
			return;
		if (at == 8) {
			if (memcmp(kind, "IHDR", 4) || size != 13)
				return;
			uint32_t w = be32(b + at + 8), h = be32(b + at + 12);
			if (!picture_size(w, h))
				return;
			out->width = (int)w;
			out->height = (int)h;
		}
		if (!memcmp(kind, "IDAT", 4)) {
			data = true;
		} else if (is_also_something_else(kind, size + 4) || holds(kind, size + 4, "%PDF-")) {
			out->problem = "polyglot";
			return;
		}
		at += size + 12;
		if (!memcmp(kind, "IEND", 4)) {
			out->problem = !data ? "unreadable" : at != n ? "polyglot" : NULL;
			return;
		}
	}
}

/* ---- PDF ---- */

/*
 * In qpdf's JSON (version 2) a PDF name is the text "/Name", hexadecimal escapes undone, and no string of the document
 * can be written so ("u:…", "b:…"): finding these bytes is finding the name, wherever it stands.
 */
static const char *const active_names[] = {
	"\"/JavaScript\"",    "\"/JS\"",
	"\"/Launch\"",        "\"/EmbeddedFile\"",
	"\"/EmbeddedFiles\"", "\"/EF\"",
	"\"/RichMedia\"",     "\"/XFA\"",
	"\"/GoToE\"",         "\"/SubmitForm\"",
	"\"/ImportData\"",    "\"/Movie\"",
	"\"/Rendition\"",     "\"/RichMediaExecute\"",
};
#define OVERLAP 32 /* longer than any of them */

static int qpdf(const char *const *argv, int file, bool look, struct piece_checked *out, int *status, struct err *e)
{
	int64_t deadline = clock_monotonic() + QPDF_SECONDS * SECOND;
	struct child c;
	unsigned char window[OVERLAP + 65536];
	size_t kept = 0, total = 0, got = 1;
	struct err slow;
	if (child_start(
		    &(struct child_spec){
			    .argv = argv, .file = file, .seconds_cpu = QPDF_SECONDS, .bytes_memory = QPDF_MEMORY },
		    &c, e))
		return -1;
	while (got) {
		if (child_read(&c, window + kept, sizeof window - kept, deadline, &got, &slow) ||
		    (total += got) > JSON_MOST) {
			child_kill(&c);
			*status = -1;
			return 0;
		}
		size_t n = kept + got;
		if (look) {
			for (size_t i = 0; i < COUNT(active_names); i++)
				if (holds(window, n, active_names[i]))
					out->problem = "active";
			/* counted where it begins in what is dropped below, so never twice */
			size_t drop = !got ? n : n > OVERLAP ? n - OVERLAP : 0;
			static const char page[] = "\"pageposfrom1\"", encrypted[] = "\"encrypted\": true";
			for (const unsigned char *p = window;
			     (p = memmem(p, n - (size_t)(p - window), page, sizeof page - 1)) &&
			     (size_t)(p - window) < drop;
			     p++)
				out->pages++;
			if (holds(window, n, encrypted))
				out->problem = "encrypted";
			memmove(window, window + drop, n - drop);
			kept = n - drop;
		}
	}
	child_end(&c, deadline, status);
	return 0;
}

static int pdf_check(const unsigned char *b, size_t n, struct piece_checked *out, struct err *e)
{
	static const char *const check[] = { QPDF, "--check", "/proc/self/fd/3", NULL };
	static const char *const json[] = { QPDF, "--json=2", "--json-stream-data=none", "/proc/self/fd/3", NULL };
	int status = -1;
	/* A header or a tail for another program; what is inside the streams is no one's business but the reader's. */
	size_t head = n < 1024 ? n : 1024, tail = n < 2048 ? n : 2048;
	if (is_also_something_else(b, head) || is_also_something_else(b + n - tail, tail) || ends_as_zip(b, n)) {
		out->problem = "polyglot";
		return 0;
	}
	int file = child_memory_file(b, n, e);
	if (file < 0)
		return -1;
	int r = qpdf(check, file, false, out, &status, e);
	if (!r && status == 127)
		r = fault(e, "qpdf does not start");
	bool good = status == 0 || status == 3; /* 3: warnings only */
	if (!r)
		r = qpdf(json, file, true, out, &status, e);
	close(file);
	if (r)
		return -1;
	if (!good || (status != 0 && status != 3)) {
		/* A document that wants a password does not open: tell that rather than "unreadable". */
		if (!out->problem)
			out->problem = holds(b, n, "/Encrypt") ? "encrypted" : "unreadable";
	} else if (!out->problem && !out->pages) {
		out->problem = "unreadable";
	}
	return 0;
}

int piece_check(const void *bytes, size_t n, struct pool *pool, struct piece_checked *out, struct err *e)
{
	const unsigned char *b = bytes;
	const char *mime = NULL;
	*out = (struct piece_checked){ .problem = "type" };
	if (n < 16)
		return 0;
	if (sniff(bytes, n, pool, &mime, e))
		return -1;
	/* Both must say so: libmagic looks further than the first bytes, a reader may not. */
	const char *type = piece_type_begun(bytes, n);
	if (!type || !str_eq(mime, type))
		return 0;
	out->type = type;
	out->problem = NULL;
	if (str_eq(out->type, "application/pdf"))
		return pdf_check(b, n, out, e);
	if (str_eq(out->type, "image/jpeg"))
		jpeg_check(b, n, out);
	else
		png_check(b, n, out);
	if (!out->problem && too_small(out))
		out->problem = "small";
	return 0;
}
