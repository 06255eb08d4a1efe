"""Where the kernel encrypts (kTLS). No machine of ours need have that: test-apps/ktls-kernel takes the keys in the
kernel's place. What programs write, and what libraries then write as plain bytes to the socket, is seen by nobody:
such sessions are left alone, and their sockets have been since the ClientHello."""
import re

from apps import certificate
from harness import case
from tls_apps import Certificates, nginx, python

CLIENT = """
import http.client, ssl, sys
context = ssl.create_default_context(cafile=sys.argv[2])
context.options |= 1 << 3  # OP_ENABLE_KTLS
connection = http.client.HTTPSConnection("127.0.0.1", int(sys.argv[1]), context=context)
for _ in range(3):
    connection.request("POST", "/echo", body=b"0123456789" * 5000, headers={"X-Is": "traceparent"})
    answer = connection.getresponse()
    print(answer.status, len(answer.read()))
"""


class Kernel:
    """What programs are to be started with; and what the stand-in did meanwhile."""

    def __init__(self, t, receives=True):
        shim = t.build.app("ktls-kernel", options=["-shared", "-fPIC", "-lcrypto"])
        self.told = t.dir / "told"
        self.env = {"LD_PRELOAD": f"{t.build.library} {shim}" if t.agent else shim, "KTLS_TOLD": self.told,
                    "KTLS_RECEIVES": str(int(receives))}

    def counts(self):
        """Keys taken, bytes of calls with memory, bytes of sendfile; of all processes that have ended."""
        lines = self.told.read_text().split("\n")[:-1] if self.told.exists() else []
        return [sum(column) for column in zip(*(map(int, line.split()) for line in lines))] or [0, 0, 0]


@case("kTLS, a client: the server gets the program's requests without a line of ours, and nobody has a span for them",
      ["python3", "openssl"])
def ktls_client(t):
    c = Certificates(t)
    kernel = Kernel(t)
    server = python(t, c, name="server", agent=False)
    said = t.run("client", ["python3", "-c", CLIENT, server.port, c.ca], env=kernel.env)
    t.equal(said, "200 50000\n" * 3, "what the client printed")
    keys, copied, _ = kernel.counts()
    t.check(keys >= 1 and copied > 150000, f"the kernel encrypted: {keys} keys, {copied} bytes")
    t.spans(0)


@case("kTLS, nginx with SSL_sendfile: files arrive whole, curl's requests have spans, nginx's none", ["nginx", "curl", "openssl"])
def ktls_nginx(t):
    c = Certificates(t)
    kernel = Kernel(t)
    body = bytes(range(256)) * 2000
    server = nginx(t, c, name="server", options="; ssl_conf_command Options KTLS", env=kernel.env,
                   locations="sendfile on; location /file { }")
    (t.dir / "www" / "file").write_bytes(body)
    for _ in range(2):
        t.run("curl", ["curl", "-sS", "--http1.1", "--output-dir", t.dir, "-o", "one", server.url + "/file", "-o", "two",
                       server.url + "/hello", "-o", "three", server.url + "/file"], env=c.trusted())
        for name, want in (("one", body), ("two", b"hello\n"), ("three", body)):
            t.equal((t.dir / name).read_bytes() == want, True, f"{name} is what was asked for")
    t.stop()
    keys, _, from_files = kernel.counts()
    t.check(keys >= 2 and from_files == 4 * len(body) + 2 * len("hello\n"), f"the kernel sent files: {keys} keys, {from_files} bytes")
    spans = t.spans(6).count("curl", client=6)
    for s in spans.all:
        spans.attributes(s, url__scheme=None, error__type=None, http__response__status_code=200)


def both_ends(way, receives, keys):
    @case(f"kTLS, OpenSSL at both ends, {way}{'' if receives else ', sending only'}: the same bytes, no lines, no spans",
          ["cc", "openssl"], name=f"{way.replace('-', '_')}_{'both' if receives else 'sends'}")
    def run(t):
        c = Certificates(t)
        kernel = Kernel(t, receives)
        program = t.build.app("https-c-openssl", options=["-lssl", "-lcrypto", "-pthread"])
        said = t.run(way, [program, way, c.server, c.ca], env=kernel.env)
        t.check(re.fullmatch(rf"{way}: \d requests, 0 lines\n", said), f"what the program saw: {said}")
        t.check(kernel.counts()[0] >= keys, "keys that the kernel took")
        t.spans(0)


both_ends("ktls", receives=True, keys=2)
both_ends("ktls12", receives=True, keys=4)
both_ends("ktls12", receives=False, keys=2)
both_ends("early-ktls", receives=True, keys=6)
