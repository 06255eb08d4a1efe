"""An aiohttp server: one route on asyncio's loop."""
import sys

from aiohttp import web


async def hello(request):
    return web.Response(text="hello\n")


def main():
    app = web.Application()
    app.router.add_get("/hello", hello)
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)


main()
