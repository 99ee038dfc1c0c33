"""More than one machine, on one: two PostgreSQL with streaming replication, several enrolld, haproxy before them.

    db = Replicas()                       a primary and its synchronous standby, initdb and pg_basebackup, TCP on loopback
    db.kill(); db.promote()               the primary with all its processes, SIGKILL; the standby takes over
    db.follow()                           what was the primary comes back as the standby (pg_rewind)
    site = Site(db)                       a House (tests/scenarios/lib.py) whose clients go through haproxy
    site.instances[1].kill() / .start() / .stop()
    load = Load(site, files); load.begin(); …; load.end()

A client of the load keeps the rules that a careful program keeps: what was not answered is sent again with the same key,
until it is answered. It writes down every answer, so that the database can be asked afterwards whether it kept its word.
"""
import sys

import os
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "scenarios"))
from lib import *  # noqa: E402

import grp  # noqa: E402
import pwd  # noqa: E402

BIN = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
DATABASE_USER = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name


def survived(count, what):
    """A line of the table that tests/chaos/run.py makes."""
    print("= %s %s" % (count, what), flush=True)


def eventually(what, seconds, found):
    """Waits until `found` gives something, and gives that and how long it took."""
    began = time.monotonic()
    while not (got := found()):
        right(time.monotonic() - began < seconds, "not within %d s: %s" % (seconds, what))
        time.sleep(0.02)
    return got, time.monotonic() - began


def children_of(pid):
    with contextlib.suppress(OSError):
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as f:
            return [int(n) for n in f.read().split()]
    return []


# ---- PostgreSQL ----------------------------------------------------------------------------------------------------------

class Server:
    def __init__(self, folder, name, **environment):
        self.environment = environment
        self.name, self.data, self.port = name, os.path.join(folder, name), free_port()
        self.log = os.path.join(folder, name + ".log")

    def tool(self, *words, status=0):
        user = pwd.getpwnam(DATABASE_USER)
        other = {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}
        p = subprocess.run([os.path.join(BIN, words[0]), *words[1:]], capture_output=True, text=True, timeout=120, cwd="/",
                           env={"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGCONNECT_TIMEOUT": "10", **self.environment}, **other)
        right(status is None or p.returncode == status, "%s: %d %s%s" % (" ".join(words), p.returncode, p.stdout, p.stderr))
        return p.stdout

    def configure(self):
        """Beside the data too: pg_basebackup and pg_rewind bring along the other one's."""
        with open(self.data + ".conf", "w", encoding="utf-8") as f:
            f.write("port = %d\nlisten_addresses = '127.0.0.1'\nunix_socket_directories = ''\ncluster_name = '%s'\n"
                    "max_connections = 200\nshared_buffers = 64MB\njit = off\nfsync = on\nsynchronous_commit = on\n"
                    "wal_level = replica\nhot_standby = on\nwal_log_hints = on\nwal_keep_size = 256MB\nmax_wal_size = 1GB\n"
                    "timezone = 'UTC'\nlc_messages = 'C'\nlog_min_messages = log\nmax_wal_senders = 5\n"
                    "wal_receiver_timeout = 5s\nwal_sender_timeout = 5s\nwal_retrieve_retry_interval = 200ms\n" % (self.port, self.name))

    def make(self):
        """A new one, with the roles and the empty database of the service; it serves."""
        self.tool("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale", "--no-sync", "--no-instructions")
        self.configure()
        shutil.copyfile(self.data + ".conf", self.data + "/postgresql.conf")
        self.start()
        self.sql("create role enroll_owner login; create role enroll_service login; create role enroll_purge login", "postgres")
        self.sql("create database enroll owner enroll_owner encoding 'UTF8' template template0", "postgres")

    def dsn(self, user):
        return "postgresql://%s@127.0.0.1:%d/enroll" % (user, self.port)

    def start(self):
        self.tool("pg_ctl", "-D", self.data, "-l", self.log, "-w", "-t", "60", "start")

    def pid(self):
        with open(os.path.join(self.data, "postmaster.pid"), encoding="ascii") as f:
            return int(f.readline())

    def kill(self):
        """All of it at once, as when the machine is lost: the father is stopped first, so that he sees no child die."""
        pid = self.pid()
        os.kill(pid, signal.SIGSTOP)
        for p in [*children_of(pid), pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(p, signal.SIGKILL)
        with contextlib.suppress(OSError):
            while os.path.exists("/proc/%d" % pid):
                time.sleep(0.005)

    def freeze(self, how=signal.SIGSTOP):
        """Neither dead nor alive: its connections stay open and nothing answers."""
        pid = self.pid()
        for p in [pid, *children_of(pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(p, how)

    def stop(self):
        with contextlib.suppress(OSError, Wrong):
            self.tool("pg_ctl", "-D", self.data, "-m", "immediate", "-w", "stop", status=None)

    def sql(self, text, database="enroll"):
        p = subprocess.run([os.path.join(BIN, "psql"), "-X", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", str(self.port),
                            "-U", "postgres", "-d", database, "-c", "set search_path = enroll", "-c", text], text=True, capture_output=True,
                           env={"PATH": "/usr/bin:/bin", "PGCONNECT_TIMEOUT": "10"}, timeout=60)
        right(p.returncode == 0, p.stderr)
        return [tuple(line.split("\t")) for line in p.stdout.split("\n")[1:] if line]


def database_folder():
    """Of the user that PostgreSQL runs as."""
    folder = tempfile.mkdtemp(prefix="enroll-replicas-", dir="/tmp")
    if os.geteuid() == 0:
        user = pwd.getpwnam(DATABASE_USER)
        os.chown(folder, user.pw_uid, user.pw_gid)
    return folder


class Replicas:
    def __init__(self):
        self.folder = database_folder()
        self.primary, self.standby = Server(self.folder, "one"), Server(self.folder, "two")
        self.servers = (self.primary, self.standby)
        atexit.register(self.end)
        self.primary.make()
        self.standby.configure()
        os.mkdir(self.standby.data)
        self.follow()

    def follow(self):
        """docker/standby.sh: a copy, or what was a primary wound back, that streams and is waited for at each commit."""
        lost = self.standby
        p = subprocess.run([os.path.join(ROOT, "docker/standby.sh"), "bash", "-c", 'cp "$PGDATA.conf" "$PGDATA/postgresql.conf" && pg_ctl -w -t 60 -l "$PGDATA.log" start'],
                           env={"PATH": BIN + ":/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PGDATA": lost.data, "PRIMARY": "127.0.0.1",
                                "PRIMARY_PORT": str(self.primary.port), "STANDBY": lost.name}, stdout=subprocess.DEVNULL,
                           stderr=open(lost.data + ".made", "w", encoding="utf-8"), timeout=120, cwd="/")
        right(p.returncode == 0, "standby.sh: %s%s" % (tail(lost.data + ".made"), tail(lost.log)))
        eventually("a synchronous standby", 30, lambda: self.primary.sql("select 1 from pg_stat_replication where sync_state = 'sync'"))

    def dsn(self, user):
        """Both hosts, in the order of their making: who is the primary is asked of them."""
        return "postgresql://%s@127.0.0.1:%d,127.0.0.1:%d/enroll?target_session_attrs=read-write" % (
            user, self.servers[0].port, self.servers[1].port)

    def kill(self):
        self.primary.kill()

    def promote(self):
        self.standby.tool("pg_ctl", "-D", self.standby.data, "-w", "-t", "60", "promote")
        self.primary, self.standby = self.standby, self.primary

    def end(self):
        for s in self.servers:
            with contextlib.suppress(Exception):
                s.freeze(signal.SIGCONT)
            s.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


# ---- enrolld, several ----------------------------------------------------------------------------------------------------

class Instance:
    """One enrolld of a site: its own home and ports; keys and certificates are those of the first."""

    def __init__(self, site, name, program=None):
        self.site, self.name, self.program = site, name, program or site.enrolld
        self.port, self.agent_port = free_port(), free_port()
        self.home = site.home if name == "a" else tempfile.mkdtemp(prefix="enroll-instance-", dir="/tmp")
        self.log = site.home + "-%s.log" % name
        self.process = None

    def environment(self):
        first = self.site.home
        return {**self.site.environment, "ENROLL_HOME": self.home, "ENROLL_PORT": str(self.port), "ENROLL_AGENT_PORT": str(self.agent_port),
                "ENROLL_KEY_FILE": first + "/keys", "ENROLL_TLS_CERT": first + "/certs/server.pem", "ENROLL_TLS_KEY": first + "/certs/server.key",
                "ENROLL_AGENT_CA": first + "/ca/ca.pem", "ENROLL_AGENT_CRL": first + "/ca/ca.crl"} if self.name != "a" else {
                    **self.site.environment, "ENROLL_PORT": str(self.port), "ENROLL_AGENT_PORT": str(self.agent_port)}

    def start(self, wait=True):
        self.process = subprocess.Popen([self.program], env=self.environment(), stdout=subprocess.DEVNULL, stderr=open(self.log, "a", encoding="utf-8"), cwd="/")
        if wait:
            self.ready()

    def ready(self, seconds=60):
        def up():
            right(self.process.poll() is None, "enrolld %s ended with %s: %s" % (self.name, self.process.returncode, tail(self.log)))
            with contextlib.suppress(OSError, http.client.HTTPException):
                return self.client().get("/readyz").status == 200
        eventually("enrolld %s serves: %s" % (self.name, tail(self.log)), seconds, up)

    def client(self, certificate=None):
        return Client(self.agent_port if certificate else self.port, os.path.join(self.site.home, "certs/ca.pem"), certificate)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.terminate()
        return self.process.wait(90)


PROXY_ADDRESS = "127.0.0.9"  # from where haproxy connects: only it says for whom


class Site(House):
    def __init__(self, db, **settings):
        self.db, self.instances, self.proxy = db, [], None
        super().__init__(ENROLL_DSN=db.dsn("enroll_service"), ENROLL_OWNER_DSN=db.dsn("enroll_owner"), ENROLL_PURGE_DSN=db.dsn("enroll_purge"),
                         ENROLL_LOOPS="1", ENROLL_PROXY=PROXY_ADDRESS, **settings)

    def start(self, fresh=False):
        self.environment.update(ENROLL_PUBLIC_URL="https://localhost:%d" % self.port, ENROLL_AGENT_URL="https://localhost:%d" % self.agent_port)
        self.ctl("migrate")
        self.instances = [Instance(self, "a"), Instance(self, "b")]
        self.instances[0].start()  # makes the keys and certificates that both use
        self.instances[1].start()
        self.start_proxy()

    def start_proxy(self):
        one, two = self.instances
        where = {"PUBLIC": self.port, "AGENTS": self.agent_port, "ONE_PUBLIC": one.port, "ONE_AGENTS": one.agent_port, "TWO_PUBLIC": two.port,
                 "TWO_AGENTS": two.agent_port}
        asked = os.path.join(self.out, "haproxy.cfg")
        with open(asked, "w", encoding="utf-8") as f:
            f.write("global\n  stats socket %s\n" % os.path.join(self.out, "haproxy.sock"))
        self.proxy = subprocess.Popen(["/usr/sbin/haproxy", "-f", os.path.join(ROOT, "docker/haproxy.cfg"), "-f", asked], stdout=subprocess.DEVNULL,
                                      env={"SOURCE": PROXY_ADDRESS, **{k: "127.0.0.1:%d" % port for k, port in where.items()}},
                                      stderr=open(os.path.join(self.out, "haproxy.log"), "w", encoding="utf-8"))
        eventually("haproxy serves", 10, self.through)

    def through(self):
        right(self.proxy.poll() is None, tail(os.path.join(self.out, "haproxy.log")))
        with contextlib.suppress(OSError, http.client.HTTPException):
            return self.client().get("/healthz").status == 200

    def seen(self, instance):
        """Waits until haproxy gives that instance new connections, on both listeners."""
        name = {"a": "one", "b": "two"}[instance.name]

        def up():
            with socket.socket(socket.AF_UNIX) as s:
                s.connect(os.path.join(self.out, "haproxy.sock"))
                s.sendall(b"show stat -1 4 -1\n")
                rows = [line.split(",") for line in s.makefile()]
            return [r[17] for r in rows if r[:2] in (["public", name], ["agents", name])] == ["UP", "UP"]
        eventually("haproxy sees instance %s" % instance.name, 30, up)

    def sql(self, text):
        return self.db.primary.sql(text)

    def stop(self, how=signal.SIGTERM):
        """The worst status of all of them."""
        for i in self.instances:
            if i.process and i.process.poll() is None:
                i.process.send_signal(how)
        return max(abs(i.process.wait(90)) for i in self.instances)

    def end(self):
        self.process = None
        for i in self.instances:
            if i.process and i.process.poll() is None:
                i.process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    i.process.wait(60)
        if self.proxy and self.proxy.poll() is None:
            self.proxy.kill()
            self.proxy.wait()
        for i in self.instances:
            shutil.rmtree(i.home, ignore_errors=True)
            with contextlib.suppress(OSError):
                os.unlink(i.log)
        super().end()


# ---- load ----------------------------------------------------------------------------------------------------------------

class Once(Client):
    """Says honestly what happened: one try, nothing repeated. `fresh`: a new connection for each request."""

    def __init__(self, model, fresh=False):
        super().__init__(model.port, model.ca, model.certificate)
        self.token, self.fresh = model.token, fresh

    def ask(self, method, path, body=None, headers=None):
        head = {"Accept": "application/json", **({"Authorization": "Bearer " + self.token} if self.token else {}), **(headers or {})}
        if not self.connection:
            self.connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=60)
        try:
            self.connection.request(method, path, body, head)
            response = self.connection.getresponse()
            return Answer(response.status, response.headers, response.read())
        except (http.client.HTTPException, OSError):
            self.close()
            raise
        finally:
            if self.fresh:
                self.close()


class Load:
    """`writers`: (client, file) pairs, each fires claim and release in turn. `readers`: (name, client, path, what it must hold)."""

    def __init__(self, writers, readers, pause=0.02):
        self.pause, self.going, self.lock = pause, threading.Event(), threading.Lock()
        self.acknowledged = []  # (file, event, version, key)
        self.repeated = 0       # sent again with its key
        self.log = []           # (name, when it began, seconds, status or 0: connection lost, why)
        self.threads = [threading.Thread(target=self.write, args=w, daemon=True) for w in writers]
        self.threads += [threading.Thread(target=self.read, args=r, daemon=True) for r in readers]
        self.wrong = []

    def note(self, name, began, status, why=""):
        with self.lock:
            self.log.append((name, began, time.monotonic() - began, status, why))

    def read(self, name, client, path, holds):
        while self.going.is_set():
            began, status, why = time.monotonic(), 0, ""
            try:
                a = client.get(path)
                status, why = a.status, a.text[:200] if a.status != 200 else ""
                if status == 200 and holds not in a.text:
                    status, why = -1, "without %s: %s" % (holds, a.text[:200])
            except (http.client.HTTPException, OSError) as e:
                why = repr(e)
            self.note(name, began, status, why)
            time.sleep(self.pause)

    def write(self, client, file):
        version, event = None, "claim"
        while self.going.is_set():
            key = str(uuid.uuid4())
            while True:
                began, status, why = time.monotonic(), 0, ""
                try:
                    if version is None:
                        a = client.get("/dossiers/%d" % file)
                        if a.status == 200:
                            version, event = a.json["version"], "release" if a.json["holder"] else "claim"
                            continue
                    else:
                        a = client.post("/dossiers/%d/evenements/%s" % (file, event), {"version": version}, key=key)
                    status, why = a.status, a.text[:300] if a.status != 200 else ""
                except (http.client.HTTPException, OSError) as e:
                    why = repr(e)
                self.note("write", began, status, why)
                if status == 200:
                    with self.lock:
                        self.acknowledged.append((file, event, a.json["version"], key))
                    version, event = a.json["version"], "claim" if event == "release" else "release"
                    break
                if status not in (0, 503):
                    with self.lock:
                        self.wrong.append("%s of %d at %s: %s %s" % (event, file, version, status, why))
                    version = None
                    break
                with self.lock:
                    self.repeated += 1
                if not self.going.is_set():
                    return  # nothing was acknowledged
                time.sleep(0.1)
            time.sleep(self.pause)

    def begin(self):
        self.going.set()
        for t in self.threads:
            t.start()

    def end(self):
        self.going.clear()
        for t in self.threads:
            t.join(90)
            right(not t.is_alive(), "a client of the load hangs")

    def of(self, *names, since=0, until=1e12):
        return [x for x in self.log if x[0] in names and since <= x[1] < until]

    def failures(self, since=0):
        return [x for x in self.log if x[3] != 200 and x[1] >= since]


def kept_its_word(site, load):
    """Every acknowledged event is in the history, once, at its version; then the invariants, the chains and the totals."""
    files = sorted({f for f, _, _, _ in load.acknowledged})
    right(files, "nothing was acknowledged")
    stored = {}
    for file, seq, event in site.sql("select file, seq, event from event where file in (%s)" % ",".join(map(str, files))):
        right((int(file), int(seq)) not in stored, "twice: %s %s" % (file, seq))
        stored[int(file), int(seq)] = event
    lost = [(f, e, v) for f, e, v, _ in load.acknowledged if stored.get((f, v)) != e]
    right(not lost, "acknowledged and lost: %d of %d: %s" % (len(lost), len(load.acknowledged), lost[:5]))
    right(len({(f, v) for f, _, v, _ in load.acknowledged}) == len(load.acknowledged), "two events of one version were acknowledged")
    right(not load.wrong, "answers that should not be: %s" % load.wrong[:3])
    sound(site)
    figures(site)


def figures(site):
    """The totals are those of a recount from scratch: deltas against files as they are."""
    wrong = site.sql("""
        with counted as (select coalesce(caisse, '') as caisse, 'state:' || state as measure, count(*) as n from file where state <> 'draft' group by 1, 2),
        summed as (select coalesce(caisse, '') as caisse, measure, sum(n) as n from delta where measure like 'state:%' group by 1, 2 having sum(n) <> 0)
        select coalesce(c.caisse, s.caisse), coalesce(c.measure, s.measure), c.n, s.n from counted c full join summed s using (caisse, measure)
        where c.n is distinct from s.n""")
    right(not wrong, "totals and files differ: %s" % wrong[:5])
