"""Inside TLS, with a socket that takes next to nothing at once: what each library asks of a program after it refused a
call, with request heads smaller and larger than a record. The peer has the program's bytes, each once and in order,
and whole header lines of ours."""
import re
import socket
import ssl
import threading
import time
from pathlib import Path

from apps import certificate
from harness import case

LINE = re.compile(rb"(?<=\n)traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]\r\n")
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"
RECORD, ADDED = 16384, 70  # bytes of a record, and of our line
# Heads in bytes, "+" a body in the same call, by where they end: before our line fills the record, behind that, in
# another record. No head is near a size at which servers have a limit (agent/headroom.h).
BELOW = ["120", "15000", f"200+{RECORD - ADDED - 200}", "15000+40000"]
FULL = [f"200+{n - 200}" for n in (RECORD - ADDED + 1, RECORD - 1, RECORD, RECORD + 1, 2 * RECORD)]
LARGER = ["16600", "20000", "40000", "20000+12768", "40000+40000"]
OPTIONS = {"openssl": ["-lssl", "-lcrypto"], "gnutls": ["-lgnutls"], "wolfssl": ["-lwolfssl"],
           "mbedtls": ["-lmbedtls", "-lmbedx509", "-lmbedcrypto"],
           "nss": ["-I/usr/include/nss", "-I/usr/include/nspr", "-lssl3", "-lnss3", "-lnspr4"]}
HEADERS = {"gnutls": "gnutls/gnutls.h", "wolfssl": "wolfssl/ssl.h", "mbedtls": "mbedtls/ssl.h", "nss": "nss/ssl.h",
           "openssl": "openssl/ssl.h"}


class SlowServer:
    """Takes a little at a time from a small buffer; answers each request, and keeps all that it was sent."""

    def __init__(self, t):
        certificate(t)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(t.dir / "cert.pem", t.dir / "key.pem")
        self.listener = socket.socket()
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2304)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen()
        self.port = self.listener.getsockname()[1]
        self.got = b""
        t.closers.append(self.listener.close)
        self.done = t.thread(self.serve)

    def serve(self):
        raw, _ = self.listener.accept()
        with raw, self.context.wrap_socket(raw, server_side=True) as session:
            begin = 0
            try:
                while data := session.recv(1500):
                    self.got += data
                    time.sleep(0.0005)
                    head, end, body = self.got[begin:].partition(b"\r\n\r\n")
                    if end and len(body) == int(re.search(rb"Content-Length: (\d+)", head)[1]):
                        session.sendall(ANSWER)
                        begin = len(self.got)
            except ssl.SSLEOFError:
                pass  # NSS and wolfSSL may close without a word
        return self.got


def slow(library, way, larger):
    """`larger`: heads of more than a record have our header, too."""
    sizes = BELOW + FULL + LARGER
    count = len(sizes) if larger else len(BELOW + FULL)

    @case(f"{library}, {way}: a socket that takes little at once gets the same bytes, whatever the size of a head",
          ["cc", "openssl"], name=f"tls_slow_{library}_{way.replace('-', '_')}")
    def run(t):
        if not Path("/usr/include", HEADERS[library]).exists():
            t.skip(f"no headers of {library}")
        program = t.build.app("https-client-c-slow", source=library, options=OPTIONS[library])
        streams = []
        for agent in (False, True):
            server = SlowServer(t)
            out = t.run("client", [program, way, server.port, "cert.der" if library == "nss" else "cert.pem", *sizes], agent=agent)
            t.equal(out, "hello\n" * len(sizes), "what the client printed")
            streams.append(server.done())
        t.equal(LINE.sub(b"", streams[1]) == streams[0], True, "bytes sent, without our lines, are the same")
        t.equal(len(streams[0]), sum(int(n) for size in sizes for n in size.split("+")), "bytes of the program")
        t.equal(len(LINE.findall(streams[1])), count if t.agent else 0, "added header lines")
        spans = t.spans(len(sizes)).count("client", client=len(sizes))
        for s in spans.all:
            spans.attributes(s, http__response__status_code=200, error__type=None)


# A program that expects no short count is served with any head; one that does, where the line goes into its first record.
for way in ("again", "ex", "moving"):
    slow("openssl", way, larger=True)
for way in ("partial", "partial-moving", "partial-ex"):
    slow("openssl", way, larger=False)
for way in ("again", "moving", "resume", "block"):
    slow("gnutls", way, larger=False)
slow("gnutls", "cork", larger=True)
for way in ("again", "block"):
    slow("mbedtls", way, larger=False)
for way in ("again", "partial"):
    slow("wolfssl", way, larger=True)
slow("nss", "again", larger=False)
slow("nss", "block", larger=True)
