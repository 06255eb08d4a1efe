"""RabbitMQ in a server of one loop, with aio-pika. main.py URL PORT answers GET /N after it published a message to order.N."""
import asyncio
import sys

import aio_pika
from aiohttp import web

KINDS = {"kind": "note", "number": 1}


async def handle(request):
    number = int(request.match_info["number"])
    await asyncio.sleep(0.001 * (number % 5))
    await request.app["orders"].publish(aio_pika.Message(b"from a request", headers=KINDS if number % 2 else None), f"order.{number}")
    return web.Response(text="ok\n")


async def serve(url, port):
    connection = await aio_pika.connect_robust(url)
    channel = await connection.channel()
    app = web.Application()
    app["orders"] = await channel.declare_exchange("orders", "topic")
    app.router.add_get("/{number}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
