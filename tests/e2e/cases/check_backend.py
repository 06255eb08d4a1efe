"""`remora check --backend`: what it finds wrong with a backend, said so that it can be mended, and never a key.

Against the Collector of OpenTelemetry where it can be, against servers of this process where it cannot.
"""
import contextlib
import email.utils
import http.server
import json
import socket
import ssl
import subprocess
import threading
import time

from faults import tls_context
from harness import Skip, case
from receivers import Receivers, trust
from sink import Server

HEADERS = "OTEL_EXPORTER_OTLP_HEADERS"
ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"


def check(t, *expected, **env):
    """Runs it; each line begins with yes, no or note and what is expected of it. Returns what it said."""
    said = t.run("check", [t.build.find("remora"), "check", "--backend"], agent=False, env=env, status=None)
    lines = said.splitlines()
    t.equal(len(lines), len(expected), f"lines in {said!r} {t.tail(t.dir / 'check.log')}")
    for line, (word, *parts) in zip(lines, expected):
        t.check(line.startswith(word + ": ") and all(p in line for p in parts), f"{line!r} is not {word}: {parts}")
    t.check("hush" not in said + t.tail(t.dir / "check.log"), "a key in " + said)
    bad = any(word == "no" for word, *_ in expected)
    t.run("check", [t.build.find("remora"), "check", "-b"], agent=False, env=env, status=int(bad))
    return said


def serve(t, answer, tls=None):
    """A server that answers each request by answer(path, headers) -> (status, headers, body); and what was asked."""
    asked = []

    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            headers = {k.lower(): v for k, v in self.headers.items()}
            body = self.rfile.read(int(headers.get("content-length", 0)))
            asked.append((self.command, self.path, headers, body))
            status, more, text = answer(self.path, headers)
            self.send_response_only(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST

        def log_message(self, *arguments):
            pass

    server = Server(("127.0.0.1", 0), Handler)
    if tls:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    t.closers.append(server.server_close)
    t.closers.append(server.shutdown)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return f"{'https' if tls else 'http'}://localhost:{server.server_address[1]}", asked


@case("the Collector: what it takes and what it refuses, over HTTP and gRPC", ["openssl"], agent_only=True)
def collector(t):
    r = Receivers(t)
    for protocol in ("http/protobuf", "http/json", "grpc"):
        for way in ("clear", "tls", "mtls", "auth", "unix"):
            env = {ENDPOINT: r.endpoint(way, protocol), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol, **trust(t, way)}
            check(t, ("yes", "takes spans", protocol), **env)
            check(t, ("yes", "takes spans", "gzip"), OTEL_EXPORTER_OTLP_COMPRESSION="gzip", **env)
        auth = {ENDPOINT: r.endpoint("auth", protocol), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        check(t, ("no", "it wants a key", HEADERS), **auth)
        check(t, ("no", "it refuses our key", HEADERS), **auth, **{HEADERS: "authorization=Bearer%20hush-wrong"})
        tls = {ENDPOINT: r.endpoint("tls", protocol), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        check(t, ("no", "not trusted", "OTEL_EXPORTER_OTLP_CERTIFICATE"), **tls)
        check(t, ("no", "not trusted", "which names another"), OTEL_EXPORTER_OTLP_CERTIFICATE=t.dir / "other.pem", **tls)
        check(t, ("no", "for another name"), OTEL_EXPORTER_OTLP_CERTIFICATE=t.dir / "good.pem",
              **tls | {ENDPOINT: r.endpoint("tls", protocol).replace("localhost", "127.0.0.1")})
        mtls = {ENDPOINT: r.endpoint("mtls", protocol), "OTEL_EXPORTER_OTLP_PROTOCOL": protocol}
        check(t, ("no", "wants a certificate of ours"), **mtls, **trust(t, "tls"))
        # TLS where there is none, and none where there is.
        plain = r.endpoint("clear", protocol)
        check(t, ("no", "there is no TLS", "http://"), **{ENDPOINT: plain.replace("http:", "https:"),
                                                         "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
        check(t, ("no", "there is TLS", "https://"), **{ENDPOINT: tls[ENDPOINT].replace("https:", "http:"),
                                                       "OTEL_EXPORTER_OTLP_PROTOCOL": protocol})
    # The port of the other protocol.
    for way in ("clear", "tls"):
        check(t, ("no", "speaks gRPC", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "4318"), **trust(t, way),
              **{ENDPOINT: r.endpoint(way, "grpc")})
        check(t, ("no", "speaks HTTP, not gRPC", "OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf", "4317"), **trust(t, way),
              OTEL_EXPORTER_OTLP_PROTOCOL="grpc", **{ENDPOINT: r.endpoint(way, "http/json")})
    # Paths.
    plain = r.endpoint("clear", "http/json")
    check(t, ("no", "is appended to OTEL_EXPORTER_OTLP_ENDPOINT"), **{ENDPOINT: plain + "/v1/traces"})
    check(t, ("no", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT is used as it is", "should it end in /v1/traces?"),
          OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=plain)
    check(t, ("no", "no such path", "its base path"), **{ENDPOINT: plain + "/otlp"})
    # Logs, which this Collector has no pipeline for.
    check(t, ("yes", "traces, otlp"), ("no", "logs, otlp", "no such path"), **{ENDPOINT: plain}, OTEL_LOGS_EXPORTER="otlp")
    check(t, ("yes", "traces, otlp"), ("no", "logs, otlp", "does not take logs"), OTEL_LOGS_EXPORTER="otlp",
          OTEL_EXPORTER_OTLP_PROTOCOL="grpc", **{ENDPOINT: r.endpoint("clear", "grpc")})
    t.stop()
    t.equal(r.counts(), {}, "spans at the Collector")


KEYS = {  # of the fake: what Honeycomb's GET /1/auth says of each
    "hushIngestKey00": {"type": "ingest", "api_key_access": {"events": True, "create_datasets": True},
                        "environment": {"name": "Prod", "slug": "prod"}, "team": {"name": "Acme", "slug": "acme"}},
    "hushNoDatasets0": {"api_key_access": {"events": True, "createDatasets": False},
                        "environment": {"name": "Prod", "slug": "prod"}, "team": {"name": "Acme", "slug": "acme"}},
    "hushQueriesOnly": {"api_key_access": {"events": False, "queries": True},
                        "environment": {"name": "Prod", "slug": "prod"}, "team": {"name": "Acme", "slug": "acme"}},
    "hush0123456789abcdef0123456789ab": {"api_key_access": {"events": True, "create_datasets": True},
                                         "environment": {"name": "", "slug": ""}, "team": {"name": "Acme", "slug": "acme"}},
    "hushTalksBack00": {"api_key_access": {"events": True, "create_datasets": True},
                        "environment": {"name": "hushTalksBack00", "slug": "x"}, "team": {"name": "\u001b[2J", "slug": "x"}},
}


def honeycomb(path, headers):
    """As Honeycomb answers, for the keys above; as its documentation has it."""
    key = headers.get("x-honeycomb-team", "")
    if key not in KEYS:
        return 401, {"Content-Type": "application/json"}, json.dumps({"error": f"unknown API key {key}"}).encode()
    if path == "/1/auth":
        return 200, {"Content-Type": "application/json"}, json.dumps(KEYS[key]).encode()
    if path != "/v1/traces":
        return 404, {}, b""
    return 200, {"Content-Type": "application/x-protobuf"}, b""


@case("Honeycomb: the key's team, environment and rights, and what is wrong with a key")
def of_honeycomb(t):
    endpoint, asked = serve(t, honeycomb)

    def look(key, *expected, more=""):
        return check(t, *expected, **{ENDPOINT: endpoint, HEADERS: f"x-honeycomb-team={key}{more}"})

    look("hushIngestKey00", ("yes", 'team "Acme", environment "Prod"', "may send events and create datasets"),
         ("yes", "takes spans"))
    t.equal([(method, path) for method, path, _, _ in asked], [("GET", "/1/auth"), ("POST", "/v1/traces")] * 2, "requests")
    t.check(all(h["x-honeycomb-team"] == "hushIngestKey00" for _, _, h, _ in asked), "the key is sent each time")
    t.equal({h.get("content-type") for m, _, h, _ in asked if m == "POST"}, {"application/x-protobuf"}, "content type")
    look("hushNoDatasets0", ("yes", "may send events"), ("note", "may not create datasets"), ("yes", "takes spans"))
    look("hushQueriesOnly", ("no", "may not send events", "ingest key"))
    classic = "hush0123456789abcdef0123456789ab"
    look(classic, ("yes", "Honeycomb Classic"), ("no", "x-honeycomb-dataset=NAME"))
    look(classic, ("yes", "Honeycomb Classic"), ("yes", "takes spans"), more=",x-honeycomb-dataset=shop")
    look("hushIngestKey00", ("yes", "Acme"), ("note", "x-honeycomb-dataset is for keys of Honeycomb Classic"),
         ("yes", "takes spans"), more=",x-honeycomb-dataset=shop")
    look("hushUnknown", ("no", "does not know the key", HEADERS, "api.eu1.honeycomb.io"))
    asked.clear()
    look("", ("no", "wants a key"))
    look("${HONEYCOMB_API_KEY}", ("no", "variable that was not replaced"))
    look('"hushIngestKey00"', ("no", "a quote"))
    look("hush Ingest", ("no", "a blank"))
    t.equal(asked, [], "requests with keys that cannot be right")
    said = look("hushTalksBack00", ("yes", "not shown: it repeats a key"), ("yes", "takes spans"))
    t.check("\x1b" not in said, "control characters")
    # What stands before Honeycomb does not know /1/auth.
    other, _ = serve(t, lambda path, headers: (200, {}, b"") if path == "/v1/traces" else (404, {}, b""))
    check(t, ("note", "before Honeycomb"), ("yes", "takes spans"), **{ENDPOINT: other, HEADERS: "x-honeycomb-team=hushx"})


def answering(status, headers={}, body=b""):
    return lambda path, request: (status, headers, body)


@case("answers that a user can do something about: 401, 404, 415, redirects, trouble, HTML, a clock that is wrong")
def answers(t):
    for answer, expected in [
            (answering(500, {}, b"broken hush-key"), ("no", "HTTP 500", "not shown")),
            (answering(429), ("no", "HTTP 429", "may pass")),
            (answering(503, {}, b"later"), ("no", "HTTP 503: later", "may pass")),
            (answering(415), ("no", "does not take http/protobuf", "OTEL_EXPORTER_OTLP_PROTOCOL")),
            (answering(301, {"Location": "https://other.example/v1/traces?token=hush"}),
             ("no", "redirects", "https://other.example/v1/traces", ENDPOINT)),
            (answering(403, {"Content-Type": "application/json"}, b'{"message":"no right"}'),
             ("no", "refuses our key", "HTTP 403: no right")),
            (answering(400, {}, b"what?"), ("no", "HTTP 400: what?", "does this port take OTLP?"))]:
        endpoint, _ = serve(t, answer)
        check(t, expected, **{ENDPOINT: endpoint, HEADERS: "api-key=hush-key"})
    endpoint, _ = serve(t, answering(200, {"Content-Type": "text/html"}, b"<h1>Welcome</h1>"))
    check(t, ("yes", "takes spans"), ("note", "HTML"), **{ENDPOINT: endpoint})
    for ahead, word in ((7200, "behind"), (-7200, "ahead of")):
        date = email.utils.formatdate(time.time() + ahead, usegmt=True)
        endpoint, _ = serve(t, answering(200, {"Date": date}))
        check(t, ("yes", "takes spans"), ("note", "the clock of this machine", word), **{ENDPOINT: endpoint})


@case("no answer at all: names, ports, silence, sockets; settings that are wrong")
def no_answer(t):
    check(t, ("no", "no.such.host.invalid does not resolve", ENDPOINT), **{ENDPOINT: "http://no.such.host.invalid:4318"})
    port = t.port()
    check(t, ("no", "nothing listens there", "is this its port?"), **{ENDPOINT: f"http://localhost:{port}"})
    check(t, ("no", "nothing listens there"), OTEL_EXPORTER_OTLP_PROTOCOL="grpc", **{ENDPOINT: f"http://localhost:{port}"})
    check(t, ("no", "no such socket"), **{ENDPOINT: f"unix://{t.dir}/none.sock"})
    with socket.create_server(("127.0.0.1", 0)) as silent:
        check(t, ("no", "no answer within 10 s", "firewall"), **{ENDPOINT: f"http://127.0.0.1:{silent.getsockname()[1]}"})
    endpoint, _ = serve(t, answering(200))
    check(t, ("no", "a setting of it is wrong"), ("yes", "takes spans"), **{ENDPOINT: endpoint},
          OTEL_EXPORTER_OTLP_TRACES_ENDPOINT="localhost:4318")
    check(t, ("no", "go nowhere"), OTEL_TRACES_EXPORTER="none")
    check(t, ("yes", "console: each is written to standard error"), OTEL_TRACES_EXPORTER="console")


@case("localhost where nothing listens, on a machine without IPv6", ["unshare", "ip"])
def without_ipv6(t):
    alone = ["unshare", "--map-root-user", "--net", "sh", "-c",
             "ip link set lo up && echo 1 >/proc/sys/net/ipv6/conf/all/disable_ipv6 && exec \"$@\"", "sh"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        raise Skip("no namespace of networks, or none without IPv6")
    said = t.run("check", [*alone, t.build.find("remora"), "check", "--backend"], agent=False, status=1,
                 env={ENDPOINT: "http://localhost:4318"})
    t.check("nothing listens there" in said, said)


@case("a certificate that is over, and keys that cannot be used", ["openssl"])
def certificates(t):
    tls_context(t)
    subprocess.run(["openssl", "x509", "-req", "-in", "localhost.csr", "-CA", "good.pem", "-CAkey", "good.key",
                    "-CAcreateserial", "-extfile", "ext", "-days", "-1", "-out", "over.pem"], cwd=t.dir, check=True,
                   capture_output=True)
    over = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    over.load_cert_chain(t.dir / "over.pem", t.dir / "localhost.key")
    endpoint, _ = serve(t, answering(200), tls=over)
    trusted = {"OTEL_EXPORTER_OTLP_CERTIFICATE": t.dir / "good.pem"}
    check(t, ("no", "not valid now", "expired", "UTC"), **{ENDPOINT: endpoint}, **trusted)
    good = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    good.load_cert_chain(t.dir / "localhost.pem", t.dir / "localhost.key")
    endpoint, _ = serve(t, answering(200), tls=good)
    check(t, ("no", "our certificate or its key cannot be used"), **{ENDPOINT: endpoint}, **trusted,
          OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE=t.dir / "client.pem", OTEL_EXPORTER_OTLP_CLIENT_KEY=t.dir / "good.key")
    check(t, ("no", "a setting of it is wrong"), ("no", "not trusted"), **{ENDPOINT: endpoint},
          OTEL_EXPORTER_OTLP_CERTIFICATE=t.dir / "missing.pem")


@contextlib.contextmanager
def datagrams():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as daemon:
        daemon.bind(("127.0.0.1", 0))
        yield daemon.getsockname()[1]


@case("X-Ray: its daemon's proxy is asked for sampling rules, and what AWS says of it is said")
def xray_proxy(t):
    rules = {"OTEL_TRACES_EXPORTER": "xray", "OTEL_TRACES_SAMPLER": "xray"}

    def look(answer, *expected, **more):
        endpoint, asked = serve(t, answer)
        tcp = endpoint.rsplit(":", 1)[1]
        with datagrams() as udp:
            check(t, ("yes", "nothing refuses datagrams"), *expected,
                  **{**rules, "AWS_XRAY_DAEMON_ADDRESS": f"tcp:127.0.0.1:{tcp} udp:127.0.0.1:{udp}", **more})
        t.equal({(m, path, body) for m, path, _, body in asked}, {("POST", "/GetSamplingRules", b"{}")}, "what is asked")

    look(answering(200, body=b'{"SamplingRuleRecords": [], "NextToken": null}'), ("yes", "gives out sampling rules"))
    denied = answering(403, body=b'{"message": "User is not authorized"}')
    look(denied, ("no", "xray:GetSamplingRules", "User is not authorized"))
    look(denied, ("note", "only needed for OTEL_TRACES_SAMPLER=xray"), OTEL_TRACES_SAMPLER="")
    look(answering(502), ("no", "does not reach AWS"))
    look(answering(404), ("no", "does not answer as the daemon's proxy does"))


TOKEN = "hush0123456789abcdef"


def rollbar(path, headers):
    """As Rollbar answers an item with nothing in it: for three tokens."""
    said = {TOKEN: (422, "Invalid format. data.body must not be undefined."),
            TOKEN + "client": (403, "insufficient privileges: post_server_item scope is required but the access token only has "
                                    "post_client_item.")}
    token = headers["x-rollbar-access-token"]
    status, message = said.get(token, (403, f"access token not found: {token}"))
    return (status if path == "/api/1/item/" else 404), {}, json.dumps({"err": 1, "message": message}).encode()


@case("Rollbar: whether it knows the token is seen without an item")
def of_rollbar(t):
    endpoint, asked = serve(t, rollbar)

    def look(token, *expected, path="/api/1/", **more):
        check(t, *expected, **{"OTEL_TRACES_EXPORTER": "rollbar", "ROLLBAR_ACCESS_TOKEN": token,
                               "ROLLBAR_ENDPOINT": endpoint + path, **more})

    look(TOKEN, ("yes", "rollbar", "not for the token"))
    t.equal({(path, body) for _, path, _, body in asked}, {("/api/1/item/", b'{"data":{}}')}, "what is sent: no item")
    look(TOKEN, ("yes", "traces, rollbar"), ("yes", "logs, rollbar"), OTEL_LOGS_EXPORTER="rollbar")
    look(TOKEN + "client", ("no", "the one for post_server_item", "only has post_client_item"))
    look(TOKEN + "wrong", ("no", "does not know ROLLBAR_ACCESS_TOKEN", "not shown"))
    look(TOKEN, ("no", "no such path"), path="/elsewhere/")
    look("", ("no", "no token that can be one"))
    odd, _ = serve(t, answering(200))
    look(TOKEN, ("no", "does not answer as Rollbar does"), ROLLBAR_ENDPOINT=odd)
    slow, _ = serve(t, answering(429))
    look(TOKEN, ("note", "rate limit"), ROLLBAR_ENDPOINT=slow)
    look(TOKEN, ("no", "nothing listens there"), ROLLBAR_ENDPOINT=f"http://localhost:{t.port()}")


@case("Zipkin and X-Ray: as far as they can be asked; several backends, each by itself")
def others(t):
    endpoint, asked = serve(t, answering(202))
    zipkin = {"OTEL_TRACES_EXPORTER": "zipkin", "OTEL_EXPORTER_ZIPKIN_ENDPOINT": endpoint + "/api/v2/spans"}
    check(t, ("yes", "takes spans"), **zipkin)
    t.equal((asked[0][:2], asked[0][3]), (("POST", "/api/v2/spans"), b"[]"), "the request")
    missing, _ = serve(t, answering(404))
    check(t, ("no", "should it end in /api/v2/spans?"), **zipkin | {"OTEL_EXPORTER_ZIPKIN_ENDPOINT": missing})
    with datagrams() as port:
        xray = {"OTEL_TRACES_EXPORTER": "xray", "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{port}"}
        check(t, ("yes", "nothing refuses datagrams", "more cannot be known"), ("note", "its proxy cannot be asked"), **xray)
    check(t, ("no", "nothing takes datagrams", "X-Ray daemon"), **xray)
    check(t, ("no", "does not resolve"), **xray | {"AWS_XRAY_DAEMON_ADDRESS": "no.such.host.invalid:2000"})
    check(t, ("no", "xray", "nothing takes datagrams"), ("yes", "zipkin"), **xray | zipkin | {"OTEL_TRACES_EXPORTER": "xray,zipkin"})
