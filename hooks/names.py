#!/usr/bin/env python3
"""Writes the names of all hooks, read from the rows in the compiled object, as C strings.

Usage: names.py NM ARCHIVE OUTPUT
"""
import subprocess
import sys

ROW = "rm_hook_row_"


def main():
    nm, archive, output = sys.argv[1:]
    listing = subprocess.run([nm, "--format=posix", archive], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    symbols = (line.split()[0] for line in listing.splitlines() if line)
    names = sorted(s[len(ROW):] for s in symbols if s.startswith(ROW))
    if not names or len(names) != len(set(names)):
        sys.exit("names.py: no hook rows, or one name twice")
    with open(output, "w") as out:
        out.write("".join(f'"{name}",\n' for name in names))


main()
