# What the adapter does inside CPython. Runs once, in a namespace of its own that no module has, with these
# names of adapters/python.c in it:
#   enter(text)   the code that runs now serves the request whose traceparent this is; None: by the thread
#   inherits()    True in a thread that was started by another one, for which enter was not called since
#   drop()        the code that runs now works for more than one request
#   detach()      the thread does, but not necessarily this code
#   current()     the traceparent of the live request, None
#   adopt(text)   the code that runs now sends on behalf of that one, if it lives; else for nobody
#   announce(n, w) what is sent from now on on connection n, behind w bytes that wait, is for the code that runs
#                 now, or for that of a third argument, until the next announcement; w < 0: for nobody
#   carry(f)      f, to be called in the context of now; start(f) the same, in a thread of its own
#   before(f, g)  f, but that g is called first with the same arguments; it may return others: (args, kwargs)
#   after(f, g)   f, but that g is called with its result and the arguments, when it does not raise
#   during(f, g)  f; g is called first with the same arguments, and says what task f does: what begin returns, or None
#   begin(...)    a task begins: of this system, name, queue, id and traceparent, each a text or None
#   fail(type)    the task that runs now fails with that type of exception
#   modules       sys.modules
#   mistakes      the types of exceptions that mistakes in here raise: those are swallowed and counted there,
#                 and turn the adapter off
# A signal handler of the program may run, and raise, between any two instructions in here. What it raises is
# the program's: nothing in here may catch it, and what it interrupts may be done again.
sys = modules["sys"]

# Another tracer in the process writes the headers: we only look.
TRACERS = ("opentelemetry.sdk.trace", "ddtrace", "newrelic.agent", "elasticapm", "skywalking", "scout_apm")


# Limits that servers have for heads: a line of ours is not to be the one that is too much.
FIELDS, SIZES = 100, tuple(1024 * kib for kib in (4, 8, 15, 16, 32, 64))
OURS = 512  # bytes, with what the agent may add and we do not count


def is_traced():
    return any(name in modules for name in TRACERS)


def outgoing(fields, size):
    """The traceparent for a head of so many fields and bytes, None for none."""
    text = current()
    if text is None or FIELDS - 2 <= fields <= FIELDS:
        return None
    for limit in SIZES:
        if limit - OURS <= size <= limit:
            return None
    return None if is_traced() else text


# ---- tasks ----

# The task that serves a request, as a number: its children, which have the context too, are others.
server_task = current_task = None


def tasks_known():
    global server_task, current_task
    server_task = modules["_contextvars"].ContextVar("remora_task", default=None)
    current_task = modules["asyncio.tasks"].current_task


def task_now():
    try:
        return id(current_task())
    except RuntimeError:  # another library's loop
        return None


def enter_task(text):
    enter(text)
    if current_task is not None:
        server_task.set(task_now())


# Who waits in there waits for a connection of a pool, or for its own call.
POOLS = ("aiomysql", "aioredis", "asyncpg", "grpc", "psycopg_pool", "redis", "sqlalchemy")


# A task that a request started and that waits at a queue or to be woken may work for all.
def takes(self, *args, **kwargs):
    server = server_task.get() if current_task is not None else None
    if server is None or server == task_now():
        return
    frame = sys._getframe(1)
    if frame.f_globals.get("__name__") == "asyncio.locks" and frame.f_back is not None:  # Condition.wait_for
        frame = frame.f_back
    name = frame.f_globals.get("__name__", "")
    if name != "anyio._backends._asyncio" and name.partition(".")[0] not in POOLS:
        drop()


# ---- work that is looked for again and again ----

LOOPS_KNOWN = 1000
COLD = ("PUSH_EXC_INFO", "CLEANUP_THROW") if sys.version_info[:2] == (3, 12) else ()  # then at the end, and jump back
loops_known = {}  # (code, where in it): is that inside a loop that is not over a list?


def is_in_while(code, at):
    dis = modules.get("dis")
    if dis is None:
        return True
    steps = {step.offset: step for step in dis.get_instructions(code)}
    cold = min((step.offset for step in steps.values() if step.opname in COLD), default=len(code.co_code))
    return any("JUMP" in step.opname and "INTERRUPT" not in step.opname and isinstance(step.argval, int)
               and step.argval <= at <= step.offset and (step.offset < cold or cold <= at)
               and steps[step.argval].opname != "FOR_ITER" for step in steps.values())


# True for code that sleeps in a loop, itself or who called it: what it finds when it wakes may be anybody's work.
def looks_again(frame):
    while frame is not None and not frame.f_globals.get("__name__", "").startswith("asyncio."):
        key = frame.f_code, frame.f_lasti
        if key not in loops_known:
            if len(loops_known) >= LOOPS_KNOWN:
                loops_known.clear()
            loops_known[key] = is_in_while(*key)
        if loops_known[key]:
            return True
        frame = frame.f_back
    return False


def dozes(*args, **kwargs):
    if inherits() and looks_again(sys._getframe(1)):
        drop()


def task_dozes(delay, *args, **kwargs):
    if delay == 0:  # lets others run, no more
        return
    server = server_task.get() if current_task is not None else None
    if server is not None and server != task_now() and looks_again(sys._getframe(1)):
        drop()


# ---- requests that come in ----

def by_headers(self, request, *args, **kwargs):  # aiohttp.web
    enter(request.headers.get("traceparent"))


def by_application(self, request, *args, **kwargs):  # the same, in the task of the handler
    enter_task(request.headers.get("traceparent"))


def by_own_request(self, *args, **kwargs):  # Tornado
    enter(self.request.headers.get("traceparent"))


def by_scope(scope, *args, **kwargs):
    if scope["type"] == "http":
        for name, value in scope["headers"]:
            if name == b"traceparent":
                return enter_task(value.decode("latin-1"))
        enter_task(None)


# Hypercorn's applications read from a queue, perhaps in a task of their own: that is no work for others.
def by_scope_and_queue(first, scope, receive, *args, **kwargs):
    by_scope(scope)
    return (first, scope, carry(receive)) + args, kwargs


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


def by_rpc(rpc_event, *args, **kwargs):  # grpcio, in a thread of its pool
    for name, value in rpc_event.invocation_metadata:
        if name == "traceparent":
            return enter(value)
    enter(None)


def by_details(self, details, *args, **kwargs):  # grpc.aio, in the task of the call; grpcio is in no task there
    if type(details).__module__ == "grpc._cython.cygrpc":
        for name, value in details.invocation_metadata:
            if name == "traceparent":
                return enter_task(value)
        enter_task(None)


# ---- requests that go out ----

def http_client(self, *args, **kwargs):
    lines = self._buffer
    text = outgoing(len(lines) - 1, sum(map(len, lines)) + 2 * len(lines))
    if text is None or self._HTTPConnection__state != "Request-started":
        return
    for line in lines:
        if line[:12].lower() == b"traceparent:":
            return
    lines.append(b"traceparent: " + text.encode())


def copy_of(this):
    other = object.__new__(type(this))
    for name in getattr(this, "__slots__", ()):
        if hasattr(this, name):
            setattr(other, name, getattr(this, name))
    if hasattr(this, "__dict__"):
        vars(other).update(vars(this))
    return other


def httpcore(self, request, *args, **kwargs):
    size = 0
    for name, value in request.headers:
        if name.lower() == b"traceparent":
            return
        size += len(name) + len(value) + 4
    text = outgoing(len(request.headers), size)
    if text is not None:
        request = copy_of(request)  # who made it may send it again, for another request
        request.headers = list(request.headers) + [(b"traceparent", text.encode())]
        return (self, request) + args, kwargs


def size_of(headers):
    return sum(len(name) + len(value) + 4 for name, value in headers.items())


def aiohttp(self, status_line, headers, *args, **kwargs):
    if status_line.startswith("HTTP/") or "traceparent" in headers:
        return
    text = outgoing(len(headers), len(status_line) + size_of(headers))
    if text is None:
        return
    headers = headers.copy()
    headers["traceparent"] = text
    return (self, status_line, headers) + args, kwargs


def with_text(request):  # its headers, and ours; None
    headers = request.headers
    text = outgoing(len(headers), size_of(headers))
    if text is None or "traceparent" in headers:
        return None
    headers = headers.copy()
    headers["traceparent"] = text
    return headers


def tornado(self, request, *args, **kwargs):
    headers = with_text(request.request)
    if headers is not None:
        ours = copy_of(request.request)
        ours.original_request = getattr(ours, "original_request", request.request)  # what the answer names
        ours.headers = headers
        request.request = ours


def tornado_curl(self, request, *args, **kwargs):
    headers = with_text(request.request)
    if headers is not None:
        request.headers = headers


def grpcio(metadata, *args, **kwargs):
    if metadata is not None and type(metadata) not in (list, tuple):
        return  # to be read once, perhaps
    size = 0
    for field in metadata or ():
        if not isinstance(field, tuple) or [type(part) for part in field] not in ([str, str], [str, bytes]):
            return  # to be refused
        if field[0] == "traceparent":
            return
        size += len(field[0]) + len(field[1]) + 32
    text = outgoing(len(metadata or ()), size)
    if text is not None:
        return ((*(metadata or ()), ("traceparent", text)),) + args, kwargs


def grpc_aio(self, call, metadata, *args, **kwargs):
    if type(metadata).__module__ == "grpc.aio._metadata":
        metadata = tuple(metadata)
    changed = grpcio(metadata)
    if changed is not None:
        return (self, call) + changed[0] + args, kwargs


# ---- databases ----
#
# What they are sent carries no context. Each function by which a driver sends anything announces it just before,
# so that of a shared connection the last one who said something is the one who sends.

def by_descriptor(connection):
    try:
        announce(connection.pgconn.socket, 0)
    except Exception:  # closed
        pass


def by_transport(transport):
    if transport is None:
        return
    socket = transport.get_extra_info("socket")
    waiting = transport.get_write_buffer_size()
    if transport.get_extra_info("ssl_object") is not None and waiting:
        waiting = -1  # encrypted, perhaps
    if socket is not None and socket.fileno() >= 0:
        announce(socket.fileno(), waiting)


def psycopg(self, *args, **kwargs):
    by_descriptor(self)


def asyncpg(self, *args, **kwargs):
    by_transport(self._transport)


def asyncpg_statement(self, *args, **kwargs):
    by_transport(getattr(self._connection, "_con", self._connection)._transport)


def redis_async(self, *args, **kwargs):
    if self._writer is not None:
        by_transport(self._writer.transport)


aiomysql = redis_async


def by_socket(self, *args, **kwargs):  # redis, pymysql
    if self._sock is not None and self._sock.fileno() >= 0:
        announce(self._sock.fileno(), 0)


include('brokers.py');


# ---- work for other threads ----

def submitted(self, function, /, *args, **kwargs):
    return (self, carry(function)) + args, kwargs


def spawned(function, /, *args, **kwargs):
    return (carry(function),) + args, kwargs


def spawned_by(self, function, /, *args, **kwargs):  # a pool of gevent's
    if callable(function):
        return (self, carry(function)) + args, kwargs


def started(function, /, *args, **kwargs):
    return (start(function),) + args, kwargs


# A thread or a process that a request started may be one that waits for the work of all.
def waits(*args, **kwargs):
    if inherits():
        drop()


# A thread with an event loop runs code of many contexts.
def loops(self, *args, **kwargs):
    waits()
    detach()


REDIS = ("AbstractConnection.send_packed_command", "Connection.send_packed_command")  # by version
CELERY = tuple((name, during, celery) for name in (
    "_trace_task_ret", "trace_task_ret", "_fast_trace_task", "fast_trace_task"))  # by version
RQ_WORKER = ("perform_job", during, rq), ("handle_exception", before, rq_failed)
PLACES = {
    "aiohttp.http_writer": (("StreamWriter.write_headers", before, aiohttp),),
    "aiohttp.web_app": (("Application._handle", before, by_application),),
    "aiohttp.web_protocol": (("RequestHandler._handle_request", before, by_headers),),
    "aiokafka.conn": (("AIOKafkaConnection.send", before, redis_async),),
    "aiokafka.producer.message_accumulator": (("MessageBatch.append", after, batched),),
    "aiokafka.producer.sender": (("SendProduceReqHandler.create_request", after, produces),),
    "aiomysql.connection": (("Connection._write_bytes", before, aiomysql),),
    "aioredis.connection": tuple((name, before, redis_async) for name in REDIS),
    "amqp.serialization": (("GenericContent._serialize_properties", before, py_amqp),),
    "anyio.to_thread": (("run_sync", before, spawned),),
    "asyncio": (("sleep", before, task_dozes),),
    "asyncio.base_events": (("BaseEventLoop.run_forever", before, loops),),
    "asyncio.locks": (("Condition.wait", before, takes), ("Event.wait", before, takes)),
    "asyncio.queues": (("Queue.get", before, takes),),
    "asyncio.tasks": (),
    "asyncpg.connection": tuple((f"Connection.{name}", before, asyncpg) for name in (
        "execute", "_get_statement", "_do_execute", "_cleanup_stmts", "_copy_in", "_copy_in_records", "_copy_out")),
    "asyncpg.cursor": tuple((name, before, asyncpg_statement) for name in (
        "BaseCursor._bind", "BaseCursor._bind_exec", "BaseCursor._exec", "BaseCursor._close_portal", "Cursor.forward")),
    "asyncpg.prepared_stmt": (("PreparedStatement._PreparedStatement__do_execute", before, asyncpg_statement),),
    "celery.app.trace": CELERY + (("TraceInfo.handle_failure", before, celery_failed),),
    "celery.worker.request": CELERY,
    "concurrent.futures.process": (("_process_worker", before, waits),),
    "concurrent.futures.thread": (("ThreadPoolExecutor.submit", before, submitted), ("_worker", before, waits)),
    "eventlet.green.http.client": (("HTTPConnection.endheaders", before, http_client),),
    "eventlet.greenthread": (("spawn", before, spawned), ("spawn_n", before, spawned)),
    "eventlet.wsgi": (("HttpProtocol.get_environ", after, by_environ),),
    "gevent": (("spawn", before, spawned),),
    "gevent.pool": (("Group.spawn", before, spawned_by),),
    "gevent.pywsgi": (("WSGIHandler.get_environ", after, by_environ),),
    "grpc._compression": (("augment_metadata", before, grpcio),),
    "grpc._utilities": (("DictionaryGenericHandler.service", before, by_details),),
    "grpc.aio._call": (("Call.__init__", before, grpc_aio),),
    "grpc._server": (("_unary_response_in_pool", before, by_rpc), ("_stream_response_in_pool", before, by_rpc)),
    "gunicorn.http.wsgi": (("create", before, by_gunicorn),),
    "http.client": (("HTTPConnection.endheaders", before, http_client),),
    "http.server": (("BaseHTTPRequestHandler.parse_request", after, by_parsed),),
    "httpcore": (("ConnectionPool.handle_request", before, httpcore),
                 ("AsyncConnectionPool.handle_async_request", before, httpcore)),
    "hypercorn.app_wrappers": (("ASGIWrapper.__call__", before, by_scope_and_queue),),
    "hypercorn.asyncio.task_group": (("invoke_asgi", before, by_scope_and_queue),),
    "kafka.conn": (("BrokerConnection._send", before, kafka_python),),
    "kafka.net.connection": (("KafkaConnection._send_request", before, kafka_python),),
    "kafka.producer.producer_batch": (("ProducerBatch.try_append", after, batched),),
    "kafka.producer.record_accumulator": (("ProducerBatch.try_append", after, batched),),
    "kafka.producer.sender": (("Sender._produce_request", after, asks),),
    "kombu.messaging": (("Producer._publish", before, kombu),),
    "multiprocessing.connection": (("_ConnectionBase.recv", before, waits), ("wait", before, waits)),
    "multiprocessing.pool": (("worker", before, waits),),
    "multiprocessing.queues": (("Queue.get", before, waits), ("SimpleQueue.get", before, waits)),
    "pamqp.header": (("ContentHeader.marshal", before, with_properties),),
    "pika.adapters.blocking_connection": (("BlockingConnection.add_callback_threadsafe", before, submitted),
                                          ("BlockingConnection.process_data_events", before, waits)),
    "pika.adapters.select_connection": (("IOLoop.start", before, loops),),
    "pika.frame": (("Header.marshal", before, with_properties),),
    "psycopg.connection": (("Connection.wait", before, psycopg),),
    "psycopg.connection_async": (("AsyncConnection.wait", before, psycopg),),
    "pymysql.connections": (("Connection._write_bytes", before, by_socket),),
    "redis.asyncio.connection": tuple((name, before, redis_async) for name in REDIS),
    "redis.connection": tuple((name, before, by_socket) for name in REDIS),
    "rq.job": (("Job.restore", after, rq_reads), ("Job.to_dict", after, rq_sends)),
    "rq.worker": tuple((f"{worker}.{name}", how, what) for worker in ("BaseWorker", "Worker") for name, how, what in RQ_WORKER),
    "threading": (("_start_new_thread", before, started), ("_start_joinable_thread", before, started),
                  ("Condition.wait", before, waits)),
    "time": (("sleep", before, dozes),),
    "tornado.curl_httpclient": (("CurlAsyncHTTPClient.fetch_impl", before, tornado_curl),),
    "tornado.simple_httpclient": (("SimpleAsyncHTTPClient.fetch_impl", before, tornado),),
    "tornado.web": (("RequestHandler._execute", before, by_own_request),),
    "uvicorn.protocols.http.h11_impl": (("RequestResponseCycle.run_asgi", before, with_app),),
    "uvicorn.protocols.http.httptools_impl": (("RequestResponseCycle.run_asgi", before, with_app),),
    "waitress.task": (("WSGITask.get_environment", after, by_environ),),
}

STANDS = type(before(outgoing, outgoing)), type(before(len, len))
standing = {}  # one for a function, in whatever places it is: it is pickled by its name in one of them


def put(module, path, how, what):
    *owners, name = path.split(".")
    for owner in owners:
        module = getattr(module, owner, None)
    there = vars(module).get(name) if module is not None else None
    if there is not None and type(there) not in STANDS:
        key = there, how, what
        if key not in standing:
            standing[key] = how(there, what)
        setattr(module, name, standing[key])


def adapt(name, module):
    if type(module) is not type(sys) or getattr(module.__spec__, "_initializing", False):
        return  # not there, being executed, or to be when it is looked at
    if name == "asyncio.tasks":
        tasks_known()
    for place in PLACES.get(name, ()):
        put(module, *place)
    PLACES.pop(name, None)


def settle(*args):  # after each import
    for name in tuple(PLACES):
        try:
            adapt(name, modules.get(name))
        except mistakes:
            PLACES.pop(name, None)
            raise


def move_in():
    put(modules["_frozen_importlib"], "_find_and_load", after, settle)
    settle()


# ---- what comes in between ----

def interrupts(frame, interrupted):  # a signal handler: it is called with the frame that it interrupts
    for value in frame.f_locals.values():
        if value is interrupted or type(value) is tuple and any(one is interrupted for one in value):
            return True
    return False


def theirs(error, traceback):
    if error.args == () and not isinstance(error, MemoryError):
        return True  # mistakes have something to say; what another thread sets has not
    while traceback is not None and traceback.tb_next is not None:
        if interrupts(traceback.tb_next.tb_frame, traceback.tb_frame):
            return True
        traceback = traceback.tb_next
    return False
