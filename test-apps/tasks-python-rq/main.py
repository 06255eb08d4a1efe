"""Jobs of RQ. main.py PORT answers GET /N after it handed over a job that asks for FAR/N, GET /fail for one that fails,
for /looks one that prints what it sees, for /again one that is always of the same id, as main.py alone does; rq worker does them."""
import os
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import redis
import rq


def call(number):
    urllib.request.urlopen(f"{os.environ['FAR']}/{number}").read()


def looks():
    job = rq.get_current_job()
    os.write(1, f"sees {sorted(vars(job))}, {sorted(job.meta)}, {sorted(job.to_dict())}\n".encode())


def fail():
    raise LookupError("nothing there")


def again():
    pass


queue = rq.Queue("work", connection=redis.Redis.from_url(os.environ["BROKER"]))


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path[1:]
        if name in ("fail", "looks"):
            queue.enqueue(f"main.{name}")
        elif name == "again":
            queue.enqueue("main.again", job_id=name)
        else:
            queue.enqueue("main.call", name)
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    if len(sys.argv) == 1:
        sys.exit(not queue.enqueue("main.again", job_id="again"))
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
