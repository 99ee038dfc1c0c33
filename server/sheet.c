#include "sheet.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <xlsxwriter.h>

#include "base/str.h"

struct sheet {
	enum sheet_kind kind;
	struct pool *pool;
	struct str csv;
	lxw_workbook *book;
	lxw_worksheet *page;
	lxw_format *head, *date;
	int fd; /* the book, in memory */
	lxw_row_t row;
	lxw_col_t column;
	bool failed;
};

/* Ending a book, the library dates it by gmtime(), whose answer all threads share: one at a time. */
static lxw_error close_book(struct sheet *s)
{
	static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
	lxw_error error;

	pthread_mutex_lock(&lock);
	error = workbook_close(s->book);
	pthread_mutex_unlock(&lock);
	s->book = NULL;
	return error;
}

/* A sheet that was never ended. */
static void sheet_drop(void *thing)
{
	struct sheet *s = thing;

	if (s->book)
		(void)close_book(s);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

/* Excel refuses some signs in the name of a page, and more than 31 letters. */
static char *page_name(const char *title, struct pool *pool)
{
	struct str out = str_in(pool);
	size_t letters = 0;

	for (const char *c = title; *c && letters < 31; c++) {
		letters += ((unsigned char)*c & 0xC0) != 0x80;
		if (letters <= 31)
			str_add_c(&out, strchr("[]:*?/\\'", *c) ? ' ' : *c);
	}
	return out.len ? out.s : pool_strdup(pool, "1");
}

static int book_open(struct sheet *s, const char *title, struct err *e)
{
	lxw_workbook_options options = { .constant_memory = LXW_TRUE };
	char path[40];

	s->fd = memfd_create("sheet", MFD_CLOEXEC);
	if (s->fd < 0)
		return fault(e, "sheet: memfd %d", errno);
	snprintf(path, sizeof path, "/proc/self/fd/%d", s->fd);
	s->book = workbook_new_opt(path, &options);
	s->page = s->book ? workbook_add_worksheet(s->book, page_name(title, s->pool)) : NULL;
	if (!s->page)
		return fault(e, "sheet: no workbook");
	s->head = workbook_add_format(s->book);
	s->date = workbook_add_format(s->book);
	if (!s->head || !s->date)
		return fault(e, "sheet: no format");
	format_set_bold(s->head);
	format_set_num_format(s->date, "dd/mm/yyyy");
	worksheet_freeze_panes(s->page, 1, 0);
	return 0;
}

struct sheet *sheet_open(enum sheet_kind kind, const char *title, struct pool *pool, struct err *e)
{
	struct sheet *s = POOL_NEW(pool, struct sheet);

	*s = (struct sheet){ .kind = kind, .pool = pool, .csv = str_in(pool), .fd = -1 };
	if (kind == SHEET_CSV) {
		str_add(&s->csv, "\xEF\xBB\xBF");
		return s;
	}
	pool_defer(pool, sheet_drop, s);
	return book_open(s, title, e) ? NULL : s;
}

static void csv_next(struct sheet *s)
{
	if (s->column++)
		str_add_c(&s->csv, ';');
}

/* A negative number is a number; any other text that begins like a formula is made a text. */
static void csv_text(struct sheet *s, const char *text)
{
	bool quotes = strpbrk(text, ";\"\r\n") != NULL, formula = *text && strchr("=+-@\t\r", *text);

	csv_next(s);
	if (quotes)
		str_add_c(&s->csv, '"');
	if (formula)
		str_add_c(&s->csv, '\'');
	for (; *text; text++) {
		if (*text == '"')
			str_add_c(&s->csv, '"');
		str_add_c(&s->csv, *text);
	}
	if (quotes)
		str_add_c(&s->csv, '"');
}

static void book_did(struct sheet *s, lxw_error error)
{
	s->failed |= error != LXW_NO_ERROR;
}

void sheet_text(struct sheet *s, const char *text)
{
	if (s->kind == SHEET_CSV)
		csv_text(s, text ? text : "");
	else if (!text || !*text)
		s->column++;
	else
		book_did(s, worksheet_write_string(s->page, s->row, s->column++, text, s->row ? NULL : s->head));
}

void sheet_int(struct sheet *s, int64_t n)
{
	sheet_number(s, (double)n, 0);
}

void sheet_number(struct sheet *s, double x, int decimals)
{
	if (s->kind == SHEET_XLSX) {
		book_did(s, worksheet_write_number(s->page, s->row, s->column++, x, NULL));
		return;
	}
	csv_next(s);
	str_addf(&s->csv, "%.*f", decimals, x);
	/* With semicolons between cells, French spreadsheets expect a decimal comma. */
	for (char *c = s->csv.s + s->csv.len; decimals && c > s->csv.s && *c != ';'; c--)
		if (*c == '.')
			*c = ',';
}

void sheet_day(struct sheet *s, day_t day)
{
	struct ymd d;
	lxw_datetime at = { 0 };

	if (day == DAY_NONE || s->kind == SHEET_CSV) {
		sheet_text(s, day == DAY_NONE ? NULL : day_iso(s->pool, day));
		return;
	}
	d = day_ymd(day);
	at.year = d.year;
	at.month = d.month;
	at.day = d.day;
	book_did(s, worksheet_write_datetime(s->page, s->row, s->column++, &at, s->date));
}

void sheet_empty(struct sheet *s)
{
	sheet_text(s, NULL);
}

void sheet_row(struct sheet *s)
{
	if (s->kind == SHEET_CSV)
		str_add(&s->csv, "\r\n");
	s->row++;
	s->column = 0;
}

static int read_whole(int fd, void *to, size_t size)
{
	size_t done = 0;

	while (done < size) {
		ssize_t n = pread(fd, (char *)to + done, size - done, (off_t)done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return -1;
		done += (size_t)n;
	}
	return 0;
}

int sheet_end(struct sheet *s, const void **bytes, size_t *size, struct err *e)
{
	struct stat st;
	lxw_error error;
	void *copy;

	if (s->kind == SHEET_CSV) {
		*bytes = s->csv.s;
		*size = s->csv.len;
		return 0;
	}
	error = close_book(s);
	if (error != LXW_NO_ERROR || s->failed)
		return fault(e, "sheet: %s", error == LXW_NO_ERROR ? "a cell was refused" : lxw_strerror(error));
	if (fstat(s->fd, &st) || st.st_size <= 0)
		return fault(e, "sheet: empty");
	*size = (size_t)st.st_size;
	copy = pool_alloc(s->pool, *size);
	if (read_whole(s->fd, copy, *size))
		return fault(e, "sheet: read %d", errno);
	*bytes = copy;
	close(s->fd);
	s->fd = -1;
	return 0;
}

const char *sheet_type(enum sheet_kind kind)
{
	return kind == SHEET_CSV ? "text/csv; charset=utf-8"
				 : "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
}
