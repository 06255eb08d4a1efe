#!/usr/bin/env python3
"""Runs the suites of other projects without and with the agent and reports what only the agent breaks.

  run.py [--build DIR] [--work DIR] [--list] [SUITE[:PART]...]

Each part of a suite runs once without the agent and once with it, spans going to a live sink. A test
that fails only with the agent is run again: with propagation off, and up to three times without the
agent and with it.
  new      it fails with the agent in every run and never without
  header   as new, but it passes with OTEL_PROPAGATORS=none and is named in expected/SUITE.txt with the
           reason: the test is about the very bytes of a head, and sees the line that we add
  shaky    it passed with the agent in another run
Exit status 1 when there is a new one. Logs stay below the work folder (default deps/others).

Some tests connect to addresses of other machines: run as root, all of them run in a network of their own,
in which there is only this machine.
"""
import argparse
import ctypes
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
sys.path.insert(0, str(HERE.parent / "e2e"))
from sink import Sink  # noqa: E402

from cpython import CPython  # noqa: E402
from curl import Curl  # noqa: E402
from debian import Debian  # noqa: E402
from haproxy import Haproxy  # noqa: E402
from libevent import Libevent  # noqa: E402
from libuv import Libuv  # noqa: E402
from nginx import Nginx  # noqa: E402
from node import Node  # noqa: E402
from perl import Perl  # noqa: E402
from php import Php  # noqa: E402
from pyweb import PyWeb  # noqa: E402
from redis import Redis  # noqa: E402
from ruby import Ruby  # noqa: E402
from wget import Wget  # noqa: E402

SUITES = [CPython, Libuv, Curl, Redis, Nginx, Node, Php, Haproxy, Ruby, Perl,
          Libevent, Wget, PyWeb]
BASE = {k: v for k, v in os.environ.items()
        if not k.startswith(("OTEL_", "REMORA_")) and k not in ("TRACEPARENT", "LD_PRELOAD")}
BASE.update(PATH="/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C.UTF-8")


TURNS = 3


class Agent:
    """Copies of the objects under test, so that a build meanwhile does not change them, and a sink."""

    def __init__(self, build, stage):
        stage.chmod(0o755)  # libuv's tests run as nobody
        for name, folder in (("libremora.so", "hooks"), ("remora-export.so", "exporters")):
            if not (build / folder / name).is_file():
                raise SystemExit(f"run.py: no {name} below {build}; build first (./dev build)")
            shutil.copy(build / folder / name, stage / name)
        self.sink = Sink()
        self.environment = {**BASE, "LD_PRELOAD": str(stage / "libremora.so"),
                            "REMORA_EXPORT_OBJECT": str(stage / "remora-export.so"),
                            "OTEL_EXPORTER_OTLP_ENDPOINT": self.sink.endpoint,
                            "OTEL_BSP_SCHEDULE_DELAY": "200"}


def expected(suite):
    """The tests that see our header, from expected/SUITE.txt; lines that begin with # give the reasons."""
    path = HERE / "expected" / f"{suite.name}.txt"
    lines = path.read_text().splitlines() if path.exists() else []
    return {line for line in lines if line and not line.startswith("#")}


def failed(results):
    return {test for test, verdict in results.items() if verdict == "fail"}


class Row:
    """What became of one suite."""

    def __init__(self, suite):
        self.suite = suite
        self.tests = self.skipped = self.without = self.with_agent = self.spans = 0
        self.new, self.header, self.shaky = [], [], []

    def all(self):
        return [(kind, test) for kind in ("new", "header", "shaky") for test in getattr(self, kind)]

    def __str__(self):
        return (f"| {self.suite.name} {self.suite.version} | {self.tests} | {self.skipped} | "
                f"{self.without} | {self.with_agent} | {len(self.new)} | {len(self.header)} | "
                f"{len(self.shaky)} | {self.spans} |")


HEAD = ("| suite | tests | skipped | fail without | fail with | new | header | shaky | spans |\n"
        "|---|---|---|---|---|---|---|---|---|")


def compare(suite, part, agent, logs, row):
    """Runs one part in all the ways it takes and adds what came out to `row`."""
    def once(how, env):
        results = suite.run(part, env, logs / f"{part.replace('/', '_')}.{how}.log")
        # A test that was there without the agent and now is not did not run: that is a failure too.
        complete = f"{part}: no test is missing"
        results[complete] = "fail" if set(off) - set(results) - {complete} else "ok"
        return results

    off = {}
    spans = len(agent.sink.received)
    off = once("off", BASE)
    traced = {**agent.environment, **suite.environment}
    on = once("on", traced)
    row.spans += len(agent.sink.received) - spans
    row.tests += len(on)
    row.skipped += sum(verdict == "skip" for verdict in on.values())
    row.without += len(failed(off))
    row.with_agent += len(failed(on))
    suspects = failed(on) - failed(off)
    quiet = once("on-none", {**traced, "OTEL_PROPAGATORS": "none"}) if suspects else {}
    sees_header = {test for test in suspects if quiet.get(test) in ("ok", "skip")}
    for turn in range(TURNS):
        if not suspects:
            return
        suspects -= failed(once(f"off-{turn}", BASE))
        again = once(f"on-{turn}", traced)
        passed = {test for test in suspects if again.get(test) in ("ok", "skip")}
        row.shaky += sorted(passed)
        suspects -= passed
        known = suspects & sees_header & expected(suite)
        row.header += sorted(known)
        suspects -= known
    for test in sorted(suspects & sees_header):
        print(f"  {test}: passes with OTEL_PROPAGATORS=none, and is not in expected/{suite.name}.txt")
    row.new += sorted(suspects)


def leave_network():
    """No test reaches beyond this machine from here on, where that may be had."""
    clone_newnet = 0x40000000
    if os.getuid() or ctypes.CDLL(None).unshare(clone_newnet):
        print("run.py: not root: tests that connect to other machines do so", file=sys.stderr)
    else:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)


def whole(suite, agent, wanted):
    """Runs the parts of a suite, or those that were asked for; returns its row."""
    row = Row(suite)
    asked = [w.split(":", 1)[1] for w in wanted if w.startswith(suite.name + ":")]
    logs = suite.work.parent / "logs" / suite.name
    logs.mkdir(parents=True, exist_ok=True)
    for part in suite.parts():
        if asked and part not in asked:
            continue
        begin, known = time.monotonic(), set(row.all())
        compare(suite, part, agent, logs, row)
        print(f"{suite.name}:{part}: {time.monotonic() - begin:.0f} s", flush=True)
        for kind, test in row.all():
            if (kind, test) not in known:
                print(f"  {kind}: {test}", flush=True)
    return row


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--work", default=str(ROOT / "deps" / "others"))
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--packages", action="store_true", help="print what must be installed")
    parser.add_argument("wanted", nargs="*", metavar="SUITE[:PART]")
    options = parser.parse_args()
    work = Path(options.work).resolve()
    suites = [suite(work) for suite in SUITES]
    names = {w.split(":")[0] for w in options.wanted} or {s.name for s in suites}
    if unknown := names - {s.name for s in suites}:
        raise SystemExit(f"run.py: no suite {', '.join(sorted(unknown))}")
    suites = [s for s in suites if s.name in names]
    if options.packages:
        print(*sorted({p for s in suites for p in s.packages}))
        return 0

    # Started in the background of a shell we would ignore it, and so would every test.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    debian, rows = Debian(work), []
    if options.list:
        for suite in suites:
            suite.prepare(debian)
            print(*(f"{suite.name}:{p}" for p in suite.parts()), sep="\n")
        return 0
    for suite in suites:
        suite.prepare(debian)
    leave_network()
    with tempfile.TemporaryDirectory(prefix="remora-others-") as stage:
        agent = Agent(Path(options.build).resolve(), Path(stage))
        for suite in suites:
            rows.append(whole(suite, agent, options.wanted))
    print("", HEAD, *rows, sep="\n")
    return 1 if any(row.new for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
