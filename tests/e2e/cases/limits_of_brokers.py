"""
Limits of a topic, a stream or a receiver, which a broker does not tell those who send: with the agent as much is taken as
without it, to the byte.
"""
import amqp
import kafka
import mqtt
import nats
from brokers import ENVIRONMENT, needs, python
from harness import case


def sizes(t, program, far, limit, agent=True, **settings):
    said = t.run("sizes", [*python(program), "sizes", far, limit], agent=agent, env={**ENVIRONMENT, **settings})
    return [int(word) for word in said.split()]


def alike(t, program, far, limit):
    """What is taken, without the agent and with it."""
    without = sizes(t, program, far, limit, agent=False)
    t.equal(sizes(t, program, far, limit), without, f"what is taken with a limit of {limit}")
    return without


@case("Kafka: a topic takes as long batches with the agent as without it", [*kafka.NEEDS, "python3"], name="kafka_topic")
def kafka_topic(t):
    needs(t, "kafka")
    far = kafka.server(t).address
    for limit in (10000, 4096):
        count, longest = alike(t, "kafka-client-python", far, limit)
        t.equal(sizes(t, "kafka-client-python", far, limit, REMORA_MESSAGE_LIMIT=1000000), [count - 1, longest],
                "with a setting that promises too much one is refused, and no more on its connection")


@case("NATS: a stream takes as long messages with the agent as without it", ["nats-server", "python3"], name="nats_stream")
def nats_stream(t):
    needs(t, "nats")
    far = nats.server(t, f'jetstream {{ store_dir: "{t.dir / "js"}" }}').address
    for limit in (10000, 4096):
        count, longest = alike(t, "nats-client-python", far, limit)
        ours = sizes(t, "nats-client-python", far, limit, REMORA_MESSAGE_LIMIT=1000000)
        t.check(ours[0] < count and ours[1] < longest, f"with a setting that promises too much fewer are taken: {ours}")


@case("MQTT 5: who takes only packets of some length gets as many with the agent as without it", ["mosquitto", "python3"],
      name="mqtt_receiver")
def mqtt_receiver(t):
    needs(t, "paho.mqtt")
    far = mqtt.server(t).port
    for limit in (512, 1024, 4095):
        alike(t, "mqtt-client-python", far, limit)


@case("RabbitMQ: bodies as long as it takes, and headers up to the frames of who receives them, are taken as without the agent",
      [amqp.SERVER, "python3"], name="amqp_frames")
def amqp_frames(t):
    needs(t, "pika")
    alike(t, "amqp-client-python", amqp.server(t, "max_message_size = 1000").address, 1000)
