"""pymemcache and python-memcached as their users use them.

main.py HOST PORT         does each once and says what came back
main.py HOST PORT LISTEN  serves GET / on LISTEN, each by one get
"""
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import memcache
from pymemcache.client.base import Client
from pymemcache.exceptions import MemcacheClientError


def each(client):
    print(client.set("key", "hunter2", noreply=False), client.get("key"))
    client.set("silent", "hunter2")
    print(client.set_many({f"key{i}": "v" * i for i in range(100)}, noreply=False))
    print(len(client.get_many([f"key{i}" for i in range(100)] + ["none"])))
    value, token = client.gets("key")
    print(client.cas("key", "other", token, noreply=False), client.cas("key", "late", token, noreply=False))
    print(client.add("key", "x", noreply=False), client.append("key", "s", noreply=False))
    print(client.get("none"), client.touch("key", 60, noreply=False), client.delete("none", noreply=False))
    client.set("count", "5", noreply=False)
    print(client.incr("count", 2), client.decr("count", 1))
    try:
        client.incr("key", 1)
    except MemcacheClientError:
        print("no number")
    print(len(client.set("large", "x" * 900000, noreply=False) and client.get("large")))
    client.quit()


def other(address):
    client = memcache.Client([address])
    print(client.set("key", "hunter2"), client.get("key"), client.get_multi(["key", "none"]))
    print(client.incr("none"), client.delete("key"), client.get("key"))


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
    host, port = sys.argv[1], int(sys.argv[2])
    client = Client((host, port))
    if len(sys.argv) > 3:
        client.set("key", "hunter2", noreply=False)
        serve(client, int(sys.argv[3]))
    each(client)
    other(f"{host}:{port}")


main()
