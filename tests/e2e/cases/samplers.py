"""Samplers that find their ratio by themselves: what they take, and that what they say of it is so."""
import re

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
