/*
 * enrolld: one process that serves until it is told to stop.
 *
 * Started as root it hands ENROLL_HOME to an unprivileged user and becomes that user before it reads or makes anything.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include "../db/cluster.h"
#include "../forms/form.h"
#include "base/log.h"
#include "base/wait.h"
#include "clerk.h"
#include "demo.h"
#include "home.h"
#include "http.h"
#include "job.h"
#include "page.h"
#include "pages/pages.h"
#include "pdf.h"
#include "service.h"
#include "text.h"
#include "watch.h"

#define WORK_THREADS 4

static struct service service;
static bool all_ended = true; /* no work is left that uses the service's things */

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
	log_event(LOG_ERROR, "cluster.died");
	if (cluster_start(service.settings.home, service.pool, &again, &e)) {
		log_event(LOG_ERROR, "cluster.not_restarted", "detail", e.detail);
		return;
	}
	struct cluster dead = embedded.cluster;
	embedded.cluster = again;
	cluster_stop(&dead); /* only its lock: the new one holds it too */
	log_event(LOG_WARN, "cluster.restarted");
}

static void *watch_cluster(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&embedded.lock);
	while (!embedded.stop) {
		wait_until(&embedded.wake, &embedded.lock, clock_monotonic() + SECOND);
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

static int open_database(struct err *e)
{
	if (home_open(&service, &embedded.cluster, &embedded.used, e))
		return -1;
	if (embedded.used && pthread_create(&embedded.thread, NULL, watch_cluster, NULL))
		return fault(e, "no thread to mind the cluster");
	embedded.watching = embedded.used;
	return 0;
}

/* ---- systemd's watchdog (WatchdogSec of the unit) ---- */

static struct {
	pthread_t thread;
	bool running, stop;
	int64_t every; /* µs */
	pthread_mutex_t lock;
	pthread_cond_t wake;
} life = { .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER };

/* Told only while every loop turns: a program that hangs is started again. */
static void *sign_of_life(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&life.lock);
	while (!life.stop) {
		if (http_turning(2 * life.every))
			sd_notify(0, "WATCHDOG=1");
		wait_until(&life.wake, &life.lock, clock_monotonic() + life.every);
	}
	pthread_mutex_unlock(&life.lock);
	return NULL;
}

static void sign_of_life_start(void)
{
	uint64_t all = 0;
	if (sd_watchdog_enabled(0, &all) <= 0)
		return;
	life.every = (int64_t)(all / 4);
	life.running = !pthread_create(&life.thread, NULL, sign_of_life, NULL);
}

static void sign_of_life_stop(void)
{
	if (!life.running)
		return;
	pthread_mutex_lock(&life.lock);
	life.stop = true;
	pthread_cond_signal(&life.wake);
	pthread_mutex_unlock(&life.lock);
	pthread_join(life.thread, NULL);
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
	if (home_enter(s, false, service.pool, e) || home_make(&service, e))
		return -1;
	if (texts_load(service.pool, e) || forms_load(service.pool, e) || pages_load(service.pool, e) ||
	    statics_load(service.pool, e))
		return -1;
	if (pdf_start(s->home, e))
		return -1;
	return http_open(&service, e);
}

static void tell_where(void)
{
	const struct settings *s = &service.settings;
	printf("Public :  %s\nAgents :  %s\n", s->public_url, s->agent_url);
	if (s->demo) {
		struct pool *pool = pool_new();
		fputs(demo_people(&service, pool), stdout);
		pool_free(pool);
	}
	fflush(stdout);
}

/* Seals wait in the outbox until their certificate is good: nobody else waits for it. */
static void try_seal(void)
{
	const struct settings *s = &service.settings;
	struct pool *pool = pool_new();
	struct err e;
	if (!pades_open(s->seal_cert, s->seal_key, pool, &e))
		log_event(LOG_WARN, "main.no_seal", "detail", e.detail);
	pool_free(pool);
}

static void tell_ready(void)
{
	tell_where();
	sd_notify(0, "READY=1");
	log_event(LOG_INFO, "main.ready");
}

static int serve(struct err *e)
{
	const struct settings *s = &service.settings;
	if (open_database(e))
		return -1;
	if (s->demo && demo_load(&service, e))
		return -1;
	if (jobs_start(WORK_THREADS, e))
		return -1;
	int result = clerk_start(&service, e);
	if (!result && !(result = watch_start(&service, e))) {
		try_seal();
		sign_of_life_start();
		result = http_run(&service, tell_ready, e);
		sign_of_life_stop();
		sd_notify(0, "STOPPING=1");
		watch_stop();
	}
	clerk_stop();
	all_ended = jobs_stop();
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
		log_event(LOG_ERROR, "main.failed", "text", e.text ? e.text : "", "detail", e.detail);
	pdf_stop();
	stop_cluster();
	if (!result)
		log_event(LOG_INFO, "main.stopped");
	if (!all_ended)
		_exit(result ? 1 : 0);
	keyring_close(service.keys);
	pool_free(service.pool);
	return result ? 1 : 0;
}
