#!/usr/bin/env python3
"""Drives the containers that run.sh built: drive.py one | unit | compose."""
import sys

sys.path.insert(0, sys.path[0] + "/../scenarios")
from lib import *  # noqa: E402

HERE = os.path.join(ROOT, "build/container")
IMAGE = "localhost/enroll:latest"
HARDENED = ["--read-only", "--tmpfs", "/tmp", "--cap-drop", "all", "--security-opt", "no-new-privileges"]
FAILED = []
CODE_BY_MAIL = """code() { CODE=$(curl -sS %s | python3 -c '
import json, re, sys
mails = [re.search(r">(\\d{6})<", m["html"]) for m in json.load(sys.stdin) if "marie.nouvelle" in str(m["to"])]
print([m.group(1) for m in mails if m][-1])' 2> /dev/null); [ -n "$CODE" ]; }"""


def podman(*words, status=0, stdin=None, seconds=120):
    p = subprocess.run(["podman", *words], text=True, input=stdin, capture_output=True, timeout=seconds)
    right(status is None or p.returncode == status, "podman %s: %d %s%s" % (" ".join(words), p.returncode, p.stdout[-1500:], p.stderr[-1500:]))
    return p.stdout.strip()


def test(sentence, do):
    if not attempt(sentence, do):
        FAILED.append(sentence)
        return False
    return True


class Box:
    """A container that serves, and how to come to it."""

    def __init__(self, name, state, *how):
        self.name, self.state = name, state
        self.port, self.agent_port = free_port(), free_port()
        self.folder = os.path.join(HERE, name)
        self.how = how

    def remove(self):
        podman("rm", "-f", "-v", "-t", "5", self.name, status=None)
        podman("volume", "rm", "-f", self.name, status=None)

    def start(self):
        podman("run", "-d", "--name", self.name, "-v", self.name + ":/var/lib/enroll", "-p", "127.0.0.1:%d:8443" % self.port,
               "-p", "127.0.0.1:%d:8444" % self.agent_port, "-e", "ENROLL_DEMO=1", "-e", "ENROLL_PUBLIC_URL=https://localhost:%d" % self.port,
               "-e", "ENROLL_AGENT_URL=https://localhost:%d" % self.agent_port, *self.how, seconds=60)

    def ready(self, seconds=400):
        """Serves, under a certificate of its own authority, which is taken out of the container."""
        until, why = time.monotonic() + seconds, None
        while True:
            right(time.monotonic() < until, "it does not serve: %r\n%s" % (why, podman("logs", "--tail", "20", self.name, status=None)))
            try:
                shutil.rmtree(self.folder, ignore_errors=True)
                os.makedirs(self.folder)
                podman("cp", self.name + ":" + self.state + "/certs", self.folder)
                why = self.client().get("/readyz")
                if why.status == 200:
                    break
            except (Wrong, OSError, http.client.HTTPException) as e:
                why = e
            time.sleep(1)
        podman("cp", self.name + ":" + self.state + "/agents", self.folder, status=None)

    def client(self, agent=None):
        pair = (os.path.join(self.folder, "agents", agent + ".pem"), os.path.join(self.folder, "agents", agent + ".key")) if agent else None
        return Client(self.agent_port if agent else self.port, os.path.join(self.folder, "certs/ca.pem"), pair)

    def sign_in(self, address):
        c = self.client()
        a = c.post("/connexion", {"email": address, "password": "demonstration-2026"})
        right(a.status == 200, "sign-in: %r" % a)
        c.token = a.json["token"]
        return c

    # -- what every container must do

    def page(self):
        a = self.client().get("/", Accept="text/html")
        right(a.status == 200 and "psychologue" in a.text and "émonstration" in a.text, "%r" % a)

    def journey(self, mails=None):
        """README's journey, to a convention rendered, signed and sealed in the container. Where mail is sent, the code is there only."""
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
            script = re.search(r"<!-- journey -->\n```sh\n(.*?)```", f.read(), re.S).group(1)
        script = re.sub(r" && build/enrollctl audit verify \S+", "", script)
        if mails:
            script = re.sub(r"(?m)^code\(\) .*$", lambda _: CODE_BY_MAIL % mails, script)
        p = subprocess.run(["bash", "-c", script + '\necho "file $ID"'], text=True, timeout=180, capture_output=True, cwd=self.folder,
                           env={"PATH": os.environ["PATH"], "HOUSE": self.folder, "PUBLIC": "https://localhost:%d" % self.port,
                                "AGENTS": "https://localhost:%d" % self.agent_port})
        right(p.returncode == 0 and "conventioned" in p.stdout.split("\n") and "Marie Nouvelle" in p.stdout, p.stdout + p.stderr)
        self.file = int(re.search(r"^file (\d+)$", p.stdout, re.M).group(1))

    def rendered(self):
        marie = self.sign_in("marie.nouvelle@demo.example")
        a = marie.get("/dossiers/%d/convention.pdf" % self.file)
        right(a.status == 200 and a.body.startswith(b"%PDF"), "%r" % a)
        path = os.path.join(self.folder, "convention.pdf")
        with open(path, "wb") as f:
            f.write(a.body)
        text = subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, text=True).stdout
        right("Nouvelle" in text and "Marie" in text, "the PDF says: " + text[:500])

    def sound(self, *user):
        podman("exec", *user, self.name, "enrollctl", "invariants")
        podman("exec", *user, self.name, "enrollctl", "audit", "verify")


def one():
    box = Box("enroll-test-one", "/var/lib/enroll/state", *HARDENED, IMAGE)

    def unprivileged():
        right(podman("exec", box.name, "id", "-u") == "10001", "another user")
        status = podman("exec", box.name, "cat", "/proc/1/status")
        right(re.search(r"^CapEff:\s0+$", status, re.M) and re.search(r"^NoNewPrivs:\s1$", status, re.M), status)
        for place in ("/usr/local/bin/x", "/etc/x", "/x"):
            podman("exec", box.name, "touch", place, status=1)
        owners = set(podman("exec", box.name, "find", "/proc", "-maxdepth", "1", "-name", "[0-9]*", "-printf", "%u\n").split())
        right(owners == {"enroll"}, "processes of %s" % owners)

    def again():
        podman("stop", "-t", "30", box.name)
        right(podman("inspect", "-f", "{{.State.ExitCode}}", box.name) == "0", "it did not end well")
        podman("start", box.name)
        box.ready()
        right(box.sign_in("marie.nouvelle@demo.example").get("/dossiers/%d" % box.file).json["state"] == "conventioned", "the file is lost")

    box.remove()
    try:
        if test("one container serves, its root read-only, with a database of its own", lambda: (box.start(), box.ready())):
            test("one container: it is nobody in particular and can write nothing but its state", unprivileged)
            test("one container: a page is served", box.page)
            test("one container: people sign in and go the README's whole way", box.journey)
            test("one container: the convention is a rendered PDF", box.rendered)
            test("one container: the invariants are empty and the history verifies", box.sound)
            test("one container: told to stop it ends well, and finds its state again", again)
    finally:
        box.remove()


def unit():
    # systemd wants to mount and to make namespaces for the unit's own walls; the machine's /proc/sys stays closed to it.
    box = Box("enroll-test-unit", "/var/lib/enroll", "--systemd=always", "--cap-add", "SYS_ADMIN,SYS_PTRACE,SYS_RESOURCE,MKNOD",
              "--security-opt", "seccomp=unconfined", "--security-opt", "apparmor=unconfined", "localhost/enroll-unit:latest")

    def inside(*words, **more):
        return podman("exec", box.name, *words, **more)

    def shown(*names):
        said = inside("systemctl", "show", "enroll.service", *["-p" + n for n in names])
        return dict(line.split("=", 1) for line in said.split("\n"))

    def walls():
        s = shown("ActiveState", "SubState", "Type", "WatchdogUSec", "NRestarts", "MainPID")
        right((s["ActiveState"], s["SubState"], s["Type"]) == ("active", "running", "notify") and s["NRestarts"] == "0", "%s" % s)
        status = inside("cat", "/proc/%s/status" % s["MainPID"])
        right(re.search(r"^CapBnd:\s0+$", status, re.M) and re.search(r"^NoNewPrivs:\s1$", status, re.M) and re.search(r"^Seccomp:\s2$", status, re.M), status)
        right(inside("ps", "-o", "user=", "-p", s["MainPID"]) == "enroll" if inside("which", "ps", status=None) else True, "another user")
        # The unit's own view of the machine: everything but its state is read-only.
        right("sysfs" not in inside("sh", "-c", "grep ' / ' /proc/%s/mounts | grep -c rw, || true" % s["MainPID"]), "")
        inside("nsenter", "-t", s["MainPID"], "-m", "touch", "/usr/local/bin/x", status=1)

    def watched():
        """A program whose loops hang is started again."""
        pid = shown("MainPID")["MainPID"]
        inside("sh", "-c", "kill -STOP " + pid)
        until = time.monotonic() + 120
        while shown("MainPID")["MainPID"] in (pid, "0"):
            right(time.monotonic() < until, "%s" % shown("MainPID", "SubState", "Result"))
            time.sleep(1)
        box.ready()
        right(shown("NRestarts")["NRestarts"] == "1", "%s" % shown("NRestarts", "Result"))

    def reloads():
        inside("systemctl", "reload", "enroll.service")
        until = time.monotonic() + 5
        while "http.reloaded" not in inside("journalctl", "-u", "enroll", "--no-pager"):
            right(time.monotonic() < until, "the log does not say so")
            time.sleep(0.3)

    def ends():
        inside("systemctl", "stop", "enroll.service")
        s = shown("ActiveState", "Result")
        right(s == {"ActiveState": "inactive", "Result": "success"}, "%s" % s)
        right(inside("find", "/proc", "-maxdepth", "1", "-name", "[0-9]*", "-user", "enroll") == "", "a process is left")

    box.remove()
    try:
        if test("the unit starts it under systemd, in all its walls", lambda: (box.start(), box.ready(), walls())):
            test("the unit: a page is served", box.page)
            test("the unit: the README's whole way, with the embedded PostgreSQL and the rendering children", box.journey)
            test("the unit: the convention is a rendered PDF", box.rendered)
            test("the unit: systemctl reload reads certificates again", reloads)
            test("the unit: a program that hangs is started again by the watchdog", watched)
            test("the unit: it ends well, and leaves no process", ends)
        elif podman("ps", "-q", "-f", "name=" + box.name):
            print("# " + podman("exec", box.name, "systemctl", "status", "--no-pager", "-l", "enroll.service", status=None).replace("\n", "\n# "))
    finally:
        box.remove()


def compose():
    box = Box("enroll-test_enroll_1", "/var/lib/enroll/state")
    mail_port = free_port()
    environment = {**os.environ, "ENROLL_DB_PASSWORD": "essai-%s" % uuid.uuid4().hex, "ENROLL_DEMO": "1", "ENROLL_PORT": str(box.port),
                   "ENROLL_AGENT_PORT": str(box.agent_port), "ENROLL_MAIL_PORT": str(mail_port)}

    def up(*words, status=0):
        p = subprocess.run(["podman-compose", "-p", "enroll-test", "-f", os.path.join(HERE, "context/docker/compose.yaml"), *words],
                           env=environment, text=True, capture_output=True, timeout=300)
        right(status is None or p.returncode == status, "%s: %d %s%s" % (words, p.returncode, p.stdout[-1500:], p.stderr[-1500:]))

    def database():
        up("up", "-d", "--no-build", "postgres", "mail")
        until = time.monotonic() + 90
        while True:  # what `condition: service_healthy` asks, which podman-compose 1.0 does not
            with contextlib.suppress(Wrong):
                podman("exec", "enroll-test_postgres_1", "psql", "-h", "/tmp", "-U", "enroll_owner", "-d", "enroll", "-c", "select 1")
                return
            right(time.monotonic() < until, podman("logs", "enroll-test_postgres_1", status=None))
            time.sleep(0.5)

    def migrated():
        up("up", "-d", "--no-build", "--no-deps", "migrate")
        right(podman("wait", "enroll-test_migrate_1") == "0", podman("logs", "enroll-test_migrate_1", status=None))

    def mails():
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", mail_port, timeout=10)) as c:
            c.request("GET", "/email")
            return jsonlib.loads(c.getresponse().read())

    def mailed():
        """An account by its mailed link, as a visitor."""
        a = box.client().post("/compte", {"email": "neuve@exemple.test", "password": PASSWORD})
        right(a.status in (200, 201, 202), "%r" % a)
        until = time.monotonic() + 20
        while not any("neuve@exemple.test" in str(m["to"]) for m in mails()):
            right(time.monotonic() < until, "no mail came")
            time.sleep(0.3)
        text = next(m for m in mails() if "neuve@exemple.test" in str(m["to"]))["html"]
        link = re.search(r"(/compte/confirmation/[\w-]+)", text).group(1)
        c = box.client()
        right(c.get(link, Accept="text/html").status == 200, "the link")
        right(c.post(link, {}).status in (200, 303), "its button")
        right(c.post("/connexion", {"email": "neuve@exemple.test", "password": PASSWORD}).status == 200, "signing in")

    def closed():
        right(podman("exec", box.name, "id", "-u") == "10001", "another user")
        podman("exec", box.name, "touch", "/usr/x", status=1)
        rows = podman("exec", "enroll-test_postgres_1", "psql", "-h", "/tmp", "-U", "postgres", "-d", "enroll", "-At", "-c",
                      "select distinct usename from pg_stat_activity where application_name like 'enroll%'")
        right(rows == "enroll_service", "it came as " + rows)

    up("down", "-v", status=None)
    try:
        if test("compose: PostgreSQL and the mail catcher start", database) and test("compose: the schema is made by its owner", migrated) and \
                test("compose: the service starts beside them", lambda: (up("up", "-d", "--no-build", "--no-deps", "enroll"), box.ready())):
            test("compose: nobody in particular, read-only, under a role that owns nothing", closed)
            test("compose: a page is served", box.page)
            test("compose: an account is confirmed by the link in its mail", mailed)
            test("compose: the README's whole way", lambda: box.journey("http://127.0.0.1:%d/email" % mail_port))
            test("compose: the convention is a rendered PDF", box.rendered)
    finally:
        up("down", "-v", status=None)
        for name in ("enroll", "migrate", "mail", "postgres"):
            podman("rm", "-f", "-t", "5", "enroll-test_%s_1" % name, status=None)


{"one": one, "unit": unit, "compose": compose}[sys.argv[1]]()
sys.exit(1 if FAILED else 0)
