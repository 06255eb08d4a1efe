"""gRPC: one span for each call and side, named by its method, with the status that travels behind the body."""
import re

from apps import script
from harness import case

NEEDS = ["python3"]


def server_python(t, agent=True):
    port = t.port()
    return t.start("server", ["python3", script("grpc-server-python", "py"), port], port, agent)


def client_python(t, port, what):
    return t.run("client", ["python3", script("grpc-client-python", "py"), f"127.0.0.1:{port}", what]).strip()


def both(spans, client, server, **attributes):
    """The attributes of the one call of each side; `client` and `server` are their error.type."""
    for service, kind, error in (("client", "CLIENT", client), ("server", "SERVER", server)):
        for span in spans.of(service, kind):
            spans.attributes(span, rpc__system__name="grpc", error__type=error, http__request__method=None,
                             server__address="127.0.0.1", network__protocol__version="2", **attributes)
            spans.test.equal(span["name"], attributes["rpc__method"], "the name of a span")
    spans.linked("server", "SERVER", "client", "CLIENT")


def call(what, says, method, status, client=None, server=None):
    @case(f"python: {what} is a span with status {status} on both sides", NEEDS, name=f"python_{what.partition(':')[0].lower()}")
    def run(t):
        port = server_python(t).port
        t.equal(client_python(t, port, what), says, "the answer")
        spans = t.spans(2).count("server", server=1).count("client", client=1)
        both(spans, client, server, rpc__method=f"test.Echo/{method}", rpc__status_code=status)


call("Say", "hello", "Say", "OK")
call("chat", "100000", "Chat", "OK")
call("Fail", "NOT_FOUND", "Fail", "NOT_FOUND", client="NOT_FOUND")
call("None", "UNIMPLEMENTED", "None", "UNIMPLEMENTED", client="UNIMPLEMENTED", server="UNIMPLEMENTED")
call("Slow:0.5", "DEADLINE_EXCEEDED", "Slow", "DEADLINE_EXCEEDED", client="DEADLINE_EXCEEDED",
     server="DEADLINE_EXCEEDED")


@case("python: a cancelled call has the status CANCELLED on both sides", NEEDS)
def python_cancel(t):
    port = server_python(t).port
    t.equal(client_python(t, port, "cancel"), "CANCELLED", "the answer")
    spans = t.spans(4).linked("server", "SERVER", "client", "CLIENT")
    for service, error in (("client", "CANCELLED"), ("server", None)):
        slow, = (s for s in spans.of(service) if s["name"] == "test.Echo/Slow")
        spans.attributes(slow, rpc__status_code="CANCELLED", error__type=error)


@case("python: fifty calls at once, each with a context of its own", NEEDS)
def python_many(t):
    seen = client_python(t, server_python(t).port, "many").split()
    spans = t.spans(100).count("server", server=50).count("client", client=50)
    spans.linked("server", "SERVER", "client", "CLIENT")
    t.equal(len(set(seen)), 50, "contexts that the server was sent")
    for value in seen:
        t.check(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", value), f"a traceparent: {value}")
