#!/usr/bin/env python3
"""Runs the torture cases and prints TAP; python3 and a C compiler are needed, nothing else.

  run.py [--build DIR] [--jobs N] [--full] [--list] [PATTERN...]

A pattern is a number of the acceptance list or a part of a case's name. A case that needs what this
machine has not is skipped, and says why. Exit status 0 when no case failed.
"""
import argparse
import concurrent.futures
import importlib
import sys
import tempfile
import time
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from frame import CASES, Agent, Failure, Skip, Torture, which  # noqa: E402


def load_cases(patterns):
    sys.path.insert(0, str(HERE / "cases"))
    for file in sorted((HERE / "cases").glob("*.py")):
        importlib.import_module(file.stem)
    chosen = [c for c in CASES if not patterns
              or any(int(p) == c.number if p.isdigit() else p in c.name for p in patterns)]
    return sorted(chosen, key=lambda c: c.number)


def run_case(case, agent):
    """Returns (verdict, explanation, seconds, notes, tallies)."""
    notes, tallies = [], {}
    missing = [program for program in case.needs if not which(program)]
    if missing:
        return "skip", f"not installed: {', '.join(missing)}", 0.0, notes, tallies
    begin = time.monotonic()
    try:
        torture = Torture(case.name, agent)
        try:
            case.run(torture)
        finally:
            notes, tallies = torture.notes, torture.tallies
            torture.close()
        verdict, why = ("pass", "") if torture.checks else ("fail", "the case checked nothing")
    except Skip as reason:
        verdict, why = "skip", str(reason)
    except Failure as reason:
        verdict, why = "fail", str(reason)
    except Exception:  # a case that breaks is a failed case, the others go on
        verdict, why = "fail", traceback.format_exc()
    return verdict, why, time.monotonic() - begin, notes, tallies


def report(number, case, verdict, why, seconds, notes):
    directive = f" # SKIP {' '.join(why.split())}" if verdict == "skip" else ""
    print(f"{'not ' if verdict == 'fail' else ''}ok {number} - {case.number:02} {case.name}: "
          f"{case.title}{directive}", flush=True)
    if verdict == "fail":
        print("\n".join("# " + line for line in why.splitlines()), flush=True)
    for note in [*notes, *([f"took {seconds:.0f} s"] if seconds > 20 else [])]:
        print(f"# {note}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--full", action="store_true", help="as often and as long as the acceptance list has it")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    Torture.full = options.full
    cases = load_cases(options.patterns)
    if options.list:
        print("\n".join(f"{c.number:2}  {c.name:44} {c.title}" for c in cases))
        return 0

    count, sums = {"pass": 0, "fail": 0, "skip": 0}, {}
    with tempfile.TemporaryDirectory(prefix="remora-torture-") as stage:
        agent = Agent(Path(options.build).resolve(), Path(stage))
        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            # Those that want the machine for themselves come first, one after the other.
            early = {id(c): run_case(c, agent) for c in cases if c.alone}
            runs = [None if c.alone else pool.submit(run_case, c, agent) for c in cases]
            for number, (case, run) in enumerate(zip(cases, runs), 1):
                *outcome, tallies = run.result() if run else early[id(case)]
                count[outcome[0]] += 1
                report(number, case, *outcome)
                for what, (good, of) in tallies.items():
                    sums[what] = tuple(map(sum, zip(sums.get(what, (0, 0)), (good, of))))
    print(f"1..{len(cases)}")
    for what, (good, of) in sums.items():
        print(f"# {what}: {good} of {of}")
    print(f"# {count['pass']} passed, {count['fail']} failed, {count['skip']} skipped")
    return count["fail"] != 0


if __name__ == "__main__":
    sys.exit(main())
