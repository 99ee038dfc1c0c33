"""HTTP/2 by hand (hpack and h2 are python3-h2's). For what no client would send, one TLS connection, frames as bytes:

	w = Wire(house)                         the preface and SETTINGS are sent
	block = w.block("GET", "/", token)      a header block without the dynamic table: the same bytes for every stream
	w.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, block))
	w.read(0.2)                             what came, counted in w.seen; w.closed when the service closed

For what a good one would: `Honest(house).get(path)`, and `Steady(house, path)`, which does it all the time.
"""
import collections
import contextlib
import os
import select
import socket
import ssl
import struct
import threading
import time

import h2.config
import h2.connection
import h2.errors
import h2.events
import hpack

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PUSH_PROMISE, PING, GOAWAY, WINDOW_UPDATE, CONTINUATION = range(10)
ACK = END_STREAM = 1
END_HEADERS = 4
NAMES = ["DATA", "HEADERS", "PRIORITY", "RST_STREAM", "SETTINGS", "PUSH_PROMISE", "PING", "GOAWAY", "WINDOW_UPDATE", "CONTINUATION"]


def frame(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def connect(house, port=None, certificate=None):
    context = ssl.create_default_context(cafile=os.path.join(house.home, "certs/ca.pem"))
    context.set_alpn_protocols(["h2"])
    if certificate:
        context.load_cert_chain(*certificate)
    s = context.wrap_socket(socket.create_connection(("localhost", port or house.port), timeout=10), server_hostname="localhost")
    if s.selected_alpn_protocol() != "h2":
        raise OSError("no HTTP/2")
    return s


class Wire:
    def __init__(self, house, settings=b"", port=None, certificate=None):
        self.house, self.s = house, connect(house, port, certificate)
        self.s.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(SETTINGS, 0, 0, settings))
        self.s.setblocking(False)
        self.seen, self.closed, self.buffer, self.sent = collections.Counter(), False, b"", 0
        self.resets = collections.Counter()  # error codes of RST_STREAM and GOAWAY

    def block(self, method, path, token=None, more=()):
        fields = [(":method", method), (":scheme", "https"), (":authority", "localhost:%d" % self.house.port), (":path", path), ("accept", "application/json")]
        if token:
            fields.append(("authorization", "Bearer " + token))
        return hpack.Encoder().encode([hpack.NeverIndexedHeaderTuple(*f) for f in fields + list(more)])

    def read(self, seconds=0.0):
        """Takes what has come, waiting at most that long for the first of it."""
        until = time.monotonic() + seconds
        while not self.closed:
            try:
                got = self.s.recv(262144)
                if not got:
                    self.closed = True
                self.buffer += got
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                left = until - time.monotonic()
                if left <= 0 or not select.select([self.s], [], [], left)[0]:
                    break
            except OSError:
                self.closed = True
        at = 0
        while len(self.buffer) - at >= 9:
            n = int.from_bytes(self.buffer[at:at + 3], "big")
            if len(self.buffer) - at < 9 + n:
                break
            kind = self.buffer[at + 3]
            self.seen[NAMES[kind] if kind < len(NAMES) else kind] += 1
            if kind in (RST_STREAM, GOAWAY):
                code = self.buffer[at + 9:at + 13] if kind == RST_STREAM else self.buffer[at + 13:at + 17]
                self.resets[int.from_bytes(code, "big")] += 1
            at += 9 + n
        self.buffer = self.buffer[at:]
        return self

    def send(self, data, seconds=5.0, reading=True):
        """False when the service closed, or took no more for that long."""
        view, until = memoryview(data), time.monotonic() + seconds
        while view and not self.closed:
            try:
                n = self.s.send(view[:65536])
                view, self.sent = view[n:], self.sent + n
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                if reading:
                    self.read()
                if time.monotonic() > until:
                    return False
                select.select([self.s] if reading else [], [self.s], [], 0.05)
            except OSError:
                self.closed = True
        return not self.closed

    def close(self):
        try:
            self.s.close()
        except OSError:
            pass


class Refused(OSError):
    """The service said that it did nothing with this request: it may be sent again."""


class Honest:
    """A client as python3-h2 makes one, who only wants answers. `last`: what a GOAWAY said; then no new request goes here, but one
    up to that number still gets its answer (RFC 9113 §6.8; python3-h2 itself would hear no more)."""

    def __init__(self, house, **more):
        self.house, self.s, self.buffer, self.last, self.told, self.streams = house, connect(house, **more), b"", None, [], {}
        self.c = h2.connection.H2Connection(config=h2.config.H2Configuration(header_encoding="utf-8"))
        self.c.initiate_connection()
        self.say()

    def say(self):
        """What python3-h2 has to say. Where the other side is gone, why is still to be read."""
        self.s.settimeout(20)
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self.s.sendall(self.c.data_to_send())

    def hear(self):
        """What comes next. OSError: the connection ended."""
        got = self.s.recv(65536)
        if not got:
            raise OSError("closed")
        self.buffer, rest, at = self.buffer + got, b"", 0
        while len(self.buffer) - at >= 9 and len(self.buffer) - at >= 9 + (n := int.from_bytes(self.buffer[at:at + 3], "big")):
            one, at = self.buffer[at:at + 9 + n], at + 9 + n
            if one[3] == GOAWAY:
                self.last, code = struct.unpack(">II", one[9:17])
                self.told.append(self.last)
                if code:
                    raise OSError("GOAWAY with code %d: %r" % (code, one[17:]))
            else:
                rest += one
        self.buffer = self.buffer[at:]
        for e in self.c.receive_data(rest):
            stream = self.streams.get(getattr(e, "stream_id", 0))
            if stream is None:
                continue
            if isinstance(e, h2.events.ResponseReceived):
                stream["status"] = int(dict(e.headers)[":status"])
            elif isinstance(e, h2.events.DataReceived):
                stream["body"] += e.data
                self.c.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
            elif isinstance(e, h2.events.StreamEnded):
                stream["ended"] = True
            elif isinstance(e, h2.events.StreamReset):
                stream["reset"] = e.error_code
        self.say()

    def idle(self):
        """Hears what came between two requests; False when the next one needs another connection."""
        self.s.settimeout(0)
        with contextlib.suppress(ssl.SSLWantReadError):
            while self.last is None:
                self.hear()
                self.s.settimeout(0)
        self.s.settimeout(20)
        return self.last is None

    def ask(self, path, method="GET", more=(), end=True):
        """Begins a request; its number. `end` False: its body comes with more()."""
        number = self.c.get_next_available_stream_id()
        self.streams[number] = {"status": 0, "body": b"", "ended": False, "reset": None}
        self.c.send_headers(number, [(":method", method), (":scheme", "https"), (":authority", "localhost:%d" % self.house.port), (":path", path),
                                     ("accept", "application/json"), *more], end_stream=end)
        self.say()
        return number

    def more(self, number, data, end=False):
        while data:
            n = min(len(data), self.c.local_flow_control_window(number), self.c.max_outbound_frame_size)
            if n:
                self.c.send_data(number, data[:n])
                self.say()
                data = data[n:]
            else:
                self.hear()
        if end:
            self.c.end_stream(number)
            self.say()

    def answer(self, number):
        """(status, body)"""
        stream = self.streams[number]
        try:
            while not stream["ended"] and stream["reset"] is None and (self.last is None or number <= self.last):
                self.hear()
        except OSError as e:
            if self.last is None or number <= self.last:
                raise OSError("%s: request %d, GOAWAY %s" % (e, number, self.last)) from None
        if stream["reset"] not in (None, h2.errors.ErrorCodes.REFUSED_STREAM):
            raise OSError("request %d is reset with code %d" % (number, stream["reset"]))
        if not stream["ended"]:
            raise Refused("request %d, GOAWAY %s" % (number, self.last))
        del self.streams[number]
        return stream["status"], stream["body"]

    def get(self, path):
        return self.answer(self.ask(path))

    def close(self):
        self.s.close()


class Steady(threading.Thread):
    """Somebody who asks all the time, `rate` times a second, one request after the other on one connection, and obeys a GOAWAY
    as browsers do: the next request goes on a new connection, one that was above its last stream is sent again."""

    def __init__(self, house, path, rate=20):
        super().__init__(daemon=True)
        self.house, self.path, self.pause, self.going = house, path, 1 / rate, threading.Event()
        self.answered = self.connections = self.again = 0
        self.wrong, self.line = [], None
        self.going.set()
        self.start()

    def one(self):
        if self.line and not self.line.idle():
            self.leave()
        if not self.line:
            self.line = Honest(self.house)
            self.connections += 1
        try:
            status, body = self.line.get(self.path)
        except Refused:
            self.again += 1
            self.leave()
            return self.one()
        if status != 200:
            raise OSError("%d: %r" % (status, body[:200]))
        self.answered += 1

    def leave(self):
        self.line.close()
        self.line = None

    def run(self):
        while self.going.is_set():
            try:
                self.one()
            except Exception as e:  # told by whoever waits
                self.wrong.append("after %d answers, on connection %d: %r" % (self.answered, self.connections, e))
                if self.line:
                    self.leave()
            time.sleep(self.pause)
        if self.line:
            self.leave()

    def end(self):
        self.going.clear()
        self.join(30)
