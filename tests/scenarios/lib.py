"""Scenarios: whole journeys through the real programs, written as arrays of commands.

    scenario("approved, signed, in the directory", [
        applies("anna", commune="59350"),
        state("anna", "in_review"),
        fires("lea", "claim", "anna"),
        ...
    ])
    run()

Each command prints one line, "ok - sentence" or "not ok - sentence" with why; the first that fails ends its scenario.
After each scenario the eight invariant views must be empty and the history must verify.

One house serves all scenarios of a program: enrolld in a folder of its own under /tmp, on free ports, with its private
database, a mail server that keeps what it is sent, and agents of every role. The programs are $ENROLLD (default: the
sanitized build, else the plain one) and the enrollctl beside it. Standard library only.
"""
import atexit
import contextlib
import datetime
import email
import email.policy
import glob
import http.client
import json as jsonlib
import os
import random
import re
import shutil
import signal
import socket
import socketserver
import ssl
import subprocess
import sys
import tempfile
import threading
import time
import traceback
import urllib.parse
import uuid
import zoneinfo

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PARIS = zoneinfo.ZoneInfo("Europe/Paris")
FOLDER = "/tmp"  # where houses are made
PASSWORD = "une phrase de passe assez longue"


class Wrong(Exception):
    """What a command found, and that should not be."""


def right(condition, why):
    if not condition:
        raise Wrong(why)


# ---- invented numbers ----------------------------------------------------------------------------------------------------

def luhn_key(digits):
    total = 0
    for i, c in enumerate(reversed(digits)):
        n = int(c) * (2 if i % 2 == 0 else 1)
        total += n - 9 if n > 9 else n
    return str(-total % 10)


def rpps(n):
    body = "99900%05d" % n
    return body + luhn_key(body)


def nir(n):
    body = "2%02d%02d%02d%03d%03d" % (60 + n % 35, 1 + n % 12, 1 + n % 90 if 1 + n % 90 != 20 else 21, n // 1000 % 900 + 1, n % 1000)
    return body + "%02d" % (97 - int(body) % 97)


def iban(n):
    bban = "99999" + "00001" + "%011d" % n + "42"
    return "FR%02d%s" % (98 - int(bban + "152700") % 97, bban)


def siret(n):
    siren = "9%07d" % n
    siren += luhn_key(siren)
    body = siren + "0001"
    return body + luhn_key(body)


def pdf(text, script=False):
    """A small PDF of one page that says `text`; with a script it is what the checks must refuse."""
    content = ("BT /F1 18 Tf 72 720 Td (%s) Tj ET" % text.encode("ascii", "replace").decode().replace("(", "").replace(")", "")).encode()
    action = b" /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >>" if script else b""
    objects = [b"<< /Type /Catalog /Pages 2 0 R" + action + b" >>", b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
               b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
               b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content),
               b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>"]
    out, at = b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n", []
    for i, o in enumerate(objects):
        at.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (i + 1, o)
    xref = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % a for a in at)
    return out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, xref)


def big_pdf(size):
    """A good PDF of about that many bytes: one more object, which no page uses."""
    small = pdf("grande")
    at = small.index(b"xref\n0 ")
    filler = b"6 0 obj\n<< /Length %d >>\nstream\n" % (size - len(small) - 100)
    filler += bytes(random.Random(size).randbytes(1024)).replace(b"endstream", b"") * ((size - len(small) - 100) // 1024 + 1)
    filler = filler[:size - len(small) - 100 + filler.index(b"stream\n") + 7] + b"\nendstream\nendobj\n"
    table = small[at:].replace(b"0 6\n", b"0 7\n", 1)
    rows, rest = table.split(b"trailer", 1)
    rest = rest.replace(b"/Size 6", b"/Size 7", 1)
    return small[:at] + filler + rows + b"%010d 00000 n \n" % at + b"trailer" + re.sub(rb"startxref\n\d+", b"startxref\n%d" % (at + len(filler)), rest)


# ---- mail ----------------------------------------------------------------------------------------------------------------

def mail_read(to, body):
    """`id` is that of the outbox row, from the Message-ID."""
    message = email.message_from_bytes(body, policy=email.policy.default)
    parts = [p.get_content() for p in message.walk() if p.get_content_maintype() == "text"]
    number = re.match(r"<enroll\.(\d+)@", message["Message-ID"] or "")
    return {"to": to, "subject": message["subject"], "text": "\n".join(parts), "id": number and int(number.group(1))}


class Kept:
    """Looks into `mails`, oldest first."""

    def to(self, address, containing=""):
        with self.lock:
            return [m for m in self.mails if m["to"] == address and containing in m["text"]]

    def wait(self, address, pattern, after=0, seconds=20):
        """The last match of a pattern in what that address got after its first `after` mails."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            for m in reversed(self.to(address)[after:]):
                found = re.search(pattern, m["text"])
                if found:
                    return found.group(1)
            time.sleep(0.1)
        raise Wrong("no mail to %s with %r among %d" % (address, pattern, len(self.to(address))))


class Mailbox(Kept, socketserver.ThreadingTCPServer):
    """Takes every mail and keeps it, oldest first."""
    allow_reuse_address = daemon_threads = True

    def __init__(self):
        self.mails, self.lock = [], threading.Lock()
        super().__init__(("127.0.0.1", 0), MailHandler)
        threading.Thread(target=self.serve_forever, daemon=True).start()


class MailHandler(socketserver.StreamRequestHandler):
    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def handle(self):
        self.say("220 tests")
        to = None
        for line in self.rfile:
            verb = line.decode("utf-8", "replace").strip()
            if verb[:4].upper() == "EHLO" or verb[:4].upper() == "HELO":
                self.wfile.write(b"250-tests\r\n250-8BITMIME\r\n250 SMTPUTF8\r\n")
            elif verb.upper().startswith("RCPT TO:"):
                to = re.search(r"<([^>]*)>", verb).group(1)
                self.say("250 ok")
            elif verb.upper() == "DATA":
                self.say("354 go on")
                body = b""
                for more in self.rfile:
                    if more == b".\r\n":
                        break
                    body += more[1:] if more.startswith(b"..") else more
                self.keep(to, body)
                self.say("250 kept")
            elif verb.upper() == "QUIT":
                self.say("221 bye")
                return
            else:
                self.say("250 ok")

    def keep(self, to, body):
        with self.server.lock:
            self.server.mails.append(mail_read(to, body))


# ---- HTTP ----------------------------------------------------------------------------------------------------------------

class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, headers, body
        self.text = body.decode("utf-8", "replace")
        try:
            self.json = jsonlib.loads(self.text)
        except ValueError:
            self.json = None

    def __repr__(self):
        return "%d %s" % (self.status, self.text[:600])


class Client:
    """One person's connection, kept alive: JSON unless told otherwise. Of several threads one asks after the other."""

    def __init__(self, port, ca, certificate=None):
        self.port, self.ca, self.certificate, self.token = port, ca, certificate, None
        self.lock = threading.RLock()
        self.context = ssl.create_default_context(cafile=ca)
        if certificate:
            self.context.load_cert_chain(*certificate)
        self.connection = None

    def connect(self):
        """A machine whose table of connections is full (netfilter) says EPERM for a moment; nothing was sent then."""
        until = time.monotonic() + 10
        while True:
            connection = http.client.HTTPSConnection("localhost", self.port, context=self.context, timeout=60)
            try:
                connection.connect()
                return connection
            except PermissionError:
                connection.close()
                if time.monotonic() > until:
                    raise
                time.sleep(0.2)

    def ask(self, method, path, body=None, headers=None):
        head = {"Accept": "application/json", **({"Authorization": "Bearer " + self.token} if self.token else {}), **(headers or {})}
        with self.lock:
            for attempt in (1, 2):
                try:
                    if not self.connection:
                        self.connection = self.connect()
                    self.connection.request(method, path, body, head)
                    response = self.connection.getresponse()
                    return Answer(response.status, response.headers, response.read())
                except (http.client.HTTPException, OSError):
                    self.close()
                    if attempt == 2 or method != "GET" and "Idempotency-Key" not in head:
                        raise

    def get(self, path, **headers):
        return self.ask("GET", path, headers=headers)

    def post(self, path, json=None, form=None, key=None, **headers):
        head = {"Idempotency-Key": key or str(uuid.uuid4()), **headers}
        if form is not None:
            head["Content-Type"] = "application/x-www-form-urlencoded"
            return self.ask("POST", path, urllib.parse.urlencode(form), head)
        head["Content-Type"] = "application/json"
        return self.ask("POST", path, jsonlib.dumps(json if json is not None else {}), head)

    def upload(self, path, fields, name, content, kind="application/pdf"):
        mark = uuid.uuid4().hex
        parts = b"".join(b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (mark.encode(), k.encode(), v.encode())
                         for k, v in fields.items())
        parts += b'--%s\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\nContent-Type: %s\r\n\r\n' % (
            mark.encode(), name.encode(), kind.encode())
        return self.ask("POST", path, parts + content + b"\r\n--%s--\r\n" % mark.encode(),
                        {"Content-Type": "multipart/form-data; boundary=" + mark, "Idempotency-Key": str(uuid.uuid4())})

    def upload_begin(self, file, fields, size):
        return self.post("/dossiers/%d/envois" % file, {"name": "grande.pdf", **fields}, **{"Upload-Length": str(size)})

    def upload_slice(self, at, offset, content, last=False, **headers):
        """The next slice of the upload at that path."""
        return self.ask("PATCH", at, content, {**slice_head(offset, last), **headers})

    def close(self):
        with self.lock:
            if self.connection:
                self.connection.close()
            self.connection = None


def slice_head(offset, last=False):
    return {"Content-Type": "application/partial-upload", "Upload-Offset": str(offset), "Upload-Complete": "?1" if last else "?0"}


# ---- the house -----------------------------------------------------------------------------------------------------------

def programs():
    given = os.environ.get("ENROLLD")
    for path in [given] if given else [os.path.join(ROOT, "build/gcc-san/enrolld"), os.path.join(ROOT, "build/enrolld")]:
        if os.path.exists(path):
            return path, os.path.join(os.path.dirname(path), "enrollctl")
    sys.exit("not ok - enrolld is built: make build")


def free_port():
    """Below the ports that the system gives to outgoing connections: on a busy machine one of them takes it first."""
    with open("/proc/sys/net/ipv4/ip_local_port_range", encoding="ascii") as f:
        first = int(f.read().split()[0])
    for _ in range(100):
        port = random.randrange(first // 2, first)
        with socket.socket() as s, contextlib.suppress(OSError):
            s.bind(("127.0.0.1", port))
            return port
    raise Wrong("no free port below %d" % first)


# name: role, what it may; lea and marc share a caisse, as eva and emile share the national desk
AGENTS = {
    "lea": ("delegate", "--caisse", "595", "--may-sign"),
    "marc": ("delegate", "--caisse", "595"),
    "nadia": ("delegate", "--caisse", "597", "--may-sign"),
    "eva": ("expert",),
    "emile": ("expert",),
    "rene": ("region", "--region", "32"),
    "ada": ("admin",),
}
REGISTRY_HEAD = open(os.path.join(ROOT, "db/data/rpps_personne_activite_header.txt"), encoding="utf-8").readline().strip()


class House:
    mailbox = Mailbox

    def __init__(self, **settings):
        self.enrolld, self.enrollctl = programs()
        self.home = tempfile.mkdtemp(prefix="enroll-scenario-", dir=FOLDER)
        self.out = os.path.join(self.home, "agents-of-tests")
        self.port, self.agent_port = free_port(), free_port()
        self.mail = self.mailbox()
        self.environment = {
            "PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "ENROLL_HOME": self.home, "ENROLL_PORT": str(self.port),
            "ENROLL_AGENT_PORT": str(self.agent_port), "ENROLL_TEST_CLOCK": "1", "ENROLL_LOOPS": "2",
            "ENROLL_SMTP_URL": "smtp://127.0.0.1:%d" % self.mail.server_address[1],
            "LSAN_OPTIONS": "suppressions=%s/tests/lsan.supp:print_suppressions=0" % ROOT,
            **{k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS") or k == "GCOV_PREFIX"}, **settings}
        os.makedirs(self.out, exist_ok=True)
        self.process, self.people, self.registry_lines, self.shift = None, {}, {}, False
        self.log = self.home + ".log"
        atexit.register(self.end)
        self.start(fresh=True)

    def start(self, fresh=False):
        self.process = subprocess.Popen([self.enrolld], env=self.environment, stdout=subprocess.DEVNULL,
                                        stderr=open(self.log, "w" if fresh else "a"), cwd="/")
        until = time.monotonic() + 240  # the demonstration loads first
        while time.monotonic() < until:
            right(self.process.poll() is None, "enrolld ended with %s: %s" % (self.process.returncode, tail(self.log)))
            with contextlib.suppress(OSError, http.client.HTTPException):
                if self.client().get("/readyz").status == 200:
                    return
            time.sleep(0.1)
        raise Wrong("enrolld does not serve: " + tail(self.log))

    def stop(self, how=signal.SIGTERM):
        self.process.send_signal(how)
        return self.process.wait(timeout=60)

    def end(self):
        if self.process and self.process.poll() is None:
            status = self.stop()
            if status:
                print("not ok - enrolld ends well when it is told to\n# status %d: %s" % (status, tail(self.log)))
        shutil.rmtree(self.home, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.unlink(self.log)

    def client(self, certificate=None):
        return Client(self.agent_port if certificate else self.port, os.path.join(self.home, "certs/ca.pem"), certificate)

    def ctl(self, *words, stdin="", status=0):
        """Runs enrollctl; gives what it printed. `status` None: any."""
        p = subprocess.run([self.enrollctl, *words], env=self.environment, input=stdin, text=True, capture_output=True,
                           timeout=120, cwd="/")
        right(status is None or p.returncode == status, "enrollctl %s: %d %s%s" % (" ".join(words), p.returncode, p.stdout, p.stderr))
        return p.stdout

    def agent(self, name):
        if name not in self.people:
            self.make_agent(name, *AGENTS[name])
        return self.people[name]

    def make_agent(self, name, role, *rights):
        address = name + "@agents.test"
        self.ctl("agent", "create", "--role", role, "--name", name.capitalize() + " Essai", "--email", address, *rights)
        made = jsonlib.loads(self.ctl("cert", "issue", "--agent", address, "--out", self.out, "--json"))
        self.people[name] = self.client((made["pem"], made["key"]))
        return self.people[name]

    def account(self, name):
        """An applicant, signed in."""
        if name not in self.people:
            self.ctl("account", "create", "--email", mail_of(name), "--password-stdin", stdin=PASSWORD + "\n")
            self.people[name] = self.client()
            self.sign_in(name)
        return self.people[name]

    def sign_in(self, name):
        c = self.people[name]
        c.token = None
        a = c.post("/connexion", {"email": mail_of(name), "password": PASSWORD})
        right(a.status == 200 and a.json.get("token"), "sign-in: %r" % a)
        c.token = a.json["token"]

    def who(self, name):
        return self.agent(name) if name in AGENTS else self.account(name)

    def ask(self, name, method, path, *args, **more):
        """As a person; a session that the clock ended is opened again."""
        c = self.who(name)
        a = getattr(c, method)(path, *args, **more)
        if a.status == 401 and name not in AGENTS:
            self.sign_in(name)
            a = getattr(c, method)(path, *args, **more)
        return a

    def sql(self, text):
        """As the database's superuser, behind everyone's back: rows as tuples of texts."""
        psql = sorted(glob.glob("/usr/lib/postgresql/*/bin/psql"))[-1]
        p = subprocess.run([psql, "-X", "-A", "-t", "-F", "\t", "-v", "ON_ERROR_STOP=1", "-h", os.path.realpath(os.path.join(self.home, "pg/socket")),
                            "-U", "postgres", "-d", "enroll", "-c", "set search_path = enroll", "-c", text],
                           text=True, capture_output=True, env={"PATH": "/usr/bin:/bin", "PGCONNECT_TIMEOUT": "10"})
        right(p.returncode == 0, p.stderr)
        return [tuple(line.split("\t")) for line in p.stdout.split("\n")[1:] if line]

    # -- the registry

    def registry(self, *lines):
        """Adds lines (dicts) to the invented registry and imports it whole."""
        for line in lines:
            self.registry_lines.setdefault(line["rpps"], []).append(line)
        names = REGISTRY_HEAD.split("|")
        path = os.path.join(self.home, "PS_LibreAcces_Personne_activite_essai.txt")
        with open(path, "w", encoding="utf-8") as f:
            f.write(REGISTRY_HEAD + "\n")
            for of_one in self.registry_lines.values():
                for line in of_one:
                    cells = {"Type d'identifiant PP": "8", "Identifiant PP": line["rpps"], "Identification nationale PP": "8" + line["rpps"],
                             "Nom d'exercice": line["last_name"], "Prénom d'exercice": line["first_name"],
                             "Code profession": line.get("profession", "93"), "Libellé profession": "Psychologue",
                             "Code mode exercice": "L", "Libellé mode exercice": "Libéral",
                             "Code postal (coord. structure)": line["postcode"], "Code commune (coord. structure)": line["commune"],
                             "Code Département (structure)": line.get("departement", line["commune"][:2]),
                             "Autorité d'enregistrement": line.get("authority", "ARS/ARS/ARS")}
                    f.write("|".join(cells.get(n, "") for n in names) + "\n")
        self.ctl("registry", "import", "--force", path)

    # -- time

    def now(self):
        return datetime.datetime.fromisoformat(jsonlib.loads(self.ctl("tick", "--json"))["now"].replace("Z", "+00:00"))

    def today(self, days=0):
        """The law's day, that of Paris: for an hour or two each night it is not UTC's."""
        return self.now().astimezone(PARIS).date() + datetime.timedelta(days=days)

    def move(self, **delta):
        """The clock goes forward; what is due is fired. Gives the lines of what fired."""
        return self.move_to(self.now() + datetime.timedelta(**delta))

    def move_to(self, when):
        self.shift = True
        return jsonlib.loads(self.ctl("tick", "--now", when.strftime("%Y-%m-%dT%H:%M:%SZ"), "--json"))["events"]


# A sanitizer's or valgrind's
REPORT = re.compile(r"Sanitizer: |runtime error: |^==\d+== ")


def tail(path, n=15):
    """The end of a log, or what a sanitizer said in it."""
    with contextlib.suppress(OSError):
        with open(path, encoding="utf-8", errors="replace") as f:
            lines = f.readlines()
        said = [i for i, line in enumerate(lines) if REPORT.search(line)]
        return "".join(lines[said[0]:said[0] + 40] if said else lines[-n:])
    return ""


def mail_of(name):
    return name.replace("_", ".") + "@exemple.test"


# ---- people and files ----------------------------------------------------------------------------------------------------

class Person:
    count = 0

    def __init__(self, name):
        Person.count += 1
        self.name, self.n = name, Person.count
        self.file = self.version = None
        self.last_key = None


def answers_of(p, commune="59350", postcode="59000", street="12 rue des Essais", first_name=None, last_name=None, since=2015, **more):
    return {
        "last_name": last_name or "Essai" + "abcdefghij"[p.n % 10] + "abcdefghij"[p.n // 10 % 10] + "abcdefghij"[p.n // 100],
        "first_name": first_name or p.name.split("_")[0].capitalize(), "birth_date": "1984-03-%02d" % (1 + p.n % 28),
        "email": mail_of(p.name), "phone": "0612345678", "nir": nir(5000 + p.n), "rpps": rpps(1000 + p.n), "practice_mode": "liberal",
        "address_street": street, "address_postcode": postcode, "address_commune": commune,
        "diploma_kind": "master", "diploma_date": "%d-06-30" % (since - 1), "diploma_place": "Université de Lille",
        "experience": [{"from": "%d-01-01" % since, "to": "2024-12-31", "structure": "Centre médico-psychologique", "function": "Psychologue",
                        "clinical": "yes", "share": 100}],
        "public": ["adults", "teens"], "remote": True, "show_email": True, "show_phone": False,
        "iban": iban(7000 + p.n), "bic": "AGRIFRPP", "iban_holder": "Essai", "attest_clinical": True, "attest_truth": True, **more}


class World:
    """The house and the people of the scenarios."""

    def __init__(self, house):
        self.house, self.persons = house, {}

    def person(self, name):
        if name not in self.persons:
            self.persons[name] = Person(name)
        return self.persons[name]

    def file(self, name, by=None):
        """The file as the person who acts sees it."""
        p = self.person(name)
        a = self.house.ask(by or name, "get", "/dossiers/%d" % p.file)
        right(a.status == 200, "file %d as %s: %r" % (p.file, by or name, a))
        return a.json

    def fire(self, by, event, name, body=None, version=None, key=None):
        p = self.person(name)
        if version is None:
            version = self.file(name, by)["version"]
        p.last_key = key or str(uuid.uuid4())
        return self.house.ask(by, "post", "/dossiers/%d/evenements/%s" % (p.file, event), {"version": version, **(body or {})},
                              key=p.last_key)


# ---- commands ------------------------------------------------------------------------------------------------------------

class Command:
    def __init__(self, sentence, do):
        self.sentence, self.do = sentence, do


def command(sentence):
    """A command is a function of the world and its arguments; its sentence may name them."""
    def made_of(f):
        import inspect
        names = inspect.signature(f)

        def make(*args, **more):
            bound = names.bind(None, *args, **more)
            bound.apply_defaults()
            return Command(sentence.format(**bound.arguments), lambda w: f(w, *args, **more))
        make.__doc__ = f.__doc__
        return make
    return made_of


@command("{name} starts a file and fills it in")
def drafts(w, name, registered=True, registry=None, pieces=True, **answers):
    """`registered`: the registry knows the person; `registry` overrides what it says."""
    p = w.person(name)
    full = answers_of(p, **answers)
    if registered:
        w.house.registry({"rpps": full["rpps"], "last_name": full["last_name"].upper(), "first_name": full["first_name"].upper(),
                          "commune": full["address_commune"], "postcode": full["address_postcode"], **(registry or {})})
    a = w.house.ask(name, "post", "/dossiers")
    right(a.status == 201, "starting a file: %r" % a)
    p.file = a.json["id"]
    a = w.house.ask(name, "post", "/dossiers/%d/reponses" % p.file, full)
    right(a.status == 200, "answers: %r" % a)
    if pieces:
        attach(w, name, [k for k in a.json["missing"] if k.startswith("pieces.")])
        missing = w.file(name)["missing"]
        right(not missing, "still missing: %s" % missing)


def attach(w, name, kinds):
    for kind in kinds:
        kind, _, row = kind.removeprefix("pieces.").partition(":")
        a = w.house.ask(name, "upload", "/dossiers/%d/pieces" % w.person(name).file, {"kind": kind, **({"for": row} if row else {})},
                        kind + ".pdf", pdf("%s de %s" % (kind, name)))
        right(a.status in (200, 201), "piece %s: %r" % (kind, a))


@command("{name} sends it")
def submits(w, name):
    a = w.fire(name, "submit", name)
    right(a.status == 200, "submit: %r" % a)


def applies(name, **more):
    return [drafts(name, **more), submits(name)]


@command("{name}'s file is {state}")
def state(w, name, state, by=None, seconds=30):
    until = time.monotonic() + seconds
    while True:
        f = w.file(name, by)
        if f["state"] == state:
            return
        right(time.monotonic() < until, "it is %s, checks %s" % (f["state"], [(c["code"], c["result"], c["reason"]) for c in f["checks"]]))
        time.sleep(0.15)


@command("{by} fires {event}")
def fires(w, by, event, name, gives=200, **body):
    a = w.fire(by, event, name, body)
    right(a.status == gives, "%s by %s gives %r" % (event, by, a))


def today(w):
    return w.house.today().isoformat()


@command("{by} may not fire {event} ({gives})")
def refused(w, by, event, name, gives, **body):
    """What is only known then (today) is a function of the world."""
    version = w.file(name, name)["version"]
    a = w.fire(by, event, name, {k: v(w) if callable(v) else v for k, v in body.items()}, version=version)
    right(a.status == gives, "%s by %s gives %r" % (event, by, a))


@command("{by} opens every piece")
def opens(w, by, name):
    """No virus scanner serves the tests: a waiting piece opens with a reason."""
    for piece in w.file(name, by)["pieces"]:
        a = w.house.ask(by, "post", "/dossiers/%d/pieces/%d/ouvrir" % (w.person(name).file, piece["id"]), {"text": "examen du dossier"})
        right(a.status == 200, "opening: %r" % a)


CHECKLIST = {k: True for k in ("identity", "diploma", "experience", "clinical_path", "address", "rights", "bank")}


def approves(by, name):
    return [fires(by, "claim", name), opens(by, name), fires(by, "approve", name, checklist=CHECKLIST), state(name, "to_sign")]


@command("{name} signs with the code that was mailed")
def signs(w, name):
    p = w.person(name)
    before = len(w.house.mail.to(mail_of(name)))
    a = w.house.ask(name, "post", "/dossiers/%d/code" % p.file)
    right(a.status in (200, 202, 204), "asking for a code: %r" % a)
    code = w.house.mail.wait(mail_of(name), r"(?<![-\d])(\d{6})(?![-\d])", before)
    a = w.fire(name, "sign", name, {"code": code})
    right(a.status == 200, "sign: %r" % a)


@command("{by} countersigns")
def countersigns(w, by, name, gives=200, fnps="FNPS-TEST"):
    a = w.fire(by, "countersign", name, {"fnps": fnps, "effective_date": today(w)})
    right(a.status == gives, "countersign: %r" % a)


def conventioned(name, by="lea", **more):
    return [applies(name, **more), state(name, "in_review"), approves(by, name), signs(name), state(name, "to_countersign"),
            countersigns(by, name), state(name, "conventioned")]


def settle(house, seconds=60, kinds=("checks", "message", "mail")):
    """Until nothing is under way any more: the outbox has no row that is due."""
    until = time.monotonic() + seconds
    where = "done_at is null and due <= enroll_now() and kind in (%s)" % ",".join("'%s'" % k for k in kinds)
    while True:
        left = house.sql("select kind, count(*), min(leased_until) from outbox where %s group by kind" % where)
        if not left:
            return
        right(time.monotonic() < until, "still under way: %s" % left)
        time.sleep(0.2)


class Restored:
    """A backup of a house, in a home of its own that goes with the `with`."""

    def __init__(self, house, backup, *more):
        self.house, self.words = house, ("restore", backup) + more
        self.home = tempfile.mkdtemp(prefix="enroll-restored-", dir="/tmp")
        self.port = free_port()
        self.environment = {**house.environment, "ENROLL_HOME": self.home, "ENROLL_PORT": str(free_port()), "ENROLL_AGENT_PORT": str(self.port)}

    def __enter__(self):
        try:
            self.ctl(*self.words)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        shutil.rmtree(self.home, ignore_errors=True)

    def ctl(self, *words, status=0):
        p = subprocess.run([self.house.enrollctl, *words], env=self.environment, capture_output=True, text=True, timeout=120)
        right(p.returncode == status, "%s: %d %s%s" % (words, p.returncode, p.stdout, p.stderr))
        return p.stdout

    def file(self, number, agent, seconds):
        """What it serves of a file to that agent of the first house, once it serves; it ends well."""
        process = subprocess.Popen([self.house.enrolld], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            c = Client(self.port, os.path.join(self.home, "certs/ca.pem"), tuple(os.path.join(self.house.out, agent + "_agents.test." + x) for x in ("pem", "key")))
            until = time.monotonic() + seconds
            while True:
                with contextlib.suppress(OSError):
                    a = c.get("/dossiers/%d" % number)
                    if a.status == 200:
                        return a
                right(time.monotonic() < until, "the restored house does not serve")
                time.sleep(0.2)
        finally:
            process.terminate()
            right(process.wait(seconds) == 0, "it did not end well")


def listed(w, query, good):
    """The directory's answer to a visitor once it is as it should be: a page of it may be kept for half a second."""
    until = time.monotonic() + 10
    while True:
        late = time.monotonic() > until
        a = w.house.client().get("/annuaire?" + query)
        right(a.status == 200, "directory: %r" % a)
        if good(a.json["items"]):
            return a.json
        right(not late, "not yet: %s" % str(a.json)[:300])
        time.sleep(0.05)


@command("the directory shows {name} near {commune}: {there}")
def directory(w, name, commune="59350", there=True):
    last = answers_of(w.person(name))["last_name"]
    listed(w, "commune=%s" % commune, lambda items: any(last in i["name"] for i in items) == there)


def letter(name, words):
    """Was this person told, by mail, with these words?"""
    def fact(w):
        w.house.mail.wait(mail_of(name), "(%s)" % words)
    return fact


def french(day):
    months = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
    return "%s\u00a0%s\u00a0%d" % ("1er" if day.day == 1 else day.day, months[day.month - 1], day.year)


@command("the clock goes {days} days on")
def days_pass(w, days, fired=()):
    """`fired`: (name, event) pairs that the clock must have fired, here or in the service. The registry follows."""
    events = w.house.move(days=days)
    for name, event in fired:
        until = time.monotonic() + 10
        while not any(e["event"] == event for e in w.file(name)["events"][-3:]):
            right(time.monotonic() < until, "%s of %s did not fire: %s" % (event, name, events))
            time.sleep(0.2)
    w.house.registry()


@command("{sentence}")
def holds(w, sentence, fact):
    """Anything else: `fact` is a function of the world that gives True, or what is wrong."""
    answer = fact(w)
    right(answer is True or answer is None, answer)


# ---- running -------------------------------------------------------------------------------------------------------------

SCENARIOS = []


def flat(items):
    for i in items:
        if isinstance(i, (list, tuple)):
            yield from flat(i)
        else:
            yield i


def scenario(title, commands):
    SCENARIOS.append((title, list(flat(commands))))


def say(ok, sentence, why=""):
    print("%s - %s%s" % ("ok" if ok else "not ok", sentence, "\n# " + why.replace("\n", "\n# ") if why and not ok else ""), flush=True)
    return ok


def attempt(sentence, do):
    try:
        do()
    except Wrong as e:
        return say(False, sentence, str(e))
    except (OSError, http.client.HTTPException) as e:
        return say(False, sentence, "no answer: %r" % e)
    except Exception:  # a harness that breaks is a failed test with its reason
        return say(False, sentence, traceback.format_exc())
    return say(True, sentence)


def sound(house):
    house.ctl("invariants")
    house.ctl("audit", "verify")


def run(**settings):
    """Runs the scenarios of this program, or those whose title holds a word of the command line."""
    chosen = [s for s in SCENARIOS if not sys.argv[1:] or any(word in s[0] for word in sys.argv[1:])]
    failed = 0
    house = None
    try:
        house = House(**settings)
    except Exception:
        say(False, "the service starts", traceback.format_exc())
        sys.exit(1)
    say(True, "the service starts")
    world = World(house)
    for title, commands in chosen:
        for c in commands:
            if not attempt("%s: %s" % (title, c.sentence), lambda: c.do(world)):
                failed += 1
                if house.process.poll() is not None:
                    say(False, "enrolld goes on", "status %s: %s" % (house.process.returncode, tail(house.log)))
                    house.start(fresh=True)
                break
        failed += not attempt(title + ": the eight invariants are empty and the history verifies", lambda: sound(house))
    status = house.stop()
    failed += not say(status == 0, "the service ends well", tail(house.log))
    with open(house.log, encoding="utf-8", errors="replace") as f:
        failed += not say(not any(REPORT.search(line) for line in f), "its log holds no report of a sanitizer", tail(house.log))
    sys.exit(1 if failed else 0)
