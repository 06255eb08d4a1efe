"""What a signal handler of the program raises in the middle of the Python adapter arrives at the program, once."""
import ast
import textwrap

from harness import case
from python_adapter import interpreters

# In a child for each offset: a timer runs out while the adapter moves in, and after.
MOVING_IN = textwrap.dedent("""\
    import asyncio, http.client, http.server, os, signal, socket, sys, threading, time
    import _frozen_importlib

    class Over(BaseException):
        pass

    raised = 0

    def over(*arguments):
        global raised
        raised += 1
        raise Over

    def stand_ins():
        places = [threading.Condition.wait, http.client.HTTPConnection.endheaders, asyncio.Queue.get,
                  http.server.BaseHTTPRequestHandler.parse_request, _frozen_importlib._find_and_load]
        return [type(place) is not type(over) for place in places]

    def interrupted(seconds):
        arrived, ignored = 0, []
        sys.unraisablehook = ignored.append
        try:
            signal.setitimer(signal.ITIMER_REAL, seconds)
            socket.socket().close()
            while True:
                time.sleep(0)
        except Over:
            arrived += 1
        socket.socket().close()
        for _ in range(1000):
            pass
        return raised, arrived, len(ignored), stand_ins()

    signal.signal(signal.SIGALRM, over)
    for i in range(200):
        child = os.fork()
        if not child:
            os.write(1, repr(interrupted((20 + 50 * i) / 1e6)).encode() + b"\\n")
            os._exit(0)
        os.waitpid(child, 0)
    """)


@case("Python: what a signal handler raises while the adapter moves in arrives once, and it moves in", agent_only=True)
def moving_in(t):
    lines = t.run("program", ["/usr/bin/python3", "-c", MOVING_IN]).splitlines()
    t.equal(len(lines), 200, "rounds")
    for i, line in enumerate(lines):
        raised, arrived, ignored, places = ast.literal_eval(line)
        t.equal((raised, arrived + ignored), (1, 1), f"exceptions of round {i}")
        t.check(all(places), f"the adapter has moved in, in round {i}: {places}")


# The same at one point for sure: where the adapter sets an attribute of a class whose metaclass is the program's.
AT_A_POINT = textwrap.dedent("""\
    import signal, socket, sys, threading, types

    class Meta(type):
        def __setattr__(cls, name, value):
            global times
            times += 1
            if times <= 3:
                signal.raise_signal(signal.SIGINT)
            type.__setattr__(cls, name, value)

    class WSGITask(metaclass=Meta):
        def get_environment(self):
            return {}

    times, caught = 0, []
    task = sys.modules["waitress.task"] = types.ModuleType("waitress.task")
    task.WSGITask = WSGITask

    def attempt(n):
        try:
            if n:
                attempt(n - 1)
            else:
                socket.socket().close()
            for _ in range(1000):
                pass
        except KeyboardInterrupt as error:
            caught.append(error)

    attempt(8)
    arrived = set()
    for error in caught:
        while error is not None:  # one may have come while another was handled
            arrived.add(error)
            error = error.__context__
    print(times, len(arrived), type(threading.Condition.wait) is not type(lambda: 0),
          type(vars(WSGITask)["get_environment"]) is not type(lambda: 0))
    """)


@case("Python: an adapter that is interrupted three times moves in at the fourth", agent_only=True)
def at_a_point(t):
    for python in interpreters():
        out = t.run("program", [python, "-c", AT_A_POINT])
        t.equal(out, "4 3 True True\n", f"attempts, exceptions that arrived, places, of {python}")


# In the middle of what the adapter does at a request: in code of the program's that it calls.
WHOSE = textwrap.dedent("""\
    import asyncio, ctypes, http.client, signal, socket, sys, threading, types
    fake = sys.modules["uvicorn.protocols.http.h11_impl"] = types.ModuleType("uvicorn.protocols.http.h11_impl")

    class Cycle:
        async def run_asgi(self, app):
            return "done"

    fake.RequestResponseCycle = Cycle
    socket.socket().close()
    for _ in range(1000):
        pass

    class Limit(AssertionError):
        pass

    def by_signal():
        signal.raise_signal(signal.SIGALRM)

    def by_thread():
        set_error = ctypes.pythonapi.PyThreadState_SetAsyncExc
        set_error(ctypes.c_ulong(threading.get_ident()), ctypes.py_object(what))
        for _ in range(1000):
            pass

    def by_mistake():
        {}["nothing"]

    class Lines(list):
        def __len__(self):
            if how:
                how()
            return list.__len__(self)

    def late(number, frame):
        raise what("late") if args else what

    class App:
        def __getattr__(self, name):
            how()
            raise AttributeError(name)

    signal.signal(signal.SIGALRM, late)

    def send():
        global how
        connection = http.client.HTTPConnection("h")
        connection.putrequest("GET", "/")
        connection._buffer = Lines(connection._buffer)
        connection._send_output = lambda *args, **kwargs: None
        connection.endheaders()

    def call():
        return asyncio.run(Cycle().run_asgi(App()))

    def outcome(f):
        try:
            f()
        except BaseException as error:
            return type(error).__name__
        return "passed"

    for what in KeyboardInterrupt, SystemExit, ValueError, KeyError, MemoryError, Limit, TimeoutError:
        for args in False, True:
            how = by_signal
            print("signal", what.__name__, outcome(send), outcome(call))
        how = by_thread
        print("thread", what.__name__, outcome(send))
    how = by_mistake
    print("mistake", outcome(send))
    """)


@case("Python: of one type of exception the adapter tells its mistakes from what interrupts it", agent_only=True)
def whose(t):
    for python in interpreters():
        lines = t.run("program", [python, "-c", WHOSE]).splitlines()
        t.equal(lines.pop(), "mistake passed", f"{python}: a mistake")
        t.equal(len(lines), 21, f"{python}: interruptions")
        for line in lines:
            how, what, *arrived = line.split()
            if (how, what) != ("thread", "MemoryError"):  # that one has no more to say when memory is short
                t.equal(set(arrived), {what}, f"{python}: what arrived of {line}")


# A server's own work, interrupted. CPython loses some of it by itself: it says so in its hook, or raises what
# Condition.__exit__ says of a lock that was not taken again.
SERVED = textwrap.dedent("""\
    import random, signal, socket, socketserver, sys, time

    class Over(BaseException):
        pass

    raised = arrived = without_a_word = 0

    def over(*arguments):
        global raised
        raised += 1
        raise Over

    class Server(socketserver.ThreadingMixIn, socketserver.TCPServer):
        daemon_threads = True

        def finish_request(self, request, address):
            sum(range(random.randrange(20000)))

        def shutdown_request(self, request):
            pass

    ignored = []
    sys.unraisablehook = lambda what: ignored.append(str(what.object))
    signal.signal(signal.SIGALRM, over)
    server = Server(("127.0.0.1", 0), None, False)

    def interrupted():
        signal.setitimer(signal.ITIMER_REAL, 1e-5 + random.random() * 0.001)
        begin, before = time.monotonic(), raised
        while raised == before and time.monotonic() < begin + 30:
            server.process_request(None, None)

    for _ in range(1000):
        before = raised, len(ignored)
        got = False
        try:
            interrupted()
        except Over:
            got = True
        except RuntimeError as error:
            got = isinstance(error.__context__, Over)
        arrived += got
        without_a_word += raised - before[0] != got + len(ignored) - before[1]
    print(raised, without_a_word, [what for what in ignored if "remora" in what])
    """)


@case("Python: a server that starts threads loses no interruption without a word", agent_only=True)
def served(t):
    t.equal(t.run("program", ["/usr/bin/python3", "-c", SERVED]), "1000 0 []\n", "raised, lost, ignored in the adapter")
