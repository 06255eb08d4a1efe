#!/usr/bin/env python3
"""Runs the end-to-end cases and prints TAP; python3 and nothing else is needed.

  run.py [--build DIR] [--no-agent] [--jobs N] [--again] [--list] [PATTERN...]

A pattern is part of a case's name (file.function). With CI in the environment a program that is
missing fails its cases instead of skipping them. Exit status 0 when no case failed.

With --again the few cases that failed run once more when all others are over, one by one: real servers give
up for reasons of their own on a machine that is full. Such a case that passes then counts as passed, and is shown with
what it said the first time, to be looked at: a race of the test, of the program, or of ours.
"""
import argparse
import concurrent.futures
import contextlib
import importlib
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from apps import Build  # noqa: E402
from harness import CASES, Failure, NoAgent, Skip, Test, which  # noqa: E402

FEW = 5


def load_cases(patterns):
    folder = Path(__file__).resolve().parent / "cases"
    sys.path.insert(0, str(folder))
    for file in sorted(folder.glob("*.py")):
        importlib.import_module(file.stem)
    return [c for c in CASES if not patterns or any(p in c.name for p in patterns)]


def is_special(path):
    """Sockets and pipes cannot be copied."""
    return path.exists() and not path.is_file() and not path.is_dir()


def run_case(case, build, agent, keep):
    """Returns (verdict, explanation, seconds)."""
    begin = time.monotonic()
    missing = [program for program in case.needs if not which(program)]
    if missing:
        verdict = "fail" if os.environ.get("CI") == "true" else "skip"
        return verdict, f"not installed: {', '.join(missing)}", 0.0
    if case.agent_only and not agent:
        return "skip", "needs the agent", 0.0
    test = Test(case.name, build, agent)
    try:
        case.run(test)
        verdict, why = ("pass", "") if test.checks else ("fail", "the case checked nothing")
    except NoAgent:
        verdict, why = "pass", "without the agent"
    except Skip as reason:
        verdict, why = "skip", str(reason)
    except Failure as reason:
        verdict, why = "fail", str(reason)
    except Exception:  # a case that breaks is a failed case, the others go on
        verdict, why = "fail", traceback.format_exc()
    if verdict == "fail":
        for log in sorted(test.dir.glob("*.log")):
            why += f"\n--- {log.name}\n{test.tail(log)}" if log.stat().st_size else ""
        if keep:
            # Programs that still run may remove what is copied; a case must not keep the others from running.
            with contextlib.suppress(OSError):
                shutil.copytree(test.dir, keep / case.name, dirs_exist_ok=True, ignore_dangling_symlinks=True,
                                ignore=lambda folder, names: {n for n in names if is_special(Path(folder, n))})
    try:
        test.close()
    except Exception:
        verdict, why = "fail", f"{why}\n{traceback.format_exc()}"
    return verdict, why, time.monotonic() - begin


def report(number, case, verdict, why, seconds, passed_again):
    directive = f" # SKIP {why}" if verdict == "skip" else " # AGAIN" if passed_again else ""
    print(f"{'not ' if verdict == 'fail' else ''}ok {number} - {case.name}: {case.title}{directive}", flush=True)
    if verdict == "fail" or passed_again:
        print("\n".join("# " + line for line in why.splitlines()), flush=True)
    elif seconds > 20:
        print(f"# took {seconds:.0f} s", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", default="build")
    parser.add_argument("--no-agent", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--again", action="store_true", help=f"run up to {FEW} cases that failed once more, alone")
    parser.add_argument("--keep", type=Path, help="copy the folders of failed cases there")
    parser.add_argument("--debug", metavar="TOPICS", help="REMORA_DEBUG of all programs; implies --keep ./e2e-logs")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    # A shell starts what it puts into the background with SIGINT ignored, which the programs would inherit.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if options.debug:
        options.keep = options.keep or Path("e2e-logs")
        Test.debug = {"REMORA_DEBUG": options.debug}
    cases = load_cases(options.patterns)
    if options.list:
        print("\n".join(f"{c.name:40} {c.title}" for c in cases))
        return 0

    failed = []
    with tempfile.TemporaryDirectory(prefix="remora-e2e-") as stage:
        build = Build(Path(options.build).resolve(), Path(stage), agent=not options.no_agent)

        def run(case):
            return run_case(case, build, not options.no_agent, options.keep)

        with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
            runs = [pool.submit(run, c) for c in cases]
            for number, (case, result) in enumerate(zip(cases, (r.result for r in runs)), 1):
                verdict, why, seconds = result()
                if verdict == "fail" and options.again:
                    print(f"# failed, to run again: {case.name}", flush=True)
                else:
                    report(number, case, verdict, why, seconds, False)
                if verdict == "fail":
                    failed.append((number, case, why, seconds))
        if options.again:
            once, failed = failed, []
            for number, case, why, seconds in once:
                verdict = run(case)[0] if len(once) <= FEW else "fail"
                report(number, case, verdict, why, seconds, verdict == "pass")
                if verdict == "fail":
                    failed.append(case)
    print(f"1..{len(cases)}")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
