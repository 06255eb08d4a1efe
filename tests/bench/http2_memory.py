#!/usr/bin/env python3
"""What connections of HTTP/2 cost a server: the same connections to one without the agent and to one with it, all kept open.

  http2_memory.py [--build DIR] [--connections N] [SERVER...]

Each of the N (10,000) connections asks once. "plain" has a head of four fields, in "full" the head fills the table of 4,096
bytes that compresses the client's heads. Prints the rows of a Markdown table: proportional memory of all processes of the
server beyond what it had before, for each connection, and what the agent added of that; then the same connections again.
"""
import argparse
import resource
import socket
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from apps import Build  # noqa: E402
from harness import Failure, Test, which  # noqa: E402
from http2_apps import SERVERS, memory_kib  # noqa: E402

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\x04\x00" + bytes(4)
# GET http://h/index.html: three fields of the static table, :authority as a literal.
PLAIN = b"\x82\x86\x85\x01\x01h"
# 30 literals that the table learns, each an entry of 134 bytes.
FULL = PLAIN + b"".join(b"\x40\x02" + bytes((97 + i % 26, 97 + i // 26)) + b"\x64" + b"v" * 100 for i in range(30))
HEADS = {"plain": PLAIN, "full": FULL}
END_STREAM, END_HEADERS, HEADERS = 1, 4, 1


def frame(kind, flags, stream, payload):
    return len(payload).to_bytes(3, "big") + bytes((kind, flags)) + stream.to_bytes(4, "big") + payload


def is_answered(data):
    """True once the end of the first stream is among the frames."""
    at = 0
    while at + 9 <= len(data):
        size = int.from_bytes(data[at:at + 3], "big")
        if data[at + 4] & END_STREAM and data[at + 5:at + 9] == b"\0\0\0\1" and at + 9 + size <= len(data):
            return True
        at += 9 + size
    return False


def ask(port, head):
    connection = socket.create_connection(("127.0.0.1", port), timeout=20)
    connection.sendall(PREFACE + frame(HEADERS, END_STREAM | END_HEADERS, 1, head))
    data = b""
    while not is_answered(data):
        more = connection.recv(65536)
        if not more:
            raise Failure(f"the server closed a connection after {data!r}")
        data += more
    return connection


def grown(name, head, options, build, agent):
    """KiB a connection beyond what the server had after one: the first time, and when all were closed and come again."""
    t = Test("bench.http2", build)
    try:
        server = SERVERS[name][0](t, agent=agent)
        ask(server.port, head).close()
        before, figures = memory_kib(server.popen.pid), []
        for _ in range(2):
            kept = [ask(server.port, head) for _ in range(options.connections)]
            figures.append((memory_kib(server.popen.pid) - before) / options.connections)
            for connection in kept:
                connection.close()
            ask(server.port, head).close()
        return figures
    finally:
        t.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--connections", type=int, default=10000)
    parser.add_argument("servers", nargs="*")
    options = parser.parse_args()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    print("| server | heads | connections | without the agent, KiB each | added, KiB each | added when they come again |\n"
          "|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as stage:
        build = Build(Path(options.build).resolve(), Path(stage), agent=True)
        for name in options.servers or ("nginx", "nghttpd", "h2o"):
            if not all(which(p) for p in SERVERS[name][1]):
                continue
            for kind, head in HEADS.items():
                bare = grown(name, head, options, build, agent=False)
                with_it = grown(name, head, options, build, agent=True)
                first, again = (w - b for w, b in zip(with_it, bare))
                print(f"| {name} | {kind} | {options.connections:,} | {bare[0]:.1f} | {first:.1f} | {again:.1f} |", flush=True)


if __name__ == "__main__":
    sys.exit(main())
