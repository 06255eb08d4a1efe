"""Secrets of the settings, of requests and of command lines: in no message, span, resource or file of ours."""
import http.server
import json
import re
import threading

from apps import c_epoll
from harness import DEADLINE, case
from sink import Server

# Each secret holds this word, and one that says where it was.
WORD = "hush"
KEYS = {"OTEL_EXPORTER_OTLP_HEADERS": "api-key=hush-key,authorization=Bearer%20hush-bearer", "REMORA_DEBUG": "all"}


class Echo(http.server.BaseHTTPRequestHandler):
    """A backend that refuses, and repeats what it was told."""
    kind = "text/plain"

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        said = f"no right to {self.path} with {dict(self.headers)}"
        body = (json.dumps({"code": 7, "message": said}) if "json" in self.kind else said).encode()
        self.send_response(401)
        self.send_header("Content-Type", self.kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


def echo(t, kind):
    server = Server(("127.0.0.1", 0), type("Handler", (Echo,), {"kind": kind}))
    t.closers.append(server.server_close)
    t.closers.append(server.shutdown)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    return server.server_address[1]


def with_secrets(port):
    """A request of curl with a secret at every place that has one."""
    query = "&".join(f"{key}=hush-{key}" for key in (
        "sig", "X-Amz-Signature", "access_token", "id_token", "client_secret", "api_key", "password"))
    return ["curl", "-sS", "-H", "Authorization: Bearer hush-token", "-H", "Cookie: session=hush-cookie",
            "-H", "X-Api-Key: hush-header", "--data-binary", "hush-body",
            f"http://hush-user:hush-pass@127.0.0.1:{port}/echo?a=1&{query}"]


def silent(t, text, where):
    found = re.findall(rf".*{WORD}.*", text)
    t.check(not found, f"{where}: {found[:3]}")


def logs(t):
    return "".join(log.read_text(errors="replace") for log in sorted(t.dir.glob("*.log")))


@case("secrets of requests and settings are in no message and no span, however much is asked for", ["curl"],
      agent_only=True)
def of_requests(t):
    t.debug = {**t.debug, **KEYS}
    server = c_epoll(t, name="server")
    endpoint = t.sink.endpoint.replace("//", "//hush-me:hush-word@")
    for exporter in ("otlp", "otlp,console"):
        t.run("curl", with_secrets(server.port), env={"OTEL_EXPORTER_OTLP_ENDPOINT": endpoint,
                                                      "OTEL_TRACES_EXPORTER": exporter})
    spans = t.spans(4)
    silent(t, json.dumps(spans.all), "spans")
    t.equal([s["attributes"]["url.full"].count("REDACTED") for s in spans.of("curl")], [7, 7], "what is hidden in a URL")
    said = logs(t)
    t.check("remora[" in said and '"name":"POST"' in said, "with all topics there is something to read")
    silent(t, said, "messages")


@case("a backend that repeats our keys in its answers is not quoted", ["curl"], agent_only=True)
def of_backends(t):
    for kind in ("text/plain", "application/json"):
        port = echo(t, kind)
        server = c_epoll(t, agent=False)
        for url in (f"http://hush-me:hush-word@127.0.0.1:{port}", f"http://127.0.0.1:{port}/v1/traces?key=hush-query"):
            for level in ({}, {"REMORA_DEBUG": ""}):
                t.run("curl", ["curl", "-sS", f"{server.url}/hello"],
                      env={**KEYS, **level, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": url,
                           "OTEL_TRACES_EXPORTER": "otlp,console"})
        t.stop()
    said = logs(t)
    t.check(said.count("HTTP 401: (what it says is not shown") >= 8, f"each refusal is told: {said[-2000:]}")
    silent(t, said, "messages")


WRONG = {
    "OTEL_EXPORTER_OTLP_ENDPOINT": ["hush-me:hush-word@collector", "collector:4318?key=hush-query", "ftp://a/?hush-key"],
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": ["//hush-word@h", "http://[h/?hush-key"],
    "OTEL_EXPORTER_OTLP_HEADERS": ["hush-key", "a=hush%zz,b=hush%0a", "content-type=hush"],
    "OTEL_RESOURCE_ATTRIBUTES": ["password:hush", "a=%zz,b=hush"],
    "OTEL_SERVICE_NAME": ["hush" * 20000],
    "BAGGAGE": ["key=hush," * 8000],
    "REMORA_RELAY": ["/nowhere/hush-relay,0123456789abcdef0123456789abcdef", "hush-relay"],
}


@case("wrong settings are named without the secrets that are in them", ["curl"], agent_only=True)
def of_settings(t):
    server = c_epoll(t, agent=False)
    for name, values in WRONG.items():
        for value in values:
            t.run(name, ["curl", "-sS", f"{server.url}/hello"],
                  env={"REMORA_DEBUG": "all", "OTEL_TRACES_EXPORTER": "otlp,console", name: value})
    t.stop()
    silent(t, logs(t).replace("hush" * 20000, ""), "messages")
    for name in ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_RESOURCE_ATTRIBUTES", "BAGGAGE", "OTEL_SERVICE_NAME"):
        said = (t.dir / f"{name}.log").read_text(errors="replace")
        t.check(re.search(rf"^remora\[\d+\] {name}\b", said, re.M), f"{name} is complained about")


@case("`remora run`, check and list show neither keys nor the name and token of the relay", ["curl"],
      agent_only=True)
def of_command(t):
    server = c_epoll(t, agent=False)
    cli = t.build.cli
    for _ in range(10):  # on a busy machine the relay may not get to run while a program waits for it
        t.run("run", [cli, "run", "--tree", "--debug", "all", "--json", "spans.json", "--", "sh", "-c",
                      'echo "$REMORA_RELAY" >relay; exec "$@"', "--password=hush-argument",
                      *with_secrets(server.port)], agent=False,
              env={**KEYS, "OTEL_EXPORTER_OTLP_ENDPOINT": t.sink.endpoint.replace("//", "//hush-me:hush-word@")})
        if "url.full" in (t.dir / "spans.json").read_text():
            break
    for what in (["check", "curl"], ["list", "env"], ["list", "env", "--man"]):
        (t.dir / "said.log").open("a").write(t.run("said", [cli, *what], agent=False, env=KEYS))
    t.stop()
    path, token = (t.dir / "relay").read_text().strip().split(",")
    spans, said = (t.dir / "spans.json").read_text(), logs(t)
    t.check("relay: process" in said and "url.full" in spans, "there is something to read")
    for text, where in ((spans, "spans"), (said, "messages"), (json.dumps(t.sink.wait(2, DEADLINE)), "export")):
        silent(t, text, where)
        t.check(token not in text and path.rpartition("/")[2] not in text, f"{where}: the relay's secrets")
