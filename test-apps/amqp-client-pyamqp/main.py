"""RabbitMQ as Python programs use it, with py-amqp. main.py HOST:PORT PORT answers GET / on the second port after it published a message."""
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import amqp

connection = amqp.Connection(host=sys.argv[1])
connection.connect()
channel = connection.channel()
channel.exchange_declare("orders", "topic", auto_delete=False)


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        channel.basic_publish(amqp.Message("from a request", application_headers={"kind": "note"}), "orders", "order.new")
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\n")

    def log_message(self, *arguments):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
