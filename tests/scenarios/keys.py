#!/usr/bin/env python3
"""Keys that change beside a service that runs: rotated, everything sealed again, the old one retired, nothing lost."""
from lib import *

COLUMNS = {"working_copy.data", "frozen_copy.data", "event_personal.data", "employer_link.token", "message.body", "message.params",
           "document.data", "piece.name", "piece_chunk.data", "upload.name", "upload_chunk.data"}
HALF = big_pdf(200000)  # a piece on its way in slices
LINK = r"(/compte/confirmation/[\w-]+)"
PAUL = dict(practice_mode="salaried", employer_name="Centre de santé des Essais", employer_siret=siret(1), employer_email="centre@exemple.test")


def keys(w):
    return {k["id"]: k for k in jsonlib.loads(w.house.ctl("keys", "status", "--json"))}


def sealing(w):
    return next(k for k in keys(w).values() if k["use"] == "seal" and k["current"])


def every_column(w):
    """What somebody reads is there in each column that is sealed; the schema has no other bytea."""
    house = w.house
    a = house.client().post("/compte", {"email": "neuf@exemple.test", "password": PASSWORD})
    right(a.status in (200, 201, 202), "%r" % a)
    house.mail.wait("neuf@exemple.test", LINK)
    a = house.ask("zoe", "upload_begin", w.person("zoe").file, {"kind": "diploma_extra"}, len(HALF))
    w.upload = a.headers["Location"]
    right(house.ask("zoe", "upload_slice", w.upload, 0, HALF[:100000]).status == 204, "the first slice")
    until = time.monotonic() + 20
    while set(sealing(w)["columns"]) != COLUMNS:
        right(time.monotonic() < until, "not sealed: %s" % (COLUMNS ^ set(sealing(w)["columns"])))
        time.sleep(0.3)
    found = house.sql("select table_name || '.' || column_name from information_schema.columns where table_schema = 'enroll' and data_type = 'bytea'")
    right({f[0] for f in found} == COLUMNS - {"message.params"}, "a sealed column that rotation does not know: %s" % found)
    w.first = sealing(w)
    right(w.first["rows"] == sum(w.first["columns"].values()) > 20, "%s" % w.first)
    w.read = everything(w)


def everything(w):
    """What people read of it."""
    house = w.house
    files = [w.file("paul"), w.file("zoe")]
    seen = [(f["answers"], [p["name"] for p in f["pieces"]], [e["hash"] for e in f["events"]]) for f in files]
    piece = files[0]["pieces"][0]["id"]
    a = house.ask("paul", "get", "/dossiers/%d/pieces/%d" % (w.person("paul").file, piece))
    right(a.status == 200 and a.body.startswith(b"%PDF"), "piece: %r" % a)
    b = house.ask("lea", "get", "/dossiers/%d/convention.pdf" % w.person("paul").file)
    right(b.status == 200 and b.body.startswith(b"%PDF"), "convention: %r" % b)
    settle(house)
    listed = house.ask("paul", "get", "/messages").json["items"]
    letters = [house.ask("paul", "get", "/messages/%d" % m["id"]).body for m in listed]
    right(letters and all(letters), "letters")
    return seen, a.body, b.body, len(letters)


class Busy:
    """Somebody who goes on working: saves answers, sends pieces."""

    def __init__(self, w):
        self.w, self.end, self.wrong, self.count = w, threading.Event(), [], 0
        p = w.person("zoe")
        self.client = w.house.client()
        self.client.token = w.house.people["zoe"].token
        self.file = p.file
        self.thread = threading.Thread(target=self.work, daemon=True)
        self.thread.start()

    def work(self):
        while not self.end.is_set():
            n = self.count
            with contextlib.suppress(OSError):
                a = self.client.post("/dossiers/%d/reponses" % self.file, {"address_street": "%d rue des Essais" % (n % 90 + 1)})
                b = self.client.upload("/dossiers/%d/pieces" % self.file, {"kind": "identity"}, "a.pdf", pdf("piece %d" % (n % 20)))  # a file holds 40
                c = self.client.get("/dossiers/%d" % self.file)
                if (a.status, b.status, c.status) != (200, 201, 200) or c.json["answers"]["address_street"] != "%d rue des Essais" % (n % 90 + 1):
                    self.wrong.append((a, b, c))
            self.count += 1

    def stop(self):
        self.end.set()
        self.thread.join(60)
        right(not self.wrong, "it was disturbed: %s" % self.wrong[:1])
        right(self.count > 2, "it did nothing")


def rotated(w):
    """A new key: sealed with by who runs within two seconds, while what is old opens."""
    w.busy = Busy(w)
    w.new = jsonlib.loads(w.house.ctl("keys", "rotate", "--json"))["id"]
    began = time.monotonic()
    right(w.new != w.first["id"] and sealing(w)["id"] == w.new, "another key is current")
    while not keys(w)[w.new]["columns"].get("working_copy.data"):
        right(time.monotonic() < began + 6, "nobody seals with it")
        time.sleep(0.1)
    with open(w.house.log, encoding="utf-8") as f:
        right('"seals":"%s"' % w.new in f.read(), "the log does not say which key seals")
    right(keys(w)[w.first["id"]]["rows"] > 0, "the old one is used no more, before anything was sealed again")
    said = subprocess.run([w.house.enrollctl, "keys", "retire", w.first["id"]], env=w.house.environment, capture_output=True, text=True)
    right(said.returncode == 1, "a key that opens something is retired")


def killed_midway(w):
    """Sealing again stops at a row that somebody holds; killed there, what it did stays, and it is run again."""
    house = w.house
    psql = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]
    holder = subprocess.Popen([psql, "-X", "-q", "-A", "-t", "-h", os.path.realpath(os.path.join(house.home, "pg/socket")), "-U", "postgres", "-d", "enroll"],
                              stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={"PATH": "/usr/bin:/bin"})
    piece = w.file("paul")["pieces"][0]["id"]
    holder.stdin.write("begin; select 'held' from enroll.piece_chunk where piece = %d for update;\n" % piece)
    holder.stdin.flush()
    right(holder.stdout.readline() == "held\n", "the row is held")
    try:
        work = subprocess.Popen([house.enrollctl, "keys", "reencrypt"], env=house.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while not house.sql("select 1 from pg_stat_activity where application_name = 'enroll keys' and wait_event_type = 'Lock'"):
            right(work.poll() is None and time.monotonic() < until, "it does not come to the row")
            time.sleep(0.05)
        work.kill()
        work.wait()
    finally:
        holder.stdin.write("rollback;\n")
        holder.stdin.close()
        holder.wait()
        holder.stdout.close()
    old = keys(w)[w.first["id"]]
    right(0 < old["rows"] < w.first["rows"] and "frozen_copy.data" not in old["columns"] and old["columns"]["piece_chunk.data"] > 0, "%s" % old)
    said = jsonlib.loads(house.ctl("keys", "reencrypt", "--json"))
    right(said["key"] == w.new and said["rows"] >= old["rows"] - 5, "%s after %s" % (said, old))
    right(keys(w)[w.first["id"]]["rows"] == 0, "left: %s" % keys(w)[w.first["id"]])
    right(jsonlib.loads(house.ctl("keys", "reencrypt", "--json"))["rows"] == 0, "again, it finds something")
    w.busy.stop()
    right(everything(w)[1:] == w.read[1:] and everything(w)[0][0] == w.read[0][0], "something reads otherwise")
    link = house.mail.wait("neuf@exemple.test", LINK)
    right(house.client().get(link, Accept="text/html").status == 200, "the link that was mailed")
    house.ctl("audit", "verify")


def retired(w):
    """The old key goes once nobody can be sealing with it; the service goes on without it, after a restart too."""
    house, old = w.house, w.first["id"]
    path = os.path.join(house.home, "keys")
    house.ctl("keys", "retire", old, status=1)  # the file has just changed
    past = time.time() - 60
    os.utime(path, (past, past))
    house.ctl("keys", "retire", w.new, status=1)
    house.ctl("keys", "retire", "nokey", status=1)
    house.ctl("keys", "retire", old)
    right(old not in keys(w) and old not in open(path).read(), "it is there still")
    right(everything(w)[1:] == w.read[1:], "something reads otherwise")
    right(house.stop() == 0, "it ends")
    house.start()
    right(everything(w)[1:] == w.read[1:], "something reads otherwise after a restart")
    a = house.ask("zoe", "upload_slice", w.upload, 100000, HALF[100000:], True)
    right(a.status == 201 and house.ask("zoe", "get", a.headers["Location"]).body == HALF, "a piece whose slices were sealed again: %r" % a)


def several_machines(w):
    """A key is known before it seals; a signing key leaves the roots it signed good."""
    house = w.house
    made = jsonlib.loads(house.ctl("keys", "rotate", "--add", "--json"))["id"]
    right(made in keys(w) and sealing(w)["id"] == w.new, "it seals at once")
    house.ctl("keys", "rotate", "--to", made)
    right(sealing(w)["id"] == made, "it does not seal")
    house.move(minutes=70)
    house.ctl("keys", "rotate", "--use", "sign")
    house.move(minutes=70)
    right(jsonlib.loads(house.ctl("audit", "verify", "--json"))["good"], "a root of before is no good")
    signs = [k["id"] for k in keys(w).values() if k["use"] == "sign"]
    os.utime(os.path.join(house.home, "keys"), (1, 1))
    house.ctl("keys", "retire", signs[0], status=1)


def found_twice(w):
    """The same NIR in another's file is refused: equality is searched."""
    a = w.fire("yann", "submit", "yann")
    return a.status == 422 and any(p["field"] in ("rpps", "nir") for p in a.json["problems"]) or "%r" % a


def equality(w):
    """Its key changes while nobody serves, everywhere at once; a person is found as before."""
    house = w.house
    right(found_twice(w) is True, "before: %s" % found_twice(w))
    before = dict(house.sql("select id, nir_hmac from file where nir_hmac is not null"))
    said = subprocess.run([house.enrollctl, "keys", "rotate", "--use", "hmac"], env=house.environment, capture_output=True, text=True)
    right(said.returncode == 1 and "stop every instance" in said.stderr, "it is done under a service that runs: %s" % said.stderr)
    right(sum(k["use"] == "hmac" for k in keys(w).values()) == 1, "a key is left of what was refused")
    right(house.stop() == 0, "it ends")
    made = jsonlib.loads(house.ctl("keys", "rotate", "--use", "hmac", "--json"))["id"]
    house.start()
    after = dict(house.sql("select id, nir_hmac from file where nir_hmac is not null"))
    right(before.keys() == after.keys() and not set(before.values()) & set(after.values()), "not made again: %s" % after)
    right(keys(w)[made]["current"], "%s" % keys(w))
    right(found_twice(w) is True, "after: %s" % found_twice(w))
    old = [k["id"] for k in keys(w).values() if k["use"] == "hmac" and not k["current"]]
    house.ctl("keys", "rotate", "--to", old[0], status=1)
    os.utime(os.path.join(house.home, "keys"), (1, 1))
    house.ctl("keys", "retire", made, status=1)
    house.ctl("keys", "retire", old[0])
    right(found_twice(w) is True, "without the old one: %s" % found_twice(w))


scenario("keys", [
    applies("paul", **PAUL), state("paul", "in_review"), approves("lea", "paul"),
    drafts("zoe", pieces=False),
    drafts("yann", nir=nir(5001)),  # paul's
    holds("every sealed column is known to the rotation", every_column),
    holds("a new one seals within seconds, while people work", rotated),
    holds("sealing again is killed midway and run again, nothing is lost", killed_midway),
    holds("the old one is retired, the service goes on without it", retired),
    holds("one is known before it seals, and a signing one leaves its roots good", several_machines),
    holds("that of equality changes at once, while nobody serves", equality),
])

if __name__ == "__main__":
    run()
