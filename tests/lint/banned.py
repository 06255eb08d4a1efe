#!/usr/bin/env python3
"""Finds calls that code of the preloaded object must not make.

It runs inside signal handlers and other people's locks: no heap, no stdio, no lock, no environment.
And the libc functions that we interpose ourselves would come back to us: base/sys.h has the system
calls. hooks/link.py checks the same on symbols; this names file and line, and sees what symbols
cannot show, since an interposed name is defined in the object. Nor does a thread of the program
sleep there, but where the program ends.
Usage: banned.py SOURCE_ROOT
"""
import re
import sys
from pathlib import Path

FOLDERS = ("base", "protocols", "agent", "adapters", "hooks")
# Linked into other objects only, where libc is free to use.
ELSEWHERE = {"base/json.c"}

NEVER = """
    malloc calloc realloc free strdup strndup asprintf vasprintf alloca
    printf fprintf dprintf sprintf snprintf vprintf vfprintf vsnprintf puts fputs fwrite perror
    fopen fdopen fclose fflush fread fgets getline scanf sscanf syslog
    pthread_mutex_\\w+ pthread_cond_\\w+ pthread_rwlock_\\w+ pthread_spin_\\w+ pthread_once
    pthread_atfork pthread_key_create pthread_setspecific atexit on_exit sem_\\w+
    getenv setenv putenv unsetenv secure_getenv
    abort assert exit signal sigaction dlmopen system popen fork
    localtime localtime_r gmtime mktime strftime setlocale qsort strerror strtok rand random
""".split()
# Names that are hooks: outside hooks/, where the raw system call is meant.
INTERPOSED = """
    socket accept accept4 connect listen shutdown socketpair close dup dup2 dup3 fcntl close_range
    read write readv writev recv recvfrom recvmsg recvmmsg send sendto sendmsg sendmmsg sendfile
    splice poll ppoll select pselect epoll_wait epoll_pwait epoll_ctl execve posix_spawn vfork
    _exit _Exit quick_exit daemon getaddrinfo open openat mmap munmap
""".split()
# The program's thread waits there: only where it ends, or becomes another program.
WAITS = re.compile(r"(?<!\w)(__NR_(?:clock_)?nanosleep|(?:clock_)?nanosleep ?\(|u?sleep ?\()")
MAY_WAIT = {
    "agent/crash.c": "a process that crashed, until it is over",
    "agent/init.c": "before exec, for other threads that are in here",
    "agent/outlet.c": "the end, for another thread that empties the rings",
    "agent/worker.c": "the end, for the worker",
}

COMMENT_OR_TEXT = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.DOTALL)


def blank(match):
    """Keeps the line numbers right."""
    return re.sub(r"[^\n]", " ", match.group())


def calls(names):
    return re.compile(r"(?<![\w.>])(" + "|".join(names) + r") ?\(")


def violations(root):
    never, outside = calls(NEVER), calls(NEVER + INTERPOSED)
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.[ch]")):
            where = str(path.relative_to(root))
            if where in ELSEWHERE:
                continue
            text = COMMENT_OR_TEXT.sub(blank, path.read_text())
            for number, line in enumerate(text.split("\n"), 1):
                if line.startswith("RM_EXPORT "):  # a hook's own head
                    continue
                for match in (never if folder == "hooks" else outside).finditer(line):
                    yield f"{where}:{number}: {match.group(1)}"
                for match in WAITS.finditer(line) if where not in MAY_WAIT else ():
                    yield f"{where}:{number}: {match.group(1)}"


def main():
    found = list(violations(Path(sys.argv[1])))
    print("\n".join(found))
    sys.exit(1 if found else 0)


main()
