#!/usr/bin/env python3
"""What one background thread does in a second of its own time, and what a span takes on the wire.

worker.c feeds it spans of a server of HTTP, or of a client of Redis; counter.c is the backend. Medians of the rounds, quartiles in brackets.

Usage: worker.py --build DIR [--rounds N] [--spans N]
"""
import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

# Name of a row, compression, what the spans are of.
KINDS = [("requests", "none", []), ("requests, gzip", "gzip", []), ("commands, gzip", "gzip", ["commands"])]


def start_counter(build, folder):
    """The backend and its port."""
    port_file = Path(folder) / "port"
    process = subprocess.Popen([build / "tests/bench/counter", port_file])
    while not port_file.exists() or not port_file.read_text().strip():
        if process.poll() is not None:
            sys.exit("the backend ended")
        time.sleep(0.01)
    return process, int(port_file.read_text())


def counted(port):
    """(spans, bytes of connections) so far."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/") as answer:
        told = dict(re.findall(r"(\w+) (\d+)", answer.read().decode()))
    return int(told["spans"]), int(told["bytes"])


def measure(build, port, compression, of, spans):
    """(spans for each second of the thread, bytes for each span), once."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "REMORA_", "LD_"))}
    env.update(OTEL_EXPORTER_OTLP_ENDPOINT=f"http://127.0.0.1:{port}", OTEL_EXPORTER_OTLP_COMPRESSION=compression)
    before = counted(port)
    done = subprocess.run([build / "tests/bench/worker", str(spans), *of], env=env, text=True, stdout=subprocess.PIPE)
    after = counted(port)
    if done.returncode or after[0] - before[0] != spans:
        sys.exit(f"of {spans} spans {after[0] - before[0]} came: {done.stdout}")
    cpu_ns = int(re.search(r"cpu-ns (\d+)", done.stdout)[1])
    return spans * 1e9 / cpu_ns, (after[1] - before[1]) / spans


def shown(values, digits):
    quartiles = statistics.quantiles(values, n=4) if len(values) > 1 else [values[0]] * 3
    return f"{statistics.median(values):,.{digits}f} ({quartiles[0]:,.{digits}f}-{quartiles[2]:,.{digits}f})"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--spans", type=int, default=512 * 400)
    args = parser.parse_args()

    with tempfile.TemporaryDirectory() as folder:
        counter, port = start_counter(args.build.resolve(), folder)
        try:
            rounds = [[measure(args.build.resolve(), port, *kind[1:], args.spans) for kind in KINDS]
                      for _ in range(args.rounds)]
        finally:
            counter.terminate()
            counter.wait()
    print(f"{'OTLP':16} {'spans a second of one core':>38} {'bytes a span':>24}")
    for i, (name, *_) in enumerate(KINDS):
        of = [r[i] for r in rounds]
        print(f"{name:16} {shown([r[0] for r in of], 0):>38} {shown([r[1] for r in of], 1):>24}")


main()
