/* Told to stop while work on other threads goes on, against a real PostgreSQL: in this process, which the sanitizer
 * sees. */
#include <curl/curl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "../lib/folder.h"
#include "../lib/pgtest.h"
#include "../lib/served.h"
#include "../lib/test.h"

#include "../../server/http.h"
#include "../../server/job.h"

static struct service service;
static struct pool *pool;
static atomic_int begun, ended;
static atomic_bool may_end[2];

/* In libsodium's place: a password takes as long to be judged as the test wants. Two are judged, by their first letter.
 */
int crypto_pwhash_str(char out[128], const char *password, unsigned long long n, unsigned long long ops, size_t memory)
{
	(void)n;
	(void)ops;
	(void)memory;
	atomic_fetch_add(&begun, 1);
	while (!atomic_load(&may_end[*password == 'b']))
		usleep(10000);
	memset(out, 0, 128);
	atomic_fetch_add(&ended, 1);
	return 0;
}

static void *run(void *result)
{
	struct err e = { 0 };
	*(int *)result = http_run(&service, NULL, &e);
	return NULL;
}

static size_t ignore(char *bytes, size_t size, size_t n, void *unused)
{
	(void)bytes;
	(void)unused;
	return size * n;
}

/* Somebody who signs in with this password and waits for the answer. */
static void *sign_in(void *password)
{
	CURL *c = curl_easy_init();
	struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
	char url[64], body[100];
	snprintf(url, sizeof url, "https://localhost:%d/connexion", service.settings.port);
	snprintf(body, sizeof body, "{\"email\":\"%s@nowhere.example\",\"password\":\"%s\"}", (const char *)password,
		 (const char *)password);
	curl_easy_setopt(c, CURLOPT_URL, url);
	curl_easy_setopt(c, CURLOPT_CAINFO, service.settings.tls_cert);
	curl_easy_setopt(c, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(c, CURLOPT_POSTFIELDS, body);
	curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, ignore);
	(void)curl_easy_perform(c);
	curl_slist_free_all(headers);
	curl_easy_cleanup(c);
	return NULL;
}

static void wait_for(const atomic_int *count, int wanted)
{
	int64_t end = clock_monotonic() + 60 * SECOND;
	while (atomic_load(count) < wanted && clock_monotonic() < end)
		usleep(10000);
	assert_int_equal(atomic_load(count), wanted);
}

/* `a` ends when its visitor was let go and the lanes are closed, `b` when the loops have given up and the pool too. */
static void work_that_outlasts_the_farewell_touches_nothing_that_is_gone(void **unused)
{
	(void)unused;
	pthread_t thread, visitors[2];
	int result = -2;
	good(pthread_create(&thread, NULL, run, &result), NULL);
	static char passwords[2][12] = { "a-password", "b-password" };
	for (size_t i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&visitors[i], NULL, sign_in, passwords[i]), 0);
	wait_for(&begun, 2);
	int64_t told = clock_monotonic();
	http_stop();
	for (size_t i = 0; i < 2; i++)
		pthread_join(visitors[i], NULL);
	while (clock_monotonic() < told + 13 * SECOND)
		usleep(100000);
	atomic_store(&may_end[0], true);
	pthread_join(thread, NULL);
	assert_int_equal(result, 0);
	assert_int_equal(atomic_load(&ended), 1);
	assert_false(jobs_stop());
	atomic_store(&may_end[1], true);
	wait_for(&ended, 2);
	assert_true(jobs_stop());
	assert_true(clock_monotonic() - told < 35 * SECOND);
}

static int start(void **unused)
{
	struct settings *s = &service.settings;
	struct err e = { 0 };
	(void)unused;
	signal(SIGPIPE, SIG_IGN);
	pool = pool_new();
	pgtest_migrate();
	const char *folder = folder_new(pool), *certs = pool_printf(pool, "%s/certs", folder),
		   *ca = pool_printf(pool, "%s/ca", folder);
	good(authority_server(certs, &e), &e);
	good(authority_make(ca, &e), &e);
	*s = (struct settings){
		.home = folder,
		.tls_cert = pool_printf(pool, "%s/server.pem", certs),
		.tls_key = pool_printf(pool, "%s/server.key", certs),
		.agent_ca = pool_printf(pool, "%s/ca.pem", ca),
		.agent_crl = "",
		.max_connections_per_address = 20,
		.idle_seconds = 60,
		.loops = 1,
	};
	service.dsn = pgtest_dsn();
	served_open(&service, pool);
	return 0;
}

static int stop(void **unused)
{
	(void)unused;
	keyring_close(service.keys);
	folder_remove(service.settings.home);
	pool_free(pool);
	curl_global_cleanup();
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(work_that_outlasts_the_farewell_touches_nothing_that_is_gone),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
