#!/usr/bin/env python3
"""The gate of docs/SAFETY.md, L1 to L5, on libremora.so, as TAP.

Usage: object.py READELF LIBREMORA HOOK_NAMES
"""
import re
import subprocess
import sys

TLS_BYTES = 256
RELOCATIONS = 1100  # the loader reads and writes that many words of it in each process: docs/HOOKS.md
ADDON = "napi_register_module_v1"  # adapters/node/addon.c


def readelf(program, option, path):
    return subprocess.run([program, "--wide", option, path], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def dynamic_symbols(text):
    """Yields (name, binding, defined, visibility)."""
    for line in text.splitlines():
        fields = line.split()
        if len(fields) >= 8 and fields[0].rstrip(":").isdigit():
            yield fields[7], fields[4], fields[6] != "UND", fields[5]


def check(program, path, names_path):
    dynamic = readelf(program, "--dynamic", path)
    segments = readelf(program, "--program-headers", path)
    versions = readelf(program, "--version-info", path)
    symbols = list(dynamic_symbols(readelf(program, "--dyn-syms", path)))
    with open(names_path) as names:
        hooks = set(re.findall(r'"(\w+)"', names.read()))
    exported = {name for name, _, defined, _ in symbols if defined}
    strong = {name for name, binding, defined, _ in symbols if not defined and binding == "GLOBAL"}
    stack = re.search(r"GNU_STACK.*?0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x\S+ ([RWE ]+) ", segments)
    tls = re.search(r"^ +TLS +0x\S+ 0x\S+ 0x\S+ 0x\S+ 0x(\S+)", segments, re.MULTILINE)
    relocations = readelf(program, "--relocs", path).count("_RELATIVE ")
    extra = {name for name in exported - hooks if not name.startswith("remora_") and name != ADDON}

    yield "needs no library", "(NEEDED)" not in dynamic
    yield f"has no strong undefined symbol {' '.join(sorted(strong))}", not strong
    yield "has no symbol versions", "No version information" in versions
    yield "has no executable stack", bool(stack) and "E" not in stack.group(1)
    yield "changes no code page", "TEXTREL" not in dynamic
    yield "is bound at load", "BIND_NOW" in dynamic
    yield "has its relocations read-only", "GNU_RELRO" in segments
    yield f"has at most {RELOCATIONS} addresses in its data, of {relocations}", 0 < relocations <= RELOCATIONS
    yield f"takes at most {TLS_BYTES} bytes of thread storage", \
        not tls or int(tls.group(1), 16) <= TLS_BYTES
    yield "takes them in the initial block", \
        "__tls_get_addr" not in {name for name, *_ in symbols}
    yield f"exports every hook {' '.join(sorted(hooks - exported))}", hooks and hooks <= exported
    yield f"exports nothing else {' '.join(sorted(extra))}", not extra
    yield "exports hooks that others can find", \
        all(visibility == "DEFAULT" for name, _, _, visibility in symbols if name in hooks)


def main():
    results = list(check(*sys.argv[1:]))
    for number, (what, holds) in enumerate(results, 1):
        print(f"{'ok' if holds else 'not ok'} {number} - the preloaded object {what.strip()}")
    print(f"1..{len(results)}")


main()
