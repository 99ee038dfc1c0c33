/*
 * Small files, whole: keys, certificates, settings. A reader never sees half of one: it is written under a temporary
 * name beside its place, made durable, then renamed.
 *
 *	file_write("var/tls/ca.pem", text, n, 0600, &e);
 *	char *text = file_read("var/tls/ca.pem", 65536, pool, &n, &e);
 *
 * Failures are ERR_FAULT (ERR_MISSING "file.missing" for a file that is not there); the detail names the last part of
 * the path and the errno.
 */
#ifndef BASE_FILE_H
#define BASE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "err.h"
#include "pool.h"

/* At most `most` bytes, else a fault; a 0 follows the last. `n` may be NULL. */
char *file_read(const char *path, size_t most, struct pool *pool, size_t *n, struct err *e);
bool file_exists(const char *path);
/* Replaces what is there. */
int file_write(const char *path, const void *data, size_t n, mode_t mode, struct err *e) MUST_USE;
/* Makes it only where there is none yet; one that is there, even made meanwhile by another process, is left (0). */
int file_write_once(const char *path, const void *data, size_t n, mode_t mode, struct err *e) MUST_USE;
/* Makes a folder and those above it. */
int file_folder(const char *path, mode_t mode, struct err *e) MUST_USE;
/* Waits for the lock of a folder (flock: freed by close, or by the end of the process); a descriptor, or -1. */
int file_lock_folder(const char *path, struct err *e) MUST_USE;

#endif
