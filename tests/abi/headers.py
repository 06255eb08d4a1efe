#!/usr/bin/env python3
"""Compiles every header alone, twice included, as TAP: it brings all that it needs.

Usage: headers.py SOURCE_ROOT CC...
"""
import subprocess
import sys
from pathlib import Path

FOLDERS = ("base", "protocols", "agent", "hooks", "exporters", "relay", "cli")
# Tables, whose includer says what a row means.
TABLES = {"base/env_table.h", "agent/over_http.h", "agent/semconv_keys.h", "protocols/sqlwords.h"}


def main():
    root, cc = Path(sys.argv[1]), sys.argv[2:]
    paths = (p.relative_to(root) for f in FOLDERS for p in sorted((root / f).rglob("*.h")))
    headers = [str(p) for p in paths if str(p) not in TABLES]
    for number, header in enumerate(headers, 1):
        source = f'#include "{header}"\n#include "{header}"\n'
        run = subprocess.run([*cc, "-std=gnu17", "-D_GNU_SOURCE", '-DREMORA_VERSION="0"', "-Wall",
                              "-Wextra", "-Werror", "-Wno-unused-parameter", "-fsyntax-only",
                              "-I", root, "-x", "c", "-"],
                             input=source, text=True, stderr=subprocess.PIPE)
        print(f"{'not ok' if run.returncode else 'ok'} {number} - {header} compiles alone")
        for line in run.stderr.splitlines():
            print("#", line)
    print(f"1..{len(headers)}")


main()
