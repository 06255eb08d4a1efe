#!/usr/bin/env python3
"""The gate on the `remora` command, as TAP: linked statically, it runs in any image.

Usage: command.py READELF REMORA
"""
import subprocess
import sys


def output(*argv, **more):
    return subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE, **more).stdout


def main():
    program, path = sys.argv[1:]
    segments = output(program, "--wide", "--program-headers", path)
    dynamic = output(program, "--wide", "--dynamic", path)
    results = [
        ("needs no library", "(NEEDED)" not in dynamic),
        ("needs no loader", "INTERP" not in segments),
        ("is loaded anywhere", "PIE" in dynamic),
        ("has no executable stack", "GNU_STACK" in segments and " RWE " not in segments),
        ("runs where nothing else is", output(path, "--version", env={}).startswith("remora ")),
    ]
    for number, (what, holds) in enumerate(results, 1):
        print(f"{'ok' if holds else 'not ok'} {number} - the command {what}")
    print(f"1..{len(results)}")


main()
