"""gRPC and gRPC-Web: one span for each call and side, named by its method, with the status that travels behind the body
or at its end."""
import re
import subprocess

from apps import script
from harness import Skip, case

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


def call(what, says, method, status, client=None, server=None, messages=(None, None)):
    @case(f"python: {what} is a span with status {status} on both sides", NEEDS, name=f"python_{what.partition(':')[0].lower()}")
    def run(t):
        port = server_python(t).port
        t.equal(client_python(t, port, what), says, "the answer")
        spans = t.spans(2).count("server", server=1).count("client", client=1)
        both(spans, client, server, rpc__method=f"test.Echo/{method}", rpc__response__status_code=status)
        if status != "OK":
            return
        for span in spans.of("client") + spans.of("server"):
            t.equal(tuple(span["attributes"].get(f"remora.rpc.{way}.message_count") for way in ("request", "response")),
                    messages, "messages that are told")


call("Say", "hello", "Say", "OK")
call("chat", "100000", "Chat", "OK", messages=(50, 100))
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
        spans.attributes(slow, rpc__response__status_code="CANCELLED", error__type=error)


@case("python: fifty calls at once, each with a context of its own", NEEDS)
def python_many(t):
    seen = client_python(t, server_python(t).port, "many").split()
    spans = t.spans(100).count("server", server=50).count("client", client=50)
    spans.linked("server", "SERVER", "client", "CLIENT")
    t.equal(len(set(seen)), 50, "contexts that the server was sent")
    for value in seen:
        t.check(re.fullmatch("00-[0-9a-f]{32}-[0-9a-f]{16}-0[13]", value), f"a traceparent: {value}")


@case("python: a call that a handler makes has its request for its parent, twenty at a time over one channel", NEEDS,
      agent_only=True)
def python_through(t):
    addresses = []
    for name in ("near", "far"):
        port = t.port()
        t.start(name, ["python3", script("grpc-peer-python", "py"), "server", port], port)
        addresses.append(f"127.0.0.1:{port}")
    lines = t.run("client", ["python3", script("grpc-peer-python", "py"), "through", *addresses]).splitlines()
    spans = t.spans(400).count("near", server=100, client=100)
    for line in lines:
        request, asked = (spans.by_id[value.split("-")[2]] for value in line.split())
        call = spans.by_id[asked["parent_id"]] if asked["kind"] == "SERVER" else asked
        # Where a head came in two reads, the handler is told of the CLIENT span above its own, and its calls are nobody's.
        t.equal(call["parent_id"], request["span_id"] if request["kind"] == "SERVER" else "", "whose call it is")


@case("python, grpc.aio: the same of calls made directly, by tasks of a handler's own, by streams and past an interceptor",
      NEEDS, agent_only=True)
def aio_through(t):
    addresses = []
    for name in ("near", "far"):
        port = t.port()
        t.start(name, ["python3", script("grpc-peer-aio", "py"), "server", port], port)
        addresses.append(f"127.0.0.1:{port}")
    lines = t.run("client", ["python3", script("grpc-peer-aio", "py"), "through", *addresses]).splitlines()
    spans = t.spans(1400).count("near", server=100, client=600)
    for line in lines:
        request, *asked = (spans.by_id[value.split("-")[2]] for value in line.split())
        t.equal(len(asked), 6, "calls of a handler")
        for one in asked:
            call = spans.by_id[one["parent_id"]] if one["kind"] == "SERVER" else one
            t.equal(call["parent_id"], request["span_id"] if request["kind"] == "SERVER" else "", "whose call it is")


def cpp(style, title, right=2, more=0):
    @case(f"C++: calls {title} have their request for their parent, eight at a time", ["c++", "pkg-config"],
          agent_only=True, name=f"cpp_{style.replace('-', '_')}")
    def run(t):
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "grpc++"], capture_output=True, text=True)
        if flags.returncode:
            raise Skip("no headers of gRPC C++")
        app = t.build.app("grpc-through-cpp", options=flags.stdout.split())
        far, near = t.port(), t.port()
        t.start("far", [app, "far", far], far, agent=False)
        t.start("near", [app, "near", near, style, f"127.0.0.1:{far}"], near, env={"REMORA_PARENT_SOURCE": "true"})
        lines = t.run("client", [app, "ask", f"127.0.0.1:{near}", 40, 8]).splitlines()
        spans = t.spans(160 + more).count("near", server=40, client=80 + more).count("client", client=40)
        told = 0
        for line in lines:
            request, *calls = (spans.by_id[value.split("-")[2]] for value in line.split())
            # Where a head came in two reads, the handler is told of the CLIENT span above its own, as above.
            mine = request["resource"]["service.name"] == "near"
            told += mine
            for number, call in enumerate(calls):
                known = mine and number < right
                t.equal((call["parent_id"], call["attributes"]["remora.parent.source"]),
                        (request["span_id"], "header") if known else ("", "none"), "whose call it is, and how that is known")
        t.check(told > 20, f"{told} handlers were told of their request")


cpp("sync", "of handlers")
cpp("queue", "of handlers on a queue of their own", more=40)
cpp("callback", "of a callback server's handlers (and later ones nobody)", right=1)
cpp("async", "made when a request comes off a queue (and later ones nobody)", right=1)
cpp("from-alarm", "made from a request's context")
cpp("stream", "that come of a message for all (or no parent)", right=0, more=1)


def web(t, kind, *methods):
    """Calls of gRPC-Web; returns what the client said of each."""
    port = t.port()
    t.start("server", ["python3", script("grpc-web-server-python", "py"), port], port)
    return t.run("client", ["python3", script("grpc-web-client-python", "py"), f"127.0.0.1:{port}", kind, *methods]).split()


def statuses(spans, service, kind):
    """(method, status, error.type) of each span, in order."""
    found = []
    for span in spans.of(service, kind):
        spans.attributes(span, rpc__system__name="grpc", network__protocol__version="1.1", http__request__method=None,
                         server__address="127.0.0.1")
        a = span["attributes"]
        found.append((span["name"].rpartition("/")[2], a.get("rpc.response.status_code"), a.get("error.type")))
    return found


for form in ("application/grpc-web+proto", "application/grpc-web-text"):
    @case(f"{form}: the status is that of the trailers in the body, or of the head", NEEDS,
          name="web_text" if "text" in form else "web_binary")
    def web_form(t, form=form):
        t.equal(web(t, form, "Say", "Fail", "None", "Say"), ["0", "5", "12", "0"], "the statuses that the client found")
        spans = t.spans(8).linked("server", "SERVER", "client", "CLIENT")
        last = [("Say", "OK", None)]
        t.equal(statuses(spans, "client", "CLIENT"), [
            ("Say", "OK", None), ("Fail", "NOT_FOUND", "NOT_FOUND"), ("None", "UNIMPLEMENTED", "UNIMPLEMENTED"), *last], "client")
        t.equal(statuses(spans, "server", "SERVER"), [
            ("Say", "OK", None), ("Fail", "NOT_FOUND", None), ("None", "UNIMPLEMENTED", "UNIMPLEMENTED"), *last], "server")


@case("gRPC-Web: of a body that is compressed or cut the status is not known", NEEDS)
def web_unknown(t):
    t.equal(web(t, "application/grpc-web+proto", "Zip", "Cut", "Say"), ["0", "none", "0"], "the statuses that the client found")
    spans = t.spans(6).linked("server", "SERVER", "client", "CLIENT")
    want = [("Zip", None, None), ("Cut", None, None), ("Say", "OK", None)]
    t.equal(statuses(spans, "client", "CLIENT"), want, "client")
    t.equal(statuses(spans, "server", "SERVER"), want, "server")


@case("gRPC-Web: a client that closes its connection in the middle of a call cancels it", NEEDS)
def web_cancelled(t):
    t.equal(web(t, "application/grpc-web+proto", "Say", "Slow", "Say"), ["0", "-", "0"], "the statuses that the client found")
    spans = t.spans_at_least(5)
    t.equal(statuses(spans, "client", "CLIENT"), [("Say", "OK", None), ("Slow", "CANCELLED", "CANCELLED"), ("Say", "OK", None)],
            "client")
