#!/usr/bin/env python3
"""run.py --build DIR [--fits] [PATTERN...]: would the tests notice, if a line of the code were wrong?

Each hunk of the tables beside this file (*.mutations) is one small mistake in one source. It is compiled
outside the tree and linked in the place of the right code; then the tests that the table names run until one
of them fails. A mistake that none notices has survived, and is a failure. So is a hunk that does not fit
exactly one place of its source.

    tests: tx tx_model fuzz_inject        for the hunks that follow, in this order; `replay:kafka` is `replay kafka`
    == agent/tx_plan.c: what the mistake is, in words
     a line that stays, to name the place
    -a line of the source
    +what stands there instead

Prints TAP; each line says which test noticed, and what of it failed first. --fits makes no mistake: it only asks whether
each hunk fits its source, and whether there are its tests. That takes no time, and is part of the lint suite.
"""
import argparse
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_SECONDS = 60


class Unfit(Exception):
    """The table is wrong, or the code is not what it was made for."""


@dataclass
class Mutation:
    source: str
    title: str
    tests: list
    old: str = ""
    new: str = ""

    def text(self):
        """The source with the mistake in it."""
        text = "\n" + (ROOT / self.source).read_text()
        places = text.count("\n" + self.old)
        if places != 1 or self.old == self.new:
            raise Unfit(f"fits {places} places")
        return text.replace("\n" + self.old, "\n" + self.new)[1:]


def read_table(path):
    tests, found = [], []
    for line in path.read_text().splitlines():
        if line.startswith("tests: "):
            tests = [word.replace(":", " ") for word in line.split()[1:]]
        elif line.startswith("== "):
            found.append(Mutation(*line[3:].split(": ", 1), tests))
        elif line[:1] in (" ", "-", "+") and found:
            found[-1].old += line[1:] + "\n" if line[0] != "+" else ""
            found[-1].new += line[1:] + "\n" if line[0] != "-" else ""
        elif line and not line.startswith("#"):
            sys.exit(f"{path}: what is this? {line}")
    return found


class Build:
    """What a build folder knows: how each object is compiled, and how each test is linked and run."""

    def __init__(self, folder):
        self.folder = folder
        self.objects = {e["output"]: e for e in json.loads((folder / "compile_commands.json").read_text())}
        self.tests = {t["name"]: t["cmd"] for t in json.loads((folder / "meson-info/intro-tests.json").read_text())}
        self.links, self.inside = {}, {}
        self.read_by = {}  # sources, with the objects they go into
        for block in self.ninja("-t", "deps").split("\n\n"):
            name, *lines = block.splitlines() or [""]
            for source in lines:
                source = os.path.normpath(folder / source.strip())
                self.read_by.setdefault(os.path.relpath(source, ROOT), set()).add(name.split(":")[0])

    def ninja(self, *arguments):
        return subprocess.run(["ninja", "-C", self.folder, *arguments], check=True, text=True,
                              capture_output=True).stdout

    def program(self, test):
        return next(a for a in self.tests[test] if Path(a).name in (test.split()[0], "test_" + test))

    def link_of(self, test):
        """The command that links a test."""
        if test not in self.links:
            target = os.path.relpath(self.folder / self.program(test), self.folder)
            self.links[test] = shlex.split(self.ninja("-t", "commands", target).splitlines()[-1])
        return self.links[test]

    def members(self, library):
        """The objects in a library of ours."""
        if library not in self.inside:
            words = subprocess.run(["ar", "t", library], cwd=self.folder, check=True, text=True, capture_output=True)
            self.inside[library] = words.stdout.split()
        return self.inside[library]


class Bench:
    """Where one mutation is made, and tried: a folder of its own."""

    def __init__(self, build, mutation, folder):
        self.build, self.mutation, self.folder = build, mutation, Path(folder)
        mutated = self.folder / "tree" / mutation.source
        mutated.parent.mkdir(parents=True)
        mutated.write_text(mutation.text())
        self.made = {}  # the build's objects, with ours in their place

    def run(self, command):
        result = subprocess.run(command, cwd=self.build.folder, text=True, capture_output=True)
        if result.returncode:
            raise Unfit("does not compile:\n" + result.stderr)

    def make(self, name):
        if name in self.made:
            return
        entry = self.build.objects[name]
        command = shlex.split(entry["command"])
        source = os.path.relpath(os.path.normpath(self.build.folder / entry["file"]), ROOT)
        out = self.folder / name.replace("/", "_")
        command[command.index("-o") + 1] = str(out)
        command[command.index("-MF") + 1] = str(out) + ".d"
        if source == self.mutation.source:
            command[command.index("-c") + 1] = str(self.folder / "tree" / source)
        # Quickly; and a mistake may leave something unused.
        first = next(at for at, word in enumerate(command) if word.startswith("-"))  # behind "cc", or "ccache cc"
        self.run([*command[:first], f"-I{self.folder}/tree", *command[first:], "-O0", "-g0", "-w"])
        self.made[name] = str(out)

    def library(self, name):
        """A library of the build, with our objects in the place of its own; as it is, where it has none of them."""
        touched = self.build.read_by.get(self.mutation.source, set())
        members = self.build.members(name)
        if not touched.intersection(members):
            return name
        for member in touched.intersection(members):
            self.make(member)
        ours = str(self.folder / Path(name).name)
        if not Path(ours).exists():
            self.run(["ar", "csrDT", ours, *(self.made.get(m, str(self.build.folder / m)) for m in members)])
        return ours

    def link(self, test):
        command = list(self.build.link_of(test))
        for at, word in enumerate(command):
            if word in self.build.objects and word in self.build.read_by.get(self.mutation.source, set()):
                self.make(word)
                command[at] = self.made[word]
            elif word.endswith(".a") and not word.startswith("/"):
                command[at] = self.library(word)
        program = command[command.index("-o") + 1] = str(self.folder / test)
        self.run(command)
        return program

    def outcome(self, command):
        """(status, what it printed); the status is None when it had to be ended."""
        with subprocess.Popen(command, cwd=self.build.folder, text=True, errors="replace", stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True) as process:
            try:
                printed, _ = process.communicate(timeout=PATIENCE_SECONDS)
                return process.returncode, printed
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return None, ""

    def noticed(self, test):
        """What of the test failed; empty: nothing."""
        was, now = self.build.program(test), self.link(test)
        right = self.build.tests[test]
        status, printed = self.outcome([now if a == was else a for a in right])
        if status is None:
            # It hangs, if the right code does not: the machine may just be busy.
            if self.outcome(right)[0] is None:
                raise Unfit(f"no verdict: {test} takes too long on this machine")
            return "hangs"
        failed = re.findall(r"^not ok \d+ - (.*)", printed, re.M)
        if status and not failed:
            return f"status {status}"
        return failed[0] if status else ""


def judge(build, mutation):
    """(killed, words)"""
    try:
        with tempfile.TemporaryDirectory(prefix="remora-mutation-") as folder:
            bench = Bench(build, mutation, folder)
            for test in mutation.tests:
                if what := bench.noticed(test):
                    return True, f"{test}: {what}"
    except Unfit as error:
        return False, str(error)
    return False, "SURVIVED " + " ".join(mutation.tests)


def unfit(mutations, build):
    """Says which hunks cannot be tried."""
    tests = {t["name"] for t in json.loads((build / "meson-info/intro-tests.json").read_text())}
    for m in mutations:
        where = f"{m.source}: {m.title}"
        try:
            m.text()
        except (Unfit, OSError) as error:
            yield f"{where}: {error}"
        yield from (f"{where}: no test {name}" for name in m.tests if name not in tests)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--fits", action="store_true", help="only ask whether the tables are those of this code")
    parser.add_argument("patterns", nargs="*", help="only mutations whose source or title contains one of these")
    options = parser.parse_args()
    mutations = [m for table in sorted(Path(__file__).parent.glob("*.mutations")) for m in read_table(table)]
    if options.patterns:
        mutations = [m for m in mutations if any(p in f"{m.source}: {m.title}" for p in options.patterns)]
    if options.fits:
        found = list(unfit(mutations, options.build))
        print("\n".join(found))
        return found != [] or not mutations
    build = Build(options.build.resolve())
    failed = 0
    print(f"1..{len(mutations)}")
    with ThreadPoolExecutor(options.jobs) as pool:
        verdicts = pool.map(lambda m: judge(build, m), mutations)
        for number, (m, (killed, words)) in enumerate(zip(mutations, verdicts), 1):
            print(f"{'ok' if killed else 'not ok'} {number} - {m.source}: {m.title} # {words}", flush=True)
            failed += not killed
    print(f"# {len(mutations) - failed} of {len(mutations)} noticed")
    return failed != 0 or not mutations


if __name__ == "__main__":
    sys.exit(main())
