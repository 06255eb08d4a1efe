"""A Tornado server that asks a far side one to three times for each request, after some milliseconds."""
import asyncio
import os
import random
import sys

from tornado import httpclient, web

FAR = os.environ["FAR"]


async def call(number, turn):
    await asyncio.sleep(random.random() * 0.005)
    await httpclient.AsyncHTTPClient().fetch(f"{FAR}/call/{number}/{turn}", request_timeout=60, connect_timeout=60)


class Fan(web.RequestHandler):
    async def get(self, number):
        calls = random.randint(1, 3)
        await asyncio.sleep(random.random() * 0.005)
        await call(number, 0)
        await asyncio.gather(*(call(number, turn) for turn in range(1, calls)))
        self.write("near\n")


async def main():
    # Fewer at once than are asked for: the rest waits for another request's end.
    httpclient.AsyncHTTPClient.configure(None, max_clients=32)
    web.Application([(r"/fan/(\d+)", Fan)]).listen(int(sys.argv[1]), "127.0.0.1", backlog=1024)
    await asyncio.Event().wait()


asyncio.run(main())
