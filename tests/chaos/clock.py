#!/usr/bin/python3
"""The machine's clock jumps, for the service and its PostgreSQL at once (libfaketime): an hour and a day, forward and back,
while people read and decide. The time that only passes (CLOCK_MONOTONIC) goes on, as it does on a machine.

    tests/chaos/clock.py [--seed N]         it has no short form: a house and a database of its own take too long
"""
import argparse
from email.utils import parsedate_to_datetime

from replicas import *
from http2 import Steady
from machines import kinds, people_apply, worst

LIBRARY = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1"
HOUR, DAY = 3600, 86400
SLOWEST = 5  # seconds for an answer: what waits for the clock to come back waits an hour


class Machine(House):
    """One enrolld and one PostgreSQL under a clock of their own."""

    def __init__(self):
        self.folder, self.lead = database_folder(), 0
        self.jump(-3 * DAY)  # certificates are of then: going back before them would rightly refuse them
        faked = {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": self.folder + "/clock", "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        self.primary = Server(self.folder, "one", **faked)
        atexit.register(self.gone)
        self.primary.make()
        super().__init__(ENROLL_DSN=self.primary.dsn("enroll_service"), ENROLL_OWNER_DSN=self.primary.dsn("enroll_owner"),
                         ENROLL_PURGE_DSN=self.primary.dsn("enroll_purge"), **faked)

    def start(self, fresh=False):
        self.ctl("migrate")
        super().start(fresh)

    def sql(self, text):
        return self.primary.sql(text)

    def jump(self, seconds):
        self.lead += seconds
        with open(self.folder + "/clock.new", "w", encoding="ascii") as f:
            f.write("%+d\n" % self.lead)
        os.chmod(self.folder + "/clock.new", 0o644)
        os.rename(self.folder + "/clock.new", self.folder + "/clock")

    def gone(self):
        self.primary.stop()
        shutil.rmtree(self.folder, ignore_errors=True)


class Clock:
    def __init__(self):
        self.house = Machine()
        self.world = World(self.house)
        self.house.agent("lea"), self.house.agent("marc")
        people_apply(self.world, ["anna", "bea", "carl", "dora"])
        self.house.jump(3 * DAY)
        self.pid, self.jumps = self.house.process.pid, []

    def due_in(self, name, seconds):
        """A file that waits for a correction; the service's days pass until its deadline is that near."""
        w = self.world
        fires("lea", "claim", name).do(w)
        fires("lea", "ask_correction", name, items=[{"field": "phone", "code": "other", "text": "Corrigez ce point."}]).do(w)
        left = float(self.house.sql("select extract(epoch from deadline - enroll_now()) from file where id = %d" % w.person(name).file)[0][0])
        self.house.sql("insert into meta values ('clock_offset', '%d') on conflict (key) do update set value = excluded.value" % (left - seconds))

    def begin(self):
        w, house = self.world, self.house
        self.person = house.account("anna")
        house.sign_in("anna")
        lea, marc = house.agent("lea"), house.agent("marc")
        self.load = Load([(Once(a), w.person(n).file) for a, n in ((lea, "anna"), (marc, "bea"), (lea, "carl"))],
                         [("home", Once(house.client()), "/", ""), ("directory", Once(house.client(), fresh=True), "/annuaire?commune=59350", ""),
                          ("file", Once(lea), "/dossiers/%d" % w.person("anna").file, '"version"')])
        self.http2 = Steady(house, "/annuaire?commune=59350")
        self.load.begin()
        time.sleep(1)

    def jump(self, seconds):
        """What was read and decided before it is so after it, and who signs in, asks for a mail or repeats a key is served."""
        house = self.house
        with self.load.lock:
            file, event, version, key = self.load.acknowledged[-1]
        body = jsonlib.dumps({"email": mail_of("anna"), "password": PASSWORD}).encode()
        half = ssl.create_default_context(cafile=house.home + "/certs/ca.pem").wrap_socket(
            socket.create_connection(("127.0.0.1", house.port), timeout=20), server_hostname="localhost")
        half.sendall(b"POST /connexion HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\nAccept: application/json\r\nContent-Length: %d\r\n\r\n" % (
            house.port, len(body)) + body[:10])
        house.jump(seconds)
        self.jumps.append(seconds)
        until = time.monotonic() + 2.5
        while time.monotonic() < until:
            time.sleep(0.1)
        right(house.process.poll() is None and house.process.pid == self.pid, "enrolld ended: " + tail(house.log))
        shown = parsedate_to_datetime(house.client().get("/healthz").headers["Date"]).timestamp()
        right(abs(shown - time.time() - house.lead) < 60, "the jump is not seen: %s" % shown)
        said = b""
        with contextlib.suppress(OSError):  # closed: it says nothing
            half.sendall(body[10:])
            said = half.recv(65536)
        right(said.startswith(b"HTTP/1.1 200 "), "a request that was half sent before it: %r" % said[:300])
        half.close()
        agents = [house.agent("lea"), house.agent("marc")]
        a = agents[file == self.world.person("bea").file]
        a = Once(a).post("/dossiers/%d/evenements/%s" % (file, event), {"version": version - 1}, key=key)
        right(a.status == 200, "the key of before it: %r" % a)
        a = self.person.get("/dossiers")
        right(a.status in (200, 401), "a session of before it: %r" % a)
        house.sign_in("anna")
        a = self.person.get("/dossiers")
        right(a.status == 200, "a session of after it: %r" % a)
        fresh = mail_of("letter%d" % len(self.jumps))
        a = house.client().post("/compte", {"email": fresh, "password": PASSWORD})
        right(a.status == 200, "a new account: %r" % a)
        house.mail.wait(fresh, r"(https://\S+)", seconds=20)

    def fired(self, name, times):
        file = self.world.person(name).file
        eventually("lapse", 20, lambda: self.house.sql("select count(*) from event where event = 'lapse' and file = %d" % file) == [(str(times),)] or None)

    def judge(self):
        self.load.end()
        self.http2.end()
        kept_its_word(self.house, self.load)
        bad = self.load.failures()
        right(not bad, "%d requests, %s, such as %s" % (len(bad), kinds(bad), bad[:3]))
        right(not self.http2.wrong, "on HTTP/2: %s" % self.http2.wrong[:3])
        right(worst(self.load.log) < SLOWEST, "an answer took %.1f s" % worst(self.load.log))
        survived(len(self.jumps), "jumps of the machine's clock (%s hours) under load: %d events acknowledged, all kept, %d answers on HTTP/2, the slowest answer %.2f s" %
                 (", ".join("%+d" % (j // HOUR) for j in self.jumps), len(self.load.acknowledged), self.http2.answered, worst(self.load.log)))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--seed", type=int, default=1)
    parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    failed, c = 0, None

    def step(sentence, do, *args):
        nonlocal failed
        failed += not attempt("clock: " + sentence, lambda: do(*args))

    def made():
        nonlocal c
        c = Clock()
    step("a service and its database under a clock of their own", made)
    if failed:
        sys.exit(1)
    step("a deadline in half an hour", c.due_in, "dora", HOUR / 2)
    c.begin()
    step("an hour forward: who is served stays served", c.jump, HOUR)
    step("the deadline fires", c.fired, "dora", 1)
    for seconds, words in ((-HOUR, "an hour back"), (-HOUR, "another hour back"), (HOUR, "an hour forward again"), (HOUR, "past the deadline again"),
                           (DAY, "a day forward"), (-DAY, "a day back"), (-DAY, "another day back"), (DAY, "a day forward again")):
        step(words + ": who is served stays served", c.jump, seconds)
    step("the deadline fired once", c.fired, "dora", 1)
    step("nothing acknowledged is lost, no answer waited for the clock", c.judge)
    step("the service ends well", lambda: right(c.house.stop() == 0, tail(c.house.log)))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
