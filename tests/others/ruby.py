"""Ruby's own tests of sockets, HTTP, TLS, processes, signals, threads and files, on the installed Ruby.

They are of the version that Debian's ruby belongs to. What needs a Ruby that was built for testing
fails in the same way without the agent.
"""
import re
import subprocess

from debian import version
from suite import Suite, ending

PARTS = """
    test/net/http test/net/protocol test/socket test/open-uri test/drb test/rinda test/io/wait
    test/io/nonblock test/openssl/test_ssl.rb test/openssl/test_ssl_session.rb
    test/openssl/test_pair.rb test/fiber test/monitor test/test_open3.rb test/test_pty.rb
    test/test_timeout.rb test/ruby/test_process.rb test/ruby/test_signal.rb test/ruby/test_io.rb
    test/ruby/test_io_timeout.rb test/ruby/test_thread.rb test/ruby/test_file_exhaustive.rb
    test/ruby/test_beginendblock.rb test/ruby/test_at_exit.rb test/ruby/test_system.rb
""".split()
STARTED = re.compile(r"^\[ *\d+/\d+\] (\S+#.*?)(?: = [\d.]+ s.*)?$", re.MULTILINE)
ENDED_BADLY = re.compile(r"^ +\d+\) (Failure|Error|Skipped|Timeout):\n(\S+#.*?)(?: \[.*|:)$", re.MULTILINE)


class Ruby(Suite):
    name = "ruby"
    packages = ("ruby", "ruby-webrick")

    def prepare(self, debian):
        release = subprocess.run(["/usr/bin/ruby", "-e", "print RUBY_VERSION[/\\d+\\.\\d+/]"], check=True,
                                 capture_output=True, text=True).stdout
        debian.source(f"ruby{release}", self.work)
        self.version = version(self.work)

    def parts(self):
        return [p for p in PARTS if (self.work / p).exists()]

    def run(self, part, env, log):
        status, text = self.execute(["/usr/bin/ruby", "-W0", "-I", "test/lib", "test/runner.rb", "-v", part],
                                    {**env, "NO_COLOR": "1"}, log, self.work)
        results = {name: "ok" for name in STARTED.findall(text)}
        for how, name in ENDED_BADLY.findall(text):
            results[name] = "skip" if how == "Skipped" else "fail"
        # The status counts the failed tests.
        return {**results, **ending(part, status, range(256))}
