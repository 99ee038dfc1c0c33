#!/usr/bin/env python3
"""What the operator has beside the programs: the unit, the rules that ring, the figures they read, certificates that
change while it serves, a disk without room."""
from lib import *

RULES = os.path.join(ROOT, "docker/prometheus/enroll.rules.yaml")
UNIT = os.path.join(ROOT, "docker/systemd/enroll.service")


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def tool(*words, stdin=None):
    p = subprocess.run(words, input=stdin, text=True, capture_output=True, timeout=60, cwd=ROOT)
    right(p.returncode == 0, "%s: %d %s%s" % (" ".join(words), p.returncode, p.stdout[-1500:], p.stderr[-1500:]))
    return p.stdout + p.stderr


# ---- what needs no house

def exposure(w):
    said = tool("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
    found = re.search(r"Overall exposure level for \S+: ([\d.]+)", said)
    right(found and float(found.group(1)) < 2.0, said[-300:])


def unit(w):
    """Every line is understood, and the program is where `make install` puts it."""
    into = tempfile.mkdtemp(prefix="enroll-install-", dir="/tmp")
    try:
        built = os.path.join(ROOT, "build")
        right(all(os.path.exists(os.path.join(built, n)) for n in ("enrolld", "enrollctl")), "make build first")
        tool("make", "-s", "install", "DESTDIR=" + into, "PREFIX=/opt/enroll")
        there = sorted(os.path.relpath(os.path.join(d, f), into) for d, _, fs in os.walk(into) for f in fs)
        right(there == ["opt/enroll/bin/enrollctl", "opt/enroll/bin/enrolld", "opt/enroll/lib/systemd/system/enroll.service",
                        "opt/enroll/lib/sysusers.d/enroll.conf"], there)
        installed = open(os.path.join(into, there[2]), encoding="utf-8").read()
        right("ExecStart=/opt/enroll/bin/enrolld\n" in installed and "/usr/local" not in installed, "it starts another program")
        aside = os.path.join(into, "enroll.service")
        with open(aside, "w", encoding="utf-8") as f:
            f.write(installed.replace("/opt/enroll", into + "/opt/enroll"))
        # What verify says of the machine's other units is not ours.
        p = subprocess.run(["systemd-analyze", "verify", "--man=no", aside], text=True, capture_output=True, timeout=60)
        said = [line for line in (p.stdout + p.stderr).split("\n") if "enroll" in line]
        right(not said, "\n".join(said))
    finally:
        shutil.rmtree(into, ignore_errors=True)


def alerts():
    return re.findall(r"- alert: (\w+)", read("docker/prometheus/enroll.rules.yaml"))


def rules(w):
    tool("promtool", "check", "config", "--syntax-only", "docker/prometheus/prometheus.yaml")
    tool("promtool", "check", "rules", RULES)
    tool("promtool", "test", "rules", "tests/scenarios/rules.test.yaml")
    tried = re.findall(r"alertname: (\w+)\n +eval_time: \w+\n +exp_alerts:\n +- exp_labels", read("tests/scenarios/rules.test.yaml"))
    right(len(alerts()) >= 15 and set(tried) == set(alerts()), "not tried: %s" % (set(alerts()) ^ set(tried)))


def runbook(w):
    """An alert that rings at three sends its reader to a line that is there."""
    night = re.search(r"## At 3 a\.m\.\n(.*?)(\n## |\nLicence)", read("README.md"), re.S).group(1)
    lines = re.findall(r"^- \*\*(.*?)\*\*", night, re.M)
    looks = re.findall(r'look: "(.*?)"', read("docker/prometheus/enroll.rules.yaml"))
    right(len(looks) == len(alerts()), "an alert without a line")
    missing = {x for x in looks if not any(line.rstrip(".:") == x.rstrip(".") for line in lines)}
    right(not missing, "the README does not say: %s" % missing)
    right(len(night.split("\n")) <= 60, "it is more than a screen")


# ---- the figures

def figures_now(w, name=None):
    a = w.house.agent("eva").get("/metrics")
    right(a.status == 200, "%r" % a)
    if name is None:
        return a.text
    found = re.search(r"^%s (\S+)$" % re.escape(name), a.text, re.M)
    return float(found.group(1)) if found else None


def measured(w):
    until = time.monotonic() + 20
    while "enroll_impossible_files" not in figures_now(w):
        right(time.monotonic() < until, "the database was never looked at")
        time.sleep(0.2)
    text = figures_now(w)
    tool("promtool", "check", "metrics", stdin=text)
    known = set(re.findall(r"^(enroll_\w+)", text, re.M)) | {"enroll_standby_lag_bytes"}  # wants pg_monitor and a standby
    asked = set(re.findall(r"enroll_\w+", " ".join(re.findall(r"expr:(.*?)(?=\n +(?:for|labels):)", read("docker/prometheus/enroll.rules.yaml"), re.S))))
    right(asked and asked <= known, "rules read what is not there: %s" % (asked - known))
    right(figures_now(w, "enroll_ready") == 1 and figures_now(w, "enroll_scanner_up") == 0, "ready, and without a scanner")
    right(figures_now(w, "enroll_registry_age_seconds") == float("inf"), "a registry that never came is not old")
    ends = figures_now(w, 'enroll_not_after_timestamp_seconds{of="server"}')
    right(ends > time.time() + 300 * 86400, "the certificate's end: %s" % ends)
    right(figures_now(w, 'enroll_not_after_timestamp_seconds{of="agents_crl"}') > time.time(), "the list's end")
    right(figures_now(w, 'enroll_part_bytes{part="pieces"}') > 0 and figures_now(w, "enroll_wal_bytes") > 0, "sizes")


def prometheus(w):
    """As docker/prometheus/prometheus.yaml says: a certificate of its own, of an observer, opens no file."""
    said = read("docker/prometheus/prometheus.yaml")
    right("--role region --region 11 --name" in said and re.search("cert_file: .*key_file: ", said), "prometheus.yaml does not say how")
    own = w.house.make_agent("prometheus", "region", "--region", "11")
    right(own.get("/metrics").status == 200, "its certificate does not open /metrics")
    right({own.get(path).status for path in ("/dossiers", "/anomalies", "/dossiers.csv")} == {403}, "it opens more")
    a = w.house.client(certificate=None)
    a.port = w.house.agent_port
    right(a.get("/metrics").status == 401, "without a certificate: %r" % a.get("/metrics"))


# ---- certificates that change while it serves

def log_says(w, event, since, seconds=30):
    until = time.monotonic() + seconds
    while True:
        with open(w.house.log, encoding="utf-8", errors="replace") as f:
            lines = [line for line in f.read()[since:].split("\n") if '"%s"' % event in line]
        if lines:
            return lines
        right(time.monotonic() < until, "the log does not say %s" % event)
        time.sleep(0.1)


def served(w, port):
    """The serial number that a new connection is shown."""
    context = ssl._create_unverified_context()
    with socket.create_connection(("127.0.0.1", port), timeout=10) as raw, context.wrap_socket(raw, server_hostname="localhost") as s:
        pem = ssl.DER_cert_to_PEM_cert(s.getpeercert(True))
    return tool("openssl", "x509", "-noout", "-serial", stdin=pem).strip()


def put(w, path, text):
    st = os.stat(path)
    with open(path + ".new", "w", encoding="utf-8") as f:
        f.write(text)
    os.chmod(path + ".new", stat_mode(st))
    if os.geteuid() == 0:
        os.chown(path + ".new", st.st_uid, st.st_gid)
    os.rename(path + ".new", path)


def stat_mode(st):
    return st.st_mode & 0o777


def renewed(w):
    """A new server certificate: new connections of both ports are shown it within two seconds, open ones go on."""
    certs = os.path.join(w.house.home, "certs")
    before = {p: served(w, p) for p in (w.house.port, w.house.agent_port)}
    open_one = w.house.agent("eva")
    right(open_one.get("/").status == 200, "it is open")
    socket_before = open_one.connection.sock
    key, pem = os.path.join(certs, "server.key"), os.path.join(certs, "server.pem")
    made = tempfile.mkdtemp(dir="/tmp")
    try:
        tool("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-subj", "/CN=localhost",
             "-keyout", made + "/k", "-out", made + "/r")
        with open(made + "/x", "w") as f:
            f.write("subjectAltName=DNS:localhost,IP:127.0.0.1\nextendedKeyUsage=serverAuth\n")
        tool("openssl", "x509", "-req", "-in", made + "/r", "-CA", certs + "/ca.pem", "-CAkey", certs + "/ca.key", "-days", "90",
             "-set_serial", "4242", "-extfile", made + "/x", "-out", made + "/c")
        since = os.path.getsize(w.house.log)
        w.kept = open(key).read(), open(pem).read()
        # The key first: for a moment the pair does not fit. That is said, and the old pair goes on.
        put(w, key, open(made + "/k").read())
        log_says(w, "http.reload_failed", since)
        right({p: served(w, p) for p in before} == before, "half a pair was taken")
        put(w, pem, open(made + "/c").read() + open(certs + "/ca.pem").read())
        changed = time.monotonic()
        while any(served(w, p) != "serial=1092" for p in before):
            right(time.monotonic() < changed + 30, "it is not shown: %s" % {p: served(w, p) for p in before})
            time.sleep(0.1)
        right(open_one.get("/").status == 200 and open_one.connection.sock is socket_before, "the open connection was cut")
        right(abs(figures_now(w, 'enroll_not_after_timestamp_seconds{of="server"}') - time.time() - 90 * 86400) < 3600, "its end is not told")
    finally:
        shutil.rmtree(made, ignore_errors=True)


def bad_one(w):
    """A file that is no certificate: the one before stays, the log says so, and a good one is taken again."""
    certs = os.path.join(w.house.home, "certs")
    since = os.path.getsize(w.house.log)
    put(w, os.path.join(certs, "server.pem"), "-----BEGIN CERTIFICATE-----\nnot one\n-----END CERTIFICATE-----\n")
    lines = log_says(w, "http.reload_failed", since)
    right('"level":"error"' in lines[0].replace(" ", ""), lines[0])
    right(all(served(w, p) == "serial=1092" for p in (w.house.port, w.house.agent_port)), "another certificate is shown")
    since = os.path.getsize(w.house.log)
    put(w, os.path.join(certs, "server.key"), w.kept[0])
    put(w, os.path.join(certs, "server.pem"), w.kept[1])
    log_says(w, "http.reloaded", since)
    until = time.monotonic() + 30
    while served(w, w.house.port) == "serial=1092":
        right(time.monotonic() < until, "the good one is not taken")
        time.sleep(0.1)


def bad_list(w):
    """A list of revoked certificates that cannot be read does not let anyone back in."""
    c = w.house.make_agent("brief", "expert")
    right(c.get("/").status == 200, "it comes in")
    held = c.connection.sock
    w.house.ctl("cert", "revoke", "--agent", "brief@agents.test")
    until = time.monotonic() + 30
    while c.get("/").status == 200:
        right(time.monotonic() < until, "still in")
        time.sleep(0.1)
    right(c.connection.sock is held or c.connection.sock is None, "it was judged on another connection")
    path = os.path.join(w.house.home, "ca/ca.crl")
    good, since = open(path).read(), os.path.getsize(w.house.log)
    put(w, path, "nothing\n")
    log_says(w, "http.reload_failed", since)
    c.close()
    right(c.get("/").status in (401, 403), "a list that cannot be read let it in")
    right(w.house.agent("eva").get("/").status == 200, "the others are out")
    put(w, path, good)


# ---- a disk without room

def no_room(w):
    """Below the floor a piece is refused with a sentence, while answers are still kept; with room again it is taken."""
    house = w.house
    file = w.person("anna").file
    right(figures_now(w, "enroll_disk_floor_bytes") <= 256 << 20, "the floor by default")
    right(house.stop() == 0, "it ends")
    house.environment["ENROLL_DISK_FLOOR_MB"] = "100000000"
    try:
        house.start()
        a = house.ask("anna", "upload", "/dossiers/%d/pieces" % file, {"kind": "identity"}, "a.pdf", pdf("une"))
        right(a.status == 503 and "place manque" in a.json["detail"] and a.headers["Retry-After"], "%r" % a)
        right(house.ask("anna", "post", "/dossiers/%d/reponses" % file, {"phone": "0612345679"}).status == 200, "answers")
        log_says(w, "watch.disk_floor", 0)
        right(figures_now(w, "enroll_disk_free_bytes") < figures_now(w, "enroll_disk_floor_bytes"), "the figures do not tell")
        right(house.stop() == 0, "it ends")
    finally:
        del house.environment["ENROLL_DISK_FLOOR_MB"]
        if house.process.poll() is None:
            house.stop()
        house.start()
    a = house.ask("anna", "upload", "/dossiers/%d/pieces" % file, {"kind": "identity"}, "a.pdf", pdf("une"))
    right(a.status == 201, "%r" % a)


# ---- what one person can make the house hold

def chunks(w):
    return int(w.house.sql("select count(*) from piece_chunk c join piece p on p.id = c.piece where p.file = %d" % w.person("anna").file)[0][0])


def replaced(w):
    """Sent again a hundred times, a piece of a draft takes the room of one."""
    for n in range(3):
        a = w.house.ask("anna", "upload", "/dossiers/%d/pieces" % w.person("anna").file, {"kind": "rib"}, "a.pdf", pdf("essai %d" % n))
        right(a.status == 201, "%r" % a)
        right(chunks(w) == 1, "%d chunks after %d" % (chunks(w), n))
    path = "/dossiers/%d/pieces/%d" % (w.person("anna").file, a.json["id"])
    right(w.house.ask("anna", "ask", "DELETE", path).status in (200, 204) and chunks(w) == 0, "taken away, it is there")
    right(w.house.ask("anna", "get", path).status == 404, "it is shown")


def too_heavy(w):
    """A file's pieces are 100 MB together at most."""
    file = w.person("anna").file
    w.house.sql("insert into piece (file, kind, name, type, size, sha256) select %d, 'diploma_extra', '', 'application/pdf', 10485760, repeat('0', 64)"
                " from generate_series(1, 10)" % file)
    a = w.house.ask("anna", "upload", "/dossiers/%d/pieces" % file, {"kind": "identity"}, "a.pdf", pdf("une"))
    right(a.status == 422 and a.json["problems"][0]["field"] == "file" and "100" in a.json["problems"][0]["text"], "%r" % a)
    w.house.sql("delete from piece where file = %d and kind = 'diploma_extra'" % file)


def one_archive(w):
    """Archives stand in memory: one is made at once, the others are asked to come back."""
    token, seen = w.house.people["anna"].token, []
    for n in range(3):  # what deflate cannot make small, and so takes a while
        a = w.house.ask("anna", "upload", "/dossiers/%d/pieces" % w.person("anna").file, {"kind": "diploma_extra"}, "b.pdf",
                        pdf("lourde") + b"\n%" + os.urandom(3 << 20).replace(b"\n", b" ").replace(b"\r", b" ") + b"\n%%EOF\n")
        right(a.status == 201, "%r" % a)

    def take():
        c = w.house.client()
        c.token = token
        seen.append(c.get("/mes-donnees.zip"))
    threads = [threading.Thread(target=take) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    right(sorted({a.status for a in seen}) == [200, 503], "%s" % [a.status for a in seen])
    right(all(a.json and "archive" in a.json["detail"] and a.headers["Retry-After"] for a in seen if a.status == 503), "without a word")
    take()
    right(seen[-1].status == 200 and seen[-1].body.startswith(b"PK"), "%r" % seen[-1])


scenario("the operator's files", [
    holds("the unit's exposure is below 2.0", exposure),
    holds("what is installed is a unit that systemd understands", unit),
    holds("every rule rings for what it is for, and only then", rules),
    holds("every alert sends to a line of the README's one screen", runbook),
    holds("promtool finds nothing to say, and the rules read what is there", measured),
    holds("a program reads the measures with a certificate of its own, which opens no file", prometheus),
])

scenario("certificates that change", [
    holds("a renewed one is shown on both ports, half a pair never", renewed),
    holds("a bad file changes nothing and is logged", bad_one),
    holds("a revoked agent is out of its open connection, and a bad list lets nobody in", bad_list),
])

scenario("room", [
    drafts("anna", pieces=False),
    holds("a piece replaced in a draft leaves nothing", replaced),
    holds("a file's pieces are bounded together", too_heavy),
    holds("archives are made one at once", one_archive),
    holds("a piece is refused before the disk is full, answers are kept", no_room),
])

if __name__ == "__main__":
    run(ENROLL_CLAMD="/nowhere/clamd.ctl")
