"""curl's own tests of HTTP and HTTPS, with its own servers.

They compare requests byte by byte, so the agent runs with OTEL_PROPAGATORS=none here: everything but
its header lines is under test, and the servers and the test driver are traced as well.
"""
import os
import re

from debian import run, version
from suite import Suite, ending

LINE = re.compile(r"^(PASS|FAIL|SKIP): (\d+)", re.MULTILINE)
WITHOUT = "libpsl nghttp2 brotli zstd librtmp libssh2 libgsasl".split()
STEP = 250  # test numbers to a part


class Curl(Suite):
    name = "curl"
    packages = ("build-essential", "pkg-config", "libssl-dev", "zlib1g-dev", "perl", "stunnel4")
    environment = {"OTEL_PROPAGATORS": "none"}

    def prepare(self, debian):
        debian.source("curl", self.work)
        if not (self.work / "src" / "curl").exists():
            run(["./configure", "--with-openssl", "--disable-shared", "--disable-ldap",
                 "--disable-manual", *(f"--without-{name}" for name in WITHOUT)], debian.log, cwd=self.work)
            run(["make", f"-j{os.cpu_count()}"], debian.log, cwd=self.work)
        if not (self.work / "tests" / "server" / "sws").exists():
            run(["make", f"-j{os.cpu_count()}", "-C", "tests", "all"], debian.log, cwd=self.work)
        self.version = version(self.work)

    def tests(self):
        data = self.work / "tests" / "data"
        disabled = set(re.findall(r"(?m)^(\d+)", (data / "DISABLED").read_text()))
        for path in data.glob("test[0-9]*"):
            keywords = re.search(rb"<keywords>(.*?)</keywords>", path.read_bytes(), re.DOTALL)
            number = path.name.removeprefix("test")
            if keywords and b"HTTP" in keywords.group(1) and number not in disabled:
                yield int(number)

    def parts(self):
        return [f"{STEP * block}-{STEP * (block + 1) - 1}"
                for block in sorted({number // STEP for number in self.tests()})]

    def run(self, part, env, log):
        first, last = map(int, part.split("-"))
        numbers = sorted(number for number in self.tests() if first <= number <= last)
        status, text = self.execute(["perl", "runtests.pl", "-n", "-a", "-am", *numbers], env, log,
                                    self.work / "tests")
        results = {f"test {number}": {"PASS": "ok", "FAIL": "fail"}.get(verdict, "skip")
                   for verdict, number in LINE.findall(text)}
        # Status 1 is failed tests, which have results of their own.
        return {**results, **ending(f"runtests.pl {part}", status, (0, 1))}
