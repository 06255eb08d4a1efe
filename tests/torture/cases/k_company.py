"""More company: preloads that replace sockets and clocks, allocators, sanitizers, debuggers, loaders
(cases 5, 9, 10 and 16, where a_loading.py and b_neighbours.py have none of it)."""
import os
import re
import socket
import subprocess
import threading
import time
from pathlib import Path

from b_neighbours import BUSY, LIBRARIES
from frame import PATH, USUAL, Failure, case, which

# ---- case 10: preloads ----

MORE_PRELOADS = {
    "mimalloc": ("libmimalloc.so.2", {}),
    "tcmalloc with its profilers": ("libtcmalloc_and_profiler.so.4", {"CPUPROFILE_FREQUENCY": "1000"}),
    "tcmalloc that checks": ("libtcmalloc_debug.so.4", {}),
    "eatmydata": ("libeatmydata.so", {}),
    "keepalive": ("/usr/lib/libkeepalive.so.0", {"KEEPALIVE": "on"}),
    "stdbuf": ("/usr/libexec/coreutils/libstdbuf.so", {"_STDBUF_O": "0"}),
    "nss_wrapper": ("libnss_wrapper.so", {}),
}


@case(10, "beside more allocators and other preloads, in both orders")
def c10_more(t):
    program = t.compile("busy", BUSY)
    for name, (library, env) in MORE_PRELOADS.items():
        library = Path(LIBRARIES, library)
        if not library.exists():
            t.note(f"not installed: {name}")
            continue
        if "profilers" in name:
            env = {**env, "CPUPROFILE": t.dir / "profile"}
        for first in (False, True):
            t.same([program], USUAL, preload=[library], agent_first=first, env=env, status=4,
                   normal=lambda text: re.sub(rb"PROFILE: .*\n", b"", text))
    if not t.checks:
        t.skip("none of them is installed")


@case(10, "beside preloads that replace the sockets, or the root")
def c10_wrappers(t):
    program = t.compile("busy", BUSY)
    if Path(LIBRARIES, "libsocket_wrapper.so").exists():
        (t.dir / "sockets").mkdir()
        client = t.script("own.py", """
import http.client, http.server, threading
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'own')
    def log_message(self, *arguments):
        pass
server = http.server.HTTPServer(('127.0.0.7', 8080), Handler)
threading.Thread(target=server.serve_forever, daemon=True).start()
for _ in range(5):
    c = http.client.HTTPConnection('127.0.0.7', 8080)
    c.request('GET', '/')
    print(c.getresponse().read())
    c.close()
""")
        for first in (False, True):
            t.same(["python3", client], USUAL, preload=[Path(LIBRARIES, "libsocket_wrapper.so")], agent_first=first,
                   env={"SOCKET_WRAPPER_DIR": t.dir / "sockets"}, status=0)
    else:
        t.note("not installed: socket_wrapper")
    for argv in (["trickle", "-s", "-d", "10000", "-u", "10000", program], ["fakechroot", program],
                 ["fakechroot", "fakeroot", "sh", "-c", "id -u; touch x; chown 5 x; stat -c %u x"],
                 ["eatmydata", "sh", "-c", "sync; echo done"], ["stdbuf", "-oL", "sh", "-c", "echo a | cat"],
                 ["heaptrack", "-o", t.dir / "heap", program]):
        if not which(argv[0]):
            t.note(f"not installed: {argv[0]}")
            continue
        t.same(argv, ("up", "stuck"), seconds=60, normal=lambda text: re.sub(rb"\d+", b"N", text))


class Socks:
    """A SOCKS5 proxy without passwords: every request goes to the peer. What was asked for is kept."""

    def __init__(self, peer_port):
        self.peer_port, self.asked = peer_port, []
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.talk, args=(connection,), daemon=True).start()

    def talk(self, client):
        stream = client.makefile("rb")
        version, methods = stream.read(2)
        stream.read(methods)
        client.sendall(b"\x05\x00")
        version, command, _, kind = stream.read(4)
        address = stream.read(4 if kind == 1 else stream.read(1)[0])
        port = int.from_bytes(stream.read(2), "big")
        self.asked.append((socket.inet_ntoa(address) if kind == 1 else address.decode(), port))
        client.sendall(b"\x05\x00\x00\x01\x7f\x00\x00\x01\x00\x00")
        peer = socket.create_connection(("127.0.0.1", self.peer_port))
        threading.Thread(target=self.copy, args=(peer, client), daemon=True).start()
        self.copy(client, peer)

    @staticmethod
    def copy(source, target):
        with target:
            try:
                while data := source.recv(65536):
                    target.sendall(data)
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass


FAR = """
import http.client, select, time
for _ in range(3):
    c = http.client.HTTPConnection('10.9.8.7', 80)
    c.request('GET', '/')
    print(c.getresponse().read())
    c.close()
    select.select([], [], [], 0.001)
time.sleep(0.3)
"""


@case(10, "below proxychains and torsocks the program goes through the proxy, and its spans do not")
def c10_through_proxy(t):
    for name, library, variable, config in (
            ("proxychains", "libproxychains.so.4", "PROXYCHAINS_CONF_FILE",
             "strict_chain\nquiet_mode\n[ProxyList]\nsocks5 127.0.0.1 %d\n"),
            ("torsocks", "torsocks/libtorsocks.so", "TORSOCKS_CONF_FILE", "TorAddress 127.0.0.1\nTorPort %d\n")):
        library = Path(LIBRARIES, library)
        if not library.exists():
            t.note(f"not installed: {name}")
            continue
        socks = Socks(t.peer_port)
        t.closers.append(socks.listener.close)
        file = t.dir / f"{name}.conf"
        file.write_text(config % socks.port)
        for first in (False, True):
            # Behind the other, the agent sees what it says to its proxy, which is not HTTP.
            t.same(["python3", "-c", FAR], ("up", "tls", "stuck", "down"), preload=[library], agent_first=first,
                   env={variable: file}, status=0, spans=3 if first else 0)
        t.check(set(socks.asked) == {("10.9.8.7", 80)}, f"{name}: the exporter went through the proxy: {socks.asked}")
    if not t.checks:
        t.skip("neither is installed")


@case(10, "in a year that is pretended, spans still leave over TLS, and at their real time")
def c10_other_year(t):
    library = Path(LIBRARIES, "faketime/libfaketime.so.1")
    if not library.exists():
        t.skip("not installed: faketime")
    for when in ("@2001-02-03 04:05:06", "+40y", "2030-01-01 00:00:00"):
        for first in (False, True):
            argv = ["python3", "-c", "import os, time; from http.client import HTTPConnection as H; "
                    "c = H('127.0.0.1', int(os.environ['PEER_PORT'])); c.request('GET', '/'); "
                    "print(c.getresponse().read(), time.gmtime().tm_year)"]
            off = t.run(argv, preload=[library], env={"FAKETIME": when})
            on = t.run(argv, "tls", preload=[library], agent_first=first, env={"FAKETIME": when}, wait_spans=1)
            t.equal(off, on, f"FAKETIME={when}")
            t.check(len(on.spans) == 1 and abs(on.spans[0]["start"] / 1e9 - time.time()) < 3600,
                    f"FAKETIME={when}: {on.spans}")
