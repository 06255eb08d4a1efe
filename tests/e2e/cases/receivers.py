"""Receivers that are not ours take what we send: OpenTelemetry's own Collector, and the decoder
that Python's opentelemetry-proto generates. The Collector is built from its registry; without a network,
or with a Go that is too old, its case is skipped and says so."""
import json
import os
import re

from apps import c_epoll
from faults import SPANS, losses, probe, python_with_proto, tls_context
from golang import command, go_module
from harness import ROOT, Process, case


def build_collector(build, name="collector"):
    """Builds tests/e2e/NAME once."""
    return go_module(build / name, ROOT / "tests" / "e2e" / name)


CONFIG = """
receivers:
{receivers}
exporters:
  debug:
    verbosity: detailed
extensions:
  bearertokenauth:
    token: "{token}"
service:
  extensions: [bearertokenauth]
  telemetry:
    metrics:
      level: none
  pipelines:
    traces:
      receivers: [{names}]
      exporters: [debug]
"""
LOGS = """    logs:
      receivers: [{names}]
      exporters: [debug]
"""
TOKEN = "hush-token"


class Receivers:
    """What a Collector listens on: for each way to trust a port of HTTP and one of gRPC, and two sockets."""

    def __init__(self, t, logs=False):
        tls_context(t)
        server = f"        tls:\n          cert_file: {t.dir}/localhost.pem\n          key_file: {t.dir}/localhost.key\n"
        ways = {"clear": "", "tls": server, "mtls": server + f"          client_ca_file: {t.dir}/good.pem\n",
                "auth": "        auth:\n          authenticator: bearertokenauth\n"}
        self.ports = {way: {"http": t.port(), "grpc": t.port()} for way in ways}
        self.sockets = {kind: t.dir / f"{kind}.sock" for kind in ("http", "grpc")}
        text = ""
        for way, settings in ways.items():
            text += f"  otlp/{way}:\n    protocols:\n" + "".join(
                f"      {kind}:\n        endpoint: 127.0.0.1:{port}\n{settings}" for kind, port in self.ports[way].items())
        text += "  otlp/unix:\n    protocols:\n" + "".join(
            f"      {kind}:\n        endpoint: {path}\n        transport: unix\n" for kind, path in self.sockets.items())
        config = t.dir / "collector.yaml"
        config.write_text((CONFIG + LOGS * logs).format(receivers=text, token=TOKEN, names=", ".join(
            [f"otlp/{way}" for way in ways] + ["otlp/unix"])))
        self.process = t.start("collector", [build_collector(t.build.folder), "--config", config],
                               self.ports["auth"]["grpc"], agent=False)
        for ports in self.ports.values():
            for port in ports.values():
                t.wait_for_port(Process("collector", self.process.popen, port, self.process.log, None))

    def endpoint(self, way, protocol):
        kind = "grpc" if protocol == "grpc" else "http"
        if way == "unix":
            return f"unix://{self.sockets[kind]}"
        return f"{'https' if 'tls' in way else 'http'}://localhost:{self.ports[way][kind]}"

    def counts(self):
        """The spans of each service, in order of arrival."""
        counts, service = {}, None
        for line in self.process.log.read_text().splitlines():
            if found := re.search(r"-> service\.name: Str\((.*)\)", line):
                service = found[1]
            elif line.startswith("Span #"):
                counts[service] = counts.get(service, 0) + 1
        return counts


def trust(t, way):
    env = {"OTEL_EXPORTER_OTLP_CERTIFICATE": t.dir / "good.pem"} if "tls" in way else {}
    if way == "mtls":
        env |= {"OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE": t.dir / "client.pem",
                "OTEL_EXPORTER_OTLP_CLIENT_KEY": t.dir / "client.key"}
    if way == "auth":
        env |= {"OTEL_EXPORTER_OTLP_HEADERS": f"Authorization=Bearer%20{TOKEN}"}
    return env


@case("OpenTelemetry's Collector takes every span: protobuf, JSON and gRPC, in clear, with TLS, mutual TLS, a token, over "
      "sockets, packed and not", ["curl", "openssl"], agent_only=True)
def collector(t):
    receivers = Receivers(t)
    want = {}
    for protocol in ("http/protobuf", "http/json", "grpc"):
        for way in ("clear", "tls", "mtls", "auth", "unix"):
            for compression in ("none", "gzip"):
                name = f"{protocol}-{way}-{compression}"
                env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receivers.endpoint(way, protocol), "REMORA_DEBUG": "export",
                       "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, "OTEL_EXPORTER_OTLP_COMPRESSION": compression,
                       **trust(t, way)}
                at = t.port()
                server = t.start("server", [t.build.app("http-server-c-epoll"), at], at,
                                 env={**env, "OTEL_SERVICE_NAME": "server-" + name})
                t.run("curl", ["curl", "-sS", f"{server.url}/hello?x=1", f"{server.url}/status/500"],
                      env={**env, "OTEL_SERVICE_NAME": "curl-" + name})
                t.processes.pop().stop()
                want |= {"server-" + name: 2, "curl-" + name: 2}
    t.stop()
    t.equal(receivers.counts(), want, "spans at the Collector")
    got = receivers.process.log.read_text()
    count = sum(want.values())
    for what, pattern, n in (("SERVER", r"Kind +: Server", count // 2), ("CLIENT", r"Kind +: Client", count // 2),
                             ("errors", r"Status code +: Error", count // 2),
                             ("queries", r"url.query: Str\(x=1\)", count // 4),
                             ("status codes", r"http.response.status_code: Int\(500\)", count // 2)):
        t.equal(len(re.findall(pattern, got)), n, f"{what} at the Collector")
    complaints = re.findall(r"^\S+\t(?:error|warn)\t.*$", got, re.M)
    # Of looking whether its ports are open.
    t.equal([c for c in complaints if not re.search(r"TLS handshake error from \S+ EOF", c)], [],
            "complaints of the Collector")
    for name in ("server", "curl"):
        said = (t.dir / f"{name}.log").read_text()
        t.equal(re.findall(r"[1-9]\d* (?:of them )?(?:rejected|refused)", said), [], f"what {name} was told")
        t.check("hush" not in said, f"{name} shows a token")


@case("OpenTelemetry's Collector refuses a wrong token, no token and no certificate, over HTTP and gRPC: once, counted, said",
      ["openssl"], agent_only=True)
def collector_refuses(t):
    receivers = Receivers(t)
    for protocol, verdict in (("http/protobuf", "HTTP 401"), ("grpc", "gRPC UNAUTHENTICATED")):
        for headers in ("", "Authorization=Bearer%20hush-wrong"):
            stats = probe(t, receivers.endpoint("auth", protocol), OTEL_EXPORTER_OTLP_PROTOCOL=protocol,
                          OTEL_EXPORTER_OTLP_HEADERS=headers)
            t.equal((losses(stats), stats["retries"]), ({"dropped_refused": SPANS}, 0), f"{protocol}, {headers}")
            said = (t.dir / "probe.log").read_text()
            t.check(verdict in said and "hush" not in said, said)
            (t.dir / "probe.log").unlink()
        stats = probe(t, receivers.endpoint("mtls", protocol), OTEL_EXPORTER_OTLP_PROTOCOL=protocol, **trust(t, "tls"),
                      OTEL_EXPORTER_OTLP_TIMEOUT=500)
        t.equal(losses(stats), {"dropped_timeout": SPANS}, f"{protocol}, without a certificate")
    t.stop()
    t.equal(receivers.counts(), {}, "spans at the Collector")


@case("OpenTelemetry's Collector and messages of gRPC: batches are kept below what it takes", ["openssl"], agent_only=True)
def collector_large(t):
    receivers = Receivers(t)
    stats = probe(t, receivers.endpoint("clear", "grpc"), spans=40000, OTEL_EXPORTER_OTLP_PROTOCOL="grpc", run=1,
                  OTEL_BSP_MAX_QUEUE_SIZE=40000, OTEL_BSP_MAX_EXPORT_BATCH_SIZE=40000)
    t.equal((stats["exported"], losses(stats)), (40000, {}), "statistics")
    t.stop()
    t.equal(sum(receivers.counts().values()), 40000, "spans at the Collector")


LOGGER = """
import http.server, logging, signal, sys

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def do_GET(self):
        logging.warning("asked for %s", self.path)
        try:
            {}["k"]
        except KeyError:
            logging.exception("no k for %s", self.path)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *args):
        pass

signal.signal(signal.SIGTERM, lambda *_: sys.exit())
logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s")
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
"""


def fields(text, first, names):
    """Of each part of the Collector's output that begins with `first`: the values of these names."""
    return [tuple(re.search(rf"^\s*{name}\s*: (.*)$", part, re.M)[1] for name in names)
            for part in re.split(r"^(?:Span|LogRecord) #", text, flags=re.M)[1:] if re.search(first, part, re.M)]


@case("OpenTelemetry's Collector takes log records: protobuf, JSON and gRPC, in clear, with TLS and packed, each with its span",
      ["python3", "openssl"], agent_only=True)
def collector_logs(t):
    receivers = Receivers(t, logs=True)
    count = 0
    (t.dir / "logger.py").write_text(LOGGER)
    for protocol in ("http/protobuf", "http/json", "grpc"):
        for way, compression in (("clear", "none"), ("mtls", "gzip"), ("auth", "gzip")):
            env = {"OTEL_EXPORTER_OTLP_ENDPOINT": receivers.endpoint(way, protocol), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol,
                   "OTEL_EXPORTER_OTLP_COMPRESSION": compression, "OTEL_LOGS_EXPORTER": "otlp", **trust(t, way)}
            at = t.port()
            t.start("logger", ["python3", t.dir / "logger.py", at], at, env=env)
            t.get(at, *(f"/{protocol}-{way}/{k}" for k in range(5)))
            t.processes.pop().stop()
            count += 5
    t.stop()
    got = receivers.process.log.read_text()
    spans = {(path, trace, span) for trace, span, path in fields(got, "url.path", ("Trace ID", "ID", r"-> url\.path"))}
    t.equal(len(spans), count, "spans at the Collector")
    asked = fields(got, "Body: .*asked for", ("Trace ID", "Span ID", "SeverityNumber", "Body"))
    t.equal(len(asked), count, "warnings at the Collector")
    failed = fields(got, "Body: .*no k for", ("Trace ID", "Span ID", "SeverityNumber", "Body", r"-> exception\.type"))
    t.equal(len(failed), count, "errors at the Collector")
    for trace, span, severity, body, *exception in asked + failed:
        path = "Str(" + re.search(r"for (\S+?)\)?$", body)[1] + ")"
        t.check((path, trace, span) in spans, f"{body} belongs to {trace} {span}")
        t.equal((severity, exception), ("Error(17)", ["Str(KeyError)"]) if exception else ("Warn(13)", []), body)


DECODE = """
import json, sys
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
spans = []
for name in sys.argv[1:]:
    request = ExportTraceServiceRequest()
    request.ParseFromString(open(name, 'rb').read())
    for resource_spans in request.resource_spans:
        service = {a.key: a.value.string_value for a in resource_spans.resource.attributes}['service.name']
        for scope_spans in resource_spans.scope_spans:
            for s in scope_spans.spans:
                spans.append({
                    'trace_id': s.trace_id.hex(), 'span_id': s.span_id.hex(), 'parent_id': s.parent_span_id.hex(),
                    'name': s.name, 'kind': s.kind, 'start': s.start_time_unix_nano, 'end': s.end_time_unix_nano,
                    'status': s.status.code, 'tracestate': s.trace_state, 'flags': s.flags, 'service': service,
                    'attributes': {a.key: MessageToDict(a.value) for a in s.attributes}})
print(json.dumps(spans))
"""


@case("Python's opentelemetry-proto decodes what was sent to the same spans", ["curl"], agent_only=True)
def opentelemetry_proto(t):
    python = python_with_proto()
    server = c_epoll(t, name="server")
    t.run("curl", ["curl", "-sS", f"{server.url}/hello?x=1", f"{server.url}/status/404"])
    spans = t.spans(4)
    files = []
    for number, (kind, body) in enumerate(t.sink.bodies):
        t.equal(kind, "application/x-protobuf", "encoding")
        files.append(t.dir / f"{number}.pb")
        files[-1].write_bytes(body)
    done = command([python, "-c", DECODE, *files], t.dir, os.environ)
    t.equal(done.returncode, 0, done.stdout)
    theirs = {s["span_id"]: s for s in json.loads(done.stdout)}
    t.equal(len(theirs), 4, "spans")
    kinds, statuses = {"SERVER": 2, "CLIENT": 3}, {"unset": 0, "error": 2}
    for ours in spans.all:
        other = theirs[ours["span_id"]]
        for key in ("trace_id", "parent_id", "name", "start", "end", "tracestate", "flags"):
            t.equal(other[key], ours[key], key)
        t.equal((other["kind"], other["status"]), (kinds[ours["kind"]], statuses[ours["status"]]), "kind, status")
        t.equal(other["service"], ours["resource"]["service.name"], "service")
        t.equal({k: next(iter(v.values())) for k, v in other["attributes"].items()},
                {k: str(v) if isinstance(v, int) else v for k, v in ours["attributes"].items()}, "attributes")
