#!/usr/bin/env python3
"""Calls between implementations of gRPC, under the agent and without it. Prints TAP, then how many passed.

  run.py [--build DIR] [--work DIR] [--all] [--jobs N] [--list] [PATTERN...]

Each stack (stacks.py) calls itself, and Debian's Python both ways; with --all, each calls each. The same inside TLS, where a
side whose TLS the agent does not see has no spans. Go, which is never seen, is a far side. Each client of gRPC-Web calls
each server of it that speaks its version of HTTP. Each server calls Debian's Python in its handlers (through.py),
inside TLS, too, where that is seen. A pattern is part of "CLIENT-SERVER", "CLIENT-SERVER-tls" or "through-SERVER". One process of the client makes all calls of a pair, over one
channel, and prints a line for each that it can make (pair.py):

  say     unary, answered with what it says: "hello"
  seen    unary, answered with the traceparent that reached the handler
  fail    unary, answered with NOT_FOUND
  none    a method that the server does not have
  sum     client streaming, 50 messages of 3000 bytes: how many bytes they are
  count   server streaming, 100 messages of 100 bytes: "MESSAGES BYTES"
  chat    both, 50 messages of 1000 bytes, each sent back twice
  slow    unary, answered after five seconds, but the deadline is half a second
  cancel  the same without a deadline, cancelled once the server has it (a call of say tells)
  many    seen, fifty times at once

What the client prints is the same with the agent and without, but for the traceparents; each call is one span on each
side, with its method and status, the one below the other; and what reached a handler is the span of its call.
"""
import argparse
import collections
import concurrent.futures
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from apps import Build  # noqa: E402
import harness  # noqa: E402
from harness import Test  # noqa: E402

from pair import Pair  # noqa: E402
from through import Through  # noqa: E402
from stacks import FAR, FAR_WEB, INSIDE, ROOT, STACKS, THROUGH, WEB_CLIENTS, WEB_SERVERS, Missing  # noqa: E402

HUB = "python"
ALONE = [("web-go", "go"), ("web-go-http2", "go"),  # neither side is seen
         ("web-node-text", "go")]  # connect-go has no base64
harness.DEADLINE = 90.0  # two JVMs at a time, on two cores that have other work


def plan(everything):
    """What is run: (name, its kind, its two stacks, whether inside TLS)."""
    names = [s.name for s in STACKS]
    if everything:
        pairs = [(client, server) for client in names for server in names]
    else:
        others = [name for name in names if name != HUB]
        pairs = [(name, name) for name in names] + [(HUB, name) for name in others] + [(name, HUB) for name in others]
    pairs += [(client.name, server.name) for client, server in FAR]
    web = [(c.name, s.name) for c in WEB_CLIENTS for s in WEB_SERVERS if c.http == "1.1" or s.http == "2"]
    web = [(c.name, s.name) for c, s in FAR_WEB] + [pair for pair in web if pair not in ALONE]
    return [("-".join(pair), Pair, pair, False) for pair in pairs + web] + \
        [("-".join((*pair, "tls")), Pair, pair, True) for pair in pairs] + \
        [(f"through-{s.name}", Through, (s.name, HUB), False) for s in THROUGH] + \
        [(f"through-{s.name}-tls", Through, (s.name, HUB), True) for s in INSIDE]


def prepare(work, names):
    """Makes the stacks; returns ({name: stack}, {name: why it is not there})."""
    stacks, missing = {}, {}
    far = [kind for pair in FAR + FAR_WEB for kind in pair]
    for kind in dict.fromkeys([*THROUGH, *WEB_CLIENTS, *WEB_SERVERS, *far]):
        if kind.name not in names:
            continue
        stack = kind(work)
        print(f"# {kind.name}: making it ready", file=sys.stderr, flush=True)
        try:
            stack.make()
            stacks[kind.name] = stack
        except Missing as reason:
            missing[kind.name] = str(reason)
    return stacks, missing


class Report:
    """TAP, and its count."""

    def __init__(self):
        self.counts = collections.Counter()

    def add(self, title, why="", skip=""):
        self.counts["skipped" if skip else "failed" if why else "passed"] += 1
        print(f"{'not ' if why else ''}ok {sum(self.counts.values())} - {title}{f' # SKIP {skip}' if skip else ''}", flush=True)
        if why:
            print("\n".join("# " + line for line in why.splitlines()), flush=True)

    def end(self):
        print(f"1..{sum(self.counts.values())}")
        print(", ".join(f"{self.counts[v]} {v}" for v in ("passed", "failed", "skipped")))
        return 1 if self.counts["failed"] or not self.counts["passed"] else 0


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--work", default=str(ROOT / "deps" / "grpc"))
    parser.add_argument("--all", action="store_true", help="each stack with each")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--debug", metavar="TOPICS", help="REMORA_DEBUG of all programs")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    if options.debug:
        Test.debug = {"REMORA_DEBUG": options.debug}
    wanted = [one for one in plan(options.all) if not options.patterns or any(p in one[0] for p in options.patterns)]
    if options.list:
        print("\n".join(name for name, *_ in wanted))
        return 0
    stacks, missing = prepare(Path(options.work).resolve(), {name for _, _, names, _ in wanted for name in names})
    report = Report()
    with tempfile.TemporaryDirectory(prefix="remora-grpc-") as stage, \
            concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        build = Build(Path(options.build).resolve(), Path(stage), agent=True)
        runs = []
        for name, kind, (first, second), tls in wanted:
            gone = [f"{stack}: {missing[stack]}" for stack in (first, second) if stack in missing]
            if gone:
                report.add(name, skip=gone[0])
                continue
            runs.append(pool.submit(kind(stacks[first], stacks[second], build, tls).run))
        for run in runs:
            checked = run.result()
            for title, why in checked.results:
                report.add(title, why)
            for note in checked.notes:
                print(f"# {checked.name}: {note}", flush=True)
    return report.end()


if __name__ == "__main__":
    sys.exit(main())
