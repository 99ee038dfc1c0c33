#include "scan.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/str.h"

#define SCAN_SECONDS 30
#define CONNECT_SECONDS 5
#define CHUNK_BYTES 65536

const char *scan_id(enum scan s)
{
	return s == SCAN_CLEAN ? "clean" : s == SCAN_INFECTED ? "infected" : "waiting";
}

static int ready(int fd, short what, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - clock_monotonic();
		struct pollfd p = { .fd = fd, .events = what };
		if (left <= 0)
			return errno = ETIMEDOUT, -1;
		int n = poll(&p, 1, (int)(left / 1000) + 1);
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -1;
	}
}

static int begin(int fd, const struct sockaddr *to, socklen_t size, int64_t deadline)
{
	int problem = 0;
	socklen_t n = sizeof problem;
	if (!connect(fd, to, size))
		return 0;
	if (errno != EINPROGRESS || ready(fd, POLLOUT, deadline))
		return -1;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &n) || problem)
		return errno = problem, -1;
	return 0;
}

static int open_unix(const char *path, int64_t deadline)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	if (strlen(path) >= sizeof to.sun_path)
		return errno = ENAMETOOLONG, -1;
	memcpy(to.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && begin(fd, (const struct sockaddr *)&to, sizeof to, deadline)) {
		int saved = errno;
		close(fd);
		return errno = saved, -1;
	}
	return fd;
}

static int open_tcp(const char *address, int64_t deadline)
{
	char host[256];
	const char *port = strrchr(address, ':');
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list = NULL;
	if (!port || (size_t)(port - address) >= sizeof host)
		return errno = EINVAL, -1;
	snprintf(host, sizeof host, "%.*s", (int)(port - address), address);
	if (getaddrinfo(host, port + 1, &hints, &list))
		return errno = EHOSTUNREACH, -1;
	int fd = -1, saved = EHOSTUNREACH;
	for (const struct addrinfo *a = list; a && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		if (fd >= 0 && begin(fd, a->ai_addr, a->ai_addrlen, deadline)) {
			saved = errno;
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	return errno = saved, fd;
}

static int put(int fd, const void *bytes, size_t n, int64_t deadline)
{
	for (const char *p = bytes; n;) {
		ssize_t w = send(fd, p, n, MSG_NOSIGNAL);
		if (w < 0 && (errno == EAGAIN || errno == EINTR)) {
			if (ready(fd, POLLOUT, deadline))
				return -1;
			continue;
		}
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static int stream(int fd, const char *bytes, size_t n, int64_t deadline)
{
	if (put(fd, "zINSTREAM", sizeof "zINSTREAM", deadline))
		return -1;
	while (n) {
		size_t part = n < CHUNK_BYTES ? n : CHUNK_BYTES;
		uint32_t size = htonl((uint32_t)part);
		if (put(fd, &size, sizeof size, deadline) || put(fd, bytes, part, deadline))
			return -1;
		bytes += part;
		n -= part;
	}
	return put(fd, &(uint32_t){ 0 }, sizeof(uint32_t), deadline);
}

/* Connected, or -1 with errno. */
static int open_scanner(const char *address)
{
	int64_t deadline = clock_monotonic() + CONNECT_SECONDS * SECOND;
	if (str_starts(address, "unix:"))
		address += 5;
	if (str_starts(address, "tcp://"))
		address += 6;
	return *address == '/' ? open_unix(address, deadline) : open_tcp(address, deadline);
}

bool scan_there(const char *address)
{
	char answer[6] = "";
	int64_t deadline = clock_monotonic() + CONNECT_SECONDS * SECOND;
	int fd = open_scanner(address);
	bool there = fd >= 0 && !put(fd, "zPING", sizeof "zPING", deadline) && !ready(fd, POLLIN, deadline) &&
		     recv(fd, answer, sizeof answer - 1, 0) >= 4 && !strncmp(answer, "PONG", 4);
	if (fd >= 0)
		close(fd);
	return there;
}

enum scan scan_bytes(const char *address, const void *bytes, size_t n, struct err *e)
{
	int64_t deadline = clock_monotonic() + SCAN_SECONDS * SECOND;
	char answer[512];
	size_t got = 0;
	enum scan verdict = SCAN_UNAVAILABLE;
	if (!address || !*address) {
		fail(e, ERR_BUSY, "scan.none");
		return verdict;
	}
	int fd = open_scanner(address);
	if (fd < 0) {
		fault(e, "clamd: connect errno %d", errno);
		return verdict;
	}
	/* When it refuses the size it answers and closes while we still write: its answer is what counts. */
	int cut = stream(fd, bytes, n, deadline), saved = errno;
	while (got < sizeof answer - 1) {
		ssize_t r = recv(fd, answer + got, sizeof answer - 1 - got, 0);
		if (r < 0 && (errno == EAGAIN || errno == EINTR) && !ready(fd, POLLIN, deadline))
			continue;
		if (r <= 0)
			break;
		got += (size_t)r;
		if (answer[got - 1] == 0)
			break;
	}
	close(fd);
	answer[got] = 0;
	if (str_ends(answer, " FOUND"))
		verdict = SCAN_INFECTED;
	else if (!cut && str_eq(answer, "stream: OK"))
		verdict = SCAN_CLEAN;
	else
		fault(e, "clamd: errno %d, answer of %zu bytes%s", cut ? saved : 0, got,
		      str_ends(answer, "ERROR") ? " with ERROR" : "");
	return verdict;
}
