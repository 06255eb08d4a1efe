#!/usr/bin/env python3
"""Writes a text file as a C string NAME, for adapters that bring code of their runtime's language.

Usage: embed.py NAME INPUT OUTPUT
"""
import sys


def main():
    name, source, output = sys.argv[1:]
    with open(source, "rb") as text:
        data = text.read()
    lines = [", ".join(str(byte) for byte in data[at:at + 24]) for at in range(0, len(data), 24)]
    with open(output, "w") as out:
        out.write(f"static const char {name}[] = {{\n" + ",\n".join(lines) + ", 0\n};\n")


main()
