"""An ASGI application that asks a far side one to three times for each request, after some milliseconds."""
import asyncio
import os
import random

FAR = os.environ["FAR"]
CLIENT = os.environ.get("CLIENT", "httpx")
client = late = None
tasks = []


async def get(url):
    global client
    if CLIENT == "httpx":
        import httpx
        if client is None:
            client = httpx.AsyncClient(timeout=60, verify=False, trust_env=False,
                                       limits=httpx.Limits(max_connections=32, max_keepalive_connections=32))
        return (await client.get(url)).content
    import aiohttp
    if client is None:
        client = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=32, ssl=False))
    async with client.get(url) as answer:
        return await answer.read()


async def call(number, turn):
    await asyncio.sleep(random.random() * 0.005)
    await get(f"{FAR}/call/{number}/{turn}")


async def work_off(jobs):
    while True:
        number, turn, done = await jobs.get()
        await call(number, turn)
        done.set_result(None)


async def by_late_task(number, calls):
    """By tasks for all requests, which the first one starts and then takes its time."""
    global late
    first = late is None
    if first:
        late = asyncio.Queue()
        tasks.extend(asyncio.create_task(work_off(late)) for _ in range(8))
    waits = [asyncio.get_running_loop().create_future() for _ in range(calls)]
    for turn, done in enumerate(waits):
        late.put_nowait((number, turn, done))
    await asyncio.gather(*waits)
    if first:
        await asyncio.sleep(1)


async def look_after(jobs):
    while True:
        if jobs:
            number, turn, done = jobs.pop()
            await call(number, turn)
            done.set_result(None)
        await asyncio.sleep(0.001)


async def by_polling_task(number, calls):
    """The same by tasks that look for work again and again, and wait for nothing but time."""
    global late
    first = late is None
    if first:
        late = []
        tasks.extend(asyncio.create_task(look_after(late)) for _ in range(8))
    waits = [asyncio.get_running_loop().create_future() for _ in range(calls)]
    late.extend((number, turn, done) for turn, done in enumerate(waits))
    await asyncio.gather(*waits)
    if first:
        await asyncio.sleep(1)


async def read_and_call(receive, number, calls):
    while (await receive()).get("more_body"):
        pass
    for turn in range(calls):
        await call(number, turn)


async def flush(jobs, wake):
    while True:
        await wake.wait()
        wake.clear()
        while jobs:
            number, turn, done = jobs.pop()
            await call(number, turn)
            done.set_result(None)


async def by_batch(number, calls):
    """By a task that gathers what all requests want, and is woken by an event."""
    global late
    first = late is None
    if first:
        late = [], asyncio.Event()
        tasks.append(asyncio.create_task(flush(*late)))
    waits = [asyncio.get_running_loop().create_future() for _ in range(calls)]
    late[0].extend((number, turn, done) for turn, done in enumerate(waits))
    late[1].set()
    await asyncio.gather(*waits)
    if first:
        await asyncio.sleep(1)


async def app(scope, receive, send):
    if scope["type"] != "http":
        return
    _, how, number = scope["path"].split("/")
    calls = random.randint(1, 3)
    await asyncio.sleep(random.random() * 0.005)
    if how == "reading":
        await asyncio.create_task(read_and_call(receive, number, calls))
    elif how == "polling":
        await by_polling_task(number, calls)
    elif how == "late":
        await by_late_task(number, calls)
    elif how == "batch":
        await by_batch(number, calls)
    else:
        await call(number, 0)
        await asyncio.gather(*(call(number, turn) for turn in range(1, calls)))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"near\n"})
