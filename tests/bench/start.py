#!/usr/bin/env python3
"""What the agent adds to short programs: to `true`, to 100 execs of a shell, and at the end of a program with spans.

  start.py [--build DIR] [--rounds N]

The variants of a program take turns, so that all of them meet the same machine; printed are the tenth percentile
and the median of the time from fork to the end, how both differ from the first variant, and the medians of the
largest resident size and of the page faults. No verdict.
"""
import argparse
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "torture"))
from frame import Agent, Collector  # noqa: E402

LOOP = "i=0; while [ $i -lt 100 ]; do /bin/true; i=$((i+1)); done"
PLAIN = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "REMORA_", "LD_"))}


def once(spawn, argv, env):
    """(ms, KB, page faults) of one run."""
    done = subprocess.run([spawn, *argv], env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if done.returncode != 0:
        raise SystemExit(f"start.py: {argv[0]} fails: {done.stderr}")
    took, kilobytes, faults = map(int, done.stderr.split()[-3:])
    return took / 1e6, kilobytes, faults


def compare(spawn, title, argv, variants, rounds):
    """Runs {name: environment} in turns."""
    runs = {name: [] for name in variants}
    for _ in range(rounds):
        for name, env in variants.items():
            runs[name].append(once(spawn, argv, env))
    print(f"\n{title}, {rounds} rounds")
    print(f"{'':26}{'p10 ms':>9}{'added':>8}{'median ms':>11}{'added':>8}{'KB':>8}{'added':>7}{'faults':>8}")
    first = None
    for name, found in runs.items():
        times = sorted(run[0] for run in found)
        now = (times[len(times) // 10], statistics.median(times), *(statistics.median(r[i] for r in found) for i in (1, 2)))
        first = first or now
        print(f"{name:26}{now[0]:9.2f}{now[0] - first[0]:+8.2f}{now[1]:11.2f}{now[1] - first[1]:+8.2f}{now[2]:8.0f}"
              f"{now[2] - first[2]:+7.0f}{now[3]:8.0f}")


def relay(agent):
    """A relay, and the environment that leads to it."""
    collector = Collector("relay", agent)
    process = subprocess.Popen([agent.cli, "run", "-q", "--", "sh", "-c", "env; echo; exec cat"], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE, text=True, env={**PLAIN, **collector.environment})
    lines = iter(process.stdout.readline, "\n")
    env = dict(line.rstrip("\n").partition("=")[::2] for line in lines if "=" in line)
    env.pop("TRACEPARENT", None)
    return process, collector, env


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="remora-start-") as stage:
        agent = Agent(Path(options.build).resolve(), Path(stage))
        program = str(Path(stage) / "start")
        spawn = str(Path(stage) / "spawn")
        subprocess.run(["cc", "-O2", "-o", program, HERE / "start.c"], check=True)
        subprocess.run(["cc", "-O2", "-static", "-o", spawn, HERE / "spawn.c"], check=True)
        loaded = {**PLAIN, "LD_PRELOAD": str(agent.library)}
        states = {"up": "http", "down": "refused", "stuck": "stuck", "tls": "https"}
        collectors = {state: Collector(state, agent) for state in states}
        host, relayed, through_relay = relay(agent)

        two = {"without the agent": PLAIN, "with the agent": loaded,
               "  and everything allowed": {**loaded, "REMORA_ALLOW": "*"}}
        compare(spawn, "/bin/true", ["/bin/true"], two, options.rounds)
        compare(spawn, f"sh -c '{LOOP}'", ["/bin/sh", "-c", LOOP], two, max(10, options.rounds // 10))
        ends = {"without the agent": PLAIN, "idle (no exporter)": {**loaded, "OTEL_TRACES_EXPORTER": "none"},
                "relay": through_relay}
        ends |= {name: {**loaded, **collectors[state].environment} for state, name in states.items()}
        compare(spawn, "one exchange (2 spans) and the end", [program], ends, options.rounds)
        for name, collector in {**{states[s]: c for s, c in collectors.items()}, "relay": relayed}.items():
            if collector.sink:
                collector.sink.wait(2 * options.rounds, 5.0)
                print(f"{name}: {len(collector.spans())} of {2 * options.rounds} spans arrived")
        host.stdin.close()
        host.wait()
        for collector in (*collectors.values(), relayed):
            collector.close()


if __name__ == "__main__":
    main()
