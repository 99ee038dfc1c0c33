"""What the programs of `make chaos` share, on top of tests/scenarios/lib.py (the house, its people, its mail server).

    def main(c):
        house = c.house()                   enrolld, its database and its agents; ends with the process
        people = crowd(house, 40)           that many psychologists, each with a file as far as `in_review`
        c.attempt("sentence", function)     one test: "ok - sentence", or "not ok - sentence" and why
        c.survived(12, "SIGKILLs")          a line of the table at the end
    if __name__ == "__main__":
        alone(main)                         --seed and --short of the command line are c.random and c.short

`log_of(house)` reads the whole history behind everyone's back and `judge_log()` says what is wrong with it.
"""
import argparse
import asyncio
import base64
import collections
import hashlib
import os
import random
import secrets
import signal
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))

from lib import *  # noqa: E402
import lib  # noqa: E402


WHITE = base64.b64decode("iVBORw0KGgoAAAANSUhEUgAAAaQAAAEsAQAAAACk1PotAAAASklEQVR42u3LoQEAAAwCIP9/Wn9YWoBOehHLsizLsizLsizLsizLsizLsizLsizLsizLsizLsizLsizLsizLsizLsizLsizLerkGupXheNOO1PwAAAAASUVORK5CYII=")  # 420 × 300 points
IDLE_SECONDS = 8  # a connection without progress is closed: shorter than usual, so that it is seen
PEOPLE = ("lea", "marc", "nadia", "eva", "emile", "ada")


def golden():
    """(from, event, role, to) of every transition there is."""
    with open(os.path.join(ROOT, "tests/golden/workflow.txt"), encoding="utf-8") as f:
        return {tuple(line.split()) for line in f if line.strip()}


class Catcher(Kept):
    """aiosmtpd as the house's mail server: it can go away, come back on the same port, hold mails
    back, and forget to say that it took one."""

    def __init__(self):
        from aiosmtpd.controller import Controller
        self.mails, self.lock, self.silent, self.held = [], threading.Lock(), 0, threading.Event()
        self.server_address = ("127.0.0.1", free_port())
        self.make = lambda: Controller(self, hostname=self.server_address[0], port=self.server_address[1], enable_SMTPUTF8=True)
        self.controller = None
        self.open()

    def open(self):
        self.controller = self.make()
        self.controller.start()

    def close(self):
        self.controller.stop()

    async def handle_DATA(self, server, session, envelope):
        while self.held.is_set():
            await asyncio.sleep(0.02)
        with self.lock:
            for to in envelope.rcpt_tos:
                self.mails.append(mail_read(to, envelope.content))
            if self.silent:
                self.silent -= 1
                server.transport.abort()  # kept, but the other side never learns it
        return "250 kept"


class Chaos:
    def __init__(self, given):
        self.given, self.seed, self.short, self.failed, self.houses = given, given.seed, given.short, 0, []
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # atexit ends the houses

    def called(self, name):
        """The program that begins: its name, and its own choices."""
        self.name, self.random = name, random.Random("%s %d" % (name, self.seed))

    def house(self):
        """The one that all programs of this process share, with agents of every role; no virus scanner answers there yet."""
        if not self.houses:
            self.disk = own_disk()
            House.mailbox = Catcher
            house = House(ENROLL_CLAMD=tempfile.mktemp(prefix="enroll-clamd-", suffix=".sock", dir="/tmp"),
                          ENROLL_IDLE_SECONDS=str(IDLE_SECONDS))
            self.houses.append(house)
            at_once(PEOPLE, house.agent)
            keep_outbox(house)
        return self.houses[0]

    def attempt(self, sentence, do, *args):
        """Shows, with why it failed, what the service wrote about the references in it."""
        def done():
            try:
                do(*args)
            except Wrong as e:
                found = re.findall(r'"reference":"([0-9a-f]{8})"', str(e))
                lines = [line for h in self.houses for line in open(h.log, encoding="utf-8", errors="replace") if any(f in line for f in found)]
                raise Wrong(str(e) + "".join("\n" + line.strip() for line in lines[:6])) from None
        ok = attempt("%s: %s" % (self.name, sentence), done)
        self.failed += not ok
        return ok

    def survived(self, count, what):
        print("= %s %s" % (f"{count:,}".replace(",", "\u00a0") if isinstance(count, int) else count, what), flush=True)

    def end(self):
        for house in self.houses:
            if house.process.poll() is None:
                self.attempt("the service ends well", lambda: right(house.stop() == 0, tail(house.log)))
            house.end()
        sys.exit(1 if self.failed else 0)


def own_disk():
    """A file system of its own for the house, so that it can be filled: its folder, or None where nothing may be mounted. In
    memory: processes are killed here, not machines, so it outlives them as a disk does, and it is quicker."""
    folder = tempfile.mkdtemp(prefix="enroll-disk-", dir="/tmp")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1g,mode=755", "tmpfs", folder], capture_output=True)
    if done.returncode:
        os.rmdir(folder)
        return None

    def away():
        subprocess.run(["umount", "-l", folder], capture_output=True)
        with contextlib.suppress(OSError):
            os.rmdir(folder)
    atexit.register(away)  # before the house's own: it ends first
    lib.FOLDER = folder
    return folder


def alone(main, **numbers):
    """`numbers`: more of the command line, with their defaults; they are in c.given."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--short", action="store_true")
    for name, default in numbers.items():
        parser.add_argument("--" + name, type=int, default=default)
    c = Chaos(parser.parse_args())
    c.called(os.path.basename(sys.argv[0]).removesuffix(".py"))
    main(c)
    c.end()


# ---- people in bulk ------------------------------------------------------------------------------------------------------

class Member:
    """One psychologist of a crowd: signed in for good, with one file."""

    def __init__(self, person, token, account):
        self.person, self.token, self.account, self.file = person, token, account, None
        self.address = mail_of(person.name)


def at_once(things, do, threads=4):
    """`do` for each thing, by a few threads; the first failure is raised."""
    things, wrong = collections.deque(things), []

    def work():
        while not wrong:
            try:
                thing = things.popleft()
            except IndexError:
                return
            try:
                do(thing)
            except Exception as e:
                wrong.append(e)
    workers = [threading.Thread(target=work, daemon=True) for _ in range(threads)]
    for w in workers:
        w.start()
    for w in workers:
        w.join()
    if wrong:
        raise wrong[0]


def members(house, n, prefix="foule"):
    """Accounts with an open session, written behind the service's back: passwords are other tests' subject."""
    made = []
    for _ in range(n):
        p = Person("%s_%d" % (prefix, Person.count + 1))
        made.append(Member(p, secrets.token_urlsafe(32), None))
    rows = ",".join("('%s', '%s')" % (m.address, hashlib.sha256(m.token.encode()).hexdigest()) for m in made)
    ids = house.sql("create temp table t (email text, digest text); insert into t values %s;"
                    "insert into account (email, email_key, confirmed_at) select email, email, enroll_now() from t;"
                    "insert into session (digest, account, csrf, seen_at, expires_at) select t.digest, a.id, 'csrf', 'infinity', 'infinity' from t join account a"
                    " on a.email_key = t.email; select a.email_key, a.id from t join account a on a.email_key = t.email" % rows)
    by_address = {r[0]: int(r[1]) for r in ids if len(r) == 2}
    for m in made:
        m.account = by_address[m.address]
    return made


def signed_in(house, m):
    """A connection of that member; one per thread."""
    c = house.client()
    c.token = m.token
    return c


def fill(house, m, pieces=True, **answers):
    """A draft with everything in it. The registry must know the person (crowd())."""
    c = signed_in(house, m)
    a = c.post("/dossiers")
    right(a.status == 201, "starting a file: %r" % a)
    m.file = a.json["id"]
    a = c.post("/dossiers/%d/reponses" % m.file, answers_of(m.person, **answers))
    right(a.status == 200, "answers: %r" % a)
    for kind in [k for k in a.json["missing"] if k.startswith("pieces.")] if pieces else ():
        kind, _, row = kind.removeprefix("pieces.").partition(":")
        a = c.upload("/dossiers/%d/pieces" % m.file, {"kind": kind, **({"for": row} if row else {})}, kind + ".png", WHITE, "image/png")
        right(a.status in (200, 201), "piece %s: %r" % (kind, a))
    return c


def submit(house, m, c=None):
    c = c or signed_in(house, m)
    a = c.post("/dossiers/%d/evenements/submit" % m.file, {"version": c.get("/dossiers/%d" % m.file).json["version"]})
    right(a.status == 200, "submit: %r" % a)


def line_of(m, **more):
    full = answers_of(m.person)
    return {"rpps": full["rpps"], "last_name": full["last_name"].upper(), "first_name": full["first_name"].upper(),
            "commune": full["address_commune"], "postcode": full["address_postcode"], **more}


def crowd(house, n, until="in_review", odd=lambda i: {}, threads=4, seconds=600):
    """n members, or as many as can be made in that time, each with a file sent and checked. `odd(i)`: what the registry says
    otherwise of the i-th."""
    made, enough = members(house, n), time.monotonic() + seconds
    house.registry(*[line_of(m, **odd(i)) for i, m in enumerate(made)])

    def make(m):
        if time.monotonic() > enough:
            return
        c = fill(house, m)
        if until != "draft":
            submit(house, m, c)
        c.close()
    at_once(made, make, threads)
    if until not in ("draft", "submitted"):
        settle(house, 60 + n / 4)
    return [m for m in made if m.file]


def keep_outbox(house):
    """What the service forgets of its outbox (30 days after) stays readable in enroll.forgotten: in the schema and its owner's, so that a backup has it too."""
    house.sql("create table enroll.forgotten as table outbox with no data; grant insert on enroll.forgotten to public;"
              "create function enroll.keep() returns trigger language plpgsql as $$ begin insert into enroll.forgotten values (old.*); return old; end $$;"
              "create trigger keep before delete on outbox for each row execute function enroll.keep();"
              "alter table enroll.forgotten owner to enroll_owner; alter function enroll.keep() owner to enroll_owner")


# ---- killing -------------------------------------------------------------------------------------------------------------

def postmaster(house):
    """Its pid, or None when there is none just now."""
    try:
        with open(os.path.join(os.path.realpath(os.path.join(house.home, "pg")), "data/postmaster.pid"), encoding="utf-8") as f:
            pid = int(f.readline())
        os.kill(pid, 0)
        return pid
    except (OSError, ValueError):
        return None


def children(pid):
    try:
        with open("/proc/%d/task/%d/children" % (pid, pid), encoding="utf-8") as f:
            return [int(p) for p in f.read().split()]
    except OSError:
        return []


def command_line(pid):
    try:
        with open("/proc/%d/cmdline" % pid, "rb") as f:
            return f.read().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        return ""


def backends(house):
    """Pids of the server processes that serve enrolld."""
    p = postmaster(house)
    return [c for c in children(p) if ": enroll_service " in command_line(c)] if p else []


def kill(pid, how=signal.SIGKILL):
    try:
        os.kill(pid, how)
        return True
    except OSError:
        return False


def kill_service(house):
    """SIGKILL, and another one in its place."""
    house.stop(signal.SIGKILL)
    house.start()


def serves(house, seconds=60):
    """Waits until it says that it is ready; how long that took."""
    began = time.monotonic()
    until = began + seconds
    c = house.client()
    while True:
        with contextlib.suppress(OSError, http.client.HTTPException):
            if c.get("/readyz").status == 200:
                return time.monotonic() - began
        right(house.process.poll() is None, "enrolld ended with %s: %s" % (house.process.returncode, tail(house.log)))
        right(time.monotonic() < until, "it does not come back: " + tail(house.log))
        time.sleep(0.1)


# ---- the log -------------------------------------------------------------------------------------------------------------

Event = collections.namedtuple("Event", "file seq at event from_state to_state role actor caisse eligible deadline prev_hash hash body")


def log_of(house):
    """{file: [Event in order]}"""
    files = collections.defaultdict(list)
    for r in house.sql("select file, seq, at, event, from_state, to_state, role, actor, coalesce(caisse, ''), eligible, coalesce(deadline::text, ''),"
                       " prev_hash, hash, body from event order by file, seq"):
        files[int(r[0])].append(Event(int(r[0]), int(r[1]), *r[2:]))
    return files


def judge_log(house, log):
    """The log against the golden table, the chain, and the state that each file is in; [what is wrong]."""
    table, wrong = golden(), []
    rows = {int(r[0]): r[1:] for r in house.sql("select id, state, version, coalesce(caisse, ''), eligible, coalesce(deadline::text, '') from file")}
    for file, events in log.items():
        state, prev = "draft", ""
        for i, e in enumerate(events):
            name = "file %d event %d %s" % (file, e.seq, e.event)
            if e.seq != i + 1:
                wrong.append("%s: a gap before it" % name)
            if e.from_state != state:
                wrong.append("%s: from %s, but the file was %s" % (name, e.from_state, state))
            if (e.from_state, e.event, e.role, e.to_state) not in table:
                wrong.append("%s: no such transition: %s by %s to %s" % (name, e.from_state, e.role, e.to_state))
            if e.prev_hash != prev or hashlib.sha256((e.prev_hash + e.body).encode()).hexdigest() != e.hash:
                wrong.append("%s: the chain is broken" % name)
            body = jsonlib.loads(e.body)
            if (body["event"], body["from"], body["to"], body["role"], body["actor"], body["seq"]) != \
                    (e.event, e.from_state, e.to_state, e.role, e.actor, e.seq):
                wrong.append("%s: its columns are not its body" % name)
            state, prev = e.to_state, e.hash
        last = events[-1]
        if rows.get(file) != (state, str(last.seq), last.caisse, last.eligible, last.deadline):
            wrong.append("file %d is %s, but its events give %s" % (file, rows.get(file), (state, last.seq, last.caisse, last.eligible)))
    for file, row in rows.items():
        if file not in log and row[:2] != ("draft", "0"):
            wrong.append("file %d is %s without an event" % (file, row))
    return wrong


def recount(log):
    """{caisse: counts} from the events alone, as domain.md §9 says; what a file has counted goes where the file goes."""
    places = collections.defaultdict(collections.Counter)
    for events in log.values():
        here = places[events[-1].caisse or "non_rattache"]
        here["state:" + events[-1].to_state] += 1
        for e in events:
            left = e.from_state != e.to_state
            here["submitted"] += e.event == "submit"
            here["approved"] += e.event == "approve"
            here["refused"] += left and e.to_state == "refused" and e.from_state != "appealed"
    return places


def figures_hold(house, log):
    """The figures of every level against the recount."""
    counted = recount(log)
    total = collections.Counter()
    for counts in counted.values():
        total.update(counts)
    for level in ("caisse", "departement", "region", "pays"):
        items = jsonlib.loads(house.ctl("figures", "--level", level, "--json"))["items"]
        told = collections.Counter()
        for i in items:
            mine = collections.Counter({"submitted": i["submitted"], "approved": i["approved"], "refused": i["refused"],
                                        **{"state:" + s: n for s, n in i["states"].items()}})
            told.update(mine)
            if level == "caisse":
                expected = counted.get(i["code"], collections.Counter())
                right(+mine == +expected, "caisse %s: %s, recounted %s" % (i["code"], +mine, +expected))
        right(+told == +total, "%s: %s, recounted %s" % (level, +told, +total))


def whole(house, log):
    """What must hold after anything: the log, the figures, the views, the chain."""
    wrong = judge_log(house, log)
    right(not wrong, "%d, such as: %s" % (len(wrong), "; ".join(wrong[:5])))
    sound(house)
