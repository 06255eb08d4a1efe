"""RabbitMQ in a server of threads that share one connection, with pika. main.py URL PORT answers GET /N after another thread, which
is the connection's, published a message to order.N."""
import concurrent.futures
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pika


class Connection(threading.Thread):
    """Begins with the first request, and works for all."""

    def run(self):
        self.connection = pika.BlockingConnection(pika.URLParameters(sys.argv[1]))
        self.channel = self.connection.channel()
        self.channel.exchange_declare("orders", "topic")
        ready.set_result(None)
        while True:
            self.connection.process_data_events(time_limit=1)

    def publish(self, number):
        done = concurrent.futures.Future()
        self.connection.add_callback_threadsafe(
            lambda: done.set_result(self.channel.basic_publish("orders", f"order.{number}", b"from a request")))
        done.result()


connection, ready, once = Connection(daemon=True), concurrent.futures.Future(), threading.Lock()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        with once:
            if not connection.is_alive():
                connection.start()
        ready.result()
        connection.publish(self.path[1:])
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *arguments):
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 64


Server(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
