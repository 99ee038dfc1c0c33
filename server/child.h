/*
 * Another program, run without a shell, with few rights: an empty environment, no descriptor but those said, limits,
 * and a death that follows ours.
 *
 *	struct child c;
 *	child_start(&(struct child_spec){ .argv = argv, .seconds_cpu = 10, .bytes_memory = 1 << 30 }, &c, &e);
 *	child_read(&c, buffer, sizeof buffer, deadline, &n, &e);    0 bytes: the end of what it says
 *	child_end(&c, deadline, &status);                          kills it when it is still there at the deadline
 *
 * Deadlines are clock_monotonic() times. It waits: never call it on an event loop.
 */
#ifndef SERVER_CHILD_H
#define SERVER_CHILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/err.h"

struct child_spec {
	const char *const *argv; /* argv[0] is the whole path of the program; NULL at the end */
	const char *const *env;  /* NULL: LANG=C.UTF-8 alone */
	int file;                /* given as descriptor 3 (/proc/self/fd/3); 0: none */
	int seconds_cpu;         /* 0: no limit */
	size_t bytes_memory;     /* address space; 0: no limit */
	bool writes_files;       /* without it a file it writes stays empty */
};
struct child {
	pid_t pid;    /* 0: not running */
	int to, from; /* its standard input and output, non-blocking */
};

int child_start(const struct child_spec *spec, struct child *out, struct err *e) MUST_USE;
/* All n bytes, or a fault: it died, or the deadline came. */
int child_write(struct child *c, const void *bytes, size_t n, int64_t deadline, struct err *e) MUST_USE;
/* Some bytes; *got 0 at the end. */
int child_read(struct child *c, void *bytes, size_t size, int64_t deadline, size_t *got, struct err *e) MUST_USE;
/* Closes its pipes and waits; *status is its exit code, or -1 when it was killed. */
void child_end(struct child *c, int64_t deadline, int *status);
void child_kill(struct child *c);
/* A file of these bytes that has no name, for child_spec.file. The caller closes it. */
int child_memory_file(const void *bytes, size_t n, struct err *e);

#endif
