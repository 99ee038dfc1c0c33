"""The nine benches: each gives the rows of the table it fills. Targets: the numbers below, higher is better unless `most`."""
import glob
import json
import os
import random
import signal
import statistics
import subprocess
import time

import calm
import idle
from house import ENROLLCTL, HERE, ROOT, SIZES, House, Wrong, folder, note, prepare, run
from rivals import Costs, Nginx, Peer, Script, Statements, Timed, h2load, pgbench

PART = float(os.environ.get("BENCH_PART", "1"))
ROUNDS = int(os.environ.get("BENCH_ROUNDS", "5"))
SECONDS = int(os.environ.get("BENCH_SECONDS", "2"))
LOAD = int(SIZES["load"] * PART)  # files 1 … LOAD are the owner's
# Connections of each load, the same for service and reference of a row.
HTTP2, HTTP1 = {"clients": 8, "streams": 8}, {"clients": 32, "http1": True}
KEPT = int(4000 * PART)  # of them only read, never fired at
FIRES = max(16, (LOAD - KEPT) // (5 * (ROUNDS + 1)) // 16 * 16)  # transitions a turn: three contenders of B2 and two of B5
told = ""


class Field:
    """What the benches share, made when first asked for."""

    def __init__(self):
        self.open, self.made = [], {}
        self.fired = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for thing in reversed(self.open):
            thing.__exit__()

    def entered(self, thing):
        self.open.append(thing)
        return thing.__enter__()

    def get(self, key, make):
        if key not in self.made:
            self.made[key] = make()
        return self.made[key]

    def served(self, part):
        house = self.entered(House(prepare(part)))
        house.start()
        house.rest()
        return house

    @property
    def house(self):
        return self.get("house", self.first_house)

    def first_house(self):
        global told
        house = self.served(PART)
        counts = house.psql("select (select count(*) from published) || ' psychologists in the directory, ' || (select count(*) from file where state <> "
                            "'conventioned' or id <= %d) || ' other files, ' || (select count(*) from event) || ' events, seed 0.42'" % LOAD)
        told = counts
        # Letters are rendered after the commit; here they wait for ever, or one contender's would be rendered in the other's turn.
        house.psql("alter table outbox alter due set default 'infinity'")
        return house

    def answered(self, *ours, **others):
        """For Turns: these contenders are answered by the service, those by the process named."""
        return {"house": self.house, "programs": {**{name: self.house.process.pid for name in ours}, **others}}

    @property
    def token(self):
        return self.get("token", self.house.sign_in)

    @property
    def bearer(self):
        return "Authorization: Bearer " + self.token

    def url(self, path):
        return "https://127.0.0.1:%d%s" % (self.house.port, path)

    # ---- the statements of B1 and B2, from the program itself

    @property
    def read(self):
        token = self.token

        def ask():
            return self.house.ask("/dossiers/%d" % LOAD, headers={"Authorization": "Bearer " + token, "Accept": "application/json"})
        return self.get("read", lambda: recorded(self.house, ask, LOAD, 200))

    @property
    def write(self):
        token = self.token

        def ask():
            return self.house.ask("/dossiers/%d/evenements/withdraw" % LOAD, "POST", '{"version": 2}',
                                  {"Authorization": "Bearer " + token, "Accept": "text/html", "Content-Type": "application/json"})
        self.read  # before this file is withdrawn
        return self.get("write", lambda: recorded(self.house, ask, LOAD, 303))

    @property
    def files(self):
        """Paths of the files to read: many, in no order."""
        return self.get("files", lambda: random.Random(1).sample(range(LOAD - KEPT + 1, LOAD), KEPT // 2))

    def take(self, n):
        """n files that no transition was fired on."""
        first = self.fired + 1
        self.fired += n
        if self.fired > LOAD - KEPT:
            raise Wrong("no more files to fire at: fewer rounds")
        return first

    @property
    def peer(self):
        return self.get("peer", lambda: self.entered(Peer(self.house, self.read, self.write)))


def recorded(house, ask, file, status):
    ask_twice = house.ask("/readyz")  # the connections are up
    assert ask_twice[0] == 200
    answer, statements = house.recorded(ask)
    if answer[0] != status:
        raise Wrong("%s: %d %s" % (file, answer[0], answer[2][:300]))
    return Statements(statements, file)


# ---- turns and rows --------------------------------------------------------------------------------------------------

class Turns(dict):
    """{name: [number of each round]}; `costs` says what each contender's rounds took of the processors, `taken` what others had."""

    def __init__(self, contenders, rounds=ROUNDS, warm=True, house=None, programs=None):
        """They take turns, in an order that rotates. `programs`: the process that answers a contender."""
        names = list(contenders)
        super().__init__({name: [] for name in names})
        self.costs = {name: Costs(house, (programs or {}).get(name)) for name in names}
        self.taken = []
        for i in range(-1 if warm else 0, rounds):
            calm.wait()
            before = calm.spent()
            for name in names[i % len(names):] + names[:i % len(names)]:
                if i < 0:
                    contenders[name]()
                else:
                    self[name].append(self.costs[name].of(contenders[name]))
            if i >= 0:
                self.taken.append(calm.share(before, calm.spent()))


def row(name, reference, turns, ours, theirs, target, most=False, unit="/s"):
    """A ratio of each pair of turns: median, extremes. Of requests a second, also the processors' time that one takes."""
    ratios = [a / b for a, b in zip(turns[ours], turns[theirs])]
    median = statistics.median(ratios)
    context = "%s against %s" % (amount(statistics.median(turns[ours]), unit), amount(statistics.median(turns[theirs]), unit))
    if unit == "/s":
        context += "; each takes %s against %s" % (turns.costs[ours], turns.costs[theirs])
    context += taken_from(turns)
    return {"name": name, "reference": reference, "ratio": median, "spread": (min(ratios), max(ratios)), "target": ("< %g" if most else "≥ %g") % target,
            "met": median < target if most else median >= target, "context": context}


def taken_from(turns):
    most = max(turns.taken)
    return "; others took up to %.0f %% of the processors" % (100 * most) if most >= 0.01 else ""


def plain(name, value, target, unit, context=""):
    """A figure without a reference."""
    return {"name": name, "reference": "none", "ratio": value, "unit": unit, "spread": (value, value), "target": "< %g%s" % (target, unit), "met": value < target,
            "context": context}


def amount(n, unit):
    return "%.0f%s" % (n, unit) if n >= 100 else "%.3g%s" % (n, unit)


# ---- reading and firing ----------------------------------------------------------------------------------------------

READ_FILE = "\\set file random(%d, %d)" % (LOAD - KEPT + 1, LOAD - 1)
FIRE_FILE = "\\set file :start + :client_id * :each + :n\n\\set n :n + 1"


def reads(field, how):
    return Timed(SECONDS, [[field.url("/dossiers/%d" % f) for f in field.files]], headers=[field.bearer, "Accept: application/json"], folder=field.house.socket, **how)


def fires(field, url, processes, streams=1, http1=False):
    """Each process has its own files: h2load gives every client the same list."""
    body = field.get("body", lambda: written(field.house.socket + "/body", '{"version": 2}'))

    def one():
        each = FIRES // processes
        first = field.take(each * processes)
        lists = [[url("/dossiers/%d/evenements/withdraw" % (first + p * each + i)) for i in range(each)] for p in range(processes)]
        return h2load(lists, clients=1, streams=streams, http1=http1, requests=each, processes=processes, data=body, folder=field.house.socket,
                      headers=[field.bearer, "Accept: text/html", "Content-Type: application/json"])
    return one


def written(path, text):
    with open(path, "w") as f:
        f.write(text)
    return path


def pg_reads(field, pipeline, clients):
    script = Script(field.read, READ_FILE, pipeline)
    return lambda: pgbench(field.house, script, "read%d" % pipeline, clients, seconds=SECONDS)


def pg_fires(field, pipeline, clients):
    script = Script(field.write, FIRE_FILE, pipeline)

    def one():
        first = field.take(FIRES // clients * clients)
        return pgbench(field.house, script, "fire%d" % pipeline, clients, each=FIRES // clients, start=first)
    return one


def best_count(make, counts):
    """The client count at which pgbench does most."""
    found = {n: make(n)() for n in counts}
    return max(found, key=found.get)


def b1(field):
    clients = {p: best_count(lambda n, p=p: pg_reads(field, p, n), (2, 4, 8)) for p in (False, True)}
    t = Turns({"pg": pg_reads(field, False, clients[False]), "pipe": pg_reads(field, True, clients[True]), "h2": reads(field, HTTP2), "h1": reads(field, HTTP1)},
              **field.answered("h1", "h2"))
    one, two = ("pgbench, %d clients, one statement after the other" % clients[False], "pgbench, %d clients, one pipeline" % clients[True])
    return [row("B1 file's page as JSON, HTTP/2", one, t, "h2", "pg", 1.2), row("B1 file's page as JSON, HTTP/2", two, t, "h2", "pipe", 0.6),
            row("B1 file's page as JSON, HTTP/1.1", one, t, "h1", "pg", 0.5), row("B1 file's page as JSON, HTTP/1.1", two, t, "h1", "pipe", 0.3)]


def b2(field):
    t = Turns({"pg": pg_fires(field, False, 8), "pipe": pg_fires(field, True, 8), "h2": fires(field, field.url, 4, streams=4)}, **field.answered("h2"))
    check_fired(field)
    return [row("B2 transition, HTTP/2", "pgbench, 8 clients, one statement after the other", t, "h2", "pg", 1.0),
            row("B2 transition, HTTP/2", "pgbench, 8 clients, the same flights", t, "h2", "pipe", 0.8)]


def check_fired(field):
    """Every transition that was acknowledged is there once, and nothing impossible is."""
    n = int(field.house.psql("select count(*) from file where id <= %d and state = 'withdrawn' and version = 3" % LOAD))
    if n != field.fired + 1:  # and the one that was recorded
        raise Wrong("%d files are withdrawn, %d were fired at" % (n, field.fired + 1))
    field.house.ctl("invariants")


def b5(field):
    def of_peer(path):
        return "https://127.0.0.1:%d%s" % (field.peer.port, path)
    paths = ["/dossiers/%d" % f for f in field.files]
    status, body = field.house.ask("/dossiers/%d" % field.files[0], headers={"Authorization": "Bearer " + field.token, "Accept": "application/json"})[::2]
    theirs = peer_answer(field, paths[0])
    if status != 200 or any(json.loads(body)[k] != theirs[k] for k in ("number", "state", "sha256")):
        raise Wrong("the peer reads another file")
    both = field.answered("us", peer=field.peer.process.pid)
    t = Turns({"us": reads(field, HTTP1),
               "peer": Timed(SECONDS, [[of_peer(p) for p in paths]], headers=[field.bearer], folder=field.house.socket, **HTTP1)}, **both)
    w = Turns({"us": fires(field, field.url, 16, http1=True), "peer": fires(field, of_peer, 16, http1=True)}, **both)
    check_fired(field)
    peer = "node %s, fastify and pg, 2 processes" % run("node", "-v").strip()
    return [row("B5 file's page as JSON, HTTP/1.1", peer, t, "us", "peer", 6), row("B5 transition, HTTP/1.1", peer, w, "us", "peer", 3)]


def peer_answer(field, path):
    import http.client
    import ssl
    c = http.client.HTTPSConnection("localhost", field.peer.port, context=ssl.create_default_context(cafile=field.house.home + "/certs/ca.pem"))
    c.request("GET", path, headers={"Authorization": "Bearer " + field.token})
    return json.loads(c.getresponse().read())


# ---- pages -----------------------------------------------------------------------------------------------------------

def page(house, path, encoding=None):
    status, headers, body = house.ask(path, headers={"Accept": "text/html", **({"Accept-Encoding": encoding} if encoding else {})})
    if status != 200:
        raise Wrong("%s: %d" % (path, status))
    return body


def against_nginx(field, path, headers, pages, ways):
    with Nginx(field.house, pages) as nginx:
        contenders, programs = {}, {}
        for name, how in ways.items():
            contenders[name + " us"] = Timed(SECONDS, path, headers=headers, folder=field.house.socket, **how)
            contenders[name + " nginx"] = Timed(SECONDS, nginx.url("page.html"), headers=headers, **how)
            programs.update({name + " us": field.house.process.pid, name + " nginx": nginx.process.pid})
        return Turns(contenders, house=field.house, programs=programs)


def b3(field):
    html = page(field.house, "/annuaire?commune=59350")
    communes = field.house.psql("select code from commune where type = 'commune-actuelle' and lon is not null order by md5(code) limit 1000").split()
    headers = ["Accept: text/html"]
    t = against_nginx(field, field.url("/annuaire?commune=59350"), headers, {"page.html": html}, {"one": HTTP2})
    many = [[field.url("/annuaire?commune=" + c) for c in communes]]
    m = against_nginx(field, many, headers, {"page.html": html}, {"many": HTTP2})
    nginx = "nginx, the same %d KB as a static file" % (len(html) // 1000)
    return [row("B3 directory page, HTTP/2", nginx, t, "one us", "one nginx", 0.4),
            {**row("B3 directory page, 1000 communes in turn, HTTP/2", nginx, m, "many us", "many nginx", 0.4), "met": None, "target": "–"}]


def b4(field):
    plain_page, packed = page(field.house, "/"), page(field.house, "/", "gzip")
    pages = {"page.html": plain_page, "page.html.gz": packed}
    t = against_nginx(field, field.url("/"), ["Accept: text/html", "Accept-Encoding: gzip"], pages, {"h2": HTTP2, "h1": HTTP1})
    nginx = "nginx, the same %.1f KB (gzip) as a static file" % (len(packed) / 1000)
    return [row("B4 home page, HTTP/2", nginx, t, "h2 us", "h2 nginx", 1.5), row("B4 home page, HTTP/1.1", nginx, t, "h1 us", "h1 nginx", 1.0)]


# ---- the rest --------------------------------------------------------------------------------------------------------

def b6(field):
    # Two houses that nothing was fired at: thousands of transitions in one day are B2's, not a region's.
    full, small = field.served(PART), field.get("small", lambda: field.served(PART / 10))
    past = small.psql("select current_date - 60")

    def cost(house, path):
        def one():
            connection, took = house.connection("region"), []  # a turn's own: one that waited for other machines is closed
            for _ in range(20):
                began = time.perf_counter()
                status = house.ask(path, headers={"Accept": "text/html"}, connection=connection)[0]
                took.append(time.perf_counter() - began)
                if status != 200:
                    raise Wrong("%s: %d" % (path, status))
            return statistics.median(took) * 1000
        return one
    out = []
    for what, path in (("now", "/statistiques"), ("as of a past date", "/statistiques?au=" + past)):
        t = Turns({"full": cost(full, path), "small": cost(small, path)})
        out.append(row("B6 regional dashboard, " + what, "the same with a tenth of the events", t, "full", "small", 1.2, most=True, unit=" ms"))
    return out


def b7(field):
    lines = int(2400000 * PART)
    path = os.path.join(folder(), "registry-%d.txt" % lines)
    if not os.path.exists(path):
        with open(path + ".part", "w") as f:
            subprocess.run([ROOT + "/build/bench/registry_make", "--lines", str(lines), "--header", ROOT + "/db/data/rpps_personne_activite_header.txt"], stdout=f, check=True)
        os.chmod(path + ".part", 0o644)
        os.rename(path + ".part", path)
    house, most = field.house, []

    def imports():
        began = time.monotonic()
        p = subprocess.Popen([ENROLLCTL, "registry", "import", "--force", path], env=house.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd="/")
        said = p.stderr.read()
        _, status, usage = os.wait4(p.pid, 0)
        p.returncode = status
        if status:
            raise Wrong("registry import: %s" % said[-500:])
        most.append(usage.ru_maxrss / 1000)
        return lines / (time.monotonic() - began)

    def copies():
        house.psql("drop table if exists public.text_lines; create unlogged table public.text_lines (line text)")
        began = time.monotonic()
        run("psql", "-X", "-q", "-v", "ON_ERROR_STOP=1", "-c", "\\copy public.text_lines from '%s' with (format csv, delimiter e'\\x01', quote e'\\x02')" % path,
            house.dsn("postgres"))
        return lines / (time.monotonic() - began)
    t = Turns({"import": imports, "copy": copies}, warm=False)
    house.psql("drop table public.text_lines")
    return [row("B7 registry import, %d lines" % lines, "psql \\copy into an unlogged text table", t, "import", "copy", 0.5, unit=" lines/s"),
            plain("B7 registry import, memory", max(most), 100, " MB")]


def b8(field):
    count = int(10000 * min(1, PART * 10))
    crowded = field.entered(House(prepare(PART / 10)))
    crowded.start(ENROLL_IDLE_SECONDS="3600")
    quiet = field.get("small", lambda: field.served(PART / 10))

    def load(house):
        return Timed(SECONDS, "https://127.0.0.1:%d/" % house.port, headers=["Accept: text/html", "Accept-Encoding: gzip"], **HTTP2)
    load(crowded)()
    before = resident(crowded.process.pid)
    with idle.Crowd(crowded.port, count) as crowd:
        each = (resident(crowded.process.pid) - before) / count
        t = Turns({"crowded": load(crowded), "quiet": load(quiet)}, rounds=2 * ROUNDS + 1)  # a difference of two houses, not a ratio of many
        still = crowd.alive()
    if still < count:
        raise Wrong("only %d of %d idle connections are still open" % (still, count))
    crowded.stop()
    slower = [1 - a / b for a, b in zip(t["crowded"], t["quiet"])]
    median = statistics.median(slower) * 100
    return [plain("B8 %d idle TLS connections, resident each" % count, each / 1000, 60, " KB"),
            {"name": "B8 the others, slowed by", "reference": "the service without them", "ratio": median, "unit": " %", "spread": (min(slower) * 100, max(slower) * 100),
             "target": "< 10 %", "met": median < 10, "context": "%s against %s" % tuple(amount(statistics.median(t[k]), "/s") for k in ("crowded", "quiet")) + taken_from(t)}]


def resident(pid):
    with open("/proc/%d/statm" % pid) as f:
        return int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE")


def b9(field):
    house = field.entered(House(prepare(PART)))
    took, rest = [], []
    for _ in range(ROUNDS):
        calm.wait()
        took.append(house.start())
        time.sleep(2)
        rest.append(resident(house.process.pid) / 1e6)
        child = sum(resident(int(p.split("/")[2])) for p in glob.glob("/proc/[0-9]*/stat") if parent(p) == house.process.pid) / 1e6
        house.stop(signal.SIGTERM)
    start = plain("B9 start to first answer, database up", statistics.median(took), 0.5, " s")
    memory = plain("B9 resident at rest", statistics.median(rest), 60, " MB", "the PDF process besides: %.0f MB" % child)
    return [{**start, "spread": (min(took), max(took))}, {**memory, "spread": (min(rest), max(rest))}]


def parent(stat):
    try:
        with open(stat) as f:
            return int(f.read().rsplit(")", 1)[1].split()[1])
    except OSError:
        return 0


BENCHES = {"B1": b1, "B2": b2, "B3": b3, "B4": b4, "B5": b5, "B6": b6, "B7": b7, "B8": b8, "B9": b9}
