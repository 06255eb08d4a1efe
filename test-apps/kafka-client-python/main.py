"""Kafka as Python programs use it, with kafka-python.

main.py publish SERVER N   sends N messages to orders, every third with a header, and a long one
main.py receive SERVER N   prints, of the first N messages, how many there were and the bytes of them
main.py serve SERVER PORT   answers GET /N after it sent N messages, all of them at once
main.py sizes SERVER LIMIT   makes a topic, which takes batches of so many bytes, sends it one message each of all
                             lengths around that, and prints how many of them it took, and the longest

With TLS_CA in the environment it speaks TLS, and trusts that.
"""
import os
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from kafka import KafkaConsumer, KafkaProducer
from kafka.admin import KafkaAdminClient, NewTopic
from kafka.errors import MessageSizeTooLargeError


SECURITY = {"security_protocol": "SSL", "ssl_cafile": os.environ["TLS_CA"]} if "TLS_CA" in os.environ else {}


def publish(server, count):
    producer = KafkaProducer(bootstrap_servers=server, client_id="sender", linger_ms=5, **SECURITY)
    for i in range(count):
        producer.send("orders", b"hello %d" % i, headers=[("kind", b"note")] if i % 3 == 0 else None)
        if i % 7 == 0:
            producer.flush()
    producer.flush()
    producer.send("orders", b"x" * 200000).get(30)
    producer.close()


def receive(server, count):
    consumer = KafkaConsumer("orders", bootstrap_servers=server, client_id="receiver", group_id="workers", auto_offset_reset="earliest",
                             **SECURITY)
    got = []
    for message in consumer:
        got.append((len(message.value), any(k == "kind" for k, _ in message.headers)))
        if len(got) == count:
            break
    print(len(got), sum(n for n, _ in got), sum(kind for _, kind in got))
    consumer.close()


def sizes(server, limit):
    topic = f"small-{os.getpid()}"
    KafkaAdminClient(bootstrap_servers=server).create_topics([NewTopic(topic, 1, 1, topic_configs={"max.message.bytes": str(limit)})])
    producer = KafkaProducer(bootstrap_servers=server, client_id="sender", retries=0)
    taken = []
    for size in [*range(limit - 300, limit - 50, 2), limit // 2, *range(limit - 300, limit - 50)]:
        try:
            producer.send(topic, b"x" * size).get(30)
            taken.append(size)
        except MessageSizeTooLargeError:
            pass
    print(len(taken), max(taken))


def serve(server, port):
    producer = KafkaProducer(bootstrap_servers=server, client_id="sender")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            for sent in [producer.send("orders", b"from a request", partition=0) for _ in range(int(self.path[1:]))]:
                sent.get(30)
            self.send_response(200)
            self.send_header("Content-Length", "3")
            self.end_headers()
            self.wfile.write(b"ok\n")

        def log_message(self, *arguments):
            pass

    ThreadingHTTPServer.request_queue_size = 64
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()


{"serve": serve, "sizes": sizes, "publish": publish, "receive": receive}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
