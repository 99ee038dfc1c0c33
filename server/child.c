#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"

static const char *const plain_env[] = { "LANG=C.UTF-8", NULL };

static void limit(__rlimit_resource_t what, rlim_t most)
{
	struct rlimit l = { .rlim_cur = most, .rlim_max = most };
	(void)setrlimit(what, &l);
}

/* Between fork and exec of a program with threads: only what is safe in a signal handler. */
static _Noreturn void become(const struct child_spec *s, int in, int out, int nowhere, pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	(void)signal(SIGPIPE, SIG_DFL);
	(void)setpgid(0, 0);
	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (getppid() != parent)
		_exit(126);
	/* out of the way of 0 to 3 first */
	int file = s->file ? fcntl(s->file, F_DUPFD, 10) : -1;
	in = fcntl(in, F_DUPFD, 10);
	out = fcntl(out, F_DUPFD, 10);
	nowhere = fcntl(nowhere, F_DUPFD, 10);
	if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(nowhere, 2) < 0 || (file >= 0 && dup2(file, 3) < 0))
		_exit(126);
	(void)close_range(file >= 0 ? 4 : 3, ~0U, 0);
	limit(RLIMIT_CORE, 0);
	if (s->seconds_cpu)
		limit(RLIMIT_CPU, (rlim_t)s->seconds_cpu);
	if (s->bytes_memory)
		limit(RLIMIT_AS, s->bytes_memory);
	if (!s->writes_files)
		limit(RLIMIT_FSIZE, 0);
	/* execve() takes arrays it does not change */
	(void)execve(s->argv[0], (char *const *)(uintptr_t)s->argv,
		     (char *const *)(uintptr_t)(s->env ? s->env : plain_env));
	_exit(127);
}

int child_start(const struct child_spec *spec, struct child *out, struct err *e)
{
	int to[2], from[2], nowhere;
	*out = (struct child){ .to = -1, .from = -1 };
	if (access(spec->argv[0], X_OK))
		return fault(e, "%s is not there to be run (errno %d)", spec->argv[0], errno);
	/* A socket, not a pipe, towards it: MSG_NOSIGNAL spares us SIGPIPE when it died. */
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, to))
		return fault(e, "socketpair: errno %d", errno);
	if (pipe2(from, O_CLOEXEC)) {
		close(to[0]);
		close(to[1]);
		return fault(e, "pipe: errno %d", errno);
	}
	nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
	pid_t parent = getpid();
	pid_t pid = fork();
	if (pid == 0)
		become(spec, to[0], from[1], nowhere, parent);
	int saved = errno;
	close(to[0]);
	close(from[1]);
	if (nowhere >= 0)
		close(nowhere);
	if (pid < 0) {
		close(to[1]);
		close(from[0]);
		return fault(e, "fork: errno %d", saved);
	}
	(void)fcntl(to[1], F_SETFL, O_NONBLOCK);
	(void)fcntl(from[0], F_SETFL, O_NONBLOCK);
	*out = (struct child){ .pid = pid, .to = to[1], .from = from[0] };
	return 0;
}

/* 1 ready, 0 the deadline came */
static int wait_ready(int fd, short what, int64_t deadline)
{
	for (;;) {
		int64_t left = deadline - clock_monotonic();
		if (left <= 0)
			return 0;
		struct pollfd p = { .fd = fd, .events = what };
		int n = poll(&p, 1, (int)(left / 1000) + 1);
		if (n > 0)
			return 1;
		if (n < 0 && errno != EINTR)
			return 0;
	}
}

int child_write(struct child *c, const void *bytes, size_t n, int64_t deadline, struct err *e)
{
	const char *p = bytes;
	while (n) {
		if (!wait_ready(c->to, POLLOUT, deadline))
			return fault(e, "child: no room before the deadline");
		ssize_t w = send(c->to, p, n, MSG_NOSIGNAL);
		if (w < 0) {
			if (errno == EAGAIN || errno == EINTR)
				continue;
			return fault(e, "child: write errno %d", errno);
		}
		p += w;
		n -= (size_t)w;
	}
	return 0;
}

int child_read(struct child *c, void *bytes, size_t size, int64_t deadline, size_t *got, struct err *e)
{
	for (;;) {
		if (!wait_ready(c->from, POLLIN, deadline))
			return fault(e, "child: silent until the deadline");
		ssize_t r = read(c->from, bytes, size);
		if (r >= 0) {
			*got = (size_t)r;
			return 0;
		}
		if (errno != EAGAIN && errno != EINTR)
			return fault(e, "child: read errno %d", errno);
	}
}

void child_kill(struct child *c)
{
	int status;
	if (c->pid)
		(void)kill(-c->pid, SIGKILL), (void)kill(c->pid, SIGKILL);
	child_end(c, INT64_MAX, &status);
}

void child_end(struct child *c, int64_t deadline, int *status)
{
	int how = 0;
	bool killed = false;
	*status = -1;
	if (!c->pid)
		return;
	close(c->to);
	close(c->from);
	for (;;) {
		pid_t r = waitpid(c->pid, &how, deadline == INT64_MAX ? 0 : WNOHANG);
		if (r == c->pid) {
			*status = WIFEXITED(how) && !killed ? WEXITSTATUS(how) : -1;
			break;
		}
		if (r < 0 && errno != EINTR)
			break;
		if (r == 0 && clock_monotonic() >= deadline) {
			(void)kill(-c->pid, SIGKILL);
			(void)kill(c->pid, SIGKILL);
			killed = true;
			deadline = INT64_MAX;
		} else if (r == 0) {
			nanosleep(&(struct timespec){ .tv_nsec = 2000000 }, NULL);
		}
	}
	*c = (struct child){ .to = -1, .from = -1 };
}

int child_memory_file(const void *bytes, size_t n, struct err *e)
{
	int fd = memfd_create("piece", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	if (fd < 0)
		return fault(e, "memfd: errno %d", errno);
	const char *p = bytes;
	for (size_t left = n; left;) {
		ssize_t w = write(fd, p, left);
		if (w < 0 && errno == EINTR)
			continue;
		if (w <= 0) {
			fault(e, "memfd: write errno %d", errno);
			close(fd);
			return -1;
		}
		p += w;
		left -= (size_t)w;
	}
	(void)fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL);
	return fd;
}
