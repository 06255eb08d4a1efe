#!/usr/bin/env python3
"""smoke.py PROGRAM CORPUS.tar.xz SEED...: a fuzz target without a fuzzer, on what a fuzzer found.

Runs the seeds with 500 mutations each, the same in every run, and every input of the corpus as it is. A
corpus that does not exist is none.
"""
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

program, corpus, *seeds = sys.argv[1:]
with tempfile.TemporaryDirectory(prefix="remora-fuzz-") as folder:
    if Path(corpus).exists():
        with tarfile.open(corpus) as archive:
            archive.extractall(folder, members=[m for m in archive if m.isfile() and "/" not in m.name])
    inputs = sorted(Path(folder).iterdir())
    for arguments in (["--mutations", "500", *seeds], inputs):
        if arguments and subprocess.run([program, *arguments], check=False).returncode != 0:
            sys.exit(1)
