"""What a torture case is written with: a program runs without the agent and with it, and nothing differs.

Adding a case
  1. A function in cases/*.py, named after what it does to the agent:

        @case(31, "descriptors are the same with and without the agent", needs=["strace"])
        def c31_descriptors(t):
            program = t.compile("list_fds", SOURCE)       # C source; or t.script("x.py", TEXT)
            t.same([program], spans=1)                    # off, then up, down and stuck: all equal

     The number is the row of the acceptance list; several functions may share one. `needs` names
     programs: without them the case is skipped. `alone` keeps other cases from running beside it.
  2. C programs include "torture.h" (beside this file): get() makes one traced HTTP exchange with the
     peer that every case has, serve_one() answers one; FAIL_IF() ends the program with its line.
  3. t.same() is the rule. Where more is wanted: t.run() once, with the agent in one of the states of
     STATES or without (None), gives a Result; t.check() states what must hold; t.skip() says why not.
     Two results are compared with t.equal(off, on); `normal` removes what differs by nature (pids).
     t.tally() tries many things by name, goes on past those that fail, and has run.py print the sum.
     Loops are short by default; t.count(short, whole) is the second number below run.py --full.
  4. No case asserts a time. run() ends what hangs: nothing here takes more than a few seconds on an idle
     machine, HANG leaves room for a busy one, and a program that took long without the agent gets ten
     times as long with it.

States of the collector: up (takes spans over http), tls (the same over https), down (refuses), stuck
(takes connections and never answers), relay (the program runs below `remora run`).
"""
import contextlib
import os
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))
from sink import Server, Sink  # noqa: E402

HANG = 60.0  # seconds
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")
STATES = ("up", "tls", "down", "stuck", "relay")
USUAL = ("up", "down", "stuck")
PEER_BODY = b"hello, host\n"


class Failure(Exception):
    pass


class Skip(Exception):
    pass


class Case:
    def __init__(self, run, number, title, needs, alone):
        self.run, self.number, self.title, self.needs, self.alone = run, number, title, needs, alone
        self.name = f"{Path(run.__code__.co_filename).stem}.{run.__name__}"


CASES = []


def case(number, title, needs=(), alone=False):
    def add(run):
        CASES.append(Case(run, number, title, needs, alone))
        return run
    return add


def which(program):
    return shutil.which(program, path=PATH)


class Result:
    """What is seen of a program that ran. A status below zero is the signal that killed it."""

    def __init__(self, status, stdout, stderr, seconds, spans):
        self.status, self.stdout, self.stderr = status, stdout, stderr
        self.seconds, self.spans = seconds, spans

    def __str__(self):
        return (f"status {self.status}\nstdout: {self.stdout[-800:]!r}\n"
                f"stderr: {self.stderr[-800:]!r}")


class Agent:
    """The objects under test, copied to a folder that every user may read."""

    def __init__(self, build, stage):
        self.stage, self.build = stage, build
        stage.chmod(0o755)
        for name in ("libremora.so", "remora-export.so"):
            shutil.copy(self.find(name), stage / name)
        self.library = stage / "libremora.so"
        self.cli = self.find("remora")
        self.tls_lock = threading.Lock()

    def find(self, name):
        found = sorted(p for p in self.build.glob(f"*/{name}") if p.is_file())
        if not found:
            raise SystemExit(f"run.py: no {name} under {self.build}; build first (./dev build)")
        return found[0]

    def certificate(self):
        """The collector's own certificate and key, made once."""
        cert, key = self.stage / "cert.pem", self.stage / "key.pem"
        with self.tls_lock:
            if not cert.exists():
                subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2",
                                "-keyout", key, "-out", cert, "-subj", "/CN=127.0.0.1", "-addext",
                                "subjectAltName=IP:127.0.0.1"], check=True, capture_output=True)
        return cert, key


class Collector:
    """A place for spans, in one of STATES; `environment` is what makes the agent use it."""

    def __init__(self, state, agent):
        self.sink = self.socket = None
        self.environment = {}
        if state in ("up", "tls", "relay"):
            self.sink = Sink()
            endpoint = self.sink.endpoint
            if state == "tls":
                cert, key = agent.certificate()
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                context.load_cert_chain(cert, key)
                server = self.sink.server
                # The handshake is left to the connection's own thread.
                server.socket = context.wrap_socket(server.socket, server_side=True,
                                                    do_handshake_on_connect=False)
                endpoint = endpoint.replace("http:", "https:")
                self.environment["OTEL_EXPORTER_OTLP_CERTIFICATE"] = str(cert)
        else:
            self.socket = socket.socket()
            self.socket.bind(("127.0.0.1", 0))
            if state == "stuck":
                self.socket.listen(1024)
            endpoint = "http://127.0.0.1:%d" % self.socket.getsockname()[1]
        self.environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = endpoint

    def spans(self):
        """All that arrived but the one that `remora run` makes for the command itself."""
        return [s for s in self.sink.received if s["kind"] != "INTERNAL"] if self.sink else []

    def close(self):
        if self.sink:
            self.sink.close()
        else:
            self.socket.close()


class PeerHandler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", str(len(PEER_BODY)))
        self.end_headers()
        self.wfile.write(PEER_BODY)

    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET()

    def log_message(self, *arguments):
        pass


class Torture:
    """One run of one case: its folder, its peer, and the programs it starts."""
    full = False

    def __init__(self, name, agent):
        self.agent = agent
        self.dir = Path(tempfile.mkdtemp(prefix=f"torture-{name.split('.')[-1]}-"))
        self.dir.chmod(0o755)
        self.checks = 0
        self.longest = 0.0  # seconds that a program took without the agent
        self.tallies = {}  # what was tried: (how many went well, how many there were)
        self.notes = []  # figures for the reader; nothing depends on them
        self.closers = []
        self.peer = Server(("127.0.0.1", 0), PeerHandler)
        self.peer_port = self.peer.server_address[1]
        threading.Thread(target=self.peer.serve_forever, args=(0.05,), daemon=True).start()

    # ---- programs ----

    def compile(self, name, source, *flags, cc="cc"):
        """Compiles C source; `flags` come last, so that they may name libraries."""
        if not which(cc):
            self.skip(f"not installed: {cc}")
        file = self.dir / f"{name}.c"
        file.write_text(source)
        out = self.dir / name
        done = subprocess.run([cc, "-D_GNU_SOURCE", "-O1", "-g", "-w", "-pthread", f"-I{HERE}", "-o", out, file,
                               *flags], capture_output=True, text=True, env={**os.environ, "PATH": PATH})
        if done.returncode != 0:
            raise Failure(f"{name}.c does not compile:\n{done.stderr[-2000:]}")
        return out

    def script(self, name, text):
        file = self.dir / name
        file.write_text(text)
        file.chmod(0o755)
        return file

    def environment(self, collector=None, preload=(), env={}, agent_first=False, by_us=True, counted=False):
        new = {k: v for k, v in os.environ.items()
               if not k.startswith(("OTEL_", "REMORA_", "LD_")) and k not in ("TRACEPARENT", "CI")}
        new.update(PATH=PATH, LC_ALL="C.UTF-8", HOME=str(self.dir), PEER_PORT=str(self.peer_port))
        objects = [str(p) for p in preload]
        if collector:
            if by_us:
                objects.insert(0 if agent_first else len(objects), str(self.agent.library))
            new.update(OTEL_BSP_SCHEDULE_DELAY="50", **collector.environment)
            if counted:  # on a busy machine the usual time is over before the last span was sent
                new["REMORA_EXIT_TIMEOUT"] = "5000"
        if objects:
            new["LD_PRELOAD"] = " ".join(objects)
        new.update({k: str(v) for k, v in env.items()})
        return new

    def run(self, argv, state=None, env={}, preload=(), agent_first=False, stdin=b"", cwd=None,
            seconds=HANG, during=None, wait_spans=0, collector=None, **popen):
        """Runs a program to its end, below the agent unless `state` is None.

        preload   other objects to preload, before the agent or (agent_first) after it
        during    a function that gets the Popen while the program runs
        wait_spans  how many spans to wait for after the program ended; if any, it may take its time to end
        collector  one that was made before, and is used for many runs; `spans` is then all it has got
        """
        own = Collector(state, self.agent) if state and not collector else None
        collector = collector or own
        argv = [str(a) for a in argv]
        if state == "relay":  # which preloads by itself
            argv = [str(self.agent.cli), "run", "--", *argv]
        environment = self.environment(collector, preload, env, agent_first, state != "relay",
                                       wait_spans and collector and collector.sink)
        begin = time.monotonic()
        process = subprocess.Popen(argv, env=environment, cwd=cwd or self.dir, start_new_session=True,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   **popen)
        try:
            if during:
                during(process)
            out, err = process.communicate(stdin, timeout=max(seconds, 10 * self.longest))
            took = time.monotonic() - begin
            self.longest = self.longest if state else max(self.longest, took)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            out, err = process.communicate()
            raise Failure(f"hangs ({state or 'no agent'}): {' '.join(argv)}\n"
                          f"stdout: {out[-800:]!r}\nstderr: {err[-800:]!r}") from None
        finally:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
            if collector:
                if collector.sink and wait_spans:
                    collector.sink.wait(wait_spans, HANG / 2)
                spans, errors = collector.spans(), collector.sink and collector.sink.errors
            if own:
                own.close()
        if collector and errors:
            raise Failure(f"the collector got nonsense: {errors[:3]}")
        return Result(process.returncode, out, err, took, spans if collector else [])

    def same(self, argv, states=USUAL, spans=None, normal=None, status=None, times=1, **options):
        """Runs without the agent, then in each state, `times` times; all must be equal.

        spans   exactly so many must arrive where the collector is up
        status  what the program without the agent must end with, when that is part of the case
        Returns the result without the agent.
        """
        off = self.run(argv, **options)
        if status is not None:
            self.check(off.status == status, f"without the agent, expected status {status}:\n{off}")
        for state in states:
            for _ in range(times):
                on = self.run(argv, state, wait_spans=spans or 0, **options)
                self.equal(off, on, f"{Path(str(argv[0])).name}, collector {state}", normal)
                if spans is not None and state in ("up", "tls", "relay"):
                    self.check(len(on.spans) == spans, f"{len(on.spans)} spans instead of {spans} ({state}): "
                               + ", ".join(s["kind"] + " " + s["name"] for s in on.spans[:9]))
        return off

    # ---- checking ----

    def equal(self, off, on, what, normal=None):
        normal = normal or (lambda text: text)
        for part in ("status", "stdout", "stderr"):
            a, b = getattr(off, part), getattr(on, part)
            if part != "status":
                a, b = normal(a), normal(b)
            self.check(a == b, f"{what}: {part} differs\nwithout the agent: {off}\nwith the agent: {on}")

    def tally(self, what, trials):
        """Calls each function of {name: function}; all are tried, and those that failed are told together.

        A Skip leaves its name out of the count, with a note. run.py adds up what has the same `what`.
        """
        failed, tried = {}, 0
        for name, trial in trials.items():
            try:
                trial()
                tried += 1
            except Skip as why:
                self.note(f"not tried: {name}: {why}")
            except Failure as why:
                tried += 1
                failed[name] = why
        good, of = self.tallies.get(what, (0, 0))
        self.tallies[what] = good + tried - len(failed), of + tried
        self.check(not failed, "\n".join(f"{name}: {why}" for name, why in failed.items()))

    def count(self, short, whole):
        return whole if self.full else short

    def check(self, holds, what):
        self.checks += 1
        if not holds:
            raise Failure(what)

    def note(self, text):
        self.notes.append(text)

    def skip(self, reason):
        raise Skip(reason)

    def close(self):
        for closer in reversed(self.closers):
            with contextlib.suppress(OSError):
                closer()
        self.peer.shutdown()
        self.peer.server_close()
        shutil.rmtree(self.dir, ignore_errors=True)
