"""OTLP over gRPC against a backend that fails in each way that OTLP names, and some others; and over unix: sockets.

As in faults.py the object is driven by export_probe. Attempts are counted, time is not.
"""
import http.server
import socket
import ssl
import threading

from faults import SPANS, after_a_failure, losses, probe, tls_context
from grpc_sink import GrpcSink
from harness import case
from sink import spans_from_protobuf

GRPC = {"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}


def sink(t, *faults, **options):
    s = GrpcSink(*faults, **options)
    t.closers.append(s.close)
    return s


FINAL = [  # fault, exported, what was lost
    ("0", SPANS, {}),
    ("trailers:0", SPANS, {}),
    ("partial:2", SPANS - 2, {"rejected": 2}),
    ("packed:2", SPANS - 2, {"rejected": 2}),
    ("partial:0", SPANS, {}),
] + [(fault, 0, {"dropped_refused": SPANS}) for fault in (
    "2", "3", "5", "6", "7", "8", "9", "12", "13", "16", "trailers:13", "77", "http:400", "http:401", "http:404",
    "http:500", "http:301")]


def final(fault, exported, lost):
    @case(f"grpc: {fault} is final: sent once, {exported} of {SPANS} spans exported", name=fault.replace(":", "_"))
    def run(t):
        s = sink(t, fault, "0")
        stats = probe(t, s.endpoint, **GRPC)
        t.equal(s.counts(), [(fault, SPANS)], "calls")
        t.equal((stats["exported"], stats["retries"], losses(stats)), (exported, 0, lost), "statistics")


for row in FINAL:
    final(*row)


def retried(fault):
    @case(f"grpc: {fault} is retried: the same batch again, once", name="retry_" + fault.replace(":", "_"))
    def run(t):
        s = sink(t, fault, "0")
        stats = probe(t, s.endpoint, **GRPC)
        t.equal(s.counts(), [(fault, SPANS), ("0", SPANS)], "calls")
        t.equal(s.bodies[0], s.bodies[1], "the second message")
        t.equal((stats["exported"], stats["retries"], losses(stats)), (SPANS, 1, {}), "statistics")
        t.check(stats["idles"] > 0, "the application's rings are emptied meanwhile")


for fault in ("1", "4", "10", "11", "14", "15", "14:away", "trailers:14", "retry:8:1", "retry:14:2", "http:429", "http:502",
              "http:503", "http:504", "reset", "cut", "close", "goaway"):
    retried(fault)


@case("grpc: what a call says of itself")
def headers(t):
    s = sink(t, "0")
    probe(t, s.endpoint, OTEL_EXPORTER_OTLP_HEADERS="X-Honeycomb-Team=key%2C1,x-empty=", **GRPC,
          OTEL_EXPORTER_OTLP_COMPRESSION="gzip", OTEL_EXPORTER_OTLP_TIMEOUT="7000")
    seen = s.headers[0]
    t.equal((seen["x-honeycomb-team"], seen["x-empty"], seen["grpc-encoding"], seen[":authority"]),
            ("key,1", "", "gzip", f"localhost:{s.port}"), "headers")
    t.check(seen["grpc-timeout"].endswith("m") and 0 < int(seen["grpc-timeout"][:-1]) <= 7000, seen["grpc-timeout"])
    t.check(seen["user-agent"].startswith("remora/"), seen["user-agent"])
    t.check("expect" not in seen and "content-encoding" not in seen, "no header of another transport")
    probe(t, s.endpoint, **GRPC, OTEL_EXPORTER_OTLP_TIMEOUT="0", OTEL_BSP_EXPORT_TIMEOUT="0", flush=10 ** 12)
    t.equal(s.counts(), [("0", SPANS)] * 2, "calls")


@case("grpc: RetryInfo beyond the timeout: the batch is given up, and the backend left alone")
def retry_later(t):
    s = sink(t, "retry:8:99")
    stats = probe(t, s.endpoint, spans=1, run=1500, flush=0, OTEL_BSP_SCHEDULE_DELAY=0, **GRPC)
    t.equal((s.counts(), losses(stats)), ([("retry:8:99", 1)], {"dropped_timeout": 1}), "what came of it")


@case("grpc: a message that is too large for the server is not resent unchanged: halves are")
def too_large(t):
    fault = "8:grpc: received message larger than max (5000 vs. 4194)"
    s = sink(t, fault, fault, "0")
    stats = probe(t, s.endpoint, **GRPC)
    t.equal([n for _, n in s.counts()][:3], [6, 3, 2], "sizes of the first calls")
    t.equal((stats["exported"], losses(stats)), (SPANS, {}), "statistics")


@case("grpc: several thousand spans are one connection, batches of 512 and streams one after the other")
def keeps_connection(t):
    s = sink(t, "0")
    stats = probe(t, s.endpoint, spans=2000, **GRPC)
    t.equal([n for _, n in s.counts()], [512, 512, 512, 464], "batches")
    t.equal((s.connections, stats["exported"]), (1, 2000), "connections and spans")


@case("grpc: a silent backend costs the timeout, then the batch")
def silent(t):
    s = sink(t, "silent")
    stats = probe(t, s.endpoint, OTEL_EXPORTER_OTLP_TIMEOUT=3000, **GRPC)
    t.equal((s.counts(), losses(stats)), ([("silent", SPANS)], {"dropped_timeout": SPANS}), "what came of it")
    t.check(stats["idles"] > 1, "the application's rings are emptied meanwhile")


@case("grpc: a server of HTTP/1 gets nothing; an endpoint that is none is said, and the default taken")
def wrong_server(t):
    port, heads = t.header_recorder()
    stats = probe(t, f"http://localhost:{port}", OTEL_EXPORTER_OTLP_TIMEOUT=3000, REMORA_DEBUG="export", **GRPC)
    t.equal((losses(stats), heads), ({"dropped_timeout": SPANS}, []), "what came of it")
    t.check("does it speak gRPC?" in (t.dir / "probe.log").read_text(), "the reason is in the log")
    probe(t, "tcp://x:1", flush=0, **GRPC)
    t.check("OTEL_EXPORTER_OTLP_ENDPOINT: tcp://x:1 does not begin with http:// or https://, and is neither host:port "
            "nor unix:///path; http://localhost:4317 is used" in (t.dir / "probe.log").read_text(), "the message")


@case("grpc: a key that is wrong is said once, without the key")
def wrong_key(t):
    s = sink(t, "16:who is hush-key?", "16:no")
    stats = probe(t, s.endpoint, spans=1000, OTEL_EXPORTER_OTLP_HEADERS="api-key=hush-key", REMORA_DEBUG="export", **GRPC)
    t.equal(losses(stats), {"dropped_refused": 1000}, "statistics")
    said = (t.dir / "probe.log").read_text()
    t.equal(said.count("spans cannot be exported to http://localhost"), 1, "messages in " + said)
    t.check("UNAUTHENTICATED" in said and "hush" not in said, said)


@case("grpc: TLS with ALPN, trust and mutual trust as with https; host:port is TLS unless it is said to be insecure",
      ["openssl"])
def certificates(t):
    tls = tls_context(t)
    tls.set_alpn_protocols(["h2"])
    s = sink(t, "0", tls=tls)
    target = s.endpoint.removeprefix("https://")
    trust = {"OTEL_EXPORTER_OTLP_CERTIFICATE": t.dir / "good.pem", **GRPC}
    for endpoint in (s.endpoint, target):
        t.equal(probe(t, endpoint, **trust)["exported"], SPANS, f"exported to {endpoint}")
    t.equal(len(s.counts()), 2, "calls")
    stats = probe(t, s.endpoint, **trust | {"OTEL_EXPORTER_OTLP_CERTIFICATE": t.dir / "other.pem"},
                  OTEL_EXPORTER_OTLP_TIMEOUT=4000)
    t.equal((losses(stats), len(s.counts())), ({"dropped_timeout": SPANS}, 2), "with the wrong authority")
    t.equal((t.dir / "probe.log").read_text().count("spans cannot be exported to https://localhost"), 1, "messages")

    tls.load_verify_locations(t.dir / "good.pem")
    tls.verify_mode = ssl.CERT_REQUIRED
    stats = probe(t, s.endpoint, **trust, OTEL_EXPORTER_OTLP_TIMEOUT=500)
    t.equal((losses(stats), len(s.counts())), ({"dropped_timeout": SPANS}, 2), "without a client certificate")
    stats = probe(t, s.endpoint, **trust, OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=t.dir / "client.pem",
                  OTEL_EXPORTER_OTLP_CLIENT_KEY=t.dir / "client.key")
    t.equal((stats["exported"], len(s.counts())), (SPANS, 3), "with a client certificate")

    clear = sink(t, "0")
    stats = probe(t, clear.endpoint.removeprefix("http://"), OTEL_EXPORTER_OTLP_INSECURE="true", **GRPC)
    t.equal((stats["exported"], len(clear.counts())), (SPANS, 1), "insecure")


class UnixServer(http.server.HTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self):
        self.socket.bind(self.server_address)
        self.server_name, self.server_port = "localhost", 0

    def get_request(self):
        connection, _ = super().get_request()
        return connection, ("unix", 0)


@case("unix: sockets, for HTTP and gRPC; one that is not there yet is tried again")
def unix_sockets(t):
    path = t.dir / "otel.sock"
    seen = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            spans = list(spans_from_protobuf(self.rfile.read(int(self.headers["Content-Length"]))))
            seen.append((self.path, self.headers["Host"], len(spans)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments):
            pass

    def serve():
        server = UnixServer(str(path), Handler)
        t.closers.append(server.server_close)
        t.closers.append(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()

    late = after_a_failure(t, serve)
    stats = probe(t, f"unix://{path}", OTEL_EXPORTER_OTLP_TIMEOUT=60000, REMORA_DEBUG="export")
    late()
    t.equal((stats["exported"], losses(stats), stats["retries"] > 0), (SPANS, {}, True), "statistics")
    probe(t, "http://127.0.0.1:1", OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=f"unix:{path}")
    t.equal(seen, [("/v1/traces", "localhost", SPANS)] * 2, "requests")

    s = sink(t, "0", unix=t.dir / "grpc.sock")
    t.equal(probe(t, s.endpoint, **GRPC)["exported"], SPANS, "spans over gRPC")
    t.equal((s.counts(), s.headers[0][":authority"]), ([("0", SPANS)], "localhost"), "calls")
