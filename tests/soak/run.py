#!/usr/bin/env python3
"""Servers of many kinds at work for as long as one likes, each with the agent and without: does anything grow?

  run.py [--build DIR] [--minutes N]

Every server is asked without pause by two clients, one on kept connections and one that opens a new one for
each request; those that can ask a backend do. gunicorn's workers are replaced all the time, and nginx
is told to read its configuration anew. Of each server with all its children the proportional memory, threads
and descriptors are read every few seconds. What counts is the middle third of the time against the last.
A server fails when with the agent its memory, threads or descriptors grew by more beyond what they grew
without than SLACK says.
"""
import argparse
import contextlib
import http.client
import os
import signal
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import apps  # noqa: E402
from harness import Test, which  # noqa: E402

SLACK = (2048, 2, 2)  # KB, threads, descriptors
PAUSE = 0.005  # between two requests of a client: the sink is a Python program
WORKERS = ("--workers", "2", "--max-requests", "200", "--max-requests-jitter", "100")


def servers(t, agent, backend):
    """Starts each kind that is installed; yields (name, process, path that is asked)."""
    def all_kinds():
        yield "c_epoll", "cc", lambda: apps.c_epoll(t, agent=agent, name="c_epoll"), "/hello"
        yield "nginx", "nginx", lambda: apps.nginx(t, backend, agent, workers=2), "/call"
        yield "python", "python3", lambda: apps.python(t, backend, agent), "/call"
        yield "gunicorn", "gunicorn", lambda: apps.gunicorn(t, backend, agent, WORKERS), "/call"
        yield "node", "node", lambda: apps.node(t, backend, agent), "/call"
        yield "puma", "puma", lambda: apps.puma(t, backend, agent), "/call"
        yield "java", "javac", lambda: apps.java(t, backend, agent), "/call"
    for name, program, start, path in all_kinds():
        if which(program):
            yield name, start(), path


def family(pid):
    """The process and all that descend from it."""
    found, waiting = [], [pid]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        with contextlib.suppress(OSError):
            for task in os.listdir(f"/proc/{pid}/task"):
                waiting += map(int, Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def footprint(pid):
    """(proportional memory in KB, threads, descriptors) of a family; one that ends meanwhile counts for nothing."""
    memory = threads = descriptors = 0
    for member in family(pid):
        with contextlib.suppress(OSError):
            rollup = Path(f"/proc/{member}/smaps_rollup").read_text()
            memory += sum(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
            threads += len(os.listdir(f"/proc/{member}/task"))
            descriptors += len(os.listdir(f"/proc/{member}/fd"))
    return memory, threads, descriptors


class Subject:
    """One server, what asks it, and what was read of it."""

    def __init__(self, name, process, path):
        self.name, self.process, self.path = name, process, path
        self.samples, self.answers = [], 0
        self.over = threading.Event()
        self.clients = [threading.Thread(target=self.ask, args=(kept,)) for kept in (True, False)]
        for client in self.clients:
            client.start()

    def ask(self, kept):
        connection = None
        while not self.over.is_set():
            # A worker that is replaced may close between two requests.
            try:
                connection = connection or http.client.HTTPConnection("127.0.0.1", self.process.port, timeout=20)
                connection.request("GET", self.path)
                self.answers += connection.getresponse().read() is not None
            except (OSError, http.client.HTTPException):
                connection.close()
                connection = None
            if connection and not kept:
                connection.close()
                connection = None
            self.over.wait(PAUSE)

    def sample(self):
        self.samples.append(footprint(self.process.popen.pid))

    def stop(self):
        self.over.set()
        for client in self.clients:
            client.join()

    def thirds(self):
        """Medians of the middle third and of the last one."""
        third = len(self.samples) // 3
        parts = self.samples[third:2 * third], self.samples[-third:]
        return [[statistics.median(column) for column in zip(*part)] for part in parts]


def verdict(traced, bare):
    """Prints the row of one server; true when nothing grew."""
    early, late = traced.thirds()
    early_bare, late_bare = bare.thirds()
    ok = traced.answers > 0 and all(
        after - before - max(0, after_bare - before_bare) <= slack
        for before, after, before_bare, after_bare, slack in zip(early, late, early_bare, late_bare, SLACK))
    figures = [value for pair in ((early, late), (early_bare, late_bare)) for value in (pair[0][0], pair[1][0])]
    figures += [value for i in (1, 2) for value in (early[i], late[i])]
    print(f"{traced.name:9} {traced.answers:8} {figures[0]:8.0f} {figures[1]:8.0f} {figures[2]:8.0f} {figures[3]:8.0f} "
          f"{figures[4]:5.0f} {figures[5]:5.0f} {figures[6]:5.0f} {figures[7]:5.0f}  {'flat' if ok else 'GROWS'}",
          flush=True)
    return ok


def soak(pairs, sink, seconds):
    end = time.monotonic() + seconds
    spans = 0
    while time.monotonic() < end:
        time.sleep(min(5, seconds / 30))
        spans += len(sink.received)
        sink.received.clear()
        for subject in (s for pair in pairs for s in pair):
            subject.sample()
            if subject.name == "nginx" and len(subject.samples) % 4 == 0:
                subject.process.popen.send_signal(signal.SIGHUP)
    return spans


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--minutes", type=float, default=20)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="remora-soak-") as stage, contextlib.ExitStack() as ending:
        build = apps.Build(Path(options.build).resolve(), Path(stage), agent=True)
        tests = Test("soak", build), Test("bare", build)
        for test in tests:  # also of a run that is broken off
            ending.callback(test.close)
        backend = apps.c_epoll(tests[1], agent=False, name="backend").url
        pairs = [(Subject(*a), Subject(*b)) for a, b in zip(servers(tests[0], True, backend),
                                                            servers(tests[1], False, backend))]
        try:
            spans = soak(pairs, tests[0].sink, options.minutes * 60)
        finally:
            for subject in (s for pair in pairs for s in pair):
                subject.stop()
        print("medians of the middle and the last third: memory (PSS, KB) with the agent and without, threads, "
              "descriptors\nserver     answers   memory           without          threads     descriptors")
        flat = [verdict(*pair) for pair in pairs]
        print(f"{spans} spans")
    return 0 if all(flat) else 1


if __name__ == "__main__":
    sys.exit(main())
