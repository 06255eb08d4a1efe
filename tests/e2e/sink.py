"""A small OTLP/HTTP receiver for tests: protobuf and JSON, gzip or plain, with its own decoder.

Only the standard library is used, and nothing of Remora's, so that a mistake there is not repeated
here. Spans become dicts: trace_id, span_id, parent_id, name, kind, start, end, attributes, status,
flags, tracestate, resource. Run as a program it prints each span as a line of JSON.
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


def span_from_protobuf(data):
    span = {"trace_id": "", "span_id": "", "parent_id": "", "name": "", "kind": "UNSPECIFIED",
            "start": 0, "end": 0, "status": "unset", "status_message": "", "flags": 0,
            "tracestate": "", "dropped_attributes": 0}
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


def spans_from_protobuf(data):
    for number, _, resource_spans in fields(data):
        if number != 1:
            continue
        resource, spans = {}, []
        for sub, _, part in fields(resource_spans):
            if sub == 1:
                resource = attributes(key_value(v) for n, _, v in fields(part) if n == 1)
            elif sub == 2:
                spans += [span_from_protobuf(v) for n, _, v in fields(part) if n == 2]
        for span in spans:
            span["resource"] = resource
            yield span


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
                       "attributes": json_attributes(s.get("attributes", [])),
                       "resource": resource}


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
            if path != "/v1/traces":
                raise Malformed(f"path {path}")
            if headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            kind = headers.get("Content-Type", "").split(";")[0]
            parse = {"application/x-protobuf": spans_from_protobuf,
                     "application/json": spans_from_json}[kind]
            spans = list(parse(body))
            if not spans:
                raise Malformed("a request without spans")
        except Exception as error:  # whatever is wrong with a body is the sender's mistake
            with self.lock:
                self.errors.append(f"{path}: {error!r}")
            return 400
        with self.lock:
            self.received += spans
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

    def close(self):
        self.server.shutdown()
        self.server.server_close()


if __name__ == "__main__":
    Sink(on_span=lambda span: print(json.dumps(span), flush=True),
         port=int(sys.argv[1]) if len(sys.argv) > 1 else 4318)
    threading.Event().wait()
