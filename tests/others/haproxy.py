"""HAProxy's own regression tests on the installed haproxy, driven by the varnishtest of Debian's varnish."""
import re
import subprocess
import tempfile

from debian import version
from suite import Suite, ending

LINE = re.compile(r"^#\s+top\s+TEST (\S+) (passed|FAILED|skipped|TIMED OUT)", re.MULTILINE)


class Haproxy(Suite):
    name = "haproxy"
    packages = ("haproxy", "varnish")

    def prepare(self, debian):
        self.source = self.work / "source"
        debian.source("haproxy", self.source)
        installed = subprocess.run(["/usr/sbin/haproxy", "-v"], check=True, capture_output=True, text=True).stdout
        self.version = f"{installed.split()[2]} (tests of {version(self.source)})"

    def parts(self):
        return sorted({path.parent.name for path in (self.source / "reg-tests").rglob("*.vtc")})

    def run(self, part, env, log):
        tests = sorted(p.relative_to(self.source) for p in (self.source / "reg-tests" / part).glob("*.vtc"))
        with tempfile.TemporaryDirectory(prefix="remora-haproxy-") as folder:
            status, text = self.execute(
                ["/usr/bin/varnishtest", "-k", "-t", "60", "-b", "5M", *tests],
                {**env, "HAPROXY_PROGRAM": "/usr/sbin/haproxy", "TMPDIR": folder}, log, self.source)
        results = {test: {"passed": "ok", "skipped": "skip"}.get(verdict, "fail")
                   for test, verdict in LINE.findall(text)}
        # 1 and 2 are failed tests, 77 is that all were skipped.
        return {**results, **ending(f"varnishtest {part}", status, (0, 1, 2, 77))}
