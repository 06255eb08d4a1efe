"""MQTT: a PRODUCER span for each message sent, a CONSUMER span for each one received, context in user properties of version 5."""
from brokers import ENVIRONMENT, background, handed_over, needs, node, python, said
from harness import case

PUBLISHED = 30
BYTES = 200000 + sum(len(f"hello {i}") for i in range(PUBLISHED))
PAHO, MQTT_JS = python("mqtt-client-python"), node("mqtt-client-node")


def server(t, *lines):
    port = t.port()
    config = t.dir / "mosquitto.conf"
    config.write_text("\n".join([f"listener {port} 127.0.0.1", "allow_anonymous true", "persistence false", *lines, ""]))
    return t.start("mosquitto", ["mosquitto", "-c", config], port, agent=False)


def publish_and_receive(t, sender, receiver, version, *lines):
    far = server(t, *lines)
    process = background(t, "receiver", [*receiver, "receive", far.port, version, PUBLISHED + 1])
    t.run("sender", [*sender, "publish", far.port, version, PUBLISHED], env=ENVIRONMENT)
    t.equal(said(t, process), f"{PUBLISHED + 1} {BYTES} {PUBLISHED // 3 if version == 5 else 0}\n", "what was received")
    spans = t.spans(2 * (PUBLISHED + 1))
    for s in spans.all:
        sent = s["kind"] == "PRODUCER"
        t.equal(s["name"], "publish orders/1" if sent else "receive orders/1", "name")
        spans.attributes(s, messaging__system="mqtt", messaging__operation__type="send" if sent else "receive",
                         messaging__client__id="sender" if sent else "receiver", server__address="127.0.0.1", server__port=far.port)
    return spans


@case("paho-mqtt to mqtt.js, version 5: each message is one trace of two spans", ["mosquitto", "python3", "node"], name="mqtt_python_to_node")
def python_to_node(t):
    needs(t, "paho.mqtt", "node:mqtt")
    spans = publish_and_receive(t, PAHO, MQTT_JS, 5)
    handed_over(t, spans, "sender", "receiver", "orders/1", PUBLISHED + 1)


@case("mqtt.js to paho-mqtt, version 5: each message is one trace of two spans", ["mosquitto", "python3", "node"], name="mqtt_node_to_python")
def node_to_python(t):
    needs(t, "paho.mqtt", "node:mqtt")
    spans = publish_and_receive(t, MQTT_JS, PAHO, 5)
    handed_over(t, spans, "sender", "receiver", "orders/1", PUBLISHED + 1)


@case("MQTT 3.1.1 carries no context: the same messages, each with spans of its own trace", ["mosquitto", "python3", "node"], name="mqtt_3")
def version_3(t):
    needs(t, "paho.mqtt", "node:mqtt")
    spans = publish_and_receive(t, PAHO, MQTT_JS, 3)
    t.equal(len({s["trace_id"] for s in spans.all}), len(spans.all), "traces")
    t.check(not any(s["links"] for s in spans.all), "no links")


@case("MQTT 5: a message that is as large as the server takes stays as it is", ["mosquitto", "python3"], name="mqtt_max_packet")
def max_packet(t):
    needs(t, "paho.mqtt")
    spans = publish_and_receive(t, PAHO, PAHO, 5, "max_packet_size 200040")
    sent = {s["span_id"]: s for s in spans.of("sender", "PRODUCER")}
    below = [s for s in spans.of("receiver", "CONSUMER") if s["parent_id"] in sent]
    t.equal((len(below), len(spans.of("receiver"))), (PUBLISHED, PUBLISHED + 1), "messages with context")
