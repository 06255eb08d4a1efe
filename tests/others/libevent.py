"""libevent's own tests: event loops, buffers, TLS, DNS, and an HTTP client and server in one process."""
import os
import re
import subprocess

from debian import run, version
from suite import Suite, ending

TEST = re.compile(r"^[ \t]+(\w+)/(\w+)", re.MULTILINE)
LINE = re.compile(r"^(\S+/\S+): (?:\[forking\] )?(OK|SKIPPED|DISABLED)?", re.MULTILINE)


class Libevent(Suite):
    name = "libevent"
    packages = ("build-essential", "cmake", "libssl-dev", "zlib1g-dev", "python3")

    def prepare(self, debian):
        source, build = self.work / "source", self.work / "build"
        debian.source("libevent", source)
        self.program = build / "bin" / "regress"
        if not self.program.exists():
            run(["cmake", "-S", source, "-B", build, "-DEVENT__DISABLE_BENCHMARK=ON",
                 "-DEVENT__DISABLE_SAMPLES=ON", "-DEVENT__DISABLE_MBEDTLS=ON"], debian.log)
            run(["make", "-C", build, f"-j{os.cpu_count()}", "regress"], debian.log)
        self.version = version(source)

    def parts(self):
        listed = subprocess.run([self.program, "--list-tests"], check=False, capture_output=True, text=True).stdout
        return sorted({group for group, _ in TEST.findall(listed)})

    def run(self, part, env, log):
        status, text = self.execute([self.program, f"{part}/.."], env, log, log.parent)
        verdicts = {"OK": "ok", "SKIPPED": "skip", "DISABLED": "skip"}
        # What comes behind the name of a test that fails is something else.
        results = {test: verdicts.get(verdict, "fail") for test, verdict in LINE.findall(text)}
        # Status 1 is failed tests, which have results of their own.
        return {**results, **ending(f"regress {part}", status, (0, 1))}
