"""RabbitMQ: a PRODUCER span for each message sent, a CONSUMER span for each one received, context in headers."""
import contextlib
import os
import socket
import subprocess
import time

from brokers import ENVIRONMENT, asked_at_once, background, handed_over, messages_of_requests, needs, node, python, said
from harness import PATH, Failure, case
from proxy import Recorder

SERVER = "/usr/lib/rabbitmq/bin/rabbitmq-server"
PUBLISHED = 30
BYTES = 300000 + sum(len(f"hello {i}") for i in range(PUBLISHED))
SAID = f"{PUBLISHED + 1} {BYTES} {PUBLISHED // 3}\n"
PIKA, AMQPLIB = python("amqp-client-python"), node("amqp-client-node")


def server(t, *lines, tls=None):
    """A broker of its own, with a port mapper of its own, since that one outlives it."""
    port, mapper, distribution = t.port(), t.port(), t.port()
    env = {"RABBITMQ_NODENAME": f"remora{port}@localhost", "RABBITMQ_NODE_PORT": port, "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
           "RABBITMQ_DIST_PORT": distribution, "ERL_EPMD_PORT": mapper, "ERL_EPMD_ADDRESS": "127.0.0.1",
           "RABBITMQ_MNESIA_BASE": t.dir / "mnesia", "RABBITMQ_LOG_BASE": t.dir / "log", "RABBITMQ_LOGS": "-",
           "RABBITMQ_ENABLED_PLUGINS_FILE": t.dir / "plugins", "RABBITMQ_CONF_ENV_FILE": "/dev/null",
           "RABBITMQ_PID_FILE": t.dir / "pid", "RABBITMQ_CONFIG_FILE": t.dir / "none"}
    if tls:
        lines = [*lines, "listeners.tcp = none", f"listeners.ssl.default = {port}", f"ssl_options.certfile = {tls.server}",
                 f"ssl_options.keyfile = {tls.server}", f"ssl_options.cacertfile = {tls.ca}", "ssl_options.verify = verify_none"]
        del env["RABBITMQ_NODE_PORT"]
    (t.dir / "plugins").write_text("[].")
    if lines:
        (t.dir / "rabbitmq.conf").write_text("\n".join([*lines, ""]))
        env["RABBITMQ_CONFIG_FILE"] = t.dir / "rabbitmq.conf"
    t.closers.append(lambda: subprocess.run(["epmd", "-port", str(mapper), "-kill"], env={**os.environ, "PATH": PATH},
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False))
    started = t.start("rabbitmq", [SERVER], agent=False, env=env)
    end = time.monotonic() + 90
    while time.monotonic() < end and started.popen.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            started.port, started.address = port, f"{'amqps' if tls else 'amqp'}://guest:guest@127.0.0.1:{port}/%2f"
            return started
        time.sleep(0.2)
    raise Failure(f"no broker:\n{t.tail(started.log)}")


def check_attributes(t, spans):
    for s in spans.all:
        sent = s["kind"] == "PRODUCER"
        spans.attributes(s, messaging__system="rabbitmq", messaging__operation__name="publish" if sent else "receive",
                         messaging__operation__type="send" if sent else "receive", server__address="127.0.0.1")
        t.check("guest" not in str(s["attributes"]), f"no password in {s['attributes']}")


@case("pika to amqplib, confirmed and unroutable: each message is one trace of two spans",
      [SERVER, "python3", "node"], name="amqp_python_to_node")
def python_to_node(t):
    needs(t, "pika", "node:amqplib")
    far = server(t)
    receiver = background(t, "receiver", [*AMQPLIB, "receive", far.address, PUBLISHED + 1])
    t.equal(t.run("sender", [*PIKA, "publish", far.address, PUBLISHED]), "1 came back\n", "what the sender says")
    t.equal(said(t, receiver), SAID, "what was received")
    spans = t.spans(2 * (PUBLISHED + 1) + 1)
    lost = [s for s in spans.of("sender", "PRODUCER") if s["attributes"]["messaging.destination.name"] == "nowhere"]
    t.equal(len(lost), 1, "the message that came back")
    spans.all.remove(lost[0])
    handed_over(t, spans, "sender", "receiver", "orders:order.new", PUBLISHED + 1, "orders:order.new:work")
    check_attributes(t, spans)
    t.equal(sorted(s["attributes"].get("messaging.message.id", "") for s in spans.of("receiver")),
            sorted([""] + [f"m-{i}" for i in range(PUBLISHED)]), "message ids")


@case("amqplib to pika: each message is one trace of two spans", [SERVER, "python3", "node"], name="amqp_node_to_python")
def node_to_python(t):
    needs(t, "pika", "node:amqplib")
    far = server(t)
    receiver = background(t, "receiver", [*PIKA, "receive", far.address, PUBLISHED + 1])
    t.run("sender", [*AMQPLIB, "publish", far.address, PUBLISHED], env=ENVIRONMENT)
    t.equal(said(t, receiver), SAID, "what was received")
    spans = t.spans(2 * (PUBLISHED + 1))
    handed_over(t, spans, "sender", "receiver", "orders:order.new", PUBLISHED + 1, "orders:order.new:work")
    check_attributes(t, spans)
    t.equal(sorted(s["attributes"]["messaging.rabbitmq.message.delivery_tag"] for s in spans.of("receiver")),
            list(range(1, PUBLISHED + 2)), "delivery tags")


@case("py-amqp: a message that is sent for a request is below it; messages are taken one by one; what the broker gets",
      [SERVER, "python3"], name="amqp_requests")
def requests(t):
    needs(t, "pika", "amqp")
    far = server(t)
    proxy, port = Recorder(far.port), t.port()
    t.run("declares", [*PIKA, "get", far.address], agent=False)
    t.start("web", [*python("amqp-client-pyamqp"), f"127.0.0.1:{proxy.port}", port], port)
    t.get(port, *["/"] * 5, keep_alive=False)
    t.equal(t.run("getter", [*PIKA, "get", far.address]), "5\n", "what it says")
    sent = bytes(proxy.connections[0]["sent"])
    spans = t.spans(15)
    spans.linked("web", "PRODUCER", "web", "SERVER")
    handed_over(t, spans, "web", "getter", "orders:order.new", 5, "orders:order.new:work")
    for s in spans.of("web", "PRODUCER"):
        field = b"\x0btraceparentS\0\0\0\x37" + f"00-{s['trace_id']}-{s['span_id']}-03".encode()
        t.equal(sent.count(field), 1, "headers with the context of a span")


@case("amqplib in a server: one loop sends what many requests give it, each below its own request", [SERVER, "node"],
      name="amqp_loop", agent_only=True)
def loop(t):
    needs(t, "node:amqplib")
    far, port = server(t), t.port()
    t.start("web", [*AMQPLIB, "serve", far.address, port], port, env=ENVIRONMENT)
    asked_at_once(t, port, 20)
    messages_of_requests(t, t.spans(40), "web", lambda s: s["attributes"]["messaging.destination.name"].rpartition(".")[2])


@case("amqplib below a library that publishes in the context of others: no message is below a request", [SERVER, "node"],
      name="amqp_managed", agent_only=True)
def managed(t):
    needs(t, "node:amqplib")
    far, port = server(t), t.port()
    library = t.dir / "node_modules" / "amqp-connection-manager" / "index.js"
    library.parent.mkdir(parents=True)
    library.write_text("")
    program, main, *_ = AMQPLIB
    t.start("web", [program, "-r", library, main, "serve", far.address, port], port, env=ENVIRONMENT)
    asked_at_once(t, port, 5)
    t.spans(10).count("web", server=5).roots("web", "PRODUCER")


def below_requests(t, program, library):
    needs(t, library)
    far, port = server(t), t.port()
    t.start("web", [*python(program), far.address, port], port, env=ENVIRONMENT)
    asked_at_once(t, port, 20)
    messages_of_requests(t, t.spans(40), "web", lambda s: s["attributes"]["messaging.destination.name"].rpartition(".")[2])


@case("aio-pika in a server: one loop sends what many requests give it, each below its own request", [SERVER, "python3"],
      name="amqp_aio", agent_only=True)
def aio(t):
    needs(t, "aiohttp")
    below_requests(t, "amqp-client-python-aio", "aio_pika")


@case("pika in a server of threads: the connection's thread, which the first request began, sends for all, each below its own request",
      [SERVER, "python3"], name="amqp_threads", agent_only=True)
def threads(t):
    below_requests(t, "amqp-client-python-threads", "pika")
