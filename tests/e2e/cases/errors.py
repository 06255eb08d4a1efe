"""What is an error, and for whom: the same requests told to every exporter at once."""
import http.server
import json
import socket
import threading

import rollbar
import xray
from harness import DEADLINE, case
from sink import Server

# For the request as served and as sent: error of the span; X-Ray's flags; whether Zipkin has its error tag; Rollbar's level.
# "gone": the other end hangs up without an answer, and is no program of ours.
NONE = ("unset", (), False, None)
TABLE = {
    "200": (NONE, NONE),
    "302": (NONE, NONE),
    "404": (("unset", ("error",), False, None), ("error", ("error",), True, "warning")),
    "429": (("unset", ("error", "throttle"), False, None), ("error", ("error", "throttle"), True, "warning")),
    "500": (("error", ("fault",), True, "error"), ("error", ("fault",), True, "warning")),
    "503": (("error", ("fault",), True, "error"), ("error", ("fault",), True, "warning")),
    "gone": (None, ("error", ("fault",), True, "warning")),
}
CLIENT = '''
import http.client, sys
for port, path in zip(sys.argv[1::2], sys.argv[2::2]):
    connection = http.client.HTTPConnection("127.0.0.1", int(port))
    try:
        connection.request("GET", path)
        print(path, connection.getresponse().status)
    except http.client.RemoteDisconnected:
        print(path, "gone")
    connection.close()
'''


class Zipkin(Server):
    """Takes spans of API v2."""

    def __init__(self, t):
        self.spans, self.lock = [], threading.Condition()
        super().__init__(("127.0.0.1", 0), type("Handler", (ZipkinHandler,), {"sink": self}))
        t.closers += [self.server_close, self.shutdown]
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server_address[1]}/api/v2/spans"

    def wait(self, count, seconds=DEADLINE):
        with self.lock:
            self.lock.wait_for(lambda: len(self.spans) >= count, seconds)
            return list(self.spans)


class ZipkinHandler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        with self.sink.lock:
            self.sink.spans += json.loads(body)
            self.sink.lock.notify_all()
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments):
        pass


def hangs_up(t):
    listener = socket.create_server(("127.0.0.1", 0))
    t.closers.append(listener.close)

    def serve():
        connection, _ = listener.accept()
        connection.recv(4096)
        connection.close()
    threading.Thread(target=serve, daemon=True).start()
    return listener.getsockname()[1]


def flags(document):
    return tuple(sorted(key for key in ("error", "fault", "throttle") if document.get(key)))


def segments(documents):
    """All segments and subsegments, by id."""
    found, left = {}, list(documents)
    while left:
        document = left.pop()
        found[document["id"]] = document
        left += document.get("subsegments", [])
    return found


@case("failed requests are errors in every exporter at once, each in its own words", ["python3"], agent_only=True)
def every_exporter(t):
    zipkin, items, udp = Zipkin(t), rollbar.Items(t), xray.Datagrams(t)
    settings = {"OTEL_TRACES_EXPORTER": "otlp,zipkin,xray,rollbar,console", "OTEL_EXPORTER_ZIPKIN_ENDPOINT": zipkin.url,
                "AWS_XRAY_DAEMON_ADDRESS": udp.address, "ROLLBAR_ACCESS_TOKEN": rollbar.TOKEN, "ROLLBAR_ENDPOINT": items.url,
                "REMORA_ROLLBAR_ITEMS": "exceptions,server,client"}
    port = t.port()
    server = t.start("server", [t.build.app("http-server-c-epoll"), port], port, env=settings)
    asked = [x for path in TABLE for x in ((hangs_up(t), "/gone") if path == "gone" else (port, f"/status/{path}"))]
    said = t.run("client", ["python3", "-c", CLIENT, *asked], env=settings)
    count = 2 * len(TABLE) - 1
    spans = t.sink.wait(count, DEADLINE)
    t.equal(len(spans), count, "spans")
    wanted_items = sum(side is not None and side[3] is not None for row in TABLE.values() for side in row)
    zipkins = {s["id"]: s for s in zipkin.wait(count)}
    levels = {d["custom"]["span_id"]: d["level"] for d in items.wait(wanted_items)}
    t.until("documents", lambda: {s["span_id"] for s in spans} <= set(segments(udp.documents)))
    documents = segments(udp.documents)
    t.equal(len(items.wait(wanted_items + 1, 0.5)), wanted_items, "items")
    console = {c["context"]["span_id"][2:]: c["status"]["status_code"] for log in (server.log.read_text(), said)
               for c in map(json.loads, (line for line in log.splitlines() if line.startswith("{")))}
    for s in spans:
        path = s["attributes"].get("url.path") or s["attributes"]["url.full"]
        side = TABLE[path.rsplit("/", 1)[1]][s["kind"] == "CLIENT"]
        id, what = s["span_id"], f"{s['kind']} {path}"
        t.equal(s["status"], side[0], f"{what}: OTLP")
        t.check(("error.type" in s["attributes"]) == (side[0] == "error"), f"{what}: error.type {s['attributes']}")
        t.equal(flags(documents[id]), side[1], f"{what}: X-Ray")
        t.equal("error" in zipkins[id]["tags"], side[2], f"{what}: Zipkin {zipkins[id]['tags']}")
        t.equal(zipkins[id]["tags"].get("otel.status_code"), "ERROR" if side[0] == "error" else None, f"{what}: Zipkin's status")
        t.equal(levels.get(id), side[3], f"{what}: Rollbar")
        if id in console:
            t.equal(console[id], side[0].upper(), f"{what}: console")
    t.check(len(console) > 0, f"the console: {said}")
    t.spans(count)
