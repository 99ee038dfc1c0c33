"""What the attacks share: a group of tries that prints one sentence, what a clear refusal is, people with certificates and
browsers, bytes on a TLS connection. A program sets `kit.house` once; it ends with `sys.exit(1 if kit.failures else 0)`.
"""
import os
import re
import socket
import ssl
import subprocess
import sys
import time
import traceback
import urllib.parse
import uuid

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))
from lib import *  # noqa: E402,F403

house = None
failures = 0
began = time.monotonic()
FORM, JSON = "application/x-www-form-urlencoded", "application/json"


class Group:
    """with Group("sentence") as g: g.want(good, what) … prints one line."""

    def __init__(self, sentence):
        self.sentence, self.bad, self.count = sentence, [], 0

    def __enter__(self):
        return self

    def want(self, good, what):
        self.count += 1
        if not good:
            self.bad.append(str(what)[:400])
        return good

    def __exit__(self, kind, value, trace):
        global failures
        if kind and issubclass(kind, Exception):
            self.bad.append("".join(traceback.format_exception(kind, value, trace))[-1500:])
        if not self.count and not self.bad:
            self.bad.append("nothing was tried")
        why = "\n".join(self.bad[:6]) + ("\n… %d in all" % len(self.bad) if len(self.bad) > 6 else "")
        failures += not say(not self.bad, "%s (%d)" % (self.sentence, self.count), why)
        if os.environ.get("GROUP_TIMES"):
            print("# %.1f s" % (time.monotonic() - began), flush=True)
        return bool(kind and issubclass(kind, Exception))


# ---- is this a clear message? --------------------------------------------------------------------------------------------

TEXT_ID = re.compile(r"^[a-z0-9_]+(\.[a-z0-9_]+)+$")


def french(text):
    return isinstance(text, str) and " " in text.strip() and not TEXT_ID.match(text) and "\x00" not in text


def unclear(a):
    """None when a refusal is clear on its face, else what is missing."""
    kind = a.headers.get("Content-Type", "")
    if kind.startswith("application/problem+json"):
        if not isinstance(a.json, dict) or a.json.get("status") != a.status:
            return "not a problem"
        if not a.json.get("title") or TEXT_ID.match(a.json["title"]):
            return "no title"
        told = [p.get("text") for p in a.json.get("problems", [])] + [a.json.get("detail")]
        if not any(french(t) for t in told):
            return "nothing said"
        if any(t and not french(t) for t in told):
            return "an id, not a sentence"
        if a.status == 422 and not a.json.get("problems"):
            return "422 without problems"
        return None
    if kind.startswith("text/html"):
        if a.text.count("Erreur\u00a0: ", 0, a.text.find("</title>")) > 1:
            return "a title that says it twice"
        return None if '<html lang="fr"' in a.text and "</html>" in a.text and "<h1" in a.text else "not a whole page"
    return "a refusal of type %r" % kind


def refused_well(a, statuses=range(400, 500)):
    return a.status in statuses and not unclear(a)


def sound_answer(a):
    """Whatever it is, it is no fault, and when it refuses it says why."""
    return a.status < 400 or (a.status < 500 and not unclear(a))


# ---- people and their certificates --------------------------------------------------------------------------------------

def openssl(*words, stdin=None):
    p = subprocess.run(["openssl", *words], input=stdin, capture_output=True, timeout=60)
    right(p.returncode == 0, "openssl %s: %s" % (" ".join(words), p.stderr.decode("utf-8", "replace")))
    return p.stdout


def certificate(name, subject, authority=None, utf8=True):
    """A certificate with this subject, by the house's authority or by another one of ours."""
    folder = os.path.join(house.home, "bad-certs")
    os.makedirs(folder, exist_ok=True)
    at = os.path.join(folder, name)
    if authority is None:
        authority = (os.path.join(house.home, "ca/ca.pem"), os.path.join(house.home, "ca/ca.key"))
    elif not os.path.exists(authority[0]):
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
                "/CN=Une autre autorite", "-out", authority[0], "-keyout", authority[1])
    openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", *(["-utf8"] if utf8 else []),
            "-multivalue-rdn", "-subj", subject, "-keyout", at + ".key", "-out", at + ".csr")
    extensions = at + ".ext"
    with open(extensions, "w", encoding="ascii") as f:
        f.write("keyUsage=digitalSignature\nextendedKeyUsage=clientAuth\n")
    openssl("x509", "-req", "-in", at + ".csr", "-CA", authority[0], "-CAkey", authority[1], "-days", "2", "-out", at + ".pem",
            "-set_serial", "0x" + uuid.uuid4().hex, "-extfile", extensions)
    return at + ".pem", at + ".key"


def with_certificate(pair):
    return house.client(pair)


def agents_client_without():
    """On the agents' listener, showing nothing."""
    c = house.client()
    c.port = house.agent_port
    return c


class Browser:
    """A psychologist's browser: a cookie, forms with their hidden fields, HTML."""

    def __init__(self, name):
        self.client = house.client()
        self.origin = "https://localhost:%d" % house.port
        a = self.client.ask("POST", "/connexion", urllib.parse.urlencode({"email": mail_of(name), "password": PASSWORD}),
                            {"Accept": "text/html", "Content-Type": FORM, "Origin": self.origin})
        right(a.status == 303, "sign-in: %r" % a)
        self.cookie = a.headers["Set-Cookie"].split(";")[0]

    def ask(self, method, path, body=None, headers=None):
        return self.client.ask(method, path, body, {"Accept": "text/html", "Cookie": self.cookie, **(headers or {})})

    def csrf(self, path):
        return re.search(r'name="csrf" value="([^"]+)"', self.ask("GET", path).text).group(1)

    def post(self, path, fields, **headers):
        return self.ask("POST", path, urllib.parse.urlencode(fields),
                        {"Content-Type": FORM, "Origin": self.origin, **{k.replace("_", "-"): v for k, v in headers.items()}})


def routes():
    """[(path, method, listener, roles)]"""
    found = []
    for line in house.ctl("routes", "print").splitlines():
        path, method, listener, roles = line.split()[:4]
        found.append((path, method, listener, set(roles.split(","))))
    return found


# ---- bytes ------------------------------------------------------------------------------------------------------------

def raw(data, port=None, cut=None, wait=4.0, tls=True, certificate_pair=None):
    """Sends bytes, gives back what comes until the end (b"" when it is closed without a word), or None after `wait`."""
    context = ssl.create_default_context(cafile=os.path.join(house.home, "certs/ca.pem"))
    if certificate_pair:
        context.load_cert_chain(*certificate_pair)
    plain = socket.create_connection(("localhost", port or house.port), timeout=wait)
    s = context.wrap_socket(plain, server_hostname="localhost") if tls else plain
    got = b""
    try:
        for part in [data] if isinstance(data, bytes) else data:
            if isinstance(part, float):
                time.sleep(part)
            else:
                s.sendall(part)
        if cut:
            s.close()
            return b""
        while True:
            more = s.recv(65536)
            if not more:
                return got
            got += more
            head, _, body = got.partition(b"\r\n\r\n")
            size = re.search(rb"(?i)content-length: (\d+)", head)
            if _ and size and len(body) >= int(size.group(1)):
                return got
    except TimeoutError:
        return None if not got else got
    except OSError:
        return got
    finally:
        s.close()


def status_of(answer):
    m = re.match(rb"HTTP/1\.[01] (\d{3})", answer or b"")
    return int(m.group(1)) if m else 0
