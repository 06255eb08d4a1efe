"""An aiohttp server that asks a far side one to three times for each request, after some milliseconds."""
import asyncio
import os
import random
import sys

import aiohttp
from aiohttp import web

FAR = os.environ["FAR"]


async def call(app, number, turn):
    await asyncio.sleep(random.random() * 0.005)
    async with app["client"].get(f"{FAR}/call/{number}/{turn}") as answer:
        await answer.read()


async def fan(request):
    number = request.match_info["number"]
    calls = random.randint(1, 3)
    await asyncio.sleep(random.random() * 0.005)
    await call(request.app, number, 0)
    await asyncio.gather(*(call(request.app, number, turn) for turn in range(1, calls)))
    return web.Response(text="near\n")


async def session(app):
    app["client"] = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32, ssl=False))
    yield
    await app["client"].close()


def main():
    if "uvloop" in sys.argv:
        import uvloop
        uvloop.install()
    app = web.Application()
    app.router.add_get("/fan/{number}", fan)
    app.cleanup_ctx.append(session)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None, backlog=1024)


main()
