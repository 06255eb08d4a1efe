"""Samplers that find their ratio by themselves: what they take, and that what they say of it is so."""
import http.server
import re
import threading
import time

from apps import nginx
from harness import case

REQUESTS = 200


def proxied(t, requests, **settings):
    """So many requests through nginx. Returns what the next service got of each: (traceparent, tracestate or None)."""
    port, heads = t.header_recorder()
    proxy = nginx(t, f"http://127.0.0.1:{port}", env=settings)
    for _ in range(requests):
        t.get(proxy.port, "/call")
    return [(dict(head)["traceparent"], dict(head).get("tracestate")) for head in heads]


def is_taken(trace_id, threshold):
    """As the specification has it: the random number is not below the threshold."""
    return int(trace_id[-14:], 16) >= int(threshold.ljust(14, "0"), 16)


@case("the adaptive sampler takes every trace while none is lost, and says so", ["nginx"], agent_only=True)
def adaptive(t):
    (traceparent, tracestate), = proxied(t, 1, OTEL_TRACES_SAMPLER="parentbased_adaptive")
    t.equal((traceparent[-2:], tracestate), ("03", "ot=th:0"), "flags and tracestate of what goes out")
    spans = t.spans(2).linked("nginx", "CLIENT", "nginx", "SERVER")
    t.equal({span["tracestate"] for kind in ("SERVER", "CLIENT") for span in spans.of("nginx", kind)}, {"ot=th:0"}, "of the spans")


@case("the adaptive sampler says its ratio of the traces that it takes", ["nginx"], agent_only=True)
def ratio(t):
    sent = proxied(t, REQUESTS, OTEL_TRACES_SAMPLER="parentbased_adaptive", OTEL_TRACES_SAMPLER_ARG="0.25")
    check(t, sent)
    t.equal({state for _, state in sent} - {None}, {"ot=th:c"}, "all with the threshold of a quarter")


@case("the rate-limited sampler takes some of many traces, each by the threshold that it tells", ["nginx"], agent_only=True)
def limited(t):
    sent = proxied(t, REQUESTS, OTEL_TRACES_SAMPLER="parentbased_ratelimited", OTEL_TRACES_SAMPLER_ARG="per_second=1")
    check(t, sent)
    t.equal(sent[0][1], "ot=th:0", "the first is taken")


def check(t, sent):
    t.equal(len(sent), REQUESTS, "requests that went out")
    taken = [(parent, state) for parent, state in sent if parent.endswith("-03")]
    t.check(0 < len(taken) < REQUESTS, f"some are taken: {len(taken)}")
    for parent, state in taken:
        said = re.fullmatch(r"ot=th:([0-9a-f]{1,14})", state or "")
        t.check(said and is_taken(parent.split("-")[1], said[1]), f"taken by the threshold that it tells: {parent}, {state}")
    t.equal([sent for sent in sent if sent[1] and sent not in taken], [], "what is not taken tells no threshold")
    t.equal({parent.split("-")[1] for parent, _ in taken}, {span["trace_id"] for span in t.spans(2 * len(taken)).all}, "traces")


class SlowSink(http.server.ThreadingHTTPServer):
    """A backend that takes its time, and remembers which thresholds it was told."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), SlowAnswer)
        self.told = set()
        threading.Thread(target=self.serve_forever, daemon=True).start()


class SlowAnswer(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.server.told.update(re.findall(rb"ot=th:([0-9a-f]+)", self.rfile.read(int(self.headers["Content-Length"]))))
        time.sleep(0.05)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


def crowd(t, through):
    """A server that is asked until the backend was told of a ratio below one; its spans do not fit into the queue meanwhile."""
    sink = SlowSink()
    t.closers.append(sink.shutdown)
    port = t.port()
    env = {"OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{sink.server_port}", "OTEL_TRACES_SAMPLER": "parentbased_adaptive",
           "OTEL_BSP_MAX_QUEUE_SIZE": 64, "OTEL_BSP_MAX_EXPORT_BATCH_SIZE": 16}
    server = t.start("server", [*through, t.build.app("http-server-c-epoll"), port], port, agent=not through, env=env)
    for _ in range(60):
        if sink.told - {b"0"}:
            break
        t.run("ab", ["ab", "-q", "-k", "-c", "8", "-t", "1", "-n", "1000000", server.url + "/hello"], agent=False)
    t.check(sink.told - {b"0"}, f"fewer are taken, and it is told: {sink.told}")


@case("the adaptive sampler takes less where the queue of an exporter is full", ["ab"], agent_only=True)
def crowded(t):
    crowd(t, [])


@case("the adaptive sampler takes less where the queue of its relay is full", ["ab"], agent_only=True)
def crowded_relay(t):
    crowd(t, [t.build.cli, "run", "-q", "--"])
