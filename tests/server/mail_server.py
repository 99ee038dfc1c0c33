"""A real SMTP server (aiosmtpd) for mail_test.c: listens, says its port, keeps what it gets.

mail_server.py FOLDER [CERT KEY]    each mail becomes FOLDER/N.eml, after a line "TLS yes|no FROM TO"; addresses that begin
with "never" get 550 and those that begin with "later" 451. With a certificate STARTTLS is required.
"""
import socket
import ssl
import sys

from aiosmtpd.controller import Controller


class Keeper:
    count = 0

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("never"):
            return "550 5.1.1 no such person"
        if address.startswith("later"):
            return "451 4.3.0 try again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        Keeper.count += 1
        with open(f"{sys.argv[1]}/{Keeper.count}.eml", "wb") as out:
            tls = "yes" if session.ssl else "no"
            out.write(f"TLS {tls} {envelope.mail_from} {','.join(envelope.rcpt_tos)}\n".encode())
            out.write(envelope.original_content)
        return "250 OK"


context = None
if len(sys.argv) > 2:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    port = free.getsockname()[1]
controller = Controller(Keeper(), hostname="127.0.0.1", port=port, tls_context=context, require_starttls=bool(context))
controller.start()
print(port, flush=True)
try:
    sys.stdin.read()
finally:
    controller.stop()
