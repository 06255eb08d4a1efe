"""What OTLP carries of a Flask application under Remora, beside what OpenTelemetry's instrumentation for Python sends of the same.

The same requests, to the same program, by the same variables; each has a sink of its own. What differs is here by name, with
the reason; anything else that differs is a fault, of names that we have and its registry has not, too.
"""
import http.server
import json
import signal
import subprocess
import threading
import uuid

from apps import APPS
from fetched import pypi
from harness import DEADLINE, Skip, case
from sink import Server, Sink

PACKAGES = ("flask", "requests", "opentelemetry-distro", "opentelemetry-exporter-otlp-proto-http",
            "opentelemetry-instrumentation-flask", "opentelemetry-instrumentation-requests")
TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
USER = "/api/activities/@"
# Paths and the answers to them. The service that is asked for a profile answers with the number that it is named by.
PAGES = [("/api/activities/home?page=1", 200), (USER + "andrew", 200), (USER + "404", 200), (USER + "503", 200), (USER + "gone", 500),
         ("/api/activities/broken", 500), ("/missing", 404)]
SETTINGS = {
    "OTEL_SERVICE_NAME": "backend-flask", "OTEL_RESOURCE_ATTRIBUTES": "deployment.environment.name=test,service.version=1.2.3",
    "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf", "OTEL_METRICS_EXPORTER": "none", "OTEL_LOGS_EXPORTER": "none",
    "OTEL_SEMCONV_STABILITY_OPT_IN": "http,database", "PYTHONDONTWRITEBYTECODE": "1",
    "OTEL_EXPERIMENTAL_RESOURCE_DETECTORS": "otel,service_instance,process,os,host", "REMORA_RESOURCE_DETECTORS": "none"}

# Attributes that only OpenTelemetry's span has.
NOT_OURS = {
    "SERVER": {
        "http.route",   # the framework's own: on the wire is a path
        "client.port",  # opt-in; the connection's is network.peer.port, which is recommended
    },
    "CLIENT": set(),
}
# Attributes that only our span has, by the types of the conventions.
NOT_THEIRS = {
    "SERVER": {
        "network.peer.address": str, "network.peer.port": int,  # recommended; WSGI hands over the client's alone
        "http.response.body.size": int,                         # opt-in; counted as it passes
    },
    "CLIENT": {
        "http.response.body.size": int,   # opt-in; counted as it passes
        "network.protocol.version": str,  # where no answer came OpenTelemetry does not know it
    },
}
# Attributes that both have, of which the values need not be the same.
OWN_VALUE = {
    "server.port", "client.port", "network.peer.port",  # there are two servers
    "server.address",                                   # see host()
}
RESOURCE_NOT_OURS = {
    "telemetry.auto.version",  # was replaced by telemetry.distro.version
    "process.command_line", "process.command_args",  # arguments hold secrets
    "process.owner",           # names a person
    "process.runtime.version", "process.runtime.description",  # known within the interpreter only
}
RESOURCE_NOT_THEIRS = {
    "telemetry.distro.name": str, "telemetry.distro.version": str,  # of a distribution; theirs is the older attribute
    "os.name": str,                                                 # recommended; its detectors do not tell
}
# Where there are such; OpenTelemetry has no detector for them without more packages.
CONTAINER = {"container.id": str, "k8s.pod.uid": str, "k8s.container.name": str, "k8s.namespace.name": str}
RESOURCE_OWN_VALUE = {
    "telemetry.sdk.name", "telemetry.sdk.language", "telemetry.sdk.version",  # two SDKs
    "service.instance.id", "process.pid",                                     # two processes
    "os.version",  # the system's; theirs is the kernel's
    "host.arch",   # see ARCHITECTURES
}
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}  # theirs is the machine's of uname(2), ours the conventions' word for it


class Profiles(http.server.BaseHTTPRequestHandler):
    """Answers /profiles/NUMBER with that status, and /profiles/gone not at all."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        name = self.path.rpartition("/")[2]
        if name == "gone":
            self.close_connection = True
            return
        self.send_response(int(name) if name.isdigit() else 200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def profiles(t):
    server = Server(("127.0.0.1", 0), Profiles)
    t.closers += [server.server_close, server.shutdown]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def spans_of(t, name, sink, command, agent, url):
    """What arrives at the sink of the requests to the application that this command starts: (the span, those below it) of each."""
    port = t.port()
    argv = [*command, "-m", "flask", "--app", "app", "run", "--no-reload", "-p", port]
    t.start(name, argv, port, agent, {**SETTINGS, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint, "PROFILES_URL": url},
            signal.SIGINT, APPS / "notes-flask", 60)
    for path, status in PAGES:
        more = {"traceparent": f"00-{TRACE}-{PARENT}-01"} if path == USER + "andrew" else {}
        got, = t.get(port, path, headers={"User-Agent": "shape/1", **more}, keep_alive=False)
        t.equal(got[0], status, f"{name}: {path}")
    t.stop()
    spans = sorted(sink.wait(11, DEADLINE), key=lambda s: s["start"])
    t.equal(sink.errors, [], f"{name}: what the sink refused")
    t.equal({kind for kind, _ in sink.bodies}, {"application/x-protobuf"}, f"{name}: encoding")
    served = [s for s in spans if s["kind"] == "SERVER"]
    below = [[s for s in spans if (s["parent_id"], s["trace_id"]) == (span["span_id"], span["trace_id"])] for span in served]
    t.equal(len(spans), len(served) + sum(map(len, below)), f"{name}: spans, each in its place")
    return [(span, children) for span, children in zip(served, below)]


def registry(python):
    """All names of attributes that OpenTelemetry's semantic conventions for Python know."""
    return set(json.loads(subprocess.run([python, "-c", """if True:
        import importlib, json, pkgutil
        from opentelemetry.semconv import attributes, _incubating
        from opentelemetry.semconv._incubating import attributes as incubating
        modules = [importlib.import_module(f"{p.__name__}.{m.name}")
                   for p in (attributes, incubating) for m in pkgutil.iter_modules(p.__path__)]
        print(json.dumps([v for m in modules for k, v in vars(m).items() if k.isupper() and isinstance(v, str)]))"""],
        capture_output=True, text=True, check=True, timeout=60).stdout))


def compare(t, what, ours, theirs, not_ours, not_theirs, own_value):
    """Names, types and values of attributes, but for what may differ."""
    t.equal(set(theirs) - set(ours), not_ours & set(theirs), f"{what}: attributes that we have not")
    t.equal({k: type(v) for k, v in ours.items() if k not in theirs}, {k: v for k, v in not_theirs.items() if k not in theirs},
            f"{what}: attributes that we alone have")
    both = set(ours) & set(theirs)
    t.equal({k: type(ours[k]) for k in both}, {k: type(theirs[k]) for k in both}, f"{what}: types")
    both -= own_value
    t.equal({k: ours[k] for k in both}, {k: theirs[k] for k in both}, f"{what}: values")


def host(span):
    """server.address without the port, which OpenTelemetry leaves in it in a SERVER span, against the conventions."""
    return span["attributes"]["server.address"].removesuffix(f":{span['attributes']['server.port']}")


def compare_spans(t, path, ours, theirs):
    kind = theirs["kind"]
    what = f"{kind} of {path}"
    t.equal(ours["kind"], kind, f"{what}: kind")
    t.equal(ours["status"], theirs["status"], f"{what}: status")
    own_value, not_theirs = set(OWN_VALUE), dict(NOT_THEIRS[kind])
    if path.endswith("gone") and kind == "CLIENT":
        own_value.add("error.type")  # an exception's class there; on the wire a connection that was closed
        del not_theirs["http.response.body.size"]
    compare(t, what, ours["attributes"], theirs["attributes"], NOT_OURS[kind], not_theirs, own_value)
    t.equal(host(ours), host(theirs), f"{what}: host")
    t.equal("127.0.0.1", ours["attributes"]["server.address"], f"{what}: server.address")
    # The conventions name a span {method} {http.route}, or {method} where no route is known.
    t.equal(ours["name"], "GET", f"{what}: name")
    t.check(theirs["name"].startswith("GET"), f"{what}: their name")
    t.equal((ours["tracestate"], ours["links"], ours["dropped_attributes"], ours["dropped_events"]),
            (theirs["tracestate"], theirs["links"], theirs["dropped_attributes"], theirs["dropped_events"]), what)
    # Whether the parent is remote. The two bits of the trace context are not told by every version of OpenTelemetry.
    t.equal(ours["flags"] & 0x300, theirs["flags"] & 0x300, f"{what}: flags")
    t.check(ours["flags"] & 1, f"{what}: sampled")
    # Exceptions are within the program: they are events and texts there; of ours are how a call's connection came to be.
    t.equal({e["name"] for e in theirs["events"]} - {"exception"}, set(), f"{what}: their events")
    t.equal({e["name"] for e in ours["events"]}, {"network.connect"} if kind == "CLIENT" else set(), f"{what}: our events")
    for name, value in ours["scope"].items():
        t.check(value and type(value) is type(theirs["scope"][name]), f"{what}: scope's {name}")
    t.equal(ours["scope"]["version"], ours["resource"]["telemetry.sdk.version"], f"{what}: scope's version")


@case("spans of a Flask application have the names, types, places and states that OpenTelemetry's of Python have", agent_only=True)
def as_it_writes(t):
    bin = pypi("opentelemetry-python", *PACKAGES)
    url, their_sink = profiles(t), Sink()
    t.closers.append(their_sink.close)
    theirs = spans_of(t, "theirs", their_sink, [bin / "opentelemetry-instrument", bin / "python3"], False, url)
    ours = spans_of(t, "ours", t.sink, [bin / "python3"], True, url)
    known = registry(bin / "python3")
    for (path, status), (our, our_calls), (their, their_calls) in zip(PAGES, ours, theirs, strict=True):
        t.equal((our["attributes"]["url.path"], our["attributes"]["http.response.status_code"]), (path.split("?")[0], status), path)
        t.equal(our["status"], "error" if status >= 500 else "unset", f"{path}: only 5xx are a server's errors")
        compare_spans(t, path, our, their)
        # OpenTelemetry sees cursors of sqlite3 only, and the application has none.
        queries = [s for s in our_calls if "db.system.name" in s["attributes"]]
        t.equal(bool(queries), "home" in path, f"{path}: queries")
        our_calls = [s for s in our_calls if s not in queries]
        t.equal((len(our_calls), len(their_calls)), (1, 1) if path.startswith(USER) else (0, 0), f"{path}: calls")
        for our_call, their_call in zip(our_calls, their_calls):
            t.equal(our_call["status"], "unset" if path.endswith("andrew") else "error", f"{path}: 4xx are a client's errors, too")
            compare_spans(t, path, our_call, their_call)
        come = (TRACE, PARENT) if path == USER + "andrew" else (our["trace_id"], "")
        t.equal((our["trace_id"], our["parent_id"]), come, f"{path}: parent")
        t.equal(their["parent_id"], our["parent_id"], f"{path}: their parent")
        for span in [our, *our_calls, *queries]:
            t.equal(set(span["attributes"]) - known, set(), f"{path}: names that the conventions have not")
    our, their = ours[0][0]["resource"], theirs[0][0]["resource"]
    container = {key: value for key, value in CONTAINER.items() if key in our}
    compare(t, "resource", our, their, RESOURCE_NOT_OURS, {**RESOURCE_NOT_THEIRS, **container}, RESOURCE_OWN_VALUE)
    t.equal(set(our) - known, set(), "resource: names that the conventions have not")
    t.equal(our["host.arch"], ARCHITECTURES.get(their["host.arch"], their["host.arch"]), "host.arch")
    t.check(all(s["resource"] == our for s in t.sink.wait(1, 0)), "one resource")
    for resource in our, their:
        t.equal(str(uuid.UUID(resource["service.instance.id"])), resource["service.instance.id"], "service.instance.id")


ID = "0123456789abcdef0123456789abcdef"
# A system as that of a container may be: systemd has given it no id, D-Bus has, if "$1".
WITHOUT_ID = """set -e
mount --bind /dev/null /etc/machine-id
mount -t tmpfs none /var/lib
mkdir /var/lib/dbus
echo "$1" >/var/lib/dbus/machine-id
shift
exec "$@"
"""


@case("a system without /etc/machine-id has the host.id that OpenTelemetry of Python finds, or none", ["unshare"], agent_only=True)
def host_id(t):
    unshare = ["unshare", "--map-root-user", "--mount"]
    if subprocess.run([*unshare, "mount", "--bind", "/dev/null", "/etc/machine-id"], capture_output=True).returncode:
        raise Skip("no namespaces to be had here")
    bin = pypi("opentelemetry-python", *PACKAGES)
    port, _ = t.header_recorder()
    program = [bin / "python3", "-c", f"import requests; requests.get('http://127.0.0.1:{port}/')"]
    for id in ID, "":
        found = {}
        for name, command, agent in ("theirs", [bin / "opentelemetry-instrument"], False), ("ours", [], True):
            sink = Sink()
            t.closers.append(sink.close)
            t.run(name, [*unshare, "sh", "-c", WITHOUT_ID, "sh", id, *command, *program], agent,
                  {**SETTINGS, "OTEL_EXPORTER_OTLP_ENDPOINT": sink.endpoint})
            span, = sink.wait(1, DEADLINE)
            found[name] = span["resource"].get("host.id")
        t.equal(found, {"ours": id or None, "theirs": id or None}, "host.id")
