# The part of remora.py that knows clients of message brokers, and tasks; stands in the middle of it.
#
# Who sends has been given messages by many. So a message's own headers say whose it is, where the program's call makes
# them; of Kafka, where headers might make a batch too long for its topic, what is sent is announced, if one alone gave it.

PLAIN_BYTES = 2000  # of headers: a frame that a broker takes may have 4,096
PLAIN = (str, int, float, bool, type(None))
MESSAGE_BYTES = 65536  # the smallest limit of a queue is four times that


def with_ours(headers):
    """The headers of a message and ours, None where that has a context, or they may grow too long."""
    text = current()
    if text is None or headers is not None and type(headers) is not dict or is_traced():
        return None
    size = 0
    for name, value in (headers or {}).items():
        if type(name) is not str or type(value) not in PLAIN or name.lower() == "traceparent":
            return None
        size += len(name) + 4 * len(str(value))
    return {**(headers or {}), "traceparent": text} if size < PLAIN_BYTES else None


def with_properties(self, *args, **kwargs):  # of pika and pamqp (aiormq, aio_pika): the head of a message, made to be sent
    headers = with_ours(self.properties.headers)
    if headers is not None:
        self = copy_of(self)
        self.properties = copy_of(self.properties)
        self.properties.headers = headers
        return (self,) + args, kwargs


def py_amqp(self, *args, **kwargs):
    if "delivery_mode" not in dict(self.PROPERTIES):
        return
    headers = with_ours(self.properties.get("application_headers"))
    if headers is not None:
        self = copy_of(self)
        self.properties = {**self.properties, "application_headers": headers}
        return (self,) + args, kwargs


# Whom the messages of a batch are from: one alone, or None.
batches = None


def batched(future, self, *args, **kwargs):
    global batches
    if batches is None:
        batches = modules["weakref"].WeakKeyDictionary()
    if future is not None:
        text = current()
        if batches.setdefault(self, text) != text:
            batches[self] = None


def produces(request, self, *args, **kwargs):  # aiokafka, in a task of its own
    texts = {batches.get(batch) if batches is not None else None for batch in self._batches.values()}
    adopt(texts.pop() if len(texts) == 1 else None)


given = {}  # by a request's id: it, and whose messages it sends


def asks(request, self, node, acks, timeout, messages, *args, **kwargs):  # kafka-python, in a thread of its own
    texts = {batches.get(batch) if batches is not None else None for batch in messages}
    if len(given) > 100:  # never sent
        given.clear()
    given[id(request)] = request, texts.pop() if len(texts) == 1 else None


def kafka_python(self, request, *args, **kwargs):
    if id(request) not in given:
        return  # no messages
    _, text = given.pop(id(request))
    transport = getattr(self, "transport", None)
    if transport is not None:
        socket, waiting = transport._sock, transport._write_buffer
    else:  # before 3.0
        socket, waiting = self._sock, [self._send_buffer, *self._protocol.bytes_to_send]
    if socket is not None and socket.fileno() >= 0:
        announce(socket.fileno(), sum(map(len, waiting)), text)


# ---- tasks of other programs ----

def kombu(self, body, priority, content_type, content_encoding, headers, *args, **kwargs):
    if (type(headers) is not dict or "task" not in headers or "id" not in headers or "traceparent" in headers
            or not isinstance(body, (str, bytes)) or len(body) > MESSAGE_BYTES or is_traced()):
        return
    text = current()
    if text is not None:
        return (self, body, priority, content_type, content_encoding, {**headers, "traceparent": text}) + args, kwargs


def celery(task, uuid, request, *args, **kwargs):
    if not is_traced():
        queue = (request.get("delivery_info") or {}).get("routing_key")
        return begin("celery", task, queue, uuid, request.get("traceparent"))


def failed(kind):
    fail(kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}")


def celery_failed(self, *args, **kwargs):
    failed(type(self.retval))


# RQ's jobs have no headers, but a hash in Redis, of which its workers read what they know. It may be older than the job
# (of the same id), so that ours says when the job that it is for was made.
jobs = None


def rq_sends(fields, self, *args, **kwargs):
    if jobs is not None and self in jobs or is_traced():
        return  # it came from there
    text = current()
    if text is not None and "traceparent" not in fields:
        fields["traceparent"] = f"{text} {fields['created_at']}"


def rq_reads(result, self, fields, *args, **kwargs):
    global jobs
    if jobs is None:
        jobs = modules["weakref"].WeakKeyDictionary()
    text, _, made = fields.get(b"traceparent", b"").partition(b" ")
    jobs[self] = text.decode("latin-1") if made == fields.get(b"created_at") else None


def rq(self, job, *args, **kwargs):
    if not is_traced():
        return begin("rq", None, job.origin, job.id, jobs.get(job) if jobs is not None else None)


def rq_failed(self, job, kind, *args, **kwargs):
    failed(kind)
