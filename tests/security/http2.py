"""HTTP/2 by hand, for what no client would send: one TLS connection, frames as bytes (hpack and h2 are python3-h2's).

	w = Wire(kit.house)                     the preface and SETTINGS are sent
	block = w.block("GET", "/", token)      a header block without the dynamic table: the same bytes for every stream
	w.send(frame(HEADERS, END_STREAM | END_HEADERS, 1, block))
	w.read(0.2)                             what came, counted in w.seen; w.closed when the service closed
"""
import collections
import os
import select
import socket
import ssl
import struct
import time

import h2.config
import h2.connection
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


class Honest:
    """A client as python3-h2 makes one, who only wants an answer."""

    def __init__(self, house, **more):
        self.house, self.s = house, connect(house, **more)
        self.c = h2.connection.H2Connection(config=h2.config.H2Configuration(header_encoding="utf-8"))
        self.c.initiate_connection()
        self.s.sendall(self.c.data_to_send())
        self.s.settimeout(20)

    def get(self, path):
        stream, status, body = self.c.get_next_available_stream_id(), 0, b""
        self.c.send_headers(stream, [(":method", "GET"), (":scheme", "https"), (":authority", "localhost:%d" % self.house.port), (":path", path),
                                     ("accept", "application/json")], end_stream=True)
        self.s.sendall(self.c.data_to_send())
        while True:
            got = self.s.recv(65536)
            if not got:
                raise OSError("closed")
            for e in self.c.receive_data(got):
                if isinstance(e, h2.events.ResponseReceived):
                    status = int(dict(e.headers)[":status"])
                elif isinstance(e, h2.events.DataReceived):
                    body += e.data
                    self.c.acknowledge_received_data(e.flow_controlled_length, e.stream_id)
                elif isinstance(e, h2.events.StreamEnded):
                    self.s.sendall(self.c.data_to_send())
                    return status, body
                elif isinstance(e, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
                    raise OSError("reset")
            self.s.sendall(self.c.data_to_send())

    def close(self):
        self.s.close()
