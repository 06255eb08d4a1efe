"""main.py URL COUNT...: fetches it COUNT times at once, for each COUNT, each in a stream of one HTTP/2 connection."""
import asyncio
import sys

import httpx


async def main(url, counts):
    limits = httpx.Limits(max_connections=1)
    async with httpx.AsyncClient(http1=False, http2=True, verify=False, limits=limits) as client:
        for count in counts:
            for answer in await asyncio.gather(*(client.get(url) for _ in range(count))):
                sys.stdout.write(answer.text)


asyncio.run(main(sys.argv[1], [int(count) for count in sys.argv[2:]]))
