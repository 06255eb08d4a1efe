"""Programs and libraries of package registries that Debian does not have, fetched once, into deps/."""
import os
import shutil
import subprocess
import threading
import time
import venv

from harness import APPS, ROOT, Failure, Skip, which

SECONDS = 900
# A registry that answers one of a hundred requests with an error, or none for a minute, is no reason to fail.
PAUSES = (5, 20, 60)
fetching = threading.Lock()  # cases that run at once may want the same


def fetched(name, make):
    """The folder deps/NAME, which make(folder) fills the first time. Where it cannot the case is skipped, but not in CI."""
    with fetching:
        return fetched_once(ROOT / "deps" / name, make)


def fetched_once(folder, make):
    pauses = list(PAUSES)
    while not (folder / "ready").exists():
        try:
            make(folder)
            (folder / "ready").touch()
        except (subprocess.SubprocessError, OSError) as error:
            shutil.rmtree(folder, ignore_errors=True)
            if not pauses:
                raise (Failure if os.environ.get("CI") == "true" else Skip)(f"{folder.name} cannot be fetched: {error}") from None
            time.sleep(pauses.pop(0))
    return folder


def run(*command, **more):
    """Runs it; what it said last is in the error."""
    done = subprocess.run([str(c) for c in command], text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          timeout=SECONDS, **more)
    if done.returncode:
        raise OSError(f"{command[0]} ended with {done.returncode}: {done.stdout[-500:]}")


def pypi(name, *packages):
    """The bin folder of a virtual environment with these packages."""
    def make(folder):
        venv.create(folder, clear=True, with_pip=True)
        run(folder / "bin" / "pip", "-q", "install", *packages)
    return fetched(name, make) / "bin"


def npm(name, *packages):
    """NODE_PATH of these packages."""
    def make(folder):
        folder.mkdir(parents=True, exist_ok=True)
        run("npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", folder, *packages)
    return fetched(name, make) / "node_modules"


def maven(name, app):
    """The folder of the jars that the pom.xml of test-apps/APP names; one that is there is whole, whoever fetched it."""
    def make(folder):
        if not folder.exists():
            part = folder.with_name(f"{folder.name}.part")
            run("mvn", "-q", "-B", "-f", APPS / app / "pom.xml", "dependency:copy-dependencies", f"-DoutputDirectory={part}")
            part.rename(folder)
    return fetched(name, make)


def cargo(app):
    """The program of test-apps/APP, with the crates that its Cargo.toml names."""
    def make(folder):
        run(which("cargo"), "build", "--release", "--quiet", "-j2", "--manifest-path", APPS / app / "Cargo.toml", "--target-dir", folder)
    return fetched(app, make) / "release" / app
