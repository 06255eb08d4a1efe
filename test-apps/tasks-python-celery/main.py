"""Tasks of Celery over Redis. main.py PORT answers GET /N after it handed over a task that asks for FAR/N, GET /fail for one that
fails, for /looks one that prints what it sees; celery -A main.tasks worker does them, and opens nothing before."""
import os
import sys
import urllib.request
from http.server import BaseHTTPRequestHandler, HTTPServer

import celery

tasks = celery.Celery("main", broker=os.environ["BROKER"])
tasks.conf.update(broker_connection_retry_on_startup=True, worker_send_task_events=False, task_ignore_result=True)


@tasks.task(name="main.call")
def call(number):
    urllib.request.urlopen(f"{os.environ['FAR']}/{number}").read()


@tasks.task(name="main.looks", bind=True)
def looks(self):
    os.write(1, f"sees {sorted(vars(self.request))}\n".encode())


@tasks.task(name="main.fail", throws=(LookupError,))
def fail():
    raise LookupError("nothing there")


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        name = self.path[1:]
        if name in ("fail", "looks"):
            globals()[name].delay()
        else:
            call.delay(name)
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *arguments):
        pass


if __name__ == "__main__":
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
