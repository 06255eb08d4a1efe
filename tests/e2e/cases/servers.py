"""Every server: one SERVER span per request with the right attributes, and its calls below it."""
import re
import socket
import ssl
from pathlib import Path

import tls_apps
from apps import SERVERS, c_epoll, nginx, apache, lighttpd, lighttpd_tls, haproxy, php_fpm
from harness import DEADLINE, Skip, case

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"


def battery(t, server, chunked=True):
    """Requests of all common kinds over kept and fresh connections; returns how many they were."""
    t.equal(t.get(server.port, *["/hello?x=1"] * 5), [(200, b"hello\n")] * 5, "five GETs, one connection")
    t.equal(t.get(server.port, "/hello", "/hello", keep_alive=False), [(200, b"hello\n")] * 2, "two connections")
    t.equal(t.get(server.port, "/status/404")[0][0], 404, "status 404")
    t.equal(t.get(server.port, "/status/500")[0][0], 500, "status 500")
    t.equal(t.get(server.port, "/hello", method="HEAD"), [(200, b"")], "HEAD")
    return 10


def check_battery(t, spans, service, scheme="http"):
    by_status = {}
    for s in spans.of(service, "SERVER"):
        by_status.setdefault(s["attributes"].get("http.response.status_code"), []).append(s)
    t.equal({k: len(v) for k, v in by_status.items()}, {200: 8, 404: 1, 500: 1}, "statuses")
    t.equal([s["status"] for s in by_status[404]], ["unset"], "span status of a 404")
    t.equal([s["status"] for s in by_status[500]], ["error"], "span status of a 500")
    spans.attributes(by_status[404][0], error__type=None, url__path="/status/404", url__query=None)
    spans.attributes(by_status[500][0], error__type="500", http__request__method="GET")
    first = by_status[200][0]
    spans.attributes(first, url__path="/hello", url__query="x=1", url__scheme=scheme, http__request__method="GET",
                     network__protocol__version="1.1", server__address="127.0.0.1",
                     network__peer__address="127.0.0.1", client__address="127.0.0.1", error__type=None)
    t.equal([s["name"] for s in by_status[200]].count("HEAD"), 1, "the span name of HEAD")
    t.equal(first["name"], "GET", "the span name of GET")
    spans.roots(service, "SERVER")


def plain(name, server, needs):
    @case(f"{name}: as many SERVER spans as requests, with status, method and URL", needs, name=f"answers_{name}")
    def run(t):
        process = server(t)
        n = battery(t, process)
        spans = t.spans(n)
        spans.count(process.name, server=n)
        check_battery(t, spans, process.name)


def posting(name, server, needs):
    @case(f"{name}: request bodies small, large and chunked arrive whole and are one span each", needs, name=f"bodies_{name}")
    def run(t):
        process = server(t)
        bodies = [b"", b"a", b"x" * 5000, bytes(range(256)) * 4096]
        for body in bodies:
            t.equal(t.get(process.port, "/echo", method="POST", body=body), [(200, body)], f"{len(body)} bytes")
        spans = t.spans(len(bodies))
        sizes = [s["attributes"].get("http.request.body.size", 0) for s in spans.of(process.name, "SERVER")]
        t.equal(sizes, [len(body) for body in bodies], "request body sizes")
        t.equal({s["name"] for s in spans.all}, {"POST"}, "the span name")


def calling(name, server, needs, exact):
    @case(f"{name}: its calls to a backend are children of the request, the backend's spans theirs", needs,
          name=f"calls_{name}")
    def run(t):
        backend = c_epoll(t, name="backend")
        process = server(t, backend.url)
        header = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
        t.equal(t.get(process.port, *[f"/call?id={i}" for i in range(5)], headers=header),
                [(200, b"hello\n")] * 5, "five calls, one connection")
        t.equal(t.get(process.port, *[f"/call?id={i}" for i in range(5, 8)], keep_alive=False),
                [(200, b"hello\n")] * 3, "three connections")
        spans = t.spans(24)
        spans.count(process.name, server=8, client=8).count("backend", server=8)
        spans.linked("backend", "SERVER", process.name, "CLIENT")
        found = spans.never_wrong(process.name)
        if exact:
            t.equal(found, 8, "CLIENT spans below the request that caused them")
        of_ours = [s for s in spans.of(process.name, "SERVER") if s["trace_id"] == TRACE]
        t.equal([s["parent_id"] for s in of_ours], [PARENT] * 5, "requests that came with a traceparent")


def crowded(name, server, needs, exact):
    @case(f"{name}: with eight requests at a time no call gets a wrong parent", needs, name=f"crowd_{name}")
    def run(t):
        backend = c_epoll(t, name="backend")
        process = server(t, backend.url)
        clients = [t.thread(lambda n=n: t.get(process.port, *[f"/call?id={n}-{i}" for i in range(25)]))
                   for n in range(8)]
        for answers in clients:
            t.equal(answers(), [(200, b"hello\n")] * 25, "answers")
        spans = t.spans(600)
        spans.count(process.name, server=200, client=200).count("backend", server=200)
        spans.linked("backend", "SERVER", process.name, "CLIENT")
        found = spans.never_wrong(process.name)
        if exact:
            t.equal(found, 200, "CLIENT spans with a parent")


# Servers that answer one request per thread at a time, or that forward headers, are exact at any load.
EXACT = {"cpp", "rust", "python", "gunicorn", "php_builtin", "webrick", "java", "nginx", "apache", "haproxy",
         "lighttpd"}
PROXIES = {"nginx": (nginx, ["nginx"]), "apache": (apache, ["apache2"]), "haproxy": (haproxy, ["haproxy"]),
           "lighttpd": (lighttpd, ["lighttpd"])}
STATIC = {name: PROXIES[name] for name in ("nginx", "apache", "lighttpd")}


CALLING = {k: v for k, v in {**SERVERS, **PROXIES}.items() if k != "c_epoll"}

for name, (server, needs) in {**SERVERS, **STATIC}.items():
    plain(name, server, needs)
for name, (server, needs) in SERVERS.items():
    posting(name, server, needs)
for name, (server, needs) in CALLING.items():
    calling(name, server, needs, exact=name in EXACT)
    if name != "php_builtin":  # answers one request after the other
        crowded(name, server, needs, exact=name in EXACT)


@case("gunicorn with four sync workers: forked workers each deliver their spans", ["gunicorn"])
def gunicorn_workers(t):
    server = SERVERS["gunicorn"][0](t, options=("--workers", "4"))
    clients = [t.thread(lambda: t.get(server.port, *["/hello"] * 10, keep_alive=False)) for _ in range(4)]
    for answers in clients:
        t.equal(answers(), [(200, b"hello\n")] * 10, "answers")
    spans = t.spans(40).count("gunicorn", server=40)
    workers = {(s["resource"]["service.instance.id"], s["resource"]["process.pid"]) for s in spans.all}
    t.equal(len({pid for _, pid in workers}), len({instance for instance, _ in workers}), "an instance id per worker")
    t.equal(len(workers), len({pid for _, pid in workers}), "one instance id in a worker")


@case("nginx with two workers serves a big file with sendfile: one span each", ["nginx"])
def nginx_sendfile(t):
    server = nginx(t, workers=2)
    answers = t.get(server.port, *["/big", "/hello"] * 10)
    t.equal([len(body) for _, body in answers], [1 << 20, 6] * 10, "bodies")
    spans = t.spans(20).count("nginx", server=20)
    t.equal([s["attributes"].get("http.response.body.size") for s in spans.all], [1 << 20, 6] * 10, "body sizes")


@case("cpp: spans are delivered while the program runs, also when nothing but recv and send is called", ["c++"],
      agent_only=True)
def delivered_while_running(t):
    server = SERVERS["cpp"][0](t)
    t.in_turn(server.port, [b"GET /hello HTTP/1.1\r\n\r\n"] * 2,
              before_close=lambda: t.equal(len(t.sink.wait(2, DEADLINE)), 2, "spans while the connection is open"))


TIMING = re.compile(rb'Server-Timing: traceparent;desc="00-([0-9a-f]{32})-([0-9a-f]{16})-03"\r\n')


def ask(t, port, paths, wrap=lambda s: s):
    """The answers over one connection, as bytes; `wrap` makes it one of TLS."""
    with wrap(socket.create_connection(("127.0.0.1", port), timeout=DEADLINE)) as s:
        for path in paths:
            s.sendall(f"GET {path} HTTP/1.1\r\nHost: h\r\n\r\n".encode())
            answer, length = b"", None
            while length is None or len(answer) < length:
                more = s.recv(65536)
                t.check(more, f"the answer to {path} is whole: {answer[:300]}")
                answer += more
                head, found, _ = answer.partition(b"\r\n\r\n")
                if found:
                    length = len(head) + 4 + int(re.search(rb"(?i)content-length: *(\d+)", head)[1])
            yield answer


def compare_timed(t, start, paths, wrap=lambda s: s):
    """Asks a server without the setting and with it: answers must be the same but for our line."""
    answers = {}
    for setting in ("false", "true"):
        t.debug = {**t.debug, "REMORA_SERVER_TIMING": setting}
        answers[setting] = list(ask(t, start().port, paths, wrap))
        t.sink.wait(len(answers) * len(paths), DEADLINE)
        t.processes.pop().stop()
    plain, timed = ([re.sub(rb"\r\n(?i:date|last-modified|etag): [^\r]*", b"", TIMING.sub(b"", a)) for a in answers[s]]
                    for s in ("false", "true"))
    t.equal(timed, plain, "answers, but for our line")
    t.equal([TIMING.findall(a) for a in answers["false"]], [[]] * len(paths), "lines where it is off")
    spans = t.spans(2 * len(paths))
    t.equal([[(a.decode(), b.decode()) for a, b in TIMING.findall(a)] for a in answers["true"]],
            [[(s["trace_id"], s["span_id"])] for s in spans.all[len(paths):]], "the spans that are named")


def timed(name, paths):
    server, needs = SERVERS.get(name, (nginx, ["nginx"]))

    @case(f"{name}: with REMORA_SERVER_TIMING each response names its SERVER span, and is else as it was", needs,
          agent_only=True, name=f"server_timing_{name}")
    def run(t):
        compare_timed(t, lambda: server(t), paths)


def timed_secure(name, server, needs, paths):
    @case(f"{name}: https: with REMORA_SERVER_TIMING each response names its SERVER span, and is else as it was",
          [*needs, "openssl"], agent_only=True, name=f"server_timing_tls_{name}")
    def run(t):
        c = tls_apps.Certificates(t)
        trust = ssl.create_default_context(cafile=str(c.ca))
        compare_timed(t, lambda: server(t, c), paths, lambda s: trust.wrap_socket(s, server_hostname="localhost"))


for name in ("c_epoll", "cpp", "python", "node", "puma"):
    timed(name, ["/hello"] * 3 + ["/status/404", "/status/500"])
timed("nginx", ["/hello", "/big", "/none", "/hello"])

for name in ("python", "node", "haproxy"):
    timed_secure(name, *tls_apps.SERVERS[name], ["/hello"] * 3 + ["/status/404"])
timed_secure("nginx", tls_apps.nginx, ["nginx"], ["/hello", "/big", "/none", "/hello"])


def timed_lighttpd(module):
    @case(f"lighttpd with mod_{module}: with REMORA_SERVER_TIMING each response names its SERVER span", ["lighttpd", "openssl"],
          agent_only=True, name=f"server_timing_tls_{module}")
    def run(t):
        if not Path(f"/usr/lib/lighttpd/mod_{module}.so").exists():
            raise Skip(f"no mod_{module}.so here")
        trust = ssl.create_default_context()
        trust.check_hostname, trust.verify_mode = False, ssl.CERT_NONE
        compare_timed(t, lambda: lighttpd_tls(t, module), ["/hello", "/big", "/hello"], trust.wrap_socket)


for module in ("gnutls", "mbedtls", "wolfssl", "nss"):
    timed_lighttpd(module)
