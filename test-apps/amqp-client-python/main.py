"""RabbitMQ as Python programs use it, with pika.

main.py publish URL N    publishes N messages to the exchange orders, every third with a header, and a long one; confirmed
main.py receive URL N    prints, of the first N messages of the queue work, how many there were and the bytes of them
main.py get URL          takes what is in the queue work one by one, and prints how many there were
main.py sizes URL N      publishes one message each of all lengths around the N bytes that the broker takes, and one each with
                         headers of all lengths around the frames of 4096 bytes in which it receives them, and prints how
                         many of each came, and the longest
"""
import sys

import pika


def declare(channel):
    channel.exchange_declare("orders", "topic")
    channel.queue_declare("work")
    channel.queue_bind("work", "orders", "order.*")


def publish(channel, count):
    channel.confirm_delivery()
    for i in range(count):
        headers = {"kind": "note", "number": i, "flag": True, "list": [1, "a"]} if i % 3 == 0 else None
        channel.basic_publish("orders", "order.new", b"hello %d" % i, pika.BasicProperties(headers=headers, message_id=f"m-{i}"))
    channel.basic_publish("orders", "order.new", b"x" * 300000)
    try:
        channel.basic_publish("", "nowhere", b"lost", mandatory=True)
    except pika.exceptions.UnroutableError as error:
        print(len(error.messages), "came back")


def receive(channel, count):
    got = []

    def on_message(channel, method, properties, body):
        got.append((len(body), "kind" in (properties.headers or {})))
        channel.basic_ack(method.delivery_tag)
        if len(got) == count:
            channel.stop_consuming()

    channel.basic_qos(prefetch_count=10)
    channel.basic_consume("work", on_message)
    print("ready", flush=True)
    channel.start_consuming()
    print(len(got), sum(n for n, _ in got), sum(kind for _, kind in got))


def get(channel):
    count = 0
    while channel.basic_get("work", auto_ack=True)[0]:
        count += 1
    print(count)


def taken(url, body, properties):
    """Is such a message taken? One that is too long costs the channel."""
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    channel.confirm_delivery()
    try:
        channel.basic_publish("", "work", body, properties)
    except pika.exceptions.AMQPError:
        return False
    connection.close()
    return True


def sizes(channel, limit, url):
    bodies = [n for n in range(limit - 120, limit + 20, 3) if taken(url, b"x" * n, None)]
    heads = [n for n in range(3950, 4050) if taken(url, b"x", pika.BasicProperties(headers={"kind": "x" * n}))]
    small = pika.URLParameters(url)
    small.frame_max = 4096
    receiver = pika.BlockingConnection(small)
    got = []
    for _, properties, body in receiver.channel().consume("work", auto_ack=True, inactivity_timeout=20):
        got.append(len((properties.headers or {}).get("kind", "")) or len(body))
        if len(got) == len(bodies) + len(heads):
            break
    receiver.close()
    print(len(bodies), max(bodies), len(heads), max(heads), sum(got))


def main(what, url, *arguments):
    arguments = [*(int(a) for a in arguments), *([url] if what == "sizes" else [])]
    connection = pika.BlockingConnection(pika.URLParameters(url))
    channel = connection.channel()
    declare(channel)
    globals()[what](channel, *arguments)
    connection.close()


main(*sys.argv[1:])
