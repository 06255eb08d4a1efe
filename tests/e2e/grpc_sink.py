"""A receiver of OTLP/gRPC that misbehaves on request, and counts what reaches it.

HTTP/2 is hyper-h2's, gRPC is here. A script is a list of faults, one per call; the last one holds for all
that follow. A fault is
  0, 14, 8, ...     that grpc-status, without a body, in the head alone
  14:away           with this grpc-message
  trailers:13       the status behind a head and a message
  retry:8:2         with RetryInfo of two seconds in grpc-status-details-bin (retry:CODE:SECONDS)
  partial:2         0, of which two spans are rejected
  packed:2          the same, in a message compressed by gzip
  http:503          that status of HTTP, and nothing of gRPC
  reset             the stream is reset after the request
  cut               a head, then the stream is reset
  goaway            GOAWAY and the end of the connection, no answer
  close             the connection is closed without an answer
  silent            no answer until the client leaves
"""
import base64
import gzip
import socket

import h2.config
import h2.connection
import h2.events
import h2.exceptions

from fault_sink import FaultSink
from sink import spans_from_protobuf

METHOD = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"


def field(number, data):
    return bytes([number << 3 | 2]) + bytes([len(data)]) + data


def details(code, seconds):
    """google.rpc.Status with google.rpc.RetryInfo, as gRPC puts it into a header."""
    info = field(1, b"\x08" + bytes([seconds]))
    any_ = field(1, b"type.googleapis.com/google.rpc.RetryInfo") + field(2, info)
    return base64.b64encode(b"\x08" + bytes([code]) + field(2, b"later") + field(3, any_)).decode().rstrip("=")


def partial(rejected):
    return field(1, b"\x08" + bytes([rejected]) + field(2, b"old"))


def frame(message, packed=False):
    if packed:
        message = gzip.compress(message)
    return bytes([packed]) + len(message).to_bytes(4, "big") + message


class GrpcSink(FaultSink):
    def __init__(self, *faults, tls=None, unix=None, port=0):
        self.unix, self.headers = unix, []
        super().__init__(*faults, port=port, tls=tls)

    def listen(self, port):
        if not self.unix:
            super().listen(port)
            return
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.listener.bind(str(self.unix))
        self.listener.listen()
        self.endpoint = f"unix://{self.unix}"

    def talk(self, connection):
        if self.tls and connection.selected_alpn_protocol() != "h2":
            return
        try:
            self.serve_streams(connection)
        except h2.exceptions.ProtocolError:
            pass  # clients of a faulty server leave in every way

    def serve_streams(self, connection):
        http = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))
        http.initiate_connection()
        connection.sendall(http.data_to_send())
        requests = {}
        while data := connection.recv(65536):
            for event in http.receive_data(data):
                if isinstance(event, h2.events.RequestReceived):
                    requests[event.stream_id] = (event.headers, bytearray())
                elif isinstance(event, h2.events.DataReceived):
                    requests[event.stream_id][1].extend(event.data)
                    http.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                elif isinstance(event, h2.events.StreamEnded):
                    headers, body = requests.pop(event.stream_id)
                    if not self.answer(connection, http, event.stream_id, self.take(headers, bytes(body))):
                        connection.sendall(http.data_to_send())
                        return
            connection.sendall(http.data_to_send())

    def take(self, headers, body):
        names = dict(headers)
        packed, size, message = body[0], int.from_bytes(body[1:5], "big"), body[5:]
        assert size == len(message) and names[":path"] == METHOD and names[":method"] == "POST"
        assert names["content-type"] == "application/grpc" and names["te"] == "trailers"
        assert packed == (names.get("grpc-encoding") == "gzip")
        assert all(name == name.lower() for name in names)
        if packed:
            message = gzip.decompress(message)
        with self.lock:
            fault = self.faults[min(len(self.requests), len(self.faults) - 1)]
            self.requests.append((fault, len(list(spans_from_protobuf(message)))))
            self.headers.append(names)
            self.bodies.append(message)
        return fault

    def answer(self, connection, http, stream, fault):
        """False where it ends the connection."""
        head = [(":status", "200"), ("content-type", "application/grpc")]
        kind, _, argument = fault.partition(":")
        if kind == "silent":
            connection.sendall(http.data_to_send())
            while connection.recv(65536):
                pass
            return False
        if kind in ("close", "goaway"):
            if kind == "goaway":
                http.close_connection(last_stream_id=0)
            return False
        if kind == "http":
            http.send_headers(stream, [(":status", argument), ("content-type", "text/html")])
            http.send_data(stream, b"<h1>no</h1>", end_stream=True)
        elif kind == "reset":
            http.reset_stream(stream, 2)
        elif kind == "cut":
            http.send_headers(stream, head)
            http.reset_stream(stream, 2)
        elif kind in ("partial", "packed"):
            http.send_headers(stream, head + ([("grpc-encoding", "gzip")] if kind == "packed" else []))
            http.send_data(stream, frame(partial(int(argument)), kind == "packed"))
            http.send_headers(stream, [("grpc-status", "0")], end_stream=True)
        elif kind == "trailers":
            http.send_headers(stream, head)
            http.send_data(stream, frame(b""))
            http.send_headers(stream, [("grpc-status", argument), ("grpc-message", "over%20there")], end_stream=True)
        elif kind == "retry":
            code, seconds = map(int, argument.split(":"))
            http.send_headers(stream, head + [("grpc-status", str(code)),
                                              ("grpc-status-details-bin", details(code, seconds))], end_stream=True)
        elif kind == "0":
            http.send_headers(stream, head)
            http.send_data(stream, frame(b"\x0a\x00"))
            http.send_headers(stream, [("grpc-status", "0"), ("grpc-message", "")], end_stream=True)
        else:
            http.send_headers(stream, head + [("grpc-status", kind), ("grpc-message", argument)], end_stream=True)
        return True
