#!/usr/bin/env python3
"""summary.py DIR: counts the results in DIR (*.tap, and *.json logs of meson), names each failure, and each that
passed only when it ran again (# AGAIN), and ends with one line: N passed, N failed, N skipped. Exit status 1 when something failed."""
import json
import re
import sys
from pathlib import Path

LINE = re.compile(r"^\s*(not )?ok\b[\s\d]*(?:- )?(.*)$")
counts = {"passed": 0, "failed": 0, "skipped": 0}
failures, again = [], []


def count(verdict, name, detail=()):
    counts[verdict] += 1
    if verdict == "failed":
        failures.append((name, detail))


def count_tap(label, text):
    """Counts the results in TAP output; returns (how many, how many of them failed)."""
    seen = failed = 0
    lines = text.splitlines()
    for at, line in enumerate(lines):
        match = LINE.match(line)
        if not match:
            continue
        seen += 1
        directive = re.search(r"#\s*skip", match[2], re.I)
        verdict = "failed" if match[1] else "skipped" if directive else "passed"
        failed += verdict == "failed"
        detail = []
        for rest in lines[at + 1:at + 40]:
            if not rest.startswith("#"):
                break
            detail.append(rest)
        count(verdict, f"{label}: {match[2]}", detail)
        if match[2].endswith("# AGAIN"):
            again.append((match[2], detail))
    return seen, failed


for file in sorted(Path(sys.argv[1]).iterdir()):
    if file.suffix == ".tap":
        count_tap(file.stem, file.read_text(errors="replace"))
        continue
    for line in file.read_text().splitlines():
        test = json.loads(line)
        label = f"{file.stem} {test['name']}"
        seen, failed = count_tap(label, test.get("stdout") or "")
        if test["result"] == "SKIP" and not seen:
            count("skipped", label)
        elif test["result"] in ("OK", "SKIP"):
            if not seen:
                count("passed", label)
        elif not failed:  # crashed, timed out, or broke its own plan
            tail = ((test.get("stdout") or "") + (test.get("stderr") or "")).splitlines()[-25:]
            count("failed", f"{label}: {test['result']}, exit {test.get('returncode')}", tail)

for title, some in ("Failed beside others, passed alone:", again), ("Failed:", failures):
    if some:
        print(f"\n{title}")
    for name, detail in some:
        print(f"  {name}")
        for line in detail:
            print(f"      {line}")
print()
print("{passed} passed, {failed} failed, {skipped} skipped".format(**counts))
sys.exit(counts["failed"] != 0)
