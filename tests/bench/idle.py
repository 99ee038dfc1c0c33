"""Many TLS connections that asked once and then do nothing, from several loopback addresses (B8).

    with Crowd(port, 10000) as crowd: …  crowd.alive()
"""
import select
import socket
import ssl


class Crowd:
    def __init__(self, port, count):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.sockets = []
        for i in range(count):
            plain = socket.create_connection(("127.0.0.1", port), timeout=30, source_address=("127.0.0.%d" % (2 + i % 8), 0))
            self.sockets.append(context.wrap_socket(plain))
            self.sockets[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost:%d\r\n\r\n" % port)
            if not self.sockets[-1].recv(65536).startswith(b"HTTP/1.1 200"):
                raise OSError("not answered")

    def alive(self):
        """How many of them the service has not closed."""
        poll, closed = select.poll(), 0
        for s in self.sockets:
            poll.register(s.fileno(), select.POLLRDHUP | select.POLLHUP | select.POLLERR)
        closed = len(poll.poll(0))
        return len(self.sockets) - closed

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for s in self.sockets:
            s.close()
