#!/usr/bin/env python3
"""The gate on remora-export.so, as TAP: what it may need, and what it may show.

Usage: exporter_object.py READELF OBJECT
"""
import re
import subprocess
import sys

# Of these glibc has several versions that differ, and a reference without a version gets the oldest.
CHANGED = re.compile("pthread_cond_|posix_spawn|sched_.etaffinity|pthread_attr_.etaffinity|nftw|glob|fmemopen|"
                     "realpath|regexec|timer_")

# What programs' other preloads replace, proxychains and libfaketime for two.
KERNELS = {"socket", "connect", "bind", "close", "shutdown", "send", "sendto", "sendmsg", "recv", "recvfrom", "recvmsg",
           "read", "write", "writev", "poll", "fcntl", "fcntl64", "ioctl", "getsockopt", "setsockopt", "getsockname",
           "getpeername", "clock_gettime", "gettimeofday", "time"}

# What would change something that libc keeps for the whole program (exporters/host_state.c).
HOSTS = {"sigaction", "signal", "sigprocmask", "rand", "srand", "random", "srandom", "gmtime", "gmtime_r", "localtime",
         "localtime_r", "mktime", "tzset", "setlocale", "setenv", "putenv", "unsetenv", "umask", "chdir", "alarm",
         "setitimer", "atexit", "getenv", "secure_getenv"}


def readelf(program, option, path):
    return subprocess.run([program, "--wide", option, path], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def main():
    program, path = sys.argv[1:]
    dynamic = readelf(program, "--dynamic", path)
    symbols = [line.split() for line in readelf(program, "--dyn-syms", path).splitlines()]
    symbols = [s for s in symbols if len(s) >= 8 and s[0].rstrip(":").isdigit()]
    exported = {s[7] for s in symbols if s[6] != "UND"}
    wanted = {s[7] for s in symbols if s[6] == "UND"}
    changed = {name for name in wanted if CHANGED.match(name)}
    results = [
        ("needs no library", "(NEEDED)" not in dynamic),
        ("asks for no symbol version", "No version information" in readelf(program, "--version-info", path)),
        (f"shows one name only: {' '.join(sorted(exported))}", exported == {"remora_export_api"}),
        (f"uses nothing that changed in glibc: {' '.join(sorted(changed))}", not changed),
        (f"has sockets and clocks of the kernel: {' '.join(sorted(wanted & KERNELS))}", not wanted & KERNELS),
        (f"leaves what is the program's: {' '.join(sorted(wanted & HOSTS))}", not wanted & HOSTS),
        ("is never unloaded", "NODELETE" in dynamic),
        ("binds to itself first, and at once", "SYMBOLIC" in dynamic and "NOW" in dynamic),
    ]
    for number, (what, holds) in enumerate(results, 1):
        print(f"{'ok' if holds else 'not ok'} {number} - the exporter object {what}")
    print(f"1..{len(results)}")


main()
