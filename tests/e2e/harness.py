"""What a case is written with: starting programs under the agent, driving them, checking spans.

A case is a function with the decorator `case`, in cases/*.py; it gets a `Test`, starts programs and
ends with checks. Each case has its own sink, its own folder and its own ports. Without the agent
(`--no-agent`) the same cases prove the programs and the driving; asking for spans then ends them.
"""
import concurrent.futures
import contextlib
import http.client
import http.server
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

import ports
from sink import Server, Sink

ROOT = Path(__file__).resolve().parents[2]
APPS = ROOT / "test-apps"
DEADLINE = 60.0  # seconds for anything that is expected to happen, on a machine that has much else to do
# Debian's own interpreter comes first: the packages that the programs import belong to it.
PATH = "/usr/sbin:/usr/bin:/sbin:/bin:" + os.environ.get("PATH", "")


class Failure(Exception):
    pass


class Skip(Exception):
    pass


class NoAgent(Exception):
    """Ends a case that was run without the agent where it begins to look at spans."""


class Case:
    def __init__(self, run, title, needs, agent_only, name):
        self.run, self.title, self.needs, self.agent_only = run, title, needs, agent_only
        self.name = f"{Path(run.__code__.co_filename).stem}.{name or run.__name__}"


CASES = []


def case(title, needs=(), agent_only=False, name=None):
    def add(run):
        CASES.append(Case(run, title, needs, agent_only, name))
        return run
    return add


def which(program):
    return shutil.which(program, path=PATH)


class Process:
    def __init__(self, name, popen, port, log, stop_signal):
        self.name, self.popen, self.port, self.log = name, popen, port, log
        self.stop_signal = stop_signal
        self.url = f"http://127.0.0.1:{port}"

    def stop(self):
        if self.popen.poll() is None:
            self.popen.send_signal(self.stop_signal)
        try:
            self.popen.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            os.killpg(self.popen.pid, signal.SIGKILL)
            self.popen.wait()
            raise Failure(f"{self.name} did not end on signal {self.stop_signal}") from None
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)


class Test:
    """One run of one case."""
    debug = {}
    pause = 0.05  # between two looks at a port

    def __init__(self, name, build, agent=True):
        self.build, self.agent = build, agent
        self.dir = Path(tempfile.mkdtemp(prefix=f"remora-{name.split('.')[-1]}-"))
        self.dir.chmod(0o755)  # servers that give up root still read their files here
        self.sink = Sink()
        self.processes = []
        self.closers = []
        self.checks = 0

    # ---- programs ----

    def port(self):
        """A port of this case alone, until it is closed."""
        port, reservation = ports.reserve()
        self.closers.append(reservation.close)
        return port

    def environment(self, name, agent, extra):
        env = {k: v for k, v in os.environ.items()
               if not k.startswith(("OTEL_", "REMORA_")) and k not in ("TRACEPARENT", "LD_PRELOAD")}
        env.update(PATH=PATH, LC_ALL="C.UTF-8", HOME=str(self.dir))
        if agent and self.agent:
            env.update(LD_PRELOAD=str(self.build.library), OTEL_SERVICE_NAME=name,
                       OTEL_EXPORTER_OTLP_ENDPOINT=self.sink.endpoint,
                       OTEL_BSP_SCHEDULE_DELAY="200", REMORA_EXIT_TIMEOUT="5000", **self.debug)
        env.update({k: str(v) for k, v in extra.items()})
        return env

    def start(self, name, argv, port=None, agent=True, env={}, stop=signal.SIGTERM, cwd=None, seconds=None):
        """Starts a server and waits until it listens, for so long. Its service.name is `name`."""
        log = self.dir / f"{name}.log"
        with open(log, "ab") as out:
            popen = subprocess.Popen([str(a) for a in argv], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                     env=self.environment(name, agent, env), cwd=cwd or self.dir,
                                     start_new_session=True)
        process = Process(name, popen, port, log, stop)
        self.processes.append(process)
        if port:
            self.wait_for_port(process, seconds)
        return process

    def wait_for_port(self, process, seconds=None):
        end = time.monotonic() + (seconds or DEADLINE)
        while time.monotonic() < end:
            if process.popen.poll() is not None:
                break
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", process.port)):
                return
            time.sleep(self.pause)
        raise Failure(f"{process.name} does not listen; it said:\n{self.tail(process.log)}")

    def run(self, name, argv, agent=True, env={}, status=0, stdin=None, cwd=None):
        """Runs a program to its end; returns what it wrote to stdout, as text."""
        with open(self.dir / f"{name}.log", "ab+") as err:
            done = subprocess.run([str(a) for a in argv], env=self.environment(name, agent, env),
                                  stdin=subprocess.DEVNULL if stdin is None else None, input=stdin,
                                  stdout=subprocess.PIPE, stderr=err, cwd=cwd or self.dir,
                                  timeout=4 * DEADLINE)
        text = done.stdout.decode(errors="replace")
        if status is not None and done.returncode != status:
            raise Failure(f"{name} ended with {done.returncode}: {text[-400:]}\n"
                          + self.tail(self.dir / f"{name}.log"))
        return text

    def stop(self):
        """Ends every server, the last started first, so that all spans are delivered."""
        while self.processes:
            self.processes.pop().stop()

    @staticmethod
    def tail(log):
        return log.read_text(errors="replace")[-1500:] if log.exists() else ""

    # ---- driving, from this uninstrumented process ----

    def get(self, port, *paths, method="GET", headers={}, body=None, keep_alive=True):
        """Requests the paths, over one connection if `keep_alive`; returns [(status, body)]."""
        answers = []
        connection = None
        for path in paths:
            if connection is None or not keep_alive:
                connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
            connection.request(method, path, body=body, headers=headers)
            answer = connection.getresponse()
            answers.append((answer.status, answer.read()))
            if not keep_alive:
                connection.close()
        if connection:
            connection.close()
        return answers

    def exchange(self, port, data, want, pieces=None, seconds=DEADLINE):
        """Sends raw bytes (in the given pieces), reads until `want` bytes or the end came back."""
        with socket.create_connection(("127.0.0.1", port), timeout=seconds) as s:
            s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for piece in pieces or [data]:
                s.sendall(piece)
                if pieces:
                    time.sleep(0.002)
            answer = b""
            while len(answer) < want:
                more = s.recv(65536)
                if not more:
                    break
                answer += more
            return answer

    def thread(self, work):
        """Starts work() in a thread of this process; calling the result waits for what it returns."""
        result = concurrent.futures.Future()

        def run():
            try:
                result.set_result(work())
            except BaseException as error:  # it belongs to whoever asks for the result
                result.set_exception(error)
        threading.Thread(target=run, daemon=True).start()
        return lambda: result.result(6 * DEADLINE)

    def in_turn(self, port, requests, before_close=lambda: None):
        """Sends whole requests over one connection, each after the answer to the one before."""
        answers = []
        with socket.create_connection(("127.0.0.1", port), timeout=DEADLINE) as s:
            for request in requests:
                s.sendall(request)
                answer = http.client.HTTPResponse(s, method=request.split()[0].decode())
                answer.begin()
                answers.append((answer.status, answer.getheaders(), answer.read()))
            before_close()
        return answers

    def silent_server(self, answer):
        """A port of this process that reads one request, says `answer` and closes; every time."""
        listener = socket.create_server(("127.0.0.1", 0))
        self.closers.append(listener.close)

        def serve():
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    got = b""
                    while b"\r\n\r\n" not in got and (more := connection.recv(65536)):
                        got += more
                    connection.sendall(answer)
        self.thread(serve)
        return listener.getsockname()[1]

    def header_recorder(self):
        """A port of this process that answers every request, and the list its request heads go to."""
        heads = []

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                heads.append([(k.lower(), v) for k, v in self.headers.items()])
                self.send_response(200)
                self.send_header("Content-Length", "6")
                self.end_headers()
                self.wfile.write(b"hello\n")

            def log_message(self, *arguments):
                pass

        server = Server(("127.0.0.1", 0), Handler)
        self.closers.append(server.server_close)
        self.closers.append(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        return server.server_address[1], heads

    def until(self, what, holds, seconds=DEADLINE):
        """Waits until holds() does, for so long."""
        end = time.monotonic() + seconds
        while not (held := holds()) and time.monotonic() < end:
            time.sleep(self.pause)
        self.check(held, what)

    # ---- checking ----

    def check(self, holds, what):
        self.checks += 1
        if not holds:
            raise Failure(what)

    def equal(self, got, want, what):
        self.check(got == want, f"{what}: got {got!r}, want {want!r}")

    def spans(self, count):
        """Stops all programs and returns exactly `count` spans, in order of their start."""
        spans = self.spans_at_least(count)
        self.check(len(spans.all) == count, f"{len(spans.all)} spans instead of {count}:\n{describe(spans.all)}")
        return spans

    def spans_at_least(self, count):
        # Not every program gives its libraries a chance to speak when it is told to end.
        if self.agent:
            self.sink.wait(count, 3.0)
        self.stop()
        if not self.agent:
            raise NoAgent
        got = self.sink.wait(count, DEADLINE)
        time.sleep(0.05)
        got = sorted(self.sink.wait(len(got) + 1, 0.0), key=lambda s: s["start"])
        self.equal(self.sink.errors, [], "requests that the sink refused")
        self.check(len(got) >= count, f"{len(got)} spans instead of {count}:\n{describe(got)}")
        for s in got:
            self.well_formed(s)
        ids = [s["span_id"] for s in got]
        self.equal(len(set(ids)), len(ids), "distinct span ids")
        return Spans(self, got)

    def logs(self, count):
        """Stops all programs and returns exactly `count` log records, in order of their time."""
        if self.agent:
            self.sink.wait_for_logs(count, 3.0)
        self.stop()
        if not self.agent:
            raise NoAgent
        self.sink.wait_for_logs(count, DEADLINE)
        time.sleep(0.05)
        got = sorted(self.sink.wait_for_logs(0, 0.0), key=lambda log: log["time"])
        self.equal(self.sink.errors, [], "requests that the sink refused")
        self.check(len(got) == count, f"{len(got)} logs instead of {count}:\n" + "\n".join(
            f"  {log['trace_id'][:8] or '-':8} {log['resource'].get('service.name')} {log['body']!r}" for log in got[:60]))
        for log in got:
            self.check(bool(log["trace_id"]) == bool(log["span_id"]), "both ids or none")
            self.check(abs(time.time_ns() - log["time"]) < 600e9 and log["time"] == log["observed"], f"strange times: {log}")
            self.check(log["resource"].get("service.name"), "service.name is set")
        return got

    def well_formed(self, s):
        self.equal((len(s["trace_id"]), len(s["span_id"])), (32, 16), "id lengths")
        self.check(int(s["trace_id"], 16) and int(s["span_id"], 16), "ids are not zero")
        self.check(s["start"] <= s["end"], f"a span ends before it starts: {s}")
        self.check(s["end"] - s["start"] < 120e9 and abs(time.time_ns() - s["end"]) < 600e9, f"strange times: {s}")
        self.check(s["resource"].get("service.name"), "service.name is set")

    def close(self):
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.popen.pid, signal.SIGKILL)
            process.popen.wait()
        for closer in reversed(self.closers):
            closer()
        self.sink.close()
        shutil.rmtree(self.dir, ignore_errors=True)


def describe(spans):
    return "\n".join(
        f"  {s['trace_id'][:8]} {s['span_id']} < {s['parent_id'] or '-':16} {s['kind']:6} "
        f"{s['resource'].get('service.name')} {s['name']} "
        f"{s['attributes'].get('url.full') or s['attributes'].get('url.path')} "
        f"{s['attributes'].get('http.response.status_code')} {s['attributes'].get('error.type', '')}"
        for s in spans[:40])


class Spans:
    """The spans of one case, with the questions that cases ask of them."""

    def __init__(self, test, all):
        self.test, self.all = test, all
        self.by_id = {s["span_id"]: s for s in all}

    def of(self, service, kind=None):
        return [s for s in self.all if s["resource"]["service.name"] == service and kind in (None, s["kind"])]

    def count(self, service, server=0, client=0):
        got = (len(self.of(service, "SERVER")), len(self.of(service, "CLIENT")))
        self.test.check(got == (server, client), f"SERVER and CLIENT spans of {service}: got {got}, "
                        f"want {(server, client)}\n{describe(self.all)}")
        return self

    def attributes(self, span, **wanted):
        """Compares attributes; dots are written as double underscores, None means absent."""
        for key, want in wanted.items():
            key = key.replace("__", ".")
            self.test.equal(span["attributes"].get(key), want, f"{span['kind']} {span['name']}: {key}")
        return self

    def linked(self, child_service, child_kind, parent_service, parent_kind):
        """Every such child has such a parent, in the same trace, and no parent is used twice by SERVERs."""
        used = []
        for child in self.of(child_service, child_kind):
            parent = self.by_id.get(child["parent_id"])
            what = f"{child_kind} of {child_service} below {parent_kind} of {parent_service}\n{describe(self.all)}"
            self.test.check(parent is not None, "no parent: " + what)
            self.test.equal((parent["resource"]["service.name"], parent["kind"]), (parent_service, parent_kind),
                            describe([parent, child]) + "\n is not " + what)
            self.test.equal(child["trace_id"], parent["trace_id"], "one trace: " + what)
            used.append(parent["span_id"])
        if child_kind == "SERVER":
            self.test.equal(len(set(used)), len(used), "each CLIENT has one SERVER")
        return self

    def roots(self, service, kind):
        for s in self.of(service, kind):
            self.test.equal(s["parent_id"], "", f"{kind} of {service} has no parent")
        return self

    def never_wrong(self, service, want_none=None):
        """CLIENT spans of `service` carry ?id=N of the request that caused them: right parent or none."""
        found = 0
        for child in self.of(service, "CLIENT"):
            parent = self.by_id.get(child["parent_id"])
            if parent is None:
                self.test.equal(child["parent_id"], "", "a CLIENT span has an unknown parent")
                continue
            query = child["attributes"]["url.full"].partition("?")[2]
            self.test.equal(parent["attributes"].get("url.query"), query, f"a wrong parent in {service}")
            found += 1
        return found
