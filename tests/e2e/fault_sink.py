#!/usr/bin/env python3
"""A receiver of OTLP or Zipkin's JSON that misbehaves on request, and counts what reaches it.

A script is a list of faults, one per request; the last one holds for all that follow. A fault is
  200, 400, 503, ...   that status          503:2       with Retry-After: 2 (seconds)
  503:date             Retry-After as a date, two seconds ahead
  partial:2            200, of which two spans are rejected
  close                the connection is closed without an answer
  cut                  it is closed in the middle of the status line
  slow                 the answer comes byte by byte
  silent               no answer until the client leaves
Run as a program:  fault_sink.py PORT FAULT...     each request is reported as a line.
"""
import email.utils
import gzip
import json
import socket
import ssl
import sys
import threading
import time

from sink import spans_from_json, spans_from_protobuf


class FaultSink:
    def __init__(self, *faults, port=0, tls=None, on_request=None):
        self.faults, self.tls, self.on_request = [str(f) for f in faults], tls, on_request
        self.lock = threading.Lock()
        self.requests = []  # (fault, number of spans)
        self.bodies = []
        self.connections = 0
        self.listen(port)
        threading.Thread(target=self.accept, daemon=True).start()

    def listen(self, port):
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        self.endpoint = f"{'https' if self.tls else 'http'}://localhost:{self.port}"

    def accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            with self.lock:
                self.connections += 1
            threading.Thread(target=self.serve, args=(connection,), daemon=True).start()

    def serve(self, connection):
        try:
            with connection:
                if self.tls:
                    connection = self.tls.wrap_socket(connection, server_side=True)
                self.talk(connection)
        except (OSError, ssl.SSLError):
            pass  # clients of a faulty server leave in every way

    def talk(self, connection):
        with connection.makefile("rb") as stream:
            while self.exchange(connection, stream):
                pass

    def exchange(self, connection, stream):
        """Reads one request and answers it as the script says; False when the connection is over."""
        if not stream.readline():
            return False
        headers = {}
        while line := stream.readline().strip():
            name, _, value = line.decode().partition(":")
            headers[name.lower()] = value.strip()
        body = stream.read(int(headers["content-length"]))
        if headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        is_json = headers["content-type"] == "application/json"
        spans = json.loads(body) if body[:1] == b"[" else list((spans_from_json if is_json else spans_from_protobuf)(body))
        with self.lock:
            fault = self.faults[min(len(self.requests), len(self.faults) - 1)]
            self.requests.append((fault, len(spans)))
            self.bodies.append(body)
        if self.on_request:
            self.on_request(fault, spans)
        return self.answer(connection, fault, is_json)

    def answer(self, connection, fault, is_json):
        kind, _, argument = fault.partition(":")
        if kind == "close":
            return False
        if kind == "cut":
            connection.sendall(b"HTTP/1.1 2")
            return False
        if kind == "silent":
            connection.recv(1)
            return False
        body, extra, status = b"", "", "200" if kind in ("partial", "slow") else kind
        if kind == "partial":
            body = (b'{"partialSuccess":{"rejectedSpans":"%d","errorMessage":"old"}}' % int(argument) if is_json
                    else bytes([0x0a, 7, 0x08, int(argument), 0x12, 3]) + b"old")
        elif argument == "date":
            extra = f"Retry-After: {email.utils.formatdate(time.time() + 2, usegmt=True)}\r\n"
        elif argument:
            extra = f"Retry-After: {argument}\r\n"
        head = (f"HTTP/1.1 {status} Answer\r\n{extra}Content-Length: {len(body)}\r\nContent-Type: "
                f"application/{'json' if is_json else 'x-protobuf'}\r\n\r\n").encode()
        for piece in [head + body] if kind != "slow" else [bytes([b]) for b in head]:
            connection.sendall(piece)
            if kind == "slow":
                time.sleep(0.002)
        return True

    def counts(self):
        with self.lock:
            return list(self.requests)

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()


if __name__ == "__main__":
    FaultSink(*(sys.argv[2:] or ["200"]), port=int(sys.argv[1]) if len(sys.argv) > 1 else 4318,
              on_request=lambda fault, spans: print(f"{len(spans)} spans: {fault}", flush=True))
    threading.Event().wait()
