#include "home.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
/* struct group is also a form's repetition. */
#define group os_group
#include <grp.h>
#undef group
#include <dirent.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../db/migrate.h"
#include "base/log.h"
#include "base/str.h"
#include "keys.h"
#include "policy.h"

#define AWAY_SECONDS 60 /* how long a given database may be away at the start */

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

static bool is_empty(const char *path)
{
	DIR *d = opendir(path);
	bool empty = true;
	for (struct dirent *x; d && empty && (x = readdir(d));)
		empty = !strcmp(x->d_name, ".") || !strcmp(x->d_name, "..");
	if (d)
		closedir(d);
	return empty;
}

/* What stood in HOME stays beside it, and is found from inside the new place by links. */
static int set_aside(const char *home, const char *away, struct pool *pool, struct err *e)
{
	const char *before = pool_printf(pool, "%s.before", home);
	if (rename(home, before))
		return fault(e, "home: user %u cannot reach it, and it cannot be set aside: %s", (unsigned)to_uid,
			     strerror(errno));
	DIR *d = opendir(before);
	for (struct dirent *x; d && (x = readdir(d));)
		if (strcmp(x->d_name, ".") && strcmp(x->d_name, "..") &&
		    symlink(pool_printf(pool, "%s/%s", before, x->d_name), pool_printf(pool, "%s/%s", away, x->d_name)))
			log_event(LOG_WARN, "home.not_linked", "why", strerror(errno));
	if (d)
		closedir(d);
	return 0;
}

/* A parent folder is closed to the user: the state lives under /var/lib/enroll and HOME is a link to it. */
static int move_away(const char *home, struct pool *pool, const char **real, struct err *e)
{
	unsigned char digest[SHA256_SIZE];
	crypto_sha256(home, strlen(home), digest);
	const char *away = NULL;
	/* A HOME that was removed by hand and made again is a new one: its old state is not taken up. */
	for (int n = 0; !away || !is_empty(away); n++)
		away = pool_printf(pool, n ? "/var/lib/enroll/%s-%d" : "/var/lib/enroll/%s", str_hex(pool, digest, 8),
				   n);
	if (folder_made(away, 0755, e))
		return -1;
	if (lchown(away, to_uid, to_gid) || chmod(away, 0755))
		return fault(e, "home: %s", strerror(errno));
	if (rmdir(home) && errno != ENOENT && set_aside(home, away, pool, e))
		return -1;
	if (symlink(away, home))
		return fault(e, "home: cannot be linked: %s", strerror(errno));
	*real = away;
	return 0;
}

static const char *absolute(const char *path, struct pool *pool)
{
	char here[PATH_MAX];
	if (*path == '/' || !getcwd(here, sizeof here))
		return path;
	return pool_printf(pool, "%s/%s", here, path);
}

static bool can_come_back;

int home_enter(struct settings *s, bool come_back, struct pool *pool, struct err *e)
{
	struct stat st;
	const char *home = absolute(s->home, pool);
	char *linked = realpath(home, NULL);
	if (linked)
		home = pool_strdup(pool, linked);
	free(linked);
	if (geteuid()) {
		settings_move_home(s, home, pool);
		return 0;
	}
	if (folder_made(home, 0755, e) || stat(home, &st))
		return fault(e, "home: cannot be made: %s", strerror(errno));
	/* cppcheck-suppress [getpwuidCalled, getpwnamCalled] ; there is no thread yet */
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
	can_come_back = come_back;
	if (initgroups(name, to_gid) || setresgid(to_gid, to_gid, come_back ? 0 : to_gid) ||
	    setresuid(to_uid, to_uid, come_back ? 0 : to_uid) || (!come_back && !setuid(0)))
		return fault(e, "cannot become user %s", name);
	prctl(PR_SET_DUMPABLE, 1); /* reset by setuid: core dumps are the operator's choice */
	log_event(LOG_INFO, "main.user", "name", name);
	return 0;
}

/* Failing here would write as the wrong person. */
static void become(uid_t uid, gid_t gid)
{
	if (can_come_back && (setresuid(uid, uid, 0) || setresgid(gid, gid, 0)))
		abort();
}

void home_as_caller(void)
{
	become(0, 0);
}

void home_as_owner(void)
{
	/* The group first: only root may change it. */
	if (can_come_back && setresgid(to_gid, to_gid, 0))
		abort();
	become(to_uid, to_gid);
}

/* ---- what is made when it is not given ---- */

bool home_has_default(const char *path, const char *home, const char *under)
{
	size_t n = strlen(home);
	return !strncmp(path, home, n) && path[n] == '/' && !strcmp(path + n + 1, under);
}

static int make_certificates(const struct settings *s, struct pool *pool, struct err *e)
{
	const char *certs = pool_printf(pool, "%s/certs", s->home), *ca = pool_printf(pool, "%s/ca", s->home);
	if (home_has_default(s->tls_cert, s->home, "certs/server.pem") &&
	    (folder_made(certs, 0700, e) || authority_server(certs, e)))
		return -1;
	if (home_has_default(s->seal_cert, s->home, "certs/seal.pem") &&
	    (folder_made(certs, 0700, e) || authority_seal(certs, e)))
		return -1;
	if (home_has_default(s->agent_ca, s->home, "ca/ca.pem") && (folder_made(ca, 0700, e) || authority_make(ca, e)))
		return -1;
	return 0;
}

int home_make(struct service *s, struct err *e)
{
	const struct settings *set = &s->settings;
	struct pool *pool = pool_new();
	int result = folder_made(set->home, 0755, e) || make_certificates(set, pool, e) ? -1 : 0;
	pool_free(pool);
	if (result)
		return -1;
	s->keys = keyring_open(set->key_file, home_has_default(set->key_file, set->home, "keys"), e);
	return s->keys ? 0 : -1;
}

/* ---- the database ---- */

static int open_embedded(struct service *s, struct cluster *c, struct err *e)
{
	struct pool *pool = pool_new();
	int applied = 0;
	s->dsn = c->dsn;
	s->owner_dsn = c->owner_dsn;
	s->purge_dsn = c->purge_dsn;
	int result = migrate(c->owner_dsn, workflow_print(pool), workflow_digest(pool), &applied, e);
	pool_free(pool);
	return result;
}

/* A given database is never changed here: `enrollctl migrate` does that. It may still be starting. */
static int open_given(struct service *s, struct err *e)
{
	struct pool *pool = pool_new();
	int result;
	s->dsn = s->settings.dsn;
	s->owner_dsn = *s->settings.owner_dsn ? s->settings.owner_dsn : NULL;
	s->purge_dsn = *s->settings.purge_dsn ? s->settings.purge_dsn : NULL;
	for (int i = 0;; i++) {
		*e = (struct err){ 0 };
		result = migrate_check(s->dsn, workflow_digest(pool), e);
		if (!result || (e->kind != ERR_BUSY && e->kind != ERR_RETRY) || i == AWAY_SECONDS)
			break;
		log_event(LOG_WARN, "main.database_away");
		sleep(1);
	}
	pool_free(pool);
	return result;
}

int home_open(struct service *s, struct cluster *c, bool *embedded, struct err *e)
{
	*embedded = false;
	if (*s->settings.dsn)
		return open_given(s, e) || keys_as_database(s, e) || policy_load(s, e) ? -1 : 0;
	if (cluster_start(s->settings.home, s->pool, c, e))
		return -1;
	*embedded = true;
	return open_embedded(s, c, e) || keys_as_database(s, e) || policy_load(s, e) ? -1 : 0;
}
