#!/usr/bin/env python3
"""Runs programs with and without the preloaded object, as TAP: all that shows must be equal.

Usage: smoke.py LIBREMORA
"""
import os
import re
import shutil
import subprocess
import sys

COMMANDS = [
    ["true"],
    ["false"],
    ["sh", "-c", "echo one; ls / | wc -l; exit 3"],
    ["sh", "-c", "cat <<E | sort\nb\na\nE"],
    ["sh", "-c", "for i in 1 2 3; do (exit $i); echo $?; done; env | grep -c PATH"],
    ["bash", "-c", "coproc cat; echo x >&${COPROC[1]}; read -r y <&${COPROC[0]}; echo $y"],
    ["env", "-i", "env"],
    ["setpriv", "--no-new-privs", "true"],
    ["unshare", "--user", "--map-root-user", "id", "-u"],
    ["/usr/bin/python3", "-c", "import subprocess as s; print(s.check_output(['echo', 'x'], close_fds=True))"],
    ["/usr/bin/python3", "-c", "import os; os.closerange(3, 65536); print(os.listdir('/proc/self/fd'))"],
    ["/usr/bin/python3", "-c", "import threading as t; a = t.Thread(target=print); a.start(); a.join()"],
    ["curl", "--version"],
    ["curl", "--silent", "http://127.0.0.1:1/"],
    ["perl", "-e", "print `echo x`; exec 'sh', '-c', 'exit 5'"],
    ["make", "--version"],
    ["git", "--version"],
    ["node", "-e", "require('child_process').execFile('echo', ['x'], (e, o) => console.log(o))"],
    ["php", "-r", "echo shell_exec('echo x');"],
    ["ruby", "-e", "puts `echo x`; exit 4"],
    ["java", "-version"],
]


def run(command, preload):
    env = dict(os.environ, OTEL_TRACES_EXPORTER="none")
    env.pop("LD_PRELOAD", None)
    if preload:
        env["LD_PRELOAD"] = preload
    done = subprocess.run(command, env=env, stdin=subprocess.DEVNULL, capture_output=True,
                          timeout=60)
    # curl says how long it tried.
    return done.returncode, done.stdout, re.sub(rb"after \d+ ms", b"after some ms", done.stderr)


def main():
    library = os.path.abspath(sys.argv[1])
    for number, command in enumerate(COMMANDS, 1):
        what = " ".join(command).replace("\n", "\\n").replace("#", "\\#")
        if not shutil.which(command[0]):
            print(f"ok {number} - {what} # SKIP not installed")
            continue
        without, under = run(command, None), run(command, library)
        print(f"{'ok' if without == under else 'not ok'} {number} - {what}")
        if without != under:
            print("# without:", without)
            print("# under:  ", under)
    print(f"1..{len(COMMANDS)}")


main()
