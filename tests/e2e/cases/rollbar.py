"""Rollbar: items of crashes and failed requests against a sink that is as strict as its documentation, and as pyrollbar."""
import http.server
import json
import re
import signal
import threading
import time

from apps import c_epoll
from fetched import pypi
from harness import DEADLINE, case
from sink import Server

TOKEN = "hush0123456789abcdef0123456789ab"
APP = '''
import sys
from flask import Flask, got_request_exception
app = Flask(__name__)

def inner(home):
    return home["k"]

@app.route("/home")
def home():
    try:
        return inner({})
    except KeyError as e:
        raise ValueError("no home") from e

@app.route("/hello")
def hello():
    return "hello"

if sys.argv[2:]:
    import rollbar, rollbar.contrib.flask
    rollbar.init(sys.argv[2], "production", endpoint=sys.argv[3], handler="blocking", allow_logging_basic_config=False,
                 include_request_body=False)
    got_request_exception.connect(rollbar.contrib.flask.report_exception, app)
app.run("127.0.0.1", int(sys.argv[1]))
'''


class Items(Server):
    """Takes items; `answers` are the statuses and headers of the first of them, then all are taken."""

    def __init__(self, t, *answers):
        self.items, self.tokens, self.problems, self.answers, self.times = [], set(), [], list(answers), []
        self.lock = threading.Condition()
        super().__init__(("127.0.0.1", 0), type("Handler", (Handler,), {"sink": self}))
        t.closers.append(self.server_close)
        t.closers.append(self.shutdown)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/api/1/"

    def wait(self, count, seconds=DEADLINE):
        with self.lock:
            self.lock.wait_for(lambda: len(self.items) >= count, seconds)
            return list(self.items)


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.sink.lock:
            status, headers = self.sink.answers.pop(0) if self.sink.answers else (200, {})
            self.sink.times.append(time.monotonic())
            self.sink.tokens.add(self.headers["X-Rollbar-Access-Token"])
            if self.path != "/api/1/item/" or self.headers["Content-Type"] != "application/json":
                self.sink.problems.append(f"{self.path} {self.headers}")
            if status == 200:
                item = json.loads(body)
                self.sink.problems += problems(item)
                self.sink.items.append(item["data"])
                self.sink.lock.notify_all()
        # A backend that says more than it should.
        answer = json.dumps({"err": int(status != 200), "message": f"token {TOKEN}", "result": {"id": None}}).encode()
        self.send_response(status)
        for key, value in {"Content-Type": "application/json", "Content-Length": len(answer), **headers}.items():
            self.send_header(key, str(value))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *arguments):
        pass


# What the API's documentation says of each: its type, and the most characters or bytes.
FIELDS = {"environment": (str, 255), "level": (str, 8), "timestamp": (int, None), "code_version": (str, 40),
          "platform": (str, 255), "language": (str, 255), "framework": (str, 255), "context": (str, 255),
          "request": (dict, None), "server": (dict, None), "custom": (dict, None), "fingerprint": (str, 40),
          "title": (str, 255), "uuid": (str, 36), "notifier": (dict, None), "body": (dict, None), "person": (dict, None)}
FRAME = {"filename": str, "lineno": int, "colno": int, "method": str, "code": str, "argspec": list, "locals": dict,
         "class_name": str, "context": dict, "args": list, "varargspec": str, "keywordspec": str}


def problems(item):
    """What Rollbar would refuse, or not understand."""
    data = item.get("data", {})
    found = [f"{key} is not known" for key in data if key not in FIELDS]
    found += [f"{key}: {data[key]!r}" for key, (kind, most) in FIELDS.items() if key in data
              and (not isinstance(data[key], kind) or (most and len(data[key]) > most))]
    found += [f"no {key}" for key in ("environment", "body") if key not in data]
    if data.get("level") not in ("critical", "error", "warning", "info", "debug"):
        found.append(f"level {data.get('level')}")
    body = data.get("body", {})
    if len(set(body) & {"trace", "trace_chain", "message", "crash_report"}) != 1:
        found.append(f"body {list(body)}")
    for trace in body.get("trace_chain", [body["trace"]] if "trace" in body else []):
        if not isinstance(trace["exception"].get("class"), str) or not trace["exception"]["class"]:
            found.append(f"exception {trace['exception']}")
        for frame in trace["frames"]:
            found += [f"frame {frame}" for key, value in frame.items() if not isinstance(value, FRAME.get(key, ()))]
            found += [f"no filename in {frame}"] if not frame.get("filename") else []
    if "message" in body and not body["message"].get("body"):
        found.append(f"message {body['message']}")
    return found


def settings(sink, **more):
    return {"OTEL_TRACES_EXPORTER": "rollbar", "ROLLBAR_ACCESS_TOKEN": TOKEN, "ROLLBAR_ENDPOINT": sink.url,
            "OTEL_RESOURCE_ATTRIBUTES": "service.version=1.2.3,host.name=here", **more}


def good(t, sink):
    t.equal(sink.problems, [], "what Rollbar would say of it")
    t.equal(sink.tokens, {TOKEN}, "the token")
    for log in t.dir.glob("*.log"):
        t.check(TOKEN not in log.read_text(errors="replace"), f"the token is in {log.name}")


@case("Rollbar: a request that fails is an item, with the request and its trace, and others are none", ["curl"],
      agent_only=True)
def failed_requests(t):
    sink = Items(t)
    server = c_epoll(t, agent=False)
    port = t.port()
    program = [t.build.app("http-server-c-epoll"), port]
    t.start("shop", program, port, env=settings(sink, REMORA_DEBUG="all"))
    t.get(port, "/hello", "/status/404", "/status/503?password=hush-1&a=2")
    t.run("curl", ["curl", "-sS", f"{server.url}/status/500"], env=settings(sink))
    t.run("asked", ["curl", "-sS", f"{server.url}/status/500"], env=settings(sink, REMORA_ROLLBAR_ITEMS="client"))
    sink.wait(2)
    t.stop()
    items = sink.wait(3, 0.5)
    t.equal(sorted(i["level"] for i in items), ["error", "warning"], "levels")
    item, = [i for i in items if i["level"] == "error"]
    t.equal((item["environment"], item["code_version"], item["platform"], item["context"], item["server"]["host"]),
            ("production", "1.2.3", "linux", "GET /status/503", "here"), "the item")
    t.equal(item["body"], {"message": {"body": "503 in answer to GET /status/503"}}, "its body")
    t.equal(item["request"], {"url": f"http://127.0.0.1:{port}/status/503?password=REDACTED&a=2", "method": "GET",
                              "query_string": "password=REDACTED&a=2"}, "its request")
    t.check(re.fullmatch(r"[0-9a-f]{32}", item["custom"]["trace_id"]) and item["custom"]["service"] == "shop", item)
    t.check("person" not in item and "user_ip" not in json.dumps(item), item)
    good(t, sink)


@case("Rollbar: a crash is a critical item with its frames, also where the process is not below `remora run`",
      agent_only=True)
def crash(t):
    sink = Items(t)
    for name, before in ("alone", []), ("below", [t.build.cli, "run", "-q", "--"]):
        port = t.port()
        log = t.start(name, [*before, t.build.app("crash-server-c", options=["-pthread"]), port], port, agent=not before,
                      env=settings(sink, REMORA_CRASH="true", ROLLBAR_ENV="staging"))
        t.get(port, "/ok")
        t.exchange(port, b"GET /segv HTTP/1.1\r\nHost: here\r\n\r\n", 100)
        t.equal(log.popen.wait(DEADLINE), -signal.SIGSEGV, "status")
    items = sink.wait(2)
    t.equal([i["level"] for i in items], ["critical"] * 2, "levels")
    for item in items:
        trace = item["body"]["trace"]
        t.equal(trace["exception"]["class"], "SIGSEGV", "class")
        t.check(trace["frames"][-1]["method"] in ("fault", "crash") and trace["frames"][0]["method"] == "_start", trace)
        t.equal((item["environment"], item["context"], item["language"]), ("staging", "GET /segv", "c"), "the item")
    t.equal(len({i["fingerprint"] for i in items}), 2, "services")  # each process is called otherwise
    good(t, sink)


@case("Rollbar: nothing is sent while the rate is used up, and nothing is lost or sent twice by it", agent_only=True)
def rate(t):
    sink = Items(t, (200, {"X-Rate-Limit-Remaining": 0, "X-Rate-Limit-Remaining-Seconds": 1}),
                 (429, {"X-Rate-Limit-Remaining": 0, "X-Rate-Limit-Remaining-Seconds": 2}), (503, {}))
    port = t.port()
    t.start("shop", [t.build.app("http-server-c-epoll"), port], port, env=settings(sink, REMORA_DEBUG="export"))
    t.get(port, *(f"/status/50{i}" for i in range(4)))
    items = sink.wait(4)
    t.equal(sorted(i["custom"]["error"] for i in items), ["500", "501", "502", "503"], "items, each once")
    t.equal(len({i["uuid"] for i in items}), 4, "their ids")
    t.check(sink.times[1] - sink.times[0] >= 0.9 and sink.times[2] - sink.times[1] >= 1.9, f"times {sink.times}")
    t.stop()
    t.equal(len(sink.wait(5, 0.5)), 4, "items in the end")
    good(t, sink)


@case("Rollbar: without a token, or with a wrong one, that is said once, and the token never is", agent_only=True)
def token(t):
    sink = Items(t, *[(401, {})] * 9)
    for name, env in ("wrong", {}), ("none", {"ROLLBAR_ACCESS_TOKEN": ""}):
        port = t.port()
        server = t.start(name, [t.build.app("http-server-c-epoll"), port], port,
                         env=settings(sink, **{"REMORA_DEBUG": "export", **env}))
        t.get(port, "/status/500", "/status/500", "/hello")
        time.sleep(1)
        t.get(port, "/status/500")
        server.stop()
        said = server.log.read_text()
        t.equal(len(re.findall(r"Rollbar: ROLLBAR_ACCESS_TOKEN is not set" if env else r"errors cannot be exported to .*401", said)), 1,
                said[-800:])
    for log in t.dir.glob("*.log"):
        t.check(TOKEN not in log.read_text(errors="replace"), f"the token is in {log.name}")


def shape(value):
    """Names and types, of lists those of their elements together."""
    if isinstance(value, dict):
        return {key: shape(inner) for key, inner in value.items()}
    return type(value).__name__


@case("Rollbar: an item has the members and the types that pyrollbar's has for the same failed request", ["python3"],
      agent_only=True)
def as_pyrollbar(t):
    python = pypi("rollbar", "rollbar", "flask", "blinker") / "python"
    (t.dir / "app.py").write_text(APP)
    theirs, ours = Items(t), Items(t)
    for name, more, env in (("theirs", [TOKEN, theirs.url], {"REMORA_DISABLED": "1"}),
                            ("ours", [], settings(ours, OTEL_SERVICE_NAME="app"))):
        port = t.port()
        t.start(name, [python, "app.py", port, *more], port, env=env)
        t.get(port, "/hello", "/home?a=1")
    reference, = theirs.wait(1)
    item = ours.wait(1)[0]
    # What it takes from inside the program, and what tells of persons or secrets.
    left_out = {"framework"}
    t.equal(set(reference) - set(item), left_out, "members that only pyrollbar has")
    for key in set(reference) & set(item) - {"body", "request", "server", "context", "uuid"}:
        t.equal(shape(item[key]), shape(reference[key]), f"types in {key}")
    t.equal(set(reference["request"]) - set(item["request"]), {"GET", "POST", "user_ip", "headers", "files_keys"}, "of the request")
    for key in ("method", "url"):
        t.equal(item["request"][key].split("://")[-1].split("/", 1)[-1],
                reference["request"][key].split("://")[-1].split("/", 1)[-1], key)
    t.equal(set(reference["server"]) - set(item["server"]), {"argv", "root"} & set(reference["server"]), "of the server")
    t.check(reference["language"].startswith(item["language"]), (reference["language"], item["language"]))
    t.equal((item["level"], item["environment"]), (reference["level"], reference["environment"]), "level and environment")
    good(t, ours)


def frames(item):
    """Where and what of each exception of a chain, frames innermost last, those of the application alone."""
    body = item["body"]
    return [(trace["exception"]["class"], trace["exception"].get("message"),
             [(f["filename"].rsplit("/", 1)[-1], f["lineno"], f["method"]) for f in trace["frames"]
              if f["filename"].endswith("/app.py")])
            for trace in body.get("trace_chain", [body.get("trace")])]


@case("Rollbar: an exception that Flask prints is the chain, with the frames, that pyrollbar makes of it, and of its request",
      ["python3"], agent_only=True)
def printed(t):
    python = pypi("rollbar", "rollbar", "flask", "blinker") / "python"
    (t.dir / "app.py").write_text(APP)
    theirs, ours = Items(t), Items(t)
    for name, more, env in (("theirs", [TOKEN, theirs.url], {"REMORA_DISABLED": "1"}),
                            ("ours", [], {**settings(ours, OTEL_SERVICE_NAME="app", REMORA_ROLLBAR_ITEMS="exceptions"),
                                          "OTEL_LOGS_EXPORTER": "rollbar", "OTEL_TRACES_EXPORTER": "none"})):
        port = t.port()
        t.start(name, [python, t.dir / "app.py", port, *more], port, env=env)
        t.get(port, "/hello", "/home?a=1")
    reference, = theirs.wait(1)
    ours.wait(1)
    t.stop()
    item, = ours.wait(2, 0.5)
    t.equal(frames(item), frames(reference), "exceptions and frames of the application")
    t.equal(item["level"], reference["level"], "level")
    t.check(re.fullmatch(r"[0-9a-f]{32}", item["custom"]["trace_id"]), item["custom"])
    good(t, ours)
