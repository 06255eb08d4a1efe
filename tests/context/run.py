#!/usr/bin/env python3
"""Counts right, missing and wrong parents of calls that real servers make under load, against the truth.

  run.py [--build DIR] [--quick] [--markdown] [--adapters LIST] [PATTERN...]

A pattern is part of a program's name. Each program is started once and gets requests 1, 8, 64 and 256 at a time
over kept and over fresh connections. Prints a table; the exit status is 1 when any parent was wrong.
"""
import argparse
import shutil
import sys
import tempfile
import traceback
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "e2e")]
from apps import Build  # noqa: E402
from harness import Failure, Test  # noqa: E402
from judge import Row  # noqa: E402
from measure import measure, why_not  # noqa: E402
from catalog import PROGRAMS  # noqa: E402

CONCURRENCY = (1, 8, 64, 256)
REQUESTS = {1: 100, 8: 400, 64: 800, 256: 1200}
QUICK = {8: 120, 64: 240}


def one(program, build, requests, env):
    t = Test("context", build)
    try:
        return measure(t, program, requests, env=env)
    except Exception:
        raise Failure(f"{traceback.format_exc()}\n{t.tail(t.dir / 'server.log')}") from None
    finally:
        t.close()


def percent(part, whole):
    return f"{100 * part / whole:.2f}" if part else "0"


def show(name, title, rows, markdown):
    for (concurrency, keep), row in rows.items():
        cells = [name, "kept" if keep else "fresh", str(concurrency), str(row.calls),
                 percent(row.right, row.calls), percent(row.missing, row.calls), percent(row.wrong, row.calls),
                 " ".join(f"{k} {v}" for k, v in sorted(row.sources.items(), key=lambda i: -i[1]))]
        print("| " + " | ".join(cells) + " |" if markdown else
              f"{cells[0]:26} {cells[1]:5} {cells[2]:>4} {cells[3]:>6} {cells[4]:>7} {cells[5]:>7} {cells[6]:>6}  {cells[7]}",
              flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--quick", action="store_true", help="8 and 64 at a time, few of them")
    parser.add_argument("--adapters", default="all", help="REMORA_ADAPTERS of the programs")
    parser.add_argument("--markdown", action="store_true")
    parser.add_argument("patterns", nargs="*")
    options = parser.parse_args()
    env = {"REMORA_ADAPTERS": options.adapters}
    stage = Path(tempfile.mkdtemp(prefix="remora-context-"))
    build = Build(Path(options.build).resolve(), stage, True)
    whole, failed = Row(), 0
    if not options.markdown:
        print(f"{'program':26} {'conn':5} {'at':>4} {'calls':>6} {'right':>7} {'missing':>7} {'wrong':>6}  found by")
    for name, program in PROGRAMS.items():
        if options.patterns and not any(p in name for p in options.patterns):
            continue
        missing = why_not(program)
        if missing:
            print(f"{name:26} skipped: not installed: {missing}", flush=True)
            continue
        try:
            rows = one(program, build, QUICK if options.quick else REQUESTS, env)
        except Failure as reason:
            print(f"{name:26} failed: {reason}", flush=True)
            failed += 1
            continue
        show(name, program.title, rows, options.markdown)
        for row in rows.values():
            whole.right += row.right
            whole.missing += row.missing
            whole.wrong += row.wrong
    shutil.rmtree(stage, ignore_errors=True)
    print(f"{whole.calls} calls: {whole.right} right, {whole.missing} missing, {whole.wrong} wrong; "
          f"{failed} programs failed")
    sys.exit(1 if whole.wrong or failed or not whole.calls else 0)


if __name__ == "__main__":
    main()
