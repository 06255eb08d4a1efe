"""HTTP/3 over nghttp3: a CLIENT span for each request, which the server is told of."""
import re
import subprocess
import time

from harness import APPS, ROOT, Skip, case
from http2_apps import key_and_certificate

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
SEEN = re.compile(f"00-[0-9a-f]{{32}}-([0-9a-f]{{16}})-0[0-3]")


def in_one_process(t, *arguments):
    """(lines of requests as the server reads them, statuses that the client reads)"""
    if subprocess.run(["cc", "-E", "-xc", "-"], input=b"#include <nghttp3/nghttp3.h>\n", capture_output=True).returncode:
        raise Skip("no nghttp3")
    program = t.build.app("http3-client-c-nghttp3", options=["-lnghttp3"])
    lines = t.run("client", [program, *arguments]).splitlines()
    return [line for line in lines if line.startswith("/")], [line for line in lines if not line.startswith("/")]


@case("nghttp3: each request is a span, also those that are rejected or never answered, and the server reads its context",
      ["cc"])
def client(t):
    requests, statuses = in_one_process(t, 5)
    t.equal(statuses, ["200", "200", "404"], "what the client reads")
    t.equal([line.split(" ")[0] for line in requests], [f"/item?id={i}" for i in range(5)], "what the server reads")
    spans = t.spans(5).count("client", client=5).roots("client", "CLIENT")
    by_path = {s["attributes"]["url.full"]: s for s in spans.all}
    ends = [(200, None), (200, None), (404, "404"), (None, "request_rejected"), (None, "connection_closed")]
    for i, ((status, error), line) in enumerate(zip(ends, requests)):
        span = by_path[f"https://shop.example:8443/item?id={i}"]
        spans.attributes(span, http__request__method="GET", http__response__status_code=status, error__type=error,
                         server__address="shop.example", server__port=8443, network__protocol__version="3",
                         user_agent__original="test")
        t.equal(SEEN.search(line)[1], span["span_id"], "the span that the server is told of")


@case("nghttp3: a hundred requests at once, and a traceparent of the program's own", ["cc"])
def at_once(t):
    requests, statuses = in_one_process(t, 100)
    t.equal(statuses, ["200"] * 2 + ["404"] + ["200"] * 95, "what the client reads")
    own = f"00-{TRACE}-{PARENT}-01"
    t.equal(in_one_process(t, 3, own)[0], [f"/item?id={i} {own}" for i in range(3)], "the program's own")
    spans = t.spans(103)
    t.equal({SEEN.search(line)[1] for line in requests}, {s["span_id"] for s in spans.all if s["trace_id"] != TRACE}, "spans")
    t.equal([s["parent_id"] for s in spans.all if s["trace_id"] == TRACE], [PARENT] * 3, "parents of the others")


@case("pycurl with a libcurl of HTTP/3 to aioquic: 1, 10 and 100 streams, a span each", ["openssl"])
def pycurl(t):
    # python3 -m venv deps/http3 && deps/http3/bin/pip install pycurl aioquic
    python = ROOT / "deps" / "http3" / "bin" / "python3"
    if not python.exists():
        raise Skip("no pycurl with HTTP/3 and no aioquic in deps/http3")
    key, cert = key_and_certificate(t)
    port = t.port()
    server = t.start("server", [python, APPS / "http3-server-python-aioquic" / "main.py", port, cert, key], agent=False)
    for _ in range(600):  # no connection tells when a socket of UDP is there
        if "listens" in server.log.read_text():
            break
        time.sleep(0.05)
    seen = t.run("client", [python, APPS / "http3-client-python-pycurl" / "main.py", f"https://127.0.0.1:{port}/seen", 1, 10,
                            100]).split()
    spans = t.spans(111).count("client", client=111)
    t.equal({SEEN.fullmatch(value)[1] for value in seen}, {s["span_id"] for s in spans.all}, "spans that the server is told of")
    for span in spans.all:
        spans.attributes(span, url__full=f"https://127.0.0.1:{port}/seen", http__response__status_code=200, error__type=None,
                         network__protocol__version="3")
