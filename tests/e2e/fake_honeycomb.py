#!/usr/bin/env python3
"""Honeycomb, as far as one key sees of it: GET /1/auth and POST /v1/traces by its documentation, over TLS.

Usage: fake_honeycomb.py PORT CERTIFICATE KEY LOG      each request becomes a line of JSON in LOG
"""
import http.server
import json
import ssl
import sys

API_KEY = "hushHoneycombKey"
AUTH = {"type": "ingest", "api_key_access": {"events": True, "create_datasets": True},
        "environment": {"name": "Cruddur", "slug": "cruddur"}, "team": {"name": "Bootcamp", "slug": "bootcamp"}}


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with open(sys.argv[4], "a") as log:
            print(json.dumps({"method": self.command, "path": self.path, "body": body.hex(),
                              "headers": [[k.lower(), v] for k, v in self.headers.items()]}), file=log)
        status, kind, text = self.answer(body)
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_POST

    def answer(self, body):
        if self.headers.get("X-Honeycomb-Team") != API_KEY:
            return 401, "application/json", b'{"error":"unknown API key - check your credentials"}'
        if (self.command, self.path) == ("GET", "/1/auth"):
            return 200, "application/json", json.dumps(AUTH).encode()
        if (self.command, self.path) != ("POST", "/v1/traces"):
            return 404, "text/plain", b""
        if self.headers.get("Content-Type") not in ("application/x-protobuf", "application/json"):
            return 415, "application/json", b'{"message":"unsupported content-type"}'
        return 200, self.headers["Content-Type"], b""

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    server = http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(sys.argv[2], sys.argv[3])
    server.socket = context.wrap_socket(server.socket, server_side=True)
    print("ready", flush=True)
    server.serve_forever()
