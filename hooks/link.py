#!/usr/bin/env python3
"""Links libremora.so so that it loads into any process (docs/SAFETY.md, L1 to L4).

One relocatable object is made first, so that every reference to libc can be made weak in it: the
shared object then needs no library, no symbol and no symbol version to be there. What it may refer
to is the list below; anything else is an error here and not a crash in somebody's program.

Usage: link.py NM READELF OBJCOPY NAMES START_LIST START_SCRIPT OUTPUT HOOKS_ARCHIVE OTHER_ARCHIVE... -- CC... -- LINK_ARGUMENT...
"""
import os
import re
import subprocess
import sys

# Called freely: async-signal-safe in every libc.
ANYWHERE = {"__errno_location"}
# Looked at through a weak reference before use.
IF_PRESENT = {"environ", "_r_debug", "dlsym", "dlerror", "gnu_get_libc_version", "getauxval",
              "clock_gettime", "__h_errno_location"}
# On the worker's way only, and started at safe points (docs/SAFETY.md, T2).
AT_SAFE_POINTS = {"dlopen", "dlclose", "pthread_create", "pthread_join", "pthread_sigmask",
                  "pthread_attr_init", "pthread_attr_destroy", "pthread_attr_setstacksize",
                  "pthread_attr_setdetachstate", "sigfillset"}
# Defined by the linker itself.
LINKER = {"_GLOBAL_OFFSET_TABLE_", "_DYNAMIC", "__start_rm_hooks", "__stop_rm_hooks",
          "__start_rm_imports", "__stop_rm_imports"}
# Exported besides the hooks: what Node asks of an addon (adapters/node/addon.c).
ADDON = "napi_register_module_v1"
SANITIZER = re.compile(r"__(asan|tsan|ubsan|sanitizer|sancov|start___sancov|stop___sancov)_")


def undefined(nm, path):
    out = subprocess.run([nm, "--undefined-only", "--format=posix", path], check=True, text=True,
                         stdout=subprocess.PIPE).stdout
    return {line.split()[0] for line in out.splitlines() if line}


def together(readelf, path, start):
    """objcopy's options that give what a list names sections which start.ld gathers: functions, their constants, data."""
    with open(start) as rows:
        names = {line.strip() for line in rows if not line.startswith("#")}
    headers = subprocess.run([readelf, "--section-headers", "--wide", path], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    section = r"\] (\.(text|rodata|data|bss)\.([^ .]+)\S*) +\S+ +[0-9a-f]+ [0-9a-f]+ ([0-9a-f]+) "
    return [f"--rename-section={whole}=.{kind}.start.{size}{whole[len(kind) + 1:]}"
            for whole, kind, name, size in sorted(set(re.findall(section, headers))) if name in names]


def main():
    cut = sys.argv.index("--")
    nm, readelf, objcopy, names, start, layout, output, hooks, *others = sys.argv[1:cut]
    end = sys.argv.index("--", cut + 1)
    cc, link_args = sys.argv[cut + 1:end], sys.argv[end + 1:]
    whole, weak_list, script = output + ".o", output + ".weak", output + ".map"

    subprocess.run([*cc, *link_args, "-r", "-nostdlib", "-o", whole, "-Wl,-u," + ADDON, "-Wl,--whole-archive", hooks,
                    "-Wl,--no-whole-archive", "-Wl,--start-group", *others, "-Wl,--end-group"],
                   check=True)
    wanted = {s for s in undefined(nm, whole) if not SANITIZER.match(s)} - LINKER
    refused = wanted - ANYWHERE - IF_PRESENT - AT_SAFE_POINTS
    if refused:
        sys.exit("link.py: undefined, or not to be used in the preloaded object: " + " ".join(sorted(refused)))
    with open(weak_list, "w") as out:
        out.write("".join(s + "\n" for s in sorted(wanted)))
    subprocess.run([objcopy, "--weaken-symbols=" + weak_list, *together(readelf, whole, start), whole], check=True)
    with open(names) as rows, open(script, "w") as out:
        exported = re.findall(r'"(\w+)"', rows.read())
        # Anonymous: with a named version, some executables do not bind to a hook at all (L4).
        out.write("{ global: remora_*; " + ADDON + "; " + "".join(n + "; " for n in exported) + "local: *; };\n")
    # By its name the object is found where it is loaded, wherever its file may be by then.
    subprocess.run([*cc, "-shared", "-nostdlib", "-o", output, whole, "-Wl,-soname,libremora.so",
                    "-Wl,-z,now", "-Wl,-z,relro", "-Wl,-z,noexecstack", "-Wl,-z,text",
                    "-Wl,--hash-style=gnu", "-Wl,--version-script=" + script, "-Wl,--script=" + layout], check=True)
    for path in (whole, weak_list):
        os.remove(path)


main()
