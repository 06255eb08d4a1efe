#!/usr/bin/env python3
"""Counts what h2load says of HTTP/2 servers with the agent and without, and the spans that come of it.

  http2.py [--build DIR] [--requests N] [--connections N] [SERVER...]

Each server gets N requests (2,000) in 1, 10 and 100 streams on each of the connections (4), in clear and inside TLS, from a
server and a client without the agent and then with it. Prints the rows of a Markdown table; the status is 1 where
something failed only with the agent, or spans or parents are missing or wrong.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
from apps import Build  # noqa: E402
from harness import Test, which  # noqa: E402
from http2_apps import SERVERS, h2load  # noqa: E402

STREAMS = (1, 10, 100)
VERSION = {"nghttpd": "--version", "nginx": "-v", "h2o": "--version", "apache": "-v"}


def version(name):
    program = which(SERVERS[name][1][0])
    said = subprocess.run([program, VERSION[name]], capture_output=True, text=True)
    words = (said.stdout + said.stderr).split("\n")[0].split()
    return next(w.partition("/")[2] or w for w in words if w.rpartition("/")[2][:1].isdigit())


class Queued(Test):
    """Its programs keep all their spans until they are delivered."""

    def environment(self, name, agent, extra):
        return super().environment(name, agent, {"OTEL_BSP_MAX_QUEUE_SIZE": 1000000,
                                                  "REMORA_EXIT_TIMEOUT": 60000, **extra})


def measure(name, tls, streams, options, build, agent):
    """(failed requests, SERVER spans, CLIENT spans, SERVER spans below the CLIENT span of their request)"""
    t = Queued("bench.http2", build)
    try:
        server = SERVERS[name][0](t, agent=agent, tls=tls)
        failed = h2load(t, f"{server.url}/index.html", options.requests, options.connections, streams, agent=agent)
        spans = t.sink.wait(2 * options.requests, 20.0) if agent else []
        clients = {s["span_id"] for s in spans if s["kind"] == "CLIENT"}
        parents = [s["parent_id"] for s in spans if s["kind"] == "SERVER"]
        return failed, len(parents), len(clients), len(set(parents) & clients)
    finally:
        t.close()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--connections", type=int, default=4)
    parser.add_argument("servers", nargs="*")
    options = parser.parse_args()
    bad = 0
    print("| server | | streams | requests | failed without the agent | failed with it | SERVER spans | CLIENT spans | "
          "each SERVER below its CLIENT |\n|---|---|---|---|---|---|---|---|---|")
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as stage:
        build = Build(Path(options.build).resolve(), Path(stage), agent=True)
        for name in options.servers or SERVERS:
            if not all(which(p) for p in SERVERS[name][1]):
                continue
            for tls in (False, True):
                for streams in STREAMS:
                    before, *_ = measure(name, tls, streams, options, build, agent=False)
                    failed, servers, clients, linked = measure(name, tls, streams, options, build, agent=True)
                    bad += failed > before or not servers == clients == linked == options.requests
                    print(f"| {name} {version(name)} | {'TLS' if tls else 'clear'} | {streams} | {options.requests:,} | {before} | "
                          f"{failed} | {servers:,} | {clients:,} | {linked:,} |", flush=True)
    return bad != 0


if __name__ == "__main__":
    sys.exit(main())
