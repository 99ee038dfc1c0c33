#include "served.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "../../forms/form.h"
#include "../../server/base/log.h"
#include "../../server/base/str.h"
#include "../../server/http.h"
#include "../../server/job.h"
#include "../../server/page.h"
#include "../../server/pages/pages.h"
#include "../../server/text.h"
#include "test.h"

void good(int result, const struct err *e)
{
	if (result)
		fail_msg("%s %s", e->text ? e->text : "", e->detail);
}

static int free_port(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t n = sizeof a;
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
	close(fd);
	return ntohs(a.sin_port);
}

void served_open(struct service *service, struct pool *pool)
{
	struct settings *s = &service->settings;
	struct err e = { 0 };

	s->bind = "127.0.0.1";
	s->port = free_port();
	s->agent_port = free_port();
	s->public_url = pool_printf(pool, "https://localhost:%d", s->port);
	s->agent_url = pool_printf(pool, "https://localhost:%d", s->agent_port);
	s->eligibility = "automatic";
	service->pool = pool;
	service->policy = &policy_default;
	service->keys = keyring_open(pool_printf(pool, "%s/keys", s->home), true, &e);
	assert_non_null(service->keys);
	log_set_level(LOG_ERROR);
	good(texts_load(pool, &e), &e);
	good(forms_load(pool, &e), &e);
	good(pages_load(pool, &e), &e);
	good(statics_load(pool, &e), &e);
	good(jobs_start(2, &e), &e);
	good(http_open(service, &e), &e);
	curl_global_init(CURL_GLOBAL_DEFAULT);
}
