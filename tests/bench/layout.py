#!/usr/bin/env python3
"""What every process runs, reads and writes lies together: hooks/start.list names it for the linker.

Of what is touched Linux maps the surroundings too, so that a process which does nothing would else hold nearly
all of the object. Here valgrind tells what of the agent a program uses that reads and writes a file: functions,
tables and variables. Those that the list lacks make the test fail.

Usage: layout.py --agent LIBREMORA_SO [--check LIST | --write LIST]
Exit code 77 (skipped) without valgrind.
"""
import argparse
import bisect
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HEAD = """\
# What a process runs, reads and writes before it has a traced socket: its start, hooks that pass calls on, its
# end. The linker puts it side by side (link.py, start.ld). Written by tests/bench/layout.py --write.
"""
# Sections that the list has a say in; what holds addresses is written to by the loader, all of it.
ORDERED = re.compile(r"\.(text|rodata|data|bss)(\.start)?$")

# cat is on the built-in list of programs that are left alone; the second run lets it be traced.
VARIANTS = [{},
            {"REMORA_ALLOW": "*", "OTEL_SERVICE_NAME": "a", "OTEL_RESOURCE_ATTRIBUTES": "b=c",
             "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_SAMPLER": "always_on",
             "TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}]


def sections(agent):
    """Names of the agent's sections, by where they begin in memory."""
    text = subprocess.run(["readelf", "-SW", agent], check=True, text=True, stdout=subprocess.PIPE).stdout
    rows = re.findall(r"^ +\[ *\d+\] (\S+) +\S+ +([0-9a-f]+) [0-9a-f]+ [0-9a-f]+ +\S+ +W?A", text, re.MULTILINE)
    return sorted((int(begin, 16), name) for name, begin in rows if name != ".tbss")


def symbols(agent):
    """(begin, end, name) of what may be in the list."""
    text = subprocess.run(["nm", "-S", "--defined-only", agent], check=True, text=True, stdout=subprocess.PIPE).stdout
    rows, at = [], sections(agent)
    for begin, size, name in re.findall(r"^([0-9a-f]+) ([0-9a-f]+) [^uU] (\S+)$", text, re.MULTILINE):
        begin = int(begin, 16)
        section = bisect.bisect(at, (begin, "~")) - 1
        if section >= 0 and ORDERED.match(at[section][1]) and not name.startswith("real_"):  # those are hooks' slots
            rows.append((begin, begin + int(size, 16), re.split(r"[.']", name)[0]))  # the compiler's parts of it
    return sorted(rows)


def touched_by(log, begin, end):
    """Where, from `begin` on, instructions lie that are in there and what these read and write (the loader's do not count)."""
    used, ours = set(), False
    with open(log) as lines:
        for kind, address in re.findall(r"^([I ][ SLM]) +([0-9a-f]+),", lines.read(), re.MULTILINE):
            inside = begin <= int(address, 16) < end
            ours = inside if kind[0] == "I" else ours
            if ours and inside:
                used.add(int(address, 16) - begin)
    return used


def touched(agent, settings, known):
    """Names of what `cat` uses of the agent."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "REMORA_", "LD_"))}
    env.update(settings, LD_PRELOAD=str(agent))
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "trace"
        maps = subprocess.run(["valgrind", "--tool=lackey", "--trace-mem=yes", f"--log-file={log}", "cat",
                               "/proc/self/maps", __file__], env=env, check=True, text=True, stdout=subprocess.PIPE).stdout
        base = min(int(line.split("-")[0], 16) for line in maps.splitlines() if Path(agent).name in line)
        used = touched_by(log, base, base + known[-1][1])
    begins, found = [begin for begin, _, _ in known], set()
    for at in used:
        row = bisect.bisect(begins, at) - 1
        if row >= 0 and at < known[row][1]:
            found.add(known[row][2])
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--agent", required=True)
    parser.add_argument("--check", metavar="LIST")
    parser.add_argument("--write", metavar="LIST")
    args = parser.parse_args()

    if not shutil.which("valgrind"):
        print("valgrind is not here: nothing seen")
        return 77
    known = symbols(args.agent)
    run = set().union(*(touched(args.agent, settings, known) for settings in VARIANTS))
    print(f"{len(run)} functions and variables used")
    if args.write:
        Path(args.write).write_text(HEAD + "".join(f"{name}\n" for name in sorted(run)))
    listed = Path(args.check).read_text().split("\n") if args.check else run
    missing = sorted(run - set(listed))
    if missing or "rm_init" not in run:
        print(f"not in the list, which --write would add: {' '.join(missing)}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
