"""All of curl's own tests: of HTTP/1 and 2, FTP, mail, SSH and the rest, of its library, with its own servers.

They compare requests byte by byte, so the agent runs with OTEL_PROPAGATORS=none here: everything but
its header lines is under test, and the servers and the test driver are traced as well. curl is built for
debugging: then it counts its memory and descriptors, and the tests of its insides run, too.
"""
import os
import re

from debian import run, version
from suite import Suite, ending

LINE = re.compile(r"^(PASS|FAIL|SKIP): (\d+)", re.MULTILINE)
WITHOUT = "libpsl brotli zstd librtmp libgsasl".split()
STEP = 250  # test numbers to a part
# In a build for debugging make judges how the source looks, where a patch of Debian's does not pass.
MAKE = ("make", f"-j{os.cpu_count()}", "CHECKSRC=true ||")


class Curl(Suite):
    name = "curl"
    packages = ("build-essential", "pkg-config", "libssl-dev", "zlib1g-dev", "perl", "stunnel4", "python3",
                "libnghttp2-dev", "nghttp2-proxy", "libssh2-1-dev", "openssh-server", "openssh-client")
    environment = {"OTEL_PROPAGATORS": "none"}

    def prepare(self, debian):
        debian.source("curl", self.work)
        if not (self.work / "src" / "curl").exists():
            run(["./configure", "--enable-debug", "--with-openssl", "--with-libssh2", "--disable-shared",
                 "--disable-ldap", *(f"--without-{name}" for name in WITHOUT)], debian.log, cwd=self.work)
            run(MAKE, debian.log, cwd=self.work)
        if not (self.work / "tests" / "server" / "sws").exists():
            run([*MAKE, "-C", "tests", "all"], debian.log, cwd=self.work)
        self.version = version(self.work)

    def tests(self):
        data = self.work / "tests" / "data"
        disabled = set(re.findall(r"(?m)^(\d+)", (data / "DISABLED").read_text()))
        numbers = {path.name.removeprefix("test") for path in data.glob("test[0-9]*")}
        yield from map(int, numbers - disabled)

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
