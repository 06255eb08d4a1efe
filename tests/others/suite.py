"""What a suite of another project is to run.py, and the two things that most of them need.

A suite has a `name`, the Debian `packages` that must be installed, the `environment` that the agent
needs beyond the usual, and three methods:
  prepare(debian)   fetches and builds it, once; sets self.version
  parts()           names of what is run at a time
  run(part, env, log)
                    runs one part to its end; returns {test: "ok", "fail" or "skip"}. What has no
                    test of its own (a crash, a hang, an ending with a bad status) gets one here.
"""
import contextlib
import os
import re
import signal
import subprocess

TAP = re.compile(r"^(not )?ok\b[ \t]*(\d*)[ \t]*-?[ \t]*(.*)$", re.MULTILINE)


class Suite:
    name = ""
    packages = ()
    environment = {}
    limit = 900  # seconds for one part

    def __init__(self, work):
        self.work = work / self.name
        self.version = ""

    @staticmethod
    def installed(package):
        """The version of an installed Debian package."""
        return subprocess.run(["dpkg-query", "-W", "-f", "${Version}", package], check=True,
                              capture_output=True, text=True).stdout

    def execute(self, argv, env, log, cwd, **options):
        """Runs to the end or to the limit. Returns (status or None, output); `log` keeps the output."""
        with open(log, "wb") as out:
            popen = subprocess.Popen([str(a) for a in argv], env=env, cwd=cwd, stdout=out,
                                     stdin=subprocess.DEVNULL, stderr=subprocess.STDOUT,
                                     start_new_session=True, **options)
            try:
                status = popen.wait(self.limit)
            except subprocess.TimeoutExpired:
                status = None
            with contextlib.suppress(ProcessLookupError):  # whatever a test left behind ends here
                os.killpg(popen.pid, signal.SIGKILL)
            popen.wait()
            out.write(f"\n== status {status}\n".encode())
        return status, log.read_text(errors="replace")


def tap_results(text, label):
    """Results of TAP output. Tests without a description go by their number, and a description that
    occurs again gets a number too."""
    results = {}
    for bad, number, description in TAP.findall(text):
        directive = re.search(r"#\s*(skip|todo)", description, re.IGNORECASE)
        title = re.split(r"(?:^|\s)#", description)[0].strip() or f"test {number}"
        verdict = "skip" if directive else "fail" if bad else "ok"
        key, count = f"{label}: {title}", 1
        while key in results:
            count += 1
            key = f"{label}: {title} ({count})"
        results[key] = verdict
    return results


def ending(label, status, good=(0,)):
    """The result that says how the part's process itself ended."""
    if status is None:
        return {f"{label} ended in time": "fail"}
    if status < 0:
        return {f"{label} was not killed by a signal": "fail"}
    return {f"{label} ended well": "ok" if status in good else "fail"}
