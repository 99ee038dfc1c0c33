#include "file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Not the whole path: the log need not know where the service lives. */
static int failed(struct err *e, const char *what, const char *path)
{
	int code = errno;
	const char *slash = strrchr(path, '/'), *name = strerrorname_np(code);
	return fault(e, "%s %.80s: %s", what, slash ? slash + 1 : path, name ? name : "?");
}

char *file_read(const char *path, size_t most, struct pool *pool, size_t *n, struct err *e)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT)
			fail(e, ERR_MISSING, "file.missing");
		else
			failed(e, "open", path);
		return NULL;
	}
	struct stat st;
	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || (size_t)st.st_size > most) {
		close(fd);
		fault(e, "read: not a file of at most %zu bytes", most);
		return NULL;
	}
	size_t size = (size_t)st.st_size, done = 0;
	char *text = pool_alloc(pool, size + 1);
	while (done < size) {
		ssize_t r = read(fd, text + done, size - done);
		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0) {
			failed(e, "read", path);
			close(fd);
			return NULL;
		}
		if (!r)
			break;
		done += (size_t)r;
	}
	close(fd);
	text[done] = 0;
	if (n)
		*n = done;
	return text;
}

bool file_exists(const char *path)
{
	return access(path, F_OK) == 0;
}

static int write_all(int fd, const char *p, size_t n)
{
	while (n) {
		ssize_t w = write(fd, p, n);
		if (w < 0 && errno == EINTR)
			continue;
		if (w < 0)
			return -1;
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

static void sync_folder_of(const char *path)
{
	char folder[4096];
	const char *slash = strrchr(path, '/');
	int n = slash ? (int)(slash - path) : 1;
	if (snprintf(folder, sizeof folder, "%.*s", n ? n : 1, slash ? path : ".") >= (int)sizeof folder)
		return;
	int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return;
	fsync(fd); /* some file systems refuse it for folders; the rename itself is done */
	close(fd);
}

/* rename(2) that leaves what is there. */
static int rename_once(const char *from, const char *to)
{
	if (renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS)
		return -1;
	if (link(from, to) < 0)
		return -1;
	unlink(from);
	return 0;
}

static int put(const char *path, const void *data, size_t n, mode_t mode, bool once, struct err *e)
{
	char temporary[4096];
	if (snprintf(temporary, sizeof temporary, "%s.XXXXXX", path) >= (int)sizeof temporary)
		return fault(e, "write: path too long");
	int fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return failed(e, "make", path);
	int code = 0;
	if (fchmod(fd, mode) < 0 || write_all(fd, data, n) < 0 || fsync(fd) < 0)
		code = errno;
	if (close(fd) < 0 && !code)
		code = errno;
	if (!code && (once ? rename_once(temporary, path) : rename(temporary, path)) < 0)
		code = errno;
	if (code)
		unlink(temporary);
	if (code && !(once && code == EEXIST)) {
		errno = code;
		return failed(e, "write", path);
	}
	sync_folder_of(path);
	return 0;
}

int file_write(const char *path, const void *data, size_t n, mode_t mode, struct err *e)
{
	return put(path, data, n, mode, false, e);
}

int file_write_once(const char *path, const void *data, size_t n, mode_t mode, struct err *e)
{
	return file_exists(path) ? 0 : put(path, data, n, mode, true, e);
}

int file_folder(const char *path, mode_t mode, struct err *e)
{
	char part[4096];
	size_t n = strlen(path);
	if (!n || n >= sizeof part)
		return fault(e, "folder: bad path");
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != 0)
			continue;
		memcpy(part, path, i);
		part[i] = 0;
		if (mkdir(part, mode) < 0 && errno != EEXIST) {
			/* A closed or read-only folder above that is there already answers with its own code. */
			struct stat st;
			int code = errno;
			if (stat(part, &st) < 0 || !S_ISDIR(st.st_mode)) {
				errno = code;
				return failed(e, "folder", part);
			}
		}
	}
	struct stat st;
	if (stat(path, &st) < 0)
		return failed(e, "folder", path);
	return S_ISDIR(st.st_mode) ? 0 : fault(e, "folder: a file is in the way");
}

int file_lock_folder(const char *path, struct err *e)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return failed(e, "lock", path);
	while (flock(fd, LOCK_EX) < 0) {
		if (errno == EINTR)
			continue;
		failed(e, "lock", path);
		close(fd);
		return -1;
	}
	return fd;
}
