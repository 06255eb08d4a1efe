#!/usr/bin/env python3
"""The oldest glibc that the objects are made for (docs/COMPATIBILITY.md), as TAP.

Usage: floor.py READELF LIBC OBJECT... -- SOURCE...

Each name that an object asks the process for must have been in glibc 2.17. A libc tells when each of its names came: it keeps the versions of all times. Names that the
sources look up by hand ("{ "name", offsetof(struct libc, slot) }") count as well.
"""
import re
import subprocess
import sys
from pathlib import Path

FLOOR = (2, 17)
# Of the compiler's own start files, for libraries that are not there: weak, and looked at before use.
OPTIONAL = {"_ITM_deregisterTMCloneTable", "_ITM_registerTMCloneTable", "__gmon_start__"}


def dynamic_symbols(readelf, path):
    """Yields (name with its version, whether it is defined there)."""
    out = subprocess.run([readelf, "--wide", "--dyn-syms", path], check=True, text=True, stdout=subprocess.PIPE).stdout
    for line in out.splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[0].rstrip(":").isdigit():
            yield fields[7], fields[6] != "UND"


def packs_relocations(readelf, path):
    """Relocations in the form that loaders know since 2.36."""
    return "(RELR)" in subprocess.run([readelf, "--wide", "--dynamic", path], check=True, text=True,
                                      stdout=subprocess.PIPE).stdout


def births(readelf, libc):
    """The first version of every name of a libc and of the loader beside it."""
    born = {}
    both = [libc, *map(str, Path(libc).resolve().parent.glob("ld-linux*.so*"))]
    for symbol, defined in (s for path in both for s in dynamic_symbols(readelf, path)):
        name, _, version = symbol.replace("@@", "@").partition("@")
        numbers = re.fullmatch(r"GLIBC_([\d.]+)", version)
        if defined and numbers:
            at = tuple(int(n) for n in numbers[1].split("."))
            born[name] = min(at, born.get(name, at))
    return born


def main():
    cut = sys.argv.index("--")
    readelf, libc, *objects = sys.argv[1:cut]
    born = births(readelf, libc)
    results = [("the libc of this machine says when its names came", born.get("memcpy", FLOOR) <= FLOOR
                and len(born) > 1000)]

    def judge(what, names):
        young = sorted(n for n in names if n not in OPTIONAL and born.get(n, (9,)) > FLOOR)
        results.append((f"{what} needs nothing younger than glibc 2.17 {' '.join(young)}".strip(),
                        bool(names) and not young))

    for path in objects:
        file = path.rpartition("/")[2]
        judge(file, {name for name, defined in dynamic_symbols(readelf, path) if not defined})
        results.append((f"{file} has relocations that old loaders know", not packs_relocations(readelf, path)))
    for path in sys.argv[cut + 1:]:
        with open(path) as source:
            judge(path.rpartition("/")[2], set(re.findall(r'\{ "(\w+)", offsetof\(struct libc, \w+\) \}', source.read())))
    for number, (what, holds) in enumerate(results, 1):
        print(f"{'ok' if holds else 'not ok'} {number} - {what}")
    print(f"1..{len(results)}")


main()
