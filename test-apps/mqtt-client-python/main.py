"""MQTT as Python programs use it, with paho-mqtt.

main.py publish PORT VERSION N   publishes N messages to orders/1, of each quality of service in turn, and a long one
main.py receive PORT VERSION N   prints, of the first N messages to orders/+, how many there were and the bytes of them
main.py sizes PORT LIMIT          receives what it publishes, one message each of all lengths around the limit that it has
                                 for packets, and prints how many came, and the longest

With TLS_CA in the environment it speaks TLS, and trusts that.
"""
import os
import sys
import threading

import paho.mqtt.client as mqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties


def client(name, port, version, limit=None):
    made = mqtt.Client(name, protocol={3: mqtt.MQTTv311, 5: mqtt.MQTTv5}[version])
    properties = Properties(PacketTypes.CONNECT) if limit else None
    if limit:
        properties.MaximumPacketSize = limit
    if "TLS_CA" in os.environ:
        made.tls_set(os.environ["TLS_CA"])
    connected = threading.Event()
    made.on_connect = lambda *arguments: connected.set()
    made.connect("127.0.0.1", port, properties=properties)
    made.loop_start()
    connected.wait(20)
    return made


def publish(port, version, count):
    sender = client("sender", port, version)
    for i in range(count):
        properties = None
        if version == 5 and i % 3 == 0:
            properties = Properties(PacketTypes.PUBLISH)
            properties.UserProperty = ("kind", "note")
        sender.publish("orders/1", b"hello %d" % i, qos=i % 3, properties=properties).wait_for_publish(20)
    sender.publish("orders/1", b"x" * 200000, qos=1).wait_for_publish(20)
    sender.disconnect()
    sender.loop_stop()


def receive(port, version, count):
    receiver = client("receiver", port, version)
    got, done, ready = [], threading.Event(), threading.Event()

    def on_message(_, __, message):
        got.append((len(message.payload), ("kind", "note") in getattr(getattr(message, "properties", None), "UserProperty", [])))
        if len(got) == count:
            done.set()

    receiver.on_message = on_message
    receiver.on_subscribe = lambda *arguments: ready.set()
    receiver.subscribe("orders/+", qos=2)
    ready.wait(20)
    print("ready", flush=True)
    done.wait(60)
    print(len(got), sum(n for n, _ in got), sum(kind for _, kind in got))
    receiver.disconnect()
    receiver.loop_stop()


def sizes(port, limit):
    got, last, ready = [], threading.Event(), threading.Event()
    receiver, sender = client("receiver", port, 5, limit), client("sender", port, 5)

    def on_message(_, __, message):
        got.append(len(message.payload))
        if len(message.payload) == 1:
            last.set()

    receiver.on_message = on_message
    receiver.on_subscribe = lambda *arguments: ready.set()
    receiver.subscribe("orders/+", qos=0)
    ready.wait(20)
    for size in [*range(limit - 150, limit + 20), 1]:
        sender.publish("orders/1", b"x" * size, qos=1).wait_for_publish(20)
    last.wait(60)
    print(len(got), max(got))
    for each in (sender, receiver):
        each.disconnect()
        each.loop_stop()


if __name__ == "__main__":
    {"publish": publish, "receive": receive, "sizes": sizes}[sys.argv[1]](*(int(a) for a in sys.argv[2:]))
