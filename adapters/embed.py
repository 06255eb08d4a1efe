#!/usr/bin/env python3
"""Writes a text file as a C string NAME, for adapters that bring code of their runtime's language.

A line include('FILE'); stands for the text of that file, beside the first one.

Usage: embed.py NAME INPUT OUTPUT
"""
import re
import sys
from pathlib import Path


def main():
    name, source, output = sys.argv[1:]
    data = re.sub(rb"^\t*include\('(.*)'\);\n", lambda found: Path(source).with_name(found[1].decode()).read_bytes(),
                  Path(source).read_bytes(), flags=re.MULTILINE)
    lines = [", ".join(str(byte) for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
    with open(output, "w") as out:
        out.write(f'#include "adapters/embedded.h"\n\nRM_EMBEDDED static const char {name}[] = {{\n' + ",\n".join(lines) + ", 0\n};\n")


main()
