"""HTTP/2 in cleartext: one span for each stream, however many are under way at once."""
import re

from harness import case, which

NEEDS = ["nghttpd", "h2load"]


def nghttpd(t, agent=True, name="nghttpd", options=()):
    """Serves /index.html (6 bytes) and /large (300,000 bytes)."""
    www = t.dir / "www"
    www.mkdir(exist_ok=True)
    (www / "index.html").write_text("hello\n")
    (www / "large").write_bytes(bytes(300000))
    port = t.port()
    return t.start(name, ["nghttpd", "--no-tls", "-d", www, *options, port], port, agent)


def h2load(t, port, requests, connections, streams, path="/index.html", agent=True):
    text = t.run("h2load", ["h2load", "-n", requests, "-c", connections, "-m", streams, "-p", "h2c",
                            f"http://127.0.0.1:{port}{path}"], agent=agent)
    done = re.search(r"requests: (\d+) total, (\d+) started, (\d+) done, (\d+) succeeded, (\d+) failed", text)
    t.check(done, f"h2load says what it did: {text[-400:]}")
    t.equal([int(n) for n in done.groups()], [requests] * 4 + [0], "requests of h2load")


def load(streams, connections):
    @case(f"h2load and nghttpd: {connections} connections of {streams} streams, one span a request and side",
          NEEDS, name=f"load_{connections}_{streams}")
    def run(t):
        server = nghttpd(t)
        h2load(t, server.port, 1000, connections, streams)
        spans = t.spans(2000).count("nghttpd", server=1000).count("h2load", client=1000)
        spans.linked("nghttpd", "SERVER", "h2load", "CLIENT").roots("h2load", "CLIENT")
        for span in spans.all:
            spans.attributes(span, http__response__status_code=200, network__protocol__version="2")


for streams, connections in ((1, 4), (10, 4), (100, 1), (100, 5)):
    load(streams, connections)


@case("h2load: bodies of 300,000 bytes are sent and received whole", NEEDS)
def load_large(t):
    server = nghttpd(t)
    h2load(t, server.port, 100, 2, 10, "/large")
    for span in t.spans(200).all:
        t.equal(span["attributes"].get("http.response.body.size"), 300000, "size of the body")


@case("curl by prior knowledge: attributes of both sides", ["curl", "nghttpd"])
def curl_prior_knowledge(t):
    server = nghttpd(t)
    url = f"http://127.0.0.1:{server.port}"
    for _ in range(3):
        t.equal(t.run("curl", ["curl", "-sS", "--http2-prior-knowledge", f"{url}/index.html?a=b"]), "hello\n", "body")
    t.run("curl", ["curl", "-sS", "--http2-prior-knowledge", f"{url}/none", "-o", "none"])
    spans = t.spans(8).linked("nghttpd", "SERVER", "curl", "CLIENT")
    client, server_span = spans.of("curl")[0], spans.of("nghttpd")[0]
    spans.attributes(client, http__request__method="GET", url__full=f"{url}/index.html?a=b",
                     http__response__status_code=200, server__address="127.0.0.1", server__port=server.port,
                     network__protocol__version="2", network__peer__port=server.port, error__type=None)
    spans.attributes(server_span, http__request__method="GET", url__scheme="http", url__path="/index.html",
                     url__query="a=b", http__response__status_code=200, server__address="127.0.0.1",
                     server__port=server.port, network__protocol__version="2")
    spans.attributes(spans.of("curl")[3], http__response__status_code=404, error__type="404")
