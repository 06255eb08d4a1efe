"""NATS as Python programs use it, with nats.py.

main.py publish URL N    publishes N messages on orders.1, every third with a header, and one that is long
main.py receive URL N    prints, of the first N messages of orders.*, how many there were and the bytes of them
main.py request URL      asks on stock.count, and prints the answer
main.py answer URL       answers one such question, as one of a group
main.py stream URL N     publishes N messages into a stream and takes them out of it, as a durable consumer
main.py sizes URL N       makes a stream that takes messages of N bytes, publishes one each of all lengths around that, and
                         prints how many of them it took, and the longest
"""
import asyncio
import sys

import nats


async def publish(client, count):
    for i in range(count):
        await client.publish("orders.1", b"hello %d" % i, headers={"Kind": "note"} if i % 3 == 0 else None)
    await client.publish("orders.1", b"x" * 200000)
    await client.flush()


async def receive(client, count):
    subscription = await client.subscribe("orders.*")
    await client.flush()
    print("ready", flush=True)
    got = [await subscription.next_msg(timeout=30) for _ in range(count)]
    print(len(got), sum(len(m.data) for m in got), sum("Kind" in (m.headers or {}) for m in got))


async def request(client):
    answer = await client.request("stock.count", b"rope", timeout=10)
    print(answer.data.decode())


async def answer(client):
    subscription = await client.subscribe("stock.count", "workers")
    await client.flush()
    print("ready", flush=True)
    question = await subscription.next_msg(timeout=30)
    await question.respond(b"7 of " + question.data)
    await client.flush()


async def stream(client, count):
    js = client.jetstream()
    await js.add_stream(name="ORDERS", subjects=["stream.*"])
    for i in range(count):
        await js.publish("stream.1", b"%d" % i)
    subscription = await js.pull_subscribe("stream.*", "pull")
    messages = await subscription.fetch(count, timeout=10)
    for message in messages:
        await message.ack()
    print(len(messages), b" ".join(m.data for m in messages).decode())


async def sizes(client, limit):
    js, taken = client.jetstream(), []
    await js.add_stream(name="SMALL", subjects=["small.*"], max_msg_size=limit)
    for size in range(limit - 150, limit + 20):
        try:
            await js.publish("small.1", b"x" * size)
            taken.append(size)
        except nats.js.errors.APIError:
            pass
    await js.delete_stream("SMALL")
    print(len(taken), max(taken))


async def main(what, url, *arguments):
    client = await nats.connect(url)
    await globals()[what](client, *(int(a) for a in arguments))
    await client.close()


asyncio.run(main(*sys.argv[1:]))
