#!/usr/bin/env python3
"""Writes the names of all hooks, read from the rows in the compiled object, as C strings.

KIND is hook: functions of libc, which are exported; or import: those of other libraries, which are
reached through import slots.
Usage: names.py NM ARCHIVE KIND OUTPUT
"""
import subprocess
import sys


def main():
    nm, archive, kind, output = sys.argv[1:]
    row = f"rm_{kind}_row_"
    listing = subprocess.run([nm, "--format=posix", archive], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    symbols = (line.split()[0] for line in listing.splitlines() if line)
    names = sorted(s[len(row):] for s in symbols if s.startswith(row))
    if not names or len(names) != len(set(names)):
        sys.exit("names.py: no hook rows, or one name twice")
    with open(output, "w") as out:
        out.write("".join(f'"{name}",\n' for name in names))


main()
