#!/usr/bin/python3
"""Pairs of contradictory decisions on the same version of a file, sent at the same moment on two connections: exactly one
wins each time, the other is told 409, and the log holds the winner's.

A file walks from pair to pair (claim/claim, release/transfer, approve/withdraw, sign/recall …): where it goes next depends
on who won. Those that need a rendered convention, a mailed code or new checks are some hundreds; the others make the number.

    tests/chaos/races.py                    as many pairs as fit in LONG seconds: its share of `make chaos`
    tests/chaos/races.py --pairs 100000     that many, however long it takes (make chaos CHAOS_ARGS="races --pairs 100000")"""
from chaos import *

LONG = 180
TURN = 10  # pairs of a file before it is another's turn
WON, LOST = (200, 303), 409
OTHER = {"595": "597", "597": "595"}
DESK = {"595": ("lea", "marc"), "597": ("nadia", "noe")}


class Wire:
    """A kept TLS connection; writing and reading are apart, so that two requests are under way at once."""

    def __init__(self, house, who=None):
        self.house, self.port = house, house.agent_port if who else house.port
        self.context = house.agent(who).context if who else house.client().context
        self.socket, self.buffer, self.used = None, b"", 0

    def send(self, path, body, key, token=None, html=True):
        if self.socket and time.monotonic() - self.used > IDLE_SECONDS / 2:
            self.close()
        self.reused = self.socket is not None
        content = jsonlib.dumps(body).encode()
        self.request = (("POST %s HTTP/1.1\r\nHost: localhost:%d\r\nAccept: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n"
                             "Idempotency-Key: %s\r\n%s\r\n" % (path, self.port, "text/html" if html else "application/json", len(content), key,
                                                               "Authorization: Bearer %s\r\n" % token if token else "")).encode() + content)
        self.write()

    def write(self):
        if self.socket:
            with contextlib.suppress(OSError):
                self.socket.sendall(self.request)
                return
            self.close()
        self.reused = False
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.socket = self.context.wrap_socket(raw, server_hostname="localhost")
        self.socket.sendall(self.request)

    def close(self):
        self.socket.close()
        self.socket = None

    def answer(self):
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        size = re.search(rb"(?i)\r\ncontent-length: *(\d+)", head)
        right(size, "an answer without a length: %r" % head)
        size = int(size.group(1))
        while len(self.buffer) < size:
            self.more()
        body, self.buffer, self.used = self.buffer[:size], self.buffer[size:], time.monotonic()
        return int(head[9:12]), body

    def more(self):
        got = None
        with contextlib.suppress(OSError):
            got = self.socket.recv(65536)
        if not got and not self.buffer:
            # closed for its idleness, perhaps before a busy machine read it: the key makes it safe to ask once more
            self.close()
            self.write()
            got = self.socket.recv(65536)
        right(got, "the connection was closed")
        self.buffer += got


class Walk:
    """One file, from pair to pair. `pairs(f)` gives what may be decided in the state that it is in."""

    def __init__(self, member, r, version, caisse):
        self.member, self.file, self.r, self.version, self.caisse = member, member.file, r, version, caisse
        self.state, self.holder, self.refused_by, self.appealed, self.over = "in_review", None, None, False, False
        self.last = 0  # pairs on its way to the end


def choice(walk, last):
    """(one, other): (who, event, body) twice. `last`: the file may end here."""
    r, here, there = walk.r, walk.caisse, OTHER[walk.caisse]
    a, b = r.sample(DESK[here], 2)
    me, text = walk.member, {"text": "Décision motivée."}
    move = {"caisse": there, **text}
    refuse = {"reasons": ["other"], **text}
    items = {"items": [{"field": "phone", "code": "other", "text": "Numéro à corriger."}]}
    approve = {"checklist": CHECKLIST, "pieces": {p: {"waived": "Vue en agence."} for p in walk.pieces}}
    effective = {"fnps": "F-%d" % walk.file, "effective_date": walk.today}
    if walk.state == "in_review" and not walk.holder:
        many = [((a, "claim", {}), (b, "claim", {})), ((a, "claim", {}), (b, "claim", {})), ((a, "claim", {}), ("ada", "transfer", move))]
        ends = [((a, "claim", {}), (me, "withdraw", {}))]
    elif walk.state == "in_review":
        x = walk.holder
        many = [((x, "release", {}), (x, "release", {})), ((x, "release", {}), (x, "transfer", move)), ((x, "transfer", move), ("ada", "transfer", move)),
                ((x, "release", {}), ("ada", "transfer", move))]
        if r.random() < 0.01:
            many = [((x, "ask_correction", items), (x, "release", {})), ((x, "ask_correction", items), ("ada", "transfer", move)),
                    ((x, "ask_correction", items), (x, "ask_correction", items))]
        ends = [((x, "refuse", refuse), (me, "withdraw", {})), ((x, "refuse", refuse), (x, "ask_correction", items)),
                ((x, "refuse", refuse), (x, "release", {})), ((x, "ask_correction", items), (me, "withdraw", {}))]
        if walk.renders:
            ends = [((x, "approve", approve), (x, "refuse", refuse)), ((x, "approve", approve), (me, "withdraw", {})),
                    ((x, "approve", approve), (x, "release", {})), ((x, "approve", approve), ("ada", "transfer", move)),
                    ((x, "approve", approve), (x, "approve", approve))]
    elif walk.state == "refused":
        if walk.appealed:
            return None
        many = ends = [((me, "appeal", text), (me, "appeal", {"text": "Je conteste."}))]
    elif walk.state == "appealed":
        y = next(d for d in DESK[here] if d != walk.refused_by)
        many = ends = [((y, "uphold", text), (y, "overturn", text)), ((y, "overturn", text), (me, "withdraw", {}))][:1]
    elif walk.state == "to_sign":
        many = ends = [((me, "sign", None), (a, "recall", text)), ((a, "recall", text), (b, "recall", text)), ((me, "sign", None), (me, "withdraw", {})),
                       ((me, "sign", None), (me, "sign", None))]
    elif walk.state == "to_countersign":
        x = DESK[here][0]  # may sign
        many = ends = [((x, "countersign", effective), (x, "recall", text)), ((x, "countersign", effective), (me, "withdraw", {})),
                       ((x, "countersign", effective), (x, "countersign", effective))]
    elif walk.state == "conventioned":
        many = ends = [((me, "resign", {}), (a, "warn", text)), ((a, "warn", text), (b, "warn", text)), ((me, "amend", {"kind": "bank"}), (me, "resign", {}))]
    elif walk.state == "correction":
        many = ends = [((me, "resubmit", None), (me, "withdraw", {})), ((me, "resubmit", None), (me, "resubmit", None))]
    else:
        return None
    return r.choice(ends if last and ends else many)


class Races:
    def __init__(self, c, house, today):
        self.c, self.house, self.today = c, house, today
        self.won, self.kinds, self.lock = {}, collections.Counter(), threading.Lock()
        self.pairs = 0
        house.people["noe"] = house.make_agent("noe", "delegate", "--caisse", "597") if "noe" not in house.people else house.people["noe"]
        self.agents = {r[0]: int(r[1]) for r in house.sql("select split_part(email, '@', 1), id from agent")}

    def actor(self, who):
        return "account:%d" % who.account if isinstance(who, Member) else "agent:%d" % self.agents[who]

    def wires(self):
        kept = {}

        def wire(who, side):
            name = (None if isinstance(who, Member) else who, side)
            if name not in kept:
                kept[name] = Wire(self.house, name[0])
            return kept[name]
        return wire

    def look(self, walk):
        """What the service made of it meanwhile (checks after a resubmit), and what a body must name."""
        c = signed_in(self.house, walk.member)
        until = time.monotonic() + 30
        while True:
            f = c.get("/dossiers/%d" % walk.file).json
            if f["state"] != "submitted":
                break
            right(time.monotonic() < until, "file %d stays submitted" % walk.file)
            time.sleep(0.1)
        walk.version, walk.state = f["version"], f["state"]
        walk.caisse = f["caisse"]["code"] if f["caisse"] else walk.caisse
        walk.pieces = [str(p["id"]) for p in f["pieces"]]
        walk.items = [i["id"] for i in f["items"]]
        c.close()

    def bodies(self, walk, pair):
        """Bodies that have to be asked for: a mailed code, the items to answer."""
        filled = []
        code = None
        for who, event, body in pair:
            if event == "resubmit":
                body = {"items": [{"id": i, "maintained": True, "text": "Je maintiens."} for i in walk.items]}
            if event == "sign":
                if code is None:
                    c, mail = signed_in(self.house, who), self.house.mail
                    before = len(mail.to(who.address))
                    a = c.post("/dossiers/%d/code" % walk.file)
                    right(a.status == 200, "asking for a code: %r" % a)
                    code = mail.wait(who.address, r"(?<![-\d])(\d{6})(?![-\d])", before, seconds=90)
                    c.close()
                body = {"code": code}
            filled.append((who, event, {"version": walk.version, **(body or {})}))
        return filled

    def pair(self, walk, wire, last):
        walk.today = self.today
        chosen = choice(walk, last)
        if not chosen:
            walk.over = True
            return
        pair = self.bodies(walk, chosen)
        if walk.r.random() < 0.5:
            pair.reverse()
        lines = []
        for side, (who, event, body) in enumerate(pair):
            w = wire(who, side)
            w.send("/dossiers/%d/evenements/%s" % (walk.file, event), body, "%032x" % walk.r.getrandbits(128), getattr(who, "token", None),
                   html=walk.r.random() < 0.9)
            lines.append(w)
        answers = [w.answer() for w in lines]
        name = "/".join(sorted(p[1] for p in pair))
        # a resubmit may be followed by the checks' events before the other is judged, an amend answers 201
        statuses = [200 if s == 201 else s for s, _ in answers]
        winners = [i for i in (0, 1) if statuses[i] in WON]
        if len(winners) != 1 or statuses[1 - winners[0]] != LOST:
            raise Wrong("%s on file %d at version %d: %s, %s" % (name, walk.file, walk.version, [s for s, _ in answers],
                                                                [b[:300].decode("utf-8", "replace") for s, b in answers if s not in WON]))
        who, event, body = pair[winners[0]]
        with self.lock:
            self.pairs += 1
            self.kinds[name] += 1
            self.won[(walk.file, walk.version + 1)] = (event, self.actor(who))
        walk.version += 1
        self.follow(walk, who, event)

    def follow(self, walk, who, event):
        if event == "claim":
            walk.holder = who
        elif event == "release":
            walk.holder = None
        elif event == "transfer":
            walk.holder, walk.caisse = None, OTHER[walk.caisse]
        elif event == "refuse":
            walk.state, walk.refused_by, walk.holder = "refused", who, None
        elif event == "appeal":
            walk.state, walk.appealed = "appealed", True
        elif event == "overturn":
            walk.state, walk.holder = "in_review", None
        elif event == "approve":
            walk.state, walk.renders = "to_sign", walk.renders - 1
        elif event == "recall":
            walk.state = "in_review"
        elif event == "sign":
            walk.state = "to_countersign"
        elif event == "countersign":
            walk.state = "conventioned"
        elif event == "ask_correction":
            walk.state = "correction"
            self.look(walk)
        elif event == "resubmit":
            self.look(walk)
        elif event in ("withdraw", "uphold", "warn", "resign", "amend"):
            walk.over = True

    def run(self, walks, wanted, threads, until):
        """That many pairs, a few of one file, then of the next; when they are done or time is over, each file comes to an end."""
        line, broken = collections.deque(walks), threading.Event()

        def work(_):
            wire = self.wires()
            while not broken.is_set():
                try:
                    walk = line.popleft()
                except IndexError:
                    return
                try:
                    self.some(walk, wire, wanted, until)
                except BaseException:
                    broken.set()
                    raise
                if not walk.over:
                    line.append(walk)
        at_once(range(threads), work, threads)

    def some(self, walk, wire, wanted, until):
        for _ in range(TURN):
            last = self.pairs >= wanted or time.monotonic() > until
            walk.last += last
            walk.over |= walk.last > 12
            if walk.over:
                return
            self.pair(walk, wire, last)


def main(c):
    house = c.house()
    asked = getattr(c.given, "pairs", 0)
    if c.short:
        n, wanted, seconds, rendered, threads, making = 12, 150, 15, 4, 4, 60
    else:
        n, wanted, seconds, rendered, threads, making = (600, asked, 86400, 60, 8, 150) if asked else (300, 10**6, LONG, 40, 8, 60)
    races = Races(c, house, house.today().isoformat())
    people = crowd(house, n, threads=threads, seconds=making)
    walks = []
    for m in people:
        walk = Walk(m, random.Random(c.random.getrandbits(64)), 0, "595")
        walk.renders = 1 if len(walks) < rendered else 0  # conventions take half a second each
        walks.append(walk)
    at_once(walks, races.look, threads)
    began = time.monotonic()
    c.attempt("of two contradictory decisions on one version exactly one wins, the other is told 409", races.run, walks, wanted, threads,
              began + seconds)
    seconds = time.monotonic() - began

    def winners(log):
        found = {(e.file, e.seq): (e.event, e.actor) for m in people for e in log[m.file]
                 if e.actor.startswith(("account:", "agent:")) and e.seq > 1}
        differ = {p for p in found.keys() | races.won.keys() if found.get(p) != races.won.get(p)}
        right(not differ, "%d places, such as %s" % (len(differ), [(p, found.get(p), races.won.get(p)) for p in sorted(differ)[:3]]))
    log = log_of(house)
    c.attempt("the log holds what won, and nothing else", winners, log)
    c.attempt("the log folds to the files' states, its chain and the eight views hold", whole, house, log)
    c.attempt("figures are those recounted from the log", figures_hold, house, log)
    if asked:
        c.attempt("as many pairs as were asked for", lambda: right(races.pairs >= asked, "%d" % races.pairs))
    c.survived(races.pairs, "pairs decided, exactly one winner each, on %d files in %d s: %d a second" % (len(walks), seconds, races.pairs / seconds))
    for kind, count in sorted(races.kinds.items(), key=lambda k: -k[1]):
        c.survived(count, "of %s" % kind)


if __name__ == "__main__":
    alone(main, pairs=0)
