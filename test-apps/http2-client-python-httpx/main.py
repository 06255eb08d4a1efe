"""main.py URL COUNT: fetches it COUNT times at once over HTTP/2, each in a stream of one connection."""
import asyncio
import sys

import httpx


async def main(url, count):
    async with httpx.AsyncClient(http1=False, http2=True, limits=httpx.Limits(max_connections=1)) as client:
        for answer in await asyncio.gather(*(client.get(url) for _ in range(count))):
            sys.stdout.write(answer.text)


asyncio.run(main(sys.argv[1], int(sys.argv[2])))
