"""PHP's own tests of sockets, streams, curl, TLS, files, processes and its servers, on the installed PHP."""
import os
import re
import shutil

from debian import version
from suite import Suite, ending

PARTS = """
    ext/sockets ext/curl ext/openssl ext/pcntl ext/posix ext/ftp ext/soap ext/standard/tests/streams
    ext/standard/tests/network ext/standard/tests/http ext/standard/tests/file
    ext/standard/tests/general_functions sapi/cli sapi/cgi sapi/fpm
""".split()
LINE = re.compile(r"(PASS|FAIL|SKIP|BORK|LEAK|WARN|XFAIL|XLEAK)(?:&(?:FAIL|LEAK|WARN))* .*?\[([^\]]+\.phpt)\]")


class Php(Suite):
    name = "php"
    packages = ("php8.2-cli", "php8.2-cgi", "php8.2-curl", "php8.2-fpm", "php8.2-soap", "php8.2-xml")

    def prepare(self, debian):
        source = self.source = self.work / "source"
        debian.source("php8.2", source)
        # Where the tests of the FPM look for a built one.
        built = source / "sapi" / "fpm" / "php-fpm"
        if not built.exists() and (fpm := shutil.which("php-fpm8.2", path="/usr/sbin")):
            built.symlink_to(fpm)
        self.version = version(source)

    def parts(self):
        return PARTS

    def run(self, part, env, log):
        status, text = self.execute(
            ["/usr/bin/php8.2", "run-tests.php", "-q", "--offline", f"-j{os.cpu_count()}", part],
            {**env, "TEST_PHP_EXECUTABLE": "/usr/bin/php8.2", "TEST_PHP_CGI_EXECUTABLE": "/usr/bin/php-cgi8.2",
             "TEST_TIMEOUT": "120"}, log, self.source)
        plain = re.sub(r"\x1b\[[\d;]*m", "", text)
        verdicts = {"PASS": "ok", "XFAIL": "ok", "XLEAK": "ok", "SKIP": "skip"}
        results = {test: verdicts.get(verdict, "fail") for verdict, test in LINE.findall(plain)}
        # Status 1 is failed tests, which have results of their own.
        return {**results, **ending(f"run-tests.php {part}", status, (0, 1))}
