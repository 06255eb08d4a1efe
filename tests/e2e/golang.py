"""Programs in Go that need modules of its registry."""
import os
import re
import shutil
import subprocess
import threading

from harness import PATH, Failure, Skip

SECONDS = 1200
INPUTS = ("main.go", "go.mod", "go.sum")
building = threading.Lock()  # cases that run at once want the same program


def command(argv, cwd, env):
    return subprocess.run([str(a) for a in argv], cwd=cwd, env=env, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=SECONDS)


def go_module(program, source):
    """The program that the folder `source` is built to, once; skips when Go or its modules cannot be had."""
    with building:
        if not program.exists() or any(program.stat().st_mtime <= (source / f).stat().st_mtime for f in INPUTS):
            build(program, source)
    return program


def build(program, source):
    # The toolchain that is here, none that it would fetch.
    env = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/local/go/bin:" + PATH, "GOTOOLCHAIN": "local",
           "GOFLAGS": "-mod=readonly"}
    go = shutil.which("go", path=env["PATH"])
    if not go:
        raise Skip(f"no Go to build {source.name} with")
    need = re.search(r"^go (\d+)\.(\d+)", (source / "go.mod").read_text(), re.M)
    have = re.search(r"go(\d+)\.(\d+)", command([go, "env", "GOVERSION"], source, env).stdout)
    if not have or tuple(map(int, have.groups())) < tuple(map(int, need.groups())):
        raise Skip(f"{source.name} needs Go {need[1]}.{need[2]}, this is {have and have[0]}")
    if command([go, "mod", "download"], source, env).returncode != 0:
        raise Skip(f"the modules of {source.name} cannot be downloaded")
    done = command([go, "build", "-o", program, "."], source, env)
    if done.returncode != 0:
        raise Failure(f"{source.name} does not build:\n" + done.stdout[-2000:])
