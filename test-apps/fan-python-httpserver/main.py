"""http.server with a thread for each connection, and http.client with connections that are kept in a pool."""
import http.client
import os
import queue
import random
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

FAR = os.environ["FAR"].split("//")[1]
idle = queue.LifoQueue()


def call(number, turn):
    time.sleep(random.random() * 0.005)
    try:
        far = idle.get_nowait()
    except queue.Empty:
        far = http.client.HTTPConnection(FAR)
    far.request("GET", f"/call/{number}/{turn}")
    far.getresponse().read()
    idle.put(far)


class Fan(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        number = self.path.split("/")[2]
        time.sleep(random.random() * 0.005)
        for turn in range(random.randint(1, 3)):
            call(number, turn)
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"near\n")

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 1024
    daemon_threads = True


Server(("127.0.0.1", int(sys.argv[1])), Fan).serve_forever()
