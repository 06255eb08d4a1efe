"""Every client: one CLIENT span per request, its traceparent sent, the server's span below it."""
import http.server
import socket
import threading

from apps import CLIENTS, c_epoll, nginx, python
from harness import case

COUNT = 5


def fetching(name, client, needs):
    @case(f"{name}: as many CLIENT spans as requests, each the parent of one SERVER span", needs,
          name=f"fetches_{name.replace('-', '_')}")
    def run(t):
        server = c_epoll(t, name="server")
        out = client(t, f"{server.url}/hello?x=1", COUNT)
        t.equal(out, "hello\n" * COUNT, "what the client printed")
        spans = t.spans(2 * COUNT).count(name, client=COUNT).count("server", server=COUNT)
        spans.linked("server", "SERVER", name, "CLIENT").roots(name, "CLIENT")
        for s in spans.of(name, "CLIENT"):
            t.equal((s["name"], s["status"]), ("GET", "unset"), "name and status")
            spans.attributes(s, url__full=f"{server.url}/hello?x=1", http__request__method="GET",
                             http__response__status_code=200, server__address="127.0.0.1",
                             server__port=server.port, network__peer__address="127.0.0.1",
                             network__peer__port=server.port, network__protocol__version="1.1",
                             error__type=None)
        t.equal({s["attributes"].get("user_agent.original") is not None for s in spans.of("server")}, {
            name not in ("python-httpclient", "node-http", "c-libcurl", "php-streams", "php-curl")}, "User-Agent on the server")


for name, (client, needs) in CLIENTS.items():
    fetching(name, client, needs)


@case("curl: uploads of 1 MB with Expect: 100-continue arrive whole, one span per side", ["curl"])
def curl_upload(t):
    server = c_epoll(t, name="server")
    body = bytes(range(256)) * 4096
    (t.dir / "body").write_bytes(body)
    t.run("curl", ["curl", "-sS", "-o", "answer", "-H", "Expect: 100-continue", "--data-binary", "@body",
                   server.url + "/echo"])
    t.equal((t.dir / "answer").read_bytes(), body, "the echoed body")
    t.run("curl", ["curl", "-sS", "-o", "answer", "-T", "body", "-H", "Transfer-Encoding: chunked",
                   server.url + "/echo"])
    t.equal((t.dir / "answer").read_bytes(), body, "the echoed chunked body")
    spans = t.spans(4).count("curl", client=2).count("server", server=2)
    spans.linked("server", "SERVER", "curl", "CLIENT")
    t.equal([s["attributes"].get("http.request.body.size") for s in spans.all], [len(body)] * 4, "body sizes")
    t.equal([s["name"] for s in spans.of("curl")], ["POST", "PUT"], "span names")


@case("curl: 404 and 500 are errors of the CLIENT, only 500 of the SERVER", ["curl"])
def curl_statuses(t):
    server = c_epoll(t, name="server")
    t.run("curl", ["curl", "-sS", f"{server.url}/status/404", f"{server.url}/status/500"])
    spans = t.spans(4)
    t.equal([(s["status"], s["attributes"].get("error.type")) for s in spans.of("curl")],
            [("error", "404"), ("error", "500")], "CLIENT")
    t.equal([(s["status"], s["attributes"].get("error.type")) for s in spans.of("server")],
            [("unset", None), ("error", "500")], "SERVER")


@case("curl: a refused connection sends no request and gives no span", ["curl"])
def curl_refused(t):
    server = c_epoll(t, name="server")
    t.run("curl", ["curl", "-sS", f"http://127.0.0.1:{t.port()}/hello"], status=7)
    t.run("curl", ["curl", "-sS", f"{server.url}/hello"])
    t.spans(2).count("curl", client=1)


@case("curl: a server that closes without an answer is an error of the CLIENT span", ["curl"])
def curl_no_answer(t):
    port = t.silent_server(answer=b"")
    t.run("curl", ["curl", "-sS", f"http://127.0.0.1:{port}/hello"], status=52)
    s, = t.spans(1).of("curl", "CLIENT")
    t.equal(s["status"], "error", "status")
    t.check(s["attributes"].get("error.type"), "error.type is set")
    t.equal(s["attributes"].get("http.response.status_code"), None, "no status code")


@case("curl: an answer cut short is an error of the CLIENT span", ["curl"])
def curl_cut_answer(t):
    port = t.silent_server(answer=b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
    t.run("curl", ["curl", "-sS", f"http://127.0.0.1:{port}/hello"], status=18)
    s, = t.spans(1).of("curl", "CLIENT")
    t.equal((s["status"], s["attributes"]["http.response.status_code"]), ("error", 200), "status")


@case("curl: credentials in URLs and signatures in queries are redacted", ["curl"])
def curl_redaction(t):
    server = c_epoll(t, name="server")
    t.run("curl", ["curl", "-sS", f"http://127.0.0.1:{server.port}/hello?a=1&sig=secret&X-Amz-Signature=top"])
    spans = t.spans(2)
    spans.attributes(spans.of("curl")[0],
                     url__full=f"{server.url}/hello?a=1&sig=REDACTED&X-Amz-Signature=REDACTED")
    spans.attributes(spans.of("server")[0], url__query="a=1&sig=REDACTED&X-Amz-Signature=REDACTED")


@case("headers named by the standard variables become attributes, on both sides", ["curl"])
def captured_headers(t):
    names = {"OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_REQUEST_HEADERS": "X-Order, accept",
             "OTEL_INSTRUMENTATION_HTTP_CLIENT_CAPTURE_RESPONSE_HEADERS": "Server",
             "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_REQUEST_HEADERS": "x-order",
             "OTEL_INSTRUMENTATION_HTTP_SERVER_CAPTURE_RESPONSE_HEADERS": "content-type"}
    port = t.port()
    t.start("server", [t.build.app("http-server-c-epoll"), port], port, env=names)
    t.run("curl", ["curl", "-sS", "-H", "X-Order: 17", "-H", "X-Order: 18", f"http://127.0.0.1:{port}/hello"],
          env=names)
    spans = t.spans(2)
    spans.attributes(spans.of("curl")[0], **{"http__request__header__x-order": ["17", "18"],
                                             "http__request__header__accept": ["*/*"],
                                             "http__response__header__server": ["c-epoll"]})
    spans.attributes(spans.of("server")[0], **{"http__request__header__x-order": ["17", "18"],
                                               "http__response__header__content-type": ["text/plain"],
                                               "http__request__header__accept": None})


@case("ab and wrk as load on nginx: every request they sent has its SERVER span", ["nginx", "ab", "wrk"])
def load_uninstrumented(t):
    server = nginx(t, workers=2)
    env = {"OTEL_BSP_MAX_QUEUE_SIZE": "65536"}
    t.run("ab", ["ab", "-q", "-n", "2000", "-c", "8", "-k", server.url + "/hello"], agent=False, env=env)
    t.spans(2000).count("nginx", server=2000)


@case("ab under the agent: a CLIENT span for each of its requests", ["ab"])
def load_ab(t):
    server = c_epoll(t, name="server")
    t.run("ab", ["ab", "-q", "-n", "500", "-c", "4", "-k", server.url + "/hello"])
    t.run("ab", ["ab", "-q", "-n", "100", "-c", "2", server.url + "/hello"])
    t.spans(1200).count("ab", client=600).count("server", server=600).linked("server", "SERVER", "ab", "CLIENT")


@case("wrk under the agent: as many SERVER as CLIENT spans, linked one to one", ["wrk"])
def load_wrk(t):
    server = c_epoll(t, name="server")
    (t.dir / "slow.lua").write_text("function delay() return 2 end\n")
    out = t.run("wrk", ["wrk", "-t1", "-c2", "-d1", "-s", "slow.lua", server.url + "/hello"])
    answered = int(next(line.split()[0] for line in out.splitlines() if " requests in " in line))
    t.stop()
    spans = t.spans_at_least(2 * answered)
    # wrk ends in the middle of requests: those have a CLIENT span that failed and perhaps a SERVER span.
    good = [s for s in spans.of("wrk", "CLIENT") if s["attributes"].get("http.response.status_code") == 200]
    t.check(answered <= len(good) <= answered + 2, f"{len(good)} CLIENT spans for {answered} answers")
    t.check(len(spans.of("server", "SERVER")) >= len(good), "each answered request has a SERVER span")
    spans.linked("server", "SERVER", "wrk", "CLIENT")


@case("a shell script calling curl three times is one trace when TRACEPARENT names its parent", ["curl"])
def shell_script(t):
    server = c_epoll(t, name="server")
    trace, parent = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    out = t.run("script", ["sh", "-c", f"for i in 1 2 3; do curl -sS {server.url}/hello; done"],
                env={"TRACEPARENT": f"00-{trace}-{parent}-01", "TRACESTATE": "vendor=1", "BAGGAGE": "user=7"})
    t.equal(out, "hello\n" * 3, "what the script printed")
    spans = t.spans(6).count("script", client=3).linked("server", "SERVER", "script", "CLIENT")
    t.equal({s["trace_id"] for s in spans.all}, {trace}, "one trace")
    t.equal({s["parent_id"] for s in spans.of("script")}, {parent}, "the parent of the CLIENT spans")
    t.equal({s["tracestate"] for s in spans.all}, {"vendor=1"}, "tracestate travels")


@case("a program started by a request handler joins the request's trace", ["curl", "python3"])
def started_by_handler(t):
    server = c_epoll(t, name="server")
    (t.dir / "app.py").write_text("""
import subprocess, sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = subprocess.run(["curl", "-sS", sys.argv[2]], stdout=subprocess.PIPE).stdout
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *arguments):
        pass
ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
""")
    port = t.port()
    t.start("app", ["python3", "app.py", port, server.url + "/hello"], port)
    t.equal(t.get(port, "/", "/", keep_alive=False), [(200, b"hello\n")] * 2, "answers")
    spans = t.spans(6).count("app", server=2, client=2).count("server", server=2)
    spans.linked("app", "CLIENT", "app", "SERVER").linked("server", "SERVER", "app", "CLIENT")


@case("OTEL_SDK_DISABLED=true and REMORA_DISABLED=1 send and add nothing", ["curl"])
def disabled(t):
    from proxy import Recorder
    server = c_epoll(t, name="server", agent=False)
    recorder = Recorder(server.port)
    url = f"http://127.0.0.1:{recorder.port}/hello"
    for env in ({"OTEL_SDK_DISABLED": "true"}, {"REMORA_DISABLED": "1"}):
        t.equal(t.run("curl", ["curl", "-sS", url], env=env), "hello\n", "answer")
    for sent, _ in recorder.finish():
        t.check(b"traceparent" not in sent, "no header was added")
    t.spans(0)


@case("the sampler decides for new traces and obeys the caller's decision", ["curl"])
def sampling(t):
    server = c_epoll(t, name="server")
    flags = {"always_off": "00", "always_on": "01"}
    for sampler, flag in flags.items():
        out = t.run("curl", ["curl", "-sS", "-o", "/dev/null", "-v", server.url + "/hello"],
                    env={"OTEL_TRACES_SAMPLER": sampler})
        t.equal(out, "", "curl's output")
    t.get(server.port, "/hello", headers={"traceparent": "00-" + "1" * 32 + "-" + "2" * 16 + "-00"})
    t.get(server.port, "/hello", headers={"traceparent": "00-" + "3" * 32 + "-" + "2" * 16 + "-01"})
    spans = t.spans(3).count("curl", client=1).count("server", server=2)
    t.check("1" * 32 not in {s["trace_id"] for s in spans.all}, "an unsampled trace has no spans")


@case("http/json with gzip says the same as http/protobuf", ["curl"])
def json_and_protobuf(t):
    server = python(t)
    for env in ({}, {"OTEL_EXPORTER_OTLP_PROTOCOL": "http/json", "OTEL_EXPORTER_OTLP_COMPRESSION": "gzip"}):
        t.run("curl", ["curl", "-sS", server.url + "/hello"], env=env)
    spans = t.spans(4).of("curl")
    t.equal({kind for kind, _ in t.sink.bodies}, {"application/json", "application/x-protobuf"}, "encodings")
    for s in spans:
        for key in ("trace_id", "span_id", "start", "end"):
            s.pop(key)
        for key in ("process.pid", "service.instance.id", "process.parent_pid"):
            s["resource"].pop(key, None)
        for event in s["events"]:
            t.check(event.pop("time") and event["attributes"].pop("remora.duration") > 0, "when, and how long")
    t.equal(spans[0], spans[1], "the two spans but for ids and times")


@case("a program that lives some milliseconds delivers its span", ["curl"])
def short_lived(t):
    server = c_epoll(t, name="server")
    for _ in range(20):
        t.run("curl", ["curl", "-sS", server.url + "/hello"], env={"OTEL_BSP_SCHEDULE_DELAY": "60000"})
    t.spans(40).count("curl", client=20)


REDIRECTS = {"/twice": "/once", "/once": "/hello", "/away": "{url}/hello", "/odd": "hello"}


def redirecting(t):
    """A server of this process: REDIRECTS lead to /hello, at last."""
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self):
            to = REDIRECTS.get(self.path)
            self.send_response(302 if to else 200)
            if to:
                self.send_header("Location", to.format(url=url))
            self.send_header("Content-Length", "6")
            self.end_headers()
            self.wfile.write(b"hello\n")

        def log_message(self, *arguments):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_address[1]}"
    t.closers += [server.server_close, server.shutdown]
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return url


def following(name, argv, needs, odd=None):
    @case(f"{name}: requests that follow a redirect are counted, where it can be nothing else", needs,
          name=f"redirects_{name}")
    def run(t):
        url = redirecting(t)
        for path in ("/twice", "/away", "/odd", "/hello"):
            t.equal(t.run("client", [*argv, url + path]), "hello\n", "what the client printed")
        spans = t.spans(8).count("client", client=8)
        got = [(s["attributes"]["url.full"][len(url):], s["attributes"].get("http.request.resend_count"))
               for s in spans.of("client")]
        t.equal(got, [("/twice", None), ("/once", 1), ("/hello", 2), ("/away", None), ("/hello", 1), ("/odd", None),
                      ("/hello", odd), ("/hello", None)], "paths and counts")


following("curl", ["curl", "-sSL"], ["curl"], odd=1)
following("php_curl", ["php", "-r", "$c = curl_init($argv[1]); curl_setopt($c, CURLOPT_FOLLOWLOCATION, true); curl_exec($c);"],
          ["php"], odd=1)
following("python", ["python3", "-c", "import sys, urllib.request as u; print(end=u.urlopen(sys.argv[1]).read().decode())"],
          ["python3"])


# Answers of the server below, by connection: None closes without one.
DIGEST = b'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Digest realm="r", nonce="n", qop="auth"\r\nContent-Length: 0\r\n\r\n'
HELLO = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhello\n"


def scripted(t, *connections):
    """A server of this process that answers each request with what comes next; returns its URL."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve():
        for answers in connections:
            peer, _ = listener.accept()
            with peer:
                for answer in answers:
                    head = b""
                    while not head.endswith(b"\r\n\r\n"):
                        head += peer.recv(1)
                    peer.sendall(answer or b"")

    threading.Thread(target=serve, daemon=True).start()
    t.closers.append(listener.close)
    return "http://127.0.0.1:%d" % listener.getsockname()[1]


def sent_again(t, argv, count):
    """What stands on the CLIENT spans: (resend_count, status)."""
    t.run("client", argv)
    return [(s["attributes"].get("http.request.resend_count"), s["attributes"].get("http.response.status_code"))
            for s in t.spans(count).of("client")]


@case("curl: the request that brings the credentials is counted as sent again", ["curl"], agent_only=True)
def resent_with_credentials(t):
    url = scripted(t, [DIGEST, HELLO])
    t.equal(sent_again(t, ["curl", "-sS", "--digest", "-u", "a:b", url + "/x"], 2), [(None, 401), (1, 200)], "the spans")


@case("curl: a request that a dead connection took is sent again, and both are told of", ["curl"], agent_only=True)
def resent_on_a_new_connection(t):
    url = scripted(t, [HELLO, None], [HELLO])
    t.equal(sent_again(t, ["curl", "-sS", url + "/x", url + "/y"], 3), [(None, 200), (None, None), (1, 200)], "the spans")


@case("curl --retry: each attempt is a call of its own, and not counted", ["curl"], agent_only=True)
def attempts_of_a_program(t):
    busy = HELLO.replace(b"200 OK", b"503 Busy")
    url = scripted(t, [busy, HELLO])
    t.equal(sent_again(t, ["curl", "-sS", "--retry", "1", "--retry-delay", "1", url + "/x"], 2), [(None, 503), (None, 200)], "the spans")
