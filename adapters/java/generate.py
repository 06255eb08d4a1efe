#!/usr/bin/env python3
"""Compiles the .java files here into classes.h, which is kept here: no JDK is needed to build.

Usage: generate.py JAVAC OUTPUT

JAVAC is of Java 17, and compiles for 11. The two annotations that stand for the JDK's own, which javac lets nobody use, get
their names here: they are strings in the constant pool, each with its length, and nothing refers to offsets.
"""
import pathlib
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
NAMES = {
    f"L{package}/{mine};": theirs
    for package in ("java/util/concurrent", "sun/security/ssl")
    for mine, theirs in (("RemoraHidden", "Ljdk/internal/vm/annotation/Hidden;"),
                         ("RemoraHiddenBefore15", "Ljava/lang/invoke/LambdaForm$Hidden;"))
}


def utf8(text):
    return b"\x01" + struct.pack(">H", len(text)) + text.encode()


def compiled(javac):
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([javac, "-g:none", "-nowarn", "-XDignore.symbol.file", "-source", "11", "-target", "11",
                        "-Xlint:-options", "-proc:none", "--patch-module", f"java.base={HERE}", "-d", out,
                        *sorted(HERE.glob("*.java"))], check=True)
        # The one that is called comes last, when those that it needs are there.
        for path in sorted(pathlib.Path(out).rglob("*.class"), key=lambda p: (p.stem == "Remora", p.name)):
            if "RemoraHidden" not in path.name:
                data = path.read_bytes()
                for mine, theirs in NAMES.items():
                    data = data.replace(utf8(mine), utf8(theirs))
                yield path.relative_to(out).with_suffix("").as_posix(), data


def main():
    javac, output = sys.argv[1:]
    classes = list(compiled(javac))
    with open(output, "w", encoding="ascii") as out:
        out.write("/* The classes of the .java files here, compiled by generate.py. */\n#include \"adapters/embedded.h\"\n\n"
                  "RM_EMBEDDED static const unsigned char class_bytes[] = {\n")
        for name, data in classes:
            out.write(f"\t/* {name} */\n")
            for at in range(0, len(data), 20):
                out.write("\t" + " ".join(f"0x{byte:02x}," for byte in data[at:at + 20]) + "\n")
        out.write("};\n\nRM_EMBEDDED static const struct {\n\tchar name[64];\n\tint at, size;\n} classes[] = {\n")
        at = 0
        for name, data in classes:
            out.write(f'\t{{ "{name}", {at}, {len(data)} }},\n')
            at += len(data)
        out.write("};\n")


main()
