#!/usr/bin/env python3
"""What the agent costs: the same unmodified program with and without it, in alternating rounds.

  bench.py [--build DIR] [--quick] [--rounds N] [--seconds S] [--json FILE] [NAME...]

Three copies of each server run side by side: two without the agent (A, B) and one with it (C), all
requests sampled, spans exported to a sink on this machine. A round loads each in turn. Printed are
the medians over rounds of C/A, and of B/A as the noise of this machine. "cpu app" is CPU time per
request without the agent's own thread, "cpu all" with it. Programs that end are timed per run.
"""
import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))
import apps  # noqa: E402
from harness import Test, which  # noqa: E402
from sink import Sink  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
OUR_THREAD = "remora"


def family(pid):
    """The process and all below it."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*"):
            found += [int(child) for child in (task / "children").read_text().split()]
    return found


def stat_seconds(file):
    """(name, CPU time) of a stat file: of a thread, or of a process with the threads that ended."""
    name, _, rest = file.read_text().partition(" (")[2].rpartition(") ")
    return name, sum(map(int, rest.split()[11:13])) / TICK


def cpu_seconds(pid):
    """CPU time of a process and those below it: (of the program, of the agent's thread)."""
    total = agent = 0
    for process in family(pid):
        total += stat_seconds(Path(f"/proc/{process}/stat"))[1]
        for file in Path(f"/proc/{process}/task").glob("*/stat"):
            try:
                name, spent = stat_seconds(file)
            except OSError:  # a thread that ended meanwhile
                continue
            agent += spent if name == OUR_THREAD else 0
    return total - agent, agent


def rss_bytes(pid):
    total = 0
    for process in family(pid):
        total += int(Path(f"/proc/{process}/statm").read_text().split()[1]) * PAGE
    return total


def load(url, seconds, connections):
    out = subprocess.run([which("wrk"), "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", url],
                         stdout=subprocess.PIPE, text=True, check=True).stdout
    requests = int(re.search(r"(\d+) requests in", out)[1])
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out)[1])
    if requests == 0 or "Non-2xx" in out:
        raise SystemExit(f"bench: {url} did not answer well:\n{out}")
    units = {"us": 1e-6, "ms": 1e-3, "s": 1.0}
    p99 = re.search(r"99%\s+([\d.]+)(us|ms|s)", out)
    return requests, rate, float(p99[1]) * units[p99[2]]


def measure(process, path, seconds, connections):
    app, agent = cpu_seconds(process.popen.pid)
    requests, rate, p99 = load(process.url + path, seconds, connections)
    app_after, agent_after = cpu_seconds(process.popen.pid)
    return {"rate": rate, "p99": p99, "app": (app_after - app) / requests,
            "all": (app_after + agent_after - app - agent) / requests, "rss": rss_bytes(process.popen.pid)}


def bench_server(t, start, path, options):
    copies = {"A": start(False), "B": start(False), "C": start(True)}
    rounds = []
    for process in copies.values():
        load(process.url + path, 1, options.connections)  # warm
    for _ in range(options.rounds):
        rounds.append({name: measure(process, path, options.seconds, options.connections)
                       for name, process in copies.items()})
    t.stop()
    result = {"base_rate": statistics.median(r["A"]["rate"] for r in rounds)}
    for key in ("rate", "app", "all", "p99", "rss"):
        result[key] = statistics.median(r["C"][key] / r["A"][key] for r in rounds)
        result[key + "_noise"] = statistics.median(r["B"][key] / r["A"][key] for r in rounds)
    result["rss_added"] = statistics.median(r["C"]["rss"] - r["A"]["rss"] for r in rounds)
    return result


def timed(t, argv, agent, count):
    env = t.environment("program", agent, {})
    begin = time.perf_counter()
    for _ in range(count):
        subprocess.run([str(a) for a in argv], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=True)
    return (time.perf_counter() - begin) / count


def bench_program(t, argv, count, options):
    rounds = []
    for _ in range(options.rounds):
        rounds.append({name: timed(t, argv, name == "C", count) for name in "ABC"})
    base = statistics.median(r["A"] for r in rounds)
    return {"base_ms": base * 1e3,
            "added_ms": statistics.median(r["C"] - r["A"] for r in rounds) * 1e3,
            "noise_ms": statistics.median(r["B"] - r["A"] for r in rounds) * 1e3}


class Bench(Test):
    """A test without checks: its programs export to the bench's sink, which only counts."""

    def __init__(self, name, build, sink):
        super().__init__(name, build)
        self.sink.close()
        self.sink = sink

    def close(self):
        self.sink, kept = Sink(), self.sink
        super().close()
        self.sink = kept


def nginx_proxy(t, agent):
    backend = apps.c_epoll(t, name="backend", agent=False)
    return apps.nginx(t, backend.url, agent=agent, name=f"nginx-{len(t.processes)}")


SERVERS = {
    "c-epoll": (lambda t, agent: apps.c_epoll(t, agent=agent), "/hello"),
    "nginx": (lambda t, agent: apps.nginx(t, agent=agent, name=f"nginx-{len(t.processes)}"), "/hello"),
    "nginx-proxy": (nginx_proxy, "/call"),
    "python": (lambda t, agent: apps.python(t, agent=agent), "/hello"),
    "gunicorn": (lambda t, agent: apps.gunicorn(t, agent=agent), "/hello"),
    "node": (lambda t, agent: apps.node(t, agent=agent), "/hello"),
    "java": (lambda t, agent: apps.java(t, agent=agent), "/hello"),
}
PROGRAMS = {"true": 200, "curl": 40}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 second")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--json", type=Path)
    parser.add_argument("names", nargs="*")
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 3, 1
    names = options.names or [*SERVERS, *PROGRAMS]
    results = {}
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as stage:
        build = apps.Build(Path(options.build).resolve(), Path(stage), agent=True)
        sink = Sink(decode=False)
        print(f"{'':12} {'req/s':>8} {'throughput':>16} {'cpu app':>16} {'cpu all':>16} {'p99':>16} {'rss':>9}")
        for name in names:
            t = Bench(name, build, sink)
            if name in SERVERS:
                start, path = SERVERS[name]
                r = bench_server(t, lambda agent: start(t, agent), path, options)
                cells = " ".join(f"{r[k]:7.3f} (±{abs(1 - r[k + '_noise']):5.3f})" for k in ("rate", "app", "all", "p99"))
                print(f"{name:12} {r['base_rate']:8.0f} {cells} {r['rss_added'] / 1e6:+6.1f} MB", flush=True)
            else:
                target = apps.c_epoll(t, agent=False)
                argv = [which(name)] + ([target.url + "/hello", "-sS"] if name == "curl" else [])
                r = bench_program(t, argv, PROGRAMS[name], options)
                print(f"{name:12} {r['base_ms']:8.2f} ms a run, {r['added_ms']:+.2f} ms with the agent "
                      f"(noise {r['noise_ms']:+.2f} ms)", flush=True)
            results[name] = r
            t.close()
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
