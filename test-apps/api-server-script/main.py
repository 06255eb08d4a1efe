"""Answers as an Elasticsearch 7.17 does to the few things that the client here asks: main.py PORT."""
import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

VERSION = {"number": "7.17.6", "build_flavor": "default", "lucene_version": "8.11.1"}
ANSWERS = {
    ("GET", "/"): (200, {"version": VERSION, "tagline": "You Know, for Search"}),
    ("PUT", "/orders/_doc/17"): (201, {"_index": "orders", "_id": "17", "result": "created"}),
    ("GET", "/orders/_doc/17"): (200, {"_index": "orders", "_id": "17", "found": True, "_source": {"customer": "hunter2"}}),
    ("GET", "/orders/_doc/none"): (404, {"_index": "orders", "_id": "none", "found": False}),
    ("POST", "/orders/_search"): (200, {"hits": {"total": {"value": 1}, "hits": []}}),
    ("GET", "/_cluster/health"): (200, {"status": "green"}),
}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self):
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, body = ANSWERS.get((self.command, self.path.split("?")[0]), (400, {"error": "not in the script"}))
        text = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("X-elastic-product", "Elasticsearch")
        self.send_header("X-Found-Handling-Cluster", "shop-cluster")
        self.send_header("Content-Type", "application/json; charset=UTF-8")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    do_GET = do_PUT = do_POST = answer

    def log_message(self, *arguments):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
