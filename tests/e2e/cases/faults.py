"""remora-export.so against a backend that fails in each way that OTLP names, and some others.

The object is driven by export_probe as the agent's worker drives it, without an agent. Attempts are
counted, time is not: a deadline only bounds how long a case may take.
"""
import importlib.util
import json
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time

from fault_sink import FaultSink
from fetched import pypi
from harness import DEADLINE, ROOT, Failure, case

SPANS = 6  # in one batch
GIVE_UP = 30_000  # ms that the final flush may take


def probe(t, endpoint, spans=SPANS, flush=GIVE_UP, run=None, **settings):
    """Exports sample spans; returns the pipeline's statistics."""
    argv = [t.build.find("export_probe"), t.build.find("remora-export.so"), spans, flush]
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint, **settings}
    return json.loads(t.run("probe", argv + ([run] if run else []), agent=False, env=env))


def after_a_failure(t, act):
    """Calls act() once the probe, which needs REMORA_DEBUG=export, has said that a batch was not delivered."""
    log = t.dir / "probe.log"

    def wait():
        end = time.monotonic() + 4 * DEADLINE
        while not (log.exists() and "; again in " in log.read_text()):
            if time.monotonic() > end:
                raise Failure("nothing failed: " + t.tail(log))
            time.sleep(0.05)
        return act()
    return t.thread(wait)


def losses(stats):
    return {k: v for k, v in stats.items() if k in ("dropped_queue", "dropped_refused", "dropped_timeout",
                                                     "rejected", "queued") and v}


def sink(t, *faults, **options):
    s = FaultSink(*faults, **options)
    t.closers.append(s.close)
    return s


ANSWERED = [  # fault, requests that carry the spans, exported, what was lost
    ("200", 1, SPANS, {}),
    ("202", 1, SPANS, {}),
    ("slow", 1, SPANS, {}),
    ("partial:2", 1, SPANS - 2, {"rejected": 2}),
    ("partial:0", 1, SPANS, {}),
    ("301", 1, 0, {"dropped_refused": SPANS}),
    ("400", 1, 0, {"dropped_refused": SPANS}),
    ("401", 1, 0, {"dropped_refused": SPANS}),
    ("404", 1, 0, {"dropped_refused": SPANS}),
    ("415", 1, 0, {"dropped_refused": SPANS}),
    ("500", 1, 0, {"dropped_refused": SPANS}),
]


def answered(fault, requests, exported, lost, protocol):
    name = f"{fault.replace(':', '_')}_{protocol.replace('/', '_')}"

    @case(f"{protocol}: {fault} is final: sent once, {exported} of {SPANS} spans exported", name=name)
    def run(t):
        s = sink(t, fault, "200")
        stats = probe(t, s.endpoint, OTEL_EXPORTER_OTLP_PROTOCOL=protocol)
        t.equal(s.counts(), [(fault, SPANS)] * requests, "requests")
        t.equal((stats["exported"], stats["retries"], losses(stats)), (exported, 0, lost), "statistics")


for row in ANSWERED:
    answered(*row, "http/protobuf")
    if row[0] in ("200", "partial:2", "400"):
        answered(*row, "http/json")


def retried(fault):
    @case(f"{fault} is retried: the same batch again, once", name="retry_" + fault.replace(":", "_"))
    def run(t):
        s = sink(t, fault, "200")
        stats = probe(t, s.endpoint)
        t.equal(s.counts(), [(fault, SPANS), ("200", SPANS)], "requests")
        t.equal(s.bodies[0], s.bodies[1], "the second body")
        t.equal((stats["exported"], stats["retries"], losses(stats)), (SPANS, 1, {}), "statistics")
        t.check(stats["idles"] > 0, "the application's rings are emptied meanwhile")


for fault in ("429", "429:1", "429:date", "502", "503", "503:1", "504", "close", "cut"):
    retried(fault)


@case("zipkin: the same verdicts as OTLP's, at its own endpoint")
def zipkin_answers(t):
    for faults, requests, exported, lost in [
            (("202",), [("202", SPANS)], SPANS, {}),
            (("503", "202"), [("503", SPANS), ("202", SPANS)], SPANS, {}),
            (("close", "202"), [("close", SPANS), ("202", SPANS)], SPANS, {}),
            (("400",), [("400", SPANS)], 0, {"dropped_refused": SPANS}),
            (("413", "202"), [("413", 6), ("202", 3), ("202", 3)], SPANS, {})]:
        s = sink(t, *faults)
        stats = probe(t, "http://127.0.0.1:1", OTEL_TRACES_EXPORTER="zipkin",
                      OTEL_EXPORTER_ZIPKIN_ENDPOINT=s.endpoint + "/api/v2/spans")
        t.equal(s.counts(), requests, "requests")
        t.equal((stats["exported"], losses(stats)), (exported, lost), "statistics")
        span = json.loads(s.bodies[0])[0]
        t.check(len(span["traceId"]) == 32 and span["localEndpoint"]["serviceName"], "the form is Zipkin's")


@case("xray: one datagram for each span, a segment for each root; a daemon that comes late gets all of them")
def xray_daemon(t):
    port = t.port()
    documents = []

    def serve():
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.bind(("127.0.0.1", port))
            t.closers.append(lambda: s.shutdown(socket.SHUT_RD) if s.fileno() >= 0 else None)
            while len({d["id"] for _, d in documents}) < SPANS:
                header, _, body = s.recv(65536).partition(b"\n")
                documents.append((json.loads(header), json.loads(body)))

    late = after_a_failure(t, serve)
    stats = probe(t, "http://127.0.0.1:1", OTEL_TRACES_EXPORTER="xray", AWS_XRAY_DAEMON_ADDRESS=f"127.0.0.1:{port}",
                  REMORA_DEBUG="export")
    late()
    t.equal((stats["exported"], losses(stats)), (SPANS, {}), "statistics")
    t.check(stats["retries"] > 0, "it was refused at first")
    t.equal(len({d["id"] for _, d in documents}), SPANS, "ids")
    t.check(all(h == {"format": "json", "version": 1} for h, _ in documents), "headers")
    t.check(all(re.fullmatch("1-[0-9a-f]{8}-[0-9a-f]{24}", d["trace_id"]) for _, d in documents), "trace ids")


@case("two exporters: one that is down takes nothing from the other")
def zipkin_down(t):
    s = sink(t, "200")
    stats = probe(t, s.endpoint, OTEL_TRACES_EXPORTER="zipkin,otlp", flush=6000,
                  OTEL_EXPORTER_ZIPKIN_ENDPOINT=f"http://127.0.0.1:{t.port()}/api/v2/spans")
    t.equal(s.counts(), [("200", SPANS)], "requests")
    t.equal((stats["exported"], losses(stats)), (SPANS, {"queued": SPANS}), "statistics")


@case("zipkin: a URL that is none is said, and the default taken")
def zipkin_wrong_url(t):
    t.equal(probe(t, "http://127.0.0.1:1", flush=0, OTEL_TRACES_EXPORTER="zipkin",
                  OTEL_EXPORTER_ZIPKIN_ENDPOINT="tcp://x:9411")["queued"], SPANS, "spans that wait for the default")
    t.check("OTEL_EXPORTER_ZIPKIN_ENDPOINT: tcp://x:9411 does not begin with http:// or https://; "
            "http://localhost:9411/api/v2/spans is used" in (t.dir / "probe.log").read_text(), "the message")


@case("413 is not resent unchanged: halves are, down to single spans")
def too_large(t):
    s = sink(t, "413", "413", "200")
    stats = probe(t, s.endpoint)
    t.equal([n for _, n in s.counts()][:3], [6, 3, 2], "sizes of the first requests")
    t.equal((stats["exported"], losses(stats)), (SPANS, {}), "statistics")
    s = sink(t, "413")
    stats = probe(t, s.endpoint, spans=2)
    t.equal(s.counts(), [("413", 2), ("413", 1), ("413", 1)], "requests")
    t.equal(losses(stats), {"dropped_refused": 2}, "statistics")


@case("Retry-After beyond the timeout: the batch is given up, and the backend left alone")
def retry_later(t):
    s = sink(t, "503:3600")
    stats = probe(t, s.endpoint, spans=1, run=1500, flush=0, OTEL_BSP_SCHEDULE_DELAY=0)
    t.equal(s.counts(), [("503:3600", 1)], "requests")
    t.equal(losses(stats), {"dropped_timeout": 1}, "statistics")


@case("a silent backend costs the timeout, then the batch")
def silent(t):
    s = sink(t, "silent")
    stats = probe(t, s.endpoint, OTEL_EXPORTER_OTLP_TIMEOUT=3000)  # so long that the request is there before
    t.equal((s.counts(), losses(stats)), ([("silent", SPANS)], {"dropped_timeout": SPANS}), "what came of it")
    t.check(stats["idles"] > 1, "the application's rings are emptied meanwhile")


@case("a flush ends at its deadline, whatever the backend does")
def flush_deadline(t):
    s = sink(t, "silent")
    stats = probe(t, s.endpoint, flush=200, OTEL_EXPORTER_OTLP_TIMEOUT=0, OTEL_BSP_EXPORT_TIMEOUT=0)
    t.equal(losses(stats), {"queued": SPANS}, "statistics")


@case("a backend that is down: the queue stays bounded, drops are counted; when it is back, export goes on")
def down_and_back(t):
    port = t.port()
    late = after_a_failure(t, lambda: sink(t, "200", port=port))
    stats = probe(t, f"http://127.0.0.1:{port}", spans=5000, run=6000, OTEL_BSP_SCHEDULE_DELAY=100,
                  OTEL_EXPORTER_OTLP_TIMEOUT=60000, REMORA_DEBUG="export")
    back = late()
    t.equal((stats["received"], stats["exported"], losses(stats)), (5000, 2048, {"dropped_queue": 5000 - 2048}),
            "statistics")
    t.equal([n for _, n in back.counts()], [512] * 4, "batches")
    t.equal(back.connections, 1, "connections")


@case("several thousand spans are one connection and batches of 512")
def keeps_connection(t):
    s = sink(t, "200")
    stats = probe(t, s.endpoint, spans=2000, OTEL_EXPORTER_OTLP_COMPRESSION="gzip")
    t.equal([n for _, n in s.counts()], [512, 512, 512, 464], "batches")
    t.equal((s.connections, stats["exported"]), (1, 2000), "connections and spans")


def tls_context(t):
    """Makes authorities `good` and `other`, a server's and a client's certificate by `good`."""
    def openssl(*argv):
        subprocess.run(["openssl", *argv], cwd=t.dir, check=True, capture_output=True)

    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    for ca in ("good", "other"):
        openssl("req", "-x509", *curve, "-subj", f"/CN={ca}", "-keyout", f"{ca}.key", "-out", f"{ca}.pem")
    for name in ("localhost", "client"):
        (t.dir / "ext").write_text(f"subjectAltName=DNS:{name}")
        openssl("req", *curve, "-subj", f"/CN={name}", "-keyout", f"{name}.key", "-out", f"{name}.csr")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "good.pem", "-CAkey", "good.key",
                "-CAcreateserial", "-extfile", "ext", "-out", f"{name}.pem")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(t.dir / "localhost.pem", t.dir / "localhost.key")
    return tls


@case("TLS: only a certificate of the named authority is trusted; the wrong one is said once", ["openssl"])
def certificates(t):
    tls = tls_context(t)
    s = sink(t, "200", tls=tls)
    trust = {"OTEL_EXPORTER_OTLP_CERTIFICATE": t.dir / "good.pem"}
    t.equal(probe(t, s.endpoint, **trust)["exported"], SPANS, "exported with the right authority")
    t.equal(len(s.counts()), 1, "requests")

    stats = probe(t, s.endpoint, OTEL_EXPORTER_OTLP_CERTIFICATE=t.dir / "other.pem", OTEL_EXPORTER_OTLP_TIMEOUT=4000)
    t.equal((losses(stats), len(s.counts())), ({"dropped_timeout": SPANS}, 1), "with the wrong authority")
    t.equal((t.dir / "probe.log").read_text().count("spans cannot be exported to https://localhost"), 1, "messages")

    tls.load_verify_locations(t.dir / "good.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    stats = probe(t, s.endpoint, **trust, OTEL_EXPORTER_OTLP_TIMEOUT=500)
    t.equal((losses(stats), len(s.counts())), ({"dropped_timeout": SPANS}, 1), "without a client certificate")
    stats = probe(t, s.endpoint, **trust, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=t.dir / "client.pem",
                  OTEL_EXPORTER_OTLP_CLIENT_KEY=t.dir / "client.key")
    t.equal((stats["exported"], len(s.counts())), (SPANS, 2), "with a client certificate")


@case("a program that exits in the middle of a TLS export ends well, at whatever moment", ["openssl"])
def exit_during_tls(t):
    s = sink(t, "silent", tls=tls_context(t))
    argv = [t.build.find("export_probe"), t.build.find("remora-export.so"), 1, 1000, 0]
    env = t.environment("probe", False, {"OTEL_EXPORTER_OTLP_ENDPOINT": s.endpoint,
                                         "OTEL_EXPORTER_OTLP_CERTIFICATE": t.dir / "good.pem"})
    unit = 100  # microseconds; a busy machine takes longer to get into the middle
    for i in range(200):
        done = subprocess.run([*map(str, argv), str(i % 100 * unit)], env=env, capture_output=True, timeout=4 * DEADLINE)
        t.equal((done.returncode, done.stdout, done.stderr), (0, b"", b""), f"exit after {i % 100 * unit} us")
        if i % 20 == 19 and s.connections < i / 4 and unit < 8000:
            unit *= 2
    t.check(s.connections > 20, f"most exits came in the middle of a connection: {s.connections}")


@case("bodies decode with protoc-c and our .proto files", ["protoc-c"])
def decodes_with_protoc(t):
    s = sink(t, "200")
    probe(t, s.endpoint)
    proto = t.dir / "proto"
    shutil.copytree(ROOT / "exporters" / "proto", proto)
    # Packed before, for speed: bytes to protobuf-c, to the reader what they are.
    trace = (proto / "trace.proto").read_text()
    t.check("repeated bytes attributes = 9;" in trace, "attributes of spans are bytes in trace.proto")
    (proto / "trace.proto").write_text(trace.replace("repeated bytes attributes", "repeated KeyValue attributes"))
    text = subprocess.run(["protoc-c", "--decode=otlp.ExportTraceServiceRequest", f"-I{proto}",
                           "trace_service.proto"], input=s.bodies[0], capture_output=True, check=True).stdout.decode()
    t.equal(text.count("    spans {"), SPANS, "spans")
    t.equal(text.count("resource {"), 2, "resources")
    t.check('string_value: "bad=\\357\\277\\275\\357\\277\\275&good=\\342\\202\\254"' in text, "U+FFFD in " + text)
    t.check(": 0x" not in text and not any(line.strip()[:1].isdigit() for line in text.splitlines()),
            "no field is unknown in " + text)


def python_with_proto():
    """An interpreter that has opentelemetry-proto: this one, else a virtual environment made once."""
    if importlib.util.find_spec("opentelemetry") and importlib.util.find_spec("opentelemetry.proto"):
        return sys.executable
    return pypi("opentelemetry-proto", "opentelemetry-proto") / "python3"


@case("bodies decode with another implementation, Python's opentelemetry-proto, and say the same")
def decodes_with_python(t):
    python = python_with_proto()
    s = sink(t, "200")
    probe(t, s.endpoint)
    done = subprocess.run([python, ROOT / "tests" / "e2e" / "otlp_decode.py"], input=s.bodies[0],
                          capture_output=True, check=True)
    seen = json.loads(done.stdout)
    t.check(seen["same"] and seen["known"], "the message, encoded there, is the same bytes, all fields known")
    t.equal(seen["scopes"], ["remora", "remora"], "scopes")
    t.equal(seen["resources"][0], {"service.name": "string_value", "deployment.environment.name": "string_value",
                                   "process.pid": "int_value"}, "the first resource")
    t.equal(len(seen["spans"]), SPANS, "spans")
    t.equal(seen["spans"][0], {
        "name": "GET /caf\u00e9", "kind": 2, "status": 2, "flags": 0x303, "span_id": "0100000000000000",
        "trace_id": "0af7651916cd43dd8448eb211c80319c", "parent_id": "00f067aa0ba902b7",
        "trace_state": "congo=t61rcWkgMzE", "start": 1544712660300000123, "end": 1544712660600000456, "dropped": 1,
        "attributes": {
            "http.request.method": "string_value", "url.query": "string_value",
            "http.request.header.accept-encoding": "array_value", "http.response.status_code": "int_value",
            "http.request.body.size": "int_value", "server.port": "double_value",
            "client.address": "bool_value"}}, "the SERVER span")
