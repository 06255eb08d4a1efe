#!/usr/bin/env python3
"""pack.py FOLDER CORPUS.tar.xz: keeps the inputs of a folder in the tree, the small ones first, as many as
CORPUS_MAX_BYTES hold. The same inputs give the same bytes.
"""
import io
import sys
import tarfile
from pathlib import Path

CORPUS_MAX_BYTES = 16 * 1024


def packed(files):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:xz", preset=9, format=tarfile.USTAR_FORMAT) as archive:
        for number, file in enumerate(files):
            entry = tarfile.TarInfo(f"{number:04}")
            entry.size = file.stat().st_size
            archive.addfile(entry, io.BytesIO(file.read_bytes()))
    return out.getvalue()


folder, corpus = map(Path, sys.argv[1:])
found = sorted((p for p in folder.iterdir() if p.is_file()), key=lambda p: (p.stat().st_size, p.name))
fits, beyond = 0, len(found) + 1
while beyond - fits > 1:
    middle = (fits + beyond) // 2
    if len(packed(found[:middle])) <= CORPUS_MAX_BYTES:
        fits = middle
    else:
        beyond = middle
corpus.parent.mkdir(exist_ok=True)
corpus.write_bytes(packed(found[:fits]))
print(f"{corpus}: {fits} of {len(found)} inputs")
