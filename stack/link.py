#!/usr/bin/env python3
"""Links what reads stacks, libunwind, libiberty and the stand-ins for their libc into one object.

Only rm_stack_... can be seen from outside of it, so that no other code of the preloaded object takes a
stand-in for the function of libc (hooks/link.py would then not complain). Its texts get sections of their own, which
hooks/start.ld does not put where every process reads.

Usage: link.py OBJCOPY READELF NM OUTPUT ARCHIVE... -- LIBRARY... -- CC...
"""
import re
import subprocess
import sys


def main():
    objcopy, readelf, nm, output, *rest = sys.argv[1:]
    first = rest.index("--")
    second = rest.index("--", first + 1)
    archives, libraries, cc = rest[:first], rest[first + 1:second], rest[second + 1:]
    # Parts of functions that gcc puts elsewhere (.cold) are no names for others.
    defined = subprocess.run([nm, "--defined-only", "--extern-only", "--format=posix", *archives], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    roots = sorted({line.split()[0] for line in defined.splitlines() if line.startswith("rm_stack_")})
    if not roots:
        sys.exit("stack/link.py: no rm_stack_ function")
    subprocess.run([*cc, "-r", "-nostdlib", "-o", output, "-Wl,--gc-sections", *(f"-Wl,-u,{r}" for r in roots),
                    "-Wl,--start-group", *archives, *libraries, "-Wl,--end-group"], check=True)
    headers = subprocess.run([readelf, "--section-headers", "--wide", output], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    texts = sorted(set(re.findall(r"\] (\.rodata\.(?:str|cst)\S*) ", headers)))
    subprocess.run([objcopy, *(f"--keep-global-symbol={r}" for r in roots),
                    *(f"--rename-section={t}=.rodata.stack{t[7:]},alloc,load,readonly,data,contents" for t in texts), output],
                   check=True)


main()
