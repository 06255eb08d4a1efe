#!/usr/bin/env python3
"""Compiles Remora.java into classes.h, which is kept beside it: no JDK is needed to build.

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
    "Ljava/util/concurrent/RemoraHidden;": "Ljdk/internal/vm/annotation/Hidden;",
    "Ljava/util/concurrent/RemoraHiddenBefore15;": "Ljava/lang/invoke/LambdaForm$Hidden;",
}


def utf8(text):
    return b"\x01" + struct.pack(">H", len(text)) + text.encode()


def compiled(javac):
    with tempfile.TemporaryDirectory() as out:
        subprocess.run([javac, "-g:none", "-nowarn", "-XDignore.symbol.file", "-source", "11", "-target", "11",
                        "-Xlint:-options", "-proc:none", "--patch-module", f"java.base={HERE}", "-d", out,
                        HERE / "Remora.java"], check=True)
        for path in sorted(pathlib.Path(out).rglob("*.class")):
            if "RemoraHidden" not in path.name:
                data = path.read_bytes()
                for mine, theirs in NAMES.items():
                    data = data.replace(utf8(mine), utf8(theirs))
                yield path.relative_to(out).with_suffix("").as_posix(), data


def main():
    javac, output = sys.argv[1:]
    classes = list(compiled(javac))
    with open(output, "w", encoding="ascii") as out:
        out.write("/* Remora.java, compiled by generate.py. */\n")
        for n, (name, data) in enumerate(classes):
            out.write(f"static const unsigned char class_{n}[] = {{ /* {name} */\n")
            for at in range(0, len(data), 20):
                out.write("\t" + " ".join(f"0x{byte:02x}," for byte in data[at:at + 20]) + "\n")
            out.write("};\n\n")
        out.write("static const struct {\n\tconst char *name;\n\tconst unsigned char *bytes;\n\tint size;\n"
                  "} classes[] = {\n")
        for n, (name, data) in enumerate(classes):
            out.write(f'\t{{ "{name}", class_{n}, sizeof(class_{n}) }},\n')
        out.write("};\n")


main()
