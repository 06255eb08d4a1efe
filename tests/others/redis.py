"""Redis' own tests, as far as they are about connections, processes, memory and files."""
import os
import re

from debian import run, version
from suite import Suite, ending

FILES = """
    unit/networking unit/protocol unit/introspection unit/introspection-2 unit/limits unit/querybuf
    unit/pendingquerybuf unit/obuf-limits unit/client-eviction unit/replybufsize unit/memefficiency
    unit/maxmemory unit/lazyfree unit/pubsub unit/multi unit/auth unit/acl unit/tracking unit/pause
    unit/quit unit/other unit/info unit/shutdown unit/oom-score-adj unit/aofrw unit/scripting unit/wait
    unit/expire unit/scan integration/aof integration/aof-multi-part integration/rdb
    integration/shutdown integration/logging integration/redis-cli integration/redis-benchmark
    integration/block-repl integration/replication integration/replication-3
    integration/replication-psync integration/replication-buffer integration/failover
""".split()
LINE = re.compile(r"\[(ok|err|exception|skip|ignore|timeout)\]:? *(.*)")
SECONDS = re.compile(r" \(\d+ ms\)$")


class Redis(Suite):
    name = "redis"
    packages = ("build-essential", "tcl", "pkg-config")

    def prepare(self, debian):
        debian.source("redis", self.work)
        if not (self.work / "src" / "redis-server").exists():
            run(["make", f"-j{os.cpu_count()}", "MALLOC=libc"], debian.log, cwd=self.work)
        self.version = version(self.work)

    def parts(self):
        return [f for f in FILES if (self.work / "tests" / f"{f}.tcl").exists()]

    def run(self, part, env, log):
        status, text = self.execute(["./runtest", "--single", part, "--clients", "1", "--durable"],
                                    env, log, self.work)
        results = {}
        for kind, title in LINE.findall(re.sub(r"\x1b\[[\d;]*m", "", text)):
            title = SECONDS.sub("", title.split(" in tests/")[0]).strip()
            key, count = f"{part}: {title}", 1
            while key in results:
                count += 1
                key = f"{part}: {title} ({count})"
            results[key] = {"ok": "ok", "skip": "skip", "ignore": "skip"}.get(kind, "fail")
        # Status 1 is failed tests, which have results of their own.
        return {**results, **ending(part, status, (0, 1))}
