# What the adapter does inside CPython. Runs once, in a namespace of its own that no module has, with these
# names of adapters/python.c in it:
#   enter(text)   the code that runs now serves the request whose traceparent this is; None: by the thread
#   leave()       ... serves none
#   inherits()    True in a thread that was started by a request's, for which enter was not called since
#   drop()        such a thread turned out to work for more than one request
#   current()     the traceparent of the live request, None
#   carry(f)      f, to be called in the context of now; start(f) the same, in a thread of its own
#   before(f, g)  f, but that g is called first with the same arguments; it may return others: (args, kwargs)
#   after(f, g)   f, but that g is called with its result and the arguments, when it does not raise
# Whatever goes wrong in here is swallowed and counted there, and turns the adapter off.
import sys

modules = sys.modules

# Another tracer in the process writes the headers: we only look.
TRACERS = ("opentelemetry.sdk.trace", "ddtrace", "newrelic.agent", "elasticapm", "skywalking", "scout_apm")


def outgoing():
    text = current()
    if text is not None:
        for name in TRACERS:
            if name in modules:
                return None
    return text


# ---- requests that come in ----

def by_headers(self, request, *args, **kwargs):  # aiohttp.web
    enter(request.headers.get("traceparent"))


def by_own_request(self, *args, **kwargs):  # Tornado
    enter(self.request.headers.get("traceparent"))


def by_scope(scope, *args, **kwargs):
    if scope["type"] == "http":
        for name, value in scope["headers"]:
            if name == b"traceparent":
                return enter(value.decode("latin-1"))
        enter(None)


def by_scope_of_method(self, scope, *args, **kwargs):  # Hypercorn
    by_scope(scope)


def with_app(self, app, *args, **kwargs):  # Uvicorn: its task calls the application
    return (self, before(app, by_scope)) + args, kwargs


def by_gunicorn(req, *args, **kwargs):
    for name, value in req.headers:
        if name == "TRACEPARENT":
            return enter(value)
    enter(None)


def by_parsed(result, self, *args, **kwargs):  # http.server
    if result:
        enter(self.headers.get("traceparent"))


def by_environ(environ, *args, **kwargs):
    enter(environ.get("HTTP_TRACEPARENT"))


# ---- requests that go out ----

def http_client(self, *args, **kwargs):
    text = outgoing()
    if text is None or self._HTTPConnection__state != "Request-started":
        return
    for line in self._buffer:
        if line[:12].lower() == b"traceparent:":
            return
    self._buffer.append(b"traceparent: " + text.encode())


def httpcore(self, request, *args, **kwargs):
    text = outgoing()
    if text is None:
        return
    for name, _ in request.headers:
        if name.lower() == b"traceparent":
            return
    request.headers = list(request.headers) + [(b"traceparent", text.encode())]


def aiohttp(self, status_line, headers, *args, **kwargs):
    if status_line.startswith("HTTP/"):
        return
    text = outgoing()
    if text is None or "traceparent" in headers:
        return
    headers = headers.copy()
    headers["traceparent"] = text
    return (self, status_line, headers) + args, kwargs


def tornado(self, request, *args, **kwargs):
    text = outgoing()
    if text is not None and "traceparent" not in request.request.headers:
        request.request.headers["traceparent"] = text


# ---- work for other threads ----

def submitted(self, function, *args, **kwargs):
    return (self, carry(function)) + args, kwargs


def spawned(function, *args, **kwargs):
    return (carry(function),) + args, kwargs


def spawned_by(self, function, *args, **kwargs):  # a pool of gevent's
    if callable(function):
        return (self, carry(function)) + args, kwargs


def started(function, *args, **kwargs):
    return (start(function),) + args, kwargs


# A thread that a request started may be one that waits for the work of all.
def waits(self, *args, **kwargs):
    if inherits():
        drop()


PLACES = {
    "aiohttp.http_writer": (("StreamWriter.write_headers", before, aiohttp),),
    "aiohttp.web_protocol": (("RequestHandler._handle_request", before, by_headers),),
    "concurrent.futures.thread": (("ThreadPoolExecutor.submit", before, submitted),),
    "eventlet.green.http.client": (("HTTPConnection.endheaders", before, http_client),),
    "eventlet.greenthread": (("spawn", before, spawned), ("spawn_n", before, spawned)),
    "eventlet.wsgi": (("HttpProtocol.get_environ", after, by_environ),),
    "gevent": (("spawn", before, spawned),),
    "gevent.pool": (("Group.spawn", before, spawned_by),),
    "gevent.pywsgi": (("WSGIHandler.get_environ", after, by_environ),),
    "gunicorn.http.wsgi": (("create", before, by_gunicorn),),
    "http.client": (("HTTPConnection.endheaders", before, http_client),),
    "http.server": (("BaseHTTPRequestHandler.parse_request", after, by_parsed),),
    "httpcore": (("ConnectionPool.handle_request", before, httpcore),
                 ("AsyncConnectionPool.handle_async_request", before, httpcore)),
    "hypercorn.app_wrappers": (("ASGIWrapper.__call__", before, by_scope_of_method),),
    "threading": (("_start_new_thread", before, started), ("_start_joinable_thread", before, started),
                  ("Condition.wait", before, waits)),
    "tornado.curl_httpclient": (("CurlAsyncHTTPClient.fetch_impl", before, tornado),),
    "tornado.simple_httpclient": (("SimpleAsyncHTTPClient.fetch_impl", before, tornado),),
    "tornado.web": (("RequestHandler._execute", before, by_own_request),),
    "uvicorn.protocols.http.h11_impl": (("RequestResponseCycle.run_asgi", before, with_app),),
    "uvicorn.protocols.http.httptools_impl": (("RequestResponseCycle.run_asgi", before, with_app),),
    "waitress.task": (("WSGITask.get_environment", after, by_environ),),
}
unfinished = set()  # modules that were being executed when we came


def put(module, path, how, what):
    *owners, name = path.split(".")
    for owner in owners:
        module = getattr(module, owner, None)
    there = vars(module).get(name) if module is not None else None
    if there is not None:
        setattr(module, name, how(there, what))


def adapt(name):
    module = modules.get(name)
    if module is None:
        return
    if getattr(module.__spec__, "_initializing", False):
        unfinished.add(name)
        return
    unfinished.discard(name)
    for place in PLACES.pop(name, ()):
        put(module, *place)


def imported(module, name, *args):
    if name in PLACES:
        adapt(name)
    for late in tuple(unfinished):
        adapt(late)


for name in tuple(PLACES):
    adapt(name)
importlib = modules["_frozen_importlib"]
importlib._find_and_load = after(importlib._find_and_load, imported)
