"""Fetches other projects' sources and programs from Debian, without installing anything.

Source packages come through a copy of apt's own sources, as in tools/deps.sh, because most machines
have no source entries. Everything is verified by apt and lies below deps/others/.
"""
import re
import subprocess
from pathlib import Path


def step(argv, log, **options):
    """Runs one step of a preparation; its output is only of interest when it fails. Returns its status."""
    with open(log, "ab") as out:
        return subprocess.run([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out,
                              stderr=subprocess.STDOUT, check=False, **options).returncode


def run(argv, log, **options):
    status = step(argv, log, **options)
    if status:
        raise SystemExit(f"{' '.join(str(a) for a in argv)}: status {status}; see {log}")


def source_entries(etc):
    """apt's binary entries as source entries: {file name: text}."""
    found = {}
    for file in sorted((etc / "sources.list.d").glob("*.sources")):
        found[file.name] = re.sub(r"(?mi)^types:.*", "Types: deb-src", file.read_text())
    for file in [etc / "sources.list", *sorted((etc / "sources.list.d").glob("*.list"))]:
        if file.is_file():
            found[file.name] = "".join(f"deb-src {entry}\n" for entry in
                                       re.findall(r"(?m)^\s*deb\s+(.*)", file.read_text()))
    return found


class Debian:
    def __init__(self, work):
        self.work = work
        work.mkdir(parents=True, exist_ok=True)
        self.log = work / "fetch.log"
        self.apt = work / "apt"
        self.ready = False

    def options(self):
        return ["-qq", "-o", f"Dir::Etc::sourcelist={self.apt}/none",
                "-o", f"Dir::Etc::sourceparts={self.apt}/parts",
                "-o", f"Dir::State::lists={self.apt}/lists", "-o", f"Dir::Cache={self.apt}",
                "-o", f"Dir::Cache::archives={self.apt}", "-o", "APT::Sandbox::User=",
                "-o", "Debug::NoLocking=1"]

    def source(self, package, into):
        """Unpacks a source package, with the distribution's patches, as the folder `into`."""
        if into.exists():
            return
        if not self.ready:
            for folder in ("parts", "lists/partial"):
                (self.apt / folder).mkdir(parents=True, exist_ok=True)
            (self.apt / "none").touch()
            for name, text in source_entries(Path("/etc/apt")).items():
                (self.apt / "parts" / name).write_text(text)
            run(["apt-get", *self.options(), "update"], self.log)
            self.ready = True
        listed = subprocess.run(["apt-cache", *self.options(), "showsrc", package], check=True,
                                capture_output=True, text=True).stdout
        # A mirror that lags behind its lists has an older version still.
        for version in dict.fromkeys(re.findall(r"(?m)^Version: (.*)", listed)):
            got = step(["apt-get", *self.options(), "--download-only", "source", f"{package}={version}"],
                       self.log, cwd=self.apt)
            if got == 0:
                break
        else:
            raise SystemExit(f"apt has no source of {package}; see {self.log}")
        file = f"{package}_{version.split(':')[-1]}.dsc"
        into.parent.mkdir(parents=True, exist_ok=True)
        run(["dpkg-source", "--no-check", "-x", self.apt / file, into], self.log)

    def binaries(self, packages, into):
        """Unpacks binary packages (the machine's own lists) below the folder `into`."""
        if into.exists():
            return
        store = into.with_name(into.name + ".debs")
        store.mkdir(parents=True, exist_ok=True)
        run(["apt-get", "-q", "-o", "APT::Sandbox::User=", "download", *packages], self.log, cwd=store)
        for package in sorted(store.glob("*.deb")):
            run(["dpkg-deb", "-x", package, into], self.log)


def version(folder):
    """The version of an unpacked source package, from its changelog."""
    first = (folder / "debian" / "changelog").read_text().split("\n", 1)[0]
    return re.search(r"\((.*?)\)", first).group(1)
