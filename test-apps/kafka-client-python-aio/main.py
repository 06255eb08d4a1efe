"""Kafka in a server of one loop, with aiokafka. main.py SERVER PORT answers GET /N after it sent N messages, all of them at once."""
import asyncio
import sys

from aiohttp import web
from aiokafka import AIOKafkaProducer


async def handle(request):
    sent = [await request.app["producer"].send("orders", b"from a request", partition=0) for _ in range(int(request.match_info["number"]))]
    await asyncio.gather(*sent)
    return web.Response(text="ok\n")


async def serve(server, port):
    app = web.Application()
    app["producer"] = AIOKafkaProducer(bootstrap_servers=server, client_id="sender")
    await app["producer"].start()
    app.router.add_get("/{number}", handle)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    await asyncio.Event().wait()


asyncio.run(serve(sys.argv[1], int(sys.argv[2])))
