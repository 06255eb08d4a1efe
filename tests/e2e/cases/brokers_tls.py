"""Brokers inside TLS: the same spans and contexts as in clear, of clients whose TLS library is seen."""
import amqp
import kafka
import mqtt
import nats
from brokers import ENVIRONMENT, background, handed_over, needs, node, python, said
from harness import case
from tls_apps import Certificates


def trusted(c):
    return {**ENVIRONMENT, **c.trusted(), "TLS_CA": c.ca}


def publish_and_receive(t, c, sender, receiver, where, count, want):
    """`where` are the arguments of both between their verb and the number of messages."""
    env = trusted(c)
    process = background(t, "receiver", [*receiver, "receive", *where, count + 1], env=env)
    t.run("sender", [*sender, "publish", *where, count], env=env)
    # asyncio has something to say of its own.
    t.equal(said(t, process).splitlines(True)[0], want, "what was received")


def nats_tls(t, sender, receiver, *lines):
    needs(t, "nats", "node:nats")
    c = Certificates(t)
    far = nats.server(t, f'tls {{ cert_file: "{c.server}", key_file: "{c.server}" }}', *lines)
    publish_and_receive(t, c, sender("nats"), receiver("nats"), [far.address], nats.PUBLISHED, nats.SAID)
    nats.check_spans(t, far)


def mqtt_tls(t, sender, receiver):
    needs(t, "paho.mqtt", "node:mqtt")
    c = Certificates(t)
    far = mqtt.server(t, f"certfile {c.server}", f"keyfile {c.server}")
    want = f"{mqtt.PUBLISHED + 1} {mqtt.BYTES} {mqtt.PUBLISHED // 3}\n"
    publish_and_receive(t, c, sender("mqtt"), receiver("mqtt"), [far.port, 5], mqtt.PUBLISHED, want)
    handed_over(t, t.spans(2 * (mqtt.PUBLISHED + 1)), "sender", "receiver", "orders/1", mqtt.PUBLISHED + 1)


def amqp_tls(t, sender, receiver):
    needs(t, "pika", "node:amqplib")
    c = Certificates(t)
    far = amqp.server(t, tls=c)
    publish_and_receive(t, c, sender("amqp"), receiver("amqp"), [far.address], amqp.PUBLISHED, amqp.SAID)
    spans = t.spans_at_least(2 * (amqp.PUBLISHED + 1))
    spans.all[:] = [s for s in spans.all if s["attributes"]["messaging.destination.name"] != "nowhere"]
    handed_over(t, spans, "sender", "receiver", "orders:order.new", amqp.PUBLISHED + 1, "orders:order.new:work")
    amqp.check_attributes(t, spans)


def secure_kafka(t, c):
    return kafka.server(t, "ssl.keystore.type=PEM", f"ssl.keystore.location={c.server}", "ssl.truststore.type=PEM",
                        f"ssl.truststore.location={c.ca}", listen="SSL")


def kafka_tls(t, sender, receiver):
    needs(t, "kafka", "node:kafkajs")
    c = Certificates(t)
    kafka.both(t, sender, receiver, secure_kafka(t, c), trusted(c))


def in_python(protocol):
    return python(f"{protocol}-client-python")


def in_node(protocol):
    return node(f"{protocol}-client-node")


PROGRAMS = ["python3", "node", "openssl"]
for program, name, run in (("nats-server", "NATS", nats_tls), ("mosquitto", "MQTT 5", mqtt_tls), (amqp.SERVER, "RabbitMQ", amqp_tls)):
    case(f"{name} inside TLS, Python to Node: each message is one trace of two spans", [program, *PROGRAMS],
         name=f"{run.__name__}_python")(lambda t, run=run: run(t, in_python, in_node))
    case(f"{name} inside TLS, Node to Python: each message is one trace of two spans", [program, *PROGRAMS],
         name=f"{run.__name__}_node")(lambda t, run=run: run(t, in_node, in_python))


@case("Kafka inside TLS, kafka-python to kafkajs: each message is counted, and linked to the request that it was sent in",
      [*kafka.NEEDS, *PROGRAMS], name="kafka_tls_python")
def kafka_python(t):
    kafka_tls(t, "python", "node")


@case("Kafka inside TLS, kafkajs to kafka-python: the same", [*kafka.NEEDS, *PROGRAMS], name="kafka_tls_node")
def kafka_node(t):
    kafka_tls(t, "node", "python")


def kcat(t, far, *options):
    """What librdkafka's own command sends and fetches; the requests that were sent, and links of what came."""
    options = ["-q", "-b", far.address, "-t", "orders", *options]
    lines = "".join(f"hello {i}\n" for i in range(30))
    t.run("sender", ["kcat", "-P", *options], stdin=lines.encode())
    t.equal(sorted(t.run("receiver", ["kcat", "-C", "-e", *options]).splitlines()), sorted(lines.splitlines()), "what was received")
    spans = t.spans_at_least(2)
    sent, received = spans.of("sender", "PRODUCER"), spans.of("receiver", "CONSUMER")
    t.equal((kafka.counted(sent), kafka.counted(received)), (30, 30), "messages")
    return {(s["trace_id"], s["span_id"]) for s in sent}, [link for s in received for link in s["links"]]


@case("kcat (librdkafka): each message is counted, and linked to the request that it was sent in", [*kafka.NEEDS, "kcat"],
      name="kafka_kcat")
def kafka_kcat(t):
    sent, linked = kcat(t, kafka.server(t))
    t.equal((set(linked), len(linked)), (sent, 30), "links")


@case("kcat inside TLS, where it writes a request piece by piece: each message is counted, without context",
      [*kafka.NEEDS, "kcat", "openssl"], name="kafka_tls_kcat")
def kafka_tls_kcat(t):
    c = Certificates(t)
    _, linked = kcat(t, secure_kafka(t, c), "-X", "security.protocol=ssl", "-X", f"ssl.ca.location={c.ca}")
    t.equal(linked, [], "links")


@case("mosquitto_pub and mosquitto_sub inside TLS: each message is one trace of two spans",
      ["mosquitto", "mosquitto_pub", "mosquitto_sub", "openssl"], name="mqtt_tls_c")
def mosquitto(t):
    c = Certificates(t)
    far = mqtt.server(t, f"certfile {c.server}", f"keyfile {c.server}")
    options = ["-h", "127.0.0.1", "-p", far.port, "-V", "mqttv5", "--cafile", c.ca, "-q", "1"]
    # Subscribed once, the server keeps what comes meanwhile.
    t.run("subscribe", ["mosquitto_sub", *options, "-t", "orders/#", "-i", "receiver", "-c", "-x", "600", "-E"])
    for i in range(5):
        t.run("sender", ["mosquitto_pub", *options, "-t", f"orders/{i}", "-m", f"hello {i}"])
    got = t.run("receiver", ["mosquitto_sub", *options, "-t", "orders/#", "-i", "receiver", "-c", "-x", "600", "-C", 5])
    t.equal(got, "".join(f"hello {i}\n" for i in range(5)), "what was received")
    spans = t.spans(10)
    sent = {(s["trace_id"], s["span_id"]) for s in spans.of("sender", "PRODUCER")}
    t.equal({(s["trace_id"], s["parent_id"]) for s in spans.of("receiver", "CONSUMER")}, sent, "parents")
    t.equal(len(sent), 5, "messages")
