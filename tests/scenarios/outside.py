#!/usr/bin/env python3
"""What comes after a transaction or from outside: the seal of the convention, the second registry, where addresses are."""
import hashlib
import http.server

from lib import *


OUTSIDE = tempfile.mkdtemp(prefix="enroll-outside-", dir="/tmp")
os.chmod(OUTSIDE, 0o755)
atexit.register(shutil.rmtree, OUTSIDE, True)


def outside(name):
    return os.path.join(OUTSIDE, name)


def openssl(*words):
    subprocess.run(["openssl", *words], check=True, capture_output=True, cwd=OUTSIDE)


def authority():
    """A sealing certificate (RSA) of an authority that the service knows nothing of."""
    with open(outside("seal.ext"), "w") as f:
        f.write("keyUsage=critical,nonRepudiation\nbasicConstraints=critical,CA:FALSE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n")
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=AC des sceaux", "-days", "2", "-keyout", "ca.key", "-out", "ca.pem",
            "-addext", "keyUsage=critical,keyCertSign")
    openssl("req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=Sceau", "-keyout", "seal.key", "-out", "seal.csr")
    openssl("x509", "-req", "-in", "seal.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-days", "2", "-extfile", "seal.ext", "-out", "seal.pem")
    os.chmod(outside("seal.key"), 0o644)


class Sources(http.server.ThreadingHTTPServer):
    """The FHIR API and the address service, over TLS, as they answer today."""
    daemon_threads = True

    def __init__(self):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=localhost", "-days", "2",
                "-keyout", "sources.key", "-out", "sources.pem")
        super().__init__(("127.0.0.1", 0), Source)
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(outside("sources.pem"), outside("sources.key"))
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.url = "https://localhost:%d" % self.server_address[1]
        self.asked, self.fhir, self.points, self.silent, self.geocode_status = [], {}, {}, False, 500
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_):
        pass


class Source(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def do_GET(self):
        s, url = self.server, urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        s.asked.append((url.path, query, self.headers.get("ESANTE-API-KEY")))
        if url.path == "/fhir/v2/Practitioner":
            if s.silent:
                time.sleep(20)
            number = query["identifier"].removeprefix("https://rpps.esante.gouv.fr|")
            found = s.fhir.get(number)
            entry = {"resource": {"resourceType": "Practitioner", "identifier": [{"system": "https://rpps.esante.gouv.fr", "value": number}],
                                  **(found or {})}}
            status, answer = 200, {"resourceType": "Bundle", "total": int(found is not None), "entry": [entry] if found is not None else []}
        else:
            status, answer = s.geocode_status, {"type": "FeatureCollection", "features": s.points.get(query.get("q"), [])}
        body = jsonlib.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


# ---- the seal ------------------------------------------------------------------------------------------------------------

def convention(w, name, by=None):
    a = w.house.ask(by or name, "get", "/dossiers/%d/convention.pdf" % w.person(name).file)
    right(a.status == 200 and a.body.startswith(b"%PDF"), "convention.pdf: %r" % a)
    return a.body


def pdfsig(w, pdf):
    """What pdfsig says, trusting the authority of the seals alone."""
    nss, paper = os.path.join(w.house.out, "nss"), os.path.join(w.house.out, "convention.pdf")
    if not os.path.exists(nss):
        os.mkdir(nss)
        for words in (["-N", "--empty-password"], ["-A", "-n", "essai", "-t", "C,C,C", "-i", outside("ca.pem")]):
            subprocess.run(["certutil", *words, "-d", nss], check=True, capture_output=True)
    with open(paper, "wb") as f:
        f.write(pdf)
    return subprocess.run(["pdfsig", "-nssdir", nss, paper], capture_output=True, text=True).stdout


def sealed_rows(w, name):
    return int(w.house.sql("select count(*) from document where kind = 'convention_sealed' and file = %d" % w.person(name).file)[0][0])


def key(w, away):
    """The sealing key goes, or comes back; what waits for it is due at once."""
    here, there = outside("seal.key"), outside("seal.key.away")
    os.rename(*((here, there) if away else (there, here)))
    if not away:
        w.house.sql("update outbox set due = enroll_now() where kind = 'seal' and done_at is null")


def waits(w):
    """Without its key the seal is pending, the page says so and the convention is the one that was signed."""
    until = time.monotonic() + 20
    while w.house.sql("select attempts > 0 and leased_until is null from outbox where kind = 'seal' and file = %d" % w.person("anna").file) != [("t",)]:
        right(time.monotonic() < until, "no attempt")
        time.sleep(0.1)
    f = w.file("anna")
    right(f["sealed"] is False and sealed_rows(w, "anna") == 0, "%s" % f["sealed"])
    right(hashlib.sha256(convention(w, "anna")).hexdigest() == f["document"], "other bytes than those signed")
    for who in ("anna", "lea"):
        page = w.house.ask(who, "get", "/dossiers/%d" % f["id"], Accept="text/html")
        right(page.status == 200 and "scellement en cours" in page.text, "%s is not told: %r" % (who, page))


@command("{name}'s convention is sealed")
def sealed(w, name, seconds=30):
    until = time.monotonic() + seconds
    while not w.file(name)["sealed"]:
        right(time.monotonic() < until, "not yet: %s" % w.house.sql("select attempts, due, error from outbox where kind = 'seal'"))
        time.sleep(0.1)
    f, pdf = w.file(name), convention(w, name)
    said = pdfsig(w, pdf)
    right("Signature is Valid." in said and "Certificate is Trusted." in said and "Total document signed" in said, said)
    front = pdf[:pdf.index(b"\n%%EOF\n") + 7]
    right(hashlib.sha256(front).hexdigest() == f["document"], "what was signed is not in front")
    reason = bytes.fromhex(re.search(rb"/Reason <FEFF([0-9A-F]+)>", pdf).group(1).decode()).decode("utf-16-be")
    right(f["number"] in reason and f["document"] in reason and "Psychologue" in reason and "Caisse" in reason, reason)
    right(convention(w, name, "lea") == pdf, "the caisse reads another one")
    page = w.house.ask(name, "get", "/dossiers/%d" % f["id"], Accept="text/html")
    right("scellement" not in page.text, "the page still waits")
    check = subprocess.run(["qpdf", "--check", os.path.join(w.house.out, "convention.pdf")], capture_output=True, text=True)
    right(check.returncode == 0, check.stdout + check.stderr)
    right(sealed_rows(w, name) == 1, "%d sealed ones" % sealed_rows(w, name))


def changed(w):
    pdf = bytearray(convention(w, "anna"))
    pdf[2000] ^= 1
    right("Signature is Valid" not in pdfsig(w, bytes(pdf)), "a changed byte passes")


def again(w):
    """A worker that died after its work, as the outbox sees it: its row comes back."""
    pdf = convention(w, "anna")
    w.house.sql("update outbox set done_at = null, due = enroll_now() where kind = 'seal' and file = %d" % w.person("anna").file)
    until = time.monotonic() + 20
    while w.house.sql("select count(*) from outbox where kind = 'seal' and done_at is null") != [("0",)]:
        right(time.monotonic() < until, "the row stays")
        time.sleep(0.1)
    right(sealed_rows(w, "anna") == 1 and convention(w, "anna") == pdf, "sealed twice")


# ---- where addresses are -------------------------------------------------------------------------------------------------

def feature(lon, lat, citycode, kind="housenumber", score=0.9):
    return {"type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"type": kind, "citycode": citycode, "score": score}}


def place(w, name):
    """(lat, lon) that the directory shows."""
    a = w.house.client().get("/annuaire?commune=59350")
    return next((p["lat"], p["lon"]) for i in a.json["items"] if i["id"] == w.person(name).file for p in i["places"])


def rows_wait(w, how, seconds=20):
    until = time.monotonic() + seconds
    while w.house.sql("select count(*) filter (where done_at is null), count(*) filter (where error = 'away' and leased_until is null)"
                      " from outbox where kind = 'geocode'") != [how]:
        right(time.monotonic() < until, "%s" % w.house.sql("select * from outbox where kind = 'geocode'"))
        time.sleep(0.1)


def services_away(w):
    """Each place stays where its commune is, and is in the directory all the same."""
    w.house.ctl("tick")
    rows_wait(w, ("1", "1"))
    commune = w.house.sql("select lat, lon from commune where code = '59350'")[0]
    right(place(w, "anna") == tuple(map(float, commune)), "%s" % (place(w, "anna"),))
    right(("/geocodage/search", {"limit": "5", "q": "12 rue des Essais Lille", "postcode": "59000"}, None) in SOURCES.asked, "%s" % SOURCES.asked)


def services_back(w):
    SOURCES.geocode_status = 200
    SOURCES.points["12 rue des Essais Lille"] = [feature(3.0712345, 50.6298765, "59350")]
    SOURCES.points["3 rue d’Ailleurs Lille"] = [feature(3.16, 50.69, "59512", score=0.99)]


def located(w):
    w.house.sql("update outbox set due = enroll_now() where kind = 'geocode'")
    w.house.ctl("tick")
    rows_wait(w, ("0", "0"))
    right(place(w, "anna") == (50.6298765, 3.0712345), "%s" % (place(w, "anna"),))
    commune = w.house.sql("select lat, lon from commune where code = '59350'")[0]
    right(place(w, "bea") == tuple(map(float, commune)), "elsewhere: %s" % (place(w, "bea"),))
    right(w.house.sql("select distinct commune from place") == [("59350",)], "a commune moved")
    right(w.file("bea")["caisse"]["commune"] == "59350", "the route moved")


# ---- the second registry -------------------------------------------------------------------------------------------------

def fhir_says(name, **what):
    return holds("the second registry says %s of %s" % (what, name), lambda w: SOURCES.fhir.__setitem__(rpps(1000 + w.person(name).n), what))


def rpps_check(w, name, by=None):
    return next(c for c in w.file(name, by)["checks"] if c["code"] == "rpps")


def asked_about(w, name):
    return [a for a in SOURCES.asked if a[0].startswith("/fhir") and a[1]["identifier"] == "https://rpps.esante.gouv.fr|" + rpps(1000 + w.person(name).n)]


def in_review_by_it(w):
    c = rpps_check(w, "carla")
    right((c["result"], c["reason"], c["source"]) == ("review", "rpps_inactive", "fhir"), "%s" % c)
    right([a[2] for a in asked_about(w, "carla")] == ["une-clef-d-essai"], "%s" % SOURCES.asked)
    page = w.house.ask("eva", "get", "/dossiers/%d" % w.person("carla").file, Accept="text/html").text
    right("API FHIR de l’Annuaire Santé" in page, "the expert is not told where it comes from")


def as_without(name, asked):
    def fact(w):
        c = rpps_check(w, name)
        right(c["result"] == "pass" and c["source"].startswith("registre du"), "%s" % c)
        right(len(asked_about(w, name)) == asked, "%s" % asked_about(w, name))
    return fact


def killed(w):
    w.house.stop(signal.SIGKILL)
    w.house.start()
    w.house.sql("update outbox set leased_until = null where kind = 'seal'")  # three minutes later, had the dead worker taken it


scenario("a countersigned convention is sealed, once, over the bytes that were signed", [
    applies("anna"), state("anna", "in_review"), approves("lea", "anna"), signs("anna"), state("anna", "to_countersign"),
    holds("the sealing key is away", lambda w: key(w, True)),
    countersigns("lea", "anna"), state("anna", "conventioned"),
    holds("the page says that the seal is under way, and the convention can be read", waits),
    holds("the key comes back", lambda w: key(w, False)),
    sealed("anna"),
    holds("a byte that changes is noticed", changed),
    holds("work that comes back is not done twice", again),
    holds("the address service is away and nothing waits for it", services_away),
    applies("bea", street="3 rue d’Ailleurs"), state("bea", "in_review"), approves("lea", "bea"), signs("bea"), state("bea", "to_countersign"), countersigns("lea", "bea"),
    holds("the address service is back", services_back),
    holds("the service is killed just then, and started again", killed),
    sealed("bea"),
    holds("what it says: a point in the directory, and no other commune than the one given", located),
])

scenario("the second registry sends to a person whom it says inactive, and never does harm", [
    fhir_says("carla", active=False), applies("carla"), state("carla", "expert_review"),
    holds("for that reason, from that source, with the key", in_review_by_it),
    fhir_says("dina", active=True), applies("dina"), state("dina", "in_review"), holds("active is as without it", as_without("dina", 1)),
    holds("it does not answer any more", lambda w: setattr(SOURCES, "silent", True)),
    applies("elsa"), state("elsa", "in_review", seconds=15), holds("it was asked, and that is all", as_without("elsa", 1)),
    applies("flora"), state("flora", "in_review"), holds("it is left alone", as_without("flora", 0)),
])

authority()
SOURCES = Sources()
run(ENROLL_SEAL_CERT=outside("seal.pem"), ENROLL_SEAL_KEY=outside("seal.key"), ENROLL_FHIR_URL=SOURCES.url + "/fhir/v2",
    ENROLL_FHIR_KEY="une-clef-d-essai", ENROLL_GEOCODE_URL=SOURCES.url + "/geocodage/")
