"""Crashes: the signal and the stack are an exception of the request, and the program dies as without the agent.

Without REMORA_CRASH nothing is taken; with it each program here runs beside itself without the agent.
"""
import json
import platform
import re
import signal
import struct
import subprocess
import time

from apps import c_epoll
from harness import DEADLINE, Skip, case

CRASH = {"REMORA_CRASH": "true"}
SIGNALS = {"segv": signal.SIGSEGV, "null": signal.SIGSEGV, "bus": signal.SIGBUS, "fpe": signal.SIGFPE,
           "ill": signal.SIGILL, "abort": signal.SIGABRT, "assert": signal.SIGABRT, "heap": signal.SIGABRT,
           "kill": signal.SIGSEGV, "raise": signal.SIGFPE, "both": signal.SIGSEGV, "overflow": signal.SIGSEGV}
# In the text of each: what the kernel, libc or the program said of it.
MESSAGES = {"segv": r"SEGV_MAPERR at 0x10: .*", "null": r"SEGV_MAPERR at 0x0: .*", "bus": r"BUS_ADRERR at 0x[0-9a-f]+: .*",
            "fpe": r"FPE_INTDIV: .*", "ill": r"ILL_ILLOP[CN]: .*", "assert": r".*main\.c:\d+: crash: Assertion `.*' failed\.",
            "heap": r".*\(\).*", "kill": r"sent by process \d+", "raise": r"sent by process \d+"}


class Ended:
    """A server that was asked to crash, and how it did."""

    def __init__(self, t, argv, path, agent, env, cores=False):
        self.port = t.port()
        self.folder = t.dir / f"{path}-{agent}-{time.monotonic_ns()}"
        self.folder.mkdir()
        shown = self.folder / "err"
        limit = ["sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh"] if cores else []
        at = argv.index("PORT")
        with open(shown, "wb") as err:
            self.popen = subprocess.Popen([*limit, *map(str, argv[:at]), str(self.port), *map(str, argv[at + 1:])],
                                          stdin=subprocess.DEVNULL, stdout=err, stderr=err, cwd=self.folder,
                                          env=t.environment("shop", agent, env), start_new_session=True)
        t.closers.append(self.kill)
        self.wait(t)
        t.get(self.port, "/ok")
        self.answer = self.ask(t, path)
        self.status = self.popen.wait(DEADLINE)
        self.shown = shown.read_text(errors="replace")

    def wait(self, t):
        class Listens:
            name, popen, port, log = "shop", self.popen, self.port, self.folder / "err"
        t.wait_for_port(Listens, DEADLINE)

    def ask(self, t, path):
        request = f"GET /{path} HTTP/1.1\r\nHost: here\r\n\r\n".encode()
        try:
            return t.exchange(self.port, request, 4096)
        except ConnectionResetError:
            return b""

    def kill(self):
        if self.popen.poll() is None:
            self.popen.kill()
            self.popen.wait()

    def core(self):
        found = sorted(self.folder.glob("core*"))
        return Core(found[0].read_bytes()) if found else None


class Core:
    """What a core says of the thread that crashed."""

    def __init__(self, data):
        self.notes = {}
        offset, = struct.unpack_from("<Q", data, 32)
        size, count = struct.unpack_from("<HH", data, 54)
        for i in range(count):
            kind, _, at, _, _, length = struct.unpack_from("<IIQQQQ", data, offset + i * size)
            if kind == 4:
                self.read(data[at:at + length])
        status = self.notes[1]
        self.signal, = struct.unpack_from("<h", status, 12)
        registers = struct.unpack_from("<27Q" if platform.machine() == "x86_64" else "<34Q", status, 112)
        self.pc = registers[16 if platform.machine() == "x86_64" else 32]
        number, error, code = struct.unpack_from("<iii", self.notes[0x53494749], 0)
        self.told = (number, error, code)
        self.address, = struct.unpack_from("<Q", self.notes[0x53494749], 16)

    def read(self, notes):
        at = 0
        while at < len(notes):
            names, size, kind = struct.unpack_from("<III", notes, at)
            at += 12 + (names + 3 & ~3)
            self.notes.setdefault(kind, notes[at:at + size])  # of several threads the first one is it
            at += size + 3 & ~3


def plain(text):
    """Without what differs between any two runs: numbers of processes, addresses, times."""
    text = re.sub(r"0x[0-9a-f]+", "0xN", text)
    text = re.sub(r"\d+:\d\d:\d\d|\d+\.\d+s?", "N", text)
    return re.sub(r"\d{3,}|(?<=goroutine )\d+|(?<= m=)\d+", "N", text)


def pair(t, argv, path, env={}, cores=False):
    """The same without the agent and with it; returns the second, which did not differ."""
    off = Ended(t, argv, path, False, env, cores)
    on = Ended(t, argv, path, True, {**CRASH, **env}, cores)
    t.equal(on.status, off.status, f"/{path}: status")
    if path != "kill":  # of which another thread may die, while this one answers
        t.equal(on.answer, off.answer, f"/{path}: answer")
    t.equal(plain(on.shown), plain(off.shown), f"/{path}: output")
    return off, on


def exceptions(span):
    return [e["attributes"] for e in span["events"] if e["name"] == "exception"]


def server(t, *options):
    # Not position-independent, so that addresses of its own are the same in each run.
    return [t.build.app("crash-server-c", options=["-no-pie", "-fno-pie", "-pthread"]), "PORT", *options]


def of_path(spans, path):
    return [s for s in spans.all if s["attributes"].get("url.path") == "/" + path]


@case("a crash is an exception of its request, with a stack; status, output and answer are as without the agent",
      agent_only=True)
def c_signals(t):
    for path, number in SIGNALS.items():
        for options in [], ["thread"], ["alt"], ["thread", "alt"]:
            _, on = pair(t, server(t, *options), path)
            t.equal(on.status, -number, f"/{path} {options}: status")
    spans = t.spans_at_least(4 * (2 * len(SIGNALS) - 1))
    for path, number in SIGNALS.items():
        found = of_path(spans, path)
        told = [e for s in found for e in exceptions(s)]
        # Who has no stack left, nor another one for signals, dies at once.
        count = 2 if path == "overflow" else 4
        t.equal(len(found), count, f"requests of /{path}")
        # The kernel gives a signal for the process to any of its threads.
        t.check(len(told) == count or (path == "kill" and len(told) >= 2), f"/{path}: exceptions {told}")
        for said in told:
            t.equal(said["exception.type"], number.name, f"/{path}: type")
            t.check(re.fullmatch(MESSAGES.get(path, ".*"), said.get("exception.message", "")), f"/{path}: message {said}")
            stack = said["exception.stacktrace"]
            t.check(re.search(r"^    at (serve|crash|fault|deep)\+0x[0-9a-f]+ \(/.*/crash-server-c-main\+0x[0-9a-f]+\)$",
                              stack, re.M), f"/{path}: stack\n{stack}")
            t.check(re.search(r"^build id of /.*/crash-server-c-main: [0-9a-f]{40}$", stack, re.M) or path == "heap", stack)
            t.check(said["thread.id"] > 0 and said["thread.name"], f"/{path}: thread {said}")
        for s in found:
            if exceptions(s):
                t.equal((s["status"], s["attributes"]["error.type"]), ("error", number.name), f"/{path}: error")


@case("a core has the signal, its siginfo and the registers of the crash itself", ["gdb"], agent_only=True)
def c_core(t):
    runs = [(path, []) for path in ("segv", "null", "bus", "fpe", "ill", "abort", "kill", "raise")]
    for path, options in [*runs, ("segv", ["thread", "alt"]), ("fpe", ["small"]), ("segv", ["fork"]), ("abort", ["fork"])]:
        off, on = pair(t, server(t, *options), path, cores=True)
        before, after = off.core(), on.core()
        if not before:
            t.check(not after, "a core only with the agent")
            continue
        t.check(after, f"/{path}: no core with the agent")
        t.equal((after.signal, after.told), (before.signal, before.told), f"/{path}: signal in the core")
        if path not in ("kill", "raise", "abort", "bus"):
            t.equal(after.address, before.address, f"/{path}: address in the core")
        if path not in ("kill", "raise", "abort"):
            t.equal(after.pc, before.pc, f"/{path}: where it was")


@case("a program's own handler comes first; one that lets the signal come again is told of", agent_only=True)
def c_own(t):
    _, own = pair(t, server(t, "own"), "segv")
    t.equal(own.status, 42, "its own end")
    _, again = pair(t, server(t, "again"), "segv")
    t.equal(again.status, -signal.SIGSEGV, "it came again")
    _, resets = pair(t, server(t, "resets"), "segv")
    t.equal(resets.status, -signal.SIGSEGV, "it came again")
    spans = t.spans_at_least(4)
    t.equal([len(exceptions(s)) for s in of_path(spans, "segv")].count(1), 1, "requests that crashed by default")


@case("without REMORA_CRASH a crash is not looked at", agent_only=True)
def c_default(t):
    on = Ended(t, server(t), "segv", True, {})
    t.equal(on.status, -signal.SIGSEGV, "status")
    time.sleep(0.5)
    t.check(all(not s["events"] for s in t.spans_at_least(0).all), "no exception")


@case("a crash below `remora run` is told of, and so are the requests before it", agent_only=True)
def c_relay(t):
    out = t.dir / "spans.json"
    argv = [t.build.cli, "run", "-q", "--json", out, "--", *server(t, "thread")]
    off = Ended(t, server(t, "thread"), "assert", False, {})
    on = Ended(t, argv, "assert", False, CRASH)
    t.equal((on.status, plain(on.shown)), (off.status, plain(off.shown)), "as without it")
    text = out.read_text()
    t.check('"/ok"' in text and '"/assert"' in text and "Assertion `" in text, text[-2000:])


@case("where logs are exported a crash is a log record, also without traces", agent_only=True)
def c_log(t):
    argv = [t.build.cli, "run", "-q", "--", *server(t)]
    on = Ended(t, argv, "fpe", False, {**CRASH, "OTEL_TRACES_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "console"})
    t.equal(on.status, -signal.SIGFPE, "status")
    record = json.loads(on.shown)
    t.equal((record["severity_number"], record["event_name"], record["body"]),
            (21, "exception", "FPE_INTDIV: integer division by zero"), "record")
    t.equal(record["attributes"]["exception.type"], "SIGFPE", "type")
    t.check("    at crash+0x" in record["attributes"]["exception.stacktrace"], on.shown)
    t.check(int(record["trace_id"], 16) and int(record["span_id"], 16), on.shown)


@case("the first process of a container dies of what it dies of without the agent, and of nothing else", ["unshare"],
      agent_only=True)
def c_first(t):
    alone = ["unshare", "-rfp", "--kill-child"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode != 0:
        raise Skip("no namespace of processes is to be had")
    for path in "segv", "abort", "ill":
        pair(t, [*alone, *server(t)], path)
    for agent in False, True:  # the kernel drops what would end it by default
        port = t.port()
        program = [str(port) if word == "PORT" else word for word in server(t)]
        first = t.start("shop", [*alone, *program], port, agent, env=CRASH, stop=signal.SIGKILL)
        for path in "kill", "raise":
            t.equal(t.get(port, "/" + path)[0][0], 200, f"/{path}: the answer")
        if agent:
            t.sink.wait(8, DEADLINE)
        first.stop()
    spans = t.spans_at_least(8)
    for path, count in ("segv", 1), ("abort", 1), ("ill", 1), ("kill", 0), ("raise", 0):
        t.equal(sum(len(exceptions(s)) for s in of_path(spans, path)), count, f"/{path}: exceptions")


@case("an exception of C++ that nobody catches has its type and, from the library's own classes, its message",
      ["c++"], agent_only=True)
def cpp_exceptions(t):
    program = [t.build.app("crash-server-cpp"), "PORT"]
    wanted = {"std": ("std::out_of_range", "no item 7"), "own": ("shop::out_of_stock", "no more rope"), "int": ("int", None),
              "quiet": ("shop::says_itself", None), "virtual": ("shop::twice", None),
              "noexcept": ("shop::out_of_stock", "no more rope"), "terminate": ("SIGABRT", None)}
    for path in [*wanted, "thread"]:
        _, on = pair(t, program, path)
        t.equal(on.status, -signal.SIGABRT, f"/{path}: status")
    spans = t.spans_at_least(2 * (len(wanted) + 1) + 1)
    for path, (kind, message) in wanted.items():
        span, = of_path(spans, path)
        said, = exceptions(span)
        t.equal((said["exception.type"], said.get("exception.message")), (kind, message), f"/{path}")
        t.equal(span["attributes"]["error.type"], kind, f"/{path}: error.type")
        t.check(path == "noexcept" or "    at shop::sell+0x" in said["exception.stacktrace"], said["exception.stacktrace"])
    # Another thread than the one with the request: nothing says that it belongs to that.
    crash, = [s for s in spans.all if s["name"] == "crash"]
    t.equal((crash["kind"], exceptions(crash)[0]["exception.type"]), ("INTERNAL", "shop::out_of_stock"), "the thread's own")
    t.equal(of_path(spans, "thread")[0]["attributes"]["error.type"], "process_exit", "the request meanwhile")
    # A C++ library inside the program, beside functions of the program's own: what() is not to be told from those.
    static = t.build.app("crash-server-cpp", options=["-static-libstdc++", "-static-libgcc", "-rdynamic"], variant="-static")
    for path in "quiet", "own":
        _, on = pair(t, [static, "PORT"], path, {"HOME": "told by nobody"})
        t.check(on.status == -signal.SIGABRT, "status")
    for path in "quiet", "own":
        said = exceptions(of_path(t.spans_at_least(len(spans.all) + 4), path)[-1])[0]
        t.equal((said["exception.type"], said.get("exception.message")), (wanted[path][0], None), f"/{path}, static")


@case("a thread with next to no stack, and a forked child: as everywhere", agent_only=True)
def c_small_and_forked(t):
    paths = [p for p in SIGNALS if p != "overflow"]
    for path in paths:
        _, on = pair(t, server(t, "small"), path)
        t.equal(on.status, -SIGNALS[path], f"/{path} small: status")
        _, on = pair(t, server(t, "fork"), path)
        t.equal(on.status, 0, f"/{path}: status of the parent")
        t.check(f"the child ended by signal {SIGNALS[path].value}, status 0\n" in on.shown, on.shown)
    spans = t.spans_at_least(4 * len(paths))
    for path in paths:
        found = [s for s in of_path(spans, path) if exceptions(s)]
        t.check(len(found) == 2 or (path == "kill" and found), f"/{path}: {len(found)} were told of")
        t.equal({(e["exception.type"], s["status"]) for s in found for e in exceptions(s)},
                {(SIGNALS[path].name, "error")}, f"/{path}: told")
        t.check(all(re.search(r"^    at (serve|crash|fault)\+0x", exceptions(s)[0]["exception.stacktrace"], re.M)
                    for s in found), f"/{path}: stacks")


@case("a child that crashes while its parent serves is told of by itself, and the request goes on", agent_only=True)
def c_child(t):
    port = {agent: t.port() for agent in (False, True)}
    shown = {}
    for agent in False, True:
        process = t.start(f"shop-{agent}", [port[agent] if w == "PORT" else w for w in server(t)], port[agent], agent,
                          env=CRASH if agent else {})
        shown[agent] = [t.get(port[agent], f"/{path}")[0] for path in ("ok", "forked", "ok")], process
    t.equal(shown[True][0], shown[False][0], "answers")
    spans = t.spans_at_least(4)
    t.equal(plain(shown[True][1].log.read_text()), plain(shown[False][1].log.read_text()), "output")
    t.check("ended by signal 11, status 0" in shown[True][1].log.read_text(), "the child's end")
    crashed = [s for s in spans.all if exceptions(s)]
    request, = of_path(spans, "forked")
    t.equal((request["status"], request["attributes"]["http.response.status_code"]), ("unset", 200), "the request")
    t.equal([e["exception.type"] for s in crashed for e in exceptions(s)], ["SIGSEGV"], "the child")
    t.check(crashed[0]["name"] == "crash" and crashed[0]["resource"]["process.pid"] != request["resource"]["process.pid"],
            crashed)


@case("handlers of the program's own see what they saw, on the stack they saw it on, and may hand it on or jump away",
      agent_only=True)
def c_handlers(t):
    paths = "segv", "bus", "fpe", "ill", "abort", "raise"
    for path in paths:
        for options in ["info"], ["info", "alt"], ["small", "info", "alt"]:
            _, on = pair(t, server(t, *options), path)
            t.equal(on.status, 42, f"/{path} {options}: its own end")
            stack = "another" if "alt" in options else "the same"
            t.check(re.fullmatch(rf"signal {SIGNALS[path].value}, code -?\d+, at \d+, {stack} stack\n", on.shown), on.shown)
    spans = t.spans_at_least(0).all
    t.equal([s for s in spans if exceptions(s)], [], "what the program handles is no crash")
    for path in paths:
        for options in ["chain"], ["late"], ["late", "alt"]:
            _, on = pair(t, server(t, *options), path)
            t.equal(on.status, -SIGNALS[path], f"/{path} {options}: handed on")
    later = [s for s in t.spans_at_least(len(spans) + 2 * 3 * len(paths)).all if exceptions(s)]
    for path in paths:
        found = [s for s in later if s["attributes"]["url.path"] == "/" + path]
        t.equal([e["exception.type"] for s in found for e in exceptions(s)], 3 * [SIGNALS[path].name], f"/{path}: handed on")


@case("a program that jumps out of its handlers goes on as ever", agent_only=True)
def c_jump(t):
    paths = ["ok", *2 * ["segv", "bus", "fpe", "ill", "abort", "null", "raise"], "ok"]
    answers = {}
    for agent in False, True:
        port = t.port()
        program = [port if word == "PORT" else word for word in server(t, "thread", "jump", "alt")]
        t.start(f"shop-{agent}", program, port, agent, env=CRASH if agent else {})
        answers[agent] = t.get(port, *["/" + path for path in paths], keep_alive=False)
    t.equal(answers[True], answers[False], "answers")
    spans = t.spans(len(paths)).all
    t.equal([s for s in spans if s["events"] or s["status"] != "unset"], [], "nothing is told of")


@case("a signal that strikes in the middle of calls on a connection ends the process as it does without the agent",
      agent_only=True)
def c_during(t):
    for options in [], ["thread"], ["thread", "alt"]:
        for _ in range(5):
            _, on = pair(t, server(t, *options), "during")
            t.equal(on.status, -signal.SIGFPE, "status")
    told = [e for s in t.spans_at_least(0).all for e in exceptions(s)]
    # In the middle of a visit to the agent nothing is told.
    t.check(all(e["exception.type"] == "SIGFPE" for e in told), told)


@case("ThreadSanitizer's programs crash as they do", agent_only=True)
def tsan(t):
    program = [t.build.app("crash-server-c", options=["-fsanitize=thread", "-pthread"], variant="-tsan"), "PORT"]
    for path in "segv", "abort", "fpe":
        _, on = pair(t, program, path, {"TSAN_OPTIONS": "symbolize=0"})
        t.check(on.status != 0, f"/{path}: status {on.status}")


@case("what a program is told of its signals' actions is as without the agent", agent_only=True)
def c_actions(t):
    target = c_epoll(t, agent=False)
    program = [t.build.app("signal-actions-c"), target.port]
    off = t.run("actions", program, agent=False)
    on = t.run("actions", program, env=CRASH)
    t.check(off.count("\n") > 200, off)
    t.equal(on, off, "what it was told")


def compare(t, argv, env={}, status=None):
    """Runs a program to its end, without the agent and with it."""
    results = []
    for agent in False, True:
        done = subprocess.run([str(a) for a in argv], env=t.environment("shop", agent, {**env, **(CRASH if agent else {})}),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", cwd=t.dir,
                              timeout=4 * DEADLINE)
        results.append((done.returncode, plain(done.stdout), plain(done.stderr)))
    t.equal(results[1], results[0], f"{argv[0]}: status and output")
    if status is not None:
        t.equal(results[0][0], status, f"{argv[0]}: status")
    return results[0]


@case("Python's faulthandler writes what it wrote, and the process ends as it did", ["python3"], agent_only=True)
def python_faulthandler(t):
    target = c_epoll(t, agent=False)
    text = ("import ctypes, sys, urllib.request\n"
            f"urllib.request.urlopen('http://127.0.0.1:{target.port}/hello').read()\n"
            "if sys.argv[1] == 'abort':\n"
            "    import os; os.abort()\n"
            "ctypes.string_at(0)\n")
    for what, number in ("segv", signal.SIGSEGV), ("abort", signal.SIGABRT):
        for options in ["-X", "faulthandler"], []:
            result = compare(t, ["python3", *options, "-c", text, what], status=-number)
            t.check(bool(options) == ("Fatal Python error" in result[2]), result)
    spans = t.spans_at_least(8)
    # faulthandler puts the default action back before the signal comes again.
    t.equal(len([s for s in spans.all if exceptions(s)]), 4, "crashes that were told of")


@case("a JVM's own signals are its own: null pointers, the end of a stack, safepoints, and its report of a crash", ["java", "javac"],
      agent_only=True)
def jvm(t):
    target = c_epoll(t, agent=False)
    program = ["java", "-Xshare:auto", "-XX:TieredStopAtLevel=1", f"-XX:ErrorFile={t.dir}/hs_err.log", "-cp", t.build.app("crash-client-java", "Main"), "Main", target.port]
    result = compare(t, program, status=0)
    for part in "null was used N times", "the stack was too small", "the loops were stopped":
        t.check(part in result[1], result)
    result = compare(t, [*program, "crash"], status=-signal.SIGABRT)
    t.check("A fatal error has been detected" in result[1], result)
    t.check((t.dir / "hs_err.log").exists(), "its report")


@case("Go's runtime recovers from nil, and tells of a crash in C, as without the agent", ["go"], agent_only=True)
def go(t):
    target = c_epoll(t, agent=False)
    program = [t.build.app("crash-client-go"), target.port]
    t.check("nil was used N times" in compare(t, program, status=0)[1], "nil")
    result = compare(t, [*program, "crash"], status=2)
    t.check("SIGSEGV: segmentation violation" in result[2], result)


@case("AddressSanitizer's report of a crash is its own", ["cc"], agent_only=True)
def asan(t):
    program = [t.build.app("crash-server-c", options=["-fsanitize=address", "-pthread"], variant="-asan"), "PORT"]
    env = {"ASAN_OPTIONS": "verify_asan_link_order=0:detect_leaks=0:symbolize=0"}
    for path, status in ("segv", 1), ("heap", 1), ("abort", -signal.SIGABRT), ("ill", -signal.SIGILL):
        _, on = pair(t, program, path, env)
        t.equal(on.status, status, f"/{path}: status")
        t.check(("AddressSanitizer" in on.shown) == (status == 1), on.shown)
