#include "watch.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "../db/anomaly.h"
#include "../db/identity.h"
#include "../db/policy.h"
#include "../db/watch.h"
#include "base/file.h"
#include "base/log.h"
#include "base/wait.h"
#include "metric.h"
#include "policy.h"
#include "scan.h"

#define STATE_SECONDS 60
#define INVARIANTS_SECONDS 300
#define ROOM_SECONDS 2
#define POLICY_SECONDS 2
#define PEM_MOST (1 << 20)
#define MEBIBYTE (1024.0 * 1024)

static struct {
	struct service *service;
	struct lanes *lanes;
	pthread_t threads[2];
	int running;
	bool stop;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under the lock: what was found last, as lines; owned */
	char *found[2];
	int64_t found_at; /* clock_monotonic() of the last look at the database that went well */
} watch = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };
static atomic_bool no_room;

enum { FOUND_STATE, FOUND_INVARIANTS };

static void keep(size_t which, const struct str *text)
{
	char *copy = strdup(text->s ? text->s : "");
	pthread_mutex_lock(&watch.lock);
	free(watch.found[which]);
	watch.found[which] = copy;
	watch.found_at = clock_monotonic();
	pthread_mutex_unlock(&watch.lock);
}

static int ask(struct pool *pool, const struct statement *st, const struct rows **out, struct err *e)
{
	static const struct identity system_identity = { .role = SYSTEM };
	struct segment *g = segment_new(watch.lanes, pool, LANE_SLOW, NULL, NULL);
	identity_ask(g, pool, &system_identity, 0);
	size_t at = segment_ask(g, st, NO_ARGS);
	if (db_send_wait(g, e))
		return -1;
	*out = segment_rows(g, at);
	return 0;
}

/* ---- the database ---- */

static double number(const struct rows *r, const char *column, double unknown)
{
	double v = rows_null(r, 0, column) ? unknown : rows_f64(r, 0, column);
	return v < 0 ? 0 : v;
}

static int look_at_state(struct pool *pool, struct err *e)
{
	/* Nothing late is 0; a registry that never came is infinitely old. */
	static const struct {
		const char *column, *name, *help;
		double unknown;
	} rows[] = {
		{ "outbox_waiting", "outbox_waiting", "Work after a commit that is not done.", 0 },
		{ "outbox_late_seconds", "outbox_late_seconds", "Since the oldest of it was due.", 0 },
		{ "outbox_retrying", "outbox_retrying", "Of it, tried five times or more (scans and addresses apart).",
		  0 },
		{ "scans_waiting", "scans_waiting", "Pieces that no virus scanner has seen yet.", 0 },
		{ "deadlines_late", "deadlines_late", "Files whose deadline passed ten minutes ago.", 0 },
		{ "root_late_seconds", "chain_root_late_seconds", "Since the history's signed root was due.", 0 },
		{ "registry_age_seconds", "registry_age_seconds", "Since the registry was last imported.", INFINITY },
		{ "standbys", "standbys", "Databases that follow this one.", 0 },
		{ "database_bytes", "database_bytes", "Size of the database.", 0 },
	};
	const struct rows *r, *sizes;
	struct str out = str_in(pool);
	if (ask(pool, &watch_state, &r, e) || ask(pool, &watch_sizes, &sizes, e))
		return -1;
	for (size_t i = 0; i < COUNT(rows); i++)
		metric(&out, rows[i].name, "gauge", rows[i].help, number(r, rows[i].column, rows[i].unknown));
	if (!rows_null(r, 0, "standby_lag_bytes"))
		metric(&out, "standby_lag_bytes", "gauge", "What the slowest standby has not replayed.",
		       number(r, "standby_lag_bytes", 0));
	metric_head(&out, "part_bytes", "gauge", "Size of what grows, with its indexes.");
	for (size_t i = 0; i < rows_count(sizes); i++)
		metric_of(&out, "part_bytes", "part", rows_str(sizes, i, "part"), rows_f64(sizes, i, "bytes"));
	if (*watch.service->settings.clamd)
		metric(&out, "scanner_up", "gauge", "Whether the virus scanner answers.",
		       scan_there(watch.service->settings.clamd));
	keep(FOUND_STATE, &out);
	return 0;
}

/* Somebody may have changed one: `enrollctl policy set`. */
static int look_at_policy(struct pool *pool, struct err *e)
{
	const struct rows *r;
	return ask(pool, &policy_values, &r, e) || policy_take(watch.service, r, e) ? -1 : 0;
}

static int look_at_invariants(struct pool *pool, struct err *e)
{
	const struct rows *r;
	struct str out = str_in(pool);
	if (ask(pool, &anomaly_invariants, &r, e))
		return -1;
	metric_head(&out, "impossible_files", "gauge", "Files in a state that must never be, by view.");
	for (size_t i = 0; i < rows_count(r); i++)
		metric_of(&out, "impossible_files", "view", rows_str(r, i, "name"), rows_f64(r, i, "n"));
	keep(FOUND_INVARIANTS, &out);
	return 0;
}

/* ---- the disk ---- */

static bool disk(double *room, double *size)
{
	struct statvfs v;
	if (statvfs(watch.service->settings.home, &v))
		return false;
	*room = (double)v.f_bavail * (double)v.f_frsize;
	*size = (double)v.f_blocks * (double)v.f_frsize;
	return true;
}

static double disk_floor(double size)
{
	if (watch.service->settings.disk_floor_mb)
		return watch.service->settings.disk_floor_mb * MEBIBYTE;
	return fmin(256 * MEBIBYTE, size / 20);
}

static void look_at_disk(void)
{
	double room, size;
	if (!disk(&room, &size))
		return;
	bool full = room < disk_floor(size);
	if (atomic_exchange(&no_room, full) != full)
		log_event(full ? LOG_ERROR : LOG_INFO, full ? "watch.disk_floor" : "watch.disk_room");
}

bool watch_room(void)
{
	return !atomic_load(&no_room);
}

/* The files of one folder: the log of the embedded cluster is such a one. -1 without it. */
static double folder_bytes(const char *path)
{
	DIR *d = opendir(path);
	double bytes = 0;
	struct stat st;
	if (!d)
		return -1;
	for (struct dirent *x; (x = readdir(d));)
		if (!fstatat(dirfd(d), x->d_name, &st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st.st_mode))
			bytes += (double)st.st_size;
	closedir(d);
	return bytes;
}

static void metrics_of_disk(struct str *out, struct pool *pool)
{
	double room, size, log = folder_bytes(pool_printf(pool, "%s/pg/data/pg_wal", watch.service->settings.home));
	if (disk(&room, &size)) {
		metric(out, "disk_free_bytes", "gauge", "Left on the disk of ENROLL_HOME.", room);
		metric(out, "disk_size_bytes", "gauge", "Size of that disk.", size);
		metric(out, "disk_floor_bytes", "gauge", "Below it pieces are refused.", disk_floor(size));
	}
	if (log >= 0)
		metric(out, "wal_bytes", "gauge", "Write-ahead log of the embedded database.", log);
}

/* ---- what ends by itself ---- */

static void metrics_of_dates(struct str *out, struct pool *pool)
{
	const struct settings *s = &watch.service->settings;
	const struct {
		const char *of, *path;
	} files[] = { { "server", s->tls_cert },
		      { "seal", s->seal_cert },
		      { "agents_ca", s->agent_ca },
		      { "agents_crl", s->agent_crl } };
	metric_head(out, "not_after_timestamp_seconds", "gauge",
		    "When a certificate, or the list of revoked ones, ends.");
	for (size_t i = 0; i < COUNT(files); i++) {
		struct err e;
		instant_t end;
		const char *pem = *files[i].path ? file_read(files[i].path, PEM_MOST, pool, NULL, &e) : NULL;
		if (pem && !certificate_end(pem, &end)) {
			int64_t seconds = end / SECOND;
			metric_of(out, "not_after_timestamp_seconds", "of", files[i].of, (double)seconds);
		}
	}
}

void watch_metrics(struct str *out)
{
	struct pool *pool = pool_new();
	if (watch.service) {
		metrics_of_disk(out, pool);
		metrics_of_dates(out, pool);
	}
	pthread_mutex_lock(&watch.lock);
	for (size_t i = 0; i < COUNT(watch.found); i++)
		str_add(out, watch.found[i] ? watch.found[i] : "");
	if (watch.found_at)
		metric(out, "watch_age_seconds", "gauge", "Since the figures of the database were taken.",
		       (double)(clock_monotonic() - watch.found_at) / SECOND);
	pthread_mutex_unlock(&watch.lock);
	pool_free(pool);
}

/* ---- the threads ---- */

static bool rest(void)
{
	int64_t until = clock_monotonic() + ROOM_SECONDS * SECOND;
	pthread_mutex_lock(&watch.lock);
	while (!watch.stop && wait_until(&watch.wake, &watch.lock, until))
		;
	bool stop = watch.stop;
	pthread_mutex_unlock(&watch.lock);
	return stop;
}

/* The views read every file: at most a hundredth of the time. */
static int64_t invariants_pause(int64_t took)
{
	return took * 100 > INVARIANTS_SECONDS * SECOND ? took * 100 : INVARIANTS_SECONDS * SECOND;
}

/* Waits for nothing else: whether there is room is known while the database is slow or away. */
static void *look_at_room(void *unused)
{
	(void)unused;
	do
		look_at_disk();
	while (!rest());
	return NULL;
}

static void *look_at_database(void *unused)
{
	int64_t policy_at = 0, state_at = 0, invariants_at = 0;
	int trouble = 0;
	(void)unused;
	do {
		int64_t now = clock_monotonic();
		struct pool *pool = pool_new();
		struct err e;
		int bad = 0;
		if (now >= policy_at) {
			bad = look_at_policy(pool, &e);
			policy_at = now + (bad ? 5 : POLICY_SECONDS) * SECOND;
		}
		if (!bad && now >= state_at) {
			bad = look_at_state(pool, &e);
			state_at = now + (bad ? 5 : STATE_SECONDS) * SECOND;
		}
		if (!bad && now >= invariants_at) {
			bad = look_at_invariants(pool, &e);
			int64_t ended = clock_monotonic();
			invariants_at = ended + (bad ? 5 * SECOND : invariants_pause(ended - now));
		}
		if (bad && (trouble++ % 60) == 0)
			log_event(LOG_WARN, "watch.failed", "kind", err_kind_name(e.kind), "detail", e.detail);
		pool_free(pool);
	} while (!rest());
	return NULL;
}

int watch_start(struct service *s, struct err *e)
{
	static void *(*const looks[])(void *) = { look_at_room, look_at_database };
	watch.service = s;
	watch.stop = false;
	watch.lanes =
		lanes_open(&(struct lanes_options){ .dsn = s->dsn, .write = 1, .application_name = "enroll-watch" },
			   NULL, NULL, e);
	if (!watch.lanes)
		return -1;
	for (watch.running = 0; watch.running < (int)COUNT(looks); watch.running++)
		if (pthread_create(&watch.threads[watch.running], NULL, looks[watch.running], NULL)) {
			watch_stop();
			return fault(e, "watch: no thread");
		}
	return 0;
}

void watch_stop(void)
{
	if (!watch.lanes)
		return;
	pthread_mutex_lock(&watch.lock);
	watch.stop = true;
	pthread_cond_broadcast(&watch.wake);
	pthread_mutex_unlock(&watch.lock);
	while (watch.running)
		pthread_join(watch.threads[--watch.running], NULL);
	lanes_close(watch.lanes);
	watch.lanes = NULL;
	for (size_t i = 0; i < COUNT(watch.found); i++) {
		free(watch.found[i]);
		watch.found[i] = NULL;
	}
	watch.found_at = 0;
}
