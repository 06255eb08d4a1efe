#!/usr/bin/env python3
"""Counts the instructions and system calls that the agent adds to single calls of a program.

micro.c runs under callgrind without the agent and with it; the difference, per call, is the table.
Counts do not depend on the machine's load, so a limit on them is a test: one that fails when the
hot path became more than a tenth dearer than micro.limits says.

Usage: micro.py --micro PROGRAM --agent LIBREMORA_SO [--check LIMITS | --write LIMITS]
Exit code 77 (skipped) without valgrind.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

CALLS = 64
SLACK = 1.10

# What the table shows: the variant of the run, then the steps of micro.c that are added up, and how many
# operations they stand for when they are several.
ROWS = {
    "read of a file": ("plain", ["file_read"]),
    "write to a datagram socket": ("plain", ["datagram_write"]),
    "read amid a request body": ("plain", ["body_read"]),
    "SERVER exchange": ("plain", ["server_reads", "server_answers"]),
    "SERVER exchange, each another": ("varied", ["server_reads", "server_answers"]),
    "SERVER exchange, remote parent": ("child", ["server_reads", "server_answers"]),
    "SERVER exchange, not sampled": ("off", ["server_reads", "server_answers"]),
    "SERVER exchange, no room for spans": ("full", ["server_reads", "server_answers"]),
    "CLIENT exchange": ("plain", ["client_asks", "client_reads"]),
    "CLIENT exchange, each another": ("varied", ["client_asks", "client_reads"]),
    "CLIENT exchange, not sampled": ("off", ["client_asks", "client_reads"]),
    "CLIENT exchange, its request alone": ("plain", ["client_asks"]),
    "HTTP/2 stream served": ("plain", ["stream_served", "stream_answers"]),
    "HTTP/2 stream asked": ("plain", ["stream_asks", "stream_reads"]),
    "SERVER exchange inside TLS": ("tls", ["tls_server_reads", "tls_server_answers"]),
    "CLIENT exchange inside TLS": ("tls", ["tls_client_asks", "tls_client_reads"]),
    "Redis command in a pipeline of 16": ("plain", ["cache_asks", "cache_reads"], 16),
    "SQL query as text": ("plain", ["query_asks", "query_reads"]),
    "SQL query, prepared": ("plain", ["execute_asks", "execute_reads"]),
    "SQL query as text, not sampled": ("off", ["query_asks", "query_reads"]),
    "gRPC call asked, a message each way": ("rest", ["call_asks", "call_reads"]),
    "AMQP message published": ("rest", ["message_published"]),
    "DNS question, over TCP": ("rest", ["question_asked", "answer_read"]),
    "line on standard error, as a log": ("rest", ["line_written"]),
}
# Arguments and settings of each variant; exports go nowhere, the records are made all the same.
VARIANTS = {
    "plain": ("plain", {}),
    "child": ("child", {}),
    "varied": ("varied", {}),
    "tls": ("tls", {}),
    "full": ("full", {}),
    "off": ("plain", {"OTEL_TRACES_SAMPLER": "always_off"}),
    "rest": ("rest", {"OTEL_LOGS_EXPORTER": "otlp", "REMORA_DNS": "all"}),
}


def profile(micro, agent, variant):
    """Runs the program; returns what callgrind says of it."""
    kind, settings = VARIANTS[variant]
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "REMORA_", "LD_"))}
    env.update(settings)
    if agent:
        env["LD_PRELOAD"] = str(agent)
    with tempfile.TemporaryDirectory() as folder:
        out, said = Path(folder) / "out", Path(folder) / "stderr"
        with open(said, "w") as stderr:  # a file: what is written there is a log, wherever this runs
            done = subprocess.run(["valgrind", "-q", "--tool=callgrind", "--collect-systime=yes",
                                   f"--callgrind-out-file={out}", micro, str(CALLS), kind], env=env, stderr=stderr)
        if done.returncode:
            sys.exit(f"micro {kind} fails: {said.read_text()}")
        return out.read_text()


def step_costs(text):
    """(instructions, system calls) of each step, all its calls together, as called by measure()."""
    names, costs = {}, {}
    inside, callee, due = False, None, False
    for line in text.splitlines():
        m = re.match(r"(c?fn)=\((\d+)\)(?: (.*))?", line)
        if m:
            name = names.setdefault(m[2], m[3])
            if m[1] == "fn":
                inside = name == "measure"
            else:
                callee = name
        elif line.startswith("calls="):
            due = inside
        elif due:
            ir, calls = (int(n) for n in (line.split()[1:] + ["0"])[:2])
            old = costs.get(callee, (0, 0))
            costs[callee] = (old[0] + ir, old[1] + calls)
            due = False
    return costs


def count(micro, agent):
    """{row: (instructions, system calls) added per call}"""
    added = {}
    for variant in VARIANTS:
        without = step_costs(profile(micro, None, variant))
        with_agent = step_costs(profile(micro, agent, variant))
        for row, (of, steps, *operations) in ROWS.items():
            if of == variant:
                calls = CALLS * (operations[0] if operations else 1)
                added[row] = tuple(sum(with_agent[s][i] - without[s][i] for s in steps) / calls for i in (0, 1))
    return {row: added[row] for row in ROWS}


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--micro", required=True)
    parser.add_argument("--agent", required=True)
    parser.add_argument("--check", metavar="LIMITS")
    parser.add_argument("--write", metavar="LIMITS")
    args = parser.parse_args()

    if not shutil.which("valgrind"):
        print("valgrind is not here: nothing counted")
        return 77
    added = count(args.micro, args.agent)
    limits = json.loads(Path(args.check).read_text()) if args.check else {}
    failed = []
    print(f"{'added per call':36} {'instructions':>12} {'limit':>6} {'system calls':>13}")
    for row, (instructions, calls) in added.items():
        limit = limits.get(row)
        print(f"{row:36} {instructions:12.0f} {limit or '':>6} {calls:13.2f}")
        # One call now and then (a page seen for the first time) is none per call.
        if calls > 0.05 or (limit is not None and instructions > limit):
            failed.append(row)
    if args.write:
        Path(args.write).write_text(json.dumps(
            {row: round(n * SLACK) for row, (n, _) in added.items()}, indent=4) + "\n")
    for row in failed:
        print(f"too dear: {row.strip()}", file=sys.stderr)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
