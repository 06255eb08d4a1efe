"""http.server with a thread per connection, as many small Python services are; /call uses urllib."""
import os
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
try:
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
except KeyboardInterrupt:
    pass
