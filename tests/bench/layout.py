#!/usr/bin/env python3
"""The functions that every process runs lie together: hooks/start.list names them for the linker.

A page of code that is touched brings the fifteen around it along, so that a process which does nothing
would else hold nearly all of the code. Here callgrind tells which functions of the agent a program runs
that reads and writes a file; those that the list lacks make the test fail.

Usage: layout.py --agent LIBREMORA_SO [--check LIST | --write LIST]
Exit code 77 (skipped) without valgrind.
"""
import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HEAD = """\
# What a process runs before it has a traced socket: its start, hooks that pass calls on, its end. The linker
# puts these functions side by side (link.py). Written by tests/bench/layout.py --write.
"""

# cat is on the built-in list of programs that are left alone; the second run lets it be traced.
VARIANTS = [{},
            {"REMORA_ALLOW": "*", "OTEL_SERVICE_NAME": "a", "OTEL_RESOURCE_ATTRIBUTES": "b=c",
             "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_TRACES_SAMPLER": "always_on",
             "TRACEPARENT": "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}]


def functions(agent, settings):
    """Names of the agent's functions that `cat` runs."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OTEL_", "REMORA_", "LD_"))}
    env.update(settings, LD_PRELOAD=str(agent))
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        subprocess.run(["valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={out}", "cat", __file__],
                       env=env, check=True, stdout=subprocess.DEVNULL)
        text = out.read_text()
    objects, names, ours, found = {}, {}, False, set()
    for kind, number, name in re.findall(r"^(c?ob|c?fn)=\((\d+)\)(?: (.*))?$", text, re.MULTILINE):
        table = objects if kind.endswith("ob") else names
        name = table.setdefault(number, name)
        if kind == "ob":
            ours = Path(name).name == Path(agent).name
        elif kind == "fn" and ours:
            found.add(re.split(r"[.']", name)[0])  # the compiler's parts of it, callgrind's counts
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
    run = set().union(*(functions(args.agent, settings) for settings in VARIANTS))
    print(f"{len(run)} functions run")
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
