#!/usr/bin/env python3
"""The operator's tool and the programs' life: backup, restore, kill, certificates, usage, a home out of reach."""
import stat

from lib import *


def usage(w):
    for words in (["agent", "create"], ["agent", "create", "--role", "expert", "--nam", "x"], ["nothing"], ["registry", "import"],
                  ["figures", "--level"], []):
        p = subprocess.run([w.house.enrollctl, *words], env=w.house.environment, capture_output=True, text=True)
        right(p.returncode == 2 and "usage" in p.stderr, "%s: %d %s" % (words, p.returncode, p.stderr))
    p = subprocess.run([w.house.enrollctl, "keys"], env=w.house.environment, capture_output=True, text=True)
    right(p.returncode == 2 and "enrollctl keys status" in p.stderr and "enrollctl keys reencrypt" in p.stderr, p.stderr)


def refusals(w):
    """What is well said but wrong is 1, with a sentence that says what, in the language of commands."""
    nowhere = os.path.join(w.house.home, "nowhere")
    bad = os.path.join(w.house.home, "bad.txt")
    with open(bad, "w") as f:
        f.write("nothing of the kind\n")
    lone = ["--name", "x", "--email", "a@b.fr"]
    for words, wanted in ((["agent", "create", "--role", "king", *lone], "not king"),
                          (["agent", "create", "--role", "delegate", *lone], "--caisse"),
                          (["agent", "create", "--role", "delegate", *lone, "--caisse", "595", "--caisse", "999"], "unknown caisse 999$"),
                          (["agent", "create", "--role", "region", *lone, "--region", "77"], "unknown region 77$"),
                          (["agent", "create", "--role", "region", *lone], "--region"),
                          (["cert", "issue", "--agent", "nobody@agents.test", "--out", w.house.out], "no agent has the address nobody@agents.test"),
                          (["cert", "revoke"], "either --agent or --serial"),
                          (["routing", "explain", "99999"], ""),
                          (["registry", "show", "12"], "not an RPPS number .11 digits.*: 12$"),
                          (["registry", "show", "10001234567"], "not an RPPS number"),
                          (["registry", "show", "10008744715"], "10008744715 is not in the registry of 20..-..-..$|no registry was ever"),
                          (["tick", "--now", "yesterday"], "not an instant: yesterday"),
                          (["figures", "--as-of", "2025-02-30"], "not a date"),
                          (["registry", "import", nowhere], "this file cannot be opened: ENOENT$"),
                          (["registry", "import", bad], "the column .Identifiant PP. is not there"),
                          (["audit", "verify", nowhere], "this file is not there"),
                          (["restore", nowhere], "no backup in %s: it has database.dump and keys" % nowhere)):
        p = subprocess.run([w.house.enrollctl, *words], env=w.house.environment, capture_output=True, text=True)
        right(p.returncode == 1 and re.search(wanted, p.stderr, re.M), "%s: %d %s" % (words, p.returncode, p.stderr))
        right(not re.search("[éèêàçù’]|23503|error[.]", p.stderr + p.stdout), "%s: %s" % (words, p.stderr))


def settings(w):
    said = subprocess.run([w.house.enrollctl, "settings"], env={**w.house.environment, "ENROLL_DSN": "postgresql://u:hush@h/d"},
                          capture_output=True, text=True).stdout
    right("ENROLL_PORT=%d" % w.house.port in said and "hush" not in said and "ENROLL_DSN=****" in said, said)
    right(jsonlib.loads(w.house.ctl("settings", "--json"))["ENROLL_TEST_CLOCK"] is True, "as JSON")


def no_clock(w):
    p = subprocess.run([w.house.enrollctl, "tick", "--now", "2099-01-01T00:00:00Z"], env={**w.house.environment, "ENROLL_TEST_CLOCK": "0"},
                       capture_output=True, text=True)
    right(p.returncode == 1 and "ENROLL_TEST_CLOCK" in p.stderr, "%d %s" % (p.returncode, p.stderr))
    before = w.house.now()
    w.house.move_to(before - datetime.timedelta(days=3))
    right(w.house.now() >= before, "the clock went back")


def registry(w):
    head = REGISTRY_HEAD.split("|")
    line = {"Identifiant PP": rpps(1), "Nom d'exercice": "ESSAI", "Prénom d'exercice": "UN", "Code profession": "93"}
    good = "|".join(line.get(n, "") for n in head)
    path = os.path.join(w.house.home, "registre.txt")
    with open(path, "w", encoding="utf-8") as f:
        f.write("\n".join([REGISTRY_HEAD, good, "trop|court", good.replace(rpps(1), "9990000000X"), good.replace("|93|", "|10|")]) + "\n")
    counts = jsonlib.loads(w.house.ctl("registry", "import", "--force", path, "--json"))
    right((counts["read"], counts["kept"]) == (4, 1) and counts["refused"] == 2 and [x["line"] for x in counts["refused_lines"]] == [3, 4], "%s" % counts)
    said = w.house.ctl("registry", "import", "--force", path)
    right("line 3: not the number of columns" in said and "line 4: an RPPS number has 11 digits" in said, said)
    right(w.house.ctl("routing", "explain", "59350").startswith("59350 Lille: caisse 595 CPAM de Lille-Douai, table valid since 2"), "routing")
    right(jsonlib.loads(w.house.ctl("registry", "show", rpps(1), "--json"))["lines"][0]["last_name"] == "ESSAI", "show")
    with open(path, "w") as f:
        f.write("nothing of the kind\n")
    w.house.ctl("registry", "import", path, status=1)
    right(w.house.ctl("registry", "show", rpps(1)), "a bad file took the place of the good one")
    for lines, words, status in ((10, [], 0), (4, [], 1), (4, ["--force"], 0)):
        with open(path, "w", encoding="utf-8") as f:
            f.write("\n".join([REGISTRY_HEAD] + [good] * lines) + "\n")
        w.house.ctl("registry", "import", *words, path, status=status)


def owners(w):
    """What enrollctl writes for its caller is the caller's; what it writes in the home, the service's."""
    w.house.agent("eva")
    for name in os.listdir(w.house.out):
        st = os.stat(os.path.join(w.house.out, name))
        right(st.st_uid == os.geteuid() and stat.S_IMODE(st.st_mode) == 0o600, "%s: %s" % (name, st))
    home = os.stat(w.house.home)
    right(home.st_uid == os.stat(os.path.join(w.house.home, "keys")).st_uid, "the keys are another's")
    right(stat.S_IMODE(os.stat(os.path.join(w.house.home, "keys")).st_mode) == 0o600, "others read the keys")


def revoked(w):
    c = w.house.make_agent("brief", "expert")
    right(c.get("/").status == 200, "it comes in")
    w.house.ctl("cert", "revoke", "--agent", "brief@agents.test")
    until = time.monotonic() + 30
    while c.get("/").status == 200:
        right(time.monotonic() < until, "still in, on its open connection")
        time.sleep(0.2)
    w.house.ctl("cert", "revoke", "--agent", "brief@agents.test", status=1)
    w.house.ctl("cert", "crl")
    right(w.house.agent("eva").get("/").status == 200, "the others are out too")


def expired(w):
    w.house.ctl("agent", "create", "--role", "expert", "--name", "Tard", "--email", "tard@agents.test")
    made = jsonlib.loads(w.house.ctl("cert", "issue", "--agent", "tard@agents.test", "--out", w.house.out, "--days", "0", "--json"))
    a = w.house.client((made["pem"], made["key"])).get("/", Accept="text/html")
    right(a.status in (401, 403) and "certificat" in a.text, "%r" % a)


def killed(w):
    """SIGKILL, then start again: what was acknowledged is there."""
    version = w.file("anna", "lea")["version"]
    right(w.fire("lea", "claim", "anna").status == 200, "claim")
    w.house.stop(signal.SIGKILL)
    w.house.start()
    f = w.file("anna", "lea")
    right(f["version"] == version + 1 and f["holder"]["me"], "%s" % f["holder"])


def cluster_killed(w):
    """PostgreSQL itself is killed: the service starts it again and goes on."""
    pid = int(open(os.path.join(os.path.realpath(os.path.join(w.house.home, "pg")), "data/postmaster.pid")).readline())
    os.kill(pid, signal.SIGKILL)
    until = time.monotonic() + 40
    while True:
        a = w.house.ask("lea", "get", "/dossiers/%d" % w.person("anna").file)
        if a.status == 200:
            return
        right(a.status == 503 and time.monotonic() < until, "%r" % a)
        time.sleep(0.3)


def tampered(w):
    """Someone writes past every guard: the audit sees it."""
    file = w.person("anna").file
    w.house.ctl("audit", "verify")
    w.house.sql("set session_replication_role = replica; update event set actor = 'agent:99' where file = %d and seq = 1" % file)
    said = w.house.ctl("audit", "verify", status=1)
    right("file %d event 1: column actor" % file in said, said)
    actor = jsonlib.loads(w.house.sql("select body from event where file = %d and seq = 1" % file)[0][0])["actor"]
    w.house.sql("set session_replication_role = replica; update event set actor = '%s' where file = %d and seq = 1" % (actor, file))
    w.house.ctl("audit", "verify")


def cut_tail(w):
    """The last event of a file is taken away with all its traces in the file: only the signed root can tell."""
    house, file = w.house, w.person("anna").file
    house.move(minutes=70)
    roots = int(house.sql("select count(*) from chain_root")[0][0])
    right(roots > 0, "no root was signed")
    said = jsonlib.loads(house.ctl("audit", "verify", "--json"))
    right(said["good"] and said["roots"] == roots, "%s" % said)
    columns = "file, seq, at, event, from_state, to_state, role, actor, caisse, holder, deadline, deadline_event, eligible, return_to, document, effective_date, until_date, body, prev_hash, hash"
    house.sql("set session_replication_role = replica; create table public.cut as select * from event where file = %d order by seq desc limit 1;"
              "create table public.cut_personal as select p.* from event_personal p join public.cut c on c.file = p.file and c.seq = p.seq;"
              "delete from event_personal where (file, seq) in (select file, seq from public.cut);"
              "delete from event where (file, seq) in (select file, seq from public.cut);"
              "update file f set version = e.seq, holder = e.holder, state = e.to_state from event e where e.file = f.id and f.id = %d and e.seq ="
              " (select max(seq) from event where file = f.id)" % (file, file))
    said = house.ctl("audit", "verify", status=1)
    right("chain root" in said, said)
    house.sql("set session_replication_role = replica; insert into event (%s) select %s from public.cut; insert into event_personal select * from"
              " public.cut_personal; update file f set version = c.seq, holder = c.holder, state = c.to_state from public.cut c where c.file = f.id;"
              "drop table public.cut, public.cut_personal" % (columns, columns))
    house.ctl("audit", "verify")


def restored(w):
    """A backup made while it serves becomes another house, whole."""
    house = w.house
    backup = os.path.join(house.out, "backup")
    house.ctl("backup", backup)
    right(stat.S_IMODE(os.stat(backup).st_mode) == 0o700, "others read the backup")
    house.ctl("backup", backup, status=1)
    house.ctl("backup", house.home, status=1)

    def numbers(said):
        return [line for line in said.split("\n") if line.startswith("FR")]
    try:
        with Restored(house, backup) as other:
            other.ctl("restore", backup, status=1)
            other.ctl("invariants")
            other.ctl("audit", "verify")
            right(numbers(other.ctl("figures", "--level", "pays")) == numbers(house.ctl("figures", "--level", "pays")), "other figures")
            a = other.file(w.person("anna").file, "lea", 30)
            right(a.json["pieces"] and a.json["answers"]["last_name"] == w.file("anna", "lea")["answers"]["last_name"], "%r" % a)
    finally:
        shutil.rmtree(backup, ignore_errors=True)


def out_of_reach(w):
    """A home under a folder that the service's user cannot enter: the state goes elsewhere, a link stays."""
    if os.geteuid():
        return
    closed = tempfile.mkdtemp(prefix="enroll-closed-", dir="/tmp")
    home = os.path.join(closed, "var")
    os.mkdir(home)
    open(os.path.join(home, "note"), "w").write("mine")
    other = {**w.house.environment, "ENROLL_HOME": home}
    try:
        for words in (["migrate"], ["agent", "create", "--role", "admin", "--name", "A", "--email", "a@agents.test"], ["agent", "list"]):
            p = subprocess.run([w.house.enrollctl, *words], env=other, capture_output=True, text=True, timeout=120)
            right(p.returncode == 0, "%s: %s%s" % (words, p.stdout, p.stderr))
        right("a@agents.test" in p.stdout and os.path.islink(home), "%s %s" % (p.stdout, os.listdir(closed)))
        right(open(os.path.join(home, "note")).read() == "mine", "what stood there is lost")
    finally:
        away = os.path.realpath(home)
        right(away.startswith("/var/lib/enroll/"), away)
        shutil.rmtree(away, ignore_errors=True)
        shutil.rmtree(closed, ignore_errors=True)


def beside(w):
    """A second instance over the same home: both serve, the cluster stays until the last one ends."""
    other = {**w.house.environment, "ENROLL_PORT": str(free_port()), "ENROLL_AGENT_PORT": str(free_port())}
    process = subprocess.Popen([w.house.enrolld], env=other, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        c = Client(int(other["ENROLL_PORT"]), os.path.join(w.house.home, "certs/ca.pem"))
        until = time.monotonic() + 30
        while True:
            with contextlib.suppress(OSError):
                if c.get("/readyz").status == 200:
                    break
            right(time.monotonic() < until, "the second one does not serve")
            time.sleep(0.2)
    finally:
        process.terminate()
        right(process.wait(30) == 0, "it did not end well")
    until = time.monotonic() + 10  # its lanes may still be waiting to try again after the last scenario's kill
    while (a := w.house.client().get("/readyz")).status != 200:
        right(time.monotonic() < until, "the first one lost its database: %r" % a)
        time.sleep(0.2)


class Losing:
    """A socket before PostgreSQL's that loses, once, the answer to the COMMIT of an event that has a key: after the database has
    carried it out, or before it heard of it. `away`: nobody comes to the database from then on."""
    # prepared (Bind), or not yet (Parse without a name)
    COMMIT = re.compile(rb"(?:B....\x00case_key_done\x00|P....\x00update idempotency set ).*(?:B....\x00tx_commit\x00|P....\x00commit\x00)"
                        rb".*S\x00\x00\x00\x04\Z", re.S)

    def __init__(self, real):
        self.real, self.folder, self.lose, self.away, self.ends = real, tempfile.mkdtemp(prefix="enroll-losing-", dir="/tmp"), None, False, []
        os.chmod(self.folder, 0o777)
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(os.path.join(self.folder, ".s.PGSQL.5432"))
        os.chmod(os.path.join(self.folder, ".s.PGSQL.5432"), 0o777)
        self.socket.listen(64)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                client = self.socket.accept()[0]
                if self.away:
                    client.close()
                    continue
                server = socket.socket(socket.AF_UNIX)
                server.connect(self.real)
                self.ends += [client, server]
                state = {"mute": False, "heard": threading.Event()}
                threading.Thread(target=self.out, args=(client, server, state), daemon=True).start()
                threading.Thread(target=self.back, args=(client, server, state), daemon=True).start()

    def out(self, client, server, state):
        begun = b""
        with contextlib.suppress(OSError), client, server:
            while data := client.recv(1 << 20):
                begun = begun + data if self.lose else b""
                if self.lose and self.COMMIT.search(begun):
                    how, self.lose = self.lose, None
                    state["mute"] = True
                    if how == "answer":
                        server.sendall(data)
                        state["heard"].wait(20)
                    for end in self.ends if self.away else (client, server):
                        with contextlib.suppress(OSError):
                            end.shutdown(socket.SHUT_RDWR)
                    return
                server.sendall(data)

    def back(self, client, server, state):
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 20):
                if not state["mute"]:
                    client.sendall(data)
                elif data[-6:-1] == b"Z\0\0\0\5":  # ready again: the COMMIT is over
                    state["heard"].set()
        with contextlib.suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.socket.close()
        shutil.rmtree(self.folder)


def answer_lost(w):
    """The key says whether the event was done: it is there once, and its sender is answered as if nothing had been."""
    house = w.house
    losing = Losing(os.path.join(house.home, "pg/socket/.s.PGSQL.5432"))
    port, agents = free_port(), free_port()
    process = subprocess.Popen([house.enrolld], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/", env={
        **house.environment, "ENROLL_PORT": str(port), "ENROLL_AGENT_PORT": str(agents), "ENROLL_LOOPS": "1",
        "ENROLL_DSN": "host=%s user=enroll_service dbname=enroll" % losing.folder})
    try:
        c = Client(agents, os.path.join(house.home, "certs/ca.pem"), house.agent("lea").certificate)
        path = "/dossiers/%d" % w.person("anna").file
        until = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError, http.client.HTTPException):
                if c.get("/readyz").status == 200:
                    break
            right(time.monotonic() < until and process.poll() is None, "it does not serve")
            time.sleep(0.2)
        if w.file("anna", "lea")["holder"]:
            right(w.fire("lea", "release", "anna").status == 200, "release")
        for event, how in (("claim", "answer"), ("release", "question"), ("claim", "answer"), ("release", "answer")):
            before = c.get(path).json
            losing.lose = how
            a = c.post(path + "/evenements/" + event, {"version": before["version"]})
            right(losing.lose is None, "%s: no %s was lost: %r" % (event, how, a))
            right(a.status == 200 and a.json["version"] == before["version"] + 1, "%s, its %s lost: %r" % (event, how, a))
            right([e["event"] for e in c.get(path).json["events"]] == [e["event"] for e in before["events"]] + [event], "it is not there once")
        until = time.monotonic() + 10
        while not re.search(r"^enroll_db_unsure_total 4$", c.get("/metrics").text, re.M):
            right(time.monotonic() < until, "not counted: %s" % re.findall(r"enroll_db_\w+ \d+", c.get("/metrics").text))
            time.sleep(0.1)
        before, losing.lose, losing.away = c.get(path).json, "answer", True
        a = c.post(path + "/evenements/claim", {"version": before["version"]})
        right(a.status == 503 and "peut-être été enregistrée" in a.json["detail"], "without a database to ask: %r" % a)
        losing.away = False
        right(w.file("anna", "lea")["version"] == before["version"] + 1, "it was done")
    finally:
        process.terminate()
        right(process.wait(60) == 0, "it did not end well")
        losing.close()
    right(w.fire("lea", "release", "anna").status == 200, "release")


scenario("enrollctl", [
    holds("a wrong command line is 2, with its usage", usage),
    holds("a refusal is 1", refusals),
    holds("settings are printed, secrets masked", settings),
    holds("the clock moves only in tests, and only forward", no_clock),
    holds("a registry is read line by line, a bad one changes nothing", registry),
    holds("files belong to whom they should", owners),
])

scenario("certificates", [
    holds("a revoked one is out within seconds, on its open connection", revoked),
    holds("an expired one gets a page that says so", expired),
])

scenario("the programs' life", [
    applies("anna"), state("anna", "in_review"),
    holds("killed and started again, nothing acknowledged is lost", killed),
    holds("PostgreSQL is killed, the service goes on", cluster_killed),
    holds("a second instance serves the same home", beside),
    holds("a COMMIT whose answer is lost is looked up by its key, not told to the person", answer_lost),
    holds("a home out of reach is kept elsewhere", out_of_reach),
    holds("a changed event is seen by the audit", tampered),
    holds("a cut tail is seen by the signed roots", cut_tail),
    holds("a backup becomes another house", restored),
])

if __name__ == "__main__":
    run()
