"""REMORA_SERVER_TIMING in responses of HTTP/2; those of HTTP/1 are in servers.py."""
import functools
import json
import os
import re
import subprocess
from pathlib import Path

import http2_apps as http2
import tls_apps
from apps import certificate
from harness import APPS, PATH, Skip, case

FRAMES = Path(__file__).resolve().parents[1] / "frames.py"
VALUE = re.compile('traceparent;desc="00-([0-9a-f]{32})-([0-9a-f]{16})-03"')
CHANGING = ("date", "last-modified", "etag")  # from one run of a server to the next


def ask(t, port, how, paths, list_bytes=0):
    if subprocess.run(["python3", "-c", "import hpack"], env={**os.environ, "PATH": PATH}, capture_output=True).returncode:
        raise Skip("no python3-hpack")
    return json.loads(t.run("frames", ["python3", FRAMES, port, how, list_bytes, *paths], agent=False))


def bare(streams):
    """What came, without our fields and what is another at any time."""
    return [(s["path"], s["body"], [(h["flags"], [f for f in h["fields"] if f[0] not in CHANGING]) for h in s["heads"]])
            for s in streams]


def named(t, streams):
    """The span that each response names, in its first head and nowhere else."""
    for s in streams:
        timing = s["heads"][0]["added"]
        t.equal([len(h["added"]) for h in s["heads"][1:]], [0] * (len(s["heads"]) - 1), "fields in trailers")
        t.check(timing and timing[0][0] == "server-timing", f"{s['path']} has our field: {s['heads']}")
        allows = any(n == "access-control-allow-origin" for n, _ in s["heads"][0]["fields"])
        t.equal(timing[1:], [["access-control-expose-headers", "Server-Timing"]] if allows else [], "the second field")
        yield VALUE.fullmatch(timing[0][1]).groups()


def compare(t, start, how, paths):
    """Asks a server without the setting and with it: answers must be the same but for our fields."""
    answers = {}
    for setting in ("false", "true"):
        t.debug = {**t.debug, "REMORA_SERVER_TIMING": setting}
        answers[setting] = ask(t, start().port, how, paths)
        t.sink.wait(len(answers) * len(paths), 3.0)
        t.processes.pop().stop()
    t.equal(bare(answers["true"]), bare(answers["false"]), "answers, but for our fields")
    t.equal([h["added"] for s in answers["false"] for h in s["heads"] if h["added"]], [], "fields where it is off")
    spans = t.spans(2 * len(paths))
    t.equal(sorted(named(t, answers["true"])), sorted((s["trace_id"], s["span_id"]) for s in spans.all[len(paths):]),
            "the spans that are named")


def node_tls(t):
    cert = certificate(t)
    port = t.port()
    return t.start("node", ["node", APPS / "http2-server-node" / "main.js", port], port, True,
                   {"CERTIFICATE": cert.parent / "both.pem"})


def nginx_tls(t):
    return tls_apps.nginx(t, tls_apps.Certificates(t), options="http2", locations=(
        "location /cors { add_header Access-Control-Allow-Origin *; return 200 hello; }"
        "location /late { add_trailer X-Late 1; return 200 hello; }"))


FILES = ["/index.html", "/large", "/none"] * 3 + ["/index.html"]
NODE = ["/hello"] * 3 + ["/status/404", "/status/500", "/hello"]
SERVERS = {
    "node": (http2.node, "clear", ["node"], NODE),
    "node_tls": (node_tls, "tls", ["node", "openssl"], NODE),
    "hypercorn": (http2.hypercorn, "clear", ["hypercorn"], ["/hello"] * 5),
    "hypercorn_tls": (lambda t: tls_apps.hypercorn(t, tls_apps.Certificates(t)), "tls", ["hypercorn", "openssl"],
                      ["/hello"] * 3 + ["/status/404", "/hello"]),
    "nginx_fields": (nginx_tls, "tls", ["nginx", "openssl"], ["/hello", "/big", "/cors", "/late", "/none", "/hello", "/cors"]),
    **{name: (server, "clear", needs, FILES) for name, (server, needs) in http2.SERVERS.items()},
    **{f"{name}_tls": (functools.partial(server, tls=True), "tls", [*needs, "openssl"], FILES)
       for name, (server, needs) in http2.SERVERS.items()},
}


def timed(name, server, how, needs, paths):
    @case(f"{name}: each response of HTTP/2 names its SERVER span, and is else as it was, in any table's eyes",
          ["python3", *needs], agent_only=True, name=f"http2_{name}")
    def run(t):
        compare(t, lambda: server(t), how, paths)

    @case(f"{name}: the same of a hundred streams at once", ["python3", *needs], agent_only=True, name=f"streams_{name}")
    def many(t):
        t.debug = {**t.debug, "REMORA_SERVER_TIMING": "true"}
        answers = ask(t, server(t).port, how, [paths[0]] * 100)
        spans = t.spans(100)
        # h2o writes records of 1,400 bytes in the beginning, eight of them: a head that lies in two of these gets no field.
        cut = [s for s in answers if name == "h2o_tls" and not s["heads"][0]["added"]]
        t.check(len(cut) <= 7, f"{len(cut)} heads without a field")
        told = list(named(t, [s for s in answers if s not in cut]))
        t.equal(len(set(told)), 100 - len(cut), "spans that are named")
        t.equal(set(told) - {(s["trace_id"], s["span_id"]) for s in spans.all}, set(), "spans that are named and were not made")


for name, (server, how, needs, paths) in SERVERS.items():
    timed(name, server, how, needs, paths)


@case("a client that takes small header lists gets no field that would be too much", ["python3", "nginx"], agent_only=True)
def small_lists(t):
    t.debug = {**t.debug, "REMORA_SERVER_TIMING": "true"}
    server = http2.nginx(t)
    for list_bytes, fields in ((300, 0), (3000, 1)):
        answers = ask(t, server.port, "clear", ["/index.html"] * 3, list_bytes)
        t.equal([len(s["heads"][0]["added"]) for s in answers], [fields] * 3, f"fields at {list_bytes}")
    t.spans(6)


@case("curl and nghttp read the field, and h2load goes on to decode", ["curl", "nghttp", "nghttpd", "h2load"], agent_only=True)
def clients(t):
    t.debug = {**t.debug, "REMORA_SERVER_TIMING": "true"}
    server = http2.nghttpd(t)
    url = f"http://127.0.0.1:{server.port}/index.html"
    seen = t.run("curl", ["curl", "-sS", "-D-", "--http2-prior-knowledge", url], agent=False)
    seen += t.run("nghttp", ["nghttp", "-nv", "--no-dep", url, url + "?2", url + "?3"], agent=False)
    t.equal(http2.h2load(t, url, 1000, 2, 100, agent=False), 0, "requests of h2load without an answer")
    spans = t.spans(1004).count("nghttpd", server=1004)
    t.equal(sorted(VALUE.findall(seen)), sorted((s["trace_id"], s["span_id"]) for s in spans.all[:4]), "what they read")
    t.check("\nhello\n" in seen, "the body")
