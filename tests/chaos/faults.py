#!/usr/bin/python3
"""What the service leans on goes away and comes back: virus scanner, mail server, PDF renderer, disk, patience of clients."""
import struct

from chaos import *
from http2 import Honest

BAD_PIECE = pdf("ce document porte la marque d'essai")
CONFIGURATION = """DatabaseDirectory %(folder)s
LocalSocket %(socket)s
LocalSocketMode 666
Foreground true
PidFile %(folder)s/clamd.pid
LogFile %(folder)s/clamd.log
"""


class Scanner:
    """A real clamd with one signature: the digest and size of BAD_PIECE."""

    def __init__(self, path):
        self.path, self.folder, self.process = path, tempfile.mkdtemp(prefix="enroll-clamd-", dir="/tmp"), None
        os.chmod(self.folder, 0o755)
        self.write("own.hdb", "%s:%d:Enroll.Chaos.Mark\n" % (hashlib.md5(BAD_PIECE).hexdigest(), len(BAD_PIECE)))
        self.write("clamd.conf", CONFIGURATION % {"folder": self.folder, "socket": path})
        atexit.register(self.end)

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        os.chmod(path, 0o644)

    def open(self):
        self.process = subprocess.Popen(["/usr/sbin/clamd", "--config-file=" + os.path.join(self.folder, "clamd.conf")],
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as s:
                s.connect(self.path)
                return
            right(time.monotonic() < until and self.process.poll() is None, "clamd does not start")
            time.sleep(0.1)

    def close(self):
        self.process.kill()
        self.process.wait()
        with contextlib.suppress(OSError):
            os.unlink(self.path)

    def end(self):
        if self.process and self.process.poll() is None:
            self.close()
        shutil.rmtree(self.folder, ignore_errors=True)


class Faults:
    def __init__(self, c):
        self.c, self.house = c, c.house()
        self.counts = collections.Counter()
        self.people = crowd(self.house, 8 if c.short else 16)
        self.spare = list(self.people)

    def someone(self):
        """A member whose file no other part has touched, and a connection of theirs."""
        m = self.spare.pop()
        return m, signed_in(self.house, m)

    def fire(self, c, m, event, body=None, key=None):
        version = c.get("/dossiers/%d" % m.file).json["version"]
        return c.post("/dossiers/%d/evenements/%s" % (m.file, event), {"version": version, **(body or {})}, key=key)

    def due_now(self, kind):
        """What was put off by minutes has its turn now."""
        self.house.sql("update outbox set due = enroll_now() where done_at is null and kind = '%s'" % kind)

    # -- ready

    def ready(self):
        """Killed and started again: once the log says main.ready, /readyz says so too."""
        kill_service(self.house)
        until = time.monotonic() + 5
        while True:
            # Asked of the log after the answer: the line main.ready and the first 200 are written by two threads.
            status = self.house.client().get("/readyz").status
            with open(self.house.log, encoding="utf-8", errors="replace") as f:
                said = [e for e in (jsonlib.loads(line) for line in f if line.startswith("{"))
                        if e["event"] == "main.ready" or e.get("route") == "/readyz" or e["event"] == "db.lost"]
            last = max(i for i, e in enumerate(said) if e["event"] == "main.ready")
            if len([e for e in said if e["event"] == "main.ready"]) > 1 and said[last + 1:]:
                break
            right(time.monotonic() < until, "no main.ready after the kill: %s" % said[-3:])
        after = said[last + 1:]
        right(status == 200 and all(e.get("status") == "200" for e in after), "after main.ready: %s" % after[:2])

    # -- told to stop

    def stopped(self):
        try:
            self.stop_under_way()
        except BaseException:
            if self.house.process.poll() is None:
                self.house.stop()
            self.house.start()  # the next test needs it
            raise

    def stop_under_way(self):
        """SIGTERM while photographs come in and a request crosses the word that none should be begun (RFC 9113 §6.8)."""
        m = members(self.house, 1)[0]
        fill(self.house, m, pieces=False).close()
        kind, body = one_file("diploma_extra", big_pdf(1 << 20))
        head = [("authorization", "Bearer " + m.token), ("content-type", kind), ("content-length", str(len(body)))]
        path, half = "/dossiers/%d/pieces" % m.file, len(body) // 2
        two, one, idle = Honest(self.house), tls(self.house), Honest(self.house)
        right(idle.get("/healthz")[0] == 200, "on HTTP/2")
        time.sleep(2.2)  # longer than a connection idles before it is closed at a stop
        number = two.ask(path, "POST", head, end=False)
        two.more(number, body[:half])
        one.sendall(("POST %s HTTP/1.1\r\nHost: localhost:%d\r\nAccept: application/json\r\n%s\r\n" % (
            path, self.house.port, "".join("%s: %s\r\n" % h for h in head))).encode() + body[:half])
        right(two.get("/healthz")[0] == 200 and two.last is None, "on HTTP/2")
        until = time.monotonic() + 20
        while unread(self.house, one):
            right(time.monotonic() < until, "the service does not read")
            time.sleep(0.02)
        self.house.process.send_signal(signal.SIGTERM)
        while two.last is None:
            two.hear()
        crossing = two.ask("/healthz")
        two.more(number, body[half:], end=True)
        one.sendall(body[half:])
        right(two.answer(crossing)[0] == 200, "a request that crossed the GOAWAY")
        while idle.last is None:
            idle.hear()
        right(idle.told[0] == 2**31 - 1, "a connection that idles is not told first: %s" % idle.told)
        idle.close()
        status, said = two.answer(number)
        right(status == 201, "an upload on HTTP/2: %d %s" % (status, said))
        said = b""
        while got := one.recv(65536):
            said += got
        right(said.startswith(b"HTTP/1.1 201 "), "an upload on HTTP/1.1: %r" % said[:400])
        while two.last > crossing:
            two.hear()
        right(two.last == crossing, "the last request was %d, GOAWAY says %d" % (crossing, two.last))
        two.close()
        right(self.house.process.wait(30) == 0, tail(self.house.log))
        self.house.start()
        pieces = signed_in(self.house, m).get("/dossiers/%d" % m.file).json["pieces"]
        right(pieces and {p["size"] for p in pieces} == {pieces[0]["size"]}, "pieces: %s" % pieces)

    # -- virus scanner

    def scanner(self):
        house, lea = self.house, self.house.agent("lea")
        clamd = Scanner(house.environment["ENROLL_CLAMD"])
        m, _ = self.someone()
        right(self.fire(lea, m, "claim").status == 200, "claim")
        piece = lea.get("/dossiers/%d" % m.file).json["pieces"][0]
        right(piece["scan"] == "waiting", "without a scanner the piece waits: %s" % piece)
        path = "/dossiers/%d/pieces/%d" % (m.file, piece["id"])
        for accept in ("application/json", "text/html"):
            a = lea.get(path, Accept=accept)
            right(a.status == 409 and "antivirus" in a.text and "a changé" not in a.text, "opening a piece that waits: %r" % a)
        clamd.open()
        self.due_now("scan")
        self.scanned(m, "clean")
        right(lea.get(path).status == 200, "a clean piece opens")
        clamd.close()
        # gone: the deposit goes on
        late = members(house, 1)[0]
        house.registry(line_of(late))
        c = fill(house, late)
        a = c.upload("/dossiers/%d/pieces" % late.file, {"kind": "diploma_extra"}, "marque.pdf", BAD_PIECE)
        right(a.status == 201, "a deposit without a scanner: %r" % a)
        bad = a.json["id"]
        submit(house, late, c)
        settle(house)
        right(c.get("/dossiers/%d" % late.file).json["state"] == "in_review", "the file waits for the scanner")
        right(house.sql("select count(*) from piece where file = %d and scan <> 'waiting'" % late.file) == [("0",)], "scanned by nobody")
        clamd.open()
        self.due_now("scan")
        self.scanned(late, "clean", bad)
        right(house.sql("select scan from piece where id = %d" % bad) == [("infected",)], "the marked piece is not found")
        right(self.fire(lea, late, "claim").status == 200, "claim")
        a = lea.get("/dossiers/%d/pieces/%d" % (late.file, bad))
        right(a.status == 403, "an infected piece: %r" % a)
        a = lea.post("/dossiers/%d/pieces/%d/ouvrir" % (late.file, bad), {"text": "quand même"})
        right(a.status == 403, "an infected piece, with a reason: %r" % a)
        clamd.end()

    def scanned(self, m, verdict, but=0):
        until = time.monotonic() + 120  # every piece of the crowd has its turn
        while (rows := self.house.sql("select distinct scan from piece where file = %d and id <> %d" % (m.file, but))) != [(verdict,)]:
            right(time.monotonic() < until, "not scanned: %s" % rows)
            time.sleep(0.5)
            self.due_now("scan")  # one was perhaps being tried when the scanner came back

    # -- mail server

    def mail(self):
        house, lea, mail = self.house, self.house.agent("lea"), self.house.mail
        m, c = self.someone()
        settle(house)
        before = len(mail.to(m.address))
        mail.close()
        right(self.fire(lea, m, "claim").status == 200 and self.fire(lea, m, "ask_correction", {
            "items": [{"field": "phone", "code": "other", "text": "Numéro à corriger."}]}).status == 200, "events go on")
        until = time.monotonic() + 30
        where = "where o.done_at is null and o.kind = 'mail' and o.file = %d" % m.file
        while not (row := house.sql("select o.id, o.error, o.attempts from outbox o %s and o.error is not null" % where)):
            right(time.monotonic() < until, "the mail was not tried: %s" % house.sql("select kind, attempts, error from outbox o where o.file = %d" % m.file))
            time.sleep(0.2)
        right(c.get("/messages").json["items"], "the inbox has it meanwhile")
        mail.open()
        self.due_now("mail")
        settle(house)
        got = mail.to(m.address)[before:]
        right([g["id"] for g in got] == [int(row[0][0])], "it is delivered once, under its row's id %s: %s" % (row, got))
        # the server keeps the mail, but the connection ends before it says so
        before = len(mail.to(m.address))
        mail.silent = 1
        right(self.fire(c, m, "withdraw").status == 200, "withdraw")
        until = time.monotonic() + 30
        while mail.silent:
            right(time.monotonic() < until, "no mail came")
            time.sleep(0.1)
        while not house.sql("select 1 from outbox o %s and o.error is not null and o.leased_until is null" % where):
            right(time.monotonic() < until, "nobody noticed that it was not acknowledged")
            time.sleep(0.1)
        self.due_now("mail")
        settle(house)
        ids = collections.Counter(g["id"] for g in mail.to(m.address)[before:])
        right(2 in ids.values() and None not in ids, "delivered again under the same id: %s" % ids)
        self.counts["mails again"] = sum(n - 1 for n in ids.values())

    def urgent(self):
        """A code that somebody waits for does not stand behind a mailing."""
        house, mail = self.house, self.house.mail
        m, c = self.someone()
        settle(house)
        many = 120 if self.c.short else 300
        approved = members(house, 1)[0]
        told = len(mail.to(m.address))
        mail.held.set()  # so that the order is the service's choice, whoever is quick
        house.sql("with m as (insert into message (account, audience, file, seq, kind, params) select m.account, m.audience, m.file, m.seq, m.kind, m.params"
                  " from message m, generate_series(1, %d) where m.id = (select max(id) from message where account = %d and seq is not null) returning id)"
                  " insert into outbox (kind, ref) select 'message', id from m" % (many, m.account))
        a = house.client().post("/compte/mot-de-passe", {"email": approved.address})
        mail.held.clear()
        right(a.status in (200, 202, 303), "asking for a new password: %r" % a)
        mail.wait(approved.address, r"(https://\S+)", seconds=60)
        settle(house, 120)
        right(len(mail.to(m.address)) - told == many, "the mailing went out whole: %d" % (len(mail.to(m.address)) - told))
        order = [x["to"] for x in mail.mails]
        ahead = order[:order.index(approved.address)].count(m.address) - told
        right(ahead < many / 2, "%d of %d went before it" % (ahead, many))

    # -- PDF renderer

    def renderers(self):
        return [p for p in children_of_threads(self.house.process.pid) if "render.py" in command_line(p)]

    def renderer(self):
        house, lea = self.house, self.house.agent("lea")
        m, c = self.someone()
        right(self.fire(lea, m, "claim").status == 200, "claim")
        f = lea.get("/dossiers/%d" % m.file).json
        body = {"version": f["version"], "checklist": CHECKLIST, "pieces": {str(p["id"]): {"waived": "Vue en agence."} for p in f["pieces"]}}
        path, key = "/dossiers/%d/evenements/approve" % m.file, str(uuid.uuid4())
        stop, killed = threading.Event(), []

        def killing():
            while not stop.is_set():
                killed.extend(p for p in self.renderers() if kill(p))
                time.sleep(0.01)
        killer = threading.Thread(target=killing, daemon=True)
        killer.start()
        try:
            until = time.monotonic() + 3  # a warm one might be quicker than the killer
            while not killed and time.monotonic() < until:
                time.sleep(0.01)
            a = lea.post(path, body, key=key)
            page = lea.ask("POST", path, jsonlib.dumps(body), {"Accept": "text/html", "Content-Type": "application/json", "Idempotency-Key": key})
        finally:
            stop.set()
            killer.join()
        right(killed, "no renderer was there to be killed")
        right(a.status == 503 and "PDF" in a.text and a.headers.get("Retry-After"), "approving while the renderer dies: %r" % a)
        right(page.status == 503 and "PDF" in page.text, "the same as a page: %d" % page.status)
        right(c.get("/dossiers/%d" % m.file).json["version"] == f["version"], "nothing happened")
        a = lea.post(path, body, key=key)
        right(a.status == 200 and a.json["state"] == "to_sign", "the next one, with the same key: %r" % a)
        # dead while it idles: nobody notices
        for p in self.renderers():
            kill(p)
        right(self.fire(lea, m, "recall", {"text": "Adresse à corriger."}).status == 200, "recall")
        right(self.fire(lea, m, "claim").status in (200, 422), "claim")
        a = lea.post(path, {**body, "version": lea.get("/dossiers/%d" % m.file).json["version"]})
        right(a.status == 200, "approving after it died idle: %r" % a)
        self.counts["renderers"] = len(killed) + 1

    # -- clock

    def clock(self):
        """Three programs move the clock past a deadline at once, with the service's own clock: it fires once."""
        house, lea = self.house, self.house.agent("lea")
        m, c = self.someone()
        right(self.fire(lea, m, "claim").status == 200 and self.fire(lea, m, "ask_correction", {
            "items": [{"field": "phone", "code": "other", "text": "Numéro à corriger."}]}).status == 200, "a deadline of 30 days")
        when = house.now() + datetime.timedelta(days=32)
        ticks = [subprocess.Popen([house.enrollctl, "tick", "--now", when.strftime("%Y-%m-%dT%H:%M:%SZ"), "--json"], env=house.environment,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/") for _ in range(3)]
        for t in ticks:
            said = t.communicate(timeout=60)[0]
            right(t.returncode == 0, "tick: %s" % said)
        until = time.monotonic() + 20
        while not (fired := [e for e in c.get("/dossiers/%d" % m.file).json["events"] if e["event"] == "lapse"]):
            right(time.monotonic() < until, "the deadline did not fire")
            time.sleep(0.2)
        time.sleep(1.5)
        f = c.get("/dossiers/%d" % m.file).json
        right([e["event"] for e in f["events"]].count("lapse") == 1 and f["state"] == "closed", "fired: %s" % f["events"][-3:])
        back = subprocess.run([house.enrollctl, "tick", "--now", (when - datetime.timedelta(days=40)).strftime("%Y-%m-%dT%H:%M:%SZ")],
                              env=house.environment, capture_output=True, cwd="/")
        right(house.now() >= when, "the clock went back: %s" % back)
        house.registry()

    # -- slow clients

    def slow(self):
        attack = Slow(self.house, 42 if self.c.short else 210)
        try:
            right(from_elsewhere(self.house) > attack.total / 2, "they are not there: %d" % from_elsewhere(self.house))
            c = self.house.client()
            lea = self.house.agent("lea")
            slowest = 0
            until = time.monotonic() + 4
            n = 0
            while time.monotonic() < until:
                began = time.monotonic()
                right(c.get("/").status == 200 and lea.get("/dossiers").status == 200, "another one is not served")
                slowest = max(slowest, time.monotonic() - began)
                n += 2
                time.sleep(0.05)
            right(slowest < IDLE_SECONDS / 2, "others wait %.1f s" % slowest)
            # those of the other address are closed once they made no progress for the idle time
            until = time.monotonic() + IDLE_SECONDS + 12
            while from_elsewhere(self.house):
                right(time.monotonic() < until, "%d of %d are still open: %s" % (from_elsewhere(self.house), attack.total, attack.kinds()))
                time.sleep(0.2)
            right(c.get("/").status == 200, "and all is well after")
        finally:
            attack.end()
        self.counts["slow"], self.counts["served"] = attack.total, n

    # -- cut uploads

    def cut(self):
        m = members(self.house, 1)[0]
        c = fill(self.house, m, pieces=False)
        content = big_pdf((10 << 20) - 2000)
        kind, body = one_file("identity", content)
        head = body.index(b"%PDF")
        request = ("POST /dossiers/%d/pieces HTTP/1.1\r\nHost: localhost:%d\r\nAccept: application/json\r\nAuthorization: Bearer %s\r\n"
                   "Content-Type: %s\r\nContent-Length: %d\r\n\r\n" % (m.file, self.house.port, m.token, kind, len(body))).encode()
        whole = request + body
        stages = [20, len(request) - 2, len(request), len(request) + head, len(request) + head + 1] + \
                 [len(request) + len(body) * k // 100 for k in ((30, 80) if self.c.short else range(5, 100, 5))] + [len(whole) - 3, len(whole) - 1]
        for stage in stages:
            for abort in (False, True):
                s = tls(self.house)
                s.sendall(whole[:stage])
                if abort:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()
                self.counts["cuts"] += 1
        right(not self.house.sql("select 1 from piece where file = %d" % m.file), "a cut upload left a piece")
        # all was sent, nobody read the answer; then the same again: one piece
        for _ in range(2):
            s = tls(self.house)
            s.sendall(whole)
            s.close()
        a = c.upload("/dossiers/%d/pieces" % m.file, {"kind": "identity"}, "grande.pdf", content)
        right(a.status == 201, "the whole upload: %r" % a)
        until = time.monotonic() + 20
        while len(pieces := [p for p in c.get("/dossiers/%d" % m.file).json["pieces"] if p["kind"] == "identity"]) != 1:
            right(time.monotonic() < until, "pieces: %s" % pieces)
            time.sleep(0.2)
        got = c.get("/dossiers/%d/pieces/%d" % (m.file, a.json["id"]), Accept="*/*")
        right(got.body == content, "what comes back is not what was sent: %d bytes" % len(got.body))

    def resumed(self):
        """The same in slices: each is cut, by a close or a reset, then sent whole; the service is killed on the way."""
        m = members(self.house, 1)[0]
        c = fill(self.house, m, pieces=False)
        content, step, offset = big_pdf((10 << 20) - 2000), 1 << 20, 0
        a = c.upload_begin(m.file, {"kind": "identity"}, len(content))
        right(a.status == 201, "beginning: %r" % a)
        at = a.headers["Location"]
        while offset < len(content):
            end = min(offset + step, len(content))
            head = ("PATCH %s HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s\r\nContent-Length: %d\r\n%s\r\n" % (
                at, self.house.port, m.token, end - offset, "".join("%s: %s\r\n" % h for h in slice_head(offset, end == len(content)).items()))).encode()
            for stage, abort in ((len(head) - 1, True), (len(head), False), (len(head) + (end - offset) * self.c.random.randrange(5, 95) // 100, True),
                                 (len(head) + end - offset - 1, False)):
                s = tls(self.house)
                s.sendall((head + content[offset:end])[:stage])
                if abort:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                s.close()
                self.counts["slices"] += 1
            if offset == 5 * step:
                kill_service(self.house)
                c.close()
            got = c.ask("HEAD", at).headers["Upload-Offset"]
            right(int(got) == offset, "cut at %d, it stands at %s" % (offset, got))
            a = c.upload_slice(at, offset, content[offset:end], end == len(content))
            right(a.status == (201 if end == len(content) else 204), "the slice at %d: %r" % (offset, a))
            offset = end
        got = c.get(a.headers["Location"], Accept="*/*")
        right(got.body == content, "what comes back is not what was sent: %d bytes" % len(got.body))

    def too_large(self):
        """Above what is read at all, on HTTP/1.1: our words, as a page and as a problem."""
        for accept, mark in (("text/html", "<h1>Envoi trop volumineux</h1>"), ("application/json", '"title":"Envoi trop volumineux"')):
            s = tls(self.house)
            s.sendall(b"POST /connexion HTTP/1.1\r\nHost: localhost:%d\r\nAccept: %s\r\nContent-Type: application/json\r\n"
                      b"Content-Length: 60000000\r\n\r\n" % (self.house.port, accept.encode()))
            said = b""
            with contextlib.suppress(OSError):
                while got := s.recv(4096):
                    said += got
            said = said.decode()
            right(said.startswith("HTTP/1.1 413 ") and mark in said and "10\u00a0Mo" in said and "nosniff" in said, said)

    # -- disk full

    def disk(self):
        house, disk, lea = self.house, self.c.disk, self.house.agent("lea")
        m, _ = self.someone()
        draft = members(house, 1)[0]
        c = fill(house, draft, pieces=False)
        acknowledged, statuses, pieces = {}, collections.Counter(), []
        ballast = os.path.join(disk, "ballast")

        def write(event, key):
            with contextlib.suppress(OSError, http.client.HTTPException):
                f = lea.get("/dossiers/%d" % m.file)
                statuses["read %d" % f.status] += 1
                right(f.status in (200, 503), "reading: %r" % f)
                if f.status != 200:
                    return
                a = lea.post("/dossiers/%d/evenements/%s" % (m.file, event), {"version": f.json["version"]}, key=key)
                statuses["write %d" % a.status] += 1
                right(a.status in (200, 422, 503), "writing: %r" % a)
                if a.status == 200:
                    acknowledged[f.json["version"] + 1] = event
                right(a.status != 503 or a.json["title"], "without a word: %r" % a)
        with open(ballast, "wb") as f:
            with contextlib.suppress(OSError):
                while True:
                    free = os.statvfs(disk).f_bavail * os.statvfs(disk).f_frsize
                    if free < 1 << 16:
                        break
                    os.posix_fallocate(f.fileno(), os.fstat(f.fileno()).st_size, max(4096, min(free - 4096, 64 << 20)))
        began = time.monotonic()
        content = bytearray(big_pdf(4 << 20))
        n = 0
        while time.monotonic() - began < (5 if self.c.short else 30):
            n += 1
            write("claim" if n % 2 else "release", str(uuid.uuid4()))
            content[200:210] = b"%010d" % n
            try:
                a = c.upload("/dossiers/%d/pieces" % draft.file, {"kind": "diploma_extra"}, "piece.pdf", bytes(content))
                statuses["upload %d" % a.status] += 1
                right(a.status in (201, 503), "an upload: %r" % a)
                if a.status == 201:
                    pieces.append((a.json["id"], hashlib.sha256(content).hexdigest()))
            except (OSError, http.client.HTTPException):
                statuses["upload cut"] += 1
            a = house.client().get("/healthz")
            right(a.status == 200, "the program itself: %r" % a)
            statuses["page %d" % house.client().get("/", Accept="text/html").status] += 1
        right(statuses["upload 503"] + statuses["write 503"] > 0, "nobody noticed: %s" % statuses)
        right(statuses["page 200"] == n, "the home page: %s" % statuses)
        os.unlink(ballast)
        serves(house, 60)
        # written again within seconds, and nothing that was acknowledged is lost
        until = time.monotonic() + 30
        before = len(acknowledged)
        while len(acknowledged) == before:
            right(time.monotonic() < until, "it does not write again: %s" % statuses)
            write("claim", str(uuid.uuid4()))
            write("release", str(uuid.uuid4()))
            time.sleep(0.2)
        events = {e["seq"]: e["event"] for e in lea.get("/dossiers/%d" % m.file).json["events"]}
        lost = {s: e for s, e in acknowledged.items() if events.get(s) != e}
        right(not lost, "acknowledged and lost: %s" % lost)
        for piece, digest in pieces:
            a = c.get("/dossiers/%d/pieces/%d" % (draft.file, piece), Accept="*/*")
            right(a.status == 200 and hashlib.sha256(a.body).hexdigest() == digest, "piece %d was acknowledged: %d" % (piece, a.status))
        self.counts["full"] = sum(n for s, n in statuses.items() if "503" in s)
        self.counts["kept"] = len(acknowledged) + len(pieces)

    # -- backup under load

    def backup(self):
        """A backup made while people decide becomes another house: its chain holds, and it has what was acknowledged before."""
        house, lea = self.house, self.house.agent("lea")
        m, _ = self.someone()
        folder = os.path.join(house.out, "backup-%d" % len(self.spare))
        stop, count = threading.Event(), [0]
        person = Client(house.agent_port, os.path.join(house.home, "certs/ca.pem"))
        person.context = lea.context

        def work():
            while not stop.is_set():
                for event in ("claim", "release"):
                    count[0] += self.fire(person, m, event).status == 200
        worker = threading.Thread(target=work, daemon=True)
        worker.start()
        try:
            while count[0] < 4:
                time.sleep(0.05)
            known = house.client() and lea.get("/dossiers/%d" % m.file).json["version"]
            house.ctl("backup", folder)
        finally:
            stop.set()
            worker.join()
        try:
            with Restored(house, folder) as other:
                for words in (["invariants"], ["audit", "verify"], ["figures", "--level", "pays", "--json"]):
                    other.ctl(*words)
                a = other.file(m.file, "lea", 60)
                right(a.json["version"] >= known, "acknowledged before the backup and not in it: %d < %d" % (a.json["version"], known))
        finally:
            shutil.rmtree(folder, ignore_errors=True)
        self.counts["events during the backup"] = count[0]


def one_file(kind, content):
    """(content type, body) of a form that sends one piece."""
    mark = "cut" + uuid.uuid4().hex
    head = ('--%s\r\nContent-Disposition: form-data; name="kind"\r\n\r\n%s\r\n--%s\r\nContent-Disposition: form-data; name="file"; '
            'filename="grande.pdf"\r\nContent-Type: application/pdf\r\n\r\n' % (mark, kind, mark)).encode()
    return "multipart/form-data; boundary=" + mark, head + content + b"\r\n--%s--\r\n" % mark.encode()


def children_of_threads(pid):
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir("/proc/%d/task" % pid):
            with open("/proc/%d/task/%s/children" % (pid, task), encoding="utf-8") as f:
                found += [int(p) for p in f.read().split()]
    return found


def tls(house, source="127.0.0.1", protocols=("http/1.1",), small=False):
    raw = socket.socket()
    if small:
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
    raw.settimeout(30)
    raw.bind((source, 0))
    raw.connect(("127.0.0.1", house.port))
    context = ssl.create_default_context(cafile=os.path.join(house.home, "certs/ca.pem"))
    context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(raw, server_hostname="localhost")


class Slow:
    """Slow clients of every kind, from another address (127.0.0.2), each giving or taking a byte now and then."""

    def __init__(self, house, n):
        import h2.config
        import h2.connection
        import h2.settings
        self.house, self.stop, self.clients = house, threading.Event(), []
        makers = [self.mute, self.headers, self.body, self.reader, self.h2_body, self.h2_reader, self.h2_ping]
        self.h2 = h2
        for i in range(n):
            maker = makers[i % len(makers)]
            s, more = maker()
            s.setblocking(False)
            self.clients.append([maker.__name__, s, more])
        self.total = n
        self.thread = threading.Thread(target=self.trickle, daemon=True)
        self.thread.start()

    def mute(self):
        raw = socket.create_connection(("127.0.0.1", self.house.port), source_address=("127.0.0.2", 0))
        return raw, lambda: b""

    def headers(self):
        s = tls(self.house, "127.0.0.2")
        s.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
        return s, lambda: b"a"

    def body(self):
        s = tls(self.house, "127.0.0.2")
        s.sendall(b"POST /connexion HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{" % self.house.port)
        return s, lambda: b" "

    def reader(self):
        s = tls(self.house, "127.0.0.2", small=True)
        s.sendall(b"GET /openapi.json HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % self.house.port * 200)
        return s, lambda: b""

    def speaker(self, window=None):
        s = tls(self.house, "127.0.0.2", ("h2",), small=True)
        c = self.h2.connection.H2Connection(self.h2.config.H2Configuration(client_side=True))
        if window is not None:
            c.local_settings[self.h2.settings.SettingCodes.INITIAL_WINDOW_SIZE] = window
        c.initiate_connection()
        s.sendall(c.data_to_send())
        return s, c

    def fields(self, method, path, **more):
        return [(":method", method), (":path", path), (":scheme", "https"), (":authority", "localhost:%d" % self.house.port), *more.items()]

    def h2_body(self):
        s, c = self.speaker()
        for stream in range(1, 41, 2):
            c.send_headers(stream, self.fields("POST", "/connexion", **{"content-type": "application/json", "content-length": "5000"}))
        s.sendall(c.data_to_send())

        def more():
            c.send_data(1, b" ")
            return c.data_to_send()
        return s, more

    def h2_reader(self):
        s, c = self.speaker(window=0)
        for stream in range(1, 101, 2):
            c.send_headers(stream, self.fields("GET", "/openapi.json"), end_stream=True)
        s.sendall(c.data_to_send())
        return s, lambda: b""

    def h2_ping(self):
        s, c = self.speaker()

        def more():
            c.ping(b"12345678")
            return c.data_to_send()
        return s, more

    def trickle(self):
        """Gives a byte each half second; takes note of who was closed."""
        while not self.stop.wait(0.5):
            for client in self.clients:
                kind, s, more = client
                if not s:
                    continue
                try:
                    bytes_ = more()
                    if bytes_:
                        s.send(bytes_)
                    if "reader" not in kind and s.recv(4096) == b"":
                        raise OSError
                except (ssl.SSLWantReadError, ssl.SSLWantWriteError, BlockingIOError):
                    continue
                except OSError:
                    s.close()
                    client[1] = None

    def kinds(self):
        """Those that were not told of their end, by kind: a reader that does not read never hears of it."""
        return collections.Counter(c[0] for c in self.clients if c[1])

    def end(self):
        self.stop.set()
        self.thread.join()
        for c in self.clients:
            if c[1]:
                c[1].close()


def service_side(house, there):
    """The rows of the kernel's table for connections from there that the service holds: those that have a process."""
    here = "0100007F:%04X" % house.port
    with open("/proc/net/tcp", encoding="ascii") as f:
        rows = [line.split() for line in f]
    return [r for r in rows if r[1] == here and r[2].startswith(there) and r[9] != "0"]


def from_elsewhere(house):
    """Connections from 127.0.0.2."""
    return len(service_side(house, "0200007F:"))


def unread(house, s):
    """Bytes of that connection that the service has not read."""
    return sum(int(r[4].split(":")[1], 16) for r in service_side(house, "0100007F:%04X" % s.getsockname()[1]))


def main(c):
    f = Faults(c)
    c.attempt("killed and started again, it says that it is ready when it is", f.ready)
    c.attempt("told to stop, it answers what came before it said so, uploads on their way too", f.stopped)
    c.attempt("clamd gone: deposits go on, readers wait; back: pieces are scanned, a marked one stays closed", f.scanner)
    c.attempt("the mail server gone: events go on; back: each mail goes once; its answer lost: again, under the same id", f.mail)
    c.attempt("a mail that somebody waits for goes before a mailing", f.urgent)
    c.attempt("the PDF process killed: approving says to try again, and the next one works with the same key", f.renderer)
    c.attempt("a deadline fires once, whoever moves the clock", f.clock)
    c.attempt("slow readers and senders on HTTP/1.1 and HTTP/2: others are served, they are closed", f.slow)
    c.attempt("a body far too large is refused in French", f.too_large)
    c.attempt("uploads of 10 MB cut at every stage leave nothing, and the whole one comes back byte for byte", f.cut)
    c.attempt("uploads of 10 MB in slices, each cut, and the service killed, go on where they were", f.resumed)
    if c.disk:
        c.attempt("disk full: reads go on or a clear 503, nothing acknowledged is lost, writes come back", f.disk)
    else:
        print("# disk full: not run, no file system may be mounted here")
    if not c.short:
        c.attempt("a backup made under load, restored: chain, views and what was acknowledged before it", f.backup)
    log = log_of(f.house)
    c.attempt("the log folds to the files' states, its chain and the eight views hold", whole, f.house, log)
    c.attempt("figures are those recounted from the log", figures_hold, f.house, log)
    c.survived(f.counts["renderers"], "SIGKILLs of the PDF process")
    c.survived(f.counts["slow"], "slow clients closed, %d requests of others served meanwhile" % f.counts["served"])
    c.survived(f.counts["cuts"], "uploads of 10 MB cut")
    c.survived(f.counts["slices"], "slices of uploads cut, and resumed")
    if c.disk:
        c.survived(f.counts["full"], "requests told 503 while the disk was full, %d acknowledged ones kept" % f.counts["kept"])
    if not c.short:
        c.survived(f.counts["events during the backup"], "events fired while a backup was made")


if __name__ == "__main__":
    alone(main)
