"""An ASGI application that asks NEXT for the path that it was asked for, with httpx."""
import asyncio
import os
import random

import httpx

client = None


async def app(scope, receive, send):
    global client
    if scope["type"] != "http":
        return
    if client is None:
        client = httpx.AsyncClient(trust_env=False, timeout=60, limits=httpx.Limits(max_connections=None))
    await asyncio.sleep(random.random() * 0.003)
    body = (await client.get(os.environ["NEXT"] + scope["path"])).content
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", str(len(body)).encode())]})
    await send({"type": "http.response.body", "body": body})
