"""The kinds of programs that are measured. A program is an object of one of them, in a file of programs/.

Each has a name, the executables that it needs, the number of spans that one request gives, and the name of the peer
that does the same (peers.py). open(subject) makes it ready in one variant; what it returns has

  saturate(seconds)     as many requests as it can: a dict with requests, rate, app and worker (CPU seconds a request)
  pace(rate, seconds)   so many requests a second, whatever it does: a dict with requests, p50 and p99 in seconds, and
                        paced (CPU seconds a request at that rate, the agent's thread among them)
  memory()              a dict with rss and pss in bytes
  start_up()            of one with has_start, seconds from its start to its first answer

of which what a kind cannot tell is left out.
"""
import os
import re
import ssl
import subprocess
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

import probe
from harness import which

TRIES = 5  # on a machine that is busy with other things the first answer can take longer than a slice


def output(*argv):
    done = subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise SystemExit(f"bench: {argv[0]} fails: {done.stdout[-800:]}")
    return done.stdout


class Program:
    has_start = False
    warm_seconds = 1

    def __init__(self, name, needs, spans=1, peer=None):
        self.name, self.needs, self.spans, self.peer = name, needs, spans, peer

    def can_run(self):
        return all(which(n) or Path(n).exists() for n in self.needs)


class HttpServer(Program):
    """start(subject) starts it and returns its Process; the path is asked over so many connections."""
    has_start = True

    def __init__(self, name, start, path="/hello", needs=(), connections=16, tls=False, instructions=False, warm_seconds=1, **more):
        super().__init__(name, [*needs, "wrk"], **more)
        self.warm_seconds = warm_seconds  # of one that compiles itself as it runs, more
        self.start, self.path, self.connections = start, path, connections
        self.tls, self.instructions = tls, instructions

    def open(self, subject):
        return Running(self, subject, self.start(subject))

    def answered(self, running):
        """Waits for one answer."""
        tls = ssl._create_unverified_context() if self.tls else None
        with urllib.request.urlopen(running.process.url + self.path, timeout=60, context=tls) as answer:
            answer.read()

    def load(self, running, seconds):
        for attempt in range(TRIES):  # each twice as long: ten thousand connections take a while to be made
            out = output(which("wrk"), "-t1", f"-c{self.connections}", f"-d{seconds << attempt}s", "--timeout", "60s",
                         running.process.url + self.path)
            requests = int(re.search(r"(\d+) requests in", out)[1])
            if requests:
                break
        if requests == 0 or "Non-2xx" in out:
            raise SystemExit(f"bench: {self.name} did not answer well:\n{out}")
        return requests, float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])

    def load_paced(self, running, rate, seconds):
        out = output(running.subject.tool / "pace", running.process.port, self.path, rate, seconds, self.connections,
                     *(["--tls"] if self.tls else []))
        answered, failed = (int(n) for n in re.search(r"answered (\d+) failed (\d+)", out).groups())
        if failed:
            raise SystemExit(f"bench: {self.name} did not answer well: {out}")
        return answered, *(float(us) * 1e-6 for us in re.search(r"p50 ([\d.]+) .*p99 ([\d.]+)", out).groups())


class Http2Server(HttpServer):
    """The same asked by h2load, with so many streams at once on each connection."""

    def __init__(self, *arguments, streams=100, **more):
        super().__init__(*arguments, connections=4, **more)
        self.needs, self.streams = [*self.needs, "h2load"], streams

    def answered(self, running):
        self.h2load_once(running, "-n", "1", "-c", "1", "-m", "1")

    def h2load_once(self, running, *more):
        return output(which("h2load"), *more, *([] if self.tls else ["-p", "h2c"]), running.process.url + self.path)

    def h2load(self, running, seconds, *more):
        out = self.h2load_once(running, "-c", self.connections, "-m", self.streams, "-D", seconds, *more)
        succeeded, failed = (int(n) for n in re.search(r"(\d+) succeeded, (\d+) failed", out).groups())
        if not succeeded or failed:
            raise SystemExit(f"bench: {self.name} did not answer well:\n{out}")
        return succeeded, float(re.search(r"([\d.]+) req/s", out)[1])

    def load(self, running, seconds):
        return self.h2load(running, seconds)

    def load_paced(self, running, rate, seconds):
        with tempfile.NamedTemporaryFile() as log:
            requests, _ = self.h2load(running, seconds, f"--rps={max(1, rate // self.connections)}", f"--log-file={log.name}")
            took = sorted(int(line.split()[2]) for line in log.read().decode().splitlines())
        return requests, *(took[int(q * (len(took) - 1))] * 1e-6 for q in (0.5, 0.99))


class Running:
    """A server that listens."""

    def __init__(self, program, subject, process):
        self.program, self.subject, self.process = program, subject, process

    def asked(self, load, *arguments):
        """What load says, requests first; then CPU seconds a request, of the program and of the agent's thread."""
        pid = self.process.popen.pid
        before = probe.cpu_seconds(pid)
        requests, *found = load(self, *arguments)
        return requests, *found, *((after - b) / requests for after, b in zip(probe.cpu_seconds(pid), before))

    def saturate(self, seconds):
        return dict(zip(("requests", "rate", "app", "worker"), self.asked(self.program.load, seconds)))

    def pace(self, rate, seconds):
        requests, p50, p99, app, worker = self.asked(self.program.load_paced, rate, seconds)
        return {"requests": requests, "p50": p50, "p99": p99, "paced": app + worker}

    def start_up(self):
        self.program.answered(self)
        return time.perf_counter() - self.subject.begun

    def memory(self):
        return dict(zip(("rss", "pss"), probe.rollup(self.process.popen.pid, "Rss", "Pss")))


class Client(Program):
    """A program that asks a server, is traced itself, and ends. server(subject) starts what it asks.

    argv(server, count) is its command line; parse(output, count, folder it ran in) says (requests, rate, p50, p99), with None for
    what it does not know. paced(server, rate, seconds) is the command line of one that can hold a rate; what parse says then
    are the latencies at that rate, else at what it does.
    """

    def __init__(self, name, server, argv, parse, count, paced=None, needs=(), **more):
        super().__init__(name, needs, **more)
        self.server, self.argv, self.parse, self.count, self.paced = server, argv, parse, count, paced

    def open(self, subject):
        return Asking(self, subject, self.server(subject))


class Asking:
    """A client with its server, run again for each slice."""

    def __init__(self, program, subject, server):
        self.program, self.subject, self.server = program, subject, server

    def watch(self, pid, over, found):
        """Reads while it runs what is gone at its end."""
        while not over.wait(0.02):
            found["worker"] = max(found["worker"], probe.worker_seconds(pid))
            try:
                rss, pss = probe.rollup(pid, "Rss", "Pss")
            except OSError:
                return
            found["rss"], found["pss"] = max(found["rss"], rss), max(found["pss"], pss)

    def run(self, argv):
        argv = [str(a) for a in (*self.subject.prefix, *argv)]
        with open(self.subject.dir / "client.out", "w+b") as out:
            popen = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, cwd=self.subject.dir,
                                     env=self.subject.environment(self.program.name, True, {}))
            found, over = {"worker": 0, "rss": 0, "pss": 0}, threading.Event()
            watcher = threading.Thread(target=self.watch, args=(popen.pid, over, found))
            watcher.start()
            _, status, used = os.wait4(popen.pid, 0)
            popen.returncode = os.waitstatus_to_exitcode(status)
            over.set()
            watcher.join()
            out.seek(0)
            text = out.read().decode(errors="replace")
        if status:
            raise SystemExit(f"bench: {argv[0]} ended with {popen.returncode}: {text[-800:]}")
        return text, used.ru_utime + used.ru_stime, found

    def saturate(self, seconds):
        count = int(self.program.count * seconds)
        text, spent, self.found = self.run(self.program.argv(self.server, count))
        requests, rate, p50, p99 = self.program.parse(text, count, self.subject.dir)
        worker = min(self.found["worker"], spent)
        result = {"requests": requests, "rate": rate, "app": (spent - worker) / requests, "worker": worker / requests}
        return result if self.program.paced else {**result, "p50": p50, "p99": p99}

    def pace(self, rate, seconds):
        if not self.program.paced:
            return {"requests": 0}
        text, spent, _ = self.run(self.program.paced(self.server, rate, seconds))
        requests, _, p50, p99 = self.program.parse(text, rate * seconds, self.subject.dir)
        return {"requests": requests, "p50": p50, "p99": p99, "paced": spent / requests}

    def memory(self):
        return {name: self.found[name] for name in ("rss", "pss") if self.found[name]}


class Command(Program):
    """A short program, run again and again: what a run takes is its latency, and its CPU all that it used."""

    def __init__(self, name, argv, server=lambda subject: None, runs=20, **more):
        super().__init__(name, **more)
        self.argv, self.server, self.runs = argv, server, runs

    def open(self, subject):
        return Repeated(self, subject, self.server(subject))


class Repeated:
    def __init__(self, program, subject, server):
        self.program, self.subject = program, subject
        self.argv = [str(a) for a in program.argv(server)]
        self.env = subject.environment(program.name, True, {})

    def saturate(self, seconds):
        runs, took, spent = int(self.program.runs * seconds), [], 0
        for _ in range(runs):
            begin = time.perf_counter()
            popen = subprocess.Popen(self.argv, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
            _, status, used = os.wait4(popen.pid, 0)
            took.append(time.perf_counter() - begin)
            popen.returncode = os.waitstatus_to_exitcode(status)
            if status:
                raise SystemExit(f"bench: {self.argv[0]} ended with {popen.returncode}")
            spent += used.ru_utime + used.ru_stime
        took.sort()
        return {"requests": runs, "rate": runs / sum(took), "app": spent / runs, "worker": 0, "p50": took[runs // 2],
                "p99": took[int(0.99 * (runs - 1))]}

    def pace(self, rate, seconds):
        return {"requests": 0}

    def memory(self):
        return {}  # the largest size that the kernel tells is that of this process before it became the program
