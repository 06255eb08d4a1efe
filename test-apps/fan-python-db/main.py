"""An ASGI application that asks the database at DB one to three times for each request, with DRIVER, over connections
that all requests share: asyncpg, psycopg (asynchronous, one of four connections), redis (asyncio), sqlalchemy (asyncpg);
thread-NAME: what questions.py has of that name, in threads of anyio."""
import asyncio
import os
import random

import questions

opened = None


async def open_asyncpg():
    import asyncpg
    pool = await asyncpg.create_pool(questions.URL, min_size=4, max_size=4)
    return lambda code: pool.fetch("SELECT note($1)", "Z" + code)


async def open_asyncpg_simple():
    import asyncpg
    pool = await asyncpg.create_pool(questions.URL, min_size=4, max_size=4)

    async def ask(code):
        async with pool.acquire() as connection, connection.transaction():
            await connection.execute(f"SELECT note('Z{code}')")
    return ask


async def open_psycopg():
    import psycopg
    four = [await psycopg.AsyncConnection.connect(questions.URL, autocommit=True) for _ in range(4)]

    async def ask(code):
        await random.choice(four).execute("SELECT note(%s)", ["Z" + code])
    return ask


async def open_psycopg_pool():
    import psycopg_pool
    pool = psycopg_pool.AsyncConnectionPool(questions.URL, min_size=4, max_size=4, kwargs={"autocommit": True}, open=False)
    await pool.open()

    async def ask(code):
        async with pool.connection() as connection:
            await connection.execute("SELECT note(%s)", ["Z" + code])
    return ask


async def open_aiomysql():
    import aiomysql
    from urllib.parse import urlsplit
    parts = urlsplit(questions.URL)
    pool = await aiomysql.create_pool(4, 4, host=parts.hostname, port=parts.port, user=parts.username, password=parts.password,
                                      db=parts.path[1:])

    async def ask(code):
        async with pool.acquire() as connection, connection.cursor() as cursor:
            await cursor.execute("CALL note(%s)", [20000 + int(code, 36)])
    return ask


async def open_redis():
    import redis.asyncio
    pool = redis.asyncio.BlockingConnectionPool.from_url(questions.URL, max_connections=4)
    client = redis.asyncio.Redis(connection_pool=pool)
    return lambda code: client.eval(questions.NOTE, 0, code)


async def open_sqlalchemy():
    import sqlalchemy
    import sqlalchemy.ext.asyncio
    url = questions.URL.replace("postgresql:", "postgresql+asyncpg:").partition("?")[0]
    engine = sqlalchemy.ext.asyncio.create_async_engine(url, pool_size=4, max_overflow=0, isolation_level="AUTOCOMMIT")

    async def ask(code):
        async with engine.connect() as connection:
            await connection.execute(sqlalchemy.text("SELECT note(:code)"), {"code": "Z" + code})
    return ask


async def open_thread(name):
    import anyio.to_thread
    ask = questions.asker(name)
    return lambda number: anyio.to_thread.run_sync(ask, number)


async def call(number):
    code = questions.code_of(number)
    ask = await opened
    if os.environ["DRIVER"].startswith("thread-"):
        return await ask(number)
    try:
        await ask(code)
    except Exception as error:
        return questions.check(error, code)
    raise RuntimeError("not refused")


def open_driver():
    name = os.environ["DRIVER"]
    if name.startswith("thread-"):
        return open_thread(name[len("thread-"):])
    return globals()["open_" + name]()


async def app(scope, receive, send):
    global opened
    if scope["type"] == "lifespan":
        await receive()
        opened = asyncio.ensure_future(open_driver())
        await opened
        await send({"type": "lifespan.startup.complete"})
        await receive()
        return await send({"type": "lifespan.shutdown.complete"})
    number = int(scope["path"].rsplit("/", 1)[1])
    await asyncio.sleep(random.random() * 0.005)
    await call(number)
    await asyncio.gather(*(call(number) for _ in range(number % 3)))
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"near\n"})
