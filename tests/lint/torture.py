#!/usr/bin/env python3
"""Checks that docs/TORTURE.md names every torture case, and none that is not there.

A row may shorten a name that follows another of its number: `c03_text`, `_shells`.
Usage: torture.py SOURCE_ROOT
"""
import re
import sys
from pathlib import Path


def named(document):
    names = set()
    for row in document.splitlines():
        number = ""
        for name in re.findall(r"`(c\d\d_\w+|_\w+)`", row):
            number = name[:3] if name[0] == "c" else number
            names.add(name if name[0] == "c" else number + name)
    return names


def main():
    root = Path(sys.argv[1])
    there = set()
    for file in (root / "tests/torture/cases").glob("*.py"):
        there.update(re.findall(r"^@case\(.*?^def (\w+)\(", file.read_text(), re.MULTILINE | re.DOTALL))
    told = named((root / "docs/TORTURE.md").read_text())
    for name in sorted(there - told):
        print(f"docs/TORTURE.md does not name {name}")
    for name in sorted(told - there):
        print(f"docs/TORTURE.md names {name}, which is no case")
    return 1 if there != told or not there else 0


sys.exit(main())
