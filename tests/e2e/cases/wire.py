"""Byte identity: what the agent adds to streams is its header lines and nothing else, and every
program reads and sends the same bytes as without it."""
import re

from apps import CLIENTS, c_epoll, node, python
from harness import case
from proxy import Recorder

LINE = re.compile(rb"(?i)(?<=\n)traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]\r\n")
FIRST = re.compile(rb"(?<=\n)traceparent: 00-[0-9a-f]{32}-[0-9a-f]{16}-0[0-3]\r\n")


def streams(t, drive, agent):
    """Both directions of every connection that drive(port) makes to a server without the agent."""
    server = c_epoll(t, name=f"server-{agent}", agent=False)
    recorder = Recorder(server.port)
    drive(recorder.port, agent)
    return [(sent.replace(b"%d" % recorder.port, b"PORT"), answered) for sent, answered in recorder.finish()]


def same_but_for_lines(t, drive, requests):
    plain = streams(t, drive, False)
    if not t.agent:
        t.spans(0)
    traced = streams(t, drive, True)
    t.equal(len(traced), len(plain), "connections")
    t.equal(sum(len(LINE.findall(sent)) for sent, _ in traced), requests, "added header lines")
    for (sent, answered), (plain_sent, plain_answered) in zip(traced, plain):
        t.equal(LINE.sub(b"", sent), plain_sent, "the bytes sent, without our lines")
        t.equal(answered, plain_answered, "the bytes received")


def client_identity(name, client, needs):
    @case(f"{name}: its stream to the server differs by our header lines only", needs, name="identity_"
          + name.replace("-", "_"))
    def run(t):
        def drive(port, agent):
            t.agent, kept = agent and t.agent, t.agent
            t.equal(client(t, f"http://127.0.0.1:{port}/hello", 3), "hello\n" * 3, "output")
            t.agent = kept
        same_but_for_lines(t, drive, 3)


for name, (client, needs) in CLIENTS.items():
    client_identity(name, client, needs)


@case("curl: uploads differ by our header lines only (content-length, chunked, 1 MB)", ["curl"])
def identity_upload(t):
    (t.dir / "body").write_bytes(bytes(range(256)) * 4096)

    def drive(port, agent):
        url = f"http://127.0.0.1:{port}/echo"
        for options in (["-T", "body"], ["--data-binary", "@body"],
                        ["-T", "body", "-H", "Transfer-Encoding: chunked"], ["-d", "x=1"]):
            t.run("curl", ["curl", "-sS", "-o", "answer", *options, url], agent=agent)
    same_but_for_lines(t, drive, 4)


def requests():
    """Heads of all shapes, with and without bodies."""
    heads = [b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n",
             b"GET /hello?x=1 HTTP/1.1\r\nHost: a\r\nAccept: */*\r\nX-Long: " + b"y" * 700 + b"\r\n\r\n",
             b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 11\r\n\r\nGET / body\r\n",
             b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
             b"HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n",
             b"GET /status/404 HTTP/1.1\r\nHost: a\r\nUser-Agent: t\r\n\r\n"]
    heads[2] = heads[2].replace(b"11", b"%d" % len(b"GET / body\r\n"))
    return heads


def server_reads(t, pieces, options, in_turn=False):
    """Sends the pieces to a fresh dumping server; checks what it read and what it answered. With
    `in_turn` each is a request that waits for the answer before: then every one gets its line."""
    whole = b"".join(pieces)
    count = sum(whole.count(m) for m in (b"GET /hello", b"HEAD /hello", b"POST /echo", b"GET /status"))
    answers = {}
    for agent in (False, True) if t.agent else (False,):
        dump = t.dir / "dump"
        dump.unlink(missing_ok=True)
        server = c_epoll(t, agent=agent, options=["--dump", dump, *options])
        closing = whole + b"GET /hello HTTP/1.1\r\nConnection: close\r\n\r\n"
        send = [*pieces, closing[len(whole):]]
        answers[agent] = (t.in_turn(server.port, send) if in_turn else
                          t.exchange(server.port, closing, 1 << 24, send))
        t.processes.pop().stop()
        read = dump.read_bytes()
        t.equal(FIRST.sub(b"", read), closing, f"what the server read ({options}, agent {agent})")
        found = len(FIRST.findall(read))
        t.check(found <= count + 1, "not more than one line per request")
        if agent and in_turn:
            t.equal(found, count + 1, f"one line per request ({options})")
        if not agent:
            t.equal(found, 0, "no line without the agent")
    t.equal(answers.get(True, answers[False]), answers[False], "what the server answered")


@case("a server reads every request unchanged but for one traceparent line, whatever calls it uses", ["cc"])
def ingress_calls(t):
    for call in ("read", "recv", "readv", "recvmsg"):
        for loop in ([], ["--et"]):
            server_reads(t, requests(), ["--call", call, *loop], in_turn=True)
    if not t.agent:
        t.spans(0)


@case("a server reads pipelined requests unchanged but for our lines", ["cc"])
def ingress_pipelined(t):
    for loop in ([], ["--et"]):
        server_reads(t, [b"".join(requests() * 5)], loop)
        server_reads(t, [b"".join(requests()[:2]) + requests()[2][:30], requests()[2][30:] + requests()[3]], loop)


@case("a server reads heads that are split at every byte unchanged but for our lines", ["cc"])
def ingress_split(t):
    head = b"POST /echo?a=1 HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody"
    for at in range(1, len(head)):
        server_reads(t, [head[:at], head[at:]], ["--et"] if at % 2 else [])


@case("a server reads heads that come byte by byte unchanged but for our lines", ["cc"])
def ingress_bytes(t):
    whole = b"".join(requests()[:1] + requests()[2:5])
    pieces = [whole[i:i + 1] for i in range(len(whole))]
    server_reads(t, pieces, [])
    server_reads(t, pieces, ["--et"])


@case("a server reads the same with buffers of 1 byte to 1 MB", ["cc"])
def ingress_buffers(t):
    big = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + bytes(range(250)) * 1200
    for size in (1, 2, 3, 7, 16, 64, 71, 72, 73, 100, 255, 256, 257, 300, 512, 1000, 1024, 4096, 65536, 1 << 20):
        for loop in ([], ["--et"]):
            server_reads(t, [b"".join(requests()), big], ["--buffer", size, *loop])


@case("a server that reads with a full buffer at every turn loses nothing", ["cc"])
def ingress_full(t):
    for extra in range(0, 160, 7):
        head = b"GET /hello HTTP/1.1\r\nHost: a\r\nX-Fill: " + b"z" * (400 + extra) + b"\r\n\r\n"
        server_reads(t, [head * 4], ["--buffer", 512, "--et"])


@case("what a request already carries as traceparent reaches the program once, with our span's id", ["cc"])
def ingress_existing(t):
    trace = b"4bf92f3577b34da6a3ce929d0e0e4736"
    for name in (b"traceparent", b"Traceparent", b"TRACEPARENT"):
        dump = t.dir / "dump"
        dump.unlink(missing_ok=True)
        server = c_epoll(t, options=["--dump", dump])
        request = (b"GET /hello HTTP/1.1\r\nHost: a\r\n" + name + b": 00-" + trace + b"-00f067aa0ba902b7-01\r\n"
                   b"Connection: close\r\n\r\n")
        t.exchange(server.port, request, 1 << 20)
        t.processes.pop().stop()
        read = dump.read_bytes()
        t.equal(len(re.findall(rb"(?i)traceparent:", read)), 1, "traceparent lines")
        if t.agent:
            t.equal(re.sub(rb"-[0-9a-f]{16}-01", b"-00f067aa0ba902b7-01", read), request, "all but the span's id")
            t.check(b"00f067aa0ba902b7" not in read, "the span's id is ours")
    spans = t.spans(3).count("c-epoll", server=3)
    t.equal({s["parent_id"] for s in spans.all}, {"00f067aa0ba902b7"}, "the SERVER span's parent")


@case("python and node servers answer the same bytes with the agent", ["python3", "node"])
def server_answers(t):
    for server in (python, node):
        answers = {}
        for agent in (False, True) if t.agent else (False,):
            process = server(t, agent=agent)
            got = t.exchange(process.port, b"", 1 << 20, [*requests()[:3], *requests()[4:], b"GET /hello HTTP/1.1\r\n"
                                                          b"Host: a\r\nConnection: close\r\n\r\n"])
            answers[agent] = re.sub(rb"(?i)Date: [^\r]*", b"Date", got)
            t.processes.pop().stop()
        t.equal(answers.get(True, answers[False]), answers[False], "answers")
