#!/usr/bin/env python3
"""Floods: what is cheap to send must be cheap to be sent, and others are served meanwhile.

Each flood says what it cost: requests that reached the program, statements that reached the database, CPU, memory, and how
long another visitor waited. `FLOOD_SECONDS=20 tests/security/floods.sh` floods longer than `make test` does.
"""
import concurrent.futures
import json
import os
import re
import statistics
import struct
import sys
import threading
import time
import traceback

import kit
from kit import *
from http2 import *

SECONDS = float(os.environ.get("FLOOD_SECONDS", "1.5"))
MEMORY = 1200 if "san" in programs()[0] else 300  # MB more than before; under ASan, freed memory stays for a while
figures = []


class Bystander(threading.Thread):
    """Somebody who looks for a psychologist, again and again, on one connection and on new ones."""

    def __init__(self):
        super().__init__(daemon=True)
        self.over, self.waits, self.failed = threading.Event(), [], []
        self.start()

    def run(self):
        c, n = house.client(), 0
        while not self.over.is_set():
            began = time.monotonic()
            try:
                n += 1
                if n % 10 == 0:
                    c.close()
                a = c.get("/annuaire?commune=59350")
                if a.status != 200:
                    self.failed.append("%r" % a)
            except Exception as e:
                self.failed.append("%r" % e)
            self.waits.append(time.monotonic() - began)
            self.over.wait(0.02)
        c.close()

    def end(self):
        self.over.set()
        self.join(30)
        return self


def resources():
    pid = house.process.pid
    with open("/proc/%d/stat" % pid, encoding="ascii") as f:
        cells = f.read().rsplit(")", 1)[1].split()
    with open("/proc/%d/status" % pid, encoding="utf-8") as f:
        rss = int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1)) / 1024
    return (int(cells[11]) + int(cells[12])) / os.sysconf("SC_CLK_TCK"), rss


def metrics():
    return {k: int(v) for k, v in re.findall(r"^enroll_(\w+) (\d+)$", house.who("lea").get("/metrics").text, re.M)}


class Flood(Group):
    """with Flood("sentence", "name") as f: … f.tried += 1 …; then the cost is known and another visitor was served."""

    def __init__(self, sentence, name):
        super().__init__(sentence)
        self.name, self.tried, self.most, self.wires, self.memory = name, 0, 0, [], MEMORY

    def __enter__(self):
        self.before, (self.cpu, self.rss) = metrics(), resources()
        self.watch = True
        self.watcher = threading.Thread(target=self.peak, daemon=True)
        self.watcher.start()
        self.bystander, self.began = Bystander(), time.monotonic()
        return self

    def peak(self):
        while self.watch:
            try:
                self.most = max(self.most, resources()[1])
            except OSError:
                return
            time.sleep(0.02)

    def __exit__(self, kind, value, trace):
        wall, b = time.monotonic() - self.began, self.bystander.end()
        self.watch = False
        for w in self.wires:
            w.close()
        try:
            after, (cpu, rss) = metrics(), resources()
            d = lambda name: after[name] - self.before[name]
            # the visitor's own requests are not the flood's
            self.figure = {
                "name": self.name, "seconds": round(wall, 1), "sent": self.tried, "requests": d("requests_total") - len(b.waits), "cancelled": d("requests_cancelled_total"),
                "closed": d("connections_flooded_total"), "refused": d("connections_refused_total"), "statements": d("db_segments_total") - len(b.waits), "cpu": round(cpu - self.cpu, 2),
                "memory": round(max(0, self.most - self.rss)), "visitor_p50_ms": round(1000 * statistics.median(b.waits)), "visitor_worst_ms": round(1000 * max(b.waits)), "visitor_answers": len(b.waits)}
            figures.append(self.figure)
            print("# " + json.dumps(self.figure), flush=True)
            self.want(house.process.poll() is None, "enrolld died: %s" % tail(house.log))
            self.want(len(b.waits) >= 3 and not b.failed, "the visitor: %d answers, failed %s" % (len(b.waits), b.failed[:3]))
            self.want(max(b.waits) < 10, "the visitor waited %.1f s" % max(b.waits))
            self.want(self.figure["memory"] < self.memory, "%d MB more" % self.figure["memory"])
            if kind is None:
                self.judge(self.figure)
        except Exception:
            self.bad.append(traceback.format_exc()[-1500:])
        return super().__exit__(kind, value, trace)

    def judge(self, figure):
        pass


def rounds(flood, one, connections=4, seconds=None):
    """Several attackers who each open a connection, do `one` (gives how much was tried), and begin again when it is closed."""
    until = time.monotonic() + (seconds or SECONDS)

    def attack(_):
        tried = opened = 0
        while time.monotonic() < until:
            try:
                w = Wire(house)
            except OSError:
                time.sleep(0.01)
                continue
            opened += 1
            tried += one(w, until)
            w.close()
        return tried, opened
    with concurrent.futures.ThreadPoolExecutor(connections) as pool:
        done = list(pool.map(attack, range(connections)))
    flood.tried += sum(t for t, _ in done)
    flood.opened = sum(o for _, o in done)


# ---- streams that are begun and cancelled --------------------------------------------------------------------------------

def cancelled(w, until, pair):
    """Streams, each with what makes it end, until the service closes."""
    stream = n = 0
    block = w.block("GET", "/annuaire?commune=59350&distance=1")
    while time.monotonic() < until and not w.closed and stream < 0x7fff0000:
        batch = []
        for _ in range(100):
            stream = stream + 2 if stream else 1
            batch.append(frame(HEADERS, END_STREAM | END_HEADERS, stream, block) + pair(stream))
        if not w.send(b"".join(batch)):
            break
        n += 100
        w.read()
    return n


CANCELS = {
    "rapid reset": ("CVE-2023-44487: the client cancels", lambda s: frame(RST_STREAM, 0, s, struct.pack(">I", 8))),
    "MadeYouReset, window 0": ("CVE-2025-8671: an increment of 0 makes the service cancel", lambda s: frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 0))),
    "MadeYouReset, window too large": ("CVE-2025-8671: a window beyond 2^31 makes the service cancel", lambda s: frame(WINDOW_UPDATE, 0, s, struct.pack(">I", 0x7fffffff)) * 2),
    "MadeYouReset, data after the end": ("CVE-2025-8671: data on a closed half makes the service cancel", lambda s: frame(DATA, 0, s, b"x")),
    "MadeYouReset, priority on itself": ("CVE-2025-8671: a stream that depends on itself", lambda s: frame(PRIORITY, 0, s, struct.pack(">IB", s, 0))),
}


def resets():
    for name, (what, pair) in CANCELS.items():
        with Flood("%s (%s): the connection is closed after 200, the database sees almost nothing, others are served" % (name, what), name) as f:
            rounds(f, lambda w, until, pair=pair: cancelled(w, until, pair))

            def judge(x):
                f.want(x["sent"] >= 200 and f.opened >= 2, "not much of an attack: %s, %d connections" % (x, f.opened))
                f.want(x["closed"] >= 1 or x["requests"] < 50 * f.opened, "no connection was closed: %s" % x)
                # before it is closed, a connection reaches the program at most 200 cancels and what came in the same turn
                f.want(x["statements"] <= 200 * f.opened and x["statements"] <= max(500, x["sent"] / 4), "the database saw %d of %d" % (x["statements"], x["sent"]))
            f.judge = judge
    with Group("who cancels now and then is not taken for an attacker") as g:
        w = Wire(house)
        block, stream = w.block("GET", "/healthz"), -1
        for i in range(300):
            stream += 2
            w.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block) + (frame(RST_STREAM, 0, stream, struct.pack(">I", 8)) if i % 4 == 0 else b""))
            w.read(0.05 if i % 20 == 19 else 0)
        w.read(1.0)
        g.want(not w.closed and w.seen["HEADERS"] >= 200, "%s, closed: %s" % (w.seen, w.closed))
        w.close()


# ---- frames that cost something ------------------------------------------------------------------------------------------

def many(w, until, data, most=40 << 20, **more):
    """The same bytes until it is closed; in frames' worth."""
    n = 0
    while time.monotonic() < until and not w.closed and w.sent < most:
        if not w.send(data, **more):
            break
        n += 1
        w.read()
    return n


def frames():
    def ping(w, until):
        return 1000 * many(w, until, frame(PING, 0, 0, b"12345678") * 1000)

    def ping_unread(w, until):
        return 1000 * many(w, until, frame(PING, 0, 0, b"12345678") * 1000, reading=False, seconds=0.5)

    def settings(w, until):
        return 1000 * many(w, until, frame(SETTINGS, 0, 0, struct.pack(">HI", 4, 65535)) * 1000)

    def priority(w, until):
        return 1000 * many(w, until, b"".join(frame(PRIORITY, 0, s, struct.pack(">IB", 0, 1)) for s in range(1, 2001, 2)))

    def empty_data(w, until):
        w.send(frame(HEADERS, END_HEADERS, 1, w.block("POST", "/connexion", None, [("content-type", "application/json")])))
        return 1000 * many(w, until, frame(DATA, 0, 1, b"") * 1000)

    def continuation(w, until):
        w.send(frame(HEADERS, END_STREAM, 1, w.block("GET", "/")))
        return many(w, until, frame(CONTINUATION, 0, 1, b"\x00\x01a\x7f\x81\x7f" + b"b" * 256) * 16)

    def continuation_empty(w, until):
        w.send(frame(HEADERS, END_STREAM, 1, w.block("GET", "/")))
        return 1000 * many(w, until, frame(CONTINUATION, 0, 1) * 1000)

    def table(w, until):
        """One large field put into the table, then named a thousand times by one byte each."""
        n, stream = 0, 1
        value = b"\x40\x01a\x7f" + bytes([0x80 | (3900 - 127) & 0x7f, (3900 - 127) >> 7]) + b"v" * 3900
        head = w.block("GET", "/healthz")
        w.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, head + value))
        while time.monotonic() < until and not w.closed:
            stream += 2
            if not w.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, head + b"\xbe" * 15000)):
                break
            n += 15000
            w.read(0.01)
        return n

    def many_headers(w, until):
        n, stream = 0, -1
        block = w.block("GET", "/healthz", None, [("x%d" % i, "y") for i in range(900)])
        while time.monotonic() < until and not w.closed:
            stream += 2
            if not w.send(frame(HEADERS, END_STREAM | END_HEADERS, stream, block)):
                break
            n += 900
            w.read(0.005)
        return n

    def window(w, until):
        return 1000 * many(w, until, frame(WINDOW_UPDATE, 0, 0, struct.pack(">I", 1)) * 1000)

    def unknown(w, until):
        return many(w, until, frame(0xee, 0xff, 0, b"x" * 16000))

    for name, sentence, one in (
            ("PING", "a flood of PING costs little memory", ping), ("PING, answers not read", "a flood of PING whose answers nobody reads does not fill the memory", ping_unread),
            ("SETTINGS", "a flood of SETTINGS costs little memory", settings), ("PRIORITY", "a flood of PRIORITY costs little memory", priority),
            ("empty DATA", "a flood of empty DATA does not make a request", empty_data), ("CONTINUATION", "headers that never end are not kept in memory", continuation),
            ("empty CONTINUATION", "empty pieces of headers that never end cost little", continuation_empty), ("HPACK bomb", "a header that unfolds a thousandfold is refused", table),
            ("900 headers", "a request of 900 headers is refused", many_headers), ("WINDOW_UPDATE", "a window that grows byte by byte ends the connection or costs little", window),
            ("unknown frames", "frames nobody knows cost little", unknown)):
        with Flood(sentence + ", and others are served", name) as f:
            rounds(f, one, 2, SECONDS / 2)
            f.judge = lambda x: f.want(x["sent"] > 0 and x["statements"] < 100, "%s" % x)


def lazy():
    """What is asked for and never read."""
    with Flood("50 answers asked for on each connection and never read are not all kept ready in memory, and others are served", "answers not read") as f:
        def one(w, until):
            block = w.block("GET", "/annuaire?commune=59350")
            for i in range(50):
                w.send(frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * i, block), reading=False, seconds=0.3)
            f.wires.append(w)
            time.sleep(0.2)
            return 50
        def attack(_):
            w = Wire(house, struct.pack(">HI", 4, 0))  # a window of 0
            return one(w, 0)
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            f.tried = sum(pool.map(attack, range(24)))
        f.judge = lambda x: f.want(x["sent"] == 24 * 50, "%s" % x)


def unread():
    """One large file of their own, asked for a hundred times on each of four connections and never read; and somebody on a slow line."""
    world = World(house)
    drafts("ulla", pieces=False).do(world)
    piece = big_pdf((10 << 20) - 2000)
    a = house.ask("ulla", "upload", "/dossiers/%d/pieces" % world.person("ulla").file, {"kind": "diploma"}, "diplome.pdf", piece)
    right(a.status == 201, "the piece: %r" % a)
    path, token = "/dossiers/%d/pieces/%d" % (world.person("ulla").file, world.file("ulla")["pieces"][0]["id"]), house.who("ulla").token
    with Flood("answers of 10 MB that nobody reads hold 128 MB a loop at most, who reads one slowly gets it whole, and others are served", "large answers not read") as f:
        loops = int(house.environment["ENROLL_LOOPS"])
        f.memory = loops * 256 + (300 if "san" not in programs()[0] else 2000)  # and what is being read of the database and opened
        slow, got, over = Honest(house), [], threading.Event()
        number = slow.ask(path, more=[("authorization", "Bearer " + token)])

        def reads():
            """64 KB, the window, about ten times a second: the flood is over before the file is."""
            try:
                while not over.is_set() and not slow.streams[number]["ended"]:
                    slow.hear()
                    over.wait(0.1)
                got.append(slow.answer(number))
            except Exception as e:
                got.append((repr(e), b""))
        reader = threading.Thread(target=reads, daemon=True)
        reader.start()
        most = []

        def attack(_):
            w = Wire(house, struct.pack(">HI", 4, 0))  # a window of 0
            f.wires.append(w)
            block, asked, until = w.block("GET", path, token), 0, time.monotonic() + 60
            # as fast as the database gives them: what it has no time for is a small "busy"
            while not w.closed and w.seen["HEADERS"] < 100 and time.monotonic() < until:
                while asked < min(100, w.seen["HEADERS"] + 4):
                    w.send(frame(HEADERS, END_STREAM | END_HEADERS, 1 + 2 * asked, block))
                    asked += 1
                w.read(0.05)
            return asked
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            done = [pool.submit(attack, i) for i in range(4)]
            while not all(d.done() for d in done):
                most.append(metrics()["answers_unread_bytes"])
                time.sleep(0.2)
        f.tried = sum(d.result() for d in done)
        over.set()
        reader.join(60)
        slow.close()

        def judge(x):
            f.want(x["closed"] >= 1, "no connection was closed: %s, %d MB" % (x, max(most) >> 20))
            f.want(max(most) <= loops * (128 << 20), "%d MB on %d loops" % (max(most) >> 20, loops))
            f.want(got and got[0][0] == 200 and got[0][1] == piece, "who reads slowly: %s" % [(s, len(b)) for s, b in got])
        f.judge = judge


def slowly():
    """Another house, that waits for 4 s: a file of 10 MB at 500 KB a second, on HTTP/1."""
    with Group("who reads a large file slowly on HTTP/1 is not taken for idle") as g:
        own = House(ENROLL_IDLE_SECONDS="4")
        try:
            world = World(own)
            drafts("ulla", pieces=False).do(world)
            piece = big_pdf((10 << 20) - 2000)
            own.ask("ulla", "upload", "/dossiers/%d/pieces" % world.person("ulla").file, {"kind": "diploma"}, "diplome.pdf", piece)
            path = "/dossiers/%d/pieces/%d" % (world.person("ulla").file, world.file("ulla")["pieces"][0]["id"])
            plain = socket.socket()
            plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            plain.connect(("localhost", own.port))
            with ssl.create_default_context(cafile=os.path.join(own.home, "certs/ca.pem")).wrap_socket(plain, server_hostname="localhost") as s:
                s.settimeout(20)
                s.sendall(("GET %s HTTP/1.1\r\nHost: localhost:%d\r\nAuthorization: Bearer %s\r\n\r\n" % (path, own.port, own.who("ulla").token)).encode())
                got = b""
                while not got.endswith(piece[-100:]) and (more := s.recv(65536)):
                    got += more
                    time.sleep(len(more) / 500000)
            g.want(got.endswith(piece), "%d bytes came" % len(got))
        finally:
            own.stop()


# ---- bodies and connections ----------------------------------------------------------------------------------------------

def bodies():
    with Flood("bodies of 30 MB sent by 24 people at once fill a quarter of a gigabyte and its copies at most, and others are served", "24 bodies of 30 MB") as f:
        f.memory = 500 if "san" not in programs()[0] else 2000
        head = ("POST /connexion HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (house.port, 30 << 20)).encode()

        together = threading.Barrier(24)

        def one(_):
            context = ssl.create_default_context(cafile=os.path.join(house.home, "certs/ca.pem"))
            s = context.wrap_socket(socket.create_connection(("localhost", house.port), timeout=20), server_hostname="localhost")
            sent = 0
            try:
                s.sendall(head)
                # all but its end, so that it is held
                while sent < (30 << 20) - 65536:
                    s.sendall(b"x" * 262144 if sent + 262144 < (30 << 20) - 65536 else b"x" * 65536)
                    sent += 262144
                together.wait(15)
            except (OSError, threading.BrokenBarrierError):
                together.abort()
            finally:
                s.close()
            return min(sent, 30 << 20) >> 20
        with concurrent.futures.ThreadPoolExecutor(24) as pool:
            f.tried = sum(pool.map(one, range(24)))
        f.judge = lambda x: f.want(x["sent"] > 500 and x["closed"] > 0, "%s MB were sent, %d closed" % (x["sent"], x["closed"]))
    with Group("an address has 256 connections at most; when some are closed there is room again") as g:
        before = metrics()
        held = [socket.create_connection(("127.0.0.1", house.port), timeout=5) for _ in range(300)]
        time.sleep(0.5)
        refused = 0
        for s in held:
            s.setblocking(False)
            try:
                refused += s.recv(1) == b""
            except BlockingIOError:
                pass
            except OSError:
                refused += 1
        g.want(300 - 256 <= refused <= 300 - 200, "%d of 300 were closed" % refused)
        for s in held:
            s.close()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            try:
                if house.client().get("/healthz").status == 200:
                    break
            except OSError:
                time.sleep(0.1)
        after = metrics()
        g.want(after["connections_refused_total"] - before["connections_refused_total"] >= refused, "%s then %s" % (before, after))
        g.want(house.client().get("/").status == 200, "no room again")


def main():
    global house
    try:
        house = kit.house = House()
        house.who("lea")
        h = Honest(house)
        right(h.get("/annuaire?commune=59350")[0] == 200, "HTTP/2")
        h.close()
    except Exception:
        say(False, "the service starts and speaks HTTP/2", traceback.format_exc())
        sys.exit(1)
    say(True, "the service starts and speaks HTTP/2")
    for part in (resets, frames, lazy, unread, slowly, bodies):
        if sys.argv[1:] and part.__name__ not in sys.argv[1:]:
            continue
        try:
            part()
        except Exception:
            kit.failures += not say(False, "%s is tried whole" % part.__name__, traceback.format_exc()[-2000:])
        if house.process.poll() is not None:
            say(False, "enrolld goes on after %s" % part.__name__, "status %s: %s" % (house.process.returncode, tail(house.log, 40)))
            sys.exit(1)
    status = house.stop()
    kit.failures += not say(status == 0, "the service ends well", tail(house.log))
    if os.environ.get("FLOOD_JSON"):
        with open(os.environ["FLOOD_JSON"], "w", encoding="utf-8") as out:
            json.dump(figures, out)
    sys.exit(1 if kit.failures else 0)


if __name__ == "__main__":
    main()
