"""A small OTLP/HTTP receiver for tests: protobuf and JSON, gzip or plain, with its own decoder.

Only the standard library is used, and nothing of Remora's, so that a mistake there is not repeated
here. Spans become dicts: trace_id, span_id, parent_id, name, kind, start, end, attributes, status,
flags, tracestate, links, events, resource, scope; log records likewise. Run as a program it prints each span as a line of JSON.
"""
import gzip
import json
import struct
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KINDS = {0: "UNSPECIFIED", 1: "INTERNAL", 2: "SERVER", 3: "CLIENT", 4: "PRODUCER", 5: "CONSUMER"}
STATUSES = {0: "unset", 1: "ok", 2: "error"}


class Malformed(Exception):
    pass


def varint(data, at):
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise Malformed("varint")
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7


def fields(data):
    """Yields (field number, wire type, value) of one protobuf message."""
    at = 0
    while at < len(data):
        key, at = varint(data, at)
        wire = key & 7
        if wire == 0:
            value, at = varint(data, at)
        elif wire == 1:
            value, at = data[at:at + 8], at + 8
        elif wire == 2:
            size, at = varint(data, at)
            value, at = data[at:at + size], at + size
        elif wire == 5:
            value, at = data[at:at + 4], at + 4
        else:
            raise Malformed(f"wire type {wire}")
        if at > len(data):
            raise Malformed("length")
        yield key >> 3, wire, value


def signed(value):
    return value - (1 << 64) if value >= 1 << 63 else value


def any_value(data):
    for number, _, value in fields(data):
        if number == 1:
            return value.decode()
        if number == 2:
            return bool(value)
        if number == 3:
            return signed(value)
        if number == 4:
            return struct.unpack("<d", value)[0]
        if number == 5:
            return [any_value(v) for n, _, v in fields(value) if n == 1]
        if number == 6:
            return dict(key_value(v) for n, _, v in fields(value) if n == 1)
        if number == 7:
            return bytes(value)
    return None


def key_value(data):
    key, value = "", None
    for number, _, part in fields(data):
        if number == 1:
            key = part.decode()
        elif number == 2:
            value = any_value(part)
    return key, value


def attributes(pairs):
    found = {}
    for key, value in pairs:
        if key in found:
            raise Malformed(f"attribute {key} twice")
        found[key] = value
    return found


def event_from_protobuf(data):
    event, pairs = {"name": "", "time": 0, "dropped_attributes": 0}, []
    for number, _, value in fields(data):
        if number == 1:
            event["time"] = struct.unpack("<Q", value)[0]
        elif number == 2:
            event["name"] = value.decode()
        elif number == 3:
            pairs.append(key_value(value))
        elif number == 4:
            event["dropped_attributes"] = value
    event["attributes"] = attributes(pairs)
    return event


def span_from_protobuf(data):
    span = {"trace_id": "", "span_id": "", "parent_id": "", "name": "", "kind": "UNSPECIFIED",
            "start": 0, "end": 0, "status": "unset", "status_message": "", "flags": 0,
            "tracestate": "", "dropped_attributes": 0, "dropped_events": 0, "links": [], "events": []}
    pairs = []
    for number, _, value in fields(data):
        if number in (1, 2, 4):
            span[{1: "trace_id", 2: "span_id", 4: "parent_id"}[number]] = value.hex()
        elif number in (3, 5):
            span[{3: "tracestate", 5: "name"}[number]] = value.decode()
        elif number == 6:
            span["kind"] = KINDS[value]
        elif number in (7, 8):
            span[{7: "start", 8: "end"}[number]] = struct.unpack("<Q", value)[0]
        elif number == 9:
            pairs.append(key_value(value))
        elif number == 10:
            span["dropped_attributes"] = value
        elif number == 11:
            span["events"].append(event_from_protobuf(value))
        elif number == 12:
            span["dropped_events"] = value
        elif number == 13:
            link = {n: v for n, _, v in fields(value)}
            span["links"].append((link[1].hex(), link[2].hex()))
        elif number == 15:
            for sub, _, part in fields(value):
                if sub == 2:
                    span["status_message"] = part.decode()
                elif sub == 3:
                    span["status"] = STATUSES[part]
        elif number == 16:
            span["flags"] = struct.unpack("<I", value)[0]
    span["attributes"] = attributes(pairs)
    return span


def scope_from_protobuf(scope_spans):
    scope = {"name": "", "version": ""}
    for _, _, part in (field for field in fields(scope_spans) if field[0] == 1):
        scope.update(({1: "name", 2: "version"}[n], v.decode()) for n, _, v in fields(part) if n in (1, 2))
    return scope


def spans_from_protobuf(data):
    for number, _, resource_spans in fields(data):
        if number != 1:
            continue
        resource, spans = {}, []
        for sub, _, part in fields(resource_spans):
            if sub == 1:
                resource = attributes(key_value(v) for n, _, v in fields(part) if n == 1)
            elif sub == 2:
                scope = scope_from_protobuf(part)
                spans += [{**span_from_protobuf(v), "scope": scope} for n, _, v in fields(part) if n == 2]
        for span in spans:
            span["resource"] = resource
            yield span


def log_from_protobuf(data):
    log = {"trace_id": "", "span_id": "", "time": 0, "observed": 0, "severity": 0, "severity_text": "", "body": None,
           "flags": 0, "event": "", "dropped_attributes": 0}
    pairs = []
    for number, _, value in fields(data):
        if number in (1, 11):
            log[{1: "time", 11: "observed"}[number]] = struct.unpack("<Q", value)[0]
        elif number in (2, 7):
            log[{2: "severity", 7: "dropped_attributes"}[number]] = value
        elif number in (3, 12):
            log[{3: "severity_text", 12: "event"}[number]] = value.decode()
        elif number == 5:
            log["body"] = any_value(value)
        elif number == 6:
            pairs.append(key_value(value))
        elif number == 8:
            log["flags"] = struct.unpack("<I", value)[0]
        elif number in (9, 10):
            log[{9: "trace_id", 10: "span_id"}[number]] = value.hex()
    log["attributes"] = attributes(pairs)
    return log


def logs_from_protobuf(data):
    for number, _, resource_logs in fields(data):
        if number != 1:
            continue
        resource, logs = {}, []
        for sub, _, part in fields(resource_logs):
            if sub == 1:
                resource = attributes(key_value(v) for n, _, v in fields(part) if n == 1)
            elif sub == 2:
                logs += [log_from_protobuf(v) for n, _, v in fields(part) if n == 2]
        for log in logs:
            log["resource"] = resource
            yield log


def json_value(value):
    (kind, inner), = value.items()
    if kind == "intValue":
        return int(inner)
    if kind == "arrayValue":
        return [json_value(v) for v in inner.get("values", [])]
    return inner


def json_attributes(pairs):
    return attributes((pair["key"], json_value(pair["value"])) for pair in pairs)


def spans_from_json(data):
    for resource_spans in json.loads(data).get("resourceSpans", []):
        resource = json_attributes(resource_spans.get("resource", {}).get("attributes", []))
        for scope in resource_spans.get("scopeSpans", []):
            for s in scope.get("spans", []):
                status = s.get("status", {})
                yield {"trace_id": s["traceId"], "span_id": s["spanId"],
                       "parent_id": s.get("parentSpanId", ""), "name": s["name"],
                       "kind": KINDS[s.get("kind", 0)], "start": int(s["startTimeUnixNano"]),
                       "end": int(s["endTimeUnixNano"]), "status": STATUSES[status.get("code", 0)],
                       "status_message": status.get("message", ""), "flags": s.get("flags", 0),
                       "tracestate": s.get("traceState", ""),
                       "dropped_attributes": s.get("droppedAttributesCount", 0),
                       "dropped_events": s.get("droppedEventsCount", 0),
                       "links": [(link["traceId"], link["spanId"]) for link in s.get("links", [])],
                       "events": [{"name": e["name"], "time": int(e["timeUnixNano"]),
                                   "dropped_attributes": e.get("droppedAttributesCount", 0),
                                   "attributes": json_attributes(e.get("attributes", []))}
                                  for e in s.get("events", [])],
                       "attributes": json_attributes(s.get("attributes", [])),
                       "resource": resource,
                       "scope": {key: scope.get("scope", {}).get(key, "") for key in ("name", "version")}}


def logs_from_json(data):
    for resource_logs in json.loads(data).get("resourceLogs", []):
        resource = json_attributes(resource_logs.get("resource", {}).get("attributes", []))
        for scope in resource_logs.get("scopeLogs", []):
            for log in scope.get("logRecords", []):
                yield {"trace_id": log.get("traceId", ""), "span_id": log.get("spanId", ""),
                       "time": int(log.get("timeUnixNano", 0)), "observed": int(log["observedTimeUnixNano"]),
                       "severity": log.get("severityNumber", 0), "severity_text": log.get("severityText", ""),
                       "body": json_value(log["body"]), "flags": log.get("flags", 0), "event": log.get("eventName", ""),
                       "dropped_attributes": log.get("droppedAttributesCount", 0),
                       "attributes": json_attributes(log.get("attributes", [])), "resource": resource}


class Server(ThreadingHTTPServer):
    request_queue_size = 128
    daemon_threads = True

    def handle_error(self, request, client_address):
        """A sender that is killed resets its connection; nobody needs to read of that."""


class Sink:
    """Listens on a free port from the moment it is made. `decode` False only counts bytes."""

    def __init__(self, decode=True, on_span=None, port=0):
        self.decode = decode
        self.on_span = on_span
        self.lock = threading.Condition()
        self.received = []
        self.logs = []
        self.errors = []
        self.requests = 0
        self.bytes = 0
        self.bodies = []
        self.user_agents = set()
        self.server = Server(("127.0.0.1", port), self.handler())
        self.port = self.server.server_address[1]
        self.endpoint = f"http://127.0.0.1:{self.port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def handler(sink):
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                if self.headers.get("Transfer-Encoding") == "chunked":
                    body = self.chunked()
                else:
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                    if len(body) < int(self.headers["Content-Length"]):
                        self.close_connection = True  # the sender's time was over: it gave up in the middle
                        return
                status = sink.take(self.path, self.headers, body)
                kind = self.headers.get("Content-Type", "")
                answer = b"{}" if status == 200 and kind.startswith("application/json") else b""
                self.send_response(status)
                self.send_header("Content-Type", kind or "text/plain")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def chunked(self):
                body = b""
                while size := int(self.rfile.readline().split(b";")[0], 16):
                    body += self.rfile.read(size)
                    self.rfile.readline()
                self.rfile.readline()
                return body

            def log_message(self, *arguments):
                pass

        return Handler

    def take(self, path, headers, body):
        with self.lock:
            self.requests += 1
            self.bytes += len(body)
            self.user_agents.add(headers.get("User-Agent", ""))
        if not self.decode:
            return 200
        try:
            if path not in ("/v1/traces", "/v1/logs"):
                raise Malformed(f"path {path}")
            if headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            kind = headers.get("Content-Type", "").split(";")[0]
            parse = {("/v1/traces", "application/x-protobuf"): spans_from_protobuf,
                     ("/v1/traces", "application/json"): spans_from_json,
                     ("/v1/logs", "application/x-protobuf"): logs_from_protobuf,
                     ("/v1/logs", "application/json"): logs_from_json}[path, kind]
            found = list(parse(body))
            if not found:
                raise Malformed("a request without spans or logs")
        except Exception as error:  # whatever is wrong with a body is the sender's mistake
            with self.lock:
                self.errors.append(f"{path}: {error!r}")
            return 400
        spans = found if path == "/v1/traces" else []
        with self.lock:
            self.received += spans
            self.logs += found if path == "/v1/logs" else []
            self.bodies.append((kind, body))
            self.lock.notify_all()
        if self.on_span:
            for span in spans:
                self.on_span(span)
        return 200

    def wait(self, count, seconds):
        """Waits until `count` spans are there or the time is over; returns all that are there."""
        end = time.monotonic() + seconds
        with self.lock:
            while len(self.received) < count and (left := end - time.monotonic()) > 0:
                self.lock.wait(left)
            return list(self.received)

    def wait_for_logs(self, count, seconds):
        """The same of log records."""
        end = time.monotonic() + seconds
        with self.lock:
            while len(self.logs) < count and (left := end - time.monotonic()) > 0:
                self.lock.wait(left)
            return list(self.logs)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    Sink(on_span=lambda span: print(json.dumps(span), flush=True),
         port=int(sys.argv[1]) if len(sys.argv) > 1 else 4318)
    threading.Event().wait()
