/*
 * enrolld: one process that serves until it is told to stop.
 *
 * Started as root it hands ENROLL_HOME to an unprivileged user and becomes that user before it reads or makes anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
/* struct group is also a form's repetition. */
#define group os_group
#include <grp.h>
#undef group
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <systemd/sd-daemon.h>
#include <time.h>
#include <unistd.h>

#include "../db/cluster.h"
#include "../db/migrate.h"
#include "../forms/form.h"
#include "base/log.h"
#include "base/str.h"
#include "clerk.h"
#include "http.h"
#include "job.h"
#include "page.h"
#include "pages/pages.h"
#include "service.h"
#include "text.h"

#define WORK_THREADS 4
#define AWAY_SECONDS 60 /* how long a given database may be away at the start */

static struct service service;

/* ---- root gives itself up ---- */

static int folder_made(const char *path, mode_t mode, struct err *e)
{
	char part[PATH_MAX];
	snprintf(part, sizeof part, "%s", path);
	for (char *slash = strchr(part + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdir(part, 0755) && errno != EEXIST)
			return fault(e, "home: cannot make a folder above it: %s", strerror(errno));
		*slash = '/';
	}
	if (mkdir(part, mode) && errno != EEXIST)
		return fault(e, "home: cannot be made: %s", strerror(errno));
	return 0;
}

static uid_t to_uid;
static gid_t to_gid;

/* Only what root made by an earlier command: the cluster may belong to somebody else. Links are not followed. */
static int hand_over(const char *path, const struct stat *st, int type, struct FTW *where)
{
	(void)type;
	(void)where;
	if (st->st_uid == 0 && lchown(path, to_uid, to_gid))
		return -1;
	return 0;
}

/* Can that user come to this folder and write there? Asked by being them, in a child. */
static bool reachable(const char *path)
{
	pid_t child = fork();
	if (child == 0) {
		if (setgroups(0, NULL) || setgid(to_gid) || setuid(to_uid))
			_exit(1);
		_exit(access(path, R_OK | W_OK | X_OK) ? 1 : 0);
	}
	int status = 1;
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) && !WEXITSTATUS(status);
}

/* A parent folder is closed to the user: the state lives under /var/lib/enroll and HOME is a link to it. */
static int move_away(const char *home, struct pool *pool, const char **real, struct err *e)
{
	unsigned char digest[SHA256_SIZE];
	crypto_sha256(home, strlen(home), digest);
	const char *away = pool_printf(pool, "/var/lib/enroll/%s", str_hex(pool, digest, 8));
	if (folder_made(away, 0700, e))
		return -1;
	if (lchown(away, to_uid, to_gid) || chmod(away, 0700))
		return fault(e, "home: %s", strerror(errno));
	if (rmdir(home) && errno != ENOENT)
		return fault(e, "home: user %u cannot reach it and it is not empty", (unsigned)to_uid);
	if (symlink(away, home))
		return fault(e, "home: cannot be linked: %s", strerror(errno));
	*real = away;
	return 0;
}

static int become_unprivileged(struct settings *s, struct pool *pool, struct err *e)
{
	struct stat st;
	const char *home = s->home;
	char *linked = realpath(home, NULL);
	if (linked)
		home = pool_strdup(pool, linked);
	free(linked);
	if (folder_made(home, 0700, e) || stat(home, &st))
		return fault(e, "home: cannot be made: %s", strerror(errno));
	const struct passwd *user = st.st_uid ? getpwuid(st.st_uid) : getpwnam("postgres");
	if (!user)
		return fault(e, "started as root: there is no user postgres to run as");
	to_uid = user->pw_uid;
	to_gid = user->pw_gid;
	const char *name = pool_strdup(pool, user->pw_name);
	if (nftw(home, hand_over, 32, FTW_PHYS))
		return fault(e, "home: cannot be handed over: %s", strerror(errno));
	if (!reachable(home) && move_away(home, pool, &home, e))
		return -1;
	settings_move_home(s, home, pool);
	if (initgroups(name, to_gid) || setgid(to_gid) || setuid(to_uid) || !setuid(0))
		return fault(e, "cannot become user %s", name);
	prctl(PR_SET_DUMPABLE, 1); /* reset by setuid: core dumps are the operator's choice */
	log_event(LOG_INFO, "main.user", "name", name, NULL);
	return 0;
}

static const char *absolute(const char *path, struct pool *pool)
{
	char here[PATH_MAX];
	if (*path == '/' || !getcwd(here, sizeof here))
		return path;
	return pool_printf(pool, "%s/%s", here, path);
}

/* ---- what is made when it is not given ---- */

static bool is_default(const char *path, const char *home, const char *under)
{
	size_t n = strlen(home);
	return !strncmp(path, home, n) && path[n] == '/' && !strcmp(path + n + 1, under);
}

static int make_certificates(const struct settings *s, struct pool *pool, struct err *e)
{
	const char *certs = pool_printf(pool, "%s/certs", s->home), *ca = pool_printf(pool, "%s/ca", s->home);
	if (is_default(s->tls_cert, s->home, "certs/server.pem") &&
	    (folder_made(certs, 0700, e) || authority_server(certs, e)))
		return -1;
	if (is_default(s->agent_ca, s->home, "ca/ca.pem") && (folder_made(ca, 0700, e) || authority_make(ca, e)))
		return -1;
	return 0;
}

/* ---- the embedded cluster, kept alive ---- */

static struct {
	struct cluster cluster;
	pthread_t thread;
	bool used, watching;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
} embedded = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

static void restart_cluster(void)
{
	struct err e = { 0 };
	struct cluster again;
	log_event(LOG_ERROR, "cluster.died", NULL);
	if (cluster_start(service.settings.home, service.pool, &again, &e)) {
		log_event(LOG_ERROR, "cluster.not_restarted", "detail", e.detail, NULL);
		return;
	}
	struct cluster dead = embedded.cluster;
	embedded.cluster = again;
	cluster_stop(&dead); /* only its lock: the new one holds it too */
	log_event(LOG_WARN, "cluster.restarted", NULL);
}

static void *watch_cluster(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&embedded.lock);
	while (!embedded.stop) {
		struct timespec at;
		clock_gettime(CLOCK_REALTIME, &at);
		at.tv_sec++;
		pthread_cond_timedwait(&embedded.wake, &embedded.lock, &at);
		if (!embedded.stop && !cluster_alive(&embedded.cluster))
			restart_cluster();
	}
	pthread_mutex_unlock(&embedded.lock);
	return NULL;
}

static void stop_cluster(void)
{
	if (embedded.watching) {
		pthread_mutex_lock(&embedded.lock);
		embedded.stop = true;
		pthread_cond_signal(&embedded.wake);
		pthread_mutex_unlock(&embedded.lock);
		pthread_join(embedded.thread, NULL);
	}
	if (embedded.used)
		cluster_stop(&embedded.cluster);
}

static int open_embedded(struct err *e)
{
	struct cluster *c = &embedded.cluster;
	int applied = 0;
	struct pool *pool = pool_new();
	if (cluster_start(service.settings.home, service.pool, c, e)) {
		pool_free(pool);
		return -1;
	}
	embedded.used = true;
	service.dsn = c->dsn;
	service.owner_dsn = c->owner_dsn;
	service.purge_dsn = c->purge_dsn;
	int result = migrate(c->owner_dsn, workflow_print(pool), workflow_digest(pool), &applied, e);
	pool_free(pool);
	if (result)
		return -1;
	if (pthread_create(&embedded.thread, NULL, watch_cluster, NULL))
		return fault(e, "no thread to mind the cluster");
	embedded.watching = true;
	return 0;
}

/* A given database is never changed here: `enrollctl migrate` does that. It may still be starting. */
static int open_given(struct err *e)
{
	struct pool *pool = pool_new();
	int result;
	service.dsn = service.settings.dsn;
	service.owner_dsn = *service.settings.owner_dsn ? service.settings.owner_dsn : NULL;
	service.purge_dsn = *service.settings.purge_dsn ? service.settings.purge_dsn : NULL;
	for (int i = 0;; i++) {
		*e = (struct err){ 0 };
		result = migrate_check(service.dsn, workflow_digest(pool), e);
		if (!result || (e->kind != ERR_BUSY && e->kind != ERR_RETRY) || i == AWAY_SECONDS)
			break;
		log_event(LOG_WARN, "main.database_away", NULL);
		sleep(1);
	}
	pool_free(pool);
	return result;
}

/* ---- from start to end ---- */

static enum log_level level_of(const char *name)
{
	return !strcmp(name, "debug")   ? LOG_DEBUG
	       : !strcmp(name, "warn")  ? LOG_WARN
	       : !strcmp(name, "error") ? LOG_ERROR
					: LOG_INFO;
}

static int prepare(struct err *e)
{
	struct settings *s = &service.settings;
	if (settings_read(service.pool, s, e))
		return -1;
	log_set_level(level_of(s->log_level));
	settings_move_home(s, absolute(s->home, service.pool), service.pool);
	if (geteuid() == 0 && become_unprivileged(s, service.pool, e))
		return -1;
	if (folder_made(s->home, 0700, e) || make_certificates(s, service.pool, e))
		return -1;
	service.keys = keyring_open(s->key_file, is_default(s->key_file, s->home, "keys"), e);
	if (!service.keys)
		return -1;
	service.policy = policy_default;
	if (texts_load(service.pool, e) || forms_load(service.pool, e) || pages_load(service.pool, e) ||
	    statics_load(service.pool, e))
		return -1;
	return http_open(&service, e);
}

static void tell_where(void)
{
	const struct settings *s = &service.settings;
	printf("Public :  %s\nAgents :  %s\n", s->public_url, s->agent_url);
	fflush(stdout);
}

static int serve(struct err *e)
{
	if (*service.settings.dsn ? open_given(e) : open_embedded(e))
		return -1;
	if (jobs_start(WORK_THREADS, e))
		return -1;
	int result = clerk_start(&service, e);
	if (!result) {
		tell_where();
		sd_notify(0, "READY=1");
		log_event(LOG_INFO, "main.ready", NULL);
		result = http_run(&service, e);
		sd_notify(0, "STOPPING=1");
		clerk_stop();
	}
	jobs_stop();
	return result;
}

int main(int argc, char **argv)
{
	struct err e = { 0 };
	sigset_t set;
	if (argc > 1) {
		fprintf(stderr, "%s takes no argument: its settings are ENROLL_… variables (enrollctl settings)\n",
			argv[0]);
		return 2;
	}
	/* Before any thread: only http_run() takes them. */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	umask(077);
	service.pool = pool_new();
	int result = prepare(&e);
	if (!result)
		result = serve(&e);
	if (result)
		log_event(LOG_ERROR, "main.failed", "text", e.text ? e.text : "", "detail", e.detail, NULL);
	stop_cluster();
	if (!result)
		log_event(LOG_INFO, "main.stopped", NULL);
	keyring_close(service.keys);
	pool_free(service.pool);
	return result ? 1 : 0;
}
