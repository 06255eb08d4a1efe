"""main.py URL COUNT [URL...]: fetches each URL COUNT times with aiohttp, all at once.

aiohttp's TLS is asyncio's, which gives the library memory for a transport. The bodies are printed in order.
"""
import asyncio
import sys

import aiohttp

URLS = [sys.argv[1], *sys.argv[3:]]


async def fetch(session, url):
    async with session.get(url) as answer:
        return await answer.text()


async def main():
    # A new connection for each request: handshakes and requests of many peers are mixed.
    connector = aiohttp.TCPConnector(limit=64, force_close=True)
    async with aiohttp.ClientSession(connector=connector, trust_env=True) as session:
        for text in await asyncio.gather(*(fetch(session, url) for _ in range(int(sys.argv[2])) for url in URLS)):
            print(text, end="")


asyncio.run(main())
