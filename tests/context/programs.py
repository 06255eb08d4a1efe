"""The servers under test: each in its runtime's common style, none knows of tracing.

Each is a function of (t, far side's URL, environment) that starts it and returns (process, path of its
requests); {id} in the path is the request's id. CONTEXT_PYTHON is the interpreter of the Python ones.
"""
import os

from harness import APPS, which

PYTHON = os.environ.get("CONTEXT_PYTHON", "/usr/bin/python3")
PROGRAMS = {}


class Program:
    def __init__(self, start, title, needs, modules, tls, http2, headers, database, packages, measure, gems, jars, https):
        self.start, self.title, self.needs, self.modules = start, title, needs, modules
        self.tls, self.http2 = tls, http2  # what the far side speaks
        self.https = https                 # the program itself speaks TLS; 2: and HTTP/2
        self.headers = headers             # C and C++ libraries: one header file of each
        self.database = database           # the kind of one that is asked instead of the far side
        self.packages, self.gems, self.jars = packages, gems, jars  # of npm; of Ruby; a folder of Maven's
        self.measure = measure             # for what is no single server: (t, requests, env) -> rows


def program(name, title, needs=(), modules=(), tls=False, http2=False, headers=(), database=None, packages=(),
            measure=None, gems=(), jars=None, https=False):
    def add(start):
        PROGRAMS[name] = Program(start, title, needs, modules, tls, http2, headers, database, packages, measure, gems,
                                 jars, https)
        return start
    return add


START_SECONDS = 90  # an application of Java's, on a machine that has more to do


def server(t, far, env, argv, port, cwd=None, path="/fan/{id}"):
    return t.start("server", argv, port, cwd=cwd, env=surroundings(far, env), seconds=START_SECONDS), path


def surroundings(far, env):
    """What is lost for want of time or room would count as a wrong parent."""
    return {"FAR": far, "REMORA_PARENT_SOURCE": "true", "OTEL_BSP_MAX_QUEUE_SIZE": "65536", "REMORA_EXIT_TIMEOUT": "20000", **env}


def gunicorn(t, far, env, options, path="/fan/{id}"):
    port = t.port()
    return server(t, far, env, [PYTHON, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "--backlog", "1024", *options,
                           "main:app"], port, cwd=APPS / "fan-python-wsgi", path=path)


def python(t, far, env, app, *arguments):
    port = t.port()
    return server(t, far, env, [PYTHON, "main.py", port, *arguments], port, cwd=APPS / app)


@program("gunicorn-sync", "gunicorn sync, 4 processes; requests", [], ["gunicorn", "requests"])
def gunicorn_sync(t, far, env):
    return gunicorn(t, far, env, ["-w", 4])


@program("gunicorn-gthread", "gunicorn gthread, 32 threads; requests", [], ["gunicorn", "requests"])
def gunicorn_gthread(t, far, env):
    return gunicorn(t, far, env, ["-k", "gthread", "--threads", 32])


@program("gunicorn-gthread-pool", "the same, calls made by a ThreadPoolExecutor", [], ["gunicorn", "requests"])
def gunicorn_gthread_pool(t, far, env):
    return gunicorn(t, far, env, ["-k", "gthread", "--threads", 32], "/pool/{id}")


@program("gunicorn-gthread-threads", "the same, calls made by threads of their own", [], ["gunicorn", "requests"])
def gunicorn_gthread_threads(t, far, env):
    return gunicorn(t, far, env, ["-k", "gthread", "--threads", 32], "/threads/{id}")


@program("gunicorn-gevent", "gunicorn gevent; requests", [], ["gunicorn", "requests", "gevent"])
def gunicorn_gevent(t, far, env):
    return gunicorn(t, far, env, ["-k", "gevent", "--worker-connections", 1000])


@program("gunicorn-gevent-pool", "the same, calls made by greenlets of their own", [], ["gunicorn", "requests", "gevent"])
def gunicorn_gevent_pool(t, far, env):
    return gunicorn(t, far, env, ["-k", "gevent", "--worker-connections", 1000], "/greenlets/{id}")


@program("gunicorn-eventlet", "gunicorn eventlet; requests", [], ["gunicorn", "requests", "eventlet"])
def gunicorn_eventlet(t, far, env):
    return gunicorn(t, far, env, ["-k", "eventlet", "--worker-connections", 1000])


@program("aiohttp", "aiohttp server and client", [], ["aiohttp"])
def aiohttp(t, far, env):
    return python(t, far, env, "fan-python-aiohttp")


@program("aiohttp-uvloop", "aiohttp server and client on uvloop", [], ["aiohttp", "uvloop"])
def aiohttp_uvloop(t, far, env):
    return python(t, far, env, "fan-python-aiohttp", "uvloop")


@program("aiohttp-tls", "aiohttp server, client over TLS", [], ["aiohttp"], tls=True)
def aiohttp_tls(t, far, env):
    return python(t, far, env, "fan-python-aiohttp")


@program("uvicorn-httpx", "uvicorn on asyncio; httpx", [], ["uvicorn", "httpx"])
def uvicorn_httpx(t, far, env):
    return uvicorn(t, far, env, "asyncio", "httpx")


@program("uvicorn-uvloop-httpx", "uvicorn on uvloop; httpx", [], ["uvicorn", "httpx", "uvloop", "httptools"])
def uvicorn_uvloop_httpx(t, far, env):
    return uvicorn(t, far, env, "uvloop", "httpx")


@program("uvicorn-uvloop-aiohttp", "uvicorn on uvloop; aiohttp", [], ["uvicorn", "aiohttp", "uvloop", "httptools"])
def uvicorn_uvloop_aiohttp(t, far, env):
    return uvicorn(t, far, env, "uvloop", "aiohttp")


@program("uvicorn-httpx-tls", "uvicorn on asyncio; httpx over TLS", [], ["uvicorn", "httpx"], tls=True)
def uvicorn_httpx_tls(t, far, env):
    return uvicorn(t, far, env, "asyncio", "httpx")


@program("uvicorn-late-tasks", "calls made by tasks for all requests, which the first one started", [], ["uvicorn", "httpx"])
def uvicorn_late(t, far, env):
    return uvicorn(t, far, env, "asyncio", "httpx", "/late/{id}")


@program("uvicorn-polling-tasks", "calls made by tasks that look for work of all requests, which the first one started", [],
         ["uvicorn", "httpx"])
def uvicorn_polling(t, far, env):
    return uvicorn(t, far, env, "asyncio", "httpx", "/polling/{id}")


@program("gunicorn-late-threads", "calls made by threads for all requests, which the first one started", [],
         ["gunicorn", "requests"])
def gunicorn_late(t, far, env):
    return gunicorn(t, far, env, ["-k", "gthread", "--threads", 32], "/late/{id}")


@program("gunicorn-polling-threads", "calls made by threads that look for work of all requests, which the first one started", [],
         ["gunicorn", "requests"])
def gunicorn_polling(t, far, env):
    return gunicorn(t, far, env, ["-k", "gthread", "--threads", 32], "/polling/{id}")


@program("gunicorn-late-processes", "calls made by processes for all requests, which the first one forked", ["gunicorn"],
         ["requests"])
def gunicorn_processes(t, far, env):
    return gunicorn(t, far, env, ["-k", "gthread", "--threads", 32], "/processes/{id}")


@program("gunicorn-callbacks", "calls made by callbacks of a pool's jobs, in threads that the first requests started",
         ["gunicorn"], ["requests"])
def gunicorn_callbacks(t, far, env):
    return gunicorn(t, far, env, ["-k", "gthread", "--threads", 32], "/callbacks/{id}")


@program("uvicorn-batch", "calls made by a task for all requests, which waits for an event", [], ["uvicorn", "httpx"])
def uvicorn_batch(t, far, env):
    return uvicorn(t, far, env, "asyncio", "httpx", "/batch/{id}")


def uvicorn(t, far, env, loop, client, path="/fan/{id}"):
    port = t.port()
    return server(t, far, {"CLIENT": client, **env}, [PYTHON, "-m", "uvicorn", "--port", port, "--loop", loop, "--log-level", "warning",
                           "--backlog", 1024, "main:app"], port, cwd=APPS / "fan-python-asgi", path=path)


@program("hypercorn-httpx", "Hypercorn; httpx in tasks that read from it", [], ["hypercorn", "httpx"])
def hypercorn(t, far, env):
    port = t.port()
    return server(t, far, {"CLIENT": "httpx", **env}, [PYTHON, "-m", "hypercorn", "-b", f"127.0.0.1:{port}", "--backlog", 1024,
                  "main:app"], port, cwd=APPS / "fan-python-asgi", path="/reading/{id}")


@program("waitress-pool", "waitress; requests by a ThreadPoolExecutor", [], ["waitress", "requests"])
def waitress(t, far, env):
    port = t.port()
    return server(t, far, env, [PYTHON, "-m", "waitress", f"--listen=127.0.0.1:{port}", "--backlog=1024", "--threads=32",
                                "main:app"], port, cwd=APPS / "fan-python-wsgi", path="/pool/{id}")


@program("uwsgi-pool", "uWSGI, 32 threads; requests by a ThreadPoolExecutor", ["uwsgi"], ["requests"])
def uwsgi(t, far, env):
    port = t.port()
    return server(t, far, env, [which("uwsgi"), "--plugin", "python3", "--http-socket", f"127.0.0.1:{port}", "--listen", 100,
                                "--threads", 32, "--enable-threads", "--wsgi-file", "main.py", "--callable", "app",
                                "--disable-logging", "--die-on-term"], port, cwd=APPS / "fan-python-wsgi", path="/pool/{id}")


@program("tornado", "Tornado server and AsyncHTTPClient", [], ["tornado"])
def tornado(t, far, env):
    return python(t, far, env, "fan-python-tornado")


@program("http-server-threads", "http.server with a thread each; http.client")
def http_server(t, far, env):
    return python(t, far, env, "fan-python-httpserver")


@program("php-server", "PHP's own server, 8 processes; curl", ["php"])
def php_server(t, far, env):
    port = t.port()
    return server(t, far, {"PHP_CLI_SERVER_WORKERS": 8, **env},
                  [which("php"), "-S", f"127.0.0.1:{port}", APPS / "fan-php" / "index.php"], port)
