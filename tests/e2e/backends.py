"""The backends that programs export to at once: each keeps what it takes, and can be silent or fail on request."""
import gzip
import hashlib
import hmac
import http.server
import json
import threading
import urllib.parse

from sink import Server, logs_from_protobuf, spans_from_protobuf

REGION, KEY, SECRET = "us-east-1", "AKIDEXAMPLE", "hush/wJalrXUtnFEMI+K7MDENG"
TEAM, TOKEN = "hush-team-0123456789", "hush0123456789abcdef0123456789ab"


class Backend(Server):
    """`mode` is ok, 500, or silent: then nothing is answered before the end of the test."""

    def __init__(self, t, mode="ok"):
        self.mode, self.problems, self.asked, self.lock = mode, [], 0, threading.Condition()
        self.over = threading.Event()
        super().__init__(("127.0.0.1", 0), type("Handler", (Handler,), {"backend": self}))
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        t.closers.append(self.server_close)
        t.closers.append(self.shutdown)
        t.closers.append(self.over.set)
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, request, body):
        """(status, text) of a request; None: there is none."""
        with self.lock:
            self.asked += 1
        if self.mode == "silent":
            self.over.wait()
            return None
        if self.mode != "ok":
            return int(self.mode), "{}"
        with self.lock:
            text = self.take(request, body)
            self.lock.notify_all()
        return 200, text

    def wait(self, holds, seconds=30):
        """True once holds() does."""
        with self.lock:
            return self.lock.wait_for(holds, seconds)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        answer = self.backend.answer(self, body)
        if answer is None:
            self.close_connection = True
            return
        status, text = answer
        self.send_response(status)
        self.send_header("Content-Type", "application/json" if text else "application/x-protobuf")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *arguments):
        pass


class Otlp(Backend):
    """Takes traces and logs, from those who know the team's key."""

    def __init__(self, t, mode="ok"):
        self.spans, self.logs = [], []
        super().__init__(t, mode)

    def take(self, request, body):
        if request.headers.get("x-honeycomb-team") != TEAM:
            self.problems.append(f"team {request.headers.get('x-honeycomb-team')}")
        if request.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        if request.path == "/v1/traces":
            self.spans += spans_from_protobuf(body)
        elif request.path == "/v1/logs":
            self.logs += logs_from_protobuf(body)
        else:
            self.problems.append(request.path)
        return ""

    def settings(self):
        return {"OTEL_EXPORTER_OTLP_ENDPOINT": self.url, "OTEL_EXPORTER_OTLP_HEADERS": f"x-honeycomb-team={TEAM}"}


def signature(request, body):
    """That of the request, by the scheme's description (Signature Version 4), and that which it has."""
    fields = dict(part.strip().split("=", 1) for part in request.headers["Authorization"].split(" ", 1)[1].split(","))
    _, day, region, service, _ = fields["Credential"].split("/")
    names = fields["SignedHeaders"].split(";")
    canonical = "\n".join(["POST", urllib.parse.quote(request.path), "",
                           *(f"{name}:{' '.join(request.headers[name].split())}" for name in names), "",
                           fields["SignedHeaders"], hashlib.sha256(body).hexdigest()])
    key = ("AWS4" + SECRET).encode()
    for part in (day, region, service, "aws4_request"):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    scope = f"{day}/{region}/{service}/aws4_request"
    text = "\n".join(["AWS4-HMAC-SHA256", request.headers["X-Amz-Date"], scope, hashlib.sha256(canonical.encode()).hexdigest()])
    return hmac.new(key, text.encode(), hashlib.sha256).hexdigest(), fields["Signature"]


class CloudWatch(Backend):
    """Takes signed events, of the one account."""

    def __init__(self, t, mode="ok"):
        self.messages = []
        super().__init__(t, mode)

    def take(self, request, body):
        right, given = signature(request, body)
        if right != given:
            self.problems.append(f"signature {given} of {request.headers['X-Amz-Target']}, which is {right}")
        self.messages += [event["message"] for event in json.loads(body).get("logEvents", [])]
        return "{}"

    def settings(self):
        return {"AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": self.url, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": KEY,
                "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_EC2_METADATA_DISABLED": "true", "REMORA_CLOUDWATCH_LOG_GROUP": "cruddur"}


class Rollbar(Backend):
    """Takes items."""

    def __init__(self, t, mode="ok"):
        self.items = []
        super().__init__(t, mode)

    def take(self, request, body):
        if request.headers["X-Rollbar-Access-Token"] != TOKEN or request.path != "/api/1/item/":
            self.problems.append(f"{request.path} {request.headers}")
        self.items.append(json.loads(body)["data"])
        return '{"err": 0, "result": {}}'

    def settings(self):
        return {"ROLLBAR_ACCESS_TOKEN": TOKEN, "ROLLBAR_ENDPOINT": f"{self.url}/api/1/", "REMORA_ROLLBAR_ITEMS": "exceptions"}
