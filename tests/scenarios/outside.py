#!/usr/bin/env python3
"""What comes after a transaction or from outside: the seal of the convention."""
import hashlib

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


def killed(w):
    w.house.stop(signal.SIGKILL)
    w.house.start()


scenario("a countersigned convention is sealed, once, over the bytes that were signed", [
    applies("anna"), state("anna", "in_review"), approves("lea", "anna"), signs("anna"), state("anna", "to_countersign"),
    holds("the sealing key is away", lambda w: key(w, True)),
    countersigns("lea", "anna"), state("anna", "conventioned"),
    holds("the page says that the seal is under way, and the convention can be read", waits),
    holds("the key comes back", lambda w: key(w, False)),
    sealed("anna"),
    holds("a byte that changes is noticed", changed),
    holds("work that comes back is not done twice", again),
    applies("bea"), state("bea", "in_review"), approves("lea", "bea"), signs("bea"), state("bea", "to_countersign"), countersigns("lea", "bea"),
    holds("the service is killed just then, and started again", killed),
    sealed("bea"),
])

authority()
run(ENROLL_SEAL_CERT=outside("seal.pem"), ENROLL_SEAL_KEY=outside("seal.key"))
