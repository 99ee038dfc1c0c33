#include "log.h"
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* A line is written with one write(2), so that threads and processes do not mix theirs (PIPE_BUF is 4096). */
enum { LINE = 4096, TAIL = 3 };

static _Atomic enum log_level least_level = LOG_INFO;

struct line {
	char s[LINE];
	size_t len;
};

struct written {
	time_t second;
	char text[32];
	size_t len;
};

/* Of each thread: what it holds back, and how its latest second is written. */
static _Thread_local struct line held;
static _Thread_local bool holding;
static _Thread_local struct written written;

static pthread_mutex_t turn = PTHREAD_MUTEX_INITIALIZER;
static _Atomic uint64_t lost;

/* What standard error is decides how to write there without waiting. A file never lets one wait. */
enum reader { READER_FILE, READER_PIPE, READER_SOCKET };
static _Atomic enum reader reader;

void log_set_level(enum log_level least)
{
	struct stat s = { 0 };

	(void)fstat(STDERR_FILENO, &s);
	atomic_store_explicit(&reader,
			      S_ISFIFO(s.st_mode)   ? READER_PIPE
			      : S_ISSOCK(s.st_mode) ? READER_SOCKET
						    : READER_FILE,
			      memory_order_relaxed);
	atomic_store_explicit(&least_level, least, memory_order_relaxed);
}

uint64_t log_lost(void)
{
	return atomic_load_explicit(&lost, memory_order_relaxed);
}

static void lose(const char *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i] == '\n')
			atomic_fetch_add_explicit(&lost, 1, memory_order_relaxed);
}

/* A pipe that can be written has room for PIPE_BUF, which is all that is written at once: one thread looks and writes.
 */
static ssize_t write_pipe(const char *bytes, size_t n)
{
	struct pollfd room = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t w = -1;

	pthread_mutex_lock(&turn);
	errno = EAGAIN;
	if (poll(&room, 1, 0) == 1 && room.revents == POLLOUT)
		w = write(STDERR_FILENO, bytes, n);
	pthread_mutex_unlock(&turn);
	return w;
}

/* A reader that has stopped reading stops nobody: what has no room now is lost, and counted. */
static void write_out(const char *bytes, size_t n)
{
	enum reader to = atomic_load_explicit(&reader, memory_order_relaxed);
	size_t done = 0;

	while (done < n) {
		ssize_t w = to == READER_PIPE ? write_pipe(bytes + done, n - done)
			    : to == READER_SOCKET
				    ? send(STDERR_FILENO, bytes + done, n - done, MSG_DONTWAIT | MSG_NOSIGNAL)
				    : write(STDERR_FILENO, bytes + done, n - done);
		if (w < 0 && errno != EINTR)
			break;
		if (w > 0)
			done += (size_t)w;
	}
	lose(bytes + done, n - done);
}

void log_hold(void)
{
	holding = true;
}

void log_release(void)
{
	int saved = errno;
	write_out(held.s, held.len);
	held.len = 0;
	holding = false;
	errno = saved;
}

static void put(struct line *l, const char *bytes, size_t n)
{
	memcpy(l->s + l->len, bytes, n);
	l->len += n;
}

/* Length of the well-formed UTF-8 sequence at p, or 0. A text may be cut anywhere. */
static size_t sequence(const unsigned char *p)
{
	unsigned c = p[0];
	size_t n = c >= 0xC2 && c <= 0xDF ? 2 : (c & 0xF0) == 0xE0 ? 3 : c >= 0xF0 && c <= 0xF4 ? 4 : 0;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xC0) != 0x80)
			return 0;
	if ((c == 0xE0 && p[1] < 0xA0) || (c == 0xED && p[1] > 0x9F) || (c == 0xF0 && p[1] < 0x90) ||
	    (c == 0xF4 && p[1] > 0x8F))
		return 0;
	return n;
}

static bool plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7F && c != '"' && c != '\\';
}

/* Writes a JSON text, cut at `limit` bytes of the line. */
static void put_json(struct line *l, const char *text, size_t limit)
{
	const unsigned char *p = (const unsigned char *)text;
	put(l, "\"", 1);
	while (*p) {
		char one[8];
		size_t n, used = 1;
		if (plain(*p) && l->len + 2 <= limit) {
			l->s[l->len++] = (char)*p++;
			continue;
		}
		if (*p == '"' || *p == '\\') {
			one[0] = '\\';
			one[1] = (char)*p;
			n = 2;
		} else if (*p < 0x20 || *p == 0x7F) {
			n = (size_t)snprintf(one, sizeof one, "\\u%04x", *p);
		} else if (*p < 0x80) {
			one[0] = (char)*p;
			n = 1;
		} else if ((used = sequence(p))) {
			memcpy(one, p, used);
			n = used;
		} else {
			memcpy(one, "\\ufffd", sizeof "\\ufffd");
			n = 6;
			used = 1;
		}
		if (l->len + n + 1 > limit)
			break;
		put(l, one, n);
		p += used;
	}
	put(l, "\"", 1);
}

void log_pairs(enum log_level level, const char *event, ...)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };
	if (level < atomic_load_explicit(&least_level, memory_order_relaxed) || level > LOG_ERROR)
		return;
	int saved = errno;
	struct line l;
	struct timespec now;
	clock_gettime(CLOCK_REALTIME, &now);
	if (now.tv_sec != written.second || !written.len) {
		struct tm utc;
		gmtime_r(&now.tv_sec, &utc);
		written.second = now.tv_sec;
		written.len = strftime(written.text, sizeof written.text, "{\"t\":\"%Y-%m-%dT%H:%M:%S", &utc);
	}
	l.len = 0;
	put(&l, written.text, written.len);
	unsigned ms = (unsigned)(now.tv_nsec / 1000000);
	put(&l, (char[]){ '.', (char)('0' + ms / 100), (char)('0' + ms / 10 % 10), (char)('0' + ms % 10) }, 4);
	put(&l, "Z\",\"level\":\"", sizeof "Z\",\"level\":\"" - 1);
	put(&l, names[level], strlen(names[level]));
	put(&l, "\",\"event\":", sizeof "\",\"event\":" - 1);
	put_json(&l, event ? event : "", 256);

	va_list args;
	va_start(args, event);
	const char *key;
	while ((key = va_arg(args, const char *))) {
		const char *value = va_arg(args, const char *);
		if (l.len + 128 > LINE - TAIL) /* no room: the line stays valid, the rest is lost */
			break;
		put(&l, ",", 1);
		put_json(&l, key, l.len + 64);
		put(&l, ":", 1);
		if (value)
			put_json(&l, value, LINE - TAIL);
		else
			put(&l, "null", 4);
	}
	va_end(args);
	put(&l, "}\n", 2);
	if (!holding) {
		write_out(l.s, l.len);
	} else {
		if (held.len + l.len > LINE) {
			write_out(held.s, held.len);
			held.len = 0;
		}
		put(&held, l.s, l.len);
	}
	errno = saved;
}
