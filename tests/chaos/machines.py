#!/usr/bin/env python3
"""More than one machine: two instances behind haproxy, a rolling upgrade across a migration, the primary lost.

    tests/chaos/machines.py [--short] [--seed N] [--only instances|upgrade|failover]

tests/chaos/replicas.py says how the machines are made, docker/README.md what an operator does with it.
"""
import argparse
import collections
import random

from replicas import *
from http2 import Steady


def came(site):
    """How often each mail came, by the outbox row that its Message-ID names: it is the same when it is sent again."""
    with site.mail.lock:
        return collections.Counter(m["id"] for m in site.mail.mails)


def people_apply(w, names):
    """All of them, at once: one registry, one thread each."""
    persons = {n: w.person(n) for n in names}
    full = {n: answers_of(p) for n, p in persons.items()}
    w.house.registry(*({"rpps": a["rpps"], "last_name": a["last_name"].upper(), "first_name": a["first_name"].upper(), "commune": a["address_commune"],
                        "postcode": a["address_postcode"]} for a in full.values()))
    wrong = []

    def one(name):
        try:
            for c in flat([applies(name, registered=False), state(name, "in_review")]):
                c.do(w)
        except Exception as e:  # told by the one who waits
            wrong.append("%s: %s" % (name, e))
    for n in names:
        w.house.account(n)
    threads = [threading.Thread(target=one, args=(n,)) for n in names]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    right(not wrong, wrong)


def listed_name(w):
    """Of who is in the directory, if somebody is."""
    return answers_of(w.persons["zoe"])["last_name"] if "zoe" in w.persons else ""


def load_of(w, names):
    """Two delegates fire on distinct files; people read what a standby may answer, and what it may not."""
    site, lea, marc = w.house, w.house.agent("lea"), w.house.agent("marc")
    files = [w.person(n).file for n in names]
    public, own = Once(site.client(), fresh=True), Once(w.house.account(names[0]), fresh=True)
    return Load([(Once(lea if i % 2 else marc), f) for i, f in enumerate(files)],
                [("home", public, "/", ""), ("directory", Once(site.client()), "/annuaire?commune=59350", listed_name(w)),
                 ("figures", Once(site.client(), fresh=True), "/statistiques", '"items"'), ("session", own, "/dossiers", '"state"'),
                 ("file", Once(lea), "/dossiers/%d" % files[0], '"version"')])


def worst(entries):
    return max((x[2] for x in entries), default=0)


def kinds(entries):
    found = {}
    for x in entries:
        key = "%s %s" % (x[0], x[3] or "lost")
        found[key] = found.get(key, 0) + 1
    return " ".join("%s:%d" % k for k in sorted(found.items())) or "none"


# ---- two instances ---------------------------------------------------------------------------------------------------------

def mails_once(w, addresses):
    """Both instances lease from one outbox: each mail leaves once, with one Message-ID."""
    site = w.house
    for i in range(addresses):
        a = site.client().post("/compte", {"email": "lettre%d@exemple.test" % i, "password": PASSWORD})
        right(a.status == 200, "%r" % a)
    delivered(site, 30)
    twice = {k: n for k, n in came(site).items() if n != 1}
    right(not twice, "came more than once: %s" % twice)
    survived(addresses, "mails of two instances, each delivered once")


def delivered(site, seconds):
    """Every mail of the outbox came, under the Message-ID of its row, and nothing else did."""
    eventually("an empty outbox", seconds, lambda: site.sql("select count(*) from outbox where done_at is null and kind in ('message', 'mail', 'digest')") == [("0",)])
    rows = {k: {int(n) for n, in site.sql("select id from outbox where kind = '%s' and error is null" % k)} for k in ("mail", "digest")}
    ids = set(came(site))
    right(rows["mail"] <= ids, "never came: %s" % sorted(rows["mail"] - ids))
    right(ids <= rows["mail"] | rows["digest"], "nobody's: %s" % sorted(ids - rows["mail"] - rows["digest"]))


def slow_mail(w, addresses, seconds):
    """A mail server that takes its time: an instance told to stop gives back what it has not begun, the other sends it."""
    site, keep = w.house, MailHandler.keep

    def slowly(handler, to, body):
        time.sleep(seconds)
        keep(handler, to, body)
    MailHandler.keep = slowly
    try:
        for i in range(addresses):
            right(site.client().post("/compte", {"email": "lente%d@exemple.test" % i, "password": PASSWORD}).status == 200, "account")
        eventually("a mail under way", 30, lambda: site.sql("select 1 from outbox where kind = 'mail' and leased_until is not null and done_at is null"))
        stops = []
        for instance in site.instances:
            began = time.monotonic()
            right(instance.stop() == 0, tail(instance.log))
            stops.append(time.monotonic() - began)
            instance.start()
        delivered(site, 60 + addresses * seconds)
    finally:
        MailHandler.keep = keep
    right(max(stops) < 2 * seconds + 10, "it stops after %.0f s" % max(stops))
    twice = {k: n for k, n in came(site).items() if n != 1}
    right(not twice, "came more than once: %s" % twice)
    survived(addresses, "mails of %d s each while both instances are stopped in turn, each delivered once; the longest stop took %.1f s" % (seconds, max(stops)))


def killed_in_turn(w, names, rounds, rng):
    """SIGKILL of either under load, started again: nothing acknowledged is lost, no session is, and few requests are."""
    site = w.house
    load = load_of(w, names)
    load.begin()
    time.sleep(0.5)
    for i in range(rounds):
        victim = site.instances[i % 2]
        time.sleep(rng.uniform(0.2, 0.8))
        victim.kill()
        time.sleep(rng.uniform(0.5, 1.5))
        victim.start()
        site.seen(victim)
    load.end()
    kept_its_word(site, load)
    denied = [x for x in load.log if x[3] not in (0, 200, 503)]
    right(not denied, "sessions and reads across instances: %s" % denied[:3])
    survived(rounds, "SIGKILLs of either instance under load: %d events acknowledged, all kept; of %d requests %d had no answer and were sent again (%s)" %
             (len(load.acknowledged), len(load.log), len(load.failures()), kinds(load.failures())))


def deadlines_once(w, names, kill):
    """What is due fires once, though two clocks look for it, and though one is killed while it does."""
    site = w.house
    site.sql("insert into meta values ('clock_offset', '%d') on conflict (key) do update set value = excluded.value" % (31 * 86400))
    if kill:
        time.sleep(0.3)
        site.instances[0].kill()
    files = ",".join(str(w.person(n).file) for n in names)
    eventually("lapse of all: %s" % site.sql("select state, count(*) from file where id in (%s) group by 1" % files), 30,
               lambda: site.sql("select count(*) from file where state = 'closed' and id in (%s)" % files) == [(str(len(names)),)])
    if kill:
        site.instances[0].start()
    time.sleep(2.5)  # the other one's next look: it may find nothing more to do
    many = site.sql("select file, count(*) from event where event = 'lapse' and file in (%s) group by 1 having count(*) <> 1" % files)
    letters = site.sql("select count(*) from message where file in (%s) and kind not in ('reminder', 'digest') and seq in (select seq from event e where e.file = message.file"
                       " and e.event = 'lapse') and audience = 'account'" % files)
    right(not many and letters == [(str(len(names)),)], "fired %s, letters %s" % (many, letters))
    sound(site)
    figures(site)
    survived(len(names), "deadlines under two clocks, each fired once")


# ---- a rolling upgrade -----------------------------------------------------------------------------------------------------

def upgraded(w, names, rounds):
    """The next release adds a column to the busiest tables: migrated while the old one serves, replaced one by one."""
    site = w.house
    after = os.path.join(os.path.dirname(site.enrolld), "next")
    right(os.path.exists(after + "/enrolld"), "the next release is not built: make next")
    load, http2 = load_of(w, names), Steady(site, "/annuaire?commune=59350")
    load.begin()
    time.sleep(0.5)
    # Someone holds the table for a while: the migration waits without making the others wait behind it.
    holder = subprocess.Popen([os.path.join(BIN, "psql"), "-X", "-q", "-h", "127.0.0.1", "-p", str(site.db.primary.port), "-U", "postgres", "-d", "enroll",
                               "-c", "begin; select count(*) from enroll.file; select pg_sleep(1.5); commit"], stdout=subprocess.DEVNULL)
    time.sleep(0.3)
    began = time.monotonic()
    p = subprocess.run([after + "/enrollctl", "migrate"], env=site.environment, capture_output=True, text=True, timeout=120, cwd="/")
    right(p.returncode == 0 and "1 applied" in p.stdout, "%d %s%s" % (p.returncode, p.stdout, p.stderr))
    migrated = time.monotonic() - began
    holder.wait()
    time.sleep(0.7)
    for i in range(rounds):
        instance = site.instances[i % 2]
        right(instance.stop() == 0, "it does not end well: %s" % tail(instance.log))
        instance.program, site.enrollctl = after + "/enrolld", after + "/enrollctl"
        instance.start()
        site.seen(instance)
    load.end()
    http2.end()
    right(http2.connections > 1, "its connection never had to end")
    right(not http2.wrong, "on HTTP/2: %d of %d: %s" % (len(http2.wrong), http2.answered, http2.wrong[:3]))
    slow = worst(load.log)
    right(not load.failures(), "%d of %d requests failed: %s" % (len(load.failures()), len(load.log), load.failures()[:5]))
    kept_its_word(site, load)
    right(site.sql("select count(*) from schema_migration where name like '9999%'") == [("1",)], "the migration is not there")
    old = Instance(site, "old", site.enrolld)
    old.start(wait=False)
    status = old.process.wait(30)
    right(status == 1 and "newer than this program" in tail(old.log), "the old release starts: %s %s" % (status, tail(old.log)))
    os.unlink(old.log)
    shutil.rmtree(old.home, ignore_errors=True)
    survived(http2.answered, "more on HTTP/2, on %d connections: 0 failed, %d were refused untouched and sent again" % (http2.connections, http2.again))
    survived(len(load.log), "requests during a migration (%.1f s, behind a transaction that held the table) and %d replaced instances: 0 failed, the slowest %.2f s" %
             (migrated, rounds, slow))


# ---- the primary lost ------------------------------------------------------------------------------------------------------

def primary_lost(w, names, wait, listed=None, frozen=False):
    """SIGKILL of PostgreSQL under load, the standby promoted `wait` seconds later; enrolld is never started again."""
    site, db = w.house, w.house.db
    load = load_of(w, names)
    pids = [i.process.pid for i in site.instances]
    load.begin()
    time.sleep(1.5)
    if frozen:
        db.primary.freeze()
    else:
        db.kill()
    lost = time.monotonic()
    time.sleep(wait)
    db.promote()
    promoted = time.monotonic()
    (back, _) = eventually("an acknowledged write", 40, lambda: next((x for x in load.of("write", since=promoted) if x[3] == 200), None))
    time.sleep(1.5)
    load.end()
    if frozen:
        db.standby.kill()
    right([i.process.pid for i in site.instances] == pids and all(i.process.poll() is None for i in site.instances), "an instance was started again")
    kept_its_word(site, load)
    first = min(x[1] + x[2] for x in load.of("write", since=lost) if x[3] == 200 and x[1] + x[2] > promoted)
    right(first - lost < 30, "no write for %.1f s" % (first - lost))
    away = [x for x in load.log if x[1] + x[2] > lost and x[1] < first]
    always = [x for x in away if x[0] in ("home", "directory", "figures")]
    right({x[0] for x in always} == {"home", "directory", "figures"}, "nobody read: %s" % kinds(away))
    bad = [x for x in always if x[3] != 200]
    right(not bad, "public pages while the primary was away: %s" % bad[:3])
    followed = [x for x in away if x[0] in ("file", "session")]
    odd = [x for x in followed if x[3] not in (200, 503, 0)]
    right(not odd, "%s" % odd[:3])
    survived(len(load.acknowledged), "events acknowledged around a lost primary, 0 lost; writes again %.1f s after the loss, %.1f s after the promotion" %
             (first - lost, first - promoted))
    survived(len(always), "public reads while there was no primary (home, directory, figures), all answered; the slowest %.2f s" % worst(always))
    survived(len(followed), "reads of files and sessions meanwhile: %s; the slowest %.1f s" % (kinds(followed), worst(followed)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=("instances", "upgrade", "failover"))
    given = parser.parse_args()
    rng, short, failed = random.Random(given.seed), given.short, 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    writers = ["anna", "bea", "carl", "dora"] if short else ["anna", "bea", "carl", "dora", "elsa", "fred", "gina", "hugo"]
    late = ["ines", "jean"] if short else ["ines", "jean", "kim", "luc", "max", "nora"]
    state_of = {}

    def made():
        db = Replicas()
        site = state_of["site"] = Site(db, ENROLL_DRAIN_SECONDS="2" if short else "3")
        w = state_of["w"] = World(site)
        site.agent("lea"), site.agent("marc")
        people_apply(w, writers + (late if given.only in (None, "instances") else []))

    def corrected():
        w = state_of["w"]
        for n in late:
            fires("lea", "claim", n).do(w)
            fires("lea", "ask_correction", n, items=[{"field": "phone", "code": "other", "text": "Corrigez ce point."}]).do(w)

    def listed():
        for c in flat(conventioned("zoe")):
            c.do(state_of["w"])

    def step(sentence, do, *args, **more):
        nonlocal failed
        failed += not attempt(sentence, lambda: do(*args, **more))

    step("a primary, its synchronous standby, two instances and haproxy serve", made)
    if failed:
        sys.exit(1)
    w, site = state_of["w"], state_of["site"]
    if given.only in (None, "upgrade"):
        step("a rolling upgrade across a migration fails no request", upgraded, w, writers, 2)
    if given.only in (None, "instances"):
        step("two instances lease each mail once", mails_once, w, 6 if short else 40)
        if not short:
            step("with a slow mail server too, and an instance stops soon", slow_mail, w, 15, 3)
        step("either instance killed under load: sessions go on, nothing acknowledged is lost", killed_in_turn, w, writers, 2 if short else 12, rng)
    if given.only in (None, "failover"):
        if not short:
            step("somebody is in the directory", listed)
        for i in range(1 if short else 4):
            wait = 1.5 if short else (1.5, 5, 10, 3)[i]
            step("the primary lost: nothing acknowledged is lost, public pages are read throughout, writes come back", primary_lost, w, writers, wait)
            if not short:
                step("the lost machine comes back as the standby", site.db.follow)
    if given.only in (None, "instances"):
        step("two files wait for a correction" if short else "files wait for a correction", corrected)
        step("deadlines under two clocks fire once", deadlines_once, w, late, not short)
    step("both instances end well", lambda: right(site.stop() == 0, "\n".join(tail(i.log) for i in site.instances)))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
