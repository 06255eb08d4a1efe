"""What a Python program can see of the adapter that moved into it: nothing. With and without the agent it says the same."""
import glob
import os
import re
import subprocess
import sys
import textwrap
from pathlib import Path

from harness import Skip, case

sys.path.append(str(Path(__file__).resolve().parents[2] / "context"))
from measure import measure  # noqa: E402
from programs import PROGRAMS  # noqa: E402

# Moves the adapter in where the agent is (at the first socket), then looks around.
LOOK = textwrap.dedent("""\
    import socket
    socket.socket().close()
    for _ in range(1000):
        pass
    import asyncio, concurrent.futures, http.client, http.server, inspect, io, os, pkgutil, queue, subprocess, sys
    import threading, traceback, warnings

    print(sys.path, sys.flags, sys.argv, sys.orig_argv if hasattr(sys, "orig_argv") else "")
    print(sys.meta_path, sys.path_hooks, sorted(sys.path_importer_cache))
    print(sorted(sys.modules), [m for m in sys.modules if getattr(sys.modules[m], "__file__", "x") is None])
    print({k: v for k, v in os.environ.items() if k in SHOWN}, sys.stdin.fileno(), os.listdir("/proc/self/fd"))
    print("user_was_here" in dir(__builtins__), sys.getprofile(), sys.gettrace(), sys.excepthook, sys.displayhook, sys.getrecursionlimit(), len(threading.enumerate()))
    print(sys.getswitchinterval(), sys.warnoptions, sys._xoptions, sys.dont_write_bytecode, asyncio.get_event_loop_policy().__class__)

    FUNCTIONS = [concurrent.futures.ThreadPoolExecutor.submit, http.client.HTTPConnection.endheaders,
                 http.server.BaseHTTPRequestHandler.parse_request, threading.Condition.wait,
                 threading._start_joinable_thread if sys.version_info >= (3, 13) else threading._start_new_thread]
    for f in FUNCTIONS:
        print(type(f).__name__, type(f).__module__, f.__name__, f.__module__, f.__qualname__, f.__doc__, inspect.isfunction(f), inspect.isbuiltin(f),
              inspect.isroutine(f), isinstance(f, type(LOOK_FUNCTION)), callable(f), asyncio.iscoroutinefunction(f))
        print(sorted(dir(f)), getattr(f, "__code__", None) and f.__code__.co_varnames, getattr(f, "__wrapped__", None))
        try:
            print(inspect.signature(f), inspect.getsource(f)[:200])
        except (TypeError, ValueError, OSError) as error:
            print(error)
    import copy, pickle, weakref
    for f in FUNCTIONS[:4]:
        print(copy.deepcopy([f])[0] is f, copy.copy(f) is f, pickle.loads(pickle.dumps(f)) is f, weakref.ref(f)() is f)
        print(pickle.loads(pickle._dumps(f)) is f)
    print(weakref.WeakMethod(http.client.HTTPConnection("h").endheaders) is None)
    class Holder:
        begin = FUNCTIONS[4]
        wait = FUNCTIONS[3]
    print(hasattr(Holder().begin, "__func__"), Holder().wait.__func__ is FUNCTIONS[3])
    print(inspect.ismethod(http.client.HTTPConnection("h").endheaders), [n for n, _ in inspect.getmembers(threading.Condition)])

    def failing(what):
        try:
            what()
        except BaseException:
            traceback.print_exc(file=sys.stdout)

    def raises():
        raise KeyError("x")

    def in_thread():
        thread = threading.Thread(target=raises)
        hook, threading.excepthook = threading.excepthook, lambda args: traceback.print_tb(args.exc_traceback, file=sys.stdout)
        thread.start()
        thread.join()
        threading.excepthook = hook
        print(vars(thread).keys(), thread._target)

    closed = concurrent.futures.ThreadPoolExecutor(1)
    failing(lambda: closed.submit(raises).result())
    closed.shutdown()
    failing(lambda: closed.submit(raises))
    failing(lambda: closed.submit())
    failing(lambda: concurrent.futures.ThreadPoolExecutor.submit())
    failing(lambda: FUNCTIONS[4](1, ()))
    failing(lambda: http.client.HTTPConnection("h").endheaders())
    failing(lambda: threading.Condition().wait())
    failing(lambda: __import__("json.nothing"))
    failing(lambda: __import__("queue.x.y"))
    failing(in_thread)

    # Threads and executors have contexts of their own, as ever.
    import contextvars
    variable = contextvars.ContextVar("variable", default="nothing")
    variable.set("mine")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        print(pool.submit(variable.get).result(), list(map(lambda v: v.name, contextvars.copy_context())) )
        print([v.name for v in pool.submit(contextvars.copy_context).result()])
    thread = threading.Thread(target=lambda: print(variable.get(), list(contextvars.copy_context())))
    thread.start()
    thread.join()
    print(asyncio.run(asyncio.to_thread(variable.get)))

    # Traced and profiled programs see their own functions only.
    seen = set()
    sys.setprofile(lambda frame, event, arg: seen.add(frame.f_code.co_filename))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        pool.submit(len, "abc").result()
    sys.setprofile(None)
    print(sorted(seen) if sys.version_info >= (3, 11) else "")
    print(subprocess.run([sys.executable, "-c", "import sys; print(sys.path, sys.flags)"], capture_output=True))
    import multiprocessing
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        print(pool.map(abs, [-1]))
""")


def compare(t, title, python, options, env={}, arguments=()):
    """The same text with the agent and without, but for what the agent's own variables show."""
    text = "def look():\n" + textwrap.indent(LOOK, "    ") + "if __name__ == '__main__':\n    look()\n"
    text = text.replace("SHOWN", repr(["PATH", "PYTHONPATH", "HOME", "PYTHONSTARTUP"])).replace(
        "LOOK_FUNCTION", "lambda: 0")
    program = t.dir / "look.py"
    program.write_text(text)
    said = []
    for agent in (True, False):
        out = t.run("look", [python, *options, program, *arguments], agent, env)
        said.append(normal(out))
    if said[0] != said[1]:
        different = [(a, b) for a, b in zip(said[0].split("\n"), said[1].split("\n")) if a != b]
        t.check(False, f"{title}: {different[:5]}")
    t.check(len(said[0]) > 2000, f"{title}: it looked around")


def normal(text):
    """Addresses differ from run to run."""
    return re.sub(r"0x[0-9a-f]+", "0x", text)


def interpreters():
    """Debian's, and what pyenv has of the versions that the adapter knows."""
    versions = os.path.expanduser("~/.pyenv/versions")
    return ["/usr/bin/python3"] + sorted(glob.glob(f"{versions}/3.9.*/bin/python3") + glob.glob(f"{versions}/3.1[0-3].*/bin/python3"))


@case("Python: a program that looks for the adapter finds nothing, whatever its options", agent_only=True)
def nothing_to_see(t):
    user = t.dir / "user"
    user.mkdir()
    (user / "sitecustomize.py").write_text("import builtins\nbuiltins.user_was_here = True\n")
    for options in ([], ["-I"], ["-E"], ["-S"], ["-s", "-B", "-O"], ["-X", "dev"]):
        compare(t, f"options {options}", "/usr/bin/python3", options)
    compare(t, "sitecustomize", "/usr/bin/python3", [], {"PYTHONPATH": user})


@case("Python: the same in each version that is installed, and in a venv", agent_only=True)
def versions(t):
    t.run("venv", ["/usr/bin/python3", "-m", "venv", "--without-pip", t.dir / "venv"], agent=False)
    for python in interpreters() + [t.dir / "venv" / "bin" / "python3"]:
        compare(t, str(python), python, [])


@case("Python: an import that fails shows the program's frames only", ["python3"], agent_only=True)
def failed_import(t):
    (t.dir / "broken.py").write_text("import socket\nsocket.socket().close()\nfor _ in range(1000): pass\nimport nowhere\n")
    said = [t.run("broken", ["/usr/bin/python3", "-c", "import traceback\ntry:\n import broken\nexcept ImportError:\n"
                             " import sys; traceback.print_exc(file=sys.stdout)"], agent) for agent in (True, False)]
    t.equal(said[0], said[1], "tracebacks")


# ---- what it does, and what it leaves ----

INTERRUPTED = """\
import socket
socket.socket().close()
for _ in range(1000):
    pass
import http.client, signal, time

class Over(Exception):
    pass

def over(*arguments):
    raise Over

signal.signal(signal.SIGALRM, over)
http.client.HTTPConnection.send = lambda self, data: None
lost = 0
for _ in range(200):
    far = http.client.HTTPConnection("far")
    begin = time.monotonic()
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.001)
        while time.monotonic() - begin < 5:
            far.putrequest("GET", "/")
            far.endheaders()
            far._HTTPConnection__state = "Idle"
        lost += 1
    except Over:
        pass
print(lost)
"""


@case("Python: what a signal handler raises in the middle of the adapter reaches the program", agent_only=True)
def interrupted(t):
    t.equal(t.run("interrupted", ["/usr/bin/python3", "-c", INTERRUPTED]), "0\n", "time limits that were lost")


FULL = """\
import http.client, sys
from http.server import BaseHTTPRequestHandler, HTTPServer

class Near(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        far = http.client.HTTPConnection("127.0.0.1", int(sys.argv[2]))
        far.putrequest("GET", "/", skip_accept_encoding=True)
        for i in range(int(self.path[1:]) - 1):
            far.putheader(f"x-{i}", "v")
        far.endheaders()
        answer = far.getresponse()
        answer.read()
        self.send_response(answer.status)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *arguments):
        pass

HTTPServer(("127.0.0.1", int(sys.argv[1])), Near).serve_forever()
"""


@case("Python: a head that is as large as servers take gets no line more", agent_only=True)
def full_head(t):
    far, heads = t.header_recorder()
    port = t.port()
    t.start("near", ["/usr/bin/python3", "-c", FULL, port, far], port)
    for fields, grown in ((90, 91), (99, 99)):  # with its blank line, 100 lines are the most that http.server takes
        t.equal(t.get(port, f"/{fields}")[0][0], 200, f"status with {fields} fields")
        t.equal(len(heads[-1]), grown, f"fields that arrived of {fields}")


@case("Python: next to the OpenTelemetry SDK the adapter writes nothing", agent_only=True)
def stands_down(t):
    sdk = t.dir / "path" / "opentelemetry" / "sdk" / "trace"
    sdk.mkdir(parents=True)
    for folder in (sdk, sdk.parent, sdk.parent.parent):
        (folder / "__init__.py").touch()
    (t.dir / "path" / "sitecustomize.py").write_text("import opentelemetry.sdk.trace\n")
    rows = measure(t, PROGRAMS["aiohttp"], {8: 40}, env={"PYTHONPATH": t.dir / "path"})
    for row in rows.values():
        t.check(row.calls >= 40 and row.missing == row.calls, f"nothing was written: {vars(row)}")


@case("Python: a signal that comes while the adapter works reaches the program, without frames of ours", agent_only=True)
def signal_meanwhile(t):
    program = textwrap.dedent("""\
        import signal, socket, sys, traceback, http.client
        socket.socket().close()
        for _ in range(1000): pass
        class Lines(list):
            def __len__(self):
                signal.raise_signal(signal.SIGALRM)
                return list.__len__(self)
        def late(number, frame):
            raise TimeoutError("late")
        signal.signal(signal.SIGALRM, late)
        connection = http.client.HTTPConnection("h")
        connection.putrequest("GET", "/")
        connection._buffer = Lines(connection._buffer)
        connection._send_output = lambda *args, **kwargs: len(connection._buffer)
        try:
            connection.endheaders()
        except TimeoutError as error:
            print([f.name for f in traceback.extract_tb(error.__traceback__)][-2:])
            print([f.filename for f in traceback.extract_tb(error.__traceback__) if "remora" in f.filename])
        """)
    for agent in (True, False):
        out = t.run("signal", ["/usr/bin/python3", "-c", program], agent)
        t.equal(out.strip(), "['__len__', 'late']\n[]", f"agent {agent}")


@case("Python: a request that is sent twice carries each time the context of its sender", ["python3"], agent_only=True)
def sent_twice(t):
    for module in ("httpcore", "tornado"):
        if subprocess.run(["/usr/bin/python3", "-c", f"import {module}"], capture_output=True).returncode:
            raise Skip(f"not installed: {module}")
    (t.dir / "twice.py").write_text(TWICE)
    out = t.run("twice", ["/usr/bin/python3", t.dir / "twice.py"], True)
    said = [line.split() for line in out.splitlines()]
    t.equal(len(said), 6, f"requests of {out}")
    for line in said:
        t.check(len(line) == 3 and line[1] == line[2], f"the trace that the far side saw is that of its sender: {line}")
    t.check(len({line[2] for line in said[:3]}) == 3 and len({line[2] for line in said[3:]}) == 3, f"traces of {out}")


# A server whose requests, one after the other, send the very same object to a far side: by httpcore, by Tornado.
TWICE = textwrap.dedent("""\
    import asyncio, http.client, http.server, threading
    import httpcore, tornado.httpclient, tornado.ioloop

    class Far(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            text = (self.headers.get("traceparent") or "-none").split("-")[1].encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def log_message(self, *args):
            pass

    far = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Far)
    url = f"http://127.0.0.1:{far.server_port}/"
    once = httpcore.Request("GET", url, headers={"Host": "far"})
    again = tornado.httpclient.HTTPRequest(url)

    async def fetch():
        answer = await tornado.httpclient.AsyncHTTPClient().fetch(again)
        assert answer.request is again and "traceparent" not in again.headers
        return answer.body

    class Near(Far):
        def do_GET(self):
            if self.path == "/httpcore":
                with httpcore.ConnectionPool() as pool:
                    text = pool.handle_request(once).read()
                assert all(name.lower() != b"traceparent" for name, _ in once.headers)
            else:
                text = asyncio.run(fetch())
            text = self.headers["traceparent"].split("-")[1].encode() + b" " + text
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    near = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Near)
    for server in far, near:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    for path in ["/httpcore"] * 3 + ["/tornado"] * 3:
        client = http.client.HTTPConnection("127.0.0.1", near.server_port)
        client.request("GET", path)
        print(path, client.getresponse().read().decode(), flush=True)
    """)
