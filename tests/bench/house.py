"""A home with invented data, its PostgreSQL, and the service on it.

    pristine = prepare(1.0)             made once, kept under build/bench/ until the generator or a migration that it has seen changes
    with House(pristine) as house:      a copy of it, thrown away after; its PostgreSQL runs
        house.start()                   enrolld, on that database by ENROLL_DSN
        house.psql("select …")          as superuser
        house.recorded(request)         the statements that the service sent meanwhile, as PostgreSQL saw them

The programs are those of build/. As root, PostgreSQL and the service run as `postgres`. Standard library only.
"""
import atexit
import contextlib
import glob
import hashlib
import http.client
import json
import os
import pwd
import re
import resource
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
PG = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
ENROLLD, ENROLLCTL, SEAL = (os.path.join(ROOT, "build", p) for p in ("enrolld", "enrollctl", "bench/seal"))
OWNER, PASSWORD = "banc@bench.example", "une phrase de passe assez longue"
# What the whole data set holds; prepare() takes a part of it.
SIZES = {"psychologists": 100000, "files": 50000, "load": 28000}
AS_ROOT = os.geteuid() == 0


class Wrong(Exception):
    """The bench cannot go on."""


def run(*words, stdin=None, env=None, ok=(0,), **more):
    p = subprocess.run(words, input=stdin, env=env, text=True, capture_output=True, **more)
    if p.returncode not in ok:
        raise Wrong("%s: %d\n%s%s" % (" ".join(words)[:200], p.returncode, p.stdout[-2000:], p.stderr[-2000:]))
    return p.stdout


def unprivileged(*words):
    return ["runuser", "-u", "postgres", "--", *words] if AS_ROOT else list(words)


def note(*words):
    print("#", *words, file=sys.stderr, flush=True)


ports_from = int(os.environ.get("BENCH_PORT", "0"))


def free_port():
    """Any, or the next free one from BENCH_PORT on."""
    global ports_from
    while ports_from:
        ports_from += 1
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", ports_from - 1))
            return ports_from - 1
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def folder():
    """build/bench, or a place that `postgres` can come to."""
    path = os.path.join(ROOT, "build/bench")
    os.makedirs(path, exist_ok=True)
    if subprocess.run(unprivileged("test", "-x", path)).returncode:
        path = "/var/tmp/enroll-bench-" + hashlib.sha256(ROOT.encode()).hexdigest()[:12]
        os.makedirs(path, exist_ok=True)
    os.chmod(path, 0o755)
    return path


# A terminated bench takes its PostgreSQL along.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


class House:
    def __init__(self, pristine):
        self.process = None
        self.home = tempfile.mkdtemp(prefix="run-", dir=folder())
        atexit.register(self.end)
        if pristine:
            shutil.rmtree(self.home)
            run("cp", "-a", pristine, self.home)
        elif AS_ROOT:
            os.chown(self.home, pwd.getpwnam("postgres").pw_uid, pwd.getpwnam("postgres").pw_gid)
        self.socket = tempfile.mkdtemp(prefix="enroll-bench-", dir="/tmp")
        os.chmod(self.socket, 0o777)
        self.log = os.path.join(self.socket, "enrolld.log")
        self.port, self.agent_port = free_port(), free_port()
        self.environment = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "ENROLL_HOME": self.home}
        if pristine:
            self.start_postgres()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()

    # ---- PostgreSQL: as the service configures it, but for where it listens and how it logs

    def start_postgres(self):
        options = "-k %s -c logging_collector=on -c log_destination=jsonlog -c log_directory=%s/log -c log_filename=pg" % (self.socket, self.socket)
        run(*unprivileged(PG + "/pg_ctl", "-D", self.home + "/pg/data", "-w", "-t", "120", "-l", self.socket + "/postgres.log", "-o", options, "start"),
            stdin="")
        dsn = "postgresql:///enroll?host=" + self.socket + "&user="
        self.environment.update(ENROLL_DSN=dsn + "enroll_service", ENROLL_OWNER_DSN=dsn + "enroll_owner", ENROLL_PURGE_DSN=dsn + "enroll_purge",
                                ENROLL_PORT=str(self.port), ENROLL_AGENT_PORT=str(self.agent_port), ENROLL_MAX_CONNECTIONS_PER_ADDRESS="20000")

    @property
    def postmaster(self):
        with open(self.home + "/pg/data/postmaster.pid") as f:
            return int(f.readline())

    def dsn(self, role):
        return "postgresql:///enroll?host=%s&user=%s" % (self.socket, role)

    def psql(self, sql, *more, role="postgres"):
        return run("psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", self.dsn(role), *more, stdin="set search_path = enroll, public;\n" + sql).strip()

    # ---- the service

    def ctl(self, *words, stdin="", ok=(0,)):
        return run(ENROLLCTL, *words, stdin=stdin, env=self.environment, ok=ok, cwd="/")

    def start(self, **settings):
        """Until it answers; gives the seconds that took."""
        began = time.monotonic()
        self.process = subprocess.Popen([ENROLLD], env={**self.environment, **settings}, stdout=subprocess.DEVNULL, stderr=open(self.log, "a"), cwd="/",
                                        preexec_fn=raise_files)
        while time.monotonic() < began + 60:
            if self.process.poll() is not None:
                raise Wrong("enrolld ended: " + open(self.log).read()[-2000:])
            try:
                if self.ask("/readyz")[0] == 200:
                    return time.monotonic() - began
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.002)
        raise Wrong("enrolld does not answer: " + open(self.log).read()[-2000:])

    def rest(self):
        """Until it has looked at all that it looks at when it starts: the eight views read every file."""
        quiet, until = 0, time.monotonic() + 120
        while quiet < 6:
            if time.monotonic() > until:
                raise Wrong("the house does not come to rest")
            busy = self.psql("select count(*) from pg_stat_activity where state <> 'idle' and pid <> pg_backend_pid() and datname is not null")
            quiet = quiet + 1 if busy == "0" else 0
            time.sleep(0.5)

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        self.process.wait(60)
        self.process = None

    def end(self):
        if not os.path.exists(self.home):
            return
        if self.process:
            self.stop(signal.SIGKILL)
        if os.path.exists(self.home + "/pg/data/postmaster.pid"):
            run(*unprivileged(PG + "/pg_ctl", "-D", self.home + "/pg/data", "-m", "fast", "-w", "stop"), ok=(0, 1))
        shutil.rmtree(self.home, ignore_errors=True)
        shutil.rmtree(self.socket, ignore_errors=True)

    def connection(self, agent=None):
        context = ssl.create_default_context(cafile=self.home + "/certs/ca.pem")
        if agent:
            context.load_cert_chain(self.home + "/agents/%s.pem" % agent, self.home + "/agents/%s.key" % agent)
        return http.client.HTTPSConnection("localhost", self.agent_port if agent else self.port, context=context, timeout=60)

    def ask(self, path, method="GET", body=None, headers=None, connection=None):
        c = connection or self.connection()
        c.request(method, path, body, headers or {})
        r = c.getresponse()
        data = r.read()
        return r.status, dict(r.headers), data

    def sign_in(self):
        status, _, body = self.ask("/connexion", "POST", json.dumps({"email": OWNER, "password": PASSWORD}),
                                   {"Content-Type": "application/json", "Accept": "application/json"})
        if status != 200:
            raise Wrong("sign-in: %d %s" % (status, body[:300]))
        return json.loads(body)["token"]

    # ---- what the service asks of PostgreSQL

    def recorded(self, request):
        """Runs request(); gives [(name, sql, [values])] of the service's lanes meanwhile, in the order of each connection."""
        words = {"log_statement": "'all'", "log_parameter_max_length": "-1", "log_error_verbosity": "'default'"}
        path = self.socket + "/log/pg.json"
        self.psql("".join("alter system set %s = %s;" % w for w in words.items()) + "select pg_reload_conf();")
        time.sleep(0.3)
        at = os.path.getsize(path)
        answer = request()
        time.sleep(0.3)
        self.psql("".join("alter system reset %s;" % w for w in words) + "select pg_reload_conf();")
        time.sleep(0.3)
        out = {}
        with open(path) as log:
            log.seek(at)
            for line in log:
                entry = json.loads(line)
                found = re.match(r"execute ([^:]+): (.*)", entry.get("message", ""), re.S)
                if entry.get("application_name") == "enrolld" and found:
                    out.setdefault(entry["pid"], []).append((found[1], found[2], values_of(entry.get("detail", ""))))
        return answer, [s for pid in out.values() for s in pid]


def values_of(detail):
    found = re.findall(r"\$(\d+) = (NULL|'(?:[^']|'')*')", detail) if detail.startswith("parameters:") else []
    return [None if v == "NULL" else v[1:-1].replace("''", "'") for _, v in found]


def raise_files():
    """As many open files as this process may have."""
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


# ---- the data ------------------------------------------------------------------------------------------------------------

ANSWERS = {
    "address_commune": "%(commune)s", "address_postcode": "59000", "address_street": "12 rue des Essais", "attest_clinical": "true",
    "attest_truth": "true", "bic": "AGRIFRPP", "birth_date": "1986-04-12", "diploma_date": "2012-06-30", "diploma_kind": "master",
    "diploma_place": "Université de Lille", "email": "p%(id)s@bench.example", "experience[0].clinical": "yes", "experience[0].from": "2013-01-01",
    "experience[0].function": "Psychologue", "experience[0].share": "100", "experience[0].structure": "Centre médico-psychologique",
    "experience[0].to": "2024-12-31", "first_name": "%(first_name)s", "iban": "FR7630006000011234567890189", "iban_holder": "%(first_name)s %(last_name)s",
    "last_name": "%(last_name)s", "nir": "286045935012324", "phone": "0639980000", "practice_mode": "liberal", "public[]": "adults", "rpps": "%(rpps)s",
    "show_email": "true",
}


def answers_sql():
    """The canonical XML of a file's answers, as an SQL expression over `file f`."""
    text = '<answers form="application">%s</answers>' % "".join('<a n="%s">%s</a>' % a for a in sorted(ANSWERS.items()))
    return "'" + re.sub(r"%\((\w+)\)s", r"' || f.\1 || '", text) + "'"


PIECES = """select f.id * 5 + k.n, f.id, k.kind, case when k.kind = 'experience' then 'experience[0]' end,
 'seal:piece.name:' || (f.id * 5 + k.n) || '=' || k.kind || '.pdf', 'application/pdf', 669, encode(sha256(convert_to(k.kind || f.id, 'UTF8')), 'hex'),
 'clean', f.submitted_at, 1, f.submitted_at
 from file f, unnest(array['diploma', 'experience', 'identity', 'rights', 'rib']) with ordinality k(kind, n)
 where f.state not in ('draft', 'conventioned')"""
# Table and columns, and the rows with what is to be sealed.
SEALED = [
    ("piece (id, file, kind, for_row, name, type, size, sha256, scan, scanned_at, pages, uploaded_at)", PIECES),
    ("working_copy (file, data)", "select f.id, 'seal:working_copy.data:' || f.id || '=' || %s from file f where f.last_name is not null and f.state <> 'conventioned'"),
    ("frozen_copy (file, seq, data, sha256)", "select f.id, 1, 'seal2:frozen_copy.data:' || f.id || '.1=' || %s from file f where f.version > 0"),
]


def fill(house, sizes):
    owner = house.psql("select id from account where email_key = '%s'" % OWNER)
    run("psql", "-X", "-q", "-f", HERE + "/data.sql", *[w for k, v in {**sizes, "owner": owner}.items() for w in ("-v", "%s=%s" % (k, v))],
        house.dsn("postgres"))
    for target, rows in SEALED:
        rows = rows.replace("%s", answers_sql()).replace("\n", " ")
        pipe = "set -o pipefail; psql -X -q -c \"$FROM\" \"$DSN\" | \"$SEAL\" \"$KEYS\" | psql -X -q -v ON_ERROR_STOP=1 -c \"$TO\" \"$DSN\""
        options = {"PGOPTIONS": "-c search_path=enroll -c session_replication_role=replica -c synchronous_commit=off"}
        run("bash", "-c", pipe, env={**os.environ, **options, "DSN": house.dsn("postgres"), "SEAL": SEAL, "KEYS": house.home + "/keys",
                                     "FROM": "copy (%s) to stdout" % rows, "TO": "copy %s from stdin" % target})
    house.psql("vacuum analyze", "-c", "checkpoint")


def made(house):
    """An empty house: its cluster migrated and running, the one account that owns the files to fire at."""
    house.ctl("migrate")
    house.start_postgres()
    house.ctl("account", "create", "--email", OWNER, "--password-stdin", stdin=PASSWORD + "\n")


def prepare(part):
    """The home with that part of the data, shut down. Made once; later migrations are applied to it, as to anyone's."""
    sizes = {k: max(1, int(v * part)) for k, v in SIZES.items()}
    made_of = "".join(open(p).read() for p in (HERE + "/data.sql", ROOT + "/workflow/table.c")) + repr((sizes, ANSWERS, SEALED))
    home = os.path.join(folder(), "data-%d-%s" % (sizes["files"], hashlib.sha256(made_of.encode()).hexdigest()[:12]))
    schema = [hashlib.sha256(open(p, "rb").read()).hexdigest() for p in sorted(glob.glob(ROOT + "/db/migrations/*.sql"))]
    with contextlib.suppress(FileNotFoundError):
        applied = open(home + "/migrations").read().split()
        if applied == schema:
            return home
        if applied == schema[:len(applied)]:
            note("migrating the data: %d files" % (len(schema) - len(applied)))
            with House(home) as house:
                house.ctl("migrate")
                keep(house, home, schema)
            return home
    note("making the data: %(psychologists)d psychologists in the directory, %(files)d files in all states" % sizes)
    began = time.monotonic()
    with House(None) as house:
        made(house)
        house.ctl("agent", "create", "--role", "region", "--name", "Banc", "--email", "region@bench.example", "--region", "32")
        issued = json.loads(house.ctl("cert", "issue", "--agent", "region@bench.example", "--out", house.home + "/agents", "--json"))
        for ending in ("pem", "key"):
            os.rename(issued[ending], house.home + "/agents/region." + ending)
        fill(house, sizes)
        house.ctl("tick")
        keep(house, home, schema)
    note("made in %.0f s" % (time.monotonic() - began))
    return home


def keep(house, home, schema):
    """What this house holds becomes that home, in the place of older ones of its size."""
    if "eight views are empty" not in house.ctl("invariants"):
        raise Wrong("the invariants do not hold")
    house.psql("vacuum analyze")
    run(*unprivileged(PG + "/pg_ctl", "-D", house.home + "/pg/data", "-m", "fast", "-w", "stop"))
    with open(house.home + "/migrations", "w") as f:
        f.write("\n".join(schema))
    for old in glob.glob(home.rsplit("-", 1)[0] + "-*"):
        shutil.rmtree(old)
    os.rename(house.home, home)
    shutil.rmtree(house.socket)
