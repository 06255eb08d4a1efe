#!/usr/bin/env python3
"""What the agent costs: the same unmodified program with and without it, in alternating rounds.

  bench.py [--build DIR] [--quick] [--peers] [--rounds N] [--seconds S] [--json FILE] [NAME...]

Copies of each program run side by side: two without an agent, whose difference is the noise of this machine, and one with
Remora, which samples every request and exports to a backend on this machine; with --peers a fourth with OpenTelemetry's agent
for its language, of those programs for which there is one. Each takes its turn in each round: asked as fast as it answers,
then at a fixed rate (half of what the slowest copy could do), then a fresh copy is started.

Printed are the medians over the rounds, and the quartiles. The first row of a program are its own figures without an agent; in the
others throughput, CPU time a request, p50 and p99 are multiples of it in the same round, memory and start-up are differences. "CPU
program" is without the agent's own thread, "with worker" with it, both at full speed; "CPU paced" with it, at the fixed rate, as
p50 and p99 are. No verdict.
"""
import argparse
import datetime
import importlib
import json
import resource
import signal
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parent / "e2e"), str(HERE.parent / "e2e" / "cases")]
import apps  # noqa: E402
import instructions  # noqa: E402
import machine  # noqa: E402
import peers  # noqa: E402
import rounds  # noqa: E402
import table  # noqa: E402
from harness import which  # noqa: E402
from variants import Counter, Variant  # noqa: E402

BASE = "without"
TERMINATED = 128 + signal.SIGTERM


def programs():
    """All that the files of programs/ have."""
    found = {}
    for file in sorted((HERE / "programs").glob("*.py")):
        for program in importlib.import_module(f"programs.{file.stem}").PROGRAMS:
            found[program.name] = program
    return found


def arguments(known):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--quick", action="store_true", help="3 rounds of 1 second, nothing counted by valgrind")
    parser.add_argument("--peers", action="store_true", help="only what OpenTelemetry has an agent for, with that agent too")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--share", type=float, default=0.5, help="of the rate of the slowest copy, for the fixed rate")
    parser.add_argument("--set", metavar="NAME=VALUE", action="append", default=[], help="a variable of Remora's, e.g. for another setting")
    parser.add_argument("--json", type=Path)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    options = parser.parse_args()
    if options.quick:
        options.rounds, options.seconds = 3, 1
    for name in options.names:
        if name not in known:
            parser.error(f"no program {name}; there are {', '.join(known)}")
    return options


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))  # so that what was started ends, too
    known = programs()
    options = arguments(known)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    chosen = [known[name] for name in options.names or known]
    results, failed = {}, []
    print(f"{datetime.date.today()}, {machine.shape()}\n{machine.versions()}")
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as stage:
        build = apps.Build(Path(options.build).resolve(), Path(stage), agent=True)
        tool = build.folder / "tests" / "bench" / "counter"
        counters = {name: Counter(tool, stage, name) for name in ("remora", "peer")}
        try:
            print(f"{options.rounds} rounds of {options.seconds} s; {machine.waiting():.1f} threads ran or waited before\n")
            print(table.HEAD, flush=True)
            for program in chosen:
                if options.peers and not program.peer:
                    continue
                if not program.can_run():
                    print(f"bench: {program.name} is left out: not all of {', '.join(program.needs)} are here", file=sys.stderr)
                    continue
                try:
                    results[program.name] = one(program, build, counters, options)
                except (SystemExit, Exception) as error:  # the others are measured all the same
                    if getattr(error, "code", None) == TERMINATED:
                        raise
                    failed.append(program.name)
                    print(f"bench: {program.name} is left out, as it failed: {error!r}", file=sys.stderr, flush=True)
        finally:
            for counter in counters.values():
                counter.close()
    print(f"\n{machine.waiting():.1f} threads ran or waited at the end")
    if options.peers:
        print(", ".join(f"{name} {version}" for name, version in peers.versions().items()))
    if options.json:
        options.json.write_text(json.dumps(results, indent=1) + "\n")
    if failed:
        sys.exit(f"bench: failed: {', '.join(failed)}")


def one(program, build, counters, options):
    variants = [Variant(BASE), Variant("again"),
                Variant("Remora", counters["remora"], {"LD_PRELOAD": str(build.library), **dict(s.split("=", 1) for s in options.set)})]
    if options.peers:
        variants.append(Variant("OpenTelemetry", counters["peer"], peers.FETCH[program.peer]()))
    found, spans, rate = rounds.measure(program, variants, build, options)
    results = rounds.compare(found, spans, BASE)
    if not options.quick and which("valgrind"):
        instructions.add(program, variants, build, results, BASE)
    print(table.rows(program.name, results, BASE), flush=True)
    return {"fixed_rate": rate, "rounds": found, "results": results}


if __name__ == "__main__":
    main()
