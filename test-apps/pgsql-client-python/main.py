"""PostgreSQL as Python programs use it, each through the library named: psycopg2, psycopg or asyncpg.

main.py LIBRARY URL        does a few things and says what came back
main.py LIBRARY URL PORT   serves GET / on PORT, each by one query (psycopg2)
main.py cancel URL         what a slow query is asked to stop by, once the server runs it (psycopg)
"""
import asyncio
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer


def with_psycopg2(url):
    import psycopg2
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO orders (id, note) VALUES (%s, %s)", (1, "hunter2"))
        cursor.execute("SELECT note FROM orders WHERE id IN (%s, %s)", (1, 2))
        print(cursor.fetchall())
    try:
        connection.cursor().execute("SELECT * FROM nowhere")
    except psycopg2.Error as error:
        print(error.pgcode)
    connection.close()


def with_psycopg(url):
    import psycopg
    with psycopg.connect(url, autocommit=True) as connection:
        for i in range(10):  # prepared after the fifth
            print(connection.execute("SELECT %s::int + 1", (i,)).fetchone()[0], end=" ")
        with connection.pipeline():
            for i in range(5):
                connection.execute("INSERT INTO orders (id, note) VALUES (%s, %s)", (10 + i, "hunter2"))
        with connection.cursor().copy("COPY orders (id, note) FROM STDIN") as copy:
            for i in range(1000):
                copy.write_row((100 + i, "hunter2"))
        print(connection.execute("SELECT count(*) FROM orders").fetchone()[0])


def cancel(url):
    import psycopg
    import threading
    with psycopg.connect(url, autocommit=True) as connection, psycopg.connect(url, autocommit=True) as other:
        me = connection.info.backend_pid

        def stop():
            while not other.execute("SELECT 1 FROM pg_stat_activity WHERE pid = %s AND wait_event = 'PgSleep'", (me,)).fetchone():
                pass
            connection.cancel_safe()

        thread = threading.Thread(target=stop)
        thread.start()
        try:
            connection.execute("SELECT pg_sleep(600)")
        except psycopg.errors.QueryCanceled as error:
            print(error.sqlstate, connection.execute("SELECT 'hunter2'").fetchone()[0])
        thread.join()


async def with_asyncpg(url):
    import asyncpg
    connection = await asyncpg.connect(url)
    for i in range(5):
        await connection.fetch("SELECT * FROM orders WHERE id = $1", i)
    async with connection.transaction():
        async for row in connection.cursor("SELECT g FROM generate_series(1, 120) g", prefetch=50):
            last = row["g"]
    print(last)
    try:
        await connection.execute("INSERT INTO orders (id) VALUES ($1), ($1)", 7777)
    except asyncpg.PostgresError as error:
        print(error.sqlstate)
    await connection.close()


def serve(url, port):
    import psycopg2
    connection = psycopg2.connect(url)
    connection.autocommit = True

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            with connection.cursor() as cursor:
                cursor.execute("SELECT count(*) FROM orders")
                body = str(cursor.fetchone()[0]).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *arguments):
            pass

    HTTPServer(("127.0.0.1", port), Handler).serve_forever()


def main():
    library, url = sys.argv[1:3]
    if len(sys.argv) > 3:
        serve(url, int(sys.argv[3]))
    elif library == "asyncpg":
        asyncio.run(with_asyncpg(url))
    else:
        {"psycopg2": with_psycopg2, "psycopg": with_psycopg, "cancel": cancel}[library](url)


main()
