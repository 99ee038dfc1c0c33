#!/usr/bin/python3
"""The history checker: many people fire allowed and forbidden events at shared files, each with a key of its own, while the
service and then PostgreSQL are killed and started again. Whoever gets no answer asks again with the same key until there
is one. Then the log must hold each acknowledged event once, and nothing else."""
from chaos import *

TEXTS = ("Point à revoir.", "Motif donné.", "Voir la pièce jointe.", "Je renonce.", "Décision motivée.")
FIELDS = ("phone", "diploma_place", "address_street", "name_note")
EVENTS = sorted({t[1] for t in golden()} - {"discard"})
BUSY = (502, 503)


class Shot:
    """One event fired: what was sent, and what came of it."""

    def __init__(self, actor, file, event, body, key):
        self.actor, self.file, self.event, self.body, self.key = actor, file, event, body, key
        self.version = body.get("version")
        self.status = self.answer = None
        self.attempts = 0

    acknowledged = property(lambda self: self.status in (200, 201))


class History:
    def __init__(self, c, house, crowd):
        self.c, self.house, self.crowd = c, house, crowd
        self.files = {m.file: m for m in crowd}
        self.shots, self.lock, self.stop = [], threading.Lock(), threading.Event()
        self.counts = collections.Counter()
        self.wrong = []
        self.agents = {name: int(house.sql("select id from agent where email = '%s@agents.test'" % name)[0][0])
                       for name in PEOPLE if house.agent(name)}
        self.days = 0  # the clock's lead
        self.flying, self.landed = 0, threading.Condition()

    # -- one client

    def client(self, r):
        """Fires until it is told to stop; one more that is under way is brought to its end."""
        connections = {}

        def connection(who):
            if who not in connections:
                if isinstance(who, Member):
                    connections[who] = signed_in(self.house, who)
                else:
                    p = self.house.agent(who)
                    connections[who] = Client(p.port, os.path.join(self.house.home, "certs/ca.pem"))
                    connections[who].context = p.context
            return connections[who]
        try:
            while not self.stop.is_set():
                self.one(r, connection)
        except Exception:
            self.wrong.append(traceback.format_exc())

    def until_answered(self, c, method, path, *args, patience=90, **more):
        """Asks again until somebody answers."""
        until = time.monotonic() + patience
        attempts = 0
        while True:
            attempts += 1
            try:
                a = getattr(c, method)(path, *args, **more)
                if a.status not in BUSY:
                    return a, attempts
                self.counts["busy"] += 1
            except (OSError, http.client.HTTPException):
                c.close()
                self.counts["lost"] += 1
            right(time.monotonic() < until, "%s %s: no answer in %d s" % (method, path, patience))
            time.sleep(0.15)

    def one(self, r, connection):
        file = r.choice(sorted(self.files))
        who = r.choice([self.files[file]] * 4 + list(PEOPLE) * 2 + [r.choice(self.crowd)])
        c = connection(who)
        a, _ = self.until_answered(c, "get", "/dossiers/%d" % file)
        if a.status == 500:
            self.wrong.append("reading file %d: %r" % (file, a))
        if a.status != 200:
            self.counts["unseen"] += 1
            # someone to whom this file does not exist tries all the same
            if r.random() < 0.3:
                self.shoot(r, c, who, file, r.choice(EVENTS), {"version": r.randrange(6), "text": "Je tente."})
            return
        seen = a.json
        event = r.choice(seen["actions"]) if seen["actions"] and r.random() < 0.8 else r.choice(EVENTS)
        if event == "withdraw" and r.random() < 0.8 or event == "discard":
            return  # or all files would be gone in a minute
        body = self.body(r, c, who, seen, event)
        body["version"] = seen["version"] if r.random() < 0.93 else max(0, seen["version"] - 1)
        self.shoot(r, c, who, file, event, body)

    def body(self, r, c, who, seen, event):
        text = r.choice(TEXTS)
        file = seen["id"]
        if event == "ask_correction":
            return {"items": [{"field": r.choice(FIELDS), "code": "other", "text": text}]}
        if event == "resubmit":
            if r.random() < 0.5:
                self.until_answered(c, "post", "/dossiers/%d/reponses" % file,
                                    {"phone": "06123456%02d" % r.randrange(100), "diploma_place": "Université %d" % r.randrange(100),
                                     "address_street": "%d rue des Essais" % r.randrange(1, 100), "name_note": "Note %d" % r.randrange(100)})
            return {"items": [{"id": i["id"], "maintained": True, "text": text} for i in seen["items"]]}
        if event == "submit":
            self.until_answered(c, "post", "/dossiers/%d/reponses" % file, {"attest_truth": True, "attest_clinical": True,
                                                                            "address_street": "%d rue Neuve" % r.randrange(1, 100)})
        if event == "find_eligible":
            return {"opinions": [{"check": k["code"], "text": text} for k in seen["checks"] if k["result"] != "pass"]}
        if event in ("propose_ineligible", "refuse"):
            return {"reasons": [r.choice(("identity_mismatch", "clinical_path_insufficient", "other"))], "text": text}
        if event in ("route", "transfer"):
            return {"caisse": r.choice(("595", "597")), "text": text}
        if event == "approve":
            return {"checklist": CHECKLIST, "pieces": {str(p["id"]): {"waived": text} for p in seen["pieces"]}}
        if event == "sign":
            return {"code": self.code(c, who, file)} if isinstance(who, Member) and r.random() < 0.9 else {"code": "123456"}
        if event == "countersign":
            return {"fnps": "FNPS-%d" % r.randrange(1000), "effective_date": self.today(r.randrange(3))}
        if event == "amend":
            return {"kind": "address"}
        if event == "suspend":
            return {"text": text, "until": self.today(20 + r.randrange(40))}
        return {"text": text}

    def today(self, more=0):
        return (datetime.datetime.now(PARIS).date() + datetime.timedelta(days=self.days + more)).isoformat()

    def code(self, c, who, file):
        before = len(self.house.mail.to(who.address))
        self.until_answered(c, "post", "/dossiers/%d/code" % file)
        with contextlib.suppress(Wrong):
            return self.house.mail.wait(who.address, r"(?<![-\d])(\d{6})(?![-\d])", before, seconds=4)
        return "000000"

    def shoot(self, r, c, who, file, event, body):
        actor = "account:%d" % who.account if isinstance(who, Member) else "agent:%d" % self.agents[who]
        shot = Shot(actor, file, event, body, "%032x" % r.getrandbits(128))
        with self.lock:
            self.shots.append(shot)
        self.counts["fired"] += 1
        path = "/dossiers/%d/evenements/%s" % (file, event)
        with self.landed:
            self.flying += 1
        try:
            self.answered(r, c, shot, path, body)
        finally:
            with self.landed:
                self.flying -= 1
                self.landed.notify_all()

    def answered(self, r, c, shot, path, body):
        file, event, actor = shot.file, shot.event, shot.actor
        a, shot.attempts = self.until_answered(c, "post", path, body, key=shot.key)
        shot.status, shot.answer = a.status, a.headers.get("Location")
        if a.status == 500 or a.status not in (200, 201, 403, 404, 409, 422):
            self.wrong.append("%s of file %d by %s: %r" % (event, file, actor, a))
        if a.status == 201 and a.headers.get("Location"):
            with self.lock:
                self.files[int(a.headers["Location"].rsplit("/", 1)[1])] = self.files[file]
        if shot.acknowledged and r.random() < 0.25:
            again, _ = self.until_answered(c, "post", path, body, key=shot.key)
            self.counts["repeated"] += 1
            if (again.status, again.headers.get("Location")) != (shot.status, shot.answer):
                self.wrong.append("%s of file %d, the same key again: %d %s, then %r" % (event, file, shot.status, shot.answer, again))
        if shot.acknowledged and r.random() < 0.1:
            other, _ = self.until_answered(c, "post", path, {**body, "text": "Un autre corps."}, key=shot.key)
            self.counts["another body"] += 1
            if other.status != 422:
                self.wrong.append("%s of file %d, another body with the same key: %r" % (event, file, other))

    # -- the clock

    def clock(self, r):
        """A day or some weeks pass; deadlines fire, in the tool and in the service at once."""
        while not self.stop.wait(4 if self.c.short else 6):
            days = r.choice((1, 1, 5, 16, 31))
            if days == 1:
                self.jump(days)
            else:  # keys are kept seven days: nobody waits for an answer meanwhile
                with self.landed:
                    while self.flying:
                        self.landed.wait()
                    self.jump(days)

    def jump(self, days):
        when = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=self.days + days)
        said = subprocess.run([self.house.enrollctl, "tick", "--now", when.strftime("%Y-%m-%dT%H:%M:%SZ"), "--json"],
                              env=self.house.environment, capture_output=True, text=True, cwd="/")
        self.days += days  # where it failed the offset may be set all the same: never back
        self.counts["clock"] += said.returncode == 0

    # -- the killer

    def killer(self, r, seconds):
        """First the service, then PostgreSQL, then whatever comes; ends with everything standing."""
        ways = ["service", "postmaster", "backend", "cut"]
        for i in range(1000):
            if self.stop.wait(r.uniform(1.5, 3) if self.c.short else r.uniform(2, 7)) or time.monotonic() > seconds:
                return
            way = ways[i] if i < len(ways) else r.choice(ways)
            if way == "service":
                kill_service(self.house)
            elif way == "postmaster":
                p = postmaster(self.house)
                if not p or not kill(p):
                    continue
            else:
                found = backends(self.house)
                if not found or not kill(r.choice(found), signal.SIGKILL if way == "backend" else signal.SIGTERM):
                    continue
            self.counts["killed " + way] += 1
            serves(self.house)

    def run(self, threads, seconds):
        seeds = [random.Random(self.c.random.getrandbits(64)) for _ in range(threads + 2)]
        until = time.monotonic() + seconds
        workers = [threading.Thread(target=self.client, args=(r,), daemon=True) for r in seeds[2:]]
        workers.append(threading.Thread(target=self.clock, args=(seeds[0],), daemon=True))
        for w in workers:
            w.start()
        try:
            self.killer(seeds[1], until)
        finally:
            self.stop.set()
            for w in workers:
                w.join()

    # -- judging

    def nothing_wrong(self):
        right(not self.wrong, "%d, such as: %s" % (len(self.wrong), "\n".join(self.wrong[:3])))
        right(all(s.status for s in self.shots), "a shot without an answer")

    def once(self, log):
        """Acknowledged events are in the log once: each at the place after the version it was fired at; no other person's is."""
        found = {}
        for file in self.files:
            for e in log.get(file, ()):
                if e.actor.startswith(("account:", "agent:")):
                    found[(e.file, e.seq)] = e
        made = {(m.file, 1) for m in self.crowd}  # the crowd's own submits
        for s in self.shots:
            if not s.acknowledged:
                continue
            place = (s.file, s.version + 1)
            e = found.get(place)
            right(e is not None, "%s of file %d by %s was acknowledged and is not there" % (s.event, s.file, s.actor))
            right((e.event, e.actor) == (s.event, s.actor), "%s is %s by %s, acknowledged was %s by %s" % (place, e.event, e.actor, s.event, s.actor))
            right(place not in made, "%s was acknowledged twice" % (place,))
            made.add(place)
        extra = set(found) - made
        right(not extra, "nobody was told of %s" % [found[x][:8] for x in sorted(extra)[:5]])

    def deadlines_once(self, log):
        """No deadline fired twice: two events of the clock never carry the same one."""
        for file, events in log.items():
            due = [events[i - 1].deadline for i, e in enumerate(events) if e.role == "clock" and e.event in ("lapse", "renew", "reinstate")]
            right(len(due) == len(set(due)), "file %d: a deadline fired twice: %s" % (file, due))

    def outbox(self):
        """Every mail that had to go has gone, under the id of its row, and a repeated one is the same mail."""
        rows = {int(r[0]): r[1:] for r in self.house.sql(
            "select o.id, o.kind, coalesce(o.error, ''), coalesce(m.mail_state, ''), coalesce(o.ref, 0), o.done_at is not null,"
            " m.subject is not null and m.body is null and exists (select from purge_log p where p.file = m.file and 'answers' = any(p.kinds))"
            " from (select * from outbox union all select * from enroll.forgotten) o"
            " left join message m on m.id = o.ref and o.kind in ('message', 'mail') where o.kind in ('message', 'mail', 'checks', 'digest')")}
        undone = [i for i, r in rows.items() if r[4] != "t"]
        right(not undone, "not done: %s" % [(i, rows[i]) for i in undone[:5]])
        mails = {i: r for i, r in rows.items() if r[0] == "mail"}
        of_message = collections.Counter(r[3] for r in mails.values())
        right(max(of_message.values(), default=0) <= 1, "a message was queued twice: %s" % of_message.most_common(1))
        got = collections.defaultdict(list)
        for m in self.house.mail.mails:
            got[m["id"]].append(m)
        # the clock jumps by months: what waited may have been erased with its file, and then says so
        erased = {i for i, r in mails.items() if r[1:3] == ("refused", "failed") and r[5] == "t"}
        bad = [i for i, r in mails.items() if i not in erased and (r[1] or r[2] != "sent" or i not in got)]
        right(not bad, "not delivered: %s" % [(i, mails[i], i in got) for i in bad[:5]])
        known = set(mails) | {i for i, r in rows.items() if r[0] == "digest"}
        right(set(got) <= known, "a mail of no row: %s" % sorted(set(got) - known)[:5])
        for i, copies in got.items():
            right(len({(m["to"], m["subject"], m["text"]) for m in copies}) == 1, "mail %d has differing copies" % i)
        self.counts["mails"], self.counts["mails erased"] = len(got), len(erased - set(got))
        self.counts["mails again"] = len(self.house.mail.mails) - len(got)


def main(c):
    odd = {3: {"last_name": "AUTRENOM"}, 4: {"profession": "72"}}
    n, threads, seconds = (10, 4, 14) if c.short else (60, 8, 150)
    house = c.house()
    people = crowd(house, n, odd=lambda i: odd.get(i % 6, {}), seconds=60)
    h = History(c, house, people)
    h.run(threads, seconds)
    c.attempt("the service stands at the end", serves, house)
    house.ctl("tick")  # the last jump's, where it was killed
    with contextlib.suppress(Wrong):
        settle(house, 2)
    # what a killed service was sending is taken up when its lease ends, three minutes later at the most
    house.sql("update outbox set leased_until = null, due = least(due, enroll_now()) where done_at is null and kind in ('mail', 'message', 'checks')")
    c.attempt("what was queued is done", settle, house)
    h.stop.set()
    log = log_of(house)
    c.attempt("every answer was one that the interface knows, and a repeated key got the same", h.nothing_wrong)
    c.attempt("every acknowledged event is in the log once, and no other", h.once, log)
    c.attempt("the log folds to the state of each file, through the golden table, and its chain holds", whole, house, log)
    c.attempt("the clock fired each deadline once", h.deadlines_once, log)
    c.attempt("figures of every level are those recounted from the log", figures_hold, house, log)
    c.attempt("mails went at least once, under stable ids", h.outbox)
    c.survived(len(h.shots), "events fired by %d people at once" % threads)
    c.survived(sum(s.acknowledged for s in h.shots), "acknowledged, each in the log once")
    c.survived(sum(s.status in (403, 404, 409, 422) for s in h.shots), "refused")
    c.survived(sum(s.attempts > 1 for s in h.shots), "whose answer was lost or put off, asked again with their key")
    c.survived(h.counts["repeated"] + h.counts["another body"], "keys used again after their answer")
    c.survived(sum(len(e) for e in log.values()), "events of %d files in the log, %d kinds" % (len(log), len({e.event for f in log.values() for e in f})))
    for way, what in (("service", "SIGKILLs of the service"), ("postmaster", "SIGKILLs of the postmaster"), ("backend", "SIGKILLs of a backend"),
                      ("cut", "connections cut by the database")):
        c.survived(h.counts["killed " + way], what)
    c.survived(h.counts["clock"], "jumps of the clock, %d days" % h.days)
    c.survived(h.counts["mails"], "mails delivered, %d of them more than once" % h.counts["mails again"])
    if h.counts["mails erased"]:
        c.survived(h.counts["mails erased"], "that waited while the clock went on by months, and were erased with their file")

if __name__ == "__main__":
    alone(main)
