"""A real HTTPS server for fetch_test.c: fetch_server.py CERT KEY says its port, and answers by the path it is asked.

/good tells what it got; /redirect points there; /404 /400 /500 /401 /429 are statuses; /slow waits ten seconds, /drip
gives a byte at a time, /huge never ends, /cut promises more than it gives, /garbage is no HTTP.
"""
import http.server
import json
import ssl
import sys
import threading
import time


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=b"", length=None, **headers):
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if length is None else length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        what = self.path.split("?")[0].strip("/")
        self.close_connection = True
        if what == "good":
            self.answer(200, json.dumps({"path": self.path, "key": self.headers.get("ESANTE-API-KEY"),
                                         "accept": self.headers.get("Accept")}).encode())
        elif what == "redirect":
            self.answer(302, Location="/good")
        elif what.isdigit():
            self.answer(int(what), b"{}")
        elif what == "slow":
            time.sleep(10)
        elif what == "drip":
            self.answer(200, length=10000)
            for _ in range(100):
                self.wfile.write(b"1")
                time.sleep(0.1)
        elif what == "huge":
            self.answer(200, length=1 << 40)
            while True:
                self.wfile.write(b"[" * 65536)
        elif what == "cut":
            self.answer(200, b"{}", length=1000)
        else:
            self.wfile.write(b"\0\1\2 nothing of the kind\r\n")


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
context.load_cert_chain(sys.argv[1], sys.argv[2])
server = Server(("127.0.0.1", 0), Handler)
server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(server.server_address[1], flush=True)
sys.stdin.read()
