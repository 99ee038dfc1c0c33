#include "cluster.h"
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "../server/base/clock.h"
#include "../server/base/str.h"
#include "pg.h"

enum {
	SOCKET_MOST = 80,    /* of its folder's path; sun_path holds 107 bytes with the file's name */
	LOG_MOST = 16 << 20, /* the server's log starts anew when larger */
	STOP_MS = 60000,
	START_MS = 600000,   /* recovery may be long; a server that ends is noticed at once */
	LEFTOVER_MS = 15000, /* backends of a killed postmaster still hold its memory for a moment */
};

static const char *const roles[] = { "postgres", "enroll_owner", "enroll_service", "enroll_purge" };

/* What is known while starting. */
struct plan {
	struct pool *pool;
	const char *folder, *data, *socket, *log;
	const char *bin;
	uid_t uid;
	gid_t gid;
	const char *user;
};

static void pause_ms(int ms)
{
	struct timespec t = { ms / 1000, (long)(ms % 1000) * 1000000 };
	nanosleep(&t, NULL);
}

/* ---- folders and files ---- */

static int make_folder(const char *path, mode_t mode, struct err *e)
{
	if (mkdir(path, mode) && errno != EEXIST)
		return fault(e, "cannot make a folder of the cluster: %s", strerrorname_np(errno));
	return 0;
}

static int make_folders(struct pool *pool, const char *path, struct err *e)
{
	char *p = pool_strdup(pool, path);
	for (char *slash = p + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = 0;
		if (make_folder(p, 0755, e))
			return -1;
		*slash = '/';
	}
	return make_folder(p, 0755, e);
}

static char *absolute(struct pool *pool, const char *path)
{
	char *real = realpath(path, NULL);
	char *out = pool_strdup(pool, real);
	free(real);
	return out;
}

static int write_file(const struct plan *p, const char *name, const char *text, struct err *e)
{
	/* Aside, then renamed: a start cut in the middle leaves the old one. */
	const char *path = pool_printf(p->pool, "%s/%s", p->data, name), *aside = pool_printf(p->pool, "%s.new", path);
	int fd = open(aside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	size_t n = strlen(text);
	bool ok = fd >= 0 && write(fd, text, n) == (ssize_t)n && (geteuid() || fchown(fd, p->uid, p->gid) == 0) &&
		  fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	if (!ok || rename(aside, path))
		return fault(e, "cannot write %s: %s", name, strerrorname_np(errno));
	return 0;
}

static int open_lock(const struct plan *p, const char *name, struct err *e)
{
	int fd = open(pool_printf(p->pool, "%s/%s", p->folder, name), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || (!geteuid() && fchown(fd, p->uid, p->gid))) {
		int why = errno;
		if (fd >= 0)
			close(fd);
		return fault(e, "cannot open %s: %s", name, strerrorname_np(why));
	}
	return fd;
}

static int lock(int fd, int how)
{
	int r;
	while ((r = flock(fd, how)) && errno == EINTR)
		;
	return r;
}

/* ---- programs run as the cluster's user ---- */

/* Between fork and exec only calls that are safe when other threads exist. */
static pid_t spawn(const struct plan *p, char *const argv[], int out)
{
	bool root = geteuid() == 0;
	char *const env[] = { "LC_ALL=C", "PATH=/usr/bin:/bin", "TZ=UTC", NULL };
	pid_t pid = fork();
	if (pid)
		return pid;
	sigset_t none;
	sigemptyset(&none);
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* A group of its own: Ctrl-C is for the service, which ends first. */
	setsid();
	int zero = open("/dev/null", O_RDONLY);
	dup2(zero, STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	dup2(out, STDERR_FILENO);
	if (root && (setgroups(0, NULL) || setgid(p->gid) || setuid(p->uid)))
		_exit(126);
	umask(077);
	if (chdir("/"))
		_exit(126);
	execve(argv[0], argv, env);
	_exit(127);
}

static int finished_well(pid_t pid)
{
	int status;
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* Can the cluster's user write there? */
static bool reaches(const struct plan *p, const char *path)
{
	if (geteuid())
		return access(path, R_OK | W_OK | X_OK) == 0;
	pid_t pid = fork();
	if (!pid)
		_exit(setgroups(0, NULL) || setgid(p->gid) || setuid(p->uid) || access(path, R_OK | W_OK | X_OK) ? 1
														 : 0);
	return pid > 0 && finished_well(pid) == 0;
}

static int open_log(const struct plan *p, struct err *e)
{
	struct stat st;
	bool large = stat(p->log, &st) == 0 && st.st_size > LOG_MOST;
	int fd = open(p->log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW | (large ? O_TRUNC : 0), 0600);
	if (fd < 0 || (!geteuid() && fchown(fd, p->uid, p->gid))) {
		if (fd >= 0)
			close(fd);
		return fault(e, "cannot open the cluster's log: %s", strerrorname_np(errno));
	}
	return fd;
}

/* ---- where the binaries are ---- */

static int version_of(const struct plan *p)
{
	char text[16] = "";
	FILE *f = fopen(pool_printf(p->pool, "%s/PG_VERSION", p->data), "re");
	if (!f)
		return 0;
	if (!fgets(text, sizeof text, f))
		text[0] = 0;
	fclose(f);
	return (int)strtol(text, NULL, 10);
}

static const char *find_bin(struct pool *pool, int version)
{
	static const char root[] = "/usr/lib/postgresql";
	int best = 0;
	DIR *d = opendir(root);
	for (struct dirent *x; d && (x = readdir(d));) {
		int v = (int)strtol(x->d_name, NULL, 10);
		if (v > best && (!version || v == version) &&
		    access(pool_printf(pool, "%s/%s/bin/postgres", root, x->d_name), X_OK) == 0)
			best = v;
	}
	if (d)
		closedir(d);
	if (best)
		return pool_printf(pool, "%s/%d/bin", root, best);
	static const char *const path[] = { "/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin", "/bin" };
	for (size_t i = 0; i < COUNT(path); i++)
		if (access(pool_printf(pool, "%s/postgres", path[i]), X_OK) == 0 &&
		    access(pool_printf(pool, "%s/initdb", path[i]), X_OK) == 0)
			return path[i];
	return NULL;
}

/* ---- who it runs as, where it lives ---- */

/* Called before there are threads, later by the one that minds the cluster. */
static const struct passwd *user_of(uid_t uid)
{
	/* cppcheck-suppress getpwuidCalled ; nobody else asks at that time */
	return getpwuid(uid);
}

static const struct passwd *user_named(const char *name)
{
	/* cppcheck-suppress getpwnamCalled ; nobody else asks at that time */
	return getpwnam(name);
}

static int choose_user(struct plan *p, const char *home, struct err *e)
{
	p->uid = geteuid();
	p->gid = getegid();
	if (p->uid == 0) {
		struct stat st;
		const struct passwd *pw = NULL;
		if (stat(pool_printf(p->pool, "%s/pg/data", home), &st) == 0 && st.st_uid)
			pw = user_of(st.st_uid);
		else if (stat(home, &st) == 0 && st.st_uid)
			pw = user_of(st.st_uid);
		if (!pw)
			pw = user_named("postgres");
		if (!pw || !pw->pw_uid)
			return fault(e, "no user to run PostgreSQL as: it refuses root");
		p->uid = pw->pw_uid;
		p->gid = pw->pw_gid;
		p->user = pool_strdup(p->pool, pw->pw_name);
		return 0;
	}
	const struct passwd *pw = user_of(p->uid);
	if (!pw)
		return fault(e, "user %u has no name, which PostgreSQL wants", (unsigned)p->uid);
	p->user = pool_strdup(p->pool, pw->pw_name);
	return 0;
}

static uint64_t fnv(const char *s)
{
	uint64_t h = 14695981039346656037u;
	for (; *s; s++)
		h = (h ^ (unsigned char)*s) * 1099511628211u;
	return h;
}

static int own(const struct plan *p, const char *path, struct err *e)
{
	struct stat st;
	if (geteuid() || (stat(path, &st) == 0 && st.st_uid == p->uid))
		return 0;
	if (chown(path, p->uid, p->gid))
		return fault(e, "cannot give the cluster's folder to its user: %s", strerrorname_np(errno));
	return 0;
}

static int choose_folder(struct plan *p, const char *home, struct err *e)
{
	const char *wanted = pool_printf(p->pool, "%s/pg", home);
	struct stat st;
	if (lstat(wanted, &st) && errno == ENOENT) {
		if (make_folder(wanted, 0700, e) || own(p, wanted, e))
			return -1;
		if (!geteuid() && !reaches(p, wanted)) {
			/* A parent is closed to that user. */
			const char *away =
				pool_printf(p->pool, "/var/lib/enroll/pg-%016llx", (unsigned long long)fnv(home));
			if (rmdir(wanted) || make_folder("/var/lib/enroll", 0755, e) || make_folder(away, 0700, e) ||
			    own(p, away, e))
				return e->kind ? -1 : fault(e, "cannot move the cluster away");
			if (symlink(away, wanted))
				return fault(e, "cannot link the cluster: %s", strerrorname_np(errno));
		}
	}
	if (!(p->folder = absolute(p->pool, wanted)))
		return fault(e, "the cluster's folder is gone: %s", strerrorname_np(errno));
	if (own(p, p->folder, e))
		return -1;
	if (!reaches(p, p->folder))
		return fault(e, "user %s cannot write in the cluster's folder", p->user);
	p->data = pool_printf(p->pool, "%s/data", p->folder);
	p->log = pool_printf(p->pool, "%s/log", p->folder);
	return 0;
}

static bool private_folder(const struct plan *p, const char *path)
{
	struct stat st;
	return lstat(path, &st) == 0 && S_ISDIR(st.st_mode) && st.st_uid == p->uid && !(st.st_mode & 077);
}

/* The folder of the socket: a link leads to it when it is not here. `make`: a new one may be made. */
static int choose_socket(struct plan *p, bool make, struct err *e)
{
	const char *wanted = pool_printf(p->pool, "%s/socket", p->folder);
	if (strlen(wanted) <= SOCKET_MOST) {
		if (make_folder(wanted, 0700, e) || own(p, wanted, e))
			return -1;
		p->socket = wanted;
		return 0;
	}
	char to[PATH_MAX];
	ssize_t n = readlink(wanted, to, sizeof to - 1);
	if (n > 0) {
		to[n] = 0;
		if (private_folder(p, to)) {
			p->socket = pool_strdup(p->pool, to);
			return 0;
		}
	}
	if (!make)
		return fault(e, "the folder of the socket is gone");
	char *folder = pool_strdup(p->pool, "/tmp/enroll-XXXXXX");
	if (!mkdtemp(folder) || own(p, folder, e) || (unlink(wanted) && errno != ENOENT) || symlink(folder, wanted))
		return fault(e, "cannot make a folder for the socket: %s", strerrorname_np(errno));
	p->socket = folder;
	return 0;
}

/* 'it\'s' for a conninfo string or a conf file */
static char *quoted(struct pool *pool, const char *text, const char *quote_as)
{
	struct str s = str_in(pool);
	str_add_c(&s, '\'');
	for (; *text; text++) {
		if (*text == '\'')
			str_add(&s, quote_as);
		else if (*text == '\\')
			str_add(&s, "\\\\");
		else
			str_add_c(&s, *text);
	}
	str_add_c(&s, '\'');
	return s.s;
}

static char *dsn_of(const struct plan *p, const char *role, const char *database)
{
	return pool_printf(p->pool, "host=%s port=5432 dbname=%s user=%s", quoted(p->pool, p->socket, "\\'"), database,
			   role);
}

/* ---- the files PostgreSQL reads ---- */

static int write_conf(const struct plan *p, struct err *e)
{
	struct str s = str_in(p->pool);
	str_add(&s, "# Written at each start by the service. Local changes: ../local.conf\n");
	str_addf(&s, "listen_addresses = ''\nport = 5432\nunix_socket_directories = %s\n",
		 quoted(p->pool, p->socket, "''"));
	/* A loop a core with seven connections each, the clerks, the tools. */
	long cores = sysconf(_SC_NPROCESSORS_ONLN);
	str_addf(&s, "max_connections = %ld\n", 100 + 8 * (cores > 0 ? cores : 1));
	str_add(&s, "unix_socket_permissions = 0700\n"
		    "cluster_name = 'enroll'\n"
		    "shared_buffers = 128MB\n"
		    "effective_cache_size = 1GB\n"
		    "work_mem = 8MB\n"
		    "maintenance_work_mem = 64MB\n"
		    "random_page_cost = 1.1\n"
		    /* Short statements, few cores: both cost more than they bring. */
		    "jit = off\n"
		    "max_parallel_workers_per_gather = 0\n"
		    "fsync = on\n"
		    "full_page_writes = on\n"
		    "synchronous_commit = on\n"
		    /* After a crash: one sync of the file system, not one of each of a thousand files. */
		    "recovery_init_sync_method = syncfs\n"
		    "wal_level = replica\n"
		    "max_wal_size = 1GB\n"
		    "checkpoint_timeout = 15min\n"
		    "checkpoint_completion_target = 0.9\n"
		    "idle_session_timeout = 0\n"
		    "timezone = 'UTC'\n"
		    "log_timezone = 'UTC'\n"
		    "datestyle = 'iso, ymd'\n"
		    "default_text_search_config = 'pg_catalog.simple'\n"
		    "lc_messages = 'C'\nlc_monetary = 'C'\nlc_numeric = 'C'\nlc_time = 'C'\n"
		    /* Statements, their arguments and details of errors may hold what people typed: none is logged. */
		    "log_destination = 'stderr'\n"
		    "log_line_prefix = '%m [%p] %a '\n"
		    "log_min_messages = log\n"
		    "log_min_error_statement = panic\n"
		    "log_error_verbosity = terse\n"
		    "log_statement = 'none'\n"
		    "log_min_duration_statement = -1\n"
		    "log_lock_waits = off\n"
		    "log_temp_files = -1\n"
		    "log_autovacuum_min_duration = -1\n"
		    "log_checkpoints = off\n"
		    "log_parameter_max_length = 0\n"
		    "log_parameter_max_length_on_error = 0\n"
		    "include_if_exists '../local.conf'\n");
	if (write_file(p, "postgresql.conf", s.s, e))
		return -1;
	if (write_file(p, "pg_hba.conf", "local all all peer map=enroll\nlocal replication postgres peer map=enroll\n",
		       e))
		return -1;
	str_clear(&s);
	for (size_t i = 0; i < COUNT(roles); i++)
		str_addf(&s, "enroll \"%s\" %s\nenroll root %s\n", p->user, roles[i], roles[i]);
	return write_file(p, "pg_ident.conf", s.s, e);
}

static int initdb(const struct plan *p, struct err *e)
{
	char *aside = pool_printf(p->pool, "%s.new", p->data);
	char *rm[] = { "/bin/rm", "-rf", "--", aside, NULL };
	/* C order: B-trees serve prefix searches, and no change of the C library's tables can break an index. */
	char *argv[] = { pool_printf(p->pool, "%s/initdb", p->bin),
			 "-D",
			 aside,
			 "-U",
			 "postgres",
			 "-A",
			 "peer",
			 "-E",
			 "UTF8",
			 "--lc-collate=C",
			 "--lc-ctype=C.UTF-8",
			 "--no-instructions",
			 NULL };
	int out = open_log(p, e);
	if (out < 0)
		return -1;
	/* What a start cut short left behind. */
	int bad = finished_well(spawn(p, rm, out)) || finished_well(spawn(p, argv, out));
	close(out);
	if (bad)
		return fault(e, "initdb failed: see the log in the cluster's folder");
	if (rename(aside, p->data))
		return fault(e, "cannot name the new cluster: %s", strerrorname_np(errno));
	return 0;
}

/* ---- the running server ---- */

/* From postmaster.pid; 0: none. */
static pid_t pid_in_file(const struct plan *p)
{
	char text[32] = "";
	FILE *f = fopen(pool_printf(p->pool, "%s/postmaster.pid", p->data), "re");
	if (!f)
		return 0;
	if (!fgets(text, sizeof text, f))
		text[0] = 0;
	fclose(f);
	return (pid_t)strtol(text, NULL, 10);
}

/* A postgres that is not a zombie. */
static bool is_postgres(pid_t pid)
{
	char path[64], text[256] = "";
	if (pid <= 1)
		return false;
	snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
	FILE *f = fopen(path, "re");
	if (!f)
		return false;
	if (!fgets(text, sizeof text, f))
		text[0] = 0;
	fclose(f);
	const char *open = strchr(text, '('), *close = strrchr(text, ')');
	return open && close && strncmp(open, "(postgres)", 10) == 0 && close[1] == ' ' && close[2] != 'Z' &&
	       close[2] != 'X';
}

/* The postmaster of this very cluster: it works in its data folder. */
static bool is_ours(const struct plan *p, pid_t pid)
{
	char path[64], to[PATH_MAX];
	if (!is_postgres(pid))
		return false;
	snprintf(path, sizeof path, "/proc/%d/cwd", (int)pid);
	ssize_t n = readlink(path, to, sizeof to - 1);
	if (n <= 0)
		return errno == EACCES; /* another user's: the pid file is all there is */
	to[n] = 0;
	return strcmp(to, p->data) == 0;
}

static bool gone(pid_t pid)
{
	waitpid(pid, NULL, WNOHANG);
	return !is_postgres(pid);
}

/* Until it answers, or ends. 0, or -1 when it ended. */
static int await(const struct plan *p, pid_t pid, struct err *e)
{
	const char *dsn = dsn_of(p, "postgres", "postgres");
	for (int ms = 0, step = 5; ms < START_MS; ms += step) {
		if (pg_ping(dsn) == PING_OK)
			return 0;
		if (gone(pid))
			return fault(e, "PostgreSQL ended while starting: see the log in the cluster's folder");
		pause_ms(step);
		if (step < 50)
			step += 5;
	}
	return fault(e, "PostgreSQL does not answer");
}

static int start(const struct plan *p, struct cluster *out, struct err *e)
{
	if (write_conf(p, e))
		return -1;
	char *argv[] = { pool_printf(p->pool, "%s/postgres", p->bin), "-D", pool_strdup(p->pool, p->data), NULL };
	for (int ms = 0;; ms += 250) {
		int fd = open_log(p, e);
		if (fd < 0)
			return -1;
		pid_t pid = spawn(p, argv, fd);
		close(fd);
		if (pid < 0)
			return fault(e, "cannot fork: %s", strerrorname_np(errno));
		/* The child is not yet `postgres` before its exec. */
		while (!is_postgres(pid) && waitpid(pid, NULL, WNOHANG) == 0)
			pause_ms(1);
		if (await(p, pid, e) == 0) {
			out->pid = pid;
			out->started = true;
			return 0;
		}
		if (ms >= LEFTOVER_MS)
			return -1;
		pause_ms(250);
	}
}

static void stop(pid_t pid)
{
	static const int signals[] = { SIGINT, SIGQUIT, SIGKILL };
	for (size_t i = 0; i < COUNT(signals); i++) {
		if (kill(pid, signals[i]))
			return;
		for (int ms = 0; ms < STOP_MS; ms += 10) {
			if (gone(pid))
				return;
			pause_ms(10);
		}
	}
}

/* Uses the running one, waits for one that starts or stops, else starts one. */
static int run(struct plan *p, struct cluster *out, struct err *e)
{
	pid_t pid = pid_in_file(p);
	if (pid && is_ours(p, pid)) {
		struct err ignored;
		/* One that is on its way out answers no more: it ends, and a new one is started. */
		if (choose_socket(p, false, e) == 0 && await(p, pid, &ignored) == 0) {
			out->pid = pid;
			return 0;
		}
		if (!gone(pid))
			stop(pid);
	} else if (pid) {
		waitpid(pid, NULL, WNOHANG);
		/*
		 * Its number now belongs to something else (a container started again): PostgreSQL would refuse to
		 * start. A dead number stays: by it PostgreSQL finds backends that outlived a killed postmaster, and
		 * waits for them.
		 */
		if (kill(pid, 0) == 0 && unlink(pool_printf(p->pool, "%s/postmaster.pid", p->data)) && errno != ENOENT)
			return fault(e, "cannot remove a stale pid file: %s", strerrorname_np(errno));
	}
	if (choose_socket(p, true, e))
		return -1;
	return start(p, out, e);
}

/* Roles and database: asked for at each start, made once. */
static int bootstrap(const struct plan *p, struct err *e)
{
	struct pool *pool = pool_new();
	const struct rows *r;
	struct plain *c = plain_open(dsn_of(p, "postgres", "postgres"), "enroll start", e);
	int bad =
		!c || plain_script(c,
				   "select 1 from pg_database d, pg_roles r where d.datname = 'enroll' and r.rolname = "
				   "'enroll_purge' and shobj_description(d.oid, 'pg_database') = 'made by enroll'",
				   pool, &r, e);
	if (!bad && !rows_count(r)) {
		bad = plain_script(c,
				   "do $$ begin\n"
				   "if not exists (select from pg_roles where rolname = 'enroll_owner') then\n"
				   "  create role enroll_owner login; end if;\n"
				   "if not exists (select from pg_roles where rolname = 'enroll_service') then\n"
				   "  create role enroll_service login; end if;\n"
				   "if not exists (select from pg_roles where rolname = 'enroll_purge') then\n"
				   "  create role enroll_purge login; end if;\n"
				   "end $$;\n"
				   "alter role enroll_owner set search_path = enroll, pg_temp;\n"
				   "alter role enroll_service set search_path = enroll, pg_temp;\n"
				   "alter role enroll_purge set search_path = enroll, pg_temp;",
				   NULL, NULL, e) ||
		      plain_script(c, "select 1 from pg_database where datname = 'enroll'", pool, &r, e);
		if (!bad && !rows_count(r))
			bad = plain_script(c, "create database enroll owner enroll_owner template template0", NULL,
					   NULL, e);
		if (!bad)
			bad = plain_script(
				c,
				"revoke all on database enroll from public;\n"
				"grant connect, temporary on database enroll to enroll_service, enroll_purge;\n"
				"comment on database enroll is 'made by enroll'",
				NULL, NULL, e);
	}
	plain_close(c);
	pool_free(pool);
	return bad ? -1 : 0;
}

int cluster_start(const char *home, struct pool *pool, struct cluster *out, struct err *e)
{
	struct plan p = { .pool = pool };
	*out = (struct cluster){ .users = -1 };
	e->kind = ERR_NONE;
	if (make_folders(pool, home, e))
		return -1;
	if (!(out->home = absolute(pool, home)))
		return fault(e, "the state folder is gone: %s", strerrorname_np(errno));
	if (choose_user(&p, out->home, e) || choose_folder(&p, out->home, e))
		return -1;
	int starting = open_lock(&p, "start.lock", e);
	if (starting < 0)
		return -1;
	if ((out->users = open_lock(&p, "users.lock", e)) < 0) {
		close(starting);
		return -1;
	}
	int version = version_of(&p);
	int bad = 0;
	if (lock(starting, LOCK_EX) || lock(out->users, LOCK_SH))
		bad = fault(e, "cannot lock the cluster: %s", strerrorname_np(errno));
	else if (!(p.bin = find_bin(pool, version)))
		bad = version ? fault(e, "no binaries of PostgreSQL %d, which made the cluster", version)
			      : fault(e, "PostgreSQL is not installed");
	else if (access(p.data, F_OK) && initdb(&p, e))
		bad = -1;
	if (!bad)
		bad = run(&p, out, e);
	if (!bad) {
		out->bin = p.bin;
		out->folder = p.folder;
		out->dsn = dsn_of(&p, "enroll_service", "enroll");
		out->owner_dsn = dsn_of(&p, "enroll_owner", "enroll");
		out->purge_dsn = dsn_of(&p, "enroll_purge", "enroll");
		out->super_dsn = dsn_of(&p, "postgres", "enroll");
		bad = bootstrap(&p, e);
	}
	close(starting);
	if (bad)
		cluster_stop(out);
	return bad ? -1 : 0;
}

void cluster_stop(struct cluster *c)
{
	if (c->users < 0)
		return;
	struct pool *pool = pool_new();
	int starting = c->folder ? open(pool_printf(pool, "%s/start.lock", c->folder), O_RDWR | O_CLOEXEC) : -1;
	if (starting >= 0)
		lock(starting, LOCK_EX);
	/* Nobody else holds it: we were the last. */
	if (c->pid && lock(c->users, LOCK_EX | LOCK_NB) == 0 && is_postgres(c->pid))
		stop(c->pid);
	close(c->users);
	if (starting >= 0)
		close(starting);
	pool_free(pool);
	c->users = -1;
	c->pid = 0;
}

bool cluster_alive(const struct cluster *c)
{
	return c->pid && !gone(c->pid);
}
