"""Receivers that are not ours take what we send: OpenTelemetry's own Collector, and the decoder
that Python's opentelemetry-proto generates. The Collector is built from its registry; without a network,
or with a Go that is too old, its case is skipped and says so."""
import json
import os
import re
import shutil
import subprocess

from apps import c_epoll
from faults import python_with_proto
from harness import PATH, ROOT, Failure, Skip, case

ENCODINGS = ({}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json"}, {"OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"})


def command(argv, cwd, env):
    return subprocess.run([str(a) for a in argv], cwd=cwd, env=env, stdin=subprocess.DEVNULL, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=1200)


def build_collector(build):
    """Builds tests/e2e/collector once; skips when Go or its modules cannot be had."""
    source = ROOT / "tests" / "e2e" / "collector"
    program = build / "collector"
    inputs = ("main.go", "go.mod", "go.sum")
    if program.exists() and all(program.stat().st_mtime > (source / f).stat().st_mtime for f in inputs):
        return program
    # The toolchain that is here, none that it would fetch.
    env = {**os.environ, "PATH": os.environ["PATH"] + ":/usr/local/go/bin:" + PATH, "GOTOOLCHAIN": "local",
           "GOFLAGS": "-mod=readonly"}
    go = shutil.which("go", path=env["PATH"])
    if not go:
        raise Skip("no Go to build the Collector with")
    need = re.search(r"^go (\d+)\.(\d+)", (source / "go.mod").read_text(), re.M)
    have = re.search(r"go(\d+)\.(\d+)", command([go, "env", "GOVERSION"], source, env).stdout)
    if not have or tuple(map(int, have.groups())) < tuple(map(int, need.groups())):
        raise Skip(f"the Collector needs Go {need[1]}.{need[2]}, this is {have and have[0]}")
    if command([go, "mod", "download"], source, env).returncode != 0:
        raise Skip("the Collector's modules cannot be downloaded")
    done = command([go, "build", "-o", program, "."], source, env)
    if done.returncode != 0:
        raise Failure("the Collector does not build:\n" + done.stdout[-2000:])
    return program


CONFIG = """
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:{port}
exporters:
  debug:
    verbosity: detailed
service:
  telemetry:
    metrics:
      level: none
  pipelines:
    traces:
      receivers: [otlp]
      exporters: [debug]
"""


@case("OpenTelemetry's Collector takes every span, as protobuf, JSON and gzip", ["curl"], agent_only=True)
def collector(t):
    program = build_collector(t.build.folder)
    port = t.port()
    (t.dir / "collector.yaml").write_text(CONFIG.format(port=port))
    receiver = t.start("collector", [program, "--config", t.dir / "collector.yaml"], port, agent=False)
    target = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{port}", "REMORA_DEBUG": "export"}
    for env in ENCODINGS:
        at = t.port()
        server = t.start("server", [t.build.app("http-server-c-epoll"), at], at, env={**target, **env})
        t.run("curl", ["curl", "-sS", f"{server.url}/hello?x=1", f"{server.url}/status/500"], env={**target, **env})
        t.processes.pop().stop()
    t.stop()
    got = receiver.log.read_text()
    count = 4 * len(ENCODINGS)
    t.equal(len(re.findall(r"^Span #", got, re.M)), count, "spans at the Collector")
    for what, pattern, n in (("SERVER", r"Kind +: Server", count // 2), ("CLIENT", r"Kind +: Client", count // 2),
                             ("errors", r"Status code +: Error", count // 2),
                             ("queries", r"url.query: Str\(x=1\)", len(ENCODINGS)),
                             ("status codes", r"http.response.status_code: Int\(500\)", count // 2)):
        t.equal(len(re.findall(pattern, got)), n, f"{what} at the Collector")
    t.equal(re.findall(r"^\S+\t(?:error|warn)\t.*$", got, re.M), [], "complaints of the Collector")
    for name in ("server", "curl"):
        said = (t.dir / f"{name}.log").read_text()
        t.equal(re.findall(r"[1-9]\d* (?:of them )?(?:rejected|refused)", said), [], f"what {name} was told")


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
    python = python_with_proto(t)
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
