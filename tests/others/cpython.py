"""CPython's own tests of sockets, TLS, HTTP, event loops, processes, signals and threads.

The interpreter, its standard library and its tests are Debian's packages, unpacked side by side: an
installed interpreter may be of another version than the packaged tests. TEST_PYTHON names another
interpreter that has its tests with it (built from source). Each module is one part.
"""
import os
import re
import subprocess
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from suite import Suite

MODULES = """
    test_socket test_ssl test_asyncio test_httplib test_urllib test_urllib2 test_urllib2_localnet
    test_urllib_response test_http_cookiejar test_http_cookies test_httpservers test_cgi
    test_subprocess test_multiprocessing_fork test_multiprocessing_spawn
    test_multiprocessing_forkserver test_signal test_os test_posix test_select test_selectors
    test_poll test_epoll test_asyncore test_asynchat test_socketserver test_timeout
    test_thread test_threading test_threading_local test_threadsignals test_queue test_xmlrpc
    test_ftplib test_smtplib test_smtpd test_poplib test_imaplib test_nntplib test_telnetlib
    test_wsgiref test_concurrent_futures test_fork1 test_wait3 test_wait4 test_popen
    test_file_eintr test_eintr test_pty test_openpty test_ioctl test_io test_fileio test_bufio
    test_largefile test_mmap test_tempfile test_fcntl test_resource test_exceptions
    test_faulthandler test_atexit test_sys test_sys_settrace test_cmd_line test_gc test_ctypes
    test_logging test_syslog test_time test_uuid
    test_docxmlrpc test_robotparser test_shutil
""".split()
# Their servers are on this machine, but their authors count them among those that need a network.
NEED_NETWORK = {"test_socketserver"}
# Never ends where the kernel has vsock and nobody answers, agent or not.
NOT_RUN = "ThreadedVSOCKSocketStreamTest"


class CPython(Suite):
    name = "cpython"
    packages = ("libssl3", "libffi8", "libsqlite3-0")
    limit = 1200

    def prepare(self, debian):
        if "TEST_PYTHON" in os.environ:
            self.python = Path(os.environ["TEST_PYTHON"])
        else:
            release = Path("/usr/bin/python3").resolve().name  # python3.11
            debian.binaries([f"lib{release}-testsuite", f"lib{release}-stdlib",
                             f"lib{release}-minimal", f"{release}-minimal"], self.work)
            self.python = self.work / "usr" / "bin" / release
        asked = "import platform, test; print(platform.python_version(), test.__path__[0])"
        self.version, tests = subprocess.run([self.python, "-c", asked], check=True, capture_output=True,
                                             text=True).stdout.split()
        self.tests = Path(tests)

    def parts(self):
        return [m for m in MODULES
                if (self.tests / f"{m}.py").exists() or (self.tests / m).is_dir()]

    def run(self, part, env, log):
        report = log.with_suffix(".xml")
        report.unlink(missing_ok=True)
        use = ["-u", "network"] if part in NEED_NETWORK else []
        status, text = self.execute(
            [self.python, "-m", "test", "-v", "--timeout", self.limit - 60, "--fail-env-changed",
             "--ignore", NOT_RUN, "--junit-xml", report, *use, part],
            {**env, "PYTHONDONTWRITEBYTECODE": "1"}, log, log.parent)
        results = {}
        if report.exists():
            for case in ElementTree.parse(report).iter("testcase"):
                kinds = {child.tag for child in case}
                results[case.get("name").split(" ")[0]] = (
                    "fail" if kinds & {"error", "failure"} else "skip" if "skipped" in kinds else "ok")
        changed = re.search(r"env changed", text) is not None
        results[f"{part} left its environment as it was"] = "fail" if changed else "ok"
        # Status 2 is failed tests, 3 a changed environment: both have results of their own.
        results[f"{part} ran to its end"] = "ok" if status in (0, 2, 3) else "fail"
        return results
