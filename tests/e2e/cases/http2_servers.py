"""HTTP/2 servers and proxies under load: a span for each request and side, each below the request it belongs to."""
from apps import c_epoll
from harness import case
from http2_apps import PROXIES, SERVERS, h2load, nghttpd

STREAMS = (1, 10, 100)


def where(tls):
    return "inside TLS" if tls else "in clear"


def loaded(name, tls):
    start, needs = SERVERS[name]

    @case(f"h2load and {name} {where(tls)}: 1, 10 and 100 streams on four connections, one span a request and side",
          [*needs, "h2load", "openssl"], name=f"load_{name}{'_tls' if tls else ''}")
    def run(t):
        server = start(t, tls=tls)
        for streams in STREAMS:
            t.equal(h2load(t, f"{server.url}/index.html", 400, 4, streams), 0, f"failed at {streams} streams")
        spans = t.spans(2400).count(name, server=1200).count("h2load", client=1200)
        spans.linked(name, "SERVER", "h2load", "CLIENT").roots("h2load", "CLIENT")
        for span in spans.of(name):
            spans.attributes(span, http__request__method="GET", http__response__status_code=200, url__path="/index.html",
                             url__scheme="https" if tls else "http", network__protocol__version="2", error__type=None)
        for span in spans.of("h2load"):
            spans.attributes(span, http__response__status_code=200, url__full=f"{server.url}/index.html",
                             network__protocol__version="2", error__type=None)


for name in SERVERS:
    for tls in (False, True):
        loaded(name, tls)


# nghttp2 puts what Apache sends into its table of compression, where it stays: what is behind it sees the SERVER span. So
# it does where nghttpx writes a header block in two pieces, as it begins its connections of TLS with small records.
TABLED = ("apache",)


def passed_on(name, h2, tls):
    start, needs = PROXIES[name]

    @case(f"{name} {where(tls)} from HTTP/2 to HTTP/{2 if h2 else 1}: 1, 10 and 100 streams on four connections, each "
          "call below its own request", [*needs, "nghttpd", "h2load", "cc", "openssl"],
          name=f"proxy_{name}_{2 if h2 else 1}{'_tls' if tls else ''}")
    def run(t):
        far, path = (nghttpd(t, tls=tls, name="far"), "/index.html") if h2 else (c_epoll(t, name="far"), "/hello")
        proxy = start(t, far.url, tls=tls, h2=h2)
        for streams in STREAMS:
            t.equal(h2load(t, proxy.url + path, 300, 4, streams), 0, f"failed at {streams} streams")
        spans = t.spans(3600).count("h2load", client=900).count(name, server=900, client=900).count("far", server=900)
        spans.linked(name, "SERVER", "h2load", "CLIENT").linked(name, "CLIENT", name, "SERVER")
        if h2 and (name, tls) == ("nghttpx", True):
            parents = [spans.by_id[s["parent_id"]] for s in spans.of("far")]
            requests = {s["parent_id"] if s["kind"] == "CLIENT" else s["span_id"] for s in parents}
            t.equal((len(requests), {s["resource"]["service.name"] for s in parents}), (900, {name}), "requests they belong to")
            t.check(sum(s["kind"] == "CLIENT" for s in parents) > 600, "most see the CLIENT span")
        else:
            spans.linked("far", "SERVER", name, "SERVER" if h2 and name in TABLED else "CLIENT")


for name in PROXIES:
    for tls in (False, True):
        if name != "h2o":  # its proxy speaks HTTP/1 alone
            passed_on(name, True, tls)
        passed_on(name, False, tls)


def told_apart(name):
    start, needs = PROXIES[name]

    @case(f"{name}: requests of a client that is not traced, 100 streams at once: no call has a wrong parent", [*needs,
          "h2load", "cc"], name=f"untraced_{name}")
    def run(t):
        far = c_epoll(t, name="far")
        proxy = start(t, far.url, h2=False)
        targets = t.dir / "targets"
        targets.write_text("".join(f"{proxy.url}/hello?id={i}\n" for i in range(200)))
        t.equal(h2load(t, proxy.url, 800, 4, 100, agent=False, more=["-i", targets]), 0, "failed")
        spans = t.spans(2400).count(name, server=800, client=800).count("far", server=800)
        found = spans.never_wrong(name)
        # None has what came in two reads, or in one whose buffer had no room for a field more of each request: 8 KB are enough here.
        t.check(found > 760, f"nearly all calls have a parent: {found}")


for name in PROXIES:
    told_apart(name)
