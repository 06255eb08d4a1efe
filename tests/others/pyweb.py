"""The tests of Tornado and of Twisted that Debian's packages carry, on Debian's Python."""
import re
import tempfile

from suite import Suite, ending

TWISTED = [f"twisted.{part}" for part in "web internet protocols names mail logger application test".split()]
# A name, perhaps the first line of its documentation, perhaps what the test printed, the verdict.
TORNADO = re.compile(r"^\w+ \((tornado\.\S+?)\)\n?.*? \.\.\. (?:.*\n)??.*?(ok|FAIL|ERROR|skipped)\b", re.MULTILINE)
TRIAL = re.compile(r"^(twisted\.\S+) \.\.\. (?:.*\n)*?.*?\[(OK|SKIPPED|TODO|FAILURE|ERROR)\]", re.MULTILINE)


class PyWeb(Suite):
    name = "pyweb"
    packages = ("python3", "python3-tornado", "python3-twisted", "python3-openssl")

    def prepare(self, debian):
        self.work.mkdir(parents=True, exist_ok=True)
        self.version = " ".join(f"{package} {self.installed(f'python3-{package}')}"
                                for package in ("tornado", "twisted"))

    def parts(self):
        return ["tornado", *TWISTED]

    def run(self, part, env, log):
        with tempfile.TemporaryDirectory(prefix="remora-pyweb-") as folder:
            if part == "tornado":
                argv = ["-m", "tornado.test.runtests", "--verbose"]
            else:
                argv = ["-m", "twisted.trial", "--reporter=bwverbose", part]
            status, text = self.execute(["/usr/bin/python3", *argv], env, log, folder)
        found = (TORNADO if part == "tornado" else TRIAL).findall(text)
        verdicts = {"ok": "ok", "OK": "ok", "TODO": "ok", "skipped": "skip", "SKIPPED": "skip"}
        # Status 1 is failed tests, which have results of their own.
        return {**{test: verdicts.get(verdict, "fail") for test, verdict in found},
                **ending(f"{part} as a whole", status, (0, 1))}
