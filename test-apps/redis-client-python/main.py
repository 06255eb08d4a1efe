"""redis-py as its users use it: single commands, a pipeline, a transaction, a script, a subscription.

main.py URL        does each once and says what came back
main.py URL PORT   serves GET / on PORT, each by one GET of Redis
"""
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import redis


def each(client):
    client.set("key", "hunter2")
    print(client.get("key").decode())
    try:
        client.lpush("key", "x")
    except redis.ResponseError as error:
        print(str(error).split()[0])
    with client.pipeline(transaction=False) as pipeline:
        for i in range(100):
            pipeline.set(f"key{i}", "v" * i)
        print(len(pipeline.execute()))
    with client.pipeline() as transaction:
        transaction.incr("count").incr("count").get("count")
        print(transaction.execute())
    print(client.eval("return {KEYS[1], ARGV[1]}", 1, "a", "hunter2"))
    print(client.blpop("nothing", 1))
    print(len(client.set("large", "x" * 1000000) and client.get("large")))
    subscription = client.pubsub()
    subscription.subscribe("here", "there")
    for message in subscription.listen():
        if message["type"] == "message":
            print(message["data"].decode())
            break
        if message["data"] == 2:
            print(client.publish("there", "hello"))
    subscription.close()


def serve(client, port):
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = client.get("key")
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


def main():
    client = redis.Redis.from_url(sys.argv[1])
    if len(sys.argv) > 2:
        serve(client, int(sys.argv[2]))
    each(client)


main()
