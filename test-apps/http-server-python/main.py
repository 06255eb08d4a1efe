"""http.server with a thread per connection, as many small Python services are; /call uses urllib.

With CERTIFICATE (a PEM file that holds its key too) it serves https; with CLIENT_CA it wants certificates.
"""
import os
import ssl
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

BACKEND = os.environ.get("BACKEND", "")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def reply(self, status, body):
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def do_GET(self):
        if self.path.startswith("/status/"):
            self.reply(int(self.path[8:]), b"")
        elif self.path.startswith("/call"):
            with urllib.request.urlopen(BACKEND + "/hello" + self.path[5:]) as answer:
                self.reply(answer.status, answer.read())
        elif self.path.startswith("/chunked"):
            self.send_response(200)
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for part in (b"hello", b" world"):
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
        elif self.path.startswith("/hello"):
            self.reply(200, b"hello\n")
        else:
            self.reply(404, b"")

    do_HEAD = do_GET

    def do_POST(self):
        self.reply(200, self.rfile.read(int(self.headers.get("Content-Length", "0"))))

    do_PUT = do_POST

    def log_message(self, *arguments):
        pass


ThreadingHTTPServer.daemon_threads = True
server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler)
if "CERTIFICATE" in os.environ:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(os.environ["CERTIFICATE"])
    context.set_alpn_protocols(["http/1.1"])
    if "CLIENT_CA" in os.environ:
        context.load_verify_locations(os.environ["CLIENT_CA"])
        context.verify_mode = ssl.CERT_REQUIRED
    # The handshake is made by the first read, in the connection's own thread.
    server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
try:
    server.serve_forever()
except KeyboardInterrupt:
    pass
