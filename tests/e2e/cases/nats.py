"""NATS: a PRODUCER span for each message sent, a CONSUMER span for each one received, context in headers."""
from brokers import ENVIRONMENT, asked_at_once, background, handed_over, messages_of_requests, needs, node, python, said
from harness import case
from proxy import Recorder

PUBLISHED = 30
SAID = f"{PUBLISHED + 1} {200000 + sum(len(f'hello {i}') for i in range(PUBLISHED))} {PUBLISHED // 3}\n"


def server(t, *lines):
    port = t.port()
    config = t.dir / "nats.conf"
    config.write_text("\n".join([f"port: {port}", "host: 127.0.0.1", *lines]))
    started = t.start("nats-server", ["nats-server", "-c", config], port, agent=False)
    started.address = f"{'tls' if any('tls' in line for line in lines) else 'nats'}://127.0.0.1:{port}"
    return started


def publish_and_receive(t, sender, receiver, url, receiver_url=None):
    process = background(t, "receiver", [*receiver, "receive", receiver_url or url, PUBLISHED + 1])
    t.run("sender", [*sender, "publish", url, PUBLISHED], env=ENVIRONMENT)
    t.equal(said(t, process), SAID, "what was received")


def check_spans(t, far, pattern="orders.*"):
    spans = t.spans(2 * (PUBLISHED + 1))
    handed_over(t, spans, "sender", "receiver", "orders.1", PUBLISHED + 1)
    for s in spans.all:
        kind = s["kind"] == "PRODUCER"
        t.equal(s["name"], "publish orders.1" if kind else "receive orders.*", "name")
        spans.attributes(s, messaging__system="nats", messaging__operation__name="publish" if kind else "receive",
                         messaging__operation__type="send" if kind else "receive", server__address="127.0.0.1",
                         **{"messaging.destination.template": None if kind else pattern})
    return spans


@case("nats.py to nats.js: each message is one trace of two spans", ["nats-server", "python3", "node"])
def nats_python_to_node(t):
    needs(t, "nats", "node:nats")
    far = server(t)
    publish_and_receive(t, python("nats-client-python"), node("nats-client-node"), far.address)
    check_spans(t, far)


@case("nats.js to nats.py: each message is one trace of two spans", ["nats-server", "python3", "node"])
def nats_node_to_python(t):
    needs(t, "nats", "node:nats")
    far = server(t)
    publish_and_receive(t, node("nats-client-node"), python("nats-client-python"), far.address)
    check_spans(t, far)


@case("nats.js in a server: one loop sends what many requests give it, each below its own request", ["nats-server", "node"],
      agent_only=True)
def nats_loop(t):
    needs(t, "node:nats")
    far, port = server(t), t.port()
    t.start("web", [*node("nats-client-node"), "serve", far.address, port], port, env=ENVIRONMENT)
    asked_at_once(t, port, 20)
    messages_of_requests(t, t.spans(40), "web", lambda s: s["attributes"]["messaging.destination.name"].rpartition(".")[2])


@case("NATS without headers: the same messages, each with spans of its own trace", ["nats-server", "python3", "node"])
def nats_no_headers(t):
    needs(t, "nats")
    far = server(t, "no_header_support: true")
    receiver = background(t, "receiver", [*python("nats-client-python"), "answer", far.address])
    t.equal(t.run("sender", [*python("nats-client-python"), "request", far.address], env=ENVIRONMENT), "7 of rope\n", "answer")
    said(t, receiver)
    spans = t.spans(2)
    sent, received = spans.of("sender", "PRODUCER")[0], spans.of("receiver", "CONSUMER")[0]
    t.check(sent["trace_id"] != received["trace_id"] and not received["links"], "no context was carried")


@case("NATS, a question and its answer: the question is a message, the group's name is known", ["nats-server", "python3"])
def nats_request(t):
    needs(t, "nats")
    far = server(t)
    receiver = background(t, "receiver", [*python("nats-client-python"), "answer", far.address])
    t.equal(t.run("sender", [*python("nats-client-python"), "request", far.address], env=ENVIRONMENT), "7 of rope\n", "answer")
    said(t, receiver)
    spans = t.spans(2)
    handed_over(t, spans, "sender", "receiver", "stock.count", 1)
    spans.attributes(spans.of("receiver", "CONSUMER")[0], messaging__consumer__group__name="workers")


@case("NATS JetStream: messages into a stream and out of it, with the consumer's name", ["nats-server", "python3"])
def nats_stream(t):
    needs(t, "nats")
    far = server(t, f'jetstream {{ store_dir: "{t.dir / "js"}" }}')
    t.equal(t.run("stream", [*python("nats-client-python"), "stream", far.address, 20], env=ENVIRONMENT),
            "20 " + " ".join(str(i) for i in range(20)) + "\n", "what it says")
    spans = t.spans(40)
    handed_over(t, spans, "stream", "stream", "stream.1", 20)
    for s in spans.of("stream", "CONSUMER"):
        spans.attributes(s, messaging__consumer__group__name="pull")


@case("NATS: what the server gets is what the program sent, and headers", ["nats-server", "python3"])
def nats_bytes(t):
    needs(t, "nats")
    far = server(t)
    seen = {}
    for agent in (False, True):
        proxy = Recorder(far.port)
        t.run("sender", [*python("nats-client-python"), "publish", f"nats://127.0.0.1:{proxy.port}", PUBLISHED], agent=agent, env=ENVIRONMENT)
        seen[agent] = messages(bytes(proxy.connections[0]["sent"]))
    spans = t.spans(PUBLISHED + 1)
    t.equal(len(seen[True]), PUBLISHED + 1, "messages")
    for plain, ours, span in zip(seen[False], seen[True], spans.all):
        context = f"traceparent: 00-{span['trace_id']}-{span['span_id']}-{span['flags'] & 0xff:02x}"
        t.equal((ours[0], [h for h in ours[1] if h != context], ours[2]), plain, "message")
        t.check(context in ours[1], f"{context} in {ours[1]}")


def messages(sent):
    """(subject, header lines, body) of each message that a client sent."""
    found = []
    while sent:
        line, _, sent = sent.partition(b"\r\n")
        words = line.decode().split()
        if words[0] not in ("PUB", "HPUB"):
            continue
        size, head = int(words[-1]), int(words[-2]) if words[0] == "HPUB" else 0
        lines = sent[:head].decode().split("\r\n")
        assert sent[size:size + 2] == b"\r\n" and (not head or lines[0] == "NATS/1.0")
        found.append((words[1], [h for h in lines[1:] if h], sent[head:size]))
        sent = sent[size + 2:]
    return found
