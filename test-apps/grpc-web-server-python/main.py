"""main.py PORT: test.Echo over gRPC-Web by hand, in chunks that cut its frames, binary or base64 as it is asked. Say
answers with what it is sent, Fail with NOT_FOUND in the trailers, None with UNIMPLEMENTED in the head; Zip is Say
compressed as a whole, Cut ends in the middle of a message, Slow sends a message, and no more for five seconds."""
import base64
import gzip
import http.server
import struct
import sys
import time


def frame(flags, content):
    return struct.pack(">BI", flags, len(content)) + content


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def head(self, *fields):
        self.send_response(200)
        self.send_header("Content-Type", self.headers["Content-Type"])
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()

    def chunks(self, data, step=7):
        """Pieces of a body, each with a chunk and a call of its own."""
        for at in range(0, len(data), step):
            piece = data[at:at + step]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.flush()

    def do_POST(self):
        text = "-text" in self.headers["Content-Type"]
        coded = base64.b64encode if text else bytes
        sent = self.rfile.read(int(self.headers["Content-Length"]))
        message = frame(0, (base64.b64decode(sent) if text else sent)[5:])
        method = self.path.rpartition("/")[2]
        if method == "None":
            self.head(("grpc-status", "12"), ("Content-Length", "0"))
            return
        trailers = frame(0x80, b"grpc-status:%d\r\ngrpc-message:\r\n" % (5 if method == "Fail" else 0))
        if method == "Zip":
            whole = gzip.compress(message + trailers)
            self.head(("Content-Encoding", "gzip"), ("Content-Length", str(len(whole))))
            self.wfile.write(whole)
            return
        self.head(("Transfer-Encoding", "chunked"))
        if method == "Cut":
            self.chunks(message[:-2])
        elif method == "Slow":
            self.chunks(message)
            time.sleep(5)
            self.chunks(trailers)
        else:
            self.chunks((b"" if method == "Fail" else coded(message)) + coded(trailers))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *arguments):
        pass


http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
