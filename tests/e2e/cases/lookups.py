"""Look-ups of names: a CLIENT span for each that belongs to something, counted against what the DNS server was asked."""
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from apps import APPS
from dns_server import DnsServer
from fetched import pypi
from harness import Skip, case

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
TRACEPARENT = {"TRACEPARENT": f"00-{TRACE}-{SPAN}-01"}
BOUND = iter(range(2, 250))
MOUNT = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'


def ported(t):
    """A server on a port that only programs find which can be told of it."""
    server = DnsServer()
    t.closers.append(server.close)
    return server


def alone(t):
    """A server on the port of the DNS, for programs that are told where it is."""
    try:
        server = DnsServer(f"127.0.7.{next(BOUND)}", 53)
    except PermissionError:
        raise Skip("may not listen on port 53") from None
    t.closers.append(server.close)
    return server


def resolver(t):
    """A server that a program finds in its own /etc/resolv.conf; returns it, and what to start the program with."""
    server = alone(t)
    conf = t.dir / "resolv.conf"
    conf.write_text(f"nameserver {server.address[0]}\noptions timeout:20 attempts:1\n")
    for unshare in (["unshare", "--mount"], ["unshare", "--map-root-user", "--mount"]):
        own = [*unshare, "sh", "-c", MOUNT, conf]
        if subprocess.run([*own, "true"], capture_output=True).returncode == 0:
            return server, own
    raise Skip("no mount namespaces here")


def looked_up(spans, service=None):
    return [s for s in spans.all if "dns.question.name" in s["attributes"] and service in (None, s["resource"]["service.name"])]


def below_the_caller(t, spans):
    for s in spans:
        t.equal((s["kind"], s["trace_id"], s["parent_id"]), ("CLIENT", TRACE, SPAN), f"{s['name']}: where it belongs")


def compiled(t):
    return t.build.app("dns-client-c", options=["-pthread", "-lresolv"])


@case("libc's functions: a span for each name that is looked up, none for addresses; the program sees what it saw", ["cc"])
def libc(t):
    server, app = ported(t), compiled(t)
    without = t.run("without", [app, server.address[1]], agent=False)
    asked = {(name if not name.endswith(".arpa") else "203.0.113." + name.split(".")[0]) for name, _, _ in server.asked()}
    t.equal(t.run("c", [app, server.address[1]], env=TRACEPARENT), without, "what it says")
    spans = t.spans(17)
    below_the_caller(t, spans.all)
    t.equal({s["attributes"]["dns.question.name"] for s in spans.all}, asked, "names, and what the server was asked")
    by_name = {s["name"]: s for s in spans.all}
    for name, answers, error in (
            ("one.test", ["192.0.2.1"], None), ("both.test", ["192.0.2.1", "2001:db8::1"], None), ("alias.test", ["192.0.2.1"], None),
            ("nx.test", None, "host_not_found"), ("fail.test", None, "try_again"), ("empty.test", None, "no_data"),
            ("byname.test", ["192.0.2.1"], None), ("nx.byname.test", None, "host_not_found"), ("byname2.test", ["2001:db8::1"], None),
            ("byname-r.test", ["192.0.2.1"], None), ("byname2-r.test", ["192.0.2.1"], None)):
        span = by_name[f"DNS lookup {name}"]
        spans.attributes(span, dns__question__name=name, dns__answers=answers, error__type=error)
        t.equal(span["status"], "error" if error else "unset", f"status of {name}")
    t.equal(len(by_name["DNS lookup big.test"]["attributes"]["dns.answers"]), 16, "answers that are told")
    reverse = [s for s in spans.all if s["name"] == "DNS reverse lookup 203.0.113.7"]
    t.equal([s["attributes"]["dns.answers"] for s in reverse], [["host.of.7.test"]] * 3, "names of an address")
    # The call gives the address as text, which is no name.
    spans.attributes(by_name["DNS reverse lookup 203.0.113.99"], dns__answers=None, error__type="host_not_found")


@case("look-ups that belong to nothing have spans only where that is asked for, and none where none are", ["cc"])
def configured(t):
    server, app = ported(t), compiled(t)
    t.run("default", [app, server.address[1], "threads"])
    t.run("none", [app, server.address[1], "threads"], env={**TRACEPARENT, "REMORA_DNS": "none"})
    t.run("unsampled", [app, server.address[1], "threads"], env={"TRACEPARENT": TRACEPARENT["TRACEPARENT"][:-1] + "0"})
    t.run("all", [app, server.address[1], "threads"], env={"REMORA_DNS": "all"})
    t.equal(len(server.asked()), 32, "queries")
    spans = t.spans(8).roots("all", "CLIENT")
    t.equal(sorted(s["attributes"]["dns.question.name"] for s in spans.of("all")), [f"thread{i}.test" for i in range(8)], "names")


@case("a look-up that a signal handler jumps out of: the next one has its span, also from further down the stack", ["cc"])
def jumped_out(t):
    server, app = ported(t), compiled(t)
    for how in ("longjmp", "deeper"):
        t.equal(t.run(how, [app, server.address[1], how], env=TRACEPARENT), "out\ngetaddrinfo after.test: 0 1 192.0.2.1\n", "what it says")
    spans = t.spans(2).count("longjmp", client=1).count("deeper", client=1)
    t.equal({s["name"] for s in spans.all}, {"DNS lookup after.test"}, "name")
    below_the_caller(t, spans.all)


@case("libresolv's functions and getaddrinfo_a: a span for each question, of whoever asks; nothing of libc's own is told besides",
      ["cc", "unshare"], agent_only=True)
def resolver_functions(t):
    server, own = resolver(t)
    app = t.build.app("dns-client-c", source="resolver", options=["-lresolv", "-lanl"])
    without = t.run("without", [*own, app], agent=False)
    server.log.clear()
    t.equal(t.run("c", [*own, app], env={**TRACEPARENT, "REMORA_DNS": "all"}), without, "what it says")
    asked = server.asked()
    spans = t.spans(17)
    below_the_caller(t, spans.all)
    # What is asked again over TCP is one call; getaddrinfo_a does not say the type.
    t.equal(sorted(s["attributes"]["dns.question.name"] for s in spans.all), sorted(q[0] for q in asked if q[2] == "udp"), "questions")
    by_name = {s["attributes"]["dns.question.name"]: s for s in spans.all}
    for name, kind, answers, error in (
            ("query.test", "A", ["192.0.2.1"], None), ("nx.query.test", "AAAA", None, "host_not_found"), ("empty.test", "MX", None, "no_data"),
            ("search.test", "AAAA", ["2001:db8::1"], None), ("joined.test", "A", ["192.0.2.1"], None), ("nx.joined.test", "A", None, "host_not_found"), ("alias.test", "A", ["192.0.2.1"], None), ("fail.test", "A", None, "try_again"),
            ("send.test", "A", ["192.0.2.1"], None), ("nx.send.test", "A", None, "NXDOMAIN"), ("silent.test", "A", None, "no_answer"),
            ("wait.test", None, ["192.0.2.1"], None), ("nx.wait.test", None, None, "host_not_found"), ("wait2.test", None, ["192.0.2.1"], None),
            ("later.test", None, ["192.0.2.1"], None), ("fail.later.test", None, None, "try_again")):
        spans.attributes(by_name[name], dns__question__type=kind, dns__answers=answers, error__type=error)
        t.equal(by_name[name]["status"], "error" if error else "unset", f"status of {name}")


@case("a look-up that the end of the process finds under way is told of", ["cc"])
def cut_off(t):
    server, app = ported(t), compiled(t)
    t.run("c", [app, server.address[1], "exit"], env=TRACEPARENT)
    spans = t.spans(1)
    spans.attributes(spans.all[0], dns__question__name="silent.test", error__type="process_exit")
    t.check(spans.all[0]["end"] - spans.all[0]["start"] > 0.5e9, "it lasted as long as the program waited")


def of_program(name, argv, needs, title=None, names=("one.test", "nx.one.test")):
    @case(title or f"{name}: a span for each name that it looks up", ["unshare", *needs], agent_only=True, name=f"program_{name}")
    def run(t):
        server, own = resolver(t)
        t.run(name, [*own, *argv], env=TRACEPARENT)
        spans = t.spans(len(names))
        below_the_caller(t, spans.all)
        t.equal(sorted(s["attributes"]["dns.question.name"] for s in spans.all), sorted(names), "names")
        t.equal({q[0] for q in server.asked()}, set(names), "what the server was asked")
        found = next(s for s in spans.all if s["attributes"]["dns.question.name"] == "one.test")
        t.check("192.0.2.1" in found["attributes"]["dns.answers"], f"answers: {found['attributes']}")


PYTHON = "import socket\nsocket.getaddrinfo('one.test', 80)\ntry: socket.gethostbyname_ex('nx.one.test')\nexcept OSError: pass\n"
ASYNCIO = """
import asyncio
async def main():
    loop = asyncio.get_running_loop()
    await asyncio.gather(loop.getaddrinfo('one.test', 80), loop.getaddrinfo('nx.one.test', 80), return_exceptions=True)
asyncio.run(main())
"""
NODE = "const dns = require('dns'); dns.lookup('one.test', { all: true }, () => dns.lookup('nx.one.test', () => {}));"
PHP = "gethostbyname('one.test'); gethostbyname('nx.one.test');"
RUBY = "require 'socket'; Addrinfo.getaddrinfo('one.test', 80); begin; Addrinfo.getaddrinfo('nx.one.test', 80); rescue SocketError; end"
PERL = "use Socket qw(getaddrinfo); getaddrinfo('one.test', 80); gethostbyname('nx.one.test');"
JAVA = """
public class Main {
    public static void main(String[] a) throws Exception {
        java.net.InetAddress.getAllByName("one.test");
        try { java.net.InetAddress.getByName("nx.one.test"); } catch (java.net.UnknownHostException e) { }
    }
}
"""
of_program("python", ["python3", "-c", PYTHON], ["python3"])
of_program("asyncio", ["python3", "-c", ASYNCIO], ["python3"])
of_program("node", ["node", "-e", NODE], ["node"])
of_program("php", ["php", "-r", PHP], ["php"])
of_program("ruby", ["ruby", "-e", RUBY], ["ruby"])
of_program("perl", ["perl", "-e", PERL], ["perl"])


@case("java: a span for each name that it looks up", ["unshare", "java"], agent_only=True)
def program_java(t):
    server, own = resolver(t)
    source = Path(t.dir, "Main.java")
    source.write_text(JAVA)
    t.run("java", [*own, "java", source], env=TRACEPARENT)
    spans = t.spans(2)
    below_the_caller(t, spans.all)
    t.equal([s["name"] for s in spans.all], ["DNS lookup one.test", "DNS lookup nx.one.test"], "names")


@case("curl: the look-up, then the request, both below what started it", ["unshare", "curl"], agent_only=True)
def curl(t):
    server, own = resolver(t)
    port, heads = t.header_recorder()
    t.run("curl", [*own, "curl", "-sS", "--noproxy", "*", f"http://web.test:{port}/a"], env=TRACEPARENT)
    spans = t.spans(2)
    below_the_caller(t, spans.all)
    look, get = spans.all
    spans.attributes(look, dns__question__name="web.test", dns__answers=["127.0.0.1"])
    spans.attributes(get, url__full=f"http://web.test:{port}/a")
    t.check(look["end"] <= get["start"], "first the one, then the other")
    t.equal({q[0] for q in server.asked()}, {"web.test"}, "what the server was asked")


SERVER = """
import http.server, socket, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            body = socket.getaddrinfo(self.path[1:], 80, socket.AF_INET)[0][4][0].encode()
        except OSError as e:
            body = str(e.errno).encode()
        self.send_response(200)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *a): pass
http.server.ThreadingHTTPServer(('127.0.0.1', int(sys.argv[1])), Handler).serve_forever()
"""


@case("what a served request looks up is below its SERVER span", ["unshare", "python3"], agent_only=True)
def served(t):
    server, own = resolver(t)
    port = t.port()
    web = t.start("web", [*own, "python3", "-c", SERVER, port], port)
    for i in range(5):
        t.equal(t.get(web.port, f"/served{i}.test", keep_alive=False), [(200, b"192.0.2.1")], "answer")
    spans = t.spans(10).count("web", server=5, client=5).linked("web", "CLIENT", "web", "SERVER")
    for s in spans.of("web", "CLIENT"):
        t.equal(spans.by_id[s["parent_id"]]["attributes"]["url.path"], "/" + s["attributes"]["dns.question.name"], "its own request")
    t.equal(len(server.asked()), 5, "queries")


NODE_SERVER = """
const dns = require('dns'), http = require('http');
const [port, far, server] = process.argv.slice(1), resolver = new dns.Resolver();
resolver.setServers([server]);
const few = new http.Agent({ keepAlive: true, maxSockets: 1 });
const asked = (work) => new Promise((done) => work(done));
const got = (options) => asked((done) => http.get(options, (answer) => answer.on('end', done).resume()));
setInterval(() => dns.lookup('same.test', { family: 4 }, () => {}), 1);
http.createServer(async ({ url }, response) => {
    const id = url.slice(1);
    await Promise.all([
        asked((done) => dns.lookup(`one${id}.test`, done)), asked((done) => dns.lookup(`same.test`, { family: 4 }, done)),
        asked((done) => dns.lookup(`two${id}.test`, { all: true, hints: dns.V4MAPPED }, done)),
        asked((done) => resolver.resolve4(`own${id}.test`, done)),
        got({ host: `web${id}.test`, port: far, agent: false }), got({ host: 'web.test', port: far, path: `/${id}`, agent: few }),
        fetch(`http://web.fetch${id}.test:${far}/`).then((answer) => answer.text()),
    ]);
    response.end(id);
}).listen(port, '127.0.0.1');
"""


@case("what Node looks up in its pool, and asks itself, for many requests at once is below the request of each", ["unshare", "node"],
      agent_only=True)
def node_served(t):
    server, own = resolver(t)
    port, (far, _) = t.port(), t.header_recorder()
    web = t.start("web", [*own, "node", "-e", NODE_SERVER, port, far, server.address[0]], port)
    ids = [str(i) for i in range(100, 148)]
    with ThreadPoolExecutor(8) as pool:
        t.equal(list(pool.map(lambda i: t.get(web.port, f"/{i}", keep_alive=False), ids)), [[(200, i.encode())] for i in ids], "answers")
    spans = t.spans_at_least(48 * 10 + 1).all  # one look-up for the agent of one socket
    served = {s["span_id"]: s["attributes"]["url.path"][1:] for s in spans if s["kind"] == "SERVER"}
    looks = [s for s in spans if s["attributes"].get("dns.question.name")]
    names = [s["attributes"]["dns.question.name"] for s in looks]
    for i in ids:
        for name in ("one", "two", "own", "web", "web.fetch"):
            t.check(f"{name}{i}.test" in names, f"a span of {name}{i}.test")
    for s in looks:
        number = re.search(r"\d+", s["attributes"]["dns.question.name"])
        t.check(s["parent_id"] in served, f"{s['name']} has a parent")
        t.check(not number or number[0] == served[s["parent_id"]], f"{s['name']}: its own request")
    same = [served[s["parent_id"]] for s in looks if s["attributes"]["dns.question.name"] == "same.test"]
    t.equal(sorted(same), ids, "the name that all look up, and a timer for nobody")


@case("exporters look up the backend's name: never a span", ["unshare", "cc"], agent_only=True)
def exporter(t):
    server, own = resolver(t)
    endpoint = f"http://web.test:{t.sink.endpoint.rpartition(':')[2]}"
    local = ported(t)
    t.run("c", [*own, compiled(t), local.address[1], "threads"],
          env={"REMORA_DNS": "all", "OTEL_EXPORTER_OTLP_ENDPOINT": endpoint})
    spans = t.spans(8)
    t.check("web.test" in {q[0] for q in server.asked()}, "the exporter asked")
    t.equal({s["attributes"]["dns.question.name"] for s in spans.all}, {f"thread{i}.test" for i in range(8)}, "names")


# ---- programs with a resolver of their own ----

DNSPYTHON = """
import sys, dns.resolver
r = dns.resolver.Resolver(configure=False)
r.nameservers = [sys.argv[1]]
for name, kind in (('one.test', 'A'), ('one.test', 'AAAA'), ('alias.test', 'A'), ('nx.one.test', 'A'), ('fail.test', 'A'), ('empty.test', 'MX'), ('big.test', 'A')):
    try:
        print(name, kind, *r.resolve(name, kind, lifetime=5))
    except Exception as e:
        print(name, kind, type(e).__name__)
print(r.resolve_address('203.0.113.7')[0])
"""
NODE_RESOLVE = """
const { Resolver } = require('dns');
const r = new Resolver({ timeout: 5000, tries: 1 });
r.setServers([process.argv[1]]);
const each = [['one.test', 'A'], ['one.test', 'AAAA'], ['alias.test', 'A'], ['nx.one.test', 'A'], ['fail.test', 'A'], ['empty.test', 'MX'], ['big.test', 'A']];
(function next() {
    const q = each.shift();
    if (!q) return r.reverse('203.0.113.7', (e, names) => console.log(names[0]));
    r.resolve(...q, (e, answers) => { console.log(...q, e ? e.code : answers.join(' ')); next(); });
})();
"""
BIG = [f"192.0.2.{i}" for i in range(1, 17)]
ASKED = {("big.test", "A", "udp"): (None, None), ("big.test", "A", "tcp"): (BIG, None), ("one.test", "A"): (["192.0.2.1"], None), ("one.test", "AAAA"): (["2001:db8::1"], None), ("alias.test", "A"): (["192.0.2.1"], None),
         ("nx.one.test", "A"): (None, "NXDOMAIN"), ("fail.test", "A"): (None, "SERVFAIL"), ("empty.test", "MX"): (None, None),
         ("7.113.0.203.in-addr.arpa", "PTR"): (["host.of.7.test"], None)}


def question(s):
    a = s["attributes"]
    return a["dns.question.name"].lower(), a["dns.question.type"], a["network.transport"]


def asks_by_itself(t, name, argv, server=None):
    server = server or alone(t)
    without = t.run("without", [*argv, server.address[0]], agent=False)
    server.log.clear()
    t.equal(t.run(name, [*argv, server.address[0]], env=TRACEPARENT), without, "what it says")
    asked = server.asked()
    spans = t.spans(len(asked))
    below_the_caller(t, spans.all)
    t.equal(sorted(question(s) for s in spans.all), sorted(asked), "questions, and what the server was asked")
    t.equal([q[0] for q in asked if q[2] == "tcp"], ["big.test"], "what did not fit into a datagram")
    for s in spans.all:
        answers, error = ASKED.get(question(s)) or ASKED[question(s)[:2]]
        spans.attributes(s, dns__answers=answers, error__type=error, server__address=server.address[0], server__port=None,
                         network__peer__address=server.address[0], network__peer__port=53)
        t.equal((s["name"], s["status"]), (f"DNS lookup {question(s)[0]}", "error" if error else "unset"), "name and status")


def own_resolver(name, argv, needs):
    @case(f"{name}: a span for each question that it asks by itself", needs, name=f"own_{name}")
    def run(t):
        server = alone(t)
        t.run("probe", [*argv, server.address[0]], agent=False, status=None)
        if "Error" in t.tail(t.dir / "probe.log"):
            raise Skip(f"no {name} here")
        asks_by_itself(t, name, argv, server)


own_resolver("dnspython", ["python3", "-c", DNSPYTHON], ["python3"])
own_resolver("node_resolve", ["node", "-e", NODE_RESOLVE], ["node"])


PYCARES = """
import sys, pycares
channel = pycares.Channel(servers=[sys.argv[1]], timeout=5, tries=1)
def ask(name, kind):
    said = []
    channel.query(name, getattr(pycares, 'QUERY_TYPE_' + kind), callback=lambda answer, error: said.append(error or 'found'))
    channel.wait()
    print(name, kind, *said)
for name, kind in (('one.test', 'A'), ('one.test', 'AAAA'), ('alias.test', 'A'), ('nx.one.test', 'A'), ('fail.test', 'A'), ('empty.test', 'MX'), ('big.test', 'A')):
    ask(name, kind)
ask('7.113.0.203.in-addr.arpa', 'PTR')
"""
AIODNS = """
import asyncio, sys, aiodns
async def main():
    r = aiodns.DNSResolver(nameservers=[sys.argv[1]], timeout=5, tries=1)
    for name, kind in (('one.test', 'A'), ('one.test', 'AAAA'), ('alias.test', 'A'), ('nx.one.test', 'A'), ('fail.test', 'A'), ('empty.test', 'MX'), ('big.test', 'A'),
                       ('7.113.0.203.in-addr.arpa', 'PTR')):
        try:
            await r.query_dns(name, kind)
            print(name, kind, 'found')
        except aiodns.error.DNSError as e:
            print(name, kind, e.args[0])
asyncio.run(main())
"""


@case("c-ares: a span for each question, with its answers, also over TCP", ["cc"])
def own_cares(t):
    if not Path("/usr/include/ares.h").exists():
        raise Skip("no libc-ares-dev here")
    app = t.build.app("dns-client-c", source="cares", options=["-lcares"])
    asks_by_itself(t, "c", [app])


@case("pycares: a span for each question", ["python3"])
def own_pycares(t):
    asks_by_itself(t, "pycares", [pypi("pycares", "pycares==5.2.1", "aiodns==4.0.4") / "python", "-c", PYCARES])


@case("aiodns: a span for each question", ["python3"])
def own_aiodns(t):
    asks_by_itself(t, "aiodns", [pypi("pycares", "pycares==5.2.1", "aiodns==4.0.4") / "python", "-c", AIODNS])


@case("questions that nobody answers: one span each time they are asked of a socket; none without a parent", ["cc"])
def datagrams(t):
    server = alone(t)
    app = t.build.app("dns-client-c", source="datagrams")
    without = t.run("without", [app, server.address[0]], agent=False)
    t.equal(t.run("c", [app, server.address[0]], env=TRACEPARENT), without, "what it says")
    t.run("orphan", [app, server.address[0]])
    spans = t.spans(9)
    below_the_caller(t, spans.all)
    got = sorted((s["attributes"]["dns.question.name"], s["attributes"].get("error.type", "")) for s in spans.all)
    t.equal(got, sorted([("send.test", ""), ("sendto.test", ""), ("sendmsg.test", ""), ("first.test", ""), ("second.test", ""),
                         ("write.test", ""), ("silent.test", "no_answer"), ("silent2.test", "no_answer"), ("silent3.test", "process_exit")]), "spans")
