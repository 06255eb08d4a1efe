"""Exceptions of C++ that are thrown, and mostly caught: events of the request, and the program never notices."""
import signal
import subprocess

import crashes as runs
from apps import c_epoll
from harness import DEADLINE, case

THROWS = {"REMORA_CPP_EXCEPTIONS": "true", "REMORA_CPP_EXCEPTION_RATE": "1000"}
# Of each path the exceptions that are told: types and messages. A what() that is the program's own is not called.
WANTED = {
    "at": [("std::out_of_range", "vector::_M_range_check: __n (which is 7) >= this->size() (which is 0)")],
    "number": [("std::invalid_argument", "stoi")],
    "alloc": [("std::bad_alloc", "std::bad_alloc")],
    "own": [("shop::out_of_stock", "no more rope")],
    "quiet": [("shop::says_itself", None)],
    "int": [("int", None)],
    "pointer": [("char const*", None)],
    "again": [("shop::out_of_stock", "no more rope")],
    "moved": [("shop::out_of_stock", "no more rope")],
    "future": [],  # thrown on a thread that is at work on no request
    "nested": [("shop::out_of_stock", "no more rope"), ("std::_Nested_exception<std::logic_error>", "while selling")],
    "deep": [("shop::out_of_stock", "no more rope")],
    "none": [],
}


def ask_all(t, argv, paths, agent, env={}):
    port = t.port()
    server = t.start(f"shop-{agent}-{port}", [argv[0], port, *argv[1:]], port, agent, env=env)
    answers = {path: t.get(port, "/" + path) for path in paths}
    return server, answers


def compare(t, argv, paths, env=THROWS):
    """The same answers and output without the agent and with it; the spans by path."""
    before = len(t.sink.wait(0, 0))
    off, answers = ask_all(t, argv, paths, False)
    on, answers_on = ask_all(t, argv, paths, True, env)
    t.equal(answers_on, answers, "answers")
    spans = t.spans_at_least(before + len(paths)).all[before:]
    t.equal(on.log.read_text(), off.log.read_text(), "output")
    return {s["attributes"]["url.path"][1:]: s for s in spans}


def told(span):
    return [(e["exception.type"], e.get("exception.message")) for e in runs.exceptions(span)]


@case("what C++ throws is an event of its request: type, message where that is the library's, and stack", ["c++"],
      agent_only=True)
def cpp_throws(t):
    spans = compare(t, [t.build.app("throw-server-cpp")], WANTED)
    for path, wanted in WANTED.items():
        t.equal(told(spans[path]), wanted, f"/{path}")
        t.equal(spans[path]["status"], "unset", f"/{path}: status of the span")
        for said in runs.exceptions(spans[path]):
            stack = said["exception.stacktrace"]
            t.check("    at main+0x" in stack or path == "deep", stack)
            t.check(path == "nested" or "    at shop::sell+0x" in stack, stack)
            t.check("libremora" not in stack and "    at __cxa_throw" not in stack, stack)
            t.check(f"build id of {t.build.stage}/throw-server-cpp-main: " in stack, stack)
            t.check(said["thread.id"] > 0 and said["thread.name"], said)
    deep = runs.exceptions(spans["deep"])[0]["exception.stacktrace"]
    t.check(" more at least ..." in deep and deep.count("    at shop::deep+0x") > 30, deep)


@case("exceptions beyond the rate are counted as dropped events", ["c++"], agent_only=True)
def cpp_rate(t):
    app = [t.build.app("throw-server-cpp")]
    for rate in "5", "0":
        spans = compare(t, app, ["many"], {**THROWS, "REMORA_CPP_EXCEPTION_RATE": rate})
        many = spans["many"]
        t.equal(len(runs.exceptions(many)) + many["dropped_events"], 500, "told and dropped")
        t.check(len(runs.exceptions(many)) < 100 and (rate == "5") == bool(runs.exceptions(many)), f"{len(runs.exceptions(many))} told")


@case("without REMORA_CPP_EXCEPTIONS nothing is told, and no call leads elsewhere", ["c++"], agent_only=True)
def cpp_default(t):
    spans = compare(t, [t.build.app("throw-server-cpp")], ["own", "many"], {})
    t.check(all(not s["events"] and not s["dropped_events"] for s in spans.values()), spans)


@case("on a thread with next to no stack exceptions are told of as elsewhere", ["c++"], agent_only=True)
def cpp_small_stack(t):
    spans = compare(t, [t.build.app("throw-server-cpp"), "small"], ["own", "at"])
    for path in "own", "at":
        t.equal(told(spans[path]), WANTED[path], f"/{path}")


@case("many threads, below a timer, and forked processes: each exception is told or counted, with its own request",
      ["c++"], agent_only=True)
def cpp_crowd(t):
    requests = 40
    app, before = t.build.app("throw-server-cpp"), 0
    for how in "threads", "fork":
        off, on = (t.start(f"{how}-{agent}", [app, port, how], port, agent, env=THROWS if agent else {})
                   for agent, port in ((False, t.port()), (True, t.port())))
        for server in off, on:
            work = [t.thread(lambda p=server.port: t.get(p, *["/many", "/at"] * (requests // 8), keep_alive=False))
                    for _ in range(8)]
            answers = [w() for w in work]
            if server is off:
                wanted = answers
        t.equal(answers, wanted, "answers")
        t.sink.wait(before + 2 * requests, DEADLINE)
        t.check(on.popen.poll() is None, "it still runs")
        spans = sorted(t.sink.wait(0, 0), key=lambda s: s["start"])[before:]
        t.equal(len(spans), 2 * requests, "requests")
        for s in spans:
            many = s["attributes"]["url.path"] == "/many"
            kinds = {e["exception.type"] for e in runs.exceptions(s)}
            t.equal(len(runs.exceptions(s)) + s["dropped_events"], 500 if many else 1, "told and dropped")
            t.check(kinds <= {"shop::out_of_stock" if many else "std::out_of_range"}, f"of another request: {kinds}")
        before += 2 * requests
    t.check(any(runs.exceptions(s) for s in t.sink.wait(0, 0)), "some were told")
    t.spans_at_least(before)


@case("a library that is loaded later, for itself alone, is seen; a C++ library inside the program is not", ["c++"],
      agent_only=True)
def cpp_libraries(t):
    library = t.build.app("throw-server-cpp", "library", ["-shared", "-fPIC"])
    spans = compare(t, [t.build.app("throw-server-cpp"), library], ["library"])
    t.equal(told(spans["library"]), [("std::length_error", "too long: 9")], "the library's")
    t.check("    at measure" in runs.exceptions(spans["library"])[0]["exception.stacktrace"], spans)
    static = t.build.app("throw-server-cpp", options=["-static-libstdc++", "-static-libgcc"], variant="-static")
    t.check(all(not runs.exceptions(s) for s in compare(t, [static], ["own", "at"]).values()), "nothing is seen")
    # Its functions can be seen, and lie beside the program's own: what() is nobody's to call.
    shown = t.build.app("throw-server-cpp", options=["-static-libstdc++", "-static-libgcc", "-rdynamic"], variant="-shown")
    compare(t, [shown], WANTED)


PYTHON = '''
import ctypes, http.server, sys
measure = ctypes.CDLL(sys.argv[2]).measure
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = str(measure(9)).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *args):
        pass
print(hasattr(ctypes.CDLL(None), "__cxa_throw"), flush=True)
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
'''


@case("extensions of Python are seen; a process without a C++ library has no function of it", ["c++", "python3"],
      agent_only=True)
def cpp_python(t):
    library = t.build.app("throw-server-cpp", "library", ["-shared", "-fPIC"])
    script = t.dir / "app.py"
    script.write_text(PYTHON)
    port = t.port()
    t.start("shop", ["python3", script, port, library], port, env=THROWS)
    t.equal([t.get(port, "/")[0] for _ in range(2)], [(200, b"-1")] * 2, "answers")
    spans = t.spans_at_least(2).all
    t.equal([told(s) for s in spans], [[("std::length_error", "too long: 9")]] * 2, "told")
    t.check(all("    at measure" in runs.exceptions(s)[0]["exception.stacktrace"] for s in spans), spans)
    target = c_epoll(t, agent=False)
    text = ("import ctypes, urllib.request\n"
            f"urllib.request.urlopen('http://127.0.0.1:{target.port}/hello').read()\n"
            "print(hasattr(ctypes.CDLL(None), '__cxa_throw'))\n")
    done = subprocess.run(["python3", "-c", text], env=t.environment("shop", True, THROWS), capture_output=True, text=True,
                          timeout=DEADLINE)
    t.equal((done.returncode, done.stdout, done.stderr), (0, "False\n", ""), "a process without C++")


@case("an exception that nobody catches is told of once, also where the program is compiled without exceptions", ["c++"],
      agent_only=True)
def cpp_uncaught(t):
    plain = t.build.app("throw-server-cpp", "plain", ["-fno-exceptions"])
    runs.compare(t, [plain], THROWS, -signal.SIGABRT)
    program = [t.build.app("crash-server-cpp"), "PORT"]
    for path in "std", "own", "noexcept":
        runs.pair(t, program, path, THROWS)
    spans = t.spans_at_least(2 * 3)
    for path, kind in ("std", "std::out_of_range"), ("own", "shop::out_of_stock"), ("noexcept", "shop::out_of_stock"):
        span, = runs.of_path(spans, path)
        t.equal([e["exception.type"] for e in runs.exceptions(span)], [kind], f"/{path}")
        t.equal((span["status"], span["attributes"]["error.type"]), ("error", kind), f"/{path}: error")
