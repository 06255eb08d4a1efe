"""AWS X-Ray: X-Amzn-Trace-Id in and out, and its sampling rules."""
import http.client
import http.server
import json
import re
import signal
import socket
import subprocess
import threading
import time

from apps import nginx, script
from fetched import pypi
from harness import ROOT as TREE
from harness import DEADLINE, case
from receivers import build_collector

PACKAGES = ("aws-xray-sdk", "boto3", "flask", "moto[server,xray]", "requests")
TRACE, PARENT = "12345678901234567890123456789012", "00f067aa0ba902b7"
ROOT = f"Root=1-{TRACE[:8]}-{TRACE[8:]}"


def proxied(t, propagators, sent):
    """One request through nginx to a recorder: the header that arrived there, and the two spans."""
    port, heads = t.header_recorder()
    proxy = nginx(t, f"http://127.0.0.1:{port}", env={"OTEL_PROPAGATORS": propagators})
    t.get(proxy.port, "/call", headers=sent)
    spans = t.spans(2).linked("nginx", "CLIENT", "nginx", "SERVER")
    got = [value for key, value in heads[0] if key == "x-amzn-trace-id"]
    t.equal(len(got), 1, "one header")
    return got[0], spans.of("nginx", "SERVER")[0], spans.of("nginx", "CLIENT")[0]


@case("a proxy behind a load balancer: its trace goes on, whose header has no parent", ["nginx"], agent_only=True)
def load_balancer(t):
    got, server, client = proxied(t, "xray", {"X-Amzn-Trace-Id": f"Self=1-67891234-12456789abcdef012345678;{ROOT}"})
    t.equal(got, f"Self=1-67891234-12456789abcdef012345678;{ROOT};Parent={client['span_id']};Sampled=1", "header")
    t.equal((server["trace_id"], server["parent_id"]), (TRACE, ""), "the SERVER span is a root of that trace")


@case("a proxy that forwards X-Amzn-Trace-Id names its own call in it, and keeps the rest", ["nginx"], agent_only=True)
def forwarded(t):
    got, server, client = proxied(t, "tracecontext,xray", {
        "X-Amzn-Trace-Id": f"{ROOT};Parent={PARENT};Sampled=1;Lineage=25:abcdef01:3"})
    t.equal(got, f"{ROOT};Parent={client['span_id']};Sampled=1;Lineage=25:abcdef01:3", "header")
    t.equal((server["trace_id"], server["parent_id"]), (TRACE, PARENT), "the SERVER span's parent")


@case("a proxy's requests without the header get one, below the span of what they are for", ["nginx"], agent_only=True)
def begun(t):
    got, server, client = proxied(t, "xray", {})
    root = re.fullmatch(r"Root=1-([0-9a-f]{8})-([0-9a-f]{24});Parent=([0-9a-f]{16});Sampled=1", got)
    t.check(root, f"well-formed: {got}")
    t.equal((root[1] + root[2], root[3]), (server["trace_id"], client["span_id"]), "it names the call")
    t.check(abs(int(root[1], 16) - time.time()) < 300, f"the trace id begins with the time: {root[1]}")


def answered(t, port, *fields):
    """X-Amzn-Trace-Id in the response to a request with these fields; None without, and then it is the program's own."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
    connection.request("GET", "/busy", headers={
        "Connection": "close", **({"X-Amzn-Trace-Id": ";".join(fields)} if fields else {})})
    response = connection.getresponse()
    response.read()
    t.equal(response.status, 429, "status")
    return response.getheader("X-Amzn-Trace-Id")


@case("who leaves the decision to us and asks for it is told, in the words of AWS's X-Ray SDK, and nobody else", agent_only=True)
def asked(t):
    python = pypi("aws-xray", *PACKAGES) / "python3"
    ports = {}
    for name, env in (("sdk", {"WITH_SDK": "1"}), ("flask", {"OTEL_PROPAGATORS": "xray"}), ("none", {"OTEL_PROPAGATORS": "tracecontext"})):
        ports[name] = t.port()
        t.start(name, [python, TREE / "tests" / "e2e" / "xray_flask.py", ports[name]], ports[name], agent=name != "sdk", env={
            "BACKEND": "http://127.0.0.1:1", "HTTP": "HTTP/1.1", "AWS_XRAY_DAEMON_ADDRESS": f"127.0.0.1:{t.port()}",
            **env}, stop=signal.SIGINT)
    for fields in ((ROOT, f"Parent={PARENT}", "Sampled=?"), (ROOT, "Sampled=?")):
        got = answered(t, ports["flask"], *fields)
        t.equal(got, f"{ROOT};Sampled=1", "answer")
        t.equal(got, answered(t, ports["sdk"], *fields), "as the SDK has it")
    for fields in ((), (ROOT, f"Parent={PARENT}", "Sampled=1"), (ROOT, f"Parent={PARENT}"), ("Sampled=?",)):
        t.equal(answered(t, ports["flask"], *fields), None, f"no answer to {fields}")
    t.equal(answered(t, ports["none"], ROOT, f"Parent={PARENT}", "Sampled=?"), None, "without that propagator")
    t.check({f"1-{s['trace_id'][:8]}-{s['trace_id'][8:]}" for s in t.spans(7).of("flask", "SERVER")} >= {ROOT[5:]}, "their trace")


# ---- sampling ----

def rule(name, priority=1, rate=0.0, reservoir=0, **fields):
    return {"SamplingRule": {"RuleName": name, "RuleARN": f"arn:aws:xray:us-east-1:1:sampling-rule/{name}",
                             "ResourceARN": "*", "Priority": priority, "FixedRate": rate, "ReservoirSize": reservoir,
                             "ServiceName": "*", "ServiceType": "*", "Host": "*", "HTTPMethod": "*", "URLPath": "*",
                             "Version": 1, "Attributes": {}, **fields}, "CreatedAt": 0.0, "ModifiedAt": 1.5e9}


class Rules:
    """X-Ray's part in sampling: gives out rules and targets, and keeps what it is told."""

    def __init__(self, t, rules):
        self.rules, self.rates, self.modified, self.reports, self.fetches = rules, {}, 1.5e9, [], 0
        test = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                answer = json.dumps(test.answer(self.path, body)).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", len(answer))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *arguments):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        t.closers.append(server.server_close)
        t.closers.append(server.shutdown)
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        self.port = server.server_address[1]

    def answer(self, path, body):
        if path == "/GetSamplingRules":
            self.fetches += 1
            return {"SamplingRuleRecords": self.rules, "NextToken": None}
        self.reports += body["SamplingStatisticsDocuments"]
        return {"LastRuleModification": self.modified, "UnprocessedStatistics": [],
                "SamplingTargetDocuments": [
                    {"RuleName": d["RuleName"], "Interval": 10, "ReservoirQuota": 0,
                     "ReservoirQuotaTTL": time.time() + 600, "FixedRate": self.rates.get(d["RuleName"], 0)}
                    for d in body["SamplingStatisticsDocuments"]]}

    def settings(self, **more):
        return {"OTEL_TRACES_SAMPLER": "xray",
                "OTEL_TRACES_SAMPLER_ARG": f"endpoint=http://127.0.0.1:{self.port},polling_interval=1", **more}

    def sums(self, name):
        documents = [d for d in self.reports if d["RuleName"] == name]
        return tuple(sum(d[k] for d in documents) for k in ("RequestCount", "SampledCount", "BorrowCount"))


def is_sampled(t, heads, port, path="/call"):
    """The decision that goes out with the call that one request leads to."""
    t.get(port, path)
    return int(dict(heads[-1])["traceparent"][-2:], 16) & 1 == 1


def start_service(t, backend, settings, command=None):
    at = t.port()
    argv = [*(command or []), "python3", script("http-server-python", "py"), at]
    return t.start("service", argv, at, agent=not command, env={"BACKEND": f"http://127.0.0.1:{backend}", **settings},
                   stop=signal.SIGINT)


@case("X-Ray's rules are fetched, and rate and rules change while the program runs", ["python3"], agent_only=True)
def central_rules(t):
    x = Rules(t, [rule("calls", 5, 1.0, URLPath="/call"), rule("Default", 10000)])
    port, heads = t.header_recorder()
    service = start_service(t, port, x.settings())
    t.get(service.port, "/call")
    t.until("the rules are fetched", lambda: x.fetches)
    t.until("by the rule every call is sampled", lambda: all([is_sampled(t, heads, service.port) for _ in range(10)]))
    t.until("that is told", lambda: x.sums("calls")[0] >= 10 and x.sums("calls")[0] == x.sums("calls")[1])
    t.equal(len({d["ClientID"] for d in x.reports}), 1, "by one client")
    # No target says more for this rule than its report brings.
    x.rates["calls"] = 0
    t.until("the rate of a target counts", lambda: not is_sampled(t, heads, service.port))
    x.rules, x.modified = [rule("new", 1, 1.0, HTTPMethod="GET", Host="127.0.0.?"), *x.rules], time.time() + 100
    t.until("rules that were changed are fetched", lambda: is_sampled(t, heads, service.port))
    spans = t.spans_at_least(4)
    names = {s["attributes"].get("aws.xray.sampling_rule_name") for s in spans.of("service", "SERVER")}
    t.check({"calls", "new"} <= names, f"the rules' names are on the spans: {names}")


@case("below remora run the relay fetches the rules for all processes, and counts for all", ["python3"], agent_only=True)
def central_rules_relay(t):
    x = Rules(t, [rule("calls", 5, 0.0, URLPath="/call"), rule("Default", 10000)])
    port, heads = t.header_recorder()
    command = [t.build.cli, "run", "-q", "--"]
    other = start_service(t, port, x.settings(), command)
    t.until("by the rule no call is sampled", lambda: not any([is_sampled(t, heads, other.port) for _ in range(5)]))
    t.until("that is told", lambda: x.sums("calls")[0] >= 5)
    t.equal(x.sums("calls")[1:], (0, 0), "none was sampled or borrowed")


@case("a file of rules decides where X-Ray gives none", ["python3"], agent_only=True)
def local_rules(t):
    port, heads = t.header_recorder()
    file = t.dir / "rules.json"
    file.write_text(json.dumps({"version": 2, "default": {"fixed_target": 0, "rate": 0}, "rules": [
        {"host": "*", "http_method": "*", "url_path": "/call", "fixed_target": 0, "rate": 1.0}]}))
    service = start_service(t, port, {"OTEL_TRACES_SAMPLER": "xray", "OTEL_TRACES_SAMPLER_ARG": "endpoint=none",
                                      "REMORA_XRAY_SAMPLING_RULES": file})
    t.check(all([is_sampled(t, heads, service.port) for _ in range(3)]), "by the rule")
    t.get(service.port, "/hello", "/hello")
    t.equal({s["attributes"]["url.path"] for s in t.spans(6).of("service", "SERVER")}, {"/call"}, "not by the default")


@case("the same is decided as by AWS's X-Ray SDK for Python, over random rules, targets and requests")
def as_the_sdk(t):
    python = pypi("aws-xray", *PACKAGES) / "python3"
    done = subprocess.run([python, TREE / "tests" / "e2e" / "rules_oracle.py", t.build.find("rules_probe"), "2000", "1"],
                          capture_output=True, text=True)
    t.check(done.returncode == 0, f"the SDK decides the same: {done.stdout[-2000:]}{done.stderr[-500:]}")
    t.check(int(done.stdout) > 40000, f"decisions: {done.stdout}")


# ---- documents ----


class Datagrams:
    """The daemon's end: the documents of all datagrams that came."""

    def __init__(self, t):
        self.documents = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self.socket.getsockname()[1]}"
        t.closers.append(self.socket.close)
        threading.Thread(target=self.receive, daemon=True).start()

    def receive(self):
        while True:
            try:
                head, document = self.socket.recv(1 << 16).split(b"\n", 1)
            except OSError:
                return
            if json.loads(head) == {"format": "json", "version": 1}:
                self.documents.append(json.loads(document))


def flask_documents(t, python, name, with_sdk, more={}):
    """What comes of four requests to the Flask application, in order of their start, and the daemon's end."""
    udp = Datagrams(t)
    backend, _ = t.header_recorder()
    at = t.port()
    env = {"BACKEND": f"http://127.0.0.1:{backend}", "AWS_XRAY_DAEMON_ADDRESS": udp.address, **more}
    if with_sdk:
        env["WITH_SDK"] = "1"
    else:
        env.update(OTEL_TRACES_EXPORTER="xray", OTEL_PROPAGATORS="xray", OTEL_SERVICE_NAME="backend-flask")
    t.start(name, [python, TREE / "tests" / "e2e" / "xray_flask.py", at], at, agent=not with_sdk, env=env,
            stop=signal.SIGINT)
    for path in ("/api/activities/home", "/busy", "/broken", "/missing"):
        t.get(at, path, keep_alive=False)
    t.until(f"{name}: five documents or four", lambda: len(udp.documents) >= (4 if with_sdk else 5))
    return sorted(udp.documents, key=lambda d: d["start_time"])


def shape(document, at=""):
    """Where values stand in a document, and of which type they are."""
    if isinstance(document, dict):
        return {k: v for key, value in document.items() for k, v in shape(value, f"{at}.{key}").items()}
    if isinstance(document, list):
        return {k: v for value in document for k, v in shape(value, at + "[]").items()}
    return {at: bool if isinstance(document, bool) else float if isinstance(document, (int, float)) else str}


def without(document, *keys):
    return {k: v for k, v in document.items() if k not in keys}


@case("documents of a Flask application are those of AWS's X-Ray SDK for Python, without code", agent_only=True)
def as_the_sdk_writes(t):
    python = pypi("aws-xray", *PACKAGES) / "python3"
    theirs = flask_documents(t, python, "sdk", True)
    ours = flask_documents(t, python, "flask", False)
    call = next(d for d in ours if d.get("type") == "subsegment")
    segments = [d for d in ours if d is not call]
    t.equal(len(segments), len(theirs), "segments")
    # What only a part of the process knows, that is over when it is written, and which port it was.
    sdk = {".in_progress", ".service.runtime_version"}
    for our, their in zip(segments, theirs):
        missing = {k: v for k, v in shape(without(their, "subsegments")).items() if k not in sdk and shape(our).get(k) != v}
        t.equal(missing, {}, f"{their['http']['request']['url']}: what the SDK has, and we have not")
        for key in ("name", "error", "fault", "throttle"):
            t.equal(our.get(key), their.get(key), key)
        t.equal(our["http"]["response"], their["http"]["response"], "response")
        for key in ("method", "client_ip"):
            t.equal(our["http"]["request"].get(key), their["http"]["request"].get(key), key)
        t.equal(our["http"]["request"]["url"].split("/", 3)[3], their["http"]["request"]["url"].split("/", 3)[3], "URL")
    their_call = theirs[0]["subsegments"][0]
    t.equal((call["name"], call["namespace"], call["http"]["response"]["status"]),
            (their_call["name"], their_call["namespace"], their_call["http"]["response"]["status"]), "the call")
    t.equal((call["parent_id"], call["trace_id"]), (segments[0]["id"], segments[0]["trace_id"]), "its parent")


@case("moto's X-Ray processes all documents, and gives them back as traces", agent_only=True)
def through_moto(t):
    python = pypi("aws-xray", *PACKAGES) / "python3"
    documents = flask_documents(t, python, "flask", False, {"REMORA_XRAY_HOST_PATTERN": "*.0.0.*"})
    done = subprocess.run([python, TREE / "tests" / "e2e" / "xray_moto.py"], capture_output=True, text=True,
                          input="\n".join(json.dumps(d) for d in documents), check=True)
    said = json.loads(done.stdout)
    t.equal(said["refused"], [], "documents that were refused")
    got = sorted((d for trace in said["traces"].values() for d in trace), key=lambda d: d["start_time"])
    t.equal(got, documents, "documents that come back")
    t.equal({d["name"] for d in documents if "type" not in d}, {"127.0.0.1"}, "segments are named after the host")


COLLECTOR = """
receivers:
  awsxray:
    endpoint: 127.0.0.1:{udp}
    transport: udp
    proxy_server: {{endpoint: "127.0.0.1:{tcp}", aws_endpoint: "http://127.0.0.1:{upstream}", region: us-east-1}}
exporters:
  file: {{path: {file}}}
service:
  pipelines:
    traces: {{receivers: [awsxray], exporters: [file]}}
  telemetry:
    metrics: {{level: none}}
"""


def received(file):
    """The spans that the Collector made of our documents, with their attributes."""
    found = []
    for line in file.read_text().split("\n")[:-1] if file.exists() else []:  # the last may not be whole
        for resource in json.loads(line)["resourceSpans"]:
            for scope in resource["scopeSpans"]:
                for span in scope["spans"]:
                    span["attributes"] = {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}
                    found.append(span)
    return found


@case("the Collector's X-Ray receiver takes our datagrams, and its proxy hands us X-Ray's rules", agent_only=True)
def through_collector(t):
    program = build_collector(t.build.folder, "xray_collector")
    x = Rules(t, [rule("calls", 5, 1.0, URLPath="/call"), rule("Default", 10000)])
    udp, tcp, file = t.port(), t.port(), t.dir / "received.json"
    config = t.dir / "xray.yaml"
    config.write_text(COLLECTOR.format(udp=udp, tcp=tcp, upstream=x.port, file=file))
    t.start("collector", [program, "--config", config], tcp, agent=False, seconds=60, env={
        "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true"})
    port, heads = t.header_recorder()
    service = start_service(t, port, {
        "OTEL_TRACES_EXPORTER": "xray", "OTEL_TRACES_SAMPLER": "xray", "OTEL_TRACES_SAMPLER_ARG": "polling_interval=1",
        "OTEL_PROPAGATORS": "xray", "AWS_XRAY_DAEMON_ADDRESS": f"udp:127.0.0.1:{udp} tcp:127.0.0.1:{tcp}"})
    t.get(service.port, "/call")
    t.until("the rules come through the proxy", lambda: x.fetches)

    def sampled():
        t.get(service.port, "/call")
        return dict(heads[-1])["x-amzn-trace-id"].endswith("Sampled=1")
    t.until("and count", lambda: all([sampled() for _ in range(5)]))
    t.until("statistics go through it", lambda: x.sums("calls")[0] >= 5)
    t.until("the receiver understands the documents", lambda: len(received(file)) >= 10)
    spans = received(file)
    root = re.search(r"Root=1-(\w+)-(\w+);Parent=(\w+)", dict(heads[-1])["x-amzn-trace-id"])
    t.until("the last call is there", lambda: any(s["spanId"] == root[3] for s in received(file)))
    call = next(s for s in received(file) if s["spanId"] == root[3])
    t.equal((call["traceId"], call["kind"], call["attributes"]["http.status_code"]), (root[1] + root[2], 3, "200"),
            "its trace, kind and status")
    t.check({s["kind"] for s in spans} == {2, 3}, "SERVER and CLIENT spans")
