#!/usr/bin/env python3
"""`make attack`: what is too long for `make test`. testssl.sh on both listeners, sqlmap on what takes input, and floods that
last; prints a sentence each as the others do, and writes what was found into tests/security/RESULTS.md with its date.

	ATTACK_SECONDS=120      how long sqlmap may take for each address
"""
import concurrent.futures
import datetime
import glob
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import traceback

import kit
from kit import *

SECONDS = int(os.environ.get("ATTACK_SECONDS", "120"))
RESULTS = os.path.join(ROOT, "tests/security/RESULTS.md")
ORDER = ["OK", "INFO", "LOW", "WARN", "MEDIUM", "HIGH", "CRITICAL", "FATAL"]
# What testssl.sh says of a certificate made on the spot, by an authority of its own, for "localhost": a deployment brings its own.
DEVELOPMENT = {"cert_chain_of_trust": "the development authority is in no browser", "cert_trust": "the same", "cert_crlDistributionPoints": "no revocation address",
               "cert_ocspURL": "no revocation address", "OCSP_stapling": "no revocation address", "cert_revocation": "the development authority publishes none",
               "DNS_CAArecord": "localhost has no DNS records", "cert_extlifeSpan": "made for a demonstration", "cert_expirationStatus": "made for a demonstration",
               # only the home page of somebody who shows nothing is compressed: attacks.py, "no page that holds a secret is compressed"
               "BREACH": "no page that holds a secret is compressed", "engine_problem": "testssl.sh's own openssl"}


def testssl(port, listener, folder):
    """Findings above LOW, and those explained."""
    out = os.path.join(folder, "testssl-%s.json" % listener)
    subprocess.run(["testssl", "--quiet", "--color", "0", "--warnings", "off", "--ip", "127.0.0.1", "--add-ca", os.path.join(house.home, "certs/ca.pem"),
                    "--jsonfile", out, "localhost:%d" % port], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=1500)
    with open(out, encoding="utf-8") as f:
        found = json.load(f)
    grave = [x for x in found if ORDER.index(x["severity"]) > ORDER.index("LOW") and x["id"] not in DEVELOPMENT and not x["id"].startswith("scanTime")]
    explained = [x for x in found if ORDER.index(x["severity"]) > ORDER.index("INFO") and x["id"] in DEVELOPMENT]
    low = [x for x in found if x["severity"] == "LOW" and x["id"] not in DEVELOPMENT]
    return found, grave, low, explained


def sqlmap(what, url, folder, *more):
    """What sqlmap found injectable in the time it had; and whether it got to try anything."""
    log = os.path.join(folder, re.sub(r"\W", "-", what) + ".log")
    with open(log, "w", encoding="utf-8") as f:
        try:
            subprocess.run(["sqlmap", "-u", url, "--batch", "--level=3", "--risk=2", "--dbms=PostgreSQL", "--technique=BEUST", "--threads=2", "--timeout=15", "--retries=1",
                            "--time-sec=3", "--flush-session", "--output-dir", os.path.join(folder, "sqlmap"), "--disable-coloring", *more],
                           stdin=subprocess.DEVNULL, stdout=f, stderr=subprocess.STDOUT, timeout=SECONDS,
                           env={**os.environ, "SSL_CERT_FILE": os.path.join(house.home, "certs/ca.pem")})  # with a certificate it asks for the server's too
            done = "to its end"
        except subprocess.TimeoutExpired:
            done = "for %d s" % SECONDS
    with open(log, encoding="utf-8", errors="replace") as f:
        text = f.read()
    return {"what": what, "done": done, "tried": len(re.findall(r"testing '|testing if|testing for", text)),
            "found": re.findall(r"(?:is vulnerable|appears to be '[^']+' injectable|Parameter: .*\n\s+Type: .*)", text)}


def main():
    global house
    lines, folder = [], tempfile.mkdtemp(prefix="enroll-attack-", dir="/tmp")
    note = lambda text: lines.append(text)
    house = kit.house = House(ENROLL_DEMO="1", ENROLL_TEST_CLOCK="1")
    version = subprocess.run(["git", "-C", ROOT, "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    head = "# What `make attack` found\n\n%s, commit %s, %s, %d cores, OpenSSL %s, testssl.sh %s, sqlmap %s.\n" % (
        datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%d"), version, platform.platform(), os.cpu_count(),
        subprocess.run(["openssl", "version"], capture_output=True, text=True).stdout.split()[1],
        subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "testssl.sh"], capture_output=True, text=True).stdout,
        subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "sqlmap"], capture_output=True, text=True).stdout)
    c = house.client()
    c.token = c.post("/connexion", {"email": "marie.nouvelle@demo.example", "password": "demonstration-2026"}).json["token"]
    file = c.post("/dossiers").json["id"]
    agent = os.path.join(house.home, "agents/delegue.pem"), os.path.join(house.home, "agents/delegue.key")
    both = os.path.join(folder, "agent.pem")
    with open(both, "w", encoding="ascii") as f:
        f.write(open(agent[0], encoding="ascii").read() + open(agent[1], encoding="ascii").read())

    note("\n## TLS: testssl.sh\n\n| listener | checks | above LOW | LOW | of the development certificate |\n|---|---|---|---|---|")
    for port, listener in ((house.port, "public"), (house.agent_port, "agents")):
        with Group("testssl.sh finds nothing above LOW on the %s listener" % listener) as g:
            found, grave, low, explained = testssl(port, listener, folder)
            g.want(len(found) > 60, "only %d checks" % len(found))
            for x in grave:
                g.want(False, "%s %s: %s" % (x["severity"], x["id"], x["finding"]))
            tell = lambda xs: "; ".join("%s %s: %s" % (x["severity"], x["id"], x["finding"].replace("|", "/")[:120]) for x in xs) or "none"
            note("| %s | %d | %s | %s | %s |" % (listener, len(found), tell(grave), tell(low), tell(explained)))

    note("\n## SQL injection: sqlmap, level 3, risk 2\n\n| where | ran | tests begun | injectable |\n|---|---|---|---|")
    base, agents = "https://localhost:%d" % house.port, "https://localhost:%d" % house.agent_port
    bearer = "--headers=Authorization: Bearer %s\nAccept: application/json" % c.token
    plain = "--headers=Accept: application/json"
    tries = [("directory", base + "/annuaire?commune=59350&cp=59000&q=a&langue=a&page=1", plain), ("communes", base + "/communes?q=lille", plain),
             ("public figures", base + "/statistiques?niveau=region&au=2026-01-01", plain),
             ("sign-in", base + "/connexion", plain + "\nContent-Type: application/json", '--data={"email":"a@b.fr","password":"x"}', "--ignore-code=401,422,429"),
             ("answers", base + "/dossiers/%d/reponses" % file, bearer + "\nContent-Type: application/json", '--data={"last_name":"Nom","address_commune":"59350"}', "--ignore-code=422"),
             ("a file's number", base + "/dossiers/%d*" % file, bearer, "--ignore-code=404"),
             ("the agents' list", agents + "/dossiers?q=nom&etat=in_review&caisse=595&tri=nom", plain, "--auth-type=PKI", "--auth-file=" + both),
             ("an event", agents + "/dossiers/1/evenements/claim", plain + "\nContent-Type: application/json", '--data={"version":"1","text":"a"}', "--auth-type=PKI", "--auth-file=" + both, "--ignore-code=404,409,422")]
    with Group("sqlmap finds nothing to inject into, wherever text is taken") as g:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for x in pool.map(lambda t: sqlmap(t[0], t[1], folder, *t[2:]), tries):
                g.want(not x["found"], "%(what)s: %(found)s" % x)
                g.want(x["tried"] > 5, "%(what)s: nothing was tried" % x)
                note("| %(what)s | %(done)s | %(tried)d | %(found)s |" % {**x, "found": "; ".join(x["found"]) or "nothing"})
        g.want(house.process.poll() is None, tail(house.log))
    with Group("all that was sent to the service made no fault") as g:
        faults = re.search(r"^enroll_jobs_faults_total (\d+)$", house.client(agent).get("/metrics").text, re.M).group(1)
        g.want(faults == "0", faults + " faults: " + "".join(l for l in open(house.log, encoding="utf-8", errors="replace") if "job.failed" in l)[:1500])
        house.stop()

    note("\n## Floods\n\nFor each, four attackers (two for frames) as fast as they can, beside a visitor of the directory on the same two cores. *closed*: connections that the "
         "service ended for it. *statements*: segments that reached the database, beyond the visitor's own.\n\n"
         "| flood | s | sent | reached the program | closed | statements | CPU s | memory, MB more | visitor: median, worst ms |\n|---|---|---|---|---|---|---|---|---|")
    figures = os.path.join(folder, "floods.json")
    p = subprocess.run([os.path.join(ROOT, "tests/security/floods.sh")], env={**os.environ, "FLOOD_SECONDS": os.environ.get("FLOOD_SECONDS", "15"), "FLOOD_JSON": figures}, timeout=900, capture_output=True, text=True)
    print(p.stdout, end="", flush=True)
    kit.failures += p.returncode != 0
    for x in json.load(open(figures, encoding="utf-8")):
        note("| %(name)s | %(seconds)s | %(sent)d | %(requests)d | %(closed)d | %(statements)d | %(cpu)s | %(memory)d | %(visitor_p50_ms)d, %(visitor_worst_ms)d |" % {**x, "requests": max(0, x["requests"]), "statements": max(0, x["statements"])})
    p = subprocess.run([os.path.join(ROOT, "tests/security/authority.sh")], env={**os.environ, "FULL": "1"}, timeout=900, capture_output=True, text=True)
    print(p.stdout, end="", flush=True)
    kit.failures += p.returncode != 0
    note("\n## Authority\n\n%s" % "\n".join("- " + l for l in p.stdout.splitlines() if re.match(r"(not )?ok ", l)))
    with open(RESULTS, "w", encoding="utf-8") as f:
        f.write(head + "\n".join(lines) + "\n")
    sys.exit(1 if kit.failures else 0)


if __name__ == "__main__":
    try:
        main()
    except Exception:
        say(False, "the attack is carried out", traceback.format_exc())
        sys.exit(1)
