"""Kafka: a PRODUCER span for each request with messages, a CONSUMER span for each partition's messages in an answer."""
import contextlib
import socket
import time

from brokers import CLIENTS, ENVIRONMENT, asked_at_once, messages_of_requests, needs, node, python
from fetched import maven
from harness import Failure, Skip, case

JARS = CLIENTS / "java"
PUBLISHED = 30
BYTES = 200000 + sum(len(f"hello {i}") for i in range(PUBLISHED))
SAID = f"{PUBLISHED + 1} {BYTES} {PUBLISHED // 3}\n"
NEEDS = ["java", "javac"]


def server(t, *lines, listen="PLAINTEXT", jars=JARS):
    """A broker of its own that is its own controller."""
    if not jars.is_dir():
        raise Skip("no Kafka here")
    port, controller, config = t.port(), t.port(), t.dir / "server.properties"
    config.write_text("\n".join([
        "process.roles=broker,controller", "node.id=1", f"controller.quorum.voters=1@127.0.0.1:{controller}",
        f"listeners={listen}://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}", "controller.listener.names=CONTROLLER",
        f"advertised.listeners={listen}://127.0.0.1:{port}", f"log.dirs={t.dir / 'kafka'}", "num.partitions=2",
        "offsets.topic.replication.factor=1", "offsets.topic.num.partitions=1", "group.initial.rebalance.delay.ms=0",
        "transaction.state.log.replication.factor=1", "transaction.state.log.min.isr=1",
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SSL:SSL", "inter.broker.listener.name=" + listen, *lines, ""]))
    java = ["java", "-Xmx400m", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn", "-cp", f"{jars}/*"]
    t.run("format", [*java, "kafka.tools.StorageTool", "format", "-t", "4L6g3nShT-eMCtK--X86sw", "-c", config], agent=False)
    started = t.start("kafka", [*java, "kafka.Kafka", config], agent=False)
    end = time.monotonic() + 120
    while time.monotonic() < end and started.popen.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            started.port, started.address = port, f"127.0.0.1:{port}"
            return started
        time.sleep(0.2)
    raise Failure(f"no broker:\n{t.tail(started.log)}")


def client(t, language, jars=JARS):
    if language != "java":
        return {"python": python, "node": node}[language](f"kafka-client-{language}")
    classes = t.build.app("kafka-client-java", options=["-cp", f"{JARS}/*"])
    return ["java", "-Dorg.slf4j.simpleLogger.defaultLogLevel=off", "-cp", f"{classes}:{jars}/*", "Main"]


def counted(spans):
    return sum(s["attributes"].get("messaging.batch.message_count", 1) for s in spans)


def check_attributes(t, spans, far):
    for s in spans.all:
        sent = s["kind"] == "PRODUCER"
        spans.attributes(s, messaging__system="kafka", messaging__operation__name="send" if sent else "receive",
                         messaging__operation__type="send" if sent else "receive", server__address="127.0.0.1",
                         server__port=far.port, messaging__client__id="sender" if sent else "receiver")
        t.equal(s["attributes"].get("messaging.destination.name"), "orders", f"topic of {s}")
        if not sent:
            t.check(s["attributes"]["messaging.destination.partition.id"] in ("0", "1"), f"partition of {s}")


def exchange(t, far, sender, receiver, *options, env=ENVIRONMENT, jars=JARS):
    t.run("sender", [*client(t, sender, jars), "publish", far.address, PUBLISHED, *options], env=env)
    t.equal(t.run("receiver", [*client(t, receiver, jars), "receive", far.address, PUBLISHED + 1], env=env), SAID, "what was received")
    spans = t.spans_at_least(2)
    # What a broker refused, for a topic that is new to it, is sent again.
    spans.all[:] = [s for s in spans.all if "error.type" not in s["attributes"]]
    sent, received = spans.of("sender", "PRODUCER"), spans.of("receiver", "CONSUMER")
    t.equal(len(sent) + len(received), len(spans.all), "kinds of spans")
    t.equal((counted(sent), counted(received)), (PUBLISHED + 1, PUBLISHED + 1), "messages")
    check_attributes(t, spans, far)
    return sent, received


def both(t, sender, receiver, far=None, env=ENVIRONMENT, jars=JARS):
    sent, received = exchange(t, far or server(t, jars=jars), sender, receiver, env=env, jars=jars)
    carried = {(s["trace_id"], s["span_id"]) for s in sent if s["end"]}
    large = [s for s in sent if s["attributes"].get("messaging.batch.message_count", 1) == 1]
    linked = [link for s in received for link in s["links"]]
    t.check(set(linked) <= carried, "a link to nobody")
    t.equal(len(linked), PUBLISHED, "links: one for each message but the long one")
    t.check(large and len(carried - set(linked)) == 1, "the long one is the only message without context")
    for s in received:
        if s["parent_id"]:
            t.equal(s["links"], [(s["trace_id"], s["parent_id"])], "a message alone is below the span that sent it")


@case("Java's client to kafka-python: each message is counted, and linked to the request that it was sent in",
      [*NEEDS, "python3"], name="kafka_java_to_python")
def java_to_python(t):
    needs(t, "kafka")
    both(t, "java", "python")


@case("kafka-python to Java's client: the same", [*NEEDS, "python3"], name="kafka_python_to_java")
def python_to_java(t):
    needs(t, "kafka")
    both(t, "python", "java")


@case("Kafka 4 and its Java client, which say ids of topics in what they send, too: the same, with the topic's name",
      [*NEEDS, "mvn"], name="kafka_4")
def kafka_4(t):
    if not JARS.is_dir():
        raise Skip("no Kafka client to compile with")
    both(t, "java", "java", jars=maven("kafka-4", "kafka-server-maven"))


@case("kafkajs to itself: the same", [*NEEDS, "node"], name="kafka_node")
def kafkajs(t):
    needs(t, "node:kafkajs")
    both(t, "node", "node")


@case("kafkajs in a server: one loop sends what many requests give it, each below its own request", [*NEEDS, "node"], name="kafka_loop",
      agent_only=True)
def loop(t):
    needs(t, "node:kafkajs")
    far, port = server(t), t.port()
    t.start("web", [*node("kafka-client-node"), "serve", far.address, port], port, env=ENVIRONMENT)
    asked_at_once(t, port, 20)
    spans = t.spans_at_least(40)
    spans.all[:] = [s for s in spans.all if "error.type" not in s["attributes"]]  # as above
    messages_of_requests(t, spans, "web", lambda s: str(s["attributes"].get("messaging.batch.message_count", 1)))


@case("aiokafka in a server: messages of one request are below it; of those that many requests gave, nothing is said", [*NEEDS, "python3"],
      name="kafka_aio", agent_only=True)
def aio(t):
    needs(t, "aiokafka", "aiohttp")
    far, port = server(t), t.port()
    t.start("web", [*python("kafka-client-python-aio"), far.address, port], port, env=ENVIRONMENT)
    messages_below(t, port)


@case("kafka-python in a server of threads: the same, though a thread of its own sends", [*NEEDS, "python3"], name="kafka_threads",
      agent_only=True)
def threads(t):
    needs(t, "kafka")
    far, port = server(t), t.port()
    t.start("web", [*python("kafka-client-python"), "serve", far.address, port], port, env=ENVIRONMENT)
    messages_below(t, port)


def messages_below(t, port):
    alone = range(31, 37)
    for number in (100, *alone):  # the first one waits for its topic
        t.equal(t.get(port, f"/{number}"), [(200, b"ok\n")], "answer")
    asked_at_once(t, port, 20)
    spans, sent = t.spans_at_least(2 * len(alone) + 21), {}
    for s in spans.of("web", "PRODUCER"):
        if s["parent_id"] and "error.type" not in s["attributes"]:
            number = int(spans.by_id[s["parent_id"]]["attributes"]["url.path"][1:])
            sent[number] = sent.get(number, 0) + s["attributes"].get("messaging.batch.message_count", 1)
    t.equal({n: sent.get(n) for n in alone}, {n: n for n in alone}, "messages below requests that were alone")
    t.check(all(count <= number for number, count in sent.items()), f"no more messages below a request than it sent: {sent}")


@case("Kafka, compressed: the same messages, counted, without context", [*NEEDS, "python3"], name="kafka_compressed")
def compressed(t):
    needs(t, "kafka")
    _, received = exchange(t, server(t), "java", "python", "gzip")
    t.equal([s["links"] for s in received], [[]] * len(received), "links")


# As kafkajs before 1.8 has it: what is asked waits in a plain object.
OLD_KAFKAJS = """
module.exports = class Connection {
	constructor() {
		this.pendingQueue = {}
	}
	async send() {
		return 'ok\\n'
	}
}
"""

OLD_KAFKAJS_SERVER = """
const Connection = require('kafkajs/src/network/connection.js')

require('http').createServer((request, response) => new Connection().send().then((text) => response.end(text), (error) => {
	response.statusCode = 500
	response.end(String(error))
})).listen(Number(process.argv[2]), '127.0.0.1')
"""


@case("a connection of an older kafkajs: its requests go out as ever", ["node"], name="kafka_old_node", agent_only=True)
def old_kafkajs(t):
    connection, main, port = t.dir / "node_modules" / "kafkajs" / "src" / "network" / "connection.js", t.dir / "main.js", t.port()
    connection.parent.mkdir(parents=True)
    connection.write_text(OLD_KAFKAJS)
    main.write_text(OLD_KAFKAJS_SERVER)
    t.start("web", ["node", main, port], port)
    t.equal(t.get(port, "/1", "/2", "/3"), [(200, b"ok\n")] * 3, "answers")
    t.spans(3).count("web", server=3)
