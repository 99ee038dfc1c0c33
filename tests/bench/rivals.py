"""What the service is measured against, and with: pgbench, h2load, nginx, the peer of peer/.

Each rival's round gives one number, larger is better (per second). The statements are those that PostgreSQL saw the
service send (House.recorded): none is written here. What varies from file to file is found in them by its value.
"""
import glob
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import tempfile
import time

from house import HERE, Wrong, free_port, run

# ---- what a turn costs --------------------------------------------------------------------------------------------------

done = 0  # requests and transactions so far, of all generators
TICK = os.sysconf("SC_CLK_TCK")


def processor(pid):
    """Seconds of it that a process and all it started have used."""
    if not pid:
        return 0
    try:
        with open("/proc/%d/stat" % pid) as f:
            used = sum(map(int, f.read().rsplit(")", 1)[1].split()[11:15])) / TICK
        with open("/proc/%d/task/%d/children" % (pid, pid)) as f:
            return used + sum(processor(int(child)) for child in f.read().split())
    except OSError:
        return 0


class Costs:
    """Where the processors' time went in a contender's turns: PostgreSQL, its program (if any), its load generator."""

    def __init__(self, house, program):
        self.pids = (house and house.postmaster, program)
        self.spent, self.done = [0, 0, 0], 0

    def now(self):
        children = resource.getrusage(resource.RUSAGE_CHILDREN)
        return [processor(p) for p in self.pids] + [children.ru_utime + children.ru_stime], done

    def of(self, turn):
        before, done_before = self.now()
        value = turn()
        after, done_after = self.now()
        self.spent = [s + b - a for s, a, b in zip(self.spent, before, after)]
        self.done += done_after - done_before
        return value

    def __str__(self):
        each = [s / max(1, self.done) * 1000 for s in self.spent]
        return "%.3g ms (%s)" % (sum(each), ", ".join("%s %.2g" % x for x in zip(("PostgreSQL", "program", "load"), each) if x[1] >= 0.0005))


# ---- the service's statements ----------------------------------------------------------------------------------------

class Statements:
    """What one request sent, with the values of one file replaced by what another file needs.

    `split` gives the flights: the identity's own segment, then what is between BEGIN and COMMIT, cut at the first write.
    """

    def __init__(self, recorded, file):
        self.file = str(file)
        self.all = recorded
        self.begun = next((i for i, s in enumerate(recorded) if s[1] == "begin"), None)

    def flights(self):
        if self.begun is None:
            return [self.all]
        write = next(i for i, s in enumerate(self.all) if i > self.begun and s[0] == "case_event")
        return [f for f in (self.all[:self.begun], self.all[self.begun:write], self.all[write:]) if f]


class Script:
    """A pgbench script of them, in prepared mode."""

    def __init__(self, statements, pick_file, pipeline):
        self.statements, self.pipeline = statements, pipeline
        self.values, self.lines = {}, [pick_file]
        flights = statements.flights()
        for i, flight in enumerate(flights):
            if statements.begun is None and not pipeline:
                self.lines.append("begin;")  # row-level security's identity lasts as long as a transaction
            if pipeline:
                self.lines.append("\\startpipeline")
            self.lines += [self.line(*s) for s in flight]
            if pipeline:
                self.lines.append("\\endpipeline")
            if statements.begun is None and not pipeline:
                self.lines.append("commit;")
        self.text = "\n".join(self.lines) + "\n"

    def variable(self, value):
        if value == self.statements.file:
            return ":file"
        if value == "":
            return "''"
        return ":" + self.values.setdefault(value, "v%d" % len(self.values))

    def line(self, name, sql, values):
        text = re.sub(r"\$(\d+)", lambda m: self.expression(name, values, int(m[1]) - 1), sql) if values else sql
        # What the next event's hash rests on is read where results can be read: not in a pipeline.
        end = " \\gset k_" if name == "case_facts" and self.statements.begun is not None and not self.pipeline else ";"
        return re.sub(r"\s*\n\s*", " ", text) + end

    def expression(self, name, values, i):
        """A value, or for an event's body and hash, which the service computes, the same computed by the database."""
        value = values[i]
        if value is None:
            return "null"
        if name == "case_event" and i == 17:
            return self.body(value)
        if name == "case_event" and i == 18:
            return self.previous()
        if name == "case_event" and i == 19:
            return "encode(sha256(convert_to(%s || %s, 'UTF8')), 'hex')" % (self.previous(), self.body(values[17]))
        return self.variable(value)

    def body(self, text):
        head, tail = text.split('"file":%s,' % self.statements.file)
        return "(%s::text || :file::text || %s::text)" % (self.variable(head + '"file":'), self.variable("," + tail))

    def previous(self):
        if self.pipeline:
            return "(select hash from event where file = :file order by seq desc limit 1)"
        return ":k_last_hash::text"

    def save(self, folder, name):
        path = os.path.join(folder, name + ".pgbench")
        with open(path, "w") as f:
            f.write(self.text)
        return path


WARM = 3  # transactions of each client that plan and fill caches: not counted


def pgbench(house, script, name, clients, seconds=None, each=None, start=0):
    """Transactions per second while every client was at it, the first ones left out: the service has them behind it too."""
    path = script.save(house.socket, name)
    log = os.path.join(house.socket, "pgbench")
    words = ["pgbench", "-n", "-M", "prepared", "-f", path, "-c", str(clients), "-j", str(min(clients, 2)), "-D", "start=%d" % start, "-D", "n=0",
             "-l", "--log-prefix=" + log]
    for value, variable in script.values.items():
        words += ["-D", "%s=%s" % (variable, value)]
    words += ["-T", str(seconds)] if seconds else ["-t", str(each), "-D", "each=%d" % each]
    options = "-c search_path=enroll,pg_temp -c TimeZone=UTC -c plan_cache_mode=force_generic_plan"
    out = run(*words, house.dsn("enroll_service"), env={**os.environ, "PGOPTIONS": options})
    failed = re.search(r"number of failed transactions: (\d+)", out)
    if failed and int(failed[1]):
        raise Wrong(out)
    ends = {}
    for part in glob.glob(log + ".*"):
        with open(part) as f:
            for line in f:
                client, _, _, _, second, micro = line.split()[:6]
                ends.setdefault(client, []).append(int(second) + int(micro) / 1e6)
        os.unlink(part)
    if len(ends) < clients:
        raise Wrong("pgbench: not every client worked")
    return while_all_were_at_it(ends)


def while_all_were_at_it(ends):
    """Per second. `ends`: {client: when each of its transactions ended}, in seconds. Who connects, warms up or is done while
    others are not belongs to no rate."""
    if min(map(len, ends.values())) <= WARM:
        raise Wrong("too few to count")
    global done
    done += sum(map(len, ends.values()))
    begin, end = max(sorted(e)[WARM - 1] for e in ends.values()), min(map(max, ends.values()))
    return sum(begin < t <= end for e in ends.values() for t in e) / (end - begin)


# ---- h2load --------------------------------------------------------------------------------------------------------------

class Timed:
    """h2load for about so many seconds. Told a duration it hangs on a server that is still shaking hands when it is over, so
    it is told a count, from the rate of the turn before."""

    def __init__(self, seconds, urls, **how):
        self.seconds, self.urls, self.how, self.rate = seconds, urls, how, 0

    def __call__(self):
        at_a_time = self.how["clients"] * self.how.get("streams", 1)
        self.rate = h2load(self.urls, requests=max(at_a_time * 4, int(self.rate * self.seconds)), **self.how)
        return self.rate


def h2load(urls, requests, http1=False, clients=16, streams=8, headers=(), data=None, processes=1, folder="/tmp"):
    """Requests per second that got 2xx or 3xx; one that did not is a failure of the bench. `urls` is a text, or a list a process:
    then each request is logged, and counted by the rule of pgbench's."""
    started, lists = [], not isinstance(urls, str)
    for i in range(processes):
        words = ["h2load", "-c", str(clients), "-m", "1" if http1 else str(streams), "-t", "1"]
        words += ["--h1"] if http1 else []
        words += ["-n", str(requests)]
        words += [w for h in headers for w in ("-H", h)]
        words += ["-d", data] if data else []
        if lists:
            path = os.path.join(folder, "urls.%d" % i)
            with open(path, "w") as f:
                f.write("\n".join(urls[i]) + "\n")
            words += ["-i", path, "--log-file=" + path + ".log"]
        else:
            words.append(urls)
        started.append(subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True))
    total, longest, ends = 0, 0, {}
    for i, p in enumerate(started):
        out = p.communicate()[0]
        codes = re.search(r"status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx", out)
        took = re.search(r"finished in ([\d.]+)(m?s)", out)
        if p.returncode or not codes or "TLSv1.3" not in out or int(codes[3]) or int(codes[4]) or not int(codes[1]) + int(codes[2]):
            raise Wrong("h2load: %s" % out[-1500:])
        total += int(codes[1]) + int(codes[2])
        longest = max(longest, float(took[1]) / (1000 if took[2] == "ms" else 1))
        if lists:  # lines of when it began, its status, how long it took: microseconds
            path = os.path.join(folder, "urls.%d.log" % i)
            with open(path) as f:
                ends[i] = [(int(began) + int(took)) / 1e6 for began, _, took in map(str.split, f)]
            os.unlink(path)
    if lists:
        return while_all_were_at_it(ends)
    global done
    done += total
    return total / longest


# ---- nginx ---------------------------------------------------------------------------------------------------------------

NGINX = """user nobody nogroup;
worker_processes 2;
daemon off;
pid %(folder)s/nginx.pid;
error_log %(folder)s/nginx.log;
events { worker_connections 4096; }
http {
	access_log %(folder)s/nginx-access.log;
	sendfile on;
	tcp_nopush on;
	open_file_cache max=100;
	keepalive_requests 100000000;
	gzip_static on;
	client_body_temp_path %(folder)s/body;
	proxy_temp_path %(folder)s/proxy;
	fastcgi_temp_path %(folder)s/fastcgi;
	uwsgi_temp_path %(folder)s/uwsgi;
	scgi_temp_path %(folder)s/scgi;
	server {
		listen 127.0.0.1:%(port)d ssl http2;
		ssl_certificate %(folder)s/server.pem;
		ssl_certificate_key %(folder)s/server.key;
		ssl_protocols TLSv1.3;
		default_type text/html;
		root %(folder)s/pages;
	}
}
"""


class Nginx:
    """Static files over TLS 1.3 with the service's own certificate: pages by name, an encoded one beside as name.gz."""

    def __init__(self, house, pages):
        self.folder = tempfile.mkdtemp(prefix="enroll-bench-nginx-", dir="/tmp")
        os.chmod(self.folder, 0o755)
        os.makedirs(self.folder + "/pages")
        self.port = free_port()
        for name in ("server.pem", "server.key"):
            shutil.copy(house.home + "/certs/" + name, self.folder)
        for name, data in pages.items():
            with open(self.folder + "/pages/" + name, "wb") as f:
                f.write(data)
        with open(self.folder + "/nginx.conf", "w") as f:
            f.write(NGINX % {"folder": self.folder, "port": self.port})
        self.process = subprocess.Popen(["nginx", "-p", self.folder, "-c", self.folder + "/nginx.conf"], stderr=subprocess.DEVNULL)
        time.sleep(0.5)
        if self.process.poll() is not None:
            raise Wrong("nginx: " + open(self.folder + "/nginx.log").read())

    def url(self, name):
        return "https://127.0.0.1:%d/%s" % (self.port, name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
        shutil.rmtree(self.folder)


# ---- the peer ------------------------------------------------------------------------------------------------------------

class Peer:
    """Node, fastify and pg in two processes: the same two routes by the same statements (peer/server.mjs)."""

    def __init__(self, house, read, write):
        if not os.path.exists(HERE + "/peer/node_modules/fastify"):
            run("npm", "ci", "--no-audit", "--no-fund", "--loglevel=error", cwd=HERE + "/peer")
        self.port = free_port()
        told = {"port": self.port, "socket": house.socket, "certs": house.home + "/certs", "keys": house.home + "/keys",
                "read": read.all, "write": write.all, "readFile": read.file, "writeFile": write.file}
        self.path = house.socket + "/peer.json"
        with open(self.path, "w") as f:
            json.dump(told, f)
        self.process = subprocess.Popen(["node", HERE + "/peer/server.mjs", self.path], stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise Wrong("the peer does not start")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(20)
