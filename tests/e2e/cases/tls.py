"""HTTPS: what programs say inside TLS has the spans and headers that it would have in clear."""
import concurrent.futures
import http.client
import socket
import ssl

from harness import case
from tls_apps import CLIENTS, SERVERS, Certificates, curl, node, python

COUNT = 5


def fetching(name, client, needs):
    @case(f"{name}: https has as many CLIENT spans as requests, each the parent of one SERVER span",
          [*needs, "openssl", "python3"], name=f"fetches_{name.replace('-', '_')}")
    def run(t):
        c = Certificates(t)
        server = python(t, c, name="server")
        t.equal(client(t, c, f"{server.url}/hello?x=1", COUNT), "hello\n" * COUNT, "what the client printed")
        spans = t.spans(2 * COUNT).count(name, client=COUNT).count("server", server=COUNT)
        spans.linked("server", "SERVER", name, "CLIENT").roots(name, "CLIENT")
        for s in spans.of(name, "CLIENT"):
            t.equal((s["name"], s["status"]), ("GET", "unset"), "name and status")
            spans.attributes(s, url__full=f"{server.url}/hello?x=1", http__request__method="GET",
                             http__response__status_code=200, server__address="127.0.0.1",
                             server__port=server.port, network__peer__address="127.0.0.1",
                             network__peer__port=server.port, network__protocol__version="1.1", error__type=None)
        for s in spans.of("server", "SERVER"):
            spans.attributes(s, url__scheme="https", url__path="/hello", url__query="x=1", server__port=server.port,
                             client__address="127.0.0.1", network__peer__address="127.0.0.1")


for name, (client, needs) in CLIENTS.items():
    fetching(name, client, needs)


def serving(name, server, needs):
    @case(f"{name}: https has as many SERVER spans as requests, each below its CLIENT span",
          [*needs, "openssl", "curl"], name=f"serves_{name}")
    def run(t):
        c = Certificates(t)
        process = server(t, c)
        t.equal(curl(t, c, process.url + "/hello", COUNT), "hello\n" * COUNT, "one connection")
        for _ in range(2):
            t.equal(curl(t, c, process.url + "/hello", 1), "hello\n", "a connection of its own")
        curl(t, c, process.url + "/status/404", 1)
        spans = t.spans(2 * COUNT + 6).count(name, server=COUNT + 3).count("curl", client=COUNT + 3)
        spans.linked(name, "SERVER", "curl", "CLIENT")
        for s in spans.of(name, "SERVER"):
            spans.attributes(s, url__scheme="https", server__address="127.0.0.1", server__port=process.port,
                             network__peer__address="127.0.0.1")
        t.equal(sorted(s["attributes"]["http.response.status_code"] for s in spans.of(name)), [200] * 7 + [404], "statuses")


for name, (server, needs) in SERVERS.items():
    serving(name, server, needs)
