/*
 * One JSON object a line on standard error: {"t":…,"level":…,"event":…,"key":value,…}. Ids and codes only.
 *
 *	log_event(LOG_WARN, "db.lost", "lane", "fast", "code", "57P01");     an event, then pairs of texts
 *
 * Values are escaped here. What must never be given to it: a name, an NIR, an IBAN, an e-mail, a token, a document.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

/* At the start; it also looks at what standard error is: a pipe and a socket are never waited for. */
void log_set_level(enum log_level least);
#define log_event(...) log_pairs(__VA_ARGS__, (const char *)NULL)
/*
 * Between the two the lines of this thread are gathered, to be written several at a time (4096 bytes at the most: what
 * a pipe takes whole). For a moment only: what is held when the process is killed is lost.
 */
void log_hold(void);
void log_release(void);
/* Lines that found no room: whoever reads standard error had stopped, or the disk was full. Nothing waits for either.
 */
uint64_t log_lost(void);
void log_pairs(enum log_level level, const char *event, ...) __attribute__((sentinel));

#endif
