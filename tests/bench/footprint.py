#!/usr/bin/env python3
"""What the agent takes of a machine besides time: memory of idle connections and of many processes, and wake-ups.

  footprint.py [--build DIR] [--quick]

"connections": so many connections to nginx, each asked once and then left alone, after as many that were closed; the
proportional memory that each takes of all of the server, without the agent and added by it, and how often threads woke up while
all were idle. "processes": so many processes of one program below one `remora run`, each asked once; the memory of each that no
other shares. Prints rows of Markdown tables.
"""
import argparse
import contextlib
import resource
import socket
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
import apps  # noqa: E402
import probe  # noqa: E402
from subject import Subject  # noqa: E402
from variants import Counter, Variant  # noqa: E402

SETTLE_SECONDS = 6  # the last spans leave within five
REQUEST = b"GET /hello HTTP/1.1\r\nHost: h\r\n\r\n"


def ask(port):
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(REQUEST)
    answer = b""
    while b"hello\n" not in answer:
        more = connection.recv(4096)
        if not more:
            raise SystemExit(f"footprint: the server closed a connection after {answer!r}")
        answer += more
    return connection


def pss(pid):
    return probe.rollup(pid, "Pss")[0]


def idle(build, variant, count, seconds):
    """(bytes a connection, wake-ups in so many seconds)"""
    subject = Subject("idle", build, variant)
    try:
        server = apps.nginx(subject, connections=2 * count, keepalive="3600s")
        pid = server.popen.pid
        for _ in range(count):  # so that what grows with requests has grown
            ask(server.port).close()
        time.sleep(SETTLE_SECONDS)
        before = pss(pid)
        kept = [ask(server.port) for _ in range(count)]
        time.sleep(SETTLE_SECONDS)
        grown, woken = pss(pid) - before, probe.sleeps(pid)
        time.sleep(seconds)
        woken = probe.sleeps(pid) - woken
        for connection in kept:
            connection.close()
        return grown / count, woken
    finally:
        subject.close()


def processes(build, variant, count):
    """Private and proportional bytes of each of so many servers below one shell; with an agent, below one relay."""
    subject = Subject("processes", build, variant)
    try:
        program, ports = subject.build.app("http-server-c-epoll"), set()
        while len(ports) < count:
            ports.add(subject.port())
        script = "".join(f"{program} {port} & " for port in ports) + "wait"
        argv = [build.cli, "run", "-q", "--"] if variant.counter else []
        started = Subject.start(subject, "many", [*argv, "bash", "-c", script], agent=False,
                                env={k: v for k, v in variant.environment("many").items() if k != "LD_PRELOAD"})
        for port in ports:
            until_open(port)
            ask(port).close()
        time.sleep(SETTLE_SECONDS)
        servers = [pid for pid in probe.family(started.popen.pid) if Path(f"/proc/{pid}/exe").resolve() == program.resolve()]
        if len(servers) != count:
            raise SystemExit(f"footprint: {len(servers)} servers run instead of {count}")
        sums = [sum(column) / count for column in zip(*(probe.rollup(pid, "Private_Dirty", "Private_Clean", "Pss") for pid in servers))]
        return sums[0] + sums[1], sums[2]
    finally:
        subject.close()


def until_open(port):
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.01)
    raise SystemExit(f"footprint: nothing listens on port {port}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build")
    parser.add_argument("--quick", action="store_true", help="fewer connections and processes")
    options = parser.parse_args()
    connections, many, seconds = (1000, 20, 5) if options.quick else (10000, 200, 20)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with tempfile.TemporaryDirectory(prefix="remora-bench-") as stage:
        build = apps.Build(Path(options.build).resolve(), Path(stage), agent=True)
        counter = Counter(build.folder / "tests" / "bench" / "counter", stage, "remora")
        variants = [Variant("without"), Variant("Remora", counter, {"LD_PRELOAD": str(build.library)})]
        try:
            print(f"| idle connections to nginx | bytes each | wake-ups in {seconds} s |\n|---|---|---|")
            for variant in variants:
                each, woken = idle(build, variant, connections, seconds)
                print(f"| {connections:,} {variant.name} | {each:,.0f} | {woken} |", flush=True)
            print("\n| processes of one program | private memory each, KiB | proportional, KiB |\n|---|---|---|")
            for count in (1, many):
                for variant in variants:
                    private, proportional = processes(build, variant, count)
                    print(f"| {count:,} {variant.name} | {private / 1024:,.0f} | {proportional / 1024:,.0f} |", flush=True)
        finally:
            counter.close()


if __name__ == "__main__":
    main()
