#!/usr/bin/env python3
"""smoke.py PROGRAM CORPUS.tar.xz SEED...: a fuzz target without a fuzzer, on what a fuzzer found.

Runs the seeds with 500 mutations each, the same in every run, long ones with fewer, and every input of the corpus as it
is. A corpus that does not exist is none.
"""
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

LONG_BYTES = 8192

program, corpus, *seeds = sys.argv[1:]
with tempfile.TemporaryDirectory(prefix="remora-fuzz-") as folder:
    if Path(corpus).exists():
        with tarfile.open(corpus) as archive:
            archive.extractall(folder, members=[m for m in archive if m.isfile() and "/" not in m.name])
    # What takes long is each byte of a seed times each place where it is cut.
    long = [s for s in seeds if Path(s).stat().st_size > LONG_BYTES]
    short = [s for s in seeds if s not in long]
    for options, inputs in ((["--mutations", "500"], short), (["--mutations", "20"], long), ([], sorted(Path(folder).iterdir()))):
        if inputs and subprocess.run([program, *options, *inputs], check=False).returncode != 0:
            sys.exit(1)
