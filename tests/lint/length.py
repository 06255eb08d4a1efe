#!/usr/bin/env python3
"""Fails on functions of more than 100 lines and source files of more than 600.

Relies on the brace style: a function's body is between a { and a } that are alone in column one.
Usage: length.py SOURCE_ROOT
"""
import re
import sys
from pathlib import Path

FUNCTION_LINES, FILE_LINES = 100, 600
FOLDERS = ("base", "protocols", "logs", "agent", "adapters", "hooks", "exporters", "relay", "cli", "test-apps", "tests",
           "tools")
SOURCES = (".c", ".h", ".S", ".py")
# Longer than allowed, each with its reason: {"folder/file.c:function": "why"}.
EXCEPTIONS = {"adapters/java/classes.h": "bytes that generate.py writes"}


def functions(lines):
    """Yields (name, length) of the C functions."""
    begin, head = None, ""
    for number, line in enumerate(lines):
        if line == "{":
            begin = number
        elif line == "}" and begin is not None:
            yield head, number - begin + 1
            begin = None
        elif begin is None and (name := re.match(r"\w.*?([\w-]+) ?\(", line)):
            head = name.group(1)


def violations(root):
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix not in SOURCES:
                continue
            where = str(path.relative_to(root))
            lines = path.read_text().splitlines()
            if len(lines) > FILE_LINES and where not in EXCEPTIONS:
                yield f"{where}: {len(lines)} lines, {FILE_LINES} at most"
            if path.suffix not in (".c", ".h"):
                continue
            for name, length in functions(lines):
                if length > FUNCTION_LINES and f"{where}:{name}" not in EXCEPTIONS:
                    yield f"{where}: {name} has {length} lines, {FUNCTION_LINES} at most"


def main():
    found = list(violations(Path(sys.argv[1])))
    print("\n".join(found))
    sys.exit(1 if found else 0)


main()
